//! The world as planned: prompts with their versions, the ways in which they are called, and what turns when.
//!
//! Everything here follows from the [`Plan`] alone. Must not make events (`traffic.rs` does) or touch the store.
//! Start with [`World::new`].

use std::collections::HashMap;

use semver::Version;

use crate::domain::call::{HOUR_MS, Millis};
use crate::domain::prompt::{CompositionMethod, PromptUri, Scope};

use super::dice::Dice;
use super::models::COUNT;
use super::prompts::{ORG, TEXTS, Text, VARIANT_VERSIONS, Variant};
use super::stories::{self, Character, DRIFTS, Drift, JOINED, Plot, STORIES};

/// Milliseconds in a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;

/// Share of calls whose telemetry names no prompt.
pub const UNMANAGED: f64 = 0.03;

/// What a world is to be. The same plan gives the same world, to the byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The seed of all chance.
    pub seed: u64,
    /// How many prompts; the first 60 are written by hand, the others are variants of these. At least 1.
    pub prompts: usize,
    /// How many calls in all.
    pub calls: u64,
    /// How many days before `end` the traffic begins. At least 1.
    pub days: u32,
    /// When the traffic ends (exclusive).
    pub end: Millis,
}

impl Plan {
    /// The demo: 60 prompts, 1,000,000 calls in the 30 days before `end`.
    pub fn standard(end: Millis) -> Plan {
        Plan { seed: 1, prompts: 60, calls: 1_000_000, days: 30, end }
    }

    /// When the traffic begins.
    pub fn start(&self) -> Millis {
        self.end - i64::from(self.days.max(1)) * DAY_MS
    }

    /// The full hour at that fraction of the plan's time: where stories turn.
    pub fn hour_at(&self, fraction: f64) -> Millis {
        let at = self.start() + ((self.end - self.start()) as f64 * fraction) as i64;
        at - at.rem_euclid(HOUR_MS)
    }
}

/// One version of a prompt, as it is to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// Its identity, with the version.
    pub uri: PromptUri,
    /// The prompt file.
    pub text: String,
    /// When it was published.
    pub published_at: Millis,
    /// When it became the active version.
    pub active_from: Millis,
}

/// A prompt and its versions, without texts.
#[derive(Debug)]
pub(super) struct Prompt {
    pub uri: PromptUri,
    text: &'static Text,
    variant: Option<Variant>,
    /// The version at work first, and every later one with its moment; oldest first.
    pub versions: Vec<Edition>,
}

impl Prompt {
    /// The model that the plan recommends for it.
    pub fn recommended(&self) -> &'static str {
        self.text.model
    }
}

/// One version's part in the world.
#[derive(Debug)]
pub(super) struct Edition {
    pub version: Version,
    pub published_at: Millis,
    pub active_from: Millis,
    /// Odds of displeasing, relative to the newest version.
    pub odds: f64,
    /// Tokens of its text, roughly.
    pub tokens: f64,
}

/// One way in which prompts are called.
#[derive(Debug)]
pub(super) struct Recipe {
    /// The prompts used, lowest layer first; none for calls without identity.
    pub prompts: Vec<usize>,
    pub method: CompositionMethod,
    pub character: Character,
    pub agent: String,
    /// The only user, for user patches.
    pub user: Option<&'static str>,
    pub variables: Vec<String>,
}

/// Something that changes at a moment.
#[derive(Debug, Clone)]
pub(super) enum Turn {
    /// A prompt's version becomes active.
    Active { prompt: usize, version: usize },
    /// Calls divide differently over the models.
    Models { recipe: usize, shares: [f64; COUNT] },
    /// Signals divide differently over the sources.
    Sources { recipe: usize, shares: [f64; 3] },
    /// A model behaves differently from now on.
    Model { model: usize, odds: f64, slower: f64, errors: f64 },
}

/// A planned world.
#[derive(Debug)]
pub struct World {
    pub(super) plan: Plan,
    pub(super) prompts: Vec<Prompt>,
    pub(super) recipes: Vec<Recipe>,
    /// For each prompt, the recipes that use it.
    pub(super) uses: Vec<Vec<usize>>,
    /// Running sums of the recipes' weights; one with a fixed share or number of calls adds nothing.
    pub(super) weights: Vec<f64>,
    /// Recipes with a fixed share of all calls, and that share.
    pub(super) shares: Vec<(usize, f64)>,
    /// Calls of recipes with a fixed number of them, by time.
    pub(super) thin: Vec<(Millis, usize)>,
    /// What turns, by time.
    pub(super) turns: Vec<(Millis, Turn)>,
}

