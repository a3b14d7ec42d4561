//! Flags: cells of a matrix, variants of an architecture, and the tables that both and the rules are made of.

use super::parameter;
use crate::core::flags::{Cell, Language, Variant, VariantIndex, set};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Parameter, Record, Word};
use crate::lua::door::flags::{flag_set, flag_set_or_text};
use crate::lua::values::{Handle, Tag};

/// A change to the flags of one kind of compiler.
pub const CHANGE: Record = Record {
    name: "changes of flags",
    sentence: "A change to the flags of one kind of compiler; dpkg does it by STRIP, APPEND and PREPEND.",
    items: None,
    fields: &[
        parameter("replace", Kind::Replacements, Is("{}"), "Flags that are taken away, and what is appended instead."),
        parameter("strip", Kind::Flags, Is("none"), "Flags that are taken away."),
        parameter("append", Kind::Flags, Is("none"), "Flags that come last, so that they win."),
        parameter("prepend", Kind::Flags, Is("none"), "Flags that come first."),
    ],
};

/// What a cell or a rule asks for.
pub const FLAGS: Record = Record {
    name: "flags",
    sentence: "What packages are built with: flags, options, profiles and variables.",
    items: None,
    fields: FLAG_FIELDS,
};

const FLAG_FIELDS: &[Parameter] = &[
    parameter("cflags", Kind::Record(&CHANGE), Is("{}"), "For all compilers, or those of `languages`."),
    parameter("cxxflags", Kind::Record(&CHANGE), Is("{}"), "For C++ alone, after `cflags`."),
    parameter("objcflags", Kind::Record(&CHANGE), Is("{}"), "For Objective-C alone, after `cflags`."),
    parameter("objcxxflags", Kind::Record(&CHANGE), Is("{}"), "For Objective-C++ alone, after `cflags`."),
    parameter("fflags", Kind::Record(&CHANGE), Is("{}"), "For Fortran alone, after `cflags`."),
    parameter("gcjflags", Kind::Record(&CHANGE), Is("{}"), "For GCJ alone, after `cflags`."),
    parameter("dflags", Kind::Record(&CHANGE), Is("{}"), "For D, which `cflags` do not reach."),
    parameter("asflags", Kind::Record(&CHANGE), Is("{}"), "For the assembler alone, after `cflags`."),
    parameter("cppflags", Kind::Record(&CHANGE), Is("{}"), "For the preprocessor."),
    parameter("ldflags", Kind::Record(&CHANGE), Is("{}"), "For the linker."),
    parameter("languages", Kind::Words(&LANGUAGE), Is("all of them"), "Languages that `cflags` reach."),
    parameter("options", Kind::Words(&OPTION), Is("{}"), "Words of DEB_BUILD_OPTIONS, such as `optimize=+lto`."),
    parameter("profiles", Kind::Words(&PROFILE), Is("{}"), "Build profiles."),
    parameter("environment", Kind::Variables, Is("{}"), "Other variables for the build environment."),
];

/// Which packages a rule is for.
pub const MATCH: Record = Record {
    name: "what packages have",
    sentence: "Which packages: all that is said has to hold, and of each list one entry.",
    items: None,
    fields: &[
        parameter("name", Kind::Words(&PATTERN), Is("any"), "Source packages; `*` and `?` stand for any text."),
        parameter("section", Kind::Words(&WORD), Is("any"), "`Section:` of the source package."),
        parameter("priority", Kind::Words(&WORD), Is("any"), "`Priority:` of one of its binary packages."),
        parameter("component", Kind::Words(&WORD), Is("any"), "The component that it is in, such as `main`."),
        parameter("uses", Kind::Words(&WORD), Is("any"), "A binary or source package that it build-depends on."),
        parameter("arch", Kind::Words(&WORD), Is("any"), "Architecture of the job; `all` is one of its own."),
        parameter("binary", Kind::Words(&PATTERN), Is("any"), "A binary package that it builds; `*` as in `name`."),
    ],
};

/// Flags for some packages.
pub const RULE: Record = Record {
    name: "match and set",
    sentence: "Flags for the packages that match; of two rules the later one wins.",
    items: None,
    fields: &[
        parameter("match", Kind::Record(&MATCH), Required, "Which packages."),
        parameter("set", Kind::Record(&FLAGS), Required, "What they are built with."),
        parameter("at", Kind::Text, Is("found by itself"), "File and line that it is written on, for messages."),
    ],
};

const LANGUAGE: Word = Word {
    expected: "`c`, `c++`, `objective-c`, `objective-c++`, `fortran`, `java` or `assembler`",
    list: "languages such as `c++`, a string or a list",
    good: |word| Language::WORDS.contains(&word),
};

const OPTION: Word = Word {
    expected: "a build option such as `nocheck` or `optimize=+lto`",
    list: "build options such as `nocheck`, a string or a list",
    good: set::is_option,
};

const PROFILE: Word = Word {
    expected: "a build profile such as `nocheck`",
    list: "build profiles such as `nocheck`, a string or a list",
    good: set::is_profile,
};

const PATTERN: Word = Word {
    expected: "the name of a package, with `*` for any text",
    list: "names of packages, a string or a list",
    good: |word| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.*?".contains(c)),
};

const WORD: Word = Word {
    expected: "a word such as `libs`",
    list: "words such as `libs`, a string or a list",
    good: |word| word.chars().all(|c| c.is_ascii_alphanumeric() || "+-./_".contains(c)),
};

/// Cells and variants.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "cell",
        sentence: "One point of a matrix: what its packages are built with; `{}` is as the distribution builds them.",
        named: Some(parameter("name", Kind::Name, Required, "Names the cell, and the stage that builds it.")),
        options: Options::Required,
        items: None,
        fields: FLAG_FIELDS,
        result: Tag::Cell,
        body: Body::Makes(|_, mut call| Ok(Handle::Cell(Cell { name: call.name(), flags: flag_set(&mut call) }))),
    },
    Declaration {
        name: "variant",
        sentence: "The same Debian architecture, built for other hardware.",
        named: Some(parameter("name", Kind::Name, Required, "Names the variant.")),
        options: Options::Required,
        items: None,
        fields: &[
            parameter("base", Kind::Name, Required, "The Debian architecture that it is, and stays."),
            parameter("tag", Kind::Name, Is("none"), "`Architecture-Variant:`, and part of the file names."),
            parameter("flags", Kind::FlagsOr(&FLAGS), Is("{}"), "What all of its packages are built with."),
            parameter(
                "index",
                Kind::OneOf(&["partial", "complete"]),
                Is("partial"),
                "`complete` lists packages that were not rebuilt, too.",
            ),
            parameter("below", Kind::Boolean, Is("false"), "For older hardware: nothing of the base is mixed in."),
        ],
        result: Tag::Variant,
        body: Body::Makes(|_, mut call| {
            let index = call.text("index");
            let index = VariantIndex::ALL.into_iter().find(|known| Some(known.text()) == index.as_deref());
            Ok(Handle::Variant(Variant {
                name: call.name(),
                base: call.text("base").expect("its declaration says that it is required"),
                tag: call.text("tag"),
                flags: flag_set_or_text(&mut call, "flags").unwrap_or_default(),
                index: index.unwrap_or_default(),
                below: call.boolean("below").unwrap_or(false),
            }))
        }),
    },
];
