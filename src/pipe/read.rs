//! The reading side of a pipe's end.

use super::parts::{Frame, Next};
use super::{Frames, PipeEnd, event};
use crate::message::{Metadata, Msg, flag};
use crate::sync::atomic::{Ordering, fence};
use crate::sync::membarrier;
use crate::sys;

/// A reader that ran dry after this many units expects a stream: then one barrier of the reader
/// costs less than the writer's one for each message.
const STREAM: usize = if cfg!(loom) { 2 } else { 128 };
/// How often such a reader rechecks before it runs the barrier, and for how many spin steps (15 to
/// 50 ns each) it waits between rechecks.
const BATCHING_DELAYS: usize = if cfg!(loom) { 0 } else { 4 };
const PAUSES: usize = 64;

impl PipeEnd {
    /// Whether a message can be read. If not, the listener receives [`event::READ`] for the next.
    #[inline]
    pub fn check_read(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if self.conflates {
            return self.check_read_latest();
        }
        loop {
            match self.rx.next() {
                None if !self.came_meanwhile() => return false,
                Some(Next::Frame) if !self.skip_frame() => return true,
                Some(Next::Item) if !self.skip_item() => return true,
                _ => {}
            }
        }
    }

    /// The queue is empty: sets `reader_asleep`, unless messages came meanwhile (true then). See
    /// the first handshake of the module `pipe`.
    fn came_meanwhile(&mut self) -> bool {
        // Loaded before the queue is rechecked: the writer publishes its last messages, then sets
        // this with Release, which the fence below acquires.
        let closed = self.input().writer_closed.load(Ordering::Relaxed);
        let mut stream = false;
        if !self.input().reader_asleep.load(Ordering::Relaxed) {
            // Served by the writer's own thread, the reader needs no barrier: program order
            // suffices.
            let same_thread = self.input().filler.load(Ordering::Relaxed) == sys::thread_number();
            if self.expects_batch(same_thread) && self.await_batch() {
                return true;
            }
            stream = self.rx.taken() - self.dry_at >= STREAM && self.input().is_written_by_socket();
            // An exchange: if it reads the one in `fill_reader`, the fence below acquires that.
            self.input().reader_asleep.swap(true, Ordering::Relaxed);
            if self.weak {
                // Before the barrier, so that the writer sees it afterwards.
                self.weak = stream;
                self.input().weak.store(stream, Ordering::Relaxed);
                if !same_thread {
                    membarrier::heavy();
                }
            }
        }
        // The writer publishes, then loads `reader_asleep` (`flush`); this thread has stored the
        // flag and now loads the published count.
        fence(Ordering::SeqCst);
        if !self.rx.ready() {
            self.dry_at = self.rx.taken();
            self.ended = closed;
            if stream && !self.weak && membarrier::is_ready() {
                self.weak = true;
                // The fence above makes this a release, which pairs with the Acquire load in `flush`:
                // a writer that publishes weakly sees `reader_asleep`, for which no barrier was run.
                self.input().weak.store(true, Ordering::Relaxed);
            }
            return false;
        }
        self.input().reader_asleep.swap(false, Ordering::Relaxed);
        true
    }

    /// Whether a batch is worth waiting for, see [`await_batch`](Self::await_batch).
    #[inline]
    fn expects_batch(&self, same_thread: bool) -> bool {
        self.weak && !same_thread && self.input().is_between_sockets()
    }

    /// The batching delay of a reader that is faster than its writer, in a stream: a barrier and a
    /// wake-up would cost more than the messages that may come. True if some came.
    #[cold]
    fn await_batch(&mut self) -> bool {
        (0..BATCHING_DELAYS).any(|_| {
            for _ in 0..PAUSES {
                std::hint::spin_loop();
            }
            self.rx.ready()
        })
    }

