//! The printed forms, on the seed's own example and on thin and hostile ones.

use semver::Version;

use super::*;
use crate::cli::{board, models};
use crate::domain::feedback::{Signal, Source};
use crate::domain::model::Day;
use crate::domain::prompt::Scope;
use crate::domain::window::Window;
use crate::engine::affinity::{Evidence, affinities};
use crate::engine::performance::{Names, snapshot};
use crate::engine::rank::{self, Lineup, Roster, Sort, Subject};
use crate::engine::rollup::{CallFacts, Cell, CellKey, Cells, Clock, Layer, VersionId};

struct One(Version, Vec<&'static str>);

impl Names for One {
    fn model(&self, model: u32) -> &str {
        self.1[model as usize]
    }
    fn version(&self, _: VersionId) -> Option<&Version> {
        Some(&self.0)
    }
}

fn cell(calls: i64, signals: [i32; 4]) -> Cell {
    let mut cell = Cell::default();
    for _ in 0..calls {
        let facts = CallFacts {
            ok: true,
            tokens: Some((812, 391)),
            cached: 0,
            cost: Some(6_000_000),
            estimated: true,
            latency_us: Some(1_200_000),
        };
        cell.add_call(&facts, 1);
    }
    for (signal, n) in Signal::ALL.into_iter().zip(signals) {
        cell.signals.add(Clock::Call, Source::User, signal, n);
    }
    cell
}

fn fresh(cell: &Cell) -> Evidence {
    let mut evidence = Evidence::default();
    evidence.add(cell, 0.0);
    evidence
}

fn report(cells: &[(CellKey, &Cell)], model: &'static str, page: Page) -> String {
    let uri: PromptUri = "prompt://org/HUMAN_CORP/legal.contract-analysis".parse().unwrap();
    let names = One(Version::new(1, 0, 0), vec![model, "claude-sonnet"]);
    let evidence: Vec<(CellKey, Evidence)> = cells.iter().map(|(key, cell)| (*key, fresh(cell))).collect();
    let weighed = evidence.iter().map(|(key, evidence)| (*key, evidence)).collect();
    let found = affinities(&uri, 0, &[weighed], |m| names.1[m as usize]);
    let window = Window { from_ms: 0, to_ms: 7 * 86_400_000 };
    let snapshot = snapshot(&uri, window, cells.iter().copied(), &names, &found);
    let recommendations = [Recommendation {
        id: "PROPOSAL-47".into(),
        title: "Reduce token count by restructuring output format (-18%)".into(),
    }];
    Report {
        notes: &[],
        prompt: &uri.at(Version::new(1, 0, 0)),
        snapshot: &snapshot,
        window: "last 7 days",
        affinities: &found,
        recommendations: &recommendations,
    }
    .text(page)
}

fn key(model: u32) -> CellKey {
    CellKey { version: 2, layer: Layer::Org, model }
}

#[test]
fn begins_as_the_seeds_report() {
    let (a, b) = (cell(647, [580, 24, 40, 0]), cell(200, [30, 78, 96, 0]));
    let text = report(&[(key(0), &a), (key(1), &b)], "gpt-4o", Page::default());
    println!("{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "prompt://org/HUMAN_CORP/legal.contract-analysis@1.0.0");
    assert_eq!(lines[1], "Calls: 847 (last 7 days)");
    assert_eq!(lines[2], "Avg tokens: 1,203 | Avg cost: $0.006 | Avg latency: 1.2s");
    assert_eq!(lines[3], "Positive: 72% | Negative: 12% | Rephrase: 16%");
    assert!(
        lines[4].starts_with("Best model: gpt-4o (0.9")
            && lines[4].contains(" affinity) > claude-sonnet (0.")
    );
    assert_eq!(
        lines[5..8],
        ["", "Recommendations:", "- [PROPOSAL-47] Reduce token count by restructuring output format (-18%)"]
    );
    assert!(text.contains("610 of 848 signals") && text.contains("[69%, 75%]"));
    assert!(text.contains("(847 priced calls, 847 of them estimated)"));
}

#[test]
fn thin_evidence_is_said_not_averaged() {
    let a = cell(9, [3, 1, 0, 1]);
    let text = report(&[(key(0), &a)], "gpt-4o", Page::default());
    assert!(text.contains(
        "Positive: 3 of 5 | Negative: 1 of 5 | Rephrase: 0 of 5 | Correction: 1 of 5 | insufficient"
    ));
    assert!(text.lines().any(|line| line.starts_with("gpt-4o") && line.contains("insufficient")), "{text}");
    assert!(!text.lines().nth(3).unwrap().contains('%'));
    let none = report(&[(key(0), &cell(9, [0; 4]))], "gpt-4o", Page::default());
    assert!(none.contains("\nFeedback: none\n") && !none.contains("Best model"), "{none}");
    let empty = report(&[], "gpt-4o", Page::default());
    assert!(empty.starts_with("prompt://") && empty.contains("Calls: 0") && !empty.contains("Evidence"));
}

#[test]
fn names_from_outside_are_shown_not_obeyed() {
    let a = cell(100, [50, 5, 5, 0]);
    let text =
        report(&[(key(0), &a)], "gpt\u{1b}]0;x\u{7}\u{202e}\n-4o", Page { width: Some(80), bold: false });
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202e}') && text.contains("gpt\\u{1b}]0;x"));
    let tables = text.lines().filter(|line| line.contains("n=60"));
    assert!(tables.clone().count() >= 3 && tables.clone().all(|line| table::width(line) <= 80), "{text}");
    assert!(report(&[(key(0), &a)], "m", Page { width: None, bold: true }).starts_with("\u{1b}[1mprompt://"));
}

#[test]
fn the_board_and_the_models() {
    let subject =
        |name: &str, scope, managed| Subject { name: name.into(), scope, task_type: "legal".into(), managed };
    let subjects = [
        subject("prompt://core/legal.a", Some(Scope::Core), true),
        subject("un\u{1b}managed", Some(Scope::Org), false),
        subject("(no prompt)", None, false),
    ];
    let (a, b) = (cell(300, [90, 9, 1, 0]), cell(5, [1, 1, 0, 0]));
    let cells = Cells::from_iter([
        (CellKey { version: 2, layer: Layer::Core, model: 0 }, a),
        (CellKey { version: 3, layer: Layer::Direct, model: 0 }, b),
        (CellKey { version: CellKey::UNPROMPTED, layer: Layer::Direct, model: 0 }, cell(1, [0; 4])),
    ]);
    let (of_version, names) = ([rank::NO_SUBJECT, 2, 0, 1], ["m".to_owned()]);
    let roster = Roster {
        subjects: &subjects,
        of_version: &of_version,
        models: &names,
        outer: &rustc_hash::FxHashSet::default(),
    };
    let lineup = Lineup::new(roster, &cells);
    let ranked = lineup.rank(roster, &cells, &"".parse().unwrap(), Sort::default(), 10);
    let text = board::text(&ranked, Page::default());
    println!("{text}");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[1].starts_with("prompt://core/legal.a")
            && lines[1].contains("90%")
            && lines[1].contains("n=100")
    );
    assert!(
        lines[2].starts_with("un\\u{1b}managed (unmanaged)")
            && lines[2].contains("1/2")
            && lines[2].contains("insufficient")
    );
    assert!(lines[3].starts_with("(no prompt)  "), "there is nothing to manage: {text}");
    let narrow = board::text(&ranked, Page { width: Some(60), bold: false });
    assert!(narrow.lines().all(|line| table::width(line) <= 60) && narrow.contains("NEG"), "{narrow}");
    let cut = lineup.rank(roster, &cells, &"".parse().unwrap(), Sort::default(), 1);
    assert!(board::text(&cut, Page::default()).ends_with("1 of 3 prompts\n"));

    let bundled = crate::intake::prices::bundled();
    let day: Day = "2025-03-01".parse().unwrap();
    let list = models::lines(&bundled.prices, &bundled.cards, day);
    let mini = list.iter().find(|line| line.model_id == "o1-mini").unwrap();
    assert_eq!(mini.price.as_ref().unwrap().base.input.0, 1_100_000);
    let later = list.iter().find(|line| line.model_id == "gpt-5").unwrap();
    assert!(later.price_from.unwrap() > day, "the oldest stands in");
    let text = models::text(&list, Page::default());
    assert!(text.lines().count() == list.len() + 1 && text.contains("o1-mini"));
    assert_eq!(serde_json::to_value(mini).unwrap()["price"]["input"], 1.1);
}
