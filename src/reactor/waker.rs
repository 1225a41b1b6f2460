//! What ends an I/O thread's wait for readiness.

#![forbid(unsafe_code)]

use super::source::Key;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::event_count::Due;
use crate::sys::epoll::{Epoll, Readiness, Trigger};
use crate::sys::log::{Origin, log};
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

/// The waker's key; the registry's keys are below it.
pub(super) const WAKER: Key = usize::MAX - 1;

/// An eventfd in the epoll set, and whether it was raised.
pub(super) struct Waker {
    /// Edge-triggered, so it is never read.
    eventfd: Mutex<File>,
    /// The thread is due to take the work that was published.
    pub(super) due: Due,
    /// The program closed the epoll descriptor: the thread may sleep for ever. SeqCst without
    /// a pairing: it is stored once, and no other data depends on it.
    lost: AtomicBool,
}

/// Makes a descriptor that ends an epoll wait when it is raised.
fn new_eventfd(epoll: &Epoll, eventfd: io::Result<OwnedFd>) -> io::Result<File> {
    let eventfd = eventfd?;
    let wanted = Readiness {
        key: WAKER,
        readable: true,
        writable: false,
    };
    epoll.add(eventfd.as_fd(), wanted, Trigger::Edge)?;
    Ok(eventfd.into())
}

impl Waker {
    pub(super) fn new(epoll: &Epoll) -> io::Result<Waker> {
        Ok(Waker {
            eventfd: Mutex::new(new_eventfd(epoll, crate::sys::eventfd())?),
            due: Due::default(),
            lost: AtomicBool::new(false),
        })
    }

    /// Ends the I/O thread's wait, once until the thread begins to take the work. Callers
    /// publish their work first: the mailbox, a timer, the end.
    pub(super) fn wake(&self, epoll: &Epoll) {
        if !self.due.request() {
            return;
        }
        let mut eventfd = self.eventfd.lock();
        if let Err(error) = crate::sys::raise(&eventfd) {
            if !self.replace(&mut eventfd, epoll, &error) {
                self.due.begin(); // the next `wake` tries again
            }
        }
    }

    /// Whether the thread may never return from its wait.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Replaces an eventfd that cannot be raised. Most likely the program has closed its
    /// descriptor, as a daemon does that closes all it inherited. The new one is readable
    /// from the beginning, which ends the wait. False if there is none to be had.
    #[cold]
    fn replace(&self, eventfd: &mut File, epoll: &Epoll, why: &io::Error) -> bool {
        // EBADF: not a descriptor. EINVAL: another kind of descriptor, or no epoll any
        // more.
        let foreign =
            |error: &io::Error| matches!(error.raw_os_error(), Some(libc::EBADF | libc::EINVAL));
        match new_eventfd(epoll, crate::sys::raised_eventfd()) {
            Ok(fresh) => {
                let old = std::mem::replace(eventfd, fresh);
                if foreign(why) {
                    // The program may have reused the number: do not close it.
                    std::mem::forget(old);
                    log!(
                        Error,
                        Origin::LIBRARY,
                        "an I/O thread's eventfd was closed by the program; there is a new one"
                    );
                }
                true
            }
            Err(error) => {
                if foreign(&error) && !self.lost.swap(true, Ordering::SeqCst) {
                    log!(
                        Error,
                        Origin::LIBRARY,
                        "an I/O thread's descriptors were closed by the program; \
                         its connections are given up"
                    );
                }
                false
            }
        }
    }
}
