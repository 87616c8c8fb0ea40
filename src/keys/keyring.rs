//! The platform's keyring: Keychain on macOS, the Credential Manager on Windows, elsewhere whatever answers for the Secret
//! Service on the session's D-Bus (GNOME Keyring, `KWallet`, `KeePassXC`).
//!
//! Asked on a thread of its own and for a limited time: a keyring may hang, or wait for a person to unlock it. Start with
//! [`put`].

use std::sync::{Arc, mpsc};
use std::time::Duration;

use keyring_core::{CredentialStore, Entry, Error};
use zeroize::Zeroizing;

/// What entries are filed under.
const SERVICE: &str = "human";
/// How long a keyring may take to answer at all.
const ANSWER: Duration = Duration::from_secs(5);
/// How long it may take with a person who types its password.
const PERSON: Duration = Duration::from_secs(30);

/// Why the keyring did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyringFault {
    /// There is none, or none that answers.
    #[error("no keyring answers here ({0})")]
    None(String),
    /// Somebody was to unlock it, and did not.
    #[error("the keyring waited {} seconds for somebody to unlock it", PERSON.as_secs())]
    Late,
    /// It is locked, and nobody unlocks it.
    #[error("the keyring is locked ({0})")]
    Locked(String),
    /// There is no such entry.
    #[error("the keyring does not have it any more")]
    Gone,
    /// Anything else.
    #[error("the keyring refused ({0})")]
    Failed(String),
}

impl KeyringFault {
    /// What to do about a key that it holds.
    pub fn next(&self) -> &'static str {
        match self {
            KeyringFault::Gone => {
                "Bring the entry back from a backup, or make another identity with `human steward init NAME`; what was \
                 signed stays."
            }
            _ => "Unlock it, or run the command in the session that it belongs to.",
        }
    }
}

/// Keeps a secret under a name, in place of one that it may have, and sees that it comes back.
pub fn put(name: &str, secret: &[u8]) -> Result<(), KeyringFault> {
    let (entry, secret) = (entry(name)?, Zeroizing::new(secret.to_vec()));
    within(PERSON, move || {
        entry.set_secret(&secret)?;
        let kept = Zeroizing::new(entry.get_secret()?);
        if *kept == *secret {
            Ok(())
        } else {
            Err(Error::BadDataFormat(Vec::new(), "it came back changed".into()))
        }
    })
    .ok_or(KeyringFault::Late)?
    .map_err(|error| fault(&error))
}

/// The secret of this name.
pub fn get(name: &str) -> Result<Zeroizing<Vec<u8>>, KeyringFault> {
    let entry = entry(name)?;
    let got = within(PERSON, move || entry.get_secret().map(Zeroizing::new));
    got.ok_or(KeyringFault::Late)?.map_err(|error| fault(&error))
}

fn entry(name: &str) -> Result<Entry, KeyringFault> {
    let name = name.to_owned();
    match within(ANSWER, move || store()?.build(SERVICE, &name, None)) {
        Some(Ok(entry)) => Ok(entry),
        Some(Err(error)) => Err(KeyringFault::None(why(&error))),
        None => Err(KeyringFault::None(format!("nothing within {} seconds", ANSWER.as_secs()))),
    }
}

#[cfg(target_os = "macos")]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(apple_native_keyring_store::keychain::Store::new()?)
}

#[cfg(windows)]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    Ok(windows_native_keyring_store::Store::new()?)
}

#[cfg(not(any(target_os = "macos", windows)))]
fn store() -> keyring_core::Result<Arc<CredentialStore>> {
    // Without a session's bus libdbus would start one.
    let named = std::env::var_os("DBUS_SESSION_BUS_ADDRESS").is_some_and(|address| !address.is_empty());
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(std::path::PathBuf::from);
    if !named && !runtime.is_some_and(|folder| folder.join("bus").exists()) {
        return Err(Error::NoStorageAccess("this session has no D-Bus".into()));
    }
    Ok(dbus_secret_service_keyring_store::Store::new()?)
}

/// What the work results in, if it does within the limit.
fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (answer, answers) = mpsc::channel();
    // Left to itself where it is late: it ends with the process.
    std::thread::spawn(move || answer.send(work()));
    answers.recv_timeout(limit).ok()
}

fn fault(error: &Error) -> KeyringFault {
    match error {
        Error::NoEntry => KeyringFault::Gone,
        Error::NoStorageAccess(_) => KeyringFault::Locked(why(error)),
        _ => KeyringFault::Failed(why(error)),
    }
}

/// What the platform said, without what the library puts before it.
fn why(error: &Error) -> String {
    match error {
        Error::PlatformFailure(why) | Error::NoStorageAccess(why) => why.to_string(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keyring_that_hangs_is_not_waited_for() {
        assert_eq!(within(Duration::from_millis(20), std::thread::park), None);
        assert_eq!(within(ANSWER, || 7), Some(7));
    }
}
