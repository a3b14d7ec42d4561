//! The proof: real apt in a clean chroot, which trusts only the archive's own key, installs from the archive.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::SbuildError;
use super::place::{Place, open_to_all};
use crate::core::build::{DPKG_SETTINGS, Layout};

/// The longest that one step may take; an installation fetches and unpacks.
const STEP_LIMIT: Duration = Duration::from_secs(900);

/// The longest that a program may take to say its version, until it is killed.
const VERSION_LIMIT: Duration = Duration::from_secs(11);

/// Empties apt's own folder in the chroot of every source but those laid over it, mounts what programs expect, and
/// enters the chroot with an environment of its own. Run as root of a namespace whose mounts end with it.
const ENTER: &str = r#"
set -e
root=$1; over=$2; shift 2
if [ -n "$over" ]; then
    (cd "$root/etc/apt" && rm -rf sources.list sources.list.d preferences preferences.d auth.conf auth.conf.d \
        trusted.gpg trusted.gpg.d "$root/var/lib/apt/lists")
    cp -rT "$over" "$root"
fi
for node in null zero full random urandom tty; do
    : > "$root/dev/$node"
    mount --bind "/dev/$node" "$root/dev/$node"
done
ln -sfT /proc/self/fd "$root/dev/fd"
mount -t proc proc "$root/proc"
if [ -f /etc/resolv.conf ]; then cat /etc/resolv.conf > "$root/etc/resolv.conf"; fi
exec /usr/sbin/chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
"#;

/// Installs packages; prints what apt says that it would fetch for that.
const INSTALL: &str = r#"
set -e
apt-get update --error-on=any >&2
# A rebuilt package has the version of the original, which the chroot may hold already.
set -- -y --no-install-recommends --reinstall --allow-downgrades "$@"
apt-get install --print-uris -qq "$@"
apt-get install "$@" >&2
"#;

