//! Makes the requests of primitives from calls that have been checked.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use crate::core::codes::Code;
use crate::core::ids::ImportId;
use crate::core::isa::Isa;
use crate::core::measure::Measure;
use crate::core::order::LOOP_PROFILES;
use crate::core::recipe::overlay::Overlay;
use crate::core::recipe::selection::Selection;
use crate::core::recipe::{
    Against, AptSources, BuildRequest, BuildResult, Builders, CompareRequest, ImportRequest, LaunchRequest,
    OrderRequest, OrderResult, PublishRequest, PublishTarget, Request, Response,
};
use crate::core::verify::{Level, Verify};
use crate::lua::api::Asking;
use crate::lua::api::declarations::clouds;
use crate::lua::check::call::{Call, Checked};
use crate::lua::door::flags::build_flags;
use crate::lua::session::{Fault, lock};
use crate::lua::values::directory::{Directory, InBucket};
use crate::lua::values::{Handle, take};

/// `cb.import`
pub fn import(mut call: Call, _: &Asking<'_>) -> Result<Request, Fault> {
    let overlay = call.handles("overlay").unwrap_or_default();
    let overlay: Vec<Overlay> = overlay.iter().map(|handle| take!(handle, Overlay).clone()).collect();
    let sources = match (call.handle("sources"), call.text("dsc")) {
        (Some(_), Some(_)) => {
            return Err(Fault::new("`cb.import`: expected `sources` or `dsc`, got both")
                .hint("`overlay = { cb.source_package \"x.dsc\" }` puts a source package before those of the sources")
                .field("dsc"));
        }
        (None, Some(_)) if !overlay.is_empty() => {
            return Err(Fault::new("`cb.import`: expected `dsc` alone, got `overlay`, too")
                .hint("an overlay supersedes what `sources` have")
                .field("overlay"));
        }
        (None, Some(path)) => AptSources::SourcePackage { path: path.into() },
        (Some(handle), None) => take!(handle, AptSources).clone(),
        (None, None) => AptSources::System { also: Vec::new() },
    };
    let (arch, build_arch) = (call.text("arch"), call.text("build_arch"));
    if arch.is_some() && arch == build_arch {
        return Err(Fault::new("`build_arch`: expected another architecture than `arch`")
            .hint("leave it out where nothing is built across")
            .field("build_arch"));
    }
    Ok(Request::Import(ImportRequest { sources, arch, build_arch, overlay }))
}

/// `cb.order`
pub fn order(mut call: Call, asking: &Asking<'_>) -> Result<Request, Fault> {
    ordered(&mut call, asking).map(Request::Order)
}

/// What `cb.order` asks for; `cb.build` does it, too, where it is given sources.
fn ordered(call: &mut Call, asking: &Asking<'_>) -> Result<OrderRequest, Fault> {
    let handle = required(call.handle("sources"));
    let (import, of) = match handle.as_ref() {
        Handle::Import(imported) => (imported.import, None),
        Handle::Sources(sources) => (sources.import, Some(sources.packages.clone())),
        other => unreachable!("was checked to be sources, got `{}`", other.tag().text()),
    };
    let packages = match (call.packages("packages"), of) {
        (Some(_), Some(_)) => {
            return Err(Fault::new("`packages`: expected nothing, since `sources` says which packages already")
                .hint("give an import as `sources`, or leave `packages` out")
                .field("packages"));
        }
        (Some(packages), None) | (None, Some(packages)) => packages,
        (None, None) => Selection::Everything,
    };
    let built = lock(asking.stages);
    if let Some(stage) = packages.stages().into_iter().find(|stage| !built.iter().any(|built| built == stage)) {
        let stages = if built.is_empty() { "none yet".to_owned() } else { built.join(", ") };
        return Err(Fault::new(format!("`packages`: expected a stage that was built before, got `{stage}`"))
            .hint(format!("stages so far: {stages}"))
            .field("packages"));
    }
    let against = match call.handles("against") {
        Some(layers) => against(&layers, import)?,
        None => vec![Against::Import(import)],
    };
    Ok(OrderRequest {
        import,
        packages,
        not_for_us: call.texts("not_for_us"),
        against,
        profiles: call.names("profiles").unwrap_or_else(|| LOOP_PROFILES.map(str::to_owned).to_vec()),
        older_binaries: call.boolean("older_binaries").unwrap_or(true),
        overlay: call.boolean("overlay").unwrap_or(true),
    })
}

