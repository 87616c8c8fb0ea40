//! OpenRouter's model list: US dollars per token, written as text; −1 where the price varies. Its models are offered
//! by `openrouter`, whoever made them.

use serde_json::{Map, Value};

use super::table::{Facts, Per, Table, lists, model, tokens, usd};
use crate::domain::model::{Capability, Price, Tariff};

type Row = Map<String, Value>;

fn models(object: &Row) -> impl Iterator<Item = &Row> {
    object.get("data").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

pub(super) fn is_openrouter(object: &Row) -> bool {
    models(object).any(|row| row.get("pricing").is_some_and(Value::is_object))
}

pub(super) fn read(object: &Row, table: &mut Table) {
    for row in models(object) {
        let id = row.get("id").and_then(Value::as_str).unwrap_or("");
        let model = match model("openrouter", id) {
            Ok(model) => model,
            Err(reason) => {
                table.refuse(id, reason);
                continue;
            }
        };
        table.card(&model, &facts(row));
        match price(row) {
            Ok(price) => table.price(id, &model, table.as_of, price, table.source.clone()),
            Err(reason) => table.refuse(id, reason),
        }
    }
}

fn facts(row: &Row) -> Facts {
    let mut facts = Facts {
        max_input_tokens: tokens(row, "context_length"),
        deprecated: row.get("expiration_date").and_then(Value::as_str).and_then(|day| day.parse().ok()),
        ..Facts::default()
    };
    // Its lists of parameters and modalities are complete: what they leave out is denied.
    let parameter = |word| lists(row, "supported_parameters", word);
    let can = &mut facts.capabilities;
    can.set(Capability::Tools, parameter("tools"));
    can.set(Capability::ToolChoice, parameter("tool_choice"));
    can.set(Capability::Json, parameter("structured_outputs"));
    can.set(Capability::Reasoning, parameter("reasoning"));
    if let Some(architecture) = row.get("architecture").and_then(Value::as_object) {
        can.set(Capability::Vision, lists(architecture, "input_modalities", "image"));
        can.set(Capability::Pdf, lists(architecture, "input_modalities", "file"));
        can.set(Capability::AudioInput, lists(architecture, "input_modalities", "audio"));
        can.set(Capability::AudioOutput, lists(architecture, "output_modalities", "audio"));
    }
    if let Some(provider) = row.get("top_provider").and_then(Value::as_object) {
        facts.max_output_tokens = tokens(provider, "max_completion_tokens");
    }
    facts
}

fn price(row: &Row) -> Result<Price, String> {
    let pricing = row.get("pricing").and_then(Value::as_object).ok_or("it has no price")?;
    if pricing.get("prompt").and_then(Value::as_str) == Some("-1") {
        return Err("its price varies with the model it picks".into());
    }
    let base = Tariff {
        input: usd(pricing, "prompt", Per::Token)?.ok_or("it has no input price")?,
        output: usd(pricing, "completion", Per::Token)?.ok_or("it has no output price")?,
        cache_read: usd(pricing, "input_cache_read", Per::Token)?,
        cache_write: usd(pricing, "input_cache_write", Per::Token)?,
    };
    Ok(Price { base, tiers: vec![] })
}
