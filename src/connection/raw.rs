//! Raw connections: bytes of a plain TCP peer, for STREAM and `ZMQ_ROUTER_RAW`.
//!
//! There is no greeting, no time limit on one and no heartbeat: the session is
//! that of a peer without any abilities, and its framing has no headers. So a
//! raw connection takes the same way through [`super::state`] as any other,
//! except where it says so.

#![forbid(unsafe_code)]

use super::link::Settings;
use crate::message::Msg;
use crate::pipe::PipeEnd;
use crate::zmtp::{Framing, Mechanism, Session, Version, metadata::PropertyList};

/// What a handshake would have agreed on.
pub(super) fn session() -> Session {
    Session {
        framing: Framing::Raw,
        version: Version::V1_0,
        peer_routing_id: Vec::new(),
        peer_socket_type: None,
        properties: PropertyList::default(),
        mechanism: Mechanism::Null,
        subscribe_all: false,
    }
}

/// Tells the application that its peer came or went, if it wants to know. Not
/// subject to the high-water mark: it comes once, and could not be repeated.
pub(super) fn notice(settings: &Settings, pipe: &mut PipeEnd) {
    if settings.raw_notify {
        pipe.write_unchecked(Msg::new());
    }
}
