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
use crate::sys::room::Room;
use std::collections::VecDeque;

/// What the application is to receive.
struct Pending {
    msg: Msg,
    /// In manual mode, whose request it is, which the application then
    /// confirms; the inner `None` stands for a peer that is gone.
    request: Option<Option<PipeId>>,
}

/// So many subscriptions, or nodes of their tree, are looked at in one go: about
/// a millisecond, for which a call of the application may have to wait.
const SLICE: usize = 1024;

/// A peer that left, and whose subscriptions are being taken back.
struct Leaving {
    pipe: PipeId,
    /// First what it asked for, then what it was given.
    requested: bool,
    /// The topic to go on with.
    from: Vec<u8>,
}

impl Leaving {
    fn requested(pipe: PipeId) -> Leaving {
        Leaving {
            pipe,
            requested: true,
            from: Vec::new(),
        }
    }

    fn confirmed(pipe: PipeId) -> Leaving {
        Leaving {
            requested: false,
            ..Leaving::requested(pipe)
        }
    }
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
    /// Peers that have sent more than was read in one go.
    unread: Vec<PipeId>,
    leaving: VecDeque<Leaving>,
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

    /// Reads what a peer has sent. From a connection it may go on coming for as
    /// long as it is read: the rest is then for later.
    fn read(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        let Some(end) = env.pipes.get(pipe) else {
            return;
        };
        let mut left = SLICE;
        while let Some(msg) = end.read() {
            if !msg.has(flag::ROUTING_ID) {
                self.process(pipe, msg);
            }
            left -= 1;
            if left == 0 && end.metadata().is_some() {
                self.unread.push(pipe);
                return;
            }
            left = left.max(1);
        }
        if end.is_ended() {
            env.close(pipe);
        }
    }

    /// Takes back a part of what a peer that left had subscribed to. True if that
    /// was the last of it.
    fn take_back(&mut self, leaving: &mut Leaving) -> bool {
        let (pending, manual, deaf) = (&mut self.pending, self.manual, self.deaf);
        let mut tell = |topic: &[u8]| {
            if let Some(msg) = unsubscription(topic).filter(|_| !deaf) {
                let request = manual.then_some(None);
                pending.push_back(Pending { msg, request });
            }
        };
        let (pipe, from) = (leaving.pipe, &leaving.from);
        let next = if leaving.requested {
            let tell = |topic: &[u8]| {
                if manual {
                    tell(topic)
                }
            };
            self.requested.remove_pipe(pipe, from, SLICE, true, tell)
        } else {
            let (every, tell) = (self.verbose_unsubscribe, |topic: &[u8]| {
                if !manual {
                    tell(topic);
                }
            });
            self.subscriptions
                .remove_pipe(pipe, from, SLICE, every, tell)
        };
        match next {
            Some(next) => leaving.from = next,
            None if leaving.requested => *leaving = Leaving::confirmed(pipe),
            None => return true,
        }
        false
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
    Msg::with_first(0, topic).ok()
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
        self.read(env, pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        // The pipe's id may come to mean another peer.
        for waiting in &mut self.pending {
            if waiting.request == Some(Some(pipe)) {
                waiting.request = Some(None);
            }
        }
        if self.last_pipe == Some(pipe) {
            self.last_pipe = None;
        }
        self.unread.retain(|other| *other != pipe);
        self.out.detached(pipe);
        let mut leaving = Leaving::requested(pipe);
        // In two slices everything is done but for very many topics.
        if !self.take_back(&mut leaving) && !self.take_back(&mut leaving) {
            env.pipes.keep(pipe);
            self.leaving.push_back(leaving);
        }
    }

    fn has_backlog(&self) -> bool {
        let mut both = [&self.subscriptions, &self.requested].into_iter();
        !self.unread.is_empty() || !self.leaving.is_empty() || both.any(Subscriptions::has_waste)
    }

    fn go_on(&mut self, env: &mut Env<'_>) {
        if let Some(mut leaving) = self.leaving.pop_front() {
            match self.take_back(&mut leaving) {
                true => env.pipes.let_go(leaving.pipe),
                false => self.leaving.push_back(leaving),
            }
        }
        if !self.unread.is_empty() {
            let pipe = self.unread.remove(0);
            self.read(env, pipe);
        }
        self.subscriptions.shed();
        self.requested.shed();
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        // In its turn, if there is more to read than was thought.
        if !self.unread.contains(&pipe) {
            self.read(env, pipe);
        }
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
        match self.no_drop {
            true => self.out.send_surely(env, msg),
            false => self.out.send_to_matching(env, msg),
        }
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

    fn get_option(&mut self, option: i32, out: &mut Room<'_>) -> Result<usize> {
        match option {
            ZMQ_TOPICS_COUNT => {
                let topics = i32::try_from(self.subscriptions.topics()).unwrap_or(i32::MAX);
                value::put_int_zero_padded(out, topics)
            }
            _ => Err(Error::Invalid),
        }
    }
}
