//! APT's configuration, as `apt-config dump` prints it.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::core::debian::release::is_yes;
use crate::core::import::DateRules;
use crate::io::clock;

/// `apt-config` prints at once, or something is wrong with it.
const DEADLINE: Duration = Duration::from_secs(10);

/// Where apt reads its configuration when nobody says anything else.
const USUAL_ROOT: &str = "/etc/apt";

/// The options that matter here.
#[derive(Debug, Clone, Default)]
pub(super) struct AptConfig {
    /// Names in lower case, in the order of the dump; a later one overrides an earlier one.
    options: Vec<(String, String)>,
    /// The environment's `http_proxy`, `https_proxy`, `no_proxy`, which count after the configuration.
    environment: Environment,
}

/// Proxies of the environment.
#[derive(Debug, Clone, Default)]
struct Environment {
    http: Option<String>,
    https: Option<String>,
    none_for: Vec<String>,
}

/// Which proxy for which host.
#[derive(Debug, Clone, Default)]
pub(super) struct Proxies {
    config: AptConfig,
}

impl AptConfig {
    /// Runs `apt-config dump`; a machine without it has no configuration.
    pub(super) fn of_machine(apt_root: &Path) -> AptConfig {
        let mut config = AptConfig::parse(&dump(apt_root).unwrap_or_default());
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        config.environment = Environment {
            http: variable("http_proxy"),
            https: variable("https_proxy"),
            none_for: variable("no_proxy").unwrap_or_default().split(',').map(|one| one.trim().to_owned()).collect(),
        };
        config
    }

    /// Reads lines such as `Acquire::Check-Date "false";`.
    pub(super) fn parse(dump: &str) -> AptConfig {
        let option = |line: &str| {
            let (name, value) = line.trim().strip_suffix("\";")?.split_once(" \"")?;
            Some((name.to_ascii_lowercase(), value.to_owned()))
        };
        AptConfig { options: dump.lines().filter_map(option).collect(), environment: Environment::default() }
    }

    /// The value of an option, unless it is empty.
    fn get(&self, name: &str) -> Option<&str> {
        let name = name.to_ascii_lowercase();
        let found = self.options.iter().rev().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The rules for dates of an archive with that Label.
    pub(super) fn date_rules(&self, label: &str) -> DateRules {
        let usual = DateRules::default();
        let flag = |name: &str, usual: bool| self.get(name).map_or(usual, is_yes);
        let seconds = |name: &str, usual: i64| {
            let own = if label.is_empty() { None } else { self.get(&format!("{name}::{label}")) };
            own.or_else(|| self.get(name)).and_then(|value| value.parse().ok()).unwrap_or(usual)
        };
        DateRules {
            check_date: flag("Acquire::Check-Date", usual.check_date),
            check_valid_until: flag("Acquire::Check-Valid-Until", usual.check_valid_until),
            max_future: seconds("Acquire::Max-FutureTime", usual.max_future),
            min_valid: seconds("Acquire::Min-ValidTime", usual.min_valid),
            max_valid: seconds("Acquire::Max-ValidTime", usual.max_valid),
        }
    }

    /// The proxies.
    pub(super) fn proxies(&self) -> Proxies {
        Proxies { config: self.clone() }
    }
}

impl Proxies {
    /// The proxy for a host; `None`: go there directly.
    pub(super) fn for_host(&self, scheme: &str, host: &str) -> Option<String> {
        let config = &self.config;
        let proxy = config
            .get(&format!("Acquire::{scheme}::Proxy::{host}"))
            .or_else(|| config.get(&format!("Acquire::{scheme}::Proxy")))
            // apt uses the proxy for http for https, too, when that has none of its own.
            .or_else(|| (scheme == "https").then(|| config.get("Acquire::http::Proxy")).flatten());
        match proxy {
            Some("DIRECT") => None,
            Some(proxy) => Some(proxy.to_owned()),
            None if self.is_direct_by_environment(host) => None,
            None if scheme == "https" => config.environment.https.clone(),
            None => config.environment.http.clone(),
        }
    }

