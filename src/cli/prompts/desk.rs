//! What every verb of this family has before it: the store, the output, the time; how a verb ends, and why one fails.
//! Error messages are safe to print: text from outside is escaped in them.

use std::io::Write;

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::domain::call::Millis;
use crate::domain::prompt_file::PromptFileError;
use crate::engine::compose::ComposeError;
use crate::engine::visible::{one_line, visible};
use crate::store::prompt_error::PromptStoreError;
use crate::store::prompt_shelf::PromptShelf;
use crate::store::prompts::Deed;

/// What a verb works with.
pub struct Desk<'a> {
    /// The store's prompts.
    pub shelf: &'a mut PromptShelf,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Whether to print JSON.
    pub json: bool,
    /// Whether `out` is a terminal: then text from outside is escaped.
    pub terminal: bool,
    /// Whether colour may be used.
    pub colour: bool,
    /// The time.
    pub now: Millis,
    /// Who is at the desk, for histories.
    pub actor: &'a str,
}

/// How a verb ended, when it ended well. Codes are those of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done.
    Done,
    /// 1: what was looked at has errors, which were printed.
    Failed,
}

impl Exit {
    /// The process's exit code.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed => 1,
        }
    }
}

/// Why a verb failed.
#[derive(Debug, thiserror::Error)]
pub enum PromptsError {
    /// The store refused or failed.
    #[error("{}", visible(&.0.to_string()))]
    Store(#[from] PromptStoreError),
    /// No text could be made.
    #[error("{}", visible(&.0.to_string()))]
    Compose(#[from] ComposeError),
    /// A file cannot be read from disk.
    #[error("{} cannot be read: {error}; check the path and its permissions", one_line(path))]
    Unreadable {
        /// The path as given.
        path: String,
        /// Why.
        error: std::io::Error,
    },
    /// Files were refused, all of them listed.
    #[error("nothing was published, {} to correct:\n  {}", count(reasons.len()), reasons.join("\n  "))]
    Refused {
        /// One line each, safe to print.
        reasons: Vec<String>,
    },
    /// The arguments say something that cannot be meant.
    #[error("{}", visible(.0))]
    Usage(String),
    /// Standard output failed.
    #[error("the output could not be written: {0}")]
    Output(#[from] std::io::Error),
}

fn count(n: usize) -> String {
    if n == 1 { "one thing is".into() } else { format!("{n} things are") }
}

impl From<PromptFileError> for PromptsError {
    fn from(error: PromptFileError) -> Self {
        PromptsError::Refused { reasons: error.each().map(|fault| one_line(&fault)).collect() }
    }
}

impl PromptsError {
    /// The process's exit code: 2 for usage and names, 4 for what governance refuses, else 1.
    pub fn code(&self) -> u8 {
        match self {
            PromptsError::Usage(_) | PromptsError::Compose(ComposeError::Unknown { .. }) => 2,
            PromptsError::Store(error) if error.is_about_names() => 2,
            PromptsError::Store(error) if error.is_refused() => 4,
            _ => 1,
        }
    }
}

/// What a verb gives.
pub type Result<T> = std::result::Result<T, PromptsError>;

impl<'a> Desk<'a> {
    /// Prints one JSON document.
    pub fn document(&mut self, document: &impl Serialize) -> Result<Exit> {
        serde_json::to_writer_pretty(&mut *self.out, document).map_err(std::io::Error::from)?;
        writeln!(self.out)?;
        Ok(Exit::Done)
    }

    /// Text from outside as it may be printed here.
    pub fn safe<'t>(&self, text: &'t str) -> std::borrow::Cow<'t, str> {
        if self.terminal { visible(text) } else { text.into() }
    }

    /// A deed of whoever is here, now.
    pub fn deed<'t>(&self, reason: Option<&'t str>) -> Deed<'t>
    where
        'a: 't,
    {
        Deed { at: self.now, actor: self.actor, reason }
    }
}

/// A time for people and JSON: RFC 3339, UTC.
pub fn time(at: Millis) -> String {
    match DateTime::from_timestamp_millis(at) {
        Some(time) => time.to_rfc3339_opts(SecondsFormat::AutoSi, true),
        None => at.to_string(),
    }
}
