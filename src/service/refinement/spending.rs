//! What drafting has spent today, by what is on record: what runs say that ended, and what the calls used of those that
//! did not, because they were killed or are under way.

use rustc_hash::FxHashSet;

use super::desk::DAY_MS;
use crate::domain::call::Millis;
use crate::domain::identity::Identity;
use crate::domain::prompt::{Name, Place, PromptUri};
use crate::domain::run::Run;
use crate::domain::window::instant;
use crate::engine::rollup::VersionId;
use crate::llm::Spend;
use crate::service::error::Result;
use crate::store::Reader;
use crate::store::telemetry::{CallQuery, TelemetryReader};

/// How the provenance ids of a run's calls begin.
pub fn mark(agent: &Identity, at: Millis) -> String {
    format!("refine-{}-{at}-", agent.org().map_or("", Name::as_str))
}

/// When the run of a drafting call began, and its mark; `None` for any other call.
fn run_of(id: &str) -> Option<(Millis, &str)> {
    let head = id.split('/').next().filter(|head| head.starts_with("refine-"))?;
    // Behind the mark come where the ledger ended, and the step.
    let (end, _) = head.rmatch_indices('-').nth(1)?;
    let at = head[..end].rsplit('-').next()?.parse().ok()?;
    Some((at, &head[..=end]))
}

/// The versions under which drafting calls are counted: those of the prompt to ask by, and those of trials.
fn drafting(reader: &Reader) -> Result<Vec<VersionId>> {
    let is_trial =
        |uri: &PromptUri| uri.version.as_ref().is_some_and(|version| version.pre.contains("trial"));
    let is_refine = |uri: &PromptUri| uri.place == Place::Core && uri.key.as_str() == "steward.refine";
    let dictionary = reader.dictionary()?;
    let versions = dictionary.versions().filter(|(_, uri)| is_trial(uri) || is_refine(uri));
    Ok(versions.map(|(id, _)| id).collect())
}

/// What was spent on the day of `now`, but not by this agent's run that began then.
pub fn spent_today(reader: &Reader, agent: &Identity, now: Millis) -> Result<Spend> {
    let begin = now.div_euclid(DAY_MS) * DAY_MS;
    let today = begin..begin + DAY_MS;
    let (mut spent, mut known) = (Spend::default(), FxHashSet::from_iter([mark(agent, now)]));
    for row in reader.proposals().runs(1_000)? {
        let Ok(run) = serde_json::from_value::<Run>(row.body) else { continue };
        let Ok(at) = instant(&run.at) else { continue };
        // The newest first.
        if at < today.start {
            break;
        }
        if today.contains(&at) {
            spent.tokens += run.spent.tokens;
            spent.cost += (run.spent.usd * 1e9).round() as i64;
            known.insert(mark(&run.agent, at));
        }
    }
    let query =
        CallQuery { from: Some(today.start), versions: Some(drafting(reader)?), ..CallQuery::default() };
    reader.calls(&query, &mut |kept| {
        let call = &kept.call;
        let other =
            run_of(&call.provenance_id).filter(|(at, mark)| today.contains(at) && !known.contains(*mark));
        if other.is_some() {
            let tokens = [call.input_tokens, call.output_tokens].into_iter().flatten().map(u64::from);
            spent.tokens += tokens.sum::<u64>();
            spent.cost += call.cost.unwrap_or(0);
        }
        true
    })?;
    Ok(spent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_names_its_run() {
        let agent: Identity = "agent://NEW-CORP/prompt-refinement".parse().unwrap();
        let mark = mark(&agent, 1_000);
        for rest in ["17-0/draft", "17-12/repair#2", "0-3/cases/case-1/base"] {
            assert_eq!(run_of(&format!("{mark}{rest}")), Some((1_000, mark.as_str())));
        }
        for other in ["refine", "refine-a", "refine-a-b-1-2/draft", "01JD", ""] {
            assert_eq!(run_of(other), None);
        }
    }
}
