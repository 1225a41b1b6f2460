//! The part of a socket that other threads reach without its lock.
//!
//! Connections call it as their `Link`, from an I/O thread or from the application
//! thread that drives them, and pipes as their listener; the socket's own calls reach it under
//! the socket's lock. It has members, each with its own invariant: the [mail](mail::Mail), the
//! [peers](peers::Peers), the [caller-driven](caller_driven::CallerDriven) ones among them, the
//! [policy](policy::Policy) of waits, the [monitor](monitoring::Monitoring) and the
//! [deferred work](deferred::DeferredWork).

#![forbid(unsafe_code)]

mod caller_driven;
mod deferred;
mod event_fd;
mod mail;
mod monitoring;
mod peers;
mod policy;

pub use mail::{Command, Mail, Reader, Reading};

use super::context::{Core, Member, zap};
use crate::connection::engine::{self, Engine};
use crate::connection::{
    Authentication, Connection, Diagnostics, Driving, Event, Membership, OpenQuestion, ZapClient,
    ZapQuery,
};
use crate::io_policy::Wakeup;
use crate::pipe::{self, PipeEnd};
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::OnceLock;
use crate::sync::atomic::{AtomicI32, Ordering};
use crate::sys::log::Origin;
use caller_driven::CallerDriven;
use deferred::{DeferredWork, SLICES};
use monitoring::Monitoring;
use peers::Peers;
use policy::Policy;
use std::sync::{Arc, Weak};

/// What is fixed for the life of a socket.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// The socket's name in the log.
    pub origin: Origin,
    /// The socket sends its subscriptions to each new peer.
    pub subscribes: bool,
    /// Whether a peer's routing id is the first message of its pipe.
    pub wants_routing_id: bool,
}

/// See the module. One per socket; outlives it while connections linger.
pub struct Shared {
    /// The context's.
    pub core: Arc<Core>,
    /// What is fixed.
    pub identity: Identity,
    /// Commands, and the sleepers to be notified of them.
    pub mail: Mail,
    /// The connections.
    pub peers: Peers,
    /// Those of them that the application reads.
    pub caller_driven: CallerDriven,
    /// Whether waits spin, and what they have learned.
    pub policy: Policy,
    /// The monitor.
    pub monitor: Monitoring,
    /// For mail that must not wait for the application's next call.
    pub deferred: DeferredWork,
    /// `ZMQ_LINGER` at present, in milliseconds.
    pub linger: AtomicI32,
    me: Weak<Shared>,
}

impl Shared {
    /// For a new socket with this `ZMQ_LINGER`. `spins`: `ZMQ_FERRO_SPIN` of the context.
    pub fn new(core: Arc<Core>, identity: Identity, linger: i32, spins: bool) -> Arc<Shared> {
        Arc::new_cyclic(|me| Shared {
            core,
            identity,
            mail: Mail::new(identity.origin),
            peers: Peers::default(),
            caller_driven: CallerDriven::default(),
            policy: Policy::new(spins),
            monitor: Monitoring::default(),
            deferred: DeferredWork::default(),
            linger: AtomicI32::new(linger),
            me: me.clone(),
        })
    }

    /// The socket as its context sees it.
    pub fn as_member(self: &Arc<Self>) -> Arc<dyn Member> {
        self.clone()
    }

    /// Whether a check may find more than the last one, with no call in between. The loads
    /// come after the fence in `Locked::mark_quiet`; the stores precede `Mail::mark_ready`.
    pub fn may_be_ready(&self) -> bool {
        self.mail.has_commands()
            || self.caller_driven.is_any()
            || self.core.terminated.load(Ordering::SeqCst)
    }

    /// Before a wait: flushes some connections, and what this thread's sends left.
    pub fn push_outputs(&self) {
        // The last connection of any socket of the context whose output was left.
        if let Some(left) = Connection::last_unflushed() {
            if self.core.has_socket(left.link_address()) {
                left.push_output();
            }
        }
        self.peers.push_outputs();
    }

    /// Closes the socket; monitor and mailbox end now or with the last lingering connection.
    pub fn end(&self) {
        if self.peers.close() {
            self.end_for_good();
        }
    }

    /// Ends the monitor and drains the mailbox: a late pipe would keep its connection alive.
    fn end_for_good(&self) {
        self.monitor.set(None, &self.core.inproc);
        self.mail.end();
    }

    /// Schedules a worker in an I/O thread, unless one is due. Without an I/O thread the
    /// mail waits for the application's next call.
    fn begin_deferred_work(&self) {
        if !self.deferred.due.request() {
            return;
        }
        let Ok(reactor) = self.core.reactor(0) else {
            return self.deferred.due.begin();
        };
        let worker = Arc::new(Worker {
            shared: self.me.clone(),
            reactor: Arc::downgrade(&reactor),
            key: OnceLock::new(),
        });
        let key = reactor.insert(worker.clone());
        let _ = worker.key.set(key);
        reactor.schedule(key);
    }
}

