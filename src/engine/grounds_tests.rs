//! What is said of each kind of grounds.

use serde_json::{Value, json};

use super::*;

fn grounds(found: Value) -> Grounds {
    Grounds { cause: "c".into(), window: Default::default(), found, feedback: vec![], cases: None }
}

fn assessment(detector: Detector, numbers: [f64; 5], evidence: Evidence) -> Assessment {
    let [estimate, low, high, threshold, expected_gain] = numbers;
    Assessment {
        prompt_uri: "prompt://org/ACME/legal.review@1.0.0".parse().unwrap(),
        detector,
        task_type: "legal".into(),
        peers: 12,
        estimate,
        interval: [low, high],
        threshold,
        sample_size: 142,
        evidence,
        expected_gain,
        model: None,
        better_model: None,
    }
}

#[test]
fn every_finding_reads_as_what_was_seen_how_sure_it_is_and_what_it_would_win() {
    let sure = Evidence::EValue { ln_e: 8.556, e: 5_200.0, probability: 0.9991 };
    let rare = Evidence::PValue { p: 1e-8, adjusted: 2e-7, ratio: 8.0, robust_z: 9.0 };
    let all = [
        (
            assessment(Detector::HighNegative, [0.31, 0.24, 0.39, 0.2, 0.17], sure),
            "31 % of 142 evidence units (a person's or session's first signal in an hour) are negative; as far as that \
             many can tell, the true share is between 24 % and 39 %. More than 20 % is not tolerated.\n\
             Of prompts that are as they should be, at most one in 5200 ever shows this, however often one looks \
             (e-value); that the rate is on the wrong side is more than 99 % probable.\n\
             Were it as its peers usually are, 17 of a hundred fewer would be negative.",
        ),
        (
            assessment(Detector::LowSuccess, [0.9, 0.85, 0.94, 0.96, 0.08], sure),
            "90 % of 142 calls are answered; as far as that many can tell, the true share is between 85 % and 94 %. Below \
             96 % is low among its 12 peers.\n\
             Of prompts that are as they should be, at most one in 5200 ever shows this, however often one looks \
             (e-value); that the rate is on the wrong side is more than 99 % probable.\n\
             Were it as its peers usually are, 8 more of a hundred calls would be answered.",
        ),
        (
            assessment(Detector::TokenOutlier, [1_600.0, 1_550.0, 1_650.0, 600.0, 1_400.0], rare),
            "A call takes 1600 tokens on average, 8.0 times the median of its 12 peers; as far as 142 calls can tell, \
             between 1550 and 1650. From 600 on it is an outlier.\n\
             A prompt within twice the median of its peers shows this by chance once in 5 million times at most \
             (p-value, adjusted for all prompts that were looked at).\n\
             Were it as its peers usually are, a call would take 1400 tokens less.",
        ),
        (
            assessment(Detector::CostOutlier, [0.016, 0.0155, 0.0165, 0.006, 0.014], rare),
            "A call takes $0.0160 on average, 8.0 times the median of its 12 peers; as far as 142 calls can tell, between \
             $0.0155 and $0.0165. From $0.0060 on it is an outlier.\n\
             A prompt within twice the median of its peers shows this by chance once in 5 million times at most \
             (p-value, adjusted for all prompts that were looked at).\n\
             Were it as its peers usually are, a call would take $0.0140 less.",
        ),
        (
            Assessment {
                model: Some("gpt-4o".into()),
                better_model: Some("claude-sonnet-4-5".into()),
                ..assessment(
                    Detector::AffinityMismatch,
                    [0.12, 0.05, 0.19, 0.03, 0.12],
                    Evidence::Probability { probability: 0.97 },
                )
            },
            "Most calls go to gpt-4o, and claude-sonnet-4-5 would serve the prompt better by 0.12 of 1, between 0.05 and \
             0.19, judged by 142 evidence units. From 0.03 on it is worth a change.\n\
             That the change is worth it is 97 % probable.",
        ),
    ];
    for (found, said) in all {
        assert_eq!(sentences(&grounds(serde_json::to_value(&found).unwrap())).join("\n"), said);
    }
}

#[test]
fn outcomes_and_missing_metadata_have_their_sentence_and_the_rest_its_fields() {
    let odds = json!({"oddsRatio": 3.04, "interval": [1.9, 4.7], "oldUnits": 310, "newUnits": 102,
                      "lnERegressed": 4.0, "lnEImproved": -3.0});
    let worse = json!({"proposal": "PROPOSAL-47", "version": "1.1.0", "oldVersion": "1.0.0",
                       "measured": {"basis": "concurrent", "negative": odds}});
    assert_eq!(
        sentences(&grounds(worse)),
        [
            "1.1.0, which PROPOSAL-47 made active, turned out worse than 1.0.0: the odds of a negative signal are 3.0 times \
          what they were, between 1.9 and 4.7, by 102 evidence units of it and 310 of 1.0.0, side by side."
        ]
    );
    // As it was written before it was kept what was measured.
    assert_eq!(
        sentences(&grounds(json!({"proposal": "PROPOSAL-4", "version": "2.0.0"}))),
        ["2.0.0, which PROPOSAL-4 made active, turned out worse than the version before."]
    );
    let lacks = json!({"lacks": "json", "because": "The prompt declares that it answers in JSON"});
    assert_eq!(
        sentences(&grounds(lacks)),
        [
            "The prompt declares that it answers in JSON, and `human.requires` does not name `json`: calls may be routed to a \
          model without it."
        ]
    );
    assert_eq!(sentences(&grounds(json!({}))), Vec::<String>::new());
    assert_eq!(sentences(&grounds(Value::Null)), Vec::<String>::new());
    assert_eq!(
        sentences(&grounds(json!({"estimate": 0.31, "interval": [0.24, 0.39], "note": "thin"}))),
        ["estimate: 0.31", "interval: [0.24, 0.39]", "note: thin"]
    );
}
