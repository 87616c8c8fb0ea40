//! From a finding to a draft: which kind of change a cause asks for, and who writes it, a model or rules.
//!
//! Reads nothing and writes nothing but a model's answers: what is known is handed in. Start with [`draft`].

use super::model_draft::{self, Drafting};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::Call;
use crate::domain::finding::{Assessment, Detector};
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Drafter, Kind, Prediction};
use crate::engine::draft_lint::Limits;
use crate::engine::outcome::proposer::Proposer;
use crate::engine::predict::{self, Negative, Predicted, Rewording, Spending};
use crate::engine::reflection::{Detail, MAX_DETAILS, Reflection};
use crate::engine::rules::{self, Wish};
use crate::engine::stats::shrink::Prior;
use crate::engine::{amend, tokens};
use crate::llm::{Budget, Client};

/// A finding, and all that a draft may rest on.
#[derive(Debug)]
pub struct Cause<'a> {
    /// What was found.
    pub found: &'a Assessment,
    /// The same in words, a sentence each.
    pub evidence: &'a [String],
    /// The active version.
    pub base: &'a PromptFile,
    /// What people said, the weightiest first.
    pub details: &'a [Detail<'a>],
    /// Why earlier drafts for this prompt were rejected.
    pub constraints: &'a [String],
    /// Mean tokens and cost of its calls.
    pub spending: Option<Spending>,
    /// Its negative units beside its peers'.
    pub negative: Option<Negative>,
    /// How its models serve it.
    pub affinities: &'a [PromptModelAffinity],
    /// What earlier predictions were worth, for text and for models.
    pub proposers: [&'a Proposer; 2],
}

/// Who writes texts.
pub enum Writer<'a> {
    /// The rules of `engine::rules`.
    Rules,
    /// A model.
    Model {
        /// The model.
        client: &'a Client,
        /// What may be spent.
        budget: &'a mut Budget,
        /// The prompt to ask by.
        refine: &'a PromptFile,
        /// The beginning of the calls' ids; unique.
        id: &'a str,
        /// Who asks.
        agent: &'a str,
        /// For whom.
        org: &'a str,
    },
}

/// A draft.
#[derive(Debug, Clone)]
pub struct Written {
    /// What it changes.
    pub kind: Kind,
    /// The whole new file.
    pub file: PromptFile,
    /// One line.
    pub title: String,
    /// Why, and what each edit is for.
    pub rationale: String,
    /// Who wrote it.
    pub drafted_by: Drafter,
    /// What it promises.
    pub predicted: Vec<Prediction>,
    /// What writing it cost, US dollars.
    pub cost_usd: f64,
    /// How many of the details it rests on, from the first.
    pub read: usize,
}

/// What came of a wish for a draft.
#[derive(Debug)]
pub enum Came {
    /// A draft.
    Written(Box<Written>),
    /// None is called for, because.
    Left(String),
    /// Drafts were made and did not pass, because.
    Dropped(Vec<String>),
}

/// Drafts the change that a finding asks for, and the records of the calls that this took.
pub fn draft(cause: &Cause<'_>, writer: Writer<'_>) -> (Came, Vec<Call>) {
    match cause.found.detector {
        Detector::AffinityMismatch => (model(cause), Vec::new()),
        Detector::HighNegative | Detector::LowSuccess | Detector::TokenOutlier | Detector::CostOutlier => {
            match writer {
                Writer::Rules => (by_rules(cause), Vec::new()),
                Writer::Model { client, budget, refine, id, agent, org } => {
                    let reflection = Reflection {
                        base: cause.base,
                        evidence: cause.evidence,
                        details: cause.details,
                        rejections: cause.constraints,
                    };
                    let limits = Limits::default();
                    let drafting = Drafting { refine, reflection, limits, id, agent, org };
                    by_model(cause, client, &drafting, budget)
                }
            }
        }
    }
}

/// The recommended model that affinity asks for.
fn model(cause: &Cause<'_>) -> Came {
    let (Some(from), Some(to)) = (&cause.found.model, &cause.found.better_model) else {
        return Came::Left("the finding names no better model".into());
    };
    if cause.base.model.as_deref() == Some(to) {
        return Came::Left(format!(
            "the prompt recommends {to} already: what calls {from} is not led by the recommendation"
        ));
    }
    let file = match amend::model(cause.base, to) {
        Ok(file) => file,
        Err(fault) => {
            return Came::Left(format!("the front matter cannot be edited: {}; {}", fault.what, fault.next));
        }
    };
    let of = |name: &str| cause.affinities.iter().find(|a| a.model_id == name);
    let predicted = match (of(from), of(to)) {
        (Some(from), Some(to)) => {
            predict::model(from, to, models_prior(cause.affinities), cause.proposers[1])
        }
        _ => Vec::new(),
    };
    let [low, high] = cause.found.interval;
    let rationale = format!(
        "Most calls go to {from}. Affinity says that {to} serves this prompt better by {:.2} [{low:.2}, {high:.2}], of {} units. \
         Only the recommended model changes; capabilities still come first in routing.{}",
        cause.found.estimate,
        cause.found.sample_size,
        notes(&predicted)
    );
    Came::Written(Box::new(Written {
        kind: Kind::Model,
        file,
        title: format!("Switch recommended model to {to} based on affinity data"),
        rationale,
        drafted_by: Drafter::Rules { rules: vec!["affinity".into()] },
        predicted: predictions(&predicted),
        cost_usd: 0.0,
        read: 0,
    }))
}

