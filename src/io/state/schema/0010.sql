-- When a job may be tried again, what a person wants of it, and the lease that its tries are counted from.
ALTER TABLE jobs ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN urgency INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN counted_from INTEGER NOT NULL DEFAULT 0;
-- The source's section, for listings.
ALTER TABLE jobs ADD COLUMN section TEXT;
DROP INDEX jobs_to_lease;
CREATE INDEX jobs_to_lease ON jobs (run, offer_arch, urgency DESC, priority DESC, frees DESC, position, id)
    WHERE state = 'needs-build' AND offer IS NOT NULL;
CREATE INDEX runs_active ON runs (id) WHERE status = 'active';

-- What builders did lately.
CREATE TABLE builder_health (
    builder TEXT PRIMARY KEY,
    heard INTEGER NOT NULL,
    health TEXT NOT NULL,         -- JSON
    drained TEXT                  -- why it gets no more work
) STRICT, WITHOUT ROWID;

-- No work is given out while there is a row.
CREATE TABLE pause (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    at INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
