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
        self.input.recv(env, into).map(drop).ok_or(Error::Again)
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
        self.input.has_in(env)
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.out.has_out(env)
    }
}
