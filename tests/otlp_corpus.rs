//! The corpus of captures from real instrumentations: every run must give the calls, tokens, cost, prompts and
//! feedback that its expectation states.
#![allow(clippy::unwrap_used, reason = "a test")]

mod corpus;

use std::collections::{BTreeMap, BTreeSet};

use corpus::{World, bodies, corpus, json, runs, world};
use human::domain::feedback::{Feedback, Signal, alias};
use human::intake::{PromptSource, Resolved, resolve};
use serde_json::Value;

fn hex<const N: usize>(value: &Value) -> [u8; N] {
    let text = value.as_str().unwrap();
    let bytes: Vec<u8> = (0..N).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

fn spans(call: &Value) -> Vec<u64> {
    let spans = call["span_ids"].as_array().unwrap();
    spans.iter().map(|s| alias::span(&hex(&s["trace_id"]), &hex(&s["span_id"]))).collect()
}

fn micros(value: &Value) -> Option<i64> {
    value.as_f64().map(|ms| (ms * 1e3).round() as i64)
}

fn source(source: PromptSource) -> &'static str {
    match source {
        PromptSource::Own => "own",
        PromptSource::DuplicateSpan => "duplicate_span",
        PromptSource::Ancestor => "ancestor",
        PromptSource::SiblingPrompt => "sibling_prompt_span",
        PromptSource::TemplateOnly => "template_only",
        PromptSource::None => "none",
    }
}

/// What differs between a call and its expectation.
fn differences(expected: &Value, got: &Resolved) -> Vec<String> {
    let mut differences = Vec::new();
    let mut same = |what: &str, expected: String, got: String| {
        if expected != got {
            differences.push(format!("{what}: expected {expected}, got {got}"));
        }
    };
    let text = |key: &str| expected[key].as_str().map(str::to_owned);
    let count = |key: &str| expected[key].as_u64().map(|n| n as u32);
    let (call, foreign) = (&got.call, &got.foreign);
    same("model", format!("{:?}", text("model")), format!("{:?}", Some(&call.model)));
    same("provider", format!("{:?}", text("provider")), format!("{:?}", call.provider));
    same("input", format!("{:?}", count("input_tokens")), format!("{:?}", call.input_tokens));
    same("output", format!("{:?}", count("output_tokens")), format!("{:?}", call.output_tokens));
    same("cached", format!("{:?}", count("cached_tokens")), format!("{:?}", call.cached_tokens));
    let cost = expected["cost_usd"].as_f64().map(|usd| (usd * 1e9).round() as i64);
    same("cost", format!("{cost:?}"), format!("{:?}", call.cost));
    let near = |a: Option<i64>, b: Option<u64>| match (a, b) {
        (Some(a), Some(b)) => (a - b as i64).abs() <= 2,
        (None, None) => true,
        _ => false,
    };
    if !near(micros(&expected["duration_ms"]), call.duration_us) {
        same("duration", expected["duration_ms"].to_string(), format!("{:?}", call.duration_us));
    }
    if !near(micros(&expected["ttft_ms"]), call.ttft_us) {
        same("ttft", expected["ttft_ms"].to_string(), format!("{:?}", call.ttft_us));
    }
    same("ok", expected["ok"].to_string(), call.ok.to_string());
    if let Some(error) = text("error_type") {
        same("error", error, call.error.clone().unwrap_or_default());
    } else if let Some(message) = text("status_message") {
        same("error", message, call.error.clone().unwrap_or_default());
    }
    same("prompt name", format!("{:?}", text("prompt_name")), format!("{:?}", foreign.name));
    same("prompt version", format!("{:?}", text("prompt_version")), format!("{:?}", foreign.version));
    same("prompt source", expected["prompt_source"].as_str().unwrap().into(), source(foreign.source).into());
    if let Some(key) = text("prompt_key").filter(|_| foreign.name.is_some()) {
        let notation = foreign.key_attribute.clone().unwrap_or_default();
        let plain = notation.replace('{', ".").replace('}', "");
        // The expectations name the attribute alone where it holds a Python literal.
        same(
            "prompt key",
            key,
            plain
                .trim_end_matches(".prompt_id")
                .replace("llm.invocation_parameters.prompt", "llm.invocation_parameters.prompt.id")
                .replace(".id.id", ".id"),
        );
    }
    let mut variables: Vec<String> = expected["template_variable_names"]
        .as_array()
        .map(|a| a.iter().map(|v| v.as_str().unwrap().to_owned()).collect())
        .unwrap_or_default();
    variables.sort();
    same("variables", format!("{variables:?}"), format!("{:?}", foreign.variables));
    let template = foreign.template_sha256.map(|t| {
        t.iter()
            .flat_map(|b| [b >> 4, b & 15])
            .map(|d| char::from(b"0123456789abcdef"[usize::from(d)]))
            .collect::<String>()
    });
    same("template", format!("{:?}", text("template_sha256")), format!("{template:?}"));
    same("session", format!("{:?}", text("session_id")), format!("{:?}", call.session));
    same("user", format!("{:?}", text("user_id")), format!("{:?}", call.user));
    differences
}

