//! What the values are that calls give back: their kinds, and the fields that a recipe can read.

use crate::lua::values::Tag;

/// One readable field.
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// In LuaLS's notation.
    pub kind: &'static str,
    /// What it says, in one sentence.
    pub sentence: &'static str,
    /// Made only when it is read, since it may be long.
    pub lazy: bool,
}

const fn field(name: &'static str, kind: &'static str, sentence: &'static str) -> Field {
    Field { name, kind, sentence, lazy: false }
}

const fn long(name: &'static str, kind: &'static str, sentence: &'static str) -> Field {
    Field { name, kind, sentence, lazy: true }
}

/// The readable fields of a kind of value, besides `kind`.
pub fn fields(tag: Tag) -> &'static [Field] {
    match tag {
        Tag::AptSources => &[],
        Tag::Overlay => OVERLAY,
        Tag::Everything => &[],
        Tag::BaseSystem => BASE_SYSTEM,
        Tag::Builders => BUILDERS,
        Tag::Directory => DIRECTORY,
        Tag::Import => IMPORT,
        Tag::Order => ORDER,
        Tag::Fleet => FLEET,
        Tag::Built => BUILT,
        Tag::Published => PUBLISHED,
        Tag::Comparison => COMPARISON,
        Tag::Recipe => RECIPE,
    }
}

const OVERLAY: &[Field] = &[
    field("path", "string", "The file, or the tree's folder."),
    field("given", "string", "`source-package`, `source-tree` or `binary-package`."),
    field("first", "boolean", "Whether every other job of a stage comes after it."),
    field("suffix", "string?", "What is appended to the version of what it builds, if anything."),
];

const BASE_SYSTEM: &[Field] = &[field("closure", "string", "`runtime` or `build`.")];

const BUILDERS: &[Field] = &[field("slots", "integer?", "Builds at the same time, where the recipe says.")];

const DIRECTORY: &[Field] = &[
    field("path", "string", "The archive's root."),
    field("suite", "string?", "`Suite:` of the archive, if it was given."),
    field("origin", "string?", "`Origin:` of the archive, if it was given."),
    field("label", "string?", "`Label:` of the archive, if it was given."),
];

const IMPORT: &[Field] = &[
    field("import", "string", "Names the pinned indexes."),
    field("arch", "string", "The architecture that binaries were imported for."),
    field("sources", "integer", "Source packages that can be chosen."),
    field("packages", "integer", "Binary packages that chroots may see."),
];

const ORDER: &[Field] = &[
    field("import", "string", "Names the pinned indexes that the sources are in."),
    field("arch", "string", "The architecture that the order is for."),
    field("count", "integer", "How many jobs there are."),
    long(
        "jobs",
        "table[]",
        "Each with source, version, arch, component, after (numbers of jobs), estimate, priority, frees, profiles.",
    ),
    long("loops", "table[]", "Each with sources that need each other, and edges that close the loop."),
];

const FLEET: &[Field] = &[long("builders", "table[]", "The groups of builders.")];

const BUILT: &[Field] = &[
    field("stage", "string", "The stage that was built."),
    field("import", "string", "The import that it was built against, below the stages."),
    field("arch", "string", "The Debian architecture that it was built for."),
    field("count", "integer", "How many jobs there were."),
    field("installed", "integer", "How many of them have their packages in the stage."),
    long("jobs", "table[]", "Each with source, version, arch, state, reused, reason and seconds."),
];

const PUBLISHED: &[Field] = &[
    field("generation", "string", "This state of the archive."),
    field("path", "string", "The archive's root."),
    field("key", "string", "The public key's file."),
    field("suite", "string", "The archive's suite."),
    field("sources", "integer", "Source packages in it."),
    field("packages", "integer", "Binary packages in it."),
    long("components", "string[]", "Its components."),
    long("proof", "string[]", "What real apt installed from it, one line a package."),
    long("refused", "string[]", "What real apt did not install from it, one line a package with the reason."),
];

const COMPARISON: &[Field] = &[
    field("count", "integer", "How many binary packages were compared."),
    long("rows", "table[]", "Each with stage, package, arch, before, after and identical."),
];

const RECIPE: &[Field] = &[field("about", "string", "What the recipe is for.")];
