//! What one slot of a build daemon does next: a pure function of what it was at and what it heard.
//!
//! Whoever drives it does what the [`Act`]s say and tells what came of them: the daemon over HTTP with real builds, a
//! simulation over a network that loses, doubles and delays.

use std::time::Duration;

use crate::wire::{Fault, Outcome};

/// A control point that is away for so long is given up by a slot that has nothing of it.
pub const IDLE_AWAY: Duration = Duration::from_secs(60 * 60);

/// The same for a slot that holds a result: log and files are kept, and delivered when the control point is back.
pub const HOLDING_AWAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What a slot is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Slot {
    /// It asks for work.
    Idle,
    /// It builds.
    Building {
        /// Why it was told to stop, if it was.
        stopping: Option<Stopping>,
    },
    /// It built or failed, and sends log and files.
    Delivering {
        /// What came of the build.
        outcome: Outcome,
    },
    /// Log and files are there, and the control point is to take the result.
    Reporting {
        /// What came of the attempt.
        outcome: Outcome,
    },
    /// It does nothing any more.
    Over,
}

/// Why a build is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stopping {
    /// Its lease is void: nobody wants to hear of it.
    Void,
    /// This daemon is to end.
    Leaving,
}

/// What a slot hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// There is work for it.
    Work,
    /// There is none now.
    NoWork,
    /// There will be none any more.
    NoMoreWork,
    /// The control point has not answered for so long.
    Away(Duration),
    /// A heartbeat was answered: the build is wanted, or not.
    Beat {
        /// Whether it is.
        wanted: bool,
    },
    /// The build ended.
    Ended(Outcome),
    /// Log and files were sent.
    Delivered,
    /// They cannot be.
    NotDelivered(NotDelivered),
    /// The control point took the result, now or before, or will never take it.
    Reported,
    /// This daemon is to end.
    Leave,
}

/// Why log or files cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotDelivered {
    /// The lease is void.
    Void,
    /// Something else, which says nothing of the package.
    Failed {
        /// `log` or `upload`.
        stage: &'static str,
        /// In words.
        reason: String,
    },
}

/// What a slot is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Ask for work.
    Ask,
    /// The same, after a short pause.
    AskLater,
    /// Build what was leased, and send heartbeats until it was reported.
    Build,
    /// Stop the build.
    Stop,
    /// Send what is left of the log, and files where there are any.
    Deliver {
        /// Whether the files are wanted, too.
        files: bool,
    },
    /// Say what came of the attempt.
    Report(Outcome),
    /// Remove what is left of the attempt.
    CleanUp,
    /// End this slot; what was not delivered is lost.
    End {
        /// Whether that is because nobody answered.
        away: bool,
    },
}

