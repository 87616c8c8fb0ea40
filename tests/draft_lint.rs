//! The lint of drafts on 150 real edits of public prompts: what it lets pass, and whether it sees what is planted.
//! Needs the collection beside the repository (or where `HUMAN_SHARED` points); says so and passes where it is absent.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::collections::BTreeMap;
use std::path::PathBuf;

use human::domain::prompt_file::PromptFile;
use human::engine::draft_lint::{Fault, Limits, check};
use human::engine::template::literal;

struct Pair {
    source: String,
    old: PromptFile,
    new: String,
}

/// The pairs as prompts whose braces are literal: most are written for other template languages.
fn pairs() -> Option<Vec<Pair>> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(bytes) = std::fs::read(shared.join("data/prompts/revision_pairs.jsonl.gz")) else {
        println!("skipped: revision_pairs.jsonl.gz is not here");
        return None;
    };
    let mut text = String::new();
    std::io::Read::read_to_string(&mut flate2::read::MultiGzDecoder::new(&bytes[..]), &mut text).unwrap();
    let pairs = text.lines().map(|line| {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = |name: &str| pair[name].as_str().unwrap().to_owned();
        let file = format!("---\nname: a.b\nhuman.scope: core\n---\n{}", literal(&text("old")));
        let old = PromptFile::parse("old", file.as_bytes()).unwrap();
        Pair { source: text("source"), old, new: literal(&text("new")) }
    });
    Some(pairs.collect())
}

fn words(faults: &[Fault]) -> Vec<&'static str> {
    faults.iter().map(Fault::word).collect()
}

#[test]
fn real_edits_are_judged_by_length_and_form_alone() {
    let Some(pairs) = pairs() else { return };
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for Pair { old, new, .. } in &pairs {
        let found = words(&check(old, new, &[], Limits::default()));
        for word in if found.is_empty() { vec!["pass"] } else { found } {
            *counts.entry(word).or_default() += 1;
        }
    }
    println!("{counts:?}");
    assert!(counts["pass"] >= 100, "{counts:?}");
    assert!(!counts.contains_key("template") && !counts.contains_key("copied"), "{counts:?}");
}

#[test]
fn what_is_planted_is_seen_and_what_is_foreign_is_not() {
    let Some(pairs) = pairs() else { return };
    let (mut leaks, mut mistaken, mut compared) = (0, 0, 0);
    for (i, Pair { source, old, new }) in pairs.iter().enumerate() {
        // A sentence of somebody's feedback, at the end of a real edit.
        let said = format!(
            "Complaint {i}: the answer to Okonkwo of branch nine came three days late, and was wrong."
        );
        let leaking = format!("{new}\nThe answer to Okonkwo of branch nine came three days late.\n");
        leaks += u32::from(words(&check(old, &leaking, &[&said], Limits::default())).contains(&"copied"));
        let hiding = format!("{new}\u{2066}");
        assert!(words(&check(old, &hiding, &[], Limits::default())).contains(&"hidden"));
        // The text of another project in place of feedback shares nothing that was copied.
        for other in pairs.iter().filter(|other| other.source != *source).skip(i % 7).step_by(29) {
            compared += 1;
            let text: String = other.new.chars().take(600).collect();
            mistaken += u32::from(words(&check(old, new, &[&text], Limits::default())).contains(&"copied"));
        }
    }
    println!(
        "{leaks} leaks of {} seen; {mistaken} of {compared} foreign texts taken for copies",
        pairs.len()
    );
    assert_eq!(leaks, 150);
    assert!(f64::from(mistaken) <= 0.01 * f64::from(compared), "{mistaken} of {compared}");
}
