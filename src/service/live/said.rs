//! What the detectors say of all prompts: dear to ask, so that it stands for a while.

use std::time::Duration;

use crate::domain::call::Millis;
use crate::domain::finding::Findings;
use crate::domain::prompt::PromptUri;
use crate::domain::window::WindowSpec;
use crate::engine::detect::words;

/// How long it stands, ms, and in how many times of what asking took.
const FRESH: (Millis, Millis) = (30_000, 100);

/// What the detectors say of all prompts in a window.
#[derive(Debug)]
pub struct Said {
    window: WindowSpec,
    findings: Findings,
    position: i64,
    until: Millis,
}

impl Said {
    /// Said now, of the store as far as `position`; asking `took` so long.
    pub fn new(window: WindowSpec, findings: Findings, position: i64, now: Millis, took: Duration) -> Said {
        let until = now + FRESH.0.max(FRESH.1 * took.as_millis() as Millis);
        Said { window, findings, position, until }
    }

    /// Whether it still stands.
    pub fn stands(&self, window: WindowSpec, position: i64, now: Millis) -> bool {
        self.window == window && (self.position == position || now < self.until)
    }

    /// Of one prompt, as the report lists it.
    pub fn of(&self, prompt: &PromptUri) -> Vec<String> {
        let said = words::of(&self.findings, |uri| uri.unversioned() == *prompt);
        said.into_iter().map(|said| format!("[{}] {}", said.id(), said.text)).collect()
    }
}
