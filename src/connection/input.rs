//! The way in: bytes from the stream become messages in the pipe.
//!
//! Bytes are read into a block that belongs to the thread, not to the
//! connection. Bodies of medium size stay where they were read, as slices of
//! the block; short ones are copied into the message; long ones that have not
//! arrived yet are read straight into their own memory.

#![forbid(unsafe_code)]

use crate::message::{Block, Filling, INLINE_MAX, Msg, Run, flag};
use crate::pipe::PipeEnd;
use crate::sync::local::thread_cell;
use crate::transport::ByteStream;
use crate::zmtp::{Flags, HandshakeError, Header, ProtocolError, Refusal, Session};
use std::io;

/// Bytes in a read block.
const BLOCK: usize = 64 * 1024;
/// A block with less room is not read into any more.
const ROOM_MIN: usize = 16 * 1024;
/// A frame longer than this that is not complete gets memory of its own.
const LARGE: usize = 8 * 1024;
/// While so many bytes of a body are to come, it is no use to look for them all the
/// time: the sender needs longer for them than a sleep takes.
const MUCH: usize = 512 * 1024;
/// Bytes of an incomplete frame that are kept outside a block.
const PARTIAL_MAX: usize = 2 * 1024;

thread_cell! {
    /// The block of the connection that this thread drives, and its fill mark.
    static SPARE: Option<(Block, usize)> = None;
}

/// Why a connection must be closed from what came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes are no valid frames.
    Frame,
    /// A frame is longer than allowed.
    TooLong,
    /// There is no memory for a frame.
    Memory,
    /// A frame is not what the mechanism wants it to be.
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

/// What [`Input::decode`] stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decoded {
    /// More bytes are needed.
    Starved,
    /// The pipe is full.
    Full,
    /// A command: its body is [`Input::command`]; go on with
    /// [`Input::end_command`].
    Command,
}

/// A long body on its way in.
struct Large {
    msg: Filling,
    /// The beginning of the frame that is not part of the message, if the
    /// mechanism has such.
    prefix: Vec<u8>,
    /// It is the body of a command.
    command: bool,
}

/// Where the body of the command at hand is.
#[derive(Clone, Copy, Debug, Default)]
enum Place {
    #[default]
    Nowhere,
    /// From there to there in the block; the next frame is behind it.
    Block(usize, usize),
    /// It is the long body.
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
    /// The last frame would fill half a block and more, and so may the next: little is
    /// read ahead this once, since what is read of its body has to be copied.
    after_large: bool,
    /// Whole messages delivered since the last look.
    pub(super) delivered: u32,
}

