//! PULL and GATHER: receive from their peers in turn.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::routing::fair_queue::FairQueue;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};

/// A PULL socket; a `SINGLE` one is a GATHER.
#[derive(Default)]
pub struct Pull<const SINGLE: bool = false> {
    input: FairQueue<SINGLE>,
}

impl<const SINGLE: bool> Pattern for Pull<SINGLE> {
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

    fn send<P: Outgoing>(&mut self, _env: &mut Env<'_>, _part: &mut P) -> Result<()> {
        Err(Error::NotSupported)
    }

    #[inline]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        self.input.recv(env, into).map(drop).ok_or(Error::Again)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        self.input.has_in(env)
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }
}
