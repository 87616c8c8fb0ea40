//! Keys in the format of OpenSSH, in files and in the keyring: made, read and refused. Start with [`make`] and [`secret`].

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::{Ask, Card, KeyError, Passphrase, Result, keyring, unreadable};
use crate::domain::identity::{Hex, Identity, PublicKey};

/// No key file is longer.
const MAX: u64 = 64 << 10;

const PRIVATE: &str = "a private key in the format of OpenSSH";
const CONVERT: &str = "Name a private key file such as `~/.ssh/id_ed25519`.";

/// The name as `ssh-keygen -l` prints it: `SHA256:…`.
pub fn fingerprint(key: PublicKey) -> String {
    ssh_key::PublicKey::from(ssh_key::public::Ed25519PublicKey(key.0))
        .fingerprint(HashAlg::Sha256)
        .to_string()
}

/// The line of a `.pub` file, its comment the identity.
pub fn public_line(key: PublicKey, identity: &Identity) -> String {
    let mut line = ssh_key::PublicKey::from(ssh_key::public::Ed25519PublicKey(key.0));
    line.set_comment(identity.to_string());
    line.to_openssh().unwrap_or_default()
}

/// The key of a `.pub` file, and its comment.
pub fn read_public(path: &Path) -> Result<(PublicKey, String)> {
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|error| unreadable(path, error))?;
    file.take(MAX).read_to_string(&mut text).map_err(|error| unreadable(path, error))?;
    let no_key = |why: String| KeyError::NoKey {
        path: path.to_owned(),
        what: "one public key in the format of OpenSSH",
        why,
        next: "Name the `.pub` file that `human steward init` printed, never the private one.",
    };
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return Err(no_key("it has not exactly one line".into()));
    };
    let key = ssh_key::PublicKey::from_openssh(line).map_err(|e| no_key(e.to_string()))?;
    match key.key_data().ed25519() {
        Some(public) => Ok((Hex(public.0), key.comment().to_owned())),
        None => Err(KeyError::Kind { path: path.to_owned(), kind: key.algorithm().to_string() }),
    }
}

/// `FILE.pub`.
pub(super) fn public_file(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}

/// A folder that only its owner enters.
pub(super) fn make_folder(path: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| unwritten(path, error))
}

/// Makes a key pair by chance.
pub(super) fn make(folder: &Path, identity: &Identity, passphrase: Option<&Passphrase>) -> Result<PathBuf> {
    write(folder, identity, Ed25519Keypair::random(&mut OsRng), passphrase)
}

/// A secret by chance that is kept nowhere.
pub(super) fn momentary() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(Ed25519Keypair::random(&mut OsRng).private.to_bytes())
}

/// Writes the key pair of a secret that is known already.
pub(super) fn keep(folder: &Path, identity: &Identity, secret: &[u8; 32]) -> Result<PathBuf> {
    write(folder, identity, Ed25519Keypair::from_seed(secret), None)
}

/// Makes a key pair by chance whose private half only the keyring holds. The path is that of a file which is not there:
/// the public file stands where it would beside it.
pub(super) fn make_in_keyring(folder: &Path, identity: &Identity) -> Result<PathBuf> {
    let path = place(folder, identity);
    let pair = Ed25519Keypair::random(&mut OsRng);
    let public = Hex(pair.public.0);
    let text = text(pair, identity, None, &path)?;
    keyring::put(&entry(identity, public), text.as_bytes()).map_err(KeyError::NotKept)?;
    write_public(&path, public, identity)?;
    Ok(path)
}

/// What the keyring calls a key: by its fingerprint too, so that the same name in another folder has another entry.
fn entry(identity: &Identity, key: PublicKey) -> String {
    format!("{identity} {}", fingerprint(key))
}

/// Writes a key pair; the private file never existed with more permissions than 0600, and is on the disk when this
/// returns. The public file stands beside it.
fn write(
    folder: &Path,
    identity: &Identity,
    pair: Ed25519Keypair,
    passphrase: Option<&Passphrase>,
) -> Result<PathBuf> {
    let path = place(folder, identity);
    let public = Hex(pair.public.0);
    let text = text(pair, identity, passphrase, &path)?;
    create(&path, text.as_bytes()).map_err(|error| unwritten(&path, error))?;
    write_public(&path, public, identity)?;
    Ok(path)
}

