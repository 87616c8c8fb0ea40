//! What a role looks like before it has a colour: bold, dimmed, underlined or reversed, and which role lends it its
//! colours where a theme gives it none. So a theme of five lines works, `NO_COLOR` loses no meaning, and no theme can take
//! the underline from a changed word.
#![allow(clippy::match_same_arms, reason = "a line for each kind of role")]

use ratatui::style::Modifier;

use super::role::Role;

const PLAIN: Modifier = Modifier::empty();
const BOLD: Modifier = Modifier::BOLD;
const DIM: Modifier = Modifier::DIM;
const UNDERLINED: Modifier = Modifier::UNDERLINED;
const REVERSED: Modifier = Modifier::REVERSED;

impl Role {
    /// Whose colours a role has that a theme does not set; `None` for those that then look like their surroundings, apart
    /// from their weight. `assets/theme.toml` says the same to who writes a theme.
    pub(super) const fn falls_back_to(self) -> Option<Role> {
        Some(match self {
            Role::Faint | Role::Heading | Role::Insufficient | Role::Hint | Role::Tab => Role::Muted,
            Role::LineNumber | Role::Gap => Role::Muted,
            Role::Border | Role::Backdrop | Role::Axis | Role::Band => Role::Faint,
            Role::BorderActive | Role::Marked | Role::Match | Role::Info | Role::Key => Role::Accent,
            Role::TabActive | Role::ButtonFocused | Role::Variable | Role::Event | Role::Core => Role::Accent,
            Role::Series1 | Role::Series2 | Role::Series3 => Role::Accent,
            Role::Series4 | Role::Series5 | Role::Series6 => Role::Accent,
            Role::Title => Role::Strong,
            Role::PromptHeading => Role::Title,
            Role::Page | Role::ButtonDanger | Role::ToastBad | Role::RiskHigh | Role::Removed => Role::Bad,
            Role::ChipAlert | Role::Escape | Role::RiskMedium => Role::Caution,
            Role::RiskLow | Role::Added => Role::Good,
            Role::AddedWord => Role::Added,
            Role::RemovedWord => Role::Removed,
            Role::Org => Role::Info,
            Role::Dialog => Role::Ground,
            Role::Ground => Role::Text,
            Role::Toast => Role::Chip,
            Role::SelectionIdle => Role::Chip,
            Role::Button => Role::Input,
            _ => return None,
        })
    }

    /// What a role has whatever its colours: what must be seen by who sees no colours.
    pub(super) const fn always(self) -> Modifier {
        match self {
            Role::Strong | Role::Title | Role::Heading | Role::Marked | Role::Key | Role::PromptHeading => {
                BOLD
            }
            Role::Selection | Role::ButtonFocused | Role::ChipAlert | Role::ToastBad => BOLD,
            Role::Bad | Role::RiskHigh | Role::Core => BOLD,
            Role::Match | Role::TabActive | Role::Page | Role::ButtonDanger => BOLD.union(UNDERLINED),
            Role::AddedWord | Role::RemovedWord => UNDERLINED,
            _ => PLAIN,
        }
    }

    /// What a role has besides where no colour tells it. [`Modifier::DIM`] stands in for a fainter colour, and is left out
    /// where there is a colour.
    pub(super) const fn without_colour(self) -> Modifier {
        match self {
            Role::Muted | Role::Faint | Role::Border | Role::Hint | Role::Tab | Role::Backdrop => DIM,
            Role::Insufficient | Role::LineNumber | Role::Gap | Role::Axis | Role::Band => DIM,
            Role::Series3 | Role::Series6 | Role::Heat1 => DIM,
            Role::Accent | Role::BorderActive | Role::Variable | Role::Event => BOLD,
            Role::AddedWord | Role::Series1 | Role::Series4 | Role::Heat3 => BOLD,
            Role::Caution | Role::RiskMedium | Role::Input | Role::Button => UNDERLINED,
            Role::Selection | Role::Page | Role::ChipAlert | Role::ButtonFocused | Role::ButtonDanger => {
                REVERSED
            }
            Role::Toast | Role::ToastBad | Role::Escape | Role::Heat4 => REVERSED,
            Role::SelectionIdle => REVERSED.union(DIM),
            Role::Heat5 => REVERSED.union(BOLD),
            _ => PLAIN,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chain_of_colours_ends() {
        for role in Role::ALL {
            let chain = std::iter::successors(Some(*role), |role| role.falls_back_to());
            assert!(chain.take(10).count() < 10, "{}", role.name());
        }
    }
}
