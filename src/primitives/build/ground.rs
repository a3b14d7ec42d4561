//! What builds stand on: the view, and for each way of building the packages, the chroot and the key of that.

use crate::core::debian::packages::Package;
use crate::core::debian::sources::Source;
use crate::core::flags::effective::Environment;
use crate::core::how::HowWord;
use crate::core::ids::{ChrootKey, InputsHash, Sha256, ViewId};
use crate::core::inputs;
use crate::core::install::base::Base;
use crate::core::install::installer::{Installed, Installer};
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::view::{self, BuiltBinary};
use crate::primitives;
use crate::primitives::build::ready::Planner;

/// What a cross build has of its host architecture whatever the source asks for, where it is there: compilers find
/// their start files and headers in it.
const OF_HOST: [&str; 2] = ["libc-dev", "libstdc++-dev"];

/// How the reason begins that no chroot can be made.
pub(super) const NO_CHROOT: &str = "no chroot of";

/// What is seen: the newest view.
pub(super) struct Seen<'s> {
    /// Its id.
    pub(super) view: ViewId,
    /// The packages in it.
    pub(super) packages: &'s [Package<'s>],
}

/// One way of building: how, in a chroot of which architecture, for which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Standing<'w> {
    pub(super) how: HowWord,
    pub(super) chroot: &'w str,
    pub(super) host: &'w str,
}

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
    /// Packages of the host architecture that a cross build has besides the source's own needs.
    pub(super) cross_depends: Vec<&'static str>,
    cross_field: &'u str,
}

impl<'u> Ground<'u> {
    /// What a source asks for to be built in this way.
    pub(super) fn request(&self, source: &Source<'u>, half: Half, profiles: &'u [&'u str]) -> Request<'u> {
        let mut request = Request::of(source, half, profiles, Alternatives::First);
        if self.how == HowWord::Cross {
            // Cross builds are of the architecture's half, so the other half's place is free.
            request.depends[2] = self.cross_field.as_bytes();
        }
        request
    }

    /// The hash of what decides the result. An emulator makes what the processor would.
    pub(super) fn inputs(
        &self,
        installed: &Installed,
        dsc: &Sha256,
        arch: &str,
        decides: (&Environment, Option<&str>),
        repeat: u32,
    ) -> InputsHash {
        let made_on = match self.how {
            HowWord::Cross => format!("{arch} across from {}", self.chroot_arch),
            HowWord::Native | HowWord::Emulated => arch.to_owned(),
        };
        inputs::inputs(self.universe, self.chroot, installed, dsc, &made_on, decides, repeat)
    }
}

impl Planner<'_> {
    /// A view of all that was built, for scripts that measure it.
    pub(super) fn view_of_all(&self) -> anyhow::Result<Option<ViewId>> {
        if self.request.measure.bench.is_empty() && self.request.verify.run_under.is_none() {
            return Ok(None);
        }
        self.over(&self.built()?, |seen| Ok(Some(seen.view)))
    }

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
        let superseding = view::superseding(&visible, &self.candidates, built);
        primitives::view::write(self.stage.dir, view, &visible, &superseding, &architectures, self.stage.key)?;
        then(&Seen { view, packages: &visible })
    }
}

/// Does something on the ground of one way of building. The inner error is why there is none: no chroot can be made.
pub(super) fn on<T>(
    seen: &Seen<'_>,
    Standing { how, chroot: build, host }: Standing<'_>,
    then: impl FnOnce(&Ground<'_>) -> anyhow::Result<T>,
) -> anyhow::Result<Result<T, String>> {
    let universe = Universe::new(seen.packages, Architectures { build, host });
    let compilers: Vec<String> = match how {
        HowWord::Cross => vec![format!("crossbuild-essential-{host}")],
        HowWord::Native | HowWord::Emulated => Vec::new(),
    };
    let more: Vec<&str> = compilers.iter().map(String::as_str).collect();
    let chroot = Base::of_chroot_with(&universe, &more);
    if let Some(refusal) = &chroot.refusal {
        return Ok(Err(format!("{NO_CHROOT} {build} can be made: it {refusal}")));
    }
    let cross_depends = match how {
        HowWord::Cross => cross_depends(&universe, &chroot),
        HowWord::Native | HowWord::Emulated => Vec::new(),
    };
    let ground = Ground {
        view: seen.view,
        how,
        universe: &universe,
        chroot: &chroot,
        chroot_key: inputs::chroot_key(&universe, &chroot, build),
        chroot_arch: build,
        chroot_packages: compilers.clone(),
        cross_field: &cross_depends.join(", "),
        cross_depends,
    };
    then(&ground).map(Ok)
}

/// What there is of [`OF_HOST`].
fn cross_depends(universe: &Universe<'_>, chroot: &Base<'_>) -> Vec<&'static str> {
    let there = |name: &&'static str| {
        let request = Request::of_field(name.as_bytes(), Alternatives::First);
        Installer::new(universe, chroot).check(&request).is_ok()
    };
    OF_HOST.into_iter().filter(there).collect()
}
