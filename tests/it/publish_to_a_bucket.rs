//! `cb.s3` in recipes: what it takes, and what it says of what it does not take.

use crate::harness::Place;

/// What `cloudbuild recipe check` says of a recipe that publishes there.
fn check(to: &str) -> String {
    let text = format!(
        "local cb = require \"cloudbuild\"\nreturn cb.campaign \"x\" {{ packages = {{ \"a\" }}, publish = {to} }}\n"
    );
    let place = Place::with_recipe("x.lua", &text);
    let ran = place.cloudbuild(&["recipe", "check", "x.lua"]).run();
    format!("{}{}", ran.stdout, ran.stderr)
}

#[test]
fn a_place_in_a_bucket_is_checked_where_it_is_written() {
    let all = [
        ("cb.s3 \"archive\"", "`cb.s3`: expected a URL that begins with `s3://`, got `archive`"),
        ("cb.s3 \"s3://UP\"", "`cb.s3`: expected a bucket's name"),
        (
            "cb.s3 \"s3://archive\" { endpoint = \"s3.example.org\" }",
            "`endpoint`: expected a URL that begins with `http",
        ),
        ("cb.s3 \"s3://archive\" { endpoint = \"http://me:word@s3.example.org\" }", "without a user and a password"),
        ("cb.s3 \"s3://archive\" { every = \"soon\" }", "`every`: expected a time of at least a second, got `soon`"),
        ("cb.s3 \"s3://archive\" { acl = \"everybody\" }", "`acl`"),
        ("cb.s3 \"s3://archive\" { secret = \"x\" }", "`cb.s3` has no option `secret`"),
    ];
    for (to, expected) in all {
        let said = check(to);
        assert!(said.contains(expected) && said.contains("hint:"), "{to}: {said}");
    }
    let good = check(
        "cb.s3 \"s3://archive/acme\" { endpoint = \"http://s3.example.org\", suite = \"x\", every = \"30 min\" }",
    );
    assert!(!good.contains("expected"), "{good}");
}
