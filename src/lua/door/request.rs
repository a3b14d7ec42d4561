//! Makes the requests of primitives from calls that have been checked.

use crate::core::ids::ImportId;
use crate::core::order::LOOP_PROFILES;
use crate::core::recipe::overlay::Overlay;
use crate::core::recipe::{
    Against, AptSources, BuildRequest, BuildResult, Builders, CompareRequest, ImportRequest, LaunchRequest,
    OrderRequest, PublishRequest, PublishTarget, Request,
};
use crate::lua::check::call::Call;
use crate::lua::session::Fault;
use crate::lua::values::{Directory, Handle};

/// Takes the one value that a handle was checked to be.
macro_rules! take {
    ($handle:expr, $variant:ident) => {
        match $handle.as_ref() {
            Handle::$variant(value) => value,
            other => unreachable!("was checked to be `{}`, got `{}`", stringify!($variant), other.tag().text()),
        }
    };
}

/// `cb.import`
pub fn import(mut call: Call) -> Result<Request, Fault> {
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
    Ok(Request::Import(ImportRequest { sources, arch: call.text("arch"), overlay }))
}

/// `cb.order`
pub fn order(mut call: Call) -> Result<Request, Fault> {
    let handle = required(call.handle("sources"));
    let packages = call.packages("packages");
    let profiles = call.names("profiles").unwrap_or_else(|| LOOP_PROFILES.map(str::to_owned).to_vec());
    let older_binaries = call.boolean("older_binaries").unwrap_or(true);
    Ok(Request::Order(OrderRequest {
        import: take!(handle, Import).import,
        packages,
        profiles,
        older_binaries,
        overlay: call.boolean("overlay").unwrap_or(true),
        against: call.handle("against").map(|handle| take!(handle, Import).import),
    }))
}

/// `cb.launch`
pub fn launch(mut call: Call) -> Result<Request, Fault> {
    let builders: Vec<Builders> =
        required(call.handles("builders")).iter().map(|handle| take!(handle, Builders).clone()).collect();
    Ok(Request::Launch(LaunchRequest { builders }))
}

/// `cb.build`
pub fn build(mut call: Call) -> Result<Request, Fault> {
    let order = required(call.handle("order"));
    let order = take!(order, Order).clone();
    let fleet = required(call.handle("on"));
    let against = match call.handles("against") {
        None => vec![Against::Import(order.import)],
        Some(layers) if layers.is_empty() => {
            return Err(Fault::new("`against`: expected at least one layer, got an empty list")
                .hint("leave it out to build against the order's import")
                .field("against"));
        }
        Some(layers) => layers.iter().map(|handle| layer(handle)).collect(),
    };
    Ok(Request::Build(BuildRequest {
        stage: call.text("stage").unwrap_or_else(|| "first".to_owned()),
        order,
        against,
        builders: take!(fleet, Fleet).builders.clone(),
        environment: call.variables("environment").unwrap_or_default(),
        suffix: call.text("suffix"),
        prove: call.boolean("prove").unwrap_or(false),
    }))
}

fn layer(handle: &Handle) -> Against {
    match handle {
        Handle::Import(imported) => Against::Import(imported.import),
        Handle::Built(built) => Against::Stage(built.stage.clone()),
        Handle::AptSources(_)
        | Handle::Overlay(_)
        | Handle::Everything
        | Handle::BaseSystem(_)
        | Handle::Builders(_)
        | Handle::Directory(_)
        | Handle::Order(_)
        | Handle::Fleet(_)
        | Handle::Published(_)
        | Handle::Comparison(_)
        | Handle::Recipe(_)
        | Handle::Composed(_) => unreachable!("was checked to be an import or a build, got `{}`", handle.tag().text()),
    }
}

/// `cb.publish`
pub fn publish(mut call: Call) -> Result<Request, Fault> {
    let builds = builds(&mut call)?;
    let last = newest(&builds)?;
    let handle = required(call.handle("to"));
    let Directory { path, suite, origin, label } = take!(handle, Directory).clone();
    let suite = call.text("suite").or(suite).unwrap_or_else(|| last.stage.clone());
    Ok(Request::Publish(PublishRequest {
        arch: last.arch.clone(),
        stages: stages(&builds),
        imports: imports(&builds),
        to: PublishTarget::Dir { path },
        origin: call.text("origin").or(origin).unwrap_or_else(|| "cloudbuild".to_owned()),
        label: call.text("label").or(label).unwrap_or_else(|| suite.clone()),
        suite,
        prove: call.boolean("prove").unwrap_or(false),
    }))
}

/// `cb.compare`
pub fn compare(mut call: Call) -> Result<Request, Fault> {
    let builds = builds(&mut call)?;
    Ok(Request::Compare(CompareRequest { import: newest(&builds)?.import, stages: stages(&builds) }))
}

/// The builds in the list part; each stage may come once.
fn builds(call: &mut Call) -> Result<Vec<BuildResult>, Fault> {
    let mut builds: Vec<BuildResult> = Vec::new();
    for handle in required(call.handles("built")) {
        let build = take!(handle, Built);
        let stage = &build.stage;
        if builds.iter().any(|other| other.stage == *stage) {
            return Err(Fault::new(format!("expected each build once, got the stage `{stage}` again"))
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
