//! The watch as it is drawn: live rates, the banner of a frozen screen, the list, and where the detail stands.
//!
//! ```text
//!   STATE   STREAM                              WAS → NOW       M   MORE/H
//! ▌ ◆ PAGE  support.refund-reply                 6% → 18%   29,614     ~41
//!           negative since 11-20 08:00 (26h) · version 2.1.0 became active …
//! ```
//!
//! Two lines a row: what it is, and since when and why. From 120 columns on the detail stands beside the list, from 84
//! on below it; narrower there is one of both at a time.

use ratatui::layout::Rect;

use super::item::{self, Item};
use super::terms::{affected, ago, short};
use super::{Held, WatchPane, detail, regressed};
use crate::console::action::Action;
use crate::console::canvas::{Canvas, Piece, width};
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::panes::View;
use crate::console::panes::sheet::Words;
use crate::console::panes::words::level;
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::said;
use crate::console::widgets::scroll;
use crate::console::widgets::sparkline::Sparkline;
use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::time;
use crate::engine::number::{NONE, count, duration, percent, usd};
use crate::engine::trend::estimate::Estimate;
use crate::engine::trend::health::{Health, Level};
use crate::engine::trend::words;
use crate::service::Watch;
use crate::service::live::Rates;
use crate::theme::{Glyph, Role};

/// Columns from which the detail stands beside the list.
const BESIDE: u16 = 120;
/// Columns from which it stands below.
const BELOW: u16 = 84;
/// Rows of each.
const ROW: u16 = 2;
/// Columns of the cursor and of the state.
const STATE: u16 = 10;
/// Columns of what changed.
const CHANGE: u16 = 13;
/// Columns of the course of two weeks.
const COURSE: u16 = 14;

/// Draws the pane.
pub(super) fn draw(pane: &WatchPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = canvas.on_screen(area);
    if area.is_empty() {
        return;
    }
    let mut rest = area;
    let mut take = |rows: u16| {
        let taken = Rect { height: rows.min(rest.height), ..rest };
        rest = Rect { y: rest.y + taken.height, height: rest.height - taken.height, ..rest };
        taken
    };
    rates(pane, canvas, take(1), pane.held.as_ref().map_or(view.now, |held| held.since));
    if let Some(held) = &pane.held {
        banner(held, canvas, take(1), view.now);
    }
    if area.height >= 30 {
        take(1);
    }
    let selected = pane.selected().is_some();
    if view.zoomed {
        if pane.beside && selected {
            detail::draw(pane, canvas, rest, view);
        } else {
            list(pane, canvas, rest, view, true);
        }
    } else if area.width >= BESIDE && selected {
        let left = area.width * 11 / 20;
        list(pane, canvas, Rect { width: left, ..rest }, view, !pane.beside);
        let right = Rect { x: rest.x + left + 1, width: rest.width - left - 1, ..rest };
        detail::draw(pane, canvas, right, view);
    } else if area.width >= BELOW && rest.height >= 14 {
        // The list has what it needs, up to half of the rows.
        let needed = (pane.rows.len().min(usize::from(rest.height)) as u16) * ROW + 3;
        let above = needed.max(7).min(rest.height / 2);
        let above = if selected { above } else { rest.height };
        list(pane, canvas, Rect { height: above, ..rest }, view, !pane.beside);
        let below = Rect { y: rest.y + above, height: rest.height - above, ..rest };
        if selected {
            detail::draw(pane, canvas, below, view);
        }
    } else if pane.beside && selected {
        detail::draw(pane, canvas, rest, view);
    } else {
        list(pane, canvas, rest, view, true);
    }
}

fn rates(pane: &WatchPane, canvas: &mut Canvas<'_>, row: Rect, at: Millis) {
    let inside = Rect { x: row.x + 1, width: row.width.saturating_sub(2), ..row };
    let counted = pane.shown_look().map(|look| format!("counted up to {}", short(&look.until)));
    let Some(now) = pane.shown_rates() else {
        let words = match pane.rates.fault() {
            Some(fault) => format!("no live rates: {}", fault.text),
            None => "live rates are being read".to_owned(),
        };
        canvas.put(inside.x, inside.y, inside.width, &words, Role::Faint);
        return;
    };
    let parts = rate_words(now, at);
    let separator = format!("  {}  ", canvas.glyph(Glyph::Separator));
    let mut used = 0;
    for (i, (role, number, unit)) in parts.iter().enumerate() {
        let long = width(number) + width(unit) + if i > 0 { width(&separator) } else { 0 };
        if used + long > inside.width {
            break;
        }
        let mut pieces: Vec<Piece<'_>> = Vec::new();
        if i > 0 {
            pieces.push((Role::Faint, &separator));
        }
        pieces.extend([(*role, number.as_str()), (Role::Muted, unit.as_str())]);
        used += canvas.pieces(inside.x + used, inside.y, inside.width - used, &pieces);
    }
    if let Some(counted) = counted.filter(|words| used + width(words) + 3 <= inside.width) {
        canvas.put_right(inside.x, inside.y, inside.width, &counted, Role::Muted);
    }
}

