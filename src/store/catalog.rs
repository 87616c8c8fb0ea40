//! All published prompts at once, as intake and leaderboards ask for them: small, read whole, kept in memory.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};
use semver::Version;

use super::fault::{Result, StoreError};
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;

/// A published prompt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its URI without a version.
    pub uri: PromptUri,
    /// The task type of its active version.
    pub task_type: String,
    /// The version that is active now.
    pub active: Option<Version>,
    /// Which version became active when, oldest first.
    pub activations: Vec<(Millis, Version)>,
    /// All published versions, and what each of them asks of models.
    pub versions: BTreeMap<Version, Asked>,
    /// Labels, and the versions that they stand for.
    pub labels: Vec<(String, Version)>,
}

/// What a version's file asks of models.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Capabilities that a call needs, as written.
    pub requires: Vec<String>,
    /// The recommended model.
    pub model: Option<String>,
    /// The prompt that it layers on: a URI or a key.
    pub extends: Option<String>,
}

impl Published {
    /// What a version asks of models; the active one, where none is named or the one named was never active.
    pub fn asked(&self, version: Option<&Version>) -> Option<&Asked> {
        version.and_then(|v| self.versions.get(v)).or_else(|| self.versions.get(self.active.as_ref()?))
    }

    /// The version that was active at a time.
    pub fn active_at(&self, at: Millis) -> Option<&Version> {
        let until = self.activations.partition_point(|(since, _)| *since <= at);
        self.activations[..until].last().map(|(_, version)| version)
    }
}

/// The number of the newest activation; 0 before the first.
pub fn newest_activation(db: &Connection) -> Result<i64> {
    let mut newest = db.prepare_cached("SELECT coalesce(max(id), 0) FROM prompt_activation")?;
    Ok(newest.query_row([], |row| row.get(0))?)
}

/// All published prompts, by URI.
pub fn published(db: &Connection) -> Result<BTreeMap<PromptUri, Published>> {
    let mut found: BTreeMap<i64, Published> = BTreeMap::new();
    let mut statement = db.prepare_cached("SELECT id, uri FROM prompt")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let uri: PromptUri = row.get::<_, String>(1)?.parse().map_err(StoreError::corrupt)?;
        let task_type = uri.key.first_segment().to_owned();
        let prompt = Published {
            uri,
            task_type,
            active: None,
            activations: Vec::new(),
            versions: BTreeMap::new(),
            labels: Vec::new(),
        };
        found.insert(row.get(0)?, prompt);
    }
    let version = |row: &Row<'_>, at| -> Result<Version> {
        Version::parse(&row.get::<_, String>(at)?).map_err(StoreError::corrupt)
    };
    let mut statement =
        db.prepare_cached("SELECT prompt, version, requires, model, extends FROM prompt_version")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(prompt) = found.get_mut(&row.get(0)?) {
            let requires = serde_json::from_str(&row.get::<_, String>(2)?).map_err(StoreError::corrupt)?;
            prompt
                .versions
                .insert(version(row, 1)?, Asked { requires, model: row.get(3)?, extends: row.get(4)? });
        }
    }
    let mut statement = db.prepare_cached("SELECT prompt, version, label FROM prompt_label")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(prompt) = found.get_mut(&row.get(0)?) {
            prompt.labels.push((row.get(2)?, version(row, 1)?));
        }
    }
    let mut statement = db.prepare_cached(
        "SELECT a.prompt, a.at_ms, a.version, v.task_type FROM prompt_activation a
         JOIN prompt_version v ON v.prompt = a.prompt AND v.version = a.version ORDER BY a.at_ms, a.id",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let version = version(row, 2)?;
        if let Some(prompt) = found.get_mut(&row.get(0)?) {
            prompt.task_type = row.get(3)?;
            prompt.active = Some(version.clone());
            prompt.activations.push((row.get(1)?, version));
        }
    }
    Ok(found.into_values().map(|p| (p.uri.clone(), p)).collect())
}
