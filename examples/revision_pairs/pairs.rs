//! One record, `{id, source, path, size_class, tags, old, new}`, becomes two versions of one prompt:
//!
//! * a text that is a template of ours on both sides is taken as it is, any other as one that renders to exactly it;
//! * `human.version` 1.0.0, scope org; nothing else in the front matter, so that what differs is the text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use human::domain::prompt_file::PromptFile;
use human::domain::proposal::{Kind, Risk, RiskLevel, Usage};
use human::engine::bump;
use human::engine::lint::{self, Finding};
use human::engine::risk::{self, Change, Record};
use human::engine::template::{self, Template};
use semver::Version;
use serde::Deserialize;

/// One real edit.
#[derive(Debug, Deserialize)]
pub struct Pair {
    /// Its name.
    pub id: String,
    /// How large it is: `tiny`, `rewrite`, ….
    pub size_class: String,
    /// What is special about it: `var_removed`, `cjk`, ….
    pub tags: Vec<String>,
    /// The text before.
    pub old: String,
    /// The text after.
    pub new: String,
}

/// What is said of one edit.
pub struct Judged {
    /// The file before.
    pub base: PromptFile,
    /// The file after.
    pub new: PromptFile,
    /// What lint says of the file after.
    pub lints: Vec<Finding>,
    /// How much can go wrong, at a hundred calls a day.
    pub risk: Risk,
    /// What changes.
    pub change: bump::Change,
    /// The version that this asks for after 1.0.0.
    pub next: Version,
}

/// Reads gzipped or plain JSONL.
pub fn read(bytes: &[u8]) -> Result<Vec<Pair>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes).read_to_string(&mut text)?;
    } else {
        text.push_str(std::str::from_utf8(bytes)?);
    }
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Lints, risk and version of one edit.
pub fn judge(pair: &Pair) -> Result<Judged, Box<dyn std::error::Error>> {
    let ours = [&pair.old, &pair.new].iter().all(|text| is_template(text));
    let file = |text: &str| {
        let template = if ours { text.to_owned() } else { template::literal(text) };
        let front = "name: pairs.prompt\nhuman.scope: org\nhuman.org: LOCAL\nhuman.version: 1.0.0\n";
        PromptFile::parse(&pair.id, format!("---\n{front}---\n{template}").as_bytes())
    };
    let (base, new) = (file(&pair.old)?, file(&pair.new)?);
    let usage = Usage { calls_per_day: 100.0, extended_by: Vec::new() };
    let change = Change {
        base: &base,
        new: &new,
        kind: Kind::Text,
        usage: &usage,
        fleet_share: None,
        record: Record::default(),
    };
    let (risk, lints, change) =
        (risk::assess(&change), lint::lint(&new, None), bump::Change::between(&base, &new));
    let next = change.next(&Version::new(1, 0, 0));
    Ok(Judged { base, new, lints, risk, change, next })
}

fn is_template(text: &str) -> bool {
    Template::parse(text, 1).is_ok_and(|template| template.unknown_helpers().is_empty())
}

/// Size classes, the smallest first.
const SIZES: [&str; 6] = ["whitespace", "tiny", "small", "medium", "large", "rewrite"];

/// Counts of low, medium and high risk by size class, then by tag.
pub fn table(judged: &[(&Pair, &Judged)]) -> String {
    let mut rows: BTreeMap<(usize, &str), [usize; 3]> = BTreeMap::new();
    for (pair, judged) in judged {
        let level = RiskLevel::ALL.iter().position(|level| *level == judged.risk.level).unwrap_or_default();
        let size = SIZES.iter().position(|size| *size == pair.size_class).unwrap_or(SIZES.len());
        let keys = std::iter::once((size, pair.size_class.as_str()))
            .chain(pair.tags.iter().map(|tag| (SIZES.len() + 1, tag.as_str())))
            .chain([(usize::MAX, "all")]);
        for key in keys {
            rows.entry(key).or_default()[level] += 1;
        }
    }
    let mut out = format!("{:<18}{:>6}{:>8}{:>6}{:>7}\n", "", "low", "medium", "high", "edits");
    for ((_, name), [low, medium, high]) in rows {
        let _ = writeln!(out, "{name:<18}{low:>6}{medium:>8}{high:>6}{:>7}", low + medium + high);
    }
    out
}
