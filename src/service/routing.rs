//! Which models serve a prompt: its affinities, and where its calls go.

use std::collections::{BTreeMap, BTreeSet};

use semver::Version;

use super::catalog::Catalog;
use super::cells::{answerable, each_cell};
use super::error::{Result, ServiceError};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::model::{Capability, Day};
use crate::domain::prompt::PromptUri;
use crate::domain::route::RouteTable;
use crate::domain::window::Window;
use crate::engine::affinity::{self, Evidence};
use crate::engine::cards::{Cards, Facts};
use crate::engine::rollup::{Cell, CellKey, Hour, VersionId};
use crate::engine::route::{self, Candidate, Demand, Recent};
use crate::store::Reader;
use crate::store::telemetry::{Dictionary, TelemetryReader};

/// Hours, the current one included, by whose calls it is judged whether a model answers at all.
const HEALTH_HOURS: Hour = 3;

/// What the caller asks of a model, beyond what the prompt's file requires.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// What it must be able to do.
    pub needs: Vec<Capability>,
    /// The most that a call may cost on average, US dollars.
    pub max_cost_usd: Option<f64>,
    /// Models that must not be used.
    pub excluded: Vec<String>,
}

/// A prompt among the prompts of its task type, in a window.
pub struct Circle {
    uri: PromptUri,
    evidence: BTreeMap<CellKey, Evidence>,
    /// Which of the prompts a version belongs to: 0 is the prompt itself.
    places: BTreeMap<VersionId, usize>,
    prompts: usize,
}

impl Circle {
    /// Reads it; of the prompt's own versions only `version`, if given.
    pub fn read(
        reader: &Reader,
        catalog: &Catalog,
        uri: &PromptUri,
        version: Option<&Version>,
        window: Window,
    ) -> Result<Circle> {
        let mut peers: Vec<Vec<VersionId>> = vec![catalog.numbers(uri, version)];
        peers.extend(
            catalog.peers(uri).map(|p| catalog.numbers(p, None)).filter(|numbers| !numbers.is_empty()),
        );
        let owners = peers.iter().enumerate();
        let places: BTreeMap<VersionId, usize> =
            owners.flat_map(|(place, numbers)| numbers.iter().map(move |id| (*id, place))).collect();
        // The fleet's cells say which models are in use at all.
        let numbers: Vec<VersionId> = [CellKey::FLEET].into_iter().chain(places.keys().copied()).collect();
        let mut evidence: BTreeMap<CellKey, Evidence> = BTreeMap::new();
        let last_day = day_of(window.to_ms - 1);
        each_cell(reader, &catalog.dictionary, window, Some(&numbers), &mut |hour, key, cell| {
            // By calendar day: whether hours are still known apart makes no difference.
            let age = last_day - day_of(Millis::from(hour) * HOUR_MS);
            evidence.entry(key).or_default().add(cell, f64::from(age));
        })?;
        evidence.retain(|_, evidence| !evidence.cell.is_empty());
        Ok(Circle { uri: uri.clone(), evidence, places, prompts: peers.len() })
    }

    /// The prompt's own cells.
    pub fn own(&self) -> impl Iterator<Item = (CellKey, &Evidence)> {
        let own = |key: &CellKey| self.places.get(&key.version) == Some(&0);
        self.evidence.iter().filter(move |(key, _)| own(key)).map(|(key, evidence)| (*key, evidence))
    }

    /// How the prompt's models serve it, best first.
    pub fn affinities(&self, catalog: &Catalog) -> Vec<PromptModelAffinity> {
        affinity::affinities(&self.uri, 0, &self.rows(), |id| name(&catalog.dictionary, id))
    }

    /// The cells of each prompt.
    fn rows(&self) -> Vec<Vec<(CellKey, &Evidence)>> {
        let mut rows = vec![Vec::new(); self.prompts];
        for (key, evidence) in &self.evidence {
            if let Some(&place) = self.places.get(&key.version) {
                rows[place].push((*key, evidence));
            }
        }
        rows
    }

    /// All calls of the window, by model.
    fn fleet(&self) -> impl Iterator<Item = (u32, &Cell)> {
        let fleet = self.evidence.iter().filter(|(key, _)| key.version == CellKey::FLEET);
        fleet.map(|(key, evidence)| (key.model, &evidence.cell))
    }
}

fn day_of(at: Millis) -> i32 {
    Day::of(at).0
}

