//! A consistent view of the store, on a connection of its own: one read transaction, begun when it is opened.

use std::cell::{OnceCell, RefCell};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use semver::Version;

use super::canary::{self, Canary};
use super::cases;
use super::catalog::{self, Published};
use super::explain;
use super::fault::{Result, StoreError};
use super::ledger;
use super::models;
use super::monitors::{self, Note};
use super::prompt_error::PromptStoreError;
use super::prompts::{self, ActivationRow, VersionRow};
use super::proposals::Proposals;
use super::quarantine::{self, Quarantined};
use super::schema::{Access, connect};
use super::telemetry::{
    CallQuery, Detail, Dictionary, KeptCall, Tail, TelemetryReader, Totals, changed_from,
};
use crate::domain::call::Millis;
use crate::domain::cases::Case;
use crate::domain::ledger::Entry;
use crate::domain::model::{ModelCard, PriceRow};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::ProposalId;
use crate::engine::rollup::{CallFacts, Cell, CellKey, Delta, Hour, VersionId};
use crate::engine::seal::Head;
use crate::engine::trend::Monitors;
use crate::engine::trust::Trust;

/// The view. Rows written after it was opened are not in it.
#[derive(Debug)]
pub struct Reader {
    db: Connection,
    dictionary: OnceCell<Arc<Dictionary>>,
    tail: OnceCell<Tail>,
    path: PathBuf,
    /// The dictionary of the view before.
    earlier: RefCell<Option<Arc<Dictionary>>>,
}

impl Reader {
    /// Begins a view of the store at `path`.
    pub fn open(path: &Path) -> Result<Reader> {
        let reader = Reader {
            db: connect(path, Access::Read)?,
            dictionary: OnceCell::new(),
            tail: OnceCell::new(),
            path: path.to_owned(),
            earlier: RefCell::new(None),
        };
        reader.begin()?;
        Ok(reader)
    }

    fn begin(&self) -> Result<()> {
        // A transaction sees the state of its first read.
        self.named(self.db.execute_batch("BEGIN; SELECT 1 FROM meta LIMIT 1;"))
    }

    /// Ends the view; the connection is kept for the next one.
    pub(super) fn end(&mut self) -> Result<()> {
        self.tail = OnceCell::new();
        self.named(self.db.execute_batch("COMMIT"))
    }

    /// Begins the next view on the connection of one that has ended. What it knows of names is followed, not read anew,
    /// unless somebody else still holds the dictionary.
    pub(super) fn begin_anew(&mut self) -> Result<()> {
        self.begin()?;
        *self.earlier.get_mut() = self.dictionary.take();
        Ok(())
    }

    /// A number that changes with every commit of others.
    pub(super) fn data_version(&self) -> Result<i64> {
        self.named(
            self.db.prepare_cached("PRAGMA data_version").and_then(|mut s| s.query_row([], |r| r.get(0))),
        )
    }

    /// Pages of the file are kept in so many KiB of memory at most.
    pub(super) fn keep_pages(&self, kib: i32) -> Result<()> {
        self.named(self.db.pragma_update(None, "cache_size", -kib))
    }

    /// All published prompts, by URI.
    pub fn published(&self) -> Result<BTreeMap<PromptUri, Published>> {
        self.named(catalog::published(&self.db))
    }

    /// A number that grows whenever another version of a prompt becomes active.
    pub fn newest_activation(&self) -> Result<i64> {
        self.named(catalog::newest_activation(&self.db))
    }

    /// A published version as a file.
    pub fn file(&self, uri: &PromptUri, version: &Version) -> Result<PromptFile> {
        self.prompts(prompts::get(&self.db, uri, version))
    }

    fn prompts<T>(&self, read: std::result::Result<T, PromptStoreError>) -> Result<T> {
        read.map_err(|error| match error {
            PromptStoreError::Store(error) => error.at(&self.path),
            other => StoreError::corrupt(other).at(&self.path),
        })
    }

    /// The canary of a proposal, running or ended.
    pub fn canary(&self, proposal: ProposalId) -> Result<Option<Canary>> {
        self.named(canary::of(&self.db, proposal))
    }

