//! A demo world in a store: its traffic through the ordinary intake, and in its course what its stewards and its agent
//! do, through the doors that everybody uses, each at its own time.
//!
//! Deeds happen in the order of their times, one transaction each, so that what was interrupted can be taken up: deeds
//! before the ledger's last entry are done. Start with [`Service::make_demo`].

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;

use super::error::{Result, ServiceError};
use super::refinement::{Idea, RunWish};
use super::{Catalog, LogQuery, Service, now};
use crate::demo::{Decision, OWNER, Publication, Release, SECOND, Step, Traffic, World};
use crate::domain::call::Millis;
use crate::domain::event::Event;
use crate::domain::identity::Grant;
use crate::domain::ledger::Action;
use crate::domain::prompt::PromptUri;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Kind, Proposal};
use crate::domain::window::{Window, instant};
use crate::engine::govern::{Act, Matter};
use crate::engine::seal::Pen;
use crate::intake::{Intake, Receipt};
use crate::store::decide::Accepted;
use crate::store::ledger::Asked;
use crate::store::prompts::{Activation, Deed as Authored};
use crate::store::proposals::{Filter, Kept};
use crate::store::{Kind as Fault, StoreError, Transaction};

const DAY_MS: Millis = 86_400_000;
/// Between two commits of a world that lives on.
const BREATH: Duration = Duration::from_millis(200);
/// When the agent of a world that lives on runs first, and how often from then on, ms.
const AGENT_FIRST: Millis = 20_000;
const AGENT_EVERY: Millis = 60_000;

/// Something that happens in the world beside its traffic.
enum Deed {
    /// The store gets its owner, and other stewards are trusted.
    Found,
    /// A planned version is proposed.
    Offer(Publication, &'static Release),
    /// Planned versions become active, each at its time.
    Publish(Vec<Publication>),
    /// What is planned to be decided.
    Decide(&'static Decision),
}

/// A world on its way into a store.
struct Life<'a> {
    service: &'a Service,
    world: &'a World,
    traffic: Traffic<'a>,
    /// The next event, which is yet to come.
    next: Option<Event>,
    intake: Intake<'a>,
}

impl Service {
    /// Publishes the prompts of a demo world, counts its traffic through the ordinary intake, and lets its stewards and
    /// its agent do what they do in it.
    pub fn make_demo(&self, world: &World) -> Result<Receipt> {
        let newest = self.log(&LogQuery { limit: Some(1), ..LogQuery::default() })?.0;
        let done = newest.first().and_then(|entry| instant(&entry.at).ok()).unwrap_or(Millis::MIN);
        let mut life =
            Life { service: self, world, traffic: world.traffic(), next: None, intake: self.intake()? };
        for (at, deed) in deeds(world, done) {
            life.live_until(at)?;
            if at > done {
                life.intake.finish()?;
                life.happen(&deed, at)?;
            }
            life.follow(&deed, at)?;
        }
        life.live_until(Millis::MAX)?;
        Ok(life.intake.finish()?)
    }
}

impl Service {
    /// Lets a demo world live on until `stop`: its traffic through the ordinary intake, as it comes, and its agent, which
    /// runs every minute.
    pub fn live_demo(&self, world: &World, per_second: f64, stop: &AtomicBool) -> Result<()> {
        std::thread::scope(|scope| {
            let agent = scope.spawn(|| self.live_agent(world, stop));
            let lived = self.live_traffic(world, per_second, stop);
            agent.join().unwrap_or_else(|_| Ok(())).and(lived)
        })
    }

    fn live_traffic(&self, world: &World, per_second: f64, stop: &AtomicBool) -> Result<()> {
        let mut traffic = world.live(now(), per_second);
        let mut intake = self.intake()?;
        let mut next = traffic.next();
        while !stop.load(Ordering::Relaxed) {
            let now = now();
            while let Some(event) = next.take_if(|event| event.at() <= now) {
                intake.event(event)?;
                next = traffic.next();
            }
            intake.finish()?;
            std::thread::sleep(BREATH);
        }
        Ok(())
    }

