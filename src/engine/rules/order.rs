//! R4 and R6: what is declared, and what stands where.

use std::ops::Range;

use super::{Step, Wish, counted, step};
use crate::domain::prompt_file::PromptFile;
use crate::engine::amend;
use crate::engine::prose::{self, Form, Prose, Sentence};
use crate::engine::template::Template;
use crate::engine::template_helpers::HELPERS;

/// Fewest words of a text in which something can be buried.
const LONG: usize = 200;
/// Most sentences that are moved: beyond it the text wants another order, which is a person's work.
const MAX_MOVED: usize = 6;

/// R4: declares variables that are used and declared nowhere.
pub fn declare(file: &PromptFile, wish: &Wish<'_>) -> Option<Step> {
    let template = Template::parse(file.template(), file.template_line()).ok()?;
    let missing: Vec<&str> = template
        .variables()
        .iter()
        .map(|used| used.name.as_str())
        .filter(|name| file.inputs.get(name).is_none() && !wish.declared_below.iter().any(|d| d == name))
        .filter(|name| !HELPERS.contains(name))
        .collect();
    let kind = |name: &str| {
        let plain = ["{{", "{{{"].iter().any(|open| {
            let text = file.template();
            text.contains(&format!("{open}{name}}}")) || text.contains(&format!("{open} {name} }}"))
        });
        // Looped over, or asked for a field: no plain text.
        if plain { "string" } else { "any" }
    };
    let declared: Vec<(&str, &str)> = missing.iter().map(|name| (*name, kind(name))).collect();
    let edited = amend::declare(file, &declared)?;
    let names = missing.join("`, `");
    let what = format!("declares {}: `{names}`", counted(missing.len(), "variable"));
    Some(Step { file: edited, explanation: what })
}

/// R6: moves sentences that forbid or demand something, and stand beyond the first third of a long text, to a paragraph
/// of their own after the first.
pub fn to_front(file: &PromptFile, _: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    if prose.turn(prose.text.len()) > 0 || prose::words(prose.text).len() < LONG {
        return None;
    }
    let place = front(&prose)?;
    // What was moved before stands here, however long the first paragraphs are.
    let moved = paragraph_at(&prose, place);
    let general = general(&prose);
    let buried: Vec<&Sentence> = prose
        .sentences
        .iter()
        .filter(|s| s.range.start > prose.text.len() / 3 && s.range.start >= moved.end)
        .filter(|s| general[s.line] && is_hard(&prose, s))
        .collect();
    if buried.is_empty() || buried.len() > MAX_MOVED {
        return None;
    }
    let end = if prose.text.contains("\r\n") { "\r\n" } else { "\n" };
    let block = buried.iter().map(|s| prose.of(s)).collect::<Vec<_>>().join(" ");
    let mut edits: Vec<(Range<usize>, String)> =
        buried.iter().map(|s| (prose.cut(s), String::new())).collect();
    edits.push((place..place, format!("{block}{end}{end}")));
    let text = prose::edited(prose.text, edits);
    let what = format!(
        "moves {} that forbid or demand something from beyond the first third of the text to its front",
        counted(buried.len(), "sentence")
    );
    step(file, &text, what)
}

/// Where the second paragraph begins, headings not counted; `None` where the first one leads over into it.
fn front(prose: &Prose<'_>) -> Option<usize> {
    let mut lines = prose.lines.iter().skip_while(|line| matches!(line.form, Form::Blank | Form::Heading));
    let last = lines.by_ref().take_while(|line| line.form != Form::Blank).last()?;
    let next = lines.find(|line| line.form != Form::Blank)?;
    let at = next.range.start;
    let paragraph = prose.text[last.range.clone()].trim_end();
    let between = at.checked_sub(1)?..at;
    (!paragraph.ends_with([':', '：']) && last.form == Form::Plain && prose.is_free(&between)).then_some(at)
}

fn paragraph_at(prose: &Prose<'_>, at: usize) -> Range<usize> {
    let lines = prose.lines.iter().filter(|line| line.range.start >= at);
    let end = lines.take_while(|line| line.form != Form::Blank).last().map_or(at, |line| line.range.end);
    at..end
}

/// Of each line whether it is under no heading, or one that is about the whole task.
fn general(prose: &Prose<'_>) -> Vec<bool> {
    const GENERAL: [&str; 14] = [
        "rule",
        "rules",
        "constraint",
        "constraints",
        "important",
        "guideline",
        "guidelines",
        "instruction",
        "instructions",
        "requirement",
        "requirements",
        "general",
        "notes",
        "remember",
    ];
    let mut here = true;
    let lines = prose.lines.iter().map(|line| {
        if line.form == Form::Heading {
            let words = prose::words(&prose.text[line.range.clone()]);
            here = words.iter().any(|word| GENERAL.contains(&word.as_str()));
        }
        here
    });
    lines.collect()
}

/// Whether a sentence demands or forbids something wherever it stands.
fn is_hard(prose: &Prose<'_>, sentence: &Sentence) -> bool {
    const HARD: [&str; 3] = ["never", "always", "must"];
    const HEADS: [&str; 2] = ["do not ", "under no circumstances"];
    /// Words that point at what stands around the sentence, or make it depend on something.
    const POINTING: [&str; 47] = [
        "it",
        "its",
        "this",
        "that",
        "these",
        "those",
        "they",
        "them",
        "their",
        "he",
        "she",
        "above",
        "below",
        "following",
        "follows",
        "here",
        "such",
        "otherwise",
        "instead",
        "also",
        "however",
        "therefore",
        "then",
        "former",
        "latter",
        "same",
        "step",
        "steps",
        "next",
        "previous",
        "if",
        "when",
        "unless",
        "so",
        "else",
        "first",
        "last",
        "finally",
        "section",
        "list",
        "before",
        "after",
        "once",
        "example",
        "both",
        "either",
        "another",
    ];
    let line = &prose.lines[sentence.line];
    let text = prose.of(sentence);
    let folded = prose::folded(text);
    let words = prose::words(text);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    line.form == Form::Plain
        && !line.announced
        && prose.is_free(&sentence.range)
        && (4..=40).contains(&words.len())
        && text.starts_with(char::is_uppercase)
        && text.ends_with(['.', '!'])
        && (has(&HARD) || HEADS.iter().any(|head| folded.starts_with(head)))
        && !has(&POINTING)
        && prose::stands_alone(text)
}
