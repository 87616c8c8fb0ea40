//! A prompt as a file: `*.prompt`, YAML front matter and a Handlebars template (contract section 2). Reads it, says what
//! is wrong and where, and prints it back byte for byte. Does not render templates and touches no disk.
//!
//! Start with [`PromptFile::parse`].

use std::fmt::Write as _;

use semver::Version;
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::front_matter::{self, Entry, Fault, Parts};
use super::prompt::{Name, Place, PromptKey, PromptUri, Scope};
use super::variables::Inputs;

/// Largest prompt file, in bytes.
pub const MAX_FILE: usize = 1024 * 1024;

/// The keys of ours, as they stand after `human.`.
const HUMAN_KEYS: [&str; 10] = [
    "scope",
    "org",
    "user",
    "version",
    "taskType",
    "autoTune",
    "consent",
    "requires",
    "extends",
    "protected",
];

/// Why a prompt file was refused: `file:line:column: what; next`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}; {}", self.place(), fault.what, fault.next)]
pub struct PromptFileError {
    /// The file, as the caller names it.
    pub file: String,
    /// What is wrong, and where in the file.
    pub fault: Fault,
}

impl PromptFileError {
    fn place(&self) -> String {
        let mut place = self.file.escape_debug().to_string();
        for number in [self.fault.line, self.fault.column].into_iter().flatten() {
            let _ = write!(place, ":{number}");
        }
        place
    }
}

/// The prompt that another one layers on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// By key: the nearest prompt of this key in a lower scope.
    Key(PromptKey),
    /// By identity, pinned to a version where it names one.
    Uri(PromptUri),
}

impl Base {
    /// The key of the base.
    pub fn key(&self) -> &PromptKey {
        match self {
            Base::Key(key) => key,
            Base::Uri(uri) => &uri.key,
        }
    }
}

impl std::fmt::Display for Base {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Base::Key(key) => key.fmt(f),
            Base::Uri(uri) => uri.fmt(f),
        }
    }
}

/// A prompt file that was read.
#[derive(Debug, Clone, PartialEq)]
pub struct PromptFile {
    /// Identity; its version is absent where the file names none.
    pub uri: PromptUri,
    /// What the prompt does, for people.
    pub description: Option<String>,
    /// The recommended model.
    pub model: Option<String>,
    /// Peers are the prompts of one task type; the key's first segment where the file names none.
    pub task_type: String,
    /// Whether an org prompt may be applied automatically at low risk.
    pub auto_tune: bool,
    /// Whether the user of a user patch consents to automatic application.
    pub consent: bool,
    /// Model capabilities that a call needs.
    pub requires: Vec<String>,
    /// The prompt that this one layers on.
    pub extends: Option<Base>,
    /// Passages of the template that a refinement must leave as they are.
    pub protected: Vec<String>,
    /// The declared variables.
    pub inputs: Inputs,
    /// Every entry of the front matter, `human.*` as dotted keys, unknown ones included.
    pub front: Map<String, Value>,
    text: String,
    parts: Parts,
}

