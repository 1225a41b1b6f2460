//! Sending and receiving.
//!
//! Each of these functions may sleep, and is a cancellation point. After a sleep the boundary
//! makes the call again with a second closure, which is out of line so that the first one, the
//! frequent one, stays small.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;

use libc::iovec;

use super::boundary::{receiving, sending};
use super::msg::message;
use super::types::zmq_msg_t;
use crate::error::{Error, Result};
use crate::message::{Body, Msg, copy::copy};
use crate::pipe::Reading;
use crate::runtime::handle::Slot;
use crate::runtime::socket::{self, SNDMORE, Socket};

/// A length as the functions return it: `INT_MAX` if it is larger.
#[inline]
fn length(len: usize) -> c_int {
    c_int::try_from(len).unwrap_or(c_int::MAX)
}

/// Sends a part with a copy of length bytes. flags: ZMQ_DONTWAIT, ZMQ_SNDMORE.
/// Returns length, or -1 with EAGAIN (would block, or ZMQ_SNDTIMEO passed),
/// ENOTSUP, EFSM, EHOSTUNREACH, EINTR, ENOMEM, ETERM or ENOTSOCK.
///
/// # Safety
/// `buffer` is valid for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_send(
    socket: *mut c_void,
    buffer: *const c_void,
    size: usize,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `buffer` is valid for `size` bytes, also after a sleep.
    sending(
        move || unsafe { send_buffer(socket, buffer, size, flags) },
        move || unsafe { send_buffer_again(socket, buffer, size, flags) },
    )
}

/// Body of [`zmq_send`]: NULL is an empty buffer if `size` is 0, and else [`Error::Fault`].
///
/// # Safety
/// `buffer` is NULL or valid for `size` bytes.
#[inline(always)]
unsafe fn send_buffer(
    socket: *mut c_void,
    buffer: *const c_void,
    size: usize,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: the caller promises that `buffer` is NULL or valid for `size` bytes.
    let bytes = unsafe { super::bytes(buffer, size) };
    let bytes = bytes.or((size == 0).then_some(&[][..]));
    let Some(bytes) = bytes else {
        return socket::with(socket as usize, |_| Err(Error::Fault));
    };
    send_bytes(socket, bytes, flags)?;
    Ok(length(size))
}

/// [`send_buffer`], out of line for the repetition after a sleep.
///
/// # Safety
/// As [`send_buffer`].
#[cold]
#[inline(never)]
unsafe fn send_buffer_again(
    socket: *mut c_void,
    buffer: *const c_void,
    size: usize,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: as for this function.
    unsafe { send_buffer(socket, buffer, size, flags) }
}

/// Sends a copy of `bytes`. A short body is copied once, to where the pipe keeps it.
#[inline(always)]
fn send_bytes(socket: *mut c_void, bytes: &[u8], flags: c_int) -> Result<()> {
    let slot = socket::find(socket as usize)?;
    match Body::new(bytes) {
        Some(mut body) => socket::send_from(slot, &mut body, flags),
        None => send_long(slot, bytes, flags),
    }
}

#[inline(never)]
fn send_long(slot: &'static Slot<Socket>, bytes: &[u8], flags: c_int) -> Result<()> {
    socket::send_from(slot, &mut Msg::copy_from(bytes)?, flags)
}

/// As zmq_send, but the buffer is used in place: it must stay valid and
/// unchanged for ever.
///
/// # Safety
/// `buffer` is valid for `size` bytes for ever.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_send_const(
    socket: *mut c_void,
    buffer: *const c_void,
    size: usize,
    flags: c_int,
) -> c_int {
    let once = || {
        if buffer.is_null() && size > 0 {
            return socket::with(socket as usize, |_| Err(Error::Fault));
        }
        // SAFETY: the caller promises that `buffer` is valid for ever. A message without a free
        // function never writes to it.
        let mut msg =
            unsafe { Msg::from_user(buffer.cast_mut().cast(), size, None, std::ptr::null_mut())? };
        socket::send_from(socket::find(socket as usize)?, &mut msg, flags)?;
        Ok(length(size))
    };
    sending(once, once)
}

/// Receives a part into a buffer of size bytes; what does not fit is cut off.
/// flags: ZMQ_DONTWAIT. Returns the length of the whole part, or -1 with EAGAIN
/// (nothing there, or ZMQ_RCVTIMEO passed), ENOTSUP, EFSM, EINTR, ETERM or
/// ENOTSOCK.
///
/// # Safety
/// `buffer` is valid for `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recv(
    socket: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `buffer` is valid for `size` bytes, also after a sleep.
    receiving(
        move || unsafe { receive_buffer(socket, buffer, size, flags) },
        move || unsafe { receive_buffer_again(socket, buffer, size, flags) },
    )
}

