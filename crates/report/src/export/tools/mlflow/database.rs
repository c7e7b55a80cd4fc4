//! A folder that MLflow opens: its database `mlflow.db`, where `mlflow ui` looks for it, and the
//! files of the runs in `artifacts/`.
//!
//! MLflow 3 no longer opens the folders of YAML files of earlier versions. Every MLflow upgrades
//! this database to its own schema when it opens it. The statements here are valid in the schema of
//! this database and in the newest one.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OptionalExtension, Row, params};
use tracking::{Experiment, atomic_file};

use super::backend::{Backend, ExistingRun, OpenedExperiment};
use super::mlflow_run::{LoggedMetric, MlflowRun, RUNNING};
use super::names::{MAX_DESCRIPTION, truncate_chars};
use super::tags::{DIGEST_TAG, EXPERIMENT_TAG, RUN_TAG, TAG_PREFIX};
use super::uri::{encoded, file_uri};
use crate::atomic_write;
use crate::wording::count;

const SCHEMA: &str = include_str!("schema.sql");
/// Name of the folder with the files of runs.
const ARTIFACTS: &str = "artifacts";
/// Longest wait for MLflow to finish writing to the database.
const BUSY_TIMEOUT: Duration = Duration::from_secs(20);

/// An open database of MLflow. The export is one transaction, so MLflow sees all of it or nothing.
pub struct MlflowDatabase {
    connection: Connection,
    artifacts: PathBuf,
    /// MLflow's id of the open experiment.
    experiment_id: i64,
    /// Name of the open experiment in the store.
    experiment: String,
    /// For each skipped file, the location where a server keeps the files of its run.
    skipped: Vec<String>,
}

