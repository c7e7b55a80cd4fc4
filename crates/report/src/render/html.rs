//! For people who were not there: one page with everything in it.

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

/// The page as HTML. Nothing but its own script, which it names by digest, is run by a browser.
///
/// # Errors
/// When the template does not fit the page.
pub fn html(page: &Page) -> Result<String, minijinja::Error> {
    render(page, None)
}

/// What begins a part of a page that is followed, before its name and `-->`. Text of the store has no `<`: that is escaped.
pub const PART: &str = "<!--part ";
/// What ends it.
pub const END: &str = "<!--/part-->";

/// The page with a script that follows what becomes of its parts, which are marked.
///
/// # Errors
/// When the template does not fit the page.
pub fn followed(page: &Page) -> Result<String, minijinja::Error> {
    render(page, Some(context! { script => LIVE_SCRIPT, digest => digest(LIVE_SCRIPT) }))
}

/// How far experiments have come: a part of a page that is followed.
///
/// # Errors
/// When the template does not fit.
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

/// Parts are marked where they are followed only.
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

/// How a policy names a script.
fn digest(script: &str) -> String {
    STANDARD.encode(Sha256::digest(script))
}