/// The rates at a moment: a number and what it counts, the most telling first.
fn rate_words(now: &Rates, at: Millis) -> Vec<(Role, String, String)> {
    let calls = if now.calls >= 9.95 || now.calls <= 0.0 {
        count(now.calls.max(0.0).round() as u64)
    } else {
        format!("{:.1}", now.calls)
    };
    let failed = match now.failed {
        Some(share) => {
            (if share >= 0.05 { Role::Bad } else { Role::Strong }, percent(Some(share)), " failed")
        }
        None => (Role::Muted, String::new(), "no calls, no errors"),
    };
    let lag = match now.newest {
        None => (String::new(), "no call yet".to_owned()),
        // Nothing comes, so nothing moves: an age would stand still.
        Some(newest) if now.calls <= 0.0 => (short(&time(newest)), " was the newest call".to_owned()),
        Some(newest) => {
            let lag = (at - newest).max(0);
            let text = if lag < 10_000 { duration(Some(lag as f64)) } else { ago(lag) };
            (text, " since the newest call".to_owned())
        }
    };
    let quarantined = if now.quarantined > 0 { Role::Caution } else { Role::Strong };
    vec![
        (Role::Strong, calls, " calls/s".into()),
        (failed.0, failed.1, failed.2.into()),
        (Role::Strong, usd(now.cost), "/h".into()),
        (Role::Strong, lag.0, lag.1),
        (quarantined, count(now.quarantined), " in quarantine".into()),
    ]
}

fn banner(held: &Held, canvas: &mut Canvas<'_>, row: Rect, now: Millis) {
    canvas.fill(row, Role::ChipAlert);
    let at = time(held.since);
    let clock = at.get(11..19).unwrap_or(&at);
    let newer = match held.newer {
        0 => String::new(),
        1 => format!(" {} 1 newer look waits", canvas.glyph(Glyph::Separator)),
        n => format!(" {} {n} newer looks wait", canvas.glyph(Glyph::Separator)),
    };
    let mark = canvas.glyph(Glyph::Frozen);
    let words = format!("{mark} frozen since {clock} UTC, {} ago{newer}", ago(now - held.since));
    canvas.put(row.x + 1, row.y, row.width.saturating_sub(2), &words, Role::ChipAlert);
}

/// How many of what, for the note of the panel: the least of it, and all of it.
fn note(pane: &WatchPane, look: &Watch) -> (String, String) {
    let all = item::count(look);
    let listed = match pane.rows.len() {
        n if n == all => count(look.streams.len() as u64),
        n => format!("{n} of {all}"),
    };
    let regressed = match look.regressions.len() {
        0 => String::new(),
        _ if pane.rows.len() < all => "regressed and ".to_owned(),
        n => format!("{n} regressed, "),
    };
    let least = if pane.rows.len() < all {
        format!("{listed} {regressed}rising")
    } else {
        format!("{regressed}{listed} rising")
    };
    let seen =
        if look.acknowledged > 0 { format!(", {} acknowledged", look.acknowledged) } else { String::new() };
    let whole = format!(
        "{least}, {} stable, {} with too little to say{seen}",
        count(look.stable as u64),
        count(look.insufficient as u64)
    );
    (least, whole)
}

