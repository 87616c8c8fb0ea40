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

use ratatui::style::{Color, Modifier};

use colour::Screen;

pub use catalog::{Theme, ThemeError};
pub use depth::{Depth, NotADepth, ascii_only};
pub use file::{Appearance, Fault};
pub use glyph::{Glyph, Marks, eighths, levels};
pub use ratatui::style::Style;
pub use role::Role;

/// How the console looks: a theme at a depth, with or without marks beyond ASCII.
#[derive(Debug, Clone)]
pub struct Look {
    styles: Vec<Style>,
    /// Whether only ASCII may be shown.
    pub ascii: bool,
    /// What charts are drawn with, where more than ASCII may be shown.
    pub marks: Marks,
}

impl Look {
    /// How a theme looks on a terminal of a depth. Every role is resolved here, once.
    pub fn new(theme: &Theme, depth: Depth, ascii: bool) -> Look {
        let text = theme.tone(Role::Text);
        let screen = Screen { text: text.fg, ground: theme.tone(Role::Ground).bg };
        let text = screen.shown(text.fg, text.bg, depth);
        let style = |role: &Role| style(theme, *role, screen, depth, text);
        Look { styles: Role::ALL.iter().map(style).collect(), ascii, marks: Marks::default() }
    }

    /// The same, with charts drawn so.
    #[must_use]
    pub fn drawn_with(self, marks: Marks) -> Look {
        Look { marks, ..self }
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

/// What a terminal shows of a text colour and a ground.
type Shown = (Option<Color>, Option<Color>);

/// A role's colours as the depth shows them, and its weight: what it always has, and what stands in for colours where they
/// do not tell it from `text`, are another role's, or lost their ground.
fn style(theme: &Theme, role: Role, screen: Screen, depth: Depth, text: Shown) -> Style {
    let tone = theme.tone(role);
    let (fg, bg) = screen.shown(tone.fg, tone.bg, depth);
    let coloured = fg.is_some() && fg.unwrap_or_default() != text.0.unwrap_or_default();
    let told = coloured || bg.unwrap_or_default() != text.1.unwrap_or_default();
    let lost_ground = tone.bg.is_some() && bg.is_none();

    let mut weight = tone.weight | role.always();
    if !told || !tone.own || lost_ground {
        let mut stand_in = role.without_colour();
        stand_in.set(Modifier::DIM, stand_in.contains(Modifier::DIM) && (!coloured || lost_ground));
        weight |= stand_in;
    }
    Style { fg, bg, add_modifier: weight, ..Style::new() }
}
