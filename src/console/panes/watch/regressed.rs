//! A version that turned out worse and is active still: its row, and everything that is known of it.
//!
//! ```text
//!   ▲ WARN  support.refund-reply             2.0.0 → 2.1.0        -        -
//!           REGRESSED 8d ago · PROPOSAL-27 proposes to go back
//!
//! ▲ REGRESSED  2.1.0 is worse than 2.0.0
//! odds                     │────●───│   x3.0 [1.9, 4.7]
//! no change        ●                    x1.0
//! GOING BACK
//! PROPOSAL-27 proposes to go back to 2.0.0
//! ```

use super::terms::{ago, short};
use crate::console::canvas::Canvas;
use crate::console::hitmap::ListId;
use crate::console::panes::sheet::{Line, Mark, Sheet, Words};
use crate::console::widgets::bar::Interval;
use crate::domain::call::Millis;
use crate::domain::outcome::{Basis, OddsEffect};
use crate::domain::settled::Measured;
use crate::domain::window::instant;
use crate::engine::number::count;
use crate::engine::outcome::words::odds;
use crate::service::Regression;
use crate::theme::{Glyph, Role};

/// ln of the odds where the scale of them ends, on both sides of "no difference": as far as they are tried.
const SCALE: f64 = 2.0;

/// The versions, where other rows have their rates.
pub(super) fn versions(found: &Regression, canvas: &Canvas<'_>) -> String {
    format!("{} {} {}", found.old_version, canvas.glyph(Glyph::Arrow), found.new_version)
}

/// The second line of its row; `above`: the versions stand above it.
pub(super) fn second(found: &Regression, canvas: &Canvas<'_>, above: bool, now: Millis) -> Vec<Words> {
    let separator = format!(" {} ", canvas.glyph(Glyph::Separator));
    let mut words = vec![(Role::Caution, "REGRESSED".to_owned())];
    if !above {
        words.push((Role::Text, format!(" {} is worse than {},", found.new_version, found.old_version)));
    }
    let known = match instant(&found.since) {
        Ok(at) => format!(" {} ago", ago(now - at)),
        Err(_) => format!(" since {}", short(&found.since)),
    };
    words.push((Role::Muted, known));
    if let Some(until) = &found.silenced_until {
        words.push((Role::Info, format!("{separator}silenced until {}", short(until))));
    }
    if let Some(back) = found.rollback {
        words.push((Role::Text, format!("{separator}{back} proposes to go back")));
    }
    words
}

/// Everything that is known of it.
pub(super) fn sheet(found: &Regression, mark: Option<&str>, columns: u16, now: Millis) -> Sheet {
    let mut sheet = Sheet::new(ListId::Stream);
    let (old, new) = (&found.old_version, &found.new_version);
    let state = format!("{} REGRESSED", mark.unwrap_or_default());
    let what = format!("  {new} is worse than {old}");
    sheet.push(Line::Text(vec![(Role::Caution, state), (Role::Text, what)]));
    if let Some(until) = &found.silenced_until {
        sheet.words(Role::Info, &format!("silenced until {until}"), columns);
    }
    sheet.push(Line::Blank);
    let label = |text: &str| (Role::Muted, format!("{text:<11}"));
    if let Some(measured) = &found.evidence {
        rests_on(&mut sheet, measured);
    } else {
        let words = format!("what it rests on was not kept with it; {} has it", found.proposal);
        sheet.words(Role::Insufficient, &words, columns);
    }
    let age = instant(&found.since).map_or_else(|_| String::new(), |at| format!(", {} ago", ago(now - at)));
    sheet.push(Line::Text(vec![label("since"), (Role::Text, found.since.clone()), (Role::Muted, age)]));
    sheet.push(Line::Blank);
    sheet.push(Line::Head("WHAT MADE IT ACTIVE".into()));
    sheet.words(Role::Text, &format!("{}: {}", found.proposal, found.title), columns);
    sheet.push(Line::Blank);
    sheet.push(Line::Head("GOING BACK".into()));
    if let Some(back) = found.rollback {
        sheet.words(Role::Text, &format!("{back} proposes to go back to {old}"), columns);
    } else {
        let words = format!("nothing proposes to go back to {old} yet; it can be rolled back by hand");
        sheet.words(Role::Muted, &words, columns);
    }
    sheet
}

/// The odds on a scale with "no difference" in its middle, of how many units, and how they were compared.
fn rests_on(sheet: &mut Sheet, measured: &Measured) {
    let Measured { basis, negative, .. } = measured;
    let OddsEffect { odds_ratio, interval, old_units, new_units, .. } = *negative;
    if let (Some(ratio), Some([low, high]), Some(words)) = (odds_ratio, interval, odds(negative)) {
        let on = |low: f64, point: f64, high: f64, role| {
            let interval = Interval { low: low.ln(), point: point.ln(), high: high.ln(), sufficient: true };
            Mark::Interval(interval, (-SCALE, SCALE), role)
        };
        let (name, same) = ((Role::Muted, "odds     ".to_owned()), (Role::Muted, "no change".to_owned()));
        sheet.push(Line::Marked(name, on(low, ratio, high, Role::Bad), (Role::Text, words)));
        sheet.push(Line::Marked(same, on(1.0, 1.0, 1.0, Role::Muted), (Role::Muted, "x1.0".to_owned())));
        sheet.push(Line::Text(vec![(Role::Muted, "           of a negative signal".to_owned())]));
    }
    let label = |text: &str| (Role::Muted, format!("{text:<11}"));
    let beside = match basis {
        Basis::Concurrent => "with the old version",
        Basis::BeforeAfter => "before",
    };
    sheet.push(Line::Text(vec![
        label("units"),
        (Role::Text, format!("{} with the new version", count(new_units))),
        (Role::Muted, format!(", {} {beside}", count(old_units))),
    ]));
    sheet.push(Line::Text(vec![label("compared"), (Role::Text, basis.label().to_owned())]));
}