/// Name, value, label and comment as `Feedback::detail` shows them.
fn shown(f: &Value) -> String {
    let value = match &f["value"] {
        Value::Null => String::new(),
        Value::Number(n) => format!(" = {}", n.as_f64().unwrap()),
        other => format!(" = {other}"),
    };
    let label = f["label"].as_str().map(|label| format!(" ({label})")).unwrap_or_default();
    let comment = f["comment"].as_str().map(|comment| format!(": {comment}")).unwrap_or_default();
    format!("{}{value}{label}{comment}", f["name"].as_str().unwrap())
}

/// What differs between the feedback of a run and its expectation: content, signal, source, and the calls it meets.
fn feedback_differences(
    expected_feedback: &[Value],
    world: &World,
    got: &[Resolved],
    by_call: &BTreeMap<String, usize>,
) -> Vec<String> {
    let mut mismatches = Vec::new();
    for f in expected_feedback {
        let what = shown(f);
        let resolves: BTreeSet<usize> = f["resolves_to"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|c| by_call.get(c.as_str().unwrap()).copied())
            .collect();
        let signal = f["signal"].as_str();
        let meets = |g: &Feedback| -> BTreeSet<usize> {
            (0..got.len()).filter(|&i| got[i].aliases.contains(&g.target.alias)).collect()
        };
        let matching: Vec<&Feedback> = world
            .feedback
            .values()
            .filter(|g| g.detail.as_deref() == Some(&what) && meets(g) == resolves)
            .collect();
        let [g] = matching[..] else {
            let near: Vec<String> = world
                .feedback
                .values()
                .map(|g| format!("{:?} {} {:?}", g.detail, g.target.text, meets(g)))
                .collect();
            mismatches
                .push(format!("feedback `{what}` for {resolves:?}: {} found among {near:?}", matching.len()));
            continue;
        };
        if g.signal.map(Signal::as_str) != signal {
            mismatches.push(format!("feedback `{what}`: expected {signal:?}, got {:?}", g.signal));
        }
        if let Some(source) = f["source"].as_str().filter(|s| *s != g.source.as_str()) {
            mismatches.push(format!("feedback `{what}`: expected from {source}, got {}", g.source));
        }
    }
    if expected_feedback.len() != world.feedback.len() {
        mismatches.push(format!(
            "feedback: expected {}, got {}",
            expected_feedback.len(),
            world.feedback.len()
        ));
    }
    mismatches
}

#[test]
fn every_run_gives_what_its_expectation_states() {
    let Some(corpus) = corpus() else { return };
    let mut all = 0;
    let (mut together, mut calls_of_all) = (Vec::new(), 0);
    println!(
        "{:16} {:>13} {:>17} {:>17} {:>9} mismatches",
        "run", "calls exp/got", "input exp/got", "output exp/got", "feedback"
    );
    for run in runs(&corpus) {
        let name = run.file_name().unwrap().to_str().unwrap().to_owned();
        let expect = json(&run.join("run.expect.json"));
        let world = world(&bodies(&run));
        let got = resolve(&world.facts);
        let mut mismatches = Vec::new();
        let mut by_call: BTreeMap<String, usize> = BTreeMap::new();
        for call in expect["calls"].as_array().unwrap() {
            let id = call["call_id"].as_str().unwrap().to_owned();
            let spans = spans(call);
            let own: BTreeSet<String> = call["span_ids"]
                .as_array()
                .unwrap()
                .iter()
                .map(|s| format!("{}-{}", s["trace_id"].as_str().unwrap(), s["span_id"].as_str().unwrap()))
                .collect();
            let found: Vec<usize> =
                (0..got.len()).filter(|&i| own.contains(&got[i].call.provenance_id)).collect();
            let [i] = found[..] else {
                mismatches.push(format!("{id}: {} calls in place of one", found.len()));
                continue;
            };
            if !spans.iter().all(|span| got[i].aliases.contains(span)) {
                mismatches.push(format!("{id}: not all of its {} spans are joined", spans.len()));
            }
            mismatches.extend(differences(call, &got[i]).into_iter().map(|d| format!("{id}: {d}")));
            by_call.insert(id, i);
        }
        let expected_feedback = expect["feedback"].as_array().unwrap();
        mismatches.extend(feedback_differences(expected_feedback, &world, &got, &by_call));
        let sum =
            |said: fn(&Resolved) -> Option<u32>| got.iter().filter_map(said).map(u64::from).sum::<u64>();
        let totals = &expect["totals"];
        let (input, output) = (sum(|r| r.call.input_tokens), sum(|r| r.call.output_tokens));
        let calls = expect["calls"].as_array().unwrap().len();
        println!(
            "{name:16} {:>13} {:>17} {:>17} {:>9} {}",
            format!("{calls}/{}", got.len()),
            format!("{}/{input}", totals["input_tokens"]),
            format!("{}/{output}", totals["output_tokens"]),
            format!("{}/{}", expected_feedback.len(), world.feedback.len()),
            mismatches.len()
        );
        for mismatch in &mismatches {
            println!("    {mismatch}");
        }
        all += mismatches.len()
            + got.len().abs_diff(calls)
            + usize::from(totals["input_tokens"] != input)
            + usize::from(totals["output_tokens"] != output);
        calls_of_all += calls;
        together.extend(world.facts);
    }
    assert_eq!(all, 0, "mismatches are printed above");
    assert_eq!(resolve(&together).len(), calls_of_all, "runs given together do not mix");
}
