//! Foreign prompt names as `prompt://` URIs: by the rules of `[intake.identity]`, else by the default of the outside
//! contract, section 3. Every name gets an identity, always the same one, and two names never share one by being cut.
//! Start with [`identify`].

use std::str::FromStr;

use semver::{BuildMetadata, Version};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::resolve::ForeignPrompt;
use super::signal::hex;
use crate::domain::call::Millis;
use crate::domain::prompt::{CompositionMethod, MAX_KEY, Name, PromptCallMetadata, PromptUri};

/// Hex digits of a SHA-256 that stand for a template or a name.
const DIGITS: usize = 12;

/// `[intake.identity]`: how names become URIs.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IdentityRules {
    /// The organization of names that no rule takes.
    pub default_org: Name,
    /// The rules; the first that matches decides.
    pub rules: Vec<IdentityRule>,
}

impl Default for IdentityRules {
    fn default() -> Self {
        IdentityRules { default_org: Name::from_str("LOCAL").expect("LOCAL is a name"), rules: Vec::new() }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRule {
    /// The name, verbatim, with at most one `*` for any text: `legal/*`, `*-prod`, `contract-analysis`.
    #[serde(rename = "match")]
    pub pattern: String,
    /// The URI; `{name}` is what `*` stood for (without `*`: the whole name), made a key.
    pub to: String,
}

impl IdentityRule {
    /// The URI that the rule gives to `name`, if it matches; a rule whose URI cannot be read matches nothing.
    fn apply(&self, name: &str) -> Option<PromptUri> {
        let part = match self.pattern.split_once('*') {
            None => (self.pattern == name).then_some(name)?,
            Some((head, tail)) => name.strip_prefix(head)?.strip_suffix(tail)?,
        };
        self.to
            .replace("{name}", &key(part, MAX_KEY.saturating_sub(self.to.len()).max(2 * DIGITS)))
            .parse()
            .ok()
    }
}

impl IdentityRules {
    /// What is wrong with the rules, one sentence each: for the one who writes the configuration.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for rule in &self.rules {
            if let Err(e) = rule.to.replace("{name}", "name").parse::<PromptUri>() {
                faults.push(format!("the identity rule for `{}` leads to no prompt URI: {e}", rule.pattern));
            }
            if rule.pattern.matches('*').count() > 1 {
                faults.push(format!("the identity rule `{}` has more than one `*`", rule.pattern));
            }
        }
        faults
    }

    fn uri(&self, name: &str) -> PromptUri {
        let ruled = self.rules.iter().find_map(|rule| rule.apply(name));
        ruled.or_else(|| name.parse().ok()).unwrap_or_else(|| self.local(&key(name, MAX_KEY)))
    }

    fn local(&self, key: &str) -> PromptUri {
        let uri = format!("prompt://org/{}/{key}", self.default_org);
        uri.parse().expect("a key made by `key` or of hex digits is valid")
    }
}

/// A name as a key of at most `longest` bytes: lower case; each run of characters outside `[a-z0-9._-]` is one `-`;
/// of separators that meet, the first stays; none at the ends. A longer name ends in twelve digits of its SHA-256;
/// one of which nothing is left is `unnamed.` and those digits.
fn key(name: &str, longest: usize) -> String {
    let digits = || hex(&Sha256::digest(name.as_bytes()))[..DIGITS].to_owned();
    let mut key = String::new();
    let mut separator = None;
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'a'..='z' | '0'..='9' => {
                if let Some(separator) = separator.take().filter(|_| !key.is_empty()) {
                    key.push(separator);
                }
                key.push(c);
            }
            '.' | '_' | '-' => separator = separator.or(Some(c)),
            _ => separator = separator.or(Some('-')),
        }
    }
    if key.is_empty() {
        return format!("unnamed.{}", digits());
    }
    if key.len() > longest {
        let head = key[..longest - DIGITS - 1].trim_end_matches(['.', '_', '-']);
        return format!("{head}-{}", digits());
    }
    key
}

/// A foreign version as `SemVer`: as it is; `v1.2.3` without the `v`; an integer `3` as `3.0.0`; anything else as
/// build metadata of `0.0.0`.
fn version(text: &str) -> Option<Version> {
    let text = text.trim();
    if text.is_empty() {
        return None;
    }
    if let Ok(version) = Version::parse(text.strip_prefix(['v', 'V']).unwrap_or(text)) {
        return Some(version);
    }
    if let (Ok(major), false) = (text.parse::<u64>(), text.starts_with('+')) {
        return Some(Version::new(major, 0, 0));
    }
    let build: String = text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    Some(Version { build: BuildMetadata::new(&build).ok()?, ..Version::new(0, 0, 0) })
}

/// The identity of a foreign prompt, as the record of a call made at `at`; `None` where the telemetry has neither a
/// name nor a template. `active` answers which version of a prompt (given without version) was active at a time.
pub fn identify(
    foreign: &ForeignPrompt,
    rules: &IdentityRules,
    active: &dyn Fn(&PromptUri, Millis) -> Option<Version>,
    at: Millis,
) -> Option<PromptCallMetadata> {
    let uri = match (&foreign.name, foreign.template_sha256) {
        (Some(name), _) => rules.uri(name),
        (None, Some(template)) => rules.local(&format!("unmanaged.{}", &hex(&template)[..DIGITS])),
        (None, None) => return None,
    };
    let named = foreign.version.as_deref().and_then(version);
    let prompt = uri.unversioned();
    let version = uri.version.or(named).or_else(|| active(&prompt, at)).unwrap_or(Version::new(0, 0, 0));
    let org = prompt.place.org().unwrap_or(&rules.default_org).to_string();
    Some(PromptCallMetadata {
        prompt_uris: vec![prompt.at(version.clone())],
        prompt_versions: vec![version],
        layers: Vec::new(),
        composition_method: CompositionMethod::Manual,
        variables_used: foreign.variables.clone(),
        estimated_tokens: None,
        org_id: org,
    })
}

