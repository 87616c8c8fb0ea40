//! Names to numbers: prompt versions, compositions, models and agents take a few bits in a row instead of their text.

use std::sync::{Arc, OnceLock};

use rusqlite::{Connection, Row, params};
use rustc_hash::FxHashMap;

use crate::domain::prompt::{PromptCallMetadata, PromptUri};
use crate::engine::rollup::{CellKey, Layer, VersionId};
use crate::store::fault::{Result, StoreError};

/// A model as telemetry names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelName {
    /// The model that answered, else the one asked for.
    pub name: String,
    /// The provider; empty where the telemetry names none.
    pub provider: String,
}

/// One composition of prompts, as many calls share it.
#[derive(Debug, Clone)]
pub struct Composition {
    metadata: Metadata,
    /// The cells that its calls count in.
    pub subjects: Arc<[(VersionId, Layer)]>,
}

/// What a composition's calls carry. A store has tens of thousands of compositions, and who reads cells needs none of it:
/// readers keep the text, a third of the size, and read it when a call is shown.
#[derive(Debug, Clone)]
enum Metadata {
    /// No prompt is known.
    None,
    Read(Arc<PromptCallMetadata>),
    Text(Box<str>, OnceLock<Arc<PromptCallMetadata>>),
}

impl Composition {
    /// The metadata, without the estimate of tokens, which is each call's own. `None`: no prompt is known.
    pub fn metadata(&self) -> Result<Option<Arc<PromptCallMetadata>>> {
        match &self.metadata {
            Metadata::None => Ok(None),
            Metadata::Read(metadata) => Ok(Some(Arc::clone(metadata))),
            Metadata::Text(text, read) => {
                if let Some(metadata) = read.get() {
                    return Ok(Some(Arc::clone(metadata)));
                }
                let metadata = Arc::new(parse(text)?);
                Ok(Some(Arc::clone(read.get_or_init(|| metadata))))
            }
        }
    }
}

fn parse(text: &str) -> Result<PromptCallMetadata> {
    serde_json::from_str(text).map_err(StoreError::corrupt)
}

/// The numbers in use, in memory. Rows are only ever added, so following another process is reading the new ones.
#[derive(Debug, Default)]
pub struct Dictionary {
    uris: Vec<PromptUri>,
    versions: FxHashMap<PromptUri, VersionId>,
    compositions: Vec<Composition>,
    composition_ids: FxHashMap<Arc<PromptCallMetadata>, u32>,
    /// By address, while the metadata is kept alive here: intake shares one allocation among many calls.
    shared: FxHashMap<usize, (Arc<PromptCallMetadata>, u32)>,
    models: Vec<ModelName>,
    model_ids: FxHashMap<ModelName, u32>,
    agents: Vec<String>,
    agent_ids: FxHashMap<String, u32>,
    /// Whether nothing is added to it: see [`Metadata`].
    reads_only: bool,
}

/// How far a dictionary goes.
#[derive(Debug, Clone, Copy)]
pub struct Mark([usize; 4]);

const FIRST: u32 = CellKey::FIRST_VERSION;

impl Dictionary {
    /// Reads all of it.
    pub fn read(db: &Connection) -> Result<Arc<Dictionary>> {
        let mut dictionary = Dictionary { reads_only: true, ..Dictionary::default() };
        dictionary.follow(db)?;
        Ok(Arc::new(dictionary))
    }

    /// The one that was read earlier, with what has come since; read anew where somebody else still holds it.
    pub fn renewed(earlier: Arc<Dictionary>, db: &Connection) -> Result<Arc<Dictionary>> {
        if earlier.is_current(db)? {
            return Ok(earlier);
        }
        let Ok(mut dictionary) = Arc::try_unwrap(earlier) else { return Dictionary::read(db) };
        dictionary.follow(db)?;
        Ok(Arc::new(dictionary))
    }

    /// Whether there is nothing in the store that it does not know.
    pub fn is_current(&self, db: &Connection) -> Result<bool> {
        let last = |sql: &str| -> Result<usize> {
            Ok(db.prepare_cached(sql)?.query_row([], |r| r.get::<_, i64>(0))? as usize)
        };
        Ok(last("SELECT coalesce(max(id) - 1, 0) FROM prompt_version_seen")? == self.uris.len()
            && last("SELECT coalesce(max(id), 0) FROM composition")? + 1 == self.compositions.len()
            && last("SELECT coalesce(max(id) + 1, 0) FROM model")? == self.models.len()
            && last("SELECT coalesce(max(id) + 1, 0) FROM agent")? == self.agents.len())
    }

