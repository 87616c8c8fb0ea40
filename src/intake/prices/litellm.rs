//! LiteLLM's `model_prices_and_context_window.json`: an object of models, US dollars per token, `supports_*` flags of
//! which an absent one says nothing. Rows priced by anything but tokens are refused.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::table::{Facts, Per, Table, first_usd, lists, model, over, says, tokens, usd};
use crate::domain::model::{Capability, Model, Price, Tariff, Tier, provider};

const FLAGS: [(&str, Capability); 13] = [
    ("supports_function_calling", Capability::Tools),
    ("supports_parallel_function_calling", Capability::ParallelTools),
    ("supports_tool_choice", Capability::ToolChoice),
    ("supports_response_schema", Capability::Json),
    ("supports_vision", Capability::Vision),
    ("supports_pdf_input", Capability::Pdf),
    ("supports_audio_input", Capability::AudioInput),
    ("supports_audio_output", Capability::AudioOutput),
    ("supports_reasoning", Capability::Reasoning),
    ("supports_prompt_caching", Capability::PromptCaching),
    ("supports_system_messages", Capability::SystemMessages),
    ("supports_web_search", Capability::WebSearch),
    ("supports_computer_use", Capability::ComputerUse),
];

/// Modes that answer with something other than tokens, so that an absent output price is none.
const NO_OUTPUT: [&str; 4] = ["embedding", "rerank", "moderation", "moderations"];

pub(super) fn is_litellm(object: &Map<String, Value>) -> bool {
    object
        .values()
        .filter_map(Value::as_object)
        .any(|row| row.contains_key("litellm_provider") || row.contains_key("input_cost_per_token"))
}

pub(super) fn read(object: &Map<String, Value>, table: &mut Table) {
    for (key, row) in object {
        match take(key, row) {
            Ok((model, price, facts)) => {
                table.card(&model, &facts);
                match price {
                    Ok(price) => table.price(key, &model, table.as_of, price, table.source.clone()),
                    Err(reason) => table.refuse(key, reason),
                }
            }
            Err(reason) => table.refuse(key, reason),
        }
    }
}

fn take(key: &str, row: &Value) -> Result<(Model, Result<Price, String>, Facts), String> {
    if key == "sample_spec" {
        return Err("it is the format's own example".into());
    }
    let row = row.as_object().ok_or("it is not an object")?;
    let named =
        row.get("litellm_provider").and_then(Value::as_str).ok_or("it names no `litellm_provider`")?;
    // `gemini/gemini-2.5-pro` by `gemini` is `gemini-2.5-pro`; prefixes that say something else stay.
    let id = match key.split_once('/') {
        Some((prefix, id)) if provider(prefix) == provider(named) => id,
        _ => key,
    };
    let mut facts = Facts {
        max_input_tokens: tokens(row, "max_input_tokens"),
        max_output_tokens: tokens(row, "max_output_tokens"),
        deprecated: row.get("deprecation_date").and_then(Value::as_str).and_then(|day| day.parse().ok()),
        ..Facts::default()
    };
    for (flag, capability) in FLAGS {
        facts.capabilities.set(capability, says(row, flag));
    }
    // A list of modalities is complete: what it leaves out is denied. A flag says it more directly.
    for (modality, capability) in [("image", Capability::Vision), ("audio", Capability::AudioInput)] {
        if facts.capabilities.get(capability) == crate::domain::model::Support::Unknown {
            facts.capabilities.set(capability, lists(row, "supported_modalities", modality));
        }
    }
    Ok((model(named, id)?, price(row), facts))
}

fn price(row: &Map<String, Value>) -> Result<Price, String> {
    if let Some(ranges) = row.get("tiered_pricing").and_then(Value::as_array) {
        return ranged(ranges);
    }
    let base = tariff(row)?;
    let mut tiers = Vec::new();
    for thousands in thresholds(row) {
        let key = |name: &str| format!("{name}_above_{thousands}k_tokens");
        let above = thousands.checked_mul(1000).ok_or("a tier begins beyond 2³² tokens")?;
        let price = |name| usd(row, &key(name), Per::Token);
        let tariff = over(
            &base,
            price("input_cost_per_token")?,
            price("output_cost_per_token")?,
            price("cache_read_input_token_cost")?,
            price("cache_creation_input_token_cost")?,
        );
        tiers.push(Tier { above, tariff });
    }
    Ok(Price { base, tiers })
}

fn tariff(row: &Map<String, Value>) -> Result<Tariff, String> {
    let mode = row.get("mode").and_then(Value::as_str).unwrap_or("unknown");
    let input = usd(row, "input_cost_per_token", Per::Token)?
        .ok_or_else(|| format!("it has no price per token (mode `{}`)", mode.escape_debug()))?;
    let output = match usd(row, "output_cost_per_token", Per::Token)? {
        Some(output) => output,
        None if NO_OUTPUT.contains(&mode) => crate::domain::model::PicoUsd(0),
        None => return Err(format!("it has no price per output token (mode `{}`)", mode.escape_debug())),
    };
    Ok(Tariff {
        input,
        output,
        cache_read: first_usd(
            row,
            &["cache_read_input_token_cost", "input_cost_per_token_cache_hit"],
            Per::Token,
        )?,
        cache_write: usd(row, "cache_creation_input_token_cost", Per::Token)?,
    })
}

/// The N of the keys `input_cost_per_token_above_Nk_tokens` and `output_…`.
fn thresholds(row: &Map<String, Value>) -> BTreeSet<u32> {
    let number = |key: &str| -> Option<u32> {
        let rest = key
            .strip_prefix("input_cost_per_token_above_")
            .or_else(|| key.strip_prefix("output_cost_per_token_above_"))?;
        rest.strip_suffix("k_tokens")?.parse().ok()
    };
    row.keys().filter_map(|key| number(key)).collect()
}

/// `tiered_pricing`: tariffs by range of input tokens, the first from 0.
fn ranged(ranges: &[Value]) -> Result<Price, String> {
    let mut parts = Vec::new();
    for range in ranges.iter().filter_map(Value::as_object) {
        let from = range.get("range").and_then(|r| r.get(0)).and_then(Value::as_f64);
        let from =
            from.filter(|from| (0.0..=f64::from(u32::MAX)).contains(from)).ok_or("a tier has no range")?;
        parts.push((from as u32, tariff(range)?));
    }
    parts.sort_by_key(|part| part.0);
    let mut parts = parts.into_iter();
    let (0, base) = parts.next().ok_or("its tiers are empty")? else {
        return Err("its first tier does not begin at 0 tokens".into());
    };
    Ok(Price { base, tiers: parts.map(|(above, tariff)| Tier { above, tariff }).collect() })
}
