//! The canary guard: an accepted version is served to a share of the sessions, always the same ones, until its outcome
//! promotes or stops it; core is promoted by nobody but a steward.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod dice;
mod governed;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::Command;

use dice::Dice;
use governed::{HOUR, agent, ana, connect, grant, own, proposal, step, uri};
use human::config::{Config, Overrides};
use human::domain::governance::{Governance, Guard};
use human::domain::identity::GrantScope;
use human::domain::outcome::Judgement;
use human::domain::prompt::PromptUri;
use human::domain::prompt_file::PromptFile;
use human::domain::proposal::{Proposal, RiskLevel, Standing};
use human::domain::run::{Did, Run};
use human::domain::window::Window;
use human::engine::seal::Pen;
use human::intake::Format;
use human::intake::events::rfc3339;

use human::service::{RunWish, Service, now};
use human::store::canary::{self, End};
use human::store::decide::{Accepted, Automatic};
use human::store::prompt_shelf::PromptShelf;
use human::store::prompts::{Activation, Deed};
use human::store::{Access, Kind};
use rusqlite::Connection;
use semver::Version;

const ORG: &str = "prompt://org/ACME/legal.review";
const CORE: &str = "prompt://core/legal.base";
const DAY: i64 = 24 * HOUR;

fn text(prompt: &PromptUri, text: &str) -> String {
    governed::file(prompt, "", &Version::new(1, 0, 0), text)
}

struct Office {
    folder: tempfile::TempDir,
    rules: Governance,
    start: i64,
}

