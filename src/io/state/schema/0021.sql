-- What was verified of what a job made.
CREATE TABLE verified (
    job INTEGER NOT NULL REFERENCES jobs (id),
    what TEXT NOT NULL,           -- `flags`, `isa`, `installable`, `run_under`
    json TEXT NOT NULL,           -- what came of it
    PRIMARY KEY (job, what)
) STRICT, WITHOUT ROWID;
