//! What a published table becomes: price rows, model cards, and the list of what could not be taken. The readers of
//! the formats write into it; it checks what they bring.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::domain::model::{Capabilities, Day, Model, ModelCard, PicoUsd, Price, PriceRow, Tariff, provider};

/// Longest name of a model or provider, in bytes.
const MAX_NAME: usize = 200;
/// Most tiers of a price.
const MAX_TIERS: usize = 16;

/// A row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The row's name, or its line.
    pub row: String,
    /// Why, as a clause.
    pub reason: String,
}

/// A table that was read.
#[derive(Debug, Clone)]
pub struct Table {
    /// The day of rows that have none of their own.
    pub as_of: Day,
    /// How rows name where they come from.
    pub source: String,
    /// Prices.
    pub prices: Vec<PriceRow>,
    /// Capabilities and limits.
    pub cards: Vec<ModelCard>,
    /// What could not be taken, in the order of the table.
    pub refused: Vec<Refused>,
    /// Index in `prices` by model and day.
    seen: HashMap<(Model, Day), usize>,
}

/// What a table says of a model besides its price.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    pub capabilities: Capabilities,
    pub max_input_tokens: Option<u32>,
    pub max_output_tokens: Option<u32>,
    pub deprecated: Option<Day>,
}

impl Table {
    pub(super) fn new(source: &str, as_of: Day) -> Table {
        Table {
            as_of,
            source: source.to_owned(),
            prices: vec![],
            cards: vec![],
            refused: vec![],
            seen: HashMap::new(),
        }
    }

    pub(super) fn refuse(&mut self, row: &str, reason: impl Into<String>) {
        let row = row.chars().take(MAX_NAME).collect();
        self.refused.push(Refused { row, reason: reason.into() });
    }

    /// Takes a price, unless the table already gave one for the model and day.
    pub(super) fn price(&mut self, row: &str, model: &Model, from: Day, price: Price, source: String) {
        if price.tiers.len() > MAX_TIERS {
            return self.refuse(row, "it has more than 16 tiers");
        }
        let index = self.prices.len();
        let first = *self.seen.entry((model.clone(), from)).or_insert(index);
        if first < index {
            // Said twice is said once; contradicting oneself is not.
            if self.prices[first].price != price {
                let (id, provider) = (&model.id, &model.provider);
                self.refuse(row, format!("{id} by {provider} is in the table already, at another price"));
            }
            return;
        }
        self.prices.push(PriceRow { model: model.clone(), from, price, source });
    }

    /// Takes what is known of a model.
    pub(super) fn card(&mut self, model: &Model, facts: &Facts) {
        self.cards.push(ModelCard {
            model: model.clone(),
            capabilities: facts.capabilities,
            max_input_tokens: facts.max_input_tokens,
            max_output_tokens: facts.max_output_tokens,
            deprecated: facts.deprecated,
            as_of: self.as_of,
            source: self.source.clone(),
        });
    }
}

/// A model by a provider, names as the product spells them; refused when they are empty or overlong.
pub(super) fn model(provider_name: &str, id: &str) -> Result<Model, String> {
    let provider = provider(provider_name);
    if provider.is_empty() || id.is_empty() {
        return Err("it names no provider or no model".into());
    }
    if provider.len() > MAX_NAME || id.len() > MAX_NAME {
        return Err(format!("a name has more than {MAX_NAME} bytes"));
    }
    Ok(Model { id: id.to_owned(), provider })
}

/// The unit of a table's prices.
#[derive(Debug, Clone, Copy)]
pub(super) enum Per {
    Token,
    Million,
}

/// The price under `key`: a number, or a number as text; `Ok(None)` where there is none.
pub(super) fn usd(row: &Map<String, Value>, key: &str, per: Per) -> Result<Option<PicoUsd>, String> {
    let number = match row.get(key) {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_f64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    let price = number.and_then(|usd: f64| match per {
        Per::Token => PicoUsd::per_token(usd),
        Per::Million => PicoUsd::per_million(usd),
    });
    price
        .map(Some)
        .ok_or_else(|| format!("`{key}` is not a price: it is negative, beyond reason or no number"))
}

/// The first price under any of the keys.
pub(super) fn first_usd(
    row: &Map<String, Value>,
    keys: &[&str],
    per: Per,
) -> Result<Option<PicoUsd>, String> {
    for key in keys {
        if let Some(price) = usd(row, key, per)? {
            return Ok(Some(price));
        }
    }
    Ok(None)
}

/// A tier's tariff: what it does not mention is as in `base`.
pub(super) fn over(
    base: &Tariff,
    input: Option<PicoUsd>,
    output: Option<PicoUsd>,
    cache_read: Option<PicoUsd>,
    cache_write: Option<PicoUsd>,
) -> Tariff {
    Tariff {
        input: input.unwrap_or(base.input),
        output: output.unwrap_or(base.output),
        cache_read: cache_read.or(base.cache_read),
        cache_write: cache_write.or(base.cache_write),
    }
}

/// A positive whole number under `key`, where there is one.
pub(super) fn tokens(row: &Map<String, Value>, key: &str) -> Option<u32> {
    let number = row.get(key)?.as_f64()?;
    (number >= 1.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0).then_some(number as u32)
}

/// A truth value under `key`; anything else says nothing.
pub(super) fn says(row: &Map<String, Value>, key: &str) -> Option<bool> {
    row.get(key)?.as_bool()
}

/// Whether the list under `key` has `word`; `None` where there is no list.
pub(super) fn lists(row: &Map<String, Value>, key: &str, word: &str) -> Option<bool> {
    Some(row.get(key)?.as_array()?.iter().any(|item| item.as_str() == Some(word)))
}
