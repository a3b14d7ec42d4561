//! `cloudbuild daemon`: the build daemon of one machine, as the control point starts it.

use std::sync::Arc;

use super::args::DaemonArgs;
use super::exit::Exit;
use super::{Context, site};
use crate::daemon::{self, AWAY_LIMIT, DaemonOptions};
use crate::io::sbuild::place::Tools;

/// Builds for the control point that the file names, until that says stop.
pub fn daemon(ctx: &Context, args: &DaemonArgs) -> anyhow::Result<Exit> {
    let settings = &ctx.settings;
    let options = DaemonOptions {
        control_file: args.control_file.clone(),
        name: args.name.clone(),
        slots: settings.slots as usize,
        cache: settings.cache_dir.clone(),
        build_user: settings.build_user.clone(),
        tools: Tools { sbuild: settings.sbuild.clone(), mmdebstrap: settings.mmdebstrap.clone() },
        away_limit: AWAY_LIMIT,
        connect: Arc::new(daemon::http::connect),
    };
    site::runtime()?.block_on(daemon::run(options))?;
    Ok(Exit::Done)
}
