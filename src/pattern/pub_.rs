//! PUB: sends each message to the peers that subscribed to its topic.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::xpub::Xpub;
use crate::error::{Error, Result};
use crate::message::Outgoing;
use crate::pipe::{Incoming, PipeId};
use crate::sys::room::Room;

/// A PUB socket: an XPUB from which the application does not receive.
pub struct Pub {
    xpub: Xpub,
}

impl Default for Pub {
    fn default() -> Self {
        Pub { xpub: Xpub::deaf() }
    }
}

impl Pattern for Pub {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.xpub.attached(env, pipe, how);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xpub.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xpub.read_ready(env, pipe);
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.xpub.write_ready(env, pipe);
    }

    fn has_backlog(&self) -> bool {
        self.xpub.has_backlog()
    }

    fn continue_backlog(&mut self, env: &mut Env<'_>) {
        self.xpub.continue_backlog(env);
    }

    #[inline]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.xpub.send(env, part)
    }

    fn recv<I: Incoming>(&mut self, _env: &mut Env<'_>, _into: &mut I) -> Result<()> {
        Err(Error::NotSupported)
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.xpub.has_out(env)
    }

    fn set_option(&mut self, env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        self.xpub.set_option(env, option, data)
    }

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        self.xpub.get_option(option, out)
    }
}
