//! Listings as wanna-build prints them, so that scripts that read those go on working.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use crate::core::job::JobState;

pub mod format;

/// One job, in wanna-build's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Source package name.
    pub package: String,
    /// Its version.
    pub version: String,
    /// A Debian architecture, or `all`.
    pub arch: String,
    /// The stage.
    pub distribution: String,
    /// `libs`, `contrib/net`; the component where nobody knows more.
    pub section: String,
    /// What it is at.
    pub state: JobState,
    /// What it was at before.
    pub previous_state: Option<JobState>,
    /// When its state changed, in milliseconds since 1970.
    pub changed_at: i64,
    /// Who has it, or had it last.
    pub builder: Option<String>,
    /// Why it is not as it should be.
    pub reason: Option<String>,
    /// Whether it was never built before here.
    pub uncompiled: bool,
    /// How urgent a person says it is.
    pub urgency: i64,
    /// Seconds of the longest chain of builds that begins with it.
    pub priority: u64,
    /// Seconds that its last build took, 0 where nobody knows.
    pub build_seconds: u64,
    /// Seconds that the last build took that succeeded.
    pub success_seconds: u64,
}

/// A state as wanna-build writes it.
pub fn state_word(state: JobState) -> &'static str {
    match state {
        JobState::NeedsBuild => "Needs-Build",
        JobState::Building => "Building",
        JobState::Built => "Built",
        JobState::Uploaded => "Uploaded",
        JobState::Installed => "Installed",
        JobState::DepWait => "Dep-Wait",
        JobState::BdUninstallable => "BD-Uninstallable",
        JobState::BuildAttempted => "Build-Attempted",
        JobState::Failed => "Failed",
        JobState::NotForUs => "Not-For-Us",
        JobState::AutoNotForUs => "Auto-Not-For-Us",
    }
}

impl Entry {
    /// What stands between brackets.
    fn notes(&self, now: i64) -> String {
        let mut text = format!("optional:{}", if self.uncompiled { "uncompiled" } else { "out-of-date" });
        if self.previous_state == Some(JobState::Failed) {
            text.push_str(":PREV-FAILED");
        }
        if self.urgency != 0 {
            let _ = write!(text, ":bp{{{}}}", self.urgency);
        }
        let _ = write!(text, ":calprio{{{}}}:days{{{}}}", self.calculated(), self.days(now));
        text
    }

    fn calculated(&self) -> i64 {
        i64::try_from(self.priority).unwrap_or(i64::MAX).saturating_add(self.urgency)
    }

    fn days(&self, now: i64) -> i64 {
        self.age(now) / 86_400
    }

    /// Seconds in its state.
    fn age(&self, now: i64) -> i64 {
        now.saturating_sub(self.changed_at).max(0) / 1000
    }

