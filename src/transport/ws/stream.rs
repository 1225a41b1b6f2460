//! A byte stream over WebSocket messages: what the connection reads and writes is ZMTP, what
//! the network carries is ZWS 2.0 (RFC 45).
//!
//! The layer opens the WebSocket by itself as it is read and written, answers pings, and ends
//! with the peer's close. Its buffers are there only while they hold something.

#![forbid(unsafe_code)]

use super::super::byte_stream::ByteStream;
use super::super::layer::Show;
use super::super::stream::{LayerError, Stream};
use super::frames::{HEADER_MAX, Mask, Opcode};
use super::inbound::{Control, Inbound};
use super::outbound::Outbound;
use super::upgrade::{self, Head, Protocol};
use crate::abi::numbers::ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED;
use crate::sys::random;
use crate::sys::room::Room;
use std::cell::RefCell;
use std::fmt;
use std::io::{self, ErrorKind, IoSlice};
use std::os::fd::{AsFd, BorrowedFd};

/// Bytes read from the network at a time, and most bytes made for it before they are written.
const CHUNK: usize = 64 * 1024;
/// A body of which at least so many bytes are missing is read and written without a copy.
const LONG: u64 = 8 * 1024;
/// Most bytes that answers to pings may take while the network takes none.
pub(super) const ANSWERS: usize = 4 * 1024;
/// The status of a close that has no error to report (RFC 6455, section 7.4.1).
const NORMAL: [u8; 2] = 1000u16.to_be_bytes();

/// What this side brings to the handshake.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// `NULL`, `PLAIN` or `CURVE`.
    pub(super) mechanism: &'static str,
    /// `ZMQ_PLAIN_SERVER` or `ZMQ_CURVE_SERVER`.
    pub(super) as_server: bool,
    /// Most bytes of a message that comes in fragments.
    pub(super) limit: usize,
}

impl Terms {
    /// The ZMTP 3.0 greeting that the peer would send.
    fn greeting(&self, protocol: Protocol) -> Vec<u8> {
        if protocol == Protocol::Bare {
            return Vec::new();
        }
        let mut greeting = vec![0; 64];
        (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
        greeting[12..12 + self.mechanism.len()].copy_from_slice(self.mechanism.as_bytes());
        greeting[32] = u8::from(self.mechanism != "NULL" && !self.as_server);
        greeting
    }
}

#[derive(Debug)]
enum Phase {
    /// The client has asked, with this key.
    Asked([u8; 16]),
    /// The server waits for the request.
    Listening,
    /// The server has refused the request, and closes the stream once its answer is out.
    Refused(&'static str),
    Open(Box<(Inbound, Outbound)>),
}

#[derive(Debug)]
pub(super) struct State {
    terms: Terms,
    phase: Phase,
    /// Bytes of the network that have yet to be decoded: this part of the buffer.
    network: Vec<u8>,
    start: usize,
    /// The decoder needs more bytes than `network` has.
    starved: bool,
    /// Bytes for the network, of which so many were written.
    pub(super) out: Vec<u8>,
    written: usize,
    /// Answers and pings that wait for the end of a body.
    pub(super) controls: Vec<(Opcode, Vec<u8>)>,
    /// Something has come from the peer since that was last asked for.
    pub(super) heard: bool,
    /// This side has sent a close.
    closing: bool,
}

/// A WebSocket over another stream. See the module.
pub(super) struct WebSocket {
    inner: ByteStream,
    show: Show,
    pub(super) state: RefCell<State>,
}

impl WebSocket {
    /// The client's end, which asks `host` for `path`.
    ///
    /// Errors: no random numbers.
    pub(super) fn client(
        inner: ByteStream,
        terms: Terms,
        host: &str,
        path: &str,
        show: Show,
    ) -> io::Result<WebSocket> {
        let mut key = [0; 16];
        random::fill(&mut key)?;
        let request = upgrade::request(host, path, key, upgrade::protocols(terms.mechanism));
        Ok(WebSocket::new(
            inner,
            terms,
            Phase::Asked(key),
            request,
            show,
        ))
    }

    /// The server's end.
    pub(super) fn server(inner: ByteStream, terms: Terms, show: Show) -> WebSocket {
        WebSocket::new(inner, terms, Phase::Listening, String::new(), show)
    }

    fn new(inner: ByteStream, terms: Terms, phase: Phase, out: String, show: Show) -> WebSocket {
        let state = State {
            terms,
            phase,
            network: Vec::new(),
            start: 0,
            starved: true,
            out: out.into_bytes(),
            written: 0,
            controls: Vec::new(),
            heard: false,
            closing: false,
        };
        WebSocket {
            inner,
            show,
            state: RefCell::new(state),
        }
    }
}

fn broken(reason: &'static str) -> io::Error {
    let code = Some(ZMQ_PROTOCOL_ERROR_WS_UNSPECIFIED as u32);
    let reason = reason.to_owned();
    LayerError { reason, code }.into()
}

fn would_block<T>() -> io::Result<T> {
    Err(ErrorKind::WouldBlock.into())
}

impl State {
    /// Reads from the network into the buffer, behind what it holds. False at the end of the
    /// stream.
    fn fill(&mut self, inner: &ByteStream) -> io::Result<bool> {
        self.network.drain(..self.start);
        self.start = 0;
        let held = self.network.len();
        self.network.resize(held + CHUNK, 0);
        let read = inner.read(&mut self.network[held..]);
        self.network.truncate(held + *read.as_ref().unwrap_or(&0));
        if read.is_err() && held == 0 {
            self.network = Vec::new();
        }
        let count = read?;
        self.heard |= count > 0;
        self.starved &= count == 0;
        Ok(count > 0)
    }

