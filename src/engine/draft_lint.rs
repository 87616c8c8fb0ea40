//! What a draft must be before any person sees it: still the same prompt to its callers, honest about its length, and
//! free of what people said in feedback. Knows form, not meaning: a draft that passes may still be bad. Start with
//! [`check`].
//!
//! **Copied evidence** is feedback that leaks into a text that many will read. Three signs, each of which is enough where
//! the base does not have it too:
//!
//! * [`COPIED_WORDS`] words in a row that stand in a detail, case and punctuation aside. Five words in a row are common
//!   in instructions that say the same; six rarely are by chance.
//! * [`COPIED_SIGNS`] letters in a row of a script that puts no spaces between words.
//! * An identifier of a detail: an address of mail or web, a number with [`SECRET_DIGITS`] digits or more however it is
//!   grouped, or a long word that mixes letters with digits: ten characters and three digits, or twenty and one. A
//!   shorter one is as likely a name that everybody may use: `ISO-8601`, `gpt-4o-mini`.
//!
//! A name of one or two words is not seen: "answer in British English" and "Ana Ruiz was angry" have one form.

use std::collections::{BTreeSet, HashSet};

use serde_json::{Value, json};

use crate::domain::prompt_file::PromptFile;
use crate::domain::variables::Inputs;
use crate::engine::template::Template;
use crate::engine::template_helpers::MARKER;
use crate::engine::tokens;
use crate::engine::visible::{self, Hidden};

/// Words in a row that count as copied.
pub const COPIED_WORDS: usize = 6;
/// Letters in a row that count as copied, in scripts without spaces.
pub const COPIED_SIGNS: usize = 14;
/// Digits of a number that identifies something.
pub const SECRET_DIGITS: usize = 6;

/// How far a draft may go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Tokens of the draft to those of the base, at most,
    pub growth: f64,
    /// but a short text may always gain so many tokens,
    pub grace: u32,
    /// and a long one never more than so many.
    pub most: u32,
    /// Tokens of the draft to those of the base, at least: below, it is another prompt or a piece of one.
    pub least: f64,
    /// Most bytes.
    pub bytes: usize,
    /// Whether the cause asks for other variables: then those of the base need not all be used, and new ones may be.
    pub variables: bool,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { growth: 1.5, grace: 120, most: 800, least: 0.2, bytes: 256 * 1024, variables: false }
    }
}

impl Limits {
    /// Most tokens of a draft for a text of `base` tokens.
    fn tokens(&self, base: u32) -> u32 {
        let grown = (f64::from(base) * self.growth) as u32;
        grown.max(base.saturating_add(self.grace)).min(base.saturating_add(self.most))
    }
}

/// What is wrong with a draft. Its words go back to the model and into the record of the run, so that they name no
/// piece of feedback.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Fault {
    /// Nothing is left.
    #[error("the text is empty: write the whole new text")]
    Empty,
    /// Nothing was changed.
    #[error("the text is the present one, spaces aside: change what the evidence speaks of")]
    Unchanged,
    /// Too many bytes.
    #[error("the text has {bytes} bytes, more than {most}: shorten it")]
    Large {
        /// Bytes of the draft.
        bytes: usize,
        /// Most bytes.
        most: usize,
    },
    /// Too many tokens.
    #[error("the text grew from about {base} to {draft} tokens, and {most} are allowed: shorten it")]
    Grown {
        /// Tokens of the base.
        base: u32,
        /// Tokens of the draft.
        draft: u32,
        /// Most tokens.
        most: u32,
    },
    /// Too few tokens.
    #[error("the text shrank from about {base} to {draft} tokens: keep what the prompt asks for")]
    Shrunk {
        /// Tokens of the base.
        base: u32,
        /// Tokens of the draft.
        draft: u32,
    },
    /// A placeholder stands for a part.
    #[error("line {line} stands for text that is left out: write the whole text")]
    Elided {
        /// Line of the draft, from 1.
        line: usize,
    },
    /// Front matter was written.
    #[error("line {line} is front matter, which is not yours to write: write the template alone")]
    FrontMatter {
        /// Line of the draft, from 1.
        line: usize,
    },
    /// The template cannot be read.
    #[error("the template cannot be read: {0}")]
    Template(String),
    /// The file cannot be read with it.
    #[error("the prompt file cannot be read with this text: {0}")]
    File(String),
    /// A variable is not used any more.
    #[error("the variable `{0}` is gone: use it where the present text does")]
    VariableGone(String),
    /// A variable is new.
    #[error("the variable `{0}` is new, and nobody gives it a value: take it out")]
    VariableNew(String),
    /// A helper does not exist.
    #[error("the helper `{0}` does not exist: take it out")]
    Helper(String),
    /// Roles, history, media, or the place of the layer below.
    #[error(
        "the tags of roles, history, media, sections and `base` are not those of the present text: keep them, in their order"
    )]
    Structure,
    /// A protected passage.
    #[error("protected passage {} is not in the text word for word: put it back", .0 + 1)]
    Protected(usize),
    /// A part of the output contract.
    #[error(
        "`{0}` of the output is not mentioned any more: programs read it, so ask for it as the present text does"
    )]
    Output(String),
    /// Feedback, word for word.
    #[error("line {line} repeats {words} words of feedback in a row: say in general terms what is needed")]
    Copied {
        /// Line of the draft, from 1.
        line: usize,
        /// How many.
        words: usize,
    },
    /// Feedback, sign for sign.
    #[error(
        "the text repeats {COPIED_SIGNS} signs of feedback in a row: say in general terms what is needed"
    )]
    CopiedSigns,
    /// An address, a number or an id.
    #[error("line {line} holds {what} from feedback: take it out")]
    Leaked {
        /// Line of the draft, from 1.
        line: usize,
        /// Its kind.
        what: &'static str,
    },
    /// A character that nobody sees, or that changes what is seen.
    #[error("line {line} holds the {} character {name}, which the present text does not: take it out", word(*why))]
    HiddenCharacter {
        /// Line of the draft, from 1.
        line: usize,
        /// The character as it is shown.
        name: String,
        /// What it does.
        why: Hidden,
    },
}

