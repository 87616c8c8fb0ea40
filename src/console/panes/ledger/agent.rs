//! The agent: who it is, what it may do and until when, when it runs, and what its promises were worth.

use super::super::View;
use super::LedgerPane;
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::moment;
use crate::console::widgets::flow::Flow;
use crate::domain::call::Millis;
use crate::domain::window::instant;
use crate::engine::number::{count, duration, percent, percents, usd};
use crate::service::agent_record::{AgentRecord, FEWEST, Share};
use crate::theme::{Glyph, Role};

/// Lines that it may have at most, for scrolling.
pub(super) const LINES: usize = 200;
/// A day, ms.
const DAY: Millis = 86_400_000;
/// Days before its end from which a grant is pointed at.
const SOON: Millis = 7;

/// All of it.
pub(super) fn whole(pane: &LedgerPane, canvas: &Canvas<'_>, width: u16, view: &View<'_>) -> Flow {
    let mut flow = Flow::default();
    let Some(state) = pane.agent.value() else { return flow };
    let Some(agent) = &state.agent else {
        flow.words("No agent has a grant", Role::Strong, width);
        flow.words("", Role::Text, width);
        let how = "A steward lets it look and propose: `human agent grant --scope \
                   telemetry:read,prompts:read,proposals:write --expires 30d`.";
        flow.words(how, Role::Muted, width);
        return flow;
    };
    flow.words(agent, Role::Strong, width);
    for (i, line) in state.grant.iter().enumerate() {
        if i == 0 {
            let (role, line) = standing(canvas, line, view.now);
            flow.words(&line, role, width);
        } else {
            flow.words(line, Role::Text, width);
        }
    }
    flow.words("", Role::Text, width);
    flow.words("Schedule", Role::Heading, width);
    let every = if let Some(every) = pane.every {
        format!("every {} while a console is open that may write", duration(Some(every.as_millis() as f64)))
    } else {
        let run = view.key(Action::RunNow);
        format!(
            "none here: {run} lets it run now; `every_hours` under [agent] and `human agent run` let it run by itself"
        )
    };
    flow.words(&every, Role::Text, width);
    if let Some(next) = view.next_run {
        let left = duration(Some((next - view.now).max(0) as f64));
        flow.words(&format!("next run {}, in {left}", moment::whole(next)), Role::Text, width);
    }
    if let Some((_, run)) = pane.runs().first() {
        flow.words(&format!("last run {}", moment::of(&run.at, moment::whole)), Role::Muted, width);
    }
    if let Some(record) = &state.record {
        recorded(&mut flow, record, width);
    }
    flow
}

/// The grant's first line, with the days that are left of it.
fn standing(canvas: &Canvas<'_>, line: &str, now: Millis) -> (Role, String) {
    let (word, at) = line.split_once(' ').unwrap_or((line, ""));
    let at = instant(at);
    let line = at.as_ref().map_or(line.to_owned(), |at| format!("{word} {}", moment::whole(*at)));
    let Some(at) = at.ok().filter(|_| word == "until") else {
        return (Role::Caution, format!("{} {line}", canvas.glyph(Glyph::Caution)));
    };
    let left = (at - now).max(0) / DAY;
    let days = match left {
        0 => "less than a day left".to_owned(),
        1 => "1 day left".to_owned(),
        n => format!("{n} days left"),
    };
    if left < SOON {
        let mark = canvas.glyph(Glyph::Caution);
        return (Role::Caution, format!("{mark} {line}: {days}; `human agent grant` grants it anew"));
    }
    (Role::Good, format!("{} {line}: {days}", canvas.glyph(Glyph::Good)))
}

/// What it has to show for itself.
fn recorded(flow: &mut Flow, record: &AgentRecord, width: u16) {
    flow.words("", Role::Text, width);
    flow.words("What became of what it proposed", Role::Heading, width);
    let mut say = |role, words: String| {
        flow.words(&words, role, width);
    };
    say(Role::Text, format!("{} proposed, {} of them wait", count(record.proposed), count(record.waiting)));
    say(Role::Text, format!("accepted by stewards: {}", share(record.accepted)));
    say(Role::Text, format!("applied by itself: {}", count(record.auto_applied)));
    say(Role::Text, format!("taken back: {}", share(record.reverted)));
    let outcomes: Vec<String> = record
        .outcomes
        .iter()
        .map(|(judgement, n)| format!("{} {}", count(*n), judgement.as_str()))
        .collect();
    let outcomes = if outcomes.is_empty() { "none settled yet".to_owned() } else { outcomes.join(", ") };
    say(Role::Text, format!("outcomes: {outcomes}"));
    say(Role::Text, String::new());
    say(Role::Heading, "Promised against realised".to_owned());
    if record.calibration.is_empty() {
        say(
            Role::Insufficient,
            "Not enough evidence: nothing that it promised has been measured yet".to_owned(),
        );
    }
    for worth in &record.calibration {
        let e = &worth.expectation;
        let few = e.sample_size < FEWEST;
        let role = if few {
            Role::Insufficient
        } else if e.overconfident {
            Role::Caution
        } else {
            Role::Text
        };
        let judged = match (few, e.overconfident) {
            (true, _) => "; not enough evidence to judge it by",
            (false, true) => "; it promises too much",
            (false, false) => "",
        };
        let words = format!(
            "{} changes, {}: {} of what is promised comes, by {} measured, {} of which missed their interval{judged}",
            worth.kind.as_str(),
            e.measure.words(),
            percent(Some(e.realises)),
            count(e.sample_size),
            count(e.missed),
        );
        say(role, words);
    }
    say(Role::Text, String::new());
    say(Role::Heading, "Spent on drafting".to_owned());
    say(Role::Text, format!("{} in {} runs", usd(Some(record.spent_usd)), count(record.runs)));
}

/// `3 of 8 (38% [12%, 70%])`, or that they are too few for a share.
fn share(share: Share) -> String {
    let Share { count: k, sample_size: n, interval } = share;
    match interval {
        Some(interval) => {
            let part = percent(Some(k as f64 / n as f64));
            format!("{} of {} ({part} {})", count(k), count(n), percents(interval))
        }
        None => format!("{} of {} (not enough evidence for a share)", count(k), count(n)),
    }
}
