//! One build: a task becomes sbuild's arguments and configuration; its exit and log become what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::core::flags::effective::asks_for_flags;
use crate::core::flags::overridden::PROBE;
use crate::core::measure::usage;

pub mod class;
pub mod ending;

#[cfg(test)]
mod tests;

/// What a chroot holds beside the Essential packages and apt: what sbuild installs into each of them otherwise.
pub const CHROOT_PACKAGES: [&str; 2] = ["build-essential", "fakeroot"];

/// sbuild counts minutes without output and knows nothing of CPU time: ours is the watch, its own gets a month.
const SBUILD_STALLED_MINUTES: u32 = 60 * 24 * 30;

/// Why a task cannot become a build.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// A variable's name that no shell would take.
    #[error("expected the name of an environment variable, got `{name}`\nhint: use letters, digits and `_`")]
    Variable {
        /// The name.
        name: String,
    },
    /// A word that would be taken for an option or a path.
    #[error("expected {expected}, got `{got}`")]
    Word {
        /// What the word should be.
        expected: &'static str,
        /// What came.
        got: String,
    },
}

/// What to build, and against what; all that sbuild has to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Base name of the .dsc file.
    pub dsc: String,
    /// A Debian architecture, or `all` for the architecture-independent half.
    pub arch: String,
    /// The Debian architecture of the chroot; with another `arch` than that and `all`, the build is a cross build.
    pub chroot_arch: String,
    /// What a cross build needs besides what the source asks for, as relations.
    pub cross_depends: Vec<String>,
    /// The suite's codename.
    pub distribution: String,
    /// The archive that apt sees in the chroot: suite `view`, component `main`.
    pub view_url: String,
    /// ASCII armoured key that signed the view.
    pub view_key: String,
    /// The chroot's tarball.
    pub chroot: PathBuf,
    /// Variables for the build, besides those that sbuild sets.
    pub environment: BTreeMap<String, String>,
    /// A changelog entry for a version of its own, put before those of the source.
    pub changelog: Option<String>,
    /// Processes that one build may use at once, unless the environment says so itself.
    pub parallel: u32,
}

/// Where the parts of one build lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The folder of this build alone, under `CACHE/builds`.
    pub root: PathBuf,
}

impl Layout {
    /// The build's own home folder, so that nobody's `.sbuildrc` or `.gnupg` is read.
    pub fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// The .dsc and the files it names.
    pub fn source(&self) -> PathBuf {
        self.root.join("source")
    }

    /// Where sbuild puts what it built.
    pub fn built(&self) -> PathBuf {
        self.root.join("built")
    }

    /// sbuild's configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("sbuild.conf")
    }

    /// What runs between unpacking the chroot and everything else.
    pub fn prepare(&self) -> PathBuf {
        self.root.join("prepare.sh")
    }

    /// What sbuild printed.
    pub fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// Temporary files of mmdebstrap and sbuild, never in `/tmp`.
    pub fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The build user's own folder around trees of mapped ids. Those who own the trees must be able to remove them.
    pub fn unpacked(&self) -> PathBuf {
        self.root.join("unpacked")
    }

    /// sbuild unpacks the chroot into folders whose names begin so.
    pub fn unpack_template(&self) -> PathBuf {
        self.unpacked().join("chroot.XXXXXXXXXX")
    }
}

/// Arguments of `sbuild`; everything that its configuration can hold is in [`configuration`].
pub fn arguments(task: &Task, layout: &Layout) -> Result<Vec<String>, TaskError> {
    for (expected, word) in [
        ("an architecture such as `amd64`", &task.chroot_arch),
        ("an architecture such as `armhf`", &task.arch),
        ("a distribution such as `bookworm`", &task.distribution),
        ("the name of a .dsc file", &task.dsc),
    ] {
        if word.is_empty() || word.starts_with(['-', '.']) || word.contains(['/', '\0', '\n']) {
            return Err(TaskError::Word { expected, got: word.clone() });
        }
    }
    let halves = if task.arch == "all" { ["--arch-all", "--no-arch-any"] } else { ["--arch-any", "--no-arch-all"] };
    let architectures = if is_cross(task) {
        vec![format!("--build={}", task.chroot_arch), format!("--host={}", task.arch)]
    } else {
        vec![format!("--arch={}", task.chroot_arch)]
    };
    let mut arguments = architectures;
    arguments.push(format!("--dist={}", task.distribution));
    arguments.extend(halves.map(str::to_owned));
    arguments.push("--chroot-mode=unshare".to_owned());
    arguments.push(format!("--chroot={}", task.chroot.display()));
    arguments.push(layout.source().join(&task.dsc).display().to_string());
    Ok(arguments)
}

