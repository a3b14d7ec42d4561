//! The proof of a published archive: real apt installs from it, in a clean chroot that trusts nothing but its key.

use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::core::events::{Event, Listener};
use crate::core::ids::{ChrootKey, ViewId};
use crate::core::view;
use crate::io::archive::serve::Serving;
use crate::io::sbuild::SbuildError;
use crate::io::sbuild::chroot::{self, ChrootRequest};
use crate::io::sbuild::place::{Claim, Place};
use crate::io::sbuild::proof::{self, Clean, Proved, Source};
use crate::primitives::{Pace, Signals};
use crate::wire::Lease;

/// The most packages that one proof installs; an archive of more is judged by other means.
const MOST: usize = 200;

/// Where real apt installs.
pub struct Proving {
    place: Place,
    control_url: String,
    signals: Arc<Signals>,
    spare: Mutex<Option<Spare>>,
}

/// A chroot that is unpacked while builds still run, so that the proof need not wait for it.
struct Spare {
    of: ChrootKey,
    unpacking: JoinHandle<Result<Unpacked, SbuildError>>,
}

/// A clean chroot, and the claim of the place that it is in.
struct Unpacked {
    clean: Clean,
    _claim: Claim,
}

/// What is proved.
pub struct Subject<'s> {
    /// Serves the archive.
    pub serving: &'s Serving,
    /// Its suite.
    pub suite: &'s str,
    /// Its components.
    pub components: &'s [String],
    /// The `binary-NAME` folders that apt reads; none: that of its own architecture.
    pub architectures: Vec<String>,
    /// The only key that apt trusts.
    pub key: String,
    /// What a builder was offered, for its chroot and view; the last one knows most.
    pub offer: &'s Lease,
    /// Binary packages of the archive.
    pub packages: &'s [String],
}

/// What a script is run with.
pub struct Trying<'t> {
    /// What a builder was offered, for its chroot.
    pub offer: &'t Lease,
    /// What the packages are installed from.
    pub view: ViewId,
    /// The key that signed the view.
    pub key: String,
    /// Binary packages to install.
    pub packages: &'t [String],
    /// Their architecture, where it is not the chroot's: then they are unpacked beside its own.
    pub foreign: Option<&'t str>,
    /// The script.
    pub script: &'t [u8],
    /// A program of the machine's that the script finds beside itself.
    pub beside: Option<&'t Path>,
    /// What it is for, in words.
    pub what: &'t str,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// One line a package that was installed.
    pub proved: Vec<String>,
    /// One line a package that apt did not install, with the reason.
    pub refused: Vec<String>,
}

/// Installs the packages of an archive: all at once, or one by one where they exclude each other.
pub async fn prove(proving: &Proving, subject: &Subject<'_>, listener: &dyn Listener) -> anyhow::Result<Proof> {
    let mut proof = Proof::default();
    if subject.packages.is_empty() {
        return Ok(proof);
    }
    if subject.packages.len() > MOST {
        let text = format!("not installed with apt as a proof: {} packages are too many", subject.packages.len());
        listener.hear(&Event::Note { text });
        return Ok(proof);
    }
    let what = format!("install {} from the archive with apt in a clean chroot", subject.packages.join(", "));
    listener.hear(&Event::Working { step: "proof".to_owned(), what });
    let unpacked = proving.unpacked(subject).await?;
    let result = proving.signals.unless(Pace::Halt, install(proving, subject, &unpacked.clean, &mut proof)).await;
    // What apt was at ends with its chroot.
    unpacked.clean.remove().await.context("remove the clean chroot")?;
    proving.place.give_up().await.context("leave the place of the proof")?;
    result?;
    for line in &proof.proved {
        listener.hear(&Event::Proved { line: line.clone() });
    }
    for line in &proof.refused {
        listener.hear(&Event::Note { text: line.clone() });
    }
    Ok(proof)
}

impl Proving {
    /// Unpacks chroots in `place`; `control_url` serves the view that dependencies come from; `signals` halt a proof, too.
    pub fn new(place: Place, control_url: String, signals: Arc<Signals>) -> Proving {
        Proving { place, control_url, signals, spare: Mutex::new(None) }
    }

    /// Starts to unpack a chroot for the proof that will come, unless one is begun already or its tarball is not there.
    pub fn prepare_ahead(&self, of: ChrootKey) {
        let mut spare = self.spare.lock().expect("nobody panics while it is locked");
        if let Some(tar) = spare.is_none().then(|| chroot::find(&self.place, of)).flatten() {
            let place = self.place.clone();
            let unpacking = tokio::spawn(async move { unpack(&place, &tar).await });
            *spare = Some(Spare { of, unpacking });
        }
    }

    /// Removes what was unpacked for a proof that never came, finished or not.
    pub async fn leave(&self) -> anyhow::Result<()> {
        let Some(spare) = self.take_spare() else { return Ok(()) };
        spare.unpacking.abort();
        // Whatever it came to: with its end, its claim is free.
        drop(spare.unpacking.await);
        let _claim = self.place.claim().await.context("enter the place of the proof")?;
        self.place.give_up().await.context("leave the place of the proof")
    }

