//! `prompts lint`: what to correct in prompt files before they are published.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::json;

use super::desk::{Desk, Exit, Result};
use super::files;
use crate::domain::cases::Case;
use crate::domain::prompt::{Name, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{self, Shelf, ShelfError};
use crate::engine::lint::{self, Finding, Severity};
use crate::engine::visible::one_line;
use crate::engine::{bump, cases, tokens};
use crate::store::prompt_shelf::View;

/// Arguments of `prompts lint`.
#[derive(Debug, clap::Args)]
pub struct LintArgs {
    /// Prompt files, or folders of `*.prompt` files
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
}

/// The files under examination before the published prompts: a folder is looked at as it will be published.
struct Drafts<'a> {
    files: HashMap<PromptUri, PromptFile>,
    published: View<'a>,
}

impl Shelf for Drafts<'_> {
    fn prompt(&self, uri: &PromptUri) -> std::result::Result<Option<PromptFile>, ShelfError> {
        match self.files.get(&uri.unversioned()) {
            Some(file) if uri.version.is_none() || file.uri.version == uri.version => Ok(Some(file.clone())),
            _ => self.published.prompt(uri),
        }
    }

    fn patches(&self, org: &Name, user: &Name) -> std::result::Result<Vec<PromptFile>, ShelfError> {
        self.published.patches(org, user)
    }
}

/// Cases that do not fill in what the prompt, over what it layers on, asks for.
pub fn unfilled(file: &PromptFile, cases: &[Case], shelf: &dyn Shelf) -> Vec<Finding> {
    // A file without a version is filled in as the one that it becomes.
    let file = match file.uri.version {
        Some(_) => file.clone(),
        None => file.with_version(&bump::FIRST).unwrap_or_else(|_| file.clone()),
    };
    // What is wrong with its layers is said of the prompt.
    let Ok(layers) = compose::descend(file, shelf) else { return Vec::new() };
    let failed =
        cases.iter().filter_map(|case| cases::render(&layers, case).err().map(|error| (case, error)));
    let finding = |(case, error): (&Case, compose::ComposeError)| Finding {
        code: "case",
        severity: Severity::Error,
        line: None,
        message: one_line(&format!("the case `{}` cannot be filled in: {error}", case.name)),
        next: "give each case the variables of its prompt, and no others".to_owned(),
    };
    failed.map(finding).collect()
}

/// Runs `prompts lint`: exit code 1 where a finding is an error.
pub fn run(args: &LintArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let mut read = Vec::new();
    for path in files::named(&args.paths)? {
        let name = path.display().to_string();
        let file = files::read(&path)?;
        read.push((name, file, files::cases(&path)?, files::beside(&path).display().to_string()));
    }
    let drafts = Drafts {
        files: read
            .iter()
            .flat_map(|(_, file, ..)| file.clone())
            .map(|file| (file.uri.unversioned(), file))
            .collect(),
        published: desk.shelf.view()?,
    };
    let mut reports = Vec::new();
    for (name, file, cases, beside) in read {
        let (findings, tokens) = match &file {
            Ok(file) => (lint::lint(file, Some(&drafts)), Some(tokens::estimate(file.template()))),
            Err(error) => (lint::unreadable(error), None),
        };
        reports.push((name, findings, tokens));
        if let (Some(cases), Ok(file)) = (cases, &file) {
            let findings = match cases {
                Ok(cases) => unfilled(file, &cases, &drafts),
                Err(error) => lint::unreadable(&error),
            };
            reports.push((beside, findings, None));
        }
    }
    drop(drafts);
    let all = || reports.iter().flat_map(|(_, findings, _)| findings);
    let number = |severity| all().filter(|f| f.severity == severity).count();
    let errors = number(Severity::Error);
    let exit = if errors > 0 { Exit::Failed } else { Exit::Done };
    if desk.json {
        let reports: Vec<_> = reports
            .iter()
            .map(|(file, findings, tokens)| json!({"file": file, "findings": findings, "estimatedTokens": tokens}))
            .collect();
        desk.document(&reports)?;
        return Ok(exit);
    }
    for (name, findings, _) in &reports {
        for finding in findings {
            let line = finding.line.map(|line| format!(":{line}")).unwrap_or_default();
            let severity = finding.severity.as_str();
            writeln!(
                desk.out,
                "{}{line}: {severity}[{}]: {}",
                one_line(name),
                finding.code,
                finding.message
            )?;
            writeln!(desk.out, "    {}", finding.next)?;
        }
    }
    let tokens: u64 = reports.iter().filter_map(|(_, _, tokens)| *tokens).map(u64::from).sum();
    writeln!(
        desk.out,
        "files: {}, tokens: about {tokens}, errors: {errors}, warnings: {}, hints: {}",
        reports.len(),
        number(Severity::Warning),
        number(Severity::Hint)
    )?;
    Ok(exit)
}
