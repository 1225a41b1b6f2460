//! The events of a connection or a listener, for the monitor and the log.

#![forbid(unsafe_code)]

use crate::sys::log::{Level, Origin, Text, enabled, log};
use std::io;

/// The `ZMQ_EVENT_*` numbers.
pub mod kind {
    use crate::abi::numbers::*;

    /// A connect succeeded; value: descriptor.
    pub const CONNECTED: u32 = ZMQ_EVENT_CONNECTED as u32;
    /// A connection attempt is under way; value: errno.
    pub const CONNECT_DELAYED: u32 = ZMQ_EVENT_CONNECT_DELAYED as u32;
    /// The next attempt is scheduled; value: milliseconds until then.
    pub const CONNECT_RETRIED: u32 = ZMQ_EVENT_CONNECT_RETRIED as u32;
    /// A listener is bound; value: descriptor.
    pub const LISTENING: u32 = ZMQ_EVENT_LISTENING as u32;
    /// A bind failed; value: errno.
    pub const BIND_FAILED: u32 = ZMQ_EVENT_BIND_FAILED as u32;
    /// A connection was accepted; value: descriptor.
    pub const ACCEPTED: u32 = ZMQ_EVENT_ACCEPTED as u32;
    /// Accepting failed; value: errno.
    pub const ACCEPT_FAILED: u32 = ZMQ_EVENT_ACCEPT_FAILED as u32;
    /// A listener, or the descriptor of a failed attempt, was closed; value: descriptor.
    pub const CLOSED: u32 = ZMQ_EVENT_CLOSED as u32;
    /// The files of an ipc listener could not be removed; value: errno.
    pub const CLOSE_FAILED: u32 = ZMQ_EVENT_CLOSE_FAILED as u32;
    /// A connection ended; value: descriptor.
    pub const DISCONNECTED: u32 = ZMQ_EVENT_DISCONNECTED as u32;
    /// The last event of a monitor; value: 0.
    pub const MONITOR_STOPPED: u32 = ZMQ_EVENT_MONITOR_STOPPED as u32;
    /// A handshake failed for neither of the two reasons below; value: errno.
    pub const HANDSHAKE_FAILED_NO_DETAIL: u32 = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL as u32;
    /// A handshake is complete; value: 0.
    pub const HANDSHAKE_SUCCEEDED: u32 = ZMQ_EVENT_HANDSHAKE_SUCCEEDED as u32;
    /// The peer broke the protocol; value: `ZMQ_PROTOCOL_ERROR_*`.
    pub const HANDSHAKE_FAILED_PROTOCOL: u32 = ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL as u32;
    /// Authentication failed; value: ZAP status.
    pub const HANDSHAKE_FAILED_AUTH: u32 = ZMQ_EVENT_HANDSHAKE_FAILED_AUTH as u32;
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// One of [`kind`].
    pub kind: u32,
    /// Meaning depends on the kind.
    pub value: u64,
    /// The endpoint as the application knows it.
    pub endpoint: Vec<u8>,
}

/// The socket's monitor and its lines in the log. See [`Link`](super::Link).
pub trait Diagnostics: Send + Sync {
    /// The socket's name in the log.
    fn origin(&self) -> Origin;
    /// Whether there is a monitor for [`event`](Self::event).
    fn is_monitored(&self) -> bool;
    /// Queues an event for the monitor.
    fn event(&self, event: Event);
}

/// Reports an event at an endpoint to the monitor and the log. Called under a connection's
/// lock or by an acceptor.
pub(super) fn emit(link: &(impl Diagnostics + ?Sized), kind: u32, value: u64, endpoint: &[u8]) {
    if link.is_monitored() {
        let endpoint = endpoint.to_vec();
        link.event(Event {
            kind,
            value,
            endpoint,
        });
    }
    if enabled(Level::Warn) {
        write_down(link, kind, value, endpoint);
    }
}

/// Logs the event. A loss is not logged here: `driver/report.rs` does that, with its reason.
fn write_down(link: &(impl Diagnostics + ?Sized), kind: u32, value: u64, endpoint: &[u8]) {
    let (origin, at) = (link.origin(), Text(endpoint));
    let error = || io::Error::from_raw_os_error(value as i32);
    match kind {
        kind::CONNECTED => log!(Info, origin, "connected to {at} (fd {value})"),
        kind::CONNECT_DELAYED => log!(Debug, origin, "connecting to {at}"),
        kind::CONNECT_RETRIED => log!(Info, origin, "connects to {at} again in {value} ms"),
        kind::LISTENING => log!(Info, origin, "listening on {at} (fd {value})"),
        kind::CLOSE_FAILED => log!(Warn, origin, "cannot remove the file of {at}: {}", error()),
        kind::CLOSED => log!(Debug, origin, "closed fd {value} of {at}"),
        _ => {}
    }
}
