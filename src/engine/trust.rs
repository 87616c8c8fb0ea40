//! Whom a store trusts: the fold of its ledger's entries about owners, stewards and grants.
//!
//! The same fold says who may write now and, entry by entry, whether an old entry's writer was allowed to. Start with
//! [`Trust`].

use std::collections::BTreeMap;

use serde::Deserialize;

use super::govern::{Actor, Refusal, holds};
use super::seal::Pen;
use crate::domain::identity::{Grant, GrantScope, Identity, PublicKey};
use crate::domain::ledger::{Action, Entry};
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::window::instant;

/// What `own` and `trust` say.
#[derive(Debug, Deserialize)]
struct Named {
    steward: Identity,
    key: PublicKey,
}

/// A steward of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Steward {
    /// The key that is trusted.
    pub key: PublicKey,
    /// The entry that says so.
    pub since: u64,
    /// Whether the key is trusted no more.
    pub distrusted: bool,
}

/// An agent's newest grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// What it allows.
    pub grant: Grant,
    /// The entry that says so.
    pub entry: u64,
    /// Who gave it.
    pub by: Identity,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// Whom a store trusts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trust {
    owner: Option<Identity>,
    stewards: BTreeMap<Identity, Steward>,
    grants: BTreeMap<Identity, Granted>,
}

/// Why an entry of a chain that holds is not to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Breach {
    /// It says who is trusted, and cannot be read.
    #[error("entry {seq} ({action}) cannot be read: {why}")]
    Unreadable {
        /// Which.
        seq: u64,
        /// What it does.
        action: Action,
        /// Why not.
        why: String,
    },
    /// There was an owner already.
    #[error("entry {0} makes an owner where there is one")]
    SecondOwner(u64),
    /// Its writer was not allowed to.
    #[error("entry {seq} ({action} by {actor}) was not allowed: {why}")]
    NotAllowed {
        /// Which.
        seq: u64,
        /// What it does.
        action: Action,
        /// Who wrote it.
        actor: Identity,
        /// Why not.
        why: String,
    },
}

