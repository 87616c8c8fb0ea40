//! Asks a model: one question at a time, within a budget, as often as patience allows, each attempt on record.
//!
//! Blocking on the outside; inside, one request at a time is turned on a runtime of its own, so it must not be called
//! from another runtime's thread. Start with [`Client::ask`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use genai::adapter::AdapterKind;
use genai::chat::{ChatMessage, ChatOptions, ChatRequest, ReasoningEffort};
use genai::resolver::{AuthData, Endpoint as Address};
use genai::{ModelIden, ServiceTarget};

use super::budget::{Budget, Spend};
use super::endpoint::{Endpoint, Key, Provider};
use super::error::LlmError;
use super::patience::Patience;
use super::reading::{self, Answer, Reading};
use crate::domain::call::{Call, MAX_COST, Millis, NanoUsd};
use crate::domain::model::{Day, TokenUse};
use crate::domain::prompt::PromptCallMetadata;
use crate::engine::price::Prices;
use crate::engine::tokens;

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// What holds for the whole conversation.
    System(String),
    /// What we say.
    User(String),
    /// What the model said before.
    Model(String),
}

impl Turn {
    fn text(&self) -> &str {
        match self {
            Turn::System(text) | Turn::User(text) | Turn::Model(text) => text,
        }
    }
}

/// A question to a model, and what its record is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// The provenance id of the call; unique. Second and further attempts are `<id>#2`, `<id>#3`.
    pub id: String,
    /// The conversation, the question last.
    pub turns: Vec<Turn>,
    /// The prompts that the question was made of.
    pub prompts: Option<Arc<PromptCallMetadata>>,
    /// Who asks.
    pub agent: Option<String>,
    /// The session that the call belongs to.
    pub session: Option<String>,
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The answer, or why there is none.
    pub answer: Result<Answer, LlmError>,
    /// One record for each attempt that was made, failed ones included, in order.
    pub calls: Vec<Call>,
}

/// What waits between attempts.
type Pauses = dyn Fn(Duration) + Send + Sync;