    fn changed(&self) -> String {
        let at = jiff::Timestamp::from_millisecond(self.changed_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    fn lines(&self) -> Vec<&str> {
        self.reason.as_deref().unwrap_or_default().lines().collect()
    }

    fn reason_in(&self, state: JobState) -> Option<&str> {
        self.reason.as_deref().filter(|_| self.state == state)
    }
}

/// What `--list` prints: the entries in the state that was asked for, `None` for `all`, the most urgent first.
pub fn list(entries: &[Entry], state: Option<JobState>, printed: Option<&str>, now: i64) -> String {
    let mut entries: Vec<&Entry> =
        entries.iter().filter(|entry| state.is_none_or(|state| state == entry.state)).collect();
    entries.sort_by(|one, other| {
        let by_priority = other.calculated().cmp(&one.calculated());
        by_priority
            .then_with(|| (&one.section, &one.package, &one.arch).cmp(&(&other.section, &other.package, &other.arch)))
    });
    let mut out = String::new();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for entry in &entries {
        let queued = counts.get(state_word(JobState::NeedsBuild)).copied().unwrap_or(0);
        match printed {
            Some(printed) => {
                out.push_str(&format::print(printed, entry, queued, now));
                out.push('\n');
            }
            None => plain(&mut out, entry, state.is_none(), now),
        }
        *counts.entry(state_word(entry.state)).or_insert(0) += 1;
    }
    if printed.is_none() {
        if state.is_none() {
            for (word, count) in &counts {
                let _ = writeln!(out, "Total {count} package(s) in state {word}.");
            }
        }
        let _ = writeln!(out, "Total {} package(s)", entries.len());
    }
    out
}

/// One entry without a format.
fn plain(out: &mut String, entry: &Entry, all: bool, now: i64) {
    let _ = write!(out, "{}/{}_{}", entry.section, entry.package, entry.version);
    if all {
        let _ = write!(out, ": {}", state_word(entry.state));
    }
    if let Some(builder) = entry.builder.as_ref().filter(|_| entry.state != JobState::NeedsBuild) {
        let _ = write!(out, " by {builder}");
    }
    let _ = writeln!(out, " [{}]", entry.notes(now));
    match entry.state {
        JobState::Failed => {
            let _ = writeln!(out, "  Reasons for failing:\n{}", entry.lines().join("\n    "));
        }
        JobState::DepWait => {
            let _ = writeln!(out, "  Dependencies: {}", entry.lines().join("\n    "));
        }
        JobState::BdUninstallable => {
            let _ = writeln!(out, "  Reasons for BD-Uninstallable:\n    {}", entry.lines().join("\n    "));
        }
        JobState::NeedsBuild
        | JobState::Building
        | JobState::Built
        | JobState::Uploaded
        | JobState::Installed
        | JobState::BuildAttempted
        | JobState::NotForUs
        | JobState::AutoNotForUs => {}
    }
}

/// What `--info` prints of a package: each of its entries, or that it is not registered.
pub fn info(entries: &[Entry], package: &str, now: i64) -> String {
    let mut out = String::new();
    let mut found: Vec<&Entry> = entries.iter().filter(|entry| entry.package == package).collect();
    found.sort_by_key(|entry| (&entry.distribution, &entry.arch));
    let several = found.len() > 1;
    if found.is_empty() {
        let _ = writeln!(out, "{package}: not registered");
    }
    for entry in found {
        let title =
            if several { format!("{package}({}/{})", entry.distribution, entry.arch) } else { package.to_owned() };
        let _ = writeln!(out, "{title}:");
        let number = |seconds: u64| (seconds > 0).then(|| seconds.to_string());
        let failed = entry.reason_in(JobState::Failed).map(|reason| format!("\n{reason}"));
        let urgency = (entry.urgency != 0).then(|| entry.urgency.to_string());
        let fields: [(&str, Option<String>); 18] = [
            ("Package", Some(entry.package.clone())),
            ("Version", Some(entry.version.clone())),
            ("Builder", entry.builder.clone()),
            ("State", Some(state_word(entry.state).to_owned())),
            ("Section", Some(entry.section.clone())),
            ("Priority", Some("optional".to_owned())),
            ("Installed-Version", (entry.state == JobState::Installed).then(|| entry.version.clone())),
            ("Previous-State", entry.previous_state.map(|state| state_word(state).to_owned())),
            ("State-Change", Some(entry.changed())),
            ("Build-time", number(entry.build_seconds)),
            ("BD-Problem", entry.reason_in(JobState::BdUninstallable).map(str::to_owned)),
            ("BuildPri", urgency),
            ("CalculatedPri", Some(entry.calculated().to_string())),
            ("Depends", entry.reason_in(JobState::DepWait).map(str::to_owned)),
            ("Distribution", Some(entry.distribution.clone())),
            ("Failed", failed),
            ("Notes", Some(if entry.uncompiled { "uncompiled" } else { "out-of-date" }.to_owned())),
            ("State-Days", Some(entry.days(now).to_string())),
        ];
        let last =
            [("State-Time", Some(entry.age(now).to_string())), ("Success-build-time", number(entry.success_seconds))];
        for (name, value) in fields.into_iter().chain(last) {
            if let Some(value) = value {
                let _ = writeln!(out, "  {name:<20}: {}", value.trim_end().replace('\n', "\n    "));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests;
