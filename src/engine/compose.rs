//! From prompts to the text of a call, with the record of what it was made of. Pure: prompts come in through a
//! [`Shelf`], values of variables are substituted and forgotten, only names are recorded.
//!
//! **Which layers.** `effective` takes one key, for an organization and perhaps a user:
//! 1. The top prompt is `prompt://org/<ORG>/<key>`, else `prompt://core/<key>`, else the user's own of that key.
//! 2. Below a prompt lies its base: what `human.extends` names (a key means the nearest prompt of that key in the same
//!    organization, else in core), and without it the core prompt of the same key, where there is one.
//! 3. On top lie the user's patches: those of the same key, then those whose `human.extends` names it, by key.
//!
//! A prompt extends prompts of its own scope or a lower one, and of its own organization or core.
//!
//! **How texts join.** From the bottom up. A layer that says `{{base}}` places the text below it there; the text of any
//! other comes after the text below, separated by one blank line. No layer can drop the one below it. `compose` joins
//! prompts in the order named, each as it is, in the same way.

use std::collections::BTreeSet;

use semver::Version;
use serde_json::{Map, Value};

use crate::domain::prompt::{
    CompositionMethod, Name, Place, PromptCallMetadata, PromptKey, PromptLayer, PromptUri,
};
use crate::domain::prompt_file::{Base, PromptFile};
use crate::engine::template::{Template, TemplateError};
use crate::engine::tokens;

/// Most layers of one prompt.
pub const MAX_LAYERS: usize = 16;

/// Where published prompts are found.
pub trait Shelf {
    /// The prompt of this identity: the version it names, else the active one.
    fn prompt(&self, uri: &PromptUri) -> Result<Option<PromptFile>, ShelfError>;
    /// The active patches of a user, by key.
    fn patches(&self, org: &Name, user: &Name) -> Result<Vec<PromptFile>, ShelfError>;
}

/// Why a shelf could not be read.
pub type ShelfError = Box<dyn std::error::Error + Send + Sync>;

/// For whom a text is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Audience {
    /// The organization.
    pub org: Name,
    /// The user, where the call is made for one.
    pub user: Option<Name>,
}

impl std::fmt::Display for Audience {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.user {
            Some(user) => write!(f, "{}/{user}", self.org),
            None => write!(f, "{}", self.org),
        }
    }
}

/// Why no text was made.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// There is no such prompt for this audience.
    #[error("no active prompt `{key}` in core or in {org}; publish one, or name another organization")]
    Unknown {
        /// The key asked for.
        key: PromptKey,
        /// The organization asked for.
        org: Name,
    },
    /// `human.extends` names a prompt that is not there.
    #[error("{uri} extends `{base}`, which has no active version; publish it, or change `human.extends`")]
    NoBase {
        /// The extending prompt.
        uri: Box<PromptUri>,
        /// What it names.
        base: String,
    },
    /// `human.extends` comes back to where it started.
    #[error("{uri} extends itself by way of {by}; remove one `human.extends`")]
    Cycle {
        /// The prompt met twice.
        uri: Box<PromptUri>,
        /// The prompt that names it again.
        by: Box<PromptUri>,
    },
    /// `human.extends` names a prompt above, or of others.
    #[error("{uri} may not extend {base}; extend a prompt of the same organization or of core")]
    Forbidden {
        /// The extending prompt.
        uri: Box<PromptUri>,
        /// What it names.
        base: Box<PromptUri>,
    },
    /// More than [`MAX_LAYERS`].
    #[error("{uri} has more than {MAX_LAYERS} layers; join some of them")]
    TooDeep {
        /// The prompt asked for.
        uri: Box<PromptUri>,
    },
    /// A prompt without a version cannot be recorded.
    #[error("{uri} has no version; publish it first")]
    Unversioned {
        /// The prompt.
        uri: Box<PromptUri>,
    },
    /// One call uses one version of a prompt.
    #[error("two versions of {uri} come together here; name one, or make the prompts extend the same")]
    TwoVersions {
        /// The prompt, without a version.
        uri: Box<PromptUri>,
    },
    /// A URI names a place that the audience does not see.
    #[error("{uri} belongs to {theirs}, and the text is made for {audience}; change one of the two")]
    OtherAudience {
        /// The prompt asked for.
        uri: Box<PromptUri>,
        /// Whose it is.
        theirs: String,
        /// For whom the text is made.
        audience: Audience,
    },
    /// A value was given that no prompt asks for.
    #[error("no prompt here takes a variable `{name}`; known: {}", if known.is_empty() { "none".into() } else { known.join(", ") })]
    UnknownValue {
        /// The name given.
        name: String,
        /// The names taken.
        known: Vec<String>,
    },
    /// A template was refused.
    #[error("{uri}: {error}")]
    Template {
        /// The layer.
        uri: Box<PromptUri>,
        /// Why.
        error: TemplateError,
    },
    /// The shelf could not be read.
    #[error("prompts could not be read: {0}")]
    Shelf(#[from] ShelfError),
}

