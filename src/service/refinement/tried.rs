//! A draft on the prompt's own cases: which are tried, and what is said of it in the proposal.

use serde_json::{Value, json};

use super::desk::Desk;
use crate::agent::propose::Written;
use crate::agent::trial::{self, Trial};
use crate::domain::call::Call;
use crate::domain::cases::Case;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::Kind;
use crate::engine::cases::CasesVerdict;
use crate::engine::compose;
use crate::engine::visible::one_line;
use crate::llm::{Budget, Client};
use crate::service::error::Result;

/// Most cases that a run asks, over all its drafts: each costs two calls.
pub const MAX_CASES: usize = 40;

/// What the cases say of a draft.
#[derive(Default)]
pub struct Said {
    /// For the proposal's evidence; absent where the prompt has no cases.
    pub grounds: Option<Value>,
    /// Why it is not to be proposed, a sentence each.
    pub against: Vec<String>,
    /// How many cases were asked.
    pub asked: usize,
    /// The records of the calls.
    pub calls: Vec<Call>,
}

/// Tries a draft on the first `most` cases of its prompt.
pub fn tried(
    desk: &Desk<'_>,
    base: &PromptFile,
    written: &Written,
    model: Option<(&Client, &mut Budget<'_>)>,
    (id, agent): (&str, &str),
    most: usize,
) -> Result<Said> {
    let kept = desk.reader.cases(&base.uri.unversioned())?;
    if kept.is_empty() {
        return Ok(Said::default());
    }
    let not_run =
        |why: &str| Said { grounds: Some(json!({"of": kept.len(), "notRun": why})), ..Said::default() };
    let Some((client, budget)) = model else {
        return Ok(not_run("no model was there to answer ([llm] in the configuration)"));
    };
    if written.kind == Kind::Model {
        return Ok(not_run("the text stays; cases are answered by the model that is configured"));
    }
    let cases = &kept[..kept.len().min(most)];
    if cases.is_empty() {
        return Ok(not_run("the cases that a run may ask were asked for other drafts"));
    }
    let candidate = match written.file.with_version(&trial::version(base, &written.file)) {
        Ok(candidate) => candidate,
        Err(fault) => return Ok(not_run(&format!("the draft takes no version: {}", fault.what))),
    };
    let layers = [base.clone(), candidate].map(|top| compose::descend(top, &desk.active()));
    let [Ok(below), Ok(above)] = layers else {
        return Ok(not_run("what the prompt layers on is not there"));
    };
    let asked = Trial { base: &below, candidate: &above, cases, id: &format!("{id}/cases"), agent };
    Ok(said(&kept, client, trial::run(client, &asked, budget)))
}

fn said(kept: &[Case], client: &Client, came: trial::Came) -> Said {
    let trial::Came { comparison, tried, left, calls } = came;
    let cost: i64 = calls.iter().filter_map(|call| call.cost).sum();
    let mut against = Vec::new();
    if comparison.verdict == CasesVerdict::Regressed {
        against.push(format!(
            "it regresses on the prompt's cases: of {tried} tried it loses {} that the active version passes, and wins {}",
            comparison.losses, comparison.wins
        ));
        against.push(format!("lost: {}", one_line(&comparison.lost.join(", "))));
    }
    let mut grounds = json!(comparison);
    grounds["of"] = json!(kept.len());
    grounds["tried"] = json!(tried);
    grounds["model"] = json!(client.model());
    grounds["costUsd"] = json!(cost as f64 / 1e9);
    if !left.is_empty() {
        grounds["left"] = json!(left);
    }
    Said { grounds: Some(grounds), against, asked: tried + left.len(), calls }
}
