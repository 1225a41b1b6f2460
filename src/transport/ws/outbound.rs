//! From the bytes of a ZMTP stream to WebSocket messages (ZWS 2.0, RFC 45); the way back is in
//! `inbound`.

#![forbid(unsafe_code)]

use super::frames::{Header, Mask, Opcode};
use super::inbound::{COMMAND, MORE};
use crate::message::frame;
use crate::sys::random;
use std::io;

/// Bytes of a ZMTP 3 greeting, which is not sent.
const GREETING: usize = 64;
/// The longest header of a ZMTP frame.
const ZMTP_HEADER: usize = 10;
/// Random bytes fetched at a time.
const RANDOM: usize = 256;

/// The keys of a client's masks, from the system's random numbers.
#[derive(Debug)]
struct Keys {
    random: [u8; RANDOM],
    used: usize,
}

impl Keys {
    fn new() -> Keys {
        Keys {
            random: [0; RANDOM],
            used: RANDOM,
        }
    }

    fn next(&mut self) -> io::Result<[u8; 4]> {
        if self.used == RANDOM {
            random::fill(&mut self.random)?;
            self.used = 0;
        }
        let key = std::array::from_fn(|i| self.random[self.used + i]);
        self.used += key.len();
        Ok(key)
    }
}

/// The writer of one direction of a connection.
#[derive(Debug)]
pub(super) struct Outbound {
    /// This side is the client, which masks.
    keys: Option<Keys>,
    /// The stream is that of a ZMTP 1.0 peer.
    bare: bool,
    /// Bytes of the greeting that have yet to be left out.
    greeting: usize,
    /// The header of a frame, as far as it has come.
    header: Vec<u8>,
    /// What is left of the body of the present frame, and its mask.
    body: (u64, Option<Mask>),
}

impl Outbound {
    /// A writer; `masks` for a client.
    pub(super) fn new(masks: bool, bare: bool) -> Outbound {
        Outbound {
            keys: masks.then(Keys::new),
            bare,
            greeting: if bare { 0 } else { GREETING },
            header: Vec::with_capacity(ZMTP_HEADER),
            body: (0, None),
        }
    }

    /// How many bytes of the stream may be written to the network as they are.
    pub(super) fn direct(&self) -> u64 {
        match self.body {
            (left, None) => left,
            _ => 0,
        }
    }

    /// So many bytes of the stream were written as they are.
    pub(super) fn wrote_directly(&mut self, count: usize) {
        self.body.0 = self.body.0.saturating_sub(count as u64);
    }

    /// Takes bytes from the front of the stream and appends those of the network to `out`, until
    /// `out` has `most` bytes or more, or a body that may be written as it is has at least
    /// `long` bytes. Returns how many bytes were taken.
    ///
    /// Errors: no random numbers.
    pub(super) fn encode(
        &mut self,
        plain: &[u8],
        out: &mut Vec<u8>,
        most: usize,
        long: u64,
    ) -> io::Result<usize> {
        let mut rest = plain;
        while !rest.is_empty() && out.len() < most && self.direct() < long {
            if self.greeting > 0 {
                let count = self.greeting.min(rest.len());
                self.greeting -= count;
                rest = &rest[count..];
                continue;
            }
            if self.body.0 > 0 {
                let room = (most - out.len()).min(rest.len());
                let count = usize::try_from(self.body.0).map_or(room, |left| left.min(room));
                let start = out.len();
                out.extend_from_slice(&rest[..count]);
                if let Some(mask) = &mut self.body.1 {
                    mask.apply(&mut out[start..]);
                }
                self.body.0 -= count as u64;
                rest = &rest[count..];
                continue;
            }
            self.header.push(rest[0]);
            rest = &rest[1..];
            if let Some((flags, size)) = self.frame() {
                self.header.clear();
                self.begin(flags, size, out)?;
            }
        }
        Ok(plain.len() - rest.len())
    }

