use proptest::prelude::*;

use crate::console::fixtures::{Sample, about, failing, samples, silent};
use crate::console::harness::{Harness, settings};
use crate::console::query::{Command, Receipt};
use crate::domain::proposal::{ProposalId, RiskLevel};
use crate::engine::seal::digest;

fn queue() -> Harness {
    let mut console = Harness::new((120, 40), about(samples()));
    console.keys("3");
    console
}

fn accepted(command: &Command) -> Vec<u64> {
    match command {
        Command::Accept(all) => all.iter().map(|(id, _)| id.0).collect(),
        _ => vec![],
    }
}

#[test]
fn two_keys_from_the_queue_to_a_decision_of_low_risk() {
    // By impact the first is 5, a user's patch of low risk.
    let mut console = queue();
    console.keys("ay");
    let text = &samples()[4].texts.1;
    let expected = Command::Accept(vec![(ProposalId(5), digest(text.as_bytes()))]);
    assert_eq!(console.commands, [expected]);
    assert!(console.app.dialogs.is_empty());
}

#[test]
fn a_rejection_is_undone_by_taking_it_back() {
    let mut console = queue();
    console.outcome = Box::new(|command| {
        let undo = match command {
            Command::Reject(ids, _) => Some(Command::Reopen(ids.clone())),
            _ => None,
        };
        Ok(Receipt { text: "Rejected PROPOSAL-5".into(), undo, ..Receipt::default() })
    });
    console.keys("rtoo early<enter>");
    assert!(console.text().contains("u undoes it"), "{}", console.text());
    console.keys("uy");
    let rejected = Command::Reject(vec![ProposalId(5)], "too early".into());
    assert_eq!(console.commands, [rejected, Command::Reopen(vec![ProposalId(5)])]);
    // It was undone once; there is nothing left to undo.
    console.keys("uy");
    assert_eq!(console.commands.len(), 2);
}

#[test]
fn what_is_typed_ahead_opens_a_dialog_and_does_not_answer_it() {
    let mut console = queue();
    console.keys("<type-ahead:a y enter y>");
    assert_eq!(console.commands, []);
    assert_eq!(console.app.dialogs.len(), 1);
    console.keys("y");
    assert_eq!(console.commands.iter().flat_map(accepted).collect::<Vec<_>>(), [5]);
}

#[test]
fn enter_is_cancel_until_the_focus_is_moved() {
    let mut console = queue();
    console.keys("a<enter>");
    assert_eq!((console.commands.len(), console.app.dialogs.len()), (0, 0));
    console.keys("a<tab><enter>");
    assert_eq!(console.commands.len(), 1);
}

#[test]
fn why_nothing_is_accepted_where_it_cannot_be_shown_is_said() {
    let mut console = Harness::new((40, 10), about(samples()));
    console.keys("3ay");
    assert_eq!(console.commands, []);
    assert!(console.text().contains("No room: enlarge"), "{}", console.text());
}

#[test]
fn core_and_high_risk_ask_for_the_key() {
    for (keys, key) in [("/safety<enter>", "safety.guard"), ("/code.review<enter>", "code.review")] {
        let mut console = queue();
        console.keys(keys).keys("a");
        console.keys("y<enter>");
        assert_eq!(console.commands, [], "{}", console.text());
        console.keys("<backspace>").keys(key).keys("<enter>");
        assert_eq!(console.commands, [], "too soon");
        console.keys("<wait:300><enter>");
        assert_eq!(console.commands.len(), 1, "{}", console.text());
    }
}

