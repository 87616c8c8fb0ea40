//! Which prompts of the grid are shown, and in what order.

use std::cmp::Ordering;

use crate::domain::snapshot::Verdict;
use crate::service::live::{AffinityGrid, AffinityLine};

/// What prompts are sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Sort {
    /// How much they are used.
    #[default]
    Calls,
    /// Their names.
    Name,
    /// The best score of a model with enough evidence.
    Best,
    /// How far the best is from the worst: where the choice of a model matters most.
    Spread,
}

impl Sort {
    /// All of them.
    pub const ALL: [Sort; 4] = [Sort::Calls, Sort::Name, Sort::Best, Sort::Spread];

    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Sort::Calls => "calls",
            Sort::Name => "name",
            Sort::Best => "best score",
            Sort::Spread => "spread",
        }
    }

    /// The one so many further.
    pub fn step(self, by: isize) -> Sort {
        let at = (self as isize + by).rem_euclid(Sort::ALL.len() as isize);
        Sort::ALL[at as usize]
    }

    /// Whether it begins from high to low.
    pub fn falls(self) -> bool {
        self != Sort::Name
    }
}

/// Indices of the lines that the filter left, in order; equal ones by name.
pub(super) fn rows(grid: &AffinityGrid, filter: &str, sort: Sort, falling: bool) -> Vec<usize> {
    let filter = filter.to_lowercase();
    let named: Vec<String> = grid.lines.iter().map(|line| line.uri.to_string()).collect();
    let mut rows: Vec<usize> = (0..grid.lines.len()).filter(|i| passes(&named[*i], &filter)).collect();
    // What is not known comes last, whichever way.
    let keys: Vec<Option<f64>> = grid.lines.iter().map(|line| key(line, sort)).collect();
    rows.sort_by(|&a, &b| {
        let order = match (keys[a], keys[b]) {
            (Some(x), Some(y)) if falling => y.total_cmp(&x),
            (Some(x), Some(y)) => x.total_cmp(&y),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => Ordering::Equal,
        };
        let by_name = grid.lines[a].uri.key.to_string().cmp(&grid.lines[b].uri.key.to_string());
        let by_name = if sort == Sort::Name && falling { by_name.reverse() } else { by_name };
        order.then(by_name).then(a.cmp(&b))
    });
    rows
}

/// Whether a name has all the words of a filter, and none that begins with `!`.
fn passes(name: &str, filter: &str) -> bool {
    let name = name.to_lowercase();
    filter.split_whitespace().all(|term| match term.strip_prefix('!') {
        Some("") => true,
        Some(not) => !name.contains(not),
        None => name.contains(term),
    })
}

fn key(line: &AffinityLine, sort: Sort) -> Option<f64> {
    let enough = line.cells.iter().flatten().filter(|cell| cell.verdict == Verdict::Sufficient);
    let scores = || enough.clone().map(|cell| cell.affinity_score);
    match sort {
        Sort::Calls => Some(line.calls as f64),
        Sort::Name => None,
        Sort::Best => scores().reduce(f64::max),
        Sort::Spread => Some(scores().reduce(f64::max)? - scores().reduce(f64::min)?),
    }
}
