//! A prompt's own cases: rendered, judged, and a candidate compared with its base on them. Calling the model is not here.
//!
//! Start with [`judge`] and [`compare`].

use serde::Serialize;
use serde_json::Value;

use crate::domain::cases::{Case, Expect};
use crate::domain::prompt::Name;
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{self, ComposeError};
use crate::engine::stats::beta;
use crate::engine::stats::proportion::{self, CONFIDENCE};

/// A candidate regresses where so few losses among the decided cases would be seen this seldom if it were as good.
const UNLIKELY: f64 = 0.1;
/// It is not worse where surely fewer than this share of all cases is lost.
const MARGIN: f64 = 0.15;

/// The text that a case sends. `layers` are the prompt and what it layers on, from the bottom up.
pub fn render(layers: &[PromptFile], case: &Case) -> Result<String, ComposeError> {
    let org = layers.last().and_then(|top| top.uri.place.org()).map_or("LOCAL", Name::as_str);
    compose::layered(layers, org, &case.variables).map(|composition| composition.text)
}

/// What an answer lacks, a clause for each expectation that it fails; empty for one that passes.
pub fn judge(answer: &str, expect: &Expect) -> Vec<String> {
    let lower = answer.to_lowercase();
    let mut lacks = Vec::new();
    for text in expect.contains.iter().filter(|text| !lower.contains(&text.to_lowercase())) {
        lacks.push(format!("does not hold {text:?}"));
    }
    for text in expect.absent.iter().filter(|text| lower.contains(&text.to_lowercase())) {
        lacks.push(format!("holds {text:?}"));
    }
    if expect.equals.as_ref().is_some_and(|wanted| wanted.trim() != answer.trim()) {
        lacks.push("is another text than expected".to_owned());
    }
    match (&expect.json, json_in(answer)) {
        (None, _) | (Some(Value::Bool(true)), Some(_)) => {}
        (Some(_), None) => lacks.push("is not JSON".to_owned()),
        (Some(wanted), Some(found)) if holds(&found, wanted) => {}
        (Some(wanted), Some(_)) => lacks.push(format!("is JSON without {wanted}")),
    }
    let words = answer.split_whitespace().count();
    if let Some(most) = expect.max_words.filter(|most| words > *most) {
        lacks.push(format!("has {words} words, more than {most}"));
    }
    lacks
}

/// The JSON of an answer: the whole of it, or its one fenced block.
fn json_in(answer: &str) -> Option<Value> {
    let read = |text: &str| serde_json::from_str(text.trim()).ok();
    read(answer).or_else(|| {
        let mut parts = answer.split("```");
        let (_, block, _) = (parts.next()?, parts.next()?, parts.next()?);
        let alone = parts.next().is_none();
        let body = block.split_once('\n').map_or(block, |(_, body)| body);
        read(body).filter(|_| alone)
    })
}

/// Whether `found` is `wanted`, or an object with at least its entries.
fn holds(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| found.get(key).is_some_and(|found| holds(found, wanted)))
        }
        _ => found == wanted,
    }
}

/// What the cases say of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum CasesVerdict {
    /// It loses more cases than chance would have it: not to be proposed.
    Regressed,
    /// It loses fewer than 15 % of all cases, surely, or wins more than chance would have it.
    NotWorse,
    /// Too few cases, or too few that decide.
    Insufficient,
}

/// A candidate against its base, case by case.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Cases that only the candidate passes.
    pub wins: u64,
    /// Cases that only the base passes.
    pub losses: u64,
    /// Cases that both pass, or both fail.
    pub ties: u64,
    /// Wins among the decided cases: a modified Jeffreys interval at 95 %.
    pub win_share: [f64; 2],
    /// The decided cases that it is of.
    pub sample_size: u64,
    /// What they say.
    pub verdict: CasesVerdict,
    /// The names of the cases that were lost.
    pub lost: Vec<String>,
}

/// Whether base and candidate pass a case.
#[derive(Debug, Clone, Copy)]
pub struct Tried<'a> {
    /// The case.
    pub name: &'a str,
    /// Whether the base passes.
    pub base: bool,
    /// Whether the candidate passes.
    pub candidate: bool,
}

