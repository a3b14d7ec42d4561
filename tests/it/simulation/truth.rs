//! What must be true after every step, and what a store would have.

use std::collections::{BTreeMap, BTreeSet};

use cloudbuild::core::ids::{Epoch, JobId, Sha256};
use cloudbuild::core::job::{JobEvent, JobState, step};
use cloudbuild::io::state::artifacts::{Artifact, ArtifactKind};
use cloudbuild::io::state::memory::Memory;
use cloudbuild::io::state::{artifacts, attempts, events, jobs};
use cloudbuild::wire::Outcome;

/// The file that an attempt makes; no two make the same bytes.
pub fn made(job: JobId, epoch: Epoch) -> Artifact {
    let bytes = format!("{job}-{}", epoch.0);
    Artifact {
        name: format!("{job}_1_amd64.deb"),
        kind: ArtifactKind::Deb,
        sha256: Sha256::of(bytes.as_bytes()),
        size: bytes.len() as u64,
        package: Some(job.to_string()),
        version: Some("1".to_owned()),
        architecture: Some("amd64".to_owned()),
        source: Some(job.to_string()),
        control: None,
    }
}

/// What is remembered outside of the control point, to hold it to.
#[derive(Default)]
pub struct Truth {
    /// Results that a builder was told were taken.
    acknowledged: BTreeSet<(JobId, Epoch)>,
    /// Attempts that really built.
    built: BTreeSet<(JobId, Epoch)>,
    /// The newest lease that was seen of each job.
    epochs: BTreeMap<JobId, Epoch>,
    /// How many events were looked at, and what they make of each job.
    seen: i64,
    states: BTreeMap<JobId, JobState>,
}

impl Truth {
    /// A build really succeeded.
    pub fn built(&mut self, job: JobId, epoch: Epoch) {
        self.built.insert((job, epoch));
    }

    /// A builder was told that its result was taken.
    pub fn acknowledged(&mut self, job: JobId, epoch: Epoch) {
        self.acknowledged.insert((job, epoch));
    }

    /// Looks at each job to which something happened since the last time, and at these besides. Every change of a job
    /// comes with an event, and now and then all are looked at, to see that it does.
    pub fn check(&mut self, state: &Memory, besides: &[JobId]) {
        let mut all: BTreeSet<JobId> = besides.iter().copied().collect();
        let rows = state.read(|db| events::since(db, self.seen, 10_000)).unwrap();
        for row in rows {
            self.seen = row.seq;
            all.insert(row.job);
            let before = self.states.get(&row.job).copied().unwrap_or(JobState::NeedsBuild);
            let after = step(before, &row.event).expect("every event that was written is a legal move");
            if let JobEvent::Leased { epoch, .. } = row.event {
                let newest = self.epochs.insert(row.job, epoch);
                assert!(newest < Some(epoch), "{}: epochs rise", row.job);
            }
            if row.event == JobEvent::Installed {
                assert_ne!(before, JobState::Installed, "{}: installed once", row.job);
            }
            self.states.insert(row.job, after);
        }
        for &id in &all {
            self.check_job(state, id);
        }
        for (id, epoch) in self.acknowledged.iter().filter(|(id, _)| all.contains(id)) {
            let files = state.read(|db| artifacts::by_job(db, *id)).unwrap();
            assert_eq!(files, [made(*id, *epoch)], "{id}: what was acknowledged is there");
        }
    }

    fn check_job(&self, state: &Memory, id: JobId) {
        let (job, files, tries) = state
            .read(|db| Ok((jobs::expect(db, id)?, artifacts::by_job(db, id)?, attempts::by_job(db, id)?)))
            .unwrap();
        let replayed = self.states.get(&id).copied().unwrap_or(JobState::NeedsBuild);
        assert_eq!(job.state, replayed, "{id}: its row says what its events make of it");
        assert_eq!(job.epoch, self.epochs.get(&id).copied().unwrap_or(Epoch(0)), "{id}: its newest lease");
        let accepted: Vec<Epoch> = tries
            .iter()
            .filter(|attempt| attempt.outcome == Some(Outcome::Built))
            .map(|attempt| attempt.epoch)
            .collect();
        assert!(accepted.len() <= 1, "{id}: one result is accepted, not those of {accepted:?}");
        assert_eq!(job.state == JobState::Installed, accepted.len() == 1, "{id}: installed is what was accepted");
        match accepted.first() {
            Some(epoch) => {
                assert!(self.built.contains(&(id, *epoch)), "{id}: what was accepted was built");
                assert_eq!(files, [made(id, *epoch)], "{id}: what is published was accepted");
            }
            None => assert_eq!(files, [], "{id}: nothing is published that was not accepted"),
        }
        let building = tries.iter().filter(|attempt| attempt.finish.is_none() && attempt.epoch == job.epoch).count();
        assert!(job.state != JobState::Building || building == 1, "{id}: who builds has a lease");
    }
}
