//! What is installed before any build-dependency: the Essential packages, and what else each build has.

use crate::core::build::CHROOT_PACKAGES;
use crate::core::install::installer::Installer;
use crate::core::install::refusal::Refusal;
use crate::core::install::universe::{Architectures, Universe};

/// What every build starts from.
#[derive(Debug, Default)]
pub struct Base<'a> {
    /// The relations that say what there is beside the Essential packages.
    pub(super) fields: Vec<&'a [u8]>,
    pub(super) essential: Vec<u32>,
    /// The packages, in the order they were taken.
    pub packages: Vec<u32>,
    /// Why it cannot be installed; `packages` are then as much as can be had.
    pub refusal: Option<Refusal>,
}

/// What `Base::new` takes for verdicts as Policy and dose-builddebcheck have them: `build-essential`, and for a cross
/// build what makes its compilers.
pub fn build_essential(architectures: Architectures<'_>) -> String {
    if architectures.build == architectures.host {
        return "build-essential:native".to_owned();
    }
    format!("build-essential:native, crossbuild-essential-{}:native", architectures.host)
}

impl<'a> Base<'a> {
    /// The Essential packages, what `fields` ask for on the architecture that builds run on, and all they need.
    pub fn new(universe: &Universe<'a>, fields: &[&'a str]) -> Base<'a> {
        let fields = fields.iter().map(|field| field.as_bytes()).collect();
        let mut base = Base { fields, essential: universe.essential(), packages: Vec::new(), refusal: None };
        let nothing = Base::default();
        let mut installer = Installer::new(universe, &nothing);
        match installer.install_base(&base) {
            Ok(packages) => base.packages = packages,
            Err(refusal) => {
                base.refusal = Some(no_packages(universe).unwrap_or(refusal));
                base.packages = installer.what_there_is_of(&base);
            }
        }
        base
    }

    /// What a chroot for building has: the Essential packages, apt, and what builds need besides.
    pub fn of_chroot(universe: &Universe<'a>) -> Base<'a> {
        Base::of_chroot_with(universe, &[])
    }

    /// The same with more packages of the architecture that builds run on: the compilers of cross builds.
    pub fn of_chroot_with(universe: &Universe<'a>, more: &[&'a str]) -> Base<'a> {
        Base::new(universe, &[&["apt"][..], &CHROOT_PACKAGES, more].concat())
    }
}

/// The better word where the indexes have nothing for the architecture at all.
fn no_packages(universe: &Universe<'_>) -> Option<Refusal> {
    let architecture = universe.architectures().build;
    let mut there: Vec<&str> = universe.packages.iter().map(|package| package.architecture).collect();
    there.sort_unstable();
    there.dedup();
    (!there.contains(&architecture)).then(|| Refusal::NoPackages {
        architecture: architecture.to_owned(),
        there: there.into_iter().map(str::to_owned).collect(),
    })
}
