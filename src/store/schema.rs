//! The schema and its migrations: forward only, one transaction each, recorded in `user_version`.

use std::path::Path;
use std::time::SystemTime;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::fault::{Kind, Result, StoreError};
use super::{cases, explain, ledger, models, monitors, prompts, proposal_tables, quarantine, telemetry};
use crate::domain::call::Millis;

/// Marks the file as ours ("HUMN").
const APPLICATION_ID: i32 = 0x4855_4D4E;

/// Each step takes the schema from its index to its index + 1.
const MIGRATIONS: &[&[&str]] = &[
    &[telemetry::SCHEMA, prompts::SCHEMA, models::SCHEMA, quarantine::SCHEMA],
    &[monitors::SCHEMA],
    &[ledger::SCHEMA, proposal_tables::SCHEMA, cases::SCHEMA],
];

/// The schema that this program writes.
pub const VERSION: i32 = MIGRATIONS.len() as i32;

/// How a connection may use the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Make the file if it is missing, migrate it, write to it.
    Write,
    /// Read what is there.
    Read,
}

/// Opens one connection: checks that the file is ours and not newer, and, for writing, migrates it.
///
/// `synchronous=FULL`: what was acknowledged survives a power cut. Writers wait for one another.
pub fn connect(path: &Path, access: Access) -> Result<Connection> {
    open(path, access).map_err(|e| e.at(path))
}

fn open(path: &Path, access: Access) -> Result<Connection> {
    if path.is_dir() {
        return Err(StoreError::new(Kind::Foreign, "it is a directory"));
    }
    match path.try_exists() {
        // Writing goes on, and says whether the folder can be made.
        Err(error) if access == Access::Read => return Err(StoreError::new(Kind::Denied, error.to_string())),
        Ok(false) if access == Access::Read => return Err(StoreError::new(Kind::Missing, "no such file")),
        _ => {}
    }
    if access == Access::Write
        && let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder)
            .map_err(|e| StoreError::new(Kind::ReadOnly, format!("its folder cannot be made: {e}")))?;
    }
    if let Some(system) = network_file_system(path) {
        return Err(StoreError::new(Kind::Network, system));
    }
    let mode = match access {
        Access::Write => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
        Access::Read => OpenFlags::SQLITE_OPEN_READ_WRITE,
    };
    let flags = mode | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut db = match Connection::open_with_flags(path, flags) {
        // A reader of a file that it may not write still reads: SQLite then needs no shared memory to be made.
        Err(_) if access == Access::Read => Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )?,
        other => other.map_err(|e| StoreError::new(Kind::ReadOnly, e.to_string()))?,
    };
    db.busy_timeout(std::time::Duration::from_secs(10))?;
    db.set_prepared_statement_cache_capacity(64);
    // Plans do not depend on bound values: without this a cached statement is planned anew for many of its uses.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    let version = match check(&db) {
        Err(error) if access == Access::Read && error.kind == Kind::ReadOnly => {
            db = immutable(path)?.ok_or(error)?;
            check(&db)?
        }
        version => version?,
    };
    match access {
        Access::Read => {
            if version == 0 {
                return Err(StoreError::new(Kind::Missing, "the file is empty"));
            }
            db.pragma_update(None, "query_only", true)?;
            db.pragma_update(None, "cache_size", -16_384)?;
            if version < VERSION {
                return Err(StoreError::new(
                    Kind::Failed,
                    format!(
                        "it has schema {version}, this program reads {VERSION}: any command that writes migrates it"
                    ),
                ));
            }
        }
        Access::Write => {
            if version == 0 {
                // Before the first page exists; 8 KiB pages hold a bucket or a shard without overflow.
                db.pragma_update(None, "page_size", 8192)?;
                // What retention and the journal free can be given back to the disk.
                db.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
            }
            let mode: String = db.query_row("PRAGMA journal_mode=WAL", [], |r| r.get(0))?;
            if mode != "wal" {
                return Err(StoreError::new(
                    Kind::Network,
                    format!("write-ahead logging is refused, journal mode {mode}"),
                ));
            }
            db.pragma_update(None, "synchronous", "FULL")?;
            db.pragma_update(None, "cache_size", -32_768)?;
            db.pragma_update(None, "wal_autocheckpoint", 2_000)?;
            db.pragma_update(None, "journal_size_limit", 64 << 20)?;
            migrate(&mut db)?;
        }
    }
    Ok(db)
}

/// A reader of a folder in which nothing can be made, not even the shared memory of the write-ahead log: the file is
/// read as one that does not change. `None` while there is a log, because it would be passed over.
fn immutable(path: &Path) -> Result<Option<Connection>> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    if std::fs::metadata(log).is_ok_and(|m| m.len() > 0) {
        return Ok(None);
    }
    let Some(name) = path.to_str() else { return Ok(None) };
    let escaped = name.replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Ok(Some(Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)?))
}

