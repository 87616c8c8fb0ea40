//! Deciding from the command line: a whole session, every refusal with its code, and hostile text shown harmless.
#![allow(clippy::unwrap_used, reason = "a test")]

mod governed;

use std::path::PathBuf;
use std::process::{Command, Output};

use governed::{HOUR, NOW, agent, ana, file, pen, proposal, publish, step, uri};
use human::domain::governance::Governance;
use human::domain::identity::GrantScope;
use human::domain::outcome::{Judgement, Measure};
use human::domain::proposal::{Drafter, Kind, Proposal, ProposalId, RiskLevel, Standing};
use human::domain::settled::{Realised, Settled};
use human::engine::seal::Pen;
use human::store::decide::Moved;
use human::store::proposals::Proposals;
use human::store::{explain, ledger};
use rusqlite::Connection;
use semver::Version;
use serde_json::Value;
use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{LineEnding, PrivateKey};

const PROMPT: &str = "prompt://org/ACME/legal.contract-analysis";

struct Office {
    folder: tempfile::TempDir,
    db: Connection,
    rules: Governance,
}

/// The prompt with another text, at its first version.
fn file_of(text: &str) -> String {
    file(&uri(PROMPT), "", &Version::new(1, 0, 0), text)
}

/// A draft of another text for it.
fn draft(text: &str, cause: &str, level: RiskLevel) -> Proposal {
    proposal(&uri(PROMPT), &Version::new(1, 0, 0), file_of(text), cause, level)
}

impl Office {
    /// A store with an owner, ana; an agent with a grant; and a published prompt.
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        let db = governed::connect(&folder.path().join("store.db"));
        std::fs::write(folder.path().join("c.toml"), "").unwrap();
        let office = Office { folder, db, rules: Governance::default() };
        publish(&office.db, &file_of("Answer at length.\n"), "system", NOW);
        governed::own(&office.db, &ana(), NOW);
        let scopes = [GrantScope::ProposalsWrite, GrantScope::PromptsAutoApply];
        governed::grant(&office.db, &ana(), &agent(), &scopes, "prompt://*", NOW + HOUR, NOW).unwrap();
        office
    }

    fn propose(&self, proposal: Proposal) -> Proposal {
        step(&self.db, Some(&agent()), &self.rules, NOW, |docket| docket.propose(proposal)).unwrap()
    }

    /// The folder with the keys of `who`, who was introduced to the store with `steward init`.
    fn keys(&self, who: &Pen, seed: u8) -> PathBuf {
        let folder = self.folder.path().join(format!("keys-{seed}-{}", who.identity().name().unwrap()));
        if !folder.exists() {
            let (name, org) = (who.identity().name().unwrap(), who.identity().org().unwrap());
            let mut human = Command::new(env!("CARGO_BIN_EXE_human"));
            human.arg("--store").arg(self.folder.path().join("store.db"));
            human.arg("--config").arg(self.folder.path().join("c.toml")).env("HUMAN_CONFIG_DIR", &folder);
            human
                .args(["steward", "init", name.as_str(), "--org", org.as_str(), "--key"])
                .arg(self.key(seed));
            let done = human.env_remove("HUMAN_STEWARD").output().unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
        folder
    }

    fn key(&self, seed: u8) -> PathBuf {
        let path = self.folder.path().join(format!("key-{seed}"));
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&[seed; 32]));
        let key = PrivateKey::new(pair, "test").unwrap();
        key.write_openssh_file(&path, LineEnding::LF).unwrap();
        path
    }

    fn command(&self, who: Option<&Pen>, seed: u8, words: &[&str]) -> Command {
        let mut human = Command::new(env!("CARGO_BIN_EXE_human"));
        human.arg("--store").arg(self.folder.path().join("store.db"));
        human.arg("--config").arg(self.folder.path().join("c.toml"));
        human
            .env("HUMAN_CONFIG_DIR", self.folder.path().join("nobody"))
            .env_remove("HUMAN_STEWARD")
            .env_remove("VISUAL")
            .env_remove("EDITOR");
        if let Some(who) = who {
            human.env("HUMAN_CONFIG_DIR", self.keys(who, seed));
        }
        human.arg("prompts");
        if words.first() != Some(&"propose") {
            human.arg("proposals");
        }
        human.args(words);
        human
    }

    fn run(&self, who: Option<&Pen>, seed: u8, words: &[&str]) -> Output {
        self.command(who, seed, words).output().unwrap()
    }

    /// Done by ana; what was printed.
    fn says(&self, words: &[&str]) -> String {
        let done = self.run(Some(&ana()), 1, words);
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.says(&[words, &["--json"]].concat())).unwrap()
    }

    /// Refused; the code and why.
    fn refuses(&self, who: Option<&Pen>, seed: u8, words: &[&str]) -> (i32, String) {
        let before = ledger::head(&self.db).unwrap();
        let done = self.run(who, seed, words);
        assert_eq!(ledger::head(&self.db).unwrap(), before, "{words:?} wrote");
        let said = String::from_utf8(done.stderr).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        (done.status.code().unwrap(), said)
    }

    fn is_sound(&self) {
        assert_eq!(ledger::verify(&self.db).unwrap().1, Vec::<String>::new());
    }
}

