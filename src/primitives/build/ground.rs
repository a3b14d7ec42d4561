//! What builds stand on: the view, and for each way of building the packages, the chroot and the key of that.

use crate::core::debian::packages::Package;
use crate::core::how::{How, HowWord, Try};
use crate::core::ids::{ChrootKey, ViewId};
use crate::core::inputs;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::recipe::{Against, BuildRequest};
use crate::core::view::{self, BuiltBinary, Upstream};
use crate::primitives;
use crate::primitives::build::ready::{NO_CHROOT, Planner};

/// What a cross build has of its host architecture whatever the source asks for, where it is there: compilers find
/// their start files and headers in it.
const OF_HOST: [&str; 2] = ["libc-dev", "libstdc++-dev"];

/// What is the same for all jobs that are tried in one way.
pub(super) struct Ground<'u> {
    pub(super) view: ViewId,
    pub(super) how: HowWord,
    pub(super) universe: &'u Universe<'u>,
    /// What is in the chroot before any build-dependency.
    pub(super) chroot: &'u Base<'u>,
    pub(super) chroot_key: ChrootKey,
    pub(super) chroot_arch: &'u str,
    /// Packages that only such chroots have.
    pub(super) chroot_packages: Vec<String>,
    /// Relations that a cross build has besides the source's own, as one field, empty for others.
    pub(super) cross_depends: &'u str,
}

/// What is seen: the newest view.
pub(super) struct Seen<'s> {
    view: ViewId,
    packages: &'s [Package<'s>],
}

/// How much of the import a request shows.
pub(super) fn upstream(request: &BuildRequest, build_architecture: Option<&str>) -> Upstream {
    let has = |wanted: fn(&Against) -> bool| request.against.iter().any(wanted);
    if has(|layer| matches!(layer, Against::Import(_))) {
        Upstream::All
    } else if has(|layer| matches!(layer, Against::CrossOnly(_))) {
        build_architecture.map_or(Upstream::Nothing, |build| Upstream::Only(build.to_owned()))
    } else {
        Upstream::Nothing
    }
}

impl Planner<'_> {
    /// Does something with what is visible now; its view is written first.
    pub(super) fn over<T>(
        &self,
        built: &[BuiltBinary],
        then: impl FnOnce(&Seen<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let stanzas: Vec<String> = built.iter().map(BuiltBinary::stanza).collect();
        let visible = view::visible(&self.candidates, built, &stanzas).map_err(anyhow::Error::msg)?;
        let view = view::id(&self.imported.id(), &self.upstream, built);
        let architectures: Vec<&str> = self.imported.architectures().collect();
        primitives::view::write(self.stage.dir, view, &visible, &architectures, self.stage.key)?;
        then(&Seen { view, packages: &visible })
    }

    /// Does something on the ground of one way of building. The error is why there is none: no chroot can be made.
    pub(super) fn on<T>(
        &self,
        seen: &Seen<'_>,
        attempt: &Try,
        then: impl FnOnce(&Ground<'_>) -> anyhow::Result<T>,
    ) -> anyhow::Result<Result<T, String>> {
        let how = self.how(attempt);
        let (build, host) = (attempt.chroot.as_str(), attempt.host.as_str());
        let universe = Universe::new(seen.packages, Architectures { build, host });
        let compilers: Vec<String> = match how {
            How::Cross { .. } => vec![format!("crossbuild-essential-{host}")],
            How::Native | How::Emulated { .. } => Vec::new(),
        };
        let more: Vec<&str> = compilers.iter().map(String::as_str).collect();
        let chroot = Base::of_chroot_with(&universe, &more);
        if let Some(refusal) = &chroot.refusal {
            return Ok(Err(format!("{NO_CHROOT} {build} can be made: it {refusal}")));
        }
        let cross_depends = match how {
            How::Cross { .. } => cross_depends(&universe, &chroot),
            How::Native | How::Emulated { .. } => String::new(),
        };
        let ground = Ground {
            view: seen.view,
            how: how.word(),
            universe: &universe,
            chroot: &chroot,
            chroot_key: inputs::chroot_key(&universe, &chroot, build),
            chroot_arch: build,
            chroot_packages: compilers.clone(),
            cross_depends: &cross_depends,
        };
        then(&ground).map(Ok)
    }
}

/// What there is of [`OF_HOST`], as relations.
fn cross_depends(universe: &Universe<'_>, chroot: &Base<'_>) -> String {
    let there = |name: &&&str| {
        let request = Request::of_field(name.as_bytes(), Alternatives::First);
        Installer::new(universe, chroot).check(&request).is_ok()
    };
    OF_HOST.iter().filter(there).copied().collect::<Vec<_>>().join(", ")
}