/// The layers of `against`, one import among them at most.
fn against(layers: &[Arc<Handle>], import: ImportId) -> Result<Vec<Against>, Fault> {
    if layers.is_empty() {
        return Err(Fault::new("`against`: expected at least one layer, got an empty list")
            .hint("leave it out to build against the order's import")
            .field("against"));
    }
    Ok(layers.iter().map(|handle| layer(handle, import)).collect())
}

/// `cb.launch`
pub fn launch(mut call: Call, _: &Asking<'_>) -> Result<Request, Fault> {
    let mut builders: Vec<Builders> =
        required(call.handles("builders")).iter().map(|handle| take!(handle, Builders).clone()).collect();
    let budget = clouds::budget(&mut call)?;
    for group in &mut builders {
        match group {
            Builders::Here { .. } => {}
            Builders::Ec2(place) => place.budget = budget.or(place.budget),
        }
    }
    Ok(Request::Launch(LaunchRequest { builders }))
}

/// `cb.build`
pub fn build(mut call: Call, asking: &Asking<'_>) -> Result<Request, Fault> {
    let stage = stage(&mut call, asking)?;
    let layers = call.handles("against");
    let order = match call.handle("order") {
        Some(handle) => take!(handle, Order).clone(),
        None => match call.handle("sources") {
            Some(sources) => ordered_first(sources, layers.clone(), asking)?,
            None => {
                return Err(Fault::new("`cb.build`: `order` is missing: expected the result of `cb.order`")
                    .hint("give `order`, or `sources`, which are put in order then"));
            }
        },
    };
    let fleet = required(call.handle("on"));
    let against = match layers {
        None => vec![Against::Import(order.import)],
        Some(layers) => against(&layers, order.import)?,
    };
    let asked = call.text("suite");
    let meanwhile = call.handle("publish").and_then(|to| meanwhile(&to, asked, &stage, &order, &against));
    Ok(Request::Build(BuildRequest {
        stage,
        meanwhile,
        order,
        against,
        builders: take!(fleet, Fleet).builders.clone(),
        how: call.handles("how").unwrap_or_default().iter().map(|handle| take!(handle, How).clone()).collect(),
        environment: call.variables("environment").unwrap_or_default(),
        suffix: call.text("suffix"),
        maintainer: call.text("maintainer"),
        optional: call.boolean("optional").unwrap_or(false),
        flags: Box::new(build_flags(&mut call)),
        repeat: u32::try_from(call.integer("repeat_number").unwrap_or(1)).expect("the range was checked"),
        mirror: call.handle("mirror").map(|to| {
            let Directory { path, bucket, .. } = take!(to, Directory).clone();
            target(path, bucket)
        }),
        measure: call.record("measure").map(|table| measure(*table)).transpose()?.unwrap_or_default(),
        verify: call.record("verify").map(|table| verify(*table)).transpose()?.unwrap_or_default(),
        prove: call.boolean("prove").unwrap_or(false),
    }))
}

/// What is to be verified.
fn verify(mut table: Call) -> Result<Verify, Fault> {
    let level = |mut level: Box<Call>| {
        let (arch, fpu) = (required(level.text("arch")), required(level.text("fpu")));
        match Isa::named(&arch, &fpu) {
            Ok(_) => Ok(Level { arch, fpu }),
            Err(problem) => Err(Fault::new(format!("`verify.isa`: {problem}")).field("isa")),
        }
    };
    Ok(Verify {
        flags: table.boolean("flags").unwrap_or(false),
        isa: table.record("isa").map(level).transpose()?,
        installable: table.boolean("installable").unwrap_or(false),
        run_under: table.text("run_under"),
    })
}

