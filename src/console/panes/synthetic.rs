//! For tests: a world of prompts that answers what the leaderboard and the pages of prompts ask.

use std::sync::Arc;

use crate::console::fixtures::failing;
use crate::console::harness::{Answers, NOW};
use crate::console::message::Fault;
use crate::console::query::{Compared, Layout, Leaders, Query, Reply};
use crate::domain::call::Call;
use crate::domain::feedback::{Feedback, Signal, Source, Target};
use crate::domain::prompt::{CompositionMethod, PromptCallMetadata, PromptLayer, PromptUri};
use crate::domain::snapshot::{
    FeedbackScore, LayerPart, ModelPart, Part, PromptPerformanceSnapshot, Rate, SnapshotRates, SnapshotStats,
    SnapshotWindow, SourcePart, Verdict, VersionPart,
};
use crate::domain::window::Window;
use crate::engine::diff::Diff;
use crate::engine::evidence;
use crate::engine::rank::{Column, Line};
use crate::engine::trend::health::{Health, Level};
use crate::engine::trend::{Measure, StreamId, Subject};
use crate::service::live::{
    BoardLine, BoardPage, BoardWish, CallLine, CallPage, Group, HistoryLine, PromptPage, Pulse, Trend,
    TrendPoint,
};
use crate::store::telemetry::KeptCall;

const HOUR: i64 = 3_600_000;
const WEEK: i64 = 7 * 24 * HOUR;
const TEXT: &str = "# Support\n\nAnswer {{customer}} in their own language, be kind, and say what you will do before \
you do it.\n\n- First a sentence that says what was understood.\n- Then the answer, in at most {{lines}} lines.\n";

fn rate(count: u64, of: u64) -> Rate {
    evidence::rate(count as i64, of as i64, 20)
}

fn score(mean: f64, n: u64) -> FeedbackScore {
    let verdict = if n >= 20 { Verdict::Sufficient } else { Verdict::Insufficient };
    let half = 0.5 / (n as f64 + 2.0).sqrt();
    let interval = [(mean - half).max(0.0), (mean + half).min(1.0)];
    FeedbackScore { feedback_score: mean, interval, sample_size: n, verdict }
}

pub(super) fn name(i: usize) -> String {
    let keys = ["support.reply", "sales.pitch", "code.review", "legal.summary", "intent.route", "mail.draft"];
    let key = keys[i % 6];
    let key = if i < 6 { key.to_owned() } else { format!("{key}-{}", i / 6) };
    match i % 3 {
        0 => format!("prompt://org/acme/{key}"),
        1 => format!("prompt://core/{key}"),
        _ => format!("prompt://user/acme/ana/{key}"),
    }
}

fn line(i: usize, total: usize) -> BoardLine {
    let calls = ((total - i) * 37) as u64;
    let signals = if i % 5 == 4 { 7 } else { calls / 9 + 20 };
    let negative = signals * (i as u64 % 4 + 1) / 12;
    let name = name(i);
    let uri: PromptUri = name.parse().unwrap();
    BoardLine {
        line: Line {
            scope: Some(uri.scope()),
            task_type: ["support", "analysis"][i % 2].into(),
            managed: i % 4 != 3,
            calls,
            avg_tokens: Some(1203.0),
            total_cost_usd: (i % 7 != 6).then_some(calls as f64 * 0.006),
            avg_cost_usd: (i % 7 != 6).then_some(0.006),
            avg_duration_ms: Some(1300.0),
            p50_duration_ms: Some(900.0 + i as f64),
            p95_duration_ms: Some(2100.0 + i as f64),
            positive: rate(signals - negative - signals / 6, signals),
            negative: rate(negative, signals),
            rephrase: rate(signals / 8, signals),
            correction: rate(signals / 6 - signals / 8, signals),
            error: rate(calls / 50, calls),
            feedback_coverage: rate(signals.min(calls), calls),
            score: score(0.8 - negative as f64 / signals as f64, signals),
            prompt: name,
        },
        version: (i % 4 != 3).then(|| "2.1.0".parse().unwrap()),
        uri: Some(uri),
        health: [Some(Level::Page), Some(Level::Stable), Some(Level::Warn), Some(Level::Insufficient), None]
            [i % 5],
        trend: (0..24).map(|h| (h * (i as u64 % 5 + 1)) % 17).collect(),
        best_model: Some(("gpt-4o".into(), 0.81, i % 5 != 4)),
        open: u32::from(i.is_multiple_of(6)) * 2,
        group: None,
        matched: vec![],
    }
}

