//! From WebSocket messages to the bytes of a ZMTP stream (ZWS 2.0, RFC 45).
//!
//! Each binary message is a frame of ZMTP: an octet of flags, then the body. The stream begins
//! with a greeting that the peer did not send: its subprotocol says what would stand in it.
//! Without a mechanism (`ZWS2.0`) the stream is that of a ZMTP 1.0 peer.

#![forbid(unsafe_code)]

use super::frames::{Header, Mask, Opcode};
use crate::message::frame;
use crate::sys::room::Room;

/// Flags of a message (RFC 45).
pub(super) const MORE: u8 = 1;
pub(super) const COMMAND: u8 = 2;

/// What a peer says besides its messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Control {
    /// A ping, to be answered by a pong with the same payload.
    Ping(Vec<u8>),
    /// A pong.
    Pong,
    /// The end of what it sends, to be answered alike.
    Close(Vec<u8>),
}

/// The payload of a frame that has arrived in part.
#[derive(Clone, Copy, Debug)]
struct Payload {
    left: u64,
    mask: Option<Mask>,
}

impl Payload {
    /// Takes what `network` has of it, at most `most` bytes, and unmasks that.
    fn take<'a>(&mut self, network: &mut &'a mut [u8], most: usize) -> &'a mut [u8] {
        let there = network.len().min(most);
        let count = usize::try_from(self.left).map_or(there, |left| left.min(there));
        let all = std::mem::take(network);
        let (taken, rest) = all.split_at_mut(count);
        *network = rest;
        if let Some(mask) = &mut self.mask {
            mask.apply(taken);
        }
        self.left -= count as u64;
        taken
    }
}

/// The reader of one direction of a connection.
#[derive(Debug)]
pub(super) struct Inbound {
    /// The peer is a client, whose frames are masked.
    masked: bool,
    /// The stream is that of a ZMTP 1.0 peer.
    bare: bool,
    /// Most bytes of a message that comes in fragments.
    limit: usize,
    /// Bytes of the stream to be given out before those of the body.
    ready: Vec<u8>,
    /// What is left of the body of a message.
    body: Option<Payload>,
    /// A message that comes in fragments, as far as it has come; and what is left of the
    /// present fragment, and whether it is the last.
    fragments: Option<Vec<u8>>,
    fragment: Option<(Payload, bool)>,
    closed: bool,
}

impl Inbound {
    /// A reader of a peer whose stream begins with `greeting`. `limit` is in bytes.
    pub(super) fn new(masked: bool, bare: bool, greeting: &[u8], limit: usize) -> Inbound {
        Inbound {
            masked,
            bare,
            limit,
            ready: greeting.to_vec(),
            body: None,
            fragments: None,
            fragment: None,
            closed: false,
        }
    }

    /// Whether the peer has said that it sends no more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// How many bytes of a body are next in the network's stream, if nothing else comes first,
    /// and the mask to apply to them: such bytes may be read into their place.
    pub(super) fn direct(&mut self) -> Option<(u64, Option<&mut Mask>)> {
        let body = self.body.as_mut().filter(|_| self.ready.is_empty())?;
        Some((body.left, body.mask.as_mut()))
    }

    /// So many bytes of a body were read into their place, and unmasked.
    pub(super) fn read_directly(&mut self, count: usize) {
        self.body = self.body.and_then(|body| {
            let left = body.left.saturating_sub(count as u64);
            (left > 0).then_some(Payload { left, ..body })
        });
    }

