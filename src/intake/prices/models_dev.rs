//! models.dev: US dollars per million tokens. Either `api.json` (providers, each with its models) or one model a line
//! with `_provider` and `_id`; a row may stand on a `base_model`, whose facts it inherits unless it omits them.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::table::{Facts, Per, Table, first_usd, lists, model, over, says, tokens, usd};
use crate::domain::model::{Capability, Price, Tariff, Tier};

/// The provider under which lines describe models that others stand on.
const BASE: &str = "_base";

type Row = Map<String, Value>;

pub(super) fn is_api(object: &Row) -> bool {
    object.values().any(|provider| provider.get("models").is_some_and(Value::is_object))
}

pub(super) fn is_row(object: &Row) -> bool {
    object.contains_key("_provider") && object.contains_key("_id")
}

/// The lines as rows; `None` where the first line is no such row. Later lines that are none are refused.
pub(super) fn lines(text: &str, table: &mut Table) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        match serde_json::from_str::<Value>(line) {
            Ok(Value::Object(row)) if is_row(&row) => rows.push(row),
            _ if rows.is_empty() => return None,
            Ok(_) => table.refuse(&format!("line {}", i + 1), "it has no `_provider` and `_id`"),
            Err(error) => table.refuse(&format!("line {}", i + 1), format!("it is not JSON: {error}")),
        }
    }
    (!rows.is_empty()).then_some(rows)
}

pub(super) fn read_api(object: Row, table: &mut Table) {
    let mut rows = Vec::new();
    for (provider, entry) in object {
        let Value::Object(mut entry) = entry else {
            table.refuse(&provider, "it is not an object");
            continue;
        };
        let Some(Value::Object(models)) = entry.remove("models") else {
            table.refuse(&provider, "it has no `models`");
            continue;
        };
        for (id, row) in models {
            if let Value::Object(mut row) = row {
                row.insert("_provider".into(), provider.clone().into());
                row.insert("_id".into(), id.into());
                rows.push(row);
            } else {
                table.refuse(&format!("{provider}/{id}"), "it is not an object");
            }
        }
    }
    read_rows(rows, table);
}

pub(super) fn read_rows(rows: Vec<Row>, table: &mut Table) {
    let (bases, rows): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| text(row, "_provider") == BASE);
    let bases: HashMap<&str, &Row> = bases.iter().map(|row| (text(row, "_id"), row)).collect();
    for row in &rows {
        let (provider, id) = (text(row, "_provider"), text(row, "_id"));
        let name = format!("{provider}/{id}");
        let model = match model(provider, id) {
            Ok(model) => model,
            Err(reason) => {
                table.refuse(&name, reason);
                continue;
            }
        };
        let base = bases.get(text(row, "base_model")).copied();
        let row = &inherit(row, base);
        table.card(&model, &facts(row));
        match price(row) {
            Ok(price) => table.price(&name, &model, table.as_of, price, table.source.clone()),
            Err(reason) => table.refuse(&name, reason),
        }
    }
}

fn text<'r>(row: &'r Row, key: &str) -> &'r str {
    row.get(key).and_then(Value::as_str).unwrap_or("")
}

/// The row with what it does not say itself taken from its base. A base is described once, so this does not recur.
fn inherit(row: &Row, base: Option<&Row>) -> Row {
    let mut whole = row.clone();
    for (key, value) in base.into_iter().flatten() {
        if key != "cost" && lists(row, "base_model_omit", key) != Some(true) && !whole.contains_key(key) {
            whole.insert(key.clone(), value.clone());
        }
    }
    whole
}

fn facts(row: &Row) -> Facts {
    let mut facts = Facts::default();
    let can = &mut facts.capabilities;
    can.set(Capability::Tools, says(row, "tool_call"));
    can.set(Capability::Reasoning, says(row, "reasoning"));
    can.set(Capability::Json, says(row, "structured_output"));
    if let Some(modalities) = row.get("modalities").and_then(Value::as_object) {
        can.set(Capability::Vision, lists(modalities, "input", "image"));
        can.set(Capability::Pdf, lists(modalities, "input", "pdf"));
        can.set(Capability::AudioInput, lists(modalities, "input", "audio"));
        can.set(Capability::AudioOutput, lists(modalities, "output", "audio"));
    }
    if let Some(limit) = row.get("limit").and_then(Value::as_object) {
        facts.max_input_tokens = tokens(limit, "input").or_else(|| tokens(limit, "context"));
        facts.max_output_tokens = tokens(limit, "output");
    }
    facts
}

fn price(row: &Row) -> Result<Price, String> {
    let cost = row.get("cost").and_then(Value::as_object).ok_or("it has no price")?;
    let cache = |row: &Row| -> Result<_, String> {
        Ok((
            first_usd(row, &["cache_read", "cache_input", "cached_input"], Per::Million)?,
            first_usd(row, &["cache_write", "cached_write"], Per::Million)?,
        ))
    };
    let (cache_read, cache_write) = cache(cost)?;
    let base = Tariff {
        input: usd(cost, "input", Per::Million)?.ok_or("it has no input price")?,
        output: usd(cost, "output", Per::Million)?.ok_or("it has no output price")?,
        cache_read,
        cache_write,
    };
    let mut tiers = Vec::new();
    for tier in cost.get("tiers").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
    {
        let size = tier.get("tier").and_then(Value::as_object).and_then(|t| tokens(t, "size"));
        let (cache_read, cache_write) = cache(tier)?;
        let (input, output) = (usd(tier, "input", Per::Million)?, usd(tier, "output", Per::Million)?);
        tiers.push(Tier {
            above: size.ok_or("a tier has no size")?,
            tariff: over(&base, input, output, cache_read, cache_write),
        });
    }
    tiers.sort_by_key(|tier| tier.above);
    Ok(Price { base, tiers })
}
