//! Hostile input in every format that is taken: whatever comes, nothing panics, memory stays bounded, each input is
//! counted, quarantined with its bytes, or refused with a clear error, and the store stays sound.
//!
//! `HUMAN_HOSTILE` says how many cases there are (default 3,000); a case can be thrown again from its number.
#![allow(clippy::unwrap_used, reason = "a test")]

mod corpus;
mod dice;
mod mutation;
mod telemetry;
mod wire;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use dice::Dice;
use flate2::Compression;
use flate2::write::GzEncoder;
use human::config::{Config, Overrides};
use human::domain::model::Day;
use human::domain::prompt_file::PromptFile;
use human::engine::lint;
use human::intake::{Format, Headers, Intake, IntakeError, Receipt, prices};
use human::service::Service;
use human::store::{Access, Quarantined, Store};
use mutation::{gzip, mutate};
use telemetry::{Native, Spans};

/// Cases that share a store.
const OF_STORE: usize = 4_000;
/// Cases after which the quarantine is compared with the inputs.
const OF_ROUND: usize = 50;

fn open(folder: &Path) -> Service {
    let config = folder.join("empty.toml");
    fs::write(&config, "").unwrap();
    let overrides = Overrides { store: Some(folder.join("store.db")), config: Some(config) };
    Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap()
}

/// How an input reaches the intake.
#[derive(Clone)]
enum Way {
    /// As a file of native events, one a line.
    Lines,
    /// As a file or stream of which nothing is said.
    Stream,
    /// As an HTTP body.
    Body(Headers),
    /// As a price table.
    Prices,
    /// As a prompt file.
    Prompt,
}

struct Sample {
    way: Way,
    bytes: Vec<u8>,
}

fn headers(path: &str, content_type: &str) -> Headers {
    Headers {
        method: "POST".into(),
        path: path.into(),
        content_type: Some(content_type.into()),
        ..Headers::default()
    }
}

const SCORES: &str = r#"[{"id":"s1","traceId":"00000002000000000000000000000001","observationId":"0000000000000001","name":"user_feedback","value":1,"dataType":"BOOLEAN","comment":"thanks"},{"traceId":"00000002000000000000000000000002","name":"helpfulness","value":0.35},{"traceId":"00000002000000000000000000000003","name":"user_feedback","value":"rephrase","stringValue":"rephrase","dataType":"CATEGORICAL","timestamp":"2026-11-22T10:00:00Z"}]"#;
const ANNOTATION: &str = r#"{"entity_instance_id":"doc-17","tags":{"sentiment":"positive","score":0.9,"needs_rephrase":["tone","length"]},"source":"sdk","flow":"user_feedback","actor":{"type":"service","id":"x"}}"#;
const PROMPT: &str = "---\nname: legal.contract-analysis\ndescription: Finds obligations.\nmodel: gpt-4o\ninput: { schema: { contract: string, jurisdiction: string } }\nhuman.scope: org\nhuman.org: ACME\nhuman.version: 1.0.0\nhuman.requires: [json, tools]\n---\nYou are a contract analyst for {{jurisdiction}} law.\n{{#if contract}}{{#each clauses}}{{this.text}}{{/each}}{{/if}}\n";
const LITELLM: &str = r#"{"sample_spec":{"mode":"chat"},"gpt-4o":{"input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,"litellm_provider":"openai","mode":"chat","max_input_tokens":128000,"supports_vision":true},"claude-sonnet-4":{"input_cost_per_token":3e-06,"output_cost_per_token":1.5e-05,"cache_read_input_token_cost":3e-07,"litellm_provider":"anthropic","mode":"chat"}}"#;
const MODELS_DEV: &str = r#"{"openai":{"id":"openai","name":"OpenAI","models":{"gpt-4o":{"id":"gpt-4o","name":"GPT-4o","attachment":true,"tool_call":true,"release_date":"2024-05-13","last_updated":"2024-08-06","modalities":{"input":["text","image"],"output":["text"]},"cost":{"input":2.5,"output":10,"cache_read":1.25},"limit":{"context":128000,"output":16384}}}}}"#;
const OPEN_ROUTER: &str = r#"{"data":[{"id":"openai/gpt-4o","name":"GPT-4o","created":1715558400,"context_length":128000,"architecture":{"input_modalities":["text","image"]},"pricing":{"prompt":"0.0000025","completion":"0.00001"},"supported_parameters":["tools"]}]}"#;

