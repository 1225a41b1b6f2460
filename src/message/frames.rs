//! Runs of short messages: frames one after the other in a [`Block`], laid out as on the wire by
//! ZMTP 2 and later (flags, size, body).
//!
//! A sender copies a body once, behind the frame before it, and a connection passes all of these
//! bytes to the kernel as they are. A reading connection does not touch bodies either: it checks
//! its input for whole frames and passes them on as a run, from which the receiver takes its
//! messages.
//!
//! A run is announced by one queue item (`Kind::Run`) that holds many references to the block; the
//! slices that the reader hands out are taken from these. Invariant: the reader reads only frames
//! that are published, which the pipe counts (`pipe/parts.rs`); the writer writes only behind them.
//! The published count of the queue orders the two.

use super::block::Header;
use super::copy;
use super::run::{REFS, announcement};
use super::{Block, INLINE_MAX, Kind, Msg, flag};
use std::ptr::{self, NonNull};

/// Longer bodies are not copied to a run.
pub const FRAMED_MAX: usize = 2 * 1024;

/// In place of a frame's flags: the run is over. No frame has any of the upper bits set.
const END: u8 = 0xff;
/// In place of a frame's flags, with a number below 16 added: so many bytes, this one included, are
/// unused.
const GAP: u8 = 0x80;
pub(super) const LONG: u8 = 0x02;
pub(super) const SHORT_HEADER: usize = 2;
pub(super) const LONG_HEADER: usize = 9;

/// Capacity in bytes of a writer's first and largest block.
const FIRST_BLOCK: usize = 128;
const LAST_BLOCK: usize = 64 * 1024;
/// Bodies that will be handed out as slices begin at multiples of this, if the writer is
/// [aligned](FrameWriter::align).
const ALIGN: usize = 8;

/// Length of the frame for a body.
#[inline]
fn frame_len(body: usize) -> usize {
    match body < 256 {
        true => SHORT_HEADER + body,
        false => LONG_HEADER + body,
    }
}

