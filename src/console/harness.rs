//! For tests: the whole console without a terminal. Keys go in as a string, the screen comes out as text and styles.
//!
//! ```ignore
//! let mut console = Harness::new((120, 40), answers);
//! assert_snapshot!(console.keys("3jj<enter>").screen());
//! ```
//!
//! Keys are characters, or chords in angle brackets as the keymap writes them (`<enter>`, `<ctrl-d>`, `<lt>` for `<`);
//! `<80x24>` resizes, `<wait:300>` lets so many milliseconds pass. After each key every question is answered and a frame
//! is drawn, unless it stands in `<type-ahead:…>`, whose keys come in one batch, before a frame.

use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::app::{App, Settings, update};
use super::canvas::Canvas;
use super::chrome::draw;
use super::hitmap::HitMap;
use super::keymap::{Chord, Key, Keymap};
use super::message::{CommandId, Effect, Fault, Msg, Stamp, Ticket};
use super::out::Ctx;
use super::query::{Command, Query, Receipt, Reply};
use crate::theme::Look;

/// What answers a question: `None` while it is still being looked for.
pub type Answers = Box<dyn FnMut(&Query) -> Option<Result<Reply, Fault>>>;

/// What a command comes to.
pub type Outcome = Box<dyn FnMut(&Command) -> Result<Receipt, Fault>>;

/// The wall clock of tests: 2026-11-28T12:00:00Z, ms.
pub const NOW: i64 = 1_795_867_200_000;

/// The console without a terminal.
pub struct Harness {
    /// The console.
    pub app: App,
    /// Commands that were wanted, in order.
    pub commands: Vec<Command>,
    /// Everything else that was wanted, questions left out.
    pub effects: Vec<Effect>,
    /// What commands come to; by default each is done.
    pub outcome: Outcome,
    /// Whether commands are still being carried out.
    pub slow: bool,
    /// Which keys do what.
    pub keymap: Keymap,
    look: Look,
    answers: Answers,
    buffer: Buffer,
    hits: HitMap,
    up: u64,
    waiting: Vec<(Ticket, Query)>,
    doing: Vec<(CommandId, Command)>,
}

/// Settings of tests.
pub fn settings() -> Settings {
    Settings {
        window: "7d".parse().unwrap(),
        read_only: false,
        mouse: true,
        bell: true,
        title: false,
        themes: vec!["terminal".into(), "nord".into(), "contrast".into()],
        theme: "terminal".into(),
        demo: true,
        agent_every: None,
        agent_ran: None,
    }
}

impl Harness {
    /// A console of this size that has begun, has been answered and has drawn.
    pub fn new(size: (u16, u16), answers: Answers) -> Harness {
        Harness::with(settings(), size, answers)
    }

    /// With other settings.
    pub fn with(settings: Settings, (width, height): (u16, u16), answers: Answers) -> Harness {
        let mut harness = Harness {
            app: App::new(settings),
            commands: Vec::new(),
            effects: Vec::new(),
            outcome: Box::new(|_| Ok(Receipt { text: "Done".into(), ..Receipt::default() })),
            slow: false,
            keymap: Keymap::default(),
            look: Look::default(),
            answers,
            buffer: Buffer::empty(Rect::new(0, 0, width, height)),
            hits: HitMap::default(),
            up: 0,
            waiting: Vec::new(),
            doing: Vec::new(),
        };
        harness.draw();
        harness.send(Msg::Begun);
        harness.settle();
        harness
    }

    /// One message, nothing answered and nothing drawn.
    pub fn send(&mut self, msg: Msg) {
        let area = self.buffer.area;
        let stamp = Stamp { now: NOW + self.up as i64, up: self.up };
        let ctx = Ctx { keymap: &self.keymap, hits: &self.hits, stamp, size: (area.width, area.height) };
        for effect in update(&mut self.app, msg, &ctx) {
            match effect {
                Effect::Ask { ticket, instead, query } => {
                    // As the readers do it.
                    self.waiting.retain(|(waits, _)| Some(*waits) != instead);
                    self.waiting.push((ticket, query));
                }
                Effect::Do(id, command) => {
                    self.commands.push((*command).clone());
                    self.doing.push((id, *command));
                }
                other => self.effects.push(other),
            }
        }
    }

    /// What is asked and not answered yet.
    pub fn asked(&self) -> Vec<Query> {
        self.waiting.iter().map(|(_, query)| query.clone()).collect()
    }

    /// Draws a frame.
    pub fn draw(&mut self) {
        let area = self.buffer.area;
        self.buffer = Buffer::empty(area);
        let mut hits = HitMap::default();
        let mut canvas = Canvas { buf: &mut self.buffer, look: &self.look, hits: &mut hits, cursor: None };
        draw(&self.app, &self.keymap, &mut canvas);
        self.hits = hits;
        self.up += 16;
        self.send(Msg::Drawn);
    }

