//! Loans: received bodies that stay in the block they were read into.
//!
//! A slice keeps all of its block alive, which is up to 64 KiB, and the application may keep a
//! message for ever. So of the messages that a socket hands to the application, only one at a time
//! may be a slice of a block much longer than itself: the one on loan. A loop that closes a message
//! before it receives the next copies nothing. While a message is on loan, further ones are copied
//! to memory of their own.

use super::block::Header as BlockHeader;
use super::msg::{Kind, Msg};
use std::mem::ManuallyDrop;
use std::ptr::NonNull;
// Not from sync::atomic: a hint that orders nothing.
use std::sync::atomic::{AtomicBool, Ordering};

/// A message may keep a block of this many times its size, or of this many bytes, alive.
const KEPT_TIMES: usize = 4;
const KEPT_BYTES: usize = 2 * 1024;

/// Whether a message of the socket is on loan. Only the holder of the loan ends it. Relaxed: the
/// flag publishes no memory.
#[derive(Debug, Default)]
pub struct Lender(AtomicBool);

impl Lender {
    /// A lender with no message on loan.
    pub const fn new() -> Lender {
        Lender(AtomicBool::new(false))
    }
}

impl Msg {
    /// Called when the message is handed to the application: takes the loan or copies the body,
    /// which then moves.
    #[inline]
    pub fn hand_out(&mut self, lender: &'static Lender) {
        if self.kind != Kind::Slice || self.words[3] != 0 {
            return;
        }
        if lender.0.load(Ordering::Relaxed) {
            return self.leave_block();
        }
        lender.0.store(true, Ordering::Relaxed);
        self.words[3] = std::ptr::from_ref(lender) as usize;
    }

    /// Called when the application has returned the message.
    #[inline]
    pub(crate) fn end_loan(&mut self) {
        if self.kind == Kind::Slice && self.words[3] != 0 {
            let lender = self.words[3] as *const Lender;
            self.words[3] = 0;
            // SAFETY: the word is not 0, so `hand_out` made it from a `&'static Lender`.
            unsafe { &*lender }.0.store(false, Ordering::Relaxed);
        }
    }

    /// As [`share`](Msg::share), for the application to keep.
    pub fn share_to_keep(&mut self) -> Msg {
        let mut copy = self.share();
        copy.leave_block();
        copy
    }

    /// Copies the body to memory of its own if it is a slice of a block that is much longer. The
    /// body stays in the block if there is no memory.
    #[cold]
    #[inline(never)]
    fn leave_block(&mut self) {
        if self.kind != Kind::Slice {
            return;
        }
        let Some(block) = NonNull::new(self.words[2] as *mut BlockHeader) else {
            return;
        };
        // SAFETY: the message holds a reference to its block.
        let capacity = unsafe { BlockHeader::capacity(block) };
        if capacity <= KEPT_BYTES.max(KEPT_TIMES * self.len()) {
            return;
        }
        if let Ok(copy) = Msg::copy_from(self.data()) {
            self.release_body();
            self.take_body(copy);
        }
    }

    /// Takes over the body of a message that has nothing else. This message's own body was released
    /// before.
    fn take_body(&mut self, other: Msg) {
        let other = ManuallyDrop::new(other);
        self.words = other.words;
        self.tail = other.tail;
        self.inline_len = other.inline_len;
        self.kind = other.kind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Block, INLINE_MAX, flag};

    fn is_slice(msg: &Msg) -> bool {
        msg.kind == Kind::Slice
    }

    #[test]
    fn one_message_stays_in_a_long_block_and_the_others_leave_it() {
        static LENDER: Lender = Lender::new();
        let mut block = Block::new(4 * KEPT_BYTES).unwrap();
        assert!(block.room(0).put(&[7; 4 * KEPT_BYTES]));
        let mut hand_out = |from, to| {
            let mut msg = Msg::slice(&mut block, from, to).with(flag::MORE);
            msg.hand_out(&LENDER);
            assert!(msg.more() && msg.data() == &[7; 4 * KEPT_BYTES][from..to]);
            msg
        };
        let mut first = hand_out(0, 100);
        assert!(is_slice(&first));
        first.hand_out(&LENDER);
        assert!(is_slice(&first), "it has the loan already");
        assert!(!is_slice(&hand_out(100, 200)));
        assert!(!is_slice(&hand_out(200, 200 + INLINE_MAX)));
        assert!(is_slice(&hand_out(0, KEPT_BYTES)), "a long body may stay");
        let moved = first.take();
        assert!(!is_slice(&hand_out(200, 300)), "the loan moves along");
        drop(first);
        assert!(!is_slice(&hand_out(200, 300)));
        drop(moved);
        let mut second = hand_out(300, 400);
        assert!(is_slice(&second));
        second.end_loan();
        assert!(is_slice(&hand_out(400, 500)));
        assert_eq!(second.data(), [7; 100]);
        drop(second);
        assert!(is_slice(&hand_out(500, 600)));
        assert!(block.reclaim(), "no reference is left over");
    }

    #[test]
    fn a_copy_to_keep_leaves_a_long_block_and_the_original_stays() {
        static LENDER: Lender = Lender::new();
        let mut block = Block::new(4 * KEPT_BYTES).unwrap();
        assert!(block.room(0).put(&[7; 4 * KEPT_BYTES]));
        let mut msg = Msg::slice(&mut block, 0, 100);
        msg.hand_out(&LENDER);
        let at = msg.data_ptr();
        let copy = msg.share_to_keep();
        assert!(msg.is_shared() && copy.is_shared());
        assert!(is_slice(&msg) && msg.data_ptr() == at && !is_slice(&copy));
        let mut shared = msg.share();
        assert!(is_slice(&shared));
        drop(shared.take());
        let mut other = Msg::slice(&mut block, 100, 200);
        other.hand_out(&LENDER);
        assert!(!is_slice(&other), "only the original has the loan");
        drop(msg);
        assert_eq!((copy.data(), other.data()), (&[7; 100][..], &[7; 100][..]));
        assert!(block.reclaim());
        let mut small = Block::new(KEPT_BYTES).unwrap();
        assert!(small.room(0).put(&[7; KEPT_BYTES]));
        let mut msg = Msg::slice(&mut small, 0, 100);
        assert!(is_slice(&msg.share_to_keep()), "a short block may be kept");
    }
}
