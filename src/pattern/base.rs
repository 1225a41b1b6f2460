//! What a socket type is, as the runtime sees it, and what it works on.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::message::{Msg, Outgoing, flag};
use crate::options::Options;
use crate::pipe::{Incoming, PipeId, Pipes};
use crate::sys::room::Room;

/// What a pattern works on during a call.
pub struct Env<'a> {
    /// The socket's pipes.
    pub pipes: &'a mut Pipes,
    /// The socket's generic options.
    pub options: &'a Options,
    /// What the runtime is to do, or to count and log, after the call.
    pub requests: &'a mut Vec<Request>,
}

/// What a pattern asks of the runtime after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Close this pipe, which the pattern no longer wants or found ended while reading. The
    /// runtime first calls [`Pattern::detached`].
    Close(PipeId),
    /// Count and log that a peer's pipe was found full, and messages for it are dropped.
    Full,
    /// Count and log a message that was dropped because no peer has its routing id.
    Unroutable,
}

impl Env<'_> {
    /// Requests that the runtime close a pipe.
    pub fn close(&mut self, pipe: PipeId) {
        self.requests.push(Request::Close(pipe));
    }
}

/// How a pipe came to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attachment {
    /// The socket made the connection; false if it accepted it.
    pub connected: bool,
    /// The peer's protocol version has no subscriptions: it counts as subscribed to all topics.
    pub subscribe_all: bool,
}

