//! The epoch of each run that a comparison uses.

use std::str::FromStr;

/// The epoch of each run that a comparison uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EpochChoice {
    /// The last epoch, with the evaluation of the final weights.
    #[default]
    Last,
    /// The epoch with the best ranking metric; the first of several equal ones.
    Best,
    /// The epoch with this number, from 1.
    Epoch(u32),
}

impl FromStr for EpochChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "last" => Ok(Self::Last),
            "best" => Ok(Self::Best),
            number => match number.parse() {
                Ok(epoch) if epoch > 0 => Ok(Self::Epoch(epoch)),
                _ => Err("expected last, best, or the number of an epoch, from 1".to_owned()),
            },
        }
    }
}
