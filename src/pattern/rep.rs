//! REP: a request, then the reply to its sender.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern};
use super::router::Router;
use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing};
use crate::pipe::{Incoming, PipeId};

/// The state of the request and its reply.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// No part of the next request was read.
    Idle,
    /// The envelope and maybe some parts of the request were read.
    Receiving,
    /// The whole request was read, and its reply is not sent to the end.
    Sending,
}

/// A REP socket: a ROUTER that moves the envelope of the request to the reply.
pub struct Rep {
    router: Router,
    state: State,
}

impl Rep {
    /// A REP; `seed` as for [`Router::new`].
    pub fn new(seed: u32) -> Rep {
        Rep {
            router: Router::new(seed),
            state: State::Idle,
        }
    }

    /// Reads the envelope of the next well-formed request and writes it as the envelope of the
    /// reply; false if there is no such request.
    fn recv_envelope(&mut self, env: &mut Env<'_>) -> bool {
        let mut part = Msg::new();
        while self.router.recv(env, &mut part).is_ok() {
            if !part.more() {
                // No delimiter: not a request.
                self.router.rollback(env);
                continue;
            }
            let delimiter = part.is_empty();
            self.router.send_lossy(env, &mut part);
            if delimiter {
                return true;
            }
        }
        false
    }
}

impl Pattern for Rep {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        self.router.attached(env, pipe, how);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.router.detached(env, pipe);
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.router.read_ready(env, pipe);
    }

    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.router.write_ready(env, pipe);
    }

    fn forgets_disconnected(&self) -> bool {
        true
    }

    fn wants_routing_id(&self) -> bool {
        self.router.wants_routing_id()
    }

    fn is_raw(&self) -> bool {
        self.router.is_raw()
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        if self.state != State::Sending {
            return Err(Error::Fsm);
        }
        if !part.more() {
            self.state = State::Idle;
        }
        self.router.send_lossy(env, part);
        Ok(())
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        if self.state == State::Sending {
            return Err(Error::Fsm);
        }
        if self.state == State::Idle && !self.recv_envelope(env) {
            return Err(Error::Again);
        }
        self.state = State::Receiving;
        self.router.recv(env, into)?;
        if !into.more() {
            self.state = State::Sending;
        }
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        match self.state {
            State::Sending => false,
            State::Receiving => self.router.has_in(env),
            // A malformed request is no input, so the envelope is read ahead.
            State::Idle => {
                let ready = self.recv_envelope(env);
                if ready {
                    self.state = State::Receiving;
                }
                ready
            }
        }
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        self.state == State::Sending && self.router.has_out(env)
    }

    fn peer_state(&mut self, env: &mut Env<'_>, id: &[u8]) -> Result<i32> {
        self.router.peer_state(env, id)
    }

    fn set_option(&mut self, env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        self.router.set_option(env, option, data)
    }

    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        self.router.take_connect_routing_id()
    }

    fn accepts_connect_routing_id(&self, id: &[u8]) -> bool {
        self.router.accepts_connect_routing_id(id)
    }
}
