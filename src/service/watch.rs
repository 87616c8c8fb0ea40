//! What on-call asks: which streams are not stable, and how a prompt is.
//!
//! Monitors are moved on from their newest checkpoint over the hours that have closed since; a store that can be written
//! keeps them. Start with [`Service::watch`].

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::Service;
use super::catalog::Catalog;
use super::error::{Result, ServiceError};
use super::regressions::{Regression, named, regressions};
use super::standings::Standings;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::prompt::PromptUri;
use crate::domain::window::Window;
use crate::engine::rollup::{Cell, CellKey, Cells, Hour, Layer, VersionId};
use crate::engine::trend::by_model::{by_model, counted_in};
use crate::engine::trend::cause::{self, Around, COMPARED_HOURS, NEAR_HOURS};
use crate::engine::trend::estimate::{Estimate, time};
use crate::engine::trend::health::{Health, Level, blame, health};
use crate::engine::trend::{
    Acknowledged, Ledger, Measure, Monitors, StreamId, Subject, WATCH, open_hour, page_threshold,
};
use crate::store::monitors::{Checkpoint, Note};
use crate::store::telemetry::TelemetryReader;
use crate::store::{Kind, Reader, StoreError};

/// Days before the first look in which it still looks hour by hour: as long as hours are kept by default.
const LOOK_BACK: Hour = 14 * 24;
/// Streams whose causes are looked for.
const EXPLAINED: usize = 40;
/// Closed hours in which it is looked whether a rise still lasts.
const LAST_DAY: Hour = 24;
/// Calls with feedback of a prompt of which it is asked whether they carry a session or a user.
const ASKED: u32 = 50;
/// Hours in which these calls are looked for, and most calls that are looked at.
const ASKED_HOURS: Hour = 48;
const ASKED_CALLS: usize = 50_000;

/// Prompts of which the first look is quick enough to be taken in passing.
pub(super) const SMALL_FLEET: usize = 500;

/// Whole days of a course.
const COURSE_DAYS: Hour = 14;

/// Hours after an onset in which a change may still be its cause: an onset is an estimate.
const AFTER_HOURS: Hour = 2;

/// What on-call sees.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Everything before this moment is counted, RFC 3339.
    pub until: String,
    /// Streams that are not stable, the worst first.
    pub streams: Vec<Health>,
    /// How many streams are stable.
    pub stable: usize,
    /// Of how many there is too little to say.
    pub insufficient: usize,
    /// How many a person has acknowledged, until their new baseline is there.
    pub acknowledged: usize,
    /// M from which a stream pages.
    pub page_from: f64,
    /// Versions that proposals made active, that turned out worse, and that are active still, by prompt.
    pub regressions: Vec<Regression>,
    /// How each prompt is that is watched: as [`Service::health`] says.
    #[serde(skip)]
    pub prompts: FxHashMap<String, Level>,
    /// Everything before this hour is counted.
    #[serde(skip)]
    pub counted: Hour,
    /// How far the view went in which it was looked.
    #[serde(skip)]
    pub position: i64,
    /// How many notes it knows.
    #[serde(skip)]
    pub notes: usize,
    /// Whether it was looked what changed when the worst rose.
    #[serde(skip)]
    pub explained: bool,
}

impl Watch {
    /// How many streams warn, and how many page; a regression warns. Those are not counted that a person has silenced.
    pub fn alarm_counts(&self) -> (usize, usize) {
        let count = |level: Level| self.streams.iter().filter(|h| h.is_alarm() && h.level == level).count();
        let regressed = self.regressions.iter().filter(|found| found.is_alarm()).count();
        (count(Level::Warn) + regressed, count(Level::Page))
    }

    /// Whether a stream warns or pages or a version regressed, and nobody has silenced it.
    pub fn alarms(&self) -> bool {
        self.streams.iter().any(Health::is_alarm) || self.regressions.iter().any(Regression::is_alarm)
    }
}

/// A store's cells as the monitors read them.
struct Cellar<'r>(&'r Reader);

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
struct Look<'r> {
    reader: &'r Reader,
    catalog: &'r Catalog,
    standings: &'r Standings,
    monitors: Monitors,
    notes: Vec<Note>,
    now: Millis,
    page_from: f64,
    /// By the hour before which they end: what calls with feedback carry.
    heard: RefCell<BTreeMap<Hour, Heard>>,
}

