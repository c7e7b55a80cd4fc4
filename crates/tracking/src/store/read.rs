//! Reading the store: never creates, never migrates, never writes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::damage::{IntegrityIssue, Met};
use super::patience::be_patient;
use super::query::LastValues;
use super::{
    DATABASE, database, declarations, error_analysis, migrations, progress, query, record,
};
use crate::{
    Checkpoint, Declarations, Digest, EpochMetrics, ErrorAnalysis, Experiment, FindError,
    Interruption, Invocation, Progress, RecordError, RecordedRun, RunId, Sink, StoreError, TrialId,
};

/// The store of a results folder, open for reading.
#[derive(Debug)]
pub struct Reader {
    connection: RefCell<Connection>,
    path: PathBuf,
    /// Where nobody was writing: the file as it was then, and is read without leaving anything beside it.
    still: Cell<Option<Stillness>>,
    damage: Met,
}

impl Reader {
    /// Opens the store of a results folder.
    ///
    /// # Errors
    /// [`StoreError::NoStore`] when there is none; others when it is no store of ours or a newer one.
    pub fn open(folder: &Path) -> Result<Self, StoreError> {
        let path = folder.join(DATABASE);
        if folder.is_file() || path.is_dir() {
            let cause = std::io::Error::other(if folder.is_file() {
                "it is a file"
            } else {
                "its tracking.db is a folder"
            });
            return Err(StoreError::Folder { folder: folder.to_owned(), cause });
        }
        if !path.is_file() {
            return Err(StoreError::NoStore { folder: folder.to_owned() });
        }
        let still = Stillness::of(&path);
        let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY;
        let opening = match still {
            Some(_) => opened(&immutable(&path), read_only | OpenFlags::SQLITE_OPEN_URI, &path),
            None => opened(&path, read_only, &path),
        };
        let (connection, version) = match opening {
            // SQLite would take back what somebody left who was killed, and must not write.
            Err(StoreError::Unwritable { .. }) if metadata(beside(&path, JOURNAL)).is_ok() => {
                copied(&path, JOURNAL)?
            }
            // SQLite needs an index of the log, but must not create one here. A backup or a
            // read-only mount may lack the index.
            Err(error) if cannot_open(&error) && metadata(beside(&path, LOG)).is_ok() => {
                copied(&path, LOG)?
            }
            opening => opening?,
        };
        if version == 0 {
            return Err(StoreError::NoStore { folder: folder.to_owned() });
        }
        let (connection, still, damage) =
            (RefCell::new(connection), Cell::new(still), Met::default());
        Ok(Self { connection, path, still, damage })
    }

    /// What is found by asking. Where somebody began to write meanwhile, what is found now, beside them.
    fn read<T>(&self, ask: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let found = ask(&self.connection.borrow());
        if self.moved() {
            self.open_beside()?;
            return ask(&self.connection.borrow()).map_err(database(&self.path));
        }
        found.map_err(database(&self.path))
    }

    /// Reads on beside who writes, what there is now.
    fn open_beside(&self) -> Result<(), StoreError> {
        self.still.set(None);
        *self.connection.borrow_mut() =
            opened(&self.path, OpenFlags::SQLITE_OPEN_READ_ONLY, &self.path)?.0;
        Ok(())
    }

    /// Whether somebody began to write since it was opened as a file that nobody writes to.
    fn moved(&self) -> bool {
        self.still.get().is_some_and(|still| Stillness::of(&self.path) != Some(still))
    }

    /// What was found to be damaged in what was read until now, and was left out.
    #[must_use]
    pub fn integrity_issues(&self) -> Vec<IntegrityIssue> {
        self.damage.all()
    }

    /// [`Reader::read`]; what was met that is damaged is kept for [`Reader::integrity_issues`].
    fn checked<T>(
        &self,
        ask: impl Fn(&Connection, &mut Vec<IntegrityIssue>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let (found, damage) = self.read(|connection| {
            let mut damage = Vec::new();
            Ok((ask(connection, &mut damage)?, damage))
        })?;
        self.damage.add(damage);
        Ok(found)
    }

    /// Every experiment, by name.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn experiments(&self) -> Result<Vec<Experiment>, StoreError> {
        self.checked(query::experiments)
    }

