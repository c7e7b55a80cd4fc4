-- The planned work of an invocation, from which progress is computed: trials of its plan or shard,
-- trials to run, and their training steps.
ALTER TABLE invocations ADD COLUMN planned_trials INTEGER;
ALTER TABLE invocations ADD COLUMN trials_to_run INTEGER;
ALTER TABLE invocations ADD COLUMN steps_to_run INTEGER;
