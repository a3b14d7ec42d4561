//! Which errors of the other rooms mean which exit code. Everything that can stop a command is in one of these lists;
//! what is not is our own mistake.

use std::error::Error as StdError;
use std::io::ErrorKind;

use super::{Exit, Failure, exit_of};
use crate::core::codes::Code;
use crate::core::order::select::SelectionError;
use crate::core::publish::error::PlanError;
use crate::core::publish::gate::Refused;
use crate::core::settings::SettingsError;
use crate::core::suffix::Partial;
use crate::daemon::Trouble;
use crate::io::archive::ArchiveError;
use crate::io::archive::deb::DebError;
use crate::io::archive::serve::ServeError;
use crate::io::control::ClientError;
use crate::io::files::FileError;
use crate::io::host::HostError;
use crate::io::machines::ec2::Ec2Error;
use crate::io::machines::here::HereError;
use crate::io::mirror::error::MirrorError;
use crate::io::openpgp::OpenPgpError;
use crate::io::overlay::OverlayError;
use crate::io::sbuild::SbuildError;
use crate::io::settings::ReadError;
use crate::io::state::StateError;
use crate::io::store::StoreError;
use crate::lua::error::RecipeError;
use crate::primitives::build::Stopped;
use crate::primitives::journal::Diverged;
use crate::primitives::{Interrupted, Paused, Refusal, Whose};

type Cause<'e> = &'e (dyn StdError + 'static);

/// Says the exit code of an error of one type, if it is of that type.
type Known = fn(Cause<'_>) -> Option<Exit>;

/// An error's type, and one exit code for all that it can say.
macro_rules! always {
    ($kind:ty, $exit:expr) => {
        |error| error.is::<$kind>().then_some($exit)
    };
}

/// An error's type, and a function that tells the exit code from what it says.
macro_rules! by {
    ($kind:ty, $judge:expr) => {
        |error| error.downcast_ref::<$kind>().map($judge)
    };
}

/// The types that are known, in no special order: an error is of one of them at most.
const KNOWN: &[Known] = &[
    by!(Failure, |failure| failure.exit),
    by!(RecipeError, of_recipe),
    by!(Refusal, of_refusal),
    by!(MirrorError, of_mirror),
    by!(OverlayError, of_overlay),
    by!(StateError, of_state),
    by!(SbuildError, of_sbuild),
    by!(ArchiveError, of_archive),
    by!(PlanError, of_publish_plan),
    always!(Refused, Exit::SomeFailed),
    always!(Partial, Exit::Recipe),
    always!(Stopped, Exit::SomeFailed),
    always!(Interrupted, Exit::Interrupted),
    always!(Paused, Exit::SomeFailed),
    always!(SettingsError, Exit::Usage),
    always!(ReadError, Exit::Usage),
    always!(SelectionError, Exit::Recipe),
    always!(Diverged, Exit::Recipe),
    always!(StoreError, Exit::Infrastructure),
    always!(FileError, Exit::Infrastructure),
    always!(HostError, Exit::Infrastructure),
    always!(HereError, Exit::Infrastructure),
    always!(Ec2Error, Exit::Infrastructure),
    always!(DebError, Exit::Infrastructure),
    always!(ServeError, Exit::Infrastructure),
    always!(ClientError, Exit::Infrastructure),
    always!(Trouble, Exit::Infrastructure),
    always!(OpenPgpError, Exit::Infrastructure),
    // What the system says where no room of ours put words around it.
    always!(std::io::Error, Exit::Infrastructure),
];

/// The exit code of one error of a chain, if it has one.
pub fn exit_of_cause(cause: Cause<'_>) -> Option<Exit> {
    KNOWN.iter().find_map(|known| known(cause))
}

/// The kind of error of a recipe that one error of a chain is, if it is one.
pub fn code_of_cause(cause: Cause<'_>) -> Option<Code> {
    if let Some(recipe) = cause.downcast_ref::<RecipeError>() {
        let of_cause = || recipe.cause.as_ref().and_then(super::code_of);
        return recipe.code.or_else(of_cause);
    }
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return failure.code;
    }
    let publish = || {
        let refused = exit_of_cause(cause) == Some(Exit::Recipe);
        (refused && (cause.is::<ArchiveError>() || cause.is::<PlanError>())).then_some(Code::Publish)
    };
    let selection = || cause.is::<SelectionError>().then_some(Code::Selection);
    let diverged = || cause.is::<Diverged>().then_some(Code::Diverged);
    selection().or_else(diverged).or_else(publish)
}

/// What to do about an error that does not say it itself, so that none is without a way out.
pub fn advice(error: &anyhow::Error, exit: Exit) -> &'static str {
    match (system_error(error), exit) {
        (Some(ErrorKind::StorageFull | ErrorKind::QuotaExceeded), _) => {
            "make room on that file system and start again; nothing that was finished is lost"
        }
        (Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem), _) => {
            "run as the user who owns it, or choose another place with `--state DIR` or `--cache-dir DIR`"
        }
        (_, Exit::Usage) => "`cloudbuild --help` shows what there is, and `--help` after a command what it takes",
        (_, Exit::Recipe) => "correct the recipe and start it again; results with the same inputs are taken over",
        (_, Exit::Infrastructure) => {
            "mend what it names and start again, it goes on from here; `cloudbuild doctor` checks this machine"
        }
        (_, Exit::Interrupted) => "start it again, and it goes on from here",
        (_, Exit::Done | Exit::Internal | Exit::SomeFailed) => {
            "this is most likely a mistake of cloudbuild's own: run it again with `-vv` and report what it says"
        }
    }
}

