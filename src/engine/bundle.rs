//! A bundle of a ledger, checked without its store: what a stranger does who was given the file.
//!
//! JSONL: a line with a [`Header`], then every entry in canonical JSON, then, where the texts were asked for, lines
//! `{"uri": …, "text": …}`, one for every published version. Whether the owner's key is the owner's is for the stranger to ask the owner; everything else
//! follows from it. Start with [`Inspector`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::seal::{Chain, Head, canonical, digest};
use super::told::{Told, word};
use super::trust::Trust;
use crate::domain::identity::{Digest, Identity, PublicKey};
use crate::domain::ledger::Entry;

/// What `format` says.
pub const FORMAT: &str = "human-audit/1";

/// After so many faults a bundle is given up.
const MOST: usize = 1_000;

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
    /// How many texts follow the entries, where they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub texts: Option<u64>,
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
    told: Told,
    /// The versions whose texts were there.
    texts: BTreeSet<String>,
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
        if self.faults.len() == MOST {
            self.broken = true;
            self.faults.push("and what follows was not read".into());
        }
    }

    /// Whether nothing that follows can be believed.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// Takes a line that does not read.
    pub fn unreadable(&mut self, why: &str) {
        self.line += 1;
        self.fault(why);
        self.broken = true;
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
        if !self.texts.is_empty() {
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
        self.told.hear(&entry);
        for fault in std::mem::take(&mut self.told.faults) {
            self.fault(&fault);
        }
    }

    fn text(&mut self, text: &str) {
        let line = match serde_json::from_str::<TextLine>(text) {
            Ok(line) => line,
            Err(error) => return self.fault(&format!("it is no text ({error})")),
        };
        match self.told.versions.get(&line.uri) {
            Some((_, said)) if word(said, "digest") == digest(line.text.as_bytes()).to_string() => {}
            Some(_) => self.fault(&format!("the text of {} is not the one that was published", line.uri)),
            None => return self.fault(&format!("no entry publishes {}", line.uri)),
        }
        if !self.texts.insert(line.uri) {
            self.fault("the same text stands before it");
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
                    let texts = self.texts.len() as u64;
                    if let Some(said) = header.texts.filter(|said| *said != texts) {
                        self.faults.push(format!("the header says that {said} texts follow, and {texts} do"));
                    }
                    if header.texts.is_some() || texts > 0 {
                        let missing = self.told.versions.keys().filter(|uri| !self.texts.contains(*uri));
                        self.faults.extend(missing.map(|uri| format!("the text of {uri} is missing")));
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
            texts: self.texts.len() as u64,
            trust: self.trust,
            faults: self.faults,
        }
    }
}

/// What is wrong where a hash is not in the chain.
pub fn missing(hash: Digest) -> String {
    format!("no entry has the hash {hash}: the ledger's end was cut off, or this is another ledger")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::Action;
    use crate::engine::seal::{Deed, Pen, seal};
    use serde_json::{Value, json};

    /// What is wrong with a bundle of these entries, after an owner and a grant for the prompts of `A`.
    fn faults(entries: &[(&Pen, Action, Value)]) -> Vec<String> {
        let (ana, agent) = pens();
        let grant = json!({
            "agent": agent.identity(), "key": agent.public_key(), "prompts": "prompt://org/A/*",
            "scopes": ["proposals:write", "prompts:auto-apply"], "expiresAt": 4_000_000_000_000_u64,
        });
        let before = [
            (&ana, Action::Own, json!({"steward": ana.identity(), "key": ana.public_key()})),
            (&ana, Action::Grant, grant),
        ];
        let (mut inspector, mut head, mut trust) = (Inspector::default(), Head::START, Trust::default());
        let mut sealed = Vec::new();
        for (pen, action, payload) in before.iter().chain(entries) {
            let deed = Deed {
                at: "2026-11-22T10:00:00Z".into(),
                action: *action,
                subject: "s".into(),
                payload: payload.clone(),
            };
            let entry = seal(head, deed, Some(pen));
            head = Head { seq: entry.seq, hash: entry.hash };
            trust.follow(&entry).unwrap();
            sealed.push(canonical(&entry));
        }
        let header = Header {
            format: FORMAT.into(),
            exported_at: String::new(),
            schema: 1,
            head,
            owner: trust.owner().cloned(),
            stewards: stewards(&trust),
            texts: None,
        };
        inspector.line(&canonical(&header));
        for entry in &sealed {
            inspector.line(entry);
        }
        inspector.finish().faults
    }

    fn pens() -> (Pen, Pen) {
        let pen = |who: &str, seed| Pen::new(who.parse().unwrap(), &[seed; 32]);
        (pen("steward://A/ana", 1), pen("agent://A/agent", 2))
    }

    fn about(prompt: &str, more: &Value) -> Value {
        let digest = digest(b"p").to_string();
        let mut about = json!({"proposal": "PROPOSAL-1", "prompt": prompt, "proposalDigest": digest});
        about.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        about
    }

    #[test]
    fn an_agent_does_what_its_grant_is_for_and_nothing_to_core() {
        let (_, agent) = pens();
        let publishes = |prompt: &str, uri: &str| {
            let published = json!({"version": "1.1.0", "published": {"uri": uri, "digest": "d"}});
            let (proposed, applied) = (about(prompt, &json!({})), about(prompt, &published));
            faults(&[(&agent, Action::Propose, proposed), (&agent, Action::AutoApply, applied)])
        };
        assert_eq!(publishes("prompt://org/A/x", "prompt://org/A/x@1.1.0"), Vec::<String>::new());
        for (prompt, uri, fault) in [
            ("prompt://org/B/x", "prompt://org/B/x@1.1.0", "not for prompt://org/B/x"),
            ("prompt://core/x", "prompt://core/x@1.1.0", "core prompts are never applied automatically"),
            ("prompt://org/A/x", "prompt://core/x@1.1.0", "without a steward's signature"),
            ("prompt://org/A/x", "prompt://org/B/x@1.1.0", "and is about `prompt://org/A/x`"),
            ("", "prompt://org/A/x@1.1.0", "does not say which prompt"),
        ] {
            let found = publishes(prompt, uri);
            assert!(found.iter().any(|found| found.contains(fault)), "{fault}: {found:?}");
        }
    }

    #[test]
    fn an_entry_tells_only_of_what_its_action_writes() {
        let (ana, agent) = pens();
        let published =
            json!({"published": {"uri": "prompt://org/A/x@1.0.0", "digest": digest(b"t").to_string()}});
        let text = canonical(&TextLine { uri: "prompt://org/A/x@1.0.0".into(), text: "t".into() });
        for (action, explained) in [(Action::Publish, true), (Action::Comment, false), (Action::Run, false)] {
            let mut told = Told::default();
            let pen = if action == Action::Run { &agent } else { &ana };
            let deed = Deed { at: String::new(), action, subject: String::new(), payload: published.clone() };
            told.hear(&seal(Head::START, deed, Some(pen)));
            let mut inspector = Inspector { line: 1, told, ..Inspector::default() };
            inspector.line(&text);
            assert_eq!(inspector.faults.is_empty(), explained, "{action}: {:?}", inspector.faults);
        }
        let twice = [(&ana, Action::Publish, published.clone()), (&ana, Action::Publish, published)];
        assert!(faults(&twice)[0].contains("entries 3 and 4 both publish prompt://org/A/x@1.0.0"));
    }

    #[test]
    fn a_step_is_one_that_the_proposal_can_take() {
        let (ana, agent) = pens();
        let about = |more: Value| about("prompt://org/A/x", &more);
        let proposed = (&agent, Action::Propose, about(json!({})));
        let rejected = (&ana, Action::Reject, about(json!({"reason": "no"})));
        let reopened = (&ana, Action::Reopen, about(json!({"reason": "yes"})));
        let accepted = (&ana, Action::Accept, about(json!({"version": "1.1.0"})));
        let fine = [proposed.clone(), rejected.clone(), reopened.clone(), accepted.clone()];
        assert_eq!(faults(&fine), Vec::<String>::new());
        for (entries, fault) in [
            (
                &[proposed.clone(), rejected.clone(), accepted.clone()][..],
                "is no step for PROPOSAL-1, which was rejected",
            ),
            (&[proposed.clone(), reopened], "which was open"),
            (&[proposed.clone(), accepted.clone(), rejected], "which was accepted"),
            (&[proposed.clone(), proposed.clone()], "which there was already"),
            (&[accepted], "which no entry makes"),
            (
                &[proposed.clone(), (&ana, Action::Stop, about(json!({"canary": 1})))],
                "ends a canary that none begins",
            ),
            (
                &[
                    proposed,
                    (&ana, Action::Reject, about(json!({"proposalDigest": digest(b"q").to_string()}))),
                ],
                "has another digest of PROPOSAL-1",
            ),
        ] {
            let found = faults(entries);
            assert!(found.len() == 1 && found[0].contains(fault), "{fault}: {found:?}");
        }
    }
}
