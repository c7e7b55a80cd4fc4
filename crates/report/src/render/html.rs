//! The HTML page, with style, scripts and images inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, HtmlEscape, Value, context};
use sha2::{Digest, Sha256};

use crate::page::Page;
use crate::page::progress::ExperimentProgress;

const TEMPLATE: &str = include_str!("html/page.html");
const PROGRESS: &str = include_str!("html/progress.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const LIVE_STYLE: &str = include_str!("html/live.css");
const LIVE_SCRIPT: &str = include_str!("html/live.js");

/// What [`live`] puts in place of the progress. Text of the store is escaped and cannot contain it.
pub const PROGRESS_SLOT: &str = "<!--progress-->";

/// Renders the page. Its policy lets a browser run no script but its own, named by digest.
///
/// # Errors
/// If the template does not fit the page.
pub fn html(page: &Page) -> Result<String, minijinja::Error> {
    render(page, None)
}

/// Renders the page with a script that keeps it current and with a [`PROGRESS_SLOT`].
///
/// # Errors
/// If the template does not fit the page.
pub fn live(page: &Page) -> Result<String, minijinja::Error> {
    render(
        page,
        Some(context! {
            script => LIVE_SCRIPT,
            digest => digest(LIVE_SCRIPT),
            progress_slot => PROGRESS_SLOT,
        }),
    )
}

/// Renders the progress section of a live page. `error` says why the results are outdated.
///
/// # Errors
/// If the template does not fit.
pub fn progress(
    experiments: &[ExperimentProgress],
    is_active: bool,
    error: Option<&str>,
) -> Result<String, minijinja::Error> {
    environment(PROGRESS)?
        .get_template("page")?
        .render(context! { experiments => Serde(experiments), is_active, error })
}

fn render(page: &Page, live: Option<Value>) -> Result<String, minijinja::Error> {
    let live_style = if live.is_some() { LIVE_STYLE } else { "" };
    environment(TEMPLATE)?.get_template("page")?.render(context! {
        live,
        style => format!("{}{STYLE}{live_style}", crate::chart::STYLE),
        script => SCRIPT,
        script_digest => digest(SCRIPT),
        version => env!("CARGO_PKG_VERSION"),
        ..Value::from(Serde(page))
    })
}

fn environment(template: &'static str) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_filter("sentence", sentence);
    environment.add_template("page", template)?;
    Ok(environment)
}

/// Escapes a sentence and shows its parts between backticks as code.
fn sentence(text: &str) -> Value {
    let escaped = HtmlEscape(text).to_string();
    let part = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => format!("<code>{part}</code>"),
    };
    Value::from_safe_string(escaped.split('`').enumerate().map(part).collect())
}

/// The digest by which a content security policy names a script.
fn digest(script: &str) -> String {
    STANDARD.encode(Sha256::digest(script))
}