impl PromptFile {
    /// Reads a file's bytes; `file` names it in errors. A byte order mark is dropped, everything else is kept.
    pub fn parse(file: &str, bytes: &[u8]) -> Result<PromptFile, PromptFileError> {
        let refuse = |fault| PromptFileError { file: file.to_owned(), fault };
        if bytes.len() > MAX_FILE {
            let what = format!("a prompt file has at most {MAX_FILE} bytes, this one has {}", bytes.len());
            let next = "move examples and documents into variables".to_owned();
            return Err(refuse(Fault { line: None, column: None, what, next }));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].split(|b| *b == b'\n').count() as u32;
            refuse(Fault::at(line, None, "the text is not UTF-8", "save the file as UTF-8"))
        })?;
        Self::read(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(refuse)
    }

    fn read(text: &str) -> Result<PromptFile, Fault> {
        let parts = front_matter::split(text)?;
        let entries = front_matter::entries(&text[parts.front..parts.close])?;
        let entries = front_matter::flatten(entries, "human")?;
        check_human_keys(&entries)?;
        let fields = Fields(&entries);
        let uri = fields.uri()?;
        let inputs = match fields.get("input") {
            None => Inputs::read(None),
            Some(entry) => Inputs::read(Some(&entry.value)),
        }
        .or_else(|what| fields.wrong("input", what, "write `input: { schema: { name: string } }`"))?;
        Ok(PromptFile {
            description: fields.text("description")?.map(str::to_owned),
            model: fields.text("model")?.map(str::to_owned),
            task_type: fields.text("human.taskType")?.unwrap_or(uri.key.first_segment()).to_owned(),
            auto_tune: fields.flag("human.autoTune")?,
            consent: fields.flag("human.consent")?,
            requires: fields.texts("human.requires")?,
            extends: fields.base()?,
            protected: fields.texts("human.protected")?,
            front: front_matter::to_map(&entries),
            uri,
            inputs,
            text: text.to_owned(),
            parts,
        })
    }

    /// The whole file as it was read, without a byte order mark.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The template: everything after the closing `---` line.
    pub fn template(&self) -> &str {
        &self.text[self.parts.template..]
    }

    /// The line of the file on which the template begins, from 1.
    pub fn template_line(&self) -> u32 {
        1 + self.text[..self.parts.template].matches('\n').count() as u32
    }

    /// SHA-256 of the canonical text (line ends as `\n`, no byte order mark), as 64 hex digits. Two files that differ
    /// only in line ends have one digest: a checkout on another system is not another prompt.
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for (i, line) in self.text.split("\r\n").enumerate() {
            if i > 0 {
                hash.update(b"\n");
            }
            hash.update(line.as_bytes());
        }
        hash.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    /// The same file with `human.version: version` written into it, all other bytes kept. Fails where the front matter
    /// is written in a form that has no line to add.
    pub fn with_version(&self, version: &Version) -> Result<PromptFile, Fault> {
        if self.uri.version.as_ref() == Some(version) {
            return Ok(self.clone());
        }
        let mut wanted = self.front.clone();
        wanted.insert("human.version".into(), Value::String(version.to_string()));
        for text in self.version_edits(version) {
            // An edit counts only if what is read back differs from this file in its version and in nothing else.
            if let Ok(edited) = Self::read(&text)
                && edited.uri.version.as_ref() == Some(version)
                && same_entries(&edited.front, &wanted)
                && edited.template() == self.template()
            {
                return Ok(edited);
            }
        }
        Err(Fault {
            line: Some(2),
            column: None,
            what: "the version cannot be written into this front matter".into(),
            next: format!("add a line `human.version: {version}` yourself"),
        })
    }

    /// The same front matter over another template.
    pub fn with_template(&self, template: &str) -> Result<PromptFile, Fault> {
        Self::read(&format!("{}{template}", &self.text[..self.parts.template]))
    }

    /// Texts that may be this file with another version: the old one replaced where it stands, else a line added.
    fn version_edits(&self, version: &Version) -> Vec<String> {
        let Parts { front, close, .. } = self.parts;
        let Some(old) = &self.uri.version else {
            let end = if self.text[..front].ends_with("\r\n") { "\r\n" } else { "\n" };
            return vec![format!(
                "{}human.version: {version}{end}{}",
                &self.text[..close],
                &self.text[close..]
            )];
        };
        let old = old.to_string();
        let head = &self.text[front..close];
        let found = head.match_indices(&old).filter(|(at, _)| head[..*at].contains("version"));
        found
            .take(16)
            .map(|(at, _)| {
                let at = front + at;
                format!("{}{version}{}", &self.text[..at], &self.text[at + old.len()..])
            })
            .collect()
    }

    /// Whether both files say the same but for the version: equal templates and equal entries.
    pub fn same_but_version(&self, other: &PromptFile) -> bool {
        let without = |file: &PromptFile| {
            let mut front = file.front.clone();
            front.remove("human.version");
            front
        };
        self.template() == other.template() && same_entries(&without(self), &without(other))
    }
}

/// Equality without regard to the order of entries.
fn same_entries(a: &Map<String, Value>, b: &Map<String, Value>) -> bool {
    a.len() == b.len() && a.iter().all(|(key, value)| b.get(key) == Some(value))
}

fn check_human_keys(entries: &[Entry]) -> Result<(), Fault> {
    for entry in entries {
        let Some(key) = entry.key.strip_prefix("human.") else { continue };
        if HUMAN_KEYS.contains(&key) {
            continue;
        }
        let nearest = HUMAN_KEYS
            .into_iter()
            .min_by_key(|known| strsim::osa_distance(&known.to_lowercase(), &key.to_lowercase()))
            .unwrap_or(HUMAN_KEYS[0]);
        let what = format!("unknown key `human.{}`", key.escape_debug());
        let next = format!("did you mean `human.{nearest}`? Known: {}", HUMAN_KEYS.join(", "));
        return Err(entry.fault(what, next));
    }
    Ok(())
}

