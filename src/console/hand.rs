//! Carries out what was decided, on a thread of its own, through the service, which asks every rule again. Runs of the
//! agent have another thread: a model may think for minutes, and no decision waits for it.
//!
//! The key of the steward is read when something is to be signed. One that a passphrase protects is unlocked once, outside
//! the screen, and kept in memory only.

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::fault::{of_keys, of_service};
use super::message::{CommandId, Fault, FaultKind, Msg};
use super::moment;
use super::query::{Command, Receipt};
use super::reader::Ground;
use super::worker;
use crate::domain::call::Millis;
use crate::domain::identity::Identity;
use crate::domain::proposal::ProposalId;
use crate::domain::window::WindowSpec;
use crate::engine::seal::Pen;
use crate::keys::{Ask, KeyError, Passphrase};
use crate::service::{ServiceError, now};
use crate::store::decide::Accepted;

/// How long what was begun may take after the console was quit.
const PATIENCE: Duration = Duration::from_secs(2);
/// The evidence that a run reads.
const EVIDENCE: &str = "7d";

/// What the hand needs.
#[derive(Debug, Clone)]
pub struct Means {
    /// The store and the keys.
    pub ground: Ground,
    /// A key that was unlocked.
    pub unlocked: Arc<Mutex<Option<Pen>>>,
}

impl Means {
    /// Unlocks the steward's key.
    pub fn unlock(&self, ask: Ask<'_>) -> Result<(), Fault> {
        let pen = self.pen_with(ask)?;
        if pen.is_none() {
            return Err(Fault::new(
                "nobody has a key here. `human steward init NAME` makes one; in a store that has an owner, they trust it.",
            ));
        }
        *self.unlocked.lock().unwrap_or_else(PoisonError::into_inner) = pen;
        Ok(())
    }

    /// What signs, if somebody has a key here.
    fn pen(&self) -> Result<Option<Pen>, Fault> {
        let unlocked = self.unlocked.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if unlocked.is_some() {
            return Ok(unlocked);
        }
        self.pen_with(&|_| match std::env::var("HUMAN_PASSPHRASE") {
            Ok(text) => Ok(Passphrase::new(text)),
            Err(_) => Err(std::io::Error::other("it is asked for when you unlock the key")),
        })
    }

    fn pen_with(&self, ask: Ask<'_>) -> Result<Option<Pen>, Fault> {
        let Some(keys) = &self.ground.keys else { return Ok(None) };
        if self.ground.service.trust().map_err(|e| of_service(&e))?.owner().is_none() {
            return Ok(None);
        }
        let Some(card) = keys.steward(self.ground.steward.as_deref()).map_err(|e| of_keys(&e))? else {
            return Ok(None);
        };
        match keys.pen(&card, ask) {
            Ok(pen) => Ok(Some(pen)),
            Err(KeyError::NoPassphrase { .. }) => Err(Fault {
                text: "your key is protected by a passphrase. Unlock it first; nothing was written.".into(),
                kind: FaultKind::Locked,
            }),
            Err(error) => Err(of_keys(&error)),
        }
    }

    /// The agent that has the newest grant, else the one that a first grant would be for.
    fn agent(&self) -> Result<Pen, Fault> {
        let Ground { service, keys, .. } = &self.ground;
        let keys = keys.as_ref().ok_or_else(|| Fault::new("there is no configuration folder for keys."))?;
        let trust = service.trust().map_err(|e| of_service(&e))?;
        let newest = trust.grants().max_by_key(|granted| granted.entry);
        let agent = match newest.map(|granted| granted.grant.agent.clone()) {
            Some(agent) => agent,
            None => Identity::refinement(&service.config().identity.default_org)
                .map_err(|e| Fault::new(e.to_string()))?,
        };
        keys.agent(&agent).map_err(|e| of_keys(&e))
    }
}

/// Where commands go. The threads end, after what they are doing, with [`Hand::finish`].
#[derive(Debug)]
pub struct Hand {
    decisions: Line,
    runs: Line,
}

impl Hand {
    /// Starts the threads; receipts go to `replies`.
    pub fn start(means: Means, replies: &UnboundedSender<Msg>) -> std::io::Result<Hand> {
        Hand::of(move |command| carry_out(&means, command), replies)
    }

    fn of(
        does: impl Fn(Command) -> Result<Receipt, Fault> + Clone + Send + 'static,
        replies: &UnboundedSender<Msg>,
    ) -> std::io::Result<Hand> {
        let line = |name, does| Line::start(name, does, replies.clone());
        Ok(Hand { decisions: line("hand", does.clone())?, runs: line("agent", does)? })
    }

    /// Wants a command carried out; its receipt comes as a message.
    pub fn carry_out(&self, id: CommandId, command: Command) {
        let line = if matches!(command, Command::Run { .. }) { &self.runs } else { &self.decisions };
        // A thread that has ended is gone with the console.
        let _ = line.commands.send((id, command));
    }