/// The text of a call, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composition {
    /// The text.
    pub text: String,
    /// The record that travels with the call.
    pub metadata: PromptCallMetadata,
}

/// The layers of `uri`'s key for `audience`, from the bottom up. Where `uri` names a version, that version stands for
/// the active one of the same prompt. A URI of another organization or user than the audience's is refused: what its
/// key means here is another prompt.
pub fn layers(
    uri: &PromptUri,
    audience: &Audience,
    shelf: &dyn Shelf,
) -> Result<Vec<PromptFile>, ComposeError> {
    let theirs = match &uri.place {
        Place::Org(org) if *org != audience.org => Some(org.to_string()),
        Place::User(org, user) if *org != audience.org || audience.user.as_ref() != Some(user) => {
            Some(format!("{org}/{user}"))
        }
        _ => None,
    };
    if let Some(theirs) = theirs {
        let (uri, audience) = (Box::new(uri.clone()), audience.clone());
        return Err(ComposeError::OtherAudience { uri, theirs, audience });
    }
    let shelf = Pinned { shelf, pin: uri };
    let at = |place| PromptUri { place, key: uri.key.clone(), version: None };
    let mut places = vec![Place::Org(audience.org.clone()), Place::Core];
    if let Some(user) = &audience.user {
        places.push(Place::User(audience.org.clone(), user.clone()));
    }
    let mut top = None;
    for place in places {
        top = shelf.prompt(&at(place))?;
        if top.is_some() {
            break;
        }
    }
    let unknown = || ComposeError::Unknown { key: uri.key.clone(), org: audience.org.clone() };
    let mut chain = descend(top.ok_or_else(unknown)?, &shelf)?;
    if let Some(user) = &audience.user {
        let mut patches = shelf.shelf.patches(&audience.org, user)?;
        patches.sort_by_key(|p| (p.uri.key != uri.key, p.uri.key.clone()));
        for patch in patches {
            let names_it = match &patch.extends {
                None => patch.uri.key == uri.key,
                Some(Base::Key(key)) => *key == uri.key,
                Some(Base::Uri(base)) => {
                    chain.iter().any(|layer| layer.uri.unversioned() == base.unversioned())
                }
            };
            if (names_it || patch.uri.key == uri.key)
                && !chain.iter().any(|l| l.uri.unversioned() == patch.uri.unversioned())
            {
                let pinned = shelf.prompt(&patch.uri.unversioned())?;
                chain.push(pinned.unwrap_or(patch));
            }
        }
    }
    if chain.len() > MAX_LAYERS {
        return Err(ComposeError::TooDeep { uri: Box::new(uri.clone()) });
    }
    Ok(chain)
}

/// A prompt with everything below it, from the bottom up.
pub fn descend(top: PromptFile, shelf: &dyn Shelf) -> Result<Vec<PromptFile>, ComposeError> {
    let mut chain = vec![top];
    loop {
        let above = &chain[chain.len() - 1];
        let Some(base) = base_of(above, shelf)? else { break };
        if chain.iter().any(|layer| layer.uri.unversioned() == base.uri.unversioned()) {
            return Err(ComposeError::Cycle {
                uri: Box::new(base.uri.unversioned()),
                by: Box::new(above.uri.clone()),
            });
        }
        if chain.len() == MAX_LAYERS {
            return Err(ComposeError::TooDeep { uri: Box::new(chain[0].uri.clone()) });
        }
        chain.push(base);
    }
    chain.reverse();
    Ok(chain)
}

