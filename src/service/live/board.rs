//! A stretch of the leaderboard: chosen, ordered and grouped over all prompts, put into words for its lines alone.

use std::cmp::Reverse;

use rustc_hash::FxHashMap;
use semver::Version;

use super::boards::Kept;
use super::known::Known;
use super::sieve::{Seeker, Sieve};
use super::wish::{Attribute, BoardLine, BoardPage, BoardWish, First, Group};
use super::{Live, Result};
use crate::domain::call::Millis;
use crate::domain::prompt::{PromptUri, Scope};
use crate::engine::rank::{Placed, Row, Subject, head};
use crate::engine::rollup::{CellKey, VersionId};

impl Live {
    /// A stretch of the leaderboard; which model serves a prompt best is said by the grid that was made or handed over
    /// last. A term of the filter that is not understood is said, and the others hold; the line
    /// numbers of the stretch are moved so that there are as many lines as can be.
    pub fn board(&mut self, wish: &BoardWish, now: Millis) -> Result<BoardPage> {
        self.answer(|live, reader, known| {
            known.waiting.at(now);
            let mut boards = std::mem::take(&mut live.boards);
            let kept = boards.of(reader, known, wish.window, now);
            let page = kept.and_then(|kept| {
                kept.read_calls(reader)?;
                Ok(live.page(wish, kept, known, now))
            });
            live.boards = boards;
            page
        })
    }

    fn page(&mut self, wish: &BoardWish, kept: &Kept, known: &Known, now: Millis) -> BoardPage {
        let sieve = Sieve::read(&wish.filter);
        let (roster, cells, lineup) = (known.standings.roster(), kept.cells(), kept.lineup());
        let mut seeker = std::mem::take(&mut self.seeker);
        let watch = self.watch.as_deref();
        let level = |name: &str| watch.and_then(|watch| watch.prompts.get(name).copied());
        let mut placed = lineup.placed(roster, cells, &sieve.filter, wish.sort, |index| {
            let name = &roster.subjects[index].name;
            (!sieve.has_words() || seeker.finds(&sieve, name))
                && sieve.admits(|| level(name), || known.waiting.of(name))
        });
        put_together(&mut placed, roster.subjects, wish.group);
        if let Some(First { attribute, turned }) = wish.first {
            let subject = |one: &Placed| &roster.subjects[one.index as usize];
            put_first(&mut placed, turned, |one| {
                let subject = subject(one);
                match attribute {
                    Attribute::Health => level(&subject.name).map(|level| Standing::Number(-(level as i64))),
                    Attribute::Scope => subject.scope.map(|scope| Standing::Number(scope as i64)),
                    Attribute::Open => match known.waiting.of(&subject.name) {
                        0 => None,
                        open => Some(Standing::Number(-i64::from(open))),
                    },
                    Attribute::Model => {
                        self.best_model(&subject.name, kept).map(|(model, ..)| Standing::Name(model))
                    }
                    Attribute::Version => {
                        let uri: PromptUri = subject.name.parse().ok()?;
                        let active = known.catalog.published.get(&uri)?.active.clone()?;
                        Some(Standing::Version(Reverse(active)))
                    }
                    Attribute::Trend => {
                        let steps = kept.calls_of(&numbers(known, subject.name.parse().ok().as_ref()));
                        let newer: u64 = steps[steps.len() / 2..].iter().sum();
                        let all: u64 = steps.iter().sum();
                        // In thousandths: what is nearly alike is ordered by the column.
                        (all > 0).then(|| Standing::Number(-((newer * 1000 / all) as i64)))
                    }
                }
            });
        }
        let matched = placed.len();
        let sought = wish.seek.as_ref().and_then(|name| {
            placed.iter().find(|one| roster.subjects[one.index as usize].name == *name).copied()
        });
        let found = sought.map(|sought| placed.iter().filter(|one| one.order(&sought).is_lt()).count());
        let from = wish.from.min(matched.saturating_sub(wish.count));
        head(&mut placed, from.saturating_add(wish.count));
        let shown = &placed[from.min(placed.len())..];
        let rows = lineup.rows(roster, cells, &sieve.filter, shown.iter().map(|one| one.index));
        let lines =
            rows.iter().map(|row| self.line(row, wish.group, &sieve, &mut seeker, kept, known)).collect();
        self.seeker = seeker;
        BoardPage {
            window: kept.window(),
            total: known.prompts,
            matched,
            from,
            lines,
            found,
            fault: sieve.fault,
            as_of: now,
        }
    }

