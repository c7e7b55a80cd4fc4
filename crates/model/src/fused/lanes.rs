//! Eight f32 at a time: the few operations that the kernel is written in, portable and with AVX2 and FMA.

/// Numbers in a vector, pixels in a tile, images in a group.
pub(super) const LANES: usize = 8;

/// One number a lane.
pub(super) type Row = [f32; LANES];

/// Added to a number below 2²² and taken away again, it rounds to the nearest integer, which meanwhile stands in the low bits.
const ROUNDER: f32 = 12_582_912.0;

/// A vector of eight f32.
pub(super) trait Lanes: Copy {
    fn splat(value: f32) -> Self;
    fn load(row: &Row) -> Self;
    fn store(self, row: &mut Row);
    /// As numbers.
    #[inline(always)]
    fn lanes(self) -> Row {
        let mut row = [0.0; LANES];
        self.store(&mut row);
        row
    }
    /// Bytes as numbers from 0 to 255.
    fn of_bytes(bytes: &[u8; LANES]) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// The greater; `other` where either is not a number.
    fn max(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once where the machine can.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `then` where `self > other`, else `otherwise`.
    fn select_greater(self, other: Self, then: Self, otherwise: Self) -> Self;
    /// Adds the low bits of `integers + ROUNDER` to the exponent: `self · 2^integers`.
    fn times_power_of_two(self, integers_and_rounder: Self) -> Self;
    /// Lane i of the result is the sum of the lanes of `rows[i]`.
    fn sums(rows: [Self; LANES]) -> Self;
    /// A hint that what lies there is needed soon.
    fn prefetch<T>(place: *const T);

    /// eˣ for x ≤ 0, to about one unit in the last place; below −87 it stays at e⁻⁸⁷ ≈ 1.6e-38. Not a number stays so.
    ///
    /// x = n·ln 2 + r with |r| ≤ ½ ln 2; eˣ = 2ⁿ·eʳ, and eʳ is a polynomial (Cephes, `expf`, S. Moshier).
    #[inline(always)]
    fn exp(self) -> Self {
        let x = Self::splat(-87.0).max(self);
        let shifted = x.mul_add(Self::splat(std::f32::consts::LOG2_E), Self::splat(ROUNDER));
        let n = shifted.sub(Self::splat(ROUNDER));
        let r = n.mul_add(Self::splat(-355.0 / 512.0), x);
        let r = n.mul_add(Self::splat(2.121_944_4e-4), r);
        let mut p = Self::splat(1.987_569_1e-4);
        for coefficient in
            [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.500_000_1]
        {
            p = p.mul_add(r, Self::splat(coefficient));
        }
        let e_to_r = p.mul_add(r.mul(r), r.add(Self::splat(1.0)));
        e_to_r.times_power_of_two(shifted)
    }
}

/// Plain Rust: for machines without AVX2, and on aarch64, whose compiler makes NEON of it.
#[derive(Clone, Copy)]
pub(super) struct Portable(Row);

impl Portable {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Self(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

impl Lanes for Portable {
    #[inline(always)]
    fn splat(value: f32) -> Self {
        Self([value; LANES])
    }

    #[inline(always)]
    fn load(row: &Row) -> Self {
        Self(*row)
    }

    #[inline(always)]
    fn store(self, row: &mut Row) {
        *row = self.0;
    }

    #[inline(always)]
    fn of_bytes(bytes: &[u8; LANES]) -> Self {
        Self(bytes.map(f32::from))
    }

    #[inline(always)]
    fn add(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    #[inline(always)]
    fn div(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    #[inline(always)]
    fn max(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b { a } else { b })
    }

    #[inline(always)]
    fn mul_add(self, factor: Self, addend: Self) -> Self {
        // Where fused multiplication is no instruction, a call for it would cost more than everything else.
        let fused = cfg!(any(target_feature = "fma", target_arch = "aarch64"));
        let mul_add = |a: f32, b: f32, c: f32| if fused { a.mul_add(b, c) } else { a * b + c };
        Self(std::array::from_fn(|lane| mul_add(self.0[lane], factor.0[lane], addend.0[lane])))
    }

    #[inline(always)]
    fn select_greater(self, other: Self, then: Self, otherwise: Self) -> Self {
        let choose = |lane: usize| {
            if self.0[lane] > other.0[lane] { then.0[lane] } else { otherwise.0[lane] }
        };
        Self(std::array::from_fn(choose))
    }

    #[inline(always)]
    fn times_power_of_two(self, integers_and_rounder: Self) -> Self {
        self.zip(integers_and_rounder, |a, n| {
            f32::from_bits(a.to_bits().wrapping_add(n.to_bits() << 23))
        })
    }

    #[inline(always)]
    fn sums(rows: [Self; LANES]) -> Self {
        // In pairs, as the vector instructions add.
        let sum = |[a, b, c, d, e, f, g, h]: Row| ((a + b) + (c + d)) + ((e + f) + (g + h));
        Self(rows.map(|row| sum(row.0)))
    }

    #[inline(always)]
    fn prefetch<T>(_: *const T) {}
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Avx2;

/// AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes, Row};

    /// A register of AVX2.
    #[derive(Clone, Copy)]
    pub(in crate::fused) struct Avx2(__m256);

    /// Calls intrinsics.
    ///
    /// They are unsafe to call where the processor may lack AVX2 or FMA: only `dispatch` uses [`Avx2`], after asking the
    /// processor. Those that read or write memory get pointers made of references to as many bytes as they touch.
    macro_rules! avx2 {
        ($expression:expr) => {{
            #[allow(unsafe_code, reason = "see above")]
            unsafe {
                $expression
            }
        }};
    }

    impl Lanes for Avx2 {
        #[inline(always)]
        fn splat(value: f32) -> Self {
            Self(avx2!(_mm256_set1_ps(value)))
        }

        #[inline(always)]
        fn load(row: &Row) -> Self {
            Self(avx2!(_mm256_loadu_ps(row.as_ptr())))
        }

        #[inline(always)]
        fn store(self, row: &mut Row) {
            avx2!(_mm256_storeu_ps(row.as_mut_ptr(), self.0));
        }

        #[inline(always)]
        fn of_bytes(bytes: &[u8; LANES]) -> Self {
            Self(avx2!(_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(
                bytes.as_ptr().cast()
            )))))
        }

        #[inline(always)]
        fn add(self, other: Self) -> Self {
            Self(avx2!(_mm256_add_ps(self.0, other.0)))
        }

        #[inline(always)]
        fn sub(self, other: Self) -> Self {
            Self(avx2!(_mm256_sub_ps(self.0, other.0)))
        }

        #[inline(always)]
        fn mul(self, other: Self) -> Self {
            Self(avx2!(_mm256_mul_ps(self.0, other.0)))
        }

        #[inline(always)]
        fn div(self, other: Self) -> Self {
            Self(avx2!(_mm256_div_ps(self.0, other.0)))
        }

        #[inline(always)]
        fn max(self, other: Self) -> Self {
            Self(avx2!(_mm256_max_ps(self.0, other.0)))
        }

        #[inline(always)]
        fn mul_add(self, factor: Self, addend: Self) -> Self {
            Self(avx2!(_mm256_fmadd_ps(self.0, factor.0, addend.0)))
        }

        #[inline(always)]
        fn select_greater(self, other: Self, then: Self, otherwise: Self) -> Self {
            Self(avx2!(_mm256_blendv_ps(
                otherwise.0,
                then.0,
                _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, other.0)
            )))
        }

        #[inline(always)]
        fn times_power_of_two(self, integers_and_rounder: Self) -> Self {
            Self(avx2!({
                let exponents =
                    _mm256_slli_epi32::<23>(_mm256_castps_si256(integers_and_rounder.0));
                _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(self.0), exponents))
            }))
        }

