//! Keys: how they are written, and what they do where. The user's keys are a patch over the table's.
//!
//! Start with [`Keymap::new`]. A binding is one chord or several (`g g`); what is bound nearest to the focus wins.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::action::{Action, ROWS, Where};

/// A key without its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// A character, as typed: `G` is one, not Shift and `g`.
    Char(char),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// A function key.
    F(u8),
}

/// A key with its modifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord {
    /// The key.
    pub key: Key,
    /// With Control.
    pub ctrl: bool,
    /// With Alt.
    pub alt: bool,
}

impl Chord {
    /// A key alone.
    pub const fn plain(key: Key) -> Chord {
        Chord { key, ctrl: false, alt: false }
    }

    /// The character that it types, if it types one.
    pub fn typed(self) -> Option<char> {
        match self {
            Chord { key: Key::Char(c), ctrl: false, alt: false } => Some(c),
            _ => None,
        }
    }
}

const NAMES: [(Key, &str); 15] = [
    (Key::Enter, "enter"),
    (Key::Esc, "esc"),
    (Key::Tab, "tab"),
    (Key::BackTab, "shift-tab"),
    (Key::Backspace, "backspace"),
    (Key::Delete, "delete"),
    (Key::Up, "up"),
    (Key::Down, "down"),
    (Key::Left, "left"),
    (Key::Right, "right"),
    (Key::Home, "home"),
    (Key::End, "end"),
    (Key::PageUp, "pgup"),
    (Key::PageDown, "pgdn"),
    (Key::Char(' '), "space"),
];

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let modifiers = match (self.ctrl, self.alt) {
            (true, true) => "ctrl-alt-",
            (true, false) => "ctrl-",
            (false, true) => "alt-",
            (false, false) => "",
        };
        f.write_str(modifiers)?;
        match (NAMES.iter().find(|(key, _)| *key == self.key), self.key) {
            (Some((_, name)), _) => f.write_str(name),
            (None, Key::Char(c)) => write!(f, "{c}"),
            (None, Key::F(n)) => write!(f, "f{n}"),
            (None, _) => Ok(()),
        }
    }
}

impl FromStr for Chord {
    type Err = String;

    fn from_str(s: &str) -> Result<Chord, String> {
        let (mut rest, mut ctrl, mut alt) = (s, false, false);
        loop {
            if let Some(after) = rest.strip_prefix("ctrl-").filter(|after| !after.is_empty()) {
                (rest, ctrl) = (after, true);
            } else if let Some(after) = rest.strip_prefix("alt-").filter(|after| !after.is_empty()) {
                (rest, alt) = (after, true);
            } else {
                break;
            }
        }
        let mut chars = rest.chars();
        let key = match (NAMES.iter().find(|(_, name)| *name == rest), chars.next(), chars.as_str()) {
            (Some((key, _)), ..) => *key,
            (None, Some(c), "") if !c.is_control() => Key::Char(c),
            (None, Some('f'), n) if n.parse::<u8>().is_ok_and(|n| (1..=12).contains(&n)) => {
                Key::F(n.parse().unwrap_or_default())
            }
            _ => {
                return Err(format!(
                    "`{}` is no key; write `a`, `G`, `ctrl-d`, `alt-x`, `f5`, or one of {}",
                    s.escape_debug(),
                    NAMES.map(|(_, name)| name).join(", ")
                ));
            }
        };
        Ok(Chord { key, ctrl, alt })
    }
}

/// Chords one after another.
pub type Chords = Vec<Chord>;

/// Reads `g g`.
pub fn chords(text: &str) -> Result<Chords, String> {
    let read: Chords = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    if read.is_empty() { Err("it names no key".into()) } else { Ok(read) }
}

/// How chords are written.
pub fn written(chords: &[Chord]) -> String {
    chords.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What the user's configuration says of one action's keys: those that it has instead, none to have none.
pub type Patch = BTreeMap<String, Vec<String>>;

/// What a sequence of chords means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// An action.
    Does(Action),
    /// The beginning of some action's keys.
    Begins,
    /// Nothing.
    Nothing,
}

/// Which keys do what.
#[derive(Debug, Clone)]
pub struct Keymap {
    /// By action: its bindings, the one that is shown first.
    bound: BTreeMap<Action, Vec<Chords>>,
}

impl Default for Keymap {
    fn default() -> Self {
        let read = |keys: &[&str]| keys.iter().filter_map(|keys| chords(keys).ok()).collect();
        Keymap { bound: ROWS.iter().map(|row| (row.action, read(row.keys))).collect() }
    }
}

