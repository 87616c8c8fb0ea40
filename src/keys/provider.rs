//! Keys to providers of models, in the platform's keyring and nowhere else: by the provider's word, or by the host where a
//! model is asked at another address, so that a key goes only where it was meant to. Start with [`keep_provider_key`].

use zeroize::Zeroizing;

use super::keyring::{self, KeyringFault};

/// Keeps the key to a provider, in place of the one before.
pub fn keep_provider_key(provider: &str, key: &str) -> Result<(), KeyringFault> {
    keyring::put(&entry(provider), key.as_bytes())
}

/// The key to a provider; `None` where none is kept.
pub fn provider_key(provider: &str) -> Result<Option<Zeroizing<String>>, KeyringFault> {
    match keyring::get(&entry(provider)) {
        Ok(key) => Ok(Some(Zeroizing::new(String::from_utf8_lossy(&key).into_owned()))),
        Err(KeyringFault::Gone) => Ok(None),
        Err(fault) => Err(fault),
    }
}

/// What the keyring calls it: no identity begins so.
fn entry(provider: &str) -> String {
    format!("provider {provider}")
}
