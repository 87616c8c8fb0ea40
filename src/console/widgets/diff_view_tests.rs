//! Tests of the diff view: how it looks in both modes, what it shows of what hides, and that any text in any area is
//! drawn.

use std::time::Instant;

use proptest::prelude::*;

use super::super::sketch::{drawn, plain, sketched};
use super::*;
use crate::console::hitmap::Target;
use crate::theme::Look;

const OLD: &str = "# Support\n\nAnswer in English.\nBe polite, and never say that you cannot help.\nApologise first, always.\nKeep it short.\n1\n2\n3\n4\n5\n6\n7\nEnd with a question.";
const NEW: &str = "# Support\n\nAnswer in English.\nBe brief, and never say that you cannot help.\nKeep it short.\n1\n2\n3\n4\n5\n6\n7\nEnd with a question.  \nNever promise a refund that the {{policy}} does not allow, whatever the customer says.\n";

fn shown(width: u16, height: u16, mode: Mode, invisibles: bool) -> String {
    let diff = Diff::between(OLD, NEW, None);
    let laid = layout(OLD, NEW, &diff, width, mode, Some(2), invisibles);
    drawn(width, height, |canvas, area| {
        draw(canvas, area, &laid, 0, ListId::Diff);
    })
}

#[test]
fn looks() {
    let ascii = {
        let diff = Diff::between(OLD, NEW, None);
        let laid = layout(OLD, NEW, &diff, 60, Mode::Unified, Some(0), true);
        plain(60, 14, |canvas, area| {
            draw(canvas, area, &laid, 0, ListId::Diff);
        })
    };
    let all = [
        shown(112, 14, Mode::Fitting, false),
        shown(64, 18, Mode::Fitting, false),
        shown(64, 18, Mode::SideBySide, false),
        shown(20, 12, Mode::Fitting, false),
        ascii,
    ];
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn words_are_emphasised_and_changes_found() {
    let diff = Diff::between(OLD, NEW, None);
    let laid = layout(OLD, NEW, &diff, 120, Mode::Fitting, None, false);
    assert!(laid.is_side_by_side());
    assert_eq!(laid.changes(), [3, 13]);
    assert_eq!([laid.next_change(0), laid.next_change(3), laid.next_change(13)], [Some(3), Some(13), None]);
    assert_eq!([laid.previous_change(3), laid.previous_change(13)], [None, Some(3)]);
    let Line::Sides(Some(left), Some(right)) = laid.lines[3] else { panic!("{:?}", laid.lines[3]) };
    let of = |half: Half| laid.flow.pieces(half.flow.unwrap() as usize);
    assert_eq!(
        of(left),
        [
            (Role::Removed, "Be "),
            (Role::RemovedWord, "polite"),
            (Role::Removed, ", and never say that you cannot help.")
        ]
    );
    assert_eq!(of(right)[1], (Role::AddedWord, "brief"));
    // Another width opens at the same place.
    let narrow = layout(OLD, NEW, &diff, 40, Mode::Fitting, None, false);
    for line in 0..laid.len() {
        let there = narrow.line_of(laid.place(line));
        assert_eq!(narrow.place(there), laid.place(line));
    }
}

#[test]
fn what_hides_is_shown_where_it_changed() {
    let (old, new) = ("a b c d\r\nx y z\n", "a b c d\nx\ty z\u{202e}\n");
    let diff = Diff::between(old, new, None);
    let laid = layout(old, new, &diff, 40, Mode::Unified, None, false);
    let text = drawn(40, 6, |canvas, area| {
        draw(canvas, area, &laid, 0, ListId::Diff);
    });
    insta::assert_snapshot!(text, @r"
    1     - a b c d\r
        1 + a b c d
    2     - x·y z
        2 + x→  y z\u{202e}
    ");
}

#[test]
fn places_are_said() {
    let diff = Diff::between(OLD, NEW, None);
    let laid = layout(OLD, NEW, &diff, 40, Mode::Fitting, None, false);
    let (_, hits) = sketched(&Look::default(), 40, 5, |canvas, area| {
        draw(canvas, area, &laid, 999, ListId::Diff);
    });
    assert_eq!(hits.of(ListId::Diff), View { offset: laid.len() - 5, height: 5 });
    assert_eq!(hits.at(3, 3).next(), Some(Target::List(ListId::Diff)));
}

/// Run by hand, optimised: `cargo test --release --lib -- --ignored --nocapture layout_is_fast`.
#[test]
#[ignore = "measures"]
fn layout_is_fast() {
    let sentence =
        "Answer the customer in their own language, and never promise what the policy does not allow. ";
    let old: Vec<String> = (0..4000).map(|i| format!("{i} {}\n", sentence.repeat(1 + i % 3))).collect();
    let old = old.concat();
    let new = old.replace("7 Answer", "7 Reply to").replace("the policy", "our policy");
    let long = sentence.repeat(1200);
    let longer = long.replace("policy", "rule");
    for (name, old, new) in [("4,000 lines", &old, &new), ("a line of 100,000", &long, &longer)] {
        let diff = Diff::between(old, new, None);
        for (mode, width) in [(Mode::SideBySide, 160), (Mode::Unified, 100), (Mode::Unified, 20)] {
            for context in [None, Some(3)] {
                let start = Instant::now();
                let laid = layout(old, new, &diff, width, mode, context, false);
                println!("{name} {mode:?} {width} {context:?}: {} lines, {:?}", laid.len(), start.elapsed());
            }
        }
    }
}

proptest! {
    #[test]
    fn any_text_in_any_area(
        old in "(?s)([a-c \\n\\t]|\\r\\n|\\r|\u{4e2d}\u{6587}|👩‍👩|\u{202e}|\u{301}|.){0,60}",
        new in "(?s)([a-c \\n\\t]|\\r\\n|\\r|\u{4e2d}\u{6587}|👩‍👩|\u{202e}|\u{301}|.){0,60}",
        width in 0u16..140,
        height in 0u16..6,
        mode in prop::sample::select(vec![Mode::Fitting, Mode::SideBySide, Mode::Unified]),
        offset in 0usize..20,
        narrower in 0u16..140,
    ) {
        let diff = Diff::between(&old, &new, None);
        let laid = layout(&old, &new, &diff, width, mode, Some(1), offset % 2 == 0);
        prop_assert_eq!(laid.places.len(), laid.len());
        prop_assert!(laid.places.is_sorted_by(|a, b| a.old <= b.old && a.new <= b.new));
        prop_assert_eq!(laid.changes().is_empty(), diff.is_same());
        // Drawn in an area that it was not laid out for, too.
        for width in [width, narrower] {
            drawn(width, height, |canvas, area| {
                draw(canvas, area, &laid, offset, ListId::Diff);
            });
        }
    }
}
