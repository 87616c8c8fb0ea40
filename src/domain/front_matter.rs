//! The YAML head of a `*.prompt` file: where it ends, and its entries with the place of each. Says nothing about what
//! the entries mean; that is [`prompt_file`](super::prompt_file).
//!
//! YAML from outside is bounded: no includes, few anchors, little nesting, no repeated keys.

use std::fmt;

use serde::Deserialize;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Spanned, UserMessageFormatter};

/// Longest front matter, in bytes.
pub const MAX_FRONT_MATTER: usize = 64 * 1024;
/// Deepest nesting of maps and lists.
const MAX_DEPTH: usize = 24;
/// Most keys, values and brackets, aliases expanded.
const MAX_NODES: usize = 10_000;

/// What is wrong with a prompt file, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line in the file, from 1, where known.
    pub line: Option<u32>,
    /// Column, from 1, where known.
    pub column: Option<u32>,
    /// What is wrong, as a clause.
    pub what: String,
    /// What to do about it.
    pub next: String,
}

impl Fault {
    /// A fault at a known line.
    pub fn at(line: u32, column: Option<u32>, what: impl Into<String>, next: impl Into<String>) -> Fault {
        Fault { line: Some(line), column, what: what.into(), next: next.into() }
    }
}

/// The parts of a file, as byte ranges of its text: `---`, the front matter, `---`, the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// First byte of the front matter, after the opening line.
    pub front: usize,
    /// First byte of the closing line.
    pub close: usize,
    /// First byte of the template, after the closing line.
    pub template: usize,
}

/// One top-level entry of the front matter.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The key as written.
    pub key: String,
    /// The value.
    pub value: Value,
    /// Line of the key in the file, from 1.
    pub line: u32,
    /// Column of the key, from 1.
    pub column: u32,
}

/// Finds the front matter. `text` is the whole file without its byte order mark.
pub fn split(text: &str) -> Result<Parts, Fault> {
    let mut lines = text.split_inclusive('\n');
    let opening = lines.next().unwrap_or_default();
    if opening.trim_end() != "---" {
        return Err(Fault::at(
            1,
            None,
            "the file does not begin with front matter",
            "put `---`, `name: your.key`, `human.scope: org`, `human.org: YOUR_ORG` and `---`, each on a line of its \
             own, before the text",
        ));
    }
    let mut at = opening.len();
    for line in lines {
        if line.trim_end() == "---" {
            if at - opening.len() > MAX_FRONT_MATTER {
                break;
            }
            return Ok(Parts { front: opening.len(), close: at, template: at + line.len() });
        }
        at += line.len();
    }
    if at - opening.len() > MAX_FRONT_MATTER {
        let what = format!("the front matter is longer than {MAX_FRONT_MATTER} bytes");
        return Err(Fault::at(1, None, what, "move text below the second `---` line"));
    }
    Err(Fault::at(1, None, "the front matter has no end", "close it with a line `---` before the text"))
}

/// Reads the entries of `yaml`, whose first line is line 2 of its file.
pub fn entries(yaml: &str) -> Result<Vec<Entry>, Fault> {
    if yaml.trim().is_empty() {
        return Ok(Vec::new());
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            flow_nesting_limit: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: 4 * MAX_NODES,
            max_anchors: 64,
            max_aliases: 256,
            max_documents: 1,
            max_total_scalar_bytes: 4 * MAX_FRONT_MATTER,
            max_recorded_anchor_bytes: MAX_FRONT_MATTER,
            max_inclusion_depth: 0,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        strict_booleans: true,
        with_snippet: false,
    };
    let read: Entries = serde_saphyr::from_str_with_options(yaml, options).map_err(|e| {
        let place = e.location().map(|l| (l.line() as u32 + 1, l.column() as u32));
        // The formatter for people, on one line: what and where are said by the fault itself.
        let what = e.without_snippet().render_with_formatter(&UserMessageFormatter);
        let what = what.lines().next().unwrap_or_default();
        let what = what.split(" at line ").next().unwrap_or(what).to_owned();
        Fault {
            line: place.map(|p| p.0),
            column: place.map(|p| p.1),
            what: format!("the front matter is not YAML that can be read: {what}"),
            next: "write `key: value` lines, and quote a value that holds `: ` or begins with a sign".into(),
        }
    })?;
    Ok(read.0)
}

/// A top-level map in the order of the file, each key with its place.
struct Entries(Vec<Entry>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Entries;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of `key: value` lines")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    let value = map.next_value::<Value>()?;
                    let (line, column) = (key.defined.line() as u32 + 1, key.defined.column() as u32);
                    entries.push(Entry { key: key.value, value, line, column });
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// The entries with every top-level `<space>: {…}` map written as dotted keys `<space>.key`, as the contract has it.
pub fn flatten(entries: Vec<Entry>, space: &str) -> Result<Vec<Entry>, Fault> {
    let mut flat: Vec<Entry> = Vec::with_capacity(entries.len());
    for entry in entries {
        if entry.key != space {
            flat.push(entry);
            continue;
        }
        let Entry { value, line, column, .. } = entry;
        let Value::Object(inner) = value else {
            let what = format!("`{space}` is not a map");
            let next = format!("write `{space}.key: value` lines, or a map below `{space}:`");
            return Err(Fault::at(line, Some(column), what, next));
        };
        for (key, value) in inner {
            flat.push(Entry { key: format!("{space}.{key}"), value, line, column });
        }
    }
    for (i, entry) in flat.iter().enumerate() {
        if flat[..i].iter().any(|earlier| earlier.key == entry.key) {
            let what = format!("`{}` is given twice", entry.key);
            return Err(Fault::at(entry.line, Some(entry.column), what, "keep one of the two"));
        }
    }
    Ok(flat)
}

impl Entry {
    /// A fault at this entry.
    pub fn fault(&self, what: impl Into<String>, next: impl Into<String>) -> Fault {
        Fault::at(self.line, Some(self.column), what, next)
    }
}

/// The entries as one JSON object.
pub fn to_map(entries: &[Entry]) -> Map<String, Value> {
    entries.iter().map(|e| (e.key.clone(), e.value.clone())).collect()
}
