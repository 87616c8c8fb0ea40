//! What a run of the agent knows: prompts, their sums, what people said, and what came of earlier changes.

use std::fmt::Write as _;

use rustc_hash::{FxHashMap, FxHashSet};

use super::docketed::Docketed;
use super::layering::Active;
use crate::domain::call::Millis;
use crate::domain::feedback::Signal;
use crate::domain::finding::Assessment;
use crate::domain::model::Day;
use crate::domain::outcome::Judgement;
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{
    Drafter, Grounds, Kind, Prediction, Proposal, ProposalId, Risk, RiskLevel, RiskReason, Standing, Usage,
};
use crate::domain::settled::Settled;
use crate::domain::window::Window;
use crate::engine::grounds;
use crate::engine::likeness::Edit;
use crate::engine::predict::{Negative, Spending};
use crate::engine::price::Prices;
use crate::engine::risk::{self, Change, Record};
use crate::engine::rollup::{Cell, CellKey, Clock, VersionId};
use crate::engine::seal::{canonical, digest};
use crate::engine::stats::shrink;
use crate::service::Service;
use crate::service::catalog::Catalog;
use crate::service::error::{Result, ServiceError};
use crate::store::proposals::{Filter, Kept, Rejection};
use crate::store::telemetry::{CallQuery, Dictionary, TelemetryReader};
use crate::store::{Reader, StoreError};

/// Milliseconds of a day.
pub const DAY_MS: Millis = 86_400_000;
/// Pieces of feedback that a draft may rest on.
const DETAILS: usize = 24;
/// Calls in which they are looked for.
const ASKED: usize = 20_000;

/// Whether a proposal is to go back to an earlier version of the prompt.
fn goes_back(proposal: &Proposal, uri: &PromptUri) -> bool {
    proposal.kind == Kind::Rollback && proposal.prompt_uri == *uri
}

/// Everything that a run knows before it begins.
pub struct Desk<'s> {
    pub reader: &'s Reader,
    pub catalog: &'s Catalog,
    pub settled: Vec<(Proposal, Settled)>,
    pub fleet: Fleet,
    /// Which prompts layer on which.
    extended: FxHashMap<PromptUri, Vec<PromptUri>>,
    pub window: Window,
    pub now: Millis,
}

/// A prompt's sums in the window.
#[derive(Debug, Clone, Default)]
pub struct Sums {
    cell: Cell,
    task_type: String,
    /// Metered calls by model.
    models: FxHashMap<u32, i64>,
    input_price: Option<f64>,
}

/// Sums by prompt, of its active version where one is published.
pub struct Fleet {
    of: FxHashMap<PromptUri, Sums>,
    calls: i64,
}

/// Sums of the window by prompt.
fn fleet(reader: &Reader, catalog: &Catalog, window: Window) -> Result<Fleet> {
    let mut place: FxHashMap<VersionId, PromptUri> = FxHashMap::default();
    let mut fleet = Fleet { of: FxHashMap::default(), calls: 0 };
    for uri in catalog.prompts() {
        let active = catalog.published.get(uri).and_then(|p| p.active.as_ref());
        place.extend(catalog.numbers(uri, active).into_iter().map(|number| (number, uri.clone())));
        let task_type = catalog.task_type(uri);
        fleet.of.insert(uri.clone(), Sums { task_type, ..Sums::default() });
    }
    for (key, cell) in &Service::cells(reader, &catalog.dictionary, window, None)? {
        if key.version == CellKey::FLEET {
            fleet.calls += cell.calls;
        }
        if let Some(sums) = place.get(&key.version).and_then(|uri| fleet.of.get_mut(uri)) {
            sums.cell.merge_ranked(cell, 1);
            *sums.models.entry(key.model).or_default() += cell.metered;
        }
    }
    let (prices, day) = (Prices::new(Service::prices(reader)?.0), Day::of(window.to_ms - 1));
    for sums in fleet.of.values_mut() {
        sums.input_price = input_price(sums, &catalog.dictionary, &prices, day)?;
    }
    Ok(fleet)
}