#[cfg(test)]
mod tests {
    use super::super::resolve::PromptSource;
    use super::*;

    fn foreign(name: Option<&str>, version: Option<&str>) -> ForeignPrompt {
        ForeignPrompt {
            name: name.map(str::to_owned),
            version: version.map(str::to_owned),
            source: PromptSource::Own,
            key_attribute: None,
            template_sha256: None,
            variables: Vec::new(),
        }
    }

    fn uri(name: &str, version: Option<&str>) -> String {
        let rules = IdentityRules::default();
        let found = identify(&foreign(Some(name), version), &rules, &|_, _| None, 0).unwrap();
        found.prompt_uris[0].to_string()
    }

    #[test]
    fn names_and_versions_of_the_contract() {
        assert_eq!(
            uri("legal.contract-analysis", Some("1.1.0")),
            "prompt://org/LOCAL/legal.contract-analysis@1.1.0"
        );
        assert_eq!(uri("support/reply", Some("7")), "prompt://org/LOCAL/support-reply@7.0.0");
        assert_eq!(uri("Contract  Analysis!", Some("v1.2.3")), "prompt://org/LOCAL/contract-analysis@1.2.3");
        assert_eq!(uri("prompt__legal_x", Some("b27e11")), "prompt://org/LOCAL/prompt_legal_x@0.0.0+b27e11");
        assert_eq!(uri("a", Some("release 4/b")), "prompt://org/LOCAL/a@0.0.0+release-4-b");
        assert_eq!(uri("a", None), "prompt://org/LOCAL/a@0.0.0");
        assert_eq!(
            uri("a", Some("99999999999999999999999")),
            "prompt://org/LOCAL/a@0.0.0+99999999999999999999999"
        );
        assert_eq!(uri("prompt://core/safety@2.0.0", Some("9")), "prompt://core/safety@2.0.0");
    }

    #[test]
    fn every_name_has_an_identity_and_long_ones_stay_apart() {
        assert!(uri("日本語", None).starts_with("prompt://org/LOCAL/unnamed."));
        assert_ne!(uri("日本語", None), uri("日本", None));
        let (a, b) = ("a".repeat(300) + "1", "a".repeat(300) + "2");
        assert_ne!(uri(&a, None), uri(&b, None));
        assert!(uri("prompt://nonsense", None).starts_with("prompt://org/LOCAL/prompt-nonsense"));
    }

    #[test]
    fn rules_in_order_then_what_was_active() {
        let rules: IdentityRules = toml::from_str(
            "default_org = \"ACME\"\n\
             [[rules]]\nmatch = \"legal/*\"\nto = \"prompt://org/LEGAL/legal.{name}\"\n\
             [[rules]]\nmatch = \"*\"\nto = \"prompt://user/ACME/ana/{name}\"",
        )
        .unwrap();
        assert!(rules.faults().is_empty());
        let active = |uri: &PromptUri, _| (uri.key.as_str() == "legal.nda").then(|| Version::new(4, 0, 1));
        let found = |name| identify(&foreign(Some(name), None), &rules, &active, 7).unwrap();
        assert_eq!(found("legal/NDA").prompt_uris[0].to_string(), "prompt://org/LEGAL/legal.nda@4.0.1");
        assert_eq!(found("legal/NDA").org_id, "LEGAL");
        assert_eq!(found("x").prompt_uris[0].to_string(), "prompt://user/ACME/ana/x@0.0.0");
        let bad: IdentityRules =
            toml::from_str("[[rules]]\nmatch = \"a*b*\"\nto = \"prompt://org/x\"").unwrap();
        assert_eq!(bad.faults().len(), 2);
    }

    #[test]
    fn a_template_without_a_name_is_unmanaged_and_nothing_is_nothing() {
        let mut prompt = foreign(None, Some("v1.1.0"));
        assert!(identify(&prompt, &IdentityRules::default(), &|_, _| None, 0).is_none());
        prompt.template_sha256 = Some([0xab; 32]);
        let found = identify(&prompt, &IdentityRules::default(), &|_, _| None, 0).unwrap();
        assert_eq!(found.prompt_uris[0].to_string(), "prompt://org/LOCAL/unmanaged.abababababab@1.1.0");
    }

    proptest::proptest! {
        #[test]
        fn keys_are_keys(name in ".{0,300}", longest in 24_usize..128) {
            let key = key(&name, longest);
            proptest::prop_assert!(key.len() <= longest.max("unnamed.".len() + DIGITS));
            proptest::prop_assert!(key.parse::<crate::domain::prompt::PromptKey>().is_ok(), "{key}");
        }

        #[test]
        fn no_version_breaks(text in ".{0,80}") {
            let _ = version(&text);
        }
    }
}
