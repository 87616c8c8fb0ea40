//! Turns Mooncake's public trace of conversations into native events.
//!
//!     cargo run --example mooncake_trace -- mooncake_conversation.csv.gz > events.jsonl
//!     human ingest events.jsonl
//!
//! Columns: `ts_ms, input_tokens, output_tokens, prefix_block_hashes`. Each row becomes one call:
//!
//! * the row's number -> `provenanceId`, so that the same file twice counts once;
//! * `ts_ms` counts from 0; the calls are set down from [`START`] on;
//! * no prompt is named, and none is made up: the calls count without one;
//! * the block hashes say which prefixes were alike, not what a cache did: they are left out;
//! * the model was not published: `unrecorded`, or the one named after the file, which also gives it prices.

mod shared;

use human::domain::call::{Call, Millis};
use human::domain::event::Event;

/// 2024-06-01T00:00:00Z; the trace itself has no date.
pub const START: Millis = 1_717_200_000_000;

/// One call a row.
pub fn convert(bytes: &[u8], model: Option<&str>, out: &mut dyn FnMut(Event)) -> shared::Result<()> {
    for row in shared::Table::read(bytes)?.rows() {
        let since: Millis = row.number("ts_ms")?.ok_or_else(|| format!("row {} has no time", row.number))?;
        let id = format!("mooncake-conversation-{}", row.number);
        let mut call = Call::bare(id, START + since, model.unwrap_or("unrecorded"));
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
