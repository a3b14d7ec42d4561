//! The unprivileged user that builds run as, and the ids that it may map.

use std::path::PathBuf;

use super::{Check, HostSettings, Need, RANGE};

/// The name of the user that `cloudbuild setup` makes where root runs builds.
pub const BUILD_USER: &str = "cloudbuild";

/// A range of subordinate ids: the first one, and how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdRange {
    /// The first id; it is root's in the chroot.
    pub first: u32,
    /// How many.
    pub count: u32,
}

/// A user and what it may map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Login name.
    pub name: String,
    /// User id.
    pub uid: u32,
    /// Primary group id.
    pub gid: u32,
    /// Home folder, as the password file says it.
    pub home: PathBuf,
    /// From `/etc/subuid`.
    pub subuid: Option<IdRange>,
    /// From `/etc/subgid`.
    pub subgid: Option<IdRange>,
}

impl User {
    /// The user of that name; `Ok(None)` when there is none.
    pub fn named(name: &str) -> std::io::Result<Option<User>> {
        let passwd = std::fs::read_to_string("/etc/passwd")?;
        let subuid = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
        let subgid = std::fs::read_to_string("/etc/subgid").unwrap_or_default();
        Ok(find(&passwd, &subuid, &subgid, |field, _| field == name))
    }

    /// The user who runs this process; `Ok(None)` when the password file does not know it.
    pub fn own() -> std::io::Result<Option<User>> {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = std::fs::read_to_string("/etc/passwd")?;
        let subuid = std::fs::read_to_string("/etc/subuid").unwrap_or_default();
        let subgid = std::fs::read_to_string("/etc/subgid").unwrap_or_default();
        Ok(find(&passwd, &subuid, &subgid, |_, id| id == uid))
    }

    /// Who builds: the user of that name, where the settings give one; the one that setup makes where this is root; else
    /// the user who runs this process.
    pub fn builder(name: Option<&str>) -> std::io::Result<Option<User>> {
        match (name, is_root()) {
            (Some(name), _) => User::named(name),
            (None, true) => User::named(BUILD_USER),
            (None, false) => User::own(),
        }
    }

    /// Whether `uid` is this user's own or one that it maps.
    pub fn owns(&self, uid: u32) -> bool {
        let mapped = self.subuid.is_some_and(|range| uid >= range.first && uid - range.first < range.count);
        uid == self.uid || mapped
    }
}

/// Whether this process may become another user.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The build user and its ranges, as lines of `cloudbuild doctor`.
pub(super) fn check(settings: &HostSettings, user: Option<&User>) -> Vec<Check> {
    let (name, wanted) = ("build user", settings.user_name());
    let Some(user) = user else {
        let found = format!("there is no user `{wanted}`");
        return vec![Check::bad(name, found, "run `cloudbuild setup` as root", Some(Need::User))];
    };
    if user.uid == 0 {
        let fix = "name an ordinary user with --build-user, or let `cloudbuild setup` make one";
        return vec![Check::bad(name, "builds do not run as root", fix, None)];
    }
    let mut checks = vec![Check::ok(name, format!("{} ({})", user.name, user.uid))];
    for (name, range) in [("/etc/subuid", user.subuid), ("/etc/subgid", user.subgid)] {
        let fix = format!("run `cloudbuild setup` as root, with --build-user {} if that is who builds", user.name);
        checks.push(match range {
            Some(range) if range.count >= RANGE => Check::ok(name, format!("{} from {}", range.count, range.first)),
            Some(range) => {
                let found = format!("`{}` has {} ids, expected {RANGE}", user.name, range.count);
                Check::bad(name, found, format!("enlarge its range in {name}"), None)
            }
            None => Check::bad(name, format!("`{}` has no range of ids", user.name), fix, Some(Need::Range)),
        });
    }
    checks
}

fn find(passwd: &str, subuid: &str, subgid: &str, wanted: impl Fn(&str, u32) -> bool) -> Option<User> {
    passwd.lines().find_map(|line| {
        let fields: Vec<&str> = line.split(':').collect();
        let (uid, gid) = (fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?);
        let name = *fields.first()?;
        wanted(name, uid).then(|| User {
            name: name.to_owned(),
            uid,
            gid,
            home: PathBuf::from(fields.get(5).copied().unwrap_or("/")),
            subuid: range(subuid, name),
            subgid: range(subgid, name),
        })
    })
}

/// The first range of a user: sbuild and mmdebstrap look at no other, and only by name.
fn range(table: &str, name: &str) -> Option<IdRange> {
    table.lines().find_map(|line| {
        let mut fields = line.trim().split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some(IdRange { first: fields.next()?.parse().ok()?, count: fields.next()?.parse().ok()? })
    })
}

/// The first id from which `count` ids are free in such a table, 100000 at least as useradd has it.
pub fn free_range(tables: &[&str], count: u32) -> u32 {
    let ends = tables.iter().flat_map(|table| table.lines()).filter_map(|line| {
        let mut fields = line.trim().split(':').skip(1);
        let first: u32 = fields.next()?.parse().ok()?;
        first.checked_add(fields.next()?.parse().ok()?)
    });
    let free = ends.max().unwrap_or(0).max(100_000);
    free.checked_add(count).map_or(100_000, |_| free)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_with_the_ranges_of_its_own_name_only() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nann:x:1000:1001::/home/ann:/bin/sh\n";
        let user = find(passwd, "annie:1:2\nann:100000:65536\n", "root:5:5\n", |name, _| name == "ann").unwrap();
        assert_eq!((user.uid, user.gid), (1000, 1001));
        assert_eq!(user.subuid, Some(IdRange { first: 100_000, count: 65_536 }));
        assert_eq!(user.subgid, None);
        assert!(user.owns(1000) && user.owns(165_535) && !user.owns(165_536) && !user.owns(0));
    }

    #[test]
    fn a_new_range_begins_after_every_other_one() {
        assert_eq!(free_range(&["", ""], 65_536), 100_000);
        assert_eq!(free_range(&["a:100000:65536\n", "a:165536:65536\nb:1:2\n"], 65_536), 231_072);
    }
}