impl Trust {
    /// The fold of the entries about trust, in order; other entries are passed over.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e Entry>) -> Result<Trust, Breach> {
        let mut trust = Trust::default();
        entries.into_iter().try_for_each(|entry| trust.follow(entry))?;
        Ok(trust)
    }

    /// Whether an entry says whom to trust.
    pub fn is_about(action: Action) -> bool {
        matches!(action, Action::Own | Action::Trust | Action::Distrust | Action::Grant | Action::Revoke)
    }

    /// Takes in the next entry, without asking whether its writer was allowed to: see [`Trust::allows`].
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Breach> {
        let unreadable = |why: String| Breach::Unreadable { seq: entry.seq, action: entry.action, why };
        let named = || Named::deserialize(&entry.payload).map_err(|e| unreadable(e.to_string()));
        let about = || entry.subject.parse::<Identity>().map_err(|e| unreadable(e.to_string()));
        match entry.action {
            Action::Own | Action::Trust => {
                let Named { steward, key } = named()?;
                if entry.action == Action::Own {
                    if self.owner.is_some() {
                        return Err(Breach::SecondOwner(entry.seq));
                    }
                    self.owner = Some(steward.clone());
                }
                self.stewards.insert(steward, Steward { key, since: entry.seq, distrusted: false });
            }
            Action::Distrust => {
                if let Some(steward) = self.stewards.get_mut(&about()?) {
                    steward.distrusted = true;
                }
            }
            Action::Grant => {
                let grant = Grant::deserialize(&entry.payload).map_err(|e| unreadable(e.to_string()))?;
                let by = entry.actor.clone();
                let granted = Granted { entry: entry.seq, by, revoked: false, grant };
                self.grants.insert(granted.grant.agent.clone(), granted);
            }
            Action::Revoke => {
                if let Some(granted) = self.grants.get_mut(&about()?) {
                    granted.revoked = true;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// The first steward, if there is one.
    pub fn owner(&self) -> Option<&Identity> {
        self.owner.as_ref()
    }

    /// All stewards that were ever trusted, by identity.
    pub fn stewards(&self) -> impl Iterator<Item = (&Identity, &Steward)> {
        self.stewards.iter()
    }

    /// All grants that were ever given, the newest of each agent.
    pub fn grants(&self) -> impl Iterator<Item = &Granted> {
        self.grants.values()
    }

    /// An agent's newest grant.
    pub fn granted(&self, agent: &Identity) -> Option<&Granted> {
        self.grants.get(agent)
    }

    /// Whether the steward's key is trusted.
    pub fn trusts(&self, steward: &Identity, key: PublicKey) -> bool {
        self.stewards.get(steward).is_some_and(|known| known.key == key && !known.distrusted)
    }

    /// Whoever holds the pen, as `engine::govern` asks for them.
    pub fn actor<'a>(&'a self, pen: Option<&'a Pen>) -> Actor<'a> {
        match pen {
            None => Actor::System,
            Some(pen) => self.actor_of(pen.identity(), Some(pen.public_key())),
        }
    }

    fn actor_of<'a>(&'a self, identity: &'a Identity, key: Option<PublicKey>) -> Actor<'a> {
        let Some(key) = key else { return Actor::System };
        match identity {
            Identity::Steward(..) => Actor::Steward { identity, trusted: self.trusts(identity, key) },
            Identity::Agent(..) => {
                let granted = self.grants.get(identity);
                let grant = granted.filter(|granted| !granted.revoked).map(|granted| &granted.grant);
                Actor::Agent { identity, key, grant, revoked: granted.is_some_and(|granted| granted.revoked) }
            }
            Identity::System => Actor::System,
        }
    }

    /// Whether the writer of an entry whose chain holds was allowed to write it, by what the entries before it say.
    ///
    /// Of agents their grant is asked, at the entry's own time, for the prompt that it is about, and that they apply
    /// nothing to core. What the prompt's flags allowed, the store asked when it was written.
    pub fn allows(&self, entry: &Entry) -> Result<(), Breach> {
        let refused = |why: String| Breach::NotAllowed {
            seq: entry.seq,
            action: entry.action,
            actor: entry.actor.clone(),
            why,
        };
        if entry.action == Action::Own {
            let Named { steward, key } =
                Named::deserialize(&entry.payload).map_err(|e| refused(e.to_string()))?;
            let own = steward == entry.actor && Some(key) == entry.key && steward.is_steward();
            return if own { Ok(()) } else { Err(refused("an owner signs for itself".into())) };
        }
        match self.actor_of(&entry.actor, entry.key) {
            Actor::System if self.owner.is_none() => Ok(()),
            Actor::System => Err(refused(Refusal::Nobody.to_string())),
            Actor::Steward { trusted: true, .. } if entry.action != Action::AutoApply => Ok(()),
            Actor::Steward { .. } => Err(refused(Refusal::NotTrusted(entry.actor.clone()).to_string())),
            Actor::Agent { grant: None, revoked, .. } => {
                let agent = entry.actor.clone();
                let why = if revoked { Refusal::Revoked(agent) } else { Refusal::NoGrant(agent) };
                // A run that was refused is recorded all the same.
                if entry.action == Action::Run { Ok(()) } else { Err(refused(why.to_string())) }
            }
            Actor::Agent { identity, key, grant: Some(grant), .. } => {
                let scope = match entry.action {
                    Action::AutoApply | Action::Canary | Action::Promote => GrantScope::PromptsAutoApply,
                    Action::Propose
                    | Action::Rebase
                    | Action::Stale
                    | Action::Supersede
                    | Action::Stop
                    | Action::Outcome => GrantScope::ProposalsWrite,
                    Action::Run => return Ok(()),
                    _ => return Err(refused("it is a steward's to decide".into())),
                };
                let at = instant(&entry.at).map_err(&refused)?;
                let prompt = entry.payload["prompt"].as_str().and_then(|uri| uri.parse::<PromptUri>().ok());
                let prompt =
                    prompt.ok_or_else(|| refused("it does not say which prompt it is about".into()))?;
                let applies = matches!(entry.action, Action::AutoApply | Action::Canary | Action::Promote);
                if applies && prompt.scope() == Scope::Core {
                    return Err(refused(Refusal::Core.to_string()));
                }
                holds(identity, key, grant, scope, Some(&prompt), at)
                    .map_err(|refusal| refused(refusal.to_string()))
            }
        }
    }
}
