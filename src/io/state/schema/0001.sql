-- Times are milliseconds since 1970, ids of runs, jobs and generations are numbers, hashes are lower-case hexadecimal.

-- Which recipe this directory belongs to: one row.
CREATE TABLE identity (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    name TEXT NOT NULL,
    path TEXT NOT NULL
) STRICT;

-- Executions of the recipe.
CREATE TABLE runs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    recipe_hash TEXT NOT NULL,
    recipe_text TEXT NOT NULL,
    arguments TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'finished', 'failed', 'interrupted')),
    started INTEGER NOT NULL,
    finished INTEGER
) STRICT;

-- What each primitive answered, so that a run that was killed is answered from here up to where it was.
CREATE TABLE journal (
    run INTEGER NOT NULL REFERENCES runs (id),
    call INTEGER NOT NULL,
    primitive TEXT NOT NULL,
    arguments_hash TEXT NOT NULL,
    response TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (run, call)
) STRICT, WITHOUT ROWID;

-- What imports pinned.
CREATE TABLE imports (
    id TEXT PRIMARY KEY,
    json TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One source package to build, for one stage and architecture of a run.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id),
    stage TEXT NOT NULL,
    source TEXT NOT NULL,
    version TEXT NOT NULL,
    arch TEXT NOT NULL,
    component TEXT NOT NULL,
    after TEXT NOT NULL,          -- JSON list of source names
    position INTEGER NOT NULL,
    state TEXT NOT NULL,
    reason TEXT,
    epoch INTEGER NOT NULL DEFAULT 0,
    builder TEXT,
    lease_expires INTEGER,        -- for people; what decides is the control point's own clock
    offer TEXT,                   -- JSON of a lease whose epoch is 0; NULL: not ready
    offer_arch TEXT,              -- the chroot's architecture in that offer
    inputs TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    reused INTEGER NOT NULL DEFAULT 0,
    seconds INTEGER NOT NULL DEFAULT 0,
    changed_at INTEGER NOT NULL,
    UNIQUE (run, stage, source, arch)
) STRICT;
CREATE INDEX jobs_to_lease ON jobs (offer_arch, position, id) WHERE state = 'needs-build' AND offer IS NOT NULL;
CREATE INDEX jobs_by_inputs ON jobs (inputs) WHERE state = 'installed' AND inputs IS NOT NULL;
CREATE INDEX jobs_leased ON jobs (builder) WHERE state = 'building';

-- What happened to jobs: appended only.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id),
    at INTEGER NOT NULL,
    event TEXT NOT NULL
) STRICT;
CREATE INDEX events_by_job ON events (job, seq);
CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events BEGIN
    SELECT RAISE(ABORT, 'history is appended, never rewritten');
END;
CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events BEGIN
    SELECT RAISE(ABORT, 'history is appended, never rewritten');
END;

-- Leases of jobs, one row each.
CREATE TABLE attempts (
    job INTEGER NOT NULL REFERENCES jobs (id),
    epoch INTEGER NOT NULL,
    builder TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    finish TEXT,                  -- hash of the report that ended it
    outcome TEXT,                 -- JSON
    log TEXT NOT NULL,            -- relative to the state directory
    PRIMARY KEY (job, epoch)
) STRICT, WITHOUT ROWID;

-- Files that jobs made; the bytes are in the store under their hash.
CREATE TABLE artifacts (
    job INTEGER NOT NULL REFERENCES jobs (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    size INTEGER NOT NULL,
    package TEXT,
    version TEXT,
    architecture TEXT,
    source TEXT,
    control TEXT,                 -- the package's control paragraph
    PRIMARY KEY (job, name)
) STRICT;
CREATE INDEX artifacts_by_hash ON artifacts (sha256);

-- Published states of archives.
CREATE TABLE generations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    run INTEGER NOT NULL REFERENCES runs (id),
    path TEXT NOT NULL,
    suite TEXT NOT NULL,
    release_sha256 TEXT NOT NULL,
    contents_sha256 TEXT NOT NULL,
    published_at INTEGER NOT NULL,
    json TEXT NOT NULL
) STRICT;

-- How long builds took, to estimate the next ones.
CREATE TABLE durations (
    source TEXT NOT NULL,
    version TEXT NOT NULL,
    arch TEXT NOT NULL,
    seconds INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX durations_by_source ON durations (source, arch, at);
