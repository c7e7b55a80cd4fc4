//! Errors as text.

use crate::filter::FilterError;

/// One screen: an error with a place draws itself, any other is its chain of causes.
pub fn message(error: &anyhow::Error) -> String {
    match error.downcast_ref::<FilterError>() {
        Some(drawn) => drawn.to_string(),
        None => tracking::printable(&format!("{error:#}")).into_owned(),
    }
}
