-- Error analysis: the confusion matrix on the test set and the most confident mistakes of a run. They
-- are recorded with the end of the run. A checksum of their own keeps the run valid without them.
CREATE TABLE examples (
  run_id    TEXT PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
  classes   INTEGER NOT NULL,
  rows      INTEGER NOT NULL,
  columns   INTEGER NOT NULL,
  confusion TEXT NOT NULL, -- [[label,predicted,count],…]
  left_out  INTEGER NOT NULL
) STRICT;

CREATE TABLE mistakes (
  run_id      TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  rank        INTEGER NOT NULL,
  example     INTEGER NOT NULL,
  label       INTEGER NOT NULL,
  predicted   INTEGER NOT NULL,
  probability REAL NOT NULL,
  picture     BLOB NOT NULL,
  PRIMARY KEY (run_id, rank)
) STRICT;

-- The checksum of both, if the run has them. It reveals that they were deleted.
ALTER TABLE runs ADD COLUMN examples_checksum INTEGER;

CREATE VIEW confusion AS
SELECT
  examples.run_id,
  json_extract(cell.value, '$[0]') AS label,
  json_extract(cell.value, '$[1]') AS predicted,
  json_extract(cell.value, '$[2]') AS count
FROM examples, json_each(examples.confusion) AS cell;
