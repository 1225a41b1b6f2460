//! Work of a socket that is too long for one call of the application.
//!
//! A million subscriptions that come in, or go with their peer, are a second's
//! work. Calls on the socket do a slice of it each; an I/O thread does the rest,
//! a slice a millisecond, whenever the application is not in the socket.

#![forbid(unsafe_code)]

use super::shared::{Command, Shared};
use super::socket::{SOCKETS, Socket};
use crate::pattern::Pattern;
use crate::reactor::{After, Key, Reactor, Ready, Source};
use std::sync::{Arc, OnceLock, Weak};

/// What a socket knows of its backlog.
#[derive(Default)]
pub(super) struct State {
    /// The pattern has been told to go on with it.
    going_on: bool,
    /// An I/O thread goes on with it, too.
    looked_after: bool,
}

struct Backlog {
    /// The socket's handle.
    address: usize,
    shared: Weak<Shared>,
    reactor: Weak<Reactor>,
    key: OnceLock<Key>,
}

impl Socket {
    /// The pattern has a backlog: the next look at the mail does a slice of it.
    #[cold]
    pub(super) fn note_backlog(&mut self) {
        if !std::mem::replace(&mut self.backlog.going_on, true) {
            self.shared.tell(Command::GoOn);
        }
        if !std::mem::replace(&mut self.backlog.looked_after, true) {
            // Without an I/O thread, the application's calls do it all.
            if let Some(reactor) = self.core.reactor(0) {
                Backlog::start(self, &reactor);
            }
        }
    }

    /// That slice.
    pub(super) fn go_on(&mut self) {
        self.backlog.going_on = false;
        self.with_pattern(|pattern, env| pattern.go_on(env));
    }
}

impl Backlog {
    fn start(socket: &Socket, reactor: &Arc<Reactor>) {
        let backlog = Arc::new(Backlog {
            address: socket.address,
            shared: Arc::downgrade(&socket.shared),
            reactor: Arc::downgrade(reactor),
            key: OnceLock::new(),
        });
        let key = reactor.insert(backlog.clone());
        let _ = backlog.key.set(key);
        reactor.schedule(key);
    }

    /// Whether there is, or may be, more to do.
    fn go_on(&self) -> bool {
        let (Some(shared), Some(slot)) = (self.shared.upgrade(), SOCKETS.find(self.address)) else {
            return false;
        };
        let Some(mut guard) = slot.try_lock() else {
            return true;
        };
        let Some(socket) = guard.as_mut() else {
            return false;
        };
        if !Arc::ptr_eq(&socket.shared, &shared) {
            return false; // the handle is another's now
        }
        socket.process_mail();
        socket.backlog.looked_after = socket.backlog.going_on;
        socket.backlog.looked_after
    }

    fn end(&self) {
        if let (Some(reactor), Some(key)) = (self.reactor.upgrade(), self.key.get()) {
            reactor.remove(*key);
        }
    }
}

impl Source for Backlog {
    fn ready(self: Arc<Self>, _what: Ready) -> After {
        let tick = self.go_on();
        if !tick {
            self.end();
        }
        After {
            tick,
            ..After::default()
        }
    }

    fn fail(self: Arc<Self>) {
        self.end();
    }
}
