//! What a stream's state means: stable, watch, warn, page, or that there is too little to say; since when, how much
//! worse, and how sure that is.
//!
//! "Page" holds its promise, at most one false page a month in so many streams, for streams whose true rate is within
//! the 90 % quantile of their baseline: about nine of ten new ones, and ever more as data grow. Start with [`health`].

use serde::Serialize;

use super::by_model::OnModel;
use super::cause::{Around, Cause, Kind, NEAR_HOURS, percent};
use super::estimate::{Estimate, time};
use super::reference::{Reference, name_hash};
use super::{Stream, StreamId, Subject, WARN, WATCH};
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::performance::Names;
use crate::engine::rollup::Hour;
use crate::engine::stats::logit::logit;

/// Hours without an observation after which a stream is not called stable any more: a long weekend.
const QUIET_HOURS: Hour = 72;
/// Confidence of the baseline's interval.
const BASELINE_CONFIDENCE: f64 = 0.9;
/// Share of a prompt's calls from which its model may be to blame.
const SERVES: f64 = 0.25;
/// Share of calls above the baseline's 95 % quantile, twice the usual one, below which latency, cost or tokens wake
/// nobody: among many calls a rise of a few percent is certain, and still small.
const WORTH_WAKING: f64 = 0.1;
/// One minus the confidence of the sequence around the rate since the onset.
const ALPHA: f64 = 0.05;

/// How a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Too little to say.
    Insufficient,
    /// As good as ever, as far as can be seen.
    Stable,
    /// M ≥ 5: worth a look.
    Watch,
    /// M ≥ 20.
    Warn,
    /// M ≥ 100, or more where there are many streams.
    Page,
}

impl Level {
    /// The word in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Insufficient => "insufficient",
            Level::Stable => "stable",
            Level::Watch => "watch",
            Level::Warn => "WARN",
            Level::Page => "PAGE",
        }
    }

    /// Whether somebody is to be told.
    pub fn is_alarm(self) -> bool {
        self >= Level::Warn
    }
}

/// How one stream is, with everything that it rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Health {
    /// The stream's name.
    pub stream: String,
    /// What it is about, and what is counted.
    #[serde(skip)]
    pub id: StreamId,
    /// How it is.
    pub level: Level,
    /// Why it is called insufficient, or stable or watch although M is large.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// M: by chance at most once in so many months.
    pub evidence: f64,
    /// M from which it pages.
    pub page_from: f64,
    /// Whether an hour counted as one observation, because the units carry neither session nor user.
    pub by_hour: bool,
    /// The most likely moment of the change.
    #[serde(skip)]
    pub onset: Option<Hour>,
    /// The same, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Odds since the onset relative to the baseline's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub odds_ratio: Option<f64>,
    /// The frozen baseline with its 90 % interval.
    pub baseline: Option<Estimate>,
    /// The rate since the onset with its 95 % confidence sequence, which takes the onset as given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current: Option<Estimate>,
    /// The rate of the last day, with its interval for one look: whether it still lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Estimate>,
    /// Calls of it an hour over the last closed day, where they are counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub calls_per_hour: Option<f64>,
    /// Observations since the baseline was made.
    pub units: i64,
    /// The last hour with an observation.
    pub last_unit: Option<String>,
    /// Until when a person has silenced it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silenced_until: Option<String>,
    /// What changed at the same time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Cause>,
    /// Whether it was looked what changed: of the worst, and of prompts alone.
    #[serde(skip)]
    pub explained: bool,
    /// The share of each of the last days, oldest first, as far as it was looked for; `None` on days without any.
    #[serde(skip)]
    pub course: Vec<Option<f64>>,
    /// How it is on each model, of a prompt that rises, the most used first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub by_model: Vec<OnModel>,
}

/// How a stream is at `open`, the first hour that is not closed. `page_from`: from [`super::page_threshold`]; `by_hour`:
/// its units are of calls without session and user, so that an hour must count as one observation; `names`: of prompts.
pub fn health<'n>(
    id: &StreamId,
    stream: &Stream,
    open: Hour,
    page_from: f64,
    by_hour: bool,
    names: impl Iterator<Item = &'n str>,
) -> Health {
    let by_hour = by_hour && matches!(id.subject, Subject::Prompt(_)) && id.measure.is_feedback();
    let evidence = if by_hour { stream.bets.evidence() } else { stream.detector.evidence() };
    let mut level = if stream.reference.is_none() || evidence < WATCH {
        Level::Stable
    } else if evidence < WARN {
        Level::Watch
    } else if evidence < page_from {
        Level::Warn
    } else {
        Level::Page
    };
    let mut reason = None;
    if level > Level::Stable && id.subject.is_pooled() {
        reason = carried_by_few(stream, names);
        if reason.is_some() {
            level = Level::Stable;
        }
    }
    if level == Level::Stable
        && let Some(why) = too_little(id, stream, open)
    {
        (level, reason) = (Level::Insufficient, Some(why));
    }
    let rung = stream.detector.rungs[stream.detector.leading()];
    let baseline = stream.reference.as_ref().map(baseline);
    let risen = level > Level::Stable && rung.n > 0;
    let current = risen.then(|| Estimate::sequence(rung.k, rung.n, ALPHA));
    if id.measure.is_quantity()
        && current.is_some_and(|now| now.interval[0] < WORTH_WAKING)
        && level.is_alarm()
    {
        level = Level::Watch;
        reason = Some("certain, and small".into());
    }
    let odds_ratio = current.zip(baseline).map(|(now, then)| {
        let rate = (rung.k as f64 + 0.5) / (now.sample_size as f64 + 1.0);
        (logit(rate) - logit(then.rate)).exp()
    });
    Health {
        stream: id.to_string(),
        id: id.clone(),
        level,
        reason,
        evidence,
        page_from,
        by_hour,
        onset: risen.then_some(rung.onset),
        since: risen.then(|| time(rung.onset)),
        odds_ratio: odds_ratio.filter(|r| r.is_finite()),
        baseline,
        current,
        last_day: None,
        calls_per_hour: None,
        units: stream.n,
        last_unit: stream.last.map(time),
        silenced_until: None,
        causes: Vec::new(),
        explained: false,
        course: Vec::new(),
        by_model: Vec::new(),
    }
}

