//! What `human agent status` says of what the agent has done.

use std::io::Write;

use super::{Desk, Result};
use crate::engine::number::{count, percent, percents, usd};
use crate::engine::visible;
use crate::service::agent_record::{AgentRecord, FEWEST, Share};

/// Prints the record.
pub fn print(record: &AgentRecord, desk: &mut Desk) -> Result<()> {
    let AgentRecord { proposed, waiting, accepted, auto_applied, reverted, .. } = record;
    writeln!(
        desk.out,
        "Proposed  {}, of which {} wait\nAccepted  {} by stewards, of those that they decided\nApplied   {} by itself\nReverted  {} of those applied",
        count(*proposed),
        count(*waiting),
        share(*accepted),
        count(*auto_applied),
        share(*reverted),
    )?;
    let outcomes: Vec<String> = record
        .outcomes
        .iter()
        .map(|(judgement, n)| format!("{} {}", count(*n), judgement.as_str()))
        .collect();
    let outcomes = if outcomes.is_empty() { "none settled".into() } else { outcomes.join(", ") };
    writeln!(desk.out, "Outcomes  {outcomes}")?;
    if record.calibration.is_empty() {
        writeln!(desk.out, "Promises  not enough: nothing that it promised has been measured yet")?;
    }
    for worth in &record.calibration {
        let e = &worth.expectation;
        let few = if e.sample_size < FEWEST { " (not enough to judge it by)" } else { "" };
        let over = if e.overconfident { "; it promises too much" } else { "" };
        writeln!(
            desk.out,
            "Promises  {} of {}: {} of what is promised is to be expected, by {} measured, {} of which missed their interval{over}{few}",
            worth.kind.as_str(),
            e.measure.words(),
            percent(Some(e.realises)),
            count(e.sample_size),
            count(e.missed),
        )?;
    }
    writeln!(desk.out, "Spent     {} in {} runs", usd(Some(record.spent_usd)), count(record.runs))?;
    for run in &record.last_runs {
        let did = match &run.refused {
            Some(why) => format!("refused: {}", visible::one_line(why)),
            None => format!("{} findings, {} proposed, {} applied", run.findings, run.proposed, run.applied),
        };
        writeln!(desk.out, "Run {:<5} {}  {did}", run.id, visible::one_line(&run.at))?;
    }
    Ok(())
}

/// `3 of 8 (38% [12%, 70%])`, or that they are too few for a share.
fn share(share: Share) -> String {
    let Share { count: k, sample_size: n, interval } = share;
    match interval {
        Some(interval) => {
            format!(
                "{} of {} ({} {})",
                count(k),
                count(n),
                percent(Some(k as f64 / n as f64)),
                percents(interval)
            )
        }
        None => format!("{} of {} (not enough for a share)", count(k), count(n)),
    }
}
