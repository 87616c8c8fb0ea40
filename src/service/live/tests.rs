//! Pages against the questions that they stand for, on a small demo world.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use super::boards::whole_hours;
use super::*;
use crate::config::{Config, Overrides};
use crate::demo::{Plan, World};
use crate::domain::call::{Call, HOUR_MS};
use crate::domain::proposal::Standing;
use crate::domain::window::Window;
use crate::engine::performance::recommended;
use crate::engine::rank::{Filter, Line, Row, Sort, board};
use crate::engine::trend::health::Level;
use crate::service::ServiceError;
use crate::store::telemetry::{NamedCall, TelemetryWriter};
use crate::store::{Access, Kind};

/// 2026-11-22T00:00:00Z: the world ends; the pages look a moment later.
const END: Millis = 1_795_305_600_000;
const NOW: Millis = END + 60_000;
const DAY: Millis = 24 * HOUR_MS;

fn open(path: &Path, access: Access) -> Result<Service> {
    let overrides = Overrides { store: Some(path.to_owned()), config: None };
    Service::open(Config::load(&overrides).unwrap(), access)
}

/// A store of its own with the demo world in it.
struct Place(tempfile::TempDir);

impl Place {
    fn empty() -> Place {
        Place(tempfile::tempdir().unwrap())
    }

    fn demo() -> Place {
        static MADE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
        let (_, made) = MADE.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("demo.db");
            let service = open(&path, Access::Write).unwrap();
            service.make_demo(&World::new(Plan { calls: 30_000, ..Plan::standard(END) })).unwrap();
            service.close().unwrap();
            (folder, path)
        });
        let place = Place::empty();
        std::fs::copy(made, place.path()).unwrap();
        place
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("store.db")
    }

    fn live(&self) -> Live {
        Live::new(Arc::new(open(&self.path(), Access::Write).unwrap()))
    }
}

fn wish(window: &str, filter: &str, sort: &str) -> BoardWish {
    BoardWish {
        first: None,
        window: window.parse().unwrap(),
        filter: filter.into(),
        sort: sort.parse().unwrap(),
        group: Group::None,
        from: 0,
        count: 1000,
        seek: None,
    }
}

/// What the command line lists for the window that was answered.
fn listed(service: &Service, window: Window, filter: &str, sort: &str) -> Vec<Line> {
    let standings = service.standings(window).unwrap();
    let (filter, sort): (Filter, Sort) = (filter.parse().unwrap(), sort.parse().unwrap());
    let ranked = board(standings.roster(), &standings.cells, &filter, sort, usize::MAX);
    ranked.rows.iter().map(Row::line).collect()
}

fn lines(page: &BoardPage) -> Vec<Line> {
    page.lines.iter().map(|line| line.line.clone()).collect()
}

#[test]
fn boards_say_what_standings_say() {
    let place = Place::demo();
    let mut live = place.live();
    for (window, filter, sort) in [
        ("7d", "", "calls"),
        ("7d", "scope:org neg>10", "neg"),
        ("30d", "model:gpt-4o", "p95"),
        ("24h", "!scope:core", "cost:asc"),
        ("1h", "", "calls"),
        ("15m", "", "name"),
        ("60m", "owner:*", "name:desc"),
        ("2026-11-01..2026-11-08", "calls>=10", "score"),
        ("2026-11-01T10:20:30Z..2026-11-08T01:02:03Z", "", "err"),
    ] {
        let wish = wish(window, filter, sort);
        let page = live.board(&wish, NOW).unwrap();
        assert_eq!(page.fault, None);
        let truth = listed(live.service(), page.window, filter, sort);
        assert_eq!(lines(&page), truth, "{window} {filter} {sort}");
        assert_eq!((page.matched, page.from), (truth.len(), 0));
        // Once more, out of what is kept.
        assert_eq!(live.board(&wish, NOW).unwrap(), page, "{window}");
        let asked = wish.window.at(NOW);
        match whole_hours(wish.window) {
            Some(_) => assert!(page.window.from_ms - asked.from_ms < HOUR_MS && page.window.to_ms >= NOW),
            None => assert_eq!(page.window, asked),
        }
    }
    assert!(live.board(&wish("7d", "", "calls"), NOW).unwrap().lines.len() > 50);
}

