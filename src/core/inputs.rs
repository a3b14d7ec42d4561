//! What decides a job's result, as one hash: a result with the same inputs need not be built again.

use std::collections::BTreeMap;

use crate::core::ids::{ChrootKey, InputsHash, Sha256};
use crate::core::order::closure::{Closure, Universe};

/// The key of the chroot that holds what is in `closure` (see [`Closure::of_chroot`]).
pub fn chroot_key(universe: &Universe<'_>, closure: &Closure<'_, '_>, architecture: &str) -> ChrootKey {
    ChrootKey(Sha256::of(format!("cloudbuild chroot 1\n{architecture}\n{}", installed(universe, closure)).as_bytes()))
}

/// The hash of what decides the result: the source's `.dsc` (which names its files by hash), the architecture, the
/// environment, and every package that gets installed, by content.
pub fn inputs(
    universe: &Universe<'_>,
    closure: &Closure<'_, '_>,
    dsc: &Sha256,
    architecture: &str,
    environment: &BTreeMap<String, String>,
) -> InputsHash {
    let environment: String = environment.iter().map(|(name, value)| format!("{name}={value:?}\n")).collect();
    let text = format!("cloudbuild inputs 1\n{dsc}\n{architecture}\n{environment}\n{}", installed(universe, closure));
    InputsHash(Sha256::of(text.as_bytes()))
}

/// The hashes of what is in a closure, sorted, one a line.
fn installed(universe: &Universe<'_>, closure: &Closure<'_, '_>) -> String {
    let mut hashes: Vec<Sha256> = closure.packages.iter().map(|&number| universe.package(number).sha256).collect();
    hashes.sort_unstable();
    hashes.iter().map(|hash| format!("{hash}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::stanza;
    use crate::core::debian::packages;

    fn check(versions: [&str; 2], wanted: &str, environment: &[(&str, &str)]) -> (ChrootKey, InputsHash) {
        let text =
            [stanza("apt", "1", ""), stanza("build-essential", versions[0], ""), stanza("libx-dev", versions[1], "")]
                .concat();
        let (packages, _) = packages::read(text.as_bytes());
        let universe = Universe::new(&packages, "amd64");
        let chroot = Closure::of_chroot(&universe);
        let mut closure = chroot.fork();
        closure.add(wanted.as_bytes(), &[]);
        let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let dsc = Sha256::of(b"dsc");
        (chroot_key(&universe, &chroot, "amd64"), inputs(&universe, &closure, &dsc, "amd64", &environment))
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
