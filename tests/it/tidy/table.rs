//! Who may use what. A room is a path below `src/`, without `.rs`; it stands for everything below it, too.

/// The rooms at the top, from left to right: one uses its own and those of a lower rank.
pub const RANKS: &[(&str, u32)] = &[
    ("core", 0),
    ("wire", 1),
    ("io", 2),
    ("primitives", 3),
    ("lua", 4),
    ("control", 4),
    ("daemon", 4),
    ("cli", 5),
    ("main", 6),
];

/// Every room but `core` and `wire`, which wait for nothing and touch nothing.
const OUTSIDE: &[&str] = &["io", "primitives", "lua", "control", "daemon", "cli", "main"];

/// Every room.
const ALL: &[&str] = &["core", "wire", "io", "primitives", "lua", "control", "daemon", "cli", "main"];

/// Crates, as their paths begin in code, and the rooms that may use them.
pub const CRATES: &[(&str, &[&str])] = &[
    // Words and errors.
    ("serde", ALL),
    ("serde_json", ALL),
    ("thiserror", ALL),
    ("anyhow", &["primitives", "lua", "control", "daemon", "cli", "main"]),
    ("tracing", OUTSIDE),
    // Pure: bytes and values in, bytes and values out.
    ("batsat", &["core"]),
    ("object", &["core"]),
    ("gimli", &["core"]),
    ("similar", &["core"]),
    ("memchr", &["core", "io", "cli"]),
    ("rayon", &["core", "io", "primitives"]),
    ("rustc_hash", ALL),
    ("strsim", ALL),
    ("jiff", ALL),
    ("bytesize", ALL),
    ("toml", &["core", "io", "cli"]),
    // Uploads are hashed as they come in, and what was built before it is sent.
    ("sha2", &["core", "io", "control", "daemon"]),
    ("sha1", &["core", "io"]),
    ("md5", &["core", "io"]),
    ("blake3", &["core", "io"]),
    ("flate2", &["core/publish", "core/produced", "io"]),
    ("liblzma", &["core/publish", "io"]),
    ("zstd", &["core/publish", "core/produced", "io"]),
    // Waiting.
    ("tokio", OUTSIDE),
    ("tokio_util", OUTSIDE),
    ("futures_util", OUTSIDE),
    // The outside, each in its room.
    ("mlua", &["lua"]),
    ("regex", &["lua"]),
    ("rusqlite", &["io/state"]),
    ("rusqlite_migration", &["io/state"]),
    ("sequoia_openpgp", &["io"]),
    ("reqwest", &["io"]),
    ("aws_config", &["io"]),
    ("aws_sdk_ec2", &["io/machines"]),
    ("aws_sdk_s3", &["io/s3"]),
    ("aws_smithy_http_client", &["io/s3"]),
    ("axum", &["control", "io/archive"]),
    ("memmap2", &["io"]),
    ("tar", &["io"]),
    ("walkdir", &["io", "lua"]),
    ("tempfile", &["io", "control", "daemon", "cli"]),
    ("rustix", &["io", "daemon", "cli"]),
    ("etcetera", &["io/settings"]),
    // What people see.
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("anstream", &["cli"]),
    ("anstyle", &["cli"]),
    ("tracing_subscriber", &["cli"]),
];

/// Modules that reach outside, or read time, and the rooms that may use them; the longest fitting line counts.
pub const MODULES: &[(&str, &[&str])] = &[
    // The spool of uploads, the logs and the views are the control point's own files.
    ("std::fs", &["io", "lua", "control", "daemon", "cli"]),
    ("std::process", &["io", "daemon", "cli", "main"]),
    ("std::env", &["io", "daemon", "cli", "main"]),
    ("std::net", &["io", "control", "daemon", "cli"]),
    ("std::os", &["io", "lua", "daemon", "cli"]),
    ("std::thread", OUTSIDE),
    ("std::time::Instant", OUTSIDE),
    ("std::time::SystemTime", &["io"]),
    ("std::time::UNIX_EPOCH", &["io"]),
    ("tokio::fs", &["io", "control", "daemon"]),
    ("tokio::process", &["io", "daemon"]),
    ("tokio::net", &["io", "control"]),
    ("tokio::signal", &["daemon", "cli"]),
];

/// Ends of paths that read the wall clock, and the one file that may: everybody else is given the time.
pub const CLOCK: &[&str] = &["SystemTime::now", "Timestamp::now", "Zoned::now"];

/// The file for [`CLOCK`].
pub const CLOCK_ROOM: &str = "io/clock";

/// Methods that look at the disk without a path that could be seen; for rooms without `std::fs`.
pub const DISK_METHODS: &[&str] =
    &["exists", "try_exists", "is_file", "is_dir", "read_dir", "canonicalize", "read_link"];
