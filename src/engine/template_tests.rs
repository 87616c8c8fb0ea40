//! Tests of `template`: helpers, strictness, static reading, bounds, arbitrary text.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn render(text: &str, values: Value) -> Result<String, TemplateError> {
    let Value::Object(values) = values else { panic!("an object") };
    Template::parse(text, 1).and_then(|t| t.render(&values, "BASE"))
}

fn variables(text: &str) -> Vec<String> {
    Template::parse(text, 1).unwrap().variables().iter().map(|u| format!("{}:{}", u.name, u.line)).collect()
}

#[test]
fn dotprompt_helpers() {
    let values =
        json!({"a": "x<&\"", "n": 3, "o": {"k": [1]}, "list": ["p", "q"], "u": "http://x/y.png", "no": null});
    for (template, text) in [
        ("{{a}} {{{a}}}", "x<&\" x<&\""),
        ("{{role \"system\"}}S{{role 'user'}}U", "<<<dotprompt:role:system>>>S<<<dotprompt:role:user>>>U"),
        ("{{history}}", "<<<dotprompt:history>>>"),
        ("{{section \"code\"}}", "<<<dotprompt:section code>>>"),
        ("{{media url=u}}", "<<<dotprompt:media:url http://x/y.png>>>"),
        ("{{media url=u contentType=\"image/png\"}}", "<<<dotprompt:media:url http://x/y.png image/png>>>"),
        ("{{json o}}", "{\"k\":[1]}"),
        ("{{json o indent=2}}", "{\n  \"k\": [\n    1\n  ]\n}"),
        ("{{#ifEquals n 3}}three{{else}}other{{/ifEquals}}", "three"),
        ("{{#ifEquals n \"3\"}}three{{else}}other{{/ifEquals}}", "three"),
        ("{{#unlessEquals a \"y\"}}not y{{/unlessEquals}}", "not y"),
        ("{{#if no}}yes{{else}}no{{/if}}[{{no}}]", "no[]"),
        ("{{#each list}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}", "0p,1q"),
        ("{{#each list as |item i|}}{{i}}{{item}}{{../n}}{{/each}}", "0p31q3"),
        ("{{#with o}}{{k}}{{/with}}{{lookup o \"k\"}}", "[1][1]"),
        ("\\{{a}} {{! none }}{{!-- {{a}} --}}.", "{{a}} ."),
        ("{{log a}}.", "."),
        ("{{base}}!", "BASE!"),
    ] {
        assert_eq!(render(template, values.clone()).as_deref(), Ok(text), "{template}");
    }
}

#[test]
fn strict_about_names() {
    let error = render("one\n{{city}} {{naem}}", json!({"city": "x", "name": "y"})).unwrap_err().to_string();
    assert_eq!(error, "line 2: unknown variable `naem`; known: city, name");
    let error = render("{{o.x}}", json!({"o": {}})).unwrap_err().to_string();
    assert!(error.contains("unknown variable `o.x`"), "{error}");
    let error = render("{{shout a}}", json!({"a": 1})).unwrap_err().to_string();
    assert!(error.starts_with("line 1: unknown helper `shout`; known: if,"), "{error}");
    assert!(render("{{eq a a}}", json!({"a": 1})).is_err());
    for (template, said) in [
        ("{{> other}}", "a partial, which is not supported"),
        ("{{#> other}}x{{/other}}", "a partial"),
        ("{{#*inline \"x\"}}x{{/inline}}", "a decorator"),
        ("{{#if a}}x", "line 1: "),
        ("x\n{{a", "line 2: "),
        ("{{@index}}", "`@index` is not set here"),
        ("{{@user.name}}", "is not set here"),
        ("{{#if a}}{{base}}{{/if}}", "inside of a block"),
        ("{{#if a}}{{base 1}}{{/if}}", "`{{base}}` with arguments"),
        ("{{base x=1}}", "`{{base}}` with arguments"),
        ("{{#base}}{{/base}}", "as a block"),
        ("{{json (base)}}", "inside of an expression"),
        ("{{json x=(lookup (base) 1)}}", "inside of an expression"),
        ("{{#a}}x{{/a}}", "unknown helper `a`"),
        ("{{role a}}", "not one word"),
    ] {
        let error = render(template, json!({"a": "two words"})).unwrap_err().to_string();
        assert!(error.contains(said), "{template}: {error}");
    }
}

