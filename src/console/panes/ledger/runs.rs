//! The agent's runs: how many findings, what was proposed, what was spent; and one run step by step, with its reasons.

use ratatui::layout::Rect;

use super::super::View;
use super::LedgerPane;
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::moment;
use crate::console::widgets::flow::Flow;
use crate::console::widgets::said::said;
use crate::console::widgets::table::{Column, Table, Width};
use crate::domain::run::{Did, Looked, Run, Spent};
use crate::engine::number::{count, usd};
use crate::theme::Role;

/// Columns of the list.
const COLUMNS: [Column<'static>; 7] = [
    Column::numbers("RUN", 5, 8),
    Column::words("WHEN", Width::Fixed(11), 7),
    Column::numbers("FOUND", 5, 6),
    Column::numbers("PROPOSED", 8, 5),
    Column::numbers("APPLIED", 7, 3),
    Column::numbers("SPENT", 8, 4),
    Column::words("", Width::Flex(8), 1),
];

/// Draws the list.
pub(super) fn draw(pane: &LedgerPane, canvas: &mut Canvas<'_>, area: Rect, active: bool, view: &View<'_>) {
    if pane.run_count() == 0 {
        let look = format!("{} lets it look and write nothing", view.key(Action::DryRun));
        return said(canvas, area, Role::Text, &["The agent has not run yet", &look]);
    }
    let table = Table {
        id: ListId::Runs,
        columns: &COLUMNS,
        state: &pane.run_list,
        len: pane.run_count(),
        sort: None,
        focused: active,
        dimmed: pane.agent.fault().is_some(),
    };
    table.draw(canvas, area, |i, row| {
        let Some((id, run)) = pane.run_at(i) else { return };
        row.put(Role::Muted, &id.map_or("dry".to_owned(), |id| id.to_string()));
        row.put(Role::Text, &moment::of(&run.at, moment::short));
        let (proposed, applied) = made(run);
        for n in [run.looked.findings, proposed, applied] {
            row.put(if n == 0 { Role::Faint } else { Role::Text }, &count(n));
        }
        row.put(Role::Muted, &usd(Some(run.spent.usd)));
        match &run.refused {
            Some(why) => row.put(Role::Caution, &format!("refused: {why}")),
            None => row.skip(),
        }
    });
}

/// Proposals that wait or waited, and those that it applied.
fn made(run: &Run) -> (u64, u64) {
    let number = |fits: fn(&Did) -> bool| run.steps.iter().filter(|step| fits(&step.did)).count() as u64;
    (number(|did| matches!(did, Did::Proposed { .. })), number(|did| matches!(did, Did::Applied { .. })))
}

/// What the detail is called.
pub(super) fn title(pane: &LedgerPane) -> String {
    match pane.selected_run() {
        Some((Some(id), _)) => format!("Run {id}"),
        Some((None, _)) => "Dry run: nothing was written".to_owned(),
        None => "Run".to_owned(),
    }
}

/// The selected run, whole.
pub(super) fn whole(pane: &LedgerPane, width: u16) -> Flow {
    let mut flow = Flow::default();
    let Some((_, run)) = pane.selected_run() else { return flow };
    let [from, to] = [&run.window[0], &run.window[1]].map(|at| moment::of(at, moment::whole));
    flow.words(&format!("{}  {}", moment::of(&run.at, moment::whole), run.agent), Role::Strong, width);
    flow.words(&format!("evidence from {from} to {to}"), Role::Muted, width);
    if let Some(why) = &run.refused {
        flow.words("", Role::Text, width);
        flow.words(&format!("Refused: {why}"), Role::Caution, width);
        return flow;
    }
    let Looked { prompts, findings, elsewhere, watched, insufficient, outcomes, moved } = run.looked;
    let looked = format!(
        "Looked at {} prompts: {findings} findings, {watched} on the watch list, {insufficient} with too little evidence \
         for some detector, {outcomes} open outcomes, {moved} proposals whose base moved on.",
        count(prompts)
    );
    flow.words(&looked, Role::Text, width);
    if elsewhere > 0 {
        let words = format!("{elsewhere} more, of prompts that the grant does not cover, were left alone.");
        flow.words(&words, Role::Muted, width);
    }
    let Spent { calls, tokens, usd: spent } = run.spent;
    let spent = if let Some(why) = &run.without_model {
        format!("Drafted by rules: {why}.")
    } else if calls == 0 {
        "No model was asked.".to_owned()
    } else {
        format!("Spent on drafting: {} calls, {} tokens, {}.", count(calls), count(tokens), usd(Some(spent)))
    };
    flow.words(&spent, Role::Muted, width);
    if run.steps.is_empty() {
        flow.words("", Role::Text, width);
        flow.words("It did nothing: there was nothing to do.", Role::Text, width);
    }
    for step in &run.steps {
        flow.words("", Role::Text, width);
        flow.words(&format!("{}  {}", step.prompt_uri, step.cause), Role::Strong, width);
        flow.words(&format!("  {}", step.found), Role::Muted, width);
        flow.words(&format!("  {}", step.did), did_role(&step.did), width);
    }
    flow
}

fn did_role(did: &Did) -> Role {
    match did {
        Did::Applied { .. } | Did::Promoted { .. } => Role::Good,
        Did::Stopped { .. } | Did::Dropped { .. } => Role::Caution,
        Did::Left { .. } => Role::Muted,
        _ => Role::Text,
    }
}
