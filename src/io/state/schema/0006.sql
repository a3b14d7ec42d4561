-- Jobs that are built with flags of their own.
CREATE TABLE flags (
    job INTEGER PRIMARY KEY REFERENCES jobs (id),
    asked_by TEXT NOT NULL,       -- JSON list, in the order in which they were applied
    overridden TEXT               -- JSON list of what the package has otherwise; NULL: nobody looked yet
) STRICT;
