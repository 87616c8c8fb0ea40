//! What a key costs in the console: from the key to a drawn frame of 200x60, without the terminal. A small fleet against
//! a large one, a short queue against a long one; the ratio is what matters.
//!
//! `cargo bench --bench console`; `PROMPTS` changes the size of the large fleet (100,000).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use human::config::{Config, Overrides};
use human::console::app::{App, Settings, update};
use human::console::canvas::Canvas;
use human::console::chrome::draw;
use human::console::hitmap::HitMap;
use human::console::keymap::{Chord, Key, Keymap};
use human::console::message::{Effect, Msg, Stamp, Ticket};
use human::console::out::Ctx;
use human::console::query::{Query, QueueLine, Reply};
use human::console::widgets::diff_view;
use human::demo::{Plan, World};
use human::domain::proposal::ProposalId;
use human::engine::diff::Diff;
use human::service::Service;
use human::service::live::Live;
use human::store::Access;
use human::theme::Look;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// 2026-11-22, so that the world does not depend on the day of the run.
const END: i64 = 1_795_305_600_000;
const SIZE: (u16, u16) = (200, 60);
const KEYS: usize = 400;

fn main() {
    let large = std::env::var("PROMPTS").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let dir = tempfile::tempdir().expect("a folder");
    for (prompts, proposals) in [(60, 10), (large, 5_000)] {
        let service = Arc::new(world(&dir.path().join(format!("{prompts}.db")), prompts));
        let mut bench = Bench::new(service, proposals);
        println!("{prompts} prompts, {proposals} proposals, {}x{}", SIZE.0, SIZE.1);
        bench.keys("leaderboard", "1", &[Key::Char('j'), Key::Char('k'), Key::PageDown, Key::PageUp]);
        bench.keys("proposals", "3", &[Key::Char('j'), Key::Char('k'), Key::PageDown, Key::PageUp]);
    }
    layout();
}

/// A world of a million calls.
fn world(path: &Path, prompts: usize) -> Service {
    let overrides = Overrides { store: Some(path.to_owned()), config: None };
    let service =
        Service::open(Config::load(&overrides).expect("a configuration"), Access::Write).expect("a store");
    let world = World::new(Plan { prompts, ..Plan::standard(END) });
    service.make_demo(&world).expect("a world");
    service
}

struct Bench {
    app: App,
    keymap: Keymap,
    look: Look,
    hits: HitMap,
    buffer: Buffer,
    live: Live,
    queue: Arc<Vec<QueueLine>>,
    up: u64,
}

impl Bench {
    fn new(service: Arc<Service>, proposals: usize) -> Bench {
        let some: Vec<QueueLine> =
            service.proposals(None, None, END).expect("proposals").into_iter().map(QueueLine::of).collect();
        // As many as asked for, each with a number of its own.
        let line =
            |i: usize| QueueLine { id: ProposalId(i as u64 + 1), open: true, ..some[i % some.len()].clone() };
        let settings = Settings {
            window: "7d".parse().expect("a window"),
            read_only: false,
            mouse: true,
            bell: false,
            title: false,
            themes: vec![],
            theme: "terminal".into(),
            demo: false,
            agent_every: None,
            agent_ran: None,
        };
        let mut bench = Bench {
            app: App::new(settings),
            keymap: Keymap::default(),
            look: Look::default(),
            hits: HitMap::default(),
            buffer: Buffer::empty(Rect::new(0, 0, SIZE.0, SIZE.1)),
            live: Live::new(service),
            queue: Arc::new((0..proposals).map(line).collect()),
            up: 0,
        };
        bench.send(Msg::Begun);
        bench
    }

    /// Sends a message, and answers what is asked; how long it took until a frame was drawn, answers not counted.
    fn send(&mut self, msg: Msg) -> Duration {
        let began = Instant::now();
        let asked = self.update(msg);
        self.draw();
        let took = began.elapsed();
        let mut waiting = asked;
        while let Some((ticket, query)) = waiting.pop() {
            if let Some(reply) = self.answer(&query) {
                waiting.extend(self.update(Msg::Reply(ticket, Ok(reply))));
            }
        }
        self.draw();
        took
    }

    fn update(&mut self, msg: Msg) -> Vec<(Ticket, Query)> {
        self.up += 20;
        let stamp = Stamp { now: END, up: self.up };
        let ctx = Ctx { keymap: &self.keymap, hits: &self.hits, stamp, size: SIZE };
        let effects = update(&mut self.app, msg, &ctx);
        effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Ask { ticket, query, .. } => Some((ticket, query)),
                _ => None,
            })
            .collect()
    }

    fn draw(&mut self) {
        self.buffer.reset();
        let mut hits = HitMap::default();
        let mut canvas = Canvas { buf: &mut self.buffer, look: &self.look, hits: &mut hits, cursor: None };
        draw(&self.app, &self.keymap, &mut canvas);
        self.hits = hits;
    }

    fn answer(&mut self, query: &Query) -> Option<Reply> {
        Some(match query {
            Query::Pulse => Reply::Pulse(Arc::new(self.live.pulse(None, END).ok()?)),
            Query::Board(wish) => Reply::Board(Arc::new(self.live.board(wish, END).ok()?)),
            Query::Proposals => Reply::Proposals(Arc::clone(&self.queue)),
            _ => return None,
        })
    }

    fn keys(&mut self, what: &str, tab: &str, keys: &[Key]) {
        for key in tab.chars() {
            self.send(Msg::Key { chord: Chord::plain(Key::Char(key)), repeat: false });
        }
        let mut took: Vec<Duration> = (0..KEYS)
            .map(|i| self.send(Msg::Key { chord: Chord::plain(keys[i % keys.len()]), repeat: false }))
            .collect();
        took.sort_unstable();
        let ms = |at: usize| took[at].as_secs_f64() * 1e3;
        println!(
            "  {what:<12} median {:.3} ms  p99 {:.3} ms  worst {:.3} ms",
            ms(KEYS / 2),
            ms(KEYS * 99 / 100),
            ms(KEYS - 1)
        );
    }
}

/// A prompt of 4,000 lines, every tenth of them edited: compared and laid out off the thread that draws.
fn layout() {
    let line = |i: usize| {
        format!("{i}. Answer the question about case {i} politely, and say where the answer is from.\n")
    };
    let old: String = (0..4_000).map(line).collect();
    let new: String = (0..4_000)
        .map(|i| if i % 10 == 0 { line(i).replace("politely", "briefly and politely") } else { line(i) })
        .collect();
    let began = Instant::now();
    let diff = Diff::between(&old, &new, None);
    let compared = began.elapsed();
    let began = Instant::now();
    let laid = diff_view::layout(&old, &new, &diff, 130, diff_view::Mode::SideBySide, None, false);
    let took = began.elapsed();
    let mut buffer = Buffer::empty(Rect::new(0, 0, 130, 58));
    let (look, mut hits) = (Look::default(), HitMap::default());
    let began = Instant::now();
    let mut canvas = Canvas { buf: &mut buffer, look: &look, hits: &mut hits, cursor: None };
    let area = canvas.buf.area;
    diff_view::draw(&mut canvas, area, &laid, laid.len() / 2, human::console::hitmap::ListId::Diff);
    println!(
        "a difference of 4,000 lines: compared in {:.1} ms, laid out in {:.1} ms ({} lines), drawn in {:.2} ms",
        compared.as_secs_f64() * 1e3,
        took.as_secs_f64() * 1e3,
        laid.len(),
        began.elapsed().as_secs_f64() * 1e3
    );
}
