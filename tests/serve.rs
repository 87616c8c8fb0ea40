//! `human serve` as an exporter and an operator meet it: the program listens, is sent telemetry over HTTP, is asked to
//! end, and what it acknowledged is in the store.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The program on a store in a folder, whose keys are in it as well.
fn program(folder: &Path, words: &[&str]) -> Command {
    let mut human = Command::new(env!("CARGO_BIN_EXE_human"));
    human.arg("--store").arg(folder.join("store.db")).arg("--config").arg(folder.join("c.toml"));
    human.env("HUMAN_CONFIG_DIR", folder.join("keys")).env_remove("HUMAN_STEWARD").args(words);
    human
}

fn done(folder: &Path, words: &[&str]) -> String {
    let done = program(folder, words).output().unwrap();
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A server that listens.
struct Serving {
    child: Child,
    address: String,
    said: BufReader<std::process::ChildStderr>,
    before: String,
}

/// What an HTTP answer says.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Serving {
    fn start(folder: &Path) -> Serving {
        let mut child = program(folder, &["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let mut serving = Serving { child, address: String::new(), said, before: String::new() };
        let line = serving.hears("Listening: http://");
        line.rsplit_once('/').unwrap().1.clone_into(&mut serving.address);
        serving
    }

    /// The first line from here on that holds `part`.
    fn hears(&mut self, part: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "it ended: {}", self.before);
            self.before.push_str(&line);
            if line.contains(part) {
                return line.trim_end().to_owned();
            }
        }
    }

    fn send(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|w| w == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_ascii_lowercase(), body: answer[end + 4..].to_vec() }
    }

    fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request =
            format!("POST {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
        if !headers.iter().any(|(name, _)| *name == "Host") {
            write!(request, "Host: {}\r\n", self.address).unwrap();
        }
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        let mut request = (request + "\r\n").into_bytes();
        request.extend_from_slice(body);
        self.send(&request)
    }

    fn get(&self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").as_bytes())
    }

    /// Asks it to end; it does, and well.
    fn end(mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(self.child.wait().unwrap().success());
    }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
const PROTOBUF: (&str, &str) = ("Content-Type", "application/x-protobuf");

/// A span of a call, as OTLP/JSON.
fn span(id: u8, model: &str) -> Value {
    json!({
        "traceId": format!("{:032x}", u128::from(id) + 1), "spanId": format!("{:016x}", u64::from(id) + 1), "name": "chat",
        "startTimeUnixNano": "1795305600000000000", "endTimeUnixNano": "1795305601000000000",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.request.model", "value": {"stringValue": model}},
            {"key": "gen_ai.usage.input_tokens", "value": {"intValue": "12"}},
        ],
    })
}

fn traces(spans: &[Value]) -> Vec<u8> {
    json!({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).to_string().into_bytes()
}

fn zipped(body: &[u8]) -> Vec<u8> {
    let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
    zip.write_all(body).unwrap();
    zip.finish().unwrap()
}

fn folder(config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), config).unwrap();
    folder
}

/// Calls, and the feedback that counts for them.
fn events(folder: &Path) -> usize {
    done(folder, &["--json", "calls", "--window", "2020-01-01..2030-01-01"]).lines().count()
}

