//! The texts of the demo world: sixty prompts written by hand, their earlier versions, and variants without end.
//!
//! An asset is a prompt file that holds its whole history: a line that ends in `{{! since 1.1.0 }}` belongs to that
//! version and later ones, `{{! until 1.1.0 }}` to earlier ones only. What is published carries neither the marks nor
//! the line `demo.versions`. Must not know when versions appear or how they fare. Start with [`Text::edition`].

use std::fmt::Write;
use std::sync::LazyLock;

use crate::domain::prompt::Scope;

use super::dice::Dice;

/// The organization of the demo world.
pub const ORG: &str = "HUMAN_CORP";

/// The hand-written texts; a text comes after the one that it extends.
pub static TEXTS: LazyLock<Vec<Text>> =
    LazyLock::new(|| ASSETS.iter().map(|asset| Text::read(asset)).collect());

/// One hand-written prompt with its history.
#[derive(Debug, Clone)]
pub struct Text {
    /// The key, `support.base`.
    pub key: &'static str,
    /// Where it lives.
    pub scope: Scope,
    /// The owner of a user patch.
    pub user: Option<&'static str>,
    /// The task type, by which peers are found.
    pub task: &'static str,
    /// The recommended model.
    pub model: &'static str,
    /// The key that it layers on.
    pub extends: Option<&'static str>,
    /// Names of its template variables.
    pub variables: Vec<&'static str>,
    /// Its versions, oldest first.
    pub versions: Vec<&'static str>,
    head: Vec<&'static str>,
    body: &'static str,
}

/// What distinguishes a derived prompt from the text that it was derived from.
#[derive(Debug, Clone)]
pub struct Variant {
    /// Its own key.
    pub key: String,
    desk: &'static str,
    region: &'static str,
    number: usize,
    rules: [usize; RULES_SHOWN],
}

/// How many versions a variant can have.
pub const VARIANT_VERSIONS: [&str; 4] = ["1.0.0", "1.1.0", "1.1.1", "2.0.0"];
const RULES_SHOWN: usize = VARIANT_VERSIONS.len() + 1;

impl Variant {
    /// The `number`-th prompt of the world as a variant of `text`.
    pub fn of(text: &Text, number: usize, dice: &mut Dice) -> Variant {
        let desk = *dice.choose(&DESKS);
        let first = dice.below(RULES.len());
        // A stride that has no divisor in common with the number of rules never repeats one.
        let rules = std::array::from_fn(|i| (first + i * 7) % RULES.len());
        let key = format!("{}-{desk}-{number}", text.key);
        Variant { key, desk, region: dice.choose::<&'static str>(&REGIONS), number, rules }
    }
}

impl Text {
    /// Reads an asset. The assets are part of the program and the tests read each, so a malformed one has no error
    /// of its own: it merely lacks what is missing.
    fn read(asset: &'static str) -> Text {
        let asset = asset.strip_prefix("---\n").unwrap_or(asset);
        let (head, body) = asset.split_once("\n---\n").unwrap_or(("", asset));
        let field = |name: &str| {
            head.lines().find_map(|line| Some(line.strip_prefix(name)?.strip_prefix(": ")?.trim()))
        };
        let schema =
            field("input").and_then(|line| line.split_once("schema: {")).map_or("", |(_, rest)| rest);
        Text {
            key: field("name").unwrap_or_default(),
            scope: field("human.scope").and_then(|s| s.parse().ok()).unwrap_or(Scope::Org),
            user: field("human.user"),
            task: field("human.taskType").unwrap_or_default(),
            model: field("model").unwrap_or_default(),
            extends: field("human.extends"),
            variables: schema.split(',').filter_map(|pair| Some(pair.split_once(':')?.0.trim())).collect(),
            versions: field("demo.versions").unwrap_or("1.0.0").split(' ').collect(),
            head: head.lines().filter(|line| !line.starts_with("demo.versions")).collect(),
            body,
        }
    }

    /// The prompt file of one version, an index into `versions` (into [`VARIANT_VERSIONS`] for a variant).
    pub fn edition(&self, version: usize, variant: Option<&Variant>) -> String {
        let mut text = String::with_capacity(self.body.len() + 600);
        text.push_str("---\n");
        for line in &self.head {
            match (line.split_once(": "), variant) {
                (Some(("name", _)), Some(v)) => {
                    let _ = writeln!(text, "name: {}", v.key);
                }
                (Some(("description", _)), Some(v)) => {
                    let _ = writeln!(
                        text,
                        "description: The {} edition of {} for {}.",
                        v.desk, self.key, v.region
                    );
                }
                (Some(("human.version", _)), _) => {
                    let name =
                        if variant.is_some() { VARIANT_VERSIONS[version] } else { self.versions[version] };
                    let _ = writeln!(text, "human.version: {name}");
                }
                _ => {
                    text.push_str(line);
                    text.push('\n');
                }
            }
        }
        text.push_str("---\n");
        self.write_body(&mut text, if variant.is_some() { self.versions.len() - 1 } else { version });
        if let Some(v) = variant {
            let _ = writeln!(text, "\nFor the {} desk in {} (queue {}):", v.desk, v.region, v.number);
            for rule in &v.rules[..version + 2] {
                let _ = writeln!(text, "- {}", RULES[*rule]);
            }
        }
        text
    }

