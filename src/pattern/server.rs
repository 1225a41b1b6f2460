//! SERVER and PEER: address their peers by numbers, which are marks of messages and never on
//! the wire.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::routing::fair_queue::FairQueue;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};

/// A SERVER or PEER socket.
pub struct Server {
    input: FairQueue<true>,
    /// The peers' numbers with their pipes, in the order of the numbers.
    peers: Vec<(u32, PipeId)>,
    /// By pipe id (ids are small): the peer's number, or 0.
    numbers: Vec<u32>,
    /// The number given last.
    latest: u32,
}

impl Server {
    /// A SERVER whose peers' numbers count from `seed`.
    pub fn new(seed: u32) -> Server {
        Server {
            input: FairQueue::default(),
            peers: Vec::new(),
            numbers: Vec::new(),
            latest: seed,
        }
    }

    fn position(&self, number: u32) -> std::result::Result<usize, usize> {
        self.peers.binary_search_by_key(&number, |peer| peer.0)
    }

    /// Gives the next free number, which is not 0, to a pipe.
    fn admit(&mut self, pipe: PipeId) {
        let place = loop {
            self.latest = self.latest.wrapping_add(1);
            match self.position(self.latest) {
                Err(place) if self.latest != 0 => break place,
                _ => {}
            }
        };
        self.peers.insert(place, (self.latest, pipe));
        let id = pipe.0 as usize;
        if self.numbers.len() <= id {
            self.numbers.resize(id + 1, 0);
        }
        self.numbers[id] = self.latest;
    }
}

impl Pattern for Server {
    fn attached(&mut self, _env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.admit(pipe);
        self.input.attach(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if let Some(number) = self.numbers.get_mut(pipe.0 as usize) {
            let number = std::mem::take(number);
            if let Ok(place) = self.position(number) {
                self.peers.remove(place);
            }
        }
        self.input.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    fn latest_number(&self) -> u32 {
        self.latest
    }

    fn numbered(&self, number: u32) -> Result<PipeId> {
        let place = self.position(number).map_err(|_| Error::HostUnreachable)?;
        let peer = self.peers.get(place).ok_or(Error::HostUnreachable)?;
        Ok(peer.1)
    }

    #[inline]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        let number = part.routing_id();
        let pipe = self.numbered(number)?;
        let end = env.pipes.get(pipe).ok_or(Error::HostUnreachable)?;
        if !end.check_write() {
            // What it sent may still be read, but nothing can be sent to it.
            return Err(match end.is_peer_closed() {
                true => Error::HostUnreachable,
                false => Error::Again,
            });
        }
        part.set_routing_id(0);
        if !end.write_from(part) {
            part.set_routing_id(number);
            return Err(Error::NoMemory);
        }
        end.flush();
        Ok(())
    }

    #[inline]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        let pipe = self.input.recv(env, into).ok_or(Error::Again)?;
        into.set_routing_id(self.numbers.get(pipe.0 as usize).copied().unwrap_or(0));
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        self.input.has_in(env)
    }

    /// Whether a send succeeds depends on the peer that it is for.
    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }
}
