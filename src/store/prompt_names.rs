//! Which prompt a name means (contract section 1): a URI, a key or a last segment, with or without `@version`. An
//! ambiguous name is refused with its candidates, an unknown one with what is like it.

use rusqlite::{Connection, params};
use semver::Version;

use super::prompt_error::PromptStoreError;
use super::prompts;
use crate::domain::prompt::PromptUri;

type Result<T> = std::result::Result<T, PromptStoreError>;

/// A published prompt that a name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The prompt, without version.
    pub uri: PromptUri,
    /// The version that the name asks for, by number or label; `None` where it asks for none.
    pub version: Option<Version>,
}

/// Finds the prompt that `name` means.
pub fn resolve(conn: &Connection, name: &str) -> Result<Named> {
    let (bare, version) = match name.split_once('@') {
        Some((bare, version)) => (bare, Some(version)),
        None => (name, None),
    };
    let mut found = matching(conn, "uri", bare)?;
    for column in ["key", "last_segment"] {
        if found.is_empty() {
            found = matching(conn, column, bare)?;
        }
    }
    let uri = match found.len() {
        0 => return Err(PromptStoreError::Unknown { name: bare.to_owned(), nearest: nearest(conn, bare)? }),
        1 => found.remove(0),
        _ => return Err(PromptStoreError::Ambiguous { name: bare.to_owned(), candidates: found }),
    };
    let version = version.map(|asked| version_named(conn, &uri, asked)).transpose()?.flatten();
    Ok(Named { uri, version })
}

/// The version asked for by number or label; `active` asks for none in particular.
fn version_named(conn: &Connection, uri: &PromptUri, asked: &str) -> Result<Option<Version>> {
    if asked == "active" {
        return Ok(None);
    }
    let known = prompts::versions(conn, uri)?;
    if let Ok(version) = Version::parse(asked)
        && known.contains(&version)
    {
        return Ok(Some(version));
    }
    match prompts::labels(conn, uri)?.into_iter().find(|(label, _)| label == asked) {
        Some((_, version)) => Ok(Some(version)),
        None => Err(PromptStoreError::UnknownVersion {
            uri: Box::new(uri.clone()),
            version: asked.to_owned(),
            known,
        }),
    }
}

/// The prompts whose `column`, one of this file's literals, is `value`.
fn matching(conn: &Connection, column: &str, value: &str) -> Result<Vec<PromptUri>> {
    let mut statement =
        conn.prepare_cached(&format!("SELECT uri FROM prompt WHERE {column} = ?1 ORDER BY uri LIMIT 50"))?;
    let rows = statement.query_map(params![value], |row| row.get::<_, String>(0))?;
    rows.map(|uri| parse(&uri?)).collect()
}

fn parse(uri: &str) -> Result<PromptUri> {
    uri.parse().map_err(|e| PromptStoreError::Damaged { uri: uri.to_owned(), why: format!("{e}") })
}

/// Up to three names that are like `name`: of the same form, a few letters apart.
fn nearest(conn: &Connection, name: &str) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT uri, key, last_segment FROM prompt")?;
    let mut rows = statement.query([])?;
    let mut near: Vec<(usize, String)> = Vec::new();
    // Distances grow with the square of the length: a name longer than any identity has no neighbours.
    if name.len() > 400 {
        return Ok(Vec::new());
    }
    while let Some(row) = rows.next()? {
        let names = if name.contains("://") { 0..1 } else { 1..3 };
        for column in names {
            let known: String = row.get(column)?;
            let distance = strsim::osa_distance(name, &known);
            if distance <= 1 + name.len() / 4 || (name.len() >= 3 && known.contains(name)) {
                near.push((distance, known));
            }
        }
    }
    near.sort();
    near.dedup();
    Ok(near.into_iter().take(3).map(|(_, name)| name).collect())
}
