//! The ledger: whether it holds, its entries, and one entry whole.

use ratatui::layout::Rect;
use serde_json::Value;

use super::super::View;
use super::LedgerPane;
use crate::console::action::Action as Does;
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::moment;
use crate::console::query::Verified;
use crate::console::widgets::flow::{Flow, Reveal};
use crate::console::widgets::said::said;
use crate::console::widgets::table::{Column, Table, Width};
use crate::domain::call::Millis;
use crate::domain::ledger::{Action, Entry};
use crate::engine::number::count;
use crate::keys::fingerprint;
use crate::theme::{Glyph, Role};

/// Columns of the list.
const COLUMNS: [Column<'static>; 7] = [
    Column::numbers("SEQ", 6, 8),
    Column::words("WHEN", Width::Fixed(11), 5),
    Column::words("ACTOR", Width::Between(8, 18), 6),
    Column::words("ACTION", Width::Fixed(10), 9),
    Column::words("SUBJECT", Width::Between(12, 34), 7),
    Column::words("CHECKED", Width::Fixed(12), 1),
    Column::words("WORDS", Width::Flex(12), 2),
];
/// Faults that are shown above the list.
const FAULTS: usize = 4;

/// How many are listed, and of how many.
pub(super) fn note(pane: &LedgerPane) -> String {
    let Some((entries, more)) = pane.entries.value().map(|answer| (answer.0.len(), answer.1)) else {
        return String::new();
    };
    if pane.entries.fault().is_some() {
        return "as it was: it cannot be read now".to_owned();
    }
    let all = if more { format!("the newest {}", count(entries as u64)) } else { count(entries as u64) };
    let listed = count(pane.listed.len() as u64);
    let shown = if pane.filter.is_empty() { all } else { format!("{listed} of {all}") };
    if pane.entries.is_waiting() { format!("{shown}, refreshing") } else { shown }
}

/// Whether the ledger holds, and when that was checked, in lines of pieces.
fn state(pane: &LedgerPane, canvas: &Canvas<'_>, view: &View<'_>) -> Vec<Vec<(Role, String)>> {
    let mark = |glyph, role| (role, format!("{} ", canvas.glyph(glyph)));
    if let Some(fault) = pane.verified.fault() {
        let why = format!("it cannot be checked: {}", fault.text);
        return vec![vec![mark(Glyph::Caution, Role::Caution), (Role::Text, why)]];
    }
    let Some(verified) = pane.verified.value() else {
        return vec![vec![mark(Glyph::Insufficient, Role::Muted), (Role::Muted, "checking…".to_owned())]];
    };
    let entries = if verified.entries == 1 { "entry" } else { "entries" };
    let head: String = verified.head.chars().take(8).collect();
    let checked = if pane.verified.is_waiting() {
        "checking…".to_owned()
    } else {
        format!("checked {}", moment::near(verified.as_of, view.now))
    };
    if verified.faults.is_empty() {
        let mut line = vec![
            mark(Glyph::Good, Role::Good),
            (Role::Good, "holds".to_owned()),
            (Role::Text, format!(": {} {entries}, head {head}, ", count(verified.entries))),
            (Role::Muted, checked),
        ];
        let newest = pane.all().first().map_or(0, |entry| entry.seq);
        if newest > verified.entries && !pane.verified.is_waiting() {
            let (came, check) = (newest - verified.entries, view.key(Does::Verify));
            line.push((Role::Caution, format!(", {came} came since; {check} checks them")));
        }
        return vec![line];
    }
    let n = verified.faults.len();
    let what = format!("does not hold: {n} {}", if n == 1 { "fault" } else { "faults" });
    let mut lines =
        vec![vec![mark(Glyph::Bad, Role::Bad), (Role::Bad, what), (Role::Muted, format!(", {checked}"))]];
    for fault in verified.faults.iter().take(FAULTS) {
        lines.push(vec![(Role::Bad, "  ".to_owned()), (Role::Bad, fault.clone())]);
    }
    if n > FAULTS {
        lines.push(vec![(Role::Muted, format!("  and {} more", n - FAULTS))]);
    }
    let todo =
        "  Decide nothing. Keep a copy of the store, and compare it with a bundle: `human audit verify`.";
    lines.push(vec![(Role::Text, todo.to_owned())]);
    lines
}

