//! Key files in the format of OpenSSH: made, read and refused. Start with [`make`] and [`secret`].

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::rand_core::OsRng;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use super::{Ask, KeyError, Passphrase, Result, unreadable};
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
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
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
    builder.create(path).map_err(|error| KeyError::File { path: path.to_owned(), verb: "written", error })
}

/// Makes a key pair by chance.
pub(super) fn make(folder: &Path, identity: &Identity, passphrase: Option<&Passphrase>) -> Result<PathBuf> {
    write(folder, identity, Ed25519Keypair::random(&mut OsRng), passphrase)
}

/// Writes the key pair of a secret that is known already.
pub(super) fn keep(folder: &Path, identity: &Identity, secret: &[u8; 32]) -> Result<PathBuf> {
    write(folder, identity, Ed25519Keypair::from_seed(secret), None)
}

/// Writes a key pair; the private file never existed with more permissions than 0600, and is on the disk when this
/// returns. The public file stands beside it.
fn write(
    folder: &Path,
    identity: &Identity,
    pair: Ed25519Keypair,
    passphrase: Option<&Passphrase>,
) -> Result<PathBuf> {
    let public = Hex(pair.public.0);
    let mut path = folder.join(identity.name().map(ToString::to_string).unwrap_or_default());
    let unmade = |path: &Path, why: String| KeyError::NoKey {
        path: path.to_owned(),
        what: "a key that could be made",
        why,
        next: "Nothing was written.",
    };
    let mut key = PrivateKey::new(KeypairData::Ed25519(pair), identity.to_string())
        .map_err(|e| unmade(&path, e.to_string()))?;
    if let Some(passphrase) = passphrase {
        key = key.encrypt(&mut OsRng, passphrase.as_bytes()).map_err(|e| unmade(&path, e.to_string()))?;
    }
    let text = key.to_openssh(LineEnding::LF).map_err(|e| unmade(&path, e.to_string()))?;
    let written = create(&path, text.as_bytes()).or_else(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            return Err(error);
        }
        // Somebody of this name in another organization, or a program.
        let kind = if identity.is_steward() { "" } else { ".agent" };
        let org = identity.org().map(ToString::to_string).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path = folder.join(format!("{org}.{name}{kind}"));
        create(&path, text.as_bytes())
    });
    let failed = |path: &Path, error| KeyError::File { path: path.to_owned(), verb: "written", error };
    written.map_err(|error| failed(&path, error))?;
    let public_path = public_file(&path);
    fs::write(&public_path, format!("{}\n", public_line(public, identity)))
        .map_err(|error| failed(&public_path, error))?;
    Ok(path)
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
    let key = PrivateKey::from_openssh(&*text).map_err(|error| KeyError::NoKey {
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

/// The public half of a private file, which stands in it in the clear.
pub(super) fn public_half(path: &Path) -> Result<PublicKey> {
    let key = read(path)?;
    match key.public_key().key_data().ed25519() {
        Some(public) => Ok(Hex(public.0)),
        None => Err(KeyError::Kind { path: path.to_owned(), kind: key.algorithm().to_string() }),
    }
}

/// The secret of a private file. `ask` is called where a passphrase protects it.
pub(super) fn secret(path: &Path, ask: Ask<'_>) -> Result<Zeroizing<[u8; 32]>> {
    let mut key = read(path)?;
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
