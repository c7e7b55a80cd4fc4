//! Holds out a stratified part of the training split for validation.

use thiserror::Error;

use crate::random::{Purpose, generator};

/// A fraction between 0 and 1, exclusive.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Fraction(f64);

/// A number that is not a [`Fraction`].
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error("expected a fraction between 0 and 1 (exclusive), found {0:?}")]
pub struct InvalidFraction(f64);

impl Fraction {
    /// Checks the range of `value`.
    ///
    /// # Errors
    /// If `value` is not between 0 and 1, exclusive.
    pub fn new(value: f64) -> Result<Self, InvalidFraction> {
        if value > 0.0 && value < 1.0 { Ok(Self(value)) } else { Err(InvalidFraction(value)) }
    }

    /// The value.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }

    /// Rounds this fraction of `n` examples to a whole number from 1 to `n - 1`. Returns 0 for fewer
    /// than two examples.
    #[must_use]
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within 0..=n"
    )]
    pub fn of(self, n: usize) -> usize {
        if n < 2 { 0 } else { ((n as f64 * self.0).round() as usize).clamp(1, n - 1) }
    }
}

/// Two disjoint parts of the training split, as ascending row numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Rows to train on.
    pub train: Vec<u32>,
    /// Rows to validate on.
    pub validation: Vec<u32>,
}

/// Holds out `fraction` of the examples with these `labels`. The `seed` selects the examples.
///
/// The selection is stratified: of a class of k examples it takes ⌊k · fraction⌋ or one more. The
/// classes with the largest remainders give one more (among equals the lower class), so that the
/// total is [`Fraction::of`].
#[must_use]
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts of examples"
)]
pub fn hold_out(labels: &[u8], fraction: Fraction, seed: u64) -> Partition {
    let mut classes: Vec<Vec<u32>> = vec![Vec::new(); 256];
    for (row, label) in (0u32..).zip(labels) {
        classes[usize::from(*label)].push(row);
    }
    // ⌊k · fraction⌋ is less than k, but the f64 product may round up to k for a fraction near 1.
    let floor = |rows: &Vec<u32>| {
        ((rows.len() as f64 * fraction.get()) as usize).min(rows.len().saturating_sub(1))
    };
    let mut shares: Vec<usize> = classes.iter().map(floor).collect();
    let mut by_remainder: Vec<usize> =
        (0..classes.len()).filter(|class| !classes[*class].is_empty()).collect();
    let remainder = |class: usize| (classes[class].len() as f64 * fraction.get()).fract();
    by_remainder.sort_by(|a, b| remainder(*b).total_cmp(&remainder(*a)).then(a.cmp(b)));
    let missing = fraction.of(labels.len()).saturating_sub(shares.iter().sum());
    for class in by_remainder.into_iter().take(missing) {
        shares[class] += 1;
    }

    let mut generator = generator(seed, Purpose::Validation);
    let mut partition = Partition { train: Vec::new(), validation: Vec::new() };
    for (rows, share) in classes.iter_mut().zip(shares) {
        generator.shuffle(rows);
        partition.validation.extend(&rows[..share]);
        partition.train.extend(&rows[share..]);
    }
    partition.train.sort_unstable();
    partition.validation.sort_unstable();
    partition
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn fraction_outside_open_interval_is_rejected() {
        for bad in [0.0, 1.0, -0.1, 1.5, f64::NAN] {
            assert!(Fraction::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn another_seed_holds_out_other_examples() {
        let labels: Vec<u8> = (0..200u8).map(|row| row % 10).collect();
        let tenth = Fraction::new(0.1).unwrap();
        assert_eq!(hold_out(&labels, tenth, 1), hold_out(&labels, tenth, 1));
        assert_ne!(hold_out(&labels, tenth, 1), hold_out(&labels, tenth, 2));
    }

    #[test]
    fn tenth_of_mnist_follows_largest_remainders() {
        let counts = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949];
        let labels: Vec<u8> =
            (0u8..).zip(counts).flat_map(|(label, count)| vec![label; count]).collect();
        let Partition { train, validation } = hold_out(&labels, Fraction::new(0.1).unwrap(), 0);
        assert_eq!((train.len(), validation.len()), (54_000, 6_000));
        let held_out =
            |class: u8| validation.iter().filter(|row| labels[**row as usize] == class).count();
        // The four largest remainders (.9, .8, .8 and .5) are rounded up.
        assert_eq!(
            (0..10).map(held_out).collect::<Vec<_>>(),
            [592, 674, 596, 613, 584, 542, 592, 627, 585, 595]
        );
    }

    #[test]
    fn both_parts_have_at_least_one_example() {
        let close_to_one = Fraction::new(1.0 - f64::EPSILON / 2.0).unwrap();
        assert_eq!(hold_out(&[0; 100], close_to_one, 0).train.len(), 1);
        assert_eq!(hold_out(&[0], close_to_one, 0).train.len(), 1);
        assert_eq!(hold_out(&[0; 100], Fraction::new(1e-9).unwrap(), 0).validation.len(), 1);
    }

    proptest! {
        #[test]
        fn parts_are_disjoint_complete_and_stratified(
            labels in prop::collection::vec(0u8..5, 2..300), fraction in 0.01f64..0.99, seed: u64,
        ) {
            let fraction = Fraction::new(fraction).unwrap();
            let Partition { train, validation } = hold_out(&labels, fraction, seed);
            let mut all: Vec<u32> = train.iter().chain(&validation).copied().collect();
            all.sort_unstable();
            prop_assert!(all.iter().copied().eq(0..labels.len() as u32));
            prop_assert_eq!(validation.len(), fraction.of(labels.len()));
            for class in 0..5 {
                let of_class = labels.iter().filter(|label| **label == class).count();
                let held_out = validation.iter().filter(|row| labels[**row as usize] == class).count();
                prop_assert!((held_out as f64 - of_class as f64 * fraction.get()).abs() <= 1.0);
            }
        }
    }
}
