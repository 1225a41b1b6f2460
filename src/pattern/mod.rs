//! Messaging patterns: one file a socket type, routing helpers in `routing/`.
//!
//! A pattern decides where a message goes and where the next one comes from.
//! It works on the socket's pipes, reads no clock and touches no descriptor,
//! and never blocks: what would block answers [`Error::Again`], and waiting is
//! the runtime's business. All calls come under the socket's lock.

#![forbid(unsafe_code)]

mod any;
mod dealer;
mod pair;
mod pub_;
mod pull;
mod push;
mod rep;
mod req;
mod router;
pub mod routing;
mod stream;
mod sub;
mod xpub;
mod xsub;

#[cfg(all(test, not(loom)))]
mod tests;

pub use any::AnyPattern;

use crate::error::{Error, Result};
use crate::message::{Metadata, Msg, flag};
use crate::options::Options;
use crate::pipe::{PipeId, Pipes};
use crate::sys::room::Room;
use routing::{fair_queue::FairQueue, load_balancer::LoadBalancer};

/// What a pattern works on during a call.
pub struct Env<'a> {
    /// The socket's pipes.
    pub pipes: &'a mut Pipes,
    /// The socket's generic options.
    pub options: &'a Options,
    /// What the runtime is to do, or may tell somebody, after the call.
    pub requests: &'a mut Vec<Request>,
}

/// What a pattern leaves to the runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A pipe that the pattern wants closed, or found ended while reading. The
    /// runtime tells [`Pattern::detached`] and closes it.
    Close(PipeId),
    /// A peer's pipe is full, and messages for it are dropped.
    Full,
    /// A message was dropped because there is no peer of its routing id.
    Unroutable,
}

impl Env<'_> {
    /// Has the runtime close a pipe.
    pub fn close(&mut self, pipe: PipeId) {
        self.requests.push(Request::Close(pipe));
    }
}

/// How a pipe came to be.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attachment {
    /// The socket connected (rather than accepted).
    pub connected: bool,
    /// The peer is too old to send subscriptions: treat it as subscribed to all.
    pub subscribe_all: bool,
}

