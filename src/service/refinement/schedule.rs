//! When the agent runs by itself: so long after its newest run, whoever let it run, and whoever else has it on a schedule.

use std::time::Duration;

use crate::domain::call::Millis;
use crate::domain::run::{Run, due_in};
use crate::domain::window::WindowSpec;
use crate::engine::seal::Pen;
use crate::service::error::Result;
use crate::service::{Service, now};

/// An agent, and how often it runs.
#[derive(Debug)]
pub struct Schedule {
    pen: Pen,
    every: Millis,
    window: WindowSpec,
    /// A run that failed or was refused is no run of the agent, and is not tried again at once.
    rests_until: Millis,
}

impl Schedule {
    /// Lets the agent whose `pen` it is run every `every`, over evidence of `window`.
    pub fn new(pen: Pen, every: Duration, window: WindowSpec) -> Schedule {
        let every = Millis::try_from(every.as_millis()).unwrap_or(Millis::MAX);
        Schedule { pen, every, window, rests_until: Millis::MIN }
    }

    /// How long it takes until it is due; zero: now.
    pub fn due_in(&self, service: &Service, now: Millis) -> Result<Duration> {
        let newest = service.last_run(Some(self.pen.identity()))?;
        let due = newest.map_or(0, |newest| due_in(newest, self.every, now));
        let rests = self.rests_until.saturating_sub(now).clamp(0, self.every);
        Ok(Duration::from_millis(due.max(rests).unsigned_abs()))
    }

    /// Lets it run.
    pub fn run(&mut self, service: &Service) -> Result<Run> {
        let at = now();
        self.rests_until = at.saturating_add(self.every);
        service.let_run(&self.pen, self.window.at(at), false)
    }
}
