//! Tests of what the ledger explains, and of what it does not.

use super::*;
use crate::domain::ledger::Action;
use crate::engine::seal::Pen;
use crate::store::authored::Hand;
use crate::store::prompts::{self, Activation, Deed};
use crate::store::schema::{Access, connect};

const NOW: Millis = 1_795_000_000_000;

fn file(text: &str) -> PromptFile {
    let text = format!("---\nname: legal.a\nhuman.scope: org\nhuman.org: O\ndescription: d\n---\n{text}");
    PromptFile::parse("t", text.as_bytes()).unwrap()
}

fn deed() -> Deed<'static> {
    Deed { at: NOW, actor: "me", reason: Some("because") }
}

/// A store with two versions, an owner in between, a rollback and a label.
fn store(db: &Connection) -> PromptUri {
    let ana = Pen::new("steward://O/ana".parse().unwrap(), &[7; 32]);
    let system = Hand { tx: db, pen: None, now: NOW };
    let uri = system.publish(&file("one"), Activation::Now, deed()).unwrap().uri.unversioned();
    ledger::own(db, &ana, NOW, json!({"steward": ana.identity(), "key": ana.public_key()})).unwrap();
    let hand = Hand { pen: Some(&ana), ..system };
    hand.publish(&file("two"), Activation::Now, deed()).unwrap();
    hand.rollback(&uri, None, deed()).unwrap();
    let version = "1.1.0".parse().unwrap();
    hand.set_label(&uri, &version, "staging", NOW).unwrap();
    hand.set_label(&uri, &"1.0.0".parse().unwrap(), "staging", NOW).unwrap();
    hand.activate(&uri, &version, deed()).unwrap();
    // What writes nothing enters nothing.
    hand.activate(&uri, &version, deed()).unwrap();
    hand.publish(&file("two"), Activation::Now, deed()).unwrap();
    uri
}

#[test]
fn what_is_done_by_hand_is_explained() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
    store(&db);
    let (head, faults) = ledger::verify(&db).unwrap();
    assert_eq!((head.seq, faults), (7, Vec::new()));
    assert_eq!(check(&db).unwrap(), Vec::<String>::new());
}

#[test]
fn what_is_not_signed_in_an_owned_store_is_not_written() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
    let uri = store(&db);
    let eve = Pen::new("steward://O/eve".parse().unwrap(), &[8; 32]);
    for pen in [None, Some(&eve)] {
        db.execute_batch("SAVEPOINT job").unwrap();
        let hand = Hand { tx: &db, pen, now: NOW };
        assert!(hand.publish(&file("three"), Activation::No, deed()).unwrap_err().is_refused());
        assert!(hand.rollback(&uri, None, deed()).unwrap_err().is_refused());
        assert!(hand.activate(&uri, &"1.0.0".parse().unwrap(), deed()).unwrap_err().is_refused());
        assert!(hand.set_label(&uri, &"1.0.0".parse().unwrap(), "x", NOW).unwrap_err().is_refused());
        db.execute_batch("ROLLBACK TO job; RELEASE job").unwrap();
    }
    assert_eq!(check(&db).unwrap(), Vec::<String>::new());
}

#[test]
fn a_patch_is_its_users_unless_they_consented_before() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
    let (ana, ben) = (
        Pen::new("steward://O/ana".parse().unwrap(), &[7; 32]),
        Pen::new("steward://O/ben".parse().unwrap(), &[8; 32]),
    );
    let named = |pen: &Pen| json!({"steward": pen.identity(), "key": pen.public_key()});
    ledger::own(&db, &ana, NOW, named(&ana)).unwrap();
    let asked = ledger::Asked::once(
        Some(&ana),
        crate::engine::govern::Act::Delegate,
        crate::engine::govern::Matter::NOTHING,
    );
    ledger::enter(&db, &asked, NOW, Action::Trust, "steward://O/ben", named(&ben)).unwrap();
    let patch = |consent: bool, text: &str| {
        let head = "name: legal.a\nhuman.scope: user\nhuman.org: O\nhuman.user: ben";
        let text = format!("---\n{head}\nhuman.consent: {consent}\n---\n{text}");
        PromptFile::parse("t", text.as_bytes()).unwrap()
    };
    let publish = |pen: &Pen, file: &PromptFile| {
        db.execute_batch("SAVEPOINT job").unwrap();
        let done = Hand { tx: &db, pen: Some(pen), now: NOW }.publish(file, Activation::Now, deed());
        db.execute_batch(if done.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" }).unwrap();
        done.map(|_| ()).map_err(|error| error.is_refused())
    };
    // A text that says so itself is no consent.
    assert_eq!(publish(&ana, &patch(true, "one")), Err(true));
    assert_eq!(publish(&ben, &patch(false, "one")), Ok(()));
    assert_eq!(publish(&ana, &patch(true, "two")), Err(true));
    assert_eq!(publish(&ben, &patch(true, "two")), Ok(()));
    assert_eq!(publish(&ana, &patch(true, "three")), Ok(()));
    assert_eq!(check(&db).unwrap(), Vec::<String>::new());
}

#[test]
fn what_was_there_before_the_ledger_is_anchored() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
    let uri = prompts::publish(&db, &file("one"), Activation::Now, deed()).unwrap().uri;
    prompts::set_label(&db, &uri, &"1.0.0".parse().unwrap(), "staging", NOW).unwrap();
    assert_eq!(check(&db).unwrap().len(), 3);
    anchor(&db, NOW).unwrap();
    assert_eq!((check(&db).unwrap(), ledger::verify(&db).unwrap().1), (Vec::new(), Vec::new()));
    store(&db);
    assert_eq!((check(&db).unwrap(), ledger::verify(&db).unwrap().1), (Vec::new(), Vec::new()));
}

