//! The reading side of a pipe's end.

use super::end::PipeEnd;
use super::event;
use super::incoming::Incoming;
use super::parts::Next;
use crate::message::{Msg, flag};
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

/// The result of [`PipeEnd::take_frames`].
pub struct Frames<'a> {
    /// Whole frames.
    pub bytes: &'a [u8],
    /// Further parts follow the last one in its message.
    pub more: bool,
}

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
            match self.reader.parts.next() {
                None if !self.came_meanwhile() => return false,
                None => {}
                Some(next) if next == Next::Metadata || self.is_discarded() => self.skip(next),
                Some(_) => return true,
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
            stream = self.reader.parts.taken() - self.reader.dry_at >= STREAM
                && self.input().is_written_by_socket();
            // An exchange: if it reads the one in `fill_reader`, the fence below acquires that.
            self.input().reader_asleep.swap(true, Ordering::Relaxed);
            if self.reader.weak {
                // Before the barrier, so that the writer sees it afterwards.
                self.reader.weak = stream;
                self.input().weak.store(stream, Ordering::Relaxed);
                if !same_thread {
                    membarrier::heavy();
                }
            }
        }
        // The writer publishes, then loads `reader_asleep` (`flush`); this thread has stored the
        // flag and now loads the published count.
        fence(Ordering::SeqCst);
        if !self.reader.parts.ready() {
            self.reader.dry_at = self.reader.parts.taken();
            self.reader.ended = closed;
            if stream && !self.reader.weak && membarrier::is_ready() {
                self.reader.weak = true;
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
        self.reader.weak && !same_thread && self.input().is_between_sockets()
    }

    /// The batching delay of a reader that is faster than its writer, in a stream: a barrier and a
    /// wake-up would cost more than the messages that may come. True if some came.
    #[cold]
    fn await_batch(&mut self) -> bool {
        (0..BATCHING_DELAYS).any(|_| {
            for _ in 0..PAUSES {
                std::hint::spin_loop();
            }
            self.reader.parts.ready()
        })
    }

    /// Whether the next message has several parts; false if there is none.
    pub fn is_multipart_next(&mut self) -> bool {
        let parts = &mut self.reader.parts;
        if let Some(frame) = parts.frame() {
            return frame.more();
        }
        let part = parts.part();
        part.is_some_and(|mut part| part.msg().is_some_and(Msg::more))
    }

    /// Whether a hiccup has made void what is next.
    #[inline]
    fn is_discarded(&self) -> bool {
        self.reader.parts.taken() < self.input().discard_until.load(Ordering::Relaxed)
    }

    /// Removes what is next: metadata, or a part that is void.
    #[cold]
    fn skip(&mut self, next: Next) {
        let parts = &mut self.reader.parts;
        match next {
            Next::Metadata => self.reader.metadata = parts.take_metadata(),
            Next::Part => {
                let flags = parts.part().map_or(0, |part| part.take().flags());
                self.count_read(flags);
            }
            Next::Frame => {
                let more = parts.frame().is_none_or(|frame| frame.show(|_| ()));
                self.count_whole(u64::from(!more));
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
        self.reader.ended = closed && !full;
        full
    }

    /// Whether the other end has written anything but its routing id that was not read yet.
    pub fn has_messages(&mut self) -> bool {
        let introduction = self.is_introduction_next();
        self.reader.parts.waiting() > usize::from(introduction)
    }

    /// About how many message parts the other end has written that were not read.
    pub fn unread(&mut self) -> usize {
        self.reader.parts.waiting()
    }

    /// Reads a message part, with the connection's metadata attached.
    pub fn read(&mut self) -> Option<Msg> {
        let mut msg = Msg::new();
        self.read_into(&mut msg).map(|_| msg)
    }

    /// Reads a message part in place of the content of `into`, and returns its flags. `None` if
    /// there is nothing; the content stays then.
    #[inline(always)]
    pub fn read_into<I: Incoming>(&mut self, into: &mut I) -> Option<u8> {
        self.read_frame(into).or_else(|| self.read_any(into))
    }

    /// Reads the next part if it is known to be a frame.
    #[inline(always)]
    pub fn read_frame<I: Incoming>(&mut self, into: &mut I) -> Option<u8> {
        if self.closed || self.is_discarded() {
            return None;
        }
        let frame = self.reader.parts.frame()?;
        let more = into.put_frame(frame, self.reader.metadata.as_ref());
        self.count_whole(u64::from(!more));
        Some(if more { flag::MORE } else { 0 })
    }

    /// Reads the next part, whatever it is.
    fn read_any<I: Incoming>(&mut self, into: &mut I) -> Option<u8> {
        if !self.check_read() {
            return None;
        }
        if self.conflates {
            return self.read_latest(into);
        }
        if let Some(flags) = self.read_frame(into) {
            return Some(flags);
        }
        let part = self.reader.parts.part()?;
        let mut flags = 0;
        into.put_msg(self.reader.metadata.as_ref(), |msg| {
            part.take_into(msg);
            flags = msg.flags();
        });
        self.count_read(flags);
        Some(flags)
    }

    /// Takes the frames at the front as they are on the wire (ZMTP 2 and later), whole messages if
    /// the last one is whole: about `limit` bytes at most. `None` if there is no message, or the
    /// next part is not a frame.
    pub fn take_frames(&mut self, limit: usize) -> Option<Frames<'_>> {
        if self.conflates || !self.check_read() {
            return None;
        }
        let (bytes, taken) = self.reader.parts.take_frames(limit)?;
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
    fn read_latest<I: Incoming>(&mut self, into: &mut I) -> Option<u8> {
        let latest = self.input().latest.as_ref();
        let msg = latest.and_then(|place| place.lock().take())?;
        let flags = msg.flags();
        into.put_msg(self.reader.metadata.as_ref(), |into| *into = msg);
        Some(flags)
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
        self.reader.read += messages;
        if packed != self.reader.low_water.packed {
            self.reader.low_water.renew(packed, self.reader.read);
        }
        while self.reader.read >= self.reader.low_water.next {
            self.return_credit();
        }
    }

    #[cold]
    fn return_credit(&mut self) {
        let mark = self.reader.low_water.next;
        self.reader.low_water.next += self.reader.low_water.step;
        self.reader.low_water.credited = mark;
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
