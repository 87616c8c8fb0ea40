//! The shared test vectors of the closed forms: read from `HUMAN_SHARED` (default: the folder `shared` beside the
//! crate), skipped with a printed line where it is absent. Tests only.

use std::path::PathBuf;

use serde::Deserialize;
use serde_json::Value;

use super::{proportion, shrink};

/// One vector.
#[derive(Debug, Deserialize)]
pub(crate) struct Vector {
    /// Its name.
    pub id: String,
    /// The closed form.
    #[serde(rename = "fn")]
    pub form: String,
    /// Arguments by name.
    pub input: Value,
    /// The values to reach.
    pub expect: Value,
}

/// The vectors of one closed form; `None`, said on stdout, where there are none to read.
pub(crate) fn of(form: &str) -> Option<Vec<Vector>> {
    #[derive(Deserialize)]
    struct File {
        vectors: Vec<Vector>,
    }
    let shared = std::env::var_os("HUMAN_SHARED")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
    let path = shared.join("design/statistics_vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: no test vectors at {}", path.display());
        return None;
    };
    let file: File = serde_json::from_str(&text).expect("the vectors are JSON");
    let found: Vec<_> = file.vectors.into_iter().filter(|v| v.form == form).collect();
    assert!(!found.is_empty(), "no vector of {form}");
    Some(found)
}

/// Asserts that `got` reaches `want` within 1e-9·max(1, |want|), element by element.
pub(crate) fn assert_near(id: &str, got: &Value, want: &Value) {
    match (got, want) {
        (Value::Array(g), Value::Array(w)) => {
            assert_eq!(g.len(), w.len(), "{id}");
            for (g, w) in g.iter().zip(w) {
                assert_near(id, g, w);
            }
        }
        (Value::Object(g), Value::Object(w)) => {
            for (key, w) in w {
                assert_near(&format!("{id}.{key}"), &g[key], w);
            }
        }
        _ => {
            let (g, w) = (got.as_f64().expect(id), want.as_f64().expect(id));
            assert!((g - w).abs() <= 1e-9 * w.abs().max(1.0), "{id}: got {g}, want {w}");
        }
    }
}

fn check(form: &str, count: usize, compute: impl Fn(&Value) -> Value) {
    let Some(vectors) = of(form) else { return };
    assert!(vectors.len() >= count, "{form}: {} vectors, expected {count}", vectors.len());
    for vector in vectors {
        assert_near(&vector.id, &compute(&vector.input), &vector.expect);
    }
}

fn num(input: &Value, key: &str) -> f64 {
    input[key].as_f64().expect("a number")
}

fn int(input: &Value, key: &str) -> u64 {
    input[key].as_u64().expect("a count")
}

#[test]
fn intervals() {
    check("wilson", 22, |i| proportion::wilson(int(i, "k"), int(i, "n"), num(i, "conf")).to_vec().into());
    check("jeffreys_mod", 22, |i| {
        proportion::jeffreys(int(i, "k"), int(i, "n"), num(i, "conf")).to_vec().into()
    });
    check("beta_binomial_cs", 11, |i| {
        proportion::confidence_sequence(int(i, "k"), int(i, "n"), num(i, "alpha")).to_vec().into()
    });
}

#[test]
fn posteriors() {
    check("beta_interval", 11, |i| {
        let (a, b) = (num(i, "a"), num(i, "b"));
        let prior = shrink::Prior { mean: a / (a + b), strength: a + b };
        let posterior = prior.posterior(num(i, "k"), num(i, "n"));
        let [lo, hi] = posterior.interval(num(i, "conf"));
        serde_json::json!({"mean": posterior.mean(), "lo": lo, "hi": hi})
    });
    check("feedback_score", 6, |i| {
        let counts: [f64; 4] = serde_json::from_value(i["counts"].clone()).expect("four counts");
        let score = proportion::feedback_score(counts, proportion::SIGNAL_WORTH);
        let [lo, hi] = score.interval(num(i, "conf"));
        serde_json::json!({
            "mean": score.mean, "var": score.variance, "alpha": score.alpha, "beta": score.beta, "lo": lo, "hi": hi
        })
    });
    check("eb_fit", 2, |i| {
        let k: Vec<f64> = serde_json::from_value(i["k"].clone()).expect("counts");
        let n: Vec<f64> = serde_json::from_value(i["n"].clone()).expect("counts");
        let prior = shrink::fit(&k.into_iter().zip(n).collect::<Vec<_>>());
        serde_json::json!({"mu": prior.mean, "kappa": prior.strength})
    });
}
