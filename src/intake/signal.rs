//! Foreign scores into feedback: which of them say `positive`, `negative`, `rephrase` or `correction`, who said it,
//! and under which id, so that a score that travels by two channels counts once. What cannot be told stays feedback
//! without a signal: kept, and counting for nothing. Start with [`ScoreRules::signal`].

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::domain::call::Millis;
use crate::domain::feedback::{Feedback, Signal, Source, Target, alias};

/// Longest name, label or comment that is kept, in bytes.
const MAX_TEXT: usize = 2_000;

/// What a foreign score is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// The calls at or below a span.
    Span([u8; 16], [u8; 8]),
    /// All calls of a trace.
    Trace([u8; 16]),
    /// The calls that carry this id: a session, an association property, a provider's response id, a foreign trace id.
    Id(String),
}

impl About {
    fn target(&self) -> Target {
        match self {
            About::Span(trace, span) => {
                Target { alias: alias::span(trace, span), text: format!("span {}-{}", hex(trace), hex(span)) }
            }
            About::Trace(trace) => {
                Target { alias: alias::trace(trace), text: format!("trace {}", hex(trace)) }
            }
            About::Id(id) => Target { alias: alias::association(id), text: format!("id {id}") },
        }
    }
}

/// Lower-case hex digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// At most `limit` bytes of a text, cut between characters.
pub(super) fn clip(text: &str, limit: usize) -> &str {
    if text.len() <= limit {
        return text;
    }
    let end = (0..=limit).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
    &text[..end]
}

/// The measured part of a score.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// Yes or no.
    Bool(bool),
    /// A finite number on a scale that only the sender knows.
    Number(f64),
}

/// A score as its sender put it.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// What it is about.
    pub about: About,
    /// What was scored (`user_feedback`, `groundedness`).
    pub name: String,
    /// The value, where there is one.
    pub value: Option<Measure>,
    /// The category, where there is one.
    pub label: Option<String>,
    /// Free text.
    pub comment: Option<String>,
    /// Who scored, where the sender says so.
    pub source: Option<Source>,
    /// The sender's own id of this score.
    pub identifier: Option<String>,
    /// When.
    pub at: Millis,
}

impl Score {
    /// A score of which nothing but the target and the time is known yet.
    pub(super) fn new(about: About, at: Millis) -> Self {
        Score {
            about,
            name: String::new(),
            value: None,
            label: None,
            comment: None,
            source: None,
            identifier: None,
            at,
        }
    }

    fn shown(&self) -> String {
        let mut text = clip(&self.name, MAX_TEXT).to_owned();
        match self.value {
            Some(Measure::Bool(value)) => drop(write!(text, " = {value}")),
            Some(Measure::Number(value)) => drop(write!(text, " = {value}")),
            None => {}
        }
        if let Some(label) = &self.label {
            let _ = write!(text, " ({})", clip(label, MAX_TEXT));
        }
        if let Some(comment) = &self.comment {
            let _ = write!(text, ": {}", clip(comment, MAX_TEXT));
        }
        text
    }

    /// The same score sent as a span event and as a log record has one id: times and channels are not part of it.
    fn id(&self, target: &Target) -> String {
        let value = self.value.map(|value| match value {
            Measure::Bool(value) => value.to_string(),
            Measure::Number(value) => value.to_string(),
        });
        let parts = [
            Some(target.text.as_str()),
            Some(self.name.as_str()),
            value.as_deref(),
            self.label.as_deref(),
            self.comment.as_deref(),
            self.identifier.as_deref(),
        ];
        let mut hash = Sha256::new();
        for part in parts {
            match part {
                None => hash.update([0]),
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_le_bytes());
                    hash.update(text);
                }
            }
        }
        format!("score-{}", hex(&hash.finalize()[..16]))
    }
}

/// How one score of a given name becomes a signal. Everything absent falls back to the built-in rules.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreRule {
    /// Numbers from here up are positive.
    pub positive_from: Option<f64>,
    /// Numbers up to here are negative.
    pub negative_to: Option<f64>,
    /// What `true` means.
    pub when_true: Option<Signal>,
    /// What `false` means.
    pub when_false: Option<Signal>,
    /// What a category means.
    pub labels: BTreeMap<String, Signal>,
    /// Who gives this score.
    pub source: Option<Source>,
}

