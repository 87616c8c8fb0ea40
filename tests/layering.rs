//! Who may know whom, as the map of the crate says: the `use` lines and the `crate::` paths of `src` are read, and
//!
//! * a room knows only rooms below it;
//! * no two files import each other, re-exports followed to the file that has the thing;
//! * only `store` names the database;
//! * no file has more than 500 lines before its tests, nor 600 with them, unless its head says `Long because …`.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms from the lowest up; those on one line do not know each other.
const FLOORS: [&[&str]; 9] = [
    &["domain"],
    &["engine"],
    &["store", "llm", "keys"],
    &["intake", "agent", "context", "demo"],
    &["config"],
    &["service"],
    &["theme"],
    &["console", "server"],
    &["cli"],
];
/// Rooms that only these know.
const KNOWN_TO: [(&str, &[&str]); 2] = [("theme", &["console", "cli"]), ("config", &["service", "cli"])];
/// Most lines of a file before its tests, and with them.
const LINES: (usize, usize) = (500, 600);

/// One file, by the path of its module: `store::telemetry`, empty for `lib.rs`.
struct File {
    path: PathBuf,
    module: Vec<String>,
    text: String,
    /// What it imports: full paths, and whether it hands them on (`pub use`).
    uses: Vec<(Vec<String>, bool)>,
    /// `crate::` paths in the midst of code.
    mentions: Vec<Vec<String>>,
    /// Whether the whole file is a test.
    is_test: bool,
}

fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|x| x == "rs") {
            found.push(path);
        }
    }
}

fn words(path: &str) -> Vec<String> {
    path.split("::").map(|word| word.trim().trim_start_matches("r#").to_owned()).collect()
}

/// The text before the tests at the end of a file.
fn before_tests(text: &str) -> &str {
    let end = text.match_indices("#[cfg(test)]").find(|(at, tag)| {
        let rest = text[at + tag.len()..].trim_start();
        rest.starts_with("mod tests {") || rest.starts_with("mod tests;") || rest.starts_with("#[path")
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// Without comments and without the contents of string literals (which hold no `//` that matters here).
fn code(text: &str) -> String {
    text.lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The leaves of `a::{b, c::{d as e, self}}`.
fn leaves(tree: &str, before: &[String], found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    match tree.split_once('{') {
        None if tree.is_empty() => {}
        None => {
            let name = tree.split(" as ").next().unwrap_or(tree);
            let mut path = before.to_vec();
            path.extend(words(name).into_iter().filter(|word| word != "self" || before.is_empty()));
            found.push(path);
        }
        Some((head, rest)) => {
            let mut path = before.to_vec();
            path.extend(words(head.trim_end_matches("::")).into_iter().filter(|word| !word.is_empty()));
            let inner = rest.trim_end().strip_suffix('}').unwrap();
            let (mut depth, mut start) = (0, 0);
            for (i, c) in inner.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        leaves(&inner[start..i], &path, found);
                        start = i + 1;
                    }
                    _ => {}
                }
            }
            leaves(&inner[start..], &path, found);
        }
    }
}

/// A path as seen from the root of the crate; `None` where it leads out of the crate.
fn absolute(path: &[String], module: &[String], modules: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut base = module.to_vec();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|word| word == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        // A child module may be named without `self`.
        child => {
            let mut inner = module.to_vec();
            inner.push(child.to_owned());
            if !modules.contains(&inner) {
                return None;
            }
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}

fn read() -> Vec<File> {
    let root = src();
    let mut paths = Vec::new();
    rust_files(&root, &mut paths);
    paths.sort();
    let module_of = |path: &Path| -> Vec<String> {
        let inner = path.strip_prefix(&root).unwrap().with_extension("");
        let mut module: Vec<String> = inner.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
        if module.last().is_some_and(|name| name == "mod") || module == ["lib"] {
            module.pop();
        }
        module
    };
    let modules: BTreeSet<Vec<String>> = paths.iter().map(|path| module_of(path)).collect();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).unwrap();
            let module = module_of(&path);
            let name = path.file_stem().unwrap().to_str().unwrap();
            let is_test = ["tests", "_tests", "_test"].iter().any(|end| name.ends_with(end));
            let code = code(before_tests(&text));
            let (mut uses, mut mentions) = (Vec::new(), Vec::new());
            let mut rest = code.as_str();
            while let Some(at) = rest.find("use ") {
                let line = rest[..at].rfind('\n').map_or(0, |n| n + 1);
                let public = rest[line..at].trim();
                rest = &rest[at + 4..];
                // A name may end in it: `pub struct Cause {`.
                if !(public.is_empty() || public == "pub" || public.starts_with("pub(")) {
                    continue;
                }
                let (tree, after) = rest.split_once(';').unwrap();
                let mut found = Vec::new();
                leaves(tree, &[], &mut found);
                let found = found.iter().filter_map(|path| absolute(path, &module, &modules));
                uses.extend(found.map(|path| (path, !public.is_empty())));
                rest = after;
            }
            for (at, _) in code.match_indices("crate::") {
                let path = &code[at..];
                let end =
                    path.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(path.len());
                let path = words(path[..end].trim_end_matches(':'));
                mentions.extend(absolute(&path, &module, &modules));
            }
            File { path, module, text, uses, mentions, is_test }
        })
        .collect()
}

