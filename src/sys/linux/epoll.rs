//! Readiness of descriptors, by epoll.
//!
//! Registration uses the epoll set of the crate polling. Its wait is replaced: it makes five
//! system calls, because it sets a timer descriptor and reads and re-arms its notifier;
//! [`Epoll::wait`] makes one, with a resolution of nanoseconds where the kernel has
//! `epoll_pwait2` (Linux 5.11). The I/O thread waits; any thread may change registrations.
//!
//! The kernel removes a descriptor that is closed without being [removed](Epoll::remove),
//! unless it has a duplicate; in that case later events only carry a stale key. So no
//! function here is unsafe to call.

use super::super::unix::poll::millis_up;
use polling::{Event, PollMode, Poller};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The readiness of one descriptor: as requested at registration, or as reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// The key it was registered with.
    pub key: usize,
    /// It can be read, or has failed.
    pub readable: bool,
    /// It can be written, or has failed.
    pub writable: bool,
}

/// Most events of one wait.
const EVENTS: usize = 256;

/// When a descriptor's readiness is reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// One-shot: once, then not until it is re-armed by [`Epoll::set`].
    Once,
    /// Edge-triggered: at each change, such as the arrival of more bytes.
    Edge,
    /// Level-triggered: as long as it lasts.
    Level,
}

impl Readiness {
    fn into_event(self) -> Event {
        let mut event = Event::none(self.key);
        event.readable = self.readable;
        event.writable = self.writable;
        event
    }
}

impl Trigger {
    fn into_mode(self) -> PollMode {
        match self {
            Trigger::Once => PollMode::Oneshot,
            Trigger::Edge => PollMode::Edge,
            Trigger::Level => PollMode::Level,
        }
    }
}

/// An epoll set: a [`Poller`] with another wait.
#[derive(Debug)]
pub struct Epoll(Poller);

impl Epoll {
    /// An empty set.
    ///
    /// # Errors
    /// The system's: `EMFILE`, `ENFILE`, `ENOMEM`.
    pub fn new() -> io::Result<Epoll> {
        Poller::new().map(Epoll)
    }

    /// Adds a descriptor.
    ///
    /// # Errors
    /// The system's: `EEXIST`, `ENOMEM`, `ENOSPC`, `EPERM`.
    pub fn add(&self, fd: BorrowedFd<'_>, wanted: Readiness, trigger: Trigger) -> io::Result<()> {
        // SAFETY: the crate requires that a descriptor is removed before it is closed, for
        // systems whose sets keep closed descriptors. Epoll removes them itself, or reports
        // a stale key, which is harmless (see the module).
        unsafe {
            self.0
                .add_with_mode(&fd, wanted.into_event(), trigger.into_mode())
        }
    }

    /// Changes the readiness requested of a descriptor, and re-arms it.
    ///
    /// # Errors
    /// The system's: `ENOENT`, `ENOMEM`.
    pub fn set(&self, fd: BorrowedFd<'_>, wanted: Readiness, trigger: Trigger) -> io::Result<()> {
        self.0
            .modify_with_mode(fd, wanted.into_event(), trigger.into_mode())
    }

    /// Removes a descriptor.
    ///
    /// # Errors
    /// The system's: `ENOENT`.
    pub fn remove(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.0.delete(fd)
    }