    /// Takes no more commands; whether what was begun came to its end. What takes long is not waited for long.
    pub fn finish(self) -> bool {
        let threads = [self.decisions, self.runs].map(|line| line.thread);
        let (began, done) = (Instant::now(), || threads.iter().all(JoinHandle::is_finished));
        while !done() && began.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
        }
        done() && threads.into_iter().all(|thread| thread.join().is_ok())
    }
}

/// Commands that are carried out one after another.
#[derive(Debug)]
struct Line {
    commands: Sender<(CommandId, Command)>,
    thread: JoinHandle<()>,
}

impl Line {
    fn start(
        name: &'static str,
        does: impl Fn(Command) -> Result<Receipt, Fault> + Send + 'static,
        replies: UnboundedSender<Msg>,
    ) -> std::io::Result<Line> {
        let (commands, waiting) = channel();
        let thread = worker::start(name, replies.clone(), move || {
            while let Ok((id, command)) = waiting.recv() {
                if replies.send(Msg::Done(id, Box::new(does(command)))).is_err() {
                    return;
                }
            }
        })?;
        Ok(Line { commands, thread })
    }
}

fn carry_out(means: &Means, command: Command) -> Result<Receipt, Fault> {
    let service = &*means.ground.service;
    let failed = |error: ServiceError| of_service(&error);
    let now = now();
    match command {
        Command::Accept(all) => {
            let pen = means.pen()?;
            let (mut done, mut refused, mut undo) = (Vec::new(), Vec::new(), None);
            let several = all.len() > 1;
            for (id, digest) in all {
                match service.accept(pen.clone(), id, digest, None, now) {
                    Ok(Accepted::Signed(given, needed)) => {
                        done.push(format!("Signed {id}: {given} of {needed}"));
                    }
                    Ok(Accepted::Applied(applied)) => {
                        let key = applied.uri.key.to_string();
                        let version = applied.uri.version.clone();
                        let at = version.as_ref().map(|v| format!("@{v}")).unwrap_or_default();
                        let what = if applied.rolled_back { "Rolled back" } else { "Published" };
                        let canary =
                            applied.canary.map(|share| format!(" to {:.0} % of sessions", share * 100.0));
                        done.push(format!("{what} {key}{at}{}", canary.unwrap_or_default()));
                        let to = (applied.canary.is_none()).then(|| applied.previous.clone());
                        undo = Some(Command::RollBack {
                            uri: applied.uri.unversioned(),
                            from: applied.canary.is_none().then(|| version.clone()).flatten(),
                            to,
                            reason: format!("undo of accepting {id}"),
                        });
                    }
                    Err(error) if several => {
                        refused.push((id.to_string(), of_service(&error).text.to_string()));
                    }
                    Err(error) => return Err(of_service(&error)),
                }
            }
            Ok(receipt(&done, refused, undo.filter(|_| !several)))
        }
        Command::Reject(ids, reason) => reject(means, &ids, &reason, now),
        Command::Reopen(ids) => {
            let pen = means.pen()?;
            each(&ids, "Reopened", |id| {
                service.reopen(pen.clone(), id, format!("undo of rejecting {id}"), now)
            })
        }
        Command::Defer(ids, until) => {
            let pen = means.pen()?;
            // What was put off waits again from now on.
            let (until, verb) = if until <= now { (now, "Waits again:") } else { (until, "Deferred") };
            let mut receipt = each(&ids, verb, |id| service.defer(pen.clone(), id, until, now))?;
            let deferred = without(&ids, &receipt.refused);
            receipt.undo = (until > now && !deferred.is_empty()).then_some(Command::Defer(deferred, 0));
            Ok(receipt)
        }
        Command::Comment(id, text) => {
            service.comment(means.pen()?, id, text, now).map_err(failed)?;
            Ok(said(format!("Commented on {id}")))
        }
        Command::Modify(id, text) => {
            let made = service.modify(means.pen()?, id, text, now).map_err(failed)?;
            let text = format!("{id} is now {}, of {} risk", made.id, made.risk.level.as_str());
            Ok(Receipt { now: Some(made.id), ..said(text) })
        }
        Command::RollBack { uri, from, to, reason } => {
            let key = uri.key.to_string();
            let done =
                service.roll_back(means.pen()?, uri.clone(), (from, to), reason, now).map_err(failed)?;
            let undo = Command::RollBack {
                uri,
                from: Some(done.to.clone()),
                to: Some(done.from.clone()),
                reason: format!("undo of rolling back to {}", done.to),
            };
            Ok(Receipt {
                undo: Some(undo),
                ..said(format!("Active again: {key}@{} (was {})", done.to, done.from))
            })
        }
        Command::Acknowledge(stream) => {
            let who = who(means)?;
            service.acknowledge(&stream, &who, now).map_err(failed)?;
            Ok(said(format!("Acknowledged {stream}: it starts anew")))
        }
        Command::Silence(stream, until) => {
            let who = who(means)?;
            service.silence(&stream, &who, now, until).map_err(failed)?;
            let text = if until > now {
                format!("Silent until {}: {stream}", moment::whole(until))
            } else {
                format!("Silent no longer: {stream}")
            };
            Ok(said(text))
        }
        Command::Run { dry } => let_run(means, dry, now),
    }
}

