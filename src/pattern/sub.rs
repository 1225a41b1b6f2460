//! SUB: receives the topics it subscribed to.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::xsub::Xsub;
use crate::abi::options::{ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE};
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};
use crate::sys::room::Room;

/// A SUB socket: an XSUB that subscribes by options and filters what it receives.
pub struct Sub {
    xsub: Xsub,
}

impl Default for Sub {
    fn default() -> Self {
        Sub {
            xsub: Xsub::filtering(),
        }
    }
}

impl Pattern for Sub {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.xsub.attached(env, pipe, how);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xsub.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xsub.read_ready(env, pipe);
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xsub.write_ready(env, pipe);
    }

    fn hiccup(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xsub.hiccup(env, pipe);
    }

    fn send<P: Outgoing>(&mut self, _env: &mut Env<'_>, _part: &mut P) -> Result<()> {
        Err(Error::NotSupported)
    }

    #[inline]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        self.xsub.recv(env, into)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        self.xsub.has_in(env)
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }

    fn set_option(&mut self, env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_SUBSCRIBE => self.xsub.subscribe(env, data),
            ZMQ_UNSUBSCRIBE => self.xsub.unsubscribe(env, data),
            _ => Err(Error::Invalid),
        }
    }

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        self.xsub.get_option(option, out)
    }
}
