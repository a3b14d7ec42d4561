//! Architectures, wildcards and build profiles, as dpkg defines them (dpkg-architecture(1), Policy 11.1).

use crate::core::debian::control::words;

/// A Debian architecture as dpkg's tuple table has it: ABI, libc, kernel, CPU.
fn tuple(architecture: &str) -> Option<[&str; 4]> {
    // The table of /usr/share/dpkg/tupletable for the names that are not plain `gnu linux CPU`.
    let special = match architecture {
        "armel" => Some(["eabi", "gnu", "linux", "arm"]),
        "armhf" => Some(["eabihf", "gnu", "linux", "arm"]),
        "arm" => Some(["base", "gnu", "linux", "arm"]),
        "x32" => Some(["x32", "gnu", "linux", "amd64"]),
        "powerpcspe" => Some(["spe", "gnu", "linux", "powerpc"]),
        "mipsn32" | "mipsn32el" | "mipsn32r6" | "mipsn32r6el" => Some(["abin32", "gnu", "linux", "mips"]),
        "mips64" | "mips64el" | "mips64r6" | "mips64r6el" => Some(["abi64", "gnu", "linux", architecture]),
        "arm64ilp32" => Some(["ilp32", "gnu", "linux", "arm64"]),
        _ => None,
    };
    if special.is_some() {
        return special;
    }
    match architecture.split_once('-') {
        None => Some(["base", "gnu", "linux", architecture]),
        Some(("kfreebsd", cpu)) => Some(["base", "gnu", "kfreebsd", cpu]),
        Some(("hurd", cpu)) => Some(["base", "gnu", "hurd", cpu]),
        Some(("knetbsd", cpu)) => Some(["base", "gnu", "knetbsd", cpu]),
        Some(("kopensolaris", cpu)) => Some(["base", "gnu", "kopensolaris", cpu]),
        Some(("musl", rest)) => match rest.strip_prefix("linux-") {
            Some("armhf") => Some(["eabihf", "musl", "linux", "arm"]),
            Some(cpu) => Some(["base", "musl", "linux", cpu]),
            None => None,
        },
        Some(("uclibc", rest)) => match rest.strip_prefix("linux-") {
            Some("armel") => Some(["eabi", "uclibc", "linux", "arm"]),
            Some(cpu) => Some(["base", "uclibc", "linux", cpu]),
            None => None,
        },
        Some((kernel, cpu)) => Some(["base", "base", kernel, cpu]),
    }
}

/// Whether `architecture` (a real one, or `all`) is meant by `wildcard` (`any`, `linux-any`, `any-arm`, or a name).
pub fn matches(wildcard: &str, architecture: &str) -> bool {
    if wildcard == architecture {
        return true;
    }
    if architecture == "all" {
        return false;
    }
    let parts: Vec<&str> = wildcard.split('-').collect();
    if !parts.contains(&"any") {
        return false;
    }
    let Some(of) = tuple(architecture) else { return false };
    let full: [&str; 4] = match *parts.as_slice() {
        ["any"] => ["any", "any", "any", "any"],
        [kernel, cpu] => ["any", "any", kernel, cpu],
        [libc, kernel, cpu] => ["any", libc, kernel, cpu],
        [abi, libc, kernel, cpu] => [abi, libc, kernel, cpu],
        _ => return false,
    };
    full.iter().zip(of).all(|(want, is)| *want == "any" || *want == is)
}

/// Whether a list as in `[linux-any !armel]` holds for `architecture`; an empty list holds for all.
pub fn list_holds(list: &[u8], architecture: &str) -> bool {
    let mut negated = false;
    let mut empty = true;
    for word in words(list) {
        empty = false;
        let (no, name) = word.strip_prefix(b"!").map_or((false, word), |name| (true, name));
        negated |= no;
        if std::str::from_utf8(name).is_ok_and(|name| matches(name, architecture)) {
            return !no;
        }
    }
    empty || negated
}

/// Whether an `Architecture:` field of a source or binary includes `architecture`.
pub fn field_includes(field: &[u8], architecture: &str) -> bool {
    words(field).any(|word| std::str::from_utf8(word).is_ok_and(|word| matches(word, architecture)))
}

/// Whether restriction formulas as in `<!nocheck> <cross !stage1>` hold: one of the lists must hold in full.
pub fn profiles_hold(formulas: &[u8], active: &[&str]) -> bool {
    let mut lists = formulas.split(|&byte| byte == b'>').filter_map(|list| {
        let start = memchr::memchr(b'<', list)?;
        Some(&list[start + 1..])
    });
    let holds = |list: &[u8]| {
        words(list).all(|word| match word.strip_prefix(b"!") {
            Some(name) => !active.iter().any(|profile| profile.as_bytes() == name),
            None => active.iter().any(|profile| profile.as_bytes() == word),
        })
    };
    let mut none = true;
    lists.any(|list| {
        none = false;
        holds(list)
    }) || none
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_dpkg_architecture_says() {
        // The answers of `dpkg-architecture -a ARCH -i WILDCARD`.
        for (architecture, wildcard, answer) in [
            ("amd64", "any", true),
            ("amd64", "linux-any", true),
            ("amd64", "any-amd64", true),
            ("amd64", "gnu-any-any", true),
            ("amd64", "hurd-any", false),
            ("armel", "any-arm", true),
            ("armhf", "any-arm", true),
            ("armhf", "eabihf-any-any-any", true),
            ("armel", "eabihf-any-any-any", false),
            ("hurd-i386", "any-i386", true),
            ("hurd-i386", "linux-any", false),
            ("kfreebsd-amd64", "kfreebsd-any", true),
            ("musl-linux-arm64", "musl-any-any", true),
            ("amd64", "i386", false),
        ] {
            assert_eq!(matches(wildcard, architecture), answer, "{wildcard} for {architecture}");
        }
        assert!(!matches("any", "all"));
        assert!(matches("all", "all"));
    }

    #[test]
    fn a_list_of_negations_holds_for_all_others() {
        assert!(list_holds(b"!armel !armhf", "amd64"));
        assert!(!list_holds(b"!armel !armhf", "armhf"));
        assert!(list_holds(b"linux-any", "amd64"));
        assert!(!list_holds(b"hurd-any i386", "amd64"));
        assert!(list_holds(b"", "amd64"));
    }

    #[test]
    fn one_of_the_profile_lists_must_hold() {
        assert!(profiles_hold(b"", &[]));
        assert!(profiles_hold(b"<!nocheck>", &[]));
        assert!(!profiles_hold(b"<!nocheck>", &["nocheck"]));
        assert!(!profiles_hold(b"<cross>", &[]));
        assert!(profiles_hold(b"<!nocheck> <cross>", &["nocheck", "cross"]));
        assert!(!profiles_hold(b"<!nocheck !stage1>", &["stage1"]));
    }
}
