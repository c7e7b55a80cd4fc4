//! A dataset in memory: training and test images with their labels.

use std::fmt;
use std::path::PathBuf;

use crate::checksum::sha256;
use crate::error::DataError;
use crate::files::FILES;
use crate::idx::Idx;

/// Height and width of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageShape {
    /// Height in pixels.
    pub rows: usize,
    /// Width in pixels.
    pub columns: usize,
}

impl ImageShape {
    /// Number of pixels of an image.
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
    /// `[n, rows · columns]`, row-major, values from 0 to 255.
    pub images: Vec<u8>,
    /// `[n]`, each less than the number of classes.
    pub labels: Vec<u8>,
}

impl Split {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Returns whether the split has no examples.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The pixels of example `index`, `[rows · columns]`, or `None` if there is no such example.
    #[must_use]
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        let features = self.images.len() / self.labels.len().max(1);
        self.images.get(index.checked_mul(features)?..)?.get(..features)
    }
}

/// Checksum of one decompressed file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDigest {
    /// The name of the file, without `.gz`.
    pub file: &'static str,
    /// SHA-256 in hexadecimal digits.
    pub sha256: String,
}

/// How the files were verified when they were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verification {
    /// By the checksums in the catalog of this program.
    Pinned,
    /// By the `SHA256SUMS` file in their folder.
    SumsFile,
    /// By no checksum: the files are only consistent with each other.
    Unverified,
}

/// What a plan needs to know about a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatasetInfo {
    /// [`Dataset::sha256`].
    pub sha256: String,
    /// Number of training examples.
    pub train_len: usize,
    /// Number of test examples.
    pub test_len: usize,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Number of classes, 2 to 256.
    pub classes: usize,
}

/// A dataset whose four files are consistent with each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dataset {
    /// A known name, or the folder as written.
    pub name: String,
    /// The folder, if the dataset is named by its folder.
    pub folder: Option<PathBuf>,
    /// Shape of every image.
    pub shape: ImageShape,
    /// Number of classes, 2 to 256: the largest label plus one.
    pub classes: usize,
    /// The training split.
    pub train: Split,
    /// The test split.
    pub test: Split,
    /// Checksums of the four files, in the order of their names.
    pub files: [FileDigest; 4],
    /// How the files were verified.
    pub verification: Verification,
    /// Identity of the dataset: SHA-256 of the four lines that `sha256sum` prints for the
    /// decompressed files. `sha256sum t10k-images-idx3-ubyte t10k-labels-idx1-ubyte
    /// train-images-idx3-ubyte train-labels-idx1-ubyte | sha256sum` gives the same value.
    pub sha256: String,
}

impl Dataset {
    /// Builds a dataset from the decoded files, in the order of [`FILES`], and checks that they are
    /// consistent. `location` appears in errors.
    pub(crate) fn assemble(
        name: &str,
        location: &str,
        files: [Idx; 4],
        verification: Verification,
    ) -> Result<Self, DataError> {
        let inconsistent =
            |reason: String| DataError::Inconsistent { location: location.to_owned(), reason };
        let digests: [FileDigest; 4] =
            std::array::from_fn(|i| FileDigest { file: FILES[i], sha256: files[i].sha256.clone() });
        let sha256 = dataset_digest(digests.each_ref().map(|digest| digest.sha256.as_str()));
        let [test_images, test_labels, train_images, train_labels] = files;
        for (images, labels, split) in
            [(&train_images, &train_labels, "training"), (&test_images, &test_labels, "test")]
        {
            let (images, labels) = (images.dimensions[0], labels.dimensions[0]);
            if images != labels {
                return Err(inconsistent(format!(
                    "{images} {split} images but {labels} {split} labels"
                )));
            }
        }
        let (shape, test_shape) = (image_shape(&train_images), image_shape(&test_images));
        if shape != test_shape {
            return Err(inconsistent(format!(
                "training images are {shape} pixels, test images {test_shape}"
            )));
        }
        let labels = train_labels.bytes.iter().chain(&test_labels.bytes);
        let classes = usize::from(labels.copied().max().unwrap_or(0)) + 1;
        if classes < 2 {
            return Err(inconsistent(
                "every label is 0, but a dataset has 2 to 256 classes".to_owned(),
            ));
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

    /// What a plan needs to know about this dataset.
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

fn image_shape(images: &Idx) -> ImageShape {
    ImageShape { rows: images.dimensions[1], columns: images.dimensions[2] }
}

/// Computes [`Dataset::sha256`] from the checksums of the files, in the order of [`FILES`].
pub(crate) fn dataset_digest(sha256s: [&str; 4]) -> String {
    let lines: String =
        FILES.iter().zip(sha256s).map(|(file, sha256)| format!("{sha256}  {file}\n")).collect();
    sha256(&[lines.as_bytes()])
}
