//! The four files of a dataset: their names and contents.

use crate::idx::Kind;

/// The four files, sorted by name: test images, test labels, training images, training labels.
pub(crate) const FILES: [&str; 4] = [
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
];

/// The content of each of [`FILES`].
pub(crate) const KINDS: [Kind; 4] = [Kind::Images, Kind::Labels, Kind::Images, Kind::Labels];

/// The other common spelling of a name: `train-images.idx3-ubyte` for `train-images-idx3-ubyte`.
/// Some tools unpack the archives under this name.
pub(crate) fn dotted_name(file: &str) -> String {
    file.replacen("-idx", ".idx", 1)
}
