//! What a prompt's numbers are made of: by version, layer, model and source.
//!
//! ```text
//! by version      calls  score                 errors  latency     cost
//! 2.1.0 active    3,102  0.61 [0.58, 0.64]         2%     2.1s   $0.006
//! 2.0.0           9,301  0.74 [0.72, 0.76]         1%     1.2s   $0.005
//! ```

use super::super::words;
use super::Line;
use crate::console::canvas;
use crate::domain::snapshot::{Part, Verdict};
use crate::engine::number::{count, duration, usd};
use crate::service::live::PromptPage;
use crate::theme::Role;

/// Columns of a score with its interval.
const SCORE: usize = 18;
/// Columns of everything but the name and the cost.
const REST: usize = 8 + 2 + SCORE + 8 + 9 + 1;

/// All lines, for a width.
pub(super) fn lines(page: &PromptPage, width: u16, little: &str) -> Vec<Line> {
    let snapshot = &page.snapshot;
    let name = usize::from(width).saturating_sub(REST).clamp(12, 28);
    let room = usize::from(width);
    let mut lines: Vec<Line> = Vec::new();
    let table = |title: &str, rows: Vec<(String, Role, &Part)>, lines: &mut Vec<Line>| {
        if rows.is_empty() {
            return;
        }
        if !lines.is_empty() {
            lines.push(vec![]);
        }
        let mut head = format!("{}{:>8}  {:<SCORE$}", fitted(title, name), "calls", "score");
        if room >= name + REST {
            head.push_str("  errors      p95");
        }
        if room >= name + REST + 11 {
            head.push_str("   avg cost");
        }
        lines.push(vec![(Role::Heading, head)]);
        for (label, role, part) in rows {
            let (score_role, score) = words::score(&part.score, little);
            let (error_role, error) = words::rate(&part.error, little);
            let mut line = vec![
                (role, fitted(&label, name)),
                (Role::Text, format!("{:>8}  ", count(part.call_count))),
                (score_role, padded(&score, SCORE)),
            ];
            if room >= name + REST {
                line.push((error_role, right(&error, 8)));
                line.push((Role::Text, right(&duration(part.p95_latency_ms), 9)));
            }
            if room >= name + REST + 11 {
                line.push((Role::Text, right(&usd(part.avg_cost_usd), 11)));
            }
            lines.push(line);
        }
    };
    let versions = snapshot.version_breakdown.iter().map(|part| {
        let active = Some(&part.version) == page.active.as_ref();
        let label = if active { format!("{} active", part.version) } else { part.version.to_string() };
        (label, if active { Role::Strong } else { Role::Text }, &part.part)
    });
    table("by version", versions.collect(), &mut lines);
    let layers = snapshot.layer_breakdown.iter().map(|part| (part.layer.to_owned(), Role::Text, &part.part));
    table("by layer", layers.collect(), &mut lines);
    let models = snapshot.model_breakdown.iter().map(|part| {
        let best = snapshot.recommended_model.as_ref() == Some(&part.model_id);
        let label = if best { format!("{} best", part.model_id) } else { part.model_id.clone() };
        (label, if best { Role::Strong } else { Role::Text }, &part.part)
    });
    table("by model", models.collect(), &mut lines);
    if !snapshot.source_breakdown.is_empty() {
        lines.push(vec![]);
        let head = format!(
            "{}{:>8}  {:<SCORE$}{:>8}{:>8}",
            fitted("by source", name),
            "signals",
            "score",
            "pos",
            "neg"
        );
        lines.push(vec![(Role::Heading, head)]);
        for part in &snapshot.source_breakdown {
            let (role, score) = words::score(&part.score, little);
            lines.push(vec![
                (Role::Text, fitted(part.source.as_str(), name)),
                (Role::Text, format!("{:>8}  ", count(part.score.sample_size))),
                (role, padded(&score, SCORE)),
                (
                    Role::Text,
                    format!("{:>8}{:>8}", count(part.positive_signals), count(part.negative_signals)),
                ),
            ]);
        }
    }
    if !lines.is_empty() && snapshot.feedback.verdict == Verdict::Insufficient {
        let have = words::short_of_signals(snapshot.feedback.sample_size);
        lines.push(vec![]);
        lines.push(vec![(Role::Insufficient, format!("Not enough evidence to compare: {have}."))]);
    }
    lines
}

/// A text in exactly so many columns; the end of a long one goes.
fn fitted(text: &str, columns: usize) -> String {
    let safe = canvas::safe(text);
    if usize::from(canvas::width(&safe)) < columns {
        return padded(&safe, columns);
    }
    let mut out = String::new();
    for c in safe.chars() {
        if usize::from(canvas::width(&out)) + 3 > columns {
            break;
        }
        out.push(c);
    }
    padded(&(out + "…"), columns)
}

fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(usize::from(canvas::width(text)))))
}

fn right(text: &str, columns: usize) -> String {
    format!("{}{text}", " ".repeat(columns.saturating_sub(usize::from(canvas::width(text)))))
}
