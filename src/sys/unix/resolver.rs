//! Host name lookup by the system's resolver, and whether the system supports IPv6.

use std::ffi::CString;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::ptr;
use std::sync::atomic::{AtomicU8, Ordering};

use super::interfaces::to_socket_address;

/// Most answers of the resolver that are used.
const ANSWERS_MAX: usize = 64;

/// The addresses of `host`, in the resolver's order, without duplicates. Blocks
/// without a limit of time.
///
/// Without `ipv6` they are IPv4. With it they are the host's IPv6 addresses and,
/// as IPv4-mapped addresses, its IPv4 addresses.
///
/// # Errors
/// `ENOMEM`, or an error of kind `NotFound` for all other failures.
pub fn lookup(host: &str, ipv6: bool) -> io::Result<Vec<IpAddr>> {
    let not_found = || io::Error::from(io::ErrorKind::NotFound);
    let host = CString::new(host).map_err(|_| not_found())?;
    // SAFETY: addrinfo is plain data, for which all zero is valid and the documented default.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_socktype = libc::SOCK_STREAM;
    hints.ai_family = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    hints.ai_flags = if ipv6 {
        libc::AI_V4MAPPED | libc::AI_ALL
    } else {
        0
    };
    let mut head: *mut libc::addrinfo = ptr::null_mut();
    // SAFETY: the four pointers are valid or null; `freeaddrinfo` below frees the
    // list.
    match unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &hints, &mut head) } {
        0 => {}
        libc::EAI_MEMORY => return Err(io::Error::from_raw_os_error(libc::ENOMEM)),
        _ => return Err(not_found()),
    }
    let mut found = Vec::new();
    let mut next = head;
    for _ in 0..ANSWERS_MAX {
        // SAFETY: `next` is null or an element of the list, which is not freed yet.
        let Some(entry) = (unsafe { next.as_ref() }) else {
            break;
        };
        next = entry.ai_next;
        // SAFETY: an element's address is null or a sockaddr of its family's size.
        if let Some(address) = unsafe { to_socket_address(entry.ai_addr) } {
            let address = address.ip();
            if address.is_ipv6() == ipv6 && !found.contains(&address) {
                found.push(address);
            }
        }
    }
    // SAFETY: `head` came from getaddrinfo, and nothing borrows from it any more.
    unsafe { libc::freeaddrinfo(head) };
    if found.is_empty() {
        return Err(not_found());
    }
    Ok(found)
}

/// Whether the system supports IPv6 sockets. Probed until the result is certain, then cached.
pub fn has_ipv6() -> bool {
    const UNKNOWN: u8 = 0;
    const YES: u8 = 1;
    const NO: u8 = 2;
    static KNOWN: AtomicU8 = AtomicU8::new(UNKNOWN);
    // Relaxed: no other memory is published by it, and threads that race store the same value.
    match KNOWN.load(Ordering::Relaxed) {
        YES => true,
        NO => false,
        _ => {
            let probe = std::net::UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0));
            let refused = |e: &io::Error| e.raw_os_error() == Some(libc::EAFNOSUPPORT);
            match probe {
                Ok(_) => KNOWN.store(YES, Ordering::Relaxed),
                Err(ref error) if refused(error) => KNOWN.store(NO, Ordering::Relaxed),
                // Another failure, such as no descriptor: assumes IPv6, and probes again at
                // the next call.
                Err(_) => return true,
            }
            probe.is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn localhost_is_loopback_in_both_families() {
        let four = lookup("localhost", false).expect("localhost");
        assert!(four.iter().all(|a| a.is_ipv4() && a.is_loopback()));
        let six = lookup("localhost", true).expect("localhost");
        assert!(six.iter().all(|a| match a {
            IpAddr::V6(a) => a.is_loopback() || a.to_ipv4_mapped().is_some_and(|a| a.is_loopback()),
            IpAddr::V4(_) => false,
        }));
    }

    #[test]
    fn what_cannot_be_a_name_is_not_found() {
        // A label of 70 letters never leaves the machine.
        for host in ["a\0b", "", &"a".repeat(70)] {
            let error = lookup(host, false).expect_err(host);
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{host:?}");
        }
    }
}
