//! The part of a socket that other threads reach without its lock: the mailbox, the
//! waiting threads, and the connections.
//!
//! Connections call it as their `Link`, from an I/O thread or from the application
//! thread that drives them, and pipes as their listener, without the socket's lock, under
//! which the socket's own calls drain the mailbox. Invariant: a command in the mailbox is
//! seen by the waiter's last check or wakes the waiter ([`Shared::signal`]).

#![forbid(unsafe_code)]

use super::context::Core;
use super::deferred::DeferredWork;
use super::disconnected::PendingDisconnects;
use super::eventfd::EventFd;
use super::monitor::Monitor;
use super::slots::Slot;
use super::socket::Socket;
use crate::abi::socket_type::SocketType;
use crate::connection::engine::{self, Engine};
use crate::connection::{
    Authentication, Connection, Diagnostics, Driving, Event, Membership, OpenQuestion, ZapClient,
    ZapQuery,
};
use crate::error::Result;
use crate::io_policy::tunables::STREAM_CHECK_TICKS;
use crate::io_policy::{Spin, Wakeup, WakeupRun};
use crate::pattern::{AnyPattern, Pattern};
use crate::pipe::{self, PipeEnd};
use crate::reactor::Reactor;
use crate::sync::mailbox::{Mailbox, Taken};
use crate::sync::parker::Parker;
use crate::sync::readiness::Readiness;
use crate::sync::{Mutex, OnceLock};
use crate::sys::cancel::Shield;
use crate::sys::log::{Origin, log};
use std::collections::HashMap;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence,
};
use std::sync::{Arc, Weak};
use std::time::Instant;

/// Commands that other threads send to a socket.
pub enum Command {
    /// The pipe of this number has events.
    Pipe(usize),
    /// A new pipe.
    Attach(Box<PipeEnd>),
    /// The pattern has a backlog.
    Backlog,
    /// The application is to check the socket: after shutdown, or after an unreported read
    /// of the mail ([`Shared::request_check`]).
    Check,
    /// This connection makes no further attempt, and its endpoint ends with it.
    /// (The weak pointer keeps its address from reuse.)
    EndpointGone(Weak<dyn Engine>),
    /// The same, but the endpoint stays until it is disconnected.
    ConnectionOver(Weak<dyn Engine>),
}

/// See the module. One per socket; outlives it while connections linger.
pub struct Shared {
    pub(super) core: Arc<Core>,
    /// The socket's name in the log.
    pub(super) origin: Origin,
    slot: OnceLock<&'static Slot<Socket>>,
    mailbox: Mailbox<Command>,
    waiters: Mutex<Vec<Arc<Parker>>>,
    waiting: AtomicBool,
    fd_is_broken: AtomicBool,
    /// `ZMQ_FD`: readable while the mailbox holds something.
    event_fd: OnceLock<Readiness<EventFd>>,
    connections: Mutex<HashMap<usize, Arc<dyn Engine>>>,
    caller_driven: Mutex<Vec<Arc<dyn Engine>>>,
    caller_driven_count: AtomicUsize,
    spinning: AtomicU32,
    activity: AtomicU32,
    wakeups: WakeupRun,
    /// When a call that does not wait last read the streams, in ticks.
    last_stream_check: AtomicU64,
    /// Reads that returned bytes, on all connections, modulo 2^32.
    inputs: AtomicU32,
    pub(super) linger: AtomicI32,
    wants_routing_id: bool,
    /// For mail that must not wait for the application's next call.
    pub(super) deferred: DeferredWork,
    /// The socket sends its subscriptions to each new peer.
    pub(super) subscribes: bool,
    /// Peers whose disconnect is still in the mailbox.
    pub(super) pending_disconnects: PendingDisconnects,
    /// Whether waits spin: `ZMQ_FERRO_SPIN` of the context, and what they have learned.
    pub(super) spin_policy: Spin,
    /// Set before the connections are stopped; one that opens later stops at once.
    stopping: AtomicBool,
    monitor: Mutex<Option<Arc<Monitor>>>,
    monitored: AtomicBool,
    /// `ZMQ_FERRO_MONITOR_DROPS`.
    monitor_drops: AtomicU64,
    /// The socket is closed; connections may still linger.
    closed: AtomicBool,
    born: Instant,
}

