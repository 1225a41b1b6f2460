//! The connecting side: one attempt after the other, and the end of all attempts.
//!
//! Called by [`State::run`], under the connection's lock.

#![forbid(unsafe_code)]

use super::super::dialer::Attempt;
use super::super::event::kind;
use super::super::tunnel::{Tunnel, Wait};
use super::super::{Connection, work};
use super::{Phase, State};
use crate::sys::log::{Level, Text, enabled, log};
use crate::transport::ByteStream;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Time limit of an attempt while further addresses of the same host remain. The last
/// address has the system's limit, or `ZMQ_CONNECT_TIMEOUT`.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(2);

/// How long a socket may write to a pipe after it has read that no further attempt to
/// connect is made, at least. libzmq finds out why at its first attempt or at its second,
/// depending on which end is first to close, and until then takes what is sent: for the
/// longest pause between the two, by the default interval or a shorter one that is set.
/// After the first attempt it takes sends for 3 million ticks of the processor's clock.
pub(super) fn grace(reconnect_ivl: i32) -> Duration {
    2 * Duration::from_millis(reconnect_ivl.clamp(1, 100) as u64)
}

/// Flags of `ZMQ_RECONNECT_STOP`.
pub(super) mod reconnect_stop {
    pub const CONN_REFUSED: i32 = 1;
    pub const HANDSHAKE_FAILED: i32 = 2;
    pub const AFTER_DISCONNECT: i32 = 4;
}

impl State {
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

    pub(super) fn attempt(&mut self, conn: &Connection, attempt: Attempt) {
        self.deadline = None;
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        match attempt {
            Attempt::Resolving => {
                log!(Debug, origin, "looking up the host name of {at}");
                self.phase = Phase::Resolving;
            }
            Attempt::Failed(error) => {
                match self.phase {
                    Phase::Resolving => log!(Warn, origin, "the host name of {at} is not found"),
                    _ => log!(Warn, origin, "cannot connect to {at}: {error}"),
                }
                self.retry(conn);
            }
            Attempt::Dialing(dial) => {
                if dial.in_progress() {
                    self.event(conn, kind::CONNECT_DELAYED, libc::EINPROGRESS as u64);
                    self.deadline = self.dial_limit(conn).map(|limit| Instant::now() + limit);
                }
                let done = !dial.in_progress() || dial.is_connected();
                self.phase = Phase::Dialing(Box::new(dial));
                if done {
                    self.dialed(conn);
                }
            }
        }
    }

    /// The time limit for the address that is being tried, if there is one.
    fn dial_limit(&self, conn: &Connection) -> Option<Duration> {
        let limit = conn.settings.options.connect_timeout;
        let limit = (limit > 0).then(|| Duration::from_millis(limit as u64));
        match self.dialer.as_ref().is_some_and(|dialer| dialer.has_more()) {
            true => Some(limit.map_or(ONE_OF_SEVERAL, |limit| limit.min(ONE_OF_SEVERAL))),
            false => limit,
        }
    }

