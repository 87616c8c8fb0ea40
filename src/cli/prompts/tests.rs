//! Tests of the verbs: what is typed, what is printed, how it ends.

use std::path::Path;

use clap::Parser as _;
use serde_json::{Value, json};

use super::*;
use crate::domain::call::Millis;
use crate::store::Access;
use crate::store::prompt_shelf::PromptShelf;

#[derive(clap::Parser)]
struct Line {
    #[command(subcommand)]
    command: PromptsCommand,
}

struct World {
    shelf: PromptShelf,
    folder: tempfile::TempDir,
    now: Millis,
    terminal: bool,
    colour: bool,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        let shelf = PromptShelf::open(&folder.path().join("store.db"), Access::Write).unwrap();
        World { shelf, folder, now: 0, terminal: false, colour: false }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs `words`, `%` standing for the folder; the exit code and what was printed, or the error.
    fn run(&mut self, json: bool, words: &[&str]) -> (u8, String) {
        let folder = self.folder.path().to_str().unwrap().to_owned();
        let words = words.iter().map(|w| w.replace('%', &folder));
        let line = Line::try_parse_from(std::iter::once("prompts".to_owned()).chain(words)).unwrap();
        self.now += 1_000;
        let mut out = Vec::new();
        let mut desk = Desk {
            shelf: &mut self.shelf,
            out: &mut out,
            json,
            terminal: self.terminal,
            colour: self.colour,
            now: self.now,
            actor: "me",
        };
        match run(&line.command, &mut desk) {
            Ok(exit) => (exit.code(), String::from_utf8(out).unwrap().replace(&folder, "%")),
            Err(error) => (error.code(), error.to_string().replace(&folder, "%")),
        }
    }

    fn says(&mut self, words: &[&str]) -> String {
        let (code, said) = self.run(false, words);
        assert_eq!(code, 0, "{said}");
        said
    }

    fn json(&mut self, words: &[&str]) -> Value {
        let (code, said) = self.run(true, words);
        assert_eq!(code, 0, "{said}");
        serde_json::from_str(&said).unwrap()
    }

    fn fails(&mut self, words: &[&str]) -> (u8, String) {
        let (code, said) = self.run(false, words);
        assert_ne!(code, 0, "{said}");
        (code, said)
    }
}

const CONTRACT: &str = "---\nname: legal.contract-analysis\ndescription: Finds risks.\nmodel: gpt-4o\n\
    input: { schema: { city: string, tags?(array): string } }\nhuman.scope: org\nhuman.org: HUMAN_CORP\n\
    human.taskType: analysis\n---\nYou know the law of {{city}}.{{#each tags}} {{this}}{{/each}}\n";

fn world() -> World {
    let mut world = World::new();
    world.write("p/contract.prompt", CONTRACT);
    world.write(
        "p/deep/core.prompt",
        "---\nname: legal.contract-analysis\nhuman.scope: core\n---\nBe just.\n",
    );
    world.write("p/notes.md", "no prompt");
    world.says(&["publish", "%/p"]);
    world
}

#[test]
fn publish_says_what_became_of_each_file() {
    let mut world = World::new();
    world.write("a.prompt", CONTRACT);
    assert_eq!(world.says(&["publish", "%/a.prompt"]), "Published: legal.contract-analysis@1.0.0\n");
    assert_eq!(world.says(&["publish", "%/a.prompt"]), "Unchanged: legal.contract-analysis@1.0.0\n");
    world.write("a.prompt", &CONTRACT.replace("know", "study"));
    assert_eq!(
        world.says(&["publish", "%/a.prompt"]),
        "Published: legal.contract-analysis@1.1.0 (text changed)\nPrevious active: 1.0.0 (available for rollback)\n"
    );
    world.write("a.prompt", &CONTRACT.replace("city", "town"));
    let said = world.says(&["publish", "--no-activate", "%/a.prompt"]);
    assert_eq!(
        said,
        "Published: legal.contract-analysis@2.0.0 (variables or output changed)\nActive stays: 1.1.0\n"
    );
    let report = world.json(&["publish", "%/a.prompt"]);
    assert_eq!(
        report,
        json!([{"uri": "prompt://org/HUMAN_CORP/legal.contract-analysis", "version": "2.0.0", "outcome": "unchanged",
                "change": "nothing", "previousActive": "1.1.0", "active": false}])
    );
}