fn board(wish: &BoardWish, total: usize) -> BoardPage {
    let mut order: Vec<usize> = (0..total).filter(|i| name(*i).contains(&wish.filter)).collect();
    if wish.sort.column == Column::Name {
        order.sort_by_key(|i| name(*i));
    }
    if wish.sort.descending != (wish.sort.column != Column::Name) {
        order.reverse();
    }
    if wish.group != Group::None {
        order.sort_by_key(|i| i % 3);
    }
    let found = wish.seek.as_ref().and_then(|seek| order.iter().position(|i| name(*i) == *seek));
    let at = match found {
        Some(found) if !(wish.from..wish.from + wish.count).contains(&found) => {
            found.saturating_sub(wish.count / 2)
        }
        _ => wish.from.min(order.len()),
    };
    let group =
        |i: usize| (wish.group != Group::None).then(|| ["acme", "core", "acme/ana"][i % 3].to_owned());
    let lines = order.iter().skip(at).take(wish.count);
    BoardPage {
        window: wish.window.at(NOW),
        total,
        matched: order.len(),
        from: at,
        lines: lines.map(|i| BoardLine { group: group(*i), ..line(*i, total) }).collect(),
        found,
        fault: wish.filter.contains("neg>").then(|| "`neg>` compares with a number".into()),
        as_of: NOW,
    }
}

fn compared(layout: Layout) -> Compared {
    let text = |tone: &str| {
        let steps = (1..=40).map(|n| format!("{n}. Look at part {n} of {{{{contract}}}}."));
        format!("{}\n{tone}\n", steps.collect::<Vec<_>>().join("\n"))
    };
    let (old, new) = (text("Be polite, and never say that you cannot help."), text("Be brief."));
    let diff = Arc::new(Diff::between(&old, &new, None));
    let laid = layout.lay(&old, &new, &diff);
    Compared { texts: [old, new], diff, laid }
}

fn health(name: &str) -> Health {
    Health {
        stream: format!("{name} negative"),
        id: StreamId { subject: Subject::Prompt(name.into()), measure: Measure::Negative },
        level: Level::Page,
        reason: None,
        evidence: 412.0,
        page_from: 100.0,
        by_hour: false,
        onset: Some(0),
        since: Some("2026-11-27T14:00:00Z".into()),
        odds_ratio: Some(2.4),
        baseline: None,
        current: None,
        last_day: None,
        units: 900,
        calls_per_hour: None,
        last_unit: None,
        silenced_until: None,
        causes: vec![],
        explained: true,
        course: vec![],
        by_model: vec![],
    }
}

fn part(calls: u64, mean: f64, signals: u64) -> Part {
    Part {
        call_count: calls,
        avg_latency_ms: Some(1200.0),
        p95_latency_ms: Some(2100.0),
        avg_cost_usd: Some(0.006),
        avg_tokens: Some(1203.0),
        error: rate(calls / 50, calls),
        score: score(mean, signals),
    }
}

