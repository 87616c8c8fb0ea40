//! `human prompts list`: the leaderboard as a table. JSON is [`Line`], a line per row.

use std::fmt::Write;

use super::plain::shown;
use super::report::{interval, share, value};
use super::table::{self, Page};
use crate::engine::number::{count, duration, mean, usd};
use crate::engine::rank::{Board, Line, Row};

const COLUMNS: [table::Column; 14] = [
    table::name("PROMPT", 9, 28),
    table::text("TYPE", 1),
    table::number("CALLS", 9),
    table::number("TOKENS", 2),
    table::number("TOTAL COST", 7),
    table::number("P50", 2),
    table::number("P95", 5),
    table::number("POS", 6),
    table::number("NEG", 8),
    table::number("REPH", 4),
    table::number("CORR", 3),
    table::number("ERR", 4),
    table::number("SCORE", 8),
    table::whole("95% INTERVAL", 3),
];

/// The table, ending with a newline, and a last line where rows were left out.
pub fn text(board: &Board<'_>, page: Page) -> String {
    let lines: Vec<Line> = board.rows.iter().map(Row::line).collect();
    let mut out = table::set(page, 0, &COLUMNS, &lines.iter().map(cells).collect::<Vec<_>>());
    if lines.len() < board.matched {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{} of {} prompts", count(lines.len() as u64), count(board.matched as u64));
    }
    out
}

fn cells(line: &Line) -> Vec<String> {
    let mark = if line.managed || line.scope.is_none() { "" } else { " (unmanaged)" };
    let mut cells = vec![
        format!("{}{mark}", shown(&line.prompt)),
        shown(&line.task_type).into_owned(),
        count(line.calls),
        mean(line.avg_tokens),
        usd(line.total_cost_usd),
        duration(line.p50_duration_ms),
        duration(line.p95_duration_ms),
    ];
    cells.extend([&line.positive, &line.negative, &line.rephrase, &line.correction, &line.error].map(share));
    cells.extend([value(&line.score), interval(&line.score)]);
    cells
}