#[test]
fn stretches_put_together_are_the_whole_and_seeking_finds() {
    let place = Place::demo();
    let mut live = place.live();
    for group in [Group::None, Group::Scope, Group::TaskType, Group::Owner] {
        let whole = BoardWish { group, ..wish("7d", "", "neg") };
        let page = live.board(&whole, NOW).unwrap();
        let mut parts = Vec::new();
        for from in (0..page.matched).step_by(7) {
            // The last stretch is moved back, so that it is as long as the others.
            let part = live.board(&BoardWish { from, count: 7, ..whole.clone() }, NOW).unwrap();
            assert_eq!(part.lines.len(), 7);
            parts.extend(part.lines.into_iter().skip(from - part.from));
        }
        assert_eq!(parts, page.lines);
        for (index, line) in page.lines.iter().enumerate() {
            let seek = Some(line.line.prompt.clone());
            let found = live.board(&BoardWish { seek, count: 1, ..whole.clone() }, NOW).unwrap().found;
            assert_eq!(found, Some(index));
        }
        let lost =
            BoardWish { seek: Some("prompt://core/none".into()), from: 10_000, count: 5, ..whole.clone() };
        let lost = live.board(&lost, NOW).unwrap();
        assert_eq!((lost.found, lost.from, lost.lines.len()), (None, page.matched - 5, 5));

        let mut sums: Vec<(Option<String>, u64)> = Vec::new();
        for line in &page.lines {
            match sums.last_mut().filter(|(group, _)| *group == line.group) {
                Some((_, sum)) => *sum += line.line.calls,
                None => sums.push((line.group.clone(), line.line.calls)),
            }
        }
        let by_name: BTreeMap<_, _> = sums.iter().cloned().collect();
        assert_eq!(by_name.len(), sums.len(), "each group is in one piece");
        assert!(sums.is_sorted_by(|a, b| a.1 >= b.1), "{sums:?}");
        assert_eq!(group == Group::None, by_name.contains_key(&None));
    }
}

#[test]
fn a_filter_holds_while_it_is_typed() {
    let place = Place::demo();
    let mut live = place.live();
    let all = live.board(&wish("7d", "", "calls"), NOW).unwrap();
    let page = live.board(&wish("7d", "scope:core neg>", "calls"), NOW).unwrap();
    assert_eq!(lines(&page), listed(live.service(), page.window, "scope:core", "calls"));
    assert_eq!(page.fault.as_deref(), Some("`neg>`: `` is not a number"));
    let page = live.board(&wish("7d", "health:bad !", "calls"), NOW).unwrap();
    assert_eq!(page.matched, all.matched);
    assert!(page.fault.unwrap().contains("health is page, warn"));

    let page = live.board(&wish("7d", "cntrct", "calls"), NOW).unwrap();
    let found = page.lines.iter().find(|l| l.line.prompt.ends_with("legal.contract-analysis")).unwrap();
    let letters: String = found.matched.iter().map(|range| &found.line.prompt[range.clone()]).collect();
    assert_eq!(letters, "cntrct");
    assert!(page.matched < all.matched && page.lines.iter().all(|l| !l.matched.is_empty()));
    // Words about whom it belongs to are sought as they are, and those turned round, too.
    let page = live.board(&wish("7d", "core/ !legal", "calls"), NOW).unwrap();
    assert_eq!(lines(&page), listed(live.service(), page.window, "core/ !legal", "calls"));

    let page = live.board(&wish("7d", "open>0", "calls"), NOW).unwrap();
    assert!(!page.lines.is_empty() && page.lines.iter().all(|line| line.open > 0));
    let rest = live.board(&wish("7d", "!open>0", "calls"), NOW).unwrap();
    assert_eq!(rest.matched + page.matched, all.matched);
}