/// The prompt directly below `file`, if it has one.
pub fn base_of(file: &PromptFile, shelf: &dyn Shelf) -> Result<Option<PromptFile>, ComposeError> {
    let own = &file.uri;
    let missing = |base: &Base| ComposeError::NoBase { uri: Box::new(own.clone()), base: base.to_string() };
    match &file.extends {
        Some(named @ Base::Uri(uri)) => {
            let ours = uri.place.org().is_none() || uri.place.org() == own.place.org();
            let theirs = matches!(uri.place, Place::User(..)) && uri.place != own.place;
            if !ours || theirs || uri.scope() > own.scope() {
                return Err(ComposeError::Forbidden {
                    uri: Box::new(own.clone()),
                    base: Box::new(uri.clone()),
                });
            }
            shelf.prompt(uri)?.map(Some).ok_or_else(|| missing(named))
        }
        Some(named @ Base::Key(key)) => nearest(own, key, shelf)?.map(Some).ok_or_else(|| missing(named)),
        None => nearest(own, &own.key, shelf),
    }
}

/// The nearest prompt of `key` below or beside `own`, `own` itself excepted.
fn nearest(own: &PromptUri, key: &PromptKey, shelf: &dyn Shelf) -> Result<Option<PromptFile>, ComposeError> {
    let org = own.place.org().map(|org| Place::Org(org.clone()));
    for place in org.into_iter().chain([Place::Core]) {
        let uri = PromptUri { place, key: key.clone(), version: None };
        if uri != own.unversioned()
            && let Some(found) = shelf.prompt(&uri)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// A shelf on which one version stands for the active one.
struct Pinned<'a> {
    shelf: &'a dyn Shelf,
    pin: &'a PromptUri,
}

impl Shelf for Pinned<'_> {
    fn prompt(&self, uri: &PromptUri) -> Result<Option<PromptFile>, ShelfError> {
        let pinned = uri.version.is_none() && self.pin.unversioned() == *uri;
        self.shelf.prompt(if pinned { self.pin } else { uri })
    }
    fn patches(&self, org: &Name, user: &Name) -> Result<Vec<PromptFile>, ShelfError> {
        self.shelf.patches(org, user)
    }
}

/// The effective text of the prompts named, each resolved for `audience`, joined in order.
pub fn effective(
    uris: &[PromptUri],
    audience: &Audience,
    values: &Map<String, Value>,
    shelf: &dyn Shelf,
) -> Result<Composition, ComposeError> {
    let groups = uris.iter().map(|uri| layers(uri, audience, shelf)).collect::<Result<Vec<_>, _>>()?;
    join(&groups, audience.org.as_str(), values, CompositionMethod::Effective)
}

/// The text of `prompts`, each as it is, joined in order.
pub fn compose(
    prompts: &[PromptFile],
    org: &str,
    values: &Map<String, Value>,
) -> Result<Composition, ComposeError> {
    let groups: Vec<_> = prompts.iter().map(|prompt| vec![prompt.clone()]).collect();
    join(&groups, org, values, CompositionMethod::Compose)
}

/// The text of one prompt over what it layers on, from the bottom up.
pub fn layered(
    layers: &[PromptFile],
    org: &str,
    values: &Map<String, Value>,
) -> Result<Composition, ComposeError> {
    join(&[layers.to_vec()], org, values, CompositionMethod::Effective)
}

/// The caller's own text, which names no prompt.
pub fn manual(text: &str, org: &str) -> Composition {
    let metadata = PromptCallMetadata {
        prompt_uris: Vec::new(),
        prompt_versions: Vec::new(),
        layers: Vec::new(),
        composition_method: CompositionMethod::Manual,
        variables_used: Vec::new(),
        estimated_tokens: Some(tokens::estimate(text)),
        org_id: org.to_owned(),
    };
    Composition { text: text.to_owned(), metadata }
}

