//! What comes after what, and how loops are broken, from small archives.

use proptest::prelude::*;

use super::text;
use super::*;
use crate::core::archive::tests::{stanza, suite};
use crate::core::debian::{packages, sources};
use crate::core::ids::{ImportId, Sha256};
use crate::core::pinned::{PinnedSuite, Role};
use crate::core::recipe::OrderResult;

/// A stanza of a Sources index.
pub fn source(name: &str, architecture: &str, build_depends: &str, binaries: &str) -> String {
    format!(
        "Package: {name}\nVersion: 1\nArchitecture: {architecture}\nBinary: {binaries}\nBuild-Depends: {build_depends}\n\n"
    )
}

const CHROOT: &str = "apt build-essential fakeroot";

fn upstream(more: &[String]) -> String {
    let base: String = CHROOT.split(' ').map(|name| stanza(name, "1", "")).collect();
    base + &more.concat()
}

/// The sources of an index.
pub fn records<'a>(text: &'a str, suite: &'a PinnedSuite) -> Vec<SourceRecord<'a>> {
    let (sources, malformed) = sources::read(text.as_bytes());
    assert_eq!(malformed, []);
    sources.into_iter().map(|source| SourceRecord { suite, component: "main", source }).collect()
}

fn check_with(sources: &[String], binaries: &[String], profiles: &[&str], older_binaries: bool) -> Order {
    let suite = suite("trixie", Role::Distribution, false);
    let (text, index) = (sources.concat(), upstream(binaries));
    let (packages, malformed) = packages::read(index.as_bytes());
    assert_eq!(malformed, []);
    let first = FxHashSet::default();
    let options = Options { architecture: "amd64", profiles, older_binaries, first: &first, history: &|_, _| None };
    order(&records(&text, &suite), &packages, &options)
}

fn check(sources: &[String], binaries: &[String]) -> Order {
    check_with(sources, binaries, &LOOP_PROFILES, true)
}

fn jobs(order: &Order) -> Vec<String> {
    let name = |number: &u32| text::named(&order.jobs[*number as usize - 1]);
    let line = |job: &OrderedJob| {
        let with = job.profiles.iter().map(|profile| format!(" with {profile}")).collect::<String>();
        format!("{} after [{}]{with}", text::named(job), job.after.iter().map(name).collect::<Vec<_>>().join(" "))
    };
    order.jobs.iter().map(line).collect()
}

fn edges(order: &Order) -> Vec<String> {
    order.loops.iter().flat_map(|found| &found.edges).map(|edge| text::edge_sentence(edge, &order.jobs)).collect()
}

#[test]
fn a_source_comes_after_the_one_whose_binaries_its_build_dependencies_need() {
    let sources = [source("app", "any", "libx-dev", "app"), source("libc", "any", "", "libc6")];
    let binaries = [stanza("libx-dev", "1", "Depends: libc6\n"), stanza("libc6", "1", "Source: libc\n")];
    let order = check(&sources, &binaries);
    assert_eq!(jobs(&order), ["libc:amd64 after []", "app:amd64 after [libc:amd64]"]);
}

#[test]
fn what_no_index_has_yet_is_expected_from_the_source_that_builds_it() {
    let sources = [source("app", "any", "libnew-dev (>= 1)", "app"), source("new", "any", "", "libnew1, libnew-dev")];
    let order = check(&sources, &[]);
    assert_eq!(jobs(&order), ["new:amd64 after []", "app:amd64 after [new:amd64]"]);
    assert_eq!(order.unbuildable, []);
}

#[test]
fn what_nobody_has_or_builds_is_told() {
    let order = check(&[source("app", "any", "libgone-dev", "app")], &[]);
    assert_eq!(order.unbuildable, [("app".to_owned(), "needs libgone-dev, which is not there".to_owned())]);
}

#[test]
fn the_architecture_independent_half_is_a_job_of_its_own() {
    let order = check(&[source("a", "any all", "", "a, a-doc"), source("b", "armel", "", "b")], &[]);
    let mut jobs = jobs(&order);
    jobs.sort();
    assert_eq!(jobs, ["a:all after []", "a:amd64 after []"]);
    assert_eq!(order.not_for_here, ["b"]);
}

