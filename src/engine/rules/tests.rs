use super::*;
use proptest::prelude::*;

fn file(front: &str, text: &str) -> PromptFile {
    let file = format!(
        "---\nname: a.b\nhuman.scope: org\nhuman.org: ACME\nhuman.version: 1.0.0\n{front}---\n{text}"
    );
    PromptFile::parse("a", file.as_bytes()).unwrap()
}

fn wish(cause: Detector) -> Wish<'static> {
    Wish { cause: Some(cause), ..Wish::default() }
}

fn spend(text: &str) -> Option<(String, Vec<&'static str>)> {
    let draft = draft(&file("", text), &wish(Detector::TokenOutlier))?;
    Some((draft.file.template().to_owned(), draft.rules))
}

#[test]
fn what_was_said_before_is_dropped() {
    let (text, rules) = spend(
        "Answer in the language of the user. Be brief.\n\n- be kind\n- be brief\n- be kind\n\nAnswer in the language of  the user. Cite sources.\n",
    )
    .unwrap();
    assert_eq!(
        text,
        "Answer in the language of the user. Be brief.\n\n- be kind\n- be brief\n\nCite sources.\n"
    );
    assert_eq!(rules, ["R1"]);
    for kept in [
        // A list of its own, a sentence that leans on the one before, one that a colon announces, a numbered step.
        "Case A:\n- ask the user again\n\nCase B:\n- ask the user again\n",
        "Read the file. This takes a while every time. Save it. This takes a while every time.\n",
        "Say:\nWe are sorry for the delay today.\nLater:\nWe are sorry for the delay today.\n",
        "- Case A\n  - ask the user again\n- Case B\n  - ask the user again\n",
        "1. Read the whole file again now.\n2. Read the whole file again now.\n",
        "Quote \"Ask the user before you go on.\" and \"Ask the user before you go on.\"\n",
        "{{#if a}}Ask the user before you go on.{{/if}}{{#if b}}Ask the user before you go on.{{/if}}\n",
        "```\nprint the same line again please\nprint the same line again please\n```\n",
    ] {
        assert_eq!(spend(kept), None, "{kept}");
    }
    let protected = file(
        "human.protected: [Always answer in the user's language.]\n",
        "Always answer in the user's language. Always answer in the user's language.\n",
    );
    assert_eq!(draft(&protected, &Wish::default()), None);
}

#[test]
fn filler_is_dropped_where_a_sentence_stays() {
    let (text, rules) = spend(
        "Please note that the user is busy. It is important to be brief. Make sure to cite {{source}}.\nThank you!\nPlease, please answer. Thanks!\n",
    )
    .unwrap();
    assert_eq!(text, "The user is busy. Be brief. Cite {{source}}.\nAnswer.\n");
    assert_eq!(rules, ["R2"]);
    for kept in [
        "Say it politely, please.\n",
        "Please not now.\n",
        "Reply:\nPlease hold the line.\n",
        "Please {{do}} it.\n",
    ] {
        assert_eq!(spend(kept), None, "{kept}");
    }
}

#[test]
fn the_form_of_the_answer_is_said_shortly() {
    let (text, rules) = spend(
        "Summarise {{text}}.\nYour response should be formatted as a JSON object. Return only valid JSON. Do not include any other text.\n",
    )
    .unwrap();
    assert_eq!(text, "Summarise {{text}}.\nRespond with a JSON object. Return only valid JSON.\n");
    assert_eq!(rules, ["R3"]);
}

#[test]
fn variables_are_declared() {
    let base = file("", "Read {{text}}. {{#each docs}}{{this.title}}{{/each}}");
    let made = draft(&base, &Wish { cause: Some(Detector::LowSuccess), ..Wish::default() }).unwrap();
    assert_eq!(made.explanations, ["R4 declares 2 variables: `text`, `docs`"]);
    assert_eq!(made.file.inputs.contract(), [("docs", true, Some("any")), ("text", true, Some("string"))]);
    let below = ["text".to_owned(), "docs".to_owned()];
    assert_eq!(draft(&base, &Wish { declared_below: &below, ..Wish::default() }), None);
}

#[test]
fn a_format_is_named_when_feedback_asks_for_it() {
    let base = file("", "Summarise {{text}}.\n");
    let asked = |details: &[&str]| {
        draft(&base, &Wish { cause: Some(Detector::HighNegative), details, ..Wish::default() })
    };
    let made = asked(&["this should be JSON", "I asked for json!", "too long"]).unwrap();
    assert_eq!(made.file.template(), "Summarise {{text}}.\n\nAnswer in JSON.\n");
    assert_eq!(made.rules, ["R5"]);
    assert!(made.explanations[0].contains("2 of 3 pieces of feedback"), "{:?}", made.explanations);
    for details in [
        &["this should be JSON"][..],
        &["I want json", "should be JSON", "need a table", "want a table"],
        &["stop with the JSON please", "don't want JSON"],
        &["json", "json"],
    ] {
        assert_eq!(asked(details), None, "{details:?}");
    }
    let named = file("", "Summarise {{text}} as YAML.\n");
    let details = &["this should be JSON", "I asked for json!"];
    assert_eq!(
        draft(&named, &Wish { cause: Some(Detector::HighNegative), details, ..Wish::default() }),
        None
    );
}

