//! Random numbers that are the same everywhere: ChaCha8, keyed by a trial's seed and what the numbers are for.
//!
//! Never keyed by time, thread, batch size or order of execution, so the same seed sees the same examples in the same
//! order whatever else differs. Everything from the cipher's words on is written out here: no library's change of
//! algorithm can change a result.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What random numbers are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Weights before the first step.
    Init,
    /// The order of the examples in an epoch, from 1.
    Shuffle {
        /// The epoch.
        epoch: u32,
    },
    /// Which examples are held out.
    Validation,
}

/// A stream of random numbers.
pub struct Generator(ChaCha8Rng);

/// The stream of `seed` for `purpose`: the key is the seed (8 bytes, little-endian) and the purpose's name (ASCII, padded
/// with zeros to 24 bytes); the nonce is the epoch.
#[must_use]
pub fn generator(seed: u64, purpose: Purpose) -> Generator {
    let (name, stream): (&[u8], u64) = match purpose {
        Purpose::Init => (b"init", 0),
        Purpose::Shuffle { epoch } => (b"shuffle", epoch.into()),
        Purpose::Validation => (b"validation", 0),
    };
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..8 + name.len()].copy_from_slice(name);
    let mut cipher = ChaCha8Rng::from_seed(key);
    cipher.set_stream(stream);
    Generator(cipher)
}

impl Generator {
    /// Uniform in [0, 1): the top 24 bits of the next 32, so every value is an exact f32.
    #[allow(clippy::cast_precision_loss, reason = "24 bits fit an f32")]
    pub fn uniform(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1u32 << 24) as f32
    }

    /// Uniform in 0..n, by multiplying the next 64 bits by n and keeping the high half (Lemire 2019, without the
    /// rejection: the bias is below n / 2⁶⁴).
    ///
    /// `n` must not be 0.
    #[allow(clippy::cast_possible_truncation, reason = "the high half is below n")]
    pub fn below(&mut self, n: u32) -> u32 {
        ((u128::from(self.0.next_u64()) * u128::from(n)) >> 64) as u32
    }

    /// Every order equally likely (Fisher and Yates, from the end).
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

    /// draft-strombergson-chacha-test-vectors-00, TC1 for ChaCha8: key and nonce zero, first keystream block.
    #[test]
    fn the_cipher_is_chacha8() {
        let mut cipher = ChaCha8Rng::from_seed([0; 32]);
        let mut block = [0; 16];
        cipher.fill_bytes(&mut block);
        let published =
            [0x3e, 0x00, 0xef, 0x2f, 0x89, 0x5f, 0x40, 0xd6, 0x7f, 0x5b, 0xb8, 0xe8, 0x1f, 0x09, 0xa5, 0xa1];
        assert_eq!(block, published);
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_epoch() {
        let first = |seed, purpose| generator(seed, purpose).0.next_u64();
        let streams = [
            first(0, Purpose::Init),
            first(1, Purpose::Init),
            first(0, Purpose::Validation),
            first(0, Purpose::Shuffle { epoch: 1 }),
            first(0, Purpose::Shuffle { epoch: 2 }),
        ];
        for (i, a) in streams.iter().enumerate() {
            assert!(streams[i + 1..].iter().all(|b| a != b), "{streams:?}");
        }
    }

    #[test]
    fn a_shuffle_keeps_every_row_and_is_fair() {
        let mut first_place = [0u32; 5];
        for seed in 0..5_000 {
            let mut rows: Vec<u32> = (0..5).collect();
            generator(seed, Purpose::Shuffle { epoch: 1 }).shuffle(&mut rows);
            first_place[rows[0] as usize] += 1;
            rows.sort_unstable();
            assert_eq!(rows, [0, 1, 2, 3, 4]);
        }
        // 1,000 each are expected; six standard deviations (28.3) either way.
        assert!(first_place.iter().all(|n| (830..1170).contains(n)), "{first_place:?}");
    }
}
