//! Spans that are sent apart meet in the store: whatever the order, the calls that are counted in the end are the same,
//! each counted once, and found by what names it. And what comes by any door is taken or refused, and blocks nothing.
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use dice::Dice;
use human::config::{Config, Overrides};
use human::domain::call::Millis;
use human::intake::{Format, Headers, Receipt};
use human::service::Service;
use human::store::Access;
use human::store::telemetry::CallQuery;
use serde_json::{Value, json};
use wire::{fixed, message};

const START: u64 = 1_795_000_000_000_000_000;
const FRAMEWORK: &str = "openinference.instrumentation.langchain";
const SDK: &str = "openinference.instrumentation.openai";

/// A chat span of a trace, from `from` to `to` milliseconds after the start, as a body of its own.
struct Span {
    trace: u32,
    id: u32,
    parent: u32,
    from: u64,
    to: u64,
    scope: &'static str,
    failed: bool,
    answer: Option<&'static str>,
}

impl Default for Span {
    fn default() -> Self {
        Span { trace: 1, id: 1, parent: 0, from: 0, to: 1, scope: SDK, failed: false, answer: None }
    }
}

fn body(spans: &[Span]) -> Vec<u8> {
    let scopes: Vec<Value> = spans
        .iter()
        .map(|span| {
            let mut attributes = vec![
                json!({"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}}),
                json!({"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}}),
            ];
            if let Some(answer) = span.answer {
                attributes.push(json!({"key": "gen_ai.response.id", "value": {"stringValue": answer}}));
            }
            let mut json = json!({
                "traceId": format!("{:032x}", span.trace), "spanId": format!("{:016x}", span.id), "name": "chat",
                "startTimeUnixNano": (START + span.from * 1_000_000).to_string(),
                "endTimeUnixNano": (START + span.to * 1_000_000).to_string(),
                "attributes": attributes, "status": {"code": if span.failed { 2 } else { 0 }},
            });
            if span.parent != 0 {
                json["parentSpanId"] = json!(format!("{:016x}", span.parent));
            }
            json!({"scope": {"name": span.scope}, "spans": [json]})
        })
        .collect();
    json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": scopes}]})
        .to_string()
        .into_bytes()
}

struct Shelf {
    service: Service,
    _folder: tempfile::TempDir,
}

/// What is counted of a call: its time, whether it failed, how long it took.
type Counted = (Millis, bool, Option<u64>);

impl Shelf {
    fn new() -> Shelf {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("empty.toml");
        std::fs::write(&config, "").unwrap();
        let overrides = Overrides { store: Some(folder.path().join("store.db")), config: Some(config) };
        let service = Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap();
        Shelf { service, _folder: folder }
    }

    /// Takes bodies, each in a transaction of its own.
    fn take(&self, path: &str, bodies: impl IntoIterator<Item = Vec<u8>>) -> Receipt {
        let headers = Headers { path: path.into(), ..Headers::default() };
        let mut intake = self.service.intake().unwrap();
        for body in bodies {
            intake.body(&headers, body, "test").unwrap();
            intake.finish().unwrap();
        }
        intake.finish().unwrap()
    }

    fn spans(&self, bodies: impl IntoIterator<Item = Vec<u8>>) -> Receipt {
        self.take("/v1/traces", bodies)
    }

    fn calls(&self) -> BTreeMap<String, Counted> {
        let mut calls = BTreeMap::new();
        let mut each = |call: human::domain::call::Call| {
            calls.insert(call.provenance_id, (call.at, call.ok, call.duration_us)).is_none()
        };
        self.service.calls(&CallQuery::default(), &mut |kept| each(kept.call)).unwrap();
        let (faults, _) = self.service.check().unwrap();
        assert_eq!(faults, Vec::<String>::new(), "the roll-ups are the fold of the calls");
        calls
    }
}

#[test]
fn a_trace_that_bridges_two_groups_ends_in_the_same_calls_in_any_order() {
    // A and C share no link, and lie so that together they are one call. B shares one with each.
    let framework =
        |trace, id, from, to| Span { trace, id, from, to, scope: FRAMEWORK, failed: true, ..Span::default() };
    let bodies = [
        body(&[framework(1, 1, 0, 10_000)]),
        body(&[framework(2, 1, 100, 200), framework(2, 2, 2_100, 2_200)]),
        body(&[Span { trace: 3, from: 2_000, to: 3_000, failed: true, ..Span::default() }]),
    ];
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    let ends = orders.map(|order| {
        let shelf = Shelf::new();
        shelf.spans(order.map(|i| bodies[i].clone()));
        shelf.calls()
    });
    for (order, end) in orders.iter().zip(&ends) {
        assert_eq!(end, &ends[0], "{order:?}");
        assert_eq!(end.len(), 3, "{order:?}");
    }
}

#[test]
fn an_id_that_a_mock_gives_to_every_answer_is_no_link() {
    // Each call is described by two traces, of which only the answer's id tells that they belong together.
    let pairs = |n: u32| -> Vec<Vec<u8>> {
        let one = |i: u32, trace: u32, scope| {
            let from = u64::from(i) * 5_000;
            body(&[Span { trace, from, to: from + 50, scope, answer: Some("mock"), ..Span::default() }])
        };
        (0..n).flat_map(|i| [one(i, 2 * i + 1, FRAMEWORK), one(i, 2 * i + 2, SDK)]).collect()
    };
    let few = Shelf::new();
    few.spans(pairs(20));
    assert_eq!(few.calls().len(), 20);

    let bodies = pairs(70);
    let ends: BTreeSet<Vec<(String, Counted)>> = (0..3)
        .map(|order| {
            let mut bodies = bodies.clone();
            match order {
                0 => {}
                1 => bodies.reverse(),
                seed => Dice::new(seed).shuffle(&mut bodies),
            }
            let shelf = Shelf::new();
            let receipt = shelf.spans(bodies);
            assert_eq!((receipt.quarantined, receipt.spans), (0, 140));
            shelf.calls().into_iter().collect()
        })
        .collect();
    assert_eq!(ends.len(), 1, "the order of arrival shows");
    assert_eq!(ends.first().unwrap().len(), 140);
}

#[test]
fn spans_that_come_again_are_one_duplicate_a_call() {
    // Fifty calls of one trace, each described by a framework's span and, below it, an SDK's, which is sent first.
    let call = |i: u32| {
        let from = u64::from(i) * 100;
        let outer = Span { id: 2 * i + 2, from, to: from + 60, scope: FRAMEWORK, ..Span::default() };
        let inner =
            Span { id: 2 * i + 1, parent: 2 * i + 2, from: from + 5, to: from + 50, ..Span::default() };
        [inner, outer]
    };
    let spans: Vec<Span> = (0..50).flat_map(call).collect();
    let bodies: Vec<Vec<u8>> = spans.chunks(20).map(body).collect();
    assert_eq!(bodies.len(), 5);
    let shelf = Shelf::new();
    let first = shelf.spans(bodies.clone());
    assert_eq!((first.accepted, first.duplicate, first.corrected), (50, 0, 0));
    let second = shelf.spans(bodies);
    assert_eq!((second.accepted, second.duplicate, second.corrected), (0, 50, 0));
    // Beside something new, what comes again is counted too.
    let mixed = shelf.spans([body(&[&call(7)[..], &call(50)[..]].concat())]);
    assert_eq!((mixed.accepted, mixed.duplicate, mixed.corrected), (1, 1, 0));
    assert_eq!(shelf.calls().len(), 51);
}

impl Clone for Span {
    fn clone(&self) -> Self {
        Span { ..*self }
    }
}

#[test]
fn feedback_stays_with_a_call_whose_id_changes() {
    let outer = Span { id: 1, from: 0, to: 100, scope: FRAMEWORK, ..Span::default() };
    let inner = Span { id: 2, parent: 1, from: 10, to: 90, ..Span::default() };
    let shelf = Shelf::new();
    shelf.spans([body(std::slice::from_ref(&outer))]);
    let id = shelf.calls().into_keys().next().unwrap();
    let feedback = |signal: &str| {
        let line =
            json!({"type": "feedback", "provenanceId": id, "signal": signal, "source": "user"}).to_string();
        let mut intake = shelf.service.intake().unwrap();
        intake.stream(line.as_bytes(), "test", Format::Auto).unwrap();
        intake.finish().unwrap();
    };
    feedback("positive");
    shelf.spans([body(std::slice::from_ref(&inner))]);
    let now = shelf.calls();
    assert!(now.len() == 1 && !now.contains_key(&id));
    feedback("correction");
    let mut signals = Vec::new();
    let query = CallQuery::default();
    shelf
        .service
        .calls(&query, &mut |kept| {
            signals.extend(kept.feedback.iter().filter_map(|f| f.signal).map(|s| s.to_string()));
            true
        })
        .unwrap();
    signals.sort();
    assert_eq!(signals, ["correction", "positive"]);
}

#[test]
fn a_score_of_the_far_future_blocks_nothing() {
    let shelf = Shelf::new();
    let score = |at: &str| {
        json!({"traceId": format!("{:032x}", 1), "name": "user_feedback", "value": 1, "timestamp": at})
            .to_string()
            .into_bytes()
    };
    let scores =
        shelf.take("/api/public/scores", [score("+250000-01-01T00:00:00Z"), score("2026-11-22T10:00:00Z")]);
    assert_eq!((scores.accepted, scores.quarantined), (1, 1));
    assert_eq!(shelf.spans([body(&[Span::default()])]).accepted, 1);
    assert_eq!(shelf.calls().len(), 1);
    // A clock that stands beside a body is not believed either.
    let headers = Headers { path: "/api/public/scores".into(), received_at: i64::MAX, ..Headers::default() };
    let mut intake = shelf.service.intake().unwrap();
    intake.body(&headers, br#"{"traceId":"t","name":"q","value":1}"#.to_vec(), "test").unwrap();
    assert_eq!(intake.finish().unwrap().accepted, 1);
}

#[test]
fn protobuf_is_not_taken_for_json_whatever_its_first_length() {
    for (length, last) in [(b'[', 0_u8), (b'{', 0), (b'{', b'}')] {
        let span = [
            message(1, &[1; 16]),
            message(2, &[2; 8]),
            fixed(7, START),
            fixed(8, START + 1_000_000),
            message(9, &[message(1, b"gen_ai.operation.name"), message(2, &message(1, b"chat"))].concat()),
        ]
        .concat();
        let scope_spans = message(2, &message(2, &span));
        // The resource's attribute is as long as it takes, and the schema's URL gives the last byte.
        let of = |filler: usize| {
            let attribute =
                [message(1, b"service.name"), message(2, &message(1, &vec![b'x'; filler]))].concat();
            [message(1, &message(1, &attribute)), scope_spans.clone(), message(3, &[last])].concat()
        };
        let resource_spans = (0..200).map(of).find(|bytes| bytes.len() == usize::from(length));
        let Some(resource_spans) = resource_spans else {
            // `[` is shorter than a whole span: a resource alone has that length.
            let resource = message(
                1,
                &message(1, &[message(1, b"service.name"), message(2, &message(1, &[b'x'; 69]))].concat()),
            );
            let spans = message(1, &[&resource[..], &scope_spans].concat());
            let head = message(1, &resource);
            assert_eq!(head[1], length, "{}", head[1]);
            one_call(&[head, spans].concat());
            continue;
        };
        let bytes = message(1, &resource_spans);
        assert_eq!((bytes[0], bytes[1], bytes[bytes.len() - 1]), (b'\n', length, last));
        one_call(&bytes);
    }
}

fn one_call(bytes: &[u8]) {
    let shelf = Shelf::new();
    let mut intake = shelf.service.intake().unwrap();
    intake.stream(bytes, "test", Format::Auto).unwrap();
    let receipt = intake.finish().unwrap();
    drop(intake);
    assert_eq!((receipt.accepted, receipt.quarantined), (1, 0));
}
