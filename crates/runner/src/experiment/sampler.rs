//! Points of the unit cube for a sampled space. A point depends only on the sampler, the seed and
//! its index.

use data::random::{Purpose, generator};

/// How the points of a sampled space are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// A Sobol sequence with the direction numbers of Joe and Kuo (2008), shuffled and scrambled as
    /// in Burley, "Practical Hash-based Owen Scrambling" (2020).
    Sobol,
    /// Independent uniform points.
    Random,
}

impl Sampler {
    pub const ALL: [Self; 2] = [Self::Sobol, Self::Random];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sobol => "sobol",
            Self::Random => "random",
        }
    }

    /// The largest number of points.
    pub fn max_points(self) -> u32 {
        match self {
            Self::Sobol => 1 << 16,
            Self::Random => super::MAX_TRIALS as u32,
        }
    }

    /// The largest number of dimensions, if there is one.
    pub fn max_dimensions(self) -> Option<u32> {
        match self {
            Self::Sobol => Some(sobol_burley::NUM_DIMENSIONS),
            Self::Random => None,
        }
    }

    /// The coordinates of point `index`, from 0 up to but excluding 1. The limits of the sampler
    /// apply to `index` and `dimensions`.
    pub fn point(self, seed: u32, index: u32, dimensions: u32) -> Vec<f64> {
        match self {
            Self::Sobol => (0..dimensions)
                .map(|dimension| sobol_burley::sample(index, dimension, seed).into())
                .collect(),
            Self::Random => {
                let mut generator = generator(seed.into(), Purpose::Sample { point: index });
                (0..dimensions).map(|_| generator.uniform().into()).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The index of the interval of length 1 / `parts` that has `coordinate`.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below 2^16")]
    fn interval(coordinate: f64, parts: u32) -> u32 {
        (coordinate * f64::from(parts)).floor() as u32
    }

    proptest! {
        /// The first two dimensions of a Sobol sequence are a (0, 2)-sequence in base 2 (Sobol 1967):
        /// of each 2^m points, one is in each rectangle of area 2^-m whose sides are powers of 2.
        /// Owen scrambling keeps this (Owen 1995).
        #[test]
        fn sobol_points_fill_each_elementary_interval(
            seed: u32,
            power in 0u32..9,
            block in 0u32..100,
            split in 0u32..9,
        ) {
            let (size, columns) = (1 << power, 1 << split.min(power));
            let rows = size / columns;
            let mut rectangles: Vec<_> = (block * size..(block + 1) * size)
                .map(|index| {
                    let point = Sampler::Sobol.point(seed, index, 2);
                    (interval(point[0], columns), interval(point[1], rows))
                })
                .collect();
            rectangles.sort_unstable();
            rectangles.dedup();
            prop_assert_eq!(rectangles.len(), size as usize);
        }

        #[test]
        fn each_sobol_dimension_fills_its_intervals(
            seed: u32,
            dimension in 0u32..256,
            power in 0u32..9,
            block in 0u32..100,
        ) {
            let size = 1 << power;
            let coordinate =
                |index| Sampler::Sobol.point(seed, index, dimension + 1)[dimension as usize];
            let mut intervals: Vec<u32> = (block * size..(block + 1) * size)
                .map(|index| interval(coordinate(index), size))
                .collect();
            intervals.sort_unstable();
            prop_assert_eq!(intervals, (0..size).collect::<Vec<_>>());
        }

        #[test]
        fn points_are_in_the_unit_cube(seed: u32, index in 0u32..1 << 16, dimensions in 1u32..257) {
            for sampler in Sampler::ALL {
                let point = sampler.point(seed, index, dimensions);
                prop_assert_eq!(point.len(), dimensions as usize);
                prop_assert!(point.iter().all(|coordinate| (0.0..1.0).contains(coordinate)));
                let fewer = sampler.point(seed, index, dimensions / 2);
                prop_assert_eq!(&fewer[..], &point[..fewer.len()]);
                prop_assert_ne!(sampler.point(seed ^ 1, index, dimensions), point);
            }
        }
    }

    /// The values come from an independent program, in Python: the direction numbers of Joe and Kuo,
    /// and the shuffle and scramble of Burley with the constants of `sobol_burley`. A change of these
    /// values would change the trials of every sampled sweep.
    #[test]
    fn sobol_points_equal_recorded_values() {
        let scaled = |seed, index| {
            let point = Sampler::Sobol.point(seed, index, 8).into_iter();
            point.map(|coordinate| coordinate * 8_388_608.0).collect::<Vec<f64>>()
        };
        let first = [
            2_199_104., 4_503_796., 6_002_907., 6_850_746., 5_687_104., 7_577_638., 4_991_218.,
            2_163_634.,
        ];
        assert_eq!(scaled(0, 0), first);
        let last = [
            4_897_688., 623_478., 8_077_072., 663_199., 6_774_636., 1_913_529., 7_514_315.,
            7_946_572.,
        ];
        assert_eq!(scaled(7, 65_535), last);
        let of_largest_seed = [
            8_238_802., 6_319_024., 6_463_804., 4_167_621., 2_329_765., 1_863_204., 7_008_312.,
            7_328_840.,
        ];
        assert_eq!(scaled(u32::MAX, 1_000), of_largest_seed);
    }

    /// ChaCha8 with the key `sample` and seed 5, nonce 3: computed by an independent program (the
    /// cipher of RFC 8439 with 8 rounds and a 64-bit nonce, in Python).
    #[test]
    fn random_points_equal_recorded_values() {
        let point = Sampler::Random.point(5, 3, 4).into_iter();
        let scaled: Vec<f64> = point.map(|coordinate| coordinate * 16_777_216.0).collect();
        assert_eq!(scaled, [15_720_709., 4_230_379., 11_060_734., 966_206.]);
    }
}