impl Keymap {
    /// The table's keys with a patch over them; all that is wrong with the patch at once.
    pub fn new(patch: &Patch) -> Result<Keymap, Vec<String>> {
        let mut map = Keymap::default();
        let mut faults = Vec::new();
        for (name, keys) in patch {
            let Some(row) = ROWS.iter().find(|row| row.name == name) else {
                let near = ROWS
                    .iter()
                    .map(|row| row.name)
                    .max_by(|a, b| strsim::jaro_winkler(a, name).total_cmp(&strsim::jaro_winkler(b, name)));
                let near = near.unwrap_or_default();
                faults.push(format!("`{}` is no action; did you mean `{near}`?", name.escape_debug()));
                continue;
            };
            let mut bindings = Vec::new();
            for keys in keys {
                match chords(keys) {
                    Ok(chords) => bindings.push(chords),
                    Err(why) => faults.push(format!("{name}: {why}")),
                }
            }
            map.bound.insert(row.action, bindings);
        }
        faults.extend(map.conflicts());
        for needed in [Action::Quit, Action::Back, Action::Help] {
            if map.keys(needed).is_empty() {
                faults.push(format!("{}: it needs a key, or nobody finds a way out", needed.row().name));
            }
        }
        if faults.is_empty() { Ok(map) } else { Err(faults) }
    }

    /// Keys that do two things in one place.
    fn conflicts(&self) -> Vec<String> {
        let mut found = Vec::new();
        let all: Vec<(&Chords, Action)> =
            self.bound.iter().flat_map(|(action, all)| all.iter().map(|keys| (keys, *action))).collect();
        for (i, (keys, action)) in all.iter().enumerate() {
            for (others, other) in &all[i + 1..] {
                let (a, b) = (action.row(), other.row());
                // A place may bind anew what is bound everywhere; what begins alike hides the longer one.
                let alike = keys.starts_with(others) || others.starts_with(keys);
                if a.place == b.place && alike && action != other {
                    found.push(format!(
                        "`{}` ({}) and `{}` ({}) are both at work in {}",
                        written(keys),
                        a.name,
                        written(others),
                        b.name,
                        a.place.words()
                    ));
                }
            }
        }
        found
    }

    /// The bindings of an action.
    pub fn keys(&self, action: Action) -> &[Chords] {
        self.bound.get(&action).map_or(&[], Vec::as_slice)
    }

    /// The binding that hints show.
    pub fn key(&self, action: Action) -> Option<String> {
        self.keys(action).first().map(|chords| written(chords))
    }

    /// The bindings of an action that reach it where `places` are at work: nothing nearer takes them, or their beginning.
    pub fn reaching<'a>(&'a self, action: Action, places: &'a [Where]) -> impl Iterator<Item = &'a Chords> {
        self.keys(action).iter().filter(move |keys| {
            let begins = |n| self.meaning(&keys[..n], places) == Meaning::Begins;
            (1..keys.len()).all(begins) && self.meaning(keys, places) == Meaning::Does(action)
        })
    }

    /// What the chords mean where `places` are at work, the nearest first.
    pub fn meaning(&self, typed: &[Chord], places: &[Where]) -> Meaning {
        let mut begins = false;
        for place in places {
            for row in ROWS.iter().filter(|row| row.place == *place) {
                for keys in self.keys(row.action) {
                    if keys == typed {
                        return Meaning::Does(row.action);
                    }
                    begins |= keys.len() > typed.len() && keys.starts_with(typed);
                }
            }
            if begins {
                return Meaning::Begins;
            }
        }
        Meaning::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chords_are_read_as_they_are_written() {
        for text in
            ["a", "G", "ctrl-d", "alt-x", "ctrl-alt-x", "f5", "space", "shift-tab", "-", "ctrl--", "?"]
        {
            assert_eq!(text.parse::<Chord>().map(|c| c.to_string()), Ok(text.to_owned()));
        }
        for text in ["", "hyper-x", "ab", "f13", "ctrl-"] {
            assert!(text.parse::<Chord>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_tables_own_keys_have_no_conflicts() {
        let keymap = Keymap::new(&Patch::new()).unwrap();
        for row in ROWS {
            for (keys, read) in row.keys.iter().zip(keymap.keys(row.action)) {
                assert_eq!(written(read), *keys, "{}", row.name);
            }
            assert_eq!(row.keys.len(), keymap.keys(row.action).len(), "{}", row.name);
        }
    }

    #[test]
    fn all_faults_of_a_patch_are_named_at_once() {
        let patch = Patch::from([
            ("acept".into(), vec!["x".into()]),
            ("quit".into(), vec![]),
            ("help".into(), vec!["hyper-h".into()]),
            ("palette".into(), vec!["/".into()]),
        ]);
        let faults = Keymap::new(&patch).unwrap_err();
        assert_eq!(faults.len(), 5, "{faults:#?}");
    }

    #[test]
    fn a_patch_replaces_the_keys_of_an_action() {
        let patch = Patch::from([("top".into(), vec!["ctrl-t".into(), "g t".into()])]);
        let keymap = Keymap::new(&patch).unwrap();
        assert_eq!(keymap.key(Action::Top).as_deref(), Some("ctrl-t"));
        let places = [Where::List, Where::Everywhere];
        let (g, t) = ("g".parse().unwrap(), "t".parse().unwrap());
        assert_eq!(keymap.meaning(&[g], &places), Meaning::Begins);
        assert_eq!(keymap.meaning(&[g, t], &places), Meaning::Does(Action::Top));
        assert_eq!(keymap.meaning(&[g, g], &places), Meaning::Nothing);
    }
}
