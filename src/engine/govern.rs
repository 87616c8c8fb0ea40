//! Who may do what: the one function that governs, called by command line, console and agent alike, and called again
//! inside the write transaction.
//!
//! | Prompt | Applied by the agent | Otherwise |
//! |---|---|---|
//! | core | never, whatever any flag says | a steward decides |
//! | org, `autoTune`, low risk | yes | a steward decides |
//! | org, all others | no | a steward decides |
//! | user patch | with the user's consent, at low risk | the user consents, or it stays |
//!
//! A [`Permit`] cannot be made outside this file, and the store applies nothing without one. Start with [`govern`].

use crate::domain::call::Millis;
use crate::domain::identity::{Grant, GrantScope, Identity, PublicKey};
use crate::domain::prompt::{Place, PromptUri, Scope};
use crate::domain::proposal::RiskLevel;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Publish a version by hand, label, activate or roll back.
    Author,
    /// Make, rebase, supersede or withdraw a proposal; record a run or an outcome.
    Propose,
    /// Accept a proposal.
    Accept,
    /// Change a proposal's text.
    Modify,
    /// Reject, defer or comment.
    Judge,
    /// Take back a rejection.
    Reopen,
    /// Apply a proposal without a person.
    AutoApply,
    /// Make a canary's version the active one, as its acceptance foresees.
    Promote,
    /// Stop a canary: what is active stays.
    Stop,
    /// Trust or distrust a steward; grant to an agent, or revoke.
    Delegate,
}

/// Who asks, as the store knows it at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Actor<'a> {
    /// A person with a key.
    Steward {
        /// Who.
        identity: &'a Identity,
        /// Whether the store trusts the key that will sign.
        trusted: bool,
    },
    /// A program with a key.
    Agent {
        /// Which.
        identity: &'a Identity,
        /// The key that will sign.
        key: PublicKey,
        /// Its newest grant that is not revoked.
        grant: Option<&'a Grant>,
        /// Whether there was one that has been revoked since.
        revoked: bool,
    },
    /// Nobody: no key.
    System,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matter<'a> {
    /// The prompt, where it is about one.
    pub prompt: Option<&'a PromptUri>,
    /// Whether its active version lets the agent apply (org prompts).
    pub auto_tune: bool,
    /// Whether the user consents (user patches).
    pub consent: bool,
    /// The risk of the change, where one is proposed.
    pub risk: Option<RiskLevel>,
}

impl Matter<'_> {
    /// What is about no prompt.
    pub const NOTHING: Matter<'static> =
        Matter { prompt: None, auto_tune: false, consent: false, risk: None };
}

/// The rules of the store, and who has signed already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bench<'a> {
    /// Whether the store has an owner. Before, what is done by hand is the system's.
    pub owned: bool,
    /// Signatures that an acceptance or a promotion of this scope needs: at least 1.
    pub reviewers: u32,
    /// Stewards who have signed for that already.
    pub signed: &'a [Identity],
    /// Whoever wrote or modified the proposal.
    pub modified_by: &'a [Identity],
    /// Whether somebody who modified a proposal may accept it.
    pub author_may_accept: bool,
}

impl Bench<'_> {
    /// One signature in a store that has an owner.
    pub const ONE: Bench<'static> =
        Bench { owned: true, reviewers: 1, signed: &[], modified_by: &[], author_may_accept: true };
}

/// Leave to do one thing. Made by [`govern`] alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    act: Act,
    signatures: u32,
    needed: u32,
}

impl Permit {
    /// What it is for.
    pub fn act(&self) -> Act {
        self.act
    }

    /// Whether enough have signed for it to take effect; else the signature is only recorded.
    pub fn is_complete(&self) -> bool {
        self.signatures >= self.needed
    }

    /// Signatures with this one, and how many are needed: `1 of 2`.
    pub fn signatures(&self) -> (u32, u32) {
        (self.signatures, self.needed)
    }
}

