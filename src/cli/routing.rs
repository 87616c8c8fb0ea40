//! `human models affinity` and `human models route`: how models serve a prompt, and where its calls go.
//!
//! ```text
//! prompt://org/HUMAN_CORP/legal.contract-analysis (last 7 days)
//! Leaning to gpt-4o: the best so far, not surely.
//!
//! MODEL          SHARE  P(BEST)  SCORE  90% INTERVAL  SIGNALS
//! gpt-4o           94%      74%   0.88  [0.82, 0.93]       61
//! claude-sonnet     6%      26%   0.85  [0.79, 0.90]       58
//!
//! Left out: llama3.1 (unknown whether it has vision)
//! ```

use std::fmt::Write as _;
use std::io::Write as _;

use super::plain::shown;
use super::table::{self, Page};
use super::{CliError, Desk, Exit, Result, WindowArg};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::model::Capability;
use crate::domain::route::{Choice, RankedModel, RouteTable};
use crate::domain::snapshot::Verdict;
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::number::{NONE, count, duration, percent, scores, usd};
use crate::engine::performance::recommended;
use crate::engine::route;
use crate::service::Wish;

#[derive(Debug, clap::Args)]
pub struct AffinityArgs {
    /// The prompt: URI, key or last segment, with or without @version
    prompt: String,
    #[command(flatten)]
    window: WindowArg,
    /// Most models that are listed; 0 for all
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

#[derive(Debug, clap::Args)]
pub struct RouteArgs {
    /// The prompt: URI, key or last segment, with or without @version
    prompt: String,
    #[command(flatten)]
    window: WindowArg,
    /// What a model must be able to do, beyond what the prompt's file requires
    #[arg(long, value_name = "CAPABILITY", value_delimiter = ',')]
    needs: Vec<Capability>,
    /// The most that a call may cost on average, US dollars
    #[arg(long, value_name = "USD")]
    max_cost: Option<f64>,
    /// Models that must not be used
    #[arg(long, value_name = "MODEL", value_delimiter = ',')]
    without: Vec<String>,
    /// Say where the call with this id goes, too
    #[arg(long, value_name = "ID")]
    call: Option<String>,
    /// Say why the models stand as they stand
    #[arg(long)]
    explain: bool,
    /// Most models that are listed; 0 for all
    #[arg(long, default_value_t = 50)]
    limit: usize,
}

pub fn affinity(args: &AffinityArgs, desk: &mut Desk) -> Result<Exit> {
    let service = desk.reading()?;
    let found = service.performance(&args.prompt, args.window.window(), None)?;
    let limit = if args.limit == 0 { usize::MAX } else { args.limit };
    let listed = &found.affinities[..found.affinities.len().min(limit)];
    if desk.json {
        return desk.document(&listed);
    }
    if listed.is_empty() {
        desk.say(&format!(
            "{} has no calls in the {}: no model has an affinity to it yet. `human models route` says where its calls would go.",
            found.snapshot.prompt_uri,
            shown(&args.window.window.words())
        ));
        return Ok(Exit::Done);
    }
    let text = affinity_text(listed, &args.window.window.words(), desk.page());
    desk.out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// The affinities of one prompt as a table.
pub fn affinity_text(affinities: &[PromptModelAffinity], window: &str, page: Page) -> String {
    let mut out = String::new();
    if let Some(first) = affinities.first() {
        // Writing to a String does not fail.
        let _ = writeln!(out, "{} ({})\n", page.heading(&first.prompt_uri.to_string()), shown(window));
    }
    let sure = recommended(affinities).map(|a| a.model_id.as_str());
    let rows: Vec<Vec<String>> = affinities
        .iter()
        .enumerate()
        .map(|(i, a)| {
            let word = match a.verdict {
                _ if sure == Some(a.model_id.as_str()) => "recommended",
                Verdict::Insufficient => "insufficient",
                Verdict::Sufficient if i == 0 => "leaning",
                Verdict::Sufficient => "",
            };
            vec![
                shown(&a.model_id).into_owned(),
                format!("{:.2}", a.affinity_score),
                scores(a.interval),
                percent(Some(a.probability_best)),
                count(a.sample_size),
                percent(a.stats.positive_signal_rate),
                percent(a.stats.negative_signal_rate),
                percent(a.stats.success_rate),
                usd(a.stats.avg_cost_usd),
                duration(a.stats.avg_latency_ms),
                word.to_owned(),
            ]
        })
        .collect();
    let columns = [
        table::text("MODEL", 9),
        table::number("SCORE", 9),
        table::number("90% INTERVAL", 7),
        table::number("P(BEST)", 8),
        table::number("SIGNALS", 8),
        table::number("POS", 4),
        table::number("NEG", 3),
        table::number("OK", 2),
        table::number("COST", 6),
        table::number("LATENCY", 5),
        table::text("", 9),
    ];
    out.push_str(&table::set(page, 0, &columns, &rows));
    if affinities.iter().any(|a| a.verdict == Verdict::Insufficient) {
        let _ = writeln!(
            out,
            "\ninsufficient: fewer than {MIN_SIGNALS} signals of its own, the score leans on its peers"
        );
    }
    out
}

pub fn route(args: &RouteArgs, desk: &mut Desk) -> Result<Exit> {
    if args.max_cost.is_some_and(|usd| !usd.is_finite() || usd < 0.0) {
        return Err(CliError::Usage("--max-cost takes US dollars a call, such as 0.01".into()));
    }
    let service = desk.reading()?;
    let wish =
        Wish { needs: args.needs.clone(), max_cost_usd: args.max_cost, excluded: args.without.clone() };
    let mut table = service.route(&args.prompt, args.window.window(), &wish)?;
    let choice = args.call.as_ref().and_then(|id| route::pick(&table, id));
    table.models.truncate(if args.limit == 0 { usize::MAX } else { args.limit });
    if desk.json {
        let mut document = serde_json::to_value(&table)?;
        if let (Some(choice), Some(fields)) = (&choice, document.as_object_mut()) {
            fields.insert("choice".into(), serde_json::to_value(choice)?);
        }
        return desk.document(&document);
    }
    let text = route_text(&table, choice.as_ref(), &args.window.window.words(), args.explain, desk.page());
    desk.out.write_all(text.as_bytes())?;
    Ok(Exit::Done)
}

/// Where a prompt's calls go, as text; with `explain`, why.
pub fn route_text(
    table: &RouteTable,
    choice: Option<&Choice>,
    window: &str,
    explain: bool,
    page: Page,
) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(out, "{} ({})", page.heading(&table.prompt_uri.to_string()), shown(window));
    if !table.needs.is_empty() {
        let _ = writeln!(out, "Needs: {}", table.needs.join(", "));
    }
    let calls = table.models.iter().any(|m| m.calls > 0);
    let signals = table.models.iter().any(|m| m.sample_size > 0);
    let _ = match (&table.recommended_model, &table.leaning) {
        (Some(model), _) => writeln!(out, "Recommended: {}", shown(model)),
        (None, Some(model)) => writeln!(out, "Leaning to {}: the best so far, not surely", shown(model)),
        _ if table.models.len() == 1 => writeln!(out, "Only one model is eligible"),
        _ if !calls => writeln!(out, "Insufficient: no calls of this prompt yet, what its peers say stands"),
        _ if !signals => {
            writeln!(out, "Insufficient: no feedback on this prompt yet, what its peers say stands")
        }
        _ => writeln!(out, "Insufficient evidence"),
    };
    let rows: Vec<Vec<String>> = table
        .models
        .iter()
        .map(|m| {
            vec![
                shown(&m.model_id).into_owned(),
                percent(Some(m.weight)),
                percent(Some(m.probability)),
                format!("{:.2}", m.score.mean),
                scores(m.score.interval),
                count(m.sample_size),
                m.reason.split(':').next().filter(|word| word.len() <= 12).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    let columns = [
        table::text("MODEL", 9),
        table::number("SHARE", 9),
        table::number("P(BEST)", 8),
        table::number("SCORE", 7),
        table::number("90% INTERVAL", 4),
        table::number("SIGNALS", 6),
        table::text("", 9),
    ];
    let _ = write!(out, "\n{}", table::set(page, 0, &columns, &rows));
    if explain {
        for (rank, model) in table.models.iter().enumerate() {
            explain_model(&mut out, rank + 1, model);
        }
        let _ = writeln!(
            out,
            "\nshare = 98% x base x P(best)^3, normalised, + 2% / {} for each:\nnobody is pinned, nobody shut out.\n\
             A call's model follows from its id and this table, {}.",
            table.models.len(),
            table.snapshot_id
        );
    }
    for (i, filtered) in table.filtered.iter().enumerate() {
        let before = if i == 0 { "\n" } else { "" };
        let _ = writeln!(
            out,
            "{before}Left out: {} ({})",
            shown(&filtered.model_id),
            shown(&filtered.reasons.join(", "))
        );
    }
    if let Some(choice) = choice {
        let (id, model) = (shown(&choice.provenance_id), shown(&choice.model_id));
        let _ = writeln!(out, "\nCall {id} goes to {model} (propensity {:.4})", choice.propensity);
    }
    out
}

fn explain_model(out: &mut String, rank: usize, m: &RankedModel) {
    let cost = m.avg_cost_usd.map_or(NONE.into(), |cost| usd(Some(cost)));
    let _ = writeln!(
        out,
        "\n{rank}. {}\n   {}\n   quality   {:.3} {} from {} signals (weight {:.1}), {} calls\n   \
         discount  {:.2} = success {:.2} x cost {:.2} ({cost}) x latency {:.2} (p95 {})\n   \
         score     {:.3} {}, P(best) {}, base {}, share {:.2}%",
        shown(&m.model_id),
        m.reason,
        m.quality.mean,
        scores(m.quality.interval),
        count(m.sample_size),
        m.evidence_mass,
        count(m.calls),
        m.discount.success * m.discount.cost * m.discount.latency,
        m.discount.success,
        m.discount.cost,
        m.discount.latency,
        duration(m.p95_latency_ms),
        m.score.mean,
        scores(m.score.interval),
        percent(Some(m.probability)),
        m.base,
        100.0 * m.weight
    );
}

#[cfg(test)]
#[path = "routing_tests.rs"]
mod tests;
