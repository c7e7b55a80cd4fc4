//! Reproducible random numbers: ChaCha8, keyed by the seed of a trial and the purpose of the numbers.
//!
//! The key never depends on time, thread, batch size or order of execution. Trials with equal seeds
//! therefore see the same examples in the same order. Only the cipher comes from a library. The
//! conversion of its output is implemented here, so that no library update changes a result.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// The purpose of random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Initial weights.
    Init,
    /// Order of the examples in an epoch.
    Shuffle {
        /// The epoch, from 1.
        epoch: u32,
    },
    /// Selection of the held-out examples.
    Validation,
    /// A point of a sampled space of hyperparameters.
    Sample {
        /// The number of the point, from 0.
        point: u32,
    },
}

/// A stream of random numbers.
pub struct Generator(ChaCha8Rng);

/// Returns the stream of `seed` for `purpose`. The key is the seed (8 bytes, little-endian) and the
/// name of the purpose (ASCII, padded with zeros to 24 bytes). The nonce is the epoch or the point,
/// or 0 if the purpose has neither.
#[must_use]
pub fn generator(seed: u64, purpose: Purpose) -> Generator {
    let (name, stream): (&[u8], u64) = match purpose {
        Purpose::Init => (b"init", 0),
        Purpose::Shuffle { epoch } => (b"shuffle", epoch.into()),
        Purpose::Validation => (b"validation", 0),
        Purpose::Sample { point } => (b"sample", point.into()),
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..8 + name.len()].copy_from_slice(name);
    let mut cipher = ChaCha8Rng::from_seed(key);
    cipher.set_stream(stream);
    Generator(cipher)
}

impl Generator {
    /// Uniform in [0, 1). Uses the top 24 bits of the next 32, so that every value is an exact f32.
    #[allow(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
    pub fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in 0..n: the high half of the product of n and the next 64 bits (Lemire 2019, without
    /// rejection; the bias is less than n / 2⁶⁴).
    ///
    /// `n` must not be 0.
    #[allow(clippy::cast_possible_truncation, reason = "the high half is less than n")]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u32
    }

    /// Shuffles `rows`; every order is equally likely (Fisher–Yates, from the end).
    #[allow(clippy::cast_possible_truncation, reason = "rows are counted in u32")]
    pub fn shuffle(&mut self, rows: &mut [u32]) {
        for last in (1..rows.len()).rev() {
            rows.swap(last, self.below(last as u32 + 1) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// draft-strombergson-chacha-test-vectors-00, TC1 for ChaCha8: 256-bit key and nonce zero,
    /// keystream blocks 1 and 2.
    #[test]
    fn cipher_equals_published_chacha8_vectors() {
        let mut cipher = ChaCha8Rng::from_seed([0; 32]);
        let mut blocks = [0; 128];
        cipher.fill_bytes(&mut blocks);
        let hex: String = blocks.iter().map(|byte| format!("{byte:02x}")).collect();
        let published = "3e00ef2f895f40d67f5bb8e81f09a5a12c840ec3ce9a7f3b181be188ef711a1e\
                         984ce172b9216f419f445367456d5619314a42a3da86b001387bfdb80e0cfe42\
                         d2aefa0deaa5c151bf0adb6c01f2a5adc0fd581259f9a2aadcf20f8fd566a26b\
                         5032ec38bbc5da98ee0c6f568b872a65a08abf251deb21bb4b56e5d8821e68aa";
        assert_eq!(hex, published);
    }

    /// The values come from an independent program (the cipher of RFC 8439 with 8 rounds and a 64-bit
    /// nonce, in Python). A change of these values would change the results of every trial.
    #[test]
    fn streams_equal_recorded_values() {
        let drawn = |seed, n| -> Vec<f32> {
            let mut generator = generator(seed, Purpose::Init);
            (0..n).map(|_| generator.uniform() * 16_777_216.0).collect()
        };
        assert_eq!(
            drawn(0, 6),
            [13_586_516., 2_280_712., 1_036_568., 13_699_156., 12_612_718., 15_278_583.]
        );
        assert_eq!(drawn(7, 4), [1_394_958., 1_343_680., 5_096_547., 10_436_542.]);
        let shuffled = |seed, epoch| {
            let mut rows: Vec<u32> = (0..10).collect();
            generator(seed, Purpose::Shuffle { epoch }).shuffle(&mut rows);
            rows
        };
        assert_eq!(shuffled(0, 1), [0, 7, 8, 5, 2, 3, 1, 4, 6, 9]);
        assert_eq!(shuffled(0, 2), [8, 5, 9, 7, 2, 3, 1, 6, 0, 4]);
        assert_eq!(shuffled(3, 1), [4, 6, 3, 1, 2, 5, 0, 8, 7, 9]);
        let mut held_out = generator(0, Purpose::Validation);
        assert_eq!([0; 6].map(|_| held_out.below(1000)), [62, 360, 159, 912, 925, 101]);
        let mut last = generator(u64::MAX, Purpose::Shuffle { epoch: u32::MAX });
        assert_eq!(
            [0; 20].map(|_| last.below(1_000_000))[16..],
            [553_219, 753_430, 535_921, 972_984]
        );
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_nonce() {
        let first = |seed, purpose| generator(seed, purpose).0.next_u64();
        let streams = [
            first(0, Purpose::Init),
            first(1, Purpose::Init),
            first(0, Purpose::Validation),
            first(0, Purpose::Shuffle { epoch: 1 }),
            first(0, Purpose::Shuffle { epoch: 2 }),
            first(0, Purpose::Sample { point: 1 }),
            first(0, Purpose::Sample { point: 2 }),
        ];
        for (i, a) in streams.iter().enumerate() {
            assert!(streams[i + 1..].iter().all(|b| a != b), "{streams:?}");
        }
    }

    #[test]
    fn shuffle_is_a_fair_permutation() {
        let mut first_place = [0u32; 5];
        for seed in 0..5_000 {
            let mut rows: Vec<u32> = (0..5).collect();
            generator(seed, Purpose::Shuffle { epoch: 1 }).shuffle(&mut rows);
            first_place[rows[0] as usize] += 1;
            rows.sort_unstable();
            assert_eq!(rows, [0, 1, 2, 3, 4]);
        }
        // Expects 1,000 each. The bounds are six standard deviations (28.3) away.
        assert!(first_place.iter().all(|n| (830..1170).contains(n)), "{first_place:?}");
    }
}
