//! Answers that are kept: what a hook answered once, it answers again when its run is gone on with.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use serde_json::Value as Json;

use super::{Decide, Hook};
use crate::core::ids::{RunId, Sha256};
use crate::io::clock;
use crate::io::state::State;
use crate::io::state::hook_answers::{self, HookAnswer};

/// From so many questions on, all earlier answers are read at once.
const MANY: usize = 50;

/// Answers from the state, or else asks and writes the answer down.
pub struct Remembered {
    inner: Arc<dyn Decide>,
    state: State,
    run: RunId,
}

impl Remembered {
    /// Over who decides, for one run.
    pub fn new(inner: Arc<dyn Decide>, state: State, run: RunId) -> Remembered {
        Remembered { inner, state, run }
    }

    /// What was answered before, one for each subject.
    fn known(&self, hook: Hook, subjects: &[Sha256]) -> anyhow::Result<Vec<Option<Json>>> {
        let run = self.run;
        Ok(self.state.read(|db| {
            if subjects.len() < MANY {
                let one = |subject: &Sha256| hook_answers::get(db, run, hook.text(), *subject);
                return subjects.iter().map(|subject| Ok(one(subject)?.map(|known| known.answer))).collect();
            }
            let mut all: HashMap<Sha256, Json> = hook_answers::by_hook(db, run, hook.text())?;
            let mut seen: HashMap<Sha256, Json> = HashMap::new();
            let mut take = |subject: &Sha256| {
                let known = all.remove(subject).or_else(|| seen.get(subject).cloned());
                known.inspect(|answer| drop(seen.insert(*subject, answer.clone())))
            };
            Ok(subjects.iter().map(&mut take).collect())
        })?)
    }
}

/// What names a subject in the state.
pub fn hash(subject: &Json) -> anyhow::Result<Sha256> {
    Ok(Sha256::of(&serde_json::to_vec(subject).context("write a hook's subject as JSON")?))
}

/// The source package that a subject is about.
fn source(subject: &Json) -> Option<String> {
    let named = subject.pointer("/source/name").or_else(|| subject.pointer("/job/source"));
    Some(named?.as_str()?.to_owned())
}

impl Decide for Remembered {
    fn has(&self, hook: Hook) -> bool {
        self.inner.has(hook)
    }

    fn decide(&self, hook: Hook, subject: &Json) -> anyhow::Result<Option<Json>> {
        Ok(self.decide_all(hook, std::slice::from_ref(subject))?.pop().flatten())
    }

    fn decide_all(&self, hook: Hook, subjects: &[Json]) -> anyhow::Result<Vec<Option<Json>>> {
        if !self.has(hook) {
            return Ok(vec![None; subjects.len()]);
        }
        let hashes = subjects.iter().map(hash).collect::<anyhow::Result<Vec<Sha256>>>()?;
        let mut answers = self.known(hook, &hashes)?;
        let open: Vec<usize> = (0..subjects.len()).filter(|at| answers[*at].is_none()).collect();
        if !open.is_empty() {
            let asked: Vec<Json> = open.iter().map(|at| subjects[*at].clone()).collect();
            let place = self.inner.place(hook);
            let now = clock::now().as_millisecond();
            let mut new = Vec::with_capacity(open.len());
            for (at, answer) in open.into_iter().zip(self.inner.decide_all(hook, &asked)?) {
                let answer = answer.unwrap_or(Json::Null);
                new.push(HookAnswer {
                    hook: hook.text().to_owned(),
                    subject: hashes[at],
                    source: source(&subjects[at]),
                    answer: answer.clone(),
                    place: place.clone(),
                    heeded: false,
                    at: now,
                });
                answers[at] = Some(answer);
            }
            let run = self.run;
            self.state.write(move |tx| hook_answers::record(tx, run, &new))?;
        }
        Ok(answers.into_iter().map(|answer| answer.filter(|answer| !answer.is_null())).collect())
    }

    fn place(&self, hook: Hook) -> Option<String> {
        self.inner.place(hook)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::atomic::{AtomicU32, Ordering};

    use serde_json::json;

    use super::*;
    use crate::io::state::runs;

    /// Counts how often it was asked, and answers another number each time; nothing about `zlib`.
    #[derive(Default)]
    struct Counting(AtomicU32);

    impl Decide for Counting {
        fn has(&self, hook: Hook) -> bool {
            hook == Hook::ChooseFlags
        }

        fn decide(&self, _: Hook, subject: &Json) -> anyhow::Result<Option<Json>> {
            let asked = self.0.fetch_add(1, Ordering::Relaxed);
            Ok((source(subject).as_deref() != Some("zlib")).then(|| json!({ "asked": asked })))
        }

        fn place(&self, _: Hook) -> Option<String> {
            Some("x.lua:3".to_owned())
        }
    }

    #[test]
    fn an_answer_is_repeated_after_a_restart_and_in_no_other_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let state = State::open(dir.path()).expect("a state");
        let (recipe_hash, files) = (Sha256::of(b"r"), BTreeMap::new());
        let new = runs::NewRun { recipe_hash, files, arguments: json!({}), plan: None };
        let start = move |tx: &crate::io::state::Tx| runs::start(tx, &new, 1);
        let (first, second) = (state.write(start.clone()).expect("a run"), state.write(start).expect("a run"));
        let subjects: Vec<Json> =
            ["hello", "zlib", "hello"].iter().map(|name| json!({ "source": { "name": name } })).collect();
        let counting = Arc::new(Counting::default());
        let ask = |run, subjects: &[Json]| {
            let hooks = Remembered::new(Arc::clone(&counting) as Arc<dyn Decide>, state.clone(), run);
            hooks.decide_all(Hook::ChooseFlags, subjects).expect("it answers")
        };
        let answers = ask(first, &subjects[..2]);
        assert_eq!(answers, [Some(json!({ "asked": 0 })), None]);
        assert_eq!(ask(first, &subjects), [answers[0].clone(), None, answers[0].clone()]);
        let many = vec![subjects[0].clone(); 2 * MANY];
        assert!(ask(first, &many).iter().all(|answer| *answer == answers[0]));
        assert_eq!(counting.0.load(Ordering::Relaxed), 2, "no opinion is remembered, too");
        assert_eq!(ask(second, &subjects[..1]), [Some(json!({ "asked": 2 }))]);
        let kept = state.read(|db| hook_answers::by_source(db, first, "hello")).expect("rows");
        assert_eq!((kept.len(), kept[0].place.as_deref()), (1, Some("x.lua:3")));
    }
}