    /// Writes what there is for the network. False if some is left.
    fn flush(&mut self, inner: &ByteStream) -> io::Result<bool> {
        self.take_controls()?;
        while self.written < self.out.len() {
            match inner.write(&self.out[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        (self.out, self.written) = (Vec::new(), 0);
        match inner.flush() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(false),
            flushed => flushed.map(|()| true),
        }
    }

    /// Appends the control frames that wait, unless a body is under way.
    fn take_controls(&mut self) -> io::Result<()> {
        let Phase::Open(open) = &mut self.phase else {
            return Ok(());
        };
        if open.1.is_between_frames() {
            for (opcode, payload) in self.controls.drain(..) {
                open.1.control(opcode, &payload, &mut self.out)?;
            }
        }
        Ok(())
    }

    /// Opens the WebSocket as far as that goes without waiting.
    ///
    /// Errors: `WouldBlock` as long as it is not open; what is wrong with the peer's head.
    fn open(&mut self, inner: &ByteStream) -> io::Result<()> {
        while !matches!(self.phase, Phase::Open(_)) {
            let all_out = self.flush(inner)?;
            if let Some((protocol, length)) = self.agree(all_out)? {
                self.begin(protocol, length);
            } else if !matches!(self.phase, Phase::Refused(_)) && !self.fill(inner)? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// What the peer's head agrees to, and the bytes of the head; `None` if more is to come from
    /// the peer, or a refusal is to be written.
    fn agree(&mut self, all_out: bool) -> io::Result<Option<(Protocol, usize)>> {
        let protocols = upgrade::protocols(self.terms.mechanism);
        match &self.phase {
            Phase::Open(_) => Ok(None),
            Phase::Refused(reason) if all_out => Err(broken(reason)),
            Phase::Refused(_) => would_block(),
            Phase::Asked(key) => {
                match upgrade::confirm(&self.network, *key, protocols).map_err(broken)? {
                    Head::Complete(protocol, length) => Ok(Some((protocol, length))),
                    Head::Partial => Ok(None),
                }
            }
            Phase::Listening => match upgrade::accept(&self.network, protocols) {
                Ok(Head::Complete(agreed, length)) => {
                    self.out = agreed.answer.into_bytes();
                    Ok(Some((agreed.protocol, length)))
                }
                Ok(Head::Partial) => Ok(None),
                Err(refusal) => {
                    self.out = refusal.answer().into_bytes();
                    self.phase = Phase::Refused(refusal.reason);
                    Ok(None)
                }
            },
        }
    }

    /// The WebSocket is open; the peer's head took `length` bytes.
    fn begin(&mut self, protocol: Protocol, length: usize) {
        let (is_client, bare) = (self.is_client(), protocol == Protocol::Bare);
        let greeting = self.terms.greeting(protocol);
        let inbound = Inbound::new(!is_client, bare, &greeting, self.terms.limit);
        let outbound = Outbound::new(is_client, bare);
        self.phase = Phase::Open(Box::new((inbound, outbound)));
        self.start = length;
        self.starved = false;
    }

    fn is_client(&self) -> bool {
        matches!(self.phase, Phase::Asked(_))
    }

    /// Decodes what the buffer has. Returns whether the peer has closed.
    fn decode(&mut self, room: &mut Room<'_>) -> io::Result<bool> {
        let Phase::Open(open) = &mut self.phase else {
            return Ok(false);
        };
        let (inbound, _) = &mut **open;
        loop {
            let mut rest = &mut self.network[self.start..];
            let before = rest.len();
            let control = inbound.decode(&mut rest, room).map_err(broken)?;
            self.start += before - rest.len();
            match control {
                Some(Control::Ping(payload)) => {
                    let waiting: usize = self.controls.iter().map(|one| one.1.len() + 2).sum();
                    if waiting + self.out.len() - self.written < ANSWERS {
                        self.controls.push((Opcode::Pong, payload));
                    }
                }
                Some(Control::Close(payload)) if !self.closing => {
                    self.closing = true;
                    self.controls.push((Opcode::Close, payload));
                }
                Some(_) => {}
                None => break,
            }
        }
        self.starved = !room.is_empty();
        if self.start == self.network.len() {
            (self.network, self.start) = (Vec::new(), 0);
        }
        Ok(inbound.is_closed())
    }

    /// What may be read into its place: most bytes, and the mask.
    fn direct(&mut self) -> Option<(u64, Option<&mut Mask>)> {
        match &mut self.phase {
            Phase::Open(open) if self.start == self.network.len() => open.0.direct(),
            _ => None,
        }
    }
}

impl fmt::Debug for WebSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

impl AsFd for WebSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inner.as_fd()
    }
}

impl Stream for WebSocket {
    fn read(&self, room: &mut Room<'_>) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        state.open(&self.inner)?;
        let before = room.len();
        loop {
            let closed = state.decode(room)?;
            // What cannot be answered is still read; a write finds the same error.
            let _ = state.flush(&self.inner);
            if room.len() < before || closed || before == 0 {
                return Ok(before - room.len());
            }
            let direct = state.direct();
            let Some((left, mask)) = direct.filter(|one| one.0.min(before as u64) >= LONG) else {
                if !state.fill(&self.inner)? {
                    return Ok(0);
                }
                continue;
            };
            let most = usize::try_from(left).unwrap_or(usize::MAX);
            let bytes = room.fill_by(most, |place| (*self.inner).read(place))?;
            if let Some(mask) = mask {
                mask.apply(bytes);
            }
            let count = bytes.len();
            if let Phase::Open(open) = &mut state.phase {
                open.0.read_directly(count);
            }
            state.heard |= count > 0;
            return Ok(count);
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(bytes)])
    }

    fn write_vectored(&self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        state.open(&self.inner)?;
        let mut taken = 0;
        for piece in pieces {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let count = state.write_some(&self.inner, rest)?;
                if count == 0 {
                    return match taken {
                        0 => would_block(),
                        _ => Ok(taken),
                    };
                }
                taken += count;
                rest = &rest[count..];
            }
        }
        state.flush(&self.inner)?;
        Ok(taken)
    }