    /// The model that serves a prompt best, where the grid of this window is known.
    fn best_model(&self, name: &str, kept: &Kept) -> Option<(String, f64, bool)> {
        self.grid.as_ref().filter(|grid| grid.spec == kept.spec())?.best(name)
    }

    fn line(
        &self,
        row: &Row<'_>,
        group: Group,
        sieve: &Sieve,
        seeker: &mut Seeker,
        kept: &Kept,
        known: &Known,
    ) -> BoardLine {
        let (subject, name) = (row.subject, &row.subject.name);
        let uri: Option<PromptUri> = subject.scope.and_then(|_| name.parse().ok());
        let published = uri.as_ref().and_then(|uri| known.catalog.published.get(uri));
        BoardLine {
            line: row.line(),
            version: published.and_then(|published| published.active.clone()),
            health: self.watch.as_ref().and_then(|watch| watch.prompts.get(name).copied()),
            trend: kept.calls_of(&numbers(known, uri.as_ref())),
            best_model: self.best_model(name, kept),
            open: known.waiting.of(name),
            group: label(group, subject).map(ToOwned::to_owned),
            matched: if sieve.has_words() { seeker.ranges(sieve, name) } else { Vec::new() },
            uri,
        }
    }
}

/// The versions of a prompt by their numbers; without one, what stands for calls that name none.
fn numbers(known: &Known, uri: Option<&PromptUri>) -> Vec<VersionId> {
    uri.map_or_else(|| vec![CellKey::UNPROMPTED], |uri| known.catalog.numbers(uri, None))
}

/// Where something stands by an attribute.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Standing {
    Number(i64),
    Version(Reverse<Version>),
    Name(String),
}

/// Orders by an attribute within groups; what has none comes last.
fn put_first(placed: &mut [Placed], turned: bool, of: impl Fn(&Placed) -> Option<Standing>) {
    let standings: Vec<Option<Standing>> = placed.iter().map(of).collect();
    let mut distinct: Vec<&Standing> = standings.iter().flatten().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let count = distinct.len();
    for (one, standing) in placed.iter_mut().zip(&standings) {
        let place =
            match standing.as_ref().map(|standing| distinct.partition_point(|other| *other < standing)) {
                None => count,
                Some(place) if turned => count - 1 - place,
                Some(place) => place,
            };
        one.group = one.group * (count as u64 + 1) + place as u64;
    }
}

/// What a subject is grouped under; `None` where nothing is grouped.
fn label(group: Group, subject: &Subject) -> Option<&str> {
    let scope = subject.scope.map(Scope::as_str);
    let label = match group {
        Group::None => return None,
        Group::Scope => scope,
        Group::TaskType => scope.map(|_| subject.task_type.as_str()),
        Group::Owner => subject.owner().or(scope),
    };
    Some(label.unwrap_or(&subject.name))
}

/// Puts groups in order: the one with the most calls first.
fn put_together(placed: &mut [Placed], subjects: &[Subject], group: Group) {
    if group == Group::None {
        return;
    }
    let of = |one: &Placed| label(group, &subjects[one.index as usize]).unwrap_or_default();
    let mut sums: FxHashMap<&str, i64> = FxHashMap::default();
    for one in placed.iter() {
        *sums.entry(of(one)).or_default() += one.calls;
    }
    let mut labels: Vec<(&str, i64)> = sums.into_iter().collect();
    labels.sort_unstable_by_key(|(label, calls)| (Reverse(*calls), *label));
    let order: FxHashMap<&str, u64> =
        labels.into_iter().enumerate().map(|(place, (label, _))| (label, place as u64)).collect();
    for one in placed {
        one.group = order[of(one)];
    }
}
