//! Recipes and campaigns: what a file returns.

use super::clouds::BUDGET;
use super::parameter;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::declarations::flags::{FLAGS, RULE};
use crate::lua::api::declarations::measure::{MEASURE, VERIFY};
use crate::lua::api::{Body, Declaration, Kind, Options, Record};
use crate::lua::values::{Handle, RecipeParts, Tag};
use crate::primitives::hooks::Hook;

/// What packages can come from.
const SOURCES: &[Tag] = &[Tag::AptSources];

const CELLS: Kind = Kind::Some(&[Tag::Cell, Tag::Toolchain]);

/// What is compared, cell by cell.
pub const MATRIX: Record = Record {
    name: "cells",
    sentence: "Cells that the same packages are built in, each in stages and an archive of its own.",
    items: Some(parameter("cells", CELLS, Required, "Cells and toolchains, each with a name of its own.")),
    fields: &[
        parameter("baseline", Kind::Name, Is("the first cell"), "The cell that is published and compared with."),
        parameter("repeats", Kind::Integer(1, 100), Is("1"), "How often each cell is built."),
        parameter(
            "order",
            Kind::OneOf(&["interleaved", "cell by cell"]),
            Is("interleaved"),
            "`interleaved` builds each cell once before any is repeated, so that a slow hour is nobody's.",
        ),
    ],
};

/// What a file returns.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "campaign",
        sentence: "Rebuilds packages and publishes an archive of them: import, order, launch, build, publish, compare.",
        named: Some(parameter("name", Kind::Name, Required, "Names the run, and the archive that it publishes.")),
        options: Options::Required,
        items: None,
        fields: &[
            parameter("about", Kind::Text, Is("what it builds and publishes"), "What it is for, in a few words."),
            parameter("sources", Kind::One(SOURCES), Is("cb.apt.system()"), "Where packages come from."),
            parameter("packages", Kind::Packages, Is("what `stages` say"), PACKAGES),
            parameter(
                "stages",
                Kind::Some(&[Tag::Stage]),
                Is("one, `first`"),
                "Passes, each with packages of its own.",
            ),
            parameter("not_for_us", Kind::Texts, Is("{}"), "Source packages that are left out, by name."),
            parameter(
                "arch",
                Kind::NameOr(&[Tag::Variant]),
                Is("the machine's own"),
                "Debian architecture to build for, or a variant of one.",
            ),
            parameter("overlay", Kind::Some(&[Tag::Overlay]), Is("{}"), "Local packages that supersede all others."),
            parameter("how", Kind::Some(&[Tag::How]), Is("natively, else emulated"), "What is tried to build a job."),
            parameter("suffix", Kind::Suffix, Is("none"), "What is appended to versions: `+b1`, `~acme1`."),
            parameter(
                "maintainer",
                Kind::Maintainer,
                Is("cloudbuild's own"),
                "Who signs the changelog entry of a suffix: `Name <address>`.",
            ),
            parameter("flags", Kind::FlagsOr(&FLAGS), Is("{}"), "What all packages are built with."),
            parameter("rules", Kind::Records(&RULE), Is("{}"), "What some packages are built with; later wins."),
            parameter("matrix", Kind::Record(&MATRIX), Is("one cell, as the distribution builds"), "What is compared."),
            parameter("choose_flags", Kind::Hook(Hook::ChooseFlags), Is("nothing"), "Flags for one source in a cell."),
            parameter("choose_how", Kind::Hook(Hook::ChooseHow), Is("nothing"), "How one source is built."),
            parameter(
                "classify",
                Kind::Hook(Hook::Classify),
                Is("nothing"),
                "Which failure it was, where that is unsure.",
            ),
            parameter("on_failure", Kind::Hook(Hook::OnFailure), Is("nothing"), "What to do about a failed job."),
            parameter("on_stage_done", Kind::Hook(Hook::OnStageDone), Is("nothing"), "What to do after a stage."),
            parameter("builders", Kind::Some(&[Tag::Builders]), Is("cb.here()"), "Who builds."),
            parameter("budget", Kind::Record(&BUDGET), Is("none"), "What builders in clouds may cost, all together."),
            parameter(
                "mirror",
                Kind::One(&[Tag::Directory]),
                Is("nowhere"),
                "Where copies of what is built with are kept, near the builders.",
            ),
            parameter("publish", Kind::One(&[Tag::Directory]), Is("cb.dir \"archive\""), "Where the archive goes."),
            parameter("environment", Kind::Variables, Is("{}"), "Variables for the build environment."),
            parameter("measure", Kind::Record(&MEASURE), Is("{}"), "What is measured of what is built."),
            parameter("verify", Kind::Record(&VERIFY), Is("{}"), "What is verified of built files."),
            parameter("report", Kind::One(&[Tag::Report]), Is("none"), "A page that compares cells: `cb.html {}`."),
            parameter("prove", Kind::Boolean, Is("true"), "Install from the archive with real apt in a clean chroot."),
        ],
        result: Tag::Recipe,
        body: Body::Composed("campaign"),
    },
    Declaration {
        name: "stage",
        sentence: "A pass over a set of sources, built against a stated set of archives.",
        named: Some(parameter("name", Kind::Name, Required, "Names the stage.")),
        options: Options::Required,
        items: None,
        fields: &[
            parameter("packages", Kind::Packages, Required, PACKAGES),
            parameter(
                "against",
                Kind::Layers(&[Tag::AptSources, Tag::CrossOnly]),
                Is("the campaign's sources"),
                AGAINST,
            ),
            parameter("optional", Kind::Boolean, Is("false"), "The run is good without what fails in it."),
        ],
        result: Tag::Stage,
        body: Body::Composed("stage"),
    },
    Declaration {
        name: "toolchain",
        sentence: "A cell of a matrix whose packages are built with other tools: another compiler, libraries or variant.",
        named: Some(parameter("name", Kind::Name, Required, "Names the cell, and the stage that builds it.")),
        options: Options::Required,
        items: None,
        fields: &[
            parameter("overlay", Kind::Some(&[Tag::Overlay]), Is("{}"), "Local packages of this cell: its compiler."),
            parameter("flags", Kind::Record(&FLAGS), Is("{}"), "What its packages are built with, as in `cb.cell`."),
            parameter("variant", Kind::One(&[Tag::Variant]), Is("the campaign's"), "The variant that is built."),
        ],
        result: Tag::Toolchain,
        body: Body::Composed("toolchain"),
    },
    Declaration {
        name: "recipe",
        sentence: "A recipe that acts step by step: `run` calls the primitives.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[
            parameter("run", Kind::Function, Required, "Called with `cb` and the arguments when the recipe runs."),
            parameter("name", Kind::Name, Is("the file's name without `.lua`"), "Names the run."),
            parameter("about", Kind::Text, Is("nothing"), "What the recipe is for, in a few words."),
            parameter("hooks", Kind::Hooks, Is("{}"), "Functions that decide later, on read-only tables."),
            parameter("args", Kind::Arguments, Is("{}"), "The arguments that it takes: a type, or a table with more."),
        ],
        result: Tag::Recipe,
        body: Body::Makes(|context, mut call| {
            Ok(Handle::Recipe(RecipeParts {
                at: context.at.cloned(),
                name: call.text("name"),
                about: call.text("about").unwrap_or_default(),
                arguments: call.arguments("args"),
                hooks: call.hooks("hooks"),
                run: call.function("run"),
            }))
        }),
    },
];

const AGAINST: &str = "Whose binaries it is built against, newest first: earlier stages by name, and APT sources.";

const PACKAGES: &str = "Source packages by name or `name=version`, or a selection.";
