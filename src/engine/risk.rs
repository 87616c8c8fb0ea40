//! How much can go wrong with a change: computed from what it touches, never asked of a model.
//!
//! Of 150 real rewordings of prompts whose effect was measured, 21.5 % made things significantly worse and 14.9 % better:
//! no edit of a text is low for being small. A reason asks for a level, the highest counts:
//!
//! | What | Level |
//! | --- | --- |
//! | a variable or placeholder added, removed or declared otherwise | high |
//! | the declared output, the prompt extended, protection taken away | high |
//! | what the text says about the form of the answer | high |
//! | more than half of the words; three obligations, prohibitions or numbers taken out | high |
//! | 10,000 calls a day and another text | high |
//! | any other words; one obligation, prohibition or number taken out | medium |
//! | lines broken or ordered otherwise, variables moved | medium |
//! | capabilities that a call needs, the peers compared with; `autoTune` or `consent` given | medium |
//! | core; 1,000 calls a day; a fifth of the fleet's calls; other prompts that layer on it | medium |
//! | a task type whose changes surely regress more often than rewordings do | high |
//! | the recommended model; descriptions; white space; sentences that stand in the text already | low |
//!
//! So low is what can be taken back by one rollback and is provably narrow. Variables are judged apart from the text
//! around them, so that adding or removing one raises the [`weight`] of any change. What no row knows is
//! medium. Start with [`assess`].

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use similar::{Algorithm, ChangeTag, capture_diff_slices};

use crate::domain::prompt::Scope;
use crate::domain::prompt_file::PromptFile;
use crate::domain::proposal::{Kind, Risk, RiskLevel, RiskReason, Usage};
use crate::engine::prose::{self, Prose};
use crate::engine::rules::repeated;
use crate::engine::stats::proportion::{self, CONFIDENCE};
use crate::engine::{placeholders, visible};

/// Calls a day from which a person looks at every change.
const MANY_CALLS: f64 = 1_000.0;
/// Calls a day from which another text is of high risk.
const VERY_MANY_CALLS: f64 = 10_000.0;
/// Share of the fleet's calls from which a person looks.
const MUCH_OF_THE_FLEET: f64 = 0.2;
/// Share of the words from which an edit is another text.
const MOST_WORDS: f64 = 0.5;
/// Share of real rewordings that made things significantly worse.
const WORSE: f64 = 0.215;
/// Sentences that oblige, forbid or name a number, of which this many are taken out.
const MANY_RULES: usize = 3;
/// Most names in one reason.
const NAMES: usize = 4;

/// What came of earlier changes to prompts of the task type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Record {
    /// Those that regressed.
    pub regressed: u64,
    /// All whose outcome is settled.
    pub finished: u64,
}

/// A change, and where it would be made.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The file as it is.
    pub base: &'a PromptFile,
    /// The file as it is to be.
    pub new: &'a PromptFile,
    /// What is meant to change.
    pub kind: Kind,
    /// What it touches.
    pub usage: &'a Usage,
    /// The prompt's share of all calls, where known.
    pub fleet_share: Option<f64>,
    /// What came of earlier changes to its peers.
    pub record: Record,
}

/// How much can go wrong, with every reason.
pub fn assess(change: &Change<'_>) -> Risk {
    let mut reasons = Reasons(Vec::new());
    reasons.scope(change);
    reasons.variables(change);
    reasons.front_matter(change);
    let worded = reasons.text(change);
    reasons.usage(change, worded);
    reasons.record(change.record);
    let mut reasons = reasons.0;
    if reasons.is_empty() {
        let narrower = "takes back a permission, or protects more passages";
        let same = change.base.same_but_version(change.new);
        let text = if same { "changes nothing but the version" } else { narrower };
        reasons.push(RiskReason { level: RiskLevel::Low, text: text.to_owned() });
    }
    reasons.sort_by_key(|reason| std::cmp::Reverse(reason.level));
    Risk { level: reasons[0].level, reasons }
}

/// How many reasons ask for high, medium and low: an order of risks that is finer than their levels, and agrees with
/// them.
pub fn weight(risk: &Risk) -> [usize; 3] {
    let count = |level| risk.reasons.iter().filter(|reason| reason.level == level).count();
    [count(RiskLevel::High), count(RiskLevel::Medium), count(RiskLevel::Low)]
}

