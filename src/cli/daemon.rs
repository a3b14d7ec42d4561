//! `cloudbuild daemon`: the build daemon of one machine, as the control point starts it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::args::DaemonArgs;
use super::exit::Exit;
use super::{Context, site};
use crate::daemon::{self, DaemonOptions};
use crate::io::control::{Client, Patience};

/// How long one call is repeated while the control point does not answer; how long builds go on then is the daemon's.
const AWAY_LIMIT: Duration = Duration::from_secs(10 * 60);

/// Builds for the control point that the file names, until that says stop.
pub fn daemon(ctx: &Context, args: &DaemonArgs) -> anyhow::Result<Exit> {
    let host = site::host(ctx, None);
    let control_file = ctx.folder.join(&args.control_file);
    let client = Client::new(&control_file, Patience { give_up: AWAY_LIMIT, ..Patience::default() })?;
    let options = DaemonOptions {
        state: control_file.parent().unwrap_or(Path::new(".")).to_owned(),
        name: args.name.clone(),
        slots: ctx.settings.slots as usize,
        cache: host.cache,
        build_user: host.build_user,
        tools: host.tools,
        control: Arc::new(client),
        notices: args.notices,
        patience: AWAY_LIMIT,
    };
    site::runtime()?.block_on(daemon::run(options))?;
    Ok(Exit::Done)
}
