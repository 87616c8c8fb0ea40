//! A theme's file, read with all its faults. What a colour's name means is asked later, when the files that a theme
//! inherits from are read, too.

use std::collections::BTreeMap;
use std::fmt;

use ratatui::style::Modifier;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::colour::{ANSI_NAMES, Shade};
use super::role::Role;
use crate::engine::visible::one_line;

/// What is wrong with a theme's file, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Which file.
    pub file: String,
    /// Which line of it, from 1.
    pub line: usize,
    /// Which key, `roles.accent.bold`; empty where the file is not TOML.
    pub key: String,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub next: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", one_line(&self.file), self.line)?;
        if !self.key.is_empty() {
            write!(f, "`{}` ", one_line(&self.key))?;
        }
        write!(f, "{}; {}", one_line(&self.what), one_line(&self.next))
    }
}

/// For what ground a theme is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Appearance {
    /// Light text on a dark one.
    #[default]
    Dark,
    /// Dark text on a light one.
    Light,
}

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) line: usize,
    pub(super) key: String,
}

impl Place {
    pub(super) fn fault(&self, what: impl Into<String>, next: impl Into<String>) -> Fault {
        let Place { file, line, key } = self.clone();
        Fault { file, line, key, what: what.into(), next: next.into() }
    }
}

/// How a role looks, as a file says it: colours by name.
#[derive(Debug, Clone)]
pub(super) struct Paint {
    pub(super) fg: Option<(String, Place)>,
    pub(super) bg: Option<(String, Place)>,
    pub(super) weight: Modifier,
}

/// One file.
#[derive(Debug, Default)]
pub(super) struct ThemeFile {
    pub(super) appearance: Option<Appearance>,
    pub(super) inherits: Option<(String, Place)>,
    pub(super) palette: BTreeMap<String, Shade>,
    pub(super) roles: BTreeMap<Role, Paint>,
    pub(super) faults: Vec<Fault>,
}

const KEYS: [&str; 5] = ["name", "appearance", "inherits", "palette", "roles"];
const WEIGHTS: [(&str, Modifier); 5] = [
    ("bold", Modifier::BOLD),
    ("dim", Modifier::DIM),
    ("italic", Modifier::ITALIC),
    ("underline", Modifier::UNDERLINED),
    ("reverse", Modifier::REVERSED),
];
const OF_A_ROLE: &str = "a role has fg, bg, bold, dim, italic, underline, reverse";

/// Which of some names was meant, and if none is near, which there are (or where they are said).
pub(super) fn allowed<'n>(
    word: &str,
    names: impl Iterator<Item = &'n str> + Clone,
    otherwise: &str,
) -> String {
    // Distances grow with the square of the length.
    let distance = |name: &&str| strsim::osa_distance(word, name);
    let near = names.filter(|_| word.len() <= 60).min_by_key(distance);
    match near.filter(|name| distance(name) <= 1 + word.len() / 3) {
        Some(name) => format!("did you mean `{name}`? {otherwise}"),
        None => otherwise.to_owned(),
    }
}

/// Reads a file. `stem` is its name, which the key `name` repeats.
pub(super) fn read(text: &str, file: &str, stem: &str) -> ThemeFile {
    let ends = text.match_indices('\n').map(|(at, _)| at).collect();
    let mut reading = Reading { ends, file, out: ThemeFile::default() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map_or(0, |span| span.start);
        let place = reading.place(at, "");
        let fault = place.fault(error.message().trim(), "a theme is a TOML file");
        reading.out.faults.push(fault);
    }
    // What follows from a slip of the pen is not a fault of its own.
    if reading.out.faults.is_empty() {
        reading.theme(table.get_ref(), stem);
    }
    reading.out.faults.sort_by_key(|fault| fault.line);
    reading.out
}

struct Reading<'t> {
    /// Where lines end.
    ends: Vec<usize>,
    file: &'t str,
    out: ThemeFile,
}

type Value<'t> = Spanned<DeValue<'t>>;

