//! `human models list`: prices and capabilities of the models that are known.

use serde::Serialize;

use super::plain::shown;
use super::table::{self, Page};
use crate::domain::model::{Capabilities, Day, ModelCard, Price, PriceRow, Support};
use crate::engine::number::{NONE, count};

/// A model of the list. In JSON, prices are US dollars per million tokens.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelLine {
    /// The provider's id of the model.
    pub model_id: String,
    /// Who offers it.
    pub provider: String,
    /// What a token costs on the day asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Price>,
    /// The first day on which that price is known to hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_from: Option<Day>,
    /// Where the price was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_source: Option<String>,
    /// What it can do; what is not mentioned is unknown.
    pub capabilities: Capabilities,
    /// Longest input in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u32>,
    /// Longest output in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// The day from which its provider no longer offers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Day>,
}

/// The list on a day: one line for each model that has a price or a card, by provider and model; of several prices
/// the newest that is not after the day, else the oldest.
pub fn lines(prices: &[PriceRow], cards: &[ModelCard], day: Day) -> Vec<ModelLine> {
    let mut lines: std::collections::BTreeMap<_, ModelLine> = std::collections::BTreeMap::new();
    for card in cards {
        let mut line = blank(&card.model.id, &card.model.provider);
        line.capabilities = card.capabilities;
        line.max_input_tokens = card.max_input_tokens;
        line.max_output_tokens = card.max_output_tokens;
        line.deprecated = card.deprecated;
        lines.insert((card.model.provider.as_str(), card.model.id.as_str()), line);
    }
    for row in prices {
        let key = (row.model.provider.as_str(), row.model.id.as_str());
        let line = lines.entry(key).or_insert_with(|| blank(key.1, key.0));
        let better = match line.price_from {
            None => true,
            Some(now) if now > day => row.from < now,
            Some(now) => row.from <= day && row.from >= now,
        };
        if better {
            line.price = Some(row.price.clone());
            line.price_from = Some(row.from);
            line.price_source = Some(row.source.clone());
        }
    }
    lines.into_values().collect()
}

fn blank(id: &str, provider: &str) -> ModelLine {
    ModelLine {
        model_id: id.to_owned(),
        provider: provider.to_owned(),
        price: None,
        price_from: None,
        price_source: None,
        capabilities: Capabilities::default(),
        max_input_tokens: None,
        max_output_tokens: None,
        deprecated: None,
    }
}

const COLUMNS: [table::Column; 9] = [
    table::name("MODEL", 9, 24),
    table::text("PROVIDER", 8),
    table::number("IN $/M", 9),
    table::number("OUT $/M", 9),
    table::number("CACHED $/M", 4),
    table::text("SINCE", 5),
    table::number("CONTEXT", 6),
    table::text("DEPRECATED", 3),
    table::text("CAN (! cannot, absent: unknown)", 2),
];

/// The list as a table, ending with a newline.
pub fn text(lines: &[ModelLine], page: Page) -> String {
    table::set(page, 0, &COLUMNS, &lines.iter().map(cells).collect::<Vec<_>>())
}

fn cells(line: &ModelLine) -> Vec<String> {
    let base = line.price.as_ref().map(|price| price.base);
    let million = |price: Option<crate::domain::model::PicoUsd>| {
        price.map_or(NONE.into(), |price| price.usd_per_million().to_string())
    };
    let more = if line.price.as_ref().is_some_and(|price| !price.tiers.is_empty()) { "+" } else { "" };
    let day = |day: Option<Day>| day.map_or(NONE.into(), |day| day.to_string());
    let can: Vec<String> = line
        .capabilities
        .known()
        .map(|(capability, _)| match line.capabilities.get(capability) {
            Support::No => format!("!{capability}"),
            _ => capability.to_string(),
        })
        .collect();
    vec![
        shown(&line.model_id).into_owned(),
        shown(&line.provider).into_owned(),
        million(base.map(|base| base.input)) + more,
        million(base.map(|base| base.output)) + more,
        million(base.and_then(|base| base.cache_read)),
        day(line.price_from),
        line.max_input_tokens.map_or(NONE.into(), |n| count(u64::from(n))),
        day(line.deprecated),
        can.join(" "),
    ]
}
