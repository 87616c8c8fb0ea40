//! The console as a whole: whatever is typed at whatever size, it stands, and decides nothing that was not shown; whatever
//! a prompt's text holds, it stays within its cells.

use std::io::Read as _;
use std::sync::Arc;

use proptest::prelude::*;

use crate::console::action::{Action, ROWS};
use crate::console::fixtures::{Sample, about, samples};
use crate::console::harness::{Answers, Harness, settings};
use crate::console::keymap::{Chord, Key};
use crate::console::message::{Effect, Fault, FaultKind, Mouse, MouseKind, Msg};
use crate::console::panes::synthetic;
use crate::console::query::{Command, Query, Receipt, Reply};
use crate::domain::proposal::RiskLevel;
use crate::engine::visible::hidden;

/// Prompts and proposals together; what nobody answers stays open.
fn everything() -> Answers {
    let (mut prompts, mut proposals) = (synthetic::world(300), about(samples()));
    Box::new(move |query| match query {
        Query::Proposals | Query::Review(..) => proposals(query),
        query => prompts(query),
    })
}

fn any_key() -> impl Strategy<Value = Chord> {
    let named = vec![
        Key::Enter,
        Key::Esc,
        Key::Tab,
        Key::BackTab,
        Key::Backspace,
        Key::Up,
        Key::Down,
        Key::Left,
        Key::Right,
        Key::Home,
        Key::End,
        Key::PageUp,
        Key::PageDown,
    ];
    // Of the keys that end it none: a console that is quit is asked nothing.
    let typed = proptest::char::range(' ', '~').prop_filter("quits", |c| *c != 'q');
    prop_oneof![
        6 => typed.prop_map(|c| Chord::plain(Key::Char(c))),
        3 => proptest::sample::select(named).prop_map(Chord::plain),
        1 => proptest::char::range('a', 'z').prop_filter("quits", |c| *c != 'c')
            .prop_map(|c| Chord { key: Key::Char(c), ctrl: true, alt: false }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_stands_whatever_is_typed(
        keys in proptest::collection::vec((any_key(), any::<bool>()), 1..200),
        size in (0u16..=300, 0u16..=100),
    ) {
        let mut console = Harness::new(size, everything());
        for (chord, held) in keys {
            let shown = console.text();
            let before = console.commands.len();
            console.send(Msg::Key { chord, repeat: held });
            console.settle();
            for command in &console.commands[before..] {
                if let Command::Accept(all) = command {
                    for (id, _) in all {
                        prop_assert!(shown.contains(&id.to_string()), "{id} was not shown:\n{shown}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_click_decides_nothing(at in proptest::collection::vec((0u16..120, 0u16..40), 1..60)) {
        let mut console = Harness::new((120, 40), everything());
        console.keys("3a");
        for (column, row) in at {
            for kind in [MouseKind::Click, MouseKind::WheelDown, MouseKind::Drag] {
                console.send(Msg::Mouse(Mouse { kind, column, row }));
                console.settle();
            }
        }
        prop_assert!(console.commands.is_empty(), "{:?}", console.commands);
    }
}

#[test]
fn what_is_pasted_decides_nothing() {
    let mut console = Harness::new((120, 40), everything());
    for keys in ["3", "3a", "3<enter>", "3<enter>a"] {
        console.keys("<esc><esc><esc>").keys(keys);
        console.send(Msg::Paste("a\ny\r\u{1b}y y\n".into()));
        console.settle();
    }
    assert_eq!(console.commands, []);
}

#[test]
fn what_was_decided_is_undone_by_another_entry() {
    let mut console = Harness::new((120, 40), everything());
    let undo = Command::Comment(crate::domain::proposal::ProposalId(1), "undone".into());
    let undoes = undo.clone();
    console.outcome = Box::new(move |command| {
        let undo = matches!(command, Command::Accept(_)).then(|| undoes.clone());
        Ok(Receipt { text: "Published".into(), undo, ..Receipt::default() })
    });
    console.keys("3ay");
    assert!(console.text().contains("u undoes it"), "{}", console.text());
    console.keys("<wait:20000>uy");
    assert_eq!(console.commands.last(), Some(&undo));
    // Once.
    console.keys("uy");
    assert_eq!(console.commands.len(), 2);
}

#[test]
fn a_refusal_is_said_at_length_and_nothing_is_lost() {
    let mut console = Harness::new((120, 40), everything());
    console.outcome = Box::new(|_| {
        let text = "PROPOSAL-5 was not accepted: its base 1.0.0 is not active any more. Look at it again.";
        Err(Fault { text: text.into(), kind: FaultKind::Changed })
    });
    console.keys("3ay");
    assert!(console.text().contains("is not active any more"), "{}", console.text());
    console.keys("<esc>");
    assert!(console.text().contains("support.tone"), "{}", console.text());
}

/// Each acceptance can be undone, by a comment that says which it was.
fn undoable() -> Harness {
    let mut console = Harness::new((120, 40), everything());
    let mut nth = 0;
    console.outcome = Box::new(move |command| {
        nth += 1;
        let undo = Command::Comment(crate::domain::proposal::ProposalId(1), format!("undo {nth}"));
        let undo = matches!(command, Command::Accept(_)).then_some(undo);
        Ok(Receipt { text: "Published".into(), undo, ..Receipt::default() })
    });
    console
}

fn undone(console: &Harness) -> Vec<&str> {
    let said = console.commands.iter().filter_map(|command| match command {
        Command::Comment(_, text) => Some(text.as_str()),
        _ => None,
    });
    said.collect()
}

#[test]
fn what_is_undone_is_what_was_shown() {
    let mut console = undoable();
    console.keys("3ay");
    console.slow = true;
    console.keys("ayu");
    console.slow = false;
    // The second decision comes through while the dialog asks about the first.
    console.settle();
    console.keys("y");
    assert_eq!(undone(&console), ["undo 1"]);
    console.keys("uy");
    assert_eq!(undone(&console), ["undo 1", "undo 2"]);
}

#[test]
fn one_thing_is_undone_at_a_time_and_what_fails_blocks_nothing() {
    let mut console = undoable();
    console.keys("3ayay");
    console.slow = true;
    console.keys("uyuy");
    assert_eq!(undone(&console), ["undo 2"]);
    assert!(console.text().contains("is being undone already"), "{}", console.text());
    console.slow = false;
    console.outcome = Box::new(|_| Err(Fault::new("it cannot be undone")));
    console.settle();
    console.keys("<esc>uy");
    assert_eq!(undone(&console), ["undo 2", "undo 1"]);
}

#[test]
fn a_change_that_comes_while_an_answer_is_awaited_is_asked_for_once_more() {
    let kind = std::mem::discriminant::<Query>;
    for tab in ["1", "1<enter>", "2", "3", "3<enter>", "4", "5"] {
        let answered = Arc::new(std::sync::Mutex::new(Vec::new()));
        let (mut rest, seen) = (everything(), Arc::clone(&answered));
        let answers: Answers = Box::new(move |query| {
            let answer = rest(query)?;
            seen.lock().unwrap().push(kind(query));
            Some(answer)
        });
        let mut console = Harness::new((120, 40), answers);
        console.keys(tab);
        console.send(Msg::Changed);
        let first = console.asked();
        assert!(first.len() >= 2, "{tab}: {first:?}");
        // These are of before the change that comes now.
        console.send(Msg::Changed);
        assert_eq!(console.asked(), first, "{tab}: asked instead, no answer would ever come");
        answered.lock().unwrap().clear();
        console.settle();
        let answered = answered.lock().unwrap();
        for query in &first {
            // Nothing answers some of them here.
            let n = answered.iter().filter(|other| **other == kind(query)).count();
            assert!(n != 1, "{tab}: {query:?}");
        }
    }
}

#[test]
fn a_receipt_is_for_whoever_waits_for_it() {
    let successor = |command: &Command| {
        let now = matches!(command, Command::Modify(..)).then_some(crate::domain::proposal::ProposalId(77));
        Ok(Receipt { text: "Done".into(), now, ..Receipt::default() })
    };
    let mut console = Harness::new((120, 40), everything());
    console.outcome = Box::new(successor);
    console.slow = true;
    // Sent once, left, and the next one is looked at meanwhile.
    console.keys("3<enter>Ex<ctrl-s><ctrl-s>");
    assert_eq!(console.commands.len(), 1);
    console.keys("<esc>y}");
    let before = console.app.crumbs();
    console.slow = false;
    console.settle();
    assert_eq!(console.app.crumbs(), before);
    console.keys("{");
    assert_eq!(console.app.crumbs().last().unwrap(), "PROPOSAL-77");
}

#[test]
fn a_run_that_nobody_asked_for_disturbs_nobody() {
    let every = Some(std::time::Duration::from_hours(1));
    let set = crate::console::app::Settings { agent_every: every, ..settings() };
    let mut console = Harness::with(set.clone(), (120, 40), everything());
    console.keys("3*<wait:3600000>");
    assert_eq!(console.commands, [Command::Run { dry: false }]);
    assert!(console.text().contains('●'), "{}", console.text());
    let mut console = Harness::with(set, (120, 40), everything());
    console.outcome = Box::new(|_| Err(Fault::new("no agent has a grant")));
    console.keys("<wait:3600000>");
    assert!(console.app.dialogs.is_empty() && console.text().contains("no agent has a grant"));
}

#[test]
fn words_that_are_refused_stay_to_be_sent_again() {
    let mut console = Harness::new((120, 40), everything());
    console.outcome = Box::new(|_| Err(Fault::new("the store is locked by another process")));
    console.keys("3rtoo early<enter>");
    let text = console.text();
    assert!(text.contains("too early") && text.contains("The store is locked"), "{text}");
    console.outcome = Box::new(|_| Ok(Receipt::default()));
    console.keys("<enter>");
    assert!(console.app.dialogs.is_empty() && console.commands[0] == console.commands[1]);
}

#[test]
fn an_edited_text_that_is_refused_is_asked_about_before_it_goes() {
    let mut console = Harness::new((120, 40), everything());
    console.outcome = Box::new(|_| Err(Fault::new("the new text names no prompt")));
    console.keys("3<enter>");
    console.send(Msg::Edited(Ok(Some("new".into()))));
    console.settle();
    console.keys("<esc>");
    for keys in ["}", "3", "<esc>", "q"] {
        console.keys(keys);
        assert!(console.text().contains("Drop your text"), "{keys}\n{}", console.text());
        console.keys("<esc>");
        assert_eq!(console.app.crumbs().len(), 2, "{keys}");
    }
    // From another tab, too: at its root the console would be quit.
    for keys in ["1q", "3"] {
        console.keys(keys);
        assert!(console.text().contains("Drop your text"), "{keys}\n{}", console.text());
        console.keys("<esc>");
    }
    console.keys("3y");
    assert_eq!(console.app.crumbs(), ["Proposals"]);
    console.keys("<enter><esc>");
    assert!(console.app.dialogs.is_empty());
}

#[test]
fn what_is_said_at_length_waits_for_who_writes_and_is_said_once() {
    let mut console = Harness::new((120, 40), everything());
    console.keys("3/ref");
    for _ in 0..2 {
        console.send(Msg::Failed(Fault::new("the theme cannot be read")));
    }
    console.keys("und");
    assert_eq!(console.app.filter(), Some("refund"));
    console.keys("<enter>");
    assert!(console.text().contains("The theme cannot be read"), "{}", console.text());
    console.send(Msg::Failed(Fault::new("the theme cannot be read")));
    console.keys("<esc>");
    assert!(console.app.dialogs.is_empty());
}

#[test]
fn an_answer_reaches_a_dialog_under_another() {
    let mut console = Harness::new((120, 40), everything());
    console.keys("3");
    console.send(Msg::Key { chord: Chord::plain(Key::Char('a')), repeat: false });
    console.send(Msg::Failed(Fault::new("the theme cannot be read")));
    console.settle();
    console.keys("<esc>");
    assert!(console.text().contains("publishes support.tone@1.1.0"), "{}", console.text());
}

#[test]
fn a_letter_that_is_written_is_a_letter() {
    let patch = [("quit-now".to_owned(), vec!["Q".to_owned()])];
    let mut console = Harness::new((120, 40), everything());
    console.keymap = crate::console::keymap::Keymap::new(&patch.into()).unwrap();
    let quits = |console: &Harness| console.effects.iter().any(|e| matches!(e, super::Effect::Quit));
    console.keys("3/Q");
    assert!(!quits(&console) && console.app.filter() == Some("Q"));
    console.keys("<esc>Q");
    assert!(quits(&console));
}

#[test]
fn nothing_is_said_by_colour_alone() {
    let mut console = Harness::new((120, 40), about(samples()));
    console.keys("3<enter>{");
    assert!(console.text().contains("• That is the first"), "{}", console.text());
    console.keys("M");
    assert!(console.text().contains("• That is the first"), "{}", console.text());
    // Of proposals of high risk the badge has a mark.
    assert!(console.text().contains("▲5"), "{}", console.text());
}

#[test]
fn that_nothing_can_be_decided_is_said_wherever_there_is_room_for_anything() {
    let set = crate::console::app::Settings { read_only: true, ..settings() };
    let mut console = Harness::with(set, (60, 20), everything());
    console.keys("3/a filter that is longer than the bar<enter>m");
    assert!(console.text().contains("read-only"), "{}", console.text());
}

#[test]
fn a_thread_that_died_ends_the_console_with_an_error() {
    let mut console = Harness::new((120, 40), everything());
    console.send(Msg::Died("hand"));
    assert!(matches!(console.effects.last(), Some(super::Effect::Fail(why)) if why.contains("`hand`")));
}

#[test]
fn a_stale_answer_is_dropped() {
    let mut console = Harness::new((120, 40), everything());
    let before = console.text();
    console.send(Msg::Reply(crate::console::message::Ticket(1), Ok(Reply::Names(Arc::new(vec![])))));
    console.draw();
    assert_eq!(console.text(), before);
}

#[test]
fn a_frame_asks_nothing_and_time_alone_wakes_nobody() {
    let mut console = Harness::new((120, 40), everything());
    console.effects.clear();
    for _ in 0..5 {
        console.draw();
    }
    assert!(console.effects.is_empty(), "{:?}", console.effects);
}

#[test]
fn the_agent_runs_when_its_time_has_passed_since_it_ran_last() {
    let runs = |ago: Option<i64>, keys: &str| {
        let set = crate::console::app::Settings {
            agent_every: Some(std::time::Duration::from_hours(6)),
            agent_ran: ago.map(|ago| crate::console::harness::NOW - ago * 3_600_000),
            ..settings()
        };
        let mut console = Harness::with(set, (120, 40), everything());
        console.keys(keys);
        console.commands.iter().filter(|c| matches!(c, Command::Run { dry: false })).count()
    };
    let hours = |n: u64| format!("<wait:{}>", n * 3_600_000);
    // Of one that never ran, from now on.
    assert_eq!((runs(None, &hours(5)), runs(None, &hours(7))), (0, 1));
    assert_eq!((runs(Some(4), &hours(1)), runs(Some(4), &hours(3))), (0, 1));
    assert_eq!((runs(Some(7), ""), runs(Some(7), &hours(5))), (1, 1));
}

#[test]
fn read_only_forbids_all_that_writes() {
    let set = crate::console::app::Settings { read_only: true, ..settings() };
    for keys in
        ["3a", "3r", "3f", "3<enter>a", "3<enter>r", "3<enter>e", "3<enter>E", "3<enter>c", "u", "K", "5R"]
    {
        let mut console = Harness::with(set.clone(), (120, 40), everything());
        console.keys(keys);
        assert!(console.text().contains("read-only"), "{keys}\n{}", console.text());
        assert!(console.commands.is_empty() && console.app.dialogs.is_empty(), "{keys}");
    }
}

#[test]
fn every_action_has_something_to_say() {
    for row in ROWS {
        assert!(!row.says.is_empty() && !row.hint.is_empty() && row.says.len() < 80, "{}", row.name);
    }
    assert_eq!(Action::Quit.row().name, "quit");
}

/// The texts of real prompts before and after real edits, where the collection is beside the repository.
fn real_texts() -> Vec<(String, String)> {
    let shared = std::env::var_os("HUMAN_SHARED").map_or_else(
        || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"),
        std::path::PathBuf::from,
    );
    let Ok(bytes) = std::fs::read(shared.join("data/prompts/revision_pairs.jsonl.gz")) else {
        println!("skipped: revision_pairs.jsonl.gz is not here");
        return vec![];
    };
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).unwrap();
    let pair = |line: &str| {
        let pair: serde_json::Value = serde_json::from_str(line).unwrap();
        let of = |key: &str| pair[key].as_str().unwrap().to_owned();
        (of("old"), of("new"))
    };
    text.lines().map(pair).collect()
}

#[test]
fn real_prompts_of_every_script_stay_within_their_cells() {
    for (i, texts) in real_texts().into_iter().enumerate() {
        let sample = Sample { texts, ..Sample::new(1, "prompt://org/ACME/real.prompt", RiskLevel::Low) };
        let size = [(200, 60), (120, 40), (80, 24), (60, 20)][i % 4];
        let mut console = Harness::new(size, about(vec![sample]));
        for keys in ["3<enter>", "xG", "\\", "z", "gg", "nn", "v", "a"] {
            let text = console.keys(keys).text();
            let bad = text.chars().find(|c| *c != '\n' && hidden(*c).is_some());
            assert_eq!(bad, None, "pair {i} after {keys}");
        }
    }
}

#[test]
fn quitting_first_leaves_what_is_open() {
    let quits = |console: &Harness| console.effects.iter().any(|effect| matches!(effect, Effect::Quit));
    let mut console = Harness::new((120, 40), everything());
    console.keys("3<enter>q");
    assert!(!quits(&console) && console.text().contains("Proposals: "), "{}", console.text());
    // At narrow sizes the evidence has the review's screen; zoomed, a pane has the whole of it.
    for keys in ["<80x18>3<enter>vq", "q", "3+q"] {
        console.keys(keys);
        assert!(!quits(&console), "{keys}");
    }
    // A list that is narrowed is still the root.
    console.keys("3/refund<enter>q");
    assert!(quits(&console));
}

#[test]
fn undoing_a_change_of_a_core_prompt_asks_for_its_key() {
    let mut console = Harness::new((120, 40), everything());
    let undo = Command::RollBack {
        uri: "prompt://core/safety.guard".parse().unwrap(),
        from: None,
        to: None,
        reason: "undo".into(),
    };
    let undoes = undo.clone();
    console.outcome = Box::new(move |_| {
        Ok(Receipt { text: "Published".into(), undo: Some(undoes.clone()), ..Receipt::default() })
    });
    console.keys("3ay").keys("<wait:20000>uy<enter>");
    assert_eq!(console.commands.len(), 1, "{}", console.text());
    console.keys("<backspace>safety.guard<wait:300><enter>");
    assert_eq!(console.commands.last(), Some(&undo));
}

#[test]
fn why_one_was_rejected_is_offered_first_for_the_next() {
    let mut console = Harness::new((120, 40), everything());
    console.keys("3rToo cold for support<enter>").keys("r");
    let text = console.text();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words}\n{text}"));
    assert!(at("Too cold for support") < at("breaks downstream parsing"));
    console.keys("<tab><enter>");
    let Some(Command::Reject(_, reason)) = console.commands.last() else { panic!("{:?}", console.commands) };
    assert_eq!(reason, "Too cold for support");
}

#[test]
fn where_nothing_can_be_sorted_it_is_said() {
    for keys in ["5", "3<enter>", "4"] {
        let mut console = Harness::new((120, 40), everything());
        console.keys(keys).keys("i");
        assert!(console.text().contains("an order of its own"), "{keys}\n{}", console.text());
    }
    let mut console = Harness::new((120, 40), everything());
    console.keys("4?sort-next");
    assert!(console.text().contains("an order of its own"), "{}", console.text());
}

#[test]
fn texts_name_the_keys_that_are_set() {
    let patch = [("unlock", "U"), ("standing", "ctrl-t"), ("refresh", "f6")];
    let patch = patch.map(|(action, key)| (action.to_owned(), vec![key.to_owned()])).into();
    let keymap = crate::console::keymap::Keymap::new(&patch).unwrap();
    let mut console = Harness::new(
        (120, 40),
        about(vec![Sample { status: "rejected", ..Sample::new(1, "prompt://org/ACME/a.b", RiskLevel::Low) }]),
    );
    console.keymap = keymap;
    console.keys("3");
    assert!(console.text().contains("ctrl-t shows the decided ones"), "{}", console.text());
    console.outcome = Box::new(|_| Err(Fault { text: "your key is locked".into(), kind: FaultKind::Locked }));
    console.keys("<ctrl-t><enter>c").keys("so<enter>");
    assert!(console.text().contains("U: unlock it"), "{}", console.text());
    console.keys("U");
    assert!(console.effects.iter().any(|effect| matches!(effect, Effect::Unlock)));
}

#[test]
fn what_could_not_be_refreshed_stays_and_says_so() {
    let failing = std::rc::Rc::new(std::cell::Cell::new(false));
    let (fails, mut world) = (failing.clone(), everything());
    let answers: Answers = Box::new(move |query| match query {
        Query::Proposals | Query::Review(..) if fails.get() => Some(Err(Fault::new("disk I/O error"))),
        query => world(query),
    });
    let mut console = Harness::new((120, 40), answers);
    for (keys, kept) in [("3", "support.refund-reply"), ("<enter>", "Be polite")] {
        failing.set(false);
        console.send(Msg::Changed);
        console.settle();
        console.keys(keys);
        failing.set(true);
        console.send(Msg::Changed);
        console.settle();
        let text = console.text();
        assert!(text.contains("not refreshed: disk I/O error") && text.contains(kept), "{text}");
        assert!(console.screen().contains("dim"), "{}", console.screen());
    }
}

#[test]
fn what_came_of_an_applied_proposal_is_asked_and_shown() {
    let applied = Sample { status: "accepted", ..Sample::new(1, "prompt://org/ACME/a.b", RiskLevel::Low) };
    let (mut rest, asked) = (about(vec![applied]), std::rc::Rc::new(std::cell::Cell::new(0)));
    let count = asked.clone();
    let answers: Answers = Box::new(move |query| match query {
        Query::Came(id) => {
            count.set(count.get() + 1);
            Some(Err(Fault::new(format!("nothing of {id} was measured"))))
        }
        query => rest(query),
    });
    let mut console = Harness::new((120, 40), answers);
    console.keys("3t<enter>");
    let text = console.text();
    assert!(text.contains("What came of it") && text.contains("nothing of PROPOSAL-1"), "{text}");
    console.send(Msg::Changed);
    console.settle();
    assert_eq!(asked.get(), 1, "it takes long: not at every change of the store");
}

#[test]
fn zoom_shows_one_part_of_queue_review_and_page_alone() {
    let mut console = Harness::new((200, 60), everything());
    let panels = |console: &Harness| console.text().matches('╭').count();
    console.keys("3");
    assert_eq!((panels(&console), panels(console.keys("+"))), (2, 1));
    assert_eq!((panels(console.keys("_<enter>")), panels(console.keys("+"))), (2, 1));
    assert!(console.keys("v").text().contains("low risk"), "{}", console.text());
    assert_eq!(panels(&console), 1);
    assert!(console.keys("<esc>").text().contains("change 1 of 1"), "the evidence first, then the zoom");
    console.keys("<esc>1<enter>");
    assert_eq!((panels(&console), panels(console.keys("+"))), (5, 0));
    assert_eq!(panels(console.keys("_")), 5);
}
