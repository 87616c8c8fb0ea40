//! The review as it is drawn: where the difference and the evidence stand, and both of them.

use ratatui::layout::Rect;

use super::Review;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::panes::View;
use crate::console::widgets::diff_view;
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::{not_refreshed, said};
use crate::console::widgets::scroll;
use crate::theme::{Glyph, Role};

/// Columns from which evidence stands beside the difference.
const BESIDE: u16 = 120;
/// Columns below which one of them has the screen.
pub(super) const ONE: u16 = 84;
/// The place between header and status bar.
pub(super) fn body(size: (u16, u16)) -> Rect {
    Rect { x: 0, y: 1, width: size.0, height: size.1.saturating_sub(2) }
}

/// The places of the difference and of what stands beside it; zoomed, the one that has the focus stands alone.
pub(super) fn split(area: Rect, beside: bool, zoomed: bool) -> (Option<Rect>, Option<Rect>) {
    if zoomed {
        return if beside { (None, Some(area)) } else { (Some(area), None) };
    }
    if area.width >= BESIDE {
        let left = area.width * 2 / 3;
        let right = Rect { x: area.x + left, width: area.width - left, ..area };
        return (Some(Rect { width: left, ..area }), Some(right));
    }
    if area.width >= ONE && area.height >= 20 {
        let top = area.height * 3 / 5;
        let below = Rect { y: area.y + top, height: area.height - top, ..area };
        return (Some(Rect { height: top, ..area }), Some(below));
    }
    if beside { (None, Some(area)) } else { (Some(area), None) }
}

/// Draws it.
pub(super) fn draw(pane: &Review, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let (diff, words) = split(area, pane.beside, view.zoomed);
    if let Some(area) = diff {
        difference(pane, canvas, area, view);
    }
    if let Some(area) = words {
        evidence(pane, canvas, area, view);
    }
}

fn difference(pane: &Review, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let reviewed = pane.reviewed.value();
    let title = match reviewed {
        Some(reviewed) => {
            let proposal = &reviewed.shown.listed.proposal;
            let next = reviewed.shown.publishes.as_ref().and_then(|publishes| publishes.uri.version.clone());
            let arrow = canvas.glyph(Glyph::Arrow);
            let next = next.map(|v| format!(" {arrow} {v}")).unwrap_or_default();
            format!("{}  {} {}{next}", pane.id, proposal.prompt_uri.key, proposal.base_version)
        }
        None => pane.id.to_string(),
    };
    let note = reviewed.map_or_else(String::new, |r| format!("+{} -{}", r.diff.added, r.diff.removed));
    let foot = reviewed.map_or_else(String::new, |r| {
        let waiting = if pane.reviewed.is_waiting() { ", refreshing" } else { "" };
        format!("{}{waiting}", pane.difference.foot(&r.laid))
    });
    let active = view.focused && !pane.beside;
    let panel = Panel { title: &title, note: &note, foot: &foot, active };
    let inside = panel.draw(canvas, area);
    match (reviewed, pane.reviewed.fault()) {
        (Some(reviewed), Some(fault)) => {
            let inside = not_refreshed(canvas, inside, fault);
            diff_view::draw(canvas, inside, &reviewed.laid, pane.difference.offset, ListId::Diff);
            canvas.tint(inside, Role::Faint);
        }
        (Some(reviewed), None) => {
            diff_view::draw(canvas, inside, &reviewed.laid, pane.difference.offset, ListId::Diff);
        }
        (None, Some(fault)) => said(canvas, inside, Role::Bad, &[&fault.text]),
        (None, None) => said(canvas, inside, Role::Muted, &["reading the proposal"]),
    }
}

fn evidence(pane: &Review, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let listed = pane.reviewed.value().map(|reviewed| &reviewed.shown.listed);
    let title = listed.map_or_else(
        || "Evidence".to_owned(),
        |listed| format!("{} risk", listed.proposal.risk.level.as_str()),
    );
    let note = listed.map_or("", |listed| listed.status);
    let panel = Panel { title: &title, note, active: view.focused && pane.beside, ..Panel::default() };
    let narrow = area.width < canvas.buf.area.width;
    let inside = if narrow { panel.framed(canvas, area) } else { panel.draw(canvas, area) };
    let height = usize::from(inside.height);
    let shown = InView { offset: scroll::held(pane.words_offset, height, pane.words.len()), height };
    canvas.hits.view(ListId::Evidence, shown);
    canvas.hits.zone(inside, Target::List(ListId::Evidence));
    for row in 0..height.min(pane.words.len().saturating_sub(shown.offset)) {
        pane.words.draw(
            canvas,
            inside.x,
            inside.y + row as u16,
            inside.width.saturating_sub(1),
            shown.offset + row,
        );
    }
    scroll::bar(canvas, inside, shown, pane.words.len());
}
