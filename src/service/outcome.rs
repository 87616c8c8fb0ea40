//! What came of a change of version: reads the courses of both versions, and their peers', from the roll-ups.

use std::ops::Range;

use rustc_hash::FxHashMap;
use semver::Version;

use super::{Catalog, Result, Service};
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::outcome::Outcome;
use crate::domain::prompt::PromptUri;
use crate::engine::outcome::{Change, Course, Courses, HORIZON, LOOK_BACK, Peer, outcome};
use crate::engine::rollup::{Hour, VersionId};
use crate::store::Reader;
use crate::store::canary::Canary;
use crate::store::telemetry::TelemetryReader;

const DAY: Hour = 24;

impl Service {
    /// What came of the change of the prompt that `prompt` names from version `old` to `new`, as of `now`.
    ///
    /// The change is when `new` became active last; of a prompt that is not published, the day of its first call.
    pub fn outcome(&self, prompt: &str, old: &str, new: &str, now: Millis) -> Result<Outcome> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let (uri, _) = catalog.find(prompt)?;
        let versions = [catalog.version(&uri, old)?, catalog.version(&uri, new)?];
        self.outcome_after(&reader, &catalog, uri, versions, now)
    }

    /// The same, of what is being read.
    pub(super) fn outcome_after(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        uri: PromptUri,
        versions: [Version; 2],
        now: Millis,
    ) -> Result<Outcome> {
        let new = &versions[1];
        let active = catalog.published.get(&uri).and_then(|published| {
            published.activations.iter().rev().find(|(_, version)| version == new).map(|(at, _)| *at)
        });
        let at = match active {
            Some(at) => at,
            None => first_call(reader, &catalog.numbers(&uri, Some(new)))?.unwrap_or(now),
        };
        self.outcome_of(reader, catalog, uri, versions, at, now)
    }

    /// What came of the latest change of the prompt that `prompt` names: the active version against the one that was
    /// active before it. `None` where there was none.
    pub fn latest_outcome(&self, prompt: &str, now: Millis) -> Result<Option<Outcome>> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let (uri, _) = catalog.find(prompt)?;
        self.latest_outcome_in(&reader, &catalog, uri, now)
    }

    /// [`latest_outcome`](Self::latest_outcome) of a prompt in a view.
    pub(super) fn latest_outcome_in(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        uri: PromptUri,
        now: Millis,
    ) -> Result<Option<Outcome>> {
        let activations = catalog.published.get(&uri).map_or(&[][..], |published| &published.activations);
        let activations = &activations[..activations.partition_point(|(at, _)| *at <= now)];
        let Some((_, new)) = activations.last() else { return Ok(None) };
        let since = activations.iter().rposition(|(_, version)| version != new);
        let Some(before) = since else { return Ok(None) };
        let (old, new) = (activations[before].1.clone(), new.clone());
        let at = activations[before + 1].0;
        self.outcome_of(reader, catalog, uri, [old, new], at, now).map(Some)
    }

    /// What a canary shows of its version beside `old`, the active one: from its entry on, until it ended or `now`.
    pub(super) fn outcome_beside(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        canary: &Canary,
        old: &Version,
        now: Millis,
    ) -> Result<Outcome> {
        let change = Change {
            prompt: canary.uri.unversioned(),
            old: old.clone(),
            new: canary.uri.version.clone().unwrap_or_else(|| old.clone()),
            at: canary.since,
            split: Some(canary.share),
            horizon: HORIZON,
        };
        let until = canary.ended.map_or(now, |(_, at)| at.min(now));
        self.compared(reader, catalog, &change, until, now)
    }

    fn outcome_of(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        uri: PromptUri,
        [old, new]: [Version; 2],
        at: Millis,
        now: Millis,
    ) -> Result<Outcome> {
        let change = Change { prompt: uri, old, new, at, split: None, horizon: HORIZON };
        self.compared(reader, catalog, &change, now, now)
    }

    /// What came of a change as of `until`, from what is kept `now`.
    fn compared(
        &self,
        reader: &Reader,
        catalog: &Catalog,
        change: &Change,
        until: Millis,
        now: Millis,
    ) -> Result<Outcome> {
        let at = change.at;
        // The hour of the change is nobody's.
        let changed = at.div_euclid(HOUR_MS) as Hour;
        let before = (changed - LOOK_BACK).div_euclid(DAY) * DAY..changed;
        let since = change.from()..change.until(until);
        let numbers = |version| catalog.numbers(&change.prompt, Some(version));
        let (old, new) = (numbers(&change.old), numbers(&change.new));
        let exact = self.hours_kept(now);
        let courses = Courses {
            before: course(reader, &before, Hour::MAX, &old)?,
            old: course(reader, &since, exact, &old)?,
            new: course(reader, &since, exact, &new)?,
        };
        let alone = courses.side_by_side(change.split).is_none();
        let peers = if alone { peers(reader, catalog, &change.prompt, [&before, &since])? } else { vec![] };
        Ok(outcome(change, &courses, &peers, until))
    }

    /// The first hour from which hours are kept as such, by the configuration.
    fn hours_kept(&self, now: Millis) -> Hour {
        let kept = i64::from(self.config.retention.hour_days) * i64::from(DAY);
        let first = now.div_euclid(HOUR_MS) - kept;
        (first + i64::from(DAY) - 1).div_euclid(i64::from(DAY)) as Hour * DAY
    }
}