#[test]
fn an_architecture_independent_package_comes_from_the_job_for_all() {
    let app = source("app", "any", "a-data", "app");
    let data = "Package-List:\n a deb libs optional arch=any\n a-data deb libs optional arch=all\n\n";
    let a = source("a", "any all", "", "a, a-data").replace("\n\n", &format!("\n{data}"));
    let all = stanza("a-data", "1", "Source: a\n").replace("Architecture: amd64", "Architecture: all");
    let order = check(&[app.clone(), a], std::slice::from_ref(&all));
    assert!(jobs(&order).contains(&"app:amd64 after [a:all]".to_owned()), "{:?}", jobs(&order));
    // Without a list the index says it.
    let order = check(&[app, source("a", "any all", "", "a, a-data")], &[all]);
    assert!(jobs(&order).contains(&"app:amd64 after [a:all]".to_owned()), "{:?}", jobs(&order));
}

#[test]
fn edges_that_others_stand_for_are_not_said() {
    let sources = [source("a", "any", "", "a"), source("b", "any", "a", "b"), source("c", "any", "a, b", "c")];
    let order = check(&sources, &[stanza("a", "1", ""), stanza("b", "1", "")]);
    assert_eq!(jobs(&order), ["a:amd64 after []", "b:amd64 after [a:amd64]", "c:amd64 after [b:amd64]"]);
    let numbers: Vec<_> = order.jobs.iter().map(|job| (job.estimate, job.priority, job.frees)).collect();
    assert_eq!(numbers, [(20, 60, 2), (20, 40, 1), (20, 20, 0)]);
}

#[test]
fn what_took_long_before_goes_first() {
    let suite = suite("trixie", Role::Distribution, false);
    let (text, index) = ([source("a", "any", "", "a"), source("b", "any", "", "b")].concat(), upstream(&[]));
    let (packages, _) = packages::read(index.as_bytes());
    for slow in ["a", "b"] {
        let history = move |source: &str, arch: &str| (source == slow && arch == "amd64").then_some(900);
        let first = FxHashSet::default();
        let options =
            Options { architecture: "amd64", profiles: &[], older_binaries: true, first: &first, history: &history };
        let order = order(&records(&text, &suite), &packages, &options);
        assert_eq!((order.jobs[0].source.as_str(), order.jobs[0].estimate), (slow, 900));
    }
}

#[test]
fn a_loop_is_broken_by_a_profile_where_one_drops_the_edge() {
    let sources = [source("a", "any", "b-dev <!nocheck>, c <!nodoc>", "a"), source("b", "any", "a", "b-dev")];
    let binaries = ["a", "b-dev", "c"].map(|name| stanza(name, "1", ""));
    let order = check(&sources, &binaries);
    assert_eq!(jobs(&order), ["a:amd64 after [] with nocheck", "b:amd64 after [a:amd64]"]);
    assert_eq!(order.loops[0].sources, ["a", "b"]);
    assert_eq!(edges(&order), ["a:amd64 build-depends on b-dev, built by b:amd64: built with nocheck"]);
    // Which profiles are allowed is said by who asks.
    assert_eq!(edges(&check_with(&sources, &binaries, &["nodoc"], true)).len(), 1);
    assert!(check_with(&sources, &binaries, &["nodoc"], true).jobs.iter().all(|job| job.profiles.is_empty()));
}

#[test]
fn a_profile_that_asks_for_something_else_instead_does_so() {
    let sources =
        [source("a", "any", "b <!stage1>, c <stage1>", "a"), source("b", "any", "a", "b"), source("c", "any", "", "c")];
    let binaries = ["a", "b", "c"].map(|name| stanza(name, "1", ""));
    let order = check_with(&sources, &binaries, &["stage1"], true);
    assert!(jobs(&order).contains(&"a:amd64 after [c:amd64] with stage1".to_owned()), "{:?}", jobs(&order));
    assert_eq!(edges(&order), ["a:amd64 build-depends on b, built by b:amd64: built with stage1"]);
}

#[test]
fn a_profile_that_asks_for_what_comes_after_the_loop_would_only_make_another() {
    let sources = [
        source("a", "any", "b <!stage1>, c <stage1>", "a"),
        source("b", "any", "a", "b"),
        source("c", "any", "a", "c"),
    ];
    let binaries = ["a", "b", "c"].map(|name| stanza(name, "1", ""));
    let order = check_with(&sources, &binaries, &["stage1"], true);
    assert!(order.jobs.iter().all(|job| job.profiles.is_empty()), "{:?}", jobs(&order));
    assert_eq!(edges(&order).len(), 1);
    assert!(edges(&order)[0].ends_with("an older one is taken"));
}

