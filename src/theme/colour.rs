//! Colours: as a theme says them, as far as a terminal can show them, and how far apart they look.
//!
//! Distances and hues are those of `OKLab` (Björn Ottosson, 2020, <https://bottosson.github.io/posts/oklab/>), in which 0.02
//! is about the least difference that is seen.

use std::sync::LazyLock;

use ratatui::style::Color;

use super::depth::Depth;

/// A colour as a theme says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shade {
    /// The terminal's own ground or text.
    Default,
    /// One of the terminal's sixteen.
    Ansi(u8),
    /// An exact one.
    Exact(Rgb),
}

/// An sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rgb(pub(super) u8, pub(super) u8, pub(super) u8);

/// Lightness, from green to red, from blue to yellow.
pub(super) type Oklab = [f64; 3];

/// Names of the sixteen, in the terminal's order, and `default` after them.
pub(super) const ANSI_NAMES: [&str; 17] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
    "default",
];
const ANSI: [Color; 16] = [
    Color::Black,
    Color::Red,
    Color::Green,
    Color::Yellow,
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Gray,
    Color::DarkGray,
    Color::LightRed,
    Color::LightGreen,
    Color::LightYellow,
    Color::LightBlue,
    Color::LightMagenta,
    Color::LightCyan,
    Color::White,
];
/// The six of the sixteen that have a hue in every palette, with the angle at which it usually lies. The bright ones are
/// greys in Solarized, and the greys may be the ground.
const HUES: [(u8, f64); 6] = [(1, 25.0), (3, 84.0), (2, 137.0), (6, 200.0), (4, 262.0), (5, 330.0)];
/// A text whose tint differs from that of ordinary text by less has no hue of its own.
const PLAIN_TEXT: f64 = 0.045;
/// A ground whose tint differs from the screen's by less has no hue of its own.
const PLAIN_GROUND: f64 = 0.02;
/// From here on a ground is tinted so much that grey would not do for it.
const TINTED_GROUND: f64 = 0.025;
/// Less colourful than this is grey.
const GREY: f64 = 0.03;

impl Shade {
    /// Reads `#rrggbb` or the name of one of the terminal's colours.
    pub(super) fn parse(text: &str) -> Option<Shade> {
        if let Some(at) = ANSI_NAMES.iter().position(|name| *name == text) {
            return Some(if at == 16 { Shade::Default } else { Shade::Ansi(at as u8) });
        }
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let [_, r, g, b] = u32::from_str_radix(digits, 16).ok()?.to_be_bytes();
        Some(Shade::Exact(Rgb(r, g, b)))
    }

    /// The terminal's colour for it; `nearest` finds those of exact ones.
    fn named(self, nearest: impl Fn(Rgb) -> Color) -> Color {
        match self {
            Shade::Default => Color::Reset,
            Shade::Ansi(n) => ANSI[usize::from(n) % 16],
            Shade::Exact(rgb) => nearest(rgb),
        }
    }
}

impl Rgb {
    /// The channels as amounts of light, 0 to 1.
    pub(super) fn linear(self) -> [f64; 3] {
        [self.0, self.1, self.2].map(|channel| {
            let v = f64::from(channel) / 255.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        })
    }

    pub(super) fn oklab(self) -> Oklab {
        oklab(self.linear())
    }

    /// The nearest of the colours 16 to 255, which are the same on every terminal; the first sixteen are not. Or the
    /// nearest of them that is no grey: the dark green ground of a line that came must not end as the same grey as the
    /// dark red one of a line that went.
    fn nearest_of_256(self, coloured: bool) -> u8 {
        static FIXED: LazyLock<Vec<Oklab>> =
            LazyLock::new(|| (16..=255).map(|index| fixed(index).oklab()).collect());
        let here = self.oklab();
        let allowed = |[_, a, b]: &Oklab| !coloured || a.hypot(*b) > GREY;
        let far =
            |[l, a, b]: &Oklab| (l - here[0]).powi(2) + 2.0 * ((a - here[1]).powi(2) + (b - here[2]).powi(2));
        let choices = FIXED.iter().enumerate().filter(|(_, lab)| allowed(lab));
        let nearest = choices.min_by(|(_, a), (_, b)| far(a).total_cmp(&far(b)));
        nearest.map_or(16, |(at, _)| at as u8 + 16)
    }
}

/// `OKLab` of linear light.
pub(super) fn oklab([red, green, blue]: [f64; 3]) -> Oklab {
    let long = (0.412_221_470_8 * red + 0.536_332_536_3 * green + 0.051_445_992_9 * blue).cbrt();
    let medium = (0.211_903_498_2 * red + 0.680_699_545_1 * green + 0.107_396_956_6 * blue).cbrt();
    let short = (0.088_302_461_9 * red + 0.281_718_837_6 * green + 0.629_978_700_5 * blue).cbrt();
    [
        0.210_454_255_3 * long + 0.793_617_785_0 * medium - 0.004_072_046_8 * short,
        1.977_998_495_1 * long - 2.428_592_205_0 * medium + 0.450_593_709_9 * short,
        0.025_904_037_1 * long + 0.782_771_766_2 * medium - 0.808_675_766_0 * short,
    ]
}

