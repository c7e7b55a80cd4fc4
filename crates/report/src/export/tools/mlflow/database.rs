//! A folder that MLflow opens: its database `mlflow.db`, where `mlflow ui` looks for it by itself, and `artifacts/` with the files.
//! MLflow 3 refuses the folders of YAML files that earlier ones kept. The database is one that every MLflow brings to its own
//! schema when it opens it; the statements here hold in that schema and in the newest.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, OptionalExtension, params};
use tracking::{Experiment, atomic_file};

use super::client::escaped;
use super::described::{Described, Metric, RUNNING};
use super::names::{LONGEST_NOTE, shortened};
use super::{DIGEST, EXPERIMENT, Known, OURS, Opened, Place, RUN};
use crate::atomic_write;

const SCHEMA: &str = include_str!("schema.sql");
/// Where the files are.
const ARTIFACTS: &str = "artifacts";
/// How long MLflow may write before it is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A folder for MLflow, open in one transaction: all of an export is there, or nothing of it.
pub struct Database {
    connection: Connection,
    artifacts: PathBuf,
    experiment: (i64, String),
    /// Where a server keeps files of runs that are here, and how many were not put there.
    elsewhere: Option<(String, usize)>,
}

impl Database {
    /// Opens the folder, and makes what is not there.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        let folder = folder.canonicalize()?;
        let path = folder.join("mlflow.db");
        let opened = || -> rusqlite::Result<(Connection, bool)> {
            let connection = Connection::open(&path)?;
            connection.busy_timeout(PATIENCE)?;
            connection.execute_batch("BEGIN IMMEDIATE")?;
            let tables: i64 =
                connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                connection.execute_batch(SCHEMA)?;
            }
            let mlflows = connection.table_exists(None, "alembic_version")?
                && connection.table_exists(None, "runs")?;
            Ok((connection, mlflows))
        };
        let (connection, mlflows) =
            opened().with_context(|| format!("cannot open {}", path.display()))?;
        if !mlflows {
            bail!("{} is no database of MLflow's: choose another folder", path.display());
        }
        Ok(Self {
            connection,
            artifacts: folder.join(ARTIFACTS),
            experiment: (0, String::new()),
            elsewhere: None,
        })
    }

    /// Where the files of the experiment's runs are.
    fn folder(&self) -> PathBuf {
        self.artifacts.join(&self.experiment.1)
    }

    /// The folder may have been moved since. What a server keeps elsewhere stays there.
    fn follow_the_folder(&self) -> rusqlite::Result<()> {
        let (now, within) = (
            address(&self.folder()),
            format!("/{ARTIFACTS}/{}", escaped(self.experiment.1.as_bytes())),
        );
        let sql = "UPDATE runs SET artifact_uri = ?2 || '/' || run_uuid
                   WHERE experiment_id = ?1 AND artifact_uri LIKE 'file:%' AND artifact_uri <> ?2 || '/' || run_uuid
                   AND substr(artifact_uri, -length(?3 || '/' || run_uuid)) = ?3 || '/' || run_uuid";
        self.connection.execute(sql, params![self.experiment.0, now, within])?;
        let sql = "UPDATE experiments SET artifact_location = ?2
                   WHERE experiment_id = ?1 AND artifact_location LIKE 'file:%' AND substr(artifact_location, -length(?3)) = ?3";
        self.connection.execute(sql, params![self.experiment.0, now, within])?;
        Ok(())
    }

    fn set_tags<'a>(
        &self,
        id: &str,
        tags: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> rusqlite::Result<()> {
        let mut set = self.connection.prepare_cached(
            "INSERT INTO tags (key, value, run_uuid) VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET value = excluded.value",
        )?;
        tags.into_iter().try_for_each(|(key, value)| set.execute(params![key, value, id]).map(drop))
    }
}

