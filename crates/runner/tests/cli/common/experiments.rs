//! Experiments and a dataset that several tests use.

use std::fs;
use std::path::Path;

/// Two batch sizes, in descending order, and two seeds.
pub const FOUR_TRIALS: &str = r#"
name = "small"
description = "a, \"quoted\" | description"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.5, epochs = 2 }
[sweep]
batch_size = [64, 16]
seed = { from = 0, to = 1 }
"#;

/// Two batch sizes and six seeds; every trial is a training of its own.
pub const TWELVE_TRIALS: &str = r#"
name = "small"
data = { dataset = "digits" }
train = { learning_rate = 0.5, epochs = 2 }
[sweep]
batch_size = [16, 64]
seed = { from = 0, to = 5 }
"#;

/// Eight trainings of two trials each, which differ in their epochs.
pub const SIXTEEN_TRIALS: &str = r#"
name = "small"
data = { dataset = "digits", validation = 0.2 }
train = { learning_rate = 0.5 }
[sweep]
epochs = [2, 3]
batch_size = [16, 64]
seed = { from = 0, to = 3 }
"#;

/// Writes a dataset of 30 training and 12 test images of 3×5 pixels in three classes. An image of
/// class c is bright in row c.
pub fn write_dataset(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for (part, n) in [("train", 30u8), ("t10k", 12)] {
        let image = |i: u8| {
            (0..15u8)
                .map(move |pixel| if pixel / 5 == i % 3 { 200 + i } else { i })
                .collect::<Vec<_>>()
        };
        let mut images = vec![0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 3, 0, 0, 0, 5];
        images.extend((0..n).flat_map(image));
        let mut labels = vec![0, 0, 8, 1, 0, 0, 0, n];
        labels.extend((0..n).map(|i| i % 3));
        fs::write(folder.join(format!("{part}-images-idx3-ubyte")), images).unwrap();
        fs::write(folder.join(format!("{part}-labels-idx1-ubyte")), labels).unwrap();
    }
}
