//! Deciding: what is proposed, and what becomes of it, inside the write transaction.
//!
//! Every step asks again what it rests on: that the proposal waits, that its base is active, that the text is the one that
//! was looked at, and, through [`ledger::enter`], whether the rules allow it. A step writes all of itself with its ledger
//! entry, or nothing: whoever calls undoes a step that fails. Start with [`Docket`].

use rusqlite::Connection;
use serde_json::{Value, json};

use super::canary;
pub use super::decided::{Accepted, Applied, Automatic, Moved};
use super::explain;
use super::fault::{Kind, Result, StoreError};
use super::ledger::{self, Asked};
use super::prompts::{self, Activation, Deed};
use super::proposals::{
    Filter, Kept, Plan, Proposals, insert, insert_outcome, insert_run, next_id, prompt_fault, stand,
};
use crate::domain::call::Millis;
use crate::domain::governance::{Governance, Guard};
use crate::domain::identity::{Digest, Identity};
use crate::domain::ledger::Action;
use crate::domain::proposal::{Drafter, Kind as Of, Proposal, ProposalId, Risk, Standing};
use crate::domain::settled::Settled;
use crate::domain::window::time;
use crate::engine::govern::{Act, Bench, Matter, Permit};
use crate::engine::seal::{Pen, canonical, digest};
use crate::engine::told::{Body, vouches};

/// The proposals before whoever holds the pen, at one moment, under the store's rules.
#[derive(Debug, Clone, Copy)]
pub struct Docket<'a> {
    pub(super) db: &'a Connection,
    pub(super) pen: Option<&'a Pen>,
    pub(super) rules: &'a Governance,
    pub(super) now: Millis,
}

impl<'a> Docket<'a> {
    /// On a connection that is inside a write transaction.
    pub fn new(db: &'a Connection, pen: Option<&'a Pen>, rules: &'a Governance, now: Millis) -> Docket<'a> {
        Docket { db, pen, rules, now }
    }

    /// The proposals of the store.
    pub fn proposals(&self) -> Proposals<'a> {
        Proposals::new(self.db)
    }

