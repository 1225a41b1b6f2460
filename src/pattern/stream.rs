//! STREAM: talks to plain TCP peers, each by an id of ours.

#![forbid(unsafe_code)]

use super::routing::{fair_queue::FairQueue, routing_table::RoutingTable};
use super::{Attachment, Env, Pattern};
use crate::error::{Error, Result};
use crate::message::{Msg, flag};
use crate::options::{
    constants::{ZMQ_CONNECT_ROUTING_ID, ZMQ_STREAM_NOTIFY},
    value,
};
use crate::pipe::PipeId;

/// Where the next part sent goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// It is an id.
    Address,
    /// It is data for this pipe.
    Pipe(PipeId),
    /// It is data for nobody.
    Dropped,
}

/// Data read ahead, and the id that precedes it until it was handed out.
struct Prefetched {
    id: Option<Msg>,
    data: Msg,
}

/// A STREAM socket. Every message is an id and data, both ways.
pub struct Stream {
    input: FairQueue,
    table: RoutingTable,
    prefetched: Option<Prefetched>,
    output: Output,
    notify: bool,
    connect_routing_id: Option<Vec<u8>>,
    /// The automatic id given last, until the runtime takes it.
    latest_id: Option<Vec<u8>>,
}

impl Stream {
    /// A STREAM whose automatic ids count from `seed`.
    pub fn new(seed: u32) -> Stream {
        Stream {
            input: FairQueue::default(),
            table: RoutingTable::new(seed),
            prefetched: None,
            output: Output::Address,
            notify: true,
            connect_routing_id: None,
            latest_id: None,
        }
    }

    /// Chooses the pipe for the data to come.
    #[inline]
    fn address(&mut self, env: &mut Env<'_>, msg: &Msg) -> Result<()> {
        if !msg.more() {
            // No address: libzmq swallows this part and the next.
            self.output = Output::Dropped;
            return Ok(());
        }
        let pipe = self
            .table
            .lookup(env.pipes, msg.data())
            .ok_or(Error::HostUnreachable)?;
        let end = env.pipes.get(pipe).ok_or(Error::HostUnreachable)?;
        if !end.check_write() {
            // libzmq would wait for a peer that is gone as for a full one, and
            // for ever, since what would end the wait is yet to be received.
            return Err(match end.is_peer_closed() {
                true => Error::HostUnreachable,
                false => Error::Again,
            });
        }
        self.output = Output::Pipe(pipe);
        Ok(())
    }

    /// Reads what comes next and puts the id in front.
    #[inline]
    fn prefetch(&mut self, env: &mut Env<'_>) -> Option<(Msg, Msg)> {
        let (mut data, pipe) = self.input.recv(env)?;
        // Only over inproc could there be several parts.
        data.set(flag::MORE, false);
        let Some(end) = env.pipes.get(pipe) else {
            return Some((Msg::new().with(flag::MORE), data));
        };
        self.table.touch(pipe);
        // Out of memory leaves an empty id rather than losing the data.
        let mut id = Msg::copy_from(&end.routing_id).unwrap_or_default();
        id.set(flag::MORE, true);
        if let Some(metadata) = end.metadata() {
            id.set_metadata(Some(metadata.clone()));
        }
        Some((id, data))
    }
}

impl Pattern for Stream {
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment) {
        let given = match env.pipes.get(pipe) {
            Some(end) if how.connected => std::mem::take(&mut end.routing_id),
            Some(_) => Vec::new(),
            None => return,
        };
        let id = if given.is_empty() {
            let id = self.table.automatic_id();
            self.latest_id = Some(id.clone());
            id
        } else if self.table.contains(&given) {
            env.closing.push(pipe);
            return;
        } else {
            given
        };
        self.table.insert(env.pipes, id, pipe);
        self.input.attach(pipe);
    }

    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.detached(env, pipe);
        self.table.remove(env.pipes, pipe);
        if self.output == Output::Pipe(pipe) {
            self.output = Output::Dropped;
        }
    }

    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId) {
        self.input.activated(env, pipe);
    }

    fn write_ready(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    fn is_raw(&self) -> bool {
        true
    }

    fn raw_notify(&self) -> bool {
        self.notify
    }

    #[inline]
    fn send(&mut self, env: &mut Env<'_>, mut msg: Msg) -> std::result::Result<(), (Error, Msg)> {
        let output = self.output;
        if output == Output::Address {
            return self.address(env, &msg).map_err(|error| (error, msg));
        }
        self.output = Output::Address;
        let Output::Pipe(pipe) = output else {
            return Ok(());
        };
        if msg.is_empty() {
            env.closing.push(pipe);
        } else if let Some(end) = env.pipes.get(pipe) {
            msg.set(flag::MORE, false);
            // There was room for the address; if not now, the peer is gone.
            if end.write(msg).is_ok() {
                end.flush();
            }
        }
        Ok(())
    }

    #[inline]
    fn recv(&mut self, env: &mut Env<'_>) -> Result<Msg> {
        if let Some(mut ahead) = self.prefetched.take() {
            return Ok(match ahead.id.take() {
                Some(id) => {
                    self.prefetched = Some(ahead);
                    id
                }
                None => ahead.data,
            });
        }
        let (id, data) = self.prefetch(env).ok_or(Error::Again)?;
        self.prefetched = Some(Prefetched { id: None, data });
        Ok(id)
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.prefetched.is_none() {
            self.prefetched = self
                .prefetch(env)
                .map(|(id, data)| Prefetched { id: Some(id), data });
        }
        self.prefetched.is_some()
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        // As in libzmq: it depends on the peer, which is yet to be named.
        true
    }

    fn set_option(&mut self, _env: &mut Env<'_>, option: i32, data: &[u8]) -> Result<()> {
        match option {
            ZMQ_STREAM_NOTIFY => self.notify = value::flag(Some(data))?,
            ZMQ_CONNECT_ROUTING_ID if !data.is_empty() => {
                self.connect_routing_id = Some(data.to_vec());
            }
            _ => return Err(Error::Invalid),
        }
        Ok(())
    }

    fn take_latest_id(&mut self) -> Option<Vec<u8>> {
        self.latest_id.take()
    }

    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        self.connect_routing_id.take()
    }

    fn accepts_connect_routing_id(&self, id: &[u8]) -> bool {
        !self.table.contains(id)
    }
}
