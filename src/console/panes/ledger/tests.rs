use std::fmt::Write as _;

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::console::action::ROWS;
use crate::console::fixtures::{failing, pulse, silent, zeros};
use crate::console::harness::{Answers, Harness, NOW};
use crate::domain::identity::Hex;
use crate::domain::ledger::Action as Deed;
use crate::domain::outcome::{Expectation, Measure};
use crate::domain::proposal::{Kind, ProposalId, RiskLevel};
use crate::domain::run::{Did, Looked, Spent, Step as Did1};
use crate::domain::window::time;
use crate::service::agent_record::{AgentRecord, Share, Worth};

const MINUTE: i64 = 60_000;

fn entry(seq: u64) -> Entry {
    let (actor, action, subject, payload) = match seq % 4 {
        0 => (
            "steward://ACME/ana",
            Deed::Accept,
            "PROPOSAL-12",
            json!({"proposalDigest": zeros(), "risk": {"level": "low"}}),
        ),
        1 => (
            "agent://ACME/prompt-refinement",
            Deed::Propose,
            "PROPOSAL-12",
            json!({"prompt": "prompt://org/ACME/support.refund-reply", "title": "Remove repeated sentences"}),
        ),
        2 => (
            "steward://ACME/ben",
            Deed::Reject,
            "PROPOSAL-11",
            json!({"reason": "The tone is wrong for \u{202e}support"}),
        ),
        _ => (
            "steward://ACME/ana",
            Deed::Publish,
            "prompt://org/ACME/support.refund-reply@1.4.0",
            json!({
                "activated": {"uri": "prompt://org/ACME/support.refund-reply@1.4.0", "kind": "publish"},
                "previous": "1.3.0",
            }),
        ),
    };
    let signed = seq > 2;
    Entry {
        seq,
        at: time(NOW - (300 - seq as i64) * 7 * MINUTE),
        actor: actor.parse().unwrap(),
        key: signed.then_some(Hex([7; 32])),
        action,
        subject: subject.into(),
        payload,
        previous: zeros(),
        hash: Hex([seq as u8; 32]),
        signature: signed.then_some(Hex([9; 64])),
    }
}

fn run(dry: bool) -> Run {
    let step = |cause: &str, found: &str, did| Did1 {
        prompt_uri: "prompt://org/ACME/support.refund-reply@1.3.0".parse().unwrap(),
        cause: cause.into(),
        found: found.into(),
        did,
    };
    Run {
        agent: "agent://ACME/prompt-refinement".parse().unwrap(),
        at: time(NOW - 45 * MINUTE),
        dry,
        without_model: None,
        refused: None,
        window: [time(NOW - 10_080 * MINUTE), time(NOW)],
        looked: Looked {
            prompts: 214,
            findings: 3,
            elsewhere: 1,
            watched: 4,
            insufficient: 31,
            outcomes: 2,
            moved: 0,
        },
        steps: vec![
            step(
                "high-negative",
                "38% of 120 signals are negative, [30%, 47%], against 12% of its peers",
                Did::Proposed {
                    proposal: (!dry).then_some(ProposalId(12)),
                    title: "Remove repeated sentences".into(),
                    drafted_by: "rules R1".into(),
                    risk: RiskLevel::Low,
                    why: "org prompts wait for a steward".into(),
                },
            ),
            step("cost", "too dear by a third", Did::Left { why: "it was rejected four days ago".into() }),
        ],
        spent: Spent { calls: 2, tokens: 4_100, usd: 0.031 },
    }
}

fn state(days: i64) -> AgentState {
    let expectation = Expectation {
        measure: Measure::Negative,
        predicted: -0.1,
        expected: -0.06,
        interval: [-0.1, 0.0],
        realises: 0.62,
        sample_size: 7,
        missed: 2,
        overconfident: true,
    };
    AgentState {
        agent: Some("agent://ACME/prompt-refinement".into()),
        grant: vec![
            format!("until {}", time(NOW + days * 1_440 * MINUTE)),
            "may telemetry:read, prompts:read, proposals:write".into(),
            "with prompt://org/ACME/*".into(),
            "granted by steward://ACME/ana (entry 4)".into(),
        ],
        record: Some(AgentRecord {
            proposed: 19,
            waiting: 3,
            accepted: Share { count: 9, sample_size: 14, interval: Some([0.38, 0.84]) },
            auto_applied: 2,
            reverted: Share { count: 1, sample_size: 4, interval: None },
            outcomes: vec![],
            calibration: vec![Worth { kind: Kind::Text, expectation }],
            spent_usd: 1.42,
            runs: 41,
            last_runs: vec![],
        }),
        runs: vec![
            (41, run(false)),
            (40, Run { refused: Some("its grant has expired".into()), steps: vec![], ..run(false) }),
        ],
    }
}

