//! What a proposal rests on, in sentences that a person understands: what was seen, of how many, how sure that is, and
//! what a change would win. What is not known here is told field by field.
//!
//! Start with [`sentences`]; [`words`] says a finding in one clause.

use serde::Deserialize;
use serde_json::Value;

use crate::domain::finding::{Assessment, Detector, Evidence};
use crate::domain::proposal::{Grounds, ProposalId};
use crate::domain::settled::Measured;

/// What an outcome that asks for a way back found: the version that is worse, and what made it active.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Worse {
    proposal: ProposalId,
    version: String,
    #[serde(default)]
    old_version: Option<String>,
    #[serde(default)]
    measured: Option<Measured>,
}

/// What prompt and capability a finding of missing metadata is about.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Undeclared {
    lacks: String,
    because: String,
}

/// What a proposal rests on, a sentence each; nothing where there is nothing but a person's word.
pub fn sentences(grounds: &Grounds) -> Vec<String> {
    let found = &grounds.found;
    if let Ok(assessment) = Assessment::deserialize(found) {
        return told(&assessment);
    }
    if let Ok(worse) = Worse::deserialize(found) {
        return vec![regressed(&worse)];
    }
    if let Ok(Undeclared { lacks, because }) = Undeclared::deserialize(found) {
        return vec![format!(
            "{because}, and `human.requires` does not name `{lacks}`: calls may be routed to a model without it."
        )];
    }
    facts(found)
}

fn told(found: &Assessment) -> Vec<String> {
    [Some(seen(found)), Some(surety(found)), gain(found)].into_iter().flatten().collect()
}

fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 { format!("{percent:.1} %") } else { format!("{percent:.0} %") }
}

/// `1600`, `$0.0042`.
fn amount(detector: Detector, x: f64) -> String {
    if detector == Detector::CostOutlier { format!("${x:.4}") } else { format!("{x:.0}") }
}

/// What was seen, of how many, between which ends, against what.
fn seen(found: &Assessment) -> String {
    let (n, peers) = (found.sample_size, found.peers);
    let [low, high] = found.interval;
    let share = |what: &str| {
        format!(
            "{} of {n} {what}; as far as that many can tell, the true share is between {} and {}",
            percent(found.estimate),
            percent(low),
            percent(high)
        )
    };
    let limit = percent(found.threshold);
    match found.detector {
        Detector::HighNegative => {
            format!(
                "{}. More than {limit} is not tolerated.",
                share("evidence units (a person's or session's first signal in an hour) are negative")
            )
        }
        Detector::LowSuccess => {
            format!("{}. Below {limit} is low among its {peers} peers.", share("calls are answered"))
        }
        Detector::TokenOutlier | Detector::CostOutlier => {
            let amount = |x: f64| amount(found.detector, x);
            let what = if found.detector == Detector::TokenOutlier { " tokens" } else { "" };
            let times = match found.evidence {
                Evidence::PValue { ratio, .. } => {
                    format!(", {ratio:.1} times the median of its {peers} peers")
                }
                _ => String::new(),
            };
            format!(
                "A call takes {}{what} on average{times}; as far as {n} calls can tell, between {} and {}. From {} on it \
                 is an outlier.",
                amount(found.estimate),
                amount(low),
                amount(high),
                amount(found.threshold)
            )
        }
        Detector::AffinityMismatch => format!(
            "Most calls go to {}, and {} would serve the prompt better by {:.2} of 1, between {low:.2} and {high:.2}, \
             judged by {n} evidence units. From {:.2} on it is worth a change.",
            found.model.as_deref().unwrap_or("one model"),
            found.better_model.as_deref().unwrap_or("another"),
            found.estimate,
            found.threshold
        ),
    }
}

/// How sure that is: e-values and p-values as how seldom chance does the same.
fn surety(found: &Assessment) -> String {
    match found.evidence {
        Evidence::EValue { e, probability, .. } => format!(
            "Of prompts that are as they should be, at most one in {} ever shows this, however often one looks (e-value); \
             that the rate is on the wrong side is {} probable.",
            one_in(e.max(1.0)),
            chance(probability)
        ),
        Evidence::PValue { adjusted, .. } => format!(
            "A prompt within twice the median of its peers shows this by chance once in {} times at most (p-value, \
             adjusted for all prompts that were looked at).",
            one_in(1.0 / adjusted.max(f64::MIN_POSITIVE))
        ),
        Evidence::Probability { probability } => {
            format!("That the change is worth it is {} probable.", chance(probability))
        }
    }
}

/// A probability that is not certain is not rounded to certainty.
fn chance(p: f64) -> String {
    if p > 0.995 { "more than 99 %".into() } else { percent(p) }
}

