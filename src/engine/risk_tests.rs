use super::*;
use crate::engine::amend;
use RiskLevel::{High, Low, Medium};
use proptest::prelude::*;

fn file(scope: &str, front: &str, text: &str) -> PromptFile {
    let org = if scope == "org" { "human.org: ACME\n" } else { "" };
    let file = format!("---\nname: a.b\nhuman.scope: {scope}\n{org}{front}---\n{text}");
    PromptFile::parse("a", file.as_bytes()).unwrap()
}

fn usage(calls_per_day: f64) -> Usage {
    Usage { calls_per_day, extended_by: Vec::new() }
}

fn risk(base: &PromptFile, new: &PromptFile) -> Risk {
    let usage = usage(10.0);
    assess(&Change {
        base,
        new,
        kind: Kind::Text,
        usage: &usage,
        fleet_share: None,
        record: Record::default(),
    })
}

const TEXT: &str =
    "You read contracts. Be brief and be kind to the reader.\n\nList the obligations of both parties.\n";

#[test]
fn the_table() {
    let base = |front: &str| file("org", &format!("human.taskType: t\n{front}"), TEXT);
    let text = |text: &str| file("org", "human.taskType: t\n", text);
    let plain = base("");
    let twice = format!("{TEXT}List the obligations of both parties.\n");
    for (old, new, level, said) in vec![
        (text(&twice), plain.clone(), Low, "drops 1 sentence that the text still holds"),
        (plain.clone(), text(&TEXT.replace("reader.\n\n", "reader. \n\n\n")), Low, "white space"),
        (plain.clone(), base("model: gpt-4o\n"), Low, "recommends gpt-4o instead of none"),
        (plain.clone(), base("description: d\n"), Low, "description"),
        (
            plain.clone(),
            text(&TEXT.replace("brief", "short")),
            Medium,
            "removes 1 word and adds 1 of 17, 5.9 %",
        ),
        (plain.clone(), text(&TEXT.replace("kind to", "kind\nto")), Medium, "keeps every word"),
        (plain.clone(), text(&TEXT.replace("both", "all 3")), Medium, "adds 1 sentence that name a number"),
        (plain.clone(), base("human.requires: [json]\n"), Medium, "capabilities"),
        (plain.clone(), base("human.autoTune: true\n"), Medium, "without a person"),
        (
            plain.clone(),
            text(&format!("{TEXT}Answer as JSON.\n")),
            High,
            "1 sentence on the form of the answer",
        ),
        (plain.clone(), text("Write a poem about the sea.\n"), High, "of the longer text"),
        (plain.clone(), text(&format!("{TEXT}{{{{law}}}}")), High, "adds the variable `{{law}}`"),
        (plain.clone(), text(&format!("{TEXT}{{law}}")), High, "adds the variable `{law}`"),
        (plain.clone(), base("input: { schema: { law: string } }\n"), High, "adds the variable `{{law}}`"),
        (
            base("input: { schema: { law: string } }\n"),
            base("input: { schema: { law?: string } }\n"),
            High,
            "otherwise",
        ),
        (plain.clone(), base("output: { format: json }\n"), High, "declared output"),
        (plain.clone(), base("human.extends: c.d\n"), High, "layers on another prompt"),
        (base("human.protected: [Be brief]\n"), plain.clone(), High, "takes the protection from 1 passage"),
    ] {
        let risk = risk(&old, &new);
        assert_eq!(risk.level, level, "{risk:?}");
        assert!(risk.reasons.iter().any(|r| r.level == level && r.text.contains(said)), "{said}: {risk:?}");
        assert!(risk.reasons.is_sorted_by(|a, b| a.level >= b.level));
    }
    assert_eq!(risk(&plain, &plain).reasons.len(), 1);
}

#[test]
fn nothing_slips_through_as_low() {
    let with = |front: &str, text: &str| file("org", &format!("human.taskType: t\n{front}"), text);
    let schema = |list: &str| format!("input: {{ schema: {{ k: {{ {list} }} }} }}\n");
    let twice = "- Be brief and kind to all.\n- Be brief and kind to all.\n";
    let fenced = "Be kind to all of them.\n```\nBe kind to all of them.\n```\n";
    for (old, new) in [
        // A variable or a block moves, or stands there once more.
        (with("", "Read {{x}}. Stop."), with("", "Read. Stop {{x}}.")),
        (with("", "Read {{x}}."), with("", "Read {{x}}{{x}}.")),
        (with("", "{{a}} of {{b}}"), with("", "{{b}} of {{a}}")),
        (with("", "{{#if a}}Never lie.{{/if}} Go."), with("", "{{#if a}}{{/if}}Never lie. Go.")),
        // The inside of a declared object, of which the names stay.
        (with(&schema("a: string"), "{{k.a}}"), with(&schema("a: number"), "{{k.a}}")),
        // A repeated sentence goes, and with it a marker, a sign, or what is quoted.
        (with("", twice), with("", "# Be brief and kind to all.\n")),
        (with("", twice), with("", "- Be brief and kind to all!\n")),
        (with("", fenced), with("", "Be kind to all of them.\n")),
        // What cannot be seen.
        (with("", "Be brief."), with("", "Be\u{200b} brief.")),
        (with("", "Be brief."), with("", "Be brief.\u{202e}")),
        (with("x-other: 1\n", "Be brief."), with("x-other: 2\n", "Be brief.")),
    ] {
        let risk = risk(&old, &new);
        assert!(risk.level > Low, "{} -> {}: {risk:?}", old.text(), new.text());
    }
    let less = risk(&with("human.autoTune: true\n", "x"), &with("", "x"));
    assert_eq!((less.level, less.reasons[0].text.contains("takes back")), (Low, true));
}