fn is_cross(task: &Task) -> bool {
    task.arch != task.chroot_arch && task.arch != "all"
}

/// sbuild's configuration: every setting that could come from the machine or matter to the result is said here.
pub fn configuration(task: &Task, layout: &Layout) -> Result<String, TaskError> {
    let environment = environment(task)?;
    let mut text = String::from("# Written for one build; read after the system's own sbuild.conf.\n");
    let mut set = |name: &str, value: String| text.push_str(&format!("${name} = {value};\n"));
    let path = |path: &Path| perl(&path.display().to_string());

    set("chroot_mode", perl("unshare"));
    set("unshare_tmpdir_template", path(&layout.unpack_template()));
    set("unshare_bind_mounts", "[]".to_owned());
    set("build_dir", path(&layout.built()));
    set("log_dir", path(&layout.root));
    set("stats_dir", path(&layout.home()));
    set("nolog", "1".to_owned());
    set("log_colour", "0".to_owned());
    for name in ["mailto", "mailfrom"] {
        set(name, perl(""));
    }
    for name in ["key_id", "maintainer_name", "uploader_name", "bin_nmu", "append_to_version", "build_path"] {
        set(name, "undef".to_owned());
    }
    // What debian/rules makes of flags that were asked for is said in the log, where some were.
    let probe = if asks_for_flags(&task.environment) { perl(&format!("--hook-build={PROBE}")) } else { String::new() };
    set("dpkg_buildpackage_user_options", format!("[{probe}]"));
    set("bin_nmu_changelog", task.changelog.as_deref().map_or("undef".to_owned(), perl));
    set("pgp_options", "['-us', '-uc']".to_owned());
    for name in ["apt_update", "apt_distupgrade", "check_space"] {
        set(name, "1".to_owned());
    }
    for name in ["apt_upgrade", "apt_clean", "apt_allow_unauthenticated", "apt_keep_downloaded_packages"] {
        set(name, "0".to_owned());
    }
    for name in ["run_lintian", "run_piuparts", "run_autopkgtest", "build_source", "source_only_changes"] {
        set(name, "0".to_owned());
    }
    // The daemon removes the whole folder of the build once its result is on the way.
    for name in ["purge_build_deps", "purge_build_directory", "purge_session"] {
        set(name, perl("never"));
    }
    for name in ["extra_packages", "extra_repositories", "extra_repository_keys", "manual_depends"] {
        set(name, "[]".to_owned());
    }
    set("core_depends", "['build-essential:native', 'fakeroot:native']".to_owned());
    let cross: Vec<String> = task.cross_depends.iter().map(|relation| perl(relation)).collect();
    set("crossbuild_core_depends", format!("{{ {} => [{}] }}", perl(&task.arch), cross.join(", ")));
    set("build_dep_resolver", perl("apt"));
    set("bd_uninstallable_explainer", perl("none"));
    set("sbuild_mode", perl("user"));
    set("stalled_pkg_timeout", SBUILD_STALLED_MINUTES.to_string());
    set("individual_stalled_pkg_timeout", "{}".to_owned());
    // It runs the build in the chroot, and says in the log what that took.
    set("build_env_cmnd", perl(usage::PROGRAM));
    set("build_profiles", perl(environment.get("DEB_BUILD_PROFILES").map_or("", String::as_str)));
    let variables: Vec<String> =
        environment.iter().map(|(name, value)| format!("  {} => {},\n", perl(name), perl(value))).collect();
    set("build_environment", format!("{{\n{}}}", variables.concat()));
    // Run outside the chroot once it is unpacked, before apt is asked for anything; sbuild expands percent signs.
    let prepare = perl(&layout.prepare().display().to_string().replace('%', "%%"));
    set("external_commands", format!("{{ 'pre-build-commands' => [ ['sh', {prepare}] ] }}"));
    text.push_str("1;\n");
    Ok(text)
}

