//! Section 3: thresholds, lists of findings, peers, and the probability of a gain.

use human::engine::stats::beta::Scaled;
use human::engine::stats::gain::probability_of_gain;
use human::engine::stats::peers::{self, Spend};
use human::engine::stats::{discovery, threshold};
use serde::Deserialize;
use serde_json::Value;
use serde_json::json;

use super::{Computed, args};

#[derive(Deserialize)]
struct Count {
    k: u64,
    n: u64,
    theta: f64,
}

#[derive(Deserialize)]
struct Tests {
    #[serde(alias = "lfsr", alias = "ln_e")]
    p: Vec<f64>,
    #[serde(default)]
    q: f64,
}

#[derive(Deserialize)]
struct Peers {
    succ: Vec<f64>,
    calls: Vec<f64>,
    margin: f64,
    c: f64,
}

#[derive(Deserialize)]
struct Costs {
    mean: Vec<f64>,
    var: Vec<f64>,
    n: Vec<u64>,
    ratio: f64,
    null_ratio: f64,
    q: f64,
}

#[derive(Deserialize)]
#[allow(non_snake_case, reason = "names of the vectors")]
struct Pair {
    aA: f64,
    bA: f64,
    dA: f64,
    aB: f64,
    bB: f64,
    dB: f64,
    #[serde(default = "margin")]
    delta: f64,
}

fn margin() -> f64 {
    0.03
}

/// Computes the form, if it is one of these.
pub fn form(name: &str, input: &Value) -> Computed {
    Ok(Some(match name {
        "ln_e_threshold" => {
            let Count { k, n, theta } = args(input)?;
            json!(threshold::ln_e(k, n, theta))
        }
        "p_upper" => {
            let Count { k, n, theta } = args(input)?;
            json!(threshold::p_upper(k, n, theta))
        }
        "p_lower" => {
            let Count { k, n, theta } = args(input)?;
            json!(threshold::p_lower(k, n, theta))
        }
        "bh" => {
            let Tests { p, q } = args(input)?;
            json!(discovery::bh(&p, q))
        }
        "bh_adjust" => json!(discovery::bh_adjust(&args::<Tests>(input)?.p)),
        "ebh" => {
            let Tests { p, q } = args(input)?;
            json!(discovery::e_bh(&p, q))
        }
        "bayes_fdr" => {
            let Tests { p, q } = args(input)?;
            json!(discovery::bayes_fdr(&p, q))
        }
        "peer_threshold" => {
            let Peers { succ, calls, margin, c } = args(input)?;
            let low = peers::low_rate(&succ.into_iter().zip(calls).collect::<Vec<_>>(), margin, c);
            json!({
                "mu": low.prior.mean, "kappa": low.prior.strength, "median": low.median, "robust_sd": low.spread,
                "theta": low.theta
            })
        }
        "cost_outliers" => {
            let Costs { mean, var, n, ratio, null_ratio, q } = args(input)?;
            let each = mean.into_iter().zip(var).zip(n);
            let spends: Vec<Spend> = each.map(|((mean, variance), n)| Spend { mean, variance, n }).collect();
            let Some((median, all)) = peers::outliers(&spends, null_ratio) else {
                return Ok(Some(Value::Null));
            };
            let of = |field: fn(&peers::Excess) -> f64| all.iter().map(field).collect::<Vec<_>>();
            let listed = discovery::bh(&of(|e| e.p), q);
            json!({
                "median": median, "ratio": of(|e| e.ratio), "robust_z": of(|e| e.robust_z), "se_log": of(|e| e.se),
                "p": of(|e| e.p),
                "flagged": listed.into_iter().filter(|&i| all[i].ratio >= ratio).collect::<Vec<_>>()
            })
        }
        "mismatch_prob" => {
            let Pair { aA, bA, dA, aB, bB, dB, delta } = args(input)?;
            let scaled = |alpha, beta, scale| Scaled { alpha, beta, scale };
            json!(probability_of_gain(scaled(aA, bA, dA), scaled(aB, bB, dB), delta))
        }
        _ => return Ok(None),
    }))
}
