//! The rules by which spans become calls, one at a time, on spans written for the purpose: what the corpus shows only
//! in one form, or not at all.
#![allow(clippy::unwrap_used, reason = "a test")]

use human::domain::feedback::{Signal, Source, alias};
use human::intake::{Decoded, Headers, Options, PromptSource, Resolved, resolve, take};
use serde_json::{Value, json};

const START: u64 = 1_795_000_000_000_000_000;

/// A span of trace `trace`, from `from` to `to` milliseconds after the start.
struct Span(Value, String);

fn span(
    trace: u8,
    id: u8,
    parent: u8,
    (from, to): (u64, u64),
    attributes: impl std::borrow::Borrow<Value>,
) -> Span {
    let mut span = json!({
        "traceId": format!("{trace:032x}"),
        "spanId": format!("{id:016x}"),
        "name": "span",
        "startTimeUnixNano": (START + from * 1_000_000).to_string(),
        "endTimeUnixNano": START + to * 1_000_000,
        "attributes": pairs(attributes.borrow()),
    });
    if parent != 0 {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    Span(span, "test".into())
}

fn pairs(attributes: &Value) -> Vec<Value> {
    let value = |value: &Value| match value {
        Value::String(text) => json!({"stringValue": text}),
        Value::Bool(bool) => json!({"boolValue": bool}),
        Value::Number(n) if n.is_f64() => json!({"doubleValue": n}),
        Value::Number(n) => json!({"intValue": n.to_string()}),
        other => panic!("{other} is no attribute"),
    };
    attributes.as_object().unwrap().iter().map(|(key, v)| json!({"key": key, "value": value(v)})).collect()
}

impl Span {
    fn named(mut self, name: &str) -> Self {
        self.0["name"] = json!(name);
        self
    }

    fn scope(mut self, scope: &str) -> Self {
        self.1 = scope.into();
        self
    }

    fn failed(mut self, message: &str) -> Self {
        self.0["status"] = json!({"code": 2, "message": message});
        self
    }

    fn event(mut self, name: &str, at: u64, attributes: &Value) -> Self {
        self.0["events"] =
            json!([{"name": name, "timeUnixNano": START + at * 1_000_000, "attributes": pairs(attributes)}]);
        self
    }
}

fn decoded(spans: Vec<Span>) -> Decoded {
    let scopes: Vec<Value> =
        spans.into_iter().map(|span| json!({"scope": {"name": span.1}, "spans": [span.0]})).collect();
    let body = json!({"resourceSpans": [{"resource": {"attributes": []}, "scopeSpans": scopes}]}).to_string();
    let headers = Headers { path: "/v1/traces".into(), ..Headers::default() };
    take(&headers, body.as_bytes(), &Options::default()).unwrap()
}

fn calls(spans: Vec<Span>) -> Vec<Resolved> {
    let decoded = decoded(spans);
    assert_eq!(decoded.rejected, []);
    resolve(&decoded.facts)
}

fn chat(more: impl std::borrow::Borrow<Value>) -> Value {
    let mut attributes = json!({"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"});
    attributes.as_object_mut().unwrap().extend(more.borrow().as_object().unwrap().clone());
    attributes
}

#[test]
fn a_wrapper_that_repeats_usage_is_no_call() {
    let usage = json!({"gen_ai.usage.input_tokens": 10, "gen_ai.usage.output_tokens": 5});
    let mut agent = usage.clone();
    agent["gen_ai.operation.name"] = json!("invoke_agent");
    let calls = calls(vec![span(1, 1, 0, (0, 100), agent), span(1, 2, 1, (10, 90), chat(usage))]);
    assert_eq!(calls.len(), 1);
    assert_eq!((calls[0].call.input_tokens, calls[0].call.output_tokens), (Some(10), Some(5)));
}

#[test]
fn a_call_within_a_tool_within_a_call_is_its_own() {
    let calls = calls(vec![
        span(1, 1, 0, (0, 100), chat(json!({}))),
        span(1, 2, 1, (10, 90), json!({"gen_ai.operation.name": "execute_tool"})),
        span(1, 3, 2, (20, 80), chat(json!({}))),
    ]);
    assert_eq!(calls.len(), 2);
}

#[test]
fn a_call_span_around_two_answers_is_a_wrapper() {
    let inner = |id, span_id, from| {
        span(1, span_id, 1, (from, from + 10), chat(json!({"gen_ai.response.id": id}))).scope("sdk")
    };
    let outer = span(1, 1, 0, (0, 100), chat(json!({"gen_ai.prompt.name": "p"})));
    let calls = calls(vec![outer, inner("a", 2, 10), inner("b", 3, 30)]);
    assert_eq!(calls.len(), 2);
    // What it says of the prompt holds for both.
    assert!(
        calls
            .iter()
            .all(|c| c.foreign.name.as_deref() == Some("p") && c.foreign.source == PromptSource::Ancestor)
    );
}

#[test]
fn a_call_span_around_answers_without_ids_is_a_wrapper() {
    let inner = |span_id, (from, to), tokens| {
        span(1, span_id, 1, (from, to), chat(json!({"gen_ai.usage.output_tokens": tokens}))).scope("sdk")
    };
    let outer = || span(1, 1, 0, (0, 100), chat(json!({})));
    let tokens = |spans: Vec<Span>| -> Vec<Option<u32>> {
        calls(spans).iter().map(|c| c.call.output_tokens).collect()
    };
    assert_eq!(
        tokens(vec![outer(), inner(2, (10, 20), 5), inner(3, (20, 40), 6), inner(4, (50, 60), 7)]),
        [Some(5), Some(6), Some(7)]
    );
    let named =
        span(1, 4, 1, (50, 60), chat(json!({"gen_ai.response.id": "a", "gen_ai.usage.output_tokens": 7})))
            .scope("sdk");
    assert_eq!(tokens(vec![outer(), inner(2, (10, 20), 5), named]), [Some(5), Some(7)]);
    // Two descriptions of one answer overlap; an attempt without an answer reports nothing.
    let other = inner(3, (11, 19), 5).scope("other");
    assert_eq!(tokens(vec![outer(), inner(2, (10, 20), 5), other]), [Some(5)]);
    let empty = span(1, 3, 1, (30, 40), chat(json!({}))).scope("sdk");
    assert_eq!(tokens(vec![outer(), inner(2, (10, 20), 5), empty]), [Some(5)]);
    let failed = inner(3, (30, 40), 5).failed("429");
    assert_eq!(tokens(vec![outer(), inner(2, (50, 60), 5), failed]), [Some(5)]);
}

#[test]
fn a_call_is_found_by_the_ids_that_it_had() {
    let outer = || span(1, 1, 0, (0, 100), chat(json!({})));
    let inner = || span(1, 2, 1, (10, 90), chat(json!({}))).scope("sdk");
    let alone = &calls(vec![outer()])[0];
    let joined = &calls(vec![outer(), inner()])[0];
    assert_ne!(alone.call.provenance_id, joined.call.provenance_id);
    assert!(joined.aliases.contains(&alias::provenance(&alone.call.provenance_id)));
    // Its own id needs no alias.
    assert!(!alone.aliases.contains(&alias::provenance(&alone.call.provenance_id)));
    assert!(!joined.aliases.contains(&alias::provenance(&joined.call.provenance_id)));
}

#[test]
fn an_attempt_that_failed_inside_a_call_that_did_not() {
    let calls = calls(vec![
        span(1, 1, 0, (0, 100), chat(json!({}))),
        span(1, 2, 1, (10, 20), chat(json!({"error.type": "RateLimitError"}))).scope("sdk").failed("429"),
        span(1, 3, 1, (30, 99), chat(json!({"gen_ai.response.id": "a"}))).scope("sdk"),
    ]);
    assert_eq!(calls.len(), 1);
    assert!(calls[0].call.ok);
    assert_eq!(calls[0].call.error, None);
}

#[test]
fn a_stream_that_breaks_after_the_outer_span_ended() {
    let calls = calls(vec![
        span(1, 1, 0, (0, 5), chat(json!({}))),
        span(1, 2, 1, (1, 80), chat(json!({}))).scope("sdk").failed("peer closed the connection"),
    ]);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].call.error.as_deref(), Some("peer closed the connection"));
    assert_eq!(calls[0].call.duration_us, Some(80_000));
}

