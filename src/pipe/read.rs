//! The reading side of a pipe's end.

use super::queue::Consumer;
use super::{Frames, PipeEnd, event};
use crate::message::{Metadata, Msg, flag};
use crate::sync::atomic::{Ordering, fence};
use crate::sync::membarrier;
use crate::sys;

/// A reader that ran dry after so many units will have as many the next time: the
/// barrier that spares the writer one for each message is worth it.
const STREAM: usize = if cfg!(loom) { 2 } else { 128 };
/// How often such a reader looks again before it does so, and for how many pauses (of
/// 15 to 50 ns) it does not look.
const GATHERS: usize = if cfg!(loom) { 0 } else { 4 };
const PAUSES: usize = 64;

impl PipeEnd {
    /// Whether a message can be read. If not, the listener hears of the next.
    #[inline]
    pub fn check_read(&mut self) -> bool {
        if self.closed {
            return false;
        }
        if self.conflates {
            return self.check_read_latest();
        }
        loop {
            if !self.rx.ready() {
                if !self.came_meanwhile() {
                    return false;
                }
            } else if self.reader.is_inside() {
                if self.reader.is_over() {
                    self.reader.leave();
                } else if !self.skip_frame() {
                    return true;
                }
            } else if !self.skip_next() {
                return true;
            }
        }
    }

    /// The queue is empty: leaves the mark, unless something came meanwhile.
    fn came_meanwhile(&mut self) -> bool {
        // Read the mark before the queue: items come before the mark.
        let closed = self.input().writer_closed.load(Ordering::Acquire);
        let mut stream = false;
        if !self.input().reader_asleep.load(Ordering::Relaxed) {
            // Served by the writer's own thread there is no order to care about.
            let alone = self.input().filler.load(Ordering::Relaxed) == sys::thread_number();
            if self.weak && !alone && self.input().is_between_sockets() && self.gather() {
                return true;
            }
            stream = self.rx.taken() - self.dry_at >= STREAM && self.input().is_written_by_socket();
            self.input().reader_asleep.swap(true, Ordering::SeqCst);
            if self.weak {
                // Before the barrier, so that the writer knows after it.
                self.weak = stream;
                self.input().weak.store(stream, Ordering::Relaxed);
                if !alone {
                    membarrier::heavy();
                }
            }
        }
        // The writer publishes, then looks at the mark; we set the mark,
        // then look at what is published.
        fence(Ordering::SeqCst);
        if !self.rx.ready() {
            self.dry_at = self.rx.taken();
            self.ended = closed;
            if stream && !self.weak && membarrier::is_ready() {
                self.weak = true;
                self.input().weak.store(true, Ordering::Release);
            }
            return false;
        }
        self.input().reader_asleep.swap(false, Ordering::AcqRel);
        true
    }

    /// In a stream, the reader that is faster than its writer leaves that alone for a
    /// moment; a barrier, and a wake-up, would cost more than what may come. True if
    /// something came.
    #[cold]
    fn gather(&mut self) -> bool {
        (0..GATHERS).any(|_| {
            for _ in 0..PAUSES {
                std::hint::spin_loop();
            }
            self.rx.ready()
        })
    }

    /// The short way of [`check_read`](Self::check_read): true if a frame is known
    /// to be the next for the reader.
    #[inline]
    fn is_frame_next(&mut self) -> bool {
        self.rx.knows()
            && self.reader.is_inside()
            && !self.closed
            && !self.is_discarded()
            && !self.reader.is_over()
    }

    #[inline]
    fn is_discarded(&self) -> bool {
        self.rx.taken() < self.input().discard_until.load(Ordering::Relaxed)
    }

    /// Removes the next item if it is not a message for the reader.
    #[inline]
    fn skip_next(&mut self) -> bool {
        let discarded = self.is_discarded();
        let Some(msg) = self.rx.peek() else {
            return false;
        };
        let control = msg.has(flag::CONTROL);
        if msg.is_run() {
            self.enter_run();
            return true;
        }
        if !discarded && !control {
            return false;
        }
        self.skip(control);
        true
    }

    #[cold]
    fn enter_run(&mut self) {
        if let Some(run) = self.rx.pop_announcement() {
            self.reader.enter(run);
        }
    }

    /// Removes the next frame if it is void.
    #[inline]
    fn skip_frame(&mut self) -> bool {
        let discarded = self.is_discarded();
        if discarded {
            let mut msg = Msg::new();
            self.next_frame(&mut msg);
            self.count_read(msg.flags());
        }
        discarded
    }

    /// Moves the next frame to a message, in place of its body and marks.
    #[inline]
    fn next_frame(&mut self, into: &mut Msg) {
        // SAFETY: the callers know from `check_read` or `is_frame_next` that a unit is
        // shown, and that the reader is inside a run that is not over: it is a frame.
        unsafe { self.reader.next_into(into) };
        self.rx.count(1);
    }

