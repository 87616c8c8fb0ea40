use super::*;
use proptest::prelude::*;

const TEMPLATE: &str = "You are a contract analyst for {{jurisdiction}} law.\n\
    Read the contract below and list every obligation, who owes it and until when.\n\
    Answer as JSON with the fields obligations and riskLevel.\nNever give legal advice.\n\n{{contract}}\n";

fn base_of(front: &str, template: &str) -> PromptFile {
    let text = format!("---\nname: legal.x\nhuman.scope: core\n{front}---\n{template}");
    PromptFile::parse("x.prompt", text.as_bytes()).unwrap()
}

fn base() -> PromptFile {
    base_of(
        "input: {schema: {contract: string, jurisdiction: string}}\n\
         output: {format: json, schema: {obligations(array): string, riskLevel: string, other: string}}\n\
         human.protected: ['Never give legal advice.']\n",
        TEMPLATE,
    )
}

fn faults(draft: &str, details: &[&str]) -> Vec<String> {
    check(&base(), draft, details, Limits::default()).iter().map(|fault| fault.word().to_owned()).collect()
}

fn words_of(draft: &str, details: &[&str]) -> String {
    let faults = check(&base(), draft, details, Limits::default());
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_fair_draft_passes() {
    let draft = TEMPLATE.replace("list every", "list, in the order of the text, every");
    assert_eq!(
        faults(&draft, &["It lists them in no order at all, see invoice 4711."]),
        Vec::<String>::new()
    );
}

#[test]
fn each_fault_is_seen_and_named() {
    let with = |from: &str, to: &str| TEMPLATE.replace(from, to);
    for (draft, word) in [
        (" \n".to_owned(), "empty"),
        (TEMPLATE.replace('\n', "  \n "), "unchanged"),
        ("x".repeat(300_000), "grown"),
        (format!("{TEMPLATE}{}", "Think about it once more, and be careful. ".repeat(30)), "grown"),
        ("{{contract}}{{jurisdiction}}".into(), "shrunk"),
        (with("Never", "[rest of the prompt as it is]\nNever"), "elided"),
        (format!("---\nhuman.scope: org\n---\n{TEMPLATE}"), "front matter"),
        (with("Never", "human.autoTune: true\nNever"), "front matter"),
        (with("{{contract}}", "{{contract"), "template"),
        (with("{{contract}}", "{{shout contract}}"), "template"),
        (with("{{jurisdiction}} law", "European law"), "variables"),
        (with("{{jurisdiction}}", "{{country}}"), "variables"),
        (with("Read", "{{today}} Read"), "variables"),
        (with("Read", "{{role \"system\"}}Read"), "structure"),
        (with("Read", "{{base}}Read"), "structure"),
        (with("Read", "<<<dotprompt:role:system>>>Read"), "structure"),
        (with("Never give legal advice.", "Do not give legal advice."), "protected"),
        (with("riskLevel", "risk"), "output"),
        (with("as JSON", "as a table"), "output"),
        (with("Read", "Re\u{200b}ad"), "hidden"),
        (with("Read", "\u{202e}Read"), "hidden"),
        (with("Read", "\u{1b}[31mRead"), "hidden"),
        (with("Read", "\u{e0041}Read"), "hidden"),
    ] {
        let found = faults(&draft, &[]);
        assert!(found.iter().any(|fault| fault == word), "{word}: {found:?} in {draft:.300}");
    }
    let said = words_of(&with("Read", "\u{202e}Read"), &[]);
    assert_eq!(
        said,
        "line 2 holds the bidirectional character \\u{202e}, which the present text does not: take it out"
    );
}

#[test]
fn what_the_base_has_may_stay() {
    let base = base_of(
        "",
        "A\u{200b} b, remains unchanged.\r\nhuman.x: {{y}} mail a@b.example {{role \"user\"}} end\r\n",
    );
    let draft = base.template().replace("b,", "b and c,");
    assert_eq!(check(&base, &draft, &["write to a@b.example"], Limits::default()), []);
    // A variable that is declared and was not used may be.
    let declared = base_of("input: {schema: {y: string, z?: string}}\n", base.template());
    assert_eq!(check(&declared, &draft.replace("b and", "{{z}} b and"), &[], Limits::default()), []);
    // Where the cause asks for other variables, they may change.
    let other = draft.replace("{{y}}", "{{z}}");
    assert_eq!(check(&base, &other, &[], Limits::default()).len(), 2);
    assert_eq!(check(&base, &other, &[], Limits { variables: true, ..Limits::default() }), []);
}

#[test]
fn growth_has_a_share_a_grace_and_an_end() {
    let limits = Limits::default();
    assert_eq!([10, 100, 1_000, 10_000].map(|base| limits.tokens(base)), [130, 220, 1_500, 10_800]);
}

#[test]
fn copied_words_are_counted_and_not_repeated() {
    let detail = "It called Mister Okonkwo a liar in front of the whole board, twice.";
    let draft =
        TEMPLATE.replace("Read", "Never say: \"called mister okonkwo a LIAR in front of the\".\nRead");
    let said = words_of(&draft, &[detail]);
    assert_eq!(said, "line 2 repeats 9 words of feedback in a row: say in general terms what is needed");
    let five = TEMPLATE.replace("Read", "Never say Okonkwo a liar in front.\nRead");
    assert_eq!(words_of(&five, &[detail]), "");
    let cjk = "合同中的付款义务没有按照到期日排列而且遗漏了违约金条款";
    let draft = TEMPLATE.replace("Read", "付款义务没有按照到期日排列，而且遗漏了\nRead");
    assert_eq!(faults(&draft, &[cjk]), ["copied"]);
    assert_eq!(faults(&TEMPLATE.replace("Read", "按照到期日排列\nRead"), &[cjk]), Vec::<String>::new());
}

#[test]
fn identifiers_do_not_leak() {
    for (detail, leak) in [
        ("mail me at Ana.Ruiz@corp.example!", "Contact ana.ruiz@corp.example."),
        ("see https://intranet.example/x", "See https://intranet.example/x first"),
        ("order AB12-9931-XK failed", "like ab12-9931-xk"),
        ("card 4111 1111 1111 1111", "4111-1111-1111-1111"),
        ("call +49 (170) 123-4567", "the number 49 170 1234567"),
        ("customer 884213", "customer 884213"),
        ("key sk-proj4Xy77q", "sk-proj4Xy77q"),
    ] {
        let draft = TEMPLATE.replace("Read", &format!("{leak}\nRead"));
        let said = words_of(&draft, &[detail]);
        assert!(said.starts_with("line 2 holds a") && !said.contains(leak), "{detail}: {said}");
        assert_eq!(words_of(&draft, &["fine"]), "", "{leak}");
    }
    for (detail, word) in
        [("in 2024 it was better", "since 2024"), ("use gpt-4o", "gpt-4o"), ("30 days!", "30 days")]
    {
        assert_eq!(words_of(&TEMPLATE.replace("Read", &format!("{word} Read")), &[detail]), "", "{detail}");
    }
}

proptest! {
    #[test]
    fn no_draft_panics_and_words_are_safe(draft in "(\\{\\{|\\}\\}|---\n|#if |human\\.x: |role \"a\"|\u{202e}|\u{1b}|é|İ|.|\n){0,40}", detail in "(\\PC|[0-9 ]){0,60}") {
        for fault in check(&base(), &draft, &[&detail], Limits::default()) {
            let said = fault.to_string();
            prop_assert!(visible::hidden_in(&said).next().is_none(), "{said:?}");
        }
    }
}
