//! Liveness by PING and PONG (RFC 37), on virtual time.
//!
//! Times are milliseconds of any monotonic clock; only differences are used. The
//! connection feeds it input and timer events under its work lock and arms one
//! timer for [`Heartbeat::next_deadline`].

#![forbid(unsafe_code)]

/// What [`Heartbeat::on_timer`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatAction {
    /// Nothing is due.
    None,
    /// Send a PING with [`Heartbeat::ttl_ds`] and call `on_timer` again.
    SendPing,
    /// A timeout expired: close the connection and reconnect.
    Dead,
}

/// The three timers of a connection: the next PING to send, the deadline for an
/// answer to the last one, and the deadline that the TTL in the peer's PING sets.
///
/// Create it when the handshake is done, for 3.0 and 3.1 peers only.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    /// 0 when this side sends no PINGs.
    ivl_ms: u64,
    /// 0 when no answer is awaited.
    timeout_ms: u64,
    ttl_ds: u16,
    /// [`NEVER`] when the timer does not run, here and below. Not an `Option`: for the minimum
    /// of several, the compiler reads the payload of a `None`, which valgrind reports.
    next_ping: u64,
    answer_by: u64,
    traffic_by: u64,
}

/// Later than any time.
const NEVER: u64 = u64::MAX;

impl Heartbeat {
    /// Timers that start at `now`.
    ///
    /// * `ivl_ms`: `ZMQ_HEARTBEAT_IVL`; 0 sends no PINGs, so that only the TTL
    ///   of the peer's PINGs applies.
    /// * `timeout_ms`: `ZMQ_HEARTBEAT_TIMEOUT`; `None` (the option's -1) means
    ///   `ivl_ms`, 0 means no deadline for answers.
    /// * `ttl_ds`: `ZMQ_HEARTBEAT_TTL` in tenths of a second, sent in PINGs.
    pub fn new(ivl_ms: u64, timeout_ms: Option<u64>, ttl_ds: u16, now: u64) -> Self {
        Heartbeat {
            ivl_ms,
            timeout_ms: timeout_ms.unwrap_or(ivl_ms),
            ttl_ds,
            next_ping: match ivl_ms {
                0 => NEVER,
                _ => now.saturating_add(ivl_ms),
            },
            answer_by: NEVER,
            traffic_by: NEVER,
        }
    }

    /// The TTL for outgoing PINGs, in tenths of a second.
    pub fn ttl_ds(&self) -> u16 {
        self.ttl_ds
    }

    /// Records that a frame was received: any frame proves that the peer is alive.
    ///
    /// Call it before [`Heartbeat::on_ping`] for the same input, because it
    /// stops the timer that `on_ping` starts.
    #[inline]
    pub fn on_input(&mut self, _now: u64) {
        self.answer_by = NEVER;
        self.traffic_by = NEVER;
    }

    /// Records a PING of the peer: it is dead if it sends nothing for `ttl_ds`
    /// tenths of a second from `now`; 0 starts no timer.
    ///
    /// Deviates from libzmq, which computes this in 16 bits, so that 65.6 s
    /// become 64 ms.
    pub fn on_ping(&mut self, ttl_ds: u16, now: u64) {
        if ttl_ds > 0 && self.traffic_by == NEVER {
            self.traffic_by = now.saturating_add(u64::from(ttl_ds) * 100);
        }
    }

    /// When to call [`Heartbeat::on_timer`] next; `None` if no timer runs.
    pub fn next_deadline(&self) -> Option<u64> {
        let next = self.next_ping.min(self.answer_by).min(self.traffic_by);
        (next != NEVER).then_some(next)
    }

    /// Returns what is due at `now`. An early call returns [`HeartbeatAction::None`].
    pub fn on_timer(&mut self, now: u64) -> HeartbeatAction {
        let due = |deadline: u64| deadline != NEVER && deadline <= now;
        if due(self.answer_by) || due(self.traffic_by) {
            return HeartbeatAction::Dead;
        }
        if !due(self.next_ping) {
            return HeartbeatAction::None;
        }
        self.next_ping = now.saturating_add(self.ivl_ms);
        if self.timeout_ms > 0 && self.answer_by == NEVER {
            self.answer_by = now.saturating_add(self.timeout_ms);
        }
        HeartbeatAction::SendPing
    }
}

