//! The socket as its engines see it.

#![forbid(unsafe_code)]

use super::engine::Engine;
use super::event::Diagnostics;
use super::security::{OpenQuestion, ZapClient, ZapQuery};
use crate::io_policy::Wakeup;
use crate::pipe::PipeEnd;
use crate::reactor::Reactor;
use std::sync::{Arc, Weak};

/// The socket, seen from its engines. Called from any thread, as a rule with an engine
/// locked: the methods must neither block nor lock the socket's slot. They send commands to
/// the socket's mailbox or change its shared part.
pub trait Link: Membership + Diagnostics + Driving + Authentication {}

impl<T: Membership + Diagnostics + Driving + Authentication> Link for T {}

/// The engines of a socket and their pipes: begin and end. See [`Link`].
pub trait Membership: Send + Sync {
    /// The least loaded I/O thread of those in the mask (0: all).
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>>;
    /// Registers a new engine, which the socket owns until
    /// [`finished`](Self::finished).
    fn opened(&self, engine: Arc<dyn Engine>);
    /// A handshake is complete, and this is the socket's end of the new pipe.
    fn attach(&self, pipe: PipeEnd);
    /// Whether the peer's routing id is to be the first message of the pipe.
    fn wants_routing_id(&self) -> bool;
    /// `ZMQ_LINGER` at present, in milliseconds; -1 for ever.
    fn linger(&self) -> i32;
    /// A connecting side makes no further attempt. When the socket reads its mail, it
    /// is to [stop](Engine::stop) the connection and to forget the endpoint, so
    /// that it can no longer be disconnected; or to stop it [soon](Engine::stop_soon)
    /// if the endpoint stays, which reports this once more.
    fn gave_up(&self, engine: Weak<dyn Engine>, endpoint_stays: bool);
    /// An accepted peer has gone, and left about this many unread bytes in its pipe.
    fn report_unread(&self, bytes: u64);
    /// Removes an engine that has ended for good.
    fn finished(&self, engine: &dyn Engine);
}

/// Which thread drives an engine, and when it has to. See [`Link`].
pub trait Driving: Send + Sync {
    /// Whether an application thread polls now and reads the caller-driven connections
    /// itself. SeqCst load, in the Dekker handshake with
    /// [`add_caller_driven`](Self::add_caller_driven).
    fn is_spinning(&self) -> bool;
    /// Makes a connection caller-driven until the socket calls
    /// [`Engine::hand_to_io_thread`]. Ends with a SeqCst fence: the caller then
    /// rechecks [`is_spinning`](Self::is_spinning).
    fn add_caller_driven(&self, engine: Arc<dyn Engine>);
    /// A counter that changes whenever an application thread reads its connections.
    fn activity(&self) -> u32;
    /// Counts a wake-up of a connection by a message, now.
    fn count_wakeup(&self) -> Wakeup;
    /// Counts that bytes were read.
    fn input_came(&self);
    /// The mail must not wait for the application's next call on the socket: has an I/O
    /// thread read it.
    fn defer_mail(&self);
}

/// The ZAP handler of the context. See [`Link`].
pub trait Authentication: Send + Sync {
    /// Sends a query to the ZAP handler of the context. The answer goes to
    /// [`ZapClient::zap_reply`], at once or later. Without a handler the verdict is
    /// [`ZapVerdict::Unavailable`](crate::zmtp::ZapVerdict), and `None` is returned. The
    /// connection keeps what is returned until the answer.
    fn zap(&self, query: ZapQuery, client: Arc<dyn ZapClient>) -> Option<Box<dyn OpenQuestion>>;
}
