-- What was measured of the build of a job.
CREATE TABLE measured (
    job INTEGER NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,           -- `build-time`, `tests-passed`, `bench deflate`
    value REAL NOT NULL,
    unit TEXT NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;
