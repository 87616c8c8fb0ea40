//! What came of a change, from events to the line of the report: two versions of a published prompt, calls and
//! feedback through the ordinary intake, roll-ups, and the verdict read from these.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod dice;

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::Command;

use dice::Dice;
use human::config::{Config, Overrides};
use human::domain::outcome::{Basis, Judgement, Outcome};
use human::domain::prompt_file::PromptFile;
use human::intake::Format;
use human::intake::events::rfc3339;
use human::service::{Service, now};
use human::store::Access;
use human::store::prompt_shelf::PromptShelf;
use human::store::prompts::{Activation, Deed};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

struct World {
    service: Service,
    folder: tempfile::TempDir,
    dice: Dice,
    calls: usize,
}

/// Calls of one version: per hour, on which prompt, and how bad.
struct Stream {
    prompt: &'static str,
    version: &'static str,
    per_hour: usize,
    /// In a hundred units of feedback.
    bad: usize,
    tokens: usize,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let service = Service::open(Self::config(&folder), Access::Write).unwrap();
        World { service, folder, dice: Dice::new(11), calls: 0 }
    }

    fn store(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("store.db")
    }

    fn config(folder: &tempfile::TempDir) -> Config {
        let config = folder.path().join("config.toml");
        std::fs::write(&config, "").unwrap();
        Config::load(&Overrides { store: Some(Self::store(folder)), config: Some(config) }).unwrap()
    }

    fn publish(&self, key: &str, version: &str, at: i64) {
        let text = format!(
            "---\nname: {key}\nhuman.scope: org\nhuman.org: ACME\nhuman.version: {version}\n---\nReview. {version}\n"
        );
        let uri = format!("prompt://org/ACME/{key}@{version}");
        let file = PromptFile::parse(&uri, text.as_bytes()).unwrap();
        let mut prompts = PromptShelf::open(&Self::store(&self.folder), Access::Write).unwrap();
        let change = prompts.change().unwrap();
        change.publish(&file, Activation::AsOfThen, Deed { at, actor: "ana", reason: None }).unwrap();
        change.commit().unwrap();
    }

    /// Calls from `from` to `to`, each with a piece of feedback ten minutes later.
    fn traffic(&mut self, from: i64, to: i64, streams: &[Stream]) {
        let mut lines = String::new();
        for hour in (from..to).step_by(HOUR as usize) {
            for stream in streams {
                for _ in 0..stream.per_hour {
                    self.calls += 1;
                    let (id, at) = (self.calls, hour + self.dice.below(45 * 60_000) as i64);
                    let signal = if self.dice.below(100) < stream.bad { "negative" } else { "positive" };
                    let tokens = stream.tokens / 2 + self.dice.below(stream.tokens);
                    writeln!(
                        lines,
                        r#"{{"type":"call","provenanceId":"c-{id}","at":"{}","promptMetadata":{{"promptUris":["prompt://org/ACME/{}"],"promptVersions":["{}"],"layers":[],"compositionMethod":"manual","variablesUsed":[],"estimatedTokens":800,"orgId":"ACME"}},"modelId":"gpt-4o","provider":"openai","inputTokens":{tokens},"outputTokens":0,"costUsd":0.001,"durationMs":900,"ok":true}}"#,
                        rfc3339(at),
                        stream.prompt,
                        stream.version,
                    )
                    .unwrap();
                    writeln!(
                        lines,
                        r#"{{"type":"feedback","id":"f-{id}","provenanceId":"c-{id}","signal":"{signal}","source":"user","at":"{}"}}"#,
                        rfc3339(at + 600_000)
                    )
                    .unwrap();
                }
            }
        }
        let mut intake = self.service.intake().unwrap();
        intake.stream(lines.as_bytes(), "test", Format::Auto).unwrap();
        assert_eq!(intake.finish().unwrap().quarantined, 0);
    }

    fn latest(&self, now: i64) -> Outcome {
        self.service.latest_outcome("legal.review", now).unwrap().unwrap()
    }

    fn human(&self, words: &[&str]) -> String {
        let store = Self::store(&self.folder);
        let run = Command::new(env!("CARGO_BIN_EXE_human"))
            .args(["--store", store.to_str().unwrap()])
            .args(words)
            .env("HUMAN_CONFIG", self.folder.path().join("config.toml"))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    }
}

fn stream(version: &'static str, per_hour: usize, bad: usize, tokens: usize) -> Stream {
    Stream { prompt: "legal.review", version, per_hour, bad, tokens }
}

