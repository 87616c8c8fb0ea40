//! A prompt's own cases: taken along when it is published, kept with their entry in the ledger, and asked of a model by
//! the active text and by a draft.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "llm/provider.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod provider;

use std::process::Command;
use std::time::Duration;

use human::agent::trial::{self, Trial};
use human::domain::cases;
use human::domain::prompt_file::PromptFile;
use human::engine::cases::CasesVerdict;
use human::engine::price::Prices;
use human::llm::{Budget, Client, Endpoint, Key, Limits, Provider, Spend};
use human::store::{Access, Store};
use provider::{Reply, Server};

const BASE: &str = "---\nname: risk\nhuman.scope: org\nhuman.org: ACME\nhuman.version: 1.0.0\ninput: {schema: {contract: string}}\n---\nList the risks of {{contract}}.\n";

struct Office(tempfile::TempDir);

impl Office {
    fn new() -> Office {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("prompts")).unwrap();
        Office(folder)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.path().join("prompts").join(name), text).unwrap();
    }

    fn human(&self, words: &[&str]) -> (bool, String) {
        let run = Command::new(env!("CARGO_BIN_EXE_human"))
            .args(["--store", self.0.path().join("store.db").to_str().unwrap()])
            .args(words)
            .env("HUMAN_CONFIG", self.0.path().join("config.toml"))
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let said = [run.stdout, run.stderr].concat();
        (run.status.success(), String::from_utf8(said).unwrap())
    }

    fn store(&self) -> Store {
        Store::open(&self.0.path().join("store.db"), Access::Write).unwrap()
    }
}

#[test]
fn cases_are_published_with_their_prompt() {
    let office = Office::new();
    std::fs::write(office.0.path().join("config.toml"), "").unwrap();
    office.write("risk.prompt", BASE);
    // Every fault is told with its file and line, and nothing is published.
    office.write(
        "risk.cases.jsonl",
        "{\"name\":\"a\",\"variables\":{\"contract\":\"c\"},\"expect\":{}}\nno json\n",
    );
    for verb in ["lint", "publish"] {
        let (done, said) = office.human(&["prompts", verb, "prompts"]);
        assert!(!done && said.contains("risk.cases.jsonl:1: "), "{said}");
        assert!(said.contains("risk.cases.jsonl:2"), "{said}");
    }
    office.write(
        "risk.cases.jsonl",
        "{\"name\":\"other\",\"variables\":{\"x\":1},\"expect\":{\"json\":true}}\n",
    );
    for verb in ["lint", "publish"] {
        let (done, said) = office.human(&["prompts", verb, "prompts"]);
        assert!(!done && said.contains("the case `other` cannot be filled in"), "{said}");
    }
    let uri = "prompt://org/ACME/risk".parse().unwrap();
    assert!(office.store().read().unwrap().published().unwrap().is_empty());

    let case = |name: &str| {
        format!("{{\"name\":\"{name}\",\"variables\":{{\"contract\":\"c\"}},\"expect\":{{\"json\":true}}}}\n")
    };
    office.write("risk.cases.jsonl", &case("a"));
    let (done, said) = office.human(&["prompts", "publish", "prompts"]);
    assert!(done && said.contains("Published: risk@1.0.0") && said.contains("Cases: 1,"), "{said}");
    let kept = |n: usize, entries: u64| {
        let reader = office.store().read().unwrap();
        assert_eq!(reader.cases(&uri).unwrap().len(), n);
        let (head, faults) = reader.verify_ledger().unwrap();
        assert_eq!((head.seq, faults), (entries, vec![]));
    };
    kept(1, 2);
    // The same again adds nothing; other cases are a new set, also where the prompt stays.
    assert!(office.human(&["prompts", "publish", "prompts"]).0);
    kept(1, 2);
    office.write("risk.cases.jsonl", &(case("a") + &case("b")));
    assert!(office.human(&["prompts", "publish", "prompts"]).0);
    kept(2, 3);

    // What was changed behind the ledger's back is found.
    drop(office.store());
    for harm in [
        "UPDATE prompt_cases SET body = replace(body, '\"c\"', '\"d\"') WHERE id = 1",
        "UPDATE prompt_cases SET prompt = 'prompt://core/risk' WHERE id = 2",
        "DELETE FROM prompt_cases WHERE id = 2",
    ] {
        let copy = office.0.path().join("copy.db");
        let db = rusqlite::Connection::open(office.0.path().join("store.db")).unwrap();
        let _ = std::fs::remove_file(&copy);
        db.execute("VACUUM INTO ?", [copy.to_str().unwrap()]).unwrap();
        let db = rusqlite::Connection::open(&copy).unwrap();
        assert!(db.execute_batch(harm).is_err(), "{harm}");
        db.execute_batch("DROP TRIGGER prompt_cases_stay; DROP TRIGGER prompt_cases_kept").unwrap();
        db.execute_batch(harm).unwrap();
        assert!(!human::store::explain::check(&db).unwrap().is_empty(), "{harm}");
    }
}

