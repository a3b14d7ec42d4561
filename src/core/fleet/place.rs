//! A place where builders can be launched: what a recipe says of it, and what its provider understands.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::money::{Budget, Money};
use crate::core::ids::IdError;

/// Who keeps the cloud; decides which parameters are ever sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Amazon's own.
    Aws,
    /// Eucalyptus, which refuses parameters that it does not know with HTTP 500.
    Eucalyptus,
    /// OpenStack's EC2 API.
    Openstack,
}

impl Provider {
    /// The words of recipes.
    pub const WORDS: &'static [&'static str] = &["aws", "eucalyptus", "openstack"];

    /// The one text form.
    pub fn text(self) -> &'static str {
        match self {
            Provider::Aws => "aws",
            Provider::Eucalyptus => "eucalyptus",
            Provider::Openstack => "openstack",
        }
    }

    /// What may be sent besides what all of them take.
    pub fn sends(self) -> Sends {
        match self {
            Provider::Aws => Sends { tags_at_launch: true, ends_on_shutdown: true, metadata: true, spot: true },
            // Never on trial: what they do not know is an HTTP 500, which looks like trouble that passes.
            Provider::Eucalyptus | Provider::Openstack => {
                Sends { tags_at_launch: false, ends_on_shutdown: false, metadata: false, spot: false }
            }
        }
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}

impl FromStr for Provider {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        [Provider::Aws, Provider::Eucalyptus, Provider::Openstack]
            .into_iter()
            .find(|provider| provider.text() == text)
            .ok_or_else(|| IdError { expected: "`aws`, `eucalyptus` or `openstack`", got: text.to_owned() })
    }
}

/// Parameters that only some providers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// `TagSpecification`: an instance is never without its tags; elsewhere it is tagged after the launch.
    pub tags_at_launch: bool,
    /// `InstanceInitiatedShutdownBehavior=terminate`: one that shuts itself down costs nothing any more.
    pub ends_on_shutdown: bool,
    /// `MetadataOptions`: only the second version of the metadata service.
    pub metadata: bool,
    /// `InstanceMarketOptions`.
    pub spot: bool,
}

/// How instances are paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Market {
    /// At the list's price, for as long as one wants.
    OnDemand,
    /// Cheaper, and ended by the cloud whenever it wants.
    Spot,
}

/// `cb.ec2 { ... }`: where builders are launched over the EC2 API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ec2 {
    /// Who keeps the cloud.
    pub provider: Provider,
    /// The API's URL, where it is not Amazon's own.
    pub endpoint: Option<String>,
    /// The cloud's region.
    pub region: String,
    /// The image that builders boot.
    pub image: String,
    /// Instance types, the best first; the next one is taken where there is no capacity.
    pub types: Vec<String>,
    /// Instances at the same time.
    pub max: u32,
    /// Size of the root disk in gigabytes, where it is not the image's.
    pub disk: Option<u32>,
    /// Subnets, the best first; their zones are the pools that capacity is looked for in.
    pub subnets: Vec<String>,
    /// Security groups, by id.
    pub security_groups: Vec<String>,
    /// The key pair for a person who wants to log in.
    pub key_name: Option<String>,
    /// How instances are paid.
    pub market: Market,
    /// The most that an hour on the spot market may cost.
    pub max_price: Option<Money>,
    /// Seconds without work after which an instance is ended.
    pub idle: u64,
    /// Seconds after which an instance is ended, whatever it does.
    pub max_lifetime: u64,
    /// Builds at the same time on one instance.
    pub slots: u32,
    /// What an hour costs, by instance type.
    pub prices: BTreeMap<String, Money>,
    /// What the run's builders may cost, all places together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<Budget>,
}

/// One way to ask for an instance: where one is not to be had, the next may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pool {
    /// The instance type.
    pub instance_type: String,
    /// The subnet, and so the zone.
    pub subnet: Option<String>,
}

impl fmt::Display for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subnet {
            Some(subnet) => write!(f, "{} in {subnet}", self.instance_type),
            None => f.write_str(&self.instance_type),
        }
    }
}

impl Ec2 {
    /// The pools, in the order in which they are tried: each type in every subnet before the next type.
    pub fn pools(&self) -> Vec<Pool> {
        let subnets: Vec<Option<String>> = match self.subnets.as_slice() {
            [] => vec![None],
            subnets => subnets.iter().cloned().map(Some).collect(),
        };
        let of_type = |instance_type: &String| {
            let pool = |subnet: &Option<String>| Pool { instance_type: instance_type.clone(), subnet: subnet.clone() };
            subnets.iter().map(pool).collect::<Vec<_>>()
        };
        self.types.iter().flat_map(of_type).collect()
    }