#[test]
fn one_instrumentation_does_not_describe_a_call_twice() {
    // A mock or a cache answers two calls of one client with one id, at the same time.
    let one = |id| span(id, id, 0, (0, 50), chat(json!({"gen_ai.response.id": "same"})));
    assert_eq!(calls(vec![one(1), one(2)]).len(), 2);
    // Another instrumentation's span of it is the same call.
    let other = span(3, 3, 0, (1, 49), chat(json!({"gen_ai.response.id": "same"}))).scope("sdk");
    assert_eq!(calls(vec![one(1), other]).len(), 1);
    // Hours later it is not.
    let later =
        span(3, 3, 0, (7_200_000, 7_200_010), chat(json!({"gen_ai.response.id": "same"}))).scope("sdk");
    assert_eq!(calls(vec![one(1), later]).len(), 2);
}

#[test]
fn failures_of_other_traces_meet_by_time_and_model() {
    let outer =
        |trace: u8, from, to| span(trace, 1, 0, (from, to), chat(json!({}))).scope("framework").failed("x");
    let inner = |trace: u8, from, to| span(trace, 1, 0, (from, to), chat(json!({}))).scope("sdk").failed("y");
    // Two at once: each inner one to the outer one that began last before it and holds it.
    let calls = calls(vec![outer(1, 0, 100), outer(2, 10, 50), inner(3, 12, 99), inner(4, 13, 49)]);
    assert_eq!(calls.len(), 2);
    let of = |trace: u8| {
        let mut bytes = [0; 16];
        bytes[15] = trace;
        alias::trace(&bytes)
    };
    let with = |a, b| calls.iter().any(|c| c.aliases.contains(&of(a)) && c.aliases.contains(&of(b)));
    assert!(with(1, 3) && with(2, 4));
    assert_eq!(calls[0].call.error.as_deref(), Some("x"));
}

