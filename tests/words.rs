//! What the command line says, as a person meets it: the binary is run, and its words are read.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A folder with a store in it.
struct Desk(tempfile::TempDir);

/// Exit code, standard output, standard error.
type Said = (i32, String, String);

impl Desk {
    fn new() -> Desk {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("empty.toml"), "").unwrap();
        Desk(folder)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command.args(arguments).current_dir(self.0.path());
        command.env("HUMAN_STORE", "store.db").env("HUMAN_CONFIG", "empty.toml");
        command
    }

    fn said(mut command: Command, input: &str) -> Said {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Self::said(self.command(arguments), "")
    }

    fn fed(&self, arguments: &[&str], input: &str) -> Said {
        Self::said(self.command(arguments), input)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }
}

fn call(id: &str, at: &str) -> String {
    format!(
        r#"{{"type":"call","provenanceId":"{id}","at":"{at}","modelId":"m","promptMetadata":{{"promptUris":["prompt://core/reply"],"promptVersions":["1.0.0"]}}}}"#
    )
}

#[test]
fn otlp_that_is_none_is_quarantined() {
    let desk = Desk::new();
    let otlp = ["ingest", "--format", "otlp-json", "-"];
    let (code, out, err) = desk.fed(&otlp, "{\"foo\":1}\n");
    assert_eq!((code, out.as_str()), (3, "accepted 0, duplicate 0, quarantined 1\n"));
    assert!(err.contains("none of `resourceSpans`"), "{err}");
    assert_eq!(desk.fed(&otlp, &call("a", "2026-11-22T10:00:00Z")).0, 3);
    for empty in ["{}", "{\"resourceSpans\":[]}", "{\"resource_logs\":null}"] {
        assert_eq!(desk.fed(&otlp, empty).0, 0, "{empty}");
    }
}