/// The configured rules, `[intake.scores]`: score name -> rule.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct ScoreRules(pub BTreeMap<String, ScoreRule>);

/// Categories that say a signal, whatever the score is called.
const LABELS: &[(&str, Signal)] = &[
    ("positive", Signal::Positive),
    ("thumbs_up", Signal::Positive),
    ("thumbsup", Signal::Positive),
    ("thumb_up", Signal::Positive),
    ("upvote", Signal::Positive),
    ("like", Signal::Positive),
    ("liked", Signal::Positive),
    ("good", Signal::Positive),
    ("helpful", Signal::Positive),
    ("👍", Signal::Positive),
    ("negative", Signal::Negative),
    ("thumbs_down", Signal::Negative),
    ("thumbsdown", Signal::Negative),
    ("thumb_down", Signal::Negative),
    ("downvote", Signal::Negative),
    ("dislike", Signal::Negative),
    ("disliked", Signal::Negative),
    ("bad", Signal::Negative),
    ("unhelpful", Signal::Negative),
    ("not_helpful", Signal::Negative),
    ("👎", Signal::Negative),
    ("rephrase", Signal::Rephrase),
    ("rephrased", Signal::Rephrase),
    ("correction", Signal::Correction),
    ("corrected", Signal::Correction),
];

/// Scores that are a user's yes or no. Any other score's `true` or `1` says nothing about better or worse:
/// `hallucination = true` is no praise.
const VERDICTS: &[&str] = &[
    "user_feedback",
    "feedback",
    "human_feedback",
    "end_user_feedback",
    "customer_feedback",
    "user_rating",
    "user_score",
    "user_satisfaction",
    "thumbs",
    "thumb",
    "thumbs_up",
    "thumbs_up_down",
    "like",
    "liked",
];

fn normal(text: &str) -> String {
    text.trim().to_lowercase().replace(['-', ' ', '.'], "_")
}

fn worded(text: &str) -> Option<Signal> {
    let text = normal(text);
    LABELS.iter().find(|(label, _)| *label == text).map(|(_, signal)| *signal)
}

impl ScoreRules {
    /// The signal that a score gives: by the configured rule of its name; else by its category; else, for a user's
    /// verdict or a score named like a signal, by yes or no (also as `1`, `0`, `-1`, `"true"`, `"false"`).
    pub fn signal(&self, score: &Score) -> Option<Signal> {
        let rule = self.0.get(&score.name);
        let label = score.label.as_deref();
        let yes = match (score.value, label.map(normal).as_deref()) {
            (Some(Measure::Bool(value)), _) => Some(value),
            (Some(Measure::Number(value)), _)
                if value.abs() < f64::EPSILON || (value + 1.0).abs() < f64::EPSILON =>
            {
                Some(false)
            }
            (Some(Measure::Number(value)), _) if (value - 1.0).abs() < f64::EPSILON => Some(true),
            (None, Some("true" | "yes" | "1")) => Some(true),
            (None, Some("false" | "no" | "0")) => Some(false),
            _ => None,
        };
        let configured = rule.and_then(|rule| {
            let by_label = label.and_then(|label| rule.labels.get(label).copied());
            let by_number = match score.value {
                Some(Measure::Number(value)) if rule.positive_from.is_some_and(|from| value >= from) => {
                    Some(Signal::Positive)
                }
                Some(Measure::Number(value)) if rule.negative_to.is_some_and(|to| value <= to) => {
                    Some(Signal::Negative)
                }
                _ => None,
            };
            let by_yes = yes.and_then(|yes| if yes { rule.when_true } else { rule.when_false });
            by_label.or(by_number).or(by_yes)
        });
        configured.or_else(|| label.and_then(worded)).or_else(|| {
            let name = normal(&score.name);
            match (yes?, worded(&name)) {
                (true, Some(signal)) => Some(signal),
                (yes, _) if VERDICTS.contains(&name.as_str()) => {
                    Some(if yes { Signal::Positive } else { Signal::Negative })
                }
                _ => None,
            }
        })
    }

    /// Who gave a score: as configured; as the sender says; else a user where the name says so, else an evaluator.
    fn source(&self, score: &Score) -> Source {
        let configured = self.0.get(&score.name).and_then(|rule| rule.source);
        configured.or(score.source).unwrap_or_else(|| {
            let name = normal(&score.name);
            let by_user =
                VERDICTS.contains(&name.as_str()) || name.contains("user") || name.contains("human");
            if by_user { Source::User } else { Source::Agent }
        })
    }

