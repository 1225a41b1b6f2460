//! PUSH and SCATTER: send to their peers in turn.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, discard_input};
use super::routing::load_balancer::LoadBalancer;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};

/// A PUSH or SCATTER socket.
#[derive(Default)]
pub struct Push {
    out: LoadBalancer,
}

impl Pattern for Push {
    fn attached(&mut self, _env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.out.attach(pipe);
    }

    fn detached(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.detached(pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        discard_input(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.out.send(env, part)
    }

    fn recv<I: Incoming>(&mut self, _env: &mut Env<'_>, _into: &mut I) -> Result<()> {
        Err(Error::NotSupported)
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.out.has_out(env)
    }
}
