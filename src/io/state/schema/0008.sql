-- Every file of a run's recipe as it was, so that what was edited meanwhile can be shown.
CREATE TABLE run_files (
    run INTEGER NOT NULL REFERENCES runs (id),
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (run, name)
) STRICT, WITHOUT ROWID;
INSERT INTO run_files (run, name, text)
    SELECT runs.id, identity.name || '.lua', runs.recipe_text FROM runs, identity;
ALTER TABLE runs DROP COLUMN recipe_text;

-- What `math.random` begins with: a run that adopts another one's journal goes on with its chance, too.
ALTER TABLE runs ADD COLUMN seed INTEGER NOT NULL DEFAULT 0;
UPDATE runs SET seed = id;

-- The saved plan that a run does, if it does one: JSON.
ALTER TABLE runs ADD COLUMN plan TEXT;

-- Calls of primitives that were begun; those that were answered are in `journal`, too.
CREATE TABLE intents (
    run INTEGER NOT NULL REFERENCES runs (id),
    call INTEGER NOT NULL,
    primitive TEXT NOT NULL,
    arguments_hash TEXT NOT NULL,
    stage TEXT,                   -- the stage that a build is of
    PRIMARY KEY (run, call)
) STRICT, WITHOUT ROWID;
