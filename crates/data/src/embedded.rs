//! The dataset `digits`, compiled into the program. It provides real data on a machine without a
//! network.
//!
//! 1,797 handwritten digits of 8×8 pixels: the test part of *Optical Recognition of Handwritten
//! Digits* (E. Alpaydin and C. Kaynak, 1998, UCI Machine Learning Repository, CC BY 4.0), as in
//! scikit-learn's `load_digits`. An intensity v from 0 to 16 is stored as round(v · 255 / 16). The
//! first 1,437 images are the training split, the last 360 the test split.

use crate::catalog::KnownDataset;
use crate::dataset::{Dataset, Verification};
use crate::error::{ADVICE_FILE, DataError};
use crate::files::{FILES, KINDS};
use crate::idx::{Idx, decode};

/// In the order of [`FILES`].
const ARCHIVES: [&[u8]; 4] = [
    include_bytes!("../assets/digits/t10k-images-idx3-ubyte.gz"),
    include_bytes!("../assets/digits/t10k-labels-idx1-ubyte.gz"),
    include_bytes!("../assets/digits/train-images-idx3-ubyte.gz"),
    include_bytes!("../assets/digits/train-labels-idx1-ubyte.gz"),
];

/// Decodes the embedded dataset.
pub(crate) fn digits() -> Result<Dataset, DataError> {
    let decoded = |i: usize| -> Result<Idx, DataError> {
        decode(ARCHIVES[i], KINDS[i]).map_err(|reason| DataError::Malformed {
            location: format!("embedded {}", FILES[i]),
            reason,
            advice: ADVICE_FILE,
        })
    };
    let files = [decoded(0)?, decoded(1)?, decoded(2)?, decoded(3)?];
    Dataset::assemble(KnownDataset::Digits.name(), "embedded digits", files, Verification::Pinned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn digits_equal_those_of_scikit_learn() {
        let digits = digits().unwrap();
        assert_eq!(Some(digits.info()), KnownDataset::Digits.info());
        // The first two rows of load_digits().images[0], times 255 / 16.
        let rows = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]
            .map(|v| (f64::from(v) * 255.0 / 16.0).round());
        assert!(
            digits.train.image(0).unwrap()[..16].iter().map(|pixel| f64::from(*pixel)).eq(rows)
        );
        assert_eq!(digits.train.labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
        // np.bincount(load_digits().target)
        let counts = (0..10).map(|class| {
            let labels = digits.train.labels.iter().chain(&digits.test.labels);
            labels.filter(|label| **label == class).count()
        });
        assert!(counts.eq([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]));
    }
}
