//! The processes of a build: which they are, how much they worked, and their end.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use super::place::MARK;
use crate::io::host::user::User;

/// How often [`end_all`] looks again; a second is more than enough for the kernel to end a process.
const ROUNDS: u32 = 50;

/// One process, as `/proc/PID/stat` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stat {
    parent: i32,
    /// CPU time of itself and of the children it waited for, in clock ticks.
    ticks: u64,
    zombie: bool,
}

/// The processes of the build whose folder is `root`: those that carry its mark or live in its chroot, and whatever
/// they started. Only the build user's own and mapped ids count, so that a person who looks around is left alone.
pub fn of_build(root: &Path, user: &User) -> BTreeSet<i32> {
    found(root, user).into_keys().collect()
}

/// CPU time that the processes of a build used up to now, in clock ticks.
pub fn ticks(root: &Path, user: &User) -> u64 {
    found(root, user).values().map(|stat| stat.ticks).sum()
}

/// Ends all processes of a build and waits until they are gone.
pub async fn end_all(root: &Path, user: &User) {
    for _ in 0..ROUNDS {
        let left = found(root, user);
        if left.is_empty() {
            return;
        }
        for pid in left.keys().filter_map(|&pid| Pid::from_raw(pid)) {
            // One that is gone already is what we want.
            let _ = kill_process(pid, Signal::KILL);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tracing::warn!(root = %root.display(), "some processes of this build do not end");
}

fn found(root: &Path, user: &User) -> BTreeMap<i32, Stat> {
    let all = all(user);
    let mark = [MARK.as_bytes(), b"=", root.as_os_str().as_bytes()].concat();
    let mut ours: BTreeSet<i32> = all.keys().copied().filter(|&pid| belongs(pid, root, &mark)).collect();
    // A child has a greater number than its parent except after the numbers wrapped, hence until nothing changes.
    loop {
        let more: Vec<i32> = all
            .iter()
            .filter(|(pid, stat)| !ours.contains(pid) && ours.contains(&stat.parent))
            .map(|(&pid, _)| pid)
            .collect();
        if more.is_empty() {
            break;
        }
        ours.extend(more);
    }
    all.into_iter().filter(|(pid, stat)| ours.contains(pid) && !stat.zombie).collect()
}

fn all(user: &User) -> BTreeMap<i32, Stat> {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            // Who owns the files here is no guide: they are root's after a change of ids.
            let status = std::fs::read_to_string(entry.path().join("status")).ok()?;
            let uid = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().next()?;
            (pid != own && user.owns(uid.parse().ok()?)).then_some(())?;
            Some((pid, parse(&std::fs::read(entry.path().join("stat")).ok()?)?))
        })
        .collect()
}

fn belongs(pid: i32, root: &Path, mark: &[u8]) -> bool {
    let process = format!("/proc/{pid}");
    let lives_in = std::fs::read_link(format!("{process}/root")).is_ok_and(|path| path.starts_with(root));
    lives_in
        || std::fs::read(format!("{process}/environ"))
            .is_ok_and(|environment| environment.split(|&byte| byte == 0).any(|variable| variable == mark))
}

/// Reads a line of `/proc/PID/stat`; the name in it may hold blanks and parentheses, so what counts follows the last.
fn parse(stat: &[u8]) -> Option<Stat> {
    let text = String::from_utf8_lossy(stat);
    let rest = &text[text.rfind(')')? + 1..];
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        zombie: matches!(*fields.first()?, "Z" | "X"),
        parent: fields.get(1)?.parse().ok()?,
        ticks: number(11)? + number(12)? + number(13)? + number(14)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_blanks_and_parentheses_does_not_shift_the_fields() {
        let line = b"42 (a) b (c)) S 7 42 42 0 -1 4194304 1 2 3 4 10 20 30 40 20 0 1 0 5 6 7";
        assert_eq!(parse(line), Some(Stat { parent: 7, ticks: 100, zombie: false }));
    }

    #[tokio::test]
    async fn a_marked_process_is_found_with_its_children_and_all_of_them_are_ended() {
        let folder = tempfile::tempdir().unwrap();
        let user = User::own().unwrap().unwrap();
        let mut child = tokio::process::Command::new("sh")
            .args(["-c", "env -i sleep 1000 & wait"])
            .env(MARK, folder.path())
            .spawn()
            .unwrap();
        while of_build(folder.path(), &user).len() < 2 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        end_all(folder.path(), &user).await;
        assert!(of_build(folder.path(), &user).is_empty());
        assert!(!child.wait().await.unwrap().success());
    }
}
