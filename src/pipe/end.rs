//! One end of a pipe, its events and its close.

#![forbid(unsafe_code)]

use super::channel::{Channel, Hwm, LowWater, Shared, Side};
use super::event::{self, Listener};
use super::parts::{PartReader, PartWriter, parts};
use crate::message::Metadata;
use crate::sync::atomic::{AtomicBool, AtomicU8, Ordering, fence};
use crate::sync::{Mutex, SetOnce};
use std::sync::Arc;

/// One end of a pipe.
pub struct PipeEnd {
    pub(super) shared: Arc<Shared>,
    pub(super) side: usize,
    pub(super) writer: Writer,
    pub(super) reader: Reader,
    pub(super) closed: bool,
    /// There is one place for a message in each direction, and no queue.
    pub(super) conflates: bool,
    /// The peer's routing id as the pattern knows it; for the pattern's use only.
    pub routing_id: Vec<u8>,
}

/// What an end keeps for writing.
pub(super) struct Writer {
    pub(super) parts: PartWriter,
    /// Whole messages written, and how many of them are known to be read: the HWM credit.
    pub(super) written: u64,
    pub(super) acknowledged: u64,
    /// The packed high-water marks as last loaded, and the limit that follows.
    pub(super) limit: (u64, u64),
    /// Bytes written since the last [`Listener::pipe_filling`], see `PIPE_BATCH`.
    pub(super) load: usize,
    /// HWM credit is refreshed on WRITE events only, see [`PipeEnd::set_lazy`].
    pub(super) lazy: bool,
    /// Short bodies are copied to runs.
    pub(super) frames: bool,
}

impl Writer {
    fn new(parts: PartWriter) -> Writer {
        Writer {
            parts,
            written: 0,
            acknowledged: 0,
            limit: (u64::MAX, 0),
            load: 0,
            lazy: false,
            frames: false,
        }
    }
}

/// What an end keeps for reading.
pub(super) struct Reader {
    pub(super) parts: PartReader,
    /// Whole messages read.
    pub(super) read: u64,
    pub(super) low_water: LowWater,
    /// Hiccups announced by this end.
    pub(super) hiccups: usize,
    /// Everything was read, and there will be no more.
    pub(super) ended: bool,
    /// The input is published with an asymmetric fence, see [`Channel::weak`].
    pub(super) weak: bool,
    /// Units read when the reader last ran dry.
    pub(super) dry_at: usize,
    pub(super) metadata: Option<Arc<Metadata>>,
}

impl Reader {
    fn new(parts: PartReader) -> Reader {
        Reader {
            parts,
            read: 0,
            // For no limit: differs from any packed setting, so that the first read renews it.
            low_water: LowWater {
                packed: 0,
                step: 0,
                next: u64::MAX,
                credited: 0,
            },
            hiccups: 0,
            ended: false,
            weak: false,
            dry_at: 0,
            metadata: None,
        }
    }
}

/// A pipe: the ends of two sockets, or of a socket (first) and its connection
/// (second). `forward` is the direction from the first to the second end.
/// A conflating direction holds only the latest single-part message.
pub fn pair(forward: Hwm, backward: Hwm, conflate: bool) -> (PipeEnd, PipeEnd) {
    let side = || Side {
        listener: SetOnce::new(),
        events: AtomicU8::new(0),
    };
    let shared = Arc::new(Shared {
        channels: [
            Channel::new(forward, conflate),
            Channel::new(backward, conflate),
        ],
        sides: [side(), side()],
        ledger: Mutex::default(),
        refused: AtomicBool::new(false),
        withdrawn: AtomicBool::new(false),
        peer_left: AtomicBool::new(false),
        farewell: SetOnce::new(),
    });
    let (tx0, rx1) = parts();
    let (tx1, rx0) = parts();
    let end = |side, tx, rx| PipeEnd {
        shared: shared.clone(),
        side,
        writer: Writer::new(tx),
        reader: Reader::new(rx),
        closed: false,
        conflates: conflate,
        routing_id: Vec::new(),
    };
    (end(0, tx0, rx0), end(1, tx1, rx1))
}

impl PipeEnd {
    #[inline]
    pub(super) fn output(&self) -> &Channel {
        match self.side {
            0 => &self.shared.channels[0],
            _ => &self.shared.channels[1],
        }
    }

