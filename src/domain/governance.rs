//! The rules by which a store decides, as its configuration sets them.
//!
//! Shapes only; `engine::govern` applies them.

use serde::{Deserialize, Serialize};

use super::prompt::Scope;

/// The rules of a store.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Governance {
    /// How many stewards sign before a proposal is applied.
    pub reviewers: Reviewers,
    /// Whether whoever modified a proposal may accept it. Any trusted steward may publish by hand, so that forbidding it
    /// protects only where stewards have agreed to check each other: true unless the configuration says otherwise.
    pub author_may_accept: bool,
    /// How a new version meets its traffic.
    pub guard: Guard,
    /// The share of the sessions that a canary is served to, within (0, 1).
    pub canary_share: f64,
}

impl Default for Governance {
    fn default() -> Self {
        Governance {
            reviewers: Reviewers::default(),
            author_may_accept: true,
            guard: Guard::None,
            canary_share: 0.1,
        }
    }
}

/// How many stewards sign, by the scope of the prompt: each at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reviewers {
    /// Of core prompts.
    pub core: u32,
    /// Of org prompts.
    pub org: u32,
    /// Of user patches.
    pub user: u32,
}

impl Default for Reviewers {
    fn default() -> Self {
        Reviewers { core: 1, org: 1, user: 1 }
    }
}

impl Reviewers {
    /// Of prompts of this scope.
    pub fn of(self, scope: Scope) -> u32 {
        match scope {
            Scope::Core => self.core,
            Scope::Org => self.org,
            Scope::User => self.user,
        }
    }

    /// By whose signatures a canary of this scope is promoted: core is accepted once more, by as many; of others the
    /// acceptance has covered it.
    pub fn promoting(self, scope: Scope) -> u32 {
        if scope == Scope::Core { self.core } else { 1 }
    }
}

/// How a new version meets its traffic.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// All of it at once.
    #[default]
    None,
    /// A share of the sessions first, under a stop rule.
    Canary,
}