#[test]
fn where_it_is_made_counts() {
    let (base, new) = (file("org", "", TEXT), file("org", "model: m\n", TEXT));
    let worded = file("org", "", &TEXT.replace("brief", "short"));
    let with = |new: &PromptFile, usage: &Usage, fleet_share, record| {
        assess(&Change { base: &base, new, kind: Kind::Model, usage, fleet_share, record }).level
    };
    let none = Record::default();
    assert_eq!(with(&new, &usage(999.0), None, none), Low);
    assert_eq!(with(&new, &usage(1_000.0), None, none), Medium);
    assert_eq!(with(&new, &usage(20_000.0), None, none), Medium);
    assert_eq!(with(&worded, &usage(20_000.0), None, none), High);
    assert_eq!(with(&new, &usage(1.0), Some(0.3), none), Medium);
    let extended_by = vec!["prompt://org/ACME/x".parse().unwrap()];
    assert_eq!(with(&new, &Usage { calls_per_day: 1.0, extended_by }, None, none), Medium);
    // Two of two are too few to say that the task type is a bad place for changes.
    assert_eq!(with(&new, &usage(1.0), None, Record { regressed: 1, finished: 2 }), Low);
    assert_eq!(with(&new, &usage(1.0), None, Record { regressed: 12, finished: 20 }), High);
    let (core, changed) = (file("core", "", TEXT), file("core", "model: m\n", TEXT));
    assert_eq!(risk(&core, &changed).level, Medium);
}

#[test]
fn removed_rules_are_counted() {
    let base = file(
        "org",
        "",
        "Read it. Never guess a name. You must cite 3 sources. Do not lie. No jokes about people.\n",
    );
    let risk = risk(&base, &file("org", "", "Read it. You must cite 3 sources, and more words.\n"));
    assert!(
        risk.reasons.iter().any(|r| r.level == High && r.text.contains("3 sentences that forbid")),
        "{risk:?}"
    );
}

proptest! {
    /// Of any change of a text, the same one with a variable more or less weighs more, and is of high risk.
    #[test]
    fn variables_always_raise_the_risk(
        parts in prop::collection::vec(prop::sample::select(vec![
            "Be brief. ", "Never guess. ", "Answer in JSON. ", "\n", "- be kind\n", "{{kept}} ", "List 3 things. ", "# Head\n",
        ]), 0..12),
        others in prop::collection::vec(prop::sample::select(vec![
            "Be brief. ", "Never guess. ", "Be long. ", "\n", "- be kind\n", "{{kept}} ", "You must cite. ",
        ]), 0..12),
        form in 0..4_usize, removed in any::<bool>(), calls in 0.0..30_000.0_f64, core in any::<bool>(),
        regressed in 0..30_u64, model in any::<bool>(),
    ) {
        let scope = if core { "core" } else { "org" };
        let front = if model { "model: m\n" } else { "" };
        let (old, new) = (file(scope, "", &parts.concat()), file(scope, front, &others.concat()));
        let with = |file: &PromptFile| match form {
            0 => file.with_template(&format!("{}{{{{extra}}}}", file.template())).unwrap(),
            1 => file.with_template(&format!("{{extra}}{}", file.template())).unwrap(),
            2 => amend::declare(file, &[("extra", "string")]).unwrap(),
            _ => file.with_template(&format!("\\{{{{ extra }}}}{}", file.template())).unwrap(),
        };
        let usage = usage(calls);
        let assessed = |base: &PromptFile, new: &PromptFile| assess(&Change {
            base, new, kind: Kind::Text, usage: &usage, fleet_share: None, record: Record { regressed, finished: 30 },
        });
        let plain = assessed(&old, &new);
        let varied = if removed { assessed(&with(&old), &new) } else { assessed(&old, &with(&new)) };
        prop_assert_eq!(varied.level, High);
        prop_assert!(weight(&varied) > weight(&plain), "{:?} {:?}", varied, plain);
        prop_assert!(weight(&plain).iter().sum::<usize>() == plain.reasons.len());
    }
}