/// Something whole of every format.
fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |way: Way, bytes: &[u8]| samples.push(Sample { way, bytes: bytes.to_vec() });
    for seed in 0..6 {
        let native = Native::new(50 + seed, 12);
        let lines = native.lines.join("\n");
        add(Way::Lines, lines.as_bytes());
        add(Way::Stream, lines.as_bytes());
        let events: Vec<&String> = native.lines.iter().filter(|l| l.ends_with('}')).collect();
        let array = format!("[{}]", events.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", "));
        add(Way::Stream, array.as_bytes());
        let body = &Spans::new(60 + seed, 4, 4).bodies[0];
        add(Way::Body(headers("/v1/traces", "application/json")), body.as_bytes());
        add(Way::Stream, body.as_bytes());
    }
    for proto in [mutation::protobuf_body(1), mutation::protobuf_body(9)] {
        add(Way::Body(headers("/v1/traces", "application/x-protobuf")), &proto);
        add(Way::Stream, &proto);
    }
    for _ in 0..4 {
        add(Way::Body(headers("/api/public/scores", "application/json")), SCORES.as_bytes());
        add(
            Way::Body(headers("/v2/annotation-tasks/quality/annotations", "application/json")),
            ANNOTATION.as_bytes(),
        );
        add(Way::Prompt, PROMPT.as_bytes());
    }
    add(Way::Stream, SCORES.as_bytes());
    add(Way::Stream, ANNOTATION.as_bytes());
    let own = include_str!("../assets/prices.csv").lines().take(12).collect::<Vec<_>>().join("\n");
    for table in [LITELLM, MODELS_DEV, OPEN_ROUTER, &own] {
        add(Way::Prices, table.as_bytes());
    }
    if let Some(corpus) = corpus::corpus() {
        for run in corpus::runs(&corpus) {
            for body in corpus::bodies(&run).into_iter().filter(|b| !b.bytes.is_empty()) {
                samples.push(Sample { way: Way::Body(body.headers), bytes: body.bytes });
            }
        }
    }
    samples
}

/// What a case must leave behind.
struct Case {
    /// Bytes that must be in the quarantine, once the round is committed.
    kept: Option<Vec<u8>>,
    /// The input as the intake saw it, of which every quarantined part must be a piece; none for bodies, whose
    /// rejected spans are wrapped anew.
    whole: Option<Vec<u8>>,
}

/// Says which case was under way when something panicked.
struct Under(usize);

impl Drop for Under {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("case {} failed", self.0);
        }
    }
}

fn taken(service: &Service, feed: impl FnOnce(&mut Intake<'_>) -> Result<(), IntakeError>) -> Receipt {
    let mut intake = service.intake().unwrap();
    feed(&mut intake).unwrap();
    intake.finish().unwrap()
}

/// What an archive holds, up to where it is damaged, and whether it is whole.
fn unpacked(bytes: &[u8]) -> (Vec<u8>, bool) {
    let mut plain = Vec::new();
    let mut decoder = flate2::read::MultiGzDecoder::new(bytes);
    let whole = std::io::Read::read_to_end(&mut decoder, &mut plain).is_ok();
    (plain, whole)
}

fn throw(service: &Service, samples: &[Sample], number: usize) -> Case {
    let _under = Under(number);
    let mut dice = Dice::new(number as u64);
    let sample = dice.one(samples);
    let other = &dice.one(samples).bytes;
    let bytes = mutate(&mut dice, &sample.bytes, other);
    let packed = dice.below(4) == 0;
    let mut sent = if packed { gzip(&bytes) } else { bytes.clone() };
    if packed && dice.below(2) == 0 {
        sent = mutate(&mut dice, &sent, other);
    }
    let nothing = Case { kept: None, whole: None };
    match &sample.way {
        Way::Lines | Way::Stream => {
            let format = if matches!(sample.way, Way::Lines) { Format::Jsonl } else { Format::Auto };
            let receipt = taken(service, |intake| intake.stream(sent.as_slice(), "hostile", format));
            let archive = sent.starts_with(&[0x1f, 0x8b]);
            let (plain, whole) = if archive { unpacked(&sent) } else { (sent.clone(), true) };
            if !whole {
                assert!(receipt.quarantined > 0, "a damaged archive went without a word");
                return Case { kept: Some(sent), whole: Some(plain) };
            }
            let text = plain.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&plain);
            let events = receipt.accepted + receipt.duplicate + receipt.quarantined;
            if format == Format::Jsonl && !text.trim_ascii_start().starts_with(b"[") {
                let lines = text.split(|b| *b == b'\n').filter(|line| !line.trim_ascii().is_empty()).count();
                assert_eq!(events, lines as u64, "each line is counted or quarantined");
            } else {
                let empty = text.iter().all(|b| b.is_ascii_whitespace() || b"[],".contains(b));
                let read = events + receipt.spans + receipt.corrected;
                assert!(empty || read > 0 || means_nothing(text), "an input went without a word");
            }
            Case { kept: None, whole: Some(plain) }
        }
        Way::Body(headers) => {
            let encoding = (packed || headers.content_encoding.is_some()).then(|| "gzip".to_owned());
            let headers = Headers { content_encoding: encoding, ..headers.clone() };
            let refused = human::intake::take(&headers, &sent, &human::intake::Options::default()).is_err();
            let receipt = taken(service, |intake| intake.body(&headers, sent.clone(), "hostile").map(drop));
            assert!(!refused || receipt.quarantined == 1, "a refused body is quarantined");
            Case { kept: refused.then_some(sent), whole: None }
        }
        Way::Prices => {
            match prices::read(&sent, "hostile", None, Day(20_000)) {
                Ok((_, table)) => drop(service.import_models(table.prices, table.cards).unwrap()),
                Err(error) => assert!(error.to_string().len() < 2_000, "{error}"),
            }
            nothing
        }
        Way::Prompt => {
            match PromptFile::parse("hostile.prompt", &sent) {
                Ok(file) => drop(lint::lint(&file, None)),
                Err(error) => assert!(!error.to_string().is_empty()),
            }
            nothing
        }
    }
}

