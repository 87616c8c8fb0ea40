//! Whatever is done to the rows of a ledger, or to the rows that it explains, is seen: bits flipped, rows deleted,
//! swapped, repeated, ends cut off, in a store and in a bundle. `HUMAN_FLIPS=10000` tries so many; the usual run some hundreds.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;
mod governed;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dice::Dice;
use governed::{HOUR, NOW, agent, ana, proposal, step, uri};
use human::domain::governance::{Governance, Guard, Reviewers};
use human::domain::identity::{Digest, GrantScope};
use human::domain::outcome::Judgement;
use human::domain::proposal::{ProposalId, Risk, RiskLevel};
use human::domain::settled::Settled;
use human::engine::seal::digest;
use human::service::inspect;
use human::store::Store;
use human::store::decide::{Accepted, Automatic, Docket, Moved};
use human::store::proposals::Proposals;
use human::store::{Access, Reader, ledger};
use rusqlite::Connection;
use rusqlite::types::Value;
use semver::Version;
use serde_json::json;

/// How many changes are tried.
fn flips(usual: usize) -> usize {
    std::env::var("HUMAN_FLIPS").ok().and_then(|n| n.parse().ok()).unwrap_or(usual)
}

/// A store with an owner, another steward, a grant, and versions that came and went.
struct Scene(tempfile::TempDir);

