//! A lock-free mailbox: many producers, one consumer, first in first out for each producer.
//!
//! Producers push on a linked stack; the consumer takes the whole stack in one exchange and
//! reverses it. An empty check is a single load, which is what a socket pays on each call when
//! nothing happened.
//!
//! A socket's sleep is a Dekker handshake over the mailbox: the producer pushes, SeqCst fence, then
//! loads the flags of the consumer (`Mail::signal` in `runtime`); the consumer stores a
//! flag (`event_count.rs`), SeqCst fence, then loads `head`. The fences are the callers', so the
//! accesses here order only what the values refer to. The models check order, completeness and
//! visibility; those in `readiness.rs` check a push against a flag that the consumer clears.

use super::atomic::{AtomicPtr, Ordering};
use std::ptr;

struct Node<T> {
    value: T,
    next: *mut Node<T>,
}

/// The mailbox. Dropping it drops the values that were not taken.
#[derive(Debug)]
pub struct Mailbox<T> {
    head: AtomicPtr<Node<T>>,
}

// SAFETY: the list owns its nodes; a value goes from the pushing thread to the taking thread
// exactly once, which is what `T: Send` allows.
unsafe impl<T: Send> Send for Mailbox<T> {}
// SAFETY: as above; shared access is limited to atomic operations on `head`.
unsafe impl<T: Send> Sync for Mailbox<T> {}

impl<T> Default for Mailbox<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Mailbox<T> {
    /// An empty mailbox; allocates nothing.
    pub fn new() -> Self {
        Mailbox {
            head: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Adds a value; callable from any thread, never blocks. Returns true if the mailbox was empty
    /// before.
    pub fn push(&self, value: T) -> bool {
        let node = Box::into_raw(Box::new(Node {
            value,
            next: ptr::null_mut(),
        }));
        let mut head = self.head.load(Ordering::Relaxed);
        loop {
            // SAFETY: until the exchange succeeds only this thread has a pointer to the node.
            unsafe { (*node).next = head };
            // Release pairs with the exchange in `take`, for earlier pushes as well: each of these
            // exchanges continues the one before.
            match self
                .head
                .compare_exchange_weak(head, node, Ordering::Release, Ordering::Relaxed)
            {
                Ok(_) => return head.is_null(),
                Err(now) => head = now,
            }
        }
    }

    /// Whether there is nothing to take. In the handshake of the module the fence comes before.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.head.load(Ordering::Relaxed).is_null()
    }

    /// Takes everything pushed so far, oldest first. Called by the consumer only.
    pub fn take(&self) -> Taken<T> {
        if self.head.load(Ordering::Relaxed).is_null() {
            return Taken {
                next: ptr::null_mut(),
            };
        }
        // Acquire pairs with the Release of the pushes: their values are visible. A producer needs
        // nothing from the consumer.
        let mut node = self.head.swap(ptr::null_mut(), Ordering::Acquire);
        let mut reversed: *mut Node<T> = ptr::null_mut();
        while !node.is_null() {
            // SAFETY: after the exchange the whole chain belongs to this thread, and the node is
            // alive until `Taken` frees it.
            let next = unsafe { std::mem::replace(&mut (*node).next, reversed) };
            reversed = node;
            node = next;
        }
        Taken { next: reversed }
    }
}

impl<T> Drop for Mailbox<T> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

/// What [`Mailbox::take`] took, an iterator; dropping it drops the rest.
#[derive(Debug)]
pub struct Taken<T> {
    next: *mut Node<T>,
}

impl<T> Iterator for Taken<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if self.next.is_null() {
            return None;
        }
        // SAFETY: the chain belongs to this iterator; each node was made by Box::into_raw and is
        // turned back exactly once.
        let node = unsafe { Box::from_raw(self.next) };
        self.next = node.next;
        Some(node.value)
    }
}

impl<T> Drop for Taken<T> {
    fn drop(&mut self) {
        for value in self.by_ref() {
            drop(value);
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn keeps_order_and_reports_first() {
        let mailbox = Mailbox::new();
        assert!(mailbox.is_empty());
        assert!(mailbox.push(1));
        assert!(!mailbox.push(2));
        assert!(!mailbox.is_empty());
        assert_eq!(mailbox.take().collect::<Vec<_>>(), vec![1, 2]);
        assert!(mailbox.is_empty());
        assert!(mailbox.push(3));
    }

    #[test]
    fn drops_what_was_not_taken() {
        let value = std::sync::Arc::new(());
        let mailbox = Mailbox::new();
        mailbox.push(value.clone());
        mailbox.push(value.clone());
        mailbox.take().next();
        mailbox.push(value.clone());
        drop(mailbox);
        assert_eq!(std::sync::Arc::strong_count(&value), 1);
    }
}

#[cfg(all(test, loom))]
mod models {
    use super::*;
    use crate::sync::Arc;
    use crate::sync::atomic::{AtomicU32, fence};

    /// What each producer wrote before it pushed is visible to the consumer that takes the last
    /// value only.
    #[test]
    fn what_was_written_before_a_push_is_visible() {
        let mut model = loom::model::Builder::new();
        model.preemption_bound = Some(2);
        model.check(|| {
            let mailbox = Arc::new(Mailbox::new());
            // The third orders the threads for loom, and nothing else.
            let written: Arc<[AtomicU32; 3]> = Arc::new([0; 3].map(AtomicU32::new));
            let push = |which: usize| {
                let (mailbox, written) = (mailbox.clone(), written.clone());
                move || {
                    written[which].store(1, Ordering::Relaxed);
                    mailbox.push(which);
                    written[2].fetch_add(1, Ordering::Relaxed);
                }
            };
            let threads = [0, 1].map(|which| loom::thread::spawn(push(which)));
            written[2].fetch_add(1, Ordering::Relaxed);
            for which in mailbox.take() {
                assert_eq!(written[which].load(Ordering::Relaxed), 1);
            }
            for thread in threads {
                thread.join().unwrap();
            }
        });
    }

    /// The handshake of the module, with the callers' fences.
    #[test]
    fn a_push_is_seen_or_the_consumer_is_seen_waiting() {
        loom::model(|| {
            let shared = Arc::new((Mailbox::new(), AtomicU32::new(0)));
            let other = shared.clone();
            let thread = loom::thread::spawn(move || {
                other.0.push(1);
                fence(Ordering::SeqCst);
                other.1.load(Ordering::Relaxed) == 1
            });
            shared.1.store(1, Ordering::Relaxed);
            fence(Ordering::SeqCst);
            let came = !shared.0.is_empty();
            assert!(thread.join().unwrap() || came, "neither saw the other");
        });
    }

    #[test]
    fn two_producers_one_consumer() {
        loom::model(|| {
            let mailbox = Arc::new(Mailbox::new());
            let threads: Vec<_> = (0..2)
                .map(|t| {
                    let mailbox = mailbox.clone();
                    loom::thread::spawn(move || {
                        mailbox.push((t, 0));
                        mailbox.push((t, 1));
                    })
                })
                .collect();
            let mut got: Vec<(i32, i32)> = mailbox.take().collect();
            for thread in threads {
                thread.join().unwrap();
            }
            got.extend(mailbox.take());
            assert_eq!(got.len(), 4);
            for t in 0..2 {
                let order: Vec<_> = got.iter().filter(|v| v.0 == t).map(|v| v.1).collect();
                assert_eq!(order, vec![0, 1]);
            }
        });
    }
}