fn name(dictionary: &Dictionary, model: u32) -> &str {
    dictionary.models().get(model as usize).map_or("", |m| m.name.as_str())
}

/// A model by name, as it was used: all providers together.
#[derive(Default)]
struct Use {
    facts: Option<Facts>,
    fleet: Cell,
    own: Cell,
    recent: Recent,
}

/// Where a prompt's calls go, by the evidence of the window. Candidates are the models that answered any calls in
/// it (in an empty window: ever), and the one that the prompt's file names.
pub fn route(
    reader: &Reader,
    cards: &Cards,
    prompt: &str,
    window: Window,
    wish: &Wish,
) -> Result<RouteTable> {
    let window = answerable(reader, window)?;
    let catalog = Catalog::read(reader)?;
    let (uri, version) = catalog.find(prompt)?;
    let published = catalog.published.get(&uri);
    let asked = published.and_then(|p| p.asked(version.as_ref()));
    let mut needs = wish.needs.clone();
    for word in asked.map_or(&[][..], |asked| &asked.requires) {
        needs
            .push(word.parse().map_err(|why| ServiceError::Requirement { uri: Box::new(uri.clone()), why })?);
    }
    needs.sort_unstable();
    needs.dedup();
    let circle = Circle::read(reader, &catalog, &uri, version.as_ref(), window)?;
    let named = asked.and_then(|asked| asked.model.as_deref());
    let uses = uses_of(reader, cards, &catalog, &circle, named, window)?;
    let candidates: Vec<Candidate> = uses
        .iter()
        .map(|(model, used)| Candidate {
            model,
            facts: used.facts.unwrap_or_default(),
            cost_usd: used.own.known_cost_usd().or(used.fleet.known_cost_usd()),
            recent: used.recent,
            base: 1.0,
            named: named == Some(*model),
        })
        .collect();
    if candidates.is_empty() {
        return Err(ServiceError::NoModels(Box::new(uri)));
    }
    let demand = Demand {
        needs,
        max_cost_usd: wish.max_cost_usd,
        excluded: wish.excluded.clone(),
        day: Some(Day::of(window.to_ms - 1)),
    };
    let eligible: BTreeSet<&str> = candidates
        .iter()
        .filter(|candidate| route::obstacles(candidate, &demand).is_empty())
        .map(|candidate| candidate.model)
        .collect();
    let model = |id| name(&catalog.dictionary, id);
    let standings = affinity::standings(0, &circle.rows(), model, Some(&eligible));
    let table = route::table(&uri, window, &candidates, &demand, &standings);
    if table.models.is_empty() {
        return Err(ServiceError::NoneEligible(Box::new(table)));
    }
    Ok(table)
}

/// The models that may be candidates, by name.
fn uses_of<'c>(
    reader: &Reader,
    cards: &Cards,
    catalog: &'c Catalog,
    circle: &Circle,
    named: Option<&'c str>,
    window: Window,
) -> Result<BTreeMap<&'c str, Use>> {
    let dictionary = &catalog.dictionary;
    let mut uses: BTreeMap<&str, Use> = BTreeMap::new();
    let mut in_use: Vec<u32> = circle.fleet().map(|(id, _)| id).collect();
    if in_use.is_empty() {
        in_use.extend(0..dictionary.models().len() as u32);
    }
    for id in in_use {
        let provider = dictionary.models().get(id as usize).map(|m| m.provider.as_str());
        let facts = cards.of(name(dictionary, id), provider);
        let entry = uses.entry(name(dictionary, id)).or_default();
        entry.facts = Some(entry.facts.map_or(facts, |others| others.agreed(facts)));
    }
    uses.remove("");
    if let Some(model) = named {
        let entry = uses.entry(model).or_default();
        entry.facts = entry.facts.or_else(|| Some(cards.of(model, None)));
    }
    for (id, cell) in circle.fleet() {
        uses.entry(name(dictionary, id)).or_default().fleet.merge(cell, 1);
    }
    for (key, evidence) in circle.own() {
        uses.entry(name(dictionary, key.model)).or_default().own.merge(&evidence.cell, 1);
    }
    let now = (window.to_ms - 1).div_euclid(HOUR_MS) as Hour + 1;
    reader.cells(now - HEALTH_HOURS..now, true, Some(&[CellKey::FLEET]), &mut |_, key, cell| {
        if let Some(used) = uses.get_mut(name(dictionary, key.model)) {
            used.recent.calls += cell.calls;
            used.recent.ok += cell.ok;
        }
    })?;
    Ok(uses)
}