/// Prints a line a package: its version, its first program (by what dpkg installed), and what that says to `--version`.
/// What the program returns says nothing: not every one knows this option.
const LOOK: &str = r#"
set -e
for package; do
    version=$(dpkg-query -W -f '${Version}' "$package")
    program=$(dpkg -L "$package" | sort | while IFS= read -r file; do
        case $file in /bin/*|/usr/bin/*) if [ -f "$file" ] && [ ! -L "$file" ] && [ -x "$file" ]; then
            printf '%s\n' "$file"; break
        fi ;; esac
    done)
    line=
    if [ -n "$program" ]; then
        line=$(timeout -k 1 10 "$program" --version </dev/null 2>/dev/null | head -c 4096 | head -n 1; :)
    fi
    printf '%s\t%s\t%s\n' "$version" "$program" "$line"
done
"#;

/// Where packages of another architecture are unpacked; what apt keeps of them lies beside it.
pub const FOREIGN: &str = "/var/lib/cloudbuild/foreign";

/// Unpacks packages of another architecture and what they depend on in a folder; none of their scripts run, for there may
/// be nothing that runs them. `true` comes along where it can be had: a library needs something that loads it.
const UNPACK: &str = r#"
set -e
root=$1; arch=$2; shift 2
mkdir -p "$root.apt/lists/partial" "$root.apt/archives/partial" "$root/usr"
for folder in bin sbin lib lib64; do mkdir "$root/usr/$folder"; ln -s "usr/$folder" "$root/$folder"; done
: > "$root.apt/status"
ask() {
    apt-get -o APT::Architecture="$arch" -o APT::Architectures="$arch" -o Dir::State::status="$root.apt/status" \
        -o Dir::State::lists="$root.apt/lists" -o Dir::Cache::archives="$root.apt/archives" \
        -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= -y --no-install-recommends "$@" >&2
}
ask update --error-on=any
ask install --download-only coreutils "$@" || ask install --download-only "$@"
for deb in "$root.apt"/archives/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$root" --keep-directory-symlink --exclude='./dev/*'
done
"#;

/// An archive that apt reads over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its root.
    pub url: String,
    /// Its suite.
    pub suite: String,
    /// Its components.
    pub components: Vec<String>,
    /// The `binary-NAME` folders that apt reads; none: that of its own architecture.
    pub architectures: Vec<String>,
    /// ASCII armoured public key, the only one that apt may trust for it.
    pub key: String,
}

impl Source {
    /// Its line in `sources.list`, with the file that has its key.
    fn line(&self, key: &str) -> String {
        let Source { url, suite, .. } = self;
        let (components, architectures) = (self.components.join(" "), self.architectures.join(","));
        let arch = if architectures.is_empty() { String::new() } else { format!("arch={architectures} ") };
        format!("deb [{arch}signed-by={key}] {url} {suite} {components}\n")
    }
}

/// One package that apt installed from the archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proved {
    /// Its name.
    pub package: String,
    /// The version that is installed.
    pub version: String,
    /// The SHA-256 that apt expected of the .deb and verified.
    pub sha256: String,
    /// Its first program, and the first line that it says to `--version`, where it says one.
    pub program: Option<(String, Option<String>)>,
}

impl fmt::Display for Proved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: installed", self.package, self.version)?;
        match &self.program {
            Some((program, Some(line))) => write!(f, ", {program} says \"{line}\""),
            Some((program, None)) => write!(f, ", {program} says nothing to --version"),
            None => Ok(()),
        }
    }
}

/// A chroot that was unpacked to install into; [`Clean::remove`] it in the end.
#[derive(Debug)]
pub struct Clean {
    place: Place,
    layout: Layout,
}

/// Unpacks a chroot. It writes half a gigabyte, so it is best done while the last build still runs.
pub async fn prepare(place: &Place, tar: &Path, name: &str) -> Result<Clean, SbuildError> {
    let layout = place.make(name).await?;
    let clean = Clean { place: place.clone(), layout };
    let mut command = clean.place.namespaced(&clean.layout);
    // The build that still runs goes first.
    let unpack = "mkdir \"$1\" && exec nice tar --extract --directory \"$1\" --file \"$2\" --exclude='./dev/*'";
    command.args(["sh", "-c", unpack, "sh"]).arg(clean.root()).arg(tar);
    match clean.place.finish(command, "unpacking a chroot", STEP_LIMIT).await {
        Ok(_) => Ok(clean),
        Err(error) => {
            clean.remove().await?;
            Err(error)
        }
    }
}

impl Clean {
    fn root(&self) -> std::path::PathBuf {
        self.layout.unpacked().join("root")
    }

    /// Installs packages from `archive`, their dependencies also from `dependencies`, and runs a program of each.
    pub async fn install(
        &self,
        archive: &Source,
        dependencies: Option<&Source>,
        packages: &[String],
    ) -> Result<Vec<Proved>, SbuildError> {
        let over = self.lay_over(archive, dependencies)?;
        let what = format!("`apt-get install {}`", packages.join(" "));
        let printed = self.inside(Some(&over), INSTALL, packages, &what, STEP_LIMIT).await?;
        let uris = uris(&String::from_utf8_lossy(&printed));
        let limit = VERSION_LIMIT.saturating_mul(u32::try_from(packages.len()).unwrap_or(u32::MAX));
        let looked = self.inside(None, LOOK, packages, "looking at what is installed", STEP_LIMIT + limit).await?;
        let looked = String::from_utf8_lossy(&looked);
        let mut lines = looked.lines();
        packages
            .iter()
            .map(|package| {
                let sha256 = from_archive(&uris, archive, package)?;
                let (version, program) = installed(lines.next().unwrap_or_default());
                Ok(Proved { package: package.clone(), version, sha256, program })
            })
            .collect()
    }

    /// Unpacks packages of another architecture from `archive`, with their dependencies, in [`FOREIGN`].
    pub async fn unpack(&self, archive: &Source, arch: &str, packages: &[String]) -> Result<(), SbuildError> {
        let over = self.lay_over(archive, None)?;
        let what = format!("unpacking {} for {arch}", packages.join(", "));
        let arguments = [&[FOREIGN.to_owned(), arch.to_owned()], packages].concat();
        self.inside(Some(&over), UNPACK, &arguments, &what, STEP_LIMIT).await.map(drop)
    }

    /// Runs a script, with an interpreter of its own if it names one; what it printed.
    ///
    /// `beside` is a program of the machine's that the script finds in its own folder.
    pub async fn script(&self, script: &[u8], beside: Option<&Path>, what: &str) -> Result<Vec<u8>, SbuildError> {
        const FOLDER: &str = "var/lib/cloudbuild";
        let over = self.layout.root.join("script");
        let folder = over.join(FOLDER);
        std::fs::create_dir_all(&folder).map_err(SbuildError::io("cannot make", &folder))?;
        let program = folder.join("script");
        std::fs::write(&program, script).map_err(SbuildError::io("cannot write", &program))?;
        open_to_all(&program, 0o755)?;
        if let Some(name) = beside.and_then(Path::file_name) {
            let copy = folder.join(name);
            let from = beside.unwrap_or(Path::new(""));
            std::fs::copy(from, &copy).map_err(SbuildError::io("cannot copy", from))?;
            open_to_all(&copy, 0o755)?;
        }
        self.inside(Some(&over), &format!("exec /{FOLDER}/script"), &[], what, STEP_LIMIT).await
    }

    /// Removes the chroot.
    pub async fn remove(self) -> Result<(), SbuildError> {
        self.place.remove(&self.layout.root).await
    }

    /// Writes what is laid over the chroot: sources, keys and settings.
    fn lay_over(&self, archive: &Source, dependencies: Option<&Source>) -> Result<PathBuf, SbuildError> {
        let over = self.layout.root.join("over");
        let apt = over.join("etc/apt");
        let dpkg = over.join("etc/dpkg/dpkg.cfg.d");
        for folder in [apt.join("preferences.d"), apt.join("apt.conf.d"), dpkg.clone(), over.join("usr/sbin")] {
            std::fs::create_dir_all(&folder).map_err(SbuildError::io("cannot make", &folder))?;
        }
        let mut list = String::new();
        for (name, source) in [("archive", Some(archive)), ("dependencies", dependencies)] {
            let Some(source) = source else { continue };
            self.place.write(&apt.join(format!("cloudbuild-{name}.asc")), &source.key)?;
            list += &source.line(&format!("/etc/apt/cloudbuild-{name}.asc"));
        }
        self.place.write(&apt.join("sources.list"), &list)?;
        if let Some(source) = dependencies {
            // Where both have a package, the archive's is what is to be proved.
            let pin = format!("Package: *\nPin: release a={}\nPin-Priority: 100\n", source.suite);
            self.place.write(&apt.join("preferences.d/cloudbuild"), &pin)?;
        }
        let settings = "Acquire::http::Proxy \"DIRECT\";\nAcquire::https::Proxy \"DIRECT\";\n\
                        Acquire::Languages \"none\";\nAcquire::Retries \"3\";\nAPT::Sandbox::User \"root\";\n";
        self.place.write(&apt.join("apt.conf.d/99cloudbuild"), settings)?;
        self.place.write(&dpkg.join("cloudbuild"), DPKG_SETTINGS)?;
        let no_daemons = over.join("usr/sbin/policy-rc.d");
        self.place.write(&no_daemons, "#!/bin/sh\nexit 101\n")?;
        open_to_all(&no_daemons, 0o755)?;
        Ok(over)
    }

    /// Runs a shell script in the chroot, with `over` laid over it first.
    async fn inside(
        &self,
        over: Option<&Path>,
        script: &str,
        arguments: &[String],
        what: &str,
        limit: Duration,
    ) -> Result<Vec<u8>, SbuildError> {
        let mut command = self.place.namespaced(&self.layout);
        command.args(["sh", "-c", ENTER, "sh"]).arg(self.root()).arg(over.unwrap_or(Path::new("")));
        command.args(["sh", "-c", script, "sh"]).args(arguments);
        self.place.finish(command, what, limit).await
    }
}

/// A line of [`LOOK`]: the version, and the first program with what it says.
fn installed(line: &str) -> (String, Option<(String, Option<String>)>) {
    let mut fields = line.splitn(3, '\t');
    let mut field = || fields.next().unwrap_or_default();
    let (version, program, said) = (field(), field(), field());
    let said: String = said.trim().chars().filter(|c| !c.is_control()).collect();
    let program = (!program.is_empty()).then(|| (program.to_owned(), (!said.is_empty()).then_some(said)));
    (version.to_owned(), program)
}

/// A line of `--print-uris`: where from, the file's name there, and the hash apt will ask of it.
#[derive(Debug, PartialEq, Eq)]
struct Uri {
    uri: String,
    package: String,
    sha256: String,
}

fn uris(printed: &str) -> Vec<Uri> {
    let lines = printed.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let uri = words.next()?.strip_prefix('\'')?.strip_suffix('\'')?.to_owned();
        let package = words.next()?.split('_').next()?.to_owned();
        let sha256 = words.find_map(|word| word.strip_prefix("SHA256:")).unwrap_or_default().to_owned();
        Some(Uri { uri, package, sha256 })
    });
    lines.collect()
}

/// The hash of a package that apt takes from that archive and from nowhere else.
fn from_archive(uris: &[Uri], archive: &Source, package: &str) -> Result<String, SbuildError> {
    let name = package.split([':', '=']).next().unwrap_or(package);
    let wrong = |tail: String| SbuildError::InChroot {
        what: format!("taking `{package}` from the archive"),
        how: "apt takes something else".to_owned(),
        tail,
    };
    let found = uris.iter().find(|uri| uri.package == name);
    let uri = found.ok_or_else(|| wrong(format!("it would not install `{name}`")))?;
    let root = format!("{}/", archive.url.trim_end_matches('/'));
    if uri.uri.starts_with(&root) {
        return Ok(uri.sha256.clone());
    }
    Err(wrong(format!("expected a file below `{root}`, got `{}`", uri.uri)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "'http://127.0.0.1:1/archive/pool/main/h/hello/hello_2.10-3_amd64.deb' \
                           hello_2.10-3_amd64.deb 53104 SHA256:ab\n\
                           'http://127.0.0.1:1/view/0/pool/1/libx_1_all.deb' libx_1%3a2_all.deb 1 SHA256:cd\n";

    fn archive() -> Source {
        Source {
            url: "http://127.0.0.1:1/archive".to_owned(),
            suite: "bookworm".to_owned(),
            components: vec!["main".to_owned()],
            architectures: Vec::new(),
            key: String::new(),
        }
    }

    #[test]
    fn apt_reads_the_folders_of_a_variant_only_where_it_is_told_to() {
        let mut source = archive();
        assert_eq!(source.line("/k"), "deb [signed-by=/k] http://127.0.0.1:1/archive bookworm main\n");
        source.architectures = ["armhf", "cortexa8"].map(str::to_owned).to_vec();
        let line = source.line("/k");
        assert_eq!(line, "deb [arch=armhf,cortexa8 signed-by=/k] http://127.0.0.1:1/archive bookworm main\n");
    }

    #[test]
    fn a_package_that_apt_takes_from_elsewhere_is_not_proved() {
        let uris = uris(PRINTED);
        assert_eq!(from_archive(&uris, &archive(), "hello").unwrap(), "ab");
        let error = from_archive(&uris, &archive(), "libx").unwrap_err().to_string();
        assert!(error.contains("http://127.0.0.1:1/view/0/pool/1/libx_1_all.deb"), "{error}");
        assert!(from_archive(&uris, &archive(), "other").is_err());
    }

    #[test]
    fn a_package_may_have_no_program_and_a_program_may_say_nothing() {
        assert_eq!(installed("1:2-3\t\t"), ("1:2-3".to_owned(), None));
        assert_eq!(installed("1\t/usr/bin/x\t").1, Some(("/usr/bin/x".to_owned(), None)));
        let said = installed("1\t/usr/bin/x\tx \u{1b}1.0\tbeta").1.unwrap().1;
        assert_eq!(said.as_deref(), Some("x 1.0beta"));
    }

    #[test]
    fn what_is_proved_is_told_in_one_line() {
        let mut proved = Proved {
            package: "hello".to_owned(),
            version: "2.10-3".to_owned(),
            sha256: "ab".to_owned(),
            program: Some(("/usr/bin/hello".to_owned(), Some("hello (GNU Hello) 2.10".to_owned()))),
        };
        assert_eq!(proved.to_string(), "hello 2.10-3: installed, /usr/bin/hello says \"hello (GNU Hello) 2.10\"");
        proved.program = None;
        assert_eq!(proved.to_string(), "hello 2.10-3: installed");
    }
}