/// Body of [`zmq_recv`]: with a NULL buffer the part is received and dropped.
///
/// # Safety
/// `buffer` is NULL or valid for `size` bytes.
#[inline(always)]
unsafe fn receive_buffer(
    socket: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    flags: c_int,
) -> Result<c_int> {
    let slot = socket::find(socket as usize)?;
    let mut len = 0;
    let into_len = &mut len;
    let mut into = Reading::new(move |body| {
        if !buffer.is_null() {
            // SAFETY: not NULL, so valid for `size` bytes by the caller's promise; no more than
            // that and than the body has are copied.
            unsafe { copy(body.as_ptr(), buffer.cast(), body.len().min(size)) };
        }
        *into_len = body.len();
    });
    socket::recv_into(slot, &mut into, flags)?;
    Ok(length(len))
}

/// [`receive_buffer`], out of line for the repetition after a sleep.
///
/// # Safety
/// As [`receive_buffer`].
#[cold]
#[inline(never)]
unsafe fn receive_buffer_again(
    socket: *mut c_void,
    buffer: *mut c_void,
    size: usize,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: as for this function.
    unsafe { receive_buffer(socket, buffer, size, flags) }
}

/// Sends a message part; it is empty afterwards. On failure it stays the
/// caller's as it was. Returns its size, errors as zmq_send, EFAULT if it is
/// not a message.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_send(
    msg: *mut zmq_msg_t,
    socket: *mut c_void,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message, also after a sleep.
    sending(
        move || unsafe { send_message(socket, msg, flags) },
        move || unsafe { send_message_again(socket, msg, flags) },
    )
}

/// Body of [`zmq_msg_send`].
///
/// # Safety
/// `msg` is NULL or points to a message.
#[inline(always)]
unsafe fn send_message(socket: *mut c_void, msg: *mut zmq_msg_t, flags: c_int) -> Result<c_int> {
    let slot = socket::find(socket as usize)?;
    // SAFETY: the caller promises that `msg` is NULL or points to a message.
    let place = unsafe { message(msg)? };
    let size = place.len();
    socket::send_from(slot, place, flags)?;
    Ok(length(size))
}

/// [`send_message`], out of line for the repetition after a sleep.
///
/// # Safety
/// As [`send_message`].
#[cold]
#[inline(never)]
unsafe fn send_message_again(
    socket: *mut c_void,
    msg: *mut zmq_msg_t,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: as for this function.
    unsafe { send_message(socket, msg, flags) }
}

/// Receives a part into an initialised message, whose old content is released.
/// Returns its size, errors as zmq_recv, EFAULT if it is not a message.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_msg_recv(
    msg: *mut zmq_msg_t,
    socket: *mut c_void,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message, also after a sleep.
    receiving(
        move || unsafe { receive_message(socket, msg, flags) },
        move || unsafe { receive_message_again(socket, msg, flags) },
    )
}

/// Body of [`zmq_msg_recv`].
///
/// # Safety
/// `msg` is NULL or points to a message.
#[inline(always)]
unsafe fn receive_message(socket: *mut c_void, msg: *mut zmq_msg_t, flags: c_int) -> Result<c_int> {
    let slot = socket::find(socket as usize)?;
    // SAFETY: the caller promises that `msg` is NULL or points to a message.
    let place = unsafe { message(msg)? };
    let outcome = socket::recv_into(slot, place, flags);
    if let Err(error) = outcome {
        // A receive without a message empties `msg`, as in libzmq.
        if error == Error::Again {
            place.clear();
        }
        return Err(error);
    }
    Ok(length(place.len()))
}

/// [`receive_message`], out of line for the repetition after a sleep.
///
/// # Safety
/// As [`receive_message`].
#[cold]
#[inline(never)]
unsafe fn receive_message_again(
    socket: *mut c_void,
    msg: *mut zmq_msg_t,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: as for this function.
    unsafe { receive_message(socket, msg, flags) }
}

/// Deprecated: zmq_msg_send with the arguments the other way round.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_sendmsg(
    socket: *mut c_void,
    msg: *mut zmq_msg_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message, also after a sleep.
    sending(
        move || unsafe { send_message(socket, msg, flags) },
        move || unsafe { send_message_again(socket, msg, flags) },
    )
}

/// Deprecated: zmq_msg_recv with the arguments the other way round.
///
/// # Safety
/// `msg` points to a message.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recvmsg(
    socket: *mut c_void,
    msg: *mut zmq_msg_t,
    flags: c_int,
) -> c_int {
    // SAFETY: the caller promises that `msg` points to a message, also after a sleep.
    receiving(
        move || unsafe { receive_message(socket, msg, flags) },
        move || unsafe { receive_message_again(socket, msg, flags) },
    )
}

