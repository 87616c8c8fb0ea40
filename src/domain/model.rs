//! Models: who offers them, what a token costs from which day on, and what they can do.
//!
//! A price is a dated fact with a source. Capabilities know three answers, because a table that does not mention one
//! has not denied it. Start with [`Price`]; which price a call pays is decided in `engine::price`.

use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::call::{Millis, NanoUsd};

/// A model as a provider offers it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Model {
    /// The provider's id of the model.
    pub id: String,
    /// Who offers it, as [`provider`] spells it.
    pub provider: String,
}

/// The one spelling of a provider's name: lower case, and one word for each of the names under which telemetry
/// conventions and price tables know the same price list.
pub fn provider(name: &str) -> String {
    let name = name.trim().to_lowercase();
    if name.starts_with("vertex_ai") || name == "gcp.vertex_ai" || name == "google-vertex" {
        return "vertex_ai".into();
    }
    match name.as_str() {
        "text-completion-openai" => "openai",
        "azure.ai.openai" | "az.ai.openai" | "azure_openai" | "azure_text" => "azure",
        "azure.ai.inference" | "az.ai.inference" => "azure_ai",
        "gemini" | "gcp.gemini" | "google_ai_studio" | "google-generativeai" | "google.generative-ai" => {
            "google"
        }
        "aws.bedrock" | "aws_bedrock" | "amazon-bedrock" | "bedrock_converse" => "bedrock",
        "mistral_ai" | "mistralai" => "mistral",
        "x_ai" | "x-ai" => "xai",
        "cohere_chat" => "cohere",
        "together_ai" | "together-ai" => "togetherai",
        "fireworks_ai-embedding-models" | "fireworks_ai" | "fireworks" => "fireworks-ai",
        _ => return name,
    }
    .into()
}

/// A day in UTC, as days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

const EPOCH_FROM_CE: i32 = 719_163;

impl Day {
    /// The day of a time.
    pub fn of(at: Millis) -> Day {
        Day(at.div_euclid(86_400_000).clamp(i64::from(i32::MIN), i64::from(i32::MAX)) as i32)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.checked_add(EPOCH_FROM_CE).and_then(NaiveDate::from_num_days_from_ce_opt) {
            Some(date) => f.pad(&date.format("%Y-%m-%d").to_string()),
            None => f.pad(&self.0.to_string()),
        }
    }
}

impl FromStr for Day {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        // Read by its digits: chrono would also take `2026-1-5`.
        let form = s.len() == 10
            && s.bytes()
                .enumerate()
                .all(|(i, b)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() });
        let date = form.then(|| NaiveDate::parse_from_str(s, "%Y-%m-%d").ok()).flatten();
        date.map(|date| Day(date.num_days_from_ce() - EPOCH_FROM_CE)).ok_or_else(|| {
            format!(
                "`{}` is not a date: the form is 2026-11-22",
                s.chars().take(40).collect::<String>().escape_debug()
            )
        })
    }
}

impl Serialize for Day {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// US dollars per token in units of 10⁻¹² dollars, which is 10⁻⁶ dollars per million tokens: fine enough for every
/// published price to be exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PicoUsd(pub u64);

impl PicoUsd {
    /// The highest price taken: 1,000,000 dollars per million tokens. More is a mistaken unit.
    pub const MAX: PicoUsd = PicoUsd(1_000_000_000_000);

    /// From US dollars per token, rounded to the nearest unit; `None` where it is negative, not a number, or beyond
    /// [`PicoUsd::MAX`].
    pub fn per_token(usd: f64) -> Option<PicoUsd> {
        let pico = (usd * 1e12).round();
        (pico >= 0.0 && pico <= Self::MAX.0 as f64).then_some(PicoUsd(pico as u64))
    }

    /// From US dollars per million tokens; as [`PicoUsd::per_token`].
    pub fn per_million(usd: f64) -> Option<PicoUsd> {
        Self::per_token(usd / 1e6)
    }

    /// US dollars per million tokens.
    pub fn usd_per_million(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

/// JSON: US dollars per million tokens.
impl Serialize for PicoUsd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.usd_per_million())
    }
}

/// What a token costs, by what is done with it. In JSON: US dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tariff {
    /// An input token that was not in the provider's cache.
    pub input: PicoUsd,
    /// An output token.
    pub output: PicoUsd,
    /// An input token read from the cache; absent: as `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<PicoUsd>,
    /// An input token written to the cache; absent: as `input`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<PicoUsd>,
}

/// A tariff for long prompts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tier {
    /// It holds for the whole call when the call has more input tokens than this.
    pub above: u32,
    /// What tokens cost then.
    #[serde(flatten)]
    pub tariff: Tariff,
}

