-- The validation metrics of a finished run: as a final metric, or else their last value per epoch.
DROP VIEW run_table;
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
  CASE runs.status WHEN 'finished' THEN coalesce(
    (SELECT value FROM results WHERE run_id = runs.id AND name = 'val_loss'),
    (SELECT value FROM metrics WHERE run_id = runs.id AND name = 'val_loss' ORDER BY epoch DESC LIMIT 1)) END AS val_loss,
  CASE runs.status WHEN 'finished' THEN coalesce(
    (SELECT value FROM results WHERE run_id = runs.id AND name = 'val_accuracy'),
    (SELECT value FROM metrics WHERE run_id = runs.id AND name = 'val_accuracy' ORDER BY epoch DESC LIMIT 1)) END AS val_accuracy,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'test_loss') AS test_loss,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'test_accuracy') AS test_accuracy,
  (SELECT value FROM results WHERE run_id = runs.id AND name = 'seconds') AS seconds,
  runs.engine, runs.device, runs.shared_from, runs.started_at, runs.ended_at, runs.error,
  invocations.program_version, invocations.git_commit, invocations.git_dirty, invocations.candle_version,
  invocations.cpu, invocations.instruction_set, invocations.host, invocations.os, invocations.jobs,
  invocations.command_line
FROM runs JOIN invocations ON invocations.id = runs.invocation;
