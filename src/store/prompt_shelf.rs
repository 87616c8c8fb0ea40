//! The published prompts as `engine::compose` asks for them.

use rusqlite::{Connection, params};

use super::prompts;
use crate::domain::prompt::{Name, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{Shelf, ShelfError};

/// The shelf of one connection.
pub struct Published<'a>(pub &'a Connection);

impl Shelf for Published<'_> {
    fn prompt(&self, uri: &PromptUri) -> Result<Option<PromptFile>, ShelfError> {
        let version = match &uri.version {
            Some(version) => prompts::versions(self.0, uri)?.contains(version).then(|| version.clone()),
            None => prompts::active(self.0, uri)?,
        };
        Ok(version.map(|version| prompts::get(self.0, uri, &version)).transpose()?)
    }

    fn patches(&self, org: &Name, user: &Name) -> Result<Vec<PromptFile>, ShelfError> {
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
