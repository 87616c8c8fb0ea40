//! Random histories against the plain truth: whatever order things come in, through however many writers, the
//! cells are the fold of what is kept, and what is kept is the last form of every call, once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use rusqlite::Connection;

use super::{CallQuery, KeptCall, Memory, NamedCall, Put, Retention, Tail, Telemetry, TelemetryWriter};
use crate::domain::call::{Call, HOUR_MS, Millis};
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};
use crate::domain::prompt::{CompositionMethod, PromptCallMetadata};
use crate::engine::rollup::{Cell, CellKey};
use crate::store::schema::{Access, connect};

struct Process {
    db: Connection,
    memory: Memory,
}

impl Process {
    fn open(path: &Path) -> Process {
        Process { db: connect(path, Access::Write).unwrap(), memory: Memory::default() }
    }

    fn write<R>(&mut self, work: impl FnOnce(&mut Telemetry<'_>) -> R) -> R {
        self.write_at(0, work)
    }

    fn write_at<R>(&mut self, now: Millis, work: impl FnOnce(&mut Telemetry<'_>) -> R) -> R {
        self.db.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.memory.follow(&self.db).unwrap();
        let mut telemetry = Telemetry::new(&self.db, &mut self.memory, now);
        let result = work(&mut telemetry);
        let page = telemetry.finish().unwrap();
        self.db.execute_batch("COMMIT").unwrap();
        if let Some((seq, page)) = page {
            self.memory.committed(seq, &page).unwrap();
        }
        result
    }

    /// A job whose work is undone, as when something later in it fails.
    fn fail(&mut self, work: impl FnOnce(&mut Telemetry<'_>)) {
        self.db.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.memory.follow(&self.db).unwrap();
        let mut telemetry = Telemetry::new(&self.db, &mut self.memory, 0);
        let savepoint = telemetry.savepoint();
        telemetry.db().execute_batch("SAVEPOINT job").unwrap();
        work(&mut telemetry);
        telemetry.db().execute_batch("ROLLBACK TO job; RELEASE job").unwrap();
        telemetry.back_to(savepoint);
        assert!(telemetry.finish().unwrap().is_none());
        self.db.execute_batch("COMMIT").unwrap();
    }

    fn flush(&mut self) {
        self.db.execute_batch("BEGIN IMMEDIATE").unwrap();
        self.memory.follow(&self.db).unwrap();
        self.memory.flush(&self.db, false).unwrap();
        self.db.execute_batch("COMMIT").unwrap();
        self.memory.flushed(&self.db).unwrap();
    }
}

fn metadata(which: u8) -> Option<Arc<PromptCallMetadata>> {
    let uris = match which % 4 {
        0 => return None,
        1 => vec!["prompt://core/a"],
        2 => vec!["prompt://org/O/b"],
        _ => vec!["prompt://core/a", "prompt://org/O/b"],
    };
    Some(Arc::new(PromptCallMetadata {
        prompt_uris: uris.iter().map(|u| u.parse().unwrap()).collect(),
        prompt_versions: uris.iter().map(|_| semver::Version::new(1, 0, u64::from(which / 4 % 2))).collect(),
        layers: Vec::new(),
        composition_method: CompositionMethod::Compose,
        variables_used: Vec::new(),
        estimated_tokens: (which > 100).then_some(u32::from(which)),
        org_id: "O".into(),
    }))
}

fn call(id: u8, form: u8) -> NamedCall {
    NamedCall {
        call: Call {
            provenance_id: format!("c{id}"),
            at: 400_000 * HOUR_MS + i64::from(id) * HOUR_MS / 3 + i64::from(form % 3),
            prompts: metadata(form),
            model: format!("m{}", form % 2),
            provider: form.is_multiple_of(5).then(|| "p".into()),
            input_tokens: Some(u32::from(form)),
            output_tokens: (!form.is_multiple_of(7)).then_some(3),
            cached_tokens: None,
            cost: (!form.is_multiple_of(3)).then_some(i64::from(form) * 1000),
            cost_estimated: form.is_multiple_of(2),
            duration_us: Some(u64::from(form) * 999),
            ttft_us: None,
            ok: !form.is_multiple_of(11),
            error: form.is_multiple_of(11).then(|| "boom".into()),
            agent: form.is_multiple_of(13).then(|| "agent://O/x".into()),
            session: id.is_multiple_of(3).then(|| format!("s{}", id % 2)),
            user: None,
        },
        // Several calls share a span's alias.
        aliases: vec![alias::association(&format!("t{}", id % 5))],
    }
}

fn feedback(id: u8, about: u8, hour: u8) -> Feedback {
    let (alias, text) = if about.is_multiple_of(4) {
        let text = format!("t{}", about % 5);
        (alias::association(&text), text)
    } else {
        let text = format!("c{}", about % 24);
        (alias::provenance(&text), text)
    };
    Feedback {
        id: format!("f{id}"),
        target: Target { alias, text },
        signal: (!id.is_multiple_of(9)).then_some(Signal::ALL[usize::from(id % 4)]),
        source: Source::ALL[usize::from(id % 3)],
        detail: None,
        at: 400_000 * HOUR_MS + i64::from(hour) * HOUR_MS / 4 + i64::from(id),
    }
}

#[derive(Debug, Clone)]
enum Step {
    Put(u8, u8),
    Correct(u8, u8),
    Retract(u8),
    Feedback(u8, u8, u8),
    /// A job that counts a call and then fails.
    Fail(u8, u8),
    Flush,
    /// Hours before this one (counted from the first) become days.
    Fold(u8),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..24, any::<u8>()).prop_map(|(id, form)| Step::Put(id, form)),
        2 => (0u8..24, any::<u8>()).prop_map(|(id, form)| Step::Correct(id, form)),
        1 => (0u8..24).prop_map(Step::Retract),
        4 => (0u8..60, any::<u8>(), any::<u8>()).prop_map(|(id, about, hour)| Step::Feedback(id, about, hour)),
        1 => (0u8..24, any::<u8>()).prop_map(|(id, form)| Step::Fail(id, form)),
        1 => Just(Step::Flush),
        1 => (0u8..100).prop_map(Step::Fold),
        1 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn cells_are_the_fold_of_what_is_kept(
        steps in prop::collection::vec((0usize..2, step()), 1..60),
        from in -30i32..60,
        length in 0i32..80,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s.db");
        let mut processes = [Process::open(&path), Process::open(&path)];
        let mut truth: BTreeMap<u8, NamedCall> = BTreeMap::new();
        let mut given: BTreeMap<u8, Feedback> = BTreeMap::new();
        for (which, step) in steps {
            let process = &mut processes[which];
            match step {
                Step::Put(id, form) => {
                    let put = process.write(|t| t.put_call(&call(id, form)).unwrap());
                    prop_assert_eq!(put == Put::Accepted, !truth.contains_key(&id));
                    truth.entry(id).or_insert_with(|| call(id, form));
                }
                Step::Correct(id, form) => {
                    let before = truth.get(&id).map(|c| c.call.at);
                    process.write(|t| t.correct_call(before, &call(id, form)).unwrap());
                    truth.insert(id, call(id, form));
                }
                Step::Retract(id) => {
                    let Some(known) = truth.remove(&id) else { continue };
                    prop_assert!(process.write(|t| t.retract_call(known.call.at, &known.call.provenance_id).unwrap()));
                }
                Step::Feedback(id, about, hour) => {
                    let put = process.write(|t| t.put_feedback(&feedback(id, about, hour)).unwrap());
                    prop_assert_eq!(put == Put::Accepted, !given.contains_key(&id));
                    given.entry(id).or_insert_with(|| feedback(id, about, hour));
                }
                Step::Fail(id, form) => process.fail(|t| {
                    t.put_call(&call(id, form)).unwrap();
                }),
                Step::Flush => process.flush(),
                Step::Fold(hours) => {
                    let keep = Retention { hour_days: 1, ..Retention::default() };
                    let now = (400_000 + 24 + i64::from(hours)) * HOUR_MS;
                    process.write_at(now, |t| t.sweep(&keep).unwrap());
                }
                Step::Reopen => *process = Process::open(&path),
            }
        }
        let db = connect(&path, Access::Read).unwrap();
        let dictionary = super::Dictionary::read(&db).unwrap();
        let tail = Tail::read(&db, Arc::clone(&dictionary)).unwrap();
        let (_, differ) = tail.verify(&db).unwrap();
        prop_assert!(differ.is_empty(), "{:?}", differ);

        for hourly in [false, true] {
            let window = 400_000 + from..400_000 + from + length;
            let (mut read, mut truth) = (BTreeMap::<CellKey, Cell>::new(), BTreeMap::<CellKey, Cell>::new());
            tail.cells(&db, window.clone(), hourly, None, &mut |_, key, cell| {
                read.entry(key).or_default().merge(cell, 1);
            })
            .unwrap();
            for ((_, key), cell) in &Tail::fold_calls(&db, &dictionary, &window).unwrap() {
                truth.entry(*key).or_default().merge(cell, 1);
            }
            read.retain(|_, cell| !cell.is_empty());
            truth.retain(|_, cell| !cell.is_empty());
            prop_assert_eq!(read, truth);
        }
        let mut kept = Vec::new();
        super::calls::read(&db, &dictionary, &CallQuery::default(), &mut |k: KeptCall| { kept.push(k); true }).unwrap();
        kept.sort_by(|a, b| a.call.provenance_id.cmp(&b.call.provenance_id));
        let mut expected: Vec<_> = truth.values().cloned().collect();
        expected.sort_by(|a, b| a.call.provenance_id.cmp(&b.call.provenance_id));
        prop_assert_eq!(kept.len(), expected.len());
        for (kept, expected) in kept.iter().zip(&expected) {
            prop_assert_eq!(&kept.call, &expected.call);
            let mut about: Vec<_> = given.values().filter(|f| {
                f.target.alias == alias::provenance(&expected.call.provenance_id) || expected.aliases.contains(&f.target.alias)
            }).cloned().collect();
            about.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
            prop_assert_eq!(&kept.feedback, &about);
        }
    }
}

/// Calls a few hours apart, so that sweeps by the day find some.
fn spread(id: u8, form: u8) -> NamedCall {
    let mut named = call(id, form);
    named.call.at += i64::from(id) * 7 * HOUR_MS;
    named
}

/// All that the store has ever counted, by cell.
fn all_time(path: &Path) -> BTreeMap<CellKey, Cell> {
    let db = connect(path, Access::Read).unwrap();
    let mut sums = BTreeMap::<CellKey, Cell>::new();
    let mut add = |_, key: CellKey, cell: &Cell| sums.entry(key).or_default().merge(cell, 1);
    tail(&db).cells(&db, 24 * 16_600..24 * 16_750, false, None, &mut add).unwrap();
    sums.retain(|_, cell| !cell.is_empty());
    sums
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    /// What a sweep lets go of stays counted, once, whatever is sent again.
    #[test]
    fn sweeps_change_no_total(steps in prop::collection::vec((0usize..2, step()), 1..60)) {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("swept.db"), dir.path().join("whole.db"));
        let mut processes = [Process::open(&path), Process::open(&path)];
        let mut whole = Process::open(&other);
        let mut known: BTreeMap<u8, NamedCall> = BTreeMap::new();
        let (mut judged, mut swept_to) = (BTreeSet::new(), 0);
        for (which, step) in steps {
            let process = &mut processes[which];
            match step {
                Step::Put(id, form) | Step::Fail(id, form) => {
                    let call = spread(id, form);
                    let put = process.write(|t| t.put_call(&call).unwrap());
                    prop_assert_eq!(put == Put::Expired, call.call.at < swept_to);
                    if put != Put::Expired {
                        prop_assert_eq!(whole.write(|t| t.put_call(&call).unwrap()), put);
                        known.entry(id).or_insert(call);
                    }
                }
                Step::Correct(id, form) => {
                    let (before, call) = (known.get(&id).map(|c| c.call.at), spread(id, form));
                    if process.write(|t| t.correct_call(before, &call).unwrap()) != Put::Expired {
                        whole.write(|t| t.correct_call(before, &call).unwrap());
                        known.insert(id, call);
                    }
                }
                Step::Retract(id) => {
                    // What was said of a call that is taken back waits for it, and a sweep may let go of it.
                    let Some(call) = known.get(&id).filter(|_| !judged.contains(&id)).map(|c| c.call.clone()) else {
                        continue;
                    };
                    if process.write(|t| t.retract_call(call.at, &call.provenance_id).unwrap()) {
                        prop_assert!(whole.write(|t| t.retract_call(call.at, &call.provenance_id).unwrap()));
                        known.remove(&id);
                    }
                }
                Step::Feedback(id, about, hour) => {
                    let mut given = feedback(id, about, hour);
                    let Some(call) = known.get(&(about % 24)).filter(|c| c.call.at >= swept_to) else { continue };
                    judged.insert(about % 24);
                    let target = &call.call.provenance_id;
                    given.id = format!("f{id}-{about}");
                    given.target = Target { alias: alias::provenance(target), text: target.clone() };
                    process.write(|t| t.put_feedback(&given).unwrap());
                    whole.write(|t| t.put_feedback(&given).unwrap());
                }
                Step::Flush => process.flush(),
                Step::Fold(hours) => {
                    let now = (400_000 + i64::from(hours) * 3) * HOUR_MS;
                    let keep = Retention { call_days: 2, hour_days: 1, ..Retention::default() };
                    while process.write_at(now, |t| t.sweep(&keep).unwrap()).more {}
                    let db = connect(&path, Access::Read).unwrap();
                    let from = Tail::detail(&db).unwrap().calls_from;
                    prop_assert!(from >= swept_to);
                    swept_to = from;
                }
                Step::Reopen => *process = Process::open(&path),
            }
        }
        prop_assert_eq!(all_time(&path), all_time(&other));
        let db = connect(&path, Access::Read).unwrap();
        let (_, differ) = tail(&db).verify(&db).unwrap();
        prop_assert!(differ.is_empty(), "{:?}", differ);
    }
}

fn tail(db: &Connection) -> Tail {
    Tail::read(db, super::Dictionary::read(db).unwrap()).unwrap()
}

#[test]
fn names_with_any_characters_are_the_same_names_in_the_next_process() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s.db");
    let mut odd = call(1, 1);
    (odd.call.model, odd.call.provider) = ("a\0b".into(), Some("p\0".into()));
    odd.call.agent = Some("x\0y".into());
    for (put, id) in [(Put::Accepted, "first"), (Put::Accepted, "second"), (Put::Duplicate, "second")] {
        odd.call.provenance_id = id.into();
        let mut process = Process::open(&path);
        assert_eq!(process.write(|t| t.put_call(&odd).unwrap()), put);
    }
    let db = connect(&path, Access::Read).unwrap();
    let dictionary = super::Dictionary::read(&db).unwrap();
    assert_eq!(dictionary.models().len(), 1);
    assert_eq!(dictionary.models()[0].name, "a\0b");
}
