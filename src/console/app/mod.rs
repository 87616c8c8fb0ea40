//! The console's state, how it changes, and how it is drawn.
//!
//! [`update`] is pure: everything that it knows arrives in its arguments, everything that it wants it returns. Keys go to
//! the topmost dialog; without one, through the keymap, to the pane that has the focus, and then to the console itself.
//!
//! Here: the state and its steps. `act`: what keys and the mouse do. `answers`: what becomes of answers and receipts.
//! `says`: what header, hints and status bar are told.

/// Does something with the pane that has the focus: the topmost page of the tab, or its root.
macro_rules! focused {
    ($app:expr, $pane:ident => $body:expr) => {
        match $app.pages[$app.tab as usize].last() {
            Some(Page::Prompt($pane)) => $body,
            Some(Page::Review($pane)) => $body,
            Some(Page::Call($pane)) => $body,
            Some(Page::Compare($pane)) => $body,
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
            Some(Page::Compare($pane)) => $body,
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

mod act;
mod answers;
mod says;

use std::sync::Arc;
use std::time::Duration;

use crate::console::action::Action;
use crate::console::dialogs::{Dialog, Notice, Popup as _};
use crate::console::keymap::Chord;
use crate::console::message::{CommandId, Effect, Loaded, Msg};
use crate::console::out::{Counter, Ctx, Open, Out, Step, Then};
use crate::console::panes::{AffinityPane, Leaderboard, LedgerPane, Page, Pane as _, Proposals, WatchPane};
use crate::console::query::{Command, Query};
use crate::console::tab::Tab;
use crate::console::toasts::Toasts;
use crate::domain::call::Millis;
use crate::domain::run::due_in;
use crate::domain::window::WindowSpec;
use crate::service::Watch;
use crate::service::live::{AffinityGrid, Pulse};
use crate::theme::Role;

/// The columns and rows that the console needs at least.
pub const LEAST: (u16, u16) = (40, 10);
/// Reasons of this session that are offered before those of the prompt's past.
const OFFERED: usize = 3;

/// How a console is set.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of its own in the configuration")]
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
    /// When it ran last, ms; `None` if never.
    pub agent_ran: Option<Millis>,
}

/// A decision that can be undone.
#[derive(Debug)]
struct Undo {
    /// The command that it was.
    of: CommandId,
    /// What was said of it.
    what: String,
    /// What undoes it.
    by: Command,
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
    /// When the newest of what is shown was read, ms.
    pub as_of: Millis,
    /// Whether the focused part of the pane has the whole screen.
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
    /// Decisions of this session that can be undone, the newest last.
    undo: Vec<Undo>,
    /// Why proposals were rejected in this session, the newest first.
    reasons: Vec<String>,
    /// What is being undone, and by which command.
    undoing: Option<(CommandId, Undo)>,
    /// Streams that were alarms when last looked, by name.
    alarms: Option<Vec<String>>,
    /// Commands that are still carried out.
    sent: Vec<(CommandId, Command)>,
    /// The run of the agent that nobody asked for, while it lasts.
    unattended: Option<CommandId>,
    /// What is to be said at length once nobody writes.
    held: Vec<Notice>,
    watching: Loaded<Arc<Watch>>,
    /// By it boards say which model serves a prompt best.
    grid: Loaded<Arc<AffinityGrid>>,
    /// When the agent runs next: ms since the console began, and by the wall clock.
    agent_due: Option<(u64, Millis)>,
    counter: Counter,
}

impl App {
    /// A console that knows nothing yet.
    pub fn new(settings: Settings) -> App {
        App {
            tab: Tab::default(),
            window: settings.window,
            pulse: Loaded::default(),
            as_of: 0,
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
            reasons: Vec::new(),
            undoing: None,
            alarms: None,
            sent: Vec::new(),
            unattended: None,
            held: Vec::new(),
            watching: Loaded::default(),
            grid: Loaded::default(),
            agent_due: None,
            counter: Counter::default(),
            settings,
        }
    }

    fn out<'a>(&mut self, ctx: &'a Ctx<'a>, work: impl FnOnce(&mut App, &mut Out<'_>)) -> Vec<Effect> {
        let mut counter = std::mem::take(&mut self.counter);
        let mut out = Out::new(ctx, self.window, self.settings.read_only, &mut counter);
        out.zoomed = self.zoomed;
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
            Step::Open(mut open) => {
                if let Open::Reason { recent, then: Then::Reject(_), .. } = &mut *open {
                    // What was just said of one is likely to be said of the next.
                    recent.splice(0..0, self.reasons.iter().take(OFFERED).cloned());
                }
                self.open(Dialog::of(*open), ctx)
            }
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
            Step::Do(command) => self.out(ctx, |app, out| {
                let id = out.command(*command);
                if let Some(dialog) = app.dialogs.last_mut() {
                    dialog.sent(id);
                }
            }),
            Step::Undo(of) => {
                let at = self.undo.iter().rposition(|undo| undo.of == of);
                let Some(at) = at.filter(|_| self.undoing.is_none()) else { return vec![] };
                let undo = self.undo.remove(at);
                self.out(ctx, |app, out| app.undoing = Some((out.command(undo.by.clone()), undo)))
            }
            Step::Drop(action) => {
                for page in self.left_by(action) {
                    page.drop_unsent();
                }
                self.act(action, ctx)
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

    /// Says something at length: once, and not onto what is being written.
    fn notice(&mut self, notice: Notice, ctx: &Ctx<'_>) -> Vec<Effect> {
        let shown = self.dialogs.iter().filter_map(|dialog| match dialog {
            Dialog::Notice(notice) => Some(notice),
            _ => None,
        });
        if shown.chain(&self.held).any(|other| other.says_the_same(&notice)) {
            return vec![];
        }
        if self.dialogs.last().is_some_and(Dialog::writes) {
            self.held.push(notice);
            return vec![];
        }
        self.open(Dialog::Notice(notice), ctx)
    }

    /// The pages that an action leaves for good.
    fn left_by(&mut self, action: Action) -> Vec<&mut Page> {
        let pages = match (action, Tab::of(action)) {
            (Action::Quit, _) => return self.pages.iter_mut().flatten().collect(),
            (_, Some(tab)) => return self.pages[tab as usize].iter_mut().collect(),
            _ => &mut self.pages[self.tab as usize],
        };
        pages.last_mut().into_iter().collect()
    }

    /// Asks before a text is lost that was written and not taken; nothing where none would be.
    fn asks_first(&mut self, action: Action, ctx: &Ctx<'_>) -> Option<Vec<Effect>> {
        let asks = self.left_by(action).into_iter().find_map(|page| page.asks(action))?;
        Some(self.open(Dialog::of(asks), ctx))
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
            out.refresh(&mut app.pulse, Query::Pulse);
            out.refresh(&mut app.watching, Query::Watch);
            out.refresh(&mut app.grid, Query::Affinity(out.window));
            focused!(mut app, pane => pane.changed(out));
        })
    }

    fn begun(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let mut effects = self.out(ctx, |app, out| out.ask(&mut app.pulse, Query::Pulse));
        effects.extend(self.show(ctx));
        effects.extend(self.out(ctx, |app, out| {
            // How prompts are is asked for before which model serves them best.
            out.ask(&mut app.watching, Query::Watch);
            out.ask(&mut app.grid, Query::Affinity(out.window));
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
        let next = (ctx.stamp.up + every, ctx.stamp.now + every as Millis);
        // From the last run on, whoever let it run.
        let first = self.settings.agent_ran.map_or(next, |ran| {
            let left = due_in(ran, every as Millis, ctx.stamp.now);
            (ctx.stamp.up + left.unsigned_abs(), ctx.stamp.now + left)
        });
        let mut due = *self.agent_due.get_or_insert(first);
        let mut effects = Vec::new();
        if ctx.stamp.up >= due.0 {
            due = next;
            self.agent_due = Some(due);
            effects.extend(self.out(ctx, |app, out| {
                app.unattended = Some(out.command(Command::Run { dry: false }));
            }));
        }
        effects.push(Effect::WakeIn(Duration::from_millis(due.0.saturating_sub(ctx.stamp.up))));
        effects
    }

    /// Keeps the reason of a rejection, whatever comes of it: one that failed is tried again.
    fn remember(&mut self, command: &Command) {
        if let Command::Reject(_, reason) = command {
            self.reasons.retain(|kept| kept != reason);
            self.reasons.insert(0, reason.clone());
        }
    }

    fn tick(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        self.toasts.expire(ctx.stamp);
        let mut effects = self.agent_timer(ctx);
        if self.tab == Tab::Watch && self.pages[self.tab as usize].is_empty() {
            effects.extend(self.out(ctx, |app, out| app.watch.tick(out)));
        }
        effects.extend(self.toasts.wake(ctx.stamp).map(Effect::WakeIn));
        effects
    }
}

/// Changes the state by a message; what is to be done outside.
pub fn update(app: &mut App, msg: Msg, ctx: &Ctx<'_>) -> Vec<Effect> {
    app.now = ctx.stamp.now;
    let mut effects = match msg {
        Msg::Begun => app.begun(ctx),
        Msg::Drawn => {
            // Where there is no room nothing of it was drawn.
            let (width, height) = ctx.size;
            let room = width >= LEAST.0 && height >= LEAST.1;
            if let Some(dialog) = app.dialogs.last_mut().filter(|_| room) {
                dialog.seen(ctx);
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
        Msg::Resize => app.out(ctx, |app, out| {
            for dialog in &mut app.dialogs {
                dialog.resized(out);
            }
            focused!(mut app, pane => pane.resized(out));
        }),
        Msg::HungUp => vec![Effect::Quit],
        Msg::Tick => app.tick(ctx),
        Msg::Changed | Msg::Resumed => app.refresh(ctx),
        Msg::Reply(ticket, answer) => app.reply(ticket, &answer, ctx),
        Msg::Done(id, done) => app.done(id, *done, ctx),
        Msg::Edited(edited) => app.out(ctx, |app, out| focused!(mut app, pane => pane.edited(edited, out))),
        Msg::Failed(fault) | Msg::Unlocked(Err(fault)) => app.notice(Notice::fault(&fault), ctx),
        Msg::Died(name) => {
            let why =
                format!("the console's thread `{name}` died: the report above says where. Open it again");
            vec![Effect::Fail(why)]
        }
        Msg::Unlocked(Ok(())) => app.step(Step::Say(Role::Good, "Your key is unlocked".into()), ctx),
    };
    if !app.held.is_empty() && !app.dialogs.last().is_some_and(Dialog::writes) {
        let notice = app.held.remove(0);
        effects.extend(app.open(Dialog::Notice(notice), ctx));
    }
    for effect in &effects {
        if let Effect::Do(id, command) = effect {
            app.remember(command);
            app.sent.push((*id, (**command).clone()));
        }
    }
    effects
}

#[cfg(test)]
mod tests;
