//! Which prompt a name means: a URI, a key or a last segment. An ambiguous name is refused with its candidates, an
//! unknown one with what is like it.

use crate::domain::prompt::PromptUri;

/// Most names that an error lists.
const LISTED: usize = 12;

/// Why a name means no prompt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// No prompt has this name.
    #[error("no prompt is named `{}`; {}", name.escape_debug(), nearest(near))]
    Unknown {
        /// The name given.
        name: String,
        /// Names that are like it.
        near: Vec<String>,
    },
    /// Several prompts have this name.
    #[error("`{}` names {} prompts; say which: {}", name.escape_debug(), candidates.len(), join(candidates))]
    Ambiguous {
        /// The name given.
        name: String,
        /// The prompts that it may mean.
        candidates: Vec<PromptUri>,
    },
}

fn nearest(near: &[String]) -> String {
    if near.is_empty() {
        "see `human prompts list`".into()
    } else {
        format!("did you mean {}?", near.join(", "))
    }
}

fn join(uris: &[PromptUri]) -> String {
    uris.iter().take(LISTED).map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The one of `prompts` (without versions) that `name` means: its URI, else its key, else its last segment.
pub fn find<'p>(
    name: &str,
    prompts: impl Iterator<Item = &'p PromptUri>,
) -> Result<&'p PromptUri, NameError> {
    let prompts: Vec<&PromptUri> = prompts.collect();
    let by: [fn(&PromptUri, &str) -> bool; 3] = [
        |uri, name| uri.to_string() == name,
        |uri, name| uri.key.as_str() == name,
        |uri, name| uri.key.last_segment() == name,
    ];
    for matches in by {
        let found: Vec<&PromptUri> = prompts.iter().copied().filter(|uri| matches(uri, name)).collect();
        match found.as_slice() {
            [] => {}
            [one] => return Ok(one),
            many => {
                let candidates = many.iter().map(|uri| (*uri).clone()).collect();
                return Err(NameError::Ambiguous { name: name.to_owned(), candidates });
            }
        }
    }
    Err(NameError::Unknown { name: name.chars().take(300).collect(), near: like(name, &prompts) })
}

/// Up to three names that are like `name`: of the same form, a few letters apart.
fn like(name: &str, prompts: &[&PromptUri]) -> Vec<String> {
    // Distances grow with the square of the length: a name longer than any identity has no neighbours.
    if name.len() > 400 {
        return Vec::new();
    }
    let mut near: Vec<(usize, String)> = Vec::new();
    for uri in prompts {
        let names = if name.contains("://") {
            vec![uri.to_string()]
        } else {
            vec![uri.key.to_string(), uri.key.last_segment().to_owned()]
        };
        for known in names {
            let distance = strsim::osa_distance(name, &known);
            if distance <= 1 + name.len() / 4 || (name.len() >= 3 && known.contains(name)) {
                near.push((distance, known));
            }
        }
    }
    near.sort();
    near.dedup();
    near.into_iter().take(3).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_refused_and_suggested() {
        let uris: Vec<PromptUri> =
            ["prompt://core/legal.base", "prompt://org/A/legal.contract-analysis", "prompt://org/A/tax.base"]
                .iter()
                .map(|u| u.parse().unwrap())
                .collect();
        let found = |name: &str| find(name, uris.iter());
        assert_eq!(found("contract-analysis"), Ok(&uris[1]));
        assert_eq!(found("legal.base"), Ok(&uris[0]));
        assert_eq!(found("prompt://org/A/tax.base"), Ok(&uris[2]));
        let error = found("base").unwrap_err().to_string();
        assert_eq!(
            error,
            "`base` names 2 prompts; say which: prompt://core/legal.base, prompt://org/A/tax.base"
        );
        let error = found("contract-analisis").unwrap_err().to_string();
        assert_eq!(error, "no prompt is named `contract-analisis`; did you mean contract-analysis?");
        assert_eq!(
            found("\u{1b}[31m").unwrap_err().to_string(),
            "no prompt is named `\\u{1b}[31m`; see `human prompts list`"
        );
    }
}
