//! Keys in the platform's keyring: a Secret Service of the test's own, on a bus of its own, in a folder of its own. Skips,
//! saying so, where `dbus-run-session` or `gnome-keyring-daemon` is not installed; a real keyring is never touched.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

use std::path::Path;
use std::process::{Command, Stdio};

/// `human` as a person without an own configuration folder runs it, and with nothing of this session.
fn alone(program: &str, home: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_RUNTIME_DIR", home.join("run"))
        .env("HUMAN_STORE", home.join("store.db"))
        .env("HUMAN", env!("CARGO_BIN_EXE_human"));
    command
}

/// What a command ended with, and what it said, its lines joined.
fn told(command: &mut Command) -> (i32, String) {
    let done = command.output().unwrap();
    let said = String::from_utf8([done.stdout, done.stderr].concat()).unwrap();
    (done.status.code().unwrap_or(-1), said.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Runs a script on a bus of its own, with a keyring that is unlocked.
fn session(home: &Path, script: &str) -> (i32, String) {
    let script = format!(
        "echo word | gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null 2>&1 & keyring=$!
         for _ in 1 2 3 4 5 6 7 8 9; do test -S run/keyring/control && break; sleep 0.2; done
         {script}
         code=$?; kill -CONT $keyring; kill $keyring; exit $code"
    );
    told(alone("dbus-run-session", home).args(["--", "sh", "-c", &script]))
}

fn keys(home: &Path) -> Vec<String> {
    let files = std::fs::read_dir(home.join(".config/human/keys")).unwrap();
    files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
}

/// A home folder for a session; none where there can be none.
fn home() -> Option<tempfile::TempDir> {
    let is_installed = |program: &&str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    if !["dbus-run-session", "gnome-keyring-daemon"].iter().all(is_installed) {
        println!("skipped: dbus-run-session and gnome-keyring-daemon are not both installed");
        return None;
    }
    let home = tempfile::tempdir().unwrap();
    for folder in ["data", "run"] {
        std::fs::create_dir(home.path().join(folder)).unwrap();
    }
    Some(home)
}

/// The configuration of a model that needs a key.
const LLM: &str = "[llm]\nprovider = \"openai\"\nmodel = \"m\"\n";
const GRANT: &str = "$HUMAN agent grant --scope telemetry:read,prompts:read,proposals:write --expires 30d";

#[test]
fn the_key_to_a_provider_is_kept_in_the_keyring_and_drafts_find_it() {
    let Some(home) = home() else { return };
    let home = home.path();
    std::fs::write(home.join("llm.toml"), LLM).unwrap();
    let run = "$HUMAN --config llm.toml agent run --once";
    let (code, said) = session(home, &format!("$HUMAN steward init ana && {GRANT} && {run}"));
    assert!(
        code == 0 && said.contains("Drafted by rules: the environment variable `OPENAI_API_KEY`"),
        "{said}"
    );
    assert!(said.contains("(it has none for this provider)"), "{said}");
    let (code, said) = session(
        home,
        &format!(
            "printf 'sk-first\\n' | $HUMAN models key openai && echo sk-second | $HUMAN models key OpenAI && {run}"
        ),
    );
    assert_eq!((code, said.matches("the key to openai").count()), (0, 2), "{said}");
    assert!(!said.contains("Drafted by rules") && !said.contains("sk-"), "{said}");
    // Not in a file: neither beside the store nor in the configuration.
    let (_, said) = session(home, "grep -rl sk-second . && echo found");
    assert!(!said.contains("found"), "{said}");
}

#[test]
fn without_a_keyring_no_key_is_kept_and_rules_draft() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("llm.toml"), LLM).unwrap();
    let script = |script: &str| told(alone("sh", home.path()).args(["-c", script]));
    let (code, said) = script("echo sk-very-secret | $HUMAN models key openai");
    assert!(code == 1 && said.contains("the key was not kept: no keyring answers here"), "{code} {said}");
    assert!(!said.contains("sk-very"), "{said}");
    let (code, said) = script("echo 'two words' | $HUMAN models key openai");
    assert!(code == 1 && said.contains("this is no key"), "{said}");
    assert_eq!(script("$HUMAN models key 'sk very secret' </dev/null").0, 2);
    let (code, said) = script(&format!(
        "$HUMAN steward init ana && {GRANT} && $HUMAN --config llm.toml --json agent run --once"
    ));
    assert!(
        code == 0 && said.contains("\"withoutModel\": \"the environment variable `OPENAI_API_KEY` holds"),
        "{said}"
    );
    let (code, said) = script("OPENAI_API_KEY=x $HUMAN --config llm.toml agent run --once");
    assert!(code == 0 && !said.contains("Drafted by rules"), "{said}");
}