#[test]
fn from_events_to_the_line_of_the_report() {
    let mut world = World::new();
    let end = now();
    // Not at a full hour, as changes are.
    let changed = end - 3 * DAY - 17 * 60_000;
    assert!(world.service.latest_outcome("legal.review", end).is_err(), "no such prompt");
    world.publish("legal.review", "1.0.0", end - 20 * DAY);
    assert_eq!(world.service.latest_outcome("legal.review", end).unwrap(), None);
    world.publish("legal.review", "1.1.0", changed);
    let thin = world.latest(end);
    assert_eq!((thin.judgement, thin.basis), (Judgement::Insufficient, Basis::BeforeAfter));

    world.traffic(end - 12 * DAY, changed, &[stream("1.0.0", 3, 12, 1000)]);
    world.traffic(changed, end, &[stream("1.1.0", 3, 40, 700)]);
    let found = world.latest(end);
    assert_eq!(
        (found.old_version.to_string(), found.new_version.to_string()),
        ("1.0.0".into(), "1.1.0".into())
    );
    assert_eq!((found.judgement, found.basis), (Judgement::Regressed, Basis::BeforeAfter));
    assert!(found.suggest_rollback && found.negative.old_units > 600 && found.negative.new_units > 150);
    let [low, high] = found.tokens.interval.unwrap();
    assert!(low < 0.7 && 0.7 < high && high < 0.9, "{low} {high}");
    let named = world.service.outcome("legal.review", "1.0.0", "1.1.0", end).unwrap();
    assert_eq!(named, found);
    assert!(world.service.outcome("legal.review", "1.0.0", "9.9.9", end).is_err());

    let text = world.human(&["prompts", "performance", "legal.review"]);
    let line = text.lines().find(|line| line.starts_with("Since 1.1.0 (active 3 d): ")).unwrap();
    assert!(line.contains("regressed, before/after (confounded), rollback suggested"), "{line}");
    assert!(line.contains("odds of a negative signal x") && line.contains(" units, "), "{line}");
    let json = world.human(&["--json", "prompts", "performance", "legal.review"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["promptKey"], "legal.review");
    assert_eq!(json["outcome"]["judgement"], "regressed");
    assert_eq!(json["outcome"]["label"], "before/after (confounded)");
    assert_eq!(json["outcome"]["newVersion"], "1.1.0");
}

#[test]
fn side_by_side_and_the_same_after_hours_are_folded_into_days() {
    let mut world = World::new();
    let end = now().div_euclid(DAY) * DAY;
    let changed = end - 10 * DAY;
    world.publish("legal.review", "1.0.0", end - 20 * DAY);
    world.publish("legal.review", "1.1.0", changed);
    let both = [stream("1.0.0", 2, 35, 1000), stream("1.1.0", 2, 12, 1000)];
    world.traffic(changed, end, &both);
    let by_hours = world.latest(end);
    assert_eq!((by_hours.judgement, by_hours.basis), (Judgement::Improved, Basis::Concurrent));
    // Long after: the store is asked as it will be when its hours are gone.
    let later = world.latest(end + 40 * DAY);
    assert_eq!((later.judgement, later.basis), (Judgement::Improved, Basis::Concurrent));
    assert_eq!(later.tokens.old_calls, by_hours.tokens.old_calls + 2 * 2);
    assert!((later.negative.odds_ratio.unwrap() / by_hours.negative.odds_ratio.unwrap()).ln().abs() < 0.21);
}

#[test]
fn peers_tell_what_moved_everyone() {
    let mut world = World::new();
    let end = now();
    let changed = end - 5 * DAY;
    world.publish("legal.review", "1.0.0", end - 20 * DAY);
    world.publish("legal.review", "1.1.0", changed);
    let day_of = |bad, version| {
        let peers = ["legal.a", "legal.b", "legal.c", "legal.d"];
        let peer = |prompt| Stream { prompt, version: "1.0.0", per_hour: 2, bad, tokens: 1000 };
        let mut streams: Vec<Stream> = peers.into_iter().map(peer).collect();
        streams.push(stream(version, 2, bad, 1000));
        streams
    };
    world.traffic(end - 15 * DAY, changed, &day_of(12, "1.0.0"));
    world.traffic(changed, end, &day_of(25, "1.1.0"));
    let found = world.latest(end);
    assert_eq!(found.basis, Basis::BeforeAfter);
    assert_ne!(found.judgement, Judgement::Regressed, "{:?}", found.negative);
}

#[test]
fn a_prompt_that_is_not_published_changes_with_its_first_call() {
    let mut world = World::new();
    let end = now();
    world.traffic(end - 12 * DAY, end - 4 * DAY, &[stream("3.0.0", 3, 30, 1000)]);
    world.traffic(end - 4 * DAY, end, &[stream("4.0.0", 3, 5, 1000)]);
    assert_eq!(world.service.latest_outcome("legal.review", end).unwrap(), None);
    let found = world.service.outcome("legal.review", "3.0.0", "4.0.0", end).unwrap();
    assert_eq!((found.judgement, found.basis), (Judgement::LikelyImproved, Basis::BeforeAfter));
}
