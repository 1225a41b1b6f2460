//! Giving way to other threads while polling, as long as nobody else is busy.
//!
//! `sched_yield` returns at once where only threads run that wait as well. Beside
//! threads that are busy it may take milliseconds, which is far longer than a
//! sleeper waits for its processor. So the first time that it takes long ends
//! polling for a while, in the whole process, and longer each time.

#![forbid(unsafe_code)]

use super::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Giving way took this long: somebody is busy.
const CROWDED: Duration = Duration::from_millis(2);
/// How long nobody polls then.
const REST_LEAST: Duration = Duration::from_millis(5);
const REST_MOST: Duration = Duration::from_millis(200);
/// When that is over, so many times as long must pass for the next one to be short
/// again.
const EASE: u64 = 8;

/// The last rest's length, and its end, in nanoseconds; 0 before the first.
static LENGTH: AtomicU64 = AtomicU64::new(0);
static END: AtomicU64 = AtomicU64::new(0);

fn clock(at: Instant) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    let start = *START.get_or_init(|| at);
    at.saturating_duration_since(start).as_nanos() as u64
}

/// Whether it was lately found that polling is the wrong way to wait.
#[inline]
pub fn is_crowded() -> bool {
    let end = END.load(Ordering::Relaxed);
    end != 0 && clock(Instant::now()) < end
}

/// Lets other threads run, from `now` on. False if polling is to end: that took
/// long.
pub fn give_way(now: Instant) -> bool {
    std::thread::yield_now();
    let then = Instant::now();
    if then - now < CROWDED {
        return true;
    }
    rest(clock(then));
    false
}

/// Threads that do this at once may overwrite each other's rest, by as long a one.
#[cold]
fn rest(now: u64) {
    let (least, most) = (REST_LEAST.as_nanos() as u64, REST_MOST.as_nanos() as u64);
    let last = LENGTH.load(Ordering::Relaxed);
    let calm = now.saturating_sub(END.load(Ordering::Relaxed));
    let length = match calm > EASE * last {
        true => least,
        false => (2 * last).clamp(least, most),
    };
    LENGTH.store(length, Ordering::Relaxed);
    END.store(now + length, Ordering::Relaxed);
}