#[test]
fn a_session() {
    let office = Office::new();
    let first = office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    assert_eq!(first.id.to_string(), "PROPOSAL-1");
    let list = office.says(&["list", "--status", "open"]);
    assert!(list.contains("PROPOSAL-1") && list.contains("Reduce token count by"), "{list}");
    let shown = office.says(&["show", "PROPOSAL-1"]);
    for part in [
        "PROPOSAL-1: Reduce token count by restructuring output format (-18%)",
        "risk        medium",
        "usage       121 calls a day",
        "drafted by rules: R2",
        "publishes legal.contract-analysis@1.1.0 (text changed)",
        "-Answer at length.",
        "+Answer briefly.",
        "estimate: 0.31",
        "predicted -18 % tokens",
        "signatures  0 of 1",
        "propose by agent://ACME/prompt-refinement",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let json = office.json(&["show", "1"]);
    assert_eq!((&json["status"], &json["publishes"]["change"]), (&"open".into(), &"text".into()));
    let digest = json["digest"].as_str().unwrap();

    assert_eq!(office.says(&["comment", "1", "looks right"]), "Commented: PROPOSAL-1\n");
    assert!(
        office.says(&["defer", "1", "--until", "2999-01-01"]).starts_with("Deferred: PROPOSAL-1 until 2999-")
    );
    assert_eq!(office.says(&["list", "--status", "open"]), "");
    assert_eq!(
        office.says(&["accept", "PROPOSAL-1", "--digest", digest, "--note", "shorter"]),
        "Published: legal.contract-analysis@1.1.0\nPrevious active: 1.0.0 (available for rollback)\n"
    );
    let shown = office.says(&["show", "1"]);
    assert!(
        shown.contains("status      accepted") && shown.contains("by steward://ACME/ana (entry 6): shorter"),
        "{shown}"
    );
    let outcome = office.says(&["outcome", "1"]);
    assert!(
        outcome.contains("Since 1.1.0")
            && outcome.contains("tokens: predicted -18 %, not enough measured yet"),
        "{outcome}"
    );

    // Modified: another proposal in its place, with both texts on record.
    let base = Version::new(1, 1, 0);
    let next = proposal(
        &uri(PROMPT),
        &base,
        file_of("Be short.\n").replace("1.0.0", "1.1.0"),
        "high-negative",
        RiskLevel::Low,
    );
    office.propose(next);
    let path = office.folder.path().join("new.prompt");
    std::fs::write(&path, file_of("Be short, and kind.\n").replace("1.0.0", "1.1.0")).unwrap();
    let said = office.says(&["modify", "2", "--file", path.to_str().unwrap()]);
    assert!(
        said.starts_with("Modified: PROPOSAL-2 is now PROPOSAL-3 (high risk)\n")
            && said.contains("+Be short, and kind."),
        "{said}"
    );
    assert!(office.says(&["show", "3"]).contains("written by steward://ACME/ana"));
    let (code, why) = office.refuses(Some(&ana()), 1, &["accept", "2"]);
    assert!(code == 4 && why.contains("PROPOSAL-2 is superseded already"), "{why}");
    assert_eq!(office.says(&["reject", "3", "--reason", "would break parsing"]), "Rejected: PROPOSAL-3\n");
    let rejected = Proposals::new(&office.db).rejections(&uri(PROMPT)).unwrap();
    assert_eq!((rejected.len(), rejected[0].reason.as_str()), (1, "would break parsing"));

    // Back to where it was.
    let back = Proposal {
        kind: Kind::Rollback,
        to_version: Some(Version::new(1, 0, 0)),
        ..proposal(&uri(PROMPT), &base, file_of("Answer at length.\n"), "outcome", RiskLevel::Medium)
    };
    office.propose(back);
    assert_eq!(
        office.says(&["accept", "4"]),
        "Rolled back: legal.contract-analysis@1.0.0\nPrevious active: 1.1.0 (available for rollback)\n"
    );
    office.is_sound();
}

#[test]
fn what_is_refused_says_why() {
    let office = Office::new();
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::High));
    let stranger = pen("steward://ACME/eve", 3);
    for (who, seed, words, code, why) in [
        (None, 0, &["accept", "1", "--yes"][..], 4, "nobody signs"),
        (Some(&stranger), 3, &["accept", "1", "--yes"], 4, "eve is not trusted in this store"),
        // The owner's name with another key.
        (Some(&ana()), 5, &["accept", "1", "--yes"], 4, "ana is not trusted in this store"),
        (Some(&ana()), 1, &["accept", "1", "--digest", &"0".repeat(64)], 4, "was looked at"),
        (Some(&ana()), 1, &["accept", "7"], 2, "there is no PROPOSAL-7"),
        (Some(&ana()), 1, &["reject", "1", "--reason", " "], 1, "a rejection needs a reason"),
        (Some(&ana()), 1, &["defer", "1", "--until", "2001-01-01"], 1, "not in the future"),
        (Some(&ana()), 1, &["modify", "1"], 2, "no editor is named"),
        (Some(&ana()), 1, &["outcome", "1"], 1, "has not been applied"),
        (Some(&ana()), 1, &["show", "x"], 2, "names no proposal"),
    ] {
        let (got, said) = office.refuses(who, seed, words);
        assert!(got == code && said.contains(why), "{words:?}: {got}, {said}");
    }
    // An agent's key decides nothing, whatever program holds it.
    let error =
        step(&office.db, Some(&agent()), &office.rules, NOW, |docket| docket.reject(ProposalId(1), "x"));
    assert!(error.unwrap_err().to_string().contains("is an agent, and rejecting"));
    // The base moves on.
    publish(&office.db, &file_of("By hand.\n").replace("1.0.0", "1.0.1"), "ana", NOW);
    let (code, said) = office.refuses(Some(&ana()), 1, &["accept", "1", "--yes"]);
    assert!(code == 4 && said.contains("was made for") && said.contains("1.0.1 is active by now"), "{said}");
    assert!(office.says(&["show", "1"]).contains("not possible: the change was made for"));
    // After its grant ended, the agent does nothing.
    let late = draft("Later.\n", "late", RiskLevel::Low);
    let error = step(&office.db, Some(&agent()), &office.rules, NOW + HOUR, |docket| {
        docket.propose(Proposal {
            base_version: Version::new(1, 0, 1),
            text: late.text.replace("1.0.0", "1.0.1"),
            ..late
        })
    });
    assert!(error.unwrap_err().to_string().contains("ended at"));
    office.is_sound();
}

