//! Archives that are compiled into the program, so that their datasets need neither a network nor a
//! cache. The README files in `assets/` name their sources and licences.

/// The archives of a dataset, in the order of [`crate::files::FILES`].
pub(crate) type Archives = [&'static [u8]; 4];

macro_rules! archives {
    ($folder:literal) => {
        [
            include_bytes!(concat!("../assets/", $folder, "/t10k-images-idx3-ubyte.gz")),
            include_bytes!(concat!("../assets/", $folder, "/t10k-labels-idx1-ubyte.gz")),
            include_bytes!(concat!("../assets/", $folder, "/train-images-idx3-ubyte.gz")),
            include_bytes!(concat!("../assets/", $folder, "/train-labels-idx1-ubyte.gz")),
        ]
    };
}

pub(crate) const DIGITS: Option<Archives> = Some(archives!("digits"));
#[cfg(feature = "mnist")]
pub(crate) const MNIST: Option<Archives> = Some(archives!("mnist"));
#[cfg(not(feature = "mnist"))]
pub(crate) const MNIST: Option<Archives> = None;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use crate::{Finder, Network, SilentFetch, Source};

    #[test]
    fn embedded_dataset_needs_no_cache_folder() {
        let finder = Finder { data_dir: None, network: Network::Offline, mirrors: vec![] };
        let source = Source::parse("digits", Path::new("")).unwrap();
        assert!(finder.has_files(&source));
        assert_eq!(finder.folder(&source), None);
        let digits = finder.load(&source, &mut SilentFetch).unwrap();
        assert_eq!(Some(digits.info()), source.pinned_info());
        let kmnist = Source::parse("kmnist", Path::new("")).unwrap();
        assert!(!finder.has_files(&kmnist));
    }

    #[test]
    fn digits_equal_those_of_scikit_learn() {
        let finder = Finder::new(Some("no such folder".into()), Network::Offline, vec![]).unwrap();
        let source = Source::parse("digits", Path::new("")).unwrap();
        let digits = finder.load(&source, &mut SilentFetch).unwrap();
        assert_eq!(Some(digits.info()), source.pinned_info());
        // The first two rows of load_digits().images[0], times 255 / 16.
        let rows = [0, 0, 5, 13, 9, 1, 0, 0, 0, 0, 13, 15, 10, 15, 5, 0]
            .map(|v| (f64::from(v) * 255.0 / 16.0).round());
        assert!(
            digits.train.image(0).unwrap()[..16].iter().map(|pixel| f64::from(*pixel)).eq(rows)
        );
        assert_eq!(digits.train.labels[..12], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]);
        // np.bincount(load_digits().target)
        let counts = (0..10).map(|class| {
            let labels = digits.train.labels.iter().chain(&digits.test.labels);
            labels.filter(|label| **label == class).count()
        });
        assert!(counts.eq([178, 182, 177, 183, 181, 182, 181, 179, 174, 180]));
    }
}
