//! A descriptor that is readable exactly while something is pending: `ZMQ_FD`.
//!
//! Producers make something pending and call [`raise_if`](Readiness::raise_if), from any thread;
//! the consumer, with the socket locked, takes all that is pending inside
//! [`lower_and`](Readiness::lower_and). Both change the descriptor under one gate, together with
//! `raised`, so the two always agree. Invariant, whenever no call is under way: the descriptor is
//! readable if and only if something is pending.
//!
//! A producer that finds `raised` set skips the gate. Dekker: the producer stores its item; SeqCst
//! fence; loads `raised`. The consumer stores `raised` = false; SeqCst fence; takes the items. So
//! either the producer sees `raised` clear, or the consumer takes the item. `raised` itself needs no
//! order: it is stored under the gate. The models are `readable_if_and_only_if_there_is_mail` and
//! `a_skipped_raise_loses_nothing`.

use super::atomic::{AtomicBool, Ordering, fence};

/// What carries the level: an eventfd.
pub trait Descriptor {
    /// Makes it readable. False if the system refuses.
    fn raise(&self) -> bool;
    /// Makes it not readable.
    fn lower(&self);
}

/// A descriptor and the gate that keeps its level, see the module.
#[derive(Debug)]
pub struct Readiness<D> {
    descriptor: D,
    raised: AtomicBool,
    #[cfg(not(loom))]
    gate: super::Mutex<()>,
    #[cfg(loom)]
    gate: loom::sync::Mutex<()>,
}

impl<D: Descriptor> Readiness<D> {
    /// Takes a descriptor that is not readable.
    pub fn new(descriptor: D) -> Self {
        Readiness {
            descriptor,
            raised: AtomicBool::new(false),
            #[cfg(not(loom))]
            gate: super::Mutex::new(()),
            #[cfg(loom)]
            gate: loom::sync::Mutex::new(()),
        }
    }

    /// The descriptor.
    pub fn descriptor(&self) -> &D {
        &self.descriptor
    }

    fn gated<R>(&self, body: impl FnOnce() -> R) -> R {
        #[cfg(not(loom))]
        let _held = self.gate.lock();
        #[cfg(loom)]
        let _held = self.gate.lock();
        body()
    }

    /// The producer's side, called after it made something pending. False if the system refused to
    /// raise the descriptor; the next call tries again.
    pub fn raise_if(&self, is_pending: impl FnOnce() -> bool) -> bool {
        fence(Ordering::SeqCst);
        if self.raised.load(Ordering::Relaxed) {
            return true;
        }
        self.gated(|| {
            if self.raised.load(Ordering::Relaxed) || !is_pending() {
                return true;
            }
            let done = self.descriptor.raise();
            self.raised.store(done, Ordering::Relaxed);
            done
        })
    }

    /// The consumer's side: `take` takes all that is pending.
    pub fn lower_and<R>(&self, take: impl FnOnce() -> R) -> R {
        self.gated(|| {
            if self.raised.load(Ordering::Relaxed) {
                self.descriptor.lower();
                self.raised.store(false, Ordering::Relaxed);
                fence(Ordering::SeqCst);
            }
            take()
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Counts the raises; refuses while `broken`.
    #[derive(Default)]
    struct Fake {
        count: Cell<u32>,
        broken: Cell<bool>,
    }

    impl Descriptor for Fake {
        fn raise(&self) -> bool {
            let works = !self.broken.get();
            self.count.set(self.count.get() + u32::from(works));
            works
        }

        fn lower(&self) {
            self.count.set(0);
        }
    }

    #[test]
    fn the_level_follows_what_is_pending() {
        let fd = Readiness::new(Fake::default());
        assert!(fd.raise_if(|| false));
        assert_eq!(fd.descriptor().count.get(), 0, "nothing is pending");
        assert!(fd.raise_if(|| true));
        assert!(fd.raise_if(|| true));
        assert_eq!(fd.descriptor().count.get(), 1, "it is raised once");
        assert_eq!(fd.lower_and(|| 7), 7);
        assert_eq!(fd.descriptor().count.get(), 0);
        fd.descriptor().broken.set(true);
        assert!(!fd.raise_if(|| true));
        fd.descriptor().broken.set(false);
        assert!(fd.raise_if(|| true), "a refusal is not remembered");
        assert_eq!(fd.descriptor().count.get(), 1);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::super::mailbox::Mailbox;
    use super::*;
    use crate::sync::Arc;
    use crate::sync::atomic::AtomicU32;

    /// An eventfd: raising adds to the count, lowering sets it to 0.
    struct Count(AtomicU32);

    impl Descriptor for Count {
        fn raise(&self) -> bool {
            self.0.fetch_add(1, Ordering::Relaxed);
            true
        }

        fn lower(&self) {
            self.0.swap(0, Ordering::Relaxed);
        }
    }

    struct Socket {
        mail: Mailbox<u32>,
        fd: Readiness<Count>,
    }

    impl Socket {
        fn new() -> Arc<Socket> {
            Arc::new(Socket {
                mail: Mailbox::new(),
                fd: Readiness::new(Count(AtomicU32::new(0))),
            })
        }

        fn tell(&self, value: u32) {
            self.mail.push(value);
            self.fd.raise_if(|| !self.mail.is_empty());
        }

        fn take(&self) -> usize {
            self.fd.lower_and(|| self.mail.take()).count()
        }

        fn is_readable(&self) -> bool {
            self.fd.descriptor().0.load(Ordering::Relaxed) > 0
        }
    }

    /// An event loop takes the mail when the descriptor is readable, and at other times as well
    /// (`ZMQ_EVENTS`, a receive, the end of the socket).
    #[test]
    fn readable_if_and_only_if_there_is_mail() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let socket = Socket::new();
            let threads: Vec<_> = (0..2)
                .map(|value| {
                    let socket = socket.clone();
                    loom::thread::spawn(move || socket.tell(value))
                })
                .collect();
            let mut taken = socket.take();
            taken += socket.take();
            for thread in threads {
                thread.join().unwrap();
            }
            assert_eq!(socket.is_readable(), !socket.mail.is_empty());
            taken += socket.take();
            assert_eq!(taken, 2);
            assert!(!socket.is_readable());
        });
    }

    /// One producer with a second item: its load of `raised` skips the gate only if the first item
    /// is still to be taken.
    #[test]
    fn a_skipped_raise_loses_nothing() {
        loom::model(|| {
            let socket = Socket::new();
            let other = socket.clone();
            let thread = loom::thread::spawn(move || {
                other.tell(1);
                other.tell(2);
            });
            let mut taken = socket.take();
            thread.join().unwrap();
            assert_eq!(socket.is_readable(), !socket.mail.is_empty());
            taken += socket.take();
            assert_eq!(taken, 2);
        });
    }
}
