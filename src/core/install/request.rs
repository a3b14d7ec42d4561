//! What is asked: the relations of one source package, and how they are read.

use crate::core::debian::sources::Source;

/// Which halves of a source package are to be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Half {
    /// What is for one architecture: `Build-Depends` and `Build-Depends-Arch`.
    Arch,
    /// What is for all of them: `Build-Depends` and `Build-Depends-Indep`.
    Indep,
    /// All of it at once.
    Both,
}

/// Which alternatives of a build-dependency count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Alternatives {
    /// Each of them, as Policy has it.
    Any,
    /// The first that holds here, and those of the same name and qualifier, as sbuild's resolver has it.
    First,
}

/// What one source package wants for its build, and what it wants away.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// `Build-Depends` and the like.
    pub depends: [&'a [u8]; 3],
    /// `Build-Conflicts` and the like.
    pub conflicts: [&'a [u8]; 3],
    /// The build profiles that are switched on.
    pub profiles: &'a [&'a str],
    /// Which alternatives count.
    pub alternatives: Alternatives,
}

impl Half {
    /// What a job for an architecture, or for `all`, builds.
    pub fn of_job(architecture: &str) -> Half {
        if architecture == "all" { Half::Indep } else { Half::Arch }
    }
}

impl<'a> Request<'a> {
    /// What a source package asks for.
    pub fn of(source: &Source<'a>, half: Half, profiles: &'a [&'a str], alternatives: Alternatives) -> Request<'a> {
        let chosen = |both: &'a [u8], arch: &'a [u8], indep: &'a [u8]| match half {
            Half::Arch => [both, arch, b""],
            Half::Indep => [both, b"", indep],
            Half::Both => [both, arch, indep],
        };
        Request {
            depends: chosen(source.build_depends, source.build_depends_arch, source.build_depends_indep),
            conflicts: chosen(source.build_conflicts, source.build_conflicts_arch, source.build_conflicts_indep),
            profiles,
            alternatives,
        }
    }

    /// What one field asks for.
    pub fn of_field(field: &'a [u8], alternatives: Alternatives) -> Request<'a> {
        Request { depends: [field, b"", b""], conflicts: [b""; 3], profiles: &[], alternatives }
    }
}