/// The schema version of a file that is ours; 0 when it is empty.
fn check(db: &Connection) -> Result<i32> {
    let version: i32 = db.query_row("PRAGMA user_version", [], |r| r.get(0))?;
    let application: i32 = db.query_row("PRAGMA application_id", [], |r| r.get(0))?;
    let tables: i32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID {
        return Err(StoreError::new(Kind::Foreign, "an SQLite database of another program"));
    }
    if version < 0 {
        return Err(StoreError::corrupt(format_args!("its schema is said to be {version}")));
    }
    if version > VERSION {
        return Err(StoreError::new(Kind::Newer, format!("schema {version}, this program knows {VERSION}")));
    }
    Ok(version)
}

/// Wall clock, ms.
pub fn wall_clock() -> Millis {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}

fn migrate(db: &mut Connection) -> Result<()> {
    if check(db)? == VERSION {
        return Ok(());
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another process may have been first.
    let from = check(&tx)?;
    for step in &MIGRATIONS[from as usize..] {
        for sql in *step {
            tx.execute_batch(sql)?;
        }
    }
    // A ledger begins with what was there before it.
    if from < 3 {
        explain::anchor(&tx, wall_clock())?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    tx.commit()?;
    Ok(())
}

/// The file system under `path` if it is a network one (Linux; elsewhere SQLite's own refusal has to do).
fn network_file_system(path: &Path) -> Option<String> {
    let folder = path.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().ok()?;
    let mounts = std::fs::read_to_string("/proc/self/mounts").ok()?;
    let (_, kind) = mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ');
            let (_, point, kind) = (fields.next()?, fields.next()?, fields.next()?);
            folder.starts_with(point).then_some((point.len(), kind))
        })
        .max_by_key(|(length, _)| *length)?;
    let network =
        ["nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "fuse.sshfs", "9p", "glusterfs", "lustre"];
    network.contains(&kind).then(|| format!("mounted as {kind}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::prompt_file::PromptFile;
    use crate::store::prompts::{Activation, Deed};

    #[test]
    fn every_earlier_schema_migrates() {
        let dir = tempfile::tempdir().unwrap();
        for from in 0..MIGRATIONS.len() {
            let path = dir.path().join(format!("{from}.db"));
            let db = Connection::open(&path).unwrap();
            for step in &MIGRATIONS[..from] {
                for sql in *step {
                    db.execute_batch(sql).unwrap();
                }
            }
            if from > 0 {
                let text = "---\nname: a\nhuman.scope: core\n---\nx";
                let file = PromptFile::parse("t", text.as_bytes()).unwrap();
                let deed = Deed { at: 1, actor: "me", reason: None };
                prompts::publish(&db, &file, Activation::Now, deed).unwrap();
                db.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
                db.pragma_update(None, "user_version", from as i32).unwrap();
            }
            drop(db);
            let db = connect(&path, Access::Write).unwrap();
            assert_eq!(check(&db).unwrap(), VERSION);
            // What was published before there was a ledger is explained by its first entry.
            let (head, faults) = ledger::verify(&db).unwrap();
            assert_eq!((head.seq, faults), (u64::from(from > 0), Vec::new()));
            assert_eq!(explain::check(&db).unwrap(), Vec::<String>::new());
            drop(db);
            connect(&path, Access::Read).unwrap();
        }
    }

    #[test]
    fn what_is_not_ours_is_refused_and_left_untouched() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("newer.db");
        drop(connect(&path, Access::Write).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", VERSION + 1).unwrap();
        assert_eq!(connect(&path, Access::Write).unwrap_err().kind, Kind::Newer);

        let path = dir.path().join("other.db");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t(x)").unwrap();
        let before = std::fs::read(&path).unwrap();
        assert_eq!(connect(&path, Access::Write).unwrap_err().kind, Kind::Foreign);
        assert_eq!(std::fs::read(&path).unwrap(), before);

        let path = dir.path().join("text.db");
        std::fs::write(&path, "hello, this is a text file and no database, whatever its name says").unwrap();
        assert_eq!(connect(&path, Access::Write).unwrap_err().kind, Kind::Foreign);
        assert_eq!(connect(&dir.path().join("absent.db"), Access::Read).unwrap_err().kind, Kind::Missing);
        for access in [Access::Read, Access::Write] {
            let error = connect(dir.path(), access).unwrap_err();
            assert!(
                error.kind == Kind::Foreign && error.to_string().contains("it is a directory"),
                "{error}"
            );
        }
        // Stands for a folder that may not be looked into, which root always may.
        let error = connect(&path.join("x.db"), Access::Read).unwrap_err();
        assert!(error.kind == Kind::Denied && error.to_string().contains("cannot be looked for"), "{error}");
    }
}