/// By prompt of the roster: of how many calls with feedback it was asked, and how many carry neither session nor user.
type Heard = FxHashMap<u32, [u32; 2]>;

fn hour_of(at: Millis) -> Hour {
    at.div_euclid(HOUR_MS) as Hour
}

impl Service {
    /// All streams that are not stable at `now`, with what changed when they rose. Keeps the monitors if the store may
    /// be written.
    pub fn watch(&self, now: Millis) -> Result<Watch> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let standings = Standings::of(&catalog, Cells::default());
        self.watch_in(&reader, &catalog, &standings, now, true)
    }

    /// [`watch`](Self::watch) in a view; what changed is most of the work, and left out unless `explain`.
    pub(super) fn watch_in(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        standings: &Standings,
        now: Millis,
        explain: bool,
    ) -> Result<Watch> {
        let look = self.look(reader, catalog, standings, now)?;
        let mut found: Vec<Health> =
            look.monitors.streams.keys().map(|id| look.health(id)).collect::<Result<_>>()?;
        let pending = |h: &Health| look.is_acknowledged(&h.stream);
        let acknowledged = found.iter().filter(|h| h.level > Level::Stable && pending(h)).count();
        let count = |level: Level| found.iter().filter(|h| h.level == level).count();
        let (stable, insufficient) = (count(Level::Stable), count(Level::Insufficient));
        let mut worst: FxHashMap<&str, &Health> = FxHashMap::default();
        for health in found.iter().filter(|h| !pending(h)) {
            if let Subject::Prompt(name) = &health.id.subject {
                let known = worst.entry(name).or_insert(health);
                if worst_first(health, known).is_lt() {
                    *known = health;
                }
            }
        }
        let mut prompts: FxHashMap<String, Level> =
            worst.into_iter().map(|(name, health)| (name.to_owned(), health.level)).collect();
        let regressions = regressions(reader, &look.notes, now)?;
        for found in regressions.iter().filter(|found| found.is_alarm()) {
            let level = prompts.entry(found.prompt_uri.to_string()).or_insert(Level::Warn);
            *level = (*level).max(Level::Warn);
        }
        found.retain(|h| h.level > Level::Stable && !pending(h));
        let rising: Vec<StreamId> = found.iter().map(|h| h.id.clone()).collect();
        let roster = look.standings.roster();
        let days = look.monitors.recent(&mut Cellar(look.reader), &roster, &rising, LAST_DAY)?;
        for (health, (k, n)) in found.iter_mut().zip(days) {
            health.last_day = (n > 0).then(|| Estimate::once(k, n));
        }
        // First what still lasts: an incident that is over pages until somebody has seen it, but wakes nobody first. Among
        // many calls a rise in tokens or latency is sooner certain than one of complaints, and less urgent.
        found.sort_by(|a, b| {
            let order = |h: &Health| {
                let lasts = (h.lasts() != Some(false), h.lasts().is_some());
                (h.level, h.silenced_until.is_none(), lasts, !h.id.measure.is_quantity())
            };
            order(b).cmp(&order(a)).then(b.evidence.total_cmp(&a.evidence)).then_with(|| a.id.cmp(&b.id))
        });
        let models: Vec<Health> =
            found.iter().filter(|h| matches!(h.id.subject, Subject::Model(_))).cloned().collect();
        for health in found.iter_mut().take(if explain { EXPLAINED } else { 0 }) {
            look.explain(health, &models)?;
            health.calls_per_hour = look.calls_per_hour(health)?;
        }
        Ok(Watch {
            until: time(look.monitors.until),
            streams: found,
            stable,
            insufficient,
            acknowledged,
            page_from: look.page_from,
            prompts,
            counted: look.monitors.until,
            position: reader.position()?,
            notes: look.notes.len(),
            explained: explain,
            regressions,
        })
    }

    /// How the prompt that `name` names is: the worst of its streams. `None` where nothing is watched of it, and in a
    /// large fleet that nobody has looked at yet: the first look is [`watch`](Self::watch)'s, because it takes seconds.
    pub fn health(&self, name: &str, now: Millis) -> Result<Option<Health>> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        if !reader.has_monitors()? && catalog.prompts().count() > SMALL_FLEET {
            return Ok(None);
        }
        let standings = Standings::of(&catalog, Cells::default());
        let (uri, _) = catalog.find(name)?;
        Ok(self.streams_in(&reader, &catalog, &standings, &uri, now)?.into_iter().next())
    }

    /// All that is watched of a prompt, the worst first.
    pub(super) fn streams_in(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        standings: &Standings,
        uri: &PromptUri,
        now: Millis,
    ) -> Result<Vec<Health>> {
        let look = self.look(reader, catalog, standings, now)?;
        let subject = Subject::Prompt(uri.to_string());
        let mut own = Vec::new();
        for measure in Measure::ALL {
            let id = StreamId { subject: subject.clone(), measure };
            if look.monitors.streams.contains_key(&id) {
                own.push(look.health(&id)?);
            }
        }
        own.retain(|h| !look.is_acknowledged(&h.stream));
        own.sort_by(worst_first);
        Ok(own)
    }

    /// Says of a stream that it has been seen: it starts anew, with a baseline from tomorrow on. Of a regression, named
    /// by its proposal (`PROPOSAL-47`): that its version stays. What was acknowledged, by its whole name.
    pub fn acknowledge(&self, stream: &str, who: &str, now: Millis) -> Result<String> {
        self.note(stream, who, now, None)
    }

    /// Lets a stream neither warn nor page, or a regression not alarm, until a moment; its whole name.
    pub fn silence(&self, stream: &str, who: &str, now: Millis, until: Millis) -> Result<String> {
        self.note(stream, who, now, Some(until))
    }

    fn note(&self, stream: &str, who: &str, at: Millis, until: Option<Millis>) -> Result<String> {
        let reader = self.read()?;
        let name = if let Some(proposal) = named(&reader, stream)? {
            proposal.to_string()
        } else {
            let catalog = Catalog::read(&reader)?;
            let standings = Standings::of(&catalog, Cells::default());
            self.look(&reader, &catalog, &standings, at)?.find(stream)?.to_string()
        };
        drop(reader);
        let note = Note { stream: name.clone(), at, who: who.to_owned(), until };
        self.store.write(move |tx| tx.note(&note))?;
        Ok(name)
    }

    /// Whether hours have closed since `until`, or hours before it have changed: cheap enough to ask every few seconds.
    pub fn has_news(&self, until: Hour, now: Millis) -> Result<bool> {
        Ok(open_hour(now) > until || self.read()?.changed_from()? < until)
    }

    fn look<'r>(
        &self,
        reader: &'r Reader,
        catalog: &'r Catalog,
        standings: &'r Standings,
        now: Millis,
    ) -> Result<Look<'r>> {
        let notes = reader.monitor_notes()?;
        let open = open_hour(now);
        let kept = reader.monitors()?.filter(|monitors| monitors.until <= open);
        let fresh = kept.is_none();
        let mut monitors = if let Some(monitors) = kept {
            monitors
        } else {
            let began = reader.monitors_began()?.filter(|hour| *hour < open);
            Monitors::new(began.map_or_else(|| begin(reader, open), Ok)?)
        };
        let acknowledged: Vec<Acknowledged> = notes
            .iter()
            .filter(|note| note.until.is_none())
            .filter_map(|note| {
                Some(Acknowledged { hour: hour_of(note.at), stream: note.stream.parse().ok()? })
            })
            .collect();
        let mut checkpoints = Vec::new();
        let before = monitors.until;
        let today = open.div_euclid(24);
        monitors.advance(&mut Cellar(reader), &standings.roster(), &acknowledged, open, &mut |passing| {
            let day = passing.until / 24;
            // As far as they would be kept for long.
            if day >= today - 1 || day % 8 == 0 || (fresh && passing.until == passing.began) {
                checkpoints.push(Checkpoint::of(passing));
            }
        })?;
        if monitors.until > before {
            checkpoints.push(Checkpoint::of(&monitors));
            let checkpoints = checkpoints.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
            let position = reader.position()?;
            // Whoever cannot write, or comes too late, has looked all the same.
            match self.store.write(move |tx| tx.keep_monitors(&checkpoints, position)) {
                Err(error) if error.kind != Kind::ReadOnly => return Err(error.into()),
                _ => {}
            }
        }
        let watched = monitors.streams.values().filter(|s| s.reference.is_some()).count();
        let page_from = page_threshold(watched);
        let heard = RefCell::default();
        Ok(Look { reader, catalog, standings, monitors, notes, now, page_from, heard })
    }
}

