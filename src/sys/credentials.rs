//! Who is at the other end of a Unix domain socket.

use std::io;
use std::os::fd::BorrowedFd;

/// The peer's identity when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// Effective user id.
    pub uid: libc::uid_t,
    /// Effective group id.
    pub gid: libc::gid_t,
    /// Process id, where the system tells it.
    pub pid: Option<libc::pid_t>,
}

/// Asks the kernel for the peer's credentials.
///
/// Errors: the system's, `ENOTSUP` where there is no such question.
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

/// Asks the kernel for the peer's credentials.
///
/// Errors: the system's, `ENOTSUP` where there is no such question.
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

/// Asks the kernel for the peer's credentials.
///
/// Errors: the system's, `ENOTSUP` where there is no such question.
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
}
