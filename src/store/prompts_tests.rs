//! Tests of `prompts` and `prompt_shelf` on a store in memory.

use super::*;
use crate::domain::prompt::Name;
use crate::engine::compose::{self, Audience, Shelf as _};
use crate::store::prompt_shelf::{Named, View};

fn store() -> Connection {
    let conn = Connection::open_in_memory().unwrap();
    conn.pragma_update(None, "foreign_keys", true).unwrap();
    conn.execute_batch(SCHEMA).unwrap();
    conn
}

fn file(uri: &str, more: &str, text: &str) -> PromptFile {
    let uri: PromptUri = uri.parse().unwrap();
    let org = uri.place.org().map(|org| format!("human.org: {org}\n")).unwrap_or_default();
    let user = match &uri.place {
        Place::User(_, user) => format!("human.user: {user}\n"),
        _ => String::new(),
    };
    let version = uri.version.as_ref().map(|v| format!("human.version: {v}\n")).unwrap_or_default();
    let front = format!("name: {}\nhuman.scope: {}\n{org}{user}{version}{more}", uri.key, uri.scope());
    PromptFile::parse("t", format!("---\n{front}---\n{text}").as_bytes()).unwrap()
}

fn deed(at: Millis) -> Deed<'static> {
    Deed { at, actor: "me", reason: Some("because") }
}

fn put(conn: &mut Connection, file: &PromptFile, at: Millis) -> Result<Publication> {
    let tx = conn.transaction()?;
    let published = publish(&tx, file, Activation::Now, deed(at))?;
    tx.commit()?;
    Ok(published)
}

fn v(text: &str) -> Version {
    Version::parse(text).unwrap()
}

const A: &str = "prompt://org/O/legal.a";

#[test]
fn versions_follow_the_change() {
    let mut conn = store();
    let mut publish = |more: &str, text: &str, at| put(&mut conn, &file(A, more, text), at).unwrap();
    let first = publish("", "one", 10);
    assert_eq!(
        (first.uri.to_string(), first.change, first.previous, first.active),
        (format!("{A}@1.0.0"), None, None, true)
    );
    let same = publish("", "one", 20);
    assert_eq!((same.uri.version, same.change), (Some(v("1.0.0")), Some(Change::None)));
    let text = publish("", "two", 30);
    assert_eq!(
        (text.uri.version, text.change, text.previous),
        (Some(v("1.1.0")), Some(Change::Text), Some(v("1.0.0")))
    );
    let metadata = publish("description: d\n", "two", 40);
    assert_eq!((metadata.uri.version, metadata.change), (Some(v("1.1.1")), Some(Change::Metadata)));
    let contract = publish("output: {format: json}\n", "two", 50);
    assert_eq!((contract.uri.version, contract.change), (Some(v("2.0.0")), Some(Change::Contract)));
    let uri: PromptUri = A.parse().unwrap();
    for (at, active) in
        [(9, None), (10, Some("1.0.0")), (29, Some("1.0.0")), (30, Some("1.1.0")), (99, Some("2.0.0"))]
    {
        assert_eq!(active_at(&conn, &uri, at).unwrap(), active.map(v), "at {at}");
    }
    assert_eq!(versions(&conn, &uri).unwrap().len(), 4);
    assert_eq!(get(&conn, &uri, &v("1.1.0")).unwrap().template(), "two");
}

#[test]
fn a_published_version_is_immutable() {
    let mut conn = store();
    let named = format!("{A}@1.2.0");
    put(&mut conn, &file(&named, "", "one"), 1).unwrap();
    assert_eq!(put(&mut conn, &file(&named, "", "one"), 2).unwrap().change, Some(Change::None));
    let error = put(&mut conn, &file(&named, "", "two"), 3).unwrap_err().to_string();
    assert!(error.contains("immutable; set `human.version: 1.3.0`"), "{error}");
    for sql in [
        "UPDATE prompt_version SET text = 'x'",
        "DELETE FROM prompt_version",
        "UPDATE prompt_activation SET at_ms = 0",
        "DELETE FROM prompt_activation",
    ] {
        assert!(conn.execute(sql, []).is_err(), "{sql}");
    }
    assert_eq!(get(&conn, &A.parse().unwrap(), &v("1.2.0")).unwrap().template(), "one");
}