    /// Answers what is asked and carries out what is wanted until nothing moves, and draws.
    pub fn settle(&mut self) {
        for _ in 0..100 {
            let asked = std::mem::take(&mut self.waiting);
            let doing = if self.slow { vec![] } else { std::mem::take(&mut self.doing) };
            if asked.is_empty() && doing.is_empty() {
                break;
            }
            for (id, command) in doing {
                let done = (self.outcome)(&command);
                self.send(Msg::Done(id, Box::new(done)));
            }
            for (ticket, query) in asked {
                if let Some(answer) = (self.answers)(&query) {
                    self.send(Msg::Reply(ticket, answer));
                }
            }
        }
        self.draw();
    }

    /// Presses keys one after another.
    pub fn keys(&mut self, keys: &str) -> &mut Harness {
        for step in steps(keys) {
            match step {
                Pressed::Chord(chord) => {
                    self.send(Msg::Key { chord, repeat: false });
                    self.settle();
                }
                Pressed::Ahead(chords) => {
                    for chord in chords {
                        self.send(Msg::Key { chord, repeat: false });
                    }
                    self.settle();
                }
                Pressed::Resize(width, height) => {
                    self.buffer = Buffer::empty(Rect::new(0, 0, width, height));
                    self.send(Msg::Resize);
                    self.settle();
                }
                Pressed::Wait(ms) => {
                    self.up += ms;
                    self.send(Msg::Tick);
                    self.settle();
                }
            }
        }
        self
    }

    /// What the last frame shows where.
    pub fn hits(&self) -> &HitMap {
        &self.hits
    }

    /// The text of the screen, lines without the blanks at their ends.
    pub fn text(&self) -> String {
        let area = self.buffer.area;
        let mut out = String::new();
        for y in area.top()..area.bottom() {
            let mut line = String::new();
            let mut wide = false;
            for x in area.left()..area.right() {
                let symbol = self.buffer[(x, y)].symbol();
                // The second cell of a wide character holds nothing of its own.
                if !wide {
                    line.push_str(symbol);
                }
                wide = !wide && super::canvas::width(symbol) > 1;
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    /// Text and styles: below the text a line for each row with runs that are not plain.
    pub fn screen(&self) -> String {
        let mut out = self.text();
        out.push_str("---\n");
        let area = self.buffer.area;
        for y in area.top()..area.bottom() {
            let mut runs: Vec<(u16, u16, String)> = Vec::new();
            for x in area.left()..area.right() {
                let style = style(&self.buffer[(x, y)]);
                match runs.last_mut() {
                    Some((_, end, last)) if *last == style && *end == x => *end += 1,
                    _ => runs.push((x, x + 1, style)),
                }
            }
            let runs = runs.iter().filter(|(_, _, style)| !style.is_empty());
            let runs: Vec<String> =
                runs.map(|(from, to, style)| format!("{from}-{} {style}", to - 1)).collect();
            if !runs.is_empty() {
                let _ = writeln!(out, "{y}: {}", runs.join(", "));
            }
        }
        out
    }
}

fn style(cell: &ratatui::buffer::Cell) -> String {
    let mut words = Vec::new();
    if cell.fg != Color::Reset {
        words.push(cell.fg.to_string().to_lowercase());
    }
    if cell.bg != Color::Reset {
        words.push(format!("on-{}", cell.bg.to_string().to_lowercase()));
    }
    for (modifier, word) in [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underline"),
        (Modifier::REVERSED, "reverse"),
    ] {
        if cell.modifier.contains(modifier) {
            words.push(word.to_owned());
        }
    }
    words.join(" ")
}

enum Pressed {
    Chord(Chord),
    Ahead(Vec<Chord>),
    Resize(u16, u16),
    Wait(u64),
}

fn steps(keys: &str) -> Vec<Pressed> {
    let mut steps = Vec::new();
    let mut rest = keys;
    while let Some(first) = rest.chars().next() {
        if first != '<' {
            steps.push(Pressed::Chord(Chord::plain(Key::Char(first))));
            rest = &rest[first.len_utf8()..];
            continue;
        }
        let (name, after) = rest[1..].split_once('>').expect("a chord in angle brackets");
        rest = after;
        let size = name.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        steps.push(if let Some((width, height)) = size {
            Pressed::Resize(width, height)
        } else if let Some(ms) = name.strip_prefix("wait:") {
            Pressed::Wait(ms.parse().unwrap())
        } else if let Some(keys) = name.strip_prefix("type-ahead:") {
            Pressed::Ahead(keys.split(' ').map(|key| key.parse().unwrap()).collect())
        } else if name == "lt" {
            Pressed::Chord(Chord::plain(Key::Char('<')))
        } else {
            Pressed::Chord(name.parse().unwrap())
        });
    }
    steps
}
