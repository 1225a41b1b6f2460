//! Credentials of the peer of a Unix domain socket, and group membership.

use std::io;
use std::os::fd::BorrowedFd;

/// The peer's credentials at the time of its connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id.
    pub uid: libc::uid_t,
    /// Effective group id.
    pub gid: libc::gid_t,
    /// Process id, where the system reports it.
    pub pid: Option<libc::pid_t>,
}

/// Reads the peer's credentials from the kernel.
///
/// # Errors
/// The system's; `ENOTSUP` where there is no call for it.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    use std::os::fd::AsRawFd;
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

/// Reads the peer's credentials from the kernel.
///
/// # Errors
/// The system's; `ENOTSUP` where there is no call for it.
#[cfg(any(
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
))]
pub fn peer(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    use std::os::fd::AsRawFd;
    let (mut uid, mut gid) = (0, 0);
    // SAFETY: both results are live for the call.
    if unsafe { libc::getpeereid(socket.as_raw_fd(), &mut uid, &mut gid) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(Credentials {
        uid,
        gid,
        pid: None,
    })
}

/// Reads the peer's credentials from the kernel.
///
/// # Errors
/// The system's; `ENOTSUP` where there is no call for it.
#[cfg(not(any(
    target_os = "linux",
    target_os = "android",
    target_vendor = "apple",
    target_os = "freebsd",
    target_os = "dragonfly",
    target_os = "netbsd",
    target_os = "openbsd"
)))]
pub fn peer(_socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    Err(io::Error::from_raw_os_error(libc::ENOTSUP))
}

/// Whether user `uid` is a member of one of `gids`, by primary or supplementary
/// group in the system's user database. May block on files or the network, as that
/// database is configured. False for an unknown user.
#[cfg(any(target_os = "linux", target_os = "android"))]
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

/// Always false: implemented for Linux only.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub fn belongs_to_any(_uid: libc::uid_t, _gids: &[libc::gid_t]) -> bool {
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

    #[cfg(target_os = "linux")]
    #[test]
    fn accounts_belong_to_their_groups() {
        assert!(belongs_to_any(0, &[77_777, 0]), "root's own group");
        assert!(!belongs_to_any(0, &[77_777]));
        assert!(!belongs_to_any(0, &[]));
        assert!(!belongs_to_any(4_000_000_001, &[0]), "no such account");
    }
}
