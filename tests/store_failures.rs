//! What can go wrong below the store: each gives one paragraph that says what failed, why and what to do, exit code 1,
//! and nothing is lost: when the cause is gone, the same command completes and the store is sound.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;
mod telemetry;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use dice::Dice;
use rusqlite::Connection;
use serde_json::Value;
use telemetry::Native;

const HUMAN: &str = env!("CARGO_BIN_EXE_human");

/// A folder with a store and two inputs: one that is in it, one that is not yet.
struct Scene {
    folder: tempfile::TempDir,
    first: Native,
    both: i64,
}

impl Scene {
    fn new(events: usize) -> Scene {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (Native::new(7, events), Native::new(8, events));
        fs::write(folder.path().join("first.jsonl"), first.lines.join("\n")).unwrap();
        fs::write(folder.path().join("second.jsonl"), second.lines.join("\n")).unwrap();
        fs::write(folder.path().join("empty.toml"), "").unwrap();
        fs::create_dir(folder.path().join("data")).unwrap();
        let both = first.sums.calls + second.sums.calls;
        Scene { folder, first, both }
    }

    /// With the first input in the store.
    fn fed(events: usize) -> Scene {
        let scene = Scene::new(events);
        let done = scene.human(&["ingest", &scene.input("first")]);
        assert!(matches!(done.status.code(), Some(0 | 3)), "{}", words(&done));
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn input(&self, name: &str) -> String {
        self.path(&format!("{name}.jsonl")).display().to_string()
    }

    fn store(&self) -> PathBuf {
        self.path("data").join("store.db")
    }

    fn human(&self, arguments: &[&str]) -> Output {
        self.command(Command::new(HUMAN)).args(arguments).output().unwrap()
    }

    fn command(&self, mut command: Command) -> Command {
        command.env("HUMAN_STORE", self.store()).env("HUMAN_CONFIG", self.path("empty.toml"));
        command.env("RUST_BACKTRACE", "0");
        command
    }

    /// Runs `script` in a mount namespace of its own, where it may mount what it likes; `$1` is `human`, `$2` the
    /// store's folder, `$3` the scene's. `None` where that is not allowed.
    fn script(&self, script: &str) -> Option<Output> {
        let may = Command::new("unshare").args(["-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
        if !may.is_ok_and(|o| o.status.success()) {
            println!("skipped: nothing can be mounted here");
            return None;
        }
        let mut command = self.command(Command::new("unshare"));
        command.args(["-m", "bash", "-c", script, "bash", HUMAN]);
        Some(command.arg(self.path("data")).arg(self.folder.path()).output().unwrap())
    }

    fn calls(&self) -> i64 {
        let report = doctor(&self.human(&["--json", "doctor"]));
        assert_eq!(report["faults"], Value::Array(Vec::new()));
        report["calls"].as_i64().unwrap()
    }

    /// The cause is gone: nothing of the first input is lost, and the second can be taken.
    fn recovers(&self) {
        assert!(self.calls() >= self.first.sums.calls, "calls were lost");
        let done = self.human(&["ingest", &self.input("first"), &self.input("second")]);
        assert!(matches!(done.status.code(), Some(0 | 3)), "{}", words(&done));
        assert_eq!(self.calls(), self.both);
    }
}

fn doctor(done: &Output) -> Value {
    serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{e}: {}", words(done)))
}

fn words(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

/// One paragraph that names the store, says `what`, why in brackets, and what to do.
fn is_clear(paragraph: &str, what: &str, next: &str) {
    println!("{}", paragraph.trim_end());
    assert!(paragraph.starts_with("human: "), "{paragraph}");
    assert_eq!(paragraph.trim_end().lines().count(), 1, "one paragraph: {paragraph}");
    assert!(paragraph.contains("store.db"), "it names the store: {paragraph}");
    assert!(paragraph.contains(what), "it says what failed ({what}): {paragraph}");
    assert!(paragraph.contains(" (") && paragraph.contains("). "), "it says why: {paragraph}");
    assert!(paragraph.contains(next), "it says what to do ({next}): {paragraph}");
    assert!(paragraph.trim_end().ends_with('.'), "{paragraph}");
    assert!(!paragraph.contains("panicked") && !paragraph.contains("backtrace"), "{paragraph}");
}

fn fails(done: &Output, what: &str, next: &str) {
    assert_eq!(done.status.code(), Some(1), "{}", words(done));
    is_clear(&words(done), what, next);
}

#[test]
fn a_read_only_file_system_is_said_and_can_still_be_read() {
    let scene = Scene::fed(2_000);
    let script = r#"
        mount --bind "$2" "$2" && mount -o remount,ro,bind "$2" || exit 99
        "$1" ingest "$3/second.jsonl" 2> "$3/ingest.txt"; echo $? > "$3/ingest.code"
        "$1" --json doctor > "$3/doctor.json" 2> "$3/doctor.txt"; echo $? > "$3/doctor.code"
        "$1" --json calls > "$3/calls.jsonl" 2> "$3/calls.txt"; echo $? > "$3/calls.code"
        HUMAN_STORE="$2/new/store.db" "$1" ingest "$3/second.jsonl" 2> "$3/new.txt"; echo $? > "$3/new.code"
    "#;
    let Some(done) = scene.script(script) else { return };
    assert!(done.status.success(), "{}", words(&done));
    let text = |name: &str| fs::read_to_string(scene.path(name)).unwrap();
    for name in ["ingest", "new"] {
        assert_eq!(text(&format!("{name}.code")).trim(), "1", "{}", text(&format!("{name}.txt")));
        is_clear(&text(&format!("{name}.txt")), "cannot be written", "Check the permissions");
    }
    assert_eq!(text("doctor.code").trim(), "0", "{}", text("doctor.txt"));
    let report: Value = serde_json::from_str(&text("doctor.json")).unwrap();
    assert_eq!(
        (&report["calls"], &report["faults"]),
        (&scene.first.sums.calls.into(), &Value::Array(Vec::new()))
    );
    assert_eq!(text("calls.code").trim(), "0", "{}", text("calls.txt"));
    let listed = text("calls.jsonl").lines().filter(|l| l.contains(r#""type":"call""#)).count();
    assert_eq!(listed as i64, scene.first.sums.calls);
    scene.recovers();
}

#[test]
fn an_immutable_file_is_said() {
    let scene = Scene::fed(500);
    let mark = |flag: &str| Command::new("chattr").arg(flag).arg(scene.store()).output();
    if !mark("+i").is_ok_and(|o| o.status.success()) {
        println!("skipped: files cannot be made immutable here");
        return;
    }
    let done = scene.human(&["ingest", &scene.input("second")]);
    let read = scene.human(&["--json", "doctor"]);
    mark("-i").unwrap();
    fails(&done, "cannot be written", "Check the permissions");
    assert_eq!(read.status.code(), Some(0), "{}", words(&read));
    scene.recovers();
}

#[test]
fn a_full_disk_is_said_and_loses_nothing() {
    let scene = Scene::new(40_000);
    // A disk of 3 MB under the store; then room is made, and the same command is run again.
    let script = r#"
        mount -t tmpfs -o size=3m tmpfs "$2" || exit 99
        "$1" -v ingest "$3/first.jsonl" 2> "$3/full.txt"; echo $? > "$3/full.code"
        mount -o remount,size=200m "$2" || exit 98
        "$1" --json doctor > "$3/after.json" || exit 97
        "$1" ingest "$3/first.jsonl" > "$3/again.txt" 2>&1; echo $? > "$3/again.code"
        "$1" --json doctor > "$3/complete.json" || exit 96
    "#;
    let Some(done) = scene.script(script) else { return };
    assert!(done.status.success(), "{:?} {}", done.status, words(&done));
    let text = |name: &str| fs::read_to_string(scene.path(name)).unwrap();
    let full = text("full.txt");
    assert_eq!(text("full.code").trim(), "1", "{full}");
    let paragraph = full.lines().last().unwrap();
    is_clear(paragraph, "the disk is full", "Free some space and run the same command again");
    let json = |name: &str| serde_json::from_str::<Value>(&text(name)).unwrap();
    let sound = Value::Array(Vec::new());
    let after = json("after.json");
    assert_eq!(after["faults"], sound);
    // What was said to be durable when the disk filled is in it.
    let said = full.lines().rev().find(|l| l.starts_with("durable so far")).unwrap_or("accepted 0, ");
    let accepted: i64 =
        said.split(", ").next().unwrap().rsplit(' ').next().unwrap().replace(',', "").parse().unwrap();
    let there = after["calls"].as_i64().unwrap() + after["feedback"].as_i64().unwrap();
    assert!(there >= accepted, "{there} of {accepted} are there");
    assert!(there < scene.first.sums.calls, "the disk did not fill");
    assert_eq!(text("again.code").trim(), "3", "{}", text("again.txt"));
    let complete = json("complete.json");
    assert_eq!((&complete["calls"], &complete["faults"]), (&scene.first.sums.calls.into(), &sound));
}

#[test]
fn a_limit_on_the_length_of_files_is_said_and_loses_nothing() {
    let scene = Scene::fed(10_000);
    // bash counts in KiB; the signal is ignored, so that the write itself fails.
    let limit = fs::metadata(scene.store()).unwrap().len() / 1024;
    let script = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" ingest \"$1\"");
    let mut command = scene.command(Command::new("bash"));
    let done = command.args(["-c", &script, HUMAN, &scene.input("second")]).output().unwrap();
    fails(&done, "cannot be read or written", "run the same command again");
    scene.recovers();
}

#[test]
fn damaged_pages_are_said_and_never_read_as_something_else() {
    let scene = Scene::fed(6_000);
    let whole = fs::read(scene.store()).unwrap();
    let mut dice = Dice::new(5);
    let (mut found, mut said) = (0, 0);
    for round in 0..24 {
        let mut damaged = whole.clone();
        // The middle of a page, one in two times a whole page.
        let page = 1 + dice.below(damaged.len() / 8192 - 1);
        let (from, length) =
            if round % 2 == 0 { (page * 8192, 8192) } else { (page * 8192 + dice.below(7_000), 700) };
        damaged[from..from + length].fill_with(|| dice.next() as u8);
        fs::write(scene.store(), &damaged).unwrap();
        let checked = scene.human(&["--json", "doctor"]);
        // Doctor reads on where it can; where not even the tables' names can be read, it says so like the others. It
        // cannot see damage to unused bytes, nor (there are no checksums) to every blob.
        if checked.stdout.is_empty() {
            fails(&checked, "damaged", "restore a backup");
            found += 1;
        } else {
            let faults = doctor(&checked)["faults"].as_array().unwrap().len();
            assert_eq!(checked.status.code(), Some(i32::from(faults > 0)), "{}", words(&checked));
            found += usize::from(faults > 0);
        }
        for arguments in [&["--json", "calls"][..], &["prompts", "list"], &["ingest", &scene.input("second")]]
        {
            let done = scene.human(arguments);
            let text = words(&done);
            assert!(matches!(done.status.code(), Some(0 | 1 | 3)), "{arguments:?}: {:?} {text}", done.status);
            assert!(!text.contains("panicked"), "{text}");
            if done.status.code() == Some(1) {
                is_clear(text.lines().last().unwrap(), "damaged", "restore a backup");
                said += 1;
            }
        }
        for beside in ["store.db-wal", "store.db-shm"] {
            fs::remove_file(scene.path("data").join(beside)).ok();
        }
    }
    println!("doctor found faults in {found} of 24 damaged files; {said} of 72 other commands ran into them");
    assert!(found >= 18 && said >= 18, "damage must be seen");
    fs::write(scene.store(), &whole).unwrap();
    scene.recovers();
}

#[test]
fn a_file_cut_short_is_said() {
    let scene = Scene::fed(6_000);
    let whole = fs::read(scene.store()).unwrap();
    fs::write(scene.store(), &whole[..whole.len() / 2]).unwrap();
    let done = scene.human(&["ingest", &scene.input("second")]);
    fails(&done, "damaged", "restore a backup");
    fs::write(scene.store(), &whole[..500]).unwrap();
    let done = scene.human(&["ingest", &scene.input("second")]);
    assert_eq!(done.status.code(), Some(1), "{}", words(&done));
    for beside in ["store.db-wal", "store.db-shm"] {
        fs::remove_file(scene.path("data").join(beside)).ok();
    }
    fs::write(scene.store(), &whole).unwrap();
    scene.recovers();
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let scene = Scene::fed(500);
    let set = |version: i32| {
        Connection::open(scene.store()).unwrap().pragma_update(None, "user_version", version).unwrap();
    };
    set(human::store::SCHEMA_VERSION + 1);
    let before = fs::read(scene.store()).unwrap();
    for arguments in [&["ingest", &scene.input("second")][..], &["calls"], &["doctor"]] {
        fails(&scene.human(arguments), "newer version of this program", "Upgrade this program");
    }
    assert!(fs::read(scene.store()).unwrap() == before, "the file was touched");
    set(human::store::SCHEMA_VERSION);
    scene.recovers();
}

#[test]
fn what_is_no_store_is_refused_and_left_as_it_is() {
    let scene = Scene::new(200);
    let other = scene.path("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)").unwrap();
    let contents: [&[u8]; 3] = [
        b"a text, and no database at all, whatever its name may say",
        &fs::read(other).unwrap(),
        &[7; 9_000],
    ];
    for content in contents {
        fs::write(scene.store(), content).unwrap();
        for arguments in [&["ingest", &scene.input("second")][..], &["calls"], &["doctor"]] {
            fails(&scene.human(arguments), "is not a store of this program", "Name another file");
        }
        assert!(fs::read(scene.store()).unwrap() == content, "the file was touched");
        fs::remove_file(scene.store()).unwrap();
    }
    fs::create_dir(scene.store()).unwrap();
    fails(
        &scene.human(&["ingest", &scene.input("second")]),
        "is not a store of this program",
        "Name another file",
    );
    fs::remove_dir(scene.store()).unwrap();

    // Nothing there, and an empty file: both are said to a reader, and taken by a writer.
    fails(&scene.human(&["calls"]), "does not exist", "Feed it first");
    fs::write(scene.store(), "").unwrap();
    fails(&scene.human(&["calls"]), "does not exist", "Feed it first");
    let done = scene.human(&["ingest", &scene.input("first")]);
    assert!(matches!(done.status.code(), Some(0 | 3)), "{}", words(&done));
    scene.recovers();
}

/// The busy timeout is ten seconds: this test takes as long.
#[test]
fn a_lock_of_another_program_is_waited_for_and_then_said() {
    let scene = Scene::fed(500);
    let mut other = Connection::open(scene.store()).unwrap();
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let done = scene.human(&["ingest", &scene.input("second")]);
    fails(&done, "is held by another program", "run the same command again");
    // Who only reads does not wait.
    assert_eq!(scene.human(&["doctor"]).status.code(), Some(0));
    drop(lock);

    // Held for a moment only, it is waited for.
    let lock = other.transaction_with_behavior(rusqlite::TransactionBehavior::Exclusive).unwrap();
    let (command, input) = (scene.command(Command::new(HUMAN)), scene.input("second"));
    let waiting = std::thread::spawn(move || {
        let mut command = command;
        command.arg("ingest").arg(input).output().unwrap()
    });
    std::thread::sleep(Duration::from_millis(1_500));
    drop(lock);
    let done = waiting.join().unwrap();
    assert_eq!(done.status.code(), Some(3), "{}", words(&done));
    drop(other);
    scene.recovers();
}

#[test]
fn a_folder_that_cannot_be_made_is_said() {
    let scene = Scene::new(10);
    fs::write(scene.path("file"), "").unwrap();
    let store = scene.path("file").join("sub").join("store.db");
    let done = scene.human(&["--store", &store.display().to_string(), "ingest", &scene.input("first")]);
    fails(&done, "cannot be written", "Check the permissions");
    assert!(Path::new(&scene.path("file")).is_file());
}
