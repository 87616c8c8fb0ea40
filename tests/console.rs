//! The console in a real terminal: what it takes it gives back, whatever ends it; what is decided in it is decided; no key
//! is lost between it and an editor.
#![allow(clippy::unwrap_used, reason = "a test")]

mod terminal;

use std::process::Command;

use portable_pty::CommandBuilder;
use terminal::{Pty, world};

const SIZE: (u16, u16) = (120, 40);
const CTRL_Z: &str = "\u{1a}";
const CTRL_C: &str = "\u{3}";
const ESC: &str = "\u{1b}";

fn open(folder: &std::path::Path, calls: u64, more: &[(&str, &str)]) -> (Pty, String, String) {
    let (store, keys) = world(folder, calls);
    let mut env = vec![("HUMAN_CONFIG_DIR", keys.as_str()), ("HOME", folder.to_str().unwrap())];
    env.extend(more);
    let mut pty = Pty::start(&["--store", &store, "console"], SIZE, &env);
    pty.shows("Prompts").settles();
    (pty, store, keys)
}

fn human(store: &str, keys: &str, args: &[&str]) -> String {
    let out = Command::new(env!("CARGO_BIN_EXE_human"))
        .args(["--store", store])
        .args(args)
        .env("HUMAN_CONFIG_DIR", keys)
        .output()
        .unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned()
}

#[test]
fn a_proposal_is_triaged_accepted_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pty, store, keys) = open(folder.path(), 60_000, &[]);
    pty.type_("3").shows("open").settles();
    let list = human(&store, &keys, &["prompts", "proposals", "list", "--json"]);
    let lines = list.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let low = lines.into_iter().find(|line| {
        let uri = line["proposal"]["promptUri"].as_str().unwrap();
        line["proposal"]["risk"]["level"] == "low" && uri.contains("/org/")
    });
    let Some(low) = low else { panic!("the demo has a proposal of low risk: {list}") };
    let id = low["proposal"]["id"].as_str().unwrap();
    // The number of the proposal is its filter.
    pty.type_("/").type_(&id.to_lowercase()).type_("\r").settles();
    pty.type_("a")
        .shows(&format!("Accept {id}"))
        .shows("signatures 0 of 1")
        .settles()
        .type_("y")
        .shows("undoes it")
        .settles();
    let status = || human(&store, &keys, &["prompts", "proposals", "show", id, "--json"]);
    assert!(status().contains("\"accepted\""), "{}", status());
    pty.type_("u").shows("Undo").type_("y").shows("Active again").settles();
    // What was put off waits again.
    pty.type_(ESC).settles().type_("f").shows("Put ").settles().type_("\r").shows("Deferred").settles();
    pty.type_("u").shows("Undo").settles().type_("y").shows("Waits again").settles();
    let verify = human(&store, &keys, &["audit", "verify"]);
    assert!(verify.contains("Holds"), "{verify}");
    pty.type_("q").type_("q");
    pty.type_(CTRL_C);
    assert_eq!(pty.ends(), 0);
    assert!(pty.is_given_back());
}

#[test]
fn many_of_low_risk_are_accepted_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pty, store, keys) = open(folder.path(), 60_000, &[]);
    pty.type_("3").shows("open").settles().type_("/risk:low !scope:core\r").settles();
    // Their texts are read one by one; none takes the place of another.
    pty.type_("*").settles().type_("a").shows("all of low risk").shows("Cancel");
    pty.until("all of them", |screen| !screen.contents().contains("still being read"));
    let asked = pty.text();
    let many = asked.split("Accept ").nth(1).and_then(|rest| rest.split(' ').next());
    let many: usize = many.and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("how many?\n{asked}"));
    assert!(many > 1, "{asked}");
    let open = || human(&store, &keys, &["prompts", "proposals", "list", "--status", "open"]).lines().count();
    let before = open();
    pty.settles().type_("y").shows(&format!("Published {many} proposals")).settles();
    assert_eq!(before - open(), many);
    pty.type_(CTRL_C);
    assert_eq!(pty.ends(), 0);
}

#[test]
fn the_title_is_the_terminals_again() {
    let folder = tempfile::tempdir().unwrap();
    let (store, keys) = world(folder.path(), 5_000);
    let set = format!("{store}.toml");
    std::fs::write(&set, "[console]\ntitle = true\n").unwrap();
    let env = [("HUMAN_CONFIG_DIR", keys.as_str()), ("HUMAN_CONFIG", set.as_str())];
    let mut pty = Pty::start(&["--store", &store, "console"], SIZE, &env);
    let said = |pty: &Pty, bytes: &[u8]| pty.raw.windows(bytes.len()).filter(|at| *at == bytes).count();
    pty.shows("Prompts").settles();
    // It is set once the watch has looked.
    for _ in 0..100 {
        if said(&pty, b"\x1b]0;human") > 0 {
            break;
        }
        pty.settles();
    }
    assert!(said(&pty, b"\x1b]0;human") > 0, "no title");
    assert_eq!((said(&pty, b"\x1b[22;0t"), said(&pty, b"\x1b[23;0t")), (1, 0));
    pty.signal("TERM");
    assert_eq!(pty.ends(), 0);
    assert_eq!((said(&pty, b"\x1b[22;0t"), said(&pty, b"\x1b[23;0t")), (1, 1));
}

