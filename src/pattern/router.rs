//! ROUTER: addresses its peers by routing id.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, Request, introduce, refuse, send_probe};
use super::routing::{fair_queue::FairQueue, routing_table::RoutingTable};
use crate::abi::numbers::ZMQ_POLLOUT;
use crate::abi::options::{
    ZMQ_CONNECT_ROUTING_ID, ZMQ_PROBE_ROUTER, ZMQ_ROUTER_HANDOVER, ZMQ_ROUTER_MANDATORY,
    ZMQ_ROUTER_RAW,
};
use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing, flag};
use crate::options::value;
use crate::pipe::{Incoming, PipeId};

/// Where the message being sent goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// No message is being sent: the next part is an address.
    Address,
    /// To this pipe.
    Pipe(PipeId),
    /// It is dropped: the peer is unknown, its pipe is full, or the pipe was closed.
    Dropped,
}

/// What was read ahead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ahead {
    Nothing,
    /// A part, in [`Router::part`].
    Part,
    /// The peer's routing id, in [`Router::id`], and the part that follows it.
    Both,
}

/// A ROUTER socket.
pub struct Router {
    input: FairQueue,
    table: RoutingTable,
    /// Pipes whose routing id was not read yet.
    anonymous: Vec<PipeId>,
    ahead: Ahead,
    id: Msg,
    part: Msg,
    /// The application has received a part that others follow.
    more_in: bool,
    output: Output,
    mandatory: bool,
    handover: bool,
    probe: bool,
    /// `ZMQ_ROUTER_RAW` was set at some time: connections pass plain bytes from then on.
    raw: bool,
    /// `ZMQ_ROUTER_RAW` is set: an empty part closes the pipe that it is sent to.
    empty_closes: bool,
    connect_routing_id: Option<Vec<u8>>,
}

impl Router {
    /// A ROUTER whose automatic routing ids count from `seed`.
    pub fn new(seed: u32) -> Router {
        Router {
            input: FairQueue::default(),
            table: RoutingTable::new(seed),
            anonymous: Vec::new(),
            ahead: Ahead::Nothing,
            id: Msg::new(),
            part: Msg::new(),
            more_in: false,
            output: Output::Address,
            mandatory: false,
            handover: false,
            probe: false,
            raw: false,
            empty_closes: false,
            connect_routing_id: None,
        }
    }

    /// Reads the peer's routing id and admits the pipe, or rejects it if the id is taken. If
    /// the id was not received yet, the pipe stays in `anonymous`.
    fn identify(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.raw {
            let id = self.table.automatic_id();
            self.admit(env, pipe, id);
            return;
        }
        let Some(end) = env.pipes.get(pipe) else {
            return;
        };
        let Some(msg) = end.read() else {
            if end.is_ended() {
                env.close(pipe);
            }
            self.anonymous.push(pipe);
            return;
        };
        if !msg.has(flag::ROUTING_ID) || msg.is_empty() {
            let id = self.table.automatic_id();
            self.admit(env, pipe, id);
        } else if !self.table.contains(msg.data()) {
            self.admit(env, pipe, msg.data().to_vec());
        } else if self.handover {
            if let Some(old) = self.admit(env, pipe, msg.data().to_vec()) {
                env.close(old);
            }
        } else if self.table.is_orphaned(env.pipes, msg.data()) {
            self.table.succeed(env.pipes, msg.data().to_vec(), pipe);
            self.input.attach(pipe);
        } else {
            refuse(env, pipe);
        }
    }

    /// Adds a pipe to the table; returns the one that had its id before.
    fn admit(&mut self, env: &mut Env<'_>, pipe: PipeId, id: Vec<u8>) -> Option<PipeId> {
        let old = self.table.insert(env.pipes, id, pipe);
        self.input.attach(pipe);
        old
    }