/// US dollars for an input token on a day, the mean over the calls whose model has a price.
fn input_price(sums: &Sums, dictionary: &Dictionary, prices: &Prices, day: Day) -> Result<Option<f64>> {
    let input = u32::try_from(sums.cell.input_tokens / sums.cell.metered.max(1)).unwrap_or(u32::MAX);
    let (mut total, mut calls) = (0.0, 0);
    for (model, metered) in &sums.models {
        let model = dictionary.model(*model)?;
        let provider = Some(model.provider.as_str()).filter(|provider| !provider.is_empty());
        if let Some(quote) = prices.lookup(&model.name, provider, day) {
            total += quote.price.tariff(input).input.usd_per_million() * 1e-6 * *metered as f64;
            calls += metered;
        }
    }
    Ok((calls > 0).then(|| total / calls as f64))
}

impl Fleet {
    pub fn spending(&self, uri: &PromptUri) -> Option<Spending> {
        let cell = &self.of.get(uri)?.cell;
        (cell.metered > 0).then(|| Spending {
            input: cell.input_tokens as f64 / cell.metered as f64,
            output: cell.output_tokens as f64 / cell.metered as f64,
            cost_usd: cell.known_cost_usd(),
            calls: cell.metered as u64,
        })
    }

    /// US dollars for an input token of the models that the prompt's calls go to; absent where none has a price.
    pub fn input_price(&self, uri: &PromptUri) -> Option<f64> {
        self.of.get(uri)?.input_price
    }

