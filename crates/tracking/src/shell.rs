//! Commands for a shell: quoted words, and commands that messages suggest to the user.

use std::env;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static PROGRAM_OF_VERBS: OnceLock<&str> = OnceLock::new();

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

/// Splits a command into its words, the inverse of [`command`].
#[must_use]
pub fn words(command: &str) -> Vec<String> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<String>, false);
    let mut chars = command.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' if !quoted => word.get_or_insert_default().extend(chars.next()),
            c if c.is_whitespace() && !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Declares that this process is the program `name`, whose verbs are all commands of `runner` and
/// `report`, and their main commands the verbs `run` and `report`.
pub fn declare_program_of_verbs(name: &'static str) {
    // A second call changes nothing: a process has one name.
    let _ = PROGRAM_OF_VERBS.set(name);
}

/// Returns the word for a verb in this process. `run` and `report` are no words of `runner` and
/// `report`.
#[must_use]
pub fn word_of(verb: &str) -> Option<String> {
    let is_word = !matches!(verb, "run" | "report") || has_verbs();
    is_word.then(|| verb.to_owned())
}

/// Whether this process has verbs: see [`declare_program_of_verbs`].
#[must_use]
pub fn has_verbs() -> bool {
    PROGRAM_OF_VERBS.get().is_some()
}

/// Returns the words that start the command `verb` of `program`, in the form in which the user
/// started this process: with cargo, as a program of its own, or as a verb.
#[must_use]
pub fn invocation_of(program: &str, verb: &str) -> Vec<String> {
    let typed = PathBuf::from(env::args_os().next().unwrap_or_else(|| program.into()));
    let with_verbs = PROGRAM_OF_VERBS.get().copied();
    let mut words = if env::var_os("CARGO_MANIFEST_DIR").is_some() {
        let package = with_verbs.unwrap_or(program);
        ["cargo", "run", "-p", package, "--"].map(str::to_owned).to_vec()
    } else if with_verbs.is_some() {
        vec![typed.display().to_string()]
    } else {
        vec![typed.with_file_name(program).display().to_string()]
    };
    words.extend(word_of(verb));
    words
}

/// Returns the option that names the folder `results`, or no words for the default folder.
#[must_use]
pub fn results_option(results: &Path) -> Vec<String> {
    if results == Path::new("results") {
        return Vec::new();
    }
    vec!["-r".to_owned(), results.display().to_string()]
}

/// Returns the command `verb` of `program` for the user to type next. See [`invocation_of`].
#[must_use]
pub fn next_command(program: &str, verb: &str, results: &Path, arguments: &[&str]) -> String {
    let mut words = invocation_of(program, verb);
    words.extend(results_option(results));
    words.extend(arguments.iter().map(|&argument| argument.to_owned()));
    command(&words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_command_are_those_it_was_made_of() {
        let typed =
            ["runner", "a b.toml", "--set", "train.init='zeros'", "", "{from=0,to=2}", "\\"];
        let typed = typed.map(str::to_owned).to_vec();
        assert_eq!(words(&command(&typed)), typed);
        assert_eq!(words("  runner  a.toml\\ 'b"), ["runner", "a.toml b"]);
    }
}
