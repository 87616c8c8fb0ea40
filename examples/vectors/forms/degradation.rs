//! Section 4: the baseline, the e-SR detector, its fallback.

use human::engine::stats::detector::{self, Bets, Detector, RATIOS, Seen};
use human::engine::stats::shrink::Prior;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Computed, args};

#[derive(Deserialize)]
struct Baseline {
    k0: f64,
    n0: f64,
    mu: f64,
    kappa: f64,
    q: f64,
}

#[derive(Deserialize)]
#[allow(non_snake_case, reason = "as the vectors write them")]
struct Hours {
    O: [f64; 24],
    N: [f64; 24],
    E: [f64; 24],
    shrink: f64,
}

/// Buckets, and the threshold of the alarm. Periods other than the detector's stretch the buckets.
#[derive(Deserialize)]
struct Run<B> {
    buckets: Vec<B>,
    #[serde(rename = "A")]
    alarm: f64,
    #[serde(default = "month")]
    period_h: f64,
}

fn month() -> f64 {
    detector::PERIOD_HOURS
}

#[derive(Deserialize)]
struct Strata {
    dt_h: f64,
    strata: Vec<(f64, f64, f64)>,
}

#[derive(Deserialize)]
struct Bucket {
    dt_h: f64,
    k: f64,
    n: f64,
    p0: f64,
}

fn run<B>(run: &Run<B>, mut step: impl FnMut(usize, f64, &B) -> f64) -> Value {
    let stretch = detector::PERIOD_HOURS / run.period_h;
    let evidence: Vec<f64> = run.buckets.iter().enumerate().map(|(at, b)| step(at, stretch, b)).collect();
    json!({"M": evidence, "alarm": evidence.iter().position(|m| *m >= run.alarm)})
}

/// Computes the form, if it is one of these.
pub fn form(name: &str, input: &Value) -> Computed {
    Ok(Some(match name {
        "baseline_q" => {
            let Baseline { k0, n0, mu, kappa, q } = args(input)?;
            json!(detector::boundary(Prior { mean: mu, strength: kappa }, k0, n0, q))
        }
        "hour_offsets" => {
            let hours: Hours = args(input)?;
            json!(detector::hour_offsets(&hours.O, &hours.N, &hours.E, hours.shrink))
        }
        "esr_run" => {
            let mut detector = Detector::new(0);
            run(&args(input)?, |at, stretch, bucket: &Strata| {
                let strata: Vec<Seen> = bucket.strata.iter().map(|&(k, n, p0)| Seen { k, n, p0 }).collect();
                detector.step(at as i32, bucket.dt_h * stretch, &RATIOS, &strata);
                detector.evidence()
            })
        }
        "bet_run" => {
            let mut bets = Bets::default();
            run(&args(input)?, |_, stretch, bucket: &Bucket| {
                bets.step(bucket.dt_h * stretch, bucket.k, bucket.n, bucket.p0);
                bets.evidence()
            })
        }
        _ => return Ok(None),
    }))
}
