//! Trains a network with one hidden layer to separate points inside and outside a ring, by
//! stochastic gradient descent with mini-batches. It needs no crate: `rustc -O train.rs`.
//!
//! Usage: train HIDDEN BATCH_SIZE LEARNING_RATE SEED

use std::env;

const EPOCHS: u32 = 100;

/// Random numbers: SplitMix64.
struct Random(u64);

impl Random {
    /// A number from -1 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
    }

    /// Points with the label 1 inside of a ring, otherwise 0. A twentieth of the labels is wrong.
    fn points(&mut self, count: usize) -> Vec<([f64; 2], f64)> {
        let point = |_| {
            let x = [self.next(), self.next()];
            let is_inside = (0.3..0.7).contains(&x[0].hypot(x[1]));
            let is_wrong = self.next() > 0.9;
            (x, f64::from(is_inside != is_wrong))
        };
        (0..count).map(point).collect()
    }
}

/// The weights of each hidden unit: two inputs, bias, output. The last unit has the output's bias.
type Network = Vec<[f64; 4]>;

/// The activations of the hidden units, and the probability of label 1.
fn forward(network: &Network, x: [f64; 2]) -> (Vec<f64>, f64) {
    let activation = |w: &[f64; 4]| (w[0] * x[0] + w[1] * x[1] + w[2]).tanh();
    let hidden: Vec<f64> = network.iter().map(activation).collect();
    let sum: f64 = network.iter().zip(&hidden).map(|(w, h)| w[3] * h).sum();
    (hidden, 1.0 / (1.0 + (-sum).exp()))
}

fn accuracy(network: &Network, points: &[([f64; 2], f64)]) -> f64 {
    let is_right = |(x, y): &&([f64; 2], f64)| (forward(network, *x).1 > 0.5) == (*y > 0.5);
    points.iter().filter(is_right).count() as f64 / points.len() as f64
}

fn main() {
    let arguments: Vec<f64> = env::args().skip(1).map(|word| word.parse().unwrap()).collect();
    let [hidden, batch_size, rate, seed] = arguments[..] else {
        panic!("usage: train HIDDEN BATCH_SIZE LEARNING_RATE SEED");
    };
    let mut random = Random(seed as u64);
    let [mut train, validation, test] = [400, 400, 2000].map(|count| random.points(count));
    let mut network: Network =
        (0..hidden as usize).map(|_| [(); 4].map(|()| 2.0 * random.next())).collect();
    network.push([0.0, 0.0, 2.0, 0.0]);

    for epoch in 1..=EPOCHS {
        for last in (1..train.len()).rev() {
            train.swap(last, ((random.next() + 1.0) / 2.0 * (last + 1) as f64) as usize);
        }
        for batch in train.chunks(batch_size as usize) {
            let mut gradient = vec![[0.0; 4]; network.len()];
            for (x, y) in batch {
                let (activations, probability) = forward(&network, *x);
                let error = (probability - y) / batch.len() as f64;
                for ((g, w), h) in gradient.iter_mut().zip(&network).zip(activations) {
                    let slope = error * w[3] * (1.0 - h * h);
                    let point = [slope * x[0], slope * x[1], slope, error * h];
                    (0..4).for_each(|i| g[i] += point[i]);
                }
            }
            for (w, g) in network.iter_mut().zip(gradient) {
                (0..4).for_each(|i| w[i] -= rate * g[i]);
            }
        }
        let accuracy = accuracy(&network, &validation);
        println!(r#"{{"epoch": {epoch}, "val_accuracy": {accuracy}}}"#);
    }
    println!(r#"{{"test_accuracy": {}}}"#, accuracy(&network, &test));
}
