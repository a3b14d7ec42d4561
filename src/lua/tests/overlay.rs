//! Overlays as recipes name them.

use std::sync::Arc;

use super::messages::message;
use super::{Fake, load_text, run_with};
use crate::core::recipe::overlay::{Overlay, OverlayKind};
use crate::core::recipe::{AptSources, Request};

fn imported(options: &str) -> Vec<Request> {
    let text = format!(
        "local cb = require \"cloudbuild\"\nreturn cb.recipe {{ run = function(cb)\n  cb.import {options}\nend }}"
    );
    let fake = Arc::<Fake>::default();
    run_with(&load_text(&text).unwrap(), &fake).unwrap();
    fake.requests.lock().unwrap().clone()
}

#[test]
fn overlays_are_named_by_their_files_and_may_come_first() {
    let requests = imported(
        "{ overlay = { cb.source_package \"x.dsc\" { first = true }, cb.source_tree \"u-boot\", cb.binary_package \"y.deb\" } }",
    );
    let [Request::Import(request)] = requests.as_slice() else { panic!("{requests:?}") };
    let expected = |kind, path: &str, first| {
        let path = std::path::absolute(path).unwrap();
        Overlay { kind, path, first, suffix: None }
    };
    assert_eq!(
        request.overlay,
        [
            expected(OverlayKind::SourcePackage, "x.dsc", true),
            expected(OverlayKind::SourceTree, "u-boot", false),
            expected(OverlayKind::BinaryPackage, "y.deb", false),
        ]
    );
}

#[test]
fn one_source_package_is_imported_by_its_dsc() {
    let requests = imported("{ dsc = \"x.dsc\" }");
    let [Request::Import(request)] = requests.as_slice() else { panic!("{requests:?}") };
    assert_eq!(request.sources, AptSources::SourcePackage { path: std::path::absolute("x.dsc").unwrap() });
}

#[test]
fn what_makes_no_sense_is_said() {
    let check = |body: &str| message(&format!("local cb = require \"cloudbuild\"\nreturn {body}"));
    let error = check("cb.source_package \"x.dsc\" { frist = true }");
    assert!(error.contains("`cb.source_package` has no option `frist`") && error.contains("did you mean `first`?"));
    let error = check("cb.source_tree \"x\" { suffix = \"-1\" }");
    assert!(
        error.contains("`suffix`: expected `+`, `~` or `.`, then letters") && error.contains("got string `-1`"),
        "{error}"
    );
    let error = check("cb.binary_package \"x.deb\" { first = true }");
    assert!(error.contains("expected a function to call, got a value of kind `overlay`"), "{error}");
    let error = check("cb.source_tree(3)");
    assert!(error.contains("`cb.source_tree`: expected a file's path, got number 3"), "{error}");
    let run = |options: &str| check(&format!("cb.recipe {{ run = function(cb)\n  cb.import {options}\nend }}"));
    let error = run("{ sources = cb.apt.system(), dsc = \"x.dsc\" }");
    assert!(error.contains("expected `sources` or `dsc`, got both") && error.contains("hint: `overlay = "), "{error}");
    let error = run("{ overlay = { \"x.dsc\" } }");
    assert!(error.contains("`overlay[1]`: expected an overlay such as `cb.source_package"), "{error}");
}
