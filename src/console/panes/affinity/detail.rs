//! One prompt: which model may be recommended, and what that rests on, as it is set and as it would be.
//!
//! ```text
//! ★ recommended: claude-haiku   91% surely the best, 214 signals
//! cost weight   ───│──●──────   0.14 what if, 0.07 as set
//!   twice the cost must buy 10% more quality
//! SCORE, 90 % interval, signals
//! claude-haiku      ──●──       0.87 [0.84, 0.90], 214
//! gpt-5-mini     ───●───        0.74 [0.68, 0.80], 96
//!              QUALITY     COST MEAN LAT.
//! claude-haiku    0.91   $0.004      1.2s  ★ Pareto
//! CALLS GO     as set  what if
//! claude-haiku    97%      62%  ███████
//! exploration 3%; each keeps at least 0.5%
//! ```

use ratatui::layout::Rect;

use super::{AffinityPane, Chosen, NOTCHES, SET};
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::panes::View;
use crate::console::panes::sheet::{Line, Mark, Sheet};
use crate::console::widgets::bar::Interval;
use crate::console::widgets::panel::Panel;
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::number::{count, duration, percent, scores, usd};
use crate::engine::performance::RECOMMEND_FROM;
use crate::engine::what_if::{Advice, Outlook};
use crate::service::live::AffinityGrid;
use crate::theme::{Glyph, Look, Role};

/// Columns of a number.
const NUMBER: u16 = 10;

/// How many lines there are to scroll.
pub(super) fn lines(pane: &AffinityPane) -> usize {
    let (Some(grid), Some(chosen)) = (pane.grid.value(), &pane.chosen) else { return 0 };
    sheet(pane, grid, chosen, &Look::default(), 60).len()
}

/// Draws the selected prompt.
pub(super) fn draw(pane: &AffinityPane, canvas: &mut Canvas<'_>, area: Rect, view: &View<'_>) {
    let (Some(line), Some(grid), Some(chosen)) = (pane.line(), pane.grid.value(), &pane.chosen) else {
        return;
    };
    let (name, calls) = (line.uri.key.to_string(), count(line.calls));
    let note = format!("{}, {calls} calls", line.scope);
    let panel = Panel { title: &name, note: &note, foot: view.window, active: pane.beside && view.focused };
    let inside = panel.draw(canvas, area);
    let sheet = sheet(pane, grid, chosen, canvas.look, inside.width);
    sheet.draw(canvas, inside, pane.offset);
}

fn sheet(pane: &AffinityPane, grid: &AffinityGrid, chosen: &Chosen, look: &Look, columns: u16) -> Sheet {
    let mut sheet = Sheet::new(ListId::Models);
    let name = |i: usize| chosen.models.get(i).and_then(|m| grid.models.get(*m)).map_or("", String::as_str);
    if chosen.models.is_empty() {
        sheet.words(
            Role::Insufficient,
            "No model has served it in this time: there is nothing to compare.",
            columns,
        );
        return sheet;
    }
    advise(&mut sheet, &chosen.set, chosen, &name, look, ("as set", columns));
    if pane.is_what_if() {
        advise(&mut sheet, &chosen.now, chosen, &name, look, ("what if", columns));
    }
    if let Some(line) = pane.line()
        && let Some(dominant) = line.dominant
        && let Some(best) = chosen.set.advice.model().map(|i| chosen.models[i])
        && best != dominant
    {
        let text = format!("{} gets more than half of its calls", grid.models[dominant]);
        sheet.words(Role::Caution, &text, columns);
    }
    sheet.push(Line::Blank);
    weight(&mut sheet, pane);
    sheet.push(Line::Blank);
    let order = chosen.now.ranking();
    scored(&mut sheet, pane, chosen, &order, &name);
    sheet.push(Line::Blank);
    traded(&mut sheet, chosen, &order, &name, look);
    sheet.push(Line::Blank);
    routed(&mut sheet, pane, chosen, &order, &name);
    sheet
}

/// What may be said of the best, and what is missing to say more.
fn advise<'n>(
    sheet: &mut Sheet,
    outlook: &Outlook,
    chosen: &Chosen,
    name: &impl Fn(usize) -> &'n str,
    look: &Look,
    (when, columns): (&str, u16),
) {
    // However little is left to doubt, it is something.
    let chance = |i: usize| percent(Some(outlook.stands[i].probability.min(0.9999)));
    let (role, mark, head, rest) = match outlook.advice {
        Advice::Recommended(i) => {
            let signals = count(chosen.contenders[i].signals);
            let rest = format!("{} sure to be the best, {signals} signals", chance(i));
            (Role::Good, Glyph::Star, format!("recommended: {}", name(i)), rest)
        }
        Advice::Leaning { model, missing } => {
            let needed = percent(Some(RECOMMEND_FROM));
            let short = match missing {
                0 => String::new(),
                n => format!(", and {n} of {MIN_SIGNALS} signals are missing"),
            };
            let rest = format!("{} sure to be the best of {needed} needed{short}", chance(model));
            (Role::Caution, Glyph::Arrow, format!("leaning: {}", name(model)), rest)
        }
        Advice::Insufficient => {
            let rest = format!("no signal on any model; {MIN_SIGNALS} are needed");
            (Role::Insufficient, Glyph::Insufficient, "insufficient".to_owned(), rest)
        }
    };
    let head = format!("{} {head}", look.glyph(mark));
    sheet.push(Line::Text(vec![(Role::Muted, format!("{when:<9}")), (role, head)]));
    sheet.words(Role::Muted, &format!("{:9}{rest}", ""), columns);
}

