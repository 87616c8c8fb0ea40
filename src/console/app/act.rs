//! What keys, the palette and the mouse do.

use super::App;
use crate::console::action::{Action, Where};
use crate::console::dialogs::{
    Choose, Confirm, Dialog, Field, FilterBar, Help, HelpRow, Notice, Palette, Popup as _, help_rows,
};
use crate::console::hitmap::{ListId, Target};
use crate::console::keymap::{Chord, Meaning};
use crate::console::message::{Effect, Mouse, MouseKind};
use crate::console::out::{Ctx, Step};
use crate::console::panes::{Page, Pane as _};
use crate::console::tab::Tab;
use crate::domain::window::WindowSpec;
use crate::theme::Role;

/// The windows that one key goes through.
const WINDOWS: [&str; 4] = ["15m", "24h", "7d", "30d"];

fn position(window: WindowSpec) -> Option<usize> {
    WINDOWS.iter().position(|text| text.parse() == Ok(window))
}

fn at(position: usize) -> WindowSpec {
    WINDOWS[position % WINDOWS.len()].parse().unwrap_or_default()
}

fn longer(window: WindowSpec) -> WindowSpec {
    at(position(window).map_or(2, |i| i + 1))
}

fn shorter(window: WindowSpec) -> WindowSpec {
    at(position(window).map_or(2, |i| i + WINDOWS.len() - 1))
}

impl App {
    pub(super) fn key(&mut self, chord: Chord, repeat: bool, ctx: &Ctx<'_>) -> Vec<Effect> {
        // What must work wherever one is; but a letter that is written is a letter.
        let one = [chord];
        let written = chord.typed().is_some() && self.dialogs.last().is_some_and(Dialog::writes);
        if !written
            && let Meaning::Does(action @ (Action::QuitNow | Action::Suspend)) =
                ctx.keymap.meaning(&one, &[Where::Everywhere])
        {
            return self.act(action, ctx);
        }
        if !self.dialogs.is_empty() {
            return self.out(ctx, |app, out| {
                if let Some(dialog) = app.dialogs.last_mut() {
                    dialog.key(chord, repeat, out);
                }
            });
        }
        self.typed.push(chord);
        let meaning = ctx.keymap.meaning(&self.typed, &self.places());
        match meaning {
            Meaning::Begins => vec![],
            Meaning::Does(action) => {
                self.typed.clear();
                // Its key means nothing where there is something to see.
                if action == Action::Demo && self.objection(action).is_some() {
                    return vec![];
                }
                // A held key moves; it does nothing else twice.
                if repeat && action.row().place != Where::List { vec![] } else { self.act(action, ctx) }
            }
            Meaning::Nothing => {
                self.typed.clear();
                vec![]
            }
        }
    }

    /// Does what a key, the palette or a dialog asks for.
    pub(super) fn act(&mut self, action: Action, ctx: &Ctx<'_>) -> Vec<Effect> {
        if let Some(why) = self.objection(action) {
            let text = format!("{}: {why}", action.row().hint);
            return self.step(Step::Say(Role::Caution, text), ctx);
        }
        if let Some(tab) = Tab::of(action) {
            if let Some(asks) = self.asks_first(action, ctx) {
                return asks;
            }
            self.pages[tab as usize].clear();
            return self.step(Step::Go(tab), ctx);
        }
        let mut known = false;
        let effects = self.out(ctx, |app, out| known = focused!(mut app, pane => pane.act(action, out)));
        if known {
            return effects;
        }
        match action {
            Action::Help => {
                let rows = self.help(ctx);
                self.open(Dialog::Help(Help::new(rows)), ctx)
            }
            Action::Palette => {
                let rows = self.help(ctx);
                self.open(Dialog::Palette(Palette::new(rows)), ctx)
            }
            Action::Filter => {
                let before = focused!(self, pane => pane.filter()).unwrap_or_default().to_owned();
                let syntax = focused!(self, pane => pane.filter_syntax());
                self.open(Dialog::Filter(FilterBar::new(before, syntax)), ctx)
            }
            // A list that is narrowed is no layer that one went into.
            Action::Quit => match self.peel(false, ctx) {
                Some(effects) => effects,
                None => self.asks_first(Action::Quit, ctx).unwrap_or_else(|| vec![Effect::Quit]),
            },
            Action::Back => self.peel(true, ctx).unwrap_or_default(),
            Action::QuitNow => vec![Effect::Quit],
            Action::Suspend => vec![Effect::Suspend],
            Action::Unlock => vec![Effect::Unlock],
            Action::NextTab => self.step(Step::Go(self.tab.step(1)), ctx),
            Action::PreviousTab => self.step(Step::Go(self.tab.step(-1)), ctx),
            Action::Zoom => self.zoom(true, ctx),
            Action::Unzoom => self.zoom(false, ctx),
            Action::Window => self.look_at(longer(self.window), ctx),
            Action::PreviousWindow => self.look_at(shorter(self.window), ctx),
            Action::CustomWindow => {
                let field = Field::window(&self.window.to_string());
                self.open(Dialog::Field(field), ctx)
            }
            Action::Refresh => {
                let mut effects = self.refresh(ctx);
                effects.push(Effect::Redraw);
                effects
            }
            Action::Messages => {
                let notice = Notice::log(&self.toasts);
                self.open(Dialog::Notice(notice), ctx)
            }
            Action::Copy => match focused!(self, pane => pane.copied()) {
                // Nobody says whether the terminal took it.
                Some((what, text)) => {
                    let mut effects = vec![Effect::Copy(text)];
                    effects.extend(
                        self.step(Step::Say(Role::Info, format!("Sent to the terminal: {what}")), ctx),
                    );
                    effects
                }
                None => vec![],
            },
            Action::Undo => self.undo(ctx),
            Action::Theme => {
                let choose = Choose::theme(&self.settings.themes, &self.theme);
                self.open(Dialog::Choose(choose), ctx)
            }
            Action::Mouse => {
                self.mouse = !self.mouse;
                vec![Effect::Mouse(self.mouse)]
            }
            Action::Demo => vec![Effect::LeaveForDemo],
            _ => vec![],
        }
    }

