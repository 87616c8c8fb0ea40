//! `human watch`: degradations, for a terminal or a script.
//!
//! ```text
//! STREAM                WHAT      STATE       M  SINCE (UTC)       WAS  NOW
//! support.refund-reply  negative  PAGE   29,614  2026-11-20 08:00   6%  18%
//!   18% [10%, 28%] of 222 units, was 6% [5%, 7%] of 1,644; odds x3.6
//!   version 2.1.0 became active at 2026-11-20T07:00:00Z
//! ```
//!
//! Versions that a proposal made active and that turned out worse come first:
//!
//! ```text
//! REGRESSED  legal.review: 1.1.0 (PROPOSAL-47) is worse than 1.0.0, known since 2026-11-20 08:00
//!   side by side: odds of a negative signal x3.0 [1.9, 4.7], 412 units
//!   PROPOSAL-51 proposes to go back: `human prompts proposals accept PROPOSAL-51`
//! ```
//!
//! Without `--once` it looks again when hours close: redrawn in place on a terminal, appended elsewhere. It asks every
//! few seconds whether there is something new, and sleeps otherwise.

use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use super::plain::shown;
use super::table::{self, Page};
use super::{CliError, Desk, Exit, Result};
use crate::domain::window::Window;
use crate::engine::number::{count, percent};
use crate::engine::outcome::words::evidence;
use crate::engine::trend::health::Health;
use crate::engine::trend::open_hour;
use crate::engine::trend::words::{details, months, subject};
use crate::service::{Regression, Service, Watch, account, now};
use crate::store::{Access, Kind, StoreError};

/// How long it sleeps between two looks at the clock.
const ASLEEP: Duration = Duration::from_secs(5);
/// Causes shown under a stream.
const CAUSES: usize = 3;

const COLUMNS: [table::Column; 7] = [
    table::text("STREAM", 9),
    table::text("WHAT", 8),
    table::text("STATE", 9),
    table::number("M", 7),
    table::text("SINCE (UTC)", 6),
    table::number("WAS", 4),
    table::number("NOW", 5),
];

#[derive(Debug, clap::Args)]
pub struct WatchArgs {
    /// Look once; exit code 5 if a stream warns or pages, or a version regressed
    #[arg(long)]
    once: bool,
    /// Most streams that are shown; 0 for all
    #[arg(long, default_value_t = 30)]
    limit: usize,
    #[command(subcommand)]
    verb: Option<WatchVerb>,
}

#[derive(Debug, clap::Subcommand)]
enum WatchVerb {
    /// Say that a stream has been seen: it starts anew, with a baseline from tomorrow on; or that a regressed version stays
    Ack {
        /// The stream, as `watch` names it, a prompt of which one stream rises, or PROPOSAL-47 of a regression
        stream: String,
    },
    /// Let a stream or a regression not alarm for a while
    Silence {
        /// The stream, as `watch` names it, a prompt of which one stream rises, or PROPOSAL-47 of a regression
        stream: String,
        /// For how long: 30m, 4h, 2d
        #[arg(long = "for", value_name = "TIME", default_value = "4h")]
        length: String,
    },
}

pub fn run(args: &WatchArgs, desk: &mut Desk) -> Result<Exit> {
    match &args.verb {
        Some(WatchVerb::Ack { stream }) => {
            let service = existing(desk)?;
            let id = service.acknowledge(stream, &account(), now())?;
            service.close()?;
            let then = if id.starts_with("PROPOSAL-") {
                "What it made active stays, and raises no alert any more."
            } else {
                "Its new baseline begins tomorrow."
            };
            writeln!(desk.out, "Acknowledged: {}. {then}", shown(&id))?;
            Ok(Exit::Done)
        }
        Some(WatchVerb::Silence { stream, length }) => {
            let until = now() + milliseconds(length)?;
            let service = existing(desk)?;
            let id = service.silence(stream, &account(), now(), until)?;
            service.close()?;
            let until = Window { from_ms: until, to_ms: until }.start();
            writeln!(desk.out, "Silenced until {until}: {}.", shown(&id))?;
            Ok(Exit::Done)
        }
        None if args.once => once(args, desk),
        None => live(args, desk),
    }
}