#[test]
fn other_models_and_longer_spans_do_not_meet() {
    let outer = || span(1, 1, 0, (0, 100), chat(json!({}))).scope("framework").failed("x");
    let mut other = chat(json!({}));
    other["gen_ai.request.model"] = json!("claude-haiku");
    assert_eq!(calls(vec![outer(), span(2, 1, 0, (10, 90), other).scope("sdk").failed("y")]).len(), 2);
    assert_eq!(
        calls(vec![outer(), span(2, 1, 0, (10, 200), chat(json!({}))).scope("sdk").failed("y")]).len(),
        2
    );
}

#[test]
fn a_framework_that_does_not_activate_its_span_within_one_trace() {
    // server > chain > framework's call; the SDK's call hangs on the server.
    let calls = calls(vec![
        span(1, 1, 0, (0, 200), json!({"http.request.method": "POST"})),
        span(1, 2, 1, (5, 150), json!({"openinference.span.kind": "CHAIN"})),
        span(1, 3, 2, (10, 100), chat(json!({}))).scope("framework").failed("x"),
        span(1, 4, 1, (12, 98), chat(json!({}))).scope("sdk").failed("y"),
    ]);
    assert_eq!(calls.len(), 1);
}

#[test]
fn the_halves_of_streams_that_overlap_find_each_other() {
    let half = |id, from| {
        span(1, id, 9, (from, from + 2), chat(json!({"logfire.span_type": "span"}))).scope("logfire.openai")
    };
    let tail = |id, at, seconds: f64, tokens| {
        let more =
            json!({"logfire.span_type": "log", "duration": seconds, "gen_ai.usage.output_tokens": tokens});
        span(1, id, 9, (at, at), chat(more))
            .named("streaming response from 'gpt-4o' took 1s")
            .scope("logfire.openai")
    };
    let calls = calls(vec![half(1, 0), half(2, 10), tail(3, 100, 0.088, 7), tail(4, 120, 0.118, 9)]);
    assert_eq!(calls.len(), 2);
    // The stream that began at 2 ms took 118 ms; the one that began at 12 ms took 88 ms.
    assert_eq!((calls[0].call.output_tokens, calls[0].call.duration_us), (Some(9), Some(120_000)));
    assert_eq!((calls[1].call.output_tokens, calls[1].call.duration_us), (Some(7), Some(90_000)));
}

#[test]
fn units_of_the_first_token() {
    let first = |key: &str, value: Value, scope: &str| {
        let calls = calls(vec![span(1, 1, 0, (0, 2_000), chat(json!({key: value}))).scope(scope)]);
        calls[0].call.ttft_us
    };
    assert_eq!(first("gen_ai.response.time_to_first_chunk", json!(0.25), "x"), Some(250_000));
    assert_eq!(first("ai.response.msToFirstChunk", json!(250), "x"), Some(250_000));
    assert_eq!(first("gen_ai.server.time_to_first_token", json!(0.25), "x"), Some(250_000));
    assert_eq!(first("gen_ai.server.time_to_first_token", json!(250.0), "x"), Some(250_000));
    assert_eq!(
        first("gen_ai.server.time_to_first_token", json!(3.5), "openlit.instrumentation.ollama"),
        Some(3_500_000)
    );
    assert_eq!(first("gen_ai.response.time_to_first_chunk", json!(-1), "x"), None);
    assert_eq!(first("gen_ai.response.time_to_first_chunk", json!("soon"), "x"), None);
}

