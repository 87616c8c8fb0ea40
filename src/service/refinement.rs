//! A run of the Prompt Refinement Agent: from findings to proposals, and from decisions to what came of them.
//!
//! Reads and drafts first, which may take minutes; then writes all of it, proposals, applications, outcomes and the
//! record of the run, in one transaction, or nothing. Start with [`Service::run_agent`].

use rustc_hash::FxHashMap;
use serde_json::json;

use super::catalog::Catalog;
use super::error::{Result, ServiceError};
use super::{Service, answerable};
use crate::agent::propose::{self, Came, Cause, Writer, Written};
use crate::domain::call::{Call, Millis};
use crate::domain::feedback::Signal;
use crate::domain::finding::{Assessment, Findings};
use crate::domain::identity::GrantScope;
use crate::domain::outcome::{Judgement, Measure};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{
    Drafter, Grounds, Kind, Prediction, Proposal, ProposalId, Risk, RiskLevel, RiskReason, Standing, Usage,
};
use crate::domain::run::{Did, Looked, Run, Spent, Step};
use crate::domain::settled::Settled;
use crate::domain::window::{Window, time};
use crate::engine::govern::{Act, Actor, Bench, Matter, Refusal, govern, holds};
use crate::engine::likeness::{Edit, Rejection, constraints};
use crate::engine::outcome::realised::proposer;
use crate::engine::predict::{Negative, Spending};
use crate::engine::price::Prices;
use crate::engine::rebase::rebase;
use crate::engine::reflection::Detail;
use crate::engine::risk::{self, Change, Record};
use crate::engine::rollup::{Cell, Clock, VersionId};
use crate::engine::seal::{Pen, canonical, digest};
use crate::engine::stats::shrink;
use crate::llm::{Budget, Client, LlmError, Spend};
use crate::store::Reader;
use crate::store::decide::{Automatic, Docket, Moved};
use crate::store::proposals::{Filter, Kept};
use crate::store::telemetry::{CallQuery, NamedCall, TelemetryReader, TelemetryWriter};
use crate::store::{Kind as Fault, StoreError};

const DAY_MS: Millis = 86_400_000;
/// Pieces of feedback that a draft may rest on.
const DETAILS: usize = 24;
/// Calls in which they are looked for.
const ASKED: usize = 20_000;

/// How the agent is to run.
#[derive(Debug)]
pub struct RunWish<'a> {
    /// Find and draft, and write nothing.
    pub dry: bool,
    /// Of which time.
    pub window: Window,
    /// The model that drafts; rules do without one.
    pub client: Option<&'a Client>,
}

/// Everything that a run knows before it begins.
struct Desk<'s> {
    reader: &'s Reader,
    catalog: &'s Catalog,
    settled: Vec<(Proposal, Settled)>,
    fleet: Fleet,
    window: Window,
    now: Millis,
}

/// A prompt's sums in the window.
#[derive(Debug, Clone, Default)]
struct Sums {
    cell: Cell,
    task_type: String,
}

/// Sums by prompt, of its active version where one is published.
struct Fleet {
    of: FxHashMap<PromptUri, Sums>,
    calls: i64,
}

/// A proposal that is ready to be written, with the step that it is part of.
struct Ready {
    step: usize,
    proposal: Proposal,
}

/// What a run will write.
#[derive(Default)]
struct Docketed {
    ready: Vec<Ready>,
    moved: Vec<(usize, ProposalId, Option<Moved>)>,
    settled: Vec<(usize, ProposalId, Settled)>,
    calls: Vec<Call>,
}

