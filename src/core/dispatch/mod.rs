//! Which builders are launched and which end: [`decide`] looks at fleet, queue and limits, and returns what is to be done.
//!
//! **Invariant:** pure; the time is an argument, and whoever does what is returned has no choice left.

use std::fmt;

use crate::core::fleet::BuilderState;
use crate::core::fleet::money::Money;
use crate::core::fleet::size::{Sizes, may_exceed};

/// An instance that the cloud does not show yet may be there all the same for so long after it was asked for, in
/// seconds: what a cloud lists comes late.
pub const INVISIBLE: u64 = 300;

/// What a machine may take to boot and to ask for work, in seconds.
pub const BOOT: u64 = 600;

/// A builder without a job that was not heard of for so long hangs, in seconds.
pub const SILENT: u64 = 120;

/// The work that is to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Queue {
    /// Jobs that any builder may have now.
    pub ready: u32,
    /// Jobs that only a machine with more memory may have now: how many bytes each of them has found too little.
    pub larger: Vec<u64>,
    /// Jobs that builders have.
    pub building: u32,
    /// Jobs that wait for others.
    pub waiting: u32,
}

/// What the cloud says of an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// The cloud was not asked, or did not answer: nothing follows.
    Unknown,
    /// It does not list it.
    Absent,
    /// It boots, or runs.
    Alive,
    /// It is shut down, and its disk still costs.
    Stopped,
    /// It is terminated.
    Ended,
}

/// One builder, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Builder {
    /// Its name.
    pub name: String,
    /// The number of its place.
    pub place: usize,
    /// What it is at.
    pub state: BuilderState,
    /// What the cloud says.
    pub seen: Seen,
    /// Why, in the cloud's words.
    pub cloud_says: Option<String>,
    /// Seconds since it was asked for.
    pub age: u64,
    /// Jobs that it has.
    pub jobs: u32,
    /// Seconds since it had the last job, or joined.
    pub idle: u64,
    /// Seconds since it was heard of.
    pub silent: u64,
    /// What an hour of it costs.
    pub price: Money,
    /// Its instance type.
    pub instance_type: String,
}

/// What holds for one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Instances at the same time.
    pub max: u32,
    /// Builds at the same time on one.
    pub slots: u32,
    /// Seconds without work after which one ends.
    pub idle: u64,
    /// Seconds after which one ends, whatever it does.
    pub max_lifetime: u64,
    /// The cloud gives no more for now: a quota, or no capacity anywhere.
    pub is_capped: bool,
    /// What an hour of the next instance would cost.
    pub price: Money,
    /// Its pools, in the order in which they are tried.
    pub pools: Vec<PoolSize>,
}

/// What a place's pool gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSize {
    /// The instance type.
    pub instance_type: String,
    /// What an hour of it costs.
    pub price: Money,
}

/// What holds for the fleet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// The places, the best first.
    pub places: Vec<Place>,
    /// What may still be spent; nothing is said where there is no limit.
    pub left: Option<Money>,
    /// Whether work is leased at all.
    pub is_open: bool,
    /// Builds that other builders do at the same time: this machine's.
    pub elsewhere: u32,
    /// What is known of instance types.
    pub sizes: Sizes,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Launch one more.
    Launch {
        /// The number of its place.
        place: usize,
        /// The number of its pool there, where it must be a certain one.
        pool: Option<usize>,
    },
    /// End it.
    End {
        /// Its name.
        builder: String,
        /// Why.
        why: String,
    },
    /// Ask the cloud again to terminate it.
    Terminate {
        /// Its name.
        builder: String,
    },
    /// Write down that it is not there any more.
    Forget {
        /// Its name.
        builder: String,
        /// Why it is not.
        why: String,
    },
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Action::Launch { place, pool: None } => write!(f, "launch in place {}", place + 1),
            Action::Launch { place, pool: Some(pool) } => {
                write!(f, "launch in place {}, pool {}", place + 1, pool + 1)
            }
            Action::End { builder, why } => write!(f, "end {builder}: {why}"),
            Action::Terminate { builder } => write!(f, "terminate {builder}"),
            Action::Forget { builder, why } => write!(f, "{builder} is gone: {why}"),
        }
    }
}

/// What is to be done now.
pub fn decide(fleet: &[Builder], queue: Queue, limits: &Limits) -> Vec<Action> {
    let mut actions: Vec<Action> = fleet.iter().filter_map(|builder| fate(builder, limits)).collect();
    let ends = |name: &str, actions: &[Action]| {
        actions.iter().any(|action| match action {
            Action::End { builder, .. } | Action::Forget { builder, .. } => builder == name,
            Action::Launch { .. } | Action::Terminate { .. } => false,
        })
    };
    let kept: Vec<&Builder> = fleet.iter().filter(|it| it.state.is_wanted() && !ends(&it.name, &actions)).collect();
    if limits.is_open {
        let larger = larger(&kept, &queue, limits);
        actions.extend(launches(&kept, &queue, limits, &larger));
        actions.extend(larger);
    }
    actions
}

