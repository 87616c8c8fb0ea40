//! What can go wrong with the store, in words: what failed, why, what to do.

use std::fmt;
use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;

use crate::engine::govern::Refusal;

/// The kinds of failure that call for different actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// There is no file, and none may be made (read-only access).
    Missing,
    /// The file is something else.
    Foreign,
    /// Written by a later version of this program.
    Newer,
    /// Damaged pages.
    Corrupt,
    /// The folder cannot be read: whether there is a file is not known.
    Denied,
    /// The file or its folder cannot be written.
    ReadOnly,
    /// No space left on the disk.
    Full,
    /// The system refuses to read or write: a broken disk, a quota, a limit on the length of files.
    Io,
    /// Another program holds it.
    Locked,
    /// On a network file system, where the write-ahead log is not safe.
    Network,
    /// The rules do not allow it: see `engine::govern`.
    Refused,
    /// What it was decided on has changed since: nothing was written.
    Changed,
    /// There is nothing of this name.
    Unknown,
    /// What was handed in cannot be taken as it is.
    Unfit,
    /// Anything else that SQLite reports.
    Failed,
}

/// A failure of the store.
#[derive(Debug, Clone)]
pub struct StoreError {
    /// What kind.
    pub kind: Kind,
    path: Option<PathBuf>,
    detail: String,
}

/// Results of the store.
pub type Result<T> = std::result::Result<T, StoreError>;

impl StoreError {
    /// A failure of `kind`; `detail` is a clause that says what was seen.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        StoreError { kind, path: None, detail: detail.into() }
    }

    /// The same, naming the file.
    #[must_use]
    pub fn at(mut self, path: &Path) -> Self {
        self.path.get_or_insert_with(|| path.to_owned());
        self
    }

    /// The same for `human doctor`, to which nobody needs to be sent: without what to do.
    pub fn seen(&self) -> String {
        let text = self.to_string();
        let detail = format!("({})", self.detail);
        text.find(&detail).map_or(text.clone(), |at| text[..at + detail.len()].to_owned())
    }

    /// What is damaged, for a check that goes on; any other failure is one of the check itself.
    pub fn damage(self) -> Result<String> {
        if self.kind == Kind::Corrupt { Ok(self.seen()) } else { Err(self) }
    }

    /// Stored bytes that do not read back.
    pub fn corrupt(detail: impl fmt::Display) -> Self {
        Self::new(Kind::Corrupt, detail.to_string())
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file =
            self.path.as_deref().map_or("the store".into(), |p| format!("the store `{}`", p.display()));
        let (what, next) = match self.kind {
            Kind::Missing => (
                "does not exist",
                "Feed it first with `human ingest FILE` or `human prompts publish DIR`, or name another with --store.",
            ),
            Kind::Denied => (
                "cannot be looked for: its folder cannot be read",
                "Check the path and the permissions of its folders, or name another with --store.",
            ),
            Kind::Foreign => (
                "is not a store of this program",
                "Name another file with --store; this one was left untouched.",
            ),
            Kind::Newer => (
                "was written by a newer version of this program",
                "Upgrade this program; the file was left untouched.",
            ),
            Kind::Corrupt => (
                "is damaged",
                "Keep a copy of the file with its -wal beside it. `human doctor` says what is readable; \
                 restore a backup, or ingest the telemetry again into a new store.",
            ),
            Kind::ReadOnly => (
                "cannot be written",
                "Check the permissions of the file and of its folder, or name another with --store. Nothing was lost: what was acknowledged before is in it.",
            ),
            Kind::Full => (
                "could not grow: the disk is full",
                "Free some space and run the same command again: what was acknowledged is kept, the rest was not taken.",
            ),
            Kind::Io => (
                "cannot be read or written",
                "Check the disk, its quotas and limits on the length of files (`ulimit -f`), and run the same command again: what was acknowledged is kept, the rest was not taken.",
            ),
            Kind::Locked => (
                "is held by another program",
                "Wait until it is done, or end it, and run the same command again. Nothing of this command was written.",
            ),
            Kind::Network => (
                "is on a network file system, where its write-ahead log would not be safe",
                "Name a file on a local disk with --store.",
            ),
            Kind::Refused | Kind::Changed | Kind::Unknown | Kind::Unfit => return f.write_str(&self.detail),
            Kind::Failed => ("failed", "Run `human doctor` for a check of the file."),
        };
        write!(f, "{file} {what} ({}). {next}", self.detail)
    }
}

impl std::error::Error for StoreError {}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match &error {
            rusqlite::Error::SqliteFailure(e, _) => match e.code {
                ErrorCode::DiskFull => Kind::Full,
                ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => Kind::ReadOnly,
                ErrorCode::SystemIoFailure => Kind::Io,
                ErrorCode::DatabaseCorrupt => Kind::Corrupt,
                ErrorCode::NotADatabase => Kind::Foreign,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => Kind::Locked,
                _ => Kind::Failed,
            },
            // A column of another type than the schema says, or bytes that are no UTF-8: the file is damaged.
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::Utf8Error(..) => Kind::Corrupt,
            _ => Kind::Failed,
        };
        StoreError::new(kind, error.to_string())
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> Self {
        StoreError::new(Kind::Refused, refusal.to_string())
    }
}

impl From<postcard::Error> for StoreError {
    fn from(error: postcard::Error) -> Self {
        StoreError::corrupt(format_args!("a row does not decode: {error}"))
    }
}
