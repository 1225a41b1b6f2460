//! Raw connections: bytes of a plain TCP peer, for STREAM and `ZMQ_ROUTER_RAW`.
//!
//! There is no greeting, no handshake time limit and no heartbeat: the session is that of a
//! peer of the oldest version, and its framing has no headers. Otherwise a raw connection
//! runs through the machine as any other; the exceptions there test `Settings::raw`.

#![forbid(unsafe_code)]

use super::super::settings::Settings;
use crate::message::Msg;
use crate::pipe::PipeEnd;
use crate::zmtp::{Framing, Mechanism, Session, Version, metadata::PropertyList};

/// The session that a handshake would have agreed on.
pub(super) fn session() -> Session {
    Session {
        framing: Framing::Raw,
        version: Version::V1_0,
        peer_routing_id: Vec::new(),
        peer_socket_type: None,
        properties: PropertyList::default(),
        mechanism: Mechanism::Null,
        subscribe_all: false,
        groups: false,
    }
}

/// Reports to the application that the peer has come or gone, by an empty message, if
/// `ZMQ_STREAM_NOTIFY` is on. The high-water mark does not apply: the report cannot be
/// repeated later.
pub(super) fn notice(settings: &Settings, pipe: &mut PipeEnd) {
    if settings.raw_notify {
        pipe.write_unchecked(Msg::new());
    }
}
