//! What the console says of itself: to header, hints, help and status bar.

use super::App;
use crate::console::action::{Action, Where};
use crate::console::canvas::Canvas;
use crate::console::keymap::Keymap;
use crate::console::panes::{Page, Pane as _, View};
use crate::console::tab::Tab;
use crate::domain::window::WindowSpec;

/// What writes.
const DECIDES: [Action; 16] = [
    Action::Undo,
    Action::Unlock,
    Action::RollBack,
    Action::ManyAccept,
    Action::ManyReject,
    Action::ManyDefer,
    Action::Accept,
    Action::Reject,
    Action::Modify,
    Action::ModifyHere,
    Action::Defer,
    Action::Comment,
    Action::Acknowledge,
    Action::Silence,
    Action::WatchRollBack,
    Action::RunNow,
];

impl App {
    /// Where keys are at work, the nearest first.
    pub fn places(&self) -> Vec<Where> {
        let mut places = focused!(self, pane => pane.places()).to_vec();
        places.push(Where::Everywhere);
        places
    }

    /// What the bar of hints offers.
    pub fn hints(&self) -> &'static [Action] {
        focused!(self, pane => pane.hints())
    }

    /// Why an action cannot be done now.
    pub fn objection(&self, action: Action) -> Option<String> {
        let empty = || self.pulse.value().is_some_and(|pulse| pulse.is_empty());
        let said = match action {
            _ if self.settings.read_only && DECIDES.contains(&action) => {
                Some("the console is read-only: it was opened with --read-only")
            }
            Action::Undo if self.undoing.is_some() => Some("something is being undone already"),
            Action::Undo if self.undo.is_empty() => Some("nothing was decided here that can be undone"),
            Action::Unzoom if !self.zoomed => Some("no pane is zoomed"),
            Action::Zoom if self.zoomed => Some("it is zoomed already"),
            Action::Demo if !self.settings.demo => Some("this is a demo already"),
            Action::Demo if !empty() => Some("the store is not empty; `human demo` opens a demo of its own"),
            Action::Filter if focused!(self, pane => pane.filter().is_none()) => {
                Some("nothing here to narrow")
            }
            Action::Sort | Action::SortNext | Action::SortPrevious | Action::Invert if !focused!(self, pane => pane.sorts()) => {
                Some("what is shown here has an order of its own")
            }
            Action::Copy if focused!(self, pane => pane.copied().is_none()) => Some("nothing here to copy"),
            _ => None,
        };
        said.map(ToOwned::to_owned).or_else(|| focused!(self, pane => pane.objection(action)))
    }

    /// Names of where one is, outermost first.
    pub fn crumbs(&self) -> Vec<String> {
        let mut crumbs = vec![self.tab.title().to_owned()];
        for page in &self.pages[self.tab as usize] {
            crumbs.push(match page {
                Page::Prompt(pane) => pane.crumb(),
                Page::Review(pane) => pane.crumb(),
                Page::Call(pane) => pane.crumb(),
                Page::Compare(pane) => pane.crumb(),
            });
        }
        crumbs
    }

    /// The filter of the pane that has the focus.
    pub fn filter(&self) -> Option<&str> {
        focused!(self, pane => pane.filter()).filter(|filter| !filter.is_empty())
    }

    /// What is wrong with it.
    pub fn filter_fault(&self) -> Option<&str> {
        focused!(self, pane => pane.filter_fault())
    }

    /// The window that what is shown belongs to, while that of another is being read.
    pub fn earlier_window(&self) -> Option<WindowSpec> {
        focused!(self, pane => pane.earlier_window())
    }

    /// Whether the pane is frozen.
    pub fn is_frozen(&self) -> bool {
        self.tab == Tab::Watch && self.watch.is_frozen()
    }

    /// What warns and what pages, by the last watch; a version that turned out worse warns.
    pub fn alarms(&self) -> Option<(usize, usize)> {
        Some(self.watching.value()?.alarm_counts())
    }

    /// Commands that are being carried out.
    pub fn working(&self) -> usize {
        self.sent.len()
    }

    /// Draws the pane that has the focus.
    pub fn draw_pane(&self, keymap: &Keymap, canvas: &mut Canvas<'_>, area: ratatui::layout::Rect) {
        let words = self.earlier_window().unwrap_or(self.window).words();
        let view = View {
            focused: self.dialogs.is_empty(),
            now: self.now,
            pulse: self.pulse.value().map(|pulse| &**pulse),
            window: &words,
            zoomed: self.zoomed,
            next_run: self.agent_due.map(|(_, at)| at),
            keymap,
        };
        focused!(self, pane => pane.draw(canvas, area, &view));
    }
}
