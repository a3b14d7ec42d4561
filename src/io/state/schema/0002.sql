-- What earlier runs built of a source is asked for every job of a round that follows upstream.
CREATE INDEX jobs_by_source ON jobs (source, arch, stage);
