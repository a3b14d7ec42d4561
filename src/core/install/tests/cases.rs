//! Each feature of dependencies with the answer that dpkg and apt give, as tables; also asked of dose-builddebcheck.

/// One line: the archive (see `index`), the build-dependencies, and what gets installed (`None`: it cannot be).
pub type Case = (&'static [&'static str], &'static str, Option<&'static str>);

/// Lines that are asked in the same way.
#[derive(Clone, Copy)]
pub struct Table {
    /// The architecture that is built for, on amd64.
    pub host: &'static str,
    /// Whether only first alternatives count.
    pub first: bool,
    /// Build profiles.
    pub profiles: &'static [&'static str],
    /// `Build-Conflicts`
    pub conflicts: &'static str,
    /// The lines.
    pub cases: &'static [Case],
}

const PLAIN: Table = Table { host: "amd64", first: false, profiles: &[], conflicts: "", cases: &[] };
/// What every archive has beside its own lines.
pub const BASE: [&str; 3] = ["build-essential 1", "dpkg 1; Essential: yes", "crossbuild-essential-armel 1 all"];

/// The text of an index. One line a package: `NAME VERSION ARCHITECTURE`, then fields, each after a `;`.
pub fn index(lines: &[&str]) -> String {
    let stanza = |line: &&str| {
        let mut parts = line.split(';').map(str::trim);
        let mut words = parts.next().unwrap().split(' ');
        let (name, version) = (words.next().unwrap(), words.next().unwrap_or("1"));
        let architecture = words.next().unwrap_or("amd64");
        let fields: String = parts.map(|field| format!("{field}\n")).collect();
        format!(
            "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\n{fields}Filename: x\nSize: 1\n\
             SHA256: {}\n\n",
            "0".repeat(64)
        )
    };
    lines.iter().map(stanza).collect()
}

const TWO: &[&str] = &["a 1", "b 1"];
const THREE: &[&str] = &["a 1; Depends: b | c", "b 1", "c 1"];

/// Version relations, alternatives and Provides.
pub const VERSIONS: Table = Table {
    cases: &[
        (&["a 1:2.0-1"], "a (>= 2.0)", Some("a")),
        (&["a 2.0~rc1"], "a (>= 2.0)", None),
        (&["a 2"], "a (<< 2)", None),
        (&["a 2"], "a (<= 2), a (= 0:2)", Some("a")),
        (&["a 2"], "a (>> 1), a (< 2)", Some("a")),
        (&["a 1", "b 1"], "x | b | a", Some("b")),
        (&["a 1", "b 1", "c 1; Depends: a"], "b | a, c", Some("a c")),
        (&["a 1; Depends: x", "b 1"], "a | b", Some("b")),
        (&["a 1; Provides: v"], "v", Some("a")),
        (&["a 1; Provides: v"], "v (>= 1)", None),
        (&["a 1; Provides: v (= 2)"], "v (>= 2)", Some("a")),
        (&["a 1; Provides: v (= 2)"], "v (>> 2)", None),
        (&["a 1; Provides: v", "v 1"], "v", Some("v")),
        (&["a 1; Provides: v (= 3)", "v 1"], "v (>= 2)", Some("a")),
    ],
    ..PLAIN
};

/// What is needed in turn, Pre-Depends included.
pub const CHAINS: Table = Table {
    cases: &[
        (&["a 1; Depends: b", "b 1; Pre-Depends: c", "c 1", "d 1"], "a", Some("a b c")),
        (&["a 1; Depends: b", "b 1; Depends: a"], "a", Some("a b")),
        (&["a 1; Depends: b", "b 1; Pre-Depends: c"], "a", None),
        (&["a 1; Recommends: x"], "a", Some("a")),
    ],
    ..PLAIN
};

/// Conflicts and Breaks, which exclude, and Replaces, which does not.
pub const EXCLUSIONS: Table = Table {
    cases: &[
        (&["a 1; Conflicts: b", "b 1"], "a, b", None),
        (&["a 1; Breaks: b", "b 1"], "b, a", None),
        (&["a 1; Breaks: b (<< 2)", "b 1"], "a, b", None),
        (&["a 1; Breaks: b (<< 2)", "b 2"], "a, b", Some("a b")),
        (&["a 1; Replaces: b", "b 1"], "a, b", Some("a b")),
        (&["a 1; Conflicts: v; Provides: v", "b 1; Provides: v"], "a", Some("a")),
        (&["a 1; Conflicts: v; Provides: v", "b 1; Provides: v"], "a, b", None),
        (&["a 1; Conflicts: v (<< 2)", "b 1; Provides: v"], "a, b", Some("a b")),
        (&["a 1; Conflicts: v (<< 2)", "b 1; Provides: v (= 1)"], "a, b", None),
        (&["a 1; Conflicts: b:i386", "b 1"], "a, b", Some("a b")),
        (&["a 1; Conflicts: a"], "a", Some("a")),
        // Only the second alternative goes with what else is wanted, far from where it is chosen.
        (&["a 1; Depends: b | c", "b 1; Depends: d", "c 1", "d 1; Conflicts: e", "e 1"], "a, e", Some("a c e")),
        (&["a 1; Conflicts: dpkg"], "a", None),
    ],
    ..PLAIN
};

