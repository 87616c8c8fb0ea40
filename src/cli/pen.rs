//! Whose key signs at this desk: an OpenSSH private key, in a file that the environment names.

use ssh_key::PrivateKey;

use super::{CliError, Result};
use crate::domain::identity::Identity;
use crate::engine::seal::Pen;

/// The variable that names the file of the private key.
const KEY_FILE: &str = "HUMAN_KEY_FILE";
/// The variable that names the steward.
const STEWARD: &str = "HUMAN_STEWARD";

/// The pen of whoever is here; `None` where no key is named.
pub fn pen() -> Result<Option<Pen>> {
    let Some(path) = std::env::var_os(KEY_FILE).filter(|path| !path.is_empty()) else { return Ok(None) };
    let path = std::path::PathBuf::from(path);
    let refused = |why: String| {
        CliError::Usage(format!("the key `{}` ({KEY_FILE}) cannot sign: {why}.", path.display()))
    };
    let who = std::env::var(STEWARD)
        .map_err(|_| refused(format!("{STEWARD} does not say whose it is; write steward://ORG/NAME")))?;
    let who: Identity = who.parse().map_err(|e| refused(format!("{STEWARD}: {e}")))?;
    let key = PrivateKey::read_openssh_file(&path).map_err(|e| refused(e.to_string()))?;
    match key.key_data().ed25519() {
        Some(pair) => Ok(Some(Pen::new(who, &pair.private.to_bytes()))),
        None if key.is_encrypted() => Err(refused("it is protected by a passphrase".into())),
        None => Err(refused("it is no Ed25519 key".into())),
    }
}
