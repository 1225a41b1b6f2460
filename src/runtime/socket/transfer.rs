//! Sending and receiving, by the application thread under the socket's lock.
//!
//! The functions are compiled for each kind of [`Outgoing`] and [`Incoming`], down to the pipe. A
//! call that must wait does so in [`wait::until`].

#![forbid(unsafe_code)]

use super::flags::{DONTWAIT, SLEEPS, SNDMORE};
use super::handles::find;
use super::state::{Locked, Socket};
use super::wait::{self, Wait};
use crate::error::{Error, Result};
use crate::io_policy::tunables::{CANCEL_EVERY, MAIL_EVERY};
use crate::message::{Msg, Outgoing};
use crate::pattern::Pattern;
use crate::pipe::Incoming;
use crate::runtime::handle::Slot;
use crate::sync::suspend::{self, SleepOn};

/// `zmq_send` and similar: sends one part, blocking according to options and flags. Leaves
/// the part empty, or unchanged on failure.
pub fn send(address: usize, msg: &mut Msg, flags: i32) -> Result<()> {
    send_from(find(address)?, msg, flags | SLEEPS)
}

/// As [`send`], with a copy of `bytes` as the body.
pub fn send_bytes(address: usize, bytes: &[u8], flags: i32) -> Result<()> {
    send(address, &mut Msg::copy_from(bytes)?, flags)
}

/// As [`send`], for a known slot, and may be suspended.
#[inline(always)]
pub fn send_from<P: Outgoing>(slot: &'static Slot<Socket>, part: &mut P, flags: i32) -> Result<()> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_send()?;
    let more = flags & SNDMORE != 0;
    if more && !socket.options.kind.spec().multipart {
        return Err(Error::Invalid);
    }
    part.renew(more);
    match socket.try_send(part) {
        Err(Error::Again) if flags & DONTWAIT == 0 => send_waiting(slot, guard, part, flags),
        other => other,
    }
}

/// Whether a call is suspended instead of sleeping.
fn suspends(flags: i32) -> bool {
    flags & SLEEPS == 0 && suspend::is_possible()
}

#[cold]
#[inline(never)]
fn send_waiting<P: Outgoing>(
    slot: &'static Slot<Socket>,
    guard: Locked,
    part: &mut P,
    flags: i32,
) -> Result<()> {
    let socket = guard.as_ref().ok_or(Error::NotSocket)?;
    if socket.options.sndtimeo == 0 {
        return Err(Error::Again);
    }
    let shared = socket.shared.clone();
    let how = Wait {
        deadline: wait::limit(socket.options.sndtimeo),
        reads: false,
        suspends: suspends(flags),
    };
    let result = wait::until(slot, guard, how, |socket| socket.try_send(part));
    // The wait has read mail and lowered `ZMQ_FD`, without a report to the application.
    shared.mail.request_check();
    result
}

/// `zmq_recv` and similar: receives one part, blocking according to options and flags.
pub fn recv(address: usize, flags: i32) -> Result<Msg> {
    let mut msg = Msg::new();
    recv_into(find(address)?, &mut msg, flags | SLEEPS)?;
    Ok(msg)
}

/// As [`recv`], in place of the content of `into`, and may be suspended. On failure the
/// content is unchanged, or gone if a part was read and then discarded.
#[inline(always)]
pub fn recv_into<I: Incoming>(slot: &'static Slot<Socket>, into: &mut I, flags: i32) -> Result<()> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_recv(flags)?;
    match socket.recv_known(into) {
        Err(Error::Again) => recv_unknown(slot, guard, into, flags)?,
        other => other?,
    }
    into.hand_out(&slot.lender);
    Ok(())
}

/// Receives after the pipes known to have messages were found empty.
#[inline(never)]
fn recv_unknown<I: Incoming>(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    into: &mut I,
    flags: i32,
) -> Result<()> {
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.process_commands()?;
    match socket.try_recv(into) {
        Err(Error::Again) if flags & DONTWAIT == 0 && socket.options.rcvtimeo != 0 => {
            let how = Wait {
                deadline: wait::limit(socket.options.rcvtimeo),
                reads: true,
                suspends: suspends(flags),
            };
            wait::until(slot, guard, how, |socket| socket.try_recv(into))
        }
        other => other,
    }
}

impl Socket {
    /// The beginning of each send.
    #[inline]
    fn begin_send(&mut self) -> Result<()> {
        self.process_commands_at_times()?;
        self.has_sent = true;
        Ok(())
    }

    /// The beginning of each receive. Every [`MAIL_EVERY`] receives the mail is read first,
    /// so that new peers are served under load.
    #[inline]
    fn begin_recv(&mut self, flags: i32) -> Result<()> {
        self.check_alive()?;
        self.receives -= 1;
        match self.receives {
            0 => self.pause_receiving(flags),
            _ => Ok(()),
        }
    }

    /// Reads the mail, and every [`CANCEL_EVERY`] times suspends the call without a sleep:
    /// the cancellation point of a thread that never has to wait, before it takes a message.
    #[cold]
    #[inline(never)]
    fn pause_receiving(&mut self, flags: i32) -> Result<()> {
        self.receives = MAIL_EVERY;
        self.process_commands()?;
        self.pauses = self.pauses.wrapping_add(1);
        if self.pauses % CANCEL_EVERY != 0 || !suspends(flags) {
            return Ok(());
        }
        suspend::suspend(SleepOn::None, None, Box::new(()));
        Err(Error::Suspended)
    }

    /// Sends without blocking.
    #[inline(always)]
    pub fn try_send<P: Outgoing>(&mut self, part: &mut P) -> Result<()> {
        let (pattern, mut env) = self.parts();
        let result = pattern.send(&mut env, part);
        self.after_pattern();
        result
    }

    /// Receives from the pipes known to have messages, without reading the mail: this is
    /// cheaper, and libzmq's order.
    #[inline(always)]
    fn recv_known<I: Incoming>(&mut self, into: &mut I) -> Result<()> {
        let (pattern, mut env) = self.parts();
        let result = pattern.recv(&mut env, into);
        self.after_pattern();
        result?;
        self.more = into.more();
        Ok(())
    }

    /// Receives without blocking. Reads the caller-driven connections if the pipes have no
    /// message.
    fn try_recv<I: Incoming>(&mut self, into: &mut I) -> Result<()> {
        let result = self.recv_known(into);
        if matches!(result, Err(Error::Again))
            && self.shared.caller_driven.drive_inputs_at_intervals()
            && self.shared.mail.has_commands()
        {
            self.process_mail();
            return self.recv_known(into);
        }
        result
    }
}
