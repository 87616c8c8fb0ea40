//! A steward's own proposal: governed and judged like the agent's, with the same risk and the same usage.

use serde_json::json;

use super::desk::{DAY_MS, Desk};
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Drafter, Grounds, Kind, Prediction, Proposal};
use crate::domain::window::Window;
use crate::engine::bump;
use crate::engine::govern::Refusal;
use crate::engine::seal::Pen;
use crate::service::catalog::Catalog;
use crate::service::error::Result;
use crate::service::{Service, answerable};
use crate::store::{Kind as Fault, StoreError};

/// What differs, in one line.
fn titled(kind: Kind, base: &PromptFile, file: &PromptFile) -> String {
    let changed = bump::changed(base, file);
    match (kind, &file.model) {
        (Kind::Model, Some(model)) => format!("Recommend {model}"),
        (Kind::Text, _) if changed.is_empty() => "Change the text".into(),
        (Kind::Text, _) => format!("Change the text, and {}", changed.join(", ")),
        _ => format!("Change {}", changed.join(", ")),
    }
}

/// What a steward proposes.
#[derive(Debug, Clone)]
pub struct Idea {
    /// For which prompt, without version.
    pub prompt_uri: PromptUri,
    /// What changes.
    pub kind: Kind,
    /// The whole new file, its version that of the base.
    pub file: PromptFile,
    /// One line.
    pub title: String,
    /// Why.
    pub rationale: String,
    /// What the steward promises.
    pub predicted: Vec<Prediction>,
}

impl Service {
    /// Proposes a changed file of a published prompt: the kind is what differs from the active version, which the file
    /// names as its own or not at all. Without a title the proposal has one that says what differs.
    pub fn propose_file(
        &self,
        pen: Option<&Pen>,
        file: &PromptFile,
        title: Option<String>,
        rationale: String,
        now: Millis,
    ) -> Result<Proposal> {
        let pen = pen.ok_or_else(|| StoreError::from(Refusal::Nobody))?;
        let unfit = |what: String| StoreError::new(Fault::Unfit, what);
        let reader = self.read()?;
        let uri = file.uri.unversioned();
        let active = reader.published()?.remove(&uri).and_then(|published| published.active).ok_or_else(|| {
            unfit(format!(
                "{uri} has no active version to change. `human prompts publish FILE` publishes the first, and \
                 `human prompts list` names what there is"
            ))
        })?;
        if let Some(version) = file.uri.version.as_ref().filter(|version| **version != active) {
            return Err(unfit(format!(
                "the file is a change of {version}, and {active} is active. Make the change on the text of `human prompts \
                 show {uri}`, or leave out `human.version`"
            ))
            .into());
        }
        let base = reader.file(&uri, &active)?;
        let file =
            file.with_version(&active).map_err(|fault| unfit(format!("{}; {}", fault.what, fault.next)))?;
        let Some(kind) = bump::kind(&base, &file) else {
            return Err(unfit(format!(
                "the file says what {uri}@{active} says: there is nothing to propose"
            ))
            .into());
        };
        self.publishable(&file)?;
        let title = title.unwrap_or_else(|| titled(kind, &base, &file));
        self.propose(pen, Idea { prompt_uri: uri, kind, file, title, rationale, predicted: Vec::new() }, now)
    }

    /// Proposes what the steward who holds the pen has written; the risk is computed as for any other. A proposal of
    /// theirs or another steward's for the same prompt that waits is superseded.
    pub fn propose(&self, pen: &Pen, idea: Idea, now: Millis) -> Result<Proposal> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let window = answerable(&reader, Window { from_ms: now - 7 * DAY_MS, to_ms: now })?;
        let desk = Desk::lay(&reader, &catalog, window, now)?;
        let Idea { prompt_uri: uri, kind, file, title, rationale, predicted } = idea;
        let active = catalog.published.get(&uri).and_then(|published| published.active.clone());
        let base = active.map(|active| reader.file(&uri, &active)).transpose()?;
        let risk = desk.risk(&uri, base.as_ref().unwrap_or(&file), &file, kind);
        let grounds = Grounds {
            cause: "person".into(),
            window: [window.start(), window.end()],
            found: json!({}),
            feedback: Vec::new(),
            cases: None,
        };
        let proposal = Proposal {
            predicted,
            drafted_by: Drafter::Steward { steward: pen.identity().to_string() },
            ..desk.proposal(&uri, kind, &file, title, rationale, risk, grounds)
        };
        let (pen, rules) = (pen.clone(), self.config().governance);
        Ok(self.store.write(move |tx| tx.docket(Some(&pen), &rules, now).propose(proposal))?)
    }
}