#[test]
fn publish_is_all_or_nothing_and_lists_every_fault() {
    let mut world = World::new();
    world.write("p/a.prompt", CONTRACT);
    world.write("p/b.prompt", "no front matter");
    world.write("p/c.prompt", "---\nname: c\nhuman.scope: core\n---\n{{#if x}}");
    world.write("p/d.prompt", "---\nname: d\nhuman.scope: core\nhuman.extends: gone\n---\nx");
    world.write("p/e.prompt", CONTRACT);
    let (code, said) = world.fails(&["publish", "%/p"]);
    assert_eq!(code, 1);
    for part in [
        "b.prompt:1: the file does not begin",
        "c.prompt:",
        "d.prompt:1: prompt://core/d",
        "e.prompt: %/p/a.prompt holds",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(said.starts_with("nothing was published, 4 things are to correct:"), "{said}");
    assert_eq!(world.fails(&["show", "contract-analysis"]).0, 2);
    assert_eq!(world.fails(&["publish", "%/none"]).0, 1);
    std::fs::create_dir(world.folder.path().join("empty")).unwrap();
    assert!(world.fails(&["publish", "%/empty"]).1.contains("no `*.prompt` file"));
}

#[test]
fn all_faults_of_a_file_are_said_at_once() {
    let mut world = World::new();
    world.write("a.prompt", "---\nname: Not A Key\nmodel: 4\nhuman.scope: org\nhuman.color: red\n---\nx");
    world.write("b.prompt", &format!("---\nname: b\nhuman.scope: core\n---\n{}", "x".repeat(5 << 20)));
    let faults =
        ["`name` is not a key", "`model` is not a text", "needs `human.org`", "unknown key `human.color`"];
    for words in [["publish", "%/"], ["lint", "%/"]] {
        let (code, said) = world.fails(&words);
        assert_eq!(code, 1);
        assert!(faults.iter().all(|fault| said.contains(fault)), "{said}");
        assert!(said.contains("this one has 52429"), "{said}");
    }
    world.write("c.prompt", "---\nname: c\nhuman.scope: core\n---\n{{> other}}");
    assert!(world.fails(&["lint", "%/c.prompt"]).1.contains("a partial, which is not supported"));
}

#[test]
fn a_key_that_several_scopes_share_is_told_apart() {
    let mut world = World::new();
    for (file, scope) in
        [("a", "core"), ("b", "org\nhuman.org: O"), ("c", "user\nhuman.org: O\nhuman.user: u")]
    {
        let text = format!("---\nname: house.style\nhuman.scope: {scope}\n---\n{file}");
        world.write(&format!("p/{file}.prompt"), &text);
    }
    let said = world.says(&["publish", "%/p"]);
    for uri in ["prompt://core/house.style", "prompt://org/O/house.style", "prompt://user/O/u/house.style"] {
        assert!(said.contains(&format!("Published: {uri}@1.0.0\n")), "{said}");
    }
}

#[test]
fn a_folder_may_hold_bases_in_any_order() {
    let mut world = World::new();
    world.write(
        "a.prompt",
        "---\nname: a\nhuman.scope: org\nhuman.org: O\nhuman.extends: z\n---\n{{base}} and A {{x}}",
    );
    world.write("z.prompt", "---\nname: z\nhuman.scope: core\ninput: {schema: {x: string}}\n---\nZ {{x}}");
    world.says(&["publish", "%/"]);
    assert_eq!(world.says(&["compose", "a", "--method", "effective", "--var", "x=1"]), "Z 1 and A 1");
}

#[test]
fn show_prints_text_that_is_safe_on_a_terminal() {
    let mut world = World::new();
    let text = "---\nname: a\nhuman.scope: core\ndescription: \"d\\e[31m\"\n---\nred\u{1b}[31m \u{202e}x\r\n";
    world.write("a.prompt", text);
    world.says(&["publish", "%/a.prompt"]);
    let raw = world.says(&["show", "a", "--raw"]);
    assert_eq!(raw, text.replace("---\nred", "human.version: 1.0.0\n---\nred"));
    assert_eq!(world.says(&["compose", "a"]), "red\u{1b}[31m \u{202e}x\r\n");
    assert!(world.says(&["show", "a"]).ends_with("\n\nred\\u{1b}[31m \\u{202e}x\\r\n"));
    world.terminal = true;
    assert!(world.says(&["show", "a", "--raw"]).ends_with("red\\u{1b}[31m \\u{202e}x\\r\n"));
    assert_eq!(world.says(&["compose", "a"]), "red\\u{1b}[31m \\u{202e}x\\r\n");
    let said = world.says(&["show", "a"]);
    assert!(
        said.starts_with("prompt://core/a@1.0.0\n  description  d\\u{1b}[31m\n  state        active\n"),
        "{said}"
    );
    assert!(said.ends_with("\n\nred\\u{1b}[31m \\u{202e}x\\r\n"), "{said}");
    let document = world.json(&["show", "a@1.0.0"]);
    assert_eq!(document["template"], "red\u{1b}[31m \u{202e}x\r\n");
    assert_eq!((&document["active"], &document["version"]), (&json!(true), &json!("1.0.0")));
}

#[test]
fn a_label_names_a_version_until_it_moves() {
    let mut world = World::new();
    world.write("a.prompt", "---\nname: a\nhuman.scope: core\nhuman.version: 1.0.0\n---\nOne.\n");
    world.write("b.prompt", "---\nname: a\nhuman.scope: core\nhuman.version: 2.0.0\n---\nTwo.\n");
    world.says(&["publish", "%/a.prompt"]);
    world.says(&["publish", "--no-activate", "%/b.prompt"]);
    assert_eq!(world.says(&["label", "a@2.0.0", "staging"]), "Labelled: a@2.0.0 is staging\n");
    assert!(world.says(&["show", "a@staging"]).contains("Two."));
    world.says(&["label", "a@1.0.0", "staging"]);
    assert!(world.says(&["show", "a@staging"]).contains("One."));
    assert_eq!(world.fails(&["label", "a", "staging"]).0, 2);
    assert_eq!(world.fails(&["label", "a@1.0.0", "active"]).0, 2);
    assert_eq!(world.fails(&["label", "a@9.0.0", "x"]).0, 2);
}

#[test]
fn history_activate_and_rollback() {
    let mut world = world();
    let uri = "prompt://org/HUMAN_CORP/legal.contract-analysis";
    world.write("p/contract.prompt", &CONTRACT.replace("know", "study"));
    world.says(&["publish", "--note", "clearer", "%/p/contract.prompt"]);
    assert_eq!(
        world.says(&["rollback", uri, "--reason", "worse\u{1b} answers"]),
        "Rolled back: legal.contract-analysis@1.0.0\nPrevious active: 1.1.0\n"
    );
    let history = world.says(&["history", uri]);
    assert!(
        history.contains("\nVersions (* is active now)\n") && history.contains("\nActivations\n"),
        "{history}"
    );
    assert!(history.contains("\n  1.1.0  1970-01-01T00:00:02Z      "), "{history}");
    assert!(history.contains("\n* 1.0.0  1970-01-01T00:00:01Z      "), "{history}");
    assert!(history.contains("rollback  me  worse\\u{1b} answers\n"), "{history}");
    assert!(history.contains("me  clearer\n"), "{history}");
    let mut listed = |limit: &str| {
        let document = world.json(&["history", uri, "--limit", limit]);
        ["versions", "activations"].map(|part| document[part].as_array().map_or(0, Vec::len))
    };
    assert_eq!((listed("1"), listed("0")), ([1, 1], [2, 3]));
    assert_eq!(world.says(&["history", uri, "--limit", "0"]), history);
    let document = world.json(&["history", uri, "--limit", "1"]);
    assert_eq!(
        document["activations"],
        json!([{"version": "1.0.0", "at": "1970-01-01T00:00:03Z", "kind": "rollback",
        "actor": "me", "reason": "worse\u{1b} answers"}])
    );
    let said = world.says(&["activate", &format!("{uri}@1.1.0")]);
    assert_eq!(
        said,
        "Active: legal.contract-analysis@1.1.0\nPrevious active: 1.0.0 (available for rollback)\n"
    );
    assert_eq!(
        world.says(&["activate", &format!("{uri}@1.1.0")]),
        "Active already: legal.contract-analysis@1.1.0\n"
    );
    assert_eq!(world.fails(&["activate", uri]).0, 2);
    assert_eq!(world.fails(&["activate", &format!("{uri}@9.9.9")]).0, 2);
    assert_eq!(world.fails(&["rollback", &format!("{uri}@1.0.0"), "--reason", "x"]).0, 2);
    assert_eq!(world.fails(&["rollback", uri, "--reason", " "]).0, 2);
    assert_eq!(world.fails(&["rollback", "prompt://core/legal.contract-analysis", "--reason", "x"]).0, 1);
}

#[test]
fn diff_between_versions() {
    let mut world = world();
    let uri = "prompt://org/HUMAN_CORP/legal.contract-analysis";
    world.write("p/contract.prompt", &CONTRACT.replace("know the", "study the"));
    world.says(&["publish", "%/p/contract.prompt"]);
    let said = world.says(&["diff", &format!("{uri}@1.0.0"), uri]);
    assert!(said.starts_with(&format!("--- {uri}@1.0.0\n+++ {uri}@1.1.0\n@@ 5 unchanged lines\n")), "{said}");
    assert!(
        said.contains("-You know the law of {{city}}.") && said.contains("+You study the law of"),
        "{said}"
    );
    world.colour = true;
    let said = world.says(&["diff", &format!("{uri}@1.0.0"), uri]);
    assert!(said.contains("\u{1b}[1;4;32mstudy\u{1b}[0m"), "{said:?}");
    let document = world.json(&["diff", &format!("{uri}@1.0.0"), uri]);
    assert_eq!((&document["change"], &document["added"]), (&json!("text"), &json!(2)));
    assert!(!document["diff"].as_str().unwrap().contains('\u{1b}'));
    assert!(world.says(&["diff", uri, uri]).contains("are the same text"));
}

#[test]
fn compose_prints_text_and_record() {
    let mut world = world();
    world.write(
        "mine.prompt",
        "---\nname: tone\nhuman.scope: user\nhuman.org: HUMAN_CORP\nhuman.user: ana\n\
        human.extends: legal.contract-analysis\n---\nBe kind.\n",
    );
    world.says(&["publish", "%/mine.prompt"]);
    let (code, said) = world.fails(&["compose", "contract-analysis", "--var", "city=Ulm"]);
    assert_eq!(code, 2);
    assert!(said.contains("prompt://core/legal.contract-analysis, prompt://org/HUMAN_CORP/"), "{said}");
    let base = "prompt://core/legal.contract-analysis";
    assert_eq!(world.says(&["compose", base]), "Be just.\n");
    let effective =
        ["compose", "contract-analysis", "--org", "HUMAN_CORP", "--user", "ana", "--var", "city=Ulm"];
    assert_eq!(world.says(&effective), "Be just.\n\nYou know the law of Ulm.\n\nBe kind.\n");
    // The user of a URI is the one for whom the text is made; one of others is refused.
    let mine = "prompt://user/HUMAN_CORP/ana/tone";
    let of_uri = ["compose", mine, "--method", "effective", "--var", "city=Ulm"];
    assert_eq!(world.says(&of_uri), "Be just.\n\nYou know the law of Ulm.\n\nBe kind.\n");
    let (code, said) = world.fails(&[&of_uri[..], &["--user", "ben"]].concat());
    assert_eq!(code, 2);
    assert!(
        said.contains("tone belongs to HUMAN_CORP/ana, and the text is made for HUMAN_CORP/ben"),
        "{said}"
    );
    let made = world.json(&[&effective[..], &["--var-json", "tags=[\"a\",\"b\"]"]].concat());
    assert_eq!(made["text"], "Be just.\n\nYou know the law of Ulm. a b\n\nBe kind.\n");
    let record = &made["promptMetadata"];
    assert_eq!(record["compositionMethod"], "effective");
    assert_eq!(record["orgId"], "HUMAN_CORP");
    assert_eq!(record["variablesUsed"], json!(["city", "tags"]));
    assert_eq!(record["layers"].as_array().unwrap().len(), 3);
    assert_eq!(record["promptUris"][0], base);
    for (words, code) in [
        (&["compose", base, "--var", "city"][..], 2),
        (&["compose", base, "--var", "x=1", "--var", "x=2"], 2),
        (&["compose", base, "--var-json", "x={"], 2),
        (&["compose", base, "--var", "x=1"], 1),
        (&["compose", base, "--user", "ana", "--method", "compose"], 2),
        (&["compose", "nothing"], 2),
        (&["compose", "prompt://core/legal.contract-analysis@3.0.0"], 2),
    ] {
        assert_eq!(world.fails(words).0, code, "{words:?}");
    }
}

#[test]
fn lint_reports_and_fails_on_errors() {
    let mut world = World::new();
    world.write("a.prompt", CONTRACT);
    assert_eq!(
        world.says(&["lint", "%/a.prompt"]),
        "files: 1, tokens: about 19, errors: 0, warnings: 0, hints: 0\n"
    );
    world.write("b.prompt", "---\nname: b\nhuman.scope: core\ninput: {schema: {x: string}}\n---\n{{y}}");
    world.write("c.prompt", "");
    let (code, said) = world.fails(&["lint", "%/"]);
    assert_eq!(code, 1);
    assert!(said.contains("%/b.prompt:6: error[undeclared]: `y` is used and not declared\n"), "{said}");
    assert!(said.contains("%/c.prompt:1: error[file]: the file does not begin with front matter"), "{said}");
    let (code, said) = world.run(true, &["lint", "%/"]);
    let reports: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(code, 1);
    assert_eq!(reports[1]["findings"][0]["code"], "undeclared");
}

#[test]
fn histories_are_bounded_and_refused_whole() {
    let mut world = World::new();
    let line = |at: &str, text: &str| json!({"at": at, "text": text, "note": "n"}).to_string();
    let good = "---\nname: a\nhuman.scope: core\nhuman.version: 1.0.0\n---\nx";
    for (bad, said) in [
        ("{".to_owned(), "h.jsonl:2: not a line of a history"),
        (line("yesterday", good), "h.jsonl:2: `at` is not an RFC 3339 time"),
        (line("2026-01-01T00:00:00Z", &good.replace("human.version: 1.0.0\n", "")), "add `human.version`"),
        (line("2026-01-01T00:00:00Z", &good.replace("\nx", "\ny")), "immutable"),
        ("x".repeat(9 << 20), "longer than"),
    ] {
        world.write("h.jsonl", &format!("{}\n{bad}\n", line("2026-01-01T00:00:00Z", good)));
        let error = world.fails(&["publish", "--history", "%/h.jsonl"]).1;
        assert!(error.contains(said), "{error}");
        assert_eq!(world.fails(&["show", "a"]).0, 2);
    }
    world.write("h.jsonl", &format!("{}\n\n", line("2026-01-01T00:00:00Z", good)));
    world.says(&["publish", "--history", "%/h.jsonl"]);
    let document = world.json(&["history", "a"]);
    assert_eq!(document["versions"][0]["publishedAt"], "2026-01-01T00:00:00Z");
    assert!(Path::new(world.folder.path()).exists());
}

#[test]
fn two_processes_publish_into_one_file_and_a_reader_looks_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    drop(PromptShelf::open(&path, Access::Write).unwrap());
    let publish = |who: &str| {
        let mut shelf = PromptShelf::open(&path, Access::Write).unwrap();
        for i in 0..20 {
            let file = folder.path().join(format!("{who}.prompt"));
            std::fs::write(&file, format!("---\nname: shared\nhuman.scope: core\n---\n{who} {i}")).unwrap();
            let line = Line::try_parse_from(["prompts", "publish", file.to_str().unwrap()]).unwrap();
            let mut desk = Desk {
                shelf: &mut shelf,
                out: &mut std::io::sink(),
                json: false,
                terminal: false,
                colour: false,
                now: i,
                actor: who,
            };
            run(&line.command, &mut desk).unwrap();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| publish("a"));
        scope.spawn(|| publish("b"));
    });
    let mut shelf = PromptShelf::open(&path, Access::Read).unwrap();
    let mut out = Vec::new();
    let mut desk = Desk {
        shelf: &mut shelf,
        out: &mut out,
        json: true,
        terminal: false,
        colour: false,
        now: 0,
        actor: "r",
    };
    for words in [&["prompts", "compose", "shared"][..], &["prompts", "history", "shared"]] {
        run(&Line::try_parse_from(words).unwrap().command, &mut desk).unwrap();
    }
    let documents: Vec<Value> =
        serde_json::Deserializer::from_slice(&out).into_iter().map(std::result::Result::unwrap).collect();
    // Every text is a version of its own, and the newest is 1.39.0: none was lost to the other process.
    assert_eq!(documents[1]["versions"].as_array().unwrap().len(), 40);
    assert_eq!(documents[0]["promptMetadata"]["promptVersions"], json!(["1.39.0"]));
}
