//! Datasets that are known by name: their mirrors and their checksums.

use crate::dataset::{Dataset, DatasetInfo, ImageShape, dataset_digest};
use crate::embedded::{self, Archives};
use crate::error::DataError;

/// A dataset with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KnownDataset {
    /// Handwritten digits, 28×28 (LeCun, Cortes, Burges, CC BY-SA 3.0), embedded in this crate with
    /// the feature `mnist`.
    Mnist,
    /// Clothes, 28×28 (Zalando Research).
    FashionMnist,
    /// Cursive Japanese characters, 28×28 (CODH).
    Kmnist,
    /// Handwritten digits, 8×8, embedded in this crate (UCI, Alpaydin and Kaynak, CC BY 4.0).
    Digits,
}

impl KnownDataset {
    /// All known datasets.
    pub const ALL: [Self; 4] = [Self::Mnist, Self::FashionMnist, Self::Kmnist, Self::Digits];

    /// The name in experiment files and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Kmnist => "kmnist",
            Self::Digits => "digits",
        }
    }

    /// What this program knows about the dataset.
    pub(crate) fn entry(self) -> &'static CatalogEntry {
        match self {
            Self::Mnist => &MNIST,
            Self::FashionMnist => &FASHION_MNIST,
            Self::Kmnist => &KMNIST,
            Self::Digits => &DIGITS,
        }
    }

    /// What a plan needs to know about the dataset. `None` if the catalog does not contain the
    /// checksums of the decompressed files.
    pub(crate) fn info(self) -> Option<DatasetInfo> {
        let entry = self.entry();
        let Pins::Sha256(pins) = entry.pins else { return None };
        Some(DatasetInfo {
            sha256: dataset_digest(pins),
            train_len: entry.train_len,
            test_len: entry.test_len,
            shape: entry.shape,
            classes: entry.classes,
        })
    }

    /// The known name that is most similar to `text`. Ignores case and punctuation, and accepts an
    /// edit distance of at most 2.
    pub(crate) fn nearest(text: &str) -> Option<&'static str> {
        let letters = |name: &str| -> String {
            name.chars()
                .take(64)
                .filter(|c| c.is_alphanumeric())
                .flat_map(char::to_lowercase)
                .collect()
        };
        let text = letters(text);
        Self::ALL
            .into_iter()
            .map(|known| (strsim::levenshtein(&text, &letters(known.name())), known.name()))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= 2)
            .map(|(_, name)| name)
    }
}

