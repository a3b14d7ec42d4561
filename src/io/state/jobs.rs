//! Jobs: one source package to build, for one stage and architecture of a run.

use rusqlite::{OptionalExtension, Row};

mod happened;
pub mod leasing;
pub mod listing;

use self::happened::happened;
use super::columns::{json, maybe_json, maybe_text, signed, text, to_json, unsigned};
use super::db::{Db, Tx};
use super::error::StateError;
use super::{artifacts, attempts, events, superseded};
use crate::core::hooks::Retry;
use crate::core::how::HowWord;
use crate::core::ids::{Epoch, InputsHash, JobId, RunId};
use crate::core::job::{JobEvent, JobState, step};
use crate::wire::Lease;

/// A job that may not have a row yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Source package name.
    pub source: String,
    /// Its version, with epoch.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// The component that it is in, and goes to.
    pub component: String,
    /// Places of the jobs of the same order that must be finished first.
    pub after: Vec<u32>,
    /// Its place in the order, from 1.
    pub position: i64,
    /// Seconds of the longest chain of builds that begins with it; the highest is leased first.
    pub priority: u64,
    /// How many other jobs wait for it; of the same priority, the highest is leased first.
    pub frees: u32,
    /// Build profiles that it must be built with.
    pub profiles: Vec<String>,
}

/// One job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The run.
    pub run: RunId,
    /// The stage.
    pub stage: String,
    /// Source package name.
    pub source: String,
    /// Its version, with epoch.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// The component that it is in, and goes to.
    pub component: String,
    /// Places of the jobs of the same order that must be finished first.
    pub after: Vec<u32>,
    /// Its place in the order, from 1.
    pub position: i64,
    /// Seconds of the longest chain of builds that begins with it; the highest is leased first.
    pub priority: u64,
    /// How many other jobs wait for it; of the same priority, the highest is leased first.
    pub frees: u32,
    /// Build profiles that it must be built with.
    pub profiles: Vec<String>,
    /// How it is built, once that was chosen.
    pub how: Option<HowWord>,
    /// What it is at.
    pub state: JobState,
    /// In words, for a job that is not as it should be.
    pub reason: Option<String>,
    /// The newest lease; 0 when it was never leased.
    pub epoch: Epoch,
    /// Who has it, or had it last.
    pub builder: Option<String>,
    /// When the lease expires if nothing is heard, for people.
    pub lease_expires: Option<i64>,
    /// Whether it is ready: an offer is made to builders. The offer itself: [`offer`].
    pub offered: bool,
    /// What decides its result, once it is ready.
    pub inputs: Option<InputsHash>,
    /// Attempts that count towards the limit.
    pub attempts: u32,
    /// Whether an earlier result with the same inputs was taken.
    pub reused: bool,
    /// Seconds that the build took, 0 when it was re-used.
    pub seconds: u64,
    /// When its state changed last.
    pub changed_at: i64,
    /// How its next attempt differs from the last one, where `on_failure` asked for another.
    pub retry: Option<Retry>,
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(row.get("id")?),
        run: RunId(row.get("run")?),
        stage: row.get("stage")?,
        source: row.get("source")?,
        version: row.get("version")?,
        arch: row.get("arch")?,
        component: row.get("component")?,
        after: json(row, "after")?,
        position: row.get("position")?,
        priority: unsigned(row, "priority")?,
        frees: row.get("frees")?,
        profiles: json(row, "profiles")?,
        how: maybe_text(row, "how")?,
        state: text(row, "state")?,
        reason: row.get("reason")?,
        epoch: Epoch(row.get("epoch")?),
        builder: row.get("builder")?,
        lease_expires: row.get("lease_expires")?,
        offered: row.get("offered")?,
        inputs: maybe_text(row, "inputs")?,
        attempts: row.get("attempts")?,
        reused: row.get("reused")?,
        seconds: unsigned(row, "seconds")?,
        changed_at: row.get("changed_at")?,
        retry: maybe_json(row, "retry")?,
    })
}

/// Every column but the offer, which is long and seldom wanted.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, run, stage, source, version, arch, component, after, position, priority, frees, profiles, how, state, ",
            "reason, epoch, builder, lease_expires, offer IS NOT NULL AS offered, inputs, attempts, reused, seconds, changed_at, retry FROM jobs ",
            $rest
        )
    };
}

/// Makes rows for the jobs of a stage that have none yet; those that have one stay as they are.
pub fn insert_missing(tx: &Tx, run: RunId, stage: &str, jobs: &[NewJob], now: i64) -> Result<(), StateError> {
    let mut insert = tx.connection().prepare_cached(
        "INSERT INTO jobs (run, stage, source, version, arch, component, after, position, priority, frees, profiles,
                           state, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 'needs-build', ?12)
         ON CONFLICT (run, stage, source, arch) DO NOTHING",
    )?;
    for job in jobs {
        insert.execute((
            run.0,
            stage,
            &job.source,
            &job.version,
            &job.arch,
            &job.component,
            to_json(&job.after),
            job.position,
            signed(job.priority),
            job.frees,
            to_json(&job.profiles),
            now,
        ))?;
    }
    Ok(())
}