#[test]
fn a_key_is_kept_in_the_keyring_and_signs_from_there() {
    let Some(home) = home() else { return };
    let home = home.path();
    std::fs::write(
        home.join("a.prompt"),
        "---\nname: a.b\nhuman.scope: org\nhuman.org: LOCAL\n---\nAnswer.\n",
    )
    .unwrap();
    let (code, said) = session(
        home,
        "$HUMAN steward init ana && $HUMAN steward whoami && $HUMAN prompts publish a.prompt && $HUMAN steward list &&
         $HUMAN agent grant --scope telemetry:read,prompts:read,proposals:write --expires 30d &&
         $HUMAN agent run --once",
    );
    assert_eq!(code, 0, "{said}");
    assert_eq!(said.matches("Key: the platform's keyring").count(), 2, "{said}");
    assert!(said.contains("Key the platform's keyring Standing trusted here"), "{said}");
    assert!(said.contains("Published: a.b@1.0.0") && said.contains("key in a keyring here"), "{said}");
    assert!(
        keys(home).len() == 2
            && keys(home)
                .iter()
                .all(|file| std::path::Path::new(file).extension().is_some_and(|x| x == "pub")),
        "{:?}",
        keys(home)
    );

    // Another session of the same person has it too; a keyring that hangs is not waited for.
    let (code, said) = session(home, "$HUMAN prompts label a.b@1.0.0 stable");
    assert_eq!(code, 0, "{said}");
    let (code, said) = session(home, "kill -STOP $keyring; timeout 20 $HUMAN prompts label a.b@1.0.0 good");
    assert!(code == 1 && said.contains("nothing was signed: no keyring answers here"), "{code} {said}");
    assert!(said.contains("run the command in the session that it belongs to"), "{said}");
    // One that has lost the key gives it no more; who it was is still known.
    std::fs::remove_dir_all(home.join("data/keyrings")).unwrap();
    let (code, said) = session(home, "$HUMAN steward whoami; $HUMAN prompts label a.b@1.0.0 good");
    assert!(code == 1 && said.contains("steward://LOCAL/ana"), "{code} {said}");
    assert!(said.contains("does not have it any more. Bring the entry back"), "{said}");
}

#[test]
fn without_a_keyring_it_is_a_file_unless_that_was_not_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let init = |words: &[&str]| {
        told(alone(env!("CARGO_BIN_EXE_human"), home.path()).args(["steward", "init", "ana"]).args(words))
    };
    let (code, said) = init(&["--keep-in", "keyring"]);
    assert!(
        code == 1 && said.contains("this session has no D-Bus") && said.contains("--keep-in file"),
        "{said}"
    );
    let (code, said) = init(&[]);
    assert!(code == 0 && said.contains("The key goes to a file: no keyring answers here"), "{said}");
    assert!(keys(home.path()).contains(&"ana".to_owned()), "{said}");
    let (code, said) = init(&["--keep-in", "keyring"]);
    assert!(code == 2 && said.contains("keys/ana already. Leave out"), "{said}");
}
