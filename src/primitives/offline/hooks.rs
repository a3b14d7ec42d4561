//! What a recipe's hooks say of a sample archive: whether they answer at all, and the same whatever they were asked
//! before.

use serde_json::{Value as Json, json};

use crate::core::archive;
use crate::core::recipe::Request;
use crate::core::recipe::findings::Asked;
use crate::core::rules::{Facts, Origins};
use crate::core::sample::{self, Sample};
use crate::primitives::hooks::{Decide, Hook};

/// Classes of failures that `on_failure` is asked about.
const CLASSES: &[&str] = &["compile-error", "test-failure", "out-of-memory", "disk-full", "timeout", "unknown"];

/// A log's end that no built-in rule knows.
const LOG: &str = "dh_auto_build\nmake[1]: *** [Makefile:12: all] Error 1\ndpkg-buildpackage: error: debian/rules binary \
                   subprocess returned exit status 2\n";

/// Asks each hook about all of a sample archive: `forth` in one order, `back` in another one. Answers what is wrong.
pub fn findings(forth: &dyn Decide, back: &dyn Decide, sample: &Sample, arch: &str, asked: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    for hook in Hook::ALL.into_iter().filter(|hook| forth.has(*hook)) {
        let subjects = subjects(hook, sample, arch, asked);
        let place = forth.place(hook).map(|place| format!(" ({place})")).unwrap_or_default();
        let answers: Vec<_> = subjects.iter().map(|subject| forth.decide(hook, subject)).collect();
        // Every second one from the end, then the others: nobody has the same one before.
        let last = subjects.len();
        let shuffled = (0..last).rev().step_by(2).chain((0..last.saturating_sub(1)).rev().step_by(2));
        for at in shuffled {
            let about = about(&subjects[at]);
            match (&answers[at], back.decide(hook, &subjects[at])) {
                (Err(error), _) => {
                    found.push(format!("`{hook}`{place} fails for {about}: {error:#}"));
                    break;
                }
                (Ok(_), Err(error)) => {
                    found.push(format!(
                        "`{hook}`{place} fails for {about} when it is asked in another order: {error:#}"
                    ));
                    break;
                }
                (Ok(one), Ok(other)) if *one != other => {
                    let (one, other) = (shown(one.as_ref()), shown(other.as_ref()));
                    found.push(format!(
                        "`{hook}`{place} answers {one} for {about}, and {other} when it is asked in another order"
                    ));
                    break;
                }
                (Ok(_), Ok(_)) => {}
            }
        }
    }
    found
}

fn shown(answer: Option<&Json>) -> String {
    answer.map_or_else(|| "nothing".to_owned(), Json::to_string)
}

/// What a subject is about, in few words.
fn about(subject: &Json) -> String {
    let class = subject["failure"]["class"].as_str().map(|class| format!(" and a failure `{class}`"));
    let name = subject["source"]["name"].as_str().or(subject["job"]["source"].as_str());
    match name.or(subject["stage"]["name"].as_str()) {
        Some(name) => format!("`{name}`{}", class.unwrap_or_default()),
        None => "what it is asked".to_owned(),
    }
}

/// What a hook is asked about.
fn subjects(hook: Hook, sample: &Sample, arch: &str, asked: &[Asked]) -> Vec<Json> {
    let sources = sources(sample, arch);
    let job = |source: &Json, attempt: u32| {
        json!({
            "source": source["name"], "version": source["version"], "arch": source["arch"], "attempt": attempt,
            "stage": "first", "seconds": 60,
        })
    };
    match hook {
        Hook::ChooseFlags => {
            let cells = cells(asked);
            let each = |cell: &Json| {
                let cell = cell.clone();
                sources.iter().map(move |source| json!({ "source": source, "cell": cell })).collect::<Vec<_>>()
            };
            cells.iter().flat_map(each).collect()
        }
        Hook::ChooseHow => sources.iter().map(|source| json!({ "source": source })).collect(),
        Hook::Classify => sources.iter().map(|source| json!({ "log": LOG, "job": job(source, 1) })).collect(),
        Hook::OnFailure => {
            let failure = |class: &str| json!({ "class": class, "note": "it did not build", "fault": "package", "stage": "build", "tail": LOG });
            let each = |(at, class): (usize, &&str)| {
                let source = &sources[at % sources.len()];
                [1, 2].map(|attempt| json!({ "job": job(source, attempt), "failure": failure(class) }))
            };
            CLASSES.iter().enumerate().flat_map(each).collect()
        }
        Hook::OnStageDone => {
            let stages = asked.iter().filter_map(|(request, _)| match request {
                Request::Build(build) => Some((build.stage.clone(), build.order.jobs.len())),
                Request::Import(_)
                | Request::Order(_)
                | Request::Launch(_)
                | Request::Publish(_)
                | Request::Compare(_) => None,
            });
            let each = |(name, jobs): (String, usize)| {
                [0, jobs].map(|failed| {
                    json!({ "stage": {
                    "name": name, "jobs": jobs, "installed": jobs - failed, "failed": failed,
                } })
                })
            };
            stages.flat_map(each).collect()
        }
    }
}

/// The cells that are built, by name.
fn cells(asked: &[Asked]) -> Vec<Json> {
    let mut cells: Vec<Json> = Vec::new();
    for (request, _) in asked {
        if let Request::Build(build) = request {
            let name = build.flags.cell.as_ref().map(|cell| cell.name.as_str()).unwrap_or_default();
            let cell = json!({ "name": name });
            if !cells.contains(&cell) {
                cells.push(cell);
            }
        }
    }
    cells
}

/// The sample's sources as hooks see them.
fn sources(sample: &Sample, arch: &str) -> Vec<Json> {
    let (imported, texts) = sample::written(sample, arch);
    let mut bytes = texts.iter().map(String::as_bytes);
    let Ok(indexes) = archive::with_bytes(&imported, |_| bytes.next().ok_or(())) else { return Vec::new() };
    let origins = Origins::default();
    let sources = archive::read(&indexes).sources;
    sources.iter().map(|record| Facts::new(record.source, record.component, arch, arch, &origins).subject()).collect()
}
