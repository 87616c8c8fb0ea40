//! Real revisions of public prompts: each becomes a file, a template and a published version, and comes back as it was.
//! Needs the collection beside the repository (or where `HUMAN_SHARED` points); says so and passes where it is absent.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../examples/revision_chains/convert.rs"]
mod convert;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use clap::Parser;
use human::cli::prompts::{Desk, Exit, PromptsCommand, run};
use human::domain::prompt_file::PromptFile;
use human::engine::compose;
use human::engine::diff::{Diff, Side, unified};
use human::engine::{lint, template, visible};
use human::store::Access;
use human::store::prompt_shelf::PromptShelf;

fn collection(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("data/prompts").join(name);
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        println!("skipped: {name} is not here");
    }
    bytes
}

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: PromptsCommand,
}

fn human(shelf: &mut PromptShelf, words: &[&str]) -> String {
    let line = Line::try_parse_from([&["prompts"], words].concat()).unwrap();
    let mut out = Vec::new();
    let mut desk = Desk {
        shelf,
        out: &mut out,
        json: false,
        terminal: false,
        colour: false,
        now: 1_000,
        actor: "tester",
    };
    assert_eq!(run(&line.command, &mut desk).unwrap(), Exit::Done);
    String::from_utf8(out).unwrap()
}

#[test]
fn revision_chains_become_version_histories() {
    let Some(bytes) = collection("revision_chains.jsonl.gz") else { return };
    let revisions = convert::revisions(&bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    let mut history = Vec::new();
    assert_eq!(convert::convert(&bytes, &mut history).unwrap(), 311);
    std::fs::write(&path, &history).unwrap();
    let mut shelf = PromptShelf::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let path = path.to_str().unwrap();
    let said = human(&mut shelf, &["publish", "--history", path]);
    assert_eq!(said, "Imported: 311 versions (0 were there already)\n");
    let said = human(&mut shelf, &["publish", "--history", path]);
    assert_eq!(said, "Imported: 0 versions (311 were there already)\n");

    // Every revision is found again by the time at which it was made, and renders to the text that it was.
    let mut uris = HashSet::new();
    let view = shelf.view().unwrap();
    let mut chains: HashMap<&str, u32> = HashMap::new();
    for (revision, line) in revisions.iter().zip(String::from_utf8(history).unwrap().lines()) {
        *chains.entry(&revision.chain).or_default() += 1;
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let file = PromptFile::parse("history", line["text"].as_str().unwrap().as_bytes()).unwrap();
        let at = chrono::DateTime::parse_from_rfc3339(&revision.date).unwrap().timestamp_millis();
        let (uri, version) = (file.uri.unversioned(), file.uri.version.clone().unwrap());
        uris.insert(uri.clone());
        let active = view.active_at(&uri, at).unwrap();
        // Two commits may carry one second; the later then counts.
        let twins = view.version_rows(&uri).unwrap().iter().filter(|v| v.published_at == at).count();
        assert!(active.as_ref() == Some(&version) || twins > 1, "{uri} at {}", revision.date);
        let (_, published) = view.file(&uri, Some(version.clone())).unwrap();
        let made =
            compose::compose(std::slice::from_ref(&published), "LOCAL", &serde_json::Map::new()).unwrap();
        assert_eq!(made.text, revision.text);
        assert!(lint::lint(&published, None).iter().all(|f| f.severity != lint::Severity::Error));
    }
    assert_eq!(chains.len(), 36);
    let (mut versions, mut activations) = (0, 0);
    for uri in &uris {
        versions += view.version_rows(uri).unwrap().len();
        activations += view.activations(uri).unwrap().len();
    }
    assert_eq!((uris.len(), versions, activations), (36, 311, 311));
    println!("{} prompts, {versions} versions", chains.len());
}

fn rebuilt<'a>(sides: impl Iterator<Item = &'a Side>, text: &str) -> String {
    let mut out = String::new();
    for side in sides {
        out.extend(side.spans.iter().map(|(_, range)| &text[range.clone()]));
        out.push_str(if side.ended { "\n" } else { "" });
    }
    out
}

#[test]
fn revision_pairs_are_compared_and_rendered() {
    let Some(bytes) = collection("revision_pairs.jsonl.gz") else { return };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
    let mut pairs = 0;
    let began = std::time::Instant::now();
    for line in text.lines() {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let (old, new) = (pair["old"].as_str().unwrap(), pair["new"].as_str().unwrap());
        let diff = Diff::between(old, new, None);
        assert_eq!(rebuilt(diff.rows.iter().filter_map(|row| row.left.as_ref()), old), old);
        assert_eq!(rebuilt(diff.rows.iter().filter_map(|row| row.right.as_ref()), new), new);
        assert_eq!(diff.is_same(), old == new);
        let printed = unified(("old", old), ("new", new), &diff.folded(3), &|_, text| text.to_owned());
        assert!(printed.chars().all(|c| visible::hidden(c).is_none()));
        for text in [old, new] {
            let literal = template::Template::parse(&template::literal(text), 1).unwrap();
            assert_eq!(literal.render(&serde_json::Map::new(), "").unwrap(), text);
            // As templates of ours they may be refused, with a line and a next step.
            if let Err(error) = template::Template::parse(text, 1) {
                assert!(error.to_string().starts_with("line "), "{error}");
            }
        }
        pairs += 1;
    }
    assert_eq!(pairs, 150);
    println!("{pairs} pairs in {:?}", began.elapsed());
}
