//! A query to the ZAP handler: who asks, what, and the answer.

#![forbid(unsafe_code)]

use crate::sys::log::Origin;
use crate::zmtp::{ZapRequest, ZapVerdict};

/// A query to the ZAP handler, by a connection whose handshake waits for the answer.
#[derive(Clone, Debug)]
pub struct ZapQuery {
    /// Mechanism and credentials.
    pub request: ZapRequest,
    /// `ZMQ_ZAP_DOMAIN`.
    pub domain: Vec<u8>,
    /// The peer's address without its port.
    pub address: Vec<u8>,
    /// `ZMQ_ROUTING_ID` of this side's socket, as libzmq sends it.
    pub routing_id: Vec<u8>,
    /// Returned with the answer. A connection that has reconnected meanwhile recognises by
    /// it that the answer is not for its current handshake.
    pub token: u64,
}

/// A query without an answer yet, owned by its connection. Dropping it withdraws the query,
/// so the queries that wait are bounded by the handshakes under way.
pub trait OpenQuestion: Send {}

/// What sends a [`ZapQuery`]: a connection. Its methods may be called from any thread.
pub trait ZapClient: Send + Sync {
    /// Takes the answer, even from within the call that sent the query. An answer that no
    /// handshake waits for is dropped.
    fn zap_reply(&self, token: u64, verdict: ZapVerdict);

    /// The socket's name in the log.
    fn origin(&self) -> Origin;
}

/// The answer to a [`ZapQuery`].
#[derive(Debug)]
pub(super) struct ZapAnswer {
    pub token: u64,
    pub verdict: ZapVerdict,
}