/// The prior of the negative rates of a prompt's models.
fn models_prior(affinities: &[PromptModelAffinity]) -> Prior {
    let cells: Vec<(f64, f64)> = affinities
        .iter()
        .map(|a| (a.rates.negative.count as f64, a.rates.negative.sample_size as f64))
        .collect();
    crate::engine::stats::shrink::fit(&cells)
}

fn by_rules(cause: &Cause<'_>) -> Came {
    let details: Vec<&str> = cause.details.iter().map(|detail| detail.text).collect();
    let wish = Wish { cause: Some(cause.found.detector), details: &details, declared_below: &[] };
    let Some(draft) = rules::draft(cause.base, &wish) else {
        return Came::Left(
            "no rule applies to its text, and no model was there to draft ([llm] in the configuration)"
                .into(),
        );
    };
    let predicted = promised(cause, draft.tokens_before, draft.tokens_after);
    Came::Written(Box::new(Written {
        kind: Kind::Text,
        title: title(&draft.rules, draft.tokens_before, draft.tokens_after),
        rationale: format!("{}{}", draft.explanations.join("\n"), notes(&predicted)),
        drafted_by: Drafter::Rules { rules: draft.rules.iter().map(|rule| (*rule).to_owned()).collect() },
        predicted: predictions(&predicted),
        file: draft.file,
        cost_usd: 0.0,
        read: cause.details.len(),
    }))
}

fn by_model(
    cause: &Cause<'_>,
    client: &Client,
    drafting: &Drafting<'_>,
    budget: &mut Budget,
) -> (Came, Vec<Call>) {
    let drafted = match model_draft::draft(client, drafting, budget) {
        Ok(drafted) => drafted,
        // No draft came, good or bad: what rules can do is better than nothing, and says so.
        Err(dropped) if dropped.faults.is_empty() => {
            return (without_model(cause, dropped.reasons), dropped.calls);
        }
        Err(dropped) => return (Came::Dropped(dropped.reasons), dropped.calls),
    };
    let file = match PromptFile::parse("the draft", drafted.text.as_bytes()) {
        Ok(file) => file,
        Err(error) => return (Came::Dropped(vec![error.to_string()]), drafted.calls),
    };
    let count = |file: &PromptFile| tokens::estimate(file.template());
    // What a model says of its own draft is a promise that nobody has measured; where it can be computed, it is.
    let computed = promised(cause, count(cause.base), count(&file));
    let mut predicted = predictions(&computed);
    predicted.extend(
        drafted.predicted.iter().filter(|p| computed.iter().all(|c| c.prediction.measure != p.measure)),
    );
    let written = Written {
        kind: Kind::Text,
        file,
        title: drafted.title,
        rationale: format!("{}{}", drafted.rationale, notes(&computed)),
        drafted_by: Drafter::Model { model: drafted.model },
        predicted,
        cost_usd: drafted.cost as f64 / 1e9,
        read: cause.details.len().min(MAX_DETAILS),
    };
    (Came::Written(Box::new(written)), drafted.calls)
}

/// What rules make of a cause that a model gave no draft for.
fn without_model(cause: &Cause<'_>, mut reasons: Vec<String>) -> Came {
    if let Came::Written(mut written) = by_rules(cause) {
        written.rationale = format!(
            "{}\n\nDrafted by rules, because the model gave no draft: {}",
            written.rationale,
            reasons.join("; ")
        );
        Came::Written(written)
    } else {
        reasons.push("no rule applies to the text either".into());
        Came::Dropped(reasons)
    }
}

fn promised(cause: &Cause<'_>, tokens_before: u32, tokens_after: u32) -> Vec<Predicted> {
    let rewording = Rewording {
        tokens_before,
        tokens_after,
        spending: cause.spending,
        input_price: None,
        negative: cause.negative.filter(|_| cause.found.detector == Detector::HighNegative),
    };
    predict::text(&rewording, cause.proposers[0])
}

fn predictions(predicted: &[Predicted]) -> Vec<Prediction> {
    predicted.iter().map(|p| p.prediction).collect()
}

/// What predictions rest on, as a paragraph.
fn notes(predicted: &[Predicted]) -> String {
    let each: Vec<String> =
        predicted.iter().map(|p| format!("{} ({})", p.expectation, p.notes.join("; "))).collect();
    if each.is_empty() { String::new() } else { format!("\n\n{}", each.join("\n")) }
}

/// One line: `Reduce token count by tightening the output format (-18%)`.
fn title(rules: &[&str], before: u32, after: u32) -> String {
    let does = |rule: &&str| match *rule {
        "R1" => ["dropping", "repetitions"],
        "R2" => ["dropping", "filler"],
        "R3" => ["tightening", "the output format"],
        "R4" => ["declaring", "variables"],
        "R5" => ["naming", "the output format"],
        "R6" => ["moving", "instructions to the front"],
        _ => ["removing", "white space"],
    };
    let asked = |doing: &str| match doing {
        "dropping" => "drop",
        "tightening" => "tighten",
        "declaring" => "declare",
        "naming" => "name",
        "moving" => "move",
        _ => "remove",
    };
    let edits: Vec<[&str; 2]> = rules.iter().map(does).collect();
    let percent = (f64::from(after) / f64::from(before.max(1)) - 1.0) * 100.0;
    if after < before {
        let what: Vec<String> = edits.iter().map(|edit| edit.join(" ")).collect();
        return format!("Reduce token count by {} ({percent:.0}%)", what.join(", "));
    }
    let what: Vec<String> = edits.iter().map(|[doing, what]| format!("{} {what}", asked(doing))).collect();
    let mut line = what.join(", ");
    line.get_mut(..1).map(str::make_ascii_uppercase);
    line
}
