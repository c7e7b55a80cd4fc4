//! A page in parts, so that who follows it fetches only what changed and is looked at.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::render::html::{END, PART};

/// The part that tells how far experiments have come.
const PROGRESS: &str = "progress";

/// A part, and what stands before it.
#[derive(Debug, Clone)]
struct Part {
    before: String,
    name: String,
    digest: String,
    html: String,
}

impl Part {
    fn new(before: &str, name: &str, html: &str) -> Self {
        let (before, name, html) = (before.to_owned(), name.to_owned(), html.to_owned());
        Self { digest: digest(&html), before, name, html }
    }
}

/// A page: the same bytes for everybody.
#[derive(Debug, Clone, Default)]
pub struct Parts {
    parts: Vec<Part>,
    after: String,
}

impl Parts {
    /// Cuts a page where it is marked.
    pub fn of(page: &str) -> Self {
        let mut pieces = page.split(PART);
        let (mut before, mut parts) = (pieces.next().unwrap_or_default(), Vec::new());
        for piece in pieces {
            let (name, rest) = piece.split_once("-->").unwrap_or_default();
            let (html, after) = rest.split_once(END).unwrap_or_default();
            parts.push(Part::new(before, name, html));
            before = after;
        }
        Self { parts, after: before.to_owned() }
    }

    /// Whether there is no page yet.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The same page with another progress.
    pub fn set_progress(&mut self, html: &str) {
        for part in self.parts.iter_mut().filter(|part| part.name == PROGRESS) {
            *part = Part::new(&part.before, PROGRESS, html);
        }
    }

    /// The whole page.
    pub fn page(&self) -> String {
        let mut page = String::new();
        for Part { before, name, digest, html } in &self.parts {
            // Writing to a string cannot fail.
            let _ = write!(
                page,
                "{before}<div data-part=\"{name}\" data-digest=\"{digest}\">{html}</div>"
            );
        }
        page + &self.after
    }

    /// What tells this page from any other, in quotes.
    pub fn etag(&self) -> String {
        let digests: String = self.parts.iter().map(|part| part.digest.as_str()).collect();
        format!("\"{}\"", digest(&digests))
    }

    /// What tells all but the progress from what it was.
    pub fn content(&self) -> String {
        self.parts
            .iter()
            .filter(|part| part.name != PROGRESS)
            .map(|part| part.digest.as_str())
            .collect()
    }

    /// What followers are told: the progress itself, and of every part in order what tells it from what it was.
    pub fn event(&self) -> String {
        let progress =
            self.parts.iter().find(|part| part.name == PROGRESS).map(|part| part.html.as_str());
        let parts: Vec<[&str; 2]> =
            self.parts.iter().map(|part| [part.name.as_str(), part.digest.as_str()]).collect();
        json!({ "progress": progress, "parts": parts }).to_string()
    }

    /// The parts of these names, each with its digest.
    pub fn some(&self, names: &str) -> String {
        let wanted =
            self.parts.iter().filter(|part| names.split(',').any(|name| name == part.name));
        let parts: Map<String, Value> =
            wanted.map(|part| (part.name.clone(), json!([part.digest, part.html]))).collect();
        Value::Object(parts).to_string()
    }
}

/// Enough of it that no two are the same by chance.
fn digest(text: &str) -> String {
    Sha256::digest(text).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_its_parts_and_what_stands_between_them() {
        let mut parts = Parts::of(
            "<main><!--part progress--><!--/part--> <!--part e1-->one<!--/part--></main>",
        );
        let before = parts.etag();
        parts.set_progress("<p>half</p>");
        let page = parts.page();
        let one = digest("one");
        assert!(
            page.ends_with(&format!(
                "</div> <div data-part=\"e1\" data-digest=\"{one}\">one</div></main>"
            )),
            "{page}"
        );
        assert!(page.contains(">\u{3c}p>half</p></div>"), "{page}");
        assert_ne!(parts.etag(), before);
        assert_eq!(parts.some("e1,e2"), format!("{{\"e1\":[\"{one}\",\"one\"]}}"));
        assert!(
            parts.event().contains("half") && parts.event().contains(&one),
            "{}",
            parts.event()
        );
        assert_eq!(parts.content(), one);
    }
}
