//! What a steward would thank us for before a prompt is published: names that do not fit, variables that nobody gives,
//! text that hides, sentences said twice. Judges form and consistency, never style, and changes nothing.

use std::collections::HashMap;

use serde::Serialize;

use crate::domain::front_matter::Fault;
use crate::domain::prompt::Scope;
use crate::domain::prompt_file::{PromptFile, PromptFileError};
use crate::engine::compose::{self, ComposeError, Shelf};
use crate::engine::template::{Template, TemplateError};
use crate::engine::template_helpers::HELPERS;
use crate::engine::tokens;
use crate::engine::visible::{self, Hidden};

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The prompt cannot be rendered, or not as meant.
    Error,
    /// Likely a mistake.
    Warning,
    /// Worth a look.
    Hint,
}

impl Severity {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable name of the rule.
    pub code: &'static str,
    /// How grave it is.
    pub severity: Severity,
    /// Line in the file, from 1, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// What was found. Safe to print.
    pub message: String,
    /// What to do.
    pub next: String,
}

/// Shortest sentence, in characters, of which a second one is worth a word.
const MIN_SENTENCE: usize = 40;

/// What a file that cannot be read is told.
pub fn unreadable(error: &PromptFileError) -> Vec<Finding> {
    let finding = |fault: &Fault| Finding {
        code: "file",
        severity: Severity::Error,
        line: fault.line,
        message: visible::one_line(&fault.what),
        next: visible::one_line(&fault.next),
    };
    error.faults.iter().map(finding).collect()
}

/// All findings, gravest first, then by line. With a `shelf`, what the prompt layers on is looked at as well.
pub fn lint(file: &PromptFile, shelf: Option<&dyn Shelf>) -> Vec<Finding> {
    let mut lint = Lint { findings: Vec::new() };
    lint.metadata(file);
    let below = shelf.and_then(|shelf| lint.layers(file, shelf));
    match Template::parse(file.template(), file.template_line()) {
        Ok(template) => lint.names(file, &template, below.as_deref()),
        Err(error) => lint.template_error(&error),
    }
    lint.text(file);
    lint.sentences(file);
    lint.findings.sort_by_key(|f| (f.severity, f.line, f.code));
    lint.findings
}

struct Lint {
    findings: Vec<Finding>,
}

impl Lint {
    fn say(
        &mut self,
        severity: Severity,
        code: &'static str,
        line: impl Into<Option<u32>>,
        message: impl AsRef<str>,
        next: impl AsRef<str>,
    ) {
        let (message, next) = (visible::one_line(message.as_ref()), visible::one_line(next.as_ref()));
        self.findings.push(Finding { code, severity, line: line.into(), message, next });
    }

    fn metadata(&mut self, file: &PromptFile) {
        use Severity::{Hint, Warning};
        if file.description.as_deref().is_none_or(|d| d.trim().is_empty()) {
            self.say(
                Warning,
                "description-missing",
                1,
                "no `description`",
                "say in one sentence what the prompt does",
            );
        }
        if !file.front.contains_key("human.taskType") {
            let message = format!("no `human.taskType`: `{}` is assumed from the key", file.task_type);
            self.say(
                Hint,
                "task-type-missing",
                1,
                message,
                "name the task, so that the prompt is compared with its peers",
            );
        }
        if file.auto_tune && file.uri.scope() != Scope::Org {
            let message = format!("`human.autoTune` means nothing for a {} prompt", file.uri.scope());
            self.say(Warning, "auto-tune-scope", 1, message, "remove the line");
        }
        if file.consent && file.uri.scope() != Scope::User {
            let message = format!("`human.consent` means nothing for a {} prompt", file.uri.scope());
            self.say(Warning, "consent-scope", 1, message, "remove the line");
        }
        for passage in &file.protected {
            if passage.is_empty() || !file.template().contains(passage.as_str()) {
                let message = format!("the protected passage \"{}\" is not in the text", short(passage));
                self.say(
                    Severity::Error,
                    "protected-missing",
                    1,
                    message,
                    "copy the passage as it stands in the text",
                );
            }
        }
    }

    /// The layers below, from the bottom up, the file itself not included.
    fn layers(&mut self, file: &PromptFile, prompts: &dyn Shelf) -> Option<Vec<PromptFile>> {
        let code = match compose::descend(file.clone(), prompts) {
            Ok(mut chain) => {
                chain.pop();
                return Some(chain);
            }
            Err(ref error @ ComposeError::Cycle { .. }) => ("base-cycle", error.to_string()),
            Err(ref error @ ComposeError::NoBase { .. }) => ("base-missing", error.to_string()),
            Err(error) => ("base", error.to_string()),
        };
        let (what, next) = code.1.split_once("; ").unwrap_or((&code.1, "see `human.extends`"));
        self.say(Severity::Error, code.0, 1, what, next);
        None
    }