#[test]
fn what_is_watched_and_what_waits_is_what_the_service_says() {
    let place = Place::demo();
    let mut live = place.live();
    let before = live.board(&wish("7d", "", "calls"), NOW).unwrap();
    assert!(before.lines.iter().all(|line| line.health.is_none()));
    // At first how prompts are, then also why.
    let quick = live.watch(NOW).unwrap();
    let watch = live.watch(NOW).unwrap();
    assert!(!quick.explained && watch.explained && quick.prompts == watch.prompts);
    assert!(watch.streams.iter().any(|health| !health.causes.is_empty() && !health.by_model.is_empty()));
    assert!(Arc::ptr_eq(&watch, &live.watch(NOW).unwrap()), "nothing has happened since");
    assert_eq!(watch.prompts, live.service().watch(NOW).unwrap().prompts);
    let mut other = Live::new(Arc::clone(&live.service));
    other.set_levels(live.levels().unwrap());
    let page = other.board(&wish("7d", "", "calls"), NOW).unwrap();
    for line in page.lines.iter().filter(|line| line.uri.is_some()).take(20) {
        let said = live.service().health(&line.line.prompt, NOW).unwrap();
        assert_eq!(line.health, said.map(|h| h.level), "{}", line.line.prompt);
        let open = live.service().proposals(Some(&line.line.prompt), Some(Standing::Open), NOW).unwrap();
        assert_eq!(line.open as usize, open.len());
    }
    let all = page.matched;
    let stable = other.board(&wish("7d", "health:stable", "calls"), NOW).unwrap();
    assert!(stable.lines.iter().all(|line| line.health == Some(Level::Stable)));
    let mut by = |attribute, turned| {
        let wish = BoardWish { first: Some(First { attribute, turned }), ..wish("7d", "", "calls") };
        let page = other.board(&wish, NOW).unwrap();
        assert_eq!(page.matched, all);
        page.lines
    };
    assert!(by(Attribute::Health, false).iter().map(|line| line.health).is_sorted_by(|a, b| a >= b));
    assert!(by(Attribute::Open, false).iter().map(|line| line.open).is_sorted_by(|a, b| a >= b));
    // What has none comes last, either way round.
    let (newest, oldest) = (by(Attribute::Version, false), by(Attribute::Version, true));
    assert!(newest.iter().map(|line| line.version.clone()).is_sorted_by(|a, b| a >= b));
    let known: Vec<_> = oldest.iter().map_while(|line| line.version.clone()).collect();
    assert!(known.is_sorted() && known.len() == newest.iter().filter(|l| l.version.is_some()).count());
    let scopes = by(Attribute::Scope, true);
    assert!(scopes.iter().filter_map(|line| line.line.scope).is_sorted_by(|a, b| *a as u8 >= *b as u8));
    let growing = by(Attribute::Trend, false);
    let share = |line: &BoardLine| {
        let all: u64 = line.trend.iter().sum();
        (all > 0).then(|| line.trend[line.trend.len() / 2..].iter().sum::<u64>() * 1000 / all)
    };
    assert!(growing.iter().map(share).is_sorted_by(|a, b| a >= b));
    assert_eq!(stable.matched, page.lines.iter().filter(|l| l.health == Some(Level::Stable)).count());

    // A word to a stream is news.
    let id = watch.streams.first().map(|health| health.stream.clone());
    if let Some(id) = id {
        live.service().silence(&id, "ana", NOW, NOW + HOUR_MS).unwrap();
        let silent = live.watch(NOW).unwrap();
        assert!(silent.streams.iter().any(|h| h.stream == id && h.silenced_until.is_some()));
        let heard = live.watch(NOW + HOUR_MS).unwrap();
        assert!(heard.streams.iter().all(|h| h.silenced_until.is_none()));
        // The last word counts: it ends a longer silence.
        live.service().silence(&id, "ana", NOW, NOW + 9 * HOUR_MS).unwrap();
        live.service().silence(&id, "ana", NOW, NOW).unwrap();
        assert!(live.watch(NOW).unwrap().streams.iter().all(|h| h.silenced_until.is_none()));
    }
}

