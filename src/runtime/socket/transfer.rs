//! Sending and receiving: the short way of a short message first, then the long one.

#![forbid(unsafe_code)]

use super::super::wait::Wait;
use super::*;
use crate::message::{FRAMED_MAX, flag};
use crate::sync::suspend::{self, SleepOn};

/// `zmq_send` and its kin: sends one part, blocking as options and flags say.
/// It leaves `msg` empty, or as it was on failure.
pub fn send(address: usize, msg: &mut Msg, flags: i32) -> Result<()> {
    send_from(find(address)?, msg, flags | SLEEPS)
}

/// As [`send`], with the slot at hand, but may be suspended.
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

/// As [`send_from`], with a copy of a body of up to [`FRAMED_MAX`] bytes, which
/// becomes a message only if it must.
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

/// The slower part of sending.
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
    // The wait has read mail that an event loop on ZMQ_FD has yet to hear of.
    shared.request_check();
    result
}

/// `zmq_recv` and its kin: receives one part, blocking as options and flags say.
pub fn recv(address: usize, flags: i32) -> Result<Msg> {
    let mut msg = Msg::new();
    recv_into(find(address)?, &mut msg, flags | SLEEPS)?;
    Ok(msg)
}

/// As [`recv`], in place of the content of `into`, and may be suspended. On failure the
/// content stays, or is gone if something was read that no part of a message came of.
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

/// As [`recv_into`], but lets `read` have the body. To that it may be shown under the
/// socket's lock.
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

/// The slower part of receiving.
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
    /// What sending begins with.
    #[inline]
    fn begin_send(&mut self) -> Result<()> {
        self.process_commands_at_times()?;
        self.has_sent = true;
        Ok(())
    }

    /// Sends a part that is no more than a short body, if there is a short way to.
    #[inline(always)]
    fn send_frame(&mut self, body: &[u8], more: bool) -> bool {
        let (pattern, mut env) = self.parts();
        let output = pattern.plain_output();
        output.is_some_and(|output| output.send_frame(&mut env, body, more))
    }

    /// Lets `read` have a part if there is a short way to it.
    #[inline(always)]
    fn recv_frame<R>(&mut self, read: impl FnOnce(&mut PipeEnd) -> Option<(R, bool)>) -> Option<R> {
        let (pattern, mut env) = self.parts();
        let (result, more) = pattern.plain_input()?.recv_frame(&mut env, read)?;
        self.more = more;
        Some(result)
    }

    /// What receiving begins with: now and then the mail comes first, so that new
    /// peers get their turn under load.
    #[inline]
    fn begin_recv(&mut self, flags: i32) -> Result<()> {
        self.check_alive()?;
        self.receives -= 1;
        match self.receives {
            0 => self.pause_receiving(flags),
            _ => Ok(()),
        }
    }

    /// A thread that never finds its pipes empty is cancelled here, before it takes a
    /// message.
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

    /// Receives from the pipes known to have messages, leaving the mail for
    /// later: that is cheaper, and it is libzmq's order.
    #[inline]
    fn recv_known(&mut self, into: &mut Msg) -> Result<()> {
        self.with_pattern(|pattern, env| pattern.recv(env, into))?;
        self.more = into.more();
        Ok(())
    }
}
