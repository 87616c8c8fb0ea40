//! Verdicts on made-up courses: what is decided, on what basis, and what is said beside it.

use super::*;
use crate::domain::feedback::{Signal, Source};
use crate::domain::outcome::OddsEffect;
use crate::domain::snapshot::Verdict;
use crate::engine::rollup::{CallFacts, Cell, Clock};

const AT: Hour = 490_000;

/// Deterministic draws in [0, 1).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as f64 / (1u64 << 31) as f64
    }

    fn count(&mut self, n: u32, p: f64) -> i32 {
        (0..n).filter(|_| self.next() < p).count() as i32
    }
}

/// One hour: so many calls of about so many tokens, and units of feedback by users with a bad share of `bad`.
fn cell(draws: &mut Draws, calls: u32, tokens: f64, units: u32, bad: f64) -> Cell {
    let mut cell = Cell::default();
    for _ in 0..calls {
        let size = (tokens * (0.5 + draws.next())) as u32;
        let facts = CallFacts {
            ok: draws.next() < 0.98,
            tokens: Some((size, 0)),
            cached: 0,
            cost: Some(i64::from(size) * 1000),
            estimated: false,
            latency_us: Some(u64::from(size) * 1000),
        };
        cell.add_call(&facts, 1);
    }
    let negative = draws.count(units, bad);
    for clock in [Clock::Arrival, Clock::Call] {
        cell.signals.add(clock, Source::User, Signal::Negative, negative);
        cell.signals.add(clock, Source::User, Signal::Positive, units as i32 - negative);
    }
    cell
}

fn course(seed: u64, hours: std::ops::Range<Hour>, calls: u32, tokens: f64, units: u32, bad: f64) -> Course {
    let mut draws = Draws(seed);
    let mut course = Course::default();
    for hour in hours {
        course.add(hour, 1, &cell(&mut draws, calls, tokens, units, bad));
    }
    course
}

fn change(uri: &str) -> Change {
    Change {
        prompt: uri.parse().unwrap(),
        old: Version::new(1, 0, 0),
        new: Version::new(1, 1, 0),
        at: i64::from(AT) * HOUR_MS,
        split: None,
        horizon: HORIZON,
    }
}

fn org() -> Change {
    change("prompt://org/ACME/legal.review")
}

fn after_days(days: i64) -> Millis {
    i64::from(AT) * HOUR_MS + days * 24 * HOUR_MS + i64::from(WATERMARK_HOURS) * HOUR_MS
}

fn decided(outcome: &Outcome) -> (Basis, Judgement, bool) {
    (outcome.basis, outcome.judgement, outcome.suggest_rollback)
}

/// Both versions side by side for so many days, the new one with a bad share of `bad`.
fn split(seed: u64, days: Hour, units: u32, bad: f64, tokens: f64) -> Courses {
    let hours = AT..AT + 24 * days;
    Courses {
        before: Course::default(),
        old: course(seed, hours.clone(), 10, 1000.0, units, 0.12),
        new: course(seed + 1, hours, 10, tokens, units, bad),
    }
}

/// The old version for four weeks, the new one since.
fn switch(seed: u64, units: u32, before: f64, since: f64) -> Courses {
    Courses {
        before: course(seed, AT - LOOK_BACK..AT, 10, 1000.0, units, before),
        old: Course::default(),
        new: course(seed + 1, AT..AT + 10 * 24, 10, 1000.0, units, since),
    }
}

#[test]
fn side_by_side_worse_better_and_the_same() {
    let worse = outcome(&org(), &split(1, 10, 3, 0.3, 820.0), &[], after_days(10));
    assert_eq!(decided(&worse), (Basis::Concurrent, Judgement::Regressed, true));
    assert!(worse.decided_at.is_some() && worse.negative.odds_ratio.unwrap() > 1.5);
    let better = outcome(&org(), &split(3, 10, 3, 0.03, 820.0), &[], after_days(10));
    assert_eq!(decided(&better), (Basis::Concurrent, Judgement::Improved, false));
    let [low, high] = better.tokens.interval.unwrap();
    assert!(low < 0.82 && 0.82 < high && high < 1.0 && better.tokens.verdict == Verdict::Sufficient);
    assert_eq!(
        better.tokens.ratio.map(|r| (r * 10.0).round()),
        better.latency.ratio.map(|r| (r * 10.0).round())
    );
    let same = outcome(&org(), &split(5, 10, 60, 0.12, 1000.0), &[], after_days(10));
    assert_eq!(decided(&same), (Basis::Concurrent, Judgement::NoMaterialChange, false));
    assert!(same.guards.is_empty());
}