/// Lists of architectures and of profiles, none of which is switched on.
pub const RESTRICTIONS: Table = Table {
    cases: &[
        (TWO, "a [amd64], x [i386], b [linux-any]", Some("a b")),
        (TWO, "x [!amd64], a [!armel !armhf]", Some("a")),
        (TWO, "x [i386] | a", Some("a")),
        (TWO, "a <!nocheck>, x <cross>", Some("a")),
        (TWO, "x <stage1> <!nodoc !nocheck>", None),
        (TWO, "x (>= 2) <stage1 !nodoc>, b", Some("b")),
    ],
    ..PLAIN
};

/// Profiles that are switched on.
pub const PROFILES: Table = Table {
    profiles: &["nocheck"],
    cases: &[
        (TWO, "x <!nocheck>, a <nocheck>, b <!stage1> <cross>", Some("a b")),
        (TWO, "a <!nodoc !nocheck>", Some("")),
    ],
    ..PLAIN
};

/// Build-Conflicts, each a table of its own.
pub const BANS: [Table; 5] = [
    Table { conflicts: "b", cases: &[(THREE, "a", Some("a c"))], ..PLAIN },
    Table { conflicts: "b (>> 1), c [i386], x", cases: &[(THREE, "a", Some("a b"))], ..PLAIN },
    Table { conflicts: "b, c", cases: &[(THREE, "a", None)], ..PLAIN },
    Table { conflicts: "b <stage1>", cases: &[(THREE, "a", Some("a b")), (THREE, "", Some(""))], ..PLAIN },
    Table { conflicts: "dpkg", cases: &[(THREE, "", None)], ..PLAIN },
];

/// Only first alternatives, and those of the same name and qualifier.
pub const FIRST: Table = Table {
    first: true,
    cases: &[
        (&["a 1", "b 1"], "x | a", None),
        (&["a 1", "b 1"], "x [i386] | b | a", Some("b")),
        (&["a 1"], "a (>= 2) | a (<< 1.5)", Some("a")),
        (&["a 1; Multi-Arch: allowed"], "a:any (>= 2) | a (<< 1.5)", None),
        (&["a 1", "b 1"], "x <stage1> | a", Some("a")),
        // What packages need is not a build-dependency: all of its alternatives count.
        (&["a 1; Depends: x | b", "b 1"], "a", Some("a b")),
    ],
    ..PLAIN
};

/// `:any`, `:native` and architectures by name.
pub const QUALIFIERS: Table = Table {
    cases: &[
        (&["a 1; Multi-Arch: allowed"], "a:any", Some("a")),
        (&["a 1; Multi-Arch: foreign"], "a:any", None),
        (&["a 1"], "a:any", None),
        (&["a 1; Multi-Arch: allowed; Provides: v"], "v:any", Some("a")),
        (&["a 1"], "a:native, a:amd64", Some("a")),
        (&["a 1 all"], "a:native", Some("a")),
        (&["a 1"], "a:armel", None),
    ],
    ..PLAIN
};

/// Building on amd64 for armel.
pub const CROSS: Table = Table {
    host: "armel",
    cases: &[
        (&["a 1", "a 1 armel"], "a", Some("a:armel")),
        (&["a 1"], "a", None),
        (&["a 1 armel"], "a:native", None),
        (&["a 1", "a 1 armel"], "a:native", Some("a")),
        (&["a 1; Multi-Arch: foreign"], "a", Some("a")),
        (&["a 1; Multi-Arch: foreign", "a 1 armel; Multi-Arch: foreign"], "a", Some("a")),
        (&["a 1; Multi-Arch: allowed"], "a:any", Some("a")),
        (&["a 1; Multi-Arch: allowed"], "a", None),
        // A package for all architectures counts as one of that which the build runs on.
        (&["a 1 all"], "a", None),
        (&["a 1 all; Multi-Arch: foreign"], "a", Some("a")),
        (&["a 1 all; Depends: b; Multi-Arch: foreign", "b 1 armel"], "a", None),
        (&["a 1 armel; Depends: b", "b 1", "b 1 armel"], "a", Some("a:armel b:armel")),
        (&["a 1 armel; Depends: b:amd64", "b 1"], "a", Some("a:armel b")),
        // One name for two architectures: only where both are `same`, and of one version.
        (&["a 1; Multi-Arch: same", "a 1 armel; Multi-Arch: same"], "a, a:native", Some("a a:armel")),
        (&["a 1; Multi-Arch: same", "a 2 armel; Multi-Arch: same"], "a, a:native", None),
        (&["a 1", "a 1 armel"], "a, a:native", None),
        (&["a 1; Multi-Arch: same", "a 1 armel"], "a, a:native", None),
        // Conflicts mean all architectures unless they name one, and never the package itself.
        (&["a 1 armel; Conflicts: b", "b 1"], "a, b:native", None),
        (&["a 1 armel; Conflicts: b:armel", "b 1"], "a, b:native", Some("a:armel b")),
        (
            &[
                "a 1; Multi-Arch: same; Conflicts: v; Provides: v",
                "a 1 armel; Multi-Arch: same; Conflicts: v; Provides: v",
            ],
            "a, a:native",
            Some("a a:armel"),
        ),
        (&["a 1; Provides: v; Multi-Arch: foreign"], "v", Some("a")),
        (&["a 1; Provides: v"], "v", None),
        (&["a 1 armel"], "a [armel], x [amd64]", Some("a:armel")),
    ],
    ..PLAIN
};
