//! Actions and prompts by name: type a few letters of either.
//!
//! ```text
//! ╭─▌Go to ──────────────────────── 12 of 100,074 ─╮
//! │ : rfnd▏                                         │
//! │ ▌ Reject, with a reason                      r  │
//! │   acme/support.refund                   prompt  │
//! │   Undo the last decision   nothing was decided  │
//! ╰─────────────────────────────────────────────────╯
//! ```
//!
//! 100,000 names are matched within a frame: a longer search looks only at what the shorter one found.

use std::sync::Arc;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::frame::{frame, split};
use super::{HelpRow, Popup, Seen};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::console::keymap::{Chord, Key};
use crate::console::message::{Fault, Loaded, Stamp, Ticket};
use crate::console::out::{Out, Place, Step};
use crate::console::query::{Query, Reply};
use crate::console::widgets::input::Input;
use crate::console::widgets::list_state::ListState;
use crate::console::widgets::scroll;
use crate::engine::number::count;
use crate::theme::{Glyph, Role};

/// Columns inside.
const WIDTH: u16 = 84;
/// Most that are listed.
const LISTED: usize = 200;
/// Most rows that are in view.
const ROWS: u16 = 18;

/// Something that can be gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Entry {
    /// An action, by its row.
    Action(u32),
    /// A prompt, by its place among the names.
    Prompt(u32),
}

/// Actions and prompts by name.
#[derive(Debug, Default)]
pub struct Palette {
    rows: Vec<HelpRow>,
    names: Loaded<Arc<Vec<String>>>,
    input: Input,
    /// What the search found, unordered; a longer search looks among it.
    found: Vec<Entry>,
    /// What was searched for.
    searched: String,
    /// The best of it.
    best: Vec<Entry>,
    list: ListState,
    seen: Seen,
}

impl Palette {
    /// Over these actions; prompts come as soon as they are known.
    pub fn new(rows: Vec<HelpRow>) -> Palette {
        let mut palette = Palette { rows, ..Palette::default() };
        palette.all();
        palette.search();
        palette
    }

    fn name(&self, prompt: u32) -> &str {
        self.names.value().and_then(|names| names.get(prompt as usize)).map_or("", String::as_str)
    }

    /// Begins again with everything.
    fn all(&mut self) {
        let prompts = self.names.value().map_or(0, |names| names.len());
        self.found = (0..self.rows.len() as u32).map(Entry::Action).collect();
        self.found.extend((0..prompts as u32).map(Entry::Prompt));
        self.searched.clear();
    }

    fn pattern(&self) -> Pattern {
        Pattern::new(self.input.text(), CaseMatching::Smart, Normalization::Smart, AtomKind::Fuzzy)
    }

    /// Narrows what was found to what is searched for now, and orders the best of it.
    fn search(&mut self) {
        let longer = self.input.text().starts_with(&self.searched) && !self.input.text().contains('\\');
        if !longer {
            self.all();
        }
        self.searched = self.input.text().to_owned();
        let (pattern, mut matcher) = (self.pattern(), Matcher::new(Config::DEFAULT.match_paths()));
        let mut characters = Vec::new();
        let mut text = String::new();
        let mut scored = Vec::with_capacity(self.found.len());
        for entry in &self.found {
            let searched = match entry {
                Entry::Action(i) => {
                    text.clear();
                    text.push_str(words(&self.rows[*i as usize]));
                    Utf32Str::new(&text, &mut characters)
                }
                Entry::Prompt(i) => Utf32Str::new(self.name(*i), &mut characters),
            };
            if let Some(score) = pattern.score(searched, &mut matcher) {
                let can = match entry {
                    Entry::Action(i) => self.rows[*i as usize].objection.is_none(),
                    Entry::Prompt(_) => true,
                };
                // What cannot be done comes after what can; of equals, actions first, in the order of the table.
                scored.push((!can, std::cmp::Reverse(score), *entry));
            }
        }
        self.found.clear();
        self.found.extend(scored.iter().map(|(.., entry)| *entry));
        if scored.len() > LISTED {
            scored.select_nth_unstable(LISTED);
            scored.truncate(LISTED);
        }
        scored.sort_unstable();
        self.best = scored.into_iter().map(|(.., entry)| entry).collect();
        self.list = ListState::default();
    }

    fn go(&mut self, out: &mut Out<'_>) {
        let Some(entry) = self.best.get(self.list.index).filter(|_| self.seen.for_ms(0, out.ctx.stamp))
        else {
            return;
        };
        out.step(Step::Close);
        match *entry {
            Entry::Action(i) => out.step(Step::Act(self.rows[i as usize].action)),
            Entry::Prompt(i) => out.step(Step::Push(Place::Prompt(self.name(i).to_owned()))),
        }
    }
}

/// What an action is searched by, and listed as.
fn words(row: &HelpRow) -> &'static str {
    row.action.row().says
}

impl Popup for Palette {
    fn opened(&mut self, out: &mut Out<'_>) {
        out.ask(&mut self.names, Query::Names);
    }

