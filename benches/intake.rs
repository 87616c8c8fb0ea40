//! How fast telemetry becomes durable, and how much disk a call takes.
//!
//! `cargo bench --bench intake`; `CALLS=1000000` changes the size. Each line is the median of three runs on a fresh
//! store in the temporary folder, closed at the end, so that everything is on disk and folded. CPU seconds are those of
//! all threads: on a busy machine they say more than the clock. A word after `--` chooses the lines that have it.

use std::io::Cursor;
use std::path::Path;
use std::time::Instant;

use human::config::{Config, Overrides};
use human::demo::{Plan, World};
use human::domain::event::Event;
use human::intake::events::{call_line, feedback_line};
use human::intake::{Format, Headers};
use human::service::Service;
use human::store::Access;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-11-22, so that the world does not depend on the day of the run.
const END: i64 = 1_795_305_600_000;
const RUNS: usize = 3;

fn main() {
    let calls: u64 = std::env::var("CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(500_000);
    println!("{:<44} {:>12} {:>10} {:>12} {:>12}", "", "items", "seconds", "items/s", "CPU us/item");

    let world = World::new(Plan { calls, ..Plan::standard(END) });
    let mut lines = String::new();
    let mut events = 0;
    for event in world.traffic() {
        let line = match &event {
            Event::Call(call) => call_line(call),
            Event::Feedback(feedback) => feedback_line(feedback, &feedback.target.text),
        };
        lines.push_str(&line.expect("an event is JSON"));
        lines.push('\n');
        events += 1;
    }
    measure("native JSONL to durable", events, |service| {
        let mut intake = service.intake().expect("intake");
        intake.stream(Cursor::new(lines.as_bytes()), "bench", Format::Jsonl).expect("read");
        intake.finish().expect("commit").accepted
    });

    for spans_per_trace in [1, 5] {
        let bodies = bodies(200_000, spans_per_trace);
        let mean = bodies.iter().map(Vec::len).sum::<usize>() / 200_000;
        let name = format!("OTLP protobuf to durable, {spans_per_trace} a trace, {mean} B");
        measure(&name, 200_000, |service| {
            let headers = Headers {
                path: "/v1/traces".into(),
                content_type: Some("application/x-protobuf".into()),
                ..Headers::default()
            };
            let mut intake = service.intake().expect("intake");
            for body in &bodies {
                intake.body(&headers, body.clone(), "bench").expect("read");
            }
            intake.finish().expect("commit").spans
        });
    }

    let dir = tempfile::tempdir().expect("a folder");
    let service = open(&dir.path().join("store.db"));
    let began = Instant::now();
    service.make_demo(&world).expect("world");
    let path = service.path().to_owned();
    service.close().expect("close");
    let bytes = std::fs::metadata(path).expect("store").len();
    println!(
        "demo world: {calls} calls in {:.2} s, {bytes} bytes, {:.1} bytes a call",
        began.elapsed().as_secs_f64(),
        bytes as f64 / calls as f64
    );
}

fn open(path: &Path) -> Service {
    let overrides = Overrides { store: Some(path.to_owned()), config: None };
    Service::open(Config::load(&overrides).expect("configuration"), Access::Write).expect("store")
}

/// CPU seconds of this process so far, where the system says it (Linux, in hundredths).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or("").split_whitespace();
    fields.skip(11).take(2).filter_map(|f| f.parse::<f64>().ok()).sum::<f64>() / 100.0
}

fn wanted(name: &str) -> bool {
    std::env::args().skip(1).filter(|a| !a.starts_with('-')).all(|word| name.contains(&word))
}

