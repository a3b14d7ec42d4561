//! What the values are that calls give back: their kinds, and the fields that a recipe can read.

use serde_json::{Value as Json, json};

use crate::core::recipe::Builders;
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
    /// A function that is called with `:`; `methods` has it.
    pub method: bool,
}

const OVERLAY: &[Field] = &[
    field("path", "string", "The file, or the tree's folder."),
    field("given", "string", "`source-package`, `source-tree` or `binary-package`."),
    field("first", "boolean", "Whether every other job of a stage comes after it."),
    field("suffix", "string?", "What is appended to the version of what it builds, if anything."),
];

const fn field(name: &'static str, kind: &'static str, sentence: &'static str) -> Field {
    Field { name, kind, sentence, lazy: false, method: false }
}

const fn long(name: &'static str, kind: &'static str, sentence: &'static str) -> Field {
    Field { name, kind, sentence, lazy: true, method: false }
}

const fn method(name: &'static str, kind: &'static str, sentence: &'static str) -> Field {
    Field { name, kind, sentence, lazy: true, method: true }
}

/// The readable fields of a kind of value, besides `kind`.
pub fn fields(tag: Tag) -> &'static [Field] {
    match tag {
        Tag::AptSources => &[],
        Tag::Overlay => OVERLAY,
        Tag::Selection => SELECTION,
        Tag::Sources => SOURCES,
        Tag::Stage => STAGE,
        Tag::Cell => CELL,
        Tag::Toolchain => TOOLCHAIN,
        Tag::Variant => VARIANT,
        Tag::Builders => BUILDERS,
        Tag::How => HOW,
        Tag::CrossOnly => &[],
        Tag::Directory => DIRECTORY,
        Tag::Import => IMPORT,
        Tag::Order => ORDER,
        Tag::Fleet => FLEET,
        Tag::Built => BUILT,
        Tag::Published => PUBLISHED,
        Tag::Report => REPORT,
        Tag::Comparison => COMPARISON,
        Tag::Recipe => RECIPE,
        Tag::Retry => RETRY,
        Tag::GiveUp => &[],
        Tag::Pause | Tag::Skip => WHY,
        Tag::Pattern => PATTERN,
    }
}

const SELECTION: &[Field] = &[long("of", "any", "What it selects, as plain data.")];

const SOURCES: &[Field] = &[
    field("import", "string", "Names the pinned indexes that they are in."),
    long("packages", "any", "Which of them, as plain data."),
];

const STAGE: &[Field] = &[
    field("name", "string", "Names the stage."),
    field("packages", "string[]|cloudbuild.Selection", "What it builds."),
    field("against", "(string|cloudbuild.AptSources)[]", "What it is built against, newest layer first."),
    field("optional", "boolean", "Whether the run is good without it."),
];

const CELL: &[Field] = &[
    field("name", "string", "Its name."),
    long("flags", "table", "What it asks for; empty for a build as the distribution makes it."),
];

const TOOLCHAIN: &[Field] = &[
    field("name", "string", "Its name."),
    field("cell", "cloudbuild.Cell", "What its packages are built with, besides the tools."),
    field("overlay", "cloudbuild.Overlay[]?", "The tools, and what else is local in this cell."),
    field("variant", "cloudbuild.Variant?", "The variant that is built, where it is not the campaign's."),
];

const VARIANT: &[Field] = &[
    field("name", "string", "Its name."),
    field("base", "string", "The Debian architecture that it is."),
    field("tag", "string?", "`Architecture-Variant:` of its packages, if it has one."),
    field("index", "string", "`partial` or `complete`."),
    field("below", "boolean", "Whether it runs on older hardware than the base does."),
    long("flags", "table", "What all of its packages are built with."),
];

/// A group of builders as plain data.
pub fn builders(group: &Builders) -> Json {
    match group {
        Builders::Here { slots } => json!({ "slots": slots }),
        Builders::Ec2(place) => json!({ "slots": place.slots, "max": place.max, "provider": place.provider }),
    }
}

const BUILDERS: &[Field] = &[
    field("slots", "integer?", "Builds at the same time on one machine, where the recipe says."),
    field("max", "integer?", "Instances at the same time, of a cloud."),
    field("provider", "string?", "`aws`, `eucalyptus` or `openstack`, of a cloud."),
];

const HOW: &[Field] = &[
    field("how", "string", "`native`, `cross` or `emulated`."),
    field("build", "string?", "The architecture that cross builds run on."),
    field("cpu", "string?", "The processor that the emulator is, if the recipe says."),
    field("time_factor", "integer?", "How many times longer an emulated build takes."),
    long("profiles", "string[]?", "Build profiles of cross builds."),
];

const DIRECTORY: &[Field] = &[
    field("path", "string", "The archive's root."),
    field("suite", "string?", "`Suite:` of the archive, if it was given."),
    field("origin", "string?", "`Origin:` of the archive, if it was given."),
    field("label", "string?", "`Label:` of the archive, if it was given."),
    field("settings", "table", "What else was given."),
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
    long("skipped", "table[]", "Each with source and reason: what was asked for and is not built."),
    long("loops", "table[]", "Each with sources that need each other, and edges that close the loop."),
];

const FLEET: &[Field] = &[long("builders", "table[]", "The groups of builders.")];

const BUILT: &[Field] = &[
    field("stage", "string", "The stage that was built."),
    field("import", "string", "The import that it was built against, below the stages."),
    field("arch", "string", "The Debian architecture that it was built for."),
    field("count", "integer", "How many jobs there were."),
    field("optional", "boolean", "Whether the run is good without what failed in it."),
    field("installed", "integer", "How many of them have packages that may be published."),
    field("cell", "string?", "The cell that was built, if it was one of a matrix."),
    field("repeat_number", "integer", "Which of the same builds it is, from 1."),
    long(
        "jobs",
        "table[]",
        "Each with source, version, arch, state, reused, reason, seconds, overridden and verified.",
    ),
    long("binaries", "string[]", "Names of the binary packages in the stage."),
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

const REPORT: &[Field] = &[field("confidence", "number", "How sure its intervals have to be.")];

const COMPARISON: &[Field] = &[
    field("count", "integer", "How many binary packages were compared."),
    long("rows", "table[]", "Each with stage, package, arch, before, after and identical."),
    long("table", "table?", "Cells beside the baseline: baseline, cells, packages and failures; none without cells."),
    long("pages", "string[]", "The pages that were written."),
];

const RECIPE: &[Field] = &[field("about", "string", "What the recipe is for.")];

const RETRY: &[Field] = &[
    field("larger", "boolean", "Whether it goes to a larger machine."),
    field("parallel", "integer?", "Processes at once, if that was given."),
    field("alone", "boolean", "Whether nothing else is built beside it."),
    field("how", "string?", "How it is built, if that was given."),
];

const WHY: &[Field] = &[field("why", "string", "The reason, in words.")];

const PATTERN: &[Field] = &[
    field("text", "string", "The pattern as it was written."),
    method("matches", "fun(self: cloudbuild.Pattern, text: string): boolean", "Whether it matches somewhere."),
    method("match", "fun(self: cloudbuild.Pattern, text: string): string?", "The groups, or the whole without any."),
    method("find", "fun(self: cloudbuild.Pattern, text: string): integer?, integer?", "Where it matches: from, to."),
    method(
        "captures",
        "fun(self: cloudbuild.Pattern, text: string): table?",
        "The whole at 0, groups by number and by name.",
    ),
];
