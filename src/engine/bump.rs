//! Which version a change asks for. The rule: what callers rely on changed (variables, output) -> major; the text
//! changed -> minor; anything else in the front matter -> patch; the first version is 1.0.0. Variables are those that are
//! declared; where the declaration is absent or open, also those that the text asks for.

use semver::Version;

use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::Kind;
use crate::engine::placeholders;

/// What differs between two versions of a prompt, the weightiest difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Nothing but perhaps the version itself.
    None,
    /// Front matter that neither the model nor a caller sees.
    Metadata,
    /// The template.
    Text,
    /// The variables or the output: callers may have to change.
    Contract,
}

impl Change {
    /// The weightiest difference from `old` to `new`.
    pub fn between(old: &PromptFile, new: &PromptFile) -> Change {
        let contract = |file: &PromptFile| (file.inputs.open, file.front.get("output").cloned());
        if old.same_but_version(new) {
            Change::None
        } else if old.inputs.contract() != new.inputs.contract()
            || contract(old) != contract(new)
            || old.inputs.open && placeholders::asked(old) != placeholders::asked(new)
        {
            Change::Contract
        } else if old.template() != new.template() {
            Change::Text
        } else {
            Change::Metadata
        }
    }

    /// What changed, for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Change::None => "nothing",
            Change::Metadata => "metadata",
            Change::Text => "text",
            Change::Contract => "variables or output",
        }
    }

    /// The version after `latest`, the highest one published; pre-release and build parts are dropped.
    pub fn next(self, latest: &Version) -> Version {
        let Version { major, minor, patch, .. } = *latest;
        match self {
            Change::Contract => Version::new(major.saturating_add(1), 0, 0),
            Change::Text => Version::new(major, minor.saturating_add(1), 0),
            // A release follows its own pre-releases.
            Change::None | Change::Metadata if !latest.pre.is_empty() => Version::new(major, minor, patch),
            Change::None | Change::Metadata => Version::new(major, minor, patch.saturating_add(1)),
        }
    }
}

impl Change {
    /// The version after `base` that none of the `known` ones has taken: a base that is not the highest, as after a
    /// rollback, goes past those that once followed it.
    pub fn next_free(self, base: &Version, known: &[Version]) -> Version {
        let mut next = self.next(base);
        while known.contains(&next) {
            next = self.next(&next);
        }
        next
    }
}

/// What a change is proposed as: of the text, of the recommended model alone, or of other front matter; `None` where
/// nothing but perhaps the version differs.
pub fn kind(old: &PromptFile, new: &PromptFile) -> Option<Kind> {
    let changed = changed(old, new);
    match changed.as_slice() {
        _ if old.template() != new.template() => Some(Kind::Text),
        [] => None,
        ["model"] => Some(Kind::Model),
        _ => Some(Kind::Metadata),
    }
}

/// The entries of the front matter that differ, but the version, in order.
pub fn changed<'f>(old: &'f PromptFile, new: &'f PromptFile) -> Vec<&'f str> {
    let mut keys: Vec<&str> = old.front.keys().chain(new.front.keys()).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.retain(|key| *key != "human.version" && old.front.get(*key) != new.front.get(*key));
    keys
}

/// The version of a prompt that has none yet.
pub const FIRST: Version = Version::new(1, 0, 0);

#[cfg(test)]
mod tests {
    use super::*;

    fn file(front: &str, text: &str) -> PromptFile {
        let file = format!("---\nname: a\nhuman.scope: core\n{front}---\n{text}");
        PromptFile::parse("a", file.as_bytes()).unwrap()
    }

    #[test]
    fn a_base_that_is_not_the_highest_goes_past_what_followed_it() {
        let known = ["1.0.0", "1.1.0", "1.2.0", "2.0.0"].map(|v| Version::parse(v).unwrap());
        assert_eq!(Change::Text.next_free(&known[0], &known).to_string(), "1.3.0");
        assert_eq!(Change::Metadata.next_free(&known[0], &known).to_string(), "1.0.1");
        assert_eq!(Change::Contract.next_free(&known[0], &known).to_string(), "3.0.0");
    }

    #[test]
    fn the_weightiest_difference_counts() {
        let old = file("human.version: 1.4.2\ninput: {schema: {x: string}}\n", "a {{x}}");
        let version = Version::new(1, 4, 2);
        for (new, change, next) in [
            (file("input: {schema: {x: string}}\n", "a {{x}}"), Change::None, "1.4.3"),
            (
                file("description: d\ninput: {schema: {x: 'string, what'}}\n", "a {{x}}"),
                Change::Metadata,
                "1.4.3",
            ),
            (file("input: {schema: {x: string}}\n", "b {{x}}"), Change::Text, "1.5.0"),
            (file("input: {schema: {x: string, y?: string}}\n", "b {{x}}"), Change::Contract, "2.0.0"),
            (file("input: {schema: {x: number}}\n", "a {{x}}"), Change::Contract, "2.0.0"),
            (
                file("output: {format: json}\ninput: {schema: {x: string}}\n", "a {{x}}"),
                Change::Contract,
                "2.0.0",
            ),
            (file("", "a {{x}}"), Change::Contract, "2.0.0"),
        ] {
            assert_eq!(Change::between(&old, &new), change, "{}", new.text());
            assert_eq!(change.next(&version).to_string(), next);
        }
        // What is not declared is what the text asks for.
        let open =
            "input: {schema: {type: object, properties: {z: {type: string}}, additionalProperties: true}}\n";
        for (front, old, new, change) in [
            ("", "a {{x}}", "a {{y}}", Change::Contract),
            ("", "a {{x}}", "a", Change::Contract),
            ("", "a", "a {name}", Change::Contract),
            (open, "a {{x}}", "a {{x}} {{y}}", Change::Contract),
            (open, "a {{z}}", "a", Change::Text),
            ("", "a {{x}}", "{{#if x}}b {{x.part}}{{else}}c{{/if}}", Change::Text),
            ("", "a {{x}}", "b {{ x }}", Change::Text),
            ("", "{{#each xs}}a{{/each}}", "{{#each xs}}{{@index}} {{this}} {{part}}{{/each}}", Change::Text),
            ("", "a \\{{x}} %(n)s", "a %(n)s", Change::Contract),
            ("", "a", "{{base}} a", Change::Text),
        ] {
            assert_eq!(Change::between(&file(front, old), &file(front, new)), change, "{old} -> {new}");
        }
        assert_eq!(Change::Metadata.next(&Version::parse("2.0.0-rc.1+b").unwrap()).to_string(), "2.0.0");
    }
}
