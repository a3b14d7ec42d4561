//! What people read of a run where there is no terminal.

use std::sync::Arc;

use super::*;
use crate::core::ids::JobId;

/// A place that keeps what is written to it.
#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("nobody panics here").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn finished(source: &str, state: &str, reused: bool, reason: Option<&str>) -> Event {
    Event::JobFinished {
        stage: "base".into(),
        job: JobId(1),
        source: source.into(),
        version: "1.2".into(),
        arch: "amd64".into(),
        state: state.into(),
        reused,
        seconds: if reused { 0 } else { 65 },
        reason: reason.map(Into::into),
        log: Some("/s/logs/j1-1.log".into()),
        tail: vec!["make: *** [test] Error 2".into(), "\x1b[31mfailed".into()],
    }
}

fn events() -> Vec<Event> {
    let started = Event::JobStarted {
        stage: "base".into(),
        job: JobId(1),
        source: "hello".into(),
        version: "2.10-3".into(),
        arch: "amd64".into(),
        builder: "here".into(),
    };
    let published = |unchanged| Event::Published {
        path: "/s/archive".into(),
        suite: "trixie".into(),
        sources: 1,
        packages: 2,
        unchanged,
    };
    vec![
        Event::Working { step: "import".into(), what: "reading /etc/apt".into() },
        Event::Progress { step: "import".into(), done: 5, total: 10 },
        Event::Note { text: "deb.example.org has no source index".into() },
        Event::StageStarted { stage: "base".into(), jobs: 3, done: 1 },
        started,
        finished("hello", "installed", false, None),
        finished("again", "installed", true, None),
        finished("foo", "build-attempted", false, Some("build: dh_auto_test exit 2")),
        finished("bar", "bd-uninstallable", false, Some("libbaz-dev is not there")),
        finished("baz", "needs-build", false, Some("stopped")),
        Event::StageFinished { stage: "base".into(), installed: 2, failed: 2 },
        published(false),
        published(true),
        Event::Proved { line: "hello 2.10-3 was installed by apt".into() },
    ]
}

fn shown(at_most: Volume) -> String {
    let kept = Kept::default();
    let plain = Plain::new(Box::new(kept.clone()), at_most);
    events().iter().for_each(|event| plain.hear(event));
    let bytes = kept.0.lock().expect("nobody panics here").clone();
    String::from_utf8(bytes).expect("text")
}

#[test]
fn each_event_is_a_line_and_a_failure_brings_its_log() {
    insta::assert_snapshot!(shown(Volume::Normal), @r"
    import: reading /etc/apt
    note: deb.example.org has no source index
    stage base: 3 jobs, 1 of them done before
    building  hello 2.10-3 (amd64) on here
    installed  hello 1.2 (amd64) in 1 min 5 s
    installed  again 1.2 (amd64): built before from the same inputs
    failed  foo 1.2 (amd64): build: dh_auto_test exit 2
        | make: *** [test] Error 2
        | �[31mfailed
        log: /s/logs/j1-1.log
    bd-uninstallable  bar 1.2 (amd64): libbaz-dev is not there
        | make: *** [test] Error 2
        | �[31mfailed
        log: /s/logs/j1-1.log
    needs-build  baz 1.2 (amd64): stopped
    stage base: done, 2 installed, 2 failed
    published  /s/archive suite trixie: 1 source package, 2 binary packages
    unchanged  /s/archive suite trixie: 1 source package, 2 binary packages
    proved  hello 2.10-3 was installed by apt
    ");
}

#[test]
fn quiet_shows_what_failed_and_nothing_else() {
    insta::assert_snapshot!(shown(Volume::Quiet), @r"
    failed  foo 1.2 (amd64): build: dh_auto_test exit 2
        | make: *** [test] Error 2
        | �[31mfailed
        log: /s/logs/j1-1.log
    bd-uninstallable  bar 1.2 (amd64): libbaz-dev is not there
        | make: *** [test] Error 2
        | �[31mfailed
        log: /s/logs/j1-1.log
    ");
}
