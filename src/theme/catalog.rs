//! Which themes there are, and a theme with all that it inherits. Built-in ones are compiled in; a user's own are files of
//! a folder, and one of the same name wins. Only the theme that is asked for is read.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use ratatui::style::Modifier;

use super::colour::{ANSI_NAMES, Shade};
use super::file::{self, Appearance, Fault, Paint, Place, ThemeFile, allowed};
use super::role::Role;

macro_rules! built_in {
    ($($name:literal)+) => {
        &[$(($name, include_str!(concat!("../../themes/", $name, ".toml"))),)+]
    };
}

/// The themes that are compiled in, the default first.
const BUILT_IN: &[(&str, &str)] = built_in! {
    "terminal" "terminal-mono" "graphite" "catppuccin-mocha" "catppuccin-latte" "gruvbox-dark" "gruvbox-light"
    "tokyo-night" "nord" "solarized-dark" "solarized-light" "contrast" "contrast-light" "deuteranopia" "protanopia"
    "tritanopia"
};
/// A theme's file with every key, commented.
const TEMPLATE: &str = include_str!("../../assets/theme.toml");
/// Most bytes of a theme.
const LONGEST: u64 = 256 << 10;

/// Why there is no such theme.
#[derive(Debug, thiserror::Error)]
pub enum ThemeError {
    /// Nothing has that name.
    #[error("there is no theme `{}`; {next}", .name.escape_debug())]
    Unknown {
        /// What was asked for, at most 100 characters of it.
        name: String,
        /// Which was meant, and which there are.
        next: String,
    },
    /// A user's file cannot be read.
    #[error("the theme `{}` cannot be read ({source}); choose another, or mend the file.", .path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Files are not what they should be.
    #[error("the theme `{name}` cannot be used:\n  {}", lines(.faults))]
    Invalid {
        /// Which theme.
        name: String,
        /// All that is wrong, in all files that belong to it.
        faults: Vec<Fault>,
    },
}

/// Faults, one a line.
fn lines(faults: &[Fault]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n  ")
}

/// How roles are to look: colours as they are meant, before any terminal is asked.
#[derive(Debug, Clone)]
pub struct Theme {
    /// Its name.
    pub name: String,
    /// For what ground it is made.
    pub appearance: Appearance,
    roles: BTreeMap<Role, Tone>,
}

/// How a role is to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tone {
    pub(super) fg: Option<Shade>,
    pub(super) bg: Option<Shade>,
    pub(super) weight: Modifier,
    /// Whether the theme sets the role itself; else another lends it its colours.
    pub(super) own: bool,
}

impl Theme {
    /// The theme that looks right on every terminal.
    pub const DEFAULT: &'static str = BUILT_IN[0].0;

