//! PAIR: exactly one peer.

#![forbid(unsafe_code)]

use super::routing::{fair_queue::FairQueue, load_balancer::LoadBalancer};
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pipe::PipeId;

/// A PAIR socket: the queues of a DEALER, which never hold more than one pipe.
#[derive(Default)]
pub struct Pair {
    peer: Option<PipeId>,
    input: FairQueue,
    out: LoadBalancer,
}

impl Pattern for Pair {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        if self.peer.is_some() {
            env.close(pipe);
            return;
        }
        self.peer = Some(pipe);
        self.input.attach(pipe);
        self.out.attach(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.peer == Some(pipe) {
            self.peer = None;
            self.input.detached(env, pipe);
            self.out.detached(pipe);
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
