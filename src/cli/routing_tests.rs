//! The printed forms: at 80 columns, thin evidence and hostile names.

use super::*;
use crate::domain::affinity::{AffinityRates, AffinityStats};
use crate::domain::route::{Discount, Estimate, FilteredModel};
use crate::domain::snapshot::SnapshotWindow;
use crate::domain::window::Window;
use crate::engine::evidence::{MIN_CALLS, rate};

fn ranked(model: &str, weight: f64, sample_size: u64, reason: &str) -> RankedModel {
    RankedModel {
        model_id: model.into(),
        weight,
        probability: weight,
        reason: reason.into(),
        base: 1.0,
        score: Estimate { mean: 0.81, interval: [0.7, 0.9] },
        quality: Estimate { mean: 0.9, interval: [0.8, 0.95] },
        discount: Discount { success: 0.99, cost: 0.95, latency: 0.98 },
        sample_size,
        evidence_mass: 0.9 * sample_size as f64,
        calls: 10 * sample_size,
        avg_cost_usd: Some(0.006),
        p95_latency_ms: Some(1900.0),
        verdict: if sample_size < MIN_SIGNALS { Verdict::Insufficient } else { Verdict::Sufficient },
    }
}

fn table() -> RouteTable {
    RouteTable {
        prompt_uri: "prompt://org/HUMAN_CORP/legal.contract-analysis".parse().unwrap(),
        snapshot_id: "00ff".into(),
        window: SnapshotWindow(Window { from_ms: 0, to_ms: 1 }),
        needs: vec!["vision".into()],
        recommended_model: None,
        leaning: Some("gpt-4o-2024-08-06".into()),
        models: vec![
            ranked("gpt-4o-2024-08-06", 0.94, 61, "leaning: the best so far, not surely"),
            ranked("evil\u{1b}[2J", 0.06, 3, "insufficient: few signals of its own, leans on its peers"),
        ],
        filtered: vec![FilteredModel {
            model_id: "llama3.1".into(),
            reasons: vec!["unknown whether it has vision".into()],
        }],
    }
}

#[test]
fn a_route_reads_at_80_columns() {
    let page = Page { width: Some(80), bold: false };
    let choice = Choice {
        provenance_id: "01JD".into(),
        snapshot_id: "00ff".into(),
        model_id: "gpt-4o-2024-08-06".into(),
        propensity: 0.94,
    };
    let text = route_text(&table(), Some(&choice), "last 7 days", true, page);
    println!("{text}");
    for line in text.lines() {
        assert!(table::width(line) <= 80, "{line}");
    }
    for part in [
        "Needs: vision",
        "Leaning to gpt-4o-2024-08-06",
        "quality   0.900 [0.80, 0.95] from 61 signals (weight 54.9), 610 calls",
        "success 0.99 x cost 0.95 ($0.006) x latency 0.98 (p95 1.9s)",
        "Left out: llama3.1 (unknown whether it has vision)",
        "Call 01JD goes to gpt-4o-2024-08-06 (propensity 0.9400)",
    ] {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains('\u{1b}'));
    let brief = route_text(&table(), None, "last 7 days", false, page);
    assert!(!brief.contains("quality") && brief.contains("insufficient") && brief.contains("94%"));
    let rows = brief.lines().skip_while(|line| !line.starts_with("MODEL")).take(3);
    assert!(rows.into_iter().all(|line| table::width(line) <= 80));
}

#[test]
fn without_calls_it_says_what_stands() {
    let mut none = table();
    none.leaning = None;
    none.models.iter_mut().for_each(|m| (m.calls, m.sample_size) = (0, 0));
    let text = route_text(&none, None, "last 7 days", false, Page::default());
    assert!(text.contains("Insufficient: no calls of this prompt yet"), "{text}");
}

#[test]
fn thin_affinities_say_so() {
    let affinity = |model: &str, n: i64| PromptModelAffinity {
        prompt_uri: "prompt://core/a".parse().unwrap(),
        model_id: model.into(),
        sample_size: n as u64,
        stats: AffinityStats {
            avg_latency_ms: Some(900.0),
            avg_cost_usd: None,
            success_rate: Some(1.0),
            positive_signal_rate: Some(0.7),
            negative_signal_rate: Some(0.1),
        },
        rates: AffinityRates {
            success: rate(n, n, MIN_CALLS),
            positive: rate(n, n, MIN_SIGNALS),
            negative: rate(0, n, MIN_SIGNALS),
        },
        affinity_score: 0.9,
        interval: [0.8, 0.95],
        probability_best: 0.5,
        verdict: if n < 20 { Verdict::Insufficient } else { Verdict::Sufficient },
        worth: crate::domain::affinity::Worth::default(),
    };
    let page = Page { width: Some(80), bold: false };
    let text = affinity_text(&[affinity("gpt-4o", 40), affinity("thin", 2)], "last 7 days", page);
    println!("{text}");
    assert!(text.contains("leaning") && text.contains("insufficient: fewer than 20 signals"));
    assert!(text.lines().filter(|l| l.starts_with(['M', 'g', 't'])).all(|l| table::width(l) <= 80));
}
