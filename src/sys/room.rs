//! Write-only, possibly uninitialized memory that is filled from the front.
//!
//! A `&mut [u8]` requires initialized bytes, and clearing a fresh read buffer costs as
//! much as reading into it. A [`Room`] only permits writes, and counts the bytes written,
//! which are initialized.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

/// The unfilled rest of a buffer, borrowed.
#[derive(Debug, Default)]
pub struct Room<'a> {
    free: &'a mut [MaybeUninit<u8>],
    filled: Option<&'a mut usize>,
}

impl<'a> From<&'a mut [MaybeUninit<u8>]> for Room<'a> {
    fn from(free: &'a mut [MaybeUninit<u8>]) -> Room<'a> {
        Room { free, filled: None }
    }
}

impl<'a> From<&'a mut [u8]> for Room<'a> {
    fn from(bytes: &'a mut [u8]) -> Room<'a> {
        let (start, len) = (bytes.as_mut_ptr().cast::<MaybeUninit<u8>>(), bytes.len());
        // SAFETY: the same memory for the same lifetime; only initialized bytes are
        // written through a Room, so it stays initialized.
        Room::from(unsafe { std::slice::from_raw_parts_mut(start, len) })
    }
}

impl<'a, const N: usize> From<&'a mut [u8; N]> for Room<'a> {
    fn from(bytes: &'a mut [u8; N]) -> Room<'a> {
        Room::from(&mut bytes[..])
    }
}

impl<'a> Room<'a> {
    /// All of `free`. Invariant: `filled` grows by exactly the number of bytes written at the
    /// front of `free`.
    #[inline]
    pub fn counted(free: &'a mut [MaybeUninit<u8>], filled: &'a mut usize) -> Room<'a> {
        let filled = Some(filled);
        Room { free, filled }
    }

    /// Number of unfilled bytes.
    #[inline]
    pub fn len(&self) -> usize {
        self.free.len()
    }

    /// Whether no unfilled byte is left.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.free.is_empty()
    }

    /// Copies `bytes` to the front. False, with no effect, if they do not fit.
    #[inline]
    pub fn put(&mut self, bytes: &[u8]) -> bool {
        if bytes.len() > self.free.len() {
            return false;
        }
        // SAFETY: the length was checked, and `free` is borrowed exclusively, so that `bytes`
        // does not overlap it.
        unsafe {
            let to = self.free.as_mut_ptr().cast();
            std::ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len());
        }
        self.advance(bytes.len());
        true
    }

    /// Fills the rest with zeroes.
    pub fn pad(&mut self) {
        self.free.fill(MaybeUninit::new(0));
        self.advance(self.free.len());
    }

    /// The front of the room, at most `most` bytes.
    #[inline]
    pub fn first(self, most: usize) -> Room<'a> {
        let most = most.min(self.free.len());
        let free = &mut self.free[..most];
        Room { free, ..self }
    }

    /// Receives from a socket, by one system call. `Ok(0)` at the end of the stream, or if
    /// the room is empty.
    ///
    /// # Errors
    /// The system's.
    #[inline]
    pub fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        let most = self.free.len();
        let to = self.free.as_mut_ptr().cast();
        // SAFETY: `to` is valid for writes of `most` bytes, the length of `free`.
        let count = unsafe { libc::recv(socket.as_raw_fd(), to, most, 0) };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error())?;
        // The kernel has written `count` bytes.
        self.advance(count.min(most));
        Ok(count.min(most))
    }

    /// Has `fill` write to the front, at most `most` bytes, and returns what it has written.
    ///
    /// # Errors
    /// Those of `fill`; what it wrote before is counted.
    pub fn fill_by<T>(
        &mut self,
        most: usize,
        fill: impl FnOnce(&mut Room<'_>) -> io::Result<T>,
    ) -> io::Result<&'a mut [u8]> {
        let most = most.min(self.free.len());
        let mut count = 0;
        let outcome = fill(&mut Room::counted(&mut self.free[..most], &mut count));
        let (written, free) = std::mem::take(&mut self.free).split_at_mut(count);
        self.free = free;
        if let Some(filled) = &mut self.filled {
            **filled += count;
        }
        outcome?;
        // SAFETY: a `Room` counts exactly the bytes written, which are initialized.
        Ok(unsafe { std::slice::from_raw_parts_mut(written.as_mut_ptr().cast(), written.len()) })
    }

    /// Counts `count` bytes at the front as filled. Precondition: they were written, and
    /// `count <= len`.
    #[inline]
    fn advance(&mut self, count: usize) {
        if let Some(filled) = &mut self.filled {
            **filled += count;
        }
        let free = std::mem::take(&mut self.free);
        self.free = free.get_mut(count..).unwrap_or_default();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn what_was_written_is_counted_and_no_more_fits_than_there_is() {
        let mut bytes = [9; 6];
        let mut room = Room::from(&mut bytes);
        assert!(room.put(b"ab") && room.put(b"") && !room.put(b"cdefg"));
        assert_eq!(room.len(), 4);
        assert!(room.put(b"c"));
        room.pad();
        assert!(room.is_empty() && room.put(b"") && !room.put(b"x"));
        assert_eq!(&bytes, b"abc\0\0\0");
    }

    #[test]
    #[cfg(not(miri))]
    fn receives_as_much_as_asked_for_and_as_there_is_room() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(b"0123456789").unwrap();
        let (mut bytes, mut filled) = ([MaybeUninit::uninit(); 6], 0);
        for (most, expected) in [(2, 2), (100, 4), (100, 0)] {
            let from = filled;
            let room = Room::counted(&mut bytes[from..], &mut filled);
            assert_eq!(room.first(most).receive(theirs.as_fd()).unwrap(), expected);
        }
        assert_eq!(filled, 6);
        // SAFETY: all six were written.
        let got = bytes.map(|byte| unsafe { byte.assume_init() });
        assert_eq!(&got, b"012345");
        drop(ours);
        let mut rest = [0; 9];
        let fd = theirs.as_fd();
        let mut room = Room::from(&mut rest);
        assert_eq!(room.receive(fd).unwrap(), 4);
        assert_eq!(room.receive(fd).unwrap(), 0, "the end of the stream");
        let (idle, _other) = UnixStream::pair().unwrap();
        idle.set_nonblocking(true).unwrap();
        let error = room.receive(idle.as_fd()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(&rest[..4], b"6789");
    }
}
