//! What a byte stream is made of.

#![forbid(unsafe_code)]

use crate::sys::{self, room::Room};
use std::fmt::{self, Debug};
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd};

/// Why a layer ends the stream: what the peer says does not fit. The source of the
/// [`io::Error`] that a layer returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerError {
    /// For the log.
    pub reason: String,
    /// `ZMQ_PROTOCOL_ERROR_...` for the monitor, if a number fits.
    pub code: Option<u32>,
}

impl fmt::Display for LayerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LayerError {}

impl From<LayerError> for io::Error {
    fn from(error: LayerError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}

/// What a byte stream is made of: a socket of the kernel, or a layer over another stream that
/// reads ahead, decrypts or frames.
///
/// Called by one thread at a time, the holder of the connection's lock; that may be another
/// thread each time, so a layer keeps its state in cells. No method blocks or may be repeated
/// by a signal (`EINTR` is not returned). Dropping the stream closes it.
///
/// There is one descriptor to poll for the life of a stream ([`AsFd`]). A stream over several
/// polls them by an epoll descriptor of its own.
pub trait Stream: AsFd + Debug + Send {
    /// Reads as much as there is room for; 0 means that the peer will send no more (or that
    /// there is no room).
    ///
    /// Errors: `WouldBlock` if no byte is there, and then
    /// [`has_buffered_input`](Self::has_buffered_input) is false; the system's when the
    /// connection is lost.
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize>;

    /// Writes what can be taken now and returns how many bytes that was. A layer may keep them
    /// as [pending output](Self::has_pending_output).
    ///
    /// Errors: `WouldBlock` if nothing is taken; `BrokenPipe` and others when the connection
    /// is lost. Never raises `SIGPIPE`.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// As [`write`](Self::write), from several pieces in order; it may take some of them only.
    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let first = pieces.iter().find(|piece| !piece.is_empty());
        self.write(first.map_or(&[], |piece| piece))
    }

    /// Whether a read would return bytes although the descriptor need not be readable.
    fn has_buffered_input(&self) -> bool {
        false
    }

    /// Whether bytes that [`write`](Self::write) took have yet to be given to the kernel by
    /// [`flush`](Self::flush). What a layer has to say of its own accord it gives to the kernel
    /// itself, in `read`, as far as that is possible; the rest is pending output.
    fn has_pending_output(&self) -> bool {
        false
    }

    /// Gives the pending output to the kernel.
    ///
    /// Errors: `WouldBlock` if some is left; else as for [`write`](Self::write).
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }

    /// The readiness of the descriptor, to read and to write, that a caller is to wait for who
    /// wants to read, or to write after `WouldBlock`. They differ while a layer shakes hands.
    /// A caller who finds the descriptor writable calls [`flush`](Self::flush).
    fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        (read, write)
    }

    /// Reports the stream as readable once so many bytes have arrived, or its end has. False,
    /// and nothing done, if that is not offered for the stream.
    ///
    /// Errors: the system's; what holds is then unknown.
    fn set_low_water(&self, _bytes: u32) -> io::Result<bool> {
        Ok(false)
    }

    /// Limits the kernel's send queue for long messages, where a long one only costs time.
    fn limit_send_queue(&self) {}

    /// Whether the peer has closed the connection or its writing side. What it sent before
    /// may have yet to be read.
    fn is_hung_up(&self) -> bool {
        const GONE: i16 = libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR;
        let mut fds = [libc::pollfd {
            fd: self.as_fd().as_raw_fd(),
            events: GONE,
            revents: 0,
        }];
        sys::poll(&mut fds, 0).is_ok() && fds[0].revents & GONE != 0
    }

    /// Whether the stream has pings of its own, which [`ping`](Self::ping) sends. The peer answers
    /// them without having been asked for by anything else.
    fn has_pings(&self) -> bool {
        false
    }

    /// Has a ping among the [pending output](Self::has_pending_output).
    fn ping(&self) {}

    /// Whether something has come from the peer since this was last asked for, be it the answer
    /// to a ping. Asked for after a read without bytes.
    fn take_sign_of_life(&self) -> bool {
        false
    }

    /// The `Peer-Address` metadata: for tcp the numeric host, without port; for ipc the peer's
    /// credentials, `localhost:uid:gid:pid`. Empty if the peer is gone already.
    fn peer_address_text(&self) -> String;

    /// This end as endpoint text, for monitor events: `tcp://1.2.3.4:5`, `ipc://path`. Empty
    /// if unknown.
    fn local_endpoint(&self) -> Vec<u8>;

    /// The other end, as [`local_endpoint`](Self::local_endpoint).
    #[cfg(test)]
    fn remote_endpoint(&self) -> Vec<u8>;
}