    /// The effective run of each trial of `experiment`, by trial: the newest run with a result, or
    /// else the newest run. A run that does not match its checksum is left out and reported by
    /// [`Reader::integrity_issues`].
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.checked(|connection, damage| query::counting_runs(connection, experiment, damage))
    }

    /// [`Reader::runs`] of those that a program of this git commit made or ended, as if there were no others.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn runs_at(&self, experiment: &str, commit: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.checked(|connection, damage| {
            query::counting_runs_at(connection, experiment, commit, damage)
        })
    }

    /// The git commits at which runs of `experiment` were made, in the order of their first runs, and how many runs.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn commits(&self, experiment: &str) -> Result<Vec<(String, u32)>, StoreError> {
        self.read(|connection| query::commits(connection, experiment))
    }

    /// Trials of `experiment` that have their result, in a run that is as it was recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn completed_trials(&self, experiment: &str) -> Result<HashSet<TrialId>, StoreError> {
        self.read(|connection| query::completed_trials(connection, experiment))
    }

    /// Every run of `experiment` as it is in the store, in the order in which they began, whatever its checksum says.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn all_runs(&self, experiment: &str) -> Result<Vec<RecordedRun>, StoreError> {
        self.read(|connection| query::unchecked_runs(connection, experiment))
    }

    /// The epochs of a run, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn epochs(&self, run: &RecordedRun) -> Result<Vec<EpochMetrics>, StoreError> {
        self.checked(|connection, damage| query::epochs_of_run(connection, run, damage))
    }

    /// The epochs of a run, and whether they are as they were recorded; [`Reader::integrity_issues`] does not tell of it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn checked_epochs(
        &self,
        run: &RecordedRun,
    ) -> Result<(Vec<EpochMetrics>, bool), StoreError> {
        self.read(|connection| {
            let mut damage = Vec::new();
            Ok((query::epochs_of_run(connection, run, &mut damage)?, damage.is_empty()))
        })
    }

    /// What the final weights of a run make of the test set; nothing where it was not recorded, or by an earlier schema. What is
    /// not as it was recorded is left out, and told of by [`Reader::integrity_issues`]: the run's numbers are no worse for it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn error_analysis(&self, run: &RecordedRun) -> Result<Option<ErrorAnalysis>, StoreError> {
        Ok(self.checked_error_analysis(run)?.0)
    }

    /// [`Reader::error_analysis`], and whether they are as they were recorded.
    pub(crate) fn checked_error_analysis(
        &self,
        run: &RecordedRun,
    ) -> Result<(Option<ErrorAnalysis>, bool), StoreError> {
        self.checked(|connection, damage| error_analysis::of_run(connection, run, damage))
    }

    /// The last value of each per-epoch metric, for each of `runs`. The last epoch may lack a
    /// metric; an earlier epoch then supplies its value.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn last_values(&self, runs: &[RecordedRun]) -> Result<LastValues, StoreError> {
        self.checked(|connection, damage| query::last_values(connection, runs, damage))
    }

    /// Metric and replicate declarations of `experiment`; empty in a store of an earlier schema.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn declarations(&self, experiment: &str) -> Result<Declarations, StoreError> {
        self.read(|connection| declarations::of_experiment(connection, experiment))
    }

    /// The run whose id, or the run that counts of the trial whose id, begins with `prefix`.
    ///
    /// # Errors
    /// When none or several do.
    pub fn find(&self, prefix: &str) -> Result<RecordedRun, FindError> {
        let failed = database(&self.path);
        let run = query::find(&self.connection.borrow(), prefix, &failed)?;
        if !run.is_intact() {
            self.damage.add(vec![IntegrityIssue::of_run(&run)]);
        }
        Ok(run)
    }

    /// The start of the program that made a run, or ended it.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn invocation(&self, run: &RecordedRun) -> Result<Invocation, StoreError> {
        self.read(|connection| query::invocation(connection, run.invocation))
    }

    /// The starts of a program that made runs, or ended them: each once, in the order in which they were recorded.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn invocations<'a>(
        &self,
        runs: impl IntoIterator<Item = &'a RecordedRun>,
    ) -> Result<Vec<Invocation>, StoreError> {
        let ids: BTreeSet<i64> = runs.into_iter().map(|run| run.invocation).collect();
        self.read(|connection| ids.iter().map(|id| query::invocation(connection, *id)).collect())
    }

    /// The interruptions of a run, in order.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn interruptions(&self, run: &RecordedRun) -> Result<Vec<Interruption>, StoreError> {
        self.read(|connection| query::interruptions(connection, &run.id))
    }

    /// Hands every row of the record to `sink`, or those of `runs` and what they refer to, and tells their digest. The rows are as they
    /// are in the store, whatever their checksums say: [`Reader::inspect`] looks at these.
    ///
    /// # Errors
    /// When the database or the sink refuses, or somebody began to write meanwhile.
    pub fn record(
        &self,
        runs: Option<&HashSet<RunId>>,
        sink: &mut dyn Sink,
    ) -> Result<Digest, RecordError> {
        let handed = record::hand(&self.connection.borrow(), &database(&self.path), runs, sink);
        // What a reader of a still file found in one that moves is nothing.
        if self.moved() {
            self.open_beside()?;
            return Err(StoreError::ChangedDuringRead { path: self.path.clone() }.into());
        }
        handed
    }

    /// Holds all of the record, or `runs`, against its checksums, so that [`Reader::integrity_issues`] tells what does not fit.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn inspect(&self, runs: Option<&HashSet<RunId>>) -> Result<(), StoreError> {
        self.checked(|connection, damage| query::inspect(connection, runs, damage))
    }

    /// How far `experiment` has come; nothing where no program has begun with it, or by an earlier schema.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn progress(&self, experiment: &str) -> Result<Option<Progress>, StoreError> {
        self.read(|connection| progress::of_experiment(connection, experiment))
    }

    /// What a run that was left before its end can be gone on with from.
    pub(crate) fn checkpoint(&self, run: &RecordedRun) -> Result<Option<Checkpoint>, StoreError> {
        self.read(|connection| query::checkpoint(connection, &run.id))
    }

    /// A start of a program by its number in this store, and when it was.
    pub(crate) fn start(&self, invocation: i64) -> Result<(Invocation, String), StoreError> {
        self.read(|connection| {
            let sql = "SELECT started_at FROM invocations WHERE id = ?1";
            let started_at = connection.query_row(sql, [invocation], |row| row.get(0))?;
            Ok((query::invocation(connection, invocation)?, started_at))
        })
    }
}

