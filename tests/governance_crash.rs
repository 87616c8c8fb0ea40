//! Decisions and whole runs of the agent, of a real process that is killed at any moment: the store opens, its ledger
//! verifies and explains all there is, and each decision and each run is wholly there or not at all; what was acknowledged
//! is there.
//!
//! The process is this test again, told by the environment to decide without end. `HUMAN_KILLS` says how many kills there
//! are (default 12).
#![allow(clippy::unwrap_used, reason = "a test")]

mod agency;
mod dice;
mod governed;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agency::{DAY, WORDY, step};
use dice::Dice;
use governed::{HOUR, NOW, agent, ana, by_hand, file, pen, proposal, publish_by_hand, uri};
use human::domain::governance::{Governance, Guard};
use human::domain::identity::GrantScope;
use human::domain::ledger::{Action, Entry};
use human::domain::outcome::Judgement;
use human::domain::proposal::{Kind, Proposal, ProposalId, RiskLevel, Standing};
use human::domain::run::{Did, Run};
use human::domain::settled::Settled;
use human::domain::window::Window;
use human::engine::seal::Pen;
use human::service::{RunWish, Service};
use human::store::decide::{Accepted, Automatic};
use human::store::prompts::Deed;
use human::store::proposals::Filter;
use human::store::{Access, Reader, Store};
use semver::Version;

const STORE: &str = "HUMAN_DECIDES_IN";
const PROMPT: &str = "prompt://org/ACME/tuned";
const FLAGS: &str = "human.autoTune: true\n";

/// A prompt whose waiting proposal a run moves onto another version.
const MOVED: &str = "prompt://org/ACME/legal.a";

/// A prompt whose new versions meet a canary first.
const TRIED: &str = "prompt://org/ACME/legal.tried";

/// The agent whose runs are killed.
fn runner() -> Pen {
    pen("agent://ACME/runner", 11)
}

/// Sees to it that a run has three things to write beside its record, and runs: a proposal to move, a change to propose,
/// and to apply. What it applied is settled afterwards.
fn run_agent(service: &Service, store: &Store, n: usize) -> i64 {
    let (first, path) = (Version::new(1, 0, 0), service.path());
    let active =
        |prompt: &str| store.read().unwrap().published().unwrap()[&uri(prompt)].active.clone().unwrap();
    if active(WORDY) != first {
        let deed = Deed { at: NOW, actor: "ana", reason: Some("again") };
        by_hand(path, Some(&ana()), |shelf| shelf.rollback(&uri(WORDY), Some(&first), deed)).unwrap();
    }
    let base = active(MOVED);
    let now = store.read().unwrap().file(&uri(MOVED), &base).unwrap();
    let text = format!("{}Be just, {n}.\n", now.text());
    let wanted = proposal(&uri(MOVED), &base, text, "by-hand", RiskLevel::Medium);
    store.write(move |tx| tx.docket(Some(&runner()), &Governance::default(), NOW).propose(wanted)).unwrap();
    let next = Version::new(base.major, base.minor, base.patch + 1);
    let noted = format!("description: note {n} on {base}\n");
    publish_by_hand(path, Some(&ana()), &file(&uri(MOVED), &noted, &next, now.template()), NOW);
    let window = Window { from_ms: NOW - 7 * DAY, to_ms: NOW };
    let run = service
        .run_agent(&runner(), &RunWish { dry: false, window, client: None, lacking: None }, || NOW)
        .unwrap();
    let runs = store.read().unwrap().proposals().runs(100_000).unwrap().len() as i64;
    assert!(matches!(step(&run, MOVED, "base").did, Did::Rebased { .. }), "{run:#?}");
    let Did::Applied { proposal, version, .. } = step(&run, WORDY, "token-outlier").did.clone() else {
        panic!("{run:#?}")
    };
    let settled = Settled {
        old_version: first,
        new_version: version,
        judgement: Judgement::NoMaterialChange,
        effects: Vec::new(),
        measured: None,
    };
    store
        .write(move |tx| tx.docket(Some(&runner()), &Governance::default(), NOW).settle(proposal, &settled))
        .unwrap();
    runs
}

