//! What happened to a prompt and what is to be done: its alarms, its latest change, recommendations, and its history.

use super::super::sheet::broken;
use super::super::words;
use super::Line;
use crate::console::moment;
use crate::domain::call::Millis;
use crate::engine::trend::words as in_words;
use crate::service::live::PromptPage;
use crate::theme::Role;

/// All lines, of so many columns.
pub(super) fn lines(page: &PromptPage, now: Millis, width: u16, little: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let heading = |lines: &mut Vec<Line>, text: &str| {
        if !lines.is_empty() {
            lines.push(vec![]);
        }
        lines.push(vec![(Role::Heading, text.to_owned())]);
    };
    if !page.health.is_empty() {
        heading(&mut lines, "watch");
        for health in &page.health {
            let (_, word, role) = words::level(Some(health.level));
            let since =
                health.since.as_deref().map(|since| moment::of(since, moment::short)).unwrap_or_default();
            let mut line = vec![
                (role, format!("{word:<7}")),
                (Role::Text, format!("{:<9}", health.id.measure.as_str())),
                (Role::Muted, if since.is_empty() { String::new() } else { format!("since {since}  ") }),
            ];
            if let (Some(before), Some(current)) = (&health.baseline, &health.current) {
                line.push((Role::Text, in_words::estimate(current)));
                let counted = in_words::counted(health);
                line.push((Role::Muted, format!("{counted}, was {}", in_words::estimate(before))));
            }
            lines.push(line);
            for cause in &health.causes {
                lines.push(vec![(Role::Faint, "       ".into()), (Role::Muted, cause.what.clone())]);
            }
        }
    }
    if let Some(outcome) = &page.outcome {
        heading(&mut lines, "latest change");
        lines.extend(broken(outcome, width).into_iter().map(|text| vec![(Role::Text, text)]));
    }
    if !page.recommendations.is_empty() {
        heading(&mut lines, "recommended");
        for said in &page.recommendations {
            for (i, text) in broken(said, width.saturating_sub(2)).into_iter().enumerate() {
                let mark = if i == 0 { format!("{little} ") } else { "  ".to_owned() };
                lines.push(vec![(Role::Muted, mark), (Role::Text, text)]);
            }
        }
    }
    heading(&mut lines, "history");
    if page.history.is_empty() {
        lines.push(vec![(Role::Muted, "Nothing is published under this name.".into())]);
    }
    for at in &page.history {
        let mut line = vec![
            (Role::Muted, format!("{:<11}  ", moment::dated(at.at, now))),
            (Role::Faint, format!("{:>4}  ", words::ago(now, at.at))),
            (Role::Strong, format!("{:<8}", at.version.to_string())),
            (if at.what == "active" { Role::Good } else { Role::Text }, format!(" {:<10}", at.what)),
        ];
        if let Some(by) = &at.by {
            line.push((Role::Text, by.clone()));
        }
        lines.push(line);
        if let Some(reason) = &at.reason {
            lines.push(vec![(Role::Faint, " ".repeat(13)), (Role::Muted, reason.clone())]);
        }
    }
    lines
}