/// What a model's tokens cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// The ordinary tariff.
    #[serde(flatten)]
    pub base: Tariff,
    /// Tariffs for long prompts, by ascending `above`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
}

/// The tokens of a call that is to be priced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenUse {
    /// Input tokens, cached ones included.
    pub input: u32,
    /// Output tokens.
    pub output: u32,
    /// Those of the input that were read from the cache; more than `input` counts as `input`.
    pub cached: u32,
}

impl Price {
    /// The tariff of a call with that many input tokens.
    pub fn tariff(&self, input_tokens: u32) -> &Tariff {
        self.tiers.iter().rev().find(|tier| input_tokens > tier.above).map_or(&self.base, |tier| &tier.tariff)
    }

    /// What a call costs: the exact sum, rounded once to the nearest nano-dollar, halves up.
    ///
    /// Tokens that were written to the cache are not told apart in a call, and count at the input price.
    pub fn cost(&self, tokens: TokenUse) -> NanoUsd {
        let tariff = self.tariff(tokens.input);
        let cached = tokens.cached.min(tokens.input);
        let of = |count: u32, price: PicoUsd| u128::from(count) * u128::from(price.0);
        let pico = of(tokens.input - cached, tariff.input)
            + of(cached, tariff.cache_read.unwrap_or(tariff.input))
            + of(tokens.output, tariff.output);
        NanoUsd::try_from((pico + 500) / 1_000).unwrap_or(NanoUsd::MAX)
    }
}

/// One dated price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PriceRow {
    /// Of which model.
    #[serde(flatten)]
    pub model: Model,
    /// The first day on which it is known to hold.
    pub from: Day,
    /// The price.
    pub price: Price,
    /// Where it was read.
    pub source: String,
}

/// Something that a call may need of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Capability {
    /// Calls functions.
    Tools,
    /// Calls several functions at once.
    ParallelTools,
    /// Obeys a choice of function.
    ToolChoice,
    /// Answers by a JSON schema.
    Json,
    /// Reads images.
    Vision,
    /// Reads PDF files.
    Pdf,
    /// Hears.
    AudioInput,
    /// Speaks.
    AudioOutput,
    /// Reasons before it answers.
    Reasoning,
    /// Caches prompts.
    PromptCaching,
    /// Takes a system message.
    SystemMessages,
    /// Searches the web.
    WebSearch,
    /// Uses a computer.
    ComputerUse,
}

impl Capability {
    /// All, in the order of tables.
    pub const ALL: [Capability; 13] = [
        Capability::Tools,
        Capability::ParallelTools,
        Capability::ToolChoice,
        Capability::Json,
        Capability::Vision,
        Capability::Pdf,
        Capability::AudioInput,
        Capability::AudioOutput,
        Capability::Reasoning,
        Capability::PromptCaching,
        Capability::SystemMessages,
        Capability::WebSearch,
        Capability::ComputerUse,
    ];

    /// The word used in prompt files, on the command line and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Capability::Tools => "tools",
            Capability::ParallelTools => "parallelTools",
            Capability::ToolChoice => "toolChoice",
            Capability::Json => "json",
            Capability::Vision => "vision",
            Capability::Pdf => "pdf",
            Capability::AudioInput => "audioInput",
            Capability::AudioOutput => "audioOutput",
            Capability::Reasoning => "reasoning",
            Capability::PromptCaching => "promptCaching",
            Capability::SystemMessages => "systemMessages",
            Capability::WebSearch => "webSearch",
            Capability::ComputerUse => "computerUse",
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Capability {
    type Err = String;
    fn from_str(s: &str) -> Result<Self, String> {
        Capability::ALL.into_iter().find(|c| c.as_str().eq_ignore_ascii_case(s)).ok_or_else(|| {
            let words = Capability::ALL.map(Capability::as_str).join(", ");
            format!(
                "unknown capability `{}`: one of {words}",
                s.chars().take(40).collect::<String>().escape_debug()
            )
        })
    }
}

/// Whether a model can do something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Support {
    /// A table says so.
    Yes,
    /// A table denies it.
    No,
    /// No table says anything.
    #[default]
    Unknown,
}

/// What is known of a model's capabilities.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Capabilities([Support; Capability::ALL.len()]);

impl Capabilities {
    /// What is known of one.
    pub fn get(&self, capability: Capability) -> Support {
        self.0[capability as usize]
    }

    /// Records what a table says of one; `None`: nothing.
    pub fn set(&mut self, capability: Capability, says: Option<bool>) {
        if let Some(says) = says {
            self.0[capability as usize] = if says { Support::Yes } else { Support::No };
        }
    }