    /// Takes steps that belong together: where one fails, nothing of them is written, whatever the caller does then.
    pub fn whole<T>(&self, steps: impl FnOnce(&Docket<'a>) -> Result<T>) -> Result<T> {
        self.db.execute_batch("SAVEPOINT docket")?;
        let done = steps(self);
        // A full disk and the like have ended the whole transaction already.
        if !self.db.is_autocommit() {
            let end = if done.is_ok() { "RELEASE docket" } else { "ROLLBACK TO docket; RELEASE docket" };
            self.db.execute_batch(end)?;
        }
        done
    }

    /// Records a proposal; those of the same prompt and cause that wait are superseded. Its number, its time and the
    /// digest of its evidence are the store's to say, whatever it comes with.
    pub fn propose(&self, proposal: Proposal) -> Result<Proposal> {
        if let Drafter::Steward { steward } = &proposal.drafted_by
            && self.pen.map(|pen| pen.identity().to_string()).as_ref() != Some(steward)
        {
            return Err(unfit(format!("it says that {steward} wrote it, who does not sign")));
        }
        let filter = Filter {
            prompt: Some(proposal.prompt_uri.clone()),
            cause: Some(proposal.evidence.cause.clone()),
            standing: None,
        };
        let earlier = self.proposals().list(&filter, self.now)?;
        let made = self.add(proposal, Act::Propose, Action::Propose, json!({}))?;
        for old in earlier.iter().filter(|old| old.standing.is_open()) {
            let asked = self.asked(Act::Propose, &old.proposal);
            let by = json!({"by": made.proposal.id});
            self.step(&asked, old, Action::Supersede, by, Standing::Superseded, None)?;
        }
        Ok(made.proposal)
    }

    /// Puts another text in the place of a proposal's: a new proposal, by the steward who signs, supersedes it. `risk` is
    /// that of the new text, which keeps none of the promises of the old one.
    pub fn modify(&self, id: ProposalId, text: String, risk: Risk) -> Result<Proposal> {
        let old = self.waiting(id)?;
        let Some(pen) = self.pen else { return Err(crate::engine::govern::Refusal::Nobody.into()) };
        if old.proposal.kind == Of::Rollback {
            return Err(unfit("a rollback has no text of its own to modify".into()));
        }
        if text == old.proposal.text {
            return Err(unfit("the text is the same as before".into()));
        }
        let drafted_by = Drafter::Steward { steward: pen.identity().to_string() };
        let (predicted, evidence) = (Vec::new(), old.proposal.evidence.untried());
        let proposal = Proposal { text, evidence, predicted, risk, drafted_by, ..old.proposal.clone() };
        let details = json!({"from": id, "fromTextDigest": old.text_digest()});
        self.replace(&old, proposal, Act::Modify, Action::Modify, details)
    }

    /// Moves a proposal whose base is active no more onto the version that is: a new proposal supersedes it.
    pub fn rebase(&self, id: ProposalId, moved: Moved) -> Result<Proposal> {
        let old = self.waiting(id)?;
        if moved.base_version == old.proposal.base_version {
            return Err(unfit(format!("{id} is for {} already", moved.base_version)));
        }
        let (Moved { base_version, text, risk, run }, evidence) = (moved, old.proposal.evidence.untried());
        let proposal = Proposal { base_version, text, evidence, risk, run, ..old.proposal.clone() };
        let details = json!({"from": id, "fromBaseVersion": old.proposal.base_version});
        self.replace(&old, proposal, Act::Propose, Action::Rebase, details)
    }

    /// Accepts a proposal whose text has the digest `shown`: applies it, or, where more must sign, records the signature.
    /// Of one whose canary runs, the version becomes the active one, of core by as many signatures once more.
    pub fn accept(&self, id: ProposalId, shown: Digest, note: Option<&str>) -> Result<Accepted> {
        if canary::of(self.db, id)?.is_some_and(|canary| canary.is_running()) {
            let kept = self.entered(id)?;
            looked_at(&kept, shown)?;
            return self.look_again(id, note.unwrap_or("accepted for all"));
        }
        let kept = self.waiting(id)?;
        self.alone(&kept)?;
        let plan = self.proposals().plan(&kept.proposal)?;
        looked_at(&kept, shown)?;
        let signatures = self.proposals().signatures(id)?;
        let signed: Vec<Identity> = signatures.iter().map(|(who, _)| who.clone()).collect();
        let authors = self.proposals().authors(&kept)?;
        let bench = Bench {
            owned: true,
            reviewers: self.rules.reviewers.of(kept.proposal.prompt_uri.scope()),
            signed: &signed,
            modified_by: &authors,
            author_may_accept: self.rules.author_may_accept,
        };
        let asked =
            Asked { pen: self.pen, act: Act::Accept, matter: matter(&kept.proposal, Some(&plan)), bench };
        let permit = ledger::permit(self.db, &asked, self.now)?;
        let (given, needed) = permit.signatures();
        let entries: Vec<Value> =
            signatures.iter().map(|(who, entry)| json!({"steward": who, "entry": entry})).collect();
        let details = json!({"note": note, "shown": shown, "signatures": entries, "needed": needed});
        if !permit.is_complete() {
            self.step(&asked, &kept, Action::Sign, details, kept.standing, kept.until)?;
            return Ok(Accepted::Signed(given, needed));
        }
        self.apply(&asked, &kept, &plan, Action::Accept, details, note).map(Accepted::Applied)
    }

    /// Applies a proposal without a person, where the rules let the agent; else says why it is left to a steward.
    pub fn auto_apply(&self, id: ProposalId) -> Result<Automatic> {
        let kept = self.waiting(id)?;
        let plan = self.proposals().plan(&kept.proposal)?;
        if let Err(error) = self.alone(&kept) {
            return Ok(Automatic::Left(error.to_string()));
        }
        let asked = Asked::once(self.pen, Act::AutoApply, matter(&kept.proposal, Some(&plan)));
        let permit = match ledger::permit(self.db, &asked, self.now) {
            Ok(permit) => permit,
            Err(error) if error.kind == Kind::Refused => return Ok(Automatic::Left(error.to_string())),
            Err(error) => return Err(error),
        };
        let why = self.why(&kept.proposal, &permit)?;
        let details = json!({"why": why, "shown": kept.text_digest()});
        let applied = self.apply(&asked, &kept, &plan, Action::AutoApply, details, Some(&why))?;
        Ok(Automatic::Applied(applied, why))
    }

    /// Rejects a proposal; the reason is a constraint on later drafts. The base may have moved on.
    pub fn reject(&self, id: ProposalId, reason: &str) -> Result<u64> {
        let reason = said(reason, "a rejection needs a reason: it is a constraint on later drafts")?;
        self.judge(&self.waiting(id)?, Action::Reject, json!({"reason": reason}), Standing::Rejected, None)
    }

    /// Puts a proposal off until a later moment, ms; one that is put off can wait again at once.
    pub fn defer(&self, id: ProposalId, until: Millis) -> Result<u64> {
        let kept = self.waiting(id)?;
        if until < self.now || until == self.now && kept.standing != Standing::Deferred {
            return Err(unfit(format!("{} is not in the future", time(until))));
        }
        let details = json!({"until": time(until)});
        self.judge(&kept, Action::Defer, details, Standing::Deferred, Some(until))
    }

    /// Says something about a proposal, whatever has become of it.
    pub fn comment(&self, id: ProposalId, text: &str) -> Result<u64> {
        let text = said(text, "there is nothing to say in an empty comment")?;
        let kept = self.entered(id)?;
        let (standing, until) = (kept.standing, kept.until);
        self.judge(&kept, Action::Comment, json!({"text": text}), standing, until)
    }

    /// Marks a proposal whose base is active no more, and which could not be moved, as stale.
    pub fn mark_stale(&self, id: ProposalId, reason: &str) -> Result<u64> {
        let kept = self.waiting(id)?;
        match self.proposals().plan(&kept.proposal) {
            Err(error) if error.kind == Kind::Changed => {}
            Err(error) => return Err(error),
            Ok(_) => return Err(unfit(format!("{id} still fits the active version"))),
        }
        let asked = self.asked(Act::Propose, &kept.proposal);
        self.step(&asked, &kept, Action::Stale, json!({"reason": reason}), Standing::Stale, None)
    }

    /// Settles what came of an applied proposal, once.
    pub fn settle(&self, id: ProposalId, settled: &Settled) -> Result<u64> {
        let kept = self.entered(id)?;
        if !matches!(kept.standing, Standing::Accepted | Standing::AutoApplied) {
            return Err(unfit(format!("{id} is {}, and has no outcome", kept.standing.as_str())));
        }
        if self.proposals().outcome(id)?.is_some() {
            return Err(StoreError::new(Kind::Changed, format!("the outcome of {id} is settled already")));
        }
        let body = written(settled)?;
        let mut payload = rests_on(&kept);
        add(
            &mut payload,
            json!({"outcomeDigest": digest(body.as_bytes()), "judgement": settled.judgement, "version": kept.version}),
        );
        let asked = self.asked(Act::Propose, &kept.proposal);
        let (entry, _) = ledger::enter(self.db, &asked, self.now, Action::Outcome, &id.to_string(), payload)?;
        insert_outcome(self.db, id, self.now, &body, entry.seq)?;
        Ok(entry.seq)
    }

    /// The number that the next run gets: for the proposals that it makes in the same transaction.
    pub fn next_run(&self) -> Result<u64> {
        next_id(self.db, "agent_run")
    }

    /// Keeps the record of a run of the agent, one that was refused as well; its number.
    pub fn record_run(&self, record: &Value) -> Result<u64> {
        let Some(pen) = self.pen.filter(|pen| matches!(pen.identity(), Identity::Agent(..))) else {
            return Err(StoreError::new(Kind::Refused, "a run is signed by the agent whose it is"));
        };
        let (id, body) = (self.next_run()?, written(record)?);
        let payload = json!({"run": id, "runDigest": digest(body.as_bytes())});
        let entry = ledger::ran(self.db, pen, self.now, &pen.identity().to_string(), payload)?;
        insert_run(self.db, id, self.now, &body, entry.seq)?;
        Ok(id)
    }

    /// The proposal as it was entered. One whose row says something else than its entry is damage, not a proposal.
    pub(super) fn entered(&self, id: ProposalId) -> Result<Kept> {
        let kept = self.proposals().get(id)?;
        let entry = ledger::entry(self.db, kept.entry)?;
        let told = vouches(&entry, Body::Proposal).is_some_and(|told| told.digest == kept.digest);
        if !told || kept.proposal.id != id {
            let seq = entry.seq;
            return Err(StoreError::corrupt(format_args!("{id} is not what entry {seq} of the ledger says")));
        }
        Ok(kept)
    }

    /// The same, while it waits for a decision.
    fn waiting(&self, id: ProposalId) -> Result<Kept> {
        let kept = self.entered(id)?;
        if kept.standing.is_open() {
            return Ok(kept);
        }
        let what = format!(
            "{id} is {} already. Nothing was written; `human prompts proposals show {id}` says by whom and why",
            kept.standing.as_str()
        );
        Err(StoreError::new(Kind::Changed, what))
    }

    /// Enters a proposal that is new, and adds its row.
    fn add(&self, proposal: Proposal, act: Act, action: Action, details: Value) -> Result<Kept> {
        let proposal = Proposal {
            id: ProposalId(next_id(self.db, "proposal")?),
            evidence_digest: digest(canonical(&proposal.evidence).as_bytes()).to_string(),
            created_at: self.now,
            ..proposal
        };
        if proposal.prompt_uri.version.is_some() {
            return Err(unfit("it names its prompt with a version".into()));
        }
        self.proposals().plan(&proposal)?;
        let body = written(&proposal)?;
        let kept = Kept {
            digest: digest(body.as_bytes()),
            standing: Standing::Open,
            until: None,
            version: None,
            entry: 0,
            proposal,
        };
        let asked = self.asked(act, &kept.proposal);
        let mut payload = rests_on(&kept);
        add(&mut payload, json!({"cause": kept.proposal.evidence.cause, "risk": kept.proposal.risk}));
        add(&mut payload, json!({"draftedBy": kept.proposal.drafted_by, "title": kept.proposal.title}));
        add(&mut payload, details);
        let (entry, _) =
            ledger::enter(self.db, &asked, self.now, action, &kept.proposal.id.to_string(), payload)?;
        insert(self.db, &kept.proposal, &body, entry.seq)?;
        Ok(Kept { entry: entry.seq, ..kept })
    }

    /// Puts a proposal in the place of another, by one entry.
    fn replace(
        &self,
        old: &Kept,
        proposal: Proposal,
        act: Act,
        action: Action,
        details: Value,
    ) -> Result<Proposal> {
        let made = self.add(proposal, act, action, details)?;
        stand(self.db, old.proposal.id, Standing::Superseded, None, None, made.entry)?;
        Ok(made.proposal)
    }

    /// One entry about a proposal, and what becomes of it.
    pub(super) fn step(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        action: Action,
        details: Value,
        standing: Standing,
        until: Option<Millis>,
    ) -> Result<u64> {
        let mut payload = rests_on(kept);
        add(&mut payload, details);
        let id = kept.proposal.id;
        let (entry, _) = ledger::enter(self.db, asked, self.now, action, &id.to_string(), payload)?;
        // What stays as it was, as under a comment, stays with its version.
        let version = kept.version.as_ref().filter(|_| standing == kept.standing);
        stand(self.db, id, standing, until, version, entry.seq)?;
        Ok(entry.seq)
    }

    fn judge(
        &self,
        kept: &Kept,
        action: Action,
        details: Value,
        standing: Standing,
        until: Option<Millis>,
    ) -> Result<u64> {
        self.step(&self.asked(Act::Judge, &kept.proposal), kept, action, details, standing, until)
    }

    /// Enters the decision and makes the version active, or begins its canary.
    fn apply(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        plan: &Plan,
        action: Action,
        details: Value,
        reason: Option<&str>,
    ) -> Result<Applied> {
        let proposal = &kept.proposal;
        let (uri, rolled_back) = (&proposal.prompt_uri, proposal.kind == Of::Rollback);
        // Going back is what a guard does; it needs none.
        let share = (self.rules.guard == Guard::Canary && !rolled_back).then_some(self.rules.canary_share);
        let file = plan.file.with_version(&plan.version).map_err(|fault| unfit(fault.what))?;
        let mut payload = rests_on(kept);
        add(
            &mut payload,
            json!({"version": plan.version, "digest": file.digest(), "previousActive": proposal.base_version,
                   "change": plan.change.as_str()}),
        );
        add(&mut payload, details);
        let why =
            reason.map_or_else(|| proposal.id.to_string(), |reason| format!("{}: {reason}", proposal.id));
        let actor = self.actor();
        let deed = Deed { at: self.now, actor: &actor, reason: Some(&why) };
        let version = uri.at(plan.version.clone());
        // Written first, so that the entry says what is there; both are in the caller's transaction.
        if rolled_back {
            prompts::rollback(self.db, uri, Some(&plan.version), deed).map_err(prompt_fault)?;
        } else {
            let activation = if share.is_some() { Activation::No } else { Activation::Now };
            prompts::publish(self.db, &file, activation, deed).map_err(prompt_fault)?;
            add(&mut payload, json!({"published": explain::published(self.db, &version)?}));
        }
        match share {
            // What the signature covers: whatever the guard's stop rule does then.
            Some(share) => add(&mut payload, json!({"guard": {"guard": Guard::Canary, "share": share}})),
            None => add(&mut payload, json!({"activated": explain::activated(self.db, &version)?})),
        }
        let (entry, _) = ledger::enter(self.db, asked, self.now, action, &proposal.id.to_string(), payload)?;
        let standing = if action == Action::AutoApply { Standing::AutoApplied } else { Standing::Accepted };
        stand(self.db, proposal.id, standing, None, Some(&plan.version), entry.seq)?;
        if let Some(share) = share {
            let number = canary::next(self.db)?;
            let mut payload = rests_on(kept);
            add(&mut payload, json!({"canary": canary::fact(number, proposal.id, &version, share)}));
            let subject = proposal.id.to_string();
            let (entry, _) = ledger::enter(self.db, asked, self.now, Action::Canary, &subject, payload)?;
            canary::begin(self.db, number, proposal.id, &version, share, entry.seq)?;
            stand(self.db, proposal.id, standing, None, Some(&plan.version), entry.seq)?;
        }
        Ok(Applied {
            proposal: proposal.id,
            uri: version,
            previous: proposal.base_version.clone(),
            change: plan.change,
            rolled_back,
            canary: share,
            entry: entry.seq,
        })
    }

    /// Who signs, as rows name them.
    pub(super) fn actor(&self) -> String {
        self.pen.map_or(Identity::System, |pen| pen.identity().clone()).to_string()
    }

    pub(super) fn asked<'p>(&self, act: Act, proposal: &'p Proposal) -> Asked<'p>
    where
        'a: 'p,
    {
        Asked::once(self.pen, act, matter(proposal, None))
    }

