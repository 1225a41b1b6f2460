//! Taking over a descriptor that the application made: `ZMQ_USE_FD`.

use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

/// A descriptor whose ownership the application offers. It belongs to the application until
/// [`take`](Self::take) succeeds. Clones share it.
#[derive(Clone, Debug)]
pub struct GivenFd(Arc<AtomicI32>);

/// The number after a successful take, and during one.
const TAKEN: RawFd = -1;

impl GivenFd {
    /// An offer of the descriptor with this number, which need not be open yet.
    ///
    /// # Safety
    /// The descriptor that has the number at the time of a successful take is owned by the
    /// caller of `take` from then on: no other code uses or closes it.
    pub unsafe fn new(fd: RawFd) -> GivenFd {
        GivenFd(Arc::new(AtomicI32::new(fd)))
    }

    /// Transfers ownership of the descriptor to the caller and sets close-on-exec. Succeeds
    /// once for all clones together.
    ///
    /// # Errors
    /// `EBADF` if it is not open, was taken, or is being taken by another thread;
    /// `ENOTSOCK` if it is no socket. The ownership then does not change.
    pub fn take(&self) -> io::Result<OwnedFd> {
        // The swap admits one thread at a time; its acquire pairs with the release store
        // below, by which a thread that failed returns the number.
        let fd = self.0.swap(TAKEN, Ordering::AcqRel);
        check_socket(fd).inspect_err(|_| self.0.store(fd, Ordering::Release))?;
        // SAFETY: the descriptor is open, as `check_socket` succeeded. By the promise at
        // `new`, and because the swap returns the number to one caller only, it has no
        // other owner.
        Ok(unsafe { OwnedFd::from_raw_fd(fd) })
    }
}

impl PartialEq for GivenFd {
    fn eq(&self, other: &GivenFd) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for GivenFd {}

impl From<OwnedFd> for GivenFd {
    fn from(fd: OwnedFd) -> GivenFd {
        // SAFETY: an `OwnedFd` is the only owner, and gives up its ownership here.
        unsafe { GivenFd::new(fd.into_raw_fd()) }
    }
}

/// Checks that `fd` is a socket, and sets close-on-exec.
///
/// # Errors
/// `EBADF`, `ENOTSOCK`.
fn check_socket(fd: RawFd) -> io::Result<()> {
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
    // SAFETY: fcntl accepts any descriptor number, and F_SETFD accesses no memory.
    if rc == -1 || unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) } == -1 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::{AsRawFd, BorrowedFd};
    use std::os::unix::net::UnixStream;

    fn flags(fd: BorrowedFd<'_>) -> i32 {
        // SAFETY: no memory is touched.
        unsafe { libc::fcntl(fd.as_raw_fd(), libc::F_GETFD) }
    }

    #[test]
    fn only_open_sockets_are_taken() {
        for wrong in [-1, i32::MAX] {
            // SAFETY: there is none of that number.
            let given = unsafe { GivenFd::new(wrong) };
            let error = given.take().expect_err("no descriptor");
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
        let file = File::open("/dev/null").expect("open /dev/null");
        // SAFETY: it is not taken.
        let given = unsafe { GivenFd::new(file.as_raw_fd()) };
        for _ in 0..2 {
            let error = given.take().expect_err("a file is no socket");
            assert_eq!(error.raw_os_error(), Some(libc::ENOTSOCK));
        }
        assert!(file.metadata().is_ok(), "a refused descriptor stays open");
    }

    #[test]
    fn a_descriptor_is_taken_once() {
        use std::os::fd::AsFd;
        let (ours, _theirs) = UnixStream::pair().expect("socketpair");
        let raw = ours.as_raw_fd();
        // As a C program makes it.
        // SAFETY: no memory is touched.
        assert_eq!(unsafe { libc::fcntl(raw, libc::F_SETFD, 0) }, 0);
        let given = GivenFd::from(OwnedFd::from(ours));
        let other = given.clone();
        let taken = given.take().expect("a socket");
        assert_eq!(taken.as_raw_fd(), raw);
        assert_eq!(flags(taken.as_fd()), libc::FD_CLOEXEC);
        for again in [given, other] {
            let error = again.take().expect_err("taken");
            assert_eq!(error.raw_os_error(), Some(libc::EBADF));
        }
    }
}
