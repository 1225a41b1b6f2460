//! What carries a socket's messages to and from peers, as the socket sees it.
//!
//! A socket owns its engines ([`Membership::opened`](super::Membership::opened)) until they have ended for
//! good ([`Membership::finished`](super::Membership::finished)). A [`Connection`](super::Connection) is
//! the engine of byte streams. An engine for datagrams or a multicast group reads and writes
//! the same pipes.
//!
//! All methods may be called from any thread. Unless a method says otherwise it does not block,
//! and may be called with the socket's slot locked. An engine never locks a slot.

#![forbid(unsafe_code)]

use crate::pipe::PipeEnd;
use std::os::fd::RawFd;

/// See the module.
pub trait Engine: Send + Sync {
    /// The socket gives up the engine: queued messages are still sent, for at most the linger
    /// time; then the engine ends.
    fn stop(&self);

    /// Stops an engine that makes no further attempt, when this is called again: the socket
    /// hears of it once more after a moment. What it sends until then is taken, and lost, as
    /// in libzmq: a client that asks a server which it does not fit waits for the answer, with
    /// its time limit, not for room.
    fn stop_soon(&self);

    /// Whether the engine has ended, or makes no further attempt to connect.
    fn is_over(&self) -> bool;

    /// Stops an engine that [is over](Self::is_over) and returns its end of the pipe, if there
    /// is one, with the messages that were not sent. Waits for the thread that drives it.
    fn retire(&self) -> Option<PipeEnd>;

    /// Reads what has arrived. Called by a polling application thread.
    fn poll_input(&self);

    /// Does the work that is marked for the I/O thread and that no thread has begun.
    fn push_output(&self);

    /// About how many message parts wait to be sent; 0 while another thread drives it.
    fn unsent(&self) -> usize;

    /// A descriptor to wait for input on; it may be closed at any time after this returns.
    /// `None` if there is none now, if no input is wanted, or while another thread drives
    /// the engine.
    fn stream_fd(&self) -> Option<RawFd>;

    /// As [`stream_fd`](Self::stream_fd), if much of a long body has yet to arrive.
    fn long_fd(&self) -> Option<RawFd>;

    /// Does all marked work and reads what has arrived before it returns, waiting for the
    /// thread that drives the engine if there is one. Call it with no socket locked.
    fn settle(&self);

    /// Ends caller-driven reading: the I/O thread watches the descriptor again when this
    /// returns. Waits for the thread that drives the engine.
    fn hand_to_io_thread(&self);
}

/// What identifies an engine for as long as it exists.
pub fn address(engine: &dyn Engine) -> usize {
    std::ptr::from_ref(engine).cast::<()>() as usize
}
