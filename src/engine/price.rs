//! Which price a call pays: the dated price table and its rules of matching.
//!
//! A match is exact or follows one of the rules of [`Prices::find`]; nothing is ever matched by likeness, because a
//! wrong price is worse than none. Pure: prices come in as rows. Start with [`Prices::new`]; who prices many calls keeps
//! the [`Series`] of each (model, provider) and asks [`Prices::on`] per call.

use rustc_hash::FxHashMap;

use crate::domain::call::NanoUsd;
use crate::domain::model::{self, Day, Price, PriceRow, TokenUse};

/// The prices of one model by one provider, found for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Series(u32);

/// The price of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quote<'a> {
    /// The price.
    pub price: &'a Price,
}

impl Quote<'_> {
    /// What a call costs. An estimate, however the price was found: the bill is the provider's.
    pub fn estimate(&self, tokens: TokenUse) -> NanoUsd {
        self.price.cost(tokens)
    }
}

/// Dated prices by provider and model.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// By provider, then model, both in lower case.
    lists: FxHashMap<String, FxHashMap<String, u32>>,
    /// By model in lower case, whoever offers it.
    offers: FxHashMap<String, Vec<u32>>,
    /// Prices by ascending day; a day has one price, neighbours differ.
    series: Vec<Vec<(Day, Price)>>,
}

impl Prices {
    /// A table of the rows, in any order. Of two rows of one day the later in the input holds.
    pub fn new(rows: impl IntoIterator<Item = PriceRow>) -> Prices {
        let mut prices = Prices::default();
        for row in rows {
            let id = row.model.id.to_lowercase();
            let list = prices.lists.entry(model::provider(&row.model.provider)).or_default();
            let index = *list.entry(id.clone()).or_insert_with(|| {
                let index = prices.series.len() as u32;
                prices.series.push(Vec::new());
                prices.offers.entry(id).or_default().push(index);
                index
            });
            prices.series[index as usize].push((row.from, row.price));
        }
        for series in &mut prices.series {
            series.sort_by_key(|(day, _)| *day);
            // The later of one day replaces the earlier, then an unchanged price needs no row.
            let mut kept: Vec<(Day, Price)> = Vec::with_capacity(series.len());
            for row in series.drain(..) {
                if kept.last().is_some_and(|last| last.0 == row.0) {
                    kept.pop();
                }
                kept.push(row);
            }
            kept.dedup_by(|later, earlier| later.1 == earlier.1);
            *series = kept;
        }
        prices
    }

    /// How many (provider, model) pairs have a price.
    pub fn len(&self) -> usize {
        self.series.len()
    }

    /// Whether there is no price at all.
    pub fn is_empty(&self) -> bool {
        self.series.is_empty()
    }

    /// The prices that a call to `model` pays, by these rules, the first that applies:
    ///
    /// 1. The provider is the one named, where a list of its prices is known; else the one named by the model's
    ///    prefix (`openai/gpt-4o`), where a list of that is known. Its list has the model as named, or without the
    ///    prefix, or without a date (`-2024-08-06`, `-20250514`, `@20241022`) or `-latest` at the end. When the list
    ///    has none of these, there is no price: another provider's is not taken for it.
    /// 2. Without a known list, the maker's, where the model's name tells its maker (`gpt-…`, `claude-…`), with the
    ///    same forms; else the price on which all lists that have the model agree on every day.
    pub fn find(&self, model: &str, provider: Option<&str>) -> Option<Series> {
        let model = model.to_lowercase();
        let named = provider.map(model::provider);
        let prefixed = model.split_once('/').map(|(prefix, rest)| (model::provider(prefix), rest));
        let list = |provider: &str| self.lists.get(provider);
        if let Some(list) = named.as_deref().and_then(list) {
            let bare = prefixed.as_ref().map(|(_, rest)| *rest);
            return forms(&model, bare).find_map(|id| list.get(id).copied().map(Series));
        }
        if let Some((list, rest)) =
            prefixed.as_ref().and_then(|(provider, rest)| Some((list(provider)?, *rest)))
        {
            return forms(&model, Some(rest)).find_map(|id| list.get(id).copied().map(Series));
        }
        let bare = prefixed.as_ref().map_or(model.as_str(), |(_, rest)| rest);
        if let Some(list) = maker(bare).and_then(list) {
            return forms(bare, None).find_map(|id| list.get(id).copied().map(Series));
        }
        forms(&model, Some(bare)).find_map(|id| {
            let offers = self.offers.get(id)?;
            let first = *offers.first()?;
            let agreed = offers.iter().all(|&o| self.series[o as usize] == self.series[first as usize]);
            agreed.then_some(Series(first))
        })
    }

