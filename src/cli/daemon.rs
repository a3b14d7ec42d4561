//! `cloudbuild daemon`.

use super::Context;
use super::args::DaemonArgs;
use super::exit::{Exit, Failure};

/// JOIN: builds for the control point of `args.control_file`; slots, cache and user are in `ctx.settings`.
pub fn daemon(_ctx: &Context, _args: &DaemonArgs) -> anyhow::Result<Exit> {
    Err(Failure::new(Exit::Internal, "this build of cloudbuild has no `daemon`").into())
}
