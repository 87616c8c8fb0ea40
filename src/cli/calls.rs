//! `human calls`: the calls behind a number, newest first; as JSON the native events, calls first, then the feedback
//! that counts for them.

use std::io::Write;

use chrono::DateTime;

use super::plain::shown;
use super::table;
use super::{Desk, Exit, Result};
use crate::domain::call::Millis;
use crate::domain::feedback::Signal;
use crate::domain::window::WindowSpec;
use crate::engine::number::{NONE, count, duration, usd};
use crate::intake::events::{call_line, feedback_line};
use crate::service::now;
use crate::store::telemetry::{CallQuery, KeptCall};

#[derive(Debug, clap::Args)]
pub struct CallsArgs {
    /// Only calls that used this prompt (URI, key or last segment, with or without @version)
    #[arg(long, value_name = "PROMPT")]
    prompt: Option<String>,
    /// Only calls that name no prompt
    #[arg(long, conflicts_with = "prompt")]
    unprompted: bool,
    /// Only calls on this model
    #[arg(long, value_name = "MODEL")]
    model: Option<String>,
    /// Only calls of this session
    #[arg(long, value_name = "SESSION")]
    session: Option<String>,
    /// Only the call with this id
    #[arg(long, value_name = "ID")]
    provenance: Option<String>,
    /// Only calls in this window [default: all]
    #[arg(long, value_name = "WINDOW")]
    window: Option<WindowSpec>,
    /// Most calls that are listed; 0 for all [default: 50, with --json all]
    #[arg(long)]
    limit: Option<usize>,
}

pub fn run(args: &CallsArgs, desk: &mut Desk) -> Result<Exit> {
    let service = desk.reading()?;
    let catalog = service.catalog()?;
    let window = args.window.map(|w| w.at(now()));
    let versions = match &args.prompt {
        None => None,
        Some(name) => {
            let (uri, version) = catalog.find(name)?;
            Some(catalog.numbers(&uri, version.as_ref()))
        }
    };
    let models = args.model.as_ref().map(|wanted| {
        let named = catalog.dictionary.models().iter().enumerate().filter(|(_, m)| m.name == *wanted);
        named.map(|(id, _)| id as u32).collect()
    });
    let query = CallQuery {
        from: window.map(|w| w.from_ms),
        to: window.map(|w| w.to_ms),
        versions,
        unprompted: args.unprompted,
        models,
        session: args.session.clone(),
        provenance: args.provenance.clone(),
    };
    let limit = match args.limit.unwrap_or(if desk.json { 0 } else { 50 }) {
        0 => usize::MAX,
        n => n,
    };
    if desk.json {
        return stream(&service, &query, limit, desk);
    }
    let mut rows = Vec::new();
    let mut more = false;
    service.calls(&query, &mut |kept| {
        more = rows.len() == limit;
        if !more {
            rows.push(row(&kept));
        }
        !more
    })?;
    if rows.is_empty() {
        desk.say("No call matches.");
        return Ok(Exit::Done);
    }
    let page = desk.page();
    desk.out.write_all(table::set(page, 0, &COLUMNS, &rows).as_bytes())?;
    if more {
        desk.out.flush()?;
        desk.say(&format!("The newest {}; --limit 0 lists all.", count(limit as u64)));
    }
    Ok(Exit::Done)
}

/// Calls are written as they are read; only their feedback, which is sparse, waits.
fn stream(
    service: &crate::service::Service,
    query: &CallQuery,
    limit: usize,
    desk: &mut Desk,
) -> Result<Exit> {
    let mut feedback = Vec::new();
    let mut left = limit;
    let mut failed: Result<()> = Ok(());
    service.calls(query, &mut |kept| {
        failed = write_call(&kept, &mut desk.out, &mut feedback);
        left -= 1;
        failed.is_ok() && left > 0
    })?;
    failed?;
    for line in feedback {
        writeln!(desk.out, "{line}")?;
    }
    Ok(Exit::Done)
}

fn write_call(kept: &KeptCall, out: &mut impl Write, feedback: &mut Vec<String>) -> Result<()> {
    writeln!(out, "{}", call_line(&kept.call)?)?;
    for signal in kept.feedback.iter().filter(|f| f.signal.is_some()) {
        feedback.push(feedback_line(signal, &kept.call.provenance_id)?);
    }
    Ok(())
}

const COLUMNS: [table::Column; 9] = [
    table::id("CALL", 9),
    table::whole("AT (UTC)", 8),
    table::name("MODEL", 7, 14),
    table::number("IN", 3),
    table::number("OUT", 3),
    table::number("COST", 5),
    table::number("TIME", 4),
    table::text("OUTCOME", 6),
    table::text("FEEDBACK", 6),
];

/// To the second: the millisecond is in the JSON.
fn moment(at: Millis) -> String {
    DateTime::from_timestamp_millis(at)
        .map_or_else(|| at.to_string(), |t| t.format("%Y-%m-%d %H:%M:%S").to_string())
}

fn row(kept: &KeptCall) -> Vec<String> {
    let call = &kept.call;
    let tokens = |n: Option<u32>| n.map_or(NONE.into(), |n| count(u64::from(n)));
    let signals: Vec<&str> = kept.feedback.iter().filter_map(|f| f.signal).map(Signal::as_str).collect();
    vec![
        shown(&call.provenance_id).into_owned(),
        moment(call.at),
        shown(&call.model).into_owned(),
        tokens(call.input_tokens),
        tokens(call.output_tokens),
        usd(call.cost.map(|c| c as f64 / 1e9)),
        duration(call.duration_us.map(|us| us as f64 / 1e3)),
        if call.ok { "ok".into() } else { shown(call.error.as_deref().unwrap_or("failed")).into_owned() },
        signals.join(" "),
    ]
}
