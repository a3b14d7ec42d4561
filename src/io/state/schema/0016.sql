-- A job that ran out of memory goes to a machine that has more.
ALTER TABLE builder_health ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;   -- bytes, as its daemon says; 0: not known
ALTER TABLE jobs ADD COLUMN larger_than INTEGER NOT NULL DEFAULT 0;        -- bytes of memory that do not do
CREATE INDEX jobs_wanting_larger ON jobs (run) WHERE larger_than > 0;