impl Scene {
    fn new() -> Scene {
        let scene = Scene(tempfile::tempdir().unwrap());
        fs::write(scene.path("empty.toml"), "").unwrap();
        let prompt = |name: &str, text: &str| {
            let head = format!("name: legal.{name}\nhuman.scope: org\nhuman.org: O\ndescription: déjà vu");
            fs::write(scene.path(&format!("{name}.prompt")), format!("---\n{head}\n---\n{text}\n")).unwrap();
            scene.human(&["prompts", "publish", &format!("{name}.prompt"), "--note", "größer"]);
        };
        prompt("a", "one");
        prompt("b", "eins");
        scene.human(&["steward", "init", "ana", "--org", "O"]);
        prompt("a", "two");
        prompt("b", "zwei");
        scene.human(&["steward", "init", "ben", "--org", "O"]);
        scene.human(&["steward", "init", "ana", "--org", "O"]);
        scene.human(&["steward", "trust", "config/keys/ben.pub"]);
        scene.human(&["agent", "grant", "--scope", "prompts:read", "--expires", "30d"]);
        scene.human(&["prompts", "rollback", "legal.a", "--reason", "it was worse"]);
        scene.human(&["prompts", "label", "legal.b@1.0.0", "staging"]);
        scene.human(&["prompts", "activate", "legal.b@1.0.0", "--reason", "back"]);
        prompt("a", "three");
        scene.human(&["agent", "revoke"]);
        scene.human(&["steward", "distrust", "ben"]);
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn said(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command.args(words).current_dir(self.0.path()).env("HUMAN_CONFIG_DIR", self.path("config"));
        command.env("HUMAN_STORE", "store.db").env("HUMAN_CONFIG", "empty.toml").env_remove("HUMAN_STEWARD");
        command.output().unwrap()
    }

    fn human(&self, words: &[&str]) -> String {
        let done = self.said(words);
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

/// A copy of the store's rows that may be changed, and put back.
struct Victim {
    db: Connection,
    path: PathBuf,
    /// Every row of every table that the ledger is about, by table.
    rows: BTreeMap<&'static str, Vec<Vec<Value>>>,
}

const TABLES: [&str; 6] =
    ["ledger", "ledger_head", "prompt", "prompt_version", "prompt_activation", "prompt_label"];
/// What proposals and canaries are kept in, cases, runs and outcomes.
const GOVERNED: [&str; 7] = [
    "proposal",
    "proposal_standing",
    "agent_run",
    "proposal_outcome",
    "prompt_cases",
    "canary",
    "canary_end",
];

impl Victim {
    fn new(store: &Path, path: PathBuf) -> Victim {
        Store::open(store, Access::Write).unwrap().close().unwrap();
        let db = Connection::open(store).unwrap();
        db.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(db);
        fs::copy(store, &path).unwrap();
        let db = Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF").unwrap();
        let triggers: Vec<String> = db
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
            .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
            .unwrap();
        for trigger in triggers {
            db.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        }
        let mut victim = Victim { db, path, rows: BTreeMap::new() };
        for table in TABLES.into_iter().chain(GOVERNED) {
            victim.rows.insert(table, victim.read(table));
        }
        victim
    }

    fn read(&self, table: &str) -> Vec<Vec<Value>> {
        let mut statement = self.db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| (0..columns).map(|i| row.get(i)).collect()).unwrap();
        rows.collect::<rusqlite::Result<_>>().unwrap()
    }

    /// Puts these rows into a table; false where the database itself does not take them.
    fn write(&self, table: &str, rows: &[Vec<Bytes>]) -> bool {
        let tx = self.db.unchecked_transaction().unwrap();
        tx.execute(&format!("DELETE FROM {table}"), []).unwrap();
        for row in rows {
            // Bytes that are no UTF-8 are text all the same, as they are in a file.
            let marks: Vec<&str> =
                row.iter().map(|value| if value.text { "CAST(? AS TEXT)" } else { "?" }).collect();
            let sql = format!("INSERT INTO {table} VALUES ({})", marks.join(", "));
            let values = rusqlite::params_from_iter(row.iter().map(|value| &value.value));
            if tx.prepare_cached(&sql).unwrap().execute(values).is_err() {
                return false;
            }
        }
        tx.commit().unwrap();
        true
    }

    fn is_sound(&self, wanted: Option<Digest>) -> bool {
        let Ok(reader) = Reader::open(&self.path) else { return false };
        let Ok((_, faults)) = reader.verify_ledger() else { return false };
        let mut there = wanted.is_none();
        let read = reader.ledger(0, &mut |entry| {
            there |= Some(entry.hash) == wanted;
            true
        });
        faults.is_empty() && read.is_ok() && there
    }
}

/// A value whose bits can be flipped.
#[derive(Clone, PartialEq)]
struct Bytes {
    value: Value,
    text: bool,
}

fn bytes(value: &Value) -> Bytes {
    match value {
        Value::Text(text) => Bytes { value: Value::Blob(text.clone().into_bytes()), text: true },
        other => Bytes { value: other.clone(), text: false },
    }
}

fn flip(value: &mut Bytes, dice: &mut Dice) -> bool {
    match &mut value.value {
        Value::Blob(bytes) if !bytes.is_empty() => {
            let at = dice.below(bytes.len());
            bytes[at] ^= 1 << dice.below(8);
            true
        }
        Value::Integer(n) => {
            *n ^= 1 << dice.below(63);
            true
        }
        _ => false,
    }
}

#[test]
fn whatever_is_done_to_the_rows_is_seen() {
    let scene = Scene::new();
    let victim = Victim::new(&scene.path("store.db"), scene.path("copy.db"));
    assert!(victim.is_sound(None));
    let ledger = &victim.rows["ledger"];
    let last: Digest = {
        let Value::Text(entry) = &ledger.last().unwrap()[2] else { panic!("no text") };
        serde_json::from_str::<serde_json::Value>(entry).unwrap()["hash"].as_str().unwrap().parse().unwrap()
    };
    let mut dice = Dice::new(4);
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    let many = flips(600);
    while tried.values().sum::<usize>() < many {
        let kind = dice.below(8);
        // Half of the flips are in the ledger's own rows.
        let table = if kind < 4 { "ledger" } else { TABLES[dice.below(TABLES.len())] };
        let before: Vec<Vec<Bytes>> =
            victim.rows[table].iter().map(|row| row.iter().map(bytes).collect()).collect();
        let mut rows = before.clone();
        let (i, j) = (dice.below(rows.len()), dice.below(rows.len()));
        let mut wanted = None;
        let what = match kind {
            0 => {
                rows.remove(i);
                "deletion"
            }
            1 => {
                // The rows stand for one another, or their contents do.
                let column = dice.below(3);
                let (a, b) = (rows[i][column].clone(), rows[j][column].clone());
                (rows[i][column], rows[j][column]) = (b, a);
                if column == 0 { "swap of places" } else { "swap of contents" }
            }
            2 => {
                rows.truncate(i);
                "truncation"
            }
            3 => {
                // Whoever cuts the end off rewrites the head as well; whoever has noted the last hash sees it.
                rows.truncate(i);
                let head: Vec<Vec<Bytes>> = rows
                    .last()
                    .map(|row| {
                        let Value::Blob(entry) = &row[2].value else { panic!("no text") };
                        let entry: serde_json::Value = serde_json::from_slice(entry).unwrap();
                        let hash = Value::Text(entry["hash"].as_str().unwrap().to_owned());
                        vec![bytes(&Value::Integer(1)), row[0].clone(), bytes(&hash)]
                    })
                    .into_iter()
                    .collect();
                assert!(victim.write("ledger_head", &head));
                wanted = Some(last);
                "truncation with a new head"
            }
            _ => {
                // When a prompt was first heard of is said of no version, and by no entry.
                let column = dice.below(rows[i].len());
                if table == "prompt" && column == 7 || !flip(&mut rows[i][column], &mut dice) {
                    continue;
                }
                "flip"
            }
        };
        if rows == before {
            continue;
        }
        let written = victim.write(table, &rows);
        // What the database itself does not take is no change.
        if written {
            assert!(!victim.is_sound(wanted), "not seen: {what} in {table}, rows {i} and {j}");
            *tried.entry(format!("{what} in {table}")).or_default() += 1;
        }
        assert!(victim.write(table, &before));
        if wanted.is_some() {
            let head: Vec<Vec<Bytes>> =
                victim.rows["ledger_head"].iter().map(|row| row.iter().map(bytes).collect()).collect();
            assert!(victim.write("ledger_head", &head));
        }
    }
    assert!(victim.is_sound(Some(last)));
    for (what, n) in &tried {
        println!("{n:>6}  {what}");
    }
    println!("{:>6}  in all, every one of them seen", tried.values().sum::<usize>());
}

#[test]
fn an_export_leaves_what_was_there_until_it_is_whole() {
    let scene = Scene::new();
    fs::write(scene.path("old.jsonl"), "an older bundle").unwrap();
    for file in ["store.db", "store.db-wal", "config/../store.db"] {
        let before = fs::read(scene.path("store.db")).unwrap();
        let done = scene.said(&["audit", "export", file]);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.code() == Some(2) && said.contains("is the store itself"), "{said}");
        assert_eq!(fs::read(scene.path("store.db")).unwrap(), before);
    }
    let victim = Victim::new(&scene.path("store.db"), scene.path("copy.db"));
    victim.db.execute_batch("UPDATE ledger SET entry = '{' WHERE seq = 5").unwrap();
    let done = scene.said(&["--store", "copy.db", "audit", "export", "old.jsonl"]);
    assert_eq!(done.status.code(), Some(1));
    assert_eq!(fs::read_to_string(scene.path("old.jsonl")).unwrap(), "an older bundle");
    scene.human(&["audit", "export", "old.jsonl"]);
    scene.human(&["audit", "verify", "--bundle", "old.jsonl"]);
    let left = fs::read_dir(scene.0.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".human-audit"));
    assert_eq!(left.count(), 0);
    // A path that is no text is named all the same.
    let name = <std::ffi::OsStr as std::os::unix::ffi::OsStrExt>::from_bytes(b"b\xff.jsonl");
    fs::copy(scene.path("old.jsonl"), scene.0.path().join(name)).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
    command.args(["audit", "verify", "--json", "--bundle"]).arg(name).current_dir(scene.0.path());
    let done =
        command.env("HUMAN_CONFIG_DIR", scene.path("config")).env_remove("HUMAN_CONFIG").output().unwrap();
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_bundle_is_checked_by_a_stranger() {
    let scene = Scene::new();
    scene.human(&["audit", "export", "bundle.jsonl", "--texts"]);
    let bundle = fs::read(scene.path("bundle.jsonl")).unwrap();
    // Nothing but the file: another folder, no store, no keys.
    let stranger = tempfile::tempdir().unwrap();
    fs::write(stranger.path().join("b.jsonl"), &bundle).unwrap();
    let verify = |words: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command.args(["audit", "verify", "--bundle", "b.jsonl"]).args(words).current_dir(stranger.path());
        command
            .env("HUMAN_CONFIG_DIR", stranger.path())
            .env("HUMAN_STORE", "none.db")
            .env_remove("HUMAN_CONFIG");
        let done = command.output().unwrap();
        (done.status.code().unwrap(), String::from_utf8(done.stdout).unwrap())
    };
    let (code, said) = verify(&[]);
    let head = said.lines().find_map(|line| line.strip_prefix("Head: ")).unwrap().to_owned();
    assert!(
        code == 0 && said.contains("Owner: steward://O/ana  SHA256:") && said.contains("with 5 texts"),
        "{said}"
    );
    assert_eq!(verify(&["--head", &head]).0, 0);
    assert_eq!(verify(&["--head", &"0".repeat(64)]).0, 6);
    assert_eq!(scene.said(&["audit", "verify", "--head", &head]).status.code(), Some(0));

