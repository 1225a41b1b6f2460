//! Waiting on the descriptor behind a [`polling::Poller`].
//!
//! The crate's own wait sets a timer descriptor and reads and re-arms its
//! notifier around each wait, five system calls in all; what is here is one, with
//! a resolution of nanoseconds where the kernel has that (Linux 5.11).

use std::io;
use std::os::fd::RawFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// One descriptor's readiness.
#[derive(Clone, Copy, Debug)]
pub struct Readiness {
    /// The key it was registered with.
    pub key: usize,
    /// It can be read, or failed.
    pub readable: bool,
    /// It can be written, or failed.
    pub writable: bool,
}

/// Events taken at a time.
const EVENTS: usize = 256;

/// Waits for readiness at most for `timeout`, for ever with `None`, and puts what
/// there is in place of what `out` held.
///
/// # Errors
/// The system's; `EINTR` counts as nothing ready.
pub fn wait(epoll: RawFd, timeout: Option<Duration>, out: &mut Vec<Readiness>) -> io::Result<()> {
    out.clear();
    let mut events = [libc::epoll_event { events: 0, u64: 0 }; EVENTS];
    let count = loop {
        match wait_raw(epoll, timeout, &mut events) {
            Ok(count) => break count,
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => break 0,
            // EPERM is what a container says of a call that its rules do not know.
            Err(error)
                if matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EPERM))
                    && !is_coarse() =>
            {
                COARSE.store(true, Ordering::Relaxed);
            }
            Err(error) => return Err(error),
        }
    };
    let failed = libc::EPOLLHUP | libc::EPOLLERR;
    let readable = libc::EPOLLIN | libc::EPOLLPRI | libc::EPOLLRDHUP | failed;
    let writable = libc::EPOLLOUT | failed;
    out.extend(events.iter().take(count).map(|event| Readiness {
        key: event.u64 as usize,
        readable: event.events & readable as u32 != 0,
        writable: event.events & writable as u32 != 0,
    }));
    Ok(())
}

/// The kernel has only the call that counts in milliseconds.
static COARSE: AtomicBool = AtomicBool::new(false);

fn is_coarse() -> bool {
    COARSE.load(Ordering::Relaxed)
}

fn wait_raw(
    epoll: RawFd,
    timeout: Option<Duration>,
    events: &mut [libc::epoll_event; EVENTS],
) -> io::Result<usize> {
    let room = EVENTS as libc::c_int;
    let count = if is_coarse() || timeout.is_none_or(|limit| limit.is_zero()) {
        let millis = timeout.map_or(-1, |limit| {
            libc::c_int::try_from(limit.as_micros().div_ceil(1000)).unwrap_or(libc::c_int::MAX)
        });
        // SAFETY: the array has room for so many events.
        unsafe { libc::epoll_wait(epoll, events.as_mut_ptr(), room, millis) as libc::c_long }
    } else {
        let limit = timeout.unwrap_or_default();
        let spec = libc::timespec {
            tv_sec: limit.as_secs().min(i32::MAX as u64) as libc::time_t,
            tv_nsec: limit.subsec_nanos() as libc::c_long,
        };
        // SAFETY: as above; the timespec is valid, and no signal mask is given.
        unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                epoll,
                events.as_mut_ptr(),
                room,
                &spec as *const libc::timespec,
                std::ptr::null::<libc::sigset_t>(),
                0usize,
            )
        }
    };
    match usize::try_from(count) {
        Ok(count) => Ok(count),
        Err(_) => Err(io::Error::last_os_error()),
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use polling::{Event, PollMode, Poller};
    use std::os::fd::AsRawFd;
    use std::time::Instant;

    #[test]
    fn waits_for_a_time_and_sees_what_is_ready() {
        let poller = Poller::new().unwrap();
        let mut out = Vec::new();
        let begun = Instant::now();
        wait(
            poller.as_raw_fd(),
            Some(Duration::from_micros(300)),
            &mut out,
        )
        .unwrap();
        assert!(out.is_empty() && begun.elapsed() >= Duration::from_micros(300));
        let (mut one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        crate::sys::poller_add(
            &poller,
            other.as_raw_fd(),
            Event::readable(7),
            PollMode::Edge,
        )
        .unwrap();
        std::io::Write::write_all(&mut one, b"x").unwrap();
        wait(poller.as_raw_fd(), None, &mut out).unwrap();
        assert_eq!(out.len(), 1);
        assert!(out[0].key == 7 && out[0].readable && !out[0].writable);
        poller.delete(&other).unwrap();
    }
}
