//! Writes frames behind each other, in blocks of its own.

use super::super::block::{Block, Header};
use super::super::msg::INLINE_MAX;
use super::super::{copy, frame};
use super::{END, GAP, REFS, Run};
use std::ptr::{self, NonNull};

/// Longer bodies are not copied to a run.
pub const FRAMED_MAX: usize = 2 * 1024;

/// Capacity in bytes of a writer's first and largest block.
const FIRST_BLOCK: usize = 128;
const LAST_BLOCK: usize = 64 * 1024;
/// Bodies that will be handed out as slices begin at multiples of this, if the writer is
/// [aligned](FrameWriter::align).
const ALIGN: usize = 8;

/// Bytes that a run must have left for a body: for its frame, a gap before it of less than
/// [`ALIGN`], and the [`END`].
#[inline]
fn space_for(body: usize) -> usize {
    frame::header_len(body) + body + ALIGN
}

/// The writing side: owns the blocks of its runs.
pub struct FrameWriter {
    block: Option<Block>,
    /// The previous block, used again when all references to it are released.
    spare: Option<Block>,
    /// Where the next frame goes, and the end of the space for it; equal while no run is open.
    next: *mut u8,
    end: *mut u8,
    aligned: bool,
    group: Option<Group>,
}

/// Where the first frame of an unfinished multipart message is, and a reference to that block once
/// its run is over.
struct Group {
    start: NonNull<u8>,
    kept: Option<Kept>,
}

struct Kept(NonNull<Header>);

impl Drop for Kept {
    fn drop(&mut self) {
        // SAFETY: this owns one reference, taken by `keep_group`.
        unsafe { Header::release(self.0, 1) };
    }
}

// SAFETY: the pointers are into blocks that the writer owns or holds references to, to bytes that
// were not published to the reader.
unsafe impl Send for FrameWriter {}
// SAFETY: shared access does not dereference the pointers.
unsafe impl Sync for FrameWriter {}

impl Default for FrameWriter {
    /// A writer without memory.
    fn default() -> FrameWriter {
        FrameWriter {
            block: None,
            spare: None,
            next: ptr::null_mut(),
            end: ptr::null_mut(),
            aligned: false,
            group: None,
        }
    }
}

impl FrameWriter {
    /// From now on the bodies of slices begin at multiples of eight bytes.
    pub fn align(&mut self) {
        self.aligned = true;
    }

    /// Whether the open run has room for a body.
    #[inline]
    pub fn has_room(&self, body: usize) -> bool {
        let room = self.end as usize - self.next as usize;
        space_for(body) <= room
    }

    /// Ends the open run and begins one with room for a body. The caller must queue it
    /// behind what was written before. `None` if there is no memory, or if the body is
    /// longer than [`FRAMED_MAX`].
    #[cold]
    pub fn begin(&mut self, body: usize) -> Option<Run> {
        if body > FRAMED_MAX {
            return None;
        }
        self.close();
        let need = space_for(body);
        let from = self.next as usize;
        let room = self.block.as_ref().map_or(0, |block| block.end() - from);
        if room < need {
            self.renew(need)?;
        }
        let block = self.block.as_mut()?;
        self.end = block.end() as *mut u8;
        Some(Run {
            start: self.next,
            end: self.end,
            block: block.give(block.capacity(), REFS),
        })
    }

    /// Replaces the block by another, four times as large up to a limit.
    fn renew(&mut self, need: usize) -> Option<()> {
        let last = self.block.as_ref().map_or(0, Block::capacity);
        let size = (last * 4).clamp(FIRST_BLOCK, LAST_BLOCK).max(need);
        let mut spare = self.spare.take();
        let fits = |spare: &mut Block| spare.capacity() >= size && spare.reclaim();
        let fresh = match spare.as_mut().is_some_and(fits) {
            true => spare?,
            false => Block::new(size)?,
        };
        self.next = fresh.base().as_ptr();
        self.end = self.next;
        self.spare = self.block.replace(fresh);
        Some(())
    }

