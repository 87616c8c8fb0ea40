//! The dialogs through the whole console: keys in, screens and wishes out.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{Choose, Confirm, Dialog, Editor, Field, FilterBar, Help, Notice, Palette, Popup, Reason};
use crate::console::action::Action;
use crate::console::fixtures::{about, samples, silent};
use crate::console::harness::Harness;
use crate::console::keymap::{Chord, Keymap};
use crate::console::message::{Effect, Fault, Msg, Stamp};
use crate::console::out::{Counter, Ctx, Out, Step, Then};
use crate::console::query::{Command, Query, Reply};
use crate::console::toasts::Toasts;
use crate::domain::proposal::ProposalId;
use crate::theme::Role;

/// A console with a dialog over it.
fn over(size: (u16, u16), dialog: Dialog) -> Harness {
    let mut console = Harness::new(size, silent());
    console.app.dialogs.push(dialog);
    console.settle();
    console
}

fn reason() -> Dialog {
    let recent = ["The tone is wrong for support", "Too little evidence"].map(ToOwned::to_owned).to_vec();
    let said = vec!["It stays in the ledger, and whoever drafts reads it.".to_owned()];
    let then = Then::Reject(vec![ProposalId(12), ProposalId(13)]);
    Dialog::Reason(Box::new(Reason::new("Reject 2 proposals".into(), said, recent, then)))
}

fn choose() -> Dialog {
    let rows = ["an hour", "until tomorrow", "a week", "a month"]
        .map(|name| (name.to_owned(), Step::Do(Box::new(Command::Silence(name.to_owned(), 7)))));
    Dialog::Choose(Choose::list("Silence for".into(), rows.into(), 1))
}

fn help() -> Help {
    use crate::console::action::Where;
    Help::new(super::help_rows(
        &Keymap::default(),
        &[Where::Watch, Where::List, Where::Everywhere],
        |action| (action == Action::Undo).then(|| "nothing was decided here that can be undone".to_owned()),
    ))
}

fn palette() -> Palette {
    use crate::console::action::Where;
    Palette::new(super::help_rows(
        &Keymap::default(),
        &[Where::Board, Where::List, Where::Everywhere],
        |_| None,
    ))
}

fn fault() -> Fault {
    Fault::new("the store is locked by another process (pid 12). Close it, or wait and try again.")
}

/// Every dialog of this part, by name.
fn all() -> Vec<(&'static str, Dialog)> {
    let refused = [
        ("p-12".to_owned(), "its base moved on".to_owned()),
        ("p-13".to_owned(), "it was decided".to_owned()),
    ];
    let text =
        "---\nname: support.reply\n---\nAnswer in the language of the question.\nNever promise {{thing}}.\n";
    vec![
        ("choose", choose()),
        ("theme", Dialog::Choose(Choose::theme(&["terminal".into(), "nord".into()], "nord"))),
        ("reason", reason()),
        ("field", Dialog::Field(Field::window("7d"))),
        (
            "filter",
            Dialog::Filter(FilterBar::new(
                "scope:core".into(),
                &["words", "!word", "scope:core", "neg>10", "calls>1k"],
            )),
        ),
        ("help", Dialog::Help(help())),
        ("palette", Dialog::Palette(palette())),
        ("fault", Dialog::Notice(Notice::fault(&fault()))),
        ("locked", Dialog::Notice(Notice::locked(&fault(), &Keymap::default()))),
        ("changed", Dialog::Notice(Notice::changed(&fault(), &Keymap::default()))),
        ("refused", Dialog::Notice(Notice::refused(&refused))),
        ("log", Dialog::Notice(Notice::log(&Toasts::default()))),
        ("editor", Dialog::Editor(Box::new(Editor::new(ProposalId(12), text.into())))),
    ]
}

