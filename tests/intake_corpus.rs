//! The corpus of captures through the real store: in order, twice, one body a process in reverse and at random, and all
//! runs mixed. Whatever the order, what is read back is what each run's expectation states, and the same to the letter.
#![allow(clippy::unwrap_used, reason = "a test")]

mod corpus;
mod dice;
mod split;
mod wire;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use corpus::{corpus, json, runs};
use dice::Dice;
use human::config::{Config, Overrides};
use human::domain::window::Window;
use human::engine::rollup::{Cell, CellKey};
use human::intake::events::{call_line, feedback_line};
use human::intake::{Format, Receipt};
use human::service::Service;
use human::store::Access;
use human::store::telemetry::{CallQuery, TelemetryReader};
use serde_json::Value;

/// A store in a folder of its own that goes with it.
struct Shelf(tempfile::TempDir);

impl Shelf {
    fn new() -> Self {
        Shelf(tempfile::tempdir().unwrap())
    }

    fn open(&self, access: Access) -> Service {
        let config = self.0.path().join("empty.toml");
        std::fs::write(&config, "").unwrap();
        let overrides = Overrides { store: Some(self.0.path().join("store.db")), config: Some(config) };
        Service::open(Config::load(&overrides).unwrap(), access).unwrap()
    }

    /// One invocation of the intake, on a store opened for it alone.
    fn ingest(&self, paths: &[PathBuf]) -> Receipt {
        let service = self.open(Access::Write);
        let receipt = {
            let mut intake = service.intake().unwrap();
            for path in paths {
                intake.path(path, Format::Auto).unwrap();
            }
            intake.finish().unwrap()
        };
        service.close().unwrap();
        assert_eq!(receipt.quarantined, 0);
        receipt
    }

    fn contents(&self) -> Contents {
        Contents::read(&self.open(Access::Read))
    }
}

/// What `human calls --json` prints, read again, by the id of the call.
#[derive(PartialEq)]
struct Contents {
    calls: BTreeMap<String, Value>,
    feedback: BTreeMap<String, Vec<Value>>,
    /// Cells with their names put back: numbers depend on the order of arrival, names do not.
    cells: BTreeMap<String, Cell>,
    fleet: [i64; 5],
}

impl Contents {
    fn read(service: &Service) -> Contents {
        let (mut calls, mut feedback) = (BTreeMap::new(), BTreeMap::<String, Vec<Value>>::new());
        service
            .calls(&CallQuery::default(), &mut |kept| {
                let id = kept.call.provenance_id.clone();
                for signal in kept.feedback.iter().filter(|f| f.signal.is_some()) {
                    let line = feedback_line(signal, &id).unwrap();
                    feedback.entry(id.clone()).or_default().push(serde_json::from_str(&line).unwrap());
                }
                let line = serde_json::from_str(&call_line(&kept.call).unwrap()).unwrap();
                assert!(calls.insert(id, line).is_none(), "a call is listed twice");
                true
            })
            .unwrap();
        let (faults, _) = service.check().unwrap();
        assert_eq!(faults, Vec::<String>::new(), "the roll-ups are the fold of the calls");

        let reader = service.read().unwrap();
        let dictionary = reader.dictionary().unwrap();
        let (mut by_name, mut fleet) = (BTreeMap::<String, Cell>::new(), [0; 5]);
        let all = Window { from_ms: 0, to_ms: 7_258_118_400_000 };
        for (key, cell) in Service::cells(&reader, &dictionary, all, None).unwrap() {
            let model = &dictionary.models()[key.model as usize];
            if key.version == CellKey::FLEET {
                let own = [cell.calls, cell.ok, cell.input_tokens, cell.output_tokens, cell.cost];
                fleet = std::array::from_fn(|i| fleet[i] + own[i]);
            }
            let of = dictionary.uri(key.version).map_or_else(|| key.version.to_string(), ToString::to_string);
            let name = format!("{of} {:?} {} {}", key.layer, model.name, model.provider);
            by_name.entry(name).or_default().merge(&cell, 1);
        }
        Contents { calls, feedback, cells: by_name, fleet }
    }

    /// The lines that differ, for a person.
    fn differences(&self, other: &Contents) -> Vec<String> {
        fn differ<T: PartialEq + std::fmt::Debug>(
            what: &str,
            a: &BTreeMap<String, T>,
            b: &BTreeMap<String, T>,
            found: &mut Vec<String>,
        ) {
            for key in a.keys().chain(b.keys().filter(|k| !a.contains_key(*k))) {
                if a.get(key) != b.get(key) {
                    found.push(format!("{what} {key}: {:?} became {:?}", a.get(key), b.get(key)));
                }
            }
        }
        let mut found = Vec::new();
        differ("call", &self.calls, &other.calls, &mut found);
        differ("feedback of", &self.feedback, &other.feedback, &mut found);
        differ("cell", &self.cells, &other.cells, &mut found);
        if self.fleet != other.fleet {
            found.push(format!("fleet: {:?} became {:?}", self.fleet, other.fleet));
        }
        found
    }

