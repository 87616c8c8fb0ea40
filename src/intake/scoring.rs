//! The scores that travel with telemetry: attributes of OpenInference, evaluation events of OTel (on spans and in log
//! records), logfire's annotation spans. What a score means is decided in `signal`. Start with `of_span`.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::conventions::Family;
use super::signal::{self, About, Measure, Score};
use super::span::{Kind, SpanFact};
use super::wire::{Attributes, RawSpan, Value, kept, millis};
use crate::domain::call::{Millis, PLAUSIBLE_MS};

/// Most evaluation events that are taken of one span.
const MAX_EVENTS: usize = 64;

/// OpenInference writes one score as several attributes: family and number -> field and value.
pub(super) type Parts<'r> = BTreeMap<(Family, u16), Vec<(&'r str, &'r Value<'r>)>>;

/// The scores that a span carries; `annotated` is the name of the score that an annotation span is.
pub(super) fn of_span(
    fact: &SpanFact,
    parts: &Parts<'_>,
    annotated: Option<String>,
    raw: &RawSpan<'_>,
) -> Vec<Score> {
    let mut scores = Vec::new();
    let here = About::Span(fact.trace, fact.span);
    for ((family, _), fields) in parts {
        let about = match family {
            Family::TraceScore => About::Trace(fact.trace),
            Family::SessionScore => fact.session.clone().map_or(About::Trace(fact.trace), About::Id),
            _ => here.clone(),
        };
        let mut score = Score::new(about, millis(fact.end_ns));
        for (field, value) in fields {
            let field = field.rsplit('.').next().unwrap_or_default();
            match field {
                "name" => score.name = kept(value).unwrap_or_default(),
                "score" => score.value = measure(value),
                "label" => score.label = kept(value),
                "explanation" => score.comment = value.text().map(Cow::into_owned),
                "annotator_kind" => score.source = kept(value).and_then(|word| signal::source(&word)),
                "identifier" => score.identifier = kept(value),
                _ => {}
            }
        }
        scores.push(score);
    }
    let results = raw.events.iter().filter(|event| event.name == EVALUATION).take(MAX_EVENTS);
    scores.extend(results.map(|event| {
        // An event without a time, or with an impossible one, is dated by its span.
        let said = Some(millis(event.at_ns)).filter(|at| event.at_ns > 0 && PLAUSIBLE_MS.contains(at));
        evaluation(&event.attributes, here.clone(), said.unwrap_or(millis(fact.end_ns)))
    }));
    if fact.kind == Kind::Annotation
        && let Some(name) = annotated
    {
        let about = fact.parent.map_or(About::Trace(fact.trace), |parent| About::Span(fact.trace, parent));
        let mut score = Score::new(about, millis(fact.start_ns));
        for (key, value) in &raw.attributes {
            match &**key {
                "logfire.feedback.comment" => score.comment = value.text().map(Cow::into_owned),
                "source" => score.source = kept(value).and_then(|word| signal::source(&word)),
                key if key == name => (score.value, score.label) = (measure(value), label(value)),
                _ => {}
            }
        }
        score.name = name;
        scores.push(score);
    }
    scores.retain(|score| !score.name.is_empty() && (score.value.is_some() || score.label.is_some()));
    scores
}

/// The name of OTel's evaluation event, on spans and in log records.
pub(super) const EVALUATION: &str = "gen_ai.evaluation.result";

/// The score that an evaluation event is.
pub(super) fn evaluation(attributes: &Attributes<'_>, about: About, at: Millis) -> Score {
    let mut score = Score::new(about, at);
    for (key, value) in attributes {
        match &**key {
            "gen_ai.evaluation.name" => score.name = kept(value).unwrap_or_default(),
            "gen_ai.evaluation.score.value" => score.value = measure(value),
            "gen_ai.evaluation.score.label" => score.label = kept(value),
            "gen_ai.evaluation.explanation" => score.comment = value.text().map(Cow::into_owned),
            "openlit.score.idempotency_key" => score.identifier = kept(value),
            "source" => score.source = kept(value).and_then(|word| signal::source(&word)),
            _ => {}
        }
    }
    score
}

fn measure(value: &Value<'_>) -> Option<Measure> {
    match value {
        Value::Bool(value) => Some(Measure::Bool(*value)),
        Value::Int(_) | Value::Float(_) => value.number().map(Measure::Number),
        Value::Text(_) | Value::Other => None,
    }
}

fn label(value: &Value<'_>) -> Option<String> {
    if let Value::Text(_) = value { kept(value) } else { None }
}
