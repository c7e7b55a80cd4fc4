CREATE TABLE experiments (
  name        TEXT PRIMARY KEY,
  description TEXT NOT NULL
) STRICT;

-- One start of a program for one experiment: the provenance that its runs share.
CREATE TABLE invocations (
  id              INTEGER PRIMARY KEY,
  experiment      TEXT NOT NULL REFERENCES experiments (name),
  started_at      TEXT NOT NULL,
  program_version TEXT NOT NULL,
  git_commit      TEXT,
  git_dirty       INTEGER,
  candle_version  TEXT,
  cpu             TEXT NOT NULL,
  instruction_set TEXT NOT NULL,
  host            TEXT NOT NULL,
  os              TEXT NOT NULL,
  jobs            INTEGER NOT NULL,
  command_line    TEXT NOT NULL,
  experiment_file TEXT,
  pid             INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  sequence       INTEGER PRIMARY KEY,
  id             TEXT NOT NULL UNIQUE,
  experiment     TEXT NOT NULL REFERENCES experiments (name),
  trial_id       TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('running', 'finished', 'diverged', 'failed', 'killed')),
  dataset        TEXT NOT NULL,
  dataset_sha256 TEXT NOT NULL,
  dataset_path   TEXT,
  fallback_for   TEXT,
  validation     TEXT NOT NULL,
  engine         TEXT NOT NULL,
  device         TEXT NOT NULL,
  started_at     TEXT NOT NULL,
  ended_at       TEXT,
  error          TEXT,
  invocation     INTEGER NOT NULL REFERENCES invocations (id)
) STRICT;
CREATE INDEX runs_by_trial ON runs (experiment, trial_id, sequence);
CREATE INDEX runs_by_trial_alone ON runs (trial_id);

CREATE TABLE params (
  run_id   TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name     TEXT NOT NULL,
  value    ANY NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE metrics (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  epoch  INTEGER NOT NULL,
  step   INTEGER NOT NULL,
  name   TEXT NOT NULL,
  value  REAL NOT NULL,
  PRIMARY KEY (run_id, epoch, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  REAL NOT NULL,
  PRIMARY KEY (run_id, name)
) STRICT, WITHOUT ROWID;

CREATE VIEW run_table AS
SELECT
  runs.id AS run, runs.experiment, runs.trial_id AS trial, runs.status, runs.dataset, runs.dataset_sha256,
  runs.fallback_for, runs.validation,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'learning_rate') AS learning_rate,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'decay') AS decay,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'batch_size') AS batch_size,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'epochs') AS epochs,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'seed') AS seed,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'init') AS init,
  (SELECT value FROM params WHERE run_id = runs.id AND name = 'last_batch') AS last_batch,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'train_loss') AS train_loss,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'train_accuracy') AS train_accuracy,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'test_loss') AS test_loss,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'test_accuracy') AS test_accuracy,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'seconds') AS seconds,
  runs.engine, runs.device, runs.started_at, runs.ended_at, runs.error,
  invocations.program_version, invocations.git_commit, invocations.git_dirty, invocations.candle_version,
  invocations.cpu, invocations.instruction_set, invocations.host, invocations.os, invocations.jobs,
  invocations.command_line
FROM runs JOIN invocations ON invocations.id = runs.invocation;
