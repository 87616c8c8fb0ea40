//! What the converters share: a CSV, gzipped or not, read by the names of its columns; and native events, one a line.
#![allow(dead_code, reason = "each converter uses some of it")]

use std::io::{BufWriter, Read as _, Write};
use std::str::FromStr;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use human::domain::call::Millis;
use human::domain::event::Event;
use human::domain::prompt::PromptCallMetadata;
use human::intake::events::{call_line, feedback_line};
use human::intake::identify::{IdentityRules, identify};
use human::intake::{ForeignPrompt, PromptSource};

/// What a converter gives.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Turns the bytes of a file into events; `model` is the one named on the command line.
pub type Convert = fn(bytes: &[u8], model: Option<&str>, out: &mut dyn FnMut(Event)) -> Result<()>;

/// A CSV without quotes, which none of the converted files uses.
pub struct Table {
    text: String,
}

impl Table {
    /// Reads gzipped or plain bytes.
    pub fn read(bytes: &[u8]) -> Result<Table> {
        let mut text = String::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            MultiGzDecoder::new(bytes).read_to_string(&mut text)?;
        } else {
            text.push_str(std::str::from_utf8(bytes)?);
        }
        if text.contains('"') {
            return Err("the file has quoted fields, which this converter does not read".into());
        }
        Ok(Table { text })
    }

    /// The rows below the header.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut lines = self.text.lines();
        let columns: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        lines.enumerate().map(move |(i, line)| {
            let values = columns.iter().copied().zip(line.split(',')).collect();
            Row { number: i + 1, values }
        })
    }
}

/// One row.
pub struct Row<'t> {
    /// Its number below the header, from 1: with the name of the file what makes an id that stays.
    pub number: usize,
    values: Vec<(&'t str, &'t str)>,
}

impl<'t> Row<'t> {
    /// The text in a column that must be there.
    pub fn text(&self, column: &str) -> Result<&'t str> {
        let found = self.values.iter().find(|(name, _)| *name == column).map(|(_, value)| *value);
        found.ok_or_else(|| format!("row {} has no column `{column}`", self.number).into())
    }

    /// The number in a column; `None` where nothing was recorded.
    pub fn number<T: FromStr>(&self, column: &str) -> Result<Option<T>> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse() {
            Ok(value) => Ok(Some(value)),
            Err(_) => Err(format!("row {}: `{column}` is `{text}`, no number", self.number).into()),
        }
    }
}

/// The record of a call that used one prompt, under the name and version that intake would give it.
pub fn prompt(name: &str, version: Option<&str>, at: Millis) -> Option<Arc<PromptCallMetadata>> {
    let foreign = ForeignPrompt {
        name: Some(name.to_owned()),
        version: version.map(str::to_owned),
        source: PromptSource::Own,
        key_attribute: None,
        template_sha256: None,
        variables: Vec::new(),
    };
    identify(&foreign, &IdentityRules::default(), &|_, _| None, at).map(Arc::new)
}

/// An event as its line.
pub fn line(event: &Event) -> serde_json::Result<String> {
    match event {
        Event::Call(call) => call_line(call),
        Event::Feedback(feedback) => feedback_line(feedback, &feedback.target.text),
    }
}

/// The whole of a converter's `main`: `FILE [MODEL]` in, events out, how many of them to standard error.
pub fn run(convert: Convert) -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("name the file, as FILE.csv.gz")?;
    let model = arguments.next();
    let mut out = BufWriter::new(std::io::stdout().lock());
    let (mut events, mut failed) = (0_u64, None);
    convert(&std::fs::read(path)?, model.as_deref(), &mut |event| {
        events += 1;
        let written = line(&event).map_err(std::io::Error::from).and_then(|line| writeln!(out, "{line}"));
        failed = failed.take().or(written.err());
    })?;
    if let Some(error) = failed {
        return Err(error.into());
    }
    out.flush()?;
    eprintln!("{events} events");
    Ok(())
}
