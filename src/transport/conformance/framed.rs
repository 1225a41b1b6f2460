//! What a scheme that carries ZMTP only has to be given: each write as a frame behind a greeting.

#![forbid(unsafe_code)]

use super::super::ByteStream;
use super::super::stream::Stream;
use crate::message::frame;
use crate::sys::room::Room;
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes of a ZMTP 3 greeting.
const GREETING: usize = 64;

/// A stream whose bytes are the bodies of frames.
#[derive(Debug)]
pub struct Framed {
    inner: ByteStream,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// The greeting and the header of a frame, as far as they have yet to be written.
    head: Vec<u8>,
    /// What is left of the body that is written, and of the one that is read.
    writing: usize,
    reading: usize,
    /// The greeting and the header of a frame, as far as they have been read.
    greeting: usize,
    header: Vec<u8>,
}

impl Framed {
    pub fn dress(inner: ByteStream) -> ByteStream {
        let state = State {
            head: vec![0; GREETING],
            writing: 0,
            reading: 0,
            greeting: GREETING,
            header: Vec::new(),
        };
        let state = RefCell::new(state);
        ByteStream::layer(Framed { inner, state })
    }

    /// Reads the greeting and the header of the next frame.
    fn next(&self, state: &mut State) -> io::Result<bool> {
        while state.greeting > 0 {
            let mut bytes = [0; GREETING];
            match self.inner.read(&mut bytes[..state.greeting])? {
                0 => return Ok(false),
                count => state.greeting -= count,
            }
        }
        while state.reading == 0 {
            let mut byte = [0];
            if self.inner.read(&mut byte)? == 0 {
                return Ok(false);
            }
            state.header.push(byte[0]);
            if let Some(header) = frame::decode(&state.header) {
                state.reading = header.size as usize;
                state.header.clear();
            }
        }
        Ok(true)
    }
}

impl AsFd for Framed {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Stream for Framed {
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        if !self.next(state)? {
            return Ok(0);
        }
        let most = state.reading;
        let count = room.fill_by(most, |place| (*self.inner).read(place))?.len();
        state.reading -= count;
        Ok(count)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        let all = pieces.iter().map(|piece| piece.len()).sum::<usize>();
        if state.writing == 0 {
            frame::encode(0, all, |header| state.head.extend(header));
            state.writing = all;
        }
        while !state.head.is_empty() {
            let count = self.inner.write(&state.head)?;
            state.head.drain(..count);
        }
        let count = self.inner.write_vectored(pieces)?;
        state.writing -= count;
        Ok(count)
    }

    fn has_buffered_input(&self) -> bool {
        self.inner.has_buffered_input()
    }

    fn has_pending_output(&self) -> bool {
        self.inner.has_pending_output()
    }

    fn flush(&self) -> io::Result<()> {
        self.inner.flush()
    }

    fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        self.inner.interest(read, write)
    }

    fn peer_address_text(&self) -> String {
        self.inner.peer_address_text()
    }

    fn local_endpoint(&self) -> Vec<u8> {
        self.inner.local_endpoint()
    }

    fn remote_endpoint(&self) -> Vec<u8> {
        self.inner.remote_endpoint()
    }
}
