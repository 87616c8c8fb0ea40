//! The reflection: what a model is told when it is to draft a better prompt, and what is understood of its answer.
//!
//! The request is a prompt of the product, [`refine`], rendered like any other, so that it has versions, telemetry and a
//! place in the leaderboard. Everything that somebody else wrote goes in as quoted data: cut to a length, what hides in
//! it made visible, between lines with a word that does not occur in it. Quoting lowers the chance that a model obeys its
//! data and cannot rule it out: that is why an answer can do nothing but become a text that is linted and read by a
//! person. The answer is read leniently, by sections or as JSON; `engine::draft_lint` is the strict part.
//!
//! Start with [`Reflection::compose`] and [`read`].

use serde_json::{Map, Value};
use xxhash_rust::xxh3::Xxh3;

use crate::domain::outcome::Measure;
use crate::domain::prompt_file::{PromptFile, PromptFileError};
use crate::domain::proposal::Prediction;
use crate::engine::compose::{self, ComposeError, Composition};
use crate::engine::template::Template;
use crate::engine::template_helpers::MARKER;
use crate::engine::visible;

/// Most details of feedback that are quoted.
pub const MAX_DETAILS: usize = 12;
/// Most characters of a quoted detail or reason.
pub const MAX_QUOTE: usize = 600;
/// Most characters of a title.
const MAX_TITLE: usize = 100;
/// Most characters of a rationale.
const MAX_RATIONALE: usize = 2_000;
/// The largest effect that a prediction may claim: 90 % more or less.
const MAX_EFFECT: f64 = 0.9;

/// The prompt by which drafts are asked for, as it comes with the product. A store may have a newer version.
pub fn refine() -> Result<PromptFile, PromptFileError> {
    let text = include_str!("../../assets/steward.refine.prompt");
    PromptFile::parse("steward.refine.prompt", text.as_bytes())
}

/// A piece of feedback that is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detail<'a> {
    /// What it signals: `negative`, `correction`, …
    pub signal: &'a str,
    /// What was said.
    pub text: &'a str,
}

/// A draft that was refused, and is to be corrected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused<'a> {
    /// What came back.
    pub draft: &'a str,
    /// Why it was refused, a sentence each.
    pub faults: &'a [String],
}

/// All that a draft rests on.
#[derive(Debug, Clone, Copy)]
pub struct Reflection<'a> {
    /// The prompt to improve.
    pub base: &'a PromptFile,
    /// What was measured, a sentence with its numbers each.
    pub evidence: &'a [String],
    /// Feedback, the weightiest first; the first [`MAX_DETAILS`] are quoted.
    pub details: &'a [Detail<'a>],
    /// Why earlier drafts for this prompt were rejected.
    pub rejections: &'a [String],
}

impl Reflection<'_> {
    /// The request, and the record of the prompt that it was made of. `refine` is the prompt to ask by, `org` on whose
    /// behalf; with `refused` an earlier draft is to be corrected.
    pub fn compose(
        &self,
        refine: &PromptFile,
        org: &str,
        refused: Option<Refused<'_>>,
    ) -> Result<Composition, ComposeError> {
        let base = self.base.template().replace("\r\n", "\n");
        let details = &self.details[..self.details.len().min(MAX_DETAILS)];
        let draft = refused.map(|refused| refused.draft);
        let reasons = self.rejections.iter().chain(&self.base.protected).map(String::as_str);
        let foreign: Vec<&str> = details
            .iter()
            .map(|detail| detail.text)
            .chain(draft)
            .chain([base.as_str()])
            .chain(reasons)
            .collect();
        let quotes = Quotes { fence: fence(&foreign) };
        let variables = self.variables();
        let feedback = details.iter().map(|detail| (detail.signal, bounded(detail.text, MAX_QUOTE)));
        let rejections = self.rejections.iter().map(|reason| ("reason", bounded(reason, MAX_QUOTE)));
        let protected = self.base.protected.iter().map(|passage| ("passage", passage.clone()));
        let faults = refused.map(|refused| list(refused.faults)).unwrap_or_default();
        let values = [
            ("fence", quotes.fence.clone()),
            ("prompt", quotes.one("the prompt", base.trim_end_matches('\n'))),
            ("variables", variables),
            ("evidence", list(self.evidence)),
            ("feedback", quotes.each(feedback)),
            ("constraints", quotes.each(rejections)),
            ("protected", quotes.each(protected)),
            ("draft", draft.map(|draft| quotes.one("the draft", &defused(draft))).unwrap_or_default()),
            ("faults", faults),
        ];
        // An older or newer prompt may take fewer of them.
        let taken = |name: &str| refine.inputs.open || refine.inputs.get(name).is_some();
        let values: Map<String, Value> = values
            .into_iter()
            .filter(|(name, text)| taken(name) && !text.is_empty())
            .map(|(name, text)| (name.to_owned(), Value::String(text)))
            .collect();
        compose::compose(std::slice::from_ref(refine), org, &values)
    }

    /// The variables that the present text uses, for the model: what is declared and not used is no duty of a draft.
    fn variables(&self) -> String {
        let used = Template::parse(self.base.template(), 1).map(|template| template.variables().to_vec());
        let names: Vec<String> =
            used.unwrap_or_default().iter().map(|used| format!("`{}`", used.name)).collect();
        match names.as_slice() {
            [] => "none".into(),
            names => names.join(", "),
        }
    }
}

