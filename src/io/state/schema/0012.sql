-- Results that were found in the store, and that this database does not know otherwise.
CREATE TABLE adopted (
    inputs TEXT PRIMARY KEY,
    artifacts TEXT NOT NULL       -- JSON
) STRICT, WITHOUT ROWID;