fn asked(replies: Vec<Reply>, budget: u64) -> (trial::Came, Vec<String>) {
    let server = Server::new(Provider::OpenAi, replies);
    let endpoint = Endpoint {
        provider: Provider::OpenAi,
        base_url: Some(server.url()),
        model: "gpt-4o-mini".into(),
        api_key_env: None,
        timeout: Duration::from_secs(10),
        max_output_tokens: 50,
        budget: Limits::default(),
    };
    let client = Client::new(endpoint, Key::new("k"), Prices::new(Vec::new())).unwrap().with_pauses(|_| {});
    let base = PromptFile::parse("base", BASE.as_bytes()).unwrap();
    let draft = base.with_template("Name each risk of {{contract}} as JSON.\n").unwrap();
    let draft = draft.with_version(&trial::version(&base, &draft)).unwrap();
    let lines: Vec<String> = (0..5)
        .map(|i| {
            format!(
                "{{\"name\":\"case {i}\",\"variables\":{{\"contract\":\"the lease\"}},\"expect\":{{\"contains\":[\"penalty\"]}}}}"
            )
        })
        .collect();
    let cases = cases::parse("cases", &lines.join("\n")).unwrap();
    let trial = Trial {
        base: &[base],
        candidate: &[draft],
        cases: &cases,
        id: "run-1/cases",
        agent: "agent://ACME/a",
    };
    let limits = Limits { tokens_per_run: Some(budget), ..Limits::default() };
    let came = trial::run(&client, &trial, &mut Budget::new(limits, Spend::default()));
    (came, server.seen())
}

fn pairs(base: &'static str, draft: &'static str) -> Vec<Reply> {
    (0..5).flat_map(|_| [Reply::Text(base), Reply::Text(draft)]).collect()
}

#[test]
fn a_draft_is_tried_on_the_cases() {
    let (came, seen) = asked(pairs("a penalty", "nothing"), 1_000_000);
    assert_eq!((came.tried, came.comparison.losses, came.left.len()), (5, 5, 0));
    assert_eq!(came.comparison.verdict, CasesVerdict::Regressed);
    assert!(seen.iter().all(|request| request.contains("\"temperature\":0.0")), "{}", seen[0]);
    assert!(seen[0].contains("List the risks of the lease") && seen[1].contains("as JSON"));
    // The records name the prompt: the active version, and the draft as what it would be.
    let versions: Vec<String> = came.calls[..2]
        .iter()
        .map(|call| call.prompts.as_ref().unwrap().prompt_versions[0].to_string())
        .collect();
    assert_eq!(versions, ["1.0.0", "1.1.0-trial"]);
    assert!(came.calls.iter().all(|call| call.agent.as_deref() == Some("agent://ACME/a")));

    let (came, _) = asked(pairs("nothing", "a penalty"), 1_000_000);
    assert_eq!((came.comparison.wins, came.comparison.verdict), (5, CasesVerdict::NotWorse));
}

#[test]
fn a_trial_ends_with_its_budget_and_with_what_will_not_help() {
    let (came, seen) = asked(pairs("a penalty", "a penalty"), 400);
    assert!(came.tried < 5 && seen.len() < 10 && came.left.len() == 2, "{} {:?}", came.tried, came.left);
    assert!(came.left[1].contains("were not asked"));
    // A model that takes no temperature is asked without one, from then on.
    let refused = Reply::Json(400, "", "{\"error\":{\"message\":\"temperature is not supported\"}}".into());
    let (came, seen) = asked([vec![refused], pairs("a penalty", "a penalty")].concat(), 1_000_000);
    assert_eq!((came.tried, came.comparison.ties, came.calls.len()), (5, 5, 11));
    assert!(seen[0].contains("temperature\":0") && seen[1..].iter().all(|r| !r.contains("\"temperature\"")));
    // Nobody there: a few attempts, then the rest is given up.
    let (came, _) = asked(vec![Reply::Json(401, "", "{}".into())], 1_000_000);
    assert_eq!((came.tried, came.comparison.verdict), (0, CasesVerdict::Insufficient));
    assert!(came.left[0].contains("refused the key"), "{:?}", came.left);
}
