//! From a finding to a draft: which kind of change a cause asks for, and who writes it, a model or rules.
//!
//! Reads nothing and writes nothing but a model's answers: what is known is handed in. Start with [`draft`].

use super::model_draft::{self, Drafting};
use crate::domain::affinity::PromptModelAffinity;
use crate::domain::call::{Call, NanoUsd};
use crate::domain::finding::{Assessment, Detector};
use crate::domain::outcome::Measure;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Drafter, Kind, Prediction};
use crate::engine::draft_lint::Limits;
use crate::engine::outcome::proposer::Proposer;
use crate::engine::predict::{self, Negative, Predicted, Rewording, Spending};
use crate::engine::reflection::{Detail, MAX_DETAILS, Reflection};
use crate::engine::rules::{self, Wish};
use crate::engine::stats::shrink::Prior;
use crate::engine::{amend, bump, tokens};
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
    /// US dollars for an input token of the models that they go to, where a price is known.
    pub input_price: Option<f64>,
    /// The variables that the layers below it declare.
    pub declared_below: &'a [String],
    /// Its negative units beside its peers'.
    pub negative: Option<Negative>,
    /// How its models serve it.
    pub affinities: &'a [PromptModelAffinity],
    /// What earlier predictions were worth, for text and for models.
    pub proposers: [&'a Proposer; 2],
}

