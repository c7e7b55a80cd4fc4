//! The command of a program, with placeholders for hyperparameters.

use std::ops::Range;
use std::sync::Arc;

use tracking::typed_name::nearest;

use crate::experiment::diagnostic::{Diagnostic, SourceSpan};
use crate::experiment::file::{Node, Value};
use crate::experiment::section::{text, wrong_type};

/// The placeholder of the file that has all hyperparameters.
pub const PARAMS: &str = "params";

/// A command with placeholders: `{name}` is the value of a hyperparameter, `{params}` the path of a
/// JSON file with all of them, and `{{` a brace.
#[derive(Debug, Clone)]
pub struct CommandTemplate {
    /// The words as the file writes them.
    pub words: Vec<String>,
    parsed: Vec<Vec<Piece>>,
}

#[derive(Debug, Clone)]
enum Piece {
    Text(String),
    Placeholder(String),
}

impl CommandTemplate {
    /// Reads a list of words whose placeholders are hyperparameters in `known`.
    pub fn read(node: &Node, known: &[&str]) -> Result<Self, Diagnostic> {
        const EXPECTED: &str =
            "a list of words, such as [\"python\", \"train.py\", \"--lr={learning_rate}\"]";
        let Value::Array(items) = &node.value else {
            return Err(wrong_type("command", node, EXPECTED));
        };
        let first = items.first().map(|first| text("command", first)).transpose()?;
        if first.is_none_or(str::is_empty) {
            let label = format!("expected {EXPECTED}");
            return Err(Diagnostic::new("the command has no program", &node.span, label));
        }
        let words =
            items.iter().map(|item| text("command", item)).collect::<Result<Vec<_>, _>>()?;
        let parse = |(item, word): (&Node, &&str)| {
            pieces(word)
                .and_then(|pieces| reject_unknown(pieces, known))
                .map_err(|problem| problem.at(&item.span))
        };
        let parsed = items.iter().zip(&words).map(parse).collect::<Result<_, _>>()?;
        Ok(Self { words: words.into_iter().map(str::to_owned).collect(), parsed })
    }

    /// The names of all placeholders.
    pub fn placeholders(&self) -> impl Iterator<Item = &str> {
        self.parsed.iter().flatten().filter_map(|piece| match piece {
            Piece::Placeholder(name) => Some(name.as_str()),
            Piece::Text(_) => None,
        })
    }

    /// The words with `value` of each placeholder.
    pub fn fill(&self, value: &dyn Fn(&str) -> String) -> Vec<String> {
        let fill = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Placeholder(name) => value(name),
        };
        self.parsed.iter().map(|pieces| pieces.iter().map(fill).collect()).collect()
    }
}

/// A wrong part of a word.
struct Problem {
    message: String,
    part: String,
    label: String,
}

impl Problem {
    /// The error that points to the part inside the string at `span`.
    fn at(self, span: &SourceSpan) -> Diagnostic {
        let written = span.source.text.get(span.range.clone()).unwrap_or_default();
        let range: Range<usize> = match written.find(&self.part) {
            Some(start) => span.range.start + start..span.range.start + start + self.part.len(),
            None => span.range.clone(),
        };
        let span = SourceSpan { source: Arc::clone(&span.source), range };
        Diagnostic::new(self.message, &span, self.label)
            .help("write {{ for a brace that starts no placeholder")
    }
}

/// Splits a word at its placeholders.
fn pieces(word: &str) -> Result<Vec<Piece>, Problem> {
    let (mut pieces, mut literal, mut rest) = (Vec::new(), String::new(), word);
    while let Some(at) = rest.find(['{', '}']) {
        let (before, tail) = rest.split_at(at);
        literal.push_str(before);
        if tail.starts_with("{{") || tail.starts_with("}}") {
            literal.push_str(&tail[..1]);
            rest = &tail[2..];
        } else if let Some(tail) = tail.strip_prefix('}') {
            literal.push('}');
            rest = tail;
        } else {
            let Some(end) = tail.find('}') else {
                return Err(Problem {
                    message: "a placeholder has no end".to_owned(),
                    part: tail.to_owned(),
                    label: "expected } after the name".to_owned(),
                });
            };
            if !literal.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Placeholder(tail[1..end].to_owned()));
            rest = &tail[end + 1..];
        }
    }
    literal.push_str(rest);
    pieces.push(Piece::Text(literal));
    Ok(pieces)
}

