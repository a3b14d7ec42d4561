//! Builders in clouds, and what they may cost.

use std::collections::BTreeMap;

use super::parameter;
use crate::core::fleet::money::{Budget, Money};
use crate::core::fleet::place::{Ec2, Market, Provider, read_disk};
use crate::core::recipe::Builders;
use crate::core::settings::value::read_duration;
use crate::lua::api::Default::{Is, Required};
use crate::lua::api::{Body, Declaration, Kind, Options, Record};
use crate::lua::check::call::Call;
use crate::lua::session::Fault;
use crate::lua::values::{Handle, Tag};

/// How instances can be paid.
const MARKETS: &[&str] = &["on-demand", "spot"];

/// What a run's builders may cost.
pub const BUDGET: Record = Record {
    name: "budget",
    sentence: "What the builders of a run may cost.",
    items: None,
    fields: &[
        parameter("limit", Kind::Text, Is("none"), "Launching stops before more is spent: `400 USD`."),
        parameter("confirm_above", Kind::Text, Is("none"), "Needs `--yes` where it may cost more: `50 USD`."),
    ],
};

/// Builders in clouds.
pub const DECLARATIONS: &[Declaration] = &[Declaration {
    name: "ec2",
    sentence: "Instances of a cloud with an EC2 API, launched when there is work and ended when there is none.",
    named: None,
    options: Options::Required,
    items: None,
    fields: &[
        parameter("provider", Kind::OneOf(Provider::WORDS), Is("aws"), "Decides which parameters are ever sent."),
        parameter("endpoint", Kind::Text, Is("Amazon's own"), "URL of the EC2 API."),
        parameter("region", Kind::Name, Required, "The cloud's region."),
        parameter("image", Kind::Name, Required, "The image that builders boot."),
        parameter("types", Kind::TextOrTexts, Required, "Instance types, the best first."),
        parameter("max", Kind::Integer(1, 10_000), Required, "Instances at the same time."),
        parameter("disk", Kind::Text, Is("the image's"), "Size of the root disk: `120 GB`."),
        parameter("subnet", Kind::TextOrTexts, Is("the account's"), "Subnets, the best first; each is a pool."),
        parameter("security_group", Kind::TextOrTexts, Is("the account's"), "Security groups, by id."),
        parameter("key_name", Kind::Text, Is("none"), "Key pair for a person who wants to log in."),
        parameter("market", Kind::OneOf(MARKETS), Is("on-demand"), "How instances are paid."),
        parameter("max_price", Kind::Text, Is("the on-demand price"), "The most for an hour of spot: `0.05 USD`."),
        parameter("idle", Kind::Text, Is("5 min"), "An instance without work for so long is ended."),
        parameter("max_lifetime", Kind::Text, Is("2 d"), "An instance ends after so long, whatever it does."),
        parameter("slots", Kind::Integer(1, 256), Is("1"), "Builds at the same time on one instance."),
        parameter("prices", Kind::TextOrTexts, Is("{}"), "What an hour of each type costs: `m5.large = 0.1 USD`."),
        parameter("budget", Kind::Record(&BUDGET), Is("none"), "What the builders of a run may cost, in all places."),
    ],
    result: Tag::Builders,
    body: Body::Makes(|_, call| Ok(Handle::Builders(Builders::Ec2(Box::new(place(call)?))))),
}];

/// A field whose text was not understood.
fn wrong(field: &str, expected: &str, got: &str) -> Fault {
    Fault::new(format!("`{field}`: expected {expected}, got `{got}`"))
        .hint("`cloudbuild api ec2` tells of every option")
}

fn seconds(call: &mut Call, field: &str, usual: u64) -> Result<u64, Fault> {
    let Some(text) = call.text(field) else { return Ok(usual) };
    match read_duration(&text) {
        Some(time) if time.as_secs() > 0 => Ok(time.as_secs()),
        Some(_) | None => Err(wrong(field, "a time such as `5 min`", &text)),
    }
}

fn money(field: &str, text: Option<String>) -> Result<Option<Money>, Fault> {
    let read = |text: String| text.parse().map_err(|_| wrong(field, "an amount such as `400 USD`", &text));
    text.map(read).transpose()
}

/// The budget of a call that may have one.
pub fn budget(call: &mut Call) -> Result<Option<Budget>, Fault> {
    let Some(mut record) = call.record("budget") else { return Ok(None) };
    let limit = money("budget.limit", record.text("limit"))?;
    let confirm_above = money("budget.confirm_above", record.text("confirm_above"))?;
    Ok(Some(Budget { limit, confirm_above }))
}

fn place(mut call: Call) -> Result<Ec2, Fault> {
    let provider = call.text("provider").map_or(Ok(Provider::Aws), |word| word.parse());
    let disk = call.text("disk");
    let size =
        disk.as_deref().map(|text| read_disk(text).ok_or_else(|| wrong("disk", "a size such as `120 GB`", text)));
    let mut prices = BTreeMap::new();
    for text in call.texts("prices") {
        let read = text.split_once('=').and_then(|(kind, price)| Some((kind.trim(), price.parse::<Money>().ok()?)));
        let Some((kind, price)) = read else {
            return Err(wrong("prices", "a type and its price such as `m5.large = 0.1 USD`", &text));
        };
        prices.insert(kind.to_owned(), price);
    }
    let integer = |value: Option<i64>| value.map(|value| u32::try_from(value).expect("the range was checked"));
    Ok(Ec2 {
        provider: provider.expect("the word was checked"),
        endpoint: call.text("endpoint"),
        region: call.text("region").unwrap_or_default(),
        image: call.text("image").unwrap_or_default(),
        types: call.texts("types"),
        max: integer(call.integer("max")).unwrap_or(1),
        disk: size.transpose()?,
        subnets: call.texts("subnet"),
        security_groups: call.texts("security_group"),
        key_name: call.text("key_name"),
        market: if call.text("market").as_deref() == Some("spot") { Market::Spot } else { Market::OnDemand },
        max_price: money("max_price", call.text("max_price"))?,
        idle: seconds(&mut call, "idle", 300)?,
        max_lifetime: seconds(&mut call, "max_lifetime", 2 * 86_400)?,
        slots: integer(call.integer("slots")).unwrap_or(1),
        prices,
        budget: budget(&mut call)?,
    })
}
