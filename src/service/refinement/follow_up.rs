//! What came of what was applied, and what became of what waits on a base that is active no more.

use serde_json::json;

use super::desk::Desk;
use super::docketed::{Docketed, Ready, proposed};
use crate::domain::call::HOUR_MS;
use crate::domain::outcome::Judgement;
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Grounds, Kind, Proposal, Standing};
use crate::domain::run::{Did, Run, Step};
use crate::domain::settled::Settled;
use crate::engine::outcome::HORIZON;
use crate::engine::rebase::rebase;
use crate::service::Service;
use crate::service::error::Result;
use crate::service::proposals::Came;
use crate::store::canary::{Canary, End};
use crate::store::decide::Moved;
use crate::store::proposals::{Filter, Kept};

/// What came of what was applied, and what became of what waits on a base that is active no more.
pub fn follow_up(
    service: &Service,
    desk: &Desk<'_>,
    run: &mut Run,
    docketed: &mut Docketed,
    covers: &dyn Fn(&PromptUri) -> bool,
) -> Result<()> {
    let proposals = desk.reader.proposals();
    for kept in proposals.list(&Filter::default(), desk.now)? {
        let (id, uri) = (kept.proposal.id, kept.proposal.prompt_uri.clone());
        if !covers(&uri) {
            continue;
        }
        let step = |cause: &str, found: String, did| Step {
            prompt_uri: uri.clone(),
            cause: cause.to_owned(),
            found,
            did,
        };
        match kept.standing {
            Standing::Accepted | Standing::AutoApplied if proposals.outcome(id)?.is_none() => {
                let canary = desk.reader.canary(id)?;
                // Whoever ended it by hand has judged.
                if canary.as_ref().is_some_and(|canary| !canary.is_running()) {
                    continue;
                }
                run.looked.outcomes += 1;
                let came = service.came_of(id, desk.now)?;
                let judgement = came.outcome.judgement;
                let words = format!("{id}: {}, {}", judgement.as_str(), came.outcome.label);
                if let Some(canary) = canary {
                    let did = conclude(desk, &kept, &canary, came, run.steps.len(), docketed);
                    run.steps.push(step("canary", words, did));
                    continue;
                }
                if matches!(judgement, Judgement::Running | Judgement::Insufficient) {
                    run.steps.push(step(
                        "outcome",
                        words,
                        Did::Left { why: "the outcome is not settled yet".into() },
                    ));
                    continue;
                }
                let settled = Settled {
                    old_version: came.outcome.old_version.clone(),
                    new_version: came.outcome.new_version.clone(),
                    judgement,
                    effects: came.effects,
                };
                docketed.settled.push((run.steps.len(), id, settled));
                run.steps.push(step("outcome", words.clone(), Did::Settled { proposal: id }));
                if came.outcome.suggest_rollback {
                    back(desk, &kept, words, run, docketed)?;
                }
            }
            standing if standing.is_open() => {
                if let Some(active) = desk.moved_on(&kept) {
                    run.looked.moved += 1;
                    let moved = moved(desk, &kept, &active)?;
                    let found = format!("{id} is for {}, and {active} is active", kept.proposal.base_version);
                    docketed.moved.push((run.steps.len(), id, moved));
                    run.steps.push(step("base", found, Did::Stale { proposal: id }));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// The stop rule of a canary: it is stopped where it regressed, and promoted where it did not by the time that it was
/// given. Core is left to a steward's second signature.
fn conclude(
    desk: &Desk<'_>,
    kept: &Kept,
    canary: &Canary,
    came: Came,
    step: usize,
    docketed: &mut Docketed,
) -> Did {
    let (id, judgement) = (kept.proposal.id, came.outcome.judgement);
    let is_over = (desk.now - canary.since) / HOUR_MS > i64::from(HORIZON);
    let how = match judgement {
        Judgement::Regressed => End::Stop,
        Judgement::Running | Judgement::Insufficient if !is_over => {
            return Did::Left { why: "the canary goes on".into() };
        }
        _ if kept.proposal.prompt_uri.scope() == Scope::Core => {
            return Did::Left {
                why: format!(
                    "a core prompt is promoted by a steward: `human prompts proposals accept {id}` again"
                ),
            };
        }
        _ => End::Promote,
    };
    let settled = Settled {
        old_version: came.outcome.old_version,
        new_version: came.outcome.new_version.clone(),
        judgement,
        effects: came.effects,
    };
    docketed.canaries.push((step, id, how, settled));
    let (proposal, version) = (id, came.outcome.new_version);
    match how {
        End::Promote => Did::Promoted { proposal, version },
        End::Stop => Did::Stopped { proposal, version },
    }
}

/// A proposal to go back from a change that regressed.
fn back(desk: &Desk<'_>, kept: &Kept, found: String, run: &mut Run, docketed: &mut Docketed) -> Result<()> {
    let uri = &kept.proposal.prompt_uri;
    let published = desk.catalog.published.get(uri);
    let (Some(active), Some(version)) = (published.and_then(|p| p.active.clone()), &kept.version) else {
        return Ok(());
    };
    let mut step = Step {
        prompt_uri: uri.at(active.clone()),
        cause: "outcome".into(),
        found: found.clone(),
        did: Did::Left { why: format!("{version} is active no more") },
    };
    if active == *version {
        let to = kept.proposal.base_version.clone();
        let file = desk.reader.file(uri, &to)?;
        let (kind, title) = (Kind::Rollback, format!("Roll back to {to}: {version} regressed"));
        let risk = desk.risk(uri, &desk.reader.file(uri, &active)?, &file, kind);
        let proposal = Proposal {
            to_version: Some(to),
            ..desk.proposal(
                uri,
                kind,
                &file,
                title,
                found,
                risk,
                Grounds {
                    cause: "outcome".into(),
                    window: [desk.window.start(), desk.window.end()],
                    found: json!({ "proposal": kept.proposal.id, "version": version }),
                    feedback: Vec::new(),
                    cases: None,
                },
            )
        };
        let proposal = Proposal { base_version: active, ..proposal };
        step.did = proposed(&proposal);
        docketed.ready.push(Ready { step: run.steps.len(), proposal });
    }
    run.steps.push(step);
    Ok(())
}

fn moved(desk: &Desk<'_>, kept: &Kept, active: &semver::Version) -> Result<Option<Moved>> {
    let Proposal { prompt_uri: uri, base_version, text, kind, .. } = &kept.proposal;
    if *kind == Kind::Rollback {
        return Ok(None);
    }
    let (base, now) = (desk.reader.file(uri, base_version)?, desk.reader.file(uri, active)?);
    let Some(text) = rebase(base.text(), text, now.text()) else { return Ok(None) };
    let Ok(file) = PromptFile::parse("the proposal", text.as_bytes()) else { return Ok(None) };
    if file.same_but_version(&now) {
        return Ok(None);
    }
    let risk = desk.risk(uri, &now, &file, *kind);
    Ok(Some(Moved { base_version: active.clone(), text, risk, run: None }))
}