    /// The price on a day: that of the newest row not after it; before the oldest row, that row stands in.
    pub fn on(&self, series: Series, day: Day) -> Option<Quote<'_>> {
        let rows = self.series.get(series.0 as usize)?;
        let known = rows.partition_point(|(from, _)| *from <= day);
        let (_, price) = rows.get(known.saturating_sub(1))?;
        Some(Quote { price })
    }

    /// [`Prices::find`] and [`Prices::on`] in one, for a single call.
    pub fn lookup(&self, model: &str, provider: Option<&str>, day: Day) -> Option<Quote<'_>> {
        self.on(self.find(model, provider)?, day)
    }
}

/// The spellings under which a list may have a model, surest first.
pub(super) fn forms<'m>(model: &'m str, bare: Option<&'m str>) -> impl Iterator<Item = &'m str> {
    let named = [Some(model), bare].into_iter().flatten();
    named.clone().chain(named.filter_map(undated))
}

/// The id without the date or the `-latest` at its end; `None` where it has neither.
fn undated(id: &str) -> Option<&str> {
    if let Some(rest) = id.strip_suffix("-latest") {
        return Some(rest).filter(|rest| !rest.is_empty());
    }
    let cut = |len: usize| {
        id.len().checked_sub(len).filter(|&at| at > 0 && id.is_char_boundary(at)).map(|at| id.split_at(at))
    };
    let date = |text: &str| {
        let digits: String = text.chars().filter(|c| *c != '-').collect();
        let all = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_digit());
        all && matches!(&digits[..2], "19" | "20")
            && ("01"..="12").contains(&&digits[4..6])
            && ("01"..="31").contains(&&digits[6..])
    };
    let dashed = cut(11).filter(|(_, tail)| {
        let bytes = tail.as_bytes();
        bytes[0] == b'-' && bytes[5] == b'-' && bytes[8] == b'-' && date(&tail[1..])
    });
    let plain = cut(9)
        .filter(|(_, tail)| tail.starts_with(['-', '@']) && date(&tail[1..]) && !tail[1..].contains('-'));
    dashed.or(plain).map(|(rest, _)| rest)
}

/// Who makes the models whose names begin so.
const MAKERS: [(&str, &str); 22] = [
    ("gpt-", "openai"),
    ("chatgpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4-", "openai"),
    ("text-embedding-", "openai"),
    ("claude-", "anthropic"),
    ("gemini-", "google"),
    ("mistral-", "mistral"),
    ("ministral-", "mistral"),
    ("codestral-", "mistral"),
    ("magistral-", "mistral"),
    ("devstral-", "mistral"),
    ("pixtral-", "mistral"),
    ("open-mistral-", "mistral"),
    ("open-mixtral-", "mistral"),
    ("deepseek-", "deepseek"),
    ("grok-", "xai"),
    ("command-", "cohere"),
    ("sonar", "perplexity"),
    ("jamba-", "ai21"),
    ("kimi-", "moonshot"),
];