fn list(pane: &WatchPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>, active: bool) {
    let look = pane.shown_look();
    let (least, whole) = look.map(|look| note(pane, look)).unwrap_or_default();
    let note = if width(&whole) + 14 <= area.width { &whole } else { &least };
    let page_from = look.map(|look| count(look.page_from as u64));
    let foot = page_from.map(|from| format!("M: by chance once in M months; WARN from 20, PAGE from {from}"));
    let foot = foot.filter(|foot| width(foot) + 6 <= area.width).unwrap_or_default();
    let panel = Panel { title: "Watch", note, foot: &foot, active: active && view.focused };
    let mut inside = panel.draw(canvas, area);
    let Some(look) = look else {
        match &pane.fault {
            Some(fault) => {
                let why = format!("The watch could not look: {}", fault.text);
                let again = format!("{} asks again", view.key(Action::Refresh));
                said(canvas, inside, Role::Bad, &[&why, &again]);
            }
            None => said(
                canvas,
                inside,
                Role::Muted,
                &["Looking at every stream.", "The first look of a large fleet takes half a minute."],
            ),
        }
        return;
    };
    if let Some(fault) = &pane.fault {
        let words = format!("{} the newest look failed: {}", canvas.glyph(Glyph::Bad), fault.text);
        canvas.put(inside.x, inside.y, inside.width, &words, Role::Bad);
        inside =
            Rect { y: inside.y + 1.min(inside.height), height: inside.height.saturating_sub(1), ..inside };
    }
    if pane.rows.is_empty() {
        return nothing(pane, look, canvas, inside, view);
    }
    streams(pane, canvas, inside, view, active);
}

fn nothing(pane: &WatchPane, look: &Watch, canvas: &mut Canvas<'_>, inside: Rect, view: &View<'_>) {
    if item::count(look) > 0 {
        let what =
            if look.regressions.is_empty() { "rising streams" } else { "regressions and rising streams" };
        let why = format!("None of {} {what} has `{}`.", item::count(look), pane.filter);
        return said(canvas, inside, Role::Muted, &[&why, &format!("{} clears it", view.key(Action::Back))]);
    }
    if look.stable + look.insufficient + look.acknowledged == 0 {
        let lines = [
            "Nothing to watch yet: no calls of a prompt in closed hours.",
            "An hour closes two hours after its end.",
        ];
        return said(canvas, inside, Role::Muted, &lines);
    }
    let seen = match look.acknowledged {
        0 => String::new(),
        n => format!("; {} acknowledged, until their new baseline is there", count(n as u64)),
    };
    let all =
        format!("{} All is stable: {} streams{seen}.", canvas.glyph(Glyph::Good), count(look.stable as u64));
    let little = format!("{} more have too little evidence to say.", count(look.insufficient as u64));
    said(canvas, inside, Role::Good, &[&all, &little]);
}

/// Which numbers there is room for, from the right: more bad calls an hour, M.
fn numbers(room: u16) -> (u16, u16) {
    (if room >= 62 { 9 } else { 0 }, if room >= 46 { 9 } else { 0 })
}

/// Columns of the course, with the gap before it.
fn course(room: u16) -> u16 {
    if room >= 84 { COURSE + 2 } else { 0 }
}

fn streams(pane: &WatchPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>, active: bool) {
    let (more, months) = numbers(area.width);
    let room = area.width.saturating_sub(1);
    if area.height > ROW {
        let right = area.x + room;
        canvas.put(area.x + 2, area.y, room, "STATE", Role::Heading);
        canvas.put(area.x + STATE, area.y, room.saturating_sub(STATE), "STREAM", Role::Heading);
        let change = format!("WAS {} NOW", canvas.glyph(Glyph::Arrow));
        let x = right.saturating_sub(more + months + CHANGE);
        if room > STATE + 30 {
            canvas.put_right(x, area.y, CHANGE, &change, Role::Heading);
        }
        if course(area.width) > 0 {
            canvas.put(x.saturating_sub(COURSE), area.y, COURSE, "14 DAYS", Role::Heading);
        }
        if months > 0 {
            canvas.put_right(right - more - months, area.y, months, "M", Role::Heading);
        }
        if more > 0 {
            canvas.put_right(right - more, area.y, more, "MORE/H", Role::Heading);
        }
    }
    let head = u16::from(area.height > ROW);
    let body = Rect { y: area.y + head, height: area.height - head, ..area };
    let height = usize::from((body.height / ROW).max(1));
    let len = pane.rows.len();
    let shown = InView { offset: pane.list.offset_for(height, len), height };
    canvas.hits.zone(body, Target::List(ListId::Watch));
    canvas.hits.view(ListId::Watch, shown);
    for (nth, index) in (shown.offset..len).take(height).enumerate() {
        let y = body.y + nth as u16 * ROW;
        let place = Rect { y, height: ROW.min(body.bottom() - y), ..body };
        let place = Rect { width: room, ..place };
        let Some(item) = pane.item(index) else { continue };
        one(canvas, place, item, view.now);
        if pane.list.selected(len) == Some(index) {
            let cursor = canvas.glyph(Glyph::Cursor);
            for y in place.top()..place.bottom() {
                canvas.put(place.x, y, 1, cursor, Role::Accent);
            }
            canvas.tint(place, if active && view.focused { Role::Selection } else { Role::SelectionIdle });
        }
        canvas.hits.zone(place, Target::Row(ListId::Watch, index));
    }
    scroll::bar(canvas, body, shown, len);
}