impl Shared {
    pub(super) fn new(
        core: Arc<Core>,
        origin: Origin,
        kind: SocketType,
        linger: i32,
        pattern: &AnyPattern,
        spin: bool,
    ) -> Arc<Shared> {
        Arc::new_cyclic(|me| Shared {
            deferred: DeferredWork::new(me.clone()),
            subscribes: kind.spec().subscribes,
            pending_disconnects: PendingDisconnects::default(),
            core,
            origin,
            slot: OnceLock::new(),
            mailbox: Mailbox::new(),
            waiters: Mutex::default(),
            waiting: AtomicBool::new(false),
            fd_is_broken: AtomicBool::new(false),
            event_fd: OnceLock::new(),
            connections: Mutex::default(),
            caller_driven: Mutex::default(),
            caller_driven_count: AtomicUsize::new(0),
            spinning: AtomicU32::new(0),
            activity: AtomicU32::new(0),
            wakeups: WakeupRun::default(),
            last_stream_check: AtomicU64::new(0),
            inputs: AtomicU32::new(0),
            linger: AtomicI32::new(linger),
            wants_routing_id: pattern.wants_routing_id(),
            spin_policy: Spin::new(spin),
            stopping: AtomicBool::new(false),
            monitor: Mutex::new(None),
            monitored: AtomicBool::new(false),
            monitor_drops: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            born: Instant::now(),
        })
    }

    /// Puts a command into the mailbox and wakes the threads that wait for the socket.
    pub fn send(&self, command: Command) {
        self.mailbox.push(command);
        self.signal();
    }

    /// Wakes the threads that wait for the socket, by parker or `ZMQ_FD`, after a change.
    pub fn signal(&self) {
        // Dekker: this thread changes the mailbox, fences, then loads `quiet` and `waiting`.
        // The other side stores `quiet` (`Slot::mark_quiet`) or `waiting` (`register`),
        // fences, then checks the mailbox. The descriptor has a gate of its own (`Readiness`).
        fence(Ordering::SeqCst);
        self.mark_ready();
        if self.waiting.load(Ordering::SeqCst) {
            // Unparked outside of the lock, which the woken thread takes in `unregister`.
            let waiters: smallvec::SmallVec<[Arc<Parker>; 4]> =
                self.waiters.lock().iter().cloned().collect();
            for parker in &waiters {
                parker.unpark();
            }
        }
        if let Some(fd) = self.event_fd.get() {
            if !fd.raise_if(|| self.has_commands()) {
                self.report_broken_fd();
            }
        }
    }

    /// Logs once that `ZMQ_FD` cannot be raised: the program closed or replaced it.
    #[cold]
    fn report_broken_fd(&self) {
        if !self.fd_is_broken.swap(true, Ordering::Relaxed) {
            log!(
                Error,
                self.origin,
                "ZMQ_FD cannot be signalled: the program has closed the descriptor"
            );
        }
    }

    /// Marks the socket's slot as no longer quiet, so that the next check is a full one.
    fn mark_ready(&self) {
        if let Some(slot) = self.slot() {
            slot.mark_ready();
        }
    }

    /// Sets the slot that the socket is in; once.
    pub(super) fn set_slot(&self, slot: &'static Slot<Socket>) {
        let _ = self.slot.set(slot);
    }

