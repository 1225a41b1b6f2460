//! Endpoint addresses: parsing of the text given to `zmq_bind` and `zmq_connect`.
//!
//! Everything here only reads text: the transports resolve names and interfaces and open
//! descriptors. The runtime parses an endpoint in the application thread that binds or
//! connects. Addresses are bytes and not strings, because an ipc path may contain any byte
//! but NUL.

#![forbid(unsafe_code)]

mod ipc;
mod mask;
mod numeric;
pub mod parse;
mod tcp;
mod tipc;
mod vsock;

#[cfg(any(test, feature = "testing"))]
pub use ipc::IPC_NAME_MAX;
pub use ipc::IpcAddress;
pub use mask::AddressMask;
pub use numeric::parse_numeric;
pub use tcp::{HostPort, Scope, TcpAddress, TcpRoute};
pub use tipc::TipcAddress;
pub use vsock::VsockAddress;

/// The transports this library is built with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// `inproc://`: between sockets of one context.
    Inproc,
    /// `ipc://`: Unix domain stream sockets.
    Ipc,
    /// `tcp://`: TCP over IPv4 or IPv6.
    Tcp,
    /// `tipc://`: Linux' Transparent Inter Process Communication.
    Tipc,
    /// `vsock://`: between a virtual machine and its host, on Linux.
    Vsock,
}

/// All transports of this build: the name before `://`, and the scheme.
const SCHEMES: &[(&str, Scheme)] = &[
    ("inproc", Scheme::Inproc),
    ("ipc", Scheme::Ipc),
    ("tcp", Scheme::Tcp),
    ("tipc", Scheme::Tipc),
    ("vsock", Scheme::Vsock),
];

impl Scheme {
    /// The transport called `name`, compared case-sensitively.
    pub fn from_name(name: &[u8]) -> Option<Scheme> {
        SCHEMES
            .iter()
            .find(|(known, _)| known.as_bytes() == name)
            .map(|&(_, scheme)| scheme)
    }

    /// The name before `://`.
    pub fn name(self) -> &'static str {
        match self {
            Scheme::Inproc => "inproc",
            Scheme::Ipc => "ipc",
            Scheme::Tcp => "tcp",
            Scheme::Tipc => "tipc",
            Scheme::Vsock => "vsock",
        }
    }
}

/// A parsed endpoint, as [`parse::bind`] or [`parse::connect`] made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// The name after `inproc://`, never empty.
    Inproc(Vec<u8>),
    /// A path, an abstract name or the wildcard.
    Ipc(IpcAddress),
    /// Host and port, and optionally the address to connect from.
    Tcp(Box<TcpAddress>),
    /// A service or a socket.
    Tipc(TipcAddress),
    /// A machine and a port on it.
    Vsock(VsockAddress),
}

impl Endpoint {
    /// The transport this endpoint belongs to.
    pub fn scheme(&self) -> Scheme {
        match self {
            Endpoint::Inproc(_) => Scheme::Inproc,
            Endpoint::Ipc(_) => Scheme::Ipc,
            Endpoint::Tcp(_) => Scheme::Tcp,
            Endpoint::Tipc(_) => Scheme::Tipc,
            Endpoint::Vsock(_) => Scheme::Vsock,
        }
    }

    /// The whole endpoint, scheme included, as it was given.
    ///
    /// An ipc wildcard is always written as `ipc://*`, and a tipc address with a space after
    /// each comma.
    pub fn text(&self) -> Vec<u8> {
        let mut text = self.scheme().name().as_bytes().to_vec();
        text.extend_from_slice(b"://");
        match self {
            Endpoint::Inproc(name) => text.extend_from_slice(name),
            Endpoint::Ipc(address) => address.append_to(&mut text),
            Endpoint::Tcp(address) => text.extend_from_slice(address.text().as_bytes()),
            Endpoint::Tipc(address) => text.extend_from_slice(address.text().as_bytes()),
            Endpoint::Vsock(address) => text.extend_from_slice(address.text().as_bytes()),
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scheme_is_found_by_its_own_name() {
        for (name, scheme) in SCHEMES {
            assert_eq!(Scheme::from_name(name.as_bytes()), Some(*scheme));
            assert_eq!(scheme.name(), *name);
        }
        assert_eq!(Scheme::from_name(b"TCP"), None);
        assert_eq!(Scheme::from_name(b""), None);
    }
}
