//! What the entries of a ledger say, taken together: the versions, activations and labels that they tell of, the rows of
//! proposals, runs, outcomes and cases that they vouch for, and how each proposal stands after each of them.
//!
//! An entry tells only of what its action writes: anybody may have a run recorded. Whoever checks a store compares its rows
//! with this; whoever checks a bundle asks the same of its entries. Start with [`Told::hear`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::domain::call::Millis;
use crate::domain::identity::{Digest, Identity};
use crate::domain::ledger::{Action, Entry};
use crate::domain::proposal::{ProposalId, Standing};
use crate::domain::window::instant;

/// Actions that publish a version.
const PUBLISHES: &[Action] = &[Action::Publish, Action::Accept, Action::AutoApply];
/// Actions that make a version the active one.
const ACTIVATES: &[Action] = &[
    Action::Publish,
    Action::Activate,
    Action::Rollback,
    Action::Accept,
    Action::AutoApply,
    Action::Promote,
];

/// What has rows whose bodies entries vouch for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Body {
    /// A proposal.
    Proposal,
    /// A run of the agent.
    Run,
    /// A settled outcome.
    Outcome,
    /// The cases of a prompt.
    Cases,
}

impl Body {
    /// All.
    pub const ALL: [Body; 4] = [Body::Proposal, Body::Run, Body::Outcome, Body::Cases];

    /// What payloads call its digest; which actions write it, whoever else repeats the digest; and what they call the
    /// number of what it belongs to.
    fn told(self) -> (&'static str, &'static [Action], &'static str) {
        match self {
            Body::Proposal => {
                ("proposalDigest", &[Action::Propose, Action::Rebase, Action::Modify], "proposal")
            }
            Body::Run => ("runDigest", &[Action::Run], "run"),
            Body::Outcome => ("outcomeDigest", &[Action::Outcome], "proposal"),
            Body::Cases => ("casesDigest", &[Action::Publish], "cases"),
        }
    }

    /// In words.
    pub fn as_str(self) -> &'static str {
        match self {
            Body::Proposal => "proposal",
            Body::Run => "run",
            Body::Outcome => "outcome",
            Body::Cases => "set of cases",
        }
    }
}

/// What an entry says of the body that it writes.
#[derive(Debug, Clone, PartialEq)]
pub struct Vouched {
    /// SHA-256 of the body; zeros where the entry has none that reads.
    pub digest: Digest,
    /// When it was entered, ms.
    pub at: Option<Millis>,
    /// Of a run its number, of a proposal and an outcome the proposal.
    pub of: Value,
}

/// The body that this entry writes; nothing where its action writes none.
pub fn vouches(entry: &Entry, body: Body) -> Option<Vouched> {
    let (key, writers, of) = body.told();
    let said = entry.payload.get(key).filter(|_| writers.contains(&entry.action))?;
    Some(Vouched {
        digest: digest(said),
        at: instant(&entry.at).ok(),
        of: entry.payload.get(of).cloned().unwrap_or_default(),
    })
}

/// Whether the entry is about the proposal with this digest.
pub fn is_about(entry: &Entry, proposal: Digest) -> bool {
    entry.payload.get(Body::Proposal.told().0).is_some_and(|said| digest(said) == proposal)
}

fn digest(said: &Value) -> Digest {
    said.as_str().and_then(|text| text.parse().ok()).unwrap_or(Digest::ZERO)
}

/// How a proposal stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What has become of it.
    pub standing: Standing,
    /// Of what is deferred: until when, ms.
    pub until: Option<Millis>,
    /// Of what was applied: the version that it became.
    pub version: Option<String>,
}

impl Step {
    const OPEN: Step = Step { standing: Standing::Open, until: None, version: None };

    fn waits(&self) -> bool {
        self.standing.is_open()
    }

    fn is_applied(&self) -> bool {
        matches!(self.standing, Standing::Accepted | Standing::AutoApplied)
    }
}

