//! Runs of the agent by rules: from what was measured to proposals, applications and outcomes; and what a grant that does
//! not allow a run leaves behind.
#![allow(clippy::unwrap_used, reason = "a test")]

mod agency;
mod governed;

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use agency::{ALL, DAY, GRUFF, ONCE, Office, Stream, WORDY, events, left, made, peers, step, tell, wordy};
use governed::{HOUR, NOW, agent, ana, by_hand, file, pen, publish_by_hand, uri};
use human::domain::governance::Governance;
use human::domain::identity::GrantScope;
use human::domain::outcome::Measure;
use human::domain::proposal::{Kind, RiskLevel, Standing};
use human::domain::run::{Did, Looked};
use human::domain::window::Window;
use human::service::RunWish;
use human::store::prompts::Deed;
use semver::Version;

const TUNED: &str = "human.autoTune: true\n";

#[test]
fn findings_become_proposals_with_all_that_they_rest_on() {
    let office = Office::new("", &ALL, "");
    // On it layer what has its key, what names it at a version, and what layers on these; another organization's overlay
    // of a prompt with the same key does not.
    let [mine, pinned, over, theirs] = [
        ("prompt://user/ACME/ana/legal.wordy", String::new()),
        ("prompt://user/ACME/ana/greeting", format!("human.extends: {WORDY}@1.0.0\n")),
        ("prompt://user/ACME/ana/salute", "human.extends: prompt://user/ACME/ana/greeting\n".to_owned()),
        ("prompt://org/OTHER/notes", "human.extends: legal.wordy\n".to_owned()),
    ]
    .map(|(layer, extends)| {
        let text = file(&uri(layer), &extends, &Version::new(1, 0, 0), "Greet me.\n");
        publish_by_hand(&office.path(), Some(&ana()), &text, NOW);
        uri(layer)
    });
    let run = office.run(NOW);
    assert_eq!((run.refused.as_deref(), run.looked.elsewhere), (None, 0));
    let made = made(step(&run, WORDY, "token-outlier"));
    let kept = office.kept(made);
    let proposal = &kept.proposal;
    assert!(!proposal.text.contains(&format!("{ONCE} Be brief. {ONCE}")) && proposal.text.contains(ONCE));
    assert!(proposal.drafted_by.to_string().contains("R1"), "{}", proposal.drafted_by);
    let tokens = proposal.predicted.iter().find(|p| p.measure == Measure::Tokens).unwrap();
    assert!(
        tokens.effect < 0.0 && tokens.interval[0] <= tokens.effect && tokens.effect <= tokens.interval[1]
    );
    // 120 calls in a window of seven days.
    assert!((proposal.usage.calls_per_day - 120.0 / 7.0).abs() < 0.1, "{:?}", proposal.usage);
    assert_eq!(proposal.usage.extended_by, [pinned, mine, over], "and not {theirs}");
    // The calls go to a model with a price.
    assert!(proposal.predicted.iter().any(|p| p.measure == Measure::Cost && p.effect < 0.0));
    assert_eq!(proposal.risk.level, RiskLevel::Medium, "{:?}", proposal.risk);
    assert!(!proposal.evidence.feedback.is_empty() && proposal.evidence.found["sampleSize"] == 120);
    assert_eq!(proposal.run, Some(1));
    // The gruff one is found too, and no rule has a word to say.
    assert!(left(step(&run, GRUFF, "high-negative")).contains("no rule applies"));
    assert_eq!(office.is_sound(), 1);

    let again = office.run(NOW + HOUR);
    assert_eq!(left(step(&again, WORDY, "token-outlier")), format!("{made} waits for a decision"));
    assert_eq!((office.all().len(), office.is_sound()), (1, 2));
}

#[test]
fn what_was_rejected_is_not_proposed_again() {
    let office = Office::new("", &ALL, "");
    let first = made(step(&office.run(NOW), WORDY, "token-outlier"));
    office.service.reject(Some(ana()), first, "say it twice, on purpose".into(), NOW + 1).unwrap();
    let again = office.run(NOW + HOUR);
    assert!(left(step(&again, WORDY, "token-outlier")).contains("alike to it was rejected"));
    let reader = office.service.read().unwrap();
    let rejections = reader.proposals().rejections(&uri(WORDY)).unwrap();
    assert_eq!(rejections[0].reason, "say it twice, on purpose");
    assert_eq!((office.all().len(), office.is_sound()), (1, 2));
}

