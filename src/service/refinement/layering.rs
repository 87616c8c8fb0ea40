//! What layers on what: the active versions, each over its base by the rules of `engine::compose`.

use rustc_hash::FxHashMap;

use crate::domain::prompt::{Name, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{self, ComposeError, Shelf, ShelfError};
use crate::service::catalog::Catalog;
use crate::service::error::Result;
use crate::store::{Reader, StoreError};

/// The active versions, without anybody's patches.
#[derive(Clone, Copy)]
pub struct Active<'a> {
    pub reader: &'a Reader,
    pub catalog: &'a Catalog,
}

impl Active<'_> {
    /// Which prompts layer on which, directly or through others, by URI.
    pub fn extended(self) -> Result<FxHashMap<PromptUri, Vec<PromptUri>>> {
        let mut extended: FxHashMap<PromptUri, Vec<PromptUri>> = FxHashMap::default();
        for (uri, published) in &self.catalog.published {
            let Some(active) = &published.active else { continue };
            for below in self.below(self.reader.file(uri, active)?)? {
                extended.entry(below.uri.unversioned()).or_default().push(uri.clone());
            }
        }
        Ok(extended)
    }

    /// The variables that the layers below a prompt declare.
    pub fn declared_below(self, file: &PromptFile) -> Result<Vec<String>> {
        let below = self.below(file.clone())?;
        Ok(below.into_iter().flat_map(|layer| layer.inputs.variables).map(|variable| variable.name).collect())
    }

    /// The layers below a prompt; none where its base is not there, or not its to extend.
    fn below(self, top: PromptFile) -> Result<Vec<PromptFile>> {
        match compose::descend(top, &self) {
            Ok(mut layers) => {
                layers.pop();
                Ok(layers)
            }
            Err(ComposeError::Shelf(error)) => Err(StoreError::corrupt(error).into()),
            Err(_) => Ok(Vec::new()),
        }
    }
}

impl Shelf for Active<'_> {
    fn prompt(&self, uri: &PromptUri) -> std::result::Result<Option<PromptFile>, ShelfError> {
        let published = self.catalog.published.get(&uri.unversioned());
        let version = match &uri.version {
            Some(version) => {
                published.and_then(|p| p.versions.contains_key(version).then(|| version.clone()))
            }
            None => published.and_then(|p| p.active.clone()),
        };
        Ok(version.map(|version| self.reader.file(&uri.unversioned(), &version)).transpose()?)
    }

    fn patches(&self, _: &Name, _: &Name) -> std::result::Result<Vec<PromptFile>, ShelfError> {
        Ok(Vec::new())
    }
}