#[test]
fn trends_of_lines_add_up_and_models_are_those_of_the_affinities() {
    let place = Place::demo();
    let mut live = place.live();
    for window in ["24h", "7d", "30d", "2026-11-01..2026-11-08"] {
        let page = live.board(&wish(window, "", "calls"), NOW).unwrap();
        for line in page.lines.iter().take(12) {
            assert!(line.trend.len() <= 32 && line.trend.len() >= 7, "{window}: {:?}", line.trend);
            // Whole steps: they may begin before the window.
            assert!(line.trend.iter().sum::<u64>() >= line.line.calls, "{window} {line:?}");
        }
    }
    let grid = live.affinity("7d".parse().unwrap(), NOW).unwrap();
    let page = live.board(&wish("7d", "", "calls"), NOW).unwrap();
    for line in page.lines.iter().filter(|line| line.uri.is_some()) {
        let affinities = live.service().performance(&line.line.prompt, grid.window, None).unwrap().affinities;
        let best = recommended(&affinities).or(affinities.first());
        let shown = line.best_model.as_ref().map(|(name, ..)| name.as_str());
        assert_eq!(shown, best.map(|best| best.model_id.as_str()));
    }
}

#[test]
fn a_line_of_the_grid_is_what_performance_says() {
    let place = Place::demo();
    let mut live = place.live();
    let grid = live.affinity("30d".parse().unwrap(), NOW).unwrap();
    assert!(grid.lines.len() >= 60 && grid.models.len() >= 6);
    assert!(grid.lines.is_sorted_by(|a, b| a.calls >= b.calls));
    let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
    for line in &grid.lines {
        let said = live.service().performance(&line.uri.to_string(), grid.window, None).unwrap();
        assert_eq!(line.calls, said.snapshot.stats.total_calls);
        let cells: Vec<_> = line.cells.iter().flatten().collect();
        assert_eq!(cells.len(), said.affinities.len(), "{}", line.uri);
        for truth in &said.affinities {
            let cell = cells.iter().find(|cell| cell.model_id == truth.model_id).unwrap();
            assert!(near(cell.affinity_score, truth.affinity_score), "{cell:?} {truth:?}");
            assert!(near(cell.probability_best, truth.probability_best));
            assert!(near(cell.interval[0], truth.interval[0]) && near(cell.interval[1], truth.interval[1]));
            assert_eq!((&cell.stats, &cell.rates, cell.verdict), (&truth.stats, &truth.rates, truth.verdict));
        }
        let best = line.recommended.map(|model| grid.models[model].clone());
        assert_eq!(best, said.snapshot.recommended_model);
    }
}

#[test]
fn a_prompt_is_what_the_service_says_of_it() {
    let place = Place::demo();
    let mut live = place.live();
    let page = live.prompt("legal.contract-analysis", "7d".parse().unwrap(), NOW).unwrap();
    let window = page.snapshot.window.0;
    let name = page.uri.to_string();
    let said = live.service().performance(&name, window, None).unwrap();
    assert_eq!((&page.snapshot, &page.affinities), (&said.snapshot, &said.affinities));
    assert_eq!(page.active, said.active);
    assert!(page.text.contains("human.version") && page.description.is_some());
    let health = live.service().health(&name, NOW).unwrap();
    assert_eq!(page.level, health.as_ref().map(|health| health.level));
    assert_eq!(page.health.first().cloned(), health.filter(|health| health.level > Level::Stable));
    assert_eq!(page.outcome.is_some(), live.service().latest_outcome(&name, NOW).unwrap().is_some());
    assert!(!page.recommendations.is_empty());
    assert!(page.trend.points.len() <= 120);
    let step = page.trend.step;
    let from = (window.from_ms - page.trend.from) / step;
    let inside: u64 = page.trend.points.iter().skip(from as usize).map(|point| point.calls).sum();
    assert!(inside >= page.snapshot.stats.total_calls);
    let published = page.history.iter().filter(|line| line.what == "published").count();
    assert_eq!(published, page.versions.len());
    assert!(page.history.is_sorted_by(|a, b| a.at >= b.at) && page.history.iter().all(|l| l.by.is_some()));
    let board = live.board(&BoardWish { count: 1, ..wish("7d", "contract-analysis", "calls") }, NOW).unwrap();
    assert_eq!(board.lines[0].line.calls, page.snapshot.stats.total_calls, "pages agree");

    // A short window is followed by the minute, and every call of it is in one step.
    for (short, steps) in [("15m", 31), ("2h", 40), ("2026-11-21T20:00:10Z..2026-11-21T23:00:10Z", 37)] {
        let page = live.prompt(&name, short.parse().unwrap(), NOW).unwrap();
        let (trend, window) = (&page.trend, page.snapshot.window.0);
        assert!(
            trend.step < HOUR_MS && trend.points.len() <= steps && trend.points.len() > 10,
            "{short}: {trend:?}"
        );
        assert!(trend.from <= window.from_ms && window.from_ms - trend.from < trend.step, "{short}");
        let all: u64 = trend.points.iter().map(|point| point.calls).sum();
        let whole = window.from_ms % trend.step == 0 && window.to_ms % trend.step == 0;
        assert!(all >= page.snapshot.stats.total_calls, "{short}");
        assert!(!whole || all == page.snapshot.stats.total_calls, "{short}");
    }

    let month = live.prompt(&name, "30d".parse().unwrap(), NOW).unwrap();
    assert!(month.trend.step == DAY && month.trend.points.len() <= 32);
    assert!(!month.trend.activations.is_empty(), "1.0.0 became active in this month");
}