#[test]
fn a_base_that_moved_on_is_followed_or_given_up_and_nothing_is_proposed_twice() {
    let office = Office::new("", &ALL, "");
    let first = made(step(&office.run(NOW), WORDY, "token-outlier"));
    // A line elsewhere in the file: the change still fits.
    let text = format!("Read what follows. {ONCE} Be brief. {ONCE}\n");
    let second = wordy("description: by hand\n", &Version::new(1, 0, 1), &text);
    publish_by_hand(&office.path(), Some(&ana()), &second, NOW + 1);
    // Calls of the new version, so that there is a finding of it beside the proposal that moves.
    let stream = Stream { prompt: "legal.wordy", version: "1.0.1", per_hour: 2, tokens: 1_600, bad: 8 };
    tell(&office.service, &events(&[stream], NOW - DAY, NOW));
    let run = office.run(NOW + HOUR);
    let moved = made(step(&run, WORDY, "base"));
    assert!(left(step(&run, WORDY, "token-outlier")).contains("moves onto the active version"));
    assert_eq!((office.standing(first), office.standing(moved)), (Standing::Superseded, Standing::Open));
    let kept = office.kept(moved).proposal;
    assert_eq!((kept.base_version, kept.run), (Version::new(1, 0, 1), Some(2)));
    assert!(kept.text.contains("description: by hand"));
    assert_eq!(office.all().len(), 2);
    // Another text in the same place: it does not fit any more.
    let third = wordy("", &Version::new(1, 1, 0), "Do as you think best.\n");
    publish_by_hand(&office.path(), Some(&ana()), &third, NOW + HOUR + 1);
    let run = office.run(NOW + 2 * HOUR);
    assert_eq!(step(&run, WORDY, "base").did, Did::Stale { proposal: moved });
    assert_eq!((office.standing(moved), office.is_sound()), (Standing::Stale, 3));
}

#[test]
fn a_newer_proposal_supersedes_one_that_does_not_fit() {
    let office = Office::new("", &ALL, "");
    let first = made(step(&office.run(NOW), WORDY, "token-outlier"));
    let waiting = office.kept(first).proposal;
    let again = {
        let rules = human::domain::governance::Governance::default();
        let newer = human::domain::proposal::Proposal { title: "Newer".into(), ..waiting };
        governed::step(&office.db, Some(&agent()), &rules, NOW, |docket| docket.propose(newer)).unwrap()
    };
    assert_eq!((office.standing(first), office.standing(again.id)), (Standing::Superseded, Standing::Open));
    office.is_sound();
}

#[test]
fn what_is_narrow_and_allowed_is_applied_and_says_why() {
    let office = Office::new(TUNED, &ALL, "");
    let run = office.run(NOW);
    let Did::Applied { proposal, version, why, .. } = &step(&run, WORDY, "token-outlier").did else {
        panic!("{run:#?}")
    };
    assert!(why.contains("human.autoTune: true") && why.contains("low risk") && why.contains("grant of"));
    assert_eq!((office.active(WORDY), office.standing(*proposal)), (version.clone(), Standing::AutoApplied));
    // What is said of it afterwards leaves it as it stands.
    office.service.comment(Some(ana()), *proposal, "well done".into(), NOW + 1).unwrap();
    assert_eq!(office.standing(*proposal), Standing::AutoApplied);
    // It is not found again before it is judged, and that there is too little to judge is said.
    let again = office.run(NOW + HOUR);
    let outcome = step(&again, WORDY, "outcome");
    assert!(outcome.found.contains("insufficient") && left(outcome).contains("not settled"), "{outcome:?}");
    assert_eq!(office.is_sound(), 2);
}

#[test]
fn without_the_scope_it_waits() {
    let office = Office::new(TUNED, &ALL[..3], "");
    assert!(!ALL[..3].contains(&GrantScope::PromptsAutoApply));
    let run = office.run(NOW);
    let Did::Proposed { proposal: Some(id), why, .. } = &step(&run, WORDY, "token-outlier").did else {
        panic!("{run:#?}")
    };
    assert!(why.contains("prompts:auto-apply"), "{why}");
    assert_eq!((office.active(WORDY), office.standing(*id)), (Version::new(1, 0, 0), Standing::Open));
    office.is_sound();
}

#[test]
fn a_change_that_made_things_worse_is_settled_and_a_rollback_proposed() {
    worse_and_back(true);
}

