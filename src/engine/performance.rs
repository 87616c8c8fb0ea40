//! From the cells of a prompt to the evidence on it: totals, averages, rates with intervals, and the parts by model,
//! version, layer and source of feedback.
//!
//! A call names one version of a prompt ([`named_twice`](crate::domain::prompt::PromptCallMetadata::named_twice) is
//! refused at every door), and within one call that version has one layer: so every call is in exactly one of the
//! prompt's cells and their sum counts each call once. Start with [`snapshot`]; what is "enough" is decided in
//! [`super::evidence`].

use std::collections::BTreeMap;

use semver::Version;

use super::evidence::{self, count};
use super::rollup::{Cell, CellKey, Clock, Layer, VersionId};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::feedback::{Signal, Source};
use crate::domain::prompt::PromptUri;
use crate::domain::snapshot::{
    LayerPart, ModelPart, Part, PromptPerformanceSnapshot, SnapshotRates, SnapshotStats, SnapshotWindow,
    SourcePart, Verdict, VersionPart,
};
use crate::domain::window::Window;

/// Probability of being the best from which a model is recommended.
pub const RECOMMEND_FROM: f64 = 0.8;

/// What the numbers in cells stand for.
pub trait Names {
    /// A model's id.
    fn model(&self, model: u32) -> &str;
    /// A prompt version's version.
    fn version(&self, version: VersionId) -> Option<&Version>;
}

/// The snapshot of one prompt.
///
/// `cells`: those of the prompt's versions in the window, in any order and any number per key; cells of no prompt
/// ([`CellKey::FLEET`], [`CellKey::UNPROMPTED`]) are passed over. `affinities`: the prompt's, or none; they decide on
/// the recommended model alone.
pub fn snapshot<'a>(
    prompt: &PromptUri,
    window: Window,
    cells: impl IntoIterator<Item = (CellKey, &'a Cell)>,
    names: &impl Names,
    affinities: &[PromptModelAffinity],
) -> PromptPerformanceSnapshot {
    let mut total = Cell::default();
    // By name: the same model by two providers is one line of the report.
    let mut models: BTreeMap<&str, Cell> = BTreeMap::new();
    let mut versions: BTreeMap<VersionId, Cell> = BTreeMap::new();
    let mut layers: BTreeMap<Layer, Cell> = BTreeMap::new();
    for (key, cell) in cells {
        if key.version < CellKey::FIRST_VERSION {
            continue;
        }
        total.merge(cell, 1);
        models.entry(names.model(key.model)).or_default().merge(cell, 1);
        versions.entry(key.version).or_default().merge(cell, 1);
        layers.entry(key.layer).or_default().merge(cell, 1);
    }

    let mut model_breakdown: Vec<ModelPart> = models
        .iter()
        .filter(|(_, cell)| cell.calls > 0)
        .map(|(&model, cell)| ModelPart { model_id: model.to_owned(), part: part(cell) })
        .collect();
    model_breakdown
        .sort_by(|a, b| b.part.call_count.cmp(&a.part.call_count).then_with(|| a.model_id.cmp(&b.model_id)));
    let mut version_breakdown: Vec<VersionPart> = versions
        .iter()
        .filter(|(_, cell)| cell.calls > 0)
        .filter_map(|(&id, cell)| Some(VersionPart { version: names.version(id)?.clone(), part: part(cell) }))
        .collect();
    version_breakdown.sort_by(|a, b| b.version.cmp(&a.version));

    PromptPerformanceSnapshot {
        prompt_key: prompt.key.to_string(),
        prompt_uri: prompt.clone(),
        window: SnapshotWindow(window),
        stats: stats(&total),
        rates: SnapshotRates {
            positive: evidence::share(&total.signals, Signal::Positive),
            negative: evidence::share(&total.signals, Signal::Negative),
            rephrase: evidence::share(&total.signals, Signal::Rephrase),
            correction: evidence::share(&total.signals, Signal::Correction),
            error: evidence::errors(&total),
            feedback_coverage: evidence::coverage(total.signals.total(Clock::Arrival), total.calls),
        },
        feedback: evidence::score(&total.signals),
        model_breakdown,
        version_breakdown,
        layer_breakdown: layers
            .iter()
            .filter(|(_, cell)| cell.calls > 0)
            .map(|(&layer, cell)| LayerPart { layer: layer_word(layer), part: part(cell) })
            .collect(),
        source_breakdown: sources(&total),
        recommended_model: recommended(affinities).map(|best| best.model_id.clone()),
    }
}

