//! CURVE traffic: each frame is encrypted into a MESSAGE command.
//!
//! Layout of a MESSAGE: name (8), short nonce (8), box of flags (1) and body. Each
//! direction counts its nonces up; a received nonce must exceed the last one.

#![forbid(unsafe_code)]

use zeroize::Zeroizing;

use super::super::common::{Flags, check_structure};
use super::primitives::{Salsa20, hsalsa20};
use super::secretbox::{TAG, open_in_place, seal_in_place};
use crate::zmtp::error::ProtocolError;
use crate::zmtp::framing::{Framing, MAX_HEADER};

/// Bytes of a MESSAGE in front of the encrypted frame body: name, nonce, tag,
/// flags.
pub const PREFIX: usize = 33;
const NAME: &[u8; 8] = b"\x07MESSAGE";
const TAG_AT: usize = 16;
const FLAGS_AT: usize = TAG_AT + TAG;

const FLAG_MORE: u8 = 0x01;
const FLAG_COMMAND: u8 = 0x02;

const CLIENT_TO_SERVER: &[u8; 16] = b"CurveZMQMESSAGEC";
const SERVER_TO_CLIENT: &[u8; 16] = b"CurveZMQMESSAGES";

/// The state of one direction of the traffic.
struct Direction {
    /// HSalsa20 of the connection's key and the constant part of the nonce.
    key: Zeroizing<[u8; 32]>,
    /// The last nonce sent or received.
    nonce: u64,
}

impl Direction {
    fn new(key: &[u8; 32], nonce_prefix: &[u8; 16], nonce: u64) -> Self {
        Direction {
            key: hsalsa20(key, nonce_prefix),
            nonce,
        }
    }
}

/// The CURVE mechanism after the handshake, either side of it.
pub struct CurveTraffic {
    send: Direction,
    receive: Direction,
}

impl std::fmt::Debug for CurveTraffic {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CurveTraffic")
    }
}

impl CurveTraffic {
    /// `key` is the shared key of S' and C'; `ours` and `theirs` are the last short
    /// nonces of each side.
    pub(super) fn client(key: &[u8; 32], ours: u64, theirs: u64) -> Self {
        CurveTraffic {
            send: Direction::new(key, CLIENT_TO_SERVER, ours),
            receive: Direction::new(key, SERVER_TO_CLIENT, theirs),
        }
    }

    /// As [`CurveTraffic::client`].
    pub(super) fn server(key: &[u8; 32], ours: u64, theirs: u64) -> Self {
        CurveTraffic {
            send: Direction::new(key, SERVER_TO_CLIENT, ours),
            receive: Direction::new(key, CLIENT_TO_SERVER, theirs),
        }
    }

    /// Appends a frame with the MESSAGE that carries `flags` and `body`.
    pub fn encode(&mut self, flags: Flags, body: &[u8], out: &mut Vec<u8>) {
        // No connection sends 2^64 frames, so no nonce is used twice.
        self.send.nonce = self.send.nonce.wrapping_add(1);
        let nonce = self.send.nonce.to_be_bytes();
        let stream = Salsa20::new(&self.send.key, &nonce);

        out.reserve(MAX_HEADER + PREFIX + body.len());
        Framing::V2.append_header(false, false, PREFIX + body.len(), out);
        out.extend_from_slice(NAME);
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.extend_from_slice(&[0; TAG]);
        let more = if flags.more { FLAG_MORE } else { 0 };
        let command = if flags.command { FLAG_COMMAND } else { 0 };
        out.push(more | command);
        out.extend_from_slice(body);
        let (tag, boxed) = out[start..].split_at_mut(TAG);
        tag.copy_from_slice(&seal_in_place(&stream, &mut [], boxed));
    }

    /// Decrypts a received MESSAGE in place. `prefix` is its first
    /// [`PREFIX`] bytes, or all of it if it is shorter, `body` the rest, which
    /// need not be adjacent.
    pub fn decode(&mut self, prefix: &[u8], body: &mut [u8]) -> Result<Flags, ProtocolError> {
        check_structure(prefix, prefix.len() + body.len())?;
        if !prefix.starts_with(NAME) {
            return Err(ProtocolError::UnexpectedCommand);
        }
        let prefix: &[u8; PREFIX] = prefix
            .try_into()
            .map_err(|_| ProtocolError::MalformedMessage)?;
        let (mut nonce, mut tag) = ([0; 8], [0; TAG]);
        nonce.copy_from_slice(&prefix[NAME.len()..TAG_AT]);
        tag.copy_from_slice(&prefix[TAG_AT..FLAGS_AT]);
        let number = u64::from_be_bytes(nonce);
        if number <= self.receive.nonce {
            return Err(ProtocolError::InvalidSequence);
        }
        let stream = Salsa20::new(&self.receive.key, &nonce);
        let mut flags = [prefix[FLAGS_AT]];
        if !open_in_place(&stream, &tag, &mut flags, body) {
            return Err(ProtocolError::Cryptographic);
        }
        self.receive.nonce = number;
        Ok(Flags {
            more: flags[0] & FLAG_MORE != 0,
            command: flags[0] & FLAG_COMMAND != 0,
        })
    }
}
