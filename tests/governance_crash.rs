//! Decisions of a real process that is killed at any moment: the store opens, its ledger verifies, and each decision is
//! wholly there or not at all; what was acknowledged is there.
//!
//! The process is this test again, told by the environment to decide without end. `HUMAN_KILLS` says how many kills there
//! are (default 12).
#![allow(clippy::unwrap_used, reason = "a test")]

mod dice;
mod governed;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use dice::Dice;
use governed::{HOUR, NOW, agent, ana, file, proposal, publish, uri};
use human::domain::governance::Governance;
use human::domain::identity::GrantScope;
use human::domain::ledger::Action;
use human::domain::proposal::{Kind, Proposal, RiskLevel, Standing};
use human::store::decide::{Accepted, Automatic};
use human::store::proposals::{Filter, Proposals};
use human::store::{Access, Store, ledger};
use semver::Version;

const STORE: &str = "HUMAN_DECIDES_IN";
const PROMPT: &str = "prompt://org/ACME/tuned";
const FLAGS: &str = "human.autoTune: true\n";

/// Not a test of its own: the process that is killed.
#[test]
fn decides_without_end() {
    let Some(path) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    let mut said = std::fs::File::options().append(true).open(path.with_extension("said")).unwrap();
    let store = Store::open(&path, Access::Write).unwrap();
    for n in 0.. {
        let base = store.read().unwrap().published().unwrap()[&uri(PROMPT)].active.clone().unwrap();
        let text = file(&uri(PROMPT), FLAGS, &base, &format!("Be just, {n}, after {base}.\n"));
        let wanted = proposal(&uri(PROMPT), &base, text, "cause", RiskLevel::Low);
        let first = Version::new(1, 0, 0);
        // An accepted rollback, else a change that a steward accepts, or that the agent applies itself.
        let (automatic, wanted) = match n % 3 {
            0 if base != first => {
                let text = file(&uri(PROMPT), FLAGS, &first, "Be just.\n");
                (false, Proposal { kind: Kind::Rollback, to_version: Some(first), text, ..wanted })
            }
            1 => (true, wanted),
            _ => (false, wanted),
        };
        let made = store
            .write(move |tx| tx.docket(Some(&agent()), &Governance::default(), NOW).propose(wanted))
            .unwrap();
        let done = store.write(move |tx| {
            let (rules, pen) = (Governance::default(), if automatic { agent() } else { ana() });
            let docket = tx.docket(Some(&pen), &rules, NOW);
            if automatic {
                return Ok(matches!(docket.auto_apply(made.id)?, Automatic::Applied(..)));
            }
            let shown = docket.proposals().get(made.id)?.text_digest();
            Ok(matches!(docket.accept(made.id, shown, None)?, Accepted::Applied(_)))
        });
        assert!(done.unwrap());
        writeln!(said, "{}", made.id.0).unwrap();
    }
}

fn start(path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "decides_without_end", "--nocapture"])
        .env(STORE, path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The proposals that the process said were decided; a line that the kill cut short was not said.
fn acknowledged(path: &Path) -> BTreeSet<u64> {
    let text = std::fs::read_to_string(path.with_extension("said")).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(|line| line.parse().unwrap()).collect()
}

/// Every decision has its entry, its standing, its version and its activation, or none of them; how many there are.
fn is_whole(path: &Path) -> usize {
    let db = governed::connect(path);
    assert_eq!(ledger::verify(&db).unwrap().1, Vec::<String>::new());
    let mut entered: Vec<(String, String)> = Vec::new();
    ledger::entries(&db, 0, &mut |entry| {
        if matches!(entry.action, Action::Accept | Action::AutoApply) {
            entered.push((entry.subject, entry.payload["version"].as_str().unwrap().to_owned()));
        }
        true
    })
    .unwrap();
    let mut standing: Vec<(u64, String, String)> = Vec::new();
    for kept in Proposals::new(&db).list(&Filter::default(), NOW).unwrap() {
        let applied = matches!(kept.standing, Standing::Accepted | Standing::AutoApplied);
        assert_eq!(kept.version.is_some(), applied);
        if let Some(version) = kept.version {
            standing.push((kept.proposal.id.0, kept.proposal.id.to_string(), version.to_string()));
        }
    }
    standing.sort();
    let standing: Vec<(String, String)> =
        standing.into_iter().map(|(_, id, version)| (id, version)).collect();
    assert_eq!(entered, standing);
    let rows = |sql: &str| -> Vec<String> {
        let mut statement = db.prepare(sql).unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().collect::<rusqlite::Result<_>>().unwrap()
    };
    // The first version was there before.
    let active = rows("SELECT version FROM prompt_activation WHERE id > 1 ORDER BY id");
    assert_eq!(active, entered.iter().map(|(_, version)| version.clone()).collect::<Vec<_>>());
    let published: BTreeSet<String> = rows("SELECT version FROM prompt_version").into_iter().collect();
    let first = std::iter::once("1.0.0".to_owned());
    assert_eq!(published, active.into_iter().chain(first).collect());
    let decided: BTreeSet<String> = entered.iter().map(|(id, _)| id.clone()).collect();
    for id in acknowledged(path) {
        assert!(decided.contains(&format!("PROPOSAL-{id}")), "{id} was acknowledged, and is not there");
    }
    entered.len()
}

#[test]
fn killed_at_any_moment_each_decision_is_there_or_not() {
    let kills: usize = std::env::var("HUMAN_KILLS").map_or(12, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(path.with_extension("said"), "").unwrap();
    let db = governed::connect(&path);
    publish(&db, &file(&uri(PROMPT), FLAGS, &Version::new(1, 0, 0), "Be just.\n"), "system", NOW);
    governed::own(&db, &ana(), NOW);
    let scopes = [GrantScope::ProposalsWrite, GrantScope::PromptsAutoApply];
    governed::grant(&db, &ana(), &agent(), &scopes, "prompt://*", NOW + HOUR, NOW).unwrap();
    drop(db);
    let mut dice = Dice::new(303);
    let (mut decided, mut at_work) = (0, 0);
    for kill in 0..kills {
        let before = acknowledged(&path).len();
        let mut process = start(&path);
        // At work: it has decided something since it was started. Some are killed before, while the store is opened.
        let patience = Instant::now();
        while kill % 4 != 0
            && acknowledged(&path).len() == before
            && patience.elapsed() < Duration::from_mins(1)
        {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(dice.below(60_000) as u64));
        assert!(process.try_wait().unwrap().is_none(), "it ended by itself");
        process.kill().unwrap();
        process.wait().unwrap();
        at_work += usize::from(acknowledged(&path).len() > before);
        decided = is_whole(&path);
        // A line that was cut short is ended, so that the next process writes a line of its own.
        let text = std::fs::read_to_string(path.with_extension("said")).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        std::fs::write(path.with_extension("said"), &text[..whole]).unwrap();
    }
    println!("{kills} kills, {at_work} of a process at work; {decided} decisions, each whole");
    assert!(at_work > 0 && decided > 0);
}
