//! What a pane or a dialog may want while it updates: questions, commands, and steps that concern the whole console.

use semver::Version;

use super::action::Action;
use super::hitmap::{HitMap, Target};
use super::keymap::Keymap;
use super::message::{CommandId, Effect, Fault, Loaded, Stamp, Ticket};
use super::query::{Command, Query, Versions};
use super::tab::Tab;
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::ProposalId;
use crate::domain::window::WindowSpec;
use crate::theme::Role;

/// What every update knows.
#[derive(Debug, Clone, Copy)]
pub struct Ctx<'a> {
    /// Which keys do what.
    pub keymap: &'a Keymap,
    /// What the last frame showed where.
    pub hits: &'a HitMap,
    /// The moment.
    pub stamp: Stamp,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
}

/// Numbers that never come again.
#[derive(Debug, Default)]
pub struct Counter {
    tickets: u64,
    commands: u64,
}

/// A page over the root of a tab.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A prompt, by its URI.
    Prompt(String),
    /// A proposal, and the queue that it was opened from, in order.
    Review(ProposalId, Vec<ProposalId>),
    /// A call, by its id.
    Call(String),
    /// What one version of a prompt changed against another.
    Compare(Versions),
}

/// From which version to which a prompt is to go back.
#[derive(Debug, Clone, PartialEq)]
pub struct Back {
    /// The prompt.
    pub uri: PromptUri,
    /// The version that was seen to be active, and must be still; `None` where that is not known.
    pub from: Option<Version>,
    /// The version that becomes active; without it the one before.
    pub to: Option<Version>,
}

/// What a reason is for.
#[derive(Debug, Clone, PartialEq)]
pub enum Then {
    /// Rejecting these.
    Reject(Vec<ProposalId>),
    /// Going back to a version: confirmed once more.
    RollBack(Back),
    /// Not a reason: a comment.
    Comment(ProposalId),
}

/// A dialog that is wanted. Panes say what they want asked; `dialogs` knows how.
#[derive(Debug)]
pub enum Open {
    /// Accepts proposals, after their texts have been shown.
    Accept(Vec<ProposalId>),
    /// Goes back to an earlier version of a prompt, for this reason.
    RollBack(Back, String),
    /// Undoes something by a command, after saying what that was.
    Undo(String, Box<Command>),
    /// Confirms something.
    Confirm {
        /// What.
        title: String,
        /// What is to be known before.
        lines: Vec<(Role, String)>,
        /// What the button says that does it.
        yes: &'static str,
        /// A word that must be typed, of what weighs much.
        weighty: Option<String>,
        /// What is done.
        step: Box<Step>,
    },
    /// Asks for words.
    Reason {
        /// What for.
        title: String,
        /// What is to be known before.
        lines: Vec<String>,
        /// Words that were used of late.
        recent: Vec<String>,
        /// What is done with them.
        then: Then,
    },
    /// Chooses one of a list.
    Choose {
        /// Of what.
        title: String,
        /// What there is, and what choosing it does.
        rows: Vec<(String, Step)>,
        /// Which is selected.
        selected: usize,
    },
    /// Changes the text of a proposal in place.
    Editor(ProposalId, String),
    /// Says something at length.
    Notice {
        /// About what.
        title: String,
        /// What.
        lines: Vec<(Role, String)>,
    },
}

/// A step that concerns more than the pane that asks for it.
#[derive(Debug)]
pub enum Step {
    /// Open a dialog.
    Open(Box<Open>),
    /// Close the topmost dialog.
    Close,
    /// Show a page over the tab.
    Push(Place),
    /// Leave the page.
    Pop,
    /// Go to a tab, at its root.
    Go(Tab),
    /// Do what a key would do.
    Act(Action),
    /// Do what a click at a place of the pane would do.
    Click(Target),
    /// Narrow the list that has the focus.
    Filter(String),
    /// Look at another time.
    Window(WindowSpec),
    /// Say something.
    Say(Role, String),
    /// Show another theme.
    Theme(String),
    /// Undo what this command of the session did.
    Undo(CommandId),
    /// Drop what was written and not taken on the pages that this leaves, and do it.
    Drop(Action),
    /// Carry something out.
    Do(Box<Command>),
}

/// Where wishes are put.
#[derive(Debug)]
pub struct Out<'a> {
    /// What every update knows.
    pub ctx: &'a Ctx<'a>,
    /// The window of time that is looked at.
    pub window: WindowSpec,
    /// Whether nothing may be decided here.
    pub read_only: bool,
    /// Whether the focused part of the pane has the whole screen.
    pub zoomed: bool,
    effects: Vec<Effect>,
    steps: Vec<Step>,
    counter: &'a mut Counter,
}

impl<'a> Out<'a> {
    /// With nothing in it.
    pub fn new(ctx: &'a Ctx<'a>, window: WindowSpec, read_only: bool, counter: &'a mut Counter) -> Out<'a> {
        Out { ctx, window, read_only, zoomed: false, effects: Vec::new(), steps: Vec::new(), counter }
    }

    /// Asks; the answer belongs to `slot`, whatever else it waited for.
    pub fn ask<T>(&mut self, slot: &mut Loaded<T>, query: Query) {
        self.counter.tickets += 1;
        let ticket = Ticket(self.counter.tickets);
        let instead = slot.asked(ticket, self.ctx.stamp.now);
        self.effects.push(Effect::Ask { ticket, instead, query });
    }

    /// Asks because something changed. While an answer is awaited it is asked when that is there ([`Self::follow`]): asked
    /// instead of it, no answer would ever come under a stream of changes.
    pub fn refresh<T>(&mut self, slot: &mut Loaded<T>, query: Query) {
        if slot.is_waiting() {
            slot.then(query);
        } else {
            self.ask(slot, query);
        }
    }

    /// Asks what was to be asked once the answer is there.
    pub fn follow<T>(&mut self, slot: &mut Loaded<T>) {
        if let Some(query) = slot.due() {
            self.ask(slot, query);
        }
    }

    /// Wants a command carried out; what comes of it is said in a toast.
    pub fn command(&mut self, command: Command) -> CommandId {
        self.counter.commands += 1;
        let id = CommandId(self.counter.commands);
        self.effects.push(Effect::Do(id, Box::new(command)));
        id
    }

    /// Wants an effect.
    pub fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// Wants a step.
    pub fn step(&mut self, step: Step) {
        self.steps.push(step);
    }

    /// Opens a dialog.
    pub fn open(&mut self, open: Open) {
        self.step(Step::Open(Box::new(open)));
    }

    /// Says something in passing.
    pub fn say(&mut self, role: Role, text: impl Into<String>) {
        self.step(Step::Say(role, text.into()));
    }

    /// Says that something failed.
    pub fn fault(&mut self, fault: &Fault) {
        self.say(Role::Bad, fault.text.to_string());
    }

    /// What was wanted.
    pub fn into_parts(self) -> (Vec<Effect>, Vec<Step>) {
        (self.effects, self.steps)
    }
}