impl World {
    /// Plans the world.
    pub fn new(plan: Plan) -> World {
        let plan = Plan { prompts: plan.prompts.max(1), days: plan.days.max(1), ..plan };
        let mut world = World {
            plan,
            prompts: Vec::with_capacity(plan.prompts),
            recipes: Vec::with_capacity(plan.prompts + 1),
            uses: vec![Vec::new(); plan.prompts],
            weights: Vec::new(),
            shares: Vec::new(),
            thin: Vec::new(),
            turns: Vec::new(),
        };
        let derivable: Vec<&'static Text> = TEXTS.iter().filter(|t| t.scope != Scope::Core).collect();
        let mut by_key: HashMap<&str, usize> = HashMap::new();
        for number in 0..plan.prompts {
            let (text, derived) = match TEXTS.get(number) {
                Some(text) => (text, false),
                None => (derivable[number % derivable.len()], true),
            };
            world.add(number, text, derived, &by_key);
            if !derived {
                by_key.insert(text.key, number);
            }
        }
        world.add_unmanaged();
        world.weigh();
        world.plan_models();
        world.turns.sort_by_key(|(at, _)| *at);
        world
    }

    /// The plan that this world follows.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// All versions of all prompts in the order of their publication, a base before what extends it. Texts are made
    /// as they are asked for.
    pub fn prompts(&self) -> impl Iterator<Item = Publication> + '_ {
        let mut order: Vec<(Millis, usize, usize)> = Vec::new();
        for (p, prompt) in self.prompts.iter().enumerate() {
            order.extend(prompt.versions.iter().enumerate().map(|(v, edition)| (edition.published_at, p, v)));
        }
        order.sort_unstable();
        order.into_iter().map(|(published_at, p, v)| {
            let prompt = &self.prompts[p];
            let edition = &prompt.versions[v];
            Publication {
                uri: prompt.uri.at(edition.version.clone()),
                text: prompt.text.edition(v, prompt.variant.as_ref()),
                published_at,
                active_from: edition.active_from,
            }
        })
    }

    fn add(&mut self, number: usize, text: &'static Text, derived: bool, by_key: &HashMap<&str, usize>) {
        let plan = self.plan;
        let mut dice = Dice::new(plan.seed, &format!("prompt {number}"));
        let variant = derived.then(|| Variant::of(text, number, &mut dice));
        let key = variant.as_ref().map_or(text.key, |v| v.key.as_str());
        let owner = match (text.scope, text.user) {
            (Scope::Core, _) => "core".to_owned(),
            (Scope::User, Some(user)) => format!("user/{ORG}/{user}"),
            _ => format!("org/{ORG}"),
        };
        let uri: PromptUri = format!("prompt://{owner}/{key}").parse().expect("tests parse every identity");

        let mut character = Character::healthy(text.task, text.model, &mut dice);
        let plots: Vec<Plot> =
            STORIES.iter().filter(|(key, _)| !derived && *key == text.key).map(|(_, plot)| *plot).collect();
        for plot in &plots {
            character.tell(*plot);
        }

        let names: &[&str] =
            if derived { &VARIANT_VERSIONS[..=dice.below(VARIANT_VERSIONS.len())] } else { &text.versions };
        let moments = moments(plan, text.scope, names.len(), character.newest_at, &mut dice);
        let versions: Vec<Edition> = names
            .iter()
            .zip(moments)
            .enumerate()
            .map(|(v, (name, (published_at, active_from)))| Edition {
                version: Version::parse(name).expect("tests parse every version"),
                published_at,
                active_from,
                odds: if v + 1 == names.len() { 1.0 } else { character.earlier },
                tokens: text.edition(v, variant.as_ref()).len() as f64 / 4.0,
            })
            .collect();
        for (v, edition) in versions.iter().enumerate().filter(|(_, e)| e.active_from > plan.start()) {
            self.turns.push((edition.active_from, Turn::Active { prompt: number, version: v }));
        }
        self.prompts.push(Prompt { uri, text, variant, versions });

        let recipe = self.recipes.len();
        for plot in &plots {
            match *plot {
                Plot::MovesTo { models, at } => {
                    let shares = stories::shares(models);
                    self.turns.push((plan.hour_at(at), Turn::Models { recipe, shares }));
                }
                Plot::JudgedByAgents { share, at } => {
                    let shares = [0.85 * (1.0 - share), share, 0.15 * (1.0 - share)];
                    self.turns.push((plan.hour_at(at), Turn::Sources { recipe, shares }));
                }
                _ => {}
            }
        }
        self.add_recipe(number, character, by_key);
    }

    /// The way of calling prompt `number`: with everything that it layers on, or is joined to.
    fn add_recipe(&mut self, number: usize, character: Character, by_key: &HashMap<&str, usize>) {
        let mut chain = vec![number];
        let text = self.prompts[number].text;
        let mut below = text.extends;
        while let Some(base) = below.and_then(|key| by_key.get(key)) {
            chain.push(*base);
            below = self.prompts[*base].text.extends;
        }
        chain.reverse();
        let joined = JOINED.iter().find(|(key, _)| *key == text.key).and_then(|(_, with)| by_key.get(with));
        chain.extend(joined);
        let mut variables: Vec<String> = Vec::new();
        for prompt in &chain {
            self.uses[*prompt].push(self.recipes.len());
            for name in &self.prompts[*prompt].text.variables {
                if !variables.iter().any(|v| v == name) {
                    variables.push((*name).to_owned());
                }
            }
        }
        let method = match (joined, chain.len()) {
            (None, 2..) => CompositionMethod::Effective,
            _ => CompositionMethod::Compose,
        };
        self.recipes.push(Recipe {
            prompts: chain,
            method,
            character,
            agent: format!("agent://{ORG}/{}", agent(text.task)),
            user: text.user,
            variables,
        });
    }

    /// Calls of programs that still carry their prompts as strings.
    fn add_unmanaged(&mut self) {
        let mut dice = Dice::new(self.plan.seed, "unmanaged");
        let mut character = Character::healthy("draft", "gpt-4o-mini", &mut dice);
        character.share = Some(UNMANAGED);
        self.recipes.push(Recipe {
            prompts: Vec::new(),
            method: CompositionMethod::Manual,
            character,
            agent: format!("agent://{ORG}/legacy-batch"),
            user: None,
            variables: Vec::new(),
        });
    }

    /// Zipf over the ranks of ordinary recipes, beside the fixed shares and the fixed numbers.
    fn weigh(&mut self) {
        let (mut sum, mut rank) = (0.0, 0.0);
        for (r, recipe) in self.recipes.iter().enumerate() {
            match recipe.character {
                Character { share: Some(share), .. } => self.shares.push((r, share)),
                Character { thin: Some(_), .. } => {}
                _ => {
                    rank += 1.0;
                    sum += 1.0 / rank;
                }
            }
            self.weights.push(sum);
        }
        let mut dice = Dice::new(self.plan.seed, "thin");
        let span = (self.plan.end - self.plan.start()) as usize;
        for (r, recipe) in self.recipes.iter().enumerate() {
            for _ in 0..recipe.character.thin.unwrap_or(0) {
                self.thin.push((self.plan.start() + dice.below(span) as i64, r));
            }
        }
        // A world of few calls has fewer rare ones.
        self.thin.truncate((self.plan.calls / 20) as usize);
        self.thin.sort_unstable();
    }

    fn plan_models(&mut self) {
        for drift in DRIFTS {
            let from = self.plan.hour_at(drift.from);
            let Drift { model, odds, slower, errors, hours, .. } = *drift;
            self.turns.push((from, Turn::Model { model, odds, slower, errors }));
            if let Some(hours) = hours {
                let over = Turn::Model { model, odds: 1.0, slower: 1.0, errors: 0.0 };
                self.turns.push((from + hours * HOUR_MS, over));
            }
        }
    }
}