#[test]
fn refusals_are_grouped_and_have_a_place() {
    let desk = Desk::new();
    desk.write("old.jsonl", "{\"type\":\"odd\"}\n");
    desk.run(&["ingest", "old.jsonl"]);
    let mut lines = vec![call("a", "2026-11-22T10:00:00Z"), String::new()];
    lines.extend((0..107).map(|i| call("b", &format!("day {i}"))));
    lines.push(r#"{"type":"call","provenanceId":"c","at":"2026-11-22T10:00:00Z","modelId":"m","inputTokens":9223372036854775807}"#.into());
    lines.push("[]".into());
    desk.write("new.jsonl", &lines.join("\n"));
    let (code, out, err) = desk.run(&["ingest", "new.jsonl"]);
    assert_eq!((code, out.as_str()), (3, "accepted 1, duplicate 0, quarantined 109\n"));
    let said: Vec<&str> = err.lines().collect();
    assert_eq!(said.len(), 4, "{err}");
    assert!(said[0].starts_with("quarantined 107: `at` is `day 0`: RFC 3339"), "{err}");
    assert!(said[0].ends_with(", and the like (first at new.jsonl, line 3)"), "{err}");
    assert!(
        said[1].contains("`inputTokens` is too large") && said[1].ends_with("(new.jsonl, line 110)"),
        "{err}"
    );
    assert!(said[2].contains("expected an event") && !err.contains("Wire") && !err.contains("odd"), "{err}");

    let doctor = desk.run(&["doctor"]).1;
    assert!(doctor.contains("\n            107 x `at` is `day 0`") && doctor.contains("odd"), "{doctor}");
    assert_eq!(desk.run(&["ingest", "--quarantined", "--discard"]).1, "discarded 110\n");
    assert!(desk.run(&["doctor"]).1.contains("\nQuarantine  0\n"));
}

#[test]
fn a_torn_end_is_released_when_its_line_is_whole() {
    let desk = Desk::new();
    let (first, second) = (call("a", "2026-11-22T10:00:00Z"), call("b", "2026-11-22T10:01:00Z"));
    desk.write("log.jsonl", &format!("{first}\n{}", &second[..40]));
    assert_eq!(desk.run(&["ingest", "log.jsonl"]).1, "accepted 1, duplicate 0, quarantined 1\n");
    desk.write("log.jsonl", &format!("{first}\n{second}\n"));
    assert_eq!(desk.run(&["ingest", "log.jsonl"]).1, "accepted 1, duplicate 1, quarantined 0\n");
    assert!(desk.run(&["doctor"]).1.contains("\nQuarantine  0\n"));
    // The same beginning in another file is not this one's end.
    desk.write("other.jsonl", &format!("{first}\n{}", &second[..40]));
    desk.run(&["ingest", "other.jsonl"]);
    desk.run(&["ingest", "log.jsonl"]);
    assert!(desk.run(&["doctor"]).1.contains("\nQuarantine  1\n"));
}

#[test]
fn inputs_that_hold_nothing_are_named() {
    let desk = Desk::new();
    let usage = desk.run(&["ingest"]);
    assert!(usage.0 == 2 && usage.2.contains("FILE|DIR|-"), "{usage:?}");
    desk.write("text", "hello there\n");
    assert!(desk.run(&["ingest", "text"]).2.contains("it is text, but neither"));
    desk.write("blank", "\n  \n");
    assert_eq!(desk.run(&["ingest", "blank"]).0, 0);
    fs::create_dir(desk.0.path().join("none")).unwrap();
    assert!(desk.run(&["ingest", "none"]).2.contains("none: the folder holds no file"));
    for missing in [&["ingest", "gone"][..], &["prompts", "publish", "gone"], &["models", "import", "gone"]] {
        assert_eq!(desk.run(missing).0, 1, "{missing:?}");
    }
}

#[test]
fn a_demo_mixes_with_nothing() {
    let desk = Desk::new();
    let demo = |more: &[&str]| desk.run(&[&["demo", "--headless", "--days", "2"], more].concat());
    let small = ["--calls", "300", "--end", "2026-11-20"];
    assert!(demo(&small).1.starts_with("A world of 60 prompts and 300 calls in store.db"));
    assert!(
        demo(&small)
            .1
            .starts_with("Nothing added: store.db holds this world already, 300 calls, from 2026-11-18T")
    );
    assert!(demo(&["--calls", "300"]).1.starts_with("Nothing added"));
    for other in [&["--calls", "500"][..], &["--calls", "300", "--seed", "2"]] {
        let (code, _, err) = demo(other);
        assert!(code == 1 && err.contains("Name a new file"), "{err}");
    }
    for (end, why) in
        [("2999-01-01", "before 2200"), ("yesterday", "write `2026-11-22` or"), ("1970-01-01", "1970")]
    {
        let (code, _, err) = demo(&["--end", end]);
        assert!(code == 2 && err.contains(why), "{err}");
    }
    let mine = Desk::new();
    mine.write("a.prompt", "---\nname: mine\nhuman.scope: core\n---\nx");
    mine.run(&["prompts", "publish", "a.prompt"]);
    let (code, _, err) = mine.run(&["demo", "--headless", "--calls", "10"]);
    assert!(code == 1 && err.contains("prompt://core/mine"), "{err}");
}

#[test]
fn a_prompt_without_calls_is_told_about_itself() {
    let desk = Desk::new();
    for (file, name) in [("a.prompt", "reply"), ("b.prompt", "never")] {
        desk.write(file, &format!("---\nname: {name}\nhuman.scope: core\n---\nx"));
        desk.run(&["prompts", "publish", file]);
    }
    desk.write("a.jsonl", &call("a", "2026-01-02T10:00:00Z"));
    desk.run(&["ingest", "a.jsonl"]);
    let report = |words: &[&str]| desk.run(&[&["prompts", "performance"], words].concat());
    assert!(report(&["never"]).2.contains("This prompt has no calls in the store."));
    let old = report(&["reply", "--window", "2026-02-01..2026-02-02"]);
    assert!(old.2.contains("its last was at 2026-01-02T10:00:00.000Z"), "{old:?}");
    let (code, _, err) = report(&["reply@1.0.0", "--version", "2.0.0"]);
    assert!(code == 2 && err.contains("Keep one of the two"), "{err}");
    assert_eq!(report(&["reply@1.0.0", "--version", "1.0.0", "--window", "2026-01-01..2026-01-03"]).0, 0);
    let thin = report(&["reply", "--window", "2026-01-01..2026-01-03"]).1;
    assert!(
        thin.contains("errors             0/1  [0%, 98%]") && thin.contains(" 0/1      -  -\n"),
        "{thin}"
    );
}

#[test]
fn nothing_from_outside_reaches_a_terminal_raw() {
    let desk = Desk::new();
    let raw = "\u{1b}[31m\u{202e}\u{9b}";
    let (code, _, err) = desk.run(&["prompts", "list", "--limit", raw]);
    assert!(code == 2 && err.contains("\\u{202e}") && !err.contains(['\u{202e}', '\u{9b}']), "{err}");
    let event = call("a\u{7f}\u{85}\u{200b}\u{202e}\u{e0041}é日", "2026-11-22T10:00:00Z");
    desk.fed(&["ingest", "-"], &event);
    let out = desk.run(&["calls", "--json"]).1;
    assert!(out.contains("a\\u007f\\u0085\\u200b\\u202e\\udb40\\udc41é日"), "{out}");
    // Another store's events.
    assert_eq!(desk.fed(&["ingest", "-"], &out).1, "accepted 0, duplicate 1, quarantined 0\n");
}

#[test]
fn the_environment_and_the_sorting_are_understood() {
    let desk = Desk::new();
    let mut empty = desk.command(&["doctor"]);
    empty.env("HUMAN_STORE", "");
    let (code, _, err) = Desk::said(empty, "");
    assert!(code == 2 && err.contains("HUMAN_STORE is set, and empty"), "{err}");
    desk.run(&["demo", "--headless", "--calls", "2000", "--days", "3"]);
    let names = |sort: &str| -> Vec<String> {
        let out = desk.run(&["prompts", "list", "--json", "--limit", "0", "--sort", sort]).1;
        out.lines()
            .map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()["prompt"].to_string())
            .collect()
    };
    let mut turned = names("-name");
    assert_eq!(turned, names("name-"));
    turned.reverse();
    assert_eq!(turned, names("name"));
    assert_ne!(names("-calls"), names("calls"));
}