impl MlflowDatabase {
    /// Opens the database in `folder`. Creates the folder and the database if they do not exist.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let path = folder.join("mlflow.db");
        let connection = begin(&path).with_context(|| format!("cannot open {}", path.display()))?;
        let Some(connection) = connection else {
            bail!("{} is not a database of MLflow: choose another folder", path.display());
        };
        Ok(Self {
            connection,
            artifacts: folder.join(ARTIFACTS),
            experiment_id: 0,
            experiment: String::new(),
            skipped: Vec::new(),
        })
    }

    /// Folder with the files of the open experiment.
    fn experiment_folder(&self) -> PathBuf {
        self.artifacts.join(&self.experiment)
    }

    /// MLflow's id of an experiment, and whether a user deleted it there. The experiment with the
    /// tag comes first, because a user can rename it.
    fn find_experiment(&self, name: &str) -> rusqlite::Result<Option<(i64, bool)>> {
        let sql = "SELECT experiment_id, lifecycle_stage = 'deleted' FROM experiments
                   LEFT JOIN experiment_tags AS tag USING (experiment_id)
                   WHERE name = ?1 OR (tag.key = ?2 AND tag.value = ?1)
                   ORDER BY tag.key = ?2 AND tag.value = ?1 DESC, experiment_id LIMIT 1";
        let id_and_deleted = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        self.connection.query_row(sql, [name, EXPERIMENT_TAG], id_and_deleted).optional()
    }

    /// Creates an experiment and returns MLflow's id of it.
    fn create_experiment(&self, experiment: &Experiment) -> rusqlite::Result<i64> {
        let sql = "INSERT INTO experiments (name, artifact_location, lifecycle_stage)
                   VALUES (?1, ?2, 'active')";
        let location = file_uri(&self.experiment_folder());
        self.connection.execute(sql, params![experiment.name, location])?;
        let id = self.connection.last_insert_rowid();
        let sql = "INSERT INTO experiment_tags (key, value, experiment_id)
                   VALUES ('mlflow.note.content', ?1, ?2)";
        let description = truncate_chars(&experiment.description, MAX_DESCRIPTION);
        self.connection.execute(sql, params![description, id])?;
        Ok(id)
    }

    /// Updates the locations of files, because a user can move the folder. Does not change
    /// locations on a server.
    fn update_locations(&self) -> rusqlite::Result<()> {
        let location = file_uri(&self.experiment_folder());
        let suffix = format!("/{ARTIFACTS}/{}", encoded(self.experiment.as_bytes()));
        let sql = "UPDATE runs SET artifact_uri = ?2 || '/' || run_uuid
                   WHERE experiment_id = ?1 AND artifact_uri LIKE 'file:%'
                   AND artifact_uri <> ?2 || '/' || run_uuid
                   AND substr(artifact_uri, -length(?3 || '/' || run_uuid))
                   = ?3 || '/' || run_uuid";
        self.connection.execute(sql, params![self.experiment_id, location, suffix])?;
        let sql = "UPDATE experiments SET artifact_location = ?2
                   WHERE experiment_id = ?1 AND artifact_location LIKE 'file:%'
                   AND substr(artifact_location, -length(?3)) = ?3";
        self.connection.execute(sql, params![self.experiment_id, location, suffix])?;
        Ok(())
    }

    /// The runs of the open experiment that earlier exports added, by their ids in the store.
    fn existing_runs(&self) -> Result<OpenedExperiment> {
        let sql = "SELECT run.value, runs.run_uuid, status, digest.value,
                   lifecycle_stage = 'deleted'
                   FROM runs JOIN tags AS run ON run.run_uuid = runs.run_uuid AND run.key = ?2
                   LEFT JOIN tags AS digest
                   ON digest.run_uuid = runs.run_uuid AND digest.key = ?3
                   WHERE experiment_id = ?1";
        let existing = |row: &Row<'_>| {
            let run = ExistingRun {
                id: row.get(1)?,
                status: row.get(2)?,
                digest: row.get(3)?,
                deleted: row.get(4)?,
            };
            Ok((row.get(0)?, run))
        };
        let mut statement = self.connection.prepare(sql)?;
        let runs =
            statement.query_map(params![self.experiment_id, RUN_TAG, DIGEST_TAG], existing)?;
        Ok(OpenedExperiment::Runs(runs.collect::<Result<_, _>>()?))
    }

    fn set_tags<'a>(
        &self,
        id: &str,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> rusqlite::Result<()> {
        let mut statement = self.connection.prepare_cached(
            "INSERT INTO tags (key, value, run_uuid) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?;
        for (key, value) in tags {
            statement.execute(params![key, value, id])?;
        }
        Ok(())
    }
}

/// Opens the database at `path`, begins the transaction, and creates the tables in an empty
/// database. `None` if the database does not belong to MLflow.
fn begin(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.execute_batch("BEGIN IMMEDIATE")?;
    let tables: i64 =
        connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        connection.execute_batch(SCHEMA)?;
    }
    let is_mlflow = connection.table_exists(None, "alembic_version")?
        && connection.table_exists(None, "runs")?;
    Ok(is_mlflow.then_some(connection))
}

impl Backend for MlflowDatabase {
    fn open_experiment(&mut self, experiment: &Experiment) -> Result<OpenedExperiment> {
        self.experiment.clone_from(&experiment.name);
        self.experiment_id = match self.find_experiment(&experiment.name)? {
            Some((id, true)) => return Ok(OpenedExperiment::Deleted(id.to_string())),
            Some((id, false)) => id,
            None => self.create_experiment(experiment)?,
        };
        let sql = "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?1, ?2, ?3)
                   ON CONFLICT DO NOTHING";
        self.connection
            .execute(sql, params![EXPERIMENT_TAG, experiment.name, self.experiment_id])?;
        // The transaction excludes other exports, so that no other process uses these files.
        let folder = self.experiment_folder();
        atomic_file::remove_leftovers(&folder, atomic_file::EXPORT_PREFIX)
            .with_context(|| format!("cannot remove temporary files from {}", folder.display()))?;
        self.update_locations()?;
        self.existing_runs()
    }

