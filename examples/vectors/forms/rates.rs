//! Section 1: rates, scores, shrinkage; and the sketch.

use std::collections::BTreeMap;

use human::engine::stats::sketch::{self, Sketch};
use human::engine::stats::{proportion, shrink};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Computed, args};

#[derive(Deserialize)]
struct Rate {
    k: u64,
    n: u64,
    conf: f64,
}

#[derive(Deserialize)]
struct Watched {
    k: u64,
    n: u64,
    alpha: f64,
}

#[derive(Deserialize)]
struct Posterior {
    k: f64,
    n: f64,
    a: f64,
    b: f64,
    conf: f64,
}

#[derive(Deserialize)]
struct Signals {
    counts: [f64; 4],
    conf: f64,
}

#[derive(Deserialize)]
struct Cells {
    k: Vec<f64>,
    n: Vec<f64>,
}

/// A sketch as vectors write it: zeros apart, the rest by bin.
#[derive(Deserialize)]
struct Bins {
    zero: i32,
    bins: BTreeMap<i16, i32>,
}

impl From<Bins> for Sketch {
    fn from(written: Bins) -> Sketch {
        let mut sketch = Sketch::default();
        for (bin, count) in std::iter::once((sketch::ZERO, written.zero)).chain(written.bins) {
            sketch.add_bin(bin, count);
        }
        sketch
    }
}

fn written(sketch: &Sketch) -> Value {
    let (zero, bins): (Vec<_>, Vec<_>) = sketch.bins().iter().partition(|(bin, _)| *bin == sketch::ZERO);
    let bins: BTreeMap<String, i32> = bins.into_iter().map(|(bin, count)| (bin.to_string(), count)).collect();
    json!({"zero": zero.first().map_or(0, |(_, count)| *count), "bins": bins})
}

#[derive(Deserialize)]
struct Values {
    xs: Vec<f64>,
}

#[derive(Deserialize)]
struct Pair {
    a: Bins,
    b: Bins,
}

#[derive(Deserialize)]
struct Quantiles {
    sketch: Bins,
    qs: Vec<f64>,
}

/// Computes the form, if it is one of these.
pub fn form(name: &str, input: &Value) -> Computed {
    Ok(Some(match name {
        "wilson" => {
            let Rate { k, n, conf } = args(input)?;
            json!(proportion::wilson(k, n, conf))
        }
        "jeffreys_mod" => {
            let Rate { k, n, conf } = args(input)?;
            json!(proportion::jeffreys(k, n, conf))
        }
        "beta_binomial_cs" => {
            let Watched { k, n, alpha } = args(input)?;
            json!(proportion::confidence_sequence(k, n, alpha))
        }
        "beta_interval" => {
            let Posterior { k, n, a, b, conf } = args(input)?;
            let posterior = shrink::Prior { mean: a / (a + b), strength: a + b }.posterior(k, n);
            let [lo, hi] = posterior.interval(conf);
            json!({"mean": posterior.mean(), "lo": lo, "hi": hi})
        }
        "feedback_score" => {
            let Signals { counts, conf } = args(input)?;
            let score = proportion::feedback_score(counts, proportion::SIGNAL_WORTH);
            let [lo, hi] = score.interval(conf);
            json!({
                "mean": score.mean, "var": score.variance, "alpha": score.alpha, "beta": score.beta, "lo": lo, "hi": hi
            })
        }
        "eb_fit" => {
            let Cells { k, n } = args(input)?;
            let prior = shrink::fit(&k.into_iter().zip(n).collect::<Vec<_>>());
            json!({"mu": prior.mean, "kappa": prior.strength})
        }
        "dd_sketch" => {
            let mut sketch = Sketch::default();
            for x in args::<Values>(input)?.xs {
                sketch.add_bin(sketch::bin_of(x), 1);
            }
            written(&sketch)
        }
        "dd_merge" => {
            let Pair { a, b } = args(input)?;
            let mut merged = Sketch::from(a);
            merged.merge(&b.into(), 1);
            written(&merged)
        }
        "dd_quantile" => {
            let Quantiles { sketch, qs } = args(input)?;
            let sketch = Sketch::from(sketch);
            json!(qs.iter().map(|&q| sketch.quantile(q)).collect::<Vec<_>>())
        }
        _ => return Ok(None),
    }))
}