/// A client of one endpoint.
pub struct Client {
    endpoint: Endpoint,
    key: Option<Key>,
    prices: Prices,
    patience: Patience,
    pauses: Box<Pauses>,
    runtime: tokio::runtime::Runtime,
    provider: genai::Client,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of `endpoint`, which sends `key` where there is one, and reckons costs by `prices`. Sends nothing yet.
    pub fn new(endpoint: Endpoint, key: Option<Key>, prices: Prices) -> Result<Client, LlmError> {
        if let Some(fault) = endpoint.fault() {
            return Err(fault.into());
        }
        // The first to install one decides for the process; whoever was first brought what TLS needs.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(endpoint.timeout)
            // A key in a header of its own would follow a redirect to wherever it leads.
            .redirect(reqwest::redirect::Policy::none());
        if endpoint.is_local() {
            http = http.no_proxy();
        }
        if endpoint.url().is_some_and(|url| url.scheme() == "http") {
            // Nothing is encrypted, so that a machine without certificates will do.
            http = http.tls_certs_only([]);
        }
        let start = |error: &dyn fmt::Display| LlmError::Start(error.to_string());
        let http = http.build().map_err(|e| start(&e))?;
        let provider = genai::Client::builder().with_reqwest(http).build().map_err(|e| start(&e))?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|e| start(&e))?;
        Ok(Client {
            endpoint,
            key,
            prices,
            patience: Patience::default(),
            pauses: Box::new(std::thread::sleep),
            runtime,
            provider,
        })
    }

    /// The same with other patience.
    #[must_use]
    pub fn with_patience(self, patience: Patience) -> Client {
        Client { patience, ..self }
    }

    /// The same, waiting between attempts by `pauses` in place of sleeping.
    #[must_use]
    pub fn with_pauses(self, pauses: impl Fn(Duration) + Send + Sync + 'static) -> Client {
        Client { pauses: Box::new(pauses), ..self }
    }

    /// The model that is asked, as the endpoint names it.
    pub fn model(&self) -> &str {
        &self.endpoint.model
    }

    /// The most that one attempt may use: tokens, and nano-dollars where the price is known.
    pub fn most(&self, request: &Request) -> (u64, Option<NanoUsd>) {
        let tokens =
            TokenUse { input: asked_tokens(request), output: self.endpoint.max_output_tokens, cached: 0 };
        (total(tokens), self.cost(&self.endpoint.model, tokens, now()))
    }

    /// Asks. Every attempt takes its most out of `budget` before, and counts what it used after; an attempt of which
    /// nobody knows whether the provider bills it (no answer in time, one that broke off) counts as all that it held.
    pub fn ask(&self, request: &Request, budget: &mut Budget<'_>) -> Asked {
        self.ask_at(request, None, budget)
    }

    /// The same at a temperature, where the interface takes one: 0 asks for the likeliest answer.
    pub fn ask_at(&self, request: &Request, temperature: Option<f64>, budget: &mut Budget<'_>) -> Asked {
        let mut calls = Vec::new();
        let (tokens, cost) = self.most(request);
        let mut attempt = 0;
        loop {
            attempt += 1;
            let hold = match budget.reserve(tokens, cost) {
                Ok(hold) => hold,
                Err(over) => return Asked { answer: Err(over.into()), calls },
            };
            let (at, begin) = (now(), Instant::now());
            let reading = self.send(request, temperature);
            let duration = begin.elapsed();
            let mut call = self.record(request, attempt, at, duration);
            let (failure, spent) = match reading {
                Ok(Reading { text, tokens, estimated, model, finish }) => {
                    let cost = self.cost(&model, tokens, at);
                    call.input_tokens = Some(tokens.input);
                    call.output_tokens = Some(tokens.output);
                    call.cached_tokens = Some(tokens.cached).filter(|n| *n > 0);
                    call.cost = cost;
                    call.cost_estimated = cost.is_some();
                    call.model.clone_from(&model);
                    let spent = Spend { tokens: total(tokens), cost: cost.unwrap_or(0) };
                    match text {
                        Ok(text) => {
                            budget.settle(hold, spent);
                            let booked = budget.book(&call);
                            calls.push(call);
                            if let Err(why) = booked {
                                return Asked { answer: Err(LlmError::Unrecorded(why)), calls };
                            }
                            let answer = Answer {
                                text,
                                input_tokens: tokens.input,
                                output_tokens: tokens.output,
                                cached: tokens.cached,
                                tokens_estimated: estimated,
                                cost,
                                model,
                                duration,
                                finish,
                                attempts: attempt,
                            };
                            return Asked { answer: Ok(answer), calls };
                        }
                        // An empty answer that reports no use may have cost all the same.
                        Err(error) if estimated => (error, hold.most()),
                        Err(error) => (error, spent),
                    }
                }
                Err(error) if error.may_be_billed() => (error, hold.most()),
                Err(error) => (error, Spend::default()),
            };
            budget.settle(hold, spent);
            call.ok = false;
            call.error = Some(format!("{}: {failure}", failure.word()));
            let booked = budget.book(&call);
            calls.push(call);
            if let Err(why) = booked {
                return Asked { answer: Err(LlmError::Unrecorded(why)), calls };
            }
            let pause = failure
                .may_pass()
                .then(|| self.patience.pause(&request.id, attempt, failure.asks_to_wait()))
                .flatten();
            match pause {
                Some(pause) => (self.pauses)(pause),
                None => return Asked { answer: Err(failure), calls },
            }
        }
    }

    /// One attempt.
    fn send(&self, request: &Request, temperature: Option<f64>) -> Result<Reading, LlmError> {
        let kind = match self.endpoint.provider {
            Provider::OpenAi => AdapterKind::OpenAI,
            Provider::Anthropic => AdapterKind::Anthropic,
            Provider::Ollama => AdapterKind::Ollama,
        };
        let key = self.key.as_ref().map(Key::secret);
        let url = self.endpoint.url().map(String::from).unwrap_or_default();
        let target = ServiceTarget {
            endpoint: Address::from_owned(url),
            // The interfaces want one; endpoints without keys read none.
            auth: AuthData::from_single(key.unwrap_or("none")),
            model: ModelIden::new(kind, self.endpoint.model.as_str()),
        };
        let turns = request.turns.iter().map(|turn| match turn {
            Turn::System(text) => ChatMessage::system(text.as_str()),
            Turn::User(text) => ChatMessage::user(text.as_str()),
            Turn::Model(text) => ChatMessage::assistant(text.as_str()),
        });
        let chat = ChatRequest::new(turns.collect());
        let mut options = ChatOptions::default().with_max_tokens(self.endpoint.max_output_tokens);
        if let Some(temperature) = temperature {
            options = options.with_temperature(temperature);
        }
        if self.endpoint.provider == Provider::OpenAi {
            // Without an effort of reasoning the crate takes one out of the model's name, and asks for `mistral` with
            // some effort where `mistral-medium` is meant. A budget is one that this interface does not send.
            options = options.with_reasoning_effort(ReasoningEffort::Budget(0));
        }
        if let (Provider::Ollama, Some(key)) = (self.endpoint.provider, key) {
            options = options.with_extra_headers([("Authorization", format!("Bearer {key}"))]);
        }
        let response = self.runtime.block_on(self.provider.exec_chat(target, chat, Some(&options)));
        response
            .map(|response| reading::read(response, asked_tokens(request)))
            .map_err(|error| LlmError::of(error, self.endpoint.timeout, self.key.as_ref()))
    }

    /// The record of an attempt of which nothing is known yet but that it was made.
    fn record(&self, request: &Request, attempt: u32, at: Millis, duration: Duration) -> Call {
        let provenance_id = match attempt {
            1 => request.id.clone(),
            n => format!("{}#{n}", request.id),
        };
        Call {
            provenance_id,
            at,
            prompts: request.prompts.clone(),
            model: self.endpoint.model.clone(),
            provider: Some(self.endpoint.provider.as_str().to_owned()),
            input_tokens: None,
            output_tokens: None,
            cached_tokens: None,
            cost: None,
            cost_estimated: false,
            duration_us: u64::try_from(duration.as_micros()).ok(),
            ttft_us: None,
            ok: true,
            error: None,
            agent: request.agent.clone(),
            session: request.session.clone(),
            user: None,
        }
    }

    /// What `tokens` of `model` cost: by the provider's list at the provider's own address, elsewhere by the maker's.
    /// Where no price is listed, a model on this machine costs nothing, and of another nobody knows.
    fn cost(&self, model: &str, tokens: TokenUse, at: Millis) -> Option<NanoUsd> {
        let provider = self.endpoint.base_url.is_none().then(|| self.endpoint.provider.as_str());
        let price = |model| self.prices.lookup(model, provider, Day::of(at));
        let quote = price(model).or_else(|| price(&self.endpoint.model));
        match quote {
            Some(quote) => Some(quote.estimate(tokens).min(MAX_COST)),
            None => self.endpoint.is_local().then_some(0),
        }
    }
}

/// About how many tokens a request has: a third more than estimated, which is what older vocabularies spend.
fn asked_tokens(request: &Request) -> u32 {
    let tokens: u32 =
        request.turns.iter().map(|turn| tokens::estimate(turn.text())).fold(0, u32::saturating_add);
    tokens.saturating_add(tokens / 3).saturating_add(16)
}

fn total(tokens: TokenUse) -> u64 {
    u64::from(tokens.input) + u64::from(tokens.output)
}

/// The time that records carry.
fn now() -> Millis {
    chrono::Utc::now().timestamp_millis()
}
