//! What a store holds before a demo world is made in it: nothing of anybody else's may be mixed with one.

use std::collections::BTreeSet;

use super::error::Result;
use super::{Catalog, Service};
use crate::demo::{OWNER, World};
use crate::domain::call::Millis;
use crate::domain::event::Event;
use crate::domain::prompt::PromptUri;
use crate::store::telemetry::CallQuery;

/// What a store holds, with regard to a demo world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ground {
    /// Nothing but what belongs to exactly this world: making it adds what is missing.
    Open,
    /// All of the world's calls, between other times: its end has moved on with the clock.
    Made {
        /// When they begin, ms.
        from: Millis,
        /// When the last began, ms.
        to: Millis,
    },
    /// Something else: what, in words.
    Taken(String),
}

impl Service {
    /// What the store holds, with regard to `world`.
    pub fn ground(&self, world: &World) -> Result<Ground> {
        let reader = self.read()?;
        let own: BTreeSet<PromptUri> = world.prompts().map(|p| p.uri.unversioned()).collect();
        if let Some(other) = Catalog::read(&reader)?.prompts().find(|uri| !own.contains(uri)) {
            return Ok(Ground::Taken(format!("the prompt {other}")));
        }
        let Some((from, to)) = self.totals()?.1 else { return Ok(Ground::Open) };
        let first = world.traffic().find_map(|event| match event {
            Event::Call(call) => Some((call.provenance_id, call.at)),
            Event::Feedback(_) => None,
        });
        // A world that has lived on belongs to its steward, whose key follows from the seed.
        let owner = world.steward(OWNER).map(|owner| (world.pen(&owner).public_key(), owner));
        let trust = reader.trust()?;
        let is_its_own =
            owner.is_some_and(|(key, owner)| trust.owner() == Some(&owner) && trust.trusts(&owner, key));
        let (mut calls, mut exact, mut other) = (0, false, None);
        self.calls(&CallQuery::default(), &mut |kept| {
            let call = kept.call;
            if !world.is_call(&call.provenance_id) {
                other = Some(call.provenance_id);
                return is_its_own;
            }
            calls += 1;
            exact |= first.as_ref().is_some_and(|(id, at)| *id == call.provenance_id && *at == call.at);
            true
        })?;
        Ok(match other {
            Some(id) if !is_its_own => Ground::Taken(format!("the call {}", id.escape_debug())),
            _ if exact => Ground::Open,
            _ if calls == world.plan().calls => Ground::Made { from, to },
            _ => Ground::Taken(format!("{calls} calls of another demo")),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    use super::*;
    use crate::config::{Config, Overrides};
    use crate::demo::Plan;
    use crate::service::now;
    use crate::store::Access;

    #[test]
    fn a_world_that_has_lived_on_is_still_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let overrides = Overrides { store: Some(dir.path().join("s.db")), config: None };
        let service = Service::open(Config::load(&overrides).unwrap(), Access::Write).unwrap();
        let plan = |end| Plan { seed: 7, prompts: 12, calls: 2_000, days: 3, end };
        let world = World::new(plan(now() - 60_000));
        service.make_demo(&world).unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| service.live_demo(&world, 500.0, &stop).unwrap());
            while service.totals().unwrap().0.calls <= 2_000 {
                std::thread::sleep(Duration::from_millis(20));
            }
            stop.store(true, Ordering::Relaxed);
        });
        let ground = |end| service.ground(&World::new(plan(end))).unwrap();
        assert!(matches!(ground(now()), Ground::Made { .. }));
        assert!(matches!(
            service.ground(&World::new(Plan { seed: 8, ..plan(now()) })).unwrap(),
            Ground::Taken(_)
        ));
    }
}
