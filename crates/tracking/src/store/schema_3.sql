-- The process that runs a trial, so that the runs of a dead process can be taken over; and its plan
-- and shard.
ALTER TABLE invocations ADD COLUMN process_started INTEGER;
ALTER TABLE invocations ADD COLUMN boot_id TEXT;
ALTER TABLE invocations ADD COLUMN pid_namespace TEXT;
ALTER TABLE invocations ADD COLUMN plan_sha256 TEXT;
ALTER TABLE invocations ADD COLUMN shard_index INTEGER;
ALTER TABLE invocations ADD COLUMN shard_count INTEGER;

-- At most one run of a trial is running.
CREATE UNIQUE INDEX running_runs ON runs (experiment, trial_id) WHERE status = 'running';

-- The state from which a running or stopped run resumes: the model after its last recorded epoch.
-- Deleted when the run ends.
CREATE TABLE checkpoints (
  run_id   TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  epoch    INTEGER NOT NULL,
  seconds  REAL NOT NULL,
  model    BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;

-- A run was interrupted and later resumed. Its epochs up to this one, after the previous row, belong
-- to this invocation. The epochs after the last row belong to the run's own invocation.
CREATE TABLE resumptions (
  run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  epoch      INTEGER NOT NULL,
  invocation INTEGER NOT NULL REFERENCES invocations (id),
  at         TEXT NOT NULL
) STRICT;
CREATE INDEX resumptions_by_run ON resumptions (run_id);

-- Checksums of the rows and the number of runs, which reveal changes after recording. Rows of earlier
-- schemas have no checksum.
ALTER TABLE runs ADD COLUMN last_epoch INTEGER;
ALTER TABLE runs ADD COLUMN metric_count INTEGER;
ALTER TABLE runs ADD COLUMN checksum INTEGER;
ALTER TABLE metrics ADD COLUMN checksum INTEGER;
ALTER TABLE experiments ADD COLUMN checksum INTEGER;
ALTER TABLE experiments ADD COLUMN runs INTEGER NOT NULL DEFAULT 0;
UPDATE experiments SET runs = (SELECT count(*) FROM runs WHERE runs.experiment = experiments.name);
CREATE TRIGGER run_recorded AFTER INSERT ON runs BEGIN
  UPDATE experiments SET runs = runs + 1 WHERE name = NEW.experiment;
END;
CREATE TRIGGER run_deleted AFTER DELETE ON runs BEGIN
  UPDATE experiments SET runs = runs - 1 WHERE name = OLD.experiment;
END;
