//! The one writer of a process: a thread with its own connection that takes jobs from a queue and commits those that
//! wait together in one transaction. A job is answered after the commit; a job that fails undoes itself alone.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use semver::Version;
use serde_json::Value;

use super::authored::Hand;
use super::decide::Docket;
use super::fault::{Kind, Result, StoreError};
use super::ledger::{self, Asked};
use super::models::{self, Imported};
use super::monitors::{self, Checkpoint, Note};
use super::prompt_error::PromptStoreError;
use super::prompts::{Activation, Deed, Publication, Rollback};
use super::quarantine::{self, Quarantined};
use super::schema::{Access, connect, wall_clock};
use super::telemetry::{Memory, Retention, Swept, Telemetry};
use crate::domain::call::Millis;
use crate::domain::governance::Governance;
use crate::domain::ledger::{Action, Entry};
use crate::domain::model::{ModelCard, PriceRow};
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::engine::seal::Pen;
use crate::engine::trust::Trust;

/// Jobs that wait while the writer commits; beyond it, producers wait.
const QUEUE: usize = 64;
/// Longest that a transaction keeps taking jobs.
const GROUP: Duration = Duration::from_millis(20);

/// Most pages that are given back to the disk when a store is closed.
const VACUUMED: u32 = 4_000;

type Answer = Box<dyn FnOnce(Result<()>) + Send>;
/// Runs in a transaction, or, without one, only gives the answer that will carry the reason.
type Job = Box<dyn FnOnce(Option<&mut Transaction<'_>>) -> (Option<StoreError>, Answer) + Send>;

/// A job's work inside the write transaction.
#[derive(Debug)]
pub struct Transaction<'a> {
    /// The telemetry half.
    pub telemetry: Telemetry<'a>,
    now: Millis,
}

impl Transaction<'_> {
    /// Keeps what could not be taken; false if the same was kept before.
    pub fn quarantine(&self, item: &Quarantined) -> Result<bool> {
        quarantine::keep(self.telemetry.db(), item, self.now)
    }

    /// Whether the last sweep is a day ago or more.
    pub fn sweep_is_due(&self) -> Result<bool> {
        self.telemetry.sweep_is_due()
    }

    /// Lets go of what `keep` says is too old: one step, with whether there is more.
    pub fn sweep(&mut self, keep: &Retention) -> Result<Swept> {
        self.telemetry.sweep(keep)
    }

    /// Lets go of a quarantined item, because it has been taken now.
    pub fn release(&self, seq: i64) -> Result<()> {
        quarantine::release(self.telemetry.db(), seq)
    }

    /// Adds a table of prices and model cards; the same table twice changes nothing.
    pub fn import_models(&self, prices: &[PriceRow], cards: &[ModelCard]) -> Result<Imported> {
        Ok(models::import(self.telemetry.db(), prices, cards)?)
    }

    /// Lets what this job writes by hand happen at `now` instead of today: for a past that is made today.
    pub fn as_of(&mut self, now: Millis) {
        self.now = now;
    }

    /// Publishes a version of a prompt that has been checked, by hand: `pen` signs where the store has an owner.
    pub fn publish(
        &self,
        pen: Option<&Pen>,
        file: &PromptFile,
        activation: Activation,
        deed: Deed<'_>,
    ) -> Result<Publication> {
        self.by_hand(pen, |hand| hand.publish(file, activation, deed))
    }

    /// Goes back to an earlier version of a prompt, by hand.
    pub fn rollback(
        &self,
        pen: Option<&Pen>,
        uri: &PromptUri,
        to: Option<&Version>,
        deed: Deed<'_>,
    ) -> Result<Rollback> {
        self.by_hand(pen, |hand| hand.rollback(uri, to, deed))
    }

    fn by_hand<R>(
        &self,
        pen: Option<&Pen>,
        work: impl FnOnce(&Hand<'_>) -> std::result::Result<R, PromptStoreError>,
    ) -> Result<R> {
        let hand = Hand { tx: self.telemetry.db(), pen, now: self.now };
        work(&hand).map_err(|error| match error {
            PromptStoreError::Store(error) => error,
            other => StoreError::new(Kind::Failed, other.to_string()),
        })
    }

    /// Enters into the ledger what is about no row of the store: see [`ledger::enter`].
    pub fn enter(&self, asked: &Asked<'_>, action: Action, subject: &str, payload: Value) -> Result<Entry> {
        Ok(ledger::enter(self.telemetry.db(), asked, self.now, action, subject, payload)?.0)
    }

    /// Makes whoever holds the pen the owner of a store that has none.
    pub fn own(&self, pen: &Pen, payload: Value) -> Result<Entry> {
        ledger::own(self.telemetry.db(), pen, self.now, payload)
    }

    /// Whom the store trusts.
    pub fn trust(&self) -> Result<Trust> {
        ledger::trust(self.telemetry.db())
    }

    /// The proposals before whoever holds the pen, at `now`, under these rules.
    pub fn docket<'t>(&'t self, pen: Option<&'t Pen>, rules: &'t Governance, now: Millis) -> Docket<'t> {
        Docket::new(self.telemetry.db(), pen, rules, now)
    }

    /// Keeps checkpoints of the monitors, folded from the store as it was at `position`; false if that does not hold
    /// any more.
    pub fn keep_monitors(&self, checkpoints: &[Checkpoint], position: i64) -> Result<bool> {
        monitors::keep(self.telemetry.db(), checkpoints, position)
    }

    /// Appends what a person said to a monitor.
    pub fn note(&self, note: &Note) -> Result<()> {
        monitors::note(self.telemetry.db(), note)
    }

    /// Wall clock at the start of the transaction, ms.
    pub fn now(&self) -> Millis {
        self.now
    }
}