/// The jobs of a stage, in order.
pub fn by_stage(db: &Db, run: RunId, stage: &str) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!("WHERE run = ?1 AND stage = ?2 ORDER BY position, id"))?;
    Ok(query.query_map((run.0, stage), from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of a run, stage after stage as they were made, each in order.
pub fn by_run(db: &Db, run: RunId) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!(
        "WHERE run = ?1 ORDER BY (SELECT min(first.id) FROM jobs AS first
                                  WHERE first.run = jobs.run AND first.stage = jobs.stage), position, id"
    ))?;
    Ok(query.query_map([run.0], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of a source package, of all runs, newest first.
pub fn by_source(db: &Db, source: &str) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!("WHERE source = ?1 ORDER BY id DESC"))?;
    Ok(query.query_map([source], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of a source package of a run, newest first.
pub fn of_source(db: &Db, run: RunId, source: &str) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!("WHERE source = ?2 AND run = ?1 ORDER BY id DESC"))?;
    Ok(query.query_map((run.0, source), from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// The jobs of active runs that builders work on.
pub fn leased(db: &Db) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!("WHERE state = 'building' ORDER BY id"))?;
    Ok(query.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// One job.
pub fn get(db: &Db, id: JobId) -> Result<Option<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!("WHERE id = ?1"))?;
    Ok(query.query_row([id.0], from_row).optional()?)
}

/// One job that must be there.
pub fn expect(db: &Db, id: JobId) -> Result<Job, StateError> {
    get(db, id)?.ok_or_else(|| StateError::NoRow { what: "job", id: id.to_string() })
}

/// Makes a job ready, or its offer newer: builders may lease it. The lease's epoch is of no account here.
pub fn set_offer(tx: &Tx, id: JobId, offer: &Lease, inputs: InputsHash) -> Result<(), StateError> {
    let offer = Lease { epoch: Epoch(0), ..offer.clone() };
    let arch = offer_arch(&offer.chroot_arch, offer.how == HowWord::Emulated);
    let changed = tx
        .connection()
        .prepare_cached("UPDATE jobs SET offer = ?2, offer_arch = ?3, inputs = ?4, how = ?5 WHERE id = ?1")?
        .execute((id.0, to_json(&offer), arch, inputs.to_string(), offer.how.text()))?;
    if changed == 0 { Err(StateError::NoRow { what: "job", id: id.to_string() }) } else { Ok(()) }
}

/// What a builder must run for an offer, in one text: an emulator is no processor of the architecture.
fn offer_arch(chroot: &str, emulated: bool) -> String {
    if emulated { format!("{chroot} emulated") } else { chroot.to_owned() }
}

/// Says how a job is to be built from now on, and takes back what was offered otherwise.
pub fn set_how(tx: &Tx, id: JobId, how: HowWord) -> Result<(), StateError> {
    clear_offer(tx, id)?;
    tx.connection().prepare_cached("UPDATE jobs SET how = ?2 WHERE id = ?1")?.execute((id.0, how.text()))?;
    Ok(())
}

/// Takes an offer back: the job is not ready any more.
pub fn clear_offer(tx: &Tx, id: JobId) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("UPDATE jobs SET offer = NULL, offer_arch = NULL, inputs = NULL WHERE id = ?1")?
        .execute([id.0])?;
    Ok(())
}

/// What builders are offered for a job, with the epoch of its newest lease.
pub fn offer(db: &Db, id: JobId) -> Result<Option<Lease>, StateError> {
    let mut query =
        db.connection().prepare_cached("SELECT offer, epoch FROM jobs WHERE id = ?1 AND offer IS NOT NULL")?;
    let lease =
        query.query_row([id.0], |row| Ok(Lease { epoch: Epoch(row.get("epoch")?), ..json::<Lease>(row, "offer")? }));
    Ok(lease.optional()?)
}

/// Something happened to a job: the step, its row and the event's row in one. Returns the job as it is then.
pub fn apply(tx: &Tx, id: JobId, event: &JobEvent, now: i64) -> Result<Job, StateError> {
    let job = expect(tx, id)?;
    let state = step(job.state, event).map_err(|source| StateError::Illegal { job: id, source })?;
    let after = happened(Job { state, changed_at: now, ..job }, event);
    tx.connection()
        .prepare_cached(
            "UPDATE jobs SET state = ?2, reason = ?3, epoch = ?4, builder = ?5, lease_expires = ?6, attempts = ?7,
                             reused = ?8, seconds = ?9, changed_at = ?10, retry = ?11, alone = ?12
             WHERE id = ?1",
        )?
        .execute((
            id.0,
            after.state.text(),
            &after.reason,
            after.epoch.0,
            &after.builder,
            after.lease_expires,
            after.attempts,
            after.reused,
            signed(after.seconds),
            now,
            after.retry.as_ref().map(to_json),
            after.retry.as_ref().is_some_and(|retry| retry.alone),
        ))?;
    events::append(tx, id, now, event)?;
    if let JobEvent::Leased { builder, epoch } = event {
        attempts::start(tx, id, *epoch, builder, now)?;
    }
    if matches!(event, JobEvent::Retried | JobEvent::SentBack { .. }) {
        leasing::count_anew(tx, id)?;
    }
    if let JobEvent::Prioritized { priority } = event {
        leasing::set_urgency(tx, id, *priority)?;
    }
    Ok(after)
}

/// Moves the time that people are shown; see `Job::lease_expires`.
pub fn set_lease_expires(tx: &Tx, id: JobId, expires: i64) -> Result<(), StateError> {
    tx.connection()
        .prepare_cached("UPDATE jobs SET lease_expires = ?2 WHERE id = ?1 AND state = 'building'")?
        .execute((id.0, expires))?;
    Ok(())
}

/// The newest installed job of any run that had the same inputs, and what it made.
pub fn find_reusable(db: &Db, inputs: InputsHash) -> Result<Option<(Job, Vec<artifacts::Artifact>)>, StateError> {
    let mut query = db
        .connection()
        .prepare_cached(select!("WHERE inputs = ?1 AND state = 'installed' ORDER BY id DESC LIMIT 1"))?;
    let Some(job) = query.query_row([inputs.to_string()], from_row).optional()? else { return Ok(None) };
    let made = artifacts::by_job(db, job.id)?;
    Ok(Some((job, made)))
}

/// The installed jobs of runs before `run` for a stage, source and architecture, newest first.
pub fn installed_before(db: &Db, run: RunId, stage: &str, source: &str, arch: &str) -> Result<Vec<Job>, StateError> {
    let mut query = db.connection().prepare_cached(select!(
        "WHERE source = ?1 AND arch = ?2 AND stage = ?3 AND state = 'installed' AND run < ?4 ORDER BY id DESC"
    ))?;
    Ok(query.query_map((source, arch, stage, run.0), from_row)?.collect::<rusqlite::Result<_>>()?)
}

/// Takes the result of `from` for `to`, as one that these inputs gave: artifacts and state in one.
pub fn reuse(tx: &Tx, from: JobId, to: JobId, inputs: InputsHash, now: i64) -> Result<Job, StateError> {
    artifacts::copy(tx, from, to)?;
    superseded::copy(tx, from, to)?;
    tx.connection().prepare_cached("UPDATE jobs SET inputs = ?2 WHERE id = ?1")?.execute((to.0, inputs.to_string()))?;
    apply(tx, to, &JobEvent::Reused { from }, now)
}

/// The log of a job's last attempt, relative to the state directory; of a job that took an earlier one's result, the
/// log of the attempt that made it.
pub fn log(db: &Db, job: &Job) -> Result<Option<String>, StateError> {
    let mut maker = job.clone();
    while maker.reused {
        let earlier = events::by_job(db, maker.id)?
            .into_iter()
            .rev()
            .find_map(|row| if let JobEvent::Reused { from } = row.event { Some(from) } else { None });
        // A result is only ever taken from an older job, so this ends.
        let Some(earlier) = earlier.filter(|from| *from < maker.id) else { return Ok(None) };
        maker = expect(db, earlier)?;
    }
    Ok((maker.epoch.0 > 0).then(|| attempts::log_path(maker.id, maker.epoch)))
}

/// How many jobs of a run a builder may have now.
pub fn offered(db: &Db, run: RunId) -> Result<u64, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT count(*) AS jobs FROM jobs WHERE run = ?1 AND state = 'needs-build' AND offer IS NOT NULL",
    )?;
    Ok(query.query_row([run.0], |row| unsigned(row, "jobs"))?)
}

/// How many jobs of a run are in each state, stage by stage.
pub fn counts(db: &Db, run: RunId) -> Result<Vec<(String, JobState, u64)>, StateError> {
    let mut query = db.connection().prepare_cached(
        "SELECT stage, state, count(*) AS jobs FROM jobs WHERE run = ?1 GROUP BY stage, state ORDER BY min(id), state",
    )?;
    let rows = query.query_map([run.0], |row| Ok((row.get("stage")?, text(row, "state")?, unsigned(row, "jobs")?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
