//! Real edits of public prompts, judged as proposals, and real prompts drafted by rules. Needs the collection beside the
//! repository (or where `HUMAN_SHARED` points); says so and passes where it is absent.

#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "../examples/revision_chains/convert.rs"]
#[allow(dead_code, reason = "the reading of its records is what is used")]
mod convert;
#[path = "../examples/revision_pairs/pairs.rs"]
mod pairs;

use std::collections::BTreeMap;
use std::path::PathBuf;

use human::domain::finding::Detector;
use human::domain::prompt_file::PromptFile;
use human::domain::proposal::{Kind, RiskLevel};
use human::engine::bump::Change;
use human::engine::likeness::Edit;
use human::engine::rebase::rebase;
use human::engine::rules::{self, Wish};
use human::engine::template::{self, Template};

fn collection(name: &str) -> Option<Vec<u8>> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let bytes = std::fs::read(shared.join("data/prompts").join(name)).ok();
    if bytes.is_none() {
        println!("skipped: {name} is not here");
    }
    bytes
}

#[test]
fn every_real_edit_is_judged() {
    let Some(bytes) = collection("revision_pairs.jsonl.gz") else { return };
    let all = pairs::read(&bytes).unwrap();
    assert_eq!(all.len(), 150);
    let judged: Vec<_> = all.iter().map(|pair| (pair, pairs::judge(pair).unwrap())).collect();
    let rows: Vec<_> = judged.iter().map(|(pair, judged)| (*pair, judged)).collect();
    println!("{}", pairs::table(&rows));
    let (mut varied, mut seen) = (0, 0);
    for (pair, judged) in &judged {
        let tagged = |tag: &str| pair.tags.iter().any(|t| t == tag);
        assert!(judged.risk.reasons.iter().all(|reason| reason.level <= judged.risk.level), "{}", pair.id);
        assert!(matches!(judged.change, Change::Text | Change::Contract), "{}: {:?}", pair.id, judged.change);
        assert!(judged.next.to_string() == "1.1.0" || judged.change == Change::Contract);
        let codes: Vec<&str> = judged.lints.iter().map(|finding| finding.code).collect();
        assert!(
            codes.contains(&"description-missing") && !codes.contains(&"template"),
            "{}: {codes:?}",
            pair.id
        );
        // No edit of words is low for being small.
        if judged.risk.level == RiskLevel::Low {
            assert!(
                tagged("whitespace_only")
                    || judged.risk.reasons[0].text.contains("that the text still holds"),
                "{}: {:?}",
                pair.id,
                judged.risk
            );
        }
        if tagged("var_removed") || tagged("var_added") {
            varied += 1;
            let told = |r: &&human::domain::proposal::RiskReason| {
                r.level == RiskLevel::High
                    && (r.text.contains(" the variable `") || r.text.contains(" the tag `"))
            };
            if judged.risk.reasons.iter().any(|r| told(&r)) {
                seen += 1;
                assert_eq!(judged.risk.level, RiskLevel::High);
            } else {
                println!("no variable was seen in {} {:?}", pair.id, pair.tags);
            }
        }
    }
    // The collection's own reading of variables knows forms that cannot be told from code.
    assert!(varied >= 40 && seen * 100 >= varied * 90, "{seen} of {varied}");
}

#[test]
fn real_edits_are_moved_onto_a_base_that_moved_elsewhere() {
    let Some(bytes) = collection("revision_pairs.jsonl.gz") else { return };
    let mut moved = 0;
    for pair in pairs::read(&bytes).unwrap() {
        let pairs::Judged { base, new, .. } = pairs::judge(&pair).unwrap();
        let now = base.text().replace("human.version: 1.0.0\n", "human.version: 1.3.0\ndescription: moved\n");
        let merged = rebase(base.text(), new.text(), &now).unwrap_or_else(|| panic!("{}", pair.id));
        let merged = PromptFile::parse("merged", merged.as_bytes()).unwrap();
        assert_eq!(merged.template(), new.template(), "{}", pair.id);
        assert_eq!(merged.description.as_deref(), Some("moved"));
        let edit = |to: &PromptFile| Edit::between(Kind::Text, &base, to);
        // White space has no words to compare by.
        if pair.size_class != "whitespace" {
            assert!(edit(&new).is_alike([&edit(&new)]), "{}", pair.id);
        }
        moved += 1;
    }
    assert_eq!(moved, 150);
}

#[test]
fn drafts_of_real_prompts_are_sound() {
    let (Some(pairs), Some(chains)) =
        (collection("revision_pairs.jsonl.gz"), collection("revision_chains.jsonl.gz"))
    else {
        return;
    };
    let mut texts: Vec<String> =
        pairs::read(&pairs).unwrap().into_iter().flat_map(|pair| [pair.old, pair.new]).collect();
    // The first and the last revision of each prompt: those between them are much alike.
    let revisions = convert::revisions(&chains).unwrap();
    let ends = revisions.chunk_by(|a, b| a.chain == b.chain).flat_map(|chain| [chain.first(), chain.last()]);
    texts.extend(ends.flatten().map(|revision| revision.text.clone()));
    texts.sort();
    texts.dedup();
    let details = ["should be JSON", "I want JSON", "too long"];
    let causes =
        [None, Some(Detector::TokenOutlier), Some(Detector::HighNegative), Some(Detector::LowSuccess)];
    let (mut drafted, mut by_rule): (usize, BTreeMap<&str, usize>) = (0, BTreeMap::new());
    for text in &texts {
        let ours = Template::parse(text, 1).is_ok_and(|t| t.unknown_helpers().is_empty());
        let template = if ours { text.clone() } else { template::literal(text) };
        let front = "name: a.b\nhuman.scope: org\nhuman.org: LOCAL\n";
        let Ok(base) = PromptFile::parse("a", format!("---\n{front}---\n{template}").as_bytes()) else {
            continue;
        };
        for cause in causes {
            let wish = Wish { cause, details: &details, declared_below: &[] };
            let Some(draft) = rules::draft(&base, &wish) else { continue };
            drafted += 1;
            if cause.is_none() {
                for rule in &draft.rules {
                    *by_rule.entry(rule).or_default() += 1;
                }
            }
            let names = |file: &PromptFile| {
                let template = Template::parse(file.template(), 1).unwrap();
                template.variables().iter().map(|used| used.name.clone()).collect::<Vec<_>>()
            };
            assert_eq!(names(&base), names(&draft.file));
            assert_ne!(base.text(), draft.file.text());
            assert_eq!(rules::draft(&draft.file, &wish).map(|again| again.explanations), None);
            if cause == Some(Detector::TokenOutlier) {
                assert!(draft.tokens_after <= draft.tokens_before, "{:?}", draft.explanations);
            }
        }
    }
    println!("{} texts, {drafted} drafts, by rule {by_rule:?}", texts.len());
    assert!(texts.len() > 300 && drafted > 100);
}
