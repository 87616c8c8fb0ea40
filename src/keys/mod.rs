//! The keys of whoever acts at this machine: Ed25519, in the format of OpenSSH, in the platform's keyring or in files that
//! nobody else may read.
//!
//! The configuration folder holds `identity.toml`, which names who may act here and who of them does, and `keys/`, one
//! public file (`.pub`) each and, unless the keyring has it, one private file (mode 0600, perhaps protected by a
//! passphrase). An existing key such as `~/.ssh/id_ed25519` is referred to by its path, and never copied. Knows nothing of
//! stores. Start with [`Keys`].

mod file;
mod keyring;
mod provider;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::domain::identity::{Identity, PublicKey};
use crate::engine::seal::Pen;
pub use file::{fingerprint, public_line, read_public};
pub use keyring::KeyringFault;
pub use provider::{keep_provider_key, provider_key};

/// A passphrase. Erased when it is dropped, and never printed.
pub type Passphrase = Zeroizing<String>;

/// Why a key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or written.
    #[error("`{}` cannot be {verb} ({error}). Check the path and its permissions.", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// `read` or `written`.
        verb: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// The key is not where it was.
    #[error(
        "the key of {identity} is not in `{}` any more. Bring it back, or make another identity with `human steward init NAME`.",
        path.display()
    )]
    Gone {
        /// Whose.
        identity: Identity,
        /// Where it was.
        path: PathBuf,
    },
    /// Others may read the private key.
    #[error(
        "the private key `{}` may be read by others (mode {mode:04o}), and is not used. Close it with `chmod 600`, and make a new one if others had access to this machine.",
        path.display()
    )]
    Open {
        /// Which.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It is a key of another kind.
    #[error(
        "`{}` holds a key of the kind {kind}, and decisions are signed with Ed25519. Make one with `ssh-keygen -t ed25519`, or let `human steward init NAME` make one.",
        path.display()
    )]
    Kind {
        /// Which file.
        path: PathBuf,
        /// What it holds.
        kind: String,
    },
    /// It is no key.
    #[error("`{}` is not {what} ({why}). {next}", path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
        /// What was expected.
        what: &'static str,
        /// Why it is not that.
        why: String,
        /// What to do.
        next: &'static str,
    },
    /// The passphrase does not open it.
    #[error("the passphrase does not open `{}`. Try once more; nothing was signed.", .0.display())]
    Wrong(PathBuf),
    /// There is no passphrase to be had.
    #[error(
        "`{}` is protected by a passphrase, and there is no terminal to ask for it on ({error}). Set HUMAN_PASSPHRASE, or run the command in a terminal.",
        path.display()
    )]
    NoPassphrase {
        /// Which file.
        path: PathBuf,
        /// Why it could not be asked for.
        error: std::io::Error,
    },
    /// The keyring does not take a new key.
    #[error(
        "no key was made: {0}. Unlock the platform's keyring and try once more, or keep the key in a file with `--keep-in file`."
    )]
    NotKept(KeyringFault),
    /// The keyring does not hand out a key that was put there.
    #[error("the key of {identity} is in the platform's keyring, and nothing was signed: {fault}. {}", fault.next())]
    NotGiven {
        /// Whose.
        identity: Identity,
        /// Why not.
        fault: KeyringFault,
    },
    /// The list of identities is not valid.
    #[error("`{}` is not valid ({why}). Correct it, or move it away and name your key anew with `human steward init NAME --key FILE`.", path.display())]
    List {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// Nobody of this name has a key here.
    #[error("{name} has no key here{}. `human steward init NAME` makes one.", those(.known))]
    Unknown {
        /// The name asked for.
        name: String,
        /// Who has one.
        known: Vec<Identity>,
    },
    /// A name that several have.
    #[error("`{name}` may be {}. Name one of them in full.", join(.known))]
    Ambiguous {
        /// The name asked for.
        name: String,
        /// Who is called so.
        known: Vec<Identity>,
    },
    /// The identity has another key already.
    #[error(
        "{} has its key in {} already. Leave out --key, --passphrase and --keep-in to use it, or choose another name.",
        .0.name, .0.place()
    )]
    Taken(Card),
}

