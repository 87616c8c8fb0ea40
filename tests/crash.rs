//! Real crashes of a real process: `human ingest` is killed at moments of all kinds, and what it had said to be durable
//! is there. Running it again completes it, and the totals are those of the input, whatever happened on the way.
//!
//! `HUMAN_CRASHES` says how many kills there are (default 12).
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;
mod telemetry;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dice::Dice;
use human::config::{Config, Overrides};
use human::domain::feedback::Signal;
use human::domain::window::Window;
use human::engine::rollup::{CellKey, Clock};
use human::service::Service;
use human::store::Access;
use human::store::telemetry::{CallQuery, TelemetryReader};
use serde_json::Value;
use telemetry::{Native, Spans, Sums};

/// Kills after which a store is completed and the next one begun.
const KILLS_PER_STORE: usize = 3;

struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        let shelf = Shelf(tempfile::tempdir().unwrap());
        std::fs::write(shelf.0.path().join("empty.toml"), "").unwrap();
        shelf
    }

    fn command(&self) -> Command {
        let mut human = Command::new(env!("CARGO_BIN_EXE_human"));
        human.arg("--store").arg(self.0.path().join("store.db"));
        human.arg("--config").arg(self.0.path().join("empty.toml"));
        human
    }

    fn start(&self, inputs: &[PathBuf], words: &Path) -> Child {
        let words = std::fs::File::create(words).unwrap();
        self.command()
            .args(["-v", "ingest"])
            .args(inputs)
            .stdout(Stdio::null())
            .stderr(words)
            .spawn()
            .unwrap()
    }

    /// Runs it to its end; what it had to say.
    fn ingest(&self, inputs: &[PathBuf]) -> Value {
        let done = self.command().args(["--json", "ingest"]).args(inputs).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(matches!(done.status.code(), Some(0 | 3)), "{:?}: {said}", done.status);
        serde_json::from_slice(&done.stdout).unwrap()
    }

    fn doctor(&self) -> Value {
        let done = self.command().args(["--json", "doctor"]).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {said}"));
        assert_eq!((done.status.code(), &report["faults"]), (Some(0), &Value::Array(Vec::new())), "{said}");
        report
    }

    fn service(&self) -> Service {
        let overrides = Overrides {
            store: Some(self.0.path().join("store.db")),
            config: Some(self.0.path().join("empty.toml")),
        };
        Service::open(Config::load(&overrides).unwrap(), Access::Read).unwrap()
    }

    /// Whether the store has been made: killed while it is, there is an empty file, or one that says it is empty.
    fn exists(&self) -> bool {
        let done = self.command().arg("doctor").output().unwrap();
        done.status.success() || !String::from_utf8_lossy(&done.stderr).contains("does not exist")
    }
}

/// The calls that are kept, with the ids of their feedback, and their sums.
fn kept(service: &Service) -> (BTreeMap<String, BTreeSet<String>>, Sums) {
    let (mut calls, mut sums) = (BTreeMap::new(), Sums::default());
    service
        .calls(&CallQuery::default(), &mut |kept| {
            sums.calls += 1;
            sums.input += i64::from(kept.call.input_tokens.unwrap_or(0));
            sums.output += i64::from(kept.call.output_tokens.unwrap_or(0));
            sums.cost += kept.call.cost.unwrap_or(0);
            for signal in kept.feedback.iter().filter_map(|f| f.signal) {
                sums.signals[Signal::ALL.iter().position(|s| *s == signal).unwrap()] += 1;
            }
            let feedback = kept.feedback.into_iter().map(|f| f.id).collect();
            assert!(calls.insert(kept.call.provenance_id, feedback).is_none());
            true
        })
        .unwrap();
    (calls, sums)
}

/// The same sums from the roll-ups of the fleet.
fn rolled_up(service: &Service) -> Sums {
    let reader = service.read().unwrap();
    let dictionary = reader.dictionary().unwrap();
    let all = Window { from_ms: 0, to_ms: 7_258_118_400_000 };
    let mut sums = Sums::default();
    for (key, cell) in Service::cells(&reader, &dictionary, all, None).unwrap() {
        if key.version == CellKey::FLEET {
            sums.calls += cell.calls;
            sums.input += cell.input_tokens;
            sums.output += cell.output_tokens;
            sums.cost += cell.cost;
            for (n, signal) in sums.signals.iter_mut().zip(Signal::ALL) {
                *n += cell.signals.signal(Clock::Call, signal);
            }
        }
    }
    sums
}