/// The affinity that carries a recommendation, if any does: the most probable best, where it has evidence of its own.
pub fn recommended(affinities: &[PromptModelAffinity]) -> Option<&PromptModelAffinity> {
    affinities.iter().find(|a| a.probability_best >= RECOMMEND_FROM && a.verdict == Verdict::Sufficient)
}

/// The word for a layer in JSON and reports.
pub fn layer_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Direct => "direct",
        Layer::Core => "core",
        Layer::Org => "org",
        Layer::User => "user",
    }
}

fn stats(cell: &Cell) -> SnapshotStats {
    let signal = |signal| count(cell.signals.signal(Clock::Call, signal));
    SnapshotStats {
        total_calls: count(cell.calls),
        avg_tokens: cell.mean_tokens(),
        avg_cost_usd: cell.mean_cost_usd(),
        avg_duration_ms: cell.mean_latency_ms(),
        positive_signals: signal(Signal::Positive),
        negative_signals: signal(Signal::Negative),
        rephrases: signal(Signal::Rephrase),
        corrections: signal(Signal::Correction),
        failed_calls: count(cell.calls - cell.ok),
        metered_calls: count(cell.metered),
        priced_calls: count(cell.priced),
        estimated_calls: count(cell.estimated),
        timed_calls: count(cell.timed),
        input_tokens: count(cell.input_tokens),
        output_tokens: count(cell.output_tokens),
        cached_tokens: count(cell.cached_tokens),
        total_cost_usd: cell.cost as f64 / 1e9,
        p50_duration_ms: latency_ms(cell, 0.5),
        p95_duration_ms: latency_ms(cell, 0.95),
    }
}

fn latency_ms(cell: &Cell, q: f64) -> Option<f64> {
    cell.latency_sketch.quantile(q).map(|us| us / 1e3)
}

/// The evidence in one cell.
pub fn part(cell: &Cell) -> Part {
    Part {
        call_count: count(cell.calls),
        avg_latency_ms: cell.mean_latency_ms(),
        p95_latency_ms: latency_ms(cell, 0.95),
        avg_cost_usd: cell.mean_cost_usd(),
        avg_tokens: cell.mean_tokens(),
        error: evidence::errors(cell),
        score: evidence::score(&cell.signals),
    }
}

