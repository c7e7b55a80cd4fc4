-- Metric and replicate declarations of an experiment. `rank` names the metric that ranks settings.
-- `report` names the metric that measures the quality of the best-ranked setting. `minimize` and
-- `maximize` give the direction of a metric. `replicate` names the hyperparameter that
-- distinguishes repeated runs of a setting.
CREATE TABLE declarations (
  experiment TEXT NOT NULL REFERENCES experiments (name),
  role       TEXT NOT NULL,
  name       TEXT NOT NULL,
  PRIMARY KEY (experiment, role, name)
) STRICT, WITHOUT ROWID;

-- Position among the runs of a trial, in microseconds since 1970: the start time of the run, but at
-- least one microsecond after the previous run. The order therefore survives a clock that is set
-- back. The value is NULL for runs of earlier schemas; `started_at` orders them.
ALTER TABLE runs ADD COLUMN ordered_at INTEGER;

-- Number of examples in each split, where known. An accuracy on n examples is a multiple of 1/n.
ALTER TABLE runs ADD COLUMN train_examples INTEGER;
ALTER TABLE runs ADD COLUMN validation_examples INTEGER;
ALTER TABLE runs ADD COLUMN test_examples INTEGER;