#[test]
fn the_editor_has_the_terminal_and_no_key_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let editor = folder.path().join("editor.sh");
    // It leaves what is typed meanwhile to the console.
    std::fs::write(&editor, "#!/bin/sh\necho EDITING\nsleep 1\nprintf '\\nAnd say why.\\n' >> \"$1\"\n")
        .unwrap();
    let editor = format!("sh {}", editor.display());
    let (mut pty, store, keys) = open(folder.path(), 60_000, &[("EDITOR", &editor)]);
    pty.type_("3").settles().type_("\r").settles();
    pty.type_("e").shows("EDITING").type_("?").shows("is now PROPOSAL-");
    pty.until("help", |screen| screen.alternate_screen() && screen.contents().contains("What can be done"));
    pty.type_(ESC).settles().type_(CTRL_C);
    assert_eq!(pty.ends(), 0);
    let log = human(&store, &keys, &["audit", "log", "--limit", "3"]);
    assert!(log.contains("modify"), "{log}");
}

#[test]
fn it_resizes_and_leaves_the_mouse_to_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let (mut pty, _, _) = open(folder.path(), 5_000, &[]);
    for size in [(60, 20), (200, 60), (30, 5), (80, 24)] {
        pty.resize(size).settles();
        if size.0 < 40 {
            pty.shows("too small");
        } else {
            pty.shows("Prompts");
        }
    }
    // The mouse opens a tab; at a key it is left to the terminal.
    pty.settles().type_("\u{1b}[<0;40;1M\u{1b}[<0;40;1m").settles();
    pty.type_("m").shows("mouse off");
    pty.until("no mouse", |screen| screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    pty.signal("TERM");
    assert_eq!(pty.ends(), 0);
    assert!(pty.is_given_back());
}

#[test]
fn it_stops_and_comes_back_under_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let (store, keys) = world(folder.path(), 5_000);
    let mut shell = CommandBuilder::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    let mut pty = Pty::run(shell, SIZE, &[("HUMAN_CONFIG_DIR", &keys), ("PS1", "shell> ")]);
    pty.shows("shell>");
    pty.type_(&format!("{} --store {store} console\r", env!("CARGO_BIN_EXE_human")))
        .shows("Prompts")
        .settles();
    pty.type_(CTRL_Z).until("given back", |screen| !screen.alternate_screen()).shows("Stopped");
    assert!(
        pty.is_given_back() || pty.screen.screen().bracketed_paste(),
        "the shell may ask for pastes itself"
    );
    pty.type_("fg\r")
        .until("back", |screen| screen.alternate_screen() && screen.contents().contains("Prompts"));
    pty.settles().type_("j").settles().type_(CTRL_C).until("ended", |screen| !screen.alternate_screen());
    pty.type_("exit\r");
    pty.ends();
}

#[test]
fn whatever_ends_it_the_terminal_is_given_back() {
    let folder = tempfile::tempdir().unwrap();
    for how in ["HUP", "INT", "TERM"] {
        std::fs::create_dir_all(folder.path().join(how)).unwrap();
        let (mut pty, _, _) = open(&folder.path().join(how), 2_000, &[]);
        pty.signal(how);
        pty.ends();
        assert!(pty.is_given_back(), "{how}");
    }
}

#[test]
fn without_colours_the_selection_is_still_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (store, keys) = world(folder.path(), 5_000);
    // It goes before the configuration.
    let set = format!("{store}.toml");
    std::fs::write(&set, "[console]\ncolours = \"truecolor\"\n").unwrap();
    let env = [("HUMAN_CONFIG_DIR", keys.as_str()), ("HUMAN_CONFIG", set.as_str()), ("NO_COLOR", "1")];
    let mut pty = Pty::start(&["--store", &store, "console"], SIZE, &env);
    pty.shows("Prompts").settles().type_("j").settles();
    let screen = pty.screen.screen();
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let cells = (0..rows).flat_map(|row| (0..cols).map(move |col| (row, col)));
    let (mut reversed, mut coloured) = (0, 0);
    for (row, col) in cells {
        let Some(cell) = screen.cell(row, col) else { continue };
        reversed += usize::from(cell.inverse());
        let plain = cell.fgcolor() == vt100::Color::Default && cell.bgcolor() == vt100::Color::Default;
        coloured += usize::from(!plain);
    }
    assert!(reversed > 20 && coloured == 0, "{reversed} cells reversed, {coloured} coloured");
    pty.type_(CTRL_C);
    assert_eq!(pty.ends(), 0);
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_reported() {
    let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
    command.args(["--exact", "panics_with_the_terminal", "--nocapture"]);
    let mut pty = Pty::run(command, SIZE, &[("HUMAN_TEST_PANICS", "1")]);
    pty.ends();
    assert!(pty.is_given_back());
    let text = pty.text();
    assert!(text.contains("on purpose"), "the report is on the ordinary screen:\n{text}");
}

/// The child of the test above; of itself it does nothing.
#[test]
fn panics_with_the_terminal() {
    if std::env::var_os("HUMAN_TEST_PANICS").is_none() {
        return;
    }
    human::console::terminal::guard_panics();
    let _screen = human::console::terminal::Screen::take(true).unwrap();
    panic!("on purpose");
}

#[test]
fn an_empty_store_says_how_to_feed_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("empty.db").display().to_string();
    let home = folder.path().to_str().unwrap();
    let mut pty = Pty::start(&["--store", &store], SIZE, &[("HOME", home), ("HUMAN_CONFIG_DIR", home)]);
    pty.shows("human ingest").settles().type_("q");
    assert_eq!(pty.ends(), 0);
    assert!(pty.is_given_back());
}

#[test]
fn without_a_terminal_it_says_so() {
    let out = Command::new(env!("CARGO_BIN_EXE_human")).output().unwrap();
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("needs a terminal"));
}
