//! The writing side of a pipe's end.

#![forbid(unsafe_code)]

use super::channel::Hwm;
use super::end::PipeEnd;
use super::event;
use crate::io_policy::tunables::{MESSAGE_COST, PIPE_BATCH};
use crate::message::{Metadata, Msg, Outgoing, Received, flag};
use crate::sync::atomic::{Ordering, fence};
use crate::sys;
use std::sync::Arc;

impl PipeEnd {
    /// Whether a message part can be written. If the pipe is full, the listener receives
    /// [`event::WRITE`] when there is room again; a socket's end has room only after it took that
    /// event.
    #[inline]
    pub fn check_write(&mut self) -> bool {
        if self.closed || self.output().reader_closed.load(Ordering::Relaxed) {
            return false;
        }
        let packed = self.output().hwm.load(Ordering::Relaxed);
        if packed != self.writer.limit.0 {
            self.writer.limit = (packed, Hwm::limit(packed));
        }
        if self.writer.limit.1.wrapping_sub(1) >= self.writer.written - self.writer.acknowledged
            || self.conflates
        {
            return true;
        }
        !self.writer.lazy && self.has_room_now()
    }

    /// Whether there is room by the reader's latest count. If not, the listener receives
    /// [`event::WRITE`] when there is.
    #[cold]
    pub fn has_room_now(&mut self) -> bool {
        if self.closed || self.output().reader_closed.load(Ordering::Relaxed) {
            return false;
        }
        for asleep in [false, true] {
            let limit = self.output().limit();
            self.writer.acknowledged = self.output().read.load(Ordering::Relaxed);
            if limit == 0 || self.writer.written - self.writer.acknowledged < limit {
                if asleep {
                    self.output().writer_asleep.store(false, Ordering::Relaxed);
                }
                return true;
            }
            // The second handshake of the module `pipe`: the flag is set, then the count and the
            // limit are reloaded.
            self.output().writer_asleep.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst);
        }
        false
    }

    /// This end is a socket's: its HWM credit is refreshed only when it takes a WRITE event, which
    /// comes at each low-water mark. So a fast sender reaches its high-water mark where the option
    /// says, however fast the reader is, as in libzmq. Called before this end writes:
    /// what it publishes then orders the mark.
    pub fn set_lazy(&mut self) {
        self.writer.lazy = true;
        self.output().writer_lazy.store(true, Ordering::Relaxed);
    }

    /// From now on short bodies are copied to runs. Not for a socket that sends subscriptions: the
    /// connection checks these one by one. A conflating pipe has no runs.
    pub fn set_framing(&mut self) {
        self.writer.frames = !self.conflates;
        if self.output().is_between_sockets() {
            self.writer.parts.align();
        }
    }

    /// Whether there is one place for a message in each direction, and no queue.
    pub fn conflates(&self) -> bool {
        self.conflates
    }

    /// Whether no message was written.
    pub fn is_untouched(&self) -> bool {
        self.writer.written == 0
    }

    /// How many more messages can be written now, `usize::MAX` for no limit. Valid after
    /// [`check_write`](Self::check_write).
    pub fn room(&self) -> usize {
        match self.output().limit() {
            0 => usize::MAX,
            limit => limit.saturating_sub(self.writer.written - self.writer.acknowledged) as usize,
        }
    }

    /// Writes a message part; the message comes back if the pipe is full or closed. The reader sees
    /// whole messages, after [`flush`](Self::flush).
    #[inline]
    pub fn write(&mut self, mut msg: Msg) -> Result<(), Msg> {
        match self.write_from(&mut msg) {
            true => Ok(()),
            false => Err(msg),
        }
    }

    /// As [`write`](Self::write), but takes the content out of `part`, which is then empty. False if
    /// the pipe is full or closed; the content stays then.
    #[inline(always)]
    pub fn write_from<P: Outgoing>(&mut self, part: &mut P) -> bool {
        self.check_write() && self.put(part)
    }

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub fn write_unchecked(&mut self, mut msg: Msg) {
        self.put(&mut msg);
    }

    /// As [`write_unchecked`](Self::write_unchecked), but a copy of `part`, or one
    /// that shares its body. False if there is no memory.
    #[inline]
    pub fn write_copy<P: Outgoing>(&mut self, part: &mut P) -> bool {
        self.frame(part) || part.copy_msg().is_some_and(|msg| self.put_item(msg))
    }

    /// False only if there is no memory; the part stays then.
    #[inline(always)]
    fn put<P: Outgoing>(&mut self, part: &mut P) -> bool {
        if self.frame(part) {
            part.clear();
            return true;
        }
        part.take_msg().is_some_and(|msg| self.put_item(msg))
    }

    fn put_item(&mut self, msg: Msg) -> bool {
        if self.conflates {
            self.write_latest(msg);
            return true;
        }
        self.count_written(msg.flags(), msg.len());
        self.writer.parts.push(msg);
        true
    }

    /// Copies a part to a run. False if it is none for a run, or there is no memory for one.
    #[inline(always)]
    fn frame<P: Outgoing>(&mut self, part: &P) -> bool {
        if !self.writer.frames || !part.is_framable() {
            return false;
        }
        let body = part.body();
        let parts = &mut self.writer.parts;
        if !parts.has_room(body.len()) && !parts.begin_run(body.len()) {
            return false;
        }
        let Some(place) = parts.place(body) else {
            return false;
        };
        self.writer.load += body.len() + MESSAGE_COST;
        self.writer.written += u64::from(!part.more());
        place.put(part.more());
        true
    }

    /// Writes the messages of a run. Not called within a multipart message.
    pub fn write_run(&mut self, received: Received) {
        let messages = received.messages();
        self.writer.written += messages.count as u64;
        self.writer.load += messages.len + messages.parts * MESSAGE_COST;
        self.writer.parts.push_run(received);
    }

    /// Counts a part. What is no message of the application does not count towards the high-water
    /// mark.
    #[inline]
    fn count_written(&mut self, flags: u8, len: usize) {
        self.writer.load += len + MESSAGE_COST;
        self.writer.written += u64::from(flags & (flag::MORE | flag::ROUTING_ID) == 0);
    }

    #[cold]
    fn write_latest(&mut self, msg: Msg) {
        let more = msg.more();
        if let Some(place) = &self.output().latest {
            *place.lock() = Some(msg);
            self.writer.written += u64::from(!more);
        }
    }

    /// From now on messages carry these connection properties.
    pub fn write_metadata(&mut self, metadata: Arc<Metadata>) {
        if self.conflates {
            return;
        }
        self.writer.load += metadata.memory() + MESSAGE_COST;
        self.writer.parts.push_metadata(metadata);
    }

    /// Publishes what was written, and sends [`event::READ`] if the reader had run dry: the first
    /// handshake of the module `pipe`.
    #[inline(always)]
    pub fn flush(&mut self) {
        // Acquire pairs with the fence and the store in `came_meanwhile`: `reader_asleep`, set before
        // them, is visible too.
        let weak = self.output().weak.load(Ordering::Acquire);
        let news = self.writer.parts.publish(weak) || self.conflates;
        if self.writer.load >= PIPE_BATCH {
            return self.fill_reader();
        }
        if news && self.output().reader_asleep.load(Ordering::SeqCst) {
            self.wake_reader();
        }
    }

    /// Has the reader served, or wakes it. Release: a reader whose next exchange of the flag reads
    /// this one sees what is published.
    #[cold]
    fn fill_reader(&mut self) {
        self.keep_ledger();
        let asleep = self.output().reader_asleep.swap(false, Ordering::Release);
        let listener = self.shared.sides[1 - self.side].listener.get();
        let filler = &self.output().filler;
        filler.store(sys::thread_number(), Ordering::Relaxed);
        let served = listener.is_some_and(|(listener, token)| listener.pipe_filling(*token));
        filler.store(0, Ordering::Relaxed);
        if asleep && !served {
            self.shared.notify(1 - self.side, event::READ);
        }
    }

    /// Relaxed: the load of the flag in [`flush`](Self::flush) came after what is published.
    #[cold]
    fn wake_reader(&self) {
        if self.output().reader_asleep.swap(false, Ordering::Relaxed) {
            self.shared.notify(1 - self.side, event::READ);
        }
    }

    /// Takes back the parts of an unfinished message.
    pub fn rollback(&mut self) {
        self.writer.parts.rollback();
    }

    /// Whether half a multipart message has been written.
    pub fn is_mid_message(&self) -> bool {
        self.writer.parts.is_open()
    }

    /// The writer's answer to a hiccup: the reader skips everything written so far. The Release
    /// increment of `restarts` publishes `discard_until`. The reader is sent [`event::READ`] even if
    /// it has not run dry: it may have left what is void unread, and waits for the answer.
    pub fn restart(&mut self) {
        self.rollback();
        let channel = &self.shared.channels[self.side];
        channel
            .discard_until
            .store(self.writer.parts.completed(), Ordering::Relaxed);
        self.writer.parts.publish(false);
        channel.restarts.fetch_add(1, Ordering::Release);
        self.shared.notify(1 - self.side, event::READ);
    }
}