/// The script that leaves the view as the only archive that apt in the chroot knows, however old the chroot is. It works
/// on the unpacked tree as root of a namespace that `mmdebstrap` makes; entering the chroot would take longer, and
/// sbuild would print all of it into the log.
pub fn prepare_script(task: &Task, layout: &Layout, mmdebstrap: &Path) -> String {
    let inside = format!(
        "set -e\ncd \"$1/etc/apt\"\n\
         rm -rf sources.list sources.list.d preferences preferences.d auth.conf auth.conf.d\n\
         mkdir -p sources.list.d preferences.d auth.conf.d apt.conf.d\n\
         cat > cloudbuild-view.asc <<'END-OF-KEY'\n{key}\nEND-OF-KEY\n\
         cat > sources.list <<'END-OF-SOURCES'\n{source}\nEND-OF-SOURCES\n\
         cat > apt.conf.d/99cloudbuild <<'END-OF-CONF'\n{conf}END-OF-CONF\n\
         chmod 644 cloudbuild-view.asc sources.list apt.conf.d/99cloudbuild\n\
         mkdir -p ../dpkg/dpkg.cfg.d\n\
         printf '%s\\n' {dpkg} > ../dpkg/dpkg.cfg.d/cloudbuild\n\
         chmod 644 ../dpkg/dpkg.cfg.d/cloudbuild\n\
         mkdir -p \"$1{folder}\"\n\
         cat > \"$1{program}\" <<'END-OF-PROGRAM'\n{script}END-OF-PROGRAM\n\
         chmod 755 \"$1{folder}\" \"$1{program}\"\n",
        folder = usage::FOLDER,
        program = usage::PROGRAM,
        script = usage::SCRIPT,
        dpkg = DPKG_SETTINGS,
        key = task.view_key.trim_end(),
        source = source_line(&task.view_url, "/etc/apt/cloudbuild-view.asc"),
        conf = APT_SETTINGS,
    );
    let (program, root) = (mmdebstrap.display().to_string(), layout.unpacked().display().to_string());
    format!("exec {} --unshare-helper sh -c {} sh {}/chroot.*\n", shell(&program), shell(&inside), shell(&root))
}

/// apt's own settings in a chroot: straight to the view, nothing that it does not have.
const APT_SETTINGS: &str = "Acquire::http::Proxy \"DIRECT\";\n\
                            Acquire::https::Proxy \"DIRECT\";\n\
                            Acquire::Languages \"none\";\n\
                            Acquire::Retries \"3\";\n";

/// dpkg's own settings in a chroot: one that a power cut spoils is thrown away anyway, so nothing waits for the disk.
pub const DPKG_SETTINGS: &str = "force-unsafe-io";

/// The one-line entry of a view, its key being in `key_file`.
pub fn source_line(view_url: &str, key_file: &str) -> String {
    format!("deb [signed-by={key_file}] {view_url} view main")
}

/// Whether a variable would steer the programs outside the chroot: sbuild sets the build's environment before it runs
/// `env` and `perl` on the way in, so the loader's, perl's and the shell's own variables must not come from a recipe.
pub fn steers_the_host(name: &str) -> bool {
    const BEGINNINGS: [&str; 9] =
        ["LD_", "PERL", "BASH", "GLIBC_", "GCONV_", "MALLOC_", "PYTHON", "SBUILD", "CLOUDBUILD"];
    const NAMES: [&str; 14] = [
        "PATH",
        "HOME",
        "SHELL",
        "ENV",
        "IFS",
        "CDPATH",
        "TMPDIR",
        "HOSTALIASES",
        "LOCPATH",
        "NLSPATH",
        "USER",
        "LOGNAME",
        "RES_OPTIONS",
        "LOCALDOMAIN",
    ];
    let upper = name.to_ascii_uppercase();
    NAMES.contains(&upper.as_str()) || BEGINNINGS.iter().any(|beginning| upper.starts_with(beginning))
}

/// The build's variables: the task's own, and a number of processes where nobody said one.
fn environment(task: &Task) -> Result<BTreeMap<String, String>, TaskError> {
    for name in task.environment.keys() {
        let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let digit = name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !name.chars().all(good) || digit || steers_the_host(name) {
            return Err(TaskError::Variable { name: name.clone() });
        }
    }
    let mut environment = task.environment.clone();
    let options = environment.entry("DEB_BUILD_OPTIONS".to_owned()).or_default();
    let says = options.split_whitespace().any(|option| option == "parallel" || option.starts_with("parallel="));
    if !says {
        let more = format!("parallel={}", task.parallel.max(1));
        *options = if options.trim().is_empty() { more } else { format!("{} {more}", options.trim()) };
    }
    Ok(environment)
}

/// A string as a literal of perl that means nothing but itself.
fn perl(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// A string as one word of a shell.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
