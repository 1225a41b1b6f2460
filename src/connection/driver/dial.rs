//! The attempts to connect: lookups, connects, and the way to the first byte.

#![forbid(unsafe_code)]

use super::dialer::Attempt;
use super::wire::{Stream, Wire};
use super::{Connection, Driver, work};
use crate::connection::event::kind;
use crate::connection::machine::Peer;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::time::Instant;

impl Driver {
    pub(super) fn dial(&mut self, conn: &Connection) {
        let Some(dialer) = &mut self.dialer else {
            return;
        };
        let me = conn.me.clone();
        let wake = move || {
            if let Some(conn) = me.upgrade() {
                conn.reactor.schedule(conn.key());
                conn.service(work::TIMER);
            }
        };
        let attempt = dialer.start(&conn.settings, wake);
        self.attempt(conn, attempt);
    }

    /// Continues after a lookup, if one is under way and has an answer.
    pub(super) fn resume_lookup(&mut self, conn: &Connection) {
        if self.machine.is_resolving() {
            if let Some(attempt) = self.dialer.as_mut().and_then(|d| d.resume(&conn.settings)) {
                self.attempt(conn, attempt);
            }
        }
    }

    fn attempt(&mut self, conn: &Connection, attempt: Attempt) {
        let now = Instant::now();
        match attempt {
            Attempt::Resolving => {
                self.log_lookup(conn);
                self.machine.resolving();
            }
            Attempt::Failed(error) => {
                self.log_no_attempt(conn, &error);
                self.machine.retry(now);
            }
            Attempt::Dialing(dial) => {
                let in_progress = dial.in_progress();
                if in_progress {
                    self.event(conn, kind::CONNECT_DELAYED, libc::EINPROGRESS as u64);
                }
                let more = self.dialer.as_ref().is_some_and(|dialer| dialer.has_more());
                self.machine.dialing(in_progress, more, now);
                let done = !in_progress || dial.is_connected();
                self.wire = Wire::of(Stream::Dial(Box::new(dial)));
                if done {
                    self.dialed(conn);
                }
            }
        }
    }

    /// The connect that is under way is complete: proceeds to the handshake or the proxy, or
    /// handles the error.
    pub(super) fn dialed(&mut self, conn: &Connection) {
        let wire = std::mem::take(&mut self.wire);
        let Stream::Dial(dial) = wire.stream else {
            return;
        };
        let fd = dial.as_raw_fd();
        if wire.registered {
            conn.reactor.forget_fd(dial.as_fd());
        }
        let stream = match dial.finish(&conn.settings.options) {
            Ok(stream) => stream,
            Err(error) => return self.dial_failed(conn, fd, Some(&error)),
        };
        match self.dialer.as_ref().and_then(|d| d.tunnel(&conn.settings)) {
            Some(Err(_)) => {
                drop(stream);
                self.dial_failed(conn, fd, None);
            }
            Some(Ok(tunnel)) => {
                self.wire = Wire::of(Stream::Open(stream));
                self.machine.enter_tunnel(tunnel, Instant::now());
                self.flush(conn);
            }
            None => {
                self.wire = Wire::of(Stream::Open(stream));
                self.report_connected(conn);
                self.connected(conn);
            }
        }
    }

    /// The attempt has failed with errno `code` (0: the proxy refused).
    pub(super) fn attempt_failed(&mut self, conn: &Connection, code: i32) {
        let fd = self.wire.fd();
        self.release(conn);
        let error = (code != 0).then(|| io::Error::from_raw_os_error(code));
        self.dial_failed(conn, fd, error.as_ref());
    }

    /// As that, once the descriptor `fd` is closed. `None`: the proxy refused.
    fn dial_failed(&mut self, conn: &Connection, fd: i32, error: Option<&io::Error>) {
        self.event(conn, kind::CLOSED, fd as u64);
        self.log_attempt(conn, error);
        match &mut self.dialer {
            Some(dialer) if dialer.has_more() => {
                let attempt = dialer.next(&conn.settings);
                self.attempt(conn, attempt);
            }
            _ => {
                let code = error.map_or(0, |error| error.raw_os_error().unwrap_or(libc::EPROTO));
                self.machine.attempt_failed(code, Instant::now());
            }
        }
    }

    /// The stream is one to the peer.
    pub(super) fn connected(&mut self, conn: &Connection) {
        let Stream::Open(stream) = &self.wire.stream else {
            return;
        };
        let peer = Peer {
            address: stream.peer_address_text().into_bytes(),
            fd: stream.as_raw_fd(),
            pings: stream.has_pings(),
        };
        self.machine.connected(peer, Instant::now());
        self.flush(conn);
    }
}