/// JSON or protobuf that is whole and tells of no span: a body of `{}`, of metrics, of empty lists.
fn means_nothing(bytes: &[u8]) -> bool {
    let decoded = |path: &str| {
        let headers = Headers { path: path.into(), ..Headers::default() };
        human::intake::take(&headers, bytes, &human::intake::Options::default())
            .is_ok_and(|d| d.facts.is_empty() && d.rejected.is_empty() && d.feedback.is_empty())
    };
    ["", "/v1/traces", "/v1/logs", "/v1/metrics", "/api/public/scores"].into_iter().any(decoded)
}

/// Everything that must have been kept is there to the byte, and everything that is there was part of an input.
fn compare(service: &Service, cases: &[Case], seen: &mut i64) {
    let fresh = service.read().unwrap().quarantined(*seen, 10_000).unwrap();
    *seen = fresh.last().map_or(*seen, |(seq, _)| *seq);
    let all = service.read().unwrap().quarantined(0, usize::MAX >> 1).unwrap();
    for case in cases {
        if let Some(bytes) = &case.kept {
            let there = all.iter().any(|(_, item)| item.bytes == *bytes);
            assert!(
                there,
                "{} refused bytes are not in quarantine: {:?}",
                bytes.len(),
                String::from_utf8_lossy(bytes)
            );
        }
    }
    let inputs: Vec<&Vec<u8>> = cases.iter().filter_map(|c| c.whole.as_ref()).collect();
    for (_, item) in &fresh {
        assert!(!item.reason.is_empty() && item.reason.len() < 1_000, "{}", item.reason.len());
        assert!(!item.bytes.is_empty(), "nothing was kept: {}", item.reason);
        if item.format == "events" {
            let piece = inputs.iter().any(|i| contains(i, &item.bytes));
            assert!(piece, "not a piece of an input: {:?}", String::from_utf8_lossy(&item.bytes));
        }
    }
}

fn contains(whole: &[u8], piece: &[u8]) -> bool {
    whole.len() >= piece.len() && whole.windows(piece.len()).any(|w| w == piece)
}

fn sound(service: &Service) {
    assert_eq!(service.check().unwrap().0, Vec::<String>::new());
}

