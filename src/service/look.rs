//! One look at what is watched: the monitors at a moment, and what the store says around what rose.
//!
//! It moves nothing on and keeps nothing: [`super::watch`] does. Start with [`Look::health`] and [`Look::explain`].

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use rustc_hash::FxHashMap;

use super::catalog::Catalog;
use super::error::{Result, ServiceError};
use super::standings::Standings;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::prompt::PromptUri;
use crate::domain::window::Window;
use crate::engine::rollup::{Cell, CellKey, Hour, Layer, VersionId};
use crate::engine::trend::by_model::{by_model, counted_in};
use crate::engine::trend::cause::{self, Around, COMPARED_HOURS, NEAR_HOURS};
use crate::engine::trend::health::{Health, Level, blame, health};
use crate::engine::trend::{Ledger, Measure, Monitors, StreamId, Subject, WATCH};
use crate::store::monitors::Note;
use crate::store::telemetry::TelemetryReader;
use crate::store::{Reader, StoreError};

/// Closed hours in which it is looked whether a rise still lasts.
pub(super) const LAST_DAY: Hour = 24;
/// Calls with feedback of a prompt of which it is asked whether they carry a session or a user.
const ASKED: u32 = 50;
/// Hours in which these calls are looked for, and most calls that are looked at.
const ASKED_HOURS: Hour = 48;
const ASKED_CALLS: usize = 50_000;
/// Whole days of a course.
const COURSE_DAYS: Hour = 14;
/// Hours after an onset in which a change may still be its cause: an onset is an estimate.
const AFTER_HOURS: Hour = 2;

/// A store's cells as the monitors read them.
pub(super) struct Cellar<'r>(pub &'r Reader);

impl Ledger for Cellar<'_> {
    type Error = StoreError;

    fn read(
        &mut self,
        hours: Range<Hour>,
        hourly: bool,
        each: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> std::result::Result<(), StoreError> {
        self.0.cells(hours, hourly, None, each)
    }
}

/// Everything that a look needs of the store, at one moment.
pub(super) struct Look<'r> {
    pub reader: &'r Reader,
    pub catalog: &'r Catalog,
    pub standings: &'r Standings,
    pub monitors: Monitors,
    pub notes: Vec<Note>,
    pub now: Millis,
    pub page_from: f64,
    /// By the hour before which they end: what calls with feedback carry.
    pub heard: RefCell<BTreeMap<Hour, Heard>>,
}

/// By prompt of the roster: of how many calls with feedback it was asked, and how many carry neither session nor user.
pub(super) type Heard = FxHashMap<u32, [u32; 2]>;

pub(super) fn hour_of(at: Millis) -> Hour {
    at.div_euclid(HOUR_MS) as Hour
}

