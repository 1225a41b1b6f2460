//! inproc endpoints: names within a context, and connections that wait for one.

#![forbid(unsafe_code)]

use super::monitor::Monitor;
use super::shared::{Command, Shared};
use crate::error::{Error, Result};
use crate::pipe::PipeEnd;
use crate::sync::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// What the other side needs to know of a binding socket.
#[derive(Clone)]
pub struct Binding {
    /// The socket.
    pub shared: Arc<Shared>,
    /// `ZMQ_SNDHWM` and `ZMQ_RCVHWM` at the time it bound.
    pub hwm: (i32, i32),
    /// Its routing id.
    pub routing_id: Vec<u8>,
    /// Whether it wants to know its peers' routing ids.
    pub wants_routing_id: bool,
}

/// A connection made before the name was bound: the binder's end.
pub struct Pending {
    /// The end; the connecting socket may be writing to the other one.
    pub end: PipeEnd,
    /// The connecting socket wants the binder's routing id.
    pub wants_routing_id: bool,
    /// The connecting socket.
    pub from: Arc<Shared>,
}

#[derive(Default)]
struct Names {
    bound: HashMap<Vec<u8>, Binding>,
    pending: HashMap<Vec<u8>, Vec<Pending>>,
    monitors: HashMap<Vec<u8>, Arc<Monitor>>,
}

/// The inproc names of a context.
#[derive(Default)]
pub struct Registry {
    names: Mutex<Names>,
}

impl Registry {
    /// Binds a name, and joins the connections that waited for it.
    /// [`Error::AddrInUse`] if it is taken.
    pub fn bind(&self, name: &[u8], binding: Binding) -> Result<()> {
        let mut names = self.names.lock();
        if names.bound.contains_key(name) || names.monitors.contains_key(name) {
            return Err(Error::AddrInUse);
        }
        for pending in names.pending.remove(name).unwrap_or_default() {
            join(pending, &binding);
        }
        names.bound.insert(name.to_vec(), binding);
        Ok(())
    }

    /// Connects: `make` builds the pipe, given the binding if there is one, and
    /// returns the other side's end, which goes there now or later.
    pub fn connect(&self, name: &[u8], make: impl FnOnce(Option<&Binding>) -> Pending) {
        let mut names = self.names.lock();
        let pending = make(names.bound.get(name));
        match names.bound.get(name) {
            Some(binding) => binding.shared.tell(Command::Attach(Box::new(pending.end))),
            None => names
                .pending
                .entry(name.to_vec())
                .or_default()
                .push(pending),
        }
    }

    /// Connects if somebody has bound the name: `make` builds the pipe and
    /// returns the binder's end. Returns whether there was a binder.
    pub fn connect_if_bound(&self, name: &[u8], make: impl FnOnce(&Binding) -> PipeEnd) -> bool {
        let names = self.names.lock();
        let Some(binding) = names.bound.get(name) else {
            return false;
        };
        binding
            .shared
            .tell(Command::Attach(Box::new(make(binding))));
        true
    }

    /// Frees a name if `shared` holds it. Connections stay.
    pub fn unbind(&self, name: &[u8], shared: &Arc<Shared>) -> Result<()> {
        let mut names = self.names.lock();
        match names.bound.get(name) {
            Some(binding) if Arc::ptr_eq(&binding.shared, shared) => {
                names.bound.remove(name);
                Ok(())
            }
            _ => Err(Error::NotFound),
        }
    }

    /// Drops all that still waits; the context ends.
    pub fn clear(&self) {
        let pending = std::mem::take(&mut self.names.lock().pending);
        drop(pending);
    }

    /// Gives a name to a monitor. [`Error::AddrInUse`] if it is taken.
    pub fn bind_monitor(&self, name: &[u8], monitor: Arc<Monitor>) -> Result<()> {
        let mut names = self.names.lock();
        if names.bound.contains_key(name) || names.monitors.contains_key(name) {
            return Err(Error::AddrInUse);
        }
        names.monitors.insert(name.to_vec(), monitor);
        Ok(())
    }

    /// Frees the name of a monitor.
    pub fn unbind_monitor(&self, name: &[u8]) {
        self.names.lock().monitors.remove(name);
    }

    /// The reading end for a socket that connects to a monitor's name.
    pub fn monitor_end(&self, name: &[u8]) -> Option<PipeEnd> {
        let monitor = self.names.lock().monitors.get(name)?.clone();
        monitor.take_end()
    }

    /// Forgets what is of a socket that closes, but for messages on their way.
    pub fn forget(&self, shared: &Arc<Shared>) {
        let mut names = self.names.lock();
        names
            .bound
            .retain(|_, binding| !Arc::ptr_eq(&binding.shared, shared));
        names.pending.retain(|_, list| {
            // What a closing socket has sent waits for the binder all the same.
            list.retain_mut(|pending| {
                !Arc::ptr_eq(&pending.from, shared) || pending.end.has_messages()
            });
            !list.is_empty()
        });
    }
}

/// A waiting connection meets its binder: the limits grow by the binder's part,
/// and both learn each other's routing id as far as they want.
fn join(mut pending: Pending, binding: &Binding) {
    let (snd, rcv) = binding.hwm;
    pending.end.set_hwm(snd, rcv);
    if !binding.wants_routing_id {
        pending.end.skip_routing_id();
    }
    if pending.wants_routing_id {
        if let Some(id) = super::socket::routing_id_message(&binding.routing_id) {
            pending.end.write_unchecked(id);
            pending.end.flush();
        }
    }
    binding.shared.tell(Command::Attach(Box::new(pending.end)));
}
