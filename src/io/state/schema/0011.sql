-- Two jobs of a stage never make the same file with other bytes.
CREATE INDEX artifacts_by_name ON artifacts (name);