#[test]
fn calls_are_the_newest_of_the_prompt() {
    let place = Place::demo();
    let mut live = place.live();
    for window in ["24h", "30d", "2026-11-01..2026-11-08"] {
        let spec: WindowSpec = window.parse().unwrap();
        let page = live.calls("support.order-status", spec, 10, NOW).unwrap();
        let catalog = live.service().catalog().unwrap();
        let (uri, _) = catalog.find("support.order-status").unwrap();
        let answered = live.prompt(&uri.to_string(), spec, NOW).unwrap().snapshot;
        let query = crate::store::telemetry::CallQuery {
            from: Some(answered.window.0.from_ms),
            to: Some(answered.window.0.to_ms),
            versions: Some(catalog.numbers(&uri, None)),
            ..Default::default()
        };
        let mut truth = Vec::new();
        live.service()
            .calls(&query, &mut |call| {
                truth.push(call);
                true
            })
            .unwrap();
        assert_eq!((page.more, page.lines.len()), (truth.len() > 10, truth.len().min(10)), "{window}");
        assert_eq!(page.kept[..], truth[..page.kept.len()]);
        let all = live.calls(&uri.to_string(), spec, usize::MAX - 1, NOW).unwrap();
        assert_eq!((all.kept.len(), all.more), (truth.len(), false));
        assert_eq!(all.lines.len() as u64, answered.stats.total_calls);
        let one = live.call(&page.lines[0].id).unwrap();
        assert_eq!(one.lines[0], page.lines[0]);
    }
    assert!(matches!(live.call("nothing"), Err(ServiceError::NoCall(_))));
}

fn call(id: u32, at: Millis, ok: bool) -> NamedCall {
    let call = Call {
        provenance_id: format!("fresh-{id}"),
        at,
        prompts: None,
        model: "fresh-model".into(),
        provider: None,
        input_tokens: Some(10),
        output_tokens: None,
        cached_tokens: None,
        cost: Some(1_000_000),
        cost_estimated: false,
        duration_us: Some(7),
        ttft_us: None,
        ok,
        error: None,
        agent: None,
        session: None,
        user: None,
    };
    NamedCall { call, aliases: Vec::new() }
}

