//! A version that a proposal made active and that turned out worse raises an alert of its own, until it is active no more
//! or somebody acknowledges it.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

mod governed;

use std::process::{Command, Output};

use governed::{HOUR, agent, ana, by_hand, connect, file, grant, own, proposal, publish_by_hand, step, uri};
use human::domain::governance::Governance;
use human::domain::identity::GrantScope;
use human::domain::outcome::{Basis, Judgement, OddsEffect};
use human::domain::proposal::{Kind, Proposal, RiskLevel};
use human::domain::settled::{Measured, Settled};
use human::service::now;
use human::store::decide::Accepted;
use human::store::prompts::Deed;
use semver::Version;
use serde_json::Value;

const PROMPT: &str = "prompt://org/ACME/legal.review";

struct Office(tempfile::TempDir);

impl Office {
    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("store.db")
    }

    fn human(&self, words: &[&str]) -> (i32, String) {
        let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_human"))
            .args(["--store", self.path().to_str().unwrap()])
            .args(words)
            .env("HUMAN_CONFIG", self.0.path().join("config.toml"))
            .env("USER", "ana")
            .output()
            .unwrap();
        let said = String::from_utf8([stdout, stderr].concat()).unwrap();
        (status.code().unwrap(), said)
    }
}

/// A prompt whose 1.1.0 came by a proposal, and was settled a moment ago as `judgement`; the number of the proposal.
fn office(judgement: Judgement, measured: Option<Measured>) -> (Office, Proposal) {
    let office = Office(tempfile::tempdir().unwrap());
    std::fs::write(office.0.path().join("config.toml"), "").unwrap();
    let (first, at, rules) = (Version::new(1, 0, 0), now() - HOUR, Governance::default());
    publish_by_hand(&office.path(), None, &file(&uri(PROMPT), "", &first, "Review this.\n"), at - HOUR);
    let db = connect(&office.path());
    own(&db, &ana(), at);
    grant(&db, &ana(), &agent(), &GrantScope::ALL, "prompt://*", at + 90 * 24 * HOUR, at).unwrap();
    let text = file(&uri(PROMPT), "", &first, "Review this in haste.\n");
    let wanted = proposal(&uri(PROMPT), &first, text, "token-outlier", RiskLevel::Medium);
    let made = step(&db, Some(&agent()), &rules, at, |docket| docket.propose(wanted)).unwrap();
    let shown = human::engine::seal::digest(made.text.as_bytes());
    let done = step(&db, Some(&ana()), &rules, at, |docket| docket.accept(made.id, shown, None)).unwrap();
    assert!(matches!(done, Accepted::Applied(_)));
    let settled = Settled {
        old_version: first,
        new_version: Version::new(1, 1, 0),
        judgement,
        effects: vec![],
        measured,
    };
    step(&db, Some(&agent()), &rules, now(), |docket| docket.settle(made.id, &settled)).unwrap();
    (office, made)
}

fn measured() -> Measured {
    let negative = OddsEffect {
        odds_ratio: Some(3.04),
        interval: Some([1.93, 4.71]),
        old_units: 310,
        new_units: 102,
        ln_e_regressed: 6.0,
        ln_e_improved: -4.0,
    };
    Measured { basis: Basis::BeforeAfter, decided_at: Some("2026-11-20T08:00:00Z".into()), negative }
}

#[test]
fn what_regressed_alarms_until_somebody_acknowledges_it() {
    let (office, made) = office(Judgement::Regressed, Some(measured()));
    let (code, said) = office.human(&["watch", "--once"]);
    assert_eq!(code, 5, "{said}");
    let lines = "REGRESSED  legal.review: 1.1.0 (PROPOSAL-1) is worse than 1.0.0, known since 2026-11-20 08:00\n  \
                 before/after (confounded): odds of a negative signal x3.0 [1.9, 4.7], 102 units, 310 before\n  \
                 To go back: `human prompts rollback prompt://org/ACME/legal.review --reason TEXT`\n  \
                 To keep it: `human watch ack PROPOSAL-1`\n\n";
    assert!(said.starts_with(lines), "{said}");

    // With the proposal that is open to go back.
    let first = file(&uri(PROMPT), "", &Version::new(1, 0, 0), "Review this.\n");
    let back = Proposal {
        kind: Kind::Rollback,
        to_version: Some(Version::new(1, 0, 0)),
        ..proposal(&uri(PROMPT), &Version::new(1, 1, 0), first, "outcome", RiskLevel::Medium)
    };
    let db = connect(&office.path());
    step(&db, Some(&agent()), &Governance::default(), now(), |docket| docket.propose(back)).unwrap();
    drop(db);
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(
        code == 5
            && said.contains("  PROPOSAL-2 proposes to go back: `human prompts proposals accept PROPOSAL-2`"),
        "{said}"
    );
    let (code, said) = office.human(&["--json", "watch", "--once"]);
    let said: Value = serde_json::from_str(&said).unwrap();
    let found = &said["regressions"][0];
    assert_eq!(
        (code, &found["proposal"], &found["rollback"], &found["newVersion"], &found["since"]),
        (5, &"PROPOSAL-1".into(), &"PROPOSAL-2".into(), &"1.1.0".into(), &"2026-11-20T08:00:00Z".into())
    );
    assert_eq!(found["evidence"]["negative"]["interval"], serde_json::json!([1.93, 4.71]));

    // Silenced it is shown and wakes nobody; acknowledged it is gone. Others are not known by that name.
    let (code, said) = office.human(&["watch", "silence", "PROPOSAL-1", "--for", "4h"]);
    assert!(code == 0 && said.starts_with("Silenced until "), "{said}");
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(code == 0 && said.starts_with("REGRESSED (silenced)  legal.review"), "{said}");
    let (code, said) = office.human(&["watch", "ack", "PROPOSAL-2"]);
    assert!(code != 0 && said.contains("not known to be worse"), "{said}");
    let (code, said) = office.human(&["watch", "ack", &made.id.to_string()]);
    assert!(code == 0 && said.starts_with("Acknowledged: PROPOSAL-1."), "{said}");
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(code == 0 && !said.contains("REGRESSED"), "{said}");
}

#[test]
fn what_is_active_no_more_alarms_nobody() {
    // As it was settled before it was kept what was measured.
    let (office, made) = office(Judgement::Regressed, None);
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(
        code == 5 && said.contains("`human prompts proposals outcome PROPOSAL-1` says on what evidence"),
        "{said}"
    );
    let deed = Deed { at: now(), actor: "ana", reason: Some("worse") };
    by_hand(&office.path(), Some(&ana()), |shelf| shelf.rollback(&uri(PROMPT), None, deed)).unwrap();
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(code == 0 && !said.contains("REGRESSED"), "{said}");
    let (code, said) = office.human(&["watch", "ack", &made.id.to_string()]);
    assert!(code != 0 && said.contains("active no more"), "{said}");
}

#[test]
fn what_held_alarms_nobody() {
    let (office, _) = office(Judgement::Improved, Some(measured()));
    let (code, said) = office.human(&["watch", "--once"]);
    assert!(code == 0 && !said.contains("REGRESSED"), "{said}");
}
