//! `vsock://cid:port`: between a virtual machine and its host, on Linux.

#![forbid(unsafe_code)]

mod address;

use super::ends::{SocketDialer, SocketListener};
use super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::socket::{Family, open};
use crate::error::{Error, Result};
use crate::options::Options;
use address::VsockAddress;
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;

/// `vsock://`. Not a capability: builds of libzmq have it with their draft transports only.
#[derive(Debug)]
pub struct Vsock;

impl Transport for Vsock {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec::new("vsock", Carries::Bytes);
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(VsockAddress::parse(text)?))
    }

    fn check_offered(&self) -> Result<()> {
        match Socket::new(Domain::VSOCK, Type::STREAM, None) {
            Err(error) if is_missing(&error) => Err(Error::ProtoNotSupported),
            _ => Ok(()), // another error, such as EMFILE, is not about the family
        }
    }

    /// Numbers have one form.
    fn shown_as(&self, text: &[u8], _options: &Options) -> Option<Vec<u8>> {
        Some(endpoint_text(&VsockAddress::parse(text).ok()?))
    }

    fn family(&self) -> Option<&'static dyn Family> {
        Some(&Vsock)
    }
}

fn is_missing(error: &io::Error) -> bool {
    let code = error.raw_os_error().unwrap_or(0);
    [
        libc::EAFNOSUPPORT,
        libc::EPROTONOSUPPORT,
        libc::ESOCKTNOSUPPORT,
    ]
    .contains(&code)
}

impl Address for VsockAddress {
    fn text(&self) -> Vec<u8> {
        self.text().into_bytes()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        Vsock.check_offered()?;
        let socket = open(Domain::VSOCK)?;
        let address = SockAddr::vsock(self.cid, self.port);
        let listener = SocketListener::listen(socket, Some(&address), &Vsock, options)?;
        Ok(Box::new(listener))
    }

    fn resolve(&self, _options: &Options) -> io::Result<Resolution> {
        let address = SockAddr::vsock(self.cid, self.port);
        Ok(Resolution::one(SocketDialer::new(address, None, &Vsock)))
    }
}

impl Family for Vsock {
    fn text(&self, address: &SockAddr) -> Option<Vec<u8>> {
        let (cid, port) = address.as_vsock_address()?;
        Some(endpoint_text(&VsockAddress { cid, port }))
    }
}

fn endpoint_text(address: &VsockAddress) -> Vec<u8> {
    format!("vsock://{}", address.text()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::super::socket::os;
    use super::*;

    #[test]
    fn an_address_goes_there_and_back() {
        for shown in ["3:5560", "*:7", "*:*"] {
            let VsockAddress { cid, port } = VsockAddress::parse(shown.as_bytes()).unwrap();
            let text = Vsock.text(&SockAddr::vsock(cid, port));
            assert_eq!(text, Some(format!("vsock://{shown}").into_bytes()));
        }
        assert_eq!(Vsock.text(&SockAddr::unix("x").expect("short")), None);
    }

    #[test]
    fn support_is_what_the_kernel_says() {
        let has = Socket::new(Domain::VSOCK, Type::STREAM, None).is_ok();
        assert_eq!(Vsock.check_offered().is_ok(), has);
        assert!(is_missing(&os(libc::EAFNOSUPPORT)) && !is_missing(&os(libc::EMFILE)));
    }
}
