//! Prompts against models: the affinities of the whole fleet in one pass over the cells of a window.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::wish::{AffinityGrid, AffinityLine};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::model::Day;
use crate::domain::prompt::PromptUri;
use crate::domain::window::{Window, WindowSpec};
use crate::engine::affinity::{ByModel, affinities_of_peers};
use crate::engine::performance::recommended;
use crate::engine::rollup::CellKey;
use crate::service::catalog::Catalog;
use crate::service::cells::each_cell;
use crate::service::error::Result;
use crate::store::Reader;

/// Prompts in a grid, at most.
const PROMPTS: usize = 2_000;
/// Models in a grid, at most.
const MODELS: usize = 40;

/// A grid that is kept, for the lines of boards.
#[derive(Debug)]
pub struct Grid {
    /// The window that was asked for.
    pub spec: WindowSpec,
    /// Its page.
    pub page: Arc<AffinityGrid>,
    places: FxHashMap<String, usize>,
    /// Until when it stands, ms.
    pub until: Millis,
}

impl Grid {
    /// Keeps one.
    pub fn new(spec: WindowSpec, page: Arc<AffinityGrid>, until: Millis) -> Grid {
        let lines = page.lines.iter().enumerate();
        let places = lines.map(|(place, line)| (line.uri.to_string(), place)).collect();
        Grid { spec, page, places, until }
    }

    /// The model that serves a prompt best, its score, and whether there is enough evidence to recommend it.
    pub fn best(&self, prompt: &str) -> Option<(String, f64, bool)> {
        let line = &self.page.lines[*self.places.get(prompt)?];
        let known = line.cells.iter().enumerate().filter_map(|(place, cell)| Some((place, cell.as_ref()?)));
        let by_score = known.max_by(|(_, a), (_, b)| a.affinity_score.total_cmp(&b.affinity_score));
        let recommended = line.recommended.and_then(|place| Some((place, line.cells[place].as_ref()?)));
        let (place, best) = recommended.or(by_score)?;
        Some((best.model_id.clone(), best.affinity_score, line.recommended == Some(place)))
    }
}

/// The evidence of a window by prompt and model.
struct Fleet<'c> {
    prompts: Vec<&'c PromptUri>,
    rows: Vec<ByModel<'c>>,
    /// Calls by model, whatever the prompt.
    models: BTreeMap<&'c str, i64>,
}

impl<'c> Fleet<'c> {
    fn read(
        reader: &Reader,
        catalog: &'c Catalog,
        window: Window,
        place: &FxHashMap<u32, u32>,
    ) -> Result<Self> {
        let dictionary = &catalog.dictionary;
        let name = |model: u32| dictionary.models().get(model as usize).map_or("", |m| m.name.as_str());
        let prompts: Vec<&PromptUri> = catalog.prompts().collect();
        let mut fleet = Fleet { rows: vec![ByModel::new(); prompts.len()], prompts, models: BTreeMap::new() };
        let last_day = Day::of(window.to_ms - 1).0;
        each_cell(reader, dictionary, window, None, &mut |hour, key, cell| {
            if key.version == CellKey::FLEET {
                *fleet.models.entry(name(key.model)).or_default() += cell.calls;
            } else if let Some(place) = place.get(&key.version) {
                let age = last_day - Day::of(Millis::from(hour) * HOUR_MS).0;
                let evidence = fleet.rows[*place as usize].entry(name(key.model)).or_default();
                evidence.add(cell, f64::from(age));
            }
        })?;
        for row in &mut fleet.rows {
            row.retain(|_, evidence| !evidence.cell.is_empty());
        }
        Ok(fleet)
    }

    fn calls(&self, prompt: usize) -> i64 {
        self.rows[prompt].values().map(|evidence| evidence.cell.calls).sum()
    }
}

/// Prompts of one task type that are used together in some call: they are no peers of each other.
fn besides(catalog: &Catalog, place: &FxHashMap<u32, u32>, types: &[u32]) -> FxHashMap<u32, BTreeSet<u32>> {
    let mut besides: FxHashMap<u32, BTreeSet<u32>> = FxHashMap::default();
    for composition in catalog.dictionary.compositions() {
        let of = |(version, _): &(u32, _)| place.get(version).copied();
        let together: Vec<u32> = composition.subjects.iter().filter_map(of).collect();
        for &a in &together {
            let others = together.iter().filter(|b| **b != a && types[**b as usize] == types[a as usize]);
            for &b in others {
                besides.entry(a).or_default().insert(b);
            }
        }
    }
    besides
}