/// What kind of error the system gave, if it was the system's.
fn system_error(error: &anyhow::Error) -> Option<ErrorKind> {
    error.chain().find_map(|cause| match cause.downcast_ref::<RecipeError>() {
        Some(recipe) => recipe.cause.as_ref().and_then(system_error),
        None => cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind),
    })
}

/// A recipe is wrong, unless what it asked for failed.
fn of_recipe(error: &RecipeError) -> Exit {
    match error.cause.as_ref().map(exit_of) {
        // What would be wrong usage on a command line, such as a file that is not there, is the recipe's own word here.
        None | Some(Exit::Usage) => Exit::Recipe,
        Some(exit) => exit,
    }
}

fn of_refusal(refusal: &Refusal) -> Exit {
    match refusal.whose {
        Whose::Recipe => Exit::Recipe,
        Whose::World => Exit::Infrastructure,
        Whose::Asker => Exit::Usage,
    }
}

fn of_overlay(error: &OverlayError) -> Exit {
    if error.is_of_machine() { Exit::Infrastructure } else { Exit::Recipe }
}

fn of_mirror(error: &MirrorError) -> Exit {
    if matches!(error, MirrorError::Named(_)) { Exit::Usage } else { Exit::Infrastructure }
}

fn of_state(error: &StateError) -> Exit {
    match error {
        StateError::Missing { .. } | StateError::OtherRecipe { .. } => Exit::Usage,
        StateError::DiskFull { .. }
        | StateError::Damaged { .. }
        | StateError::Newer { .. }
        | StateError::Older { .. }
        | StateError::Locked { .. }
        | StateError::File { .. }
        | StateError::Sqlite { .. } => Exit::Infrastructure,
        StateError::SqliteTooOld { .. }
        | StateError::NoRow { .. }
        | StateError::Rewritten { .. }
        | StateError::Illegal { .. }
        | StateError::Refused { .. }
        | StateError::Writer { .. } => Exit::Internal,
    }
}

fn of_sbuild(error: &SbuildError) -> Exit {
    match error {
        SbuildError::Cancelled => Exit::Interrupted,
        SbuildError::Task(_) => Exit::Internal,
        SbuildError::Missing { .. }
        | SbuildError::Chroot { .. }
        | SbuildError::Late { .. }
        | SbuildError::Taken { .. }
        | SbuildError::Io { .. }
        | SbuildError::InChroot { .. } => Exit::Infrastructure,
    }
}

/// Where a recipe publishes, and what, is its own choice.
fn of_archive(error: &ArchiveError) -> Exit {
    match error {
        ArchiveError::NotOurs { .. } | ArchiveError::OtherBytes { .. } => Exit::Recipe,
        ArchiveError::History(_) => Exit::Usage,
        ArchiveError::Date { .. } => Exit::Internal,
        ArchiveError::Io { .. }
        | ArchiveError::DiskFull { .. }
        | ArchiveError::Busy { .. }
        | ArchiveError::Held { .. }
        | ArchiveError::Overtaken { .. }
        | ArchiveError::Bucket(_)
        | ArchiveError::Content { .. }
        | ArchiveError::Source { .. }
        | ArchiveError::Sign { .. }
        | ArchiveError::Record { .. } => Exit::Infrastructure,
    }
}

