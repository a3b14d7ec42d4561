//! EC2's words and ours.

use aws_sdk_ec2::types::{Instance as Sdk, InstanceStateName};

use super::Instance;
use crate::core::dispatch::Seen;
use crate::core::fleet::money::Money;

/// The Debian architecture of EC2's word.
pub fn architecture(word: &str) -> &str {
    match word {
        "x86_64" | "x86_64_mac" => "amd64",
        "arm64" | "arm64_mac" | "aarch64" => "arm64",
        other => other,
    }
}

/// An instance, as far as we care.
pub fn instance(of: &Sdk) -> Instance {
    let state = of.state().and_then(|state| state.name());
    let seen = match state {
        Some(InstanceStateName::Pending | InstanceStateName::Running) => Seen::Alive,
        Some(InstanceStateName::Stopping | InstanceStateName::Stopped) => Seen::Stopped,
        // Nothing runs any more, and nothing is paid.
        Some(InstanceStateName::ShuttingDown | InstanceStateName::Terminated) => Seen::Ended,
        Some(_) | None => Seen::Unknown,
    };
    let reason = of.state_reason().and_then(|reason| reason.message()).or(of.state_transition_reason());
    let tag = |tag: &aws_sdk_ec2::types::Tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned()));
    Instance {
        id: of.instance_id().unwrap_or_default().to_owned(),
        token: of.client_token().filter(|token| !token.is_empty()).map(str::to_owned),
        seen,
        why: reason.filter(|text| !text.is_empty()).map(str::to_owned),
        tags: of.tags().iter().filter_map(tag).collect(),
        instance_type: of.instance_type().map(|kind| kind.as_str().to_owned()).unwrap_or_default(),
        launched: of.launch_time().map(aws_sdk_ec2::primitives::DateTime::secs),
    }
}

/// A price as EC2 takes it: without a currency.
pub fn dollars(price: Money) -> String {
    price.to_string().trim_end_matches(" USD").to_owned()
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, as user-data is sent.
pub fn base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for piece in bytes.chunks(3) {
        let byte = |at: usize| u32::from(piece.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let letter = ALPHABET[(word >> (18 - 6 * digit) & 63) as usize];
            text.push(if digit > piece.len() { '=' } else { char::from(letter) });
        }
    }
    text
}

/// Bytes of base64; what is none of it is passed over.
pub fn from_base64(text: &str) -> Vec<u8> {
    let (mut bytes, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for letter in text.bytes() {
        let Some(value) = ALPHABET.iter().position(|&known| known == letter) else { continue };
        word = word << 6 | u32::try_from(value).expect("there are 64");
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((word >> bits & 255) as u8);
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_usual_one() {
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg==")] {
            assert_eq!(base64(plain.as_bytes()), coded);
            assert_eq!(from_base64(coded), plain.as_bytes());
        }
    }

    #[test]
    fn architectures_are_debians_words() {
        assert_eq!(architecture("x86_64"), "amd64");
        assert_eq!(architecture("arm64"), "arm64");
    }
}