/// A word that occurs in none of `texts`: a hash of them, and of itself until that is so.
fn fence(texts: &[&str]) -> String {
    let mut hash = Xxh3::new();
    for text in texts {
        hash.update(text.as_bytes());
        hash.update(&[0]);
    }
    loop {
        let word = format!("{:016x}", hash.digest());
        if !texts.iter().any(|text| text.contains(&word)) {
            return word;
        }
        hash.update(word.as_bytes());
    }
}

/// Writes quoted data.
struct Quotes {
    fence: String,
}

impl Quotes {
    fn one(&self, what: &str, text: &str) -> String {
        let fence = &self.fence;
        format!("=== begin {fence}: {what} ===\n{text}\n=== end {fence} ===")
    }

    fn each<'a>(&self, texts: impl Iterator<Item = (&'a str, String)>) -> String {
        let quoted = texts
            .enumerate()
            .map(|(i, (what, text))| self.one(&format!("{} {}", visible::one_line(what), i + 1), &text));
        quoted.collect::<Vec<_>>().join("\n\n")
    }
}

/// The beginning of a foreign text, with what hides in it shown.
fn bounded(text: &str, most: usize) -> String {
    let text = defused(text.trim());
    let cut: String = text.chars().take(most).collect();
    if cut.len() < text.len() { format!("{cut}…") } else { cut }
}

/// A foreign text with what hides in it shown, and no marker of roles in it.
fn defused(text: &str) -> String {
    visible::visible(text).replace(MARKER, &MARKER.replace("<<<", "< < <"))
}

fn list(sentences: &[String]) -> String {
    let lines = sentences.iter().map(|sentence| format!("- {}", defused(sentence).replace('\n', " ")));
    lines.collect::<Vec<_>>().join("\n")
}

/// What a model answered, read and not yet believed.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The new template, with the line ends and the outer space of the base.
    pub template: String,
    /// One line, safe to print.
    pub title: String,
    /// Safe to print.
    pub rationale: String,
    /// What it promises, clamped to ±90 %; at most one of each measure.
    pub predicted: Vec<Prediction>,
}

/// Why an answer holds no draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// No text.
    #[error(
        "the answer has no section `[[ ## template ## ]]`: write all sections, each below its marker on a line of its own"
    )]
    NoTemplate,
    /// No end.
    #[error(
        "the answer ends without `[[ ## completed ## ]]`, so its text may be cut off: write the whole text, and the last marker"
    )]
    Unfinished,
}

/// Reads an answer: by its sections; where there are none, as a JSON object with the same names.
pub fn read(answer: &str, base: &PromptFile) -> Result<Draft, Unreadable> {
    let sections = match Sections::of(answer) {
        Err(Unreadable::NoTemplate) => Sections::of_json(answer).ok_or(Unreadable::NoTemplate)?,
        sections => sections?,
    };
    let title = visible::one_line(sections.title.trim());
    let title = bounded(title.trim_matches(['"', '*', '#', ' ', '.']), MAX_TITLE);
    Ok(Draft {
        template: fitted(&sections.template, base.template()),
        title: if title.is_empty() { "Refine the text".into() } else { title },
        rationale: bounded(&sections.rationale, MAX_RATIONALE),
        predicted: predictions(&sections.predicted),
    })
}

#[derive(Default)]
struct Sections {
    title: String,
    rationale: String,
    predicted: String,
    template: String,
}