/// When the versions of a prompt are published and become active. The first precedes the traffic, and a base precedes
/// what extends it.
fn moments(
    plan: Plan,
    scope: Scope,
    count: usize,
    newest: Option<f64>,
    dice: &mut Dice,
) -> Vec<(Millis, Millis)> {
    let days_before = match scope {
        Scope::Core => dice.between(220.0, 400.0),
        Scope::Org => dice.between(60.0, 200.0),
        Scope::User => dice.between(5.0, 50.0),
    };
    let first = plan.start() - (days_before * DAY_MS as f64) as i64;
    let mut later: Vec<f64> = (1..count).map(|_| dice.between(0.08, 0.58)).collect();
    later.sort_by(f64::total_cmp);
    if let (Some(last), Some(newest)) = (later.last_mut(), newest) {
        *last = newest;
    }
    // Earlier versions stay before a newest one that came early.
    if let Some(limit) = newest {
        let before = later.len().saturating_sub(1);
        later[..before].iter_mut().for_each(|f| *f *= limit);
    }
    let mut previous = first;
    let mut all = vec![(first, first)];
    for fraction in later {
        let active = plan.hour_at(fraction).max(previous + 2 * HOUR_MS);
        let review = (dice.between(0.3, 18.0) * HOUR_MS as f64) as i64;
        all.push(((active - review).max(previous + HOUR_MS / 2), active));
        previous = active;
    }
    all
}

fn agent(task: &str) -> &'static str {
    match task {
        "analysis" => "reviewer",
        "support" => "service-desk",
        "extraction" => "reader",
        "summarize" => "digest",
        "code" => "engineer",
        "draft" => "writer",
        _ => "sorter",
    }
}
