//! The user's editor: the text goes into a file that only they can read, and comes back when the editor ends.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::NamedTempFile;

/// Most bytes that are read back.
const MAX: u64 = crate::domain::prompt_file::MAX_FILE as u64;

/// Why there is no edited text.
#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    /// The environment names an editor that is no command.
    #[error(
        "`{0}` in VISUAL or EDITOR is no command: its quotes do not close. Set EDITOR to a program's name."
    )]
    Unreadable(String),
    /// It did not start.
    #[error("the editor `{0}` does not start ({1}). Set EDITOR to one that does.")]
    NotStarted(String, io::Error),
    /// It ended with a failure.
    #[error("the editor `{0}` ended with {1}. {2}")]
    Failed(String, std::process::ExitStatus, Kept),
    /// The file between could not be written or read.
    #[error("the text could not be handed to the editor ({0}). Check the folder for temporary files.")]
    File(#[from] io::Error),
    /// What came back cannot be read.
    #[error("the edited text cannot be read ({0}). {1}")]
    Unread(io::Error, Kept),
    /// More came back than a prompt may have.
    #[error("the edited text is longer than {MAX} bytes. {0}")]
    TooLong(Kept),
    /// What came back is no text.
    #[error("the edited text is not UTF-8. {0}")]
    NotText(Kept),
}

/// What has become of a text that was written and not taken.
#[derive(Debug)]
pub struct Kept(Option<PathBuf>);

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "What you wrote is in `{}`", path.display()),
            None => f.write_str("The text was left as it was"),
        }
    }
}

/// Lets the user change `text`, in a file whose name ends in `name`; `None` if they left it as it was. The terminal must
/// have been given back. The editor is that of `VISUAL`, else of `EDITOR`, else `vi`.
pub fn edit(name: &str, text: &str) -> Result<Option<String>, EditorError> {
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    edit_with(set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into()), name, text)
}

fn edit_with(editor: String, name: &str, text: &str) -> Result<Option<String>, EditorError> {
    let words = shell_words::split(&editor).map_err(|_| EditorError::Unreadable(editor.clone()))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(EditorError::Unreadable(editor));
    };
    let mut file = tempfile::Builder::new().prefix("human-").suffix(name).tempfile()?;
    file.write_all(text.as_bytes())?;
    file.flush()?;
    let status = Command::new(program)
        .args(arguments)
        .arg(file.path())
        .status()
        .map_err(|error| EditorError::NotStarted(editor.clone(), error))?;
    // By its path: some editors write a new file over the old one.
    let edited = read(file.path());
    if status.success() && edited.as_ref().is_ok_and(|edited| edited == text.as_bytes()) {
        return Ok(None);
    }
    let kept = |file: NamedTempFile| Kept(file.into_temp_path().keep().ok());
    let edited = match edited {
        Err(error) => return Err(EditorError::Unread(error, kept(file))),
        Ok(edited) if !status.success() => {
            let kept = if edited == text.as_bytes() { Kept(None) } else { kept(file) };
            return Err(EditorError::Failed(editor, status, kept));
        }
        Ok(edited) => edited,
    };
    if edited.len() as u64 > MAX {
        return Err(EditorError::TooLong(kept(file)));
    }
    String::from_utf8(edited).map(Some).map_err(|_| EditorError::NotText(kept(file)))
}

/// Keeps a text that was written and could not be taken, in a file that only its writer reads.
pub fn kept(text: &str) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("human-").suffix(".prompt").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.keep().map_err(|error| error.error)?.1)
}

/// At most one byte more than may be.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    // A link, a device or a pipe in its place is not what was handed out.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file any more"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes back from an editor that is this script.
    fn edited(script: &str) -> Result<Option<String>, String> {
        edit_with(format!("sh -c '{script}' sh"), ".prompt", "as it was\n").map_err(|error| error.to_string())
    }

    #[test]
    fn what_was_written_and_not_taken_is_kept() {
        assert_eq!(edited("true"), Ok(None));
        assert_eq!(edited("printf new > \"$1\""), Ok(Some("new".into())));
        assert!(edited("exit 3").unwrap_err().ends_with("The text was left as it was"));
        let long = format!("head -c {} /dev/zero > \"$1\"", MAX + 1);
        for script in ["printf new > \"$1\"; exit 3", "printf \"\\377\" > \"$1\"", &long] {
            let error = edited(script).unwrap_err();
            let path = error.rsplit('`').nth(1).unwrap();
            assert!(error.contains("What you wrote is in"), "{error}");
            assert!(std::fs::metadata(path).unwrap().len() > 0, "{error}");
            std::fs::remove_file(path).unwrap();
        }
    }
}