struct Reasons(Vec<RiskReason>);

impl Reasons {
    fn say(&mut self, level: RiskLevel, text: impl AsRef<str>) {
        self.0.push(RiskReason { level, text: visible::one_line(text.as_ref()) });
    }

    fn scope(&mut self, change: &Change<'_>) {
        match change.base.uri.scope() {
            Scope::Core => self.say(RiskLevel::Medium, "core: every organization and user builds on it"),
            Scope::Org | Scope::User => {}
        }
        if change.kind == Kind::Rollback && change.base.template() != change.new.template() {
            self.say(RiskLevel::Low, "goes back to a text that has served before");
        }
    }

    fn variables(&mut self, change: &Change<'_>) {
        let (old, new) = (placeholders::of(change.base), placeholders::of(change.new));
        // A reason each: one more of them weighs more.
        let noun = |name: &str| if placeholders::is_tag(name) { "tag" } else { "variable" };
        for name in old.difference(&new) {
            self.say(RiskLevel::High, format!("removes the {} `{name}`", noun(name)));
        }
        for name in new.difference(&old) {
            self.say(RiskLevel::High, format!("adds the {} `{name}`", noun(name)));
        }
        let (base, new) = (&change.base.inputs, &change.new.inputs);
        let otherwise: Vec<String> = base
            .contract()
            .into_iter()
            .filter(|(name, required, kind)| {
                new.contract().iter().any(|(n, r, k)| n == name && (r, k) != (required, kind))
            })
            .map(|(name, ..)| name.to_owned())
            .collect();
        if !otherwise.is_empty() {
            let names = otherwise.iter().collect::<Vec<_>>();
            self.say(RiskLevel::High, format!("declares {} otherwise", listed(&names)));
        } else if base.open && !new.open {
            self.say(
                RiskLevel::High,
                "closes the declared input: undeclared variables are refused from now on",
            );
        } else if new.open && !base.open {
            self.say(RiskLevel::High, "opens the declared input: any variable is taken from now on");
        }
    }

    fn front_matter(&mut self, change: &Change<'_>) {
        use RiskLevel::{High, Low, Medium};
        let Change { base, new, .. } = change;
        if base.front.get("output") != new.front.get("output") {
            self.say(High, "changes the declared output, which callers read");
        }
        if base.extends != new.extends {
            self.say(High, "layers on another prompt");
        }
        let freed = base.protected.iter().filter(|p| !new.protected.contains(p)).count();
        if freed > 0 {
            self.say(High, format!("takes the protection from {}", counted(freed, "passage")));
        }
        let lost = |p: &&String| base.template().contains(p.as_str()) && !new.template().contains(p.as_str());
        let lost = base.protected.iter().filter(lost).count();
        if lost > 0 {
            self.say(High, format!("changes {}", counted(lost, "protected passage")));
        }
        for (key, level, what) in [
            ("input", Medium, "changes what is declared of the input"),
            ("human.requires", Medium, "changes the capabilities that a call needs"),
            ("human.taskType", Medium, "changes the peers that it is compared with"),
            ("config", Medium, "changes the configuration of the model"),
        ] {
            if base.front.get(key) != new.front.get(key) {
                self.say(level, what);
            }
        }
        if new.auto_tune && !base.auto_tune {
            self.say(Medium, "lets later changes be applied without a person");
        }
        if new.consent && !base.consent {
            self.say(Medium, "consents for the user");
        }
        if base.model != new.model {
            let name = |model: &Option<String>| model.as_deref().unwrap_or("none").to_owned();
            let (old, new) = (name(&base.model), name(&new.model));
            self.say(Low, format!("recommends {new} instead of {old}; taken back by one rollback"));
        }
        if base.description != new.description {
            self.say(Low, "changes the description, which no model sees");
        }
        let known = [
            "output",
            "human.extends",
            "human.protected",
            "human.requires",
            "human.taskType",
            "config",
            "human.autoTune",
            "human.consent",
            "model",
            "description",
            "human.version",
            "input",
        ];
        let others: BTreeSet<&String> = base
            .front
            .keys()
            .chain(new.front.keys())
            .filter(|key| !known.contains(&key.as_str()) && base.front.get(*key) != new.front.get(*key))
            .collect();
        if !others.is_empty() {
            // What an unknown entry does is known to whoever reads it.
            self.say(Medium, format!("changes {}", listed(&others.into_iter().collect::<Vec<_>>())));
        }
        let variables = &base.inputs.variables;
        let told = |v: &&crate::domain::variables::Variable| {
            new.inputs.get(&v.name).is_some_and(|n| n.description != v.description || n.default != v.default)
        };
        let told = variables.iter().filter(told).count();
        if told > 0 {
            self.say(
                Medium,
                format!("describes {} otherwise, or gives another default", counted(told, "variable")),
            );
        }
    }

