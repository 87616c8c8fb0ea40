//! Edits of a prompt's front matter that leave every other byte as it was: a recommended model, a flag, declared
//! variables. An edit counts only if what is read back differs in that entry and in nothing else.
//!
//! Start with [`entry`].

use serde_json::{Value, json};

use crate::domain::front_matter::{self, Fault, Parts};
use crate::domain::prompt_file::PromptFile;

/// The same file with the entry `key` (dotted: `human.autoTune`) of this value, replaced where it stands or added as a
/// last line. Fails where the front matter is written in a form that cannot be edited line by line.
pub fn entry(file: &PromptFile, key: &str, value: &Value) -> Result<PromptFile, Fault> {
    if file.front.get(key) == Some(value) {
        return Ok(file.clone());
    }
    let mut wanted = file.front.clone();
    wanted.insert(key.to_owned(), value.clone());
    let edits = match file.front.get(key) {
        None => vec![added(file, &format!("{key}: {}", yaml(value)))],
        Some(old) => replaced(file, key, old, value),
    };
    first_that_reads(file, edits, |edited| {
        edited.front.len() == wanted.len() && wanted.iter().all(|(k, v)| edited.front.get(k) == Some(v))
    })
    .ok_or_else(|| Fault {
        line: Some(2),
        column: None,
        what: format!("`{key}` cannot be written into this front matter"),
        next: format!("write a line `{key}: {}` yourself", yaml(value)),
    })
}

/// The same file with another recommended model.
pub fn model(file: &PromptFile, model: &str) -> Result<PromptFile, Fault> {
    entry(file, "model", &json!(model))
}

/// The same file with `human.autoTune` set.
pub fn auto_tune(file: &PromptFile, on: bool) -> Result<PromptFile, Fault> {
    entry(file, "human.autoTune", &json!(on))
}

/// The same file with the capabilities that a call needs.
pub fn requires(file: &PromptFile, capabilities: &[String]) -> Result<PromptFile, Fault> {
    entry(file, "human.requires", &json!(capabilities))
}

/// The same file with variables declared, each by name and kind (`string`, `any`), beside those that are. `None` where
/// `input` has a form to which a line cannot be added safely.
pub fn declare(file: &PromptFile, variables: &[(&str, &str)]) -> Option<PromptFile> {
    if variables.is_empty() {
        return None;
    }
    let (front, _) = front(file);
    let list = variables.iter().map(|(name, kind)| format!("{name}: {kind}")).collect::<Vec<_>>().join(", ");
    let mut edits = Vec::new();
    if file.front.contains_key("input") {
        for (at, found) in front.match_indices("schema:") {
            let (head, rest) = front.split_at(at + found.len());
            let body = rest.trim_start_matches(' ');
            if let Some(inner) = body.strip_prefix('{') {
                let comma = if inner.trim_start().starts_with('}') { "" } else { ", " };
                edits.push(format!("{head} {{{list}{comma}{inner}"));
            } else if let Some(below) = body.strip_prefix("\r\n").or(body.strip_prefix('\n')) {
                let indent = &below[..below.len() - below.trim_start_matches(' ').len()];
                let end = &body[..body.len() - below.len()];
                let lines: String = variables
                    .iter()
                    .fold(String::new(), |lines, (name, kind)| lines + indent + name + ": " + kind + end);
                edits.push(format!("{head}{end}{lines}{below}"));
            }
        }
        edits = edits.into_iter().map(|front| with_front(file, &front)).collect();
    } else {
        edits.push(added(file, &format!("input: {{ schema: {{ {list} }} }}")));
    }
    first_that_reads(file, edits, |edited| {
        let same = |(key, value): (&String, &Value)| key == "input" || edited.front.get(key) == Some(value);
        file.front.iter().all(same)
            && file.inputs.variables.iter().all(|v| edited.inputs.variables.contains(v))
            && variables.iter().all(|(name, _)| edited.inputs.get(name).is_some())
            && edited.inputs.variables.len() == file.inputs.variables.len() + variables.len()
    })
}

fn first_that_reads(
    file: &PromptFile,
    edits: Vec<String>,
    right: impl Fn(&PromptFile) -> bool,
) -> Option<PromptFile> {
    edits.into_iter().find_map(|text| {
        let edited = PromptFile::parse("", text.as_bytes()).ok()?;
        (edited.template() == file.template() && right(&edited)).then_some(edited)
    })
}

/// The front matter between its `---` lines, and where it stands.
fn front(file: &PromptFile) -> (&str, Parts) {
    // The file was read before, so that it has parts.
    let parts = front_matter::split(file.text()).unwrap_or(Parts { front: 0, close: 0, template: 0 });
    (&file.text()[parts.front..parts.close], parts)
}

fn with_front(file: &PromptFile, new: &str) -> String {
    let (_, parts) = front(file);
    format!("{}{new}{}", &file.text()[..parts.front], &file.text()[parts.close..])
}