impl Service {
    /// Runs the agent once, as whoever holds the pen. A run that the grant does not allow does nothing but leave its
    /// record, which says why.
    pub fn run_agent(&self, pen: &Pen, wish: &RunWish<'_>, now: Millis) -> Result<Run> {
        let reader = self.read()?;
        let window = answerable(&reader, wish.window)?;
        let mut run = Run {
            agent: pen.identity().clone(),
            at: time(now),
            dry: wish.dry,
            refused: None,
            window: [window.start(), window.end()],
            looked: Looked::default(),
            steps: Vec::new(),
            spent: Spent::default(),
        };
        if let Err(refusal) = may_run(&reader, pen, now)? {
            run.refused = Some(refusal.to_string());
            return if wish.dry { Ok(run) } else { self.write_run(pen, run, Docketed::default(), now) };
        }
        let trust = reader.trust()?;
        let covers = |uri: &PromptUri| {
            trust.granted(pen.identity()).is_some_and(|granted| granted.grant.prompts.covers(uri))
        };
        let catalog = Catalog::read(&reader)?;
        let findings = self.findings(window)?;
        let fleet = fleet(&reader, &catalog, window)?;
        let settled = reader.proposals().outcomes()?;
        let desk = Desk { reader: &reader, catalog: &catalog, settled, fleet, window, now };
        let mut docketed = Docketed::default();
        run.looked = looked(&findings);
        self.follow_up(&desk, &mut run, &mut docketed, &covers)?;
        let mut budget =
            self.config().llm.as_ref().map(|llm| self.budget(&reader, llm.budget, now)).transpose()?;
        let before = budget.as_ref().map(Budget::spent);
        for found in &findings.findings {
            if !covers(&found.prompt_uri) {
                run.looked.elsewhere += 1;
                continue;
            }
            run.looked.findings += 1;
            let model = wish.client.zip(budget.as_mut());
            self.consider(&desk, pen, found, model, &mut run, &mut docketed)?;
        }
        if let (Some(before), Some(after)) = (before, budget.as_ref().map(Budget::spent)) {
            run.spent = Spent {
                calls: docketed.calls.len() as u64,
                tokens: after.tokens.saturating_sub(before.tokens),
                usd: (after.cost - before.cost) as f64 / 1e9,
            };
        }
        if wish.dry { Ok(run) } else { self.write_run(pen, run, docketed, now) }
    }

    /// The model that is configured to draft, if there is one. Its key is read from the environment, and kept nowhere.
    pub fn drafter(&self) -> Result<Option<Client>> {
        let Some(endpoint) = &self.config().llm else { return Ok(None) };
        let key = endpoint.key(|variable| std::env::var(variable).ok()).map_err(LlmError::from)?;
        let prices = Prices::new(Self::prices(&self.read()?)?.0);
        Ok(Some(Client::new(endpoint.clone(), key, prices)?))
    }

    fn budget(&self, reader: &Reader, limits: crate::llm::Limits, now: Millis) -> Result<Budget> {
        let today = time(now.div_euclid(DAY_MS) * DAY_MS);
        let mut spent = Spend::default();
        for row in reader.proposals().runs(1_000)? {
            let Ok(run) = serde_json::from_value::<Run>(row.body) else { continue };
            if run.at.get(..10) == today.get(..10) {
                spent.tokens += run.spent.tokens;
                spent.cost += (run.spent.usd * 1e9).round() as i64;
            }
        }
        Ok(Budget::new(limits, spent))
    }

