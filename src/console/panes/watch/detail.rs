//! What is known of what is selected; of a stream: how sure, how much worse, since when, why, and its course against the baseline.
//!
//! ```text
//! ◆ PAGE  negative · M 29,614: by chance once in so many months
//! was            ●             6% [5%, 7%] of 1,644 units
//! now                ───●───  18% [10%, 28%] of 222 units
//! last 24 h        ────●────  17% [8%, 30%] of 30 units
//! SUSPECTED CAUSE
//! • version 2.1.0 became active at 2026-11-20T07:00:00Z
//! NEGATIVE SHARE, last 7 days   (a chart: the dotted band is the baseline's 90 % interval)
//! ```

use ratatui::layout::Rect;

use super::item::Item;
use super::terms::{affected, ago};
use super::{WatchPane, regressed};
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::panes::View;
use crate::console::panes::sheet::{Line, Mark, Sheet};
use crate::console::panes::words::level;
use crate::console::widgets::bar::Interval;
use crate::console::widgets::chart::{Chart, Event, Marks, Series};
use crate::console::widgets::panel::{Panel, rule};
use crate::domain::call::HOUR_MS;
use crate::engine::number::{count, duration, mean, percent, usd};
use crate::engine::trend::estimate::Estimate;
use crate::engine::trend::health::Health;
use crate::engine::trend::{Measure, words};
use crate::service::live::TrendPoint;
use crate::theme::{Glyph, Role};

/// Rows of the chart at most, and below which there is none.
const CHART: (u16, u16) = (14, 5);
/// Rows that the words keep beside a chart.
const WORDS: u16 = 7;

/// How many lines its words have, as wide as they were drawn last; what scrolling needs to know.
pub(super) fn lines(shown: &WatchPane) -> usize {
    // Breaking differs by width; a few lines more only leave blanks at the end.
    shown.selected().map_or(0, |item| said(item, None, 40, Glyph::Bullet.text(true), 0).len())
}

/// Draws it.
pub(super) fn draw(shown: &WatchPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let Some(item) = shown.selected() else { return };
    let title = item.title();
    let active = shown.beside && view.focused;
    let panel = Panel { title: &title, note: item.note(), foot: "", active };
    let inside = panel.draw(canvas, area);
    let bullet = canvas.glyph(Glyph::Bullet);
    let mark = canvas.glyph(level(Some(item.level())).0);
    let sheet = said(item, Some(mark), inside.width, bullet, view.now);
    let wanted = (sheet.len() as u16).max(WORDS);
    let chart = inside.height.saturating_sub(wanted).min(CHART.0);
    let chart = if chart < CHART.1 { inside.height.saturating_sub(WORDS).min(CHART.1 + 3) } else { chart };
    let chart = if chart < CHART.1 || item.prompt().is_none() { 0 } else { chart };
    let words = Rect { height: inside.height - chart, ..inside };
    sheet.draw(canvas, words, shown.offset);
    if chart > 0 {
        course(shown, canvas, Rect { y: words.bottom(), height: chart, ..inside }, item, view);
    }
}

/// All that is said of it in words.
fn said(item: Item<'_>, mark: Option<&str>, columns: u16, bullet: &str, now: i64) -> Sheet {
    match item {
        Item::Regression(found) => regressed::sheet(found, mark, columns, now),
        Item::Stream(stream) => sheet(stream, mark, columns, bullet, now),
    }
}

fn sheet(stream: &Health, mark: Option<&str>, columns: u16, bullet: &str, now: i64) -> Sheet {
    let mut sheet = Sheet::new(ListId::Stream);
    let (.., role) = level(Some(stream.level));
    let state = format!("{} {}", mark.unwrap_or_default(), stream.level.as_str());
    let sure = format!("  M {}: by chance once in so many months", words::months(stream.evidence));
    sheet.push(Line::Text(vec![(role, state), (Role::Muted, sure)]));
    if let Some(until) = &stream.silenced_until {
        sheet.words(Role::Info, &format!("silenced until {until}"), columns);
    }
    if let Some(reason) = &stream.reason {
        sheet.words(Role::Insufficient, reason, columns);
    }
    sheet.push(Line::Blank);
    rates(&mut sheet, stream);
    let label = |text: &str| (Role::Muted, format!("{text:<11}"));
    if let Some(odds) = stream.odds_ratio {
        sheet.push(Line::Text(vec![label("odds"), (Role::Text, format!("x{odds:.1}"))]));
    }
    if let (Some(since), Some(onset)) = (&stream.since, stream.onset) {
        let age = ago(now - i64::from(onset) * HOUR_MS);
        sheet.push(Line::Text(vec![
            label("since"),
            (Role::Text, since.clone()),
            (Role::Muted, format!(", {age} ago")),
        ]));
    }
    match (affected(stream), stream.calls_per_hour) {
        (Some(more), Some(calls)) => sheet.push(Line::Text(vec![
            label("affected"),
            (Role::Text, format!("{more} calls an hour more than usual")),
            (Role::Muted, format!(", of {}", mean(Some(calls)))),
        ])),
        _ => sheet.push(Line::Text(vec![label("affected"), (Role::Insufficient, "not known".into())])),
    }
    if stream.by_hour {
        sheet.words(Role::Muted, "no session ids: an hour counts once", columns);
    }
    sheet.push(Line::Blank);
    sheet.push(Line::Head("SUSPECTED CAUSE".into()));
    if stream.causes.is_empty() {
        let words = if stream.explained {
            "nothing else changed at that time, as far as is known"
        } else if stream.id.subject.is_pooled() {
            "not looked for: this stream is pooled over many prompts"
        } else {
            "not looked for yet, or of the worst streams only"
        };
        sheet.words(Role::Muted, words, columns);
    }
    for cause in &stream.causes {
        sheet.words(Role::Text, &format!("{bullet} {}", cause.what), columns);
        if let (Some(before), Some(after)) = (&cause.before, &cause.after) {
            let text = format!("  {} before, {} since", words::estimate(before), words::estimate(after));
            sheet.words(Role::Muted, &text, columns);
        }
    }
    if !stream.by_model.is_empty() {
        sheet.push(Line::Blank);
        sheet.push(Line::Head("ON EACH MODEL".into()));
    }
    for on in &stream.by_model {
        let worse = if on.rose() { ", worse" } else { "" };
        let role = if on.rose() { Role::Bad } else { Role::Text };
        sheet.words(role, &format!("{bullet} {}{worse}", on.model), columns);
        sheet.words(Role::Muted, &format!("  {}", words::on_model(on)), columns);
    }
    sheet
}

