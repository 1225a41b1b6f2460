//! Listening sockets.

#![forbid(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use socket2::{Domain, SockAddr, Socket};

use super::resolve::{bind_route, os, unix_address};
use super::socket_file::{SocketFile, WildcardDirectory, clear_way};
use super::{ByteStream, StreamOptions, filter, name, tipc, tuning, vsock};
use crate::endpoint::{Endpoint, IpcAddress, TcpAddress, TipcAddress, VsockAddress};
use crate::error::{Error, Result};
use crate::sys::{adopt::GivenFd, resolver};

/// Most connections, ended before they were accepted, that one [`Listener::accept`] skips.
const ABORTED_MAX: usize = 16;

/// A listening socket, non-blocking. Dropping it closes its descriptor and removes the ipc
/// file that it owns, see [`Listener::close`].
#[derive(Debug)]
pub struct Listener {
    // Declared, and so dropped, before the socket: see `SocketFile::remove`.
    file: Option<SocketFile>,
    socket: Socket,
    endpoint: Vec<u8>,
}

/// The error of a failed bind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindError {
    /// The reason.
    pub error: Error,
    /// The descriptor that had been opened, and is closed again.
    pub fd: Option<RawFd>,
}

impl BindError {
    fn at(socket: &Socket) -> impl Fn(io::Error) -> BindError {
        let fd = Some(socket.as_raw_fd());
        move |error| BindError {
            error: to_error(error),
            fd,
        }
    }
}

impl From<Error> for BindError {
    fn from(error: Error) -> BindError {
        BindError { error, fd: None }
    }
}

impl Listener {
    /// Binds and listens. With `use_fd` in the options the listener takes that descriptor,
    /// and the endpoint is ignored.
    ///
    /// Blocks only where a tcp host is a name that needs the resolver.
    ///
    /// Errors: `NoDevice` for a host that does not resolve, `Invalid`,
    /// `NameTooLong`, `AddrInUse`, `TooManyFiles`, else the system's; for
    /// inproc `ProtoNotSupported`.
    pub fn bind(
        endpoint: &Endpoint,
        options: &StreamOptions,
    ) -> std::result::Result<Listener, BindError> {
        if let Some(given) = &options.use_fd {
            return Ok(Listener::adopt(given)?);
        }
        match endpoint {
            Endpoint::Inproc(_) => Err(Error::ProtoNotSupported.into()),
            Endpoint::Tcp(address) => bind_tcp(address, options),
            Endpoint::Ipc(address) => bind_ipc(address, options),
            Endpoint::Tipc(address) => bind_tipc(address, options),
            Endpoint::Vsock(address) => bind_vsock(address, options),
        }
    }

    /// Takes a socket that is bound and listening already (`ZMQ_USE_FD`). On success the
    /// listener owns it; its file is never removed.
    ///
    /// Errors: `EBADF` (also if it was taken before), `ENOTSOCK`; the descriptor then stays
    /// the caller's.
    pub fn adopt(given: &GivenFd) -> Result<Listener> {
        let socket = Socket::from(given.take().map_err(to_error)?);
        socket.set_nonblocking(true).map_err(to_error)?;
        Listener::new(socket, None)
    }

    fn new(socket: Socket, file: Option<SocketFile>) -> Result<Listener> {
        let address = socket.local_addr().map_err(to_error)?;
        Ok(Listener {
            endpoint: name::endpoint_text(&address),
            file,
            socket,
        })
    }

    /// The bound endpoint, as `ZMQ_LAST_ENDPOINT` shows it: `tcp://0.0.0.0:port`,
    /// `tcp://[::]:port`, `ipc://path`, `ipc://@name`.
    pub fn endpoint(&self) -> &[u8] {
        &self.endpoint
    }

    /// Accepts one waiting connection; `None` if there is none.
    ///
    /// Errors: `EACCES` for a peer that a filter refuses; the system's if the
    /// new socket cannot be tuned. Both cost that one connection. `EMFILE`,
    /// `ENFILE`, `ENOBUFS` and `ENOMEM`: the connection stays in the queue and
    /// the descriptor readable, so the caller should pause before it tries again.
    pub fn accept(&self, options: &StreamOptions) -> io::Result<Option<ByteStream>> {
        for _ in 0..ABORTED_MAX {
            match accept_nonblocking(&self.socket) {
                Ok((socket, peer)) => return admit(socket, &peer, options).map(Some),
                Err(error) => match error.raw_os_error() {
                    Some(libc::EINTR | libc::ECONNABORTED | libc::EPROTO) => {}
                    Some(libc::EAGAIN) => return Ok(None),
                    _ => return Err(error),
                },
            }
        }
        Ok(None)
    }