    /// The flags of RFC 45 and the size of the body, once the header is complete.
    fn frame(&self) -> Option<(u8, u64)> {
        let long = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_be_bytes);
        match (self.bare, &self.header[..]) {
            // The signature of a greeting is the long header of the routing id's frame.
            (true, [0xff, size @ .., flags]) => {
                let flags = if *flags == 0x7f { 0 } else { flags & MORE };
                Some((flags, long(size)?.saturating_sub(1)))
            }
            (true, [size @ 0..0xff, flags]) => {
                Some((flags & MORE, u64::from(*size).saturating_sub(1)))
            }
            (false, bytes) => {
                let header = frame::decode(bytes)?;
                let flag = |zmtp, zws| if header.flags & zmtp == 0 { 0 } else { zws };
                let flags = flag(frame::MORE, MORE) | flag(frame::COMMAND, COMMAND);
                Some((flags, header.size))
            }
            _ => None,
        }
    }

    fn begin(&mut self, flags: u8, size: u64, out: &mut Vec<u8>) -> io::Result<()> {
        let key = self.keys.as_mut().map(Keys::next).transpose()?;
        let mut mask = key.map(Mask::new);
        let header = Header {
            opcode: Opcode::Binary,
            is_final: true,
            length: size.saturating_add(1),
            mask,
        };
        header.encode(out);
        out.push(flags);
        if let (Some(mask), Some(flags)) = (&mut mask, out.last_mut()) {
            mask.apply(std::slice::from_mut(flags));
        }
        self.body = (size, mask);
        Ok(())
    }

    /// Whether a control frame may be written now: no body is under way.
    pub(super) fn is_between_frames(&self) -> bool {
        self.body.0 == 0
    }

    /// Appends a control frame, of whose payload 125 bytes are sent at most.
    ///
    /// Errors: no random numbers.
    pub(super) fn control(
        &mut self,
        opcode: Opcode,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let payload = &payload[..payload.len().min(super::frames::CONTROL_MAX as usize)];
        let key = self.keys.as_mut().map(Keys::next).transpose()?;
        let mask = key.map(Mask::new);
        let header = Header {
            opcode,
            is_final: true,
            length: payload.len() as u64,
            mask,
        };
        header.encode(out);
        let start = out.len();
        out.extend_from_slice(payload);
        if let Some(mut mask) = mask {
            mask.apply(&mut out[start..]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::inbound::{Control, Inbound};
    use super::*;
    use crate::sys::room::Room;

    /// What the other side makes of `stream`, written in pieces.
    fn there_and_back(
        masks: bool,
        bare: bool,
        stream: &[u8],
        piece: usize,
        most: usize,
    ) -> Vec<u8> {
        let mut outbound = Outbound::new(masks, bare);
        let mut network = Vec::new();
        for mut part in stream.chunks(piece) {
            while !part.is_empty() {
                let mut out = Vec::new();
                let taken = outbound.encode(part, &mut out, most, u64::MAX).unwrap();
                part = &part[taken..];
                network.extend(out);
            }
        }
        let mut plain = vec![0; stream.len() + 100];
        let mut place = Room::from(&mut plain[..]);
        let mut inbound = Inbound::new(masks, bare, b"", 0);
        let mut rest = &mut network[..];
        assert_eq!(inbound.decode(&mut rest, &mut place), Ok(None));
        assert!(rest.is_empty());
        let left = place.len();
        plain.truncate(stream.len() + 100 - left);
        plain
    }

    #[test]
    fn frames_become_messages_without_the_greeting() {
        let mut frames = b"\x04\x06\x05READY\x01\x05first\x00\x00\x02".to_vec();
        frames.extend(300u64.to_be_bytes());
        frames.extend([7; 300]);
        frames.extend(b"\x00\x04last");
        let stream = [&[0; GREETING][..], &frames].concat();
        for masks in [false, true] {
            for piece in [1, 3, 1000] {
                for most in [1, 50, 5000] {
                    assert_eq!(there_and_back(masks, false, &stream, piece, most), frames);
                }
            }
        }
    }

    #[test]
    fn the_signature_begins_the_routing_id_of_zmtp_1() {
        let stream = b"\xff\0\0\0\0\0\0\0\x03\x7fid\x02\x01a\x01\x00";
        assert_eq!(
            there_and_back(true, true, stream, 1, 9),
            b"\x03\0id\x02\x01a\x01\0"
        );
    }

    #[test]
    fn a_clients_keys_differ() {
        let mut keys = Keys::new();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..RANDOM {
            seen.insert(keys.next().unwrap());
        }
        assert!(seen.len() > RANDOM - 3, "{} keys", seen.len());
    }

    #[test]
    fn a_body_may_be_written_from_its_place() {
        let mut outbound = Outbound::new(false, false);
        let mut out = Vec::new();
        let stream = [&[0; GREETING][..], b"\x00\x64", &[5; 100]].concat();
        assert_eq!(outbound.direct(), 0);
        let taken = outbound.encode(&stream, &mut out, 1000, 100).unwrap();
        assert_eq!((taken, &out[..]), (GREETING + 2, &[0x82, 101, 0][..]));
        assert_eq!(
            (outbound.direct(), outbound.is_between_frames()),
            (100, false)
        );
        outbound.wrote_directly(60);
        assert_eq!(outbound.direct(), 40);
        outbound.wrote_directly(40);
        assert!(outbound.is_between_frames());
    }

    #[test]
    fn control_frames() {
        for masks in [false, true] {
            let mut outbound = Outbound::new(masks, false);
            let mut network = Vec::new();
            outbound
                .control(Opcode::Ping, &[3; 200], &mut network)
                .unwrap();
            let mut inbound = Inbound::new(masks, false, b"", 0);
            let mut rest = &mut network[..];
            let heard = inbound.decode(&mut rest, &mut Room::default());
            assert_eq!(heard, Ok(Some(Control::Ping(vec![3; 125]))));
        }
    }
}
