//! What is odd about what a recipe asked, though each call by itself is right.

use crate::core::recipe::{Against, OrderResult, Request, Response};

/// A call and its answer; `None`: it was refused.
pub type Asked = (Request, Option<Response>);

/// What is odd about the calls of a recipe, in words.
pub fn findings(asked: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    if asked.is_empty() {
        found.push("`run` asks nothing of the primitives, so nothing will be done".to_owned());
    }
    found.extend(orders(asked));
    found.extend(stages(asked));
    found.extend(unused(asked));
    found
}

/// Orders that are empty, or that nothing builds.
fn orders(asked: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    let built = |order: &OrderResult| {
        asked.iter().any(|(request, _)| matches!(request, Request::Build(build) if build.order == *order))
    };
    let orders = asked.iter().filter_map(|(_, response)| match response {
        Some(Response::Order(order)) => Some(order),
        Some(
            Response::Import(_)
            | Response::Launch(_)
            | Response::Build(_)
            | Response::Publish(_)
            | Response::Compare(_),
        )
        | None => None,
    });
    for (number, order) in (1..).zip(orders) {
        if !built(order) {
            found.push(format!("what `cb.order` gives the {} time is never built", ordinal(number)));
        }
    }
    found
}

/// Stages that build nothing, or whose packages nobody sees.
fn stages(asked: &[Asked]) -> Vec<String> {
    let mut found = Vec::new();
    for (request, _) in asked {
        let Request::Build(build) = request else { continue };
        let stage = &build.stage;
        if build.order.jobs.is_empty() {
            found.push(format!("stage `{stage}` builds nothing: its selection is empty"));
        } else if !asked.iter().any(|(other, _)| uses(other, stage)) {
            found.push(format!(
                "stage `{stage}` is built, and neither published nor compared, and no other stage is built against it"
            ));
        }
    }
    found
}

/// Whether a call takes what a stage built.
fn uses(request: &Request, stage: &str) -> bool {
    let named = |stages: &[String]| stages.iter().any(|other| other == stage);
    let layer = |against: &[Against]| {
        against.iter().any(|layer| match layer {
            Against::Stage(other) => other == stage,
            Against::Import(_) | Against::CrossOnly(_) => false,
        })
    };
    match request {
        Request::Publish(publish) => named(&publish.stages),
        Request::Compare(compare) => named(&compare.stages),
        Request::Build(build) => build.stage != stage && layer(&build.against),
        Request::Order(order) => layer(&order.against) || order.packages.stages().contains(&stage),
        Request::Import(_) | Request::Launch(_) => false,
    }
}

/// Imports without an order, and builders without a build.
fn unused(asked: &[Asked]) -> Vec<String> {
    let any = |is: fn(&Request) -> bool| asked.iter().any(|(request, _)| is(request));
    let mut found = Vec::new();
    let (imports, orders) =
        (|it: &Request| matches!(it, Request::Import(_)), |it: &Request| matches!(it, Request::Order(_)));
    if any(imports) && !any(orders) {
        found.push("suites are imported, and no packages of them are put in order".to_owned());
    }
    let (launches, builds) =
        (|it: &Request| matches!(it, Request::Launch(_)), |it: &Request| matches!(it, Request::Build(_)));
    if any(launches) && !any(builds) {
        found.push("builders are launched, and nothing is built on them".to_owned());
    }
    found
}

fn ordinal(number: u32) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        number => format!("{number}th"),
    }
}
