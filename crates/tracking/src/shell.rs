//! Commands for a shell: quoted words, and commands that messages suggest to the user.

use std::env;
use std::path::{Path, PathBuf};

/// The installable program, whose verbs are the commands of `runner` and `report`.
const INSTALLED: &str = "candle-sweep";

/// Quotes `text` as one word of a POSIX shell, if necessary.
#[must_use]
pub fn quoted(text: &str) -> String {
    let is_plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | '=' | ':' | ',' | '@' | '%' | '+')
    };
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

/// Joins quoted words to a command.
#[must_use]
pub fn command(words: &[String]) -> String {
    words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
}

/// Returns the words that start a command of `program`, in the form in which the user started this
/// process: with cargo, as a program of its own, or as a verb of the installed program.
///
/// An empty `verb` is the main command: `run` of `runner`, or the comparison of `report`.
#[must_use]
pub fn invocation_of(program: &str, verb: &str) -> Vec<String> {
    let typed = PathBuf::from(env::args_os().next().unwrap_or_else(|| program.into()));
    let is_installed = is_installed_program();
    let verb = match (is_installed, program, verb) {
        (true, "runner", "") => "run",
        (true, _, "") => program,
        _ => verb,
    };
    let mut words = if env::var_os("CARGO_MANIFEST_DIR").is_some() {
        let package = if is_installed { INSTALLED } else { program };
        ["cargo", "run", "-p", package, "--"].map(str::to_owned).to_vec()
    } else if is_installed {
        vec![typed.display().to_string()]
    } else {
        vec![typed.with_file_name(program).display().to_string()]
    };
    words.extend((!verb.is_empty()).then(|| verb.to_owned()));
    words
}

/// Whether this process is the installed program.
#[must_use]
pub fn is_installed_program() -> bool {
    env::current_exe().is_ok_and(|path| path.file_stem().is_some_and(|name| name == INSTALLED))
}

/// Returns a command of `program` for the user to type next. See [`invocation_of`].
#[must_use]
pub fn suggestion(program: &str, verb: &str, results: &Path, arguments: &[&str]) -> String {
    let mut words = invocation_of(program, verb);
    if results != Path::new("results") {
        words.extend(["-r".to_owned(), results.display().to_string()]);
    }
    words.extend(arguments.iter().map(|&argument| argument.to_owned()));
    command(&words)
}
