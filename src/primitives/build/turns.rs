//! Tries jobs in one way after the other, as `how` lists them.

use anyhow::Context;
use serde_json::{Value as Json, json};

use super::ground::{self, NO_CHROOT, Seen, Standing};
use super::ready::{Decision, Planner, ToBuild};
use crate::core::flags::effective::{self, Environment};
use crate::core::hooks::skipped;
use crate::core::how::{self, How, HowWord, Try};
use crate::core::install::installer::Installer;
use crate::core::job::JobEvent;
use crate::core::order::ALL;
use crate::core::view::Upstream;
use crate::io::state::jobs::Job;
use crate::primitives::Refusal;
use crate::primitives::hooks::Hook;

/// A job, what is still to be tried for it, and what did not do.
struct Trying<'j> {
    one: ToBuild<'j>,
    tries: Vec<Try>,
    refused: Vec<(HowWord, String)>,
}

/// Where a job begins.
enum First {
    /// Here in the list; at its beginning where nobody says.
    At(Option<HowWord>),
    /// Nowhere, and why.
    Never(String),
}

impl Planner<'_> {
    /// Offers jobs in the first way in which their build-dependencies can be installed, or says why there is none.
    /// Returns whether anything changed that may make others ready.
    pub(super) fn try_in_turn(&self, to_build: Vec<ToBuild<'_>>) -> anyhow::Result<bool> {
        let mut changed = false;
        let mut trying: Vec<Trying<'_>> = Vec::with_capacity(to_build.len());
        let firsts = self.firsts(&to_build)?;
        for (one, first) in to_build.into_iter().zip(firsts) {
            let never = match first {
                First::At(first) => match self.tries(one.job, first) {
                    Ok(tries) => {
                        trying.push(Trying { one, tries, refused: Vec::new() });
                        continue;
                    }
                    Err(reason) => JobEvent::Uninstallable { reason },
                },
                First::Never(reason) => JobEvent::LeftOut { reason },
            };
            self.happened(one.job, never)?;
            changed = true;
        }
        self.over(&self.built()?, |seen| {
            while let Some(attempt) = trying.first().map(|one| one.tries[0].clone()) {
                let (now, later): (Vec<_>, Vec<_>) = trying.drain(..).partition(|one| one.tries[0] == attempt);
                trying = later;
                for left in self.try_all(seen, &attempt, now, &mut changed)? {
                    if left.tries.is_empty() {
                        self.refuse(left.one.job, &left.refused)?;
                        changed = true;
                    } else {
                        trying.push(left);
                    }
                }
            }
            Ok(())
        })?;
        Ok(changed)
    }

    /// Where each job begins in the list: where it was last, else where the recipe's hook says.
    fn firsts(&self, to_build: &[ToBuild<'_>]) -> anyhow::Result<Vec<First>> {
        let mut firsts: Vec<First> = to_build.iter().map(|one| First::At(one.job.how)).collect();
        let hooks = &self.stage.hooks;
        if !hooks.has(Hook::ChooseHow) {
            return Ok(firsts);
        }
        let open: Vec<usize> =
            (0..to_build.len()).filter(|&at| to_build[at].job.how.is_none() && to_build[at].job.arch != ALL).collect();
        let subjects: Vec<Json> = open
            .iter()
            .map(|&at| Ok(json!({ "source": self.chooser.facts(&self.wanted(to_build[at].job)?).subject() })))
            .collect::<anyhow::Result<_>>()?;
        let place = hooks.place(Hook::ChooseHow).unwrap_or_default();
        for (at, answer) in open.into_iter().zip(hooks.decide_all(Hook::ChooseHow, &subjects)?) {
            let Some(answer) = answer else { continue };
            firsts[at] = match skipped(&answer) {
                Some(why) => First::Never(format!("`choose_how` ({place}) left it out: {why}")),
                None => First::At(Some(serde_json::from_value(answer).context("the answer of `choose_how`")?)),
            };
        }
        Ok(firsts)
    }

    /// What is tried for a job from `first` on, never empty.
    pub(super) fn tries(&self, job: &Job, first: Option<HowWord>) -> Result<Vec<Try>, String> {
        let host = (self.imported.architecture.as_str(), self.imported.build_architecture.as_deref());
        let tries = how::tries(&job.arch, host, self.stage_how, first)?;
        if tries.is_empty() { Err(format!("nothing in `how` builds what is for `{}`", job.arch)) } else { Ok(tries) }
    }

    /// How a try builds.
    pub(super) fn how(&self, attempt: &Try) -> &How {
        attempt.listed.map_or(&How::Native, |number| &self.stage_how[number])
    }

    /// What a try stands on.
    pub(super) fn standing<'t>(&self, attempt: &'t Try) -> Standing<'t> {
        Standing { how: self.how(attempt).word(), chroot: &attempt.chroot, host: &attempt.host }
    }

    /// Tries some jobs in one way; returns those that this way does not do, without it.
    fn try_all<'j>(
        &self,
        seen: &Seen<'_>,
        attempt: &Try,
        now: Vec<Trying<'j>>,
        changed: &mut bool,
    ) -> anyhow::Result<Vec<Trying<'j>>> {
        let how = self.how(attempt);
        let environments: Vec<Environment> = now.iter().map(|one| how.environment(&one.one.environment)).collect();
        let profiles: Vec<Vec<&str>> = environments.iter().map(effective::profiles).collect();
        let decided = ground::on(seen, self.standing(attempt), |ground| {
            let mut installer = Installer::new(ground.universe, ground.chroot);
            let all = now.iter().zip(&environments).zip(&profiles);
            let decided = all.map(|((trying, environment), profiles)| {
                self.decide(&trying.one, environment, profiles, ground, &mut installer)
            });
            decided.collect::<anyhow::Result<Vec<Decision>>>()
        })?;
        let decided = match decided {
            Ok(decided) => decided,
            Err(reason) => now.iter().map(|_| Decision::Refused(reason.clone())).collect(),
        };
        let mut left = Vec::new();
        for (mut trying, decision) in now.into_iter().zip(decided) {
            match decision {
                Decision::Offered => {}
                Decision::Reused => *changed = true,
                Decision::Refused(reason) => {
                    trying.tries.remove(0);
                    trying.refused.push((how.word(), reason));
                    left.push(trying);
                }
            }
        }
        Ok(left)
    }

    /// Says that a job cannot be built in any way. Without a chroot nothing is built at all, which is the import's fault.
    fn refuse(&self, job: &Job, refused: &[(HowWord, String)]) -> anyhow::Result<()> {
        let reason = match refused {
            [(_, reason)] => reason.clone(),
            several => several.iter().map(|(how, reason)| format!("{how}: {reason}")).collect::<Vec<_>>().join("; "),
        };
        if self.upstream == Upstream::All && refused.iter().all(|(_, reason)| reason.starts_with(NO_CHROOT)) {
            let architectures: Vec<&str> = self.imported.architectures().collect();
            let text = format!(
                "the imported suites cannot make a chroot: {reason}\nhint: import a suite that has the base system for `{}`",
                architectures.join("` and `")
            );
            return Err(Refusal::of_world(text).into());
        }
        self.happened(job, self.refusal(job, reason)?)
    }
}