#[test]
fn a_rejection_is_taken_back_while_nothing_came_in_its_place() {
    let office = Office::new();
    let rejections = || Proposals::new(&office.db).rejections(&uri(PROMPT)).unwrap().len();
    let reopen = ["reopen", "1", "--reason", "the parser was fixed"];
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    let (code, why) = office.refuses(Some(&ana()), 1, &reopen);
    assert!(code == 4 && why.contains("PROPOSAL-1 is open, and only a rejection is taken back"), "{why}");
    office.says(&["reject", "1", "--reason", "breaks parsing"]);
    assert_eq!(rejections(), 1);
    let (code, why) = office.refuses(Some(&ana()), 1, &["reopen", "1", "--reason", " "]);
    assert!(code == 1 && why.contains("needs a reason"), "{why}");
    for (who, seed, why) in
        [(None, 0, "nobody signs"), (Some(&pen("steward://ACME/eve", 3)), 3, "eve is not trusted")]
    {
        let (code, said) = office.refuses(who, seed, &reopen);
        assert!(code == 4 && said.contains(why), "{said}");
    }
    let error =
        step(&office.db, Some(&agent()), &office.rules, NOW, |docket| docket.reopen(ProposalId(1), "x"));
    assert!(error.unwrap_err().to_string().contains("is an agent, and taking back a rejection"));

    // It waits again, is a constraint no more, and both words stay on record.
    assert_eq!(office.says(&reopen), "Waits again: PROPOSAL-1\n");
    assert_eq!(rejections(), 0);
    let shown = office.says(&["show", "1"]);
    assert!(shown.contains("breaks parsing") && shown.contains("the parser was fixed"), "{shown}");
    assert!(office.says(&["list", "--status", "open"]).contains("PROPOSAL-1"));
    office.is_sound();

    // Not while another of its prompt and cause waits in its place.
    office.says(&["reject", "1", "--reason", "breaks parsing after all"]);
    office.propose(draft("Answer in brief.\n", "token-outlier", RiskLevel::Medium));
    let (code, why) = office.refuses(Some(&ana()), 1, &reopen);
    assert!(code == 4 && why.contains("PROPOSAL-2 waits in the place of PROPOSAL-1"), "{why}");
    office.says(&["reject", "2", "--reason", "no"]);

    // Taken back and accepted; then the base of the other has moved on.
    office.says(&["reopen", "2", "--reason", "yes"]);
    assert!(office.says(&["accept", "2"]).starts_with("Published: legal.contract-analysis@1.1.0\n"));
    let (code, why) = office.refuses(Some(&ana()), 1, &reopen);
    assert!(code == 4 && why.contains("1.1.0 is active by now"), "{why}");
    let (code, why) = office.refuses(Some(&ana()), 1, &["reopen", "2", "--reason", "again"]);
    assert!(code == 4 && why.contains("PROPOSAL-2 is accepted, and only"), "{why}");
    let shown = office.says(&["show", "1"]);
    assert!(shown.contains("breaks parsing after all"), "{shown}");
    office.is_sound();

    // Whoever writes to the file itself opens nothing by an entry that says something else.
    let made = Proposals::new(&office.db).get(ProposalId(1)).unwrap().entry as i64;
    let forged = "INSERT INTO proposal_standing (proposal, standing, entry) VALUES (1, 'open', ?)";
    office.db.execute(forged, [made]).unwrap();
    let faults = explain::check(&office.db).unwrap();
    assert!(faults.iter().any(|fault| fault.contains("proposal 1 is said to be open")), "{faults:?}");
}