#[test]
fn else_older_binaries_are_taken_or_the_edge_is_told() {
    let sources = [source("a", "any", "x", "a"), source("b", "any", "a", "b")];
    let binaries = [stanza("a", "1", ""), stanza("b", "1", ""), stanza("x", "1", "Depends: b\n")];
    let order = check(&sources, &binaries);
    assert_eq!(order.loops[0].edges.len(), 1);
    let check_one = |older, ends: &str| {
        let order = check_with(&sources, &binaries, &[], older);
        let edges = edges(&order);
        assert!(edges[0].ends_with(ends), "{edges:?}");
    };
    check_one(true, ": an older one is taken");
    check_one(false, ": nothing is there before");
    // What is not there is not taken, whatever is allowed.
    let order = check(&[source("a", "any", "b", "a"), source("b", "any", "a", "b")], &[]);
    assert_eq!(edges(&order).len(), 1);
    assert!(edges(&order)[0].ends_with(": nothing is there before"));
}

#[test]
fn what_every_chroot_has_is_said_to_be_of_the_chroot() {
    let sources = [source("make", "any", "libx-dev", "make"), source("x", "any", "", "libx-dev")];
    let binaries = [
        stanza("libx-dev", "1", "Source: x\n"),
        stanza("make", "1", "Essential: yes\nDepends: perl\n"),
        stanza("perl", "1", ""),
    ];
    let order = check(&sources, &binaries);
    assert_eq!(edges(&order).len(), 1);
    assert!(
        ["x:amd64 is built in a chroot with make, built by make:amd64: an older one is taken"]
            .contains(&edges(&order)[0].as_str()),
        "{:?}",
        edges(&order)
    );
}

/// An archive of sources that each build a package of their own name, with these build-dependencies on each other.
fn archive(needs: &[Vec<(usize, bool)>]) -> (Vec<String>, Vec<String>) {
    let name = |node: usize| format!("p{node}");
    let field = |needs: &Vec<(usize, bool)>| {
        let of = |&(need, check): &(usize, bool)| name(need) + if check { " <!nocheck>" } else { "" };
        needs.iter().map(of).collect::<Vec<_>>().join(", ")
    };
    let sources = needs.iter().enumerate().map(|(node, needs)| source(&name(node), "any", &field(needs), &name(node)));
    (sources.collect(), (0..needs.len()).map(|node| stanza(&name(node), "1", "")).collect())
}

fn graphs(most: usize) -> impl Strategy<Value = Vec<Vec<(usize, bool)>>> {
    (1..most)
        .prop_flat_map(|count| prop::collection::vec(prop::collection::vec((0..count, any::<bool>()), 0..4), count))
}

/// Whether one job comes after another in an order, by the edges that it says.
fn is_after(order: &Order, job: usize, need: usize) -> bool {
    order.jobs[job]
        .after
        .iter()
        .any(|&before| before as usize - 1 == need || is_after(order, before as usize - 1, need))
}

proptest! {
    #[test]
    fn no_job_is_placed_before_what_it_needs_but_for_the_edges_that_are_named(needs in graphs(12)) {
        let (sources, binaries) = archive(&needs);
        let order = check(&sources, &binaries);
        prop_assert_eq!(order.jobs.len(), needs.len());
        let place = |node: usize| order.jobs.iter().position(|job| job.source == format!("p{node}")).unwrap();
        for (node, needs) in needs.iter().enumerate() {
            let job = place(node);
            let nocheck = order.jobs[job].profiles.contains(&"nocheck".to_owned());
            prop_assert!(order.jobs[job].profiles.iter().all(|profile| profile == "nocheck"));
            for &(need, check) in needs.iter().filter(|(need, check)| *need != node && !(*check && nocheck)) {
                let need = place(need);
                let named = order.loops.iter().flat_map(|found| &found.edges)
                    .any(|edge| (edge.job as usize - 1, edge.needs as usize - 1) == (job, need));
                let _ = check;
                prop_assert!(named || (need < job && is_after(&order, job, need)));
            }
        }
    }

    #[test]
    fn loops_that_profiles_can_break_lose_nothing_else(needs in graphs(10)) {
        // Edges to later numbers are dropped by a profile, so without them there is no loop.
        let needs: Vec<Vec<(usize, bool)>> = needs.iter().enumerate()
            .map(|(node, needs)| needs.iter().map(|&(need, _)| (need, need >= node)).collect()).collect();
        let (sources, binaries) = archive(&needs);
        let order = check(&sources, &binaries);
        prop_assert!(order.loops.iter().flat_map(|found| &found.edges).all(|edge| edge.broken_by == BrokenBy::Profiles));
    }

}

