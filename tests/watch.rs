//! `human watch` over whole stores: it names what got worse and when, says so by its exit code, keeps its state, and
//! finds the same whatever way the telemetry came.
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;

use std::fmt::Write;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use human::config::{Config, Overrides};
use human::demo::{Plan, World};
use human::domain::call::Millis;
use human::engine::trend::health::{Health, Level};
use human::engine::trend::{Measure, Subject};
use human::service::{Service, Watch, now};
use human::store::Access;
use serde_json::Value;

use dice::Dice;

const HUMAN: &str = env!("CARGO_BIN_EXE_human");
const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;
/// 2026-11-22T00:00:00Z.
const END: Millis = 1_795_305_600_000;
/// The rate of negative signals as usual, in per cent.
const USUAL: usize = 8;

struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Scene {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty.toml"), "").unwrap();
        Scene(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn human(&self, store: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(HUMAN);
        command.env("HUMAN_STORE", self.path(store)).env("HUMAN_CONFIG", self.path("empty.toml"));
        command.env("USER", "ana").args(arguments).output().unwrap()
    }

    fn ingest(&self, store: &str, lines: &[String]) {
        let input = self.path("input.jsonl");
        fs::write(&input, lines.concat()).unwrap();
        let done = self.human(store, &["ingest", input.to_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
    }

    fn service(&self, store: &str, access: Access) -> Service {
        let overrides = Overrides { store: Some(self.path(store)), config: Some(self.path("empty.toml")) };
        Service::open(Config::load(&overrides).unwrap(), access).unwrap()
    }

    /// One look of its own process.
    fn look(&self, store: &str, now: Millis) -> Watch {
        let service = self.service(store, Access::Write);
        let watch = service.watch(now).unwrap();
        service.close().unwrap();
        watch
    }
}

/// Events of six prompts, one call with feedback an hour each, until `end`: (time, line). Prompt `bad` has six times
/// the negative signals from `since` on.
fn lines(end: Millis, days: i64, bad: &str, since: Millis, sessions: bool) -> Vec<(Millis, String)> {
    let mut dice = Dice::new(5);
    let mut lines = Vec::new();
    for hour in 0..days * 24 {
        for prompt in ["alpha", "beta", "gamma", "delta", "epsilon", "zeta"] {
            let at = end - days * DAY + hour * HOUR + dice.below(HOUR as usize - 1000) as i64;
            let id = format!("{prompt}-{hour}");
            let rate = if prompt == bad && at >= since { 6 * USUAL } else { USUAL };
            let signal = if dice.below(100) < rate { "negative" } else { "positive" };
            let session = if sessions { format!(r#""sessionId":"s{id}","#) } else { String::new() };
            lines.push((
                at,
                format!(
                    r#"{{"type":"call","provenanceId":"{id}","at":"{}","promptMetadata":{{"promptUris":["prompt://org/X/test.{prompt}@1.0.0"],"promptVersions":["1.0.0"],"compositionMethod":"compose","orgId":"X"}},"modelId":"m-{}","inputTokens":100,"outputTokens":{},"costUsd":0.001,"durationMs":{},{session}"ok":true}}
{{"type":"feedback","id":"f-{id}","provenanceId":"{id}","signal":"{signal}","source":"user","at":"{}"}}
"#,
                    rfc3339(at),
                    dice.below(2),
                    50 + dice.below(100),
                    500 + dice.below(1000),
                    rfc3339(at + 1)
                ),
            ));
        }
    }
    lines
}

fn rfc3339(at: Millis) -> String {
    human::intake::events::rfc3339(at)
}

fn texts(lines: &[(Millis, String)]) -> Vec<String> {
    lines.iter().map(|(_, line)| line.clone()).collect()
}

fn json(watch: &Watch) -> Value {
    serde_json::to_value(watch).unwrap()
}

fn alarms(watch: &Watch) -> Vec<&Health> {
    watch.streams.iter().filter(|h| h.is_alarm()).collect()
}

#[test]
fn a_prompt_that_got_worse_is_named_with_its_onset_and_nothing_else() {
    let scene = Scene::new();
    let since = END - 4 * DAY;
    scene.ingest("a.db", &texts(&lines(END, 20, "gamma", since, true)));
    let watch = scene.look("a.db", END);
    let named: Vec<&str> = alarms(&watch).iter().map(|h| h.stream.as_str()).collect();
    assert!(named.contains(&"prompt://org/X/test.gamma#negative"), "{named:?}");
    assert!(named.iter().all(|n| n.starts_with("prompt://org/X/test.gamma#")), "{named:?}");
    let worst = alarms(&watch)[0];
    let onset = i64::from(worst.onset.unwrap()) * HOUR;
    assert!(worst.level == Level::Page && (onset - since).abs() < 12 * HOUR, "{worst:?}");
    let (was, is) = (worst.baseline.unwrap(), worst.current.unwrap());
    assert!(
        was.interval[0] < 0.08 && was.interval[1] > 0.08 && is.interval[0] > was.interval[1],
        "{worst:?}"
    );
    assert!(worst.odds_ratio.unwrap() > 4.0 && !worst.by_hour);

    // A store that cannot be written is folded in memory, with the same result; a kept one goes on from where it was.
    let kept = scene.service("a.db", Access::Read);
    assert_eq!(json(&kept.watch(END).unwrap()), json(&watch));
    let health = kept.health("gamma", END).unwrap().unwrap();
    assert_eq!((health.level, health.stream), (Level::Page, worst.stream.clone()));
    assert_eq!(kept.health("alpha", END).unwrap().unwrap().level, Level::Stable);

    // Silence is neither an alarm nor health.
    let later = kept.watch(END + 30 * DAY).unwrap();
    assert_eq!(later.stable, 0, "{later:?}");
    let quiet = kept.health("alpha", END + 30 * DAY).unwrap().unwrap();
    assert_eq!(quiet.level, Level::Insufficient);
    assert!(quiet.reason.unwrap().contains("since 2026-11-21T"), "no units since its last one");
}

#[test]
fn any_way_of_coming_gives_the_same_monitors() {
    let scene = Scene::new();
    let all = lines(END, 18, "beta", END - 3 * DAY, true);
    scene.ingest("whole.db", &texts(&all));
    let whole = scene.look("whole.db", END);

    // In pieces with looks between them, and a piece from closed hours that comes last.
    let (mut first, mut late, mut rest) = (Vec::new(), Vec::new(), Vec::new());
    for (at, line) in all {
        let before = END - at;
        let piece = if (6 * DAY..9 * DAY).contains(&before) && at % 3 == 0 {
            &mut late
        } else if before > 5 * DAY {
            &mut first
        } else {
            &mut rest
        };
        piece.push(line);
    }
    scene.ingest("pieces.db", &first);
    scene.look("pieces.db", END - 5 * DAY - HOUR);
    scene.ingest("pieces.db", &rest);
    for hours in [60, 31, 30, 7, 0] {
        scene.look("pieces.db", END - hours * HOUR);
    }
    let without = scene.look("pieces.db", END);
    assert_ne!(json(&without), json(&whole), "the late piece matters");
    scene.ingest("pieces.db", &late);
    let pieces = scene.look("pieces.db", END);
    // A look that came early began to look back earlier: where it began is all that may differ.
    let fresh = Scene::new();
    fresh.ingest("again.db", &[first, rest, late].concat());
    fresh.look("again.db", END - 5 * DAY - HOUR);
    assert_eq!(json(&pieces), json(&fresh.look("again.db", END)));
    assert_eq!(pieces.streams.len(), whole.streams.len());
}

#[test]
fn without_sessions_an_hour_counts_once() {
    let scene = Scene::new();
    scene.ingest("a.db", &texts(&lines(END, 20, "gamma", END - 6 * DAY, false)));
    let watch = scene.look("a.db", END);
    let found = watch.streams.iter().find(|h| h.stream == "prompt://org/X/test.gamma#negative").unwrap();
    assert!(found.by_hour && found.level >= Level::Warn, "{found:?}");
}

#[test]
fn the_command_line_says_so_by_its_exit_code_until_a_person_has_seen_it() {
    let scene = Scene::new();
    let missing = scene.human("none.db", &["watch", "--once"]);
    assert_eq!(missing.status.code(), Some(1));
    scene.ingest("empty.db", &[]);
    let empty = scene.human("empty.db", &["watch", "--once"]);
    assert_eq!(empty.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&empty.stdout).contains("human ingest FILE"), "{empty:?}");

    let end = now();
    scene.ingest("a.db", &texts(&lines(end, 16, "zeta", end - 3 * DAY, true)));
    let once = scene.human("a.db", &["watch", "--once"]);
    let text = String::from_utf8(once.stdout).unwrap();
    assert_eq!(once.status.code(), Some(5), "{text}");
    assert!(text.contains("test.zeta") && text.contains("PAGE") && !text.contains("test.alpha"), "{text}");
    assert!(!text.contains('\u{1b}'), "no control sequences into a pipe");
    let document = scene.human("a.db", &["watch", "--once", "--json"]);
    let document: Value = serde_json::from_slice(&document.stdout).unwrap();
    assert_eq!(document["streams"][0]["level"], "page");
    assert!(document["streams"][0]["since"].as_str().unwrap().ends_with('Z'), "{document}");
    let report = scene.human("a.db", &["prompts", "performance", "zeta"]);
    assert!(String::from_utf8_lossy(&report.stdout).contains("Health: PAGE"), "{report:?}");
    let report = scene.human("a.db", &["prompts", "performance", "zeta", "--json"]);
    let report: Value = serde_json::from_slice(&report.stdout).unwrap();
    assert_eq!((&report["health"]["level"], report["stats"]["totalCalls"].is_u64()), (&"page".into(), true));

    for stream in document["streams"].as_array().unwrap() {
        let name = stream["stream"].as_str().unwrap();
        let done = scene.human("a.db", &["watch", "silence", name, "--for", "4h"]);
        assert!(done.status.success(), "{done:?}");
    }
    let silenced = scene.human("a.db", &["watch", "--once"]);
    assert_eq!(silenced.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&silenced.stdout).contains("silenced"), "{silenced:?}");
    for stream in document["streams"].as_array().unwrap() {
        let done = scene.human("a.db", &["watch", "ack", stream["stream"].as_str().unwrap()]);
        assert!(done.status.success(), "{done:?}");
    }
    let seen = scene.human("a.db", &["watch", "--once"]);
    let seen = String::from_utf8(seen.stdout).unwrap();
    assert!(!seen.contains("zeta") && seen.contains("acknowledged"), "{seen}");
    let unknown = scene.human("a.db", &["watch", "ack", "nobody#negative"]);
    assert_eq!(unknown.status.code(), Some(2), "{unknown:?}");
}

/// The share of a prompt's calls in the last days that ran on a model.
fn share(service: &Service, prompt: &str, model: &str) -> f64 {
    let window = human::domain::window::Window { from_ms: END - 3 * DAY, to_ms: END };
    let snapshot = service.performance(prompt, window, None).unwrap().snapshot;
    let on = snapshot.model_breakdown.iter().find(|m| m.model_id == model);
    on.map_or(0.0, |m| m.part.call_count as f64) / snapshot.stats.total_calls.max(1) as f64
}

#[test]
fn in_the_demo_world_the_planted_are_named_and_the_healthy_are_not() {
    let scene = Scene::new();
    let plan = Plan { calls: 600_000, prompts: 40, ..Plan::standard(END) };
    let service = scene.service("demo.db", Access::Write);
    service.make_demo(&World::new(plan)).unwrap();
    let watch = service.watch(END).unwrap();
    let found = alarms(&watch);
    let mut said = String::new();
    for h in &watch.streams {
        let _ = writeln!(
            said,
            "{} {:?} M={:.0} since {:?} {:?}",
            h.stream, h.level, h.evidence, h.since, h.causes
        );
    }
    let of = |part: &str, measure: Measure| {
        found.iter().find(|h| h.id.subject.name().ends_with(part) && h.id.measure == measure)
    };
    let near = |health: Option<&&Health>, fraction: f64| {
        let planted = plan.hour_at(fraction);
        health.is_some_and(|h| (i64::from(h.onset.unwrap()) * HOUR - planted).abs() <= 30 * HOUR)
    };
    assert!(near(of("support.refund-reply", Measure::Unhappy), 0.91), "{said}");
    let llama = of("llama3.1-70b", Measure::Unhappy).or_else(|| of("llama3.1-70b", Measure::Negative));
    assert!(near(llama, 0.87), "{said}");
    assert!(near(of("claude-haiku-4-5", Measure::Latency), 0.95), "{said}");
    let version = of("support.refund-reply", Measure::Unhappy).unwrap();
    assert!(version.causes.iter().any(|c| c.what.contains("version 2.1.0 became active")), "{said}");

    // Whoever is named did get worse: by its own story, or by the model that serves it. One false warning in forty
    // prompts and half a month is within what a warning promises; a false page is not.
    let degraded = [
        "support.refund-reply",
        "extraction.invoice-fields",
        "summarize.call-notes",
        "extraction.invoice-eu",
    ];
    let false_alarms: Vec<&&Health> = found
        .iter()
        .filter(|h| h.id.measure.is_feedback())
        .filter(|h| match &h.id.subject {
            Subject::Prompt(name) => {
                let told = degraded.iter().any(|d| name.ends_with(d)) || name.contains(".base");
                !told && share(&service, name, "llama3.1-70b") <= 0.2
            }
            pooled => !["llama3.1-70b", "classify"].contains(&pooled.name()),
        })
        .collect();
    assert!(false_alarms.len() <= 1 && false_alarms.iter().all(|h| h.level < Level::Page), "{said}");
    service.close().unwrap();
}
