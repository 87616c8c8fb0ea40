//! How panes word what they show: levels, rates with their evidence, ages. No pane words these for itself.

use crate::domain::call::Millis;
use crate::domain::prompt::{PromptUri, Scope};
use crate::domain::snapshot::{FeedbackScore, Rate, Verdict};
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::number::{NONE, count, percent, percents, scores};
use crate::engine::trend::health::Level;
use crate::theme::{Glyph, Role};

/// A level as mark, word and role; before the first watch there is none.
pub(super) const fn level(level: Option<Level>) -> (Glyph, &'static str, Role) {
    match level {
        None => (Glyph::Insufficient, "", Role::Faint),
        Some(Level::Insufficient) => (Glyph::Insufficient, "little", Role::Insufficient),
        Some(Level::Stable) => (Glyph::Good, "stable", Role::Good),
        Some(Level::Watch) => (Glyph::Bullet, "watch", Role::Info),
        Some(Level::Warn) => (Glyph::Caution, "WARN", Role::Caution),
        Some(Level::Page) => (Glyph::Page, "PAGE", Role::Page),
    }
}

/// The role of a scope.
pub(super) const fn scope(scope: Option<Scope>) -> Role {
    match scope {
        Some(Scope::Core) => Role::Core,
        Some(Scope::Org) => Role::Org,
        Some(Scope::User) => Role::User,
        None => Role::Muted,
    }
}

/// Scope and owner: `core`, `org acme`, `user acme/ana`.
pub(super) fn owner(uri: &PromptUri) -> String {
    let names = [uri.place.org(), uri.place.user()];
    let names: Vec<&str> = names.into_iter().flatten().map(crate::domain::prompt::Name::as_str).collect();
    if names.is_empty() { uri.scope().to_string() } else { format!("{} {}", uri.scope(), names.join("/")) }
}

/// The same where there is little room, by the name that tells most: `core`, `org acme`, `user ana`.
pub(super) fn whose(uri: &PromptUri) -> String {
    match uri.place.user().or(uri.place.org()) {
        Some(name) => format!("{} {name}", uri.scope()),
        None => uri.scope().to_string(),
    }
}

/// A share in a few columns: `72%`; with a mark before it where it rests on too little.
pub(super) fn rate(rate: &Rate, little: &str) -> (Role, String) {
    match (rate.rate, rate.verdict) {
        (None, _) => (Role::Faint, NONE.to_owned()),
        (share, Verdict::Sufficient) => (Role::Text, percent(share)),
        (share, Verdict::Insufficient) => (Role::Insufficient, format!("{little}{}", percent(share))),
    }
}

/// A share with its interval: `72% [69%, 75%]`.
pub(super) fn rate_interval(share: &Rate, little: &str) -> (Role, String) {
    let (role, text) = rate(share, little);
    if share.rate.is_none() { (role, text) } else { (role, format!("{text} {}", percents(share.interval))) }
}

/// A score with its interval: `0.81 [0.77, 0.83]`. Without a signal there is none to show.
pub(super) fn score(score: &FeedbackScore, little: &str) -> (Role, String) {
    match score.verdict {
        _ if score.sample_size == 0 => (Role::Faint, NONE.to_owned()),
        Verdict::Sufficient => {
            (Role::Text, format!("{:.2} {}", score.feedback_score, scores(score.interval)))
        }
        Verdict::Insufficient => {
            (Role::Insufficient, format!("{little}{:.2} {}", score.feedback_score, scores(score.interval)))
        }
    }
}

/// How much evidence there is where it is not enough: `7 of 20 signals`.
pub(super) fn short_of_signals(have: u64) -> String {
    format!("{} of {MIN_SIGNALS} signals", count(have))
}

/// How long ago: `3m`, `5h`, `12d`; `now` within a minute.
pub(super) fn ago(now: Millis, at: Millis) -> String {
    let minutes = now.saturating_sub(at) / 60_000;
    match minutes {
        ..1 => "now".to_owned(),
        1..60 => format!("{minutes}m"),
        60..2880 => format!("{}h", minutes / 60),
        _ => format!("{}d", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!([ago(0, 0), ago(59 * 60_000, 0), ago(47 * 3_600_000, 0)], ["now", "59m", "47h"]);
        assert_eq!(ago(72 * 3_600_000, 0), "3d");
    }

    #[test]
    fn too_little_is_marked() {
        let rate_of =
            |verdict| Rate { count: 3, rate: Some(0.43), interval: [0.2, 0.7], sample_size: 7, verdict };
        assert_eq!(rate(&rate_of(Verdict::Insufficient), "·"), (Role::Insufficient, "·43%".into()));
        assert_eq!(rate_interval(&rate_of(Verdict::Sufficient), "·").1, "43% [20%, 70%]");
    }
}
