//! A lock biased to a thread, which takes it by a plain store.

#![forbid(unsafe_code)]

use super::super::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use super::super::membarrier;

/// Locks in a row by one thread until the lock is biased to it; twice as many after
/// each time that another one came, up to a limit.
pub(super) const STREAK: u32 = if cfg!(loom) { 1 } else { 64 };
pub(super) const STREAK_MOST: u32 = 1 << 20;

/// How many threads a lock can be biased to, one at a time, in its life.
pub(super) const SEATS: usize = 4;

/// The thread that takes the lock by a plain store: it says that it is inside, and then
/// checks that the lock is still biased to it. A thread that ends the bias, holding the
/// gate, clears `owner` and then looks whether the owner is inside. One of the two sees the
/// other's store, since the latter has a barrier on all threads in between.
///
/// Each thread that the lock is biased to has a seat, where it says that it is inside, until
/// it gives that up: it may be held up for any time between its look at `owner` and its
/// store, so no other thread may use the same place.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Bias {
    /// The thread's number and its seat, see [`Bias::word`], or 0. Changed by the holder of
    /// the gate only.
    pub(super) owner: AtomicUsize,
    inside: [AtomicBool; SEATS],
    /// How often in a row the gate was taken by `last`.
    streak: AtomicU32,
    /// The thread that took the gate last; for the holder of the gate.
    pub(super) last: AtomicUsize,
    /// How many times in a row make a bias.
    pub(super) needed: AtomicU32,
    /// Whose seat each is, or 0. Claimed by the holder of the gate.
    pub(super) threads: [AtomicUsize; SEATS],
}

/// What [`Bias::enter`] came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// From the seat of this number.
    Taken(u8),
    /// The lock is not biased to this thread.
    NotOwner,
    /// This thread holds it already.
    Nested,
}

impl Bias {
    pub(super) fn new() -> Bias {
        let (flag, number) = (|| AtomicBool::new(false), || AtomicUsize::new(0));
        Bias {
            owner: number(),
            inside: [flag(), flag(), flag(), flag()],
            threads: [number(), number(), number(), number()],
            last: number(),
            streak: AtomicU32::new(0),
            needed: AtomicU32::new(STREAK),
        }
    }

    /// An owner in one word. Threads' numbers are addresses: their first bits are 0.
    #[inline]
    fn word(me: usize, seat: usize) -> usize {
        me << 2 | seat
    }

    /// Leaves a seat. Release: for a thread that waits in [`revoke`](Self::revoke).
    #[inline(always)]
    pub(super) fn leave(&self, seat: u8) {
        self.inside[usize::from(seat) % SEATS].store(false, Ordering::Release);
    }

    /// Whether an owner is inside. Acquire: what it did under the lock is visible once it
    /// has left.
    pub(super) fn is_taken(&self, word: usize) -> bool {
        self.inside[word % SEATS].load(Ordering::Acquire)
    }

    /// Takes the lock for its owner.
    #[inline(always)]
    pub(super) fn enter(&self, me: usize) -> Attempt {
        let word = self.owner.load(Ordering::Relaxed);
        if word >> 2 != me {
            return Attempt::NotOwner;
        }
        let inside = &self.inside[word % SEATS];
        if inside.load(Ordering::Relaxed) {
            return Attempt::Nested;
        }
        inside.store(true, Ordering::Relaxed);
        membarrier::light();
        // What others did under the lock before it became this thread's it has seen
        // when it took the gate.
        if self.owner.load(Ordering::Relaxed) == word {
            return Attempt::Taken((word % SEATS) as u8);
        }
        inside.store(false, Ordering::Release);
        Attempt::NotOwner
    }

    /// Whether `me` holds the lock by a bias, which may have been ended since.
    pub(super) fn is_inside(&self, me: usize) -> bool {
        let mut seats = self.threads.iter().zip(&self.inside);
        seats.any(|(thread, inside)| {
            thread.load(Ordering::Relaxed) == me && inside.load(Ordering::Relaxed)
        })
    }

    /// The owner. To be asked with the gate held.
    #[inline]
    pub(super) fn owner(&self) -> Option<usize> {
        let word = self.owner.load(Ordering::Relaxed);
        (word != 0).then_some(word)
    }

    /// Whether the owner is this thread.
    pub(super) fn is_of(owner: usize, me: usize) -> bool {
        owner >> 2 == me
    }

    /// Ends the bias, with the gate held. False if the owner is inside.
    #[cold]
    pub(super) fn revoke(&self, word: usize) -> bool {
        self.owner.store(0, Ordering::Relaxed);
        let needed = self.needed.load(Ordering::Relaxed);
        let more = needed.saturating_mul(2).min(STREAK_MOST);
        self.needed.store(more, Ordering::Relaxed);
        membarrier::heavy();
        !self.is_taken(word)
    }

    /// Counts, with the gate held, how often in a row this thread took it. Whether it is
    /// often enough for a bias: that begins when the thread leaves, or it could go inside
    /// once more meanwhile.
    #[inline]
    pub(super) fn learn(&self, me: usize) -> bool {
        if self.last.load(Ordering::Relaxed) != me {
            self.last.store(me, Ordering::Relaxed);
            self.streak.store(0, Ordering::Relaxed);
        }
        let streak = self.streak.load(Ordering::Relaxed).saturating_add(1);
        self.streak.store(streak, Ordering::Relaxed);
        streak >= self.needed.load(Ordering::Relaxed) && membarrier::is_ready()
    }

    /// Biases the lock to the thread that holds the gate, if there is a seat for it.
    #[cold]
    pub(super) fn favour(&self, me: usize) {
        self.streak.store(0, Ordering::Relaxed);
        // Acquire: a seat that was given up is not written to any more.
        let find = |thread| {
            let mut threads = self.threads.iter();
            threads.position(|other| other.load(Ordering::Acquire) == thread)
        };
        if let Some(seat) = find(me).or_else(|| find(0)) {
            self.threads[seat].store(me, Ordering::Relaxed);
            self.owner.store(Bias::word(me, seat), Ordering::Relaxed);
        }
    }

    /// Gives up the bias, with the gate held, and then the lock, which the thread `me` has
    /// taken from this seat.
    pub(super) fn give_up(&self, me: usize, seat: u8) {
        self.owner.store(0, Ordering::Relaxed);
        self.last.store(me, Ordering::Relaxed);
        self.needed.store(STREAK, Ordering::Relaxed);
        self.leave(seat);
        // Release: the last store to the seat comes before.
        self.threads[usize::from(seat) % SEATS].store(0, Ordering::Release);
    }

    /// Takes back everything, for a lock that no other thread can have.
    pub(super) fn reset(&self) {
        self.owner.store(0, Ordering::Relaxed);
        for inside in &self.inside {
            inside.store(false, Ordering::Relaxed);
        }
        for thread in &self.threads {
            thread.store(0, Ordering::Relaxed);
        }
    }
}
