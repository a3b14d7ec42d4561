-- Builders of clouds: the row is written before the cloud is asked, so that no instance is ever forgotten.
CREATE TABLE builders (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL UNIQUE,    -- also the token of the launch, and a tag of the instance
    place TEXT NOT NULL,          -- JSON: which cloud, and how it is asked
    pool TEXT NOT NULL,           -- JSON: instance type and subnet
    url TEXT NOT NULL,            -- the control point's, and the program it fetches: the launch can be repeated
    program TEXT NOT NULL,
    price TEXT NOT NULL,          -- what an hour costs
    state TEXT NOT NULL,
    instance TEXT,
    why TEXT,                     -- why it ends, or is gone
    asked_at INTEGER NOT NULL,
    joined_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX builders_by_state ON builders (state);

CREATE TABLE builder_events (
    builder INTEGER NOT NULL REFERENCES builders (id),
    at INTEGER NOT NULL,
    event TEXT NOT NULL           -- JSON
) STRICT;
