//! Who may do what, as a person meets it: the binary is run with keys of its own, and its words and exit codes are read.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;

/// Exit code, standard output, standard error.
type Said = (i32, String, String);

/// A store, and people at machines of their own.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        let desk = Desk(tempfile::tempdir().unwrap());
        desk.write("empty.toml", "");
        desk.write("org.prompt", "---\nname: legal.a\nhuman.scope: org\nhuman.org: LOCAL\n---\none");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// What `who` is told at their machine.
    fn told(&self, who: &str, variables: &[(&str, &str)], words: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command.args(words).current_dir(self.0.path()).stdin(Stdio::null());
        command.env("HUMAN_STORE", "store.db").env("HUMAN_CONFIG", "empty.toml").env("USER", "somebody");
        command
            .env("HUMAN_CONFIG_DIR", self.path(who))
            .env_remove("HUMAN_STEWARD")
            .env_remove("HUMAN_PASSPHRASE");
        let done = command.envs(variables.iter().copied()).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (done.status.code().unwrap(), text(done.stdout), text(done.stderr))
    }

    fn says(&self, who: &str, words: &[&str]) -> String {
        let (code, out, err) = self.told(who, &[], words);
        assert_eq!(code, 0, "{words:?}: {out}{err}");
        out
    }

    fn json(&self, who: &str, words: &[&str]) -> Value {
        serde_json::from_str(&self.says(who, &[words, &["--json"]].concat())).unwrap()
    }

    /// That `who` is refused, in words that say `why`.
    fn refused(&self, who: &str, words: &[&str], code: i32, why: &str) {
        let (got, out, err) = self.told(who, &[], words);
        assert!(got == code && err.contains(why), "{words:?}: {got}\n{out}{err}");
    }
}

const PUBLISH: [&str; 3] = ["prompts", "publish", "org.prompt"];

