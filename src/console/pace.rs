//! When a frame may be drawn.

use std::time::{Duration, Instant};

/// Shortest time between two frames.
const FRAME: Duration = Duration::from_millis(16);

/// One frame in every 16 ms; what a person did is answered beside those, so that a key never waits because some number
/// has just moved.
#[derive(Debug, Default)]
pub struct Pace {
    drawn: Option<Instant>,
    /// The last frame that answered a person.
    answered: Option<Instant>,
    /// Whether a person waits for the next one.
    awaited: bool,
}

impl Pace {
    /// A person did something.
    pub fn asked(&mut self) {
        self.awaited = true;
    }

    /// When the next frame may be drawn; `None`: at once.
    pub fn due(&self) -> Option<Instant> {
        Some(if self.awaited { self.answered } else { self.drawn }? + FRAME)
    }

    /// A frame was drawn.
    pub fn drew(&mut self, at: Instant) {
        self.drawn = Some(at);
        if std::mem::take(&mut self.awaited) {
            self.answered = Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_waits_for_keys_alone() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.due(), None);
        pace.drew(now);
        assert_eq!(pace.due(), Some(now + FRAME), "numbers wait");
        pace.asked();
        assert_eq!(pace.due(), None, "a key does not");
        pace.drew(now);
        pace.asked();
        assert_eq!(pace.due(), Some(now + FRAME), "many keys are one frame");
    }
}