/// The deferred work of a socket in an I/O thread.
struct Worker {
    shared: Weak<Shared>,
    reactor: Weak<Reactor>,
    key: OnceLock<Key>,
}

impl Worker {
    fn end(&self) {
        if let (Some(reactor), Some(key)) = (self.reactor.upgrade(), self.key.get()) {
            reactor.remove(*key);
        }
    }
}

impl Source for Worker {
    fn ready(self: Arc<Self>, _what: Ready) -> After {
        // The slot is unlocked between two slices, so that the application can lock it.
        let tick = self.shared.upgrade().is_some_and(|shared| {
            let work_off = |_| shared.deferred.work_off(&shared.mail);
            !(0..SLICES).any(work_off)
        });
        if !tick {
            self.end();
        }
        After {
            tick,
            ..After::default()
        }
    }

    fn fail(self: Arc<Self>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.deferred.due.begin();
        }
        self.end();
    }
}

impl Member for Shared {
    fn log_name(&self) -> Origin {
        self.identity.origin
    }

    fn shut_down(&self) {
        self.mail.send(Command::Check);
    }

    fn has_connections(&self) -> bool {
        self.peers.is_any()
    }

    fn unsent(&self) -> usize {
        self.peers.unsent()
    }

    fn join(&self, end: PipeEnd) {
        self.mail.send(Command::Attach(Box::new(end)));
    }

    fn subscribes(&self) -> bool {
        self.identity.subscribes
    }

    fn catch_up(&self) {
        // Not as a worker: the flag that one is due stays as it is.
        let had_mail = self.mail.has_commands();
        if matches!(self.mail.try_read(), Reading::Done { .. }) && had_mail {
            self.mail.request_check();
        }
    }

    fn defer_mail(&self) {
        self.begin_deferred_work();
    }
}

impl pipe::Listener for Shared {
    fn pipe_event(&self, token: usize) {
        self.mail.send(Command::Pipe(token));
    }
}

impl Membership for Shared {
    fn reactor(&self, affinity: u64) -> Option<Arc<Reactor>> {
        self.core.reactor(affinity).ok()
    }

    fn opened(&self, connection: Arc<dyn Engine>) {
        self.core.connection_opened();
        if self.peers.add(connection.clone()) {
            connection.stop();
        }
    }

    fn attach(&self, pipe: PipeEnd) {
        self.mail.send(Command::Attach(Box::new(pipe)));
        if self.identity.subscribes {
            self.begin_deferred_work();
        }
    }

    fn wants_routing_id(&self) -> bool {
        self.identity.wants_routing_id
    }

    fn linger(&self) -> i32 {
        self.linger.load(Ordering::Relaxed)
    }

    fn gave_up(&self, connection: Weak<dyn Engine>, endpoint_stays: bool) {
        self.mail.send(match endpoint_stays {
            true => Command::ConnectionOver(connection),
            false => Command::EndpointGone(connection),
        });
    }

    fn report_unread(&self, bytes: u64) {
        if self.peers.pending_disconnects.add(bytes) {
            self.begin_deferred_work();
        }
    }

    fn finished(&self, connection: &dyn Engine) {
        let address = engine::address(connection);
        let (removed, last) = self.peers.remove(address);
        if last {
            self.end_for_good();
        }
        self.caller_driven.remove(address);
        if removed {
            self.core.connection_finished();
        }
    }
}

impl Diagnostics for Shared {
    fn origin(&self) -> Origin {
        self.identity.origin
    }

    fn is_monitored(&self) -> bool {
        self.monitor.is_on()
    }

    fn event(&self, event: Event) {
        self.monitor.emit(&event, self.identity.origin);
    }
}

impl Driving for Shared {
    fn is_spinning(&self) -> bool {
        self.caller_driven.is_spinning()
    }

    fn add_caller_driven(&self, connection: Arc<dyn Engine>) {
        self.caller_driven.add(connection);
        self.mail.mark_ready();
        if self.mail.waiters.is_awaited() {
            self.mail.signal(); // a thread in `sleep_on_streams` has one more stream to watch
        }
    }

    fn activity(&self) -> u32 {
        self.caller_driven.activity()
    }

    fn count_wakeup(&self) -> Wakeup {
        self.policy.count_wakeup()
    }

    fn input_came(&self) {
        self.caller_driven.input_came();
    }

    fn defer_mail(&self) {
        self.begin_deferred_work();
    }
}

impl Authentication for Shared {
    fn zap(&self, query: ZapQuery, client: Arc<dyn ZapClient>) -> Option<Box<dyn OpenQuestion>> {
        zap::ask(&self.core.inproc, query, &client)
    }
}
