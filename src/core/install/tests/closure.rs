//! What of a request there is, where an order is made before all of it is built.

use super::cases::index;
use super::read;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};

fn check(lines: &[&str], depends: &str) -> (Vec<String>, Vec<String>) {
    let text = index(&[&["apt 1", "build-essential 1", "fakeroot 1"][..], lines].concat());
    let packages = read(&text);
    let universe = Universe::new(&packages, Architectures::native("amd64"));
    let base = Base::of_chroot(&universe);
    assert_eq!(base.refusal, None);
    let request = Request::of_field(depends.as_bytes(), Alternatives::First);
    let closure = Installer::new(&universe, &base).closure(&request);
    let mut names: Vec<String> =
        closure.packages.iter().map(|&number| universe.package(number).name.to_owned()).collect();
    names.sort();
    (names, closure.missing.iter().map(ToString::to_string).collect())
}

#[test]
fn what_there_is_is_taken_and_what_is_missing_is_named() {
    let (names, missing) = check(&["a 1; Depends: b, x", "b 1"], "a, y (>= 2), b");
    assert_eq!(names, ["a", "b"]);
    assert_eq!(missing, ["needs y (>= 2), which is not there", "needs x, which is not there"]);
}

#[test]
fn packages_that_exclude_each_other_are_taken_both_unless_an_alternative_is_free() {
    assert_eq!(check(&["a 1; Conflicts: b", "b 1"], "a, b").0, ["a", "b"]);
    assert_eq!(check(&["a 1; Conflicts: b", "b 1", "c 1; Depends: b | d", "d 1"], "a, c").0, ["a", "c", "d"]);
}
