//! `cloudbuild doctor`: what this machine needs to build packages, and how to fix what is missing.

use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{Format, Output};
use super::{Context, site};
use crate::io::host;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What: `sbuild`, `build user`.
    pub name: String,
    /// Whether it is as it must be.
    pub ok: bool,
    /// What was found, in words.
    pub found: String,
    /// The command or the words that fix it; none where all is well.
    pub fix: Option<String>,
}

/// Checks this machine and shows the result.
pub fn doctor(ctx: &Context, arch: Option<&str>) -> anyhow::Result<Exit> {
    show(&ctx.output, &checks(ctx, arch)?)
}

/// The checks of this machine, which may have to build for another architecture.
pub fn checks(ctx: &Context, arch: Option<&str>) -> anyhow::Result<Vec<Check>> {
    let checks = site::runtime()?.block_on(host::check(&site::host(ctx, arch)));
    Ok(checks.into_iter().map(Check::from).collect())
}

impl From<host::Check> for Check {
    fn from(check: host::Check) -> Check {
        let host::Check { name, ok, found, fix, need: _ } = check;
        Check { name, ok, found, fix: (!fix.is_empty()).then_some(fix) }
    }
}

/// Shows checks; the exit code says whether all is well.
pub fn show(output: &Output, checks: &[Check]) -> anyhow::Result<Exit> {
    let all_ok = checks.iter().all(|check| check.ok);
    match output.format {
        Format::Json => output.document(&serde_json::json!({"ok": all_ok, "checks": checks}))?,
        Format::Text => output.print(&text(checks))?,
    }
    Ok(if all_ok { Exit::Done } else { Exit::Infrastructure })
}

/// Checks as lines, the fix below what it fixes, and the count last.
pub fn text(checks: &[Check]) -> String {
    let green = anstyle::AnsiColor::Green.on_default();
    let red = anstyle::AnsiColor::Red.on_default().bold();
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut lines = Vec::new();
    for Check { name, ok, found, fix } in checks {
        let mark = if *ok { format!("{green}ok     {green:#}") } else { format!("{red}missing{red:#}") };
        lines.push(format!("{mark}  {name:width$}  {found}").trim_end().to_owned());
        if let (false, Some(fix)) = (ok, fix) {
            lines.push(format!("         fix: {}", fix.replace('\n', "\n              ")));
        }
    }
    let missing = checks.iter().filter(|check| !check.ok).count();
    lines.push(match missing {
        0 => "this machine can build packages".to_owned(),
        1 => "1 thing is missing; `cloudbuild setup` installs what can be installed".to_owned(),
        _ => format!("{missing} things are missing; `cloudbuild setup` installs what can be installed"),
    });
    lines.join("\n")
}

/// The error of a command that needs what is missing: each thing with its fix.
pub fn missing(checks: &[Check]) -> Option<Failure> {
    let missing: Vec<&Check> = checks.iter().filter(|check| !check.ok).collect();
    if missing.is_empty() {
        return None;
    }
    let lines: Vec<String> = missing.iter().map(|check| format!("\n  {}: {}", check.name, check.found)).collect();
    let message = format!("this machine cannot build packages yet:{}", lines.concat());
    let hint = "run it again with `--setup` to install what is missing; `cloudbuild doctor` shows each fix";
    Some(Failure::new(Exit::Infrastructure, message).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks() -> Vec<Check> {
        let fine = Check { name: "sbuild".into(), ok: true, found: "0.85.0".into(), fix: None };
        let fix = Some("adduser --system cloudbuild\nusermod --add-subuids 1-2 cloudbuild".into());
        vec![fine, Check { name: "build user".into(), ok: false, found: "no user `cloudbuild`".into(), fix }]
    }

    #[test]
    fn each_thing_that_is_missing_has_its_fix_below_it() {
        let text = anstream::adapter::strip_str(&text(&checks())).to_string();
        let expected = "\
ok       sbuild      0.85.0
missing  build user  no user `cloudbuild`
         fix: adduser --system cloudbuild
              usermod --add-subuids 1-2 cloudbuild
1 thing is missing; `cloudbuild setup` installs what can be installed";
        assert_eq!(text, expected);
    }

    #[test]
    fn a_run_on_a_machine_that_lacks_something_says_what_and_what_to_do() {
        let failure = missing(&checks()).expect("something is missing");
        assert_eq!(failure.exit, Exit::Infrastructure);
        assert_eq!(failure.message, "this machine cannot build packages yet:\n  build user: no user `cloudbuild`");
        assert!(missing(&checks()[..1]).is_none());
    }
}
