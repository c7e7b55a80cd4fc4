//! A dataset in memory: images and labels, for training and for testing.

use std::fmt;
use std::path::PathBuf;

use crate::catalog::DatasetInfo;
use crate::digest::sha256;
use crate::error::DataError;
use crate::idx::{Idx, Kind};

/// The four files, sorted by name: test images, test labels, training images, training labels.
pub(crate) const FILES: [&str; 4] = [
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
];

/// What each of them holds.
pub(crate) const KINDS: [Kind; 4] = [Kind::Images, Kind::Labels, Kind::Images, Kind::Labels];

/// Height and width of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Pixels from top to bottom.
    pub rows: usize,
    /// Pixels from left to right.
    pub columns: usize,
}

impl ImageShape {
    /// Pixels of an image.
    #[must_use]
    pub fn features(self) -> usize {
        self.rows * self.columns
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.rows, self.columns)
    }
}

/// Images and their labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// `[n, rows · columns]`, row-major, 0 to 255.
    pub images: Vec<u8>,
    /// `[n]`, each below the number of classes.
    pub labels: Vec<u8>,
}

impl Split {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Pixels of example `index`, `[rows · columns]`, if there is one.
    #[must_use]
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let features = self.images.len() / self.labels.len().max(1);
        self.images.get(index.checked_mul(features)?..)?.get(..features)
    }
}

/// Checksum of one file, decompressed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// Its name, without `.gz`.
    pub file: &'static str,
    /// Its SHA-256.
    pub sha256: String,
}

/// What the files were held against when they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// Checksums written down in this program.
    Pinned,
    /// The `SHA256SUMS` file beside them.
    SumsFile,
    /// Nothing: they are only known to fit together.
    Unverified,
}

/// A dataset: its files fit together, whatever it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// A known name, or the folder as it was written.
    pub name: String,
    /// The folder, for a dataset that is named by its folder.
    pub folder: Option<PathBuf>,
    /// Of every image.
    pub shape: ImageShape,
    /// 2 to 256: one more than the largest label.
    pub classes: usize,
    /// For training.
    pub train: Split,
    /// For testing.
    pub test: Split,
    /// The four files' own checksums, in the order of their names.
    pub files: [FileDigest; 4],
    /// How it is known to be the true one.
    pub verification: Verification,
    /// Identity of the whole: SHA-256 of the four lines that `sha256sum t10k-images-idx3-ubyte t10k-labels-idx1-ubyte
    /// train-images-idx3-ubyte train-labels-idx1-ubyte` prints for the decompressed files, so that `sha256sum … | sha256sum`
    /// gives the same.
    pub sha256: String,
}

impl Dataset {
    /// Puts the decoded files, in the order of [`FILES`], together: the one place that checks that they fit. `place` is for
    /// errors.
    pub(crate) fn assemble(
        name: &str,
        place: &str,
        files: [Idx; 4],
        verification: Verification,
    ) -> Result<Self, DataError> {
        let wrong = |reason: String| DataError::Inconsistent { place: place.to_owned(), reason };
        let digests: [FileDigest; 4] =
            std::array::from_fn(|i| FileDigest { file: FILES[i], sha256: files[i].sha256.clone() });
        let sha256 = digest_of(digests.each_ref().map(|digest| digest.sha256.as_str()));
        let [test_images, test_labels, train_images, train_labels] = files;
        for (images, labels, part) in
            [(&train_images, &train_labels, "training"), (&test_images, &test_labels, "test")]
        {
            let (images, labels) = (images.dimensions[0], labels.dimensions[0]);
            if images != labels {
                return Err(wrong(format!("{images} {part} images but {labels} {part} labels")));
            }
        }
        let (shape, test_shape) = (shape_of(&train_images), shape_of(&test_images));
        if shape != test_shape {
            return Err(wrong(format!(
                "training images are {shape} pixels, test images {test_shape}"
            )));
        }
        let labels = train_labels.bytes.iter().chain(&test_labels.bytes);
        let classes = usize::from(labels.copied().max().unwrap_or(0)) + 1;
        if classes < 2 {
            return Err(wrong("every label is 0, but a dataset has 2 to 256 classes".to_owned()));
        }
        Ok(Self {
            name: name.to_owned(),
            folder: None,
            shape,
            classes,
            train: Split { images: train_images.bytes, labels: train_labels.bytes },
            test: Split { images: test_images.bytes, labels: test_labels.bytes },
            files: digests,
            verification,
            sha256,
        })
    }

    /// What a plan needs to know of it.
    #[must_use]
    pub fn info(&self) -> DatasetInfo {
        DatasetInfo {
            sha256: self.sha256.clone(),
            train_len: self.train.len(),
            test_len: self.test.len(),
            shape: self.shape,
            classes: self.classes,
        }
    }
}

fn shape_of(images: &Idx) -> ImageShape {
    ImageShape { rows: images.dimensions[1], columns: images.dimensions[2] }
}

/// Identity of a dataset, from the checksums of its files in the order of [`FILES`].
pub(crate) fn digest_of(sha256s: [&str; 4]) -> String {
    let lines: String =
        FILES.iter().zip(sha256s).map(|(file, sha256)| format!("{sha256}  {file}\n")).collect();
    sha256(&[lines.as_bytes()])
}
