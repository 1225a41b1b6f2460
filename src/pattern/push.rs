//! PUSH: sends to its peers in turn.

#![forbid(unsafe_code)]

use super::routing::load_balancer::LoadBalancer;
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pipe::PipeId;

/// A PUSH socket.
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
        super::discard_input(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline]
    fn send(&mut self, env: &mut Env<'_>, msg: &mut Msg) -> Result<()> {
        self.out.send(env, msg).map(drop)
    }

    fn recv(&mut self, _env: &mut Env<'_>, _into: &mut Msg) -> Result<()> {
        Err(Error::NotSupported)
    }

    #[inline]
    fn plain_output(&mut self) -> Option<&mut LoadBalancer> {
        Some(&mut self.out)
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.out.has_out(env)
    }
}
