//! What is planned to be proposed and decided in the demo world, by whom and when: data alone.
//!
//! Whoever makes the world does each through the door that everybody uses; what the rules or the evidence do not allow in
//! a world of few calls does not happen. Versions become active only where the plan of their prompt has no later one, so
//! that numbers do not collide. Start with [`DECISIONS`] and [`RELEASES`].

use crate::domain::call::Millis;
use crate::domain::identity::{GrantScope, Identity};
use crate::domain::outcome::Measure;
use crate::domain::prompt::{Name, Place, PromptUri};
use crate::domain::proposal::{Kind, Prediction};
use crate::engine::seal::{Pen, digest};

use super::prompts::ORG;
use super::world::{DAY_MS, World};

/// Who owns the demo's store.
pub const OWNER: &str = "ana";
/// Another steward, who drafts and comments.
pub const SECOND: &str = "jonas";
/// Days beyond the end of the world for which the agent's last grant holds.
const GRANTED_DAYS: i64 = 60;

/// Something that somebody does at a moment.
#[derive(Debug)]
pub struct Decision {
    /// When: a fraction of the world's time.
    pub at: f64,
    /// Which steward; of what the agent does, whoever is asked.
    pub by: &'static str,
    /// What.
    pub step: Step,
}

/// What somebody does. `key` names the prompt; of its proposals of a kind the newest that waits is meant.
#[derive(Debug)]
pub enum Step {
    /// Allows the agent something.
    Grant {
        /// With which prompts: a pattern.
        prompts: &'static str,
        /// What.
        scopes: &'static [GrantScope],
    },
    /// The agent looks at the last seven days.
    Run,
    /// A steward proposes to put `to` in the place of `from`.
    Propose {
        /// The prompt.
        key: &'static str,
        /// What changes.
        kind: Kind,
        /// One line.
        title: &'static str,
        /// Why.
        rationale: &'static str,
        /// What stands there.
        from: &'static str,
        /// What is to stand there.
        to: &'static str,
    },
    /// A steward puts `to` in the place of `from` in what is proposed.
    Modify {
        /// The prompt.
        key: &'static str,
        /// Of its proposals those of this kind.
        kind: Kind,
        /// What stands there.
        from: &'static str,
        /// What is to stand there.
        to: &'static str,
    },
    /// Accepts.
    Accept {
        /// The prompt.
        key: &'static str,
        /// Of its proposals those of this kind.
        kind: Kind,
        /// What is said for it.
        note: &'static str,
    },
    /// Rejects.
    Reject {
        /// The prompt.
        key: &'static str,
        /// Of its proposals those of this kind.
        kind: Kind,
        /// Why.
        reason: &'static str,
    },
    /// Puts off.
    Defer {
        /// The prompt.
        key: &'static str,
        /// Of its proposals those of this kind.
        kind: Kind,
        /// For how many days.
        days: i64,
    },
    /// Says something.
    Comment {
        /// The prompt.
        key: &'static str,
        /// Of its proposals those of this kind.
        kind: Kind,
        /// What.
        text: &'static str,
    },
    /// Goes back to the version before, by hand.
    Rollback {
        /// The prompt.
        key: &'static str,
        /// Why.
        reason: &'static str,
    },
}

const READS: &[GrantScope] =
    &[GrantScope::TelemetryRead, GrantScope::PromptsRead, GrantScope::ProposalsWrite];
const APPLIES: &[GrantScope] = &[
    GrantScope::TelemetryRead,
    GrantScope::PromptsRead,
    GrantScope::ProposalsWrite,
    GrantScope::PromptsAutoApply,
];

const fn by(by: &'static str, at: f64, step: Step) -> Decision {
    Decision { at, by, step }
}