    /// Takes bytes of the network from the front of `network`, which it unmasks in place, and
    /// appends those of the stream to `plain` until it is full. Stops after a control frame.
    ///
    /// Errors: what is wrong with the peer's frames, for the log.
    pub(super) fn decode(
        &mut self,
        network: &mut &mut [u8],
        plain: &mut Room<'_>,
    ) -> Result<Option<Control>, &'static str> {
        while !self.closed {
            if !self.give_out(plain) {
                break;
            }
            if let Some(body) = &mut self.body {
                let part = body.take(network, plain.len());
                let is_empty = part.is_empty() && body.left > 0;
                plain.put(part);
                if body.left == 0 {
                    self.body = None;
                } else if is_empty {
                    break;
                }
                continue;
            }
            if let Some((fragment, is_last)) = &mut self.fragment {
                let part = fragment.take(network, usize::MAX);
                let whole = self.fragments.get_or_insert_default();
                whole.extend_from_slice(part);
                if fragment.left > 0 {
                    break;
                }
                let is_last = *is_last;
                self.fragment = None;
                if is_last {
                    let whole = self.fragments.take().unwrap_or_default();
                    let (flags, body) = whole.split_first().ok_or(NO_FLAGS)?;
                    self.begin(*flags, body.len() as u64);
                    self.ready.extend_from_slice(body);
                }
                continue;
            }
            match self.begin_frame(network)? {
                Step::Starved => break,
                Step::Control(control) => return Ok(Some(control)),
                Step::Begun => {}
            }
        }
        Ok(None)
    }

    /// Moves what is ready to `plain`. False if it did not all fit.
    fn give_out(&mut self, plain: &mut Room<'_>) -> bool {
        if self.ready.is_empty() {
            return true;
        }
        let count = self.ready.len().min(plain.len());
        plain.put(&self.ready[..count]);
        self.ready.drain(..count);
        self.ready.is_empty()
    }

    fn begin_frame(&mut self, network: &mut &mut [u8]) -> Result<Step, &'static str> {
        let Some((header, length)) = Header::decode(network)? else {
            return Ok(Step::Starved);
        };
        if header.mask.is_some() != self.masked {
            return Err("a client's frame without mask, or a server's with one");
        }
        // A control frame is taken when it is whole, a message with its flags.
        let needed = match header.opcode.is_control() {
            true => header.length as usize,
            false => header.length.min(1) as usize,
        };
        if network.len() < length + needed {
            return Ok(Step::Starved);
        }
        *network = &mut std::mem::take(network)[length..];
        let mut payload = Payload {
            left: header.length,
            mask: header.mask,
        };
        match header.opcode {
            Opcode::Ping => Ok(Step::Control(Control::Ping(
                payload.take(network, needed).to_vec(),
            ))),
            Opcode::Pong => {
                payload.take(network, needed);
                Ok(Step::Control(Control::Pong))
            }
            Opcode::Close => {
                self.closed = true;
                Ok(Step::Control(Control::Close(
                    payload.take(network, needed).to_vec(),
                )))
            }
            Opcode::Text => Err("a message of text"),
            opcode => {
                if (opcode == Opcode::Continuation) != self.fragments.is_some() {
                    return Err("a fragment out of order");
                }
                self.begin_payload(header, payload, network)
            }
        }
    }

    fn begin_payload(
        &mut self,
        header: Header,
        mut payload: Payload,
        network: &mut &mut [u8],
    ) -> Result<Step, &'static str> {
        if header.is_final && self.fragments.is_none() {
            let flags = *payload.take(network, 1).first().ok_or(NO_FLAGS)?;
            self.begin(flags, payload.left);
            self.body = (payload.left > 0).then_some(payload);
            return Ok(Step::Begun);
        }
        let so_far = self.fragments.get_or_insert_default().len();
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if length > self.limit.saturating_sub(so_far) {
            return Err("a message in fragments that is too long");
        }
        self.fragment = Some((payload, header.is_final));
        Ok(Step::Begun)
    }

    /// Appends the header of a ZMTP frame.
    fn begin(&mut self, flags: u8, size: u64) {
        let more = flags & MORE;
        match (self.bare, size) {
            (true, 0..254) => self.ready.extend([size as u8 + 1, more]),
            (true, _) => {
                self.ready.push(0xff);
                self.ready.extend(size.saturating_add(1).to_be_bytes());
                self.ready.push(more);
            }
            (false, _) => {
                let more = if more == 0 { 0 } else { frame::MORE };
                let command = if flags & COMMAND == 0 {
                    0
                } else {
                    frame::COMMAND
                };
                let size = usize::try_from(size).unwrap_or(usize::MAX); // such a frame is refused
                frame::encode(more | command, size, |header| self.ready.extend(header));
            }
        }
    }
}

const NO_FLAGS: &str = "a message without flags";

enum Step {
    Starved,
    Begun,
    Control(Control),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(opcode: u8, key: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![opcode];
        let masked = if key.is_some() { 0x80 } else { 0 };
        match payload.len() {
            short @ 0..=125 => bytes.push(masked | short as u8),
            long => {
                bytes.push(masked | 126);
                bytes.extend((long as u16).to_be_bytes());
            }
        }
        bytes.extend(key.into_iter().flatten());
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        if let Some(key) = key {
            Mask::new(key).apply(&mut bytes[start..]);
        }
        bytes
    }