/// What is to be measured.
fn measure(mut table: Call) -> Result<Measure, Fault> {
    let metrics = table.texts("metrics").iter().filter_map(|word| word.parse().ok()).collect();
    let bench = table.variables("bench").unwrap_or_default();
    let bench: BTreeMap<String, PathBuf> = bench.into_iter().map(|(source, file)| (source, file.into())).collect();
    if let Some((source, file)) = bench.iter().find(|(_, file)| !file.is_file()) {
        let text = format!("`measure.bench[\"{source}\"]`: expected a script, and `{}` is no file", file.display());
        return Err(Fault::new(text).hint("its path is relative to the recipe's folder").field("measure"));
    }
    Ok(Measure { metrics, bench })
}

/// The order of sources that were given without one.
fn ordered_first(
    sources: Arc<Handle>,
    layers: Option<Vec<Arc<Handle>>>,
    asking: &Asking<'_>,
) -> Result<OrderResult, Fault> {
    let mut call = Call::new(String::new());
    call.insert("sources", Checked::Handles(vec![sources]));
    if let Some(layers) = layers {
        call.insert("against", Checked::Handles(layers));
    }
    match (asking.ask)(Request::Order(ordered(&mut call, asking)?))? {
        Response::Order(order) => Ok(order),
        other => Err(Fault::new(format!("expected an order, got a {}", Handle::from(other).tag().text()))),
    }
}

/// The names of stages that nobody named, in the order of their builds.
const STAGES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

/// The stage's name; two stages of one name would share their jobs.
fn stage(call: &mut Call, asking: &Asking<'_>) -> Result<String, Fault> {
    let mut stages = lock(asking.stages);
    let name = match call.text("stage") {
        Some(name) => name,
        None => STAGES.get(stages.len()).map_or_else(|| format!("stage-{}", stages.len() + 1), |name| name.to_string()),
    };
    if stages.contains(&name) {
        return Err(Fault::new(format!("`stage`: expected a name of its own for each build, got `{name}` again"))
            .hint("each stage has its own jobs; give `stage` another name")
            .field("stage"));
    }
    stages.push(name.clone());
    Ok(name)
}

/// A layer; what has no import of its own is over the sources'.
fn layer(handle: &Handle, import: ImportId) -> Against {
    match handle {
        Handle::Import(imported) => Against::Import(imported.import),
        Handle::Built(built) => Against::Stage(built.stage.clone()),
        Handle::CrossOnly => Against::CrossOnly(import),
        Handle::AptSources(_)
        | Handle::Overlay(_)
        | Handle::Selection(_)
        | Handle::Sources(_)
        | Handle::Cell(_)
        | Handle::Variant(_)
        | Handle::Builders(_)
        | Handle::How(_)
        | Handle::Directory(_)
        | Handle::Order(_)
        | Handle::Fleet(_)
        | Handle::Published(_)
        | Handle::Report(_)
        | Handle::Comparison(_)
        | Handle::Recipe(_)
        | Handle::Retry(_)
        | Handle::GiveUp
        | Handle::Pause(_)
        | Handle::Skip(_)
        | Handle::Pattern(_)
        | Handle::Composed(_) => unreachable!("was checked to be an import or a build, got `{}`", handle.tag().text()),
    }
}