    /// Why the agent may apply a proposal.
    fn why(&self, proposal: &Proposal, permit: &Permit) -> Result<String> {
        debug_assert_eq!(permit.act(), Act::AutoApply);
        let trust = ledger::trust(self.db)?;
        let granted = self.pen.and_then(|pen| trust.granted(pen.identity()));
        let grant = granted.map_or(String::new(), |granted| {
            let until = time(granted.grant.expires_at);
            format!(", under the grant of {} (entry {}, until {until})", granted.by, granted.entry)
        });
        let flag = match proposal.prompt_uri.place.user() {
            Some(user) => format!("a patch to whose tuning {user} consents"),
            None => "an org prompt that says `human.autoTune: true`".into(),
        };
        Ok(format!("{flag}, and a change of {} risk{grant}", proposal.risk.level.as_str()))
    }
}

/// What a proposal is about. What the prompt allows is what its active version says, never what the proposal would have
/// it say.
pub(super) fn matter<'p>(proposal: &'p Proposal, plan: Option<&Plan>) -> Matter<'p> {
    Matter {
        prompt: Some(&proposal.prompt_uri),
        auto_tune: plan.is_some_and(|plan| plan.base.auto_tune),
        consent: plan.is_some_and(|plan| plan.base.consent),
        risk: Some(proposal.risk.level),
    }
}

