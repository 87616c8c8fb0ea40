//! A run of the Prompt Refinement Agent: from findings to proposals, and from decisions to what came of them.
//!
//! Reads and drafts first, which may take minutes, and writes the record of each call of a model as it ends; then writes
//! all that comes of it, proposals, applications, outcomes and the record of the run, in one transaction, or nothing. Start with [`Service::run_agent`].

mod by_steward;
mod capabilities;
mod desk;
mod docketed;
mod drafter;
mod follow_up;
mod layering;
mod schedule;
mod spending;
mod tried;

pub use by_steward::Idea;
use capabilities::capabilities;
pub(super) use desk::Desk;
use docketed::{Concluded, Docketed, Ready, proposed};
pub use drafter::Drafter;
use follow_up::follow_up;
pub use schedule::Schedule;
use spending::spent_today;
use tried::tried;

use super::catalog::Catalog;
use super::error::Result;
use super::{Service, answerable, now};
use crate::agent::propose::{self, Came, Cause, Writer, Written};
use crate::domain::call::{Call, Millis};
use crate::domain::finding::{Assessment, Findings};
use crate::domain::identity::{GrantScope, Identity};
use crate::domain::outcome::Measure;
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::{Grounds, Kind, Proposal, ProposalId};
use crate::domain::run::{Did, Looked, Run, Spent, Step};
use crate::domain::settled::Settled;
use crate::domain::window::{Window, time};
use crate::engine::govern::{Act, Actor, Bench, Matter, Refusal, govern, holds};
use crate::engine::grounds;
use crate::engine::likeness::{self, constraints};
use crate::engine::outcome::realised::proposer;
use crate::engine::reflection::Detail;
use crate::engine::seal::Pen;
use crate::llm::{Budget, Client, Spend};
use crate::store::canary::End;
use crate::store::decide::{Automatic, Docket, Moved};
use crate::store::telemetry::{NamedCall, TelemetryWriter};
use crate::store::{Kind as Fault, Reader, StoreError};

/// How the agent is to run.
#[derive(Debug)]
pub struct RunWish<'a> {
    /// Find and draft, and write nothing.
    pub dry: bool,
    /// Of which time.
    pub window: Window,
    /// The model that drafts; rules do without one.
    pub client: Option<&'a Client>,
    /// Why there is none although one is configured.
    pub lacking: Option<&'a str>,
}

impl Service {
    /// Runs the agent once, as whoever holds the pen. A run that the grant does not allow does nothing but leave its
    /// record, which says why. The clock is read again where all of it is written: what the grant allowed minutes ago it
    /// may not allow then.
    pub fn run_agent(
        &self,
        pen: &Pen,
        wish: &RunWish<'_>,
        clock: impl Fn() -> Millis + Send + 'static,
    ) -> Result<Run> {
        let (reader, now) = (self.read()?, clock());
        let window = answerable(&reader, wish.window)?;
        let mut run = Run {
            agent: pen.identity().clone(),
            at: time(now),
            dry: wish.dry,
            refused: None,
            without_model: wish.lacking.map(str::to_owned),
            window: [window.start(), window.end()],
            looked: Looked::default(),
            steps: Vec::new(),
            spent: Spent::default(),
        };
        if let Err(refusal) = may_run(&reader, pen, now)? {
            run.refused = Some(refusal.to_string());
            return if wish.dry { Ok(run) } else { self.write_run(pen, run, Docketed::default(), clock) };
        }
        let trust = reader.trust()?;
        let covers = |uri: &PromptUri| {
            trust.granted(pen.identity()).is_some_and(|granted| granted.grant.prompts.covers(uri))
        };
        let catalog = Catalog::read(&reader)?;
        let findings = self.findings(window)?;
        let desk = Desk::lay(&reader, &catalog, window, now)?;
        let mut docketed = Docketed::default();
        run.looked = looked(&findings);
        follow_up(self, &desk, pen, &mut run, &mut docketed, &covers)?;
        capabilities(&desk, &mut run, &mut docketed, &covers)?;
        let book = |call: &Call| self.book(call);
        let limits = wish.client.and(self.config().llm.as_ref()).map(|llm| llm.budget);
        let mut budget = limits.map(|limits| Budget::new(limits, Spend::default()).booked(&book));
        for found in &findings.findings {
            if !covers(&found.prompt_uri) {
                run.looked.elsewhere += 1;
                continue;
            }
            run.looked.findings += 1;
            if let Some(budget) = &mut budget {
                // Each time anew: others may draft beside this run.
                budget.beside(spent_today(&self.read()?, pen.identity(), now)?);
            }
            let model = wish.client.zip(budget.as_mut());
            self.consider(&desk, pen, found, model, &mut run, &mut docketed)?;
        }
        if let Some(Spend { tokens, cost }) = budget.as_ref().map(Budget::spent) {
            run.spent = Spent { calls: docketed.calls as u64, tokens, usd: cost as f64 / 1e9 };
        }
        if wish.dry { Ok(run) } else { self.write_run(pen, run, docketed, clock) }
    }