    /// The short way of [`read_into`](Self::read_into): only if a frame is known to be
    /// next. Tells whether others follow in its message.
    #[inline]
    pub fn read_frame_into(&mut self, into: &mut Msg) -> Option<bool> {
        if !self.is_frame_next() {
            return None;
        }
        self.take_frame(into);
        Some(into.more())
    }

    /// Reads the next frame, which is known to be there.
    #[inline(always)]
    fn take_frame(&mut self, into: &mut Msg) {
        let bare = into.has(flag::BARE);
        self.next_frame(into);
        self.count_read(into.flags());
        into.refer_to(self.metadata.as_ref().filter(|_| !bare));
    }

    /// The same, but shows the body to `read`.
    #[inline]
    pub fn read_frame_with<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> Option<(R, bool)> {
        if !self.is_frame_next() {
            return None;
        }
        // SAFETY: as in next_frame.
        let (result, more) = unsafe { self.reader.next_with(read) };
        self.rx.count(1);
        self.count_whole(u64::from(!more));
        Some((result, more))
    }

    #[cold]
    fn skip(&mut self, control: bool) {
        if let Some(mut msg) = self.rx.pop() {
            if control {
                self.metadata = msg.take_metadata();
            } else {
                self.count_read(msg.flags());
            }
        }
    }

    #[cold]
    fn check_read_latest(&mut self) -> bool {
        let closed = self.input().writer_closed.load(Ordering::Acquire);
        // Marked first: a writer that fills the place afterwards will see it.
        self.input().reader_asleep.swap(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let full = self
            .input()
            .latest
            .as_ref()
            .is_some_and(|place| place.lock().is_some());
        self.ended = closed && !full;
        full
    }

    /// Whether the other end has written anything but its routing id that was
    /// not read yet.
    pub fn has_messages(&mut self) -> bool {
        let introduction = self.is_introduction_next();
        self.rx.waiting() > usize::from(introduction)
    }

    /// About how many message parts the other end has written that were not read.
    pub fn unread(&mut self) -> usize {
        self.rx.waiting()
    }

    pub(super) fn is_introduction_next(&mut self) -> bool {
        let peek = |rx: &mut Consumer<Msg>| rx.peek().is_some_and(|msg| msg.has(flag::ROUTING_ID));
        !self.reader.is_inside() && peek(&mut self.rx)
    }

    /// Reads a message part, with the connection's metadata attached.
    pub fn read(&mut self) -> Option<Msg> {
        let mut msg = Msg::new();
        self.read_into(&mut msg).then_some(msg)
    }

    /// As [`read`](Self::read), in place of the content of `into`, which stays
    /// if there is nothing. False then.
    #[inline]
    pub fn read_into(&mut self, into: &mut Msg) -> bool {
        let framed = self.is_frame_next();
        if !framed && !self.check_read() {
            return false;
        }
        if self.conflates {
            return self.read_latest(into);
        }
        if framed || self.reader.is_inside() {
            self.take_frame(into);
            return true;
        }
        let bare = into.has(flag::BARE);
        let held = into.vacate();
        if !self.rx.pop_into(into) {
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

    /// Takes the frames that wait at the front as they are on the wire (ZMTP 2 and
    /// later), whole messages if the last one is whole: no more than about `limit`
    /// bytes. `None` if a message that is no frame comes first, or none.
    pub fn take_frames(&mut self, limit: usize) -> Option<Frames<'_>> {
        if self.conflates || !self.check_read() || !self.reader.is_inside() {
            return None;
        }
        let parts = self.rx.waiting();
        // SAFETY: so many units are shown; they begin in this run (check_read) or
        // follow it. Aligned runs are written between sockets only.
        let (bytes, taken) = unsafe { self.reader.take(parts, limit) };
        // SAFETY: the bytes stay until the next use of the reader, which takes
        // `self` by exclusive reference, as the result does.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.as_ptr(), bytes.len()) };
        self.rx.count(taken.parts);
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

    /// Counts whole messages; at each low-water mark the writer is told.
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
        if packed != self.low_water.packed {
            self.low_water.renew(packed, self.read + 1);
        }
        self.read += messages;
        while self.read >= self.low_water.next {
            self.tell_writer();
        }
    }

    #[cold]
    fn tell_writer(&mut self) {
        let mark = self.low_water.next;
        self.low_water.next += self.low_water.step;
        self.low_water.told = mark;
        let channel = self.input();
        channel.read.store(mark, Ordering::SeqCst);
        // The writer marks itself, then looks at the count again.
        fence(Ordering::SeqCst);
        if channel.writer_lazy.load(Ordering::Relaxed)
            || channel.writer_asleep.swap(false, Ordering::SeqCst)
        {
            self.shared.notify(1 - self.side, event::WRITE);
        }
    }

    /// Drops what there is to read.
    pub(super) fn drain(&mut self) {
        while self.rx.ready() {
            if !self.reader.is_inside() {
                match self.rx.peek().is_some_and(Msg::is_run) {
                    true => self.enter_run(),
                    false => drop(self.rx.pop()),
                }
            } else if self.reader.is_over() {
                self.reader.leave();
            } else {
                self.next_frame(&mut Msg::new());
            }
        }
    }
}
