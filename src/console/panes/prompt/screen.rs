//! How the page of a prompt is laid out, and its head.
//!
//! ```text
//!  < 120 columns            >= 120                      >= 180, and 36 rows
//!  ┌ head ──────────┐       ┌ head ───────────────┐     ┌ head ───────────────────┐
//!  │ a section      │       │ trends │ a section   │     │        │ parts  │ text   │
//!  │                │       │        │             │     │ trends │ history│ calls  │
//! ```

use ratatui::layout::Rect;

use super::super::{View, words};
use super::{Line, PromptPane, Section, calls, parts, story, trends};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::moment;
use crate::console::widgets::panel::Panel;
use crate::console::widgets::said::said;
use crate::console::widgets::{prose, scroll};
use crate::domain::snapshot::Verdict;
use crate::engine::number::{count, duration, usd};
use crate::service::live::PromptPage;
use crate::theme::{Glyph, Role};

/// What is shown beside the text.
pub(super) const SHOWING: prose::Showing = prose::Showing { numbers: true, invisibles: false };
/// Rows of the head, with the blank below it.
const HEAD: u16 = 3;
/// Columns from which trends stand beside another section.
const WIDE: u16 = 120;
/// Columns and rows from which everything is shown at once.
const ALL: (u16, u16) = (180, 36);

/// How many sections are seen at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    One,
    Two,
    All,
}

/// How many there is room for; zoomed, one.
fn seen(area: Rect, zoomed: bool) -> Seen {
    match (area.width, area.height) {
        (width, _) if zoomed || width < WIDE => Seen::One,
        (width, height) if width >= ALL.0 && height >= ALL.1 => Seen::All,
        _ => Seen::Two,
    }
}

/// The place of the page on a terminal of this size.
fn page_on(size: (u16, u16)) -> Rect {
    Rect::new(0, 0, size.0, size.1.saturating_sub(2))
}

/// Whether a terminal of this size shows every section at once.
pub(super) fn shows_all(size: (u16, u16), zoomed: bool) -> bool {
    seen(page_on(size), zoomed) == Seen::All
}

/// Sections in their places, below the head.
fn rooms(area: Rect, section: Section, seen: Seen) -> Vec<(Section, Rect)> {
    let split = |area: Rect, left: u16| {
        let gap = 1.min(area.width - left);
        (
            Rect { width: left, ..area },
            Rect { x: area.x + left + gap, width: area.width - left - gap, ..area },
        )
    };
    if seen == Seen::All {
        let (left, rest) = split(area, area.width * 3 / 10);
        let (middle, right) = split(rest, rest.width / 2);
        let cut = |area: Rect, high: u16| {
            (Rect { height: high, ..area }, Rect { y: area.y + high, height: area.height - high, ..area })
        };
        let ((parts, history), (text, calls)) =
            (cut(middle, area.height * 6 / 10), cut(right, area.height * 6 / 10));
        return vec![
            (Section::Trends, left),
            (Section::Parts, parts),
            (Section::History, history),
            (Section::Text, text),
            (Section::Calls, calls),
        ];
    }
    if seen == Seen::Two {
        let (left, right) = split(area, area.width * 45 / 100);
        let other = if section == Section::Trends { Section::Parts } else { section };
        return vec![(Section::Trends, left), (other, right)];
    }
    vec![(section, area)]
}

/// What is left for sections of a shown.
fn below(area: Rect, seen: Seen) -> Rect {
    let head = (HEAD + u16::from(seen == Seen::One)).min(area.height);
    Rect { y: area.y + head, height: area.height - head, ..area }
}

/// Columns inside the panel of a section on a terminal of this size; 0 where it is not shown.
fn inside(size: (u16, u16), zoomed: bool, section: Section, shown: Section) -> u16 {
    let area = page_on(size);
    let seen = seen(area, zoomed);
    let rooms = rooms(below(area, seen), shown, seen);
    rooms.iter().find(|(at, _)| *at == section).map_or(0, |(_, room)| content(*room, rooms.len() == 1).width)
}

/// Columns of the text.
pub(super) fn text_width(size: (u16, u16), zoomed: bool, shown: Section) -> u16 {
    inside(size, zoomed, Section::Text, shown)
}

/// Columns of the history, while it is the section that is shown.
pub(super) fn story_width(size: (u16, u16), zoomed: bool) -> u16 {
    inside(size, zoomed, Section::History, Section::History)
}

/// Columns of the trends.
pub(super) fn trends_width(size: (u16, u16), zoomed: bool) -> u16 {
    inside(size, zoomed, Section::Trends, Section::Trends)
}