#[test]
fn whatever_comes_is_counted_quarantined_or_refused() {
    let cases: usize = std::env::var("HUMAN_HOSTILE").map_or(3_000, |n| n.parse().unwrap());
    let samples = samples();
    let mut thrown = 0;
    while thrown < cases {
        let folder = tempfile::tempdir().unwrap();
        let service = open(folder.path());
        let mut seen = 0;
        let end = (thrown + OF_STORE).min(cases);
        while thrown < end {
            let round = (thrown + OF_ROUND).min(end);
            let done: Vec<Case> = (thrown..round).map(|number| throw(&service, &samples, number)).collect();
            compare(&service, &done, &mut seen);
            thrown = round;
        }
        sound(&service);
        // What was quarantined is refused again, stays, and harms nothing.
        let kept = service.quarantine().unwrap().iter().map(|(_, n)| n).sum::<i64>();
        taken(&service, |intake: &mut Intake<'_>| Intake::replay(intake));
        let after = service.quarantine().unwrap().iter().map(|(_, n)| n).sum::<i64>();
        assert!(after >= kept - kept / 10, "{kept} were kept, {after} after a replay without a fix");
        sound(&service);
        let (totals, _) = service.totals().unwrap();
        println!("{thrown} cases: {} calls, {} feedback, {kept} quarantined", totals.calls, totals.feedback);
        service.close().unwrap();
    }
}

#[test]
fn what_an_older_version_quarantined_is_taken_by_a_newer_one() {
    let folder = tempfile::tempdir().unwrap();
    let service = open(folder.path());
    let native = Native::new(70, 40);
    let spans = Spans::new(71, 6, 100);
    // As a version left it that did not yet read these; one of them has been sent again since.
    let mut left: Vec<(String, Vec<u8>)> = Vec::new();
    for line in native.calls_in_order().map(|id| native.lines.iter().find(|l| l.contains(id)).unwrap()) {
        left.push(("events".into(), line.clone().into_bytes()));
    }
    let body = |path: &str, text: &str| {
        (serde_json::to_string(&headers(path, "application/json")).unwrap(), text.as_bytes().to_vec())
    };
    left.push(body("/v1/traces", &spans.bodies[0]));
    left.push(body("/api/public/scores", &SCORES.replace("00000002", &format!("{:08x}", 71))));
    left.push(("gzip".into(), gzip(native.lines[0].as_bytes())));
    let calls = native.calls_in_order().count();
    taken(&service, |intake| intake.stream(native.lines[0].as_bytes(), "-", Format::Auto));
    // And some that no version can read.
    for hopeless in ["{\"type\":\"call\"", "{}", "\u{0}"] {
        left.push(("events".into(), hopeless.as_bytes().to_vec()));
    }
    left.push(("cut".into(), b"the beginning of something long".to_vec()));
    service.close().unwrap();

    let store = Store::open(&folder.path().join("store.db"), Access::Write).unwrap();
    let count = left.len();
    store
        .write(move |tx| {
            for (format, bytes) in left {
                let item =
                    Quarantined { origin: "old".into(), format, reason: "not known yet".into(), bytes };
                tx.quarantine(&item)?;
            }
            Ok(())
        })
        .unwrap();
    store.close().unwrap();

    let human = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command
            .arg("--store")
            .arg(folder.path().join("store.db"))
            .arg("--config")
            .arg(folder.path().join("empty.toml"));
        command.args(arguments).output().unwrap()
    };
    for _ in 0..2 {
        let done = human(&["ingest", "--quarantined"]);
        assert_eq!(done.status.code(), Some(3), "{}", String::from_utf8_lossy(&done.stderr));
        let service = open(folder.path());
        let (totals, _) = service.totals().unwrap();
        assert_eq!((totals.calls, totals.feedback), ((calls + 6) as i64, 3));
        let kept: i64 = service.quarantine().unwrap().iter().map(|(_, n)| n).sum();
        assert_eq!(
            kept,
            4,
            "of {count}, those that cannot be read stay: {:?}",
            service.quarantine().unwrap()
        );
        sound(&service);
        service.close().unwrap();
    }
}

