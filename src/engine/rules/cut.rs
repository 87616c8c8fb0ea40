//! R1, R2 and R7: what can go without anything being lost.

use std::collections::HashSet;
use std::ops::Range;

use super::{Step, Wish, counted, step};
use crate::domain::prompt_file::PromptFile;
use crate::engine::prose::{self, Form, Prose, Sentence};

/// Fewest words of a sentence of a paragraph that is dropped for being said before.
const MIN_WORDS: usize = 5;

/// Phrases at the head of a sentence without which it says the same, longest first where one begins another. What
/// follows must be a word that can begin the sentence.
const FILLERS: [&str; 33] = [
    "please note that ",
    "please be aware that ",
    "please keep in mind that ",
    "please remember that ",
    "please remember to ",
    "please be sure to ",
    "please make sure to ",
    "please make sure that you ",
    "please ensure that you ",
    "please, ",
    "please ",
    "kindly ",
    "note that ",
    "be aware that ",
    "keep in mind that ",
    "bear in mind that ",
    "remember that ",
    "remember to ",
    "be sure to ",
    "make sure to ",
    "make sure that you ",
    "it is important to note that ",
    "it's important to note that ",
    "it is worth noting that ",
    "it should be noted that ",
    "it is important to remember that ",
    "it is important to ",
    "it's important to ",
    "i want you to ",
    "i would like you to ",
    "as an ai language model, ",
    "as a large language model, ",
    "needless to say, ",
];

/// Sentences that ask for nothing.
const COURTESIES: [&str; 10] = [
    "thank you",
    "thanks",
    "thank you very much",
    "thanks in advance",
    "thank you in advance",
    "thank you for your help",
    "thanks for your help",
    "thank you for your assistance",
    "many thanks",
    "thank you for your cooperation",
];

/// R1: sentences of paragraphs that stand in the same turn already, and items that stand in the same list.
pub fn said_before(file: &PromptFile, _: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    let again = repeated(&prose);
    let cuts = again.iter().map(|sentence| (prose.cut(sentence), String::new())).collect();
    let text = prose::edited(prose.text, cuts);
    let what = if again.len() == 1 { "that was" } else { "that were" };
    step(file, &text, format!("drops {} {what} said before", counted(again.len(), "sentence")))
}

/// What R1 drops.
pub fn repeated<'p>(prose: &'p Prose<'_>) -> Vec<&'p Sentence> {
    let (mut said, mut listed, mut list) = (HashSet::new(), HashSet::new(), 0_usize);
    let mut again = Vec::new();
    // The items that the next one may stand below: where they are indented, and their lines.
    let mut parents: Vec<(usize, usize)> = Vec::new();
    for (i, line) in prose.lines.iter().enumerate() {
        let indent = indent(prose, &line.range);
        if line.form == Form::Item {
            while parents.last().is_some_and(|(above, _)| *above >= indent) {
                parents.pop();
            }
        } else {
            parents.clear();
        }
        // One list: items of one indentation below one line, with no other line between them.
        if line.form != Form::Item {
            list += 1;
        }
        let list = (list, parents.last().map(|(_, line)| *line), indent);
        if line.form == Form::Item {
            parents.push((indent, i));
        }
        let own = prose.on(i);
        for sentence in own {
            let text = prose.of(sentence);
            let folded = prose::folded(text);
            let free = prose.is_free(&sentence.range);
            let seen = match line.form {
                // An item is dropped whole or not at all.
                Form::Item => own.len() == 1 && !listed.insert((list, folded)),
                Form::Plain if line.announced && own.len() == 1 => false,
                Form::Plain => {
                    prose::stands_alone(text)
                        && prose::words(text).len() >= MIN_WORDS
                        && !said.insert((prose.turn(sentence.range.start), folded))
                }
                _ => false,
            };
            if seen && free && !announces(text) {
                again.push(sentence);
            }
        }
    }
    again
}

