-- What indexes say of a package file besides its SHA-256, so that it is read once and not at every publication.
CREATE TABLE facts (
    sha256 TEXT NOT NULL PRIMARY KEY,
    size INTEGER NOT NULL,
    md5 TEXT NOT NULL,
    sha1 TEXT NOT NULL,
    files TEXT NOT NULL              -- the paths that it installs, one a line
) STRICT, WITHOUT ROWID;

-- Packages that were given their `Architecture-Variant` after they were built.
CREATE TABLE stamped (
    sha256 TEXT NOT NULL,            -- as it was built
    variant TEXT NOT NULL,
    stamped TEXT NOT NULL,           -- the file with the variant in it
    PRIMARY KEY (sha256, variant)
) STRICT, WITHOUT ROWID;