fn join(identities: &[Identity]) -> String {
    identities.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")
}

fn those(identities: &[Identity]) -> String {
    if identities.is_empty() {
        String::new()
    } else {
        format!("; there are the keys of {}", join(identities))
    }
}

/// Results of this room.
pub type Result<T> = std::result::Result<T, KeyError>;

/// Asks for the passphrase of a key file.
pub type Ask<'a> = &'a dyn Fn(&Path) -> std::io::Result<Passphrase>;

/// Somebody with a key here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// Who.
    pub name: Identity,
    /// The private key's file, which is not there where the keyring has the key; in the list relative to the configuration
    /// folder where it is inside.
    pub key: PathBuf,
    /// Whether the platform's keyring has the private half.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_keyring: bool,
}

impl Card {
    /// Where the private half is, for people.
    pub fn place(&self) -> String {
        if self.in_keyring { "the platform's keyring".to_owned() } else { self.key.display().to_string() }
    }
}

/// `identity.toml`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    current: Option<Identity>,
    #[serde(default)]
    identity: Vec<Card>,
}

/// The keys at this machine.
#[derive(Debug, Clone)]
pub struct Keys {
    folder: PathBuf,
}

impl Keys {
    /// Those in a configuration folder, which need not exist yet.
    pub fn of(folder: &Path) -> Keys {
        Keys { folder: folder.to_owned() }
    }

    /// All who have a key here.
    pub fn all(&self) -> Result<Vec<Card>> {
        let list = self.list()?;
        Ok(list.identity.into_iter().map(|card| self.placed(card)).collect())
    }

    /// The steward who acts: `asked` for by name or in full, else the current one; none where nobody is.
    pub fn steward(&self, asked: Option<&str>) -> Result<Option<Card>> {
        let list = self.list()?;
        let stewards: Vec<Card> = list
            .identity
            .into_iter()
            .filter(|card| card.name.is_steward())
            .map(|card| self.placed(card))
            .collect();
        let Some(asked) = asked else {
            return Ok(stewards.into_iter().find(|card| Some(&card.name) == list.current.as_ref()));
        };
        let is_meant = |card: &&Card| {
            card.name.to_string() == asked || card.name.name().is_some_and(|name| name.as_str() == asked)
        };
        let found: Vec<Card> = stewards.iter().filter(is_meant).cloned().collect();
        let names = |cards: &[Card]| cards.iter().map(|card| card.name.clone()).collect();
        match found.as_slice() {
            [one] => Ok(Some(one.clone())),
            [] => Err(KeyError::Unknown { name: asked.escape_debug().to_string(), known: names(&stewards) }),
            several => Err(KeyError::Ambiguous { name: asked.to_owned(), known: names(several) }),
        }
    }

    /// The key of exactly this identity, if it has one here.
    pub fn card(&self, identity: &Identity) -> Result<Option<Card>> {
        Ok(self.all()?.into_iter().find(|card| card.name == *identity))
    }

    /// Makes a key pair for `identity`, protected by the passphrase if there is one.
    pub fn make(&self, identity: &Identity, passphrase: Option<&Passphrase>) -> Result<Card> {
        self.vacant(identity)?;
        let folder = self.folder.join("keys");
        file::make_folder(&folder)?;
        let key = file::make(&folder, identity, passphrase)?;
        self.add(Card { name: identity.clone(), key, in_keyring: false })
    }

    /// Makes a key pair for `identity`, the private half of which the platform's keyring keeps.
    pub fn make_in_keyring(&self, identity: &Identity) -> Result<Card> {
        self.vacant(identity)?;
        let folder = self.folder.join("keys");
        file::make_folder(&folder)?;
        let key = file::make_in_keyring(&folder, identity)?;
        self.add(Card { name: identity.clone(), key, in_keyring: true })
    }

