//! The primitives: what acts while `run` runs.

use super::clouds::BUDGET;
use super::flags::{FLAGS, RULE};
use super::measure::{MEASURE, VERIFY};
use super::parameter;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options};
use crate::lua::door::request;
use crate::lua::values::Tag;

/// What packages can come from.
const SOURCES: &[Tag] = &[Tag::AptSources];

/// What can be put in order.
const IMPORTED: &[Tag] = &[Tag::Import, Tag::Sources];

/// What can be built against.
const LAYERS: &[Tag] = &[Tag::Import, Tag::Built, Tag::CrossOnly];

/// What acts.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "import",
        sentence: "Pins suites and their indexes: what the run builds from and against.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("sources", Kind::One(SOURCES), Is("cb.apt.system()"), "Where packages come from."),
            parameter("arch", Kind::Name, Is("the machine's own"), "Debian architecture to build for."),
            parameter("build_arch", Kind::Name, Is("none"), "Another architecture, which cross builds run on."),
            parameter(
                "overlay",
                Kind::Some(&[Tag::Overlay]),
                Is("{}"),
                "Local packages that supersede every other version of themselves.",
            ),
            parameter("dsc", Kind::File, Is("none"), "One local source package instead of `sources`: its .dsc."),
        ],
        result: Tag::Import,
        body: Body::Performs(request::import),
    },
    Declaration {
        name: "order",
        sentence: "Chooses source packages and puts them in build order.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[
            parameter("sources", Kind::One(IMPORTED), Required, "The import that the packages are in, or some of it."),
            parameter("packages", Kind::Packages, Is("all of `sources`"), "By name or `name=version`, or a selection."),
            parameter("not_for_us", Kind::Texts, Is("{}"), "Source packages that are left out, by name."),
            parameter(
                "against",
                Kind::Some(LAYERS),
                Is("the import"),
                "What they will be built against, newest first.",
            ),
            parameter(
                "profiles",
                Kind::Texts,
                Is("{ \"nocheck\", \"nodoc\" }"),
                "Build profiles that a package may be built with where that breaks a loop.",
            ),
            parameter(
                "older_binaries",
                Kind::Boolean,
                Is("true"),
                "Where packages need each other, build against the older binaries that are there.",
            ),
            parameter("overlay", Kind::Boolean, Is("true"), "Build the sources of the import's overlay, too."),
        ],
        result: Tag::Order,
        body: Body::Performs(request::order),
    },
    Declaration {
        name: "launch",
        sentence: "Says which builders there are; they start when there is work.",
        named: None,
        options: Options::Required,
        items: Some(parameter("builders", Kind::Some(&[Tag::Builders]), Required, "Groups of builders.")),
        fields: &[parameter(
            "budget",
            Kind::Record(&BUDGET),
            Is("none"),
            "What builders in clouds may cost, all together.",
        )],
        result: Tag::Fleet,
        body: Body::Performs(request::launch),
    },
    Declaration {
        name: "build",
        sentence: "Builds what an order lists.",
        named: None,
        options: Options::Required,
        items: None,
        fields: &[
            parameter("order", Kind::One(&[Tag::Order]), Is("that of `sources`"), "What to build."),
            parameter("sources", Kind::One(IMPORTED), Is("nothing"), "What to build, where no `order` was made."),
            parameter("on", Kind::One(&[Tag::Fleet]), Required, "Who builds."),
            parameter("stage", Kind::Name, Is("first, second, ..."), "The stage's name; each stage has its own jobs."),
            parameter(
                "against",
                Kind::Some(LAYERS),
                Is("the order's import"),
                "Whose binaries are built against, newest layer first.",
            ),
            parameter(
                "how",
                Kind::Some(&[Tag::How]),
                Is("{ cb.native(), cb.emulated() }"),
                "How jobs are built: what is tried for each of them, in turn.",
            ),
            parameter("environment", Kind::Variables, Is("{}"), "Variables for the build environment."),
            parameter(
                "suffix",
                Kind::Suffix,
                Is("none"),
                "What is appended to versions: `+b1`, `~acme1`; never of `all`.",
            ),
            parameter(
                "maintainer",
                Kind::Maintainer,
                Is("cloudbuild's own"),
                "Who signs the changelog entry of a suffix: `Name <address>`.",
            ),
            parameter("optional", Kind::Boolean, Is("false"), "The run is good without what fails in it."),
            parameter("variant", Kind::One(&[Tag::Variant]), Is("none"), "The variant that is built."),
            parameter(
                "flags",
                Kind::FlagsOr(&FLAGS),
                Is("{}"),
                "What all packages are built with, after the variant's.",
            ),
            parameter("cell", Kind::One(&[Tag::Cell]), Is("none"), "The cell of a matrix that is built."),
            parameter("rules", Kind::Records(&RULE), Is("{}"), "What some packages are built with; later wins."),
            parameter(
                "repeat_number",
                Kind::Integer(1, 1000),
                Is("1"),
                "Of the same build once more, which one it is.",
            ),
            parameter("measure", Kind::Record(&MEASURE), Is("{}"), "What is measured of what is built."),
            parameter(
                "publish",
                Kind::One(&[Tag::Directory]),
                Is("nothing"),
                "Also published meanwhile, so often as `every` says.",
            ),
            parameter("suite", Kind::Name, Is("the place's, or the stage's name"), "`Suite:` of that archive."),
            parameter(
                "mirror",
                Kind::One(&[Tag::Directory]),
                Is("nowhere"),
                "Where copies of what is built with are kept, near the builders.",
            ),
            parameter("verify", Kind::Record(&VERIFY), Is("{}"), "What is verified of built files."),
            parameter("prove", Kind::Boolean, Is("false"), "A proof will follow: make its chroot ready meanwhile."),
        ],
        result: Tag::Built,
        body: Body::Performs(request::build),
    },
    Declaration {
        name: "publish",
        sentence: "Writes a signed archive of what was built.",
        named: None,
        options: Options::Required,
        items: Some(parameter(
            "built",
            Kind::Some(&[Tag::Built]),
            Required,
            "Builds; a later one supersedes an earlier one.",
        )),
        fields: &[
            parameter("to", Kind::One(&[Tag::Directory]), Required, "Where the archive goes."),
            parameter("suite", Kind::Name, Is("the directory's, or the last stage's name"), "`Suite:` of the archive."),
            parameter("origin", Kind::Text, Is("the directory's, or cloudbuild"), "`Origin:` of the archive."),
            parameter("label", Kind::Text, Is("the directory's, or the suite"), "`Label:` of the archive."),
            parameter("variant", Kind::One(&[Tag::Variant]), Is("none"), "The variant that was built."),
            parameter("prove", Kind::Boolean, Is("false"), "Install from the archive with real apt in a clean chroot."),
        ],
        result: Tag::Published,
        body: Body::Performs(request::publish),
    },
    Declaration {
        name: "compare",
        sentence: "Tells what came of builds, against what was there before, and cells against each other.",
        named: None,
        options: Options::Required,
        items: Some(parameter("built", Kind::Some(&[Tag::Built]), Required, "Builds to compare.")),
        fields: &[
            parameter(
                "baseline",
                Kind::Name,
                Is("the first cell"),
                "The cell that others are compared with; where builds have no cells, the stage.",
            ),
            parameter("report", Kind::One(&[Tag::Report]), Is("none"), "A page about it: `cb.html {}`."),
        ],
        result: Tag::Comparison,
        body: Body::Performs(request::compare),
    },
];
