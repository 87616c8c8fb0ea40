//! What comes in, and what goes out: messages to [`update`](super::app::update), effects from it, questions and answers.
//!
//! All of it is data. Questions carry a [`Ticket`]; whoever asked takes only the answer to the newest.

use std::sync::Arc;
use std::time::Duration;

use super::keymap::Chord;
use super::query::{Command, Query, Receipt, Reply};
use crate::domain::call::Millis;

/// The moment of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stamp {
    /// Wall clock, ms.
    pub now: Millis,
    /// Since the console began, ms; never goes back.
    pub up: u64,
}

/// What a mouse did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MouseKind {
    /// The left button went down.
    Click,
    /// The wheel turned towards the beginning.
    WheelUp,
    /// The wheel turned towards the end.
    WheelDown,
    /// The mouse moved with the left button held.
    Drag,
}

/// A mouse event at a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mouse {
    /// What it did.
    pub kind: MouseKind,
    /// Column, from 0.
    pub column: u16,
    /// Row, from 0.
    pub row: u16,
}

/// What happens.
#[derive(Debug)]
pub enum Msg {
    /// The console has the terminal, and has drawn its first frame.
    Begun,
    /// A frame has been drawn: what is open has been seen.
    Drawn,
    /// A key went down, or repeats.
    Key {
        /// Which.
        chord: Chord,
        /// Whether the terminal repeats it because it is held.
        repeat: bool,
    },
    /// The mouse did something.
    Mouse(Mouse),
    /// Text was pasted; only fields take it.
    Paste(String),
    /// The terminal has another size.
    Resize,
    /// What [`Effect::WakeIn`] asked for.
    Tick,
    /// Something was committed to the store, here or by another process.
    Changed,
    /// The answer to a question.
    Reply(Ticket, Result<Reply, Fault>),
    /// A command was carried out, or not.
    Done(CommandId, Box<Result<Receipt, Fault>>),
    /// The editor has ended; the text, or why there is none.
    Edited(Result<Option<String>, Fault>),
    /// The console has the terminal again.
    Resumed,
    /// The terminal is gone.
    HungUp,
    /// Something that was wanted failed.
    Failed(Fault),
    /// A thread of the console has died; its name.
    Died(&'static str),
    /// The steward's key is unlocked, or why it is not.
    Unlocked(Result<(), Fault>),
}

/// What `update` wants done.
#[derive(Debug)]
pub enum Effect {
    /// Answer a question, off this thread.
    Ask {
        /// Which.
        ticket: Ticket,
        /// The question of the same asker that it takes the place of: nobody waits for its answer any more.
        instead: Option<Ticket>,
        /// What.
        query: Query,
    },
    /// Carry out a command, off this thread.
    Do(CommandId, Box<Command>),
    /// Send text to the terminal's clipboard (OSC 52).
    Copy(String),
    /// Hand the terminal to the user's editor with this text.
    Edit {
        /// What the file is called at its end, so that the editor knows what it is: `.prompt`.
        name: String,
        /// The text.
        text: String,
    },
    /// Leave the terminal and stop, as Ctrl-Z does elsewhere.
    Suspend,
    /// Ask for the passphrase of the steward's key, outside the screen.
    Unlock,
    /// Send [`Msg::Tick`] after this long; only the earliest counts.
    WakeIn(Duration),
    /// Take mouse events, or leave them to the terminal.
    Mouse(bool),
    /// Show another theme.
    Theme(String),
    /// Draw the next frame whole.
    Redraw,
    /// Ring.
    Bell,
    /// The terminal's title.
    Title(String),
    /// End.
    Quit,
    /// End with an error: why.
    Fail(String),
    /// End, to look at a demo world instead.
    LeaveForDemo,
}

/// Which question an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// Which command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CommandId(pub u64);

/// Why something could not be done, as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What failed, why, and what to do: one paragraph.
    pub text: Arc<str>,
    /// What kind of failure it is.
    pub kind: FaultKind,
}

/// What kind of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The rules do not allow it.
    Refused,
    /// What was looked at is not what is there any more.
    Changed,
    /// The key is locked by a passphrase.
    Locked,
    /// Anything else.
    Failed,
}

impl Fault {
    /// A failure of no special kind.
    pub fn new(text: impl Into<String>) -> Fault {
        Fault { text: text.into().into(), kind: FaultKind::Failed }
    }
}

/// Something that is asked for, and what is known of it meanwhile.
///
/// What was known stays until the new answer is there; only the answer to the newest question is taken.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    value: Option<T>,
    /// The newest question, and when it was asked, ms.
    waiting: Option<(Ticket, Millis)>,
    /// The question to be asked when the answer is there, which may be older than a change that came meanwhile.
    next: Option<Query>,
    fault: Option<Fault>,
}

/// How long an answer may take before what is shown meanwhile is old, ms.
const LATE: Millis = 200;

impl<T> Default for Loaded<T> {
    fn default() -> Self {
        Loaded { value: None, waiting: None, next: None, fault: None }
    }
}

impl<T> Loaded<T> {
    /// What is known.
    pub fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// Whether an answer is awaited.
    pub fn is_waiting(&self) -> bool {
        self.waiting.is_some()
    }

    /// Whether an answer is awaited for so long that what is known is old.
    pub fn is_late(&self, now: Millis) -> bool {
        self.waiting.is_some_and(|(_, since)| now >= since + LATE)
    }

    /// Why the last question has no answer.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// Says that a question has been asked; the one that it takes the place of.
    pub fn asked(&mut self, ticket: Ticket, now: Millis) -> Option<Ticket> {
        self.next = None;
        self.waiting.replace((ticket, now)).map(|(before, _)| before)
    }

    /// Something changed while an answer is awaited: what is to be asked when it is there.
    pub fn then(&mut self, query: Query) {
        self.next = Some(query);
    }

    /// The question that is to be asked now that the answer is there.
    pub fn due(&mut self) -> Option<Query> {
        if self.is_waiting() { None } else { self.next.take() }
    }

    /// Whether the answer with this ticket is awaited here.
    pub fn awaits(&self, ticket: Ticket) -> bool {
        self.waiting.is_some_and(|(awaited, _)| awaited == ticket)
    }

    /// Takes the answer to the newest question; anything else is stale and dropped. Whether it was taken.
    pub fn take(&mut self, ticket: Ticket, answer: Result<T, Fault>) -> bool {
        if !self.awaits(ticket) {
            return false;
        }
        self.waiting = None;
        match answer {
            Ok(value) => (self.value, self.fault) = (Some(value), None),
            Err(fault) => self.fault = Some(fault),
        }
        true
    }

    /// Forgets what is known and awaited; what is to be asked next stays.
    pub fn clear(&mut self) {
        *self = Loaded { next: self.next.take(), ..Loaded::default() };
    }

    /// Forgets what is known, to ask about something else in the place of what is awaited.
    #[must_use]
    pub fn emptied(&self) -> Loaded<T> {
        Loaded { value: None, waiting: self.waiting, next: None, fault: None }
    }
}