#[test]
fn two_signatures_take_two_stewards() {
    let office = Office::new();
    std::fs::write(office.folder.path().join("c.toml"), "[governance]\nreviewers.org = 2\n").unwrap();
    governed::trust(&office.db, &ana(), &pen("steward://ACME/ben", 2), NOW).unwrap();
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    assert_eq!(office.says(&["accept", "1"]), "Signed: PROPOSAL-1, 1 of 2\n");
    assert!(office.says(&["list"]).contains("open, 1 of 2"));
    let (code, why) = office.refuses(Some(&ana()), 1, &["accept", "1"]);
    assert!(code == 4 && why.contains("ana has signed already"), "{why}");
    let done = office.run(Some(&pen("steward://ACME/ben", 2)), 2, &["accept", "1"]);
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("Published: legal.contract-analysis@1.1.0\n"));
    office.is_sound();
}

#[test]
fn whoever_wrote_at_a_text_may_be_kept_from_accepting_it() {
    let mut office = Office::new();
    office.rules.author_may_accept = false;
    let stewards = [ana(), pen("steward://ACME/ben", 2), pen("steward://ACME/cleo", 3)];
    for other in &stewards[1..] {
        governed::trust(&office.db, &ana(), other, NOW).unwrap();
    }
    let rules = &office.rules;
    let first = office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    let modify = |pen: &Pen, id, text: &str| {
        step(&office.db, Some(pen), rules, NOW, |d| d.modify(id, file_of(text), first.risk.clone())).unwrap()
    };
    // Ana's words are in it still when ben has touched it, and when the agent has moved it.
    let anas = modify(&stewards[0], first.id, "Answer briefly, and kindly.\n");
    let bens = modify(&stewards[1], anas.id, "Answer briefly, kindly, at once.\n");
    let base = Version::new(1, 0, 1);
    publish(&office.db, &file_of("Answer at length!\n").replace("1.0.0", "1.0.1"), "ana", NOW);
    let text = bens.text.replace("1.0.0", "1.0.1");
    let moved = Moved { base_version: base, text, risk: bens.risk.clone(), run: None };
    let last = step(&office.db, Some(&agent()), rules, NOW, |d| d.rebase(bens.id, moved)).unwrap();
    let accept = |pen: &Pen| {
        step(&office.db, Some(pen), rules, NOW, |d| {
            d.accept(last.id, human::engine::seal::digest(last.text.as_bytes()), None)
        })
    };
    for author in &stewards[..2] {
        let refused = accept(author).unwrap_err().to_string();
        assert!(refused.contains("somebody else has to accept it"), "{refused}");
    }
    accept(&stewards[2]).unwrap();
}