/// The answer to a job that has been queued.
#[derive(Debug)]
pub struct Pending<R> {
    answer: Receiver<Result<R>>,
    path: PathBuf,
}

impl<R> Pending<R> {
    /// Waits until the job is durable, or has failed.
    pub fn wait(self) -> Result<R> {
        let gone = || Err(StoreError::new(Kind::Failed, "the writer ended before it answered"));
        self.answer.recv().unwrap_or_else(|_| gone()).map_err(|e| e.at(&self.path))
    }
}

/// The handle of the writer thread.
#[derive(Debug)]
pub struct Writer {
    jobs: SyncSender<Job>,
    thread: JoinHandle<Result<()>>,
    path: PathBuf,
}

impl Writer {
    /// Starts the thread; its connection is opened there.
    pub fn start(path: &Path) -> Result<Writer> {
        let (jobs, queue) = sync_channel(QUEUE);
        let (ready, opened) = channel();
        let file = path.to_owned();
        let thread = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || run(&file, &queue, &ready).map_err(|e| e.at(&file)))
            .map_err(|e| StoreError::new(Kind::Failed, format!("no thread for the writer: {e}")).at(path))?;
        match opened.recv() {
            Ok(()) => Ok(Writer { jobs, thread, path: path.to_owned() }),
            Err(_) => Err(match thread.join() {
                Ok(Err(e)) => e,
                _ => StoreError::new(Kind::Failed, "the writer ended at its start").at(path),
            }),
        }
    }

    /// Queues a job.
    pub fn submit<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Transaction<'_>) -> Result<R> + Send + 'static,
    ) -> Result<Pending<R>> {
        let (reply, answer) = channel();
        let job: Job = Box::new(move |tx| {
            let done = tx.map_or_else(|| Err(StoreError::new(Kind::Failed, "it was not begun")), job);
            let failure = done.as_ref().err().cloned();
            // Who asked may have gone; the work is done all the same.
            (failure, Box::new(move |committed| drop(reply.send(committed.and(done)))))
        });
        self.jobs
            .send(job)
            .map_err(|_| StoreError::new(Kind::Failed, "the writer has ended").at(&self.path))?;
        Ok(Pending { answer, path: self.path.clone() })
    }

    /// Lets the queue run empty and ends the thread.
    pub fn close(self) -> Result<()> {
        drop(self.jobs);
        self.thread
            .join()
            .unwrap_or_else(|_| Err(StoreError::new(Kind::Failed, "the writer panicked").at(&self.path)))
    }
}