    /// The connect is complete: proceeds to the handshake or the proxy, or handles the
    /// error.
    pub(super) fn dialed(&mut self, conn: &Connection) {
        let dial = match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Dialing(dial) => dial,
            other => {
                self.phase = other;
                return;
            }
        };
        let fd = dial.as_raw_fd();
        self.forget_fd(conn, dial.as_fd());
        match dial.finish(&conn.settings.options) {
            Ok(stream) => match self.dialer.as_ref().and_then(|d| d.tunnel(&conn.settings)) {
                None => {
                    self.event(conn, kind::CONNECTED, fd as u64);
                    self.greet(conn, stream);
                }
                Some(Ok(tunnel)) => self.enter_tunnel(conn, stream, tunnel),
                Some(Err(_)) => self.dial_failed(conn, fd, 0),
            },
            Err(error) => self.dial_failed(conn, fd, error.raw_os_error().unwrap_or(0)),
        }
    }

    /// An attempt failed with errno `code` (0: the proxy refused), and its descriptor `fd`
    /// is closed. Tries the next address, or waits for the next attempt, or gives up.
    pub(super) fn dial_failed(&mut self, conn: &Connection, fd: i32, code: i32) {
        self.event(conn, kind::CLOSED, fd as u64);
        let Some(dialer) = &self.dialer else {
            return self.close(conn);
        };
        if enabled(Level::Info) {
            let (at, tried) = (Text(&self.endpoint), Text(dialer.tried()));
            let why = match code {
                0 => "the SOCKS proxy does not do it".into(),
                code => io::Error::from_raw_os_error(code).to_string(),
            };
            log!(
                Info,
                conn.link.origin(),
                "connecting to {at} ({tried}) failed: {why}"
            );
        }
        let flags = conn.settings.options.reconnect_stop;
        if code == libc::ECONNREFUSED && !dialer.has_more() {
            if flags & reconnect_stop::CONN_REFUSED != 0 && dialer.stops_if_refused() {
                return self.give_up(conn, false);
            }
            let stops = dialer.stops_after_disconnect() && self.closing.is_some();
            if flags & reconnect_stop::AFTER_DISCONNECT != 0 && stops {
                return self.close(conn);
            }
        }
        self.next_target(conn);
    }

    fn enter_tunnel(&mut self, conn: &Connection, stream: ByteStream, tunnel: Tunnel) {
        let options = &conn.settings.options;
        // ZMQ_CONNECT_TIMEOUT covers the connect and the proxy's answers. Without it the
        // proxy has as long as a silent peer has for the handshake.
        if options.connect_timeout <= 0 && options.handshake_ivl > 0 {
            let limit = Duration::from_millis(options.handshake_ivl as u64);
            self.deadline = Some(Instant::now() + limit);
        }
        self.phase = Phase::Proxy(stream, Box::new(tunnel), Wait::Writable);
        self.drive_tunnel(conn);
    }

    pub(super) fn drive_tunnel(&mut self, conn: &Connection) {
        let Phase::Proxy(stream, tunnel, wait) = &mut self.phase else {
            return;
        };
        match tunnel.drive(stream) {
            Ok(Wait::Nothing) => {}
            Ok(other) => {
                *wait = other;
                return;
            }
            Err(_) => {
                let fd = stream.as_raw_fd();
                self.drop_stream(conn);
                return self.dial_failed(conn, fd, 0);
            }
        }
        match std::mem::replace(&mut self.phase, Phase::Closed) {
            Phase::Proxy(stream, ..) => {
                self.event(conn, kind::CONNECTED, stream.as_raw_fd() as u64);
                self.greet(conn, stream);
            }
            other => self.phase = other,
        }
    }

    fn next_target(&mut self, conn: &Connection) {
        match &mut self.dialer {
            Some(dialer) if dialer.has_more() => {
                let attempt = dialer.next(&conn.settings);
                self.attempt(conn, attempt);
            }
            _ => self.retry(conn),
        }
    }

    /// Schedules the next attempt, unless `ZMQ_RECONNECT_IVL` forbids one.
    pub(super) fn retry(&mut self, conn: &Connection) {
        let random =
            self.begun.elapsed().subsec_nanos() ^ (conn as *const Connection as usize >> 4) as u32;
        let delay = self
            .dialer
            .as_mut()
            .and_then(|d| d.next_delay(&conn.settings, random));
        let Some(delay) = delay else {
            return self.rest(conn);
        };
        self.phase = Phase::Waiting;
        self.event(conn, kind::CONNECT_RETRIED, delay.as_millis() as u64);
        self.deadline = Some(Instant::now() + delay);
    }

    /// Makes no further attempt and notifies the socket, which may write to the pipe until
    /// it has read that, as in libzmq. `endpoint_stays`: see
    /// [`Membership::gave_up`](super::super::Membership::gave_up).
    pub(super) fn give_up(&mut self, conn: &Connection, endpoint_stays: bool) {
        self.rest(conn);
        if matches!(self.phase, Phase::Idle { .. }) {
            conn.link.gave_up(conn.me.clone(), endpoint_stays);
        }
    }

    /// Makes no further attempt. The pipe and the endpoint stay until the socket takes them
    /// back or replaces the connection.
    pub(super) fn rest(&mut self, conn: &Connection) {
        if self.closing.is_some() {
            return self.close(conn); // the socket does not take the pipe back
        }
        self.phase = Phase::Idle { reported: false };
        self.deadline = None;
        conn.over.store(true, Ordering::SeqCst);
        let (origin, at) = (conn.link.origin(), Text(&self.endpoint));
        log!(
            Info,
            origin,
            "no further attempt to connect to {at} is made"
        );
    }
}