    /// The calls of this run alone, where several runs share a store.
    fn only(&self, expected: &Value) -> Contents {
        let ids: Vec<String> = expected["calls"].as_array().unwrap().iter().flat_map(span_names).collect();
        let mine = |id: &String| ids.contains(id);
        Contents {
            calls: self
                .calls
                .iter()
                .filter(|(id, _)| mine(id))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            feedback: self
                .feedback
                .iter()
                .filter(|(id, _)| mine(id))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
            cells: BTreeMap::new(),
            fleet: [0; 5],
        }
    }
}

fn span_names(call: &Value) -> Vec<String> {
    let spans = call["span_ids"].as_array().unwrap().iter();
    spans.map(|s| format!("{}-{}", s["trace_id"].as_str().unwrap(), s["span_id"].as_str().unwrap())).collect()
}

/// The contract's mapping of foreign names (section 3), written here a second time: the product must agree with it.
fn mapped(name: &str, version: Option<&str>) -> String {
    let mut key = String::new();
    for c in name.to_lowercase().chars() {
        let c = if matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-') { c } else { '-' };
        let separator = |c: char| matches!(c, '.' | '_' | '-');
        if !(separator(c) && key.chars().last().is_none_or(separator)) {
            key.push(c);
        }
    }
    let version = match version {
        None => "0.0.0".to_owned(),
        Some(v) if v.bytes().all(|b| b.is_ascii_digit()) => format!("{v}.0.0"),
        Some(v) if v.trim_start_matches('v').split('.').count() == 3 => v.trim_start_matches('v').to_owned(),
        Some(v) => format!("0.0.0+{}", v.replace(|c: char| !c.is_ascii_alphanumeric(), "-")),
    };
    format!("prompt://org/LOCAL/{key}@{version}")
}

/// The prompt of a call as it is listed: `uri@version`.
fn prompt(call: &Value) -> Option<String> {
    let metadata = call.get("promptMetadata")?;
    assert_eq!(metadata["promptUris"].as_array().unwrap().len(), 1);
    let uri = metadata["promptUris"][0].as_str().unwrap();
    let bare = uri.split_once('@').map_or(uri, |(bare, _)| bare);
    Some(format!("{bare}@{}", metadata["promptVersions"][0].as_str().unwrap()))
}

fn sums(calls: &[&Value]) -> [i64; 4] {
    let tokens = |key: &str| calls.iter().filter_map(|c| c[key].as_i64()).sum::<i64>();
    let errors = calls.iter().filter(|c| c["ok"] == false).count();
    [calls.len() as i64, errors as i64, tokens("inputTokens"), tokens("outputTokens")]
}

fn stated(totals: &Value) -> [i64; 4] {
    ["calls", "errors", "input_tokens", "output_tokens"].map(|key| totals[key].as_i64().unwrap())
}