/// The checksums that verify the files of a dataset, in the order of [`crate::files::FILES`].
#[derive(Debug)]
pub(crate) enum Pins {
    /// SHA-256 of the decompressed files.
    Sha256([&'static str; 4]),
    /// MD5 of the archives, because the publisher provides no stronger checksum.
    ArchiveMd5([&'static str; 4]),
}

/// Where to find a known dataset, and how to verify it.
#[derive(Debug)]
pub(crate) struct CatalogEntry {
    pub(crate) name: &'static str,
    /// The archives, if this program contains them. Then nothing is downloaded.
    pub(crate) archives: Option<Archives>,
    /// URLs of folders that hold the archives.
    pub(crate) mirrors: &'static [&'static str],
    pub(crate) pins: Pins,
    pub(crate) shape: ImageShape,
    pub(crate) train_len: usize,
    pub(crate) test_len: usize,
    pub(crate) classes: usize,
}

impl CatalogEntry {
    /// The pinned SHA-256 of a decompressed file.
    pub(crate) fn sha256(&self, file: usize) -> Option<&'static str> {
        match self.pins {
            Pins::Sha256(pins) => Some(pins[file]),
            Pins::ArchiveMd5(_) => None,
        }
    }

    /// The pinned MD5 of the archive of a file.
    pub(crate) fn archive_md5(&self, file: usize) -> Option<&'static str> {
        match self.pins {
            Pins::Sha256(_) => None,
            Pins::ArchiveMd5(pins) => Some(pins[file]),
        }
    }

    /// Checks that `dataset` has the dimensions of this entry. `location` appears in the error.
    pub(crate) fn check(&self, dataset: &Dataset, location: &str) -> Result<(), DataError> {
        let found = (dataset.shape, dataset.train.len(), dataset.test.len(), dataset.classes);
        let expected = (self.shape, self.train_len, self.test_len, self.classes);
        if found == expected {
            return Ok(());
        }
        let describe = |(shape, train, test, classes): (ImageShape, usize, usize, usize)| {
            format!("{train} + {test} images of {shape} in {classes} classes")
        };
        let reason = format!("{} has {}, found {}", self.name, describe(expected), describe(found));
        Err(DataError::Inconsistent { location: location.to_owned(), reason })
    }
}

const MNIST_SHAPE: ImageShape = ImageShape { rows: 28, columns: 28 };

static MNIST: CatalogEntry = CatalogEntry {
    name: "mnist",
    archives: embedded::MNIST,
    mirrors: &[
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        "https://storage.googleapis.com/cvdf-datasets/mnist",
    ],
    pins: Pins::Sha256([
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    ]),
    shape: MNIST_SHAPE,
    train_len: 60_000,
    test_len: 10_000,
    classes: 10,
};

static FASHION_MNIST: CatalogEntry = CatalogEntry {
    name: "fashion-mnist",
    archives: None,
    mirrors: &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com"],
    pins: Pins::ArchiveMd5([
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
    ]),
    shape: MNIST_SHAPE,
    train_len: 60_000,
    test_len: 10_000,
    classes: 10,
};

static KMNIST: CatalogEntry = CatalogEntry {
    name: "kmnist",
    archives: None,
    mirrors: &["http://codh.rois.ac.jp/kmnist/dataset/kmnist"],
    pins: Pins::ArchiveMd5([
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
    ]),
    shape: MNIST_SHAPE,
    train_len: 60_000,
    test_len: 10_000,
    classes: 10,
};

static DIGITS: CatalogEntry = CatalogEntry {
    name: "digits",
    archives: embedded::DIGITS,
    mirrors: &[],
    pins: Pins::Sha256([
        "80510fc9162448f4c8666335357ea127bd14ff20c9a09e20a09f3b8d96ef1ca3",
        "cf2c8a23974df0c99eb3f36ff34c02acb9be1c84aca7280211ef04bea1135360",
        "1192d80fb13b41bd405974e7276f8c82d0b32e4f26b229444c27b9e486971746",
        "f8a600b73e2c056aa42316260206e6643bd33e96bd71cfb8e32b94f76fac4f93",
    ]),
    shape: ImageShape { rows: 8, columns: 8 },
    train_len: 1_437,
    test_len: 360,
    classes: 10,
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pins_give_the_digests_that_runs_record() {
        let digest = |known: KnownDataset| known.info().map(|info| info.sha256);
        let mnist = "474311efcf1fd213e64768801dc6195673bffb8385179d6c55cd8748b9e2e8ca";
        assert_eq!(digest(KnownDataset::Mnist).as_deref(), Some(mnist));
        let digits = "3bc9877e0a54aad3bb39855dd490d3dcf9879613d47155dd32f8604d85503796";
        assert_eq!(digest(KnownDataset::Digits).as_deref(), Some(digits));
        assert_eq!(digest(KnownDataset::FashionMnist), None);
    }

    #[test]
    fn misspelt_name_suggests_nearest() {
        let cases = [
            ("MNIST", Some("mnist")),
            ("mnits", Some("mnist")),
            ("fashion_mnist", Some("fashion-mnist")),
            ("k-mnist", Some("kmnist")),
            ("digit", Some("digits")),
            ("cifar10", None),
            ("", None),
        ];
        for (text, nearest) in cases {
            assert_eq!(KnownDataset::nearest(text), nearest, "{text}");
        }
    }
}
