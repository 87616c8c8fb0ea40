//! What came of what was applied, and what became of what waits on a base that is active no more.

use std::fmt::Write as _;

use serde_json::json;

use super::desk::Desk;
use super::docketed::{Concluded, Docketed, Ready, proposed};
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::outcome::{Guard, Judgement};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Grounds, Kind, Proposal, Standing};
use crate::domain::run::{Did, Run, Step};
use crate::domain::settled::{Measured, Settled};
use crate::domain::window::time;
use crate::engine::govern::{Act, Bench, Matter, Refusal, govern};
use crate::engine::outcome::{HORIZON, ROLLBACK_UNITS, is_thin, words};
use crate::engine::predict;
use crate::engine::rebase::rebase;
use crate::engine::seal::Pen;
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
    pen: &Pen,
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
                run.looked.outcomes += 1;
                let canary = desk.reader.canary(id)?;
                let came = service.came_of_read(desk.reader, desk.catalog, &desk.settled, id, desk.now)?;
                let judgement = came.outcome.judgement;
                let mut words = format!("{id}: {}, {}", judgement.as_str(), came.outcome.label);
                for guard in &came.outcome.guards {
                    let _ = write!(words, "; {}", guard.words());
                }
                match canary {
                    Some(Canary { ended: Some((how, at)), .. }) => {
                        by_hand(desk, &kept, (how, at), came, run, docketed)?;
                        continue;
                    }
                    Some(canary) => {
                        let refusal = promotion(desk, pen, &kept)?;
                        let did = conclude(&kept, &canary, came, refusal, run.steps.len(), docketed);
                        run.steps.push(step("canary", words, did));
                        continue;
                    }
                    None => {}
                }
                // What nobody says anything of is settled as that in the end: its prompt is not held up for ever.
                let window = came.outcome.window.0;
                let is_over = window.to_ms - window.from_ms >= i64::from(HORIZON) * HOUR_MS;
                if judgement == Judgement::Running || judgement == Judgement::Insufficient && !is_over {
                    run.steps.push(step(
                        "outcome",
                        words,
                        Did::Left { why: "the outcome is not settled yet".into() },
                    ));
                    continue;
                }
                let settled = Settled::of(came.outcome, came.effects);
                docketed.settled.push((run.steps.len(), id, settled.clone()));
                run.steps.push(step("outcome", words.clone(), Did::Settled { proposal: id }));
                if settled.judgement == Judgement::Regressed {
                    back(desk, &kept, &settled, &words, run, docketed)?;
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

/// Why the agent may not promote a canary, as it is asked again where it does: core never, without the scope neither.
fn promotion(desk: &Desk<'_>, pen: &Pen, kept: &Kept) -> Result<Option<Refusal>> {
    let Proposal { prompt_uri: uri, base_version, .. } = &kept.proposal;
    let consent = desk.reader.file(uri, base_version)?.consent;
    let matter = Matter { prompt: Some(uri), consent, ..Matter::NOTHING };
    let trust = desk.reader.trust()?;
    Ok(govern(Act::Promote, &trust.actor(Some(pen)), &matter, &Bench::ONE, desk.now).err())
}

/// The stop rule of a canary: it is stopped where it regressed or more of its calls fail, and promoted where nothing
/// speaks against it in the time that it was given. What the agent may not promote, and what chance alone did not
/// compare, is left to the stewards; what it applied itself and next to nobody was served is stopped.
fn conclude(
    kept: &Kept,
    canary: &Canary,
    came: Came,
    refusal: Option<Refusal>,
    step: usize,
    docketed: &mut Docketed,
) -> Did {
    let (id, judgement) = (kept.proposal.id, came.outcome.judgement);
    let raised = |guard| came.outcome.guards.contains(&guard);
    // From the first whole hour on, as it is judged.
    let from = -(-canary.since).div_euclid(HOUR_MS) * HOUR_MS;
    let is_over = came.outcome.window.0.to_ms - from >= i64::from(HORIZON) * HOUR_MS;
    let open = matches!(judgement, Judgement::Running | Judgement::Insufficient | Judgement::Inconclusive);
    let evidence = &came.outcome.negative;
    let mut why = format!(
        "{}, by {} evidence units of it and {} of {} beside it",
        if open { Judgement::Inconclusive.as_str() } else { judgement.as_str() },
        evidence.new_units,
        evidence.old_units,
        came.outcome.old_version
    );
    if open && is_over {
        why = format!("{} days are over, and it is {why}", HORIZON / 24);
    }
    let obstacle = if raised(Guard::SplitMismatch) {
        Some(format!(
            "{}, so that it is not chance alone who is served which version",
            Guard::SplitMismatch.words()
        ))
    } else {
        refusal.map(|refusal| refusal.to_string())
    };
    let how = match (judgement, obstacle) {
        (Judgement::Regressed, _) => End::Stop,
        _ if raised(Guard::MoreErrors) => {
            let odds = words::odds(&came.outcome.errors).unwrap_or_default();
            why = format!("{} (odds {odds}); {why}", Guard::MoreErrors.words());
            End::Stop
        }
        _ if open && !is_over => return Did::Left { why: "the canary goes on".into() },
        (Judgement::Insufficient, _) if kept.standing == Standing::AutoApplied => {
            why += ": too little for what no steward has looked at";
            End::Stop
        }
        (_, Some(obstacle)) => {
            return Did::Left {
                why: format!(
                    "{why}. {obstacle}. Its canary is promoted by stewards (`human prompts proposals accept {id}` again) \
                     or ended by one (`human prompts rollback {} --reason TEXT`), and goes on until then",
                    kept.proposal.prompt_uri
                ),
            };
        }
        _ => {
            if open {
                why += ": nothing speaks against what was accepted";
            }
            End::Promote
        }
    };
    let (proposal, version) = (id, came.outcome.new_version.clone());
    let settled = Settled::of(came.outcome, came.effects);
    docketed.canaries.push(Concluded { step, proposal, how, why, settled });
    match how {
        End::Promote => Did::Promoted { proposal, version },
        End::Stop => Did::Stopped { proposal, version },
    }
}

/// A canary that somebody ended: what it had shown by then is its proposal's outcome.
fn by_hand(
    desk: &Desk<'_>,
    kept: &Kept,
    (how, at): (End, Millis),
    came: Came,
    run: &mut Run,
    docketed: &mut Docketed,
) -> Result<()> {
    let id = kept.proposal.id;
    let settled = Settled::of(came.outcome, came.effects);
    let how_it_ended = match how {
        End::Promote => "made active for all",
        End::Stop => "stopped",
    };
    let found = format!(
        "{id}: {}; its canary was {how_it_ended} by hand at {}",
        settled.judgement.as_str(),
        time(at)
    );
    docketed.settled.push((run.steps.len(), id, settled.clone()));
    run.steps.push(Step {
        prompt_uri: kept.proposal.prompt_uri.clone(),
        cause: "canary".into(),
        found: found.clone(),
        did: Did::Settled { proposal: id },
    });
    if settled.judgement == Judgement::Regressed && how == End::Promote {
        back(desk, kept, &settled, &found, run, docketed)?;
    }
    Ok(())
}

/// A proposal to go back from a change that regressed, however little that rests on: a person decides.
fn back(
    desk: &Desk<'_>,
    kept: &Kept,
    settled: &Settled,
    found: &str,
    run: &mut Run,
    docketed: &mut Docketed,
) -> Result<()> {
    let uri = &kept.proposal.prompt_uri;
    let published = desk.catalog.published.get(uri);
    let (Some(active), Some(version)) = (published.and_then(|p| p.active.clone()), &kept.version) else {
        return Ok(());
    };
    let mut step = Step {
        prompt_uri: uri.at(active.clone()),
        cause: "outcome".into(),
        found: found.to_owned(),
        did: Did::Left { why: format!("{version} is active no more") },
    };
    if active == *version {
        let to = kept.proposal.base_version.clone();
        let file = desk.reader.file(uri, &to)?;
        let (kind, title) = (Kind::Rollback, format!("Roll back to {to}: {version} regressed"));
        let risk = desk.risk(uri, &desk.reader.file(uri, &active)?, &file, kind);
        let predicted = settled.measured.as_ref().and_then(|measured| predict::back(&measured.negative));
        let promise = if predicted.is_some() {
            format!(
                "Promises to undo what {version} did to the odds of a negative signal, as far as it was measured."
            )
        } else {
            format!("No effect is predicted: how much worse {version} is was not measured.")
        };
        let proposal = Proposal {
            to_version: Some(to),
            predicted: predicted.into_iter().collect(),
            ..desk.proposal(
                uri,
                kind,
                &file,
                title,
                format!("{}\n\n{promise}", rationale(found, settled)),
                risk,
                Grounds {
                    cause: "outcome".into(),
                    window: [desk.window.start(), desk.window.end()],
                    found: json!({
                        "proposal": kept.proposal.id, "version": version, "oldVersion": settled.old_version,
                        "measured": settled.measured,
                    }),
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

/// Why to go back, and how much that is worth.
fn rationale(found: &str, settled: &Settled) -> String {
    let Some(Measured { basis, negative, .. }) = &settled.measured else { return found.to_owned() };
    let evidence = words::evidence(*basis, negative);
    if !is_thin(*basis, negative) {
        return format!("{found}; {evidence}");
    }
    format!(
        "{found}; {evidence}. The evidence is thin: {} units of feedback are from before the change, and a rollback is \
         suggested from {ROLLBACK_UNITS} on; the difference may be chance",
        negative.old_units
    )
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
