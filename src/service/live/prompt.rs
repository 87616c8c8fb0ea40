//! Everything about one prompt.

use std::time::Instant;

use super::boards::{answered, step_of};
use super::known::Known;
use super::said::Said;
use super::wish::{HistoryLine, PromptPage, Trend, TrendPoint};
use super::{Live, Result};
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::feedback::Signal;
use crate::domain::prompt::PromptUri;
use crate::domain::window::{Window, WindowSpec};
use crate::engine::outcome::words;
use crate::engine::rollup::{Cell, Clock, Hour, VersionId};
use crate::engine::trend::Subject;
use crate::engine::trend::health::{Health, Level};
use crate::service::routing::Circle;
use crate::service::{Performance, Service};
use crate::store::Reader;
use crate::store::telemetry::TelemetryReader;

/// Steps of a trend, at most.
const STEPS: Hour = 120;
/// Hours of a window from which on steps are whole days.
const BY_DAY: Hour = 10 * 24;
/// Longest window that is followed by the minute, ms, where no more calls than these would have to be read for it.
const BY_MINUTE: (Millis, i64) = (3 * HOUR_MS, 300_000);
/// Steps below an hour, ms, and how many of them there are at most.
const MINUTES: ([Millis; 4], Millis) = ([30_000, 60_000, 120_000, 300_000], 40);

impl Live {
    /// Everything about the prompt that `uri` names.
    ///
    /// What the detectors say, and how the prompt is, asks for the whole fleet; of a large one nobody has looked at yet
    /// both are left out until the second thread has.
    pub fn prompt(&mut self, uri: &str, window: WindowSpec, now: Millis) -> Result<PromptPage> {
        self.answer(|live, reader, known| {
            let catalog = &known.catalog;
            let (uri, _) = catalog.find(uri)?;
            let answered = answered(reader, window, now)?;
            let circle = Circle::read(reader, catalog, &uri, None, answered)?;
            let performance = Service::performance_in(catalog, &uri, None, answered, &circle);
            let (level, health) = live.health_of(reader, known, &uri, now)?;
            let outcome = live.service.latest_outcome_in(reader, catalog, uri.clone(), now)?;
            let called = performance.snapshot.stats.total_calls > 0;
            let recommendations =
                if called { live.said_of(reader, known, &uri, window, answered, now)? } else { Vec::new() };
            known.waiting.at(now);
            let Performance { snapshot, affinities, active, .. } = performance;
            let published = known.catalog.published.get(&uri);
            let versions: Vec<_> = published.into_iter().flat_map(|p| p.versions.keys().cloned()).collect();
            let file = match active.as_ref().or(versions.last()) {
                Some(version) => Some(reader.file(&uri, version)?),
                None => None,
            };
            Ok(PromptPage {
                trend: trend(reader, known, &uri, answered, &health)?,
                history: history(reader, &uri)?,
                text: file.as_ref().map(|file| file.text().to_owned()).unwrap_or_default(),
                description: file.and_then(|file| file.description),
                open: known.waiting.of(&uri.to_string()) as usize,
                outcome: outcome.as_ref().map(words::line),
                uri,
                active,
                versions,
                snapshot,
                affinities,
                level,
                health,
                recommendations,
                as_of: now,
            })
        })
    }

    /// How the prompt is, and what of it is not stable, the worst first: by the last watch, or, of a small fleet that was
    /// not looked at yet, by a look at it alone.
    fn health_of(
        &self,
        reader: &Reader,
        known: &Known,
        uri: &PromptUri,
        now: Millis,
    ) -> Result<(Option<Level>, Vec<Health>)> {
        if let Some(watch) = &self.watch {
            let subject = Subject::Prompt(uri.to_string());
            let own = watch.streams.iter().filter(|health| health.id.subject == subject);
            return Ok((watch.prompts.get(subject.name()).copied(), own.cloned().collect()));
        }
        if known.is_large() {
            return Ok((None, Vec::new()));
        }
        let mut own = self.service.streams_in(reader, &known.catalog, &known.standings, uri, now)?;
        let level = own.first().map(|health| health.level);
        own.retain(|health| health.level > Level::Stable);
        Ok((level, own))
    }

    /// What the detectors say of a prompt, as the report lists it.
    fn said_of(
        &mut self,
        reader: &Reader,
        known: &Known,
        uri: &PromptUri,
        window: WindowSpec,
        answered: Window,
        now: Millis,
    ) -> Result<Vec<String>> {
        if known.is_large() {
            return Ok(Vec::new());
        }
        let position = reader.position()?;
        let stands = self.said.take().filter(|said| said.stands(window, position, now));
        let said = if let Some(said) = stands {
            said
        } else {
            let began = Instant::now();
            let findings = self.service.findings_in(reader, &known.catalog, answered)?;
            Said::new(window, findings, position, now, began.elapsed())
        };
        Ok(self.said.insert(said).of(uri))
    }
}

