//! Something that is confirmed, and what keeps every confirmation safe.
//!
//! ```text
//! ╭▌Roll back legal.contract-analysis ─────────╮
//! │ 1.1.0 is active; 1.0.0 becomes active      │
//! │ because: breaks downstream parsing         │
//! │                                            │
//! │ Type legal.contract-analysis               │
//! │ > legal.con                                │
//! │                                            │
//! │          [ Cancel ]    y  Roll back        │
//! ╰────────────────────────────────────────────╯
//! ```

use ratatui::layout::Rect;

use super::{Popup, Seen};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::{Chord, Key};
use crate::console::message::Stamp;
use crate::console::out::{Back, Ctx, Out, Step};
use crate::console::query::Command;
use crate::console::widgets::confirm::{Button, buttons};
use crate::console::widgets::flow::Flow;
use crate::console::widgets::input::Input;
use crate::console::widgets::panel::{Panel, centred};
use crate::console::widgets::scroll;
use crate::domain::prompt::{PromptUri, Scope};
use crate::theme::{Glyph, Role};

/// How long what weighs much must have been seen before it can be confirmed, ms.
pub const WEIGHTY_MS: u64 = 250;
/// Why nothing is confirmed on a terminal that is too small.
pub(super) const NO_ROOM: &str = "No room: enlarge the terminal";
/// Columns of a dialog of words.
const WIDTH: u16 = 72;

/// What a key answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// Yes: it was seen, and whatever had to be typed was.
    Yes,
    /// No.
    No,
    /// Nothing yet.
    Nothing,
}

/// What Enter is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Focus {
    Field,
    Cancel,
    Yes,
}

/// A question that is answered by yes or no, and not by accident.
#[derive(Debug)]
pub struct Question {
    seen: Seen,
    /// Since when all has been seen that must be.
    whole: Seen,
    /// What has the focus: Cancel first, or the field where a word must be typed.
    focus: Focus,
    /// The word that must be typed, and what is typed.
    word: Option<(String, Input)>,
    /// What Enter says while the word is not complete.
    objection: bool,
}

impl Question {
    /// A question; of what weighs much a word must be typed.
    pub fn new(word: Option<String>) -> Question {
        Question {
            seen: Seen::default(),
            whole: Seen::default(),
            focus: if word.is_some() { Focus::Field } else { Focus::Cancel },
            word: word.map(|word| (word, Input::default())),
            objection: false,
        }
    }

    /// A frame with it has been drawn; `whole` says whether all has been shown by now that must be seen before a yes.
    pub fn drawn(&mut self, whole: bool, stamp: Stamp) {
        self.seen.drawn(stamp);
        if whole {
            self.whole.drawn(stamp);
        }
    }

    /// Whether all has been shown.
    pub fn is_whole(&self) -> bool {
        self.whole.is_drawn()
    }

    /// What it shows has changed.
    pub fn renew(&mut self) {
        self.seen.renew();
        self.whole.renew();
    }

    /// Whether a word must be typed.
    pub fn is_weighty(&self) -> bool {
        self.word.is_some()
    }

    /// Whether it can be confirmed.
    fn is_ready(&self, stamp: Stamp) -> bool {
        match &self.word {
            None => self.whole.for_ms(0, stamp),
            Some((word, input)) => input.text().trim() == word && self.whole.for_ms(WEIGHTY_MS, stamp),
        }
    }

    /// What a key answers. `y` and Enter on the button say yes, and only to what has been seen; a held key never does.
    pub fn key(&mut self, chord: Chord, repeat: bool, stamp: Stamp) -> Answered {
        self.objection = false;
        let yes = |ready: bool| if ready && !repeat { Answered::Yes } else { Answered::Nothing };
        match (chord.key, &mut self.word) {
            (Key::Esc, _) | (Key::Char('q' | 'n'), None) => Answered::No,
            (Key::Tab | Key::BackTab, word) => {
                self.focus = match (self.focus, word.is_some(), chord.key == Key::Tab) {
                    (Focus::Field, _, true) | (Focus::Yes, false, _) | (Focus::Yes, true, false) => {
                        Focus::Cancel
                    }
                    (Focus::Cancel, true, false) | (Focus::Yes, true, true) => Focus::Field,
                    (Focus::Cancel | Focus::Field, ..) => Focus::Yes,
                };
                Answered::Nothing
            }
            (Key::Left | Key::Char('h'), None) => {
                self.focus = Focus::Cancel;
                Answered::Nothing
            }
            (Key::Right | Key::Char('l'), None) => {
                self.focus = Focus::Yes;
                Answered::Nothing
            }
            (Key::Enter, _) if self.focus == Focus::Cancel => {
                if self.seen.for_ms(0, stamp) && !repeat {
                    Answered::No
                } else {
                    Answered::Nothing
                }
            }
            (Key::Enter, word) => {
                // Typing the word is as plain as a button.
                let asked = word.is_some();
                let ready = self.is_ready(stamp);
                self.objection = asked && !ready;
                yes(ready)
            }
            (Key::Char('y'), None) => yes(self.is_ready(stamp)),
            (_, Some((_, input))) => {
                self.focus = Focus::Field;
                input.key(chord);
                Answered::Nothing
            }
            _ => Answered::Nothing,
        }
    }