    let holds = |bytes: &[u8]| inspect(bytes, None).unwrap().faults.is_empty();
    assert!(holds(&bundle));
    let mut dice = Dice::new(5);
    let lines: Vec<&[u8]> = bundle.split_inclusive(|b| *b == b'\n').collect();
    // When it was exported and by which schema is said by the exporter alone, and the line that says it is not signed.
    let free: Vec<usize> = ["\"exportedAt\":\"", "\"schema\":"]
        .iter()
        .flat_map(|key| {
            let from = lines[0].windows(key.len()).position(|w| w == key.as_bytes()).unwrap() + key.len();
            let end = lines[0][from..].iter().position(|b| matches!(b, b'"' | b',')).unwrap();
            from..from + end
        })
        .collect();
    // Of the texts none is missing, none is there twice, and a byte that is no text is not taken for one.
    let entries = lines.len() - 5;
    for i in entries..lines.len() {
        let mut gone = lines.clone();
        gone.remove(i);
        assert!(!holds(&gone.concat()), "without line {i}");
        gone.insert(entries, lines[lines.len() - 1]);
        assert!(i == lines.len() - 1 || !holds(&gone.concat()), "without line {i}, another twice");
    }
    assert!(!holds(&lines[..entries].concat()), "without texts");
    let said = inspect(&[&bundle[..], b"{\"text\":\"\xff\"}\n"].concat()[..], None).unwrap().faults;
    assert!(said[0].contains("it is not UTF-8"), "{said:?}");
    // A stranger's file without lines is given up, not read into memory.
    let endless = inspect(std::io::BufReader::new(std::io::repeat(b'x')), None).unwrap().faults;
    assert!(endless[0].contains("longer than"), "{endless:?}");
    for _ in 0..flips(600) / 10 {
        let mut flipped = bundle.clone();
        let at = dice.below(flipped.len() - 1);
        if !free.contains(&at) {
            flipped[at] ^= 1 << dice.below(8);
            assert!(!holds(&flipped), "byte {at}");
        }
        let (i, j) = (dice.below(entries), dice.below(entries));
        let mut gone = lines.clone();
        gone.remove(i);
        assert!(!holds(&gone.concat()), "without line {i}");
        let mut swapped = lines.clone();
        swapped.swap(i, j);
        assert!(i == j || !holds(&swapped.concat()), "lines {i} and {j}");
        assert!(!holds(&lines[..i].concat()), "cut before line {i}");
    }
}

