//! Credentials of the peer of a Unix domain socket, and group membership: not known, so that
//! filters admit no peer by them.

use std::io;
use std::os::fd::BorrowedFd;

pub use super::super::credentials::Credentials;

/// Reads the peer's credentials from the kernel.
///
/// # Errors
/// `ENOTSUP`.
pub fn peer(_socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    Err(io::Error::from_raw_os_error(libc::ENOTSUP))
}

/// Whether user `uid` is a member of one of `gids`: never.
pub fn belongs_to_any(_uid: libc::uid_t, _gids: &[libc::gid_t]) -> bool {
    false
}