/// Of the streams of one prompt: feedback speaks for it unless something else is worse.
fn worst_first(a: &Health, b: &Health) -> Ordering {
    let rank = |h: &Health| (h.level.max(Level::Stable), h.id.measure.is_feedback());
    rank(b).cmp(&rank(a)).then(b.evidence.total_cmp(&a.evidence)).then_with(|| a.id.cmp(&b.id))
}

/// Where the first fold begins: with the calls, or, where they go far back, as far as hours are kept by default.
fn begin(reader: &Reader, open: Hour) -> Result<Hour> {
    let far = open - LOOK_BACK;
    let first = reader.span()?.map_or(far, |(first, _)| hour_of(first));
    Ok(first.clamp(far, open).max(reader.detail()?.first_hour().min(open)))
}

impl Look<'_> {
    /// How a stream is.
    fn health(&self, id: &StreamId) -> Result<Health> {
        let stream = &self.monitors.streams[id];
        let rising = id.measure.is_feedback() && stream.detector.evidence() >= WATCH;
        let by_hour = rising && self.is_anonymous(id)?;
        let names = self.standings.subjects.iter().map(|s| s.name.as_str());
        let mut found = health(id, stream, self.monitors.until, self.page_from, by_hour, names);
        let silences = self.notes.iter().filter(|note| note.stream == found.stream);
        let until = silences.filter_map(|note| note.until).max().filter(|until| *until > self.now);
        found.silenced_until = until.map(|ms| Window { from_ms: ms, to_ms: ms }.start());
        Ok(found)
    }

    /// Whether a person has acknowledged the stream in an hour that is not folded yet.
    fn is_acknowledged(&self, stream: &str) -> bool {
        let mut notes = self.notes.iter().filter(|note| note.until.is_none() && note.stream == stream);
        notes.any(|note| hour_of(note.at) >= self.monitors.until)
    }

    /// The prompt of a stream.
    fn prompt(&self, name: &str) -> Option<PromptUri> {
        name.parse().ok()
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
    fn explain(&self, found: &mut Health, models: &[Health]) -> Result<()> {
        let (Subject::Prompt(name), Some(onset)) = (&found.id.subject, found.onset) else { return Ok(()) };
        let Some(uri) = self.prompt(name) else { return Ok(()) };
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
        let before = whole(onset - COMPARED_HOURS..onset);
        let after = whole(onset..until);
        // The same hours a week earlier: as whole as these are.
        let earlier = whole(after.start - COMPARED_HOURS..after.end - COMPARED_HOURS);
        let later = earlier.start + COMPARED_HOURS..earlier.end + COMPARED_HOURS;
        let calls = |cells: BTreeMap<CellKey, Cell>| cells.values().map(|cell| cell.calls).sum();
        let around = Around {
            before: cells(before)?,
            after: cells(after)?,
            weeks: [calls(cells(earlier)?), calls(cells(later)?)],
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
    fn calls_per_hour(&self, found: &Health) -> Result<Option<f64>> {
        let hours = f64::from(LAST_DAY);
        if !found.id.measure.is_feedback() {
            return Ok(found.last_day.map(|day| day.sample_size as f64 / hours));
        }
        let Subject::Prompt(name) = &found.id.subject else { return Ok(None) };
        let Some(uri) = self.prompt(name) else { return Ok(None) };
        let numbers = self.catalog.numbers(&uri, None);
        let until = self.monitors.until;
        let mut calls = 0;
        self.reader
            .cells(until - LAST_DAY..until, true, Some(&numbers), &mut |_, _, cell| calls += cell.calls)?;
        Ok(Some(calls as f64 / hours))
    }

    /// The stream that a person means: by its whole name, or by a prompt, with or without `#measure`; without, the one
    /// that is rising.
    fn find(&self, name: &str) -> Result<StreamId> {
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
