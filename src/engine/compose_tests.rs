//! Tests of `compose`: which layers, how they join, what is recorded, what is refused.

use super::*;
use serde_json::json;

/// Published prompts, active as they are.
struct Prompts(Vec<PromptFile>);

impl Shelf for Prompts {
    fn prompt(&self, uri: &PromptUri) -> Result<Option<PromptFile>, ShelfError> {
        let versions = self.0.iter().filter(|p| p.uri.unversioned() == uri.unversioned());
        Ok(versions
            .filter(|p| uri.version.is_none() || p.uri.version == uri.version)
            .max_by_key(|p| &p.uri)
            .cloned())
    }
    fn patches(&self, org: &Name, user: &Name) -> Result<Vec<PromptFile>, ShelfError> {
        let place = Place::User(org.clone(), user.clone());
        Ok(self.0.iter().filter(|p| p.uri.place == place).cloned().collect())
    }
}

fn file(uri: &str, more: &str, text: &str) -> PromptFile {
    let uri: PromptUri = uri.parse().unwrap();
    let version = uri.version.as_ref().map(|v| format!("human.version: {v}\n")).unwrap_or_default();
    let org = uri.place.org().map(|org| format!("human.org: {org}\n")).unwrap_or_default();
    let user = match &uri.place {
        Place::User(_, user) => format!("human.user: {user}\n"),
        _ => String::new(),
    };
    let front = format!("name: {}\nhuman.scope: {}\n{version}{org}{user}", uri.key, uri.scope());
    PromptFile::parse("t", format!("---\n{front}{more}---\n{text}").as_bytes()).unwrap()
}

fn audience(user: Option<&str>) -> Audience {
    Audience { org: "O".parse().unwrap(), user: user.map(|u| u.parse().unwrap()) }
}

fn values(value: Value) -> Map<String, Value> {
    let Value::Object(values) = value else { panic!("an object") };
    values
}

fn text(shelf: &Prompts, uri: &str, user: Option<&str>) -> Result<String, String> {
    effective(&[uri.parse().unwrap()], &audience(user), &Map::new(), shelf)
        .map(|c| c.text)
        .map_err(|e| e.to_string())
}

#[test]
fn core_org_and_user_layer() {
    let shelf = Prompts(vec![
        file("prompt://core/a@1.0.0", "", "CORE\n"),
        file("prompt://org/O/a@2.0.0", "", "ORG\n"),
        file("prompt://user/O/ana/a@3.0.0", "", "ANA\n"),
        file("prompt://user/O/ana/z.tone@1.0.0", "human.extends: a\n", "Before. {{base}}After."),
        file("prompt://user/O/ben/a@1.0.0", "", "BEN"),
        file("prompt://user/O/ana/other@1.0.0", "human.extends: b\n", "NO"),
        file("prompt://org/P/a@1.0.0", "", "NO"),
    ]);
    assert_eq!(text(&shelf, "prompt://core/a", None).unwrap(), "CORE\n\nORG\n");
    assert_eq!(text(&shelf, "prompt://org/O/a", Some("ben")).unwrap(), "CORE\n\nORG\n\nBEN");
    let made = effective(&["prompt://org/O/a".parse().unwrap()], &audience(Some("ana")), &Map::new(), &shelf)
        .unwrap();
    assert_eq!(made.text, "Before. CORE\n\nORG\n\nANA\nAfter.");
    let recorded = serde_json::to_value(&made.metadata).unwrap();
    assert_eq!(
        recorded["layers"],
        json!([
            {"scope": "core", "uri": "prompt://core/a", "version": "1.0.0"},
            {"scope": "org", "uri": "prompt://org/O/a", "version": "2.0.0"},
            {"scope": "user", "uri": "prompt://user/O/ana/a", "version": "3.0.0"},
            {"scope": "user", "uri": "prompt://user/O/ana/z.tone", "version": "1.0.0"},
        ])
    );
    assert_eq!(recorded["promptVersions"], json!(["1.0.0", "2.0.0", "3.0.0", "1.0.0"]));
    assert_eq!(recorded["compositionMethod"], "effective");
    assert_eq!(recorded["orgId"], "O");
    assert_eq!(made.metadata.estimated_tokens, Some(tokens::estimate(&made.text)));
}