    fn create_run(&mut self, run: &MlflowRun) -> Result<String> {
        let sql = "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name,
                   user_id, source_version, status, start_time, lifecycle_stage, artifact_uri,
                   experiment_id)
                   VALUES (?1, ?2, 'LOCAL', '', '', '', '', ?3, ?4, 'active', ?5, ?6)";
        let location = file_uri(&self.experiment_folder().join(&run.id));
        let values = params![run.id, run.name, RUNNING, run.started, location, self.experiment_id];
        self.connection.prepare_cached(sql)?.execute(values)?;
        self.set_tags(&run.id, [("mlflow.runName", run.name.as_str())])?;
        Ok(run.id.clone())
    }

    fn logged_metrics(&mut self, id: &str, _: &[&str]) -> Result<Vec<LoggedMetric>> {
        let sql = "SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?1";
        let metric = |row: &Row<'_>| {
            Ok(LoggedMetric {
                key: row.get(0)?,
                value: row.get(1)?,
                timestamp: row.get(2)?,
                step: row.get(3)?,
            })
        };
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_map([id], metric)?.collect::<Result<_, _>>()?)
    }

    fn owned_tags(&mut self, id: &str) -> Result<Vec<String>> {
        let sql = "SELECT key FROM tags WHERE run_uuid = ?1 AND key GLOB ?2 || '*'";
        let mut statement = self.connection.prepare_cached(sql)?;
        let keys = statement.query_map([id, TAG_PREFIX], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    fn delete_tag(&mut self, id: &str, tag: &str) -> Result<()> {
        let sql = "DELETE FROM tags WHERE run_uuid = ?1 AND key = ?2";
        self.connection.prepare_cached(sql)?.execute([id, tag])?;
        Ok(())
    }

    fn put_artifact(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()> {
        let sql = "SELECT artifact_uri FROM runs WHERE run_uuid = ?1";
        let location: String =
            self.connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
        let run_folder = self.experiment_folder().join(id);
        if location != file_uri(&run_folder) {
            self.skipped.push(location);
            return Ok(());
        }
        let file = run_folder.join(path);
        let folder = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        // MLflow shows every file in the folder of a run, so temporary files are outside of it.
        atomic_write::file_via(&self.experiment_folder(), &file, |out| Ok(out.write_all(bytes)?))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn log(&mut self, id: &str, run: &MlflowRun, missing: &[LoggedMetric]) -> Result<()> {
        let mut metrics = self.connection.prepare_cached(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan)
             VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        )?;
        let mut latest_metrics = self.connection.prepare_cached(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan)
             VALUES (?1, ?2, ?3, ?4, ?5, 0)
             ON CONFLICT DO UPDATE
             SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step
             WHERE (excluded.step, excluded.timestamp) >= (step, timestamp)",
        )?;
        for metric in missing {
            let values = params![metric.key, metric.value, metric.timestamp, id, metric.step];
            metrics.execute(values)?;
            latest_metrics.execute(values)?;
        }
        let mut params = self.connection.prepare_cached(
            "INSERT INTO params (key, value, run_uuid) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        for (name, value) in &run.params {
            params.execute(params![name, value, id])?;
        }
        let tags = run.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(self.set_tags(id, tags.chain([(DIGEST_TAG, run.digest.as_str())]))?)
    }

    fn end_run(&mut self, id: &str, run: &MlflowRun) -> Result<()> {
        let sql = "UPDATE runs SET status = ?2, end_time = ?3 WHERE run_uuid = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id, run.status, run.ended])?;
        Ok(())
    }

    /// The transaction excludes other exports, so that there are no duplicates.
    fn deduplicate(&mut self) -> Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> Result<Option<String>> {
        self.connection.execute_batch("COMMIT").context("cannot write MLflow's database")?;
        Ok(self.skipped.first().map(|location| {
            format!(
                "{} not written: a server keeps the files of these runs at '{location}'; to add \
                 them there, export to the address of the server",
                count(self.skipped.len(), "file")
            )
        }))
    }
}
