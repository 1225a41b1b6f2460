//! The calls on socket handles: make, find, lock, check, close.

#![forbid(unsafe_code)]

use super::flags::POLLIN;
use super::state::Socket;
use crate::abi::socket_type::SocketType;
use crate::error::{Error, Result};
use crate::options::Options;
use crate::pattern::{AnyPattern, Pattern};
use crate::runtime::context::{self, Core};
use crate::runtime::handle::{Slot, Table};
use crate::runtime::random;
use crate::runtime::shared::{Identity, Mail, Reader, Reading, Shared};
use crate::sys::{
    self,
    log::{Origin, log},
};
use std::sync::Arc;
// Not from sync::atomic: a static, which loom's types cannot be in.
use std::sync::atomic::{AtomicU32, Ordering};

/// All sockets of the process.
pub static SOCKETS: Table<Socket> = Table::new();

/// `zmq_socket`: makes a socket in a context.
///
/// [`Error::Fault`] for a bad context, [`Error::Invalid`] for a bad type,
/// [`Error::TooManyFiles`] at `ZMQ_MAX_SOCKETS`, [`Error::Term`].
pub fn create(context: usize, socket_type: i32) -> Result<&'static Slot<Socket>> {
    let core = context::find(context)?;
    core.admit_socket()?;
    let made = make(core.clone(), socket_type);
    if made.is_err() {
        core.release_socket();
    }
    made
}

/// The name in the log for a new socket: its type and a number.
fn origin(kind: SocketType) -> Origin {
    static SOCKETS: AtomicU32 = AtomicU32::new(0);
    Origin {
        kind: kind.name(),
        number: SOCKETS.fetch_add(1, Ordering::Relaxed).wrapping_add(1),
    }
}

fn make(core: Arc<Core>, socket_type: i32) -> Result<&'static Slot<Socket>> {
    let kind = SocketType::from_number(socket_type).ok_or(Error::Invalid)?;
    if kind.is_draft() && !sys::has_drafts() {
        return Err(Error::Invalid);
    }
    let pattern = AnyPattern::new(kind, random::number()).ok_or(Error::Invalid)?;
    let (options, spins) = {
        let context = core.options.lock();
        (Options::new(kind, &context), context.spin)
    };
    let identity = Identity {
        origin: origin(kind),
        subscribes: kind.spec().subscribes,
        wants_routing_id: pattern.wants_routing_id(),
    };
    let shared = Shared::new(core.clone(), identity, options.linger, spins);
    let socket = Socket::new(shared.clone(), options, pattern);
    let slot = SOCKETS.insert(Box::new(socket))?;
    shared.mail.set_reader(slot);
    core.socket_opened(&shared.as_member());
    log!(Debug, identity.origin, "open");
    Ok(slot)
}

/// The slot of a handle; [`Error::NotSocket`] if the address is no handle.
#[inline]
pub fn find(address: usize) -> Result<&'static Slot<Socket>> {
    SOCKETS.find(address).ok_or(Error::NotSocket)
}

/// Whether the address is that of a live socket's handle; [`Error::NotSocket`] if not.
pub fn exists(address: usize) -> Result<()> {
    let guard = find(address)?.lock()?;
    guard.as_ref().map(drop).ok_or(Error::NotSocket)
}

/// Whether several threads may use the socket, by its type.
pub fn is_thread_safe(address: usize) -> Result<bool> {
    let guard = find(address)?.lock()?;
    let socket = guard.as_ref().ok_or(Error::NotSocket)?;
    Ok(socket.options.kind.spec().thread_safe)
}

/// Locks a handle's socket, processes its commands, and runs `f` on it. [`Error::Term`]
/// after the context was shut down.
pub fn with<R>(address: usize, f: impl FnOnce(&mut Socket) -> Result<R>) -> Result<R> {
    let mut guard = find(address)?.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.process_commands_aside()?;
    f(socket)
}

/// As [`with`], but leaves the commands in the mailbox: an option that is set takes effect
/// before a subscription that waits there, as in libzmq.
pub(super) fn with_unread_mail<R>(
    address: usize,
    f: impl FnOnce(&mut Socket) -> Result<R>,
) -> Result<R> {
    let mut guard = find(address)?.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.check_alive()?;
    f(socket)
}

/// `zmq_close`.
pub fn close(address: usize) -> Result<()> {
    let slot = find(address)?;
    let Some(mut socket) = SOCKETS.remove(slot)? else {
        // In a forked child only the handle of a parent's socket ends.
        return SOCKETS
            .end_orphan(slot)
            .then_some(())
            .ok_or(Error::NotSocket);
    };
    socket.shut();
    let shared = socket.shared.clone();
    drop(socket);
    shared.mail.signal(); // wakes other threads that wait on the handle
    shared.core.socket_closed(&shared.as_member());
    // Last: only now are its inproc names free, which may contain the handle's address.
    SOCKETS.give_back(slot);
    Ok(())
}

/// The events of `wanted` ([`POLLIN`], `POLLOUT`) that are ready on a socket. A quiet slot
/// has no [`POLLIN`], and is not locked for it.
#[inline]
pub fn ready(address: usize, wanted: i16) -> Result<i16> {
    let slot = find(address)?;
    match wanted == POLLIN && slot.is_quiet() {
        true => Ok(0),
        false => ready_now(slot, wanted),
    }
}

fn ready_now(slot: &'static Slot<Socket>, wanted: i16) -> Result<i16> {
    let mut guard = slot.lock()?;
    let socket = guard.as_mut().ok_or(Error::NotSocket)?;
    socket.process_commands()?;
    let events = socket.events(wanted);
    if wanted == POLLIN && events == 0 {
        slot.mark_quiet(&guard, |socket| socket.shared.may_be_ready());
    }
    Ok(events)
}

impl Reader for Slot<Socket> {
    fn mark_ready(&self) {
        (**self).mark_ready();
    }

    fn try_read(&self, mail: &Mail) -> Reading {
        let Some(mut guard) = self.try_lock() else {
            return Reading::Busy;
        };
        match guard.as_mut() {
            Some(socket) if std::ptr::eq(&socket.shared.mail, mail) => Reading::Done {
                any: socket.process_mail(),
                backlog: socket.backlog_scheduled,
            },
            // Closed; the slot may hold another socket.
            _ => Reading::Gone,
        }
    }
}
