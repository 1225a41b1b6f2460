//! PAIR: exactly one peer.

#![forbid(unsafe_code)]

use super::routing::{fair_queue::FairQueue, load_balancer::LoadBalancer};
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pipe::PipeId;
use std::collections::VecDeque;

/// A PAIR socket: the queues of a DEALER, which never hold more than one pipe. A
/// peer that has gone leaves its place to another; what it sent is read first.
#[derive(Default)]
pub struct Pair {
    peer: Option<PipeId>,
    input: FairQueue,
    out: LoadBalancer,
    /// The pipe in `input`, and those to follow when it is read. Boxed, so that the
    /// queues lie where they do in a DEALER.
    turns: Box<Turns>,
}

#[derive(Default)]
struct Turns(VecDeque<PipeId>);

impl Pair {
    /// Whether a peer has the place.
    fn is_taken(&self, env: &mut Env<'_>) -> bool {
        let end = self.peer.and_then(|peer| env.pipes.get(peer));
        end.is_some_and(|end| !end.has_peer_left())
    }

    /// As [`recv`](Pattern::recv), after the pipe being read has given nothing.
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

    /// The pipe being read is dry. If its peer has gone, reading moves to the next pipe;
    /// false if not.
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