    /// Reads the rows that are not known yet.
    pub fn follow(&mut self, db: &Connection) -> Result<()> {
        if self.compositions.is_empty() {
            self.compositions.push(Composition { metadata: Metadata::None, subjects: Arc::new([]) });
        }
        let last = FIRST as usize + self.uris.len();
        each(db, "SELECT id, uri FROM prompt_version_seen WHERE id >= ? ORDER BY id", last, |id, row| {
            let uri: PromptUri = row.get::<_, String>(1)?.parse().map_err(StoreError::corrupt)?;
            self.versions.insert(uri.clone(), id);
            self.uris.push(uri);
            Ok(self.uris.len() + FIRST as usize == id as usize + 1)
        })?;
        each(
            db,
            "SELECT id, metadata FROM composition WHERE id >= ? ORDER BY id",
            self.compositions.len(),
            |id, row| {
                let text: String = row.get(1)?;
                let metadata = parse(&text)?;
                let subjects = self
                    .subjects(&metadata, |d, uri| d.versions.get(uri).copied().ok_or_else(|| missing(uri)))?;
                if self.reads_only {
                    let metadata = Metadata::Text(text.into(), OnceLock::new());
                    self.compositions.push(Composition { metadata, subjects: subjects.into() });
                } else {
                    self.add_composition(Arc::new(metadata), subjects);
                }
                Ok(self.compositions.len() == id as usize + 1)
            },
        )?;
        each(
            db,
            "SELECT id, name, provider FROM model WHERE id >= ? ORDER BY id",
            self.models.len(),
            |id, row| {
                self.add_model(ModelName { name: row.get(1)?, provider: row.get(2)? });
                Ok(self.models.len() == id as usize + 1)
            },
        )?;
        each(db, "SELECT id, name FROM agent WHERE id >= ? ORDER BY id", self.agents.len(), |id, row| {
            let name: String = row.get(1)?;
            self.agent_ids.insert(name.clone(), id);
            self.agents.push(name);
            Ok(self.agents.len() == id as usize + 1)
        })
    }

    /// The composition of `metadata`, added if it is new.
    pub fn intern_composition(&mut self, db: &Connection, metadata: &Arc<PromptCallMetadata>) -> Result<u32> {
        let address = Arc::as_ptr(metadata) as usize;
        if let Some((_, id)) = self.shared.get(&address) {
            return Ok(*id);
        }
        let mut plain = Arc::clone(metadata);
        if plain.estimated_tokens.is_some() {
            Arc::make_mut(&mut plain).estimated_tokens = None;
        }
        let id = if let Some(&id) = self.composition_ids.get(&plain) {
            id
        } else {
            let subjects = self.subjects(&plain, |d, uri| d.intern_version(db, uri))?;
            let text = serde_json::to_string(&*plain).map_err(StoreError::corrupt)?;
            db.prepare_cached("INSERT INTO composition (id, metadata) VALUES (?, ?)")?
                .execute(params![self.compositions.len() as i64, text])?;
            self.add_composition(plain, subjects)
        };
        if self.shared.len() >= 8192 {
            self.shared.clear();
        }
        self.shared.insert(address, (Arc::clone(metadata), id));
        Ok(id)
    }

    fn add_composition(
        &mut self,
        metadata: Arc<PromptCallMetadata>,
        subjects: Vec<(VersionId, Layer)>,
    ) -> u32 {
        let id = self.compositions.len() as u32;
        self.composition_ids.insert(Arc::clone(&metadata), id);
        self.compositions.push(Composition { metadata: Metadata::Read(metadata), subjects: subjects.into() });
        id
    }

    /// Each prompt version once: its layer where it has one, else directly.
    fn subjects(
        &mut self,
        metadata: &PromptCallMetadata,
        mut number: impl FnMut(&mut Self, &PromptUri) -> Result<VersionId>,
    ) -> Result<Vec<(VersionId, Layer)>> {
        let mut found: Vec<(VersionId, Layer)> = Vec::new();
        let layered = metadata.layers.iter().map(|l| (l.uri.at(l.version.clone()), Layer::from(l.scope)));
        let named = metadata.prompt_uris.iter().zip(&metadata.prompt_versions);
        let direct = named.map(|(uri, version)| (uri.at(version.clone()), Layer::Direct));
        for (uri, layer) in layered.chain(direct) {
            let id = number(self, &uri)?;
            if found.iter().all(|(known, _)| *known != id) {
                found.push((id, layer));
            }
        }
        Ok(found)
    }

    /// The number of a prompt version, added if it is new.
    pub fn intern_version(&mut self, db: &Connection, uri: &PromptUri) -> Result<VersionId> {
        if let Some(&id) = self.versions.get(uri) {
            return Ok(id);
        }
        let id = FIRST + self.uris.len() as u32;
        db.prepare_cached("INSERT INTO prompt_version_seen (id, uri) VALUES (?, ?)")?
            .execute(params![id, uri.to_string()])?;
        self.versions.insert(uri.clone(), id);
        self.uris.push(uri.clone());
        Ok(id)
    }