#[test]
#[cfg(unix)]
fn a_text_is_modified_in_an_editor() {
    let office = Office::new();
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    let modify = |editor: &str| {
        let mut human = office.command(Some(&ana()), 1, &["modify", "1"]);
        human.env("EDITOR", editor).env("TMPDIR", office.folder.path()).output().unwrap()
    };
    let failed = modify("false");
    assert_eq!(failed.status.code(), Some(1));
    let same = modify("true");
    assert!(String::from_utf8_lossy(&same.stderr).contains("the same as before"));
    // What was written and is not taken is kept, whether the editor failed or the text does.
    for editor in ["sh -c 'echo mine > $0; false'", "sh -c 'echo mine > $0'"] {
        let refused = modify(editor);
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(1), "{said}");
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        let (_, rest) = said.split_once("What you wrote is in `").expect(&said);
        assert_eq!(std::fs::read_to_string(rest.split_once('`').unwrap().0).unwrap(), "mine\n", "{said}");
    }
    // A device has no length, and is not read to its end.
    let (code, why) = office.refuses(Some(&ana()), 1, &["modify", "1", "--file", "/dev/zero"]);
    assert!(code == 1 && why.contains("at most"), "{why}");
    let done = modify("sed -i.old s/briefly/gently/");
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(
        said.starts_with("Modified: PROPOSAL-1 is now PROPOSAL-2") && said.contains("+Answer gently."),
        "{said}"
    );
    office.is_sound();
}

#[test]
fn a_proposal_that_was_tampered_with_is_not_decided() {
    let office = Office::new();
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    office
        .db
        .execute_batch(
            "DROP TRIGGER proposal_stays; UPDATE proposal SET body = replace(body, 'Answer briefly', 'Obey me');",
        )
        .unwrap();
    let (code, why) = office.refuses(Some(&ana()), 1, &["accept", "1"]);
    assert!(code == 1 && why.contains("PROPOSAL-1 is not what entry 3 of the ledger says"), "{why}");
}

#[test]
fn hostile_text_is_shown_harmless() {
    let office = Office::new();
    let bad = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{202e}approve this\u{200b}";
    let hostile = Proposal {
        title: format!("Harmless{bad}\nPublished: everything"),
        rationale: format!("Because{bad}\nand so"),
        ..draft(&format!("Answer.{bad}\n"), bad, RiskLevel::Medium)
    };
    let mut hostile = hostile;
    hostile.evidence.feedback = vec![bad.into()];
    hostile.evidence.found = serde_json::json!({ bad: bad });
    hostile.risk.reasons[0].text = bad.into();
    office.propose(hostile);
    office.says(&["comment", "1", bad]);
    for words in [&["list"][..], &["show", "1"], &["show", "1", "--json"], &["list", "--json"]] {
        let said = office.says(words);
        let raw =
            said.chars().find(|c| *c != '\n' && (c.is_control() || ('\u{200b}'..='\u{202e}').contains(c)));
        assert_eq!(raw, None, "{words:?}: {said}");
        assert!(!said.contains("\nPublished:"), "{said}");
    }
    // It is data: nothing but its own text changes by it.
    assert_eq!(office.says(&["list", "--status", "accepted"]), "");
    assert!(office.says(&["reject", "1", "--reason", bad]).starts_with("Rejected"));
    office.is_sound();
}

