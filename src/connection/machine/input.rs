//! Input: bytes from the stream become messages in the pipe.
//!
//! Called under the connection's lock, by the thread that drives the connection. Bytes are
//! read into a block that belongs to the thread and is borrowed for a drive. Bodies of
//! medium size stay there, as slices that share the block; short ones are copied into the
//! message; long ones that have not arrived yet are read into memory of their own. Plain
//! frames of ZMTP 2 and later go to the pipe as a run.

#![forbid(unsafe_code)]

use crate::io_policy::tunables::{LONG_BODY, MUCH_MISSING, PARTIAL_MAX, READ_BLOCK, READ_ROOM_MIN};
use crate::message::{Block, Filling, INLINE_MAX, Msg, Received, flag};
use crate::pipe::PipeEnd;
use crate::sync::local::thread_cell;
use crate::sys::room::Room;
use crate::zmtp::{Flags, HandshakeError, Header, ProtocolError, Refusal, Session};

thread_cell! {
    /// The spare block of this thread, and how much of it is in use.
    static SPARE: Option<(Block, usize)> = None;
}

/// Why the input ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are not valid frames.
    Frame,
    /// A frame is longer than allowed.
    TooLong,
    /// There is no memory for a frame.
    Memory,
    /// The mechanism rejects a frame.
    Protocol(ProtocolError),
}

impl From<Fault> for HandshakeError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooLong => HandshakeError::Closed(Refusal::TooLong),
            Fault::Frame => HandshakeError::Closed(Refusal::Frame),
            Fault::Memory => HandshakeError::Closed(Refusal::Memory),
            Fault::Protocol(error) => HandshakeError::Protocol(error),
        }
    }
}

/// Why [`Input::decode`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// More bytes are needed.
    Starved,
    /// The pipe is full.
    Full,
    /// A command, whose body is [`Input::command`]. Call [`Input::end_command`] after it.
    Command,
}

/// A long body that is being received.
struct Large {
    msg: Filling,
    /// The start of the frame that precedes the body, for mechanisms that encrypt.
    prefix: Vec<u8>,
    /// It is the body of a command.
    command: bool,
}

/// Where the body of the current command is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Nowhere,
    /// This range of the block; the next frame begins at its end.
    Block(usize, usize),
    /// In `Input::large`.
    Large,
}

/// Received bytes that are not messages yet.
#[derive(Default)]
pub(super) struct Input {
    block: Option<Block>,
    start: usize,
    end: usize,
    partial: Vec<u8>,
    large: Option<Box<Large>>,
    command: Place,
    /// The last frame filled half a block or more, and the next may be as long: the next
    /// read takes little, since what it reads of a long body has to be copied.
    after_large: bool,
    /// The last message took [`MUCH_MISSING`] twice or more, and the next may be as long.
    after_huge: bool,
    /// Whole messages delivered since the connection last took this count.
    pub(super) delivered: u32,
}

impl Input {
    /// Borrows a block to read into. False if there is no memory.
    pub(super) fn open(&mut self) -> bool {
        if self.block.is_none() {
            let spare = SPARE.take();
            let Some((block, fill)) = spare.or_else(|| Some((Block::new(READ_BLOCK)?, 0))) else {
                return false;
            };
            self.block = Some(block);
            (self.start, self.end) = (fill, fill);
        }
        if !self.partial.is_empty() {
            if !self.make_room() {
                return false;
            }
            let partial = std::mem::take(&mut self.partial);
            self.append(&partial);
        }
        true
    }

    fn append(&mut self, bytes: &[u8]) {
        if let Some(block) = &mut self.block {
            if block.room(self.end).put(bytes) {
                self.end += bytes.len();
            }
        }
    }

    /// Makes room in the block; moves the bytes that are left to a fresh block if needed.
    /// False if there is no memory.
    fn make_room(&mut self) -> bool {
        let Some(block) = &mut self.block else {
            return false;
        };
        if block.capacity() - self.end >= READ_ROOM_MIN {
            return true;
        }
        let left = block.bytes(self.start, self.end).to_vec();
        if left.len() > READ_BLOCK - READ_ROOM_MIN {
            return true; // the caller decodes first
        }
        if !block.reclaim() {
            match Block::new(READ_BLOCK) {
                Some(fresh) => *block = fresh,
                None => return false,
            }
        }
        (self.start, self.end) = (0, 0);
        self.append(&left);
        true
    }

    /// Returns the block to the thread, unless more than [`PARTIAL_MAX`] bytes in it are
    /// left.
    pub(super) fn close(&mut self) {
        let Some(block) = &self.block else { return };
        let left = self.end - self.start;
        if left > PARTIAL_MAX {
            return;
        }
        if left > 0 {
            self.partial = block.bytes(self.start, self.end).to_vec();
        }
        let fill = self.end;
        (self.start, self.end) = (0, 0);
        if let Some(block) = self.block.take() {
            SPARE.set(Some((block, fill)));
        }
    }

