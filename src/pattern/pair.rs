//! PAIR: exactly one peer.

#![forbid(unsafe_code)]

use super::routing::{fair_queue::FairQueue, load_balancer::LoadBalancer};
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pipe::PipeId;
use std::collections::VecDeque;

/// A PAIR socket: the queues of a DEALER, each with one pipe at most. After a peer has
/// disconnected another may attach; what the former peer sent is read first.
#[derive(Default)]
pub struct Pair {
    peer: Option<PipeId>,
    input: FairQueue,
    out: LoadBalancer,
    /// The pipe in `input`, then the pipes to read after it ends. Boxed, so that the offsets
    /// of the queues are those in a DEALER.
    turns: Box<Turns>,
}

#[derive(Default)]
struct Turns(VecDeque<PipeId>);

impl Pair {
    /// Whether there is a connected peer.
    fn is_taken(&self, env: &mut Env<'_>) -> bool {
        let end = self.peer.and_then(|peer| env.pipes.get(peer));
        end.is_some_and(|end| !end.has_peer_left())
    }

    /// As [`recv`](Pattern::recv), after the pipe being read was found empty.
    #[cold]
    #[inline(never)]
    fn recv_next(&mut self, env: &mut Env<'_>, into: &mut Msg) -> Result<()> {
        while self.next_turn(env) {
            if self.input.recv(env, into).is_some() {
                return Ok(());
            }
        }
        Err(Error::Again)
    }

    /// Moves reading to the next pipe if the current one, which is empty, has ended and
    /// another follows; false if not.
    #[cold]
    fn next_turn(&mut self, env: &mut Env<'_>) -> bool {
        let Some(&first) = self.turns.0.front().filter(|_| self.turns.0.len() > 1) else {
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

impl Pattern for Pair {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        if self.is_taken(env) {
            env.close(pipe);
            return;
        }
        if let Some(former) = self.peer.replace(pipe) {
            self.out.detached(former);
        }
        self.out.attach(pipe);
        if self.turns.0.is_empty() {
            self.input.attach(pipe);
        }
        self.turns.0.push_back(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.peer == Some(pipe) {
            self.peer = None;
            self.out.detached(pipe);
        }
        if self.turns.0.front() != Some(&pipe) {
            self.turns.0.retain(|other| *other != pipe);
            return;
        }
        self.turns.0.pop_front();
        self.input.detached(env, pipe);
        if let Some(next) = self.turns.0.front() {
            self.input.attach(*next);
        }
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline]
    fn send(&mut self, env: &mut Env<'_>, msg: &mut Msg) -> Result<()> {
        self.out.send(env, msg).map(drop)
    }

    #[inline]
    fn recv(&mut self, env: &mut Env<'_>, into: &mut Msg) -> Result<()> {
        match self.input.recv(env, into) {
            Some(_) => Ok(()),
            None => self.recv_next(env, into),
        }
    }

    #[inline]
    fn plain_output(&mut self) -> Option<&mut LoadBalancer> {
        Some(&mut self.out)
    }

    #[inline]
    fn plain_input(&mut self) -> Option<&mut FairQueue> {
        Some(&mut self.input)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        while !self.input.has_in(env) {
            if !self.next_turn(env) {
                return false;
            }
        }
        true
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.out.has_out(env)
    }
}
