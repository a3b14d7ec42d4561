-- What hooks answered: a run that is gone on with repeats it.
CREATE TABLE hook_answers (
    run INTEGER NOT NULL REFERENCES runs (id),
    hook TEXT NOT NULL,
    subject TEXT NOT NULL,        -- hash of what it was asked about
    source TEXT,                  -- the source package that it was asked about
    answer TEXT NOT NULL,         -- JSON; null: it had no opinion
    place TEXT,                   -- where the hook was written
    heeded INTEGER NOT NULL DEFAULT 0,  -- the run was paused because of it
    at INTEGER NOT NULL,
    PRIMARY KEY (run, hook, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_answers_by_source ON hook_answers (source, run) WHERE source IS NOT NULL;

-- How the next attempt differs from the last one, as `on_failure` answered.
ALTER TABLE jobs ADD COLUMN retry TEXT;
ALTER TABLE jobs ADD COLUMN alone INTEGER NOT NULL DEFAULT 0;
