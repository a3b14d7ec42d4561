//! `cloudbuild run`: a recipe, from the top; what its journal knows is not done again.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context as _;

use super::args::RunArgs;
use super::begin::{self, Start, Unfinished};
use super::exit::{Exit, Failure, exit_of};
use super::interrupt::Interrupts;
use super::output::Format;
use super::saved::Subject;
use super::summary::Summary;
use super::{Context, doctor, follow, progress, saved, setup, signing, site, summary};
use crate::control::{self, ControlHandle, ControlOptions};
use crate::core::events::{Event, Listener};
use crate::core::ids::RunId;
use crate::io::clock;
use crate::io::host::cache;
use crate::io::machines::here;
use crate::io::state::State;
use crate::io::state::identity::{self, Identity};
use crate::io::state::lock::StateLock;
use crate::io::state::runs::{self, Run, RunStatus};
use crate::io::store::Store;
use crate::lua::recipe::{Recipe, RunOptions};
use crate::primitives::files::Files;
use crate::primitives::fleet::{Fleet, FleetOptions};
use crate::primitives::hooks::remembered::Remembered;
use crate::primitives::journal::Journaled;
use crate::primitives::keeper::LocalDaemon;
use crate::primitives::live::Live;
use crate::primitives::proof::Proving;
use crate::primitives::saved::Saved;
use crate::primitives::{Pace, Perform, Signals, import};

/// What the runs of a recipe have in common; the state directory is locked as long as this lives.
pub struct Session<'c> {
    ctx: &'c Context,
    recipe: Recipe,
    arguments: BTreeMap<String, serde_json::Value>,
    plan: Option<serde_json::Value>,
    dir: PathBuf,
    state: State,
    _lock: StateLock,
    runtime: tokio::runtime::Runtime,
    listener: Arc<dyn Listener>,
    signals: Arc<Signals>,
    cancel: Arc<AtomicBool>,
    agreed: bool,
}

/// A run that came to an end, whatever that was.
pub struct Ended {
    /// The run.
    pub run: RunId,
    /// What the recipe returned.
    pub result: anyhow::Result<serde_json::Value>,
}

/// Runs a recipe, or goes on with its unfinished run; with an interval, again and again.
pub fn run(ctx: &Context, args: &RunArgs) -> anyhow::Result<Exit> {
    let session = Session::begin(ctx, saved::subject(ctx, args)?, args.yes)?;
    let unfinished = match (args.restart, args.adopt) {
        (true, _) => Unfinished::Restart,
        (false, true) => Unfinished::Adopt,
        (false, false) => Unfinished::GoOn,
    };
    match args.follow {
        Some(interval) => follow::follow(&session, unfinished, interval),
        None => {
            let Ended { run, result } = session.run(unfinished, None)?;
            session.show(run, result)
        }
    }
}