fn answers(entries: u64, faults: Vec<String>, days: i64) -> Answers {
    Box::new(move |query| {
        Some(Ok(match query {
            Query::Pulse => Reply::Pulse(Arc::new(pulse())),
            Query::Ledger(limit) => {
                let newest: Vec<Entry> = (1..=entries).rev().take(*limit).map(entry).collect();
                let more = entries > newest.len() as u64;
                Reply::Ledger(Arc::new((newest, more)))
            }
            Query::Verify => Reply::Verify(Arc::new(Verified {
                entries,
                broken: false,
                head: Hex([entries as u8; 32]).to_string(),
                faults: faults.clone(),
                as_of: NOW,
            })),
            Query::Agent if entries == 0 => {
                Reply::Agent(Arc::new(AgentState { agent: None, grant: vec![], record: None, runs: vec![] }))
            }
            Query::Agent => Reply::Agent(Arc::new(state(days))),
            _ => return None,
        }))
    })
}

fn full() -> Answers {
    answers(280, vec![], 26)
}

#[test]
fn looks() {
    type Make = fn() -> Answers;
    let cases: [(&str, Make, &str); 8] = [
        ("full", full, "5"),
        ("runs", full, "5v"),
        ("agent", full, "5vv"),
        ("entry", full, "5jj<enter>"),
        ("empty", || answers(0, vec![], 0), "5"),
        ("loading", silent, "5"),
        ("error", failing, "5"),
        ("broken", || answers(280, vec!["entry 12: its hash is not that of its content".into()], 3), "5"),
    ];
    for (name, answers, keys) in cases {
        let mut shown = String::new();
        for (width, height) in [(200, 60), (120, 40), (80, 24), (60, 20)] {
            let mut console = Harness::new((width, height), answers());
            let _ = writeln!(shown, "{width}x{height}\n{}", console.keys(keys).screen());
        }
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn a_check_says_what_it_came_to_and_when() {
    let clock = crate::console::moment::clock(NOW);
    let mut console = Harness::new((120, 40), full());
    assert!(console.keys("5").text().contains("checked "), "{}", console.text());
    let said = format!("The ledger holds: 280 entries, checked {clock}");
    assert!(!console.text().contains(&said), "what is checked by itself is not said");
    assert!(console.keys("V").text().contains(&said), "{}", console.text());
    let fault = || answers(280, vec!["entry 12: its hash is not that of its content".into()], 3);
    let mut console = Harness::new((120, 40), fault());
    assert!(console.keys("5V").text().contains("The ledger does not hold: 1 fault, checked"));
    let mut console = Harness::new((120, 40), silent());
    assert!(console.keys("5").text().contains("Reading the ledger"), "{}", console.text());
}

#[test]
fn an_entry_is_marked_by_what_the_check_came_to() {
    let check = |entries, broken, faults: &[&str]| {
        let faults: Vec<String> = faults.iter().map(|fault| (*fault).to_owned()).collect();
        let mut rest = full();
        let answers: Answers = Box::new(move |query| match query {
            Query::Verify => Some(Ok(Reply::Verify(Arc::new(Verified {
                entries,
                broken,
                head: String::new(),
                faults: faults.clone(),
                as_of: NOW,
            })))),
            query => rest(query),
        });
        let text = Harness::new((200, 60), answers).keys("5").text();
        let count = |words: &str| text.lines().filter(|line| line.contains(words)).count();
        [count("✓ verified") > 0, count("○ came since") == 2, count("✗ faulty") == 1, count("✗ faulty") == 2]
    };
    assert_eq!(check(280, false, &[]), [true, false, false, false]);
    assert_eq!(check(278, false, &[]), [true, true, false, false]);
    assert_eq!(check(278, true, &["entry 279 does not follow"]), [true, false, false, true]);
    assert_eq!(check(280, false, &["entry 277 was not allowed"]), [true, false, true, false]);
    let text = Harness::new((200, 60), answers(2, vec![], 26)).keys("5").text();
    assert!(text.contains("✓ unsigned"), "{text}");
}

#[test]
fn the_agent_says_when_it_runs_next() {
    let every = Some(Duration::from_hours(4));
    let set = crate::console::app::Settings { agent_every: every, ..crate::console::harness::settings() };
    let mut console = Harness::with(set, (120, 40), full());
    assert!(console.keys("5").text().contains("next run 2026-11-28 16:00:00 UTC"), "{}", console.text());
}

#[test]
fn zoom_shows_one_part_alone() {
    let mut console = Harness::new((200, 60), full());
    assert!(console.keys("5").text().contains("Agent ─"));
    let text = console.keys("+").text();
    assert!(text.contains("Ledger ─") && !text.contains("Agent ─") && !text.contains("Entry 280"), "{text}");
}

#[test]
fn what_was_left_while_it_waited_asks_again() {
    let asked = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let answers: Answers = Box::new(move |query| {
        seen.lock().unwrap().push(query.clone());
        None
    });
    let mut console = Harness::new((120, 40), answers);
    console.keys("51");
    asked.lock().unwrap().clear();
    console.keys("5");
    let asked = asked.lock().unwrap();
    for query in [Query::Ledger(200), Query::Verify, Query::Agent] {
        assert!(asked.contains(&query), "{query:?}");
    }
}

#[test]
fn older_entries_come_as_one_comes_to_the_end() {
    let mut console = Harness::new((120, 40), full());
    assert!(console.keys("5").text().contains("the newest 200"));
    assert!(console.keys("G").text().contains("─ 280 ─"), "{}", console.text());
    // Where one stands stays where it was; the new end is the end of all.
    assert!(console.keys("G").text().contains("Entry 1 "), "{}", console.text());
}

#[test]
fn the_filter_narrows_and_an_entry_is_copied() {
    let mut console = Harness::new((120, 40), full());
    console.keys("5/action:reject !actor:ana since:7d<enter>");
    let text = console.text();
    assert!(text.contains("reject") && !text.contains(" propose  "), "{text}");
    console.keys("y");
    let copied = console.effects.iter().rev().find_map(|effect| match effect {
        crate::console::message::Effect::Copy(text) => Some(text.clone()),
        _ => None,
    });
    assert_eq!(copied, Some(Hex([278_u64 as u8; 32]).to_string()));
}

#[test]
fn what_an_entry_decided_is_undone_long_after() {
    let mut console = Harness::new((120, 40), full());
    // An acceptance that made nothing active, a rejection, and a publication.
    console.keys("5U");
    assert!(console.text().contains("it made no version active"), "{}", console.text());
    console.keys("jU<enter>");
    assert!(console.commands.is_empty(), "cancel has the focus");
    console.keys("U");
    assert!(console.text().contains("instead of 1.4.0"), "{}", console.text());
    console.keys("yjUy");
    let id = ProposalId(11);
    let [Command::RollBack { uri, from, to, reason }, reopen] = &console.commands[..] else {
        panic!("{:?}", console.commands)
    };
    assert_eq!(uri.to_string(), "prompt://org/ACME/support.refund-reply");
    let version = |v: &Option<semver::Version>| v.as_ref().map(ToString::to_string);
    assert_eq!((version(from).as_deref(), version(to).as_deref()), (Some("1.4.0"), Some("1.3.0")));
    assert_eq!((reason.as_str(), reopen), ("undo of entry 279", &Command::Reopen(vec![id])));
    console.keys("jU");
    assert!(console.text().contains("it decided nothing"), "{}", console.text());
    let mut console = Harness::with(
        crate::console::app::Settings { read_only: true, ..crate::console::harness::settings() },
        (120, 40),
        full(),
    );
    console.keys("5jUy");
    assert!(console.commands.is_empty() && console.text().contains("read-only"), "{}", console.text());
}

#[test]
fn a_run_is_confirmed_first_and_a_dry_run_shows_what_it_came_to() {
    let mut console = Harness::new((120, 40), full());
    console.keys("5R<enter>");
    assert!(console.commands.is_empty(), "cancel has the focus");
    console.outcome = Box::new(|command| {
        let run = matches!(command, Command::Run { dry: true }).then(|| Box::new(run(true)));
        Ok(Receipt { text: "Dry run: 3 findings, nothing written".into(), run, ..Receipt::default() })
    });
    console.keys("D");
    assert_eq!(console.commands, [Command::Run { dry: true }]);
    assert!(console.text().contains("would propose"), "{}", console.text());
    console.keys("<esc>");
    assert!(console.text().contains("dry"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_size_and_any_of_its_actions(
        width in 0u16..220, height in 0u16..70, acts in prop::collection::vec(0usize..ROWS.len(), 0..30), empty in any::<bool>(),
    ) {
        let mut console = Harness::new((width, height), if empty { answers(0, vec![], 0) } else { full() });
        console.keys("5");
        for i in acts {
            let row = &ROWS[i];
            if matches!(row.place, Where::Ledger | Where::List) {
                for key in row.keys {
                    let written = |key: &str| if key.len() > 1 { format!("<{key}>") } else { key.replace('<', "<lt>") };
                    console.keys(&key.split(' ').map(written).collect::<String>());
                }
            }
        }
    }
}