    pub fn negative(&self, uri: &PromptUri) -> Option<Negative> {
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

impl<'s> Desk<'s> {
    /// The desk of a window: all sums, and what came of earlier changes.
    pub fn lay(reader: &'s Reader, catalog: &'s Catalog, window: Window, now: Millis) -> Result<Desk<'s>> {
        let settled = reader.proposals().outcomes()?;
        let fleet = fleet(reader, catalog, window)?;
        let extended = Active { reader, catalog }.extended()?;
        Ok(Desk { reader, catalog, settled, fleet, extended, window, now })
    }
}

impl Desk<'_> {
    /// The active versions.
    pub fn active(&self) -> Active<'_> {
        Active { reader: self.reader, catalog: self.catalog }
    }

    /// The version that is active now, where it is not the base of a proposal.
    pub fn moved_on(&self, kept: &Kept) -> Option<semver::Version> {
        let active = self.catalog.published.get(&kept.proposal.prompt_uri)?.active.clone()?;
        (active != kept.proposal.base_version).then_some(active)
    }

    /// Why a cause, a detector's word or another, asks for no draft now.
    pub fn leave(&self, cause: &str, uri: &PromptUri, docketed: &Docketed) -> Result<Option<String>> {
        let Some(published) = self.catalog.published.get(uri) else {
            return Ok(Some("it is not published here, so there is no text to change".into()));
        };
        if published.active.is_none() {
            return Ok(Some("none of its versions is active".into()));
        }
        if let Some(canary) = self.reader.canary_running(uri)? {
            return Ok(Some(format!("a canary of {} runs, by {}", canary.uri, canary.proposal)));
        }
        let proposals = self.reader.proposals();
        if let Some(waiting) = proposals.waiting(uri, cause)? {
            let id = waiting.proposal.id;
            if self.moved_on(&waiting).is_none() {
                return Ok(Some(format!("{id} waits for a decision")));
            }
            if docketed.moves(id) {
                return Ok(Some(format!("{id} moves onto the active version, and waits for a decision")));
            }
        }
        if docketed.ready.iter().any(|ready| goes_back(&ready.proposal, uri)) {
            return Ok(Some("a rollback of it is proposed".into()));
        }
        let filter = Filter { prompt: Some(uri.clone()), ..Filter::default() };
        for kept in proposals.list(&filter, self.now)? {
            let applied = matches!(kept.standing, Standing::Accepted | Standing::AutoApplied);
            let id = kept.proposal.id;
            if kept.standing.is_open() && goes_back(&kept.proposal, uri) && self.moved_on(&kept).is_none() {
                return Ok(Some(format!("{id}, a rollback, waits for a decision")));
            }
            if applied && kept.version == published.active && proposals.outcome(id)?.is_none() {
                return Ok(Some(format!("what {id} changed has not been judged yet")));
            }
        }
        Ok(None)
    }

    /// Why a change is not proposed: it was, and was rejected, or it is proposed already.
    pub fn repeats(
        &self,
        docketed: &Docketed,
        rejections: &[Rejection],
        base: &PromptFile,
        uri: &PromptUri,
        (kind, file): (Kind, &PromptFile),
    ) -> Result<Option<String>> {
        let mut rejected = Vec::new();
        for rejection in rejections {
            let Proposal { kind, base_version, text, .. } = &rejection.proposal;
            if let Ok(file) = PromptFile::parse("the proposal", text.as_bytes()) {
                rejected.push(Edit::between(*kind, &self.reader.file(uri, base_version)?, &file));
            }
        }
        if Edit::between(kind, base, file).is_alike(&rejected) {
            let why = "a proposal alike to it was rejected; its reason is a constraint on later drafts";
            return Ok(Some(why.to_owned()));
        }
        let same = |proposal: &Proposal| proposal.prompt_uri == *uri && proposal.text == file.text();
        let twice = docketed.ready.iter().find(|ready| same(&ready.proposal));
        Ok(twice.map(|twice| format!("the same change is proposed for `{}`", twice.proposal.evidence.cause)))
    }

    /// What people said about the version, the newest first: id, signal, text.
    pub fn heard(
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
        // What is said of a whole trace is there with each of its calls.
        let mut known = FxHashSet::default();
        self.reader.calls(&query, &mut |kept| {
            asked += 1;
            for feedback in kept.feedback {
                let bad = feedback.signal.filter(|signal| *signal != Signal::Positive);
                if let (Some(signal), Some(text)) = (bad, feedback.detail)
                    && known.insert(feedback.id.clone())
                {
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

    /// What a drafter is told, a sentence with its numbers each: the finding, the calls, the peers.
    pub fn told(&self, found: &Assessment, uri: &PromptUri) -> Vec<String> {
        let mut told = vec![grounds::words(found)];
        let usage = self.usage(uri);
        let mut calls = format!("{:.1} calls a day", usage.calls_per_day);
        if let Some(Spending { input, output, cost_usd, .. }) = self.fleet.spending(uri) {
            let _ = write!(calls, ", of {input:.0} tokens in and {output:.0} out on average");
            if let Some(cost) = cost_usd {
                let _ = write!(calls, ", for ${cost:.4} each");
            }
        }
        if !usage.extended_by.is_empty() {
            let _ = write!(calls, "; {} other prompts layer on it", usage.extended_by.len());
        }
        told.push(calls);
        if let Some(Negative { negative, units, peers }) = self.fleet.negative(uri) {
            told.push(format!(
                "{negative} of {units} evidence units are negative; of prompts of the same task type {:.0} % usually are",
                peers.mean * 100.0
            ));
        }
        told
    }

    /// The prompt by which drafts are asked for: the store's, or the one that comes with the product.
    pub fn refine(&self) -> Result<PromptFile> {
        let built_in =
            crate::engine::reflection::refine().map_err(|e| ServiceError::Store(StoreError::corrupt(e)))?;
        let uri = built_in.uri.unversioned();
        match self.catalog.published.get(&uri).and_then(|p| p.active.as_ref()) {
            Some(active) => self.reader.file(&uri, active).map_err(Into::into),
            None => Ok(built_in),
        }
    }

    pub fn usage(&self, uri: &PromptUri) -> Usage {
        let days = (self.window.to_ms - self.window.from_ms) as f64 / DAY_MS as f64;
        let calls = self.fleet.of.get(uri).map_or(0, |sums| sums.cell.calls);
        Usage {
            calls_per_day: calls as f64 / days.max(1.0 / 24.0),
            extended_by: self.extended.get(uri).cloned().unwrap_or_default(),
        }
    }

    pub fn risk(&self, uri: &PromptUri, base: &PromptFile, new: &PromptFile, kind: Kind) -> Risk {
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
    pub fn proposal(
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
