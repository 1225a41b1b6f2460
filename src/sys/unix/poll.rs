//! Waiting for descriptors and for time.

use super::cancel;

/// Waits for descriptors. Negative descriptors are ignored. Not a cancellation point.
///
/// # Errors
/// `EINTR` when a signal handler ran; else the system's.
pub fn poll(fds: &mut [libc::pollfd], timeout_ms: i32) -> std::io::Result<usize> {
    let _shield = cancel::Shield::new();
    // SAFETY: the slice is valid for the call and its length is given.
    let count = unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, timeout_ms) };
    if count < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(count as usize)
}

/// As [`poll`], with another signal mask while it waits: a signal that is pending and that the
/// mask does not block ends it at once.
///
/// # Errors
/// As for [`poll`].
pub fn ppoll(
    fds: &mut [libc::pollfd],
    timeout_ms: i32,
    mask: &libc::sigset_t,
) -> std::io::Result<usize> {
    let _shield = cancel::Shield::new();
    let limit = cancel::timespec(timeout_ms);
    let limit = limit.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    let (list, len) = (fds.as_mut_ptr(), fds.len() as libc::nfds_t);
    // SAFETY: the slice is valid for the call and its length is given; the limit is null or valid.
    let count = unsafe { libc::ppoll(list, len, limit, mask) };
    if count < 0 {
        return Err(std::io::Error::last_os_error());
    }
    Ok(count as usize)
}

/// A time limit of `poll`: whole milliseconds, rounded up.
pub fn millis_up(limit: std::time::Duration) -> i32 {
    i32::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(i32::MAX)
}

/// Whether a descriptor is ready for one of `events` (`POLLIN`, `POLLOUT`) or has failed, now or
/// within `limit_ms` milliseconds.
pub fn is_ready_within(fd: std::os::fd::RawFd, events: i16, limit_ms: i32) -> bool {
    let mut fds = [libc::pollfd {
        fd,
        events,
        revents: 0,
    }];
    poll(&mut fds, limit_ms).is_ok() && fds[0].revents != 0
}

/// Pauses the calling thread for `limit`, rounded up to a millisecond. Not a cancellation
/// point.
///
/// Not by [`std::thread::sleep`], which panics where seccomp rules forbid
/// `clock_nanosleep`.
pub fn sleep(limit: std::time::Duration) {
    let end = std::time::Instant::now() + limit;
    loop {
        let remaining = end.saturating_duration_since(std::time::Instant::now());
        if remaining.is_zero() {
            return;
        }
        if poll(&mut [], millis_up(remaining)).is_err() {
            std::thread::yield_now();
        }
    }
}