/// What a socket type does. Every method runs under the socket's lock and
/// returns without blocking.
pub trait Pattern {
    /// A pipe was added to `env.pipes`.
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment);

    /// The pipe is about to be removed from `env.pipes`: drops all references to it. What this
    /// queues for the application (unsubscriptions of an XPUB's peer) is read later by
    /// [`recv`](Self::recv).
    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// A pipe that was empty has messages, or its end.
    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// A pipe that was full has room again.
    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// The connection behind the pipe was lost and made anew; the pattern may write what the
    /// new peer must know (subscriptions).
    fn hiccup(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    /// Whether unread messages of disconnected peers may be dropped when there are too many:
    /// a reply to them could not be delivered.
    fn forgets_disconnected(&self) -> bool {
        false
    }

    /// Whether work is left that was too long for one call.
    fn has_backlog(&self) -> bool {
        false
    }

    /// Does a slice of the backlog, which takes less than 1 ms.
    fn continue_backlog(&mut self, _env: &mut Env<'_>) {}

    /// Whether the peer's routing id is to come as the first message of each pipe, marked
    /// [`flag::ROUTING_ID`] and empty for a peer without one.
    fn wants_routing_id(&self) -> bool {
        false
    }

    /// Whether an option has made connections raw (`ZMQ_ROUTER_RAW`): every read becomes a
    /// message, every message is written unchanged. A STREAM's are, whatever this says.
    fn is_raw(&self) -> bool {
        false
    }

    /// Whether a raw connection reports its begin and its end by an empty message
    /// (`ZMQ_STREAM_NOTIFY`).
    fn raw_notify(&self) -> bool {
        true
    }

    /// Takes the id that [`attached`](Self::attached) gave to the latest peer, if any. It
    /// becomes the socket's `ZMQ_ROUTING_ID`, where the application reads it.
    fn take_latest_id(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// The number that [`attached`](Self::attached) gave to the latest peer, of a type whose
    /// messages name peers by numbers; else 0.
    fn latest_number(&self) -> u32 {
        0
    }

    /// The pipe to the peer with a number. [`Error::HostUnreachable`] if there is none,
    /// [`Error::NotSupported`] if peers have no numbers.
    fn numbered(&self, _number: u32) -> Result<PipeId> {
        Err(Error::NotSupported)
    }

    /// Receives what is sent to a group, of a type that joins groups. [`Error::Invalid`] if it
    /// does already, [`Error::NotSupported`] for other types.
    fn join(&mut self, _env: &mut Env<'_>, _group: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Takes back one [`join`](Self::join). [`Error::Invalid`] if there was none.
    fn leave(&mut self, _env: &mut Env<'_>, _group: &[u8]) -> Result<()> {
        Err(Error::NotSupported)
    }

    /// Sends one part and leaves it empty. On failure the part is unchanged, and nothing was sent.
    fn send<P: Outgoing>(&mut self, env: &mut Env<'_>, part: &mut P) -> Result<()>;

    /// Receives one part in place of the content of `into`. On failure the content is
    /// unchanged, or dropped if a part was read that the pattern discards.
    fn recv<I: Incoming>(&mut self, env: &mut Env<'_>, into: &mut I) -> Result<()>;

    /// Whether [`recv`](Self::recv) would succeed (`ZMQ_POLLIN`). May read a message ahead.
    fn has_in(&mut self, env: &mut Env<'_>) -> bool;

    /// Whether [`send`](Self::send) would succeed (`ZMQ_POLLOUT`).
    fn has_out(&mut self, env: &mut Env<'_>) -> bool;

    /// `zmq_socket_get_peer_state`: `ZMQ_POLLOUT` if a message to the peer with this routing id
    /// would be taken now, else 0. [`Error::HostUnreachable`] if there is none,
    /// [`Error::NotSupported`] for a type that does not address peers by routing id.
    fn peer_state(&mut self, _env: &mut Env<'_>, _id: &[u8]) -> Result<i32> {
        Err(Error::NotSupported)
    }

    /// Sets an option of this type. [`Error::Invalid`] for a wrong value and for an option of
    /// another type; the runtime then tries the generic options.
    fn set_option(&mut self, _env: &mut Env<'_>, _option: i32, _value: &[u8]) -> Result<()> {
        Err(Error::Invalid)
    }

    /// Reads an option of this type; errors as [`set_option`](Self::set_option).
    fn get_option(&mut self, _option: i32, _out: &mut Room<'_>) -> Result<usize> {
        Err(Error::Invalid)
    }

    /// Takes the id set by `ZMQ_CONNECT_ROUTING_ID` for the next connection. The runtime puts
    /// it into the pipe's `routing_id` before it calls [`attached`](Self::attached).
    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Whether that id is free. If not, the connect must fail; a pipe that is attached with a
    /// taken id is closed.
    fn accepts_connect_routing_id(&self, _id: &[u8]) -> bool {
        true
    }
}

/// Drops what came on a pipe of a type that does not receive.
pub(super) fn discard_input(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        while end.read().is_some() {}
        if end.is_ended() {
            env.close(pipe);
        }
    }
}

/// Closes a pipe whose peer the pattern rejects.
pub(super) fn refuse(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        end.refuse();
        env.close(pipe);
    }
}

/// Puts a peer's routing id into `into`, as the part in front of what was read from its
/// pipe; empty if the pipe was removed.
#[inline]
pub(super) fn introduce<I: Incoming>(env: &mut Env<'_>, pipe: PipeId, into: &mut I) {
    let Some(end) = env.pipes.get(pipe) else {
        return into.put(Msg::new().with(flag::MORE));
    };
    into.put_msg(end.metadata(), |id| {
        // Without memory the id is empty; the message is not lost.
        *id = Msg::copy_from(&end.routing_id).unwrap_or_default();
        id.set(flag::MORE, true);
    });
}

/// A subscription or join (1), or its end (0), of a topic or group.
pub(super) fn subscription(byte: u8, name: &[u8]) -> Result<Msg> {
    Ok(Msg::with_first(byte, name)?.with(flag::SUBSCRIPTION))
}

/// `ZMQ_PROBE_ROUTER`: writes an empty message in front of all others, by which a ROUTER
/// learns this socket's routing id.
pub(super) fn send_probe(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        if end.is_untouched() && end.write(Msg::new()).is_ok() {
            end.flush();
        }
    }
}
