//! The bias of a lock to one thread, which takes it by a plain store.
//!
//! All fields but `inside` are written by the holder of the gate only, so the gate orders them; the
//! owner of the bias writes its own place in `inside`. The handshake between the two is an asymmetric Dekker, see [`Bias`].
//! The models are `lock/models.rs`.

#![forbid(unsafe_code)]

use super::super::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use super::super::membarrier;

/// Locks in a row by one thread after which the lock is biased to it. Each revocation doubles the
/// number, up to `STREAK_MOST`.
pub(super) const STREAK: u32 = if cfg!(loom) { 1 } else { 64 };
pub(super) const STREAK_MOST: u32 = 1 << 20;

/// How many threads a lock can be biased to, one at a time, in its life.
pub(super) const SEATS: usize = 4;

/// Which thread takes the lock by a plain store.
///
/// Dekker with an asymmetric fence. The owner stores `inside` = true; [`membarrier::light`]; loads
/// `owner` ([`enter`](Self::enter)). The revoking thread, which holds the gate, stores `owner` = 0;
/// [`membarrier::heavy`]; loads `inside` ([`revoke`](Self::revoke)). So either the owner sees that
/// the bias has ended, or the revoking thread sees that the owner is inside, and waits.
///
/// Each thread that the lock is biased to has a seat, its own place in `inside`, until it gives
/// that up. It may be delayed for any time between its load of `owner` and its store to `inside`,
/// so no other thread may use the same place meanwhile.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Bias {
    /// The owner's number and seat, see [`Bias::word`], or 0. Written by the holder of the gate.
    pub(super) owner: AtomicUsize,
    inside: [AtomicBool; SEATS],
    /// How many times in a row `last` has taken the gate.
    streak: AtomicU32,
    /// The thread that took the gate last. Written by the holder of the gate.
    pub(super) last: AtomicUsize,
    /// The `streak` at which the lock becomes biased.
    pub(super) needed: AtomicU32,
    /// The thread that each seat belongs to, or 0. Claimed by the holder of the gate.
    pub(super) threads: [AtomicUsize; SEATS],
}

/// The outcome of [`Bias::enter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attempt {
    /// Taken, from the seat of this number.
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

    /// An owner and its seat in one word. A thread's number is an address, whose high bits are 0.
    #[inline]
    fn word(me: usize, seat: usize) -> usize {
        me << 2 | seat
    }

    /// Leaves a seat. Release pairs with the Acquire load in [`is_taken`](Self::is_taken), where a
    /// revoking thread waits.
    #[inline(always)]
    pub(super) fn leave(&self, seat: u8) {
        self.inside[usize::from(seat) % SEATS].store(false, Ordering::Release);
    }

    /// Whether an owner is inside. Acquire pairs with the Release stores in [`leave`](Self::leave)
    /// and [`enter`](Self::enter): what the owner wrote under the lock is visible once it has left.
    pub(super) fn is_taken(&self, word: usize) -> bool {
        self.inside[word % SEATS].load(Ordering::Acquire)
    }

    /// Takes the lock if `me` is the owner: the frequent side of the handshake, see [`Bias`].
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
        // No Acquire is needed: what other threads wrote under the lock before it was biased to
        // this thread is visible since this thread held the gate.
        if self.owner.load(Ordering::Relaxed) == word {
            return Attempt::Taken((word % SEATS) as u8);
        }
        // Release, though nothing was written under the lock this time: a revoking thread that reads
        // this store and not the one in `leave` has to see what was written before that.
        inside.store(false, Ordering::Release);
        Attempt::NotOwner
    }

    /// Whether `me` holds the lock by a bias, which may have been revoked since.
    pub(super) fn is_inside(&self, me: usize) -> bool {
        let mut seats = self.threads.iter().zip(&self.inside);
        seats.any(|(thread, inside)| {
            thread.load(Ordering::Relaxed) == me && inside.load(Ordering::Relaxed)
        })
    }

    /// The owner's word, if there is an owner. Called with the gate held.
    #[inline]
    pub(super) fn owner(&self) -> Option<usize> {
        let word = self.owner.load(Ordering::Relaxed);
        (word != 0).then_some(word)
    }

    /// Whether the word is this thread's.
    pub(super) fn is_of(owner: usize, me: usize) -> bool {
        owner >> 2 == me
    }

    /// Ends the bias, with the gate held: the seldom side of the handshake, see [`Bias`]. False if
    /// the owner is inside.
    #[cold]
    pub(super) fn revoke(&self, word: usize) -> bool {
        self.owner.store(0, Ordering::Relaxed);
        let needed = self.needed.load(Ordering::Relaxed);
        let more = needed.saturating_mul(2).min(STREAK_MOST);
        self.needed.store(more, Ordering::Relaxed);
        membarrier::heavy();
        !self.is_taken(word)
    }

    /// Counts, with the gate held, how often in a row this thread took it. True if that is enough
    /// for a bias, which begins when the thread unlocks: earlier, the thread could enter by the
    /// bias while it holds the gate.
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

    /// Biases the lock to `me`, the holder of the gate, if there is a seat for it.
    #[cold]
    pub(super) fn favour(&self, me: usize) {
        self.streak.store(0, Ordering::Relaxed);
        // The gate orders this with `give_up`: the former thread's last store to a seat that it gave
        // up comes before.
        let find = |thread| {
            let mut threads = self.threads.iter();
            threads.position(|other| other.load(Ordering::Relaxed) == thread)
        };
        if let Some(seat) = find(me).or_else(|| find(0)) {
            self.threads[seat].store(me, Ordering::Relaxed);
            self.owner.store(Bias::word(me, seat), Ordering::Relaxed);
        }
    }

    /// Gives up the bias, with the gate held, and then the lock, which `me` has taken from this
    /// seat.
    pub(super) fn give_up(&self, me: usize, seat: u8) {
        self.owner.store(0, Ordering::Relaxed);
        self.last.store(me, Ordering::Relaxed);
        self.needed.store(STREAK, Ordering::Relaxed);
        self.leave(seat);
        self.threads[usize::from(seat) % SEATS].store(0, Ordering::Relaxed);
    }

    /// Clears the bias and all seats, for a lock that no other thread can reach.
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