    /// What is said of the text apart from its variables; whether its words change.
    fn text(&mut self, change: &Change<'_>) -> bool {
        use RiskLevel::{High, Low, Medium};
        let (old, new) = (change.base.template(), change.new.template());
        if old == new {
            return false;
        }
        // What only one side fills in is told already, and must not change what is said of the rest.
        let (had, has) = (placeholders::of(change.base), placeholders::of(change.new));
        let both: BTreeSet<String> = had.intersection(&has).cloned().collect();
        let (old, new) = (placeholders::only(old, &both), placeholders::only(new, &both));
        if old == new {
            return false;
        }
        let (was, is) = (prose::words(&old), prose::words(&new));
        if was == is {
            if laid_out(&old) == laid_out(&new) {
                self.say(Low, "changes white space at line ends and blank lines only");
            } else {
                self.say(Medium, "keeps every word, and changes lines, signs or the case of letters");
            }
            return false;
        }
        let protected = &change.base.protected;
        let (before, after) = (Prose::read(&old, protected), Prose::read(&new, protected));
        if let Some(dropped) = only_repeated(&before, &after) {
            self.say(Low, format!("drops {} that the text still holds", counted(dropped, "sentence")));
            return false;
        }
        let (removed, added) = edits(&was, &is);
        let share = removed.max(added) as f64 / was.len().max(is.len()).max(1) as f64;
        let level = if share > MOST_WORDS { High } else { Medium };
        let percent = (share * 100.0).max(0.1);
        self.say(
            level,
            format!(
                "removes {} and adds {added} of {}, {percent:.1} % of the longer text; of real rewordings 21.5 % did harm",
                counted(removed, "word"),
                was.len()
            ),
        );
        let (gone, came) = (only_in(&before, &after), only_in(&after, &before));
        let form = gone.iter().chain(&came).filter(|s| speaks_of_form(s)).count();
        if form > 0 {
            self.say(High, format!("changes {} on the form of the answer", counted(form, "sentence")));
        }
        for (what, test) in
            [("oblige", obliges as fn(&str) -> bool), ("forbid or deny", forbids), ("name a number", numbers)]
        {
            let count = |side: &[&str]| side.iter().filter(|s| test(s)).count();
            let (out, of) = (count(&gone), count(&came));
            if out > 0 {
                let level = if out >= of + MANY_RULES { High } else { Medium };
                self.say(
                    level,
                    format!("rewords or removes {} that {what}, and adds {of}", counted(out, "sentence")),
                );
            } else if of > 0 {
                self.say(Medium, format!("adds {} that {what}", counted(of, "sentence")));
            }
        }
        true
    }

    fn usage(&mut self, change: &Change<'_>, worded: bool) {
        use RiskLevel::{High, Medium};
        let calls = change.usage.calls_per_day;
        if calls >= MANY_CALLS {
            let level = if worded && calls >= VERY_MANY_CALLS { High } else { Medium };
            self.say(level, format!("{calls:.0} calls a day see it"));
        }
        if let Some(share) = change.fleet_share.filter(|share| *share >= MUCH_OF_THE_FLEET) {
            self.say(Medium, format!("{:.0} % of all calls use it", share * 100.0));
        }
        let layers = change.usage.extended_by.len();
        if layers > 0 {
            self.say(
                Medium,
                format!(
                    "{} on it",
                    if layers == 1 { "1 prompt layers".into() } else { format!("{layers} prompts layer") }
                ),
            );
        }
    }

    fn record(&mut self, Record { regressed, finished }: Record) {
        let [low, high] = proportion::jeffreys(regressed, finished, CONFIDENCE);
        if finished > 0 && low > WORSE {
            self.say(
                RiskLevel::High,
                format!(
                    "{regressed} of {finished} settled changes to its task type regressed, {:.0} to {:.0} % of such changes",
                    low * 100.0,
                    high * 100.0
                ),
            );
        }
    }
}

