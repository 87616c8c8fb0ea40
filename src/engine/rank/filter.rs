//! The filter of the leaderboard: terms with spaces between them, all of which must hold.
//!
//! ```text
//! scope:core  type:analysis  owner:acme  managed:no  verdict:insufficient  model:gpt-4o  model:gpt-*
//! neg>10  calls>=1k  cost>0.5  p95>2s  contract  !contract
//! ```
//!
//! A share is compared in percent, money in dollars, durations in milliseconds unless `s` follows. Any other word is
//! sought in the name. `!` turns a term round. Two `model:` terms mean either model.

use std::str::FromStr;

use super::column::Column;
use super::row::Row;
use crate::domain::prompt::Scope;
use crate::domain::snapshot::Verdict;

/// Most terms of a filter.
const MAX_TERMS: usize = 64;

/// Why a filter was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is not a filter term: {what}. Terms are words sought in the name, `scope:`, `type:`, `owner:`, `model:`, \
     `managed:`, `verdict:`, and comparisons such as `neg>10` or `calls>=1k`, each turned round by `!`",
    term.escape_debug()
)]
pub struct FilterError {
    /// The term, at most 60 characters of it.
    pub term: String,
    /// What is wrong with it.
    pub what: String,
}

/// A comparison with a number: `>=1k`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Than {
    test: Test,
    limit: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Test {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

#[derive(Debug, Clone, PartialEq)]
enum Is {
    Named(String),
    Scope(Scope),
    Type(String),
    Managed(bool),
    Verdict(Verdict),
    Owner(String),
    Number(Column, Than),
}

#[derive(Debug, Clone, PartialEq)]
struct Term {
    is: Is,
    not: bool,
}

/// A filter. The default one lets everything through.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Filter {
    terms: Vec<Term>,
    /// Patterns of models, and whether each is turned round.
    models: Vec<(String, bool)>,
}

impl Filter {
    pub(super) fn needs_sketch(&self) -> bool {
        self.terms.iter().any(|term| matches!(&term.is, Is::Number(column, ..) if column.needs_sketch()))
    }

    /// Which of the models count; `None` where the filter does not say.
    pub(super) fn models(&self, names: &[String]) -> Option<Vec<bool>> {
        if self.models.is_empty() {
            return None;
        }
        let wanted = self.models.iter().any(|(_, not)| !not);
        let chosen = |name: &String| {
            let fits = |turned: bool| self.models.iter().any(|(p, not)| *not == turned && like(p, name));
            (!wanted || fits(false)) && !fits(true)
        };
        Some(names.iter().map(chosen).collect())
    }

    pub(super) fn matches(&self, row: &Row<'_>) -> bool {
        self.terms.iter().all(|term| term.is.holds(row) != term.not)
    }
}

impl Is {
    fn holds(&self, row: &Row<'_>) -> bool {
        match self {
            Is::Named(text) => holds_text(&row.subject.name, text),
            Is::Scope(scope) => row.subject.scope == Some(*scope),
            Is::Type(pattern) => like(pattern, &row.subject.task_type),
            Is::Owner(pattern) => row.subject.owner().is_some_and(|owner| {
                like(pattern, owner) || owner.split('/').any(|part| like(pattern, part))
            }),
            Is::Managed(managed) => row.subject.managed == *managed,
            Is::Verdict(verdict) => row.verdict() == *verdict,
            // A number that is not known, or rests on too little, is neither more nor less than anything.
            Is::Number(column, than) => {
                row.suffices(*column) && row.value(*column).is_some_and(|value| than.holds(value))
            }
        }
    }
}

impl Than {
    /// Reads what follows the word: a sign and a number with a unit. The error says what is wrong.
    pub fn read(typed: &str) -> Result<Than, String> {
        let tests = [
            (">=", Test::AtLeast),
            ("<=", Test::AtMost),
            (">", Test::More),
            ("<", Test::Less),
            ("=", Test::Equal),
        ];
        let (test, number) = tests
            .into_iter()
            .find_map(|(sign, test)| Some((test, typed.strip_prefix(sign)?)))
            .ok_or("it compares with <, <=, =, >= or >")?;
        let number = number.strip_prefix('$').unwrap_or(number);
        let units =
            [("ms", 1.0), ("k", 1e3), ("K", 1e3), ("M", 1e6), ("m", 1e6), ("s", 1e3), ("%", 1.0), ("", 1.0)];
        let (digits, unit) = units
            .into_iter()
            .find_map(|(unit, factor)| Some((number.strip_suffix(unit)?, factor)))
            .ok_or("it compares with a number")?;
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let value: f64 = plain
            .then(|| digits.parse().ok())
            .flatten()
            .ok_or_else(|| format!("`{}` is not a number", number.escape_debug()))?;
        Ok(Than { test, limit: value * unit })
    }

