//! What stands beside a difference: why, on what evidence, what it promises, what can go wrong, who is served, what was
//! decided before. Words only; both the queue and the review show them.

use std::sync::Arc;

use crate::console::message::Loaded;
use crate::console::moment;
use crate::console::out::{Open, Then};
use crate::console::query::{QueueLine, Reviewed};
use crate::console::widgets::flow::Flow;
use crate::domain::outcome::Expectation;
use crate::domain::proposal::{ProposalId, RiskLevel};
use crate::engine::number::{count, usd};
use crate::engine::outcome::words as outcome;
use crate::service::proposals::{Came, Shown};
use crate::theme::Role;

/// Ids of feedback that are listed before the rest is counted.
const FEEDBACK: usize = 5;

/// How risk looks.
pub const fn risk_role(level: RiskLevel) -> Role {
    match level {
        RiskLevel::Low => Role::Good,
        RiskLevel::Medium => Role::Caution,
        RiskLevel::High => Role::Bad,
    }
}

/// What fits beside the queue: title, consequence, the gist of everything.
pub fn brief(reviewed: &Reviewed, width: u16) -> Flow {
    let mut flow = Flow::default();
    let shown = &reviewed.shown;
    let proposal = &shown.listed.proposal;
    flow.words(&proposal.title, Role::Strong, width);
    flow.words(&consequence(shown), Role::Muted, width);
    if let Some(first) = proposal.risk.reasons.first() {
        let level = first.level;
        flow.words(&format!("{} risk: {}", level.as_str(), first.text), risk_role(level), width);
    }
    for line in evidence(shown).into_iter().take(2) {
        flow.words(&line, Role::Text, width);
    }
    for expectation in &shown.expectations {
        flow.words(&promise(expectation), Role::Info, width);
    }
    flow
}

/// Whether it was applied, to all or to a share: something came of it, or will.
pub fn is_applied(shown: &Shown) -> bool {
    matches!(shown.listed.status, "accepted" | "auto-applied") || shown.listed.canary.is_some()
}

/// What came of it: what the evidence says, each promise beside what was measured, and what that was settled as.
fn realised(flow: &mut Flow, came: &Loaded<Arc<Came>>, width: u16) {
    section(flow, "What came of it", width);
    match (came.value(), came.fault()) {
        (Some(came), _) => {
            item(flow, &outcome::line(&came.outcome), Role::Text, width);
            for effect in &came.effects {
                item(flow, &outcome::realised(effect), Role::Text, width);
            }
            if let Some(settled) = &came.settled {
                item(flow, &format!("settled: {}", settled.judgement.as_str()), Role::Strong, width);
            }
        }
        (None, Some(fault)) => item(flow, &format!("not known: {}", fault.text), Role::Bad, width),
        (None, None) => item(flow, "being measured", Role::Faint, width),
    }
}

/// All of it.
pub fn whole(reviewed: &Reviewed, came: &Loaded<Arc<Came>>, width: u16) -> Flow {
    let mut flow = Flow::default();
    let shown = &reviewed.shown;
    let proposal = &shown.listed.proposal;
    flow.words(&proposal.title, Role::Strong, width);
    flow.words(&consequence(shown), Role::Muted, width);
    if let Some(why) = &shown.obstacle {
        flow.words(&format!("Cannot be accepted: {why}"), Role::Bad, width);
    }
    if let Some(canary) = &shown.listed.canary {
        let state = if canary.is_running() { "runs" } else { "has ended" };
        let share = canary.share * 100.0;
        flow.words(&format!("Its canary, {share:.0} % of the sessions, {state}"), Role::Info, width);
    }
    if is_applied(shown) {
        realised(&mut flow, came, width);
    }
    section(&mut flow, "Risk", width);
    let level = proposal.risk.level;
    flow.words(level.as_str(), risk_role(level), width);
    for reason in &proposal.risk.reasons {
        item(&mut flow, &format!("{}: {}", reason.level.as_str(), reason.text), Role::Text, width);
    }
    section(&mut flow, "Evidence", width);
    for line in evidence(shown) {
        item(&mut flow, &line, Role::Text, width);
    }
    section(&mut flow, "Promises", width);
    if shown.expectations.is_empty() {
        flow.words("none", Role::Muted, width);
    }
    for expectation in &shown.expectations {
        item(&mut flow, &promise(expectation), Role::Text, width);
    }
    section(&mut flow, "Usage", width);
    let calls = count(proposal.usage.calls_per_day.max(0.0).round() as u64);
    item(&mut flow, &format!("{calls} calls a day"), Role::Text, width);
    for uri in &proposal.usage.extended_by {
        item(&mut flow, &format!("extended by {uri}"), Role::Text, width);
    }
    section(&mut flow, "Drafted", width);
    let run = proposal.run.map(|run| format!(", in run {run}")).unwrap_or_default();
    let cost = if proposal.drafting_cost_usd > 0.0 {
        format!(", for {}", usd(Some(proposal.drafting_cost_usd)))
    } else {
        String::new()
    };
    item(
        &mut flow,
        &format!("{}, {}{run}{cost}", moment::whole(proposal.created_at), proposal.drafted_by),
        Role::Text,
        width,
    );
    let signed = &shown.listed.signatures;
    let by: Vec<String> = signed.by.iter().map(ToString::to_string).collect();
    let by = if by.is_empty() { String::new() } else { format!(": {}", by.join(", ")) };
    item(&mut flow, &format!("signatures {} of {}{by}", signed.by.len(), signed.needed), Role::Text, width);
    section(&mut flow, "Why", width);
    for line in proposal.rationale.lines() {
        flow.words(line, Role::Text, width);
    }
    section(&mut flow, "History", width);
    for event in &shown.history {
        let words = event.words().map(|words| format!(": {words}")).unwrap_or_default();
        let line = format!(
            "{} {} by {}{words}",
            moment::of(&event.entry.at, moment::short),
            event.entry.action,
            event.entry.actor
        );
        item(&mut flow, &line, Role::Muted, width);
    }
    if !shown.past.is_empty() {
        section(&mut flow, "Decided before on this prompt", width);
        for past in &shown.past {
            let words = past.words.as_deref().map(|words| format!(": {words}")).unwrap_or_default();
            let line = format!("{} {}: {} by {}{words}", past.id, past.title, past.status, past.by);
            item(&mut flow, &line, Role::Muted, width);
        }
    }
    flow.words("", Role::Text, width);
    flow.words(&format!("evidence {}", proposal.evidence_digest), Role::Faint, width);
    flow.words(&format!("text {}", shown.digest), Role::Faint, width);
    flow
}

