//! `launch`: says which builders there are. A fleet policy, not machines: it is checked here, and acted on when there is
//! work.

use crate::core::fleet::place::Ec2;
use crate::core::recipe::{Builders, LaunchRequest, LaunchResult};
use crate::primitives::Refusal;

/// Checks a policy.
pub fn launch(request: LaunchRequest) -> anyhow::Result<LaunchResult> {
    for group in &request.builders {
        match group {
            Builders::Here { slots: Some(0) } => {
                let text = "`cb.here`: expected at least 1 slot, got 0\nhint: slots = 1 builds one package at a time";
                return Err(Refusal::of_recipe(text).into());
            }
            Builders::Here { .. } => {}
            Builders::Ec2(place) => {
                if let Some(wrong) = place.wrong() {
                    let text = format!("`cb.ec2`: {wrong}\nhint: `cloudbuild api ec2` tells of every option");
                    return Err(Refusal::of_recipe(text).into());
                }
            }
        }
    }
    if request.builders.is_empty() {
        return Err(Refusal::of_recipe("expected builders, got none\nhint: `cb.here { slots = 1 }`").into());
    }
    Ok(LaunchResult { builders: request.builders })
}

/// Builds at the same time on this machine, if it builds at all; `usual` where the recipe does not say.
pub fn slots_here(builders: &[Builders], usual: u32) -> Option<u32> {
    let of_group = |group: &Builders| match group {
        Builders::Here { slots } => Some(slots.unwrap_or(usual)),
        Builders::Ec2(_) => None,
    };
    builders.iter().filter_map(of_group).reduce(|all, slots| all + slots)
}

/// The places where builders are launched.
pub fn places(builders: &[Builders]) -> Vec<Ec2> {
    let of_group = |group: &Builders| match group {
        Builders::Here { .. } => None,
        Builders::Ec2(place) => Some(Ec2::clone(place)),
    };
    builders.iter().filter_map(of_group).collect()
}

/// Builds at the same time everywhere.
pub fn slots(builders: &[Builders], usual: u32) -> u32 {
    let of_group = |group: &Builders| match group {
        Builders::Here { slots } => slots.unwrap_or(usual),
        Builders::Ec2(place) => place.max.saturating_mul(place.slots),
    };
    builders.iter().map(of_group).fold(0, u32::saturating_add)
}
