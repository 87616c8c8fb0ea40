//! Affinity mismatch: most calls go to one model, and another would very probably serve the prompt better.

use super::lists::{Scan, WATCH_FROM};
use crate::domain::finding::{Assessment, Detector, Evidence, Lack};
use crate::engine::affinity::{self, Exchange, Observation, Worth};
use crate::engine::evidence::MIN_SIGNALS;
use crate::engine::stats::beta::Scaled;
use crate::engine::stats::gain::probability_of_gain;
use crate::engine::stats::{discovery, proportion};

const THIS: Detector = Detector::AffinityMismatch;
/// Confidence of the interval of a gain.
const CONFIDENCE: f64 = 0.9;

struct Case {
    /// Index of the prompt.
    at: usize,
    /// The model that most calls go to, and the one that seems best of the others.
    models: [u32; 2],
    from: Scaled,
    to: Scaled,
    probability: f64,
    peers: u64,
}

/// Finds prompts that run on the wrong model. A prompt whose calls are spread, no model having more than half, runs
/// on no model in particular: it is not looked at.
pub fn mismatches(scan: &mut Scan, names: &[&str]) {
    let mut cases = Vec::new();
    for (first, group) in scan.task_types() {
        let mut models: Vec<u32> = group.iter().flat_map(|p| p.models.iter().map(|(m, _)| *m)).collect();
        models.sort_unstable();
        models.dedup();
        let judged: Vec<bool> = (first..)
            .zip(group)
            .map(|(at, prompt)| {
                let ran = prompt.models.iter().filter(|(_, o)| o.calls > 0.0).count() as u64;
                !scan.lacks(at, THIS, Lack::Units, prompt.units, MIN_SIGNALS)
                    && !scan.lacks(at, THIS, Lack::Models, ran, 2)
            })
            .collect();
        if !judged.contains(&true) {
            continue;
        }
        let row = |own: &[(u32, Observation)]| -> Vec<Observation> {
            let mut own = own.iter().peekable();
            let of = |m: &u32| own.next_if(|(model, _)| model == m).map(|(_, o)| *o).unwrap_or_default();
            models.iter().map(of).collect()
        };
        let rows: Vec<Vec<Observation>> = group.iter().map(|p| row(&p.models)).collect();
        let heard = group.iter().filter(|p| p.units > 0).count() as u64;
        for (i, worth) in
            affinity::worth(&rows, Exchange::default()).iter().enumerate().filter(|(i, _)| judged[*i])
        {
            let Some([own, other]) = rivals(&rows[i], worth) else { continue };
            let (from, to) = (Scaled::from(&worth[own]), Scaled::from(&worth[other]));
            // Less than the least gain is expected: not a change that one would make, however the odds stand.
            if to.mean() - from.mean() > scan.thresholds.gain {
                cases.push(Case {
                    at: first + i,
                    models: [models[own], models[other]],
                    from,
                    to,
                    probability: probability_of_gain(from, to, scan.thresholds.gain),
                    peers: heard.saturating_sub(1),
                });
            }
        }
    }
    let false_by: Vec<f64> = cases.iter().map(|case| 1.0 - case.probability).collect();
    let mut listed = discovery::bayes_fdr(&false_by, scan.thresholds.false_discovery).into_iter().peekable();
    for (i, case) in cases.iter().enumerate() {
        let found = listed.next_if_eq(&i).is_some();
        if found || case.probability >= WATCH_FROM {
            let assessment = assess(scan, names, case);
            if found { scan.findings.push(assessment) } else { scan.watch.push(assessment) }
        }
    }
}

/// The model with more than half of the calls, and the best of the others that were called.
fn rivals(row: &[Observation], worth: &[Worth]) -> Option<[usize; 2]> {
    let calls: f64 = row.iter().map(|o| o.calls).sum();
    let own = row.iter().position(|o| 2.0 * o.calls > calls)?;
    let others = (0..row.len()).filter(|&m| m != own && row[m].calls > 0.0);
    let other = others.max_by(|&a, &b| worth[a].score().total_cmp(&worth[b].score()).then(b.cmp(&a)))?;
    Some([own, other])
}

fn assess(scan: &Scan, names: &[&str], case: &Case) -> Assessment {
    let prompt = &scan.prompts[case.at];
    let name = |model: u32| names.get(model as usize).map(|name| (*name).to_owned());
    let gain = case.to.mean() - case.from.mean();
    // The two are independent and each is nearly normal where there is evidence.
    let half = proportion::normal_quantile(f64::midpoint(1.0, CONFIDENCE))
        * (case.to.variance() + case.from.variance()).sqrt();
    Assessment {
        prompt_uri: prompt.subject.prompt.clone(),
        detector: THIS,
        task_type: prompt.subject.task_type.to_owned(),
        peers: case.peers,
        estimate: gain,
        interval: [gain - half, gain + half],
        threshold: scan.thresholds.gain,
        sample_size: prompt.units,
        evidence: Evidence::Probability { probability: case.probability },
        expected_gain: gain,
        model: name(case.models[0]),
        better_model: name(case.models[1]),
    }
}
