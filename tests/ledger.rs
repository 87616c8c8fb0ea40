//! Whatever is done to the rows of a ledger, or to the rows that it explains, is seen: bits flipped, rows deleted,
//! swapped, repeated, ends cut off, in a store and in a bundle. `HUMAN_FLIPS=10000` tries so many; the usual run some hundreds.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use dice::Dice;
use human::domain::identity::Digest;
use human::service::inspect;
use human::store::Store;
use human::store::{Access, Reader};
use rusqlite::Connection;
use rusqlite::types::Value;

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
        for table in TABLES {
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
    for _ in 0..flips(600) / 10 {
        let mut flipped = bundle.clone();
        let at = dice.below(flipped.len() - 1);
        if !free.contains(&at) {
            flipped[at] ^= 1 << dice.below(8);
            assert!(!holds(&flipped), "byte {at}");
        }
        let entries = lines.len() - 5;
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