/// The grid of a window that can be answered.
pub fn grid(reader: &Reader, catalog: &Catalog, window: Window, now: Millis) -> Result<AffinityGrid> {
    let mut place: FxHashMap<u32, u32> = FxHashMap::default();
    let mut types: Vec<u32> = Vec::new();
    let mut numbered: FxHashMap<String, u32> = FxHashMap::default();
    let mut members: Vec<Vec<u32>> = Vec::new();
    for (index, uri) in catalog.prompts().enumerate() {
        let fresh = members.len() as u32;
        let of = *numbered.entry(catalog.task_type(uri)).or_insert(fresh);
        if of == fresh {
            members.push(Vec::new());
        }
        types.push(of);
        let numbers = catalog.numbers(uri, None);
        // What was never called teaches nothing.
        if !numbers.is_empty() {
            members[of as usize].push(index as u32);
        }
        place.extend(numbers.into_iter().map(|number| (number, index as u32)));
    }
    let fleet = Fleet::read(reader, catalog, window, &place)?;
    let besides = besides(catalog, &place, &types);

    let mut shown: Vec<u32> = (0..fleet.prompts.len() as u32).collect();
    let calls: Vec<i64> = (0..fleet.prompts.len()).map(|prompt| fleet.calls(prompt)).collect();
    shown.sort_by_key(|prompt| -calls[*prompt as usize]);
    shown.truncate(PROMPTS);
    let mut models: Vec<(&str, i64)> = fleet.models.iter().map(|(name, calls)| (*name, *calls)).collect();
    models.retain(|(_, calls)| *calls > 0);
    let all = (fleet.prompts.len(), models.len());
    models.sort_by_key(|(_, calls)| -calls);
    models.truncate(MODELS);

    // Prompts with the same peers learn from them together.
    let none = BTreeSet::new();
    let mut circles: BTreeMap<(u32, &BTreeSet<u32>), Vec<u32>> = BTreeMap::new();
    for &prompt in shown.iter().filter(|prompt| calls[**prompt as usize] > 0) {
        circles
            .entry((types[prompt as usize], besides.get(&prompt).unwrap_or(&none)))
            .or_default()
            .push(prompt);
    }
    let mut affinities: FxHashMap<u32, Vec<PromptModelAffinity>> = FxHashMap::default();
    for ((of, beside), asked) in circles {
        let peers: Vec<u32> = members[of as usize].iter().copied().filter(|p| !beside.contains(p)).collect();
        let rows: Vec<&ByModel<'_>> = peers.iter().map(|peer| &fleet.rows[*peer as usize]).collect();
        let own = |prompt: &u32| Some((fleet.prompts[*prompt as usize], peers.binary_search(prompt).ok()?));
        let placed: Vec<(&PromptUri, usize)> = asked.iter().filter_map(own).collect();
        affinities.extend(asked.into_iter().zip(affinities_of_peers(&rows, &placed)));
    }

    let line = |prompt: u32| {
        let uri = fleet.prompts[prompt as usize];
        let known = affinities.remove(&prompt).unwrap_or_default();
        let total = calls[prompt as usize];
        let on = |model: &str| fleet.rows[prompt as usize].get(model).map_or(0, |e| e.cell.calls);
        let best = recommended(&known).map(|best| best.model_id.clone());
        AffinityLine {
            uri: uri.clone(),
            scope: uri.scope(),
            calls: total.max(0) as u64,
            dominant: models.iter().position(|(model, _)| 2 * on(model) > total),
            recommended: models.iter().position(|(model, _)| best.as_deref() == Some(model)),
            cells: models
                .iter()
                .map(|(model, _)| known.iter().find(|a| a.model_id == *model).cloned())
                .collect(),
        }
    };
    Ok(AffinityGrid {
        all,
        window,
        lines: shown.into_iter().map(line).collect(),
        models: models.iter().map(|(model, _)| (*model).to_owned()).collect(),
        as_of: now,
    })
}
