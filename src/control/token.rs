//! The bearer token that opens the control point: where it comes from, and how it is compared.

use std::fs::File;
use std::io::Read;

use anyhow::Context;

use crate::io::control::Token;

/// 32 bytes from the operating system, as hexadecimal digits.
pub fn random() -> anyhow::Result<Token> {
    let mut bytes = [0; 32];
    File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("read random bytes from `/dev/urandom`")?;
    Ok(Token::new(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
}

/// Whether a token is one that [`random`] could have made: an empty one, say of a damaged file, opens nothing.
pub fn is_sound(token: &Token) -> bool {
    token.secret().len() == 64 && token.secret().bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Whether an `Authorization` header carries the token. How long this takes does not depend on where they differ.
pub fn opens(token: &Token, authorization: &[u8]) -> bool {
    let Some(came) = authorization.strip_prefix(b"Bearer ") else { return false };
    let ours = token.secret().as_bytes();
    let difference = ours.iter().zip(came).fold(0_u8, |all, (one, other)| all | (one ^ other));
    ours.len() == came.len() && std::hint::black_box(difference) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_with_itself_only() {
        let (token, other) = (random().unwrap(), random().unwrap());
        let header = format!("Bearer {}", token.secret());
        assert!(is_sound(&token) && opens(&token, header.as_bytes()));
        let refused = [
            format!("Bearer {}", other.secret()),
            header[..header.len() - 1].to_owned(),
            format!("{header}0"),
            token.secret().to_owned(),
            "Bearer ".to_owned(),
            String::new(),
        ];
        for header in refused {
            assert!(!opens(&token, header.as_bytes()), "{header}");
        }
    }
}
