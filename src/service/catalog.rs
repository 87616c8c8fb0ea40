//! Which prompts there are: published, seen in telemetry, or both; and which of them a name means.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustc_hash::FxHashSet;
use semver::Version;

use super::error::{Result, ServiceError};
use crate::domain::prompt::PromptUri;
use crate::engine::names::find;
use crate::engine::rollup::VersionId;
use crate::store::Reader;
use crate::store::catalog::Published;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// Which prompts there are: published, seen in telemetry, or both.
#[derive(Debug)]
pub struct Catalog {
    /// The published ones.
    pub published: BTreeMap<PromptUri, Published>,
    /// Numbers and names of what telemetry has.
    pub dictionary: Arc<Dictionary>,
    versions: BTreeMap<PromptUri, Vec<(VersionId, Version)>>,
    /// How many versions of the dictionary are among them.
    counted: usize,
}

impl Catalog {
    /// Reads it.
    pub fn read(reader: &Reader) -> Result<Catalog> {
        let mut catalog = Catalog {
            published: reader.published()?,
            dictionary: reader.dictionary()?,
            versions: BTreeMap::new(),
            counted: 0,
        };
        catalog.count();
        Ok(catalog)
    }

    /// Takes in the versions that the dictionary has learnt since; whether there are any.
    fn count(&mut self) -> bool {
        let before = self.counted;
        for (id, uri) in self.dictionary.versions().skip(before) {
            self.counted += 1;
            if let Some(version) = &uri.version {
                self.versions.entry(uri.unversioned()).or_default().push((id, version.clone()));
            }
        }
        self.counted > before
    }

    /// Follows the store, of which `published` says whether a version may have been published or become active since;
    /// whether any prompt or version is other than before.
    pub(super) fn follow(&mut self, reader: &Reader, published: bool) -> Result<bool> {
        // Let go of first, so that it is followed where it stands.
        self.dictionary = Arc::default();
        self.dictionary = reader.dictionary()?;
        // A comment changes no prompt: whoever follows need not be made anew.
        let published = published.then(|| reader.published()).transpose()?.filter(|p| *p != self.published);
        let changed = published.is_some();
        if let Some(published) = published {
            self.published = published;
        }
        Ok(self.count() || changed)
    }

    /// Whether there is such a prompt.
    pub fn has(&self, uri: &PromptUri) -> bool {
        self.versions.contains_key(uri) || self.published.contains_key(uri)
    }

    /// All prompts, by URI.
    pub fn prompts(&self) -> impl Iterator<Item = &PromptUri> {
        let unseen = self.published.keys().filter(|uri| !self.versions.contains_key(*uri));
        self.versions.keys().chain(unseen)
    }

    /// The prompt that a URI, a key or a last segment names; a version in it is checked and returned beside it.
    pub fn find(&self, name: &str) -> Result<(PromptUri, Option<Version>)> {
        let (bare, asked) =
            name.split_once('@').map_or((name, None), |(bare, version)| (bare, Some(version)));
        let uri = find(bare, self.prompts())?.clone();
        let version = asked.map(|v| self.version(&uri, v)).transpose()?;
        Ok((uri, version))
    }

    /// A version of a prompt that is published or that telemetry has seen, by its number or a label; `active` is one.
    pub fn version(&self, uri: &PromptUri, version: &str) -> Result<Version> {
        let published = self.published.get(uri);
        let labelled = published.and_then(|p| match version {
            "active" => p.active.as_ref(),
            label => p.labels.iter().find(|(name, _)| name == label).map(|(_, version)| version),
        });
        if let Some(version) = labelled {
            return Ok(version.clone());
        }
        let published = published.into_iter().flat_map(|p| p.versions.keys());
        let seen = self.versions.get(uri).into_iter().flatten().map(|(_, v)| v);
        let mut known: Vec<&Version> = published.chain(seen).collect();
        known.sort();
        known.dedup();
        known.iter().find(|v| v.to_string() == version).map(|v| (*v).clone()).ok_or_else(|| {
            ServiceError::NoVersion {
                uri: Box::new(uri.clone()),
                version: version.escape_debug().to_string(),
                known: known.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
            }
        })
    }

    /// Numbers of a prompt's versions, ordered; of one version if given.
    pub fn numbers(&self, uri: &PromptUri, version: Option<&Version>) -> Vec<VersionId> {
        let all = self.versions.get(uri).into_iter().flatten();
        all.filter(|(_, v)| version.is_none_or(|wanted| wanted == v)).map(|(id, _)| *id).collect()
    }

    /// The prompts of the same task type whose calls are not the prompt's own: what is layered or joined with it has its
    /// calls and signals too, and is no peer but the prompt again.
    pub fn peers(&self, uri: &PromptUri) -> impl Iterator<Item = &PromptUri> {
        let task_type = self.task_type(uri);
        let own = self.numbers(uri, None);
        let compositions = self.dictionary.compositions().iter().map(|composition| &composition.subjects);
        let beside: FxHashSet<VersionId> = compositions
            .filter(|subjects| subjects.iter().any(|(version, _)| own.contains(version)))
            .flat_map(|subjects| subjects.iter().map(|(version, _)| *version))
            .collect();
        self.prompts().filter(move |p| {
            let apart = || self.numbers(p, None).iter().all(|number| !beside.contains(number));
            **p != *uri && self.task_type(p) == task_type && apart()
        })
    }

    /// What the prompt is compared with.
    pub fn task_type(&self, uri: &PromptUri) -> String {
        self.published.get(uri).map_or_else(|| uri.key.first_segment().to_owned(), |p| p.task_type.clone())
    }
}