#[test]
fn what_was_acknowledged_is_there_and_counts_once() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    assert_eq!((server.get("/healthz").status, server.get("/readyz").status), (200, 200));

    let body = traces(&[span(1, "gpt-4o"), span(2, "gpt-4o")]);
    let answer = server.post("/v1/traces", &[JSON], &body);
    assert_eq!((answer.status, answer.json()), (200, json!({})));
    // Another process sees it already, and a second time changes nothing.
    assert_eq!(events(folder.path()), 2);
    let again = server.post("/v1/traces", &[JSON, ("Content-Encoding", "gzip")], &zipped(&body));
    assert_eq!((again.status, events(folder.path())), (200, 2));

    let call =
        |id: &str| json!({"type": "call", "provenanceId": id, "at": "2026-11-22T10:00:00Z", "modelId": "m"});
    let event = |body: &[u8]| server.post("/api/v1/events", &[JSON], body).json();
    let counts = |a, d, q| json!({"accepted": a, "duplicate": d, "quarantined": q});
    assert_eq!(event(call("e1").to_string().as_bytes()), counts(1, 0, 0));
    assert_eq!(event(json!([call("e1"), call("e2")]).to_string().as_bytes()), counts(1, 1, 0));
    let lines = format!("{}\n{{\"type\":\"call\"}}\n{}\n", call("e3"), call("e4"));
    let mixed = event(&zipped(lines.as_bytes()));
    assert_eq!((&mixed["accepted"], &mixed["quarantined"]), (&json!(2), &json!(1)));
    assert_eq!(mixed["reasons"], "`provenanceId` is missing");

    let feedback =
        json!({"provenanceId": "e1", "signal": "positive", "source": "agent", "detail": "fine"}).to_string();
    let told = |body: &str| server.post("/api/v1/feedback", &[JSON], body.as_bytes());
    assert_eq!(told(&feedback).json(), json!({"accepted": 1, "duplicate": 0}));
    assert_eq!(told(&feedback).json(), json!({"accepted": 0, "duplicate": 1}));
    for (bad, why) in
        [(r#"{"provenanceId":"e1","signal":"meh"}"#, "meh"), ("", "empty"), ("{", "ends too early")]
    {
        let refused = told(bad);
        assert_eq!(refused.status, 400, "{bad}");
        assert!(refused.json()["error"].as_str().unwrap().contains(why), "{bad}: {}", refused.json());
    }
    // Where other SDKs send: OTLP below a path of theirs, and scores.
    let elsewhere = server.post("/api/public/otel/v1/traces", &[JSON], &traces(&[span(9, "gpt-4o")]));
    assert_eq!((elsewhere.status, elsewhere.json()), (200, json!({})));
    let score = json!({"id": "s1", "traceId": format!("{:032x}", 10), "name": "thumbs", "value": 1, "dataType": "BOOLEAN"});
    let scored = server.post("/api/public/scores", &[JSON], score.to_string().as_bytes());
    assert_eq!((scored.status, &scored.json()["accepted"]), (200, &json!(1)), "{}", scored.json());
    server.end();
    assert_eq!(events(folder.path()), 9, "seven calls and two of feedback");
    done(folder.path(), &["doctor"]);
}

#[test]
fn exporters_are_told_what_was_rejected_and_what_to_send_again() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    // One span of two cannot be taken.
    let mut bad = span(4, "gpt-4o");
    bad["traceId"] = "zz".into();
    let body = traces(&[span(3, "gpt-4o"), bad]);
    let partial = server.post("/v1/traces", &[JSON], &body);
    let said = &partial.json()["partialSuccess"];
    assert_eq!((partial.status, &said["rejectedSpans"]), (200, &json!("1")));
    assert!(said["errorMessage"].as_str().unwrap().contains("trace id"), "{said}");
    assert_eq!(events(folder.path()), 1);

    // What is no telemetry is refused for good, and kept; the answer is in the encoding of the request.
    let refused = server.post("/v1/traces", &[JSON], b"{\"resourceSpans\":");
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!(3)));
    assert!(!refused.head.contains("retry-after"), "{}", refused.head);
    let refused = server.post("/v1/traces", &[PROTOBUF], &[0x0a, 0x7f, 1]);
    assert_eq!(refused.status, 400);
    assert!(refused.head.contains("content-type: application/x-protobuf"), "{}", refused.head);
    // google.rpc.Status: field 1, the code 3; field 2, a text.
    assert_eq!((&refused.body[..2], refused.body[2]), (&[0x08, 3][..], 0x12));
    let empty = server.post("/v1/traces", &[PROTOBUF], b"");
    assert_eq!((empty.status, empty.body.len()), (200, 0));
    assert_eq!(server.post("/v1/traces", &[JSON, ("Content-Encoding", "br")], &body).status, 415);
    assert_eq!(server.post("/v1/metrics", &[JSON], br#"{"resourceMetrics":[]}"#).status, 200);
    // A bomb is refused before it is large.
    let bomb = zipped(&vec![b' '; 80 << 20]);
    assert_eq!(server.post("/v1/traces", &[JSON, ("Content-Encoding", "gzip")], &bomb).status, 413);

    let lost = server.post("/v2/spans", &[JSON], &body);
    assert_eq!(lost.status, 404);
    assert!(lost.json()["error"].as_str().unwrap().contains("/v1/traces"));
    assert_eq!(server.get("/v1/traces").status, 405);
    server.end();
    let doctor = program(folder.path(), &["doctor"]).output().unwrap();
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("quarantine"), "{doctor}");
}

