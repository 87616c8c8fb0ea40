//! Which entries of the ledger are listed: `action:reject actor:ana prompt:refund since:7d !canary tone`.

use serde_json::Value;

use crate::domain::call::Millis;
use crate::domain::ledger::Entry;
use crate::domain::window::{WindowSpec, instant};

/// A term: whether it must not fit, and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    not: bool,
    asks: Asks,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asks {
    Prompt(String),
    Actor(String),
    Action(String),
    Since(Millis),
    /// Anywhere: in subject, actor, action or what it rests on.
    Word(String),
}

/// A filter: an entry fits where every term does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFilter {
    terms: Vec<Term>,
}

impl LedgerFilter {
    /// Reads one; a term that is not finished yet narrows nothing.
    pub fn read(text: &str, now: Millis) -> LedgerFilter {
        let term = |word: &str| {
            let (not, word) = word.strip_prefix('!').map_or((false, word), |word| (true, word));
            let lower = word.to_lowercase();
            let asks = match lower.split_once(':') {
                Some((_, "")) => return None,
                Some(("prompt", name)) => Asks::Prompt(name.to_owned()),
                Some(("actor" | "by", name)) => Asks::Actor(name.to_owned()),
                Some(("action", name)) => Asks::Action(name.to_owned()),
                Some(("since", _)) => Asks::Since(since(word.split_once(':')?.1, now)?),
                _ if lower.is_empty() => return None,
                _ => Asks::Word(lower),
            };
            Some(Term { not, asks })
        };
        LedgerFilter { terms: text.split_whitespace().filter_map(term).collect() }
    }

    /// Whether an entry fits.
    pub fn fits(&self, entry: &Entry) -> bool {
        self.terms.iter().all(|term| term.not != term.asks.fits(entry))
    }
}

/// From when: `7d` before now, or a date.
fn since(text: &str, now: Millis) -> Option<Millis> {
    match text.parse() {
        Ok(spec @ WindowSpec::Last(..)) => Some(spec.at(now).from_ms),
        _ => instant(text).ok(),
    }
}

impl Asks {
    fn fits(&self, entry: &Entry) -> bool {
        let holds = |text: &str, word: &str| text.to_lowercase().contains(word);
        match self {
            // A proposal's entries name their prompt in what they rest on.
            Asks::Prompt(name) => holds(&entry.subject, name) || names(&entry.payload, name),
            Asks::Actor(name) => holds(&entry.actor.to_string(), name),
            Asks::Action(name) => entry.action.as_str().starts_with(name.as_str()),
            Asks::Since(from) => instant(&entry.at).is_ok_and(|at| at >= *from),
            Asks::Word(word) => {
                holds(&entry.subject, word)
                    || holds(&entry.actor.to_string(), word)
                    || entry.action.as_str().contains(word.as_str())
                    || holds(&entry.payload.to_string(), word)
            }
        }
    }
}

/// Whether a prompt's URI with this in it stands in a payload.
fn names(payload: &Value, name: &str) -> bool {
    match payload {
        Value::String(text) => text.starts_with("prompt://") && text.to_lowercase().contains(name),
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(fields) => fields.values().any(|field| names(field, name)),
        _ => false,
    }
}
