//! A socket as its context sees it.

#![forbid(unsafe_code)]

use crate::pipe::PipeEnd;
use crate::sys::log::Origin;

/// A socket, while it is open, or closed with connections that linger. Called from any thread,
/// also with a lock of the context held: the methods must neither block nor lock the socket.
pub trait Member: Send + Sync {
    /// The socket's name in the log.
    fn log_name(&self) -> Origin;
    /// The context was shut down: wakes the calls that wait on the socket.
    fn shut_down(&self);
    /// Whether there are connections, lingering ones included.
    fn has_connections(&self) -> bool;
    /// About how many parts of messages the connections have yet to send.
    fn unsent(&self) -> usize;
    /// Takes its end of a new pipe over inproc.
    fn join(&self, end: PipeEnd);
    /// Whether the socket sends its subscriptions to each new peer.
    fn subscribes(&self) -> bool;
    /// Reads the mail now if the socket is not locked, which is tried once.
    fn catch_up(&self);
    /// Has an I/O thread read the mail if the application makes no call.
    fn defer_mail(&self);
}
