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

/// Why a prompt file was refused: `file:line:column: what; next`, a line for each fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.each().collect::<Vec<_>>().join("\n"))]
pub struct PromptFileError {
    /// The file, as the caller names it.
    pub file: String,
    /// All that is wrong, and where in the file. At least one.
    pub faults: Vec<Fault>,
}

impl PromptFileError {
    /// A file of `length` bytes, which is too long to be read.
    pub fn too_long(file: &str, length: u64) -> PromptFileError {
        let what = format!("a prompt file has at most {MAX_FILE} bytes, this one has {length}");
        let next = "move examples and documents into variables".to_owned();
        PromptFileError {
            file: file.to_owned(),
            faults: vec![Fault { line: None, column: None, what, next }],
        }
    }

    /// Each fault with its place.
    pub fn each(&self) -> impl Iterator<Item = String> + '_ {
        self.faults.iter().map(|fault| {
            let mut place = self.file.escape_debug().to_string();
            for number in [fault.line, fault.column].into_iter().flatten() {
                let _ = write!(place, ":{number}");
            }
            format!("{place}: {}; {}", fault.what, fault.next)
        })
    }
}

/// Faults found so far: reading goes on where one field is wrong, so that all are said at once.
#[derive(Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn take<T>(&mut self, read: Result<T, Fault>) -> Option<T> {
        read.map_err(|fault| self.0.push(fault)).ok()
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
        let refuse = |faults| PromptFileError { file: file.to_owned(), faults };
        if bytes.len() > MAX_FILE {
            return Err(PromptFileError::too_long(file, bytes.len() as u64));
        }
        let text = std::str::from_utf8(bytes).map_err(|e| {
            let line = bytes[..e.valid_up_to()].split(|b| *b == b'\n').count() as u32;
            refuse(vec![Fault::at(line, None, "the text is not UTF-8", "save the file as UTF-8")])
        })?;
        Self::read(text.strip_prefix('\u{feff}').unwrap_or(text)).map_err(refuse)
    }

    fn read(text: &str) -> Result<PromptFile, Vec<Fault>> {
        let alone = |fault| vec![fault];
        let parts = front_matter::split(text).map_err(alone)?;
        let entries = front_matter::entries(&text[parts.front..parts.close]).map_err(alone)?;
        let entries = front_matter::flatten(entries, "human").map_err(alone)?;
        let mut faults = Faults(unknown_human_keys(&entries));
        let fields = Fields(&entries);
        let uri = fields.uri(&mut faults);
        let inputs = match fields.get("input") {
            None => Inputs::read(None),
            Some(entry) => Inputs::read(Some(&entry.value)),
        }
        .or_else(|what| fields.wrong("input", what, "write `input: { schema: { name: string } }`"));
        let inputs = faults.take(inputs);
        let description = faults.take(fields.text("description"));
        let model = faults.take(fields.text("model"));
        let task_type = faults.take(fields.text("human.taskType"));
        let auto_tune = faults.take(fields.flag("human.autoTune"));
        let consent = faults.take(fields.flag("human.consent"));
        let requires = faults.take(fields.texts("human.requires"));
        let extends = faults.take(fields.base());
        let protected = faults.take(fields.texts("human.protected"));
        let (Some(uri), Some(inputs), true) = (uri, inputs, faults.0.is_empty()) else {
            faults.0.sort_by_key(|fault| fault.line);
            return Err(faults.0);
        };
        Ok(PromptFile {
            description: description.flatten().map(str::to_owned),
            model: model.flatten().map(str::to_owned),
            task_type: task_type.flatten().unwrap_or(uri.key.first_segment()).to_owned(),
            auto_tune: auto_tune.unwrap_or_default(),
            consent: consent.unwrap_or_default(),
            requires: requires.unwrap_or_default(),
            extends: extends.flatten(),
            protected: protected.unwrap_or_default(),
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
        // The front matter was read before: at most the text is at fault.
        Self::read(&format!("{}{template}", &self.text[..self.parts.template]))
            .map_err(|mut faults| faults.remove(0))
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

fn unknown_human_keys(entries: &[Entry]) -> Vec<Fault> {
    let unknown = entries.iter().filter_map(|entry| {
        let key = entry.key.strip_prefix("human.").filter(|key| !HUMAN_KEYS.contains(key))?;
        let nearest = HUMAN_KEYS
            .into_iter()
            .min_by_key(|known| strsim::osa_distance(&known.to_lowercase(), &key.to_lowercase()))
            .unwrap_or(HUMAN_KEYS[0]);
        let what = format!("unknown key `human.{}`", key.escape_debug());
        let next = format!("did you mean `human.{nearest}`? Known: {}", HUMAN_KEYS.join(", "));
        Some(entry.fault(what, next))
    });
    unknown.collect()
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

    /// The identity; `None` where a part of it is among the faults.
    fn uri(&self, faults: &mut Faults) -> Option<PromptUri> {
        let key = faults.take(self.key());
        let version = faults.take(self.version());
        let scope = faults.take(self.scope())?;
        let place = match scope {
            Scope::Core => {
                let org = faults.take(self.absent("human.org", scope));
                let user = faults.take(self.absent("human.user", scope));
                org.and(user).map(|()| Place::Core)
            }
            Scope::Org => {
                let user = faults.take(self.absent("human.user", scope));
                let org = faults.take(self.name("human.org", scope));
                user.and(org).map(Place::Org)
            }
            Scope::User => {
                let org = faults.take(self.name("human.org", scope));
                let user = faults.take(self.name("human.user", scope));
                org.zip(user).map(|(org, user)| Place::User(org, user))
            }
        };
        Some(PromptUri { place: place?, key: key?, version: version? })
    }

    fn key(&self) -> Result<PromptKey, Fault> {
        let name = self.required("name", "add a line such as `name: legal.contract-analysis`")?;
        name.parse().or_else(|e| {
            self.wrong(
                "name",
                format!("`name` is not a key: {e}"),
                "write lower case words joined by `.`, `-` or `_`",
            )
        })
    }

    fn scope(&self) -> Result<Scope, Fault> {
        let scope = self.required("human.scope", "add a line `human.scope: core`, `org` or `user`")?;
        scope.parse().or_else(|e| {
            self.wrong("human.scope", format!("`human.scope`: {e}"), "write `core`, `org` or `user`")
        })
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