#[test]
fn a_judge_stands_between_its_calls_and_feedback_above() {
    let decoded = decoded(vec![
        span(1, 1, 0, (0, 100), json!({"openinference.span.kind": "AGENT", "prompt.name": "p"})),
        span(1, 2, 1, (1, 40), chat(json!({}))),
        span(1, 3, 1, (50, 90), json!({"openinference.span.kind": "EVALUATOR"})),
        span(1, 4, 3, (51, 89), chat(json!({}))),
    ]);
    let calls = resolve(&decoded.facts);
    let id = |id: u8| {
        let (mut trace, mut span) = ([0; 16], [0; 8]);
        (trace[15], span[7]) = (1, id);
        (alias::span(&trace, &span), alias::trace(&trace))
    };
    let (judged, judging) = (&calls[0], &calls[1]);
    assert!(judged.aliases.contains(&id(1).0) && judged.aliases.contains(&id(1).1));
    assert!(judging.aliases.contains(&id(3).0));
    assert!(!judging.aliases.contains(&id(1).0) && !judging.aliases.contains(&id(1).1));
    assert_eq!(judged.foreign.name.as_deref(), Some("p"));
    assert_eq!(judging.foreign.source, PromptSource::None);
}

#[test]
fn a_version_belongs_to_the_name_it_came_with() {
    let more = json!({"prompt_name": "a", "prompt_version": "9", "gen_ai.prompt.name": "b"});
    let calls = calls(vec![span(1, 1, 0, (0, 9), chat(more))]);
    assert_eq!(calls[0].foreign.name.as_deref(), Some("b"));
    assert_eq!(calls[0].foreign.version, None);
}

#[test]
fn two_conventions_on_one_span_are_one_count() {
    let more =
        json!({"gen_ai.usage.input_tokens": 10, "llm.token_count.prompt": 11, "ai.usage.inputTokens": 12});
    assert_eq!(calls(vec![span(1, 1, 0, (0, 9), chat(more))])[0].call.input_tokens, Some(10));
}

#[test]
fn values_that_are_none_and_values_that_are_absurd() {
    let more = json!({
        "gen_ai.usage.input_tokens": -5, "gen_ai.usage.output_tokens": "12", "gen_ai.usage.cost": -1.0,
        "user.id": "", "session.id": 7, "gen_ai.response.model": "x".repeat(10_000),
    });
    let calls = calls(vec![span(1, 1, 0, (0, 9), chat(more))]);
    let call = &calls[0].call;
    assert_eq!((call.input_tokens, call.output_tokens, call.cost), (None, Some(12), None));
    assert_eq!((call.user.as_deref(), call.session.as_deref()), (None, Some("7")));
    assert_eq!(call.model.len(), 256);
}

