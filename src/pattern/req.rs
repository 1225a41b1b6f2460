//! REQ: a request, then its reply.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::dealer::Dealer;
use crate::abi::options::{ZMQ_REQ_CORRELATE, ZMQ_REQ_RELAXED};
use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing, flag};
use crate::options::value;
use crate::pipe::{Incoming, PipeId};

/// The state of the request and its reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No part of the next request was sent.
    Idle,
    /// The envelope and maybe some parts of the request are sent.
    Sending,
    /// The request is sent, and no part of its reply was read.
    Waiting,
    /// The envelope and maybe some parts of the reply were read.
    Receiving,
}

/// A REQ socket: a DEALER with an envelope and strict alternation.
pub struct Req {
    dealer: Dealer,
    state: State,
    /// The pipe that the request was written to; `None` after it is detached.
    reply_pipe: Option<PipeId>,
    correlate: bool,
    relaxed: bool,
    request_id: u32,
}

impl Req {
    /// A REQ whose request ids count from `seed`.
    pub fn new(seed: u32) -> Req {
        Req {
            dealer: Dealer::default(),
            state: State::Idle,
            reply_pipe: None,
            correlate: false,
            relaxed: false,
            request_id: seed,
        }
    }

    /// Sends the envelope: the request id with `ZMQ_REQ_CORRELATE`, and an empty delimiter.
    fn send_envelope(&mut self, env: &mut Env<'_>) -> Result<()> {
        if self.correlate {
            let id = self.request_id.wrapping_add(1);
            let mut msg = Msg::inline(&id.to_ne_bytes()).with(flag::MORE);
            self.dealer.send(env, &mut msg)?;
            self.reply_pipe = self.dealer.out.writing_to();
            self.request_id = id;
        }
        self.dealer.send(env, &mut Msg::new().with(flag::MORE))?;
        self.reply_pipe = self.dealer.out.writing_to().or(self.reply_pipe);
        Ok(())
    }

    /// Reads a part from the pipe of the request; parts from other pipes are dropped.
    #[inline]
    fn recv_reply<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> bool {
        while let Some(pipe) = self.dealer.input.recv(env, into) {
            if self.reply_pipe.is_none_or(|expected| expected == pipe) {
                return true;
            }
            into.clear();
        }
        false
    }

    /// Reads the envelope of the next reply that has a valid one; false if there is none.
    fn recv_envelope(&mut self, env: &mut Env<'_>) -> bool {
        let mut msg = Msg::new();
        'message: loop {
            if !self.recv_reply(env, &mut msg) {
                return false;
            }
            let mut good = true;
            if self.correlate {
                good = msg.more() && msg.data() == self.request_id.to_ne_bytes();
                if good && !self.recv_reply(env, &mut msg) {
                    return false;
                }
            }
            if good && msg.more() && msg.is_empty() {
                return true;
            }
            while msg.more() {
                if !self.recv_reply(env, &mut msg) {
                    continue 'message;
                }
            }
        }
    }
}

impl Pattern for Req {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.dealer.attached(env, pipe, how);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.reply_pipe == Some(pipe) {
            self.reply_pipe = None;
        }
        self.dealer.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.dealer.read_ready(env, pipe);
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.dealer.write_ready(env, pipe);
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        if matches!(self.state, State::Waiting | State::Receiving) {
            if !self.relaxed {
                return Err(Error::Fsm);
            }
            self.state = State::Idle;
        }
        if self.state == State::Idle {
            self.reply_pipe = None;
            self.send_envelope(env)?;
            self.state = State::Sending;
            // Replies that are queued now belong to earlier requests, and must not be taken
            // for the reply to this one.
            let mut stale = Msg::new();
            while self.dealer.input.recv(env, &mut stale).is_some() {}
        }
        let more = part.more();
        self.dealer.send(env, part)?;
        if !more {
            self.state = State::Waiting;
        }
        Ok(())
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        if matches!(self.state, State::Idle | State::Sending) {
            return Err(Error::Fsm);
        }
        if self.state == State::Waiting && !self.recv_envelope(env) {
            return Err(Error::Again);
        }
        self.state = State::Receiving;
        if !self.recv_reply(env, into) {
            return Err(Error::Again);
        }
        if !into.more() {
            self.state = State::Idle;
        }
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        match self.state {
            State::Idle | State::Sending => false,
            State::Receiving => self.dealer.has_in(env),
            // A stale reply is no input, so the envelope is read ahead.
            State::Waiting => {
                let ready = self.recv_envelope(env);
                if ready {
                    self.state = State::Receiving;
                }
                ready
            }
        }
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        match self.state {
            State::Waiting | State::Receiving if !self.relaxed => false,
            _ => self.dealer.has_out(env),
        }
    }

    fn set_option(&mut self, env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_REQ_CORRELATE => self.correlate = value::non_negative_flag(Some(data))?,
            ZMQ_REQ_RELAXED => self.relaxed = value::non_negative_flag(Some(data))?,
            _ => return self.dealer.set_option(env, option, data),
        }
        Ok(())
    }
}
