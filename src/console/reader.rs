//! Answers questions, each thread with a view of the store of its own. Nothing is read on the thread that draws.
//!
//! Two threads: what a screen needs at once, and what may take long (the watch, checks of the ledger). A question that
//! waits and was asked anew by the same asker is left out: its answer would be dropped. Others of its kind are answered.

use std::collections::HashSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;

use super::fault::of_service;
use super::message::{Msg, Ticket};
use super::query::{
    AgentState, Compared, Layout, Leaders, Query, QueueLine, Reply, Reviewed, Verified, Versions,
};
use super::worker;
use crate::domain::call::Millis;
use crate::domain::ledger::Entry;
use crate::domain::proposal::ProposalId;
use crate::domain::run::Run;
use crate::domain::window::WindowSpec;
use crate::domain::window::time;
use crate::engine::diff::Diff;
use crate::engine::rank::{Column, Sort};
use crate::engine::trend::Subject;
use crate::engine::trend::health::Health;
use crate::keys::Keys;
use crate::service::live::{Acting, AffinityGrid, BoardLine, BoardWish, Group, Live};
use crate::service::proposals::Shown;
use crate::service::{LogQuery, Service, ServiceError, Watch, now};

/// Longest that two texts are compared before the comparison becomes coarser.
const COMPARE: Duration = Duration::from_millis(200);
/// Runs of the agent that are shown.
const RUNS: usize = 50;
/// Calls of a prompt that are listed.
const CALLS: usize = 200;

/// A question that waits, and the one that it was asked in the place of.
struct Asked {
    ticket: Ticket,
    instead: Option<Ticket>,
    query: Query,
}

/// What the thread that may take long has found, handed to the one that ranks.
#[derive(Debug, Clone, Default)]
pub(super) struct Dear {
    watch: Option<Arc<Watch>>,
    grid: Option<(WindowSpec, Arc<AffinityGrid>)>,
}

pub(super) type Found = Arc<Mutex<Dear>>;

/// What answers need.
#[derive(Debug, Clone)]
pub struct Ground {
    /// What is asked.
    pub service: Arc<Service>,
    /// The keys of whoever acts here; `None` where there is no folder for them.
    pub keys: Option<Keys>,
    /// The steward that was asked for by name (`HUMAN_STEWARD`).
    pub steward: Option<String>,
}

impl Ground {
    /// The steward who acts here; nobody where a key cannot be read: whoever decides is told why.
    fn acting(&self) -> Option<Acting> {
        let keys = self.keys.as_ref()?;
        let card = keys.steward(self.steward.as_deref()).ok()??;
        Some((card.name.clone(), keys.public_key(&card).ok()))
    }
}

/// Where questions go. The threads end when this is dropped.
#[derive(Debug)]
pub struct Readers {
    quick: Sender<Asked>,
    slow: Sender<Asked>,
}

impl Readers {
    /// Starts the threads; answers go to `replies`.
    pub fn start(ground: &Ground, replies: &UnboundedSender<Msg>) -> std::io::Result<Readers> {
        let found = Found::default();
        let thread = |name| {
            let (sender, asked) = channel();
            let (reading, replies) = (Reading::new(ground.clone(), Arc::clone(&found)), replies.clone());
            worker::start(name, replies.clone(), move || run(reading, &asked, &replies))?;
            Ok::<_, std::io::Error>(sender)
        };
        Ok(Readers { quick: thread("quick-reader")?, slow: thread("slow-reader")? })
    }

    /// Asks; the answer comes as a message.
    pub fn ask(&self, ticket: Ticket, instead: Option<Ticket>, query: Query) {
        let to = if is_slow(&query) { &self.slow } else { &self.quick };
        // A thread that has ended is gone with the console.
        let _ = to.send(Asked { ticket, instead, query });
    }
}

/// Whether an answer may take longer than a person waits for a key.
fn is_slow(query: &Query) -> bool {
    matches!(query, Query::Watch | Query::Verify | Query::Came(_) | Query::Agent | Query::Affinity(_))
}

