//! A store that is open for reading only.

use std::io;
use std::ops::Deref;
use std::path::Path;

use super::format::DATABASE;
use super::open::open_read_only;
use super::queries::Queries;
use crate::StoreError;

/// The store of a results folder, open for reading. It creates, migrates and writes nothing, and
/// other programs can write to the store at the same time.
#[derive(Debug)]
pub struct Reader(Queries);

impl Reader {
    /// Opens the store of a results folder.
    ///
    /// # Errors
    /// [`StoreError::NoStore`] if the folder has no store or an empty one. Other errors if the
    /// database was written by another program or by a newer version, or cannot be read.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        let unusable = |reason: String| StoreError::Folder {
            folder: folder.to_owned(),
            cause: io::Error::other(reason),
        };
        if folder.is_file() {
            return Err(unusable("it is a file".to_owned()));
        }
        if path.is_dir() {
            return Err(unusable(format!("its {DATABASE} is a folder")));
        }
        let no_store = || StoreError::NoStore { folder: folder.to_owned() };
        if !path.is_file() {
            return Err(no_store());
        }
        let (connection, version, stamp) = open_read_only(&path)?;
        if version == 0 {
            return Err(no_store());
        }
        Ok(Self(Queries::new(connection, path, stamp)))
    }
}

impl Deref for Reader {
    type Target = Queries;

    fn deref(&self) -> &Queries {
        &self.0
    }
}
