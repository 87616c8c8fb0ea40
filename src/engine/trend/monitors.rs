//! The fold: all streams, moved on over closed hours.
//!
//! State is small, serializable, and depends on nothing but the cells, the task types and compositions of prompts, the acknowledgements
//! and the hour in which the fold began. Start with [`Monitors::advance`].

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::history::{DAY, Grouped, History, Keyed, Ledger, OUTER, WINDOW_DAYS, read_hour};
use super::reference::{Maker, Reference, by_prompt, counts, name_hash, subjects_of};
use super::{StreamId, Subject};
use crate::engine::rank::Roster;
use crate::engine::rollup::Hour;
use crate::engine::stats::detector::{Bets, Detector, POOLED_RATIOS, RATIOS, Seen};
use crate::engine::stats::logit::logistic;

/// A person has seen the stream: it starts anew at this hour.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acknowledged {
    /// From this hour on.
    pub hour: Hour,
    /// Which stream.
    pub stream: StreamId,
}

/// One stream's state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stream {
    /// Baselines do not reach back before this hour.
    pub since: Hour,
    /// The baseline in force; none until there is a day of history.
    pub reference: Option<Reference>,
    /// The evidence.
    pub detector: Detector,
    /// The evidence where units may depend on one another: an hour is one observation. Of prompts' feedback only.
    pub bets: Bets,
    /// Observations since the baseline was made.
    pub n: i64,
    /// The last hour with an observation.
    pub last: Option<Hour>,
    /// Of a pooled stream: by stratum, what it adds to the climb of each odds ratio.
    leads: Vec<[f64; 4]>,
}

impl Stream {
    fn new(since: Hour) -> Stream {
        Stream {
            since,
            reference: None,
            detector: Detector::new(since),
            bets: Bets::default(),
            n: 0,
            last: None,
            leads: Vec::new(),
        }
    }

    /// Whether the midnight that begins `day` makes a (new) baseline: the first after a day of history, then each time
    /// that the history has doubled, then every 28 days; never while something is building up.
    fn is_due(&self, day: i32) -> bool {
        let midnight = day * DAY;
        match &self.reference {
            None => midnight - self.since >= DAY && self.last.is_some_and(|last| last >= midnight - DAY),
            Some(frozen) => {
                let length = (frozen.until - frozen.from).clamp(DAY, WINDOW_DAYS * DAY);
                self.detector.evidence() < 1.0 && midnight - frozen.until >= length
            }
        }
    }

    fn rebase(&mut self, reference: Option<Reference>) {
        let Some(reference) = reference else { return };
        if self.reference.is_none() {
            self.detector = Detector::new(reference.until);
            self.bets = Bets::default();
        }
        self.n = 0;
        self.leads = vec![[0.0; 4]; reference.strata.len()];
        self.reference = Some(reference);
    }

    /// Takes in an hour: per stratum its number, bad and all observations.
    fn step(&mut self, id: &StreamId, hour: Hour, counted: &[(usize, i64, i64)]) {
        let Some(reference) = &self.reference else { return };
        let seen: Vec<Seen> = counted
            .iter()
            .map(|&(stratum, k, n)| Seen {
                k: k.min(n) as f64,
                n: n as f64,
                p0: logistic(reference.boundary(stratum, hour)),
            })
            .collect();
        let pooled = id.subject.is_pooled();
        let ratios = if pooled { &POOLED_RATIOS } else { &RATIOS };
        let lowest = self.detector.step(hour, 1.0, ratios, &seen);
        if pooled {
            for (&(stratum, ..), seen) in counted.iter().zip(&seen) {
                for (lead, ratio) in self.leads[stratum].iter_mut().zip(ratios) {
                    *lead += seen.ln_ratio(*ratio);
                }
            }
            for (rung, _) in lowest.iter().enumerate().filter(|(_, lowest)| **lowest) {
                self.leads.iter_mut().for_each(|lead| lead[rung] = 0.0);
            }
        } else if id.measure.is_feedback() {
            let (k, n) = seen.iter().fold((0.0, 0.0), |(k, n), s| (k + s.k, n + s.n));
            let p0 = seen.iter().map(|s| s.n * s.p0).sum::<f64>() / n;
            self.bets.step(1.0, k, n, p0);
        }
        self.n += counted.iter().map(|c| c.2).sum::<i64>();
    }

