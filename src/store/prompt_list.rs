//! Every published prompt in one row each, for lists: without its text, with what lists sort and filter by.

use rusqlite::Connection;
use semver::Version;

use super::prompt_error::PromptStoreError;
use crate::domain::prompt::PromptUri;

/// One prompt in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The prompt, without version.
    pub uri: PromptUri,
    /// The active version; where there is none, what follows is of the version published last.
    pub active: Option<Version>,
    /// Its task type.
    pub task_type: String,
    /// What it does.
    pub description: Option<String>,
    /// The recommended model.
    pub model: Option<String>,
    /// Whether it may be tuned automatically at low risk.
    pub auto_tune: bool,
    /// Whether its user consents to automatic application.
    pub consent: bool,
    /// Model capabilities that a call needs.
    pub requires: Vec<String>,
}

/// All prompts, by URI. One pass over the prompts with two index look-ups each.
pub fn all(conn: &Connection) -> Result<Vec<Listed>, PromptStoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT uri, a.version, v.task_type, v.description, v.model, v.auto_tune, v.consent, v.requires
         FROM prompt p
         LEFT JOIN prompt_activation a ON a.id = (
             SELECT id FROM prompt_activation WHERE prompt = p.id ORDER BY at_ms DESC, id DESC LIMIT 1)
         JOIN prompt_version v ON v.prompt = p.id AND v.version = coalesce(a.version, (
             SELECT version FROM prompt_version WHERE prompt = p.id ORDER BY published_at DESC LIMIT 1))
         ORDER BY uri",
    )?;
    let mut rows = statement.query([])?;
    let mut listed = Vec::new();
    while let Some(row) = rows.next()? {
        let uri: String = row.get(0)?;
        let damaged = |why: String| PromptStoreError::Damaged { uri: uri.clone(), why };
        let active: Option<String> = row.get(1)?;
        let requires: String = row.get(7)?;
        listed.push(Listed {
            active: active
                .map(|v| v.parse())
                .transpose()
                .map_err(|e: semver::Error| damaged(e.to_string()))?,
            task_type: row.get(2)?,
            description: row.get(3)?,
            model: row.get(4)?,
            auto_tune: row.get(5)?,
            consent: row.get(6)?,
            requires: serde_json::from_str(&requires).map_err(|e| damaged(e.to_string()))?,
            uri: uri.parse().map_err(|e| damaged(format!("{e}")))?,
        });
    }
    Ok(listed)
}
