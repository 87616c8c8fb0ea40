//! Keys in the platform's keyring: a Secret Service of the test's own, on a bus of its own, in a folder of its own. Skips,
//! saying so, where `dbus-run-session` or `gnome-keyring-daemon` is not installed; a real keyring is never touched.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::path::Path;
use std::process::{Command, Stdio};

const PROMPT: &str = "---\nname: a.b\nhuman.scope: org\nhuman.org: ACME\n---\nAnswer.\n";

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// Runs a script in a session of its own, with an unlocked keyring if asked for; what it ended with and said.
fn session(folder: &Path, keyring: bool, script: &str) -> (i32, String) {
    let unlock = "printf '' | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1\n";
    let script = format!("{}{script}", if keyring { unlock } else { "" });
    let done = Command::new("dbus-run-session")
        .args(["--", "sh", "-c", &script])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_RUNTIME_DIR", folder)
        .env("HUMAN_CONFIG_DIR", folder.join("config"))
        .env("HUMAN_STORE", folder.join("store.db"))
        .env("HUMAN", env!("CARGO_BIN_EXE_human"))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    (done.status.code().unwrap_or(-1), said)
}

#[test]
fn a_key_is_kept_in_the_keyring_and_signs_from_there() {
    if !["dbus-run-session", "gnome-keyring-daemon"].into_iter().all(is_installed) {
        println!("skipped: dbus-run-session and gnome-keyring-daemon are not both installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::write(at.join("a.prompt"), PROMPT).unwrap();
    let (code, said) = session(
        at,
        true,
        "$HUMAN steward init ana --org ACME --keep-in keyring && $HUMAN prompts publish a.prompt && $HUMAN steward whoami &&
         $HUMAN steward list && $HUMAN agent grant --org ACME --scope telemetry:read --expires 30d --keep-in keyring",
    );
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("in the platform's keyring").count(), 3, "{said}");
    assert!(said.contains("Published: a.b@1.0.0") && said.contains("key here, in a keyring"), "{said}");
    let files: Vec<String> = std::fs::read_dir(at.join("config/keys"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(!files.is_empty() && files.iter().all(|file| file.ends_with(".pub")), "{files:?}");

    // Another session of the same person has it too.
    let (code, said) = session(at, true, "$HUMAN prompts label a.b@1.0.0 stable");
    assert_eq!(code, 0, "{said}");
    // Without a keyring, and with one that has lost it, the error says what to do.
    let (code, said) = session(at, false, "DBUS_SESSION_BUS_ADDRESS= $HUMAN prompts label a.b@1.0.0 good");
    assert!(code != 0 && said.contains("does not give the key of steward://ACME/ana"), "{said}");
    assert!(said.contains("Unlock it"), "{said}");
    std::fs::remove_dir_all(at.join("data")).unwrap();
    let (code, said) = session(at, true, "$HUMAN prompts label a.b@1.0.0 good");
    assert!(code != 0 && said.contains("Bring the entry back"), "{said}");
    // Who it was is still known.
    let (code, said) = session(at, true, "$HUMAN steward whoami");
    assert!(code == 0 && said.contains("steward://ACME/ana"), "{said}");
}

#[test]
fn without_a_keyring_it_is_a_file_unless_that_was_not_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let human = |words: &[&str]| {
        let done = Command::new(env!("CARGO_BIN_EXE_human"))
            .args(["steward", "init", "ana", "--org", "ACME"])
            .args(words)
            .env_clear()
            .env("HOME", folder.path())
            .env("HUMAN_STORE", folder.path().join("store.db"))
            .output()
            .unwrap();
        let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
        (done.status.code().unwrap(), said.split_whitespace().collect::<Vec<_>>().join(" "))
    };
    let (code, said) = human(&["--keep-in", "keyring"]);
    assert!(
        code == 1 && said.contains("this session has no D-Bus") && said.contains("--keep-in file"),
        "{said}"
    );
    let (code, said) = human(&[]);
    assert!(code == 0 && said.contains("keys/ana") && !said.contains("keyring"), "{said}");
}
