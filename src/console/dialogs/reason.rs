//! Words that are needed: why something is rejected or rolled back, what is said of a proposal.
//!
//! ```text
//! ╭─▌Reject 3 proposals ────────────────────────────╮
//! │ It stays in the ledger, and the drafter reads it │
//! │                                                  │
//! │ The tone is wrong for support.▏                  │
//! │                                                  │
//! │ Recent reasons (up/down)                         │
//! │   Too little evidence                            │
//! │                                                  │
//! │                           enter sends · esc drops │
//! ╰──────────────────────────────────────────────────╯
//! ```
//!
//! Down goes into the list, Up back to what was written, Tab round. Enter sends, because a reason is a sentence; `alt-enter` begins a new line. Nothing is sent that is blank, or before the
//! dialog has been seen; what is pasted is text and never sends. It stays until the words have been taken: what is refused
//! is said above them, and they can be sent again.

use ratatui::layout::Rect;

use super::frame::{frame, inside, split};
use super::notice::sentence;
use super::text::Text;
use super::{Heard, Popup, Seen};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::{Chord, Key};
use crate::console::message::{CommandId, Fault, FaultKind};
use crate::console::out::{Ctx, Open, Out, Step, Then};
use crate::console::query::{Command, Receipt};
use crate::console::widgets::flow::Flow;
use crate::theme::{Glyph, Role};

/// Columns inside.
const WIDTH: u16 = 68;
/// Rows of the field.
const FIELD: u16 = 4;
/// Recent reasons that are shown.
const RECENT: usize = 5;

/// What sending is called.
const fn verb(then: &Then) -> &'static str {
    match then {
        Then::Reject(_) => "reject",
        Then::RollBack(..) => "go on",
        Then::Comment(_) => "comment",
    }
}

/// What is said where there are no words.
const fn needed(then: &Then) -> &'static str {
    match then {
        Then::Reject(_) | Then::RollBack(..) => "A reason is needed: it is kept with the decision",
        Then::Comment(_) => "Nothing is said yet",
    }
}

/// Words that are needed.
#[derive(Debug)]
pub struct Reason {
    title: String,
    explanation: Vec<String>,
    recent: Vec<String>,
    then: Then,
    text: Text,
    /// Which recent reason was picked last, and what had been written before.
    picked: Option<(usize, String)>,
    /// Whether it was to be sent without words.
    missed: bool,
    /// The command that carries the words, until it is known what came of it.
    sent: Option<CommandId>,
    /// Why they were not taken.
    refused: Option<String>,
    seen: Seen,
}

impl Reason {
    /// Asks for words under a title; recent reasons, the newest first, can be picked.
    pub fn new(title: String, explanation: Vec<String>, recent: Vec<String>, then: Then) -> Reason {
        let mut once: Vec<String> = Vec::new();
        for reason in recent {
            if once.len() < RECENT && !reason.trim().is_empty() && !once.contains(&reason) {
                once.push(reason);
            }
        }
        let text = Text::of("", true);
        Reason {
            title,
            explanation,
            recent: once,
            then,
            text,
            picked: None,
            missed: false,
            sent: None,
            refused: None,
            seen: Seen::default(),
        }
    }

    /// Puts the next recent reason, or the one before, into the field; past the ends stands what had been
    /// written.
    fn pick(&mut self, by: isize) {
        let (at, own) = match self.picked.take() {
            Some((at, own)) => (at as isize + by, own),
            None if by > 0 => (0, self.text.text()),
            None => (self.recent.len() as isize - 1, self.text.text()),
        };
        match usize::try_from(at).ok().and_then(|at| Some((at, self.recent.get(at)?))) {
            Some((at, reason)) => {
                self.text = Text::of(reason, true);
                self.picked = Some((at, own));
            }
            None => self.text = Text::of(&own, true),
        }
        self.missed = false;
    }

    /// A recent reason that is written on is one's own.
    fn changed(&mut self) {
        self.picked.take_if(|(at, _)| self.text.text() != self.recent[*at]);
    }

    fn send(&mut self, out: &mut Out<'_>) {
        if !self.seen.for_ms(0, out.ctx.stamp) {
            return;
        }
        if self.text.is_blank() {
            self.missed = true;
            return;
        }
        let reason = self.text.text().trim().to_owned();
        self.refused = None;
        self.sent = match self.then.clone() {
            Then::Reject(ids) => Some(out.command(Command::Reject(ids, reason))),
            Then::Comment(id) => Some(out.command(Command::Comment(id, reason))),
            // Confirmed over this: who takes it back has the words still.
            Then::RollBack(back) => {
                out.open(Open::RollBack(back, reason));
                None
            }
        };
    }
}

impl Popup for Reason {
    fn seen(&mut self, ctx: &Ctx<'_>) {
        self.seen.drawn(ctx.stamp);
    }

    fn writes(&self) -> bool {
        true
    }

    fn sent(&mut self, id: CommandId) {
        self.sent = Some(id);
    }