    /// Whether `no_proxy` names the host or its domain.
    fn is_direct_by_environment(&self, host: &str) -> bool {
        self.config.environment.none_for.iter().filter(|domain| !domain.is_empty()).any(|domain| {
            let domain = domain.trim_start_matches('.');
            domain == "*" || host == domain || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
        })
    }
}

/// What `apt-config dump` prints; `None` when there is none, or it does not work.
fn dump(apt_root: &Path) -> Option<String> {
    // A file takes any amount of output, so that nobody waits for anybody.
    let mut output = tempfile::tempfile().ok()?;
    let mut command = Command::new("apt-config");
    // Another root than the usual one has an apt.conf.d of its own, and apt decides which to read before it looks at
    // `-o`: only the file that the variable names comes earlier.
    let mut first = tempfile::NamedTempFile::new().ok()?;
    if apt_root != Path::new(USUAL_ROOT) {
        writeln!(first, "Dir::Etc \"{}\";", apt_root.display()).ok()?;
        command.env("APT_CONFIG", first.path());
    }
    let mut child =
        command.arg("dump").stdin(Stdio::null()).stdout(output.try_clone().ok()?).stderr(Stdio::null()).spawn().ok()?;
    let begun = clock::instant();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => break,
            Ok(None) if begun.elapsed() < DEADLINE => std::thread::sleep(Duration::from_millis(2)),
            Ok(_) | Err(_) => {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
        }
    }
    let mut text = String::new();
    std::io::Seek::rewind(&mut output).ok()?;
    output.read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_root_has_its_own_configuration_and_none_of_the_machines() {
        let root = tempfile::tempdir().unwrap();
        let parts = root.path().join("apt.conf.d");
        std::fs::create_dir(&parts).unwrap();
        std::fs::write(parts.join("1mine"), "Acquire::Max-ValidTime \"77\";\n").unwrap();
        let config = AptConfig::of_machine(root.path());
        assert_eq!(config.date_rules("").max_valid, 77);
        assert_eq!(config.get("Dir::Etc"), root.path().to_str());
        std::fs::remove_file(parts.join("1mine")).unwrap();
        assert_eq!(AptConfig::of_machine(root.path()).date_rules(""), DateRules::default());
    }

    #[test]
    fn the_last_value_of_an_option_counts_and_labels_have_their_own() {
        let config = AptConfig::parse(
            "Acquire \"\";\nAcquire::Check-Date \"true\";\nacquire::check-date \"false\";\n\
             Acquire::Max-ValidTime \"100\";\nAcquire::Max-ValidTime::Debian \"7\";\n",
        );
        let rules = config.date_rules("Debian");
        assert_eq!((rules.check_date, rules.max_valid, rules.max_future), (false, 7, 10));
        assert_eq!(config.date_rules("Other").max_valid, 100);
    }

    #[test]
    fn a_host_can_have_a_proxy_of_its_own_or_none() {
        let mut config = AptConfig::parse(
            "Acquire::http::Proxy \"http://proxy.example.org:3142\";\n\
             Acquire::http::Proxy::near.example.org \"DIRECT\";\n",
        );
        let proxies = config.proxies();
        let proxy = Some("http://proxy.example.org:3142".to_owned());
        assert_eq!(proxies.for_host("http", "far.example.org"), proxy);
        assert_eq!(proxies.for_host("https", "far.example.org"), proxy);
        assert_eq!(proxies.for_host("http", "near.example.org"), None);
        config.options.clear();
        config.environment =
            Environment { http: proxy.clone(), https: None, none_for: vec![".example.net".to_owned()] };
        let proxies = config.proxies();
        assert_eq!(proxies.for_host("http", "far.example.org"), proxy);
        assert_eq!(proxies.for_host("http", "far.example.net"), None);
        assert_eq!(proxies.for_host("https", "far.example.org"), None);
    }

    #[test]
    fn the_machines_own_configuration_can_be_dumped() {
        let text = dump(Path::new("/etc/apt"));
        assert!(text.is_none_or(|text| text.contains("APT::Architecture ")));
    }
}