/// Begins a canary, unless a process that was killed has left one, and ends it: promoted or stopped, and settled with that.
fn try_out(store: &Store, n: usize, said: &mut std::fs::File) {
    let rules = Governance { guard: Guard::Canary, ..Governance::default() };
    let prompt = uri(TRIED);
    let active = || store.read().unwrap().published().unwrap()[&uri(TRIED)].active.clone().unwrap();
    let running = || store.read().unwrap().canary_running(&uri(TRIED)).unwrap();
    if running().is_none() {
        let base = active();
        let text = file(&prompt, "", &base, &format!("Try this, {n}, after {base}.\n"));
        let wanted = proposal(&prompt, &base, text, "by-hand", RiskLevel::Medium);
        let made = store.write(move |tx| tx.docket(Some(&runner()), &rules, NOW).propose(wanted)).unwrap();
        let begun = store.write(move |tx| {
            let (ana, shown) = (ana(), human::engine::seal::digest(made.text.as_bytes()));
            tx.docket(Some(&ana), &rules, NOW).accept(made.id, shown, None)
        });
        assert!(matches!(begun.unwrap(), Accepted::Applied(applied) if applied.canary.is_some()));
        writeln!(said, "begun {}", made.id).unwrap();
    }
    let canary = running().unwrap();
    let id = canary.proposal;
    let settled = Settled {
        old_version: active(),
        new_version: canary.uri.version.unwrap(),
        judgement: Judgement::Inconclusive,
        effects: Vec::new(),
        measured: None,
    };
    let ended = store.write(move |tx| {
        let runner = runner();
        let docket = tx.docket(Some(&runner), &rules, NOW);
        match n % 2 {
            0 => docket.promote(id, "it held").map(|_| ())?,
            _ => docket.stop(id, "it did not hold").map(|_| ())?,
        }
        docket.settle(id, &settled)
    });
    ended.unwrap();
    writeln!(said, "ended {id}").unwrap();
}