#[test]
fn activation_and_rollback_are_a_history() {
    let mut conn = store();
    let uri: PromptUri = A.parse().unwrap();
    for (i, text) in ["one", "two", "three"].into_iter().enumerate() {
        put(&mut conn, &file(A, "", text), 10 * (i as Millis + 1)).unwrap();
    }
    let tx = conn.transaction().unwrap();
    let step =
        |to: Option<&str>, at| rollback(&tx, &uri, to.map(v).as_ref(), deed(at)).map(|r| r.to.to_string());
    assert_eq!(step(None, 40).unwrap(), "1.1.0");
    assert_eq!(step(None, 50).unwrap(), "1.0.0");
    let error = step(None, 60).unwrap_err().to_string();
    assert!(
        error.contains("no version to go back to; name one with `--to`, of: 1.2.0, 1.1.0, 1.0.0"),
        "{error}"
    );
    assert_eq!(step(Some("1.2.0"), 70).unwrap(), "1.2.0");
    assert!(step(Some("9.0.0"), 70).unwrap_err().is_about_names());
    // A clock that went back does not make a decision void.
    assert_eq!(activate(&tx, &uri, &v("1.1.0"), deed(5)).unwrap(), Some(v("1.2.0")));
    assert_eq!(active(&tx, &uri).unwrap(), Some(v("1.1.0")));
    let count = activations(&tx, &uri).unwrap().len();
    activate(&tx, &uri, &v("1.1.0"), deed(99)).unwrap();
    assert_eq!(activations(&tx, &uri).unwrap().len(), count);
    let last = activations(&tx, &uri).unwrap().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.at, last.reason.as_deref()), ("activate", 70, Some("because")));
    assert_eq!(active_at(&tx, &uri, 45).unwrap(), Some(v("1.1.0")));
}

#[test]
fn past_versions_leave_the_present_alone() {
    let mut conn = store();
    put(&mut conn, &file(&format!("{A}@3.0.0"), "", "three"), 100).unwrap();
    let tx = conn.transaction().unwrap();
    let old = publish(&tx, &file(&format!("{A}@1.0.0"), "", "one"), Activation::AsOfThen, deed(10)).unwrap();
    assert!(!old.active);
    let quiet = publish(&tx, &file(&format!("{A}@4.0.0"), "", "four"), Activation::No, deed(200)).unwrap();
    assert!(!quiet.active);
    let uri: PromptUri = A.parse().unwrap();
    assert_eq!(active(&tx, &uri).unwrap(), Some(v("3.0.0")));
    assert_eq!(active_at(&tx, &uri, 50).unwrap(), Some(v("1.0.0")));
}