/// Was, now and the last day, on one scale.
fn rates(sheet: &mut Sheet, stream: &Health) {
    let all = [("was", stream.baseline, Role::Muted), ("now", stream.current, Role::Bad)];
    let day = [("last 24 h", stream.last_day, Role::Caution)];
    let known = all.into_iter().chain(day);
    let top = known.clone().filter_map(|(_, estimate, _)| Some(estimate?.interval[1])).fold(0.0, f64::max);
    let scale = (0.0, (top * 1.1).clamp(0.01, 1.0));
    let unit = stream.id.measure.unit();
    for (name, estimate, role) in known {
        let Some(estimate) = estimate else { continue };
        let Estimate { rate, interval: [low, high], .. } = estimate;
        let mark = Mark::Interval(Interval { low, point: rate, high, sufficient: true }, scale, role);
        let lasts = if name == "last 24 h" { words::lasts(stream) } else { "" };
        let text = format!("{} {unit}{lasts}", words::estimate(&estimate));
        sheet.push(Line::Marked((Role::Muted, format!("{name:<9}")), mark, (Role::Text, text)));
    }
    if stream.id.measure.is_quantity() {
        let text = format!("of calls{}", words::counted(stream));
        sheet.push(Line::Text(vec![(Role::Muted, text)]));
    }
}

/// What is drawn of a measure: how it is called, its value in a step, and how that is written.
type Drawn = (&'static str, fn(&TrendPoint) -> Option<f64>, fn(f64) -> String);

fn measured(measure: Measure) -> Drawn {
    fn of_signals(point: &TrendPoint, bad: impl Fn(&[u64; 4]) -> u64) -> Option<f64> {
        let all: u64 = point.signals.iter().sum();
        (all > 0).then(|| bad(&point.signals) as f64 / all as f64)
    }
    let share = |value: f64| percent(Some(value));
    match measure {
        Measure::Negative => ("NEGATIVE SHARE OF SIGNALS", |p| of_signals(p, |s| s[1]), share),
        Measure::Unhappy => {
            ("SHARE OF SIGNALS NOT POSITIVE", |p| of_signals(p, |s| s[1] + s[2] + s[3]), share)
        }
        Measure::Errors => {
            ("FAILED CALLS", |p| (p.calls > 0).then(|| p.failed as f64 / p.calls as f64), share)
        }
        Measure::Latency => ("LATENCY, 95 % OF CALLS", |p| p.latency[1], |ms| duration(Some(ms))),
        Measure::Cost => ("COST OF A CALL", |p| p.cost, |value| usd(Some(value))),
        Measure::Tokens => ("TOKENS OF A CALL", |p| p.tokens, |n| count(n.max(0.0) as u64)),
    }
}

fn course(shown: &WatchPane, canvas: &mut Canvas<'_>, area: Rect, item: Item<'_>, view: &View<'_>) {
    let (title, of, written) = measured(item.measure());
    let heading = format!("{title}, {}", view.window);
    let below = rule(canvas, area, &heading);
    let Some(page) = shown.page.value() else {
        let (role, text) = match shown.page.fault() {
            Some(fault) => (Role::Bad, format!("its course could not be read: {}", fault.text)),
            None => (Role::Faint, "its course is being read".to_owned()),
        };
        canvas.put(below.x, below.y, below.width, &text, role);
        return;
    };
    let trend = &page.trend;
    let values: Vec<Option<f64>> = trend.points.iter().map(of).collect();
    let versions: Vec<(i64, String)> = trend.activations.iter().map(|(at, v)| (*at, v.to_string())).collect();
    let mut events: Vec<Event<'_>> =
        versions.iter().map(|(at, label)| Event { at: *at, glyph: Glyph::Version, label }).collect();
    let (onset, label, baseline) = match item {
        Item::Regression(_) => (item.since(), "known", None),
        Item::Stream(stream) => (item.since(), "rose", stream.baseline),
    };
    // What began before the window is marked where the window begins.
    events.extend(onset.map(|(_, at)| {
        let (at, label) = if at < trend.from { (trend.from, "before") } else { (at, label) };
        Event { at, glyph: Glyph::Alert, label }
    }));
    events.sort_by_key(|event| event.at);
    // What counts as bad of a quantity is not the quantity: its baseline is no band here.
    let band = baseline.filter(|_| !item.measure().is_quantity());
    let band = band.map(|estimate| (estimate.interval[0], estimate.interval[1]));
    let until = trend.from + trend.step * trend.points.len() as i64;
    let role = if item.level().is_alarm() { Role::Series2 } else { Role::Series1 };
    let chart = Chart {
        series: &[Series { label: title, role, values: &values }],
        band,
        span: (trend.from, until),
        events: &events,
        scale: None,
        marks: Marks::default(),
        format: &written,
    };
    chart.draw(canvas, below);
}
