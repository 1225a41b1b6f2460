//! `ipc://path`, `ipc://@name` in Linux' abstract namespace, and `ipc://*`: Unix domain stream
//! sockets.

#![forbid(unsafe_code)]

mod address;
mod socket_file;
#[cfg(test)]
mod tests;

#[cfg(feature = "testing")]
pub use address::IPC_NAME_MAX;

use super::byte_stream::ByteStream;
use super::ends::{SocketDialer, SocketListener};
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::socket::{Family, open, os};
use crate::error::Result;
use crate::options::Options;
use crate::sys::credentials;
use address::IpcAddress;
use socket_file::{SocketFile, WildcardDirectory, clear_way};
use socket2::{Domain, SockAddr, Socket};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// `ipc://`.
#[derive(Debug)]
pub struct Ipc;

impl Transport for Ipc {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec {
            capability: Some("ipc"),
            stops_after_disconnect: true,
            ..Spec::new("ipc", Carries::Bytes)
        };
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(IpcAddress::bind(text)?))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(IpcAddress::connect(text)?))
    }

    fn family(&self) -> Option<&'static dyn Family> {
        Some(&Ipc)
    }
}

impl Address for IpcAddress {
    fn text(&self) -> Vec<u8> {
        self.text()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let listener = listen(self, options).map_err(|failure| BindError {
            endpoint: [b"ipc://", self.text().as_slice()].concat(),
            ..failure
        })?;
        Ok(Box::new(listener))
    }

    fn resolve(&self, _options: &Options) -> io::Result<Resolution> {
        let address = socket_address(self)?;
        Ok(Resolution::one(SocketDialer::new(address, None, &Ipc)))
    }
}

/// A listener and the file that it owns.
#[derive(Debug)]
struct IpcListener {
    // Declared, and so dropped, before the socket: see `SocketFile::remove`.
    file: Option<SocketFile>,
    socket: SocketListener,
}

impl Listener for IpcListener {
    fn endpoint(&self) -> &[u8] {
        self.socket.endpoint()
    }

    fn accept(&self, options: &Options) -> io::Result<Option<ByteStream>> {
        self.socket.accept(options)
    }

    /// The file, and a wildcard's directory, stay if another process has put its own socket
    /// there since, and in a forked child. (libzmq removes only a wildcard's.)
    fn close(mut self: Box<Self>) -> io::Result<()> {
        self.file.take().map_or(Ok(()), SocketFile::remove)
    }
}

impl AsFd for IpcListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn listen(address: &IpcAddress, options: &Options) -> std::result::Result<IpcListener, BindError> {
    let (address, directory) = match address {
        IpcAddress::Wildcard => {
            let (directory, path) = WildcardDirectory::make()?;
            let address = IpcAddress::connect(path.as_os_str().as_bytes())?;
            (address, Some(directory))
        }
        other => (other.clone(), None),
    };
    let socket_address = socket_address(&address)?;
    let socket = open(Domain::UNIX)?;
    let path = match &address {
        IpcAddress::Path(path) => Some(Path::new(OsStr::from_bytes(path))),
        _ => None,
    };
    path.inspect(|path| clear_way(path));
    let bound = socket.bind(&socket_address);
    bound.map_err(BindError::at(&socket))?;
    let file = path.and_then(|path| SocketFile::record(path, directory));
    let socket = SocketListener::listen(socket, None, &Ipc, options)?;
    Ok(IpcListener { file, socket })
}

/// The socket address of a path or an abstract name.
///
/// Errors: `EINVAL` for the wildcard, `ENAMETOOLONG`.
fn socket_address(address: &IpcAddress) -> io::Result<SockAddr> {
    let made = match address {
        IpcAddress::Wildcard => return Err(os(libc::EINVAL)),
        IpcAddress::Path(path) => SockAddr::unix(OsStr::from_bytes(path)),
        IpcAddress::Abstract(name) => {
            let path = [b"\0", name.as_slice()].concat();
            SockAddr::unix(OsStr::from_bytes(&path))
        }
    };
    made.map_err(|_| os(libc::ENAMETOOLONG))
}

impl Family for Ipc {
    /// An end without a name is `ipc://`.
    fn text(&self, address: &SockAddr) -> Option<Vec<u8>> {
        if !address.is_unix() {
            return None;
        }
        let (mark, name): (&[u8], &[u8]) = match address.as_abstract_namespace() {
            Some(name) => (b"@", name),
            None => {
                let path = address.as_pathname();
                (b"", path.map_or(b"", |path| path.as_os_str().as_bytes()))
            }
        };
        Some([b"ipc://", mark, name].concat())
    }

    /// `ZMQ_IPC_FILTER_UID`, `GID` and `PID`: the peer must match one of the three lists,
    /// unless all are empty.
    fn admit(&self, socket: &Socket, _peer: &SockAddr, options: &Options) -> io::Result<()> {
        let (uids, gids, pids) = (
            &options.ipc_filter_uid,
            &options.ipc_filter_gid,
            &options.ipc_filter_pid,
        );
        if uids.is_empty() && gids.is_empty() && pids.is_empty() {
            return Ok(());
        }
        let refused = || os(libc::EACCES);
        let peer = credentials::peer(socket.as_fd()).map_err(|_| refused())?;
        let matches = uids.contains(&peer.uid)
            || gids.contains(&peer.gid)
            || peer.pid.is_some_and(|pid| pids.contains(&pid))
            || !gids.is_empty() && credentials::belongs_to_any(peer.uid, gids);
        matches.then_some(()).ok_or_else(refused)
    }

    fn peer_address_text(&self, socket: &Socket, _peer: &SockAddr) -> String {
        match credentials::peer(socket.as_fd()) {
            Ok(found) => {
                let pid = found.pid.map_or(String::new(), |pid| pid.to_string());
                format!("localhost:{}:{}:{pid}", found.uid, found.gid)
            }
            Err(_) => "localhost".to_owned(),
        }
    }

    fn has_low_water(&self) -> bool {
        false
    }
}
