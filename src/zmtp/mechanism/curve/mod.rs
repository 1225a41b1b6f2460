//! CURVE (RFC 25, 26): authentication and encryption with Curve25519.
//!
//! | step | from | command | content, as `box(from key, to key)` |
//! | --- | --- | --- | --- |
//! | 1 | client | HELLO | C', box(C', S) of zeros |
//! | 2 | server | WELCOME | box(S, C') of S' and the cookie |
//! | 3 | client | INITIATE | cookie, box(C', S') of C, vouch = box(C, S') of C' and S, metadata |
//! | 4 | server | READY | box(S', C') of metadata |
//!
//! C and S are the long-term keys, C' and S' the short-term keys of the connection.
//! The cookie proves to the server that INITIATE comes from the client of HELLO. The
//! RFC allows a server to keep no state between the two; this one does keep it, like
//! libzmq, so the cookie is a redundant check.

#![forbid(unsafe_code)]

mod client;
mod keys;
mod message;
#[cfg(not(feature = "libsodium"))]
mod own;
#[cfg(not(feature = "libsodium"))]
mod poly1305;
#[cfg(not(feature = "libsodium"))]
mod salsa20;
mod secretbox;
mod server;
#[cfg(feature = "libsodium")]
mod sodium;

#[cfg(not(feature = "libsodium"))]
use own as primitives;
#[cfg(feature = "libsodium")]
use sodium as primitives;

#[cfg(test)]
mod tests;
#[cfg(all(test, not(loom)))]
mod vectors;

pub(in crate::zmtp) use client::CurveClient;
pub use keys::{PublicKey, SecretKey, key_pair, public_key};
pub use message::{CurveTraffic, PREFIX};
pub(in crate::zmtp) use server::CurveServer;

/// Fills a buffer with cryptographically secure random bytes, or fails.
pub type Random = fn(&mut [u8]) -> crate::error::Result<()>;

/// The role of this side in CURVE, with its keys.
#[derive(Clone, Debug)]
pub enum CurveRole {
    /// `ZMQ_CURVE_SERVERKEY` is set: accepts only the server with that key.
    Client {
        /// The server's long-term public key, S.
        server_key: PublicKey,
        /// Our long-term public key, C (`ZMQ_CURVE_PUBLICKEY`).
        public_key: PublicKey,
        /// Our long-term secret key, c (`ZMQ_CURVE_SECRETKEY`).
        secret_key: SecretKey,
    },
    /// `ZMQ_CURVE_SERVER`: accepts clients, whose keys ZAP authenticates.
    Server {
        /// Our long-term secret key, s (`ZMQ_CURVE_SECRETKEY`).
        secret_key: SecretKey,
    },
}

/// The configuration of CURVE.
#[derive(Clone, Debug)]
pub struct CurveConfig {
    /// Client or server.
    pub role: CurveRole,
    /// The source of short-term keys and nonces.
    pub random: Random,
}

const HELLO: &[u8; 6] = b"\x05HELLO";
const WELCOME: &[u8; 8] = b"\x07WELCOME";
const INITIATE: &[u8; 9] = b"\x08INITIATE";

const HELLO_SIZE: usize = 200;
const WELCOME_SIZE: usize = 168;
/// Size of an INITIATE without metadata.
const INITIATE_MIN: usize = 257;
/// Size of a READY without metadata.
const READY_MIN: usize = 30;
/// Size of the cookie with its nonce.
const COOKIE: usize = 96;

const HELLO_NONCE: &[u8; 16] = b"CurveZMQHELLO---";
const INITIATE_NONCE: &[u8; 16] = b"CurveZMQINITIATE";
const READY_NONCE: &[u8; 16] = b"CurveZMQREADY---";
const WELCOME_NONCE: &[u8; 8] = b"WELCOME-";
const COOKIE_NONCE: &[u8; 8] = b"COOKIE--";
const VOUCH_NONCE: &[u8; 8] = b"VOUCH---";

/// A nonce of a constant prefix and the part that is transmitted; 24 bytes together.
fn nonce(prefix: &[u8], sent: &[u8]) -> [u8; 24] {
    debug_assert_eq!(prefix.len() + sent.len(), 24);
    let mut nonce = [0; 24];
    for (to, from) in nonce.iter_mut().zip(prefix.iter().chain(sent)) {
        *to = *from;
    }
    nonce
}

/// The 32 bytes of a key at `at`; `None` beyond the end.
fn key_at(bytes: &[u8], at: usize) -> Option<[u8; 32]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The short nonce at `at`; 0 beyond the end.
fn number_at(bytes: &[u8], at: usize) -> u64 {
    bytes
        .get(at..)
        .and_then(|rest| rest.first_chunk())
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