/// What is published while a stage is being built: it, over the stages that it is built against.
fn meanwhile(
    to: &std::sync::Arc<Handle>,
    asked: Option<String>,
    stage: &str,
    order: &OrderResult,
    against: &[Against],
) -> Option<Box<PublishRequest>> {
    let Directory { path, bucket, suite, origin, label, settings } = take!(to, Directory).clone();
    bucket.as_ref().and_then(|bucket| bucket.every)?;
    let beneath = against.iter().rev().filter_map(|layer| match layer {
        Against::Stage(stage) => Some(stage.clone()),
        Against::Import(_) | Against::CrossOnly(_) => None,
    });
    let suite = asked.or(suite).unwrap_or_else(|| stage.to_owned());
    Some(Box::new(PublishRequest {
        arch: order.arch.clone(),
        stages: beneath.chain([stage.to_owned()]).collect(),
        imports: vec![order.import],
        to: target(path, bucket),
        origin: origin.unwrap_or_else(|| "cloudbuild".to_owned()),
        label: label.unwrap_or_else(|| suite.clone()),
        suite,
        prove: false,
        settings,
    }))
}

/// `cb.publish`
pub fn publish(mut call: Call, _: &Asking<'_>) -> Result<Request, Fault> {
    let builds = builds(&mut call)?;
    let last = newest(&builds)?;
    let handle = required(call.handle("to"));
    let Directory { path, bucket, suite, origin, label, mut settings } = take!(handle, Directory).clone();
    settings.variant = call.handle("variant").map(|handle| Box::new(take!(handle, Variant).clone()));
    let suite = call.text("suite").or(suite).unwrap_or_else(|| last.stage.clone());
    Ok(Request::Publish(PublishRequest {
        arch: last.arch.clone(),
        stages: stages(&builds),
        imports: imports(&builds),
        to: target(path, bucket),
        origin: call.text("origin").or(origin).unwrap_or_else(|| "cloudbuild".to_owned()),
        label: call.text("label").or(label).unwrap_or_else(|| suite.clone()),
        suite,
        prove: call.boolean("prove").unwrap_or(false),
        settings,
    }))
}

/// Where an archive goes.
fn target(path: std::path::PathBuf, bucket: Option<InBucket>) -> PublishTarget {
    match bucket {
        Some(InBucket { place, every }) => PublishTarget::S3 { bucket: place, every },
        None => PublishTarget::Dir { path },
    }
}

/// `cb.compare`
pub fn compare(mut call: Call, _: &Asking<'_>) -> Result<Request, Fault> {
    let builds = builds(&mut call)?;
    Ok(Request::Compare(CompareRequest {
        import: newest(&builds)?.import,
        stages: stages(&builds),
        baseline: call.text("baseline"),
        cells: builds.iter().map(|build| Some((build.cell.clone()?, build.repeat))).collect(),
        report: call.handle("report").map(|handle| take!(handle, Report).clone()),
    }))
}

/// The builds in the list part; each stage may come once.
fn builds(call: &mut Call) -> Result<Vec<BuildResult>, Fault> {
    let mut builds: Vec<BuildResult> = Vec::new();
    for handle in required(call.handles("built")) {
        let build = take!(handle, Built);
        let stage = &build.stage;
        if builds.iter().any(|other| other.stage == *stage) {
            return Err(Fault::new(format!("expected each build once, got the stage `{stage}` again"))
                .code(Code::Twice)
                .hint("give each `cb.build` a `stage` of its own"));
        }
        builds.push(build.clone());
    }
    Ok(builds)
}

fn stages(builds: &[BuildResult]) -> Vec<String> {
    builds.iter().map(|build| build.stage.clone()).collect()
}

/// What the builds were built against, each import once.
fn imports(builds: &[BuildResult]) -> Vec<ImportId> {
    let mut imports: Vec<ImportId> = Vec::new();
    for build in builds {
        if !imports.contains(&build.import) {
            imports.push(build.import);
        }
    }
    imports
}

/// The last of the builds, which says what the others were built against and for, too.
fn newest(builds: &[BuildResult]) -> Result<&BuildResult, Fault> {
    builds
        .last()
        .ok_or_else(|| Fault::new("expected at least one build, got none").hint("pass what `cb.build` returned"))
}

fn required<T>(value: Option<T>) -> T {
    value.expect("its declaration says that it is required")
}
