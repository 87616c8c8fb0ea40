//! Hashes, signatures and the chain of the ledger: pure functions, so that a stranger's bundle is checked by the same
//! code as a store.
//!
//! What is hashed and signed: the canonical JSON (RFC 8785) of an entry without its `hash` and `signature`. The hash is
//! SHA-256, the signature Ed25519 (RFC 8032), both of these bytes. Start with [`seal`] and [`Chain`].

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::identity::{Digest, Hex, Identity, PublicKey, Signature};
use crate::domain::ledger::{Action, Entry};

/// An identity with the key that it signs with. The key is erased when this is dropped, and is never printed.
#[derive(Clone)]
pub struct Pen {
    identity: Identity,
    key: SigningKey,
}

impl Pen {
    /// Whoever signs as `identity` with this secret.
    pub fn new(identity: Identity, secret: &[u8; 32]) -> Pen {
        Pen { identity, key: SigningKey::from_bytes(secret) }
    }

    /// Who signs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The public key.
    pub fn public_key(&self) -> PublicKey {
        Hex(self.key.verifying_key().to_bytes())
    }

    fn sign(&self, bytes: &[u8]) -> Signature {
        Hex(self.key.sign(bytes).to_bytes())
    }
}

impl std::fmt::Debug for Pen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pen({}, {})", self.identity, self.public_key())
    }
}

/// Whether `key` made this signature of these bytes.
pub fn is_signed(key: PublicKey, bytes: &[u8], signature: Signature) -> bool {
    let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
    VerifyingKey::from_bytes(&key.0).is_ok_and(|key| key.verify_strict(bytes, &signature).is_ok())
}

/// SHA-256.
pub fn digest(bytes: &[u8]) -> Digest {
    Hex(Sha256::digest(bytes).into())
}

/// Canonical JSON (RFC 8785). What this program writes always has one.
pub fn canonical(value: &impl Serialize) -> String {
    serde_json_canonicalizer::to_string(value).unwrap_or_default()
}

/// What is to be entered.
#[derive(Debug, Clone, PartialEq)]
pub struct Deed {
    /// When, RFC 3339 UTC.
    pub at: String,
    /// What is done.
    pub action: Action,
    /// To what.
    pub subject: String,
    /// What it rests on.
    pub payload: Value,
}

/// Where a chain ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// The number of the last entry; 0 where there is none.
    pub seq: u64,
    /// Its hash.
    pub hash: Digest,
}

impl Head {
    /// Of an empty chain.
    pub const START: Head = Head { seq: 0, hash: Hex::ZERO };
}

/// The bytes of an entry that are hashed and signed.
pub fn signed_bytes(entry: &Entry) -> String {
    canonical(&json!({
        "seq": entry.seq, "at": entry.at, "actor": entry.actor, "key": entry.key, "action": entry.action,
        "subject": entry.subject, "payload": entry.payload, "previous": entry.previous,
    }))
}

/// The entry that follows `head`; signed if there is a pen, else the system's.
pub fn seal(head: Head, deed: Deed, pen: Option<&Pen>) -> Entry {
    let mut entry = Entry {
        seq: head.seq + 1,
        at: deed.at,
        actor: pen.map_or(Identity::System, |pen| pen.identity.clone()),
        key: pen.map(Pen::public_key),
        action: deed.action,
        subject: deed.subject,
        payload: deed.payload,
        previous: head.hash,
        hash: Hex::ZERO,
        signature: None,
    };
    let bytes = signed_bytes(&entry);
    entry.hash = digest(bytes.as_bytes());
    entry.signature = pen.map(|pen| pen.sign(bytes.as_bytes()));
    entry
}

/// What is wrong with an entry where it stands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Its number does not follow.
    #[error("entry {found} stands where entry {expected} is expected")]
    Number {
        /// The number that follows.
        expected: u64,
        /// The number that it has.
        found: u64,
    },
    /// It names another entry before it.
    #[error(
        "entry {0} does not follow the entry before it: that one, or a part of the chain, was changed or removed"
    )]
    Previous(u64),
    /// Its content is not what was hashed.
    #[error("entry {0} was changed: its content does not have its hash")]
    Hash(u64),
    /// Its signature is not that of its key.
    #[error("entry {0} was changed: its signature does not fit its content and key")]
    Signature(u64),
    /// Nobody signed it, though the store has an owner.
    #[error("entry {0} is not signed, though the store had an owner by then")]
    Unsigned(u64),
}

