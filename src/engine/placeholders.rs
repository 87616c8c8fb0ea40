//! The places of a text that somebody fills in: the variables of our templates, and what other template languages leave
//! in a text that is passed on to them (`{name}`, `${name}`, `%(name)s`, `\{{ name }}`). Known by their form alone.
//!
//! Start with [`of`], or with [`asked`] for what callers must give.

use std::collections::BTreeSet;

use crate::domain::prompt_file::PromptFile;
use crate::engine::template::Template;
use crate::engine::template_helpers::HELPERS;

/// Longest placeholder, in bytes.
const MAX: usize = 80;

/// What callers of a prompt fill in: declared variables, used ones, and placeholders, each as it is written.
pub fn of(file: &PromptFile) -> BTreeSet<String> {
    let mut found: BTreeSet<String> =
        file.inputs.variables.iter().map(|v| format!("{{{{{}}}}}", v.name)).collect();
    if let Ok(template) = Template::parse(file.template(), 1) {
        found.extend(template.variables().iter().map(|used| format!("{{{{{}}}}}", used.name)));
    }
    found.extend(spans(file.template()).into_iter().map(|(_, name)| name));
    found
}

/// Those of them that a caller gives a value: no tags, not the layer below, and not what a loop names.
pub fn asked(file: &PromptFile) -> BTreeSet<String> {
    let text = file.template();
    let Ok(template) = Template::parse(text, 1) else {
        return of(file).into_iter().filter(|name| !is_tag(name)).collect();
    };
    // The rest is what a text passes on to another template language.
    let foreign = |(span, name): &(std::ops::Range<usize>, String)| {
        !is_tag(name) && (!name.starts_with("{{") || text[span.start..].starts_with('\\'))
    };
    let declared = file.inputs.variables.iter().map(|variable| &variable.name);
    let used = template.variables().iter().map(|used| &used.name);
    declared
        .chain(used)
        .map(|name| format!("{{{{{name}}}}}"))
        .chain(spans(text).into_iter().filter(foreign).map(|(_, name)| name))
        .collect()
}

/// Whether a placeholder is a block, a call or a tag, which asks for no value of its own.
pub fn is_tag(name: &str) -> bool {
    if !name.starts_with('{') {
        return false;
    }
    let inside = name.trim_start_matches('{');
    let head = inside.trim_end_matches('}').split(' ').next().unwrap_or(inside);
    inside.starts_with(['#', '/', '^', '>', '&', '%'])
        || name.starts_with("{{") && (head == "else" || HELPERS.contains(&head) && head != "base")
}

/// The text with no placeholders but those `kept`.
pub fn only(text: &str, kept: &BTreeSet<String>) -> String {
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (span, _) in spans(text).into_iter().filter(|(_, name)| !kept.contains(name)) {
        out.push_str(&text[at..span.start]);
        at = span.end;
    }
    out.push_str(&text[at..]);
    out
}

/// Placeholders in order, none within another, each by its canonical form.
fn spans(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(next) = text[at..].find(['{', '$', '%']) {
        let start = at + next;
        let rest = head(&text[start..]);
        let read = double(rest).or_else(|| single(rest)).or_else(|| printf(rest));
        match read {
            Some((length, name)) => {
                let escape = usize::from(text[..start].ends_with('\\') && rest.starts_with("{{"));
                found.push((start - escape..start + length, name));
                at = start + length;
            }
            None => at = start + 1,
        }
    }
    found
}

/// As much of a text as a placeholder can take: a search for its end must not run to the end of the text each time.
fn head(rest: &str) -> &str {
    let mut end = rest.len().min(MAX + 8);
    while !rest.is_char_boundary(end) {
        end -= 1;
    }
    &rest[..end]
}

/// `{{ name }}`, `{{{name}}}`, `{{name | filter}}`, `{{#each names}}`.
fn double(rest: &str) -> Option<(usize, String)> {
    let inside = rest.strip_prefix("{{")?;
    let end = inside.find("}}").filter(|end| *end <= MAX)?;
    let name = inside[..end].trim_matches(['{', '~', ' ']);
    let length = 4 + end + usize::from(inside[end + 2..].starts_with('}') && rest.starts_with("{{{"));
    // Blocks and calls have arguments, which the template's own reading finds.
    if name.starts_with(['#', '/', '^', '!', '>', '&'])
        || name.split(' ').next().is_some_and(|n| HELPERS.contains(&n))
    {
        return Some((length, format!("{{{{{name}}}}}"))).filter(|_| !name.starts_with('!'));
    }
    let name = name.split('|').next().unwrap_or(name).trim();
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ' ' | '$' | '/' | '@');
    let is_name = name.chars().all(plain) && name.chars().any(char::is_alphabetic);
    // A path is asked of its variable.
    let head = name.split('.').next().unwrap_or(name);
    is_name.then(|| (length, format!("{{{{{head}}}}}")))
}

/// `{name}`, `${name}`, `{% tag %}`.
fn single(rest: &str) -> Option<(usize, String)> {
    let dollar = usize::from(rest.starts_with('$'));
    let inside = rest[dollar..].strip_prefix('{').filter(|inside| !inside.starts_with('{'))?;
    let end = inside.find(['}', '\n']).filter(|end| *end <= MAX && inside[*end..].starts_with('}'))?;
    let name = &inside[..end];
    let is_tag = name.starts_with('%') && name.ends_with('%');
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.') || dollar == 1 && "()[]".contains(c);
    let is_name = name.chars().all(plain) && name.starts_with(|c: char| c.is_alphabetic() || c == '_');
    (is_tag || is_name).then(|| (dollar + end + 2, rest[..dollar + end + 2].to_owned()))
}

/// `%(name)s`.
fn printf(rest: &str) -> Option<(usize, String)> {
    let inside = rest.strip_prefix("%(")?;
    let end = inside.find(')').filter(|end| *end <= MAX)?;
    let kind = inside[end + 1..].chars().next().filter(char::is_ascii_alphabetic)?;
    let is_name = inside[..end].chars().all(|c| c.is_alphanumeric() || c == '_') && end > 0;
    is_name.then(|| (end + 3 + kind.len_utf8(), rest[..end + 4].to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms() {
        let text = "a {{x}} b {{ y.z | upper }} \\{{w}} {n} ${user} %(when)s {{#if k}}{% for a in b %} {\"json\": 1} { } $5 100% {{\"a\"}}";
        let names: Vec<String> = spans(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(
            names,
            ["{{x}}", "{{y}}", "{{w}}", "{n}", "${user}", "%(when)s", "{{#if k}}", "{% for a in b %}"]
        );
        let tags: Vec<&str> = names.iter().map(String::as_str).filter(|name| is_tag(name)).collect();
        assert_eq!(tags, ["{{#if k}}", "{% for a in b %}"]);
        assert!(is_tag("{{else}}") && is_tag("{{role \"user\"}}") && !is_tag("{role}"));
        let kept = BTreeSet::from(["{{x}}".to_owned()]);
        assert_eq!(only("a {{x}} b \\{{w}}.", &kept), "a {{x}} b .");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(?s)(\\{\\{|\\}\\}|\\{|\\}|%\\(|\\)s|\\$|[a-z ]|é|.){0,60}") {
            let mut at = 0;
            for (span, _) in spans(&text) {
                prop_assert!(span.start >= at && span.end <= text.len());
                at = span.end;
            }
            prop_assert!(only(&text, &BTreeSet::new()).len() <= text.len());
        }
    }
}