        #[inline(always)]
        fn sums([a, b, c, d, e, f, g, h]: [Self; LANES]) -> Self {
            Self(avx2!({
                // In each half of a register, the sums of four rows' halves.
                let abcd = _mm256_hadd_ps(_mm256_hadd_ps(a.0, b.0), _mm256_hadd_ps(c.0, d.0));
                let efgh = _mm256_hadd_ps(_mm256_hadd_ps(e.0, f.0), _mm256_hadd_ps(g.0, h.0));
                let low = _mm256_permute2f128_ps::<0x20>(abcd, efgh);
                let high = _mm256_permute2f128_ps::<0x31>(abcd, efgh);
                _mm256_add_ps(low, high)
            }))
        }

        #[inline(always)]
        fn prefetch<T>(place: *const T) {
            // Of any address, even one past the end: it reads nothing that the program could see.
            avx2!(_mm_prefetch::<_MM_HINT_T0>(place.cast()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponentials<L: Lanes>(x: f32) -> f32 {
        L::splat(x).exp().lanes()[5]
    }

    /// Against the exponential in f64, rounded.
    fn check(exp: fn(f32) -> f32) {
        for x in (0..=87_000).map(|x| -x as f32 / 1_000.0) {
            let expected = f64::from(x).exp();
            assert!(
                (f64::from(exp(x)) / expected - 1.0).abs() < 1.5e-7,
                "{x}: {} is not {expected}",
                exp(x)
            );
        }
        assert_eq!(exp(0.0), 1.0);
        for below in [-88.0, -1e30, f32::NEG_INFINITY] {
            assert!((0.0..2e-38).contains(&exp(below)), "{below}: {}", exp(below));
        }
        assert!(exp(f32::NAN).is_nan() && exp(-f32::NAN).is_nan());
    }

    #[test]
    fn exponentials_are_right_to_the_last_place_and_keep_what_is_no_number() {
        check(exponentials::<Portable>);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            check(exponentials::<Avx2>);
        }
    }

    #[test]
    fn sums_stand_in_the_lane_of_their_row() {
        fn sums<L: Lanes>() -> Row {
            L::sums(std::array::from_fn(|row| {
                L::load(&std::array::from_fn(|lane| (10 * row + lane) as f32))
            }))
            .lanes()
        }
        // Σ (10·row + lane) over eight lanes.
        let expected: Row = std::array::from_fn(|row| 80.0 * row as f32 + 28.0);
        assert_eq!(sums::<Portable>(), expected);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            assert_eq!(sums::<Avx2>(), expected);
        }
    }
}
