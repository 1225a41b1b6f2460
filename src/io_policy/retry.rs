//! How long a sending thread keeps on writing a long message itself.

#![forbid(unsafe_code)]

use super::tunables::{RETRY_BUDGET, RETRY_BUDGET_PER_BYTE};
use std::time::Duration;

/// The budget of one send. Bytes are counted modulo 2^32, since the stream began.
#[derive(Clone, Copy, Debug)]
pub struct RetryBudget {
    first: u32,
}

impl RetryBudget {
    /// A send begins when the stream has taken so many bytes.
    pub fn new(written: u32) -> RetryBudget {
        RetryBudget { first: written }
    }

    /// Whether the sending thread keeps on writing, `elapsed` after its send began. `stuck` is
    /// the value of `written` at the last wait in which the peer read nothing: until the peer
    /// has read something since, no thread waits for it.
    pub fn lasts(&self, elapsed: Duration, written: u32, stuck: u32) -> bool {
        let earned = RETRY_BUDGET_PER_BYTE * written.wrapping_sub(self.first);
        stuck != written && elapsed < RETRY_BUDGET + earned
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn each_byte_buys_time() {
        let budget = RetryBudget::new(u32::MAX - 9);
        let none = u32::MAX - 9;
        let stuck = 7;
        assert!(budget.lasts(RETRY_BUDGET - Duration::from_nanos(1), none, stuck));
        assert!(!budget.lasts(RETRY_BUDGET, none, stuck));
        let million = none.wrapping_add(1_000_000);
        let later = RETRY_BUDGET + Duration::from_millis(1);
        assert!(budget.lasts(later - Duration::from_nanos(1), million, stuck));
        assert!(!budget.lasts(later, million, stuck));
    }

    #[test]
    fn a_peer_that_read_nothing_is_not_waited_for() {
        let budget = RetryBudget::new(0);
        assert!(!budget.lasts(Duration::ZERO, 5, 5));
        assert!(budget.lasts(Duration::ZERO, 6, 5));
    }
}