fn milliseconds(text: &str) -> Result<i64> {
    let refused = || CliError::Usage(format!("`{}` is no length of time: 30m, 4h, 2d", text.escape_debug()));
    let unit = text.char_indices().next_back().ok_or_else(refused)?;
    let each = match unit.1 {
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return Err(refused()),
    };
    let number: u32 = text[..unit.0].parse().map_err(|_| refused())?;
    let length = i64::from(number) * each;
    if !(60_000..=90 * 86_400_000).contains(&length) {
        return Err(CliError::Usage(format!(
            "`{}` is not between a minute and 90 days; acknowledge what is to stay (`human watch ack STREAM`)",
            text.escape_debug()
        )));
    }
    Ok(length)
}

/// A store that is there, for writing.
fn existing(desk: &Desk) -> Result<Service> {
    drop(desk.reading()?);
    desk.writing()
}

/// The store with its monitors kept where that can be, read as it is otherwise.
fn opened(desk: &Desk) -> Result<Service> {
    let config = desk.config()?;
    if config.store.exists() {
        match Service::open(config, Access::Write) {
            Err(crate::service::ServiceError::Store(StoreError { kind: Kind::ReadOnly, .. })) => {}
            other => return Ok(other?),
        }
    }
    desk.reading()
}

fn once(args: &WatchArgs, desk: &mut Desk) -> Result<Exit> {
    let service = opened(desk)?;
    let watch = service.watch(now())?;
    let exit = if watch.alarms() { Exit::Degraded } else { Exit::Done };
    if desk.json {
        desk.document(&watch)?;
    } else {
        let page = desk.page();
        desk.out.write_all(text(&watch, args.limit, page).as_bytes())?;
    }
    service.close()?;
    Ok(exit)
}

fn live(args: &WatchArgs, desk: &mut Desk) -> Result<Exit> {
    let service = opened(desk)?;
    // Lines of the last text that are above the cursor.
    let mut drawn = 0;
    let mut last = String::new();
    loop {
        let at = now();
        let watch = service.watch(at)?;
        let page = desk.page();
        let next =
            if desk.json { serde_json::to_string(&watch)? + "\n" } else { text(&watch, args.limit, page) };
        let next = if desk.terminal && !desk.json { fitted(&next) } else { next };
        if changed(&last, &next, desk.json) {
            if desk.terminal && drawn > 0 {
                // Up over what was drawn, and clear from there: the shell's own lines stay.
                write!(desk.out, "\u{1b}[{drawn}A\u{1b}[J")?;
            }
            desk.out.write_all(next.as_bytes())?;
            desk.out.flush()?;
            drawn = if desk.json { 0 } else { next.lines().count() };
            last = next;
        }
        let until = open_hour(at);
        loop {
            std::thread::sleep(ASLEEP);
            // An outcome is settled, or a version left, at any minute.
            if service.has_news(until, now())? || service.regressions(now())? != watch.regressions {
                break;
            }
        }
    }
}

/// As much as the terminal has lines for: the worst stay, and what is left out is said.
fn fitted(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    let rows = terminal_size::terminal_size().map_or(usize::MAX, |(_, rows)| usize::from(rows.0).max(8));
    if lines.len() < rows {
        return text.to_owned();
    }
    // The sums at the end, and one line for the cursor.
    let (list, sums) = lines.split_at(lines.len() - 3);
    let shown = rows - sums.len() - 2;
    let left = format!("... {} lines more: `human watch --once`", list.len() - shown);
    let mut fitted = String::new();
    for line in list[..shown].iter().copied().chain([left.as_str()]).chain(sums.iter().copied()) {
        fitted.push_str(line);
        fitted.push('\n');
    }
    fitted
}

/// Whether there is more new than the hour up to which everything is counted.
fn changed(last: &str, next: &str, json: bool) -> bool {
    let body = |text: &str| -> String {
        if json { text.to_owned() } else { text.lines().filter(|l| !l.starts_with("Counted")).collect() }
    };
    last.is_empty() || body(last) != body(next)
}