#[test]
fn however_thin_the_evidence_a_rollback_is_proposed_and_says_so() {
    worse_and_back(false);
}

/// A change that is worse by a judgement of before and after, with enough of before or little.
fn worse_and_back(enough: bool) {
    let office = Office::new(TUNED, &ALL, "");
    let applied = made(step(&office.run(NOW), WORDY, "token-outlier"));
    let version = office.active(WORDY).to_string();
    // 120 units of before are there.
    if enough {
        let before = Stream { prompt: "legal.wordy", version: "1.0.0", per_hour: 2, tokens: 1_600, bad: 8 };
        tell(&office.service, &events(&[before], NOW - 10 * DAY, NOW - 5 * DAY));
    }
    let mut streams = peers(2);
    streams.push(Stream { prompt: "legal.wordy", version: &version, per_hour: 6, tokens: 1_600, bad: 85 });
    tell(&office.service, &events(&streams, NOW + HOUR, NOW + 5 * DAY));
    let run = office.run(NOW + 5 * DAY);
    let settled: Vec<_> = run.steps.iter().filter(|s| s.did == Did::Settled { proposal: applied }).collect();
    assert!(settled.len() == 1 && settled[0].found.contains("regressed"), "{run:#?}");
    let back =
        run.steps.iter().find(|s| matches!(s.did, Did::Proposed { .. }) && s.cause == "outcome").unwrap();
    let back = office.kept(made(back)).proposal;
    assert_eq!((back.kind, back.to_version), (Kind::Rollback, Some(Version::new(1, 0, 0))));
    let (thin, why) = ("The evidence is thin: 120 units of feedback are from before", &back.rationale);
    assert!(why.contains("regressed") && why.contains("odds of a negative signal"), "{why}");
    assert_eq!(why.contains(thin), !enough, "{why}");
    // What it promises is the inverse of what was measured.
    let [promise] = back.predicted[..] else { panic!("{:?}", back.predicted) };
    let measured = &back.evidence.found["measured"]["negative"];
    let ratio = measured["oddsRatio"].as_f64().unwrap();
    assert!(promise.measure == Measure::Negative && (promise.effect - (1.0 / ratio - 1.0)).abs() < 1e-9);
    assert!(promise.interval[0] <= promise.effect && promise.interval[1] < 0.0, "{promise:?}");
    assert!(back.risk.level >= RiskLevel::Medium, "nobody goes back without a person: {:?}", back.risk);
    // Nothing else is proposed for it while that waits.
    let again = office.run(NOW + 5 * DAY + HOUR);
    for found in again.steps.iter().filter(|s| s.prompt_uri.unversioned() == uri(WORDY)) {
        assert!(left(found).contains("rollback"), "{found:?}");
    }
    let shown = office.kept(back.id).text_digest();
    office.service.accept(Some(ana()), back.id, shown, None, NOW + 5 * DAY + 2 * HOUR).unwrap();
    assert_eq!((office.active(WORDY), office.is_sound()), (Version::new(1, 0, 0), 3));
}

#[test]
fn a_grant_that_ends_while_it_is_drafted_allows_nothing_that_is_written_then() {
    let office = Office::new(TUNED, &ALL, "");
    let began = std::sync::atomic::AtomicBool::new(false);
    // The first look at the clock is within the grant, any later one after it.
    let clock = move || {
        if began.swap(true, std::sync::atomic::Ordering::Relaxed) { NOW + 31 * DAY } else { NOW }
    };
    let wish = RunWish {
        dry: false,
        window: Window { from_ms: NOW - 7 * DAY, to_ms: NOW },
        client: None,
        lacking: None,
    };
    let run = office.service.run_agent(&agent(), &wish, clock).unwrap();
    assert!(left(step(&run, WORDY, "token-outlier")).contains("ended at"), "{run:#?}");
    assert_eq!((run.refused, office.all().len(), office.active(WORDY)), (None, 0, Version::new(1, 0, 0)));
    assert_eq!(office.is_sound(), 1);
}

/// What a run that was refused says.
fn refused(office: &Office, who: &human::engine::seal::Pen, now: i64) -> String {
    let (before, runs) = (office.all().len(), office.is_sound());
    let run = office.run_of(who, None, false, now);
    assert!(run.steps.is_empty() && run.looked == Looked::default(), "{run:#?}");
    assert_eq!((office.all().len(), office.is_sound()), (before, runs + 1), "the refusal is on record");
    let reader = office.service.read().unwrap();
    let record = &reader.proposals().runs(1).unwrap()[0];
    assert_eq!(record.body["refused"].as_str(), run.refused.as_deref());
    run.refused.unwrap()
}

