//! What the standard library does not offer of sockets.

/// Bytes written to a socket that its peer has not acknowledged or, over ipc, has
/// not read. 0 where the system does not report them.
pub fn unsent(fd: std::os::fd::BorrowedFd<'_>) -> u64 {
    use std::os::fd::AsRawFd;
    let mut bytes: libc::c_int = 0;
    // SAFETY: the request writes one int.
    let result = unsafe { libc::ioctl(fd.as_raw_fd(), libc::TIOCOUTQ, &mut bytes) };
    if result < 0 { 0 } else { bytes.max(0) as u64 }
}

/// A socket is readable once so many bytes have arrived (`SO_RCVLOWAT`), or its end has.
pub fn set_receive_low_water(
    fd: std::os::fd::BorrowedFd<'_>,
    bytes: libc::c_int,
) -> std::io::Result<()> {
    set_socket_option(fd, libc::SO_RCVLOWAT, bytes)
}

/// Sets an option of the level `SOL_SOCKET` that is one int.
pub fn set_socket_option(
    fd: std::os::fd::BorrowedFd<'_>,
    name: libc::c_int,
    value: libc::c_int,
) -> std::io::Result<()> {
    use std::os::fd::AsRawFd;
    let level = libc::SOL_SOCKET;
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the option is one int, which is only read.
    match unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, (&raw const value).cast(), len) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
