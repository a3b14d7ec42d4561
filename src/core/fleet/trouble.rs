//! What a refusal of a cloud means, and what to do about it.

use serde::{Deserialize, Serialize};

/// What kind of trouble an answer of the EC2 API tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// There is no such machine to be had in this pool now.
    Capacity,
    /// This pool never has what was asked, or not at that price.
    OtherPool,
    /// We asked too often.
    Throttled,
    /// The account may not have more.
    Quota,
    /// The call may or may not have been done: a lost reply, a proxy's page, an error of the server.
    Unknown,
    /// The token was used for something else before: there is an instance already.
    Mismatch,
    /// What was named is not there.
    NotFound,
    /// Nothing that trying again would change.
    Refused,
}

/// How often a call whose fate is unknown is repeated with its token, before the instance is looked up.
pub const REPEATS: u32 = 3;

/// Sorts an answer by its HTTP status and error code; none of both where no answer came.
pub fn classify(status: Option<u16>, code: Option<&str>) -> Trouble {
    match code.unwrap_or_default() {
        "InsufficientInstanceCapacity"
        | "InsufficientHostCapacity"
        | "InsufficientAddressCapacity"
        | "InsufficientReservedInstanceCapacity"
        | "InsufficientCapacityOnOutpost"
        | "InsufficientResources" => Trouble::Capacity,
        "Unsupported" | "SpotMaxPriceTooLow" | "UnsupportedOperation" => Trouble::OtherPool,
        "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "RequestThrottled"
        | "EC2ThrottledException"
        | "SlowDown" => Trouble::Throttled,
        "VcpuLimitExceeded"
        | "InstanceLimitExceeded"
        | "MaxSpotInstanceCountExceeded"
        | "VolumeLimitExceeded"
        | "MaxIOPSLimitExceeded"
        | "AddressLimitExceeded" => Trouble::Quota,
        "IdempotentParameterMismatch" => Trouble::Mismatch,
        "InvalidInstanceID.NotFound" => Trouble::NotFound,
        _ => match status {
            Some(429) => Trouble::Throttled,
            Some(400..=499) => Trouble::Refused,
            Some(_) | None => Trouble::Unknown,
        },
    }
}

/// What follows from trouble with a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Ask for another pool, as another intent with a token of its own.
    OtherPool,
    /// Ask again with the same token, after so many milliseconds.
    Again {
        /// The pause.
        pause_ms: u64,
    },
    /// Look whether there is an instance with this token.
    LookUp,
    /// Go on with what there is, and ask for no more for a while.
    Cap,
    /// Stop: a person has to change something.
    Fail,
}

/// What to do after the `repeats`th call with one token was in trouble, counting from 0.
pub fn next(trouble: Trouble, repeats: u32) -> Next {
    match trouble {
        Trouble::Capacity | Trouble::OtherPool => Next::OtherPool,
        Trouble::Throttled => Next::Again { pause_ms: 500 << repeats.min(6) },
        Trouble::Quota => Next::Cap,
        Trouble::Unknown if repeats < REPEATS => Next::Again { pause_ms: 250 << repeats },
        Trouble::Unknown | Trouble::Mismatch => Next::LookUp,
        Trouble::NotFound | Trouble::Refused => Next::Fail,
    }
}

/// What a person can do about a refusal, where we know.
pub fn hint(code: Option<&str>) -> &'static str {
    match code.unwrap_or_default() {
        "AuthFailure" | "InvalidClientTokenId" | "SignatureDoesNotMatch" | "UnrecognizedClientException" => {
            "check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the profile that AWS_PROFILE names"
        }
        "RequestExpired" | "SignatureExpired" => "the clock of this machine is wrong: compare it with `date -u`",
        "UnauthorizedOperation" | "AccessDenied" => "this account may not do that: see the policy of its user or role",
        "InvalidAMIID.NotFound" | "InvalidAMIID.Malformed" | "InvalidAMIID.Unavailable" => {
            "`image` names an image of that region: `aws ec2 describe-images --owners self` lists yours"
        }
        "InvalidSubnetID.NotFound" | "InvalidSubnet" => "`subnet` names subnets of that region",
        "InvalidGroup.NotFound" | "InvalidGroupId.Malformed" | "InvalidSecurityGroupID.NotFound" => {
            "`security_group` names security groups by their ids"
        }
        "InvalidKeyPair.NotFound" => "`key_name` names a key pair of that region; it may be left out",
        "InvalidInstanceType" | "InvalidInstanceType.NotFound" => {
            "`types` names instance types as this cloud does: check their spelling"
        }
        "InvalidAction" | "InvalidParameter" | "UnknownParameter" => {
            "is `provider` right? it decides which parameters are sent"
        }
        _ => "`endpoint`, `region`, `image` and `types` of `cb.ec2` say what is asked for",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_goes_its_way() {
        let cases = [
            (Some(500), Some("InsufficientInstanceCapacity"), Next::OtherPool),
            (Some(400), Some("Unsupported"), Next::OtherPool),
            (Some(400), Some("SpotMaxPriceTooLow"), Next::OtherPool),
            (Some(503), Some("RequestLimitExceeded"), Next::Again { pause_ms: 500 }),
            (Some(400), Some("VcpuLimitExceeded"), Next::Cap),
            (Some(400), Some("InstanceLimitExceeded"), Next::Cap),
            (Some(400), Some("MaxSpotInstanceCountExceeded"), Next::Cap),
            (Some(400), Some("IdempotentParameterMismatch"), Next::LookUp),
            (Some(502), None, Next::Again { pause_ms: 250 }),
            (None, None, Next::Again { pause_ms: 250 }),
            (Some(400), Some("InvalidAMIID.NotFound"), Next::Fail),
            (Some(403), None, Next::Fail),
        ];
        for (status, code, expected) in cases {
            assert_eq!(next(classify(status, code), 0), expected, "{status:?} {code:?}");
        }
    }

    #[test]
    fn what_is_unknown_is_asked_again_three_times_and_then_looked_up() {
        let said: Vec<Next> = (0..4).map(|repeats| next(Trouble::Unknown, repeats)).collect();
        assert!(said[..3].iter().all(|next| matches!(next, Next::Again { .. })), "{said:?}");
        assert_eq!(said[3], Next::LookUp);
    }

    #[test]
    fn throttling_is_waited_out_with_growing_pauses() {
        assert_eq!(next(Trouble::Throttled, 3), Next::Again { pause_ms: 4000 });
        assert_eq!(next(Trouble::Throttled, 60), Next::Again { pause_ms: 32_000 });
    }
}