/// What is inside a place: of its frame, where it does not stand alone.
fn content(room: Rect, alone: bool) -> Rect {
    if alone {
        let left = 1.min(room.width);
        return Rect { x: room.x + left, width: room.width - left, ..room };
    }
    if room.width < crate::console::widgets::panel::NARROW || room.height < 3 {
        return Rect { y: room.y + 1.min(room.height), height: room.height.saturating_sub(1), ..room };
    }
    Rect { x: room.x + 2, y: room.y + 1, width: room.width - 4, height: room.height - 2 }
}

/// Draws all of it.
pub(super) fn draw(shown: &PromptPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = canvas.on_screen(area);
    if area.width < 10 || area.height < 3 {
        return;
    }
    let Some(page) = shown.page.value() else {
        match shown.page.fault() {
            Some(fault) => {
                let (again, back) = (view.key(Action::Refresh), view.key(Action::Back));
                let next = format!("{again} asks again, {back} goes back");
                said(canvas, area, Role::Bad, &[&fault.text, &next]);
            }
            None => said(canvas, area, Role::Faint, &[&format!("reading {}…", shown.uri)]),
        }
        return;
    };
    let seen = seen(area, view.zoomed);
    head(shown, page, canvas, area, view);
    if seen == Seen::One {
        let row = Rect { y: area.y + HEAD.min(area.height - 1), height: 1, ..area };
        tabs(shown.section, canvas, row);
    }
    let rooms = rooms(below(area, seen), shown.section, seen);
    let alone = rooms.len() == 1;
    for (section, room) in rooms {
        let active = section == shown.section;
        canvas.hits.zone(room, Target::Column(ListId::Prompt, section as usize));
        let note = note(shown, page, section, canvas);
        let panel = Panel { title: section.title(), note: &note, foot: "", active: active && view.focused };
        let framed = !alone && room.height >= 3;
        let inner = if framed { panel.draw(canvas, room) } else { content(room, true) };
        section_in(shown, page, section, canvas, inner, view);
    }
}

fn note(shown: &PromptPane, page: &PromptPage, section: Section, canvas: &Canvas<'_>) -> String {
    match section {
        Section::Trends => {
            format!("{} version  {} alarm", canvas.glyph(Glyph::Version), canvas.glyph(Glyph::Alert))
        }
        Section::Parts => "score with its 95 % interval".into(),
        Section::Text => page.active.as_ref().map_or_else(String::new, ToString::to_string),
        Section::History => format!("{} versions", page.versions.len()),
        Section::Calls => match shown.calls.value() {
            Some(calls) if calls.more => format!("newest {}", calls.lines.len()),
            Some(calls) => count(calls.lines.len() as u64),
            None => String::new(),
        },
    }
}

fn section_in(
    shown: &PromptPane,
    page: &PromptPage,
    section: Section,
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &View<'_>,
) {
    let offset = shown.offsets[section as usize];
    let active = section == shown.section;
    let little = canvas.glyph(Glyph::Insufficient);
    let silent = match section {
        Section::Trends => page.trend.points.is_empty(),
        Section::Parts => parts::lines(page, area.width, little).is_empty(),
        Section::Calls => shown.calls.value().is_some_and(|calls| calls.lines.is_empty()),
        Section::Text | Section::History => false,
    };
    if silent {
        let words = format!("No call in this time. {} looks further back.", view.key(Action::Window));
        canvas.put(area.x, area.y, area.width, &words, Role::Muted);
        return;
    }
    match section {
        Section::Trends => trends::draw(page, canvas, area, offset, active),
        Section::Parts => lines(&parts::lines(page, area.width, little), canvas, area, offset, active),
        Section::History => {
            lines(&story::lines(page, view.now, area.width, little), canvas, area, offset, active);
        }
        Section::Calls => calls::draw(shown, canvas, area, view),
        Section::Text if page.text.is_empty() => {
            let text = "its text is not published here: human prompts publish DIR";
            canvas.put(area.x, area.y, area.width, text, Role::Muted);
        }
        Section::Text => {
            let list = if active { ListId::Prompt } else { ListId::Entry };
            if shown.text.width == area.width && shown.text.of.is_some() {
                prose::draw(canvas, area, &shown.text.laid, offset, list);
            } else {
                prose::draw(canvas, area, &prose::layout(&page.text, area.width, SHOWING), offset, list);
            }
        }
    }
}