    /// What an hour of an instance type costs, where the recipe says it; on the spot market at most the cap.
    pub fn price(&self, instance_type: &str) -> Option<Money> {
        let listed = self.prices.get(instance_type).copied();
        match (self.market, self.max_price) {
            (Market::Spot, Some(cap)) => Some(listed.map_or(cap, |price| price.min(cap))),
            (Market::Spot, None) | (Market::OnDemand, _) => listed,
        }
    }

    /// What this place cannot be, if so: told before anything is launched.
    pub fn wrong(&self) -> Option<String> {
        if self.types.is_empty() {
            return Some("`types`: expected at least one instance type, got an empty list".to_owned());
        }
        let sends = self.provider.sends();
        if self.market == Market::Spot && !sends.spot {
            let provider = self.provider;
            return Some(format!("`market`: expected `on-demand`, got `spot`, which `{provider}` does not have"));
        }
        if self.provider != Provider::Aws && self.endpoint.is_none() {
            return Some(format!("`endpoint` is missing: expected the URL of the EC2 API of `{}`", self.provider));
        }
        let good = |url: &String| url.starts_with("http://") || url.starts_with("https://");
        let limit = self.budget.and_then(|budget| budget.limit);
        if let Some(unpriced) = self.types.iter().find(|kind| limit.is_some() && self.price(kind).is_none()) {
            return Some(format!("`prices`: expected what an hour of `{unpriced}` costs, since there is a budget"));
        }
        match &self.endpoint {
            Some(url) if !good(url) => {
                Some(format!("`endpoint`: expected a URL that begins with `https://`, got `{url}`"))
            }
            Some(_) | None => None,
        }
    }
}

impl fmt::Display for Ec2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "up to {} of {} on `{}`, region `{}`", self.max, self.types.join(", "), self.provider, self.region)?;
        match self.market {
            Market::Spot => write!(f, ", spot"),
            Market::OnDemand => Ok(()),
        }
    }
}

/// Reads a size of a disk: `120 GB`.
pub fn read_disk(text: &str) -> Option<u32> {
    let number = text.trim().strip_suffix("GB").or_else(|| text.trim().strip_suffix("GiB"))?;
    number.trim().parse().ok().filter(|size| *size > 0)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A place with two types in two subnets.
    pub fn place() -> Ec2 {
        Ec2 {
            provider: Provider::Aws,
            endpoint: None,
            region: "r".into(),
            image: "ami-1".into(),
            types: vec!["big".into(), "small".into()],
            max: 4,
            disk: None,
            subnets: vec!["a".into(), "b".into()],
            security_groups: Vec::new(),
            key_name: None,
            market: Market::OnDemand,
            max_price: None,
            idle: 300,
            max_lifetime: 86_400,
            slots: 1,
            prices: BTreeMap::new(),
            budget: None,
        }
    }

    #[test]
    fn each_type_is_tried_in_every_subnet_before_the_next_type() {
        let pools: Vec<String> = place().pools().iter().map(Pool::to_string).collect();
        assert_eq!(pools, ["big in a", "big in b", "small in a", "small in b"]);
        let pools = Ec2 { subnets: Vec::new(), ..place() }.pools();
        assert_eq!(pools.iter().map(Pool::to_string).collect::<Vec<_>>(), ["big", "small"]);
    }

    #[test]
    fn what_a_provider_does_not_have_is_told_before_anything_is_launched() {
        assert_eq!(place().wrong(), None);
        let spot = Ec2 { provider: Provider::Eucalyptus, market: Market::Spot, ..place() };
        assert!(spot.wrong().unwrap().contains("which `eucalyptus` does not have"));
        let nowhere = Ec2 { provider: Provider::Openstack, ..place() };
        assert!(nowhere.wrong().unwrap().starts_with("`endpoint` is missing"));
        let odd = Ec2 { endpoint: Some("cloud.example.org".into()), ..place() };
        assert!(odd.wrong().unwrap().contains("got `cloud.example.org`"));
        assert!(Ec2 { types: Vec::new(), ..place() }.wrong().is_some());
    }

    #[test]
    fn a_spot_instance_costs_at_most_its_cap() {
        let price = |text: &str| text.parse::<Money>().unwrap();
        let prices = BTreeMap::from([("big".to_owned(), price("2 USD"))]);
        let spot = Ec2 { market: Market::Spot, max_price: Some(price("1 USD")), prices, ..place() };
        assert_eq!(spot.price("big"), Some(price("1 USD")));
        assert_eq!(spot.price("small"), Some(price("1 USD")));
        assert_eq!(place().price("small"), None);
    }

    #[test]
    fn disks_are_in_gigabytes() {
        assert_eq!(read_disk("120 GB"), Some(120));
        assert_eq!(read_disk("8GiB"), Some(8));
        assert_eq!(read_disk("0 GB"), None);
        assert_eq!(read_disk("big"), None);
    }
}