    /// The evidence that is left of a pooled stream without the `leave` prompts that add most to it, and these prompts,
    /// by the hash of their names, the first adding most.
    pub fn without_leaders(&self, leave: usize) -> (f64, Vec<u64>) {
        let Some(reference) = &self.reference else { return (0.0, Vec::new()) };
        let mut prompts: BTreeMap<u64, [f64; 4]> = BTreeMap::new();
        for (stratum, lead) in reference.strata.iter().zip(&self.leads) {
            let sum = prompts.entry(stratum.key.0).or_default();
            sum.iter_mut().zip(lead).for_each(|(sum, lead)| *sum += lead);
        }
        let leading = self.detector.leading();
        let mut order: Vec<(u64, [f64; 4])> = prompts.into_iter().collect();
        order.sort_by(|a, b| b.1[leading].total_cmp(&a.1[leading]).then(a.0.cmp(&b.0)));
        order.truncate(leave);
        let rest = self.detector.rungs.iter().enumerate().map(|(j, rung)| {
            let lead: f64 = order.iter().map(|(_, lead)| lead[j].max(0.0)).sum();
            rung.mass * (-lead).exp()
        });
        (rest.sum(), order.into_iter().map(|(prompt, _)| prompt).collect())
    }
}

/// All streams.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Monitors {
    /// The midnight at which the fold began.
    pub began: Hour,
    /// Hours before this one are in it.
    pub until: Hour,
    /// By name.
    pub streams: BTreeMap<StreamId, Stream>,
}

/// What a roster's numbers are called, and where in an hour's cells a prompt is.
struct Names<'a> {
    roster: &'a Roster<'a>,
    hashes: Vec<u64>,
}

impl Monitors {
    /// Monitors that begin with the day of `hour`.
    pub fn new(hour: Hour) -> Monitors {
        let began = hour.div_euclid(DAY) * DAY;
        Monitors { began, until: began, streams: BTreeMap::new() }
    }

    /// Moves all streams on to `open`, the first hour that is not closed. `acknowledged`: in order. `each_midnight` sees
    /// the monitors at each midnight that they pass, so that it can keep some.
    ///
    /// Costs what the hours hold; at a midnight that makes baselines, the days before it as well.
    pub fn advance<L: Ledger>(
        &mut self,
        ledger: &mut L,
        roster: &Roster<'_>,
        acknowledged: &[Acknowledged],
        open: Hour,
        each_midnight: &mut dyn FnMut(&Monitors),
    ) -> Result<(), L::Error> {
        let names = Names { roster, hashes: roster.subjects.iter().map(|s| name_hash(&s.name)).collect() };
        let (mut history, mut met) = (History::default(), FxHashSet::default());
        while self.until < open {
            let day = self.until.div_euclid(DAY);
            if self.until == day * DAY {
                each_midnight(self);
                self.midnight(ledger, &names, &mut history, day)?;
            }
            let cells = read_hour(ledger, roster, self.until)?;
            self.meet(roster, &cells, &mut met);
            self.fold(&names, &cells, acknowledged);
            history.passed(self.until, &cells);
            self.until += 1;
        }
        Ok(())
    }

    /// Bad and all observations of these streams in the last `hours` closed ones.
    pub fn recent<L: Ledger>(
        &self,
        ledger: &mut L,
        roster: &Roster<'_>,
        streams: &[StreamId],
        hours: Hour,
    ) -> Result<Vec<(i64, i64)>, L::Error> {
        let names = Names { roster, hashes: roster.subjects.iter().map(|s| name_hash(&s.name)).collect() };
        let mut sums = vec![(0, 0); streams.len()];
        for hour in self.until - hours..self.until {
            let cells = read_hour(ledger, roster, hour)?;
            let observed = Observed::of(&names, &cells);
            for (sum, id) in sums.iter_mut().zip(streams) {
                let Some(stream) = self.streams.get(id) else { continue };
                for (_, k, n) in observed.count(id, stream) {
                    *sum = (sum.0 + k.min(n), sum.1 + n);
                }
            }
        }
        Ok(sums)
    }