#[test]
fn values_of_variables_and_texts_are_not_kept() {
    let secret = "S3CRET";
    let more = json!({
        "llm.prompt_template.template": format!("Say {{x}} {secret}"),
        "llm.prompt_template.variables": format!(r#"{{"client":"{secret}"}}"#),
        "traceloop.prompt.template_variables.who": secret,
        "input.value": format!(r#"{{"messages":["{secret}"]}}"#),
        "output.value": format!(r#"{{"id":"r1","choices":["{secret}"]}}"#),
        "gen_ai.input.messages": secret,
    });
    let decoded = decoded(vec![span(1, 1, 0, (0, 9), chat(more))]);
    assert!(!serde_json::to_string(&decoded.facts).unwrap().contains(secret));
    assert_eq!(resolve(&decoded.facts)[0].foreign.variables, ["client"]);
}

#[test]
fn broken_clocks_and_ids_are_rejected_alone_and_can_be_sent_again() {
    let mut zero = span(0, 1, 0, (0, 9), chat(json!({})));
    let mut early = span(1, 2, 0, (0, 9), chat(json!({})));
    early.0["startTimeUnixNano"] = json!("12");
    let mut backwards = span(1, 3, 0, (0, 9), chat(json!({})));
    backwards.0["endTimeUnixNano"] = json!(START - 1);
    let mut short = span(1, 4, 0, (0, 9), chat(json!({})));
    short.0["spanId"] = json!("abc");
    zero.0["name"] = json!("zero");
    let decoded = decoded(vec![zero, early, backwards, short, span(1, 5, 0, (0, 9), chat(json!({})))]);
    assert_eq!(decoded.facts.len(), 1);
    let reasons: Vec<&str> = decoded.rejected.iter().map(|r| r.reason.as_str()).collect();
    let expected = ["the trace id is zero", "before 2010", "ends at", "the span id has 0 bytes"];
    assert!(expected.iter().zip(&reasons).all(|(part, reason)| reason.contains(part)), "{reasons:?}");
    for rejected in decoded.rejected {
        let again = take(&Headers::default(), &rejected.bytes, &Options::default()).unwrap();
        assert_eq!((again.facts.len(), again.rejected.len()), (0, 1));
        assert_eq!(again.rejected[0].reason, rejected.reason);
    }
}

#[test]
fn one_score_by_two_channels_is_one_feedback() {
    let score =
        json!({"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.label": "Thumbs Down"});
    let on_span =
        decoded(vec![span(1, 1, 0, (0, 9), chat(json!({}))).event("gen_ai.evaluation.result", 5, &score)]);
    let record = json!({
        "traceId": format!("{:032x}", 1), "spanId": format!("{:016x}", 1), "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": (START + 77).to_string(), "attributes": pairs(&score),
    });
    let other = json!({"eventName": "gen_ai.client.inference.operation.details", "attributes": []});
    let lost = json!({"eventName": "gen_ai.evaluation.result", "attributes": pairs(&score)});
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record, other, lost]}]}]}).to_string();
    let logs = take(&Headers::default(), body.as_bytes(), &Options::default()).unwrap();
    assert_eq!((logs.feedback.len(), logs.ignored.logs, logs.rejected.len()), (1, 1, 1));
    let (a, b) = (&on_span.feedback[0], &logs.feedback[0]);
    assert_eq!((&a.id, &a.target), (&b.id, &b.target));
    assert_eq!((a.signal, a.source), (Some(Signal::Negative), Source::User));
    assert!(resolve(&on_span.facts)[0].aliases.contains(&a.target.alias));
}

#[test]
fn feedback_by_session_and_by_the_answers_id() {
    let more = json!({"session.id": "s-1", "gen_ai.response.id": "resp-1"});
    let calls = calls(vec![span(1, 1, 0, (0, 9), chat(more))]);
    let scores = br#"[{"sessionId":"s-1","name":"user_feedback","value":0,"dataType":"BOOLEAN"},
        {"name":"x","value":1},{"traceId":"t-9","name":"quality","value":"good"}]"#;
    let headers = Headers { path: "/api/public/scores".into(), received_at: 5, ..Headers::default() };
    let decoded = take(&headers, scores, &Options::default()).unwrap();
    assert_eq!((decoded.feedback.len(), decoded.rejected.len()), (2, 1));
    assert_eq!(decoded.feedback[0].signal, Some(Signal::Negative));
    assert_eq!(decoded.feedback[0].at, 5);
    assert!(calls[0].aliases.contains(&decoded.feedback[0].target.alias));
    assert!(calls[0].aliases.contains(&alias::association("resp-1")));
}

#[test]
fn times_and_costs_that_no_clock_or_bill_gives_are_not_taken() {
    let headers = Headers { path: "/api/public/scores".into(), received_at: 5, ..Headers::default() };
    let scores = br#"[{"traceId":"t","name":"q","value":1,"timestamp":"+250000-01-01T00:00:00Z"},
        {"traceId":"t","name":"q","value":1,"timestamp":"1969-12-31T00:00:00Z"},
        {"traceId":"t","name":"q","value":1,"timestamp":"2199-12-31T00:00:00Z"}]"#;
    let decoded = take(&headers, scores, &Options::default()).unwrap();
    assert_eq!((decoded.feedback.len(), decoded.rejected.len()), (1, 2));
    assert!(decoded.rejected.iter().all(|r| r.reason.contains("1970 to 2199")), "{:?}", decoded.rejected);

    let score = json!({"gen_ai.evaluation.name": "user_feedback", "gen_ai.evaluation.score.label": "good"});
    let record = |at: u64| {
        json!({"traceId": format!("{:032x}", 1), "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": at.to_string(), "attributes": pairs(&score)})
    };
    let body = json!({"resourceLogs": [{"scopeLogs": [{"logRecords": [record(START), record(u64::MAX)]}]}]});
    let logs = take(&Headers::default(), body.to_string().as_bytes(), &Options::default()).unwrap();
    assert_eq!((logs.feedback.len(), logs.rejected.len()), (1, 1));

    // A span's event is dated by its span.
    for at in [json!(0), json!(u64::MAX)] {
        let mut span = span(1, 1, 0, (0, 9), chat(json!({}))).event("gen_ai.evaluation.result", 5, &score);
        span.0["events"][0]["timeUnixNano"] = at;
        assert_eq!(self::decoded(vec![span]).feedback[0].at, (START / 1_000_000) as i64 + 9);
    }

    for (at, taken) in [("1e300", 0), ("-5", 0), ("1795000000.5", 1_795_000_000_500)] {
        let file = format!(r#"{{"path":"/v1/traces","received_at":{at}}}"#);
        assert_eq!(Headers::from_capture(file.as_bytes()).unwrap().received_at, taken);
    }

    let cost =
        |usd: f64| calls(vec![span(1, 1, 0, (0, 9), chat(json!({"gen_ai.usage.cost": usd})))])[0].call.cost;
    assert_eq!((cost(10_000.0), cost(10_000.1)), (Some(10_000_000_000_000), None));
}