    /// Feeds `network` in pieces, with room for `room` bytes at a time.
    fn run(
        mut inbound: Inbound,
        network: &[u8],
        piece: usize,
        room: usize,
    ) -> Result<(Vec<u8>, Vec<Control>), &'static str> {
        let (mut plain, mut controls, mut pending) = (Vec::new(), Vec::new(), Vec::new());
        for part in network.chunks(piece) {
            pending.extend_from_slice(part);
            loop {
                let mut buffer = vec![0; room];
                let mut place = Room::from(&mut buffer[..]);
                let before = pending.len();
                let mut rest = &mut pending[..];
                let control = inbound.decode(&mut rest, &mut place)?;
                let (left, taken) = (rest.len(), room - place.len());
                plain.extend_from_slice(&buffer[..taken]);
                pending.drain(..before - left);
                let again = control.is_some() || taken == room;
                controls.extend(control);
                if !again {
                    break;
                }
            }
        }
        Ok((plain, controls))
    }

    #[test]
    fn messages_become_frames_however_they_arrive() {
        let long = [7; 300];
        for key in [None, Some([9, 8, 7, 6])] {
            let network = [
                frame(0x82, key, b"\x02\x05READY"),
                frame(0x82, key, b"\x01first"),
                frame(0x82, key, b"\x00"),
                frame(0x82, key, &[&[0][..], &long].concat()),
            ]
            .concat();
            let mut expected = b"hello\x04\x06\x05READY\x01\x05first\x00\x00\x02".to_vec();
            expected.extend(300u64.to_be_bytes());
            expected.extend(long);
            for piece in [1, 2, 7, 1000] {
                for room in [1, 3, 1000] {
                    let inbound = Inbound::new(key.is_some(), false, b"hello", 1000);
                    let (plain, controls) = run(inbound, &network, piece, room).unwrap();
                    assert_eq!(plain, expected, "{piece} {room}");
                    assert_eq!(controls, []);
                }
            }
        }
    }

    #[test]
    fn a_peer_without_mechanism_speaks_zmtp_1() {
        let long = [&[1][..], &[5; 254]].concat();
        let network = [frame(0x82, None, b"\x00id"), frame(0x82, None, &long)].concat();
        let (plain, _) = run(Inbound::new(false, true, b"", 1000), &network, 3, 100).unwrap();
        let mut expected = b"\x03\x00id\xff".to_vec();
        expected.extend(255u64.to_be_bytes());
        expected.extend(&long);
        assert_eq!(plain, expected);
    }

    #[test]
    fn fragments_make_one_message_with_control_frames_between() {
        let key = Some([1, 2, 3, 4]);
        let network = [
            frame(0x02, key, b"\x01ab"),
            frame(0x89, key, b"are you there"),
            frame(0x00, key, b""),
            frame(0x00, key, b"cd"),
            frame(0x8a, key, b""),
            frame(0x80, key, b"e"),
            frame(0x82, key, b"\x00next"),
            frame(0x88, key, b"\x03\xe8bye"),
            frame(0x82, key, b"\x00late"),
        ]
        .concat();
        for piece in [1, 4, 1000] {
            let inbound = Inbound::new(true, false, b"", 6);
            let (plain, controls) = run(inbound, &network, piece, 100).unwrap();
            assert_eq!(plain, b"\x01\x05abcde\x00\x04next");
            let ping = Control::Ping(b"are you there".to_vec());
            let close = Control::Close(b"\x03\xe8bye".to_vec());
            assert_eq!(controls, [ping, Control::Pong, close]);
        }
    }

    #[test]
    fn wrong_frames_end_the_stream() {
        let key = Some([1, 2, 3, 4]);
        for wrong in [
            frame(0x82, None, b"\x00a"), // no mask
            frame(0x81, key, b"\x00a"),  // text
            frame(0x82, key, b""),       // no flags
            frame(0x80, key, b"\x00a"),  // nothing to continue
            [frame(0x02, key, b"\x00"), frame(0x82, key, b"\x00")].concat(), // not continued
            [frame(0x02, key, b"\x00aaa"), frame(0x80, key, b"bbb")].concat(), // too long
            [frame(0x02, key, b""), frame(0x80, key, b"")].concat(), // no flags
        ] {
            let outcome = run(Inbound::new(true, false, b"", 6), &wrong, 1000, 100);
            assert!(outcome.is_err(), "{wrong:x?}: {outcome:?}");
        }
        let masked = frame(0x82, key, b"\x00a");
        assert!(run(Inbound::new(false, false, b"", 6), &masked, 9, 9).is_err());
    }

    #[test]
    fn a_body_may_be_read_into_its_place() {
        let key = [1, 2, 3, 4];
        let payload = [&[0][..], &[5; 100]].concat();
        let mut network = frame(0x82, Some(key), &payload);
        let mut inbound = Inbound::new(true, false, b"", 6);
        let mut buffer = [0; 20];
        let mut place = Room::from(&mut buffer);
        let mut start = &mut network[..20];
        assert_eq!(inbound.decode(&mut start, &mut place), Ok(None));
        assert_eq!((start.len(), place.len()), (0, 20 - 2 - 13));
        let (left, mask) = inbound.direct().unwrap();
        assert_eq!(left, 87);
        mask.unwrap().apply(&mut network[20..60]);
        inbound.read_directly(40);
        let mut rest = &mut network[60..];
        let mut buffer = [0; 60];
        let mut place = Room::from(&mut buffer);
        assert_eq!(inbound.decode(&mut rest, &mut place), Ok(None));
        assert_eq!(place.len(), 60 - 47);
        assert_eq!(buffer[..47], [5; 47]);
        assert_eq!(network[20..60], [5; 40]);
        assert!(inbound.direct().is_none());
    }
}
