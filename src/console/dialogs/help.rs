//! What can be done, and with which key; typing narrows it.
//!
//! ```text
//! ╭─▌Keys ──────────────────────────── 18 of 74 ─╮
//! │ / roll▏                                       │
//! │ The watch                                     │   where the focus is comes first
//! │   B  roll-back   Make an earlier version …    │
//! │ A prompt's page, not here                     │
//! │   B  roll-back   Make an earlier version …    │
//! ╰───────────────────────────────────────────────╯
//! ```
//!
//! Two columns where there is room. What cannot be done now is listed with the reason.

use ratatui::layout::Rect;

use super::Popup;
use super::frame::{frame, inside, nothing_found, search};
use crate::console::action::{Action, ROWS, Row, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::console::keymap::{Chord, Key, Keymap, written};
use crate::console::out::{Out, Step};
use crate::console::widgets::input::Input;
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Columns of one column of help.
const COLUMN: u16 = 74;
/// Columns between two of them.
const GAP: u16 = 3;
/// Columns for keys.
const KEYS: u16 = 15;

/// What can be done.
#[derive(Debug, Default)]
pub struct Help {
    rows: Vec<HelpRow>,
    input: Input,
    offset: usize,
}

/// A line of help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Between two places.
    Blank,
    /// Where the actions below are at work, and whether the focus is there.
    Place(Where, bool),
    /// An action, by its row.
    Row(usize),
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
        // A key that a nearer place takes does something else here.
        let keys: Vec<String> = if here {
            keymap.reaching(row.action, places).map(|keys| written(keys)).collect()
        } else {
            keymap.keys(row.action).iter().map(|keys| written(keys)).collect()
        };
        HelpRow {
            action: row.action,
            keys: keys.join("  "),
            here,
            objection: if here { objection(row.action) } else { elsewhere() },
        }
    };
    rows.into_iter().map(row).collect()
}

impl Help {
    /// Lists these.
    pub fn new(rows: Vec<HelpRow>) -> Help {
        Help { rows, ..Help::default() }
    }

    /// Rows of which the search is a key, as it is pressed: `G` is not `g`. Else those that hold every word of it.
    fn found(&self) -> Vec<usize> {
        let rows = || self.rows.iter().enumerate();
        let search = self.input.text().trim();
        let pressed: Vec<usize> = rows()
            .filter(|(_, row)| !search.is_empty() && row.keys.split("  ").any(|keys| keys == search))
            .map(|(i, _)| i)
            .collect();
        if !pressed.is_empty() {
            return pressed;
        }
        let search = search.to_lowercase();
        let words: Vec<&str> = search.split_whitespace().collect();
        let holds = |row: &HelpRow| {
            let table = row.action.row();
            let text = format!("{} {} {} {}", table.name, table.hint, table.says, row.keys).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        rows().filter(|(_, row)| holds(row)).map(|(i, _)| i).collect()
    }

    fn lines(&self) -> Vec<Line> {
        let (mut lines, mut last) = (Vec::new(), None);
        for i in self.found() {
            let place = self.rows[i].action.row().place;
            if last.replace(place) != Some(place) {
                if !lines.is_empty() {
                    lines.push(Line::Blank);
                }
                lines.push(Line::Place(place, self.rows[i].here));
            }
            lines.push(Line::Row(i));
        }
        lines
    }

    /// The lines side by side: the lower half goes to the right, a place with its actions.
    fn columns(&self, width: u16) -> Vec<Vec<Line>> {
        let mut lines = self.lines();
        if width < 2 * COLUMN - 20 + GAP || lines.len() < 16 {
            return vec![lines];
        }
        let half = lines.len().div_ceil(2);
        // Between two places, if one begins about there.
        let near = |i: usize| i.abs_diff(half);
        let blanks = (0..lines.len()).filter(|i| lines[*i] == Line::Blank);
        let cut = blanks.min_by_key(|i| near(*i)).filter(|i| near(*i) <= half / 2).unwrap_or(half);
        let mut right = lines.split_off(cut);
        if right.first() == Some(&Line::Blank) {
            right.remove(0);
        }
        vec![lines, right]
    }

    fn draw_line(&self, canvas: &mut Canvas<'_>, at: Rect, line: Line) {
        let row = match line {
            Line::Blank => return,
            Line::Place(place, here) => {
                let mut words = place.words().to_owned();
                if let Some(first) = words.get_mut(..1) {
                    first.make_ascii_uppercase();
                }
                let place = if here { ("", Role::Heading) } else { (", not here", Role::Muted) };
                canvas.pieces(at.x, at.y, at.width, &[(place.1, &words), (Role::Faint, place.0)]);
                return;
            }
            Line::Row(i) => &self.rows[i],
        };
        let table = row.action.row();
        // Of what is at work elsewhere the place says why not.
        let why = row.objection.as_ref().filter(|_| row.here);
        let (key, text) = match (row.here, why) {
            (true, None) => (Role::Key, Role::Text),
            _ => (Role::Faint, Role::Muted),
        };
        let keys = if row.keys.is_empty() { "-" } else { &row.keys };
        canvas.put(at.x + 1, at.y, KEYS.saturating_sub(2).min(at.width.saturating_sub(1)), keys, key);
        let says = Rect { x: at.x + KEYS, width: at.width.saturating_sub(KEYS), ..at };
        match why {
            Some(why) => {
                let mark = canvas.glyph(Glyph::Bad);
                let why = format!(" {why}  ");
                let pieces = [(Role::Caution, mark), (Role::Text, why.as_str()), (Role::Faint, table.says)];
                canvas.pieces(says.x, says.y, says.width, &pieces);
            }
            None => _ = canvas.put(says.x, says.y, says.width, table.says, text),
        }
    }
}

/// What a key moves while text is typed.
fn movement(chord: Chord) -> Option<Action> {
    match chord.key {
        // They belong to the text.
        Key::Home | Key::End | Key::Left | Key::Right => None,
        _ if chord.typed().is_some() => None,
        Key::Char('u' | 'f' | 'b') => None,
        _ => super::choose::movement(chord),
    }
}

impl Popup for Help {
    fn writes(&self) -> bool {
        true
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        let view = out.ctx.hits.of(ListId::Dialog);
        if let Some(action) = movement(chord) {
            let width = inside(Rect::new(0, 0, out.ctx.size.0, out.ctx.size.1), wide());
            let len = self.columns(width).iter().map(Vec::len).max().unwrap_or_default();
            self.offset = scroll::scrolled(action, len, view).unwrap_or(self.offset);
            return;
        }
        match chord.key {
            Key::Esc | Key::Enter if !repeat => out.step(Step::Close),
            _ if self.input.key(chord) => self.offset = 0,
            _ => {}
        }
    }