/// What a check came to, in a sentence.
pub(super) fn found(verified: &Verified) -> (Role, String) {
    let at = moment::clock(verified.as_of);
    let (entries, faults) = (verified.entries, verified.faults.len());
    let of = |n: u64, one: &str, more: &str| format!("{} {}", count(n), if n == 1 { one } else { more });
    match faults {
        0 => (Role::Good, format!("The ledger holds: {}, checked {at}", of(entries, "entry", "entries"))),
        n => {
            let faults = of(n as u64, "fault", "faults");
            (Role::Bad, format!("The ledger does not hold: {faults}, checked {at}"))
        }
    }
}

/// Draws the state and the list.
pub(super) fn draw(pane: &LedgerPane, canvas: &mut Canvas<'_>, area: Rect, active: bool, view: &View<'_>) {
    if area.is_empty() {
        return;
    }
    let mut held = Flow::default();
    for line in state(pane, canvas, view) {
        let (mut text, mut spans) = (String::new(), Vec::new());
        for (role, piece) in line {
            spans.push((role, text.len()..text.len() + piece.len()));
            text.push_str(&piece);
        }
        held.line(&text, &spans, area.width, Reveal::Little);
    }
    let rows = (held.len() as u16).min(area.height.saturating_sub(4).max(1));
    for (y, line) in (area.y..area.y + rows).zip(0..) {
        held.draw(canvas, area.x, y, area.width, line);
    }
    // A blank row between them, where there is one to spare.
    let rows = (rows + u16::from(area.height > rows + 6)).min(area.height);
    let body = Rect { y: area.y + rows, height: area.height - rows, ..area };
    if pane.listed.is_empty() {
        let unmatched = format!("nothing matches `{}`; {} clears it", pane.filter, view.key(Does::Back));
        let lines: [&str; 2] = if pane.all().is_empty() {
            ["No entries yet.", "What stewards and the agent do is entered here."]
        } else {
            [&unmatched, "terms are prompt: actor: action: since: and words"]
        };
        return said(canvas, body, Role::Text, &lines);
    }
    let table = Table {
        id: ListId::Ledger,
        columns: &COLUMNS,
        state: &pane.list,
        len: pane.listed.len(),
        sort: None,
        focused: active,
        dimmed: pane.entries.fault().is_some(),
    };
    let marks = Checked::ALL.map(|checked| {
        let (glyph, role, words) = checked.looks();
        (role, format!("{} {words}", canvas.glyph(glyph)))
    });
    table.draw(canvas, body, |i, row| {
        let Some(entry) = pane.listed.get(i).and_then(|i| pane.all().get(*i)) else { return };
        row.put(Role::Muted, &entry.seq.to_string());
        row.put(Role::Muted, &moment::of(&entry.at, moment::short));
        let actor = entry.actor.to_string();
        row.put(Role::Text, actor.rsplit('/').next().unwrap_or(&actor));
        row.put(action_role(entry.action), entry.action.as_str());
        row.put(Role::Text, entry.subject.strip_prefix("prompt://").unwrap_or(&entry.subject));
        let (role, mark) = &marks[checked(pane, entry) as usize];
        row.put(*role, mark);
        row.put(Role::Muted, &words(&entry.payload));
    });
}

/// How an entry stands by the last check of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Checked {
    Verified,
    Unsigned,
    Since,
    Faulty,
    Unchecked,
}

impl Checked {
    const ALL: [Checked; 5] =
        [Checked::Verified, Checked::Unsigned, Checked::Since, Checked::Faulty, Checked::Unchecked];

    const fn looks(self) -> (Glyph, Role, &'static str) {
        match self {
            Checked::Verified => (Glyph::Signed, Role::Good, "verified"),
            // It holds; before there was an owner nobody signed.
            Checked::Unsigned => (Glyph::Signed, Role::Muted, "unsigned"),
            Checked::Since => (Glyph::Unmarked, Role::Muted, "came since"),
            Checked::Faulty => (Glyph::Bad, Role::Bad, "faulty"),
            Checked::Unchecked => (Glyph::Insufficient, Role::Faint, "unchecked"),
        }
    }
}

