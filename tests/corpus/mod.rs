//! The corpus of captures, for the tests that read it. It lies beside the repository (`HUMAN_SHARED`, else
//! `../shared`); without it they say so and pass.
#![allow(clippy::unwrap_used, dead_code, reason = "helpers of tests, of which each file uses some")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use human::domain::feedback::Feedback;
use human::intake::{Headers, Options, SpanFact, take};
use serde_json::Value;

pub fn corpus() -> Option<PathBuf> {
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let corpus = shared.join("otlp");
    if !corpus.is_dir() {
        println!("skipped: no corpus at {}", corpus.display());
        return None;
    }
    Some(corpus)
}

pub fn runs(corpus: &Path) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = fs::read_dir(corpus)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.join("run.expect.json").is_file())
        .collect();
    runs.sort();
    runs
}

pub struct Body {
    pub name: String,
    pub headers: Headers,
    pub bytes: Vec<u8>,
}

pub fn bodies(run: &Path) -> Vec<Body> {
    let mut paths: Vec<PathBuf> = fs::read_dir(run)
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|x| x == "body"))
        .collect();
    paths.sort();
    let body = |path: PathBuf| Body {
        name: path.file_stem().unwrap().to_str().unwrap().into(),
        headers: Headers::from_capture(&fs::read(path.with_extension("headers.json")).unwrap()).unwrap(),
        bytes: fs::read(&path).unwrap(),
    };
    paths.into_iter().map(body).collect()
}

pub fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[derive(Default)]
pub struct World {
    pub facts: Vec<SpanFact>,
    pub feedback: BTreeMap<String, Feedback>,
}

pub fn world(bodies: &[Body]) -> World {
    let mut world = World::default();
    for body in bodies {
        let decoded = take(&body.headers, &body.bytes, &Options::default())
            .unwrap_or_else(|e| panic!("{}: {e}", body.name));
        assert_eq!(decoded.rejected, [], "{}", body.name);
        world.facts.extend(decoded.facts);
        world.feedback.extend(decoded.feedback.into_iter().map(|f| (f.id.clone(), f)));
    }
    world
}
