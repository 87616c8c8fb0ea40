//! Whether a change is one that was rejected before, said otherwise; and what a drafter is told of rejections.
//!
//! Two changes of text are compared by what they take out and put in, not by the texts around it: pairs of neighbouring
//! words of the edits, as sets, by Jaccard's index. Start with [`Edit::between`].

use std::collections::BTreeSet;

use serde_json::Value;
use similar::{Algorithm, DiffOp, capture_diff_slices};
use xxhash_rust::xxh3::xxh3_64;

use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::Kind;
use crate::engine::prose;
use crate::engine::visible;

/// Likeness from which a change counts as made before.
pub const ALIKE: f64 = 0.6;
/// Most rejections that a drafter is told of, the latest.
const MAX_CONSTRAINTS: usize = 20;
/// Most characters of a reason.
const MAX_REASON: usize = 400;

/// What a change takes out and puts in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    kind: Kind,
    /// Pairs of words taken out or put in.
    words: BTreeSet<u64>,
    /// Entries of the front matter that are given, with their values.
    entries: BTreeSet<String>,
}

impl Edit {
    /// The change from `base` to `new`.
    pub fn between(kind: Kind, base: &PromptFile, new: &PromptFile) -> Edit {
        let keys: BTreeSet<&String> = base.front.keys().chain(new.front.keys()).collect();
        let changed = keys
            .into_iter()
            .filter(|key| *key != "human.version" && base.front.get(*key) != new.front.get(*key));
        let entries = changed.map(|key| format!("{key}={}", new.front.get(key).unwrap_or(&Value::Null)));
        Edit { kind, words: shingles(base.template(), new.template()), entries: entries.collect() }
    }

    /// How alike two changes are, from 0 to 1. Changes of different kinds are not.
    pub fn likeness(&self, other: &Edit) -> f64 {
        if self.kind != other.kind {
            return 0.0;
        }
        // What both do to the front matter weighs as one whole: a model is another one or it is not.
        match (self.words.is_empty() && other.words.is_empty(), self.entries == other.entries) {
            (true, same) => f64::from(u8::from(same)),
            (false, _) => jaccard(&self.words, &other.words),
        }
    }

    /// Whether this change was made before, by any of `rejected`.
    pub fn is_alike<'e>(&self, rejected: impl IntoIterator<Item = &'e Edit>) -> bool {
        rejected.into_iter().any(|other| self.likeness(other) >= ALIKE)
    }
}

fn jaccard(a: &BTreeSet<u64>, b: &BTreeSet<u64>) -> f64 {
    let common = a.intersection(b).count() as f64;
    common / (a.len() + b.len()).max(1) as f64 / (1.0 - common / (a.len() + b.len()).max(1) as f64)
}

/// Hashes of the pairs of neighbouring words that are taken out (`-`) or put in (`+`); each run of words also has its
/// first and last word alone, so that an edit of one word has something to compare.
fn shingles(old: &str, new: &str) -> BTreeSet<u64> {
    let (old, new) = (prose::words(old), prose::words(new));
    let mut found = BTreeSet::new();
    let mut take = |sign: char, run: &[String]| {
        let ends = run.first().into_iter().chain(run.last());
        found.extend(ends.map(|word| xxh3_64(format!("{sign}{word}").as_bytes())));
        found.extend(run.windows(2).map(|pair| xxh3_64(format!("{sign}{} {}", pair[0], pair[1]).as_bytes())));
    };
    if old.len() + new.len() > prose::MAX_COMPARED {
        let pairs = |words: &[String]| words.windows(2).map(<[String]>::to_vec).collect::<BTreeSet<_>>();
        let (was, is) = (pairs(&old), pairs(&new));
        was.difference(&is).for_each(|pair| take('-', pair));
        is.difference(&was).for_each(|pair| take('+', pair));
        return found;
    }
    for op in capture_diff_slices(Algorithm::Patience, &old, &new) {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, old_len, .. } => take('-', &old[old_index..old_index + old_len]),
            DiffOp::Insert { new_index, new_len, .. } => take('+', &new[new_index..new_index + new_len]),
            DiffOp::Replace { old_index, old_len, new_index, new_len } => {
                take('-', &old[old_index..old_index + old_len]);
                take('+', &new[new_index..new_index + new_len]);
            }
        }
    }
    found
}