/// The file of a store that nobody writes to: when it was changed, and how long it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stillness(SystemTime, u64);

impl Stillness {
    fn of(path: &Path) -> Option<Self> {
        // A log or journal that is there is somebody's, or was left by somebody who was killed: then it is a part of the store.
        if [beside(path, LOG), beside(path, JOURNAL)]
            .iter()
            .any(|log| metadata(log).is_ok_and(|log| log.len() > 0))
        {
            return None;
        }
        let file = metadata(path).ok()?;
        Some(Self(file.modified().ok()?, file.len()))
    }
}

/// Opens `name`, which leads to the file `path`, for reading, and looks at what it is.
fn opened(name: &Path, how: OpenFlags, path: &Path) -> Result<(Connection, i64), StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX | how;
    let mut connection = Connection::open_with_flags(name, flags).map_err(database(path))?;
    be_patient(&mut connection).map_err(database(path))?;
    connection.pragma_update(None, "cell_size_check", "ON").map_err(database(path))?;
    // Everything that is read, in however many queries, is of one moment: that of the first.
    connection.execute_batch("BEGIN").map_err(database(path))?;
    let version = migrations::check(&connection, path)?;
    Ok((connection, version))
}

/// Of a store without a log: what a transaction that was not finished is taken back with.
const JOURNAL: &str = "-journal";
/// Suffix of the write-ahead log, which holds transactions that are not yet in the database file.
const LOG: &str = "-wal";

