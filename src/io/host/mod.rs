//! What the machine has: the build user, the programs, user namespaces, disk space; and how it gets what it lacks.
//!
//! **Invariant:** checks change nothing on the machine; only `setup` does.

pub mod user;

/// The Debian architecture of this machine.
pub async fn architecture() -> std::io::Result<String> {
    let output = tokio::process::Command::new("dpkg").arg("--print-architecture").output().await?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
