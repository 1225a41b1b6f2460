//! vsock endpoints as socket addresses, where the system has them.

#![forbid(unsafe_code)]

#[cfg(any(test, not(target_os = "linux")))]
use super::resolve::os;
use crate::endpoint::VsockAddress;
use crate::error::{Error, Result};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;

/// The address to bind or to connect to.
#[cfg(target_os = "linux")]
pub(super) fn socket_address(address: &VsockAddress) -> io::Result<SockAddr> {
    Ok(SockAddr::vsock(address.cid, address.port))
}

/// The address to bind or to connect to: there is none here.
#[cfg(not(target_os = "linux"))]
pub(super) fn socket_address(_address: &VsockAddress) -> io::Result<SockAddr> {
    Err(os(libc::EAFNOSUPPORT))
}

/// The family of vsock sockets.
#[cfg(target_os = "linux")]
pub(super) const DOMAIN: Domain = Domain::VSOCK;

/// The family of vsock sockets: they are not supported here.
#[cfg(not(target_os = "linux"))]
pub(super) const DOMAIN: Domain = Domain::UNIX;

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
#[cfg(target_os = "linux")]
pub(super) fn text(address: &SockAddr) -> Option<Vec<u8>> {
    let (cid, port) = address.as_vsock_address()?;
    Some(format!("vsock://{}", VsockAddress { cid, port }.text()).into_bytes())
}

/// The text of a vsock socket's own address: there is none here.
#[cfg(not(target_os = "linux"))]
pub(super) fn text(_address: &SockAddr) -> Option<Vec<u8>> {
    None
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
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
