use super::*;
use crate::console::harness::{Harness, NOW};
use crate::console::query::Reply;
use crate::domain::outcome::{Basis, OddsEffect};
use crate::domain::settled::Measured;
use crate::domain::window::Window;
use crate::engine::performance::{self, Names};
use crate::engine::rollup::VersionId;
use crate::engine::trend::by_model::OnModel;
use crate::engine::trend::cause::{Cause, Kind};
use crate::engine::trend::estimate::{Estimate, time};
use crate::engine::trend::health::{Health, Level};
use crate::engine::trend::{Measure, StreamId, Subject};
use crate::service::Regression;
use crate::service::live::{Trend, TrendPoint};
use proptest::prelude::*;
use semver::Version;

const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (60, 20)];

fn prompt(key: &str) -> Subject {
    Subject::Prompt(format!("prompt://org/HUMAN_CORP/{key}"))
}

#[allow(clippy::unnecessary_wraps, reason = "as a stream holds it")]
fn estimate(rate: f64, half: f64, sample_size: i64) -> Option<Estimate> {
    Some(Estimate { rate, interval: [(rate - half).max(0.0), rate + half], sample_size })
}

/// A share on a model before and since: the rate, half of its interval, of how many.
fn on(model: &str, before: (f64, f64, i64), after: (f64, f64, i64)) -> OnModel {
    let share = |(rate, half, n)| estimate(rate, half, n);
    OnModel { model: model.into(), before: share(before), after: share(after) }
}

fn stream(subject: Subject, measure: Measure, level: Level, evidence: f64) -> Health {
    let id = StreamId { subject, measure };
    let onset = (NOW / HOUR_MS) as i32 - 26;
    Health {
        stream: id.to_string(),
        id,
        level,
        reason: None,
        evidence,
        page_from: 120.0,
        by_hour: false,
        onset: Some(onset),
        since: Some(time(onset)),
        odds_ratio: Some(3.6),
        baseline: estimate(0.06, 0.01, 1644),
        current: estimate(0.18, 0.09, 222),
        last_day: estimate(0.17, 0.1, 180),
        calls_per_hour: Some(341.0),
        units: 222,
        last_unit: Some(time(onset + 24)),
        silenced_until: None,
        causes: vec![],
        explained: true,
        course: (0..14)
            .map(|day| (day != 3).then(|| if day < 12 { 0.05 + 0.01 * f64::from(day % 3) } else { 0.18 }))
            .collect(),
        by_model: vec![
            on("gpt-4o-mini", (0.06, 0.02, 810), (0.24, 0.05, 140)),
            on("claude-sonnet-4", (0.06, 0.02, 834), (0.08, 0.05, 82)),
        ],
    }
}

fn watch() -> Watch {
    let mut worst = stream(prompt("support.refund-reply"), Measure::Negative, Level::Page, 29_614.0);
    let what = "version 2.1.0 became active at 2026-11-27T09:00:00Z";
    worst.causes.push(Cause { kind: Kind::Version, what: what.into(), before: None, after: None });
    let model = "model gpt-4o-mini, which serves 62% of the calls, got worse for many prompts (negative)";
    let (before, after) = (estimate(0.4, 0.05, 900), estimate(0.62, 0.06, 640));
    worst.causes.push(Cause { kind: Kind::Model, what: model.into(), before, after });
    let mut silenced = stream(prompt("legal.summary"), Measure::Latency, Level::Warn, 41.0);
    silenced.silenced_until = Some("2026-11-29T12:00:00Z".into());
    let mut over = stream(prompt("billing.dunning"), Measure::Errors, Level::Warn, 55.0);
    over.last_day = estimate(0.05, 0.02, 900);
    let mut few = stream(Subject::Task("code".into()), Measure::Unhappy, Level::Watch, 7.2);
    few.calls_per_hour = None;
    Watch {
        until: "2026-11-28T10:00:00Z".into(),
        streams: vec![
            stream(Subject::Model("gpt-4o-mini".into()), Measure::Negative, Level::Page, 2.4e8),
            worst,
            over,
            silenced,
            few,
        ],
        stable: 1204,
        insufficient: 88,
        acknowledged: 1,
        page_from: 120.0,
        regressions: vec![],
        prompts: rustc_hash::FxHashMap::default(),
        counted: 0,
        position: 0,
        notes: 0,
        explained: true,
    }
}