/// What becomes of one builder, if anything.
fn fate(builder: &Builder, limits: &Limits) -> Option<Action> {
    let name = || builder.name.clone();
    let end = |why: String| Some(Action::End { builder: name(), why });
    let place = limits.places.get(builder.place);
    match (builder.state, builder.seen) {
        (BuilderState::Gone, _) => None,
        (_, Seen::Ended) => {
            let why = builder.cloud_says.clone().unwrap_or_else(|| "the cloud terminated it".to_owned());
            Some(Action::Forget { builder: name(), why })
        }
        (BuilderState::Ending, Seen::Absent) if builder.age > INVISIBLE => {
            Some(Action::Forget { builder: name(), why: "the cloud does not know it any more".to_owned() })
        }
        (BuilderState::Ending, Seen::Unknown | Seen::Absent | Seen::Alive | Seen::Stopped) => {
            Some(Action::Terminate { builder: name() })
        }
        (BuilderState::Intended, _) => None,
        (BuilderState::Launched | BuilderState::Joined, Seen::Stopped) => {
            end("it shut itself down, and its disk costs as long as it is only stopped".to_owned())
        }
        (BuilderState::Launched | BuilderState::Joined, Seen::Absent) if builder.age > INVISIBLE => {
            Some(Action::Forget { builder: name(), why: "the cloud does not know it any more".to_owned() })
        }
        (BuilderState::Launched, Seen::Unknown | Seen::Absent | Seen::Alive) if builder.age > BOOT => {
            end(format!("nothing was heard of it within {BOOT} s of its launch"))
        }
        (BuilderState::Launched | BuilderState::Joined, Seen::Unknown | Seen::Absent | Seen::Alive) => {
            if limits.left == Some(Money(0)) {
                return end("the budget is spent".to_owned());
            }
            let Some(place) = place else { return end("its place is not used any more".to_owned()) };
            if builder.age > place.max_lifetime {
                return end(format!("its lifetime of {} s is over", place.max_lifetime));
            }
            if builder.state == BuilderState::Launched {
                return None;
            }
            if builder.jobs == 0 && builder.silent > SILENT {
                return end(format!("nothing was heard of it for {} s", builder.silent));
            }
            (builder.jobs == 0 && builder.idle > place.idle)
                .then(|| Action::End { builder: name(), why: format!("it had nothing to do for {} s", builder.idle) })
        }
    }
}

/// As many launches as there are jobs that would run at once, within what places and budget give.
fn launches(kept: &[&Builder], queue: &Queue, limits: &Limits, larger: &[Action]) -> Vec<Action> {
    let slots_of = |number: usize| limits.places.get(number).map_or(1, |place| place.slots.max(1));
    let have: u32 = kept.iter().map(|builder| slots_of(builder.place)).sum();
    let wanted = queue.ready.saturating_add(queue.building).saturating_sub(limits.elsewhere);
    let mut missing = wanted.saturating_sub(have);
    let mut costs = per_hour(kept, limits, larger);
    let mut actions = Vec::new();
    for (number, place) in limits.places.iter().enumerate() {
        let begun = larger.iter().filter(|action| matches!(action, Action::Launch { place, .. } if *place == number));
        let there = kept.iter().filter(|builder| builder.place == number).count() + begun.count();
        let mut room = place.max.saturating_sub(u32::try_from(there).unwrap_or(u32::MAX));
        while missing > 0 && room > 0 && !place.is_capped {
            // What is begun may run for an hour, so each launch must leave that much in the budget.
            let with_it = costs.plus(place.price);
            if limits.left.is_some_and(|left| with_it > left) {
                return actions;
            }
            costs = with_it;
            actions.push(Action::Launch { place: number, pool: None });
            missing = missing.saturating_sub(place.slots.max(1));
            room -= 1;
        }
    }
    actions
}

/// What an hour of these builders costs, and of those that are about to be launched.
fn per_hour(kept: &[&Builder], limits: &Limits, begun: &[Action]) -> Money {
    let all = kept.iter().fold(Money(0), |all, builder| all.plus(builder.price));
    begun.iter().fold(all, |all, action| match action {
        Action::Launch { place, pool: Some(pool) } => {
            let pool = limits.places.get(*place).and_then(|place| place.pools.get(*pool));
            all.plus(pool.map(|pool| pool.price).unwrap_or_default())
        }
        Action::Launch { place, pool: None } => {
            all.plus(limits.places.get(*place).map(|place| place.price).unwrap_or_default())
        }
        Action::End { .. } | Action::Terminate { .. } | Action::Forget { .. } => all,
    })
}

/// A launch for a job that found its machine too small, unless one that may do is there; where a place is full of small
/// ones, one of them that has nothing to do makes room. One at a time: what a type has is only known once one is there.
fn larger(kept: &[&Builder], queue: &Queue, limits: &Limits) -> Vec<Action> {
    let does = |instance_type: &str, than: u64| may_exceed(instance_type, than, &limits.sizes);
    let unserved =
        queue.larger.iter().find(|than| !kept.iter().any(|builder| does(&builder.instance_type, **than))).copied();
    let Some(than) = unserved else { return Vec::new() };
    for (number, place) in limits.places.iter().enumerate().filter(|(_, place)| !place.is_capped) {
        let Some(pool) = place.pools.iter().position(|pool| does(&pool.instance_type, than)) else { continue };
        let there: Vec<_> = kept.iter().filter(|builder| builder.place == number).collect();
        if there.len() >= usize::try_from(place.max).unwrap_or(usize::MAX) {
            let free = there.iter().find(|builder| builder.state == BuilderState::Joined && builder.jobs == 0);
            let why = "a job needs a larger machine, and there may be no more of them".to_owned();
            let end = free.map(|builder| Action::End { builder: builder.name.clone(), why });
            return end.into_iter().collect();
        }
        let launch = vec![Action::Launch { place: number, pool: Some(pool) }];
        let is_affordable = limits.left.is_none_or(|left| per_hour(kept, limits, &launch) <= left);
        return if is_affordable { launch } else { Vec::new() };
    }
    Vec::new()
}

#[cfg(test)]
mod tests;
