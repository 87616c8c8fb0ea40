//! A stream's health in sentences: what the command line and the console both say of it.
//!
//! Names in them are as telemetry has them: whoever prints them makes them safe. Start with [`details`].

use super::Subject;
use super::by_model::OnModel;
use super::estimate::Estimate;
use super::health::Health;
use crate::engine::number::{count, percent, percents};

/// A prompt by its key, which is what people call it; what is pooled says so.
pub fn subject(subject: &Subject) -> String {
    match subject {
        Subject::Prompt(uri) => uri.rsplit('/').next().unwrap_or(uri).to_owned(),
        Subject::Model(name) => format!("model:{name}"),
        Subject::Task(name) => format!("task:{name}"),
    }
}

/// M: `29,614`; beyond a million only its size.
pub fn months(evidence: f64) -> String {
    match evidence {
        _ if evidence < 1e6 => count(evidence as u64),
        _ if evidence < 1e9 => format!("{evidence:.0e}"),
        _ => ">1e9".into(),
    }
}

/// A rate with its interval and of how many: `18% [10%, 28%] of 222`.
pub fn estimate(estimate: &Estimate) -> String {
    let of = count(estimate.sample_size.max(0) as u64);
    format!("{} {} of {of}", percent(Some(estimate.rate)), percents(estimate.interval))
}

/// What is counted, where the rate alone does not say it: ` above the usual 95% of latency`.
pub fn counted(health: &Health) -> String {
    let measure = health.id.measure;
    if measure.is_quantity() {
        format!(" above the usual 95% of {}", measure.as_str())
    } else {
        String::new()
    }
}

/// What is added to the last day's rate.
pub fn lasts(health: &Health) -> &'static str {
    match health.lasts() {
        Some(true) => "",
        Some(false) => ": no longer",
        None => ": too few to say whether it lasts",
    }
}

/// The models on which it got worse, where it runs on several: each with its share since the onset and before.
fn risen_on(health: &Health) -> impl Iterator<Item = (&str, String)> {
    let several = health.by_model.iter().filter(|on| on.after.is_some()).count() > 1;
    let risen = health.by_model.iter().filter(move |on| several && on.rose());
    risen.map(|on| (on.model.as_str(), on_model(on)))
}

/// A share on one model, since the onset and before: `24% [18%, 31%] of 120, was 6% [4%, 8%] of 810`.
pub fn on_model(on: &OnModel) -> String {
    match (&on.before, &on.after) {
        (Some(then), Some(now)) => format!("{}, was {}", estimate(now), estimate(then)),
        (None, Some(now)) => format!("{}, none before", estimate(now)),
        (then, None) => format!("none since, was {}", then.as_ref().map_or_else(String::new, estimate)),
    }
}

/// What stands under the line of a stream that warns or pages: how much worse, whether it lasts, and at most so many
/// causes.
pub fn details(health: &Health, causes: usize) -> Vec<String> {
    let mut lines = Vec::new();
    if !health.level.is_alarm() {
        return lines;
    }
    let unit = health.id.measure.unit();
    if let (Some(was), Some(now)) = (health.baseline, health.current) {
        let odds = health.odds_ratio.map_or(String::new(), |odds| format!("; odds x{odds:.1}"));
        let what = counted(health);
        lines.push(format!("{} {unit}{what}, was {}{odds}", estimate(&now), estimate(&was)));
        if let Some(day) = health.last_day {
            lines.push(format!("last 24 h: {} {unit}{}", estimate(&day), lasts(health)));
        }
        if health.by_hour {
            lines.push("no session ids: an hour counts once".into());
        }
    }
    lines.extend(risen_on(health).map(|(model, words)| format!("on {model}: {words}")));
    lines.extend(health.causes.iter().take(causes).map(|cause| cause.what.clone()));
    lines
}
