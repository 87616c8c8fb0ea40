//! `human prompts performance`: the seed's report, and below it how sure each of its numbers is.
//!
//! ```text
//! prompt://org/HUMAN_CORP/legal.contract-analysis@1.0.0
//! Calls: 847 (last 7 days)
//! Avg tokens: 1,203 | Avg cost: $0.006 | Avg latency: 1.2s
//! Positive: 72% | Negative: 12% | Rephrase: 16%
//! Best model: gpt-4o (0.92 affinity) > claude-sonnet (0.87)
//! ```
//!
//! Pure: a snapshot in, text out. Start with [`Report::text`].

use std::fmt::Write;

use super::plain::shown;
use super::table::{self, Page};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::prompt::PromptUri;
use crate::domain::snapshot::{FeedbackScore, Part, PromptPerformanceSnapshot, Rate, Verdict};
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::number::{self, count, duration, mean, percent, percents, scores, usd};

/// Models named on the line of the best.
const BEST: usize = 3;

/// A finding or an open proposal, as the report names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recommendation {
    /// `PROPOSAL-47`, or the kind of finding.
    pub id: String,
    /// What it says, in a line.
    pub title: String,
}

/// What the report is made of.
#[derive(Debug, Clone, Copy)]
pub struct Report<'a> {
    /// The prompt with the version that its first line names: the one asked for, else the active one.
    pub prompt: &'a PromptUri,
    /// The snapshot.
    pub snapshot: &'a PromptPerformanceSnapshot,
    /// The window in words: `last 7 days`.
    pub window: &'a str,
    /// The prompt's affinities, best first.
    pub affinities: &'a [PromptModelAffinity],
    /// What is said of the prompt as a whole, a line each: its health, what came of its latest change.
    pub notes: &'a [String],
    /// Findings and open proposals.
    pub recommendations: &'a [Recommendation],
}

