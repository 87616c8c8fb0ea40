//! The console's state, how it changes, and how it is drawn.
//!
//! [`update`] is pure: everything that it knows arrives in its arguments, everything that it wants it returns. Keys go to
//! the topmost dialog; without one, through the keymap, to the pane that has the focus, and then to the console itself.

use std::sync::Arc;
use std::time::Duration;

use super::action::{Action, Where};
use super::canvas::Canvas;
use super::chrome;
use super::dialogs::{
    Choose, Confirm, Dialog, Field, FilterBar, Help, HelpRow, Notice, Palette, Popup as _, help_rows,
};
use super::hitmap::{ListId, Target};
use super::keymap::{Chord, Keymap, Meaning};
use super::message::{CommandId, Effect, Fault, FaultKind, Loaded, Mouse, MouseKind, Msg, Ticket};
use super::out::{Counter, Ctx, Out, Step};
use super::panes::{AffinityPane, Leaderboard, LedgerPane, Page, Pane as _, Proposals, View, WatchPane};
use super::query::{Command, Query, Receipt, Reply};
use super::tab::Tab;
use super::toasts::Toasts;
use crate::domain::call::Millis;
use crate::domain::window::WindowSpec;
use crate::engine::trend::health::Level;
use crate::service::Watch;
use crate::service::live::{AffinityGrid, Pulse};
use crate::theme::Role;

/// How a console is set.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The window of time that it begins with.
    pub window: WindowSpec,
    /// Whether nothing may be decided.
    pub read_only: bool,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// Whether a new alarm rings.
    pub bell: bool,
    /// Whether the terminal's title says how many alarms there are.
    pub title: bool,
    /// Names of the themes that can be chosen.
    pub themes: Vec<String>,
    /// The theme that it begins with.
    pub theme: String,
    /// Whether a demo world is offered where the store is empty.
    pub demo: bool,
    /// How often the agent runs while the console is open.
    pub agent_every: Option<Duration>,
}

/// The console.
#[derive(Debug)]
pub struct App {
    /// How it is set.
    pub settings: Settings,
    /// The tab that is open.
    pub tab: Tab,
    /// The window of time.
    pub window: WindowSpec,
    /// The state of the store.
    pub pulse: Loaded<Arc<Pulse>>,
    /// Whether the focused pane has the whole screen.
    pub zoomed: bool,
    /// Whether the mouse is taken.
    pub mouse: bool,
    /// Dialogs, the topmost last.
    pub dialogs: Vec<Dialog>,
    /// What was said.
    pub toasts: Toasts,
    /// Chords of a binding that is not complete.
    pub typed: Vec<Chord>,
    /// Wall clock of the last message, ms.
    pub now: Millis,
    /// The theme that is shown.
    pub theme: String,
    board: Leaderboard,
    affinity: AffinityPane,
    proposals: Proposals,
    watch: WatchPane,
    ledger: LedgerPane,
    /// What lies over the root of each tab, the topmost last.
    pages: [Vec<Page>; 5],
    /// What undoes decisions of this session, the newest last.
    undo: Vec<(String, Command)>,
    /// The command that undoes something now.
    undoing: Option<CommandId>,
    /// Streams that were alarms when last looked, by name.
    alarms: Option<Vec<String>>,
    /// Runs of commands that are still carried out.
    working: usize,
    watching: Loaded<Arc<Watch>>,
    /// By it boards say which model serves a prompt best.
    grid: Loaded<Arc<AffinityGrid>>,
    /// When the agent runs next, ms since the console began.
    agent_due: Option<u64>,
    counter: Counter,
}

/// Does something with the pane that has the focus: the topmost page of the tab, or its root.
macro_rules! focused {
    ($app:expr, $pane:ident => $body:expr) => {
        match $app.pages[$app.tab as usize].last() {
            Some(Page::Prompt($pane)) => $body,
            Some(Page::Review($pane)) => $body,
            Some(Page::Call($pane)) => $body,
            None => match $app.tab {
                Tab::Prompts => {
                    let $pane = &$app.board;
                    $body
                }
                Tab::Affinity => {
                    let $pane = &$app.affinity;
                    $body
                }
                Tab::Proposals => {
                    let $pane = &$app.proposals;
                    $body
                }
                Tab::Watch => {
                    let $pane = &$app.watch;
                    $body
                }
                Tab::Ledger => {
                    let $pane = &$app.ledger;
                    $body
                }
            },
        }
    };
    (mut $app:expr, $pane:ident => $body:expr) => {
        match $app.pages[$app.tab as usize].last_mut() {
            Some(Page::Prompt($pane)) => $body,
            Some(Page::Review($pane)) => $body,
            Some(Page::Call($pane)) => $body,
            None => match $app.tab {
                Tab::Prompts => {
                    let $pane = &mut $app.board;
                    $body
                }
                Tab::Affinity => {
                    let $pane = &mut $app.affinity;
                    $body
                }
                Tab::Proposals => {
                    let $pane = &mut $app.proposals;
                    $body
                }
                Tab::Watch => {
                    let $pane = &mut $app.watch;
                    $body
                }
                Tab::Ledger => {
                    let $pane = &mut $app.ledger;
                    $body
                }
            },
        }
    };
}

