//! `models import`: price and capability tables as others publish them, and the small one that is built in.
//!
//! Four formats, told apart by their shape, plain or gzip: LiteLLM's `model_prices` (US dollars per token), models.dev
//! (`api.json`, or one model a line; per million tokens), `OpenRouter`'s model list (per token, as text), and this
//! product's own CSV (`assets/prices.csv`). What cannot be taken is listed with its reason. Not here: which price a
//! call pays (`engine::price`). Start with [`read`].

mod litellm;
mod models_dev;
mod openrouter;
mod own;
mod table;

use std::io::Read;

use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::domain::model::Day;
pub use table::{Refused, Table};

/// Longest table taken, unpacked, in bytes. The largest known one has 3 MB.
pub const MAX_BYTES: u64 = 32 << 20;

/// A published format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// LiteLLM's `model_prices_and_context_window.json`.
    LiteLlm,
    /// models.dev.
    ModelsDev,
    /// `OpenRouter`'s `/api/v1/models`.
    OpenRouter,
    /// `provider,model,from,…` with dated rows.
    Own,
}

impl Format {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Format::LiteLlm => "litellm",
            Format::ModelsDev => "models.dev",
            Format::OpenRouter => "openrouter",
            Format::Own => "csv",
        }
    }
}

/// Why a whole table was refused.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// It is too large.
    #[error("the table has more than {} MiB unpacked: split it, or import only the providers you use", MAX_BYTES >> 20)]
    TooLarge,
    /// It begins as gzip and does not go on so.
    #[error("the table begins as gzip and cannot be unpacked ({0}): download it again")]
    Gzip(std::io::Error),
    /// It is not text.
    #[error("the table is not UTF-8 text (at byte {0}): it may be packed by something other than gzip")]
    NotText(usize),
    /// It is none of the formats.
    #[error(
        "the table is none of the formats known: LiteLLM's model_prices JSON, models.dev (api.json or one model a \
         line), OpenRouter's model list, or CSV beginning `{header}`; {0}",
        header = own::HEADER
    )]
    Unknown(String),
}

/// Reads a table of any of the formats.
///
/// `source`: how the rows name where they come from. `as_of`: the day from which its prices are known to hold;
/// where a table dates its rows itself, that day counts. `None` for an undated table is the caller's to decide:
/// `today`.
pub fn read(
    bytes: &[u8],
    source: &str,
    as_of: Option<Day>,
    today: Day,
) -> Result<(Format, Table), TableError> {
    let text = unpack(bytes)?;
    let text = std::str::from_utf8(&text).map_err(|e| TableError::NotText(e.valid_up_to()))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let mut table = Table::new(source, as_of.unwrap_or(today));
    if own::is_own(text) {
        own::read(text, &mut table);
        return Ok((Format::Own, table));
    }
    let format = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => match () {
            () if openrouter::is_openrouter(&object) => {
                openrouter::read(&object, &mut table);
                Format::OpenRouter
            }
            () if litellm::is_litellm(&object) => {
                litellm::read(&object, &mut table);
                Format::LiteLlm
            }
            () if models_dev::is_api(&object) => {
                models_dev::read_api(object, &mut table);
                Format::ModelsDev
            }
            () if models_dev::is_row(&object) => {
                models_dev::read_rows(vec![object], &mut table);
                Format::ModelsDev
            }
            () => return Err(TableError::Unknown("its JSON object has no model of any of them".into())),
        },
        Ok(_) => return Err(TableError::Unknown("its JSON is not an object".into())),
        Err(error) => match models_dev::lines(text, &mut table) {
            Some(rows) => {
                models_dev::read_rows(rows, &mut table);
                Format::ModelsDev
            }
            None => return Err(TableError::Unknown(format!("as JSON: {error}"))),
        },
    };
    Ok((format, table))
}

/// The table that is built in, used when none was imported: facts of well-known models, each row with its source.
pub fn bundled() -> Table {
    let mut table = Table::new("bundled", Day(0));
    own::read(include_str!("../../../assets/prices.csv"), &mut table);
    own::read_capabilities(include_str!("../../../assets/capabilities.csv"), &mut table);
    table
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>, TableError> {
    let mut out = Vec::new();
    let read = if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes).take(MAX_BYTES + 1).read_to_end(&mut out).map_err(TableError::Gzip)?
    } else {
        out.extend_from_slice(&bytes[..bytes.len().min(MAX_BYTES as usize + 1)]);
        out.len()
    };
    if read as u64 > MAX_BYTES { Err(TableError::TooLarge) } else { Ok(out) }
}

#[cfg(test)]
mod tests;
