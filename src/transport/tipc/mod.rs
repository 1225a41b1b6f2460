//! `tipc://{type,lower,upper}` and the like: Linux' Transparent Inter Process Communication.

#![forbid(unsafe_code)]

mod address;

use super::ends::{SocketDialer, SocketListener};
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::socket::{Family, open, os};
use crate::error::Result;
use crate::options::Options;
use crate::sys::tipc::{FAMILY, Kind, address as make, id_of};
use address::TipcAddress;
use socket2::SockAddr;
use std::io;

/// A bound name is known in the whole zone.
const ZONE: u8 = 1;

/// `tipc://`.
#[derive(Debug)]
pub struct Tipc;

impl Transport for Tipc {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec {
            capability: Some("tipc"),
            ..Spec::new("tipc", Carries::Bytes)
        };
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TipcAddress::bind(text)?))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(TipcAddress::connect(text)?))
    }

    /// Numbers have one form.
    fn shown_as(&self, text: &[u8], _options: &Options) -> Option<Vec<u8>> {
        let address = TipcAddress::bind(text).or_else(|_| TipcAddress::connect(text));
        Some(endpoint_text(&address.ok()?))
    }

    fn family(&self) -> Option<&'static dyn Family> {
        Some(&Tipc)
    }
}

impl Address for TipcAddress {
    fn text(&self) -> Vec<u8> {
        self.text().into_bytes()
    }

    /// A listener with a name shows that, and not the socket's own address.
    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let socket = open(FAMILY.into())?;
        if *self == TipcAddress::Random {
            let listener = SocketListener::listen(socket, None, &Tipc, options)?;
            return Ok(Box::new(listener));
        }
        let address = socket_address(self)?;
        let listener = SocketListener::listen(socket, Some(&address), &Tipc, options)?;
        Ok(Box::new(listener.named(endpoint_text(self))))
    }

    fn resolve(&self, _options: &Options) -> io::Result<Resolution> {
        let address = socket_address(self)?;
        Ok(Resolution::one(SocketDialer::new(address, None, &Tipc)))
    }
}

impl Family for Tipc {
    /// Only a socket's own address has a text, `tipc://<zone.cluster.node:reference>`.
    fn text(&self, address: &SockAddr) -> Option<Vec<u8>> {
        let (reference, node) = id_of(address)?;
        Some(endpoint_text(&TipcAddress::Id { node, reference }))
    }
}

fn endpoint_text(address: &TipcAddress) -> Vec<u8> {
    format!("tipc://{}", address.text()).into_bytes()
}

/// The address to bind or to connect to. Errors: `EINVAL` for the wildcard.
fn socket_address(address: &TipcAddress) -> io::Result<SockAddr> {
    match *address {
        TipcAddress::Range {
            service,
            lower,
            upper,
        } => Ok(make(Kind::Range, ZONE, [service, lower, upper])),
        TipcAddress::Name {
            service,
            instance,
            domain,
        } => Ok(make(Kind::Name, 0, [service, instance, domain])),
        TipcAddress::Id { node, reference } => Ok(make(Kind::Id, 0, [reference, node, 0])),
        TipcAddress::Random => Err(os(libc::EINVAL)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_there_and_back() {
        let id = TipcAddress::connect(b"<1.2.3:4>").expect("an id");
        let address = socket_address(&id).expect("an address");
        assert_eq!(
            Tipc.text(&address).as_deref(),
            Some(&b"tipc://<1.2.3:4>"[..])
        );
        let name = TipcAddress::connect(b"{5560,1}").expect("a name");
        assert_eq!(Tipc.text(&socket_address(&name).expect("an address")), None);
        assert!(socket_address(&TipcAddress::Random).is_err());
    }
}