#[test]
fn a_core_prompt_asks_more_of_an_improvement() {
    // Found so that the evidence lies between 20 and 100.
    let between = (1..200).find_map(|days| {
        let courses = split(7, days, 1, 0.04, 1000.0);
        let found = outcome(&org(), &courses, &[], after_days(13));
        (found.judgement == Judgement::Improved).then_some((courses, found))
    });
    let (courses, found) = between.unwrap();
    assert!(found.negative.ln_e_improved < 100.0_f64.ln());
    let core = outcome(&change("prompt://core/legal.review"), &courses, &[], after_days(13));
    assert_eq!(core.judgement, Judgement::Running);
}

#[test]
fn before_and_after_says_that_it_is_confounded() {
    let worse = outcome(&org(), &switch(11, 2, 0.1, 0.3), &[], after_days(10));
    assert_eq!(decided(&worse), (Basis::BeforeAfter, Judgement::Regressed, true));
    assert_eq!(worse.label, "before/after (confounded)");
    let better = outcome(&org(), &switch(13, 2, 0.3, 0.1), &[], after_days(10));
    assert_eq!(decided(&better), (Basis::BeforeAfter, Judgement::LikelyImproved, false));
    assert!(better.negative.odds_ratio.unwrap() < 0.6 && better.negative.interval.unwrap()[1] < 1.0);
}

#[test]
fn a_rollback_asks_for_two_hundred_units_before() {
    let mut thin = switch(15, 2, 0.05, 0.5);
    thin.before = course(15, AT - 60..AT, 10, 1000.0, 2, 0.05);
    let found = outcome(&org(), &thin, &[], after_days(10));
    assert_eq!(found.negative.old_units, 120);
    assert_eq!(decided(&found), (Basis::BeforeAfter, Judgement::Regressed, false));
}

#[test]
fn what_moved_the_peers_is_not_held_against_the_version() {
    let courses = switch(17, 3, 0.1, 0.2);
    let alone = outcome(&org(), &courses, &[], after_days(10));
    assert_eq!(alone.judgement, Judgement::Regressed);
    let peer = |seed| {
        let moved = switch(seed, 3, 0.1, 0.2);
        Peer { before: moved.before, since: moved.new }
    };
    let peers: Vec<Peer> = (0..12).map(|i| peer(100 + 2 * i)).collect();
    let found = outcome(&org(), &courses, &peers, after_days(10));
    assert!(
        matches!(found.judgement, Judgement::Running | Judgement::NoMaterialChange),
        "{:?}",
        found.negative
    );
}

#[test]
fn a_lucky_change_of_an_unlucky_prompt_is_not_called_a_success() {
    // 8 of 24 units were negative in a fleet where one in ten is, and since the change one in ten is.
    let mut courses = switch(21, 1, 0.1, 0.1);
    courses.before = Course::default();
    let mut unlucky = Cell::default();
    unlucky.signals.add(Clock::Arrival, Source::User, Signal::Negative, 8);
    unlucky.signals.add(Clock::Arrival, Source::User, Signal::Positive, 16);
    courses.before.add(AT - 30, 1, &unlucky);
    let peers: Vec<Peer> = (0..20)
        .map(|i| {
            let peer = switch(200 + 2 * i, 1, 0.1, 0.1);
            Peer { before: peer.before, since: peer.new }
        })
        .collect();
    let found = outcome(&org(), &courses, &peers, after_days(10));
    assert_ne!(found.judgement, Judgement::LikelyImproved);
    assert!(found.negative.odds_ratio.unwrap() > 0.6, "{:?}", found.negative);
}

