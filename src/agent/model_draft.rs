//! Drafting by a model: ask, lint, let it repair once, then take the draft or drop it with its reasons on record.
//!
//! Nothing that a model writes is obeyed: its answer becomes the text of a draft, a title and a rationale, or nothing.
//! Start with [`draft`].

use std::sync::Arc;

use crate::domain::call::{Call, NanoUsd};
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::Prediction;
use crate::engine::compose::ComposeError;
use crate::engine::draft_lint::{self, Fault, Limits};
use crate::engine::reflection::{self, Draft, Reflection, Refused, Unreadable};
use crate::llm::{Answer, Asked, Budget, Client, Finish, LlmError, Request, Turn};

/// What is to be drafted, on whose behalf.
#[derive(Debug, Clone, Copy)]
pub struct Drafting<'a> {
    /// The prompt to ask by: `prompt://core/steward.refine`, of the store or as it comes with the product.
    pub refine: &'a PromptFile,
    /// The prompt to improve, and what is known of it.
    pub reflection: Reflection<'a>,
    /// How far the draft may go.
    pub limits: Limits,
    /// The beginning of the calls' provenance ids; unique: `run-17/legal.contract-analysis`.
    pub id: &'a str,
    /// The agent.
    pub agent: &'a str,
    /// The organization on whose behalf.
    pub org: &'a str,
}

/// A draft that passed.
#[derive(Debug, Clone, PartialEq)]
pub struct Drafted {
    /// The whole file: the front matter of the base, byte for byte, over the new template.
    pub text: String,
    /// One line, safe to print.
    pub title: String,
    /// Safe to print.
    pub rationale: String,
    /// What it promises.
    pub predicted: Vec<Prediction>,
    /// The model that wrote it, as the endpoint names it.
    pub model: String,
    /// What all calls cost, as far as prices are known, nano-dollars.
    pub cost: NanoUsd,
    /// The record of every attempt.
    pub calls: Vec<Call>,
}

/// Why there is no draft, and what the attempt left behind.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct Dropped {
    /// The reasons, a sentence each, safe to print and without words of feedback. At least one.
    pub reasons: Vec<String>,
    /// The faults of the last draft, a word each; empty where no draft came.
    pub faults: Vec<&'static str>,
    /// Why the last question was not put, or not answered; absent where it was the drafts that did not pass.
    pub failure: Option<Failure>,
    /// The record of every attempt.
    pub calls: Vec<Call>,
}

/// Why a question was not put, or not answered.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// The prompt to ask by cannot be rendered.
    #[error("the request for a draft cannot be made: {0}")]
    Request(String),
    /// No answer came.
    #[error("{0}")]
    Call(LlmError),
}

/// Asks for a draft, and once more where the first has faults. Every call passes `budget`; its record is returned, for
/// the caller to write, whether there is a draft or not.
pub fn draft(
    client: &Client,
    drafting: &Drafting<'_>,
    budget: &mut Budget<'_>,
) -> Result<Drafted, Box<Dropped>> {
    let mut calls = Vec::new();
    let mut refused: Option<(String, Vec<Objection>)> = None;
    let mut failure = None;
    for step in ["draft", "repair"] {
        let asked = drafting.request(step, refused.as_ref()).map(|request| client.ask(&request, budget));
        let answer = match asked {
            Ok(Asked { answer, calls: made }) => {
                calls.extend(made);
                answer.map_err(Failure::Call)
            }
            Err(error) => Err(Failure::Request(error.to_string())),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(why) => {
                failure = Some(why);
                break;
            }
        };
        match drafting.judge(&answer) {
            Ok((file, draft)) => {
                return Ok(Drafted {
                    text: file.text().to_owned(),
                    title: draft.title,
                    rationale: draft.rationale,
                    predicted: draft.predicted,
                    model: answer.model,
                    cost: calls.iter().filter_map(|call| call.cost).sum(),
                    calls,
                });
            }
            Err(objections) => refused = Some((answer.text, objections)),
        }
    }
    // What was wrong with a first draft stays a reason where the second could not be had.
    let objections = refused.map(|(_, objections)| objections).unwrap_or_default();
    let faults = objections.iter().map(|objection| objection.word).collect();
    let mut reasons: Vec<String> = objections.into_iter().map(|objection| objection.words).collect();
    reasons.extend(failure.as_ref().map(ToString::to_string));
    Err(Box::new(Dropped { reasons, faults, failure, calls }))
}

/// Something that speaks against a draft.
#[derive(Debug, Clone)]
struct Objection {
    word: &'static str,
    words: String,
}

impl From<Fault> for Objection {
    fn from(fault: Fault) -> Objection {
        Objection { word: fault.word(), words: fault.to_string() }
    }
}

impl From<Unreadable> for Objection {
    fn from(fault: Unreadable) -> Objection {
        let word = match fault {
            Unreadable::NoTemplate => "no text",
            Unreadable::Unfinished => "truncated",
        };
        Objection { word, words: fault.to_string() }
    }
}

/// Most characters of a refused answer that are shown to the model again.
const MAX_SHOWN: usize = 32_000;

impl Drafting<'_> {
    fn request(
        &self,
        step: &str,
        refused: Option<&(String, Vec<Objection>)>,
    ) -> Result<Request, ComposeError> {
        let shown = refused.map(|(answer, objections)| {
            let draft: String = answer.chars().take(MAX_SHOWN).collect();
            let faults: Vec<String> = objections.iter().map(|objection| objection.words.clone()).collect();
            (draft, faults)
        });
        let refused = shown.as_ref().map(|(draft, faults)| Refused { draft, faults });
        let composed = self.reflection.compose(self.refine, self.org, refused)?;
        Ok(Request {
            id: format!("{}/{step}", self.id),
            turns: vec![Turn::User(composed.text)],
            prompts: Some(Arc::new(composed.metadata)),
            agent: Some(self.agent.to_owned()),
            session: Some(self.id.to_owned()),
        })
    }

    /// The file that an answer makes of the base, or what speaks against it.
    fn judge(&self, answer: &Answer) -> Result<(PromptFile, Draft), Vec<Objection>> {
        if answer.finish == Finish::Length {
            let words =
                "the answer reached its limit of tokens and is cut off: write less around the text".into();
            return Err(vec![Objection { word: "truncated", words }]);
        }
        let base = self.reflection.base;
        let draft = reflection::read(&answer.text, base).map_err(|fault| vec![fault.into()])?;
        let details: Vec<&str> = self.reflection.details.iter().map(|detail| detail.text).collect();
        let faults = draft_lint::check(base, &draft.template, &details, self.limits);
        // Proposals travel further than feedback may.
        let told = format!("{}\n{}", draft.title, draft.rationale);
        let mut objections: Vec<Objection> = faults.into_iter().map(Objection::from).collect();
        objections.extend(draft_lint::copied(&told, base.template(), &details).into_iter().map(|fault| {
            Objection { word: fault.word(), words: format!("in the title or the rationale: {fault}") }
        }));
        if !objections.is_empty() {
            return Err(objections);
        }
        match base.with_template(&draft.template) {
            Ok(file) => Ok((file, draft)),
            Err(fault) => Err(vec![Fault::File(fault.what).into()]),
        }
    }
}
