//! `cloudbuild terminate`: ends instances of clouds that are ours.

use super::args::builders::TerminateArgs;
use super::builders::{has, listed, rows};
use super::exit::{Exit, Failure};
use super::output::Format;
use super::{Context, site};
use crate::core::fleet::place::Ec2;
use crate::io::machines::ec2::{Cloud, Instance, TAG_BUILDER};

/// Ends instances: the named ones, those that belong to no builder, or all that are ours. A run that goes on notices.
pub fn terminate(ctx: &Context, args: &TerminateArgs) -> anyhow::Result<Exit> {
    let state = ctx.state_here()?;
    let rows = rows(&state)?;
    let listed = listed(&state, &rows)?;
    let named = |instance: &Instance| {
        let names = [Some(instance.id.as_str()), instance.tag(TAG_BUILDER), instance.token.as_deref()];
        args.builders.iter().any(|builder| names.contains(&Some(builder.as_str())))
    };
    let wanted = |instance: &Instance| args.all || (args.orphans && !has(&rows, instance)) || named(instance);
    let chosen: Vec<&(Ec2, Instance)> = listed.iter().filter(|(_, instance)| wanted(instance)).collect();
    if chosen.len() < args.builders.len() {
        let message =
            format!("expected builders or instances of this state directory, got `{}`", args.builders.join("`, `"));
        return Err(Failure::new(Exit::Usage, message).hint("`cloudbuild builders` lists them").into());
    }
    let ending = async {
        for (place, instance) in &chosen {
            Cloud::of(place).await.terminate(&instance.id).await?;
            ctx.output.say(&format!("{} is ended", instance.id));
        }
        Ok::<_, anyhow::Error>(())
    };
    site::runtime()?.block_on(ending)?;
    let ids: Vec<&str> = chosen.iter().map(|(_, instance)| instance.id.as_str()).collect();
    match ctx.output.format {
        Format::Json => ctx.output.document(&ids)?,
        Format::Text if ids.is_empty() => ctx.output.print("nothing to end")?,
        Format::Text => {}
    }
    Ok(Exit::Done)
}