/// Draws lines from `offset` on; says what is in view where they are the ones that scroll.
pub(super) fn lines(lines: &[Line], canvas: &mut Canvas<'_>, area: Rect, offset: usize, active: bool) {
    let height = usize::from(area.height);
    let in_view = InView { offset: scroll::held(offset, height, lines.len()), height };
    if active {
        canvas.hits.view(ListId::Prompt, in_view);
        canvas.hits.zone(area, Target::List(ListId::Prompt));
    }
    for (line, y) in lines.iter().skip(in_view.offset).zip(area.top()..area.bottom()) {
        let pieces: Vec<(Role, &str)> = line.iter().map(|(role, text)| (*role, text.as_str())).collect();
        canvas.pieces(area.x, y, area.width.saturating_sub(1), &pieces);
    }
    scroll::bar(canvas, area, in_view, lines.len());
}

fn tabs(section: Section, canvas: &mut Canvas<'_>, row: Rect) {
    let mut x = row.x + 1;
    for (i, at) in Section::ALL.into_iter().enumerate() {
        let open = at == section;
        let mark = if open { canvas.glyph(Glyph::Cursor) } else { " " };
        let start = x;
        x += canvas.put(x, row.y, row.right().saturating_sub(x), mark, Role::Accent);
        let role = if open { Role::TabActive } else { Role::Tab };
        x += canvas.put(x, row.y, row.right().saturating_sub(x), at.title(), role) + 1;
        canvas.hits.zone(Rect { x: start, width: x - start, ..row }, Target::Column(ListId::Prompt, i));
    }
}

fn head(shown: &PromptPane, page: &PromptPage, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let (x, width) = (area.x + 1, area.width - 2);
    let (glyph, word, role) = words::level(page.level);
    let mark = canvas.glyph(glyph);
    let version = page.active.as_ref().map_or_else(|| "not published".to_owned(), ToString::to_string);
    let (key, owner) = (page.uri.key.to_string(), words::owner(&page.uri));
    let mut pieces = vec![
        (Role::Title, key),
        (Role::Faint, "  ".into()),
        (words::scope(Some(page.uri.scope())), owner),
        (Role::Faint, "  ".into()),
        (Role::Muted, version),
        (Role::Faint, "  ".into()),
    ];
    if page.level.is_some() {
        let alarm = page.health.first().filter(|worst| worst.level.is_alarm()).map(|worst| {
            let since = worst.since.as_deref().map(|since| moment::of(since, moment::short));
            format!(" {} since {}", worst.id.measure.as_str(), since.unwrap_or_default())
        });
        let alarm = alarm.unwrap_or_default();
        pieces.push((role, format!("{mark} {word}{alarm}")));
    }
    put(canvas, x, area.y, width, &pieces);
    if shown.page.is_waiting() && shown.page.fault().is_none() {
        canvas.put_right(x, area.y, width, "refreshing", Role::Faint);
    }
    let stats = &page.snapshot.stats;
    let separator = format!(" {} ", canvas.glyph(Glyph::Separator));
    let (role, score) = words::score(&page.snapshot.feedback, canvas.glyph(Glyph::Insufficient));
    let short = match page.snapshot.feedback.verdict {
        Verdict::Sufficient => String::new(),
        Verdict::Insufficient => {
            format!(" not enough evidence, {}", words::short_of_signals(page.snapshot.feedback.sample_size))
        }
    };
    let estimated = if stats.estimated_calls > 0 { " in part estimated" } else { "" };
    let total = (stats.priced_calls > 0).then_some(stats.total_cost_usd);
    let mut pieces = vec![
        (Role::Strong, count(stats.total_calls)),
        (Role::Muted, " calls".into()),
        (Role::Faint, separator.clone()),
        (Role::Muted, "score ".into()),
        (role, score),
        (Role::Insufficient, short),
        (Role::Faint, separator.clone()),
        (Role::Text, usd(total)),
        (Role::Muted, estimated.into()),
        (Role::Faint, separator.clone()),
        (Role::Muted, "p95 ".into()),
        (Role::Text, duration(stats.p95_duration_ms)),
    ];
    if page.open > 0 {
        pieces.push((Role::Faint, separator.clone()));
        pieces.push((
            Role::Info,
            format!("{} {}", page.open, if page.open == 1 { "proposal waits" } else { "proposals wait" }),
        ));
    }
    pieces.push((Role::Faint, separator));
    pieces.push((Role::Muted, view.window.to_owned()));
    put(canvas, x, area.y + 1, width, &pieces);
    if let Some(fault) = shown.page.fault() {
        canvas.put(x, area.y + 2, width, &format!("not refreshed: {}", fault.text), Role::Bad);
    } else if let Some(about) = &page.description {
        canvas.put(x, area.y + 2, width, about, Role::Muted);
    }
}

fn put(canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16, line: &[(Role, String)]) {
    let pieces: Vec<(Role, &str)> = line.iter().map(|(role, text)| (*role, text.as_str())).collect();
    canvas.pieces(x, y, width, &pieces);
}
