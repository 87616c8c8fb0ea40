//! What a console asks again and again: answered out of what stays in memory, moved on by what was committed since.
//!
//! A [`Live`] belongs to one thread. It keeps the catalog, the boards of the windows that were asked for of late and the
//! last watch, and follows the store on one connection, on which nothing is open between two questions. Each answer is of
//! one moment. What takes long on a large fleet ([`Live::watch`], [`Live::affinity`]) is for a second `Live` on a second
//! thread, which hands over what it found: [`Live::levels`], [`Live::grid`].
//!
//! Relative windows of an hour and more are whole hours, the one of `now` among them, on every page alike; parts of an
//! hour, and windows from a time to a time, are exact to the millisecond. Start with [`Live::new`].

mod affinity;
mod board;
mod boards;
mod calls;
mod counted;
mod grid;
mod known;
mod prompt;
mod pulse;
mod said;
mod sieve;
#[cfg(test)]
mod tests;
mod wish;

use std::sync::Arc;

pub use pulse::Acting;
pub use wish::{
    AffinityGrid, AffinityLine, Attribute, BoardLine, BoardPage, BoardWish, CallLine, CallPage, First, Group,
    HistoryLine, PromptPage, Pulse, Rates, Trend, TrendPoint,
};

use self::boards::Boards;
use self::counted::Counted;
use self::grid::Grid;
use self::known::Known;
use self::said::Said;
use self::sieve::Seeker;
use super::regressions::regressions;
use super::{Result, Service, Watch};
use crate::domain::call::Millis;
use crate::domain::window::{WindowSpec, instant};
use crate::engine::trend::open_hour;
use crate::store::telemetry::TelemetryReader;
use crate::store::{Lookout, Reader};

/// What stays in memory for a console.
#[derive(Debug)]
pub struct Live {
    service: Arc<Service>,
    lookout: Lookout,
    known: Option<Known>,
    boards: Boards,
    seeker: Seeker,
    counted: Counted,
    watch: Option<Arc<Watch>>,
    grid: Option<Grid>,
    said: Option<Said>,
}

impl Live {
    /// Of a service; nothing is read yet.
    pub fn new(service: Arc<Service>) -> Live {
        Live {
            lookout: service.store.lookout(),
            service,
            known: None,
            boards: Boards::default(),
            seeker: Seeker::default(),
            counted: Counted::default(),
            watch: None,
            grid: None,
            said: None,
        }
    }

    /// What it asks.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Whether something was committed since the last answer; cheap enough to be asked at every turn.
    pub fn moved(&self) -> bool {
        self.lookout.moved()
    }

    /// The URIs of all prompts, published or called, without versions.
    pub fn names(&mut self) -> Result<Vec<String>> {
        self.answer(|_, _, known| Ok(known.catalog.prompts().map(ToString::to_string).collect()))
    }

    /// What on-call sees: as it was, or looked at anew where an hour has closed since, one before has changed, or a
    /// person has said something to a stream. The first answer is quick and says not what changed; the next one does.
    pub fn watch(&mut self, now: Millis) -> Result<Arc<Watch>> {
        self.answer(|live, reader, known| {
            let last = live.watch.clone().filter(|watch| watch.counted <= open_hour(now));
            if let Some(watch) = last.filter(|watch| watch.explained)
                && !has_news(reader, &watch, now)?
            {
                // A version is left, an outcome settled at any moment; that is a few rows to read.
                let regressions = regressions(reader, &reader.monitor_notes()?, now)?;
                if regressions == watch.regressions {
                    return Ok(watch);
                }
            }
            let explain = live.watch.is_some();
            let watch = live.service.watch_in(reader, &known.catalog, &known.standings, now, explain)?;
            Ok(Arc::clone(live.watch.insert(Arc::new(watch))))
        })
    }

    /// What was seen last by [`Live::watch`]: by it boards say how prompts are.
    pub fn levels(&self) -> Option<Arc<Watch>> {
        self.watch.clone()
    }

    /// Takes over what another one has seen.
    pub fn set_levels(&mut self, watch: Arc<Watch>) {
        self.watch = Some(watch);
    }

    /// Answers one question from one view of the store.
    fn answer<T>(&mut self, work: impl FnOnce(&mut Live, &Reader, &mut Known) -> Result<T>) -> Result<T> {
        let (reader, moved) = self.lookout.view()?;
        // Taken out meanwhile: what fails half-way is read anew.
        let mut known = match self.known.take() {
            Some(mut known) => {
                if moved {
                    known.follow(&reader)?;
                }
                known
            }
            None => Known::read(&reader)?,
        };
        let answer = work(self, &reader, &mut known);
        self.known = Some(known);
        self.lookout.rest(reader);
        answer
    }

    /// Takes over the grid that another one has made of a window: by it boards say which model serves a prompt best.
    pub fn set_grid(&mut self, window: WindowSpec, grid: Arc<AffinityGrid>) {
        self.grid = Some(Grid::new(window, grid, i64::MIN));
    }

    /// The grid that was made last by [`Live::affinity`], and of which window.
    pub fn grid(&self) -> Option<(WindowSpec, Arc<AffinityGrid>)> {
        self.grid.as_ref().map(|grid| (grid.spec, Arc::clone(&grid.page)))
    }
}

/// Whether a watch is not what would be seen now.
fn has_news(reader: &Reader, watch: &Watch, now: Millis) -> Result<bool> {
    let ended = |until: &String| instant(until).is_ok_and(|until| until <= now);
    Ok(open_hour(now) > watch.counted
        || watch.streams.iter().filter_map(|h| h.silenced_until.as_ref()).any(ended)
        || reader.monitor_notes()?.len() != watch.notes
        || (reader.position()? != watch.position && reader.changed_from()? < watch.counted))
}