/// What the entries say.
#[derive(Debug, Default)]
pub struct Told {
    /// What is said of published versions, by `uri@version`, with the entry.
    pub versions: BTreeMap<String, (u64, Value)>,
    /// What is said of activations, in order.
    pub activations: Vec<(u64, Value)>,
    /// What is said of labels, by `uri` and label; the last word counts.
    pub labels: BTreeMap<(String, String), (u64, Value)>,
    /// The bodies, by entry.
    pub bodies: BTreeMap<(Body, u64), Vouched>,
    /// What became of proposals, by proposal and entry.
    pub steps: BTreeMap<(u64, u64), Step>,
    /// Entries that begin and end canaries.
    pub canaries: (Vec<u64>, Vec<u64>),
    /// What the entries say that cannot be.
    pub faults: Vec<String>,
    /// Each proposal's digest, and how it stands.
    proposals: BTreeMap<u64, (Digest, Step)>,
    /// Whose a canary is, by its number.
    tried: BTreeMap<u64, ProposalId>,
}

/// A word of an entry's payload; empty where there is none.
pub fn word(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// `uri@version` without the version.
pub fn unversioned(uri: &str) -> &str {
    uri.split_once('@').map_or(uri, |(uri, _)| uri)
}

fn named(payload: &Value, key: &str) -> Option<ProposalId> {
    payload[key].as_str()?.parse().ok()
}

impl Told {
    /// Takes in the next entry. That it follows from the ones before is the chain's to say, that its writer was allowed to
    /// write it [`Trust`](super::trust::Trust)'s.
    pub fn hear(&mut self, entry: &Entry) {
        self.prompts(entry);
        for body in Body::ALL {
            if let Some(vouched) = vouches(entry, body) {
                self.bodies.insert((body, entry.seq), vouched);
            }
        }
        if let Err(fault) = self.decisions(entry) {
            self.faults.push(format!("entry {} ({}) {fault}", entry.seq, entry.action));
        }
    }

    fn prompts(&mut self, entry: &Entry) {
        let Entry { seq, action, payload, actor, .. } = entry;
        // What was there before stands in the first entry alone.
        let found = if *seq == 1 { &payload["found"] } else { &Value::Null };
        let each = |key: &str, tellers: &[Action]| {
            let many = found[key].as_array().into_iter().flatten();
            let one = payload.get(key).filter(|_| tellers.contains(action));
            many.chain(one).cloned().collect::<Vec<Value>>()
        };
        let (versions, activations) = (each("published", PUBLISHES), each("activated", ACTIVATES));
        if matches!(actor, Identity::Agent(..)) {
            let prompt = word(payload, "prompt");
            for uri in versions.iter().chain(&activations).map(|fact| word(fact, "uri")) {
                if uri.starts_with("prompt://core/") {
                    self.faults.push(format!("entry {seq} changes {uri} without a steward's signature"));
                } else if unversioned(&uri) != prompt {
                    self.faults.push(format!("entry {seq} changes {uri}, and is about `{prompt}`"));
                }
            }
        }
        for fact in versions {
            let uri = word(&fact, "uri");
            if let Some((earlier, _)) = self.versions.insert(uri.clone(), (*seq, fact)) {
                self.faults.push(format!("entries {earlier} and {seq} both publish {uri}"));
            }
        }
        self.activations.extend(activations.into_iter().map(|fact| (*seq, fact)));
        for fact in each("labelled", &[Action::Label]) {
            let key = (unversioned(&word(&fact, "uri")).to_owned(), word(&fact, "label"));
            self.labels.insert(key, (*seq, fact));
        }
    }

    /// What the entry makes of proposals; what of it cannot be.
    fn decisions(&mut self, entry: &Entry) -> Result<(), String> {
        let Entry { seq, action, payload, .. } = entry;
        let to = |standing| Step { standing, ..Step::OPEN };
        let applied = |standing| Step { version: Some(word(payload, "version")), ..to(standing) };
        match action {
            Action::Propose | Action::Rebase | Action::Modify => {
                let made = named(payload, "proposal").ok_or("does not say which proposal it makes")?;
                let digest = vouches(entry, Body::Proposal).map_or(Digest::ZERO, |vouched| vouched.digest);
                if self.proposals.insert(made.0, (digest, Step::OPEN)).is_some() {
                    return Err(format!("makes {made}, which there was already"));
                }
                if *action != Action::Propose {
                    let from = named(payload, "from").ok_or("does not say which proposal it replaces")?;
                    return self.step(*seq, from, Step::waits, |_| to(Standing::Superseded));
                }
                Ok(())
            }
            Action::Supersede => self.decide(entry, Step::waits, |_| to(Standing::Superseded)),
            Action::Stale => self.decide(entry, Step::waits, |_| to(Standing::Stale)),
            Action::Reject => self.decide(entry, Step::waits, |_| to(Standing::Rejected)),
            Action::Accept => self.decide(entry, Step::waits, |_| applied(Standing::Accepted)),
            Action::AutoApply => self.decide(entry, Step::waits, |_| applied(Standing::AutoApplied)),
            Action::Defer => {
                let until = payload["until"].as_str().and_then(|until| instant(until).ok());
                self.decide(entry, Step::waits, |_| Step { until, ..to(Standing::Deferred) })
            }
            Action::Reopen => self.decide(entry, |s| s.standing == Standing::Rejected, |_| Step::OPEN),
            Action::Sign => self.decide(entry, |s| s.waits() || s.is_applied(), Step::clone),
            Action::Comment => self.decide(entry, |_| true, Step::clone),
            Action::Outcome => self.of(entry).map(drop),
            Action::Canary => {
                self.canaries.0.push(*seq);
                let number =
                    payload["canary"]["number"].as_u64().ok_or("begins a canary without a number")?;
                let (id, _) = self.of(entry)?;
                self.tried.insert(number, id);
                self.step(*seq, id, Step::is_applied, Step::clone)
            }
            Action::Promote | Action::Stop => {
                self.canaries.1.push(*seq);
                let whose = payload["canary"].as_u64().and_then(|number| self.tried.get(&number).copied());
                let id = whose.ok_or("ends a canary that none begins")?;
                if named(payload, "proposal").is_some_and(|named| named != id) {
                    return Err(format!("is not about {id}, whose canary it ends"));
                }
                self.step(*seq, id, Step::is_applied, Step::clone)
            }
            _ => Ok(()),
        }
    }

    /// The proposal that the entry is about, as it stands.
    fn of(&self, entry: &Entry) -> Result<(ProposalId, &Step), String> {
        let id = named(&entry.payload, "proposal").ok_or("is about no proposal")?;
        match self.proposals.get(&id.0) {
            Some((digest, step)) if is_about(entry, *digest) => Ok((id, step)),
            Some(_) => Err(format!("has another digest of {id} than the entry that makes it")),
            None => Err(format!("is about {id}, which no entry makes")),
        }
    }

    fn decide(
        &mut self,
        entry: &Entry,
        fits: impl Fn(&Step) -> bool,
        then: impl Fn(&Step) -> Step,
    ) -> Result<(), String> {
        let (id, _) = self.of(entry)?;
        self.step(entry.seq, id, fits, then)
    }

    /// One row of what became of a proposal, which `fits` it as it stood.
    fn step(
        &mut self,
        seq: u64,
        id: ProposalId,
        fits: impl Fn(&Step) -> bool,
        then: impl Fn(&Step) -> Step,
    ) -> Result<(), String> {
        let (_, now) =
            self.proposals.get_mut(&id.0).ok_or_else(|| format!("is about {id}, which no entry makes"))?;
        let before = now.standing.as_str();
        let fits = fits(now);
        *now = then(now);
        self.steps.insert((id.0, seq), now.clone());
        if fits { Ok(()) } else { Err(format!("is no step for {id}, which was {before}")) }
    }
}