    fn seen(&mut self, stamp: Stamp) {
        self.seen.drawn(stamp);
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        let moves = match (chord.key, chord.ctrl) {
            (Key::Down | Key::Tab, _) | (Key::Char('n'), true) => Some(Action::Down),
            (Key::Up | Key::BackTab, _) | (Key::Char('p'), true) => Some(Action::Up),
            (Key::PageDown, _) => Some(Action::PageDown),
            (Key::PageUp, _) => Some(Action::PageUp),
            _ => None,
        };
        if let Some(action) = moves {
            self.list.act(action, self.best.len(), out.ctx.hits.of(ListId::Dialog));
            return;
        }
        match chord.key {
            Key::Esc if !repeat => out.step(Step::Close),
            Key::Enter if !repeat => self.go(out),
            _ => {
                if self.input.key(chord) && self.input.text() != self.searched {
                    self.search();
                }
            }
        }
    }

    fn paste(&mut self, text: &str, _out: &mut Out<'_>) {
        self.input.paste(text);
        self.search();
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        match target {
            Target::Row(ListId::Dialog, index) if by == 0 => self.list.select(index),
            _ if by != 0 => self.list.wheel(by, self.best.len(), out.ctx.hits.of(ListId::Dialog)),
            _ => {}
        }
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {
        let names = match answer {
            Ok(Reply::Names(names)) => Ok(Arc::clone(names)),
            Ok(_) => return,
            Err(fault) => Err(fault.clone()),
        };
        if self.names.take(ticket, names) {
            let at = self.list;
            self.all();
            self.search();
            // Actions stay where they were; prompts come below them.
            self.list = if self.input.is_empty() { at } else { ListState::default() };
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        vec![("type", "search"), ("enter", "go"), ("up/down", "move"), ("esc", "close")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let all = self.rows.len() + self.names.value().map_or(0, |names| names.len());
        let note = match (self.names.value(), self.names.fault()) {
            (_, Some(_)) => "prompts cannot be read".to_owned(),
            (None, None) => "reading the names".to_owned(),
            _ => format!("{} of {}", count(self.found.len() as u64), count(all as u64)),
        };
        let inside = frame(canvas, area, ["Go to", &note], WIDTH, ROWS + 2);
        let (field, rest) = split(inside, 1);
        canvas.put(field.x, field.y, field.width, ": ", Role::Key);
        let text = Rect { x: field.x.saturating_add(2), width: field.width.saturating_sub(2), ..field };
        self.input.draw(canvas, text, "an action or a prompt", true);
        let (_, body) = split(rest, 1);
        let height = usize::from(body.height);
        let view = View { offset: self.list.offset_for(height, self.best.len()), height };
        canvas.hits.view(ListId::Dialog, view);
        if self.best.is_empty() && !body.is_empty() {
            canvas.put(
                body.x,
                body.y,
                body.width,
                "Nothing is called that; ctrl-u empties the search",
                Role::Muted,
            );
        }
        let (pattern, mut matcher) = (self.pattern(), Matcher::new(Config::DEFAULT.match_paths()));
        for (y, (i, entry)) in (body.y..body.bottom()).zip(self.best.iter().enumerate().skip(view.offset)) {
            let line = Rect { y, height: 1, width: body.width.saturating_sub(1), ..body };
            self.draw_entry(canvas, line, *entry, &pattern, &mut matcher);
            if i == self.list.index {
                let cursor = canvas.glyph(Glyph::Cursor);
                canvas.put(line.x, y, line.width, cursor, Role::Accent);
                canvas.tint(line, Role::Selection);
            }
            canvas.hits.zone(line, Target::Row(ListId::Dialog, i));
        }
        scroll::bar(canvas, body, view, self.best.len());
    }
}

impl Palette {
    fn draw_entry(
        &self,
        canvas: &mut Canvas<'_>,
        line: Rect,
        entry: Entry,
        pattern: &Pattern,
        matcher: &mut Matcher,
    ) {
        let (text, role, beside) = match entry {
            Entry::Action(i) => {
                let row = &self.rows[i as usize];
                match &row.objection {
                    None => (words(row), Role::Text, (Role::Key, row.keys.as_str())),
                    Some(why) => (words(row), Role::Muted, (Role::Faint, why.as_str())),
                }
            }
            Entry::Prompt(i) => (self.name(i), Role::Text, (Role::Faint, "prompt")),
        };
        let room = line.width.saturating_sub(2);
        let beside_width = canvas.width(beside.1).min(room / 2);
        let width = room.saturating_sub(beside_width + 2);
        canvas.put_right(line.x + 2, line.y, room, "", beside.0);
        canvas.put(line.right().saturating_sub(beside_width), line.y, beside_width, beside.1, beside.0);
        let mut at = Vec::new();
        pattern.indices(Utf32Str::new(text, &mut Vec::new()), matcher, &mut at);
        // Long texts are cut by the canvas, which needs them in one piece.
        if at.is_empty() || canvas.width(text) > width {
            canvas.put(line.x + 2, line.y, width, text, role);
            return;
        }
        let mut pieces: Vec<(Role, String)> = Vec::new();
        for (i, c) in text.chars().enumerate() {
            let role = if at.contains(&(i as u32)) { Role::Match } else { role };
            match pieces.last_mut() {
                Some((last, piece)) if *last == role => piece.push(c),
                _ => pieces.push((role, c.to_string())),
            }
        }
        let pieces: Vec<(Role, &str)> = pieces.iter().map(|(role, piece)| (*role, piece.as_str())).collect();
        canvas.pieces(line.x + 2, line.y, width, &pieces);
    }
}
