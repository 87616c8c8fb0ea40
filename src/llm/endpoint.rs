//! Where a model is asked, and with which key. The key itself is never part of the configuration: it is read from the
//! environment, or handed over by who reads a keyring, and lives in a [`Key`] that no print shows.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;

use super::budget::Limits;

/// The interface that an endpoint speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// `POST …/chat/completions`, as `OpenAI` and many others take it.
    OpenAi,
    /// `POST …/messages`.
    Anthropic,
    /// `POST …/api/chat`, without a version in the path.
    Ollama,
}

impl Provider {
    /// The word in configuration, telemetry and price tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::OpenAi => "openai",
            Provider::Anthropic => "anthropic",
            Provider::Ollama => "ollama",
        }
    }

    /// Where the provider itself is.
    fn own_url(self) -> &'static str {
        match self {
            Provider::OpenAi => "https://api.openai.com/v1/",
            Provider::Anthropic => "https://api.anthropic.com/v1/",
            Provider::Ollama => "http://127.0.0.1:11434/",
        }
    }

    /// The variable that usually holds the provider's key.
    fn own_key(self) -> Option<&'static str> {
        match self {
            Provider::OpenAi => Some("OPENAI_API_KEY"),
            Provider::Anthropic => Some("ANTHROPIC_API_KEY"),
            Provider::Ollama => None,
        }
    }
}

/// A key to a provider. Its text leaves only towards the endpoint: it has no `Display`, and `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key from elsewhere than the environment; `None` where nothing but space is given.
    pub fn new(text: &str) -> Option<Key> {
        Some(text.trim()).filter(|text| !text.is_empty()).map(|text| Key(text.to_owned()))
    }

    pub(super) fn secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

/// Which model is asked, and where: the `[llm]` section of the configuration.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// The interface.
    pub provider: Provider,
    /// Where, `https://…/v1`; absent: the provider's own address, for Ollama this machine.
    pub base_url: Option<String>,
    /// The model, as the endpoint names it.
    pub model: String,
    /// The environment variable that holds the key. Absent: the provider's usual one at the provider's own address, and
    /// none elsewhere, so that a key is never sent to an address that was not meant for it.
    pub api_key_env: Option<String>,
    /// How long one attempt may take, from the connection to the last byte.
    #[serde(default = "minutes_2", rename = "timeout_s", deserialize_with = "seconds")]
    pub timeout: Duration,
    /// Most tokens of an answer.
    #[serde(default = "tokens_8192")]
    pub max_output_tokens: u32,
    /// The most that may be spent there.
    #[serde(default)]
    pub budget: Limits,
}

fn minutes_2() -> Duration {
    Duration::from_mins(2)
}

fn tokens_8192() -> u32 {
    8192
}

fn seconds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

/// Why an endpoint cannot be used, found before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndpointFault {
    /// No model is named.
    #[error("`model` is empty: name the model as the endpoint does, for example `gpt-4o-mini`")]
    Model,
    /// The address is none, or not of the web.
    #[error("`base_url` = \"{}\" is no address: write one like `https://api.example.com/v1`", .0.escape_debug())]
    Url(String),
    /// The address holds a name and a password.
    #[error("`base_url` holds a user name or a password: take it out, and name a variable in `api_key_env`")]
    Secret,
    /// The key would be read by anybody on the way.
    #[error(
        "a key would go to `{host}` unencrypted: use an `https://` address, or no `api_key_env` where none is needed"
    )]
    Clear {
        /// The host.
        host: String,
    },
    /// No time, or no tokens.
    #[error("`{0}` must be at least 1")]
    Zero(&'static str),
    /// The variable holds nothing, and the keyring neither.
    #[error(
        "the environment variable `{variable}` holds no key for {provider}, and the keyring gives none ({why}): set it, \
         name another with `api_key_env`, or keep a key with `human models key {entry}`"
    )]
    NoKey {
        /// The variable.
        variable: String,
        /// The provider.
        provider: &'static str,
        /// What the keyring was asked for.
        entry: String,
        /// What it said.
        why: String,
    },
}

