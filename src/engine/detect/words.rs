//! What the detectors say of one prompt, as sentences and as JSON.
//!
//! ```text
//! - [high-negative] Negative 31% [24%, 39%] of 142 units, above 20%: e = 5.2e3 -> review
//! - [watch] Tokens ...
//! - [insufficient] 0 peers, 8 more needed: low-success, token-outlier, cost-outlier
//! ```
//!
//! Pure: findings in, sentences out. Start with [`of`].

use serde::Serialize;

use super::probability;
use crate::domain::finding::{Assessment, Detector, Evidence, Findings, Lack, Shortfall};
use crate::domain::prompt::PromptUri;
use crate::engine::number::{count, mean, percent, percents, scores, usd};

/// Something that is said of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said<'f> {
    /// How it is meant.
    pub standing: Standing,
    /// The sentence.
    pub text: String,
    /// What it rests on.
    #[serde(flatten)]
    pub on: On<'f>,
}

/// How something that is said is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// On a list whose share of false findings is bounded.
    Finding,
    /// Probable, but not a finding.
    Watch,
    /// Nothing can be said.
    Insufficient,
}

/// What something rests on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum On<'f> {
    /// An assessment.
    Assessment(&'f Assessment),
    /// Detectors that say nothing for want of the same thing.
    Lack {
        /// Each detector's.
        shortfalls: Vec<Shortfall>,
    },
}

/// What is said of the prompts that `about` chooses: findings, then what is watched, then what is too thin.
pub fn of(findings: &Findings, about: impl Fn(&PromptUri) -> bool) -> Vec<Said<'_>> {
    let mut said: Vec<Said> = Vec::new();
    for (standing, list) in [(Standing::Finding, &findings.findings), (Standing::Watch, &findings.watch)] {
        for found in list.iter().filter(|found| about(&found.prompt_uri)) {
            said.push(Said { standing, text: sentence(found, standing), on: On::Assessment(found) });
        }
    }
    for thin in findings.insufficient.iter().filter(|thin| about(&thin.prompt_uri)) {
        let mut rest: Vec<Shortfall> = thin.shortfalls.clone();
        rest.sort_by_key(|s| (s.of as u8, s.missing));
        for same in rest.chunk_by(|a, b| (a.of, a.missing) == (b.of, b.missing)) {
            let on = On::Lack { shortfalls: same.to_vec() };
            said.push(Said { standing: Standing::Insufficient, text: lack(same), on });
        }
    }
    said
}

impl Said<'_> {
    /// What it is listed under: the detector, or how it is meant.
    pub fn id(&self) -> &'static str {
        match (&self.on, self.standing) {
            (On::Assessment(found), Standing::Finding) => found.detector.as_str(),
            (On::Assessment(_), _) => "watch",
            (On::Lack { .. }, _) => "insufficient",
        }
    }
}

fn sentence(found: &Assessment, standing: Standing) -> String {
    let (estimate, n) = (found.estimate, count(found.sample_size));
    let share = |of: &str| format!("{} {} of {n} {of}", percent(Some(estimate)), percents(found.interval));
    let limit = percent(Some(found.threshold));
    let (what, beyond, advice) = match found.detector {
        Detector::HighNegative => {
            (format!("Negative {}", share("units")), format!("above {limit}"), "review")
        }
        Detector::LowSuccess => {
            (format!("Success {}", share("calls")), format!("below {limit}"), "review its failures")
        }
        Detector::TokenOutlier | Detector::CostOutlier => {
            let tokens = found.detector == Detector::TokenOutlier;
            let number = |x: f64| if tokens { mean(Some(x)) } else { usd(Some(x)) };
            let [lo, hi] = found.interval.map(number);
            let name = if tokens { "Tokens" } else { "Cost" };
            let times = match found.evidence {
                Evidence::PValue { ratio, .. } => format!("{ratio:.1} times"),
                _ => "more than".into(),
            };
            let what = format!("{name} {} [{lo}, {hi}] a call, of {n} calls", number(estimate));
            let advice = if tokens { "shorten" } else { "shorten, or use a cheaper model" };
            (what, format!("{times} the median of {} peers", count(found.peers)), advice)
        }
        Detector::AffinityMismatch => {
            let name = |model: &Option<String>| model.clone().unwrap_or_else(|| "another model".into());
            let what = format!(
                "Runs on {}; {} would gain {estimate:.2} {} affinity, of {n} units",
                name(&found.model),
                name(&found.better_model),
                scores(found.interval)
            );
            (what, format!("more than {:.2}", found.threshold), "change the model")
        }
    };
    match (found.evidence, standing) {
        (evidence, Standing::Watch) => {
            format!("{what}: P({beyond}) = {}, too unsure for a finding", chance(probability(&evidence)))
        }
        (Evidence::EValue { e, .. }, _) => format!("{what}, {beyond}: e = {e:.1e} -> {advice}"),
        (Evidence::PValue { adjusted, .. }, _) => {
            format!("{what}, {beyond}: p = {adjusted:.1e}, adjusted -> {advice}")
        }
        (Evidence::Probability { probability }, _) => {
            format!("{what}: P({beyond}) = {} -> {advice}", chance(probability))
        }
    }
}