    /// Those of which something is known.
    pub fn known(&self) -> impl Iterator<Item = (Capability, bool)> + '_ {
        Capability::ALL.into_iter().zip(self.0).filter_map(|(capability, support)| match support {
            Support::Yes => Some((capability, true)),
            Support::No => Some((capability, false)),
            Support::Unknown => None,
        })
    }
}

/// JSON: an object of those that are known; an absent one is unknown.
impl Serialize for Capabilities {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.known())
    }
}

/// What is known of a model besides its price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ModelCard {
    /// Which model.
    #[serde(flatten)]
    pub model: Model,
    /// What it can do.
    pub capabilities: Capabilities,
    /// Longest input in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_input_tokens: Option<u32>,
    /// Longest output in tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u32>,
    /// The day from which its provider no longer offers it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deprecated: Option<Day>,
    /// The day of the table that says so.
    pub as_of: Day,
    /// Where it was read.
    pub source: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn million(input: f64, output: f64, cache_read: Option<f64>) -> Tariff {
        Tariff {
            input: PicoUsd::per_million(input).unwrap(),
            output: PicoUsd::per_million(output).unwrap(),
            cache_read: cache_read.map(|usd| PicoUsd::per_million(usd).unwrap()),
            cache_write: None,
        }
    }

    #[test]
    fn cost_is_exact_and_rounded_once() {
        let price = Price { base: million(0.075, 0.3, Some(0.01875)), tiers: vec![] };
        // 1 × 75 + 1 × 300 nano-dollars.
        assert_eq!(price.cost(TokenUse { input: 1, output: 1, cached: 0 }), 375);
        // 18.75 nano-dollars a cached token: 2 are 37.5, rounded up once.
        assert_eq!(price.cost(TokenUse { input: 2, output: 0, cached: 2 }), 38);
        assert_eq!(price.cost(TokenUse { input: 2, output: 0, cached: 9 }), 38);
        let plain = Price { base: million(2.5, 10.0, None), tiers: vec![] };
        assert_eq!(plain.cost(TokenUse { input: 812, output: 391, cached: 400 }), 5_940_000);
        let dear = Price {
            base: Tariff { input: PicoUsd::MAX, output: PicoUsd::MAX, cache_read: None, cache_write: None },
            tiers: vec![],
        };
        assert!(
            dear.cost(TokenUse { input: u32::MAX, output: u32::MAX, cached: 0 }) > 8_000_000_000_000_000_000
        );
    }

    #[test]
    fn a_long_prompt_pays_its_tier_for_the_whole_call() {
        let tier = |above, input| Tier { above, tariff: million(input, 0.0, None) };
        let price =
            Price { base: million(1.0, 0.0, None), tiers: vec![tier(128_000, 2.0), tier(200_000, 4.0)] };
        let cost = |input| price.cost(TokenUse { input, output: 0, cached: 0 });
        assert_eq!(cost(128_000), 128_000_000);
        assert_eq!(cost(128_001), 256_002_000);
        assert_eq!(cost(200_001), 800_004_000);
    }

    #[test]
    fn prices_that_cannot_be_are_refused() {
        for usd in [-1.0, f64::NAN, f64::INFINITY, 2.0] {
            assert_eq!(PicoUsd::per_token(usd), None);
        }
        assert_eq!(PicoUsd::per_token(3.125e-7), Some(PicoUsd(312_500)));
    }

    #[test]
    fn days_read_back() {
        for text in ["1970-01-01", "2024-02-29", "2026-11-22"] {
            assert_eq!(text.parse::<Day>().unwrap().to_string(), text);
        }
        assert_eq!("1970-01-02".parse(), Ok(Day(1)));
        for text in ["2023-02-29", "2026-1-5", "today", "", "2026-11-22Z"] {
            assert!(text.parse::<Day>().is_err(), "{text}");
        }
        assert_eq!(Day::of(-1), Day(-1));
        let _ = Day(i32::MAX).to_string();
    }

    #[test]
    fn an_absent_capability_is_unknown() {
        let mut can = Capabilities::default();
        can.set(Capability::Vision, Some(false));
        can.set(Capability::Tools, Some(true));
        can.set(Capability::Json, None);
        assert_eq!(can.get(Capability::Json), Support::Unknown);
        assert_eq!(can.get(Capability::Vision), Support::No);
        assert_eq!(serde_json::to_string(&can).unwrap(), r#"{"tools":true,"vision":false}"#);
        for (i, capability) in Capability::ALL.into_iter().enumerate() {
            assert_eq!(capability as usize, i);
            assert_eq!(capability.as_str().parse(), Ok(capability));
        }
    }
}
