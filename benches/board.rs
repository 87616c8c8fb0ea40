//! How fast a leaderboard of 10,000 prompts and four models is there: from memory, from a cold start, and what opening
//! costs.
//!
//! `cargo bench --bench board`; `CALLS=10000000` changes the size, `STORE=FILE` keeps the world for the next run.

use std::path::PathBuf;
use std::time::Instant;

use human::config::{Config, Overrides};
use human::demo::{Plan, World};
use human::domain::window::Window;
use human::engine::rank::{Filter, Lineup, Sort, board};
use human::engine::rollup::Cells;
use human::service::{LiveBoard, Service, Standings};
use human::store::Access;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-11-22, so that the world does not depend on the day of the run.
const END: i64 = 1_795_305_600_000;
const DAY_MS: i64 = 86_400_000;

fn main() {
    let calls: u64 = std::env::var("CALLS").ok().and_then(|n| n.parse().ok()).unwrap_or(1_000_000);
    let dir = tempfile::tempdir().expect("a folder");
    let kept = std::env::var_os("STORE").map(PathBuf::from);
    let store = kept.unwrap_or_else(|| dir.path().join("store.db"));
    if !store.exists() {
        let service = open(&store, Access::Write);
        let began = Instant::now();
        let world = World::new(Plan { prompts: 10_000, calls, days: 7, ..Plan::standard(END) });
        service.make_demo(&world).expect("world");
        service.close().expect("close");
        println!("made {calls} calls of 10,000 prompts in {:.1} s", began.elapsed().as_secs_f64());
    }
    let bytes = std::fs::metadata(&store).expect("store").len();
    println!("store: {:.0} MB", bytes as f64 / 1e6);

    report("open", 20, || {
        open(&store, Access::Read);
    });
    let filter = Filter::default();
    let window = Window { from_ms: END - 7 * DAY_MS, to_ms: END };
    report("cold: open, read, rank 50 of all", 5, || {
        let service = open(&store, Access::Read);
        let standings = service.standings(window).expect("standings");
        let ranked = board(standings.roster(), &standings.cells, &filter, Sort::default(), 50);
        assert_eq!(ranked.rows.len(), 50);
    });
    let service = open(&store, Access::Read);
    let reader = service.read().expect("reader");
    let catalog = service.catalog().expect("catalog");
    let began = Instant::now();
    let live = LiveBoard::load(&reader, 7 * 24, END - 1).expect("board");
    println!("{:<40} {:>10.2} ms, {} cells", "load the board", ms(began), live.cells().len());
    // Who the rows are about; the cells stay on the board.
    let standings = Standings::of(&catalog, Cells::default());
    let lineup = Lineup::new(standings.roster(), live.cells());
    report("memory: rank 50 of all", 50, || {
        assert_eq!(
            lineup.rank(standings.roster(), live.cells(), &filter, Sort::default(), 50).rows.len(),
            50
        );
    });
    let negative: Sort = "neg".parse().expect("a column");
    report("memory: rank 50 by negative share", 50, || {
        assert_eq!(lineup.rank(standings.roster(), live.cells(), &filter, negative, 50).rows.len(), 50);
    });
    report("memory: fold the lineup anew", 20, || {
        Lineup::new(standings.roster(), live.cells());
    });
    drop(lineup);
    let mut live = live;
    report("memory: follow the store, nothing new", 20, || {
        live.follow(&reader, &catalog.dictionary, END - 1).expect("follow");
    });
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        for line in status.lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS")) {
            println!("{line}");
        }
    }
}

fn open(path: &std::path::Path, access: Access) -> Service {
    let overrides = Overrides { store: Some(path.to_owned()), config: None };
    Service::open(Config::load(&overrides).expect("configuration"), access).expect("store")
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

fn report(name: &str, runs: usize, mut run: impl FnMut()) {
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            run();
            ms(began)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<40} {:>10.2} ms median, {:.2} worst of {runs}", times[runs / 2], times[runs - 1]);
}