/// `47`, `5200`, `3 million`.
fn one_in(times: f64) -> String {
    match times {
        _ if times < 1e4 => format!("{times:.0}"),
        _ if times < 1e6 => format!("{:.0} thousand", times / 1e3),
        _ if times < 1e9 => format!("{:.0} million", times / 1e6),
        _ => "more than a billion".into(),
    }
}

/// What would be won.
fn gain(found: &Assessment) -> Option<String> {
    let points = found.expected_gain * 100.0;
    match found.detector {
        Detector::HighNegative if points >= 0.5 => Some(format!(
            "Were it as its peers usually are, {points:.0} of a hundred fewer would be negative."
        )),
        Detector::LowSuccess if points >= 0.5 => Some(format!(
            "Were it as its peers usually are, {points:.0} more of a hundred calls would be answered."
        )),
        Detector::TokenOutlier | Detector::CostOutlier if found.expected_gain > 0.0 => {
            let what = if found.detector == Detector::TokenOutlier { " tokens" } else { "" };
            let saved = amount(found.detector, found.expected_gain);
            Some(format!("Were it as its peers usually are, a call would take {saved}{what} less."))
        }
        _ => None,
    }
}

fn regressed(worse: &Worse) -> String {
    let Worse { proposal, version, old_version, measured } = worse;
    let old = old_version.as_deref().unwrap_or("the version before");
    let odds = measured.as_ref().and_then(|m| Some((m, m.negative.odds_ratio?, m.negative.interval?)));
    // The interval is wider than the rule that raises the alarm is strict.
    let may_be_none = odds.is_some_and(|(_, _, [low, _])| low <= 1.0);
    let (is, none) = if may_be_none {
        ("is probably worse", ", which does not rule out that nothing changed")
    } else {
        ("turned out worse", "")
    };
    let head = format!("{version}, which {proposal} made active, {is} than {old}");
    match odds {
        None => format!("{head}."),
        Some((measured, ratio, [low, high])) => format!(
            "{head}: the odds of a negative signal are {ratio:.1} times what they were, between {low:.1} and {high:.1}{none}, \
             by {} evidence units of it and {} of {old}, {}.",
            measured.negative.new_units,
            measured.negative.old_units,
            measured.basis.label()
        ),
    }
}

/// A finding in one clause, with its numbers.
pub fn words(found: &Assessment) -> String {
    let [low, high] = found.interval;
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let n = found.sample_size;
    match found.detector {
        Detector::HighNegative => format!(
            "{} [{}, {}] of {n} evidence units are negative, above {}",
            percent(found.estimate),
            percent(low),
            percent(high),
            percent(found.threshold)
        ),
        Detector::LowSuccess => format!(
            "{} [{}, {}] of {n} calls are answered, below {} of {} peers",
            percent(found.estimate),
            percent(low),
            percent(high),
            percent(found.threshold),
            found.peers
        ),
        Detector::TokenOutlier => format!(
            "{:.0} [{low:.0}, {high:.0}] tokens a call, of {n} calls, against {:.0} allowed by {} peers",
            found.estimate, found.threshold, found.peers
        ),
        Detector::CostOutlier => format!(
            "${:.4} [{low:.4}, {high:.4}] a call, of {n} calls, against ${:.4} allowed by {} peers",
            found.estimate, found.threshold, found.peers
        ),
        Detector::AffinityMismatch => format!(
            "most calls go to {}; {} would gain {:.2} [{low:.2}, {high:.2}] affinity, of {n} units",
            found.model.as_deref().unwrap_or("one model"),
            found.better_model.as_deref().unwrap_or("another"),
            found.estimate
        ),
    }
}

/// What was found, one fact a line.
fn facts(found: &Value) -> Vec<String> {
    match found {
        Value::Object(found) => found.iter().map(|(key, value)| format!("{key}: {}", fact(value))).collect(),
        Value::Null => vec![],
        other => vec![fact(other)],
    }
}

/// As text: numbers to four digits, objects and lists within a line.
pub fn fact(value: &Value) -> String {
    let each = |parts: Vec<String>| parts.join(", ");
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(x) if x != 0.0 => {
                let digits = (3 - x.abs().log10().floor() as i32).clamp(0, 9) as usize;
                let text = format!("{x:.digits$}");
                if text.contains('.') {
                    text.trim_end_matches('0').trim_end_matches('.').to_owned()
                } else {
                    text
                }
            }
            _ => number.to_string(),
        },
        Value::Array(list) => format!("[{}]", each(list.iter().map(fact).collect())),
        Value::Object(object) => {
            each(object.iter().map(|(key, value)| format!("{key} {}", fact(value))).collect())
        }
        other => other.to_string(),
    }
}

#[cfg(test)]
#[path = "grounds_tests.rs"]
mod tests;