    /// The theme of a name: a user's, if the folder has `<name>.toml`, else one that is compiled in.
    pub fn named(name: &str, user_dir: Option<&Path>) -> Result<Theme, ThemeError> {
        let mut origin = find(name, user_dir).ok_or_else(|| {
            let names = Theme::names(user_dir);
            let otherwise = format!("there are {}.", names.join(", "));
            let next = allowed(name, names.iter().map(String::as_str), &otherwise);
            ThemeError::Unknown { name: name.chars().take(100).collect(), next }
        })?;
        let (mut files, mut seen, mut faults) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            let mut file = origin.read()?;
            faults.append(&mut file.faults);
            seen.push(origin.clone());
            let inherits = file.inherits.take();
            files.push(file);
            let Some((parent, place)) = inherits else { break };
            // A user's variant of a built-in theme may have its name, and inherit from what it replaces.
            let within = user_dir.filter(|_| origin.name() != parent);
            match find(&parent, within) {
                None => {
                    let names = Theme::names(user_dir);
                    let otherwise = format!("there are {}", names.join(", "));
                    let next = allowed(&parent, names.iter().map(String::as_str), &otherwise);
                    faults.push(place.fault(format!("is `{parent}`, which is no theme"), next));
                    break;
                }
                Some(next) if seen.contains(&next) => {
                    let round: Vec<&str> = seen.iter().map(Origin::name).chain([next.name()]).collect();
                    let what = format!("leads round: {}", round.join(" > "));
                    faults
                        .push(place.fault(what, "inherit from a theme that does not inherit from this one"));
                    break;
                }
                Some(next) => origin = next,
            }
        }
        let theme = Theme::of(name, files, &mut faults);
        if faults.is_empty() { Ok(theme) } else { Err(ThemeError::Invalid { name: name.to_owned(), faults }) }
    }

    /// The names of all themes: those that are compiled in, the default first, then a user's own by name.
    pub fn names(user_dir: Option<&Path>) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        // No folder, no themes.
        let entries = user_dir.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten().flatten();
        let mut own: Vec<String> = entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .filter(|name| is_name(name) && !names.contains(name))
            .collect();
        own.sort();
        names.append(&mut own);
        names
    }

    /// A theme's file with every key and every role, commented, to begin one of one's own with.
    pub fn template() -> &'static str {
        TEMPLATE
    }

    /// The theme that sets no role: weights alone.
    pub(super) fn bare() -> Theme {
        Theme { name: String::new(), appearance: Appearance::default(), roles: BTreeMap::new() }
    }

    /// A theme of its files, the heir first.
    fn of(name: &str, files: Vec<ThemeFile>, faults: &mut Vec<Fault>) -> Theme {
        let mut appearance = None;
        let mut palette = BTreeMap::new();
        let mut paints: BTreeMap<Role, Paint> = BTreeMap::new();
        for file in files.into_iter().rev() {
            appearance = file.appearance.or(appearance);
            palette.extend(file.palette);
            paints.extend(file.roles);
        }
        let mut shade = |colour: Option<(String, Place)>| {
            let (word, place) = colour?;
            let found = palette.get(&word).copied().or_else(|| Shade::parse(&word));
            if found.is_none() {
                let otherwise =
                    "write \"#rrggbb\", a name of the palette or of one of the terminal's colours";
                let names = palette.keys().map(String::as_str).chain(ANSI_NAMES);
                let fault =
                    place.fault(format!("names no colour: `{word}`"), allowed(&word, names, otherwise));
                faults.push(fault);
            }
            found
        };
        let roles = paints
            .into_iter()
            .map(|(role, Paint { fg, bg, weight })| {
                (role, Tone { fg: shade(fg), bg: shade(bg), weight, own: true })
            })
            .collect();
        Theme { name: name.to_owned(), appearance: appearance.unwrap_or_default(), roles }
    }

    /// How a role is to look: as the theme says, or as the role that lends its colours.
    pub(super) fn tone(&self, role: Role) -> Tone {
        match (self.roles.get(&role), role.falls_back_to()) {
            (Some(tone), _) => *tone,
            (None, Some(lender)) => Tone { own: false, ..self.tone(lender) },
            (None, None) => Tone { fg: None, bg: None, weight: Modifier::empty(), own: false },
        }
    }
}

/// Where a theme's file is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Origin {
    BuiltIn(&'static str, &'static str),
    User(String, PathBuf),
}

impl Origin {
    fn name(&self) -> &str {
        match self {
            Origin::BuiltIn(name, _) => name,
            Origin::User(name, _) => name,
        }
    }

    fn read(&self) -> Result<ThemeFile, ThemeError> {
        match self {
            Origin::BuiltIn(name, text) => Ok(file::read(text, &format!("themes/{name}.toml"), name)),
            Origin::User(name, path) => {
                let text = text(path).map_err(|source| ThemeError::Read { path: path.clone(), source })?;
                Ok(file::read(&text, &path.display().to_string(), name))
            }
        }
    }
}

fn find(name: &str, user_dir: Option<&Path>) -> Option<Origin> {
    let path = user_dir.filter(|_| is_name(name)).map(|folder| folder.join(format!("{name}.toml")));
    if let Some(path) = path.filter(|path| path.exists()) {
        return Some(Origin::User(name.to_owned(), path));
    }
    BUILT_IN.iter().find(|(known, _)| *known == name).map(|(name, text)| Origin::BuiltIn(name, text))
}

/// Whether a name leads to a file of the folder, and nowhere else.
fn is_name(name: &str) -> bool {
    let letters = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && !name.starts_with('.') && name.chars().all(letters)
}

/// A theme's text. A pipe would be waited for, and a device read without end.
fn text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut text = String::new();
    fs::File::open(path)?.take(LONGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST { Err(io::Error::other("it is too long for a theme")) } else { Ok(text) }
}

#[cfg(test)]
#[path = "catalog_tests.rs"]
mod tests;