#[cfg(test)]
mod tests {
    use super::HeartbeatAction::{Dead, None as Nothing, SendPing};
    use super::*;

    #[test]
    fn the_ttl_to_send_is_the_one_that_was_set() {
        assert_eq!(Heartbeat::new(100, None, 655, 0).ttl_ds(), 655);
    }

    #[test]
    fn pings_go_out_each_interval_while_the_peer_answers() {
        let mut beat = Heartbeat::new(100, None, 0, 1_000);
        for round in 1..=5 {
            let at = 1_000 + round * 100;
            assert_eq!(beat.next_deadline(), Some(at));
            assert_eq!(beat.on_timer(at - 1), Nothing);
            assert_eq!(beat.on_timer(at), SendPing);
            assert_eq!(beat.on_timer(at), Nothing);
            beat.on_input(at + 1);
        }
    }

    #[test]
    fn a_silent_peer_is_dead_after_the_timeout() {
        let mut beat = Heartbeat::new(100, Some(30), 0, 0);
        assert_eq!(beat.on_timer(100), SendPing);
        assert_eq!(beat.next_deadline(), Some(130));
        assert_eq!(beat.on_timer(129), Nothing);
        assert_eq!(beat.on_timer(130), Dead);
    }

    #[test]
    fn the_timeout_defaults_to_the_interval_and_wins_over_the_next_ping() {
        let mut beat = Heartbeat::new(100, None, 0, 0);
        assert_eq!(beat.on_timer(100), SendPing);
        assert_eq!(beat.on_timer(200), Dead);
    }

    #[test]
    fn a_long_timeout_counts_from_the_first_unanswered_ping() {
        let mut beat = Heartbeat::new(100, Some(250), 0, 0);
        assert_eq!(beat.on_timer(100), SendPing);
        assert_eq!(beat.on_timer(200), SendPing);
        assert_eq!(beat.on_timer(300), SendPing);
        assert_eq!(beat.next_deadline(), Some(350));
        assert_eq!(beat.on_timer(350), Dead);
    }

    #[test]
    fn a_timeout_of_zero_never_kills() {
        let mut beat = Heartbeat::new(10, Some(0), 0, 0);
        for at in (10..1_000).step_by(10) {
            assert_eq!(beat.on_timer(at), SendPing);
        }
    }

    #[test]
    fn the_peers_ttl_is_watched_until_any_traffic() {
        let mut beat = Heartbeat::new(0, None, 0, 0);
        assert_eq!(beat.next_deadline(), None);
        beat.on_input(5);
        beat.on_ping(3, 5);
        assert_eq!(beat.next_deadline(), Some(305));
        beat.on_input(200);
        assert_eq!(beat.next_deadline(), None);
        assert_eq!(beat.on_timer(1_000), Nothing);
        beat.on_ping(1, 1_000);
        assert_eq!(beat.on_timer(1_099), Nothing);
        assert_eq!(beat.on_timer(1_100), Dead);
    }

    #[test]
    fn a_ttl_above_65_seconds_does_not_wrap() {
        let mut beat = Heartbeat::new(0, None, 0, 0);
        beat.on_ping(656, 0);
        assert_eq!(beat.next_deadline(), Some(65_600));
        let mut beat = Heartbeat::new(0, None, 0, 0);
        beat.on_ping(u16::MAX, 0);
        assert_eq!(beat.next_deadline(), Some(6_553_500));
    }

    #[test]
    fn a_ttl_of_zero_starts_no_watch() {
        let mut beat = Heartbeat::new(0, None, 0, 0);
        beat.on_ping(0, 0);
        assert_eq!(beat.next_deadline(), None);
    }
}
