//! Sending and receiving, by the application thread under the socket's lock.
//!
//! A short body takes the short way: its bytes are copied between the caller's memory and a
//! run of frames in a pipe, with no message in between. If the pattern or the pipe does not
//! allow that, the part takes the long way, as a [`Msg`]. A call that must wait does so in
//! [`wait::until`].

#![forbid(unsafe_code)]

use super::flags::{DONTWAIT, SLEEPS, SNDMORE};
use super::handles::find;
use super::state::{Locked, Socket};
use super::wait::{self, Wait};
use crate::error::{Error, Result};
use crate::io_policy::tunables::{CANCEL_EVERY, MAIL_EVERY};
use crate::message::{FRAMED_MAX, Msg, flag};
use crate::pattern::Pattern;
use crate::pipe::PipeEnd;
use crate::runtime::handle::Slot;
use crate::sync::suspend::{self, SleepOn};

/// `zmq_send` and similar: sends one part, blocking according to options and flags. Leaves
/// `msg` empty, or unchanged on failure.
pub fn send(address: usize, msg: &mut Msg, flags: i32) -> Result<()> {
    send_from(find(address)?, msg, flags | SLEEPS)
}

/// As [`send`], for a known slot, and may be suspended.
#[inline(always)]
pub fn send_from(slot: &'static Slot<Socket>, msg: &mut Msg, flags: i32) -> Result<()> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_send()?;
    msg.renew(flags & SNDMORE != 0);
    if msg.is_framable() && socket.send_frame(msg.data(), msg.more()) {
        msg.clear();
        return Ok(());
    }
    send_locked(slot, guard, msg, flags)
}

/// As [`send`], with a copy of `bytes` as the body.
pub fn send_bytes(address: usize, bytes: &[u8], flags: i32) -> Result<()> {
    let slot = find(address)?;
    send_from(slot, &mut Msg::copy_from(bytes)?, flags | SLEEPS)
}

/// As [`send_from`], with a body of up to [`FRAMED_MAX`] bytes, which is copied. `message`
/// makes a message of it for the long way.
#[inline(always)]
pub fn send_short(
    slot: &'static Slot<Socket>,
    body: &[u8],
    flags: i32,
    message: impl FnOnce() -> Msg,
) -> Result<()> {
    debug_assert!(body.len() <= FRAMED_MAX);
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_send()?;
    let more = flags & SNDMORE != 0;
    if socket.send_frame(body, more) {
        return Ok(());
    }
    let mut msg = message();
    msg.set(flag::MORE, more);
    send_locked(slot, guard, &mut msg, flags)
}

/// Whether a call is suspended instead of sleeping.
fn suspends(flags: i32) -> bool {
    flags & SLEEPS == 0 && suspend::is_possible()
}

/// Sends on the long way.
fn send_locked(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    msg: &mut Msg,
    flags: i32,
) -> Result<()> {
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    match socket.try_send(msg) {
        Err(Error::Again) if flags & DONTWAIT == 0 && socket.options.sndtimeo != 0 => {
            send_waiting(slot, guard, msg, flags)
        }
        other => other,
    }
}

#[cold]
fn send_waiting(
    slot: &'static Slot<Socket>,
    guard: Locked,
    msg: &mut Msg,
    flags: i32,
) -> Result<()> {
    let Some(socket) = guard.as_ref() else {
        return Err(Error::NotSocket);
    };
    let shared = socket.shared.clone();
    let how = Wait {
        deadline: wait::limit(socket.options.sndtimeo),
        reads: false,
        suspends: suspends(flags),
    };
    let result = wait::until(slot, guard, how, |socket| socket.try_send(msg));
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
pub fn recv_into(slot: &'static Slot<Socket>, into: &mut Msg, flags: i32) -> Result<()> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_recv(flags)?;
    let read = |end: &mut PipeEnd| end.read_frame_into(into).map(|more| ((), more));
    if socket.recv_frame(read).is_none() {
        recv_locked(slot, guard, into, flags)?;
    }
    into.hand_out(&slot.lender);
    Ok(())
}

/// As [`recv_into`], but calls `read` with the body, possibly under the socket's lock.
#[inline(always)]
pub fn recv_with<R>(
    slot: &'static Slot<Socket>,
    read: impl Fn(&[u8]) -> R,
    flags: i32,
) -> Result<R> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.begin_recv(flags)?;
    if let Some(result) = socket.recv_frame(|end| end.read_frame_with(&read)) {
        return Ok(result);
    }
    let mut msg = Msg::new().with(flag::BARE);
    recv_locked(slot, guard, &mut msg, flags)?;
    Ok(read(msg.data()))
}

/// Receives on the long way.
#[inline(never)]
fn recv_locked(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    into: &mut Msg,
    flags: i32,
) -> Result<()> {
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    match socket.recv_known(into) {
        Err(Error::Again) => recv_unknown(slot, guard, into, flags),
        other => other,
    }
}

#[inline(never)]
fn recv_unknown(
    slot: &'static Slot<Socket>,
    mut guard: Locked,
    into: &mut Msg,
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

    /// Sends a short body on the short way. False if there is none.
    #[inline(always)]
    fn send_frame(&mut self, body: &[u8], more: bool) -> bool {
        let (pattern, mut env) = self.parts();
        let output = pattern.plain_output();
        output.is_some_and(|output| output.send_frame(&mut env, body, more))
    }

    /// Calls `read` on a pipe with a part on the short way. `None` if there is none.
    #[inline(always)]
    fn recv_frame<R>(&mut self, read: impl FnOnce(&mut PipeEnd) -> Option<(R, bool)>) -> Option<R> {
        let (pattern, mut env) = self.parts();
        let (result, more) = pattern.plain_input()?.recv_frame(&mut env, read)?;
        self.more = more;
        Some(result)
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

    /// Receives from the pipes known to have messages, without reading the mail: this is
    /// cheaper, and libzmq's order.
    #[inline]
    fn recv_known(&mut self, into: &mut Msg) -> Result<()> {
        self.with_pattern(|pattern, env| pattern.recv(env, into))?;
        self.more = into.more();
        Ok(())
    }
}
