//! What came of the latest change, in one line:
//!
//! ```text
//! Since 1.1.0 (active 3 d): no difference yet: odds of a negative signal x0.9 [0.6, 1.3], 212 units
//! ```

use crate::domain::outcome::{Basis, Delivery, Judgement, OddsEffect, Outcome};
use crate::domain::settled::Realised;
use crate::engine::number::count;

/// The line, without a newline.
pub fn line(outcome: &Outcome) -> String {
    let confounded = match outcome.basis {
        Basis::Concurrent => String::new(),
        Basis::BeforeAfter => format!(", {}", outcome.label),
    };
    let verdict = match outcome.judgement {
        Judgement::Regressed if outcome.suggest_rollback => {
            format!("regressed{confounded}, rollback suggested")
        }
        Judgement::Regressed => format!("regressed{confounded}, on thin evidence of before"),
        Judgement::Improved => "improved".into(),
        Judgement::LikelyImproved => format!("likely improved{confounded}"),
        Judgement::NoMaterialChange => format!("no material change{confounded}"),
        Judgement::Running => format!("no difference yet{confounded}"),
        Judgement::Inconclusive => format!("inconclusive{confounded}"),
        Judgement::Insufficient => "not enough evidence".into(),
    };
    let evidence = evidence(outcome.basis, &outcome.negative);
    let days = match outcome.active_days {
        days if days < 1.0 => "under a day".into(),
        days => format!("{} d", count(days as u64)),
    };
    let mut line = format!("Since {} (active {days}): {verdict}: {evidence}", outcome.new_version);
    for guard in &outcome.guards {
        line += "; ";
        line += guard.words();
    }
    line
}

/// `tokens: predicted -18 %, measured -15 % [-20, -9]: delivered`.
pub fn realised(effect: &Realised) -> String {
    let percent = |share: f64| format!("{:+.0}", (share * 100.0).round() + 0.0);
    let measured = match (effect.realised, effect.interval) {
        (Some(realised), Some([low, high])) => {
            format!("measured {} % [{}, {}]", percent(realised), percent(low), percent(high))
        }
        _ => "not enough measured yet".into(),
    };
    let became = match effect.delivery {
        None => "",
        Some(Delivery::Delivered) => ": delivered",
        Some(Delivery::UnderDelivered) => ": less than promised",
        Some(Delivery::Backfired) => ": backfired",
        Some(Delivery::Open) => ": open",
    };
    format!("{}: predicted {} %, {measured}{became}", effect.measure.words(), percent(effect.predicted))
}

/// `odds of a negative signal x0.9 [0.6, 1.3], 212 units`: what a verdict rests on.
pub fn evidence(basis: Basis, negative: &OddsEffect) -> String {
    let odds = odds(negative).map_or_else(String::new, |odds| format!("odds of a negative signal {odds}, "));
    match basis {
        Basis::Concurrent => format!("{odds}{} units", count(negative.old_units + negative.new_units)),
        Basis::BeforeAfter => {
            format!("{odds}{} units, {} before", count(negative.new_units), count(negative.old_units))
        }
    }
}

/// How the odds changed, with the interval: `x0.9 [0.6, 1.3]`; nothing where nothing can be compared.
pub fn odds(effect: &OddsEffect) -> Option<String> {
    let (ratio, [low, high]) = effect.odds_ratio.zip(effect.interval)?;
    Some(format!("x{} [{}, {}]", times(ratio), times(low), times(high)))
}

/// A factor; with a mark at the ends of what is tried.
fn times(factor: f64) -> String {
    if factor > 7.38 {
        ">7.4".into()
    } else if factor < 1.0 / 7.38 {
        "<0.1".into()
    } else {
        format!("{factor:.1}")
    }
}

#[cfg(test)]
mod tests {
    use semver::Version;

    use super::*;
    use crate::domain::outcome::{Guard, RatioEffect};
    use crate::domain::snapshot::{SnapshotWindow, Verdict};
    use crate::domain::window::Window;

    fn outcome(basis: Basis, judgement: Judgement, odds: Option<(f64, [f64; 2])>) -> Outcome {
        let negative = OddsEffect {
            odds_ratio: odds.map(|(ratio, _)| ratio),
            interval: odds.map(|(_, interval)| interval),
            old_units: 100,
            new_units: 112,
            ln_e_regressed: 0.0,
            ln_e_improved: 0.0,
        };
        let mean = RatioEffect {
            ratio: None,
            interval: None,
            old_calls: 0,
            new_calls: 0,
            verdict: Verdict::Insufficient,
        };
        Outcome {
            prompt_uri: "prompt://org/ACME/legal.review".parse().unwrap(),
            old_version: Version::new(1, 0, 0),
            new_version: Version::new(1, 1, 0),
            window: SnapshotWindow(Window { from_ms: 0, to_ms: 1 }),
            active_days: 3.4,
            basis,
            label: basis.label(),
            judgement,
            suggest_rollback: judgement == Judgement::Regressed,
            decided_at: None,
            negative,
            errors: negative,
            tokens: mean,
            cost: mean,
            latency: mean,
            guards: vec![],
        }
    }

    #[test]
    fn the_line() {
        let running = outcome(Basis::Concurrent, Judgement::Running, Some((0.9, [0.6, 1.3])));
        assert_eq!(
            line(&running),
            "Since 1.1.0 (active 3 d): no difference yet: odds of a negative signal x0.9 [0.6, 1.3], 212 units"
        );
        let mut worse = outcome(Basis::BeforeAfter, Judgement::Regressed, Some((3.0, [2.0, 7.389])));
        assert_eq!(
            line(&worse),
            "Since 1.1.0 (active 3 d): regressed, before/after (confounded), rollback suggested: \
             odds of a negative signal x3.0 [2.0, >7.4], 112 units, 100 before"
        );
        worse.suggest_rollback = false;
        worse.guards = vec![Guard::ResponseRateChanged, Guard::MoreErrors];
        let text = line(&worse);
        assert!(text.contains("on thin evidence of before: "), "{text}");
        assert!(text.ends_with("100 before; response rate changed; more calls fail"), "{text}");
        let end = outcome(Basis::Concurrent, Judgement::Improved, Some((0.15, [0.1353, 0.3])));
        assert!(
            line(&end).contains("improved: odds of a negative signal x0.1 [<0.1, 0.3]"),
            "{}",
            line(&end)
        );
        let nothing =
            Outcome { active_days: 0.3, ..outcome(Basis::BeforeAfter, Judgement::Insufficient, None) };
        assert_eq!(
            line(&nothing),
            "Since 1.1.0 (active under a day): not enough evidence: 112 units, 100 before"
        );
    }
}
