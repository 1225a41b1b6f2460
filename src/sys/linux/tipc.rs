//! Socket addresses of TIPC (Linux): `struct sockaddr_tipc`.

use socket2::{SockAddr, SockAddrStorage};

/// Family, address type, scope, and three numbers.
const SIZE: usize = 16;

/// The address type, which determines the meaning of the three numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Service type, first and last instance.
    Range = 1,
    /// Service type, instance, domain.
    Name = 2,
    /// Reference, node, unused.
    Id = 3,
}

/// The address family.
pub const FAMILY: i32 = libc::AF_TIPC;

/// An address from its parts. `scope` is the visibility of a bound name: 1 for
/// the zone.
pub fn address(kind: Kind, scope: u8, numbers: [u32; 3]) -> SockAddr {
    let mut bytes = [0; SIZE];
    bytes[..2].copy_from_slice(&(FAMILY as u16).to_ne_bytes());
    bytes[2] = kind as u8;
    bytes[3] = scope;
    for (field, number) in bytes[4..].chunks_exact_mut(4).zip(numbers) {
        field.copy_from_slice(&number.to_ne_bytes());
    }
    let mut storage = SockAddrStorage::zeroed();
    const { assert!(size_of::<SockAddrStorage>() >= SIZE) };
    // SAFETY: the storage has at least SIZE bytes, as asserted; `bytes` is an address
    // of length SIZE that begins with its family.
    unsafe {
        (&raw mut storage)
            .cast::<[u8; SIZE]>()
            .write_unaligned(bytes);
        SockAddr::new(storage, SIZE as libc::socklen_t)
    }
}

/// Reference and node of a socket's own address; `None` for another kind or
/// family.
pub fn id_of(address: &SockAddr) -> Option<(u32, u32)> {
    if i32::from(address.family()) != FAMILY || (address.len() as usize) < SIZE {
        return None;
    }
    // SAFETY: the address has at least SIZE bytes, as checked above.
    let bytes: [u8; SIZE] = unsafe { address.as_ptr().cast::<[u8; SIZE]>().read_unaligned() };
    let number = |at: usize| u32::from_ne_bytes([0, 1, 2, 3].map(|i| bytes[at + i]));
    (bytes[2] == Kind::Id as u8).then(|| (number(4), number(8)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_the_systems_layout() {
        let id = address(Kind::Id, 0, [7, 9, 0]);
        assert_eq!(id_of(&id), Some((7, 9)));
        assert_eq!((id.len() as usize, i32::from(id.family())), (SIZE, FAMILY));
        assert_eq!(id_of(&address(Kind::Name, 1, [7, 9, 0])), None);
        assert_eq!(id_of(&SockAddr::unix("x").expect("short")), None);
    }
}
