//! What wanna-build would print.

use super::*;

const DAY: i64 = 86_400_000;

fn entry(package: &str, state: JobState) -> Entry {
    Entry {
        package: package.to_owned(),
        version: "1.2-3".to_owned(),
        arch: "amd64".to_owned(),
        distribution: "base".to_owned(),
        section: "libs".to_owned(),
        state,
        previous_state: None,
        changed_at: DAY,
        builder: None,
        reason: None,
        uncompiled: true,
        urgency: 0,
        priority: 60,
        build_seconds: 0,
        success_seconds: 0,
    }
}

fn entries() -> Vec<Entry> {
    let with = |entry: Entry, reason: &str| Entry { reason: Some(reason.to_owned()), ..entry };
    let failed = with(entry("brotli", JobState::Failed), "no such file\nhint: look");
    vec![
        entry("zlib", JobState::NeedsBuild),
        Entry { urgency: 50, uncompiled: false, ..entry("apt", JobState::NeedsBuild) },
        Entry {
            builder: Some("here".to_owned()),
            previous_state: Some(JobState::Failed),
            ..entry("dpkg", JobState::Building)
        },
        Entry { builder: Some("here".to_owned()), ..failed },
        with(entry("curl", JobState::DepWait), "libssl-dev (>= 3)"),
        with(entry("git", JobState::BdUninstallable), "`x-dev` is not there"),
    ]
}

#[test]
fn a_list_of_one_state_has_the_most_urgent_first() {
    insta::assert_snapshot!(list(&entries(), Some(JobState::NeedsBuild), None, 4 * DAY), @r"
    libs/apt_1.2-3 [optional:out-of-date:bp{50}:calprio{110}:days{3}]
    libs/zlib_1.2-3 [optional:uncompiled:calprio{60}:days{3}]
    Total 2 package(s)
    ");
}

#[test]
fn a_list_of_all_says_states_reasons_and_totals() {
    insta::assert_snapshot!(list(&entries(), None, None, DAY), @r"
    libs/apt_1.2-3: Needs-Build [optional:out-of-date:bp{50}:calprio{110}:days{0}]
    libs/brotli_1.2-3: Failed by here [optional:uncompiled:calprio{60}:days{0}]
      Reasons for failing:
    no such file
        hint: look
    libs/curl_1.2-3: Dep-Wait [optional:uncompiled:calprio{60}:days{0}]
      Dependencies: libssl-dev (>= 3)
    libs/dpkg_1.2-3: Building by here [optional:uncompiled:PREV-FAILED:calprio{60}:days{0}]
    libs/git_1.2-3: BD-Uninstallable [optional:uncompiled:calprio{60}:days{0}]
      Reasons for BD-Uninstallable:
        `x-dev` is not there
    libs/zlib_1.2-3: Needs-Build [optional:uncompiled:calprio{60}:days{0}]
    Total 1 package(s) in state BD-Uninstallable.
    Total 1 package(s) in state Building.
    Total 1 package(s) in state Dep-Wait.
    Total 1 package(s) in state Failed.
    Total 2 package(s) in state Needs-Build.
    Total 6 package(s)
    ");
}

/// The lines of a list in a format.
fn formatted(format: &str) -> Vec<String> {
    list(&entries(), None, Some(format), DAY + 3_723_000).lines().map(str::to_owned).collect()
}

#[test]
fn a_format_prints_letters_and_texts_that_depend_on_them() {
    let lines = formatted("wanna-build -A %a --give-back %p_%v");
    assert_eq!(lines[1], "wanna-build -A amd64 --give-back brotli_1.2-3");
    let lines = formatted("%p%{ by %u}u%{!, free}u %E %T %S %%");
    assert_eq!(lines[0], "apt, free 1 1:02:03 Needs-Build %");
    assert_eq!(lines[1], "brotli by here  1:02:03 Failed %");
    assert_eq!(lines[5], "zlib, free 2 1:02:03 Needs-Build %");
}

#[test]
fn a_format_that_is_cut_off_or_unknown_is_printed_as_it_is() {
    for format in ["%", "%y", "%{never closed", "%{Text}", "a%{!é}"] {
        let _ = formatted(format);
    }
    assert_eq!(formatted("%y %p %")[0], "%y apt %");
}

#[test]
fn info_names_the_fields_of_wanna_build_and_what_is_not_registered() {
    insta::assert_snapshot!(info(&entries(), "brotli", 4 * DAY), @r"
    brotli:
      Package             : brotli
      Version             : 1.2-3
      Builder             : here
      State               : Failed
      Section             : libs
      Priority            : optional
      State-Change        : 1970-01-02 00:00:00
      CalculatedPri       : 60
      Distribution        : base
      Failed              : 
        no such file
        hint: look
      Notes               : uncompiled
      State-Days          : 3
      State-Time          : 259200
    ");
    assert_eq!(info(&entries(), "nothing", 0), "nothing: not registered\n");
}
