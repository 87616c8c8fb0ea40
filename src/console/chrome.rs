//! What surrounds the pane: header, status bar, toasts, dialogs, and what is said where there is no room.
//!
//! ```text
//!  human  1 Prompts  2 Affinity  3 Proposals 11  4 Watch ▲2  5 Ledger            ana · 7d
//!  pane …
//!                                                                   ╭ toast ─────────────╮
//!  j down · enter open · / filter · ? help                      read-only · as of 12:04:31 UTC
//! ```

use ratatui::layout::Rect;

use super::action::Action;
use super::app::{App, LEAST};
use super::canvas::Canvas;
use super::dialogs::{Dialog, Popup as _};
use super::hitmap::Target;
use super::keymap::Keymap;
use super::moment;
use super::tab::Tab;
use super::widgets::keys;
use super::widgets::panel::backdrop;
use super::widgets::toast::{self, Toast};
use crate::theme::{Glyph, Role};

/// Columns below which only the open tab has its name.
const NARROW: u16 = 84;
/// Columns from which the status bar says in words what its time is.
const ROOMY: u16 = 100;

/// Draws everything.
pub fn draw(app: &App, keymap: &Keymap, canvas: &mut Canvas<'_>) {
    let all = canvas.buf.area;
    canvas.fill(all, Role::Ground);
    if all.width < LEAST.0 || all.height < LEAST.1 {
        return too_small(canvas, all);
    }
    let body = if app.zoomed {
        Rect { height: all.height - 1, ..all }
    } else {
        header(app, canvas, Rect { height: 1, ..all });
        Rect { y: all.y + 1, height: all.height - 2, ..all }
    };
    app.draw_pane(keymap, canvas, body);
    let above = Rect { height: all.height - 1, ..all };
    let lowest = Rect { y: all.bottom() - 1, height: 1, ..all };
    // Of several the topmost alone is drawn: the others wait until it is answered.
    match app.dialogs.last() {
        Some(bar) if bar.is_bar() => {
            status(app, keymap, canvas, lowest);
            match bar {
                Dialog::Filter(bar) => bar.draw_with(canvas, all, app.filter_fault()),
                bar => bar.draw(canvas, all),
            }
        }
        dialog => {
            if let Some(dialog) = dialog {
                backdrop(canvas, above);
                dialog.draw(canvas, above);
            }
            status(app, keymap, canvas, lowest);
        }
    }
    toasts(app, canvas, above);
}

fn too_small(canvas: &mut Canvas<'_>, all: Rect) {
    let lines = [
        "too small".to_owned(),
        format!("have {}x{}", all.width, all.height),
        format!("need {}x{}", LEAST.0, LEAST.1),
    ];
    let top = all.y + all.height.saturating_sub(lines.len() as u16) / 2;
    for (row, line) in lines.iter().enumerate() {
        canvas.put_centred(all.x, top + row as u16, all.width, line, Role::Text);
    }
}

/// What a tab has to say beside its name.
fn badge(app: &App, tab: Tab, canvas: &Canvas<'_>) -> Option<(Role, String)> {
    let pulse = app.pulse.value()?;
    match tab {
        Tab::Proposals if pulse.open_high > 0 => {
            Some((Role::Caution, format!("{}{}", canvas.glyph(Glyph::Caution), pulse.open)))
        }
        Tab::Proposals if pulse.open > 0 => Some((Role::Info, pulse.open.to_string())),
        Tab::Watch => match app.alarms()? {
            (_, pages) if pages > 0 => Some((Role::Page, format!("{}{pages}", canvas.glyph(Glyph::Page)))),
            (warns, _) if warns > 0 => {
                Some((Role::Caution, format!("{}{warns}", canvas.glyph(Glyph::Caution))))
            }
            _ => None,
        },
        _ => None,
    }
}

