-- What decides which ready job goes first, and how it is built; `after` has places in the order, no names any more.
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN frees INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN profiles TEXT NOT NULL DEFAULT '[]';  -- JSON list of build profiles
UPDATE jobs SET after = '[]';
DROP INDEX jobs_to_lease;
CREATE INDEX jobs_to_lease ON jobs (offer_arch, priority DESC, frees DESC, position, id)
    WHERE state = 'needs-build' AND offer IS NOT NULL;
