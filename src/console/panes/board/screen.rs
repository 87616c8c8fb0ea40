//! How the leaderboard looks.
//!
//! ```text
//!  most used support.reply 12,403 · most expensive … · best … · worst … · degrading …
//!
//!   health    prompt             ▿calls  trend      pos   neg      cost    p95   │ support.reply
//!  ▌◆ PAGE    support.reply      12,403  ▁▂▅▇▇▅▃    72%   14%   $84.20   2.1s    │ …
//!   ✓ stable  sales.pitch         9,120  ▂▂▃▃▂▂▃    81%    6%   $12.40   1.2s    │
//!  scope:core neg>10 · 12 of 40 prompts · sorted by calls              overview
//! ```

use ratatui::layout::Rect;

use super::super::Pane as _;
use super::super::{View, words};
use super::columns::{self, Plan};
use super::{Leaderboard, place_of, welcome};
use crate::console::action::Action;
use crate::console::canvas::Canvas;
use crate::console::hitmap::{ListId, Target, View as InView};
use crate::console::query::Leaders;
use crate::console::widgets::said::said;
use crate::console::widgets::sparkline::{Sparkline, counts};
use crate::console::widgets::{bar, scroll};
use crate::domain::snapshot::Verdict;
use crate::engine::number::{count, percent, usd};
use crate::engine::trend::health::Level;
use crate::service::live::{BoardLine, BoardPage, First, Group};
use crate::theme::{Glyph, Role};

/// Columns from which there is a second column.
const WIDE: u16 = 120;
/// Columns from which there is detail below.
const MIDDLE: u16 = 84;
/// Columns of the second column.
const SIDE: u16 = 34;
/// Rows of the detail below.
const BELOW: u16 = 5;
/// Columns before the first: the mark of the selected row.
const MARGIN: u16 = 2;

/// Columns of the table's cells on a terminal of this width; zoomed, it has all of them.
pub(super) fn table_width(width: u16, zoomed: bool) -> u16 {
    let side = if width >= WIDE && !zoomed { SIDE + 3 } else { 0 };
    width.saturating_sub(side + MARGIN + 2)
}

/// Draws all of it.
pub(super) fn draw(board: &Leaderboard, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = canvas.on_screen(area);
    if area.width < 10 || area.height < 3 {
        return;
    }
    if let Some(pulse) = view.pulse.filter(|pulse| pulse.is_empty()) {
        return welcome::draw(canvas, area, pulse, board.demo.as_deref());
    }
    let mut rest = area;
    let fits = usize::from(area.height >= 14 && !view.zoomed);
    let summary = SUMMARY * fits as u16;
    if summary > 0 {
        let place = Rect { x: rest.x + 1, width: rest.width - 2, height: summary, ..rest };
        summed(board.leaders.value().map(|leaders| &**leaders), canvas, place);
        // Those of another window are old until the new ones are there.
        if board.led[0] != board.led[1] {
            canvas.tint(place, Role::Faint);
        }
        rest = Rect { y: rest.y + summary, height: rest.height - summary, ..rest };
    }
    let foot = Rect { y: rest.bottom() - 1, height: 1, ..rest };
    rest.height -= 1;
    if view.zoomed {
        // The table alone.
    } else if area.width >= WIDE {
        let side = Rect { x: rest.right() - SIDE - 1, width: SIDE, ..rest };
        rest.width -= SIDE + 3;
        for y in rest.top()..rest.bottom() {
            let rule = canvas.glyph(Glyph::Rule);
            canvas.put(side.x - 2, y, 1, rule, Role::Border);
        }
        detail(board.current(), canvas, side, true);
    } else if area.width >= MIDDLE && rest.height >= 16 {
        let below = Rect { y: rest.bottom() - BELOW, height: BELOW, ..rest };
        rest.height -= BELOW + 1;
        let dash = canvas.glyph(Glyph::Dash);
        for x in rest.left() + 1..rest.right() - 1 {
            canvas.put(x, below.y - 1, 1, dash, Role::Border);
        }
        detail(board.current(), canvas, Rect { x: below.x + 2, width: below.width - 3, ..below }, false);
    }
    table(board, canvas, rest, view);
    footer(board, canvas, foot, view);
}