impl Place for Database {
    fn open(&mut self, experiment: &Experiment) -> Result<Opened> {
        // Somebody may have renamed it.
        let sql = "SELECT experiment_id, lifecycle_stage = 'deleted' FROM experiments
                   LEFT JOIN experiment_tags AS tag USING (experiment_id)
                   WHERE name = ?1 OR (tag.key = ?2 AND tag.value = ?1)
                   ORDER BY tag.key = ?2 AND tag.value = ?1 DESC, experiment_id LIMIT 1";
        let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let found: Option<(i64, bool)> =
            self.connection.query_row(sql, [&experiment.name, EXPERIMENT], row).optional()?;
        self.experiment = (0, experiment.name.clone());
        self.experiment.0 = match found {
            Some((id, true)) => return Ok(Opened::Deleted(id.to_string())),
            Some((id, false)) => id,
            None => {
                let sql = "INSERT INTO experiments (name, artifact_location, lifecycle_stage) VALUES (?1, ?2, 'active')";
                self.connection.execute(sql, params![experiment.name, address(&self.folder())])?;
                let id = self.connection.last_insert_rowid();
                let sql = "INSERT INTO experiment_tags (key, value, experiment_id) VALUES ('mlflow.note.content', ?1, ?2)";
                self.connection
                    .execute(sql, params![shortened(&experiment.description, LONGEST_NOTE), id])?;
                id
            }
        };
        let sql = "INSERT INTO experiment_tags (key, value, experiment_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        self.connection.execute(sql, params![EXPERIMENT, experiment.name, self.experiment.0])?;
        // This export has the database, so that no other is writing.
        atomic_file::remove_leftovers(&self.folder(), atomic_file::EXPORT_PREFIX)
            .with_context(|| format!("cannot remove_leftovers {}", self.folder().display()))?;
        self.follow_the_folder()?;
        let sql =
            "SELECT run.value, runs.run_uuid, status, digest.value, lifecycle_stage = 'deleted'
                   FROM runs JOIN tags AS run ON run.run_uuid = runs.run_uuid AND run.key = ?2
                   LEFT JOIN tags AS digest ON digest.run_uuid = runs.run_uuid AND digest.key = ?3
                   WHERE experiment_id = ?1";
        let known = |row: &rusqlite::Row<'_>| {
            let known = Known {
                id: row.get(1)?,
                status: row.get(2)?,
                digest: row.get(3)?,
                deleted: row.get(4)?,
            };
            Ok((row.get(0)?, known))
        };
        let mut found = self.connection.prepare(sql)?;
        let runs = found
            .query_map(params![self.experiment.0, RUN, DIGEST], known)?
            .collect::<Result<_, _>>()?;
        Ok(Opened::Runs(runs))
    }

    fn create(&mut self, run: &Described) -> Result<String> {
        let sql =
            "INSERT INTO runs (run_uuid, name, source_type, source_name, entry_point_name, user_id, source_version,
                   status, start_time, lifecycle_stage, artifact_uri, experiment_id)
                   VALUES (?1, ?2, 'LOCAL', '', '', '', '', ?3, ?4, 'active', ?5, ?6)";
        let files = address(&self.folder().join(&run.id));
        let values = params![run.id, run.name, RUNNING, run.started, files, self.experiment.0];
        self.connection.prepare_cached(sql)?.execute(values)?;
        self.set_tags(&run.id, [("mlflow.runName", run.name.as_str())])?;
        Ok(run.id.clone())
    }

    fn logged(&mut self, id: &str, _: &[&str]) -> Result<Vec<Metric>> {
        let sql = "SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?1";
        let metric = |row: &rusqlite::Row<'_>| {
            Ok(Metric {
                key: row.get(0)?,
                value: row.get(1)?,
                timestamp: row.get(2)?,
                step: row.get(3)?,
            })
        };
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_map([id], metric)?
            .collect::<Result<_, _>>()?)
    }

    fn tags(&mut self, id: &str) -> Result<Vec<String>> {
        let sql = "SELECT key FROM tags WHERE run_uuid = ?1 AND key GLOB ?2 || '*'";
        Ok(self
            .connection
            .prepare_cached(sql)?
            .query_map([id, OURS], |row| row.get(0))?
            .collect::<Result<_, _>>()?)
    }

    fn untag(&mut self, id: &str, tag: &str) -> Result<()> {
        let sql = "DELETE FROM tags WHERE run_uuid = ?1 AND key = ?2";
        self.connection.prepare_cached(sql)?.execute([id, tag])?;
        Ok(())
    }

    fn put(&mut self, id: &str, path: &str, bytes: &[u8]) -> Result<()> {
        let sql = "SELECT artifact_uri FROM runs WHERE run_uuid = ?1";
        let kept: String =
            self.connection.prepare_cached(sql)?.query_row([id], |row| row.get(0))?;
        if kept != address(&self.folder().join(id)) {
            self.elsewhere.get_or_insert((kept, 0)).1 += 1;
            return Ok(());
        }
        let file = self.folder().join(id).join(path);
        let folder = file.parent().unwrap_or(&file);
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder {}", folder.display()))?;
        // Whatever is in a run's own folder MLflow shows, also what an export that is killed leaves there.
        atomic_write::file_via(&self.folder(), &file, |out| Ok(out.write_all(bytes)?))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    fn log(&mut self, id: &str, run: &Described, missing: &[Metric]) -> Result<()> {
        let mut keep = self.connection.prepare_cached(
            "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?1, ?2, ?3, ?4, ?5, 0)",
        )?;
        let mut latest = self.connection.prepare_cached(
            "INSERT INTO latest_metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?1, ?2, ?3, ?4, ?5, 0)
             ON CONFLICT DO UPDATE SET value = excluded.value, timestamp = excluded.timestamp, step = excluded.step
             WHERE (excluded.step, excluded.timestamp) >= (step, timestamp)",
        )?;
        for metric in missing {
            let values = params![metric.key, metric.value, metric.timestamp, id, metric.step];
            keep.execute(values)?;
            latest.execute(values)?;
        }
        let mut param = self.connection.prepare_cached(
            "INSERT INTO params (key, value, run_uuid) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
        )?;
        for (name, value) in &run.params {
            param.execute(params![name, value, id])?;
        }
        let tags = run.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(self.set_tags(id, tags.chain([(DIGEST, run.digest.as_str())]))?)
    }

    fn end(&mut self, id: &str, run: &Described) -> Result<()> {
        let sql = "UPDATE runs SET status = ?2, end_time = ?3 WHERE run_uuid = ?1";
        self.connection.prepare_cached(sql)?.execute(params![id, run.status, run.ended])?;
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        // An export is one transaction.
        Ok(())
    }

    fn close(&mut self) -> Result<Option<String>> {
        self.connection.execute_batch("COMMIT").context("cannot write MLflow's database")?;
        Ok(self.elsewhere.as_ref().map(|(kept, files)| {
            format!(
                "{} not written: a server keeps those of their runs, at '{kept}'; export to its address brings them there",
                crate::wording::count(*files, "file")
            )
        }))
    }
}

/// A file or folder as MLflow names it.
fn address(path: &Path) -> String {
    let parts: Vec<String> =
        path.as_os_str().as_encoded_bytes().split(|byte| *byte == b'/').map(escaped).collect();
    format!("file://{}", parts.join("/"))
}
