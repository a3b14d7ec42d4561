//! What commands that read archives or run recipes share: stores, mirror, runtime, the machine's own architecture.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::Context;
use super::exit::{Exit, Failure};
use crate::core::settings::value::Redirects;
use crate::io::host::{self, HostSettings};
use crate::io::mirror::{Mirror, MirrorSettings};
use crate::io::sbuild::place::{Place, Tools, instance};
use crate::io::store::Store;
use crate::primitives::files::Files;

/// What one chroot, its unpacked copy and a small build take.
const FREE: u64 = 2 << 30;

/// The async runtime of a command.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the async runtime")
}

/// The machine's own Debian architecture.
pub fn machine(runtime: &tokio::runtime::Runtime) -> anyhow::Result<String> {
    runtime.block_on(host::architecture()).map_err(|error| {
        Failure::new(Exit::Infrastructure, "cannot ask dpkg for this machine's architecture")
            .hint("cloudbuild runs on Debian and what derives from it; `dpkg --print-architecture` must work")
            .because(error)
            .into()
    })
}

/// The cache's store.
pub fn cache(ctx: &Context) -> anyhow::Result<Store> {
    Ok(Store::open(ctx.settings.cache_dir.join("files"))?)
}

/// The mirror, as the settings say; what it fetches goes to the cache.
pub fn mirror(ctx: &Context, cache: &Store) -> anyhow::Result<Mirror> {
    let settings = &ctx.settings;
    let mirror = MirrorSettings {
        apt_root: settings.apt_root.clone(),
        connect_timeout: settings.mirror_timeout,
        stall_timeout: settings.mirror_timeout,
        redirects_to_other_hosts: match settings.mirror_redirects {
            Redirects::SameHost => false,
            Redirects::Any => true,
        },
        retries: settings.mirror_retries,
        ..MirrorSettings::default()
    };
    Ok(Mirror::new(cache.clone(), mirror)?)
}

/// Files by hash: what `built` has, what the cache has, and what the mirror has.
pub fn files(ctx: &Context, built: Store) -> anyhow::Result<Arc<Files>> {
    let cache = cache(ctx)?;
    let mirror = mirror(ctx, &cache)?;
    Ok(Arc::new(Files::new(built, cache, mirror)))
}

/// Where chroots are, and who builds in them; `part` tells this use of the cache from others.
pub fn place(ctx: &Context, state: &Path, part: &str) -> anyhow::Result<Place> {
    let host = host(ctx, None);
    let user = host.user().context("look the build user up")?;
    let user = user.with_context(|| format!("there is no user `{}`\nhint: `cloudbuild setup`", host.user_name()))?;
    Ok(Place { cache: host.cache, instance: instance(state, part), user, tools: host.tools })
}

/// What this machine must have, to build for its own architecture and maybe for another one.
pub fn host(ctx: &Context, arch: Option<&str>) -> HostSettings {
    let settings = &ctx.settings;
    HostSettings {
        cache: settings.cache_dir.clone(),
        build_user: settings.build_user.clone(),
        arch: arch.map(str::to_owned),
        tools: Tools { sbuild: settings.sbuild.clone(), mmdebstrap: settings.mmdebstrap.clone() },
        free: FREE,
    }
}
