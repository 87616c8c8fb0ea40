//! Dialogs: an enum on a stack, over whatever pane is open.
//!
//! # What keeps a decision safe
//!
//! * Cancel has the focus; Esc and `q` mean Cancel, and Enter presses what has the focus.
//! * Nothing is confirmed before a frame with the dialog in it has been drawn ([`Seen`]): keys typed ahead, or a key that is
//!   held, open a dialog and cannot answer it.
//! * What is pasted reaches fields of text only.
//! * A decision carries the digest of the text that was shown. Who may decide is asked again where it is written.

mod accept;
mod choose;
pub mod confirm;
mod editor;
mod field;
mod filter;
mod frame;
mod help;
mod notice;
mod palette;
mod reason;
mod text;

use ratatui::layout::Rect;

pub use accept::Accept;
pub use choose::Choose;
pub use confirm::Confirm;
pub use editor::Editor;
pub use field::Field;
pub use filter::FilterBar;
pub use help::{Help, HelpRow, help_rows};
pub use notice::Notice;
pub use palette::Palette;
pub use reason::Reason;

use super::canvas::Canvas;
use super::hitmap::Target;
use super::keymap::Chord;
use super::message::{CommandId, Fault, Stamp, Ticket};
use super::out::{Ctx, Open, Out, Step};
use super::query::{Receipt, Reply};

/// A dialog.
#[derive(Debug)]
pub enum Dialog {
    /// Accept one proposal, or many.
    Accept(Box<Accept>),
    /// Something else that is confirmed.
    Confirm(Confirm),
    /// Words that are needed: why something is rejected, what is said of it.
    Reason(Box<Reason>),
    /// One of a list.
    Choose(Choose),
    /// One line of text.
    Field(Field),
    /// The filter of the list below.
    Filter(FilterBar),
    /// What can be done.
    Help(Help),
    /// Actions and prompts by name.
    Palette(Palette),
    /// Something that is said at length.
    Notice(Notice),
    /// A text that is changed in place.
    Editor(Box<Editor>),
}

impl Dialog {
    /// The dialog that asks this.
    pub fn of(open: Open) -> Dialog {
        match open {
            Open::Accept(ids) => Dialog::Accept(Box::new(Accept::new(ids))),
            Open::RollBack(back, reason) => Dialog::Confirm(Confirm::roll_back(back, reason)),
            Open::Undo(what, by) => {
                let by = *by;
                Dialog::Confirm(Confirm::undo(&what, &by, Step::Do(Box::new(by.clone()))))
            }
            Open::Confirm { title, lines, yes, weighty, step } => {
                Dialog::Confirm(Confirm::new(title, lines, yes, weighty, *step))
            }
            Open::Reason { title, lines, recent, then } => {
                Dialog::Reason(Box::new(Reason::new(title, lines, recent, then)))
            }
            Open::Choose { title, rows, selected } => Dialog::Choose(Choose::list(title, rows, selected)),
            Open::Editor(id, text) => Dialog::Editor(Box::new(Editor::new(id, text))),
            Open::Notice { title, lines } => Dialog::Notice(Notice::new(title, lines)),
        }
    }
}

/// Whether a dialog has been seen: drawn, and for how long.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen(Option<u64>);

impl Seen {
    /// A frame with it has been drawn.
    pub fn drawn(&mut self, stamp: Stamp) {
        self.0.get_or_insert(stamp.up);
    }

    /// What it shows has changed: it has not been seen like this.
    pub fn renew(&mut self) {
        self.0 = None;
    }

    /// Whether such a frame has been drawn.
    pub fn is_drawn(self) -> bool {
        self.0.is_some()
    }

    /// Whether it has been seen for so long, ms.
    pub fn for_ms(self, ms: u64, stamp: Stamp) -> bool {
        self.0.is_some_and(|since| stamp.up >= since + ms)
    }
}

macro_rules! each {
    ($dialog:expr, $it:ident => $body:expr) => {
        match $dialog {
            Dialog::Accept($it) => $body,
            Dialog::Confirm($it) => $body,
            Dialog::Reason($it) => $body,
            Dialog::Choose($it) => $body,
            Dialog::Field($it) => $body,
            Dialog::Filter($it) => $body,
            Dialog::Help($it) => $body,
            Dialog::Palette($it) => $body,
            Dialog::Notice($it) => $body,
            Dialog::Editor($it) => $body,
        }
    };
}

/// What a dialog makes of what its command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It is through, and goes.
    Through,
    /// It stays; why is to be said.
    Stays,
    /// It stays, and says why itself.
    Said,
}

/// What the console does with each dialog.
pub trait Popup {
    /// It is open: asks for what it needs.
    fn opened(&mut self, _out: &mut Out<'_>) {}

    /// A frame with it has been drawn.
    fn seen(&mut self, _ctx: &Ctx<'_>) {}

    /// The terminal has another size.
    fn resized(&mut self, _out: &mut Out<'_>) {}

    /// What it had confirmed was sent.
    fn sent(&mut self, _id: CommandId) {}

    /// A command came to this; nothing where it did not wait for it.
    fn done(&mut self, _id: CommandId, _done: &Result<Receipt, Fault>) -> Option<Heard> {
        None
    }

    /// Whether text is written in it: what is typed belongs to it, and nothing else is put over it.
    fn writes(&self) -> bool {
        false
    }

    /// A key.
    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>);

    /// Text was pasted.
    fn paste(&mut self, _text: &str, _out: &mut Out<'_>) {}

    /// The mouse: a click (0), or so many notches of the wheel, at something of it.
    fn mouse(&mut self, _target: Target, _by: isize, _out: &mut Out<'_>) {}

    /// An answer has come.
    fn reply(&mut self, _ticket: Ticket, _answer: &Result<Reply, Fault>, _out: &mut Out<'_>) {}

    /// Whether what lies below stays as it is: bars do not cover it.
    fn is_bar(&self) -> bool {
        false
    }

    /// Keys and what they do.
    fn hints(&self) -> Vec<(&str, &'static str)>;

    /// Draws it over `area`.
    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect);
}

impl Popup for Dialog {
    fn opened(&mut self, out: &mut Out<'_>) {
        each!(self, it => it.opened(out));
    }

    fn seen(&mut self, ctx: &Ctx<'_>) {
        each!(self, it => it.seen(ctx));
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        each!(self, it => it.resized(out));
    }

    fn sent(&mut self, id: CommandId) {
        each!(self, it => it.sent(id));
    }

    fn done(&mut self, id: CommandId, done: &Result<Receipt, Fault>) -> Option<Heard> {
        each!(self, it => it.done(id, done))
    }

    fn writes(&self) -> bool {
        each!(self, it => it.writes())
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        each!(self, it => it.key(chord, repeat, out));
    }

    fn paste(&mut self, text: &str, out: &mut Out<'_>) {
        each!(self, it => it.paste(text, out));
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        each!(self, it => it.mouse(target, by, out));
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, out: &mut Out<'_>) {
        each!(self, it => it.reply(ticket, answer, out));
    }

    fn is_bar(&self) -> bool {
        each!(self, it => it.is_bar())
    }

    fn hints(&self) -> Vec<(&str, &'static str)> {
        each!(self, it => it.hints())
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        each!(self, it => it.draw(canvas, area));
    }
}

#[cfg(test)]
mod tests;