    /// Stops listening and removes the ipc socket's file, and a wildcard's
    /// directory, unless another process has put its own socket there since, or
    /// this is a forked child. (libzmq removes only a wildcard's.)
    ///
    /// Errors: the system's, if the file or the directory cannot be removed; the
    /// descriptor is closed nonetheless.
    pub fn close(mut self) -> io::Result<()> {
        self.file.take().map_or(Ok(()), SocketFile::remove)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl AsRawFd for Listener {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

fn bind_tcp(
    address: &TcpAddress,
    options: &StreamOptions,
) -> std::result::Result<Listener, BindError> {
    let ipv6 = options.ipv6 && resolver::has_ipv6();
    let address = bind_route(address.route()?, ipv6)?;
    let socket = tuning::open_tcp(address.is_ipv6(), options).map_err(to_error)?;
    // A restarted server must not wait for the TIME_WAIT of its old connections.
    socket
        .set_reuse_address(true)
        .and_then(|()| socket.bind(&address))
        .and_then(|()| socket.listen(options.backlog))
        .map_err(BindError::at(&socket))?;
    Ok(Listener::new(socket, None)?)
}

fn bind_ipc(
    address: &IpcAddress,
    options: &StreamOptions,
) -> std::result::Result<Listener, BindError> {
    let (address, directory) = match address {
        IpcAddress::Wildcard => {
            let (directory, path) = WildcardDirectory::make().map_err(to_error)?;
            let address = IpcAddress::connect(path.as_os_str().as_bytes())?;
            (address, Some(directory))
        }
        other => (other.clone(), None),
    };
    let socket_address = unix_address(&address).map_err(to_error)?;
    let socket = tuning::open(Domain::UNIX).map_err(to_error)?;
    let file = match &address {
        IpcAddress::Path(path) => {
            let path = Path::new(std::ffi::OsStr::from_bytes(path));
            clear_way(path);
            socket
                .bind(&socket_address)
                .map_err(BindError::at(&socket))?;
            SocketFile::record(path, directory)
        }
        _ => {
            socket
                .bind(&socket_address)
                .map_err(BindError::at(&socket))?;
            None
        }
    };
    socket
        .listen(options.backlog)
        .map_err(BindError::at(&socket))?;
    Ok(Listener::new(socket, file)?)
}

fn bind_tipc(
    address: &TipcAddress,
    options: &StreamOptions,
) -> std::result::Result<Listener, BindError> {
    let socket = tuning::open(tipc::domain()).map_err(to_error)?;
    let named = *address != TipcAddress::Random;
    if named {
        let socket_address = tipc::socket_address(address).map_err(to_error)?;
        socket
            .bind(&socket_address)
            .map_err(BindError::at(&socket))?;
    }
    socket
        .listen(options.backlog)
        .map_err(BindError::at(&socket))?;
    let mut listener = Listener::new(socket, None)?;
    if named {
        listener.endpoint = Endpoint::Tipc(*address).text();
    }
    Ok(listener)
}

fn bind_vsock(
    address: &VsockAddress,
    options: &StreamOptions,
) -> std::result::Result<Listener, BindError> {
    vsock::check_vsock()?;
    let socket = tuning::open(vsock::DOMAIN).map_err(to_error)?;
    let socket_address = vsock::socket_address(address).map_err(to_error)?;
    socket
        .bind(&socket_address)
        .map_err(BindError::at(&socket))?;
    socket
        .listen(options.backlog)
        .map_err(BindError::at(&socket))?;
    Ok(Listener::new(socket, None)?)
}

/// Checks and tunes an accepted socket.
fn admit(socket: Socket, peer: &SockAddr, options: &StreamOptions) -> io::Result<ByteStream> {
    if !filter::admits(&socket, peer, options) {
        return Err(os(libc::EACCES));
    }
    if peer.as_socket().is_some() {
        tuning::mark(&socket, peer.is_ipv6(), options)?;
        tuning::tune_connected(&socket, options)?;
    }
    Ok(ByteStream::new(socket))
}

fn accept_nonblocking(listener: &Socket) -> io::Result<(Socket, SockAddr)> {
    listener.accept4(libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC)
}

/// Maps the conditions that the library has a name for to that name.
fn to_error(error: io::Error) -> Error {
    match error.raw_os_error() {
        Some(libc::EINVAL) => Error::Invalid,
        Some(libc::EADDRINUSE) => Error::AddrInUse,
        Some(libc::ENODEV) => Error::NoDevice,
        Some(libc::ENOENT) => Error::NotFound,
        Some(libc::ENAMETOOLONG) => Error::NameTooLong,
        Some(libc::EMFILE) => Error::TooManyFiles,
        Some(libc::ENOMEM) => Error::NoMemory,
        _ => Error::from(error),
    }
}
