//! What console, command line and server may ask for. Wires the rooms together; computes nothing itself.
//!
//! Start with [`Service::open`]. Every question reads one consistent state of the store.

mod catalog;
mod error;
mod standings;
mod watch;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use semver::Version;

pub use catalog::Catalog;
pub use error::{Result, ServiceError};
pub use standings::{LiveBoard, Standings};
pub use watch::Watch;

use crate::config::Config;
use crate::demo::{Publication, World};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::domain::model::{ModelCard, PriceRow};
use crate::domain::prompt_file::PromptFile;
use crate::domain::snapshot::PromptPerformanceSnapshot;
use crate::domain::window::Window;
use crate::engine::price::Prices;
use crate::engine::rollup::{Cell, CellKey, Cells, VersionId};
use crate::engine::{affinity, performance};
use crate::intake::events::derived_id;
use crate::intake::{Intake, IntakeError, Options, Preparation, Receipt, prices};
use crate::store::prompts::{Activation, Deed};
use crate::store::telemetry::{
    CallQuery, Dictionary, KeptCall, Put, TelemetryReader, TelemetryWriter, Totals,
};
use crate::store::{Access, Kind, Reader, Store, StoreError};

/// A store with its configuration.
#[derive(Debug)]
pub struct Service {
    config: Config,
    store: Store,
}

/// A prompt's performance: the snapshot, and its affinities, best first.
#[derive(Debug)]
pub struct Performance {
    /// The seed's snapshot with its evidence.
    pub snapshot: PromptPerformanceSnapshot,
    /// The seed's affinities with their evidence.
    pub affinities: Vec<PromptModelAffinity>,
    /// The version that is active now, if the prompt is published.
    pub active: Option<Version>,
}

/// The window that can be answered exactly: where only whole days are known, its edges move out to these.
pub fn answerable(reader: &Reader, window: Window) -> Result<Window> {
    const DAY: i64 = 24 * HOUR_MS;
    let exact_from = i64::from(reader.exact_from()?) * HOUR_MS;
    let to_day = |at: Millis, day: Millis| if at < exact_from { day * DAY } else { at };
    Ok(Window {
        from_ms: to_day(window.from_ms, window.from_ms.div_euclid(DAY)),
        to_ms: to_day(window.to_ms, (window.to_ms + DAY - 1).div_euclid(DAY)),
    })
}

/// Wall clock, ms.
pub fn now() -> Millis {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_millis() as Millis)
}

impl Service {
    /// Opens the configured store.
    pub fn open(config: Config, access: Access) -> Result<Service> {
        let store = Store::open(&config.store, access)?;
        Ok(Service { config, store })
    }

    /// The store's file.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// A consistent view of the store.
    pub fn read(&self) -> Result<Reader> {
        Ok(self.store.read()?)
    }

    /// Which prompts there are.
    pub fn catalog(&self) -> Result<Catalog> {
        Catalog::read(&self.read()?)
    }

    /// Ends the writer: sweeps once a day, and leaves the journal short.
    pub fn close(self) -> Result<()> {
        if self.store.has_written() && self.store.write(|tx| tx.sweep_is_due())? {
            self.sweep()?;
        }
        Ok(self.store.close()?)
    }