#[test]
fn looks() {
    for (name, _) in all() {
        let mut shown = String::new();
        for size in [(200, 60), (120, 40), (80, 24), (60, 20)] {
            let (_, dialog) = all().into_iter().find(|(other, _)| *other == name).unwrap();
            let _ = writeln!(shown, "{}x{}\n{}", size.0, size.1, over(size, dialog).screen());
        }
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn a_reason_is_needed() {
    let mut console = over((80, 24), reason());
    console.keys("<enter>");
    assert!(console.text().contains("A reason is needed"));
    assert!(console.commands.is_empty());
    console.keys("no<alt-enter>way<enter>");
    let ids = vec![ProposalId(12), ProposalId(13)];
    assert_eq!(console.commands, [Command::Reject(ids, "no\nway".into())]);
    assert!(console.app.dialogs.is_empty());
}

#[test]
fn a_reason_stays_until_what_it_is_for_is_confirmed_and_done() {
    let uri: crate::domain::prompt::PromptUri = "prompt://org/ACME/support.reply".parse().unwrap();
    let then = Then::RollBack(crate::console::out::Back { uri, from: None, to: None });
    let dialog = Reason::new("Roll back".into(), vec![], vec![], then);
    let mut console = over((80, 24), Dialog::Reason(Box::new(dialog)));
    console.keys("too slow<enter><esc>");
    assert!(console.text().contains("too slow"), "{}", console.text());
    console.keys("<enter>y");
    assert!(matches!(&console.commands[..], [Command::RollBack { reason, .. }] if reason == "too slow"));
    assert!(console.app.dialogs.is_empty());
}

#[test]
fn what_is_confirmed_has_been_read_to_its_end() {
    let lines = (1..=30).map(|i| (Role::Text, format!("line {i}"))).collect();
    let step = Step::Do(Box::new(Command::Silence("a stream".into(), 7)));
    let confirm = Confirm::new("Silence".into(), lines, "Silence", None, step);
    let mut console = over((80, 24), Dialog::Confirm(confirm));
    console.keys("y<tab><enter>");
    assert!(console.commands.is_empty() && console.text().contains("There is more"), "{}", console.text());
    console.keys("<pgdn><pgdn>");
    assert!(
        console.text().contains("line 30") && !console.text().contains("There is more"),
        "{}",
        console.text()
    );
    console.keys("y");
    assert_eq!(console.commands.len(), 1);
}

#[test]
fn a_recent_reason_is_picked_and_what_was_written_comes_back() {
    let mut console = over((80, 24), reason());
    console.keys("mine<tab><tab><tab>");
    assert!(console.text().contains("mine"));
    console.keys("<tab><enter>");
    let said = "The tone is wrong for support".to_owned();
    assert!(matches!(&console.commands[..], [Command::Reject(_, reason)] if *reason == said));
}

#[test]
fn up_and_down_move_as_the_list_is_drawn() {
    let sent = |keys: &str| {
        let mut console = over((80, 24), reason());
        console.keys(keys);
        match console.commands.pop() {
            Some(Command::Reject(_, reason)) => reason,
            other => panic!("{other:?}"),
        }
    };
    let [first, second] = ["The tone is wrong for support", "Too little evidence"];
    assert_eq!(sent("<down><enter>"), first);
    assert_eq!(sent("<tab><down><enter>"), second);
    // The last is the last, and one's own words come back above the first.
    assert_eq!(sent("<down><down><down><enter>"), second);
    assert_eq!(sent("<tab><tab><up><enter>"), first);
    assert_eq!(sent("mine<down><down><up><up>!<enter>"), "mine!");
    // What was picked and written on is not lost.
    assert_eq!(sent("<down>, mostly<down><up><enter>"), format!("{first}, mostly"));
}

#[test]
fn what_is_pasted_sends_nothing() {
    let mut console = over((80, 24), reason());
    console.send(Msg::Paste("all\r\nof it\n".into()));
    console.settle();
    assert!(console.commands.is_empty());
    assert!(console.text().contains("of it"));
    console.keys("<enter>");
    assert!(matches!(&console.commands[..], [Command::Reject(_, reason)] if reason == "all\nof it"));
}

#[test]
fn a_row_is_chosen_by_its_number_and_not_before_it_is_seen() {
    let mut console = Harness::new((80, 24), silent());
    console.app.dialogs.push(choose());
    console.keys("<type-ahead:3 enter>");
    assert!(console.commands.is_empty());
    console.keys("3<enter>");
    assert_eq!(console.commands, [Command::Silence("a week".into(), 7)]);
}

#[test]
fn a_theme_is_shown_as_it_is_selected() {
    let mut console = Harness::new((80, 24), silent());
    console.keys("Tjj<esc>");
    let themes: Vec<&str> = console
        .effects
        .iter()
        .filter_map(|effect| if let Effect::Theme(name) = effect { Some(name.as_str()) } else { None })
        .collect();
    assert_eq!(themes, ["nord", "contrast", "terminal"]);
}

#[test]
fn a_window_is_read_as_it_is_typed() {
    let mut console = Harness::new((80, 24), silent());
    console.keys("<ctrl-w><ctrl-u>3x");
    assert!(console.text().contains("✗"));
    console.keys("<enter><backspace>d<enter>");
    assert_eq!(console.app.window.to_string(), "3d");
}

#[test]
fn the_palette_goes_to_prompts() {
    let names: Vec<String> = (0..500).map(|i| format!("prompt://org/ACME/support.reply-{i}")).collect();
    let names = std::sync::Arc::new(names);
    let mut console = Harness::new(
        (100, 30),
        Box::new(move |query| match query {
            Query::Names => Some(Ok(Reply::Names(names.clone()))),
            _ => None,
        }),
    );
    console.keys(":rep321");
    insta::assert_snapshot!("palette_found", console.text());
    console.keys("<enter>");
    assert_eq!(console.app.crumbs().len(), 2);
}

#[test]
fn the_palette_knows_what_hints_call_an_action() {
    let mut console = Harness::new((100, 30), silent());
    console.keys(":roll");
    assert!(console.text().contains("Roll back: "), "{}", console.text());
    assert!(!console.text().contains("Narrow the list"), "{}", console.text());
}

#[test]
fn a_term_is_faulted_when_it_is_finished() {
    let bar = |text: &str| FilterBar::new(text.to_owned(), &["words"]);
    let fault = "`neg>>10`: `>10` is not a number";
    assert!(!bar("neg>>10").is_due(fault));
    assert!(bar("neg>>10 ").is_due(fault));
    assert!(bar("neg>>10 ref").is_due(fault));
    assert!(!bar("neg>10 ref").is_due(fault));
}

#[test]
fn an_edited_text_is_sent_or_asked_about() {
    let editor = || Dialog::Editor(Box::new(Editor::new(ProposalId(12), "one\ntwo\n".into())));
    let mut console = over((80, 24), editor());
    console.keys("x<esc>");
    assert!(console.text().contains("Drop what you changed?"));
    console.keys("n<ctrl-s>");
    assert_eq!(console.commands, [Command::Modify(ProposalId(12), "xone\ntwo\n".into())]);
    let mut console = over((80, 24), editor());
    console.keys("x<esc>y");
    assert!(console.app.dialogs.is_empty() && console.commands.is_empty());
}

#[test]
fn the_filter_follows_every_key_and_esc_takes_it_back() {
    let mut console = Harness::new((100, 30), about(samples()));
    console.keys("3/refund");
    assert_eq!(console.app.filter(), Some("refund"));
    console.keys("<esc>");
    assert_eq!(console.app.filter(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_size_and_any_keys(
        nth in 0usize..13,
        width in 0u16..220,
        height in 0u16..70,
        keys in prop::collection::vec((0usize..24, any::<char>()), 0..40),
        pasted in ".{0,40}",
    ) {
        let (_, mut dialog) = all().swap_remove(nth);
        let named = [
            "enter", "esc", "tab", "shift-tab", "up", "down", "left", "right", "home", "end", "pgup", "pgdn", "backspace",
            "delete", "ctrl-d", "ctrl-u", "ctrl-s", "alt-enter", "j", "9", "y",
        ];
        let area = ratatui::layout::Rect::new(0, 0, width, height);
        let (look, keymap, mut counter) = (crate::theme::Look::default(), Keymap::default(), Counter::default());
        let mut hits = crate::console::hitmap::HitMap::default();
        for (i, c) in keys {
            let chord = named.get(i).map_or(Chord::plain(crate::console::keymap::Key::Char(c)), |n| n.parse().unwrap());
            let mut buf = ratatui::buffer::Buffer::empty(area);
            let mut next = crate::console::hitmap::HitMap::default();
            let mut canvas = crate::console::canvas::Canvas { buf: &mut buf, look: &look, hits: &mut next, cursor: None };
            dialog.draw(&mut canvas, area);
            prop_assert!(canvas.cursor.is_none_or(|at| area.contains(at)));
            hits = next;
            let ctx = Ctx { keymap: &keymap, hits: &hits, stamp: Stamp::default(), size: (width, height) };
            dialog.seen(&ctx);
            let mut out = Out::new(&ctx, "7d".parse().unwrap(), false, &mut counter);
            dialog.key(chord, false, &mut out);
            if i == 23 {
                dialog.paste(&pasted, &mut out);
                dialog.mouse(crate::console::hitmap::Target::List(crate::console::hitmap::ListId::Dialog), 1, &mut out);
            }
            _ = dialog.hints();
        }
        drop(hits);
    }
}

/// 100,000 names, a letter at a time; run with `--release --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn names_are_matched_within_a_frame() {
    let mut palette = palette();
    let names: Vec<String> =
        (0..100_000).map(|i| format!("prompt://org/ACME/team-{}.task-{i}", i % 97)).collect();
    let names = std::sync::Arc::new(names);
    let (keymap, hits, mut counter) =
        (Keymap::default(), crate::console::hitmap::HitMap::default(), Counter::default());
    let ctx = Ctx { keymap: &keymap, hits: &hits, stamp: Stamp::default(), size: (120, 40) };
    let mut out = Out::new(&ctx, "7d".parse().unwrap(), false, &mut counter);
    palette.opened(&mut out);
    palette.reply(crate::console::message::Ticket(1), &Ok(Reply::Names(names)), &mut out);
    for key in ["t", "e", "a", "m", "4", "2"] {
        let begun = std::time::Instant::now();
        palette.key(key.parse().unwrap(), false, &mut out);
        println!("{key}: {:?}", begun.elapsed());
    }
    _ = Role::Text;
}