    fn paste(&mut self, text: &str, _out: &mut Out<'_>) {
        self.input.paste(text);
        self.offset = 0;
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Dialog)) {
            let width = inside(Rect::new(0, 0, out.ctx.size.0, out.ctx.size.1), wide());
            let len = self.columns(width).iter().map(Vec::len).max().unwrap_or_default();
            self.offset = scroll::wheeled(by, len, out.ctx.hits.of(ListId::Dialog));
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("type", "search"), ("up/down", "scroll"), ("esc", "close")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let columns = self.columns(inside(area, wide()));
        let len = columns.iter().map(Vec::len).max().unwrap_or_default();
        let found = columns.iter().flatten().filter(|line| matches!(line, Line::Row(_))).count();
        let note = format!("{found} of {}", self.rows.len());
        let width = if area.width > 2 * COLUMN - 20 { wide() } else { COLUMN };
        // As high as all of it: the frame does not jump as one types.
        let inside = frame(canvas, area, ["What can be done", &note], width, area.height);
        let body = search(canvas, inside, "/ ", &self.input, "search by key, name or words");
        let height = usize::from(body.height);
        let view = View { offset: scroll::held(self.offset, height, len), height };
        canvas.hits.view(ListId::Dialog, view);
        if found == 0 {
            nothing_found(canvas, body);
        }
        let count = columns.len() as u16;
        let room = body.width.saturating_sub(1 + GAP * (count - 1)) / count;
        for (nth, lines) in columns.iter().enumerate() {
            let x = body.x + nth as u16 * (room + GAP);
            for (y, line) in (body.y..body.bottom()).zip(lines.iter().skip(view.offset)) {
                self.draw_line(canvas, Rect { x, y, width: room, height: 1 }, *line);
            }
        }
        scroll::bar(canvas, body, view, len);
    }
}

/// Columns of two columns of help.
const fn wide() -> u16 {
    2 * COLUMN + GAP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(search: &str) -> Help {
        let rows = help_rows(&Keymap::default(), &[Where::Watch, Where::List, Where::Everywhere], |action| {
            (action == Action::Undo).then(|| "nothing was decided".to_owned())
        });
        Help { input: Input::of(search), ..Help::new(rows) }
    }

    fn actions(help: &Help, width: u16) -> Vec<Action> {
        let lines = help.columns(width).concat().into_iter();
        lines
            .filter_map(|line| if let Line::Row(i) = line { Some(help.rows[i].action) } else { None })
            .collect()
    }

    #[test]
    fn every_action_is_in_help_once() {
        let mut all: Vec<Action> = ROWS.iter().map(|row| row.action).collect();
        all.sort();
        for width in [0, 60, 120, 200] {
            let mut listed = actions(&help(""), width);
            assert_eq!(listed[0].row().place, Where::Watch);
            listed.sort();
            assert_eq!(listed, all);
        }
    }

    #[test]
    fn a_key_that_a_nearer_place_takes_is_not_listed() {
        let help = help("");
        let keys = |action| help.rows.iter().find(|row| row.action == action).map(|row| row.keys.as_str());
        assert_eq!((keys(Action::Silence), keys(Action::Sort)), (Some("s"), Some("")));
        assert_eq!(keys(Action::Top), Some("g g  home"));
    }

    #[test]
    fn typing_searches_keys_names_and_words() {
        assert_eq!(actions(&help("G"), 80), [Action::Bottom]);
        assert!(actions(&help("roll back"), 80).contains(&Action::WatchRollBack));
        assert!(actions(&help("ctrl-d"), 80).contains(&Action::HalfDown));
        assert_eq!(actions(&help("no such thing"), 80), []);
    }
}