/// An answer that holds until something is decided: no entry of the ledger came since.
struct AsOf<T> {
    /// The last entry when it was read.
    entry: u64,
    /// The moment from which it is another all the same, ms.
    until: Option<Millis>,
    answer: Arc<T>,
}

impl<T> AsOf<T> {
    fn known(&self, entry: u64, now: Millis) -> Option<Arc<T>> {
        (self.entry == entry && self.until.is_none_or(|until| until > now)).then(|| Arc::clone(&self.answer))
    }
}

/// Entries of the ledger, newest first, and whether there are more.
type Entries = (Vec<Entry>, bool);

pub(super) struct Reading {
    ground: Ground,
    live: Option<Live>,
    found: Found,
    /// The queue; until the first that was put off waits again.
    queue: Option<AsOf<Vec<QueueLine>>>,
    /// The newest entries, as many as were asked for.
    entries: Option<(usize, AsOf<Entries>)>,
    /// The agent; until its grant ends.
    agent: Option<AsOf<AgentState>>,
    compared: Option<(Arc<Shown>, Arc<Diff>)>,
}

fn run(mut reading: Reading, asked: &Receiver<Asked>, replies: &UnboundedSender<Msg>) {
    while let Ok(first) = asked.recv() {
        for Asked { ticket, query, .. } in awaited(first, asked) {
            let answer = reading.answer(&query).map_err(|error| of_service(&error));
            if replies.send(Msg::Reply(ticket, answer)).is_err() {
                return;
            }
        }
    }
}

/// The questions that wait and whose answers are awaited still.
fn awaited(first: Asked, asked: &Receiver<Asked>) -> Vec<Asked> {
    let mut waiting = vec![first];
    while let Ok(next) = asked.try_recv() {
        waiting.retain(|waits| Some(waits.ticket) != next.instead);
        waiting.push(next);
    }
    waiting
}

impl Reading {
    pub(super) fn new(ground: Ground, found: Found) -> Reading {
        Reading { ground, live: None, found, queue: None, entries: None, agent: None, compared: None }
    }

    pub(super) fn answer(&mut self, query: &Query) -> Result<Reply, ServiceError> {
        let now = now();
        let live = self.live.get_or_insert_with(|| Live::new(Arc::clone(&self.ground.service)));
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(watch) = found.watch {
            live.set_levels(watch);
        }
        if let Some((window, grid)) = found.grid {
            live.set_grid(window, grid);
        }
        let service = &*self.ground.service;
        Ok(match query {
            Query::Pulse => Reply::Pulse(Arc::new(live.pulse(self.ground.acting().as_ref(), now)?)),
            Query::Board(wish) => Reply::Board(Arc::new(live.board(wish, now)?)),
            Query::Leaders(window) => {
                let watch = live.levels();
                Reply::Leaders(Arc::new(leaders(live, *window, watch.as_deref(), now)?))
            }
            Query::Prompt(uri, window) => Reply::Prompt(Arc::new(live.prompt(uri, *window, now)?)),
            Query::Calls(uri, window) => Reply::Calls(Arc::new(live.calls(uri, *window, CALLS, now)?)),
            Query::Call(id) => Reply::Calls(Arc::new(live.call(id)?)),
            Query::Affinity(window) => {
                let grid = live.affinity(*window, now)?;
                self.found.lock().unwrap_or_else(PoisonError::into_inner).grid = live.grid();
                Reply::Affinity(grid)
            }
            Query::Proposals => Reply::Proposals(self.queue(now)?),
            Query::Review(id, layout) => Reply::Review(Arc::new(self.review(*id, *layout, now)?)),
            Query::Compare(versions, layout) => {
                Reply::Compare(Arc::new(compare(service, versions, *layout)?))
            }
            Query::Came(id) => Reply::Came(Arc::new(service.came_of(*id, now)?)),
            Query::Watch => {
                let watch = live.watch(now)?;
                self.found.lock().unwrap_or_else(PoisonError::into_inner).watch = live.levels();
                Reply::Watch(watch)
            }
            Query::Rates => Reply::Rates(live.rates(now)?),
            Query::Ledger(limit) => Reply::Ledger(self.entries(*limit, now)?),
            Query::Verify => {
                // Read before: what is written meanwhile came since.
                let written = service.read()?.ledger_head()?.seq;
                let audit = service.audit(None)?;
                Reply::Verify(Arc::new(Verified {
                    entries: audit.head.seq,
                    broken: audit.head.seq < written,
                    head: audit.head.hash.to_string(),
                    faults: audit.faults,
                    as_of: now,
                }))
            }
            Query::Agent => Reply::Agent(self.agent(now)?),
            Query::Names => Reply::Names(Arc::new(live.names()?)),
        })
    }
}

