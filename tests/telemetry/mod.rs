//! Seeded telemetry of which the totals are known beforehand: native events, and OTLP bodies.
#![allow(clippy::unwrap_used, dead_code, reason = "shared by tests, of which each uses some")]

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use crate::dice::Dice;

/// 2026-09-01T00:00:00Z, ms.
const BEGIN: i64 = 1_788_220_800_000;
const SIGNALS: [&str; 4] = ["positive", "negative", "rephrase", "correction"];
const MODELS: [(&str, &str); 4] = [
    ("gpt-4o", "openai"),
    ("gpt-4o-mini", "openai"),
    ("claude-sonnet-4", "anthropic"),
    ("llama3.1", "ollama"),
];

/// What a store must add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sums {
    pub calls: i64,
    pub input: i64,
    pub output: i64,
    /// Nano-dollars.
    pub cost: i64,
    /// By signal, in the order of the seed.
    pub signals: [i64; 4],
}

/// What one line is.
#[derive(Clone)]
enum Line {
    Call(String),
    Feedback(String, String),
    Bad,
}

/// Native events: calls, feedback before and after its call and of calls that never come, things sent twice, and
/// lines that cannot be taken.
pub struct Native {
    pub lines: Vec<String>,
    pub sums: Sums,
    /// Feedback that is kept, and how much of it waits for a call.
    pub feedback: i64,
    pub waiting: i64,
    /// Different lines that go to quarantine.
    pub bad: i64,
    kinds: Vec<Line>,
}

/// What the beginning of the input holds.
#[derive(Default)]
pub struct Beginning<'a> {
    pub calls: BTreeSet<&'a str>,
    /// Feedback, with its call.
    pub feedback: BTreeMap<&'a str, &'a str>,
    pub bad: usize,
}

