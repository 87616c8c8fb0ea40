//! A prompt's own cases: taken along when it is published, kept with their entry in the ledger, and asked of a model by
//! the active text and by a draft.
#![allow(clippy::unwrap_used, reason = "what is unwrapped here is what is tested")]

#[path = "llm/provider.rs"]
#[allow(dead_code, reason = "another test uses the rest")]
mod provider;

mod governed;

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use human::agent::trial::{self, Trial};
use human::config::{Config, Overrides};
use human::domain::cases;
use human::domain::identity::GrantScope;
use human::domain::prompt_file::PromptFile;
use human::domain::proposal::ProposalId;
use human::domain::run::{Did, Run};
use human::domain::window::Window;
use human::engine::cases::CasesVerdict;
use human::engine::price::Prices;
use human::intake::Format;
use human::intake::events::rfc3339;
use human::llm::{Budget, Client, Endpoint, Key, Limits, Provider, Spend};
use human::service::{RunWish, Service, now};
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

fn endpoint(server: &Server) -> Endpoint {
    Endpoint {
        provider: Provider::OpenAi,
        base_url: Some(server.url()),
        model: "gpt-4o-mini".into(),
        api_key_env: None,
        timeout: Duration::from_secs(10),
        max_output_tokens: 50,
        budget: Limits::default(),
    }
}

fn client(server: &Server) -> Client {
    Client::new(endpoint(server), Key::new("k"), Prices::new(Vec::new())).unwrap().with_pauses(|_| {})
}

