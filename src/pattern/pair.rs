//! PAIR and CHANNEL: exactly one peer.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::dealer::Dealer;
use crate::error::Result;
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};
use std::collections::VecDeque;

/// A PAIR socket: a DEALER whose queues have one pipe at most. After a peer has disconnected
/// another may attach; what the former peer sent is read first. A `SINGLE` one is a CHANNEL.
#[derive(Default)]
pub struct Pair<const SINGLE: bool = false> {
    dealer: Dealer<SINGLE>,
    peer: Option<PipeId>,
    /// The pipe that the DEALER reads, then the pipes to read after it ends.
    readers: VecDeque<PipeId>,
}

impl<const SINGLE: bool> Pair<SINGLE> {
    /// Whether there is a connected peer.
    fn is_taken(&self, env: &mut Env<'_>) -> bool {
        let end = self.peer.and_then(|peer| env.pipes.get(peer));
        end.is_some_and(|end| !end.has_peer_left())
    }

    /// Moves reading to the next pipe if the current one, which is empty, has ended and
    /// another follows; false if not.
    #[cold]
    #[inline(never)]
    fn next_reader(&mut self, env: &mut Env<'_>) -> bool {
        let Some(&first) = self.readers.front().filter(|_| self.readers.len() > 1) else {
            return false;
        };
        let over = env.pipes.get(first).is_none_or(|end| end.is_ended());
        if over {
            env.close(first);
            self.detached(env, first);
        }
        over
    }
}

impl<const SINGLE: bool> Pattern for Pair<SINGLE> {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        if self.is_taken(env) {
            env.close(pipe);
            return;
        }
        if let Some(former) = self.peer.replace(pipe) {
            self.dealer.out.detached(former);
        }
        self.dealer.out.attach(pipe);
        if self.readers.is_empty() {
            self.dealer.input.attach(pipe);
        }
        self.readers.push_back(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.peer == Some(pipe) {
            self.peer = None;
            self.dealer.out.detached(pipe);
        }
        if self.readers.front() != Some(&pipe) {
            self.readers.retain(|other| *other != pipe);
            return;
        }
        self.readers.pop_front();
        self.dealer.input.detached(env, pipe);
        if let Some(next) = self.readers.front() {
            self.dealer.input.attach(*next);
        }
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.dealer.read_ready(env, pipe);
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.dealer.write_ready(env, pipe);
    }

    #[inline]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.dealer.send(env, part)
    }

    #[inline]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        while let Err(error) = self.dealer.recv(env, into) {
            if !self.next_reader(env) {
                return Err(error);
            }
        }
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        while !self.dealer.has_in(env) {
            if !self.next_reader(env) {
                return false;
            }
        }
        true
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.dealer.has_out(env)
    }
}
