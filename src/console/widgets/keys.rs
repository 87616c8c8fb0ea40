//! The bar at the foot of the screen: what can be done here, and chips that say how the console stands.
//!
//! ```text
//! enter open · / filter · s sort · ? help                         READ-ONLY  30d
//! ```
//!
//! Hints go from the end where there is little room; the first and the last, which is help, stay as long as they can. What cannot be done now
//! stands in brackets.

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::{Glyph, Role};

/// A hint: a key, one or two words, and whether it can be done now.
pub type Hint<'t> = (String, &'t str, bool);

/// Draws hints in the first row of `area`, as many as fit; the last one is help.
pub fn hints(canvas: &mut Canvas<'_>, area: Rect, hints: &[Hint<'_>]) {
    let area = canvas.on_screen(area);
    if area.is_empty() {
        return;
    }
    let width = |(key, words, enabled): &Hint<'_>| {
        let brackets = if *enabled { 0 } else { 2 };
        u32::from(canvas.width(key)) + 1 + u32::from(canvas.width(words)) + brackets
    };
    let between = 3;
    let mut shown: Vec<&Hint<'_>> = hints.iter().collect();
    let total = |shown: &[&Hint<'_>]| {
        shown.iter().map(|hint| width(hint)).sum::<u32>() + between * shown.len().saturating_sub(1) as u32
    };
    while shown.len() > 2 && total(&shown) > u32::from(area.width) {
        shown.remove(shown.len() - 2);
    }
    // Where not even two fit, help is worth more than half of another hint.
    if shown.len() == 2 && total(&shown) > u32::from(area.width) {
        shown.remove(0);
    }
    let separator = format!(" {} ", canvas.glyph(Glyph::Separator));
    let mut x = area.x;
    for (i, (key, words, enabled)) in shown.into_iter().enumerate() {
        if i > 0 {
            x += canvas.put(x, area.y, area.right() - x, &separator, Role::Faint);
        }
        let room = area.right() - x;
        x += if *enabled {
            canvas.pieces(x, area.y, room, &[(Role::Key, key), (Role::Hint, " "), (Role::Hint, words)])
        } else {
            canvas.put(x, area.y, room, &format!("({key} {words})"), Role::Faint)
        };
    }
}

/// Draws chips at the right of the first row of `area`, the first ones first to go where there is little room; what is
/// left of it.
pub fn chips(canvas: &mut Canvas<'_>, area: Rect, chips: &[(Role, &str)]) -> Rect {
    let area = canvas.on_screen(area);
    let mut end = area.right();
    // They may take as much as leaves room for hints.
    let start = area.right() - area.width / 5 * 3;
    if area.is_empty() {
        return area;
    }
    for (role, words) in chips.iter().rev() {
        let width = canvas.width(words).saturating_add(2);
        if width > end.saturating_sub(start) {
            break;
        }
        let x = end - width;
        canvas.fill(Rect { x, width, height: 1, ..area }, *role);
        canvas.put(x + 1, area.y, width - 2, words, *role);
        // A blank between two.
        end = x.saturating_sub(1).max(area.x);
    }
    Rect { width: end - area.x, ..area }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    fn bar(c: &mut Canvas<'_>, area: Rect) {
        let rest = chips(c, area, &[(Role::Chip, "30d"), (Role::ChipAlert, "READ-ONLY")]);
        let all = [
            ("enter", "open", true),
            ("/", "filter", true),
            ("a", "accept", false),
            ("s", "sort", true),
            ("?", "help", true),
        ];
        hints(c, rest, &all.map(|(key, words, enabled)| (key.to_owned(), words, enabled)));
    }

    #[test]
    fn looks() {
        insta::assert_snapshot!(
            [drawn(80, 1, bar), drawn(52, 1, bar), drawn(20, 1, bar), plain(80, 1, bar)].join("\n")
        );
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..90, height in 0u16..3) {
            drawn(width, height, bar);
        }
    }
}