    /// Text was pasted: it can be the word, and nothing else.
    pub fn paste(&mut self, text: &str) {
        if let Some((_, input)) = &mut self.word {
            input.paste(text);
        }
    }

    /// Rows that it takes.
    pub fn height(&self) -> u16 {
        if self.word.is_some() { 4 } else { 1 }
    }

    /// Draws what must be typed, and the buttons; `able` says whether there is something to confirm.
    pub fn draw(&self, canvas: &mut Canvas<'_>, area: Rect, yes: &str, able: bool) {
        let mut y = area.y;
        if let Some((word, input)) = &self.word {
            let (role, text) = if self.objection {
                (Role::Caution, format!("Not yet: type {word} to the letter"))
            } else {
                (Role::Muted, format!("Type {word}"))
            };
            canvas.put(area.x, y, area.width, &text, role);
            input.draw(canvas, Rect { y: y + 1, height: 1, ..area }, "", self.focus == Focus::Field);
            y += 3;
        }
        let cancel = Button::calm("Cancel");
        let does = Button { words: yes, danger: self.word.is_some() };
        let all = if able { &[cancel, does][..] } else { &[cancel][..] };
        let focused = match self.focus {
            Focus::Field => None,
            Focus::Yes if able => Some(1),
            Focus::Cancel | Focus::Yes => Some(0),
        };
        buttons(canvas, Rect { y, height: 1, ..area }, all, focused);
    }

    /// What the status bar says.
    pub fn hints(&self, yes: &'static str) -> Vec<(&'static str, &'static str)> {
        match self.word {
            Some(_) => vec![("enter", yes), ("esc", "cancel"), ("tab", "buttons")],
            None => vec![("y", yes), ("esc", "cancel"), ("tab", "other button")],
        }
    }
}

/// Something that is confirmed.
#[derive(Debug)]
pub struct Confirm {
    title: String,
    lines: Vec<(Role, String)>,
    yes: &'static str,
    question: Question,
    /// What is done; taken when it is.
    step: Option<Step>,
    offset: usize,
    /// Lines that have been shown, from the first.
    shown: usize,
    /// Whether all of it has room on the terminal.
    fits: bool,
}

impl Confirm {
    /// Asks before `step`; of what weighs much, the word must be typed.
    pub fn new(
        title: String,
        lines: Vec<(Role, String)>,
        yes: &'static str,
        word: Option<String>,
        step: Step,
    ) -> Confirm {
        let question = Question::new(word);
        Confirm { title, lines, yes, question, step: Some(step), offset: 0, shown: 0, fits: false }
    }

    /// Asks before a version becomes active again.
    pub fn roll_back(back: Back, reason: String) -> Confirm {
        let Back { uri, from, to } = back;
        let target = to.as_ref().map_or_else(
            || "the version that was active before".to_owned(),
            std::string::ToString::to_string,
        );
        let instead = from.as_ref().map(|from| format!(", instead of {from}")).unwrap_or_default();
        let lines = vec![
            (Role::Text, format!("{uri}")),
            (Role::Text, format!("becomes active again: {target}{instead}")),
            (Role::Muted, format!("because: {reason}")),
            (Role::Muted, "It is signed and enters the ledger; rolling forward is another entry.".to_owned()),
        ];
        let word = weighty(&uri);
        let title = format!("Roll back {}", uri.key);
        let command = Command::RollBack { uri, from, to, reason };
        Confirm::new(title, lines, "Roll back", word, Step::Do(Box::new(command)))
    }

    /// Asks before a decision is undone by a command; `step` does it.
    pub fn undo(what: &str, by: &Command, step: Step) -> Confirm {
        let (mut lines, mut word) = (vec![(Role::Text, what.to_owned())], None);
        if let Command::RollBack { uri, from, to, .. } = by {
            word = weighty(uri);
            let from = from.as_ref().map(|v| format!(", instead of {v}")).unwrap_or_default();
            let to = to.as_ref().map_or_else(|| "what was active before".to_owned(), ToString::to_string);
            lines.push((Role::Text, format!("{}: {to} becomes active again{from}", uri.key)));
            lines.push((
                Role::Muted,
                "Its proposal stays decided; propose it anew if it is to come back.".to_owned(),
            ));
        }
        let ledger = "Nothing is taken out of the ledger: undoing is a new entry that says so.";
        lines.push((Role::Muted, ledger.to_owned()));
        Confirm::new("Undo".to_owned(), lines, "Undo", word, step)
    }
}

