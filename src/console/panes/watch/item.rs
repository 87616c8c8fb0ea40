//! What a row of the watch is about: a version that turned out worse and is active still, or a stream that rises.
//!
//! A regression is named as its proposal is, a stream by its own name; notes of a person, the selection and the filter go
//! by that. Start with [`Item`].

use std::cmp::Reverse;

use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::window::instant;
use crate::engine::number::percent;
use crate::engine::outcome::words::evidence;
use crate::engine::trend::health::{Health, Level};
use crate::engine::trend::{Measure, Subject, words};
use crate::service::{Regression, Watch};

/// What a row is about.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// A version that is active although it turned out worse.
    Regression(&'a Regression),
    /// A stream that is not stable.
    Stream(&'a Health),
}

/// How many there are in a look.
pub(super) fn count(look: &Watch) -> usize {
    look.regressions.len() + look.streams.len()
}

/// One of a look, by its number: those of regressions come first.
pub(super) fn at(look: &Watch, index: usize) -> Option<Item<'_>> {
    match look.regressions.get(index) {
        Some(regression) => Some(Item::Regression(regression)),
        None => look.streams.get(index - look.regressions.len()).map(Item::Stream),
    }
}

impl<'a> Item<'a> {
    /// What notes and the selection call it.
    pub fn name(self) -> String {
        match self {
            Item::Regression(regression) => regression.proposal.to_string(),
            Item::Stream(stream) => stream.stream.clone(),
        }
    }

    /// What it is called on the screen: a prompt's key, a model, a task.
    pub fn title(self) -> String {
        match self {
            Item::Regression(regression) => regression.prompt_uri.key.to_string(),
            Item::Stream(stream) => words::subject(&stream.id.subject),
        }
    }

    /// The prompt that it is about, as its URI; none of what is pooled over many.
    pub fn prompt(self) -> Option<String> {
        match self {
            Item::Regression(regression) => Some(regression.prompt_uri.to_string()),
            Item::Stream(stream) => match &stream.id.subject {
                Subject::Prompt(uri) => Some(uri.clone()),
                _ => None,
            },
        }
    }

    /// How much it is an alarm: a regression warns.
    pub fn level(self) -> Level {
        match self {
            Item::Regression(_) => Level::Warn,
            Item::Stream(stream) => stream.level,
        }
    }

    /// Until when a person has silenced it.
    pub fn silenced_until(self) -> Option<&'a str> {
        match self {
            Item::Regression(regression) => regression.silenced_until.as_deref(),
            Item::Stream(stream) => stream.silenced_until.as_deref(),
        }
    }

    /// Since when it is so, RFC 3339, and in ms.
    pub fn since(self) -> Option<(&'a str, Millis)> {
        match self {
            Item::Regression(regression) => Some((&regression.since, instant(&regression.since).ok()?)),
            Item::Stream(stream) => Some((stream.since.as_deref()?, i64::from(stream.onset?) * HOUR_MS)),
        }
    }

    /// What got worse.
    pub fn measure(self) -> Measure {
        match self {
            // What a verdict rests on is the odds of a negative signal.
            Item::Regression(_) => Measure::Negative,
            Item::Stream(stream) => stream.id.measure,
        }
    }

    /// What stands beside its title.
    pub fn note(self) -> &'static str {
        match self {
            Item::Regression(_) => "regressed",
            Item::Stream(stream) => stream.id.measure.as_str(),
        }
    }

    /// The order of rows: what is silenced last, the worst level first; of one level what is over after what lasts, prompts
    /// before what is pooled over them, regressions before streams, and then as the watch ranks them.
    pub fn rank(self) -> impl Ord {
        let (is_stream, is_over) = match self {
            Item::Regression(_) => (false, false),
            Item::Stream(stream) => (true, stream.lasts() == Some(false)),
        };
        let silenced = self.silenced_until().is_some();
        (silenced, Reverse(self.level()), is_over, self.prompt().is_none(), is_stream)
    }

    /// Whether it pages.
    pub fn is_page(self) -> bool {
        self.level() == Level::Page
    }

    /// Whether it has all the words of a filter, and none that begins with `!`.
    pub fn passes(self, filter: &str) -> bool {
        let text = match self {
            Item::Regression(r) => {
                format!("{} {} {} {} regressed warn", r.proposal, r.prompt_uri, r.old_version, r.new_version)
            }
            Item::Stream(stream) => format!("{} {}", stream.stream, stream.level.as_str()),
        };
        let text = text.to_lowercase();
        filter.to_lowercase().split_whitespace().all(|term| match term.strip_prefix('!') {
            Some("") => true,
            Some(not) => !text.contains(not),
            None => text.contains(term),
        })
    }

    /// What acknowledging it means.
    pub fn acknowledged(self) -> String {
        match self {
            Item::Regression(regression) => format!(
                "It is no alarm any more: {} stays active although it is worse than {}. The verdict stays on record. To \
                 decide later, silence it instead.",
                regression.new_version, regression.old_version
            ),
            Item::Stream(_) => {
                "It is no alarm any more. A new baseline begins tomorrow: what is bad now counts as usual \
                                from then on. To wait for a repair, silence it instead."
                    .to_owned()
            }
        }
    }

    /// Reasons to go back that it speaks for.
    pub fn reasons(self) -> Vec<String> {
        let stream = match self {
            Item::Regression(regression) => {
                let (old, new) = (&regression.old_version, &regression.new_version);
                let on = regression.evidence.as_ref();
                let on = on.map(|on| format!(": {}, {}", evidence(on.basis, &on.negative), on.basis.label()));
                return vec![format!("{new} is worse than {old}{}", on.unwrap_or_default())];
            }
            Item::Stream(stream) => stream,
        };
        let measure = stream.id.measure.as_str();
        let mut reasons = Vec::new();
        if let (Some(was), Some(now), Some(since)) = (stream.baseline, stream.current, &stream.since) {
            let (was, now) = (percent(Some(was.rate)), percent(Some(now.rate)));
            // A share of calls above what was usual is not the quantity itself.
            let what = match measure {
                _ if stream.id.measure.is_quantity() => format!("calls{}", words::counted(stream)),
                _ => measure.to_owned(),
            };
            reasons.push(format!("{what} rose from {was} to {now} since {since}"));
        }
        reasons.extend(stream.causes.first().map(|cause| format!("{measure} rose: {}", cause.what)));
        reasons
    }
}