fn join(
    groups: &[Vec<PromptFile>],
    org: &str,
    given: &Map<String, Value>,
    method: CompositionMethod,
) -> Result<Composition, ComposeError> {
    let files: Vec<&PromptFile> = groups.iter().flatten().collect();
    let refuse = |file: &PromptFile, error| ComposeError::Template { uri: Box::new(file.uri.clone()), error };
    let mut templates = Vec::with_capacity(files.len());
    for file in &files {
        let template = Template::parse(file.template(), file.template_line()).map_err(|e| refuse(file, e))?;
        templates.push((*file, template));
    }
    let (values, variables_used) = bind(&templates, given)?;
    let mut text = String::new();
    let mut rest = templates.iter();
    for group in groups {
        let mut below = String::new();
        for (file, template) in rest.by_ref().take(group.len()) {
            let own = template.render(&values, &below).map_err(|e| refuse(file, e))?;
            below = if template.places_base() { own } else { after(&below, &own) };
        }
        text = after(&text, &below);
    }
    let mut layers = Vec::with_capacity(files.len());
    for file in files {
        let unversioned = || ComposeError::Unversioned { uri: Box::new(file.uri.clone()) };
        let version: Version = file.uri.version.clone().ok_or_else(unversioned)?;
        layers.push(PromptLayer { scope: file.uri.scope(), uri: file.uri.unversioned(), version });
    }
    let metadata = PromptCallMetadata {
        prompt_uris: layers.iter().map(|layer| layer.uri.clone()).collect(),
        prompt_versions: layers.iter().map(|layer| layer.version.clone()).collect(),
        layers,
        composition_method: method,
        variables_used,
        estimated_tokens: Some(tokens::estimate(&text)),
        org_id: org.to_owned(),
    };
    if let Some(uri) = metadata.named_twice() {
        return Err(ComposeError::TwoVersions { uri: Box::new(uri) });
    }
    Ok(Composition { text, metadata })
}

/// The values to render with, and the names of those that were given or have a default.
fn bind(
    templates: &[(&PromptFile, Template)],
    given: &Map<String, Value>,
) -> Result<(Map<String, Value>, Vec<String>), ComposeError> {
    let declared = |name: &str| templates.iter().rev().find_map(|(file, _)| file.inputs.get(name));
    let used: BTreeSet<&str> =
        templates.iter().flat_map(|(_, t)| t.variables()).map(|u| u.name.as_str()).collect();
    let open = templates.iter().any(|(file, _)| file.inputs.open);
    if let Some(name) =
        given.keys().find(|name| declared(name).is_none() && !(open && used.contains(name.as_str())))
    {
        let mut known: BTreeSet<&str> = templates
            .iter()
            .flat_map(|(file, _)| file.inputs.variables.iter().map(|variable| variable.name.as_str()))
            .collect();
        if open {
            known.extend(&used);
        }
        let known = known.into_iter().map(str::to_owned).collect();
        return Err(ComposeError::UnknownValue { name: name.clone(), known });
    }
    let mut values = given.clone();
    let mut substituted = Vec::new();
    for name in used {
        let variable = declared(name);
        let default = || templates.iter().rev().find_map(|(f, _)| f.inputs.get(name)?.default.clone());
        if !given.contains_key(name) {
            match (default(), variable) {
                (Some(default), _) => values.insert(name.to_owned(), default),
                (None, Some(variable)) if variable.required => {
                    let (file, _) = templates
                        .iter()
                        .find(|(_, t)| t.variables().iter().any(|u| u.name == name))
                        .expect("`used` was collected from these templates");
                    let error = TemplateError::MissingValue { name: name.to_owned() };
                    return Err(ComposeError::Template { uri: Box::new(file.uri.clone()), error });
                }
                // Optional and absent: nothing is substituted, and a loop over it has no rounds.
                (None, Some(variable)) => {
                    let array = variable.kind.as_deref() == Some("array");
                    values
                        .insert(name.to_owned(), if array { Value::Array(Vec::new()) } else { Value::Null });
                    continue;
                }
                // Neither declared nor given: rendering says so, with the line.
                (None, None) => continue,
            };
        }
        substituted.push(name.to_owned());
    }
    Ok((values, substituted))
}

/// `below`, one blank line, `own`; either alone where the other is empty.
fn after(below: &str, own: &str) -> String {
    if below.is_empty() || own.is_empty() {
        return format!("{below}{own}");
    }
    let ends = ['\n', '\r'];
    format!("{}\n\n{}", below.trim_end_matches(ends), own.trim_start_matches(ends))
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
