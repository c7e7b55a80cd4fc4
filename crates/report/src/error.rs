//! Errors as text.

use tracking::filter::FilterError;

/// The text of an error: the drawing of a filter error, or the chain of causes.
pub fn message(error: &anyhow::Error) -> String {
    match error.downcast_ref::<FilterError>() {
        Some(error) => error.to_string(),
        None => tracking::printable(&format!("{error:#}")).into_owned(),
    }
}
