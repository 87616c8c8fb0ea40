//! Roles, not colours: how each [`Role`] looks in a theme, at the colour depth of a terminal.
//!
//! Everything that names a colour is in this room. A theme is a file of `themes/` or of the user's configuration; what a
//! terminal cannot show is converted down, and `NO_COLOR` is kept here, because the terminal library loses bold and
//! reverse with it. Start with [`Look`].
//!
//! ```text
//! role      what a piece of the screen means          weight    what it looks like before it has a colour
//! file      one theme's file, with all its faults     catalog   which themes there are; a theme and its heritage
//! colour    colours, and what a depth makes of them   depth     what a terminal can show
//! glyph     marks and their ASCII twins
//! ```

mod catalog;
mod colour;
mod depth;
mod file;
mod glyph;
mod role;
mod weight;

#[cfg(test)]
#[path = "check_tests.rs"]
mod check;

use ratatui::style::Modifier;

pub use catalog::{Theme, ThemeError};
pub use depth::{Depth, NotADepth, ascii_only};
pub use file::{Appearance, Fault};
pub use glyph::{Glyph, eighths, levels};
pub use ratatui::style::Style;
pub use role::Role;

/// How the console looks: a theme at a depth, with or without marks beyond ASCII.
#[derive(Debug, Clone)]
pub struct Look {
    styles: Vec<Style>,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
}

impl Look {
    /// How a theme looks on a terminal of a depth. Every role is resolved here, once.
    pub fn new(theme: &Theme, depth: Depth, ascii: bool) -> Look {
        Look { styles: Role::ALL.iter().map(|role| style(theme, *role, depth)).collect(), ascii }
    }

    /// How a role looks. What has no ground of its own stands on that of its place.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role as usize]
    }

    /// A mark.
    pub fn glyph(&self, glyph: Glyph) -> &'static str {
        glyph.text(self.ascii)
    }
}

impl Default for Look {
    /// The terminal's own sixteen colours, with all marks.
    fn default() -> Self {
        // The theme is compiled in and tested; if it could not be read, weights alone would still say everything.
        let theme = Theme::named(Theme::DEFAULT, None).unwrap_or_else(|_| Theme::bare());
        Look::new(&theme, Depth::Ansi16, false)
    }
}

/// A role's colours as the depth shows them, and its weight: what it always has, and what stands in for colours where they
/// do not tell it from text, are another role's, or lost their ground.
fn style(theme: &Theme, role: Role, depth: Depth) -> Style {
    let screen = theme.tone(Role::Ground).bg;
    let text = theme.tone(Role::Text);
    let tone = theme.tone(role);
    let (fg, bg) = colour::shown(tone.fg, tone.bg, screen, depth);
    let (text_fg, text_bg) = colour::shown(text.fg, text.bg, screen, depth);
    let coloured = fg.unwrap_or_default() != text_fg.unwrap_or_default() && fg.is_some();
    let told = coloured || bg.unwrap_or_default() != text_bg.unwrap_or_default();
    let lost_ground = tone.bg.is_some() && bg.is_none();

    let mut weight = tone.weight | role.always();
    if !told || !tone.own || lost_ground {
        let mut stand_in = role.without_colour();
        stand_in.set(Modifier::DIM, stand_in.contains(Modifier::DIM) && !coloured);
        weight |= stand_in;
    }
    Style { fg, bg, add_modifier: weight, ..Style::new() }
}
