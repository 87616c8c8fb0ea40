//! What prompts declare and do not ask of models (R8): a change of metadata that needs no telemetry, only the text.

use serde_json::json;

use super::desk::Desk;
use super::docketed::{Docketed, Ready, proposed};
use crate::domain::prompt::PromptUri;
use crate::domain::proposal::{Drafter, Grounds, Kind, Proposal};
use crate::domain::run::{Did, Run, Step};
use crate::engine::grounds;
use crate::engine::rules::{Undeclared, undeclared};
use crate::service::error::Result;

/// What such a proposal is made for: one open a prompt.
const CAUSE: &str = "capabilities";

/// Proposes the capabilities that the active versions need by what they declare.
pub fn capabilities(
    desk: &Desk<'_>,
    run: &mut Run,
    docketed: &mut Docketed,
    covers: &dyn Fn(&PromptUri) -> bool,
) -> Result<()> {
    for (uri, published) in &desk.catalog.published {
        let Some(active) = published.active.as_ref().filter(|_| covers(uri)) else { continue };
        let base = desk.reader.file(uri, active)?;
        let Some(Undeclared { file, lacks, because }) = undeclared(&base) else { continue };
        let lacks = lacks.as_str();
        let evidence = Grounds {
            cause: CAUSE.into(),
            window: [desk.window.start(), desk.window.end()],
            found: json!({ "lacks": lacks, "because": because }),
            feedback: Vec::new(),
            cases: None,
        };
        let found = grounds::sentences(&evidence).join(" ");
        let step =
            |did| Step { prompt_uri: uri.at(active.clone()), cause: CAUSE.into(), found: found.clone(), did };
        let rejections = desk.reader.proposals().rejections(uri)?;
        let why = match desk.leave(CAUSE, uri, docketed)? {
            Some(why) => Some(why),
            None => desk.repeats(docketed, &rejections, &base, uri, (Kind::Metadata, &file))?,
        };
        if let Some(why) = why {
            run.steps.push(step(Did::Left { why }));
            continue;
        }
        let rationale = format!(
            "R8 adds `{lacks}` to `human.requires`. {because}; routing then leaves out models that are not known to be \
             able to. The text stays."
        );
        let proposal = Proposal {
            base_version: active.clone(),
            drafted_by: Drafter::Rules { rules: vec!["R8".into()] },
            ..desk.proposal(
                uri,
                Kind::Metadata,
                &file,
                format!("Require `{lacks}` of models, as the output is declared"),
                rationale,
                desk.risk(uri, &base, &file, Kind::Metadata),
                evidence,
            )
        };
        docketed.ready.push(Ready { step: run.steps.len(), proposal: proposal.clone() });
        run.steps.push(step(proposed(&proposal)));
    }
    Ok(())
}