fn indent(prose: &Prose<'_>, line: &Range<usize>) -> usize {
    let text = &prose.text[line.clone()];
    text.len() - text.trim_start().len()
}

fn announces(sentence: &str) -> bool {
    sentence.trim_end().ends_with([':', '：'])
}

/// R2: filler at the head of sentences, and courtesies.
pub fn filler(file: &PromptFile, _: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    let mut edits = Vec::new();
    let mut found: Vec<String> = Vec::new();
    for sentence in &prose.sentences {
        // What a colon announces may be a text to be spoken.
        if prose.lines[sentence.line].announced || prose.lines[sentence.line].form == Form::Heading {
            continue;
        }
        let text = prose.of(sentence);
        let bare = prose::folded(text);
        let last = sentence.range.end == prose.text.trim_end().len() || prose.on(sentence.line).len() == 1;
        if last && COURTESIES.contains(&bare.trim_end_matches(['.', '!'])) && prose.is_free(&sentence.range) {
            edits.push((prose.cut(sentence), String::new()));
            found.push(bare);
        } else if let Some((phrase, first)) = headed(text) {
            // The first letter of what follows is written anew.
            let end = sentence.range.start + phrase.len() + first.len_utf8();
            let range = sentence.range.start..end;
            if prose.is_free(&range) {
                let capital = text.starts_with(|c: char| c.is_uppercase());
                let first = if capital { first.to_ascii_uppercase() } else { first };
                edits.push((range, first.to_string()));
                found.push(phrase.trim().to_owned());
            }
        }
    }
    let count = edits.len();
    let text = prose::edited(prose.text, edits);
    found.sort();
    found.dedup();
    found.truncate(3);
    let phrases = counted(count, "phrase");
    let quoted = found.iter().map(|phrase| format!("\"{phrase}\"")).collect::<Vec<_>>().join(", ");
    step(file, &text, format!("drops {phrases} that ask for nothing: {quoted}"))
}

/// Words after which a command does not begin: `Please not`, `Make sure to also`.
const NO_HEADS: [&str; 8] = ["not", "also", "that", "to", "and", "or", "no", "the"];

/// The filler that a sentence begins with, and the letter after it.
fn headed(sentence: &str) -> Option<(&'static str, char)> {
    let begins =
        |filler: &&&str| sentence.get(..filler.len()).is_some_and(|head| head.eq_ignore_ascii_case(filler));
    let filler = FILLERS.iter().filter(begins).max_by_key(|filler| filler.len())?;
    let rest = &sentence[filler.len()..];
    let word: &str = rest.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    let first = word.chars().next().filter(char::is_ascii_lowercase)?;
    let statement = filler.ends_with("that ") || filler.ends_with(", ");
    let can_begin = word.len() > 1 && (statement && word != "not" || !NO_HEADS.contains(&word));
    can_begin.then_some((*filler, first))
}

/// R7: white space at line ends, and all but one of a run of blank lines.
pub fn white_space(file: &PromptFile, _: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    let mut edits = Vec::new();
    let (mut trimmed, mut blank, mut runs) = (0, 0, 0);
    for line in &prose.lines {
        let text = &prose.text[line.range.clone()];
        let body = text.trim_end();
        let end = ["\r\n", "\n"].into_iter().find(|end| text.ends_with(end)).unwrap_or_default();
        blank = if line.form == Form::Blank { blank + 1 } else { 0 };
        if blank > 1 {
            if prose.is_free(&line.range) {
                edits.push((line.range.clone(), String::new()));
                runs += 1;
            }
        } else {
            let trailing = line.range.start + body.len()..line.range.end - end.len();
            if !trailing.is_empty() && prose.is_free(&trailing) {
                edits.push((trailing, String::new()));
                trimmed += 1;
            }
        }
    }
    let text = prose::edited(prose.text, edits);
    let what = format!(
        "removes white space at the end of {} and {}",
        counted(trimmed, "line"),
        counted(runs, "repeated blank line")
    );
    step(file, &text, what)
}
