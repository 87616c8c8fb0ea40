//! The heat map of prompts and models, its legend, and where the detail stands.
//!
//! ```text
//!                    claude-   gpt-5-    llama-
//!                    haiku     mini      3.3
//! ▌ support.refund   █ 0.87★   ▅ 0.74    ░ 0.61
//!   billing.dunning  ▃ 0.66    ·         ▁ 0.41
//!
//!  ▁ <0.52  ▃ <0.61  ▅ <0.70  ▇ <0.78  █ more       each looks as a cell does
//!  ★ recommended  ░ insufficient: fewer than 20 signals  · never served
//! ```

use ratatui::layout::Rect;

use super::{AffinityPane, NOTCHES, SET, best, detail, score};
use crate::console::action::Action;
use crate::console::canvas::{Canvas, Piece, width};
use crate::console::hitmap::ListId;
use crate::console::panes::View;
use crate::console::widgets::heat::{Heat, HeatCell, shade, shaded};
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::said;
use crate::domain::snapshot::Verdict;
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::number::count;
use crate::service::live::{AffinityGrid, AffinityLine};
use crate::theme::{Glyph, Role};

/// Columns from which the detail stands beside the map.
const BESIDE: u16 = 120;
/// Columns from which it stands below.
const BELOW: u16 = 84;

/// Draws the pane.
pub(super) fn draw(pane: &AffinityPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = canvas.on_screen(area);
    if area.is_empty() {
        return;
    }
    let chosen = pane.chosen.is_some();
    if view.zoomed && chosen && pane.beside {
        detail::draw(pane, canvas, area, view);
    } else if view.zoomed {
        map(pane, canvas, area, view, true);
    } else if area.width >= BESIDE && chosen {
        let left = (area.width * 11 / 20).min(area.width.saturating_sub(60));
        map(pane, canvas, Rect { width: left, ..area }, view, !pane.beside);
        let right = Rect { x: area.x + left + 1, width: area.width - left - 1, ..area };
        detail::draw(pane, canvas, right, view);
    } else if area.width >= BELOW && area.height >= 18 && chosen {
        let above = (pane.rows.len() as u16 + 8).max(10).min(area.height / 2);
        map(pane, canvas, Rect { height: above, ..area }, view, !pane.beside);
        detail::draw(pane, canvas, Rect { y: area.y + above, height: area.height - above, ..area }, view);
    } else if pane.beside && chosen {
        detail::draw(pane, canvas, area, view);
    } else {
        map(pane, canvas, area, view, true);
    }
}

fn map(pane: &AffinityPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>, active: bool) {
    let grid = pane.grid.value();
    let note = grid.map(|grid| note(pane, grid, canvas)).unwrap_or_default();
    let title = if pane.is_what_if() { "Affinity, what if" } else { "Affinity" };
    let foot = match grid {
        _ if pane.is_what_if() => what_if(pane),
        Some(grid) => out_of_view(pane, grid, canvas, area.width.saturating_sub(2)),
        None => String::new(),
    };
    let panel = Panel { title, note: &note, foot: &foot, active: active && view.focused };
    let inside = panel.draw(canvas, area);
    let Some(grid) = grid else {
        match pane.grid.fault() {
            Some(fault) => {
                let why = format!("Affinities could not be read: {}", fault.text);
                said(
                    canvas,
                    inside,
                    Role::Bad,
                    &[&why, &format!("{} asks again", view.key(Action::Refresh))],
                );
            }
            None => said(canvas, inside, Role::Faint, &["Weighing prompts against models."]),
        }
        return;
    };
    if pane.rows.is_empty() {
        if grid.lines.is_empty() {
            let why = format!("No calls of a prompt in the {}.", view.window);
            let next = match view.pulse {
                Some(pulse) if pulse.calls == 0 => "`human serve` and `human ingest` take telemetry in.",
                _ => "The next longer window may have some.",
            };
            return said(canvas, inside, Role::Muted, &[&why, next]);
        }
        let why = format!("nothing matches `{}`; {} clears it", pane.filter, view.key(Action::Back));
        let all = format!("{} prompts without the filter", grid.lines.len());
        return said(canvas, inside, Role::Muted, &[&why, &all]);
    }
    let mut inside = inside;
    if let Some(fault) = pane.grid.fault() {
        let words = format!("{} these are old: {}", canvas.glyph(Glyph::Bad), fault.text);
        canvas.put(inside.x, inside.y, inside.width, &words, Role::Bad);
        inside = Rect { y: inside.y + 1, height: inside.height.saturating_sub(1), ..inside };
    }
    let legend = legend(pane, canvas, inside.width);
    // The legend goes before rows do.
    let below = if inside.height > legend.len() as u16 + 6 { legend.len() as u16 + 1 } else { 0 };
    let above = Rect { height: inside.height - below, ..inside };
    heat(pane, grid, canvas, above, active && view.focused);
    for (row, words) in legend.iter().enumerate().take(usize::from(below.saturating_sub(1))) {
        let pieces: Vec<Piece<'_>> = words.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.pieces(inside.x, above.bottom() + 1 + row as u16, inside.width, &pieces);
    }
}

