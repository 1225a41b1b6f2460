//! A connection's stream, and what the kernel knows of it.

#![forbid(unsafe_code)]

use crate::io_policy::tunables::LOW_WATER;
use crate::sys;
use crate::transport::{ByteStream, Dial};
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};

/// The descriptor of a connection.
#[derive(Default)]
pub(super) enum Stream {
    #[default]
    None,
    /// A connect is under way.
    Dial(Box<Dial>),
    /// Bytes may flow.
    Open(ByteStream),
}

/// How many bytes make a stream readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum LowWater {
    #[default]
    One,
    WakeUp,
    /// One, and it cannot be changed.
    Fixed,
}

/// A stream and its state outside of the protocol. It starts anew with each stream.
#[derive(Default)]
pub(super) struct Wire {
    pub stream: Stream,
    /// The reactor knows the stream's descriptor.
    pub registered: bool,
    /// The armed interest (read, write); `None` when an event has consumed it.
    pub armed: Option<(bool, bool)>,
    /// The stream is full: the last write was partial or would block.
    pub blocked: bool,
    /// The sending thread waits until `blocked` ends, see [`super::work::SENDER_WAITS`].
    pub sender_waits: bool,
    /// The kernel's send queue was limited, see `Stream::limit_send_queue`.
    pub queue_limited: bool,
    low_water: LowWater,
    /// Bytes written.
    pub written: u64,
    /// Bytes that had reached the peer at the last check.
    taken: u64,
}

impl Wire {
    pub(super) fn of(stream: Stream) -> Wire {
        Wire {
            stream,
            ..Wire::default()
        }
    }

    /// The descriptor's number, for the reports.
    pub(super) fn fd(&self) -> RawFd {
        match &self.stream {
            Stream::None => -1,
            Stream::Dial(dial) => dial.as_raw_fd(),
            Stream::Open(stream) => stream.as_raw_fd(),
        }
    }

    /// Whether the stream holds input that does not make its descriptor readable.
    #[inline]
    pub(super) fn has_buffered_input(&self) -> bool {
        matches!(&self.stream, Stream::Open(stream) if stream.has_buffered_input())
    }

    /// Whether the stream holds output that the kernel has yet to get.
    #[inline]
    pub(super) fn has_pending_output(&self) -> bool {
        matches!(&self.stream, Stream::Open(stream) if stream.has_pending_output())
    }

    /// Whether output is still on its way (some of it in the machine if `pending`), and some
    /// of it has reached the peer since the last check.
    pub(super) fn peer_takes_in(&mut self, pending: bool) -> bool {
        let Stream::Open(stream) = &self.stream else {
            return false;
        };
        let on_its_way = sys::unsent(stream.as_fd());
        let taken = self.written.saturating_sub(on_its_way);
        let before = std::mem::replace(&mut self.taken, taken);
        taken > before && (on_its_way > 0 || pending)
    }

    /// Before a wait for the stream: one wake-up for [`LOW_WATER`] bytes of a long body, and
    /// never for more than are `missing`.
    ///
    /// # Errors
    /// The stream might not become readable again.
    pub(super) fn set_low_water(&mut self, missing: usize) -> io::Result<()> {
        let (wanted, bytes) = match missing >= 2 * LOW_WATER as usize {
            true => (LowWater::WakeUp, LOW_WATER),
            false => (LowWater::One, 1),
        };
        let Stream::Open(stream) = &self.stream else {
            return Ok(());
        };
        if self.low_water == wanted || self.low_water == LowWater::Fixed {
            return Ok(());
        }
        self.low_water = match stream.set_low_water(bytes) {
            Ok(true) => wanted,
            Err(error) if self.low_water == LowWater::WakeUp => return Err(error),
            Ok(false) | Err(_) => LowWater::Fixed,
        };
        Ok(())
    }
}