    /// The canary of a prompt that runs.
    pub fn canary_running(&self, prompt: &PromptUri) -> Result<Option<Canary>> {
        self.named(canary::running(&self.db, prompt))
    }

    /// The cases of a prompt that were published last; none where it has none.
    pub fn cases(&self, prompt: &PromptUri) -> Result<Vec<Case>> {
        Ok(self.named(cases::latest(&self.db, prompt))?.map(|set| set.cases).unwrap_or_default())
    }

    /// The proposals, and what became of them.
    pub fn proposals(&self) -> Proposals<'_> {
        Proposals::new(&self.db)
    }

    /// All imported prices.
    pub fn prices(&self) -> Result<Vec<PriceRow>> {
        self.named(models::prices(&self.db))
    }

    /// All imported model cards.
    pub fn model_cards(&self) -> Result<Vec<ModelCard>> {
        self.named(models::cards(&self.db))
    }

    /// How many inputs are quarantined, by reason, most first.
    pub fn quarantine_reasons(&self) -> Result<Vec<(String, i64)>> {
        self.named(quarantine::reasons(&self.db))
    }

    /// Up to `limit` quarantined inputs after number `seq`.
    pub fn quarantined(&self, seq: i64, limit: usize) -> Result<Vec<(i64, Quarantined)>> {
        self.named(quarantine::after(&self.db, seq, limit))
    }

    /// Bytes of the file that are in use, and how many of them calls and their feedback take.
    pub fn bytes(&self) -> Result<(u64, u64)> {
        self.named(Tail::bytes(&self.db))
    }

    /// The newest torn ends that were quarantined from `origin`, each with its number.
    pub fn torn_ends(&self, origin: &str) -> Result<Vec<(i64, Vec<u8>)>> {
        self.named(quarantine::torn_ends(&self.db, origin))
    }

    /// How many inputs are quarantined.
    pub fn quarantined_count(&self) -> Result<u64> {
        self.named(quarantine::count(&self.db))
    }

    /// The versions of a prompt, the one published last first.
    pub fn version_rows(&self, uri: &PromptUri) -> Result<Vec<VersionRow>> {
        self.prompts(prompts::version_rows(&self.db, uri))
    }

    /// The activations of a prompt in the order in which they took effect.
    pub fn activations(&self, uri: &PromptUri) -> Result<Vec<ActivationRow>> {
        self.prompts(prompts::activations(&self.db, uri))
    }

    /// The monitors as far as they still hold.
    pub fn monitors(&self) -> Result<Option<Monitors>> {
        self.named(monitors::latest(&self.db))
    }

    /// Whether there are monitors that still hold, without reading them.
    pub fn has_monitors(&self) -> Result<bool> {
        self.named(monitors::is_kept(&self.db))
    }

    /// The midnight at which the first fold of the monitors began, if there was one.
    pub fn monitors_began(&self) -> Result<Option<Hour>> {
        self.named(monitors::began(&self.db))
    }

    /// The hour before which nothing has changed since the monitors were kept.
    pub fn changed_from(&self) -> Result<Hour> {
        self.named(changed_from(&self.db))
    }

    /// What people said to the monitors, oldest first.
    pub fn monitor_notes(&self) -> Result<Vec<Note>> {
        self.named(monitors::notes(&self.db))
    }

    /// Whom the store trusts.
    pub fn trust(&self) -> Result<Trust> {
        self.named(ledger::trust(&self.db))
    }

    /// Hands the ledger's entries after number `after` to `each`, in order, until it says false.
    pub fn ledger(&self, after: u64, each: &mut dyn FnMut(Entry) -> bool) -> Result<()> {
        self.named(ledger::entries(&self.db, after, each))
    }

    /// Hands the ledger's entries to `each`, the newest first, until it says false: what comes before is not read.
    pub fn newest_entries(&self, each: &mut dyn FnMut(Entry) -> bool) -> Result<()> {
        self.named(ledger::newest(&self.db, each))
    }

    /// Where the ledger ends.
    pub fn ledger_head(&self) -> Result<Head> {
        self.named(ledger::head(&self.db))
    }

    /// Checks the ledger, and that it explains what is in the store: where it ends, and all that is wrong.
    pub fn verify_ledger(&self) -> Result<(Head, Vec<String>)> {
        let (head, mut faults) = self.named(ledger::verify(&self.db))?;
        if faults.is_empty() {
            let found = explain::check(&self.db).or_else(|error| error.damage().map(|fault| vec![fault]));
            faults = self.named(found)?;
        }
        Ok((head, faults))
    }

    /// Hands the texts of all published versions to `each`, by URI.
    pub fn texts(&self, each: &mut dyn FnMut(String, String)) -> Result<()> {
        self.named(explain::texts(&self.db, each))
    }

    /// SQLite's own check of the file: what is wrong, nothing when it is sound.
    pub fn integrity(&self) -> Result<Vec<String>> {
        let found = self.db.prepare("PRAGMA integrity_check(20)").and_then(|mut statement| {
            statement.query_map([], |r| r.get(0))?.collect::<rusqlite::Result<Vec<String>>>()
        });
        Ok(self.named(found)?.into_iter().filter(|line| line != "ok").collect())
    }

    /// Folds the kept calls anew and compares with the stored cells: how many there are, and which differ.
    pub fn verify_rollups(&self) -> Result<(usize, Vec<(Hour, CellKey)>)> {
        self.named(self.tail()?.verify(&self.db))
    }

    /// What was read, or why not, naming the file.
    fn named<T, E: Into<StoreError>>(&self, read: std::result::Result<T, E>) -> Result<T> {
        read.map_err(|e| e.into().at(&self.path))
    }

    fn tail(&self) -> Result<&Tail> {
        once(&self.tail, || self.named(Tail::read(&self.db, self.dictionary()?)))
    }
}