impl Reading {
    /// All proposals; read anew when something was decided, or something that was put off waits again.
    fn queue(&mut self, now: Millis) -> Result<Arc<Vec<QueueLine>>, ServiceError> {
        let service = &self.ground.service;
        let entry = service.read()?.ledger_head()?.seq;
        if let Some(lines) = self.queue.as_ref().and_then(|queue| queue.known(entry, now)) {
            return Ok(lines);
        }
        let lines: Vec<QueueLine> =
            service.proposals(None, None, now)?.into_iter().map(QueueLine::of).collect();
        let until = lines.iter().filter_map(|line| line.until).min();
        let answer = Arc::new(lines);
        self.queue = Some(AsOf { entry, until, answer: Arc::clone(&answer) });
        Ok(answer)
    }

    /// The newest entries of the ledger; read anew when there are newer ones.
    fn entries(&mut self, limit: usize, now: Millis) -> Result<Arc<(Vec<Entry>, bool)>, ServiceError> {
        let service = &self.ground.service;
        let entry = service.read()?.ledger_head()?.seq;
        if let Some((asked, entries)) = &self.entries
            && *asked == limit
            && let Some(entries) = entries.known(entry, now)
        {
            return Ok(entries);
        }
        let answer = Arc::new(service.log(&LogQuery { limit: Some(limit), ..LogQuery::default() })?);
        self.entries = Some((limit, AsOf { entry, until: None, answer: Arc::clone(&answer) }));
        Ok(answer)
    }

    /// The agent; read anew when something was decided or done, or its grant has ended.
    fn agent(&mut self, now: Millis) -> Result<Arc<AgentState>, ServiceError> {
        let service = &self.ground.service;
        let entry = service.read()?.ledger_head()?.seq;
        if let Some(agent) = self.agent.as_ref().and_then(|agent| agent.known(entry, now)) {
            return Ok(agent);
        }
        let (state, until) = agent(service, now)?;
        let answer = Arc::new(state);
        self.agent = Some(AsOf { entry, until, answer: Arc::clone(&answer) });
        Ok(answer)
    }

    /// A proposal with its difference; texts that were compared just now are not compared again.
    fn review(&mut self, id: ProposalId, layout: Layout, now: Millis) -> Result<Reviewed, ServiceError> {
        let shown = Arc::new(self.ground.service.proposal(id, now)?);
        let (old, new) = (shown.base_text.as_str(), shown.listed.proposal.text.as_str());
        let diff = match &self.compared {
            Some((before, diff)) if before.base_text == old && before.listed.proposal.text == new => {
                Arc::clone(diff)
            }
            _ => Arc::new(Diff::between(old, new, Some(Instant::now() + COMPARE))),
        };
        let laid = layout.lay(old, new, &diff);
        self.compared = Some((Arc::clone(&shown), Arc::clone(&diff)));
        Ok(Reviewed { shown, diff, layout, laid })
    }
}

/// What a version changed against another.
fn compare(service: &Service, versions: &Versions, layout: Layout) -> Result<Compared, ServiceError> {
    let reader = service.read()?;
    let text = |version| -> Result<String, ServiceError> {
        Ok(reader.file(&versions.uri, version)?.text().to_owned())
    };
    let texts = [text(&versions.from)?, text(&versions.to)?];
    let diff = Arc::new(Diff::between(&texts[0], &texts[1], Some(Instant::now() + COMPARE)));
    let laid = layout.lay(&texts[0], &texts[1], &diff);
    Ok(Compared { texts, diff, laid })
}

