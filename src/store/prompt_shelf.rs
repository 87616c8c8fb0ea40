//! The published prompts on a connection of their own, for those who speak no SQL: the verbs of the command line, and
//! `engine::compose`, which asks for a [`Shelf`].
//!
//! Start with [`PromptShelf`]. A [`View`] is one moment; a [`Shelving`] holds the write lock from its start, so that what
//! it reads is what it changes, and is written as a whole or not at all.

use std::ops::Deref;
use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use semver::Version;

use super::authored::Hand;
use super::canary;
use super::fault;
use super::ledger;
use super::prompt_error::PromptStoreError;
use super::prompts::{self, Activation, ActivationRow, Deed, Publication, Rollback, VersionRow};
use super::schema::{Access, connect, wall_clock};
use crate::domain::call::Millis;
use crate::domain::cases::Case;
use crate::domain::prompt::{Name, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{Shelf, ShelfError};
use crate::engine::names;
use crate::engine::seal::Pen;
use crate::engine::trust::Trust;

type Result<T> = std::result::Result<T, PromptStoreError>;

/// The prompts of one store.
#[derive(Debug)]
pub struct PromptShelf {
    db: Connection,
    pen: Option<Pen>,
}

impl PromptShelf {
    /// Opens the store at `path`; makes or migrates it if `access` allows.
    pub fn open(path: &Path, access: Access) -> fault::Result<PromptShelf> {
        Ok(PromptShelf { db: connect(path, access)?, pen: None })
    }

    /// A shelf without prompts, kept nowhere: for what can be said of files before there is a store.
    pub fn empty() -> fault::Result<PromptShelf> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(prompts::SCHEMA)?;
        Ok(PromptShelf { db, pen: None })
    }

    /// Whom the store trusts.
    pub fn trust(&self) -> fault::Result<Trust> {
        ledger::trust(&self.db)
    }

    /// Changes are signed with `pen` from now on, as a store with an owner asks for.
    pub fn sign_with(&mut self, pen: Pen) {
        self.pen = Some(pen);
    }

    /// The prompts as they are now.
    pub fn view(&mut self) -> Result<View<'_>> {
        Ok(View(self.db.transaction()?))
    }

    /// Begins a change.
    pub fn change(&mut self) -> Result<Shelving<'_>> {
        let view = View(self.db.transaction_with_behavior(TransactionBehavior::Immediate)?);
        Ok(Shelving { view, pen: self.pen.as_ref(), now: wall_clock() })
    }
}

/// A published prompt that a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The prompt, without version.
    pub uri: PromptUri,
    /// The version that the name asks for, by number or label; `None` where it asks for none.
    pub version: Option<Version>,
}

/// The prompts at one moment.
#[derive(Debug)]
pub struct View<'a>(pub(super) Transaction<'a>);

impl View<'_> {
    /// The prompt that a URI, a key or a last segment means, with or without `@version`.
    pub fn named(&self, name: &str) -> Result<Named> {
        let (bare, asked) = name.split_once('@').map_or((name, None), |(bare, asked)| (bare, Some(asked)));
        let uris = self.uris()?;
        let uri = names::find(bare, uris.iter())?.clone();
        let version = asked.map(|asked| self.version_named(&uri, asked)).transpose()?.flatten();
        Ok(Named { uri, version })
    }

    /// The version asked for by number or label; `active` asks for none in particular.
    fn version_named(&self, uri: &PromptUri, asked: &str) -> Result<Option<Version>> {
        if asked == "active" {
            return Ok(None);
        }
        let known = prompts::versions(&self.0, uri)?;
        if let Ok(version) = Version::parse(asked)
            && known.contains(&version)
        {
            return Ok(Some(version));
        }
        match self.labels(uri)?.into_iter().find(|(label, _)| label == asked) {
            Some((_, version)) => Ok(Some(version)),
            None => Err(PromptStoreError::UnknownVersion {
                uri: Box::new(uri.clone()),
                version: asked.to_owned(),
                known,
            }),
        }
    }

    fn uris(&self) -> Result<Vec<PromptUri>> {
        let mut statement = self.0.prepare_cached("SELECT uri FROM prompt ORDER BY uri")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.map(|uri| {
            let uri = uri?;
            uri.parse().map_err(|e| PromptStoreError::Damaged { uri, why: format!("{e}") })
        })
        .collect()
    }

    /// The version active now.
    pub fn active(&self, uri: &PromptUri) -> Result<Option<Version>> {
        prompts::active(&self.0, uri)
    }

    /// The version that was active at a time.
    pub fn active_at(&self, uri: &PromptUri, at: Millis) -> Result<Option<Version>> {
        prompts::active_at(&self.0, uri, at)
    }

    /// A published version as a file: the one given, else the active one; with its URI.
    pub fn file(&self, uri: &PromptUri, version: Option<Version>) -> Result<(PromptUri, PromptFile)> {
        let version = match version {
            Some(version) => version,
            None => {
                self.active(uri)?.ok_or_else(|| PromptStoreError::NotActive { uri: Box::new(uri.clone()) })?
            }
        };
        let file = prompts::get(&self.0, uri, &version)?;
        Ok((uri.at(version), file))
    }

    /// The versions of a prompt, the one published last first.
    pub fn version_rows(&self, uri: &PromptUri) -> Result<Vec<VersionRow>> {
        prompts::version_rows(&self.0, uri)
    }

    /// The activations of a prompt in the order in which they took effect.
    pub fn activations(&self, uri: &PromptUri) -> Result<Vec<ActivationRow>> {
        prompts::activations(&self.0, uri)
    }

    /// The labels of a prompt and the versions that they point at.
    pub fn labels(&self, uri: &PromptUri) -> Result<Vec<(String, Version)>> {
        prompts::labels(&self.0, uri)
    }
}

