//! The listening and the connecting end over the kernel's stream sockets.

#![forbid(unsafe_code)]

use super::byte_stream::ByteStream;
use super::dial::Dial;
use super::interface::{BindError, Dialer, Listener};
use super::socket::{Family, SocketStream};
use crate::options::Options;
use crate::sys;
use socket2::{SockAddr, Socket};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

/// Most connections, ended before they were accepted, that one [`Listener::accept`] skips.
const ABORTED_MAX: usize = 16;

/// A listening socket. Dropping it closes its descriptor.
#[derive(Debug)]
pub(super) struct SocketListener {
    socket: Socket,
    family: &'static dyn Family,
    endpoint: Vec<u8>,
}

impl SocketListener {
    /// Binds the socket to the address, if there is one, and listens.
    ///
    /// Errors: the system's.
    pub(super) fn listen(
        socket: Socket,
        address: Option<&SockAddr>,
        family: &'static dyn Family,
        options: &Options,
    ) -> std::result::Result<SocketListener, BindError> {
        address
            .map_or(Ok(()), |address| socket.bind(address))
            .and_then(|()| socket.listen(options.backlog))
            .map_err(BindError::at(&socket))?;
        Ok(SocketListener::of(socket, family)?)
    }

    /// Takes ownership of a socket that listens.
    ///
    /// Errors: the system's.
    pub(super) fn of(socket: Socket, family: &'static dyn Family) -> io::Result<SocketListener> {
        let address = socket.local_addr()?;
        Ok(SocketListener {
            endpoint: family.text(&address).unwrap_or_default(),
            socket,
            family,
        })
    }

    /// Shows `endpoint` in place of the socket's own address.
    pub(super) fn named(self, endpoint: Vec<u8>) -> SocketListener {
        SocketListener { endpoint, ..self }
    }
}

impl Listener for SocketListener {
    fn endpoint(&self) -> &[u8] {
        &self.endpoint
    }

    fn accept(&self, options: &Options) -> io::Result<Option<ByteStream>> {
        for _ in 0..ABORTED_MAX {
            match self
                .socket
                .accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
            {
                Ok((socket, peer)) => {
                    self.family.admit(&socket, &peer, options)?;
                    let stream = SocketStream::new(socket, self.family);
                    return Ok(Some(ByteStream::Socket(stream)));
                }
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::ECONNABORTED | libc::EPROTO) => {}
                    Some(libc::EAGAIN) => return Ok(None),
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }
}

impl AsFd for SocketListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// A socket address to connect to, and the address to connect from.
#[derive(Debug)]
pub(super) struct SocketDialer {
    address: SockAddr,
    source: Option<SockAddr>,
    family: &'static dyn Family,
}

impl SocketDialer {
    pub(super) fn new(
        address: SockAddr,
        source: Option<SockAddr>,
        family: &'static dyn Family,
    ) -> SocketDialer {
        SocketDialer {
            address,
            source,
            family,
        }
    }
}

impl Dialer for SocketDialer {
    fn text(&self) -> Vec<u8> {
        self.family.text(&self.address).unwrap_or_default()
    }

    fn dial(&self, options: &Options) -> io::Result<Dial> {
        let socket = self.family.open(&self.address, options)?;
        if self.source.is_some() {
            // One source port may serve connections to several peers.
            socket.set_reuse_address(true)?;
        }
        let source = self.source.as_ref();
        let started = source
            .map_or(Ok(()), |source| socket.bind(source))
            .and_then(|()| socket.connect(&self.address));
        let (address, family) = (self.address.clone(), self.family);
        Ok(Dial::new(socket, started, move |socket, options| {
            let peer = peer(&socket, address)?;
            family.connected(&socket, &peer, options)?;
            Ok(ByteStream::Socket(SocketStream::new(socket, family)))
        }))
    }
}

/// The address of the peer. Where `getpeername` is forbidden: the dialled address, if the
/// socket is writable.
fn peer(socket: &Socket, dialled: SockAddr) -> io::Result<SockAddr> {
    match socket.peer_addr() {
        Err(error)
            if sys::is_refused(&error)
                && sys::is_ready_within(socket.as_raw_fd(), libc::POLLOUT, 0) =>
        {
            Ok(dialled)
        }
        answer => answer,
    }
}