/// Lets the agent run over the evidence that drafts rest on.
fn let_run(means: &Means, dry: bool, now: Millis) -> Result<Receipt, Fault> {
    let service = &*means.ground.service;
    let failed = |error: ServiceError| of_service(&error);
    let pen = means.agent()?;
    let window: WindowSpec = EVIDENCE.parse().unwrap_or_default();
    let run = service.let_run(&pen, window.at(now), dry).map_err(failed)?;
    let text = match &run.refused {
        Some(why) => format!("The run was refused: {why}"),
        None if dry => format!("Dry run: {} findings, nothing written", run.looked.findings),
        None => {
            let by = if run.without_model.is_some() { ", by rules: the model's key is missing" } else { "" };
            format!("The agent ran{by}: {} findings, {} steps", run.looked.findings, run.steps.len())
        }
    };
    Ok(Receipt { run: Some(Box::new(run)), ..said(text) })
}

fn said(text: String) -> Receipt {
    Receipt { text, ..Receipt::default() }
}

/// Who notes something about a monitor: the steward, or whoever has this account.
fn who(means: &Means) -> Result<String, Fault> {
    Ok(means.pen()?.map_or_else(crate::service::account, |pen| pen.identity().to_string()))
}

fn each<T>(
    ids: &[ProposalId],
    verb: &str,
    mut one: impl FnMut(ProposalId) -> Result<T, ServiceError>,
) -> Result<Receipt, Fault> {
    let (mut done, mut refused) = (Vec::new(), Vec::new());
    for id in ids {
        match one(*id) {
            Ok(_) => done.push(format!("{verb} {id}")),
            Err(error) if ids.len() == 1 => return Err(of_service(&error)),
            Err(error) => refused.push((id.to_string(), of_service(&error).text.to_string())),
        }
    }
    Ok(receipt(&done, refused, None))
}

/// Rejects; what was rejected can be taken back.
fn reject(means: &Means, ids: &[ProposalId], reason: &str, now: Millis) -> Result<Receipt, Fault> {
    let (service, pen) = (&*means.ground.service, means.pen()?);
    let mut receipt = each(ids, "Rejected", |id| service.reject(pen.clone(), id, reason.to_owned(), now))?;
    let rejected = without(ids, &receipt.refused);
    receipt.undo = (!rejected.is_empty()).then_some(Command::Reopen(rejected));
    Ok(receipt)
}

/// Those that were not refused.
fn without(ids: &[ProposalId], refused: &[(String, String)]) -> Vec<ProposalId> {
    let was_refused = |id: &ProposalId| refused.iter().any(|(other, _)| *other == id.to_string());
    ids.iter().copied().filter(|id| !was_refused(id)).collect()
}

fn receipt(done: &[String], refused: Vec<(String, String)>, undo: Option<Command>) -> Receipt {
    let text = match done {
        [] => "Nothing was done".to_owned(),
        [one] => one.clone(),
        [first, ..] => {
            let verb = first.split_whitespace().next().unwrap_or_default();
            format!("{verb} {} proposals", done.len())
        }
    };
    Receipt { text, refused, undo, ..Receipt::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_decision_waits_for_a_run_and_a_run_that_goes_on_is_told() {
        let (replies, mut done) = tokio::sync::mpsc::unbounded_channel();
        let (let_go, goes_on) = channel::<()>();
        let goes_on = Arc::new(Mutex::new(goes_on));
        let hand = Hand::of(
            move |command| {
                if let Command::Run { .. } = command {
                    let _ = goes_on.lock().unwrap().recv();
                }
                Ok(said(String::new()))
            },
            &replies,
        )
        .unwrap();
        hand.carry_out(CommandId(1), Command::Run { dry: false });
        hand.carry_out(CommandId(2), Command::Comment(ProposalId(1), "now".into()));
        assert!(matches!(done.blocking_recv(), Some(Msg::Done(CommandId(2), _))));
        assert!(!hand.finish(), "the run goes on");
        drop(let_go);
        assert!(matches!(done.blocking_recv(), Some(Msg::Done(CommandId(1), _))));
    }

    #[test]
    fn a_hand_that_died_did_not_come_to_its_end() {
        let (replies, mut mail) = tokio::sync::mpsc::unbounded_channel();
        let hand = Hand::of(|_| panic!("on purpose"), &replies).unwrap();
        hand.carry_out(CommandId(1), Command::Comment(ProposalId(1), "now".into()));
        assert!(matches!(mail.blocking_recv(), Some(Msg::Died("hand"))));
        assert!(!hand.finish());
        assert!(Hand::of(|_| Ok(said(String::new())), &replies).unwrap().finish());
    }
}