#[test]
fn a_run_that_no_grant_allows_does_nothing_and_says_so() {
    let office = Office::new(TUNED, &[], "");
    assert!(refused(&office, &agent(), NOW).contains("no grant"));
    let grant = |scopes: &[GrantScope], prompts: &str, until| {
        governed::grant(&office.db, &ana(), &agent(), scopes, prompts, until, NOW).unwrap();
    };
    for missing in [GrantScope::TelemetryRead, GrantScope::PromptsRead, GrantScope::ProposalsWrite] {
        let scopes: Vec<_> = ALL.into_iter().filter(|scope| *scope != missing).collect();
        grant(&scopes, "prompt://*", NOW + DAY);
        let why = refused(&office, &agent(), NOW);
        assert!(why.contains(missing.as_str()), "{missing:?}: {why}");
    }
    grant(&ALL, "prompt://*", NOW + DAY);
    let other = pen("agent://ACME/prompt-refinement", 7);
    assert!(refused(&office, &other, NOW).contains("key"));
    assert!(refused(&office, &agent(), NOW + DAY).contains("ended at"));
    grant(&ALL, "prompt://org/OTHER/*", NOW + DAY);
    let run = office.run(NOW);
    assert_eq!((run.looked.findings, run.steps.len()), (0, 0));
    assert!(run.looked.elsewhere >= 2 && office.all().is_empty(), "{:?}", run.looked);
    office.service.revoke(Some(ana()), agent().identity().clone()).unwrap();
    assert!(refused(&office, &agent(), NOW).contains("revoked"));
}

/// The program on a store in a folder, whose keys are in it as well.
fn program(folder: &Path, store: &str, words: &[&str]) -> Command {
    let mut human = Command::new(env!("CARGO_BIN_EXE_human"));
    human.arg("--store").arg(folder.join(store)).arg("--config").arg(folder.join("c.toml"));
    human.env("HUMAN_CONFIG_DIR", folder.join("keys")).env_remove("HUMAN_STEWARD").args(words);
    human
}

#[test]
fn without_a_key_it_is_refused_and_that_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("c.toml"), "").unwrap();
    let does = |words: &[&str], code: i32| {
        let done = program(folder.path(), "store.db", words).output().unwrap();
        assert_eq!(done.status.code(), Some(code), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    };
    assert!(
        does(&["agent", "run", "--once"], 4)
            .contains("Refused: agent://LOCAL/prompt-refinement has no grant")
    );
    assert!(!folder.path().join("keys/keys").exists(), "a key was made");
    let status = does(&["agent", "status"], 0);
    assert!(status.contains("refused: agent://LOCAL/prompt-refinement has no grant"), "{status}");
    does(&["audit", "verify"], 0);
    // A first grant makes a key, and names it.
    does(&["steward", "init", "ana"], 0);
    does(
        &["agent", "grant", "--scope", "telemetry:read,prompts:read,proposals:write", "--expires", "30d"],
        0,
    );
    does(&["agent", "run", "--once"], 0);
    // Where that key is not, another signs.
    std::fs::rename(folder.path().join("keys"), folder.path().join("elsewhere")).unwrap();
    assert!(does(&["agent", "run", "--once"], 4).contains("with another key"));
    does(&["audit", "verify"], 0);
}

#[test]
fn again_and_again_it_waits_its_time_and_outlives_what_may_pass() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    std::fs::write(path.join("c.toml"), "").unwrap();
    std::fs::write(path.join("file"), "").unwrap();
    // What it says first on standard error; then it is still there, and is ended.
    let says = |store: &str, part: &str| {
        let mut command = program(path, store, &["agent", "run"]);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let (mut said, mut lines) = (String::new(), BufReader::new(child.stderr.take().unwrap()).lines());
        while !said.contains(part) {
            let line = lines.next().unwrap_or_else(|| panic!("it ended: {said}")).unwrap();
            writeln!(said, "{line}").unwrap();
        }
        assert_eq!(child.try_wait().unwrap(), None, "{said}");
        child.kill().unwrap();
        child.wait().unwrap();
    };
    // Where no store can be now, there may be one later.
    says("file/store.db", "The agent goes on, and runs again at 2");
    for words in [
        &["steward", "init", "ana"][..],
        &["agent", "grant", "--scope", "telemetry:read,prompts:read,proposals:write", "--expires", "30d"],
        &["agent", "run", "--once"],
    ] {
        assert!(program(path, "store.db", words).output().unwrap().status.success(), "{words:?}");
    }
    says("store.db", "ran less than 6 h ago, and runs at 2");
    // What is configured wrongly stays so.
    std::fs::write(path.join("c.toml"), "[llm]\nprovider = \"openai\"\nmodel = \"\"\n").unwrap();
    let ended = program(path, "other.db", &["agent", "run"]).output().unwrap();
    assert!(
        !ended.status.success() && !String::from_utf8_lossy(&ended.stderr).contains("goes on"),
        "{ended:?}"
    );
}