    /// Room to read into. Without memory it is empty, so that reading ends like the stream.
    pub(super) fn room(&mut self) -> Option<Room<'_>> {
        if self.large.is_some() {
            return self.large.as_mut().map(|large| large.msg.room());
        }
        let after_large = std::mem::take(&mut self.after_large);
        let (true, end) = (self.make_room(), self.end) else {
            return Some(Room::default());
        };
        let room = self.block.as_mut()?.room(end);
        Some(match after_large {
            true => room.first(LONG_BODY),
            false => room,
        })
    }

    /// So many bytes were read into the [`room`](Self::room).
    pub(super) fn received(&mut self, count: usize) {
        if self.large.is_none() {
            self.end += count;
        }
    }

    /// How much of a long body has yet to arrive.
    pub(super) fn missing(&self) -> usize {
        self.large.as_ref().map_or(0, |large| large.msg.missing())
    }

    /// Whether [`MUCH_MISSING`] or more of a long body has yet to arrive, or the next message
    /// is likely to bring as much: then sleeping costs less than polling.
    pub(super) fn expects_much(&self) -> bool {
        let missing = self.large.as_deref().map(|large| large.msg.missing());
        missing.map_or(self.after_huge, |missing| missing >= MUCH_MISSING)
    }

    /// The bytes not yet consumed, for the handshake.
    pub(super) fn bytes(&self) -> &[u8] {
        self.block
            .as_ref()
            .map_or(&[], |block| block.bytes(self.start, self.end))
    }

    /// Marks bytes as consumed.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Moves complete messages to the pipe, without flushing it, until more bytes are
    /// needed, the pipe is full, or a command is found. With `copies`, no message shares the
    /// block (`ZMQ_ZERO_COPY_RECV` 0).
    pub(super) fn decode(
        &mut self,
        session: &mut Session,
        limit: i64,
        copies: bool,
        pipe: &mut PipeEnd,
    ) -> Result<Decoded, Fault> {
        let commands = session.version.has_commands();
        let forwards = session.passes_frames() && !copies;
        loop {
            if let Some(done) = self.finish_large(session, pipe)? {
                return Ok(done);
            }
            if forwards {
                self.forward_frames(limit, pipe);
            }
            let Some(block) = &mut self.block else {
                return Ok(Decoded::Starved);
            };
            let input = block.bytes(self.start, self.end);
            let header = session
                .framing
                .decode_header(input)
                .map_err(|_| Fault::Frame)?;
            let Some(header) = header else {
                return Ok(Decoded::Starved);
            };
            if limit >= 0 && header.size > limit as u64 {
                return Err(Fault::TooLong);
            }
            let from = self.start + header.len;
            let size = usize::try_from(header.size).map_err(|_| Fault::Memory)?;
            if size > self.end - from.min(self.end) {
                let prefix = session.mechanism.overhead();
                if size <= LONG_BODY || self.end < from + prefix {
                    return Ok(Decoded::Starved);
                }
                let command = header.command && commands && session.mechanism.transparent();
                self.begin_large(header, from, size, prefix)?;
                if let Some(large) = &mut self.large {
                    large.command = command;
                }
                continue;
            }
            let to = from + size;
            if !session.mechanism.transparent() {
                match self.open_frame(session, pipe, (from, to), copies)? {
                    Some(stop) => return Ok(stop),
                    None => continue,
                }
            }
            if header.command && commands {
                self.command = Place::Block(from, to);
                return Ok(Decoded::Command);
            }
            if !pipe.check_write() {
                return Ok(Decoded::Full);
            }
            let mut msg = message(block, from, to, copies)?;
            msg.set(flag::MORE, header.more);
            pipe.write_unchecked(msg);
            self.delivered += u32::from(!header.more);
            self.start = to;
            self.after_huge = false;
        }
    }

    /// Moves the whole messages at the front to the pipe as one run, if they have several
    /// parts and the pipe takes a run.
    #[inline]
    fn forward_frames(&mut self, limit: i64, pipe: &mut PipeEnd) {
        let Some(block) = &mut self.block else {
            return;
        };
        if pipe.is_mid_message() || pipe.conflates() || !pipe.check_write() {
            return;
        }
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let found = Received::at(block, self.start, self.end, pipe.room(), limit);
        let Some(received) = found else {
            return;
        };
        let messages = received.messages();
        pipe.write_run(received);
        self.delivered += messages.count as u32;
        self.start += messages.len;
        self.after_huge = false;
    }

    /// Decrypts a complete frame and delivers its message. `Some`: decoding stops.
    fn open_frame(
        &mut self,
        session: &mut Session,
        pipe: &mut PipeEnd,
        (from, to): (usize, usize),
        copies: bool,
    ) -> Result<Option<Decoded>, Fault> {
        if !pipe.check_write() {
            return Ok(Some(Decoded::Full)); // decrypting in place cannot be repeated
        }
        let Some(block) = &mut self.block else {
            return Ok(Some(Decoded::Starved));
        };
        let frame = block.bytes_mut(from, to);
        let prefix = session.mechanism.overhead().min(frame.len());
        let (prefix_bytes, body) = frame.split_at_mut(prefix);
        let flags = open(session, prefix_bytes, body)?;
        let from = from + prefix;
        if flags.command {
            self.command = Place::Block(from, to);
            return Ok(Some(Decoded::Command));
        }
        let mut msg = message(block, from, to, copies)?;
        msg.set(flag::MORE, flags.more);
        self.delivered += u32::from(!flags.more);
        pipe.write_unchecked(msg);
        self.start = to;
        Ok(None)
    }

    /// The body of the command at which [`decode`](Self::decode) stopped.
    pub(super) fn command(&self) -> &[u8] {
        match (self.command, &self.block, &self.large) {
            (Place::Block(from, to), Some(block), _) => block.bytes(from, to),
            (Place::Large, _, Some(large)) => large.msg.whole().map_or(&[], Msg::data),
            _ => &[],
        }
    }

    /// Consumes the current command.
    pub(super) fn end_command(&mut self) {
        match std::mem::take(&mut self.command) {
            Place::Nowhere => {}
            Place::Block(_, to) => self.start = to,
            Place::Large => self.large = None,
        }
    }

    fn begin_large(
        &mut self,
        header: Header,
        from: usize,
        size: usize,
        prefix: usize,
    ) -> Result<(), Fault> {
        let mut msg = Filling::with_size(size - prefix).map_err(|_| Fault::Memory)?;
        msg.set(flag::MORE, header.more);
        let have = self
            .block
            .as_ref()
            .map_or(&[][..], |block| block.bytes(from, self.end));
        let (prefix, have) = have.split_at(prefix.min(have.len()));
        let prefix = prefix.to_vec();
        msg.room().put(have);
        self.start = self.end;
        self.large = Some(Box::new(Large {
            msg,
            prefix,
            command: false,
        }));
        Ok(())
    }

    /// Delivers the long body if it is complete. `Some`: decoding stops.
    fn finish_large(
        &mut self,
        session: &mut Session,
        pipe: &mut PipeEnd,
    ) -> Result<Option<Decoded>, Fault> {
        let Some(large) = &mut self.large else {
            return Ok(None);
        };
        let Some(msg) = large.msg.whole_mut() else {
            return Ok(Some(Decoded::Starved));
        };
        if !pipe.check_write() {
            return Ok(Some(Decoded::Full));
        }
        if large.command {
            self.command = Place::Large;
            return Ok(Some(Decoded::Command));
        }
        if !large.prefix.is_empty() {
            let body = msg.data_mut().unwrap_or_default();
            let flags = open(session, &large.prefix, body)?;
            if flags.command {
                self.command = Place::Large;
                return Ok(Some(Decoded::Command));
            }
            msg.set(flag::MORE, flags.more);
        }
        if let Some(msg) = self.large.take().and_then(|large| large.msg.finish()) {
            self.after_large = msg.len() >= READ_BLOCK / 2;
            self.after_huge = msg.len() >= 2 * MUCH_MISSING;
            self.delivered += u32::from(!msg.more());
            pipe.write_unchecked(msg);
        }
        Ok(None)
    }
}

/// A message with this range of the block, which it shares if it is long and not `copies`.
#[inline]
fn message(block: &mut Block, from: usize, to: usize, copies: bool) -> Result<Msg, Fault> {
    match to - from <= INLINE_MAX {
        true => Ok(Msg::inline(block.bytes(from, to))),
        false if copies => Msg::copy_from(block.bytes(from, to)).map_err(|_| Fault::Memory),
        false => Ok(Msg::slice(block, from, to)),
    }
}

/// Decrypts a frame in place and returns its flags. Mechanisms that encrypt do not use the
/// flags of the header.
fn open(session: &mut Session, prefix: &[u8], body: &mut [u8]) -> Result<Flags, Fault> {
    let outer = Flags {
        more: false,
        command: false,
    };
    session
        .mechanism
        .decode_parts(outer, prefix, body)
        .map_err(Fault::Protocol)
}
