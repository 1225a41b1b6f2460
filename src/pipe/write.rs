//! The writing side of a pipe's end.

#![forbid(unsafe_code)]

use super::channel::Hwm;
use super::{MESSAGE_COST, PIPE_BATCH, PipeEnd, event};
use crate::message::{Metadata, Msg, Run, flag};
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
        if packed != self.limit.0 {
            self.limit = (packed, Hwm::limit(packed));
        }
        if self.limit.1.wrapping_sub(1) >= self.written - self.acknowledged || self.conflates {
            return true;
        }
        !self.lazy && self.has_room_now()
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
            self.acknowledged = self.output().read.load(Ordering::Relaxed);
            if limit == 0 || self.written - self.acknowledged < limit {
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
        self.lazy = true;
        self.output().writer_lazy.store(true, Ordering::Relaxed);
    }

    /// From now on short bodies are copied to runs. Not for a socket that sends subscriptions: the
    /// connection checks these one by one. A conflating pipe has no runs.
    pub fn set_framing(&mut self) {
        self.frames = !self.conflates;
        if self.output().is_between_sockets() {
            self.tx.align();
        }
    }

    /// Whether there is one place for a message in each direction, and no queue.
    pub fn conflates(&self) -> bool {
        self.conflates
    }

    /// Whether no message was written.
    pub fn is_untouched(&self) -> bool {
        self.written == 0
    }

    /// How many more messages can be written now, `usize::MAX` for no limit. Valid after
    /// [`check_write`](Self::check_write).
    pub fn room(&self) -> usize {
        match self.output().limit() {
            0 => usize::MAX,
            limit => limit.saturating_sub(self.written - self.acknowledged) as usize,
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

    /// As [`write`](Self::write), but takes the content out of `msg`, which is then empty. False if
    /// the pipe is full or closed; the content stays then.
    #[inline]
    pub fn write_from(&mut self, msg: &mut Msg) -> bool {
        self.check_write() && self.put(msg)
    }

    /// Writes a part without regard to the high-water mark.
    #[inline]
    pub fn write_unchecked(&mut self, mut msg: Msg) {
        self.put(&mut msg);
    }

    /// As [`write_unchecked`](Self::write_unchecked), but a copy of `msg`, or one
    /// that shares its body. False if there is no memory.
    #[inline]
    pub fn write_copy(&mut self, msg: &mut Msg) -> bool {
        (self.frames && msg.is_framable() && self.frame(msg)) || self.put(&mut msg.share())
    }

    /// False only if there is no memory; the message stays then.
    #[inline]
    fn put(&mut self, msg: &mut Msg) -> bool {
        if self.frames && msg.is_framable() && self.frame(msg) {
            msg.clear();
            return true;
        }
        self.put_item(msg)
    }

    fn put_item(&mut self, msg: &mut Msg) -> bool {
        if !msg.own() {
            return false;
        }
        msg.end_loan();
        let flags = msg.flags();
        if self.conflates {
            self.write_latest(msg.take());
            return true;
        }
        self.count_written(flags, msg.len());
        self.tx.push_from(msg);
        true
    }

    /// The short path of [`write_from`](Self::write_from) for a part that is only a body. False if
    /// there is no room in the pipe or in the run.
    #[inline(always)]
    pub fn write_frame(&mut self, body: &[u8], more: bool) -> bool {
        self.frames && self.check_write() && self.put_frame(body, if more { flag::MORE } else { 0 })
    }

    /// Copies a part to the run. False if there is no memory for one, or no room in the pipe's next
    /// run.
    #[inline]
    fn frame(&mut self, msg: &Msg) -> bool {
        let (body, flags) = (msg.data(), msg.flags());
        let room = self.tx.has_room(body.len()) || self.tx.begin_run(body.len());
        room && self.put_frame(body, flags)
    }

    /// Copies a part to the run. False if there is no room.
    #[inline(always)]
    fn put_frame(&mut self, body: &[u8], flags: u8) -> bool {
        let Some(place) = self.tx.place(body) else {
            return false;
        };
        self.load += body.len() + MESSAGE_COST;
        self.written += Self::counts(flags);
        place.put(flags & flag::MORE != 0);
        true
    }

    /// Writes the messages of a run. Not called within a multipart message.
    pub fn write_run(&mut self, run: Run) {
        let messages = run.messages();
        self.written += messages.count as u64;
        self.load += messages.len + messages.parts * MESSAGE_COST;
        self.tx.push_run(run);
    }

    #[inline]
    fn count_written(&mut self, flags: u8, len: usize) {
        self.load += len + MESSAGE_COST;
        self.written += Self::counts(flags);
    }

    /// What a part counts towards the high-water mark.
    #[inline]
    fn counts(flags: u8) -> u64 {
        let uncounted = flags & (flag::MORE | flag::ROUTING_ID | flag::CONTROL);
        u64::from(uncounted == 0)
    }

    #[cold]
    fn write_latest(&mut self, msg: Msg) {
        let more = msg.more();
        if let Some(place) = &self.output().latest {
            if !msg.has(flag::CONTROL) {
                *place.lock() = Some(msg);
                self.written += u64::from(!more);
            }
        }
    }

    /// From now on messages carry these connection properties.
    pub fn write_metadata(&mut self, metadata: Arc<Metadata>) {
        if self.conflates {
            return;
        }
        self.load += metadata.memory();
        let mut msg = Msg::new().with(flag::CONTROL);
        msg.set_metadata(Some(metadata));
        self.write_unchecked(msg);
    }

    /// Publishes what was written, and sends [`event::READ`] if the reader had run dry: the first
    /// handshake of the module `pipe`.
    #[inline(always)]
    pub fn flush(&mut self) {
        // Acquire pairs with the fence and the store in `came_meanwhile`: `reader_asleep`, set before
        // them, is visible too.
        let weak = self.output().weak.load(Ordering::Acquire);
        let news = self.tx.publish(weak) || self.conflates;
        if self.load >= PIPE_BATCH {
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
        self.tx.rollback();
    }

    /// Whether half a multipart message has been written.
    pub fn is_mid_message(&self) -> bool {
        self.tx.is_open()
    }

    /// The writer's answer to a hiccup: the reader skips everything written so far. The Release
    /// increment of `restarts` publishes `discard_until`. The reader is sent [`event::READ`] even if
    /// it has not run dry: it may have left what is void unread, and waits for the answer.
    pub fn restart(&mut self) {
        self.rollback();
        let channel = &self.shared.channels[self.side];
        channel
            .discard_until
            .store(self.tx.completed(), Ordering::Relaxed);
        self.tx.publish(false);
        channel.restarts.fetch_add(1, Ordering::Release);
        self.shared.notify(1 - self.side, event::READ);
    }
}
