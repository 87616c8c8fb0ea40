//! Numbers of a prompt over time, one small picture each, with what happened marked on the time axis.
//!
//! ```text
//! negative   14% [12%, 16%]
//!               ▾ 2.1.0    ▲ negative
//!  30% │             ⡠⠤⠒⠉⠉
//!  10% │ ⠤⠤⠒⠒⠤⠤⠒⠒⠤⠤⠊
//!      ╰────────────────────
//! ```

use ratatui::layout::Rect;

use super::super::words;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::widgets::chart::{Chart, Event, Marks, Series};
use crate::console::widgets::scroll;
use crate::engine::number::{NONE, count, duration, mean, percent, usd};
use crate::service::live::{PromptPage, TrendPoint};
use crate::theme::{Glyph, Role};

/// Pictures.
const PICTURES: usize = 9;
/// Columns from which two pictures stand beside each other.
const TWO: u16 = 76;
/// Fewest rows of a picture, and most.
const LEAST: u16 = 8;
const MOST: u16 = 14;

/// A number that is followed.
struct Followed {
    title: &'static str,
    role: Role,
    of: fn(&TrendPoint) -> Option<f64>,
    written: fn(Option<f64>) -> String,
}

fn share(point: &TrendPoint, signal: usize) -> Option<f64> {
    let total: u64 = point.signals.iter().sum();
    (total > 0).then(|| point.signals[signal] as f64 / total as f64)
}

const FOLLOWED: [Followed; PICTURES] = [
    Followed {
        title: "calls",
        role: Role::Series1,
        of: |p| Some(p.calls as f64),
        written: |n| n.map_or(NONE.into(), |n| count(n as u64)),
    },
    Followed { title: "negative", role: Role::Bad, of: |p| share(p, 1), written: percent },
    Followed { title: "positive", role: Role::Good, of: |p| share(p, 0), written: percent },
    Followed { title: "rephrase", role: Role::Caution, of: |p| share(p, 2), written: percent },
    Followed { title: "correction", role: Role::Series4, of: |p| share(p, 3), written: percent },
    Followed { title: "latency p95", role: Role::Series3, of: |p| p.latency[1], written: duration },
    Followed { title: "cost per call", role: Role::Series2, of: |p| p.cost, written: usd },
    Followed { title: "tokens per call", role: Role::Series5, of: |p| p.tokens, written: mean },
    Followed {
        title: "errors",
        role: Role::Bad,
        of: |p| (p.calls > 0).then(|| p.failed as f64 / p.calls as f64),
        written: percent,
    },
];

/// How many lines of pictures there are: what scrolls.
pub(super) fn lines(width: u16) -> usize {
    PICTURES.div_ceil(if width >= TWO { 2 } else { 1 })
}

/// Draws them from the line `offset` on.
pub(super) fn draw(page: &PromptPage, canvas: &mut Canvas<'_>, area: Rect, offset: usize, active: bool) {
    if area.is_empty() {
        return;
    }
    let across = if area.width >= TWO { 2 } else { 1 };
    let lines = PICTURES.div_ceil(across);
    // As high as there is room for, so that no picture is cut.
    let fit = usize::from(area.height / LEAST).clamp(1, lines.max(1));
    // What is left over is shared out from the top.
    let top = |row: usize| (area.height.min(MOST * fit as u16) as usize * row / fit) as u16;
    let in_view = InView { offset: scroll::held(offset, fit, lines), height: fit };
    if active {
        canvas.hits.view(ListId::Prompt, in_view);
        canvas.hits.zone(area, Target::List(ListId::Prompt));
    }
    let wide = (area.width - 1) / across as u16;
    for row in 0..fit {
        for column in 0..across {
            let Some(followed) = FOLLOWED.get((in_view.offset + row) * across + column) else { continue };
            let place = Rect {
                x: area.x + wide * column as u16,
                y: area.y + top(row),
                width: wide.saturating_sub(if across > 1 { 2 } else { 0 }),
                height: top(row + 1) - top(row),
            };
            picture(followed, page, canvas, place);
        }
    }
    scroll::bar(canvas, area, in_view, lines);
}

/// What stands beside the title: the number over the whole window, with its interval.
fn whole(followed: &Followed, page: &PromptPage, little: &str) -> (Role, String) {
    let (stats, rates) = (&page.snapshot.stats, &page.snapshot.rates);
    let of = |text: String| (Role::Strong, text);
    match followed.title {
        "calls" => of(count(stats.total_calls)),
        "negative" => words::rate_interval(&rates.negative, little),
        "positive" => words::rate_interval(&rates.positive, little),
        "rephrase" => words::rate_interval(&rates.rephrase, little),
        "correction" => words::rate_interval(&rates.correction, little),
        "errors" => words::rate_interval(&rates.error, little),
        "latency p95" => {
            of(format!("{}, p50 {}", duration(stats.p95_duration_ms), duration(stats.p50_duration_ms)))
        }
        "cost per call" => of(usd(stats.avg_cost_usd)),
        _ => of(mean(stats.avg_tokens)),
    }
}

fn picture(followed: &Followed, page: &PromptPage, canvas: &mut Canvas<'_>, area: Rect) {
    let area = canvas.on_screen(area);
    if area.height < 2 {
        return;
    }
    let little = canvas.glyph(Glyph::Insufficient);
    let (role, number) = whole(followed, page, little);
    let used = canvas.put(area.x, area.y, area.width, followed.title, Role::Muted) + 2;
    canvas.put(area.x + used, area.y, area.width.saturating_sub(used), &number, role);

    let trend = &page.trend;
    let values: Vec<Option<f64>> = trend.points.iter().map(followed.of).collect();
    let names: Vec<String> = trend.activations.iter().map(|(_, version)| version.to_string()).collect();
    let versions = trend.activations.iter().zip(&names);
    let mut events: Vec<Event<'_>> =
        versions.map(|((at, _), label)| Event { at: *at, glyph: Glyph::Version, label }).collect();
    let alarms = trend.alarms.iter();
    events.extend(alarms.map(|(at, of)| Event { at: *at, glyph: Glyph::Alert, label: of }));
    events.sort_by_key(|event| event.at);
    let chart = Chart {
        series: &[Series { label: followed.title, role: followed.role, values: &values }],
        band: None,
        span: (trend.from, trend.from.saturating_add(trend.step.saturating_mul(trend.points.len() as i64))),
        events: &events,
        scale: None,
        marks: Marks::default(),
        format: &|value| (followed.written)(Some(value)),
    };
    chart.draw(canvas, Rect { y: area.y + 1, height: area.height - 1, ..area });
}
