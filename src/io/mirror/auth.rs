//! Credentials for archives: `auth.conf`, `auth.conf.d/*` (netrc syntax) and URIs. Never shown, so no `Debug` of them.

use std::fmt;
use std::fs;
use std::path::Path;

use super::error::MirrorError;

/// Who may log in where.
#[derive(Clone, Default)]
pub(super) struct Credentials {
    machines: Vec<Machine>,
}

/// One `machine ... login ... password ...`.
#[derive(Clone)]
struct Machine {
    /// `https` unless it was written with another one: credentials do not go over the wire in the clear by accident.
    scheme: String,
    /// Host, or host and port.
    host: String,
    /// Path prefix, empty for the whole host.
    path: String,
    login: String,
    password: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({} machines)", self.machines.len())
    }
}

impl Credentials {
    /// Reads them from APT's configuration; files that are not there have none.
    pub(super) fn read(apt_root: &Path) -> Result<Credentials, MirrorError> {
        let mut files = vec![apt_root.join("auth.conf")];
        if let Ok(folder) = fs::read_dir(apt_root.join("auth.conf.d")) {
            let mut parts: Vec<_> = folder.flatten().map(|entry| entry.path()).collect();
            parts.retain(|path| path.extension().is_none_or(|extension| extension == "conf") && path.is_file());
            parts.sort();
            files.extend(parts);
        }
        let mut credentials = Credentials::default();
        for path in files {
            match fs::read_to_string(&path) {
                Ok(text) => credentials.add(&text),
                // Who may not read them (they are root's) has none; the archive then says 401, with a hint.
                Err(error)
                    if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied) => {}
                Err(source) => return Err(MirrorError::Read { path, source }),
            }
        }
        Ok(credentials)
    }

    /// Adds what a netrc text says.
    fn add(&mut self, text: &str) {
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
        let mut words = lines.flat_map(str::split_ascii_whitespace);
        let mut machine: Option<Machine> = None;
        while let Some(word) = words.next() {
            match (word, &mut machine) {
                ("machine", _) => {
                    self.machines.extend(machine.take());
                    machine = words.next().map(Machine::new);
                }
                ("login", Some(machine)) => machine.login = words.next().unwrap_or_default().to_owned(),
                ("password", Some(machine)) => machine.password = words.next().unwrap_or_default().to_owned(),
                (_, _) => {}
            }
        }
        self.machines.extend(machine);
    }

    /// Moves `login:password@` out of a URI.
    pub(super) fn take_from_uri(&mut self, uri: &mut String) {
        let Some((scheme, rest)) = uri.split_once("://") else { return };
        let (authority, path) = rest.split_once('/').map_or((rest, None), |(authority, path)| (authority, Some(path)));
        let Some((user, host)) = authority.rsplit_once('@') else { return };
        let (login, password) = user.split_once(':').unwrap_or((user, ""));
        let mut machine = Machine::new(&format!("{scheme}://{host}/{}", path.unwrap_or_default()));
        machine.login = decoded(login);
        machine.password = decoded(password);
        let bare = match path {
            Some(path) => format!("{scheme}://{host}/{path}"),
            None => format!("{scheme}://{host}"),
        };
        // The URI's own come before those of files, as for apt.
        self.machines.insert(0, machine);
        *uri = bare;
    }

    /// Login and password for a URL.
    pub(super) fn for_url(&self, url: &reqwest::Url) -> Option<(String, String)> {
        let host = url.host_str()?;
        let with_port = format!("{host}:{}", url.port_or_known_default()?);
        let fits = |machine: &&Machine| {
            machine.scheme == url.scheme()
                && (machine.host == host || machine.host == with_port)
                && url.path().starts_with(&machine.path)
        };
        self.machines.iter().find(fits).map(|machine| (machine.login.clone(), machine.password.clone()))
    }
}

impl Machine {
    /// Reads `[SCHEME://]HOST[:PORT][/PATH]`.
    fn new(word: &str) -> Machine {
        let (scheme, rest) = word.split_once("://").unwrap_or(("https", word));
        let (host, path) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
        Machine {
            scheme: scheme.to_owned(),
            host: host.to_owned(),
            path: path.to_owned(),
            login: String::new(),
            password: String::new(),
        }
    }
}

/// `%40` and the like of a URI in plain.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&plain).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(netrc: &str, url: &str) -> Option<(String, String)> {
        let mut credentials = Credentials::default();
        credentials.add(netrc);
        credentials.for_url(&url.parse().unwrap())
    }

    #[test]
    fn credentials_are_for_their_host_path_and_scheme_only() {
        let netrc = "# mine\nmachine deb.example.org/private\n login me\n password secret\n\
                     machine http://plain.example.org:8080 login you password word";
        let mine = Some(("me".to_owned(), "secret".to_owned()));
        assert_eq!(check(netrc, "https://deb.example.org/private/dists"), mine);
        assert_eq!(check(netrc, "https://deb.example.org/public"), None);
        assert_eq!(check(netrc, "http://deb.example.org/private"), None);
        assert_eq!(check(netrc, "https://evil.deb.example.org/private"), None);
        assert!(check(netrc, "http://plain.example.org:8080/x").is_some());
        assert_eq!(check(netrc, "http://plain.example.org/x"), None);
    }

    #[test]
    fn credentials_of_a_uri_are_taken_out_of_it_and_never_shown() {
        let mut credentials = Credentials::default();
        let mut uri = "http://me:se%40cret@deb.example.org:81/debian".to_owned();
        credentials.take_from_uri(&mut uri);
        assert_eq!(uri, "http://deb.example.org:81/debian");
        let found = credentials.for_url(&"http://deb.example.org:81/debian/dists/x".parse().unwrap());
        assert_eq!(found, Some(("me".to_owned(), "se@cret".to_owned())));
        assert!(!format!("{credentials:?}").contains("cret"));
    }
}