fn sources(cell: &Cell) -> Vec<SourcePart> {
    let part = |source: Source| {
        let signal = |signal| count(cell.signals.get(Clock::Call, source, signal));
        SourcePart {
            source,
            positive_signals: signal(Signal::Positive),
            negative_signals: signal(Signal::Negative),
            rephrases: signal(Signal::Rephrase),
            corrections: signal(Signal::Correction),
            score: evidence::score_from(&cell.signals, source),
        }
    };
    Source::ALL.into_iter().map(part).filter(|part| part.score.sample_size > 0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rollup::CallFacts;

    struct Plain(Vec<Version>);

    impl Names for Plain {
        fn model(&self, model: u32) -> &str {
            ["gpt-4o", "claude-sonnet"][model as usize]
        }
        fn version(&self, version: VersionId) -> Option<&Version> {
            self.0.get((version - CellKey::FIRST_VERSION) as usize)
        }
    }

    fn call(tokens: Option<(u32, u32)>, cost: Option<i64>, ms: u64, ok: bool) -> CallFacts {
        CallFacts { ok, tokens, cached: 0, cost, estimated: false, latency_us: Some(ms * 1000) }
    }

    #[test]
    fn every_call_counts_once_and_every_number_has_its_base() {
        let names = Plain(vec![Version::new(1, 0, 0), Version::new(1, 1, 0)]);
        let key = |version, layer, model| CellKey { version, layer, model };
        let (mut a, mut b, mut fleet) = (Cell::default(), Cell::default(), Cell::default());
        for i in 0..100 {
            a.add_call(&call(Some((1000, 200)), Some(6_000_000), 1200, i % 10 != 0), 1);
        }
        a.signals.add(Clock::Call, Source::User, Signal::Positive, 30);
        a.signals.add(Clock::Call, Source::Agent, Signal::Negative, 10);
        // Thirty of the forty came from one session within one hour: they are one unit.
        a.signals.add(Clock::Arrival, Source::User, Signal::Positive, 1);
        a.signals.add(Clock::Arrival, Source::Agent, Signal::Negative, 10);
        b.add_call(&call(None, None, 400, true), 1);
        b.signals.add(Clock::Call, Source::User, Signal::Correction, 1);
        fleet.merge(&a, 1);
        fleet.merge(&b, 1);
        let uri: PromptUri = "prompt://org/HUMAN_CORP/legal.contract-analysis".parse().unwrap();
        let cells = [
            (key(2, Layer::Org, 0), &a),
            (key(3, Layer::Direct, 1), &b),
            (key(CellKey::FLEET, Layer::Direct, 0), &fleet),
        ];
        let window = Window { from_ms: 0, to_ms: 3_600_000 };
        let s = snapshot(&uri, window, cells, &names, &[]);

        assert_eq!((s.stats.total_calls, s.stats.metered_calls, s.stats.failed_calls), (101, 100, 10));
        assert_eq!(s.stats.avg_tokens, Some(1200.0));
        assert_eq!(s.stats.avg_cost_usd, Some(0.006));
        assert!((s.stats.total_cost_usd - 0.6).abs() < 1e-12);
        assert!((s.stats.p95_duration_ms.unwrap() / 1200.0 - 1.0).abs() < 0.01);
        assert_eq!((s.rates.positive.count, s.rates.positive.sample_size), (30, 41));
        assert_eq!(s.rates.feedback_coverage.rate, Some(11.0 / 101.0));
        assert_eq!(s.model_breakdown.iter().map(|m| m.part.call_count).sum::<u64>(), 101);
        assert_eq!(s.model_breakdown[0].model_id, "gpt-4o");
        assert_eq!(s.model_breakdown[1].part.score.verdict, Verdict::Insufficient);
        assert_eq!(s.version_breakdown[0].version, Version::new(1, 1, 0));
        assert_eq!(s.layer_breakdown.iter().map(|l| l.layer).collect::<Vec<_>>(), ["direct", "org"]);
        assert_eq!(s.source_breakdown.len(), 2);

        let json = serde_json::to_value(&s).unwrap();
        assert_eq!(json["promptKey"], "legal.contract-analysis");
        assert_eq!(json["window"]["end"], "1970-01-01T01:00:00Z");
        assert_eq!(json["stats"]["totalCalls"], 101);
        assert_eq!(json["rates"]["negative"]["interval"].as_array().unwrap().len(), 2);
        let thin = &json["modelBreakdown"][1];
        assert_eq!((&thin["modelId"], &thin["verdict"]), (&"claude-sonnet".into(), &"insufficient".into()));
        assert!(thin["avgCostUsd"].is_null() && thin["feedbackScore"].is_number() && thin["sampleSize"] == 1);
        assert!(json.get("recommendedModel").is_none());
    }

    #[test]
    fn nothing_is_not_zero() {
        let uri: PromptUri = "prompt://core/a".parse().unwrap();
        let s = snapshot(&uri, Window { from_ms: 0, to_ms: 1 }, [], &Plain(vec![]), &[]);
        assert_eq!((s.stats.total_calls, s.stats.avg_tokens, s.rates.error.rate), (0, None, None));
        assert_eq!(s.rates.positive.verdict, Verdict::Insufficient);
    }
}