#[test]
fn a_body_that_is_too_long_or_breaks_off_leaves_nothing() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    let head = |length: &str| {
        format!(
            "POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
        )
    };
    assert_eq!(server.send(head("Content-Length: 67108865").as_bytes()).status, 413);
    // In chunks, without a length.
    let body = traces(&[span(5, "gpt-4o")]);
    let mut chunked = head("Transfer-Encoding: chunked").into_bytes();
    chunked.extend(format!("{:x}\r\n", body.len()).into_bytes());
    chunked.extend_from_slice(&body);
    chunked.extend_from_slice(b"\r\n0\r\n\r\n");
    assert_eq!(server.send(&chunked).status, 200);
    // Half of a body, and gone.
    let mut cut = TcpStream::connect(&server.address).unwrap();
    cut.write_all(head("Content-Length: 5000").as_bytes()).unwrap();
    cut.write_all(&body[..40]).unwrap();
    drop(cut);
    assert_eq!(server.get("/healthz").status, 200);
    server.end();
    assert_eq!(events(folder.path()), 1);
}

#[test]
fn a_page_of_another_site_is_not_heard() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    let body = traces(&[span(6, "gpt-4o")]);
    for stranger in [("Origin", "https://evil.example"), ("Host", "evil.example:4318")] {
        let answer = server.post("/v1/traces", &[JSON, stranger], &body);
        assert_eq!(answer.status, 403, "{stranger:?}");
        assert!(answer.json()["error"].as_str().unwrap().contains("Nothing was taken"));
    }
    assert_eq!(server.post("/v1/traces", &[JSON, ("Origin", "http://localhost:3000")], &body).status, 200);
    server.end();
    assert_eq!(events(folder.path()), 1);
}

#[test]
fn many_at_once_are_all_counted() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    std::thread::scope(|scope| {
        for sender in 0..8u32 {
            let server = &server;
            scope.spawn(move || {
                for n in 0..25u32 {
                    let call = json!({
                        "type": "call", "provenanceId": format!("s{sender}-{n}"), "at": "2026-11-22T10:00:00Z", "modelId": "m",
                    });
                    let answer = server.post("/api/v1/events", &[JSON], call.to_string().as_bytes());
                    assert_eq!((answer.status, &answer.json()["accepted"]), (200, &json!(1)));
                }
            });
        }
    });
    server.end();
    assert_eq!(
        done(folder.path(), &["--json", "calls", "--window", "2026-11-01..2026-12-01", "--limit", "1000"])
            .lines()
            .count(),
        200
    );
}

#[test]
fn the_agent_runs_when_it_is_due_and_says_so() {
    let folder = folder("[agent]\nevery_hours = 6\n");
    let path = folder.path();
    done(path, &["steward", "init", "ana"]);
    let scopes = "telemetry:read,prompts:read,proposals:write";
    done(path, &["agent", "grant", "--scope", scopes, "--expires", "30d"]);
    let mut server = Serving::start(path);
    assert!(
        server.before.contains("agent://LOCAL/prompt-refinement runs every 6 h, next now"),
        "{}",
        server.before
    );
    assert!(server.hears("findings").contains("0 findings"));
    assert_eq!(server.get("/healthz").status, 200);
    server.end();
    let status: Value = serde_json::from_str(&done(path, &["--json", "agent", "status"])).unwrap();
    assert_eq!(status["runs"], 1);
    done(path, &["audit", "verify"]);
    // It ran: started anew, it waits.
    let server = Serving::start(path);
    assert!(server.before.contains("next at 2"), "{}", server.before);
    server.end();
    // Without a schedule nothing runs.
    std::fs::write(path.join("c.toml"), "").unwrap();
    let server = Serving::start(path);
    assert!(server.before.contains("every_hours"), "{}", server.before);
    server.end();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let folder = folder("");
    let server = Serving::start(folder.path());
    let second = program(folder.path(), &["serve", "--listen", &server.address]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8(second.stderr).unwrap();
    assert!(said.contains(&server.address) && said.contains("another program listens there"), "{said}");
    server.end();
}