/// What the cell holds, read the first time.
fn once<T>(cell: &OnceCell<T>, read: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(known) = cell.get() {
        return Ok(known);
    }
    let read = read()?;
    Ok(cell.get_or_init(|| read))
}

impl TelemetryReader for Reader {
    fn dictionary(&self) -> Result<Arc<Dictionary>> {
        let read = || match self.earlier.take() {
            Some(earlier) => Dictionary::renewed(earlier, &self.db),
            None => Dictionary::read(&self.db),
        };
        once(&self.dictionary, || self.named(read())).map(Arc::clone)
    }

    fn cells(
        &self,
        hours: Range<Hour>,
        hourly: bool,
        versions: Option<&[VersionId]>,
        fold: &mut dyn FnMut(Hour, CellKey, &Cell),
    ) -> Result<()> {
        self.named(self.tail()?.cells(&self.db, hours, hourly, versions, fold))
    }

    fn calls_by_hour(&self, hours: Range<Hour>, fold: &mut dyn FnMut(Hour, CellKey, i64)) -> Result<()> {
        self.named(self.tail()?.calls_by_hour(&self.db, hours, fold))
    }

    fn newest(&self, from: Millis, most: usize, each: &mut dyn FnMut(Millis, &CallFacts)) -> Result<()> {
        self.named(Tail::newest(&self.db, from, most, each))
    }

    fn position(&self) -> Result<i64> {
        self.named(Tail::reach(&self.db))
    }

    fn changes(&self, position: i64) -> Result<Option<(i64, Vec<Delta>)>> {
        self.named(Tail::changes(&self.db, position))
    }

    fn detail(&self) -> Result<Detail> {
        self.named(Tail::detail(&self.db))
    }

    fn deltas(&self, from: Millis, to: Millis, fold: &mut dyn FnMut(&Delta)) -> Result<()> {
        self.named(Tail::deltas(&self.db, from, to, fold))
    }

    fn calls(&self, query: &CallQuery, each: &mut dyn FnMut(KeptCall) -> bool) -> Result<()> {
        self.named(Tail::calls(&self.db, &*self.dictionary()?, query, each))
    }

    fn heard(&self, from: Millis, to: Millis, each: &mut dyn FnMut(u32, bool) -> bool) -> Result<()> {
        self.named(Tail::heard(&self.db, from, to, each))
    }

    fn totals(&self) -> Result<Totals> {
        self.named(self.tail()?.totals(&self.db))
    }

    fn span(&self) -> Result<Option<(Millis, Millis)>> {
        self.named(Tail::span(&self.db))
    }
}