/// The file that has what `path` names: the longest module in it, or the one from which that module hands it on.
fn holder<'f>(path: &[String], files: &'f BTreeMap<Vec<String>, &File>) -> Option<&'f File> {
    let mut path = path.to_vec();
    for _ in 0..8 {
        let depth = (0..=path.len()).rev().find(|n| files.contains_key(&path[..*n]))?;
        let file = files[&path[..depth]];
        let handed = path.get(depth).and_then(|name| {
            let found = file.uses.iter().find(|(used, public)| *public && used.last() == Some(name));
            found.map(|(used, _)| used.clone())
        });
        match handed {
            Some(used) if used[..] != path[..] => path = [&used[..], &path[depth + 1..]].concat(),
            _ => return Some(file),
        }
    }
    None
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn shown(file: &File) -> String {
    file.path.strip_prefix(src()).unwrap().display().to_string()
}

#[test]
fn rooms_know_only_lower_rooms() {
    let mut faults = BTreeSet::new();
    for file in read() {
        let Some(own) = file.module.first().filter(|name| *name != "main") else { continue };
        let Some(height) = floor(own) else {
            faults.insert(format!("{}: `{own}` is no room of the map", shown(&file)));
            continue;
        };
        for path in file.uses.iter().map(|(path, _)| path).chain(&file.mentions) {
            let Some(other) = path.first().filter(|other| *other != own) else { continue };
            let Some(lower) = floor(other) else { continue };
            let hidden = KNOWN_TO.iter().any(|(room, known)| room == other && !known.contains(&own.as_str()));
            if lower >= height || hidden {
                faults.insert(format!("{} knows {}", shown(&file), path.join("::")));
            }
        }
    }
    assert_eq!(faults, BTreeSet::new());
}

#[test]
fn no_two_files_import_each_other() {
    let all = read();
    let files: BTreeMap<Vec<String>, &File> =
        all.iter().filter(|file| !file.is_test).map(|file| (file.module.clone(), file)).collect();
    let mut imports: BTreeSet<(String, String)> = BTreeSet::new();
    for file in files.values() {
        // What a file hands on it does not need itself.
        for path in file.uses.iter().filter(|(_, public)| !public).map(|(path, _)| path).chain(&file.mentions)
        {
            // A module that is imported as such is itself what is needed.
            let other = files.get(path).copied().or_else(|| holder(path, &files));
            if let Some(other) = other.filter(|other| other.module != file.module) {
                imports.insert((shown(file), shown(other)));
            }
        }
    }
    assert!(imports.len() > 200, "{} imports were found", imports.len());
    let mutual: Vec<_> =
        imports.iter().filter(|(a, b)| a < b && imports.contains(&(b.clone(), a.clone()))).collect();
    assert!(mutual.is_empty(), "{mutual:#?}");
}

#[test]
fn only_the_store_names_the_database() {
    let named = |file: &File| {
        file.text.contains("rusqlite") && file.module.first().is_none_or(|room| room != "store")
    };
    let found: Vec<String> = read().iter().filter(|file| named(file)).map(shown).collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn files_are_short_or_say_why_not() {
    let mut long = Vec::new();
    for file in read() {
        let own = if file.is_test { 0 } else { before_tests(&file.text).lines().count() };
        let head = file.text.lines().take_while(|line| line.starts_with("//!"));
        let (all, said) =
            (file.text.lines().count(), head.into_iter().any(|line| line.contains("Long because")));
        if (own > LINES.0 || all > LINES.1) && !said {
            long.push(format!("{}: {own} lines, {all} with tests", shown(&file)));
        }
    }
    assert_eq!(long, Vec::<String>::new());
}

#[test]
fn the_reading_of_imports_is_right() {
    let mut found = Vec::new();
    leaves("super::{a::{self, B}, c as d}", &[], &mut found);
    let found: Vec<String> = found.iter().map(|path| path.join("::")).collect();
    assert_eq!(found, ["super::a", "super::a::B", "super::c"]);
    let files = read();
    let of = |module: &[&str]| files.iter().find(|file| file.module == module).unwrap();
    let service = of(&["service"]);
    let uses: Vec<String> = service.uses.iter().map(|(path, _)| path.join("::")).collect();
    assert!(uses.contains(&"store::Store".to_owned()), "{uses:?}");
    let by_module: BTreeMap<Vec<String>, &File> =
        files.iter().map(|file| (file.module.clone(), file)).collect();
    let holder = holder(&words("store::Reader"), &by_module).unwrap();
    assert_eq!(shown(holder), "store/reader.rs");
}