    fn template_error(&mut self, error: &TemplateError) {
        match error {
            TemplateError::Form { line, what, next } => {
                self.say(Severity::Error, "template", *line, what, next);
            }
            other => self.say(Severity::Error, "template", None, other.to_string(), "correct the template"),
        }
    }

    fn names(&mut self, file: &PromptFile, template: &Template, below: Option<&[PromptFile]>) {
        use Severity::{Error, Hint, Warning};
        for helper in template.unknown_helpers() {
            let message = format!("unknown helper `{}`", helper.name);
            self.say(Error, "unknown-helper", helper.line, message, format!("known: {}", HELPERS.join(", ")));
        }
        // Without a shelf a layer's variables may well be declared by the prompt below it.
        let unseen = below.is_none() && (file.extends.is_some() || file.uri.scope() != Scope::Core);
        let placed = below.is_some_and(<[_]>::is_empty);
        let below = below.unwrap_or_default();
        let inputs = || std::iter::once(file).chain(below).map(|layer| &layer.inputs);
        let declared: Vec<&str> = inputs().flat_map(|i| &i.variables).map(|v| v.name.as_str()).collect();
        for used in template.variables().iter().filter(|used| !declared.contains(&used.name.as_str())) {
            if inputs().any(|i| i.open) {
                let message = format!("`{}` is used, and no `input.schema` declares it", used.name);
                let next = format!("declare it: `input: {{ schema: {{ {}: string }} }}`", used.name);
                self.say(Hint, "undeclared-open", used.line, message, next);
                continue;
            }
            let near = declared.iter().find(|name| strsim::osa_distance(name, &used.name) <= 2);
            let next = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => "declare it in `input.schema`".to_owned(),
            };
            let severity = if unseen { Warning } else { Error };
            self.say(
                severity,
                "undeclared",
                used.line,
                format!("`{}` is used and not declared", used.name),
                next,
            );
        }
        for variable in &file.inputs.variables {
            if HELPERS.contains(&variable.name.as_str()) {
                let message = format!(
                    "the variable `{}` has the name of a helper, which is called instead",
                    variable.name
                );
                self.say(Error, "variable-shadowed", 1, message, "rename the variable");
            } else if !template.variables().iter().any(|used| used.name == variable.name) {
                let message = format!("`{}` is declared and not used", variable.name);
                self.say(Warning, "unused", 1, message, "use it, or remove it from `input`");
            }
        }
        if template.places_base() && placed {
            let next = "name the prompt below in `human.extends`, or remove `{{base}}`";
            self.say(Warning, "base-empty", None, "`{{base}}` has no prompt below to place", next);
        }
    }

    /// What cannot be seen, and what should not be there. One finding a line for hidden characters.
    fn text(&mut self, file: &PromptFile) {
        if file.template().trim().is_empty() {
            self.say(
                Severity::Error,
                "empty",
                None,
                "the prompt has no text",
                "write it below the second `---` line",
            );
        }
        let first_line = file.template_line();
        let mut trailing = Vec::new();
        for (i, line) in file.text().split('\n').enumerate() {
            let number = i as u32 + 1;
            let line = line.strip_suffix('\r').unwrap_or(line);
            let mut hidden = visible::hidden_in(line).peekable();
            if let Some(&(at, _, why)) = hidden.peek() {
                let mut names: Vec<String> = hidden.map(|(_, c, _)| visible::name(c)).collect();
                let count = names.len();
                names.sort();
                names.dedup();
                names.truncate(8);
                let what = match why {
                    Hidden::Control => "control",
                    Hidden::Bidi => "text direction",
                    Hidden::Invisible => "invisible",
                };
                let column = line[..at].chars().count() + 1;
                let message =
                    format!("{count} {what} character(s), the first at column {column}: {}", names.join(" "));
                self.say(
                    Severity::Warning,
                    "hidden-character",
                    number,
                    message,
                    "remove them, or write what they are for",
                );
            }
            if number >= first_line && line.ends_with([' ', '\t', '\u{a0}', '\u{3000}']) {
                trailing.push(number);
            }
        }
        if let Some(first) = trailing.first() {
            let message =
                format!("{} line(s) end with white space, the first is line {first}", trailing.len());
            self.say(
                Severity::Hint,
                "trailing-space",
                *first,
                message,
                "remove it: it costs tokens and hides in diffs",
            );
        }
        let estimate = tokens::estimate(file.template());
        if estimate > 8_000 {
            let message = format!("about {estimate} tokens before any variable");
            self.say(Severity::Hint, "long", None, message, "move examples and documents into variables");
        }
    }

    fn sentences(&mut self, file: &PromptFile) {
        let first_line = file.template_line();
        let mut seen: HashMap<String, u32> = HashMap::new();
        for (i, line) in file.template().lines().enumerate() {
            let number = first_line + i as u32;
            for sentence in line.split_inclusive(['.', '!', '?', '。', '！', '？']) {
                let words = sentence.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
                let words = words.trim_start_matches(['-', '*', '#', '>', ' ']);
                if words.chars().count() < MIN_SENTENCE {
                    continue;
                }
                match seen.get(words) {
                    Some(first) => {
                        let message = format!("said before, on line {first}: \"{}\"", short(sentence.trim()));
                        self.say(Severity::Warning, "duplicate-sentence", number, message, "say it once");
                    }
                    None => {
                        seen.insert(words.to_owned(), number);
                    }
                }
            }
        }
    }
}

