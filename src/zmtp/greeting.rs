//! The greeting, which negotiates the protocol version.
//!
//! This side sends its greeting in stages, each as soon as the peer's bytes so far
//! allow it, so that peers of every version can parse it:
//!
//! | stage | when | bytes |
//! | --- | --- | --- |
//! | A | at the start | the 10-byte signature; to a 1.0 peer, the header of our identity |
//! | B | the peer's signature is of a versioned protocol | our revision, 3 |
//! | C | the peer's revision is 0 or 1 | socket type |
//! | C | the peer's revision is 2 or more | minor version, mechanism, filler |

#![forbid(unsafe_code)]

use super::framing::{Framing, MAX_HEADER, encode_v1_long};
use crate::abi::socket_type::SocketType;

const SIGNATURE: usize = 10;
const REVISION: usize = 10;
const MINOR: usize = 11;
const MECHANISM: usize = 12;
const MECHANISM_LEN: usize = 20;
/// Length of a greeting of which one side speaks revision 0 or 1.
const V2_GREETING: usize = 12;
/// Length of a 3.x greeting.
const V3_GREETING: usize = 64;

/// The protocol version a connection speaks, oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// ZMTP 1.0 without any greeting (libzmq 2.x).
    V1_0,
    /// ZMTP 1.0 frames after a versioned greeting of revision 0.
    V1,
    /// ZMTP 2.0 (libzmq 3.x).
    V2_0,
    /// ZMTP 3.0 (libzmq 4.0 to 4.2).
    V3_0,
    /// ZMTP 3.1 and later versions.
    V3_1,
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Version::V1_0 | Version::V1 => "1.0",
            Version::V2_0 => "2.0",
            Version::V3_0 => "3.0",
            Version::V3_1 => "3.1",
        })
    }
}

impl Version {
    /// The frame layout of this version.
    pub const fn framing(self) -> Framing {
        match self {
            Version::V1_0 | Version::V1 => Framing::V1,
            Version::V2_0 | Version::V3_0 | Version::V3_1 => Framing::V2,
        }
    }

    /// Whether the version has security mechanisms and commands.
    pub const fn has_commands(self) -> bool {
        matches!(self, Version::V3_0 | Version::V3_1)
    }
}

/// Appends stage A. The length field counts a flags octet and the routing id,
/// because a 1.0 peer parses it as the header of the frame with our routing id.
pub(super) fn append_signature(routing_id: &[u8], output: &mut Vec<u8>) {
    let mut signature = [0; MAX_HEADER];
    encode_v1_long(routing_id.len() as u64 + 1, 0x7f, &mut signature);
    output.extend_from_slice(&signature);
}

/// What stage C announces.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub socket_type: SocketType,
    /// At most 20 bytes; sent padded with NUL.
    pub mechanism: &'static str,
}

impl Announced {
    fn padded_mechanism(self) -> [u8; MECHANISM_LEN] {
        let mut padded = [0; MECHANISM_LEN];
        for (to, from) in padded.iter_mut().zip(self.mechanism.bytes()) {
            *to = from;
        }
        padded
    }
}

/// The bytes of the peer's greeting received so far.
#[derive(Debug)]
pub(super) struct Greeting {
    bytes: [u8; V3_GREETING],
    len: usize,
    /// The number of bytes that the next decision needs; invariant: `len <= need`.
    need: usize,
}

impl Greeting {
    pub fn new() -> Self {
        Greeting {
            bytes: [0; V3_GREETING],
            len: 0,
            need: 1,
        }
    }

    /// Consumes greeting bytes from the front of `input` and appends the stages
    /// that are due to `output`. Returns the number of bytes consumed and, at the
    /// end of the greeting, the version.
    pub fn advance(
        &mut self,
        input: &[u8],
        announced: Announced,
        output: &mut Vec<u8>,
    ) -> (usize, Option<Version>) {
        let mut consumed = 0;
        loop {
            let missing = self.need - self.len;
            let taken = missing.min(input.len() - consumed);
            self.bytes[self.len..self.len + taken]
                .copy_from_slice(&input[consumed..consumed + taken]);
            self.len += taken;
            consumed += taken;
            if taken < missing {
                return (consumed, None);
            }
            if let Some(version) = self.decide(announced, output) {
                return (consumed, Some(version));
            }
        }
    }

