//! A small organization for tests of the agent's runs: ten prompts of one task type, their calls and feedback through the
//! ordinary intake, an owner, and an agent with a grant. One prompt is wordy, one displeases.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a test")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use human::config::{Config, Overrides};
use human::domain::call::Millis;
use human::domain::identity::GrantScope;
use human::domain::proposal::{ProposalId, Standing};
use human::domain::run::{Did, Run, Step};
use human::domain::window::Window;
use human::engine::seal::Pen;
use human::intake::Format;
use human::intake::events::rfc3339;
use human::llm::Client;
use human::service::{RunWish, Service};
use human::store::Access;
use human::store::proposals::{Filter, Kept};
use rusqlite::Connection;
use semver::Version;

use crate::governed::{HOUR, NOW, agent, ana, file, grant, own, publish_by_hand, uri};

/// One day, ms.
pub const DAY: Millis = 24 * HOUR;
/// Eight times the tokens of its peers, and a sentence that is said twice.
pub const WORDY: &str = "prompt://org/ACME/legal.wordy";
/// Six of ten people are unhappy with it, and no rule has anything to say about its text.
pub const GRUFF: &str = "prompt://org/ACME/legal.gruff";
pub const ONCE: &str = "Name the party that owes each of the obligations below.";
/// What people say of the gruff one.
pub const SAID: &str = "it never greets the reader";
/// A grant for everything.
pub const ALL: [GrantScope; 4] = GrantScope::ALL;

pub struct Office {
    pub folder: tempfile::TempDir,
    pub service: Service,
    pub db: Connection,
}

/// Calls of one prompt: so many an hour, of so many tokens, displeasing so many people in a hundred.
pub struct Stream<'a> {
    pub prompt: &'a str,
    pub version: &'a str,
    pub per_hour: usize,
    pub tokens: usize,
    pub bad: usize,
}

pub fn wordy(flags: &str, version: &Version, text: &str) -> String {
    file(&uri(WORDY), flags, version, text)
}

/// The events of `streams` in the hours from `from` to `to`.
pub fn events(streams: &[Stream<'_>], from: Millis, to: Millis) -> String {
    let mut lines = String::new();
    for (hour, at) in (from..to).step_by(HOUR as usize).enumerate() {
        for Stream { prompt, version, per_hour, tokens, bad } in streams {
            for n in 0..*per_hour {
                let nth = hour * per_hour + n;
                let (id, at) = (format!("{prompt}-{version}-{from}-{nth}"), at + n as i64 * 60_000);
                // Spread evenly: of every hundred so many are bad.
                let is_bad = nth * 37 % 100 < *bad;
                let (signal, detail) = if is_bad { ("negative", SAID) } else { ("positive", "") };
                let tokens = tokens + nth * 7 % 20;
                writeln!(
                    lines,
                    r#"{{"type":"call","provenanceId":"{id}","at":"{}","promptMetadata":{{"promptUris":["prompt://org/ACME/{prompt}"],"promptVersions":["{version}"],"layers":[],"compositionMethod":"manual","variablesUsed":[],"estimatedTokens":80,"orgId":"ACME"}},"modelId":"gpt-4o","provider":"openai","inputTokens":{tokens},"outputTokens":20,"costUsd":0.001,"durationMs":900,"sessionId":"s-{id}","ok":true}}
{{"type":"feedback","id":"f-{id}","provenanceId":"{id}","signal":"{signal}","source":"user","detail":"{detail}","at":"{}"}}"#,
                    rfc3339(at),
                    rfc3339(at + 1_000),
                )
                .unwrap();
            }
        }
    }
    lines
}

/// The healthy peers, with so many calls an hour.
pub fn peers(per_hour: usize) -> Vec<Stream<'static>> {
    let names = ["legal.a", "legal.b", "legal.c", "legal.d", "legal.e", "legal.f", "legal.g", "legal.h"];
    let stream = |prompt| Stream { prompt, version: "1.0.0", per_hour, tokens: 200, bad: 8 };
    names.map(stream).into()
}

