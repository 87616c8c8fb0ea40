//! The formats by small tables written here, and by the published ones where they are at hand.

use std::io::Write;
use std::path::PathBuf;

use proptest::prelude::*;

use super::*;
use crate::domain::model::{Capability, PriceRow, Support, TokenUse};
use crate::engine::price::Prices;

const TODAY: Day = Day(20_779);

fn take(text: &str) -> (Format, Table) {
    read(text.as_bytes(), "test", None, TODAY).unwrap()
}

fn row<'t>(table: &'t Table, id: &str) -> &'t PriceRow {
    table.prices.iter().find(|row| row.model.id == id).unwrap_or_else(|| panic!("{id}"))
}

fn reason<'t>(table: &'t Table, name: &str) -> &'t str {
    &table.refused.iter().find(|r| r.row == name).unwrap_or_else(|| panic!("{name}")).reason
}

#[test]
fn litellm() {
    let (format, table) = take(
        r#"{"sample_spec": {"litellm_provider": "one of"},
        "gpt-x": {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 2.5e-06,
            "output_cost_per_token": 1e-05, "cache_read_input_token_cost": 1.25e-06, "max_input_tokens": 128000,
            "supports_vision": true, "supports_reasoning": false, "deprecation_date": "2026-10-20"},
        "gemini/long": {"litellm_provider": "gemini", "mode": "chat", "input_cost_per_token": 1.25e-06,
            "output_cost_per_token": 1e-05, "input_cost_per_token_above_200k_tokens": 2.5e-06,
            "input_cost_per_token_above_200k_tokens_priority": 9},
        "dashscope/q": {"litellm_provider": "dashscope", "tiered_pricing": [
            {"range": [256000.0, 1000000.0], "input_cost_per_token": 2.5e-07, "output_cost_per_token": 2e-06},
            {"range": [0, 256000.0], "input_cost_per_token": 5e-08, "output_cost_per_token": 4e-07}]},
        "embed": {"litellm_provider": "openai", "mode": "embedding", "input_cost_per_token": 2e-08},
        "draw": {"litellm_provider": "openai", "mode": "image_generation", "input_cost_per_pixel": 1e-08},
        "odd": {"litellm_provider": "openai", "input_cost_per_token": -1, "output_cost_per_token": 0},
        "list": []}"#,
    );
    assert_eq!((format, table.prices.len()), (Format::LiteLlm, 4));
    let gpt = row(&table, "gpt-x");
    assert_eq!(gpt.price.base.cache_read.unwrap().0, 1_250_000);
    assert_eq!((gpt.from, gpt.source.as_str()), (TODAY, "test"));
    let card = table.cards.iter().find(|card| card.model.id == "gpt-x").unwrap();
    assert_eq!(card.capabilities.get(Capability::Vision), Support::Yes);
    assert_eq!(card.capabilities.get(Capability::Reasoning), Support::No);
    assert_eq!(card.capabilities.get(Capability::Tools), Support::Unknown);
    assert_eq!((card.max_input_tokens, card.max_output_tokens), (Some(128_000), None));
    assert_eq!(card.deprecated.unwrap().to_string(), "2026-10-20");
    let long = row(&table, "long");
    assert_eq!((long.model.provider.as_str(), long.price.tiers.len()), ("google", 1));
    assert_eq!(long.price.tariff(200_001).input.0, 2_500_000);
    assert_eq!(long.price.tariff(200_001).output.0, 10_000_000);
    assert_eq!(row(&table, "q").price.tariff(256_001).output.0, 2_000_000);
    assert_eq!(row(&table, "embed").price.base.output.0, 0);
    assert!(reason(&table, "draw").contains("no price per token (mode `image_generation`)"));
    assert!(reason(&table, "odd").contains("`input_cost_per_token` is not a price"));
    assert!(reason(&table, "list").contains("not an object") && table.refused.len() == 4);
}