/// Bytes that a run must have left for a body: for its frame, a gap before it of less than
/// [`ALIGN`], and the [`END`].
#[inline]
fn space_for(body: usize) -> usize {
    frame_len(body) + ALIGN
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

    /// Ends the open run and begins one with room for a body. The caller must queue the item that
    /// announces it behind what was written before. `None` if there is no memory, or if the body is
    /// longer than [`FRAMED_MAX`].
    #[cold]
    pub fn begin(&mut self, body: usize) -> Option<Msg> {
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
        let header = block.give(block.capacity(), REFS);
        Some(announcement(self.next as usize, self.end as usize, header))
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
                at = leave_gap(at, frame_len(len) - len);
            }
            let header = if len < 256 {
                at.write(u8::from(more));
                at.add(1).write(len as u8);
                SHORT_HEADER
            } else {
                at.write(u8::from(more) | LONG);
                ptr::write_unaligned(at.add(1).cast(), (len as u64).to_be());
                LONG_HEADER
            };
            copy::copy(body.as_ptr(), at.add(header), len);
            self.next = at.add(header + len);
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
    /// with the items that announced them.
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

impl Msg {
    /// Whether it is the announcement of a run, which is not a message.
    #[inline]
    pub fn is_run(&self) -> bool {
        self.kind == Kind::Run as u8
    }

    /// Whether the message may be copied to a run: a short body, nothing attached, no flag but MORE
    /// and SHARED.
    #[inline]
    pub fn is_framable(&self) -> bool {
        self.flags & !(flag::MORE | flag::SHARED) == 0
            && self.metadata.is_null()
            && self.routing_id == 0
            && self.group[0] == 0
            && self.kind != Kind::User as u8
            && self.len() <= FRAMED_MAX
    }
}

/// The reading side: a run, and how far it has been read.
pub struct FrameReader {
    next: *const u8,
    end: *const u8,
    header: Option<NonNull<Header>>,
    /// References not yet handed out.
    refs: usize,
}

// SAFETY: the pointers are into a block to which the reader holds references, to bytes that are
// only read.
unsafe impl Send for FrameReader {}
// SAFETY: as above.
unsafe impl Sync for FrameReader {}

/// The counts of [`FrameReader::take`].
pub struct Taken {
    /// Frames, that is, message parts.
    pub parts: usize,
    /// How many of them are the last of their message.
    pub whole: usize,
    /// Whether further parts follow the last one in its message.
    pub more: bool,
}

impl Default for FrameReader {
    /// A reader without a run.
    fn default() -> FrameReader {
        FrameReader {
            next: ptr::null(),
            end: ptr::null(),
            header: None,
            refs: 0,
        }
    }
}

impl FrameReader {
    /// Enters a run, by the item that announced it. Other items are dropped.
    #[cold]
    pub fn enter(&mut self, run: Msg) {
        self.leave();
        if run.is_run() {
            let run = std::mem::ManuallyDrop::new(run); // its references move to the reader
            self.next = run.words[0] as *const u8;
            self.end = run.words[3] as *const u8;
            self.header = NonNull::new(run.words[2] as *mut Header);
            self.refs = REFS;
        }
    }

    /// Leaves the run and releases the references that were not handed out.
    #[cold]
    pub fn leave(&mut self) {
        if let Some(header) = self.header.take() {
            // SAFETY: these references came with the run and were not handed out.
            unsafe { Header::release(header, self.refs) };
        }
        self.next = self.end;
    }

    /// Whether there is a run.
    #[inline]
    pub fn is_inside(&self) -> bool {
        self.header.is_some()
    }

    /// Whether the run is over, and the next part is in another item. Skips a gap.
    ///
    /// # Safety
    /// The writer has published a further part: so it has written a frame, a gap with a frame, or
    /// the END here.
    #[inline]
    pub unsafe fn is_over(&mut self) -> bool {
        if self.next == self.end {
            return true;
        }
        // SAFETY: inside a run, so the block is alive, and the byte is written by the caller's
        // promise; a gap is followed by a frame, so the sum stays in the block.
        unsafe {
            let mark = self.next.read();
            if mark & GAP == 0 {
                return false;
            }
            if mark == END {
                return true;
            }
            self.next = self.next.add(usize::from(mark & !GAP));
        }
        false
    }

    /// The frame here: flags, body, length.
    ///
    /// # Safety
    /// There is one: [`is_over`](Self::is_over) returned false.
    #[inline]
    unsafe fn frame(&self) -> (u8, *const u8, usize) {
        // SAFETY: by the caller's promise a whole frame is here.
        unsafe {
            let flags = self.next.read();
            if flags & LONG == 0 {
                let len = self.next.add(1).read();
                (flags, self.next.add(SHORT_HEADER), usize::from(len))
            } else {
                let len = ptr::read_unaligned(self.next.add(1).cast::<u64>());
                (
                    flags,
                    self.next.add(LONG_HEADER),
                    u64::from_be(len) as usize,
                )
            }
        }
    }

    /// Moves the next frame to `into`, in place of the body there, which is released, and of all
    /// flags. The metadata stay.
    ///
    /// # Safety
    /// There is a published frame: [`is_over`](Self::is_over) returned false.
    #[inline(always)]
    pub unsafe fn next_into(&mut self, into: &mut Msg) {
        // SAFETY: there is a frame, by the caller's promise.
        let (flags, body, len) = unsafe { self.frame() };
        let header = self.header.map_or(0, |header| header.as_ptr() as usize);
        if len > INLINE_MAX && into.kind == Kind::Slice as u8 && into.words[2] == header {
            // `into` already holds a reference to this block, and keeps it.
            into.words[0] = body as usize;
            into.words[1] = len;
            into.empty_marks();
        } else {
            into.release_body();
            into.empty();
            if len <= INLINE_MAX {
                // SAFETY: the body of a published frame; the inline area has room for `INLINE_MAX`
                // bytes.
                unsafe { copy::copy(body, into.inline_ptr_mut(), len) };
                into.inline_len = len as u8;
            } else {
                into.words = [body as usize, len, header, 0];
                into.kind = Kind::Slice as u8;
                self.refs -= 1;
            }
        }
        into.flags |= flags & flag::MORE;
        // SAFETY: the end of the frame, in the block or one byte after it.
        unsafe { self.go_to(body.add(len)) };
    }

    /// Calls `read` with the next frame's body, and moves behind the frame. The second result is
    /// whether further parts follow in its message.
    ///
    /// # Safety
    /// As for [`next_into`](Self::next_into).
    #[inline]
    pub unsafe fn next_with<R>(&mut self, read: impl FnOnce(&[u8]) -> R) -> (R, bool) {
        // SAFETY: there is a frame, by the caller's promise.
        let (flags, body, len) = unsafe { self.frame() };
        // SAFETY: the body of a published frame, which the run's references keep alive.
        let result = read(unsafe { std::slice::from_raw_parts(body, len) });
        // SAFETY: the end of the frame, in the block or one byte after it.
        unsafe { self.go_to(body.add(len)) };
        (result, flags & flag::MORE != 0)
    }

    /// Moves to an address; leaves the run at its end.
    ///
    /// # Safety
    /// A frame of the run ends there.
    #[inline]
    unsafe fn go_to(&mut self, next: *const u8) {
        self.next = next;
        if self.next == self.end {
            self.leave();
        }
    }

    /// Takes up to `parts` frames: as many as begin less than `limit` bytes after the first and
    /// have no gap between them. Returns their bytes, which stay until the next call of any method.
    ///
    /// # Safety
    /// The writer has published so many frames, in this run or behind it.
    pub unsafe fn take(&mut self, parts: usize, limit: usize) -> (&[u8], Taken) {
        let mut begin = self.next;
        let mut taken = Taken {
            parts: 0,
            whole: 0,
            more: false,
        };
        while taken.parts < parts && (self.next as usize - begin as usize) < limit {
            let here = self.next;
            // SAFETY: a further part is published, by the caller's promise.
            if unsafe { self.is_over() } {
                break;
            }
            if self.next != here {
                // A gap before the first frame is skipped; a later one ends the result.
                match taken.parts {
                    0 => begin = self.next,
                    _ => {
                        self.next = here;
                        break;
                    }
                }
            }
            // SAFETY: `is_over` returned false, and the frame is published by the caller's promise.
            let (flags, body, len) = unsafe { self.frame() };
            taken.parts += 1;
            taken.more = flags & flag::MORE != 0;
            taken.whole += usize::from(!taken.more);
            // SAFETY: the end of the frame, in the block or one byte after it.
            self.next = unsafe { body.add(len) };
        }
        let len = self.next as usize - begin as usize;
        if len == 0 {
            return (&[], taken);
        }
        // SAFETY: these bytes belong to published frames, and the run's references keep them until
        // the reader leaves it.
        (unsafe { std::slice::from_raw_parts(begin, len) }, taken)
    }
}

impl Drop for FrameReader {
    fn drop(&mut self) {
        self.leave();
    }
}