fn header(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let wide = area.width >= NARROW;
    let mut x = area.x + 1;
    if wide {
        x += canvas.put(x, area.y, area.width, "human", Role::Accent) + 2;
    }
    for (i, tab) in Tab::ALL.into_iter().enumerate() {
        let open = app.tab == tab;
        let start = x;
        let role = if open { Role::TabActive } else { Role::Tab };
        let badge = badge(app, tab, canvas);
        let name = match (wide || open, i + 1) {
            (true, n) => format!(" {n} {} ", tab.title()),
            // What it has to say is no tab of its own.
            (false, n) if badge.is_some() => format!(" {n}:"),
            (false, n) => format!(" {n} "),
        };
        let room = area.right().saturating_sub(x);
        x += canvas.put(x, area.y, room, &name, role);
        if let Some((role, text)) = badge {
            let room = area.right().saturating_sub(x);
            x += canvas.put(x, area.y, room, &text, role) + 1;
        }
        canvas.hits.zone(Rect { x: start, width: x - start, ..area }, Target::Tab(tab));
    }
    let crumbs = app.crumbs();
    let window = app.window.words();
    let separator = format!(" {} ", canvas.glyph(Glyph::Separator));
    let who = app.pulse.value().and_then(|pulse| pulse.steward.as_ref());
    let who = who.map(|(name, _)| name.rsplit('/').next().unwrap_or(name).to_owned());
    let mut parts: Vec<(Role, String)> = Vec::new();
    if crumbs.len() > 1 {
        parts.push((Role::Strong, crumbs[1..].join(&format!(" {} ", canvas.glyph(Glyph::Arrow)))));
    }
    if let Some(who) = who.filter(|_| wide) {
        parts.push((Role::Muted, who));
    }
    parts.push(match app.earlier_window() {
        Some(_) => (Role::Info, format!("reading {window}…")),
        None => (Role::Muted, window),
    });
    let room = area.right().saturating_sub(x + 2);
    // The window goes last, the crumbs are cut before it.
    while parts.len() > 1 && width_of(canvas, &parts, &separator) > room && parts.len() > 2 {
        parts.remove(1);
    }
    let fixed: u16 = parts.iter().skip(1).map(|(_, t)| canvas.width(t) + 3).sum();
    let mut pieces: Vec<(Role, String)> = Vec::new();
    for (i, (role, text)) in parts.into_iter().enumerate() {
        if i > 0 {
            pieces.push((Role::Faint, separator.clone()));
        }
        pieces.push((role, text));
    }
    let total: u16 = pieces.iter().map(|(_, text)| canvas.width(text)).sum();
    if total > room && pieces.len() > 1 {
        let first = room.saturating_sub(fixed);
        let shown = tail(&pieces[0].1, first);
        pieces[0].1 = shown;
    }
    let total: u16 = pieces.iter().map(|(_, text)| canvas.width(text)).sum();
    if total > room {
        return;
    }
    let mut at = area.right() - 1 - total;
    for (role, text) in &pieces {
        at += canvas.put(at, area.y, area.right() - at, text, *role);
    }
}

/// The end of a text that begins alike with others.
fn tail(text: &str, width: u16) -> String {
    let long = text.chars().count();
    let width = usize::from(width);
    if long <= width {
        return text.to_owned();
    }
    if width < 2 {
        return String::new();
    }
    let rest: String = text.chars().skip(long - width + 1).collect();
    format!("…{rest}")
}

fn width_of(canvas: &Canvas<'_>, parts: &[(Role, String)], separator: &str) -> u16 {
    let between = canvas.width(separator) * (parts.len() as u16).saturating_sub(1);
    parts.iter().map(|(_, text)| canvas.width(text)).sum::<u16>() + between
}

/// What stands at the right of the status bar.
fn chips(app: &App, canvas: &Canvas<'_>, width: u16) -> Vec<(Role, String)> {
    let mut chips = Vec::new();
    if let Some(filter) = app.filter() {
        chips.push((Role::Chip, format!("/{filter}")));
    }
    if app.working() > 0 {
        chips.push((Role::Info, "working".to_owned()));
    }
    if !app.mouse {
        chips.push((Role::Chip, "mouse off".to_owned()));
    }
    if let Some(fault) = app.pulse.fault() {
        chips.push((Role::Bad, fault.text.chars().take(60).collect()));
    } else if let Some(pulse) = app.pulse.value() {
        if pulse.quarantined > 0 {
            chips.push((Role::Caution, format!("quarantine {}", pulse.quarantined)));
        }
        let at = moment::clock(app.as_of);
        chips.push((Role::Muted, if width < ROOMY { at } else { format!("as of {at} UTC") }));
    }
    // The last to go: what they say changes what every key means.
    if app.settings.read_only {
        chips.push((Role::ChipAlert, format!("{} read-only", canvas.glyph(Glyph::Locked))));
    }
    if app.is_frozen() {
        chips.push((Role::ChipAlert, format!("{} frozen", canvas.glyph(Glyph::Frozen))));
    }
    chips
}

fn status(app: &App, keymap: &Keymap, canvas: &mut Canvas<'_>, area: Rect) {
    canvas.fill(area, Role::Hint);
    let hints: Vec<(String, &'static str, bool)> = match app.dialogs.last() {
        Some(dialog) => {
            dialog.hints().into_iter().map(|(key, words)| (key.to_owned(), words, true)).collect()
        }
        None if !app.typed.is_empty() => vec![(super::keymap::written(&app.typed), "…", true)],
        None => hints(app, keymap),
    };
    let chips = chips(app, canvas, area.width);
    let chips: Vec<(Role, &str)> = chips.iter().map(|(role, words)| (*role, words.as_str())).collect();
    let left = keys::chips(canvas, Rect { width: area.width.saturating_sub(1), ..area }, &chips);
    keys::hints(canvas, Rect { x: left.x + 1, width: left.width.saturating_sub(2), ..left }, &hints);
}

/// The hints of the pane, and help.
fn hints(app: &App, keymap: &Keymap) -> Vec<(String, &'static str, bool)> {
    let own = app.hints().iter().chain(&[Action::Help]);
    own.filter_map(|action| Some((keymap.key(*action)?, action.row().hint, app.objection(*action).is_none())))
        .collect()
}

fn toasts(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    let shown: Vec<Toast<'_>> =
        app.toasts.shown().into_iter().map(|t| Toast { words: &t.text, role: t.role }).collect();
    // What a dialog says is not covered.
    if !matches!(app.dialogs.last(), Some(Dialog::Accept(_) | Dialog::Confirm(_))) {
        toast::draw(canvas, area, &shown);
    }
}
