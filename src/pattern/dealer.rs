//! DEALER and CLIENT: send to their peers in turn and receive from them in turn.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, send_probe};
use super::routing::{fair_queue::FairQueue, load_balancer::LoadBalancer};
use crate::abi::options::ZMQ_PROBE_ROUTER;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::options::value;
use crate::pipe::{Incoming, PipeId};

/// A DEALER socket; a `SINGLE` one is a CLIENT.
#[derive(Default)]
pub struct Dealer<const SINGLE: bool = false> {
    pub(super) input: FairQueue<SINGLE>,
    pub(super) out: LoadBalancer,
    probe: bool,
}

impl<const SINGLE: bool> Pattern for Dealer<SINGLE> {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        if self.probe {
            send_probe(env, pipe);
        }
        self.input.attach(pipe);
        self.out.attach(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.detached(env, pipe);
        self.out.detached(pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.out.send(env, part)
    }

    #[inline]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        self.input.recv(env, into).map(drop).ok_or(Error::Again)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        self.input.has_in(env)
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.out.has_out(env)
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_PROBE_ROUTER if !SINGLE => self.probe = value::non_negative_flag(Some(data))?,
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }
}