    /// The place for a body behind the last frame, if there is [room](Self::has_room).
    #[inline(always)]
    pub fn place<'a>(&'a mut self, body: &'a [u8]) -> Option<Place<'a>> {
        match self.has_room(body.len()) {
            true => Some(Place { writer: self, body }),
            false => None,
        }
    }

    /// Copies a body behind the last frame.
    ///
    /// # Safety
    /// There is [room](Self::has_room).
    #[inline]
    unsafe fn put(&mut self, more: bool, body: &[u8]) {
        let len = body.len();
        // SAFETY: there is `space_for` the frame, a gap before it and an END behind it, so all writes
        // are in the block, in bytes that the reader was not shown.
        unsafe {
            let mut at = self.next;
            if self.aligned && len > INLINE_MAX {
                at = leave_gap(at, frame::header_len(len));
            }
            at = frame::encode(u8::from(more), len, |header| {
                ptr::copy_nonoverlapping(header.as_ptr(), at, header.len());
                at.add(header.len())
            });
            copy::copy(body.as_ptr(), at, len);
            self.next = at.add(len);
        }
    }

    /// Ends the open run, if there is one: the reader then continues with the next item.
    #[inline]
    pub fn close(&mut self) {
        if self.next == self.end {
            return;
        }
        self.keep_group();
        // SAFETY: `space_for` counts one byte for the END.
        unsafe {
            self.next.write(END);
            self.next = self.next.add(1);
        }
        self.end = self.next;
    }

    /// Before the end of a run: keeps its block if an unfinished multipart message begins there.
    fn keep_group(&mut self) {
        if let (Some(group), Some(block)) = (&mut self.group, &self.block) {
            if group.kept.is_none() {
                group.kept = Some(Kept(block.keep()));
            }
        }
    }

    /// What follows belongs to a multipart message, until [`complete`](Self::complete) or
    /// [`rollback`](Self::rollback).
    #[inline]
    pub fn begin_group(&mut self) {
        let open = self.next != self.end;
        self.group = NonNull::new(self.next)
            .filter(|_| open)
            .map(|start| Group { start, kept: None });
    }

    /// The multipart message is whole.
    #[inline]
    pub fn complete(&mut self) {
        self.group = None;
    }

    /// Discards the frames of the unfinished multipart message. Runs that began in it are discarded
    /// with the items that hold them.
    ///
    /// # Safety
    /// Nothing written since the group began was published to the reader.
    pub unsafe fn rollback(&mut self) {
        match self.group.take() {
            Some(Group { start, kept: None }) => self.next = start.as_ptr(),
            Some(Group { start, kept }) => {
                // SAFETY: the reference keeps the block alive, and the reader was not shown this
                // byte.
                unsafe { start.as_ptr().write(END) };
                drop(kept);
                self.end = self.next;
            }
            None => self.end = self.next,
        }
    }
}

/// The place that a body is copied to.
pub struct Place<'a> {
    writer: &'a mut FrameWriter,
    body: &'a [u8],
}

impl Place<'_> {
    /// As [`FrameWriter::begin_group`].
    #[inline]
    pub fn begin_group(&mut self) {
        self.writer.begin_group();
    }

    /// As [`FrameWriter::complete`].
    #[inline]
    pub fn complete(&mut self) {
        self.writer.complete();
    }

    /// Copies the body. `more`: further parts follow in its message.
    #[inline(always)]
    pub fn put(self, more: bool) {
        // SAFETY: `FrameWriter::place` checked for room, and the writer has been borrowed since.
        unsafe { self.writer.put(more, self.body) };
    }
}

/// Writes a gap, if one is needed for an aligned body, and returns where the frame begins.
///
/// # Safety
/// The [`ALIGN`] bytes from `at` on can be written.
#[inline]
unsafe fn leave_gap(at: *mut u8, header: usize) -> *mut u8 {
    let gap = (at as usize + header).next_multiple_of(ALIGN) - (at as usize + header);
    if gap > 0 {
        // SAFETY: the byte can be written, by the caller's promise.
        unsafe { at.write(GAP | gap as u8) };
    }
    // SAFETY: `gap` is less than ALIGN, so this is in bounds by the caller's promise.
    unsafe { at.add(gap) }
}