#[test]
fn calls_sent_to_langfuses_ingestion_are_refused_and_not_lost() {
    let headers = Headers { path: "/api/public/ingestion".into(), received_at: 5, ..Headers::default() };
    let batch =
        br#"{"batch":[{"type":"generation-create","body":{"id":"g"}},{"type":"span-update","body":{}},
        {"type":"sdk-log","body":{}},{"type":"trace-create","body":{"name":"t"}},{"body":{}},
        {"type":"score-create","body":{"traceId":"t","name":"q","value":1}},
        {"type":"score-create","body":{"name":"lost","value":1}}]}"#;
    let decoded = take(&headers, batch, &Options::default()).unwrap();
    assert_eq!((decoded.feedback.len(), decoded.ignored.requests, decoded.rejected.len()), (1, 2, 4));
    assert!(decoded.rejected[1].reason.contains("`generation-create`"), "{:?}", decoded.rejected);
    assert!(decoded.rejected[1..].iter().all(|r| r.reason.contains("send OTLP")));
    for rejected in &decoded.rejected {
        let again = take(&headers, &rejected.bytes, &Options::default()).unwrap();
        assert_eq!(again.rejected, std::slice::from_ref(rejected));
    }
    let ask = |path: &str| {
        let headers = Headers { path: path.into(), ..Headers::default() };
        take(&headers, b"{}", &Options::default())
    };
    assert_eq!(ask("/api/public/v2/prompts").unwrap().ignored.requests, 1);
    for path in ["/api/public/generations", "/api/public/spans", "/api/public/v2/promptsx", "/api/publi"] {
        assert!(matches!(ask(path), Err(human::intake::DecodeError::UnknownPath(_))), "{path}");
    }
}

#[test]
fn requests_without_telemetry_and_unknown_paths() {
    let ask = |method: &str, path: &str, body: &[u8]| {
        let headers = Headers { method: method.into(), path: path.into(), ..Headers::default() };
        take(&headers, body, &Options::default())
    };
    assert_eq!(ask("GET", "/whatever", b"").unwrap().ignored.requests, 1);
    assert_eq!(ask("POST", "/api/prompt/get-compiled", b"{}").unwrap().ignored.requests, 1);
    assert_eq!(ask("POST", "/v1/traces", b"").unwrap().ignored.requests, 1);
    assert_eq!(ask("POST", "/v1/metrics", b"\x0a\x00").unwrap().ignored.metrics, 1);
    assert!(ask("POST", "/elsewhere", b"x").unwrap_err().to_string().contains("/elsewhere"));
    let headers =
        Headers { path: "/v1/traces".into(), content_encoding: Some("br".into()), ..Headers::default() };
    assert!(take(&headers, b"x", &Options::default()).unwrap_err().to_string().contains("`br`"));
}

#[test]
fn litellm_tells_the_answers_id_in_a_span_below() {
    let calls = calls(vec![
        span(1, 1, 0, (0, 100), chat(json!({}))).scope("litellm"),
        span(1, 2, 1, (0, 100), json!({"llm.openai.id": "chatcmpl-1"}))
            .named("raw_gen_ai_request")
            .scope("litellm"),
        span(2, 1, 0, (5, 90), chat(json!({"gen_ai.response.id": "chatcmpl-1"}))).scope("sdk"),
    ]);
    assert_eq!(calls.len(), 1);
}
