//! The connecting side: one attempt at a time.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::time::Duration;

use socket2::{SockAddr, Socket};

use super::resolve::os;
use super::{ByteStream, StreamOptions, name, tuning};
use crate::sys;

/// An address to connect to, and the address to connect from.
#[derive(Clone, Debug)]
pub struct Target {
    address: SockAddr,
    source: Option<SockAddr>,
}

impl Target {
    pub(super) fn new(address: SockAddr, source: Option<SockAddr>) -> Target {
        Target { address, source }
    }

    /// The address as endpoint text, for monitor events: `tcp://1.2.3.4:5`.
    pub fn text(&self) -> Vec<u8> {
        name::endpoint_text(&self.address)
    }
}

/// A connection attempt. Owns its descriptor; dropping it ends the attempt.
#[derive(Debug)]
pub struct Dial {
    socket: Socket,
    address: Box<SockAddr>,
    options: StreamOptions,
    in_progress: bool,
    /// The error of an attempt that failed at once.
    failure: Option<io::Error>,
}

impl Dial {
    /// Starts to connect, without waiting. If that fails at once, [`Self::finish`] returns
    /// the error.
    ///
    /// Errors: the system's, if there is no socket to connect.
    pub fn start(target: &Target, options: &StreamOptions) -> io::Result<Dial> {
        let socket = if target.address.as_socket().is_none() {
            tuning::open(target.address.domain())?
        } else {
            let socket = tuning::open_tcp(target.address.is_ipv6(), options)?;
            if target.source.is_some() {
                // One source port may serve connections to several peers.
                socket.set_reuse_address(true)?;
            }
            socket
        };
        let source = target.source.as_ref();
        let started = source.map_or(Ok(()), |source| socket.bind(source));
        let (in_progress, failure) = match started.and_then(|()| socket.connect(&target.address)) {
            Ok(()) => (false, None),
            Err(error) => match error.raw_os_error() {
                // After a signal the kernel continues to connect.
                Some(libc::EINPROGRESS | libc::EINTR) => (true, None),
                _ => (false, Some(error)),
            },
        };
        Ok(Dial {
            socket,
            address: Box::new(target.address.clone()),
            options: options.clone(),
            in_progress,
            failure,
        })
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
    /// is still in progress; `ECONNREFUSED` if the socket connected to itself; for ipc
    /// `EAGAIN` if the listener's backlog is full.
    pub fn finish(mut self) -> io::Result<ByteStream> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if let Some(error) = self.socket.take_error()? {
            return Err(error);
        }
        let peer = self.peer()?;
        if peer.as_socket().is_some() {
            if meets_itself(&self.socket, &peer)? {
                // Close with a reset: the port must be free for its actual listener.
                let _ = self.socket.set_linger(Some(Duration::ZERO));
                return Err(os(libc::ECONNREFUSED));
            }
            tuning::tune_connected(&self.socket, &self.options)?;
        }
        Ok(ByteStream::new(self.socket))
    }

    /// The address of the peer. Where `getpeername` is forbidden: the dialled address, if
    /// the socket is writable.
    fn peer(&self) -> io::Result<SockAddr> {
        match self.socket.peer_addr() {
            Err(error)
                if sys::is_refused(&error)
                    && sys::is_ready_within(self.as_raw_fd(), libc::POLLOUT, 0) =>
            {
                Ok((*self.address).clone())
            }
            answer => answer,
        }
    }
}

/// Whether the socket is connected to itself. A connect to a port of the ephemeral range
/// that has no listener can be assigned that very port as its source, and TCP then connects
/// it to itself.
fn meets_itself(socket: &Socket, peer: &SockAddr) -> io::Result<bool> {
    Ok(socket.local_addr()?.as_socket() == peer.as_socket())
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