    fn live_agent(&self, world: &World, stop: &AtomicBool) -> Result<()> {
        let Some(agent) = world.agent() else { return Ok(()) };
        let pen = world.pen(&agent);
        let mut due = now() + AGENT_FIRST;
        while !stop.load(Ordering::Relaxed) {
            let at = now();
            if at >= due {
                due = at + AGENT_EVERY;
                let window = Window { from_ms: at - 7 * DAY_MS, to_ms: at };
                let wish = RunWish { dry: false, window, client: None, lacking: None };
                after(self.run_agent(&pen, &wish, now).map(drop))?;
            }
            std::thread::sleep(BREATH);
        }
        Ok(())
    }
}

/// What happens, by time. Publications that follow each other are one deed, so that a large world is made in few.
fn deeds(world: &World, done: Millis) -> Vec<(Millis, Deed)> {
    let mut all: Vec<(Millis, Deed)> = vec![(world.plan().start(), Deed::Found)];
    for publication in world.prompts() {
        let later = publication.published_at > world.plan().start();
        if let Some(release) = Release::of(&publication.uri).filter(|_| later) {
            all.push((publication.published_at, Deed::Offer(publication.clone(), release)));
        }
        all.push((publication.active_from, Deed::Publish(vec![publication])));
    }
    all.extend(world.decisions().map(|(at, decision)| (at, Deed::Decide(decision))));
    all.sort_by_key(|(at, _)| *at);
    let mut merged: Vec<(Millis, Deed)> = Vec::with_capacity(all.len());
    for (at, deed) in all {
        match (merged.last_mut(), deed) {
            (Some((last, Deed::Publish(earlier))), Deed::Publish(more)) if (at > done) == (*last > done) => {
                *last = at;
                earlier.extend(more);
            }
            (_, deed) => merged.push((at, deed)),
        }
    }
    merged
}

impl Life<'_> {
    /// Counts what happens before a moment.
    fn live_until(&mut self, at: Millis) -> Result<()> {
        while let Some(event) = self.next.take().or_else(|| self.traffic.next()) {
            if event.at() >= at {
                self.next = Some(event);
                break;
            }
            self.intake.event(event)?;
        }
        Ok(())
    }

    fn happen(&self, deed: &Deed, at: Millis) -> Result<()> {
        match deed {
            Deed::Found => self.found(at),
            Deed::Offer(publication, release) => self.offer(publication, release, at),
            Deed::Publish(publications) => self.publish(publications),
            Deed::Decide(decision) => after(self.decide(decision, at)),
        }
    }

    /// The traffic goes on with what was decided.
    fn follow(&mut self, deed: &Deed, at: Millis) -> Result<()> {
        let Deed::Decide(Decision { step, .. }) = deed else { return Ok(()) };
        if !matches!(step, Step::Run | Step::Accept { .. } | Step::Rollback { .. }) {
            return Ok(());
        }
        let reader = self.service.read()?;
        let published = reader.published()?;
        let proposals = reader.proposals().list(&Filter::default(), at)?;
        let mut changed: Vec<PromptUri> = proposals
            .into_iter()
            .filter(|kept| kept.version.is_some())
            .map(|kept| kept.proposal.prompt_uri)
            .collect();
        if let Step::Rollback { key, .. } = step {
            changed.extend(self.world.uri_of(key).cloned());
        }
        for uri in changed {
            if let Some(active) = published.get(&uri).and_then(|published| published.active_at(at)) {
                self.traffic.adopt(&reader.file(&uri, active)?);
            }
        }
        Ok(())
    }

    fn found(&self, at: Millis) -> Result<()> {
        let Some(owner) = self.world.steward(OWNER) else { return Ok(()) };
        let pen = self.world.pen(&owner);
        let others = self.world.stewards().into_iter().map(|who| (self.world.pen(&who).public_key(), who));
        let others: Vec<_> = others.collect();
        Ok(self.service.store.write(move |tx| {
            tx.as_of(at);
            tx.own(&pen, json!({"steward": pen.identity(), "key": pen.public_key()}))?;
            for (key, steward) in others {
                let asked = Asked::once(Some(&pen), Act::Delegate, Matter::NOTHING);
                tx.enter(
                    &asked,
                    Action::Trust,
                    &steward.to_string(),
                    json!({"steward": steward, "key": key}),
                )?;
            }
            Ok(())
        })?)
    }

