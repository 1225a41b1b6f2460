//! Eventfds, the descriptors behind `ZMQ_FD` and the wake-up of an I/O thread.

use super::super::unix::cancel;

/// A non-blocking, close-on-exec eventfd with count 0.
///
/// # Errors
/// The system's: `EMFILE`, `ENFILE`, `ENOMEM`.
pub fn eventfd() -> std::io::Result<std::os::fd::OwnedFd> {
    new_eventfd(0)
}

fn new_eventfd(count: libc::c_uint) -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: plain system call; a valid result is a fresh descriptor of ours.
    unsafe {
        let fd = libc::eventfd(count, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK);
        if fd < 0 {
            return Err(std::io::Error::last_os_error());
        }
        Ok(std::os::fd::OwnedFd::from_raw_fd(fd))
    }
}

/// As [`eventfd`], but readable, and with a number of 512 or more where the limit allows: a
/// replacement for an eventfd that the program has closed. Low numbers are avoided, because
/// the program may close them again, and because another part of the library may still use
/// the number of a descriptor that the program closed.
///
/// # Errors
/// As for [`eventfd`].
pub fn raised_eventfd() -> std::io::Result<std::os::fd::OwnedFd> {
    use std::os::fd::{AsRawFd, FromRawFd};
    const FIRST: libc::c_int = 512;
    let fd = new_eventfd(1)?;
    // SAFETY: a valid result is a fresh descriptor of ours.
    unsafe {
        let aside = libc::fcntl(fd.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST);
        match aside < 0 {
            true => Ok(fd), // RLIMIT_NOFILE is lower
            false => Ok(std::os::fd::OwnedFd::from_raw_fd(aside)),
        }
    }
}

/// Makes an eventfd readable.
///
/// # Errors
/// The system's, after 8 attempts.
pub fn raise(eventfd: &std::fs::File) -> std::io::Result<()> {
    use std::io::Write;
    let _shield = cancel::Shield::new();
    let mut tries = 8;
    loop {
        tries -= 1;
        match (&*eventfd).write(&1u64.to_ne_bytes()) {
            Ok(_) => return Ok(()),
            // The counter is at its maximum, so the eventfd is readable.
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if tries == 0 => return Err(error),
            Err(_) => {}
        }
    }
}