fn page(uri: &str) -> PromptPage {
    let uri: PromptUri = uri.parse().unwrap();
    let (old, new): (semver::Version, semver::Version) = ("2.0.0".parse().unwrap(), "2.1.0".parse().unwrap());
    let points = (0..84u64).map(|i| TrendPoint {
        calls: 100 + i % 24 * 5,
        failed: i % 3,
        signals: [10, if i > 60 { 6 } else { 1 + i % 2 }, 1, 1],
        tokens: Some(1200.0 + i as f64),
        cost: Some(0.006),
        latency: [Some(900.0), Some(2000.0 + i as f64 * 3.0)],
    });
    let line = line(0, 300).line;
    PromptPage {
        active: Some(new.clone()),
        versions: vec![old.clone(), new.clone()],
        text: TEXT.into(),
        description: Some("Answers what customers write.".into()),
        snapshot: PromptPerformanceSnapshot {
            prompt_key: uri.key.to_string(),
            prompt_uri: uri.clone(),
            window: SnapshotWindow(Window { from_ms: NOW - WEEK, to_ms: NOW }),
            stats: SnapshotStats {
                total_calls: 12_403,
                avg_tokens: Some(1203.0),
                avg_cost_usd: Some(0.006),
                avg_duration_ms: Some(1300.0),
                positive_signals: 900,
                negative_signals: 180,
                rephrases: 80,
                corrections: 40,
                failed_calls: 248,
                metered_calls: 12_403,
                priced_calls: 12_403,
                estimated_calls: 10,
                timed_calls: 12_403,
                input_tokens: 9_000_000,
                output_tokens: 3_000_000,
                cached_tokens: 0,
                total_cost_usd: 74.4,
                p50_duration_ms: Some(900.0),
                p95_duration_ms: Some(2100.0),
            },
            rates: SnapshotRates {
                positive: rate(900, 1200),
                negative: rate(180, 1200),
                rephrase: rate(80, 1200),
                correction: rate(40, 1200),
                error: rate(248, 12_403),
                feedback_coverage: line.feedback_coverage,
            },
            feedback: score(0.71, 1200),
            model_breakdown: vec![
                ModelPart { model_id: "gpt-4o".into(), part: part(9000, 0.74, 900) },
                ModelPart { model_id: "claude-sonnet".into(), part: part(3403, 0.6, 12) },
            ],
            version_breakdown: vec![
                VersionPart { version: new.clone(), part: part(3102, 0.61, 300) },
                VersionPart { version: old.clone(), part: part(9301, 0.74, 900) },
            ],
            layer_breakdown: vec![LayerPart { layer: "org", part: part(12_403, 0.71, 1200) }],
            source_breakdown: vec![SourcePart {
                source: Source::User,
                positive_signals: 900,
                negative_signals: 180,
                rephrases: 80,
                corrections: 40,
                score: score(0.71, 1200),
            }],
            recommended_model: Some("gpt-4o".into()),
        },
        affinities: vec![],
        trend: Trend {
            from: NOW - WEEK,
            step: WEEK / 84,
            points: points.collect(),
            activations: vec![(NOW - WEEK / 3, new.clone())],
            alarms: vec![(NOW - WEEK / 4, "negative".into())],
        },
        level: Some(Level::Page),
        health: vec![health(&uri.to_string())],
        outcome: Some("2.1.0 did worse than 2.0.0: score 0.61 against 0.74.".into()),
        history: vec![
            HistoryLine {
                at: NOW - WEEK / 3,
                version: new,
                what: "active",
                by: Some("ana".into()),
                reason: Some("shorter answers".into()),
            },
            HistoryLine { at: NOW - 3 * WEEK, version: old, what: "published", by: None, reason: None },
        ],
        recommendations: vec!["Roll back to 2.0.0: negative feedback doubled.".into()],
        open: 2,
        as_of: NOW,
        uri,
    }
}