/// Who writes texts.
pub enum Writer<'a, 'b> {
    /// The rules of `engine::rules`.
    Rules,
    /// A model.
    Model {
        /// The model.
        client: &'a Client,
        /// What may be spent.
        budget: &'a mut Budget<'b>,
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
pub fn draft(cause: &Cause<'_>, writer: Writer<'_, '_>) -> (Came, Vec<Call>) {
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
    let wish =
        Wish { cause: Some(cause.found.detector), details: &details, declared_below: cause.declared_below };
    let Some(draft) = rules::draft(cause.base, &wish) else {
        return Came::Left(
            "no rule applies to its text, and no model was there to draft ([llm] in the configuration)"
                .into(),
        );
    };
    let kind = bump::kind(cause.base, &draft.file).unwrap_or(Kind::Text);
    let counts = [draft.tokens_before, draft.tokens_after];
    // What only declares has no effect on any call.
    let predicted = if kind == Kind::Text { promised(cause, counts) } else { Vec::new() };
    let mut rationale = format!("{}{}", draft.explanations.join("\n"), notes(&predicted));
    rationale += unpriced(cause, &predicted);
    Came::Written(Box::new(Written {
        kind,
        title: title(&draft.rules, draft.tokens_before, draft.tokens_after),
        rationale,
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
    budget: &mut Budget<'_>,
) -> (Came, Vec<Call>) {
    let drafted = match model_draft::draft(client, drafting, budget) {
        Ok(drafted) => drafted,
        // No draft came, good or bad: what rules can do is better than nothing, and says so.
        Err(dropped) if dropped.faults.is_empty() => {
            return (without_model(cause, dropped.reasons, cost(&dropped.calls)), dropped.calls);
        }
        Err(dropped) => return (Came::Dropped(dropped.reasons), dropped.calls),
    };
    let file = match PromptFile::parse("the draft", drafted.text.as_bytes()) {
        Ok(file) => file,
        Err(error) => return (Came::Dropped(vec![error.to_string()]), drafted.calls),
    };
    let count = |file: &PromptFile| tokens::estimate(file.template());
    // What a model says of its own draft is a promise that nobody has measured; where it can be computed, it is.
    let computed = promised(cause, [count(cause.base), count(&file)]);
    let mut predicted = predictions(&computed);
    predicted.extend(
        drafted.predicted.iter().filter(|p| computed.iter().all(|c| c.prediction.measure != p.measure)),
    );
    let written = Written {
        kind: Kind::Text,
        file,
        title: drafted.title,
        rationale: format!("{}{}{}", drafted.rationale, notes(&computed), unpriced(cause, &computed)),
        drafted_by: Drafter::Model { model: drafted.model },
        predicted,
        cost_usd: usd(drafted.cost),
        read: cause.details.len().min(MAX_DETAILS),
    };
    (Came::Written(Box::new(written)), drafted.calls)
}

/// What rules make of a cause that a model gave no draft for.
fn without_model(cause: &Cause<'_>, mut reasons: Vec<String>, cost: NanoUsd) -> Came {
    if let Came::Written(mut written) = by_rules(cause) {
        written.cost_usd = usd(cost);
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

/// What calls cost, as far as it is known: those that failed may be billed as well.
fn cost(calls: &[Call]) -> NanoUsd {
    calls.iter().filter_map(|call| call.cost).sum()
}

fn usd(cost: NanoUsd) -> f64 {
    cost as f64 / 1e9
}

fn promised(cause: &Cause<'_>, [tokens_before, tokens_after]: [u32; 2]) -> Vec<Predicted> {
    let rewording = Rewording {
        tokens_before,
        tokens_after,
        spending: cause.spending,
        input_price: cause.input_price,
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

/// Why a change of length comes without a prediction of the cost, as a line.
fn unpriced(cause: &Cause<'_>, predicted: &[Predicted]) -> &'static str {
    let has = |measure| predicted.iter().any(|p| p.prediction.measure == measure);
    match cause.input_price {
        _ if !has(Measure::Tokens) || has(Measure::Cost) => "",
        None => {
            "\nThe cost is not predicted: no price is known of the models that the calls go to (`human models import FILE` \
             takes a table)"
        }
        Some(_) => "\nThe cost is not predicted: no cost of its calls is known",
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Evidence;

    fn found(detector: Detector) -> Assessment {
        Assessment {
            prompt_uri: "prompt://org/ACME/legal.a".parse().unwrap(),
            detector,
            task_type: "legal".into(),
            peers: 8,
            estimate: 900.0,
            interval: [800.0, 1_000.0],
            threshold: 600.0,
            sample_size: 300,
            evidence: Evidence::Probability { probability: 0.99 },
            expected_gain: 0.0,
            model: None,
            better_model: None,
        }
    }

    /// What rules make of a text, with these declared below it, or whose tokens cost this.
    fn ruled(detector: Detector, text: &str, declared_below: &[String], input_price: Option<f64>) -> Came {
        let file = format!(
            "---\nname: legal.a\nhuman.scope: org\nhuman.org: ACME\nhuman.version: 1.0.0\n---\n{text}"
        );
        let proposer = Proposer::new(Vec::new());
        let cause = Cause {
            found: &found(detector),
            evidence: &[],
            base: &PromptFile::parse("a", file.as_bytes()).unwrap(),
            details: &[],
            constraints: &[],
            spending: Some(Spending { input: 800.0, output: 100.0, cost_usd: Some(0.01), calls: 300 }),
            input_price,
            declared_below,
            negative: None,
            affinities: &[],
            proposers: [&proposer; 2],
        };
        draft(&cause, Writer::Rules).0
    }

    #[test]
    fn what_only_declares_is_no_text_and_what_a_layer_below_declares_is_declared() {
        let came = |below: &[String]| ruled(Detector::LowSuccess, "Read {{contract}}.\n", below, None);
        let Came::Written(written) = came(&[]) else { panic!() };
        assert_eq!((written.kind, written.predicted.len()), (Kind::Metadata, 0), "{written:?}");
        let came = came(&["contract".to_owned()]);
        assert!(matches!(&came, Came::Left(why) if why.contains("no rule applies")), "{came:?}");
    }

    #[test]
    fn a_cost_is_predicted_where_a_price_is_known_and_missed_in_words_where_none_is() {
        let twice = "Name the party that owes each of the obligations. Be brief. Name the party that owes each of the obligations.\n";
        let measures = |written: &Written| written.predicted.iter().map(|p| p.measure).collect::<Vec<_>>();
        let Came::Written(written) = ruled(Detector::TokenOutlier, twice, &[], Some(1e-6)) else { panic!() };
        assert_eq!(measures(&written), [Measure::Tokens, Measure::Cost]);
        assert!(written.kind == Kind::Text && !written.rationale.contains("not predicted"));
        let Came::Written(written) = ruled(Detector::TokenOutlier, twice, &[], None) else { panic!() };
        assert_eq!(measures(&written), [Measure::Tokens]);
        assert!(
            written.rationale.contains("The cost is not predicted: no price is known"),
            "{}",
            written.rationale
        );
    }
}
