//! Tests of `prompt_file`: the forms of the contract, what is refused and how it is said, and arbitrary text.

use super::*;
use proptest::prelude::*;

const CONTRACT: &str = "---
name: legal.contract-analysis
description: Finds obligations and risks in a contract.
model: gpt-4o                     # recommended model
input: { schema: { contract: string, jurisdiction: string } }
human.scope: org                  # core | org | user
human.org: HUMAN_CORP             # absent for core
human.version: 1.0.0
human.taskType: analysis
human.autoTune: true
human.consent: false
human.requires: [json, tools]
human.extends: legal.base
x-team: { owner: legal }
---
You are a contract analyst for {{jurisdiction}} law.\n{{contract}}";

fn parse(text: &str) -> PromptFile {
    PromptFile::parse("a.prompt", text.as_bytes()).unwrap()
}

fn refused(text: &str) -> String {
    PromptFile::parse("a.prompt", text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn the_contracts_example() {
    let file = parse(CONTRACT);
    assert_eq!(file.uri.to_string(), "prompt://org/HUMAN_CORP/legal.contract-analysis@1.0.0");
    assert_eq!(file.model.as_deref(), Some("gpt-4o"));
    assert_eq!(file.task_type, "analysis");
    assert!(file.auto_tune && !file.consent);
    assert_eq!(file.requires, ["json", "tools"]);
    assert_eq!(file.extends.as_ref().unwrap().to_string(), "legal.base");
    assert_eq!(
        file.inputs.contract(),
        [("contract", true, Some("string")), ("jurisdiction", true, Some("string"))]
    );
    assert_eq!(file.template(), "You are a contract analyst for {{jurisdiction}} law.\n{{contract}}");
    assert_eq!(file.template_line(), 16);
    assert_eq!(file.front["x-team"]["owner"], "legal");
    assert_eq!(file.text(), CONTRACT);
}

#[test]
fn a_nested_map_means_the_same() {
    let dotted = parse("---\nname: a\nhuman.scope: user\nhuman.org: O\nhuman.user: ana\n---\nx");
    let nested = parse("---\nname: a\nhuman:\n  scope: user\n  org: O\n  user: ana\n---\nx");
    assert_eq!(dotted.uri, nested.uri);
    assert!(dotted.same_but_version(&nested));
    assert_eq!(nested.task_type, "a");
}

#[test]
fn line_ends_and_byte_order_mark() {
    let crlf = format!("\u{feff}{}", CONTRACT.replace('\n', "\r\n"));
    let file = parse(&crlf);
    assert_eq!(file.text(), &crlf[3..]);
    assert_eq!(file.template(), "You are a contract analyst for {{jurisdiction}} law.\r\n{{contract}}");
    assert_eq!(file.digest(), parse(CONTRACT).digest());
    assert_ne!(file.digest(), parse(&CONTRACT.replace("law", "laws")).digest());
    assert_eq!(file.digest().len(), 64);
}

#[test]
fn versions_are_written_in_place() {
    let v = Version::new(2, 1, 0);
    let replaced = parse(CONTRACT).with_version(&v).unwrap();
    assert_eq!(replaced.text(), CONTRACT.replace("human.version: 1.0.0", "human.version: 2.1.0"));
    // The same digits stand elsewhere first, and in a nested map.
    let odd = "---\nname: a\ndescription: version 1.0.0 of it\nhuman: {scope: core, version: \"1.0.0\"}\n---\n1.0.0";
    let file = parse(odd).with_version(&v).unwrap();
    assert_eq!(file.text(), odd.replace("version: \"1.0.0\"", "version: \"2.1.0\""));
    let none = parse("---\r\nname: a\r\nhuman.scope: core\r\n---\r\nx");
    let added = none.with_version(&v).unwrap();
    assert_eq!(added.text(), "---\r\nname: a\r\nhuman.scope: core\r\nhuman.version: 2.1.0\r\n---\r\nx");
    assert!(added.same_but_version(&none));
    let flow = parse("---\n{name: a, human.scope: core}\n---\nx");
    assert!(flow.with_version(&v).unwrap_err().next.contains("human.version: 2.1.0"));
}

#[test]
fn another_template() {
    let file = parse(CONTRACT).with_template("Other {{contract}}").unwrap();
    assert_eq!(file.template(), "Other {{contract}}");
    assert_eq!(file.front, parse(CONTRACT).front);
}

#[test]
fn refusals_say_where_and_what_next() {
    for (text, said) in [
        ("Just text.", "a.prompt:1: the file does not begin with front matter; put `---`"),
        ("", "a.prompt:1: the file does not begin"),
        ("---\nname: a\n", "a.prompt:1: the front matter has no end; close it"),
        ("---\n---\nx", "a.prompt:1: `name` is missing; add a line"),
        ("---\nname: a\n---\nx", "a.prompt:1: `human.scope` is missing"),
        ("---\nname: A\n---\nx", "a.prompt:2:1: `name` is not a key: keys are lower case"),
        ("---\nname: a\nhuman.scope: team\n---\n", "a.prompt:3:1: `human.scope`: expected `core`"),
        ("---\nname: a\nhuman.scope: org\n---\n", "a.prompt:3:1: a prompt of scope org needs `human.org`"),
        (
            "---\nname: a\nhuman.scope: core\nhuman.org: X\n---\n",
            "a.prompt:4:1: a prompt of scope core has no `human.org`",
        ),
        (
            "---\nname: a\nhuman.scope: core\nhuman.taskTyp: x\n---\n",
            "a.prompt:4:1: unknown key `human.taskTyp`; did you mean `human.taskType`",
        ),
        ("---\nname: a\nhuman: {scope: core, autotune: true}\n---\n", "did you mean `human.autoTune`"),
        (
            "---\nname: a\nhuman.scope: core\nhuman.version: 1.0\n---\n",
            "a.prompt:4:1: `human.version` is not SemVer: `1.0`",
        ),
        ("---\nname: a\nhuman.scope: core\nhuman.autoTune: yes\n---\n", "neither true nor false"),
        ("---\nname: a\nname: b\n---\n", "a.prompt:3"),
        ("---\nname: a\nhuman.scope: core\nhuman:\n  scope: core\n---\n", "`human.scope` is given twice"),
        ("---\nname: [a\n---\n", "the front matter is not YAML"),
        ("---\njust words\n---\n", "the front matter is not YAML"),
        ("---\nname: a\nhuman.scope: core\ninput: 3\n---\n", "a.prompt:4:1: `input` is not a map"),
        ("---\nname: a\nhuman.scope: core\nhuman.requires: 3\n---\n", "not a list of texts"),
        (
            "---\nname: a\nhuman.scope: core\nhuman.extends: A B\n---\n",
            "`human.extends`: keys are lower case",
        ),
    ] {
        let error = refused(text);
        assert!(error.contains(said), "{text:?}\n  said {error}\n  not  {said}");
    }
    let latin = PromptFile::parse("b.prompt", b"---\nname: a\n---\ncaf\xe9").unwrap_err().to_string();
    assert_eq!(latin, "b.prompt:4: the text is not UTF-8; save the file as UTF-8");
}

#[test]
fn bombs_are_refused() {
    let mut laughs = String::from("---\nname: a\nhuman.scope: core\na0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for i in 1..12 {
        let _ = writeln!(laughs, "a{i}: &a{i} [{}]", vec![format!("*a{}", i - 1); 10].join(","));
    }
    laughs.push_str("---\n");
    assert!(refused(&laughs).contains("not YAML"));
    for open in ["[", "{a: ", "- "] {
        assert!(
            refused(&format!("---\nx: \n  {}\n---\n", open.repeat(20_000))).contains("front matter"),
            "{open}"
        );
    }
    assert!(refused(&format!("---\n{}\n---\n", "a: b\n".repeat(20_000))).contains("longer than"));
    assert!(refused(&"x".repeat(MAX_FILE + 1)).contains("at most"));
}

proptest! {
    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = PromptFile::parse("a", &bytes);
    }

    #[test]
    fn any_front_matter_never_panics(front in "(?s)[ -~\\n\\r\\t\u{5d0}\u{4e2d}\u{1f600}\u{202e}]{0,200}", text in "(?s).{0,80}") {
        if let Ok(file) = PromptFile::parse("a", format!("---\n{front}\n---\n{text}").as_bytes()) {
            prop_assert!(file.text().ends_with(file.template()));
        }
    }

    #[test]
    fn any_template_is_kept(text in "(?s).{0,200}", major in 0u64..99) {
        let whole = format!("---\nname: a.b\nhuman.scope: core\n---\n{text}");
        let file = parse(&whole);
        prop_assert_eq!(file.text(), &whole);
        prop_assert_eq!(file.template(), &text);
        let bumped = file.with_version(&Version::new(major, 2, 3)).unwrap();
        prop_assert_eq!(bumped.template(), &text);
        prop_assert_eq!(bumped.with_template(&text).unwrap(), bumped);
    }
}
