//! `proposals show` and `proposals outcome`: everything about one proposal, and what came of it.

use std::fmt::Write as _;
use std::io::Write as _;

use serde::Serialize;
use serde_json::Value;

use super::list::{canary, key_at, status};
use crate::cli::plain::shown;
use crate::cli::prompts::comparison;
use crate::cli::{Desk, Exit, Result};
use crate::domain::proposal::ProposalId;
use crate::domain::window::time;
use crate::engine::grounds::{fact, sentences};
use crate::engine::number::{count, usd};
use crate::engine::outcome::words;
use crate::engine::visible::visible;
use crate::service::now;
use crate::service::proposals::Shown;

/// Ids of feedback that are printed before the rest is counted.
const FEEDBACK: usize = 8;

pub fn show(id: ProposalId, desk: &mut Desk) -> Result<Exit> {
    let found = desk.reading()?.proposal(id, now())?;
    if desk.json {
        return document(&found, desk);
    }
    let page = desk.page();
    let head = page.wrap(&head(&found));
    desk.out.write_all(head.as_bytes())?;
    writeln!(desk.out, "\n{}", page.heading("Changes"))?;
    let diff = changes(&found, desk.colour);
    desk.out.write_all(diff.as_bytes())?;
    let tail = page.wrap(&tail(&found));
    desk.out.write_all(tail.as_bytes())?;
    Ok(Exit::Done)
}

/// The proposal with its difference as `prompts diff` gives it.
pub fn document(found: &Shown, desk: &mut Desk) -> Result<Exit> {
    #[derive(Serialize)]
    struct Document<'a> {
        #[serde(flatten)]
        shown: &'a Shown,
        diff: String,
    }
    desk.document(&Document { shown: found, diff: changes(found, false) })
}

/// The new text against the one that it changes.
pub fn changes(found: &Shown, colour: bool) -> String {
    let proposal = &found.listed.proposal;
    let base = proposal.prompt_uri.at(proposal.base_version.clone()).to_string();
    comparison((&base, &found.base_text), (&proposal.id.to_string(), &proposal.text), colour).1
}

fn head(found: &Shown) -> String {
    let proposal = &found.listed.proposal;
    let base = proposal.prompt_uri.at(proposal.base_version.clone());
    let mut out = format!("{}: {}\n{base}\n", proposal.id, shown(&proposal.title));
    let run = proposal.run.map(|run| format!(" in run {run}")).unwrap_or_default();
    let cost = match proposal.drafting_cost_usd {
        cost if cost > 0.0 => format!(", for {}", usd(Some(cost))),
        _ => String::new(),
    };
    let [from, to] = &proposal.evidence.window;
    let feedback = &proposal.evidence.feedback;
    let more = feedback.len().saturating_sub(FEEDBACK);
    let mut ids: Vec<String> = feedback.iter().take(FEEDBACK).map(|id| shown(id).into_owned()).collect();
    ids.extend((more > 0).then(|| format!("and {more} more")));
    let usage = &proposal.usage;
    let extended: Vec<String> = usage.extended_by.iter().map(ToString::to_string).collect();
    let extended =
        if extended.is_empty() { String::new() } else { format!("; extended by {}", extended.join(", ")) };
    let signed: Vec<String> = found.listed.signatures.by.iter().map(ToString::to_string).collect();
    let by = if signed.is_empty() { String::new() } else { format!(": {}", signed.join(", ")) };
    let accepting = match (&found.publishes, &found.obstacle) {
        (Some(publishes), _) => {
            let what = if proposal.to_version.is_some() { "goes back to" } else { "publishes" };
            format!("{what} {} ({} changed)", key_at(&publishes.uri), publishes.change)
        }
        (None, Some(obstacle)) => format!("not possible: {obstacle}"),
        (None, None) => String::new(),
    };
    for (label, value) in [
        ("status", status(&found.listed)),
        ("canary", found.listed.canary.as_ref().map(canary).unwrap_or_default()),
        ("kind", proposal.kind.as_str().to_owned()),
        ("proposed", format!("{}, {}{run}{cost}", time(proposal.created_at), proposal.drafted_by)),
        ("risk", proposal.risk.level.as_str().to_owned()),
        ("usage", format!("{} calls a day{extended}", count(usage.calls_per_day.max(0.0).round() as u64))),
        ("cause", format!("{}, {from} to {to}", proposal.evidence.cause)),
        ("feedback", ids.join(", ")),
        ("evidence", proposal.evidence_digest.clone()),
        ("digest", found.digest.to_string()),
        ("signatures", format!("{} of {}{by}", signed.len(), found.listed.signatures.needed)),
        ("accepting", accepting),
    ] {
        if !value.is_empty() {
            let _ = writeln!(out, "  {label:<11} {}", shown(&value));
        }
    }
    let reasons = proposal.risk.reasons.iter().map(|r| format!("{}: {}", r.level.as_str(), r.text));
    section(&mut out, "Risk", reasons);
    section(&mut out, "Evidence", sentences(&proposal.evidence).into_iter());
    section(&mut out, "Cases", proposal.evidence.cases.iter().flat_map(cases));
    section(&mut out, "Promises", found.expectations.iter().map(ToString::to_string));
    let rationale = visible(&proposal.rationale).into_owned();
    section(&mut out, "Why", rationale.lines().map(ToOwned::to_owned));
    out
}

