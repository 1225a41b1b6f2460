//! Contexts: what the sockets of an application share, and the end of it.
//!
//! A handle's slot holds a [`Context`], whose [`Core`] is shared by the sockets and
//! connections. Application threads call the functions here; sockets and connections
//! report their beginning and end from any thread, so all parts of the core have locks of
//! their own, held for a few instructions. `zmq_ctx_term` sets `terminated`, wakes all
//! blocking calls, waits until the counts of sockets and connections are zero (the last
//! one unparks it, under the lock of the counts), and stops the I/O threads.

#![forbid(unsafe_code)]

use super::inproc::Registry;
use super::shared::{Command, Shared};
use super::slots::{Slot, Table};
use super::waiting;
use crate::error::{Error, Result};
use crate::options::ContextOptions;
use crate::reactor::Reactor;
use crate::sync::membarrier;
use crate::sync::parker::{Parker, Wake};
use crate::sync::suspend::{self, SleepOn};
use crate::sync::{ForkedChild, Mutex, OnceLock};
use crate::sys::cancel::Shield;
use crate::sys::log::{self, Origin};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// All contexts of the process.
pub static CONTEXTS: Table<Context> = Table::new();

/// The object in the slot of a context handle.
pub struct Context {
    pub(super) core: Arc<Core>,
}

#[derive(Default)]
struct Counts {
    sockets: usize,
    connections: usize,
    /// Threads in `zmq_ctx_term`.
    waiters: Vec<Arc<Parker>>,
}

/// The state of a context, shared by its sockets and connections.
pub struct Core {
    pub(super) options: Mutex<ContextOptions>,
    /// Set by shutdown and termination: calls fail with ETERM from then on.
    pub(super) terminated: AtomicBool,
    pub(super) inproc: Registry,
    reactors: Mutex<Reactors>,
    counts: Mutex<Counts>,
    sockets: Mutex<HashMap<usize, Weak<Shared>>>,
    /// Closed sockets that had connections left, for the log.
    pub(super) lingering: Mutex<Vec<Weak<Shared>>>,
    /// The context's name in the log.
    pub(super) origin: Origin,
    /// When `zmq_ctx_term` first found an I/O thread lost ([`Reactor::is_lost`]).
    lost_since: OnceLock<Instant>,
}

/// How long `zmq_ctx_term` waits for connections whose I/O thread is lost.
const LOST_WAIT: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Reactors {
    threads: Vec<Arc<Reactor>>,
    /// The options when the first socket was made. Threads and the number of sockets
    /// follow these: later changes have no effect on them.
    fixed: Option<ContextOptions>,
}

/// A new context; no thread is started and no descriptor opened.
pub fn create() -> Result<&'static Slot<Context>> {
    log::start();
    membarrier::prepare(false);
    let context = Context::new(ContextOptions::default());
    CONTEXTS.insert(Box::new(context))
}

/// In a forked child: leaks the parent's contexts untouched, and puts new ones with the
/// same options behind their handles.
pub(super) fn leave_to_parent(child: &ForkedChild) {
    CONTEXTS.leave_to_parent(child, |old| {
        let options = old.core.options.try_lock().map(|options| options.clone());
        Some(Box::new(Context::new(options.unwrap_or_default())))
    });
}

impl Context {
    fn new(options: ContextOptions) -> Context {
        let core = Arc::new(Core {
            options: Mutex::new(options),
            terminated: AtomicBool::new(false),
            inproc: Registry::default(),
            reactors: Mutex::default(),
            counts: Mutex::default(),
            sockets: Mutex::default(),
            lingering: Mutex::default(),
            origin: waiting::origin(),
            lost_since: OnceLock::new(),
        });
        Context { core }
    }
}

/// The core behind a handle, [`Error::Fault`] if there is none.
pub fn find(address: usize) -> Result<Arc<Core>> {
    let slot = CONTEXTS.find(address).ok_or(Error::Fault)?;
    let guard = slot.lock()?;
    Ok(guard.as_ref().ok_or(Error::Fault)?.core.clone())
}

/// `zmq_ctx_set`: [`Error::Fault`], [`Error::Invalid`].
pub fn set(address: usize, option: i32, value: i32) -> Result<()> {
    find(address)?.options.lock().set(option, value)
}

/// `zmq_ctx_get`: [`Error::Fault`], [`Error::Invalid`].
pub fn get(address: usize, option: i32) -> Result<i32> {
    find(address)?.options.lock().get(option)
}

/// `zmq_ctx_shutdown`: all blocking calls on the context's sockets end with
/// [`Error::Term`], and so do all later calls except `zmq_close`.
pub fn shutdown(address: usize) -> Result<()> {
    find(address)?.shutdown();
    Ok(())
}

/// `zmq_ctx_term`: shuts down, waits until all sockets are closed and all lingering data
/// is sent or dropped, and ends the I/O threads. `suspends`: the call is suspended instead
/// of sleeping, and made again ([`suspend`]).
///
/// [`Error::Interrupted`] if a signal handler ran; the call can be repeated.
/// [`Error::Fault`] if another thread has terminated the context.
pub fn terminate(address: usize, suspends: bool) -> Result<()> {
    let _shield = Shield::new();
    let core = find(address)?;
    core.shutdown();
    core.wait_until_unused(suspends && suspend::is_possible())?;
    // Of several threads that terminate at once, the one that empties the slot does the
    // rest; the other calls fail.
    let slot = CONTEXTS.find(address).ok_or(Error::Fault)?;
    CONTEXTS.remove(slot)?.ok_or(Error::Fault)?;
    CONTEXTS.give_back(slot);
    core.stop();
    Ok(())
}

