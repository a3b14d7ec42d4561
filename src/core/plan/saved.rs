//! A plan that is kept in a file, to be done later exactly as it is; and what moved since it was made.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::core::ids::{ImportId, Sha256};
use crate::core::pinned::{Imported, PinnedSuite};
use crate::core::plan::Step;
use crate::core::recipe::{OrderRequest, Request, Response};

/// The form of these files; another one is refused.
pub const FORMAT: u32 = 1;

/// So many moved sources are named.
const SHOWN: usize = 20;

/// A plan, and all that it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedPlan {
    /// See [`FORMAT`].
    pub format: u32,
    /// The version of the program that made it.
    pub cloudbuild: String,
    /// The recipe.
    pub recipe: SavedRecipe,
    /// Its arguments, by name.
    pub arguments: BTreeMap<String, serde_json::Value>,
    /// What will be done, in the order of the recipe.
    pub steps: Vec<Step>,
    /// What was decided: each question of the recipe that a plan answers for real.
    pub decided: Vec<Decided>,
}

/// The recipe of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavedRecipe {
    /// Where it was, absolute.
    pub path: String,
    /// Of all of its files.
    pub hash: Sha256,
    /// Their texts, by name.
    pub files: BTreeMap<String, String>,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decided {
    /// What the recipe asked.
    pub request: Request,
    /// What was answered.
    pub response: Response,
}

impl SavedPlan {
    /// What was decided for a request. What depends on results that a plan cannot know is not in it.
    pub fn decided(&self, request: &Request) -> Option<&Response> {
        let known = match request {
            Request::Order(order) => !depends_on_results(order),
            Request::Import(_) | Request::Launch(_) | Request::Build(_) | Request::Publish(_) | Request::Compare(_) => {
                true
            }
        };
        let found = self.decided.iter().find(|decided| known && decided.request == *request);
        found.map(|decided| &decided.response)
    }

    /// What an import pinned.
    pub fn imported(&self, id: ImportId) -> Option<&Imported> {
        self.steps.iter().find_map(|step| match step {
            Step::Import { imported, .. } if imported.id() == id => Some(imported),
            Step::Import { .. }
            | Step::Order { .. }
            | Step::Launch { .. }
            | Step::Build { .. }
            | Step::Publish { .. }
            | Step::Compare { .. } => None,
        })
    }

    /// The versions of the sources of an import that would be built, by name.
    pub fn versions(&self, id: ImportId) -> BTreeMap<&str, &str> {
        let orders = self.decided.iter().filter_map(|decided| match &decided.response {
            Response::Order(order) if order.import == id => Some(order),
            Response::Order(_)
            | Response::Import(_)
            | Response::Launch(_)
            | Response::Build(_)
            | Response::Publish(_)
            | Response::Compare(_) => None,
        });
        orders.flat_map(|order| &order.jobs).map(|job| (job.source.as_str(), job.version.as_str())).collect()
    }
}

/// Whether an order asks for what changed while stages were built.
fn depends_on_results(order: &OrderRequest) -> bool {
    !order.packages.stages().is_empty()
}

/// What moved between two imports of the same sources: suites with their dates, then the planned sources whose version
/// is another one. `there` has the versions that are there now.
pub fn moved(
    planned: &Imported,
    now: &Imported,
    versions: &BTreeMap<&str, &str>,
    there: &HashMap<&str, &str>,
) -> Vec<String> {
    let mut moved = Vec::new();
    let same = |one: &PinnedSuite, other: &PinnedSuite| one.uri == other.uri && one.suite == other.suite;
    for suite in &planned.suites {
        let shown = format!("{} {}", suite.uri, suite.suite);
        match now.suites.iter().find(|other| same(suite, other)) {
            None => moved.push(format!("{shown}: is not among the sources any more")),
            Some(other) if other.release_sha256 != suite.release_sha256 => {
                moved.push(format!("{shown}: planned as of {}, now as of {}", date(suite), date(other)));
            }
            Some(other) if other.indexes != suite.indexes => moved.push(format!("{shown}: has other indexes")),
            Some(other) if other != suite => moved.push(format!("{shown}: is used in another way")),
            Some(_) => {}
        }
    }
    let new = now.suites.iter().filter(|suite| !planned.suites.iter().any(|other| same(suite, other)));
    moved.extend(new.map(|suite| format!("{} {}: is new among the sources", suite.uri, suite.suite)));
    if planned.architecture != now.architecture {
        moved.push(format!("planned for {}, now for {}", planned.architecture, now.architecture));
    }
    let other = versions.iter().filter_map(|(name, version)| match there.get(name) {
        Some(now) if now == version => None,
        Some(now) => Some(format!("source {name}: {version} was planned, {now} is there now")),
        None => Some(format!("source {name}: {version} was planned, and it is gone")),
    });
    let other: Vec<String> = other.collect();
    moved.extend(other.iter().take(SHOWN).cloned());
    if let Some(more) = other.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        moved.push(format!("and {more} more sources"));
    }
    moved
}

fn date(suite: &PinnedSuite) -> String {
    let date = suite.date.and_then(|seconds| jiff::Timestamp::from_second(seconds).ok());
    date.map_or_else(|| "no date".to_owned(), |date| date.strftime("%Y-%m-%d %H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::archive::tests::suite;
    use crate::core::pinned::Role;

    #[test]
    fn what_moved_is_listed_with_dates_and_versions() {
        let dated = |name: &str, at: i64| PinnedSuite {
            release_sha256: Sha256::of(&at.to_le_bytes()),
            date: Some(at),
            ..suite(name, Role::Distribution, false)
        };
        let imported = |suites| Imported { architecture: "amd64".to_owned(), suites, ..Imported::default() };
        let planned = imported(vec![dated("sid", 1_700_000_000), dated("same", 1), dated("gone", 1)]);
        let now = imported(vec![dated("sid", 1_700_100_000), dated("same", 1), dated("new", 1)]);
        let versions = [("hello", "2.10-3"), ("sed", "4"), ("zlib", "1")].into();
        let there = [("hello", "2.10-4"), ("zlib", "1")].into();
        let root = "http://deb.example.org/debian";
        assert_eq!(
            moved(&planned, &now, &versions, &there),
            [
                format!("{root} sid: planned as of 2023-11-14 22:13, now as of 2023-11-16 02:00"),
                format!("{root} gone: is not among the sources any more"),
                format!("{root} new: is new among the sources"),
                "source hello: 2.10-3 was planned, 2.10-4 is there now".to_owned(),
                "source sed: 4 was planned, and it is gone".to_owned(),
            ]
        );
        assert!(moved(&planned, &planned, &versions, &versions.clone().into_iter().collect()).is_empty());
    }
}