    /// Writes the key of a secret that is known already, as those of a demo are; the same once more changes nothing.
    pub fn keep(&self, identity: &Identity, secret: &[u8; 32]) -> Result<Card> {
        if let Some(card) = self.card(identity)? {
            let is_same = self.public_key(&card)? == Pen::new(identity.clone(), secret).public_key();
            return if is_same { Ok(card) } else { Err(KeyError::Taken(card)) };
        }
        let folder = self.folder.join("keys");
        file::make_folder(&folder)?;
        let key = file::keep(&folder, identity, secret)?;
        self.add(Card { name: identity.clone(), key, in_keyring: false })
    }

    /// Lets `identity` sign with a key that is there already. The file is read to see that it can be used.
    pub fn refer(&self, identity: &Identity, path: &Path) -> Result<Card> {
        self.vacant(identity)?;
        let path = fs::canonicalize(path).map_err(|error| unreadable(path, error))?;
        file::public_half(&path)?;
        self.add(Card { name: identity.clone(), key: path, in_keyring: false })
    }

    /// Makes a steward with a key here the current one.
    pub fn make_current(&self, card: &Card) -> Result<()> {
        let list = self.list()?;
        self.write(&List { current: Some(card.name.clone()), ..list })
    }

    /// The public key, for which neither a passphrase nor the keyring is needed.
    pub fn public_key(&self, card: &Card) -> Result<PublicKey> {
        file::public_key(card).map_err(|error| gone(error, card))
    }

    /// What signs; `ask` is called where a passphrase protects the key.
    pub fn pen(&self, card: &Card, ask: Ask<'_>) -> Result<Pen> {
        let secret = file::secret(card, ask).map_err(|error| gone(error, card))?;
        Ok(Pen::new(card.name.clone(), &secret))
    }

    /// What signs for an agent, whose key no passphrase protects. One that has none here signs with a key of the moment,
    /// which no grant names: it is refused, and that is on record.
    pub fn agent(&self, agent: &Identity) -> Result<Pen> {
        match self.card(agent)? {
            Some(card) => {
                self.pen(&card, &|_| Err(std::io::Error::other("an agent's key has no passphrase")))
            }
            None => Ok(Pen::new(agent.clone(), &file::momentary())),
        }
    }

    /// The file of the public half, where it stands beside the private one.
    pub fn public_file(card: &Card) -> PathBuf {
        file::public_file(&card.key)
    }

    fn vacant(&self, identity: &Identity) -> Result<()> {
        match self.card(identity)? {
            Some(card) => Err(KeyError::Taken(card)),
            None => Ok(()),
        }
    }

    fn add(&self, card: Card) -> Result<Card> {
        let mut list = self.list()?;
        let key = card.key.strip_prefix(&self.folder).unwrap_or(&card.key).to_owned();
        if card.name.is_steward() {
            list.current = Some(card.name.clone());
        }
        list.identity.push(Card { key, ..card.clone() });
        self.write(&list)?;
        Ok(card)
    }

    fn placed(&self, card: Card) -> Card {
        Card { key: self.folder.join(card.key), ..card }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("identity.toml")
    }

    fn list(&self) -> Result<List> {
        let path = self.path();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(List::default()),
            Err(error) => return Err(unreadable(&path, error)),
        };
        toml::from_str(&text).map_err(|e| KeyError::List { path, why: e.message().to_owned() })
    }

    /// Beside the old one first, so that a crash leaves one or the other.
    fn write(&self, list: &List) -> Result<()> {
        let path = self.path();
        let text =
            toml::to_string(list).map_err(|e| KeyError::List { path: path.clone(), why: e.to_string() })?;
        let head = "# Who acts here, and where their private keys are. Written by `human steward init`.\n\n";
        let failed = |error| KeyError::File { path: path.clone(), verb: "written", error };
        fs::create_dir_all(&self.folder).map_err(failed)?;
        let new = self.folder.join(format!("identity.toml.{}", std::process::id()));
        fs::write(&new, format!("{head}{text}")).and_then(|()| fs::rename(&new, &path)).map_err(failed)
    }
}

fn unreadable(path: &Path, error: std::io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), verb: "read", error }
}

fn gone(error: KeyError, card: &Card) -> KeyError {
    match error {
        KeyError::File { path, error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            KeyError::Gone { identity: card.name.clone(), path }
        }
        other => other,
    }
}