#[test]
fn the_first_steward_owns_a_store_and_trusts_the_second() {
    let desk = Desk::new();
    // Without an owner nobody needs a key.
    assert_eq!(desk.says("ana", &PUBLISH), "Published: legal.a@1.0.0\n");
    desk.refused("ana", &["steward", "whoami"], 1, "human steward init NAME");
    assert!(desk.says("ana", &["steward", "init", "ana"]).contains("Owner of store.db"));
    assert!(desk.says("ana", &["steward", "whoami"]).contains("trusted here; the store's owner"));
    let mode = fs::metadata(desk.path("ana/keys/ana")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    // With one, a key that is trusted signs.
    desk.write("org.prompt", "---\nname: legal.a\nhuman.scope: org\nhuman.org: LOCAL\n---\ntwo");
    let governed: [&[&str]; 4] = [
        &PUBLISH,
        &["prompts", "rollback", "legal.a", "--reason", "x", "--to", "1.0.0"],
        &["prompts", "activate", "legal.a@1.0.0"],
        &["prompts", "label", "legal.a@1.0.0", "staging"],
    ];
    desk.refused("ben", &PUBLISH, 4, "nobody signs");
    assert!(desk.says("ben", &["steward", "init", "ben"]).contains("ssh-ed25519 "));
    desk.refused("ben", &PUBLISH, 4, "steward://LOCAL/ben is not trusted in this store");
    desk.says("ana", &PUBLISH);
    for words in &governed[2..] {
        desk.refused("ben", words, 4, "is not trusted");
    }
    desk.refused("ben", governed[1], 4, "is not trusted");
    desk.refused("ben", &["steward", "trust", "ben/keys/ben.pub"], 4, "is not trusted");
    desk.refused("ben", &["steward", "distrust", "ana"], 4, "is not trusted");
    desk.refused(
        "ben",
        &["agent", "grant", "--scope", "prompts:read", "--expires", "1d"],
        4,
        "is not trusted",
    );
    assert!(desk.says("ben", &["steward", "whoami"]).contains("not trusted here"));
    assert_eq!(desk.json("ana", &["audit", "verify"])["entries"], 3);

    assert!(
        desk.says("ana", &["steward", "trust", "ben/keys/ben.pub"])
            .starts_with("Trusted: steward://LOCAL/ben")
    );
    assert!(desk.says("ana", &["steward", "trust", "ben/keys/ben.pub"]).starts_with("Trusted already"));
    for words in &governed[1..] {
        desk.says("ben", words);
    }
    let history: Value = desk.json("ben", &["prompts", "history", "legal.a"]);
    assert!(history.to_string().contains("steward://LOCAL/ben"), "{history}");

    assert!(desk.says("ana", &["steward", "distrust", "ben"]).contains("no more"));
    desk.write("org.prompt", "---\nname: legal.a\nhuman.scope: org\nhuman.org: LOCAL\n---\nthree");
    desk.refused("ben", &PUBLISH, 4, "is not trusted");
    desk.refused("ana", &["steward", "distrust", "ben"], 2, "nobody whom this store trusts");
    desk.refused("ana", &["steward", "distrust", "ana"], 4, "the last steward");
    assert!(desk.says("ana", &["steward", "list"]).contains("trusted no more"));
    assert!(desk.says("ana", &["doctor"]).contains("owned by steward://LOCAL/ana"));
    assert!(desk.says("eve", &["audit", "verify"]).starts_with("Holds: store.db"));
}

#[test]
fn a_patch_is_its_users() {
    let desk = Desk::new();
    desk.says("ana", &["steward", "init", "ana"]);
    desk.says("ben", &["steward", "init", "ben"]);
    desk.says("ana", &["steward", "trust", "ben/keys/ben.pub"]);
    let patch = "---\nname: legal.a\nhuman.scope: user\nhuman.org: LOCAL\nhuman.user: ben\nhuman.consent: true\n---\nx";
    desk.write("patch.prompt", patch);
    desk.refused("ana", &["prompts", "publish", "patch.prompt"], 4, "ben has not consented");
    desk.says("ben", &["prompts", "publish", "patch.prompt"]);
    desk.write("patch.prompt", &patch.replace("---\nx", "---\ny"));
    desk.says("ana", &["prompts", "publish", "patch.prompt"]);
}

#[test]
fn keys_are_kept_and_refused_with_words() {
    let desk = Desk::new();
    let words = ["steward", "init", "ana", "--passphrase"];
    assert_eq!(desk.told("ana", &[], &words).0, 1, "there is no terminal");
    let right = [("HUMAN_PASSPHRASE", "correct horse")];
    let (code, out, err) = desk.told("ana", &right, &words);
    assert!(code == 0 && !format!("{out}{err}").contains("horse"), "{out}{err}");
    assert!(fs::read_to_string(desk.path("ana/keys/ana")).unwrap().contains("BEGIN OPENSSH PRIVATE KEY"));
    // Looking on needs no passphrase, signing does.
    assert!(desk.says("ana", &["steward", "whoami"]).contains("SHA256:"));
    let (code, _, err) = desk.told("ana", &[("HUMAN_PASSPHRASE", "battery")], &PUBLISH);
    assert!(code == 1 && err.contains("the passphrase does not open"), "{err}");
    let (code, _, err) = desk.told("ana", &[], &PUBLISH);
    assert!(code == 1 && err.contains("Set HUMAN_PASSPHRASE"), "{err}");
    let (code, _, err) = desk.told("ana", &right, &PUBLISH);
    assert_eq!(code, 0, "{err}");
    desk.refused("ana", &words, 2, "has its key in");

    let open = desk.path("ana/keys/ana");
    fs::set_permissions(&open, fs::Permissions::from_mode(0o644)).unwrap();
    desk.refused("ana", &["steward", "whoami"], 1, "chmod 600");
    fs::remove_file(&open).unwrap();
    desk.refused("ana", &["steward", "whoami"], 1, "Bring it back");

    desk.refused("ben", &["steward", "init", "ben", "--key", "none"], 1, "cannot be read");
    desk.refused("ben", &["steward", "init", "b n"], 2, "b n");
    let other = |variable: &str| desk.told("ben", &[("HUMAN_STEWARD", variable)], &["steward", "whoami"]);
    assert!(other("nobody").0 == 2 && other("nobody").2.contains("has no key here"));
    let keygen = |kind: &str, name: &str| {
        let mut command = Command::new("ssh-keygen");
        command.args(["-q", "-t", kind, "-N", "", "-C", "me@here", "-f"]).arg(desk.path(name));
        command.status().is_ok_and(|status| status.success())
    };
    if !(keygen("rsa", "rsa") && keygen("ed25519", "own")) {
        println!("skipped: there is no ssh-keygen here");
        return;
    }
    desk.refused("ben", &["steward", "init", "ben", "--key", "rsa"], 1, "a key of the kind ssh-rsa");
    desk.refused("ben", &["steward", "trust", "rsa.pub", "ben"], 1, "a key of the kind ssh-rsa");
    desk.refused("ben", &["steward", "trust", "own", "ben"], 1, "is not one public key");
    desk.refused("ben", &["steward", "trust", "own.pub"], 2, "does not say whose key it is");
    desk.refused("ben", &["steward", "trust", "own.pub", "agent://A/b"], 2, "is no steward");
    // A store of their own, with a key that they had.
    let mine = |words: &[&str]| desk.told("ben", &[("HUMAN_STORE", "mine.db")], words);
    assert!(mine(&["steward", "init", "ben", "--key", "own"]).1.contains("Owner of mine.db"));
    assert!(!desk.path("ben/keys").exists());
    let said = mine(&["steward", "whoami"]).1;
    let keygen = Command::new("ssh-keygen").args(["-l", "-f"]).arg(desk.path("own.pub")).output().unwrap();
    let fingerprint = String::from_utf8(keygen.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
    assert!(said.contains(&fingerprint), "{said} is not {fingerprint}");
    assert_eq!(mine(&PUBLISH).0, 0);
}

#[test]
fn an_agent_is_allowed_what_a_steward_signs() {
    let desk = Desk::new();
    let grant = ["agent", "grant", "--scope", "telemetry:read", "prompts:read", "--expires", "30d"];
    desk.refused("ana", &grant, 4, "nobody signs");
    desk.says("ana", &["steward", "init", "ana"]);
    assert_eq!(desk.json("ana", &["agent", "status"])["standing"], "no grant");
    desk.refused(
        "ana",
        &["agent", "grant", "--scope", "all", "--expires", "30d"],
        2,
        "is no scope of a grant",
    );
    desk.refused("ana", &["agent", "grant", "--scope", "prompts:read", "--expires", "soon"], 2, "is no time");
    desk.refused(
        "ana",
        &["agent", "grant", "--scope", "prompts:read", "--expires", "2020-01-01"],
        2,
        "is over",
    );
    let pattern = ["agent", "grant", "--scope", "prompts:read", "--expires", "1d", "--prompts", "legal.*"];
    desk.refused("ana", &pattern, 2, "names no prompts");
    assert!(desk.says("ana", &grant).starts_with("Granted: agent://LOCAL/prompt-refinement"));
    let status = desk.json("ana", &["agent", "status"]);
    assert_eq!(status["standing"], "granted");
    assert_eq!(status["grant"]["scopes"], serde_json::json!(["telemetry:read", "prompts:read"]));
    assert_eq!(
        desk.json("ben", &["agent", "status"])["standing"],
        "granted to a key that is not at this machine"
    );
    assert!(desk.says("ana", &["agent", "revoke"]).starts_with("Revoked: agent://LOCAL"));
    assert!(desk.says("ana", &["agent", "revoke"]).starts_with("No grant"));
    assert_eq!(desk.json("ana", &["agent", "status"])["standing"], "revoked");
}

#[test]
fn the_log_is_filtered_and_a_broken_ledger_ends_with_6() {
    let desk = Desk::new();
    desk.says("ana", &PUBLISH);
    desk.says("ana", &["steward", "init", "ana"]);
    desk.write("b.prompt", "---\nname: other\nhuman.scope: core\n---\nx");
    desk.says("ana", &["prompts", "publish", "b.prompt"]);
    let log = |words: &[&str]| {
        let out = desk.says("ana", &[&["audit", "log", "--json"], words].concat());
        out.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].as_u64().unwrap())
            .collect::<Vec<_>>()
    };
    assert_eq!(log(&[]), [3, 2, 1]);
    assert_eq!(log(&["--limit", "2"]), [3, 2]);
    assert_eq!(log(&["--prompt", "other"]), [3]);
    assert_eq!(log(&["--prompt", "legal.a"]), [1]);
    assert_eq!(log(&["--actor", "ana"]), [3, 2]);
    assert_eq!(log(&["--actor", "system"]), [1]);
    assert_eq!(log(&["--action", "publish"]), [3, 1]);
    assert_eq!(log(&["--window", "1h"]), [3, 2, 1]);
    assert_eq!(log(&["--window", "2020-01-01..2020-01-02"]), Vec::<u64>::new());
    desk.refused("ana", &["audit", "log", "--action", "fly"], 2, "is no action of the ledger");
    desk.refused("ana", &["audit", "log", "--prompt", "nothing"], 2, "nothing");
    desk.refused("ana", &["audit", "verify", "--head", "12"], 2, "hexadecimal");
    desk.refused("ana", &["audit", "verify", "--bundle", "none"], 1, "cannot be read");
    assert!(desk.says("ana", &["audit", "log", "--limit", "1"]).contains("prompt://core/other@1.0.0"));

    let (code, out, _) = desk.told("ana", &[], &["audit", "verify", "--head", &"1".repeat(64)]);
    assert!(code == 6 && out.contains("the ledger's end was cut off"), "{out}");
    let db = rusqlite::Connection::open(desk.path("store.db")).unwrap();
    db.execute_batch("DROP TRIGGER prompt_version_stays; UPDATE prompt_version SET actor = 'eve'").unwrap();
    drop(db);
    let (code, out, _) = desk.told("ana", &[], &["audit", "verify"]);
    assert!(code == 6 && out.contains("prompt://core/other@1.0.0 was changed: entry 3"), "{out}");
    let (code, out, _) = desk.told("ana", &[], &["doctor"]);
    assert!(code == 1 && out.contains("was changed: entry 3"), "{out}");
}