fn asked(replies: Vec<Reply>, budget: u64) -> (trial::Came, Vec<String>) {
    let server = Server::new(Provider::OpenAi, replies);
    let client = client(&server);
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
    // The records name the prompt, each side by a version of the trial's own: the draft's is what it would be.
    let versions: Vec<String> = came.calls[..2]
        .iter()
        .map(|call| call.prompts.as_ref().unwrap().prompt_versions[0].to_string())
        .collect();
    assert_eq!(versions, ["1.0.0-trial.base", "1.1.0-trial"]);
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

const RISK: &str = "prompt://org/ACME/legal.risk";

/// A prompt with five cases that is judged badly beside its peers, and what a run of the agent makes of it.
fn ran(replies: Option<&[Reply]>) -> (Run, Office) {
    let office = Office::new();
    std::fs::write(office.0.path().join("config.toml"), "").unwrap();
    // Of what rules find nothing in, a model drafts.
    let text = match replies {
        Some(_) => "You are a contract analyst. List every risk that you find in it.".to_owned(),
        None => format!(
            "You are an analyst.\n\n{}\n\nLeases are old. Never leave out a risk of the contract. Be kind.",
            "The archive holds leases of many years and of many hands. ".repeat(30)
        ),
    };
    let file = |key: &str| {
        format!(
            "---\nname: {key}\nhuman.scope: org\nhuman.org: ACME\nhuman.version: 1.0.0\ninput: {{schema: {{contract: string}}}}\n---\n{text}\n\n{{{{contract}}}}\n"
        )
    };
    let keys = ["legal.risk", "legal.a", "legal.b", "legal.c", "legal.d", "legal.e"];
    for key in keys {
        office.write(&format!("{key}.prompt"), &file(key));
    }
    let case = |i: usize| {
        format!(
            "{{\"name\":\"case {i}\",\"variables\":{{\"contract\":\"the lease\"}},\"expect\":{{\"contains\":[\"penalty\"]}}}}\n"
        )
    };
    office.write("legal.risk.cases.jsonl", &(0..5).map(case).collect::<String>());
    assert!(office.human(&["prompts", "publish", "prompts"]).0);
    let (at, agent) = (now(), governed::agent());
    let db = governed::connect(&office.0.path().join("store.db"));
    governed::own(&db, &governed::ana(), at);
    let scopes = [GrantScope::TelemetryRead, GrantScope::PromptsRead, GrantScope::ProposalsWrite];
    governed::grant(&db, &governed::ana(), &agent, &scopes, "prompt://*", at + 1_000_000, at).unwrap();
    drop(db);
    let server = Server::new(Provider::OpenAi, replies.unwrap_or_default().to_vec());
    let config = Some(office.0.path().join("config.toml"));
    let store = Some(office.0.path().join("store.db"));
    let mut config = Config::load(&Overrides { store, config }).unwrap();
    config.llm = replies.is_some().then(|| endpoint(&server));
    let service = Service::open(config, Access::Write).unwrap();
    let mut lines = String::new();
    for (key, bad) in keys.into_iter().zip([7, 1, 1, 1, 1, 1]) {
        for i in 0..400 {
            let (id, from) = (format!("{key}-{i}"), at - (i + 3) * 1_200_000);
            let signal = if i % 10 < bad { "negative" } else { "positive" };
            let (call, said) = (rfc3339(from), rfc3339(from + 60_000));
            writeln!(lines, r#"{{"type":"call","provenanceId":"{id}","at":"{call}","promptMetadata":{{"promptUris":["prompt://org/ACME/{key}"],"promptVersions":["1.0.0"],"layers":[],"compositionMethod":"manual","variablesUsed":[],"estimatedTokens":80,"orgId":"ACME"}},"modelId":"gpt-4o","provider":"openai","inputTokens":100,"outputTokens":5,"costUsd":0.001,"durationMs":900,"ok":true}}"#).unwrap();
            writeln!(lines, r#"{{"type":"feedback","id":"f-{id}","provenanceId":"{id}","signal":"{signal}","source":"user","at":"{said}"}}"#).unwrap();
        }
    }
    let mut intake = service.intake().unwrap();
    intake.stream(lines.as_bytes(), "test", Format::Auto).unwrap();
    assert_eq!(intake.finish().unwrap().quarantined, 0);
    drop(intake);
    let client = client(&server);
    let client = replies.is_some().then_some(&client);
    let window = Window { from_ms: at - 7 * 86_400_000, to_ms: at };
    let run = service
        .run_agent(&agent, &RunWish { dry: false, window, client, lacking: None }, move || at)
        .unwrap();
    service.close().unwrap();
    let (_, faults) = office.store().read().unwrap().verify_ledger().unwrap();
    assert_eq!(faults, Vec::<String>::new());
    (run, office)
}

fn replies(base: &'static str, draft: &'static str) -> Vec<Reply> {
    let drafted = "[[ ## title ## ]]\nSay each risk once\n[[ ## rationale ## ]]\nIt says things twice.\n[[ ## predicted ## ]]\n\
         negative: -0.2\n[[ ## template ## ]]\nYou are a contract analyst. List every risk that you find, each with its clause.\n\n{{contract}}\n[[ ## completed ## ]]\n";
    [vec![Reply::Text(drafted)], pairs(base, draft)].concat()
}

#[test]
fn a_draft_that_regresses_on_the_cases_is_not_proposed() {
    let (run, office) = ran(Some(&replies("a penalty", "nothing")));
    let step = run.steps.iter().find(|step| step.prompt_uri.to_string().starts_with(RISK)).unwrap();
    let Did::Dropped { reasons } = &step.did else { panic!("{step:?}") };
    assert!(reasons[0].contains("of 5 tried it loses 5") && reasons[1].contains("case 0"), "{reasons:?}");
    // The draft, and two calls for each case; all of them telemetry.
    assert_eq!(run.spent.calls, 11);
    let said = office.human(&["--json", "calls", "--limit", "0"]).1;
    assert!(said.contains("1.1.0-trial") && said.contains("steward.refine"), "{}", &said[..400]);
}

#[test]
fn what_the_cases_say_is_evidence() {
    let (run, office) = ran(Some(&replies("nothing", "a penalty")));
    assert!(run.steps.iter().any(|step| matches!(step.did, Did::Proposed { .. })), "{:?}", run.steps);
    let said = office.human(&["prompts", "proposals", "show", "1"]).1;
    assert!(said.contains("5 won, 0 lost, 0 tied, of 5 tried and 5 kept, by gpt-4o-mini"), "{said}");
    assert!(said.contains("it is not worse"), "{said}");

    // Of another text the cases say nothing.
    let store = Some(office.0.path().join("store.db"));
    let config = Some(office.0.path().join("config.toml"));
    let service = Service::open(Config::load(&Overrides { store, config }).unwrap(), Access::Write).unwrap();
    let shown = service.proposal(ProposalId(1), now()).unwrap().listed.proposal;
    assert!(shown.evidence.cases.is_some());
    let text = format!("{}Be brief.\n", shown.text);
    let modified = service.modify(Some(governed::ana()), shown.id, text, now()).unwrap();
    assert!(modified.evidence.cases.is_none() && modified.evidence_digest != shown.evidence_digest);
    service.close().unwrap();
    let (_, faults) = office.store().read().unwrap().verify_ledger().unwrap();
    assert_eq!(faults, Vec::<String>::new());

    // Without a model a draft of rules is proposed all the same, and says so.
    let (run, office) = ran(None);
    assert!(run.steps.iter().any(|step| matches!(step.did, Did::Proposed { .. })), "{:?}", run.steps);
    let said = office.human(&["prompts", "proposals", "show", "1"]).1;
    assert!(said.contains("5 kept, not run: no model was there to answer"), "{said}");
}