impl Look<'_> {
    /// How a stream is.
    pub fn health(&self, id: &StreamId) -> Result<Health> {
        let stream = &self.monitors.streams[id];
        let rising = id.measure.is_feedback() && stream.detector.evidence() >= WATCH;
        let by_hour = rising && self.is_anonymous(id)?;
        let names = self.standings.subjects.iter().map(|s| s.name.as_str());
        let mut found = health(id, stream, self.monitors.until, self.page_from, by_hour, names);
        let silences = self.notes.iter().filter(|note| note.stream == found.stream);
        // The last word counts: a silence is ended by a shorter one.
        let until = silences.rev().find_map(|note| note.until).filter(|until| *until > self.now);
        found.silenced_until = until.map(|ms| Window { from_ms: ms, to_ms: ms }.start());
        Ok(found)
    }

    /// Whether a person has acknowledged the stream in an hour that is not folded yet.
    pub fn is_acknowledged(&self, stream: &str) -> bool {
        let mut notes = self.notes.iter().filter(|note| note.until.is_none() && note.stream == stream);
        notes.any(|note| hour_of(note.at) >= self.monitors.until)
    }

    /// Whether most of the prompt's newest calls with feedback carry neither session nor user: their units are single
    /// calls, and what depends on what is not known.
    fn is_anonymous(&self, id: &StreamId) -> Result<bool> {
        let Subject::Prompt(name) = &id.subject else { return Ok(false) };
        let Some(prompt) = self.standings.subjects.iter().position(|s| s.name == *name) else {
            return Ok(false);
        };
        let until = self.monitors.until;
        let last = self.monitors.streams[id].last.unwrap_or(until);
        // Where nothing was heard of late, it is asked of when there was; all others are asked together.
        let end = if last + LAST_DAY >= until { until } else { last + 1 };
        let mut heard = self.heard.borrow_mut();
        let heard = match heard.entry(end) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.heard_before(end)?),
        };
        let [asked, anonymous] = heard.get(&(prompt as u32)).copied().unwrap_or_default();
        Ok(2 * anonymous >= asked)
    }

    /// What the calls with feedback carry that began in the hours before `end`.
    fn heard_before(&self, end: Hour) -> Result<Heard> {
        let (roster, dictionary) = (self.standings.roster(), &self.catalog.dictionary);
        let mut heard = Heard::default();
        let mut left = ASKED_CALLS;
        let [from, to] = [end - ASKED_HOURS, end].map(|hour| i64::from(hour) * HOUR_MS);
        self.reader.heard(from, to, &mut |composition, known| {
            let Ok(composition) = dictionary.composition(composition) else { return false };
            let of = |(version, _): &(VersionId, Layer)| roster.of_version.get(*version as usize).copied();
            let mut prompts: Vec<u32> = composition.subjects.iter().filter_map(of).collect();
            prompts.sort_unstable();
            prompts.dedup();
            for prompt in prompts {
                let [asked, anonymous] = heard.entry(prompt).or_default();
                if *asked < ASKED {
                    *asked += 1;
                    *anonymous += u32::from(!known);
                }
            }
            left -= 1;
            left > 0
        })?;
        Ok(heard)
    }

    /// What changed around the onset of a prompt's stream, how it is on each of its models, and its course.
    pub fn explain(&self, found: &mut Health, models: &[Health]) -> Result<()> {
        let (Subject::Prompt(name), Some(onset)) = (&found.id.subject, found.onset) else { return Ok(()) };
        let Ok(uri) = name.parse::<PromptUri>() else { return Ok(()) };
        let numbers = self.catalog.numbers(&uri, None);
        let cells = |hours: Range<Hour>| -> Result<BTreeMap<CellKey, Cell>> {
            let mut sums: BTreeMap<CellKey, Cell> = BTreeMap::new();
            self.reader.cells(hours, false, Some(&numbers), &mut |_, key, cell| {
                sums.entry(key).or_default().merge(cell, 1);
            })?;
            Ok(sums)
        };
        let until = self.monitors.until.min(onset + COMPARED_HOURS);
        let detail = self.reader.detail()?.hours_from;
        // Where hours are not kept any more, whole days are compared, without the one in which it changed.
        let whole = |hours: Range<Hour>| {
            let edge =
                |hour: Hour, up: Hour| if hour < detail { (hour + up).div_euclid(24) * 24 } else { hour };
            let start = edge(hours.start, 23);
            start..edge(hours.end, 0).max(start)
        };
        let since = whole(onset..until);
        // The same hours a week earlier: as whole as these are.
        let earlier = whole(since.start - COMPARED_HOURS..since.end - COMPARED_HOURS);
        let later = earlier.start + COMPARED_HOURS..earlier.end + COMPARED_HOURS;
        let sum = |cells: &BTreeMap<CellKey, Cell>| cells.values().map(|cell| cell.calls).sum();
        let after = cells(since.clone())?;
        let this_week = if later == since { sum(&after) } else { sum(&cells(later)?) };
        let around = Around {
            before: cells(whole(onset - COMPARED_HOURS..onset))?,
            after,
            weeks: [sum(&cells(earlier)?), this_week],
        };
        let dictionary = &self.catalog.dictionary;
        let activations = self.catalog.published.get(&uri).map_or(&[][..], |p| &p.activations);
        let near = activations
            .iter()
            .filter(|(at, _)| (onset - NEAR_HOURS..=onset + AFTER_HOURS).contains(&hour_of(*at)));
        let mut causes: Vec<cause::Cause> =
            near.map(|(at, version)| cause::activated(&version.to_string(), *at)).collect();
        causes.extend(models.iter().filter_map(|model| blame(found, model, &around, &**dictionary)));
        causes.extend(cause::causes(&around, &**dictionary));
        let stream = self.monitors.streams.get(&found.id);
        found.by_model = by_model(&around, stream, &found.id, &**dictionary);
        (found.causes, found.explained) = (causes, true);
        let today = self.monitors.until.div_euclid(24) + 1;
        let mut days = vec![(0, 0); COURSE_DAYS as usize];
        let covered = (today - COURSE_DAYS) * 24..today * 24;
        self.reader.cells(covered.clone(), false, Some(&numbers), &mut |hour, _, cell| {
            let (bad, all) = counted_in(cell, stream, &found.id);
            let (k, n) = &mut days[(hour - covered.start).div_euclid(24) as usize];
            (*k, *n) = (*k + bad, *n + all);
        })?;
        found.course = days.into_iter().map(|(k, n)| (n > 0).then(|| k as f64 / n as f64)).collect();
        Ok(())
    }

    /// Calls an hour of a stream over the last closed day. What is pooled over prompts counts its calls only where its
    /// units are calls.
    pub fn calls_per_hour(&self, found: &Health) -> Result<Option<f64>> {
        let hours = f64::from(LAST_DAY);
        if !found.id.measure.is_feedback() {
            return Ok(found.last_day.map(|day| day.sample_size as f64 / hours));
        }
        let Subject::Prompt(name) = &found.id.subject else { return Ok(None) };
        let Ok(uri) = name.parse::<PromptUri>() else { return Ok(None) };
        let numbers = self.catalog.numbers(&uri, None);
        let until = self.monitors.until;
        let mut calls = 0;
        self.reader
            .cells(until - LAST_DAY..until, true, Some(&numbers), &mut |_, _, cell| calls += cell.calls)?;
        Ok(Some(calls as f64 / hours))
    }

    /// The stream that a person means: by its whole name, or by a prompt, with or without `#measure`; without, the one
    /// that is rising.
    pub fn find(&self, name: &str) -> Result<StreamId> {
        if let Some(id) = name.parse::<StreamId>().ok().filter(|id| self.monitors.streams.contains_key(id)) {
            return Ok(id);
        }
        let (about, measure) = name.rsplit_once('#').map_or((name, None), |(p, m)| (p, Some(m)));
        let unknown = |what: String| ServiceError::NoStream { name: name.to_owned(), what };
        let subject = if let Some(model) = about.strip_prefix("model:") {
            Subject::Model(model.to_owned())
        } else if let Some(task) = about.strip_prefix("task:") {
            Subject::Task(task.to_owned())
        } else {
            Subject::Prompt(self.catalog.find(about)?.0.to_string())
        };
        let own = Measure::ALL.into_iter().map(|measure| StreamId { subject: subject.clone(), measure });
        let own: Vec<StreamId> = own.filter(|id| self.monitors.streams.contains_key(id)).collect();
        let rises = |id: &StreamId| self.health(id).is_ok_and(|h| h.level > Level::Stable);
        let meant = |id: &&StreamId| measure.map_or_else(|| rises(id), |word| id.measure.as_str() == word);
        let named: Vec<&StreamId> = own.iter().filter(meant).collect();
        match named[..] {
            [id] => Ok(id.clone()),
            [] if own.is_empty() => Err(unknown("nothing of this name is watched".into())),
            [] => Err(unknown(format!(
                "none of its streams is rising; it has {}",
                own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
            ))),
            _ => Err(unknown(format!(
                "it may be {}",
                named.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
            ))),
        }
    }
}
