//! CURVE keys as Z85 text.

#![forbid(unsafe_code)]

use super::z85;
use crate::error::{Error, Result};
use crate::zmtp::curve;
use zeroize::Zeroizing;

/// Characters of a key in Z85.
pub const TEXT: usize = 40;

/// Makes a key pair: the public key, and the secret key.
///
/// # Errors
/// [`Error::NotSupported`] if the system supplies no random numbers.
pub fn pair() -> Result<([u8; TEXT], Zeroizing<[u8; TEXT]>)> {
    let (public, secret) =
        curve::key_pair(super::random::secret).map_err(|_| Error::NotSupported)?;
    let (mut public_text, mut secret_text) = ([0; TEXT], Zeroizing::new([0; TEXT]));
    z85::encode(&public, &mut public_text)?;
    z85::encode(secret.expose(), secret_text.as_mut_slice())?;
    Ok((public_text, secret_text))
}

/// The public key of a secret key, both as text.
///
/// # Errors
/// [`Error::Invalid`] if the text is not 40 characters of Z85.
pub fn public(secret_text: &[u8]) -> Result<[u8; TEXT]> {
    let mut secret = Zeroizing::new([0; 32]);
    z85::decode(secret_text, secret.as_mut_slice())?;
    let mut text = [0; TEXT];
    z85::encode(&curve::public_key(&secret), &mut text)?;
    Ok(text)
}
