//! `zmq_socket_monitor`.

#![forbid(unsafe_code)]

use super::handles::with;
use crate::error::{Error, Result};
use crate::runtime::context::inproc::{Binder, Binding};
use crate::runtime::monitor::{HWM, Monitor};
use crate::transport::{self, Carries};

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
        };
        names.bind(name, binding)?;
        monitoring.set(Some(monitor), names);
        Ok(())
    })
}
