//! PULL: receives from its peers in turn.

#![forbid(unsafe_code)]

use super::routing::fair_queue::FairQueue;
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::Msg;
use crate::pipe::PipeId;

/// A PULL socket.
#[derive(Default)]
pub struct Pull {
    input: FairQueue,
}

impl Pattern for Pull {
    fn attached(&mut self, _env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.input.attach(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    fn send(&mut self, _env: &mut Env<'_>, _msg: &mut Msg) -> Result<()> {
        Err(Error::NotSupported)
    }

    #[inline]
    fn recv(&mut self, env: &mut Env<'_>, into: &mut Msg) -> Result<()> {
        self.input.recv(env, into).map(drop).ok_or(Error::Again)
    }

    #[inline]
    fn plain_input(&mut self) -> Option<&mut FairQueue> {
        Some(&mut self.input)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        self.input.has_in(env)
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }
}