    /// Runs a script in a clean chroot with packages of a view installed; what it printed.
    ///
    /// # Errors
    /// The inner one is the script's, or says why the packages are not installed; the outer one is the machine's.
    pub async fn script(&self, trying: &Trying<'_>) -> anyhow::Result<Result<Vec<u8>, SbuildError>> {
        let Trying { offer, view, key, packages, foreign, script, beside, what } = trying;
        // A chroot for the proof that comes later is in the same place.
        self.leave().await?;
        let view_url = format!("{}/view/{view}", self.control_url);
        let request = ChrootRequest {
            key: offer.chroot,
            arch: offer.chroot_arch.clone(),
            packages: offer.chroot_packages.clone(),
            view_url: format!("{view_url}/"),
            view_key: key.clone(),
        };
        let _claim = self.place.claim().await.context("make a place for a script")?;
        let tar = chroot::ensure(&self.place, &request, &CancellationToken::new()).await.context("make a chroot")?;
        let clean = proof::prepare(&self.place, &tar, "script").await.context("unpack a clean chroot")?;
        let components = vec!["main".to_owned()];
        let source = Source {
            url: view_url,
            suite: view::SUITE.to_owned(),
            components,
            architectures: Vec::new(),
            key: key.clone(),
        };
        let trying = async {
            let ready = match foreign {
                Some(arch) => clean.unpack(&source, arch, packages).await,
                None => clean.install(&source, None, packages).await.map(drop),
            };
            if let Err(error) = ready {
                return Ok(Err(error));
            }
            Ok(clean.script(script, *beside, what).await)
        };
        let printed = self.signals.unless(Pace::Halt, trying).await;
        clean.remove().await.context("remove the clean chroot")?;
        self.place.give_up().await.context("leave the place of a script")?;
        printed
    }

    fn take_spare(&self) -> Option<Spare> {
        self.spare.lock().expect("nobody panics while it is locked").take()
    }

    /// A clean chroot to install into: the spare one, or else one that is unpacked now.
    async fn unpacked(&self, subject: &Subject<'_>) -> anyhow::Result<Unpacked> {
        if let Some(spare) = self.take_spare() {
            match spare.unpacking.await.expect("unpacking a chroot does not panic") {
                Ok(unpacked) if spare.of == subject.offer.chroot => return Ok(unpacked),
                // Claiming the place again, once this claim is free, removes it.
                Ok(_of_another) => {}
                Err(error) => tracing::debug!(%error, "the chroot that was to be ready is not"),
            }
        }
        let request = ChrootRequest {
            key: subject.offer.chroot,
            arch: subject.offer.chroot_arch.clone(),
            packages: subject.offer.chroot_packages.clone(),
            view_url: format!("{}/view/{}/", self.control_url, subject.offer.view),
            view_key: subject.key.clone(),
        };
        let claim = self.place.claim().await.context("make a place for the proof")?;
        // It is there, unless the build was made with another cache or long ago.
        let tar = chroot::ensure(&self.place, &request, &CancellationToken::new()).await.context("make a chroot")?;
        let clean = proof::prepare(&self.place, &tar, "proof").await.context("unpack a clean chroot")?;
        Ok(Unpacked { clean, _claim: claim })
    }
}

async fn unpack(place: &Place, tar: &Path) -> Result<Unpacked, SbuildError> {
    let claim = place.claim().await?;
    Ok(Unpacked { clean: proof::prepare(place, tar, "proof").await?, _claim: claim })
}

async fn install(proving: &Proving, subject: &Subject<'_>, clean: &Clean, proof: &mut Proof) -> anyhow::Result<()> {
    let archive = Source {
        url: subject.serving.url.clone(),
        suite: subject.suite.to_owned(),
        components: subject.components.to_vec(),
        architectures: subject.architectures.clone(),
        key: subject.key.clone(),
    };
    let view = Source {
        url: format!("{}/view/{}", proving.control_url, subject.offer.view),
        suite: view::SUITE.to_owned(),
        components: vec!["main".to_owned()],
        architectures: Vec::new(),
        key: subject.key.clone(),
    };
    let lines = |proved: Vec<Proved>| proved.iter().map(Proved::to_string).collect::<Vec<_>>();
    // Most packages need no more than what the chroot has and what was published with them.
    match clean.install(&archive, None, subject.packages).await {
        Ok(proved) => {
            proof.proved = lines(proved);
            return Ok(());
        }
        Err(error) => tracing::debug!(%error, "the archive alone does not do"),
    }
    match clean.install(&archive, Some(&view), subject.packages).await {
        Ok(proved) => proof.proved = lines(proved),
        Err(error) if subject.packages.len() == 1 => proof.refused.push(refusal(&subject.packages[0], &error)),
        Err(_) => {
            for package in subject.packages {
                match clean.install(&archive, Some(&view), std::slice::from_ref(package)).await {
                    Ok(proved) => proof.proved.extend(lines(proved)),
                    Err(error) => proof.refused.push(refusal(package, &error)),
                }
            }
        }
    }
    Ok(())
}

fn refusal(package: &str, error: &SbuildError) -> String {
    format!("{package}: apt does not install it from the archive: {error}")
}
