//! R3 and R5: what is said about the form of the answer.

use std::collections::BTreeMap;

use super::{Step, Wish, counted, step};
use crate::domain::prompt_file::PromptFile;
use crate::engine::prose::{self, Form, Prose};

/// Long ways to name a form, and short ones that ask for the same. At the head of a sentence only.
const SHORTER: [(&str, &str); 14] = [
    ("your response should be formatted as ", "Respond with "),
    ("your response should be in the form of ", "Respond with "),
    ("your answer should be formatted as ", "Answer with "),
    ("your answer should be in the form of ", "Answer with "),
    ("your output should be formatted as ", "Output "),
    ("your output should be in the form of ", "Output "),
    ("the output should be formatted as ", "Output "),
    ("the output should be in the form of ", "Output "),
    ("the response should be formatted as ", "Respond with "),
    ("format your response as ", "Respond with "),
    ("format your answer as ", "Answer with "),
    ("you should respond with ", "Respond with "),
    ("you should return ", "Return "),
    ("you should output ", "Output "),
];

/// How a sentence begins that asks for one form and nothing else.
const ONLY: [&str; 8] = [
    "return only ",
    "respond only with ",
    "respond with only ",
    "output only ",
    "answer only with ",
    "answer with only ",
    "only return ",
    "only output ",
];

/// How one begins that says the same again.
const NOTHING_ELSE: [&str; 4] =
    ["do not include any ", "do not add any ", "do not output any ", "do not write any "];

/// What such a sentence then names, and nothing besides.
const BESIDES: [&str; 14] = [
    "other text",
    "additional text",
    "extra text",
    "other content",
    "additional content",
    "explanation",
    "explanations",
    "commentary",
    "additional commentary",
    "additional information",
    "other information",
    "additional explanation",
    "additional explanations",
    "text outside of it",
];

/// Forms that answers have: the word for it in a sentence, and the words by which people name it.
const FORMS: [(&str, &[&str]); 8] = [
    ("in JSON", &["json"]),
    ("in XML", &["xml"]),
    ("in YAML", &["yaml"]),
    ("as CSV", &["csv"]),
    ("in Markdown", &["markdown"]),
    ("as a table", &["table", "tabular"]),
    ("as bullet points", &["bullet", "bullets", "bulleted", "bullet-point"]),
    ("as a numbered list", &["numbered"]),
];

/// Words by which a text shows that it says something about the form of its answers.
const FORM_WORDS: [&str; 8] =
    ["format", "formatted", "formatting", "schema", "html", "latex", "plaintext", "list"];

/// How many pieces of feedback must ask for one form.
const ASKED: usize = 2;

/// R3: long ways to name the form of the answer, and second ways to say "nothing else".
pub fn tighten(file: &PromptFile, _: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    let mut edits = Vec::new();
    let mut only: Option<(usize, usize)> = None;
    for sentence in &prose.sentences {
        let text = prose.of(sentence);
        let folded = prose::folded(text);
        let here = (prose.turn(sentence.range.start), sentence.line);
        if prose.lines[sentence.line].announced {
            continue;
        }
        if ONLY.iter().any(|only| folded.starts_with(only)) {
            only = Some(here);
            continue;
        }
        // Said once of this answer: in the same turn, and no further than the next line of text.
        let near = only.is_some_and(|(turn, line)| turn == here.0 && here.1 <= line + 2);
        let besides = NOTHING_ELSE.iter().find_map(|head| folded.strip_prefix(head));
        let again = besides.is_some_and(|rest| BESIDES.contains(&rest.trim_end_matches(['.', '!'])));
        let numbered = prose.lines[sentence.line].form == Form::Numbered;
        if near && again && !numbered && prose.is_free(&sentence.range) {
            edits.push((prose.cut(sentence), String::new()));
            continue;
        }
        let long = SHORTER
            .iter()
            .find(|(long, _)| text.get(..long.len()).is_some_and(|head| head.eq_ignore_ascii_case(long)));
        if let Some((long, short)) = long {
            let range = sentence.range.start..sentence.range.start + long.len();
            if prose.is_free(&range) {
                edits.push((range, (*short).to_owned()));
            }
        }
    }
    let count = counted(edits.len(), "sentence");
    let text = prose::edited(prose.text, edits);
    step(file, &text, format!("tightens {count} on the form of the answer"))
}

/// R5: names the form that at least two pieces of feedback ask for, and more than ask for any other, where the text
/// says nothing about form. Nothing of the feedback's own text is taken over.
pub fn name_format(file: &PromptFile, wish: &Wish<'_>) -> Option<Step> {
    let prose = Prose::read(file.template(), &file.protected);
    let names_form = |word: &String| {
        FORM_WORDS.contains(&word.as_str()) || FORMS.iter().any(|(_, names)| names.contains(&word.as_str()))
    };
    // With turns, the end of the text is not where instructions stand.
    if prose.turn(prose.text.len()) > 0
        || file.front.contains_key("output")
        || prose::words(prose.text).iter().any(names_form)
    {
        return None;
    }
    let mut asked: BTreeMap<&str, usize> = BTreeMap::new();
    for form in wish.details.iter().filter_map(|detail| asked_for(detail)) {
        *asked.entry(form).or_default() += 1;
    }
    let (form, count) = asked.iter().max_by_key(|(_, count)| **count).map(|(form, count)| (*form, *count))?;
    let rivals = asked.values().filter(|other| **other == count).count();
    if count < ASKED || rivals > 1 {
        return None;
    }
    let end = if prose.text.contains("\r\n") { "\r\n" } else { "\n" };
    let body = prose.text.trim_end();
    let last = if prose.text.ends_with('\n') { end } else { "" };
    let text = format!("{body}{end}{end}Answer {form}.{last}");
    let of = counted(wish.details.len(), "piece");
    step(
        file,
        &text,
        format!(
            "names the form of the answer: {count} of {of} of feedback ask for it {form}, and the text names none"
        ),
    )
}

/// The form that a piece of feedback asks for; none where it names several, or complains of one.
fn asked_for(detail: &str) -> Option<&'static str> {
    const WANTS: [&str; 14] = [
        "should", "want", "wanted", "need", "needed", "needs", "expected", "please", "instead", "asked",
        "must", "missing", "not", "as",
    ];
    const REFUSES: [&str; 9] =
        ["without", "stop", "don't", "dont", "don’t", "remove", "unwanted", "never", "less"];
    let words = prose::words(detail);
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let mut forms = FORMS.iter().filter(|(_, names)| has(names)).map(|(form, _)| *form);
    let form = forms.next()?;
    (forms.next().is_none() && has(&WANTS) && !has(&REFUSES)).then_some(form)
}