/// What is decided, in time order.
pub const DECISIONS: &[Decision] = &[
    // Nobody has allowed it anything yet: it is refused, and the ledger says so.
    by(OWNER, 0.22, Step::Run),
    by(OWNER, 0.24, Step::Grant { prompts: "prompt://org/HUMAN_CORP/analysis.*", scopes: APPLIES }),
    by(OWNER, 0.28, Step::Run),
    by(
        SECOND,
        0.286,
        Step::Propose {
            key: "support.triage-intake",
            kind: Kind::Text,
            title: "Name the queue and the urgency in a form that the desk reads",
            rationale: "A third of the first answers is asked again, because nobody can tell where the case went.",
            from: "Use good judgement. Be concise but complete, and stay helpful at all times.",
            to: "Answer in JSON with the fields queue, urgency and reply. Urgency is one of low, normal and high.",
        },
    ),
    by(
        OWNER,
        0.30,
        Step::Reject {
            key: "support.triage-intake",
            kind: Kind::Text,
            reason: "The desk shows the reply as it is: no JSON before its screens can read it.",
        },
    ),
    // The trial goes on elsewhere, where nothing is applied without a steward.
    by(OWNER, 0.60, Step::Grant { prompts: "prompt://org/HUMAN_CORP/extraction.*", scopes: READS }),
    by(OWNER, 0.62, Step::Run),
    by(
        OWNER,
        0.625,
        Step::Accept {
            key: "extraction.resume-profile",
            kind: Kind::Model,
            note: "Recruiting has asked for this since spring.",
        },
    ),
    by(OWNER, 0.632, Step::Defer { key: "extraction.product-attributes", kind: Kind::Model, days: 4 }),
    by(
        SECOND,
        0.70,
        Step::Rollback {
            key: "code.sql-from-question",
            reason: "The second reading in a comment breaks the import of the reporting tool.",
        },
    ),
    by(
        SECOND,
        0.76,
        Step::Propose {
            key: "extraction.invoice-fields",
            kind: Kind::Metadata,
            title: "Say in the description who reads the fields",
            rationale: "The payables team looks for its prompts by that word.",
            from: "description: Reads supplier invoices for the payables ledger.",
            to: "description: Reads supplier invoices for the payables ledger and its auditors.",
        },
    ),
    by(OWNER, 0.86, Step::Run),
    by(
        SECOND,
        0.885,
        Step::Propose {
            key: "draft.job-posting",
            kind: Kind::Metadata,
            title: "Name the owner in the description",
            rationale: "Whoever finds the prompt asks us who looks after it.",
            from: "description: ",
            to: "description: For People Operations. ",
        },
    ),
    by(
        SECOND,
        0.89,
        Step::Propose {
            key: "summarize.research-paper",
            kind: Kind::Metadata,
            title: "Let the agent apply what is of low risk",
            rationale: "Three quarters without a complaint; what is narrow need not wait for us.",
            from: "human.autoTune: false",
            to: "human.autoTune: true",
        },
    ),
    by(
        SECOND,
        0.90,
        Step::Propose {
            key: "support.triage-intake",
            kind: Kind::Text,
            title: "Return JSON: the desk's screens can read it now",
            rationale: "As rejected in the first week; what stood against it then is done.",
            from: "Use good judgement. Be concise but complete, and stay helpful at all times.",
            to: "Return JSON with the fields queue, urgency and reply. Urgency is one of low, normal and high.",
        },
    ),
    by(
        SECOND,
        0.905,
        Step::Propose {
            key: "draft.release-notes",
            kind: Kind::Text,
            title: "Say what the groups are, instead of a sensible way",
            rationale: "Half of the drafts come back with the request to group otherwise.",
            from: "Group them in some sensible way.",
            to: "Group them as new, changed, fixed and removed.",
        },
    ),
    by(
        OWNER,
        0.907,
        Step::Modify {
            key: "draft.release-notes",
            kind: Kind::Text,
            from: "new, changed, fixed and removed.",
            to: "new, changed, fixed, removed and known issues.",
        },
    ),
    by(
        OWNER,
        0.908,
        Step::Comment {
            key: "draft.release-notes",
            kind: Kind::Text,
            text: "Marketing would like to see an example before I sign.",
        },
    ),
    by(
        SECOND,
        0.92,
        Step::Propose {
            key: "legal.contract-analysis",
            kind: Kind::Model,
            title: "Recommend the model that contracts fare best on",
            rationale: "Affinity for it is the highest, and most calls go elsewhere.",
            from: "model: gemini-2.5-pro",
            to: "model: gpt-4o",
        },
    ),
    by(
        OWNER,
        0.925,
        Step::Comment {
            key: "legal.contract-analysis",
            kind: Kind::Model,
            text: "Legal has to confirm the data agreement first.",
        },
    ),
    by(OWNER, 0.93, Step::Grant { prompts: "prompt://org/HUMAN_CORP/support.*", scopes: READS }),
    by(OWNER, 0.95, Step::Run),
    by(
        SECOND,
        0.955,
        Step::Comment {
            key: "extraction.shipping-manifest",
            kind: Kind::Text,
            text: "The callers have filled in the carrier for months.",
        },
    ),
    by(
        OWNER,
        0.96,
        Step::Accept {
            key: "extraction.shipping-manifest",
            kind: Kind::Text,
            note: "Declares what is used anyway.",
        },
    ),
    by(
        SECOND,
        0.965,
        Step::Reject {
            key: "support.refund-reply",
            kind: Kind::Model,
            reason: "What goes to customers about money is not answered by a model that we run on trial.",
        },
    ),
    by(OWNER, 0.97, Step::Grant { prompts: "prompt://org/HUMAN_CORP/*", scopes: READS }),
];

/// A planned version that reaches its prompt as a proposal, where its number is the one that accepting gives.
#[derive(Debug)]
pub struct Release {
    /// The prompt.
    pub key: &'static str,
    /// The planned version.
    pub version: &'static str,
    /// One line.
    pub title: &'static str,
    /// Why.
    pub rationale: &'static str,
    /// Share of negative signals that it is to take away.
    pub less_negative: f64,
}