fn measure(name: &str, items: u64, run: impl Fn(&Service) -> u64) {
    if !wanted(name) {
        return;
    }
    let before = cpu();
    let mut seconds: Vec<f64> = (0..RUNS)
        .map(|_| {
            let dir = tempfile::tempdir().expect("a folder");
            let service = open(&dir.path().join("store.db"));
            let began = Instant::now();
            let taken = run(&service);
            service.close().expect("close");
            let elapsed = began.elapsed().as_secs_f64();
            assert_eq!(taken, items, "{name}");
            elapsed
        })
        .collect();
    seconds.sort_by(f64::total_cmp);
    let median = seconds[RUNS / 2];
    let each = (cpu() - before) * 1e6 / (RUNS as u64 * items) as f64;
    println!("{name:<44} {items:>12} {median:>10.2} {:>12.0} {each:>12.2}", items as f64 / median);
}

/// Bodies of 500 spans: model calls as the OpenTelemetry GenAI conventions describe them, below an agent's span where
/// a trace has several.
fn bodies(spans: u64, per_trace: u64) -> Vec<Vec<u8>> {
    let span = |i: u64| -> Vec<u8> {
        let trace = (u128::from(i / per_trace) + 1) * 0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835;
        let id = (i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let root = (i / per_trace * per_trace + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let start = 1_795_000_000_000_000_000 + i * 1_000_000;
        let is_root = per_trace > 1 && i.is_multiple_of(per_trace);
        let mut out = Vec::new();
        bytes(&mut out, 1, &trace.to_be_bytes());
        bytes(&mut out, 2, &id.to_be_bytes());
        if id != root {
            bytes(&mut out, 4, &root.to_be_bytes());
        }
        bytes(&mut out, 5, if is_root { b"invoke_agent reviewer" } else { b"chat gpt-4o" });
        varint(&mut out, 6 << 3);
        varint(&mut out, 3);
        fixed(&mut out, 7, start);
        fixed(&mut out, 8, start + 1_200_000_000);
        let operation = if is_root { "invoke_agent" } else { "chat" };
        text(&mut out, "gen_ai.operation.name", operation);
        text(&mut out, "gen_ai.provider.name", "openai");
        text(&mut out, "gen_ai.request.model", "gpt-4o");
        text(&mut out, "gen_ai.conversation.id", &format!("session-{}", i / 7));
        if !is_root {
            text(&mut out, "gen_ai.response.model", "gpt-4o-2024-08-06");
            text(&mut out, "gen_ai.response.id", &format!("chatcmpl-{id:016x}"));
            text(&mut out, "gen_ai.prompt.name", &format!("legal.prompt-{}", i % 50));
            text(&mut out, "gen_ai.prompt.version", "1.2.0");
            number(&mut out, "gen_ai.usage.input_tokens", 500 + i % 900);
            number(&mut out, "gen_ai.usage.output_tokens", 100 + i % 300);
        }
        out
    };
    (0..spans)
        .step_by(500)
        .map(|first| {
            let mut scope = Vec::new();
            for i in first..(first + 500).min(spans) {
                bytes(&mut scope, 2, &span(i));
            }
            let mut resource = Vec::new();
            bytes(&mut resource, 2, &scope);
            let mut body = Vec::new();
            bytes(&mut body, 1, &resource);
            body
        })
        .collect()
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn bytes(out: &mut Vec<u8>, field: u64, value: &[u8]) {
    varint(out, field << 3 | 2);
    varint(out, value.len() as u64);
    out.extend_from_slice(value);
}

fn fixed(out: &mut Vec<u8>, field: u64, value: u64) {
    varint(out, field << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

fn attribute(out: &mut Vec<u8>, key: &str, value: &[u8]) {
    let mut pair = Vec::new();
    bytes(&mut pair, 1, key.as_bytes());
    bytes(&mut pair, 2, value);
    bytes(out, 9, &pair);
}

fn text(out: &mut Vec<u8>, key: &str, value: &str) {
    let mut any = Vec::new();
    bytes(&mut any, 1, value.as_bytes());
    attribute(out, key, &any);
}

fn number(out: &mut Vec<u8>, key: &str, value: u64) {
    let mut any = Vec::new();
    varint(&mut any, 3 << 3);
    varint(&mut any, value);
    attribute(out, key, &any);
}
