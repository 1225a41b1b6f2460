//! The state of a context, shared by its sockets and connections.
//!
//! Application threads call the functions here; sockets and connections
//! report their beginning and end from any thread, so all parts of the core have locks of
//! their own, held for a few instructions. `zmq_ctx_term` sets `terminated`, wakes all
//! blocking calls, waits until the counts of sockets and connections are zero (the last
//! one unparks it, under the lock of the counts), and stops the I/O threads.

#![forbid(unsafe_code)]

use super::inproc::Registry;
use super::io_threads::IoThreads;
use super::lingering::{self, Lingering};
use super::member::Member;
use crate::error::{Error, Result};
use crate::options::ContextOptions;
use crate::reactor::Reactor;
use crate::sync::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::parker::{self, Parker, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sys::log::Origin;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use std::time::Instant;

#[derive(Default)]
struct Counts {
    sockets: usize,
    connections: usize,
    /// Threads in `zmq_ctx_term`.
    waiters: Vec<Arc<Parker>>,
}

/// See the module.
pub struct Core {
    /// The options at present.
    pub options: Mutex<ContextOptions>,
    /// Set by shutdown and termination: calls fail with ETERM from then on.
    pub terminated: AtomicBool,
    /// The names that sockets have bound.
    pub inproc: Registry,
    io_threads: IoThreads,
    counts: Mutex<Counts>,
    /// The open sockets, by their addresses.
    sockets: Mutex<HashMap<usize, Weak<dyn Member>>>,
    lingering: Lingering,
    /// The context's name in the log.
    origin: Origin,
}

/// By which a socket is found again.
fn address(member: &dyn Member) -> usize {
    std::ptr::from_ref(member).cast::<()>() as usize
}

impl Core {
    pub(super) fn new(options: ContextOptions) -> Arc<Core> {
        Arc::new(Core {
            options: Mutex::new(options),
            terminated: AtomicBool::new(false),
            inproc: Registry::default(),
            io_threads: IoThreads::default(),
            counts: Mutex::default(),
            sockets: Mutex::default(),
            lingering: Lingering::default(),
            origin: lingering::origin(),
        })
    }

    /// Marks the context, and wakes all calls on its sockets.
    pub fn shutdown(&self) {
        if self.terminated.swap(true, Ordering::SeqCst) {
            return;
        }
        for socket in self.open_sockets() {
            socket.shut_down();
        }
    }

    /// Waits until all sockets are closed and no connection is left, or its I/O thread is lost.
    pub fn wait_until_unused(&self, suspends: bool) -> Result<()> {
        let mut next_report = lingering::first_report();
        let mut wake = Wake::Notified;
        if let Some(resumed) = suspends.then(suspend::resume).flatten() {
            (wake, next_report) = (resumed.wake, resumed.deadline);
        }
        let parker = parker::own();
        loop {
            parker.reset();
            if self.is_unused(&parker) {
                return Ok(());
            }
            let lost_at = self.io_threads.lost_until();
            match wake {
                Wake::Interrupted => return Err(Error::Interrupted),
                _ if lost_at.is_some_and(|at| Instant::now() >= at) => return Ok(()),
                Wake::TimedOut => {
                    next_report = self.lingering.report(self.origin, &self.open_sockets())
                }
                Wake::Notified => {}
            }
            let end = lost_at.or(next_report);
            if suspends {
                suspend::suspend(SleepOn::Parker(parker), end, Box::new(()));
                return Err(Error::Suspended);
            }
            wake = parker.park(end);
        }
    }

    /// Whether there are no sockets and no connections. Otherwise the parker is registered,
    /// under the lock of the counts, and unparked when both are zero.
    fn is_unused(&self, parker: &Arc<Parker>) -> bool {
        let mut counts = self.counts.lock();
        let unused = counts.sockets == 0 && counts.connections == 0;
        if !unused {
            counts.waiters.retain(|other| !Arc::ptr_eq(other, parker));
            counts.waiters.push(parker.clone());
        }
        unused
    }

    fn open_sockets(&self) -> Vec<Arc<dyn Member>> {
        let sockets = self.sockets.lock();
        sockets.values().filter_map(Weak::upgrade).collect()
    }

    /// Ends the I/O threads, after the last socket.
    pub fn stop(&self) {
        self.inproc.clear();
        self.io_threads.stop();
    }

    /// Counts a new socket. [`Error::Term`] after shutdown, [`Error::TooManyFiles`] at
    /// `ZMQ_MAX_SOCKETS`.
    pub fn admit_socket(&self) -> Result<()> {
        if self.terminated.load(Ordering::SeqCst) {
            return Err(Error::Term);
        }
        let options = self.options.lock();
        let max = self.io_threads.max_sockets(&options);
        let mut counts = self.counts.lock();
        if counts.sockets >= max {
            return Err(Error::TooManyFiles);
        }
        counts.sockets += 1;
        Ok(())
    }

    /// Whether an open socket of this context has its shared part at this address.
    pub fn has_socket(&self, shared: usize) -> bool {
        self.sockets.lock().contains_key(&shared)
    }

    /// Adds a socket that was admitted.
    pub fn socket_opened(&self, socket: &Arc<dyn Member>) {
        let entry = (address(&**socket), Arc::downgrade(socket));
        self.sockets.lock().extend([entry]);
    }

    /// Removes a socket; its connections may linger.
    pub fn socket_closed(&self, socket: &Arc<dyn Member>) {
        self.sockets.lock().remove(&address(&**socket));
        self.lingering.add(socket);
        self.release_socket();
    }

    /// Takes back the count of [`admit_socket`](Self::admit_socket).
    pub fn release_socket(&self) {
        self.change(|counts| counts.sockets -= 1);
    }

    /// Counts a connection.
    pub fn connection_opened(&self) {
        self.counts.lock().connections += 1;
    }

    /// Takes back that count.
    pub fn connection_finished(&self) {
        self.change(|counts| counts.connections -= 1);
    }

    fn change(&self, f: impl FnOnce(&mut Counts)) {
        let mut counts = self.counts.lock();
        f(&mut counts);
        if counts.sockets == 0 && counts.connections == 0 {
            for waiter in counts.waiters.drain(..) {
                waiter.unpark();
            }
        }
    }

    /// The I/O thread with the least load of those in `affinity` (0: all), started if
    /// necessary. [`Error::NoThread`] if the mask selects no thread, or the error of the system.
    pub fn reactor(&self, affinity: u64) -> Result<Arc<Reactor>> {
        self.io_threads.get(affinity, &self.options)
    }
}
