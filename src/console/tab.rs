//! The five tabs.

use super::action::{Action, Where};

/// A tab.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// The leaderboard.
    #[default]
    Prompts,
    /// Which model serves which prompt.
    Affinity,
    /// What waits for a decision.
    Proposals,
    /// What got worse.
    Watch,
    /// What was decided, and the agent.
    Ledger,
}

impl Tab {
    /// All of them, in their order.
    pub const ALL: [Tab; 5] = [Tab::Prompts, Tab::Affinity, Tab::Proposals, Tab::Watch, Tab::Ledger];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Tab::Prompts => "Prompts",
            Tab::Affinity => "Affinity",
            Tab::Proposals => "Proposals",
            Tab::Watch => "Watch",
            Tab::Ledger => "Ledger",
        }
    }

    /// Where its own actions are at work.
    pub const fn place(self) -> Where {
        match self {
            Tab::Prompts => Where::Board,
            Tab::Affinity => Where::Affinity,
            Tab::Proposals => Where::Proposals,
            Tab::Watch => Where::Watch,
            Tab::Ledger => Where::Ledger,
        }
    }

    /// The tab that an action opens.
    pub const fn of(action: Action) -> Option<Tab> {
        match action {
            Action::Tab1 => Some(Tab::Prompts),
            Action::Tab2 => Some(Tab::Affinity),
            Action::Tab3 => Some(Tab::Proposals),
            Action::Tab4 => Some(Tab::Watch),
            Action::Tab5 => Some(Tab::Ledger),
            _ => None,
        }
    }

    /// The action that opens it.
    pub const fn action(self) -> Action {
        match self {
            Tab::Prompts => Action::Tab1,
            Tab::Affinity => Action::Tab2,
            Tab::Proposals => Action::Tab3,
            Tab::Watch => Action::Tab4,
            Tab::Ledger => Action::Tab5,
        }
    }

    /// The tab so many further on, round and round.
    #[must_use]
    pub fn step(self, by: isize) -> Tab {
        Tab::ALL[(self as isize + by).rem_euclid(5) as usize]
    }
}