/// Who makes a model, where its name tells.
pub(super) fn maker(model: &str) -> Option<&'static str> {
    MAKERS.iter().find(|(prefix, _)| model.starts_with(prefix)).map(|(_, maker)| *maker)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::model::{Model, PicoUsd, Tariff};
    use proptest::prelude::*;

    fn row(provider: &str, id: &str, from: &str, usd: f64) -> PriceRow {
        let input = PicoUsd::per_million(usd).unwrap();
        PriceRow {
            model: Model { id: id.into(), provider: provider.into() },
            from: from.parse().unwrap(),
            price: Price {
                base: Tariff { input, output: input, cache_read: None, cache_write: None },
                tiers: vec![],
            },
            source: "test".into(),
        }
    }

    fn table() -> Prices {
        Prices::new([
            row("openai", "gpt-4o", "2024-08-06", 2.5),
            row("openai", "gpt-4o", "2024-05-13", 5.0),
            row("openai", "gpt-4o", "2025-01-01", 2.5),
            row("openai", "gpt-4o-2024-05-13", "2024-05-13", 5.0),
            row("anthropic", "claude-sonnet-4-20250514", "2025-05-22", 3.0),
            row("anthropic", "claude-sonnet-4", "2025-05-22", 3.0),
            row("bedrock", "anthropic.claude-v2", "2024-01-01", 8.0),
            row("openrouter", "openai/gpt-4o", "2024-08-06", 2.6),
            row("a", "llama-3", "2024-01-01", 0.2),
            row("b", "llama-3", "2024-01-01", 0.2),
            row("a", "mixtral", "2024-01-01", 0.2),
            row("b", "mixtral", "2024-01-01", 0.3),
        ])
    }

    fn price(model: &str, provider: Option<&str>, day: &str) -> Option<f64> {
        let table = table();
        let quote = table.lookup(model, provider, day.parse().unwrap())?;
        Some(quote.price.base.input.usd_per_million())
    }

    #[test]
    fn the_price_in_force_on_the_day() {
        let on = |day| price("gpt-4o", Some("openai"), day);
        assert_eq!(on("2024-05-12"), Some(5.0));
        assert_eq!(on("2024-08-05"), Some(5.0));
        assert_eq!(on("2024-08-06"), Some(2.5));
        assert_eq!(on("2026-01-01"), Some(2.5));
    }

    #[test]
    fn the_rules_of_matching() {
        let at = |model, provider| price(model, provider, "2026-01-01");
        let cases = [
            ("GPT-4o", Some("OpenAI"), Some(2.5)),
            ("openai/gpt-4o", None, Some(2.5)),
            ("openai/gpt-4o", Some("openrouter"), Some(2.6)),
            ("gpt-4o-2024-08-06", Some("openai"), Some(2.5)),
            ("gpt-4o-2024-05-13", Some("openai"), Some(5.0)),
            ("openai/gpt-4o-2024-11-20", None, Some(2.5)),
            ("gpt-4o-latest", Some("openai"), Some(2.5)),
            ("claude-sonnet-4@20250514", Some("anthropic"), Some(3.0)),
            ("claude-sonnet-4-20250514", None, Some(3.0)),
            ("anthropic.claude-v2", Some("aws.bedrock"), Some(8.0)),
            // A list that is known and has no such model: no price.
            ("gpt-4o", Some("anthropic"), None),
            ("gpt-4o-mini", Some("openai"), None),
            ("gpt-4o-mini", None, None),
            ("gpt-4", None, None),
            ("gpt-4-0613", Some("openai"), None),
            // A gateway whose prices nobody lists: the maker's.
            ("gpt-4o", Some("my-gateway"), Some(2.5)),
            ("my-gateway/gpt-4o-2024-08-06", None, Some(2.5)),
            // No maker is told: only where all lists agree.
            ("llama-3", None, Some(0.2)),
            ("mixtral", None, None),
            ("", None, None),
        ];
        for (model, provider, want) in cases {
            assert_eq!(at(model, provider), want, "{model} {provider:?}");
        }
    }

    #[test]
    fn only_dates_are_dates() {
        for (id, want) in [
            ("gpt-4-0613", None),
            ("m-2024-13-01", None),
            ("m-12345678", None),
            ("m-20240230", Some("m")),
            ("-20240230", None),
            ("m-2024-0-230", None),
            ("é-2024-08-06", Some("é")),
            ("ééééé", None),
        ] {
            assert_eq!(undated(id), want, "{id}");
        }
    }

    proptest! {
        #[test]
        fn no_name_panics(model in "\\PC{0,24}(-20[0-9]{2}-?[0-9]{2}-?[0-9]{2})?", provider in prop::option::of("\\PC{0,12}")) {
            let _ = table().lookup(&model, provider.as_deref(), Day(20_000));
        }
    }
}