fn of_publish_plan(error: &PlanError) -> Exit {
    match error {
        PlanError::Name { .. }
        | PlanError::Component { .. }
        | PlanError::Architecture { .. }
        | PlanError::Twice { .. }
        | PlanError::Variant { .. }
        | PlanError::OtherBytes { .. } => Exit::Recipe,
        PlanError::Clock { .. } => Exit::Infrastructure,
        PlanError::Control { .. } => Exit::Internal,
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::path::PathBuf;

    use anyhow::{Context, anyhow};

    use super::*;

    /// The exit code of an error that a recipe's call failed with, as the recipe's error carries it.
    fn in_a_recipe(cause: impl Into<anyhow::Error>) -> Exit {
        exit_of(&RecipeError { cause: Some(cause.into()), ..RecipeError::default() }.into())
    }

    fn no_entries() -> MirrorError {
        MirrorError::NoEntries { places: "`/etc/apt/sources.list`".into() }
    }

    #[test]
    fn a_recipe_is_at_fault_unless_what_it_asked_for_failed() {
        assert_eq!(
            exit_of(&RecipeError::of_file("x.lua", "expected a recipe, got a number", None).into()),
            Exit::Recipe
        );
        assert_eq!(in_a_recipe(SelectionError::NoSources), Exit::Recipe);
        assert_eq!(in_a_recipe(Refusal::of_recipe("expected builders, got none")), Exit::Recipe);
        assert_eq!(in_a_recipe(Refusal::of_world("no chroot")), Exit::Infrastructure);
        assert_eq!(in_a_recipe(no_entries()), Exit::Infrastructure);
        assert_eq!(in_a_recipe(anyhow!(no_entries()).context("import suite `sid`")), Exit::Infrastructure);
        assert_eq!(in_a_recipe(Interrupted), Exit::Interrupted);
        assert_eq!(in_a_recipe(SbuildError::Cancelled), Exit::Interrupted);
        let paused = Paused { stage: "base".into(), why: "look".into(), place: "x.lua:3".into() };
        assert_eq!(in_a_recipe(paused), Exit::SomeFailed);
        assert_eq!(in_a_recipe(anyhow!("what is this")), Exit::Internal);
        let diverged = Diverged { call: 2, before: "order".into(), now: "launch".into() };
        assert_eq!(in_a_recipe(diverged), Exit::Recipe);
    }

    #[test]
    fn what_makes_a_recipe_wrong_has_a_code_and_what_the_world_does_has_none() {
        let code = |error: anyhow::Error| super::super::code_of(&error);
        let in_recipe = |cause: anyhow::Error| RecipeError { cause: Some(cause), ..RecipeError::default() }.into();
        assert_eq!(code(in_recipe(SelectionError::NoSources.into())), Some(Code::Selection));
        assert_eq!(code(in_recipe(Refusal::of_recipe("no builders").into())), Some(Code::Refused));
        let not_ours = ArchiveError::NotOurs { root: "/home".into(), marker: ".cloudbuild" };
        assert_eq!(code(in_recipe(not_ours.into())), Some(Code::Publish));
        let diverged = Diverged { call: 2, before: "order".into(), now: "launch".into() };
        assert_eq!(code(in_recipe(diverged.into())), Some(Code::Diverged));
        assert_eq!(code(in_recipe(no_entries().into())), None);
        let syntax = RecipeError::of_file("x.lua", "syntax error", None).code(Code::Syntax);
        assert_eq!(code(anyhow::Error::from(syntax).context("load")), Some(Code::Syntax));
        assert_eq!(
            code(Failure::new(Exit::Usage, "no such argument").code(Code::UnknownArgument).into()),
            Some(Code::UnknownArgument)
        );
        assert_eq!(code(Failure::new(Exit::Usage, "no such command").into()), None);
    }

    #[test]
    fn a_source_list_that_was_named_is_a_matter_of_usage() {
        assert_eq!(exit_of(&MirrorError::Named(Box::new(no_entries())).into()), Exit::Usage);
        assert_eq!(exit_of(&no_entries().into()), Exit::Infrastructure);
        assert_eq!(in_a_recipe(MirrorError::Named(Box::new(no_entries()))), Exit::Recipe, "the recipe named it");
    }

    #[test]
    fn a_wrong_state_directory_is_usage_and_a_busy_one_is_not() {
        let (dir, owner, asked) = (PathBuf::from("a.cloudbuild"), "a".to_owned(), "b".to_owned());
        assert_eq!(exit_of(&StateError::OtherRecipe { dir: dir.clone(), owner, asked }.into()), Exit::Usage);
        assert_eq!(exit_of(&StateError::Missing { path: dir.join("state.db") }.into()), Exit::Usage);
        let locked = StateError::Locked { dir: dir.clone(), holder: "process 1".into() };
        assert_eq!(exit_of(&locked.into()), Exit::Infrastructure);
        assert_eq!(exit_of(&StateError::DiskFull { path: dir }.into()), Exit::Infrastructure);
        assert_eq!(exit_of(&StateError::Refused { reason: "no".into() }.into()), Exit::Internal);
    }

    #[test]
    fn an_error_that_gives_no_advice_gets_some() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let in_recipe = RecipeError { cause: Some(full().into()), ..RecipeError::default() };
        assert!(advice(&in_recipe.into(), Exit::Infrastructure).starts_with("make room"));
        let read: anyhow::Result<()> = Err(full()).context("write the log");
        assert!(advice(&read.expect_err("it is one"), Exit::Infrastructure).starts_with("make room"));
        assert!(advice(&anyhow!("what is this"), Exit::Internal).contains("report"));
    }

    #[test]
    fn what_the_system_refuses_is_infrastructure_wherever_it_is_in_the_chain() {
        let denied = || io::Error::from(io::ErrorKind::PermissionDenied);
        let read: anyhow::Result<()> = Err(denied()).context("open the log");
        assert_eq!(exit_of(&read.expect_err("it is one")), Exit::Infrastructure);
        let store = StoreError::Io { action: "write", path: "x".into(), source: denied() };
        assert_eq!(exit_of(&store.into()), Exit::Infrastructure);
        let archive = ArchiveError::NotOurs { root: "/home".into(), marker: ".cloudbuild" };
        assert_eq!(exit_of(&archive.into()), Exit::Recipe);
    }
}