fn listed(names: &[&String]) -> String {
    let mut text = names.iter().take(NAMES).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if names.len() > NAMES {
        let _ = write!(text, " and {} more", names.len() - NAMES);
    }
    text
}

fn counted(n: usize, noun: &str) -> String {
    format!("{n} {noun}{}", if n == 1 { "" } else { "s" })
}

/// A text without white space at line ends and repeated blank lines.
fn laid_out(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = Vec::new();
    for line in text.lines().map(str::trim_end) {
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line);
        }
    }
    while lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

/// How many sentences are gone, where each of them was said before and nothing else changed but white space.
fn only_repeated(before: &Prose<'_>, after: &Prose<'_>) -> Option<usize> {
    let again: Vec<_> = repeated(before).iter().map(|s| s.range.clone()).collect();
    let mut left = after.sentences.iter().peekable();
    let (mut dropped, mut cuts) = (0, Vec::new());
    for sentence in &before.sentences {
        let text = before.of(sentence);
        let here = left.next_if(|next| after.of(next) == text).is_some();
        if !here {
            if !again.contains(&sentence.range) {
                return None;
            }
            dropped += 1;
            cuts.push((before.cut(sentence), String::new()));
        }
    }

    // Markers, lines and signs are as they were, too.
    let cut = prose::edited(before.text, cuts);
    (left.next().is_none() && laid_out(&cut) == laid_out(after.text)).then_some(dropped)
}

/// Words that only one side has.
fn edits(was: &[String], is: &[String]) -> (usize, usize) {
    if was.len() + is.len() > prose::MAX_COMPARED {
        let mut more: HashMap<&str, i64> = HashMap::new();
        for (words, one) in [(was, -1), (is, 1)] {
            for word in words {
                *more.entry(word).or_default() += one;
            }
        }
        let sum = |sign: i64| more.values().map(|n| (n * sign).max(0)).sum::<i64>() as usize;
        return (sum(-1), sum(1));
    }
    let (mut removed, mut added) = (0, 0);
    for op in capture_diff_slices(Algorithm::Patience, was, is) {
        for change in op.iter_changes(was, is) {
            match change.tag() {
                ChangeTag::Delete => removed += 1,
                ChangeTag::Insert => added += 1,
                ChangeTag::Equal => {}
            }
        }
    }
    (removed, added)
}

/// The sentences of one text that the other does not have.
fn only_in<'a>(this: &Prose<'a>, other: &Prose<'_>) -> Vec<&'a str> {
    let there: BTreeSet<String> = other.sentences.iter().map(|s| prose::folded(other.of(s))).collect();
    this.sentences.iter().map(|s| this.of(s)).filter(|s| !there.contains(&prose::folded(s))).collect()
}

fn speaks_of_form(sentence: &str) -> bool {
    const FORM: [&str; 16] = [
        "json",
        "xml",
        "yaml",
        "csv",
        "markdown",
        "html",
        "latex",
        "format",
        "formats",
        "formatted",
        "formatting",
        "schema",
        "table",
        "bullet",
        "output",
        "输出",
    ];
    has(sentence, &FORM) || sentence.contains("```") || sentence.contains("格式")
}

fn obliges(sentence: &str) -> bool {
    has(
        sentence,
        &["must", "always", "shall", "required", "require", "ensure", "only", "should", "mandatory"],
    ) || ["必须", "务必", "должен"].iter().any(|word| sentence.contains(word))
}

fn forbids(sentence: &str) -> bool {
    const NO: [&str; 14] = [
        "not",
        "never",
        "no",
        "don't",
        "don’t",
        "cannot",
        "can't",
        "without",
        "avoid",
        "nothing",
        "none",
        "forbidden",
        "prohibited",
        "except",
    ];
    has(sentence, &NO) || ["不要", "不得", "禁止", "никогда"].iter().any(|word| sentence.contains(word))
}

fn numbers(sentence: &str) -> bool {
    sentence.chars().any(char::is_numeric)
}

fn has(sentence: &str, list: &[&str]) -> bool {
    prose::words(sentence).iter().any(|word| list.contains(&word.as_str()))
}

#[cfg(test)]
#[path = "risk_tests.rs"]
mod tests;