    fn midnight<L: Ledger>(
        &mut self,
        ledger: &mut L,
        names: &Names<'_>,
        history: &mut History,
        day: i32,
    ) -> Result<(), L::Error> {
        let first = day * DAY == self.began;
        let due: Vec<StreamId> =
            self.streams.iter().filter(|(_, s)| s.is_due(day)).map(|(id, _)| id.clone()).collect();
        if due.is_empty() && !first {
            return Ok(());
        }
        history.load(ledger, names.roster, day)?;
        let maker = Maker::new(history, names.roster, &names.hashes, day);
        if first {
            // Whoever was there before the fold began needs no first day.
            for subject in maker.subjects() {
                for &measure in subject.measures() {
                    let mut stream = Stream::new((day - WINDOW_DAYS) * DAY);
                    stream.rebase(maker.make(&subject, measure, stream.since));
                    self.streams.insert(StreamId { subject: subject.clone(), measure }, stream);
                }
            }
        }
        for id in due {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.rebase(maker.make(&id.subject, id.measure, stream.since));
            }
        }
        Ok(())
    }

    /// Streams of those that are seen for the first time.
    fn meet(&mut self, roster: &Roster<'_>, cells: &Grouped, met: &mut FxHashSet<(u32, u32)>) {
        for ((prompt, model), _) in cells.iter().filter(|(key, _)| met.insert(*key)) {
            for subject in subjects_of(roster, *prompt, *model) {
                for &measure in subject.measures() {
                    let id = StreamId { subject: subject.clone(), measure };
                    self.streams.entry(id).or_insert_with(|| Stream::new(self.until));
                }
            }
        }
    }

    fn fold(&mut self, names: &Names<'_>, cells: &Grouped, acknowledged: &[Acknowledged]) {
        let (hour, observed) = (self.until, Observed::of(names, cells));
        let acknowledged: BTreeSet<&StreamId> =
            acknowledged.iter().filter(|a| a.hour == hour).map(|a| &a.stream).collect();
        for (id, stream) in &mut self.streams {
            if acknowledged.contains(id) {
                *stream = Stream { last: stream.last, ..Stream::new((hour.div_euclid(DAY) + 1) * DAY) };
            }
            let counted = observed.count(id, stream);
            if !counted.is_empty() {
                stream.last = Some(hour);
            }
            stream.step(id, hour, &counted);
        }
    }
}

/// An hour's cells, by what streams look for.
struct Observed<'a> {
    /// By [`name_hash`] of the prompt.
    prompts: FxHashMap<u64, &'a [Keyed]>,
    /// The prompts that ran on a model, with what they did on it.
    on_model: FxHashMap<&'a str, Vec<(u64, Vec<&'a Keyed>)>>,
    /// The prompts of a task type.
    of_task: FxHashMap<&'a str, Vec<u64>>,
}

impl<'a> Observed<'a> {
    fn of(names: &'a Names<'_>, cells: &'a Grouped) -> Observed<'a> {
        let mut observed = Observed {
            prompts: FxHashMap::default(),
            on_model: FxHashMap::default(),
            of_task: FxHashMap::default(),
        };
        for cells in by_prompt(cells) {
            let prompt = cells[0].0.0 as usize;
            let hash = names.hashes[prompt];
            observed.prompts.insert(hash, cells);
            observed.of_task.entry(&names.roster.subjects[prompt].task_type).or_default().push(hash);
            for cell in cells.iter().filter(|cell| cell.0.1 & OUTER == 0) {
                // Several providers may serve a model of one name.
                let model = names.roster.models.get(cell.0.1 as usize).map_or("", String::as_str);
                let on_model = observed.on_model.entry(model).or_default();
                match on_model.last_mut() {
                    Some((last, cells)) if *last == hash => cells.push(cell),
                    _ => on_model.push((hash, vec![cell])),
                }
            }
        }
        observed
    }

    /// Per stratum of the stream with observations: its number, bad ones, all. A stream without a baseline has a
    /// nameless one.
    fn count(&self, id: &StreamId, stream: &Stream) -> Vec<(usize, i64, i64)> {
        let parts = 0..id.measure.parts();
        let strata = stream.reference.as_ref().map_or(&[][..], |r| &r.strata);
        let mut counted = Vec::new();
        let mut add = |prompt: u64, cells: &mut dyn Iterator<Item = &'a Keyed>| {
            let cells: Vec<&Keyed> = cells.collect();
            for part in parts.clone() {
                let stratum = strata.binary_search_by_key(&(prompt, part), |s| s.key);
                let above = stratum.map_or(0, |at| strata[at].above);
                let (k, n) = counts(cells.iter().copied(), id.measure, part, above);
                // What has no baseline of its own waits for the next one.
                if n > 0 && (stratum.is_ok() || strata.is_empty()) {
                    counted.push((stratum.unwrap_or(0), k, n));
                }
            }
        };
        match &id.subject {
            Subject::Prompt(name) => {
                let hash = name_hash(name);
                if let Some(cells) = self.prompts.get(&hash) {
                    add(hash, &mut cells.iter());
                }
            }
            Subject::Model(name) => {
                for (hash, cells) in self.on_model.get(name.as_str()).into_iter().flatten() {
                    add(*hash, &mut cells.iter().copied());
                }
            }
            Subject::Task(name) => {
                for hash in self.of_task.get(name.as_str()).into_iter().flatten() {
                    add(*hash, &mut self.prompts[hash].iter().filter(|cell| cell.0.1 & OUTER == 0));
                }
            }
        }
        counted.sort_unstable_by_key(|c| c.0);
        counted
    }
}
