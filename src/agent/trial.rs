//! A draft and its base on the prompt's own cases, through the model that is configured.
//!
//! Each case is asked twice, once by the text that is active and once by the draft, at temperature 0 where the model
//! takes one, so that little but the text differs. Every call passes the budget and leaves its record, with the prompt's
//! own identity and the agent as who asked. Start with [`run`].

use std::sync::Arc;

use semver::Version;

use crate::domain::call::Call;
use crate::domain::cases::Case;
use crate::domain::prompt::{Name, PromptCallMetadata};
use crate::domain::prompt_file::PromptFile;
use crate::engine::bump::Change;
use crate::engine::cases::{self, Comparison, Tried};
use crate::engine::compose;
use crate::llm::{Budget, Client, LlmError, Request, Turn};

/// Calls that fail one after the other before the rest of the cases is given up.
const PATIENCE: usize = 3;

/// What is to be tried.
#[derive(Debug)]
pub struct Trial<'a> {
    /// The active version over what it layers on, from the bottom up.
    pub base: &'a [PromptFile],
    /// The draft over the same. Its version is [`version`]'s, which no published one has.
    pub candidate: &'a [PromptFile],
    /// The cases.
    pub cases: &'a [Case],
    /// The beginning of the calls' provenance ids; unique.
    pub id: &'a str,
    /// Who asks.
    pub agent: &'a str,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq)]
pub struct Came {
    /// Base and draft, over the cases that both answered.
    pub comparison: Comparison,
    /// How many these are.
    pub tried: usize,
    /// Why the others were not, a sentence each, safe to print.
    pub left: Vec<String>,
    /// The record of every attempt.
    pub calls: Vec<Call>,
}

/// The version under which a draft is tried: that of the change that it would be, marked as a trial.
pub fn version(base: &PromptFile, draft: &PromptFile) -> Version {
    let from = base.uri.version.clone().unwrap_or(crate::engine::bump::FIRST);
    let mut next = Change::between(base, draft).next(&from);
    next.pre = semver::Prerelease::new("trial").unwrap_or_default();
    next
}

/// Layers under their versions marked as a trial's: what a trial asks is nobody's use of a published version, and no
/// evidence of it.
fn marked(layers: &[PromptFile]) -> Vec<PromptFile> {
    let mark = |mut layer: PromptFile| {
        if let Some(version) = &mut layer.uri.version {
            let before = if version.pre.is_empty() { String::new() } else { format!("{}.", version.pre) };
            version.pre = semver::Prerelease::new(&format!("{before}trial.base")).unwrap_or_default();
        }
        layer
    };
    layers.iter().cloned().map(mark).collect()
}

/// Asks each case by base and draft, and compares.
pub fn run(client: &Client, trial: &Trial<'_>, budget: &mut Budget<'_>) -> Came {
    let (base, mut candidate) = (marked(trial.base), marked(trial.candidate));
    // The draft has a mark of its own.
    if let (Some(top), Some(draft)) = (candidate.last_mut(), trial.candidate.last()) {
        top.clone_from(draft);
    }
    let mut asking = Asking { client, budget, temperature: Some(0.0), calls: Vec::new() };
    let (mut verdicts, mut left, mut failures) = (Vec::new(), Vec::new(), 0);
    for (i, case) in trial.cases.iter().enumerate() {
        let mut passes = [false; 2];
        let sides = [("base", base.as_slice()), ("draft", candidate.as_slice())];
        let answered = sides.into_iter().zip(&mut passes).try_for_each(|((side, layers), passes)| {
            let answer = asking.ask(trial, &format!("{}/case-{}/{side}", trial.id, i + 1), layers, case)?;
            *passes = cases::judge(&answer, &case.expect).is_empty();
            Ok(())
        });
        match answered {
            Ok(()) => {
                failures = 0;
                verdicts.push(Tried { name: &case.name, base: passes[0], candidate: passes[1] });
            }
            Err(Unanswered(why, ends)) => {
                left.push(format!("case {}: {why}", i + 1));
                failures += 1;
                if ends || failures == PATIENCE {
                    left.extend(
                        (i + 1 < trial.cases.len()).then(|| "the cases after it were not asked".into()),
                    );
                    break;
                }
            }
        }
    }
    Came { comparison: cases::compare(&verdicts), tried: verdicts.len(), left, calls: asking.calls }
}

/// Why a case has no answer, and whether that ends the trial.
struct Unanswered(String, bool);

struct Asking<'a, 'b> {
    client: &'a Client,
    budget: &'a mut Budget<'b>,
    temperature: Option<f64>,
    calls: Vec<Call>,
}

impl Asking<'_, '_> {
    fn ask(
        &mut self,
        trial: &Trial<'_>,
        id: &str,
        layers: &[PromptFile],
        case: &Case,
    ) -> Result<String, Unanswered> {
        let org = layers.last().and_then(|top| top.uri.place.org()).map_or("LOCAL", Name::as_str);
        let made = compose::layered(layers, org, &case.variables);
        let made = made.map_err(|error| Unanswered(format!("it cannot be filled in: {error}"), false))?;
        let request = request(trial, id.to_owned(), made.text, made.metadata);
        let mut asked = self.client.ask_at(&request, self.temperature, self.budget);
        self.calls.append(&mut asked.calls);
        // Models that reason take no temperature; what they answer without one is the best there is.
        if self.temperature.is_some()
            && matches!(asked.answer, Err(LlmError::Refused { status: 400 | 422, .. }))
        {
            self.temperature = None;
            let request = Request { id: format!("{id}/again"), ..request };
            asked = self.client.ask_at(&request, None, self.budget);
            self.calls.append(&mut asked.calls);
        }
        asked.answer.map(|answer| answer.text).map_err(|error| {
            // What no other case would fare better by.
            let ends = matches!(
                error,
                LlmError::OverBudget(_)
                    | LlmError::Key { .. }
                    | LlmError::Refused { .. }
                    | LlmError::Endpoint(_)
                    | LlmError::Unrecorded(_)
            );
            Unanswered(error.to_string(), ends)
        })
    }
}

fn request(trial: &Trial<'_>, id: String, text: String, prompts: PromptCallMetadata) -> Request {
    Request {
        id,
        turns: vec![Turn::User(text)],
        prompts: Some(Arc::new(prompts)),
        agent: Some(trial.agent.to_owned()),
        session: Some(trial.id.to_owned()),
    }
}
