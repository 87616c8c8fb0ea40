//! What becomes of answers, and of what was carried out.

use std::sync::Arc;

use super::{App, Undo};
use crate::console::action::Action;
use crate::console::dialogs::{Dialog, Heard, Notice, Popup as _};
use crate::console::message::{CommandId, Effect, Fault, FaultKind, Ticket};
use crate::console::out::{Ctx, Out, Step};
use crate::console::panes::{Page, Pane as _};
use crate::console::query::{Query, Receipt, Reply};
use crate::console::tab::Tab;
use crate::domain::call::Millis;
use crate::theme::Role;

impl App {
    pub(super) fn reply(
        &mut self,
        ticket: Ticket,
        answer: &Result<Reply, Fault>,
        ctx: &Ctx<'_>,
    ) -> Vec<Effect> {
        let mut effects = Vec::new();
        let read = answer.as_ref().ok().and_then(Reply::as_of);
        self.as_of = self.as_of.max(read.unwrap_or_default());
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
                if !watch.explained {
                    effects.extend(self.out(ctx, |app, out| out.ask(&mut app.watching, Query::Watch)));
                }
            } else {
                self.watching.clear();
                if let Err(fault) = answer {
                    self.watch.failed(fault.clone());
                }
            }
        } else {
            effects.extend(self.out(ctx, |app, out| {
                for dialog in &mut app.dialogs {
                    dialog.reply(ticket, answer, out);
                }
                focused!(mut app, pane => pane.reply(ticket, answer, out));
            }));
        }
        effects.extend(self.out(ctx, |app, out| {
            out.follow(&mut app.pulse);
            out.follow(&mut app.grid);
            out.follow(&mut app.watching);
        }));
        effects
    }

    /// The watch has looked: rings and says so where an alarm is new.
    pub(super) fn watched(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some(watch) = self.watching.value().cloned() else { return vec![] };
        let streams = watch.streams.iter().filter(|s| s.is_alarm()).map(|s| s.stream.clone());
        let regressed = watch.regressions.iter().filter(|found| found.is_alarm());
        let regressed = regressed.map(|r| format!("{}@{} regressed", r.prompt_uri.key, r.new_version));
        let alarms: Vec<String> = streams.chain(regressed).collect();
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
    pub(super) fn ranked_anew(&mut self, ctx: &Ctx<'_>) -> Vec<Effect> {
        if self.tab != Tab::Prompts || !self.pages[self.tab as usize].is_empty() {
            return vec![];
        }
        self.out(ctx, |app, out| app.board.changed(out))
    }

    pub(super) fn done(&mut self, id: CommandId, done: Result<Receipt, Fault>, ctx: &Ctx<'_>) -> Vec<Effect> {
        let Some(at) = self.sent.iter().position(|(sent, _)| *sent == id) else { return vec![] };
        let (_, command) = self.sent.remove(at);
        let undid = self.undoing.take_if(|(undoing, _)| *undoing == id).map(|(_, undo)| undo);
        let unattended = self.unattended.take_if(|run| *run == id).is_some();
        // The dialog that waited for it, and what is left to do there.
        let heard = self.dialogs.iter_mut().enumerate().find_map(|(i, it)| Some((i, it.done(id, &done)?)));
        if let Some((at, Heard::Through)) = heard {
            self.dialogs.remove(at);
        }
        let heard = heard.map(|(_, heard)| heard);
        let mut effects = Vec::new();
        match done {
            Ok(receipt) => {
                let receipt = Receipt { of: Some(command), ..receipt };
                if undid.is_some() {
                    self.toasts.dismiss();
                }
                // A run by a key counts as well.
                if let Some(every) = self.settings.agent_every
                    && receipt.run.as_ref().is_some_and(|run| !run.dry && run.refused.is_none())
                {
                    let every = every.as_millis() as u64;
                    self.agent_due = Some((ctx.stamp.up + every, ctx.stamp.now + every as Millis));
                }
                let undo = receipt.undo.clone().filter(|_| undid.is_none());
                let hint = undo.as_ref().and_then(|_| ctx.keymap.key(Action::Undo));
                let text = match &hint {
                    Some(key) => format!("{}  ({key} undoes it)", receipt.text),
                    None => receipt.text.clone(),
                };
                let role = if receipt.refused.is_empty() { Role::Good } else { Role::Caution };
                self.toasts.say(role, text, undo.is_some().then_some(()), ctx.stamp);
                if let Some(by) = undo {
                    self.undo.push(Undo { of: id, what: receipt.text.clone(), by });
                }
                if !receipt.refused.is_empty() {
                    effects.extend(self.tell(Notice::refused(&receipt.refused), heard.is_some(), ctx));
                }
                if !unattended {
                    effects.extend(self.out(ctx, |app, out| app.hand_out(&receipt, out)));
                }
            }
            // Nobody waits for it, and nobody is interrupted.
            Err(fault) if unattended => self.toasts.say(Role::Bad, fault.text.to_string(), None, ctx.stamp),
            Err(fault) => {
                let notice = match fault.kind {
                    FaultKind::Locked => Notice::locked(&fault, ctx.keymap),
                    FaultKind::Changed => Notice::changed(&fault, ctx.keymap),
                    FaultKind::Refused => Notice::denied(&fault),
                    FaultKind::Failed => Notice::fault(&fault),
                };
                self.toasts.log(Role::Bad, fault.text.to_string(), ctx.stamp);
                // Once the key is unlocked, it can be undone after all.
                self.undo.extend(undid.filter(|_| fault.kind == FaultKind::Locked));
                if heard != Some(Heard::Said) || fault.kind == FaultKind::Locked {
                    effects.extend(self.tell(notice, heard.is_some(), ctx));
                }
            }
        }
        effects.extend(self.toasts.wake(ctx.stamp).map(Effect::WakeIn));
        effects.extend(self.refresh(ctx));
        effects
    }

    /// Says what came of a command: at once to the dialog that waited for it.
    fn tell(&mut self, notice: Notice, awaited: bool, ctx: &Ctx<'_>) -> Vec<Effect> {
        if awaited { self.open(Dialog::Notice(notice), ctx) } else { self.notice(notice, ctx) }
    }

    /// Gives a receipt to whoever it may concern, in front or not.
    fn hand_out(&mut self, receipt: &Receipt, out: &mut Out<'_>) {
        for page in self.pages.iter_mut().flatten() {
            if let Page::Review(review) = page {
                review.done(receipt, out);
            }
        }
        self.proposals.done(receipt, out);
        self.ledger.done(receipt, out);
        if self.tab == Tab::Watch {
            self.watch.done(receipt, out);
        }
    }
}
