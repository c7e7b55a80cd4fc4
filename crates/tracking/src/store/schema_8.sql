-- SHA-256 of the program that computed the run: its command, directory, environment and files. NULL
-- for runs of the built-in model and of programs that record their own runs.
ALTER TABLE runs ADD COLUMN program_sha256 TEXT;
