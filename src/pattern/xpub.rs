//! XPUB: sends to whoever subscribed, and hands subscriptions to the application.

#![forbid(unsafe_code)]

use super::routing::distributor::Distributor;
use super::routing::subscriptions::{Removal, Subscriptions};
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::{Msg, flag};
use crate::options::{
    constants::{
        ZMQ_SUBSCRIBE, ZMQ_UNSUBSCRIBE, ZMQ_XPUB_MANUAL, ZMQ_XPUB_NODROP, ZMQ_XPUB_VERBOSE,
        ZMQ_XPUB_VERBOSER, ZMQ_XPUB_WELCOME_MSG,
        draft::{ZMQ_ONLY_FIRST_SUBSCRIBE, ZMQ_TOPICS_COUNT, ZMQ_XPUB_MANUAL_LAST_VALUE},
    },
    value,
};
use crate::pipe::PipeId;
use std::collections::VecDeque;

/// What the application is to receive.
struct Pending {
    msg: Msg,
    /// In manual mode, whose request it is, which the application then
    /// confirms; the inner `None` stands for a peer that is gone.
    request: Option<Option<PipeId>>,
}

/// An XPUB socket, and all of a PUB but its refusal to receive.
#[derive(Default)]
pub struct Xpub {
    out: Distributor,
    /// What is matched against.
    subscriptions: Subscriptions,
    /// What was asked for in manual mode, confirmed or not.
    requested: Subscriptions,
    pending: VecDeque<Pending>,
    /// The application never receives (PUB).
    deaf: bool,
    verbose_subscribe: bool,
    verbose_unsubscribe: bool,
    /// `ZMQ_XPUB_NODROP`.
    no_drop: bool,
    manual: bool,
    /// `ZMQ_XPUB_MANUAL_LAST_VALUE`: send to the last requester only.
    last_value: bool,
    only_first_subscribe: bool,
    welcome: Option<Msg>,
    /// Whose request the application received last (manual mode).
    last_pipe: Option<PipeId>,
    /// The part read last from a peer had others behind it.
    more_in: bool,
    /// Later parts of the message may be subscriptions too.
    subscribing: bool,
}

impl Xpub {
    /// An XPUB from which nobody receives.
    pub(super) fn deaf() -> Xpub {
        Xpub {
            deaf: true,
            ..Xpub::default()
        }
    }

    fn read_all(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(end) = env.pipes.get(pipe) else {
            return;
        };
        while let Some(msg) = end.read() {
            if !msg.has(flag::ROUTING_ID) {
                self.process(pipe, msg);
            }
        }
        if end.is_ended() {
            env.closing.push(pipe);
        }
    }

    /// Handles a part from a peer: `01`/`00` and a topic, or user data.
    fn process(&mut self, pipe: PipeId, mut msg: Msg) {
        let first = !std::mem::replace(&mut self.more_in, msg.more());
        let subscribe = match msg.data().first() {
            Some(byte @ 0..=1) if first || self.subscribing => Some(*byte == 1),
            _ => None,
        };
        if first {
            self.subscribing = !self.only_first_subscribe || subscribe.is_some();
        }
        let Some(subscribe) = subscribe else {
            if !self.deaf {
                self.pending.push_back(Pending { msg, request: None });
            }
            return;
        };
        let topic = msg.data().get(1..).unwrap_or_default();
        let tell = match (self.manual, subscribe) {
            (true, true) => {
                self.requested.add(topic, pipe);
                true
            }
            (true, false) => {
                self.requested.remove(topic, pipe);
                true
            }
            (false, true) => self.subscriptions.add(topic, pipe) || self.verbose_subscribe,
            (false, false) => {
                let removal = self.subscriptions.remove(topic, pipe);
                removal != Removal::Remaining || self.verbose_unsubscribe
            }
        };
        if tell && !self.deaf {
            // A copy, not the part of a read block: it may lie here for long.
            let Ok(mut copy) = Msg::copy_from(msg.data()) else {
                return;
            };
            copy.set_metadata(msg.take_metadata());
            self.pending.push_back(Pending {
                msg: copy,
                request: self.manual.then_some(Some(pipe)),
            });
        }
    }

    /// Selects the pipes that get the message beginning with this part.
    #[inline]
    fn select(&mut self, env: &Env<'_>, msg: &Msg) {
        let out = &mut self.out;
        out.unmatch();
        let only = match self.manual && self.last_value {
            true => self.last_pipe.take(),
            false => None,
        };
        match only {
            None => self
                .subscriptions
                .visit(msg.data(), |pipe| out.match_pipe(pipe)),
            Some(only) => self.subscriptions.visit(msg.data(), |pipe| {
                if pipe == only {
                    out.match_pipe(pipe);
                }
            }),
        }
        if env.options.invert_matching {
            out.reverse_match();
        }
    }