    #[inline]
    pub(super) fn input(&self) -> &Channel {
        match self.side {
            0 => &self.shared.channels[1],
            _ => &self.shared.channels[0],
        }
    }

    /// Registers the receiver of this end's events, once for its life, and calls it if there are
    /// events already.
    ///
    /// Dekker: this stores the listener; SeqCst fence; loads the events. `Shared::notify` stores
    /// the event; SeqCst fence; loads the listener.
    pub fn set_listener(&self, listener: Arc<dyn Listener>, token: usize) {
        let side = &self.shared.sides[self.side];
        if side.listener.set((listener, token)).is_ok() {
            fence(Ordering::SeqCst);
            if side.events.load(Ordering::Relaxed) != 0 {
                if let Some((listener, token)) = side.listener.get() {
                    listener.pipe_event(*token);
                }
            }
        }
    }

    /// Takes the pending events, see [`event`]. [`event::WRITE`] refreshes the HWM credit. Acquire
    /// pairs with the Release in `Shared::notify`.
    pub fn take_events(&mut self) -> u8 {
        let events = self.shared.sides[self.side]
            .events
            .swap(0, Ordering::Acquire);
        if events & event::WRITE != 0 {
            self.writer.acknowledged = self.output().read.load(Ordering::Relaxed);
        }
        events
    }

    /// Ends both directions, except that what the other end has written until now can still be
    /// read.
    pub fn shut(&mut self) {
        self.end_both();
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Closes this end: what was written remains for the other end to read,
    /// what was not read is dropped. Idempotent.
    pub fn close(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        self.write_farewell();
        self.end_both();
        self.reader.parts.drain();
        self.shared.notify(1 - self.side, event::CLOSED);
    }

    /// Marks both directions as ended, after what was written is published.
    fn end_both(&mut self) {
        self.rollback();
        self.writer.parts.publish(false);
        self.keep_ledger();
        self.input().reader_closed.store(true, Ordering::Relaxed);
        // Release pairs with the Acquire loads of this mark: all messages are published, and
        // `reader_closed` is set, before it.
        self.output().writer_closed.store(true, Ordering::Release);
    }

    /// Whether the other end has closed and everything was read, or this end has closed.
    pub fn is_ended(&self) -> bool {
        self.reader.ended || self.closed
    }

    /// Whether the other end has closed (there may be messages left to read). Acquire pairs with
    /// the store in `shut` and `close`: all messages are published before it.
    pub fn is_peer_closed(&self) -> bool {
        self.input().writer_closed.load(Ordering::Acquire)
    }

    /// The reading end lost its connection: everything not yet read is void, and the writer is to
    /// start anew. The reader continues with what the writer writes after its
    /// [`restart`](Self::restart).
    pub fn hiccup(&mut self) {
        self.reader.hiccups += 1;
        self.shared.notify(1 - self.side, event::HICCUP);
    }

    /// Whether the writer has still to answer a [`hiccup`](Self::hiccup). Acquire pairs with the
    /// Release increment in [`restart`](Self::restart): `discard_until` is visible.
    pub fn awaits_restart(&self) -> bool {
        self.input().restarts.load(Ordering::Acquire) < self.reader.hiccups
    }

    /// Sets this side's part of the limits: `ZMQ_SNDHWM` for writing and
    /// `ZMQ_RCVHWM` for reading.
    pub fn set_hwm(&self, snd: i32, rcv: i32) {
        for (side, shift, value) in [(self.side, 32, snd), (1 - self.side, 0, rcv)] {
            let channel = &self.shared.channels[side];
            let value = u64::from(value as u32) << shift;
            let others = !(u64::from(u32::MAX) << shift);
            // A part that is not set belongs to a connection. Never fails.
            let _ = channel
                .hwm
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |hwm| {
                    Some((hwm & others) | value)
                });
            fence(Ordering::SeqCst);
            // The writer may have room now: settings stored, then fence, then its flag loaded. The
            // writer sets its flag, then fence, then rechecks, see the module.
            if channel.writer_lazy.load(Ordering::Relaxed)
                || channel.writer_asleep.swap(false, Ordering::Relaxed)
            {
                self.shared.notify(side, event::WRITE);
            }
        }
    }

    /// Properties of the connection behind the message read last.
    pub fn metadata(&self) -> Option<&Arc<Metadata>> {
        self.reader.metadata.as_ref()
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.close();
    }
}
