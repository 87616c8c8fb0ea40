//! What a terminal can show: how many colours, and whether marks beyond ASCII. Both are pure functions of what was asked
//! for and of a look-up in the environment.

use std::fmt;
use std::str::FromStr;

/// How many colours are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// None at all: bold, dim, underline and reverse only.
    Mono,
    /// The terminal's own sixteen.
    Ansi16,
    /// Those and xterm's fixed table.
    Ansi256,
    /// Every one.
    True,
}

/// It is not a depth.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no colour depth; write mono, 16, 256 or truecolor.", .0.escape_debug())]
pub struct NotADepth(String);

/// Parts of `TERM` of terminals that show every colour, also where they do not say so in `COLORTERM`, as through SSH.
const TRUE_COLOUR: [&str; 8] =
    ["kitty", "alacritty", "wezterm", "ghostty", "foot", "contour", "rio", "direct"];

impl Depth {
    /// All, the poorest first.
    pub const ALL: [Depth; 4] = [Depth::Mono, Depth::Ansi16, Depth::Ansi256, Depth::True];

    /// Its name for flags and configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Depth::Mono => "mono",
            Depth::Ansi16 => "16",
            Depth::Ansi256 => "256",
            Depth::True => "truecolor",
        }
    }

    /// None with a `NO_COLOR` that is not empty (<https://no-color.org>), else the depth that the configuration asks for,
    /// else what `COLORTERM` says, else what is known of the `TERM`. A flag that asks for colours goes before all of it:
    /// then `env` knows no `NO_COLOR`.
    pub fn detect(asked: Option<Depth>, env: impl Fn(&str) -> Option<String>) -> Depth {
        let said = |name: &str| env(name).unwrap_or_default().to_ascii_lowercase();
        if !said("NO_COLOR").is_empty() {
            return Depth::Mono;
        }
        if let Some(depth) = asked {
            return depth;
        }
        if matches!(said("COLORTERM").as_str(), "truecolor" | "24bit") {
            return Depth::True;
        }
        let term = said("TERM");
        match term.as_str() {
            "dumb" => Depth::Mono,
            // Windows has no TERM; its own terminal says this.
            "" if !said("WT_SESSION").is_empty() => Depth::True,
            term if term.split(['-', '+', '.']).any(|part| TRUE_COLOUR.contains(&part)) => Depth::True,
            term if term.ends_with("-256color") => Depth::Ansi256,
            _ => Depth::Ansi16,
        }
    }
}

/// Whether only ASCII may be shown: as asked by configuration; else on the console of Linux, whose fonts have few marks, on
/// a dumb terminal, and where the locale (`LC_ALL`, else `LC_CTYPE`, else `LANG`) is not UTF-8. Windows has no such names,
/// and shows all.
pub fn ascii_only(asked: Option<bool>, env: impl Fn(&str) -> Option<String>) -> bool {
    if let Some(ascii) = asked {
        return ascii;
    }
    let said = |name: &str| env(name).filter(|value| !value.is_empty());
    if matches!(said("TERM").as_deref(), Some("linux" | "dumb")) {
        return true;
    }
    match ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(said) {
        Some(locale) => {
            let locale = locale.to_ascii_lowercase();
            !(locale.contains("utf-8") || locale.contains("utf8"))
        }
        None => !cfg!(windows),
    }
}

impl fmt::Display for Depth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Depth {
    type Err = NotADepth;

    fn from_str(text: &str) -> Result<Self, NotADepth> {
        // `true` is short for it.
        let name = if text == "true" { "truecolor" } else { text };
        Depth::ALL.into_iter().find(|depth| depth.name() == name).ok_or_else(|| NotADepth(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `A=1 B=2` as an environment.
    fn env(text: &str) -> impl Fn(&str) -> Option<String> + '_ {
        move |name| {
            let of_name = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned);
            text.split(' ').find_map(of_name)
        }
    }

    #[test]
    fn depth_is_read_from_the_environment_in_order() {
        for (said, expected) in [
            ("", Depth::Ansi16),
            ("TERM=dumb", Depth::Mono),
            ("TERM=linux", Depth::Ansi16),
            ("TERM=xterm", Depth::Ansi16),
            ("TERM=screen", Depth::Ansi16),
            ("TERM=vt100", Depth::Ansi16),
            ("TERM=xterm-256color", Depth::Ansi256),
            ("TERM=tmux-256color", Depth::Ansi256),
            ("TERM=xterm-256color COLORTERM=truecolor", Depth::True),
            ("TERM=xterm-256color COLORTERM=24bit", Depth::True),
            ("TERM=xterm-256color COLORTERM=TrueColor", Depth::True),
            ("TERM=xterm-256color COLORTERM=1", Depth::Ansi256),
            ("TERM=xterm-kitty", Depth::True),
            ("TERM=alacritty", Depth::True),
            ("TERM=alacritty-direct", Depth::True),
            ("TERM=wezterm", Depth::True),
            ("TERM=xterm-ghostty", Depth::True),
            ("TERM=foot", Depth::True),
            ("TERM=xterm-direct", Depth::True),
            ("TERM=prior", Depth::Ansi16),
            ("WT_SESSION=0a", Depth::True),
            ("TERM=xterm-kitty NO_COLOR=1", Depth::Mono),
            ("TERM=xterm-kitty NO_COLOR=", Depth::True),
            ("COLORTERM=truecolor NO_COLOR=0", Depth::Mono),
        ] {
            assert_eq!(Depth::detect(None, env(said)), expected, "{said}");
        }
        assert_eq!(Depth::detect(Some(Depth::Ansi256), env("TERM=dumb")), Depth::Ansi256);
        assert_eq!(Depth::detect(Some(Depth::Ansi256), env("NO_COLOR=1")), Depth::Mono);
    }

    #[test]
    fn depths_have_names() {
        for depth in Depth::ALL {
            assert_eq!(depth.name().parse(), Ok(depth));
        }
        assert_eq!(["true", "truecolor"].map(str::parse), [Ok(Depth::True), Ok(Depth::True)]);
        let error = "8\u{1b}".parse::<Depth>().unwrap_err().to_string();
        assert_eq!(error, "`8\\u{1b}` is no colour depth; write mono, 16, 256 or truecolor.");
    }

    #[test]
    fn marks_beyond_ascii_need_a_locale_and_a_terminal_that_have_them() {
        for (said, ascii) in [
            ("LANG=en_GB.UTF-8", false),
            ("LANG=C.utf8 TERM=xterm", false),
            ("LANG=C", true),
            ("LANG=de_DE.ISO-8859-1", true),
            ("LANG=en_GB.UTF-8 LC_ALL=C", true),
            ("LANG=en_GB.UTF-8 LC_ALL=", false),
            ("LANG=C LC_CTYPE=en_GB.UTF-8", false),
            ("LC_CTYPE=UTF-8", false),
            ("LANG=en_GB.UTF-8 TERM=linux", true),
            ("LANG=en_GB.UTF-8 TERM=dumb", true),
        ] {
            assert_eq!(ascii_only(None, env(said)), ascii, "{said}");
        }
        assert_eq!(ascii_only(None, env("")), !cfg!(windows));
        assert!(ascii_only(Some(true), env("LANG=en_GB.UTF-8")));
        assert!(!ascii_only(Some(false), env("TERM=linux")));
    }
}
