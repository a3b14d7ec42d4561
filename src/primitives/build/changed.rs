//! What a stage built with inputs that are no longer the same.

use rustc_hash::{FxHashMap, FxHashSet};

use super::ground::{self, Seen, Standing};
use crate::core::archive::SourceRecord;
use crate::core::flags::effective::profiles;
use crate::core::how::HowWord;
use crate::core::ids::JobId;
use crate::core::install::installer::Installer;
use crate::core::install::request::Half;
use crate::core::job::JobState;
use crate::core::pinned::Imported;
use crate::core::view::{self, BuiltBinary, Upstream};
use crate::io::state::State;
use crate::io::state::jobs::{self, Job};
use crate::io::store::Store;
use crate::primitives::import::with_archives;
use crate::wire::Lease;

/// The sources among a stage's installed jobs whose build would get other packages now, by content; `built` is what is
/// built against now, on top of what `upstream` shows of `against`. A job that could not be built now has changed, too.
pub fn changed(
    state: &State,
    cache: &Store,
    (sources, against): (&Imported, &Imported),
    (upstream, built): (&Upstream, &[BuiltBinary]),
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
        let mut candidates = beneath.candidates();
        candidates.retain(|record| upstream.shows(&record.package));
        let visible = view::visible(&candidates, built, &stanzas).map_err(anyhow::Error::msg)?;
        let seen = Seen { view: view::id(&against.id(), upstream, built), packages: &visible };
        let words: Vec<Vec<&str>> = offers
            .iter()
            .map(|offer| offer.as_ref().map(|offer| profiles(&offer.environment)).unwrap_or_default())
            .collect();
        let mut standings: Vec<Standing<'_>> = offers.iter().flatten().map(stood).collect();
        standings.sort_unstable();
        standings.dedup();
        let mut same: FxHashSet<JobId> = FxHashSet::default();
        for standing in standings {
            // Without a chroot nothing could be built so any more, so all of it has changed.
            let _no_chroot = ground::on(&seen, standing, |ground| {
                let mut installer = Installer::new(ground.universe, ground.chroot);
                for ((job, offer), words) in installed.iter().zip(&offers).zip(&words) {
                    let record = records.get(&(job.source.as_str(), job.version.as_str()));
                    let offer = offer.as_ref().filter(|offer| stood(offer) == standing);
                    let Some(((record, offer), before)) = record.zip(offer).zip(job.inputs) else { continue };
                    let request = ground.request(&record.source, Half::of_job(&job.arch), words);
                    let found = installer.check(&request).ok().zip(offer.files.first());
                    let now = found.map(|(installed, dsc)| {
                        let version = offer.suffixed.as_ref().map(|suffixed| suffixed.version.as_str());
                        ground.inputs(&installed, &dsc.sha256, &job.arch, (&offer.environment, version), 1)
                    });
                    if now == Some(before) {
                        same.insert(job.id);
                    }
                }
                Ok(())
            })?;
        }
        let other = installed.iter().filter(|job| !same.contains(&job.id));
        let mut changed: Vec<String> = other.map(|job| job.source.clone()).collect();
        changed.sort();
        changed.dedup();
        Ok(changed)
    })
}

/// What an offer was built on.
fn stood(offer: &Lease) -> Standing<'_> {
    let host = match offer.how {
        HowWord::Cross => &offer.arch,
        HowWord::Native | HowWord::Emulated => &offer.chroot_arch,
    };
    Standing { how: offer.how, chroot: &offer.chroot_arch, host }
}
