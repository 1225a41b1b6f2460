//! Bytes in and out, in all phases that have a stream.

#![forbid(unsafe_code)]

use super::action::{Action, Loss};
use super::output::Flow;
use super::timers::Timer;
use super::{FAREWELL, Machine, Phase};
use crate::sys::room::Room;
use std::io;
use std::time::Instant;

impl Machine {
    /// Writes what is queued, and then what the pipe holds, until nothing is left, the stream is
    /// full, or it has taken `limit` bytes (the last write may exceed it). `write` takes two
    /// slices to be written in order, of which one may be empty, and returns how many bytes
    /// the stream took, or its error. Returns the bytes written, also with an error: pass that
    /// to [`write_failed`](Self::write_failed).
    #[inline]
    pub fn transmit(
        &mut self,
        limit: usize,
        mut write: impl FnMut(&[u8], &[u8]) -> io::Result<usize>,
    ) -> (usize, io::Result<Flow>) {
        let batch = self.settings.write_batch();
        match &mut self.phase {
            Phase::Active(active) if !active.half_closed => {
                let pipe = self.pipe.as_mut();
                let source = pipe.map(|pipe| (pipe, &mut active.session));
                self.output.drive(write, source, limit, batch)
            }
            Phase::Handshake(opening) if !opening.half_closed => {
                self.output.drive(write, None, limit, batch)
            }
            Phase::Proxy(tunnel) => {
                while !tunnel.output().is_empty() {
                    match write(tunnel.output(), &[]) {
                        Ok(count) => tunnel.sent(count),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            return (0, Ok(Flow::Blocked));
                        }
                        Err(error) => return (0, Err(error)),
                    }
                }
                (0, Ok(Flow::Drained))
            }
            _ => (0, Ok(Flow::Drained)),
        }
    }

    /// A write has failed. If that only means that the peer takes no more, what it sent before,
    /// such as the reason of a refusal, may still be there to read.
    pub fn write_failed(&mut self, error: &io::Error, now: Instant) {
        let kind = error.kind();
        let closed = matches!(
            kind,
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
        );
        match &mut self.phase {
            Phase::Handshake(opening) if closed && self.ending.is_none() => {
                opening.half_closed = true;
            }
            Phase::Active(active) if closed && self.ending.is_none() => active.half_closed = true,
            _ => return self.stream_failed(Loss::by(error), now),
        }
        self.timers.set(Timer::PeerCheck, Some(now + FAREWELL));
    }

    /// The stream has ended or failed.
    pub fn stream_failed(&mut self, why: Loss, now: Instant) {
        match self.phase {
            Phase::Proxy(_) => self.abandon_attempt(0),
            Phase::Handshake(_) | Phase::Active(_) => self.lose(why, now),
            _ => {} // it is given up already
        }
    }

    /// Call before [`room`](Self::room): borrows memory to read into from the thread, and
    /// delivers what was left when the pipe was full.
    #[inline]
    pub fn begin_input(&mut self, now: Instant) {
        if !matches!(self.phase, Phase::Handshake(_) | Phase::Active(_)) {
            return;
        }
        if !self.input.open() {
            return self.lose(Loss::Stream(libc::ENOMEM), now);
        }
        self.resume(now);
    }

    /// Whether bytes are to be read now.
    #[inline]
    pub fn wants_input(&self) -> bool {
        match &self.phase {
            Phase::Active(active) => !active.stalled && self.pipe.is_some(),
            Phase::Handshake(_) | Phase::Proxy(_) => true,
            _ => false,
        }
    }

    /// Where to read to. `None` if nothing is to be read now.
    #[inline]
    pub fn room(&mut self) -> Option<Room<'_>> {
        match &mut self.phase {
            Phase::Active(active) if !active.stalled && self.pipe.is_some() => {
                let room = self.input.room()?;
                Some(room.first(self.settings.read_batch()))
            }
            Phase::Handshake(_) => self.input.room(),
            Phase::Proxy(tunnel) => Some(tunnel.room()),
            _ => None,
        }
    }

    /// So many bytes, not 0, were read into the [`room`](Self::room).
    #[inline]
    pub fn handle_input(&mut self, count: usize, now: Instant) {
        if let Phase::Proxy(tunnel) = &mut self.phase {
            return match tunnel.received(count) {
                Ok(true) => self.ask(Action::ThroughProxy),
                Ok(false) => {}
                Err(()) => self.abandon_attempt(0),
            };
        }
        self.input.received(count);
        self.peer_lives(now);
        match self.phase {
            Phase::Active(_) => self.decode(now),
            _ => self.negotiate(),
        }
    }

    /// Call when reading stops: returns the memory and publishes the messages to the pipe.
    /// Returns how many whole ones came.
    #[inline]
    pub fn end_input(&mut self) -> u32 {
        self.input.close();
        if let Some(pipe) = &mut self.pipe {
            pipe.flush();
        }
        std::mem::take(&mut self.input.delivered)
    }
}
