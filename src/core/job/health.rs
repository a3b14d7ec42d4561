//! When a builder is at fault rather than what it builds: it fails one package after the other.

use serde::{Deserialize, Serialize};

use super::Fault;

/// So many failures in a row, and a builder gets no more work.
pub const FAILURES: u32 = 5;

/// Over at least so many packages: one that fails everywhere says nothing of its builder.
pub const PACKAGES: usize = 3;

/// What a builder did lately.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Health {
    /// Failures since it last built something.
    pub failures: u32,
    /// The source packages that they were of.
    pub packages: Vec<String>,
}

/// How an attempt ended, as far as it tells something of its builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended<'a> {
    /// It built.
    Built,
    /// It did not, or the builder was lost.
    Failed {
        /// Whose fault.
        fault: Fault,
        /// The source package.
        source: &'a str,
    },
}

/// The builder's health after an attempt, and why it is drained if it is. Packages' own faults only count where another
/// builder is at work: with one alone, what fails one after the other may well be the packages.
pub fn after(before: &Health, ended: Ended<'_>, others: bool) -> (Health, Option<String>) {
    let Ended::Failed { fault, source } = ended else { return (Health::default(), None) };
    let counts = match fault {
        Fault::Infrastructure => true,
        Fault::Package | Fault::Unknown => others,
    };
    if !counts {
        return (before.clone(), None);
    }
    let mut health = Health { failures: before.failures.saturating_add(1), packages: before.packages.clone() };
    if !health.packages.iter().any(|package| package == source) && health.packages.len() < PACKAGES {
        health.packages.push(source.to_owned());
    }
    let drained = health.failures >= FAILURES && health.packages.len() >= PACKAGES;
    let reason = drained.then(|| {
        let packages = health.packages.join("`, `");
        format!("{} failures in a row, of `{packages}` among others", health.failures)
    });
    (health, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The health after failures of these packages, and after how many of them the builder was drained.
    fn check(fault: Fault, others: bool, sources: &[&str]) -> (Health, Option<usize>) {
        let mut health = Health::default();
        for (number, source) in sources.iter().enumerate() {
            let (next, reason) = after(&health, Ended::Failed { fault, source }, others);
            health = next;
            if reason.is_some() {
                return (health, Some(number + 1));
            }
        }
        (health, None)
    }

    #[test]
    fn five_failures_in_a_row_over_three_packages_drain_a_builder() {
        assert_eq!(check(Fault::Infrastructure, false, &["a", "b", "c", "a", "b", "c"]).1, Some(5));
        assert_eq!(check(Fault::Infrastructure, false, &["a", "b", "a", "b", "a", "b", "c"]).1, Some(7));
        assert_eq!(check(Fault::Package, true, &["a", "b", "c", "d", "e"]).1, Some(5));
    }

    #[test]
    fn one_package_never_drains_a_builder_and_packages_never_drain_the_only_one() {
        assert_eq!(check(Fault::Infrastructure, true, &["a"; 50]).1, None);
        assert_eq!(check(Fault::Package, false, &["a", "b", "c", "d", "e", "f"]), (Health::default(), None));
    }

    #[test]
    fn a_build_that_succeeds_clears_the_builder() {
        let (bad, _) = check(Fault::Infrastructure, true, &["a", "b", "c", "d"]);
        assert_eq!(bad.failures, 4);
        assert_eq!(after(&bad, Ended::Built, true), (Health::default(), None));
    }
}
