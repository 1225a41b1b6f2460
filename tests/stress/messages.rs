//! Messages whose every byte is known from their number.

#![forbid(unsafe_code)]

use crate::common::{Message, Result, Socket};
use crate::travel::Random;
use std::collections::HashMap;

pub use zmq::abi::numbers::{ZMQ_DONTWAIT as DONTWAIT, ZMQ_SNDMORE as SNDMORE};

/// What a message is: whose, of which of the sender's lives, the how manieth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id {
    pub source: u32,
    pub life: u32,
    pub number: u64,
}

impl Id {
    pub fn chance(self, salt: u64) -> Random {
        let life = u64::from(self.source) << 32 | u64::from(self.life);
        Random(
            life.wrapping_mul(0x0100_0000_01b3)
                .wrapping_add(self.number)
                ^ salt << 56,
        )
    }

    pub fn head(self) -> [u8; 16] {
        let mut head = [0; 16];
        head[..4].copy_from_slice(&self.source.to_ne_bytes());
        head[4..8].copy_from_slice(&self.life.to_ne_bytes());
        head[8..].copy_from_slice(&self.number.to_ne_bytes());
        head
    }

    pub fn read(head: &[u8]) -> Id {
        assert_eq!(head.len(), 16, "a head is torn");
        Id {
            source: u32::from_ne_bytes(head[..4].try_into().unwrap()),
            life: u32::from_ne_bytes(head[4..8].try_into().unwrap()),
            number: u64::from_ne_bytes(head[8..].try_into().unwrap()),
        }
    }

    /// The parts after the head: up to three, mostly small.
    pub fn parts(self) -> Vec<Vec<u8>> {
        let mut chance = self.chance(1);
        let count = chance.below(4);
        let mut part = || {
            let size = match chance.below(64) {
                0 => 70_000,
                1..3 => 9_000,
                3..8 => 2_000 + chance.below(100),
                8..24 => 30 + chance.below(8),
                _ => chance.below(300),
            };
            let mut byte = chance.next();
            let mut next = || {
                byte = byte.wrapping_add(0x0101_0101_0101_0107);
                (byte >> 16) as u8
            };
            (0..size).map(|_| next()).collect()
        };
        (0..count).map(|_| part()).collect()
    }
}

/// Sends `before`, the head and the parts.
pub fn send(socket: Socket, before: &[&[u8]], id: Id) -> Result<()> {
    send_with(socket, before, id, 0)
}

pub fn send_with(socket: Socket, before: &[&[u8]], id: Id, flags: i32) -> Result<()> {
    let (head, parts) = (id.head(), id.parts());
    let mut all: Vec<&[u8]> = before.to_vec();
    all.push(&head);
    all.extend(parts.iter().map(Vec::as_slice));
    for (i, part) in all.iter().enumerate() {
        let more = if i + 1 < all.len() { SNDMORE } else { 0 };
        // Once the first is in, the others must not be refused.
        let wait = if i == 0 { flags } else { 0 };
        socket.send(part, more | wait)?;
    }
    Ok(())
}

/// All parts of the next message.
pub fn receive(socket: Socket, flags: i32) -> Result<Vec<Message>> {
    let mut parts = vec![socket.recv(flags)?];
    while parts.last().is_some_and(Message::more) {
        parts.push(
            socket
                .recv(DONTWAIT)
                .expect("a part did not come with the first"),
        );
    }
    Ok(parts)
}

/// Sends on what `receive` gave.
pub fn forward(socket: Socket, parts: Vec<Message>) -> Result<()> {
    for mut part in parts {
        let more = if part.more() { SNDMORE } else { 0 };
        socket.send_message(&mut part, more)?;
    }
    Ok(())
}

/// Checks each byte.
pub fn check(parts: &[Message]) -> Id {
    let id = Id::read(parts[0].data());
    let wanted = id.parts();
    assert_eq!(parts.len(), wanted.len() + 1, "parts of {id:?}");
    for (got, want) in parts[1..].iter().zip(&wanted) {
        assert!(got.data() == want, "a part of {id:?} is damaged");
    }
    id
}

/// What has come from each life of each sender.
#[derive(Default)]
pub struct Ledger(HashMap<(u32, u32), u64>);

impl Ledger {
    /// The next of its life, with none left out.
    pub fn next(&mut self, id: Id) {
        let next = self.0.entry((id.source, id.life)).or_default();
        assert_eq!(id.number, *next, "{id:?}");
        *next += 1;
    }

    /// Later than all before.
    pub fn later(&mut self, id: Id) {
        let next = self.0.entry((id.source, id.life)).or_default();
        assert!(id.number >= *next, "{id:?} came after {}", *next);
        *next = id.number + 1;
    }
}
