//! A steward's own proposal: governed and judged like the agent's, with the same risk and the same usage.

use serde_json::json;

use super::desk::{DAY_MS, Desk};
use crate::domain::call::Millis;
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Drafter, Grounds, Kind, Prediction, Proposal};
use crate::domain::window::Window;
use crate::engine::seal::Pen;
use crate::service::catalog::Catalog;
use crate::service::error::Result;
use crate::service::{Service, answerable};

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
