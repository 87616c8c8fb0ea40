//! What the tests of governance share: pens, prompts of every kind, proposals, and the store on a plain connection.
#![allow(dead_code, reason = "each test uses a part")]
#![allow(clippy::unwrap_used, reason = "a test")]

use human::domain::call::Millis;
use human::domain::governance::Governance;
use human::domain::identity::{Grant, GrantScope, UriPattern};
use human::domain::ledger::Action;
use human::domain::outcome::Measure;
use human::domain::prompt::PromptUri;
use human::domain::proposal::{
    Drafter, Grounds, Kind, Prediction, Proposal, ProposalId, Risk, RiskLevel, RiskReason, Usage,
};
use human::engine::govern::{Act, Matter};
use human::engine::seal::Pen;
use human::store::Access;
use human::store::decide::Docket;
use human::store::ledger::{self, Asked};
use human::store::prompt_error::PromptStoreError;
use human::store::prompt_shelf::{PromptShelf, Shelving};
use human::store::prompts::{self, Activation, Deed};
use rusqlite::Connection;
use semver::Version;
use serde_json::json;

/// 2026-11-22T10:00:00Z.
pub const NOW: Millis = 1_795_341_600_000;
/// One hour, ms.
pub const HOUR: Millis = 3_600_000;

pub fn pen(who: &str, seed: u8) -> Pen {
    Pen::new(who.parse().unwrap(), &[seed; 32])
}

pub fn ana() -> Pen {
    pen("steward://ACME/ana", 1)
}

pub fn agent() -> Pen {
    pen("agent://ACME/prompt-refinement", 9)
}

/// A plain connection to a store; the store makes the file.
pub fn connect(path: &std::path::Path) -> Connection {
    human::store::Store::open(path, human::store::Access::Write).unwrap().close().unwrap();
    let db = Connection::open(path).unwrap();
    db.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    db
}

pub fn uri(text: &str) -> PromptUri {
    text.parse().unwrap()
}

/// A prompt file: the lines of its place, what it allows, its version and its text.
pub fn file(uri: &PromptUri, flags: &str, version: &Version, text: &str) -> String {
    let place = &uri.place;
    let org = place.org().map(|org| format!("human.org: {org}\n")).unwrap_or_default();
    let user = place.user().map(|user| format!("human.user: {user}\n")).unwrap_or_default();
    format!(
        "---\nname: {}\nhuman.scope: {}\n{org}{user}{flags}human.version: {version}\n---\n{text}",
        uri.key,
        uri.scope()
    )
}

pub fn publish(db: &Connection, text: &str, actor: &str, now: Millis) {
    let file = human::domain::prompt_file::PromptFile::parse("test", text.as_bytes()).unwrap();
    prompts::publish(db, &file, Activation::Now, Deed { at: now, actor, reason: None }).unwrap();
}

/// By hand, by the verbs of the product, which enter it into the ledger: `pen` signs, nobody before there is an owner.
pub fn by_hand<T>(
    path: &std::path::Path,
    pen: Option<&Pen>,
    change: impl FnOnce(&Shelving<'_>) -> Result<T, PromptStoreError>,
) -> Result<T, PromptStoreError> {
    let mut shelf = PromptShelf::open(path, Access::Write).map_err(PromptStoreError::Store)?;
    if let Some(pen) = pen {
        shelf.sign_with(pen.clone());
    }
    let shelving = shelf.change()?;
    let done = change(&shelving)?;
    shelving.commit()?;
    Ok(done)
}

/// Publishes a file by hand.
pub fn publish_by_hand(path: &std::path::Path, pen: Option<&Pen>, text: &str, at: Millis) {
    let file = human::domain::prompt_file::PromptFile::parse("test", text.as_bytes()).unwrap();
    let actor = pen.map_or("system".to_owned(), |pen| pen.identity().to_string());
    let deed = Deed { at, actor: &actor, reason: None };
    by_hand(path, pen, |shelf| shelf.publish(&file, Activation::Now, deed)).unwrap();
}

pub fn own(db: &Connection, pen: &Pen, now: Millis) {
    ledger::own(db, pen, now, json!({"steward": pen.identity(), "key": pen.public_key()})).unwrap();
}

pub fn delegate(
    db: &Connection,
    by: &Pen,
    now: Millis,
    action: Action,
    subject: &str,
    payload: serde_json::Value,
) -> human::store::Result<()> {
    let asked = Asked::once(Some(by), Act::Delegate, Matter::NOTHING);
    ledger::enter(db, &asked, now, action, subject, payload).map(|_| ())
}

pub fn trust(db: &Connection, by: &Pen, whom: &Pen, now: Millis) -> human::store::Result<()> {
    let payload = json!({"steward": whom.identity(), "key": whom.public_key()});
    delegate(db, by, now, Action::Trust, &whom.identity().to_string(), payload)
}

pub fn grant(
    db: &Connection,
    by: &Pen,
    to: &Pen,
    scopes: &[GrantScope],
    prompts: &str,
    expires_at: Millis,
    now: Millis,
) -> human::store::Result<()> {
    let prompts: UriPattern = prompts.parse().unwrap();
    let grant = Grant {
        agent: to.identity().clone(),
        key: to.public_key(),
        scopes: scopes.to_vec(),
        prompts,
        expires_at,
    };
    let payload = serde_json::to_value(&grant).unwrap();
    delegate(db, by, now, Action::Grant, &to.identity().to_string(), payload)
}

pub fn proposal(uri: &PromptUri, base: &Version, text: String, cause: &str, level: RiskLevel) -> Proposal {
    Proposal {
        id: ProposalId(0),
        prompt_uri: uri.clone(),
        base_version: base.clone(),
        kind: Kind::Text,
        to_version: None,
        title: "Reduce token count by restructuring output format (-18%)".into(),
        rationale: "The output format repeats itself.".into(),
        text,
        evidence: Grounds {
            cause: cause.into(),
            window: ["2026-11-15T00:00:00Z".into(), "2026-11-22T00:00:00Z".into()],
            found: json!({"estimate": 0.31, "interval": [0.24, 0.39], "sampleSize": 142}),
            feedback: vec!["fb-1".into()],
            cases: None,
        },
        evidence_digest: String::new(),
        predicted: vec![Prediction { measure: Measure::Tokens, effect: -0.18, interval: [-0.25, -0.1] }],
        risk: Risk { level, reasons: vec![RiskReason { level, text: "changes the text".into() }] },
        usage: Usage { calls_per_day: 121.0, extended_by: vec![] },
        drafted_by: Drafter::Rules { rules: vec!["R2".into()] },
        drafting_cost_usd: 0.0,
        run: None,
        created_at: 0,
    }
}

/// Runs a step in a transaction of its own: all of it, or nothing.
pub fn step<R>(
    db: &Connection,
    pen: Option<&Pen>,
    rules: &Governance,
    now: Millis,
    step: impl FnOnce(&Docket<'_>) -> human::store::Result<R>,
) -> human::store::Result<R> {
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let done = step(&Docket::new(db, pen, rules, now));
    db.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" }).unwrap();
    done
}
