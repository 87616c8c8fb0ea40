//! What a call still lacks when it has been read: the URIs of its prompts and its price.

use std::fmt;
use std::sync::Arc;

use semver::Version;

use super::identify::{IdentityRules, identify};
use super::{Options, Resolved};
use crate::domain::call::{Call, Millis};
use crate::domain::model::{Day, TokenUse};
use crate::domain::prompt::PromptUri;
use crate::engine::price::Prices;
use crate::store::telemetry::NamedCall;

/// Which version of a prompt was active at a time.
pub type Active = dyn Fn(&PromptUri, Millis) -> Option<Version> + Send + Sync;

/// Everything that intake needs to know of the rest of the world, fixed for one intake.
pub struct Preparation {
    /// How bodies are decoded, and scores translated.
    pub options: Options,
    /// How foreign prompt names become URIs.
    pub identity: IdentityRules,
    /// Dated prices.
    pub prices: Prices,
    /// Published prompts.
    pub active: Box<Active>,
}

impl fmt::Debug for Preparation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Preparation")
            .field("options", &self.options)
            .field("identity", &self.identity)
            .finish_non_exhaustive()
    }
}

impl Preparation {
    /// The call of a resolved group, with its prompts named and its cost estimated where it has none.
    pub fn prepare(&self, resolved: Resolved) -> NamedCall {
        let mut call = resolved.call;
        call.prompts = identify(&resolved.foreign, &self.identity, &*self.active, call.at).map(Arc::new);
        // Where the telemetry's input leaves out what came from the cache, the price is of both.
        let beyond = if resolved.excludes_cache { call.cached_tokens.unwrap_or(0) } else { 0 };
        self.estimate(&mut call, beyond);
        NamedCall { call, aliases: resolved.aliases }
    }

    /// Estimates the cost of a call that reports none, from the price in force on its day.
    pub fn price(&self, call: &mut Call) {
        self.estimate(call, 0);
    }

    fn estimate(&self, call: &mut Call, beyond: u32) {
        if call.cost.is_some() || (call.input_tokens.is_none() && call.output_tokens.is_none()) {
            return;
        }
        let tokens = TokenUse {
            input: call.input_tokens.unwrap_or(0).saturating_add(beyond),
            output: call.output_tokens.unwrap_or(0),
            cached: call.cached_tokens.unwrap_or(0),
        };
        let quote = self.prices.lookup(&call.model, call.provider.as_deref(), Day::of(call.at));
        call.cost = quote.map(|q| q.estimate(tokens));
        call.cost_estimated = call.cost.is_some();
    }
}
