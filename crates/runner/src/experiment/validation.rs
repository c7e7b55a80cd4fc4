//! The examples that `val_loss` and `val_accuracy` are measured on.

use std::fmt;

use data::Fraction;

/// The examples that `val_loss` and `val_accuracy` are measured on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Validation {
    /// The test set.
    Test,
    /// This fraction of the training set, held out by class with the trial's seed.
    HeldOut(Fraction),
}

impl Validation {
    /// Parses a validation in the form of trial ids.
    ///
    /// # Errors
    /// If `text` is neither `test` nor a fraction.
    pub fn recorded(text: &str) -> Result<Self, String> {
        if text == "test" {
            return Ok(Self::Test);
        }
        let fraction = text.parse().ok().and_then(|value| Fraction::new(value).ok());
        fraction.map(Self::HeldOut).ok_or_else(|| {
            let found = tracking::printable(text);
            format!("expected the validation 'test' or a fraction, found '{found}'")
        })
    }

    /// How many of `examples` training examples are held out.
    pub fn held_out(self, examples: usize) -> Option<usize> {
        match self {
            Self::Test => None,
            Self::HeldOut(fraction) => Some(fraction.of(examples)),
        }
    }

    /// The validation in words, with how examples are held out.
    pub fn describe(self) -> String {
        match self {
            Self::Test => "the test set (optimistic for ranking)".to_owned(),
            Self::HeldOut(_) => {
                format!("{self} of the training set, stratified by class")
            }
        }
    }
}

/// The form of the store and of trial ids.
impl fmt::Display for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Test => f.write_str("test"),
            Self::HeldOut(fraction) => write!(f, "{:?}", fraction.get()),
        }
    }
}