    /// Every action with its keys, whether it is at work here, and why not where it is not.
    pub(super) fn help(&self, ctx: &Ctx<'_>) -> Vec<HelpRow> {
        let places = self.places();
        help_rows(ctx.keymap, &places, |action| self.objection(action))
    }

    /// Peels one layer: a step within the pane, its filter where that counts, the zoom, the page; `None` at the root.
    fn peel(&mut self, filters: bool, ctx: &Ctx<'_>) -> Option<Vec<Effect>> {
        let mut went = false;
        let effects = self.out(ctx, |app, out| went = focused!(mut app, pane => pane.back(out)));
        if went {
            return Some(effects);
        }
        if filters && self.filter().is_some() {
            return Some(self.step(Step::Filter(String::new()), ctx));
        }
        if self.zoomed {
            return Some(self.zoom(false, ctx));
        }
        if self.pages[self.tab as usize].is_empty() {
            return None;
        }
        Some(self.asks_first(Action::Back, ctx).unwrap_or_else(|| self.step(Step::Pop, ctx)))
    }

    /// Gives the focused part of the pane the whole screen, or takes it back: what is shown has other places.
    fn zoom(&mut self, zoomed: bool, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.zoomed = zoomed;
        self.out(ctx, |app, out| focused!(mut app, pane => pane.resized(out)))
    }

    pub(super) fn undo(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some(undo) = self.undo.last() else { return vec![] };
        let dialog = Confirm::undo(&undo.what, &undo.by, Step::Undo(undo.of));
        self.open(Dialog::Confirm(dialog), ctx)
    }

    pub(super) fn mouse(&mut self, mouse: Mouse, ctx: &Ctx<'_>) -> Vec<Effect> {
        let targets: Vec<Target> = ctx.hits.at(mouse.column, mouse.row).collect();
        let Some(&target) = targets.first() else { return vec![] };
        let by = match mouse.kind {
            MouseKind::WheelUp => -1,
            MouseKind::WheelDown => 1,
            MouseKind::Click => 0,
            // What slides follows the mouse; nothing else is dragged.
            MouseKind::Drag if matches!(target, Target::Row(ListId::CostWeight, _)) => 0,
            MouseKind::Drag => return vec![],
        };
        if !self.dialogs.is_empty() {
            // A click chooses a row of a dialog; it never answers one.
            return self.out(ctx, |app, out| {
                if let Some(dialog) = app.dialogs.last_mut() {
                    dialog.mouse(target, by, out);
                }
            });
        }
        if by != 0 {
            let list =
                targets.iter().find(|target| matches!(target, Target::List(_))).copied().unwrap_or(target);
            return self.out(ctx, |app, out| focused!(mut app, pane => pane.wheel(list, by, out)));
        }
        match target {
            Target::Tab(tab) => self.act(tab.action(), ctx),
            target => self.out(ctx, |app, out| focused!(mut app, pane => pane.click(target, out))),
        }
    }
}
