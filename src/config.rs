//! Configuration: flags over environment over file over defaults, resolved once. The file is TOML; a key that is not
//! known is an error that names it. [`TEMPLATE`] is the whole of it, commented, with the defaults.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use etcetera::{AppStrategy, AppStrategyArgs};
use serde::{Deserialize, Deserializer};

use crate::domain::finding::Thresholds;
use crate::domain::governance::{Governance, Guard, Reviewers};
use crate::domain::prompt::Name;
use crate::domain::window::WindowSpec;
use crate::intake::identify::{IdentityRule, IdentityRules};
use crate::intake::signal::{ScoreRule, ScoreRules};
use crate::llm::Endpoint;
use crate::store::telemetry::Retention;

/// The configuration file with every key, its default and what it does.
pub const TEMPLATE: &str = include_str!("../assets/config.toml");

/// Why the configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file that was named is not there or cannot be read.
    #[error("the configuration `{}` cannot be read ({source}). Name another with --config, or print a fresh one with `human config template`.", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not what is expected.
    #[error("the configuration `{}` is not valid: {what}{}`human config template` prints every key with its meaning.", path.display(), if what.ends_with('\n') { "" } else { ". " })]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
    /// There is no home folder to put things in.
    #[error(
        "no home folder was found ({0}), so there is no place for the store. Name one with --store FILE."
    )]
    NoHome(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    store: StoreSection,
    intake: IntakeSection,
    retention: RetentionSection,
    evidence: EvidenceSection,
    llm: Option<Endpoint>,
    governance: GovernanceSection,
    agent: AgentSection,
    console: ConsoleSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct AgentSection {
    every_hours: Option<u32>,
}

/// How the console is set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleSection {
    /// The theme's name.
    pub theme: Option<String>,
    /// `mono`, `16`, `256` or `truecolor`, where the terminal is not to be asked.
    pub colours: Option<String>,
    /// Whether only ASCII may be shown, where the terminal is not to be asked.
    pub ascii: Option<bool>,
    /// What charts are drawn with: `braille`, `block` or `ascii`.
    pub marks: Option<String>,
    /// Whether the mouse is taken.
    pub mouse: Option<bool>,
    /// Whether a new alarm rings.
    pub bell: Option<bool>,
    /// Whether the terminal's title says how many alarms there are.
    pub title: Option<bool>,
    /// The window of time that it begins with.
    #[serde(deserialize_with = "window")]
    pub window: Option<WindowSpec>,
    /// Actions and the keys that they have instead of the usual ones.
    pub keys: BTreeMap<String, Keys>,
}

fn window<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WindowSpec>, D::Error> {
    String::deserialize(deserializer)?.parse().map(Some).map_err(serde::de::Error::custom)
}