/// A store in which every step was taken that a proposal can take.
fn governed_store(path: &Path) {
    let (core, org, other) = ("prompt://core/a", "prompt://org/ACME/b", "prompt://org/ACME/c");
    let first = Version::new(1, 0, 0);
    let text =
        |prompt: &str, text: &str| governed::file(&uri(prompt), "human.autoTune: true\n", &first, text);
    for prompt in [core, org, other] {
        governed::publish_by_hand(path, None, &text(prompt, "Say it.\n"), NOW - HOUR);
    }
    let db = governed::connect(path);
    let (ana, agent, ben) = (ana(), agent(), governed::pen("steward://ACME/ben", 2));
    governed::own(&db, &ana, NOW);
    governed::trust(&db, &ana, &ben, NOW).unwrap();
    let scopes = [GrantScope::ProposalsWrite, GrantScope::PromptsAutoApply];
    governed::grant(&db, &ana, &agent, &scopes, "prompt://*", NOW + 99 * HOUR, NOW).unwrap();
    let plain =
        Governance { reviewers: Reviewers { core: 2, ..Reviewers::default() }, ..Governance::default() };
    let canary = Governance { guard: Guard::Canary, canary_share: 0.5, ..plain };
    let draft = |prompt: &str, new: &str, cause: &str, level| {
        let new = proposal(&uri(prompt), &first, text(prompt, new), cause, level);
        step(&db, Some(&agent), &plain, NOW, |docket| docket.propose(new)).unwrap().id
    };
    let shown = |id| digest(Proposals::new(&db).get(id).unwrap().proposal.text.as_bytes());
    let accept = |id, pen| {
        step(&db, Some(pen), &canary, NOW, |docket| docket.accept(id, shown(id), Some("good"))).unwrap()
    };
    let by = |pen, what: &dyn Fn(&Docket<'_>) -> human::store::Result<u64>| {
        step(&db, Some(pen), &canary, NOW, what).unwrap();
    };

    draft(core, "Say it well.\n", "c", RiskLevel::Low);
    let second = draft(core, "Say it better.\n", "c", RiskLevel::Low);
    by(&ana, &|docket| docket.defer(second, NOW + HOUR));
    by(&ben, &|docket| docket.comment(second, "later"));
    let risk = Risk { level: RiskLevel::High, reasons: vec![] };
    let new = text(core, "Say it best.\n");
    let made =
        step(&db, Some(&ana), &plain, NOW, |docket| docket.modify(second, new, risk.clone())).unwrap().id;
    by(&ana, &|docket| docket.reject(made, "no"));
    by(&ben, &|docket| docket.reopen(made, "yes"));
    assert_eq!(accept(made, &ana), Accepted::Signed(1, 2));
    assert!(matches!(accept(made, &ben), Accepted::Applied(_)));
    assert_eq!(accept(made, &ben), Accepted::Signed(1, 2));
    assert!(matches!(accept(made, &ana), Accepted::Applied(_)));
    let settled = Settled {
        old_version: first.clone(),
        new_version: Version::new(1, 1, 0),
        judgement: Judgement::Improved,
        effects: vec![],
        measured: None,
    };
    by(&agent, &|docket| docket.settle(made, &settled));

    let stopped = draft(org, "Say it well.\n", "c", RiskLevel::Low);
    accept(stopped, &ana);
    by(&agent, &|docket| docket.stop(stopped, "worse"));
    by(&agent, &|docket| docket.settle(stopped, &settled));
    by(&ana, &|docket| docket.comment(stopped, "a pity"));

    let applied = draft(other, "Say it well.\n", "c", RiskLevel::Low);
    let (moves, falls) = (
        draft(other, "Say it.\nOnce.\n", "d", RiskLevel::Low),
        draft(other, "Say less.\n", "e", RiskLevel::Low),
    );
    let done = step(&db, Some(&agent), &plain, NOW, |docket| docket.auto_apply(applied)).unwrap();
    assert!(matches!(done, Automatic::Applied(..)), "{done:?}");
    let now_active = Version::new(1, 1, 0);
    let text = governed::file(&uri(other), "human.autoTune: true\n", &now_active, "Say it well.\nOnce.\n");
    let change = Moved { base_version: now_active, text, risk, run: None };
    step(&db, Some(&agent), &plain, NOW, |docket| docket.rebase(moves, change)).unwrap();
    by(&agent, &|docket| docket.mark_stale(falls, "it does not fit"));
    for pen in [&agent, &agent, &governed::pen("agent://ACME/stranger", 7)] {
        by(pen, &|docket| docket.record_run(&json!({"looked": 3})));
    }
    let cases = "{\"name\":\"a\",\"expect\":{\"json\":true}}\n{\"name\":\"b\",\"expect\":{\"json\":true}}";
    let cases = human::domain::cases::parse("t", cases).unwrap();
    for n in [1, 2] {
        governed::by_hand(path, Some(&ana), |shelf| shelf.keep_cases(&uri(core), &cases[..n])).unwrap();
    }
}

