//! The buttons of a dialog. The first takes back; which one Enter presses is seen by its brackets.
//!
//! ```text
//!                          [ Cancel ]   Accept    Defer
//! ```
//!
//! No button is a place for the mouse: nothing is decided by a click.

use ratatui::layout::Rect;

use crate::console::canvas::Canvas;
use crate::theme::Role;

/// A button.
#[derive(Debug, Clone, Copy)]
pub struct Button<'t> {
    /// What it does, in a word or two.
    pub words: &'t str,
    /// Whether what it does cannot be taken back lightly.
    pub danger: bool,
}

impl<'t> Button<'t> {
    /// A button of no danger.
    pub const fn calm(words: &'t str) -> Button<'t> {
        Button { words, danger: false }
    }
}

/// Draws buttons at the right of the first row of `area`; where there is little room the focused one is seen. None has
/// the focus where something else has it.
pub fn buttons(canvas: &mut Canvas<'_>, area: Rect, buttons: &[Button<'_>], focused: Option<usize>) {
    let area = canvas.on_screen(area);
    if area.is_empty() || buttons.is_empty() {
        return;
    }
    let focused = focused.map(|focused| focused.min(buttons.len() - 1));
    let kept = focused.unwrap_or(0);
    // Brackets and blanks take four, the blank between two one.
    let width = |button: &Button<'_>| u32::from(canvas.width(button.words)) + 4;
    let total =
        |some: &[Button<'_>]| some.iter().map(width).sum::<u32>() + some.len().saturating_sub(1) as u32;
    let room = u32::from(area.width);
    let mut shown = 0..buttons.len();
    while shown.len() > 1 && total(&buttons[shown.clone()]) > room {
        if shown.end - 1 > kept { shown.end -= 1 } else { shown.start += 1 }
    }
    let mut x = area.right() - total(&buttons[shown.clone()]).min(room) as u16;
    for i in shown {
        let button = buttons[i];
        let (text, role) = match (focused == Some(i), button.danger) {
            (true, false) => (format!("[ {} ]", button.words), Role::ButtonFocused),
            (true, true) => (format!("[ {} ]", button.words), Role::ButtonDanger),
            (false, _) => (format!("  {}  ", button.words), Role::Button),
        };
        x += canvas.put(x, area.y, area.right().saturating_sub(x), &text, role) + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::sketch::{drawn, plain};
    use super::*;
    use proptest::prelude::*;

    const BUTTONS: [Button<'static>; 3] =
        [Button::calm("Cancel"), Button { words: "Accept", danger: true }, Button::calm("Defer")];

    #[test]
    fn looks() {
        let with = |focused| move |c: &mut Canvas<'_>, area| buttons(c, area, &BUTTONS, Some(focused));
        let all =
            [drawn(48, 1, with(0)), drawn(48, 1, with(1)), drawn(16, 1, with(1)), plain(48, 1, with(2))];
        insta::assert_snapshot!(all.join("\n"));
    }

    proptest! {
        #[test]
        fn any_area(width in 0u16..60, height in 0u16..3, focused in 0usize..5) {
            drawn(width, height, |c, area| buttons(c, area, &BUTTONS, Some(focused)));
        }
    }
}
