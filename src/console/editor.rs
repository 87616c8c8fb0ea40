//! The user's editor: the text goes into a file that only they can read, and comes back when the editor ends.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

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
    #[error("the editor `{0}` ended with {1}; the text was left as it was.")]
    Failed(String, std::process::ExitStatus),
    /// The file between could not be written or read.
    #[error("the text could not be handed to the editor ({0}). Check the folder for temporary files.")]
    File(#[from] io::Error),
    /// More came back than a prompt may have.
    #[error("the text is longer than {MAX} bytes, and was left as it was.")]
    TooLong,
    /// What was written did not come back.
    #[error("{0} What you wrote is in `{path}`.", path = .1.display())]
    Kept(Box<EditorError>, PathBuf),
}

/// Lets the user change `text`, in a file whose name ends in `name`; `None` if they left it as it was. The terminal must
/// have been given back. The editor is that of `VISUAL`, else of `EDITOR`, else `vi`.
pub fn edit(name: &str, text: &str) -> Result<Option<String>, EditorError> {
    let set = |variable: &str| std::env::var(variable).ok().filter(|value| !value.trim().is_empty());
    let editor = set("VISUAL").or_else(|| set("EDITOR")).unwrap_or_else(|| "vi".into());
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
    let edited = if status.success() { read(file.path()) } else { Err(EditorError::Failed(editor, status)) };
    match edited {
        Ok(edited) => Ok((edited != text).then_some(edited)),
        // Nobody's text is thrown away.
        Err(error) if differs(file.path(), text) => match file.keep() {
            Ok((_, path)) => Err(EditorError::Kept(Box::new(error), path)),
            Err(_) => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// Keeps a text that was written and could not be taken, in a file that only its writer reads.
pub fn kept(text: &str) -> io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("human-").suffix(".prompt").tempfile()?;
    file.write_all(text.as_bytes())?;
    Ok(file.keep().map_err(|error| error.error)?.1)
}

/// Whether the file has another text; what is no file has none.
fn differs(path: &Path, text: &str) -> bool {
    let (mut bytes, most) = (Vec::new(), text.len() as u64 + 1);
    std::fs::symlink_metadata(path).is_ok_and(|data| data.is_file())
        && std::fs::File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes)).is_ok()
        && bytes != text.as_bytes()
}

fn read(path: &Path) -> Result<String, EditorError> {
    // A link, a device or a pipe in its place is not what was handed out.
    if !std::fs::symlink_metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file any more").into());
    }
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX { Err(EditorError::TooLong) } else { Ok(text) }
}