fn checked(pane: &LedgerPane, entry: &Entry) -> Checked {
    let Some(verified) = pane.verified.value() else { return Checked::Unchecked };
    // After a break nothing that follows can be believed.
    let broken = verified.broken && entry.seq > verified.entries;
    if broken || verified.faults.iter().any(|fault| is_of(fault, entry.seq)) {
        return Checked::Faulty;
    }
    match &entry.signature {
        _ if entry.seq > verified.entries => Checked::Since,
        Some(_) => Checked::Verified,
        None => Checked::Unsigned,
    }
}

/// Whether a fault is one entry's: `entry 12 was changed: …`, `row 12 does not read: …`.
fn is_of(fault: &str, seq: u64) -> bool {
    let of = fault.strip_prefix("entry ").or_else(|| fault.strip_prefix("row "));
    of.and_then(|of| of.split(|c: char| !c.is_ascii_digit()).next()).is_some_and(|n| n.parse() == Ok(seq))
}

/// What takes something back, and what changes who is served, is told apart; the word says which.
fn action_role(action: Action) -> Role {
    match action {
        Action::Accept | Action::AutoApply | Action::Promote | Action::Activate => Role::Good,
        Action::Rollback | Action::Stop | Action::Revoke | Action::Distrust => Role::Caution,
        _ => Role::Text,
    }
}

/// What was said for an entry, or what it is about.
fn words(payload: &Value) -> String {
    let known = ["reason", "note", "text", "why", "title", "cause"];
    known.iter().find_map(|field| payload[field].as_str()).unwrap_or_default().to_owned()
}

/// The moment of a payload's line, as they are named: `"at": 1795751618626,`, `"expiresAt": 1795751618626`.
fn time_of(line: &str) -> Option<Millis> {
    let (name, value) = line.trim().split_once("\": ")?;
    let is_time = name == "\"at" || name.ends_with("At");
    value.trim_end_matches(',').parse().ok().filter(|_| is_time)
}

/// What the detail is called.
pub(super) fn title(pane: &LedgerPane) -> String {
    pane.selected().map_or("Entry".to_owned(), |entry| format!("Entry {}", entry.seq))
}

/// The selected entry, whole.
pub(super) fn whole(pane: &LedgerPane, width: u16) -> Flow {
    let mut flow = Flow::default();
    let Some(entry) = pane.selected() else { return flow };
    let Entry { at, actor, action, subject, payload, .. } = entry;
    flow.words(&format!("{action}  {subject}"), Role::Strong, width);
    flow.words(&format!("{}  by {actor}", moment::of(at, moment::whole)), Role::Text, width);
    let said = words(payload);
    if !said.is_empty() {
        flow.words(&said, Role::Text, width);
    }
    flow.words("", Role::Text, width);
    flow.words("What it rests on", Role::Heading, width);
    let payload = serde_json::to_string_pretty(payload).unwrap_or_default();
    for line in payload.lines() {
        let Some(at) = time_of(line) else {
            flow.words(line, Role::Code, width);
            continue;
        };
        let beside = format!("{line}  {}", moment::whole(at));
        let spans = [(Role::Code, 0..line.len()), (Role::Muted, line.len()..beside.len())];
        flow.line(&beside, &spans, width, Reveal::Little);
    }
    flow.words("", Role::Text, width);
    let mut field = |name: &str, value: &str| {
        flow.words(name, Role::Heading, width);
        flow.words(value, Role::Text, width);
    };
    field("Hash", &entry.hash.to_string());
    field("Hash of the entry before", &entry.previous.to_string());
    match (&entry.signature, entry.key) {
        (Some(signature), Some(key)) => {
            field("Signed by the key", &fingerprint(key));
            field("Signature", &signature.to_string());
        }
        _ => field("Signature", "none: the store had no owner then, or nobody acted"),
    }
    flow
}