#[test]
fn open_proposals_are_the_first_recommendations() {
    let office = Office::new();
    office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    let done = Command::new(env!("CARGO_BIN_EXE_human"))
        .arg("--store")
        .arg(office.folder.path().join("store.db"))
        .arg("--config")
        .arg(office.folder.path().join("c.toml"))
        .args(["prompts", "performance", "contract-analysis"])
        .output()
        .unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    let line = "Recommendations:\n- [PROPOSAL-1] Reduce token count by restructuring output format (-18%)\n";
    assert!(said.contains(line), "{said}");
}

#[test]
fn what_the_agent_keeps_of_its_work() {
    let office = Office::new();
    let (rules, by) = (office.rules, agent());
    let first = office.propose(draft("Answer briefly.\n", "token-outlier", RiskLevel::Medium));
    let newer = office.propose(draft("Answer tersely.\n", "token-outlier", RiskLevel::Medium));
    let other = office.propose(draft("Answer kindly.\n", "high-negative", RiskLevel::Medium));
    let proposals = Proposals::new(&office.db);
    let standing = |id| proposals.get(id).unwrap().standing;
    assert_eq!((standing(first.id), standing(newer.id)), (Standing::Superseded, Standing::Open));
    assert_eq!(proposals.waiting(&uri(PROMPT), "token-outlier").unwrap().unwrap().proposal, newer);
    let done = |step: &dyn Fn(&human::store::decide::Docket<'_>) -> human::store::Result<u64>| {
        governed::step(&office.db, Some(&by), &rules, NOW, |docket| step(docket)).map_err(|e| e.to_string())
    };
    // While it fits, it is not stale; once the base has moved, it is moved along or let go.
    assert!(done(&|d| d.mark_stale(other.id, "x")).unwrap_err().contains("still fits"));
    assert_eq!(
        office.says(&["accept", "2"]).lines().next(),
        Some("Published: legal.contract-analysis@1.1.0")
    );
    let base_version = Version::new(1, 1, 0);
    let text = other.text.replace("1.0.0", "1.1.0");
    let moved = Moved { base_version, text, risk: other.risk.clone(), run: None };
    done(&|d| d.rebase(other.id, moved.clone()).map(|p| p.id.0)).unwrap();
    assert_eq!(standing(other.id), Standing::Superseded);
    publish(&office.db, &file_of("By hand.\n").replace("1.0.0", "1.2.0"), "ana", NOW);
    done(&|d| d.mark_stale(ProposalId(4), "it does not merge")).unwrap();
    assert!(office.says(&["show", "4"]).contains("status      stale"));
    // What came of it is settled once, and later promises learn from it.
    let effect = Realised {
        measure: Measure::Tokens,
        predicted: -0.18,
        realised: Some(-0.15),
        interval: Some([-0.2, -0.1]),
        delivery: None,
    };
    let settled = Settled {
        old_version: Version::new(1, 0, 0),
        new_version: Version::new(1, 1, 0),
        judgement: Judgement::Improved,
        effects: vec![effect],
        measured: None,
    };
    assert!(done(&|d| d.settle(first.id, &settled)).unwrap_err().contains("has no outcome"));
    done(&|d| d.settle(newer.id, &settled)).unwrap();
    assert!(done(&|d| d.settle(newer.id, &settled)).unwrap_err().contains("settled already"));
    assert!(office.says(&["outcome", "2"]).contains("Settled: improved"));
    assert!(office.says(&["show", "1"]).contains("(n=1)"));
    // Runs are the agent's, those without a grant as well; and it signs nobody else's work.
    done(&|d| d.record_run(&serde_json::json!({"looked": 3}))).unwrap();
    governed::step(&office.db, Some(&ana()), &rules, NOW, |d| d.record_run(&serde_json::json!({})))
        .unwrap_err();
    governed::step(&office.db, Some(&agent()), &rules, NOW + 2 * HOUR, |d| {
        d.record_run(&serde_json::json!({"refused": "grant"}))
    })
    .unwrap();
    let runs = proposals.runs(10).unwrap();
    assert_eq!((runs.len(), &runs[0].body["refused"], runs[1].id), (2, &"grant".into(), 1));
    let forged = Proposal {
        drafted_by: Drafter::Steward { steward: "steward://ACME/ana".into() },
        ..draft("Mine.\n", "person", RiskLevel::Low)
    };
    assert!(done(&|d| d.propose(forged.clone()).map(|p| p.id.0)).unwrap_err().contains("does not sign"));
    office.is_sound();
}

