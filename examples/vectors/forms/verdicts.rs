//! Sections 5 and 6: verdicts after a change, and what predictions are worth.

use human::engine::stats::before_after::Before;
use human::engine::stats::calibration::{Calibration, Finished, calibrate};
use human::engine::stats::odds::{Block, LogOdds, Units, haldane};
use human::engine::stats::ratio::{self, Sample};
use human::engine::stats::shrink::Prior;
use human::engine::stats::split;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Computed, args};

#[derive(Deserialize)]
struct Blocks {
    blocks: Vec<[u64; 4]>,
    alpha: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Counts {
    k_a: u64,
    n_a: u64,
    k_b: u64,
    n_b: u64,
}

#[derive(Deserialize)]
struct Predicted {
    #[serde(flatten)]
    counts: Counts,
    mu: f64,
    kappa: f64,
    offset: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Means {
    n_a: f64,
    m_a: f64,
    v_a: f64,
    n_b: f64,
    m_b: f64,
    v_b: f64,
}

#[derive(Deserialize)]
struct Split {
    #[serde(rename = "nA")]
    old: u64,
    #[serde(rename = "nB")]
    new: u64,
    #[serde(rename = "share_B")]
    share: f64,
}

#[derive(Deserialize)]
struct Proposals {
    x: Vec<f64>,
    y: Vec<f64>,
    s: Vec<f64>,
}

#[derive(Deserialize)]
struct Learnt {
    slope: f64,
    slope_var: f64,
    tau2: f64,
}

#[derive(Deserialize)]
struct Prediction {
    cal: Learnt,
    x: f64,
    s_new: f64,
    conf: f64,
}

/// Computes the form, if it is one of these.
pub fn form(name: &str, input: &Value) -> Computed {
    Ok(Some(match name {
        "verdict" => {
            let Blocks { blocks, alpha } = args(input)?;
            let mut odds = LogOdds::default();
            for [old_bad, old, new_bad, new] in blocks {
                odds.add(&Block {
                    old: Units { bad: old_bad, all: old },
                    new: Units { bad: new_bad, all: new },
                });
            }
            let [lo, hi] = odds.interval(alpha);
            json!({
                "ln_e_regressed": odds.ln_e_regressed(), "ln_e_improved": odds.ln_e_improved(),
                "cs_lo": lo, "cs_hi": hi, "mle": odds.estimate(), "ln_mix": odds.ln_mixture()
            })
        }
        "before_after" => {
            let Predicted { counts: c, mu, kappa, offset } = args(input)?;
            let prior = Prior { mean: mu, strength: kappa };
            let before = Before::new(prior, Units { bad: c.k_a, all: c.n_a }, offset);
            let found = before.evidence(Units { bad: c.k_b, all: c.n_b });
            json!({
                "ln_e_regressed": found.ln_e_regressed, "ln_e_improved": found.ln_e_improved,
                "w_diffuse": before.diffuse
            })
        }
        "ratio_cs" => {
            let m: Means = args(input)?;
            let old = Sample { n: m.n_a, mean: m.m_a, variance: m.v_a };
            let new = Sample { n: m.n_b, mean: m.m_b, variance: m.v_b };
            let found = ratio::change(old, new);
            let interval = found.map(|c| c.interval(0.05, ratio::MIXTURE));
            json!({
                "ln_ratio": found.map(|c| c.ln), "lo": interval.map(|i| i[0]), "hi": interval.map(|i| i[1])
            })
        }
        "ln_e_srm" => {
            let Split { old, new, share } = args(input)?;
            json!(split::ln_e_mismatch(old, new, share))
        }
        "lor" => {
            let c: Counts = args(input)?;
            let (ln, variance) = haldane(c.k_a as f64, c.n_a as f64, c.k_b as f64, c.n_b as f64);
            json!({"lor": ln, "var": variance})
        }
        "calibrate" => {
            let Proposals { x, y, s } = args(input)?;
            let finished: Vec<Finished> = x
                .into_iter()
                .zip(y)
                .zip(s)
                .map(|((predicted, realised), error)| Finished { predicted, realised, error })
                .collect();
            let found = calibrate(&finished);
            json!({"slope": found.slope, "slope_var": found.slope_variance, "tau2": found.scatter})
        }
        "calibrated_prediction" => {
            let Prediction { cal, x, s_new, conf } = args(input)?;
            let calibration =
                Calibration { slope: cal.slope, slope_variance: cal.slope_var, scatter: cal.tau2 };
            let (mean, [lo, hi]) = calibration.expect(x, s_new, conf);
            json!({"mean": mean, "lo": lo, "hi": hi})
        }
        _ => return Ok(None),
    }))
}