#[test]
fn hard_instructions_move_to_the_front() {
    let filler = "The archive holds letters of many years and of many hands. ".repeat(30);
    let text = format!(
        "You are an archivist.\n\n{filler}\n\nLetters are old. Never reveal the address of a living person. Be kind.\n"
    );
    let made = draft(&file("", &text), &wish(Detector::HighNegative)).unwrap();
    let want = "You are an archivist.\n\nNever reveal the address of a living person.\n\nThe archive";
    assert!(made.file.template().starts_with(want), "{}", made.file.template());
    assert!(made.file.template().ends_with("Letters are old. Be kind.\n"));
    assert_eq!(made.rules, ["R6"]);
    let leaning =
        text.replace("Never reveal the address of a living person.", "Never reveal it to them, ever.");
    assert_eq!(draft(&file("", &leaning), &wish(Detector::HighNegative)), None);
}

#[test]
fn white_space_alone_must_be_worth_it() {
    assert_eq!(
        spend(
            "One. \n\n\nTwo and three, and a lot more of it, as it were, in many words that go on and on and on.\n"
        ),
        None
    );
    let (text, rules) = spend("One.\n\n\n\nPlease answer. \n").unwrap();
    assert_eq!((text.as_str(), rules), ("One.\n\nAnswer.\n", vec!["R2", "R7"]));
}

#[test]
fn nothing_is_drafted_without_a_rule() {
    assert_eq!(draft(&file("", "Say hello.\n"), &Wish::default()), None);
    assert_eq!(draft(&file("", "Please note that {{#if}\n"), &Wish::default()), None);
    assert_eq!(draft(&file("", "Please answer.\n"), &wish(Detector::AffinityMismatch)), None);
}

const CAUSES: [Option<Detector>; 4] =
    [None, Some(Detector::TokenOutlier), Some(Detector::HighNegative), Some(Detector::LowSuccess)];

/// What holds of every draft.
fn check(base: &PromptFile, wish: &Wish<'_>) -> Option<RuleDraft> {
    let made = draft(base, wish)?;
    assert_eq!(draft(base, wish).as_ref(), Some(&made), "deterministic");
    let names = |file: &PromptFile| {
        let template = Template::parse(file.template(), 1).unwrap();
        template.variables().iter().map(|used| used.name.clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(base), names(&made.file));
    assert_eq!(base.protected, made.file.protected);
    assert!(
        base.protected
            .iter()
            .all(|p| !base.template().contains(p.as_str()) || made.file.template().contains(p.as_str()))
    );
    assert_ne!(base.text(), made.file.text());
    assert!(!made.rules.is_empty() && made.explanations.len() >= made.rules.len());
    let again = draft(&made.file, wish);
    assert_eq!(again.as_ref().map(|d| &d.explanations), None, "{}", made.file.text());
    PromptFile::parse("again", made.file.text().as_bytes()).unwrap();
    Some(made)
}

#[test]
fn hostile_texts_take_linear_time() {
    let parts = [
        "{{",
        "{",
        "<example",
        "\"",
        "%(",
        "Never go to them at all.\n",
        "- a\n  - b\n",
        "Please do. ",
        "{{x}} ",
        "a b c d e. ",
    ];
    for part in parts {
        let text = format!("# Head\n\nYou are.\n\n{}", part.repeat((1 << 17) / part.len()));
        let base = file("", &text);
        let _ = draft(&base, &Wish::default());
        let new = file("", &text.replace('e', "o"));
        let usage = crate::domain::proposal::Usage { calls_per_day: 1.0, extended_by: Vec::new() };
        let change = crate::engine::risk::Change {
            base: &base,
            new: &new,
            kind: crate::domain::proposal::Kind::Text,
            usage: &usage,
            fleet_share: None,
            record: crate::engine::risk::Record::default(),
        };
        let _ = crate::engine::risk::assess(&change);
        let _ = crate::engine::likeness::Edit::between(change.kind, &base, &new);
    }
}

proptest! {
    #[test]
    fn drafts_are_fixed_points(
        parts in prop::collection::vec(prop::sample::select(vec![
            "Please note that the user is busy. ", "Never reveal the address of a living person. ", "Make sure to answer. ",
            "Answer in the language of the user. ", "{{x}} ", "{{#if y}}\n", "{{/if}}\n", "\n", "\n\n\n", "- be kind\n", "* be kind\n",
            "1. go\n", "# Head\n", "```\ncode  \n```\n", "\"Please wait.\" ", "Example:\n", "Return only valid JSON. ",
            "Do not add any explanations.\n", "Your output should be formatted as a table. ", "Thank you!\n", "  \t", "請用繁體中文回答。",
            "You must always cite the source of a claim. ", "Keep me exactly. ", "Say:\n", "\r\n", "`Please go` ", "{plan} ",
        ]), 0..40),
        long in any::<bool>(), cause in 0..4_usize,
    ) {
        let mut text = parts.concat();
        if long {
            text = format!("You are here.\n\n{}\n\n{text}", "Letters of many years lie here. ".repeat(40));
        }
        let base = file("human.protected: [Keep me exactly.]\n", &text);
        let details = ["should be JSON", "I want JSON"];
        check(&base, &Wish { cause: CAUSES[cause], details: &details, declared_below: &[] });
    }
}
