//! What is known of a model by its name: the card that a provider's list has of it, found as its price is.
//!
//! A table that does not mention a capability has not denied it, and lists that disagree know nothing. Start with
//! [`Cards::of`].

use rustc_hash::FxHashMap;

use super::price::{forms, maker};
use crate::domain::model::{self, Capabilities, Capability, Day, ModelCard, Support};

/// What is known of a model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts {
    /// What it can do.
    pub capabilities: Capabilities,
    /// The day from which it is no longer offered.
    pub retired: Option<Day>,
}

impl Facts {
    /// What both say: a capability on which they differ, or which one of them does not know, is unknown.
    #[must_use]
    pub fn agreed(self, other: Facts) -> Facts {
        let mut capabilities = Capabilities::default();
        for capability in Capability::ALL {
            let [a, b] = [self, other].map(|facts| facts.capabilities.get(capability));
            capabilities.set(capability, (a == b && a != Support::Unknown).then_some(a == Support::Yes));
        }
        // It is gone when the last one no longer offers it.
        Facts { capabilities, retired: self.retired.zip(other.retired).map(|(a, b)| a.max(b)) }
    }
}

/// Model cards by provider and name.
#[derive(Debug, Default)]
pub struct Cards {
    lists: FxHashMap<String, FxHashMap<String, Facts>>,
    offers: FxHashMap<String, Facts>,
}

impl Cards {
    /// Of these cards; of two about one model the newer holds.
    pub fn new<'c>(cards: impl IntoIterator<Item = &'c ModelCard>) -> Cards {
        let mut cards: Vec<&ModelCard> = cards.into_iter().collect();
        cards.sort_by_key(|card| card.as_of);
        let mut known = Cards::default();
        for card in cards {
            let facts = Facts { capabilities: card.capabilities, retired: card.deprecated };
            let list = known.lists.entry(model::provider(&card.model.provider)).or_default();
            list.insert(card.model.id.to_lowercase(), facts);
        }
        for (id, facts) in known.lists.values().flatten() {
            known.offers.entry(id.clone()).and_modify(|all| *all = all.agreed(*facts)).or_insert(*facts);
        }
        known
    }

    /// What is known of a model, by the rules of [`super::price::Prices::find`]: the list of the provider, else of the
    /// one that the name begins with, else of the maker; else what all lists that have the model agree on.
    pub fn of(&self, model: &str, provider: Option<&str>) -> Facts {
        let model = model.to_lowercase();
        let prefixed = model.split_once('/').map(|(prefix, rest)| (model::provider(prefix), rest));
        let bare = prefixed.as_ref().map(|(_, rest)| *rest);
        let named = provider.filter(|name| !name.is_empty()).map(model::provider);
        let prefix = prefixed.as_ref().map(|(provider, _)| provider.as_str());
        let maker = maker(bare.unwrap_or(&model));
        let list = [named.as_deref(), prefix, maker].into_iter().flatten().find_map(|p| self.lists.get(p));
        let found = match list {
            Some(list) => forms(&model, bare).find_map(|id| list.get(id)),
            None => forms(&model, bare).find_map(|id| self.offers.get(id)),
        };
        found.copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::Model;

    fn card(provider: &str, id: &str, says: &[(Capability, bool)], as_of: &str) -> ModelCard {
        let mut capabilities = Capabilities::default();
        for (capability, yes) in says {
            capabilities.set(*capability, Some(*yes));
        }
        ModelCard {
            model: Model { id: id.into(), provider: provider.into() },
            capabilities,
            max_input_tokens: None,
            max_output_tokens: None,
            deprecated: None,
            as_of: as_of.parse().unwrap(),
            source: "test".into(),
        }
    }

    #[test]
    fn a_model_is_known_by_its_providers_list() {
        use Capability::{Json, Tools, Vision};
        let cards = Cards::new(&[
            card("openai", "gpt-4o", &[(Vision, true), (Tools, false)], "2026-01-01"),
            card("openai", "gpt-4o", &[(Vision, true), (Tools, true)], "2026-02-01"),
            card("azure", "gpt-4o", &[(Vision, false)], "2026-01-01"),
            card("a", "llama", &[(Tools, true), (Json, true)], "2026-01-01"),
            card("b", "llama", &[(Tools, true), (Json, false)], "2026-01-01"),
        ]);
        let can = |model, provider, capability| cards.of(model, provider).capabilities.get(capability);
        assert_eq!(can("gpt-4o-2024-08-06", Some("OpenAI"), Tools), Support::Yes);
        assert_eq!(can("openai/GPT-4o", None, Vision), Support::Yes);
        assert_eq!(can("gpt-4o", None, Vision), Support::Yes);
        assert_eq!(can("gpt-4o", Some("azure"), Vision), Support::No);
        assert_eq!(can("gpt-5", Some("openai"), Vision), Support::Unknown);
        // Served by somebody without a list: only what all lists say.
        assert_eq!(can("llama", Some("at-home"), Tools), Support::Yes);
        assert_eq!(can("llama", Some("at-home"), Json), Support::Unknown);
    }

    #[test]
    fn retired_is_who_nobody_offers() {
        let day = |text: &str| Some(text.parse().unwrap());
        let facts = |retired| Facts { retired, ..Facts::default() };
        assert_eq!(facts(day("2026-01-01")).agreed(facts(None)).retired, None);
        assert_eq!(facts(day("2026-01-01")).agreed(facts(day("2026-03-01"))).retired, day("2026-03-01"));
    }
}
