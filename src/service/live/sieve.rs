//! A filter as it is typed into a console: terms of [`Filter`], terms about what is watched and what waits, and words
//! that are sought fuzzily in the prompt's key.

use std::ops::Range;

use nucleo_matcher::pattern::{Atom, AtomKind, CaseMatching, Normalization};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use crate::engine::rank::{Filter, Than};
use crate::engine::trend::health::Level;

/// A filter that was read.
#[derive(Debug)]
pub struct Sieve {
    /// What the leaderboard itself asks of a row.
    pub filter: Filter,
    /// Which term was not understood, and why.
    pub fault: Option<String>,
    words: Vec<Atom>,
    health: Vec<(Level, bool)>,
    open: Vec<(Than, bool)>,
}

impl Sieve {
    /// Reads it; what is not understood is said, and the rest holds.
    pub fn read(text: &str) -> Sieve {
        let (mut words, mut health, mut open) = (Vec::new(), Vec::new(), Vec::new());
        let (filter, fault) = Filter::typed(text, |term, not| {
            if let Some(level) = term.strip_prefix("health:") {
                let level = level_of(level).ok_or("health is page, warn, watch, stable or insufficient");
                return Some(level.map(|level| health.push((level, not))).map_err(str::to_owned));
            }
            if let Some(than) = term.strip_prefix("open").filter(|than| than.starts_with(['<', '=', '>'])) {
                return Some(Than::read(than).map(|than| open.push((than, not))));
            }
            let is_plain = !not && !term.contains([':', '/', '<', '=', '>']);
            is_plain.then(|| {
                let (case, marks) = (CaseMatching::Ignore, Normalization::Smart);
                words.push(Atom::new(term, case, marks, AtomKind::Fuzzy, false));
                Ok(())
            })
        });
        let fault = fault.map(|error| format!("`{}`: {}", error.term.escape_debug(), error.what));
        Sieve { filter, fault, words, health, open }
    }

    /// Whether a prompt passes by its health and by what waits for it; asked only where the filter says.
    pub fn admits(&self, level: impl Fn() -> Option<Level>, waiting: impl Fn() -> u32) -> bool {
        // Of several levels any will do, as of several models.
        let is_any = |not: bool| self.health.iter().any(|(l, n)| *n == not && level() == Some(*l));
        let asks = self.health.iter().any(|(_, not)| !not);
        (!asks || is_any(false))
            && !is_any(true)
            && self.open.iter().all(|(than, not)| than.holds(f64::from(waiting())) != *not)
    }

    /// Whether there are words to seek.
    pub fn has_words(&self) -> bool {
        !self.words.is_empty()
    }
}

fn level_of(word: &str) -> Option<Level> {
    let levels = [Level::Insufficient, Level::Stable, Level::Watch, Level::Warn, Level::Page];
    levels.into_iter().find(|level| level.as_str().eq_ignore_ascii_case(word))
}

/// Seeks words in keys; keeps its room for the next time.
pub struct Seeker {
    matcher: Matcher,
    wide: Vec<char>,
    found: Vec<u32>,
}

impl Default for Seeker {
    fn default() -> Self {
        Seeker { matcher: Matcher::new(Config::DEFAULT), wide: Vec::new(), found: Vec::new() }
    }
}

impl std::fmt::Debug for Seeker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seeker")
    }
}

/// Where the key begins in a prompt's name.
fn key_at(name: &str) -> usize {
    name.rfind('/').map_or(0, |slash| slash + 1)
}

impl Seeker {
    /// Whether all words are in the key.
    pub fn finds(&mut self, sieve: &Sieve, name: &str) -> bool {
        let key = Utf32Str::new(&name[key_at(name)..], &mut self.wide);
        sieve.words.iter().all(|word| word.score(key, &mut self.matcher).is_some())
    }

    /// Which bytes of the name the words matched.
    pub fn ranges(&mut self, sieve: &Sieve, name: &str) -> Vec<Range<usize>> {
        self.found.clear();
        let from = key_at(name);
        let key = &name[from..];
        for word in &sieve.words {
            let text = Utf32Str::new(key, &mut self.wide);
            word.indices(text, &mut self.matcher, &mut self.found);
        }
        self.found.sort_unstable();
        self.found.dedup();
        let mut ranges: Vec<Range<usize>> = Vec::new();
        let mut wanted = self.found.iter().peekable();
        // Keys are ASCII; what stands for calls without a prompt is, too.
        for (index, (at, c)) in key.char_indices().enumerate() {
            if wanted.next_if(|found| **found as usize == index).is_some() {
                let (start, end) = (from + at, from + at + c.len_utf8());
                match ranges.last_mut().filter(|last| last.end == start) {
                    Some(last) => last.end = end,
                    None => ranges.push(start..end),
                }
            }
        }
        ranges
    }
}