fn reject_unknown(pieces: Vec<Piece>, known: &[&str]) -> Result<Vec<Piece>, Problem> {
    let is_known = |name: &str| name == PARAMS || known.contains(&name);
    let unknown = pieces.iter().find_map(|piece| match piece {
        Piece::Placeholder(name) if !is_known(name) => Some(name.clone()),
        _ => None,
    });
    let Some(name) = unknown else { return Ok(pieces) };
    let candidates = known.iter().copied().chain([PARAMS]);
    let label = match nearest(&name, candidates.clone()) {
        Some(candidate) => format!("did you mean {{{candidate}}}?"),
        None => format!("expected one of: {}", candidates.collect::<Vec<_>>().join(", ")),
    };
    let message = format!("'{name}' is not a hyperparameter of [train] or [sweep]");
    Err(Problem { message, part: format!("{{{name}}}"), label })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::experiment::diagnostic::Source;
    use crate::experiment::file;
    use crate::experiment::fixtures::plan;

    fn template(command: &str) -> Result<CommandTemplate, Diagnostic> {
        let text = format!("command = {command}");
        let source = Arc::new(Source { name: "file.toml".to_owned(), text });
        let root = file::parse(&source)?;
        CommandTemplate::read(root.entry("command").unwrap(), &["depth", "learning_rate", "a.b"])
    }

    /// The filled command: `depth` is `<depth>`.
    fn filled(command: &str) -> Vec<String> {
        template(command).unwrap().fill(&|name| format!("<{name}>"))
    }

    fn error(command: &str) -> String {
        template(command).unwrap_err().to_string()
    }

    #[test]
    fn placeholders_become_values() {
        let words = filled("['sh', '--d={depth}{a.b}', '{params}', '', 'é{depth}é']");
        assert_eq!(words, ["sh", "--d=<depth><a.b>", "<params>", "", "é<depth>é"]);
        let template = template("['x', '{depth}', '{{depth}}', '{params}', '{depth}']").unwrap();
        assert_eq!(template.placeholders().collect::<Vec<_>>(), ["depth", "params", "depth"]);
    }

    #[test]
    fn double_braces_are_braces() {
        let words = filled("['sh', '{{', '}}', '}', '{{depth}}', '{{{depth}}}', '{{\"a\": 1}}']");
        assert_eq!(words[1..], ["{", "}", "}", "{depth}", "{<depth>}", "{\"a\": 1}"]);
    }

    #[test]
    fn unknown_placeholder_has_a_caret_and_a_suggestion() {
        let text = error("['sh', 'é --lr={learning_rat} x']");
        assert!(text.contains("'learning_rat' is not a hyperparameter"), "{text}");
        assert!(text.contains("did you mean {learning_rate}?"), "{text}");
        let caret = text.lines().find(|line| line.contains("^^^")).unwrap();
        assert_eq!(caret.matches('^').count(), "{learning_rat}".len(), "{text}");
        let place = text.lines().find(|line| line.contains("--lr=")).unwrap();
        let column = |line: &str, part| line[..line.find(part).unwrap()].chars().count();
        assert_eq!(column(caret, "^"), column(place, "{learning_rat}"), "{text}");
        assert!(error("['sh', '{zzz}']").contains("expected one of: depth, learning_rate, a.b"));
        assert!(error("['sh', '{}']").contains("'' is not a hyperparameter"));
        assert!(error("['sh', '{ depth }']").contains("did you mean {depth}?"));
    }

    #[test]
    fn invalid_commands_are_errors() {
        assert!(error("['sh', 'a {depth']").contains("a placeholder has no end"));
        for command in ["[]", "['']"] {
            assert!(error(command).contains("the command has no program"));
        }
        assert!(error("'sh train.sh'").contains("a list of words"));
        assert!(error("['sh', 3]").contains("command"));
    }

    #[test]
    fn every_hyperparameter_must_be_used() {
        let error = |command: &str| {
            let text =
                format!("name = 'a'\n[program]\ncommand = {command}\n[sweep]\ndepth = [1, 2]\n");
            plan(&text).map(|plan| plan.trials.len())
        };
        let unused = error("['sh', '{{depth}}']").unwrap_err();
        assert!(unused.contains("the command does not use the hyperparameter 'depth'"), "{unused}");
        assert!(unused.contains("expected {depth} or {params} in the command"), "{unused}");
        assert_eq!(error("['sh', '{depth}']"), Ok(2));
        assert_eq!(error("['sh', '{params}']"), Ok(2));
    }

    proptest! {
        #[test]
        fn words_with_escaped_braces_stay_as_they_are(word in "[a-z{}é ]{0,12}") {
            let escaped = word.replace('{', "{{").replace('}', "}}");
            let source = serde_json::Value::from(vec!["sh".to_owned(), escaped]).to_string();
            prop_assert_eq!(&filled(&source)[1], &word);
        }

        #[test]
        fn no_word_panics(word in "[{}a-dé]{0,12}") {
            let source = serde_json::Value::from(vec!["sh".to_owned(), word]).to_string();
            if let Err(error) = template(&source) {
                prop_assert!(error.to_string().contains('^'));
            }
        }
    }
}