#[test]
fn extends_chooses_the_base_and_versions_can_be_pinned() {
    let shelf = Prompts(vec![
        file("prompt://core/base@1.0.0", "", "OLD BASE"),
        file("prompt://core/base@2.0.0", "", "BASE"),
        file("prompt://org/O/a@1.0.0", "human.extends: base\n", "A1"),
        file("prompt://org/O/a@1.1.0", "human.extends: prompt://core/base@1.0.0\n", "A2"),
        file("prompt://user/O/ana/mine@1.0.0", "human.extends: a\n", "MINE"),
    ]);
    assert_eq!(text(&shelf, "prompt://org/O/a", None).unwrap(), "OLD BASE\n\nA2");
    assert_eq!(text(&shelf, "prompt://org/O/a@1.0.0", None).unwrap(), "BASE\n\nA1");
    assert_eq!(text(&shelf, "prompt://user/O/ana/mine", Some("ana")).unwrap(), "OLD BASE\n\nA2\n\nMINE");
    assert!(text(&shelf, "prompt://org/O/nothing", None).unwrap_err().contains("no active prompt `nothing`"));
}

#[test]
fn cycles_missing_and_forbidden_bases() {
    let shelf = Prompts(vec![
        file("prompt://org/O/a@1.0.0", "human.extends: b\n", "A"),
        file("prompt://org/O/b@1.0.0", "human.extends: a\n", "B"),
        file("prompt://org/O/c@1.0.0", "human.extends: gone\n", "C"),
        file("prompt://org/O/d@1.0.0", "human.extends: prompt://org/P/x\n", "D"),
        file("prompt://core/e@1.0.0", "human.extends: prompt://org/O/c\n", "E"),
        file("prompt://core/f@1.0.0", "human.extends: f\n", "F"),
    ]);
    for (uri, said) in [
        ("prompt://org/O/a", "extends itself by way of prompt://org/O/b@1.0.0"),
        ("prompt://org/O/c", "extends `gone`, which has no active version"),
        ("prompt://org/O/d", "may not extend prompt://org/P/x"),
        ("prompt://core/e", "may not extend prompt://org/O/c"),
        ("prompt://core/f", "extends `f`, which has no active version"),
    ] {
        let error = text(&shelf, uri, None).unwrap_err();
        assert!(error.contains(said), "{uri}: {error}");
    }
    let tower: Vec<_> = (0..40)
        .map(|i| file(&format!("prompt://org/O/l{i}@1.0.0"), &format!("human.extends: l{}\n", i + 1), "x"))
        .collect();
    assert!(text(&Prompts(tower), "prompt://org/O/l0", None).unwrap_err().contains("more than 16 layers"));
}

