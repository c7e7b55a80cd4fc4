-- What a start of a program set out to do, so that who watches it knows how much is left: trials of its plan (or part), those of
-- them that were to run, and the weight updates that these take.
ALTER TABLE invocations ADD COLUMN planned_trials INTEGER;
ALTER TABLE invocations ADD COLUMN trials_to_run INTEGER;
ALTER TABLE invocations ADD COLUMN steps_to_run INTEGER;