#[test]
fn a_steward_proposes_a_changed_file() {
    let office = Office::new();
    let path = office.folder.path().join("mine.prompt");
    let mine = path.to_str().unwrap();
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    // The kind is what differs; the version is the active one's, or left out.
    write(&file_of("Answer briefly.\n"));
    let said = office.says(&["propose", mine, "--rationale", "nobody reads that far"]);
    assert!(said.starts_with("Proposed: PROPOSAL-1, Change the text (text, high risk)\n"), "{said}");
    assert!(said.contains("+Answer briefly."), "{said}");
    let shown = office.says(&["show", "1"]);
    assert!(
        shown.contains("written by steward://ACME/ana") && shown.contains("nobody reads that far"),
        "{shown}"
    );
    write(&file_of("Answer at length.\n").replace("human.version: 1.0.0", "model: gpt-4o"));
    let said = office.json(&["propose", mine]);
    assert_eq!(
        (&said["proposal"]["kind"], &said["proposal"]["title"], &said["proposal"]["evidence"]["cause"]),
        (&"model".into(), &"Recommend gpt-4o".into(), &"person".into())
    );
    assert_eq!(
        office.says(&["list", "--status", "superseded"]).lines().filter(|l| l.contains("PROPOSAL-1")).count(),
        1
    );
    write(
        &file_of("Answer at length.\n")
            .replace("---\nA", "human.requires: [json]\ndescription: long\n---\nA"),
    );
    let said = office.says(&["propose", mine, "--title", "It needs JSON"]);
    assert!(said.starts_with("Proposed: PROPOSAL-3, It needs JSON (metadata, medium risk)\n"), "{said}");
    // Decided like any other.
    assert!(office.says(&["accept", "3"]).starts_with("Published: legal.contract-analysis@1.0.1\n"));

    // What is no change of the active version, or by nobody whom the store trusts, is refused.
    let refused = |who: Option<&Pen>, seed, text: &str| {
        write(text);
        office.refuses(who, seed, &["propose", mine])
    };
    let (code, why) = refused(Some(&ana()), 1, &file_of("Answer.\n"));
    assert!(code != 0 && why.contains("is a change of 1.0.0, and 1.0.1 is active"), "{why}");
    let same = file_of("Answer at length.\n")
        .replace("1.0.0", "1.0.1")
        .replace("---\nA", "human.requires: [json]\ndescription: long\n---\nA");
    let (code, why) = refused(Some(&ana()), 1, &same);
    assert!(code != 0 && why.contains("there is nothing to propose"), "{why}");
    let (code, why) = refused(Some(&ana()), 1, &same.replace("legal.contract-analysis", "legal.other"));
    assert!(code != 0 && why.contains("has no active version to change"), "{why}");
    let (code, why) = refused(Some(&ana()), 1, &same.replace("at length", "{{#if}}"));
    assert!(code != 0 && why.contains("cannot be published"), "{why}");
    let other = same.replace("at length", "well");
    let (code, why) = refused(None, 0, &other);
    assert!(code == 4 && why.contains("nobody signs"), "{why}");
    let (code, why) = refused(Some(&pen("steward://ACME/eva", 7)), 7, &other);
    assert!(code == 4 && why.contains("is not trusted"), "{why}");
    office.is_sound();
}