    /// Whether it holds of a number.
    pub fn holds(self, value: f64) -> bool {
        let limit = self.limit;
        match self.test {
            Test::Less => value < limit,
            Test::AtMost => value <= limit,
            Test::Equal => (value - limit).abs() <= 1e-9 * limit.abs().max(1.0),
            Test::AtLeast => value >= limit,
            Test::More => value > limit,
        }
    }
}

/// Whether `text` (in lower case) is somewhere in `name`, whatever the case.
fn holds_text(name: &str, text: &str) -> bool {
    if name.is_ascii() && text.is_ascii() {
        let (name, text) = (name.as_bytes(), text.as_bytes());
        return name.windows(text.len().max(1)).any(|part| part.eq_ignore_ascii_case(text));
    }
    name.to_lowercase().contains(text)
}

/// Whether the name fits the pattern (in lower case), whose `*` stand for any text. Linear in both but for a star's
/// retries, without recursion.
fn like(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), name.chars().flat_map(char::to_lowercase).collect());
    let (mut p, mut n, mut retry) = (0, 0, None);
    while n < name.len() {
        if pattern.get(p) == Some(&'*') {
            retry = Some((p, n));
            p += 1;
        } else if pattern.get(p) == Some(&name[n]) {
            p += 1;
            n += 1;
        } else if let Some((star, from)) = retry {
            retry = Some((star, from + 1));
            p = star + 1;
            n = from + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(s: &str) -> Result<Self, FilterError> {
        let (filter, fault) = Filter::typed(s, |_, _| None);
        fault.map_or(Ok(filter), Err)
    }
}

impl Filter {
    /// A filter as it is being typed: the first term that is not understood is said beside what the others make.
    ///
    /// `own` is asked first of each term, without its `!` and with whether there was one: `None` where it is none of
    /// the caller's own.
    pub fn typed(
        text: &str,
        mut own: impl FnMut(&str, bool) -> Option<Result<(), String>>,
    ) -> (Filter, Option<FilterError>) {
        let (mut filter, mut fault) = (Filter::default(), None);
        for (i, word) in text.split_whitespace().enumerate() {
            let (not, text) = word.strip_prefix('!').map_or((false, word), |text| (true, text));
            let taken = if i >= MAX_TERMS {
                Err("a filter has at most 64 terms".into())
            } else if text.is_empty() {
                Err("nothing follows the `!`".into())
            } else {
                own(text, not).unwrap_or_else(|| filter.take(text, not))
            };
            if let Err(what) = taken {
                fault.get_or_insert(FilterError { term: word.chars().take(60).collect(), what });
            }
        }
        (filter, fault)
    }

    fn take(&mut self, text: &str, not: bool) -> Result<(), String> {
        match text.split_once(':') {
            Some(("model", pattern)) if !pattern.is_empty() => {
                self.models.push((pattern.to_lowercase(), not));
            }
            _ => self.terms.push(Term { is: term(text)?, not }),
        }
        Ok(())
    }
}

fn term(text: &str) -> Result<Is, String> {
    if let Some(at) = text.find(['<', '>', '=']) {
        return comparison(&text[..at], &text[at..]);
    }
    match text.split_once(':') {
        Some(("scope", scope)) => {
            scope.parse().map(Is::Scope).map_err(|_| "the scope is core, org or user".into())
        }
        Some(("type", pattern)) if !pattern.is_empty() => Ok(Is::Type(pattern.to_lowercase())),
        Some(("managed", "yes")) => Ok(Is::Managed(true)),
        Some(("managed", "no")) => Ok(Is::Managed(false)),
        Some(("managed", _)) => Err("managed is yes or no".into()),
        Some(("verdict", "sufficient")) => Ok(Is::Verdict(Verdict::Sufficient)),
        Some(("verdict", "insufficient")) => Ok(Is::Verdict(Verdict::Insufficient)),
        Some(("verdict", _)) => Err("the verdict is sufficient or insufficient".into()),
        Some(("owner", pattern)) if !pattern.is_empty() => Ok(Is::Owner(pattern.to_lowercase())),
        Some(("model" | "type" | "owner", _)) => Err("nothing follows the `:`".into()),
        // `prompt://org/…` is a name.
        Some((word, rest)) if !rest.starts_with("//") => {
            Err(format!("`{}` is none of scope, type, owner, model, managed, verdict", word.escape_debug()))
        }
        _ => Ok(Is::Named(text.to_lowercase())),
    }
}

fn comparison(word: &str, rest: &str) -> Result<Is, String> {
    let column = Column::of(word)
        .filter(|column| !column.is_name())
        .ok_or_else(|| format!("`{}` is not a column with numbers", word.escape_debug()))?;
    let than = Than::read(rest)?;
    let scale = if column.is_share() { 0.01 } else { 1.0 };
    Ok(Is::Number(column, Than { limit: than.limit * scale, ..than }))
}
