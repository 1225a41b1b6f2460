//! Network interfaces: their names, indices and addresses.

use std::ffi::{CStr, CString};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::ptr;

/// Bound of the walk over the list of addresses; more than any machine has.
const ADDRESSES_MAX: usize = 65_536;

/// The first address of the family on the interface `name`, with port 0 and, for
/// IPv6, its scope. `None` if there is no such interface or it has no such address.
///
/// # Errors
/// The system's, if the interfaces cannot be listed.
pub fn address_of(name: &str, ipv6: bool) -> io::Result<Option<SocketAddr>> {
    let mut head: *mut libc::ifaddrs = ptr::null_mut();
    // SAFETY: `head` is valid for a write; on success it is the start of a list that
    // `freeifaddrs` below frees.
    if unsafe { libc::getifaddrs(&mut head) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut found = None;
    let mut next = head;
    for _ in 0..ADDRESSES_MAX {
        // SAFETY: `next` is null or an element of the list, which is not freed yet.
        let Some(entry) = (unsafe { next.as_ref() }) else {
            break;
        };
        next = entry.ifa_next;
        // SAFETY: an element's name is a C string that lives as long as the list.
        if unsafe { CStr::from_ptr(entry.ifa_name) }.to_bytes() != name.as_bytes() {
            continue;
        }
        // SAFETY: an element's address is null or a sockaddr of its family's size, and
        // lives as long as the list.
        found = unsafe { to_socket_address(entry.ifa_addr) }.filter(|a| a.is_ipv6() == ipv6);
        if found.is_some() {
            break;
        }
    }
    // SAFETY: `head` came from getifaddrs, and nothing borrows from it any more.
    unsafe { libc::freeifaddrs(head) };
    Ok(found)
}

/// Index of the interface `name`; `None` if there is none.
pub fn index_of(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    // SAFETY: `name` is a C string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => None,
        index => Some(index),
    }
}

/// Name of the interface with this index; `None` if there is none.
pub fn name_of(index: u32) -> Option<String> {
    let mut buffer = [0 as libc::c_char; libc::IF_NAMESIZE];
    // SAFETY: `buffer` has the IF_NAMESIZE bytes that the call may write.
    if unsafe { libc::if_indextoname(index, buffer.as_mut_ptr()) }.is_null() {
        return None;
    }
    // SAFETY: on success the buffer holds a C string.
    let name = unsafe { CStr::from_ptr(buffer.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}

/// Converts an IPv4 or IPv6 address; `None` for other families.
///
/// # Safety
/// `address` is null or points to a sockaddr of the size its family has.
pub(super) unsafe fn to_socket_address(address: *const libc::sockaddr) -> Option<SocketAddr> {
    if address.is_null() {
        return None;
    }
    // SAFETY: not null, so it points to a sockaddr by the caller's promise; the read
    // is unaligned, because the promise does not include alignment.
    match i32::from(unsafe { (&raw const (*address).sa_family).read_unaligned() }) {
        libc::AF_INET => {
            // SAFETY: the sockaddr of this family is this structure, by the caller's promise.
            let found = unsafe { address.cast::<libc::sockaddr_in>().read_unaligned() };
            let ip = Ipv4Addr::from(u32::from_be(found.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(found.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the sockaddr of this family is this structure, by the caller's promise.
            let found = unsafe { address.cast::<libc::sockaddr_in6>().read_unaligned() };
            let ip = Ipv6Addr::from(found.sin6_addr.s6_addr);
            let port = u16::from_be(found.sin6_port);
            Some(SocketAddrV6::new(ip, port, 0, found.sin6_scope_id).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the loopback interface.
    fn loopback() -> &'static str {
        "lo"
    }

    #[test]
    fn loopback_has_its_address() {
        let found = address_of(loopback(), false).expect("interfaces");
        assert_eq!(found.map(|a| a.ip().is_loopback()), Some(true));
        assert_eq!(address_of("nosuchif", false).expect("interfaces"), None);
        assert_eq!(address_of("", false).expect("interfaces"), None);
    }

    #[test]
    fn names_and_indices_agree() {
        let index = index_of(loopback()).expect("index of loopback");
        assert_eq!(name_of(index).as_deref(), Some(loopback()));
        assert_eq!(index_of("nosuchif"), None);
        assert_eq!(index_of("a\0b"), None);
        assert_eq!(name_of(0), None);
    }
}
