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
use human::domain::ledger::{Action, Entry};
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
/// A patch that consents, and one that does not.
const PATCH: &str = "prompt://user/ACME/eva/legal.review";
const CLOSED: &str = "prompt://user/ACME/bob/legal.review";
const DAY: i64 = 24 * HOUR;

fn text(prompt: &PromptUri, text: &str) -> String {
    let flags = match prompt.to_string().as_str() {
        ORG => "human.autoTune: true\n",
        PATCH => "human.consent: true\n",
        _ => "",
    };
    governed::file(prompt, flags, &Version::new(1, 0, 0), text)
}

struct Office {
    folder: tempfile::TempDir,
    rules: Governance,
    start: i64,
}

impl Office {
    /// A prompt of every scope, a steward and an agent with every scope, a canary of half the sessions; all of it `days` ago.
    fn new(days: i64) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let start = now() - days * DAY;
        std::fs::write(folder.path().join("config.toml"), "").unwrap();
        let rules = Governance { guard: Guard::Canary, canary_share: 0.5, ..Governance::default() };
        let office = Office { folder, rules, start };
        let mut shelf = PromptShelf::open(&office.path(), Access::Write).unwrap();
        let change = shelf.change().unwrap();
        for prompt in [ORG, CORE, PATCH, CLOSED].map(uri) {
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

    /// Proposes another text for a prompt.
    fn propose(&self, prompt: &str, level: RiskLevel) -> Proposal {
        let prompt = uri(prompt);
        let text = text(&prompt, "Review this with care.\n");
        let wanted = proposal(&prompt, &Version::new(1, 0, 0), text, "high-negative", level);
        step(&self.db(), Some(&agent()), &self.rules, self.start, |docket| docket.propose(wanted)).unwrap()
    }

    /// Has the agent apply a change of low risk; why it was allowed to.
    fn auto_apply(&self, prompt: &str) -> (Proposal, String) {
        let made = self.propose(prompt, RiskLevel::Low);
        let done =
            step(&self.db(), Some(&agent()), &self.rules, self.start, |d| d.auto_apply(made.id)).unwrap();
        let Automatic::Applied(applied, why) = done else { panic!("{done:?}") };
        assert_eq!((applied.canary, applied.uri.version), (Some(0.5), Some(Version::new(1, 1, 0))));
        assert_eq!(self.active(prompt), "1.0.0");
        (made, why)
    }

    /// Proposes another text for a prompt, and accepts it.
    fn accept(&self, prompt: &str) -> Proposal {
        let (db, made) = (self.db(), self.propose(prompt, RiskLevel::Medium));
        let shown = human::engine::seal::digest(made.text.as_bytes());
        let done =
            step(&db, Some(&ana()), &self.rules, self.start, |d| d.accept(made.id, shown, None)).unwrap();
        let Accepted::Applied(applied) = done else { panic!("one signature is enough") };
        assert_eq!((applied.canary, applied.uri.version), (Some(0.5), Some(Version::new(1, 1, 0))));
        made
    }

    /// Another steward whom the store trusts.
    fn ben(&self) -> Pen {
        let ben = governed::pen("steward://ACME/ben", 2);
        governed::trust(&self.db(), &ana(), &ben, self.start).unwrap();
        ben
    }

    /// A steward accepts once more.
    fn accept_again(&self, made: &Proposal, pen: &Pen) -> human::store::Result<Accepted> {
        let shown = human::engine::seal::digest(made.text.as_bytes());
        step(&self.db(), Some(pen), &self.rules, now(), |docket| docket.accept(made.id, shown, None))
    }

    /// What became of a proposal, and the last entry about its canary.
    fn outcome(&self, made: &Proposal) -> Option<Judgement> {
        let reader = self.service().read().unwrap();
        reader.proposals().outcome(made.id).unwrap().map(|(_, settled)| settled.judgement)
    }

    /// What the entry of the newest such action says for it.
    fn reason(&self, action: Action) -> String {
        let mut said = String::new();
        let reader = self.service().read().unwrap();
        let mut each = |entry: Entry| {
            if entry.action == action {
                entry.payload["reason"].as_str().unwrap_or_default().clone_into(&mut said);
            }
            true
        };
        reader.ledger(0, &mut each).unwrap();
        said
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
        self.traffic_of(prompt, bad, 1);
    }

    /// The same, in one of so many hours.
    fn traffic_of(&self, prompt: &str, bad: [usize; 2], every: i64) {
        self.traffic_as(prompt, bad, every, [0, 0], [4, 4]);
    }

    /// The same; so many of so many calls of a version fail in such an hour.
    fn traffic_as(&self, prompt: &str, bad: [usize; 2], every: i64, failed: [usize; 2], calls: [usize; 2]) {
        let (mut dice, mut lines, mut id) = (Dice::new(5), String::new(), 0);
        for hour in ((self.start + HOUR)..(now() - HOUR)).step_by((every * HOUR) as usize) {
            for (nth, version) in ["1.0.0", "1.1.0"].into_iter().enumerate() {
                for call in 0..calls[nth] {
                    let (bad, ok) = (bad[nth], call >= failed[nth]);
                    id += 1;
                    let at = hour + dice.below(40 * 60_000) as i64;
                    let signal = if dice.below(100) < bad { "negative" } else { "positive" };
                    writeln!(lines, r#"{{"type":"call","provenanceId":"c-{id}","at":"{}","promptMetadata":{{"promptUris":["{prompt}"],"promptVersions":["{version}"],"layers":[],"compositionMethod":"manual","variablesUsed":[],"estimatedTokens":80,"orgId":"ACME"}},"modelId":"gpt-4o","provider":"openai","inputTokens":100,"outputTokens":5,"costUsd":0.001,"durationMs":900,"ok":{ok}}}"#, rfc3339(at)).unwrap();
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
        let run = service
            .run_agent(&agent(), &RunWish { dry: false, window, client: None, lacking: None }, now)
            .unwrap();
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

/// What became of the canary of a prompt in a run.
fn of<'r>(run: &'r Run, prompt: &str) -> &'r Did {
    let step = run.steps.iter().find(|s| s.prompt_uri.unversioned() == uri(prompt) && s.cause == "canary");
    &step.unwrap_or_else(|| panic!("{:?}", run.steps)).did
}

#[test]
fn without_the_scope_to_apply_it_is_stopped_all_the_same_and_promoted_by_a_steward() {
    let office = |bad| {
        let office = Office::new(6);
        let scopes = [GrantScope::TelemetryRead, GrantScope::PromptsRead, GrantScope::ProposalsWrite];
        let (from, until) = (office.start, office.start + 90 * DAY);
        grant(&office.db(), &ana(), &agent(), &scopes, "prompt://*", until, from).unwrap();
        let made = office.accept(ORG);
        office.traffic(ORG, bad);
        (office, made)
    };
    let (worse, made) = office([10, 45]);
    let run = worse.run();
    assert!(matches!(of(&run, ORG), Did::Stopped { .. }), "{:?}", of(&run, ORG));
    assert_eq!((worse.active(ORG).as_str(), worse.canary(&made).ended.unwrap().0), ("1.0.0", End::Stop));
    worse.is_sound();

    let (better, made) = office([45, 10]);
    let run = better.run();
    let Did::Left { why } = of(&run, ORG) else { panic!("{:?}", of(&run, ORG)) };
    for said in ["improved, by ", "does not allow `prompts:auto-apply`", "promoted by stewards", "rollback"] {
        assert!(why.contains(said), "{said}: {why}");
    }
    assert!(better.canary(&made).is_running());
    better.accept_again(&made, &ana()).unwrap();
    assert_eq!(better.active(ORG), "1.1.0");
    better.is_sound();
}

#[test]
fn a_canary_of_which_more_calls_fail_is_stopped_however_well_it_is_liked() {
    for bad in [[45, 10], [20, 20]] {
        let office = Office::new(6);
        let made = office.accept(ORG);
        office.traffic_as(ORG, bad, 1, [0, 2], [4, 4]);
        let run = office.run();
        assert!(matches!(of(&run, ORG), Did::Stopped { .. }), "{:?}", of(&run, ORG));
        assert_eq!(
            (office.active(ORG).as_str(), office.canary(&made).ended.unwrap().0),
            ("1.0.0", End::Stop)
        );
        let said = office.reason(Action::Stop);
        assert!(said.starts_with("more calls fail (odds x"), "{said}");
        office.is_sound();
    }
}

#[test]
fn what_chance_alone_did_not_compare_is_left_to_a_steward() {
    let office = Office::new(6);
    let made = office.accept(ORG);
    office.traffic_as(ORG, [45, 10], 1, [0, 0], [12, 4]);
    let run = office.run();
    let Did::Left { why } = of(&run, ORG) else { panic!("{:?}", of(&run, ORG)) };
    assert!(
        why.contains("traffic is not split as configured") && why.contains("promoted by stewards"),
        "{why}"
    );
    assert!(office.canary(&made).is_running());
    office.is_sound();
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
    let left = |did: &Did| matches!(did, Did::Left { why } if why.contains("promoted by stewards"));
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

#[test]
fn what_the_agent_applies_meets_a_canary_too_and_is_promoted_or_left_to_a_steward() {
    let office = Office::new(6);
    let (made, why) = office.auto_apply(ORG);
    assert!(why.contains("autoTune"), "{why}");
    office.traffic(ORG, [45, 10]);
    let run = office.run();
    assert!(run.steps.iter().any(|step| matches!(&step.did, Did::Promoted { .. })), "{:?}", run.steps);
    assert_eq!((office.active(ORG).as_str(), office.outcome(&made)), ("1.1.0", Some(Judgement::Improved)));
    assert!(
        office.reason(Action::Promote).starts_with("improved, by "),
        "{}",
        office.reason(Action::Promote)
    );
    office.is_sound();

    // Nobody was served it in the time that it had, and no steward has looked at it.
    let idle = Office::new(16);
    let (made, _) = idle.auto_apply(ORG);
    let run = idle.run();
    assert!(run.steps.iter().any(|step| matches!(&step.did, Did::Stopped { .. })), "{:?}", run.steps);
    assert_eq!((idle.active(ORG).as_str(), idle.outcome(&made)), ("1.0.0", Some(Judgement::Insufficient)));
    let said = idle.reason(Action::Stop);
    assert!(said.starts_with("14 days are over, and it is inconclusive, by 0 evidence units"), "{said}");
    assert!(said.ends_with("no steward has looked at"), "{said}");
    idle.is_sound();
}

#[test]
fn a_patch_is_tried_by_its_users_consent_and_promoted_by_it() {
    let office = Office::new(6);
    let (made, why) = office.auto_apply(PATCH);
    assert!(why.contains("eva consents"), "{why}");
    let canary = office.canary(&made);
    let served = |session: &str| {
        let words = ["--json", "prompts", "compose", PATCH, "--session", session];
        let said: serde_json::Value = serde_json::from_str(&office.human(&words)).unwrap();
        said["promptMetadata"]["promptVersions"].as_array().unwrap().contains(&"1.1.0".into())
    };
    for session in (0..6).map(|i| format!("session-{i}")) {
        assert_eq!(served(&session), canary.is_for(&session), "{session}");
    }
    office.traffic(PATCH, [45, 10]);
    let run = office.run();
    assert!(run.steps.iter().any(|step| matches!(&step.did, Did::Promoted { .. })), "{:?}", run.steps);
    assert_eq!(office.active(PATCH), "1.1.0");
    office.is_sound();

    // Without consent neither the agent nor a steward may; its user may, by accepting twice.
    let closed = Office::new(6);
    let bob = governed::pen("steward://ACME/bob", 3);
    governed::trust(&closed.db(), &ana(), &bob, closed.start).unwrap();
    let made = closed.propose(CLOSED, RiskLevel::Low);
    let left =
        step(&closed.db(), Some(&agent()), &closed.rules, closed.start, |d| d.auto_apply(made.id)).unwrap();
    assert!(matches!(left, Automatic::Left(why) if why.contains("has not consented")));
    assert_eq!(closed.accept_again(&made, &ana()).unwrap_err().kind, Kind::Refused);
    let shown = human::engine::seal::digest(made.text.as_bytes());
    step(&closed.db(), Some(&bob), &closed.rules, closed.start, |d| d.accept(made.id, shown, None)).unwrap();
    closed.traffic(CLOSED, [45, 10]);
    let run = closed.run();
    let left = |did: &Did| matches!(did, Did::Left { why } if why.contains("has not consented"));
    assert!(run.steps.iter().any(|step| left(&step.did)), "{:?}", run.steps);
    assert_eq!((closed.active(CLOSED).as_str(), closed.outcome(&made)), ("1.0.0", None));
    assert_eq!(closed.accept_again(&made, &ana()).unwrap_err().kind, Kind::Refused);
    closed.accept_again(&made, &bob).unwrap();
    assert_eq!(closed.active(CLOSED), "1.1.0");
    closed.is_sound();
}

#[test]
fn at_the_end_of_the_horizon_it_is_said_what_is_done_and_why() {
    let office = Office::new(16);
    let [org, core] = [ORG, CORE].map(|prompt| office.accept(prompt));
    office.traffic_of(ORG, [20, 20], 12);
    let run = office.run();
    let of = |prompt: &str| of(&run, prompt);
    assert!(matches!(of(ORG), Did::Promoted { .. }), "{:?}", of(ORG));
    assert_eq!((office.active(ORG).as_str(), office.outcome(&org)), ("1.1.0", Some(Judgement::Inconclusive)));
    let said = office.reason(Action::Promote);
    assert!(said.starts_with("14 days are over, and it is inconclusive, by "), "{said}");
    // How many the last hour holds depends on the minute at which the test runs.
    assert!(
        said.contains("evidence units of it and 1")
            && said.ends_with(" of 1.0.0 beside it: nothing speaks against what was accepted"),
        "{said}"
    );
    // Core goes on until a steward ends it, and says so.
    let said = matches!(of(CORE), Did::Left { why } if why.starts_with("14 days are over") && why.contains("rollback"));
    assert!(said, "{:?}", of(CORE));
    assert!(office.canary(&core).is_running());
    office.is_sound();

    // The day before, both go on.
    let young = Office::new(13);
    let made = young.accept(ORG);
    young.traffic_of(ORG, [20, 20], 12);
    let run = young.run();
    assert!(
        run.steps.iter().any(|s| matches!(&s.did, Did::Left { why } if why == "the canary goes on")),
        "{:?}",
        run.steps
    );
    assert!(young.canary(&made).is_running());
}

#[test]
fn what_a_canary_had_shown_when_it_was_ended_by_hand_is_its_outcome() {
    // By a rollback, by another version that is published, and by a second acceptance.
    for (way, bad, active, judgement) in [
        ("rollback", [20, 20], "1.0.0", Judgement::Inconclusive),
        ("publish", [20, 20], "2.0.0", Judgement::Inconclusive),
        ("accept", [10, 45], "1.1.0", Judgement::Regressed),
    ] {
        let office = Office::new(6);
        let made = office.accept(ORG);
        office.traffic_of(ORG, bad, if judgement == Judgement::Regressed { 1 } else { 12 });
        match way {
            "accept" => {
                office.accept_again(&made, &ana()).unwrap();
            }
            "rollback" => {
                let deed = Deed { at: now(), actor: "ana", reason: Some("enough") };
                governed::by_hand(&office.path(), Some(&ana()), |shelf| {
                    shelf.rollback(&uri(ORG), None, deed)
                })
                .unwrap();
            }
            _ => {
                let other = governed::file(&uri(ORG), "", &Version::new(2, 0, 0), "Otherwise.\n");
                governed::publish_by_hand(&office.path(), Some(&ana()), &other, now());
            }
        }
        let run = office.run();
        let step = run.steps.iter().find(|step| step.cause == "canary").unwrap();
        assert!(matches!(step.did, Did::Settled { .. }) && step.found.contains("by hand at"), "{step:?}");
        assert_eq!((office.active(ORG).as_str(), office.outcome(&made)), (active, Some(judgement)), "{way}");
        // What was made active against the evidence is proposed to be left again.
        let back = run.steps.iter().any(|step| matches!(&step.did, Did::Proposed { title, .. } if title.starts_with("Roll back to 1.0.0")));
        assert_eq!(back, way == "accept", "{:?}", run.steps);
        // Once is enough.
        assert!(!office.run().steps.iter().any(|step| step.cause == "canary"));
        office.is_sound();
    }
}

#[test]
fn a_core_canary_is_promoted_by_as_many_as_accept() {
    let mut office = Office::new(1);
    office.rules.reviewers.core = 2;
    let ben = office.ben();
    let made = office.propose(CORE, RiskLevel::Medium);
    assert_eq!(office.accept_again(&made, &ana()).unwrap(), Accepted::Signed(1, 2));
    assert!(
        matches!(office.accept_again(&made, &ben).unwrap(), Accepted::Applied(a) if a.canary == Some(0.5))
    );
    assert_eq!(office.active(CORE), "1.0.0");

    // The signatures of the acceptance are not those of the promotion.
    let refused = |pen: &Pen, shown| {
        step(&office.db(), Some(pen), &office.rules, now(), |d| d.accept(made.id, shown, None))
            .unwrap_err()
            .kind
    };
    assert_eq!(refused(&ben, human::engine::seal::digest(b"another text")), Kind::Changed);
    assert_eq!(office.accept_again(&made, &ben).unwrap(), Accepted::Signed(1, 2));
    assert_eq!(office.accept_again(&made, &ben).unwrap_err().kind, Kind::Refused);
    let service = office.service();
    assert_eq!(service.proposal(made.id, now()).unwrap().listed.signatures.by, [ben.identity().clone()]);
    service.close().unwrap();
    assert_eq!(office.active(CORE), "1.0.0");
    // Nor does a hand get around it.
    let deed = Deed { at: now(), actor: "ana", reason: Some("now") };
    let candidate = Version::new(1, 1, 0);
    for way in 0..2 {
        let refused = governed::by_hand(&office.path(), Some(&ana()), |shelf| match way {
            0 => shelf.activate(&uri(CORE), &candidate, deed).map(|_| ()),
            _ => shelf.rollback(&uri(CORE), Some(&candidate), deed).map(|_| ()),
        });
        assert!(refused.unwrap_err().is_refused());
    }
    office.is_sound();
    assert!(matches!(office.accept_again(&made, &ana()).unwrap(), Accepted::Applied(_)));
    assert_eq!(
        (office.active(CORE).as_str(), office.canary(&made).ended.unwrap().0),
        ("1.1.0", End::Promote)
    );
    office.is_sound();

    // Of an org prompt the acceptance has covered it.
    office.rules.reviewers.org = 2;
    let made = office.propose(ORG, RiskLevel::Medium);
    assert_eq!(office.accept_again(&made, &ana()).unwrap(), Accepted::Signed(1, 2));
    office.accept_again(&made, &ben).unwrap();
    assert!(matches!(office.accept_again(&made, &ana()).unwrap(), Accepted::Applied(_)));
    office.is_sound();
}
