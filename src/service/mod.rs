//! What console, command line and server may ask for. Wires the rooms together; computes nothing itself.
//!
//! Start with [`Service::open`]. Every question reads one consistent state of the store.

pub mod agent_record;
mod audit;
mod by_hand;
mod catalog;
mod cells;
mod demo;
mod error;
mod findings;
pub mod live;
mod look;
mod outcome;
pub mod proposals;
mod receiver;
mod refinement;
mod regressions;
mod routing;
mod standings;
mod stewards;
mod watch;
mod world;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use semver::Version;

pub use audit::{Audit, LogQuery, inspect};
pub use catalog::Catalog;
pub use cells::answerable;
pub use error::{Result, ServiceError};
pub use receiver::Receiver;
pub use refinement::{Drafter, Idea, RunWish, Schedule};
pub use regressions::Regression;
pub use routing::Wish;
pub use standings::{LiveBoard, Standings};
pub use watch::Watch;
pub use world::Ground;

use crate::config::Config;
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::Millis;
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::domain::model::{ModelCard, PriceRow};
use crate::domain::prompt::PromptUri;
use crate::domain::route::RouteTable;
use crate::domain::snapshot::PromptPerformanceSnapshot;
use crate::domain::window::Window;
use crate::engine::cards::Cards;
use crate::engine::performance;
use crate::engine::price::Prices;
use crate::engine::rollup::{Cells, VersionId};
use crate::intake::events::derived_id;
use crate::intake::{Intake, Options, Preparation, prices};
use crate::store::telemetry::{
    CallQuery, Dictionary, KeptCall, Put, TelemetryReader, TelemetryWriter, Totals,
};
use crate::store::{Access, Reader, Store, StoreError};
use routing::Circle;

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
    /// The version that was asked for, if one was.
    pub version: Option<Version>,
}

/// The account that this runs under, by its name; whoever has no key is noted by it.
pub fn account() -> String {
    std::env::var("USER").or_else(|_| std::env::var("USERNAME")).unwrap_or_else(|_| "local".into())
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
        self.keep_up()?;
        Ok(self.store.close()?)
    }

    /// What a store that is written to needs now and then: a sweep once a day.
    pub fn keep_up(&self) -> Result<()> {
        if self.store.has_written() && self.store.write(|tx| tx.sweep_is_due())? {
            self.sweep()?;
        }
        Ok(())
    }

    /// Begins an intake.
    pub fn intake(&self) -> Result<Intake<'_>> {
        Ok(Intake::new(&self.store, Arc::new(self.preparation(&self.read()?)?), now()))
    }

    fn preparation(&self, reader: &Reader) -> Result<Preparation> {
        let published = reader.published()?;
        Ok(Preparation {
            options: Options { scores: self.config.scores.clone(), ..Options::default() },
            identity: self.config.identity.clone(),
            prices: Prices::new(Self::prices(reader)?.0),
            active: Box::new(move |uri, at| published.get(uri)?.active_at(at).cloned()),
            shared: Mutex::default(),
        })
    }

    /// The price table in force, and whether it is the built-in one.
    fn prices(reader: &Reader) -> Result<(Vec<PriceRow>, bool)> {
        let imported = reader.prices()?;
        Ok(if imported.is_empty() { (prices::bundled().prices, true) } else { (imported, false) })
    }

    /// The cells of a window that can be answered ([`answerable`]), exact to the millisecond: whole hours from roll-ups,
    /// the edges from the calls. Sums are those of [`Cell::merge_ranked`](crate::engine::rollup::Cell::merge_ranked).
    pub fn cells(
        reader: &Reader,
        dictionary: &Dictionary,
        window: Window,
        versions: Option<&[VersionId]>,
    ) -> Result<Cells> {
        let mut cells = Cells::default();
        cells::each_cell(reader, dictionary, window, versions, &mut |_, key, cell| {
            cells.entry(key).or_default().merge_ranked(cell, 1);
        })?;
        cells.retain(|_, cell| !cell.is_empty());
        Ok(cells)
    }

    /// How the prompt that `name` names performed; of one version if given.
    pub fn performance(&self, name: &str, window: Window, version: Option<&str>) -> Result<Performance> {
        let reader = self.read()?;
        let window = answerable(&reader, window)?;
        let catalog = Catalog::read(&reader)?;
        let (uri, named) = catalog.find(name)?;
        let version = match version {
            Some(v) => Some(catalog.version(&uri, v)?),
            None => named,
        };
        let circle = Circle::read(&reader, &catalog, &uri, version.as_ref(), window)?;
        Ok(Self::performance_in(&catalog, &uri, version, window, &circle))
    }

    /// [`performance`](Self::performance) of a prompt among its peers.
    fn performance_in(
        catalog: &Catalog,
        uri: &PromptUri,
        version: Option<Version>,
        window: Window,
        circle: &Circle,
    ) -> Performance {
        let affinities = circle.affinities(catalog);
        let mine = circle.own().map(|(key, evidence)| (key, &evidence.cell));
        let snapshot = performance::snapshot(uri, window, mine, &*catalog.dictionary, &affinities);
        let active = catalog.published.get(uri).and_then(|p| p.active.clone());
        Performance { snapshot, affinities, active, version }
    }

    /// Where a prompt's calls go, by the evidence of the window. Candidates are the models that answered any calls in
    /// it (in an empty window: ever), and the one that the prompt's file names.
    pub fn route(&self, prompt: &str, window: Window, wish: &Wish) -> Result<RouteTable> {
        let cards = Cards::new(&self.model_table()?.cards);
        routing::route(&self.read()?, &cards, prompt, window, wish)
    }

    /// Everything that a leaderboard of the window ranks.
    pub fn standings(&self, window: Window) -> Result<Standings> {
        let reader = self.read()?;
        let window = answerable(&reader, window)?;
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

    /// Checks the file and the roll-ups: what is wrong, and how many cells were compared.
    pub fn check(&self) -> Result<(Vec<String>, usize)> {
        let reader = self.read()?;
        let mut faults = Vec::new();
        // Damage that ends a check is what the check was for.
        let mut said = |error: StoreError| error.damage().map(|fault| faults.push(fault));
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

    /// Bytes in use, and how many of them calls take, where the store is larger than `[retention]` allows.
    pub fn too_large(&self) -> Result<Option<(u64, u64)>> {
        let (used, calls) = self.read()?.bytes()?;
        let most = self.config.retention.max_bytes;
        Ok((most > 0 && used > most).then_some((used, calls)))
    }

    /// Quarantined inputs by reason, most first.
    pub fn quarantine(&self) -> Result<Vec<(String, i64)>> {
        Ok(self.read()?.quarantine_reasons()?)
    }

    /// Lets go of all quarantined inputs for good; how many.
    pub fn discard_quarantined(&self) -> Result<usize> {
        let reader = self.read()?;
        let (mut last, mut gone) = (0, 0);
        loop {
            let seqs: Vec<i64> = reader.quarantined(last, 256)?.into_iter().map(|(seq, _)| seq).collect();
            let Some(newest) = seqs.last() else { return Ok(gone) };
            (last, gone) = (*newest, gone + seqs.len());
            self.store.write(move |tx| seqs.iter().try_for_each(|seq| tx.release(*seq)))?;
        }
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
