//! Foreign telemetry arrives in pieces, out of order, twice, and sometimes broken. Whatever happens on the way, the
//! calls are the same in the end, and nothing that arrives can stop or exhaust the process.
#![allow(clippy::unwrap_used, reason = "a test")]

mod corpus;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use wire::{fixed, message};

use corpus::{Body, bodies, corpus, runs, world};
use flate2::Compression;
use flate2::write::GzEncoder;
use human::intake::{DecodeError, Headers, Limits, Options, Resolved, SpanFact, links, resolve, take};
use proptest::prelude::*;

/// A small generator, so that an order can be repeated from its seed.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
    }

    fn shuffle<T>(&mut self, list: &mut [T]) {
        for i in (1..list.len()).rev() {
            list.swap(i, self.below(i + 1));
        }
    }
}

#[test]
fn order_and_repetition_of_facts_change_nothing() {
    let Some(corpus) = corpus() else { return };
    let mut dice = Dice(7);
    for run in runs(&corpus) {
        let facts = world(&bodies(&run)).facts;
        let expected = resolve(&facts);
        for _ in 0..20 {
            let mut mixed = facts.clone();
            mixed.extend(facts.iter().filter(|_| dice.below(2) == 0).cloned());
            dice.shuffle(&mut mixed);
            assert_eq!(resolve(&mixed), expected, "{}", run.display());
        }
    }
}

#[test]
fn every_prefix_of_the_bodies_can_be_resolved() {
    let Some(corpus) = corpus() else { return };
    for run in runs(&corpus) {
        let (mut facts, mut ids, mut replaced) = (Vec::new(), BTreeSet::new(), 0);
        for body in bodies(&run) {
            facts.extend(world(&[body]).facts);
            let now: BTreeSet<String> = resolve(&facts).into_iter().map(|r| r.call.provenance_id).collect();
            replaced += ids.difference(&now).count();
            ids = now;
        }
        println!("{}: {} calls, {replaced} ids replaced on the way", run.display(), ids.len());
    }
}

/// Facts as a store keeps them: by trace and by link. Resolves a body's traces together with what links them.
#[derive(Default)]
struct Shelf {
    traces: BTreeMap<[u8; 16], Vec<SpanFact>>,
    linked: BTreeMap<u64, BTreeSet<[u8; 16]>>,
    calls: BTreeMap<BTreeSet<[u8; 16]>, Vec<Resolved>>,
}

impl Shelf {
    fn add(&mut self, body: Body) {
        let mut reached: BTreeSet<[u8; 16]> = BTreeSet::new();
        for fact in world(&[body]).facts {
            for link in links(&fact) {
                self.linked.entry(link).or_default().insert(fact.trace);
            }
            reached.insert(fact.trace);
            self.traces.entry(fact.trace).or_default().push(fact);
        }
        let mut open: Vec<[u8; 16]> = reached.iter().copied().collect();
        let mut groups: Vec<BTreeSet<[u8; 16]>> = Vec::new();
        while let Some(start) = open.pop() {
            let mut group = BTreeSet::from([start]);
            let mut next = vec![start];
            while let Some(trace) = next.pop() {
                for link in self.traces[&trace].iter().flat_map(links) {
                    next.extend(self.linked[&link].iter().filter(|other| group.insert(**other)));
                }
            }
            open.retain(|trace| !group.contains(trace));
            groups.push(group);
        }
        for group in groups {
            self.calls.retain(|old, _| old.is_disjoint(&group));
            let facts: Vec<SpanFact> = group.iter().flat_map(|trace| self.traces[trace].clone()).collect();
            self.calls.insert(group, resolve(&facts));
        }
    }
}

#[test]
fn traces_that_share_a_link_are_all_that_a_call_needs() {
    let Some(corpus) = corpus() else { return };
    let mut dice = Dice(11);
    for run in runs(&corpus) {
        let expected = resolve(&world(&bodies(&run)).facts);
        for order in 0..6 {
            let mut bodies = bodies(&run);
            match order {
                0 => {}
                1 => bodies.reverse(),
                _ => dice.shuffle(&mut bodies),
            }
            let mut shelf = Shelf::default();
            for body in bodies {
                shelf.add(body);
            }
            let mut calls: Vec<Resolved> = shelf.calls.into_values().flatten().collect();
            calls.sort_by(|a, b| (a.call.at, &a.call.provenance_id).cmp(&(b.call.at, &b.call.provenance_id)));
            assert_eq!(calls, expected, "{} in order {order}", run.display());
        }
    }
}

#[test]
fn a_span_needs_few_links() {
    let Some(corpus) = corpus() else { return };
    let (mut spans, mut rows, mut most) = (0, 0, 0);
    for run in runs(&corpus) {
        for fact in world(&bodies(&run)).facts {
            let links = links(&fact).len();
            (spans, rows, most) = (spans + 1, rows + links, most.max(links));
        }
    }
    println!("{rows} links for {spans} spans, at most {most}");
    assert!(most <= 3);
}