/// What a socket type does. Every method runs under the socket's lock and
/// returns without blocking.
pub trait Pattern {
    /// A pipe was added to `env.pipes`.
    fn attached(&mut self, env: &mut Env<'_>, pipe: PipeId, how: Attachment);

    /// The pipe is about to be removed from `env.pipes`: forget it. What this
    /// queues (unsubscriptions, say) is read later by [`recv`](Self::recv).
    fn detached(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// Messages came on a pipe that had run dry.
    fn read_ready(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// A full pipe has room again.
    fn write_ready(&mut self, env: &mut Env<'_>, pipe: PipeId);

    /// The connection behind the pipe was made anew; the pattern may write
    /// what the new peer must know (subscriptions).
    fn hiccup(&mut self, _env: &mut Env<'_>, _pipe: PipeId) {}

    /// Whether each new peer must be told something that cannot wait for the
    /// application's next call: what this socket subscribes to.
    fn subscribes(&self) -> bool {
        false
    }

    /// Whether messages of peers that have gone may be dropped when there are too
    /// many: nobody waits for an answer.
    fn forgets_disconnected(&self) -> bool {
        false
    }

    /// Whether something is left to do that was too long for one call.
    fn has_backlog(&self) -> bool {
        false
    }

    /// Does a part of that; takes less than a millisecond.
    fn go_on(&mut self, _env: &mut Env<'_>) {}

    /// Whether the application ever reads from pipes of this type. If not, a
    /// pipe whose other end closes is gone at once.
    fn reads(&self) -> bool {
        true
    }

    /// Whether the peers' routing ids are to come as the first message of each
    /// pipe, marked [`flag::ROUTING_ID`] and
    /// empty for a peer without one.
    fn wants_routing_id(&self) -> bool {
        false
    }

    /// Whether connections pass bytes as they are, without ZMTP: every read
    /// becomes a message, every message is written unchanged.
    fn is_raw(&self) -> bool {
        false
    }

    /// Whether a raw connection tells of its begin and its loss by an empty
    /// message (`ZMQ_STREAM_NOTIFY`).
    fn raw_notify(&self) -> bool {
        true
    }

    /// An id that [`attached`](Self::attached) gave to a peer and that becomes
    /// the socket's `ZMQ_ROUTING_ID`, so that the application learns it.
    fn take_latest_id(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Sends one part ([`flag::MORE`] tells whether
    /// more follow) and leaves `msg` empty. On failure it stays as it is, and
    /// nothing was sent.
    fn send(&mut self, env: &mut Env<'_>, msg: &mut Msg) -> Result<()>;

    /// Receives one part in place of the content of `into`. On failure that
    /// stays, or is gone if something was read that nobody wants.
    fn recv(&mut self, env: &mut Env<'_>, into: &mut Msg) -> Result<()>;

    /// What [`send`](Self::send) is for this type, if it is no more than that. It has a
    /// shorter way for short messages.
    #[inline]
    fn plain_output(&mut self) -> Option<&mut LoadBalancer> {
        None
    }

    /// What [`recv`](Self::recv) is for this type, as above.
    #[inline]
    fn plain_input(&mut self) -> Option<&mut FairQueue> {
        None
    }

    /// Whether [`recv`](Self::recv) would succeed (`ZMQ_POLLIN`). May read ahead.
    fn has_in(&mut self, env: &mut Env<'_>) -> bool;

    /// Whether [`send`](Self::send) would succeed (`ZMQ_POLLOUT`).
    fn has_out(&mut self, env: &mut Env<'_>) -> bool;

    /// Sets an option of this type; [`Error::Invalid`] also when it is none of
    /// its options (the runtime then tries the generic ones).
    fn set_option(&mut self, _env: &mut Env<'_>, _option: i32, _value: &[u8]) -> Result<()> {
        Err(Error::Invalid)
    }

    /// Reads an option of this type; as [`set_option`](Self::set_option).
    fn get_option(&mut self, _option: i32, _out: &mut Room<'_>) -> Result<usize> {
        Err(Error::Invalid)
    }

    /// The id given by `ZMQ_CONNECT_ROUTING_ID` for the next connection. The
    /// runtime puts it into the pipe's `routing_id` before it calls
    /// [`attached`](Self::attached).
    fn take_connect_routing_id(&mut self) -> Option<Vec<u8>> {
        None
    }

    /// Whether that id is free. If not, the connect must fail; a pipe that
    /// comes with a taken id is closed.
    fn accepts_connect_routing_id(&self, _id: &[u8]) -> bool {
        true
    }
}

/// Drops what came on a pipe from which nobody reads.
fn discard_input(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        while end.read().is_some() {}
        if end.is_ended() {
            env.close(pipe);
        }
    }
}

/// Closes a pipe whose peer is not wanted.
fn refuse(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        end.refuse();
        env.close(pipe);
    }
}

/// Puts a peer's routing id into `into`, as the part in front of what came from
/// its pipe; empty if the pipe is gone.
#[inline]
fn introduce(env: &mut Env<'_>, pipe: PipeId, into: &mut Msg) {
    let bare = into.has(flag::BARE);
    let held = into.vacate();
    let Some(end) = env.pipes.get(pipe) else {
        into.set(flag::MORE, true);
        return;
    };
    // Out of memory leaves an empty id rather than losing the message.
    *into = Msg::copy_from(&end.routing_id).unwrap_or_default();
    into.set(flag::MORE, true);
    if let Some(metadata) = end.metadata().filter(|_| !bare) {
        into.set_metadata(Some(Metadata::share(metadata, held)));
    }
}

/// `ZMQ_PROBE_ROUTER`: an empty message, so that a ROUTER learns of this socket, in
/// front of all others.
fn send_probe(env: &mut Env<'_>, pipe: PipeId) {
    if let Some(end) = env.pipes.get(pipe) {
        if end.is_untouched() && end.write(Msg::new()).is_ok() {
            end.flush();
        }
    }
}