/// The entries, asked for by key and kind.
struct Fields<'a>(&'a [Entry]);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a Entry> {
        self.0.iter().find(|e| e.key == key && !e.value.is_null())
    }

    fn wrong<T>(&self, key: &str, what: impl Into<String>, next: impl Into<String>) -> Result<T, Fault> {
        match self.get(key) {
            Some(entry) => Err(entry.fault(what, next)),
            None => Err(Fault::at(1, None, what, next)),
        }
    }

    fn text(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        match self.get(key).map(|e| (e, &e.value)) {
            None => Ok(None),
            Some((_, Value::String(text))) => Ok(Some(text)),
            Some((entry, _)) => Err(entry.fault(format!("`{key}` is not a text"), "put the value in quotes")),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, Fault> {
        match self.get(key).map(|e| (e, &e.value)) {
            None => Ok(false),
            Some((_, Value::Bool(flag))) => Ok(*flag),
            Some((entry, _)) => {
                Err(entry.fault(format!("`{key}` is neither true nor false"), "write `true` or `false`"))
            }
        }
    }

    fn texts(&self, key: &str) -> Result<Vec<String>, Fault> {
        let Some(entry) = self.get(key) else { return Ok(Vec::new()) };
        let texts = match &entry.value {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(items) => items.iter().map(|v| v.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        texts.ok_or_else(|| entry.fault(format!("`{key}` is not a list of texts"), "write `[one, two]`"))
    }

    fn required(&self, key: &str, next: &str) -> Result<&'a str, Fault> {
        match self.text(key)? {
            Some(text) => Ok(text),
            None => Err(Fault::at(1, None, format!("`{key}` is missing"), next)),
        }
    }

    fn uri(&self) -> Result<PromptUri, Fault> {
        let name = self.required("name", "add a line such as `name: legal.contract-analysis`")?;
        let key: PromptKey = name.parse().or_else(|e| {
            self.wrong(
                "name",
                format!("`name` is not a key: {e}"),
                "write lower case words joined by `.`, `-` or `_`",
            )
        })?;
        let scope = self.required("human.scope", "add a line `human.scope: core`, `org` or `user`")?;
        let scope: Scope = scope.parse().or_else(|e| {
            self.wrong("human.scope", format!("`human.scope`: {e}"), "write `core`, `org` or `user`")
        })?;
        let place = match scope {
            Scope::Core => {
                self.absent("human.org", scope)?;
                self.absent("human.user", scope)?;
                Place::Core
            }
            Scope::Org => {
                self.absent("human.user", scope)?;
                Place::Org(self.name("human.org", scope)?)
            }
            Scope::User => Place::User(self.name("human.org", scope)?, self.name("human.user", scope)?),
        };
        Ok(PromptUri { place, key, version: self.version()? })
    }

    fn name(&self, key: &str, scope: Scope) -> Result<Name, Fault> {
        let Some(name) = self.text(key)? else {
            let next = format!("add a line `{key}: NAME`");
            return self.wrong("human.scope", format!("a prompt of scope {scope} needs `{key}`"), next);
        };
        name.parse()
            .or_else(|e| self.wrong(key, format!("`{key}`: {e}"), "write letters, digits, `_` and `-`"))
    }

    fn absent(&self, key: &str, scope: Scope) -> Result<(), Fault> {
        match self.get(key) {
            None => Ok(()),
            Some(entry) => {
                let what = format!("a prompt of scope {scope} has no `{key}`");
                Err(entry.fault(what, "remove the line, or change `human.scope`"))
            }
        }
    }

    fn version(&self) -> Result<Option<Version>, Fault> {
        let Some(entry) = self.get("human.version") else { return Ok(None) };
        // `1.0` is a number in YAML, and not a version: said as the author wrote it.
        let written = match &entry.value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        match Version::parse(&written) {
            Ok(version) => Ok(Some(version)),
            Err(e) => Err(entry.fault(
                format!("`human.version` is not SemVer: `{}` ({e})", written.escape_debug()),
                "write three numbers, such as `1.0.0`",
            )),
        }
    }

    fn base(&self) -> Result<Option<Base>, Fault> {
        let Some(text) = self.text("human.extends")? else { return Ok(None) };
        let base = if text.starts_with("prompt:") {
            text.parse().map(Base::Uri)
        } else {
            text.parse().map(Base::Key)
        };
        base.map(Some).or_else(|e| {
            self.wrong("human.extends", format!("`human.extends`: {e}"), "name a prompt by its key or URI")
        })
    }
}

#[cfg(test)]
#[path = "prompt_file_tests.rs"]
mod tests;
