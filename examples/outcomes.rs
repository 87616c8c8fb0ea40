//! Turns benchmark outcomes (one row a question asked of one model) into native events.
//!
//!     cargo run --example outcomes -- llmrouter14.csv.gz > events.jsonl
//!     human ingest events.jsonl
//!
//! Columns: `source, family, item, prompt_variant, model, run_date, success, score, input_tokens, output_tokens,
//! latency_ms, cost_usd, cost_basis, error_type`; what was not recorded is empty. Each row becomes one call and one
//! piece of feedback:
//!
//! * source and row number -> `provenanceId`, so that the same file twice counts once;
//! * the family of questions -> the prompt, the variant -> its version: `prompt://org/LOCAL/gsm8k@0.0.0+base`;
//! * success -> `positive`, failure -> `negative`, by the source `system`, for a checker gave it and no user;
//! * `run_date` -> the time; rows without a date are set down one second apart from [`START`] on;
//! * cost, tokens and latency as given; an `error_type` is a call that failed.

mod shared;

use chrono::{NaiveDate, NaiveTime};
use human::domain::call::{Call, Millis};
use human::domain::event::Event;
use human::domain::feedback::{Feedback, Signal, Source, Target, alias};
use human::intake::events::nano_usd;

/// 2025-12-01T00:00:00Z, for collections without dates of their own.
pub const START: Millis = 1_764_547_200_000;

/// One call and one piece of feedback a row.
pub fn convert(bytes: &[u8], model: Option<&str>, out: &mut dyn FnMut(Event)) -> shared::Result<()> {
    for row in shared::Table::read(bytes)?.rows() {
        let undated = START + row.number as Millis * 1000;
        let at = day(row.text("run_date")?).unwrap_or(undated);
        let id = format!("{}-{}", row.text("source")?, row.number);
        let variant = Some(row.text("prompt_variant")?).filter(|v| !v.is_empty());
        let mut call = Call::bare(id.clone(), at, model.unwrap_or(row.text("model")?));
        call.prompts = shared::prompt(row.text("family")?, variant, at);
        call.input_tokens = row.number("input_tokens")?;
        call.output_tokens = row.number("output_tokens")?;
        call.cost = row.number("cost_usd")?.map(|usd| nano_usd("cost_usd", usd)).transpose()?;
        call.duration_us = row.number::<f64>("latency_ms")?.map(|ms| (ms * 1000.0).round() as u64);
        call.error = Some(row.text("error_type")?).filter(|e| !e.is_empty()).map(str::to_owned);
        call.ok = call.error.is_none();
        out(Event::Call(call));
        let success: Option<u8> = row.number("success")?;
        let signal = success.map(|s| if s == 1 { Signal::Positive } else { Signal::Negative });
        if let Some(signal) = signal {
            out(Event::Feedback(Feedback {
                id: format!("{id}-success"),
                target: Target { alias: alias::provenance(&id), text: id },
                signal: Some(signal),
                source: Source::System,
                detail: Some(format!("score {}", row.text("score")?)),
                at,
            }));
        }
    }
    Ok(())
}

/// The start of the day, or of the month, that a date begins with.
fn day(date: &str) -> Option<Millis> {
    let day = if date.len() == 7 { format!("{date}-01") } else { date.get(..10)?.to_owned() };
    let day = NaiveDate::parse_from_str(&day, "%Y-%m-%d").ok()?;
    Some(day.and_time(NaiveTime::MIN).and_utc().timestamp_millis())
}

#[allow(dead_code, reason = "tests call `convert` itself")]
fn main() -> shared::Result<()> {
    shared::run(convert)
}