/// Rows of the summary, with the blank below it.
const SUMMARY: u16 = 4;

/// The five answers, in as many lines as there are.
fn summed(leaders: Option<&Leaders>, canvas: &mut Canvas<'_>, area: Rect) {
    let Some(leaders) = leaders else {
        canvas.put(area.x, area.y, area.width, "who leads and what degrades: being counted", Role::Faint);
        return;
    };
    let answers = answers(leaders, canvas);
    // A column for each where all fit beside each other; else as many lines as there are, the most urgent first.
    if area.width >= WIDE - 2 {
        let each = area.width / 5;
        for (i, (label, name, role, number)) in answers.iter().enumerate() {
            let x = area.x + each * i as u16;
            // The last has what is left.
            let room = if i == 4 { area.right() - x } else { each - 2 };
            canvas.put(x, area.y, room, label, Role::Muted);
            canvas.put(x, area.y + 1, room, name, *role);
            canvas.put(x, area.y + 2, room, number, Role::Text);
        }
        return;
    }
    let each = area.width / 2;
    // Where there is little room, a word of the label and the number stand for it.
    let long: u16 = if area.width >= MIDDLE - 2 { 15 } else { 10 };
    let order = [4, 0, 1, 2, 3];
    for (n, i) in order.into_iter().enumerate() {
        let (label, name, role, number) = &answers[i];
        let label = if long < 15 && i == 1 { "dearest" } else { label };
        let number = match number.split(' ').next() {
            _ if long == 15 => number,
            // How little there is does not fit: that there is too little does.
            _ if *role == Role::Insufficient => "",
            first => first.unwrap_or_default(),
        };
        let (column, row) = (n as u16 % 2, n as u16 / 2);
        if row + 1 >= area.height {
            return;
        }
        let (x, y, room) = (area.x + column * each, area.y + row, each - 2);
        let label = format!("{label:<width$}", width = usize::from(long));
        let mut used = canvas.put(x, y, room, &label, Role::Muted);
        used += canvas.put(x + used, y, room.saturating_sub(used + canvas.width(number) + 1), name, *role);
        canvas.put(x + used + 1, y, room.saturating_sub(used + 1), number, Role::Text);
    }
}