fn note(pane: &AffinityPane, grid: &AffinityGrid, canvas: &Canvas<'_>) -> String {
    let mark = canvas.glyph(if pane.falling { Glyph::Descending } else { Glyph::Ascending });
    let all = grid.lines.len();
    let listed =
        if pane.rows.len() == all { all.to_string() } else { format!("{} of {all}", pane.rows.len()) };
    let waits = if pane.grid.is_waiting() { ", refreshing" } else { "" };
    let (prompts, models) = grid.all;
    let most = match (prompts > all, models > grid.models.len()) {
        (false, false) => String::new(),
        (true, false) => format!(" (the most used of {})", count(prompts as u64)),
        (_, true) => {
            format!(" (the most used of {} on {} models)", count(prompts as u64), count(models as u64))
        }
    };
    format!("{listed} prompts{most} by {} {mark}{waits}", pane.sort.words())
}

fn what_if(pane: &AffinityPane) -> String {
    let prompts = if pane.moved == 1 { "prompt" } else { "prompts" };
    format!(
        "if cost weighed {:.2}, not {:.2}: another model is best for {} {prompts}",
        NOTCHES[pane.notch], NOTCHES[SET], pane.moved
    )
}

/// How many models do not fit, and what brings them into view.
fn out_of_view(pane: &AffinityPane, grid: &AffinityGrid, canvas: &Canvas<'_>, width: u16) -> String {
    let hidden = grid.models.len().saturating_sub(table(pane, grid, false).columns_that_fit(canvas, width));
    let models = if hidden == 1 { "model" } else { "models" };
    match &pane.keys {
        Some([left, right]) if hidden > 0 && !pane.names.is_empty() => {
            format!("{left} {right}: {hidden} more {models}")
        }
        _ => String::new(),
    }
}

fn table<'p>(pane: &'p AffinityPane, grid: &'p AffinityGrid, focused: bool) -> Heat<'p> {
    Heat {
        id: ListId::Affinity,
        rows: &pane.names,
        columns: &grid.models,
        row: &pane.list,
        column: &pane.column,
        focused,
        dimmed: pane.grid.is_waiting() && pane.grid.value().is_some(),
    }
}

fn heat(pane: &AffinityPane, grid: &AffinityGrid, canvas: &mut Canvas<'_>, area: Rect, focused: bool) {
    let heat = table(pane, grid, focused);
    let (star, up) = (canvas.glyph(Glyph::Star), canvas.glyph(Glyph::Up));
    heat.draw(canvas, area, |row, model| {
        let Some(line) = pane.rows.get(row).and_then(|row| grid.lines.get(*row)) else {
            return HeatCell::Empty;
        };
        cell(pane, line, model, star, up)
    });
}

fn cell(pane: &AffinityPane, line: &AffinityLine, model: usize, star: &str, up: &str) -> HeatCell {
    let Some(cell) = line.cells.get(model).and_then(Option::as_ref) else { return HeatCell::Empty };
    let score = score(cell, pane.notch);
    if cell.verdict == Verdict::Insufficient {
        return HeatCell::Thin(format!("{score:.2}"));
    }
    let mark = if pane.is_what_if() {
        let now = best(line, pane.notch);
        if now == Some(model) && now != best(line, SET) { up } else { "" }
    } else if line.recommended == Some(model) {
        star
    } else {
        ""
    };
    HeatCell::Shade(format!("{score:.2}{mark}"), shade(score, &pane.bounds))
}

/// The legend, in as many lines as it needs.
fn legend(pane: &AffinityPane, canvas: &Canvas<'_>, room: u16) -> Vec<Vec<(Role, String)>> {
    let mut parts: Vec<Vec<(Role, String)>> = Vec::new();
    let known: Vec<f64> = pane.bounds.iter().copied().filter(|b| b.is_finite()).collect();
    for i in 0..Role::HEAT.len() {
        let words = match known.get(i) {
            Some(bound) => format!("<{bound:.2} "),
            None if i == known.len() && i > 0 => "more  ".into(),
            None => continue,
        };
        parts.push(vec![shaded(canvas, &words, i)]);
    }
    let marked = if pane.is_what_if() {
        (Role::Text, Glyph::Up, " the best, if cost weighed so")
    } else {
        (Role::Text, Glyph::Star, " recommended")
    };
    let thin = format!(" insufficient: fewer than {MIN_SIGNALS} signals");
    for (role, glyph, words) in [
        marked,
        (Role::Insufficient, Glyph::Hatch, thin.as_str()),
        (Role::Faint, Glyph::Insufficient, " never served"),
    ] {
        parts.push(vec![(role, canvas.glyph(glyph).into()), (Role::Muted, words.into())]);
    }
    let mut lines: Vec<Vec<(Role, String)>> = Vec::new();
    let mut used = 0;
    for part in parts {
        let long: u16 = part.iter().map(|(_, text)| width(text)).sum();
        match lines.last_mut() {
            Some(line) if used + 2 + long <= room => {
                line.push((Role::Muted, "  ".into()));
                line.extend(part);
                used += 2 + long;
            }
            _ => {
                lines.push(part);
                used = long;
            }
        }
    }
    lines
}
