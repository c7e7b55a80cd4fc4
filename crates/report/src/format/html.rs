//! For people who were not there: one page with everything in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use sha2::{Digest, Sha256};

use crate::page::Page;

const TEMPLATE: &str = include_str!("html/page.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page as HTML. Nothing but its own script, which it names by digest, is run by a browser.
///
/// # Errors
/// When the template does not fit the page.
pub fn html(page: &Page) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("page", TEMPLATE)?;
    environment.get_template("page")?.render(context! {
        style => format!("{}{}", crate::chart::STYLE, STYLE),
        script => SCRIPT,
        script_digest => STANDARD.encode(Sha256::digest(SCRIPT)),
        version => env!("CARGO_PKG_VERSION"),
        ..minijinja::Value::from(Serde(page))
    })
}