fn added(file: &PromptFile, line: &str) -> String {
    let (old, parts) = front(file);
    let end = if file.text()[..parts.front].ends_with("\r\n") { "\r\n" } else { "\n" };
    with_front(file, &format!("{old}{line}{end}"))
}

/// Files that may have the entry's new value: its text replaced where it stands, else its lines written anew.
fn replaced(file: &PromptFile, key: &str, old: &Value, value: &Value) -> Vec<String> {
    let (front, _) = front(file);
    let last = key.rsplit('.').next().unwrap_or(key);
    let mut edits = Vec::new();
    if !(old.is_array() || old.is_object()) {
        let written = match old {
            Value::String(text) => vec![json!(text).to_string(), format!("'{text}'"), text.clone()],
            other => vec![other.to_string()],
        };
        for old in written.iter().filter(|old| !old.is_empty()) {
            for (at, _) in
                front.match_indices(old.as_str()).filter(|(at, _)| front[..*at].contains(last)).take(16)
            {
                edits.push(format!("{}{}{}", &front[..at], yaml(value), &front[at + old.len()..]));
            }
        }
    }
    let mut at = 0;
    for line in front.split_inclusive('\n') {
        let next = at + line.len();
        if line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':')) {
            let more: usize = front[next..]
                .split_inclusive('\n')
                .take_while(|line| line.starts_with([' ', '\t', '-', ']', '}']))
                .map(str::len)
                .sum();
            let end = if line.ends_with("\r\n") { "\r\n" } else { "\n" };
            edits.push(format!("{}{key}: {}{end}{}", &front[..at], yaml(value), &front[next + more..]));
        }
        at = next;
    }
    edits.into_iter().map(|front| with_front(file, &front)).collect()
}

/// A value as YAML on one line. JSON is YAML; plain words are written without quotes, as people do.
fn yaml(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
                && !["true", "false", "null", "yes", "no", "on", "off"]
                    .contains(&text.to_lowercase().as_str());
            if plain { text.clone() } else { value.to_string() }
        }
        Value::Array(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(front: &str) -> PromptFile {
        let text =
            format!("---\nname: a.b\nhuman.scope: org\nhuman.org: ACME\n{front}---\nHello {{{{x}}}}\n");
        PromptFile::parse("a", text.as_bytes()).unwrap()
    }

    #[test]
    fn a_model_is_changed_and_nothing_else() {
        for (front, want) in [
            ("model: gpt-4o # dear\n", "model: claude-3-5-haiku # dear\n"),
            (
                "description: not gpt-4o\nmodel: 'gpt-4o'\n",
                "description: not gpt-4o\nmodel: claude-3-5-haiku\n",
            ),
            ("description: d\n", "description: d\nmodel: claude-3-5-haiku\n"),
        ] {
            let edited = model(&file(front), "claude-3-5-haiku").unwrap();
            assert_eq!(edited.text(), file(front).text().replace(front, want));
        }
        assert_eq!(model(&file("model: x\n"), "7: odd\n").unwrap().model.as_deref(), Some("7: odd\n"));
    }

    #[test]
    fn flags_and_lists_in_every_form() {
        for front in ["", "human.autoTune: false\n", "human.description: x\n"] {
            let Ok(before) = PromptFile::parse(
                "a",
                format!("---\nname: a\nhuman.scope: org\nhuman.org: A\n{front}---\nx").as_bytes(),
            ) else {
                continue;
            };
            assert!(auto_tune(&before, true).unwrap().auto_tune);
        }
        let nested = "---\nname: a\nhuman:\n  scope: org\n  org: A\n  autoTune: false\n---\nx";
        let nested = PromptFile::parse("a", nested.as_bytes()).unwrap();
        assert_eq!(auto_tune(&nested, true).unwrap().text(), nested.text().replace("false", "true"));
        let list = file("human.requires:\n- json\n- tools\ndescription: d\n");
        let edited = requires(&list, &["vision".to_owned()]).unwrap();
        assert_eq!((edited.requires, edited.description), (vec!["vision".to_owned()], Some("d".to_owned())));
    }

    #[test]
    fn variables_are_declared_beside_the_others() {
        for (front, kept) in [
            ("", 0),
            ("input: { schema: { y: string } }\n", 1),
            ("input: {schema: {}}\n", 0),
            ("input:\n  schema:\n    y: string\n    z?: number\nmodel: m\n", 2),
        ] {
            let edited = declare(&file(front), &[("x", "string"), ("docs", "any")]).unwrap();
            assert_eq!(edited.inputs.variables.len(), kept + 2, "{}", edited.text());
        }
        assert_eq!(declare(&file("input: { schema: Named }\n"), &[("x", "string")]), None);
    }

    proptest! {
        #[test]
        fn any_model_name_comes_back(name in "(?s).{1,30}", front in prop::sample::select(vec!["", "model: m\n", "model: \"m\"\n"])) {
            let before = file(front);
            if let Ok(edited) = model(&before, &name) {
                prop_assert_eq!(edited.model.as_deref(), Some(name.as_str()));
                prop_assert_eq!(edited.template(), before.template());
            }
        }
    }
}