/// Whether the text that was looked at is the one that is decided on.
fn looked_at(kept: &Kept, shown: Digest) -> Result<()> {
    let (id, is) = (kept.proposal.id, kept.text_digest());
    if shown == is {
        return Ok(());
    }
    Err(StoreError::new(
        Kind::Changed,
        format!(
            "the text of {id} has the digest {is}, and {shown} was looked at. Nothing was written. Look at it with `human \
             prompts proposals show {id}`, and accept what it shows"
        ),
    ))
}

/// What every entry about a proposal says that it rests on.
pub(super) fn rests_on(kept: &Kept) -> Value {
    let proposal = &kept.proposal;
    json!({
        "proposal": proposal.id,
        "prompt": proposal.prompt_uri,
        "kind": proposal.kind,
        "baseVersion": proposal.base_version,
        "textDigest": kept.text_digest(),
        "evidenceDigest": proposal.evidence_digest,
        "proposalDigest": kept.digest,
    })
}

/// Adds members to an object.
pub(super) fn add(to: &mut Value, more: Value) {
    if let (Value::Object(to), Value::Object(more)) = (to, more) {
        to.extend(more.into_iter().filter(|(_, value)| !value.is_null()));
    }
}

/// Canonical JSON that reads back. Numbers that are none have no JSON.
fn written<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> Result<String> {
    let body = canonical(value);
    serde_json::from_str::<T>(&body).map_err(|e| unfit(format!("it cannot be written down ({e})")))?;
    Ok(body)
}

pub(super) fn said<'t>(text: &'t str, or: &str) -> Result<&'t str> {
    let text = text.trim();
    if text.is_empty() { Err(unfit(or.to_owned())) } else { Ok(text) }
}

fn unfit(what: String) -> StoreError {
    StoreError::new(Kind::Unfit, what)
}