impl Core {
    fn shutdown(&self) {
        if self.terminated.swap(true, Ordering::SeqCst) {
            return;
        }
        for socket in self.open_sockets() {
            socket.send(Command::Check);
        }
    }

    fn wait_until_unused(&self, suspends: bool) -> Result<()> {
        let mut next_report = waiting::first_report();
        let mut wake = Wake::Notified;
        if let Some(resumed) = suspends.then(suspend::resume).flatten() {
            (wake, next_report) = (resumed.wake, resumed.deadline);
        }
        let parker = super::wait::parker();
        loop {
            parker.reset();
            if self.is_unused(&parker) {
                return Ok(());
            }
            let lost_at = self.lost_until();
            match wake {
                Wake::Interrupted => return Err(Error::Interrupted),
                _ if lost_at.is_some_and(|at| Instant::now() >= at) => return Ok(()),
                Wake::TimedOut => next_report = self.log_pending_sockets(),
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

    /// If an I/O thread is lost, the time until which its connections are waited for.
    fn lost_until(&self) -> Option<Instant> {
        let lost = self.reactors.lock().threads.iter().any(|one| one.is_lost());
        lost.then(|| *self.lost_since.get_or_init(Instant::now) + LOST_WAIT)
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

    pub(super) fn open_sockets(&self) -> Vec<Arc<Shared>> {
        let sockets = self.sockets.lock();
        sockets.values().filter_map(Weak::upgrade).collect()
    }

    fn stop(&self) {
        self.inproc.clear();
        let threads = std::mem::take(&mut self.reactors.lock().threads);
        for reactor in threads {
            reactor.stop();
        }
    }

    /// Counts a new socket. [`Error::Term`] after shutdown, [`Error::TooManyFiles`] at
    /// `ZMQ_MAX_SOCKETS`.
    pub(super) fn admit_socket(&self) -> Result<()> {
        if self.terminated.load(Ordering::SeqCst) {
            return Err(Error::Term);
        }
        let options = self.options.lock();
        let max = {
            let mut reactors = self.reactors.lock();
            let fixed = reactors.fixed.get_or_insert_with(|| options.clone());
            usize::try_from(fixed.max_sockets).unwrap_or(0)
        };
        let mut counts = self.counts.lock();
        if counts.sockets >= max {
            return Err(Error::TooManyFiles);
        }
        counts.sockets += 1;
        Ok(())
    }

    /// Whether an open socket of this context has its shared part at this address.
    pub(super) fn has_socket(&self, shared: usize) -> bool {
        self.sockets.lock().contains_key(&shared)
    }

    pub(super) fn socket_opened(&self, shared: &Arc<Shared>) {
        self.sockets
            .lock()
            .insert(Arc::as_ptr(shared) as usize, Arc::downgrade(shared));
    }

    pub(super) fn socket_closed(&self, shared: &Arc<Shared>) {
        self.sockets.lock().remove(&(Arc::as_ptr(shared) as usize));
        self.add_lingering(shared);
        self.release_socket();
    }

    /// Takes back the count of [`admit_socket`](Self::admit_socket).
    pub(super) fn release_socket(&self) {
        self.change(|counts| counts.sockets -= 1);
    }

    pub(super) fn connection_opened(&self) {
        self.counts.lock().connections += 1;
    }

    pub(super) fn connection_finished(&self) {
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
    /// necessary.
    pub(super) fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>> {
        self.start_reactor(affinity).ok()
    }

    /// As [`reactor`](Self::reactor), with an error: [`Error::NoThread`] if the mask selects
    /// no thread, or the error of the system.
    pub(super) fn start_reactor(&self, affinity: u64) -> Result<Arc<Reactor>> {
        let mut reactors = self.reactors.lock();
        let Reactors { threads, fixed } = &mut *reactors;
        let options = fixed.get_or_insert_with(|| self.options.lock().clone());
        while threads.len() < usize::try_from(options.io_threads).unwrap_or(0) {
            let name = options.thread_name(&format!("IO/{}", threads.len()));
            let settings = ThreadSettings::of(options);
            threads.push(Reactor::start(name, options.spin, move || {
                settings.apply()
            })?);
        }
        let allowed = |index: usize| affinity == 0 || (index < 64 && affinity & (1 << index) != 0);
        let threads = reactors.threads.iter().enumerate();
        let best = threads
            .filter(|(index, _)| allowed(*index))
            .min_by_key(|(_, reactor)| reactor.load());
        best.map(|(_, reactor)| reactor.clone())
            .ok_or(Error::NoThread)
    }
}

/// The context options that concern the I/O threads.
struct ThreadSettings {
    cpus: Vec<i32>,
    policy: Option<i32>,
    priority: Option<i32>,
}

impl ThreadSettings {
    fn of(options: &ContextOptions) -> ThreadSettings {
        ThreadSettings {
            cpus: options.thread_affinity.iter().copied().collect(),
            policy: options.thread_sched_policy,
            priority: options.thread_priority,
        }
    }

    /// Applies the settings to the calling thread. One that the system refuses is ignored,
    /// unlike in libzmq, which aborts the process.
    fn apply(&self) {
        if !self.cpus.is_empty() {
            crate::sys::set_thread_affinity(&self.cpus);
        }
        if self.policy.is_some() || self.priority.is_some() {
            crate::sys::set_thread_scheduling(self.policy, self.priority);
        }
    }
}
