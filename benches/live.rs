//! What each question of a console costs: the first time, again with nothing new, and after telemetry has come.
//!
//! `cargo bench --bench live`; `PROMPTS` and `CALLS` change the size of the world, `STORE=FILE` keeps it for the next run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use human::config::{Config, Overrides};
use human::demo::{Plan, World};
use human::engine::rank::Sort;
use human::service::Service;
use human::service::live::{BoardWish, Group, Live};
use human::store::Access;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-11-22, so that the world does not depend on the day of the run.
const END: i64 = 1_795_305_600_000;

fn main() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let (calls, prompts) = (number("CALLS").unwrap_or(1_000_000), number("PROMPTS").unwrap_or(60));
    let dir = tempfile::tempdir().expect("a folder");
    let store = std::env::var_os("STORE").map_or_else(|| dir.path().join("store.db"), PathBuf::from);
    if !store.exists() {
        let service = open(&store);
        let began = Instant::now();
        let world = World::new(Plan { prompts: prompts as usize, calls, ..Plan::standard(END) });
        service.make_demo(&world).expect("world");
        service.close().expect("close");
        println!("made {calls} calls of {prompts} prompts in {:.1} s", began.elapsed().as_secs_f64());
    }
    let now = END + 60_000;
    let window = "7d".parse().expect("a window");
    let mut wish = BoardWish {
        first: None,
        window,
        filter: String::new(),
        sort: Sort::default(),
        group: Group::None,
        from: 0,
        count: 200,
        seek: None,
    };
    let service = Arc::new(open(&store));
    let mut live = Live::new(Arc::clone(&service));
    once("first board, 7d", || live.board(&wish, now).map(drop));
    memory();
    report("board again, 200 lines", 20, || live.board(&wish, now).map(drop));
    for (name, filter, sort, group) in [
        ("board, from the middle", "", "calls", Group::None),
        ("board, fuzzy word", "contr", "calls", Group::None),
        ("board, by negative share in groups", "", "neg", Group::TaskType),
        ("board, filtered by model", "model:gpt-4o*", "calls", Group::None),
        ("board, by p95", "calls>10", "p95", Group::None),
    ] {
        wish.filter = filter.into();
        wish.sort = sort.parse().expect("a column");
        wish.group = group;
        wish.from = if name.ends_with("middle") { prompts as usize / 2 } else { 0 };
        report(name, 10, || live.board(&wish, now).map(drop));
    }
    for window in ["15m", "24h", "30d", "2026-11-01T10:20:30Z..2026-11-08"] {
        let wish =
            BoardWish { window: window.parse().expect("a window"), filter: String::new(), ..wish.clone() };
        once(&format!("first board, {window}"), || live.board(&wish, now).map(drop));
    }
    memory();
    once("first pulse", || live.pulse(None, now).map(drop));
    report("pulse", 20, || live.pulse(None, now).map(drop));
    report("rates", 20, || live.rates(END).map(drop));
    report("moved", 20, || {
        live.moved();
        Ok(())
    });
    let uri =
        live.names().expect("names").into_iter().find(|n| n.contains("contract-analysis")).expect("a prompt");
    once("first prompt, 7d", || live.prompt(&uri, window, now).map(drop));
    report("prompt, 7d", 10, || live.prompt(&uri, window, now).map(drop));
    once("first prompt, 30d", || live.prompt(&uri, "30d".parse().expect("a window"), now).map(drop));
    report("calls", 10, || live.calls(&uri, window, 50, now).map(drop));
    report("affinity, 7d", 3, || live.affinity(window, now).map(drop));
    report("affinity, 30d", 3, || live.affinity("30d".parse().expect("a window"), now).map(drop));
    once("first watch", || live.watch(now).map(drop));
    report("watch", 10, || live.watch(now).map(drop));
    memory();
}

fn open(path: &Path) -> Service {
    let overrides = Overrides { store: Some(path.to_owned()), config: None };
    Service::open(Config::load(&overrides).expect("configuration"), Access::Write).expect("store")
}

fn once(name: &str, run: impl FnOnce() -> human::service::Result<()>) {
    let began = Instant::now();
    run().expect(name);
    println!("{name:<44} {:>9.2} ms", ms(began));
}

fn ms(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

fn report(name: &str, runs: usize, mut run: impl FnMut() -> human::service::Result<()>) {
    let mut times: Vec<f64> = (0..runs)
        .map(|_| {
            let began = Instant::now();
            run().expect(name);
            ms(began)
        })
        .collect();
    times.sort_by(f64::total_cmp);
    println!("{name:<44} {:>9.2} ms median, {:.2} worst of {runs}", times[runs / 2], times[runs - 1]);
}

fn memory() {
    if let Ok(status) = std::fs::read_to_string("/proc/self/status") {
        for line in status.lines().filter(|l| l.starts_with("VmHWM") || l.starts_with("VmRSS")) {
            println!("{line}");
        }
    }
}