#[test]
fn a_dry_run_finds_the_same_and_writes_nothing() {
    let office = Office::new(TUNED, &ALL, "");
    let state = || {
        let reader = office.service.read().unwrap();
        (reader.ledger_head().unwrap(), reader.proposals().runs(10_000).unwrap())
    };
    let before = state();
    let dry = office.run_of(&agent(), None, true, NOW);
    assert!(matches!(&step(&dry, WORDY, "token-outlier").did, Did::Proposed { proposal: None, .. }));
    assert!(before == state() && office.all().is_empty());
    let run = office.run(NOW);
    assert_eq!((run.looked, run.steps.len()), (dry.looked, dry.steps.len()));
}

#[test]
fn a_core_prompt_is_never_applied() {
    let office = Office::new(TUNED, &ALL, "");
    let core = file(
        &uri("prompt://core/legal.core"),
        TUNED,
        &Version::new(1, 0, 0),
        &format!("{ONCE} Be brief. {ONCE}\n"),
    );
    publish_by_hand(&office.path(), Some(&ana()), &core, NOW - 10 * DAY);
    let stream = Stream { prompt: "legal.core", version: "1.0.0", per_hour: 1, tokens: 1_600, bad: 8 };
    tell(
        &office.service,
        &events(&[stream], NOW - 5 * DAY, NOW).replace("org/ACME/legal.core", "core/legal.core"),
    );
    let run = office.run(NOW);
    let Did::Proposed { why, proposal: Some(id), .. } =
        &step(&run, "prompt://core/legal.core", "token-outlier").did
    else {
        panic!("{run:#?}")
    };
    assert!(why.contains("core"), "{why}");
    assert_eq!(
        (office.standing(*id), office.active("prompt://core/legal.core")),
        (Standing::Open, Version::new(1, 0, 0))
    );
    // By hand an earlier version cannot come back either without a steward.
    let deed = Deed { at: NOW, actor: "agent", reason: None };
    by_hand(&office.path(), Some(&agent()), |shelf| shelf.rollback(&uri(WORDY), None, deed)).unwrap_err();
    office.is_sound();
}

#[test]
fn a_declared_output_asks_for_its_capability_once() {
    let office = Office::new("", &ALL, "");
    let prompt = "prompt://org/ACME/legal.form";
    let flags = "output: { format: json }\nhuman.autoTune: true\n";
    let text = file(&uri(prompt), flags, &Version::new(1, 0, 0), "Fill in the form.\n");
    publish_by_hand(&office.path(), Some(&ana()), &text, NOW);
    let run = office.run(NOW);
    let kept = office.kept(made(step(&run, prompt, "capabilities")));
    let proposal = &kept.proposal;
    assert_eq!((proposal.kind, kept.standing), (Kind::Metadata, Standing::Open), "{run:#?}");
    assert!(
        proposal.text.contains("human.requires: [json]") && proposal.rationale.starts_with("R8 adds `json`")
    );
    assert_eq!(proposal.drafted_by.to_string(), "drafted by rules: R8");
    // It changes where calls go, so that a steward decides, whatever the flag says.
    assert_eq!(proposal.risk.level, RiskLevel::Medium);
    assert!(left(step(&office.run(NOW), prompt, "capabilities")).contains("waits for a decision"));
    let (db, id) = (&office.db, proposal.id);
    governed::step(db, Some(&ana()), &Governance::default(), NOW, |d| d.reject(id, "models may guess"))
        .unwrap();
    assert!(left(step(&office.run(NOW), prompt, "capabilities")).contains("alike to it was rejected"));
    office.is_sound();
}
