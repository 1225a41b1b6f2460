//! What happened to a pipe, as bits of [`PipeEnd::take_events`](super::PipeEnd::take_events), and who
//! is called for it.

#![forbid(unsafe_code)]

/// Messages were published after the reader found the queue empty.
pub const READ: u8 = 1;
/// There is room after the writer found the pipe full.
pub const WRITE: u8 = 2;
/// The other end has closed.
pub const CLOSED: u8 = 4;
/// The connection was made anew: what was sent before is lost (SUB, XSUB).
pub const HICCUP: u8 = 8;
/// The other end asks whether the peer behind this one is still connected.
pub const INQUIRY: u8 = 16;

/// Receives the events of an end. Called by the thread that uses the other end, with that end's
/// owner locked: it must not block nor take the lock of any socket.
pub trait Listener: Send + Sync {
    /// The end that was registered under `token` has events.
    fn pipe_event(&self, token: usize);

    /// So much was written and not read that reading it now would pay, see `PIPE_BATCH`. True if the
    /// listener has had it read, and needs no [`READ`].
    fn pipe_filling(&self, _token: usize) -> bool {
        false
    }

    /// As [`pipe_event`](Self::pipe_event), of [`WRITE`] or
    /// [`INQUIRY`] alone.
    fn pipe_drained(&self, token: usize) {
        self.pipe_event(token);
    }
}
