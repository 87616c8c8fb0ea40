//! The leaderboard on a small fleet, and the grammar of filters.

use proptest::prelude::*;

use super::*;
use crate::domain::feedback::{Signal, Source};
use crate::domain::prompt::Scope;
use crate::engine::rollup::{CallFacts, Cell, Cells, Clock, Layer};

fn subject(name: &str, scope: Option<Scope>) -> Subject {
    Subject {
        name: name.into(),
        scope,
        task_type: name.rsplit('/').next().unwrap_or(name).split('.').next().unwrap_or("").into(),
        managed: scope == Some(Scope::Core),
    }
}

struct Fleet {
    subjects: Vec<Subject>,
    of_version: Vec<u32>,
    models: Vec<String>,
    outer: FxHashSet<(VersionId, Layer)>,
    cells: Cells,
}

impl Fleet {
    fn new() -> Fleet {
        let mut fleet = Fleet {
            subjects: vec![
                subject("prompt://core/legal.contract", Some(Scope::Core)),
                subject("prompt://org/ACME/sales.mail", Some(Scope::Org)),
                subject("prompt://org/ACME/thin", Some(Scope::Org)),
                subject("prompt://org/ACME/never-called", Some(Scope::Org)),
            ],
            // Versions 2 and 3 are of the first subject; 0 is the fleet, 1 has no row here.
            of_version: vec![NO_SUBJECT, NO_SUBJECT, 0, 0, 1, 2],
            models: vec!["gpt-4o".into(), "gpt-4o-mini".into(), "claude-sonnet".into()],
            outer: FxHashSet::default(),
            cells: Cells::default(),
        };
        fleet.put(2, Layer::Core, 0, 60, 100, (30, 5));
        fleet.put(3, Layer::Core, 2, 40, 100, (10, 5));
        fleet.put(4, Layer::Org, 1, 500, 900, (20, 20));
        fleet.put(5, Layer::Org, 0, 10, 100, (0, 3));
        fleet.put(CellKey::FLEET, Layer::Direct, 0, 610, 500, (60, 33));
        fleet
    }

    fn put(&mut self, version: u32, layer: Layer, model: u32, calls: i64, ms: u64, signals: (i32, i32)) {
        let mut cell = Cell::default();
        for i in 0..calls {
            let facts = CallFacts {
                ok: i % 10 != 0,
                tokens: Some((80, 20)),
                cached: 0,
                cost: (model != 2).then_some(2_000_000),
                estimated: false,
                latency_us: Some(ms * 1000),
            };
            cell.add_call(&facts, 1);
        }
        cell.signals.add(Clock::Call, Source::User, Signal::Positive, signals.0);
        cell.signals.add(Clock::Call, Source::User, Signal::Negative, signals.1);
        self.cells.insert(CellKey { version, layer, model }, cell);
    }

    fn roster(&self) -> Roster<'_> {
        Roster {
            subjects: &self.subjects,
            of_version: &self.of_version,
            models: &self.models,
            outer: &self.outer,
        }
    }

    fn board(&self, filter: &str, sort: &str, limit: usize) -> Board<'_> {
        board(self.roster(), &self.cells, &filter.parse().unwrap(), sort.parse().unwrap(), limit)
    }

    fn names(&self, filter: &str, sort: &str) -> Vec<&str> {
        let board = self.board(filter, sort, 10);
        assert_eq!(board.matched, board.rows.len());
        board.rows.iter().map(|row| row.subject.name.rsplit('/').next().unwrap()).collect()
    }
}

#[test]
fn rows_add_up_and_count_a_call_once() {
    let fleet = Fleet::new();
    let board = fleet.board("", "calls", 10);
    assert_eq!(board.rows.iter().map(Row::calls).collect::<Vec<_>>(), [500, 100, 10]);
    let legal = board.rows[1].line();
    assert_eq!((legal.calls, legal.avg_tokens, legal.avg_cost_usd), (100, Some(100.0), Some(0.002)));
    assert!((legal.total_cost_usd.unwrap() - 0.12).abs() < 1e-12);
    assert_eq!((legal.negative.count, legal.negative.sample_size), (10, 50));
    assert_eq!(legal.error.count, 10);
    assert!((legal.p95_duration_ms.unwrap() - 100.0).abs() <= 1.0);
    let json = serde_json::to_value(board.rows[2].line()).unwrap();
    assert_eq!(
        (&json["verdict"], &json["sampleSize"], &json["scope"]),
        (&"insufficient".into(), &3.into(), &"org".into())
    );
}

#[test]
fn thin_rows_come_last_either_way_round() {
    let fleet = Fleet::new();
    assert_eq!(fleet.names("", "neg"), ["sales.mail", "legal.contract", "thin"]);
    assert_eq!(fleet.names("", "neg:asc"), ["legal.contract", "sales.mail", "thin"]);
    assert_eq!(fleet.names("", "score"), ["legal.contract", "sales.mail", "thin"]);
    assert_eq!(fleet.names("", "p95"), ["sales.mail", "legal.contract", "thin"]);
    assert_eq!(fleet.names("", "name:desc"), ["thin", "sales.mail", "legal.contract"]);
    let first = fleet.board("", "neg", 1);
    assert_eq!((first.rows.len(), first.matched), (1, 3));
    assert!(first.rows[0].value(Column::P95).is_some(), "shown rows have their percentiles");
    assert_eq!(fleet.board("", "neg", 0).rows.len(), 0);
}

