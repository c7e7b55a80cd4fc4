//! The files of a run in a results folder: its weights, the logs of its program, and the folder of a
//! program that did not end.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use model::Weights;
use tracking::program_files::Stream;
use tracking::{RecordedRun, Status, atomic_file};

use crate::executor::program::log;
use crate::executor::program::trial_folder::TrialFolder;
use crate::sweep::records::{TEMPORARY, model_path};

/// Copies the weights and the logs of a run. Never overwrites a file.
pub fn copy(from: &Path, to: &Path, run: &RecordedRun) -> io::Result<()> {
    if run.status == Status::Finished {
        let path = |results| model_path(results, &run.experiment, &run.trial);
        let is_valid = |bytes: &[u8]| Weights::from_safetensors(bytes).is_ok();
        copy_file(&path(from), &path(to), TEMPORARY, &is_valid)?;
    }
    for (source, target) in logs(from, run).iter().zip(logs(to, run)) {
        copy_file(source, &target, log::TEMPORARY, &|_| true)?;
    }
    Ok(())
}

/// Copies a file, unless it is invalid or does not exist: a run stays valid without its files.
fn copy_file(
    source: &Path,
    target: &Path,
    temporary: &str,
    is_valid: &dyn Fn(&[u8]) -> bool,
) -> io::Result<()> {
    if target.exists() {
        return Ok(());
    }
    match fs::read(source) {
        Ok(bytes) if is_valid(&bytes) => atomic_file::write(target, temporary, &bytes)
            .map_err(|error| cannot("write", target, &error)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(cannot("read", source, &error)),
    }
}

/// Moves the folder of a killed program, with its checkpoint, to another results folder of the same
/// file system. Does nothing if the folder belongs to another run, or if the target exists.
pub fn move_trial_folder(from: &Path, to: &Path, run: &RecordedRun) -> io::Result<()> {
    let source = TrialFolder::of(from, run);
    let target = TrialFolder::of(to, run);
    if !matches!(run.status, Status::Killed | Status::Failed)
        || !source.is_of(&run.id)
        || target.path().exists()
    {
        return Ok(());
    }
    fs::create_dir_all(atomic_file::folder_of(target.path()))
        .and_then(|()| fs::rename(source.path(), target.path()))
        .map_err(|error| cannot("move", source.path(), &error))?;
    source.remove()
}

/// The logs of a run. They may not exist.
pub fn logs(results: &Path, run: &RecordedRun) -> [PathBuf; 2] {
    Stream::ALL
        .map(|stream| tracking::program_files::log_path(results, &run.experiment, &run.id, stream))
}

/// Removes a file, if it exists.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(cannot("remove", path, &error))
        }
        _ => Ok(()),
    }
}

fn cannot(action: &str, path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {action} {}: {error}", path.display()))
}
