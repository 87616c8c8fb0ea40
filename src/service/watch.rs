//! What on-call asks: which streams are not stable, and how a prompt is.
//!
//! Monitors are moved on from their newest checkpoint over the hours that have closed since; a store that can be written
//! keeps them. Start with [`Service::watch`].

use std::cell::RefCell;
use std::cmp::Ordering;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::Service;
use super::catalog::Catalog;
use super::error::Result;
use super::look::{Cellar, LAST_DAY, Look, hour_of};
use super::regressions::{Regression, named, regressions};
use super::standings::Standings;
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::engine::rollup::{Cells, Hour};
use crate::engine::trend::estimate::{Estimate, time};
use crate::engine::trend::health::{Health, Level};
use crate::engine::trend::{Acknowledged, Measure, Monitors, StreamId, Subject, open_hour, page_threshold};
use crate::store::monitors::{Checkpoint, Note};
use crate::store::telemetry::TelemetryReader;
use crate::store::{Kind, Reader};

/// Days before the first look in which it still looks hour by hour: as long as hours are kept by default.
const LOOK_BACK: Hour = 14 * 24;
/// Streams whose causes are looked for.
const EXPLAINED: usize = 40;

/// Prompts of which the first look is quick enough to be taken in passing.
pub(super) const SMALL_FLEET: usize = 500;

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