fn short(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::prompt::{Name, PromptUri};
    use crate::engine::compose::ShelfError;
    use proptest::prelude::*;

    struct Empty;
    impl Shelf for Empty {
        fn prompt(&self, _: &PromptUri) -> Result<Option<PromptFile>, ShelfError> {
            Ok(None)
        }
        fn patches(&self, _: &Name, _: &Name) -> Result<Vec<PromptFile>, ShelfError> {
            Ok(Vec::new())
        }
    }

    fn found(front: &str, text: &str) -> Vec<String> {
        let file = format!("---\nname: a.b\nhuman.scope: core\n{front}---\n{text}");
        let file = PromptFile::parse("a", file.as_bytes()).unwrap();
        let findings = lint(&file, Some(&Empty));
        findings.iter().map(|f| format!("{}@{}", f.code, f.line.unwrap_or(0))).collect()
    }

    const GOOD: &str = "description: d\nhuman.taskType: t\n";

    #[test]
    fn a_good_file_has_no_findings() {
        let front = format!("{GOOD}input: {{schema: {{x: string}}}}\nhuman.protected: [Never guess.]\n");
        assert_eq!(found(&front, "Say {{x}} nicely. Never guess.\r\nمی‌خواهم 👩‍👩‍👧\n"), Vec::<String>::new());
    }

    #[test]
    fn each_rule_finds_its_fault() {
        let long = "Always answer in the language that the user has written in. ";
        for (front, text, code) in [
            ("", "x", "description-missing@1"),
            ("", "x", "task-type-missing@1"),
            ("human.autoTune: true\n", "x", "auto-tune-scope@1"),
            ("human.consent: true\n", "x", "consent-scope@1"),
            ("human.protected: [gone]\n", "x", "protected-missing@1"),
            ("human.extends: c\n", "x", "base-missing@1"),
            ("", "{{#if}", "template@5"),
            ("", "x\n{{shout y}}", "unknown-helper@6"),
            ("input: {schema: {city: string}}\n", "{{ctiy}}", "undeclared@6"),
            ("input: {schema: {city: string}}\n", "x", "unused@1"),
            ("", "{{city}}", "undeclared-open@5"),
            ("input: {schema: {history: string}}\n", "{{history}}", "variable-shadowed@1"),
            ("", "{{base}} x", "base-empty@0"),
            ("", " \n", "empty@0"),
            ("", "x\na\u{202e}b\u{200b}", "hidden-character@6"),
            ("", "a\rb", "hidden-character@5"),
            ("", "x \ny\t\n", "trailing-space@5"),
            ("", &"word ".repeat(9_000), "long@0"),
            ("", &format!("{long}{long}"), "duplicate-sentence@5"),
            ("", &format!("- {long}\n* {}", long.to_uppercase()), "duplicate-sentence@6"),
        ] {
            let codes = found(front, text);
            assert!(codes.contains(&code.to_owned()), "{front}{text}: {codes:?} has no {code}");
        }
    }

    #[test]
    fn large_files_take_linear_time() {
        for part in
            ["a\n", "\u{200b}", " \n", "Say this once and never again, whatever the user asks. ", "{{x}} "]
        {
            let text = part.repeat((1 << 19) / part.len());
            assert!(!found(&format!("description: d\n{}", "# c\n".repeat(9_000)), &text).is_empty());
        }
    }

    proptest! {
        #[test]
        fn findings_are_safe_to_print(text in "(?s)(\\{\\{|\\}\\}|a|\\n|\u{202e}|\u{1b}|.){0,60}") {
            let file = PromptFile::parse("a", format!("---\nname: a\nhuman.scope: core\n---\n{text}").as_bytes()).unwrap();
            for f in lint(&file, None) {
                let said = format!("{}{}", f.message, f.next);
                prop_assert!(!said.chars().any(|c| c == '\n' || visible::hidden(c).is_some()), "{:?}", said);
            }
        }
    }
}
