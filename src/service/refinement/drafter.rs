//! Who drafts: the model that is configured where its key is at hand, else rules.

use crate::engine::price::Prices;
use crate::keys;
use crate::llm::{Client, EndpointFault, Key, LlmError};
use crate::service::Service;
use crate::service::error::Result;

/// Who drafts.
#[derive(Debug, Default)]
pub struct Drafter {
    /// The model; without one, rules draft.
    pub client: Option<Client>,
    /// Why rules do although a model is configured.
    pub lacking: Option<String>,
}

impl Service {
    /// Who drafts as it is configured. The model's key is read from the environment, else from the platform's keyring, and
    /// kept nowhere. A key that is in neither is no reason to look at no evidence.
    pub fn drafter(&self) -> Result<Drafter> {
        let Some(endpoint) = &self.config().llm else { return Ok(Drafter::default()) };
        let kept = |provider: &str| {
            let kept = keys::provider_key(provider).map_err(|fault| fault.to_string())?;
            kept.and_then(|key| Key::new(&key)).ok_or_else(|| "it has none for this provider".to_owned())
        };
        let key = match endpoint.key(|variable| std::env::var(variable).ok(), kept) {
            Err(missing @ EndpointFault::NoKey { .. }) => {
                return Ok(Drafter { client: None, lacking: Some(missing.to_string()) });
            }
            key => key.map_err(LlmError::from)?,
        };
        let prices = Prices::new(Self::prices(&self.read()?)?.0);
        Ok(Drafter { client: Some(Client::new(endpoint.clone(), key, prices)?), lacking: None })
    }
}
