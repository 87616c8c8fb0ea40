//! Prompt files on disk: what the arguments name, read whole and bounded.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::desk::{PromptsError, Result};
use crate::domain::cases::{self, Case};
use crate::domain::prompt_file::{MAX_FILE, PromptFile, PromptFileError};

/// Deepest folder below one that was named, and most files taken.
const MAX_DEPTH: usize = 16;
const MAX_FILES: usize = 100_000;

/// The files that `paths` name: files as they are, of folders every `*.prompt`, sorted. Symbolic links to folders are
/// not followed below a named folder, so that a walk ends.
pub fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        let kind = std::fs::metadata(path).map_err(|error| unreadable(path, error))?;
        if !kind.is_dir() {
            files.push(path.clone());
            continue;
        }
        let before = files.len();
        let mut folders = vec![(path.clone(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|error| unreadable(&folder, error))? {
                let entry = entry.map_err(|error| unreadable(&folder, error))?;
                let kind = entry.file_type().map_err(|error| unreadable(&entry.path(), error))?;
                if kind.is_dir() && depth < MAX_DEPTH {
                    folders.push((entry.path(), depth + 1));
                } else if !kind.is_dir() && entry.path().extension().is_some_and(|e| e == "prompt") {
                    files.push(entry.path());
                }
                if files.len() > MAX_FILES {
                    return Err(PromptsError::Usage(format!(
                        "more than {MAX_FILES} files; name fewer folders"
                    )));
                }
            }
        }
        if files.len() == before {
            let message = format!("{} holds no `*.prompt` file; name a folder that does", path.display());
            return Err(PromptsError::Usage(message));
        }
        files[before..].sort();
    }
    Ok(files)
}

/// The bytes of a file, one more at most than `most`, whatever length it tells; and how many it has, as far as that is
/// known.
pub fn bounded(path: &Path, most: usize) -> io::Result<(Vec<u8>, u64)> {
    let (mut bytes, file) = (Vec::new(), File::open(path)?);
    let length = file.metadata().map_or(0, |data| data.len());
    file.take(most as u64 + 1).read_to_end(&mut bytes)?;
    let length = length.max(bytes.len() as u64);
    Ok((bytes, length))
}

/// Reads a prompt file, one byte more at most than one may have; the inner error says what is to correct in it.
pub fn read(path: &Path) -> Result<std::result::Result<PromptFile, PromptFileError>> {
    let name = path.display().to_string();
    let (bytes, length) = bounded(path, MAX_FILE).map_err(|error| unreadable(path, error))?;
    if bytes.len() > MAX_FILE {
        return Ok(Err(PromptFileError::too_long(&name, length)));
    }
    Ok(PromptFile::parse(&name, &bytes))
}

/// The file of cases beside a prompt file: `a.cases.jsonl` beside `a.prompt`.
pub fn beside(path: &Path) -> PathBuf {
    path.with_extension("cases.jsonl")
}

/// Reads the cases beside a prompt file, where there are some; the inner error says what is to correct in them.
pub fn cases(prompt: &Path) -> Result<Option<std::result::Result<Vec<Case>, PromptFileError>>> {
    let path = beside(prompt);
    let bytes = match bounded(&path, cases::MAX_FILE) {
        Ok((bytes, _)) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(&path, error)),
    };
    // What is no UTF-8 is no JSON either, and is told by its line.
    Ok(Some(cases::parse(&path.display().to_string(), &String::from_utf8_lossy(&bytes))))
}

/// The error for a path.
pub fn unreadable(path: &Path, error: io::Error) -> PromptsError {
    PromptsError::Unreadable { path: path.display().to_string(), error }
}