impl<'c> Session<'c> {
    /// Reads the recipe, checks the machine, takes the state directory, and listens for Ctrl-C from now on.
    fn begin(ctx: &'c Context, subject: Subject, agreed: bool) -> anyhow::Result<Session<'c>> {
        let Subject { path, recipe, arguments, plan } = subject;
        let plan = plan.map(serde_json::to_value).transpose().context("write the plan as JSON")?;
        ready(ctx)?;
        let dir = ctx.state_of(&path);
        let (state, lock) = open(&dir)?;
        claim(&state, &dir, &path)?;
        let runtime = site::runtime()?;
        let listener = progress::listener(&ctx.output);
        let (signals, cancel) = (Arc::new(Signals::default()), Arc::new(AtomicBool::new(false)));
        let guard = runtime.enter();
        let interrupts = Interrupts::catch().context("wait for Ctrl-C")?;
        drop(guard);
        let (noted, output) = (Arc::clone(&listener), ctx.output);
        runtime.spawn(interrupts.slow_down(Arc::clone(&signals), move |line| match output.volume {
            super::output::Volume::Quiet => output.say(line),
            super::output::Volume::Normal | super::output::Volume::Verbose => {
                noted.hear(&Event::Note { text: line.to_owned() });
            }
        }));
        runtime.spawn(halt(Arc::clone(&signals), Arc::clone(&cancel)));
        Ok(Session {
            ctx,
            recipe,
            arguments,
            plan,
            dir,
            state,
            _lock: lock,
            runtime,
            listener,
            signals,
            cancel,
            agreed,
        })
    }

    /// Runs the recipe from the top; `round` counts where upstream is followed.
    pub fn run(&self, unfinished: Unfinished, round: Option<u64>) -> anyhow::Result<Ended> {
        let Session { ctx, dir, state, runtime, listener, signals, .. } = self;
        let start =
            Start { recipe: &self.recipe, arguments: &self.arguments, plan: self.plan.clone(), unfinished, listener };
        let Run { id: run, seed, plan, .. } = begin::begin(state, dir, &start)?;
        let built = Store::open(dir.join("store"))?;
        let (seed, cancel) = (seed.unsigned_abs(), Arc::clone(&self.cancel));
        let options = RunOptions { seed, cancel, listener: Some(Arc::clone(listener)) };
        let guard = runtime.enter();
        let files = site::files(ctx, built)?;
        import::make_known_again(state, run, &files)?;
        let control = start_control(ctx, runtime, dir, state, &files, signals, listener)?;
        let live = Live {
            dir: dir.clone(),
            state: state.clone(),
            run,
            files,
            key: Arc::new(signing::own_key(dir)?),
            signers: signing::signer(ctx, dir)?,
            signals: Arc::clone(signals),
            listener: Arc::clone(listener),
            daemon: local_daemon(ctx),
            fleet: Fleet::new(FleetOptions {
                dir: dir.clone(),
                state: state.clone(),
                run,
                url: control.url.clone(),
                program: own_program(),
                signals: Arc::clone(signals),
                listener: Arc::clone(listener),
                agreed: self.agreed,
                runtime: runtime.handle().clone(),
            }),
            proving: Proving::new(site::place(ctx, dir, "proof")?, control.url.clone(), Arc::clone(signals)),
            machine: site::machine(runtime)?,
            stall: ctx.settings.stall_timeout,
            round,
            hooks: Arc::new(Remembered::new(self.recipe.hooks(options.clone())?, state.clone(), run)),
            runtime: runtime.handle().clone(),
        };
        drop(guard);
        let live = Arc::new(live);
        let mut performer = Arc::<Live>::clone(&live) as Arc<dyn Perform>;
        if let Some(plan) = plan {
            let plan = serde_json::from_value(plan).context("read the run's plan")?;
            performer = Arc::new(Saved::new(plan, performer, state.clone(), live.files.cache.clone()));
        }
        let performer: Arc<dyn Perform> = Arc::new(Journaled::new(performer, state.clone(), run));
        let result = self.recipe.run(performer, self.arguments.clone(), options).map_err(anyhow::Error::from);
        runtime.block_on(live.proving.leave())?;
        runtime.block_on(live.fleet.leave())?;
        leave(runtime, control, dir, signals.pace())?;
        let status = match &result {
            Ok(_) => RunStatus::Finished,
            Err(error) if self.was_interrupted(error) || exit_of(error) == Exit::SomeFailed => RunStatus::Interrupted,
            Err(_) => RunStatus::Failed,
        };
        let now = clock::now().as_millisecond();
        state.write(move |tx| runs::end(tx, run, status, now))?;
        Ok(Ended { run, result })
    }

    /// Whether a run ended because somebody stopped it.
    pub fn was_interrupted(&self, error: &anyhow::Error) -> bool {
        self.signals.pace() == Pace::Halt || exit_of(error) == Exit::Interrupted
    }

    /// What the commands' own settings are.
    pub fn ctx(&self) -> &Context {
        self.ctx
    }

    /// The state of all runs.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// What came of a run.
    pub fn summary(&self, run: RunId, value: serde_json::Value) -> anyhow::Result<Summary> {
        summary::read(&self.state, &self.dir, run, value)
    }

    /// How fast things go on.
    pub fn pace(&self) -> Pace {
        self.signals.pace()
    }

    /// Waits so long, or until somebody stops it.
    pub fn wait(&self, time: Duration) {
        let mut paces = self.signals.paces();
        self.runtime.block_on(async {
            tokio::select! {
                // The other end lives as long as the session.
                _ = paces.wait_for(|pace| *pace != Pace::Go) => {}
                () = tokio::time::sleep(time) => {}
            }
        });
    }

    /// Shows what came of a run.
    fn show(&self, run: RunId, result: anyhow::Result<serde_json::Value>) -> anyhow::Result<Exit> {
        let output = self.ctx.output;
        match result {
            Ok(value) => {
                let summary = self.summary(run, value)?;
                match output.format {
                    Format::Json => output.document(&summary)?,
                    Format::Text => output.say(&summary.text()),
                }
                Ok(summary.exit())
            }
            Err(error) if self.was_interrupted(&error) => {
                tracing::debug!(%error, "what the run ended with");
                Err(interrupted().into())
            }
            Err(error) => Err(error),
        }
    }
}

/// The end of a run that somebody stopped.
pub fn interrupted() -> Failure {
    Failure::new(Exit::Interrupted, "interrupted; what was finished is kept")
        .hint("start it again, and it goes on from here")
}

/// Checks that this machine can build, and installs what it lacks where that was asked for.
fn ready(ctx: &Context) -> anyhow::Result<()> {
    cache::claim(&ctx.settings.cache_dir)
        .map_err(|error| Failure::new(Exit::Infrastructure, "cannot make the cache folder").because(error))?;
    let checks = doctor::checks(ctx, None)?;
    match doctor::missing(&checks) {
        None => Ok(()),
        Some(_) if ctx.setup => {
            setup::install(ctx, None)?;
            match doctor::missing(&doctor::checks(ctx, None)?) {
                None => Ok(()),
                Some(failure) => Err(failure.into()),
            }
        }
        Some(failure) => Err(failure.into()),
    }
}

/// Makes the state directory where there is none, locks it, and opens its database.
fn open(dir: &Path) -> anyhow::Result<(State, StateLock)> {
    let lock = StateLock::take(dir)?;
    Ok((State::open(dir)?, lock))
}

fn claim(state: &State, dir: &Path, path: &Path) -> anyhow::Result<()> {
    let absolute = std::path::absolute(path).context("find the recipe's folder")?;
    let name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let identity = Identity { name, path: absolute.display().to_string() };
    let dir: PathBuf = dir.to_owned();
    Ok(state.write(move |tx| identity::claim(tx, &dir, &identity))?)
}

fn start_control(
    ctx: &Context,
    runtime: &tokio::runtime::Runtime,
    dir: &Path,
    state: &State,
    files: &Arc<Files>,
    signals: &Arc<Signals>,
    listener: &Arc<dyn Listener>,
) -> anyhow::Result<ControlHandle> {
    runtime.block_on(control::start(ControlOptions {
        state: state.clone(),
        state_dir: dir.to_owned(),
        store: files.built.clone(),
        provide: Arc::clone(files) as Arc<dyn crate::primitives::Provide>,
        signals: Arc::clone(signals),
        listener: Arc::clone(listener),
        lease_ttl: ctx.settings.lease_ttl,
        retry_pause: ctx.settings.retry_pause,
        verifier: Some(own_program()),
        bind: listen(ctx)?,
    }))
}

/// This program, by this process's number, since `/proc/self` would be that of whoever resolves it.
fn own_program() -> PathBuf {
    PathBuf::from(format!("/proc/{}/exe", std::process::id()))
}

/// Where the control point listens, if that is set.
fn listen(ctx: &Context) -> anyhow::Result<Option<SocketAddr>> {
    let Some(text) = &ctx.settings.listen else { return Ok(None) };
    let address = text.parse().map_err(|_| {
        Failure::new(Exit::Usage, format!("`listen`: expected ADDRESS:PORT such as `10.0.0.5:7070`, got `{text}`"))
            .hint("`cloudbuild config show --origin` says where it is set")
    });
    Ok(Some(address?))
}

fn local_daemon(ctx: &Context) -> LocalDaemon {
    LocalDaemon {
        program: own_program(),
        cache: ctx.settings.cache_dir.clone(),
        slots: ctx.settings.slots,
        build_user: ctx.settings.build_user.clone(),
    }
}

/// Stops the recipe's own VM when the run is halted; a primitive that runs ends by itself.
async fn halt(signals: Arc<Signals>, cancel: Arc<AtomicBool>) {
    let mut paces = signals.paces();
    if paces.wait_for(|pace| *pace == Pace::Halt).await.is_ok() {
        cancel.store(true, Ordering::Relaxed);
    }
}

/// Ends daemon and control point: the daemon is told that no work will come, and stopped where it must be.
fn leave(runtime: &tokio::runtime::Runtime, control: ControlHandle, dir: &Path, pace: Pace) -> anyhow::Result<()> {
    control.no_more_work();
    if pace == Pace::Halt || !here::ends(dir) {
        here::stop(dir, true)?;
    }
    runtime.block_on(control.stop())
}
