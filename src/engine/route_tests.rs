//! Routing: filters and their reasons, the order, the digest, and that a choice can be replayed.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::domain::feedback::{Signal, Source};
use crate::domain::model::Capabilities;
use crate::engine::affinity::{Evidence, standings};
use crate::engine::rollup::{CellKey, Layer};

fn candidate<'a>(model: &'a str, can: &[(Capability, bool)]) -> Candidate<'a> {
    let mut capabilities = Capabilities::default();
    for (capability, yes) in can {
        capabilities.set(*capability, Some(*yes));
    }
    Candidate {
        model,
        facts: Facts { capabilities, retired: None },
        cost_usd: None,
        recent: Recent::default(),
        base: 1.0,
        named: false,
    }
}

fn said(candidate: &Candidate, demand: &Demand) -> Vec<String> {
    obstacles(candidate, demand).iter().map(ToString::to_string).collect()
}

#[test]
fn every_obstacle_is_named() {
    use Capability::{Tools, Vision};
    let demand = Demand { needs: vec![Vision, Tools], ..Demand::default() };
    assert!(said(&candidate("a", &[(Vision, true), (Tools, true)]), &demand).is_empty());
    assert_eq!(
        said(&candidate("a", &[(Vision, false)]), &demand),
        ["lacks vision", "unknown whether it has tools"]
    );

    let mut plain = candidate("A", &[]);
    plain.facts.retired = Some("2026-11-22".parse().unwrap());
    let on = |day: &str| Demand { day: Some(day.parse().unwrap()), ..Demand::default() };
    assert!(said(&plain, &on("2026-11-21")).is_empty());
    assert_eq!(said(&plain, &on("2026-11-22")), ["no longer offered since 2026-11-22"]);

    let budget = Demand { max_cost_usd: Some(0.01), excluded: vec!["a".into()], ..Demand::default() };
    assert_eq!(said(&plain, &budget), ["excluded", "its cost is unknown, and there is a budget"]);
    plain.cost_usd = Some(0.02);
    assert_eq!(said(&plain, &budget), ["excluded", "costs $0.020000 a call, more than $0.01"]);
    plain.cost_usd = Some(0.01);
    assert_eq!(said(&plain, &budget), ["excluded"]);
}

#[test]
fn failing_is_what_is_sure_to_fail() {
    let of = |ok, calls| {
        let failing = Candidate { recent: Recent { calls, ok }, ..candidate("a", &[]) };
        said(&failing, &Demand::default())
    };
    assert_eq!(of(3, 40), ["failing: 3 of its last 40 calls were answered"]);
    // Too few to say, and not sure enough.
    assert!(of(0, 19).is_empty() && of(9, 20).is_empty() && of(0, 0).is_empty());
}

const NAMES: [&str; 3] = ["good", "bad", "other"];

/// The table of a prompt with so many positive and negative signals on each of three models.
fn routed(signals: [[i32; 2]; 3], demand: &Demand) -> RouteTable {
    let evidence: BTreeMap<u32, Evidence> = (0..3)
        .map(|m| {
            let mut cell = Cell { calls: 500, ok: 500, ..Cell::default() };
            let [positive, negative] = signals[m as usize];
            cell.signals.add(Clock::Call, Source::User, Signal::Positive, positive);
            cell.signals.add(Clock::Call, Source::User, Signal::Negative, negative);
            let mut evidence = Evidence::default();
            evidence.add(&cell, 0.0);
            (m, evidence)
        })
        .collect();
    let key = |model| CellKey { version: 7, layer: Layer::Direct, model };
    let row: Vec<_> = evidence.iter().map(|(m, evidence)| (key(*m), evidence)).collect();
    let candidates = NAMES.map(|name| candidate(name, &[]));
    let eligible: BTreeSet<&str> =
        candidates.iter().filter(|c| obstacles(c, demand).is_empty()).map(|c| c.model).collect();
    let found = standings(0, &[row], |m| NAMES[m as usize], Some(&eligible));
    let uri = "prompt://core/a".parse().unwrap();
    table(&uri, Window { from_ms: 0, to_ms: 1 }, &candidates, demand, &found)
}

#[test]
fn who_is_filtered_is_never_ranked() {
    let demand = Demand { excluded: vec!["good".into()], ..Demand::default() };
    let table = routed([[95, 5], [40, 60], [70, 30]], &demand);
    assert_eq!(table.models.iter().map(|m| m.model_id.as_str()).collect::<Vec<_>>(), ["other", "bad"]);
    assert_eq!(table.filtered[0].model_id, "good");
    assert!((table.models.iter().map(|m| m.weight).sum::<f64>() - 1.0).abs() < 1e-12);
    for i in 0..200 {
        assert_ne!(pick(&table, &format!("call-{i}")).unwrap().model_id, "good");
    }
}

#[test]
fn recommended_is_who_is_surely_best() {
    let none = Demand::default();
    let sure = routed([[95, 5], [40, 60], [50, 50]], &none);
    assert_eq!((sure.recommended_model.as_deref(), sure.leaning.as_deref()), (Some("good"), None));
    assert!(sure.models[0].reason.starts_with("recommended"));
    // As sure, but on fewer than 20 signals: a leaning.
    let thin = routed([[19, 0], [40, 600], [50, 500]], &none);
    assert!(thin.models[0].probability > 0.8 && thin.models[0].reason.starts_with("insufficient"));
    assert_eq!((thin.recommended_model, thin.leaning.as_deref()), (None, Some("good")));
    let close = routed([[60, 40], [58, 42], [59, 41]], &none);
    assert_eq!(close.recommended_model, None);
    // Nothing is known: equal shares, nobody named.
    let blank = routed([[0, 0]; 3], &none);
    assert!(blank.models.iter().all(|m| (m.weight - 1.0 / 3.0).abs() < 1e-9));
    assert_eq!((blank.recommended_model, blank.leaning), (None, None));
}

#[test]
fn choices_follow_the_weights_and_can_be_replayed() {
    let table = routed([[80, 20], [70, 30], [72, 28]], &Demand::default());
    let mut counts: BTreeMap<String, f64> = BTreeMap::new();
    for i in 0..20_000 {
        let id = format!("call-{i}");
        let choice = pick(&table, &id).unwrap();
        assert_eq!(Some(&choice), pick(&table.clone(), &id).as_ref());
        *counts.entry(choice.model_id).or_default() += 1.0 / 20_000.0;
    }
    for model in &table.models {
        // Four standard errors of 20,000 draws.
        assert!((counts[&model.model_id] - model.weight).abs() < 0.015, "{counts:?}");
        assert!(model.weight >= preference::FLOOR / 3.0);
    }
    let other = routed([[81, 19], [70, 30], [72, 28]], &Demand::default());
    assert_ne!(table.snapshot_id, other.snapshot_id);
    let moved = (0..1_000).filter(|i| {
        let id = format!("call-{i}");
        pick(&table, &id).unwrap().model_id != pick(&other, &id).unwrap().model_id
    });
    assert!(moved.count() > 0);
    let empty = RouteTable { models: vec![], ..table };
    assert_eq!(pick(&empty, "call-1"), None);
}
