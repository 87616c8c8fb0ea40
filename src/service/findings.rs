//! Which prompts underperform in a window: one pass over its cells, all detectors.

use super::catalog::Catalog;
use super::error::Result;
use super::{Service, answerable};
use crate::domain::finding::Findings;
use crate::domain::prompt::PromptUri;
use crate::domain::window::Window;
use crate::engine::detect::{Subject, scan};
use crate::engine::rollup::CellKey;
use crate::store::Reader;

/// No subject.
const NONE: u32 = u32::MAX;

impl Service {
    /// What the detectors say of all prompts in the window.
    ///
    /// Of a published prompt the evidence is that of its active version: a finding asks for another text, and what an
    /// earlier one did wrong is no reason. Of a prompt that is not published here it is that of all its versions, since
    /// which one is in use is not known. Evidence units are those that arrived in whole hours of the window.
    pub fn findings(&self, window: Window) -> Result<Findings> {
        let reader = self.read()?;
        let window = answerable(&reader, window)?;
        self.findings_in(&reader, &Catalog::read(&reader)?, window)
    }

    /// [`findings`](Self::findings) of a window that can be answered, in a view.
    pub(super) fn findings_in(&self, reader: &Reader, catalog: &Catalog, window: Window) -> Result<Findings> {
        let cells = Self::cells(reader, &catalog.dictionary, window, None)?;
        let mut prompts: Vec<(PromptUri, String)> = Vec::new();
        let mut of_version =
            vec![NONE; CellKey::FIRST_VERSION as usize + catalog.dictionary.versions().count()];
        for uri in catalog.prompts() {
            let active = catalog.published.get(uri).and_then(|p| p.active.as_ref());
            for id in catalog.numbers(uri, active) {
                of_version[id as usize] = prompts.len() as u32;
            }
            let prompt = active.map_or_else(|| uri.clone(), |version| uri.at(version.clone()));
            prompts.push((prompt, catalog.task_type(uri)));
        }
        let subjects: Vec<Subject> =
            prompts.iter().map(|(prompt, task_type)| Subject { prompt, task_type }).collect();
        let models: Vec<&str> = catalog.dictionary.models().iter().map(|m| m.name.as_str()).collect();
        let each = cells.iter().map(|(key, cell)| {
            (of_version.get(key.version as usize).copied().unwrap_or(NONE), key.model, cell)
        });
        Ok(scan(window, &subjects, &models, each, &self.config.evidence))
    }
}
