//! Chance, and threads that hand their work on.

#![forbid(unsafe_code)]

use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Splitmix64.
#[derive(Clone)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Now and then a pause, seldom a long one.
    pub fn pause(&mut self) {
        match self.below(2048) {
            0..32 => thread::sleep(Duration::from_micros(self.below(200))),
            32..34 => thread::sleep(Duration::from_millis(self.below(5))),
            34..64 => thread::yield_now(),
            _ => {}
        }
    }
}

/// Repeats `step` until it answers false, on one thread after the other.
pub fn travel(
    mut random: Random,
    mut step: impl FnMut() -> bool + Send + 'static,
) -> JoinHandle<()> {
    thread::spawn(move || {
        loop {
            let steps = 1 + random.below(300);
            let leg = thread::spawn(move || {
                let more = (0..steps).all(|_| step());
                (step, more)
            });
            let (back, more) = leg.join().expect("a leg of a journey failed");
            step = back;
            if !more {
                return;
            }
        }
    })
}

pub fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        thread.join().expect("a thread failed");
    }
}