fn run(path: &Path, queue: &Receiver<Job>, ready: &Sender<()>) -> Result<()> {
    let db = connect(path, Access::Write)?;
    let mut memory = Memory::default();
    // Whoever started the thread waits for this.
    ready.send(()).ok();
    while let Ok(first) = queue.recv() {
        let mut answers = Vec::new();
        let committed = group(&db, &mut memory, first, queue, &mut answers);
        if committed.is_err() {
            forget(&db, &mut memory);
        }
        for answer in answers {
            answer(committed.clone());
        }
        if memory.is_due(false) && flush(&db, &mut memory, false).is_err() {
            // Everything is in the journal, and the next group tries again.
            forget(&db, &mut memory);
        }
    }
    if memory.is_due(true) {
        flush(&db, &mut memory, true)?;
    } else {
        memory.let_go(&db)?;
    }
    // What the journal and retention freed goes back to the disk, as far as that is quick: a row is a page.
    let mut vacuum = db.prepare(&format!("PRAGMA incremental_vacuum({VACUUMED})"))?;
    let mut pages = vacuum.query([])?;
    while pages.next()?.is_some() {}
    Ok(())
}

/// Undoes an open transaction, and forgets what the memory holds of it.
fn forget(db: &Connection, memory: &mut Memory) {
    *memory = Memory::default();
    if !db.is_autocommit() {
        db.execute_batch("ROLLBACK").ok();
    }
}

/// One transaction: `first` and what comes meanwhile.
fn group(
    db: &Connection,
    memory: &mut Memory,
    first: Job,
    queue: &Receiver<Job>,
    answers: &mut Vec<Answer>,
) -> Result<()> {
    if let Err(error) = begin(db, memory) {
        answers.push(first(None).1);
        return Err(error);
    }
    // Waiting for another process is no reason to take fewer jobs.
    let (began, now) = (Instant::now(), wall_clock());
    let mut tx = Transaction { telemetry: Telemetry::new(db, memory, now), now };
    let mut next = Some(first);
    while let Some(job) = next {
        tx.now = now;
        let savepoint = tx.telemetry.savepoint();
        if let Err(error) = db.execute_batch("SAVEPOINT job") {
            answers.push(job(None).1);
            return Err(error.into());
        }
        let (failure, answer) = job(Some(&mut tx));
        answers.push(answer);
        if let Some(failure) = failure {
            if db.is_autocommit() {
                // A full disk and the like end the whole transaction, and with it everybody's work in it.
                return Err(failure);
            }
            db.execute_batch("ROLLBACK TO job")?;
            tx.telemetry.back_to(savepoint);
        }
        db.execute_batch("RELEASE job")?;
        next = if began.elapsed() < GROUP { queue.try_recv().ok() } else { None };
    }
    let page = tx.telemetry.finish()?;
    db.execute_batch("COMMIT")?;
    if let Some((seq, page)) = page {
        memory.committed(seq, &page)?;
    }
    Ok(())
}

fn begin(db: &Connection, memory: &mut Memory) -> Result<()> {
    db.execute_batch("BEGIN IMMEDIATE")?;
    memory.follow(db)
}

fn flush(db: &Connection, memory: &mut Memory, closing: bool) -> Result<()> {
    begin(db, memory)?;
    memory.flush(db, closing)?;
    db.execute_batch("COMMIT")?;
    memory.flushed(db)
}
