//! All deadlines of a connection, in one table.

#![forbid(unsafe_code)]

use std::time::Instant;

/// What a connection waits for. All but [`Timer::Linger`] belong to the phase and stop with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The time to send what is queued for a socket that has closed is over.
    Linger,
    /// The next attempt to connect starts.
    Reconnect,
    /// The attempt to connect is given up.
    Connect,
    /// The handshake is given up.
    Handshake,
    /// A peer that takes nothing more, or from which nothing is read, is checked.
    PeerCheck,
    /// A PING is due, or its answer is overdue.
    Heartbeat,
    /// The time is over in which the socket may still write to a connection that makes no
    /// further attempt.
    Grace,
}

impl Timer {
    /// All timers, in the order in which those due at the same time expire.
    pub const ALL: [Timer; 7] = [
        Timer::Linger,
        Timer::Reconnect,
        Timer::Connect,
        Timer::Handshake,
        Timer::PeerCheck,
        Timer::Heartbeat,
        Timer::Grace,
    ];
}

/// When each timer expires, and the earliest of these.
#[derive(Default)]
pub struct Timers {
    at: [Option<Instant>; Timer::ALL.len()],
    next: Option<Instant>,
}

impl Timers {
    /// When `timer` expires; `None` if it does not run.
    pub fn at(&self, timer: Timer) -> Option<Instant> {
        self.at[timer as usize]
    }

    /// Whether `timer` runs.
    pub fn runs(&self, timer: Timer) -> bool {
        self.at(timer).is_some()
    }

    /// Starts `timer` anew, or stops it.
    pub fn set(&mut self, timer: Timer, at: Option<Instant>) {
        if std::mem::replace(&mut self.at[timer as usize], at) != at {
            self.next = self.at.iter().flatten().min().copied();
        }
    }

    /// Stops all timers but `Linger`: the phase that they belong to has ended.
    pub fn end_phase(&mut self) {
        let linger = self.at(Timer::Linger);
        *self = Timers::default();
        self.set(Timer::Linger, linger);
    }

    /// The earliest expiry.
    pub fn next(&self) -> Option<Instant> {
        self.next
    }

    /// Stops `timer` if it is due at `now`, and returns whether it was.
    pub fn expire(&mut self, timer: Timer, now: Instant) -> bool {
        let due = self.at(timer).is_some_and(|at| now >= at);
        if due {
            self.set(timer, None);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn the_next_is_the_earliest_and_only_linger_outlives_a_phase() {
        let (now, second) = (Instant::now(), Duration::from_secs(1));
        let mut timers = Timers::default();
        assert_eq!(timers.next(), None);
        for (place, timer) in Timer::ALL.into_iter().enumerate().rev() {
            timers.set(timer, Some(now + second * (place as u32 + 1)));
            assert_eq!(timers.next(), timers.at(timer));
        }
        assert!(!timers.expire(Timer::Linger, now));
        assert!(timers.expire(Timer::Linger, now + second) && !timers.runs(Timer::Linger));
        assert_eq!(timers.next(), Some(now + 2 * second));
        timers.set(Timer::Linger, Some(now + 9 * second));
        timers.end_phase();
        assert_eq!(timers.next(), Some(now + 9 * second));
        assert!(Timer::ALL[1..].iter().all(|timer| !timers.runs(*timer)));
    }
}