/// What the last line that a killed process wrote says to be durable: events, and spans.
fn acknowledged(words: &Path) -> (usize, usize) {
    let text = std::fs::read_to_string(words).unwrap();
    // A line that the kill cut short was not said.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let Some(line) = whole.lines().rev().find(|l| l.starts_with("durable so far:")) else { return (0, 0) };
    let number = |part: &str| part.rsplit(' ').next().unwrap().replace(',', "").parse::<usize>().unwrap();
    let numbers: Vec<usize> = line.split(", ").map(number).collect();
    let [accepted, duplicate, quarantined, spans] = numbers[..] else { panic!("{line}") };
    (accepted + duplicate + quarantined, spans)
}

/// Kills `human ingest` of `inputs` `kills` times; `check` looks at what is there after each, given what was
/// acknowledged, `complete` at the end of each store.
fn crash(
    kills: usize,
    seed: u64,
    inputs: &[PathBuf],
    check: &dyn Fn(&Service, (usize, usize)),
    complete: &dyn Fn(&Shelf),
) {
    let whole = Shelf::new();
    let (began, words) = (Instant::now(), whole.0.path().join("words"));
    assert!(matches!(whole.start(inputs, &words).wait().unwrap().code(), Some(0 | 3)));
    let (length, commits) = (began.elapsed(), said_durable(&words));
    complete(&whole);

    let mut dice = Dice::new(seed);
    let (mut done, mut alive, mut stores, mut spread) = (0, 0, 0, BTreeMap::<usize, usize>::new());
    while done < kills {
        let shelf = Shelf::new();
        stores += 1;
        let in_this = (1 + dice.below(KILLS_PER_STORE)).min(kills - done);
        for _ in 0..in_this {
            let words = shelf.0.path().join("words");
            let mut process = shelf.start(inputs, &words);
            // One half by the clock, which also meets the opening of the store and its closing; one half shortly after
            // some commit, which meets work however busy the machine is.
            if dice.below(2) == 0 {
                std::thread::sleep(length.mul_f64(dice.below(1_000) as f64 / 1e3));
            } else {
                let after = dice.below(commits);
                while process.try_wait().unwrap().is_none() && said_durable(&words) < after {
                    std::thread::sleep(Duration::from_millis(1));
                }
                std::thread::sleep((length / commits as u32).mul_f64(dice.below(1_000) as f64 / 1e3));
            }
            let running = process.try_wait().unwrap().is_none();
            process.kill().unwrap();
            process.wait().unwrap();
            done += 1;
            if running {
                alive += 1;
                *spread.entry(said_durable(&words)).or_default() += 1;
            }
            if shelf.exists() {
                shelf.doctor();
                check(&shelf.service(), acknowledged(&words));
            } else {
                assert_eq!(acknowledged(&words), (0, 0));
            }
        }
        shelf.ingest(inputs);
        complete(&shelf);
    }
    println!(
        "{done} kills, {alive} of a running process, in {stores} stores; by commits that it had reported: {spread:?}"
    );
    assert!(alive > 0, "some kills must hit a process at work");
}

/// How often a process has said what is durable.
fn said_durable(words: &Path) -> usize {
    std::fs::read_to_string(words).unwrap().matches("durable so far:").count()
}

fn kills() -> usize {
    std::env::var("HUMAN_CRASHES").map_or(12, |n| n.parse().unwrap())
}

/// Everything acknowledged is there, and what is there is a beginning of the input: no hole, no half of a batch.
fn holds_a_beginning(native: &Native, service: &Service, acknowledged: usize) {
    let (calls, _) = kept(service);
    let (totals, _) = service.totals().unwrap();
    let there = native.calls_in_order().take(calls.len()).collect::<BTreeSet<_>>();
    let ids: BTreeSet<&str> = calls.keys().map(String::as_str).collect();
    assert!(ids == there, "the {} calls kept are not the first ones", ids.len());
    let said = native.first(acknowledged);
    let missing: Vec<&&str> = said.calls.iter().filter(|id| !ids.contains(**id)).take(3).collect();
    assert!(missing.is_empty(), "acknowledged and not there: {missing:?}");
    assert!(totals.feedback as usize >= said.feedback.len(), "acknowledged feedback is not there");
    for (id, call) in &said.feedback {
        let met = calls.get(*call).is_none_or(|feedback| feedback.contains(*id));
        assert!(met, "the feedback {id} was acknowledged, and {call} does not have it");
    }
    let kept_bad: i64 = service.quarantine().unwrap().iter().map(|(_, n)| n).sum();
    assert!(kept_bad as usize >= said.bad, "acknowledged quarantine is not there");
}