#[test]
fn an_order_is_told_in_lines_and_drawn_as_a_graph() {
    let sources = [source("a", "any", "b-dev <!nocheck>", "a"), source("b", "any", "a", "b-dev")];
    let Order { jobs, loops, .. } = check(&sources, &["a", "b-dev"].map(|name| stanza(name, "1", "")));
    let (import, arch) = (ImportId(Sha256::of(b"")), "amd64".to_owned());
    let order = OrderResult { import, arch, jobs: jobs.into(), loops: loops.into(), skipped: Vec::new() };
    let expected = "     1  first  a:amd64  1  takes 20 s, holds up 40 s and 1 job  with nocheck\n     \
                    2  first  b:amd64  1  takes 20 s, holds up 20 s and 0 jobs\n\
                    loop: a, b need each other to be built: 1 edge dropped by build profiles\n      \
                    a:amd64 build-depends on b-dev, built by b:amd64: built with nocheck\n";
    assert_eq!(text::listed(&order, "first"), expected);
    let dot = text::dot(&order);
    assert!(dot.contains("  2 -> 1;\n  1 -> 2 [style=dashed, broken_by=\"profiles\", label=\"b-dev\"];"), "{dot}");
    let graphml = text::graphml(&order);
    assert!(graphml.contains("<edge source=\"n2\" target=\"n1\"/>"), "{graphml}");
    assert_eq!([5, 1200, 11_100].map(text::seconds), ["5 s", "20 min", "3 h 05 min"]);
}

/// Orders sources of a distribution and of an overlay, of which some come first.
fn check_overlay(main: &[String], local: &[String], first: &[&str], binaries: &[String]) -> Order {
    let suites = [suite("trixie", Role::Distribution, false), suite("local", Role::Overlay, false)];
    let (main, local, index) = (main.concat(), local.concat(), upstream(binaries));
    let (packages, _) = packages::read(index.as_bytes());
    let sources: Vec<SourceRecord<'_>> =
        [records(&main, &suites[0]), records(&local, &suites[1])].into_iter().flatten().collect();
    let first = first.iter().copied().collect();
    let profiles = &LOOP_PROFILES;
    order(
        &sources,
        &packages,
        &Options { architecture: "amd64", profiles, older_binaries: true, first: &first, history: &|_, _| None },
    )
}

#[test]
fn an_overlay_that_comes_first_is_built_before_all_others_and_against_what_is_there() {
    let main =
        [source("libc", "any", "", "libc6"), source("app", "any", "libc6", "app"), source("zoo", "any", "", "zoo")];
    let compiler = [source("gcc", "any", "libc6, zoo <!nocheck>", "gcc")];
    let binaries = [stanza("libc6", "1", "Source: libc\n"), stanza("zoo", "1", "")];
    let order = check_overlay(&main, &compiler, &["gcc"], &binaries);
    assert_eq!(
        jobs(&order),
        [
            "gcc:amd64 after []",
            "libc:amd64 after [gcc:amd64]",
            "app:amd64 after [libc:amd64]",
            "zoo:amd64 after [gcc:amd64]"
        ]
    );
    assert_eq!(
        edges(&order),
        [
            "gcc:amd64 build-depends on libc6, built by libc:amd64: it is an overlay, so what is there is taken",
            "gcc:amd64 build-depends on zoo, built by zoo:amd64: it is an overlay, so what is there is taken"
        ]
    );
    assert_eq!(
        text::loop_sentence(&order.loops[0]),
        "gcc of the overlay is built before libc, zoo, which it needs: 2 edges met by what is there"
    );
    // Without that word it is a package like others, and comes after what it needs.
    let order = check_overlay(&main, &compiler, &[], &binaries);
    assert!(jobs(&order).iter().any(|job| job.starts_with("gcc:amd64 after [") && !job.ends_with("[]")), "{order:?}");
    assert_eq!(order.loops, []);
}

#[test]
fn in_a_loop_the_overlay_gives_way_so_that_nobody_is_built_against_what_it_supersedes() {
    for (one, other) in [("a", "b"), ("b", "a")] {
        let main = [source(one, "any", &format!("lib{other}"), &format!("lib{one}"))];
        let local = [source(other, "any", &format!("lib{one}"), &format!("lib{other}"))];
        let binaries = ["a", "b"].map(|name| stanza(&format!("lib{name}"), "1", &format!("Source: {name}\n")));
        let order = check_overlay(&main, &local, &[], &binaries);
        assert_eq!(jobs(&order), [format!("{other}:amd64 after []"), format!("{one}:amd64 after [{other}:amd64]")]);
        assert_eq!(order.loops[0].edges[0].broken_by, BrokenBy::Overlay);
    }
}