impl Report<'_> {
    /// The whole report, ending with a newline.
    pub fn text(&self, page: Page) -> String {
        let mut out = self.summary(page);
        if self.snapshot.stats.total_calls > 0 {
            out.push_str(&self.evidence(page));
            out.push_str(&self.parts(page));
        }
        out
    }

    /// The seed's lines.
    fn summary(&self, page: Page) -> String {
        let s = &self.snapshot.stats;
        let mut lines = vec![
            page.heading(&self.prompt.to_string()),
            format!("Calls: {} ({})", count(s.total_calls), shown(self.window)),
        ];
        if s.total_calls > 0 {
            lines.push(format!(
                "Avg tokens: {} | Avg cost: {} | Avg latency: {}",
                mean(s.avg_tokens),
                usd(s.avg_cost_usd),
                duration(s.avg_duration_ms)
            ));
            lines.push(self.shares());
            if let Some(best) = self.best() {
                lines.push(best);
            }
        }
        lines.extend_from_slice(self.notes);
        if !self.recommendations.is_empty() {
            lines.extend([String::new(), "Recommendations:".into()]);
            let proposal = |r: &Recommendation| format!("- [{}] {}", shown(&r.id), shown(&r.title));
            lines.extend(self.recommendations.iter().map(proposal));
        }
        // The heading is one word, and may hold a terminal's own characters.
        let (heading, rest) = lines.split_at(1);
        heading[0].clone() + "\n" + &page.wrap(&rest.join("\n")) + "\n"
    }

    fn shares(&self) -> String {
        let rates = &self.snapshot.rates;
        let n = rates.positive.sample_size;
        if n == 0 {
            return "Feedback: none".into();
        }
        let enough = rates.positive.verdict == Verdict::Sufficient;
        let share = |name: &str, rate: &Rate| {
            let value = if enough { percent(rate.rate) } else { format!("{} of {n}", rate.count) };
            format!("{name}: {value}")
        };
        let mut shares = vec![
            share("Positive", &rates.positive),
            share("Negative", &rates.negative),
            share("Rephrase", &rates.rephrase),
        ];
        if rates.correction.count > 0 {
            shares.push(share("Correction", &rates.correction));
        }
        if !enough {
            shares.push(format!("insufficient: shares need {MIN_SIGNALS} signals"));
        }
        shares.join(" | ")
    }

    /// The best models that have feedback of their own; `None` where no model has.
    fn best(&self) -> Option<String> {
        let known = self.affinities.iter().filter(|a| a.sample_size > 0).take(BEST);
        let leaning = self.snapshot.recommended_model.is_none();
        let names: Vec<String> = known
            .enumerate()
            .map(|(i, a)| {
                let unsure = match (a.verdict, i) {
                    (Verdict::Insufficient, _) => ", insufficient",
                    // The best so far, not yet sure enough to be recommended.
                    (Verdict::Sufficient, 0) if leaning => ", leaning",
                    _ => "",
                };
                let word = if i == 0 { " affinity" } else { "" };
                format!("{} ({:.2}{word}{unsure})", shown(&a.model_id), a.affinity_score)
            })
            .collect();
        (!names.is_empty()).then(|| format!("Best model: {}", names.join(" > ")))
    }

    fn evidence(&self, page: Page) -> String {
        let (s, rates) = (&self.snapshot.stats, &self.snapshot.rates);
        let mut rows = Vec::new();
        for (name, rate, of) in [
            ("positive", &rates.positive, "signals"),
            ("negative", &rates.negative, "signals"),
            ("rephrase", &rates.rephrase, "signals"),
            ("correction", &rates.correction, "signals"),
            ("errors", &rates.error, "calls"),
        ] {
            rows.push(vec![
                name.to_owned(),
                share(rate),
                percents(rate.interval),
                format!("{} of {} {of}{}", count(rate.count), count(rate.sample_size), thin(rate.verdict)),
            ]);
        }
        let covered = &rates.feedback_coverage;
        rows.push(vec![
            "feedback coverage".into(),
            share(covered),
            percents(covered.interval),
            format!(
                "{} units, {} calls{}",
                count(covered.count),
                count(covered.sample_size),
                thin(covered.verdict)
            ),
        ]);
        let score = &self.snapshot.feedback;
        rows.push(vec![
            "feedback score".into(),
            value(score),
            scores(score.interval),
            format!("{} signals{}", count(score.sample_size), thin(score.verdict)),
        ]);
        let columns = [
            table::text("Evidence", 9),
            table::number("", 9),
            table::whole("95% interval", 9),
            table::text("of", 9),
        ];
        let mut out = format!("\n{}", table::set(page, 0, &columns, &rows));
        let details = format!(
            "Latency: p50 {}, p95 {} ({} timed calls)\nCost: {} in all ({} priced calls, {} of them estimated)\n\
             Tokens: {} in ({} cached), {} out ({} metered calls)",
            duration(s.p50_duration_ms),
            duration(s.p95_duration_ms),
            count(s.timed_calls),
            usd((s.priced_calls > 0).then_some(s.total_cost_usd)),
            count(s.priced_calls),
            count(s.estimated_calls),
            count(s.input_tokens),
            count(s.cached_tokens),
            count(s.output_tokens),
            count(s.metered_calls)
        );
        // Writing to a String does not fail.
        let _ = writeln!(out, "\n{}", page.wrap(&details));
        out
    }

    fn parts(&self, page: Page) -> String {
        let s = self.snapshot;
        let mut out = String::new();
        // Said once, below all tables.
        let mut left_out: Vec<&str> = Vec::new();
        let mut add = |columns: &[table::Column], rows: Vec<Vec<String>>| {
            if !rows.is_empty() {
                let table = table::lay(page, 0, columns, &rows);
                let new: Vec<_> = table.left_out.into_iter().filter(|c| !left_out.contains(c)).collect();
                left_out.extend(new);
                let _ = write!(out, "\n{}", table.text);
            }
        };
        add(&part_columns("Model"), s.model_breakdown.iter().map(|m| part(&m.model_id, &m.part)).collect());
        add(
            &part_columns("Version"),
            s.version_breakdown.iter().map(|v| part(&v.version.to_string(), &v.part)).collect(),
        );
        add(&part_columns("Layer"), s.layer_breakdown.iter().map(|l| part(l.layer, &l.part)).collect());
        let sources: Vec<Vec<String>> = s
            .source_breakdown
            .iter()
            .map(|source| {
                let [positive, negative, rephrases, corrections] =
                    [source.positive_signals, source.negative_signals, source.rephrases, source.corrections]
                        .map(count);
                let score = &source.score;
                let (mean, interval) = (value(score), interval(score));
                vec![source.source.to_string(), positive, negative, rephrases, corrections, mean, interval]
            })
            .collect();
        let columns = [
            table::text("Feedback by", 9),
            table::number("positive", 3),
            table::number("negative", 3),
            table::number("rephrase", 2),
            table::number("correction", 2),
            table::number("score", 9),
            table::whole("95% interval", 4),
        ];
        add(&columns, sources);
        let said = table::no_room(page, &left_out);
        if !said.is_empty() {
            let _ = write!(out, "\n{said}");
        }
        out
    }
}

fn part_columns(title: &'static str) -> [table::Column; 9] {
    [
        table::name(title, 9, 16),
        table::number("calls", 9),
        table::number("tokens", 3),
        table::number("avg cost", 6),
        table::number("latency", 5),
        table::number("p95", 4),
        table::number("errors", 2),
        table::number("score", 9),
        table::whole("95% interval", 7),
    ]
}

fn part(name: &str, part: &Part) -> Vec<String> {
    vec![
        shown(name).into_owned(),
        count(part.call_count),
        mean(part.avg_tokens),
        usd(part.avg_cost_usd),
        duration(part.avg_latency_ms),
        duration(part.p95_latency_ms),
        share(&part.error),
        value(&part.score),
        interval(&part.score),
    ]
}

/// A share; where it rests on too little, the counts themselves.
pub(super) fn share(rate: &Rate) -> String {
    match (rate.sample_size, rate.verdict) {
        (0, _) => number::NONE.into(),
        (n, Verdict::Insufficient) => format!("{}/{n}", rate.count),
        (_, Verdict::Sufficient) => percent(rate.rate),
    }
}

/// The score, or that there is too little for one.
pub(super) fn value(score: &FeedbackScore) -> String {
    match (score.sample_size, score.verdict) {
        (0, _) => number::NONE.into(),
        (_, Verdict::Insufficient) => "insufficient".into(),
        (_, Verdict::Sufficient) => format!("{:.2}", score.feedback_score),
    }
}

/// The interval of a score and of how many signals it is.
pub(super) fn interval(score: &FeedbackScore) -> String {
    match score.sample_size {
        0 => number::NONE.into(),
        n => format!("{} n={}", scores(score.interval), count(n)),
    }
}

fn thin(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Insufficient { " (insufficient)" } else { "" }
}

#[cfg(test)]
mod tests;
