//! Something that is said at length: a failure, what was refused, what was said in this session.
//!
//! ```text
//! ╭─▌✗ It could not be done ────────────────────────╮
//! │ the store is locked by another process (pid 12). │
//! │ Close it, or wait.                               │
//! ╰──────────────────────────────────────────────────╯
//! ```
//!
//! What is said is wrapped and scrolls; `y` sends it to the terminal's clipboard, for whoever is asked about it.

use ratatui::layout::Rect;

use super::Popup;
use super::choose::movement;
use super::frame::{frame, inside, scrolled};
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::{Chord, Key, Keymap, Meaning, written};
use crate::console::message::{Effect, Fault};
use crate::console::moment;
use crate::console::out::{Out, Step};
use crate::console::toasts::Toasts;
use crate::console::widgets::flow::Flow;
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Columns inside.
const WIDTH: u16 = 76;

/// Something that is said at length.
#[derive(Debug, Default)]
pub struct Notice {
    title: String,
    mark: Option<Glyph>,
    /// Paragraphs; an empty one is a blank line.
    said: Vec<(Role, String)>,
    /// Whether each is a message of its own, and begins with the mark of how it was meant.
    log: bool,
    /// What a key does about it: the key as it is written, what it does, in words.
    offer: Option<(String, Action, &'static str)>,
    offset: usize,
}

impl Notice {
    /// Says this.
    pub fn new(title: String, lines: Vec<(Role, String)>) -> Notice {
        Notice { title, said: lines, ..Notice::default() }
    }

    fn marked(title: &str, mark: Glyph, said: Vec<(Role, String)>) -> Notice {
        Notice { mark: Some(mark), ..Notice::new(title.to_owned(), said) }
    }

    /// What was said in this session, the newest first.
    pub fn log(toasts: &Toasts) -> Notice {
        let mut said: Vec<(Role, String)> = Vec::new();
        for toast in toasts.all().rev() {
            let at = moment::clock(toast.at);
            said.push((toast.role, format!("{at}  {}", toast.text)));
        }
        let none = said.is_empty();
        if none {
            said.push((Role::Muted, "Nothing was said yet: what decisions come to is kept here.".to_owned()));
        }
        let title = if none { "Messages".to_owned() } else { format!("Messages  {}", said.len()) };
        Notice { log: !none, ..Notice::new(title, said) }
    }

    /// A failure.
    pub fn fault(fault: &Fault) -> Notice {
        let said = vec![(Role::Text, sentence(&fault.text))];
        Notice::marked("It could not be done", Glyph::Bad, said)
    }

    /// The rules do not allow it.
    pub fn denied(fault: &Fault) -> Notice {
        let said = vec![
            (Role::Text, sentence(&fault.text)),
            (Role::Text, String::new()),
            (
                Role::Muted,
                "The rules were asked where it would have been written; nothing was changed.".to_owned(),
            ),
        ];
        Notice::marked("Not allowed", Glyph::Bad, said)
    }

    /// What was looked at has changed; a key looks again.
    pub fn changed(fault: &Fault, keymap: &Keymap) -> Notice {
        let said = vec![
            (Role::Text, sentence(&fault.text)),
            (Role::Text, String::new()),
            (Role::Muted, "Nothing was decided. Look at it as it is now, and decide again.".to_owned()),
        ];
        let notice = Notice::marked("Changed since you opened it", Glyph::Caution, said);
        notice.offering(keymap, Action::Refresh, "look again")
    }

    /// The key is locked; a key unlocks it.
    pub fn locked(fault: &Fault, keymap: &Keymap) -> Notice {
        let said = vec![
            (Role::Text, sentence(&fault.text)),
            (Role::Text, String::new()),
            (Role::Muted, "The passphrase is asked for outside the screen, and kept by nobody.".to_owned()),
        ];
        let notice = Notice::marked("Your key is locked", Glyph::Locked, said);
        notice.offering(keymap, Action::Unlock, "unlock it")
    }

