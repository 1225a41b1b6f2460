//! Credentials of the peer of a Unix domain socket, and group membership.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

pub use super::super::unix::credentials::Credentials;

/// Reads the peer's credentials from the kernel.
///
/// # Errors
/// The system's.
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut found = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: `found` and `size` are live, and `size` is the size of `found`.
    let rc = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut found).cast(),
            &mut size,
        )
    };
    if rc == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(Credentials {
        uid: found.uid,
        gid: found.gid,
        pid: Some(found.pid),
    })
}

/// Whether user `uid` is a member of one of `gids`, by primary or supplementary
/// group in the system's user database. May block on files or the network, as that
/// database is configured. False for an unknown user.
pub fn belongs_to_any(uid: libc::uid_t, gids: &[libc::gid_t]) -> bool {
    const TEXT_MAX: usize = 16 * 1024;
    const GROUPS_MAX: usize = 65_536;
    // SAFETY: passwd is plain data; all zero is a valid value of it.
    let mut account: libc::passwd = unsafe { std::mem::zeroed() };
    let mut text = vec![0 as libc::c_char; TEXT_MAX];
    let mut found = std::ptr::null_mut();
    // SAFETY: the three results are valid for writes, and the length is that of `text`.
    let rc =
        unsafe { libc::getpwuid_r(uid, &mut account, text.as_mut_ptr(), text.len(), &mut found) };
    if rc != 0 || found.is_null() {
        return false;
    }
    let mut groups: Vec<libc::gid_t> = vec![0; 64];
    // Twice: if `groups` is too short, the first call returns the number of groups.
    for _ in 0..2 {
        let mut count = groups.len() as libc::c_int;
        // SAFETY: the name is a C string inside `text`; `groups` has room for `count`.
        let rc = unsafe {
            libc::getgrouplist(
                account.pw_name,
                account.pw_gid,
                groups.as_mut_ptr(),
                &mut count,
            )
        };
        let count = usize::try_from(count).unwrap_or(0);
        if rc >= 0 {
            return groups.iter().take(count).any(|gid| gids.contains(gid));
        }
        groups.resize(count.clamp(1, GROUPS_MAX), 0);
    }
    false
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_pair_belongs_to_this_process() {
        let (ours, _theirs) = UnixStream::pair().expect("socketpair");
        let found = peer(ours.as_fd()).expect("credentials");
        if let Some(pid) = found.pid {
            assert_eq!(pid as u32, std::process::id());
        }
        // SAFETY: geteuid has no preconditions.
        assert_eq!(found.uid, unsafe { libc::geteuid() });
    }
    #[test]
    fn accounts_belong_to_their_groups() {
        assert!(belongs_to_any(0, &[77_777, 0]), "root's own group");
        assert!(!belongs_to_any(0, &[77_777]));
        assert!(!belongs_to_any(0, &[]));
        assert!(!belongs_to_any(4_000_000_001, &[0]), "no such account");
    }
}
