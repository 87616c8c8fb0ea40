//! Tests of `diff`: rows, emphasis, folding, printing; arbitrary text is rebuilt from its rows, byte for byte.

use super::*;
use proptest::prelude::*;

fn rows(old: &str, new: &str) -> Vec<String> {
    let side = |side: &Option<Side>, text: &str| match side {
        None => String::from("."),
        Some(side) => {
            let spans = side.spans.iter().map(|(e, r)| match e {
                Emphasis::Plain => text[r.clone()].to_owned(),
                Emphasis::Strong => format!("[{}]", &text[r.clone()]),
            });
            format!("{}:{}", side.number, spans.collect::<Vec<_>>().join(":"))
        }
    };
    let diff = Diff::between(old, new, None);
    diff.rows.iter().map(|r| format!("{:?} {} {}", r.kind, side(&r.left, old), side(&r.right, new))).collect()
}

#[test]
fn words_are_emphasised_within_paired_lines() {
    assert_eq!(
        rows(
            "Keep this.\nAnswer in English please.\nGone entirely now.\nend\n",
            "Keep this.\nAnswer in German please.\nend\n"
        ),
        [
            "Same 1:Keep this. 1:Keep this.",
            "Changed 2:Answer in :[English]: please. 2:Answer in :[German]: please.",
            "Removed 3:Gone entirely now. .",
            "Same 4:end 3:end",
        ]
    );
    // The edited line is found although another one was put before it.
    assert_eq!(
        rows("List every risk you find.\n", "Be brief, and kind.\nList every duty you find.\n"),
        [
            "Added . 1:Be brief, and kind.",
            "Changed 1:List every :[risk]: you find. 2:List every :[duty]: you find."
        ]
    );
    assert_eq!(rows("", ""), Vec::<String>::new());
    assert_eq!(rows("a", ""), ["Removed 1:a ."]);
}

#[test]
fn line_ends_count_and_are_shown() {
    let (old, new) = ("a b c d\r\nx", "a b c d\nx\n");
    let diff = Diff::between(old, new, None);
    assert_eq!((diff.removed, diff.added), (2, 2));
    let text = unified(("o", old), ("n", new), &diff, &|_, text| text.to_owned());
    assert_eq!(text, "--- o\n+++ n\n-a b c d\\r\n+a b c d\n-x\n\\ no line end\n+x\n");
}

#[test]
fn folding_keeps_context_and_counts_the_rest() {
    let old: String = (1..=20).map(|i| format!("line {i}")).collect::<Vec<_>>().join("\n") + "\n";
    let new = old.replace("line 10\n", "line ten\n");
    let kinds = |d: &Diff| d.rows.iter().map(|r| r.kind).filter(|k| *k != Kind::Same).collect::<Vec<_>>();
    let diff = Diff::between(&old, &new, None).folded(2);
    assert_eq!(kinds(&diff), [Kind::Gap(7), Kind::Changed, Kind::Gap(8)]);
    assert_eq!(diff.rows.len(), 7);
    assert!(Diff::between(&old, &old, None).is_same());
    assert_eq!(kinds(&Diff::between(&old, &old, None).folded(3)), [Kind::Gap(20)]);
}

#[test]
fn printing_shows_what_hides_and_names_roles() {
    let (old, new) = ("Use the word red here.\n", "Use the word \u{202e}blue\u{1b}[0m here.\n");
    let diff = Diff::between(old, new, None);
    let text = unified(("a\u{1b}", old), ("b", new), &diff, &|role, text| match role {
        Role::RemovedWord | Role::AddedWord => format!("<{text}>"),
        _ => text.to_owned(),
    });
    assert_eq!(
        text,
        "--- a\\u{1b}\n+++ b\n-Use the word< red> here.\n+Use the word< \\u{202e}blue\\u{1b}[0m> here.\n"
    );
}

fn rebuilt(diff: &Diff, text: &str, pick: fn(&DiffRow) -> &Option<Side>) -> String {
    let mut out = String::new();
    for (i, side) in diff.rows.iter().filter_map(|row| pick(row).as_ref()).enumerate() {
        assert_eq!(side.number as usize, i + 1);
        for (_, range) in &side.spans {
            out.push_str(&text[range.clone()]);
        }
        if side.ended {
            out.push('\n');
        }
    }
    out
}

proptest! {
    #[test]
    fn both_texts_are_rebuilt(
        old in "(?s)([a-c \\n]|\\r\\n|\\r|\u{5d0}\u{5d1}|\u{4e2d}\u{6587}|\u{1f468}\u{200d}\u{1f469}|\u{202e}|.){0,60}",
        new in "(?s)([a-c \\n]|\\r\\n|\\r|\u{5d0}\u{5d1}|\u{4e2d}\u{6587}|\u{1f468}\u{200d}\u{1f469}|\u{202e}|.){0,60}",
    ) {
        let diff = Diff::between(&old, &new, None);
        prop_assert_eq!(rebuilt(&diff, &old, |r| &r.left), old.as_str());
        prop_assert_eq!(rebuilt(&diff, &new, |r| &r.right), new.as_str());
        prop_assert_eq!(diff.is_same(), old == new);
        let text = unified(("o", &old), ("n", &new), &diff.folded(1), &|_, text| text.to_owned());
        prop_assert!(text.chars().all(|c| crate::engine::visible::hidden(c).is_none()));
    }
}