/// Sends count buffers as parts: with ZMQ_SNDMORE in flags as one message, else
/// each as a message of its own. Returns the size of the last one, errors as
/// zmq_send; EINVAL for no buffers. What was sent before an error stays sent.
///
/// # Safety
/// `iov` is valid for `count` entries, each valid for its length.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_sendiov(
    socket: *mut c_void,
    iov: *mut iovec,
    count: usize,
    flags: c_int,
) -> c_int {
    let sent = Cell::new(0);
    let once = || {
        socket::find(socket as usize)?;
        if count == 0 || iov.is_null() {
            return Err(Error::Invalid);
        }
        // SAFETY: not NULL, so valid for `count` entries by the caller's promise.
        let parts = unsafe { std::slice::from_raw_parts(iov, count) };
        // SAFETY: the caller promises that each entry is valid for its length.
        unsafe { send_parts(socket, parts, &sent, flags) }
    };
    sending(once, once)
}

/// Sends the parts from number `sent` on, which counts those sent, also before a sleep.
///
/// # Safety
/// Each entry is valid for its length.
unsafe fn send_parts(
    socket: *mut c_void,
    parts: &[iovec],
    sent: &Cell<usize>,
    flags: c_int,
) -> Result<c_int> {
    let mut last = 0;
    for (index, part) in parts.iter().enumerate().skip(sent.get()) {
        let is_last = index + 1 == parts.len();
        let flags = if is_last { flags & !SNDMORE } else { flags };
        // SAFETY: the caller promises that each entry is valid for its length.
        let bytes = unsafe { super::bytes(part.iov_base, part.iov_len) }.unwrap_or_default();
        send_bytes(socket, bytes, flags)?;
        sent.set(index + 1);
        last = length(bytes.len());
    }
    Ok(last)
}

/// Receives up to *count parts of one message into buffers that it allocates
/// with malloc and the caller frees. *count becomes their number, also on
/// error. Returns that number, or -1 as zmq_recv; EINVAL for no buffers.
///
/// # Safety
/// `count` is valid, and `iov` for `*count` entries.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn zmq_recviov(
    socket: *mut c_void,
    iov: *mut iovec,
    count: *mut usize,
    flags: c_int,
) -> c_int {
    let room = Cell::new(0);
    // SAFETY: the caller promises that `count` is valid.
    let begin = || unsafe { begin_parts(socket, iov, count, &room) };
    // SAFETY: `begin` has checked that neither is NULL, so both are valid by the caller's
    // promise.
    let next = || unsafe { continue_parts(socket, iov, count, room.get(), flags) };
    receiving(|| begin().and_then(|()| next()), next)
}

/// Checks the arguments of zmq_recviov, and moves `*count` to `room`; it is then 0.
///
/// # Safety
/// `count` is NULL or valid.
unsafe fn begin_parts(
    socket: *mut c_void,
    iov: *mut iovec,
    count: *mut usize,
    room: &Cell<usize>,
) -> Result<()> {
    socket::find(socket as usize)?;
    // SAFETY: the caller promises that `count` is NULL or valid.
    let count = unsafe { count.as_mut() }.ok_or(Error::Invalid)?;
    if iov.is_null() || *count == 0 {
        return Err(Error::Invalid);
    }
    room.set(std::mem::take(count));
    Ok(())
}

/// Receives the parts that follow the `*count` already received.
///
/// # Safety
/// `count` is valid and `iov` for `room` entries.
unsafe fn continue_parts(
    socket: *mut c_void,
    iov: *mut iovec,
    count: *mut usize,
    room: usize,
    flags: c_int,
) -> Result<c_int> {
    // SAFETY: the caller promises that both are valid; the entries need not be initialised.
    let (places, count) = unsafe {
        let places = iov.cast::<MaybeUninit<iovec>>();
        (std::slice::from_raw_parts_mut(places, room), &mut *count)
    };
    receive_parts(socket as usize, places, count, flags)
}

fn receive_parts(
    socket: usize,
    places: &mut [MaybeUninit<iovec>],
    count: &mut usize,
    flags: c_int,
) -> Result<c_int> {
    for place in places.iter_mut().skip(*count) {
        let mut msg = Msg::new();
        socket::recv_into(socket::find(socket)?, &mut msg, flags)?;
        place.write(duplicate(msg.data())?);
        *count += 1;
        if !msg.more() {
            break;
        }
    }
    Ok(length(*count))
}

/// A copy of `bytes` in memory from malloc.
fn duplicate(bytes: &[u8]) -> Result<iovec> {
    let size = bytes.len();
    // SAFETY: malloc accepts any size; the result is checked below.
    let copy = unsafe { libc::malloc(size.max(1)) };
    if copy.is_null() {
        return Err(Error::NoMemory);
    }
    // SAFETY: `copy` is a new allocation of at least `size` bytes.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), copy.cast(), size) };
    Ok(iovec {
        iov_base: copy,
        iov_len: size,
    })
}
