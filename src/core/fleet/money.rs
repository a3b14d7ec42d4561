//! Money, in millionths of a unit, with its currency's name.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::core::ids::IdError;

/// Millionths in one.
const MILLIONTHS: u64 = 1_000_000;

/// Seconds of an hour, which machines are paid by.
const HOUR: u64 = 3600;

/// An amount; written as `12.50 USD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(pub u64);

impl Money {
    /// What so many seconds cost at this price of an hour.
    pub fn of_seconds(self, seconds: u64) -> Money {
        let all = u128::from(self.0) * u128::from(seconds) / u128::from(HOUR);
        Money(u64::try_from(all).unwrap_or(u64::MAX))
    }

    /// Both together.
    pub fn plus(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / MILLIONTHS, self.0 % MILLIONTHS);
        let digits = format!("{rest:06}");
        let digits = digits.trim_end_matches('0');
        write!(f, "{whole}.{digits:0<2} USD")
    }
}

impl FromStr for Money {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        let wrong = || IdError { expected: "an amount such as `400 USD` or `0.085 USD`", got: text.to_owned() };
        let number = text.trim().strip_suffix("USD").ok_or_else(wrong)?.trim();
        let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || rest.len() > 6 || !digits(whole) || !digits(rest) {
            return Err(wrong());
        }
        let whole: u64 = whole.parse().map_err(|_| wrong())?;
        let rest: u64 = format!("{rest:0<6}").parse().map_err(|_| wrong())?;
        whole.checked_mul(MILLIONTHS).and_then(|all| all.checked_add(rest)).map(Money).ok_or_else(wrong)
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// How much a run may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// Launching stops before more than this is spent.
    pub limit: Option<Money>,
    /// A person is asked first where it may cost more than this.
    pub confirm_above: Option<Money>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_written_the_same() {
        for text in ["0.00 USD", "400.00 USD", "0.085 USD", "12.50 USD", "1.000001 USD"] {
            assert_eq!(text.parse::<Money>().unwrap().to_string(), text);
        }
        assert_eq!("400 USD".parse::<Money>().unwrap(), Money(400_000_000));
        assert_eq!("7USD".parse::<Money>().unwrap(), Money(7_000_000));
        for text in ["", "400", "4 EUR", "-1 USD", "1.0000001 USD", "x USD", ". USD", "99999999999999999999 USD"] {
            assert!(text.parse::<Money>().is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_cost_their_part_of_an_hour() {
        let hour: Money = "0.36 USD".parse().unwrap();
        assert_eq!(hour.of_seconds(10).to_string(), "0.001 USD");
        assert_eq!(hour.of_seconds(7200).to_string(), "0.72 USD");
    }
}
