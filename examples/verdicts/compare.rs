//! From rows of outcomes to verdicts, through the engine that judges live traffic.
//!
//! Which form fits: both arms answer the same questions under the same conditions, so that is a comparison side by
//! side. Each question stands for an hour in which both versions had one call and one piece of feedback, by a checker;
//! families and models are strata of their own. Nothing is before or after, so no peers and no prior take part. Within a
//! block of five questions an easy one and a hard one weigh alike, which makes the evidence cautious, never bold.

use std::collections::BTreeMap;

use human::domain::call::HOUR_MS;
use human::domain::feedback::{Signal, Source};
use human::domain::outcome::Outcome;
use human::engine::outcome::{Change, Course, Courses, outcome};
use human::engine::rollup::{CallFacts, Cell, Clock};
use semver::Version;

use crate::shared::{Result, Row, Table};

/// One answer.
#[derive(Debug, Clone, Copy)]
pub struct Answer {
    /// Whether the checker took it.
    pub good: bool,
    facts: CallFacts,
}

/// The answers of both arms to the same question, old first.
pub type Pair = [Answer; 2];

/// Any time will do; the questions follow it, an hour apart.
const AT: i64 = 490_000;

/// The questions that both arms answered, in the order of the file, by family.
pub fn answers(rows: &Table, column: &str, old: &str, new: &str) -> Result<BTreeMap<String, Vec<Pair>>> {
    let mut order: Vec<(String, String)> = Vec::new();
    let mut found: BTreeMap<(String, String), [Option<Answer>; 2]> = BTreeMap::new();
    for row in rows.rows() {
        let Some(arm) = [old, new].iter().position(|value| row.text(column).is_ok_and(|v| v == *value))
        else {
            continue;
        };
        let question = (row.text("family")?.to_owned(), row.text("item")?.to_owned());
        let Some(success) = row.number::<u8>("success")? else { continue };
        let both = found.entry(question.clone()).or_insert_with(|| {
            order.push(question);
            [None, None]
        });
        both[arm] = Some(Answer { good: success == 1, facts: facts(&row)? });
    }
    let mut families: BTreeMap<String, Vec<Pair>> = BTreeMap::new();
    for question in order {
        if let Some([Some(a), Some(b)]) = found.get(&question) {
            families.entry(question.0).or_default().push([*a, *b]);
        }
    }
    Ok(families)
}

fn facts(row: &Row<'_>) -> Result<CallFacts> {
    let tokens = row.number("input_tokens")?.zip(row.number("output_tokens")?);
    let cost = row.number::<f64>("cost_usd")?.map(|usd| (usd * 1e9).round() as i64);
    let latency_us = row.number::<f64>("latency_ms")?.map(|ms| (ms * 1e3).round() as u64);
    Ok(CallFacts { ok: true, tokens, cached: 0, cost, estimated: false, latency_us })
}

/// What the engine says of a family, answered by one model or by several.
pub fn verdict(family: &str, models: &[&[Pair]]) -> Result<Outcome> {
    let mut courses = Courses::default();
    let answered = models
        .iter()
        .zip(0..)
        .flat_map(|(pairs, model)| pairs.iter().enumerate().map(move |(i, pair)| (model, i, pair)));
    for (model, i, pair) in answered {
        let arms: [&mut Course; 2] = [&mut courses.old, &mut courses.new];
        for (course, answer) in arms.into_iter().zip(pair) {
            let mut cell = Cell::default();
            cell.add_call(&answer.facts, 1);
            let signal = if answer.good { Signal::Positive } else { Signal::Negative };
            for clock in [Clock::Arrival, Clock::Call] {
                cell.signals.add(clock, Source::System, signal, 1);
            }
            course.add(AT as i32 + i as i32, model, &cell);
        }
    }
    let hours = models.iter().map(|pairs| pairs.len()).max().unwrap_or(0) as i32;
    let change = Change {
        prompt: format!("prompt://org/LOCAL/{}", family.replace('_', "-")).parse()?,
        old: Version::new(1, 0, 0),
        new: Version::new(2, 0, 0),
        at: AT * HOUR_MS,
        split: None,
        horizon: hours,
    };
    Ok(outcome(&change, &courses, &[], (AT + i64::from(hours) + 24) * HOUR_MS))
}

/// How many of the answers were good, old and new.
pub fn good(pairs: &[Pair]) -> [usize; 2] {
    [0, 1].map(|arm| pairs.iter().filter(|pair| pair[arm].good).count())
}

/// A family: what is raw, and what is said of it.
pub fn line(family: &str, pairs: &[Pair], found: &Outcome) -> String {
    let n = pairs.len();
    let [old, new] = good(pairs).map(|k| 100.0 * k as f64 / n as f64);
    let factor = |ratio: Option<f64>, interval: Option<[f64; 2]>| match ratio.zip(interval) {
        Some((ratio, [low, high])) => format!("x{ratio:.2} [{low:.2}, {high:.2}]"),
        None => "-".into(),
    };
    // The serialized word is the one that reports and JSON share.
    let verdict = serde_json::to_value(found.judgement).unwrap_or_default();
    format!(
        "{family:<40}{n:>4} {old:>4.0}% {new:>4.0}% {:>+7.1} pp   {:<22}{:>8} {:>9}  {:<19} {}",
        new - old,
        factor(found.negative.odds_ratio, found.negative.interval),
        evidence(found.negative.ln_e_regressed),
        evidence(found.negative.ln_e_improved),
        verdict.as_str().unwrap_or_default(),
        factor(found.tokens.ratio, found.tokens.interval),
    )
}

fn evidence(ln_e: f64) -> String {
    let e = ln_e.exp();
    if e >= 1e4 {
        format!("{e:.0e}")
    } else if e >= 9.95 {
        format!("{e:.0}")
    } else {
        format!("{e:.2}")
    }
}