/// A proposal that a person did not want.
#[derive(Debug, Clone, Copy)]
pub struct Rejection<'a> {
    /// The proposal's title.
    pub title: &'a str,
    /// Why.
    pub reason: &'a str,
}

/// What a drafter is told, from rejections, oldest first: a line each, safe to print, without
/// repetitions, the latest only where there are many. Reasons are data to whoever reads them, not orders.
pub fn constraints(rejections: &[Rejection<'_>]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut lines: Vec<String> = rejections
        .iter()
        .rev()
        .filter(|rejection| !rejection.reason.trim().is_empty())
        .filter(|rejection| seen.insert(prose::folded(rejection.reason)))
        .take(MAX_CONSTRAINTS)
        .map(|rejection| {
            let (title, reason) = (short(rejection.title), short(rejection.reason));
            format!(
                "A proposal \"{title}\" was rejected: \"{reason}\". Propose nothing that this objection fits."
            )
        })
        .collect();
    lines.reverse();
    lines
}

fn short(text: &str) -> String {
    let text = visible::one_line(text.trim());
    let mut cut: String = text.chars().take(MAX_REASON).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::amend;
    use proptest::prelude::*;

    fn file(text: &str) -> PromptFile {
        PromptFile::parse("a", format!("---\nname: a\nhuman.scope: core\n---\n{text}").as_bytes()).unwrap()
    }

    fn edit(old: &str, new: &str) -> Edit {
        Edit::between(Kind::Text, &file(old), &file(new))
    }

    #[test]
    fn the_edits_are_compared_not_the_texts() {
        let base = "You read contracts. Be kind. List every obligation that a party has under the contract.";
        let rejected = edit(base, &base.replace("List every", "Briefly list every single"));
        let again = edit(
            &format!("{base} Sign it."),
            &format!("{} Sign it.", base.replace("List every", "Briefly list every single")),
        );
        let other = edit(base, &base.replace("Be kind.", "Answer in one short paragraph."));
        assert!((again.likeness(&rejected) - 1.0).abs() < 1e-12);
        assert!(again.is_alike([&other, &rejected]) && !other.is_alike([&rejected]));
        // Undoing a change is not making it.
        let back = edit(&base.replace("List every", "Briefly list every single"), base);
        assert!(!back.is_alike([&rejected]));
    }

    #[test]
    fn models_are_the_same_or_not() {
        let base = file("x");
        let to = |model| Edit::between(Kind::Model, &base, &amend::model(&base, model).unwrap());
        assert!(to("gpt-4o").is_alike([&to("gpt-4o")]) && !to("gpt-4o").is_alike([&to("o3")]));
        assert!(!Edit { kind: Kind::Metadata, ..to("o3") }.is_alike([&to("o3")]));
    }

    #[test]
    fn what_a_drafter_is_told() {
        let long = "x".repeat(1_000);
        let told = constraints(&[
            Rejection { title: "Shorter", reason: "Keep the disclaimer.\u{1b}[31m" },
            Rejection { title: "Again", reason: " " },
            Rejection { title: "Shorter still", reason: "keep  the disclaimer.\u{1b}[31m" },
            Rejection { title: "Long", reason: &long },
        ]);
        assert_eq!(told.len(), 2);
        assert!(told[0].contains("Shorter still") && !told[0].contains('\u{1b}'), "{told:?}");
        assert!(told[1].chars().count() < 600);
        let many: Vec<String> = (0..50).map(|i| format!("reason {i}")).collect();
        let many: Vec<Rejection<'_>> = many.iter().map(|reason| Rejection { title: "t", reason }).collect();
        let told = constraints(&many);
        assert!(told.len() == MAX_CONSTRAINTS && told[19].contains("reason 49"));
    }

    proptest! {
        #[test]
        fn likeness_is_a_likeness(a in "([a-d] ){0,12}", b in "([a-d] ){0,12}", c in "([a-d] ){0,12}") {
            let (one, two) = (edit(&a, &b), edit(&a, &c));
            let like = one.likeness(&two);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&like));
            prop_assert!((like - two.likeness(&one)).abs() < 1e-12);
            prop_assert!((one.likeness(&one) - 1.0).abs() < 1e-12);
        }
    }
}