impl Sections {
    /// By markers. The template reaches from its first marker to the last `completed`: it may hold markers itself.
    fn of(answer: &str) -> Result<Sections, Unreadable> {
        let mut sections = Sections::default();
        let (mut current, mut done) = (None, None);
        for line in answer.lines() {
            let (name, rest) = marker(line).map_or((None, line), |(name, rest)| (Some(name), rest));
            let in_template = current == Some("template");
            match name {
                Some("completed") if in_template => done = Some(sections.template.len()),
                Some("title" | "rationale" | "predicted" | "template") if !in_template => {
                    current = name;
                    if rest.is_empty() {
                        continue;
                    }
                }
                _ => {}
            }
            let (section, line) = match current {
                Some("title") => (&mut sections.title, rest),
                Some("rationale") => (&mut sections.rationale, rest),
                Some("predicted") => (&mut sections.predicted, rest),
                Some(_) if in_template => (&mut sections.template, line),
                Some(_) => (&mut sections.template, rest),
                None => continue,
            };
            section.push_str(line);
            section.push('\n');
        }
        match (current, done) {
            (Some("template"), Some(end)) => {
                sections.template.truncate(end);
                Ok(sections)
            }
            (Some("template"), None) => Err(Unreadable::Unfinished),
            _ => Err(Unreadable::NoTemplate),
        }
    }

    fn of_json(answer: &str) -> Option<Sections> {
        let begin = answer.find('{')?;
        let mut values =
            serde_json::Deserializer::from_str(&answer[begin..]).into_iter::<Map<String, Value>>();
        let object = values.next()?.ok()?;
        let text = |name: &str| match object.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Object(lines)) => lines
                .iter()
                .map(|(measure, value)| format!("{measure}: {value}"))
                .collect::<Vec<_>>()
                .join("\n"),
            _ => String::new(),
        };
        let template = object.get("template")?.as_str()?.to_owned();
        Some(Sections {
            title: text("title"),
            rationale: text("rationale"),
            predicted: text("predicted"),
            template,
        })
    }
}

/// The name in a marker `[[ ## name ## ]]` at the beginning of a line, and what follows it there.
fn marker(line: &str) -> Option<(&str, &str)> {
    let (inner, rest) = line.trim().strip_prefix("[[")?.split_once("]]")?;
    let name = inner.trim().strip_prefix("##")?.strip_suffix("##")?.trim();
    Some((name, rest.trim()))
}

/// A template without a code fence around it, with the line ends and the outer space of `base`: what a model does to
/// these is no change that anybody meant.
fn fitted(template: &str, base: &str) -> String {
    let mut text = template.trim();
    if !base.trim_start().starts_with("```")
        && let Some(inner) = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"))
        && let Some((_, inner)) = inner.split_once('\n')
        && !inner.contains("```")
    {
        text = inner.trim();
    }
    let lead = &base[..base.len() - base.trim_start().len()];
    let trail = if base.trim().is_empty() { "" } else { &base[base.trim_end().len()..] };
    let text = text.replace("\r\n", "\n");
    let text = if base.contains("\r\n") { text.replace('\n', "\r\n") } else { text };
    format!("{lead}{text}{trail}")
}

/// The predictions in lines like `tokens: -0.18 [-0.25, -0.1]` or `tokens: -18 %`. Lines that say nothing of the kind
/// are passed over.
fn predictions(text: &str) -> Vec<Prediction> {
    let mut found: Vec<Prediction> = Vec::new();
    for line in text.lines() {
        let Some((name, rest)) = line.split_once(':') else { continue };
        let measure = match name.trim_matches(['-', '*', '`', '"', ' ']).to_lowercase().as_str() {
            "negative" => Measure::Negative,
            "tokens" => Measure::Tokens,
            "cost" => Measure::Cost,
            "latency" => Measure::Latency,
            _ => continue,
        };
        let rest = rest.replace('−', "-");
        let numbers: Vec<f64> = rest
            .split(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
            .filter_map(|number| number.trim_end_matches('.').parse().ok())
            .filter(|number: &f64| number.is_finite())
            .collect();
        let scale = if rest.contains('%') || numbers.iter().any(|n| n.abs() > 1.0) { 100.0 } else { 1.0 };
        let clamp = |n: f64| (n / scale).clamp(-MAX_EFFECT, MAX_EFFECT);
        let Some(effect) = numbers.first().map(|n| clamp(*n)) else { continue };
        if found.iter().any(|earlier| earlier.measure == measure) {
            continue;
        }
        let about = (effect.abs() / 2.0).max(0.05);
        let interval = match numbers[1..] {
            [a, b, ..] => [clamp(a.min(b)).min(effect), clamp(a.max(b)).max(effect)],
            _ => [(effect - about).max(-MAX_EFFECT), effect + about],
        };
        found.push(Prediction { measure, effect, interval });
    }
    found
}

#[cfg(test)]
#[path = "reflection_tests.rs"]
mod tests;