/// Why something may not be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No key signs.
    #[error(
        "nobody signs: a decision needs a steward's key. Make one with `human steward init NAME`, and have the store's owner trust it"
    )]
    Nobody,
    /// The steward is not trusted here.
    #[error(
        "{0} is not trusted in this store with the key that signs. Its owner trusts a steward with `human steward trust FILE`"
    )]
    NotTrusted(Identity),
    /// An agent may never do this.
    #[error("{agent} is an agent, and {what} is a steward's to decide")]
    NotForAgents {
        /// Which.
        agent: Identity,
        /// What.
        what: &'static str,
    },
    /// The agent has no grant.
    #[error(
        "{0} has no grant in this store. A steward gives one with `human agent grant --scope SCOPE --expires 30d`"
    )]
    NoGrant(Identity),
    /// It was revoked.
    #[error("the grant of {0} was revoked")]
    Revoked(Identity),
    /// It is over.
    #[error("the grant of {agent} ended at {}", crate::domain::window::time(*at))]
    Expired {
        /// Which.
        agent: Identity,
        /// When, ms.
        at: Millis,
    },
    /// Another key signs.
    #[error(
        "{0} signs with another key than the one that its grant names. Run it where that key is, or `human agent grant` here names the one that is here"
    )]
    OtherKey(Identity),
    /// It is for other things.
    #[error("the grant of {agent} does not allow `{scope}`")]
    OutOfScope {
        /// Which.
        agent: Identity,
        /// What it would need.
        scope: GrantScope,
    },
    /// It is for other prompts.
    #[error("the grant of {agent} is for {allowed}, not for {prompt}")]
    OtherPrompts {
        /// Which.
        agent: Identity,
        /// What it is for.
        allowed: String,
        /// What it wanted.
        prompt: Box<PromptUri>,
    },
    /// Core prompts.
    #[error("core prompts are never applied automatically, whatever their flags say: a steward decides")]
    Core,
    /// Org prompts without the flag.
    #[error("the prompt does not say `human.autoTune: true`: a steward decides")]
    NoAutoTune,
    /// Too risky.
    #[error("the risk is {}, and only what is low is applied automatically: a steward decides", .0.as_str())]
    Risky(RiskLevel),
    /// The user has not consented.
    #[error(
        "{0} has not consented: a patch is its user's. It says `human.consent: true`, or the user accepts"
    )]
    NoConsent(String),
    /// Whoever wrote it may not accept it.
    #[error(
        "{0} modified this proposal, and somebody else has to accept it (`governance.author_may_accept = false`)"
    )]
    OwnWork(Identity),
    /// Signed before.
    #[error("{0} has signed already; it takes another steward")]
    SignedAlready(Identity),
}

/// Whether `actor` may do `act` with `matter` at `now`.
pub fn govern(
    act: Act,
    actor: &Actor<'_>,
    matter: &Matter<'_>,
    bench: &Bench<'_>,
    now: Millis,
) -> Result<Permit, Refusal> {
    match actor {
        Actor::System if act == Act::Author && !bench.owned => Ok(once(act)),
        Actor::System => Err(Refusal::Nobody),
        Actor::Steward { identity, trusted: false } => Err(Refusal::NotTrusted((*identity).clone())),
        Actor::Steward { identity, trusted: true } => steward(act, identity, matter, bench),
        Actor::Agent { identity, key, grant, revoked } => {
            let grant = match grant {
                Some(grant) => *grant,
                None if *revoked => return Err(Refusal::Revoked((*identity).clone())),
                None => return Err(Refusal::NoGrant((*identity).clone())),
            };
            agent(act, identity, *key, grant, matter, now)
        }
    }
}

fn once(act: Act) -> Permit {
    Permit { act, signatures: 1, needed: 1 }
}

fn steward(act: Act, identity: &Identity, matter: &Matter<'_>, bench: &Bench<'_>) -> Result<Permit, Refusal> {
    if act == Act::AutoApply {
        // Whoever signs decides; "automatically" is not a steward's to claim.
        return Err(Refusal::Nobody);
    }
    if matches!(act, Act::Accept | Act::Author | Act::Promote)
        && let Some(Place::User(org, user)) = matter.prompt.map(|prompt| &prompt.place)
    {
        let is_user = identity.org() == Some(org) && identity.name() == Some(user);
        if !is_user && !matter.consent && bench.owned {
            return Err(Refusal::NoConsent(user.to_string()));
        }
    }
    if !matches!(act, Act::Accept | Act::Promote) {
        return Ok(once(act));
    }
    if bench.modified_by.contains(identity) && !bench.author_may_accept {
        return Err(Refusal::OwnWork(identity.clone()));
    }
    if bench.signed.contains(identity) {
        return Err(Refusal::SignedAlready(identity.clone()));
    }
    Ok(Permit { act, signatures: bench.signed.len() as u32 + 1, needed: bench.reviewers.max(1) })
}