/// When one of the versions was first called: the hour where it is known, else the day.
fn first_call(reader: &Reader, numbers: &[VersionId]) -> Result<Option<Millis>> {
    let Some((first, last)) = reader.span()? else { return Ok(None) };
    let hours = first.div_euclid(HOUR_MS) as Hour..last.div_euclid(HOUR_MS) as Hour + 1;
    let mut found: Option<Hour> = None;
    reader.cells(hours, false, Some(numbers), &mut |hour, _, cell| {
        if cell.calls > 0 {
            found = Some(found.map_or(hour, |earliest| earliest.min(hour)));
        }
    })?;
    Ok(found.map(|hour| i64::from(hour) * HOUR_MS))
}

/// The course of some versions over `hours`: by the hour from `exact` on, before it by whole days.
fn course(reader: &Reader, hours: &Range<Hour>, exact: Hour, numbers: &[VersionId]) -> Result<Course> {
    let mut course = Course::default();
    let exact = exact.clamp(hours.start, hours.end);
    reader.cells(hours.start..exact, false, Some(numbers), &mut |hour, key, cell| {
        // A day may come in parts, of which some take back what others hold.
        course.add((hour.div_euclid(DAY) * DAY).max(hours.start), key.model, cell);
    })?;
    reader.cells(exact..hours.end, true, Some(numbers), &mut |hour, key, cell| {
        course.add(hour, key.model, cell);
    })?;
    Ok(course)
}

/// What the other prompts of the task type saw before and since: sums, for their drift and the spread of their rates.
fn peers(
    reader: &Reader,
    catalog: &Catalog,
    prompt: &PromptUri,
    [before, since]: [&Range<Hour>; 2],
) -> Result<Vec<Peer>> {
    let others = catalog.peers(prompt);
    let mut of: FxHashMap<VersionId, usize> = FxHashMap::default();
    let mut peers: Vec<Peer> = Vec::new();
    for other in others {
        of.extend(catalog.numbers(other, None).into_iter().map(|number| (number, peers.len())));
        peers.push(Peer::default());
    }
    let mut numbers: Vec<VersionId> = of.keys().copied().collect();
    numbers.sort_unstable();
    reader.cells(before.clone(), false, Some(&numbers), &mut |_, key, cell| {
        peers[of[&key.version]].before.add(before.start, key.model, cell);
    })?;
    reader.cells(since.clone(), false, Some(&numbers), &mut |_, key, cell| {
        peers[of[&key.version]].since.add(since.start, key.model, cell);
    })?;
    Ok(peers)
}