/// The prompt over the window: in at most 120 steps of hours, in days, or, of a short window, in minutes.
fn trend(
    reader: &Reader,
    known: &Known,
    uri: &PromptUri,
    window: Window,
    health: &[Health],
) -> Result<Trend> {
    let numbers = known.catalog.numbers(uri, None);
    let (from, step, sums) = match by_minute(reader, window)? {
        Some(step) => {
            (window.from_ms.div_euclid(step) * step, step, minutes(reader, known, &numbers, window, step)?)
        }
        None => hours(reader, &numbers, window)?,
    };
    let all = Window { from_ms: from, to_ms: from.saturating_add(step.saturating_mul(sums.len() as Millis)) };
    let activations = known.catalog.published.get(uri).map_or(&[][..], |p| &p.activations);
    let mut alarms: Vec<(Millis, String)> = health
        .iter()
        .filter_map(|h| Some((i64::from(h.onset?) * HOUR_MS, h.id.measure.as_str().to_owned())))
        .filter(|(at, _)| all.contains(*at))
        .collect();
    alarms.sort();
    Ok(Trend {
        from,
        step,
        points: sums.iter().map(point).collect(),
        activations: activations.iter().filter(|(at, _)| all.contains(*at)).cloned().collect(),
        alarms,
    })
}

/// The step below an hour, ms, in which a window is followed, if its calls are kept and few enough to be read.
fn by_minute(reader: &Reader, window: Window) -> Result<Option<Millis>> {
    let (longest, most) = BY_MINUTE;
    let length = window.to_ms - window.from_ms;
    if length > longest || window.from_ms < reader.detail()?.calls_from {
        return Ok(None);
    }
    let mut calls = 0;
    reader.calls_by_hour(window.hours().0, &mut |_, _, n| calls += n)?;
    let (steps, fitting) = MINUTES;
    Ok(steps.into_iter().find(|step| length <= step * fitting).filter(|_| calls <= most))
}

/// Sums of the steps of a window, from the calls.
fn minutes(
    reader: &Reader,
    known: &Known,
    numbers: &[VersionId],
    window: Window,
    step: Millis,
) -> Result<Vec<Cell>> {
    let steps = window.from_ms.div_euclid(step)..(window.to_ms + step - 1).div_euclid(step);
    let sum = |at: Millis| {
        let part = Window { from_ms: at * step, to_ms: (at + 1) * step };
        let mut sum = Cell::default();
        for cell in Service::cells(reader, &known.catalog.dictionary, part, Some(numbers))?.values() {
            sum.merge_ranked(cell, 1);
        }
        Ok(sum)
    };
    steps.map(sum).collect()
}

/// Where steps of hours or days begin, how long they are, both in ms, and their sums, from roll-ups.
fn hours(reader: &Reader, numbers: &[VersionId], window: Window) -> Result<(Millis, Millis, Vec<Cell>)> {
    let (hours, _) = window.hours();
    let length = hours.end - hours.start;
    let mut step =
        if length > BY_DAY { ((length + STEPS - 1) / STEPS + 23) / 24 * 24 } else { step_of(length, STEPS) };
    if hours.start < reader.detail()?.hours_from {
        step = (step + 23) / 24 * 24;
    }
    let steps = hours.start.div_euclid(step)..(hours.end + step - 1).div_euclid(step);
    let mut sums = vec![Cell::default(); steps.len()];
    let covered = steps.start * step..steps.end * step;
    reader.cells(covered.clone(), step % 24 != 0, Some(numbers), &mut |hour, _, cell| {
        sums[(hour.div_euclid(step) - steps.start) as usize].merge_ranked(cell, 1);
    })?;
    let ms = |hour: Hour| i64::from(hour) * HOUR_MS;
    Ok((ms(covered.start), ms(step), sums))
}

fn point(cell: &Cell) -> TrendPoint {
    let count = |n: i64| n.max(0) as u64;
    TrendPoint {
        calls: count(cell.calls),
        failed: count(cell.calls - cell.ok),
        signals: Signal::ALL.map(|signal| count(cell.signals.signal(Clock::Call, signal))),
        tokens: cell.mean_tokens(),
        cost: cell.mean_cost_usd(),
        latency: [0.5, 0.95].map(|q| cell.latency_sketch.quantile(q).map(|us| us / 1e3)),
    }
}

/// Publications and activations, the newest first.
fn history(reader: &Reader, uri: &PromptUri) -> Result<Vec<HistoryLine>> {
    let published = reader.version_rows(uri)?.into_iter().map(|row| HistoryLine {
        at: row.published_at,
        version: row.version,
        what: "published",
        by: Some(row.actor),
        reason: row.note,
    });
    let active = reader.activations(uri)?.into_iter().rev().map(|row| HistoryLine {
        at: row.at,
        version: row.version,
        what: "active",
        by: Some(row.actor),
        reason: row.reason,
    });
    // What became active at once comes after its publication.
    let mut all: Vec<HistoryLine> = active.chain(published).collect();
    all.sort_by_key(|line| std::cmp::Reverse(line.at));
    Ok(all)
}
