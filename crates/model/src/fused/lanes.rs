//! Vectors of eight f32 with the operations of the kernel: in plain Rust, and with AVX2 and FMA.

/// Numbers in a vector. Also the number of pixels in a tile and of images in a group.
pub(super) const LANES: usize = 8;

/// One number per lane.
pub(super) type Row = [f32; LANES];

/// 1.5 · 2²³. Adding it to a number of magnitude below 2²² rounds the number to the nearest integer and
/// puts the integer in the low bits. Subtracting it gives the rounded number.
const ROUNDER: f32 = 12_582_912.0;

/// A vector of eight f32.
pub(super) trait Lanes: Copy {
    fn splat(value: f32) -> Self;
    fn load(row: &Row) -> Self;
    fn store(self, row: &mut Row);
    /// The numbers of the lanes.
    #[inline(always)]
    fn lanes(self) -> Row {
        let mut row = [0.0; LANES];
        self.store(&mut row);
        row
    }
    /// Converts bytes to numbers from 0 to 255.
    fn from_bytes(bytes: &[u8; LANES]) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    fn div(self, other: Self) -> Self;
    /// The greater number, or `other` if either is NaN.
    fn max(self, other: Self) -> Self;
    /// `self · factor + addend`, rounded once if the processor has a fused instruction.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `then` if `self > other`, else `otherwise`, per lane.
    fn select_greater(self, other: Self, then: Self, otherwise: Self) -> Self;
    /// `self · 2^n`, where the argument is `n + ROUNDER`. Adds its low bits to the exponent.
    fn times_power_of_two(self, integers_and_rounder: Self) -> Self;
    /// Lane i of the result is the sum of the lanes of `rows[i]`.
    fn sums(rows: [Self; LANES]) -> Self;
    /// Hints that the memory at `address` is needed soon.
    fn prefetch<T>(address: *const T);

    /// eˣ for x ≤ 0, with an error of about one unit in the last place. Below −87 the result is
    /// e⁻⁸⁷ ≈ 1.6e-38. NaN gives NaN.
    ///
    /// Writes x = n·ln 2 + r with |r| ≤ ½ ln 2. Then eˣ = 2ⁿ·eʳ, and a polynomial approximates eʳ
    /// (`expf` of Cephes, S. Moshier).
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

/// Plain Rust, for processors without AVX2. On aarch64 the compiler vectorises it with NEON.
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
    fn from_bytes(bytes: &[u8; LANES]) -> Self {
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
        // Without a fused instruction, `mul_add` calls a library function that would dominate the run
        // time.
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
        // Adds in pairs, in the order of the vector instructions.
        let sum = |[a, b, c, d, e, f, g, h]: Row| ((a + b) + (c + d)) + ((e + f) + (g + h));
        Self(rows.map(|row| sum(row.0)))
    }

    #[inline(always)]
    fn prefetch<T>(_: *const T) {}
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::Avx2;

/// Vectors in AVX2 registers.
#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::*;

    use super::{LANES, Lanes, Row};

    /// An AVX2 register.
    #[derive(Clone, Copy)]
    pub(in crate::fused) struct Avx2(__m256);

    /// Calls intrinsics.
    ///
    /// SAFETY: the processor has AVX2 and FMA, because only `dispatch` uses [`Avx2`], after it has
    /// checked the processor. Intrinsics that read or write memory receive pointers from references to
    /// as many bytes as they access.
    macro_rules! avx2 {
        ($expression:expr) => {{
            #[allow(unsafe_code, reason = "the comment of the macro says why it is sound")]
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
        fn from_bytes(bytes: &[u8; LANES]) -> Self {
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
                // Each half of a register holds the sums of the halves of four rows.
                let abcd = _mm256_hadd_ps(_mm256_hadd_ps(a.0, b.0), _mm256_hadd_ps(c.0, d.0));
                let efgh = _mm256_hadd_ps(_mm256_hadd_ps(e.0, f.0), _mm256_hadd_ps(g.0, h.0));
                let low = _mm256_permute2f128_ps::<0x20>(abcd, efgh);
                let high = _mm256_permute2f128_ps::<0x31>(abcd, efgh);
                _mm256_add_ps(low, high)
            }))
        }

        #[inline(always)]
        fn prefetch<T>(address: *const T) {
            // Any address is allowed, even one past the end: a prefetch does not access the memory.
            avx2!(_mm_prefetch::<_MM_HINT_T0>(address.cast()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exponentials<L: Lanes>(x: f32) -> f32 {
        L::splat(x).exp().lanes()[5]
    }

    /// Compares with the exponential in f64.
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
    fn exp_is_accurate_and_propagates_nan() {
        check(exponentials::<Portable>);
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            check(exponentials::<Avx2>);
        }
    }

    #[test]
    fn sum_of_each_row_is_in_its_lane() {
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
