//! How much memory messages use, and the end of a burst.
//!
//! The C library keeps much of what is freed, in pages between what is not. After a burst, when
//! [`BURST`] bytes less are in use than were, a thread is started that waits until use has stayed
//! low for [`PAUSE`], frees kept areas, has the C library trim its heaps, and ends. No other thread
//! waits for it, and it does not act during a continuing stream, however uneven.
//!
//! Threads count what they allocate and free, and report it in steps of [`GRAIN`]. At most one such
//! thread runs per process, see [`Memory::watching`].

#![forbid(unsafe_code)]

use super::kept::Kept;
use crate::sync::Mutex;
use crate::sync::local::thread_cell;
use crate::sync::parker::{Parker, Wake};
use crate::sys;
use std::sync::Arc;
// Not from sync::atomic: a static, which loom's types cannot be in.
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A thread reports what it allocated or freed when the sum reaches this, in bytes.
const GRAIN: isize = 64 * 1024;
/// What counts as a burst, in bytes.
const BURST: isize = 16 * 1024 * 1024;
/// Memory is not trimmed yet while this many bytes are freed between two checks, for at most so
/// many checks.
const RESTLESS: isize = 1024 * 1024;
const FALLING_MAX: u32 = 4;
/// How long a burst must be over.
const PAUSE: Duration = Duration::from_secs(1);
/// Stack of the thread, in bytes.
const STACK: usize = 64 * 1024;

/// The memory of messages in this process.
pub(super) static MEMORY: Memory = Memory::new(PAUSE);

/// How much memory is in use, what is kept for later, and the thread that ends a burst.
pub(super) struct Memory {
    /// Bytes in use, the peak since memory was last trimmed, and the peak since the thread's last
    /// check.
    in_use: AtomicIsize,
    most: AtomicIsize,
    most_lately: AtomicIsize,
    /// The id of the process whose thread is running, or 0. (A forked child has no such thread.)
    ///
    /// A thread that reports changes the counters, then exchanges this; if the thread is running,
    /// the report is left to it. The thread stores 0, then rechecks the counters before it ends.
    watching: AtomicU32,
    /// The thread that was started last. Only try-locked: in a forked child it may have been left
    /// locked by a thread of the parent.
    watcher: Mutex<Option<Watcher>>,
    /// The process ends, and starts no more threads.
    ending: AtomicBool,
    /// [`PAUSE`], except in tests.
    pause: Duration,
    /// Areas for the next bodies, see `recycle`.
    pub(super) kept: Mutex<Kept>,
}

struct Watcher {
    thread: JoinHandle<()>,
    process: u32,
    /// Ends the thread's pause, and the thread.
    parker: Arc<Parker>,
}

thread_cell! {
    /// Bytes that this thread has not reported yet.
    static CHANGE: isize = 0;
}

/// Counts allocated bytes.
#[inline]
pub(crate) fn took(bytes: usize) {
    change(bytes as isize);
}

/// Counts freed bytes.
#[inline]
pub(crate) fn gave_back(bytes: usize) {
    change(-(bytes as isize));
}

#[inline]
fn change(bytes: isize) {
    CHANGE.with(|change| {
        let sum = change.get() + bytes;
        change.set(sum);
        if sum.abs() >= GRAIN {
            change.set(0);
            MEMORY.report(sum);
        }
    });
}

impl Memory {
    pub(super) const fn new(pause: Duration) -> Memory {
        Memory {
            in_use: AtomicIsize::new(0),
            most: AtomicIsize::new(0),
            most_lately: AtomicIsize::new(0),
            watching: AtomicU32::new(0),
            watcher: Mutex::new(None),
            ending: AtomicBool::new(false),
            pause,
            kept: Mutex::new(Kept::new()),
        }
    }

    #[cold]
    pub(super) fn report(&'static self, change: isize) {
        let in_use = self.in_use.fetch_add(change, Ordering::Relaxed) + change;
        if change > 0 {
            for most in [&self.most, &self.most_lately] {
                if most.load(Ordering::Relaxed) < in_use {
                    most.fetch_max(in_use, Ordering::Relaxed);
                }
            }
        } else if self.most.load(Ordering::Relaxed) - in_use >= BURST {
            let _ = self.watch(); // without a thread there is no trimming
        }
    }

    /// How many bytes less than at the peak are in use, if `more` bytes more were.
    pub(super) fn below_peak(&self, more: usize) -> usize {
        let in_use = self
            .in_use
            .load(Ordering::Relaxed)
            .saturating_add_unsigned(more);
        usize::try_from(self.most.load(Ordering::Relaxed) - in_use).unwrap_or(0)
    }

