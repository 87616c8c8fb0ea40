//! One record of a chain, `{chain, rev, date, message, text, commit, licence}`, becomes one published version:
//!
//! * `https://github.com/OWNER/REPO#PATH` -> `prompt://org/OWNER/<repo and path, as a key>`;
//! * the text -> a template that renders to exactly this text (other template languages are text to us);
//! * the date -> when it was published, the commit's author's message -> its note;
//! * the version -> by the rule of `engine::bump`, from 1.0.0 on.

use std::collections::HashMap;
use std::io::{Read as _, Write};

use flate2::read::MultiGzDecoder;
use human::domain::prompt::MAX_KEY;
use human::domain::prompt_file::PromptFile;
use human::engine::bump::{self, Change};
use human::engine::template;
use serde::Deserialize;
use serde_json::json;

/// One revision of one prompt.
#[derive(Debug, Deserialize)]
pub struct Revision {
    /// Which prompt: repository and path.
    pub chain: String,
    /// When the revision was made, RFC 3339.
    pub date: String,
    /// The commit's message.
    pub message: String,
    /// The commit.
    pub commit: String,
    /// The text.
    pub text: String,
}

/// Reads gzipped or plain JSONL.
pub fn revisions(bytes: &[u8]) -> Result<Vec<Revision>, Box<dyn std::error::Error>> {
    let mut text = String::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        MultiGzDecoder::new(bytes).read_to_string(&mut text)?;
    } else {
        text.push_str(std::str::from_utf8(bytes)?);
    }
    Ok(text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?)
}

/// Writes the history, and says how many revisions it holds.
pub fn convert(bytes: &[u8], out: &mut impl Write) -> Result<usize, Box<dyn std::error::Error>> {
    let mut latest: HashMap<String, PromptFile> = HashMap::new();
    let revisions = revisions(bytes)?;
    for revision in &revisions {
        let (org, key) = identity(&revision.chain);
        let front = format!(
            "name: {key}\ndescription: {}\nhuman.scope: org\nhuman.org: {org}\nhuman.taskType: {}\nx-commit: \"{}\"\n",
            json!(format!("Revisions of {}", revision.chain)),
            key.split('.').next().unwrap_or(&key),
            revision.commit,
        );
        let file = format!("---\n{front}---\n{}", template::literal(&revision.text));
        let file = PromptFile::parse(&revision.chain, file.as_bytes())?;
        let version = match latest.get(&key) {
            None => bump::FIRST,
            Some(old) => {
                let before = old.uri.version.as_ref().ok_or("a version was written into it")?;
                Change::between(old, &file).next(before)
            }
        };
        let file = file.with_version(&version).map_err(|fault| fault.what)?;
        let line = json!({"at": revision.date, "note": revision.message, "text": file.text()});
        writeln!(out, "{line}")?;
        latest.insert(key, file);
    }
    Ok(revisions.len())
}

/// Organization and key of a chain.
fn identity(chain: &str) -> (String, String) {
    let rest = chain.split("://").nth(1).unwrap_or(chain);
    let mut parts = rest.splitn(3, ['/', '#']).skip(1);
    let org: String =
        parts.next().unwrap_or("LOCAL").chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    let mut key = String::new();
    for c in parts.next().unwrap_or(rest).chars() {
        match c {
            'a'..='z' | '0'..='9' => key.push(c),
            'A'..='Z' => key.push(c.to_ascii_lowercase()),
            '/' | '#' if !key.ends_with(['.', '-']) => key.push('.'),
            _ if !key.ends_with(['.', '-']) => key.push('-'),
            _ => {}
        }
    }
    key.truncate(MAX_KEY);
    (org, key.trim_matches(['.', '-']).to_owned())
}