#[test]
fn models_dev() {
    let (format, table) = take(concat!(
        r#"{"_provider": "_base", "_id": "openai/g", "tool_call": true, "structured_output": true, "limit": {"context": 128000}}"#,
        "\n",
        r#"{"_provider": "azure", "_id": "g", "base_model": "openai/g", "base_model_omit": ["structured_output"], "cost": {"input": 2.5, "output": 10}}"#,
        "\n\n",
        r#"{"_provider": "google", "_id": "p", "modalities": {"input": ["text"], "output": ["text"]}, "cost": {"input": 1.25, "output": 10.0, "cache_read": 0.125, "tiers": [{"tier": {"size": 200000}, "input": 2.5, "cache_read": 0.25}]}}"#,
        "\n{broken\n",
        r#"{"_provider": "google", "_id": "none"}"#,
        "\n",
    ));
    assert_eq!((format, table.prices.len()), (Format::ModelsDev, 2));
    let azure = table.cards.iter().find(|card| card.model.provider == "azure").unwrap();
    assert_eq!(azure.capabilities.get(Capability::Tools), Support::Yes);
    assert_eq!(azure.capabilities.get(Capability::Json), Support::Unknown, "it omits what its base says");
    assert_eq!(azure.max_input_tokens, Some(128_000));
    let tiered = &row(&table, "p").price;
    assert_eq!(tiered.cost(TokenUse { input: 300_000, output: 0, cached: 300_000 }), 75_000_000);
    let p = table.cards.iter().find(|card| card.model.id == "p").unwrap();
    assert_eq!(p.capabilities.get(Capability::Vision), Support::No, "a list of modalities is complete");
    assert!(
        reason(&table, "line 5").starts_with("it is not JSON")
            && reason(&table, "google/none") == "it has no price"
    );

    let (format, api) = take(
        r#"{"openai": {"id": "openai", "models": {"g": {"id": "g", "cost": {"input": 1, "output": 2}}}}}"#,
    );
    assert_eq!((format, api.prices[0].model.provider.as_str()), (Format::ModelsDev, "openai"));
}

#[test]
fn openrouter() {
    let (format, table) = take(
        r#"{"data": [{"id": "x/y", "pricing": {"prompt": "0.00000015", "completion": "0.0000015"},
            "supported_parameters": ["tools"], "context_length": 32768, "expiration_date": "2026-05-15"},
            {"id": "router", "pricing": {"prompt": "-1", "completion": "-1"}}]}"#,
    );
    assert_eq!((format, table.prices.len()), (Format::OpenRouter, 1));
    assert_eq!(row(&table, "x/y").price.base.input.0, 150_000);
    assert_eq!(table.cards[0].capabilities.get(Capability::Json), Support::No);
    assert!(reason(&table, "router").contains("varies"));
}

#[test]
fn own_table_and_what_is_none() {
    let text = format!(
        "# remark\n{}\na,m,2025-01-01,1,2,,,,,,,s\na,m,2025-01-01,3,4,,,,,,,s\na,m,then,1,2\n",
        own::HEADER
    );
    let (format, table) = take(&text);
    assert_eq!((format, table.prices.len(), table.refused.len()), (Format::Own, 1, 2));
    assert_eq!(table.prices[0].from.to_string(), "2025-01-01");
    assert!(reason(&table, "line 4").contains("in the table already"));
    for text in ["", "[]", "7", "{}", "hello", r#"{"data": []}"#, &"[".repeat(100_000)] {
        assert!(matches!(read(text.as_bytes(), "t", None, TODAY), Err(TableError::Unknown(_))));
    }
    assert!(matches!(read(b"\xff\xfe", "t", None, TODAY), Err(TableError::NotText(0))));
    assert!(matches!(read(b"\x1f\x8b rubbish", "t", None, TODAY), Err(TableError::Gzip(_))));
    let mut bomb = flate2::write::GzEncoder::new(vec![], flate2::Compression::fast());
    for _ in 0..40 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    assert!(matches!(read(&bomb.finish().unwrap(), "t", None, TODAY), Err(TableError::TooLarge)));
}