/// The colour that xterm's table has at an index from 16 on: a cube of six levels, and 24 greys.
fn fixed(index: u8) -> Rgb {
    if index >= 232 {
        let level = 8 + 10 * (index - 232);
        return Rgb(level, level, level);
    }
    let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
    let cube = index.saturating_sub(16);
    Rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6))
}

/// The one of the six hues that is nearest to that of a colour.
fn hue([_, a, b]: Oklab) -> Shade {
    let angle = b.atan2(a).to_degrees();
    let turn = |hue: f64| ((angle - hue + 540.0).rem_euclid(360.0) - 180.0).abs();
    let nearest = HUES.iter().min_by(|(_, x), (_, y)| turn(*x).total_cmp(&turn(*y)));
    nearest.map_or(Shade::Default, |(index, _)| Shade::Ansi(*index))
}

/// The ordinary text and the ground of a screen, to which other colours are compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen {
    pub(super) text: Option<Shade>,
    pub(super) ground: Option<Shade>,
}

impl Screen {
    /// What a terminal shows of a text colour and a ground.
    ///
    /// Sixteen colours are the user's own, and nobody knows which: exact grounds are given up for the terminal's, what is as
    /// grey as the text becomes its text colour, and hues become the nearest of its six. A ground's hue is kept as that of
    /// the text where the text has none. Without colour nothing is named at all, as the terminal library loses bold and
    /// reverse otherwise.
    pub(super) fn shown(
        self,
        fg: Option<Shade>,
        bg: Option<Shade>,
        depth: Depth,
    ) -> (Option<Color>, Option<Color>) {
        match depth {
            Depth::Mono => (None, None),
            Depth::Ansi16 => {
                let hue_of = |shade, reference, least| match shade {
                    Some(Shade::Exact(rgb)) => (tint(rgb, reference) >= least).then(|| hue(rgb.oklab())),
                    other => other,
                };
                // Text in the screen's own ground stands on a bright one, whose hue is meant.
                let of_text = fg.filter(|fg| Some(*fg) != self.ground);
                let of_ground = bg.filter(|bg| matches!(bg, Shade::Exact(_)));
                let fg = hue_of(of_text, self.text, PLAIN_TEXT)
                    .or_else(|| hue_of(of_ground, self.ground, PLAIN_GROUND))
                    .or(fg.map(|_| Shade::Default));
                let bg = bg.filter(|bg| !matches!(bg, Shade::Exact(_)));
                let named = |shade: Shade| shade.named(|_| Color::Reset);
                (fg.map(named), bg.map(named))
            }
            Depth::Ansi256 => {
                let text = |rgb: Rgb| Color::Indexed(rgb.nearest_of_256(false));
                let ground =
                    |rgb: Rgb| Color::Indexed(rgb.nearest_of_256(tint(rgb, self.ground) >= TINTED_GROUND));
                (fg.map(|shade| shade.named(text)), bg.map(|shade| shade.named(ground)))
            }
            Depth::True => {
                let named = |shade: Shade| shade.named(|Rgb(r, g, b)| Color::Rgb(r, g, b));
                (fg.map(named), bg.map(named))
            }
        }
    }
}

/// How far a colour's tint is from that of another, or from grey where that has none.
fn tint(rgb: Rgb, reference: Option<Shade>) -> f64 {
    let [_, a, b] = rgb.oklab();
    let [_, c, d] = match reference {
        Some(Shade::Exact(reference)) => reference.oklab(),
        _ => [0.0; 3],
    };
    (a - c).hypot(b - d)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_read_as_they_are_written() {
        assert_eq!(Shade::parse("#1E90ff"), Some(Shade::Exact(Rgb(0x1e, 0x90, 0xff))));
        assert_eq!(Shade::parse("bright-black"), Some(Shade::Ansi(8)));
        assert_eq!(Shade::parse("default"), Some(Shade::Default));
        for wrong in ["", "#", "#12345", "#1234567", "#+12345", "grün", "Red", "#ééé"] {
            assert_eq!(Shade::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn colours_of_the_table_are_their_own_nearest() {
        for index in 16..=255 {
            let near = fixed(fixed(index).nearest_of_256(false));
            assert_eq!(near, fixed(index));
        }
    }

    #[test]
    fn hues_become_those_of_the_sixteen_and_greys_the_default() {
        let dark = Shade::parse("#1e1e2e");
        let screen = Screen { text: Shade::parse("#cdd6f4"), ground: dark };
        for (exact, expected) in [
            ("#f38ba8", Color::Red),
            ("#a6e3a1", Color::Green),
            ("#f9e2af", Color::Yellow),
            ("#89b4fa", Color::Blue),
            ("#cba6f7", Color::Magenta),
            ("#94e2d5", Color::Cyan),
            ("#cdd6f4", Color::Reset),
            ("#a6adc8", Color::Reset),
        ] {
            let (fg, bg) = screen.shown(Shade::parse(exact), None, Depth::Ansi16);
            assert_eq!((fg, bg), (Some(expected), None), "{exact}");
        }
        let button = screen.shown(dark, Shade::parse("#89b4fa"), Depth::Ansi16);
        assert_eq!(button, (Some(Color::Blue), None));
    }
}
