-- What an experiment says of its metrics, and of its replicates: `rank` names the metric that chooses, `report` the one that tells
-- how good the choice is, `minimize` and `maximize` the direction of a metric, `replicate` the hyperparameter that repeats a
-- setting.
CREATE TABLE declarations (
  experiment TEXT NOT NULL REFERENCES experiments (name),
  role       TEXT NOT NULL,
  name       TEXT NOT NULL,
  PRIMARY KEY (experiment, role, name)
) STRICT, WITHOUT ROWID;

-- The order of a trial's runs, in microseconds since 1970: when a run began, but at least a microsecond after the run before it.
-- A clock that is set back therefore reorders nothing. Runs of earlier schemas have none; `started_at` orders them.
ALTER TABLE runs ADD COLUMN ordered_at INTEGER;

-- How many examples each split has, where that is known: an accuracy is a multiple of one over this.
ALTER TABLE runs ADD COLUMN train_examples INTEGER;
ALTER TABLE runs ADD COLUMN validation_examples INTEGER;
ALTER TABLE runs ADD COLUMN test_examples INTEGER;