/// The whole page, ending with a newline.
pub fn text(watch: &Watch, limit: usize, page: Page) -> String {
    let mut out = regressed(&watch.regressions, page);
    if out.is_empty()
        && watch.streams.is_empty()
        && watch.stable + watch.insufficient + watch.acknowledged == 0
    {
        return "Nothing to watch yet: the store has no calls of a prompt in closed hours (an hour closes two hours \
                after its end).\n`human ingest FILE` feeds it.\n"
            .into();
    }
    let limit = if limit == 0 { usize::MAX } else { limit };
    let listed = &watch.streams[..watch.streams.len().min(limit)];
    if !listed.is_empty() {
        let rows: Vec<Vec<String>> = listed.iter().map(row).collect();
        let set = table::set(page, 0, &COLUMNS, &rows);
        let mut lines = set.lines();
        // Writing to a String does not fail.
        let _ = writeln!(out, "{}", lines.next().unwrap_or_default());
        for (line, health) in lines.zip(listed) {
            let _ = writeln!(out, "{line}");
            for detail in details(health, CAUSES) {
                let room = page.width.map_or(usize::MAX, |w| w.saturating_sub(2));
                let _ = writeln!(out, "  {}", table::clip(&shown(&detail), room));
            }
        }
        if listed.len() < watch.streams.len() {
            let _ = writeln!(out, "{} of {} streams", listed.len(), watch.streams.len());
        }
        out.push('\n');
    }
    let mut sums = vec![
        format!("{} rising", watch.streams.len()),
        format!("{} stable", count(watch.stable as u64)),
        format!("{} with too little to say", count(watch.insufficient as u64)),
    ];
    if watch.acknowledged > 0 {
        sums.push(format!("{} acknowledged", watch.acknowledged));
    }
    let _ = writeln!(out, "Streams: {}.", sums.join(", "));
    let page_from = count(watch.page_from as u64);
    let _ = writeln!(out, "M: by chance at most once in M months. WARN from 20, PAGE from {page_from}.");
    let _ = writeln!(out, "Counted up to {}.", watch.until);
    out
}

/// Versions that are active although they turned out worse; ends with an empty line where there are any.
fn regressed(regressions: &[Regression], page: Page) -> String {
    let mut out = String::new();
    for found in regressions {
        let key = found.prompt_uri.key.as_str();
        let (old, new, proposal) = (&found.old_version, &found.new_version, found.proposal);
        let silenced = if found.is_alarm() { "" } else { " (silenced)" };
        let mut lines = vec![format!(
            "REGRESSED{silenced}  {key}: {new} ({proposal}) is worse than {old}, known since {}",
            minute(&found.since)
        )];
        lines.push(match &found.evidence {
            Some(measured) => {
                format!("  {}: {}", measured.basis.label(), evidence(measured.basis, &measured.negative))
            }
            None => format!("  `human prompts proposals outcome {proposal}` says on what evidence"),
        });
        lines.push(match found.rollback {
            Some(back) => {
                format!("  {back} proposes to go back: `human prompts proposals accept {back}`")
            }
            None => format!("  To go back: `human prompts rollback {} --reason TEXT`", found.prompt_uri),
        });
        lines.push(format!("  To keep it: `human watch ack {proposal}`"));
        // Writing to a String does not fail.
        let _ = out.write_str(&page.wrap(&(lines.join("\n") + "\n")));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// `2026-11-20 08:00` of an RFC 3339 time.
fn minute(time: &str) -> String {
    time.replacen('T', " ", 1).chars().take(16).collect()
}

fn row(health: &Health) -> Vec<String> {
    let state = if health.silenced_until.is_some() && health.level.is_alarm() {
        format!("{} (silenced)", health.level.as_str())
    } else {
        health.level.as_str().into()
    };
    let rate = |estimate: Option<crate::engine::trend::estimate::Estimate>| percent(estimate.map(|e| e.rate));
    let since = health.since.as_deref().map(minute).unwrap_or_default();
    vec![
        shown(&subject(&health.id.subject)).into_owned(),
        health.id.measure.as_str().into(),
        state,
        months(health.evidence),
        since,
        rate(health.baseline),
        rate(health.current),
    ]
}

/// One line for a report on a prompt.
pub fn line(health: Option<&Health>) -> String {
    let Some(health) = health else {
        return "Health: insufficient, nothing is watched of it yet (`human watch --once` looks)".into();
    };
    let what = health.id.measure.as_str();
    match (&health.since, &health.reason) {
        (Some(since), _) => {
            format!(
                "Health: {} ({what}) since {since}, evidence M={}",
                health.level.as_str(),
                months(health.evidence)
            )
        }
        (None, Some(reason)) => format!("Health: {}, {}", health.level.as_str(), shown(reason)),
        (None, None) => {
            format!("Health: {}, evidence M={:.2} ({what})", health.level.as_str(), health.evidence)
        }
    }
}