/// What a slot is at after it heard something, and what it does next. What does not concern it changes nothing: answers
/// come late, twice, and out of order.
pub fn step(slot: Slot, heard: Heard) -> (Slot, Vec<Act>) {
    match (slot, heard) {
        (Slot::Idle, Heard::Work) => (Slot::Building { stopping: None }, vec![Act::Build]),
        (Slot::Idle, Heard::NoWork) => (Slot::Idle, vec![Act::AskLater]),
        (Slot::Idle, Heard::NoMoreWork | Heard::Leave) => (Slot::Over, vec![Act::End { away: false }]),
        (Slot::Idle, Heard::Away(time)) if time >= IDLE_AWAY => (Slot::Over, vec![Act::End { away: true }]),
        (Slot::Idle, Heard::Away(_)) => (Slot::Idle, vec![Act::AskLater]),
        (Slot::Building { stopping: None }, Heard::Beat { wanted: false }) => {
            (Slot::Building { stopping: Some(Stopping::Void) }, vec![Act::Stop])
        }
        (Slot::Building { stopping: None }, Heard::Leave) => {
            (Slot::Building { stopping: Some(Stopping::Leaving) }, vec![Act::Stop])
        }
        (Slot::Building { stopping: Some(Stopping::Void) }, Heard::Ended(_)) => {
            (Slot::Idle, vec![Act::CleanUp, Act::Ask])
        }
        (Slot::Building { .. }, Heard::Ended(outcome)) => {
            let files = outcome == Outcome::Built;
            (Slot::Delivering { outcome }, vec![Act::Deliver { files }])
        }
        (Slot::Delivering { outcome }, Heard::Delivered) => {
            (Slot::Reporting { outcome: outcome.clone() }, vec![Act::Report(outcome)])
        }
        (Slot::Delivering { .. }, Heard::NotDelivered(NotDelivered::Void) | Heard::Beat { wanted: false }) => {
            (Slot::Idle, vec![Act::CleanUp, Act::Ask])
        }
        (Slot::Delivering { .. }, Heard::NotDelivered(NotDelivered::Failed { stage, reason })) => {
            // A result without its log or files cannot be judged; that they cannot be sent is nothing the package did.
            let outcome = Outcome::Failed { fault: Fault::Infrastructure, stage: stage.to_owned(), reason };
            (Slot::Reporting { outcome: outcome.clone() }, vec![Act::Report(outcome)])
        }
        (slot @ Slot::Delivering { .. }, Heard::Away(time)) if time < HOLDING_AWAY => {
            let files = slot == Slot::Delivering { outcome: Outcome::Built };
            (slot, vec![Act::Deliver { files }])
        }
        (Slot::Reporting { .. }, Heard::Reported) => (Slot::Idle, vec![Act::CleanUp, Act::Ask]),
        (Slot::Reporting { outcome }, Heard::Away(time)) if time < HOLDING_AWAY => {
            (Slot::Reporting { outcome: outcome.clone() }, vec![Act::Report(outcome)])
        }
        (Slot::Delivering { .. } | Slot::Reporting { .. }, Heard::Away(_)) => {
            (Slot::Over, vec![Act::CleanUp, Act::End { away: true }])
        }
        (slot, _) => (slot, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a slot does and ends as when it hears all this, from the beginning.
    fn check(heard: Vec<Heard>) -> (Slot, Vec<Act>) {
        heard.into_iter().fold((Slot::Idle, Vec::new()), |(slot, mut all), heard| {
            let (slot, acts) = step(slot, heard);
            all.extend(acts);
            (slot, all)
        })
    }

    const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

    #[test]
    fn a_job_is_built_delivered_and_reported_and_the_slot_asks_again() {
        let heard = vec![Heard::Work, Heard::Ended(Outcome::Built), Heard::Delivered, Heard::Reported];
        let acts = vec![Act::Build, Act::Deliver { files: true }, Act::Report(Outcome::Built), Act::CleanUp, Act::Ask];
        assert_eq!(check(heard), (Slot::Idle, acts));
    }

    #[test]
    fn a_control_point_that_is_away_for_half_an_hour_costs_no_result() {
        let heard = vec![
            Heard::Work,
            Heard::Ended(Outcome::Built),
            Heard::Away(HALF_AN_HOUR),
            Heard::Delivered,
            Heard::Away(HALF_AN_HOUR),
        ];
        let (slot, acts) = check(heard);
        assert_eq!(slot, Slot::Reporting { outcome: Outcome::Built });
        assert_eq!(acts.last(), Some(&Act::Report(Outcome::Built)));
        let (slot, acts) = step(slot, Heard::Away(HOLDING_AWAY));
        assert_eq!((slot, acts), (Slot::Over, vec![Act::CleanUp, Act::End { away: true }]));
        assert_eq!(check(vec![Heard::Away(HALF_AN_HOUR)]).0, Slot::Idle);
        assert_eq!(check(vec![Heard::Away(IDLE_AWAY)]).0, Slot::Over);
    }

    #[test]
    fn a_build_whose_lease_is_void_is_stopped_and_not_reported() {
        let heard = vec![Heard::Work, Heard::Beat { wanted: false }, Heard::Ended(Outcome::Cancelled)];
        assert_eq!(check(heard).1, [Act::Build, Act::Stop, Act::CleanUp, Act::Ask]);
    }

    #[test]
    fn a_daemon_that_is_to_end_stops_its_build_and_says_so() {
        let heard =
            vec![Heard::Work, Heard::Leave, Heard::Ended(Outcome::Cancelled), Heard::Delivered, Heard::Reported];
        let acts = check(heard).1;
        assert!(acts.contains(&Act::Report(Outcome::Cancelled)), "{acts:?}");
    }

    #[test]
    fn answers_that_come_late_or_twice_change_nothing() {
        for heard in [Heard::Delivered, Heard::Reported, Heard::Ended(Outcome::Built), Heard::Beat { wanted: false }] {
            assert_eq!(step(Slot::Idle, heard.clone()), (Slot::Idle, vec![]));
            assert_eq!(step(Slot::Over, heard), (Slot::Over, vec![]));
        }
        let building = Slot::Building { stopping: None };
        assert_eq!(step(building.clone(), Heard::Work), (building, vec![]));
    }
}