#[test]
fn everything_follows_new_telemetry() {
    let place = Place::demo();
    let mut live = place.live();
    let pulse = live.pulse(None, NOW).unwrap();
    let (totals, _) = live.service().totals().unwrap();
    assert_eq!(pulse.calls, totals.calls as u64);
    assert_eq!((pulse.prompts.0, pulse.writable, pulse.owned), (60, true, true));
    let listed_open = live.service().proposals(None, Some(Standing::Open), NOW).unwrap();
    assert_eq!(pulse.open, listed_open.len());
    let high = listed_open.iter().filter(|l| l.proposal.risk.level.as_str() == "high").count();
    assert_eq!((pulse.open_high, pulse.alarms), (high, None));
    let wish = wish("7d", "", "calls");
    let before = live.board(&wish, NOW).unwrap();
    assert!(!live.moved());
    let other = open(&place.path(), Access::Write).unwrap();
    other
        .store
        .write(|tx| {
            (0..90).try_for_each(|id| tx.telemetry.put_call(&call(id, NOW - 1_000, id % 3 != 0)).map(drop))
        })
        .unwrap();
    assert!(live.moved());
    assert_eq!(live.pulse(None, NOW).unwrap().calls, pulse.calls + 90);
    assert!(!live.moved());
    let page = live.board(&wish, NOW).unwrap();
    assert_eq!(lines(&page), listed(live.service(), page.window, "", "calls"));
    let unprompted = |page: &BoardPage| page.lines.iter().find(|l| l.uri.is_none()).unwrap().clone();
    let (then, since) = (unprompted(&before), unprompted(&page));
    assert_eq!(since.line.calls, then.line.calls + 90);
    assert_eq!(since.trend.iter().sum::<u64>(), then.trend.iter().sum::<u64>() + 90);
    let rates = live.rates(NOW).unwrap();
    assert!((rates.calls - 1.5).abs() < 0.05 && rates.newest == Some(NOW - 1_000), "{rates:?}");
    assert!(rates.failed.is_some_and(|failed| failed > 0.25) && rates.cost.is_some());

    // The clock goes on, and the board with it.
    let later = NOW + 30 * HOUR_MS;
    let page = live.board(&wish, later).unwrap();
    assert_eq!(lines(&page), listed(live.service(), page.window, "", "calls"));
    assert!(live.rates(later).unwrap().calls.abs() < 1e-9);

    // A prompt that was never seen.
    let text = "---\nname: fresh.prompt\nhuman.scope: core\n---\nSay hello.";
    let file = crate::domain::prompt_file::PromptFile::parse("t", text.as_bytes()).unwrap();
    let names = live.names().unwrap();
    other
        .store
        .write(move |tx| {
            let mut one = call(1000, NOW, true);
            one.call.prompts = Some(Arc::new(crate::domain::prompt::PromptCallMetadata {
                prompt_uris: vec![file.uri.unversioned()],
                prompt_versions: vec![semver::Version::new(1, 0, 0)],
                layers: Vec::new(),
                composition_method: crate::domain::prompt::CompositionMethod::Compose,
                variables_used: Vec::new(),
                estimated_tokens: None,
                org_id: "O".into(),
            }));
            tx.telemetry.put_call(&one).map(drop)
        })
        .unwrap();
    assert_eq!(live.names().unwrap().len(), names.len() + 1);
    let page = live.board(&BoardWish { filter: "fresh".into(), ..wish }, later).unwrap();
    assert_eq!((page.lines.len(), page.lines[0].line.calls), (1, 1));
    assert_eq!(page.lines[0].trend.iter().sum::<u64>(), 1);
}

#[test]
fn an_empty_store_has_empty_pages() {
    let place = Place::empty();
    let mut live = place.live();
    let pulse = live.pulse(None, NOW).unwrap();
    assert!(pulse.is_empty() && pulse.newest.is_none() && !pulse.owned);
    let page = live.board(&wish("7d", "x", "calls"), NOW).unwrap();
    assert_eq!((page.total, page.matched, page.lines.len(), page.from), (0, 0, 0, 0));
    assert!(live.affinity("7d".parse().unwrap(), NOW).unwrap().lines.is_empty());
    let rates = live.rates(NOW).unwrap();
    assert_eq!((rates.calls, rates.failed, rates.cost, rates.newest), (0.0, None, None, None));
    assert!(live.watch(NOW).unwrap().streams.is_empty());
    assert!(live.names().unwrap().is_empty());
    let error = live.prompt("nothing", "7d".parse().unwrap(), NOW).unwrap_err();
    assert!(matches!(error, ServiceError::Name(_)), "{error}");
}

#[test]
fn a_store_that_is_not_there_says_what_to_do() {
    let place = Place::empty();
    let ServiceError::Store(error) = open(&place.path(), Access::Read).unwrap_err() else { panic!() };
    assert_eq!(error.kind, Kind::Missing);
    let mut live = place.live();
    std::fs::remove_file(place.path()).unwrap();
    let error = live.pulse(None, NOW).unwrap_err().to_string();
    assert!(error.contains("human "), "{error}");
}

#[test]
fn it_may_live_on_a_thread_of_its_own() {
    fn is_sent<T: Send>(_: &T) {}
    is_sent(&Place::empty().live());
}
