//! The kernel's stream sockets, which most transports are made of, and what each address
//! family has of its own.

#![forbid(unsafe_code)]

use super::stream::Stream;
use crate::options::Options;
use crate::sys::{self, room::Room};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::fmt::Debug;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

/// A write to a closed peer returns `EPIPE` and raises no signal in the application.
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;

/// Most pieces in one call; systems refuse more. The rest is written by the next call.
const PIECES_MAX: usize = 1024;

/// What an address family of the kernel has of its own. Called by the thread that binds,
/// accepts or connects; nothing blocks.
pub trait Family: Debug + Sync {
    /// A socket address as endpoint text; `None` for another family's, and for one that has
    /// no text.
    fn text(&self, address: &SockAddr) -> Option<Vec<u8>>;

    /// Makes a socket that is to connect to `address`.
    ///
    /// Errors: the system's.
    fn open(&self, address: &SockAddr, _options: &Options) -> io::Result<Socket> {
        open(address.domain())
    }

    /// Checks a connected socket, and sets what options ask for.
    ///
    /// Errors: the system's; they end the attempt.
    fn connected(&self, _socket: &Socket, _peer: &SockAddr, _options: &Options) -> io::Result<()> {
        Ok(())
    }

    /// The accept gate: checks an accepted peer, and sets what options ask for.
    ///
    /// Errors: `EACCES` for a peer that the options exclude; the system's. They cost that one
    /// connection.
    fn admit(&self, _socket: &Socket, _peer: &SockAddr, _options: &Options) -> io::Result<()> {
        Ok(())
    }

    /// See [`Stream::peer_address_text`].
    fn peer_address_text(&self, _socket: &Socket, _peer: &SockAddr) -> String {
        String::new()
    }

    /// Whether readiness depends on `SO_RCVLOWAT`.
    fn has_low_water(&self) -> bool {
        true
    }

    /// See [`Stream::limit_send_queue`].
    fn limit_send_queue(&self, _socket: &Socket) {}
}

/// Makes a non-blocking, close-on-exec stream socket.
///
/// Errors: the system's.
pub fn open(domain: Domain) -> io::Result<Socket> {
    let internet = domain == Domain::IPV4 || domain == Domain::IPV6;
    let protocol = internet.then_some(Protocol::TCP);
    Socket::new(domain, Type::STREAM.nonblocking(), protocol)
}

/// The system's error with this number.
pub fn os(errno: i32) -> io::Error {
    io::Error::from_raw_os_error(errno)
}

/// A connected socket as a byte stream. Owns and closes its descriptor.
#[derive(Debug)]
pub struct SocketStream {
    socket: Socket,
    family: &'static dyn Family,
}

impl SocketStream {
    /// Takes ownership of a connected, non-blocking socket.
    pub fn new(socket: Socket, family: &'static dyn Family) -> SocketStream {
        SocketStream { socket, family }
    }

    fn text(&self, address: io::Result<SockAddr>) -> Vec<u8> {
        let address = address.ok();
        address
            .and_then(|address| self.family.text(&address))
            .unwrap_or_default()
    }
}

// Per-message path: one system call each, nothing else.
impl Stream for SocketStream {
    #[inline]
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        retry(|| room.receive(self.socket.as_fd()))
    }

    #[inline]
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        retry(|| self.socket.send_with_flags(bytes, SEND_FLAGS))
    }

    #[inline]
    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let pieces = &pieces[..pieces.len().min(PIECES_MAX)];
        match retry(|| self.socket.send_vectored_with_flags(pieces, SEND_FLAGS)) {
            // Rules for system calls may allow sendto and not sendmsg.
            Err(error) if sys::is_refused(&error) => {
                let first = pieces.iter().find(|piece| !piece.is_empty());
                self.write(first.map_or(&[], |piece| piece))
            }
            result => result,
        }
    }

    fn set_low_water(&self, bytes: u32) -> io::Result<bool> {
        if !self.family.has_low_water() {
            return Ok(false);
        }
        let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        sys::set_receive_low_water(self.as_fd(), bytes).map(|()| true)
    }

    fn limit_send_queue(&self) {
        self.family.limit_send_queue(&self.socket);
    }

    fn peer_address_text(&self) -> String {
        match self.socket.peer_addr() {
            Ok(peer) => self.family.peer_address_text(&self.socket, &peer),
            Err(_) => String::new(),
        }
    }

    fn local_endpoint(&self) -> Vec<u8> {
        self.text(self.socket.local_addr())
    }

    #[cfg(test)]
    fn remote_endpoint(&self) -> Vec<u8> {
        self.text(self.socket.peer_addr())
    }
}

impl AsFd for SocketStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Repeats a call that a signal interrupted. The sockets are non-blocking, so this is rare
/// and does not wait.
#[inline]
fn retry(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}