    /// Waits for readiness, at most for `timeout`, without limit if `None`, and replaces
    /// the contents of `out` by the events.
    ///
    /// # Errors
    /// The system's, except `EINTR`, which returns no events.
    pub fn wait(&self, timeout: Option<Duration>, out: &mut Vec<Readiness>) -> io::Result<()> {
        out.clear();
        let mut events = [const { MaybeUninit::uninit() }; EVENTS];
        let count = loop {
            match wait_raw(self.0.as_raw_fd(), timeout, &mut events) {
                Ok(count) => break count,
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => break 0,
                // EPERM is the result of a call that a container's seccomp rules do not list.
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
        out.extend(events.iter().take(count).map(|event| {
            // SAFETY: the kernel has initialized the first `count` events.
            let event = unsafe { event.assume_init_read() };
            Readiness {
                key: event.u64 as usize,
                readable: event.events & readable as u32 != 0,
                writable: event.events & writable as u32 != 0,
            }
        }));
        Ok(())
    }
}

/// A descriptor that is readable while one of a list of descriptors is: an epoll set on which
/// the library does not wait. The list may name descriptors that are closed meanwhile.
#[derive(Debug)]
pub struct Gathering(Epoll);

impl Gathering {
    /// One of no descriptors, which is not readable.
    ///
    /// # Errors
    /// Those of [`Epoll::new`].
    pub fn new() -> io::Result<Gathering> {
        Epoll::new().map(Gathering)
    }

    /// The number of the descriptor, which is open as long as this lives.
    pub fn number(&self) -> RawFd {
        self.0.0.as_raw_fd()
    }

    /// Adds a descriptor by its number.
    ///
    /// # Errors
    /// Those of [`Epoll::add`], and `EBADF`.
    pub fn add(&self, fd: RawFd) -> io::Result<()> {
        let wanted = Readiness {
            key: fd.max(0) as usize,
            readable: true,
            writable: false,
        };
        self.0.add(borrow(fd)?, wanted, Trigger::Level)
    }

    /// Removes a descriptor by its number.
    ///
    /// # Errors
    /// Those of [`Epoll::remove`], and `EBADF`.
    pub fn remove(&self, fd: RawFd) -> io::Result<()> {
        self.0.remove(borrow(fd)?)
    }
}

/// A descriptor of the library's, by its number.
fn borrow<'a>(fd: RawFd) -> io::Result<BorrowedFd<'a>> {
    match fd {
        // SAFETY: not -1. The number is passed to the kernel in one system call, which refuses
        // it if the descriptor is closed.
        0.. => Ok(unsafe { BorrowedFd::borrow_raw(fd) }),
        _ => Err(io::Error::from_raw_os_error(libc::EBADF)),
    }
}

/// `epoll_pwait2` is not available; `epoll_wait`, with a resolution of milliseconds, is used.
/// Relaxed: a thread that reads an old value makes the failing call once more.
static COARSE: AtomicBool = AtomicBool::new(false);

fn is_coarse() -> bool {
    COARSE.load(Ordering::Relaxed)
}

fn wait_raw(
    epoll: RawFd,
    timeout: Option<Duration>,
    events: &mut [MaybeUninit<libc::epoll_event>; EVENTS],
) -> io::Result<usize> {
    let room = EVENTS as libc::c_int;
    let count = if is_coarse() || timeout.is_none_or(|limit| limit.is_zero()) {
        let millis = timeout.map_or(-1, millis_up);
        // SAFETY: the array has room for `room` events.
        unsafe { libc::epoll_wait(epoll, events.as_mut_ptr().cast(), room, millis) as libc::c_long }
    } else {
        let limit = timeout.unwrap_or_default();
        let spec = libc::timespec {
            tv_sec: limit.as_secs().min(i32::MAX as u64) as libc::time_t,
            tv_nsec: limit.subsec_nanos() as libc::c_long,
        };
        // SAFETY: the array has room for `room` events; the timespec is valid for the call,
        // and no signal mask is given.
        unsafe {
            libc::syscall(
                libc::SYS_epoll_pwait2,
                epoll,
                events.as_mut_ptr().cast::<libc::epoll_event>(),
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

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::time::Instant;

    fn ready(key: usize, readable: bool, writable: bool) -> Readiness {
        Readiness {
            key,
            readable,
            writable,
        }
    }

    /// What is there now.
    fn look(epoll: &Epoll) -> Vec<Readiness> {
        let mut out = Vec::new();
        epoll.wait(Some(Duration::ZERO), &mut out).unwrap();
        out
    }

    #[test]
    fn waits_for_a_time_and_sees_what_is_ready() {
        let epoll = Epoll::new().unwrap();
        let mut out = vec![ready(1, true, true)];
        let begun = Instant::now();
        let short = Duration::from_micros(300);
        epoll.wait(Some(short), &mut out).unwrap();
        assert!(out.is_empty() && begun.elapsed() >= short);
        let (mut one, mut other) = UnixStream::pair().unwrap();
        let wanted = ready(7, true, false);
        epoll.add(other.as_fd(), wanted, Trigger::Edge).unwrap();
        let again = epoll.add(other.as_fd(), wanted, Trigger::Edge);
        assert_eq!(again.unwrap_err().raw_os_error(), Some(libc::EEXIST));
        for _ in 0..2 {
            one.write_all(b"x").unwrap();
            epoll.wait(None, &mut out).unwrap();
            assert_eq!(out, [wanted]);
            assert_eq!(look(&epoll), [], "nothing new came");
        }
        other.read_exact(&mut [0; 2]).unwrap();
        drop(one);
        assert_eq!(look(&epoll), [ready(7, true, true)], "hung up");
        epoll.remove(other.as_fd()).unwrap();
        let again = epoll.remove(other.as_fd());
        assert_eq!(again.unwrap_err().raw_os_error(), Some(libc::ENOENT));
    }

    #[test]
    fn a_watch_is_good_for_one_event_and_ends_with_its_descriptor() {
        let epoll = Epoll::new().unwrap();
        let (mut one, other) = UnixStream::pair().unwrap();
        let set = |wanted| epoll.set(other.as_fd(), wanted, Trigger::Once);
        assert_eq!(
            set(ready(1, true, true)).unwrap_err().raw_os_error(),
            Some(libc::ENOENT)
        );
        let watch = ready(usize::MAX - 5, false, true);
        epoll.add(other.as_fd(), watch, Trigger::Once).unwrap();
        assert_eq!(look(&epoll), [watch]);
        assert_eq!(look(&epoll), []);
        set(ready(3, true, false)).unwrap();
        assert_eq!(look(&epoll), []);
        one.write_all(b"x").unwrap();
        assert_eq!(look(&epoll), [ready(3, true, false)]);
        set(ready(4, true, true)).unwrap();
        drop(other);
        assert_eq!(look(&epoll), []);
    }
}
