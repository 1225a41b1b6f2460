//! DISH: receives what is sent to the groups that it joined.
//!
//! See [`radio`](super::radio) for the form of messages, joins and leaves in a pipe.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, subscription};
use super::routing::{distributor::Distributor, fair_queue::FairQueue};
use crate::error::{Error, Result};
use crate::message::{GROUP_MAX, Msg, Outgoing, flag};
use crate::pipe::{Bare, Incoming, PipeEnd, PipeId};
use std::collections::HashSet;

/// A DISH socket.
#[derive(Default)]
pub struct Dish {
    input: FairQueue,
    out: Distributor,
    groups: HashSet<Vec<u8>>,
    /// A message read by `has_in`, with its group.
    ahead: Option<Msg>,
}

impl Dish {
    /// Sends all joins to a peer.
    fn resend(&self, end: &mut PipeEnd) {
        for group in &self.groups {
            // Without memory the peer is not sent this one.
            if let Ok(msg) = subscription(1, group) {
                end.write_unchecked(msg);
            }
        }
        end.flush();
    }

    /// Reads a message of a joined group; others, and those of another form, are dropped.
    fn next<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> bool {
        let mut group = Msg::new();
        while self.input.recv(env, &mut Bare(&mut group)).is_some() {
            if group.more() && self.groups.contains(group.data()) {
                if self.input.recv(env, into).is_none() {
                    return false;
                }
                if !into.more() {
                    into.set_group(group.data());
                    return true;
                }
                group.set(flag::MORE, true);
            }
            while group.more() && self.input.recv(env, &mut Bare(&mut group)).is_some() {}
        }
        false
    }
}

impl Pattern for Dish {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.input.attach(pipe);
        self.out.attach(pipe);
        if let Some(end) = env.pipes.get(pipe) {
            self.resend(end);
        }
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

    fn hiccup(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if let Some(end) = env.pipes.get(pipe) {
            end.restart();
            self.out.restarted(pipe);
            self.resend(end);
        }
    }

    fn join(&mut self, env: &mut Env<'_>, group: &[u8]) -> Result<()> {
        if group.len() > GROUP_MAX || self.groups.contains(group) {
            return Err(Error::Invalid);
        }
        let mut msg = subscription(1, group)?;
        self.groups.insert(group.to_vec());
        self.out.send_unchecked(env, &mut msg);
        Ok(())
    }

    fn leave(&mut self, env: &mut Env<'_>, group: &[u8]) -> Result<()> {
        let mut msg = subscription(0, group)?;
        if !self.groups.remove(group) {
            return Err(Error::Invalid);
        }
        self.out.send_unchecked(env, &mut msg);
        Ok(())
    }

    fn send<P: Outgoing>(&mut self, _env: &mut Env<'_>, _part: &mut P) -> Result<()> {
        Err(Error::NotSupported)
    }

    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        if let Some(msg) = self.ahead.take() {
            into.put(msg);
            return Ok(());
        }
        self.next(env, into).then_some(()).ok_or(Error::Again)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.ahead.is_none() {
            let mut msg = Msg::new();
            self.ahead = self.next(env, &mut msg).then_some(msg);
        }
        self.ahead.is_some()
    }

    /// True, as in libzmq, though a send fails.
    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }
}