fn swallow(bytes: &[u8], headers: &Headers) {
    let options = Options { limits: Limits { body: 1 << 20 }, ..Options::default() };
    if let Ok(decoded) = take(headers, bytes, &options) {
        let calls = resolve(&decoded.facts);
        assert!(calls.len() <= decoded.facts.len());
        for rejected in decoded.rejected {
            assert!(!rejected.reason.is_empty());
        }
    }
}

fn corpus_bodies() -> Vec<(Headers, Vec<u8>)> {
    let Some(corpus) = corpus() else { return Vec::new() };
    let bodies = runs(&corpus).into_iter().flat_map(|run| bodies(&run)).filter(|body| !body.bytes.is_empty());
    bodies.map(|body| (body.headers, body.bytes)).collect()
}

fn headers(path: &str) -> Headers {
    Headers { path: path.into(), ..Headers::default() }
}

#[test]
fn broken_bodies_of_every_kind_break_nothing() {
    let bodies = corpus_bodies();
    let mut dice = Dice(3);
    for (headers, bytes) in &bodies {
        for _ in 0..60 {
            swallow(&bytes[..dice.below(bytes.len())], headers);
            let mut flipped = bytes.clone();
            for _ in 0..=dice.below(8) {
                let at = dice.below(flipped.len());
                flipped[at] ^= 1 << dice.below(8);
            }
            swallow(&flipped, headers);
            swallow(&flipped, &self::headers(""));
        }
    }
}

#[test]
fn broken_bodies_below_the_compression_break_nothing() {
    let mut dice = Dice(5);
    for (headers, bytes) in corpus_bodies() {
        let mut plain = Vec::new();
        if bytes.starts_with(&[0x1f, 0x8b]) {
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut plain).unwrap();
        } else {
            plain = bytes;
        }
        let headers = Headers { content_encoding: None, ..headers };
        for _ in 0..40 {
            let mut broken = plain.clone();
            let at = dice.below(broken.len());
            broken[at] = dice.below(256) as u8;
            if dice.below(4) == 0 {
                let at = dice.below(broken.len());
                broken.drain(at..broken.len().min(at + 1 + dice.below(40)));
            }
            swallow(&broken, &headers);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn random_bytes_break_nothing(bytes in prop::collection::vec(any::<u8>(), 0..600), path in 0..7_usize) {
        const PATHS: &[&str] = &[
            "", "/v1/traces", "/v1/logs", "/v1/metrics", "/api/public/scores", "/api/public/ingestion",
            "/v2/annotation-tasks/t/annotations",
        ];
        swallow(&bytes, &headers(PATHS[path]));
    }

    #[test]
    fn random_parents_form_no_trap(parents in prop::collection::vec((0..40_u8, any::<bool>(), 0..4_u64), 1..60)) {
        let mut facts = Vec::new();
        for (i, (parent, call, start)) in parents.into_iter().enumerate() {
            facts.push(fact(i as u64, Some(u64::from(parent)), call, start * 1_000_000));
        }
        let calls = resolve(&facts);
        facts.reverse();
        prop_assert_eq!(resolve(&facts), calls);
    }
}

fn fact(span: u64, parent: Option<u64>, call: bool, after_ns: u64) -> SpanFact {
    use human::intake::span::{CallFact, Kind};
    let start_ns = 1_795_000_000_000_000_000 + after_ns;
    SpanFact {
        trace: [1; 16],
        span: (span + 1).to_be_bytes(),
        parent: parent.map(|parent| (parent + 1).to_be_bytes()),
        start_ns,
        end_ns: start_ns + 1_000_000,
        kind: if call { Kind::ModelCall } else { Kind::Wrapper },
        call: call.then(|| Box::new(CallFact { ok: true, ..CallFact::default() })),
        prompt: None,
        session: None,
        user: None,
        agent: None,
    }
}

#[test]
fn large_groups_cost_little() {
    const N: u64 = 20_000;
    let started = std::time::Instant::now();
    // One chain of parents, thousands deep, with calls all along it, each below a tool of its own.
    let mut chain: Vec<SpanFact> = (0..N).map(|i| fact(i, i.checked_sub(1), i % 2 == 0, i * 1_000)).collect();
    for fact in chain.iter_mut().filter(|f| f.call.is_none()) {
        fact.kind = human::intake::span::Kind::Tool;
    }
    assert_eq!(resolve(&chain).len() as u64, N / 2);
    println!("chain: {:?}", started.elapsed());

    // A circle: it is cut somewhere, and its calls are one.
    let circle: Vec<SpanFact> = (0..N).map(|i| fact(i, Some((i + 1) % N), true, 0)).collect();
    assert_eq!(resolve(&circle).len(), 1);
    println!("circle: {:?}", started.elapsed());

    // Roots of one process and model, all at once, all failed: nothing contains anything, everything might.
    let mut storm: Vec<SpanFact> = (0..N).map(|i| fact(i, None, true, i)).collect();
    for (i, fact) in storm.iter_mut().enumerate() {
        fact.trace = (i as u128 + 1).to_be_bytes();
        fact.call.as_mut().unwrap().ok = false;
        fact.call.as_mut().unwrap().scope = format!("scope {}", i % 3);
    }
    let calls = resolve(&storm).len() as u64;
    println!("storm: {:?}, {calls} calls", started.elapsed());
    assert!(calls <= N);

    // One answer's id on everything.
    for fact in &mut storm {
        fact.call.as_mut().unwrap().response_id = Some("x".into());
    }
    assert!(resolve(&storm).len() as u64 >= N / 3);
    println!("one id: {:?}", started.elapsed());
}

#[test]
fn depth_costs_no_stack() {
    // JSON: an array value within an array value, 100,000 deep.
    let depth = 100_000;
    let value = format!("{}{}", r#"{"arrayValue":{"values":["#.repeat(depth), "]}}".repeat(depth));
    let body = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{{"traceId":"{}","spanId":"{}","name":"chat m",
        "startTimeUnixNano":"1795000000000000000","endTimeUnixNano":1795000001000000000,
        "attributes":[{{"key":"x","value":{value}}},{{"key":"gen_ai.operation.name","value":{{"stringValue":"chat"}}}}]}}]}}]}}]}}"#,
        "1".repeat(32),
        "2".repeat(16),
    );
    let decoded = take(&headers("/v1/traces"), body.as_bytes(), &Options::default()).unwrap();
    assert_eq!(resolve(&decoded.facts).len(), 1);

    // Protobuf: a kvlist within a kvlist.
    let mut value = Vec::new();
    for _ in 0..20_000 {
        value = message(6, &message(1, &message(2, &value)));
    }
    let span = [
        message(1, &[1; 16]),
        message(2, &[2; 8]),
        fixed(7, 1_795_000_000_000_000_000),
        fixed(8, 1_795_000_001_000_000_000),
        message(9, &[message(1, b"x"), message(2, &value)].concat()),
        message(9, &[message(1, b"gen_ai.operation.name"), message(2, &message(1, b"chat"))].concat()),
    ]
    .concat();
    let body = message(1, &message(2, &message(2, &span)));
    let decoded = take(&headers("/v1/traces"), &body, &Options::default()).unwrap();
    assert_eq!(resolve(&decoded.facts).len(), 1);
}