    /// Begins an intake.
    pub fn intake(&self) -> Result<Intake<'_>> {
        Ok(Intake::new(&self.store, Arc::new(self.preparation()?), now()))
    }

    fn preparation(&self) -> Result<Preparation> {
        let reader = self.read()?;
        let published = reader.published()?;
        Ok(Preparation {
            options: Options { scores: self.config.scores.clone(), ..Options::default() },
            identity: self.config.identity.clone(),
            prices: Prices::new(Self::prices(&reader)?.0),
            active: Box::new(move |uri, at| published.get(uri)?.active_at(at).cloned()),
            shared: Mutex::default(),
        })
    }

    /// The price table in force, and whether it is the built-in one.
    fn prices(reader: &Reader) -> Result<(Vec<PriceRow>, bool)> {
        let imported = reader.prices()?;
        Ok(if imported.is_empty() { (prices::bundled().prices, true) } else { (imported, false) })
    }

    /// The cells of a window, exact to the millisecond: whole hours from roll-ups, the edges from the calls.
    pub fn cells(
        reader: &Reader,
        dictionary: &Dictionary,
        window: Window,
        versions: Option<&[VersionId]>,
    ) -> Result<Cells> {
        let mut cells = Cells::default();
        let edges = answerable(reader, window)?.edges();
        reader.cells(edges.hours, false, versions, &mut |_, key, cell| {
            cells.entry(key).or_default().merge(cell, 1);
        })?;
        for part in edges.partial {
            let mut failed = Ok(());
            reader.deltas(
                part.start,
                part.end,
                &mut |delta| match dictionary.composition(delta.composition) {
                    Err(error) => failed = Err(error),
                    Ok(composition) => delta.each(&composition.subjects, |key, delta| {
                        if versions.is_none_or(|v| v.binary_search(&key.version).is_ok()) {
                            delta.add_to(cells.entry(key).or_default());
                        }
                    }),
                },
            )?;
            failed?;
        }
        cells.retain(|_, cell| !cell.is_empty());
        Ok(cells)
    }

    /// How the prompt that `name` names performed; of one version if given.
    pub fn performance(&self, name: &str, window: Window, version: Option<&str>) -> Result<Performance> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let (uri, named) = catalog.find(name)?;
        let version = match version {
            Some(v) => Some(catalog.version(&uri, v)?),
            None => named,
        };
        let own = catalog.numbers(&uri, version.as_ref());
        let task_type = catalog.task_type(&uri);
        let mut peers: Vec<Vec<VersionId>> = vec![own];
        let others = catalog.prompts().filter(|p| **p != uri && catalog.task_type(p) == task_type);
        peers.extend(others.map(|p| catalog.numbers(p, None)).filter(|numbers| !numbers.is_empty()));
        let mut numbers: Vec<VersionId> = peers.iter().flatten().copied().collect();
        numbers.sort_unstable();
        let cells = Self::cells(&reader, &catalog.dictionary, window, Some(&numbers))?;
        let of = |versions: &[VersionId]| -> Vec<(CellKey, &Cell)> {
            let mut found: Vec<_> = cells
                .iter()
                .filter(|(key, _)| versions.contains(&key.version))
                .map(|(key, cell)| (*key, cell))
                .collect();
            found.sort_unstable_by_key(|(key, _)| *key);
            found
        };
        let rows: Vec<Vec<(CellKey, &Cell)>> = peers.iter().map(|p| of(p)).collect();
        let models = catalog.dictionary.models();
        let model = |id: u32| models.get(id as usize).map_or("", |m| m.name.as_str());
        let affinities = affinity::affinities(&uri, 0, &rows, model);
        let mine = rows[0].iter().map(|(key, cell)| (*key, *cell));
        let snapshot = performance::snapshot(&uri, window, mine, &catalog.dictionary, &affinities);
        let active = catalog.published.get(&uri).and_then(|p| p.active.clone());
        Ok(Performance { snapshot, affinities, active })
    }

    /// Everything that a leaderboard of the window ranks.
    pub fn standings(&self, window: Window) -> Result<Standings> {
        let reader = self.read()?;
        let catalog = Catalog::read(&reader)?;
        let cells = Self::cells(&reader, &catalog.dictionary, window, None)?;
        Ok(Standings::of(&catalog, cells))
    }

    /// Hands the calls that match to `each`, newest first, until it says false.
    pub fn calls(&self, query: &CallQuery, each: &mut dyn FnMut(KeptCall) -> bool) -> Result<()> {
        Ok(self.read()?.calls(query, each)?)
    }

    /// The call with this id.
    pub fn call(&self, provenance_id: &str) -> Result<KeptCall> {
        let mut found = None;
        let query = CallQuery { provenance: Some(provenance_id.to_owned()), ..CallQuery::default() };
        self.calls(&query, &mut |call| {
            found = Some(call);
            false
        })?;
        found.ok_or_else(|| ServiceError::NoCall(provenance_id.to_owned()))
    }

    /// Records a signal about a call, by hand. The call must be there: a typing error would wait for ever.
    pub fn add_feedback(
        &self,
        provenance_id: &str,
        signal: Signal,
        source: Source,
        detail: Option<String>,
    ) -> Result<(Feedback, Put)> {
        self.call(provenance_id)?;
        let at = now();
        let feedback = Feedback {
            id: derived_id(provenance_id, signal, source, detail.as_deref(), Some(at)),
            target: Target { alias: alias::provenance(provenance_id), text: provenance_id.to_owned() },
            signal: Some(signal),
            source,
            detail,
            at,
        };
        let put = feedback.clone();
        let put = self.store.write(move |tx| tx.telemetry.put_feedback(&put))?;
        Ok((feedback, put))
    }

    /// Adds a table of prices and model cards; what changed.
    pub fn import_models(
        &self,
        prices: Vec<PriceRow>,
        cards: Vec<ModelCard>,
    ) -> Result<crate::store::models::Imported> {
        Ok(self.store.write(move |tx| tx.import_models(&prices, &cards))?)
    }

    /// The price table and the model cards in force.
    pub fn model_table(&self) -> Result<ModelTable> {
        let reader = self.read()?;
        let (prices, bundled) = Self::prices(&reader)?;
        let cards = if bundled { prices::bundled().cards } else { reader.model_cards()? };
        Ok(ModelTable { prices, cards, bundled })
    }

    /// Publishes the prompts of a demo world, and counts its traffic through the ordinary intake.
    pub fn make_demo(&self, world: &World) -> std::result::Result<Receipt, IntakeError> {
        let publications: Vec<Publication> = world.prompts().collect();
        self.store.write(move |tx| {
            for publication in &publications {
                let file = PromptFile::parse(&publication.uri.to_string(), publication.text.as_bytes())
                    .map_err(StoreError::corrupt)?;
                let deed = Deed { at: publication.active_from, actor: "demo", reason: None };
                tx.publish(&file, Activation::AsOfThen, deed)?;
            }
            Ok(())
        })?;
        let mut intake = self.intake().map_err(|e| StoreError::new(Kind::Failed, e.to_string()))?;
        world.traffic().try_for_each(|event| intake.event(event))?;
        intake.finish()
    }

    /// Checks the file and the roll-ups: what is wrong, and how many cells were compared.
    pub fn check(&self) -> Result<(Vec<String>, usize)> {
        let reader = self.read()?;
        let mut faults = Vec::new();
        // Damage that ends a check is what the check was for.
        let mut said = |error: StoreError| {
            if error.kind != Kind::Corrupt {
                return Err(error);
            }
            faults.push(error.to_string());
            Ok(())
        };
        let found = reader.integrity().or_else(|e| said(e).map(|()| Vec::new()))?;
        let (cells, differ) = reader.verify_rollups().or_else(|e| said(e).map(|()| (0, Vec::new())))?;
        faults.extend(found);
        if let Some((hour, key)) = differ.first() {
            let n = differ.len();
            faults.push(format!(
                "{n} of {cells} cells are not the fold of the kept calls; the first: hour {hour}, {key:?}"
            ));
        }
        Ok((faults, cells))
    }

    /// Quarantined inputs by reason, most first.
    pub fn quarantine(&self) -> Result<Vec<(String, i64)>> {
        Ok(self.read()?.quarantine_reasons()?)
    }

    /// Lets go of what retention says is too old; calls and rows of cells that went.
    pub fn sweep(&self) -> Result<(usize, usize)> {
        let keep = self.config.retention;
        let (mut calls, mut rows) = (0, 0);
        loop {
            let swept = self.store.write(move |tx| tx.sweep(&keep))?;
            calls += swept.calls;
            rows += swept.cells;
            if !swept.more {
                return Ok((calls, rows));
            }
        }
    }

    /// Totals, and when the calls began and ended.
    pub fn totals(&self) -> Result<(Totals, Option<(Millis, Millis)>)> {
        let reader = self.read()?;
        Ok((reader.totals()?, reader.span()?))
    }
}

/// What is known of models.
#[derive(Debug)]
pub struct ModelTable {
    /// Dated prices.
    pub prices: Vec<PriceRow>,
    /// Capabilities and limits.
    pub cards: Vec<ModelCard>,
    /// Whether this is the built-in table.
    pub bundled: bool,
}