impl Office {
    /// Two prompts, a steward and an agent with every scope, a canary of half the sessions; all of it `days` ago.
    fn new(days: i64) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let start = now() - days * DAY;
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        let rules = Governance { guard: Guard::Canary, canary_share: 0.5, ..Governance::default() };
        let office = Office { folder, rules, start };
        let mut shelf = PromptShelf::open(&office.path(), Access::Write).unwrap();
        let change = shelf.change().unwrap();
        for prompt in [ORG, CORE].map(uri) {
            let file = PromptFile::parse("t", text(&prompt, "Review this.\n").as_bytes()).unwrap();
            let deed = Deed { at: start - 20 * DAY, actor: "ana", reason: None };
            change.publish(&file, Activation::AsOfThen, deed).unwrap();
        }
        change.commit().unwrap();
        drop(shelf);
        let db = office.db();
        own(&db, &ana(), start);
        let scopes = [
            GrantScope::TelemetryRead,
            GrantScope::PromptsRead,
            GrantScope::ProposalsWrite,
            GrantScope::PromptsAutoApply,
        ];
        grant(&db, &ana(), &agent(), &scopes, "prompt://*", start + 90 * DAY, start).unwrap();
        office
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("store.db")
    }

    fn db(&self) -> Connection {
        connect(&self.path())
    }

    fn service(&self) -> Service {
        let config = Some(self.folder.path().join("config.toml"));
        let mut config = Config::load(&Overrides { store: Some(self.path()), config }).unwrap();
        config.governance = self.rules;
        Service::open(config, Access::Write).unwrap()
    }

    /// Proposes another text for a prompt, and accepts it.
    fn accept(&self, prompt: &str) -> Proposal {
        let (db, prompt) = (self.db(), uri(prompt));
        let wanted = proposal(
            &prompt,
            &Version::new(1, 0, 0),
            text(&prompt, "Review this with care.\n"),
            "high-negative",
            RiskLevel::Medium,
        );
        let made =
            step(&db, Some(&agent()), &self.rules, self.start, |docket| docket.propose(wanted)).unwrap();
        let shown = human::engine::seal::digest(made.text.as_bytes());
        let done =
            step(&db, Some(&ana()), &self.rules, self.start, |d| d.accept(made.id, shown, None)).unwrap();
        let Accepted::Applied(applied) = done else { panic!("one signature is enough") };
        assert_eq!((applied.canary, applied.uri.version), (Some(0.5), Some(Version::new(1, 1, 0))));
        made
    }

    fn active(&self, prompt: &str) -> String {
        human::store::prompts::active(&self.db(), &uri(prompt)).unwrap().unwrap().to_string()
    }

    fn canary(&self, made: &Proposal) -> canary::Canary {
        canary::of(&self.db(), made.id).unwrap().unwrap()
    }

    fn is_sound(&self) {
        let (_, faults) = self.service().read().unwrap().verify_ledger().unwrap();
        assert_eq!(faults, Vec::<String>::new());
    }

    fn human(&self, words: &[&str]) -> String {
        let run = Command::new(env!("CARGO_BIN_EXE_human"))
            .args(["--store", self.path().to_str().unwrap()])
            .args(words)
            .env("HUMAN_CONFIG", self.folder.path().join("config.toml"))
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    }

    /// Calls of both versions since the canary began, each with feedback: bad in a hundred, by version.
    fn traffic(&self, prompt: &str, bad: [usize; 2]) {
        let (mut dice, mut lines, mut id) = (Dice::new(5), String::new(), 0);
        for hour in ((self.start + HOUR)..(now() - HOUR)).step_by(HOUR as usize) {
            for (version, bad) in ["1.0.0", "1.1.0"].into_iter().zip(bad) {
                for _ in 0..4 {
                    id += 1;
                    let at = hour + dice.below(40 * 60_000) as i64;
                    let signal = if dice.below(100) < bad { "negative" } else { "positive" };
                    writeln!(lines, r#"{{"type":"call","provenanceId":"c-{id}","at":"{}","promptMetadata":{{"promptUris":["{prompt}"],"promptVersions":["{version}"],"layers":[],"compositionMethod":"manual","variablesUsed":[],"estimatedTokens":80,"orgId":"ACME"}},"modelId":"gpt-4o","provider":"openai","inputTokens":100,"outputTokens":5,"costUsd":0.001,"durationMs":900,"ok":true}}"#, rfc3339(at)).unwrap();
                    writeln!(lines, r#"{{"type":"feedback","id":"f-{id}","provenanceId":"c-{id}","signal":"{signal}","source":"user","at":"{}"}}"#, rfc3339(at + 60_000)).unwrap();
                }
            }
        }
        let service = self.service();
        let mut intake = service.intake().unwrap();
        intake.stream(lines.as_bytes(), "test", Format::Auto).unwrap();
        assert_eq!(intake.finish().unwrap().quarantined, 0);
        drop(intake);
        service.close().unwrap();
    }

    fn run(&self) -> Run {
        let service = self.service();
        let window = Window { from_ms: self.start, to_ms: now() };
        let run = service.run_agent(&agent(), &RunWish { dry: false, window, client: None }, now()).unwrap();
        service.close().unwrap();
        run
    }
}

#[test]
fn a_session_is_always_served_the_same() {
    let office = Office::new(1);
    let made = office.accept(ORG);
    assert_eq!(office.active(ORG), "1.0.0");
    office.is_sound();
    let served = |session: &str, name: &str| {
        let said = office.human(&["--json", "prompts", "compose", name, "--session", session]);
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        said["promptMetadata"]["promptVersions"][0].as_str().unwrap().to_owned()
    };
    let canary = office.canary(&made);
    let mut versions = BTreeSet::new();
    for session in (0..8).map(|i| format!("session-{i}")) {
        let version = served(&session, ORG);
        assert_eq!(version, if canary.is_for(&session) { "1.1.0" } else { "1.0.0" });
        assert_eq!(version, served(&session, ORG));
        // Whoever names a version gets it.
        assert_eq!(served(&session, &format!("{ORG}@1.0.0")), "1.0.0");
        versions.insert(version);
    }
    assert_eq!(versions.len(), 2);
    let share = (0..2_000).filter(|i| canary.is_for(&format!("s{i}"))).count();
    assert!((900..1_100).contains(&share), "{share}");
    // Without a session nobody is tried upon.
    assert!(office.human(&["--json", "prompts", "compose", ORG]).contains("\"1.0.0\""));
    let id = made.id.to_string();
    for words in [&["prompts", "proposals", "show", &id][..], &["prompts", "proposals", "outcome", &id]] {
        let said = office.human(words);
        assert!(said.contains("for 50 % of the sessions") && said.contains("running"), "{said}");
    }
    assert!(office.human(&["prompts", "proposals", "list"]).contains("accepted, canary"));
}

#[test]
fn one_canary_at_a_time_and_by_hand_it_ends() {
    let office = Office::new(1);
    let made = office.accept(ORG);
    let (db, prompt) = (office.db(), uri(ORG));
    let other = proposal(
        &prompt,
        &Version::new(1, 0, 0),
        text(&prompt, "Otherwise.\n"),
        "cost-outlier",
        RiskLevel::Low,
    );
    let other = step(&db, Some(&agent()), &office.rules, office.start, |d| d.propose(other)).unwrap();
    let shown = human::engine::seal::digest(other.text.as_bytes());
    let refused = step(&db, Some(&ana()), &office.rules, office.start, |d| d.accept(other.id, shown, None));
    assert!(
        refused.unwrap_err().to_string().contains("a canary of prompt://org/ACME/legal.review@1.1.0 runs")
    );
    let left = step(&db, Some(&agent()), &office.rules, office.start, |d| d.auto_apply(other.id)).unwrap();
    assert!(matches!(left, Automatic::Left(why) if why.contains("a canary of")));
    drop(db);

    // Rolled back by hand: what was active stays, and nobody is served the other.
    let mut shelf = PromptShelf::open(&office.path(), Access::Write).unwrap();
    shelf.sign_with(ana());
    let change = shelf.change().unwrap();
    let deed = Deed { at: now(), actor: "ana", reason: Some("enough") };
    let back = change.rollback(&prompt, None, deed).unwrap();
    change.commit().unwrap();
    assert_eq!((back.from.to_string(), back.to.to_string()), ("1.1.0".into(), "1.0.0".into()));
    assert_eq!((office.active(ORG).as_str(), office.canary(&made).ended.unwrap().0), ("1.0.0", End::Stop));
    assert!(!office.canary(&made).is_for("session-1"));
    office.is_sound();

    // Behind the ledger's back: each is found.
    for harm in [
        "UPDATE canary SET share = 0.9",
        "UPDATE canary SET version = '1.0.0'",
        "UPDATE canary_end SET how = 'promote'",
        "DELETE FROM canary_end",
        "DELETE FROM canary_end; DELETE FROM canary",
    ] {
        let copy = office.folder.path().join("copy.db");
        let _ = std::fs::remove_file(&copy);
        office.db().execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        let db = Connection::open(&copy).unwrap();
        db.execute_batch(harm).unwrap();
        assert!(!human::store::explain::check(&db).unwrap().is_empty(), "{harm}");
    }
}

#[test]
fn a_canary_that_regresses_is_stopped() {
    for prompt in [ORG, CORE] {
        let office = Office::new(6);
        let made = office.accept(prompt);
        office.traffic(prompt, [10, 45]);
        let run = office.run();
        let stopped = run.steps.iter().any(|step| matches!(&step.did, Did::Stopped { .. }));
        assert!(stopped, "{:?}", run.steps);
        assert_eq!(
            (office.active(prompt).as_str(), office.canary(&made).ended.unwrap().0),
            ("1.0.0", End::Stop)
        );
        let reader = office.service().read().unwrap();
        let (_, settled) = reader.proposals().outcome(made.id).unwrap().unwrap();
        assert_eq!(settled.judgement, Judgement::Regressed);
        assert_eq!(reader.proposals().get(made.id).unwrap().standing, Standing::Accepted);
        office.is_sound();
    }
}

#[test]
fn a_canary_that_improves_is_promoted_and_core_by_a_steward_alone() {
    let org = Office::new(6);
    let made = org.accept(ORG);
    org.traffic(ORG, [45, 10]);
    let run = org.run();
    assert!(run.steps.iter().any(|step| matches!(&step.did, Did::Promoted { .. })), "{:?}", run.steps);
    assert_eq!((org.active(ORG).as_str(), org.canary(&made).ended.unwrap().0), ("1.1.0", End::Promote));
    org.is_sound();

    let core = Office::new(6);
    let made = core.accept(CORE);
    core.traffic(CORE, [45, 10]);
    let run = core.run();
    let left = |did: &Did| matches!(did, Did::Left { why } if why.contains("promoted by a steward"));
    assert!(run.steps.iter().any(|step| left(&step.did)), "{:?}", run.steps);
    let refused = |pen: Option<&Pen>| {
        let done = step(&core.db(), pen, &core.rules, now(), |docket| docket.promote(made.id, "because"));
        done.unwrap_err().kind
    };
    assert_eq!((refused(Some(&agent())), refused(None)), (Kind::Refused, Kind::Refused));
    assert_eq!(core.active(CORE), "1.0.0");
    core.is_sound();
    let shown = human::engine::seal::digest(made.text.as_bytes());
    step(&core.db(), Some(&ana()), &core.rules, now(), |d| d.accept(made.id, shown, None)).unwrap();
    assert_eq!(core.active(CORE), "1.1.0");
    core.is_sound();
}

#[test]
fn an_acceptance_that_breaks_off_begins_nothing() {
    let office = Office::new(1);
    let (db, prompt) = (office.db(), uri(ORG));
    let wanted = proposal(&prompt, &Version::new(1, 0, 0), text(&prompt, "Other.\n"), "c", RiskLevel::Low);
    let made = step(&db, Some(&agent()), &office.rules, office.start, |d| d.propose(wanted)).unwrap();
    let shown = human::engine::seal::digest(made.text.as_bytes());
    let ana = ana();
    // Ended before it is committed, as a process is that is killed.
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let docket = human::store::decide::Docket::new(&db, Some(&ana), &office.rules, office.start);
    docket.accept(made.id, shown, None).unwrap();
    assert!(canary::of(&db, made.id).unwrap().is_some());
    drop(db);
    assert_eq!(canary::of(&office.db(), made.id).unwrap(), None);
    let kept = human::store::proposals::Proposals::new(&office.db()).get(made.id).unwrap();
    assert_eq!(kept.standing, Standing::Open);
    office.is_sound();
}
