//! Why contents cannot be published.

use crate::core::ids::Sha256;

/// Why contents cannot be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// An option or a name holds what does not belong into a path or a line.
    #[error("`{what}`: expected {expected}, got `{got}`")]
    Name {
        /// Which option, or whose name.
        what: String,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        got: String,
    },
    /// A package is in a component that the archive does not have.
    #[error(
        "`{name}` is in component `{component}`, expected one of: {known}\n\
         hint: add the component to what is published"
    )]
    Component {
        /// The file.
        name: String,
        /// Its component.
        component: String,
        /// What the archive has.
        known: String,
    },
    /// A package is for an architecture that the archive does not have.
    #[error("`{name}` is for architecture `{architecture}`, expected `all` or one of: {known}")]
    Architecture {
        /// The file.
        name: String,
        /// Its architecture.
        architecture: String,
        /// What the archive has.
        known: String,
    },
    /// A control paragraph is none, or of another package.
    #[error("control of `{name}`: expected {expected}, got `{got}`")]
    Control {
        /// The file.
        name: String,
        /// What should be there.
        expected: String,
        /// What is there.
        got: String,
    },
    /// Two different files of one package, version and architecture.
    #[error(
        "expected one file of `{package}` {version} ({architecture}), got two with different content\n\
         hint: publish them in two archives, or only the later one"
    )]
    Twice {
        /// The package.
        package: String,
        /// Its version.
        version: String,
        /// Its architecture.
        architecture: String,
    },
    /// A pool file's name is taken by other bytes.
    #[error(
        "`{path}` is in the pool with SHA-256 {there}, and shall be {new} now; pool files never change\n\
         hint: give the package another version, or publish to another directory"
    )]
    OtherBytes {
        /// The path.
        path: String,
        /// What is there.
        there: Sha256,
        /// What was to be written.
        new: Sha256,
    },
    /// A variant that the archive does not have, or of another architecture.
    #[error(
        "`{name}` is of variant `{variant}`, expected {expected}\n\
         hint: publish it with the variant that it was built for"
    )]
    Variant {
        /// The file.
        name: String,
        /// Its variant.
        variant: String,
        /// What the archive has.
        expected: String,
    },
    /// What is published lies in the future.
    #[error(
        "the archive was published {ahead} seconds after now, by this machine's clock; a date in the future is refused \
         by apt\nhint: set the clock of this machine, or wait"
    )]
    Clock {
        /// So many seconds.
        ahead: i64,
    },
}
