//! The HTML page, with style, scripts and images inside.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Value, context};
use sha2::{Digest, Sha256};

use crate::page::Page;
use crate::page::progress::Going;

const TEMPLATE: &str = include_str!("html/page.html");
const PROGRESS: &str = include_str!("html/progress.html");
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");
const LIVE_STYLE: &str = include_str!("html/live.css");
const LIVE_SCRIPT: &str = include_str!("html/live.js");

/// The page as HTML. Its content security policy names the digest of its script, so browsers run no
/// other script.
///
/// # Errors
/// If the template does not match the page.
pub fn html(page: &Page) -> Result<String, minijinja::Error> {
    render(page, None)
}

/// The beginning of the marker before a part of a live page; the name and `-->` follow. Text of the
/// store cannot contain it, since `<` is escaped.
pub const PART: &str = "<!--part ";
/// The marker after a part.
pub const END: &str = "<!--/part-->";

/// The page with marked parts and a script that updates them.
///
/// # Errors
/// If the template does not match the page.
pub fn followed(page: &Page) -> Result<String, minijinja::Error> {
    render(page, Some(context! { script => LIVE_SCRIPT, digest => digest(LIVE_SCRIPT) }))
}

/// The progress of the experiments, which is a part of a live page.
///
/// # Errors
/// If the template does not match the data.
pub fn progress(experiments: &[Going], trouble: Option<&str>) -> Result<String, minijinja::Error> {
    environment(true, PROGRESS)?
        .get_template("page")?
        .render(context! { experiments => Serde(experiments), trouble })
}

fn render(page: &Page, live: Option<Value>) -> Result<String, minijinja::Error> {
    let live_style = if live.is_some() { LIVE_STYLE } else { "" };
    environment(live.is_some(), TEMPLATE)?.get_template("page")?.render(context! {
        live,
        style => format!("{}{STYLE}{live_style}", crate::chart::STYLE),
        script => SCRIPT,
        script_digest => digest(SCRIPT),
        version => env!("CARGO_PKG_VERSION"),
        ..Value::from(Serde(page))
    })
}

/// The template environment; only a live page has markers around its parts.
fn environment(
    live: bool,
    template: &'static str,
) -> Result<Environment<'static>, minijinja::Error> {
    let mark =
        move |mark: String| if live { Value::from_safe_string(mark) } else { Value::from("") };
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_function("part", move |name: &str| mark(format!("{PART}{name}-->")));
    environment.add_function("end", move || mark(END.to_owned()));
    environment.add_template("page", template)?;
    Ok(environment)
}

/// The digest of a script for the content security policy.
fn digest(script: &str) -> String {
    STANDARD.encode(Sha256::digest(script))
}