    fn has_buffered_input(&self) -> bool {
        !self.state.borrow().starved || self.inner.has_buffered_input()
    }

    fn has_pending_output(&self) -> bool {
        let state = self.state.borrow();
        let own = state.written < state.out.len() || !state.controls.is_empty();
        own || self.inner.has_pending_output()
    }

    fn flush(&self) -> io::Result<()> {
        match self.state.borrow_mut().flush(&self.inner)? {
            true => Ok(()),
            false => would_block(),
        }
    }

    fn interest(&self, read: bool, write: bool) -> (bool, bool) {
        let state = self.state.borrow();
        let pending = state.written < state.out.len();
        match &state.phase {
            Phase::Open(_) => self.inner.interest(read, write || pending),
            _ => self.inner.interest(read || write, pending),
        }
    }

    fn has_pings(&self) -> bool {
        true
    }

    fn ping(&self) {
        let state = &mut *self.state.borrow_mut();
        // One at a time: while the network takes nothing, another would say no more.
        if !state
            .controls
            .iter()
            .any(|(opcode, _)| *opcode == Opcode::Ping)
        {
            state.controls.push((Opcode::Ping, Vec::new()));
        }
    }

    fn take_sign_of_life(&self) -> bool {
        std::mem::take(&mut self.state.borrow_mut().heard)
    }

    fn is_hung_up(&self) -> bool {
        self.inner.is_hung_up()
    }

    fn peer_address_text(&self) -> String {
        self.inner.peer_address_text()
    }

    fn local_endpoint(&self) -> Vec<u8> {
        (self.show)(&self.inner.local_endpoint())
    }

    #[cfg(test)]
    fn remote_endpoint(&self) -> Vec<u8> {
        (self.show)(&self.inner.remote_endpoint())
    }
}

impl State {
    /// Takes some bytes of the stream, 0 if the network has to take others first.
    fn write_some(&mut self, inner: &ByteStream, bytes: &[u8]) -> io::Result<usize> {
        let Phase::Open(open) = &mut self.phase else {
            return Ok(0);
        };
        let direct = open.1.direct();
        if direct < LONG && self.out.len() < CHUNK {
            let most = CHUNK + HEADER_MAX;
            return open.1.encode(bytes, &mut self.out, most, LONG);
        }
        if !self.flush(inner)? {
            return Ok(0);
        }
        let Phase::Open(open) = &mut self.phase else {
            return Ok(0);
        };
        if direct < LONG {
            return open.1.encode(bytes, &mut self.out, CHUNK, LONG);
        }
        let count = usize::try_from(direct).map_or(bytes.len(), |direct| direct.min(bytes.len()));
        match inner.write(&bytes[..count]) {
            Ok(count) => {
                open.1.wrote_directly(count);
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) => Err(error),
        }
    }
}

/// Says goodbye, if that can be done at once.
impl Drop for WebSocket {
    fn drop(&mut self) {
        let state = self.state.get_mut();
        let Phase::Open(open) = &state.phase else {
            return;
        };
        if !state.closing && open.1.is_between_frames() {
            state.controls.push((Opcode::Close, NORMAL.to_vec()));
            // The connection may be lost already.
            let _ = state.flush(&self.inner);
        }
    }
}
