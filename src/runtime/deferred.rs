//! Deferred work: a socket's mail that must not wait for the application's next call, and
//! work that is too long for one call.
//!
//! A new peer must get the socket's subscriptions even if the application makes no call.
//! A million subscriptions that arrive, or end with their peer, are a second's work:
//! each call on the socket does a slice of that backlog. For both, [`DeferredWork::begin`]
//! registers a source with an I/O thread, which takes the socket's slot by `try_lock` up
//! to [`SLICES`] times a millisecond and reads the mail, while the application is not in
//! the socket. `begun` is set while there is such a source; it is cleared, then the mail
//! is rechecked, so that mail which arrives at the end is not lost.

#![forbid(unsafe_code)]

use super::context::Core;
use super::shared::{Command, Shared};
use super::socket::Socket;
use crate::pattern::Pattern;
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

/// The part of a socket's [`Shared`] that concerns its deferred work.
pub(super) struct DeferredWork {
    shared: Weak<Shared>,
    /// A [`DeferredWorker`] is scheduled that has yet to read the mail.
    begun: AtomicBool,
    /// The rest of the retry budget: checks that the worker still makes although the
    /// backlog is empty, because more of it tends to arrive in portions.
    retries: AtomicU32,
}

/// The retry budget after a backlog, in checks.
const RETRY_BUDGET: u32 = 200;

/// Checks per tick of the I/O thread, which is a millisecond.
const SLICES: u32 = 4;

impl DeferredWork {
    pub(super) fn new(shared: Weak<Shared>) -> DeferredWork {
        DeferredWork {
            shared,
            begun: AtomicBool::new(false),
            retries: AtomicU32::new(0),
        }
    }

    /// Schedules a worker in an I/O thread, unless there is one. Without an I/O thread the
    /// mail waits for the application's next call. The exchange of `begun` pairs with its
    /// store in [`work_off`](Self::work_off): if it is set, that worker will read the mail
    /// that the caller has sent.
    pub(super) fn begin(&self, core: &Core) {
        if self.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let Some(reactor) = core.reactor(0) else {
            return self.begun.store(false, Ordering::SeqCst);
        };
        let worker = Arc::new(DeferredWorker {
            shared: self.shared.clone(),
            reactor: Arc::downgrade(&reactor),
            key: OnceLock::new(),
        });
        let key = reactor.insert(worker.clone());
        let _ = worker.key.set(key);
        reactor.schedule(key);
    }

    /// Reads the mail once, if the socket's lock is free. True if nothing is left to do;
    /// false to be called again: there is more, or another thread holds the lock.
    pub(super) fn work_off(&self) -> bool {
        let Some(shared) = self.shared.upgrade() else {
            return true;
        };
        let Some(slot) = shared.slot() else {
            return true;
        };
        let Some(mut guard) = slot.try_lock() else {
            return false;
        };
        let Some(socket) = guard.as_mut() else {
            return true;
        };
        if !Arc::ptr_eq(&socket.shared, &shared) {
            return true; // closed, and the slot holds another socket
        }
        let retries = self.retries.load(Ordering::Relaxed);
        let mail = shared.has_commands();
        let came = socket.process_mail() && retries > 0;
        let left = match socket.backlog_scheduled || came {
            true => RETRY_BUDGET,
            false => retries.saturating_sub(1),
        };
        self.retries.store(left, Ordering::Relaxed);
        let more = left > 0;
        drop(guard);
        // Clear `begun`, then recheck: mail that arrives from here on either finds it
        // clear, and schedules a worker of its own, or is seen here.
        let done = !more && {
            self.begun.store(false, Ordering::SeqCst);
            !shared.has_commands() || self.begun.swap(true, Ordering::SeqCst)
        };
        if mail {
            shared.request_check();
        }
        done
    }
}

struct DeferredWorker {
    shared: Weak<Shared>,
    reactor: Weak<Reactor>,
    key: OnceLock<Key>,
}

impl Socket {
    /// Schedules the pattern's backlog: the next read of the mail does a slice of it.
    #[cold]
    pub(super) fn schedule_backlog(&mut self) {
        if !std::mem::replace(&mut self.backlog_scheduled, true) {
            self.shared.send(Command::Backlog);
        }
        self.shared.deferred.begin(&self.core);
    }

    /// Does a slice of the pattern's backlog.
    pub(super) fn continue_backlog(&mut self) {
        self.backlog_scheduled = false;
        self.with_pattern(|pattern, env| pattern.continue_backlog(env));
    }
}

impl DeferredWorker {
    fn end(&self) {
        if let (Some(reactor), Some(key)) = (self.reactor.upgrade(), self.key.get()) {
            reactor.remove(*key);
        }
    }
}

impl Source for DeferredWorker {
    fn ready(self: Arc<Self>, _what: Ready) -> After {
        // The slot is unlocked between two slices, so that the application can lock it.
        let tick = self
            .shared
            .upgrade()
            .is_some_and(|shared| !(0..SLICES).any(|_| shared.deferred.work_off()));
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
            shared.deferred.begun.store(false, Ordering::SeqCst);
        }
        self.end();
    }
}