/// What differs between what was read back and what the run's expectation states.
fn mismatches(expected: &Value, got: &Contents) -> Vec<String> {
    let mut found = Vec::new();
    let totals = &expected["totals"];
    let all: Vec<&Value> = got.calls.values().collect();
    let mut same = |what: &str, expected: String, got: String| {
        if expected != got {
            found.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let whole =
        [&totals["logical_calls"], &totals["errors"], &totals["input_tokens"], &totals["output_tokens"]];
    same("totals", format!("{:?}", whole.map(|n| n.as_i64().unwrap())), format!("{:?}", sums(&all)));

    let mut per_model: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    let mut per_prompt: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for call in &all {
        per_model.entry(call["modelId"].as_str().unwrap()).or_default().push(call);
        // Without a name of its own a call is unmanaged or unprompted; the totals do not tell these apart.
        let named = prompt(call).filter(|p| !p.contains("/unmanaged."));
        per_prompt.entry(named.unwrap_or_else(|| "none".into())).or_default().push(call);
    }
    let models: BTreeMap<&str, [i64; 4]> =
        totals["per_model"].as_object().unwrap().iter().map(|(m, t)| (m.as_str(), stated(t))).collect();
    let got_models: BTreeMap<&str, [i64; 4]> = per_model.iter().map(|(m, calls)| (*m, sums(calls))).collect();
    same("per model", format!("{models:?}"), format!("{got_models:?}"));
    let mut prompts: BTreeMap<String, [i64; 4]> = BTreeMap::new();
    for (name, totals) in totals["per_prompt"].as_object().unwrap() {
        let (name, version) = name.rsplit_once('@').unwrap();
        let key =
            if name == "None" { "none".into() } else { mapped(name, Some(version).filter(|v| *v != "None")) };
        let (sum, more) = (prompts.entry(key).or_default(), stated(totals));
        *sum = std::array::from_fn(|i| sum[i] + more[i]);
    }
    let got_prompts: BTreeMap<String, [i64; 4]> =
        per_prompt.iter().map(|(p, c)| (p.clone(), sums(c))).collect();
    same("per prompt", format!("{prompts:?}"), format!("{got_prompts:?}"));

    for call in expected["calls"].as_array().unwrap() {
        let id = call["call_id"].as_str().unwrap();
        let names = span_names(call);
        let listed: Vec<&String> = names.iter().filter(|n| got.calls.contains_key(*n)).collect();
        match listed[..] {
            [name] => {
                let feedback = got.feedback.get(name).map_or(&[][..], Vec::as_slice);
                of_call(call, &got.calls[name], feedback, &mut |what, e, g| {
                    same(&format!("{id} {what}"), e, g);
                });
            }
            _ => same(id, "one call".into(), format!("{} calls", listed.len())),
        }
    }
    found
}

fn of_call(expected: &Value, got: &Value, feedback: &[Value], same: &mut dyn FnMut(&str, String, String)) {
    let mut equal = |what: &str, e: &Value, g: &Value| same(what, e.to_string(), g.to_string());
    for (what, theirs, ours) in [
        ("model", "model", "modelId"),
        ("provider", "provider", "provider"),
        ("input", "input_tokens", "inputTokens"),
        ("output", "output_tokens", "outputTokens"),
        ("ok", "ok", "ok"),
        ("session", "session_id", "sessionId"),
        ("user", "user_id", "userId"),
    ] {
        equal(what, &expected[theirs], &got[ours]);
    }
    equal("cached", &expected["cached_tokens"].as_i64().unwrap_or(0).into(), &got["cachedTokens"]);
    equal("an error has a text", &(expected["ok"] == false).into(), &got["error"].is_string().into());
    let near = |a: Option<f64>, b: Option<f64>, by: f64| match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() <= by,
        (a, b) => a.is_none() && b.is_none(),
    };
    for (what, theirs, ours) in [("duration", "duration_ms", "durationMs"), ("ttft", "ttft_ms", "ttftMs")] {
        if !near(expected[theirs].as_f64(), got[ours].as_f64(), 0.002) {
            equal(what, &expected[theirs], &got[ours]);
        }
    }
    // A cost that is reported is taken as it is; one that is not may be estimated, and says so.
    let (cost, estimated) = (got["costUsd"].as_f64(), got["costEstimated"] == true);
    if !near(expected["cost_usd"].as_f64(), cost.filter(|_| !estimated), 1e-9) {
        equal("cost", &expected["cost_usd"], &got["costUsd"]);
    }
    let (name, version) = (expected["prompt_name"].as_str(), expected["prompt_version"].as_str());
    let template = expected["template_sha256"].as_str();
    let uri = name
        .map(|n| mapped(n, version))
        .or_else(|| template.map(|t| mapped(&format!("unmanaged.{}", &t[..12]), version)));
    equal("prompt", &uri.clone().into(), &prompt(got).into());
    if uri.is_some() {
        let names = expected["template_variable_names"].as_array();
        let mut names: Vec<&str> = names.into_iter().flatten().map(|n| n.as_str().unwrap()).collect();
        names.sort_unstable();
        // The seed's field is optional: none is written for no names.
        let listed =
            got["promptMetadata"].get("variablesUsed").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        equal("variables", &names.into(), &listed);
    }
    let signals = |list: &[Value]| {
        let mut signals: Vec<String> =
            list.iter().filter_map(|f| f["signal"].as_str()).map(str::to_owned).collect();
        signals.sort();
        Value::from(signals)
    };
    equal("signals", &signals(expected["feedback"].as_array().unwrap()), &signals(feedback));
}

/// The fleet's cells hold each call once: their sums are the sums over the listed calls.
fn fleet_differs(contents: &Contents) -> Option<String> {
    let all: Vec<&Value> = contents.calls.values().collect();
    let [calls, errors, input, output] = sums(&all);
    let nano = |c: &&Value| c["costUsd"].as_f64().map(|usd| (usd * 1e9).round() as i64);
    let cost: i64 = all.iter().filter_map(nano).sum();
    let listed = [calls, calls - errors, input, output, cost];
    (listed != contents.fleet)
        .then(|| format!("fleet: the calls sum to {listed:?}, the cells to {:?}", contents.fleet))
}

fn bodies(run: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(run).unwrap().map(|e| e.unwrap().path());
    let mut bodies: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|x| x == "body")).collect();
    bodies.sort();
    bodies
}