fn word(why: Hidden) -> &'static str {
    match why {
        Hidden::Control => "control",
        Hidden::Bidi => "bidirectional",
        Hidden::Invisible => "invisible",
    }
}

impl Fault {
    /// One word, for counts.
    pub fn word(&self) -> &'static str {
        match self {
            Fault::Empty => "empty",
            Fault::Unchanged => "unchanged",
            Fault::Large { .. } | Fault::Grown { .. } => "grown",
            Fault::Shrunk { .. } => "shrunk",
            Fault::Elided { .. } => "elided",
            Fault::FrontMatter { .. } | Fault::File(_) => "front matter",
            Fault::Template(_) | Fault::Helper(_) => "template",
            Fault::VariableGone(_) | Fault::VariableNew(_) => "variables",
            Fault::Structure => "structure",
            Fault::Protected(_) => "protected",
            Fault::Output(_) => "output",
            Fault::Copied { .. } | Fault::CopiedSigns | Fault::Leaked { .. } => "copied",
            Fault::HiddenCharacter { .. } => "hidden",
        }
    }
}

/// All that is wrong with `draft` as the new template of `base`, where `details` is the feedback that its writer read.
pub fn check(base: &PromptFile, draft: &str, details: &[&str], limits: Limits) -> Vec<Fault> {
    let old = base.template();
    if draft.trim().is_empty() {
        return vec![Fault::Empty];
    }
    if draft.len() > limits.bytes {
        return vec![Fault::Large { bytes: draft.len(), most: limits.bytes }];
    }
    let mut faults = Vec::new();
    if draft.split_whitespace().eq(old.split_whitespace()) {
        faults.push(Fault::Unchanged);
    }
    faults.extend(length(old, draft, limits));
    faults.extend(form(old, draft));
    match Template::parse(draft, 1) {
        Err(error) => faults.push(Fault::Template(visible::one_line(&error.to_string()))),
        Ok(template) => faults.extend(names(base, draft, &template, limits)),
    }
    for (i, passage) in base.protected.iter().enumerate() {
        let unix = |text: &str| text.replace("\r\n", "\n");
        // A passage that the base itself has not cannot be kept.
        if unix(old).contains(&unix(passage)) && !unix(draft).contains(&unix(passage)) {
            faults.push(Fault::Protected(i));
        }
    }
    faults.extend(output(base, draft));
    faults.extend(hidden(draft, old));
    faults.extend(copied(draft, old, details));
    if let Err(fault) = base.with_template(draft) {
        faults.push(Fault::File(visible::one_line(&fault.what)));
    }
    faults
}

fn length(old: &str, draft: &str, limits: Limits) -> Option<Fault> {
    let (base, tokens) = (tokens::estimate(old), tokens::estimate(draft));
    let most = limits.tokens(base);
    if tokens > most {
        Some(Fault::Grown { base, draft: tokens, most })
    } else if f64::from(tokens) < f64::from(base) * limits.least {
        Some(Fault::Shrunk { base, draft: tokens })
    } else {
        None
    }
}

/// What models write in place of text that they leave out.
const ELISIONS: [&str; 9] = [
    "[...]",
    "[…]",
    "rest unchanged",
    "remains unchanged",
    "rest of the prompt",
    "rest of prompt",
    "remainder of the prompt",
    "same as before",
    "as in the original",
];