    /// What of `publications` was proposed is accepted, the rest published by hand.
    fn publish(&self, publications: &[Publication]) -> Result<()> {
        let mut by_hand = Vec::new();
        for publication in publications {
            let offered = match Release::of(&publication.uri) {
                Some(_) => {
                    self.waiting(&publication.uri.unversioned(), Kind::Text, publication.active_from)?
                }
                None => None,
            };
            match offered.filter(|kept| is_offer(kept, publication)) {
                Some(kept) => {
                    self.publish_by_hand(std::mem::take(&mut by_hand))?;
                    self.accept(&kept, None, publication.active_from)?;
                }
                None => by_hand.push(publication.clone()),
            }
        }
        self.publish_by_hand(by_hand)
    }

    fn publish_by_hand(&self, publications: Vec<Publication>) -> Result<()> {
        let start = self.world.plan().start();
        let signed = |publication: Publication| {
            let author = self.world.author(&publication.uri).filter(|_| publication.active_from > start);
            (author.map(|who| self.world.pen(&who)), publication)
        };
        let signed: Vec<(Option<Pen>, Publication)> = publications.into_iter().map(signed).collect();
        Ok(self.service.store.write(move |tx| {
            signed.iter().try_for_each(|(pen, publication)| put(tx, pen.as_ref(), publication))
        })?)
    }

    /// Proposes a planned version, where accepting it would give it its number.
    fn offer(&self, publication: &Publication, release: &Release, at: Millis) -> Result<()> {
        let uri = publication.uri.unversioned();
        let file = PromptFile::parse(&publication.uri.to_string(), publication.text.as_bytes())
            .map_err(StoreError::corrupt)?;
        let Some(base) = self.active(&uri)? else { return Ok(()) };
        let next = crate::engine::bump::Change::between(&base, &file);
        let Some(version) = &base.uri.version else { return Ok(()) };
        if Some(&next.next(version)) != publication.uri.version.as_ref() {
            return Ok(());
        }
        let Ok(file) = file.with_version(version) else { return Ok(()) };
        let (title, rationale) = (release.title.to_owned(), release.rationale.to_owned());
        let predicted = vec![release.promises()];
        self.propose(
            SECOND,
            Idea { prompt_uri: uri, kind: Kind::Text, file, title, rationale, predicted },
            at,
        )
    }

    fn propose(&self, by: &str, idea: Idea, at: Millis) -> Result<()> {
        let Some(steward) = self.world.steward(by) else { return Ok(()) };
        after(self.service.propose(&self.world.pen(&steward), idea, at).map(|_: Proposal| ()))
    }