#[test]
fn an_entry_tells_only_of_what_it_may_write() {
    let dir = tempfile::tempdir().unwrap();
    let db = connect(&dir.path().join("s.db"), Access::Write).unwrap();
    store(&db);
    // Rows slipped past the ledger, and whoever may write into it vouches for them.
    let text = "---\nname: b\nhuman.scope: core\n---\nx";
    let slipped = PromptFile::parse("t", text.as_bytes()).unwrap();
    let uri = prompts::publish(&db, &slipped, Activation::Now, deed()).unwrap().uri;
    let payload =
        || json!({"published": published(&db, &uri).unwrap(), "activated": activated(&db, &uri).unwrap()});
    let agent = Pen::new("agent://O/a".parse().unwrap(), &[9; 32]);
    let found = json!({"found": {"published": [published(&db, &uri).unwrap()]}});
    for payload in [payload(), found] {
        db.execute_batch("SAVEPOINT run").unwrap();
        ledger::ran(&db, &agent, NOW, "run", payload).unwrap();
        assert_eq!(ledger::verify(&db).unwrap().1, Vec::<String>::new());
        assert_eq!(check(&db).unwrap().len(), 2);
        db.execute_batch("ROLLBACK TO run; RELEASE run").unwrap();
    }
    let mut told = Told::default();
    let deed = crate::engine::seal::Deed {
        at: String::new(),
        action: Action::AutoApply,
        subject: String::new(),
        payload: payload(),
    };
    told.hear(&crate::engine::seal::seal(ledger::head(&db).unwrap(), deed, Some(&agent)));
    assert!(told.faults[0].contains("without a steward's signature"), "{:?}", told.faults);
}

#[test]
fn every_column_that_is_changed_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let db = connect(&path, Access::Write).unwrap();
    store(&db);
    let triggers: Vec<String> = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
        .and_then(|mut s| s.query_map([], |row| row.get(0))?.collect())
        .unwrap();
    for trigger in triggers {
        db.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
    }
    db.execute_batch("PRAGMA foreign_keys = OFF").unwrap();
    for change in [
        "UPDATE prompt_version SET text = text || ' ' WHERE version = '1.0.0'",
        "UPDATE prompt_version SET published_at = published_at + 1",
        "UPDATE prompt_version SET actor = 'eve'",
        "UPDATE prompt_version SET note = NULL",
        "UPDATE prompt_version SET digest = 'x'",
        "UPDATE prompt_version SET task_type = 'x'",
        "UPDATE prompt_version SET description = NULL",
        "UPDATE prompt_version SET model = 'x'",
        "UPDATE prompt_version SET auto_tune = 1",
        "UPDATE prompt_version SET consent = 1",
        "UPDATE prompt_version SET requires = '[1]'",
        "UPDATE prompt_version SET extends = 'x'",
        "UPDATE prompt_version SET version = '9.0.0' WHERE version = '1.0.0'",
        "DELETE FROM prompt_version WHERE version = '1.0.0'",
        "UPDATE prompt SET uri = 'prompt://core/x'",
        "UPDATE prompt SET scope = 'core'",
        "UPDATE prompt SET org = NULL",
        "UPDATE prompt SET user = 'x'",
        "UPDATE prompt SET key = 'x'",
        "UPDATE prompt SET last_segment = 'x'",
        "UPDATE prompt_activation SET version = '1.0.0' WHERE id = 2",
        "UPDATE prompt_activation SET at_ms = 0",
        "UPDATE prompt_activation SET kind = 'rollback' WHERE id = 1",
        "UPDATE prompt_activation SET actor = 'x' WHERE id = 2",
        "UPDATE prompt_activation SET reason = 'x' WHERE id = 2",
        "UPDATE prompt_activation SET prompt = 77 WHERE id = 4",
        "UPDATE prompt_activation SET id = 9 WHERE id = 4",
        "DELETE FROM prompt_activation WHERE id = 4",
        "DELETE FROM prompt_activation WHERE id = 1",
        "INSERT INTO prompt_activation (prompt, version, at_ms, kind, actor) VALUES (1, '1.0.0', 1, 'activate', 'me')",
        "UPDATE prompt_label SET version = '1.1.0'",
        "UPDATE prompt_label SET label = 'x'",
        "UPDATE prompt_label SET at_ms = 1",
        "DELETE FROM prompt_label",
        "INSERT INTO proposal (id, prompt, cause, body, entry) VALUES (1, 'p', 'c', '{}', 3)",
        "INSERT INTO proposal_standing (proposal, standing, entry) VALUES (1, 'accepted', 3)",
        "INSERT INTO agent_run (at, body, entry) VALUES (1, '{}', 3)",
        "INSERT INTO proposal_outcome (proposal, at, body, entry) VALUES (1, 1, '{}', 3)",
        "INSERT INTO canary (proposal, prompt, version, share, entry) VALUES (1, 'p', '1.0.0', 0.1, 3)",
        "INSERT INTO canary_end (canary, how, entry) VALUES (1, 'stop', 3)",
    ] {
        db.execute_batch("SAVEPOINT change").unwrap();
        assert_ne!(db.execute(change, []).unwrap(), 0, "{change}");
        assert_ne!(check(&db).unwrap(), Vec::<String>::new(), "{change}");
        db.execute_batch("ROLLBACK TO change; RELEASE change").unwrap();
    }
    assert_eq!(check(&db).unwrap(), Vec::<String>::new());
}
