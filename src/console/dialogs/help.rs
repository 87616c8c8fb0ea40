//! What can be done.

use ratatui::layout::Rect;

use super::Popup;
use crate::console::action::{Action, ROWS, Row, Where};
use crate::console::canvas::Canvas;
use crate::console::keymap::{Chord, Keymap, written};
use crate::console::out::{Out, Step};

/// What can be done.
#[derive(Debug, Default)]
pub struct Help {}

impl Popup for Help {
    fn key(&mut self, _chord: Chord, _repeat: bool, out: &mut Out<'_>) {
        out.step(Step::Close);
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![]
    }

    fn draw(&self, _canvas: &mut Canvas<'_>, _area: Rect) {}
}

/// An action as help and palette list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRow {
    /// The action.
    pub action: Action,
    /// Its keys, as they are written.
    pub keys: String,
    /// Whether it is at work where the focus is.
    pub here: bool,
    /// Why it cannot be done now.
    pub objection: Option<String>,
}

/// Every action, those that are at work in `places` first, the nearest first.
pub fn help_rows(
    keymap: &Keymap,
    places: &[Where],
    objection: impl Fn(Action) -> Option<String>,
) -> Vec<HelpRow> {
    let nearness = |place: Where| places.iter().position(|p| *p == place).unwrap_or(usize::MAX);
    let mut rows: Vec<&Row> = ROWS.iter().collect();
    rows.sort_by_key(|row| nearness(row.place));
    let row = |row: &Row| {
        let here = places.contains(&row.place);
        let elsewhere = || Some(format!("only in {}", row.place.words()));
        HelpRow {
            action: row.action,
            keys: keymap.keys(row.action).iter().map(|keys| written(keys)).collect::<Vec<_>>().join("  "),
            here,
            objection: if here { objection(row.action) } else { elsewhere() },
        }
    };
    rows.into_iter().map(row).collect()
}

impl Help {
    /// Lists these.
    pub fn new(_rows: Vec<HelpRow>) -> Help {
        Help::default()
    }
}
