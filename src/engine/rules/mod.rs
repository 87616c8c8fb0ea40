//! Drafting without a model: edits with names, each of which can be explained in a sentence.
//!
//! | Rule | Edit | Asked for by |
//! | --- | --- | --- |
//! | R1 | drops sentences and list items that were said before | too many tokens, too dear |
//! | R2 | drops phrases without which a sentence says the same | too many tokens, too dear |
//! | R3 | tightens what is said about the form of the answer | too many tokens, too dear |
//! | R4 | declares variables that are used and not declared | calls that fail |
//! | R5 | names the output format that feedback asks for | negative signals |
//! | R6 | moves hard instructions from deep in a long text to its front | negative signals |
//! | R7 | removes white space at line ends and repeated blank lines | too many tokens, too dear |
//! | R8 | requires the capability that the declared output needs | nothing but the file itself |
//!
//! No rule touches tags and blocks, code, quotations, examples or protected passages (see [`prose`](super::prose)). A
//! draft is a fixed point: the rules have nothing more to say about it. Where no rule applies there is no draft.
//!
//! Start with [`draft`]; R8 is [`undeclared`].

mod cut;
mod form;
mod needs;
mod order;

pub use cut::repeated;
pub use needs::{Undeclared, undeclared};

use crate::domain::finding::Detector;
use crate::domain::prompt_file::PromptFile;
use crate::engine::prose::Prose;
use crate::engine::template::Template;
use crate::engine::tokens;

/// Rounds after which a draft that still changes is given up.
const MAX_ROUNDS: usize = 12;
/// The share of tokens from which white space alone is worth a proposal.
const WORTH: f64 = 0.02;

/// What is wanted of a draft.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish<'a> {
    /// What the prompt was found for; without it every rule is asked.
    pub cause: Option<Detector>,
    /// What people said in corrections and other feedback.
    pub details: &'a [&'a str],
    /// Variables that the prompts below this one declare.
    pub declared_below: &'a [String],
}

/// A draft by rules.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleDraft {
    /// The new content, its version still that of the base.
    pub file: PromptFile,
    /// The rules that did something, in order: `R1`.
    pub rules: Vec<&'static str>,
    /// What each edit is for, in the order of the rules; a rule may have several.
    pub explanations: Vec<String>,
    /// Estimated tokens of the base's template.
    pub tokens_before: u32,
    /// Estimated tokens of the new template.
    pub tokens_after: u32,
}

/// What one rule made of a file.
struct Step {
    file: PromptFile,
    explanation: String,
}

type Apply = fn(&PromptFile, &Wish<'_>) -> Option<Step>;

struct Rule {
    name: &'static str,
    apply: Apply,
    causes: &'static [Detector],
}

const SPEND: &[Detector] = &[Detector::TokenOutlier, Detector::CostOutlier];

const RULES: [Rule; 7] = [
    Rule { name: "R1", apply: cut::said_before, causes: SPEND },
    Rule { name: "R2", apply: cut::filler, causes: SPEND },
    Rule { name: "R3", apply: form::tighten, causes: SPEND },
    Rule { name: "R4", apply: order::declare, causes: &[Detector::LowSuccess] },
    Rule { name: "R5", apply: form::name_format, causes: &[Detector::HighNegative] },
    Rule { name: "R6", apply: order::to_front, causes: &[Detector::HighNegative] },
    Rule { name: "R7", apply: cut::white_space, causes: SPEND },
];

/// Drafts by rules; `None` where no rule that the wish asks for applies. Deterministic.
///
/// The draft parses, uses the variables that the base uses, in their order, and keeps every span that is not a rule's
/// to touch. A base whose template does not parse has no draft.
pub fn draft(base: &PromptFile, wish: &Wish<'_>) -> Option<RuleDraft> {
    let asked = |rule: &&Rule| wish.cause.is_none_or(|cause| rule.causes.contains(&cause));
    let mut file = base.clone();
    let mut said: Vec<(&'static str, String)> = Vec::new();
    for round in 0.. {
        if round == MAX_ROUNDS {
            return None;
        }
        let mut still = true;
        for rule in RULES.iter().filter(asked) {
            if let Some(step) = (rule.apply)(&file, wish).filter(|step| is_sound(&file, &step.file)) {
                file = step.file;
                said.push((rule.name, step.explanation));
                still = false;
            }
        }
        if still {
            break;
        }
    }
    let (before, after) = (tokens::estimate(base.template()), tokens::estimate(file.template()));
    let saved = f64::from(before.saturating_sub(after)) / f64::from(before.max(1));
    if said.iter().all(|(rule, _)| *rule == "R7") && (said.is_empty() || saved < WORTH) {
        return None;
    }
    // By rule, not by round.
    said.sort_by_key(|(rule, _)| *rule);
    let mut rules: Vec<&'static str> = said.iter().map(|(rule, _)| *rule).collect();
    rules.dedup();
    let explanations = said.into_iter().map(|(rule, text)| format!("{rule} {text}")).collect();
    Some(RuleDraft { file, rules, explanations, tokens_before: before, tokens_after: after })
}

/// Whether an edit kept what no rule may touch. A step that did not is dropped, whatever its rule thought.
fn is_sound(before: &PromptFile, after: &PromptFile) -> bool {
    let template = |file: &PromptFile| Template::parse(file.template(), file.template_line()).ok();
    let (Some(old), Some(new)) = (template(before), template(after)) else { return false };
    let names = |t: &Template| t.variables().iter().map(|used| used.name.clone()).collect::<Vec<_>>();
    let prose = |file: &PromptFile| {
        Prose::read(file.template(), &file.protected)
            .kept()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    names(&old) == names(&new)
        && before.text() != after.text()
        && !after.template().trim().is_empty()
        && prose(before) == prose(after)
        && before.protected == after.protected
}

/// The file with an edited template, where that can be read.
fn step(file: &PromptFile, template: &str, explanation: String) -> Option<Step> {
    let edited = file.with_template(template).ok()?;
    (template != file.template()).then_some(Step { file: edited, explanation })
}

/// `1 sentence`, `3 sentences`.
fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;