    /// Chooses the pipe that an address part names.
    #[inline]
    fn address<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &P, mandatory: bool) -> Result<()> {
        if !part.more() {
            // An address without further parts is ignored.
            return Ok(());
        }
        self.output = Output::Dropped;
        let mut error = Error::HostUnreachable;
        if let Some(pipe) = self.table.lookup(env.pipes, part.body()) {
            if let Some(end) = env.pipes.get(pipe) {
                // Before a drop, the reader's latest count is read too.
                if end.check_write() || (!mandatory && end.has_room_now()) {
                    self.output = Output::Pipe(pipe);
                    return Ok(());
                }
                if !end.is_peer_closed() {
                    error = Error::Again;
                }
            }
        }
        if mandatory {
            self.output = Output::Address;
            return Err(error);
        }
        env.requests.push(match error {
            Error::Again => Request::Full,
            _ => Request::Unroutable,
        });
        Ok(())
    }

    /// Sends a part; with `mandatory` an address that cannot be written to is an error.
    #[inline]
    fn route<P: Outgoing>(
        &mut self,
        env: &mut Env<'_>,
        part: &mut P,
        mandatory: bool,
    ) -> Result<()> {
        let pipe = match self.output {
            Output::Address => {
                self.address(env, part, mandatory)?;
                part.clear();
                return Ok(());
            }
            Output::Pipe(pipe) => Some(pipe),
            Output::Dropped => None,
        };
        if self.raw {
            part.renew(false);
        }
        let more = part.more();
        if !more {
            self.output = Output::Address;
        }
        if self.empty_closes && part.body().is_empty() {
            pipe.into_iter().for_each(|pipe| env.close(pipe));
            part.clear();
            return Ok(());
        }
        let Some(end) = pipe.and_then(|pipe| env.pipes.get(pipe)) else {
            part.clear();
            return Ok(());
        };
        if !end.write_from(part) {
            // There was room at the address part, so the peer has closed since.
            part.clear();
            end.rollback();
            if more {
                self.output = Output::Dropped;
            }
        } else if !more {
            end.flush();
        }
        Ok(())
    }

    /// Sends a part, and drops what cannot be delivered, `ZMQ_ROUTER_MANDATORY` or not.
    #[inline]
    pub(super) fn send_lossy<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) {
        // Without `mandatory` it cannot fail.
        let _ = self.route(env, part, false);
    }

    /// Takes back the parts of the message being sent.
    pub(super) fn rollback(&mut self, env: &mut Env<'_>) {
        if let Output::Pipe(pipe) = self.output {
            if let Some(end) = env.pipes.get(pipe) {
                end.rollback();
            }
        }
        self.output = Output::Address;
    }

    /// Reads the first part of the next message into `part` and returns its pipe.
    #[inline]
    fn prefetch(&mut self, env: &mut Env<'_>) -> Option<PipeId> {
        let pipe = self.input.recv(env, &mut self.part)?;
        if env.pipes.get(pipe).is_some() {
            self.table.touch(pipe);
        }
        Some(pipe)
    }
}

impl Pattern for Router {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        if self.probe {
            send_probe(env, pipe);
        }
        let given = match env.pipes.get(pipe) {
            Some(end) if how.connected => std::mem::take(&mut end.routing_id),
            Some(_) => Vec::new(),
            None => return,
        };
        if given.is_empty() {
            self.identify(env, pipe);
        } else if self.table.contains(&given) {
            env.close(pipe);
        } else {
            self.admit(env, pipe, given);
        }
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.anonymous.retain(|other| *other != pipe);
        self.input.detached(env, pipe);
        self.table.remove(env.pipes, pipe);
        if self.output == Output::Pipe(pipe) {
            if let Some(end) = env.pipes.get(pipe) {
                end.rollback();
            }
            self.output = Output::Dropped;
        }
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        if self.input.contains(pipe) {
            self.input.activated(env, pipe);
        } else if let Some(index) = self.anonymous.iter().position(|other| *other == pipe) {
            self.anonymous.swap_remove(index);
            self.identify(env, pipe);
        }
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    fn wants_routing_id(&self) -> bool {
        !self.raw
    }

    fn is_raw(&self) -> bool {
        self.raw
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        self.route(env, part, self.mandatory)
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        match self.ahead {
            Ahead::Both => {
                self.ahead = Ahead::Part;
                into.put(self.id.take());
            }
            Ahead::Part => {
                self.ahead = Ahead::Nothing;
                into.put(self.part.take());
            }
            // Parts of one message are read from the same pipe. `None` only if the pipe was
            // closed in mid-message.
            Ahead::Nothing if self.more_in => {
                self.more_in = false;
                self.input.recv(env, into).ok_or(Error::Again)?;
            }
            Ahead::Nothing => {
                let pipe = self.prefetch(env).ok_or(Error::Again)?;
                self.ahead = Ahead::Part;
                introduce(env, pipe, into);
            }
        }
        self.more_in = into.more();
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.more_in || self.ahead != Ahead::Nothing {
            return true;
        }
        let Some(pipe) = self.prefetch(env) else {
            return false;
        };
        self.ahead = Ahead::Both;
        introduce(env, pipe, &mut self.id);
        true
    }

    fn has_out(&mut self, env: &mut Env<'_>) -> bool {
        if !self.mandatory || self.output != Output::Address {
            return true;
        }
        let pipes = &mut *env.pipes;
        self.table
            .iter()
            .any(|pipe| pipes.get(pipe).is_some_and(|end| end.check_write()))
    }

    fn peer_state(&mut self, env: &mut Env<'_>, id: &[u8]) -> Result<i32> {
        let pipe = self.table.lookup(env.pipes, id);
        let end = pipe.and_then(|pipe| env.pipes.get(pipe));
        match end.ok_or(Error::HostUnreachable)?.check_write() {
            true => Ok(ZMQ_POLLOUT),
            false => Ok(0),
        }
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_ROUTER_MANDATORY => self.mandatory = value::non_negative_flag(Some(data))?,
            ZMQ_ROUTER_HANDOVER => self.handover = value::non_negative_flag(Some(data))?,
            ZMQ_PROBE_ROUTER => self.probe = value::non_negative_flag(Some(data))?,
            ZMQ_ROUTER_RAW => {
                self.empty_closes = value::non_negative_flag(Some(data))?;
                self.raw |= self.empty_closes;
            }
            ZMQ_CONNECT_ROUTING_ID if !data.is_empty() => {
                self.connect_routing_id = Some(data.to_vec());
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        self.connect_routing_id.take()
    }

    fn accepts_connect_routing_id(&self, id: &[u8]) -> bool {
        !self.table.contains(id)
    }
}
