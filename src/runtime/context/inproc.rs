//! inproc endpoints: the names bound within a context, and the connections that wait for
//! a name to be bound.
//!
//! Sockets call the [`Registry`] under their own lock; monitors and ZAP questions call it
//! from the threads of connections. Its lock is held while a pipe is built and attached, so
//! that no bind comes between the lookup of a name and the attachment; attaching sends a
//! command to the binder and takes no socket's lock.

#![forbid(unsafe_code)]

use super::member::Member;
use crate::error::{Error, Result};
use crate::message::{Msg, flag};
use crate::pipe::PipeEnd;
use crate::runtime::monitor::Monitor;
use crate::sync::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// The message that carries a socket's routing id over inproc. `None` without memory.
pub fn routing_id_message(id: &[u8]) -> Option<Msg> {
    Some(Msg::copy_from(id).ok()?.with(flag::ROUTING_ID))
}

fn same(one: &Arc<dyn Member>, other: &dyn Member) -> bool {
    std::ptr::addr_eq(Arc::as_ptr(one), other)
}

/// The owner of a bound name.
#[derive(Clone)]
pub enum Binder {
    /// A socket.
    Socket(Arc<dyn Member>),
    /// A socket's monitor.
    Monitor(Arc<Monitor>),
}

impl Binder {
    /// The socket, if it is one.
    pub fn socket(&self) -> Option<&Arc<dyn Member>> {
        match self {
            Binder::Socket(socket) => Some(socket),
            Binder::Monitor(_) => None,
        }
    }

    fn is_socket(&self, socket: &dyn Member) -> bool {
        self.socket().is_some_and(|own| same(own, socket))
    }

    /// Gives the binder its end of a new pipe.
    fn attach(&self, end: PipeEnd) {
        match self {
            Binder::Socket(socket) => socket.join(end),
            Binder::Monitor(monitor) => monitor.attach(end),
        }
    }
}

/// What a connecting socket needs to know about a binder.
#[derive(Clone)]
pub struct Binding {
    /// The receiver of the new pipes.
    pub binder: Binder,
    /// `ZMQ_SNDHWM` and `ZMQ_RCVHWM` at the time it bound.
    pub hwm: (i32, i32),
    /// The binder's routing id.
    pub routing_id: Vec<u8>,
    /// The binder wants its peers' routing ids.
    pub wants_routing_id: bool,
    /// `ZMQ_HELLO_MSG`: the binder's first message to each peer; empty for none.
    pub hello: Vec<u8>,
    /// `ZMQ_DISCONNECT_MSG`: the last message that the binder receives from each peer; empty
    /// for none.
    pub farewell: Vec<u8>,
}

impl Binding {
    /// Writes the binder's hello to its end of a new pipe, behind the routing id, and sets the
    /// peer's farewell.
    pub fn greet(&self, end: &mut PipeEnd) {
        say_hello(end, &self.hello);
        end.set_farewell(&self.farewell);
    }
}

/// Writes `ZMQ_HELLO_MSG` to a new pipe; nothing if it is empty.
pub fn say_hello(end: &mut PipeEnd, hello: &[u8]) {
    if !hello.is_empty() {
        // Without memory the peer gets none.
        if let Ok(msg) = Msg::copy_from(hello) {
            end.write_unchecked(msg);
            end.flush();
        }
    }
}

/// A connection made before the name was bound, with the future binder's end.
pub struct Pending {
    /// The binder's end; the connecting socket may already write to the other one.
    pub end: PipeEnd,
    /// The connecting socket wants the binder's routing id.
    pub wants_routing_id: bool,
    /// The connecting socket.
    pub from: Arc<dyn Member>,
}

#[derive(Default)]
struct Names {
    bound: HashMap<Vec<u8>, Binding>,
    pending: HashMap<Vec<u8>, Vec<Pending>>,
}

/// The inproc names of a context.
#[derive(Default)]
pub struct Registry {
    names: Mutex<Names>,
}