    /// Starts the thread, unless it is running. False if it cannot be started.
    pub(super) fn watch(&'static self) -> bool {
        if self.ending.load(Ordering::Relaxed) {
            return false;
        }
        if !self.claim() {
            return true;
        }
        let parker = Arc::new(Parker::new());
        let its = parker.clone();
        let thread = std::thread::Builder::new().name("ZMQ-memory".into());
        let thread = thread.stack_size(STACK);
        match (
            thread.spawn(move || self.wait_and_trim(&its)),
            self.watcher.try_lock(),
        ) {
            (Ok(thread), Some(mut watcher)) => {
                *watcher = Some(Watcher {
                    thread,
                    process: std::process::id(),
                    parker,
                });
            }
            (Ok(_), None) => {}
            (Err(_), _) => {
                self.watching.store(0, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// True for the first call in this process since `watching` was 0.
    fn claim(&self) -> bool {
        let process = std::process::id();
        self.watching.swap(process, Ordering::SeqCst) != process
    }

    /// Whether the thread has something to wait for.
    fn is_needed(&self) -> bool {
        self.most.load(Ordering::SeqCst) - self.in_use.load(Ordering::SeqCst) >= BURST
            || self.keeps_much()
    }

    /// Called when the process ends: ends the thread and joins it.
    pub(super) fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        let Some(mut watcher) = self.watcher.try_lock() else {
            return;
        };
        // Another process' thread stays there: it is neither joined nor detached here.
        let own = watcher.take_if(|watcher| watcher.process == std::process::id());
        drop(watcher);
        if let Some(own) = own {
            own.parker.unpark();
            let _ = own.thread.join();
        }
    }

    /// The thread.
    fn wait_and_trim(&self, parker: &Parker) {
        sys::block_signals();
        let pause = || parker.park(Some(Instant::now() + self.pause)) != Wake::Notified;
        if self.outlasts_burst(pause) {
            self.trim();
            sys::trim_memory();
        }
    }

    /// Returns true once use has stayed low after a burst, and false if there is nothing to wait
    /// for or `pause` returned false. `pause` takes [`PAUSE`], and returns false if the process
    /// ends.
    fn outlasts_burst(&self, mut pause: impl FnMut() -> bool) -> bool {
        let mut falling = 0;
        loop {
            self.most_lately
                .store(self.in_use.load(Ordering::Relaxed), Ordering::Relaxed);
            if !pause() {
                return false;
            }
            self.give_back_unused();
            if !self.is_needed() && self.resign() {
                return false;
            }
            if self.is_low(&mut falling) {
                return true;
            }
        }
    }

    /// Called before the thread ends. False if it has to stay: a report that came before this store
    /// was left to it.
    fn resign(&self) -> bool {
        self.watching.store(0, Ordering::SeqCst);
        !self.is_needed() || !self.claim()
    }

    /// Whether use has been low since the last check, and is no longer falling. `falling` counts
    /// the checks at which it was low.
    fn is_low(&self, falling: &mut u32) -> bool {
        let lately = self.most_lately.load(Ordering::Relaxed);
        if self.most.load(Ordering::Relaxed) - lately < BURST / 2 {
            return false;
        }
        *falling += 1;
        lately - self.in_use.load(Ordering::Relaxed) < RESTLESS || *falling > FALLING_MAX
    }

    /// Ends the burst, and frees the kept areas.
    fn trim(&self) {
        self.most
            .store(self.in_use.load(Ordering::Relaxed), Ordering::Relaxed);
        // From here on the next burst starts a thread of its own.
        self.watching.store(0, Ordering::Relaxed);
        self.forget();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::message::kept::SPARE;
    use crate::message::{Block, Msg};

    /// Numbers of [`Memory`]: in use, peak, peak since the last check.
    fn numbers(memory: &Memory) -> [isize; 3] {
        [&memory.in_use, &memory.most, &memory.most_lately]
            .map(|number| number.load(Ordering::Relaxed))
    }

    fn set(memory: &Memory, numbers: [isize; 3]) {
        memory.in_use.store(numbers[0], Ordering::Relaxed);
        memory.most.store(numbers[1], Ordering::Relaxed);
        memory.most_lately.store(numbers[2], Ordering::Relaxed);
    }

    fn is_watched(memory: &Memory) -> bool {
        memory.watching.load(Ordering::Relaxed) == std::process::id()
    }

    /// A thread of its own has not counted anything yet.
    fn in_a_thread(test: fn()) {
        std::thread::spawn(test).join().unwrap();
    }

    fn unreported() -> isize {
        CHANGE.with(|change| change.get()).unwrap()
    }

    #[test]
    fn a_thread_counts_and_reports_in_steps() {
        in_a_thread(|| {
            took(10);
            took(GRAIN as usize - 11);
            assert_eq!(unreported(), GRAIN - 1);
            took(1);
            assert_eq!(unreported(), 0);
            gave_back(GRAIN as usize - 2);
            assert_eq!(unreported(), 2 - GRAIN);
            took(3);
            gave_back(4);
            assert_eq!(unreported(), 1 - GRAIN);
            gave_back(1);
            assert_eq!(unreported(), 0);
        });
    }

    #[test]
    fn bodies_and_blocks_count_until_they_are_freed() {
        in_a_thread(|| {
            let mut msg = Msg::copy_from(&[7; 1000]).unwrap();
            let size = unreported();
            assert!((1000..1200).contains(&size));
            let copy = msg.share();
            drop(msg);
            assert_eq!(unreported(), size);
            drop(copy);
            assert_eq!(unreported(), 0);
            let mut block = Block::new(1000).unwrap();
            assert!(block.room(0).put(&[7; 1000]));
            let slice = Msg::slice(&mut block, 0, 500);
            drop(block);
            assert_eq!(unreported(), 1000);
            drop(slice);
            assert_eq!(unreported(), 0);
        });
    }

    #[test]
    fn the_peak_is_the_most_since_memory_was_trimmed() {
        static MEMORY: Memory = Memory::new(PAUSE);
        for (change, expected) in [
            (100, [100, 100, 100]),
            (-40, [60, 100, 100]),
            (20, [80, 100, 100]),
            (30, [110, 110, 110]),
            (-100, [10, 110, 110]),
        ] {
            MEMORY.report(change);
            assert_eq!(numbers(&MEMORY), expected);
        }
        assert_eq!(
            [0, 99, 100, 101].map(|more| MEMORY.below_peak(more)),
            [100, 1, 0, 0]
        );
        assert_eq!(MEMORY.below_peak(usize::MAX), 0);
        MEMORY.most_lately.store(20, Ordering::Relaxed);
        MEMORY.report(20);
        assert_eq!(numbers(&MEMORY), [30, 110, 30]);
        MEMORY.trim();
        assert_eq!(numbers(&MEMORY)[..2], [30, 30]);
    }

    #[test]
    fn one_thread_is_started_when_a_burst_has_ended() {
        static MEMORY: Memory = Memory::new(Duration::from_secs(3600));
        MEMORY.report(2 * BURST);
        MEMORY.report(1 - BURST);
        assert!(!is_watched(&MEMORY), "a byte too few");
        // As long as a thread is running, there is no other.
        assert!(MEMORY.claim() && !MEMORY.claim());
        MEMORY.report(-1);
        assert!(MEMORY.watch() && MEMORY.watcher.lock().is_none());
        MEMORY.report(-1);
        MEMORY.watching.store(0, Ordering::Relaxed);
        MEMORY.report(1);
        assert!(!is_watched(&MEMORY), "use is growing");
        MEMORY.report(-1);
        assert!(is_watched(&MEMORY) && MEMORY.watcher.lock().is_some());
        MEMORY.end();
        assert!(MEMORY.watcher.lock().is_none());
        assert!(!MEMORY.watch(), "the process ends");
        assert_eq!(numbers(&MEMORY)[1], 2 * BURST, "its pause has not passed");
    }

    #[test]
    fn the_thread_pauses_and_then_ends_the_burst() {
        static MEMORY: Memory = Memory::new(Duration::from_millis(5));
        set(&MEMORY, [0, BURST, 0]);
        let start = Instant::now();
        assert!(MEMORY.watch());
        let watcher = MEMORY.watcher.lock().take().unwrap();
        watcher.thread.join().unwrap();
        assert!(start.elapsed() >= MEMORY.pause);
        assert_eq!(numbers(&MEMORY), [0, 0, 0]);
        assert!(!is_watched(&MEMORY));
    }

    #[test]
    fn the_end_of_a_process_joins_its_own_thread_only() {
        for own in [true, false] {
            let memory = Memory::new(PAUSE);
            let parker = Arc::new(Parker::new());
            let ended = Arc::new(AtomicBool::new(false));
            let (its, flag) = (parker.clone(), ended.clone());
            let thread = std::thread::spawn(move || {
                while its.park(None) != Wake::Notified {}
                flag.store(true, Ordering::SeqCst);
            });
            *memory.watcher.lock() = Some(Watcher {
                thread,
                process: std::process::id().wrapping_add(u32::from(!own)),
                parker: parker.clone(),
            });
            memory.end();
            assert_eq!(ended.load(Ordering::SeqCst), own);
            let left = memory.watcher.lock().take();
            assert_eq!(left.is_some(), !own);
            if let Some(left) = left {
                parker.unpark();
                left.thread.join().unwrap();
            }
        }
    }

    /// How many seconds the thread waits, and whether it trims then, if use changes so in each of
    /// these seconds.
    fn wait(memory: &'static Memory, changes: &[&[isize]]) -> (usize, bool) {
        memory.claim();
        let mut seconds = 0;
        let trims = memory.outlasts_burst(|| {
            seconds += 1;
            let Some(changes) = changes.get(seconds - 1) else {
                return false;
            };
            changes.iter().for_each(|by| memory.report(*by));
            true
        });
        (seconds, trims)
    }

    #[test]
    fn memory_is_trimmed_when_use_stays_low() {
        static MEMORY: Memory = Memory::new(PAUSE);
        let from = |in_use, most, changes: &[&[isize]]| {
            set(&MEMORY, [in_use, most, 0]);
            wait(&MEMORY, changes)
        };
        assert_eq!(from(0, BURST, &[&[]]), (1, true));
        assert!(is_watched(&MEMORY));
        assert_eq!(from(1, BURST, &[&[]]), (1, false), "no burst");
        assert!(!is_watched(&MEMORY));
        assert_eq!(from(0, BURST, &[]), (1, false), "the process ends");
        // The burst continues: in each second use is near the peak for a while.
        let again = &[BURST / 2 + 1, -BURST / 2 - 1][..];
        assert_eq!(from(0, BURST, &[again, again, &[]]), (3, true));
        assert_eq!(from(0, BURST, &[again, &[1]]), (2, false), "it has risen");
        // It falls: until it hardly does, and for FALLING_MAX seconds at most.
        let peak = 100 * BURST;
        assert_eq!(from(BURST, peak, &[&[1 - RESTLESS]]), (1, true));
        assert_eq!(from(BURST, peak, &[&[-RESTLESS], &[]]), (2, true));
        assert_eq!(from(BURST, peak, &[&[-RESTLESS][..]; 9]), (5, true));
    }

    #[test]
    fn kept_areas_that_are_not_used_go_after_two_seconds() {
        static MEMORY: Memory = Memory::new(PAUSE);
        *MEMORY.kept.lock() = Kept::holding([SPARE / 2; 3]);
        assert_eq!(wait(&MEMORY, &[&[][..]; 9]), (2, false));
        assert_eq!(MEMORY.kept.lock().sizes(), [SPARE / 2; 2]);
        assert!(!is_watched(&MEMORY));
    }

    #[test]
    fn use_is_low_at_half_a_burst_below_the_peak() {
        static MEMORY: Memory = Memory::new(PAUSE);
        let mut falling = 0;
        let mut is_low = |in_use, most, lately| {
            set(&MEMORY, [in_use, most, lately]);
            (MEMORY.is_low(&mut falling), falling)
        };
        assert_eq!(is_low(5, BURST / 2 + 9, 10), (false, 0));
        assert_eq!(is_low(5, BURST / 2 + 10, 10), (true, 1));
        assert_eq!(is_low(5, BURST, RESTLESS + 4), (true, 2));
        assert_eq!(is_low(5, BURST, RESTLESS + 5), (false, 3));
        assert_eq!(is_low(5, BURST, RESTLESS + 5), (false, 4));
        assert_eq!(is_low(5, BURST / 2, 5), (false, 4), "not low");
        assert_eq!(is_low(5, BURST, RESTLESS + 5), (true, 5));
    }

    #[test]
    fn a_report_that_was_left_to_the_thread_keeps_it() {
        static MEMORY: Memory = Memory::new(PAUSE);
        for (most, needed) in [(BURST + 6, false), (BURST + 7, true)] {
            set(&MEMORY, [7, most, 7]);
            assert!(MEMORY.claim());
            assert_eq!(MEMORY.is_needed(), needed);
            assert_eq!((MEMORY.resign(), is_watched(&MEMORY)), (!needed, needed));
        }
    }
}