fn form(old: &str, draft: &str) -> Vec<Fault> {
    let known = old.to_lowercase();
    let blank = draft.lines().take_while(|line| line.trim().is_empty()).count();
    let mut faults = Vec::new();
    for (i, line) in draft.lines().enumerate() {
        let lower = line.to_lowercase();
        if ELISIONS.iter().any(|phrase| lower.contains(phrase) && !known.contains(phrase)) {
            faults.push(Fault::Elided { line: i + 1 });
        }
        let opens = lower.trim() == "---" && i == blank;
        let key = lower.trim_start().split_once(':').map(|(key, _)| key).filter(|key| {
            key.strip_prefix("human.")
                .is_some_and(|key| !key.is_empty() && key.chars().all(char::is_alphanumeric))
        });
        let begins = |with: &str| known.lines().any(|line| line.trim_start().starts_with(with));
        if (opens && !begins("---")) || key.is_some_and(|key| !begins(key)) {
            faults.push(Fault::FrontMatter { line: i + 1 });
        }
    }
    faults
}

fn names(base: &PromptFile, draft: &str, template: &Template, limits: Limits) -> Vec<Fault> {
    let used = |template: &Template| -> BTreeSet<String> {
        template.variables().iter().map(|used| used.name.clone()).collect()
    };
    let mut faults: Vec<Fault> =
        template.unknown_helpers().iter().map(|used| Fault::Helper(visible::one_line(&used.name))).collect();
    // A base that cannot be read has no names to keep.
    let old = Template::parse(base.template(), 1).ok();
    let before = old.as_ref().map(used).unwrap_or_default();
    let now = used(template);
    if !limits.variables {
        faults.extend(before.difference(&now).cloned().map(Fault::VariableGone));
        // What is declared has a value, or may go without one.
        let new = now.difference(&before).filter(|name| base.inputs.get(name).is_none());
        faults.extend(new.map(|name| Fault::VariableNew(visible::one_line(name))));
    }
    let places = old.as_ref().is_some_and(Template::places_base);
    let marks = |text: &str| text.matches(MARKER).count();
    if structure(base.template()) != structure(draft)
        || places != template.places_base()
        || marks(base.template()) != marks(draft)
    {
        faults.push(Fault::Structure);
    }
    faults
}

/// The tags that make messages of a text, in their order.
fn structure(text: &str) -> Vec<&str> {
    let tags = text.split("{{").skip(1).filter_map(|rest| rest.split_once("}}"));
    tags.map(|(tag, _)| tag.trim_matches(['{', '~', ' ']))
        .filter(|tag| {
            let name = tag.split_whitespace().next().unwrap_or_default();
            ["role", "history", "media", "section"].contains(&name)
        })
        .collect()
}

/// Names of the output that the base asks for, and the draft does not: the fields of its schema, and its format.
fn output(base: &PromptFile, draft: &str) -> Vec<Fault> {
    let Some(output) = base.front.get("output") else { return Vec::new() };
    let schema = output.get("schema").map(|schema| json!({ "schema": schema }));
    let fields = Inputs::read(schema.as_ref()).unwrap_or_default().variables;
    let format = output.get("format").and_then(Value::as_str).map(str::to_owned);
    let (before, now) = (base.template().to_lowercase(), draft.to_lowercase());
    let names = fields.into_iter().map(|field| field.name).chain(format);
    names
        .filter(|name| {
            let lower = name.to_lowercase();
            has_word(&before, &lower) && !has_word(&now, &lower)
        })
        .map(Fault::Output)
        .collect()
}

fn has_word(text: &str, word: &str) -> bool {
    let apart = |c: Option<char>| c.is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            apart(text[..at].chars().next_back()) && apart(text[at + word.len()..].chars().next())
        })
}

/// Characters that are shown and never emitted, each once, unless `old` has them as well.
fn hidden(draft: &str, old: &str) -> Vec<Fault> {
    let mut known: HashSet<char> = visible::hidden_in(old).map(|(_, c, _)| c).collect();
    let mut faults = Vec::new();
    for (at, c, why) in visible::hidden_in(draft) {
        if known.insert(c) {
            let line = line_at(draft, at);
            faults.push(Fault::HiddenCharacter { line, name: visible::name(c), why });
        }
    }
    faults
}

