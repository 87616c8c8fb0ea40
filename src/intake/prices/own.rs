//! The product's own table: CSV with dated rows, US dollars per million tokens, `#` for remarks. Fields hold no comma;
//! an empty one says nothing. The only format that dates its rows.

use super::table::{Facts, Table, model, over};
use crate::domain::model::{Day, Model, PicoUsd, Price, Tariff, Tier};

/// The first line.
pub(super) const HEADER: &str = "provider,model,from,input,output,cache_read,cache_write,above,above_input,above_output,above_cache_read,source";

pub(super) fn is_own(text: &str) -> bool {
    content(text).next().is_some_and(|(_, line)| line == HEADER)
}

fn content(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

pub(super) fn read(text: &str, table: &mut Table) {
    for (number, line) in content(text).filter(|(_, line)| *line != HEADER) {
        let name = format!("line {number}");
        match row(line) {
            Ok((model, from, price, source)) => table.price(&name, &model, from, price, source.to_owned()),
            Err(reason) => table.refuse(&name, reason),
        }
    }
}

/// The built-in capabilities, beside the built-in prices.
pub(super) fn read_capabilities(text: &str, table: &mut Table) {
    for (number, line) in content(text).skip(1) {
        let name = format!("line {number}");
        match card(line) {
            Ok((model, facts)) => table.card(&model, &facts),
            Err(reason) => table.refuse(&name, reason),
        }
    }
}

fn card(line: &str) -> Result<(Model, Facts), String> {
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let &[provider, id, can, _] = &fields[..] else {
        return Err("it has not the 4 fields of the first line".into());
    };
    let mut facts = Facts::default();
    for word in can.split_whitespace() {
        let denied = word.strip_prefix('!');
        facts.capabilities.set(denied.unwrap_or(word).parse()?, Some(denied.is_none()));
    }
    Ok((model(provider, id)?, facts))
}

fn row(line: &str) -> Result<(Model, Day, Price, &str), String> {
    let fields: Vec<&str> = line.splitn(13, ',').map(str::trim).collect();
    let &[provider, id, from, ref base @ .., above, above_input, above_output, above_read, source] =
        &fields[..]
    else {
        return Err("it has not the 12 fields of the first line".into());
    };
    let &[input, output, cache_read, cache_write] = base else {
        return Err("it has not the 12 fields of the first line".into());
    };
    let usd = |what: &str, text: &str| -> Result<Option<PicoUsd>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let price = text.parse().ok().and_then(PicoUsd::per_million);
        price.map(Some).ok_or_else(|| format!("`{}` is not a price ({what})", text.escape_debug()))
    };
    let base = Tariff {
        input: usd("input", input)?.ok_or("it has no input price")?,
        output: usd("output", output)?.ok_or("it has no output price")?,
        cache_read: usd("cache_read", cache_read)?,
        cache_write: usd("cache_write", cache_write)?,
    };
    let tiers = if above.is_empty() {
        vec![]
    } else {
        let above =
            above.parse().map_err(|_| format!("`{}` is not a number of tokens", above.escape_debug()))?;
        let (input, output) = (usd("above_input", above_input)?, usd("above_output", above_output)?);
        let cache_read = usd("above_cache_read", above_read)?;
        vec![Tier { above, tariff: over(&base, input, output, cache_read, None) }]
    };
    Ok((model(provider, id)?, from.parse()?, Price { base, tiers }, source))
}
