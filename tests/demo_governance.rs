//! The governed half of the demo world: its ledger holds, every kind and risk waits for a decision, and whoever sits
//! before it can decide.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use human::config::{Config, Overrides};
use human::demo::{Plan, World};
use human::domain::call::Millis;
use human::domain::identity::Identity;
use human::domain::ledger::Action;
use human::domain::outcome::Judgement;
use human::domain::proposal::RiskLevel;
use human::service::{LogQuery, Service};
use human::store::Access;

/// 2026-11-22T00:00:00Z.
const END: Millis = 1_795_305_600_000;

fn service(folder: &Path) -> Service {
    let config = folder.join("empty.toml");
    std::fs::write(&config, "").unwrap();
    let overrides = Overrides { store: Some(folder.join("demo.db")), config: Some(config) };
    Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap()
}

fn plan(calls: u64) -> Plan {
    Plan { calls, ..Plan::standard(END) }
}

/// What a ledger holds: time, actor, action and subject of each entry, and its hash.
fn entries(service: &Service) -> Vec<String> {
    let (entries, _) = service.log(&LogQuery::default()).unwrap();
    entries
        .iter()
        .rev()
        .map(|e| format!("{} {} {:?} {} {}", e.at, e.actor, e.action, e.subject, e.hash))
        .collect()
}

#[test]
fn the_demo_is_governed() {
    let folder = tempfile::tempdir().unwrap();
    let service = service(folder.path());
    let world = World::new(plan(200_000));
    service.make_demo(&world).unwrap();
    let audit = service.audit(None).unwrap();
    assert_eq!(audit.faults, Vec::<String>::new());
    assert!(audit.owner.unwrap().to_string().ends_with("/ana"));

    let all = service.proposals(None, None, END).unwrap();
    let said: Vec<String> = all
        .iter()
        .map(|l| {
            let p = &l.proposal;
            format!(
                "{} {} {} {:?} {:?} {} {}",
                p.id, p.prompt_uri, l.status, p.kind, p.risk.level, p.evidence.cause, p.title
            )
        })
        .collect();
    let said = said.join("\n");
    let open: Vec<_> = all.iter().filter(|l| l.status == "open").collect();
    assert!(open.len() >= 8, "{said}");
    let kinds: BTreeSet<&str> = open.iter().map(|l| l.proposal.kind.as_str()).collect();
    assert_eq!(kinds, BTreeSet::from(["text", "model", "metadata", "rollback"]), "{said}");
    let risks: BTreeSet<RiskLevel> = open.iter().map(|l| l.proposal.risk.level).collect();
    assert_eq!(risks.len(), 3, "{said}");
    let standings: BTreeSet<&str> = all.iter().map(|l| l.status).collect();
    for standing in ["accepted", "auto-applied", "rejected", "superseded"] {
        assert!(standings.contains(standing), "{standing}: {said}");
    }

    let (log, _) = service.log(&LogQuery::default()).unwrap();
    let times: Vec<&String> = log.iter().rev().map(|entry| &entry.at).collect();
    assert!(times.is_sorted());
    let decisions = [
        Action::Accept,
        Action::AutoApply,
        Action::Reject,
        Action::Modify,
        Action::Defer,
        Action::Comment,
        Action::Rollback,
        Action::Grant,
    ];
    for action in decisions.into_iter().chain([Action::Rebase, Action::Outcome]) {
        assert!(log.iter().any(|entry| entry.action == action), "{action:?}: {said}");
    }
    let decided = log.iter().filter(|entry| decisions.contains(&entry.action)).count();
    assert!(decided >= 20, "{decided}: {said}");

    let applied = all.iter().filter(|l| matches!(l.status, "accepted" | "auto-applied"));
    let came: Vec<_> = applied.map(|l| service.came_of(l.proposal.id, END).unwrap()).collect();
    let judged: Vec<Judgement> = came.iter().filter_map(|c| Some(c.settled.as_ref()?.judgement)).collect();
    assert!(
        judged.contains(&Judgement::Regressed) && judged.contains(&Judgement::LikelyImproved),
        "{judged:?}"
    );
    let running = came.iter().filter(|c| c.settled.is_none());
    assert!(running.count() > 0);

    let record = service.agent_record(&world.agent().unwrap(), END).unwrap();
    assert!(record.proposed >= 6 && record.auto_applied >= 1 && record.runs == 5, "{record:?}");
    assert!(record.accepted.count >= 1, "{record:?}");
    service.close().unwrap();
}

#[test]
fn the_same_seed_decides_the_same_and_once() {
    let made = |calls| {
        let folder = tempfile::tempdir().unwrap();
        let service = service(folder.path());
        let world = World::new(plan(calls));
        service.make_demo(&world).unwrap();
        let first = entries(&service);
        // Once more adds nothing.
        let again = service.make_demo(&world).unwrap();
        assert_eq!((again.accepted, entries(&service)), (0, first.clone()));
        service.close().unwrap();
        first
    };
    let first = made(20_000);
    assert!(first.len() > 150);
    assert_eq!(first, made(20_000));
}

#[test]
fn whoever_makes_a_demo_can_decide_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let human = |config: &str, arguments: &[&str]| -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_human"));
        command.current_dir(folder.path()).env("HUMAN_CONFIG_DIR", folder.path().join(config));
        command.env_remove("HUMAN_STORE").args(["--store", "demo.db"]).args(arguments).output().unwrap()
    };
    let said = |output: Output| {
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let demo = said(human("mine", &["demo", "--headless", "--calls", "30000"]));
    assert!(demo.contains("proposals wait") && demo.contains("HUMAN_CONFIG_DIR=demo.db.keys-1"), "{demo}");
    assert!(!folder.path().join("mine").exists(), "the demo wrote into the configuration folder");
    let list = said(human("mine", &["--json", "prompts", "proposals", "list", "--status", "open"]));
    let first: serde_json::Value = serde_json::from_str(list.lines().next().unwrap()).unwrap();
    let id = first["proposal"]["id"].as_str().unwrap();
    let refused = human("mine", &["prompts", "proposals", "accept", id]);
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    let accepted = human("demo.db.keys-1", &["prompts", "proposals", "accept", id]);
    assert!(accepted.status.success(), "{accepted:?}");
    said(human("mine", &["audit", "verify"]));
    let status = said(human("demo.db.keys-1", &["agent", "status"]));
    assert!(status.contains("Standing  granted") && status.contains("Accepted"), "{status}");
    let ran = human("demo.db.keys-1", &["agent", "run", "--once"]);
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn the_keys_of_a_demo_follow_from_its_seed() {
    let world = World::new(plan(1));
    let owner: Identity = world.steward("ana").unwrap();
    assert_eq!(world.secret(&owner), World::new(plan(9)).secret(&owner));
    let other = World::new(Plan { seed: 2, ..plan(1) });
    assert_ne!(world.secret(&owner), other.secret(&owner));
}