/// Runs `human` on a file and watches its memory; the largest resident size in MiB, and how it ended.
fn watched(folder: &Path, arguments: &[&str]) -> (u64, Option<i32>, String) {
    let words = folder.join("words");
    let mut process = Command::new(env!("CARGO_BIN_EXE_human"))
        .arg("--store")
        .arg(folder.join("store.db"))
        .arg("--config")
        .arg(folder.join("empty.toml"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(fs::File::create(&words).unwrap())
        .spawn()
        .unwrap();
    let (mut largest, status) = (0, format!("/proc/{}/status", process.id()));
    let ended = loop {
        // The high-water mark only grows: the last look before the end is close to all of it.
        if let Ok(text) = fs::read_to_string(&status) {
            let mark =
                text.lines().find_map(|l| l.strip_prefix("VmHWM:")).map(|l| l.trim().trim_end_matches(" kB"));
            largest = largest.max(mark.map_or(0, |kib| kib.trim().parse::<u64>().unwrap() >> 10));
        }
        if let Some(ended) = process.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(2));
    };
    (largest, ended.code(), fs::read_to_string(words).unwrap())
}

/// A file that is written piece by piece, and a bomb's archive: one member, many times over.
fn write(path: &Path, head: &[u8], piece: &[u8], times: usize, tail: &[u8]) {
    let mut file = std::io::BufWriter::new(fs::File::create(path).unwrap());
    file.write_all(head).unwrap();
    for _ in 0..times {
        file.write_all(piece).unwrap();
    }
    file.write_all(tail).unwrap();
    file.flush().unwrap();
}

fn member(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn bombs_and_giants_take_little_memory() {
    const MOST_MIB: u64 = 300;
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty.toml"), "").unwrap();
    let mebi = 1 << 20;
    let zeros = member(&vec![0; mebi]);
    let spaces = member(&vec![b' '; mebi]);
    let call = &Native::new(80, 1).lines[0];
    let events = member(format!("{call}\n").repeat(2_000).as_bytes());
    let path = |name: &str| -> PathBuf { folder.path().join(name) };

    write(&path("zeros.gz"), b"", &zeros, 2_000, b"");
    write(&path("spaces.jsonl.gz"), &member(call.as_bytes()), &spaces, 2_000, b"");
    write(&path("same.jsonl.gz"), b"", &events, 40, b"");
    write(&path("line.jsonl"), format!("{call}\n{{\"a\":\"").as_bytes(), &vec![b'x'; mebi], 150, b"\"}\n");
    write(&path("element.json"), format!("[{call},\"").as_bytes(), &vec![b'x'; mebi], 150, b"\"]");
    write(&path("torn.json"), b"[", &vec![b'['; mebi], 150, b"");
    write(&path("deep.jsonl"), format!("{call}\n").as_bytes(), &vec![b'['; mebi], 20, b"\n");
    write(&path("binary"), b"\x0a\x12", &vec![0xff; mebi], 150, b"");
    write(
        &path("spans.json"),
        br#"{"resourceSpans":[{"scopeSpans":[{"spans":["#,
        &b"{},".repeat(300_000),
        20,
        b"{}]}]}]}",
    );
    write(&path("values.json"), b"{\"resourceSpans\":[", &b"[[[[]]]],".repeat(100_000), 60, b"0]}");
    write(&path("prices.json"), b"{\"a\":[", &b"0,".repeat(mebi), 150, b"0]}");
    write(&path("prices.gz"), b"", &zeros, 300, b"");
    write(&path("x.prompt"), b"---\nname: a\n---\n", &vec![b'{'; mebi], 150, b"");
    for (name, body, encoding) in
        [("a", &zeros.repeat(100)[..], "gzip"), ("b", &vec![b'['; 70 * mebi], "identity")]
    {
        fs::write(path(&format!("{name}.body")), body).unwrap();
        let headers = format!(
            r#"{{"method":"POST","path":"/v1/traces","headers":{{"content-type":"application/json","content-encoding":"{encoding}"}}}}"#
        );
        fs::write(path(&format!("{name}.headers.json")), headers).unwrap();
    }

    let mut over = Vec::new();
    let mut run = |name: &str, verb: &[&str], expected: &[i32]| {
        fs::remove_file(path("store.db")).ok();
        let file = path(name).display().to_string();
        let (mib, code, words) = watched(folder.path(), &[verb, &[file.as_str()]].concat());
        println!("{name:16} {mib:>4} MiB, exit {code:?}: {}", words.lines().next().unwrap_or(""));
        assert!(code.is_some_and(|code| expected.contains(&code)), "{name}: {code:?} {words}");
        assert!(!words.contains("panicked"), "{name}: {words}");
        if mib > MOST_MIB {
            over.push(format!("{name} took {mib} MiB"));
        }
        fs::remove_file(path(name)).unwrap();
    };
    for name in [
        "zeros.gz",
        "line.jsonl",
        "element.json",
        "torn.json",
        "deep.jsonl",
        "binary",
        "spans.json",
        "values.json",
        "a.body",
        "b.body",
    ] {
        run(name, &["ingest"], &[3]);
    }
    run("spaces.jsonl.gz", &["ingest"], &[3]);
    run("same.jsonl.gz", &["ingest"], &[0]);
    run("prices.json", &["models", "import"], &[1]);
    run("prices.gz", &["models", "import"], &[1]);
    run("x.prompt", &["prompts", "lint"], &[1]);
    assert_eq!(over, Vec::<String>::new());
}
