//! Instances over the EC2 API, one call a function; a call is made once, and what a refusal means is in `core::fleet`.
//!
//! **Invariant:** only parameters that the provider knows are sent, nothing is retried here, and every wait has an end.

mod error;
mod words;

use std::time::Duration;

use aws_config::BehaviorVersion;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::config::retry::RetryConfig;
use aws_sdk_ec2::config::timeout::TimeoutConfig;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, EbsBlockDevice, Filter, HttpTokensState, Image as Sdk, InstanceInterruptionBehavior,
    InstanceMarketOptionsRequest, InstanceMetadataOptionsRequest, InstanceType, MarketType, ResourceType,
    ShutdownBehavior, SpotInstanceType, SpotMarketOptions, Tag, TagSpecification,
};

pub use self::error::Ec2Error;
use self::error::failed;
use crate::core::dispatch::Seen;
use crate::core::fleet::place::{Ec2, Market, Pool};
use crate::core::fleet::trouble::{self, Trouble};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);

/// How long one call may take.
const CALL: Duration = Duration::from_secs(30);

/// The tag with the name of a builder; no colons in tag keys, which not every cloud takes.
pub const TAG_BUILDER: &str = "cloudbuild-builder";

/// The tag that says whose it is: every instance of one state directory has the same.
pub const TAG_OWNER: &str = "cloudbuild-owner";

/// The tag with the run.
pub const TAG_RUN: &str = "cloudbuild-run";

/// A cloud that can be asked.
#[derive(Debug, Clone)]
pub struct Cloud {
    client: Client,
    place: Ec2,
}

/// An image, as far as builders depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The Debian architecture of its machines.
    pub arch: String,
    /// Its root disk.
    pub root: Option<Root>,
}

/// The root disk of an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// Its device.
    pub device: String,
    /// Its size in gigabytes, where the cloud says it.
    pub size: Option<i32>,
}

/// What a launch asks for.
#[derive(Debug, Clone)]
pub struct Ask<'a> {
    /// The same call with the same token is the same instance.
    pub token: &'a str,
    /// Where.
    pub pool: &'a Pool,
    /// What it runs.
    pub user_data: &'a str,
    /// How it is told from others: keys and values.
    pub tags: &'a [(String, String)],
    /// The image's root disk.
    pub root: Option<&'a Root>,
}

/// An instance, as the cloud lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The cloud's name of it.
    pub id: String,
    /// The token that it was launched with, where the cloud says it.
    pub token: Option<String>,
    /// Whether it runs.
    pub seen: Seen,
    /// Why it is as it is.
    pub why: Option<String>,
    /// Its tags.
    pub tags: Vec<(String, String)>,
    /// Its type.
    pub instance_type: String,
    /// When it was launched, in seconds since 1970.
    pub launched: Option<i64>,
}

