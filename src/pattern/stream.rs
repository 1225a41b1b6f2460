//! STREAM: exchanges bytes with plain TCP peers, each named by an id that the socket makes.

#![forbid(unsafe_code)]

use super::base::{Attachment, Env, Pattern, introduce};
use super::routing::{fair_queue::FairQueue, routing_table::RoutingTable};
use crate::abi::options::{ZMQ_CONNECT_ROUTING_ID, ZMQ_STREAM_NOTIFY};
use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing, flag};
use crate::options::value;
use crate::pipe::{Incoming, PipeId};

/// Where the next part sent goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Output {
    /// It is an id.
    Address,
    /// It is data for this pipe.
    Pipe(PipeId),
    /// It is data without a peer, and dropped.
    Dropped,
}

/// Data read ahead, and the id in front of it until the application has received that.
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

    /// Chooses the pipe for the data part that follows.
    #[inline]
    fn address<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &P) -> Result<()> {
        if !part.more() {
            // Not an address: libzmq drops this part and the next.
            self.output = Output::Dropped;
            return Ok(());
        }
        let pipe = self
            .table
            .lookup(env.pipes, part.body())
            .ok_or(Error::HostUnreachable)?;
        let end = env.pipes.get(pipe).ok_or(Error::HostUnreachable)?;
        if !end.check_write() {
            // Here libzmq would wait for a closed peer as for a full pipe, and for ever: only
            // a receive could end that wait.
            return Err(match end.is_peer_closed() {
                true => Error::HostUnreachable,
                false => Error::Again,
            });
        }
        self.output = Output::Pipe(pipe);
        Ok(())
    }

    /// Reads the next data and puts the id of its peer into `id`.
    #[inline]
    fn prefetch<I: Incoming>(&mut self, env: &mut Env<'_>, id: &mut I) -> Option<Msg> {
        let mut data = Msg::new();
        let pipe = self.input.recv(env, &mut data)?;
        // The flag can be set only by an inproc peer.
        data.set(flag::MORE, false);
        if env.pipes.get(pipe).is_some() {
            self.table.touch(pipe);
        }
        introduce(env, pipe, id);
        Some(data)
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
            env.close(pipe);
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

    fn raw_notify(&self) -> bool {
        self.notify
    }

    #[inline(never)]
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()> {
        let output = self.output;
        if output == Output::Address {
            self.address(env, part)?;
            part.clear();
            return Ok(());
        }
        self.output = Output::Address;
        let Output::Pipe(pipe) = output else {
            part.clear();
            return Ok(());
        };
        if part.body().is_empty() {
            env.close(pipe);
        } else if let Some(end) = env.pipes.get(pipe) {
            part.renew(false);
            // There was room at the address part; if there is none now, the peer has closed.
            if end.write_from(part) {
                end.flush();
            }
        }
        part.clear();
        Ok(())
    }

    #[inline(never)]
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()> {
        if let Some(mut ahead) = self.prefetched.take() {
            match ahead.id.take() {
                Some(id) => {
                    self.prefetched = Some(ahead);
                    into.put(id);
                }
                None => into.put(ahead.data),
            }
            return Ok(());
        }
        let data = self.prefetch(env, into).ok_or(Error::Again)?;
        self.prefetched = Some(Prefetched { id: None, data });
        Ok(())
    }

    fn has_in(&mut self, env: &mut Env<'_>) -> bool {
        if self.prefetched.is_none() {
            let mut id = Msg::new();
            self.prefetched = self
                .prefetch(env, &mut id)
                .map(|data| Prefetched { id: Some(id), data });
        }
        self.prefetched.is_some()
    }

    fn has_out(&mut self, _env: &mut Env<'_>) -> bool {
        // As in libzmq: it depends on the peer, which only the address part names.
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
