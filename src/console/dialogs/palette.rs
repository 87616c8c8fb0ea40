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

use std::borrow::Cow;
use std::sync::Arc;

use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use ratatui::layout::Rect;

use super::frame::{frame, nothing_found, search};
use super::{HelpRow, Popup, Seen};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View};
use crate::console::keymap::{Chord, Key};
use crate::console::message::{Fault, Loaded, Ticket};
use crate::console::out::{Ctx, Out, Place, Step};
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
    /// How much of it is listed, were there room.
    kept: usize,
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
        let mut sought = Sought::new(self.input.text());
        let mut found = std::mem::take(&mut self.found);
        let mut scored = Vec::with_capacity(found.len());
        found.retain(|entry| {
            let (can, how) = match entry {
                Entry::Action(i) => {
                    let row = &self.rows[*i as usize];
                    (row.objection.is_none(), sought.among(&words(row), Some(row.action.row().hint)))
                }
                Entry::Prompt(i) => (true, sought.among(self.name(*i), None)),
            };
            // As it is written comes before scattered letters, then what can be done before what cannot; of equals, actions
            // first, in the order of the table.
            if let Some((how, score)) = how.filter(|(how, _)| *how < How::Weak) {
                scored.push((how, !can, std::cmp::Reverse(score), *entry));
            }
            how.is_some()
        });
        self.found = found;
        self.kept = scored.len();
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

/// What an action is searched by, and listed as: what it does, and what hints call it where that says more.
fn words(row: &HelpRow) -> String {
    let row = row.action.row();
    let hint = row.hint.to_lowercase();
    if row.says.to_lowercase().contains(&hint) {
        return row.says.to_owned();
    }
    let mut said = row.hint.to_owned();
    if let Some(first) = said.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    format!("{said}: {}", row.says)
}

/// How a text has what is sought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    /// As it is written, in what it is called.
    Called,
    /// As it is written, elsewhere.
    Written,
    /// Letter after letter, near each other.
    Near,
    /// Letter after letter, scattered: it is not listed.
    Weak,
}

/// What is sought.
struct Sought {
    written: Pattern,
    letters: Pattern,
    /// The least that near letters score.
    least: u32,
    matcher: Matcher,
    room: Vec<char>,
}

impl Sought {
    fn new(text: &str) -> Sought {
        let pattern = |kind| Pattern::new(text, CaseMatching::Smart, Normalization::Smart, kind);
        Sought {
            written: pattern(AtomKind::Substring),
            letters: pattern(AtomKind::Fuzzy),
            least: 16 * text.chars().filter(|c| !c.is_whitespace()).count() as u32,
            matcher: Matcher::new(Config::DEFAULT.match_paths()),
            room: Vec::new(),
        }
    }

    /// How a text has it, and how well; `called` is what the thing is called, of a prompt the end of its name.
    fn among(&mut self, text: &str, called: Option<&str>) -> Option<(How, u32)> {
        let score = self.letters.score(Utf32Str::new(text, &mut self.room), &mut self.matcher)?;
        let called = called.unwrap_or_else(|| text.rsplit('/').next().unwrap_or(text));
        let mut has =
            |text| self.written.score(Utf32Str::new(text, &mut self.room), &mut self.matcher).is_some();
        let how = if has(called) {
            How::Called
        } else if has(text) {
            How::Written
        } else if score >= self.least {
            How::Near
        } else {
            How::Weak
        };
        Some((how, score))
    }
}

impl Popup for Palette {
    fn opened(&mut self, out: &mut Out<'_>) {
        out.ask(&mut self.names, Query::Names);
    }

    fn seen(&mut self, ctx: &Ctx<'_>) {
        self.seen.drawn(ctx.stamp);
    }

    fn writes(&self) -> bool {
        true
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
            _ => format!("{} of {}", count(self.kept as u64), count(all as u64)),
        };
        let inside = frame(canvas, area, ["Go to", &note], WIDTH, ROWS + 2);
        let body = search(canvas, inside, ": ", &self.input, "an action or a prompt");
        let height = usize::from(body.height);
        let view = View { offset: self.list.offset_for(height, self.best.len()), height };
        canvas.hits.view(ListId::Dialog, view);
        if self.best.is_empty() {
            nothing_found(canvas, body);
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
                    None => (Cow::from(words(row)), Role::Text, (Role::Key, row.keys.as_str())),
                    Some(why) => (Cow::from(words(row)), Role::Muted, (Role::Faint, why.as_str())),
                }
            }
            Entry::Prompt(i) => (Cow::from(self.name(i)), Role::Text, (Role::Faint, "prompt")),
        };
        let text: &str = &text;
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