impl Instance {
    /// The value of one of its tags.
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

impl Cloud {
    /// Gets ready to speak to the cloud; credentials are where AWS's own programs look for them.
    pub async fn of(place: &Ec2) -> Cloud {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT).operation_attempt_timeout(CALL);
        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(aws_config::Region::new(place.region.clone()))
            // What may be repeated, and with which token, is decided elsewhere.
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.build());
        if let Some(endpoint) = &place.endpoint {
            loader = loader.endpoint_url(endpoint);
        }
        Cloud { client: Client::new(&loader.load().await), place: place.clone() }
    }

    /// The place that this is the cloud of.
    pub fn place(&self) -> &Ec2 {
        &self.place
    }

    /// What the place's image is; the first call, which finds wrong endpoints, regions and credentials.
    pub async fn image(&self) -> Result<Image, Ec2Error> {
        let asked = self.client.describe_images().image_ids(&self.place.image).send().await;
        let answer = asked.map_err(|error| failed("DescribeImages", &error))?;
        let image: Option<&Sdk> = answer.images().first();
        let Some(image) = image else {
            return Err(Ec2Error::NoImage { image: self.place.image.clone(), region: self.place.region.clone() });
        };
        let arch = image.architecture().map_or("x86_64", |arch| arch.as_str());
        let root = image.root_device_name().map(|device| {
            let disk = image.block_device_mappings().iter().find(|disk| disk.device_name() == Some(device));
            let size = disk.and_then(|disk| disk.ebs()).and_then(EbsBlockDevice::volume_size);
            Root { device: device.to_owned(), size }
        });
        Ok(Image { arch: words::architecture(arch).to_owned(), root })
    }

    /// Launches one instance.
    pub async fn launch(&self, ask: &Ask<'_>) -> Result<Instance, Ec2Error> {
        let (place, sends) = (&self.place, self.place.provider.sends());
        let mut call = self.client.run_instances().image_id(&place.image).min_count(1).max_count(1);
        call = call.client_token(ask.token).user_data(words::base64(ask.user_data.as_bytes()));
        call = call.instance_type(InstanceType::from(ask.pool.instance_type.as_str()));
        call = call.set_subnet_id(ask.pool.subnet.clone()).set_key_name(place.key_name.clone());
        if !place.security_groups.is_empty() {
            call = call.set_security_group_ids(Some(place.security_groups.clone()));
        }
        if let Some(disk) = self.disk(ask.root) {
            call = call.block_device_mappings(disk);
        }
        if sends.tags_at_launch {
            for kind in [ResourceType::Instance, ResourceType::Volume] {
                let of_kind = TagSpecification::builder().resource_type(kind).set_tags(Some(tags(ask.tags)));
                call = call.tag_specifications(of_kind.build());
            }
        }
        if sends.ends_on_shutdown {
            call = call.instance_initiated_shutdown_behavior(ShutdownBehavior::Terminate);
        }
        if sends.metadata {
            let options = InstanceMetadataOptionsRequest::builder().http_tokens(HttpTokensState::Required);
            call = call.metadata_options(options.http_put_response_hop_limit(1).build());
        }
        if sends.spot && place.market == Market::Spot {
            call = call.instance_market_options(self.spot());
        }
        let answer = call.send().await.map_err(|error| failed("RunInstances", &error))?;
        let instance = answer.instances().first().map(words::instance);
        instance.ok_or(Ec2Error::Nothing { doing: "RunInstances" })
    }

    /// The root disk, where its size is said, or where it can be told to go with its instance.
    fn disk(&self, root: Option<&Root>) -> Option<BlockDeviceMapping> {
        let (sends, root) = (self.place.provider.sends(), root?);
        let wanted = self.place.disk.map(|size| i32::try_from(size).unwrap_or(i32::MAX));
        let size = wanted.or(root.size.filter(|_| sends.ends_on_shutdown))?;
        let disk = EbsBlockDevice::builder().volume_size(size).delete_on_termination(true).build();
        Some(BlockDeviceMapping::builder().device_name(&root.device).ebs(disk).build())
    }

    fn spot(&self) -> InstanceMarketOptionsRequest {
        let cap = self.place.max_price.map(words::dollars);
        let spot = SpotMarketOptions::builder()
            .spot_instance_type(SpotInstanceType::OneTime)
            .instance_interruption_behavior(InstanceInterruptionBehavior::Terminate)
            .set_max_price(cap);
        InstanceMarketOptionsRequest::builder().market_type(MarketType::Spot).spot_options(spot.build()).build()
    }

    /// Tags an instance, where that is not done by its launch.
    pub async fn tag(&self, instance: &str, wanted: &[(String, String)]) -> Result<(), Ec2Error> {
        if self.place.provider.sends().tags_at_launch {
            return Ok(());
        }
        let call = self.client.create_tags().resources(instance).set_tags(Some(tags(wanted)));
        call.send().await.map(drop).map_err(|error| failed("CreateTags", &error))
    }

    /// The instances that are `owner`'s by their tag, or that were launched with one of its tokens and could not be
    /// tagged yet: what is listed is looked at once more here, whatever the filter let through.
    pub async fn ours(&self, owner: &str) -> Result<Vec<Instance>, Ec2Error> {
        let filter = Filter::builder().name(format!("tag:{TAG_OWNER}")).values(owner).build();
        // Where tags come after the launch, an instance may be without them.
        let filters = self.place.provider.sends().tags_at_launch.then(|| vec![filter]);
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let call = self.client.describe_instances().set_filters(filters.clone()).set_next_token(next);
            let answer = call.send().await.map_err(|error| failed("DescribeInstances", &error))?;
            let listed = answer.reservations().iter().flat_map(|reservation| reservation.instances());
            found.extend(listed.map(words::instance).filter(|instance| is_of(instance, owner)));
            match answer.next_token().filter(|token| !token.is_empty()) {
                Some(token) => next = Some(token.to_owned()),
                None => return Ok(found),
            }
        }
    }

    /// Ends an instance; one that is not there any more is what is wanted.
    pub async fn terminate(&self, instance: &str) -> Result<(), Ec2Error> {
        match self.client.terminate_instances().instance_ids(instance).send().await {
            Ok(_) => Ok(()),
            Err(error) => match failed("TerminateInstances", &error) {
                error if error.trouble() == Trouble::NotFound => Ok(()),
                error => Err(error),
            },
        }
    }

    /// What an instance wrote to its console, as far as the cloud has it.
    pub async fn console(&self, instance: &str) -> Result<String, Ec2Error> {
        let asked = self.client.get_console_output().instance_id(instance).send().await;
        let answer = asked.map_err(|error| failed("GetConsoleOutput", &error))?;
        let text = answer.output().map(words::from_base64).unwrap_or_default();
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Whether an instance is `owner`'s, by its tag, or else by its token.
fn is_of(instance: &Instance, owner: &str) -> bool {
    match instance.tag(TAG_OWNER) {
        Some(tag) => tag == owner,
        None => instance.token.as_deref().is_some_and(|token| token.starts_with(&format!("cb-{owner}-"))),
    }
}

fn tags(wanted: &[(String, String)]) -> Vec<Tag> {
    wanted.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

/// What to say of an error code.
fn advice(code: Option<&str>) -> &'static str {
    trouble::hint(code)
}