#[test]
fn variables_are_bound_over_all_layers() {
    let input = "input: {schema: {city: string, tone?: string, tags?(array): string}, default: {lang: en}}\n";
    let a =
        file("prompt://org/O/a@1.0.0", input, "{{city}}|{{tone}}|{{lang}}|{{#each tags}}{{this}}{{/each}}");
    let b = file("prompt://org/O/b@1.0.0", "input: {schema: {city: string}}\n", "{{city}}!");
    let both = [a.clone(), b.clone()];
    let made = compose(&both, "O", &values(json!({"city": "Ulm"}))).unwrap();
    assert_eq!(made.text, "Ulm||en|\n\nUlm!");
    assert_eq!(made.metadata.variables_used, ["city", "lang"]);
    assert!(!serde_json::to_string(&made.metadata).unwrap().contains("Ulm"));
    for (given, said) in [
        (json!({}), "variable `city` has no value"),
        (
            json!({"city": "x", "ctiy": "y"}),
            "no prompt here takes a variable `ctiy`; known: city, lang, tags, tone",
        ),
    ] {
        let error = compose(&both, "O", &values(given)).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let open = file("prompt://org/O/c@1.0.0", "", "{{x}}");
    assert_eq!(compose(std::slice::from_ref(&open), "O", &values(json!({"x": 3}))).unwrap().text, "3");
    let error = compose(std::slice::from_ref(&open), "O", &Map::new()).unwrap_err().to_string();
    assert_eq!(
        error,
        "prompt://org/O/c@1.0.0: line 7: unknown variable `x`; none is declared: add it to `input.schema`"
    );
    assert!(
        compose(&[open], "O", &values(json!({"x": 3, "y": 1})))
            .unwrap_err()
            .to_string()
            .contains("`y`; known: x")
    );
    let draft = file("prompt://org/O/d", "", "x");
    assert!(compose(&[draft], "O", &Map::new()).unwrap_err().to_string().contains("has no version"));
}

#[test]
fn a_prompt_of_others_is_refused_and_not_replaced() {
    let shelf = Prompts(vec![
        file("prompt://core/a@1.0.0", "", "CORE"),
        file("prompt://org/O/a@1.0.0", "", "OURS"),
        file("prompt://org/P/a@1.0.0", "", "THEIRS"),
        file("prompt://user/O/ana/a@1.0.0", "", "ANA"),
    ]);
    for (uri, user, said) in [
        ("prompt://org/P/a", None, "prompt://org/P/a belongs to P, and the text is made for O;"),
        ("prompt://user/O/ana/a", None, "belongs to O/ana, and the text is made for O;"),
        ("prompt://user/O/ana/a", Some("ben"), "belongs to O/ana, and the text is made for O/ben;"),
        ("prompt://user/P/ana/a", Some("ana"), "belongs to P/ana, and the text is made for O/ana;"),
    ] {
        let error = text(&shelf, uri, user).unwrap_err();
        assert!(error.contains(said), "{error}");
    }
    assert_eq!(text(&shelf, "prompt://user/O/ana/a", Some("ana")).unwrap(), "CORE\n\nOURS\n\nANA");
}

#[test]
fn one_call_uses_one_version_of_a_prompt() {
    let base = |version: &str| format!("human.extends: prompt://core/base@{version}\n");
    let shelf = Prompts(vec![
        file("prompt://core/base@1.0.0", "", "OLD"),
        file("prompt://core/base@2.0.0", "", "NEW"),
        file("prompt://org/O/a@1.0.0", &base("1.0.0"), "A"),
        file("prompt://org/O/b@1.0.0", &base("2.0.0"), "B"),
        file("prompt://org/O/c@1.0.0", &base("2.0.0"), "C"),
    ]);
    let both = |a: &str, b: &str| {
        let uris = [a.parse().unwrap(), b.parse().unwrap()];
        effective(&uris, &audience(None), &Map::new(), &shelf).map(|c| c.text).map_err(|e| e.to_string())
    };
    assert_eq!(both("prompt://org/O/b", "prompt://org/O/c").unwrap(), "NEW\n\nB\n\nNEW\n\nC");
    let error = both("prompt://org/O/a", "prompt://org/O/b").unwrap_err();
    assert!(error.starts_with("two versions of prompt://core/base come together"), "{error}");
    let named = [shelf.0[0].clone(), shelf.0[1].clone()];
    assert!(matches!(compose(&named, "O", &Map::new()), Err(ComposeError::TwoVersions { .. })));
}

#[test]
fn manual_text_names_no_prompt() {
    let made = manual("My {{own}} text", "O");
    assert_eq!(made.text, "My {{own}} text");
    assert!(made.metadata.prompt_uris.is_empty() && made.metadata.layers.is_empty());
    assert_eq!(made.metadata.composition_method, CompositionMethod::Manual);
}
