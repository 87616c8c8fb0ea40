//! What a store holds before a demo world is made in it: nothing of anybody else's may be mixed with one.

use std::collections::BTreeSet;

use super::error::Result;
use super::{Catalog, Service};
use crate::demo::World;
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
        let (mut calls, mut exact, mut other) = (0, false, None);
        self.calls(&CallQuery::default(), &mut |kept| {
            let call = kept.call;
            calls += 1;
            if !world.is_call(&call.provenance_id) {
                other = Some(call.provenance_id);
                return false;
            }
            exact |= first.as_ref().is_some_and(|(id, at)| *id == call.provenance_id && *at == call.at);
            true
        })?;
        Ok(match other {
            Some(id) => Ground::Taken(format!("the call {}", id.escape_debug())),
            None if exact => Ground::Open,
            None if calls == world.plan().calls => Ground::Made { from, to },
            None => Ground::Taken(format!("{calls} calls of another demo")),
        })
    }
}