/// Whether SQLite can neither open nor create a file that it needs beside the store.
fn cannot_open(error: &StoreError) -> bool {
    matches!(error, StoreError::Database { cause, .. } if cause.sqlite_error_code() == Some(ErrorCode::CannotOpen))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Opens a copy of the store and of its `companion` file, the log or the journal. SQLite recovers
/// the copy. The original stays unchanged, because on a network file system its writer may still be
/// running. Copying repeats until neither file changes during the copy. The database is copied
/// before its journal, so that the journal can undo every unfinished change in the copy.
fn copied(path: &Path, companion: &str) -> Result<(Connection, i64), StoreError> {
    let failed = |cause| StoreError::Folder { folder: path.to_owned(), cause };
    let folder = tempfile::tempdir().map_err(failed)?;
    let copy = folder.path().join(DATABASE);
    let stamp = |file: &Path| metadata(file).and_then(|it| Ok((it.modified()?, it.len()))).ok();
    let stamps = || (stamp(path), stamp(&beside(path, companion)));
    for _ in 0..PATIENT {
        let before = stamps();
        std::fs::copy(path, &copy).map_err(failed)?;
        match std::fs::copy(beside(path, companion), beside(&copy, companion)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // It is finished now.
                return opened(path, OpenFlags::SQLITE_OPEN_READ_ONLY, path);
            }
            copied => copied.map_err(failed)?,
        };
        if stamps() == before {
            writable(&copy).and_then(|()| writable(&beside(&copy, companion))).map_err(failed)?;
            // The files stay open, and go when they are closed.
            return opened(&copy, OpenFlags::SQLITE_OPEN_READ_WRITE, path);
        }
        std::thread::sleep(PAUSE);
    }
    Err(StoreError::Busy { path: path.to_owned(), waited: PAUSE * PATIENT })
}

/// Makes a copy writable. A copy inherits the permissions of the original, which may be read-only.
fn writable(file: &Path) -> std::io::Result<()> {
    let mut permissions = metadata(file)?.permissions();
    #[allow(
        clippy::permissions_set_readonly_false,
        reason = "a file in a temporary folder of our own"
    )]
    permissions.set_readonly(false);
    std::fs::set_permissions(file, permissions)
}

/// How often it is tried to copy a store that is written to.
const PATIENT: u32 = 100;
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// The name under which SQLite reads a file that nobody changes.
fn immutable(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut name = OsString::from("file:");
    for part in escaped(absolute.as_os_str()) {
        name.push(part);
    }
    name.push("?immutable=1");
    name.into()
}

/// Percent-encodes a path for an SQLite URI, byte by byte, because a path may be invalid Unicode.
#[cfg(unix)]
fn escaped(path: &OsStr) -> Vec<OsString> {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let byte = |byte: &u8| match byte {
        b'%' | b'?' | b'#' => OsString::from(format!("%{byte:02x}")),
        byte => OsString::from_vec(vec![*byte]),
    };
    path.as_bytes().iter().map(byte).collect()
}

#[cfg(not(unix))]
fn escaped(path: &OsStr) -> Vec<OsString> {
    let text = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    vec![text.into()]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::SystemTime;

    use super::*;
    use crate::{Invocation, Run, RunHeader, Status, Store};

    fn record(store: &mut Store) {
        let wine = Experiment { name: "wine".into(), description: String::new() };
        let invocation = store.begin(&wine, &Invocation::default()).unwrap();
        store
            .record(
                invocation,
                &Run::new(RunHeader::new("wine", Status::Finished), SystemTime::now()),
            )
            .unwrap();
    }

    /// A backup or a read-only mount can hold `tracking.db` and its log without the index of the
    /// log. SQLite cannot create the index there.
    #[test]
    fn log_without_index_is_read_from_a_copy() {
        let (live, backup) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let mut store = Store::open(live.path()).unwrap();
        record(&mut store);
        for name in [DATABASE.to_owned(), format!("{DATABASE}{LOG}")] {
            let copy = backup.path().join(&name);
            std::fs::copy(live.path().join(name), &copy).unwrap();
            let mut permissions = metadata(&copy).unwrap().permissions();
            permissions.set_readonly(true);
            std::fs::set_permissions(copy, permissions).unwrap();
        }
        let (connection, _) = copied(&backup.path().join(DATABASE), LOG).unwrap();
        let runs: u32 =
            connection.query_row("SELECT count(*) FROM runs", [], |row| row.get(0)).unwrap();
        assert_eq!(runs, 1, "the copy includes the run that only the log holds");
        assert_eq!(
            std::fs::read_dir(backup.path()).unwrap().count(),
            2,
            "the backup contains no additional file"
        );
    }

    #[cfg(unix)]
    #[test]
    fn reader_opens_a_folder_whose_name_is_not_unicode() {
        use std::os::unix::ffi::OsStrExt;
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join(OsStr::from_bytes(b"caf\xe9 %3f#?"));
        record(&mut Store::open(&folder).unwrap());
        let reader = Reader::open(&folder).unwrap();
        assert_eq!(reader.runs("wine").unwrap().len(), 1);
    }
}
