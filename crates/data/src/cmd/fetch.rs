//! `data fetch`: a dataset is brought here and verified.

use std::io::Write;

use anyhow::Result;
use data::{Known, Source};

use crate::Places;

pub fn fetch(places: &Places, name: &str) -> Result<()> {
    let (finder, source, dataset) = super::load(places, name)?;
    let place = match source {
        Source::Known(Known::Digits) => "within this program".to_owned(),
        Source::Known(Known::Mnist) if std::env::var_os("MNIST_DIR").is_some_and(|it| !it.is_empty()) => {
            "in the folder that MNIST_DIR names".to_owned()
        }
        Source::Known(known) => format!("in {}", finder.folder(known).display()),
        Source::Folder { path, .. } => format!("in {}", path.display()),
    };
    let (train, test) = (dataset.train.len(), dataset.test.len());
    writeln!(std::io::stdout(), "{} is {place}, verified: {train} + {test} images", dataset.name)?;
    Ok(())
}