type Answer = (&'static str, String, Role, String);

/// Most used, most expensive, best, worst, degrading: each with its number, and what there is too little of.
fn answers(leaders: &Leaders, canvas: &Canvas<'_>) -> [Answer; 5] {
    let one = |label, line: &Option<BoardLine>, number: &dyn Fn(&BoardLine) -> String| -> Answer {
        match line {
            Some(line) => (label, name(line), Role::Strong, number(line)),
            None => (label, "no calls".into(), Role::Faint, String::new()),
        }
    };
    let scored = |label, line: &Option<BoardLine>| -> Answer {
        match line {
            Some(line) if line.line.score.verdict == Verdict::Sufficient => {
                let score = &line.line.score;
                let [low, high] = score.interval;
                let n = count(score.sample_size);
                let number = format!("{:.2} [{low:.2}, {high:.2}] of {n}", score.feedback_score);
                (label, name(line), Role::Strong, number)
            }
            Some(line) => {
                let most = words::short_of_signals(line.line.score.sample_size);
                (label, "not enough evidence".into(), Role::Insufficient, most)
            }
            None => (label, "no calls".into(), Role::Faint, String::new()),
        }
    };
    let degrading = match &leaders.degrading {
        None => ("degrading", "not looked yet".to_owned(), Role::Faint, String::new()),
        Some((prompts, None)) if *prompts > 0 => {
            let text = format!("{prompts} with a worse version");
            ("degrading", text, Role::Caution, "regressed".to_owned())
        }
        Some((0, _) | (_, None)) => {
            let text = format!("{} none", canvas.glyph(Glyph::Good));
            ("degrading", text, Role::Good, String::new())
        }
        Some((prompts, Some(worst))) => {
            let (glyph, word, role) = words::level(Some(worst.level));
            let subject = worst.id.subject.name();
            let key = subject.rsplit('/').next().unwrap_or(subject);
            let more = if *prompts > 1 { format!(", and {} more", prompts - 1) } else { String::new() };
            let number = format!("{} {word} {}{more}", canvas.glyph(glyph), worst.id.measure.as_str());
            ("degrading", key.to_owned(), role, number)
        }
    };
    [
        one("most used", &leaders.used, &|line| format!("{} calls", count(line.line.calls))),
        one("most expensive", &leaders.dear, &|line| usd(line.line.total_cost_usd)),
        scored("best", &leaders.best),
        scored("worst", &leaders.worst),
        degrading,
    ]
}

fn name(line: &BoardLine) -> String {
    line.uri.as_ref().map_or_else(|| line.line.prompt.clone(), |uri| uri.key.to_string())
}

fn table(board: &Leaderboard, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    if area.height < 2 {
        return;
    }
    canvas.hits.zone(area, Target::List(ListId::Board));
    let plan = columns::plan(board.choice, board.key(), area.width.saturating_sub(MARGIN + 2), board.skip);
    let head = Rect { height: 1, ..area };
    // An attribute is said to descend where it is as it comes: the worst, the newest, the most first.
    let descending = board.first.map_or(board.sort.descending, |first| !first.turned);
    for (cell, x, width) in &plan.0 {
        let place = Rect { x: head.x + MARGIN + x, width: *width, ..head };
        columns::heading(canvas, place, *cell, board.key(), descending);
        canvas.hits.zone(place, Target::Column(ListId::Board, place_of(cell.sorts())));
    }
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    match board.page.value() {
        None => blank(board, canvas, body, view),
        Some(page) if page.matched == 0 => nothing(board, page, canvas, body, view),
        Some(page) => rows(board, page, &plan, canvas, body, view),
    }
}

/// Before the first answer, or instead of it.
fn blank(board: &Leaderboard, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    match board.page.fault() {
        Some(fault) => {
            let again = format!("{} asks again", view.key(Action::Refresh));
            said(canvas, area, Role::Bad, &[&fault.text, &again]);
        }
        None => said(canvas, area, Role::Faint, &["reading the store…"]),
    }
}

fn nothing(board: &Leaderboard, page: &BoardPage, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    if board.filter.is_empty() {
        let further = format!("{} looks further back", view.key(Action::Window));
        return said(canvas, area, Role::Text, &["No prompt was called in this time.", &further]);
    }
    let text = format!("nothing matches `{}`; {} clears it", board.filter, view.key(Action::Back));
    let all = format!("{} prompts without the filter", count(page.total as u64));
    let fault = page.fault.as_deref().unwrap_or_default();
    said(canvas, area, Role::Text, &[&text, &all, fault]);
}

/// How many rows fit from `offset` on, with the headings of their groups.
fn fit(board: &Leaderboard, offset: usize, height: usize) -> usize {
    let (mut used, mut rows, mut group) = (0, 0, None);
    while used < height {
        if board.group != Group::None {
            let now = board.line(offset + rows).map(|line| &line.group);
            if rows == 0 || (now.is_some() && now != group) {
                used += 1;
            }
            group = now;
        }
        if used < height {
            rows += 1;
        }
        used += 1;
    }
    rows.max(1)
}

fn rows(
    board: &Leaderboard,
    page: &BoardPage,
    plan: &Plan,
    canvas: &mut Canvas<'_>,
    area: Rect,
    view: &View<'_>,
) {
    let height = usize::from(area.height);
    let mut offset = board.list.offset_for(height, page.matched);
    let mut shown = fit(board, offset, height);
    // Headings of groups take rows: the selection stays in view all the same.
    while board.list.index < page.matched && board.list.index >= offset + shown {
        offset += 1;
        shown = fit(board, offset, height);
    }
    let in_view = InView { offset, height: shown };
    canvas.hits.view(ListId::Board, in_view);
    let stale = board.is_stale();
    let (mut y, mut group) = (area.y, None);
    for index in offset..(offset + shown).min(page.matched) {
        let line = board.line(index);
        if board.group != Group::None && y < area.bottom() {
            let now = line.map(|line| &line.group);
            if index == offset || (now.is_some() && now != group) {
                let of = line.and_then(|line| line.group.as_deref()).unwrap_or("no owner");
                canvas.put(area.x + 1, y, area.width - 2, of, Role::Title);
                y += 1;
            }
            group = now;
        }
        if y >= area.bottom() {
            break;
        }
        let row = Rect { x: area.x, y, width: area.width.saturating_sub(1), height: 1 };
        row_of(board, line, index, plan, canvas, row, view.focused);
        if stale {
            canvas.tint(row, Role::Faint);
        }
        y += 1;
    }
    scroll::bar(canvas, area, in_view, page.matched);
}

fn row_of(
    board: &Leaderboard,
    line: Option<&BoardLine>,
    index: usize,
    plan: &Plan,
    canvas: &mut Canvas<'_>,
    row: Rect,
    focused: bool,
) {
    canvas.hits.zone(row, Target::Row(ListId::Board, index));
    if let Some(line) = line {
        for (cell, x, width) in &plan.0 {
            let place = Rect { x: row.x + MARGIN + x, width: *width, ..row };
            columns::draw(canvas, place, *cell, line);
        }
    } else {
        let mark = canvas.glyph(Glyph::Ellipsis);
        canvas.put(row.x + MARGIN, row.y, 1, mark, Role::Faint);
    }
    if index == board.list.index {
        canvas.tint(row, if focused { Role::Selection } else { Role::SelectionIdle });
        let mark = canvas.glyph(Glyph::Cursor);
        canvas.put(row.x, row.y, 1, mark, Role::Accent);
    }
}

fn footer(board: &Leaderboard, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let area = Rect { x: area.x + 1, width: area.width - 2, ..area };
    let mut right = vec![board.choice.word().to_owned()];
    let reads = board.earlier_window().and(board.asked.as_ref()).map(|asked| asked.window.words());
    if let Some(other) = &reads {
        right.insert(0, format!("reading {other}…"));
    } else if board.is_stale() {
        right.insert(0, "refreshing".to_owned());
    }
    let right = right.join(&format!(" {} ", canvas.glyph(Glyph::Separator)));
    let wide = canvas.width(&right);
    let room = area.width.saturating_sub(wide + 2);
    canvas.put_right(
        area.x,
        area.y,
        area.width,
        &right,
        if reads.is_some() { Role::Info } else { Role::Muted },
    );
    let Some(page) = board.page.value() else { return };
    if let Some(fault) = board.page.fault() {
        canvas.put(area.x, area.y, room, &format!("not refreshed: {}", fault.text), Role::Bad);
        return;
    }
    if let Some(fault) = &page.fault {
        let text = format!("{} left out of the filter: {fault}", canvas.glyph(Glyph::Bad));
        canvas.put(area.x, area.y, room, &text, Role::Bad);
        return;
    }
    let mut parts = Vec::new();
    if board.filter.is_empty() {
        let calls = if page.matched > page.total { " and calls without one" } else { "" };
        parts.push(format!("{} prompts{calls}", count(page.total as u64)));
    } else if page.matched == page.total {
        parts.push(format!("{} prompts", count(page.matched as u64)));
    } else {
        parts.push(format!("{} of {} prompts", count(page.matched as u64), count(page.total as u64)));
    }
    let first = board.first.map(|First { attribute, turned }| {
        format!("{}{}, then ", attribute.word(), if turned { " last" } else { " first" })
    });
    parts.push(format!("{}by {}", first.unwrap_or_default(), board.sort.column.word()));
    if board.skip > 0 {
        parts.push(format!("{} columns left out", board.skip));
    }
    match board.group {
        Group::None => {}
        Group::Scope => parts.push("in scopes".into()),
        Group::TaskType => parts.push("in task types".into()),
        Group::Owner => parts.push("in owners".into()),
    }
    parts.push(view.window.to_owned());
    let short = |line: &BoardLine| {
        line.line.score.sample_size > 0 && line.line.score.verdict == Verdict::Insufficient
    };
    if page.lines.iter().any(short) {
        parts.push(format!("{} before a number: too few signals", canvas.glyph(Glyph::Insufficient)));
    }
    canvas.put(
        area.x,
        area.y,
        room,
        &parts.join(&format!(" {} ", canvas.glyph(Glyph::Separator))),
        Role::Muted,
    );
}

/// What is known of the selected prompt: in a column of its own, or in a few lines below the table.
fn detail(line: Option<&BoardLine>, canvas: &mut Canvas<'_>, area: Rect, column: bool) {
    let Some(of) = line else {
        canvas.put(area.x, area.y, area.width, "no prompt is selected", Role::Faint);
        return;
    };
    let line = &of.line;
    let little = canvas.glyph(Glyph::Insufficient);
    let mut rows = area.rows();
    let mut next = |canvas: &mut Canvas<'_>, pieces: &[(Role, &str)]| -> Option<Rect> {
        let row = rows.next()?;
        canvas.pieces(row.x, row.y, row.width, pieces);
        Some(row)
    };
    let (glyph, word, role) = words::level(of.health);
    let owner = of.uri.as_ref().map_or_else(String::new, words::owner);
    let version = of.version.as_ref().map_or_else(|| "not published".to_owned(), ToString::to_string);
    if column {
        next(canvas, &[(Role::Strong, &name(of))]);
        next(canvas, &[(words::scope(line.scope), &owner), (Role::Faint, "  "), (Role::Muted, &version)]);
        let said = match of.health {
            None => "not looked yet",
            Some(Level::Insufficient) => "too little evidence to say",
            Some(_) => word,
        };
        next(canvas, &[(role, canvas.glyph(glyph)), (role, " "), (role, said)]);
        next(canvas, &[]);
    } else {
        let text = format!("{}  ", name(of));
        next(
            canvas,
            &[
                (Role::Strong, &text),
                (words::scope(line.scope), &owner),
                (Role::Faint, "  "),
                (Role::Muted, &version),
            ],
        );
    }
    if let Some(row) = next(canvas, &[(Role::Muted, "calls     ")]) {
        let calls = count(line.calls);
        let used = 10 + canvas.put(row.x + 10, row.y, row.width.saturating_sub(10), &calls, Role::Text) + 1;
        let room = row.width.saturating_sub(used);
        let place = Rect { x: row.x + used, width: room.min(of.trend.len() as u16), ..row };
        Sparkline::of(&counts(&of.trend), Role::Series1).draw(canvas, place);
    }
    let signals = [
        ("positive", &line.positive),
        ("rephrase", &line.rephrase),
        ("correction", &line.correction),
        ("negative", &line.negative),
    ];
    let total = line.score.sample_size;
    if total == 0 {
        next(canvas, &[(Role::Insufficient, "no feedback yet: nothing is known of its quality")]);
    } else {
        let label = format!("{} signals ", count(total));
        if let Some(row) = next(canvas, &[(Role::Muted, &label)]) {
            let used = canvas.width(&label);
            let place = Rect { x: row.x + used, width: row.width.saturating_sub(used).min(60), ..row };
            bar::stacked(canvas, place, signals.map(|(_, rate)| rate.rate.unwrap_or(0.0)));
        }
        if column {
            for (label, rate) in &signals {
                let (role, text) = words::rate_interval(rate, little);
                next(canvas, &[(Role::Muted, &format!("{label:<12}")), (role, &text)]);
            }
        }
        let (role, text) = words::score(&line.score, little);
        let short = match line.score.verdict {
            Verdict::Sufficient => String::new(),
            Verdict::Insufficient => format!("  {}", words::short_of_signals(total)),
        };
        next(canvas, &[(Role::Muted, "score       "), (role, &text), (Role::Insufficient, &short)]);
    }
    if column {
        next(canvas, &[]);
        let (role, text) = words::rate_interval(&line.error, little);
        next(canvas, &[(Role::Muted, "errors      "), (role, &text)]);
        let coverage = percent(line.feedback_coverage.rate);
        next(canvas, &[(Role::Muted, "coverage    "), (Role::Text, &coverage)]);
    }
    match &of.best_model {
        Some((model, score, true)) => {
            let text = format!("{} {model} {score:.2}", canvas.glyph(Glyph::Star));
            next(canvas, &[(Role::Muted, "best model  "), (Role::Text, &text)]);
        }
        Some((model, _, false)) => {
            let text = format!("not enough evidence ({model} leads)");
            next(canvas, &[(Role::Muted, "best model  "), (Role::Insufficient, &text)]);
        }
        None => {}
    }
    if of.open > 0 {
        let text = format!("{} open", of.open);
        next(canvas, &[(Role::Muted, "proposals   "), (Role::Info, &text)]);
    }
}