impl Endpoint {
    /// What is wrong with the section as it is written.
    pub fn fault(&self) -> Option<EndpointFault> {
        if self.model.trim().is_empty() {
            return Some(EndpointFault::Model);
        }
        if self.timeout.is_zero() {
            return Some(EndpointFault::Zero("timeout_s"));
        }
        if self.max_output_tokens == 0 {
            return Some(EndpointFault::Zero("max_output_tokens"));
        }
        let wrong = || EndpointFault::Url(self.base_url.clone().unwrap_or_default());
        let Some(url) = self.url() else { return Some(wrong()) };
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Some(wrong());
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Some(EndpointFault::Secret);
        }
        let clear = url.scheme() == "http" && !self.is_local() && self.key_variable().is_some();
        clear.then(|| EndpointFault::Clear { host: url.host_str().unwrap_or_default().to_owned() })
    }

    /// The key, by `variable`, which is asked for the value of an environment variable (or whatever stands in for one);
    /// else by `kept`, which is asked for what a keyring holds under [`Endpoint::keyring_entry`], and says why it holds
    /// nothing. `Ok(None)` where the endpoint needs none.
    pub fn key(
        &self,
        variable: impl Fn(&str) -> Option<String>,
        kept: impl Fn(&str) -> Result<Key, String>,
    ) -> Result<Option<Key>, EndpointFault> {
        let Some(name) = self.key_variable() else { return Ok(None) };
        if let Some(key) = variable(name).as_deref().and_then(Key::new) {
            return Ok(Some(key));
        }
        let (variable, provider, entry) = (name.to_owned(), self.provider.as_str(), self.keyring_entry());
        match kept(&entry) {
            Ok(key) => Ok(Some(key)),
            Err(why) => Err(EndpointFault::NoKey { variable, provider, entry, why }),
        }
    }

    /// What a keyring has the key under: the provider's word at the provider's own address, elsewhere the host with its
    /// port, so that a key is never sent to an address that was not meant for it.
    pub fn keyring_entry(&self) -> String {
        let url = self.base_url.as_ref().and_then(|_| self.url());
        match url.as_ref().and_then(|url| Some((url.host_str()?, url.port()))) {
            Some((host, Some(port))) => format!("{host}:{port}"),
            Some((host, None)) => host.to_owned(),
            None => self.provider.as_str().to_owned(),
        }
    }

    /// The variable that holds the key, where one is needed.
    pub fn key_variable(&self) -> Option<&str> {
        match (&self.api_key_env, &self.base_url) {
            (Some(named), _) => Some(named),
            (None, None) => self.provider.own_key(),
            (None, Some(_)) => None,
        }
    }

    /// Whether the model runs on this machine.
    pub fn is_local(&self) -> bool {
        let url = self.url();
        let host = url.as_ref().and_then(reqwest::Url::host_str).unwrap_or_default();
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    /// The address, with the slash at its end to which paths are joined.
    pub(super) fn url(&self) -> Option<reqwest::Url> {
        let text = self.base_url.as_deref().unwrap_or(self.provider.own_url()).trim();
        let slash = if text.ends_with('/') { "" } else { "/" };
        reqwest::Url::parse(&format!("{text}{slash}")).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(provider: Provider, base_url: Option<&str>) -> Endpoint {
        Endpoint {
            provider,
            base_url: base_url.map(str::to_owned),
            model: "m".into(),
            api_key_env: None,
            timeout: Duration::from_secs(1),
            max_output_tokens: 1,
            budget: Limits::default(),
        }
    }

    #[test]
    fn a_key_goes_only_where_it_was_meant_to() {
        let own = endpoint(Provider::OpenAi, None);
        assert_eq!(own.key_variable(), Some("OPENAI_API_KEY"));
        let nowhere = |_: &str| Err("none".to_owned());
        let elsewhere = endpoint(Provider::OpenAi, Some("https://gateway.example/v1"));
        assert_eq!(elsewhere.key(|_| Some("secret".into()), nowhere), Ok(None));
        let named = Endpoint { api_key_env: Some("GATEWAY".into()), ..elsewhere };
        let set = |name: &str| (name == "GATEWAY").then(|| " secret\n".into());
        assert_eq!(named.key(set, nowhere), Ok(Key::new("secret")));
        let missing = named.key(|_| Some(" ".into()), nowhere).unwrap_err().to_string();
        assert!(
            missing.contains("`GATEWAY` holds no key") && missing.contains("key gateway.example`"),
            "{missing}"
        );
        // What a keyring has for the provider is not sent to another's address either.
        let kept = |entry: &str| Key::new("kept").filter(|_| entry == "openai").ok_or("none".to_owned());
        assert_eq!(own.key(|_| None, kept), Ok(Key::new("kept")));
        assert_eq!(own.key(|_| Some("set".into()), kept), Ok(Key::new("set")));
        assert!(named.key(|_| None, kept).is_err());
        assert_eq!(named.fault(), None);
        let clear = Endpoint { base_url: Some("http://gateway.example/v1".into()), ..named.clone() };
        assert!(clear.fault().unwrap().to_string().contains("unencrypted"));
        let local = Endpoint { base_url: Some("http://127.0.0.1:9/v1".into()), ..named };
        assert_eq!(local.fault(), None);
    }

    #[test]
    fn a_key_is_not_shown() {
        let key = Key::new("sk-very-secret").unwrap();
        assert_eq!(format!("{key:?} {:#?}", Some(&key)), "Key(hidden) Some(\n    Key(hidden),\n)");
    }

    #[test]
    fn what_is_local_and_what_is_no_address() {
        for (url, local) in [
            ("http://127.0.0.1:4419/v1", true),
            ("http://localhost", true),
            ("http://[::1]:8080/", true),
            ("http://127.0.0.1.example.com/v1", false),
            ("https://api.openai.com/v1", false),
        ] {
            assert_eq!(endpoint(Provider::Ollama, Some(url)).is_local(), local, "{url}");
        }
        assert!(endpoint(Provider::Ollama, None).is_local());
        for wrong in ["", "api.example.com/v1", "file:///etc/passwd", "http://"] {
            let fault = endpoint(Provider::OpenAi, Some(wrong)).fault().unwrap();
            assert!(matches!(fault, EndpointFault::Url(_)), "{wrong}: {fault}");
        }
        let fault = endpoint(Provider::OpenAi, Some("https://me:pw@x.example/")).fault().unwrap();
        assert!(fault == EndpointFault::Secret && !fault.to_string().contains("pw"), "{fault}");
        let fault = Endpoint { model: " ".into(), ..endpoint(Provider::OpenAi, None) }.fault();
        assert_eq!(fault, Some(EndpointFault::Model));
    }
}