    /// What came of what was applied, and what became of what waits on a base that is active no more.
    fn follow_up(
        &self,
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
                    run.looked.outcomes += 1;
                    let came = self.came_of(id, desk.now)?;
                    let judgement = came.outcome.judgement;
                    let words = format!("{id}: {}, {}", words_of(judgement), came.outcome.label);
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
                        self.back(desk, &kept, words, run, docketed)?;
                    }
                }
                standing if standing.is_open() => {
                    if let Some(active) = desk.moved_on(&kept) {
                        run.looked.moved += 1;
                        let moved = self.moved(desk, &kept, &active)?;
                        let found =
                            format!("{id} is for {}, and {active} is active", kept.proposal.base_version);
                        docketed.moved.push((run.steps.len(), id, moved));
                        run.steps.push(step("base", found, Did::Stale { proposal: id }));
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// A proposal to go back from a change that regressed.
    fn back(
        &self,
        desk: &Desk<'_>,
        kept: &Kept,
        found: String,
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

    fn moved(&self, desk: &Desk<'_>, kept: &Kept, active: &semver::Version) -> Result<Option<Moved>> {
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

    /// One finding: leaves it alone, or drafts and proposes.
    fn consider(
        &self,
        desk: &Desk<'_>,
        pen: &Pen,
        found: &Assessment,
        model: Option<(&Client, &mut Budget)>,
        run: &mut Run,
        docketed: &mut Docketed,
    ) -> Result<()> {
        let uri = found.prompt_uri.unversioned();
        let evidence = propose::words(found);
        let step = |did| Step {
            prompt_uri: found.prompt_uri.clone(),
            cause: found.detector.as_str().to_owned(),
            found: evidence.clone(),
            did,
        };
        if let Some(why) = desk.leave(found, &uri)? {
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
        let reasons: Vec<Rejection<'_>> =
            rejections.iter().map(|r| Rejection { title: &r.proposal.title, reason: &r.reason }).collect();
        let affinities = self.performance(&uri.to_string(), desk.window, None)?.affinities;
        let proposers = [(Kind::Text, Measure::Tokens), (Kind::Model, Measure::Cost)]
            .map(|(kind, measure)| proposer(&desk.settled, kind, measure));
        let said = [evidence.clone()];
        let cause = Cause {
            found,
            evidence: &said,
            base: &base,
            details: &details,
            constraints: &constraints(&reasons),
            spending: desk.fleet.spending(&uri),
            negative: desk.fleet.negative(&uri),
            affinities: &affinities,
            proposers: [&proposers[0], &proposers[1]],
        };
        let (refine, agent) = (desk.refine()?, pen.identity().to_string());
        let org = pen.identity().org().map(ToString::to_string).unwrap_or_default();
        let id = format!("refine-{}-{}", desk.now, run.steps.len());
        let writer = match model {
            Some((client, budget)) => {
                Writer::Model { client, budget, refine: &refine, id: &id, agent: &agent, org: &org }
            }
            None => Writer::Rules,
        };
        let (came, calls) = propose::draft(&cause, writer);
        docketed.calls.extend(calls);
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
        let edit = Edit::between(written.kind, &base, &written.file);
        let mut rejected = Vec::new();
        for rejection in &rejections {
            let Proposal { kind, base_version, text, .. } = &rejection.proposal;
            if let Ok(file) = PromptFile::parse("the proposal", text.as_bytes()) {
                rejected.push(Edit::between(*kind, &desk.reader.file(&uri, base_version)?, &file));
            }
        }
        if edit.is_alike(&rejected) {
            let why =
                "a proposal alike to it was rejected; its reason is a constraint on later drafts".into();
            run.steps.push(step(Did::Left { why }));
            return Ok(());
        }
        let twice = docketed
            .ready
            .iter()
            .find(|ready| ready.proposal.prompt_uri == uri && ready.proposal.text == written.file.text());
        if let Some(twice) = twice {
            let why = format!("the same change is proposed for `{}`", twice.proposal.evidence.cause);
            run.steps.push(step(Did::Left { why }));
            return Ok(());
        }
        let risk = desk.risk(&uri, &base, &written.file, written.kind);
        let grounds = Grounds {
            cause: found.detector.as_str().to_owned(),
            window: [desk.window.start(), desk.window.end()],
            found: serde_json::to_value(found).unwrap_or_default(),
            feedback: heard.iter().map(|(id, ..)| id.clone()).collect(),
            cases: None,
        };
        let Written { kind, file, title, rationale, drafted_by, predicted, cost_usd } = written;
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
    fn write_run(&self, pen: &Pen, run: Run, docketed: Docketed, now: Millis) -> Result<Run> {
        let (pen, rules) = (pen.clone(), self.config().governance);
        Ok(self.store.write(move |tx| {
            let mut run = run;
            for call in docketed.calls {
                tx.telemetry.put_call(&NamedCall { call, aliases: Vec::new() })?;
            }
            let docket = tx.docket(Some(&pen), &rules, now);
            let number = docket.next_run()?;
            for (step, id, moved) in docketed.moved {
                run.steps[step].did = after(moved_on(&docket, id, moved, number))?;
            }
            for (step, id, settled) in docketed.settled {
                run.steps[step].did =
                    after(docket.settle(id, &settled).map(|_| Did::Settled { proposal: id }))?;
            }
            for Ready { step, proposal } in docketed.ready {
                let proposal = Proposal { run: Some(number), ..proposal };
                run.steps[step].did = after(put(&docket, proposal))?;
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
    Ok(match docket.auto_apply(made.id)? {
        Automatic::Left(why) => left(why),
        Automatic::Applied(applied, why) => Did::Applied {
            proposal: made.id,
            title: made.title.clone(),
            version: applied.uri.version.clone().unwrap_or_else(|| made.base_version.clone()),
            why,
        },
    })
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
        Err(error) if matches!(error.kind, Fault::Refused | Fault::Changed | Fault::Unfit) => {
            Ok(Did::Left { why: error.to_string() })
        }
        done => done,
    }
}

fn proposed(proposal: &Proposal) -> Did {
    Did::Proposed {
        proposal: None,
        title: proposal.title.clone(),
        drafted_by: proposal.drafted_by.to_string(),
        risk: proposal.risk.level,
        why: "a dry run writes nothing".into(),
    }
}

/// Whether the grant lets the agent read and propose at all.
fn may_run(reader: &Reader, pen: &Pen, now: Millis) -> Result<std::result::Result<(), Refusal>> {
    let trust = reader.trust()?;
    let actor = trust.actor(Some(pen));
    let bench = Bench { owned: true, reviewers: 1, signed: &[], modified_by: None, author_may_accept: true };
    if let Err(refusal) = govern(Act::Propose, &actor, &Matter::NOTHING, &bench, now) {
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

fn words_of(judgement: Judgement) -> &'static str {
    match judgement {
        Judgement::Regressed => "regressed",
        Judgement::Improved => "improved",
        Judgement::LikelyImproved => "likely improved",
        Judgement::NoMaterialChange => "no material change",
        Judgement::Running => "no difference yet",
        Judgement::Inconclusive => "inconclusive",
        Judgement::Insufficient => "insufficient",
    }
}

/// Sums of the window by prompt.
fn fleet(reader: &Reader, catalog: &Catalog, window: Window) -> Result<Fleet> {
    let mut place: FxHashMap<VersionId, PromptUri> = FxHashMap::default();
    let mut fleet = Fleet { of: FxHashMap::default(), calls: 0 };
    for uri in catalog.prompts() {
        let active = catalog.published.get(uri).and_then(|p| p.active.as_ref());
        place.extend(catalog.numbers(uri, active).into_iter().map(|number| (number, uri.clone())));
        let task_type = catalog.task_type(uri);
        fleet.of.insert(uri.clone(), Sums { cell: Cell::default(), task_type });
    }
    for (key, cell) in &Service::cells(reader, &catalog.dictionary, window, None)? {
        if key.version == crate::engine::rollup::CellKey::FLEET {
            fleet.calls += cell.calls;
        }
        if let Some(sums) = place.get(&key.version).and_then(|uri| fleet.of.get_mut(uri)) {
            sums.cell.merge_ranked(cell, 1);
        }
    }
    Ok(fleet)
}

impl Fleet {
    fn spending(&self, uri: &PromptUri) -> Option<Spending> {
        let cell = &self.of.get(uri)?.cell;
        (cell.metered > 0).then(|| Spending {
            input: cell.input_tokens as f64 / cell.metered as f64,
            output: cell.output_tokens as f64 / cell.metered as f64,
            cost_usd: cell.known_cost_usd(),
            calls: cell.metered as u64,
        })
    }

    fn negative(&self, uri: &PromptUri) -> Option<Negative> {
        let own = self.of.get(uri)?;
        let units = |sums: &Sums| {
            let signals = &sums.cell.signals;
            (
                signals.signal(Clock::Arrival, Signal::Negative).max(0) as u64,
                signals.total(Clock::Arrival).max(0) as u64,
            )
        };
        let peers: Vec<(f64, f64)> = self
            .of
            .iter()
            .filter(|(other, sums)| *other != uri && sums.task_type == own.task_type)
            .map(|(_, sums)| units(sums))
            .filter(|(_, n)| *n > 0)
            .map(|(k, n)| (k as f64, n as f64))
            .collect();
        let (negative, units) = units(own);
        (!peers.is_empty()).then(|| Negative { negative, units, peers: shrink::fit(&peers) })
    }
}

impl Desk<'_> {
    /// The version that is active now, where it is not the base of a proposal.
    fn moved_on(&self, kept: &Kept) -> Option<semver::Version> {
        let active = self.catalog.published.get(&kept.proposal.prompt_uri)?.active.clone()?;
        (active != kept.proposal.base_version).then_some(active)
    }

    /// Why a finding asks for no draft now.
    fn leave(&self, found: &Assessment, uri: &PromptUri) -> Result<Option<String>> {
        let Some(published) = self.catalog.published.get(uri) else {
            return Ok(Some("it is not published here, so there is no text to change".into()));
        };
        if published.active.is_none() {
            return Ok(Some("none of its versions is active".into()));
        }
        let proposals = self.reader.proposals();
        if let Some(waiting) = proposals.waiting(uri, found.detector.as_str())?
            && self.moved_on(&waiting).is_none()
        {
            return Ok(Some(format!("{} waits for a decision", waiting.proposal.id)));
        }
        let filter = Filter { prompt: Some(uri.clone()), ..Filter::default() };
        for kept in proposals.list(&filter, self.now)? {
            let applied = matches!(kept.standing, Standing::Accepted | Standing::AutoApplied);
            let id = kept.proposal.id;
            if applied && kept.version == published.active && proposals.outcome(id)?.is_none() {
                return Ok(Some(format!("what {id} changed has not been judged yet")));
            }
        }
        Ok(None)
    }

    /// What people said about the version, the newest first: id, signal, text.
    fn heard(
        &self,
        uri: &PromptUri,
        version: &semver::Version,
    ) -> Result<Vec<(String, &'static str, String)>> {
        let query = CallQuery {
            from: Some(self.window.from_ms),
            to: Some(self.window.to_ms),
            versions: Some(self.catalog.numbers(uri, Some(version))),
            ..CallQuery::default()
        };
        let (mut heard, mut asked) = (Vec::new(), 0);
        self.reader.calls(&query, &mut |kept| {
            asked += 1;
            for feedback in kept.feedback {
                let bad = feedback.signal.filter(|signal| *signal != Signal::Positive);
                if let (Some(signal), Some(text)) = (bad, feedback.detail) {
                    heard.push((feedback.id, signal.as_str(), text));
                }
            }
            heard.len() < DETAILS && asked < ASKED
        })?;
        // Corrections say most.
        heard.sort_by_key(|(_, signal, _)| *signal != Signal::Correction.as_str());
        heard.truncate(DETAILS);
        Ok(heard)
    }

    /// The prompt by which drafts are asked for: the store's, or the one that comes with the product.
    fn refine(&self) -> Result<PromptFile> {
        let built_in =
            crate::engine::reflection::refine().map_err(|e| ServiceError::Store(StoreError::corrupt(e)))?;
        let uri = built_in.uri.unversioned();
        match self.catalog.published.get(&uri).and_then(|p| p.active.as_ref()) {
            Some(active) => self.reader.file(&uri, active).map_err(Into::into),
            None => Ok(built_in),
        }
    }

    fn usage(&self, uri: &PromptUri) -> Usage {
        let days = (self.window.to_ms - self.window.from_ms) as f64 / DAY_MS as f64;
        let calls = self.fleet.of.get(uri).map_or(0, |sums| sums.cell.calls);
        let names = [uri.to_string(), uri.key.to_string()];
        let extends = |other: &&PromptUri| {
            let asked = self.catalog.published.get(*other).and_then(|p| p.asked(None));
            *other != uri && asked.and_then(|a| a.extends.as_ref()).is_some_and(|base| names.contains(base))
        };
        Usage {
            calls_per_day: calls as f64 / days.max(1.0 / 24.0),
            extended_by: self.catalog.published.keys().filter(extends).cloned().collect(),
        }
    }

    fn risk(&self, uri: &PromptUri, base: &PromptFile, new: &PromptFile, kind: Kind) -> Risk {
        let task_type = self.catalog.task_type(uri);
        let peers = self.settled.iter().filter(|(p, _)| self.catalog.task_type(&p.prompt_uri) == task_type);
        let (mut regressed, mut finished) = (0, 0);
        for (_, settled) in peers {
            finished += 1;
            regressed += u64::from(settled.judgement == Judgement::Regressed);
        }
        let calls = self.fleet.of.get(uri).map_or(0, |sums| sums.cell.calls);
        let mut risk = risk::assess(&Change {
            base,
            new,
            kind,
            usage: &self.usage(uri),
            fleet_share: (self.fleet.calls > 0).then(|| calls as f64 / self.fleet.calls as f64),
            record: Record { regressed, finished },
        });
        if kind == Kind::Rollback && risk.level < RiskLevel::Medium {
            let text = "goes back to a text that was left for a reason".to_owned();
            risk.reasons.insert(0, RiskReason { level: RiskLevel::Medium, text });
            risk.level = RiskLevel::Medium;
        }
        risk
    }

    #[expect(clippy::too_many_arguments, reason = "each is a field of the proposal")]
    fn proposal(
        &self,
        uri: &PromptUri,
        kind: Kind,
        file: &PromptFile,
        title: String,
        rationale: String,
        risk: Risk,
        evidence: Grounds,
    ) -> Proposal {
        Proposal {
            id: ProposalId(0),
            prompt_uri: uri.clone(),
            base_version: file.uri.version.clone().unwrap_or(crate::engine::bump::FIRST),
            kind,
            to_version: None,
            title,
            rationale,
            text: file.text().to_owned(),
            evidence_digest: digest(canonical(&evidence).as_bytes()).to_string(),
            evidence,
            predicted: Vec::<Prediction>::new(),
            risk,
            usage: self.usage(uri),
            drafted_by: Drafter::Rules { rules: vec!["outcome".into()] },
            drafting_cost_usd: 0.0,
            run: None,
            created_at: self.now,
        }
    }
}
