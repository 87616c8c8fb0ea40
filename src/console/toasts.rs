//! What was said in passing: shown for a while, kept in a log.

use std::collections::VecDeque;
use std::time::Duration;

use super::message::Stamp;
use crate::domain::call::Millis;
use crate::theme::Role;

/// How long words stay, ms.
const WORDS: u64 = 2_000;
/// How long a failure stays, ms.
const FAILURE: u64 = 4_000;
/// How long something stays that can be undone, ms.
const UNDOABLE: u64 = 8_000;
/// How many are shown at once.
const SHOWN: usize = 3;
/// How many are kept.
const KEPT: usize = 500;

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    /// How it is meant.
    pub role: Role,
    /// What.
    pub text: String,
    /// When, wall clock, ms.
    pub at: Millis,
    /// Until when it is shown, ms since the console began.
    until: u64,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Toasts {
    log: VecDeque<Toast>,
    up: u64,
}

impl Toasts {
    /// Says something; what can be undone stays longer.
    pub fn say(&mut self, role: Role, text: String, undoable: Option<()>, stamp: Stamp) {
        let stays = match (undoable, role) {
            (Some(()), _) => UNDOABLE,
            (None, Role::Bad | Role::Caution | Role::Page) => FAILURE,
            (None, _) => WORDS,
        };
        self.keep(Toast { role, text, at: stamp.now, until: stamp.up + stays }, stamp);
    }

    /// Keeps something in the log that is shown otherwise.
    pub fn log(&mut self, role: Role, text: String, stamp: Stamp) {
        self.keep(Toast { role, text, at: stamp.now, until: 0 }, stamp);
    }

    fn keep(&mut self, toast: Toast, stamp: Stamp) {
        self.up = stamp.up;
        if self.log.len() == KEPT {
            self.log.pop_front();
        }
        self.log.push_back(toast);
    }

    /// Takes what is shown away: what was said before does not hold any more.
    pub fn dismiss(&mut self) {
        for toast in &mut self.log {
            toast.until = 0;
        }
    }

    /// Time has passed.
    pub fn expire(&mut self, stamp: Stamp) {
        self.up = stamp.up;
    }

    /// After how long the next one goes, if one is shown.
    pub fn wake(&self, stamp: Stamp) -> Option<Duration> {
        let next = self.log.iter().filter(|toast| toast.until > stamp.up).map(|toast| toast.until).min()?;
        Some(Duration::from_millis(next - stamp.up))
    }

    /// Those that are shown, the newest last.
    pub fn shown(&self) -> Vec<&Toast> {
        let mut shown: Vec<&Toast> =
            self.log.iter().rev().filter(|toast| toast.until > self.up).take(SHOWN).collect();
        shown.reverse();
        shown
    }

    /// All that is kept, the newest last.
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Toast> {
        self.log.iter()
    }
}