/// The first of the leaderboard by each of the orders that a person asks for, and what degrades.
fn leaders(
    live: &mut Live,
    window: WindowSpec,
    watch: Option<&Watch>,
    now: i64,
) -> Result<Leaders, ServiceError> {
    let mut first = |column, descending| -> Result<Option<BoardLine>, ServiceError> {
        let sort = Sort { column, descending };
        let (filter, group) = (String::new(), Group::None);
        let wish = BoardWish { window, filter, sort, first: None, group, from: 0, count: 1, seek: None };
        Ok(live.board(&wish, now)?.lines.pop())
    };
    let degrading = watch.map(|watch| {
        let of_prompts = |health: &&Health| matches!(health.id.subject, Subject::Prompt(_));
        let mut alarms = watch.streams.iter().filter(|s| s.is_alarm()).filter(of_prompts).peekable();
        let worst = alarms.peek().map(|health| Box::new((*health).clone()));
        let rising = alarms.map(|health| health.id.subject.name().to_owned());
        let regressed = watch.regressions.iter().filter(|found| found.is_alarm());
        let names: HashSet<String> = rising.chain(regressed.map(|r| r.prompt_uri.to_string())).collect();
        (names.len(), worst)
    });
    Ok(Leaders {
        used: first(Column::Calls, true)?,
        dear: first(Column::Cost, true)?,
        best: first(Column::Score, true)?,
        worst: first(Column::Score, false)?,
        degrading,
    })
}

/// The agent whose grant is the newest, and what it did; and when its grant ends, if that is to come.
fn agent(service: &Service, now: i64) -> Result<(AgentState, Option<Millis>), ServiceError> {
    let trust = service.trust()?;
    let granted = trust.grants().max_by_key(|granted| granted.entry);
    let grant = granted.map_or_else(Vec::new, |granted| {
        let grant = &granted.grant;
        let standing = if granted.revoked {
            "revoked".to_owned()
        } else if now >= grant.expires_at {
            format!("expired {}", time(grant.expires_at))
        } else {
            format!("until {}", time(grant.expires_at))
        };
        let scopes: Vec<&str> = grant.scopes.iter().map(|scope| scope.as_str()).collect();
        vec![
            standing,
            format!("may {}", scopes.join(", ")),
            format!("with {}", grant.prompts),
            format!("granted by {} (entry {})", granted.by, granted.entry),
        ]
    });
    let record = granted.map(|granted| service.agent_record(&granted.grant.agent, now)).transpose()?;
    let rows = service.read()?.proposals().runs(RUNS)?;
    let runs =
        rows.into_iter().filter_map(|row| Some((row.id, serde_json::from_value::<Run>(row.body).ok()?)));
    let ends = granted.map(|granted| granted.grant.expires_at).filter(|ends| *ends > now);
    let agent = granted.map(|granted| granted.grant.agent.to_string());
    Ok((AgentState { agent, grant, record, runs: runs.collect() }, ends))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_left_out_only_where_its_asker_asked_anew() {
        let (sender, asked) = channel();
        let of = |ticket, instead: Option<u64>, query| Asked {
            ticket: Ticket(ticket),
            instead: instead.map(Ticket),
            query,
        };
        let window = WindowSpec::default();
        for one in [
            of(1, None, Query::Came(ProposalId(1))),
            of(2, None, Query::Came(ProposalId(2))),
            of(3, None, Query::Affinity(window)),
            of(4, None, Query::Affinity(window)),
            of(5, Some(2), Query::Came(ProposalId(3))),
            of(6, Some(5), Query::Came(ProposalId(4))),
        ] {
            assert!(sender.send(one).is_ok());
        }
        let first = asked.recv().unwrap();
        let tickets: Vec<u64> = awaited(first, &asked).iter().map(|one| one.ticket.0).collect();
        assert_eq!(tickets, [1, 3, 4, 6]);
    }
}
