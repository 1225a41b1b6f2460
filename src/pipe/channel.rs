//! What the two ends of a pipe share, except the queues.

#![forbid(unsafe_code)]

use super::event::{self, Listener};
use super::ledger::Ledger;
use crate::message::Msg;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering, fence};
use crate::sync::{Mutex, SetOnce};
use std::sync::Arc;

/// High-water mark settings of one direction, in messages; 0 means no limit.
#[derive(Clone, Copy, Debug)]
pub struct Hwm {
    /// `ZMQ_SNDHWM` of the writing socket, or `None` if a connection writes.
    pub snd: Option<i32>,
    /// `ZMQ_RCVHWM` of the reading socket, or `None` if a connection reads.
    pub rcv: Option<i32>,
}

impl Hwm {
    /// Both settings in one word, -1 for an absent one: `snd` in the high half, `rcv` in the low.
    pub(super) fn pack(self) -> u64 {
        let [snd, rcv] = [self.snd, self.rcv].map(|part| u64::from(part.unwrap_or(-1) as u32));
        snd << 32 | rcv
    }

    /// The limit in messages, 0 for none: the sum of both parts, none if
    /// either part is unlimited.
    #[inline]
    pub(super) fn limit(packed: u64) -> u64 {
        let (snd, rcv) = ((packed >> 32) as i32, packed as i32);
        if snd == 0 || rcv == 0 {
            return 0;
        }
        (snd.max(0) as u64) + (rcv.max(0) as u64)
    }
}

/// The low-water marks: when the reader returns HWM credit to the writer.
pub(super) struct LowWater {
    /// The settings that `step` was computed from.
    pub(super) packed: u64,
    /// Messages from one mark to the next: half the limit.
    pub(super) step: u64,
    /// The count of messages read at the next mark.
    pub(super) next: u64,
    /// The count last returned to the writer.
    pub(super) credited: u64,
}

impl LowWater {
    #[cold]
    pub(super) fn renew(&mut self, packed: u64, read: u64) {
        self.packed = packed;
        self.step = Hwm::limit(packed).div_ceil(2);
        self.next = match self.step {
            0 => u64::MAX,
            // Counted from the last credit: however often the settings change, the credit is not
            // deferred beyond what the writer may have in flight.
            step => (self.credited + step).max(read),
        };
    }
}

/// Shared state of one direction.
pub(super) struct Channel {
    /// The settings, see [`Hwm::pack`].
    pub(super) hwm: AtomicU64,
    /// Messages read, as of the last low-water mark. Stored by the reader.
    pub(super) read: AtomicU64,
    pub(super) reader_asleep: AtomicBool,
    /// Asymmetric-fence mode: the writer publishes with a plain Release store. The reader, which
    /// alone sets this, makes up for it with `membarrier` between its store to `reader_asleep` and
    /// its recheck.
    pub(super) weak: AtomicBool,
    /// The writing thread while it has the reader served, else 0. A reader served by that very
    /// thread needs no barrier: program order suffices.
    pub(super) filler: AtomicUsize,
    pub(super) writer_asleep: AtomicBool,
    /// The writer is sent [`event::WRITE`] at every low-water mark, see
    /// [`set_lazy`](super::PipeEnd::set_lazy).
    pub(super) writer_lazy: AtomicBool,
    pub(super) writer_closed: AtomicBool,
    pub(super) reader_closed: AtomicBool,
    /// The reader skips units before this position (after a hiccup).
    pub(super) discard_until: AtomicUsize,
    /// Hiccups the writer has answered.
    pub(super) restarts: AtomicUsize,
    /// The single place of a conflating channel, which has no queue.
    pub(super) latest: Option<Box<Mutex<Option<Msg>>>>,
}

impl Channel {
    pub(super) fn new(hwm: Hwm, conflate: bool) -> Channel {
        Channel {
            hwm: AtomicU64::new(hwm.pack()),
            read: AtomicU64::new(0),
            reader_asleep: AtomicBool::new(true),
            weak: AtomicBool::new(false),
            filler: AtomicUsize::new(0),
            writer_asleep: AtomicBool::new(false),
            writer_lazy: AtomicBool::new(false),
            writer_closed: AtomicBool::new(false),
            reader_closed: AtomicBool::new(false),
            discard_until: AtomicUsize::new(0),
            restarts: AtomicUsize::new(0),
            latest: conflate.then(|| Box::new(Mutex::new(None))),
        }
    }

    /// Whether a socket writes, one message at a time.
    pub(super) fn is_written_by_socket(&self) -> bool {
        (self.hwm.load(Ordering::Relaxed) >> 32) as i32 >= 0
    }

    /// Whether both ends belong to sockets.
    pub(super) fn is_between_sockets(&self) -> bool {
        let packed = self.hwm.load(Ordering::Relaxed);
        (packed >> 32) as i32 >= 0 && packed as i32 >= 0
    }

    #[inline]
    pub(super) fn limit(&self) -> u64 {
        Hwm::limit(self.hwm.load(Ordering::Relaxed))
    }
}

pub(super) struct Side {
    pub(super) listener: SetOnce<(Arc<dyn Listener>, usize)>,
    pub(super) events: AtomicU8,
}

pub(super) struct Shared {
    pub(super) channels: [Channel; 2],
    pub(super) sides: [Side; 2],
    /// What a connection, which has one of the ends at most, has written.
    pub(super) ledger: Mutex<Ledger>,
    pub(super) refused: AtomicBool,
    pub(super) withdrawn: AtomicBool,
    pub(super) peer_left: AtomicBool,
    /// What a side is to write last, see [`set_farewell`](super::PipeEnd::set_farewell).
    pub(super) farewell: SetOnce<(usize, Box<[u8]>)>,
}

impl Shared {
    pub(super) fn notify(&self, side: usize, event: u8) {
        let side = &self.sides[side];
        // An inquiry waits for its answer, so it calls the listener even if other events are
        // pending. Release pairs with the Acquire in `PipeEnd::take_events`: what led to the event
        // is visible. The fence: see `PipeEnd::set_listener`.
        let before = side.events.fetch_or(event, Ordering::Release);
        if before == 0 || event == event::INQUIRY {
            fence(Ordering::SeqCst);
            if let Some((listener, token)) = side.listener.get() {
                match event {
                    event::WRITE | event::INQUIRY => listener.pipe_drained(*token),
                    _ => listener.pipe_event(*token),
                }
            }
        }
    }
}