/// What a key scrolls in a dialog that is confirmed; letters only where none is to be typed.
pub(super) fn scrolls(chord: Chord, weighty: bool) -> Option<Action> {
    Some(match (chord.key, chord.ctrl) {
        (Key::Down, _) => Action::Down,
        (Key::Up, _) => Action::Up,
        (Key::PageDown, _) => Action::PageDown,
        (Key::PageUp, _) => Action::PageUp,
        (Key::Char('j'), false) if !weighty => Action::Down,
        (Key::Char('k'), false) if !weighty => Action::Up,
        (Key::Char('d'), true) => Action::HalfDown,
        (Key::Char('u'), true) => Action::HalfUp,
        _ => return None,
    })
}

impl Confirm {
    /// Rows of all of it on a terminal of this width.
    fn rows(&self, width: u16) -> u16 {
        self.laid(width).rows().saturating_add(1 + self.question.height() + 2)
    }

    fn laid(&self, width: u16) -> Flow {
        let mut flow = Flow::default();
        for (role, line) in &self.lines {
            flow.words(line, *role, WIDTH.min(width).saturating_sub(4 + scroll::COLUMNS));
        }
        flow
    }
}

/// The word that must be typed before another version of a prompt becomes active: a core prompt is the ground of
/// everything.
fn weighty(uri: &PromptUri) -> Option<String> {
    (uri.scope() == Scope::Core).then(|| uri.key.to_string())
}

impl Popup for Confirm {
    fn opened(&mut self, out: &mut Out<'_>) {
        self.fits = self.rows(out.ctx.size.0) < out.ctx.size.1;
    }

    fn resized(&mut self, out: &mut Out<'_>) {
        // Laid out for other lines, it has not been seen like this.
        self.question.renew();
        self.shown = 0;
        self.opened(out);
    }

    fn seen(&mut self, ctx: &Ctx<'_>) {
        let view = ctx.hits.of(ListId::Dialog);
        if view.offset <= self.shown {
            self.shown = self.shown.max(view.offset + view.height);
        }
        self.question.drawn(self.shown >= self.laid(ctx.size.0).len(), ctx.stamp);
    }

    fn writes(&self) -> bool {
        self.question.is_weighty()
    }

    fn key(&mut self, chord: Chord, repeat: bool, out: &mut Out<'_>) {
        if let Some(action) = scrolls(chord, self.question.is_weighty()) {
            let (view, len) = (out.ctx.hits.of(ListId::Dialog), self.laid(out.ctx.size.0).len());
            self.offset = scroll::scrolled(action, len, view).unwrap_or(self.offset);
            return;
        }
        match self.question.key(chord, repeat, out.ctx.stamp) {
            Answered::Yes => {
                out.step(Step::Close);
                if let Some(step) = self.step.take() {
                    out.step(step);
                }
            }
            Answered::No => out.step(Step::Close),
            Answered::Nothing => {}
        }
    }

    fn paste(&mut self, text: &str, _out: &mut Out<'_>) {
        self.question.paste(text);
    }

    fn mouse(&mut self, target: Target, by: isize, out: &mut Out<'_>) {
        if matches!(target, Target::List(ListId::Dialog)) && by != 0 {
            let len = self.laid(out.ctx.size.0).len();
            self.offset = scroll::wheeled(by, len, out.ctx.hits.of(ListId::Dialog));
        }
    }

    fn hints(&self) -> Vec<(&'static str, &'static str)> {
        let mut hints = self.question.hints(self.yes);
        if !self.fits && !self.question.is_whole() {
            hints.insert(0, ("down", "read on"));
        }
        hints
    }

    fn draw(&self, canvas: &mut Canvas<'_>, area: Rect) {
        let flow = self.laid(area.width);
        let place = centred(area, WIDTH, self.rows(area.width));
        canvas.fill(place, Role::Dialog);
        let panel = Panel { title: &self.title, active: true, ..Panel::default() };
        let inside = panel.framed(canvas, place);
        let foot = self.question.height().min(inside.height);
        let room = inside.height.saturating_sub(foot);
        let text = Rect { height: flow.rows().min(room.saturating_sub(1)), ..inside };
        let view = scroll::viewed(canvas, text, ListId::Dialog, self.offset, flow.len());
        for (y, line) in (text.y..text.bottom()).zip(view.offset..flow.len()) {
            flow.draw(canvas, text.x, y, text.width.saturating_sub(scroll::COLUMNS), line);
        }
        scroll::bar(canvas, text, view, flow.len());
        if room > 0 && usize::from(text.height) < flow.len() && !self.question.is_whole() {
            // Why `y` does nothing.
            let says = if text.is_empty() { NO_ROOM } else { "There is more: read on to its end (down)" };
            let mark = canvas.glyph(Glyph::Caution);
            let pieces = [(Role::Caution, mark), (Role::Text, " "), (Role::Caution, says)];
            canvas.pieces(inside.x, inside.y + room - 1, inside.width, &pieces);
        }
        self.question.draw(
            canvas,
            Rect { y: inside.bottom() - foot, height: foot, ..inside },
            self.yes,
            true,
        );
    }
}