fn is_complete(native: &Native, shelf: &Shelf) {
    let report = shelf.doctor();
    let service = shelf.service();
    let (_, sums) = kept(&service);
    assert_eq!(sums, native.sums);
    assert_eq!(rolled_up(&service), native.sums);
    let (totals, _) = service.totals().unwrap();
    assert_eq!((totals.feedback, totals.waiting), (native.feedback, native.waiting));
    assert_eq!(report["calls"], native.sums.calls);
    let bad: i64 = service.quarantine().unwrap().iter().map(|(_, n)| n).sum();
    assert_eq!(bad, native.bad);
}

#[test]
fn killed_at_any_moment_native_intake_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let native = Native::new(1, 60_000);
    let input = folder.path().join("events.jsonl");
    std::fs::write(&input, native.lines.join("\n")).unwrap();
    crash(
        kills().div_ceil(2),
        101,
        &[input],
        &|service, (events, _)| holds_a_beginning(&native, service, events),
        &|shelf| is_complete(&native, shelf),
    );
}

#[test]
fn killed_at_any_moment_intake_of_many_small_bodies_loses_nothing_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let spans = Spans::new(2, 12_000, 20);
    spans.write(folder.path(), 0..spans.bodies.len());
    crash(
        kills() / 2,
        202,
        &[folder.path().to_owned()],
        &|service, (_, acknowledged)| {
            let (calls, _) = kept(service);
            let traces: BTreeSet<&str> = calls.keys().map(|id| &id[..32]).collect();
            assert_eq!(traces.len(), calls.len(), "a call is there twice");
            for trace in spans.traces_of_first(acknowledged) {
                assert!(
                    traces.contains(trace),
                    "a span of {trace} was acknowledged, and there is no call of it"
                );
            }
        },
        &|shelf| spans_complete(&spans, shelf),
    );
}

fn spans_complete(spans: &Spans, shelf: &Shelf) {
    shelf.doctor();
    let service = shelf.service();
    assert_eq!(kept(&service).1, spans.sums);
    assert_eq!(rolled_up(&service), spans.sums);
    assert_eq!(service.quarantine().unwrap(), Vec::new());
}

/// Runs all at once; each must end well.
fn at_once(shelf: &Shelf, inputs: &[PathBuf]) {
    let words: Vec<PathBuf> = (0..inputs.len()).map(|i| shelf.0.path().join(format!("words-{i}"))).collect();
    let processes: Vec<Child> = inputs
        .iter()
        .zip(&words)
        .map(|(input, words)| shelf.start(std::slice::from_ref(input), words))
        .collect();
    for (mut process, words) in processes.into_iter().zip(&words) {
        let status = process.wait().unwrap();
        let said = std::fs::read_to_string(words).unwrap();
        assert!(matches!(status.code(), Some(0 | 3)), "{status:?}: {said}");
    }
}

#[test]
fn two_processes_at_once_count_once() {
    let native = Native::new(3, 30_000);
    let shelf = Shelf::new();
    let folder = tempfile::tempdir().unwrap();
    let halves = [(0, 20_000), (10_000, 30_000)].map(|(from, to)| {
        let path = folder.path().join(format!("{from}.jsonl"));
        std::fs::write(&path, native.lines[from..to].join("\n")).unwrap();
        path
    });
    at_once(&shelf, &halves);
    is_complete(&native, &shelf);
}

#[test]
fn two_processes_at_once_join_the_spans_of_both() {
    let spans = Spans::new(4, 6_000, 20);
    let shelf = Shelf::new();
    let folder = tempfile::tempdir().unwrap();
    let third = spans.bodies.len() / 3;
    let halves = [0..2 * third, third..spans.bodies.len()].map(|range| {
        let path = folder.path().join(range.start.to_string());
        std::fs::create_dir(&path).unwrap();
        spans.write(&path, range);
        path
    });
    at_once(&shelf, &halves);
    spans_complete(&spans, &shelf);
}

#[test]
fn a_crash_of_one_process_does_not_disturb_another() {
    let native = Native::new(5, 30_000);
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("events.jsonl");
    std::fs::write(&input, native.lines.join("\n")).unwrap();
    let shelf = Shelf::new();
    let words = [shelf.0.path().join("a"), shelf.0.path().join("b")];
    let mut first = shelf.start(std::slice::from_ref(&input), &words[0]);
    let mut second = shelf.start(std::slice::from_ref(&input), &words[1]);
    // At work: it has committed once.
    let patience = Instant::now();
    while acknowledged(&words[0]).0 == 0 && patience.elapsed() < Duration::from_mins(1) {
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let status = second.wait().unwrap();
    assert_eq!(status.code(), Some(3), "{}", std::fs::read_to_string(&words[1]).unwrap());
    is_complete(&native, &shelf);
}