    fn set_flag(&mut self, option: i32, on: bool) -> Result<()> {
        match option {
            ZMQ_XPUB_VERBOSE => (self.verbose_subscribe, self.verbose_unsubscribe) = (on, false),
            ZMQ_XPUB_VERBOSER => (self.verbose_subscribe, self.verbose_unsubscribe) = (on, on),
            ZMQ_XPUB_NODROP => self.no_drop = on,
            ZMQ_XPUB_MANUAL => self.manual = on,
            ZMQ_XPUB_MANUAL_LAST_VALUE => (self.manual, self.last_value) = (on, on),
            ZMQ_ONLY_FIRST_SUBSCRIBE => self.only_first_subscribe = on,
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }
}

/// The unsubscription that stands for a peer that left.
fn unsubscription(topic: &[u8]) -> Option<Msg> {
    let mut msg = Msg::with_size(topic.len() + 1).ok()?;
    let (first, rest) = msg.data_mut()?.split_first_mut()?;
    *first = 0;
    rest.copy_from_slice(topic);
    Some(msg)
}

impl Pattern for Xpub {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.out.attach(pipe);
        if how.subscribe_all {
            self.subscriptions.add(&[], pipe);
        }
        if let (Some(welcome), Some(end)) = (&mut self.welcome, env.pipes.get(pipe)) {
            if end.write(welcome.share()).is_ok() {
                end.flush();
            }
        }
        self.read_all(env, pipe);
    }

    fn detached(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        let (pending, manual, deaf) = (&mut self.pending, self.manual, self.deaf);
        // The pipe's id may come to mean another peer.
        for waiting in pending.iter_mut() {
            if waiting.request == Some(Some(pipe)) {
                waiting.request = Some(None);
            }
        }
        if self.last_pipe == Some(pipe) {
            self.last_pipe = None;
        }
        let mut tell = |topic: &[u8]| {
            if let Some(msg) = unsubscription(topic).filter(|_| !deaf) {
                let request = manual.then_some(None);
                pending.push_back(Pending { msg, request });
            }
        };
        if manual {
            self.requested.remove_pipe(pipe, true, tell);
            self.subscriptions.remove_pipe(pipe, false, |_| {});
        } else {
            self.requested.remove_pipe(pipe, false, |_| {});
            self.subscriptions
                .remove_pipe(pipe, self.verbose_unsubscribe, &mut tell);
        }
        self.out.detached(pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.read_all(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, pipe: PipeId) {
        self.out.activated(pipe);
    }

    #[inline]
    fn send(&mut self, env: &mut Env<'_>, msg: &mut Msg) -> Result<()> {
        if !self.out.is_mid_message() {
            self.select(env, msg);
        }
        if self.no_drop && !self.out.has_room(env) {
            return Err(Error::Again);
        }
        let more = msg.more();
        self.out.send_to_matching(env, msg);
        if !more {
            self.out.unmatch();
        }
        Ok(())
    }

    fn recv(&mut self, _env: &mut Env<'_>, into: &mut Msg) -> Result<()> {
        let Pending { msg, request } = self.pending.pop_front().ok_or(Error::Again)?;
        if let Some(pipe) = request {
            self.last_pipe = pipe.filter(|pipe| self.manual && self.out.contains(*pipe));
        }
        *into = msg;
        Ok(())
    }

    fn has_in(&mut self, _env: &mut Env<'_>) -> bool {
        !self.pending.is_empty()
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        true
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_SUBSCRIBE if self.manual => {
                if let Some(pipe) = self.last_pipe {
                    self.subscriptions.add(data, pipe);
                }
            }
            ZMQ_UNSUBSCRIBE if self.manual => {
                if let Some(pipe) = self.last_pipe {
                    self.subscriptions.remove(data, pipe);
                }
            }
            ZMQ_XPUB_WELCOME_MSG => {
                self.welcome = match data {
                    [] => None,
                    data => Some(Msg::copy_from(data)?),
                };
            }
            ZMQ_XPUB_VERBOSE
            | ZMQ_XPUB_VERBOSER
            | ZMQ_XPUB_NODROP
            | ZMQ_XPUB_MANUAL
            | ZMQ_XPUB_MANUAL_LAST_VALUE
            | ZMQ_ONLY_FIRST_SUBSCRIBE => {
                self.set_flag(option, value::non_negative_flag(Some(data))?)?;
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn get_option(&mut self, option: i32, out: &mut [u8]) -> Result<usize> {
        match option {
            ZMQ_TOPICS_COUNT => {
                let topics = i32::try_from(self.subscriptions.topics()).unwrap_or(i32::MAX);
                value::put_int_zero_padded(out, topics)
            }
            _ => Err(Error::Invalid),
        }
    }
}
