//! What would undo what an entry did, long after its toast is gone.

use semver::Version;

use crate::console::query::Command;
use crate::domain::ledger::{Action, Entry};
use crate::domain::prompt::PromptUri;

/// The command that undoes an entry; else why there is none. Whether it still fits what is active now is for the service to
/// say: a version that is active no more is not rolled back from.
pub(super) fn undoing(entry: &Entry) -> Result<Command, &'static str> {
    let proposal = || entry.subject.parse().map_err(|_| "it names no proposal");
    match entry.action {
        Action::Reject => Ok(Command::Reopen(vec![proposal()?])),
        Action::Defer => Ok(Command::Defer(vec![proposal()?], 0)),
        Action::Publish
        | Action::Activate
        | Action::Rollback
        | Action::Accept
        | Action::AutoApply
        | Action::Promote => back(entry),
        Action::Reopen => Err("reject the proposal again instead"),
        Action::Canary => Err("the prompt's page rolls a canary back"),
        Action::Grant | Action::Trust => {
            Err("`human agent revoke` and `human steward distrust` take it back")
        }
        _ => Err("it decided nothing that could be taken back"),
    }
}

/// Back from the version that the entry made active.
fn back(entry: &Entry) -> Result<Command, &'static str> {
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let active = text(&entry.payload["activated"]["uri"]).and_then(|uri| uri.parse::<PromptUri>().ok());
    let active = active.ok_or("it made no version active")?;
    let previous = text(&entry.payload["previous"]).and_then(|version| Version::parse(&version).ok());
    let to = previous.ok_or("no version was active before it")?;
    let (uri, from) = (active.unversioned(), active.version);
    Ok(Command::RollBack { uri, from, to: Some(to), reason: format!("undo of entry {}", entry.seq) })
}