/// Another value than this one, of its kind.
fn changed(value: &Bytes) -> Bytes {
    let mut new = value.clone();
    match &mut new.value {
        Value::Integer(n) => *n += 1,
        Value::Real(x) => *x /= 2.0,
        Value::Blob(bytes) => *bytes.last_mut().unwrap() ^= 1,
        Value::Null => new.value = Value::Integer(1),
        Value::Text(_) => unreachable!("texts are handed over as bytes"),
    }
    new
}

#[test]
fn whatever_is_done_to_what_was_decided_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    governed_store(&store);
    let victim = Victim::new(&store, folder.path().join("copy.db"));
    let faults = |victim: &Victim| Reader::open(&victim.path).unwrap().verify_ledger().unwrap().1;
    assert_eq!(faults(&victim), Vec::<String>::new());
    let mut tried: BTreeMap<String, usize> = BTreeMap::new();
    for table in GOVERNED {
        let before: Vec<Vec<Bytes>> =
            victim.rows[table].iter().map(|row| row.iter().map(bytes).collect()).collect();
        let n = before.len();
        assert!(n > 0, "{table} is empty");
        let mut done: Vec<(String, Vec<Vec<Bytes>>)> = Vec::new();
        for i in 0..n {
            let mut rows = before.clone();
            rows.remove(i);
            done.push(("deletion".into(), rows));
            // As another row at the end, and numbered anew as if it had always been there.
            let mut rows = before.clone();
            rows.push(before[i].clone());
            rows[n][0].value = Value::Integer(n as i64 + 1);
            done.push(("repetition".into(), rows));
            let mut rows = before.clone();
            rows.insert(i, before[i].clone());
            (0..=n).for_each(|at| rows[at][0].value = Value::Integer(at as i64 + 1));
            done.push(("repetition in place".into(), rows));
            let mut rows = before.clone();
            rows.remove(i);
            (0..n - 1).for_each(|at| rows[at][0].value = Value::Integer(at as i64 + 1));
            done.push(("deletion without a gap".into(), rows));
            for column in 0..before[i].len() {
                let mut rows = before.clone();
                rows[i][column] = changed(&rows[i][column]);
                done.push((format!("change of column {column}"), rows));
                let mut rows = before.clone();
                rows[i][column] = Bytes { value: Value::Null, text: false };
                done.push((format!("loss of column {column}"), rows));
                for j in 0..i {
                    let mut rows = before.clone();
                    let value = rows[j][column].clone();
                    rows[j][column] = std::mem::replace(&mut rows[i][column], value);
                    done.push((format!("swap of column {column}"), rows));
                }
            }
            for j in 0..i {
                let mut rows = before.clone();
                rows.swap(i, j);
                let number = rows[j][0].clone();
                rows[j][0] = std::mem::replace(&mut rows[i][0], number);
                done.push(("swap of contents".into(), rows));
            }
        }
        for (what, rows) in done {
            let mut sorted = rows.clone();
            let number = |row: &Vec<Bytes>| if let Value::Integer(n) = row[0].value { n } else { i64::MAX };
            sorted.sort_by_key(number);
            // The same rows in another order of writing are the same; what the database does not take is no change.
            if sorted != before && victim.write(table, &rows) && victim.read(table) != victim.rows[table] {
                let now = victim.read(table);
                assert_ne!(faults(&victim), Vec::<String>::new(), "not seen: {what} in {table}: {now:?}");
                *tried.entry(format!("{what} in {table}")).or_default() += 1;
            }
        }
        assert!(victim.write(table, &before));
    }
    assert_eq!(faults(&victim), Vec::<String>::new());
    println!("{} changes, every one of them seen", tried.values().sum::<usize>());
}

