//! X25519 keys and key agreement.

#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use super::Random;
use super::primitives::{self, hsalsa20};
use crate::options::Secret;
use crate::zmtp::error::HandshakeError;

/// A public key: a point on the curve.
pub type PublicKey = [u8; 32];
/// A secret key: 32 random bytes.
pub type SecretKey = Secret<[u8; 32]>;

/// The public key that belongs to `secret`.
pub fn public_key(secret: &[u8; 32]) -> PublicKey {
    primitives::public_key(secret)
}

/// Makes a fresh pair of keys.
///
/// # Errors
/// [`HandshakeError::NoRandom`] if there are no random numbers.
pub fn key_pair(random: Random) -> Result<(PublicKey, SecretKey), HandshakeError> {
    let mut secret = Zeroizing::new([0; 32]);
    random(secret.as_mut_slice()).map_err(|_| HandshakeError::NoRandom)?;
    Ok((public_key(&secret), Secret::new(*secret)))
}

/// The key of boxes between the owners of the two keys. `None` for a public key of
/// small order, with which the result would not depend on the secret key.
pub fn shared_key(public: &PublicKey, secret: &SecretKey) -> Option<Zeroizing<[u8; 32]>> {
    let point = primitives::shared_point(secret.expose(), public)?;
    Some(hsalsa20(&point, &[0; 16]))
}