fn kept(i: usize, uri: &str) -> KeptCall {
    let uri: PromptUri = uri.parse().unwrap();
    let version: semver::Version = "2.1.0".parse().unwrap();
    let id = format!("call-{i:04}");
    let feedback = Feedback {
        id: format!("f{i}"),
        target: Target { alias: 0, text: id.clone() },
        signal: Some(Signal::Negative),
        source: Source::User,
        detail: Some("It answered in English \u{202e}again".into()),
        at: NOW - 1000,
    };
    KeptCall {
        call: Call {
            provenance_id: id,
            at: NOW - i as i64 * 60_000,
            prompts: Some(Arc::new(PromptCallMetadata {
                prompt_uris: vec![uri.clone()],
                prompt_versions: vec![version.clone()],
                layers: vec![PromptLayer { scope: uri.scope(), uri: uri.clone(), version }],
                composition_method: CompositionMethod::Compose,
                variables_used: vec!["customer".into(), "lines".into()],
                estimated_tokens: Some(1100),
                org_id: "acme".into(),
            })),
            model: "gpt-4o".into(),
            provider: Some("openai".into()),
            input_tokens: Some(1000),
            output_tokens: Some(203),
            cached_tokens: None,
            cost: Some(6_000_000),
            cost_estimated: true,
            duration_us: Some(1_200_000),
            ttft_us: Some(210_000),
            ok: i % 9 != 8,
            error: (i % 9 == 8).then(|| "overloaded".into()),
            agent: Some("helpdesk".into()),
            session: Some("s-42".into()),
            user: None,
        },
        feedback: if i.is_multiple_of(3) { vec![feedback] } else { vec![] },
    }
}

fn calls(of: impl Iterator<Item = KeptCall>) -> CallPage {
    let kept: Vec<KeptCall> = of.collect();
    let lines = kept.iter().map(|kept| CallLine {
        id: kept.call.provenance_id.clone(),
        at: kept.call.at,
        model: kept.call.model.clone(),
        tokens: Some(1203),
        cost: Some(0.006),
        latency: Some(1200.0),
        ok: kept.call.ok,
        signals: kept.feedback.iter().filter_map(|feedback| feedback.signal).collect(),
    });
    CallPage { lines: lines.collect(), more: kept.len() > 1, kept }
}

fn pulse(total: usize) -> Pulse {
    Pulse {
        prompts: (total, total),
        calls: total as u64 * 100,
        open: 2,
        open_high: 0,
        alarms: Some((0, 1)),
        quarantined: 0,
        newest: Some(NOW),
        steward: Some(("ana".into(), true)),
        owned: true,
        writable: true,
        store: "human.db".into(),
        as_of: NOW,
    }
}

/// A world of so many prompts.
/// Answers of a world with so many prompts.
pub fn world(total: usize) -> Answers {
    Box::new(move |query| {
        let first = |i: usize| (i < total).then(|| line(i, total));
        let answer = match query {
            Query::Pulse => Reply::Pulse(Arc::new(pulse(total))),
            Query::Board(wish) => Reply::Board(Arc::new(board(wish, total))),
            Query::Leaders(_) => Reply::Leaders(Arc::new(Leaders {
                used: first(0),
                dear: first(0),
                best: first(1),
                worst: first(4),
                degrading: Some((2, Some(Box::new(health(&name(0)))))),
            })),
            Query::Compare(_, layout) => Reply::Compare(Arc::new(compared(*layout))),
            Query::Prompt(uri, _) => Reply::Prompt(Arc::new(page(uri))),
            Query::Calls(uri, _) => Reply::Calls(Arc::new(calls((0..40).map(|i| kept(i, uri))))),
            Query::Call(id) => {
                let i = id.trim_start_matches("call-").parse().unwrap_or(0);
                Reply::Calls(Arc::new(calls(std::iter::once(kept(i, &name(0))))))
            }
            _ => return Some(Err(Fault::new("nobody knows"))),
        };
        Some(Ok(answer))
    })
}

/// Four sizes that every screen is drawn at.
pub(super) const SIZES: [(u16, u16); 4] = [(200, 60), (120, 40), (80, 24), (60, 20)];

/// A world in which every question fails.
pub fn broken() -> Answers {
    failing()
}
