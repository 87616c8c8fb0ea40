//! The order of the queue, and what of it is listed. Pure functions over the lines.

use std::cmp::Ordering;

use crate::console::query::QueueLine;
use crate::domain::prompt::Scope;
use crate::domain::proposal::RiskLevel;
use crate::engine::number::count;

/// What the queue is ordered by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum By {
    /// Calls a day that it concerns, most first.
    #[default]
    Impact,
    /// Risk, lowest first.
    Risk,
    /// Age, oldest first.
    Age,
    /// Scope.
    Scope,
    /// The prompt's key.
    Prompt,
    /// Who drafted it.
    Drafter,
}

impl By {
    /// All of them.
    pub const ALL: [By; 6] = [By::Impact, By::Risk, By::Age, By::Scope, By::Prompt, By::Drafter];

    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            By::Impact => "impact",
            By::Risk => "risk",
            By::Age => "age",
            By::Scope => "scope",
            By::Prompt => "prompt",
            By::Drafter => "drafter",
        }
    }

    /// The one so many further on.
    pub fn step(self, by: isize) -> By {
        let at = By::ALL.iter().position(|one| *one == self).unwrap_or_default() as isize;
        By::ALL[(at + by).rem_euclid(By::ALL.len() as isize) as usize]
    }
}

/// Which standings are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Listed {
    /// What waits.
    #[default]
    Open,
    /// What was decided, or is moot.
    Decided,
    /// All of it.
    All,
}

impl Listed {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Listed::Open => "open",
            Listed::Decided => "decided",
            Listed::All => "in all",
        }
    }

    /// The next one.
    pub const fn next(self) -> Listed {
        match self {
            Listed::Open => Listed::Decided,
            Listed::Decided => Listed::All,
            Listed::All => Listed::Open,
        }
    }
}

impl Listed {
    /// Whether a line has one of these standings.
    pub fn has(self, line: &QueueLine) -> bool {
        match self {
            Listed::Open => line.open,
            Listed::Decided => !line.open,
            Listed::All => true,
        }
    }
}

/// The indices of the lines that are listed, in order.
pub fn ordered(lines: &[QueueLine], by: By, inverted: bool, listed: Listed, filter: &str) -> Vec<usize> {
    let terms: Vec<Term> = filter.split_whitespace().map(Term::of).collect();
    let mut chosen: Vec<usize> = (0..lines.len())
        .filter(|i| listed.has(&lines[*i]) && terms.iter().all(|term| term.holds(&lines[*i])))
        .collect();
    chosen.sort_by(|a, b| {
        let (a, b) = (&lines[*a], &lines[*b]);
        let order = compared(a, b, by);
        let order = if inverted { order.reverse() } else { order };
        // What was put off comes after what waits; equals by age.
        let later = |line: &QueueLine| line.open && line.until.is_some();
        later(a).cmp(&later(b)).then(order).then(a.id.cmp(&b.id))
    });
    chosen
}

fn compared(a: &QueueLine, b: &QueueLine, by: By) -> Ordering {
    let scope = |line: &QueueLine| match line.uri.scope() {
        Scope::Core => 0,
        Scope::Org => 1,
        Scope::User => 2,
    };
    match by {
        By::Impact => b.usage.calls_per_day.total_cmp(&a.usage.calls_per_day),
        By::Risk => a.risk.level.cmp(&b.risk.level),
        By::Age => a.created_at.cmp(&b.created_at),
        By::Scope => scope(a).cmp(&scope(b)),
        By::Prompt => a.uri.key.as_str().cmp(b.uri.key.as_str()),
        By::Drafter => a.drafter.cmp(&b.drafter),
    }
}

/// A term of the filter: `risk:high`, `scope:core`, `kind:text`, `by:rules`, `status:stale`, `calls>1k`, a word, or one of
/// these turned round by `!`.
#[derive(Debug, Clone, PartialEq)]
struct Term {
    not: bool,
    is: Is,
}

#[derive(Debug, Clone, PartialEq)]
enum Is {
    Risk(String),
    Scope(String),
    Kind(String),
    By(String),
    Status(String),
    More(f64),
    Less(f64),
    Word(String),
}

impl Term {
    fn of(text: &str) -> Term {
        let (not, text) = text.strip_prefix('!').map_or((false, text), |rest| (true, rest));
        let text = text.to_lowercase();
        let is = match text.split_once(':') {
            Some(("risk", rest)) => Is::Risk(rest.into()),
            Some(("scope", rest)) => Is::Scope(rest.into()),
            Some(("kind", rest)) => Is::Kind(rest.into()),
            Some(("by", rest)) => Is::By(rest.into()),
            Some(("status", rest)) => Is::Status(rest.into()),
            _ => match (text.strip_prefix("calls>"), text.strip_prefix("calls<")) {
                (Some(n), _) => number(n).map_or_else(|| Is::Word(text.clone()), Is::More),
                (_, Some(n)) => number(n).map_or_else(|| Is::Word(text.clone()), Is::Less),
                _ => Is::Word(text),
            },
        };
        Term { not, is }
    }

    fn holds(&self, line: &QueueLine) -> bool {
        let begins = |text: &str, start: &str| text.to_lowercase().starts_with(start);
        let holds = match &self.is {
            Is::Risk(level) => begins(line.risk.level.as_str(), level),
            Is::Scope(scope) => begins(line.uri.scope().as_str(), scope),
            Is::Kind(kind) => begins(line.kind.as_str(), kind),
            Is::By(who) => line.drafter.to_lowercase().contains(who.as_str()),
            Is::Status(status) => begins(line.status, status),
            Is::More(n) => line.usage.calls_per_day > *n,
            Is::Less(n) => line.usage.calls_per_day < *n,
            Is::Word(word) => {
                let id = line.id.to_string().to_lowercase();
                line.uri.to_string().to_lowercase().contains(word.as_str())
                    || line.title.to_lowercase().contains(word.as_str())
                    || id.contains(word.as_str())
            }
        };
        holds != self.not
    }
}

fn number(text: &str) -> Option<f64> {
    let (digits, factor) = match text.as_bytes().last()? {
        b'k' => (&text[..text.len() - 1], 1e3),
        b'm' => (&text[..text.len() - 1], 1e6),
        _ => (text, 1.0),
    };
    digits.parse::<f64>().ok().filter(|n| n.is_finite()).map(|n| n * factor)
}

/// How risk is written where there is little room.
pub const fn risk_word(level: RiskLevel) -> &'static str {
    match level {
        RiskLevel::Low => "low",
        RiskLevel::Medium => "med",
        RiskLevel::High => "HIGH",
    }
}

/// An age: `3m`, `5h`, `12d`.
pub fn age(ms: i64) -> String {
    let minutes = (ms / 60_000).max(0) as u64;
    match minutes {
        0..60 => format!("{minutes}m"),
        60..1_440 => format!("{}h", minutes / 60),
        _ => format!("{}d", count(minutes / 1_440)),
    }
}
