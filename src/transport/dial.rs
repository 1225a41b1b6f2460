//! An attempt to connect.

#![forbid(unsafe_code)]

use super::byte_stream::ByteStream;
use crate::options::Options;
use socket2::Socket;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Makes the stream of a socket that has connected.
type Finish = Box<dyn FnOnce(Socket, &Options) -> io::Result<ByteStream> + Send>;

/// A connection attempt, under way or over. Owns its descriptor; dropping it ends the attempt.
pub struct Dial {
    socket: Socket,
    in_progress: bool,
    /// The error of an attempt that failed at once.
    failure: Option<io::Error>,
    finish: Finish,
}

impl Dial {
    /// The attempt that the call to connect has begun, with the answer `started`. `finish`
    /// checks the socket when it has connected.
    pub(super) fn new(
        socket: Socket,
        started: io::Result<()>,
        finish: impl FnOnce(Socket, &Options) -> io::Result<ByteStream> + Send + 'static,
    ) -> Dial {
        let (in_progress, failure) = match started {
            Ok(()) => (false, None),
            Err(error) => match error.raw_os_error() {
                // After a signal the kernel continues to connect.
                Some(libc::EINPROGRESS | libc::EINTR) => (true, None),
                _ => (false, Some(error)),
            },
        };
        let finish = Box::new(finish);
        Dial {
            socket,
            in_progress,
            failure,
            finish,
        }
    }

    /// The attempt for a layer: `wrap` makes its stream of the connected one.
    #[cfg(any(test, feature = "ws"))]
    pub(super) fn then(
        self,
        wrap: impl FnOnce(ByteStream, &Options) -> io::Result<ByteStream> + Send + 'static,
    ) -> Dial {
        let finish = self.finish;
        let finish =
            Box::new(move |socket, options: &Options| wrap(finish(socket, options)?, options));
        Dial { finish, ..self }
    }

    /// Whether the kernel answered "in progress": then wait until the
    /// descriptor is writable, and call [`Self::finish`].
    pub fn in_progress(&self) -> bool {
        self.in_progress
    }

    /// Whether the connection is established by now. Over loopback it usually is at once,
    /// and then there is nothing to wait for.
    pub fn is_connected(&self) -> bool {
        self.socket.peer_addr().is_ok()
    }

    /// Ends the attempt: returns the connected stream or the error.
    ///
    /// Errors: the system's (`ECONNREFUSED`, `ETIMEDOUT`, …); `ENOTCONN` if it
    /// is still in progress; `ECONNREFUSED` if a tcp socket connected to itself; for ipc
    /// `EAGAIN` if the listener's backlog is full.
    pub fn finish(mut self, options: &Options) -> io::Result<ByteStream> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        (self.finish)(self.socket, options)
    }
}

impl AsFd for Dial {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Dial {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}
