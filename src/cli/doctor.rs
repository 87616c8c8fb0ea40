//! `human doctor`: is the store sound, what is in it, and what does it wait for?

use std::io::Write;

use serde_json::json;

use super::plain::shown;
use super::{CliError, Desk, Exit, Result};
use crate::engine::number::count;
use crate::engine::seal::Head;
use crate::intake::events::rfc3339;
use crate::intake::{Refusal, Refusals};
use crate::service::{Audit, Service, ServiceError};
use crate::store::{Kind, SCHEMA_VERSION};

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Also let go of what is older than the configuration keeps
    #[arg(long)]
    sweep: bool,
}

pub fn run(args: &DoctorArgs, desk: &mut Desk) -> Result<Exit> {
    let service = if args.sweep { desk.writing() } else { desk.reading() }.map_err(beyond_reading)?;
    let swept = args.sweep.then(|| service.sweep()).transpose()?;
    let (mut faults, cells) = service.check()?;
    // What a damaged page hides is one fault more; the rest is said all the same.
    let (totals, span) = readable(service.totals(), &mut faults)?;
    let quarantine = readable(service.quarantine(), &mut faults)?;
    let bytes = std::fs::metadata(service.path()).map_or(0, |m| m.len());
    let catalog = service.catalog().map(|c| (c.prompts().count(), c.published.len()));
    let (seen, managed) = readable(catalog, &mut faults)?;
    let table = service.model_table().map(|table| (table.prices.len(), table.bundled));
    let (prices, built_in) = readable(table, &mut faults)?;
    let too_large = readable(service.too_large(), &mut faults)?;
    let ledger = ledger(&service, &mut faults)?;
    let path = service.path().display().to_string();
    service.close()?;
    let exit = if faults.is_empty() { Exit::Done } else { Exit::Failed };
    if desk.json {
        desk.document(&json!({
            "store": path, "schema": SCHEMA_VERSION, "bytes": bytes, "calls": totals.calls,
            "from": span.map(|s| rfc3339(s.0)), "to": span.map(|s| rfc3339(s.1)),
            "feedback": totals.feedback, "feedbackWaiting": totals.waiting, "feedbackWithoutSignal": totals.unsignalled,
            "prompts": seen, "published": managed, "cells": cells,
            "quarantined": quarantine.iter().map(|(why, n)| json!({"reason": why, "count": n})).collect::<Vec<_>>(),
            "ledger": ledger.as_ref().map(|audit| json!({"entries": audit.head.seq, "head": audit.head.hash, "owner": audit.owner})),
            "prices": prices, "pricesBuiltIn": built_in,
            "sweptCalls": swept.map(|s| s.0), "faults": faults,
        }))?;
        return Ok(exit);
    }
    let n = |n: i64| count(n.max(0) as u64);
    let between = span.map_or(String::new(), |(a, b)| format!(", {} to {}", rfc3339(a), rfc3339(b)));
    let verbose = desk.verbose;
    let page = desk.page();
    let out = &mut Vec::new();
    writeln!(out, "Store       {} (schema {SCHEMA_VERSION}, {:.1} MB)", shown(&path), bytes as f64 / 1e6)?;
    if let Some((used, calls)) = too_large {
        writeln!(
            out,
            "            larger than retention.max_mib allows: {:.1} MB in use, {:.1} MB of it calls and feedback",
            used as f64 / 1e6,
            calls as f64 / 1e6
        )?;
    }
    if let Some((calls, rows)) = swept {
        writeln!(out, "Swept       {} calls, {} rows of cells", count(calls as u64), count(rows as u64))?;
    }
    writeln!(out, "Calls       {}{between}", n(totals.calls))?;
    writeln!(
        out,
        "Feedback    {}; {} wait for their call, {} without a signal",
        n(totals.feedback),
        n(totals.waiting),
        n(totals.unsignalled)
    )?;
    writeln!(out, "Prompts     {}, {} of them published", count(seen as u64), count(managed as u64))?;
    let built_in =
        if built_in { " (the built-in table; `human models import FILE` takes a newer one)" } else { "" };
    writeln!(out, "Prices      {}{built_in}", count(prices as u64))?;
    if let Some(audit) = &ledger {
        writeln!(out, "{}", chained(audit))?;
    }
    let kept: i64 = quarantine.iter().map(|(_, n)| n).sum();
    writeln!(out, "Quarantine  {}", n(kept))?;
    let mut reasons = Refusals::default();
    for (why, n) in &quarantine {
        reasons.add(why, (*n).max(0) as u64, String::new);
    }
    let reasons = reasons.most_first();
    let most = if verbose { usize::MAX } else { 10 };
    for Refusal { reason, varies, count: n, .. } in reasons.iter().take(most) {
        let like = if *varies { ", and the like" } else { "" };
        writeln!(out, "            {} x {}{like}", count(*n), shown(reason))?;
    }
    if reasons.len() > most {
        writeln!(
            out,
            "            and {} reasons more; -v lists them all",
            count((reasons.len() - most) as u64)
        )?;
    }
    if kept > 0 {
        writeln!(
            out,
            "            `human ingest --quarantined` takes them once more, with --discard lets go of them"
        )?;
    }
    match faults.as_slice() {
        [] => writeln!(
            out,
            "Sound: the file is whole, and {} cells are the fold of the kept calls.",
            count(cells as u64)
        )?,
        faults => {
            writeln!(out, "NOT SOUND:")?;
            for fault in faults {
                writeln!(out, "  {}", shown(fault))?;
            }
        }
    }
    desk.out.write_all(page.wrap(&String::from_utf8_lossy(out)).as_bytes())?;
    Ok(exit)
}

/// Where the ledger ends and whose it is; what is wrong with it is among the faults.
fn ledger(service: &Service, faults: &mut Vec<String>) -> Result<Option<Audit>> {
    let audit = readable(service.audit(None).map(Some), faults)?;
    faults.extend(audit.iter().flat_map(|audit| audit.faults.iter().cloned()));
    Ok(audit)
}

/// The line about the ledger.
fn chained(Audit { head: Head { seq, hash }, owner, .. }: &Audit) -> String {
    let owner = owner.as_ref().map_or("no owner".to_owned(), |owner| format!("owned by {owner}"));
    format!("Ledger      {} entries, {owner}; the last is {hash}", count(*seq))
}

/// A store that cannot even be opened: there is nothing more that this command could say of it.
fn beyond_reading(error: CliError) -> CliError {
    match error {
        CliError::Service(ServiceError::Store(error)) if error.kind == Kind::Corrupt => {
            CliError::Failed(format!(
                "{}. Nothing of it can be read. Keep a copy of the file with its -wal beside it; restore a backup, or ingest \
             the telemetry again into a new store.",
                error.seen()
            ))
        }
        other => other,
    }
}

/// What was read; of a damaged store nothing, with the damage among the faults.
fn readable<T: Default>(read: crate::service::Result<T>, faults: &mut Vec<String>) -> Result<T> {
    match read {
        Err(ServiceError::Store(error)) if error.kind == Kind::Corrupt => {
            let fault = error.seen();
            if !faults.contains(&fault) {
                faults.push(fault);
            }
            Ok(T::default())
        }
        read => Ok(read?),
    }
}
