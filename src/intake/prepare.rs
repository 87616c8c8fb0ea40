//! What a call still lacks when it has been read: the URIs of its prompts and its price.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rustc_hash::FxHashMap;
use semver::Version;

use super::identify::{IdentityRules, identify};
use super::{ForeignPrompt, Options, Resolved};
use crate::domain::call::{Call, MAX_COST, Millis};
use crate::domain::model::{Day, TokenUse};
use crate::domain::prompt::{PromptCallMetadata, PromptUri};
use crate::engine::price::Prices;
use crate::store::telemetry::NamedCall;

/// Which version of a prompt was active at a time.
pub type Active = dyn Fn(&PromptUri, Millis) -> Option<Version> + Send + Sync;

/// Records of prompts that are remembered.
const SHARED: usize = 4096;

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
    /// Records made from foreign words before; begin with none.
    pub shared: Mutex<FxHashMap<ForeignPrompt, Option<Arc<PromptCallMetadata>>>>,
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
        call.prompts = self.identified(&resolved.foreign, call.at);
        // Where the telemetry's input leaves out what came from the cache, the price is of both.
        let beyond = if resolved.excludes_cache { call.cached_tokens.unwrap_or(0) } else { 0 };
        self.estimate(&mut call, beyond);
        NamedCall { call, aliases: resolved.aliases }
    }

    /// The prompts of a call. Calls with the same words about their prompt share one record, unless the version that
    /// was active at the time decides.
    fn identified(&self, foreign: &ForeignPrompt, at: Millis) -> Option<Arc<PromptCallMetadata>> {
        let identify = || identify(foreign, &self.identity, &*self.active, at).map(Arc::new);
        if foreign.version.is_none() {
            return identify();
        }
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = shared.get(foreign) {
            return known.clone();
        }
        let fresh = identify();
        if shared.len() >= SHARED {
            shared.clear();
        }
        shared.insert(foreign.clone(), fresh.clone());
        fresh
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
        // Beyond what a call may cost, the counts or the price are mistaken.
        call.cost = quote.map(|q| q.estimate(tokens)).filter(|cost| *cost <= MAX_COST);
        call.cost_estimated = call.cost.is_some();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Model, PicoUsd, Price, PriceRow, Tariff};

    #[test]
    fn an_estimate_beyond_what_a_call_may_cost_is_none() {
        let tariff =
            Tariff { input: PicoUsd::MAX, output: PicoUsd::MAX, cache_read: None, cache_write: None };
        let row = PriceRow {
            model: Model { id: "m".into(), provider: "p".into() },
            from: Day(0),
            price: Price { base: tariff, tiers: Vec::new() },
            source: "test".into(),
        };
        let preparation = Preparation {
            options: Options::default(),
            identity: IdentityRules::default(),
            prices: Prices::new([row]),
            active: Box::new(|_, _| None),
            shared: Mutex::default(),
        };
        // A dollar a token.
        for (tokens, cost) in [(10_000, Some(MAX_COST)), (10_001, None), (u32::MAX, None)] {
            let json = format!(
                r#"{{"type":"call","provenanceId":"a","at":"2026-11-22T10:00:00Z","modelId":"m","provider":"p","inputTokens":{tokens}}}"#
            );
            let read = crate::intake::events::Reader::default().read(json.as_bytes(), &|_, _| None, 0);
            let Ok(crate::domain::event::Event::Call(mut call)) = read else { panic!("a call") };
            preparation.price(&mut call);
            assert_eq!((call.cost, call.cost_estimated), (cost, cost.is_some()), "{tokens}");
        }
    }
}
