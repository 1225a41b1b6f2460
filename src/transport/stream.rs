//! A connected byte stream.

#![forbid(unsafe_code)]

use std::cell::OnceCell;
use std::io::{self, IoSlice};
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use socket2::{Domain, SockAddr, Socket};

use super::name;
use crate::io_policy::tunables::SEND_QUEUE;
use crate::sys::{self, credentials, room::Room};

/// A write to a closed peer returns `EPIPE` and raises no signal in the application.
const SEND_FLAGS: libc::c_int = libc::MSG_NOSIGNAL;

/// Most pieces in one call; systems refuse more. The rest is written by the next call.
const PIECES_MAX: usize = 1024;

/// A connected stream socket, non-blocking. Owns and closes its descriptor.
#[derive(Debug)]
pub struct ByteStream {
    socket: Socket,
    /// Whether it is a Unix socket, once that was asked.
    is_unix: OnceCell<bool>,
}

impl ByteStream {
    /// Takes ownership of a connected, non-blocking socket.
    pub(super) fn new(socket: Socket) -> ByteStream {
        let is_unix = OnceCell::new();
        ByteStream { socket, is_unix }
    }

    /// Reads as much as there is room for, without waiting; 0 means that the peer
    /// will send no more (or that there is no room).
    ///
    /// Errors: `WouldBlock`; the system's when the connection is lost.
    // Per-message path: one system call, nothing else.
    #[inline]
    pub fn read<'a>(&self, room: impl Into<Room<'a>>) -> io::Result<usize> {
        let mut room = room.into();
        retry(|| room.receive(self.socket.as_fd()))
    }

    /// Writes what the kernel takes now and returns how many bytes that was.
    ///
    /// Errors: `WouldBlock` if it takes nothing; `BrokenPipe` and others when
    /// the connection is lost. Never raises `SIGPIPE`.
    // Per-message path: one system call, nothing else.
    #[inline]
    pub fn write(&self, buf: &[u8]) -> io::Result<usize> {
        retry(|| self.socket.send_with_flags(buf, SEND_FLAGS))
    }

    /// As [`Self::write`], from several pieces in order.
    #[inline]
    pub fn write_vectored(&self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let pieces = &bufs[..bufs.len().min(PIECES_MAX)];
        match retry(|| self.socket.send_vectored_with_flags(pieces, SEND_FLAGS)) {
            // Rules for system calls may allow sendto and not sendmsg.
            Err(error) if sys::is_refused(&error) => {
                let first = bufs.iter().find(|buf| !buf.is_empty());
                self.write(first.map_or(&[], |buf| buf))
            }
            result => result,
        }
    }

    /// Limits the kernel's send queue to half a MiB, for long messages over tcp to a peer
    /// on this machine, where it would grow to several. Beyond that the bytes leave the
    /// processor's caches between the two copies, and both take twice as long.
    pub fn limit_send_queue(&self) {
        let host = |address: io::Result<SockAddr>| Some(address.ok()?.as_socket()?.ip());
        let peer = host(self.socket.peer_addr());
        let is_local = |peer: IpAddr| {
            peer.to_canonical().is_loopback() || Some(peer) == host(self.socket.local_addr())
        };
        if peer.is_some_and(is_local) {
            // A refusal is ignored.
            let _ = self.socket.set_send_buffer_size(SEND_QUEUE);
        }
    }

    /// Reports the stream as readable once so many bytes have arrived, or its end has. False,
    /// and nothing done, if the kernel does not offer that for the stream.
    ///
    /// # Errors
    /// The system's; what holds is then unknown.
    pub fn set_low_water(&self, bytes: u32) -> io::Result<bool> {
        // Readiness of a Unix socket does not depend on it.
        if self.is_unix()? {
            return Ok(false);
        }
        let bytes = libc::c_int::try_from(bytes).unwrap_or(libc::c_int::MAX);
        sys::set_receive_low_water(self.as_fd(), bytes).map(|()| true)
    }

    fn is_unix(&self) -> io::Result<bool> {
        if let Some(known) = self.is_unix.get() {
            return Ok(*known);
        }
        let is_unix = self.socket.domain()? == Domain::UNIX;
        Ok(*self.is_unix.get_or_init(|| is_unix))
    }

    /// Whether the peer has closed the connection or its writing side. What it sent before
    /// may have yet to be read.
    pub fn is_hung_up(&self) -> bool {
        const GONE: i16 = libc::POLLRDHUP | libc::POLLHUP | libc::POLLERR;
        let mut fds = [libc::pollfd {
            fd: self.as_raw_fd(),
            events: GONE,
            revents: 0,
        }];
        sys::poll(&mut fds, 0).is_ok() && fds[0].revents & GONE != 0
    }

    /// The `Peer-Address` metadata: for tcp the numeric host, without port; for ipc
    /// `localhost:uid:gid:pid`. Empty if the peer is gone already.
    pub fn peer_address_text(&self) -> String {
        let Ok(peer) = self.socket.peer_addr() else {
            return String::new();
        };
        if let Some(address) = peer.as_socket() {
            return name::host_text(&address);
        }
        if !peer.is_unix() {
            return String::new();
        }
        match credentials::peer(self.socket.as_fd()) {
            Ok(found) => {
                let pid = found.pid.map_or(String::new(), |pid| pid.to_string());
                format!("localhost:{}:{}:{pid}", found.uid, found.gid)
            }
            Err(_) => "localhost".to_owned(),
        }
    }

    /// This end as endpoint text, for monitor events: `tcp://1.2.3.4:5`,
    /// `ipc://path`. An unnamed ipc end is `ipc://`; empty if unknown.
    pub fn local_endpoint(&self) -> Vec<u8> {
        let address = self.socket.local_addr();
        address.map_or(Vec::new(), |a| name::endpoint_text(&a))
    }

    /// The other end, as [`Self::local_endpoint`].
    #[cfg(test)]
    pub fn remote_endpoint(&self) -> Vec<u8> {
        let address = self.socket.peer_addr();
        address.map_or(Vec::new(), |a| name::endpoint_text(&a))
    }
}

impl AsFd for ByteStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for ByteStream {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
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
