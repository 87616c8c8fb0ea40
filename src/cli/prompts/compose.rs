//! `prompts compose`: the text of a call, with the record of what it was made of.

use serde_json::{Map, Value, json};

use super::desk::{Desk, Exit, PromptsError, Result};
use crate::domain::prompt::{Name, PromptUri};
use crate::engine::compose::{self, Audience, ComposeError, Shelf};
use crate::engine::names::NameError;
use crate::store::prompt_error::PromptStoreError;
use crate::store::prompt_shelf::Named;

/// The organization of calls for which none is named.
const NO_ORG: &str = "LOCAL";

/// How prompts come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Method {
    /// Each prompt as it is, in order
    Compose,
    /// Each prompt with its layers: core, org overlay, user patches
    Effective,
}

/// Arguments of `prompts compose`. The text is printed as it would be sent, to the byte; only a terminal is shown
/// control characters as escapes.
#[derive(Debug, clap::Args)]
pub struct ComposeArgs {
    /// The prompts in order: URI, key or last segment, with `@VERSION` or the active one
    #[arg(required = true, value_name = "P")]
    pub prompts: Vec<String>,
    /// The organization on whose behalf the call is made; without it, that of the first prompt that has one
    #[arg(long, value_name = "O")]
    pub org: Option<Name>,
    /// The user whose patches apply (method effective); without it, that of the first prompt that has one
    #[arg(long, value_name = "U")]
    pub user: Option<Name>,
    /// The session on whose behalf the call is made: of a prompt whose canary runs it is served the new version or the
    /// active one, and always the same
    #[arg(long, value_name = "S")]
    pub session: Option<String>,
    /// A variable's value, as text
    #[arg(long = "var", value_name = "K=V")]
    pub variables: Vec<String>,
    /// A variable's value, as JSON: lists, maps and numbers
    #[arg(long = "var-json", value_name = "K=JSON")]
    pub json_variables: Vec<String>,
    /// How the prompts come together; effective where a user is named
    #[arg(long, value_enum)]
    pub method: Option<Method>,
}

/// Runs `prompts compose`.
pub fn run(args: &ComposeArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let values = values(args)?;
    let method = args.method.unwrap_or(if args.user.is_some() { Method::Effective } else { Method::Compose });
    if method == Method::Compose && args.user.is_some() {
        return Err(PromptsError::Usage(
            "`--user` has patches only with `--method effective`; drop one of the two".into(),
        ));
    }
    // One view: all names and texts are of one moment.
    let view = desk.shelf.view()?;
    let mut uris = Vec::with_capacity(args.prompts.len());
    for name in &args.prompts {
        let Named { uri, version } = match view.named(name) {
            // A key that core and an overlay share names one effective prompt.
            Err(PromptStoreError::Name(NameError::Ambiguous { candidates, .. }))
                if method == Method::Effective && same_key(&candidates) && !name.contains('@') =>
            {
                let uri = candidates.iter().find(|uri| sees(args, uri)).unwrap_or(&candidates[0]);
                Named { uri: uri.clone(), version: None }
            }
            found => found?,
        };
        uris.push(match version {
            Some(version) => uri.at(version),
            None => uri,
        });
    }
    let served = args.session.as_deref().map(|session| view.served(session));
    let shelf: &dyn Shelf = served.as_ref().map_or(&view as &dyn Shelf, |served| served);
    let org = args.org.clone().or_else(|| uris.iter().find_map(|uri| uri.place.org().cloned()));
    let made = match method {
        Method::Effective => {
            let org = match org {
                Some(org) => org,
                None => NO_ORG.parse().expect("a valid name"),
            };
            let of_uri = || uris.iter().find_map(|uri| uri.place.user().cloned());
            let audience = Audience { org, user: args.user.clone().or_else(of_uri) };
            compose::effective(&uris, &audience, &values, shelf).map_err(|error| match error {
                ComposeError::OtherAudience { .. } => PromptsError::Usage(error.to_string()),
                error => error.into(),
            })?
        }
        Method::Compose => {
            let mut files = Vec::with_capacity(uris.len());
            for uri in &uris {
                let served = shelf.prompt(uri).map_err(ComposeError::from)?;
                files.push(match served {
                    Some(file) => file,
                    // Says what is missing.
                    None => view.file(&uri.unversioned(), uri.version.clone())?.1,
                });
            }
            compose::compose(&files, org.as_ref().map_or(NO_ORG, Name::as_str), &values)?
        }
    };
    drop(view);
    if desk.json {
        return desk.document(&json!({"text": made.text, "promptMetadata": made.metadata}));
    }
    let text = desk.safe(&made.text);
    desk.out.write_all(text.as_bytes())?;
    if desk.terminal && !text.ends_with('\n') {
        writeln!(desk.out)?;
    }
    Ok(Exit::Done)
}

/// Whether those for whom the text is made, as far as the arguments tell, see the prompt.
fn sees(args: &ComposeArgs, uri: &PromptUri) -> bool {
    let org = args.org.is_none() || uri.place.org().is_none() || uri.place.org() == args.org.as_ref();
    org && (uri.place.user().is_none() || uri.place.user() == args.user.as_ref())
}

fn same_key(candidates: &[PromptUri]) -> bool {
    candidates.windows(2).all(|pair| pair[0].key == pair[1].key)
}

fn values(args: &ComposeArgs) -> Result<Map<String, Value>> {
    let mut values = Map::new();
    let texts = args.variables.iter().map(|pair| (pair, false));
    for (pair, json) in texts.chain(args.json_variables.iter().map(|pair| (pair, true))) {
        let Some((name, value)) = pair.split_once('=').filter(|(name, _)| !name.is_empty()) else {
            let message = format!("`{}` is not NAME=VALUE; write `--var city=Ulm`", pair.escape_debug());
            return Err(PromptsError::Usage(message));
        };
        let value = if json {
            serde_json::from_str(value).map_err(|e| {
                let name = name.escape_debug();
                PromptsError::Usage(format!(
                    "the value of `{name}` is not JSON: {e}; use `--var` for plain text"
                ))
            })?
        } else {
            Value::String(value.to_owned())
        };
        if values.insert(name.to_owned(), value).is_some() {
            let message = format!("variable `{}` is given twice; keep one of the two", name.escape_debug());
            return Err(PromptsError::Usage(message));
        }
    }
    Ok(values)
}
