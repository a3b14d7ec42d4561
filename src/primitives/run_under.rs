//! Whether what was built starts on an older processor: its programs and libraries, run by an emulator that is one.

use crate::core::events::Event;
use crate::core::ids::ViewId;
use crate::core::order::ALL;
use crate::core::order::text::counted;
use crate::core::recipe::{BuildRequest, BuildResult, BuiltJob};
use crate::core::verify::{Check, Outcome, Verified};
use crate::io::host::emulation;
use crate::io::sbuild::proof::FOREIGN;
use crate::io::state::{jobs, verified};
use crate::primitives::bench::{Benching, packages};
use crate::primitives::proof::Trying;

/// Starts each program with `--version`, and each library by loading it; prints how each ended. What a program returns
/// says nothing, for not every one knows the option; that it does not know an instruction says enough. `ROOT` is where
/// packages of another architecture than the chroot's are unpacked, or empty.
const SCRIPT: &str = r#"#!/bin/sh
on() { timeout -k 1 20 "$EMULATOR" ${ROOT:+-L "$ROOT"} -cpu "$CPU" "$@" </dev/null; }
files() {
    if [ -z "$ROOT" ]; then dpkg -L "$1"; return; fi
    for deb in "$ROOT".apt/archives/"$1"_*.deb; do dpkg-deb --fsys-tarfile "$deb" | tar -t | sed 's,^\.,,'; done
}
for own in "$ROOT"/bin/true "$ROOT"/lib*/ld-linux*.so.* "$ROOT"/lib*/ld*.so.1; do
    [ -e "$own" ] || continue
    said=$(on "$own" --version 2>&1)
    status=$?
    if [ "$status" != 0 ]; then
        printf '%s\t%s\t%s\n' "$status" "${own#"$ROOT"}" "$(printf '%s' "$said" | head -n 1)"
        exit 0
    fi
    break
done
for package in $PACKAGES; do
    files "$package" | sort | while IFS= read -r file; do
        case $file in /usr/lib/debug/*) continue ;; esac
        path=$ROOT$file
        { [ -f "$path" ] && [ ! -L "$path" ]; } || continue
        [ "$(head -c 4 "$path" | od -An -tx1 | tr -d ' ')" = 7f454c46 ] || continue
        case $file in
            # A library is loaded by something that is known to start.
            *.so | *.so.*) [ -e "$ROOT/bin/true" ] || continue; on -E LD_PRELOAD="$file" "$ROOT/bin/true" ;;
            *) [ -x "$path" ] || continue; on "$path" --version ;;
        esac >/dev/null 2>&1
        printf '%s\t%s\n' "$?" "$file"
    done
done
"#;

/// The status of what a signal for an unknown instruction ended, as a shell tells it.
const ILLEGAL: &str = "132";

/// Verifies what a stage built, `view` having all of that; what came of it is kept with the jobs, and in `built`.
pub async fn run_under(
    benching: &Benching<'_>,
    request: &BuildRequest,
    built: &mut BuildResult,
    view: ViewId,
) -> anyhow::Result<()> {
    let Some(cpu) = &request.verify.run_under else { return Ok(()) };
    let arch = built.arch.clone();
    for job in built.jobs.iter_mut().filter(|job| job.state == "installed" && job.arch != ALL) {
        let known = benching.state.read(|db| verified::by_job(db, job.job))?;
        let one = match known.into_iter().find(|one| one.check == Check::RunUnder) {
            Some(known) => known,
            None => {
                let found = of_job(benching, (&arch, cpu), job, view).await?;
                let (id, kept) = (job.job, vec![found.clone()]);
                benching.state.write(move |tx| verified::insert(tx, id, &kept))?;
                found
            }
        };
        job.verified.push(one);
    }
    Ok(())
}

async fn of_job(
    benching: &Benching<'_>,
    (arch, cpu): (&str, &str),
    job: &BuiltJob,
    view: ViewId,
) -> anyhow::Result<Verified> {
    let unknown = |why: String| Ok(Verified::new(Check::RunUnder, Outcome::Unknown, why));
    let Some(emulator) = emulation::emulator(arch) else {
        return unknown(format!("there is no emulator of {arch} here; `apt-get install qemu-user-static`"));
    };
    let Some(offer) = benching.state.read(|db| jobs::offer(db, job.job))? else {
        return unknown("nobody knows what it was built in".to_owned());
    };
    let packages = packages(benching.state, &[job.job])?;
    let name = emulator.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    // Names of packages and processors are plain words, so that a shell takes them as they are.
    let foreign = (offer.chroot_arch != arch).then_some(arch);
    let root = foreign.map_or("", |_| FOREIGN);
    let variables =
        format!("EMULATOR=/var/lib/cloudbuild/{name}\nCPU={cpu}\nROOT={root}\nPACKAGES='{}'\n", packages.join(" "));
    let script = SCRIPT.replacen('\n', &format!("\n{variables}"), 1);
    let what = format!("{} under {cpu}", job.source);
    benching.listener.hear(&Event::Working { step: "verify".to_owned(), what: what.clone() });
    let trying = Trying {
        offer: &offer,
        view,
        key: benching.key.clone(),
        packages: &packages,
        foreign,
        script: script.as_bytes(),
        beside: Some(&emulator),
        what: &what,
    };
    match benching.proving.script(&trying).await? {
        Ok(printed) => Ok(judged(&String::from_utf8_lossy(&printed), cpu)),
        Err(error) => unknown(error.to_string()),
    }
}

/// What the script printed.
fn judged(printed: &str, cpu: &str) -> Verified {
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split('\t').collect()).collect();
    let known = |line: &&Vec<&str>| matches!(line[..], [_, _]);
    if let Some([status, file, said]) = lines.iter().find_map(|line| <[&str; 3]>::try_from(&line[..]).ok()) {
        let what = format!("the chroot's own {file} does not run under {cpu} ({status}: {said})");
        return Verified::new(Check::RunUnder, Outcome::Unknown, what);
    }
    let bad = lines.iter().filter(known).filter(|line| line[0] == ILLEGAL);
    let faults: Vec<String> =
        bad.map(|line| format!("{} has an instruction that {cpu} does not know", line[1])).collect();
    let good = format!("{} started under {cpu}", counted(lines.iter().filter(known).count(), "file"));
    Verified::of_faults(Check::RunUnder, &faults, good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_instruction_is_a_fault_and_a_program_that_does_not_know_its_version_is_none() {
        let check = |printed: &str| {
            let verified = judged(printed, "arm1176");
            (verified.outcome, verified.what)
        };
        let good = (Outcome::Held, "2 files started under arm1176".to_owned());
        assert_eq!(check("0\t/usr/bin/a\n1\t/usr/bin/b\n"), good);
        let bad = (Outcome::Failed, "/usr/bin/b has an instruction that arm1176 does not know".to_owned());
        assert_eq!(check("0\t/usr/bin/a\n132\t/usr/bin/b\n"), bad);
        let what = "the chroot's own /bin/true does not run under arm1176 (132: qemu: illegal)".to_owned();
        assert_eq!(check("132\t/bin/true\tqemu: illegal\n"), (Outcome::Unknown, what));
    }
}
