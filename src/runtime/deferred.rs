//! A socket's mail that must not wait for the application's next call, and work
//! that is too long for one.
//!
//! New peers are to hear what the socket subscribes to, whether its application
//! is in a call or not. And a million subscriptions that come in, or go with
//! their peer, are a second's work: calls on the socket do a slice of it each.
//! An I/O thread does the rest, some slices a millisecond, whenever the application
//! is not in the socket.

#![forbid(unsafe_code)]

use super::context::Core;
use super::shared::{Command, Shared};
use super::socket::Socket;
use crate::pattern::Pattern;
use crate::reactor::{After, Key, Reactor, Ready, Source};
use crate::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Weak};

/// What a socket's shared part knows of the I/O thread's care for it.
pub(super) struct DeferredWork {
    shared: Weak<Shared>,
    /// A [`DeferredWorker`] has yet to look at the mail.
    begun: AtomicBool,
    /// Looks that it goes on for after a backlog: what comes in by the hundred
    /// thousand does so in portions.
    retries: AtomicU32,
}

/// That many of them.
const RETRY_BUDGET: u32 = 200;

/// Looks that it has each millisecond.
const SLICES: u32 = 4;

impl DeferredWork {
    pub(super) fn new(shared: Weak<Shared>) -> DeferredWork {
        DeferredWork {
            shared,
            begun: AtomicBool::new(false),
            retries: AtomicU32::new(0),
        }
    }

    /// An I/O thread is to look at the mail that is there by now. Without one,
    /// it waits for the application.
    pub(super) fn begin(&self, core: &Core) {
        if self.begun.swap(true, Ordering::SeqCst) {
            return;
        }
        let Some(reactor) = core.reactor(0) else {
            return self.begun.store(false, Ordering::SeqCst);
        };
        let caretaker = Arc::new(DeferredWorker {
            shared: self.shared.clone(),
            reactor: Arc::downgrade(&reactor),
            key: OnceLock::new(),
        });
        let key = reactor.insert(caretaker.clone());
        let _ = caretaker.key.set(key);
        reactor.schedule(key);
    }

    /// Reads the mail. True if that was all; false to be called again: there is
    /// more, or the application is in the socket.
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
            return true; // the handle is another's now
        }
        let retries = self.retries.load(Ordering::Relaxed);
        let mail = shared.has_commands();
        let came = socket.process_mail() && retries > 0;
        let left = match socket.going_on || came {
            true => RETRY_BUDGET,
            false => retries.saturating_sub(1),
        };
        self.retries.store(left, Ordering::Relaxed);
        let more = left > 0;
        drop(guard);
        // What comes from here on gets a caretaker of its own.
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
    /// The pattern has a backlog: the next look at the mail does a slice of it.
    #[cold]
    pub(super) fn schedule_backlog(&mut self) {
        if !std::mem::replace(&mut self.going_on, true) {
            self.shared.send(Command::GoOn);
        }
        self.shared.deferred.begin(&self.core);
    }

    /// That slice.
    pub(super) fn go_on(&mut self) {
        self.going_on = false;
        self.with_pattern(|pattern, env| pattern.go_on(env));
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
        // Between two slices the application has a chance to come in.
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
