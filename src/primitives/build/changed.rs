//! What a stage built with inputs that are no longer the same.

use rustc_hash::FxHashMap;

use crate::core::archive::SourceRecord;
use crate::core::flags::effective::profiles;
use crate::core::inputs;
use crate::core::install::base::Base;
use crate::core::install::installer::Installer;
use crate::core::install::request::{Alternatives, Half, Request};
use crate::core::install::universe::{Architectures, Universe};
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::view::{self, BuiltBinary};
use crate::io::state::State;
use crate::io::state::jobs::{self, Job};
use crate::io::store::Store;
use crate::primitives::import::with_archives;
use crate::wire::Lease;

/// The sources among a stage's installed jobs whose build would get other packages now, by content; `built` is what is
/// built against now, on top of `against`. A job that could not be built now has changed, too.
pub fn changed(
    state: &State,
    cache: &Store,
    (sources, against): (&Imported, &Imported),
    built: &[BuiltBinary],
    jobs: Vec<Job>,
) -> anyhow::Result<Vec<String>> {
    let installed: Vec<Job> = jobs.into_iter().filter(|job| job.state == JobState::Installed).collect();
    let mut offers: Vec<Option<Lease>> = Vec::with_capacity(installed.len());
    for job in &installed {
        offers.push(state.read(|db| jobs::offer(db, job.id))?);
    }
    with_archives(cache, sources, against, |archive, beneath| {
        let records: FxHashMap<(&str, &str), SourceRecord<'_>> =
            archive.sources.iter().map(|record| ((record.source.name, record.source.version), *record)).collect();
        let stanzas: Vec<String> = built.iter().map(BuiltBinary::stanza).collect();
        let visible = view::visible(&beneath.candidates(), built, &stanzas).map_err(anyhow::Error::msg)?;
        let universe = Universe::new(&visible, Architectures::native(&against.architecture));
        let chroot = Base::of_chroot(&universe);
        let words: Vec<Vec<&str>> = offers
            .iter()
            .map(|offer| offer.as_ref().map(|offer| profiles(&offer.environment)).unwrap_or_default())
            .collect();
        let mut installer = Installer::new(&universe, &chroot);
        let mut changed: Vec<String> = Vec::new();
        for ((job, offer), words) in installed.iter().zip(&offers).zip(&words) {
            let record = records.get(&(job.source.as_str(), job.version.as_str()));
            let same = record.zip(offer.as_ref()).zip(job.inputs).is_some_and(|((record, offer), before)| {
                let request = Request::of(&record.source, Half::of_job(&job.arch), words, Alternatives::First);
                let found = installer.check(&request).ok().zip(offer.files.first());
                found.is_some_and(|(installed, dsc)| {
                    let version = offer.suffixed.as_ref().map(|suffixed| suffixed.version.as_str());
                    let decides = (&offer.environment, version);
                    before == inputs::inputs(&universe, &chroot, &installed, &dsc.sha256, &job.arch, decides, 1)
                })
            });
            if !same {
                changed.push(job.source.clone());
            }
        }
        changed.sort();
        changed.dedup();
        Ok(changed)
    })
}