    /// The bytes consumed as a greeting that are the start of a 1.0 identity
    /// frame: its first octet, or its whole long header.
    pub fn unversioned_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    /// Whether the peer named our mechanism, padding included.
    pub fn mechanism_matches(&self, announced: Announced) -> bool {
        self.bytes[MECHANISM..MECHANISM + MECHANISM_LEN] == announced.padded_mechanism()
    }

    /// The name of the peer's mechanism, without the padding; `None` until all of it
    /// was received.
    pub fn mechanism(&self) -> Option<&[u8]> {
        let padded = self.bytes.get(MECHANISM..MECHANISM + MECHANISM_LEN)?;
        let whole = self.len >= MECHANISM + MECHANISM_LEN;
        whole.then(|| padded.split(|byte| *byte == 0).next().unwrap_or_default())
    }

    /// The socket type in a revision 0 or 1 greeting; `None` if the number is
    /// unknown. As in libzmq, its compatibility is not checked.
    pub fn old_socket_type(&self) -> Option<SocketType> {
        SocketType::from_number(self.bytes[MINOR].into())
    }

    /// Called with `need` bytes received: returns the version at the end of the
    /// greeting, else raises `need`.
    fn decide(&mut self, announced: Announced, output: &mut Vec<u8>) -> Option<Version> {
        match self.need {
            1 if self.bytes[0] != 0xff => return Some(Version::V1_0),
            1 => self.need = SIGNATURE,
            // The flags octet of a 1.0 identity message has no MORE bit.
            SIGNATURE if self.bytes[SIGNATURE - 1] & 1 == 0 => return Some(Version::V1_0),
            SIGNATURE => {
                output.push(3);
                self.need = REVISION + 1;
            }
            MINOR => self.need = self.answer_revision(announced, output),
            _ => return Some(self.version()),
        }
        None
    }

    /// Appends stage C and returns the length of the peer's whole greeting.
    fn answer_revision(&self, announced: Announced, output: &mut Vec<u8>) -> usize {
        if self.bytes[REVISION] <= 1 {
            output.push(announced.socket_type as u8);
            return V2_GREETING;
        }
        output.push(1);
        output.extend_from_slice(&announced.padded_mechanism());
        // As-server is 0 even for servers, as in libzmq; no implementation reads it.
        output.extend_from_slice(&[0; V3_GREETING - MECHANISM - MECHANISM_LEN]);
        V3_GREETING
    }

    fn version(&self) -> Version {
        match (self.bytes[REVISION], self.bytes[MINOR]) {
            (0, _) => Version::V1,
            (1, _) => Version::V2_0,
            (3, 0) => Version::V3_0,
            // Revision 2 included, as in libzmq; by the RFC it is 2.0.
            _ => Version::V3_1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_mechanism_is_known_when_its_name_is_whole() {
        let announced = Announced {
            socket_type: SocketType::Dealer,
            mechanism: "NULL",
        };
        for name in ["CURVE", "X", "TWENTY_LETTERS_LONG_"] {
            let mut bytes = [0; V3_GREETING];
            bytes[0] = 0xff;
            bytes[SIGNATURE - 1] = 0x7f;
            bytes[REVISION] = 3;
            bytes[MECHANISM..MECHANISM + name.len()].copy_from_slice(name.as_bytes());
            let (mut greeting, mut output) = (Greeting::new(), Vec::new());
            for (index, byte) in bytes.iter().enumerate() {
                let whole = index >= MECHANISM + MECHANISM_LEN;
                let expected = whole.then_some(name.as_bytes());
                assert_eq!(greeting.mechanism(), expected, "{index}");
                let (taken, version) = greeting.advance(&[*byte], announced, &mut output);
                assert_eq!(taken, 1);
                assert_eq!(version.is_some(), index == V3_GREETING - 1);
            }
            assert!(!greeting.mechanism_matches(announced));
        }
    }

    #[test]
    fn versions_have_names() {
        let names = [
            (Version::V1_0, "1.0"),
            (Version::V1, "1.0"),
            (Version::V2_0, "2.0"),
            (Version::V3_0, "3.0"),
            (Version::V3_1, "3.1"),
        ];
        for (version, name) in names {
            assert_eq!(version.to_string(), name);
        }
    }
}
