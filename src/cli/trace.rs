//! `human trace`: which prompts contributed to a call, layer by layer, and what came of it.

use std::io::Write;

use serde_json::{Value, json};

use super::plain::shown;
use super::{Desk, Exit, Result};
use crate::engine::number::{NONE, count, duration, usd};
use crate::intake::events::{call_line, feedback_line, rfc3339};
use crate::store::telemetry::KeptCall;

#[derive(Debug, clap::Args)]
pub struct TraceArgs {
    /// The call's provenance id
    provenance_id: String,
}

pub fn run(args: &TraceArgs, desk: &mut Desk) -> Result<Exit> {
    let kept = desk.reading()?.call(&args.provenance_id)?;
    if desk.json {
        let call: Value = serde_json::from_str(&call_line(&kept.call)?)?;
        let mut feedback = Vec::new();
        for signal in &kept.feedback {
            feedback.push(serde_json::from_str::<Value>(&feedback_line(signal, &kept.call.provenance_id)?)?);
        }
        return desk.document(&json!({ "call": call, "feedback": feedback }));
    }
    let page = desk.page();
    for line in lines(&kept) {
        writeln!(desk.out, "{}", page.wrap(&line))?;
    }
    Ok(Exit::Done)
}

fn lines(kept: &KeptCall) -> Vec<String> {
    let call = &kept.call;
    let said = |text: &Option<String>| text.as_deref().map_or(NONE.into(), |t| shown(t).into_owned());
    let provider = call.provider.as_deref().map_or(String::new(), |p| format!(" by {}", shown(p)));
    let tokens = |n: Option<u32>| n.map_or(NONE.into(), |n| count(u64::from(n)));
    let estimated = if call.cost_estimated { " (estimated from the price table)" } else { "" };
    let mut lines = vec![
        format!("Call {}", shown(&call.provenance_id)),
        format!("  at        {}", rfc3339(call.at)),
        format!("  model     {}{provider}", shown(&call.model)),
        format!(
            "  tokens    {} in, {} out, {} cached",
            tokens(call.input_tokens),
            tokens(call.output_tokens),
            tokens(call.cached_tokens.or(Some(0)))
        ),
        format!("  cost      {}{estimated}", usd(call.cost.map(|c| c as f64 / 1e9))),
        format!(
            "  duration  {}, first token after {}",
            duration(call.duration_us.map(|us| us as f64 / 1e3)),
            duration(call.ttft_us.map(|us| us as f64 / 1e3))
        ),
        format!(
            "  outcome   {}",
            if call.ok { "ok".into() } else { format!("failed: {}", said(&call.error)) }
        ),
        format!("  agent     {}", said(&call.agent)),
        format!("  session   {}", said(&call.session)),
    ];
    match &call.prompts {
        None => lines.push("Prompts: none is named by the telemetry of this call".into()),
        Some(used) => {
            let method = match used.composition_method {
                crate::domain::prompt::CompositionMethod::Compose => "composed",
                crate::domain::prompt::CompositionMethod::Effective => "effective",
                crate::domain::prompt::CompositionMethod::Manual => "manual",
            };
            lines.push(format!("Prompts ({method}, for {})", shown(&used.org_id)));
            for (uri, version) in used.prompt_uris.iter().zip(&used.prompt_versions) {
                lines.push(format!("  {}", uri.at(version.clone())));
            }
            for layer in &used.layers {
                lines.push(format!("  layer {:<5} {}", layer.scope, layer.uri.at(layer.version.clone())));
            }
            if !used.variables_used.is_empty() {
                let names: Vec<_> = used.variables_used.iter().map(|v| shown(v)).collect();
                lines.push(format!("  variables  {}", names.join(", ")));
            }
            if let Some(tokens) = used.estimated_tokens {
                lines.push(format!("  estimated  {} tokens before the call", count(u64::from(tokens))));
            }
        }
    }
    lines.push(if kept.feedback.is_empty() { "Feedback: none".into() } else { "Feedback".into() });
    for feedback in &kept.feedback {
        let signal = feedback.signal.map_or("(no signal)", |s| s.as_str());
        let detail = feedback.detail.as_deref().map_or(String::new(), |d| format!("  {}", shown(d)));
        lines.push(format!("  {}  {signal:<10} by {:<6}{detail}", rfc3339(feedback.at), feedback.source));
    }
    lines
}