#[test]
fn filters() {
    let fleet = Fleet::new();
    for (filter, want) in [
        ("scope:core", vec!["legal.contract"]),
        ("!scope:core", vec!["sales.mail", "thin"]),
        ("type:sales", vec!["sales.mail"]),
        ("type:s*", vec!["sales.mail"]),
        ("managed:no thin", vec!["thin"]),
        ("verdict:insufficient", vec!["thin"]),
        ("neg>20", vec!["sales.mail"]),
        ("neg>19.9", vec!["sales.mail", "legal.contract"]),
        ("neg=20%", vec!["legal.contract"]),
        ("!neg>20", vec!["legal.contract", "thin"]),
        ("calls>0.1k", vec!["sales.mail"]),
        ("calls>=100 calls<1k", vec!["sales.mail", "legal.contract"]),
        ("cost>=$1", vec!["sales.mail"]),
        ("p95>0.5s", vec!["sales.mail"]),
        ("p95<500ms", vec!["legal.contract", "thin"]),
        ("CONTRACT", vec!["legal.contract"]),
        ("prompt://org/acme !mail", vec!["thin"]),
        ("owner:acme", vec!["sales.mail", "thin"]),
        ("!owner:a*", vec!["legal.contract"]),
        ("model:gpt-4o", vec!["legal.contract", "thin"]),
        ("model:gpt-4o*", vec!["sales.mail", "legal.contract", "thin"]),
        ("!model:gpt-*", vec!["legal.contract"]),
        ("model:gpt-4o model:claude-sonnet !model:gpt-4o", vec!["legal.contract"]),
        ("model:none", vec![]),
    ] {
        assert_eq!(fleet.names(filter, "calls"), want, "{filter}");
    }
    assert_eq!(fleet.board("model:claude-sonnet", "calls", 9).rows[0].calls(), 40);
}

#[test]
fn what_is_being_typed_holds_as_far_as_it_goes() {
    let mut own = Vec::new();
    let (filter, fault) = Filter::typed("scope:core neg> !mine foo:bar", |term, not| {
        (term == "mine").then(|| {
            own.push(not);
            Ok(())
        })
    });
    assert_eq!(filter, "scope:core".parse::<Filter>().unwrap());
    assert_eq!(fault.map(|fault| fault.term).as_deref(), Some("neg>"));
    assert_eq!(own, [true]);
}

#[test]
fn refusals_say_why() {
    for (filter, why) in [
        ("!", "nothing follows"),
        ("model:", "nothing follows"),
        ("scope:moon", "core, org or user"),
        ("foo:bar", "`foo` is none of"),
        ("foo>1", "not a column"),
        ("name>1", "not a column"),
        ("neg>", "not a number"),
        ("neg>-1", "not a number"),
        ("neg>1e9", "not a number"),
        ("neg>1.2.3", "not a number"),
    ] {
        let error = filter.parse::<Filter>().unwrap_err().to_string();
        assert!(error.contains(why), "{filter}: {error}");
    }
    assert!("neg:up".parse::<Sort>().is_err() && "nope".parse::<Sort>().is_err());
    assert!("x ".repeat(65).parse::<Filter>().is_err());
}

proptest! {
    #[test]
    fn no_filter_panics(text in "\\PC{0,40}|(!?(scope|model|neg|p95|type)[:<>=]{0,2}[0-9a-z.*%]{0,5} ?){0,4}") {
        if let Ok(filter) = text.parse::<Filter>() {
            let fleet = Fleet::new();
            let all = board(fleet.roster(), &fleet.cells, &filter, Sort::default(), 10);
            prop_assert!(all.matched <= 3);
        }
    }

    #[test]
    fn cutting_is_the_head_of_the_whole(limit in 0usize..5) {
        let fleet = Fleet::new();
        for sort in ["calls", "neg", "score:asc", "name", "p50", "cost"] {
            let whole = fleet.board("", sort, 10);
            let cut = fleet.board("", sort, limit);
            let names = |board: &Board<'_>| board.rows.iter().map(|r| r.subject.name.clone()).collect::<Vec<_>>();
            prop_assert_eq!(names(&cut), names(&whole).into_iter().take(limit).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_up_that_followed_is_one_that_was_made(
        changes in prop::collection::vec((2u32..6, 0u32..3, 1i64..50, any::<bool>()), 1..12),
    ) {
        let mut fleet = Fleet::new();
        let mut lineup = Lineup::new(fleet.roster(), &fleet.cells);
        for (version, model, calls, goes) in changes {
            let key = CellKey { version, layer: Layer::Org, model };
            if goes {
                fleet.cells.remove(&key);
            } else {
                fleet.put(version, Layer::Org, model, calls, 10, (3, 1));
            }
            if !lineup.follow(fleet.roster(), &fleet.cells, &[key]) {
                lineup = Lineup::new(fleet.roster(), &fleet.cells);
            }
            let fresh = Lineup::new(fleet.roster(), &fleet.cells);
            for sort in ["calls", "neg", "p95"] {
                let rank = |lineup: &Lineup| {
                    let board = lineup.rank(
                        fleet.roster(), &fleet.cells, &Filter::default(), sort.parse().unwrap(), 10,
                    );
                    board.rows.iter().map(Row::line).collect::<Vec<_>>()
                };
                prop_assert_eq!(rank(&lineup), rank(&fresh));
            }
        }
    }
}