    fn decide(&self, decision: &'static Decision, at: Millis) -> Result<()> {
        let (service, by) = (self.service, decision.by);
        let Some(steward) = self.world.steward(by) else { return Ok(()) };
        let pen = self.world.pen(&steward);
        match &decision.step {
            Step::Grant { prompts, scopes } => {
                let Some(agent) = self.world.agent() else { return Ok(()) };
                let grant = Grant {
                    key: self.world.pen(&agent).public_key(),
                    agent,
                    scopes: scopes.to_vec(),
                    prompts: prompts.parse().map_err(StoreError::corrupt)?,
                    expires_at: self.world.granted_until(),
                };
                service.store.write(move |tx| {
                    tx.as_of(at);
                    let asked = Asked::once(Some(&pen), Act::Delegate, Matter::NOTHING);
                    tx.enter(&asked, Action::Grant, &grant.agent.to_string(), json!(grant)).map(|_| ())
                })?;
            }
            Step::Run => {
                let Some(agent) = self.world.agent() else { return Ok(()) };
                let window = Window { from_ms: at - 7 * DAY_MS, to_ms: at };
                let wish = RunWish { dry: false, window, client: None, lacking: None };
                service.run_agent(&self.world.pen(&agent), &wish, move || at)?;
            }
            Step::Propose { key, kind, title, rationale, from, to } => {
                let Some(uri) = self.world.uri_of(key).cloned() else { return Ok(()) };
                let Some(base) = self.active(&uri)? else { return Ok(()) };
                let text = base.text().replacen(from, to, 1);
                let file = PromptFile::parse(key, text.as_bytes()).map_err(StoreError::corrupt)?;
                let (title, rationale) = ((*title).to_owned(), (*rationale).to_owned());
                let idea =
                    Idea { prompt_uri: uri, kind: *kind, file, title, rationale, predicted: Vec::new() };
                self.propose(by, idea, at)?;
            }
            Step::Rollback { key, reason } => {
                let Some(uri) = self.world.uri_of(key).cloned() else { return Ok(()) };
                service.store.write(move |tx| {
                    tx.as_of(at);
                    let deed = Authored { at, actor: &steward.to_string(), reason: Some(reason) };
                    tx.rollback(Some(&pen), &uri, None, deed).map(|_| ())
                })?;
            }
            step => {
                let Some((kept, step)) = self.meant(step, at)? else { return Ok(()) };
                let id = kept.proposal.id;
                match step {
                    Step::Modify { from, to, .. } => {
                        let text = kept.proposal.text.replacen(from, to, 1);
                        service.modify(Some(pen), id, text, at)?;
                    }
                    Step::Accept { note, .. } => self.accept(&kept, Some(note), at)?,
                    Step::Reject { reason, .. } => {
                        service.reject(Some(pen), id, (*reason).to_owned(), at)?;
                    }
                    Step::Defer { days, .. } => {
                        service.defer(Some(pen), id, at + days * DAY_MS, at)?;
                    }
                    Step::Comment { text, .. } => {
                        service.comment(Some(pen), id, (*text).to_owned(), at)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// The newest proposal of the prompt that a step names, while it waits.
    fn meant<'s>(&self, step: &'s Step, at: Millis) -> Result<Option<(Kept, &'s Step)>> {
        let (Step::Modify { key, kind, .. }
        | Step::Accept { key, kind, .. }
        | Step::Reject { key, kind, .. }
        | Step::Defer { key, kind, .. }
        | Step::Comment { key, kind, .. }) = step
        else {
            return Ok(None);
        };
        let Some(uri) = self.world.uri_of(key) else { return Ok(None) };
        Ok(self.waiting(uri, *kind, at)?.map(|kept| (kept, step)))
    }

    fn waiting(&self, uri: &PromptUri, kind: Kind, at: Millis) -> Result<Option<Kept>> {
        let filter = Filter { prompt: Some(uri.clone()), ..Filter::default() };
        let kept = self.service.read()?.proposals().list(&filter, at)?;
        Ok(kept.into_iter().find(|kept| kept.standing.is_open() && kept.proposal.kind == kind))
    }

    /// The owner accepts, and where that is not enough the second steward.
    fn accept(&self, kept: &Kept, note: Option<&str>, at: Millis) -> Result<()> {
        for name in [OWNER, SECOND] {
            let Some(steward) = self.world.steward(name) else { continue };
            let (pen, note) = (self.world.pen(&steward), note.map(str::to_owned));
            if let Accepted::Applied(_) =
                self.service.accept(Some(pen), kept.proposal.id, kept.text_digest(), note, at)?
            {
                break;
            }
        }
        Ok(())
    }

    fn active(&self, uri: &PromptUri) -> Result<Option<PromptFile>> {
        let reader = self.service.read()?;
        let active =
            Catalog::read(&reader)?.published.get(uri).and_then(|published| published.active.clone());
        Ok(active.map(|version| reader.file(uri, &version)).transpose()?)
    }
}

/// Publishes a version at its time.
fn put(tx: &mut Transaction<'_>, pen: Option<&Pen>, publication: &Publication) -> crate::store::Result<()> {
    let file = PromptFile::parse(&publication.uri.to_string(), publication.text.as_bytes())
        .map_err(StoreError::corrupt)?;
    let at = publication.active_from;
    let actor = pen.map_or("demo".to_owned(), |pen| pen.identity().to_string());
    tx.as_of(at);
    tx.publish(pen, &file, Activation::AsOfThen, Authored { at, actor: &actor, reason: None })?;
    Ok(())
}

/// Whether a proposal is that of a planned version.
fn is_offer(kept: &Kept, publication: &Publication) -> bool {
    let parsed = |text: &str| PromptFile::parse("a demo prompt", text.as_bytes());
    match (parsed(&kept.proposal.text), parsed(&publication.text)) {
        (Ok(proposed), Ok(planned)) => proposed.same_but_version(&planned),
        _ => false,
    }
}

/// What the rules or the evidence of a small world do not allow does not happen.
fn after(done: Result<()>) -> Result<()> {
    match done {
        Err(ServiceError::Store(error))
            if matches!(error.kind, Fault::Refused | Fault::Changed | Fault::Unfit) =>
        {
            Ok(())
        }
        done => done,
    }
}