#[test]
#[allow(clippy::too_many_lines, reason = "one table, one row after the other")]
fn every_run_in_every_order_gives_what_its_expectation_states() {
    let Some(corpus) = corpus() else { return };
    println!(
        "{:16} {:>8} {:>5} {:>9} {:>7} {:>10}",
        "run", "expected", "got", "expected", "got", "mismatches"
    );
    println!("{:16} {:>8} {:>5} {:>9} {:>7}", "", "calls", "calls", "tokens", "tokens");
    let (mut report, mut faults) = (String::new(), 0);
    let mut mixed: Vec<PathBuf> = Vec::new();
    let mut apart: Vec<(Value, Contents)> = Vec::new();
    for run in runs(&corpus) {
        let name = run.file_name().unwrap().to_str().unwrap();
        let expected = json(&run.join("run.expect.json"));
        let mut wrong: Vec<String> = Vec::new();

        let shelf = Shelf::new();
        let first = shelf.ingest(std::slice::from_ref(&run));
        let in_order = shelf.contents();
        wrong.extend(mismatches(&expected, &in_order));
        wrong.extend(fleet_differs(&in_order));
        let again = shelf.ingest(std::slice::from_ref(&run));
        if (again.accepted, again.corrected) != (0, 0) {
            wrong.push(format!("a second time: {again:?}"));
        }
        if again.spans != first.spans {
            wrong.push(format!("a second time {} spans were read, at first {}", again.spans, first.spans));
        }
        wrong.extend(
            in_order.differences(&shelf.contents()).into_iter().map(|d| format!("a second time: {d}")),
        );

        // One body an invocation: reversed, and at random. Then one span a body: what was sent together arrives apart,
        // so that calls are counted, and corrected by what comes later.
        let pieces = tempfile::tempdir().unwrap();
        for order in 0..7 {
            let (mut bodies, mut at_once) = (bodies(&run), 1);
            if order >= 4 {
                bodies = bodies.iter().flat_map(|body| split::spans(body, pieces.path())).collect();
                at_once = if order == 4 { 1 } else { 6 };
            }
            match order {
                0 | 4 => bodies.reverse(),
                seed => Dice::new(seed).shuffle(&mut bodies),
            }
            let shelf = Shelf::new();
            for some in bodies.chunks(at_once) {
                shelf.ingest(some);
            }
            let got = shelf.contents();
            let differences = mismatches(&expected, &got)
                .into_iter()
                .chain(fleet_differs(&got))
                .chain(in_order.differences(&got));
            let called =
                ["reversed", "order 1", "order 2", "order 3", "spans reversed", "spans 5", "spans 6"];
            wrong.extend(differences.map(|d| format!("{}: {d}", called[order as usize])));
        }

        let tokens = |[_, _, input, output]: [i64; 4]| input + output;
        let (totals, got) = (&expected["totals"], sums(&in_order.calls.values().collect::<Vec<_>>()));
        let stated = totals["input_tokens"].as_i64().unwrap() + totals["output_tokens"].as_i64().unwrap();
        println!(
            "{name:16} {:>8} {:>5} {stated:>9} {:>7} {:>10}",
            totals["logical_calls"].as_i64().unwrap(),
            got[0],
            tokens(got),
            wrong.len()
        );
        for line in &wrong {
            writeln!(report, "{name}: {line}").unwrap();
        }
        faults += wrong.len();
        mixed.extend(bodies(&run));
        apart.push((expected, in_order));
    }

    for (seed, at_once) in [(21, 1), (22, 7)] {
        Dice::new(seed).shuffle(&mut mixed);
        let shelf = Shelf::new();
        for some in mixed.chunks(at_once) {
            shelf.ingest(some);
        }
        let together = shelf.contents();
        let mut wrong: Vec<String> = fleet_differs(&together).into_iter().collect();
        let (mut calls, mut tokens) = (0, 0);
        for (expected, alone) in &apart {
            let name = expected["run"].as_str().unwrap();
            let got = together.only(expected);
            wrong.extend(mismatches(expected, &got).into_iter().map(|m| format!("{name}: {m}")));
            let differences = alone.only(expected).differences(&got);
            wrong.extend(differences.into_iter().map(|d| format!("{name}: {d}")));
            calls += expected["totals"]["logical_calls"].as_i64().unwrap();
            tokens += ["input_tokens", "output_tokens"]
                .iter()
                .map(|k| expected["totals"][k].as_i64().unwrap())
                .sum::<i64>();
        }
        let got = sums(&together.calls.values().collect::<Vec<_>>());
        if got[0] != calls {
            wrong.push(format!("expected {calls} calls, got {}", got[0]));
        }
        let name = format!("all mixed, by {at_once}");
        println!("{name:16} {calls:>8} {:>5} {tokens:>9} {:>7} {:>10}", got[0], got[2] + got[3], wrong.len());
        for line in &wrong {
            writeln!(report, "{name}: {line}").unwrap();
        }
        faults += wrong.len();
    }
    assert_eq!(faults, 0, "\n{report}");
}
