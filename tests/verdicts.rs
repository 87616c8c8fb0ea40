//! Verdicts on real changes whose truth is known: two snapshots of two models, and two styles of one prompt. Needs the
//! collection beside the repository (or where `HUMAN_SHARED` points); says so and passes where it is absent.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::path::PathBuf;

use human::domain::outcome::{Basis, Judgement};

#[path = "../examples/verdicts/compare.rs"]
mod compare;
#[path = "../examples/shared/mod.rs"]
mod shared;

fn collection(name: &str) -> Option<shared::Table> {
    let root = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let Ok(bytes) = std::fs::read(root.join("data").join(name)) else {
        println!("skipped: {name} is not here");
        return None;
    };
    Some(shared::Table::read(&bytes).unwrap())
}

/// A family's verdict beside how far its counts are apart, in standard errors as if they had been looked at once.
struct Judged {
    judgement: Judgement,
    z: f64,
}

fn judged(family: &str, models: &[&[compare::Pair]]) -> Judged {
    let found = compare::verdict(family, models).unwrap();
    assert_eq!(found.basis, Basis::Concurrent, "{family}");
    let pairs = models.concat();
    println!("{}", compare::line(family, &pairs, &found));
    let n = pairs.len() as f64;
    let [a, b] = compare::good(&pairs).map(|k| k as f64 / n);
    let pooled = f64::midpoint(a, b);
    Judged { judgement: found.judgement, z: (b - a) / (pooled * (1.0 - pooled) * 2.0 / n).sqrt() }
}

/// No verdict that the counts do not support, and none against them.
fn assert_supported(family: &str, found: &Judged) {
    match found.judgement {
        Judgement::Regressed => assert!(found.z < -2.3, "{family}: {}", found.z),
        Judgement::Improved => assert!(found.z > 2.3, "{family}: {}", found.z),
        Judgement::NoMaterialChange => assert!(found.z.abs() < 3.0, "{family}: {}", found.z),
        _ => {}
    }
}

#[test]
fn snapshots_of_models_that_drifted() {
    let Some(rows) = collection("degradation/llmdrift_calls.csv.gz") else { return };
    let four = compare::answers(&rows, "model", "gpt-4-0314", "gpt-4-0613").unwrap();
    let three = compare::answers(&rows, "model", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613").unwrap();
    for (family, pairs) in &four {
        let found = judged(family, &[pairs]);
        assert_supported(family, &found);
        let known = ["prime_full", "countahappynumber", "opinionqa"].contains(&family.as_str());
        assert_eq!(found.judgement == Judgement::Regressed, known, "{family}");
    }
    for (family, pairs) in &three {
        let found = judged(family, &[pairs]);
        assert_supported(family, &found);
        let known = ["prime_full", "countahappynumber"].contains(&family.as_str());
        assert_eq!(found.judgement == Judgement::Improved, known, "{family}");
        assert_ne!(found.judgement, Judgement::Regressed, "{family}");
    }
    // Runnable code: 25 questions of one model are too few for odds of 20 to 1; both models together are enough.
    let both = judged("leetcode_easy", &[&four["leetcode_easy"], &three["leetcode_easy"]]);
    assert_eq!(both.judgement, Judgement::Regressed);
}

#[test]
fn styles_of_a_prompt() {
    let Some(rows) = collection("outcomes/bbh_prompt_style.csv.gz") else { return };
    let families = compare::answers(&rows, "prompt_variant", "direct", "cot").unwrap();
    let mut improved = 0;
    for (family, pairs) in &families {
        let found = judged(family, &[pairs]);
        assert_supported(family, &found);
        // Nothing that is far apart is missed.
        assert!(found.z.abs() < 4.5 || found.judgement != Judgement::Inconclusive, "{family}: {}", found.z);
        improved += usize::from(found.judgement == Judgement::Improved);
    }
    assert!(families.len() == 27 && improved >= 12, "{improved} of {}", families.len());
    // Answers of one style against themselves differ in nothing.
    for (family, pairs) in families {
        let same: Vec<compare::Pair> = pairs.iter().map(|pair| [pair[0], pair[0]]).collect();
        let found = compare::verdict(&family, &[&same]).unwrap().judgement;
        assert!(!matches!(found, Judgement::Regressed | Judgement::Improved), "{family}: {found:?}");
    }
}