fn line_at(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// What of `details` stands in `text` and not in `known`: by words, by signs, by identifiers.
pub fn copied(text: &str, known: &str, details: &[&str]) -> Vec<Fault> {
    let mut faults = Vec::new();
    let theirs: Vec<Vec<String>> = details.iter().map(|detail| just_words(detail)).collect();
    let mut grams: HashSet<&[String]> = theirs.iter().flat_map(|words| words.windows(COPIED_WORDS)).collect();
    let own = just_words(known);
    for gram in own.windows(COPIED_WORDS) {
        grams.remove(gram);
    }
    faults.extend(copied_words(text, &grams));
    let known_signs = signs(known);
    let signs_of = |text: &str| -> HashSet<Vec<char>> {
        signs(text).windows(COPIED_SIGNS).map(<[char]>::to_vec).collect()
    };
    let mut theirs: HashSet<Vec<char>> = details.iter().flat_map(|detail| signs_of(detail)).collect();
    for gram in known_signs.windows(COPIED_SIGNS) {
        theirs.remove(gram);
    }
    if signs(text).windows(COPIED_SIGNS).any(|gram| theirs.contains(gram)) {
        faults.push(Fault::CopiedSigns);
    }
    faults.extend(leaked(text, known, details));
    faults
}

/// The longest row of words whose every window is among `grams`.
fn copied_words(text: &str, grams: &HashSet<&[String]>) -> Option<Fault> {
    let (words, places): (Vec<String>, Vec<usize>) = words(text).unzip();
    let (mut run, mut longest) = (0, None);
    for (i, gram) in words.windows(COPIED_WORDS).enumerate() {
        run = if grams.contains(gram) { run + 1 } else { 0 };
        if run > longest.map_or(0, |(most, _)| most) {
            longest = Some((run, i + 1 - run));
        }
    }
    let (run, first) = longest?;
    Some(Fault::Copied { line: line_at(text, places[first]), words: run + COPIED_WORDS - 1 })
}

/// The words of a text in lower case, with their places.
fn words(text: &str) -> impl Iterator<Item = (String, usize)> + '_ {
    let start = text.as_ptr() as usize;
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(move |word| (word.to_lowercase(), word.as_ptr() as usize - start))
}

fn just_words(text: &str) -> Vec<String> {
    words(text).map(|(word, _)| word).collect()
}

/// The letters of scripts that put no spaces between words: CJK, kana, Thai and their neighbours.
fn signs(text: &str) -> Vec<char> {
    let sign =
        |c: &char| c.is_alphanumeric() && matches!(u32::from(*c), 0xe00..0x1000 | 0x1780..0x1800 | 0x2e80..);
    text.chars().filter(sign).collect()
}

fn leaked(text: &str, known: &str, details: &[&str]) -> Vec<Fault> {
    let (lower, known) = (text.to_lowercase(), known.to_lowercase());
    let mut said = BTreeSet::new();
    let mut faults = Vec::new();
    let mut say = |line: usize, what: &'static str| {
        if said.insert((line, what)) {
            faults.push(Fault::Leaked { line, what });
        }
    };
    for detail in details {
        for word in detail.to_lowercase().split_whitespace() {
            let word = word.trim_matches(|c: char| !c.is_alphanumeric());
            let Some(what) = identifies(word) else { continue };
            if !known.contains(word)
                && let Some(at) = lower.find(word)
            {
                say(line_at(&lower, at), what);
            }
        }
    }
    let theirs: HashSet<String> = details.iter().flat_map(|detail| numbers(detail)).map(|(n, _)| n).collect();
    let own: HashSet<String> = numbers(&known).into_iter().map(|(number, _)| number).collect();
    for (number, at) in numbers(text) {
        // A part of a number is enough, and so is one with something before it.
        let same = theirs.iter().any(|their| their.contains(&number) || number.contains(their.as_str()));
        if same && !own.contains(&number) {
            say(line_at(text, at), "a number");
        }
    }
    faults
}

/// What a word in lower case identifies, if it looks as if it did.
fn identifies(word: &str) -> Option<&'static str> {
    let (length, digits) = (word.chars().count(), word.chars().filter(char::is_ascii_digit).count());
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let mail = word.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let plain = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ':' | '#'));
    if mail {
        Some("an address of mail")
    } else if word.contains("://") || word.starts_with("www.") {
        Some("an address of the web")
    } else if plain && letters > 0 && (digits >= 3 && length >= 10 || digits >= 1 && length >= 20) {
        Some("an identifier")
    } else {
        None
    }
}

/// The numbers of a text that have [`SECRET_DIGITS`] digits or more, as digits, however they are grouped: `4111 1111`,
/// `+49 (170) 123-4567`.
fn numbers(text: &str) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    for run in text
        .split_inclusive(|c: char| !(c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/')))
    {
        let digits: String = run.chars().filter(char::is_ascii_digit).collect();
        if digits.len() >= SECRET_DIGITS {
            found.push((digits, at));
        }
        at += run.len();
    }
    found
}

#[cfg(test)]
#[path = "draft_lint_tests.rs"]
mod tests;
