//! The datasets known by name: where they are published, what they must be.

use crate::dataset::{FILES, ImageShape, digest_of};

/// A dataset known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Known {
    /// Handwritten digits (LeCun, Cortes and Burges).
    Mnist,
    /// Articles of clothing (Xiao, Rasul and Vollgraf, 2017).
    FashionMnist,
    /// Cursive Japanese (Clanuwat and others, 2018).
    Kmnist,
    /// Handwritten digits of 8×8 pixels, within this program (Alpaydin and Kaynak, 1998).
    Digits,
}

/// What is known of a dataset without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Identity, as [`crate::Dataset::sha256`].
    pub sha256: String,
    /// Training examples.
    pub train_len: usize,
    /// Test examples.
    pub test_len: usize,
    /// Of every image.
    pub shape: ImageShape,
    /// Number of classes.
    pub classes: usize,
}

/// How the bytes of a file are known to be the true ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pin {
    /// SHA-256 of the file, decompressed.
    Sha256(&'static str),
    /// MD5 of the gzipped file: all that its publisher gives.
    ArchiveMd5(&'static str),
}

const MNIST: [Pin; 4] = [
    Pin::Sha256("0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
    Pin::Sha256("ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
    Pin::Sha256("ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
    Pin::Sha256("65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
];

const FASHION_MNIST: [Pin; 4] = [
    Pin::ArchiveMd5("bef4ecab320f06d8554ea6380940ec79"),
    Pin::ArchiveMd5("bb300cfdad3c16e7a12a480ee83cd310"),
    Pin::ArchiveMd5("8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
    Pin::ArchiveMd5("25c81989df183df01b3e8a0aad5dffbe"),
];

const KMNIST: [Pin; 4] = [
    Pin::ArchiveMd5("5c965bf0a639b31b8f53240b1b52f4d7"),
    Pin::ArchiveMd5("7320c461ea6c1c855c0b718fb2a4b134"),
    Pin::ArchiveMd5("bdb82020997e1d708af4cf47b453dcf7"),
    Pin::ArchiveMd5("e144d726b3acfaa3e44228e80efcd344"),
];

const DIGITS: [Pin; 4] = [
    Pin::Sha256("80510fc9162448f4c8666335357ea127bd14ff20c9a09e20a09f3b8d96ef1ca3"),
    Pin::Sha256("cf2c8a23974df0c99eb3f36ff34c02acb9be1c84aca7280211ef04bea1135360"),
    Pin::Sha256("1192d80fb13b41bd405974e7276f8c82d0b32e4f26b229444c27b9e486971746"),
    Pin::Sha256("f8a600b73e2c056aa42316260206e6643bd33e96bd71cfb8e32b94f76fac4f93"),
];

impl Known {
    /// Every known dataset.
    pub const ALL: [Self; 4] = [Self::Mnist, Self::FashionMnist, Self::Kmnist, Self::Digits];

    /// Its name in an experiment file, and its sub-folder of the cache.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mnist => "mnist",
            Self::FashionMnist => "fashion-mnist",
            Self::Kmnist => "kmnist",
            Self::Digits => "digits",
        }
    }

    /// Where it is published, best first.
    pub(crate) fn mirrors(self) -> &'static [&'static str] {
        match self {
            Self::Mnist => &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
            ],
            Self::FashionMnist => &["http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"],
            Self::Kmnist => &["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
            Self::Digits => &[],
        }
    }

    /// How its files, in the order of [`FILES`], are verified.
    pub(crate) fn pins(self) -> [Pin; 4] {
        match self {
            Self::Mnist => MNIST,
            Self::FashionMnist => FASHION_MNIST,
            Self::Kmnist => KMNIST,
            Self::Digits => DIGITS,
        }
    }

    /// Its facts, where its bytes are pinned.
    pub(crate) fn facts(self) -> Option<Facts> {
        let mut sha256s = [""; FILES.len()];
        for (sha256, pin) in sha256s.iter_mut().zip(self.pins()) {
            match pin {
                Pin::Sha256(pinned) => *sha256 = pinned,
                Pin::ArchiveMd5(_) => return None,
            }
        }
        let (train_len, test_len, shape) = self.size();
        Some(Facts { sha256: digest_of(sha256s), train_len, test_len, shape, classes: CLASSES })
    }

    /// Training examples, test examples, shape of an image.
    pub(crate) fn size(self) -> (usize, usize, ImageShape) {
        match self {
            Self::Mnist | Self::FashionMnist | Self::Kmnist => (60_000, 10_000, ImageShape { rows: 28, columns: 28 }),
            Self::Digits => (1_437, 360, ImageShape { rows: 8, columns: 8 }),
        }
    }
}

/// All known datasets have ten.
pub(crate) const CLASSES: usize = 10;