impl Reading<'_> {
    fn place(&self, at: usize, key: &str) -> Place {
        let line = self.ends.partition_point(|end| *end < at) + 1;
        Place { file: self.file.to_owned(), line, key: key.to_owned() }
    }

    fn fault(&mut self, place: &Place, what: impl Into<String>, next: impl Into<String>) {
        self.out.faults.push(place.fault(what, next));
    }

    /// The text of a value, or a fault.
    fn string<'v>(&mut self, value: &'v Value<'_>, place: &Place, next: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            self.fault(place, format!("is {}, not a text", value.get_ref().type_str()), next);
        }
        text
    }

    /// The entries of a table, or a fault.
    fn table<'v, 't>(&mut self, value: &'v Value<'t>, place: &Place, next: &str) -> Option<&'v DeTable<'t>> {
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.fault(place, format!("is {}, not a table", value.get_ref().type_str()), next);
        }
        table
    }

    fn theme(&mut self, table: &DeTable<'_>, stem: &str) {
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let place = self.place(key.span().start, name);
            match name {
                "name" => {
                    let next = format!("write name = \"{stem}\", or name the file after it");
                    if let Some(text) = self.string(value, &place, &next)
                        && text != stem
                    {
                        self.fault(&place, format!("is `{text}`, but the file is `{stem}.toml`"), next);
                    }
                }
                "appearance" => {
                    let next = "write \"dark\" or \"light\"";
                    match self.string(value, &place, next) {
                        Some("dark") => self.out.appearance = Some(Appearance::Dark),
                        Some("light") => self.out.appearance = Some(Appearance::Light),
                        Some(text) => self.fault(&place, format!("is `{text}`"), next),
                        None => {}
                    }
                }
                "inherits" => {
                    let text = self.string(value, &place, "write the name of another theme");
                    self.out.inherits = text.map(|text| (text.to_owned(), place));
                }
                "palette" => self.palette(value, &place),
                "roles" => self.roles(value, &place),
                _ => {
                    let known = format!("a theme has {}", KEYS.join(", "));
                    self.fault(&place, "is no key of a theme", allowed(name, KEYS.into_iter(), &known));
                }
            }
        }
    }

    fn palette(&mut self, value: &Value<'_>, place: &Place) {
        let next = "write \"#rrggbb\" or one of the terminal's colours, as in red = \"#f38ba8\"";
        let Some(table) = self.table(value, place, next) else { return };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let place = self.place(key.span().start, &format!("palette.{name}"));
            if name.is_empty() || WEIGHTS.iter().any(|(weight, _)| *weight == name) {
                self.fault(&place, "cannot be a colour's name", "call it something else");
                continue;
            }
            let Some(text) = self.string(value, &place, next) else { continue };
            if let Some(shade) = Shade::parse(text) {
                self.out.palette.insert(name.to_owned(), shade);
            } else {
                let otherwise = format!("write \"#rrggbb\" or one of {}", ANSI_NAMES.join(", "));
                let next = allowed(text, ANSI_NAMES.into_iter(), &otherwise);
                self.fault(&place, format!("is `{text}`, which is no colour"), next);
            }
        }
    }

    fn roles(&mut self, value: &Value<'_>, place: &Place) {
        let next = "write roles as in accent = \"blue bold\"";
        let Some(table) = self.table(value, place, next) else { return };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let place = self.place(key.span().start, &format!("roles.{name}"));
            let Some(role) = Role::ALL.iter().find(|role| role.name() == name) else {
                let names = Role::ALL.iter().map(|role| role.name());
                let next = allowed(name, names, "the commented example of a theme lists every role");
                self.fault(&place, "is no role", next);
                continue;
            };
            let paint = match value.get_ref() {
                DeValue::String(words) => self.words(words, &place),
                DeValue::Table(table) => self.parts(table, &place),
                other => {
                    let next =
                        format!("write \"blue bold\" or {{ fg = \"blue\", bold = true }}; {OF_A_ROLE}");
                    self.fault(&place, format!("is {}, not a text or a table", other.type_str()), next);
                    continue;
                }
            };
            self.out.roles.insert(*role, paint);
        }
    }

    /// `accent bold`: at most one colour, and weights.
    fn words(&mut self, words: &str, place: &Place) -> Paint {
        let mut paint = Paint { fg: None, bg: None, weight: Modifier::empty() };
        for word in words.split_whitespace() {
            if let Some((_, weight)) = WEIGHTS.iter().find(|(name, _)| *name == word) {
                paint.weight |= *weight;
            } else if let Some((first, _)) = &paint.fg {
                let what = format!("has two colours, `{first}` and `{word}`");
                let next = "a ground is written as in { fg = \"text\", bg = \"blue\" }; weights are bold, dim, italic, underline, reverse";
                self.fault(place, what, next);
            } else {
                paint.fg = Some((word.to_owned(), place.clone()));
            }
        }
        paint
    }

    /// `{ fg = "accent", bold = true }`.
    fn parts(&mut self, table: &DeTable<'_>, role: &Place) -> Paint {
        let mut paint = Paint { fg: None, bg: None, weight: Modifier::empty() };
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let place = self.place(key.span().start, &format!("{}.{name}", role.key));
            let weight = WEIGHTS.iter().find(|(weight, _)| *weight == name);
            if let Some((_, weight)) = weight {
                match value.get_ref().as_bool() {
                    Some(on) => paint.weight.set(*weight, on),
                    None => self.fault(
                        &place,
                        format!("is {}, not a boolean", value.get_ref().type_str()),
                        "write true or false",
                    ),
                }
            } else if name == "fg" || name == "bg" {
                let next = "write a colour's name or \"#rrggbb\"";
                let colour = self.string(value, &place, next).map(|text| (text.to_owned(), place));
                if name == "fg" {
                    paint.fg = colour;
                } else {
                    paint.bg = colour;
                }
            } else {
                let names = WEIGHTS.into_iter().map(|(name, _)| name).chain(["fg", "bg"]);
                self.fault(&place, "is no part of a role", allowed(name, names, OF_A_ROLE));
            }
        }
        paint
    }
}