    /// The next part for the reader if it is known to be a frame: the short path of
    /// [`check_read`](Self::check_read).
    #[inline(always)]
    fn next_frame(&mut self) -> Option<Frame<'_>> {
        match self.closed || self.is_discarded() {
            true => None,
            false => self.rx.frame(),
        }
    }

    #[inline]
    fn is_discarded(&self) -> bool {
        self.rx.taken() < self.input().discard_until.load(Ordering::Relaxed)
    }

    /// Removes the next item if it is void or carries metadata only. True then.
    #[inline]
    fn skip_item(&mut self) -> bool {
        let discarded = self.is_discarded();
        let control = self.rx.item().is_some_and(|msg| msg.has(flag::CONTROL));
        if discarded || control {
            self.skip(control);
        }
        discarded || control
    }

    /// Removes the next frame if it is void. True then.
    #[inline]
    fn skip_frame(&mut self) -> bool {
        let discarded = self.is_discarded();
        if discarded {
            let more = self.rx.frame().is_none_or(|frame| frame.show(|_| ()).1);
            self.count_whole(u64::from(!more));
        }
        discarded
    }

    /// The short path of [`read_into`](Self::read_into): only if the next part is known to be a
    /// frame. The result is whether other parts follow in its message.
    #[inline]
    pub fn read_frame_into(&mut self, into: &mut Msg) -> Option<bool> {
        self.take_frame(into).then(|| into.more())
    }

    /// Reads the next part if it is known to be a frame.
    #[inline(always)]
    fn take_frame(&mut self, into: &mut Msg) -> bool {
        let bare = into.has(flag::BARE);
        let Some(frame) = self.next_frame() else {
            return false;
        };
        frame.take_into(into);
        self.count_read(into.flags());
        into.refer_to(self.metadata.as_ref().filter(|_| !bare));
        true
    }

    /// As [`read_frame_into`](Self::read_frame_into), but passes the body to `read`.
    #[inline]
    pub fn read_frame_with<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<(R, bool)> {
        let (result, more) = self.next_frame()?.show(read);
        self.count_whole(u64::from(!more));
        Some((result, more))
    }

    #[cold]
    fn skip(&mut self, control: bool) {
        if let Some(mut msg) = self.rx.take_item() {
            if control {
                self.metadata = msg.take_metadata();
            } else {
                self.count_read(msg.flags());
            }
        }
    }

    #[cold]
    fn check_read_latest(&mut self) -> bool {
        let closed = self.input().writer_closed.load(Ordering::Relaxed);
        // The flag first, then the recheck: the writer fills the place, then loads the flag. The
        // mutex of the place orders this: if the writer fills it after the recheck, it sees the
        // flag, and if it filled it before, and set `closed` after that, the recheck finds it.
        self.input().reader_asleep.store(true, Ordering::Relaxed);
        let full = self
            .input()
            .latest
            .as_ref()
            .is_some_and(|place| place.lock().is_some());
        self.ended = closed && !full;
        full
    }

    /// Whether the other end has written anything but its routing id that was not read yet.
    pub fn has_messages(&mut self) -> bool {
        let introduction = self.is_introduction_next();
        self.rx.waiting() > usize::from(introduction)
    }

    /// About how many message parts the other end has written that were not read.
    pub fn unread(&mut self) -> usize {
        self.rx.waiting()
    }

    pub(super) fn is_introduction_next(&mut self) -> bool {
        self.rx.item().is_some_and(|msg| msg.has(flag::ROUTING_ID))
    }

    /// Reads a message part, with the connection's metadata attached.
    pub fn read(&mut self) -> Option<Msg> {
        let mut msg = Msg::new();
        self.read_into(&mut msg).then_some(msg)
    }

    /// As [`read`](Self::read), but replaces the content of `into`. False if there is nothing; the
    /// content stays then.
    #[inline]
    pub fn read_into(&mut self, into: &mut Msg) -> bool {
        if self.take_frame(into) {
            return true;
        }
        if !self.check_read() {
            return false;
        }
        if self.conflates {
            return self.read_latest(into);
        }
        if self.take_frame(into) {
            return true;
        }
        let bare = into.has(flag::BARE);
        let held = into.vacate();
        if !self.rx.take_item_into(into) {
            return false;
        }
        self.count_read(into.flags());
        if let Some(metadata) = &self.metadata {
            match bare {
                true => into.set(flag::BARE, true),
                false => into.set_metadata(Some(Metadata::share(metadata, held))),
            }
        }
        true
    }

    /// Takes the frames at the front as they are on the wire (ZMTP 2 and later), whole messages if
    /// the last one is whole: about `limit` bytes at most. `None` if there is no message, or the
    /// next part is not a frame.
    pub fn take_frames(&mut self, limit: usize) -> Option<Frames<'_>> {
        if self.conflates || !self.check_read() {
            return None;
        }
        let (bytes, taken) = self.rx.take_frames(limit)?;
        // SAFETY: the bytes stay until the next use of `self.rx`, which takes `self` by exclusive
        // reference, as the result does; counting does not use `self.rx`.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        self.count_whole(taken.whole as u64);
        Some(Frames {
            bytes,
            more: taken.more,
        })
    }

    #[cold]
    fn read_latest(&mut self, into: &mut Msg) -> bool {
        let latest = self.input().latest.as_ref();
        let Some(msg) = latest.and_then(|place| place.lock().take()) else {
            return false;
        };
        *into = msg;
        if self.metadata.is_some() {
            into.set_metadata(self.metadata.clone());
        }
        true
    }

    /// Counts a part; a whole message may reach a low-water mark, where the credit is returned.
    #[inline]
    fn count_read(&mut self, flags: u8) {
        if flags & (flag::MORE | flag::ROUTING_ID) != 0 {
            return;
        }
        self.count_whole(1);
    }

    #[inline]
    fn count_whole(&mut self, messages: u64) {
        let packed = self.input().hwm.load(Ordering::Relaxed);
        self.read += messages;
        if packed != self.low_water.packed {
            self.low_water.renew(packed, self.read);
        }
        while self.read >= self.low_water.next {
            self.return_credit();
        }
    }

    #[cold]
    fn return_credit(&mut self) {
        let mark = self.low_water.next;
        self.low_water.next += self.low_water.step;
        self.low_water.credited = mark;
        let channel = self.input();
        channel.read.store(mark, Ordering::Relaxed);
        // The second handshake of the module `pipe`: the count is stored, then the writer's flag is
        // loaded. The writer sets its flag, then fence, then reloads the count.
        fence(Ordering::SeqCst);
        if channel.writer_lazy.load(Ordering::Relaxed)
            || channel.writer_asleep.swap(false, Ordering::Relaxed)
        {
            self.shared.notify(1 - self.side, event::WRITE);
        }
    }
}