    fn done(&mut self, id: CommandId, done: &Result<Receipt, Fault>) -> Option<Heard> {
        self.sent.take_if(|sent| *sent == id)?;
        let Err(fault) = done else { return Some(Heard::Through) };
        self.refused = Some(sentence(&fault.text));
        // What can be done about a locked key a notice offers.
        Some(if fault.kind == FaultKind::Locked { Heard::Stays } else { Heard::Said })
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        if self.sent.is_some() && chord.key != Key::Esc {
            // What is sent is not changed meanwhile, and not sent twice.
            return;
        }
        let recent = !self.recent.is_empty();
        match (chord.key, chord.ctrl, chord.alt) {
            (Key::Esc, ..) => out.step(Step::Close),
            (Key::Char('s'), true, false) | (Key::Enter, _, false) => {
                if !repeat {
                    self.send(out);
                }
            }
            (Key::Tab, ..) if recent => self.pick(1),
            (Key::BackTab, ..) if recent => self.pick(-1),
            // As the list is drawn: below the field, the newest first.
            (Key::Down, false, false) if recent && (self.picked.is_some() || self.text.is_at_edge(true)) => {
                if self.picked.as_ref().is_none_or(|(at, _)| at + 1 < self.recent.len()) {
                    self.pick(1);
                }
            }
            (Key::Up, false, false) if self.picked.is_some() => self.pick(-1),
            (Key::Tab | Key::BackTab, ..) => {}
            _ => {
                self.missed = false;
                self.text.key(Chord { alt: chord.alt && chord.key != Key::Enter, ..chord }, out.ctx.hits);
                self.changed();
            }
        }
    }

    fn paste(&mut self, text: &str, out: &mut Out<'_>) {
        if self.sent.is_some() {
            return;
        }
        self.missed = false;
        self.text.paste(text, out.ctx.hits);
        self.changed();
    }

    fn mouse(&mut self, target: Target, by: isize, _out: &mut Out<'_>) {
        if let Target::Row(ListId::Dialog, index) = target
            && by == 0
            && self.sent.is_none()
            && index < self.recent.len()
        {
            let own = self.picked.take().map_or_else(|| self.text.text(), |(_, own)| own);
            self.text = Text::of(&self.recent[index], true);
            self.picked = Some((index, own));
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        let mut hints = vec![("enter", verb(&self.then)), ("alt-enter", "new line"), ("esc", "cancel")];
        if !self.recent.is_empty() {
            hints.insert(1, ("up/down", "recent reasons"));
        }
        hints
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let mut words = Flow::default();
        let width = inside(area, WIDTH);
        if let Some(why) = &self.refused {
            words.words(&format!("{} {why}", canvas.glyph(Glyph::Bad)), Role::Bad, width);
        }
        for line in &self.explanation {
            words.words(line, Role::Muted, width);
        }
        let said = words.rows().saturating_add(u16::from(!words.is_empty()));
        let recent = if self.recent.is_empty() { 0 } else { self.recent.len() as u16 + 2 };
        let note = match self.sent {
            Some(_) => "being sent".to_owned(),
            None => format!("enter: {}", verb(&self.then)),
        };
        let height = said.saturating_add(FIELD + 1 + recent);
        let inside = frame(canvas, area, [&self.title, &note], WIDTH, height);
        // What is being written is seen, however little room there is.
        let spare = inside.height.saturating_sub(FIELD + 1);
        let (above, rest) = split(inside, said.min(spare));
        for (i, y) in (above.y..above.bottom()).enumerate() {
            words.draw(canvas, above.x, y, above.width, i);
        }
        let (field, rest) = split(rest, FIELD.min(rest.height.saturating_sub(1).max(1)));
        let (below, rest) = split(rest, 1);
        if self.missed && !below.is_empty() {
            let mark = canvas.glyph(Glyph::Caution).to_owned();
            let pieces =
                [(Role::Caution, mark.as_str()), (Role::Text, " "), (Role::Caution, needed(&self.then))];
            canvas.pieces(below.x, below.y, below.width, &pieces);
        }
        if !self.recent.is_empty() && rest.height > 1 {
            let (head, rows) = split(rest, 1);
            canvas.pieces(
                head.x,
                head.y,
                head.width,
                &[(Role::Heading, "Recent reasons  "), (Role::Key, "up/down")],
            );
            for (y, (i, reason)) in (rows.y..rows.bottom()).zip(self.recent.iter().enumerate()) {
                let chosen = self.picked.as_ref().is_some_and(|(at, _)| *at == i);
                let mark = if chosen { canvas.glyph(Glyph::Cursor) } else { " " };
                let role = if chosen { Role::Text } else { Role::Muted };
                let line = Rect { y, height: 1, ..rows };
                canvas.pieces(line.x, y, line.width, &[(Role::Accent, mark), (role, " "), (role, reason)]);
                canvas.hits.zone(line, Target::Row(ListId::Dialog, i));
            }
        }
        let asks = match self.then {
            Then::Comment(_) => "What should others know?",
            _ => "Why? One sentence is enough",
        };
        self.text.draw(canvas, field, false, asks);
    }
}
