//! `prompts lint`: what to correct in prompt files before they are published.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::json;

use super::desk::{Desk, Exit, Result};
use super::files;
use crate::domain::prompt::{Name, PromptUri};
use crate::domain::prompt_file::PromptFile;
use crate::engine::compose::{Shelf, ShelfError};
use crate::engine::lint::{self, Severity};
use crate::engine::tokens;
use crate::engine::visible::one_line;
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

/// Runs `prompts lint`: exit code 1 where a finding is an error.
pub fn run(args: &LintArgs, desk: &mut Desk<'_>) -> Result<Exit> {
    let mut read = Vec::new();
    for path in files::named(&args.paths)? {
        let name = path.display().to_string();
        let file = files::read(&path)?;
        read.push((name, file));
    }
    let drafts = Drafts {
        files: read
            .iter()
            .flat_map(|(_, file)| file.clone())
            .map(|file| (file.uri.unversioned(), file))
            .collect(),
        published: desk.shelf.view()?,
    };
    let mut reports = Vec::new();
    for (name, file) in read {
        let (findings, tokens) = match &file {
            Ok(file) => (lint::lint(file, Some(&drafts)), Some(tokens::estimate(file.template()))),
            Err(error) => (lint::unreadable(error), None),
        };
        reports.push((name, findings, tokens));
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