/// Not a test of its own: the process that is killed.
#[test]
fn decides_without_end() {
    let Some(path) = std::env::var_os(STORE).map(PathBuf::from) else { return };
    let mut said = std::fs::File::options().append(true).open(path.with_extension("said")).unwrap();
    let store = Store::open(&path, Access::Write).unwrap();
    let service = agency::open(&path, "");
    // Whichever comes first is killed most often.
    let begin = acknowledged(&path).len();
    for n in begin.. {
        if n % 4 == 3 {
            writeln!(said, "run {}", run_agent(&service, &store, n)).unwrap();
            continue;
        }
        try_out(&store, n, &mut said);
        let base = store.read().unwrap().published().unwrap()[&uri(PROMPT)].active.clone().unwrap();
        let text = file(&uri(PROMPT), FLAGS, &base, &format!("Be just, {n}, after {base}.\n"));
        let wanted = proposal(&uri(PROMPT), &base, text, "cause", RiskLevel::Low);
        let first = Version::new(1, 0, 0);
        // An accepted rollback, else a change that a steward accepts, or that the agent applies itself.
        let (automatic, wanted) = match n % 4 {
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
        writeln!(said, "{}", made.id).unwrap();
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

/// What the process said was done, proposals decided and runs; a line that the kill cut short was not said.
fn acknowledged(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path.with_extension("said")).unwrap();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    whole.lines().map(ToOwned::to_owned).collect()
}

/// Every decision has its entry, its standing, its version and its activation, or none of them; every run its record and
/// all that it says it wrote; every canary its version, and an outcome with its end. How many decisions, runs and canaries
/// there are.
fn is_whole(path: &Path) -> (usize, usize, usize) {
    let reader = Reader::open(path).unwrap();
    assert_eq!(reader.verify_ledger().unwrap().1, Vec::<String>::new());
    let mut entered: Vec<(String, String)> = Vec::new();
    let mut runs = 0;
    // Begun, ended, and settled, by proposal; and the versions that were promoted.
    let mut canaries: [BTreeSet<String>; 4] = Default::default();
    let mut promoted = vec![Version::new(1, 0, 0)];
    let mut each = |entry: Entry| {
        if entry.payload["prompt"] == TRIED {
            match entry.action {
                Action::Accept => canaries[0].insert(entry.subject.clone()),
                Action::Canary => canaries[1].insert(entry.subject.clone()),
                Action::Promote | Action::Stop => canaries[2].insert(entry.subject.clone()),
                Action::Outcome => canaries[3].insert(entry.subject.clone()),
                _ => false,
            };
            if entry.action == Action::Promote {
                promoted.push(entry.payload["version"].as_str().unwrap().parse().unwrap());
            }
        }
        let decides = matches!(entry.action, Action::Accept | Action::AutoApply);
        if decides && entry.payload["prompt"] == PROMPT {
            entered.push((entry.subject, entry.payload["version"].as_str().unwrap().to_owned()));
        }
        runs += usize::from(entry.action == Action::Run);
        true
    };
    reader.ledger(0, &mut each).unwrap();
    let mut standing: Vec<(u64, String, String)> = Vec::new();
    let mut written: BTreeSet<(u64, ProposalId)> = BTreeSet::new();
    for kept in reader.proposals().list(&Filter::default(), NOW).unwrap() {
        let (id, applied) =
            (kept.proposal.id, matches!(kept.standing, Standing::Accepted | Standing::AutoApplied));
        assert_eq!(kept.version.is_some(), applied);
        written.extend(kept.proposal.run.map(|run| (run, id)));
        if let Some(version) = kept.version
            && kept.proposal.prompt_uri == uri(PROMPT)
        {
            standing.push((id.0, id.to_string(), version.to_string()));
        }
    }
    standing.sort();
    let standing: Vec<(String, String)> =
        standing.into_iter().map(|(_, id, version)| (id, version)).collect();
    assert_eq!(entered, standing);
    let said: BTreeSet<(u64, ProposalId)> = reader
        .proposals()
        .runs(usize::MAX)
        .unwrap()
        .into_iter()
        .flat_map(|row| {
            let run: Run = serde_json::from_value(row.body).unwrap();
            run.steps.into_iter().filter_map(move |step| match step.did {
                Did::Proposed { proposal, .. } => Some((row.id, proposal.unwrap())),
                Did::Applied { proposal, .. } | Did::Rebased { proposal, .. } => Some((row.id, proposal)),
                _ => None,
            })
        })
        .collect();
    assert_eq!(said, written, "a run and what it wrote");
    let published = &reader.published().unwrap()[&uri(PROMPT)];
    // The first version was there before.
    let active: Vec<String> =
        published.activations.iter().skip(1).map(|(_, version)| version.to_string()).collect();
    let mut versions: Vec<&String> = active.iter().collect();
    versions.sort();
    let mut of_entries: Vec<&String> = entered.iter().map(|(_, version)| version).collect();
    of_entries.sort();
    assert_eq!(versions, of_entries);
    let known: BTreeSet<String> = published.versions.keys().map(ToString::to_string).collect();
    assert_eq!(known, active.into_iter().chain(["1.0.0".to_owned()]).collect());
    let [accepted, begun, ended, settled] = &canaries;
    assert_eq!((accepted, ended), (begun, settled));
    let running: Vec<&String> = begun.difference(ended).collect();
    let found = reader.canary_running(&uri(TRIED)).unwrap().map(|canary| canary.proposal.to_string());
    assert_eq!(running, found.iter().collect::<Vec<_>>());
    let tried = &reader.published().unwrap()[&uri(TRIED)];
    assert_eq!(tried.activations.iter().map(|(_, version)| version.clone()).collect::<Vec<_>>(), promoted);
    assert_eq!(tried.versions.len(), begun.len() + 1);
    let decided: BTreeSet<&str> = entered.iter().map(|(id, _)| id.as_str()).collect();
    for done in acknowledged(path) {
        let is_there = match done.split_once(' ') {
            Some(("run", number)) => number.parse::<usize>().unwrap() <= runs,
            Some(("begun", id)) => begun.contains(id),
            Some((_, id)) => ended.contains(id),
            None => decided.contains(done.as_str()),
        };
        assert!(is_there, "{done} was acknowledged, and is not there");
    }
    (entered.len(), runs, begun.len())
}

#[test]
fn killed_at_any_moment_each_decision_is_there_or_not() {
    let kills: usize = std::env::var("HUMAN_KILLS").map_or(12, |n| n.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    std::fs::write(path.with_extension("said"), "").unwrap();
    agency::furnish(&path, FLAGS, NOW);
    publish_by_hand(&path, None, &file(&uri(PROMPT), FLAGS, &Version::new(1, 0, 0), "Be just.\n"), NOW - DAY);
    publish_by_hand(&path, None, &file(&uri(TRIED), "", &Version::new(1, 0, 0), "Try this.\n"), NOW - DAY);
    let db = governed::connect(&path);
    governed::own(&db, &ana(), NOW);
    for (who, prompts) in [(agent(), PROMPT), (runner(), "prompt://org/ACME/legal.*")] {
        governed::grant(&db, &ana(), &who, &GrantScope::ALL, prompts, NOW + HOUR, NOW).unwrap();
    }
    drop(db);
    let mut dice = Dice::new(303);
    let (mut decided, mut runs, mut canaries, mut at_work) = (0, 0, 0, 0);
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
        (decided, runs, canaries) = is_whole(&path);
        // A line that was cut short is ended, so that the next process writes a line of its own.
        let text = std::fs::read_to_string(path.with_extension("said")).unwrap();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        std::fs::write(path.with_extension("said"), &text[..whole]).unwrap();
    }
    println!(
        "{kills} kills, {at_work} of a process at work; {decided} decisions, {canaries} canaries and {runs} runs, each whole"
    );
    assert!(at_work > 0 && decided > 0 && canaries > 0 && runs > 0);
}