/// Checks entries one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain {
    head: Head,
    owned: bool,
}

impl Default for Chain {
    fn default() -> Self {
        Chain { head: Head::START, owned: false }
    }
}

impl Chain {
    /// The last entry that was checked.
    pub fn head(&self) -> Head {
        self.head
    }

    /// Checks number, link, hash and signature of the entry that follows. Whether its key was trusted then is
    /// `engine::govern`'s to say.
    pub fn follow(&mut self, entry: &Entry) -> Result<(), Fault> {
        let expected = self.head.seq + 1;
        if entry.seq != expected {
            return Err(Fault::Number { expected, found: entry.seq });
        }
        if entry.previous != self.head.hash {
            return Err(Fault::Previous(entry.seq));
        }
        let bytes = signed_bytes(entry);
        if digest(bytes.as_bytes()) != entry.hash {
            return Err(Fault::Hash(entry.seq));
        }
        self.owned |= entry.action == Action::Own;
        match (entry.key, entry.signature) {
            (Some(key), Some(signature)) if is_signed(key, bytes.as_bytes(), signature) => {}
            (None, None) if entry.actor == Identity::System && !self.owned => {}
            (None, None) => return Err(Fault::Unsigned(entry.seq)),
            _ => return Err(Fault::Signature(entry.seq)),
        }
        self.head = Head { seq: entry.seq, hash: entry.hash };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pen() -> Pen {
        Pen::new("steward://A/ana".parse().unwrap(), &[7; 32])
    }

    fn chain() -> Vec<Entry> {
        let mut head = Head::START;
        let actions = [Action::Publish, Action::Own, Action::Publish, Action::Accept, Action::Reject];
        let mut entries = Vec::new();
        for (i, action) in actions.into_iter().enumerate() {
            let deed = Deed {
                at: "2026-11-22T10:00:00Z".into(),
                action,
                subject: "prompt://core/a".into(),
                payload: json!({"z": i, "a": "größer", "n": 0.1}),
            };
            let entry = seal(head, deed, (i > 0).then(pen).as_ref());
            head = Head { seq: entry.seq, hash: entry.hash };
            entries.push(entry);
        }
        entries
    }

    fn check(entries: &[Entry]) -> Result<Head, Fault> {
        let mut chain = Chain::default();
        entries.iter().try_for_each(|entry| chain.follow(entry))?;
        Ok(chain.head())
    }

    #[test]
    fn a_sealed_chain_holds_and_text_brings_it_back() {
        let entries = chain();
        let head = check(&entries).unwrap();
        assert_eq!(head.seq, 5);
        for entry in &entries {
            let text = canonical(entry);
            assert_eq!(&serde_json::from_str::<Entry>(&text).unwrap(), entry);
        }
    }

    #[test]
    fn what_is_taken_out_moved_or_unsigned_is_seen() {
        let entries = chain();
        for i in 0..4 {
            let mut gone = entries.clone();
            gone.remove(i);
            assert!(check(&gone).is_err());
            let mut swapped = entries.clone();
            swapped.swap(i, i + 1);
            assert!(check(&swapped).is_err());
        }
        let mut unsigned = entries.clone();
        unsigned[4] = seal(
            Head { seq: 4, hash: entries[3].hash },
            Deed { at: String::new(), action: Action::Accept, subject: String::new(), payload: Value::Null },
            None,
        );
        assert_eq!(check(&unsigned), Err(Fault::Unsigned(5)));
    }

    proptest! {
        #[test]
        fn any_changed_character_is_seen(at in 0usize..5, byte in any::<prop::sample::Index>(), bit in 0u8..7) {
            let mut entries = chain();
            let mut text = canonical(&entries[at]).into_bytes();
            let i = byte.index(text.len());
            text[i] ^= 1 << bit;
            // A text that is no entry any more, or not a canonical one, is seen as that.
            let Ok(text) = String::from_utf8(text) else { return Ok(()) };
            let Ok(changed) = serde_json::from_str::<Entry>(&text) else { return Ok(()) };
            if canonical(&changed) == text {
                entries[at] = changed;
                prop_assert!(check(&entries).is_err());
            }
        }
    }
}
