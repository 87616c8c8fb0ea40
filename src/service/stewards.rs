//! Who is trusted in a store: its owner, its stewards, the grants of agents. Every change enters the ledger, and is
//! decided there, inside the write transaction.

use serde_json::json;

use super::Service;
use super::error::Result;
use crate::domain::identity::{Grant, Identity, PublicKey};
use crate::domain::ledger::{Action, Entry};
use crate::engine::govern::{Act, Matter};
use crate::engine::seal::Pen;
use crate::engine::trust::Trust;
use crate::store::ledger::Asked;
use crate::store::{Kind, StoreError};

impl Service {
    /// Whom the store trusts.
    pub fn trust(&self) -> Result<Trust> {
        Ok(self.read()?.trust()?)
    }

    /// Makes whoever holds the pen the owner of a store that has none; `None` where there is one.
    pub fn own(&self, pen: &Pen) -> Result<Option<Entry>> {
        let pen = pen.clone();
        Ok(self.store.write(move |tx| {
            if tx.trust()?.owner().is_some() {
                return Ok(None);
            }
            let payload = json!({"steward": pen.identity(), "key": pen.public_key()});
            tx.own(&pen, payload).map(Some)
        })?)
    }

    /// Trusts a steward's key, in place of another that they had; `None` where it is trusted already.
    pub fn trust_key(&self, pen: Option<Pen>, steward: Identity, key: PublicKey) -> Result<Option<Entry>> {
        Ok(self.store.write(move |tx| {
            if tx.trust()?.trusts(&steward, key) {
                return Ok(None);
            }
            let payload = json!({"steward": steward, "key": key});
            let asked = Asked::once(pen.as_ref(), Act::Delegate, Matter::NOTHING);
            tx.enter(&asked, Action::Trust, &steward.to_string(), payload).map(Some)
        })?)
    }

    /// Trusts a steward no more; `None` where they are not trusted. The last one cannot be taken away: nobody could
    /// ever decide anything again.
    pub fn distrust(&self, pen: Option<Pen>, steward: Identity) -> Result<Option<Entry>> {
        Ok(self.store.write(move |tx| {
            let trust = tx.trust()?;
            let trusted: Vec<_> = trust.stewards().filter(|(_, known)| !known.distrusted).collect();
            let Some((_, known)) = trusted.iter().find(|(name, _)| **name == steward) else { return Ok(None) };
            let payload = json!({"steward": steward, "key": known.key});
            let asked = Asked::once(pen.as_ref(), Act::Delegate, Matter::NOTHING);
            let entry = tx.enter(&asked, Action::Distrust, &steward.to_string(), payload)?;
            if trusted.len() > 1 {
                return Ok(Some(entry));
            }
            let what = format!(
                "{steward} is the last steward that this store trusts: without one nobody could decide anything in it \
                 again. Trust another first, with `human steward trust FILE`."
            );
            Err(StoreError::new(Kind::Refused, what))
        })?)
    }

    /// Allows an agent something, in place of what it was allowed before.
    pub fn grant(&self, pen: Option<Pen>, grant: Grant) -> Result<Entry> {
        Ok(self.store.write(move |tx| {
            let asked = Asked::once(pen.as_ref(), Act::Delegate, Matter::NOTHING);
            tx.enter(&asked, Action::Grant, &grant.agent.to_string(), json!(grant))
        })?)
    }

    /// Takes an agent's grant back; `None` where it has none.
    pub fn revoke(&self, pen: Option<Pen>, agent: Identity) -> Result<Option<Entry>> {
        Ok(self.store.write(move |tx| {
            let trust = tx.trust()?;
            let Some(granted) = trust.granted(&agent).filter(|granted| !granted.revoked) else {
                return Ok(None);
            };
            let payload = json!({"agent": agent, "grant": granted.entry});
            let asked = Asked::once(pen.as_ref(), Act::Delegate, Matter::NOTHING);
            tx.enter(&asked, Action::Revoke, &agent.to_string(), payload).map(Some)
        })?)
    }
}
