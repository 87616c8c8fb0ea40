//! Names, and what waits: what every answer needs, read once and followed.

use rustc_hash::FxHashMap;

use crate::domain::call::Millis;
use crate::engine::rollup::Cells;
use crate::engine::trust::Trust;
use crate::service::catalog::Catalog;
use crate::service::error::Result;
use crate::service::standings::Standings;
use crate::service::watch::SMALL_FLEET;
use crate::store::Reader;
use crate::store::proposals::OpenRow;

/// What is known of the prompts of a store.
#[derive(Debug)]
pub struct Known {
    /// Which there are.
    pub catalog: Catalog,
    /// Who the rows of a leaderboard are about; the cells are elsewhere.
    pub standings: Standings,
    /// How many prompts there are.
    pub prompts: usize,
    /// Raised whenever subjects are numbered anew.
    pub numbering: u64,
    /// What waits for a decision.
    pub waiting: Waiting,
    /// Whom the store trusts.
    pub trust: Trust,
    ledger: u64,
}

impl Known {
    /// Reads all of it.
    pub fn read(reader: &Reader) -> Result<Known> {
        let catalog = Catalog::read(reader)?;
        let standings = Standings::of(&catalog, Cells::default());
        let waiting = Waiting::new(reader.proposals().open()?);
        let (trust, ledger) = (reader.trust()?, reader.ledger_head()?.seq);
        let prompts = catalog.prompts().count();
        Ok(Known { catalog, standings, prompts, numbering: 0, waiting, trust, ledger })
    }

    /// Whether a question about the whole fleet takes too long to be asked in passing.
    pub fn is_large(&self) -> bool {
        self.prompts > SMALL_FLEET
    }

    /// Follows what was committed since: costs what is new.
    pub fn follow(&mut self, reader: &Reader) -> Result<()> {
        let ledger = reader.ledger_head()?.seq;
        // Whatever is published, becomes active or is decided is in the ledger.
        let decided = ledger != self.ledger;
        if self.catalog.follow(reader, decided)? {
            self.standings = Standings::of(&self.catalog, Cells::default());
            self.prompts = self.catalog.prompts().count();
            self.numbering += 1;
        } else {
            self.standings.follow(&self.catalog.dictionary);
        }
        if decided {
            self.waiting = Waiting::new(reader.proposals().open()?);
            self.trust = reader.trust()?;
            self.ledger = ledger;
        }
        Ok(())
    }
}

/// Proposals that wait for a decision, by prompt.
#[derive(Debug, Default)]
pub struct Waiting {
    rows: Vec<OpenRow>,
    of: FxHashMap<String, u32>,
    high: usize,
    /// When the next one that was put off waits again, ms.
    due: Option<Millis>,
    counted: bool,
}

impl Waiting {
    fn new(rows: Vec<OpenRow>) -> Waiting {
        Waiting { rows, ..Waiting::default() }
    }

    /// Counts those that wait at `now`: what was put off until then waits again.
    pub fn at(&mut self, now: Millis) {
        if self.counted && self.due.is_none_or(|due| now < due) {
            return;
        }
        self.of.clear();
        (self.high, self.due, self.counted) = (0, None, true);
        for row in &self.rows {
            if let Some(until) = row.until.filter(|until| *until > now) {
                self.due = Some(self.due.map_or(until, |due| due.min(until)));
            } else {
                *self.of.entry(row.prompt.clone()).or_default() += 1;
                self.high += usize::from(row.is_high);
            }
        }
    }

    /// How many there are for a prompt.
    pub fn of(&self, prompt: &str) -> u32 {
        self.of.get(prompt).copied().unwrap_or(0)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.of.values().map(|n| *n as usize).sum()
    }

    /// How many of them are of high risk.
    pub fn high(&self) -> usize {
        self.high
    }
}