impl Shelf for View<'_> {
    fn prompt(&self, uri: &PromptUri) -> std::result::Result<Option<PromptFile>, ShelfError> {
        let version = match &uri.version {
            Some(version) => prompts::versions(&self.0, uri)?.contains(version).then(|| version.clone()),
            None => self.active(uri)?,
        };
        Ok(version.map(|version| prompts::get(&self.0, uri, &version)).transpose()?)
    }

    fn patches(&self, org: &Name, user: &Name) -> std::result::Result<Vec<PromptFile>, ShelfError> {
        let mut statement =
            self.0.prepare_cached("SELECT uri FROM prompt WHERE user = ?1 AND org = ?2 ORDER BY key")?;
        let uris = statement
            .query_map(params![user.as_str(), org.as_str()], |row| row.get::<_, String>(0))?
            .collect::<rusqlite::Result<Vec<_>>>()?;
        let mut patches = Vec::new();
        for uri in uris {
            patches.extend(self.prompt(&uri.parse()?)?);
        }
        Ok(patches)
    }
}

/// The prompts as one session is served them: of what a canary runs, the new version or the active one, and always the
/// same.
#[derive(Debug, Clone, Copy)]
pub struct Served<'v, 't> {
    view: &'v View<'t>,
    session: &'v str,
}

impl<'t> View<'t> {
    /// The prompts as a session is served them.
    pub fn served<'v>(&'v self, session: &'v str) -> Served<'v, 't> {
        Served { view: self, session }
    }
}

impl Shelf for Served<'_, '_> {
    fn prompt(&self, uri: &PromptUri) -> std::result::Result<Option<PromptFile>, ShelfError> {
        let tried = match uri.version {
            Some(_) => None,
            None => canary::served(&self.view.0, uri, self.session)?,
        };
        self.view.prompt(&tried.map_or_else(|| uri.clone(), |version| uri.at(version)))
    }

    fn patches(&self, org: &Name, user: &Name) -> std::result::Result<Vec<PromptFile>, ShelfError> {
        let active = self.view.patches(org, user)?;
        let served = active.into_iter().map(|patch| self.prompt(&patch.uri.unversioned()));
        Ok(served.collect::<std::result::Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}

/// A change under way. Dropped without [`Shelving::commit`], nothing of it is written.
#[derive(Debug)]
pub struct Shelving<'a> {
    view: View<'a>,
    pen: Option<&'a Pen>,
    now: Millis,
}

impl<'a> Deref for Shelving<'a> {
    type Target = View<'a>;

    fn deref(&self) -> &View<'a> {
        &self.view
    }
}

impl Shelving<'_> {
    fn hand(&self) -> Hand<'_> {
        Hand { tx: &self.view.0, pen: self.pen, now: self.now }
    }

    /// Publishes a file; see [`prompts::publish`].
    pub fn publish(&self, file: &PromptFile, activation: Activation, deed: Deed<'_>) -> Result<Publication> {
        self.hand().publish(file, activation, deed)
    }

    /// Keeps the cases of a prompt; false where they are kept already.
    pub fn keep_cases(&self, prompt: &PromptUri, cases: &[Case]) -> Result<bool> {
        self.hand().keep_cases(prompt, cases)
    }

    /// Makes a published version the active one; says which was before.
    pub fn activate(&self, uri: &PromptUri, version: &Version, deed: Deed<'_>) -> Result<Option<Version>> {
        self.hand().activate(uri, version, deed)
    }

    /// Goes back to `to`, or to the version that was active before the active one.
    pub fn rollback(&self, uri: &PromptUri, to: Option<&Version>, deed: Deed<'_>) -> Result<Rollback> {
        self.hand().rollback(uri, to, deed)
    }

    /// Points a label at a published version, moving it where it stood elsewhere.
    pub fn set_label(&self, uri: &PromptUri, version: &Version, label: &str, at: Millis) -> Result<()> {
        self.hand().set_label(uri, version, label, at)
    }

    /// Writes all of it.
    pub fn commit(self) -> Result<()> {
        Ok(self.view.0.commit()?)
    }
}
