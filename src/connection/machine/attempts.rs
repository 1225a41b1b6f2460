//! The connecting side: one attempt after the other, and the end of all attempts.

#![forbid(unsafe_code)]

use super::action::Action;
use super::timers::Timer;
use super::tunnel::Tunnel;
use super::{Ending, Machine, Phase};
use std::time::{Duration, Instant};

/// Time limit of an attempt while further addresses of the same host remain. The last
/// address has the system's limit, or `ZMQ_CONNECT_TIMEOUT`.
const ONE_OF_SEVERAL: Duration = Duration::from_secs(2);

/// Flags of `ZMQ_RECONNECT_STOP`.
pub mod reconnect_stop {
    pub const CONN_REFUSED: i32 = 1;
    pub const HANDSHAKE_FAILED: i32 = 2;
    pub const AFTER_DISCONNECT: i32 = 4;
}

/// How long a socket may write to a pipe after it has read that no further attempt to
/// connect is made, at least. libzmq finds out why at its first attempt or at its second,
/// depending on which end is first to close, and until then takes what is sent: for the
/// longest pause between the two, by the default interval or a shorter one that is set.
/// After the first attempt it takes sends for 3 million ticks of the processor's clock.
fn grace(reconnect_ivl: i32) -> Duration {
    2 * Duration::from_millis(reconnect_ivl.clamp(1, 100) as u64)
}

impl Machine {
    /// Begins to connect.
    pub fn start(&mut self) {
        if self.is_new() {
            self.dial();
        }
    }

    pub(super) fn dial(&mut self) {
        if self.attempts.is_some() {
            self.enter(Phase::Dialing);
            self.ask(Action::Dial);
        }
    }

    /// The host name is being looked up. The result is reported as that of the attempt.
    pub fn resolving(&mut self) {
        self.enter(Phase::Resolving);
    }

    /// A connect has begun; `in_progress`: its end is awaited. `more`: other addresses remain.
    pub fn dialing(&mut self, in_progress: bool, more: bool, now: Instant) {
        self.enter(Phase::Dialing);
        let limit = limit(self.settings.options.connect_timeout);
        let limit = match more {
            true => Some(limit.map_or(ONE_OF_SEVERAL, |limit| limit.min(ONE_OF_SEVERAL))),
            false => limit,
        };
        if in_progress {
            self.timers
                .set(Timer::Connect, limit.map(|limit| now + limit));
        }
    }

    /// The stream is connected to a proxy.
    pub fn enter_tunnel(&mut self, tunnel: Tunnel, now: Instant) {
        let options = &self.settings.options;
        // ZMQ_CONNECT_TIMEOUT covers the connect and the proxy's answers. Without it the
        // proxy has as long as a silent peer has for the handshake.
        let by = match limit(options.handshake_ivl) {
            Some(limit) if options.connect_timeout <= 0 => Some(now + limit),
            _ => self.timers.at(Timer::Connect),
        };
        self.enter(Phase::Proxy(Box::new(tunnel)));
        self.timers.set(Timer::Connect, by);
    }

    /// Gives up the address that is being tried.
    pub(super) fn abandon_attempt(&mut self, code: i32) {
        self.enter(Phase::Dialing);
        self.ask(Action::AbandonAttempt(code));
    }

    /// The attempt at the last address has failed with errno `code` (0: the proxy refused), and
    /// its stream is closed.
    pub fn attempt_failed(&mut self, code: i32, now: Instant) {
        let Some(attempts) = &self.attempts else {
            return self.close();
        };
        let flags = self.settings.options.reconnect_stop;
        if code == libc::ECONNREFUSED {
            if flags & reconnect_stop::CONN_REFUSED != 0 && attempts.stops_if_refused {
                return self.give_up(false);
            }
            let stops = attempts.stops_after_disconnect && self.ending.is_some();
            if flags & reconnect_stop::AFTER_DISCONNECT != 0 && stops {
                return self.close();
            }
        }
        self.retry(now);
    }

    /// Schedules the next attempt, unless `ZMQ_RECONNECT_IVL` forbids one.
    pub fn retry(&mut self, now: Instant) {
        let options = &self.settings.options;
        let delay = self
            .attempts
            .as_mut()
            .and_then(|attempts| attempts.next_delay(options, now));
        let Some(delay) = delay else {
            return self.rest();
        };
        self.enter(Phase::Waiting);
        self.timers.set(Timer::Reconnect, Some(now + delay));
        self.ask(Action::RetryIn(delay));
    }

    /// Makes no further attempt and notifies the socket, which may write to the pipe until
    /// it has read that, as in libzmq.
    pub(super) fn give_up(&mut self, endpoint_stays: bool) {
        self.rest();
        if matches!(self.phase, Phase::Idle { .. }) {
            self.ask(Action::GaveUp { endpoint_stays });
        }
    }

    /// Makes no further attempt. The pipe and the endpoint stay until the socket takes them
    /// back or replaces the connection.
    fn rest(&mut self) {
        if self.ending.is_some() {
            return self.close(); // the socket does not take the pipe back
        }
        self.enter(Phase::Idle { reported: false });
        self.ask(Action::Rest);
    }

    /// The socket has read that no further attempt is made, see
    /// [`Engine::stop_soon`](super::super::Engine::stop_soon).
    pub fn stop_soon(&mut self, linger: i32, now: Instant) {
        match self.phase {
            Phase::Idle { reported: true } => self.begin_to_end(Ending::Lingering, linger, now),
            Phase::Idle { .. } => {
                let grace = grace(self.settings.options.reconnect_ivl);
                self.timers.set(Timer::Grace, Some(now + grace));
            }
            _ => {}
        }
    }

    /// Does not close from here: a send may have found the pipe open and be about to write.
    pub(super) fn grace_over(&mut self) {
        self.enter(Phase::Idle { reported: true });
        self.ask(Action::GaveUp {
            endpoint_stays: true,
        });
    }
}

/// A time limit in milliseconds as options have it: 0 and less is none.
pub(super) fn limit(millis: i32) -> Option<Duration> {
    (millis > 0).then(|| Duration::from_millis(millis as u64))
}