#[test]
fn damage_is_told_with_all_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    governed_store(&store);
    let victim = Victim::new(&store, folder.path().join("copy.db"));
    victim
        .db
        .execute_batch(
            "UPDATE proposal SET body = '{' WHERE id = 1; UPDATE proposal SET cause = CAST(x'ff' AS TEXT) WHERE id = 2;
             UPDATE prompt_version SET note = CAST(x'ff' AS TEXT) WHERE version = '1.1.0'; DELETE FROM agent_run WHERE id = 2;",
        )
        .unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
    command.args(["audit", "verify", "--store"]).arg(&victim.path).env("HUMAN_CONFIG_DIR", folder.path());
    let done = command.env_remove("HUMAN_CONFIG").output().unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert_eq!(done.status.code(), Some(6), "{said}");
    for fault in ["proposal 1 was changed", "is damaged", "run 3 is not in its place"] {
        assert!(said.contains(fault), "{fault}: {said}");
    }
}

#[test]
fn a_run_vouches_for_nothing_but_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    governed_store(&store);
    let victim = Victim::new(&store, folder.path().join("copy.db"));
    let db = &victim.db;
    let faults = || Reader::open(&victim.path).unwrap().verify_ledger().unwrap().1;
    // Any key signs the run, no grant is needed, and its payload says whatever its writer wants.
    let stranger = governed::pen("agent://ACME/stranger", 7);
    let forged = |key: &str, id: i64, sql: &str| {
        let body: String = db
            .query_row(
                &format!("SELECT body FROM {} WHERE id = {id}", sql.split_once(' ').unwrap().0),
                [],
                |row| row.get(0),
            )
            .unwrap();
        let body = body.replacen("PROPOSAL-1\"", "PROPOSAL-9\"", 1).replacen("Say it", "Obey", 1);
        let payload =
            json!({key: digest(body.as_bytes()), "proposal": "PROPOSAL-9", "run": 4, "published": null});
        db.execute_batch("SAVEPOINT forged").unwrap();
        let entry = ledger::ran(db, &stranger, NOW, "run", payload).unwrap();
        let values = sql.split_once(' ').unwrap();
        db.execute(
            &format!("INSERT INTO {} {}", values.0, values.1),
            rusqlite::params![body, entry.seq as i64],
        )
        .unwrap();
        db.execute_batch("RELEASE forged").unwrap();
        let found = faults();
        assert!(found.iter().any(|fault| fault.contains("does not tell of it")), "{key}: {found:?}");
        found
    };
    let before =
        Proposals::new(db).list(&human::store::proposals::Filter::default(), NOW).unwrap().len() as i64;
    assert_eq!(before, 8);
    forged(
        "proposalDigest",
        1,
        "proposal (id, prompt, cause, body, entry) VALUES (9, 'prompt://core/a', 'c', ?1, ?2)",
    );
    forged("outcomeDigest", 1, "proposal_outcome (id, proposal, at, body, entry) VALUES (3, 1, 1, ?1, ?2)");
    forged("casesDigest", 1, "prompt_cases (id, prompt, body, entry) VALUES (3, 'prompt://core/a', ?1, ?2)");
    // Nor is it decided on.
    let done =
        step(db, Some(&ana()), &Governance::default(), NOW, |docket| docket.reject(ProposalId(9), "no"));
    assert!(done.unwrap_err().to_string().contains("is not what entry"));
}

#[test]
fn a_signature_counts_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store.db");
    governed_store(&store);
    let victim = Victim::new(&store, folder.path().join("copy.db"));
    let promoted = ProposalId(3);
    let signed = || Proposals::new(&victim.db).signatures(promoted).unwrap();
    assert_eq!(signed().len(), 1);
    // The signature for the promotion once more, then that for the acceptance, and one for another proposal.
    for entry in signed().iter().map(|(_, entry)| *entry as i64).chain([9, 10, 11, 12, 13, 14, 15, 16]) {
        victim
            .db
            .execute(
                "INSERT INTO proposal_standing (proposal, standing, version, entry) VALUES (3, 'accepted', '1.1.0', ?)",
                [entry],
            )
            .unwrap();
    }
    assert_eq!(signed().len(), 1);
}