fn one(canvas: &mut Canvas<'_>, place: Rect, item: Item<'_>, now: Millis) {
    let (more, months) = numbers(place.width + 1);
    let (mark, _, role) = level(Some(item.level()));
    // Silenced, it calls nobody.
    let role = if item.silenced_until().is_some() { Role::Muted } else { role };
    let state = format!("{} {}", canvas.glyph(mark), item.level().as_str());
    canvas.put(place.x + 2, place.y, STATE.saturating_sub(3).min(place.width), &state, role);
    let right = place.right();
    let change = if place.width > STATE + 30 { CHANGE } else { 0 };
    let course = course(place.width + 1);
    let name = place.width.saturating_sub(STATE + more + months + change + course + 1);
    let x = place.x + STATE;
    canvas.put(x, place.y, name, &item.title(), Role::Strong);
    if let Item::Stream(stream) = item
        && course > 0
    {
        let band = stream.baseline.map(|usual| (usual.interval[0], usual.interval[1]));
        let role = match stream.level {
            _ if stream.silenced_until.is_some() => Role::Muted,
            Level::Page => Role::Bad,
            Level::Warn => Role::Caution,
            _ => Role::Series1,
        };
        let sparkline = Sparkline { values: &stream.course, role, band, scale: None };
        let x = right.saturating_sub(more + months + change + COURSE);
        sparkline.draw(canvas, Rect { x, width: COURSE, height: 1, ..place });
    }
    let versions = match item {
        Item::Regression(found) => {
            Some(regressed::versions(found, canvas)).filter(|text| width(text) <= change)
        }
        Item::Stream(_) => None,
    };
    // What changed, how sure that is, how many calls it touches.
    let numbers = match item {
        Item::Regression(_) => [versions.clone().unwrap_or_default(), NONE.into(), NONE.into()],
        Item::Stream(stream) => {
            let rate = |estimate: Option<Estimate>| percent(estimate.map(|e| e.rate));
            let (was, now) = (rate(stream.baseline), rate(stream.current));
            [
                format!("{was} {} {now}", canvas.glyph(Glyph::Arrow)),
                words::months(stream.evidence),
                affected(stream).unwrap_or_else(|| NONE.into()),
            ]
        }
    };
    let mut end = right - more - months - change;
    for (wide, text) in [change, months, more].into_iter().zip(&numbers) {
        if wide > 0 {
            canvas.put_right(end, place.y, wide, text, Role::Text);
        }
        end += wide;
    }
    if place.height > 1 {
        let row = Rect { x, y: place.y + 1, width: place.width.saturating_sub(STATE), height: 1 };
        let pieces = match item {
            Item::Regression(found) => regressed::second(found, canvas, versions.is_some(), now),
            Item::Stream(stream) => second(stream, canvas, now),
        };
        let pieces: Vec<Piece<'_>> = pieces.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.pieces(row.x, row.y, row.width, &pieces);
    }
}

/// The second line of a stream: what of it, since when, why.
fn second(stream: &Health, canvas: &Canvas<'_>, now: Millis) -> Vec<Words> {
    let separator = format!(" {} ", canvas.glyph(Glyph::Separator));
    let mut pieces = vec![(Role::Text, stream.id.measure.as_str().to_owned())];
    if let (Some(since), Some(onset)) = (&stream.since, stream.onset) {
        let age = ago(now - i64::from(onset) * HOUR_MS);
        pieces.push((Role::Muted, format!(" since {} ({age})", short(since))));
    }
    if stream.lasts() == Some(false) {
        pieces.push((Role::Good, format!("{separator}no longer")));
    }
    if let Some(until) = &stream.silenced_until {
        pieces.push((Role::Info, format!("{separator}silenced until {}", short(until))));
    }
    match (stream.causes.first(), &stream.reason) {
        (Some(cause), _) => pieces.push((Role::Muted, format!("{separator}{}", cause.what))),
        (None, Some(reason)) => pieces.push((Role::Muted, format!("{separator}{reason}"))),
        (None, None) => {}
    }
    pieces
}
