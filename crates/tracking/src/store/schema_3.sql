-- Which process works on a run, so that those of one that is gone are taken over; and which part of which plan it works on.
ALTER TABLE invocations ADD COLUMN process_started INTEGER;
ALTER TABLE invocations ADD COLUMN boot_id TEXT;
ALTER TABLE invocations ADD COLUMN pid_namespace TEXT;
ALTER TABLE invocations ADD COLUMN plan_sha256 TEXT;
ALTER TABLE invocations ADD COLUMN shard_index INTEGER;
ALTER TABLE invocations ADD COLUMN shard_count INTEGER;

-- Nobody works on a trial at which another does.
CREATE UNIQUE INDEX running_runs ON runs (experiment, trial_id) WHERE status = 'running';

-- What a running or stopped run goes on from: the model after an epoch that is recorded whole. It goes when the run ends.
CREATE TABLE checkpoints (
  run_id   TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  epoch    INTEGER NOT NULL,
  seconds  REAL NOT NULL,
  model    BLOB NOT NULL,
  checksum INTEGER NOT NULL
) STRICT;

-- A run was left and gone on with at this time: its epochs until this one (after the row before) are of this invocation, the
-- last ones of the run's own.
CREATE TABLE resumptions (
  run_id     TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  epoch      INTEGER NOT NULL,
  invocation INTEGER NOT NULL REFERENCES invocations (id),
  at         TEXT NOT NULL
) STRICT;
CREATE INDEX resumptions_by_run ON resumptions (run_id);

-- What was changed after it was recorded is found: checksums of what tables show, and how many runs there are. Those of earlier
-- schemas have none.
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