/// The same, with a version that turned out worse, and one about which nobody is called.
fn regressed() -> Watch {
    let negative = OddsEffect {
        odds_ratio: Some(3.04),
        interval: Some([1.93, 4.71]),
        old_units: 1310,
        new_units: 402,
        ln_e_regressed: 6.0,
        ln_e_improved: -4.0,
    };
    let decided_at = Some("2026-11-26T08:00:00Z".to_owned());
    let found = Regression {
        proposal: ProposalId(26),
        title: "Answer without the list of conditions".into(),
        prompt_uri: "prompt://org/HUMAN_CORP/support.refund-reply".parse().unwrap(),
        old_version: Version::new(2, 0, 0),
        new_version: Version::new(2, 1, 0),
        since: "2026-11-26T08:00:00Z".into(),
        evidence: Some(Measured { basis: Basis::BeforeAfter, decided_at, negative }),
        rollback: Some(ProposalId(27)),
        silenced_until: None,
    };
    let silenced = Regression {
        proposal: ProposalId(19),
        title: "Shorter".into(),
        prompt_uri: "prompt://core/legal.contract-analysis".parse().unwrap(),
        old_version: Version::new(1, 12, 0),
        new_version: Version::new(1, 12, 1),
        evidence: None,
        rollback: None,
        silenced_until: Some("2026-11-29T12:00:00Z".into()),
        ..found.clone()
    };
    Watch { regressions: vec![silenced, found], ..watch() }
}

struct Nameless;

impl Names for Nameless {
    fn model(&self, _: u32) -> &'static str {
        "m"
    }
    fn version(&self, _: VersionId) -> Option<&Version> {
        None
    }
}

fn page(uri: &str) -> PromptPage {
    let uri: PromptUri = uri.parse().unwrap();
    let step = 6 * HOUR_MS;
    let from = NOW - 28 * step;
    let point = |i: u64| TrendPoint {
        calls: 2000,
        failed: 20 + i,
        signals: [80, if i < 24 { 5 + i % 3 } else { 20 }, 4, 2],
        tokens: Some(900.0),
        cost: Some(0.004),
        latency: [Some(800.0), Some(1200.0 + 20.0 * i as f64)],
    };
    let trend = Trend {
        from,
        step,
        points: (0..28).map(point).collect(),
        activations: vec![(NOW - 27 * HOUR_MS, Version::new(2, 1, 0))],
        alarms: vec![],
    };
    let window = Window { from_ms: from, to_ms: NOW };
    PromptPage {
        snapshot: performance::snapshot(&uri, window, [], &Nameless, &[]),
        uri,
        active: Some(Version::new(2, 1, 0)),
        versions: vec![],
        text: String::new(),
        description: None,
        affinities: vec![],
        trend,
        level: None,
        health: vec![],
        outcome: None,
        history: vec![],
        recommendations: vec![],
        open: 0,
        as_of: NOW,
    }
}

type Look = Option<Result<Watch, Fault>>;

fn console(size: (u16, u16), mut look: impl FnMut() -> Look + 'static) -> Harness {
    let answers = move |query: &Query| match query {
        Query::Watch => look().map(|watch| watch.map(|watch| Reply::Watch(Arc::new(watch)))),
        Query::Rates => Some(Ok(Reply::Rates(Rates {
            calls: 12.4,
            failed: Some(0.008),
            cost: Some(3.21),
            newest: Some(NOW - 2100),
            quarantined: 3,
        }))),
        Query::Prompt(uri, _) => Some(Ok(Reply::Prompt(Arc::new(page(uri))))),
        _ => None,
    };
    let mut console = Harness::new(size, Box::new(answers));
    console.keys("4");
    console
}

fn calm() -> Watch {
    Watch { streams: vec![], ..watch() }
}

#[test]
fn looks_at_four_sizes() {
    for (state, look) in [
        ("full", (|| Some(Ok(watch()))) as fn() -> Look),
        ("regressed", || Some(Ok(Watch { streams: vec![], ..regressed() }))),
        ("loading", || None),
        ("empty", || Some(Ok(calm()))),
        ("error", || Some(Err(Fault::new("the store is busy: another process has held it for 5 s")))),
    ] {
        for (width, height) in SIZES {
            insta::assert_snapshot!(
                format!("{state}_{width}x{height}"),
                console((width, height), look).screen()
            );
        }
    }
}

#[test]
fn the_detail_has_a_narrow_screen_of_its_own_and_gives_it_back() {
    let mut console = console((80, 24), || Some(Ok(watch())));
    insta::assert_snapshot!(console.keys("l").text());
    assert!(console.keys("<esc>").text().contains("STREAM"));
}

#[test]
fn two_keys_lead_to_the_worst_prompt() {
    let mut console = console((120, 40), || Some(Ok(watch())));
    // The harness has pressed `4`; a model's stream ranks first, the worst prompt is selected.
    console.keys("<enter>");
    assert_eq!(console.app.crumbs().len(), 2);
}

#[test]
fn frozen_is_held_while_looks_go_on_arriving() {
    let mut looks = 0;
    let mut console = console((120, 40), move || {
        looks += 1;
        Some(Ok(if looks < 3 { watch() } else { calm() }))
    });
    console.keys(" ");
    assert!(console.app.is_frozen());
    console.send(crate::console::message::Msg::Changed);
    console.settle();
    console.send(crate::console::message::Msg::Changed);
    console.settle();
    let text = console.text();
    assert!(text.contains("frozen since 12:00:0") && text.contains("newer look"), "{text}");
    assert!(text.contains("refund-reply"), "{text}");
    let text = console.keys(" ").text();
    assert!(text.contains("All is stable") && !text.contains("frozen"), "{text}");
}