fn tail(found: &Shown) -> String {
    let mut out = String::new();
    let said = |words: Option<&str>| words.map(|words| format!(": {words}")).unwrap_or_default();
    let history = found.history.iter().map(|event| {
        let entry = &event.entry;
        format!(
            "{} {} by {} (entry {}){}",
            entry.at,
            entry.action,
            entry.actor,
            entry.seq,
            said(event.words())
        )
    });
    section(&mut out, "History", history);
    let past = found.past.iter().map(|past| {
        format!("{} {}: {} by {}{}", past.id, past.title, past.status, past.by, said(past.words.as_deref()))
    });
    section(&mut out, "Other proposals for this prompt", past);
    out
}

/// A heading with lines under it, where there are any.
fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.collect();
    if !lines.is_empty() {
        let _ = writeln!(out, "\n{title}");
        for line in &lines {
            let _ = writeln!(out, "  {}", shown(line));
        }
    }
}

/// What the prompt's own cases say, or why they were not asked.
fn cases(found: &Value) -> Vec<String> {
    let (of, number) = (&found["of"], |key: &str| found[key].as_u64().unwrap_or_default());
    if let Some(why) = found["notRun"].as_str() {
        return vec![format!("{of} kept, not run: {why}")];
    }
    let percent = |i: usize| found["winShare"][i].as_f64().map_or(0, |share| (share * 100.0).round() as i64);
    let verdict = match found["verdict"].as_str() {
        Some("regressed") => "it regresses",
        Some("notWorse") => "it is not worse",
        _ => "too few to tell",
    };
    let mut lines = vec![
        format!(
            "{} won, {} lost, {} tied, of {} tried and {of} kept, by {}: {verdict}",
            number("wins"),
            number("losses"),
            number("ties"),
            number("tried"),
            fact(&found["model"])
        ),
        format!("wins [{}, {}] % of the {} that decide", percent(0), percent(1), number("sampleSize")),
    ];
    let listed = |key: &str| found[key].as_array().into_iter().flatten().map(fact).collect::<Vec<_>>();
    lines.extend(listed("lost").into_iter().map(|name| format!("lost: {name}")));
    lines.extend(listed("left"));
    lines
}

pub fn outcome(id: ProposalId, desk: &mut Desk) -> Result<Exit> {
    let came = desk.reading()?.came_of(id, now())?;
    if desk.json {
        return desk.document(&came);
    }
    writeln!(desk.out, "{}: {}", came.id, shown(&came.title))?;
    let page = desk.page();
    if let Some(tried) = &came.canary {
        let arms = (&came.outcome.tokens, &came.outcome.negative);
        writeln!(desk.out, "{}", page.wrap(&format!("Canary: {}", canary(tried))))?;
        writeln!(
            desk.out,
            "{}",
            page.wrap(&format!(
                "  {}: {} calls, {} units of feedback; {}: {} calls, {} units",
                came.outcome.old_version,
                arms.0.old_calls,
                arms.1.old_units,
                came.outcome.new_version,
                arms.0.new_calls,
                arms.1.new_units
            ))
        )?;
    }
    writeln!(desk.out, "{}", page.wrap(&words::line(&came.outcome)))?;
    for effect in &came.effects {
        writeln!(desk.out, "  {}", page.wrap(&words::realised(effect)))?;
    }
    if let Some(settled) = &came.settled {
        let judgement = serde_json::to_value(settled.judgement)?;
        writeln!(desk.out, "Settled: {}", judgement.as_str().unwrap_or_default())?;
    }
    Ok(Exit::Done)
}