impl App {
    /// A console that knows nothing yet.
    pub fn new(settings: Settings) -> App {
        App {
            tab: Tab::default(),
            window: settings.window,
            pulse: Loaded::default(),
            zoomed: false,
            mouse: settings.mouse,
            dialogs: Vec::new(),
            toasts: Toasts::default(),
            typed: Vec::new(),
            now: 0,
            theme: settings.theme.clone(),
            board: Leaderboard::default(),
            affinity: AffinityPane::default(),
            proposals: Proposals::default(),
            watch: WatchPane::default(),
            ledger: LedgerPane::new(settings.agent_every),
            pages: Default::default(),
            undo: Vec::new(),
            undoing: None,
            alarms: None,
            working: 0,
            watching: Loaded::default(),
            grid: Loaded::default(),
            agent_due: None,
            counter: Counter::default(),
            settings,
        }
    }

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
            Action::Undo if self.undo.is_empty() => Some("nothing was decided here that can be undone"),
            Action::Unzoom if !self.zoomed => Some("no pane is zoomed"),
            Action::Zoom if self.zoomed => Some("it is zoomed already"),
            Action::Demo if !self.settings.demo => Some("this is a demo already"),
            Action::Demo if !empty() => {
                Some("the store is not empty; `human demo` opens a demo of its own")
            }
            Action::Filter if focused!(self, pane => pane.filter().is_none()) => {
                Some("nothing here to narrow")
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
            });
        }
        crumbs
    }

    /// The filter of the pane that has the focus.
    pub fn filter(&self) -> Option<&str> {
        focused!(self, pane => pane.filter()).filter(|filter| !filter.is_empty())
    }

    /// Whether the pane is frozen.
    pub fn is_frozen(&self) -> bool {
        self.tab == Tab::Watch && self.watch.is_frozen()
    }

    /// Streams that warn and that page, by the last watch.
    pub fn alarms(&self) -> Option<(usize, usize)> {
        let watch = self.watching.value()?;
        let alarms = || watch.streams.iter().filter(|stream| stream.is_alarm());
        let pages = alarms().filter(|stream| stream.level == Level::Page).count();
        Some((alarms().count() - pages, pages))
    }

    /// Commands that are being carried out.
    pub fn working(&self) -> usize {
        self.working
    }

    /// Draws the pane that has the focus.
    pub fn draw_pane(&self, canvas: &mut Canvas<'_>, area: ratatui::layout::Rect) {
        let words = self.window.words();
        let view = View {
            focused: self.dialogs.is_empty(),
            now: self.now,
            pulse: self.pulse.value().map(|pulse| &**pulse),
            window: &words,
        };
        focused!(self, pane => pane.draw(canvas, area, &view));
    }

    fn out<'a>(&mut self, ctx: &'a Ctx<'a>, work: impl FnOnce(&mut App, &mut Out<'_>)) -> Vec<Effect> {
        let mut counter = std::mem::take(&mut self.counter);
        let mut out = Out::new(ctx, self.window, self.settings.read_only, &mut counter);
        work(self, &mut out);
        let (mut effects, steps) = out.into_parts();
        self.counter = counter;
        for step in steps {
            effects.extend(self.step(step, ctx));
        }
        effects
    }

    fn step(&mut self, step: Step, ctx: &Ctx<'_>) -> Vec<Effect> {
        match step {
            Step::Open(open) => self.open(Dialog::of(open), ctx),
            Step::Close => {
                self.dialogs.pop();
                vec![]
            }
            Step::Push(place) => {
                self.pages[self.tab as usize].push(Page::of(place));
                self.zoomed = false;
                self.show(ctx)
            }
            Step::Pop => {
                self.pages[self.tab as usize].pop();
                self.show(ctx)
            }
            Step::Go(tab) => {
                self.tab = tab;
                self.zoomed = false;
                self.show(ctx)
            }
            Step::Act(action) => self.act(action, ctx),
            Step::Click(target) => {
                self.out(ctx, |app, out| focused!(mut app, pane => pane.click(target, out)))
            }
            Step::Filter(filter) => {
                self.out(ctx, |app, out| focused!(mut app, pane => pane.set_filter(filter, out)))
            }
            Step::Window(window) => self.look_at(window, ctx),
            Step::Say(role, text) => {
                self.toasts.say(role, text, None, ctx.stamp);
                self.toasts.wake(ctx.stamp).map(Effect::WakeIn).into_iter().collect()
            }
            Step::Do(command) => self.out(ctx, |_, out| _ = out.command(*command)),
            Step::Undo => {
                let Some((_, command)) = self.undo.last().cloned() else { return vec![] };
                let mut id = None;
                let effects = self.out(ctx, |_, out| id = Some(out.command(command)));
                self.undoing = id;
                effects
            }
            Step::Theme(name) => {
                self.theme.clone_from(&name);
                vec![Effect::Theme(name)]
            }
        }
    }

    fn open(&mut self, dialog: Dialog, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.dialogs.push(dialog);
        self.out(ctx, |app, out| {
            if let Some(dialog) = app.dialogs.last_mut() {
                dialog.opened(out);
            }
        })
    }

    fn show(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.out(ctx, |app, out| focused!(mut app, pane => pane.shown(out)))
    }

    fn look_at(&mut self, window: WindowSpec, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.window = window;
        self.out(ctx, |app, out| {
            out.ask(&mut app.grid, Query::Affinity(window));
            focused!(mut app, pane => pane.changed(out));
        })
    }

    /// Asks for what every screen shows, and for what the pane shows.
    fn refresh(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.out(ctx, |app, out| {
            // An answer that is awaited will be as new.
            if !app.pulse.is_waiting() {
                out.ask(&mut app.pulse, Query::Pulse);
            }
            if !app.watching.is_waiting() {
                out.ask(&mut app.watching, Query::Watch);
            }
            if !app.grid.is_waiting() {
                out.ask(&mut app.grid, Query::Affinity(out.window));
            }
            focused!(mut app, pane => pane.changed(out));
        })
    }

    fn key(&mut self, chord: Chord, repeat: bool, ctx: &Ctx<'_>) -> Vec<Effect> {
        // What must work wherever one is.
        let one = [chord];
        match ctx.keymap.meaning(&one, &[Where::Everywhere]) {
            Meaning::Does(action @ (Action::QuitNow | Action::Suspend)) => return self.act(action, ctx),
            _ => {}
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
    fn act(&mut self, action: Action, ctx: &Ctx<'_>) -> Vec<Effect> {
        if let Some(why) = self.objection(action) {
            let text = format!("{}: {why}", action.row().hint);
            return self.step(Step::Say(Role::Caution, text), ctx);
        }
        if let Some(tab) = Tab::of(action) {
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
                self.open(Dialog::Filter(FilterBar::new(before)), ctx)
            }
            Action::Back => self.back(ctx),
            Action::Quit if self.is_at_root() => vec![Effect::Quit],
            Action::Quit => self.back(ctx),
            Action::QuitNow => vec![Effect::Quit],
            Action::Suspend => vec![Effect::Suspend],
            Action::Unlock => vec![Effect::Unlock],
            Action::NextTab => self.step(Step::Go(self.tab.step(1)), ctx),
            Action::PreviousTab => self.step(Step::Go(self.tab.step(-1)), ctx),
            Action::Zoom => {
                self.zoomed = true;
                vec![]
            }
            Action::Unzoom => {
                self.zoomed = false;
                vec![]
            }
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
    fn help(&self, ctx: &Ctx<'_>) -> Vec<HelpRow> {
        let places = self.places();
        help_rows(ctx.keymap, &places, |action| self.objection(action))
    }

    fn is_at_root(&self) -> bool {
        !self.zoomed && self.pages[self.tab as usize].is_empty()
    }

    /// Peels one layer: a step within the pane, its filter, the zoom, the page.
    fn back(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let mut went = false;
        let effects = self.out(ctx, |app, out| went = focused!(mut app, pane => pane.back(out)));
        if went {
            return effects;
        }
        if self.filter().is_some() {
            return self.step(Step::Filter(String::new()), ctx);
        }
        if self.zoomed {
            self.zoomed = false;
            return vec![];
        }
        if self.pages[self.tab as usize].is_empty() {
            return vec![];
        }
        self.step(Step::Pop, ctx)
    }

    fn undo(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some((what, _)) = self.undo.last() else { return vec![] };
        let dialog = Confirm::undo(what);
        self.open(Dialog::Confirm(dialog), ctx)
    }

    fn mouse(&mut self, mouse: Mouse, ctx: &Ctx<'_>) -> Vec<Effect> {
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
            Target::Tab(tab) => {
                self.pages[tab as usize].clear();
                self.step(Step::Go(tab), ctx)
            }
            target => self.out(ctx, |app, out| focused!(mut app, pane => pane.click(target, out))),
        }
    }

    fn reply(&mut self, ticket: Ticket, answer: &Result<Reply, Fault>, ctx: &Ctx<'_>) -> Vec<Effect> {
        let mut effects = Vec::new();
        if self.pulse.awaits(ticket) {
            let pulse = match answer {
                Ok(Reply::Pulse(pulse)) => Ok(Arc::clone(pulse)),
                Ok(_) => return effects,
                Err(fault) => Err(fault.clone()),
            };
            self.pulse.take(ticket, pulse);
        } else if self.grid.awaits(ticket) {
            if let Ok(Reply::Affinity(grid)) = answer {
                self.grid.take(ticket, Ok(Arc::clone(grid)));
                effects.extend(self.ranked_anew(ctx));
            } else {
                self.grid.clear();
            }
        } else if self.watching.awaits(ticket) {
            if let Ok(Reply::Watch(watch)) = answer {
                self.watching.take(ticket, Ok(Arc::clone(watch)));
                effects.extend(self.watched(ctx));
            } else {
                self.watching.clear();
                if let Err(fault) = answer {
                    self.watch.failed(fault.clone());
                }
            }
        } else {
            effects.extend(self.out(ctx, |app, out| {
                if let Some(dialog) = app.dialogs.last_mut() {
                    dialog.reply(ticket, answer, out);
                }
                focused!(mut app, pane => pane.reply(ticket, answer, out));
            }));
        }
        effects
    }

    /// The watch has looked: rings and says so where an alarm is new.
    fn watched(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some(watch) = self.watching.value().cloned() else { return vec![] };
        let alarms: Vec<String> =
            watch.streams.iter().filter(|s| s.is_alarm()).map(|s| s.stream.clone()).collect();
        let new: Vec<&String> = match &self.alarms {
            Some(before) => alarms.iter().filter(|name| !before.contains(name)).collect(),
            None => vec![],
        };
        let mut effects = Vec::new();
        if let Some(first) = new.first() {
            let more = if new.len() > 1 { format!(" and {} more", new.len() - 1) } else { String::new() };
            let text = format!("New alarm: {first}{more}");
            if self.settings.bell {
                effects.push(Effect::Bell);
            }
            effects.extend(self.step(Step::Say(Role::Page, text), ctx));
        }
        if self.settings.title && self.alarms.as_ref() != Some(&alarms) {
            effects.push(Effect::Title(match alarms.len() {
                0 => "human".to_owned(),
                n => format!("human: {n} alarms"),
            }));
        }
        self.alarms = Some(alarms);
        self.watch.watched(&watch);
        if self.tab == Tab::Watch && self.pages[self.tab as usize].is_empty() {
            effects.extend(self.out(ctx, |app, out| app.watch.follow(out)));
        }
        effects.extend(self.ranked_anew(ctx));
        effects
    }

    /// What is ranked says how it is, and which model serves it best.
    fn ranked_anew(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        if self.tab != Tab::Prompts || !self.pages[self.tab as usize].is_empty() {
            return vec![];
        }
        self.out(ctx, |app, out| app.board.changed(out))
    }

    fn done(&mut self, id: CommandId, done: Result<Receipt, Fault>, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.working = self.working.saturating_sub(1);
        let undid = self.undoing.take_if(|undoing| *undoing == id).is_some();
        let mut effects = Vec::new();
        match done {
            Ok(receipt) => {
                if undid {
                    self.undo.pop();
                }
                let undo = receipt.undo.clone().filter(|_| !undid);
                let hint = undo.as_ref().and_then(|_| ctx.keymap.key(Action::Undo));
                let text = match &hint {
                    Some(key) => format!("{}  ({key} undoes it)", receipt.text),
                    None => receipt.text.clone(),
                };
                let role = if receipt.refused.is_empty() { Role::Good } else { Role::Caution };
                self.toasts.say(role, text, undo.is_some().then_some(()), ctx.stamp);
                if let Some(undo) = undo {
                    self.undo.push((receipt.text.clone(), undo));
                }
                if !receipt.refused.is_empty() {
                    let notice = Notice::refused(&receipt.refused);
                    effects.extend(self.open(Dialog::Notice(notice), ctx));
                }
                effects.extend(self.out(ctx, |app, out| focused!(mut app, pane => pane.done(&receipt, out))));
            }
            Err(fault) => {
                let notice = match fault.kind {
                    FaultKind::Locked => Notice::locked(&fault),
                    FaultKind::Changed => Notice::changed(&fault),
                    FaultKind::Refused => Notice::denied(&fault),
                    _ => Notice::fault(&fault),
                };
                self.toasts.log(Role::Bad, fault.text.to_string(), ctx.stamp);
                effects.extend(self.open(Dialog::Notice(notice), ctx));
            }
        }
        effects.extend(self.toasts.wake(ctx.stamp).map(Effect::WakeIn));
        effects.extend(self.refresh(ctx));
        effects
    }

    fn begun(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let mut effects = self.out(ctx, |app, out| out.ask(&mut app.pulse, Query::Pulse));
        effects.extend(self.show(ctx));
        effects.extend(self.out(ctx, |app, out| {
            out.ask(&mut app.grid, Query::Affinity(out.window));
            out.ask(&mut app.watching, Query::Watch);
        }));
        effects.extend(self.agent_timer(ctx));
        effects
    }

    /// Lets the agent run when it is due, and says when to look again.
    fn agent_timer(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some(every) = self.settings.agent_every.filter(|_| !self.settings.read_only) else {
            return vec![];
        };
        let every = every.as_millis() as u64;
        let due = *self.agent_due.get_or_insert(ctx.stamp.up + every);
        let mut effects = Vec::new();
        if ctx.stamp.up >= due {
            self.agent_due = Some(ctx.stamp.up + every);
            effects.extend(self.out(ctx, |_, out| _ = out.command(Command::Run { dry: false })));
        }
        let left = self.agent_due.unwrap_or(due).saturating_sub(ctx.stamp.up);
        effects.push(Effect::WakeIn(Duration::from_millis(left)));
        effects
    }

    fn tick(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.toasts.expire(ctx.stamp);
        let mut effects = self.agent_timer(ctx);
        effects.extend(self.toasts.wake(ctx.stamp).map(Effect::WakeIn));
        effects
    }
}

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

/// Changes the state by a message; what is to be done outside.
pub fn update(app: &mut App, msg: Msg, ctx: &Ctx<'_>) -> Vec<Effect> {
    app.now = ctx.stamp.now;
    let effects = match msg {
        Msg::Begun => app.begun(ctx),
        Msg::Drawn => {
            // Where there is no room nothing of it was drawn.
            let (width, height) = ctx.size;
            let room = width >= chrome::LEAST.0 && height >= chrome::LEAST.1;
            if let Some(dialog) = app.dialogs.last_mut().filter(|_| room) {
                dialog.seen(ctx.stamp);
            }
            return vec![];
        }
        Msg::Key { chord, repeat } => app.key(chord, repeat, ctx),
        Msg::Mouse(mouse) => app.mouse(mouse, ctx),
        Msg::Paste(text) => app.out(ctx, |app, out| {
            // Only fields take what is pasted: keys in it decide nothing.
            if let Some(dialog) = app.dialogs.last_mut() {
                dialog.paste(&text, out);
            }
        }),
        Msg::Resize => app.out(ctx, |app, out| focused!(mut app, pane => pane.resized(out))),
        Msg::Tick => app.tick(ctx),
        Msg::Changed => app.refresh(ctx),
        Msg::Reply(ticket, answer) => app.reply(ticket, &answer, ctx),
        Msg::Done(id, done) => app.done(id, done, ctx),
        Msg::Edited(edited) => app.out(ctx, |app, out| focused!(mut app, pane => pane.edited(edited, out))),
        Msg::Resumed => app.refresh(ctx),
        Msg::Failed(fault) => app.open(Dialog::Notice(Notice::fault(&fault)), ctx),
        Msg::Unlocked(Ok(())) => app.step(Step::Say(Role::Good, "Your key is unlocked".into()), ctx),
        Msg::Unlocked(Err(fault)) => app.open(Dialog::Notice(Notice::fault(&fault)), ctx),
    };
    app.working += effects.iter().filter(|effect| matches!(effect, Effect::Do(..))).count();
    effects
}

/// Draws everything.
pub fn draw(app: &App, keymap: &Keymap, canvas: &mut Canvas<'_>) {
    chrome::draw(app, keymap, canvas);
}