#[test]
fn too_little_is_said_and_time_runs_out() {
    let nothing = outcome(&org(), &Courses::default(), &[], after_days(2));
    assert_eq!(decided(&nothing), (Basis::BeforeAfter, Judgement::Insufficient, false));
    assert_eq!((nothing.negative.odds_ratio, nothing.tokens.ratio), (None, None));
    let courses = split(31, 14, 1, 0.13, 1000.0);
    let running = outcome(&org(), &courses, &[], after_days(9));
    assert_eq!(running.judgement, Judgement::Running);
    let over = outcome(&org(), &courses, &[], after_days(40));
    assert_eq!(over.judgement, Judgement::Inconclusive);
    assert!((over.active_days - 40.0).abs() < 0.2);
    assert_eq!(over.window.0.to_ms - over.window.0.from_ms, i64::from(HORIZON) * HOUR_MS);
    let json = serde_json::to_value(&over).unwrap();
    assert_eq!(
        (json["basis"].as_str(), json["judgement"].as_str()),
        (Some("concurrent"), Some("inconclusive"))
    );
    assert!(json["negative"]["oddsRatio"].is_number() && json.get("decidedAt").is_none());
}

#[test]
fn guards_are_raised() {
    let mut courses = split(41, 10, 1, 0.12, 1000.0);
    let configured = Change { split: Some(0.5), ..org() };
    assert!(outcome(&configured, &courses, &[], after_days(10)).guards.is_empty());
    let mut draws = Draws(5);
    for hour in AT..AT + 100 {
        // Calls without feedback, half of which fail.
        let mut silent = cell(&mut draws, 20, 1000.0, 0, 0.0);
        silent.ok /= 2;
        courses.new.add(hour, 1, &silent);
    }
    let found = outcome(&configured, &courses, &[], after_days(10));
    assert_eq!(found.guards, [Guard::SplitMismatch, Guard::ResponseRateChanged, Guard::MoreErrors]);
    assert!(found.errors.odds_ratio.unwrap() > 3.0);
    let mut switched = switch(43, 2, 0.1, 0.1);
    assert!(outcome(&org(), &switched, &[], after_days(10)).guards.is_empty());
    switched.new = course(44, AT..AT + 240, 40, 1000.0, 2, 0.1);
    let found = outcome(&org(), &switched, &[], after_days(10));
    assert_eq!(found.guards, [Guard::ResponseRateChanged]);
}

#[test]
fn stragglers_are_no_arm() {
    let mut courses = switch(51, 2, 0.1, 0.3);
    // Old clients: one call in forty, and feedback on calls of before that comes late.
    courses.old = course(52, AT..AT + 48, 0, 1000.0, 3, 0.9);
    for hour in (AT..AT + 48).step_by(4) {
        courses.old.add(hour, 1, &cell(&mut Draws(9), 1, 1000.0, 0, 0.0));
    }
    assert_eq!(outcome(&org(), &courses, &[], after_days(10)).basis, Basis::BeforeAfter);
}

#[test]
fn days_say_what_hours_say() {
    let coarse = |course: &Course| {
        let mut days = Course::default();
        days.extend(
            course.stretches().map(|((hour, model), tally)| ((hour.div_euclid(24) * 24, model), tally)),
        );
        days
    };
    let courses = split(61, 10, 3, 0.25, 900.0);
    let folded =
        Courses { before: coarse(&courses.before), old: coarse(&courses.old), new: coarse(&courses.new) };
    let (fine, day) =
        (outcome(&org(), &courses, &[], after_days(10)), outcome(&org(), &folded, &[], after_days(10)));
    assert_eq!((fine.judgement, fine.basis), (day.judgement, day.basis));
    assert_eq!(fine.tokens, day.tokens);
    let near =
        |a: &OddsEffect, b: &OddsEffect| (a.odds_ratio.unwrap() / b.odds_ratio.unwrap()).ln().abs() <= 0.11;
    assert!(near(&fine.negative, &day.negative), "{:?} {:?}", fine.negative, day.negative);
}

#[test]
fn a_model_that_is_new_tells_of_the_model() {
    let mut courses = switch(71, 2, 0.1, 0.1);
    let mut draws = Draws(72);
    for hour in AT..AT + 240 {
        courses.new.add(hour, 2, &cell(&mut draws, 10, 4000.0, 2, 0.6));
    }
    let found = outcome(&org(), &courses, &[], after_days(10));
    assert_ne!(found.judgement, Judgement::Regressed);
    assert_eq!(found.negative.new_units, 480);
    assert!(found.tokens.ratio.unwrap() < 1.1);
}