#[test]
fn many_are_accepted_together_only_where_all_are_of_low_risk() {
    let mut console = queue();
    console.keys("*a");
    assert!(console.app.dialogs.is_empty());
    assert!(console.text().contains("not of low risk"), "{}", console.text());
    let low = vec![
        Sample::new(1, "prompt://org/ACME/a.a", RiskLevel::Low),
        Sample::new(2, "prompt://org/ACME/a.b", RiskLevel::Low),
    ];
    let mut console = Harness::new((120, 40), about(low));
    console.keys("3*a");
    let text = console.text();
    assert!(
        text.contains("Accept 2 proposals") && text.contains("a.b@1.1.0") && text.contains("a.a@1.1.0"),
        "{text}"
    );
    console.keys("y");
    assert_eq!(console.commands.iter().flat_map(accepted).collect::<Vec<_>>(), [2, 1]);
}

#[test]
fn a_selection_stays_on_its_proposal_when_the_order_changes() {
    let mut console = queue();
    console.keys("jj");
    let before = selected(&console);
    console.keys(">>i");
    assert_eq!(selected(&console), before);
}

#[test]
fn the_order_is_chosen_from_a_list() {
    let mut console = queue();
    console.keys("sj<enter>");
    assert!(console.text().contains("by risk"), "{}", console.text());
    assert!(console.keys("s").text().contains("risk  (again: reverse)"), "{}", console.text());
    console.keys("<enter>");
    assert!(console.text().contains("from the other end by risk"), "{}", console.text());
}

fn selected(console: &Harness) -> String {
    let text = console.text();
    let line = text.lines().find(|line| line.contains('▌') && line.contains('○'));
    line.unwrap_or_default().split_whitespace().nth(2).unwrap_or_default().to_owned()
}

#[test]
fn what_was_decided_cannot_be_decided_again() {
    let mut console = queue();
    console.keys("t");
    console.keys("a");
    assert!(console.app.dialogs.is_empty());
    assert!(console.text().contains("PROPOSAL-6 is rejected already"), "{}", console.text());
}

#[test]
fn read_only_says_so() {
    let set = crate::console::app::Settings { read_only: true, ..settings() };
    let mut console = Harness::with(set, (120, 40), about(samples()));
    console.keys("3a");
    assert!(console.app.dialogs.is_empty() && console.commands.is_empty());
    assert!(console.text().contains("read-only"));
}

#[test]
fn screens() {
    for size in [(200, 60), (120, 40), (80, 24), (60, 20)] {
        let mut console = Harness::new(size, about(samples()));
        let (w, h) = size;
        insta::assert_snapshot!(format!("queue_{w}x{h}"), console.keys("3").screen());
        insta::assert_snapshot!(format!("accept_{w}x{h}"), console.keys("a").screen());
        insta::assert_snapshot!(
            format!("accept_core_{w}x{h}"),
            console.keys("<esc>/safety<enter>a").screen()
        );
        insta::assert_snapshot!(format!("review_{w}x{h}"), console.keys("<esc><esc><enter>").screen());
        let mut console = Harness::new(size, silent());
        insta::assert_snapshot!(format!("queue_loading_{w}x{h}"), console.keys("3").screen());
        let mut console = Harness::new(size, failing());
        insta::assert_snapshot!(format!("queue_error_{w}x{h}"), console.keys("3").screen());
        let mut console = Harness::new(size, about(vec![]));
        insta::assert_snapshot!(format!("queue_empty_{w}x{h}"), console.keys("3").screen());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever is typed, nothing is accepted but what a frame has shown in a dialog before.
    #[test]
    fn nothing_is_accepted_unseen(keys in "[ayjkrfvtne{}*/ 35]{1,200}", size in (0u16..300, 0u16..100)) {
        let mut console = Harness::new(size, about(samples()));
        let mut shown = String::new();
        for key in keys.chars() {
            let before = console.commands.len();
            console.keys(&key.to_string());
            for command in &console.commands[before..] {
                for id in accepted(command) {
                    let sample = &samples()[id as usize - 1];
                    let digest = digest(sample.texts.1.as_bytes()).to_string();
                    prop_assert!(
                        shown.contains(&format!("PROPOSAL-{id}")) || shown.contains(&digest[..12]),
                        "{id} was not shown:\n{shown}"
                    );
                }
            }
            shown = console.text();
        }
    }
}
