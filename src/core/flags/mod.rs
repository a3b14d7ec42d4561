//! Compiler flags and build options: what cells, variants and rules ask for, and the environment that comes of it.
//!
//! dpkg-buildflags(1) knows no "replace": at the level of the environment there are `DEB_flag_STRIP`, `DEB_flag_APPEND`
//! and `DEB_flag_PREPEND`. A replacement is a strip and an append.
//!
//! **What wins.** Sets are applied in this order: variant, the build's own `flags`, cell, rules in the order of their
//! list, the answer of `choose_flags`. Appended words add up in that order, and a compiler takes the last of two that
//! contradict each other; a later strip or replacement takes away what an earlier set appended, too. Of the options in
//! DEB_BUILD_OPTIONS and the variables of the environment, the later set's value is taken; features of one area
//! (`hardening=+pie`) add up, as dpkg reads them from left to right.
//!
//! **Which languages.** `cflags` reaches the variables that dpkg itself gives its defaults to: C, C++, Objective-C(++),
//! Fortran and GCJ; and of the machine options those that the assembler takes, unless `languages` says less. D's
//! compilers have other words, so only `dflags` reaches them. `cxxflags` and its like come on top, for one of them alone.
//!
//! **Invariant:** nothing is built or read here; a log comes in line by line.

pub mod compiled;
pub mod effective;
pub mod overridden;
pub mod planned;
pub mod produced;
pub mod set;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use self::words::Words;
use crate::core::rules::Rule;

/// A change to one variable of dpkg-buildflags.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Words that are taken away, and what is appended instead.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub replace: BTreeMap<String, Words>,
    /// Words that are taken away.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub strip: Words,
    /// Words that come last.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub append: Words,
    /// Words that come first.
    #[serde(default, skip_serializing_if = "Words::is_empty")]
    pub prepend: Words,
}

/// Flags, options, profiles and variables: what a cell, a variant or a rule asks for. In JSON as in a recipe.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlagSet {
    /// For all compilers, or those of `languages`.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub cflags: Change,
    /// For C++ alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub cxxflags: Change,
    /// For Objective-C alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub objcflags: Change,
    /// For Objective-C++ alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub objcxxflags: Change,
    /// For Fortran alone, 77 and later.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub fflags: Change,
    /// For GCJ alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub gcjflags: Change,
    /// For D alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub dflags: Change,
    /// For the assembler alone.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub asflags: Change,
    /// For the preprocessor.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub cppflags: Change,
    /// For the linker.
    #[serde(skip_serializing_if = "Change::is_empty")]
    pub ldflags: Change,
    /// Whom `cflags` reaches; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub languages: Vec<Language>,
    /// Words of DEB_BUILD_OPTIONS, feature areas such as `optimize=+lto` among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// Build profiles.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Other variables.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
}

/// Declares languages: their text forms, and the variables of dpkg-buildflags that are theirs.
macro_rules! languages {
    ($($(#[$doc:meta])* $name:ident $text:literal [$($variable:literal),*];)*) => {
        /// A language that `cflags` can reach.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
        pub enum Language {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Language {
            /// All of them.
            pub const ALL: &'static [Language] = &[$(Language::$name),*];
            /// Their text forms.
            pub const WORDS: &'static [&'static str] = &[$($text),*];

            /// The one text form.
            pub fn text(self) -> &'static str {
                match self { $(Language::$name => $text),* }
            }

            /// Its variables, as dpkg-buildflags names them.
            pub fn variables(self) -> &'static [&'static str] {
                match self { $(Language::$name => &[$($variable),*]),* }
            }
        }
    };
}

languages! {
    /// C.
    C "c" ["CFLAGS"];
    /// C++.
    Cxx "c++" ["CXXFLAGS"];
    /// Objective-C.
    ObjectiveC "objective-c" ["OBJCFLAGS"];
    /// Objective-C++.
    ObjectiveCxx "objective-c++" ["OBJCXXFLAGS"];
    /// Fortran, 77 and later.
    Fortran "fortran" ["FFLAGS", "FCFLAGS"];
    /// Java, by GCJ.
    Java "java" ["GCJFLAGS"];
    /// The assembler; of `cflags` it gets the machine options that it takes.
    Assembler "assembler" ["ASFLAGS"];
}

/// `cb.cell "O3" { cflags = ... }`: one point of a matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// Its name.
    pub name: String,
    /// What it asks for; empty for a build as the distribution makes it.
    pub flags: FlagSet,
}

/// `cb.variant "armhf-a8" { base = "armhf", ... }`: the same Debian architecture for other hardware.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// The Debian architecture that it is, and stays.
    pub base: String,
    /// `Architecture-Variant:` of its packages, and part of their file names.
    pub tag: Option<String>,
    /// What all of its packages are built with.
    pub flags: FlagSet,
    /// What its archive lists.
    pub index: VariantIndex,
    /// It runs on older hardware than the base does, so nothing of the base may be mixed in.
    pub below: bool,
}

/// What the index of a variant's archive lists.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VariantIndex {
    /// What was rebuilt; apt lists the base's archive besides.
    #[default]
    Partial,
    /// Packages that were not rebuilt, too.
    Complete,
}

impl VariantIndex {
    /// Every one.
    pub const ALL: [VariantIndex; 2] = [VariantIndex::Partial, VariantIndex::Complete];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            VariantIndex::Partial => "partial",
            VariantIndex::Complete => "complete",
        }
    }
}

/// All that a recipe says about the flags of one build.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BuildFlags {
    /// The variant that is built.
    pub variant: Option<Variant>,
    /// For all packages.
    pub set: FlagSet,
    /// The cell that is built.
    pub cell: Option<Cell>,
    /// For some packages, later ones after earlier ones.
    pub rules: Vec<Rule>,
}

impl BuildFlags {
    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        *self == BuildFlags::default()
    }
}