impl Input {
    /// Gets a block to read into. False if there is no memory.
    pub(super) fn open(&mut self) -> bool {
        if self.block.is_none() {
            let spare = SPARE.take();
            let Some((block, fill)) = spare.or_else(|| Some((Block::new(BLOCK)?, 0))) else {
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

    /// Sees to it that the block has room; moves what is left to a fresh one
    /// if need be.
    fn make_room(&mut self) -> bool {
        let Some(block) = &mut self.block else {
            return false;
        };
        if block.capacity() - self.end >= ROOM_MIN {
            return true;
        }
        let left = block.bytes(self.start, self.end).to_vec();
        if left.len() > BLOCK - ROOM_MIN {
            return true; // decode first
        }
        if !block.reclaim() {
            match Block::new(BLOCK) {
                Some(fresh) => *block = fresh,
                None => return false,
            }
        }
        (self.start, self.end) = (0, 0);
        self.append(&left);
        true
    }

    /// Gives the block back to the thread if nothing in it waits, or little.
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

    /// One read from the stream. `Ok(0)` is the end of it; the flag tells
    /// whether the stream may have more at once.
    pub(super) fn read(&mut self, stream: &ByteStream) -> io::Result<(usize, bool)> {
        if let Some(large) = &mut self.large {
            let room = large.msg.room();
            let wanted = room.len();
            let count = stream.read(room)?;
            return Ok((count, count == wanted));
        }
        if !self.make_room() {
            return Err(io::ErrorKind::OutOfMemory.into());
        }
        let end = self.end;
        let Some(block) = &mut self.block else {
            return Err(io::ErrorKind::OutOfMemory.into());
        };
        let room = block.room(end);
        let wanted = match std::mem::take(&mut self.after_large) {
            true => room.len().min(LARGE),
            false => room.len(),
        };
        let count = stream.read(room.first(wanted))?;
        self.end += count;
        Ok((count, count == wanted))
    }

    /// Whether much of a long body is to come yet.
    pub(super) fn expects_much(&self) -> bool {
        let large = self.large.as_deref();
        large.is_some_and(|large| large.msg.missing() >= MUCH)
    }

    /// The bytes not yet consumed, for the handshake.
    pub(super) fn bytes(&self) -> &[u8] {
        self.block
            .as_ref()
            .map_or(&[], |block| block.bytes(self.start, self.end))
    }

    /// Marks bytes as used.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Moves complete messages to the pipe. Does not flush it.
    pub(super) fn decode(
        &mut self,
        session: &mut Session,
        limit: i64,
        pipe: &mut PipeEnd,
    ) -> Result<Decoded, Fault> {
        let commands = session.version.has_commands();
        let forwards = session.passes_frames();
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
                if size <= LARGE || self.end < from + prefix {
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
                match self.open_frame(session, pipe, from, to)? {
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
            let mut msg = match size <= INLINE_MAX {
                true => Msg::inline(block.bytes(from, to)),
                false => Msg::slice(block, from, to),
            };
            msg.set(flag::MORE, header.more);
            pipe.write_unchecked(msg);
            self.delivered += u32::from(!header.more);
            self.start = to;
        }
    }

    /// Moves the whole messages at the front to the pipe, as they are, if there are
    /// several.
    #[inline]
    fn forward_frames(&mut self, limit: i64, pipe: &mut PipeEnd) {
        let Some(block) = &mut self.block else {
            return;
        };
        if pipe.is_mid_message() || pipe.conflates() || !pipe.check_write() {
            return;
        }
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let Some(run) = Run::at(block, self.start, self.end, pipe.room(), limit) else {
            return;
        };
        let messages = run.messages();
        pipe.write_run(run);
        self.delivered += messages.count as u32;
        self.start += messages.len;
    }

    /// Decrypts a complete frame and delivers its message. `Some` when decoding
    /// stops.
    fn open_frame(
        &mut self,
        session: &mut Session,
        pipe: &mut PipeEnd,
        from: usize,
        to: usize,
    ) -> Result<Option<Decoded>, Fault> {
        if !pipe.check_write() {
            return Ok(Some(Decoded::Full)); // a frame can be opened only once
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
        let mut msg = match to - from <= INLINE_MAX {
            true => Msg::inline(block.bytes(from, to)),
            false => Msg::slice(block, from, to),
        };
        msg.set(flag::MORE, flags.more);
        self.delivered += u32::from(!flags.more);
        pipe.write_unchecked(msg);
        self.start = to;
        Ok(None)
    }

    /// The body of the command that [`decode`](Self::decode) stopped at.
    pub(super) fn command(&self) -> &[u8] {
        match (self.command, &self.block, &self.large) {
            (Place::Block(from, to), Some(block), _) => block.bytes(from, to),
            (Place::Large, _, Some(large)) => large.msg.whole().map_or(&[], Msg::data),
            _ => &[],
        }
    }

    /// Goes on behind the command.
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

    /// Delivers the long body if it is complete. `Some` when decoding stops.
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
            self.after_large = msg.len() >= BLOCK / 2;
            self.delivered += u32::from(!msg.more());
            pipe.write_unchecked(msg);
        }
        Ok(None)
    }
}

/// What the peer meant with a frame. The flags of the header do not matter to
/// the mechanisms that encrypt.
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
