//! The transports: one folder for each scheme, and what they share.
//!
//! [`SCHEMES`] is the only place that lists them. The traits that a folder implements, and from
//! which thread and under which lock they are called, are in `interface`. A scheme over stream
//! sockets of the kernel takes both ends from `ends`, and says what its address family has of
//! its own (`socket`). `byte_stream` is what connections read and write; `dial` an attempt to
//! connect; `lookup` the threads that look up host names.
//!
//! Endpoints are bytes and not strings, because an ipc path may contain any byte but NUL.

#![forbid(unsafe_code)]

mod byte_stream;
mod dial;
mod ends;
mod inproc;
mod interface;
mod ipc;
#[cfg(feature = "ws")]
mod layer;
mod lookup;
mod socket;
mod stream;
mod tcp;
mod tipc;
#[cfg(feature = "wss")]
mod tls;
mod udp;
mod vsock;
#[cfg(feature = "ws")]
mod ws;

#[cfg(test)]
pub(crate) mod conformance;

pub use byte_stream::ByteStream;
pub use dial::Dial;
pub use interface::{
    Address, BindError, Carries, Dialer, Listener, PendingLookup, Resolution, Spec, Transport,
};
#[cfg(feature = "testing")]
pub use ipc::IPC_NAME_MAX;
pub use lookup::{end_lookups, lock_over_fork as lock_lookups};
pub use stream::LayerError;
pub use tcp::{AddressMask, Socks};
#[cfg(feature = "testing")]
pub use tcp::{HostPort, parse_numeric};

use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::sys::adopt::GivenFd;
use ends::SocketListener;
use socket2::Socket;
use std::fmt;

/// The transports of this build.
pub static SCHEMES: &[&dyn Transport] = &[
    &inproc::Inproc,
    &ipc::Ipc,
    &tcp::Tcp,
    &tipc::Tipc,
    &udp::Udp,
    &vsock::Vsock,
    #[cfg(feature = "ws")]
    &ws::Ws { secure: false },
    #[cfg(feature = "wss")]
    &ws::Ws { secure: true },
    #[cfg(feature = "wss")]
    &tls::TlsTcp,
    #[cfg(test)]
    &conformance::layered::Layer,
];

/// Splits `scheme://address` and looks the scheme up, compared case-sensitively.
///
/// Errors: `Invalid` without `://` or with nothing on one side of it; `ProtoNotSupported` for
/// a scheme that is not in the table.
fn split(text: &[u8]) -> Result<(&'static dyn Transport, &[u8])> {
    let at = text.windows(3).position(|window| window == b"://");
    let at = at.ok_or(Error::Invalid)?;
    let (name, address) = (&text[..at], &text[at + 3..]);
    if name.is_empty() || address.is_empty() {
        return Err(Error::Invalid);
    }
    let mut schemes = SCHEMES.iter();
    let found = schemes.find(|scheme| scheme.spec().name.as_bytes() == name);
    Ok((*found.ok_or(Error::ProtoNotSupported)?, address))
}

/// The transport of an endpoint, and what follows `://`.
///
/// Errors: `Invalid` without `://` or with nothing on one side of it; `ProtoNotSupported` for
/// an unknown scheme; `NoCompatProto` for one that a socket of type `kind` may not use.
pub fn find(text: &[u8], kind: SocketType) -> Result<(&'static dyn Transport, &[u8])> {
    let (transport, address) = split(text)?;
    match (transport.spec().serves)(kind) {
        true => Ok((transport, address)),
        false => Err(Error::NoCompatProto),
    }
}

/// Whether `zmq_has` is to report a transport by that name.
pub fn has(capability: &[u8]) -> bool {
    let names = SCHEMES.iter().filter_map(|scheme| scheme.spec().capability);
    names.map(str::as_bytes).any(|name| name == capability)
}

/// A parsed endpoint.
pub struct Endpoint {
    transport: &'static dyn Transport,
    address: Box<dyn Address>,
}

impl Endpoint {
    /// Reads an endpoint given to `zmq_bind`. Opens nothing and looks up nothing.
    ///
    /// Errors: those of [`find`]; `Invalid` and `NameTooLong` for an address that the
    /// transport does not have.
    pub fn parse_bind(text: &[u8]) -> Result<Endpoint> {
        let (transport, address) = split(text)?;
        let address = transport.parse_bind(address)?;
        Ok(Endpoint { transport, address })
    }

    /// Reads an endpoint given to `zmq_connect`. Errors as for
    /// [`parse_bind`](Self::parse_bind).
    pub fn parse_connect(text: &[u8]) -> Result<Endpoint> {
        let (transport, address) = split(text)?;
        let address = transport.parse_connect(address)?;
        Ok(Endpoint { transport, address })
    }

    /// The facts about its scheme.
    pub fn spec(&self) -> &'static Spec {
        self.transport.spec()
    }

    /// The address without its scheme.
    pub fn address(&self) -> &dyn Address {
        &*self.address
    }

    /// The whole endpoint, as it was given.
    ///
    /// An ipc wildcard is always written as `ipc://*`, and a tipc address with a space after
    /// each comma.
    pub fn text(&self) -> Vec<u8> {
        let name = self.spec().name.as_bytes();
        [name, b"://", &self.address.text()].concat()
    }

    /// See [`Address::listen`]. With `ZMQ_USE_FD` the listener takes that descriptor, and the
    /// address is ignored.
    pub fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        match &options.given_fd {
            Some(given) => self.adopt(given),
            None => self.address.listen(options),
        }
    }

    /// Takes a socket that is bound and listening already, of whatever transport. On success
    /// the listener owns it; its file is never removed.
    ///
    /// Errors: `EBADF` (also if it was taken before), `ENOTSOCK`; the descriptor then stays
    /// the caller's.
    fn adopt(&self, given: &GivenFd) -> std::result::Result<Box<dyn Listener>, BindError> {
        let socket = Socket::from(given.take()?);
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let families = SCHEMES.iter().filter_map(|scheme| scheme.family());
        let family = { families }
            .find(|family| family.text(&address).is_some())
            .or_else(|| self.transport.family())
            .ok_or(Error::ProtoNotSupported)?;
        Ok(Box::new(SocketListener::of(socket, family)?))
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text()))
    }
}
