//! What decides a job's result, as one hash: a result with the same inputs need not be built again.

use std::collections::BTreeMap;

use crate::core::ids::{ChrootKey, InputsHash, Sha256};
use crate::core::install::base::Base;
use crate::core::install::installer::Installed;
use crate::core::install::universe::Universe;

/// The key of the chroot that holds what is in `chroot` (see [`Base::of_chroot`]).
pub fn chroot_key(universe: &Universe<'_>, chroot: &Base<'_>, architecture: &str) -> ChrootKey {
    let hashes = hashes(universe, chroot.packages.iter());
    ChrootKey(Sha256::of(format!("cloudbuild chroot 1\n{architecture}\n{hashes}").as_bytes()))
}

/// The hash of what decides the result: the source's `.dsc` (which names its files by hash), the architecture, the
/// environment, the version where it has a suffix, and every package that gets installed, by content. A build that is repeated to see how much its results
/// vary counts its repeats, so that the first one's result does not stand for the others.
pub fn inputs(
    universe: &Universe<'_>,
    chroot: &Base<'_>,
    installed: &Installed,
    dsc: &Sha256,
    architecture: &str,
    (environment, version): (&BTreeMap<String, String>, Option<&str>),
    repeat: u32,
) -> InputsHash {
    let environment: String = environment.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect();
    let kept = chroot.packages.iter().filter(|package| !installed.without.contains(package));
    let hashes = hashes(universe, kept.chain(&installed.packages));
    let version = version.map(|version| format!("version {version}\n")).unwrap_or_default();
    let repeat = if repeat > 1 { format!("repeat {repeat}\n") } else { String::new() };
    let text = format!("cloudbuild inputs 1\n{dsc}\n{architecture}\n{environment}\n{version}{repeat}{hashes}");
    InputsHash(Sha256::of(text.as_bytes()))
}

/// The hashes of packages, sorted, one a line.
fn hashes<'p>(universe: &Universe<'_>, packages: impl Iterator<Item = &'p u32>) -> String {
    let mut hashes: Vec<Sha256> = packages.map(|&number| universe.package(number).sha256).collect();
    hashes.sort_unstable();
    hashes.iter().map(|hash| format!("{hash}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::stanza;
    use crate::core::debian::packages;
    use crate::core::install::installer::Installer;
    use crate::core::install::request::{Alternatives, Request};
    use crate::core::install::universe::Architectures;

    fn check(versions: [&str; 2], wanted: &str, environment: &[(&str, &str)]) -> (ChrootKey, InputsHash) {
        let text = [
            stanza("apt", "1", ""),
            stanza("fakeroot", "1", ""),
            stanza("build-essential", versions[0], ""),
            stanza("libx-dev", versions[1], ""),
        ]
        .concat();
        let (packages, _) = packages::read(text.as_bytes());
        let universe = Universe::new(&packages, Architectures::native("amd64"));
        let chroot = Base::of_chroot(&universe);
        assert_eq!(chroot.refusal, None);
        let request = Request::of_field(wanted.as_bytes(), Alternatives::First);
        let installed = Installer::new(&universe, &chroot).check(&request).unwrap();
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let dsc = Sha256::of(b"dsc");
        (
            chroot_key(&universe, &chroot, "amd64"),
            inputs(&universe, &chroot, &installed, &dsc, "amd64", (&environment, None), 1),
        )
    }

    #[test]
    fn a_build_dependency_changes_the_inputs_and_not_the_chroot() {
        let (before, after) = (check(["1", "1"], "libx-dev", &[]), check(["1", "2"], "libx-dev", &[]));
        assert_eq!(before.0, after.0);
        assert_ne!(before.1, after.1);
    }

    #[test]
    fn a_package_that_is_not_installed_changes_nothing() {
        assert_eq!(check(["1", "1"], "apt", &[]), check(["1", "2"], "apt", &[]));
    }

    #[test]
    fn what_is_in_the_chroot_and_the_environment_count() {
        let plain = check(["1", "1"], "", &[]);
        assert_ne!(plain.0, check(["2", "1"], "", &[]).0);
        assert_ne!(plain.1, check(["2", "1"], "", &[]).1);
        assert_ne!(plain.1, check(["1", "1"], "", &[("DEB_BUILD_OPTIONS", "nocheck")]).1);
    }
}