    /// Offers an action: its own key does it, and Enter, which is named where its key is not one press.
    fn offering(self, keymap: &Keymap, action: Action, words: &'static str) -> Notice {
        let key = keymap.keys(action).iter().find(|keys| keys.len() == 1).map(|keys| written(keys));
        Notice {
            offer: Some((key.unwrap_or_else(|| Chord::plain(Key::Enter).to_string()), action, words)),
            ..self
        }
    }

    /// Some of many could not be done.
    pub fn refused(refused: &[(String, String)]) -> Notice {
        let mut said = Vec::new();
        for (i, (what, why)) in refused.iter().enumerate() {
            if i > 0 {
                said.push((Role::Text, String::new()));
            }
            said.push((Role::Strong, what.clone()));
            said.push((Role::Text, format!("  {}", sentence(why))));
        }
        let title = match refused.len() {
            1 => "One was not done".to_owned(),
            n => format!("{n} were not done"),
        };
        Notice::marked(&title, Glyph::Caution, said)
    }

    /// Whether another says the same.
    pub fn says_the_same(&self, other: &Notice) -> bool {
        self.title == other.title && self.said == other.said
    }

    fn copied(&self) -> String {
        let said: Vec<&str> = self.said.iter().map(|(_, text)| text.as_str()).collect();
        format!("{}\n\n{}\n", self.title, said.join("\n"))
    }

    fn laid(&self, width: u16, ascii: bool) -> Flow {
        let mut flow = Flow::default();
        for (role, text) in &self.said {
            let marked = self.log.then(|| format!("{} {text}", role.mark().text(ascii)));
            for line in marked.as_ref().unwrap_or(text).split('\n') {
                flow.words(line, *role, width);
            }
        }
        flow
    }

    /// How many lines there are; marks are as wide in ASCII.
    fn lines(&self, size: (u16, u16)) -> usize {
        self.laid(inside_of(size), false).len()
    }
}

/// A failure's words as a sentence of their own.
pub(super) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

impl Popup for Notice {
    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        let view = out.ctx.hits.of(ListId::Dialog);
        let means = out.ctx.keymap.meaning(&[chord], &[Where::Everywhere]);
        let offered = self.offer.as_ref().map(|(_, action, _)| *action);
        let offered = offered.filter(|act| chord.key == Key::Enter || means == Meaning::Does(*act));
        match (chord.key, offered) {
            _ if repeat && movement(chord).is_none() => {}
            (_, Some(action)) => {
                out.step(Step::Close);
                out.step(Step::Act(action));
            }
            (Key::Esc | Key::Enter | Key::Char('q'), _) => out.step(Step::Close),
            (Key::Char('y'), _) => {
                out.effect(Effect::Copy(self.copied()));
                out.say(Role::Info, "Sent to the terminal: what is said here");
            }
            _ => {
                let len = self.lines(out.ctx.size);
                if let Some(offset) = movement(chord).and_then(|action| scroll::scrolled(action, len, view)) {
                    self.offset = offset;
                }
            }
        }
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Dialog)) {
            let len = self.lines(out.ctx.size);
            self.offset = scroll::wheeled(by, len, out.ctx.hits.of(ListId::Dialog));
        }
    }

    fn hints(&self) -> Vec<(&str, &'static str)> {
        let mut hints = vec![("esc", "close"), ("y", "copy"), ("j/k", "scroll")];
        if let Some((key, _, words)) = &self.offer {
            hints.insert(0, (key, words));
        }
        hints
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let flow = self.laid(text_width(inside(area, WIDTH)), canvas.look.ascii);
        let mark = self.mark.map_or("", |glyph| canvas.glyph(glyph));
        let title = if mark.is_empty() { self.title.clone() } else { format!("{mark} {}", self.title) };
        let offer = self.offer.as_ref().map_or(String::new(), |(key, _, words)| format!("{key}: {words}"));
        let inside = frame(canvas, area, [&title, &offer], WIDTH, flow.rows().min(500));
        scrolled(canvas, inside, &flow, self.offset);
    }
}

/// Columns of text: the last one is the bar's.
fn text_width(inside: u16) -> u16 {
    inside.saturating_sub(1)
}

fn inside_of((width, height): (u16, u16)) -> u16 {
    text_width(inside(Rect::new(0, 0, width, height), WIDTH))
}
