//! What a program watches of a socket: its monitor, its peers.

#![forbid(unsafe_code)]

use super::handles::with;
use crate::error::{Error, Result};
use crate::pattern::Pattern;
use crate::runtime::context::inproc::{Binder, Binding};
use crate::runtime::monitor::{HWM, Monitor};
use crate::transport::{self, Carries};

/// `zmq_socket_get_peer_state`: `ZMQ_POLLOUT` if a message to the peer with this routing id would
/// be taken now, else 0. [`Error::HostUnreachable`] if there is none, [`Error::NotSupported`] for
/// types without routing ids.
pub fn peer_state(address: usize, id: &[u8]) -> Result<i32> {
    with(address, |socket| {
        socket.with_pattern(|pattern, env| pattern.peer_state(env, id))
    })
}

/// `zmq_socket_monitor`: from now on events in `mask` go to the socket that connects to the
/// inproc endpoint. `None` ends the monitor. [`Error::Invalid`] for a bad endpoint,
/// [`Error::ProtoNotSupported`] for another transport, [`Error::AddrInUse`].
pub fn watch(address: usize, endpoint: Option<&[u8]>, mask: u32) -> Result<()> {
    with(address, |socket| {
        let (monitoring, names) = (&socket.shared.monitor, &socket.core.inproc);
        let Some(text) = endpoint else {
            monitoring.set(None, names);
            return Ok(());
        };
        let (transport, name) = transport::find(text, socket.options.kind)?;
        if transport.spec().carries != Carries::Messages {
            return Err(Error::ProtoNotSupported);
        }
        monitoring.set(None, names);
        let monitor = Monitor::new(name.to_vec(), mask);
        let binding = Binding {
            binder: Binder::Monitor(monitor.clone()),
            hwm: (HWM, HWM),
            routing_id: Vec::new(),
            wants_routing_id: false,
            hello: Vec::new(),
            farewell: Vec::new(),
        };
        names.bind(name, binding)?;
        monitoring.set(Some(monitor), names);
        Ok(())
    })
}