    /// The slot that the socket is, or was, in.
    pub(super) fn slot(&self) -> Option<&'static Slot<Socket>> {
        self.slot.get().copied()
    }

    /// Whether a check may find more than the last one, with no call in between. The loads
    /// come after the fence in `Slot::mark_quiet`; the stores precede `Slot::mark_ready`.
    pub(super) fn may_be_ready(&self) -> bool {
        self.has_commands()
            || self.caller_driven_count.load(Ordering::SeqCst) > 0
            || self.core.terminated.load(Ordering::SeqCst)
    }

    /// Whether commands wait.
    #[inline]
    pub fn has_commands(&self) -> bool {
        !self.mailbox.is_empty()
    }

    /// Takes all commands and lowers `ZMQ_FD`, under the socket's lock (one consumer).
    pub(super) fn take_commands(&self) -> Taken<Command> {
        match self.event_fd.get() {
            Some(fd) => fd.lower_and(|| self.mailbox.take()),
            None => self.mailbox.take(),
        }
    }

    /// The descriptor behind `ZMQ_FD`, made at the first call.
    pub fn event_fd(&self) -> Result<i32> {
        if let Some(fd) = self.event_fd.get() {
            return Ok(fd.descriptor().number());
        }
        let _shield = Shield::new();
        let fresh = Readiness::new(EventFd::new()?);
        let fd = self.event_fd.get_or_init(|| fresh);
        // For commands whose senders found no descriptor yet.
        fd.raise_if(|| self.has_commands());
        Ok(fd.descriptor().number())
    }

    /// Keeps `ZMQ_FD` readable after mail was read, until a call that reports readiness.
    pub(super) fn request_check(&self) {
        if self.has_event_fd() {
            self.send(Command::Check);
        }
    }

    /// Whether `ZMQ_FD` was asked for: an event loop of the application may watch it.
    pub(super) fn has_event_fd(&self) -> bool {
        self.event_fd.get().is_some()
    }

    /// Registers `parker` with [`signal`](Self::signal). The caller must recheck the socket
    /// before it parks: `waiting` is stored, then comes a fence, then that check, against
    /// the sender's push, fence and load of `waiting`.
    pub fn register(&self, parker: &Arc<Parker>) {
        let mut waiters = self.waiters.lock();
        waiters.push(parker.clone());
        self.waiting.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
    }

    /// Ends [`register`](Self::register).
    pub fn unregister(&self, parker: &Arc<Parker>) {
        let mut waiters = self.waiters.lock();
        if let Some(index) = waiters.iter().position(|p| Arc::ptr_eq(p, parker)) {
            waiters.swap_remove(index);
        }
        self.waiting.store(!waiters.is_empty(), Ordering::SeqCst);
    }

    /// Nanoseconds since the socket was made.
    pub(super) fn clock(&self) -> u64 {
        self.born.elapsed().as_nanos() as u64
    }

    /// Whether waits must not spin at present, because the CPU was oversubscribed.
    pub(super) fn is_backing_off(&self) -> bool {
        self.spin_policy.is_backing_off(|| self.clock())
    }

    /// Whether a wait that begins now spins.
    pub(super) fn begins_spin(&self) -> bool {
        self.spin_policy.begins(|| self.clock())
    }

    /// Begins (`on`) or ends a spin, during which connections become caller-driven.
    pub(super) fn spin(&self, on: bool) {
        if on {
            self.spinning.fetch_add(1, Ordering::SeqCst);
        } else {
            self.spinning.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// Reads the caller-driven connections from the calling thread. False if there are none.
    pub(super) fn drive_inputs(&self) -> bool {
        if self.caller_driven_count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        self.activity.fetch_add(1, Ordering::Relaxed);
        for connection in &self.caller_driven_connections() {
            connection.poll_input();
        }
        true
    }

    /// A copy of the list, which keeps its lock free while the connections are driven.
    fn caller_driven_connections(&self) -> smallvec::SmallVec<[Arc<dyn Engine>; 4]> {
        self.caller_driven.lock().iter().cloned().collect()
    }

    /// The descriptors of the caller-driven connections.
    #[cfg(not(loom))]
    pub(super) fn caller_driven_streams(&self) -> smallvec::SmallVec<[std::os::fd::RawFd; 4]> {
        let caller_driven = self.caller_driven_connections();
        caller_driven
            .iter()
            .filter_map(|one| one.stream_fd())
            .collect()
    }

    /// If there is one caller-driven connection and much of a long body is still to come on
    /// it: sleeps until its stream is readable, for a millisecond at most. True if it is.
    pub(super) fn sleep_on_long_body(&self) -> bool {
        let fd = match &self.caller_driven_connections()[..] {
            [one] => one.long_fd(),
            _ => None,
        };
        fd.is_some_and(|fd| crate::sys::is_ready_within(fd, libc::POLLIN, 1))
    }

    /// A counter that changes when bytes arrive on any connection.
    pub(super) fn inputs(&self) -> u32 {
        self.inputs.load(Ordering::Relaxed)
    }

    /// As [`drive_inputs`](Self::drive_inputs), once in [`STREAM_CHECK_TICKS`] at most: for
    /// loops of calls that do not wait, each of which would pay a system call.
    pub(super) fn drive_inputs_at_intervals(&self) -> bool {
        if self.caller_driven_count.load(Ordering::Relaxed) == 0 {
            return false;
        }
        let now = crate::sys::ticks();
        if now.wrapping_sub(self.last_stream_check.load(Ordering::Relaxed)) < STREAM_CHECK_TICKS {
            return false;
        }
        self.last_stream_check.store(now, Ordering::Relaxed);
        self.drive_inputs()
    }

    /// Hands all caller-driven connections to the I/O thread, which watches them again.
    pub(super) fn hand_to_io_thread(&self) {
        if self.caller_driven_count.load(Ordering::SeqCst) == 0 {
            return;
        }
        let caller_driven = std::mem::take(&mut *self.caller_driven.lock());
        self.caller_driven_count.store(0, Ordering::SeqCst);
        for connection in caller_driven {
            connection.hand_to_io_thread();
        }
    }

    /// Before a wait: flushes up to 16 connections, and what this thread's sends left.
    pub(super) fn push_outputs(&self) {
        // The last connection of any socket of the context whose output was left.
        if let Some(left) = Connection::last_unflushed() {
            if self.core.has_socket(left.link_address()) {
                left.push_output();
            }
        }
        let some: smallvec::SmallVec<[Arc<dyn Engine>; 16]> =
            self.connections.lock().values().take(16).cloned().collect();
        for connection in &some {
            connection.push_output();
        }
    }

    /// Reads up to 16 of the connections, caller-driven or not, with no socket locked.
    pub(super) fn settle_inputs(&self) {
        let some: smallvec::SmallVec<[Arc<dyn Engine>; 16]> =
            self.connections.lock().values().take(16).cloned().collect();
        for connection in &some {
            connection.settle();
        }
    }

    /// `ZMQ_FERRO_MONITOR_DROPS`.
    pub(super) fn drops(&self) -> u64 {
        self.monitor_drops.load(Ordering::Relaxed)
    }

    /// Installs a monitor in place of the present one, which is stopped.
    pub(super) fn set_monitor(&self, monitor: Option<Arc<Monitor>>) {
        self.monitored.store(monitor.is_some(), Ordering::Relaxed);
        let old = std::mem::replace(&mut *self.monitor.lock(), monitor);
        if let Some(old) = old {
            self.core.inproc.unbind_monitor(old.name());
            old.stop();
        }
    }

    /// Whether there are connections, lingering ones included.
    pub(super) fn has_connections(&self) -> bool {
        !self.connections.lock().is_empty()
    }

    /// About how many parts of messages the connections have yet to send.
    pub(super) fn unsent(&self) -> usize {
        let connections: Vec<_> = self.connections.lock().values().cloned().collect();
        connections
            .iter()
            .map(|connection| connection.unsent())
            .sum()
    }

    /// Closes the socket; monitor and mailbox end now or with the last lingering connection.
    pub(super) fn end(&self) {
        let connections = self.connections.lock();
        self.closed.store(true, Ordering::SeqCst);
        let idle = connections.is_empty();
        drop(connections);
        if idle {
            self.end_for_good();
        }
    }

    /// Ends the monitor and drains the mailbox: a late pipe would keep its connection alive.
    fn end_for_good(&self) {
        self.set_monitor(None);
        drop(self.mailbox.take());
    }

    /// Stops all connections: each sends what is queued, within the linger time, and ends.
    pub(super) fn stop_connections(&self) {
        let connections = self.connections.lock();
        self.stopping.store(true, Ordering::SeqCst);
        let all: Vec<_> = connections.values().cloned().collect();
        drop(connections);
        for connection in all {
            connection.stop();
        }
    }
}

impl pipe::Listener for Shared {
    fn pipe_event(&self, token: usize) {
        self.send(Command::Pipe(token));
    }
}

impl Membership for Shared {
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>> {
        self.core.reactor(affinity)
    }

    fn opened(&self, connection: Arc<dyn Engine>) {
        self.core.connection_opened();
        let mut connections = self.connections.lock();
        let late = self.stopping.load(Ordering::SeqCst);
        connections.insert(engine::address(&*connection), connection.clone());
        drop(connections);
        if late {
            // Accepted while the socket was closing; `stop_connections` did not see it.
            connection.stop();
        }
    }

    fn attach(&self, pipe: PipeEnd) {
        self.send(Command::Attach(Box::new(pipe)));
        if self.subscribes {
            self.defer_mail();
        }
    }

    fn wants_routing_id(&self) -> bool {
        self.wants_routing_id
    }

    fn linger(&self) -> i32 {
        self.linger.load(Ordering::Relaxed)
    }

    fn gave_up(&self, connection: Weak<dyn Engine>, endpoint_stays: bool) {
        self.send(match endpoint_stays {
            true => Command::ConnectionOver(connection),
            false => Command::EndpointGone(connection),
        });
    }

    fn report_unread(&self, bytes: u64) {
        self.pending_disconnects.add(bytes, self);
    }

    fn finished(&self, connection: &dyn Engine) {
        let key = engine::address(connection);
        let mut connections = self.connections.lock();
        let removed = connections.remove(&key);
        let last = connections.is_empty() && self.closed.load(Ordering::SeqCst);
        drop(connections);
        if last {
            self.end_for_good();
        }
        let mut caller_driven = self.caller_driven.lock();
        caller_driven.retain(|other| engine::address(&**other) != key);
        self.caller_driven_count
            .store(caller_driven.len(), Ordering::SeqCst);
        drop(caller_driven);
        if removed.is_some() {
            self.core.connection_finished();
        }
    }
}

impl Diagnostics for Shared {
    fn origin(&self) -> Origin {
        self.origin
    }

    fn is_monitored(&self) -> bool {
        self.monitored.load(Ordering::Relaxed)
    }

    fn event(&self, event: Event) {
        let monitor = self.monitor.lock();
        if monitor.as_ref().is_some_and(|m| !m.emit(&event))
            && self.monitor_drops.fetch_add(1, Ordering::Relaxed) == 0
        {
            log!(
                Warn,
                self.origin,
                "events dropped: the monitor's queue is full"
            );
        }
    }
}

impl Driving for Shared {
    fn is_spinning(&self) -> bool {
        self.spinning.load(Ordering::SeqCst) > 0
    }

    fn add_caller_driven(&self, connection: Arc<dyn Engine>) {
        let mut caller_driven = self.caller_driven.lock();
        caller_driven.retain(|other| !Arc::ptr_eq(other, &connection));
        if caller_driven.is_empty() {
            caller_driven.reserve_exact(1); // most sockets have no more
        }
        caller_driven.push(connection);
        self.caller_driven_count
            .store(caller_driven.len(), Ordering::SeqCst);
        drop(caller_driven);
        fence(Ordering::SeqCst);
        self.mark_ready();
        if self.waiting.load(Ordering::SeqCst) {
            self.signal(); // a thread in `sleep_on_streams` has one more stream to watch
        }
    }

    fn activity(&self) -> u32 {
        self.activity.load(Ordering::Relaxed)
    }

    fn count_wakeup(&self) -> Wakeup {
        self.wakeups.add(self.clock())
    }

    fn input_came(&self) {
        self.inputs.fetch_add(1, Ordering::Relaxed);
    }

    fn defer_mail(&self) {
        self.deferred.begin(&self.core);
    }
}

impl Authentication for Shared {
    fn zap(&self, query: ZapQuery, client: Arc<dyn ZapClient>) -> Option<Box<dyn OpenQuestion>> {
        super::zap::ask(&self.core, query, &client)
    }
}
