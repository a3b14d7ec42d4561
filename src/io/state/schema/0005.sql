-- Packages of an overlay that were installed for a job's build, as was confirmed afterwards.
CREATE TABLE superseded (
    job INTEGER NOT NULL REFERENCES jobs (id),
    package TEXT NOT NULL,
    version TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    PRIMARY KEY (job, package)
) STRICT, WITHOUT ROWID;