#[test]
fn names_mean_one_prompt_or_are_refused() {
    let mut conn = store();
    for uri in [
        A,
        "prompt://core/legal.a",
        "prompt://org/O/sales.pitch",
        "prompt://org/O/legal.pitch",
        "prompt://org/O/solo.one",
    ] {
        put(&mut conn, &file(uri, "", "x"), 1).unwrap();
    }
    let view = View(conn.transaction().unwrap());
    let uri = |name: &str| view.named(name).map(|n| n.uri.to_string());
    assert_eq!(uri("prompt://core/legal.a").unwrap(), "prompt://core/legal.a");
    assert_eq!(uri("sales.pitch").unwrap(), "prompt://org/O/sales.pitch");
    assert_eq!(uri("one").unwrap(), "prompt://org/O/solo.one");
    let versioned = view.named("one@1.0.0").unwrap();
    assert_eq!(
        versioned,
        Named { uri: "prompt://org/O/solo.one".parse().unwrap(), version: Some(v("1.0.0")) }
    );
    assert_eq!(view.named("one@active").unwrap().version, None);
    let error = uri("legal.a").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`legal.a` names 2 prompts; say which: prompt://core/legal.a, prompt://org/O/legal.a"
    );
    assert!(error.is_about_names());
    assert!(uri("pitch").unwrap_err().to_string().contains("names 2 prompts"));
    assert!(uri("sales.ptich").unwrap_err().to_string().contains("did you mean sales.pitch?"));
    assert!(
        uri("prompt://core/legal.b").unwrap_err().to_string().contains("did you mean prompt://core/legal.a")
    );
    assert!(uri("zzzzzzz").unwrap_err().to_string().contains("human prompts list"));
    let error = view.named("one@2.0.0").unwrap_err().to_string();
    assert_eq!(error, "prompt://org/O/solo.one has no version or label `2.0.0`; it has 1.0.0");
}

#[test]
fn labels_move_and_active_is_not_one() {
    let mut conn = store();
    for text in ["one", "two"] {
        put(&mut conn, &file(A, "", text), 1).unwrap();
    }
    let tx = conn.transaction().unwrap();
    let uri: PromptUri = A.parse().unwrap();
    set_label(&tx, &uri, &v("1.0.0"), "staging", 1).unwrap();
    set_label(&tx, &uri, &v("1.1.0"), "staging", 2).unwrap();
    for label in ["active", "", "1.0.0", "a b", "A"] {
        assert!(set_label(&tx, &uri, &v("1.0.0"), label, 1).is_err(), "{label}");
    }
    assert!(set_label(&tx, &uri, &v("7.0.0"), "x", 1).is_err());
    assert_eq!(View(tx).named("legal.a@staging").unwrap().version, Some(v("1.1.0")));
}

#[test]
fn the_shelf_gives_active_versions_and_patches() {
    let mut conn = store();
    put(&mut conn, &file("prompt://core/legal.a", "", "CORE"), 1).unwrap();
    put(&mut conn, &file(A, "", "ORG"), 1).unwrap();
    put(&mut conn, &file("prompt://user/O/ana/tone", "human.extends: legal.a\n", "ANA"), 1).unwrap();
    put(&mut conn, &file("prompt://user/P/ana/tone", "human.extends: legal.a\n", "NO"), 1).unwrap();
    let (org, user): (Name, Name) = ("O".parse().unwrap(), "ana".parse().unwrap());
    let shelf = View(conn.transaction().unwrap());
    assert_eq!(shelf.patches(&org, &user).unwrap().len(), 1);
    let audience = Audience { org, user: Some(user) };
    let made = compose::effective(&[A.parse().unwrap()], &audience, &serde_json::Map::new(), &shelf).unwrap();
    assert_eq!(made.text, "CORE\n\nORG\n\nANA");
}

#[test]
fn lists_have_one_row_for_each_prompt() {
    let mut conn = store();
    put(&mut conn, &file(A, "model: m1\nhuman.requires: [json]\nhuman.autoTune: true\n", "one"), 1).unwrap();
    put(&mut conn, &file(A, "model: m2\n", "two"), 2).unwrap();
    let tx = conn.transaction().unwrap();
    rollback(&tx, &A.parse().unwrap(), None, deed(3)).unwrap();
    let b = "prompt://core/b";
    publish(&tx, &file(b, "", "x"), Activation::No, deed(4)).unwrap();
    let listed = crate::store::prompt_list::all(&tx).unwrap();
    let rows: Vec<_> =
        listed.iter().map(|l| (l.uri.to_string(), l.active.clone(), l.model.as_deref())).collect();
    assert_eq!(rows, [(b.to_owned(), None, None), (A.to_owned(), Some(v("1.0.0")), Some("m1"))]);
    assert!(listed[1].auto_tune && listed[1].requires == ["json"] && listed[1].task_type == "legal");
}
