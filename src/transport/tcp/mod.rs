//! `tcp://host:port`, and `tcp://source:port;host:port` to connect from an address.
//!
//! - `address`, `numeric`: the text;
//! - `resolve`: from text to socket addresses;
//! - `family`, `tuning`, `name`: the kernel's sockets;
//! - `mask`: the accept filter;
//! - `socks`: the client's side of the negotiation with a proxy.

#![forbid(unsafe_code)]

mod address;
mod family;
mod mask;
mod name;
mod numeric;
mod resolve;
mod socks;
#[cfg(test)]
mod tests;
mod tuning;

#[cfg(feature = "testing")]
pub use address::HostPort;
pub use family::Tcp;
pub use mask::AddressMask;
#[cfg(feature = "testing")]
pub use numeric::parse_numeric;
pub use socks::Socks;

use super::ends::SocketListener;
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::socket::{Family, os};
use crate::error::Result;
use crate::options::Options;
use crate::sys::resolver;
use address::TcpAddress;
use std::io;

impl Transport for Tcp {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec {
            takes_proxy: true,
            names_attempts: true,
            stops_if_refused: true,
            ..Spec::new("tcp", Carries::Bytes)
        };
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TcpAddress::bind(text)?))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TcpAddress::connect(text)?))
    }

    fn shown_as(&self, text: &[u8], options: &Options) -> Option<Vec<u8>> {
        let address = TcpAddress::bind(text).ok()?;
        let address = resolve::bind_route(address.route().ok()?, uses_ipv6(options)).ok()?;
        self.text(&address)
    }

    fn family(&self) -> Option<&'static dyn Family> {
        Some(&Tcp)
    }
}

impl Address for TcpAddress {
    fn text(&self) -> Vec<u8> {
        self.text.as_bytes().to_vec()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let address = resolve::bind_route(self.route()?, uses_ipv6(options))?;
        let socket = Tcp.open(&address, options)?;
        // A restarted server must not wait for the TIME_WAIT of its old connections.
        let reused = socket.set_reuse_address(true);
        reused.map_err(BindError::at(&socket))?;
        let listener = SocketListener::listen(socket, Some(&address), &Tcp, options)?;
        Ok(Box::new(listener))
    }

    fn resolve(&self, options: &Options) -> io::Result<Resolution> {
        let route = self.route().map_err(|error| os(error.errno()))?;
        resolve::connect_route(route, uses_ipv6(options))
    }

    fn host_and_port(&self) -> Option<(&str, u16)> {
        let target = &self.route().ok()?.target;
        Some((&target.host, target.port))
    }
}

/// Whether hosts are resolved to IPv6 addresses.
fn uses_ipv6(options: &Options) -> bool {
    options.ipv6 && resolver::has_ipv6()
}
