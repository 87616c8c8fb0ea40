//! A bundle of a ledger, checked without its store: what a stranger does who was given the file.
//!
//! JSONL: a line with a [`Header`], then every entry in canonical JSON, then, where the texts were asked for, lines
//! `{"uri": …, "text": …}`. Whether the owner's key is the owner's is for the stranger to ask the owner; everything else
//! follows from it. Start with [`Inspector`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::seal::{Chain, Head, canonical, digest};
use super::trust::Trust;
use crate::domain::identity::{Digest, Identity, PublicKey};
use crate::domain::ledger::{Action, Entry};

/// What `format` says.
pub const FORMAT: &str = "human-audit/1";

/// A steward, as the header names them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StewardLine {
    /// Who.
    pub steward: Identity,
    /// The key that was trusted last.
    pub key: PublicKey,
    /// The entry that says so.
    pub since: u64,
    /// Whether it is trusted no more.
    pub distrusted: bool,
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// [`FORMAT`].
    pub format: String,
    /// When, RFC 3339.
    pub exported_at: String,
    /// The schema of the store.
    pub schema: i32,
    /// Where the ledger ended.
    pub head: Head,
    /// The first steward.
    pub owner: Option<Identity>,
    /// All stewards that were ever trusted.
    pub stewards: Vec<StewardLine>,
}

/// What the header says of stewards.
pub fn stewards(trust: &Trust) -> Vec<StewardLine> {
    let line = |(steward, known): (&Identity, &super::trust::Steward)| StewardLine {
        steward: steward.clone(),
        key: known.key,
        since: known.since,
        distrusted: known.distrusted,
    };
    trust.stewards().map(line).collect()
}

/// A published text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextLine {
    /// The prompt with its version.
    pub uri: String,
    /// The exact text.
    pub text: String,
}

/// What was found.
#[derive(Debug)]
pub struct Inspection {
    /// The header, where there was one.
    pub header: Option<Header>,
    /// The last entry that follows from the first.
    pub head: Head,
    /// How many texts were checked.
    pub texts: u64,
    /// Whom the entries say to trust.
    pub trust: Trust,
    /// All that is wrong; nothing where the bundle holds.
    pub faults: Vec<String>,
}

/// Reads a bundle, line by line.
#[derive(Debug, Default)]
pub struct Inspector {
    line: u64,
    header: Option<Header>,
    chain: Chain,
    trust: Trust,
    /// Digests of the published texts, by `uri@version`.
    published: BTreeMap<String, Option<Digest>>,
    texts: u64,
    broken: bool,
    faults: Vec<String>,
    wanted: Option<Digest>,
}

impl Inspector {
    /// Also asks that an entry with this hash is in the chain.
    pub fn wanting(hash: Option<Digest>) -> Inspector {
        Inspector { wanted: hash, ..Inspector::default() }
    }

    fn fault(&mut self, what: &str) {
        self.faults.push(format!("line {}: {what}", self.line));
    }

    /// Takes the next line, without its end.
    pub fn line(&mut self, text: &str) {
        self.line += 1;
        if self.broken {
            return;
        }
        if self.line == 1 {
            match serde_json::from_str::<Header>(text) {
                Ok(header) if header.format == FORMAT => self.header = Some(header),
                Ok(header) => {
                    self.fault(&format!("its format is `{}`, not `{FORMAT}`", header.format.escape_debug()));
                }
                Err(error) => self.fault(&format!("it is no header of a bundle ({error})")),
            }
            self.broken = self.header.is_none();
        } else if text.starts_with("{\"text\"") || text.starts_with("{\"uri\"") {
            self.text(text);
        } else {
            self.entry(text);
        }
    }

    fn entry(&mut self, text: &str) {
        let entry = match serde_json::from_str::<Entry>(text) {
            Ok(entry) if canonical(&entry) == text => entry,
            Ok(_) => {
                self.broken = true;
                return self.fault("it was changed: its text is not in canonical form");
            }
            Err(error) => {
                self.broken = true;
                return self.fault(&format!("it was changed: it is no entry ({error})"));
            }
        };
        if self.texts > 0 {
            self.fault("an entry stands after the texts");
        }
        // After a break nothing that follows can be believed.
        if let Err(fault) = self.chain.follow(&entry) {
            self.broken = true;
            return self.fault(&fault.to_string());
        }
        if let Err(breach) = self.trust.allows(&entry).and_then(|()| self.trust.follow(&entry)) {
            self.fault(&breach.to_string());
        }
        if self.wanted == Some(entry.hash) {
            self.wanted = None;
        }
        // What was there before there was a ledger stands in its first entry; a run, which anybody may record, publishes
        // nothing.
        let found =
            entry.payload["found"]["published"].as_array().filter(|_| entry.seq == 1).into_iter().flatten();
        for fact in found.chain(entry.payload.get("published").filter(|_| entry.action != Action::Run)) {
            let word = |key: &str| fact[key].as_str().unwrap_or_default();
            self.published.insert(word("uri").to_owned(), word("digest").parse().ok());
        }
    }

    fn text(&mut self, text: &str) {
        self.texts += 1;
        match serde_json::from_str::<TextLine>(text) {
            Err(error) => self.fault(&format!("it is no text ({error})")),
            Ok(line) => match self.published.get(&line.uri) {
                Some(Some(said)) if *said == digest(line.text.as_bytes()) => {}
                Some(_) => self.fault(&format!("the text of {} is not the one that was published", line.uri)),
                None => self.fault(&format!("no entry publishes {}", line.uri)),
            },
        }
    }

    /// What was found, once all lines were taken.
    pub fn finish(mut self) -> Inspection {
        if !self.broken {
            match &self.header {
                None => self.faults.push("the bundle is empty".into()),
                Some(header) => {
                    let (said, is) = (header.head, self.chain.head());
                    if said != is {
                        self.faults.push(format!(
                            "the bundle ends with entry {} ({}), and its header says entry {} ({}): its end was cut off or changed",
                            is.seq, is.hash, said.seq, said.hash
                        ));
                    } else if header.owner.as_ref() != self.trust.owner()
                        || header.stewards != stewards(&self.trust)
                    {
                        self.faults.push("the header names other stewards than the entries".into());
                    }
                }
            }
        }
        if let Some(hash) = self.wanted {
            self.faults.push(missing(hash));
        }
        Inspection {
            header: self.header,
            head: self.chain.head(),
            texts: self.texts,
            trust: self.trust,
            faults: self.faults,
        }
    }
}

/// What is wrong where a hash is not in the chain.
pub fn missing(hash: Digest) -> String {
    format!("no entry has the hash {hash}: the ledger's end was cut off, or this is another ledger")
}