impl Health {
    /// Whether somebody is to be told now.
    pub fn is_alarm(&self) -> bool {
        self.level.is_alarm() && self.silenced_until.is_none()
    }

    /// How many more of its calls an hour are bad than before: the calls that it costs to look away.
    pub fn affected(&self) -> Option<f64> {
        let (calls, then, since) = (self.calls_per_hour?, self.baseline?, self.current?);
        Some(calls * (since.rate - then.rate).max(0.0))
    }

    /// Whether it still lasts: the rate of the last day lies above the baseline's, or below what it was since the onset.
    /// `None` where the day has too little to say.
    pub fn lasts(&self) -> Option<bool> {
        let (day, then, since) = (self.last_day?, self.baseline?, self.current?);
        match day.interval {
            [low, _] if low > then.rate => Some(true),
            [_, high] if high < since.rate => Some(false),
            _ => None,
        }
    }
}

fn baseline(reference: &Reference) -> Estimate {
    let rate = reference.rate();
    let sample_size = reference.strata.iter().map(|s| s.n).sum();
    Estimate { rate: rate.mean(), interval: rate.interval(BASELINE_CONFIDENCE), sample_size }
}

/// A pooled stream rises with its prompts, and it is news only if it still does without the one or two that rise most.
fn carried_by_few<'n>(stream: &Stream, names: impl Iterator<Item = &'n str>) -> Option<String> {
    let prompts = stream.reference.as_ref()?.strata.chunk_by(|a, b| a.key.0 == b.key.0).count();
    let (rest, leaders) = stream.without_leaders((prompts / 4).clamp(1, 2));
    if rest >= WATCH {
        return None;
    }
    let mut found: Vec<(usize, &str)> = names
        .filter_map(|name| Some((leaders.iter().position(|leader| *leader == name_hash(name))?, name)))
        .collect();
    found.sort_unstable();
    let found: Vec<&str> = found.into_iter().map(|(_, name)| name).collect();
    Some(format!("nothing is left of it without {}", found.join(" and ")))
}

fn too_little(id: &StreamId, stream: &Stream, open: Hour) -> Option<String> {
    let unit = id.measure.unit();
    let Some(reference) = &stream.reference else {
        return Some(match stream.last {
            None => format!("no {unit} yet"),
            Some(_) if id.subject.is_pooled() => "too few prompts to pool, or no day of history yet".into(),
            Some(_) => "no day of history for a baseline yet".into(),
        });
    };
    let heard = stream.last.unwrap_or(reference.until - 1);
    if open - heard > QUIET_HOURS {
        return Some(format!("no {unit} since {}", time(heard)));
    }
    let n = reference.strata.iter().map(|s| s.n).sum::<i64>() + stream.n;
    (n < MIN_SIGNALS as i64).then(|| format!("{n} {unit} so far, {MIN_SIGNALS} are needed"))
}

/// A model on which a prompt runs and whose own stream rose at about the same time.
pub fn blame(prompt: &Health, model: &Health, around: &Around, names: &impl Names) -> Option<Cause> {
    let Subject::Model(name) = &model.id.subject else { return None };
    let near = prompt.onset?.abs_diff(model.onset?) <= NEAR_HOURS.unsigned_abs();
    let calls: i64 = around.after.values().map(|cell| cell.calls).sum();
    let on_it = around.after.iter().filter(|(key, _)| names.model(key.model) == name);
    let share = Estimate::sequence(on_it.map(|(_, cell)| cell.calls).sum(), calls, ALPHA);
    let serves = share.rate >= SERVES && prompt.id.measure == model.id.measure;
    (near && model.level.is_alarm() && serves).then(|| Cause {
        kind: Kind::Model,
        what: format!(
            "model {name}, which serves {} of the calls, got worse for many prompts ({}) since {}",
            percent(share.rate),
            model.id.measure.as_str(),
            model.since.clone().unwrap_or_default()
        ),
        before: None,
        after: Some(share),
    })
}
