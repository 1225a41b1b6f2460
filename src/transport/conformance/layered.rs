//! `layer://host:port`: a transport of the tests, as TLS will be one. A stream reads ahead, keeps
//! its output back until it is flushed, changes the bytes, and shakes hands before either.

#![forbid(unsafe_code)]

use super::super::interface::{Address, BindError, Carries, Listener, Resolution, Spec, Transport};
use super::super::stream::Stream;
use super::super::tcp::Tcp;
use super::super::{ByteStream, Dial, Dialer};
use crate::error::Result;
use crate::options::Options;
use crate::sys::room::Room;
use std::cell::RefCell;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};
// Not from sync::atomic: a counter of the tests, which no model sees.
use std::sync::atomic::{AtomicU32, Ordering};

/// The first byte in each direction.
const HELLO: u8 = 0x2a;
/// What is added to all that follow.
const KEY: u8 = 0x55;
/// Most bytes that a read returns, and that a write takes.
const READ_MOST: usize = 1000;
const WRITE_MOST: usize = 100_000;

/// Writes refused because the peer's hello has not come.
pub static REFUSED: AtomicU32 = AtomicU32::new(0);

#[derive(Debug)]
pub struct Layer;

impl Transport for Layer {
    fn spec(&self) -> &'static Spec {
        static SPEC: Spec = Spec::new("layer", Carries::Bytes);
        &SPEC
    }

    fn parse_bind(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(Over(Tcp.parse_bind(text)?)))
    }

    fn parse_connect(&self, text: &[u8]) -> Result<Box<dyn Address>> {
        Ok(Box::new(Over(Tcp.parse_connect(text)?)))
    }
}

/// The address, the listener or the dialer of the stream below.
#[derive(Debug)]
struct Over<T>(T);

impl Address for Over<Box<dyn Address>> {
    fn text(&self) -> Vec<u8> {
        self.0.text()
    }

    fn listen(&self, options: &Options) -> std::result::Result<Box<dyn Listener>, BindError> {
        let below = self.0.listen(options)?;
        let endpoint = renamed(below.endpoint());
        Ok(Box::new(LayerListener { below, endpoint }))
    }

    fn resolve(&self, options: &Options) -> io::Result<Resolution> {
        let Resolution::Ready(below) = self.0.resolve(options)? else {
            return Err(ErrorKind::Unsupported.into());
        };
        let over = |dialer| -> Box<dyn Dialer> { Box::new(Over(dialer)) };
        Ok(Resolution::Ready(below.into_iter().map(over).collect()))
    }
}

impl Dialer for Over<Box<dyn Dialer>> {
    fn text(&self) -> Vec<u8> {
        renamed(&self.0.text())
    }

    fn dial(&self, options: &Options) -> io::Result<Dial> {
        Ok(self.0.dial(options)?.then(|below, _| Ok(over(below))))
    }
}

#[derive(Debug)]
struct LayerListener {
    below: Box<dyn Listener>,
    endpoint: Vec<u8>,
}

impl Listener for LayerListener {
    fn endpoint(&self) -> &[u8] {
        &self.endpoint
    }

    fn accept(&self, options: &Options) -> io::Result<Option<ByteStream>> {
        Ok(self.below.accept(options)?.map(over))
    }
}

impl AsFd for LayerListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.below.as_fd()
    }
}

fn renamed(tcp: &[u8]) -> Vec<u8> {
    [b"layer", &tcp[b"tcp".len()..]].concat()
}

fn over(below: ByteStream) -> ByteStream {
    let state = RefCell::new(State {
        greeted: false,
        input: Vec::new(),
        output: vec![HELLO],
    });
    ByteStream::Layer(Box::new(LayerStream { below, state }))
}

#[derive(Debug)]
struct LayerStream {
    below: ByteStream,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// The peer's first byte has come.
    greeted: bool,
    /// Read ahead.
    input: Vec<u8>,
    /// Kept back.
    output: Vec<u8>,
}

impl State {
    fn fill(&mut self, below: &ByteStream) -> io::Result<usize> {
        let mut bytes = [0; 64 * 1024];
        let count = below.read(&mut bytes)?;
        let mut came = &bytes[..count];
        if let (false, [first, rest @ ..]) = (self.greeted, came) {
            assert_eq!(*first, HELLO);
            self.greeted = true;
            came = rest;
        }
        self.input
            .extend(came.iter().map(|byte| byte.wrapping_sub(KEY)));
        Ok(count)
    }

    /// What `read` has to say of its own accord.
    fn greet(&mut self, below: &ByteStream) -> io::Result<()> {
        match self.flush(below) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(()),
            result => result,
        }
    }

    fn flush(&mut self, below: &ByteStream) -> io::Result<()> {
        while !self.output.is_empty() {
            let count = below.write(&self.output)?;
            self.output.drain(..count);
        }
        Ok(())
    }
}

impl Stream for LayerStream {
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if !state.greeted {
            state.greet(&self.below)?;
        }
        while state.input.is_empty() {
            if state.fill(&self.below)? == 0 {
                return Ok(0);
            }
        }
        let count = room.len().min(state.input.len()).min(READ_MOST);
        assert!(room.put(&state.input[..count]));
        state.input.drain(..count);
        Ok(count)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state.borrow_mut();
        if !state.greeted {
            REFUSED.fetch_add(1, Ordering::Relaxed);
            return Err(ErrorKind::WouldBlock.into());
        }
        state.flush(&self.below)?;
        let taken = &bytes[..bytes.len().min(WRITE_MOST)];
        state
            .output
            .extend(taken.iter().map(|byte| byte.wrapping_add(KEY)));
        Ok(taken.len())
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<&[u8]> = pieces.iter().map(|piece| &**piece).collect();
        self.write(&bytes.concat())
    }

    fn has_buffered_input(&self) -> bool {
        !self.state.borrow().input.is_empty()
    }

    fn has_pending_output(&self) -> bool {
        !self.state.borrow().output.is_empty()
    }

    fn flush(&self) -> io::Result<()> {
        self.state.borrow_mut().flush(&self.below)
    }

    fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        match self.state.borrow().greeted {
            true => (read, write || self.has_pending_output()),
            false => (true, self.has_pending_output()),
        }
    }

    fn peer_address_text(&self) -> String {
        self.below.peer_address_text()
    }

    fn local_endpoint(&self) -> Vec<u8> {
        renamed(&self.below.local_endpoint())
    }

    fn remote_endpoint(&self) -> Vec<u8> {
        renamed(&self.below.remote_endpoint())
    }
}

impl AsFd for LayerStream {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.below.as_fd()
    }
}
