//! TIPC endpoints as socket addresses.

#![forbid(unsafe_code)]

use super::resolve::os;
use crate::endpoint::TipcAddress;
use socket2::SockAddr;
use std::io;

/// A bound name is known in the whole zone.
const ZONE: u8 = 1;

/// The address to bind or to connect to. Errors: `EINVAL` for the wildcard.
pub(super) fn socket_address(address: &TipcAddress) -> io::Result<SockAddr> {
    use crate::sys::tipc::{Kind, address as make};
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

/// The family of TIPC sockets.
pub(super) fn domain() -> socket2::Domain {
    crate::sys::tipc::FAMILY.into()
}

/// `tipc://<zone.cluster.node:reference>` for a TIPC socket's own address.
pub(super) fn text(address: &SockAddr) -> Option<Vec<u8>> {
    let (reference, node) = crate::sys::tipc::id_of(address)?;
    let id = TipcAddress::Id { node, reference };
    Some(format!("tipc://{}", id.text()).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_goes_there_and_back() {
        let id = TipcAddress::connect(b"<1.2.3:4>").expect("an id");
        let address = socket_address(&id).expect("an address");
        assert_eq!(text(&address).as_deref(), Some(&b"tipc://<1.2.3:4>"[..]));
        let name = TipcAddress::connect(b"{5560,1}").expect("a name");
        assert_eq!(text(&socket_address(&name).expect("an address")), None);
        assert!(socket_address(&TipcAddress::Random).is_err());
    }
}