/// Compares by the sign test: ties say nothing about which is better, and much about whether it matters.
pub fn compare(tried: &[Tried<'_>]) -> Comparison {
    let count =
        |base, candidate| tried.iter().filter(|t| (t.base, t.candidate) == (base, candidate)).count() as u64;
    let (wins, losses) = (count(false, true), count(true, false));
    let all = tried.len() as u64;
    // Both tails at this confidence leave `UNLIKELY` above the upper end.
    let [_, lost_at_most] = proportion::jeffreys(losses, all, 1.0 - 2.0 * UNLIKELY);
    let verdict = if tail(losses, wins + losses) <= UNLIKELY {
        CasesVerdict::Regressed
    } else if all > 0 && lost_at_most <= MARGIN || tail(wins, wins + losses) <= UNLIKELY {
        CasesVerdict::NotWorse
    } else {
        CasesVerdict::Insufficient
    };
    Comparison {
        wins,
        losses,
        ties: all - wins - losses,
        win_share: proportion::jeffreys(wins, wins + losses, CONFIDENCE),
        sample_size: wins + losses,
        verdict,
        lost: tried.iter().filter(|t| t.base && !t.candidate).map(|t| t.name.to_owned()).collect(),
    }
}

/// P(X ≥ k) of n fair coins, exactly.
fn tail(k: u64, n: u64) -> f64 {
    if k == 0 { 1.0 } else { beta::cdf(k as f64, (n - k) as f64 + 1.0, 0.5) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn expect(value: Value) -> Expect {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn answers_are_judged() {
        for (answer, wanted, lacks) in [
            ("A Penalty applies.", json!({"contains": ["penalty"], "absent": ["cannot"]}), 0),
            ("I cannot.", json!({"contains": ["penalty"], "absent": ["Cannot"]}), 2),
            (" yes\n", json!({"equals": "yes"}), 0),
            ("yes.", json!({"equals": "yes"}), 1),
            ("{\"a\": 1}", json!({"json": true}), 0),
            (
                "Here:\n```json\n{\"a\": {\"b\": 2, \"c\": 3}}\n```\nDone.",
                json!({"json": {"a": {"b": 2}}}),
                0,
            ),
            ("{\"a\": 1}", json!({"json": {"a": 2}}), 1),
            ("a: 1", json!({"json": true}), 1),
            ("```\n1\n```\n```\n2\n```", json!({"json": true}), 1),
            ("one two three", json!({"maxWords": 2}), 1),
        ] {
            assert_eq!(judge(answer, &expect(wanted.clone())).len(), lacks, "{answer} {wanted}");
        }
    }

    #[test]
    fn cases_are_rendered_with_the_layers_below() {
        let file = |text: &str| PromptFile::parse("a", text.as_bytes()).unwrap();
        let below = file("---\nname: a\nhuman.scope: core\nhuman.version: 1.0.0\n---\nBe kind.");
        let top = file(
            "---\nname: b\nhuman.scope: org\nhuman.org: A\nhuman.version: 1.0.0\nhuman.extends: a\ninput: {schema: {x: string}}\n---\n{{base}} Read {{x}}.",
        );
        let case: Case =
            serde_json::from_value(json!({"name": "n", "variables": {"x": "it"}, "expect": {"json": true}}))
                .unwrap();
        assert_eq!(render(&[below.clone(), top.clone()], &case).unwrap(), "Be kind. Read it.");
        let none = Case { variables: serde_json::Map::new(), ..case };
        assert!(render(&[below, top], &none).unwrap_err().to_string().contains('x'));
    }

    fn compared(wins: usize, losses: usize, ties: usize) -> Comparison {
        let tried = |base, candidate, n| vec![Tried { name: "c", base, candidate }; n];
        compare(&[tried(false, true, wins), tried(true, false, losses), tried(true, true, ties)].concat())
    }

    #[test]
    fn verdicts() {
        use CasesVerdict::{Insufficient, NotWorse, Regressed};
        for (wins, losses, ties, verdict) in [
            (0, 0, 0, Insufficient),
            (0, 0, 5, Insufficient),
            (0, 0, 20, NotWorse),
            (3, 0, 0, Insufficient),
            (4, 0, 0, NotWorse),
            (0, 3, 0, Insufficient),
            (0, 4, 0, Regressed),
            (0, 4, 100, Regressed),
            (10, 10, 0, Insufficient),
            (1, 1, 60, NotWorse),
        ] {
            assert_eq!(compared(wins, losses, ties).verdict, verdict, "{wins} {losses} {ties}");
        }
        assert!((tail(4, 4) - 0.0625).abs() < 1e-12 && (tail(2, 4) - 11.0 / 16.0).abs() < 1e-12);
        let said = compared(2, 1, 3);
        assert_eq!((said.ties, said.sample_size, said.lost.len()), (3, 3, 1));
    }

    proptest! {
        #[test]
        fn another_loss_is_never_better_news(wins in 0..30_usize, losses in 0..30_usize, ties in 0..30_usize) {
            let rank = |c: &Comparison| match c.verdict {
                CasesVerdict::Regressed => 0,
                CasesVerdict::Insufficient => 1,
                CasesVerdict::NotWorse => 2,
            };
            // The same cases, one of which was a tie and is lost.
            let (before, after) = (compared(wins, losses, ties + 1), compared(wins, losses + 1, ties));
            prop_assert!(rank(&after) <= rank(&before), "{:?} {:?}", before, after);
        }
    }
}