#[test]
fn the_selection_stays_with_its_stream() {
    let mut more = false;
    let mut console = console((120, 40), move || {
        let mut look = watch();
        if std::mem::replace(&mut more, true) {
            look.streams.insert(0, stream(prompt("new.worst"), Measure::Errors, Level::Page, 9e9));
        }
        Some(Ok(look))
    });
    console.keys("j");
    console.send(crate::console::message::Msg::Changed);
    console.settle();
    let text = console.text();
    let selected = text.lines().find(|line| line.contains("▌ ◆ PAGE")).unwrap_or_default();
    assert!(text.contains("new.worst") && selected.contains("model:gpt-4o-mini"), "{text}");
}

#[test]
fn what_regressed_stands_first_among_what_warns() {
    let mut console = console((120, 40), || Some(Ok(regressed())));
    insta::assert_snapshot!("regressed_and_rising_120x40", console.text());
    // After what pages; what is silenced comes last.
    let text = console.keys("ggjj").text();
    assert!(text.contains("▲ REGRESSED  2.1.0 is worse than 2.0.0"), "{text}");
    assert_eq!(console.app.alarms(), Some((2, 2)));
    let text = console.keys("/legal 1.12<enter>").text();
    assert!(text.contains("1 of 7 regressed and rising") && !text.contains("billing"), "{text}");
}

#[test]
fn a_regression_goes_by_its_proposal() {
    let mut console = console((120, 40), || Some(Ok(regressed())));
    console.keys("/regressed<enter>gga");
    assert!(console.text().contains("2.1.0 stays active although it is worse"), "{}", console.text());
    console.keys("y");
    assert_eq!(console.commands, [Command::Acknowledge("PROPOSAL-26".into())]);
    console.keys("s<enter>");
    assert!(matches!(&console.commands[1], Command::Silence(name, _) if name == "PROPOSAL-26"));
    let text = console.keys("B").text();
    assert!(text.contains("Why 2.0.0 is to be active again"), "{text}");
    assert!(text.contains("2.1.0 is worse than 2.0.0: odds of a negative signal x3.0"), "{text}");
    console.keys("<esc>p");
    assert_eq!(console.app.crumbs(), ["Watch", "PROPOSAL-27"]);
    // Without one to go back, the one that made it active.
    console.keys("<esc>jp");
    assert_eq!(console.app.crumbs(), ["Watch", "PROPOSAL-19"]);
    console.keys("<esc><enter>");
    assert_eq!(console.app.crumbs(), ["Watch", "legal.contract-analysis"]);
}

#[test]
fn a_silence_can_be_ended() {
    let mut console = console((120, 40), || Some(Ok(watch())));
    assert!(!console.keys("s").text().contains("no longer: let it alarm"));
    let text = console.keys("<esc>Gs").text();
    assert!(
        text.contains("Silence legal.summary") && text.contains("no longer: let it alarm again"),
        "{text}"
    );
    console.keys("gg<enter>");
    assert!(matches!(&console.commands[..], [Command::Silence(_, until)] if *until <= NOW + 60_000));
}

#[test]
fn a_new_regression_is_a_new_alarm() {
    let mut looks = 0;
    let mut console = console((120, 40), move || {
        looks += 1;
        Some(Ok(if looks < 2 { watch() } else { regressed() }))
    });
    console.send(crate::console::message::Msg::Changed);
    console.settle();
    let text = console.text();
    assert!(text.contains("support.refund-reply@2.1.0 regressed"), "{text}");
}

#[test]
fn filters_by_words_and_without_words() {
    let page = stream(prompt("support.refund-reply"), Measure::Negative, Level::Page, 100.0);
    for (filter, passes_it) in [
        ("", true),
        ("refund page", true),
        ("REFUND !latency", true),
        ("!negative", false),
        ("warn", false),
        ("!", true),
    ] {
        assert_eq!(Item::Stream(&page).passes(filter), passes_it, "{filter}");
    }
}

#[test]
fn a_stream_of_many_prompts_has_no_page() {
    let mut console = console((120, 40), || Some(Ok(watch())));
    console.keys("j<enter>");
    assert_eq!(console.app.crumbs().len(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_size_and_any_keys(
        width in 0u16..300,
        height in 0u16..100,
        keys in prop::collection::vec(
            prop::sample::select(vec!["j", "k", "G", "gg", "l", "h", " ", "<ctrl-d>", "<ctrl-u>", "+", "_", "y", "p<esc>", "o<esc>"]),
            0..24,
        ),
        which in 0usize..3,
    ) {
        let look = move || Some(Ok([calm as fn() -> Watch, watch, regressed][which]()));
        console((width, height), look).keys(&keys.concat()).keys("<60x20>").keys("<200x60>");
    }
}