#[test]
fn the_built_in_table_prices_what_it_lists() {
    let table = bundled();
    let card = |id: &str| table.cards.iter().find(|card| card.model.id == id).unwrap().capabilities;
    assert_eq!(card("gpt-4o").get(Capability::Tools), Support::Yes);
    assert_eq!(
        card("gpt-4").get(Capability::Vision),
        Support::Unknown,
        "what the source does not say is not known"
    );
    assert_eq!(table.refused, []);
    let models: std::collections::BTreeSet<_> = table.prices.iter().map(|row| &row.model).collect();
    assert!(models.len() >= 40 && table.prices.len() > models.len(), "some prices changed");
    assert!(
        table
            .prices
            .iter()
            .all(|row| !row.source.is_empty() && row.price.base.input.usd_per_million() < 100.0)
    );
    let prices = Prices::new(table.prices.clone());
    let on = |model, day: &str| prices.lookup(model, None, day.parse().unwrap()).unwrap();
    assert_eq!(on("o1-mini", "2024-12-24").price.base.input.0, 3_000_000);
    assert_eq!(on("o1-mini", "2025-12-24").price.base.input.0, 1_100_000);
    // Before the first price known, that one stands in.
    assert_eq!(on("o1-mini", "2023-01-01").price, on("o1-mini", "2024-12-24").price);
    // 812 × 2.50 + 391 × 10.00 dollars per million: the call of the contract.
    let call = TokenUse { input: 812, output: 391, cached: 0 };
    assert_eq!(on("gpt-4o-2024-08-06", "2026-11-22").estimate(call), 5_940_000);
}

#[test]
fn the_published_tables() {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let expected = [
        ("litellm_1.53.1_model_prices.json.gz", Format::LiteLlm, 600),
        ("litellm_1.109.1_model_prices.json.gz", Format::LiteLlm, 3500),
        ("models_dev.jsonl.gz", Format::ModelsDev, 4600),
        ("openrouter_models_snapshot.json.gz", Format::OpenRouter, 355),
    ];
    for (file, format, at_least) in expected {
        let path = shared.join("data/prices").join(file);
        let Ok(bytes) = std::fs::read(&path) else {
            println!("skipped: no {}", path.display());
            continue;
        };
        let (found, table) = read(&bytes, file, None, TODAY).unwrap();
        println!(
            "{file}: {} prices, {} cards, {} refused",
            table.prices.len(),
            table.cards.len(),
            table.refused.len()
        );
        assert!(found == format && table.prices.len() >= at_least);
        let mut reasons: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
        for refused in &table.refused {
            *reasons.entry(refused.reason.split(['(', '`']).next().unwrap()).or_default() += 1;
        }
        println!("  {reasons:?}");
        let prices = Prices::new(table.prices);
        if format == Format::LiteLlm {
            let quote = prices.lookup("gpt-4o-2024-08-06", Some("openai"), TODAY).unwrap();
            assert_eq!(quote.price.base.input.0, 2_500_000);
            assert!(prices.lookup("gpt-4o", Some("azure.ai.openai"), TODAY).is_some());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn no_damage_panics(at in 0usize..400, byte in any::<u8>(), cut in 0usize..400) {
        let whole = br#"{"gpt-x":{"litellm_provider":"openai","mode":"chat","input_cost_per_token":2.5e-06,"output_cost_per_token":1e-05,"input_cost_per_token_above_200k_tokens":1,"tiered_pricing":[{"range":[0,5],"input_cost_per_token":1e-9,"output_cost_per_token":1e-9}],"deprecation_date":"2026-10-20"},"data":[{"id":"a","pricing":{"prompt":"1e-6","completion":"0"}}]}"#;
        let mut bytes = whole.to_vec();
        let at = at % bytes.len();
        bytes[at] = byte;
        let _ = read(&bytes, "t", None, TODAY);
        let _ = read(&whole[..cut.min(whole.len())], "t", None, TODAY);
    }
}
