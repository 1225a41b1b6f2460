//! The byte stream of a connection: a socket, or a layer.

#![forbid(unsafe_code)]

use super::socket::SocketStream;
use super::stream::Stream;
use crate::sys::room::Room;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A connected, non-blocking byte stream. See [`Stream`].
#[derive(Debug)]
pub enum ByteStream {
    /// A socket of the kernel.
    Socket(SocketStream),
    /// Anything else, as TLS or a WebSocket.
    #[cfg_attr(not(any(test, feature = "ws")), allow(dead_code))]
    Layer(Box<dyn Stream>),
}

// Per-message path: for a socket the system call and a test, nothing else.
impl ByteStream {
    /// The stream made of a layer.
    #[cfg(any(test, feature = "ws"))]
    pub fn layer(layer: impl Stream + 'static) -> ByteStream {
        ByteStream::Layer(Box::new(layer))
    }

    /// See [`Stream::read`].
    #[inline]
    pub fn read<'a>(&self, room: impl Into<Room<'a>>) -> io::Result<usize> {
        let mut room = room.into();
        match self {
            ByteStream::Socket(socket) => socket.read(&mut room),
            ByteStream::Layer(layer) => layer.read(&mut room),
        }
    }

    /// See [`Stream::write`].
    #[inline]
    pub fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            ByteStream::Socket(socket) => socket.write(bytes),
            ByteStream::Layer(layer) => layer.write(bytes),
        }
    }

    /// See [`Stream::write_vectored`].
    #[inline]
    pub fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        match self {
            ByteStream::Socket(socket) => socket.write_vectored(pieces),
            ByteStream::Layer(layer) => layer.write_vectored(pieces),
        }
    }

    /// See [`Stream::has_buffered_input`].
    #[inline]
    pub fn has_buffered_input(&self) -> bool {
        matches!(self, ByteStream::Layer(layer) if layer.has_buffered_input())
    }

    /// See [`Stream::has_pending_output`].
    #[inline]
    pub fn has_pending_output(&self) -> bool {
        matches!(self, ByteStream::Layer(layer) if layer.has_pending_output())
    }

    /// See [`Stream::flush`].
    #[inline]
    pub fn flush(&self) -> io::Result<()> {
        match self {
            ByteStream::Socket(_) => Ok(()),
            ByteStream::Layer(layer) => layer.flush(),
        }
    }

    /// See [`Stream::interest`].
    #[inline]
    pub fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        match self {
            ByteStream::Socket(_) => (read, write),
            ByteStream::Layer(layer) => layer.interest(read, write),
        }
    }
}

/// For what is not called for each message.
impl std::ops::Deref for ByteStream {
    type Target = dyn Stream;

    fn deref(&self) -> &Self::Target {
        match self {
            ByteStream::Socket(socket) => socket,
            ByteStream::Layer(layer) => &**layer,
        }
    }
}

impl AsFd for ByteStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        (**self).as_fd()
    }
}

impl AsRawFd for ByteStream {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