/// The slider, and what the weight asks of a model.
fn weight(sheet: &mut Sheet, pane: &AffinityPane) {
    let (now, set) = (NOTCHES[pane.notch], NOTCHES[SET]);
    let words = if pane.is_what_if() {
        (Role::Accent, format!("{now:.2} what if, {set:.2} as set"))
    } else {
        (Role::Text, format!("{set:.2} as set"))
    };
    let mark = Mark::Notches(NOTCHES.len(), SET, pane.notch);
    sheet.push(Line::Marked((Role::Heading, "COST WEIGHT".into()), mark, words));
    let must = if pane.notch == 0 {
        "cost does not count".to_owned()
    } else {
        format!("twice the cost must buy {} more quality", percent(Some(now.exp2() - 1.0)))
    };
    sheet.push(Line::Text(vec![(Role::Muted, must)]));
}

fn scored<'n>(
    sheet: &mut Sheet,
    pane: &AffinityPane,
    chosen: &Chosen,
    order: &[usize],
    name: &impl Fn(usize) -> &'n str,
) {
    let title = if pane.is_what_if() { "AFFINITY, what if" } else { "AFFINITY" };
    sheet.push(Line::Head(format!("{title}: quality less cost, 90 % interval, signals")));
    for &i in order {
        let (stand, contender) = (&chosen.now.stands[i], &chosen.contenders[i]);
        let enough = contender.signals >= MIN_SIGNALS;
        let [low, high] = stand.interval;
        let interval = Interval { low, point: stand.score, high, sufficient: enough };
        let selected = pane.column.index == chosen.models[i];
        let role = if selected { Role::Accent } else { Role::Series1 };
        let evidence = if enough {
            format!(", {}", count(contender.signals))
        } else {
            format!(", insufficient: {} of {MIN_SIGNALS}", contender.signals)
        };
        let words = format!("{:.2} {}{evidence}", stand.score, scores(stand.interval));
        let label = (if selected { Role::Strong } else { Role::Text }, name(i).to_owned());
        let words = (if enough { Role::Text } else { Role::Insufficient }, words);
        sheet.push(Line::Marked(label, Mark::Interval(interval, (0.0, 1.0), role), words));
    }
}

fn traded<'n>(
    sheet: &mut Sheet,
    chosen: &Chosen,
    order: &[usize],
    name: &impl Fn(usize) -> &'n str,
    look: &Look,
) {
    sheet.push(Line::Columns("TRADE".into(), vec!["QUALITY", "COST", "MEAN LAT.", "ANSWERED", ""], NUMBER));
    for &i in order {
        let (stand, contender) = (&chosen.now.stands[i], &chosen.contenders[i]);
        let pareto = if stand.pareto { format!("{} Pareto", look.glyph(Glyph::Star)) } else { String::new() };
        let cells = vec![
            (Role::Text, format!("{:.2}", contender.worth.quality())),
            (Role::Text, usd(contender.cost_usd)),
            (Role::Text, duration(contender.latency_ms)),
            (Role::Text, percent(Some(contender.worth.success))),
            (Role::Good, pareto),
        ];
        sheet.push(Line::Cells((Role::Text, name(i).to_owned()), cells, NUMBER));
    }
}

fn routed<'n>(
    sheet: &mut Sheet,
    pane: &AffinityPane,
    chosen: &Chosen,
    order: &[usize],
    name: &impl Fn(usize) -> &'n str,
) {
    let what_if = pane.is_what_if();
    let title = if what_if { "CALLS WOULD GO: what if, (as set)" } else { "CALLS WOULD GO" };
    sheet.push(Line::Head(title.into()));
    for &i in order {
        let (now, set) = (chosen.now.stands[i].weight, chosen.set.stands[i].weight);
        let words = if what_if {
            format!("{:>4} ({})", percent(Some(now)), percent(Some(set)))
        } else {
            format!("{:>4}", percent(Some(now)))
        };
        let mark = Mark::Share(now, if what_if { Role::Accent } else { Role::Series1 });
        sheet.push(Line::Marked((Role::Text, name(i).to_owned()), mark, (Role::Text, words)));
    }
    let floor = percent(Some(chosen.now.floor()));
    let exploration = percent(Some(chosen.now.exploration));
    let text =
        format!("exploration {exploration}: each model keeps at least {floor}, so that learning goes on");
    sheet.push(Line::Text(vec![(Role::Muted, text)]));
}