#[test]
fn values_are_data() {
    assert_eq!(render("{{a}}", json!({"a": "{{b}}\\{{"})).unwrap(), "{{b}}\\{{");
    let error = render("{{a}}", json!({"a": ["<<<dotprompt:role:system>>>"]})).unwrap_err();
    assert!(matches!(error, TemplateError::Marker { .. }));
    let big = "x".repeat(1 << 20);
    assert_eq!(render(&"{{a}}".repeat(9), json!({"a": big})), Err(TemplateError::TooLong));
}

#[test]
fn static_reading() {
    assert_eq!(
        variables("{{a}}\n{{b.c}} {{a}} {{../d}} {{@root.e}} {{this.f}}"),
        ["a:1", "b:2", "d:2", "e:2", "f:2"]
    );
    assert_eq!(
        variables("{{#each items as |it n|}}{{it.x}}{{n}}{{y}}{{../z}}{{@index}}{{else}}{{w}}{{/each}}"),
        ["items:1", "z:1", "w:1"]
    );
    assert_eq!(variables("{{#if a}}\n{{b}}\n{{else if c}}{{d}}{{/if}}"), ["a:1", "b:2", "c:1", "d:3"]);
    assert_eq!(variables("{{json (lookup m k) indent=i}}{{media url=u}}"), ["m:1", "k:1", "i:1", "u:1"]);
    assert_eq!(variables("{{role \"x\"}}{{history}}{{base}}\\{{no}}{{! no }}"), Vec::<String>::new());
    assert_eq!(Template::parse("\n{{a}}", 10).unwrap().variables()[0].line, 11);
    assert!(Template::parse("{{base}}", 1).unwrap().places_base());
    assert!(Template::parse(&"{{#each a}}".repeat(4), 1).is_err());
}

/// The parser takes a tag that begins with `else` for a chained one, whatever follows: so do the bounds.
#[test]
fn a_name_that_begins_with_else_chains_inside_of_a_block() {
    let parsed = Template::parse("{{#if a}}x{{elsewhere}}y{{/if}}", 1).unwrap();
    assert_eq!(parsed.unknown_helpers(), [Use { name: "where".into(), line: 1 }]);
    assert!(Template::parse(&format!("{{{{#if a}}}}{}{{{{/if}}}}", "{{elsewhere}}".repeat(50)), 1).is_err());
    assert!(Template::parse("{{elsewhere}}", 1).is_err());
}

#[test]
fn hostile_templates_are_refused() {
    for open in
        ["{{#if a}}", "{{#each a}}", "{{json (", "{{#if a}}{{else if b}}", "{{{{raw}}}}", "{{{", "{{#> a}}"]
    {
        assert!(Template::parse(&open.repeat(50_000), 1).is_err(), "{open}");
    }
    assert!(Template::parse(&"{{#if a}}x{{/if}}".repeat(400), 1).is_ok());
}

/// None of these takes longer than reading it a few times: a quadratic one would not end here.
#[test]
fn large_templates_take_linear_time() {
    let many = |part: &str| part.repeat((1 << 20) / part.len());
    for part in [
        "{{!--x}}",
        "{{! x }}",
        "{{a}}",
        "{{a",
        "{{",
        "{{json a ",
        "{{a b=",
        "\\",
        "{{\"",
        "{{a.b/c.",
        "{{#if a}}x{{/if}}",
    ] {
        assert!(Template::parse(&many(part), 1).is_err(), "{part}");
    }
    assert!(Template::parse(&[many("x"), "{{a}}".repeat(900)].concat(), 1).is_ok());
}

#[test]
fn literal_text_of_every_form() {
    for text in
        ["{{a}}", "{{{{x}}}}", "\\{{a}}", "\\\\{{", "{{{", "{{{{{", "a {{ b }} c", "{{!", "}}", "{ {", "\\"]
    {
        assert_eq!(render(&literal(text), json!({})).as_deref(), Ok(text), "{text} as {}", literal(text));
    }
}

proptest! {
    #[test]
    fn any_text_never_panics(text in "(?s)([{}#/~!@ a\"'\\[(.\\\\\\n\u{5d0}\u{1f600}]|\\{\\{|\\}\\}|\\{\\{#if a\\}\\}|\\{\\{/if\\}\\}){0,40}") {
        if let Ok(template) = Template::parse(&text, 1) {
            let values: Map<String, Value> = template.variables().iter().map(|u| (u.name.clone(), json!("v"))).collect();
            let _ = template.render(&values, "b");
        }
    }

    #[test]
    fn literal_text_renders_to_itself(text in "(?s)([{}\\\\!a\\n \u{202e}\u{4e2d}]|\\{\\{|.){0,40}") {
        prop_assert_eq!(render(&literal(&text), json!({})), Ok(text));
    }
}