impl Native {
    pub fn new(seed: u64, events: usize) -> Native {
        let mut dice = Dice::new(seed);
        let mut native = Native {
            lines: Vec::new(),
            sums: Sums::default(),
            feedback: 0,
            waiting: 0,
            bad: 0,
            kinds: Vec::new(),
        };
        let mut next = 0;
        let mut about: Vec<(String, usize)> = Vec::new();
        while native.lines.len() < events {
            match dice.below(100) {
                0 | 1 if !native.lines.is_empty() => {
                    let again = dice.below(native.lines.len());
                    let (line, kind) = (native.lines[again].clone(), native.kinds[again].clone());
                    native.push(line, kind);
                }
                2 => {
                    native.bad += 1;
                    let line = match dice.below(3) {
                        0 => {
                            format!(r#"{{"type":"call","provenanceId":"bad-{}","modelId":"m"}}"#, native.bad)
                        }
                        1 => format!(r#"{{"type":"call","provenanceId":"bad-{}""#, native.bad),
                        _ => format!("not JSON at all, line {}", native.bad),
                    };
                    native.push(line, Line::Bad);
                }
                3..=12 => {
                    let call = match dice.below(10) {
                        0 => format!("never-{}", native.feedback),
                        // Before its call, which may or may not come before the input ends.
                        1 | 2 => call_id(seed, next + dice.below(3_000)),
                        _ => call_id(seed, dice.below(next)),
                    };
                    let signal = dice.below(4);
                    native.feedback(&mut dice, call.clone(), signal);
                    about.push((call, signal));
                }
                _ => {
                    native.call(&mut dice, &call_id(seed, next), next);
                    next += 1;
                }
            }
        }
        let made: BTreeSet<&str> = native.calls_in_order().collect();
        let (met, waiting): (Vec<_>, Vec<_>) =
            about.iter().partition(|(call, _)| made.contains(call.as_str()));
        native.waiting = waiting.len() as i64;
        for (_, signal) in met {
            native.sums.signals[*signal] += 1;
        }
        native
    }

    fn call(&mut self, dice: &mut Dice, id: &str, number: usize) {
        let (model, provider) = *dice.one(&MODELS);
        let (input, output) = (dice.below(4_000) as i64, dice.below(1_500) as i64);
        let cost = dice.below(50_000_000) as i64;
        let at = BEGIN + number as i64 * 7_001 + dice.below(3_600_000) as i64;
        let prompt = dice.below(40);
        let version = 1 + dice.below(3);
        let ok = dice.below(30) > 0;
        let layers = if prompt.is_multiple_of(3) {
            format!(
                r#""layers":[{{"scope":"core","uri":"prompt://core/base.safety","version":"2.0.0"}},{{"scope":"org","uri":"prompt://org/ACME/task.p{prompt}","version":"{version}.0.0"}}],"compositionMethod":"effective""#
            )
        } else {
            r#""layers":[],"compositionMethod":"manual""#.into()
        };
        let line = format!(
            r#"{{"type":"call","provenanceId":"{id}","at":"{}","promptMetadata":{{"promptUris":["prompt://org/ACME/task.p{prompt}"],"promptVersions":["{version}.0.0"],{layers},"variablesUsed":["contract"],"estimatedTokens":800,"orgId":"ACME"}},"modelId":"{model}","provider":"{provider}","inputTokens":{input},"outputTokens":{output},"cachedTokens":{},"costUsd":{},"durationMs":{},"ok":{ok},"error":{},"sessionId":"s-{}"}}"#,
            human::intake::events::rfc3339(at),
            input / 3,
            cost as f64 / 1e9,
            1 + dice.below(20_000),
            if ok { "null" } else { "\"rate limit\"" },
            dice.below(2_000),
        );
        self.sums.calls += 1;
        self.sums.input += input;
        self.sums.output += output;
        self.sums.cost += cost;
        self.push(line, Line::Call(id.to_owned()));
    }

    fn feedback(&mut self, dice: &mut Dice, call: String, signal: usize) {
        let id = format!("fb-{}", self.feedback);
        self.feedback += 1;
        let line = format!(
            r#"{{"type":"feedback","id":"{id}","provenanceId":"{call}","signal":"{}","source":"{}","at":"{}"}}"#,
            SIGNALS[signal],
            dice.one(&["user", "agent", "system"]),
            human::intake::events::rfc3339(BEGIN + dice.below(500_000_000) as i64),
        );
        self.push(line, Line::Feedback(id, call));
    }

    fn push(&mut self, line: String, kind: Line) {
        self.lines.push(line);
        self.kinds.push(kind);
    }

    /// The ids of the calls, each once, in the order of the input.
    pub fn calls_in_order(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.kinds.iter().filter_map(move |kind| match kind {
            Line::Call(id) => seen.insert(id.as_str()).then_some(id.as_str()),
            _ => None,
        })
    }

    /// What the first `n` lines hold.
    pub fn first(&self, n: usize) -> Beginning<'_> {
        let mut beginning = Beginning::default();
        let mut bad = BTreeSet::new();
        for (kind, line) in self.kinds[..n].iter().zip(&self.lines) {
            match kind {
                Line::Call(id) => drop(beginning.calls.insert(id)),
                Line::Feedback(id, call) => drop(beginning.feedback.insert(id, call)),
                Line::Bad => drop(bad.insert(line)),
            }
        }
        beginning.bad = bad.len();
        beginning
    }
}

fn call_id(seed: u64, number: usize) -> String {
    format!("c-{seed}-{number:06}")
}

/// OTLP/JSON bodies of a few spans each. Half of the calls are described by two spans (a framework's around an SDK's),
/// most often in different bodies; wrappers repeat what their calls used.
pub struct Spans {
    pub bodies: Vec<String>,
    pub sums: Sums,
    /// The trace of each span, in the order of the bodies; `None` for spans that are no call.
    traces: Vec<Option<String>>,
}

impl Spans {
    pub fn new(seed: u64, calls: usize, of_body: usize) -> Spans {
        let mut dice = Dice::new(seed);
        let mut sums = Sums::default();
        // Each span with the place in the stream around which it arrives.
        let mut spans: Vec<(usize, Option<String>, String)> = Vec::new();
        for call in 0..calls {
            let trace = format!("{seed:08x}{call:024x}");
            let (model, provider) = *dice.one(&MODELS);
            let (input, output) = (1 + dice.below(4_000) as i64, 1 + dice.below(1_500) as i64);
            let cost = (1 + dice.below(50_000_000)) as i64;
            let start = (BEGIN + call as i64 * 5_003) * 1_000_000;
            let prompt = format!("task p{}", dice.below(40));
            let mut span = |id: u64, parent: Option<u64>, operation: &str, named: bool| {
                let inside = i64::from(parent.is_some()) * 1_000_000;
                let mut attributes = vec![
                    text("gen_ai.operation.name", operation),
                    text("gen_ai.provider.name", provider),
                    text("gen_ai.request.model", model),
                    number("gen_ai.usage.input_tokens", input),
                    number("gen_ai.usage.output_tokens", output),
                ];
                if operation == "chat" {
                    attributes.push(text("gen_ai.response.id", &format!("r-{trace}")));
                }
                if named {
                    attributes.push(text("gen_ai.prompt.name", &prompt));
                    attributes.push(text("gen_ai.prompt.version", "3"));
                    let usd = cost as f64 / 1e9;
                    attributes
                        .push(format!(r#"{{"key":"gen_ai.usage.cost","value":{{"doubleValue":{usd}}}}}"#));
                }
                let parent = parent.map_or(String::new(), |p| format!(r#""parentSpanId":"{p:016x}","#));
                let json = format!(
                    r#"{{"traceId":"{trace}","spanId":"{id:016x}",{parent}"name":"{operation} {model}","kind":3,"startTimeUnixNano":"{}","endTimeUnixNano":"{}","attributes":[{}]}}"#,
                    start + inside,
                    start + 900_000_000 - inside,
                    attributes.join(","),
                );
                let place = call * 2 + dice.below(400);
                spans.push((place, (operation == "chat").then(|| trace.clone()), json));
            };
            if call % 7 == 0 {
                span(3, None, "invoke_agent", false);
            }
            let below = (call % 7 == 0).then_some(3);
            span(1, below, "chat", true);
            if call % 2 == 0 {
                span(2, Some(1), "chat", false);
            }
            sums.calls += 1;
            sums.input += input;
            sums.output += output;
            sums.cost += cost;
        }
        spans.sort_by_key(|(place, ..)| *place);
        let bodies = spans.chunks(of_body).map(|some| {
            let spans: Vec<&str> = some.iter().map(|(_, _, json)| json.as_str()).collect();
            format!(
                r#"{{"resourceSpans":[{{"resource":{{"attributes":[]}},"scopeSpans":[{{"scope":{{"name":"app"}},"spans":[{}]}}]}}]}}"#,
                spans.join(",")
            )
        });
        Spans {
            bodies: bodies.collect(),
            sums,
            traces: spans.iter().map(|(_, trace, _)| trace.clone()).collect(),
        }
    }

    /// Writes some of the bodies as captures.
    pub fn write(&self, folder: &Path, which: Range<usize>) {
        for number in which {
            let path = folder.join(format!("{number:06}_traces.body"));
            std::fs::write(&path, &self.bodies[number]).unwrap();
            let headers =
                r#"{"method":"POST","path":"/v1/traces","headers":{"content-type":"application/json"}}"#;
            std::fs::write(path.with_extension("headers.json"), headers).unwrap();
        }
    }

    /// The traces with a call of which a span is among the first `n`.
    pub fn traces_of_first(&self, n: usize) -> impl Iterator<Item = &str> {
        self.traces[..n].iter().flatten().map(String::as_str)
    }
}

fn text(key: &str, value: &str) -> String {
    format!(r#"{{"key":"{key}","value":{{"stringValue":"{value}"}}}}"#)
}

fn number(key: &str, value: i64) -> String {
    format!(r#"{{"key":"{key}","value":{{"intValue":"{value}"}}}}"#)
}