/// The keys of an action: one binding, or several.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Keys {
    /// `"ctrl-d"`.
    One(String),
    /// `["j", "down"]`.
    Many(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StoreSection {
    path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct IntakeSection {
    default_org: Option<Name>,
    identity: Vec<IdentityRule>,
    scores: ScoreRules,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct RetentionSection {
    call_days: Option<u32>,
    hour_days: Option<u32>,
    day_days: Option<u32>,
    max_mib: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct EvidenceSection {
    negative_rate: Option<f64>,
    success_margin: Option<f64>,
    cost_ratio: Option<f64>,
    gain: Option<f64>,
    false_discovery: Option<f64>,
    peers: Option<u64>,
}

impl EvidenceSection {
    fn thresholds(&self) -> Thresholds {
        let usual = Thresholds::default();
        Thresholds {
            negative_rate: self.negative_rate.unwrap_or(usual.negative_rate),
            success_margin: self.success_margin.unwrap_or(usual.success_margin),
            cost_ratio: self.cost_ratio.unwrap_or(usual.cost_ratio),
            gain: self.gain.unwrap_or(usual.gain),
            false_discovery: self.false_discovery.unwrap_or(usual.false_discovery),
            peers: self.peers.unwrap_or(usual.peers),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GovernanceSection {
    reviewers: ReviewersSection,
    author_may_accept: Option<bool>,
    guard: Option<Guard>,
    canary_share: Option<f64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ReviewersSection {
    core: Option<u32>,
    org: Option<u32>,
    user: Option<u32>,
}

impl GovernanceSection {
    fn rules(&self) -> Governance {
        let usual = Governance::default();
        let reviewers = Reviewers {
            core: self.reviewers.core.unwrap_or(usual.reviewers.core),
            org: self.reviewers.org.unwrap_or(usual.reviewers.org),
            user: self.reviewers.user.unwrap_or(usual.reviewers.user),
        };
        Governance {
            reviewers,
            author_may_accept: self.author_may_accept.unwrap_or(usual.author_may_accept),
            guard: self.guard.unwrap_or(usual.guard),
            canary_share: self.canary_share.unwrap_or(usual.canary_share),
        }
    }

    fn fault(&self) -> Option<String> {
        let Governance { reviewers, canary_share, .. } = self.rules();
        if [reviewers.core, reviewers.org, reviewers.user].contains(&0) {
            return Some(
                "[governance] reviewers: each is at least 1, because nothing is accepted unsigned".into(),
            );
        }
        (canary_share.is_nan() || canary_share <= 0.0 || canary_share >= 1.0)
            .then(|| format!("[governance] canary_share = {canary_share}: it must be above 0 and below 1"))
    }
}

/// What is asked for outside the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--store` or `HUMAN_STORE`.
    pub store: Option<PathBuf>,
    /// `--config` or `HUMAN_CONFIG`.
    pub config: Option<PathBuf>,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store's file.
    pub store: PathBuf,
    /// How foreign prompt names become URIs.
    pub identity: IdentityRules,
    /// How foreign scores become signals.
    pub scores: ScoreRules,
    /// How long things are kept.
    pub retention: Retention,
    /// What the detectors ask for.
    pub evidence: Thresholds,
    /// The model that drafts, where one is configured, with its budget.
    pub llm: Option<Endpoint>,
    /// How the store decides.
    pub governance: Governance,
    /// Hours between runs of the agent while a console is open; without it none runs by itself.
    pub agent_hours: Option<u32>,
    /// How the console is set.
    pub console: ConsoleSection,
}

impl Config {
    /// Resolves the configuration. A file that is named must be there; the default file may be absent.
    pub fn load(overrides: &Overrides) -> Result<Config, ConfigError> {
        let file = match &overrides.config {
            Some(path) => read(path)?,
            None => match folders().map(|f| f.in_config_dir("config.toml")) {
                Ok(path) if path.is_file() => read(&path)?,
                _ => File::default(),
            },
        };
        let store = match overrides.store.clone().or(file.store.path) {
            Some(path) => path,
            None => folders()?.in_data_dir("store.db"),
        };
        let usual = Retention::default();
        let identity = IdentityRules {
            default_org: file.intake.default_org.unwrap_or(IdentityRules::default().default_org),
            rules: file.intake.identity,
        };
        Ok(Config {
            store,
            identity,
            scores: file.intake.scores,
            evidence: file.evidence.thresholds(),
            llm: file.llm,
            governance: file.governance.rules(),
            agent_hours: file.agent.every_hours.filter(|hours| *hours > 0),
            console: file.console,
            retention: Retention {
                call_days: file.retention.call_days.unwrap_or(usual.call_days),
                hour_days: file.retention.hour_days.unwrap_or(usual.hour_days),
                day_days: file.retention.day_days.unwrap_or(usual.day_days),
                max_bytes: file.retention.max_mib.map_or(usual.max_bytes, |mib| mib << 20),
            },
        })
    }

    /// The folder of the configuration, where the keys of whoever acts here are kept: `HUMAN_CONFIG_DIR`, else the
    /// platform's. It does not move with `--config`: who somebody is does not depend on how a command is configured.
    pub fn folder() -> Result<PathBuf, ConfigError> {
        match std::env::var_os("HUMAN_CONFIG_DIR").filter(|folder| !folder.is_empty()) {
            Some(folder) => Ok(folder.into()),
            None => Ok(folders()?.config_dir()),
        }
    }

    /// Where a demo world lives when no store is named: never the default store.
    pub fn demo_store() -> Result<PathBuf, ConfigError> {
        Ok(folders()?.in_cache_dir("demo.db"))
    }
}

fn folders() -> Result<impl AppStrategy, ConfigError> {
    etcetera::choose_app_strategy(AppStrategyArgs {
        top_level_domain: "org".into(),
        author: "human".into(),
        app_name: "human".into(),
    })
    .map_err(|e| ConfigError::NoHome(e.to_string()))
}

/// What a rule says that cannot both be meant.
fn contradiction(name: &str, rule: &ScoreRule) -> Option<String> {
    let place = || format!("[intake.scores.{}]", name.escape_debug());
    let bounds = [("positive_from", rule.positive_from), ("negative_to", rule.negative_to)];
    if let Some((key, _)) = bounds.into_iter().find(|(_, bound)| bound.is_some_and(|b| !b.is_finite())) {
        return Some(format!("`{key}` of {} is not a number", place()));
    }
    match (rule.positive_from, rule.negative_to) {
        (Some(from), Some(to)) if from <= to => Some(format!(
            "{} says that scores from {from} to {to} are both positive and negative: `positive_from` must be above \
             `negative_to`",
            place()
        )),
        _ => None,
    }
}

fn read(path: &Path) -> Result<File, ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    let invalid = |what: String| ConfigError::Invalid { path: path.to_owned(), what };
    let file: File =
        // In its own layout, which points at the place.
        toml::from_str(&text).map_err(|e| invalid(format!("{}\n", e.to_string().trim_end())))?;
    if let Some(fault) = file.intake.scores.0.iter().find_map(|(name, rule)| contradiction(name, rule)) {
        return Err(invalid(fault));
    }
    if let Some(fault) = file.governance.fault() {
        return Err(invalid(fault));
    }
    let rules = IdentityRules { rules: file.intake.identity.clone(), ..IdentityRules::default() };
    let evidence = file.evidence.thresholds().fault().map(|fault| format!("[evidence] {fault}"));
    let llm = file.llm.as_ref().and_then(|llm| {
        let budget = || llm.budget.fault().map(|fault| format!("[llm.budget] {fault}"));
        llm.fault().map(|fault| format!("[llm] {fault}")).or_else(budget)
    });
    match rules.faults().into_iter().next().or(evidence).or(llm) {
        Some(fault) => Err(invalid(fault)),
        None => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_is_valid_and_says_the_defaults() {
        let file: File = toml::from_str(TEMPLATE).unwrap();
        assert!(file.store.path.is_none());
        // Every commented key is a real one with the default as its value.
        let uncommented: String = TEMPLATE
            .lines()
            .filter_map(|line| line.strip_prefix("#: ").or((!line.starts_with('#')).then_some(line)))
            .flat_map(|line| [line, "\n"])
            .collect();
        let file: File = toml::from_str(&uncommented).unwrap();
        let usual = Retention::default();
        assert_eq!(file.retention.call_days, Some(usual.call_days));
        assert_eq!(file.retention.hour_days, Some(usual.hour_days));
        assert_eq!(file.retention.day_days, Some(usual.day_days));
        assert_eq!(file.intake.default_org, Some(IdentityRules::default().default_org));
        assert!(!file.intake.identity.is_empty() && !file.intake.scores.0.is_empty());
        assert_eq!(file.evidence.thresholds(), Thresholds::default());
        assert_eq!(file.governance.rules(), Governance::default());
        let (g, r) = (&file.governance, &file.governance.reviewers);
        assert!(g.author_may_accept.is_some() && g.guard.is_some() && g.canary_share.is_some());
        assert!([r.core, r.org, r.user].iter().all(Option::is_some));
        let e = &file.evidence;
        let all = [e.negative_rate, e.success_margin, e.cost_ratio, e.gain, e.false_discovery];
        assert!(all.iter().all(Option::is_some) && e.peers.is_some());
        let llm = file.llm.unwrap();
        let plain = "provider = 'openai'\nmodel = 'gpt-4o-mini'";
        let usual: Endpoint = toml::from_str(plain).unwrap();
        assert_eq!((llm.timeout, llm.max_output_tokens), (usual.timeout, usual.max_output_tokens));
        assert_eq!(llm.budget, crate::llm::Limits::default());
        assert!(llm.base_url.is_some() && llm.api_key_env.is_some() && llm.fault().is_none());
    }

    #[test]
    fn an_endpoint_that_cannot_be_used_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        let load = |text: &str| {
            std::fs::write(&path, format!("[llm]\nprovider = \"ollama\"\n{text}")).unwrap();
            Config::load(&Overrides { config: Some(path.clone()), store: None })
        };
        assert_eq!(load("model = \"m\"\n").unwrap().llm.unwrap().model, "m");
        for (text, said) in [
            ("model = \"\"\n", "[llm] `model` is empty"),
            ("model = \"m\"\nbase_url = \"nowhere\"\n", "[llm] `base_url` = \"nowhere\" is no address"),
            ("model = \"m\"\n[llm.budget]\nusd_per_day = -1.0\n", "[llm.budget] usd_per_day = -1"),
            ("model = \"m\"\napi_key = \"sk-1\"\n", "unknown field `api_key`"),
        ] {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn thresholds_out_of_bounds_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, "[evidence]\nnegative_rate = 20\n").unwrap();
        let error = Config::load(&Overrides { config: Some(path), store: None }).unwrap_err().to_string();
        assert!(error.contains("[evidence] negative_rate = 20: it must be between 0 and 1"), "{error}");
    }

    #[test]
    fn rules_that_would_govern_nothing_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        for (rule, fault) in [
            ("reviewers.core = 0", "each is at least 1"),
            ("canary_share = 1.0", "below 1"),
            ("canary_share = nan", "below 1"),
            ("guard = \"hope\"", "hope"),
        ] {
            std::fs::write(&path, format!("[governance]\n{rule}\n")).unwrap();
            let overrides = Overrides { config: Some(path.clone()), store: None };
            let error = Config::load(&overrides).unwrap_err().to_string();
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn an_unknown_key_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.toml");
        std::fs::write(&path, "[intake]\ndefault_orgg = \"X\"\n").unwrap();
        let overrides = Overrides { config: Some(path.clone()), store: None };
        let error = Config::load(&overrides).unwrap_err().to_string();
        assert!(error.contains("default_orgg") && error.contains("c.toml"), "{error}");
        assert!(error.contains("at line 2, column 1\n") && error.contains("\n2 | default_orgg"), "{error}");
        for (rule, refused) in [
            ("positive_from = 0.1\nnegative_to = 0.9", true),
            ("positive_from = 0.5\nnegative_to = 0.5", true),
            ("positive_from = nan", true),
            ("positive_from = 0.6\nnegative_to = 0.4", false),
        ] {
            std::fs::write(&path, format!("[intake.scores.helpfulness]\n{rule}\n")).unwrap();
            match Config::load(&overrides) {
                Err(error) => assert!(refused && error.to_string().contains("scores.helpfulness"), "{error}"),
                Ok(_) => assert!(!refused, "{rule}"),
            }
        }
        std::fs::remove_file(path).unwrap();
        assert!(Config::load(&overrides).unwrap_err().to_string().contains("cannot be read"));
    }
}
