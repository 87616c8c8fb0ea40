//! For tests: answers out of nothing, so that a screen shows what a test says.

use std::sync::Arc;
use std::time::Instant;

use semver::Version;
use serde_json::json;

use super::harness::{Answers, NOW};
use super::message::Fault;
use super::query::{Query, QueueLine, Reply, Reviewed};
use crate::domain::identity::Hex;
use crate::domain::outcome::Measure;
use crate::domain::proposal::{
    Drafter, Grounds, Kind, Prediction, Proposal, ProposalId, Risk, RiskLevel, RiskReason, Usage,
};
use crate::engine::diff::Diff;
use crate::engine::seal::digest;
use crate::service::live::Pulse;
use crate::service::proposals::{Listed, Publishes, Shown, Signatures};

/// A proposal of the tests.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Its number.
    pub id: u64,
    /// The URI of its prompt.
    pub uri: &'static str,
    /// How much can go wrong.
    pub risk: RiskLevel,
    /// The old and the new text.
    pub texts: (String, String),
    /// What has become of it.
    pub status: &'static str,
}

impl Sample {
    /// A proposal that waits.
    pub fn new(id: u64, uri: &'static str, risk: RiskLevel) -> Sample {
        let old = format!(
            "---\nname: p\n---\nYou answer questions about case {id}.\nBe polite. Be brief. Be polite.\nSay so.\n"
        );
        let new = old.replace("Be polite. Be brief. Be polite.", "Be polite. Be brief.");
        Sample { id, uri, risk, texts: (old, new), status: "open" }
    }

    /// As the service shows it.
    pub fn shown(&self) -> Shown {
        let uri: crate::domain::prompt::PromptUri = self.uri.parse().unwrap();
        let base = Version::new(1, 0, 0);
        let level = self.risk;
        let proposal = Proposal {
            id: ProposalId(self.id),
            prompt_uri: uri.clone(),
            base_version: base.clone(),
            kind: Kind::Text,
            to_version: None,
            title: format!("Remove repeated sentences ({})", self.id),
            rationale: "R1 took out one sentence that stands there twice.".into(),
            text: self.texts.1.clone(),
            evidence: Grounds {
                cause: "high-negative".into(),
                window: ["2026-11-21T00:00:00Z".into(), "2026-11-28T00:00:00Z".into()],
                found: json!({}),
                feedback: vec!["fb-1".into(), "fb-2".into()],
                cases: None,
            },
            evidence_digest: "e5d1".into(),
            predicted: vec![Prediction { measure: Measure::Tokens, effect: -0.1, interval: [-0.2, 0.0] }],
            risk: Risk { level, reasons: vec![RiskReason { level, text: "a reason".into() }] },
            usage: Usage { calls_per_day: 100.0 * self.id as f64, extended_by: vec![] },
            drafted_by: Drafter::Rules { rules: vec!["R1".into()] },
            drafting_cost_usd: 0.0,
            run: Some(7),
            created_at: NOW - 3_600_000 * self.id as i64,
        };
        let open = self.status == "open";
        Shown {
            digest: digest(proposal.text.as_bytes()),
            base_text: self.texts.0.clone(),
            publishes: open.then(|| Publishes { uri: uri.at(Version::new(1, 1, 0)), change: "text" }),
            obstacle: None,
            expectations: vec![],
            history: vec![],
            past: vec![],
            listed: Listed {
                proposal,
                status: self.status,
                until: None,
                signatures: Signatures { by: vec![], needed: 1 },
                canary: None,
            },
        }
    }
}

/// A few proposals of every risk and scope.
pub fn samples() -> Vec<Sample> {
    vec![
        Sample::new(1, "prompt://org/ACME/support.refund-reply", RiskLevel::Low),
        Sample::new(2, "prompt://org/ACME/legal.contract-analysis", RiskLevel::Medium),
        Sample::new(3, "prompt://core/safety.guard", RiskLevel::Low),
        Sample::new(4, "prompt://org/ACME/code.review", RiskLevel::High),
        Sample::new(5, "prompt://user/ACME/ana/support.tone", RiskLevel::Low),
        Sample { status: "rejected", ..Sample::new(6, "prompt://org/ACME/sales.pitch", RiskLevel::Low) },
    ]
}

/// The state of a store with something in it.
pub fn pulse() -> Pulse {
    Pulse {
        prompts: (5, 6),
        calls: 12_345,
        open: 5,
        open_high: 1,
        alarms: Some((1, 0)),
        quarantined: 0,
        newest: Some(NOW),
        steward: Some(("steward://ACME/ana".into(), true)),
        owned: true,
        writable: true,
        store: "store.db".into(),
        as_of: NOW,
    }
}

/// Answers about these proposals; other questions have no answer yet.
pub fn about(samples: Vec<Sample>) -> Answers {
    Box::new(move |query| {
        Some(Ok(match query {
            Query::Pulse => Reply::Pulse(Arc::new(pulse())),
            Query::Proposals => {
                let lines = samples.iter().rev().map(|sample| QueueLine::of(sample.shown().listed));
                Reply::Proposals(Arc::new(lines.collect()))
            }
            Query::Review(id, layout) => {
                let Some(sample) = samples.iter().find(|sample| sample.id == id.0) else {
                    return Some(Err(Fault::new("there is no such proposal")));
                };
                let shown = Arc::new(sample.shown());
                let (old, new) = (&sample.texts.0, &sample.texts.1);
                let diff = Arc::new(Diff::between(old, new, None::<Instant>));
                let laid = layout.lay(old, new, &diff);
                Reply::Review(Arc::new(Reviewed { shown, diff, layout: *layout, laid }))
            }
            _ => return None,
        }))
    })
}

/// Nothing is answered, as while a store is slow.
pub fn silent() -> Answers {
    Box::new(|_| None)
}

/// Nothing can be answered.
pub fn failing() -> Answers {
    Box::new(|_| {
        Some(Err(Fault::new("the store `store.db` cannot be read (disk I/O error). Check the disk.")))
    })
}

/// A digest of tests.
pub fn zeros() -> crate::domain::identity::Digest {
    Hex([0; 32])
}
