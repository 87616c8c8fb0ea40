//! The ledger, read and checked: what was decided, whether it holds, and a bundle of it for strangers.

use std::io::{BufRead, Read as _, Write};

use super::Service;
use super::error::Result;
use crate::domain::identity::{Digest, Identity};
use crate::domain::ledger::{Action, Entry};
use crate::domain::prompt::PromptUri;
use crate::domain::window::{Window, instant, time};
use crate::engine::bundle::{FORMAT, Header, Inspection, Inspector, TextLine, missing, stewards};
use crate::engine::seal::{Head, canonical};
use crate::store::SCHEMA_VERSION;

/// Which entries are asked for: those that match all that is set.
#[derive(Debug, Clone, Default)]
pub struct LogQuery {
    /// About this prompt, whatever its version.
    pub prompt: Option<PromptUri>,
    /// By this identity, in full or by name.
    pub actor: Option<String>,
    /// Of this kind.
    pub action: Option<Action>,
    /// In this window.
    pub window: Option<Window>,
    /// The newest so many.
    pub limit: Option<usize>,
}

impl LogQuery {
    fn fits(&self, entry: &Entry) -> bool {
        let is_by = |who: &String| {
            entry.actor.to_string() == *who || entry.actor.name().is_some_and(|name| name.as_str() == who)
        };
        self.action.is_none_or(|action| action == entry.action)
            && self.actor.as_ref().is_none_or(is_by)
            && self.window.is_none_or(|window| instant(&entry.at).is_ok_and(|at| window.contains(at)))
            && self.prompt.as_ref().is_none_or(|prompt| is_about(entry, prompt))
    }
}

/// Whether the entry's subject is the prompt, or its payload names it.
fn is_about(entry: &Entry, prompt: &PromptUri) -> bool {
    fn names(value: &serde_json::Value, uri: &str) -> bool {
        match value {
            serde_json::Value::String(text) => is(text, uri),
            serde_json::Value::Array(items) => items.iter().any(|item| names(item, uri)),
            serde_json::Value::Object(fields) => fields.values().any(|field| names(field, uri)),
            _ => false,
        }
    }
    fn is(text: &str, uri: &str) -> bool {
        text.strip_prefix(uri).is_some_and(|rest| rest.is_empty() || rest.starts_with('@'))
    }
    let uri = prompt.unversioned().to_string();
    is(&entry.subject, &uri) || names(&entry.payload, &uri)
}

/// What a check of the ledger found.
#[derive(Debug)]
pub struct Audit {
    /// The last entry that follows from the first.
    pub head: Head,
    /// The owner, and the key that the store trusts them by.
    pub owner: Option<Identity>,
    /// All that is wrong; nothing where it holds.
    pub faults: Vec<String>,
}

impl Service {
    /// The entries that match, the newest first; and whether there are more.
    pub fn log(&self, query: &LogQuery) -> Result<(Vec<Entry>, bool)> {
        let (mut newest, mut more) = (Vec::new(), false);
        self.read()?.newest_entries(&mut |entry| {
            if query.fits(&entry) {
                more = query.limit == Some(newest.len());
                if !more {
                    newest.push(entry);
                }
            }
            !more
        })?;
        Ok((newest, more))
    }

    /// Checks the ledger, and that it explains what is in the store; and that an entry has this hash, if one is given.
    pub fn audit(&self, wanted: Option<Digest>) -> Result<Audit> {
        let reader = self.read()?;
        let (head, mut faults) = reader.verify_ledger()?;
        if let Some(hash) = wanted {
            let mut there = false;
            // A row that does not read is among the faults already.
            let read = reader.ledger(0, &mut |entry| {
                there = entry.hash == hash && entry.seq <= head.seq;
                !there
            });
            if !there {
                faults.push(missing(hash));
            }
            if faults.is_empty() {
                read?;
            }
        }
        let owner = if faults.is_empty() { reader.trust()?.owner().cloned() } else { None };
        Ok(Audit { head, owner, faults })
    }

    /// Writes a bundle that can be checked without the store: how many entries, and where they end.
    pub fn export(&self, out: &mut impl Write, texts: bool, now: i64) -> Result<std::io::Result<Head>> {
        let reader = self.read()?;
        let (head, trust) = (reader.ledger_head()?, reader.trust()?);
        let mut count = 0;
        if texts {
            reader.texts(&mut |_, _| count += 1)?;
        }
        let header = Header {
            format: FORMAT.to_owned(),
            exported_at: time(now),
            schema: SCHEMA_VERSION,
            head,
            owner: trust.owner().cloned(),
            stewards: stewards(&trust),
            texts: texts.then_some(count),
        };
        let mut written = writeln!(out, "{}", canonical(&header));
        reader.ledger(0, &mut |entry| {
            if written.is_ok() {
                written = writeln!(out, "{}", canonical(&entry));
            }
            written.is_ok()
        })?;
        if texts {
            reader.texts(&mut |uri, text| {
                if written.is_ok() {
                    written = writeln!(out, "{}", canonical(&TextLine { uri, text }));
                }
            })?;
        }
        Ok(written.map(|()| head))
    }
}

/// Longest line of a bundle, bytes: what a store of 100,000 prompts had before its ledger is one entry.
const MAX_LINE: u64 = 256 << 20;

/// Checks a bundle. What comes from a stranger is read a line at a time, and no more of a line than one may have.
pub fn inspect(mut bundle: impl BufRead, wanted: Option<Digest>) -> std::io::Result<Inspection> {
    let (mut inspector, mut line) = (Inspector::wanting(wanted), Vec::new());
    while !inspector.is_broken() && (&mut bundle).take(MAX_LINE).read_until(b'\n', &mut line)? > 0 {
        let whole = line.pop_if(|last| *last == b'\n').is_some() || (line.len() as u64) < MAX_LINE;
        match std::str::from_utf8(&line) {
            Ok(text) if whole => inspector.line(text),
            Err(error) if whole => {
                inspector.unreadable(&format!("it was changed: it is not UTF-8 ({error})"));
            }
            _ => inspector.unreadable(&format!("it is longer than {MAX_LINE} bytes")),
        }
        line.clear();
    }
    Ok(inspector.finish())
}