/// Publishes the prompts, and counts five days of their calls until `end`.
pub fn furnish(path: &Path, flags: &str, end: Millis) {
    let (first, born) = (Version::new(1, 0, 0), end - 20 * DAY);
    for Stream { prompt, .. } in peers(1) {
        let uri = uri(&format!("prompt://org/ACME/{prompt}"));
        publish_by_hand(path, None, &file(&uri, "", &first, &format!("Answer {prompt}.\n")), born);
    }
    let twice = format!("Read what follows. {ONCE} Be brief. {ONCE}\n");
    publish_by_hand(path, None, &wordy(flags, &first, &twice), born);
    publish_by_hand(path, None, &file(&uri(GRUFF), "", &first, "Answer as you like.\n"), born);
    let service = open(path, "");
    let mut streams = peers(1);
    streams.push(Stream { prompt: "legal.wordy", version: "1.0.0", per_hour: 1, tokens: 1_600, bad: 8 });
    streams.push(Stream { prompt: "legal.gruff", version: "1.0.0", per_hour: 1, tokens: 200, bad: 60 });
    tell(&service, &events(&streams, end - 5 * DAY, end));
    service.close().unwrap();
}

pub fn open(path: &Path, config: &str) -> Service {
    let file = path.with_extension("toml");
    std::fs::write(&file, config).unwrap();
    let overrides = Overrides { store: Some(path.to_owned()), config: Some(file) };
    Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap()
}

/// Takes events in.
pub fn tell(service: &Service, lines: &str) {
    let mut intake = service.intake().unwrap();
    intake.stream(lines.as_bytes(), "test", Format::Auto).unwrap();
    assert_eq!(intake.finish().unwrap().quarantined, 0);
}

impl Office {
    /// `flags` of the wordy prompt, the scopes of the agent's grant, and the configuration.
    pub fn new(flags: &str, scopes: &[GrantScope], config: &str) -> Office {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        furnish(&path, flags, NOW);
        let db = crate::governed::connect(&path);
        own(&db, &ana(), NOW);
        if !scopes.is_empty() {
            grant(&db, &ana(), &agent(), scopes, "prompt://*", NOW + 30 * DAY, NOW).unwrap();
        }
        Office { service: open(&path, config), folder, db }
    }

    pub fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    /// A run at `now` over the week before it.
    pub fn run_of(&self, pen: &Pen, client: Option<&Client>, dry: bool, now: Millis) -> Run {
        let window = Window { from_ms: now - 7 * DAY, to_ms: now };
        self.service.run_agent(pen, &RunWish { dry, window, client, lacking: None }, move || now).unwrap()
    }

    /// A run by rules.
    pub fn run(&self, now: Millis) -> Run {
        self.run_of(&agent(), None, false, now)
    }

    /// A run with the configured model, which does not sleep between attempts.
    pub fn run_with_model(&self, now: Millis) -> Run {
        let client = self.service.drafter().unwrap().client.unwrap().with_pauses(|_| {});
        self.run_of(&agent(), Some(&client), false, now)
    }

    pub fn all(&self) -> Vec<Kept> {
        self.service.read().unwrap().proposals().list(&Filter::default(), NOW).unwrap()
    }

    pub fn kept(&self, id: ProposalId) -> Kept {
        self.service.read().unwrap().proposals().get(id).unwrap()
    }

    pub fn standing(&self, id: ProposalId) -> Standing {
        self.kept(id).standing
    }

    pub fn active(&self, prompt: &str) -> Version {
        self.service.read().unwrap().published().unwrap()[&uri(prompt)].active.clone().unwrap()
    }

    /// The ledger holds, and explains all there is; how many runs are on record.
    pub fn is_sound(&self) -> i64 {
        let reader = self.service.read().unwrap();
        assert_eq!(reader.verify_ledger().unwrap().1, Vec::<String>::new());
        assert_eq!(reader.verify_rollups().unwrap().1, Vec::new());
        reader.proposals().runs(10_000).unwrap().len() as i64
    }
}

/// The step about a prompt and cause.
pub fn step<'r>(run: &'r Run, prompt: &str, cause: &str) -> &'r Step {
    let found = run.steps.iter().find(|s| s.prompt_uri.unversioned() == uri(prompt) && s.cause == cause);
    found.unwrap_or_else(|| panic!("nothing about {prompt} for {cause}: {run:#?}"))
}

/// The proposal that a step made.
pub fn made(step: &Step) -> ProposalId {
    match &step.did {
        Did::Proposed { proposal: Some(id), .. }
        | Did::Applied { proposal: id, .. }
        | Did::Rebased { proposal: id, .. } => *id,
        other => panic!("{other:?}"),
    }
}

/// Why a step left things alone.
pub fn left(step: &Step) -> &str {
    match &step.did {
        Did::Left { why } => why,
        other => panic!("{other:?}"),
    }
}