fn section(flow: &mut Flow, title: &str, width: u16) {
    flow.words("", Role::Text, width);
    flow.words(title, Role::Heading, width);
}

fn item(flow: &mut Flow, line: &str, role: Role, width: u16) {
    let line = format!("- {line}");
    flow.words(&line, role, width);
}

/// What accepting does.
fn consequence(shown: &Shown) -> String {
    let base = &shown.listed.proposal.base_version;
    match &shown.publishes {
        Some(publishes) => {
            let what = if shown.listed.proposal.to_version.is_some() { "goes back to" } else { "publishes" };
            let version = publishes.uri.version.as_ref().map(ToString::to_string).unwrap_or_default();
            format!("{what} {version} ({} changed) after {base}", publishes.change)
        }
        None => format!("{} on {base}", shown.listed.status),
    }
}

/// What was found, in sentences.
fn evidence(shown: &Shown) -> Vec<String> {
    let grounds = &shown.listed.proposal.evidence;
    let [from, to] = &grounds.window;
    let day = |text: &String| text.get(..10).unwrap_or(text).to_owned();
    let mut lines = vec![format!("{}, {} to {}", grounds.cause, day(from), day(to))];
    lines.extend(crate::engine::grounds::sentences(grounds));
    if !grounds.feedback.is_empty() {
        let more = grounds.feedback.len().saturating_sub(FEEDBACK);
        let ids = grounds.feedback.iter().take(FEEDBACK).cloned().collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        lines.push(format!("feedback {ids}{more}"));
    }
    lines
}

fn promise(expectation: &Expectation) -> String {
    expectation.to_string()
}

/// Reasons of earlier rejections of the same prompt, the newest first.
pub fn recent(shown: &Shown, most: usize) -> Vec<String> {
    let mut reasons: Vec<String> = Vec::new();
    for past in shown.past.iter().filter(|past| past.status == "rejected") {
        if let Some(words) = &past.words
            && !reasons.contains(words)
            && reasons.len() < most
        {
            reasons.push(words.clone());
        }
    }
    reasons
}

/// Asks why these are rejected.
pub fn reject(ids: &[ProposalId], lines: &[&QueueLine], recent: Vec<String>) -> Open {
    let title = match ids {
        [one] => format!("Reject {one}"),
        many => format!("Reject {} proposals", many.len()),
    };
    let mut said: Vec<String> =
        lines.iter().take(6).map(|line| format!("{} {}", line.id, line.title)).collect();
    if lines.len() > 6 {
        said.push(format!("and {} more", lines.len() - 6));
    }
    said.push("The reason binds later drafts: what is alike is not proposed again.".to_owned());
    let usual = ["breaks downstream parsing", "changes the meaning", "too little evidence", "not now"];
    let mut recent = recent;
    recent.extend(
        usual.into_iter().map(ToOwned::to_owned).filter(|usual| !recent.contains(usual)).collect::<Vec<_>>(),
    );
    Open::Reason { title, lines: said, recent, then: Then::Reject(ids.to_vec()) }
}