/// All of them. [`SECOND`] proposes them when the plan publishes them, [`OWNER`] accepts when they become active.
pub const RELEASES: &[Release] = &[
    Release {
        key: "support.order-status",
        version: "1.2.0",
        title: "Give the delivery as a range, and open an enquiry after 72 hours",
        rationale: "Single days were missed in a third of the cases, and customers came back angry.",
        less_negative: 0.4,
    },
    Release {
        key: "support.refund-reply",
        version: "2.1.0",
        title: "One rule for all other cases",
        rationale: "The list of cases has grown; declining with a link is shorter.",
        less_negative: 0.1,
    },
    Release {
        key: "summarize.call-notes",
        version: "1.1.0",
        title: "Follow the form that the sales team agreed on",
        rationale: "Notes are compared across calls.",
        less_negative: 0.1,
    },
    Release {
        key: "summarize.weekly-status",
        version: "1.2.0",
        title: "State what changed since last week",
        rationale: "Readers look for the difference first.",
        less_negative: 0.15,
    },
    Release {
        key: "extraction.lease-terms",
        version: "1.1.0",
        title: "Cover what leases say about renewal",
        rationale: "Two renewals were missed.",
        less_negative: 0.2,
    },
    Release {
        key: "extraction.meeting-actions",
        version: "1.1.0",
        title: "Settle whose action it is",
        rationale: "Actions without an owner came back as corrections.",
        less_negative: 0.2,
    },
    Release {
        key: "code.write-tests",
        version: "1.1.0",
        title: "Say which cases a test must cover",
        rationale: "Reviewers kept asking for the same cases.",
        less_negative: 0.1,
    },
    Release {
        key: "draft.job-posting",
        version: "1.1.0",
        title: "Follow the guide on inclusive postings",
        rationale: "The guide is in force.",
        less_negative: 0.05,
    },
    Release {
        key: "support.billing-question",
        version: "1.1.0",
        title: "Explain proration where it applies",
        rationale: "The most frequent follow-up question.",
        less_negative: 0.2,
    },
    Release {
        key: "analysis.survey-themes",
        version: "1.1.0",
        title: "Keep rare themes apart",
        rationale: "They were merged into the large ones.",
        less_negative: 0.1,
    },
    Release {
        key: "analysis.incident-review",
        version: "1.1.0",
        title: "Separate causes from conditions",
        rationale: "Asked for by the reliability group.",
        less_negative: 0.1,
    },
];

impl Release {
    /// The planned release of this version of a prompt, if there is one.
    pub fn of(uri: &PromptUri) -> Option<&'static Release> {
        let version = uri.version.as_ref()?.to_string();
        RELEASES.iter().find(|r| r.key == uri.key.as_str() && r.version == version)
    }

    /// What whoever drafted it promises.
    pub fn promises(&self) -> Prediction {
        let effect = -self.less_negative;
        Prediction { measure: Measure::Negative, effect, interval: [effect * 1.8, effect * 0.2] }
    }
}

impl World {
    /// The decisions with their moments, in time order.
    pub fn decisions(&self) -> impl Iterator<Item = (Millis, &'static Decision)> + '_ {
        let (start, end) = (self.plan.start(), self.plan.end);
        let at = move |fraction: f64| start + ((end - start) as f64 * fraction) as i64;
        DECISIONS.iter().map(move |decision| (at(decision.at), decision))
    }

    /// A steward of the demo's organization.
    pub fn steward(&self, name: &str) -> Option<Identity> {
        Some(Identity::Steward(ORG.parse().ok()?, name.parse().ok()?))
    }

    /// The demo's agent.
    pub fn agent(&self) -> Option<Identity> {
        Identity::refinement(&ORG.parse().ok()?).ok()
    }

    /// Those whom the owner trusts from the start: another steward, and each user who has patches.
    pub fn stewards(&self) -> Vec<Identity> {
        let users = self.prompts.iter().filter_map(|prompt| match &prompt.uri.place {
            Place::User(_, user) => Some(user.as_str()),
            _ => None,
        });
        let mut names: Vec<&str> =
            std::iter::once(SECOND).chain(users).filter(|name| *name != OWNER).collect();
        names.sort_unstable();
        names.dedup();
        names.into_iter().filter_map(|name| self.steward(name)).collect()
    }

    /// The secret key of somebody in this world. It follows from the seed, so that anybody can have it: it protects a
    /// demo, and nothing else.
    pub fn secret(&self, who: &Identity) -> [u8; 32] {
        digest(format!("demo {} {who}", self.plan.seed).as_bytes()).0
    }

    /// What somebody in this world signs with.
    pub fn pen(&self, who: &Identity) -> Pen {
        Pen::new(who.clone(), &self.secret(who))
    }

    /// Until when the agent's grants hold.
    pub fn granted_until(&self) -> Millis {
        self.plan.end + GRANTED_DAYS * DAY_MS
    }

    /// The prompt with this key that is written by hand, if the world has it.
    pub fn uri_of(&self, key: &str) -> Option<&PromptUri> {
        self.prompts.iter().find(|prompt| prompt.uri.key.as_str() == key).map(|prompt| &prompt.uri)
    }

    /// Who publishes a prompt by hand: the user whose patch it is, else the owner.
    pub fn author(&self, uri: &PromptUri) -> Option<Identity> {
        let user: Option<&Name> = uri.place.user();
        self.steward(user.map_or(OWNER, Name::as_str))
    }
}
