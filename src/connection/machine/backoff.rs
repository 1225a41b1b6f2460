//! The back-off between attempts to connect.

#![forbid(unsafe_code)]

use crate::options::Options;
use std::time::{Duration, Instant};

/// What the connecting side keeps between attempts.
#[derive(Debug)]
pub struct Attempts {
    /// `ZMQ_RECONNECT_STOP_CONN_REFUSED` applies.
    pub stops_if_refused: bool,
    /// `ZMQ_RECONNECT_STOP_AFTER_DISCONNECT` applies.
    pub stops_after_disconnect: bool,
    /// Sources of the jitter.
    pub seed: u32,
    pub created: Instant,
    /// Current back-off in milliseconds; `None` after a success.
    pub delay: Option<i32>,
    /// The routing id of the last peer, if the socket wants to know it.
    pub peer_id: Option<Vec<u8>>,
}

impl Attempts {
    /// The back-off before the next attempt; `None` if `ZMQ_RECONNECT_IVL` (-1 or 0)
    /// forbids it. It doubles up to `ZMQ_RECONNECT_IVL_MAX`; without a maximum there is jitter.
    pub(super) fn next_delay(&mut self, options: &Options, now: Instant) -> Option<Duration> {
        let (base, most) = (options.reconnect_ivl, options.reconnect_ivl_max);
        if base <= 0 {
            return None;
        }
        let millis = if most > 0 {
            let doubled = self.delay.map_or(base, |delay| delay.saturating_mul(2));
            let delay = doubled.min(most.max(base));
            self.delay = Some(delay);
            delay
        } else {
            let age = now.saturating_duration_since(self.created);
            let random = age.subsec_nanos() ^ self.seed;
            base.saturating_add((random % base as u32) as i32)
        };
        Some(Duration::from_millis(millis as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::socket_type::SocketType;
    use crate::options::ContextOptions;

    fn delays(base: i32, most: i32) -> Vec<Option<u64>> {
        let mut options = Options::new(SocketType::Dealer, &ContextOptions::default());
        options.reconnect_ivl = base;
        options.reconnect_ivl_max = most;
        let now = Instant::now();
        let mut attempts = Attempts {
            stops_if_refused: true,
            stops_after_disconnect: false,
            seed: 7,
            created: now,
            delay: None,
            peer_id: None,
        };
        let mut next = || {
            let delay = attempts.next_delay(&options, now);
            delay.map(|delay| delay.as_millis() as u64)
        };
        (0..4).map(|_| next()).collect()
    }

    #[test]
    fn delays_double_up_to_the_cap_or_jitter() {
        assert_eq!(delays(100, 0), [Some(107); 4]);
        assert_eq!(
            delays(100, 300),
            [Some(100), Some(200), Some(300), Some(300)]
        );
        assert_eq!(delays(100, 50), [Some(100); 4]);
        assert_eq!(delays(0, 50), [None; 4]);
        assert_eq!(delays(-1, 0), [None; 4]);
    }
}