    /// The number of a model, added if it is new.
    pub fn intern_model(&mut self, db: &Connection, name: &str, provider: &str) -> Result<u32> {
        // Models are few: comparing is cheaper than allocating a key for each call.
        let known = self.models.iter().position(|m| m.name == name && m.provider == provider);
        if let Some(id) = known.filter(|_| self.models.len() <= 32) {
            return Ok(id as u32);
        }
        let model = ModelName { name: name.to_owned(), provider: provider.to_owned() };
        if let Some(&id) = self.model_ids.get(&model) {
            return Ok(id);
        }
        db.prepare_cached("INSERT INTO model (id, name, provider) VALUES (?, ?, ?)")?.execute(params![
            self.models.len() as i64,
            name,
            provider
        ])?;
        Ok(self.add_model(model))
    }

    fn add_model(&mut self, model: ModelName) -> u32 {
        let id = self.models.len() as u32;
        self.model_ids.insert(model.clone(), id);
        self.models.push(model);
        id
    }

    /// The number of an agent, added if it is new.
    pub fn intern_agent(&mut self, db: &Connection, name: &str) -> Result<u32> {
        if let Some(&id) = self.agent_ids.get(name) {
            return Ok(id);
        }
        let id = self.agents.len() as u32;
        db.prepare_cached("INSERT INTO agent (id, name) VALUES (?, ?)")?.execute(params![id, name])?;
        self.agents.push(name.to_owned());
        self.agent_ids.insert(name.to_owned(), id);
        Ok(id)
    }

    /// The composition with this number.
    pub fn composition(&self, id: u32) -> Result<&Composition> {
        self.compositions
            .get(id as usize)
            .ok_or_else(|| StoreError::corrupt(format_args!("composition {id} is missing")))
    }

    /// The model with this number.
    pub fn model(&self, id: u32) -> Result<&ModelName> {
        self.models.get(id as usize).ok_or_else(|| StoreError::corrupt(format_args!("model {id} is missing")))
    }

    /// The agent with this number.
    pub fn agent(&self, id: u32) -> Result<&str> {
        let found = self.agents.get(id as usize);
        found.map(String::as_str).ok_or_else(|| StoreError::corrupt(format_args!("agent {id} is missing")))
    }

    /// The prompt version with this number; `None` for the numbers that stand for none.
    pub fn uri(&self, id: VersionId) -> Option<&PromptUri> {
        self.uris.get(id.checked_sub(FIRST)? as usize)
    }

    /// All prompt versions seen in telemetry, with their numbers.
    pub fn versions(&self) -> impl Iterator<Item = (VersionId, &PromptUri)> {
        self.uris.iter().enumerate().map(|(i, uri)| (FIRST + i as u32, uri))
    }

    /// All models seen in telemetry, by number.
    pub fn models(&self) -> &[ModelName] {
        &self.models
    }

    /// How many compositions there are, the empty one included.
    pub fn compositions(&self) -> &[Composition] {
        &self.compositions
    }

    /// How far it goes now.
    pub fn mark(&self) -> Mark {
        Mark([self.uris.len(), self.compositions.len(), self.models.len(), self.agents.len()])
    }

    /// Forgets what was added after `mark`, because its transaction did not commit.
    pub fn back_to(&mut self, mark: Mark) {
        let Mark([uris, compositions, models, agents]) = mark;
        if self.uris.len() > uris {
            self.uris.truncate(uris);
            self.versions.retain(|_, id| (*id - FIRST) < uris as u32);
        }
        if self.compositions.len() > compositions {
            self.compositions.truncate(compositions);
            self.composition_ids.retain(|_, id| *id < compositions as u32);
            self.shared.clear();
        }
        if self.models.len() > models {
            self.models.truncate(models);
            self.model_ids.retain(|_, id| *id < models as u32);
        }
        if self.agents.len() > agents {
            self.agents.truncate(agents);
            self.agent_ids.retain(|_, id| *id < agents as u32);
        }
    }
}

fn missing(uri: &PromptUri) -> StoreError {
    StoreError::corrupt(format_args!("a composition names {uri}, which has no number"))
}

/// Hands rows that begin with an id to `add`, which says whether the number is the one that follows.
fn each(
    db: &Connection,
    sql: &str,
    from: usize,
    mut add: impl FnMut(u32, &Row<'_>) -> Result<bool>,
) -> Result<()> {
    let mut statement = db.prepare_cached(sql)?;
    let mut rows = statement.query([from as i64])?;
    while let Some(row) = rows.next()? {
        let id: u32 = row.get(0)?;
        if !add(id, row)? {
            return Err(StoreError::corrupt(format_args!("the dictionary has a gap before number {id}")));
        }
    }
    Ok(())
}

impl crate::engine::performance::Names for Dictionary {
    fn model(&self, model: u32) -> &str {
        self.models.get(model as usize).map_or("", |m| &m.name)
    }

    fn version(&self, version: VersionId) -> Option<&semver::Version> {
        self.uri(version)?.version.as_ref()
    }
}
