//! When a frame may be drawn.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::message::{Effect, Msg, Ticket};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// Shortest time between two frames in which only numbers have moved by themselves: what one change of the store moves is
/// answered question by question, and drawn together.
const NUMBERS: Duration = Duration::from_millis(100);

/// One frame in every 16 ms, fewer where nobody waits for them; what a person did is answered beside those, so that a key
/// never waits because some number has just moved.
#[derive(Debug, Default)]
pub struct Pace {
    drawn: Option<Instant>,
    /// The last frame that answered a person.
    answered: Option<Instant>,
    /// Whether a person waits for the next one.
    awaited: bool,
    /// Whether it shows more than numbers that have moved.
    news: bool,
    /// Questions that were asked because the store changed.
    of_changes: HashSet<Ticket>,
}

impl Pace {
    /// A message is taken in; whether it comes of a change of the store.
    pub fn takes(&mut self, msg: &Msg) -> bool {
        let of_change = match msg {
            Msg::Changed => true,
            Msg::Reply(ticket, _) => self.of_changes.remove(ticket),
            _ => false,
        };
        match msg {
            Msg::Key { .. } | Msg::Mouse(_) | Msg::Paste(_) => self.awaited = true,
            Msg::Drawn => {}
            _ => self.news |= !of_change,
        }
        of_change
    }

    /// What a message led to: questions that come of a change have answers that do.
    pub fn led(&mut self, of_change: bool, effects: &[Effect]) {
        for effect in effects {
            if let Effect::Ask { ticket, instead, .. } = effect {
                if let Some(instead) = instead {
                    self.of_changes.remove(instead);
                }
                if of_change {
                    self.of_changes.insert(*ticket);
                }
            }
        }
    }

    /// When the next frame may be drawn; `None`: at once.
    pub fn due(&self) -> Option<Instant> {
        Some(match (self.awaited, self.news) {
            (true, _) => self.answered? + FRAME,
            (false, true) => self.drawn? + FRAME,
            (false, false) => self.drawn? + NUMBERS,
        })
    }

    /// A frame was drawn.
    pub fn drew(&mut self, at: Instant) {
        (self.drawn, self.news) = (Some(at), false);
        if std::mem::take(&mut self.awaited) {
            self.answered = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::message::Fault;
    use crate::console::query::Query;

    #[test]
    fn a_key_waits_for_keys_alone() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let key = Msg::Key { chord: "j".parse().unwrap(), repeat: false };
        assert_eq!(pace.due(), None);
        pace.drew(now);
        assert_eq!(pace.due(), Some(now + NUMBERS), "numbers wait");
        pace.takes(&Msg::Changed);
        let ask = |ticket, instead| Effect::Ask { ticket: Ticket(ticket), instead, query: Query::Pulse };
        pace.led(true, &[ask(1, None), ask(2, None)]);
        // The second is asked anew by a person, whose answer is awaited.
        pace.led(false, &[ask(3, Some(Ticket(2)))]);
        let reply = |ticket| Msg::Reply(Ticket(ticket), Err(Fault::new("none")));
        assert!(pace.takes(&reply(1)) && !pace.takes(&Msg::Drawn));
        assert_eq!(pace.due(), Some(now + NUMBERS), "answers to a change are numbers");
        assert!(!pace.takes(&reply(3)) && pace.of_changes.is_empty());
        assert_eq!(pace.due(), Some(now + FRAME), "news does not wait so long");
        pace.takes(&key);
        assert_eq!(pace.due(), None, "a key does not");
        pace.drew(now);
        pace.takes(&key);
        assert_eq!(pace.due(), Some(now + FRAME), "many keys are one frame");
    }
}
