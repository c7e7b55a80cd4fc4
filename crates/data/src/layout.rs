//! Finds the four files of a dataset in a folder, under the names that several tools give them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::files::{FILES, dotted_name};

/// The path of each of [`FILES`], or `None` for a file that does not exist.
pub(crate) type FilePaths = [Option<PathBuf>; 4];

/// Finds the four files in the folder itself. Otherwise accepts the layout of another tool, if the
/// folder holds exactly one complete dataset in such a layout.
pub(crate) fn find_files(folder: &Path) -> FilePaths {
    let usual = find_renamed(folder, str::to_owned);
    if usual.iter().any(Option::is_some) {
        return usual;
    }
    match find_other_layouts(folder).as_mut_slice() {
        [(_, paths)] => std::mem::take(paths),
        _ => usual,
    }
}

/// Finds each file under the name that `rename` derives from its usual name. Plain files take
/// precedence over `.gz` files, and usual names over dotted names.
fn find_renamed(folder: &Path, rename: impl Fn(&str) -> String) -> FilePaths {
    FILES.map(|file| {
        let (file, dotted) = (rename(file), rename(&dotted_name(file)));
        [file.clone(), dotted.clone(), format!("{file}.gz"), format!("{dotted}.gz")]
            .into_iter()
            .map(|name| folder.join(name))
            .find(|path| path.is_file())
    })
}

/// Finds complete datasets in the layouts of other tools, each with a label for error messages. The
/// layouts are `MNIST/raw` of torchvision and the file names of EMNIST, such as
/// `emnist-digits-test-images-idx3-ubyte`.
pub(crate) fn find_other_layouts(folder: &Path) -> Vec<(String, FilePaths)> {
    let mut entries: Vec<String> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    entries.sort();
    let raw = entries.iter().map(|name| format!("{name}/raw")).chain(["raw".to_owned()]);
    let mut found: Vec<(String, FilePaths)> =
        raw.map(|path| (path.clone(), find_renamed(&folder.join(path), str::to_owned))).collect();
    let mut prefixes: Vec<&str> = entries
        .iter()
        .filter_map(|name| name.split_once("train-images").map(|(prefix, _)| prefix))
        .collect();
    prefixes.dedup();
    found.extend(prefixes.into_iter().map(|prefix| {
        let paths =
            find_renamed(folder, |file| format!("{prefix}{}", file.replace("t10k", "test")));
        (format!("{prefix}train-… and {prefix}test-…"), paths)
    }));
    found.retain(|(_, paths)| missing_files(paths).is_empty());
    found
}

/// Names of the files that do not exist.
pub(crate) fn missing_files(paths: &FilePaths) -> Vec<&'static str> {
    FILES.into_iter().zip(paths).filter(|(_, path)| path.is_none()).map(|(file, _)| file).collect()
}