/// Where a new key goes: a name that no other key has, in a file or in the keyring.
fn place(folder: &Path, identity: &Identity) -> PathBuf {
    let name = identity.name().map(ToString::to_string).unwrap_or_default();
    let path = folder.join(&name);
    if !path.exists() && !public_file(&path).exists() {
        return path;
    }
    // Somebody of this name in another organization, or a program.
    let kind = if identity.is_steward() { "" } else { ".agent" };
    let org = identity.org().map(ToString::to_string).unwrap_or_default();
    folder.join(format!("{org}.{name}{kind}"))
}

/// A key pair in the format of OpenSSH; `path` names it in errors.
fn text(
    pair: Ed25519Keypair,
    identity: &Identity,
    passphrase: Option<&Passphrase>,
    path: &Path,
) -> Result<Zeroizing<String>> {
    let unmade = |error: ssh_key::Error| KeyError::NoKey {
        path: path.to_owned(),
        what: "a key that could be made",
        why: error.to_string(),
        next: "Nothing was written.",
    };
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), identity.to_string()).map_err(unmade)?;
    if let Some(passphrase) = passphrase {
        key = key.encrypt(&mut OsRng, passphrase.as_bytes()).map_err(unmade)?;
    }
    key.to_openssh(LineEnding::LF).map_err(unmade)
}

fn write_public(path: &Path, key: PublicKey, identity: &Identity) -> Result<()> {
    let path = public_file(path);
    fs::write(&path, format!("{}\n", public_line(key, identity))).map_err(|error| unwritten(&path, error))
}

fn unwritten(path: &Path, error: io::Error) -> KeyError {
    KeyError::File { path: path.to_owned(), verb: "written", error }
}

fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// The key, still encrypted if it is.
fn read(path: &Path) -> Result<PrivateKey> {
    let mut file = fs::File::open(path).map_err(|error| unreadable(path, error))?;
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(|error| unreadable(path, error))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyError::Open { path: path.to_owned(), mode });
        }
    }
    let mut text = Zeroizing::new(Vec::with_capacity(4 << 10));
    (&mut file).take(MAX).read_to_end(&mut text).map_err(|error| unreadable(path, error))?;
    parse(&text, path)
}

/// A private key, still encrypted if it is; `path` names it in errors.
fn parse(text: &[u8], path: &Path) -> Result<PrivateKey> {
    let key = PrivateKey::from_openssh(text).map_err(|error| KeyError::NoKey {
        path: path.to_owned(),
        what: PRIVATE,
        why: error.to_string(),
        next: CONVERT,
    })?;
    match key.algorithm() {
        Algorithm::Ed25519 => Ok(key),
        other => Err(KeyError::Kind { path: path.to_owned(), kind: other.to_string() }),
    }
}

/// The key of a card that the keyring holds.
fn in_keyring(card: &Card) -> Result<PrivateKey> {
    let text = keyring::get(&entry(&card.name, public_key(card)?))
        .map_err(|fault| KeyError::NotGiven { identity: card.name.clone(), fault })?;
    parse(&text, &card.key)
}

/// The public key of a card, for which neither a passphrase nor the keyring is asked.
pub(super) fn public_key(card: &Card) -> Result<PublicKey> {
    if card.in_keyring { Ok(read_public(&public_file(&card.key))?.0) } else { public_half(&card.key) }
}

/// The public half of a private file, which stands in it in the clear.
pub(super) fn public_half(path: &Path) -> Result<PublicKey> {
    let key = read(path)?;
    match key.public_key().key_data().ed25519() {
        Some(public) => Ok(Hex(public.0)),
        None => Err(KeyError::Kind { path: path.to_owned(), kind: key.algorithm().to_string() }),
    }
}

/// The secret of a card. `ask` is called where a passphrase protects it.
pub(super) fn secret(card: &Card, ask: Ask<'_>) -> Result<Zeroizing<[u8; 32]>> {
    let path = card.key.as_path();
    let mut key = if card.in_keyring { in_keyring(card)? } else { read(path)? };
    if key.is_encrypted() {
        let passphrase =
            ask(path).map_err(|error| KeyError::NoPassphrase { path: path.to_owned(), error })?;
        key = key.decrypt(passphrase.as_bytes()).map_err(|_| KeyError::Wrong(path.to_owned()))?;
    }
    match key.key_data().ed25519() {
        Some(pair) => Ok(Zeroizing::new(pair.private.to_bytes())),
        None => Err(KeyError::Kind { path: path.to_owned(), kind: key.algorithm().to_string() }),
    }
}
