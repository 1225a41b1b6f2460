//! vsock endpoints as socket addresses.

#![forbid(unsafe_code)]

use crate::endpoint::VsockAddress;
use crate::error::{Error, Result};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;

/// The address to bind or to connect to.
pub(super) fn socket_address(address: &VsockAddress) -> io::Result<SockAddr> {
    Ok(SockAddr::vsock(address.cid, address.port))
}

/// The family of vsock sockets.
pub(super) const DOMAIN: Domain = Domain::VSOCK;

/// Whether the kernel knows the family. Errors: `ProtoNotSupported`.
pub fn check_vsock() -> Result<()> {
    match Socket::new(DOMAIN, Type::STREAM, None) {
        Err(error) if is_missing(&error) => Err(Error::ProtoNotSupported),
        _ => Ok(()), // another error, such as EMFILE, is not about the family
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

/// `vsock://cid:port` for a vsock socket's own address or its peer's.
pub(super) fn text(address: &SockAddr) -> Option<Vec<u8>> {
    let (cid, port) = address.as_vsock_address()?;
    Some(format!("vsock://{}", VsockAddress { cid, port }.text()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::resolve::os;
    use super::*;

    #[test]
    fn an_address_goes_there_and_back() {
        for shown in ["3:5560", "*:7", "*:*"] {
            let address = VsockAddress::parse(shown.as_bytes()).expect("an address");
            let there = socket_address(&address).expect("a socket address");
            assert_eq!(text(&there), Some(format!("vsock://{shown}").into_bytes()));
        }
        assert_eq!(text(&SockAddr::unix("x").expect("short")), None);
    }

    #[test]
    fn support_is_what_the_kernel_says() {
        let has = Socket::new(Domain::VSOCK, Type::STREAM, None).is_ok();
        assert_eq!(check_vsock().is_ok(), has);
        assert!(is_missing(&os(libc::EAFNOSUPPORT)) && !is_missing(&os(libc::EMFILE)));
    }
}