#[test]
fn a_bomb_is_refused_by_its_size() {
    let mut bomb = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..80 {
        bomb.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    assert!(bomb.len() < 1 << 18);
    let refused = take(&headers("/v1/traces"), &bomb, &Options::default());
    assert_eq!(refused, Err(DecodeError::TooLong { limit: 64 << 20 }));
}

#[test]
fn bodies_of_nothing_but_empty_spans_are_refused_whole() {
    // Two bytes a span: a million of them must not become a million rejections.
    let body = message(1, &message(2, &[0x12, 0].repeat(1_000_000)));
    let Err(DecodeError::Malformed { why, .. }) = take(&headers("/v1/traces"), &body, &Options::default())
    else {
        panic!("the body was taken");
    };
    assert!(why.contains("the trace id has 0 bytes"), "{why}");
}

/// Prints what decoding and resolving cost; to be run optimized: `cargo test --release --test otlp_order -- --ignored
/// --nocapture speed`.
#[test]
#[ignore = "a measurement, not a test"]
fn speed_of_decoding_and_resolving() {
    const ROUNDS: u32 = 200;
    let Some(corpus) = corpus() else { return };
    for run in runs(&corpus) {
        let bodies: Vec<Body> = bodies(&run).into_iter().filter(|b| b.name.ends_with("_traces")).collect();
        let facts = world(&bodies).facts;
        let bytes: usize = bodies.iter().map(|b| b.bytes.len()).sum();
        let started = std::time::Instant::now();
        for _ in 0..ROUNDS {
            for body in &bodies {
                std::hint::black_box(take(&body.headers, &body.bytes, &Options::default()).unwrap());
            }
        }
        let decoding = started.elapsed() / ROUNDS / facts.len() as u32;
        let started = std::time::Instant::now();
        for _ in 0..ROUNDS {
            std::hint::black_box(resolve(&facts));
        }
        let resolving = started.elapsed() / ROUNDS / facts.len() as u32;
        let name = run.file_name().unwrap().to_string_lossy().into_owned();
        println!(
            "{name:16} {:>6} bytes/span, decode {decoding:>9.2?}/span, resolve {resolving:>9.2?}/span",
            bytes / facts.len()
        );
    }
}