    /// Runs the agent once over a window, with whoever drafts as it is configured; `dry` finds and drafts, and writes nothing.
    pub fn let_run(&self, pen: &Pen, window: Window, dry: bool) -> Result<Run> {
        // A model's drafts cost money, and what leaves no record counts against no budget.
        let Drafter { client, lacking } = if dry { Drafter::default() } else { self.drafter()? };
        let wish = RunWish { dry, window, client: client.as_ref(), lacking: lacking.as_deref() };
        self.run_agent(pen, &wish, now)
    }

    /// When the newest run was that was not refused, ms: of this agent, or of any.
    pub fn last_run(&self, agent: Option<&Identity>) -> Result<Option<Millis>> {
        Ok(self.read()?.proposals().last_run(agent)?)
    }

    /// Writes the record of a drafting call, whatever becomes of the run.
    fn book(&self, call: &Call) -> std::result::Result<(), String> {
        let named = NamedCall { call: call.clone(), aliases: Vec::new() };
        let written = self.store.write(move |tx| tx.telemetry.put_call(&named).map(|_| ()));
        written.map_err(|error| error.to_string())
    }

    /// One finding: leaves it alone, or drafts and proposes.
    fn consider(
        &self,
        desk: &Desk<'_>,
        pen: &Pen,
        found: &Assessment,
        mut model: Option<(&Client, &mut Budget<'_>)>,
        run: &mut Run,
        docketed: &mut Docketed,
    ) -> Result<()> {
        let uri = found.prompt_uri.unversioned();
        let evidence = grounds::words(found);
        let step = |did| Step {
            prompt_uri: found.prompt_uri.clone(),
            cause: found.detector.as_str().to_owned(),
            found: evidence.clone(),
            did,
        };
        if let Some(why) = desk.leave(found.detector.as_str(), &uri, docketed)? {
            run.steps.push(step(Did::Left { why }));
            return Ok(());
        }
        let Some(active) = desk.catalog.published.get(&uri).and_then(|p| p.active.clone()) else {
            return Ok(());
        };
        let base = desk.reader.file(&uri, &active)?;
        let heard = desk.heard(&uri, &active)?;
        let details: Vec<Detail<'_>> =
            heard.iter().map(|(_, signal, text)| Detail { signal, text }).collect();
        let rejections = desk.reader.proposals().rejections(&uri)?;
        // Oldest first: where there are too many, the latest count.
        let reasons: Vec<likeness::Rejection<'_>> = rejections
            .iter()
            .rev()
            .map(|r| likeness::Rejection { title: &r.proposal.title, reason: &r.reason })
            .collect();
        let affinities = self.performance(&uri.to_string(), desk.window, None)?.affinities;
        let proposers = [(Kind::Text, Measure::Tokens), (Kind::Model, Measure::Cost)]
            .map(|(kind, measure)| proposer(&desk.settled, kind, measure));
        let told = desk.told(found, &uri);
        let cause = Cause {
            found,
            evidence: &told,
            base: &base,
            details: &details,
            constraints: &constraints(&reasons),
            spending: desk.fleet.spending(&uri),
            input_price: desk.fleet.input_price(&uri),
            declared_below: &desk.active().declared_below(&base)?,
            negative: desk.fleet.negative(&uri),
            affinities: &affinities,
            proposers: [&proposers[0], &proposers[1]],
        };
        let (refine, agent) = (desk.refine()?, pen.identity().to_string());
        let org = pen.identity().org().map(ToString::to_string).unwrap_or_default();
        // Whatever is written enters the ledger, so that no two runs begin at the same end of it.
        let end = desk.reader.ledger_head()?.seq;
        let id = format!("{}{end}-{}", spending::mark(pen.identity(), desk.now), run.steps.len());
        let writer = match &mut model {
            Some((client, budget)) => {
                Writer::Model { client, budget, refine: &refine, id: &id, agent: &agent, org: &org }
            }
            None => Writer::Rules,
        };
        let (came, calls) = propose::draft(&cause, writer);
        docketed.calls += calls.len();
        let written = match came {
            Came::Written(written) => *written,
            Came::Left(why) => {
                run.steps.push(step(Did::Left { why }));
                return Ok(());
            }
            Came::Dropped(reasons) => {
                run.steps.push(step(Did::Dropped { reasons }));
                return Ok(());
            }
        };
        if let Some(why) = desk.repeats(docketed, &rejections, &base, &uri, (written.kind, &written.file))? {
            run.steps.push(step(Did::Left { why }));
            return Ok(());
        }
        let most = tried::MAX_CASES.saturating_sub(docketed.cases);
        let said = tried(desk, &base, &written, model, (&id, &agent), most)?;
        docketed.cases += said.asked;
        docketed.calls += said.calls.len();
        if !said.against.is_empty() {
            run.steps.push(step(Did::Dropped { reasons: said.against }));
            return Ok(());
        }
        let risk = desk.risk(&uri, &base, &written.file, written.kind);
        let grounds = Grounds {
            cause: found.detector.as_str().to_owned(),
            window: [desk.window.start(), desk.window.end()],
            found: serde_json::to_value(found).unwrap_or_default(),
            feedback: heard.iter().take(written.read).map(|(id, ..)| id.clone()).collect(),
            cases: said.grounds,
        };
        let Written { kind, file, title, rationale, drafted_by, predicted, cost_usd, .. } = written;
        let proposal = Proposal {
            base_version: active,
            drafted_by,
            predicted,
            drafting_cost_usd: cost_usd,
            ..desk.proposal(&uri, kind, &file, title, rationale, risk, grounds)
        };
        docketed.ready.push(Ready { step: run.steps.len(), proposal: proposal.clone() });
        run.steps.push(step(proposed(&proposal)));
        Ok(())
    }

    /// Writes a run: all of it, or nothing.
    fn write_run(
        &self,
        pen: &Pen,
        run: Run,
        docketed: Docketed,
        clock: impl Fn() -> Millis + Send + 'static,
    ) -> Result<Run> {
        let (pen, rules) = (pen.clone(), self.config().governance);
        Ok(self.store.write(move |tx| {
            let mut run = run;
            let docket = tx.docket(Some(&pen), &rules, clock());
            let number = docket.next_run()?;
            for (step, id, moved) in docketed.moved {
                run.steps[step].did = after(docket.whole(|docket| moved_on(docket, id, moved, number)))?;
            }
            for (step, id, settled) in docketed.settled {
                run.steps[step].did = after(
                    docket.whole(|docket| docket.settle(id, &settled).map(|_| Did::Settled { proposal: id })),
                )?;
            }
            for Concluded { step, proposal, how, why, settled } in docketed.canaries {
                let did = run.steps[step].did.clone();
                let ended = docket.whole(|docket| ended(docket, proposal, how, &why, &settled));
                run.steps[step].did = after(ended.map(|()| did))?;
            }
            for Ready { step, proposal } in docketed.ready {
                let proposal = Proposal { run: Some(number), ..proposal };
                run.steps[step].did = after(docket.whole(|docket| put(docket, proposal)))?;
            }
            docket.record_run(&serde_json::to_value(&run).map_err(StoreError::corrupt)?)?;
            Ok(run)
        })?)
    }
}

/// Proposes, and applies where the rules let the agent.
fn put(docket: &Docket<'_>, proposal: Proposal) -> crate::store::Result<Did> {
    let made = docket.propose(proposal)?;
    let left = |why| Did::Proposed {
        proposal: Some(made.id),
        title: made.title.clone(),
        drafted_by: made.drafted_by.to_string(),
        risk: made.risk.level,
        why,
    };
    Ok(match docket.whole(|docket| docket.auto_apply(made.id)) {
        Err(error) if is_no_fault(&error) => left(error.to_string()),
        Err(error) => return Err(error),
        Ok(Automatic::Left(why)) => left(why),
        Ok(Automatic::Applied(applied, why)) => Did::Applied {
            proposal: made.id,
            title: made.title.clone(),
            version: applied.uri.version.clone().unwrap_or_else(|| made.base_version.clone()),
            canary: applied.canary,
            why,
        },
    })
}

/// Ends a canary, and settles what came of its proposal.
fn ended(
    docket: &Docket<'_>,
    id: ProposalId,
    how: End,
    why: &str,
    settled: &Settled,
) -> crate::store::Result<()> {
    match how {
        End::Promote => docket.promote(id, why).map(|_| ())?,
        End::Stop => docket.stop(id, why).map(|_| ())?,
    }
    docket.settle(id, settled).map(|_| ())
}

fn moved_on(
    docket: &Docket<'_>,
    id: ProposalId,
    moved: Option<Moved>,
    run: u64,
) -> crate::store::Result<Did> {
    match moved {
        Some(moved) => {
            let made = docket.rebase(id, Moved { run: Some(run), ..moved })?;
            Ok(Did::Rebased { proposal: made.id, from: id })
        }
        None => docket
            .mark_stale(id, "the active version is another, and the change does not merge into it")
            .map(|_| Did::Stale { proposal: id }),
    }
}

/// What somebody else did meanwhile, or the rules do not allow, is a step that did not happen; any other fault ends the
/// run.
fn after(done: crate::store::Result<Did>) -> crate::store::Result<Did> {
    match done {
        Err(error) if is_no_fault(&error) => Ok(Did::Left { why: error.to_string() }),
        done => done,
    }
}

/// Whether an error says that something is not to be, and not that the store failed.
fn is_no_fault(error: &StoreError) -> bool {
    matches!(error.kind, Fault::Refused | Fault::Changed | Fault::Unfit)
}

/// Whether the grant lets the agent read and propose at all.
fn may_run(reader: &Reader, pen: &Pen, now: Millis) -> Result<std::result::Result<(), Refusal>> {
    let trust = reader.trust()?;
    let actor = trust.actor(Some(pen));
    if let Err(refusal) = govern(Act::Propose, &actor, &Matter::NOTHING, &Bench::ONE, now) {
        return Ok(Err(refusal));
    }
    let Actor::Agent { identity, key, grant: Some(grant), .. } = actor else {
        return Ok(Err(Refusal::NoGrant(pen.identity().clone())));
    };
    let reads = [GrantScope::TelemetryRead, GrantScope::PromptsRead];
    Ok(reads.into_iter().try_for_each(|scope| holds(identity, key, grant, scope, None, now)))
}

fn looked(findings: &Findings) -> Looked {
    Looked {
        prompts: findings.prompts,
        watched: findings.watch.len() as u64,
        insufficient: findings.insufficient.len() as u64,
        ..Looked::default()
    }
}
