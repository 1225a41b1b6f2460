//! The caller-driven connections of a socket: those whose input the application's thread reads
//! while it waits.
//!
//! Connections enter the list from any thread while [`is_spinning`](CallerDriven::is_spinning),
//! and leave it when they are handed to the I/O thread. Dekker: a connection enters, which stores
//! the length of the list; SeqCst fence; rechecks `spinning`, and leaves if that is 0. A thread that
//! ends its spin decrements `spinning`; then loads the length, and hands over what is there. So no
//! connection stays in the list that no thread will read or hand over. A tick of the I/O thread
//! takes back connections while `activity` stands still.

#![forbid(unsafe_code)]

use crate::connection::engine::{self, Engine};
use crate::io_policy::tunables::STREAM_CHECK_TICKS;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
use smallvec::SmallVec;
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub struct CallerDriven {
    list: Mutex<Vec<Arc<dyn Engine>>>,
    /// The length of the list, once each change of it is done.
    count: AtomicUsize,
    /// Threads that spin.
    spinning: AtomicU32,
    /// Counts the times that an application thread read the connections.
    activity: AtomicU32,
    /// When a call that does not wait last read the streams, in ticks.
    last_check: AtomicU64,
    /// Reads that returned bytes, on all connections, modulo 2^32.
    inputs: AtomicU32,
}

impl CallerDriven {
    /// Whether there are any. SeqCst: the load after a fence in `Locked::mark_quiet`, and after
    /// the decrement in [`spin`](Self::spin).
    pub fn is_any(&self) -> bool {
        self.count.load(Ordering::SeqCst) > 0
    }

    /// Begins (`on`) or ends a spin, during which connections become caller-driven.
    pub fn spin(&self, on: bool) {
        if on {
            self.spinning.fetch_add(1, Ordering::SeqCst);
        } else {
            self.spinning.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Whether a thread spins.
    pub(super) fn is_spinning(&self) -> bool {
        self.spinning.load(Ordering::SeqCst) > 0
    }

    /// Adds a connection. Ends with a SeqCst fence.
    pub(super) fn add(&self, connection: Arc<dyn Engine>) {
        self.change(|list| {
            list.retain(|other| !Arc::ptr_eq(other, &connection));
            if list.is_empty() {
                list.reserve_exact(1); // most sockets have no more
            }
            list.push(connection);
        });
        fence(Ordering::SeqCst);
    }

    /// Removes the connection at this address.
    pub(super) fn remove(&self, address: usize) {
        self.change(|list| list.retain(|other| engine::address(&**other) != address));
    }

    /// Changes the list, and then its length.
    fn change<R>(&self, change: impl FnOnce(&mut Vec<Arc<dyn Engine>>) -> R) -> R {
        let mut list = self.list.lock();
        let before = list.len();
        let result = change(&mut list);
        let added = list.len().wrapping_sub(before);
        drop(list);
        self.count.fetch_add(added, Ordering::SeqCst);
        result
    }

    /// Reads the connections from the calling thread. False if there are none.
    pub fn drive_inputs(&self) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.activity.fetch_add(1, Ordering::Relaxed);
        for connection in &self.copy() {
            connection.poll_input();
        }
        true
    }

    /// As [`drive_inputs`](Self::drive_inputs), once in [`STREAM_CHECK_TICKS`] at most: for
    /// loops of calls that do not wait, each of which would pay a system call.
    pub fn drive_inputs_at_intervals(&self) -> bool {
        if self.count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let now = crate::sys::ticks();
        if now.wrapping_sub(self.last_check.load(Ordering::Relaxed)) < STREAM_CHECK_TICKS {
            return false;
        }
        self.last_check.store(now, Ordering::Relaxed);
        self.drive_inputs()
    }

    /// Hands all connections to the I/O thread, which watches them again.
    pub fn hand_to_io_thread(&self) {
        if !self.is_any() {
            return;
        }
        for connection in self.change(std::mem::take) {
            connection.hand_to_io_thread();
        }
    }

    /// A copy of the list, which keeps its lock free while the connections are driven.
    fn copy(&self) -> SmallVec<[Arc<dyn Engine>; 4]> {
        self.list.lock().iter().cloned().collect()
    }

    /// The descriptors of the connections.
    #[cfg(not(loom))]
    pub fn streams(&self) -> SmallVec<[std::os::fd::RawFd; 4]> {
        let all = self.copy();
        all.iter().filter_map(|one| one.stream_fd()).collect()
    }

    /// If there is one connection and much of a long body is still to come on it: sleeps until
    /// its stream is readable, for a millisecond at most. True if it is.
    pub fn sleep_on_long_body(&self) -> bool {
        let fd = match &self.copy()[..] {
            [one] => one.long_fd(),
            _ => None,
        };
        fd.is_some_and(|fd| crate::sys::is_ready_within(fd, libc::POLLIN, 1))
    }

    /// A counter that changes whenever an application thread reads the connections.
    pub(super) fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    /// A counter that changes when bytes arrive on any connection of the socket.
    pub fn inputs(&self) -> u32 {
        self.inputs.load(Ordering::Relaxed)
    }

    /// Counts that bytes were read.
    pub(super) fn input_came(&self) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::pipe::PipeEnd;
    use crate::sync::atomic::AtomicBool;
    use std::os::fd::RawFd;

    /// A connection: `watched` by the I/O thread, or caller-driven.
    struct Fake {
        caller_driven: AtomicBool,
        watched: AtomicBool,
    }

    impl Engine for Fake {
        fn hand_to_io_thread(&self) {
            if self.caller_driven.swap(false, Ordering::SeqCst) {
                self.watched.store(true, Ordering::Relaxed);
            }
        }

        fn stop(&self) {}
        fn stop_soon(&self) {}
        fn is_over(&self) -> bool {
            false
        }
        fn retire(&self) -> Option<PipeEnd> {
            None
        }
        fn poll_input(&self) {}
        fn push_output(&self) {}
        fn unsent(&self) -> usize {
            0
        }
        fn stream_fd(&self) -> Option<RawFd> {
            None
        }
        fn long_fd(&self) -> Option<RawFd> {
            None
        }
        fn settle(&self) {}
    }

    /// A connection that enters the list while the only thread ends its spin is watched
    /// afterwards by the I/O thread.
    #[test]
    fn a_connection_is_read_or_handed_over() {
        loom::model(|| {
            let all = crate::sync::Arc::new(CallerDriven::default());
            let one = Arc::new(Fake {
                caller_driven: AtomicBool::new(false),
                watched: AtomicBool::new(false),
            });
            all.spin(true);
            let (list, fake) = (all.clone(), one.clone());
            // As the connection's driver does, under its lock.
            let driver = loom::thread::spawn(move || {
                if list.is_spinning() {
                    fake.caller_driven.store(true, Ordering::SeqCst);
                    list.add(fake.clone());
                    if list.is_spinning() {
                        return;
                    }
                    fake.caller_driven.store(false, Ordering::SeqCst);
                }
                fake.watched.store(true, Ordering::Relaxed);
            });
            all.spin(false);
            all.hand_to_io_thread();
            driver.join().unwrap();
            assert!(one.watched.load(Ordering::Relaxed), "no thread reads it");
        });
    }
}
