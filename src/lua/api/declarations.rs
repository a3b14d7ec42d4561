//! The declarations, in the order in which a person would read about them.

use crate::core::recipe::{AptSources, BaseClosure, Builders};
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Parameter};
use crate::lua::door::request;
use crate::lua::values::{Directory, Handle, RecipeParts, Tag};

const fn parameter(name: &'static str, kind: Kind, default: super::Default, sentence: &'static str) -> Parameter {
    Parameter { name, kind, sentence, default }
}

const SOURCES: &[Tag] = &[Tag::AptSources];
const LAYERS: &[Tag] = &[Tag::Import, Tag::Built];

/// Everything below `cb`.
pub const DECLARATIONS: &[Declaration] = &[
    Declaration {
        name: "campaign",
        sentence: "Rebuilds packages and publishes an archive of them: import, order, launch, build, publish, compare.",
        named: Some(parameter("name", Kind::Name, Required, "Names the run, and the archive that it publishes.")),
        options: Options::Required,
        items: None,
        fields: &[
            parameter("sources", Kind::One(SOURCES), Is("cb.apt.system()"), "Where packages come from."),
            parameter("packages", Kind::Packages, Required, "Source packages to rebuild, by name or `name=version`."),
            parameter("arch", Kind::Name, Is("the machine's own"), "Debian architecture to build for."),
            parameter("builders", Kind::Some(&[Tag::Builders]), Is("cb.here()"), "Who builds."),
            parameter("publish", Kind::One(&[Tag::Directory]), Is("cb.dir \"archive\""), "Where the archive goes."),
            parameter("environment", Kind::Variables, Is("{}"), "Variables for the build environment."),
            parameter("prove", Kind::Boolean, Is("true"), "Install from the archive with real apt in a clean chroot."),
        ],
        result: Tag::Recipe,
        body: Body::Composed("campaign"),
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
            parameter("args", Kind::Arguments, Is("{}"), "The arguments that it takes: a type, or a table with more."),
        ],
        result: Tag::Recipe,
        body: Body::Makes(|context, mut call| {
            Ok(Handle::Recipe(RecipeParts {
                at: context.at.cloned(),
                name: call.text("name"),
                about: call.text("about").unwrap_or_default(),
                arguments: call.arguments("args"),
                run: call.function("run"),
            }))
        }),
    },
    Declaration {
        name: "apt.system",
        sentence: "This machine's own APT sources.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter(
            "also",
            Kind::Texts,
            Is("{}"),
            "Third-party entries that builds may see all the same: an Origin, a host, or a file's stem.",
        )],
        result: Tag::AptSources,
        body: Body::Makes(|_, mut call| Ok(Handle::AptSources(AptSources::System { also: call.texts("also") }))),
    },
    Declaration {
        name: "apt.sources",
        sentence: "The APT sources of one file, one-line or deb822, as in /etc/apt.",
        named: Some(parameter("file", Kind::Text, Required, "The file, relative to the recipe's folder.")),
        options: Options::None,
        items: None,
        fields: &[],
        result: Tag::AptSources,
        body: Body::Makes(|context, call| {
            Ok(Handle::AptSources(AptSources::File { path: context.folder.join(call.name()) }))
        }),
    },
    Declaration {
        name: "everything",
        sentence: "Every source package of the import.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[],
        result: Tag::Everything,
        body: Body::Makes(|_, _| Ok(Handle::Everything)),
    },
    Declaration {
        name: "base_system",
        sentence: "The sources of required and important packages and of build-essential, with what these need to run.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter(
            "closure",
            Kind::OneOf(&["runtime", "build"]),
            Is("runtime"),
            "`build` takes all that is needed to build them, too, until nothing else has to be there.",
        )],
        result: Tag::BaseSystem,
        body: Body::Makes(|_, mut call| {
            let word = call.text("closure");
            let closure = BaseClosure::ALL.into_iter().find(|closure| Some(closure.text()) == word.as_deref());
            Ok(Handle::BaseSystem(closure.unwrap_or(BaseClosure::Runtime)))
        }),
    },
    Declaration {
        name: "here",
        sentence: "Builders on this machine.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[parameter("slots", Kind::Integer(1, 1024), Is("the setting `slots`"), "Builds at the same time.")],
        result: Tag::Builders,
        body: Body::Makes(|_, mut call| {
            let slots = call.integer("slots").map(|slots| u32::try_from(slots).expect("the range was checked"));
            Ok(Handle::Builders(Builders::Here { slots }))
        }),
    },
    Declaration {
        name: "dir",
        sentence: "A directory to publish an archive to.",
        named: Some(parameter("path", Kind::Text, Required, "The archive's root; relative to the state directory.")),
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("suite", Kind::Name, Is("the campaign's name"), "`Suite:` of the archive."),
            parameter("origin", Kind::Text, Is("cloudbuild"), "`Origin:` of the archive."),
            parameter("label", Kind::Text, Is("the campaign's name"), "`Label:` of the archive."),
        ],
        result: Tag::Directory,
        body: Body::Makes(|_, mut call| {
            let path = call.name().into();
            Ok(Handle::Directory(Directory {
                path,
                suite: call.text("suite"),
                origin: call.text("origin"),
                label: call.text("label"),
            }))
        }),
    },
    Declaration {
        name: "import",
        sentence: "Pins suites and their indexes: what the run builds from and against.",
        named: None,
        options: Options::Optional,
        items: None,
        fields: &[
            parameter("sources", Kind::One(SOURCES), Is("cb.apt.system()"), "Where packages come from."),
            parameter("arch", Kind::Name, Is("the machine's own"), "Debian architecture to build for."),
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
            parameter("sources", Kind::One(&[Tag::Import]), Required, "The import that the packages are in."),
            parameter("packages", Kind::Packages, Required, "Source packages to build, by name or `name=version`."),
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
        fields: &[],
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
            parameter("order", Kind::One(&[Tag::Order]), Required, "What to build."),
            parameter("on", Kind::One(&[Tag::Fleet]), Required, "Who builds."),
            parameter("stage", Kind::Name, Is("first"), "The stage's name; each stage has its own jobs."),
            parameter(
                "against",
                Kind::Some(LAYERS),
                Is("the order's import"),
                "Whose binaries are built against, newest layer first.",
            ),
            parameter("environment", Kind::Variables, Is("{}"), "Variables for the build environment."),
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
            parameter("prove", Kind::Boolean, Is("false"), "Install from the archive with real apt in a clean chroot."),
        ],
        result: Tag::Published,
        body: Body::Performs(request::publish),
    },
    Declaration {
        name: "compare",
        sentence: "Tells what came of builds, against what was there before.",
        named: None,
        options: Options::Required,
        items: Some(parameter("built", Kind::Some(&[Tag::Built]), Required, "Builds to compare.")),
        fields: &[],
        result: Tag::Comparison,
        body: Body::Performs(request::compare),
    },
];
