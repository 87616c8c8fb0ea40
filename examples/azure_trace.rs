//! Turns the public trace of Azure's LLM inference (2023, code and conversation) into native events.
//!
//!     cargo run --example azure_trace -- azure_llm_2023.csv.gz > events.jsonl
//!     human ingest events.jsonl
//!
//! Columns: `ts_ms, service, input_tokens, output_tokens`. Each row becomes one call:
//!
//! * the row's number -> `provenanceId`, so that the same file twice counts once;
//! * the service, `code` or `conv`, stands in for the prompt: `prompt://org/LOCAL/conv@0.0.0`;
//! * the model was not published: `unrecorded`, or the one named after the file, which also gives it prices.

mod shared;

use human::domain::call::Call;
use human::domain::event::Event;

/// One call a row.
pub fn convert(bytes: &[u8], model: Option<&str>, out: &mut dyn FnMut(Event)) -> shared::Result<()> {
    for row in shared::Table::read(bytes)?.rows() {
        let at = row.number("ts_ms")?.ok_or_else(|| format!("row {} has no time", row.number))?;
        let mut call =
            Call::bare(format!("azure-llm-2023-{}", row.number), at, model.unwrap_or("unrecorded"));
        call.prompts = shared::prompt(row.text("service")?, None, at);
        call.input_tokens = row.number("input_tokens")?;
        call.output_tokens = row.number("output_tokens")?;
        out(Event::Call(call));
    }
    Ok(())
}

#[allow(dead_code, reason = "tests call `convert` itself")]
fn main() -> shared::Result<()> {
    shared::run(convert)
}