impl Registry {
    /// Binds a name, and attaches the connections that wait for it. [`Error::AddrInUse`] if
    /// the name is taken.
    pub fn bind(&self, name: &[u8], binding: Binding) -> Result<()> {
        let mut names = self.names.lock();
        if names.bound.contains_key(name) {
            return Err(Error::AddrInUse);
        }
        for pending in names.pending.remove(name).unwrap_or_default() {
            join(pending, &binding);
        }
        names.bound.insert(name.to_vec(), binding);
        Ok(())
    }

    /// Connects: `make` gets the binding, if there is one, builds the pipe, and returns the
    /// binder's end, which is attached now or when the name is bound.
    pub fn connect(&self, name: &[u8], make: impl FnOnce(Option<&Binding>) -> Pending) {
        let mut names = self.names.lock();
        let pending = make(names.bound.get(name));
        match names.bound.get(name) {
            Some(binding) => binding.binder.attach(pending.end),
            None => names
                .pending
                .entry(name.to_vec())
                .or_default()
                .push(pending),
        }
    }

    /// Connects if a socket has bound the name: `make` builds the pipe and returns the
    /// binder's end. False if there is no such socket.
    pub fn connect_if_bound(&self, name: &[u8], make: impl FnOnce(&Binding) -> PipeEnd) -> bool {
        let names = self.names.lock();
        let binding = names.bound.get(name);
        let Some(binding) = binding.filter(|binding| binding.binder.socket().is_some()) else {
            return false;
        };
        binding.binder.attach(make(binding));
        true
    }

    /// Frees a name if `socket` has bound it; [`Error::NotFound`] otherwise. Connections
    /// stay.
    pub fn unbind(&self, name: &[u8], socket: &dyn Member) -> Result<()> {
        let mut names = self.names.lock();
        match names.bound.get(name) {
            Some(binding) if binding.binder.is_socket(socket) => {
                names.bound.remove(name);
                Ok(())
            }
            _ => Err(Error::NotFound),
        }
    }

    /// Drops all pending connections, when the context ends.
    pub fn clear(&self) {
        let pending = std::mem::take(&mut self.names.lock().pending);
        drop(pending);
    }

    /// Frees the name of a monitor.
    pub fn unbind_monitor(&self, name: &[u8]) {
        self.names.lock().bound.remove(name);
    }

    /// Drops the pending connections to a name that the connecting socket has closed, except
    /// those with unread messages.
    pub fn forget_pending(&self, name: &[u8]) {
        let mut names = self.names.lock();
        let Some(list) = names.pending.get_mut(name) else {
            return;
        };
        list.retain_mut(|pending| !pending.end.is_peer_closed() || pending.end.has_messages());
        if list.is_empty() {
            names.pending.remove(name);
        }
    }

    /// Drops the names and the pending connections of a socket that closes, except
    /// connections with unread messages.
    pub fn forget(&self, socket: &dyn Member) {
        let mut names = self.names.lock();
        names
            .bound
            .retain(|_, binding| !binding.binder.is_socket(socket));
        names.pending.retain(|_, list| {
            // The messages of a closed socket stay for the binder.
            list.retain_mut(|pending| !same(&pending.from, socket) || pending.end.has_messages());
            !list.is_empty()
        });
    }
}

/// Attaches a pending connection to its binder: adds the binder's HWMs, and passes the
/// routing ids on that either side wants.
fn join(mut pending: Pending, binding: &Binding) {
    let (snd, rcv) = binding.hwm;
    pending.end.set_hwm(snd, rcv);
    if !binding.wants_routing_id {
        pending.end.skip_routing_id();
    }
    if pending.wants_routing_id {
        if let Some(id) = routing_id_message(&binding.routing_id) {
            pending.end.write_unchecked(id);
            pending.end.flush();
        }
    }
    binding.greet(&mut pending.end);
    binding.binder.attach(pending.end);
}
