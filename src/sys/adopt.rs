//! Taking over a descriptor that the application made: `ZMQ_USE_FD`.

use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// Makes the caller's descriptor ours, marked close-on-exec.
///
/// Through `ZMQ_USE_FD` the application gives its descriptor away: from success
/// on it is closed by the returned owner and by nobody else. On error it still
/// belongs to the application.
///
/// Errors: `EBADF` if it is not open; `ENOTSOCK` if it is no socket.
pub fn adopt_socket(fd: RawFd) -> io::Result<OwnedFd> {
    // SAFETY: fcntl takes any number for a descriptor and touches no memory.
    if unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    let mut kind: libc::c_int = 0;
    let mut size = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `kind` and `size` are live, and `size` is the size of `kind`.
    let rc = unsafe {
        libc::getsockopt(
            fd,
            libc::SOL_SOCKET,
            libc::SO_TYPE,
            (&raw mut kind).cast(),
            &mut size,
        )
    };
    if rc == -1 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, and the option's contract, repeated above,
    // makes us its only owner.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn only_open_sockets_are_taken() {
        let error = adopt_socket(-1).expect_err("-1 is no descriptor");
        assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        let file = File::open("/dev/null").expect("open /dev/null");
        let error = adopt_socket(file.as_raw_fd()).expect_err("a file is no socket");
        assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
        assert!(file.metadata().is_ok(), "a refused descriptor stays open");
        let (ours, _theirs) = UnixStream::pair().expect("socketpair");
        let raw = ours.into_raw_fd();
        assert_eq!(adopt_socket(raw).expect("a socket").as_raw_fd(), raw);
    }
}
