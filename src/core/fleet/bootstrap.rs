//! The user-data of a builder: a program that fetches this one from the control point and starts its daemon.
//!
//! It runs under cloud-init and on images that run nothing but user-data that begins with `#!`. It needs a POSIX shell,
//! and one of curl, wget, Python and Perl; Perl is essential on Debian.

use crate::core::ids::Sha256;

/// The most that EC2 takes, in bytes before base64.
pub const LIMIT: usize = 16 << 10;

/// What differs from one builder to the next.
#[derive(Debug, Clone)]
pub struct Bootstrap<'a> {
    /// The control point's URL, as an instance reaches it.
    pub url: &'a str,
    /// The builder's name.
    pub name: &'a str,
    /// Opens the control point for this builder.
    pub token: &'a str,
    /// The program that is fetched.
    pub program: Sha256,
    /// Builds at the same time.
    pub slots: u32,
    /// Seconds after which the machine ends, whatever it does.
    pub max_lifetime: u64,
    /// Whether the cloud announces the ends of its machines.
    pub notices: bool,
}

/// A user-data that is too large.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the user-data of a builder has {size} bytes, and EC2 takes {LIMIT}\nhint: a shorter URL of the control point helps"
)]
pub struct TooLarge {
    /// Its size.
    pub size: usize,
}

/// The program text. Nothing of it comes from a recipe.
pub fn user_data(of: &Bootstrap<'_>) -> Result<String, TooLarge> {
    let Bootstrap { url, name, token, program, slots, max_lifetime, notices } = of;
    let notices = if *notices { "--notices" } else { "" };
    let head = format!(
        "#!/bin/sh\nURL='{url}'\nNAME='{name}'\nTOKEN='{token}'\nSHA256='{program}'\nSLOTS='{slots}'\n\
         LIFETIME='{max_lifetime}'\nNOTICES='{notices}'\n"
    );
    let text = head + include_str!("bootstrap.sh");
    if text.len() > LIMIT { Err(TooLarge { size: text.len() }) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text() -> String {
        let program = Sha256::of(b"program");
        let of = Bootstrap {
            url: "http://10.0.0.1:7070",
            name: "cb-1234abcd-b1",
            token: "0123",
            program,
            slots: 2,
            max_lifetime: 3600,
            notices: true,
        };
        user_data(&of).unwrap()
    }

    #[test]
    fn it_is_a_program_and_small() {
        let text = text();
        assert!(text.starts_with("#!/bin/sh\n"));
        assert!(text.len() < LIMIT / 2, "{}", text.len());
        assert!(text.is_ascii());
    }

    #[test]
    fn it_says_which_bytes_it_runs() {
        assert!(text().contains(&format!("SHA256='{}'", Sha256::of(b"program"))));
        assert!(text().contains("sha256sum -c"));
    }
}
