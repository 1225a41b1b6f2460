//! Runs of short messages: frames one after the other in a [`Block`](super::Block), laid out as on
//! the wire by ZMTP 2 and later (`frame.rs`).
//!
//! A sender copies a body once, behind the frame before it ([`writer`]), and a connection passes all
//! of these bytes to the kernel as they are. A reading connection does not touch bodies either: it
//! checks its input for whole frames ([`scan`]) and passes them on as a run, from which the receiver
//! takes its messages ([`reader`]).
//!
//! Invariant: the reader reads only frames that are published, which the pipe counts
//! (`pipe/parts.rs`); the writer writes only behind them. The published count of the queue orders
//! the two.

pub(super) mod reader;
pub(super) mod scan;
pub(super) mod writer;

use super::block::Header;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// References to its block that a run starts with: more than slices are handed out, each of which
/// has more than [`INLINE_MAX`](super::INLINE_MAX) bytes of at most [`LONGEST`].
const REFS: usize = 1 << 20;
/// The most bytes in a run.
const LONGEST: usize = 32 * 1024 * 1024;

const _: () = assert!(LONGEST / super::msg::INLINE_MAX < REFS);

/// In place of a frame's flags: the run is over. No frame has any of the upper bits set.
const END: u8 = 0xff;
/// In place of a frame's flags, with a number below 16 added: so many bytes, this one included, are
/// unused.
const GAP: u8 = 0x80;

/// A run, with [`REFS`] references to its block, from which the slices are taken that the reader
/// hands out.
pub struct Run {
    pub(super) start: *const u8,
    pub(super) end: *const u8,
    block: NonNull<Header>,
}

// SAFETY: the pointers are into the block, to which this holds references.
unsafe impl Send for Run {}
// SAFETY: shared access does not dereference the pointers.
unsafe impl Sync for Run {}

impl Run {
    /// The addresses of start and end, and the block. The caller takes over the references.
    fn into_parts(self) -> (*const u8, *const u8, NonNull<Header>) {
        let run = ManuallyDrop::new(self);
        (run.start, run.end, run.block)
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        // SAFETY: this holds so many references, and gives them up.
        unsafe { Header::release(self.block, REFS) };
    }
}
