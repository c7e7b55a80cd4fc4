//! Synthetic data: points on two spirals, and a random number generator that gives the same numbers
//! on every machine.

use std::f64::consts::PI;

use candle_core::{Device, Result, Tensor};
use tracking::SplitSizes;

/// Points `[rows, 2]` and labels `[rows]`.
pub type Labelled = (Tensor, Tensor);

/// Points on two spiral arms with a little noise. The label is the arm.
pub struct Spirals {
    pub train: Labelled,
    /// A fifth of the training points, held out in equal parts from both arms.
    pub validation: Labelled,
    pub test: Labelled,
}

impl Spirals {
    /// Generates `count` points for training and validation and `count` test points, half of them
    /// on each arm.
    pub fn new(count: u32) -> Result<Self> {
        let mut numbers = Numbers::seeded(u64::MAX);
        let [mut train, mut validation, mut test] = [const { Vec::new() }; 3];
        for index in 0..count {
            let split = if index / 2 % 5 == 0 { &mut validation } else { &mut train };
            split.push(point(index % 2, &mut numbers));
            test.push(point(index % 2, &mut numbers));
        }
        Ok(Self {
            train: tensors(&train)?,
            validation: tensors(&validation)?,
            test: tensors(&test)?,
        })
    }

    /// Returns the number of points in each split.
    pub fn sizes(&self) -> SplitSizes {
        let size = |(_, labels): &Labelled| labels.elem_count().try_into().ok();
        SplitSizes {
            train: size(&self.train),
            validation: size(&self.validation),
            test: size(&self.test),
        }
    }
}

fn point(label: u32, numbers: &mut Numbers) -> ([f32; 2], u32) {
    let radius = numbers.between(0.1, 1.0);
    let angle = 1.5 * PI * radius + PI * f64::from(label);
    let mut noisy = |coordinate: f64| (coordinate + numbers.between(-0.15, 0.15)) as f32;
    ([noisy(radius * angle.cos()), noisy(radius * angle.sin())], label)
}

fn tensors(points: &[([f32; 2], u32)]) -> Result<Labelled> {
    let coordinates: Vec<f32> = points.iter().flat_map(|(point, _)| *point).collect();
    let labels: Vec<u32> = points.iter().map(|(_, label)| *label).collect();
    let count = labels.len();
    Ok((
        Tensor::from_vec(coordinates, (count, 2), &Device::Cpu)?,
        Tensor::from_vec(labels, count, &Device::Cpu)?,
    ))
}

/// The SplitMix64 generator (Steele, Lea and Flood 2014).
pub struct Numbers(u64);

impl Numbers {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn shuffle(&mut self, order: &mut [u32]) {
        for last in (1..order.len()).rev() {
            order.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
