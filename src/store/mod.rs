//! What lasts, and the only SQL: one SQLite file, one writer thread with group commit, readers on connections of
//! their own, any number of processes.
//!
//! Start with [`Store`]. Telemetry stands behind the traits of [`telemetry`].

mod authored;
pub mod canary;
pub mod cases;
pub mod catalog;
pub mod decide;
mod decided;
pub mod explain;
pub mod fault;
pub mod guard;
pub mod ledger;
mod lookout;
pub mod models;
pub mod monitors;
pub mod prompt_error;
pub mod prompt_list;
pub mod prompt_shelf;
pub mod prompts;
mod proposal_tables;
pub mod proposals;
mod quarantine;
mod reader;
mod reopen;
mod schema;
pub mod telemetry;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use fault::{Kind, Result, StoreError};
pub use lookout::Lookout;
pub use quarantine::{Quarantined, TORN};
pub use reader::Reader;
use schema::connect;
pub use schema::{Access, VERSION as SCHEMA_VERSION};
use writer::Writer;
pub use writer::{Pending, Transaction};

/// A store on disk. Cheap to open: nothing is read until something is asked.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    access: Access,
    writer: Mutex<Option<Writer>>,
}

impl Store {
    /// Opens the store, makes or migrates it if `access` allows.
    pub fn open(path: &Path, access: Access) -> Result<Store> {
        drop(connect(path, access)?);
        Ok(Store { path: path.to_owned(), access, writer: Mutex::new(None) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether this handle may write.
    pub fn is_writable(&self) -> bool {
        self.access == Access::Write
    }

    /// A view of the store as it is now; it does not change while it is held.
    pub fn read(&self) -> Result<Reader> {
        Reader::open(&self.path)
    }

    /// What looks at the store again and again.
    pub fn lookout(&self) -> Lookout {
        Lookout::of(&self.path)
    }

    /// Queues `job` for the writer; it is durable when [`Pending::wait`] returns Ok.
    pub fn submit<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Transaction<'_>) -> Result<R> + Send + 'static,
    ) -> Result<Pending<R>> {
        if self.access == Access::Read {
            return Err(StoreError::new(Kind::ReadOnly, "it was opened for reading").at(&self.path));
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if writer.is_none() {
            *writer = Some(Writer::start(&self.path)?);
        }
        match &*writer {
            Some(writer) => writer.submit(job),
            None => Err(StoreError::new(Kind::Failed, "the writer did not start")),
        }
    }

    /// Runs `job` in a write transaction and waits until it is durable. On an error nothing of it is written.
    pub fn write<R: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Transaction<'_>) -> Result<R> + Send + 'static,
    ) -> Result<R> {
        self.submit(job)?.wait()
    }

    /// Whether anything has been written through this handle.
    pub fn has_written(&self) -> bool {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Ends the writer after what is queued, and leaves the journal short.
    pub fn close(self) -> Result<()> {
        let writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        writer.map_or(Ok(()), Writer::close)
    }
}