    /// The feedback that a score is.
    pub fn feedback(&self, score: &Score) -> Feedback {
        let target = score.about.target();
        Feedback {
            id: score.id(&target),
            signal: self.signal(score),
            source: self.source(score),
            detail: Some(score.shown()),
            at: score.at,
            target,
        }
    }
}

/// Who, in the words of the conventions: OpenInference `annotator_kind`, Langfuse `source`, OpenLIT and logfire
/// `source`.
pub(super) fn source(word: &str) -> Option<Source> {
    match normal(word).as_str() {
        "user" | "human" | "annotation" | "user_feedback" => Some(Source::User),
        "agent" | "llm" | "eval" | "evaluator" | "model" => Some(Source::Agent),
        "system" | "code" => Some(Source::System),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(name: &str, value: Option<Measure>, label: Option<&str>) -> Score {
        let mut score = Score::new(About::Id("x".into()), 0);
        score.name = name.into();
        score.value = value;
        score.label = label.map(str::to_owned);
        score
    }

    #[test]
    fn what_says_a_signal_and_what_does_not() {
        let rules = ScoreRules::default();
        let signal = |name, value, label| rules.signal(&score(name, value, label));
        let (yes, no) = (Some(Measure::Bool(true)), Some(Measure::Bool(false)));
        assert_eq!(signal("user_feedback", yes, None), Some(Signal::Positive));
        assert_eq!(
            signal("user-feedback", Some(Measure::Number(0.0)), Some("false")),
            Some(Signal::Negative)
        );
        assert_eq!(signal("user_feedback", no, None), Some(Signal::Negative));
        assert_eq!(signal("anything", None, Some("Thumbs Down")), Some(Signal::Negative));
        assert_eq!(signal("user_feedback", None, Some("rephrase")), Some(Signal::Rephrase));
        assert_eq!(signal("correction", yes, None), Some(Signal::Correction));
        assert_eq!(
            signal("groundedness", Some(Measure::Number(0.42)), Some("negative")),
            Some(Signal::Negative)
        );
        assert_eq!(signal("groundedness", Some(Measure::Number(0.42)), None), None);
        assert_eq!(signal("NonEmpty", Some(Measure::Number(1.0)), Some("pass")), None);
        assert_eq!(signal("needs_correction", yes, None), None);
        assert_eq!(signal("user_rating", Some(Measure::Number(4.0)), None), None);
    }

    #[test]
    fn configured_rules_come_first() {
        let rules: ScoreRules = toml::from_str(
            "accuracy = { positive_from = 0.8, negative_to = 0.5, source = \"system\" }\n\
             needs_correction = { when_true = \"correction\" }\n\
             verdict = { labels = { pass = \"positive\" } }",
        )
        .unwrap();
        let signal = |name, value, label| rules.signal(&score(name, value, label));
        assert_eq!(signal("accuracy", Some(Measure::Number(0.8)), None), Some(Signal::Positive));
        assert_eq!(signal("accuracy", Some(Measure::Number(0.6)), None), None);
        assert_eq!(signal("accuracy", Some(Measure::Number(0.5)), None), Some(Signal::Negative));
        assert_eq!(signal("needs_correction", Some(Measure::Bool(true)), None), Some(Signal::Correction));
        assert_eq!(signal("verdict", None, Some("pass")), Some(Signal::Positive));
        assert_eq!(rules.feedback(&score("accuracy", None, None)).source, Source::System);
    }

    #[test]
    fn ids_follow_the_content_and_not_the_time() {
        let rules = ScoreRules::default();
        let one = score("a", Some(Measure::Number(1.0)), None);
        let mut later = one.clone();
        later.at = 99;
        assert_eq!(rules.feedback(&one).id, rules.feedback(&later).id);
        let mut other = one.clone();
        other.label = Some(String::new());
        assert_ne!(rules.feedback(&one).id, rules.feedback(&other).id);
    }

    #[test]
    fn clipping_keeps_characters_whole() {
        assert_eq!(clip("häuser", 2), "h");
        assert_eq!(clip("häuser", 3), "hä");
    }
}
