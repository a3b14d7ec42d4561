//! `cloudbuild retry`, `give-back`, `fail`, `not-for-us`, `priority`, `cancel`, `pause`, `resume` and `drain`: what a
//! person wants, said to the control point of a run that goes on, or else written into its state.

use std::time::Duration;

use super::args::act::{ActCommand, ChosenArgs};
use super::exit::{Exit, Failure};
use super::output::{Format, clean};
use super::{Context, jobs, site};
use crate::control;
use crate::core::job::JobState;
use crate::core::suggest::nearest;
use crate::io::control::{Client, ClientError, ControlFile, Patience};
use crate::io::state::lock::StateLock;
use crate::io::state::{Reader, State};
use crate::wire::acts::{Act, Acted, Changed, Chosen};

/// A control point on this machine answers at once, or it is not there.
const PATIENCE: Patience = Patience {
    connect: Duration::from_secs(2),
    answer: Duration::from_secs(60),
    work: Duration::from_secs(60),
    pause: Duration::from_millis(100),
    longest_pause: Duration::from_millis(200),
    give_up: Duration::from_millis(250),
};

/// Does what was asked for, and says what came of it.
pub fn act(ctx: &Context, command: &ActCommand) -> anyhow::Result<Exit> {
    let acted = ask(ctx, wanted(command)?)?;
    match ctx.output.format {
        Format::Json => ctx.output.document(&acted)?,
        Format::Text => ctx.output.print(&text(&acted))?,
    }
    let nothing = acted.changed.is_empty() && !acted.skipped.is_empty();
    Ok(if nothing { Exit::Usage } else { Exit::Done })
}

/// The act that a command means.
fn wanted(command: &ActCommand) -> anyhow::Result<Act> {
    let jobs = chosen;
    Ok(match command {
        ActCommand::Retry(args) => Act::Retry { jobs: jobs(args)? },
        ActCommand::GiveBack(args) => Act::GiveBack { jobs: jobs(args)? },
        ActCommand::Fail { jobs: args, message } => Act::Fail { jobs: jobs(args)?, reason: message.clone() },
        ActCommand::NotForUs { jobs: args, message } => Act::NotForUs { jobs: jobs(args)?, reason: message.clone() },
        ActCommand::Priority { priority, jobs: args } => Act::Priority { jobs: jobs(args)?, priority: *priority },
        ActCommand::Cancel(ChosenArgs { packages, arch: None, dist: None, list: None }) if packages.is_empty() => {
            Act::CancelRun
        }
        ActCommand::Cancel(args) => Act::Cancel { jobs: jobs(args)? },
        ActCommand::Pause { message } => Act::Pause { reason: message.clone() },
        ActCommand::Resume { builder: None } => Act::Resume,
        ActCommand::Resume { builder: Some(builder) } => Act::ResumeBuilder { builder: builder.clone() },
        ActCommand::Drain { builder, message } => Act::Drain { builder: builder.clone(), reason: message.clone() },
    })
}

fn chosen(args: &ChosenArgs) -> Result<Chosen, Failure> {
    let state = args.list.as_deref().map(state).transpose()?;
    if args.packages.is_empty() && state.is_none() {
        let message = "expected a package, or a state with `--list STATE`, got neither";
        return Err(Failure::new(Exit::Usage, message).hint("`cloudbuild status` lists the jobs"));
    }
    Ok(Chosen { packages: args.packages.clone(), arch: args.arch.clone(), dist: args.dist.clone(), state })
}

/// A state by its word, whatever its case.
pub fn state(word: &str) -> Result<JobState, Failure> {
    word.to_ascii_lowercase().parse().map_err(|_| {
        let message = format!("expected a job state, got `{}`", clean(word));
        let hint = match nearest(word, JobState::ALL.iter().map(|state| state.text())) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("one of `{}`", JobState::ALL.map(JobState::text).join("`, `")),
        };
        Failure::new(Exit::Usage, message).hint(hint)
    })
}

/// Asks the control point of the state directory, or does it here where there is none.
fn ask(ctx: &Context, act: Act) -> anyhow::Result<Acted> {
    let dir = ctx.state_here()?;
    // Says what is wrong with a state that is none, before anything is made there.
    drop(Reader::open(&dir)?);
    let control_file = ControlFile::path(&dir);
    if ControlFile::read(&control_file).is_ok() {
        let client = Client::new(&control_file, PATIENCE)?;
        match site::runtime()?.block_on(client.act(&act)) {
            Ok(acted) => return Ok(acted),
            Err(ClientError::Away { .. } | ClientError::ControlFile { .. } | ClientError::Answer { .. }) => {}
            // By now somebody else listens there.
            Err(ClientError::Refused { refusal, .. }) if refusal.code == "bad-token" => {}
            Err(ClientError::Refused { refusal, .. }) => return Err(Failure::new(Exit::Usage, refusal.message).into()),
            Err(error @ (ClientError::Mismatch { .. } | ClientError::File { .. })) => return Err(error.into()),
        }
    }
    if act == Act::CancelRun {
        let message = format!("no run goes on in `{}`", dir.display());
        return Err(Failure::new(Exit::Usage, message).into());
    }
    let _lock = StateLock::take(&dir)?;
    control::act(&State::open(&dir)?, act)?.map_err(|refused| Failure::new(Exit::Usage, refused.message).into())
}

/// What people read of an act: a line a job.
fn text(acted: &Acted) -> String {
    let title = |changed: &Changed| jobs::title(&changed.package, &changed.version, &changed.arch);
    let changed = acted.changed.iter().map(|changed| {
        let Changed { dist, from, to, .. } = changed;
        let to = if from == to { String::new() } else { format!(" -> {to}") };
        format!("{}, {}: {from}{to}", title(changed), clean(dist))
    });
    let skipped = acted.skipped.iter().map(|changed| {
        format!(
            "{}, {}: skipped: {}",
            title(changed),
            clean(&changed.dist),
            clean(changed.why.as_deref().unwrap_or(""))
        )
    });
    acted.said.iter().map(|said| clean(said)).chain(changed).chain(skipped).collect::<Vec<_>>().join("\n")
}
