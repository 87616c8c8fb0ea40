//! A text that is changed in place: the text of a proposal, without leaving the console.
//!
//! ```text
//! ╭─▌Change the text of PROPOSAL-12 ─────── changed ─╮
//! │   1 ---                                         │
//! │   2 name: support.reply                         │
//! │   …                                             │
//! │ ▲ Drop what you changed? y drops it             │
//! ╰─────────────────────────────────────────────────╯
//! ```
//!
//! What is sent becomes a proposal of its own, with the risk of the new text; nothing is published from here.

use ratatui::layout::Rect;

use super::frame::{frame, split};
use super::text::Text;
use super::{Heard, Popup, Seen};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::{Chord, Key};
use crate::console::message::{CommandId, Fault};
use crate::console::out::{Ctx, Out, Step};
use crate::console::query::{Command, Receipt};
use crate::domain::proposal::ProposalId;
use crate::theme::{Glyph, Role};

/// Columns of text beyond which lines are hard to read.
const WIDTH: u16 = 120;

/// A text that is changed in place.
#[derive(Debug)]
pub struct Editor {
    id: ProposalId,
    before: String,
    text: Text,
    /// Whether it was asked if changes are dropped.
    leaving: bool,
    /// The command that carries the text, until it is known what came of it.
    sent: Option<CommandId>,
    seen: Seen,
}

impl Editor {
    /// Changes the text of a proposal.
    pub fn new(id: ProposalId, text: String) -> Editor {
        Editor {
            id,
            text: Text::of(&text, false),
            before: text,
            leaving: false,
            sent: None,
            seen: Seen::default(),
        }
    }

    fn send(&mut self, out: &mut Out<'_>) {
        if !self.seen.for_ms(0, out.ctx.stamp) {
            return;
        }
        let text = self.text.text();
        if text == self.before {
            out.step(Step::Close);
            out.say(Role::Info, "Nothing was changed");
        } else {
            // It stays until the text has been taken: what is refused can be mended here.
            self.sent = Some(out.command(Command::Modify(self.id, text)));
        }
    }
}

impl Popup for Editor {
    fn seen(&mut self, ctx: &Ctx<'_>) {
        self.seen.drawn(ctx.stamp);
    }

    fn writes(&self) -> bool {
        true
    }

    fn done(&mut self, id: CommandId, done: &Result<Receipt, Fault>) -> Option<Heard> {
        self.sent.take_if(|sent| *sent == id)?;
        Some(if done.is_ok() { Heard::Through } else { Heard::Stays })
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        if std::mem::take(&mut self.leaving) {
            // Asked anew, and so to be seen anew: a key that was typed ahead drops nothing.
            if chord.typed() == Some('y') && self.seen.for_ms(0, out.ctx.stamp) && !repeat {
                out.step(Step::Close);
            }
            return;
        }
        if self.sent.is_some() && chord.key != Key::Esc {
            // What is sent is not changed meanwhile, and not sent twice.
            return;
        }
        match (chord.key, chord.ctrl) {
            (Key::Char('s'), true) if !repeat => self.send(out),
            (Key::Esc, _) if self.text.text() == self.before => out.step(Step::Close),
            (Key::Esc, _) => {
                self.leaving = true;
                self.seen.renew();
            }
            _ => self.text.key(chord, out.ctx.hits),
        }
    }

    fn paste(&mut self, text: &str, out: &mut Out<'_>) {
        if self.sent.is_some() {
            return;
        }
        self.leaving = false;
        self.text.paste(text, out.ctx.hits);
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Dialog)) && by != 0 {
            let key = if by > 0 { Key::Down } else { Key::Up };
            for _ in 0..by.unsigned_abs().min(20) * 3 {
                self.text.key(Chord::plain(key), out.ctx.hits);
            }
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        if self.leaving {
            return vec![("y", "drop the changes"), ("any other key", "go on")];
        }
        vec![("ctrl-s", "propose this text"), ("ctrl-u", "undo"), ("ctrl-r", "redo"), ("esc", "cancel")]
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let title = format!("Change the text of {}", self.id);
        let note = match self.sent {
            Some(_) => "being sent",
            None if self.text.text() == self.before => "as proposed",
            None => "changed",
        };
        let inside = frame(canvas, area, [&title, note], WIDTH, area.height);
        let asks = u16::from(self.leaving && inside.height > 1);
        let (field, below) = split(inside, inside.height - asks);
        self.text.draw(canvas, field, true, "An empty text");
        if self.leaving {
            let mark = canvas.glyph(Glyph::Caution);
            let pieces = [
                (Role::Caution, mark),
                (Role::Strong, " Drop what you changed? "),
                (Role::Key, "y"),
                (Role::Text, " drops it, any other key goes on"),
            ];
            let line = if below.is_empty() { field } else { below };
            canvas.pieces(line.x, line.y, line.width, &pieces);
        }
    }
}
