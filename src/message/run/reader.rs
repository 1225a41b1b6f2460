//! Reads the frames of a run.

use super::super::block::Header;
use super::super::msg::{INLINE_MAX, Kind, Msg};
use super::super::{copy, frame};
use super::{END, GAP, REFS, Run};
use std::convert::Infallible;
use std::ptr::{self, NonNull};

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
    /// Enters a run.
    #[cold]
    pub fn enter(&mut self, run: Run) {
        self.leave();
        let (start, end, block) = run.into_parts();
        (self.next, self.end) = (start, end);
        self.header = Some(block);
        self.refs = REFS;
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
        // SAFETY: by the caller's promise a whole frame is here, and one with a long size has at
        // least nine bytes.
        unsafe {
            let first = self.next.cast::<[u8; 2]>().read();
            let size = || Ok::<_, Infallible>(self.next.add(1).cast::<[u8; 8]>().read());
            let Ok(header) = frame::decode_with(first, size);
            (
                header.flags,
                self.next.add(header.len),
                header.size as usize,
            )
        }
    }

    /// The body of the next frame.
    ///
    /// # Safety
    /// As for [`next_into`](Self::next_into).
    #[inline]
    pub unsafe fn body(&self) -> &[u8] {
        // SAFETY: there is a published frame, by the caller's promise, and the run's references keep
        // it alive.
        unsafe {
            let (_, body, len) = self.frame();
            std::slice::from_raw_parts(body, len)
        }
    }

    /// Whether further parts follow the next frame in its message.
    ///
    /// # Safety
    /// As for [`next_into`](Self::next_into).
    pub unsafe fn more(&self) -> bool {
        // SAFETY: there is a published frame, by the caller's promise.
        let (flags, ..) = unsafe { self.frame() };
        flags & frame::MORE != 0
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
        if len > INLINE_MAX && into.kind == Kind::Slice && into.words[2] == header {
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
                into.kind = Kind::Slice;
                self.refs -= 1;
            }
        }
        into.flags |= flags & frame::MORE;
        // SAFETY: the end of the frame, in the block or one byte after it.
        unsafe { self.go_to(body.add(len)) };
    }

    /// Calls `read` with the next frame's body, and moves behind the frame. Returns whether further
    /// parts follow in its message.
    ///
    /// # Safety
    /// As for [`next_into`](Self::next_into).
    #[inline(always)]
    pub unsafe fn next_with(&mut self, read: impl FnOnce(&[u8])) -> bool {
        // SAFETY: there is a frame, by the caller's promise.
        let (flags, body, len) = unsafe { self.frame() };
        // SAFETY: the body of a published frame, which the run's references keep alive.
        read(unsafe { std::slice::from_raw_parts(body, len) });
        // SAFETY: the end of the frame, in the block or one byte after it.
        unsafe { self.go_to(body.add(len)) };
        flags & frame::MORE != 0
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
            taken.more = flags & frame::MORE != 0;
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