/// A probability that is not certain is not rounded to certainty.
fn chance(p: f64) -> String {
    if p > 0.995 { ">0.99".into() } else { format!("{p:.2}") }
}

fn lack(same: &[Shortfall]) -> String {
    let detectors: Vec<&str> = same.iter().map(|s| s.detector.as_str()).collect();
    let said = same.first().map_or(String::new(), |s| {
        let of = match s.of {
            Lack::Units => "evidence units",
            Lack::Calls => "calls with this number",
            Lack::Peers => "peers",
            Lack::Models => "models",
        };
        format!("{} {of}, {} more needed", count(s.have), count(s.missing))
    });
    format!("{said}: {}", detectors.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::{Thin, Thresholds};
    use crate::domain::snapshot::{SnapshotWindow, Verdict};
    use crate::domain::window::Window;

    fn uri(text: &str) -> PromptUri {
        text.parse().unwrap()
    }

    fn assessment(detector: Detector, evidence: Evidence) -> Assessment {
        Assessment {
            prompt_uri: uri("prompt://core/a@1.0.0"),
            detector,
            task_type: "a".into(),
            peers: 29,
            estimate: 0.31,
            interval: [0.24, 0.39],
            threshold: 0.2,
            sample_size: 142,
            evidence,
            expected_gain: 0.1,
            model: None,
            better_model: None,
        }
    }

    #[test]
    fn sentences() {
        let e = Evidence::EValue { ln_e: 5200f64.ln(), e: 5200.0, probability: 0.999 };
        let p = Evidence::PValue { p: 1e-6, adjusted: 2e-4, ratio: 4.0, robust_z: 5.0 };
        let gain = Evidence::Probability { probability: 0.97 };
        let dear = Assessment {
            estimate: 4000.0,
            interval: [3781.0, 4231.0],
            ..assessment(Detector::TokenOutlier, p)
        };
        let model = Assessment {
            threshold: 0.03,
            model: Some("gpt-4o".into()),
            better_model: Some("claude-sonnet".into()),
            ..assessment(Detector::AffinityMismatch, gain)
        };
        let shortfall = |detector, of, missing| Shortfall {
            detector,
            verdict: Verdict::Insufficient,
            of,
            have: 8 - missing,
            missing,
        };
        let findings = Findings {
            window: SnapshotWindow(Window { from_ms: 0, to_ms: 1 }),
            prompts: 30,
            thresholds: Thresholds::default(),
            findings: vec![assessment(Detector::HighNegative, e), dear, model],
            watch: vec![assessment(Detector::LowSuccess, e)],
            insufficient: vec![Thin {
                prompt_uri: uri("prompt://core/a@1.0.0"),
                shortfalls: vec![
                    shortfall(Detector::LowSuccess, Lack::Peers, 8),
                    shortfall(Detector::AffinityMismatch, Lack::Units, 3),
                    shortfall(Detector::CostOutlier, Lack::Peers, 8),
                ],
            }],
        };
        let said = of(&findings, |prompt| prompt.key.to_string() == "a");
        let lines: Vec<String> = said.iter().map(|said| format!("[{}] {}", said.id(), said.text)).collect();
        assert_eq!(
            lines,
            [
                "[high-negative] Negative 31% [24%, 39%] of 142 units, above 20%: e = 5.2e3 -> review",
                "[token-outlier] Tokens 4,000 [3,781, 4,231] a call, of 142 calls, 4.0 times the median of 29 peers: p = 2.0e-4, adjusted -> shorten",
                "[affinity-mismatch] Runs on gpt-4o; claude-sonnet would gain 0.31 [0.24, 0.39] affinity, of 142 units: P(more than 0.03) = 0.97 -> change the model",
                "[watch] Success 31% [24%, 39%] of 142 calls: P(below 20%) = >0.99, too unsure for a finding",
                "[insufficient] 5 evidence units, 3 more needed: affinity-mismatch",
                "[insufficient] 0 peers, 8 more needed: low-success, cost-outlier",
            ]
        );
        let json = serde_json::to_value(&said).unwrap();
        assert_eq!(
            (&json[0]["standing"], &json[0]["detector"]),
            (&"finding".into(), &"high-negative".into())
        );
        assert_eq!(json[5]["shortfalls"][1]["verdict"], "insufficient");
        assert!(of(&findings, |_| false).is_empty());
    }
}