    fn write_body(&self, text: &mut String, version: usize) {
        let index = |name: &str| self.versions.iter().position(|v| *v == name).unwrap_or(0);
        for line in self.body.lines() {
            let (line, kept) =
                match line.split_once(" {{! ").map(|(l, mark)| (l, mark.trim_end_matches(" }}"))) {
                    Some((l, mark)) => match mark.split_once(' ') {
                        Some(("since", name)) => (l, version >= index(name)),
                        Some(("until", name)) => (l, version < index(name)),
                        _ => (l, true),
                    },
                    None => (line, true),
                };
            if kept {
                text.push_str(line);
                text.push('\n');
            }
        }
    }
}

const DESKS: [&str; 16] = [
    "logistics",
    "retail",
    "banking",
    "insurance",
    "energy",
    "health",
    "travel",
    "telecom",
    "education",
    "housing",
    "automotive",
    "grocery",
    "pharma",
    "media",
    "legal",
    "public-sector",
];

const REGIONS: [&str; 12] = [
    "Portugal",
    "Ireland",
    "the Nordics",
    "Canada",
    "Japan",
    "Brazil",
    "Austria",
    "Kenya",
    "Singapore",
    "Poland",
    "Mexico",
    "New Zealand",
];

/// House rules that variants add, one more with each version.
const RULES: [&str; 25] = [
    "Spell out an abbreviation at its first use.",
    "Give times in the reader's time zone and name the zone.",
    "Put amounts in the local currency first, and the original in brackets.",
    "When two sources disagree, show both and say which is newer.",
    "Use the customer's own word for the product.",
    "Close with the single most useful next step.",
    "Never mention a competitor by name.",
    "Keep paragraphs under four lines.",
    "Say how certain you are where certainty matters.",
    "Refer to people by role unless the material names them.",
    "Quote identifiers exactly, including case and dashes.",
    "State an assumption as soon as you make it.",
    "Use numbers for steps and dashes for everything else.",
    "Prefer an example to a definition.",
    "Do not repeat the question.",
    "Mention holidays that move a deadline.",
    "Treat empty fields as unknown, not as zero.",
    "Leave regulated wording unchanged.",
    "Write percentages with one decimal.",
    "Translate local terms once, in brackets.",
    "Ask at most one question back.",
    "List exclusions before benefits.",
    "Point out what was left out for brevity.",
    "Keep the reader's order of topics.",
    "Answer in the language of the request.",
];

/// The files of `assets/demo`, bases before what extends them.
const ASSETS: [&str; 60] = [
    include_str!("../../assets/demo/support.base.prompt"),
    include_str!("../../assets/demo/extraction.base.prompt"),
    include_str!("../../assets/demo/summarize.base.prompt"),
    include_str!("../../assets/demo/legal.base.prompt"),
    include_str!("../../assets/demo/legal.contract-analysis.prompt"),
    include_str!("../../assets/demo/analysis.base.prompt"),
    include_str!("../../assets/demo/support.refund-reply.prompt"),
    include_str!("../../assets/demo/support.order-status.prompt"),
    include_str!("../../assets/demo/support.triage-intake.prompt"),
    include_str!("../../assets/demo/support.billing-question.prompt"),
    include_str!("../../assets/demo/support.password-reset.prompt"),
    include_str!("../../assets/demo/support.outage-notice.prompt"),
    include_str!("../../assets/demo/support.warranty-claim.prompt"),
    include_str!("../../assets/demo/extraction.dates.prompt"),
    include_str!("../../assets/demo/extraction.invoice-fields.prompt"),
    include_str!("../../assets/demo/extraction.resume-profile.prompt"),
    include_str!("../../assets/demo/extraction.shipping-manifest.prompt"),
    include_str!("../../assets/demo/extraction.meeting-actions.prompt"),
    include_str!("../../assets/demo/extraction.product-attributes.prompt"),
    include_str!("../../assets/demo/extraction.lease-terms.prompt"),
    include_str!("../../assets/demo/extraction.lab-results.prompt"),
    include_str!("../../assets/demo/summarize.thread.prompt"),
    include_str!("../../assets/demo/summarize.call-notes.prompt"),
    include_str!("../../assets/demo/summarize.ticket-history.prompt"),
    include_str!("../../assets/demo/summarize.weekly-status.prompt"),
    include_str!("../../assets/demo/summarize.board-pack.prompt"),
    include_str!("../../assets/demo/summarize.research-paper.prompt"),
    include_str!("../../assets/demo/code.base.prompt"),
    include_str!("../../assets/demo/code.explain.prompt"),
    include_str!("../../assets/demo/code.review-pull-request.prompt"),
    include_str!("../../assets/demo/code.explain-diff.prompt"),
    include_str!("../../assets/demo/code.write-tests.prompt"),
    include_str!("../../assets/demo/code.sql-from-question.prompt"),
    include_str!("../../assets/demo/code.migration-plan.prompt"),
    include_str!("../../assets/demo/draft.base.prompt"),
    include_str!("../../assets/demo/style.plain-language.prompt"),
    include_str!("../../assets/demo/draft.release-notes.prompt"),
    include_str!("../../assets/demo/draft.sales-email.prompt"),
    include_str!("../../assets/demo/draft.job-posting.prompt"),
    include_str!("../../assets/demo/draft.policy-update.prompt"),
    include_str!("../../assets/demo/classify.base.prompt"),
    include_str!("../../assets/demo/classify.language.prompt"),
    include_str!("../../assets/demo/classify.email-intent.prompt"),
    include_str!("../../assets/demo/classify.ticket-priority.prompt"),
    include_str!("../../assets/demo/classify.content-risk.prompt"),
    include_str!("../../assets/demo/classify.expense-category.prompt"),
    include_str!("../../assets/demo/analysis.root-cause.prompt"),
    include_str!("../../assets/demo/analysis.market-brief.prompt"),
    include_str!("../../assets/demo/analysis.survey-themes.prompt"),
    include_str!("../../assets/demo/analysis.incident-review.prompt"),
    include_str!("../../assets/demo/analysis.vendor-risk.prompt"),
    include_str!("../../assets/demo/finance.variance-note.prompt"),
    include_str!("../../assets/demo/legal.nda-check.prompt"),
    include_str!("../../assets/demo/analysis.churn-drivers.prompt"),
    include_str!("../../assets/demo/support.reply-brief.prompt"),
    include_str!("../../assets/demo/support.reply-formal.prompt"),
    include_str!("../../assets/demo/summarize.bullets-first.prompt"),
    include_str!("../../assets/demo/code.review-strict.prompt"),
    include_str!("../../assets/demo/draft.email-warm.prompt"),
    include_str!("../../assets/demo/extraction.invoice-eu.prompt"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn assets_are_complete() {
        let mut seen = HashSet::new();
        for text in TEXTS.iter() {
            assert!(!text.key.is_empty() && !text.task.is_empty() && !text.model.is_empty(), "{}", text.key);
            assert!(
                text.extends.is_none_or(|base| seen.contains(base)),
                "{} comes before its base",
                text.key
            );
            assert!((1..=4).contains(&text.versions.len()), "{}", text.key);
            assert!(seen.insert(text.key), "{} occurs twice", text.key);
        }
        for task in ["analysis", "support", "extraction", "summarize", "code"] {
            assert!(TEXTS.iter().filter(|t| t.task == task).count() >= 8, "{task} has too few peers");
        }
    }

    #[test]
    fn versions_differ_and_carry_no_marks() {
        let mut seen = HashSet::new();
        for text in TEXTS.iter() {
            for version in 0..text.versions.len() {
                let edition = text.edition(version, None);
                assert!(!edition.contains("{{!") && !edition.contains("demo."), "{edition}");
                assert!(edition.contains(&format!("human.version: {}\n", text.versions[version])));
                let body = edition.split_once("\n---\n").expect("front matter").1.to_owned();
                assert!(body.lines().count() >= 4 && body.len() > 180, "{} is no prompt", text.key);
                assert!(seen.insert(body), "{}@{} repeats a text", text.key, text.versions[version]);
            }
        }
    }

    /// Every variable of a body is declared but for one, which the agent is to find, and every declared one is used in
    /// some version.
    #[test]
    fn variables_are_declared() {
        for text in TEXTS.iter() {
            let mut used = HashSet::new();
            for version in 0..text.versions.len() {
                let edition = text.edition(version, None);
                for part in edition.split("{{").skip(1) {
                    let name = part.split("}}").next().expect("closed");
                    let name = name.trim_start_matches("#if ").trim();
                    if !name.starts_with('/') {
                        used.insert(name.to_owned());
                    }
                }
            }
            if text.key == "extraction.shipping-manifest" {
                assert!(used.remove("carrier"));
            }
            let declared: HashSet<String> = text.variables.iter().map(|v| (*v).to_owned()).collect();
            assert_eq!(used, declared, "{}", text.key);
        }
    }
}
