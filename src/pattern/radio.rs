//! RADIO: sends each message to the peers that joined its group.
//!
//! In a pipe, as on the wire, a message has the group as a part in front. A join or leave comes
//! as a message marked [`flag::SUBSCRIPTION`]: 1 or 0, then the group.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::routing::distributor::Distributor;
use crate::abi::options::ZMQ_XPUB_NODROP;
use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing, flag};
use crate::options::value;
use crate::pipe::{Incoming, PipeId};
use std::collections::HashMap;

/// A RADIO socket.
#[derive(Default)]
pub struct Radio {
    out: Distributor,
    /// The pipes that joined each group.
    groups: HashMap<Vec<u8>, Vec<PipeId>>,
    /// `ZMQ_XPUB_NODROP`: a send fails while a peer that is to get the message is full.
    reliable: bool,
}

impl Radio {
    fn join(&mut self, group: &[u8], pipe: PipeId) {
        let pipes = self.groups.entry(group.to_vec()).or_default();
        if !pipes.contains(&pipe) {
            pipes.push(pipe);
        }
    }

    fn leave(&mut self, group: &[u8], pipe: PipeId) {
        if let Some(pipes) = self.groups.get_mut(group) {
            pipes.retain(|other| *other != pipe);
            if pipes.is_empty() {
                self.groups.remove(group);
            }
        }
    }

    /// Makes the pipes that joined a group the matching ones.
    fn select(&mut self, group: &[u8]) {
        self.out.unmatch();
        for pipe in self.groups.get(group).into_iter().flatten() {
            self.out.match_pipe(*pipe);
        }
    }
}

impl Pattern for Radio {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, _how: Attachment) {
        self.out.attach(pipe);
        self.read_ready(env, pipe);
    }

    fn detached(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.detached(pipe);
        self.groups.retain(|_, pipes| {
            pipes.retain(|other| *other != pipe);
            !pipes.is_empty()
        });
    }

    /// Reads joins and leaves; other messages are dropped.
    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(end) = env.pipes.get(pipe) else {
            return;
        };
        while let Some(msg) = end.read() {
            match msg.data().split_first() {
                _ if !msg.has(flag::SUBSCRIPTION) => {}
                Some((1, group)) => self.join(group, pipe),
                Some((_, group)) => self.leave(group, pipe),
                None => {}
            }
        }
        if end.is_ended() {
            env.close(pipe);
        }
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.select(part.group());
        if self.reliable && !self.out.has_room(env) {
            return Err(Error::Again);
        }
        let mut group = Msg::copy_from(part.group())?.with(flag::MORE);
        part.clear_group();
        self.out.send_to_matching(env, &mut group, self.reliable);
        self.out.send_to_matching(env, part, self.reliable);
        Ok(())
    }

    fn recv<I: Incoming>(&mut self, _env: &mut Env<'_>, _into: &mut I) -> Result<()> {
        Err(Error::NotSupported)
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        false
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_XPUB_NODROP => self.reliable = value::non_negative_flag(Some(data))?,
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }
}
