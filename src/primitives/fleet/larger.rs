//! Jobs that need a larger machine than the one that they ran out of memory on.

use super::{Fleet, Shared};
use crate::core::fleet::size::may_exceed;
use crate::io::state::jobs::leasing;
use crate::io::state::{builder_health, builders};

impl Fleet {
    /// Whether some builder has more memory than so many bytes, or one that may have can be launched.
    pub fn may_be_larger(&self, than: u64) -> anyhow::Result<bool> {
        self.shared.may_be_larger(than)
    }

    /// Lets jobs of the run that no machine is large enough for have any machine again, and says so.
    pub fn settle_larger(&self) -> anyhow::Result<()> {
        self.shared.settle_larger()
    }
}

impl Shared {
    fn may_be_larger(&self, than: u64) -> anyhow::Result<bool> {
        let (sizes, known, launched) =
            self.options.state.read(|db| Ok((builders::sizes(db)?, builder_health::all(db)?, builders::all(db)?)))?;
        // What was launched is looked at by its type: it may be gone, and another one of its kind may come.
        let is_launched = |name: &str| launched.iter().any(|builder| builder.name == name);
        if known.iter().any(|known| known.memory > than && known.drained.is_none() && !is_launched(&known.builder)) {
            return Ok(true);
        }
        let inner = self.inner();
        let usable = inner.places.iter().filter(|place| !place.is_broken);
        let mut types = usable.flat_map(|place| &place.ec2.types);
        Ok(types.any(|kind| may_exceed(kind, than, &sizes)))
    }

    pub(super) fn settle_larger(&self) -> anyhow::Result<()> {
        let run = self.options.run;
        for (job, than) in self.options.state.read(|db| leasing::wanting_larger(db, run))? {
            if self.may_be_larger(than)? {
                continue;
            }
            let job = self.options.state.write(move |tx| {
                leasing::set_larger_than(tx, job, 0)?;
                crate::io::state::jobs::expect(tx, job)
            })?;
            let name = format!("{} {} ({})", job.source, job.version, job.arch);
            self.note(format!("{name} is tried on a machine like the last one: no larger one can be had"));
            self.options.signals.state_changed();
        }
        Ok(())
    }
}