fn agent(
    act: Act,
    identity: &Identity,
    key: PublicKey,
    grant: &Grant,
    matter: &Matter<'_>,
    now: Millis,
) -> Result<Permit, Refusal> {
    let never = |what| Err(Refusal::NotForAgents { agent: identity.clone(), what });
    let scope = match act {
        // What is active stays when a canary is stopped, and a steward has approved it.
        Act::Propose | Act::Stop => GrantScope::ProposalsWrite,
        Act::AutoApply | Act::Promote => GrantScope::PromptsAutoApply,
        Act::Author => return never("what is published, activated or rolled back by hand"),
        Act::Accept => return never("accepting a proposal"),
        Act::Modify => return never("modifying a proposal"),
        Act::Judge => return never("rejecting, deferring or commenting"),
        Act::Reopen => return never("taking back a rejection"),
        Act::Delegate => return never("whom to trust"),
    };
    holds(identity, key, grant, scope, matter.prompt, now)?;
    if act == Act::AutoApply {
        table(matter)?;
    }
    if act == Act::Promote {
        promoted(matter)?;
    }
    Ok(once(act))
}

/// Whether a grant allows `scope` now: for what an agent reads, and for all that it writes.
pub fn holds(
    identity: &Identity,
    key: PublicKey,
    grant: &Grant,
    scope: GrantScope,
    prompt: Option<&PromptUri>,
    now: Millis,
) -> Result<(), Refusal> {
    let agent = || identity.clone();
    if grant.agent != *identity {
        return Err(Refusal::NoGrant(agent()));
    }
    if grant.key != key {
        return Err(Refusal::OtherKey(agent()));
    }
    if now >= grant.expires_at {
        return Err(Refusal::Expired { agent: agent(), at: grant.expires_at });
    }
    if !grant.scopes.contains(&scope) {
        return Err(Refusal::OutOfScope { agent: agent(), scope });
    }
    match prompt {
        Some(prompt) if !grant.prompts.covers(prompt) => Err(Refusal::OtherPrompts {
            agent: agent(),
            allowed: grant.prompts.to_string(),
            prompt: Box::new(prompt.clone()),
        }),
        _ => Ok(()),
    }
}

/// The table at the head of this file: what may be applied without a person.
fn table(matter: &Matter<'_>) -> Result<(), Refusal> {
    let risk = matter.risk.unwrap_or(RiskLevel::High);
    match matter.prompt {
        None => Err(Refusal::Core),
        Some(prompt) => match (prompt.scope(), &prompt.place) {
            (Scope::Core, _) => Err(Refusal::Core),
            (Scope::Org, _) if !matter.auto_tune => Err(Refusal::NoAutoTune),
            (Scope::User, place) if !matter.consent => {
                Err(Refusal::NoConsent(place.user().map(ToString::to_string).unwrap_or_default()))
            }
            _ if risk > RiskLevel::Low => Err(Refusal::Risky(risk)),
            _ => Ok(()),
        },
    }
}

/// What may be promoted without a person: whoever accepted it has signed for that, but core takes a second look.
fn promoted(matter: &Matter<'_>) -> Result<(), Refusal> {
    match matter.prompt {
        Some(prompt) if prompt.scope() == Scope::Org => Ok(()),
        Some(prompt) if prompt.scope() == Scope::User => match prompt.place.user() {
            Some(user) if !matter.consent => Err(Refusal::NoConsent(user.to_string())),
            _ => Ok(()),
        },
        _ => Err(Refusal::Core),
    }
}

#[cfg(test)]
#[path = "govern_tests.rs"]
mod tests;
